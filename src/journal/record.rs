//! The journal's own records: the start of a process, and the seal of a finished segment.

pub use super::queues::Seal;
use crate::limits::NAME_BYTES_MAX;
use crate::types::ActorId;
use crate::types::record::{RawRecord, RecordBuffer};

/// A process started and took over the journal.
pub const KIND_START: u8 = 1;
/// A finished segment got its hash.
pub const KIND_SEGMENT_SEALED: u8 = 2;
/// Layout version of both kinds.
pub const JOURNAL_RECORD_VERSION: u8 = 1;

const START_FIXED_BYTES: usize = 41;
const SEAL_BYTES: usize = 80;

/// The first record of each start.
///
/// ```text
///  0 start time (ms since the Unix epoch) 8 │ 8 epoch 4 │ 12 format version 2 │ 14 zero 2
/// 16 records before it 8 │ 24 bytes cut 8 │ 32 batches cut 8 │ 40 length 1 │ 41 product version
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start<'a> {
    /// Wall clock at the start, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The number of this start, from 1.
    pub epoch: u32,
    /// Format version that this start writes.
    pub format_version: u16,
    /// Records found and kept.
    pub records: u64,
    /// Bytes of the torn tail that was cut.
    pub cut_bytes: u64,
    /// Whole batches among them, none of them acknowledged.
    pub cut_batches: u64,
    /// Version of the product.
    pub product_version: &'a str,
}

impl<'a> Start<'a> {
    /// Reads a start record. `None` where `raw` is none, or not of this version's layout.
    #[must_use]
    pub fn decode(raw: &RawRecord<'a>) -> Option<Self> {
        if (raw.kind, raw.version) != (KIND_START, JOURNAL_RECORD_VERSION) {
            return None;
        }
        let (fixed, text) = raw.payload.split_first_chunk::<START_FIXED_BYTES>()?;
        let mut input = &fixed[..];
        let time_ms = u64::from_le_bytes(*take(&mut input)?);
        let epoch = u32::from_le_bytes(*take(&mut input)?);
        let format_version = u16::from_le_bytes(*take(&mut input)?);
        let _zero: &[u8; 2] = take(&mut input)?;
        let records = u64::from_le_bytes(*take(&mut input)?);
        let cut_bytes = u64::from_le_bytes(*take(&mut input)?);
        let cut_batches = u64::from_le_bytes(*take(&mut input)?);
        let length: &[u8; 1] = take(&mut input)?;
        if usize::from(length[0]) != text.len() {
            return None;
        }
        Some(Self {
            time_ms,
            epoch,
            format_version,
            records,
            cut_bytes,
            cut_batches,
            product_version: std::str::from_utf8(text).ok()?,
        })
    }

    /// Appends the record to `buffer`.
    pub fn push(&self, buffer: &mut RecordBuffer) {
        let text = self.product_version;
        let text = text
            .get(..text.len().min(NAME_BYTES_MAX))
            .unwrap_or_default();
        buffer.push(KIND_START, JOURNAL_RECORD_VERSION, ActorId::SYSTEM, |out| {
            out.extend_from_slice(&self.time_ms.to_le_bytes());
            out.extend_from_slice(&self.epoch.to_le_bytes());
            out.extend_from_slice(&self.format_version.to_le_bytes());
            out.extend_from_slice(&[0; 2]);
            out.extend_from_slice(&self.records.to_le_bytes());
            out.extend_from_slice(&self.cut_bytes.to_le_bytes());
            out.extend_from_slice(&self.cut_batches.to_le_bytes());
            out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(text.as_bytes());
        });
    }
}

/// Appends the seal of a segment to `buffer`.
///
/// ```text
///  0 segment 8 │ 8 end offset 8 │ 16 hash 32 │ 48 hash of the segment before 32
/// ```
pub(super) fn push_seal(buffer: &mut RecordBuffer, seal: &Seal) {
    let version = JOURNAL_RECORD_VERSION;
    buffer.push(KIND_SEGMENT_SEALED, version, ActorId::SYSTEM, |out| {
        out.extend_from_slice(&u64::from(seal.segment).to_le_bytes());
        out.extend_from_slice(&u64::from(seal.end_offset).to_le_bytes());
        out.extend_from_slice(&seal.hash);
        out.extend_from_slice(&seal.previous);
    });
}

impl Seal {
    /// Reads a seal. `None` where `raw` is none, or not of this version's layout.
    #[must_use]
    pub fn decode(raw: &RawRecord<'_>) -> Option<Self> {
        let known = (KIND_SEGMENT_SEALED, JOURNAL_RECORD_VERSION);
        if (raw.kind, raw.version) != known || raw.payload.len() != SEAL_BYTES {
            return None;
        }
        let mut input = raw.payload;
        let segment = u64::from_le_bytes(*take(&mut input)?);
        let end_offset = u64::from_le_bytes(*take(&mut input)?);
        Some(Self {
            segment: u32::try_from(segment).ok()?,
            end_offset: u32::try_from(end_offset).ok()?,
            hash: *take(&mut input)?,
            previous: *take(&mut input)?,
        })
    }
}

fn take<'a, const N: usize>(input: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (field, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::record::Records;

    #[test]
    fn the_journals_own_records_come_back_as_pushed_and_no_truncation_does() {
        let start = Start {
            time_ms: 1_700_000_000_000,
            epoch: 3,
            format_version: 1,
            records: 77,
            cut_bytes: 4_096,
            cut_batches: 2,
            product_version: "0.1.0",
        };
        let seal = Seal {
            segment: 9,
            end_offset: 65_000,
            hash: [1; 32],
            previous: [2; 32],
        };
        let mut buffer = RecordBuffer::default();
        buffer.start(1);
        start.push(&mut buffer);
        push_seal(&mut buffer, &seal);
        let records: Vec<_> = Records::new(buffer.bytes()).collect();
        assert_eq!(Start::decode(&records[0]), Some(start));
        assert_eq!(Seal::decode(&records[1]), Some(seal));
        for record in records {
            for length in 0..record.payload.len() {
                let payload = &record.payload[..length];
                let short = RawRecord { payload, ..record };
                assert!(Start::decode(&short).is_none() && Seal::decode(&short).is_none());
            }
        }
    }
}
