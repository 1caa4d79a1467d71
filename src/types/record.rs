//! The frame around one journal record, and the buffer in which a turn collects them.
//!
//! ```text
//!  0        1        2        4        8                          8 + length, padded to 8
//!  ┌────────┬────────┬────────┬────────┬──────────────────────────┬─────────┐
//!  │ kind   │version │ actor  │ length │ payload (length bytes)   │ 0 … 0   │
//!  └────────┴────────┴────────┴────────┴──────────────────────────┴─────────┘
//! ```
//!
//! All integers are little-endian. Every record starts at a multiple of 8 within its batch, so a
//! payload can be read in place. Kinds below [`ENGINE_KIND_MIN`] belong to the journal itself.

use crate::types::ActorId;

/// Bytes of the frame in front of each payload.
pub const RECORD_HEADER_BYTES: usize = 8;

/// Records start at multiples of this many bytes.
pub const RECORD_ALIGN_BYTES: usize = 8;

/// Kinds from here on are the engine's; lower ones are the journal's own.
pub const ENGINE_KIND_MIN: u8 = 16;

/// One record as it stands in a batch: frame fields and its payload in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// What happened; see `docs/JOURNAL.md` for the numbers.
    pub kind: u8,
    /// Layout version of this kind.
    pub version: u8,
    /// Who caused it.
    pub actor: ActorId,
    /// The layout of `kind` and `version`, at most `RECORD_PAYLOAD_BYTES_MAX` bytes.
    pub payload: &'a [u8],
}

/// Total bytes of a record whose payload has `payload_bytes` bytes: frame, payload and padding.
#[must_use]
pub const fn record_bytes(payload_bytes: usize) -> usize {
    RECORD_HEADER_BYTES + payload_bytes.next_multiple_of(RECORD_ALIGN_BYTES)
}

/// Splits the first record off `bytes`. Returns it with the bytes after its padding, or `None`
/// where `bytes` is not a whole record.
#[must_use]
pub fn split_record(bytes: &[u8]) -> Option<(RawRecord<'_>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>()?;
    let [kind, version, a0, a1, l0, l1, l2, l3] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length > crate::limits::RECORD_PAYLOAD_BYTES_MAX {
        return None;
    }
    let padded = length.next_multiple_of(RECORD_ALIGN_BYTES);
    let (padded, rest) = rest.split_at_checked(padded)?;
    let payload = padded.get(..length)?;
    let actor = ActorId(u16::from_le_bytes([a0, a1]));
    Some((
        RawRecord {
            kind,
            version,
            actor,
            payload,
        },
        rest,
    ))
}

/// Walks the records of one batch payload; stops at the first malformed one.
///
/// The iterator yields `None` at the end and for malformed bytes alike; [`Records::is_finished`]
/// tells the two apart.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    /// A walk over `bytes`, the payload of a batch without its header.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// True when every byte was consumed as a record.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RawRecord<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (record, rest) = split_record(self.rest)?;
        self.rest = rest;
        Some(record)
    }
}

/// The records of one turn, back to back, with their sequences: reused from turn to turn.
#[derive(Debug, Default)]
pub struct RecordBuffer {
    bytes: Vec<u8>,
    first_sequence: u64,
    count: u32,
}

impl RecordBuffer {
    /// Empties the buffer; the next record gets `first_sequence`.
    pub fn start(&mut self, first_sequence: u64) {
        self.bytes.clear();
        self.first_sequence = first_sequence;
        self.count = 0;
    }

    /// The sequence that the next record gets.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.count)
    }

    /// The sequence of the first record.
    #[must_use]
    pub fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    /// How many records are in the buffer.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The bytes of all records, padded.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// True without records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends one record whose payload `write` puts at the end of the vector it is given (never
    /// touching what is there already), and returns its sequence and the record in place.
    ///
    /// # Panics
    /// If the payload is longer than `RECORD_PAYLOAD_BYTES_MAX`: the callers' bounds rule it out.
    pub fn push(
        &mut self,
        kind: u8,
        version: u8,
        actor: ActorId,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> (u64, RawRecord<'_>) {
        let start = self.bytes.len();
        let [a0, a1] = actor.0.to_le_bytes();
        self.bytes
            .extend_from_slice(&[kind, version, a0, a1, 0, 0, 0, 0]);
        let payload_at = start + RECORD_HEADER_BYTES;
        write(&mut self.bytes);
        assert!(
            self.bytes.len() >= payload_at,
            "a payload writer only appends"
        );
        let length = self.bytes.len() - payload_at;
        assert!(
            length <= crate::limits::RECORD_PAYLOAD_BYTES_MAX,
            "payload within its bound"
        );
        #[allow(clippy::cast_possible_truncation)] // asserted just above
        if let Some(field) = self.bytes.get_mut(start + 4..payload_at) {
            field.copy_from_slice(&(length as u32).to_le_bytes());
        }
        let padded = self.bytes.len().next_multiple_of(RECORD_ALIGN_BYTES);
        self.bytes.resize(padded, 0);
        let sequence = self.next_sequence();
        self.count += 1;
        let payload = self
            .bytes
            .get(payload_at..payload_at + length)
            .unwrap_or_default();
        (
            sequence,
            RawRecord {
                kind,
                version,
                actor,
                payload,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_pushed_with_dense_sequences() {
        let mut buffer = RecordBuffer::default();
        buffer.start(7);
        for length in 0..40_u8 {
            let payload: Vec<u8> = (0..length).collect();
            let (sequence, record) = buffer.push(20 + length, 1, ActorId(3), |out| {
                out.extend_from_slice(&payload);
            });
            assert_eq!(sequence, 7 + u64::from(length));
            assert_eq!(record.payload, payload);
        }
        let mut walk = Records::new(buffer.bytes());
        for length in 0..40_u8 {
            let record = walk.next().expect("a record");
            assert_eq!(
                (record.kind, record.version, record.actor),
                (20 + length, 1, ActorId(3))
            );
            assert_eq!(record.payload.len(), usize::from(length));
        }
        assert!(walk.next().is_none() && walk.is_finished());
    }

    #[test]
    fn every_truncation_of_a_record_is_refused() {
        let mut buffer = RecordBuffer::default();
        buffer.start(0);
        buffer.push(20, 1, ActorId(3), |out| out.extend_from_slice(&[1; 13]));
        for length in 0..buffer.bytes().len() {
            assert!(
                split_record(&buffer.bytes()[..length]).is_none(),
                "length {length}"
            );
        }
    }
}
