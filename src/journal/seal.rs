//! The chain of seals: each finished segment's hash is journaled in a later one, with the hash
//! before it, so that nobody changes history without changing everything after it.

use super::error::{Damage, DamageKind, ReadError};
use super::layout::{Position, segment_name};
use super::reader::Reader;
use super::record::Seal;
use super::segment::STEP_BYTES;
use super::storage::{Storage, StorageFile};
use crate::types::record::{ENGINE_KIND_MIN, Records};
use std::sync::Arc;

/// What a check of the seals found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealReport {
    /// Seals whose segment has the hash that was journaled.
    pub seals: u64,
    /// Bytes hashed.
    pub bytes: u64,
    /// The last segment with a seal; later ones are vouched for by their checksums only.
    pub last_segment: u32,
}

/// Reads the journal of shard `shard` and checks every seal against the bytes of its segment, and
/// against the seal before it.
///
/// # Errors
/// The first seal that does not hold is damage.
pub fn verify_seals<S: Storage>(storage: &Arc<S>, shard: u16) -> Result<SealReport, ReadError> {
    let mut reader = Reader::new(Arc::clone(storage), shard);
    let mut report = SealReport::default();
    let mut last_hash = [0; 32];
    while let Some(batch) = reader.next(u64::MAX)? {
        for (sequence, record) in (batch.sequence..).zip(Records::new(batch.payload)) {
            if record.kind >= ENGINE_KIND_MIN {
                break;
            }
            let Some(seal) = Seal::decode(&record) else {
                continue;
            };
            let follows = seal.segment == report.last_segment + 1 && seal.previous == last_hash;
            if !follows || hash(&**storage, &seal)? != seal.hash {
                return Err(ReadError::Damage(Damage {
                    location: storage.location(),
                    position: Position {
                        segment: seal.segment,
                        offset: 0,
                    },
                    kind: DamageKind::Seal { sequence },
                }));
            }
            last_hash = seal.hash;
            report.seals += 1;
            report.bytes += u64::from(seal.end_offset);
            report.last_segment = seal.segment;
        }
    }
    Ok(report)
}

/// The hash of what a seal covers.
fn hash<S: Storage>(storage: &S, seal: &Seal) -> Result<[u8; 32], ReadError> {
    let name = segment_name(seal.segment);
    let failed = |source| ReadError::Io {
        file: name.clone(),
        source,
    };
    let file = storage.open(&name).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = Vec::new();
    let (mut at, end) = (0, u64::from(seal.end_offset).min(file.size_bytes()));
    while at < end {
        let length = (end - at).min(STEP_BYTES);
        buffer.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        file.read(at, &mut buffer).map_err(failed)?;
        hasher.update(&buffer);
        at += length;
    }
    Ok(*hasher.finalize().as_bytes())
}
