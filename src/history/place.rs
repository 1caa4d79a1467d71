//! Where the history of a shard is: kept in the database, in the same transaction as its rows.

use crate::journal::{Batch, Position};

/// The cursor of one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The sequence that comes next.
    pub next_sequence: u64,
    /// First sequence of the last batch that was taken in.
    pub batch_sequence: u64,
    /// Where that batch is.
    pub segment: u32,
    /// See `segment`.
    pub offset: u32,
    /// Its hash, by which another journal is told from this one.
    pub hash: String,
    /// Its time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

impl Place {
    /// The place behind `batch`.
    pub fn behind(batch: &Batch<'_>) -> Self {
        Self {
            next_sequence: batch.sequence + u64::from(batch.records),
            batch_sequence: batch.sequence,
            segment: batch.position.segment,
            offset: batch.position.offset,
            hash: hash(batch),
            time_ms: batch.time_ms,
        }
    }

    /// Where its batch is.
    pub fn position(&self) -> Position {
        Position {
            segment: self.segment,
            offset: self.offset,
        }
    }
}

/// What tells one batch from every other, in 32 hex digits.
pub(super) fn hash(batch: &Batch<'_>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&batch.sequence.to_le_bytes());
    hasher.update(&batch.time_ms.to_le_bytes());
    hasher.update(&batch.epoch.to_le_bytes());
    hasher.update(batch.payload);
    hasher
        .finalize()
        .to_hex()
        .as_str()
        .chars()
        .take(32)
        .collect()
}
