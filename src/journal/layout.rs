//! The bytes of a segment: its header, and the header of each batch.
//!
//! ```text
//! segment  ┌ header 4096 ┬ batch ┬ batch ┬ … ┬ batch ┬ unused (zeros, or an earlier life) ┐
//! batch    ┌ header 64 ┬ record ┬ record ┬ … ┐        each a multiple of 8 bytes
//! ```
//!
//! Every life of a segment has a random 128-bit salt. Half of it makes the commit word that opens
//! each batch, the other half seeds each checksum, so bytes of an earlier life and bytes that a
//! customer chose are never taken for a batch of this one.

use crate::mutants::{self, Mutant};
use std::fmt;

/// Bytes of the header in front of a segment's first batch.
pub const SEGMENT_HEADER_BYTES: u64 = 4_096;
/// Bytes of the header that carry anything; the rest is zero.
pub const SEGMENT_HEADER_USED_BYTES: usize = 64;
/// Bytes of the header in front of each batch.
pub const BATCH_HEADER_BYTES: usize = 64;
/// Batches start at multiples of this many bytes.
pub const BATCH_ALIGN_BYTES: usize = 8;
/// Version of the format of segments and batches.
pub const FORMAT_VERSION: u16 = 1;

const SEGMENT_MAGIC: [u8; 8] = *b"ONHANDJL";
const COMMIT_MAGIC: u64 = u64::from_le_bytes(*b"OH.BATCH");

const _: () = {
    assert!(BATCH_HEADER_BYTES.is_multiple_of(BATCH_ALIGN_BYTES));
    assert!(SEGMENT_HEADER_BYTES.is_multiple_of(BATCH_ALIGN_BYTES as u64));
    assert!(
        SEGMENT_HEADER_USED_BYTES <= 512,
        "the header is one sector, so it is never torn"
    );
    assert!(crate::types::record::RECORD_ALIGN_BYTES == BATCH_ALIGN_BYTES);
    assert!(crate::limits::BATCH_BYTES_MAX < u32::MAX as usize);
    assert!(crate::limits::BATCH_BYTES_MAX.is_multiple_of(BATCH_ALIGN_BYTES));
};

/// The secret of one life of a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt {
    bytes: [u8; 16],
    commit: u64,
    seed: u32,
}

impl Salt {
    /// The salt with these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        let used = if mutants::is(Mutant::StaleRecycled) {
            [0; 16]
        } else {
            bytes
        };
        let [a0, a1, a2, a3, a4, a5, a6, a7, seed @ ..] = used;
        Self {
            bytes,
            commit: u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]) ^ COMMIT_MAGIC,
            seed: crc32c::crc32c(&seed),
        }
    }

    /// Its bytes as in the segment header.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        self.bytes
    }

    /// The word that opens every batch of this life.
    #[must_use]
    pub fn commit(&self) -> u64 {
        self.commit
    }
}

impl fmt::Debug for Salt {
    /// Not the bytes: who knows them can make batches.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// A place in the journal: a segment and a byte in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Number of the segment, from 1.
    pub segment: u32,
    /// Byte in the segment's file.
    pub offset: u32,
}

impl Position {
    /// Both numbers in one word, in the order of the journal.
    #[must_use]
    pub const fn pack(self) -> u64 {
        (self.segment as u64) << 32 | self.offset as u64
    }

    /// The inverse of [`Position::pack`].
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // each half has 32 bits
    pub const fn unpack(word: u64) -> Self {
        Self {
            segment: (word >> 32) as u32,
            offset: word as u32,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at offset {}",
            segment_name(self.segment),
            self.offset
        )
    }
}

/// Name of the file of segment `number`.
#[must_use]
pub fn segment_name(number: u32) -> String {
    format!("segment-{number:010}.log")
}

/// The number in a segment's file name, if it is one.
#[must_use]
pub fn parse_segment_name(name: &str) -> Option<u32> {
    parse_name(name, "segment-", ".log")
}

pub(super) fn parse_name(name: &str, prefix: &str, suffix: &str) -> Option<u32> {
    let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
    if digits.len() != 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// The head of a segment's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Whose journal.
    pub shard: u16,
    /// Number of the segment, from 1.
    pub number: u32,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// The secret of this life.
    pub salt: Salt,
}

/// Why bytes are no segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The magic bytes are missing.
    #[error("it does not begin with the magic bytes of a segment")]
    Magic,
    /// Another format version.
    #[error("it has format version {found}, and this build reads version {FORMAT_VERSION}")]
    Version {
        /// The version found.
        found: u16,
    },
    /// The checksum does not match.
    #[error("the checksum of its header does not match")]
    Checksum,
}

impl SegmentHeader {
    /// The used bytes of the header.
    #[must_use]
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_USED_BYTES] {
        let mut out = [0; SEGMENT_HEADER_USED_BYTES];
        put(&mut out, 0, &SEGMENT_MAGIC);
        put(&mut out, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut out, 10, &self.shard.to_le_bytes());
        put(&mut out, 16, &u64::from(self.number).to_le_bytes());
        put(&mut out, 24, &self.size_bytes.to_le_bytes());
        put(&mut out, 32, &self.salt.bytes);
        let checksum = crc32c::crc32c(out.first_chunk::<60>().map_or(&[], |head| head));
        put(&mut out, 60, &checksum.to_le_bytes());
        out
    }

    /// Reads a header back.
    pub fn decode(bytes: &[u8; SEGMENT_HEADER_USED_BYTES]) -> Result<Self, HeaderError> {
        if get::<8>(bytes, 0) != SEGMENT_MAGIC {
            return Err(HeaderError::Magic);
        }
        let found = u16::from_le_bytes(get(bytes, 8));
        if found != FORMAT_VERSION {
            return Err(HeaderError::Version { found });
        }
        let number = u64::from_le_bytes(get(bytes, 16));
        let header = Self {
            shard: u16::from_le_bytes(get(bytes, 10)),
            number: u32::try_from(number).map_err(|_| HeaderError::Checksum)?,
            size_bytes: u64::from_le_bytes(get(bytes, 24)),
            salt: Salt::new(get(bytes, 32)),
        };
        // Encoding again checks the checksum and the zeros in one go.
        if header.encode() == *bytes {
            Ok(header)
        } else {
            Err(HeaderError::Checksum)
        }
    }
}

/// The head of one batch. The commit word and the checksum are made while encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Bytes of the batch, header and padding included.
    pub length: u32,
    /// Checksum over header (this field zero) and payload, seeded by the salt.
    pub checksum: u32,
    /// Sequence of the first record; of an empty batch, of the record to come.
    pub sequence: u64,
    /// Number of records; 0 in a batch that only records the synced mark.
    pub records: u32,
    /// Start of the process that wrote it, from 1.
    pub epoch: u32,
    /// Time of the turn, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Every record with a lower sequence was durable when this was written.
    pub synced: u64,
    /// Checksum of the batch before it in the journal; 0 for the first.
    pub previous: u32,
    /// Whose journal.
    pub shard: u16,
}

impl BatchHeader {
    /// The bytes of the header of a batch with this payload, whose length and checksum are filled
    /// in.
    ///
    /// # Panics
    /// If the payload is no multiple of 8 bytes, or longer than `BATCH_BYTES_MAX`.
    #[must_use]
    pub fn seal(&mut self, salt: &Salt, payload: &[u8]) -> [u8; BATCH_HEADER_BYTES] {
        let length = BATCH_HEADER_BYTES + payload.len();
        assert!(
            payload.len().is_multiple_of(BATCH_ALIGN_BYTES),
            "whole records only"
        );
        assert!(
            length <= crate::limits::BATCH_BYTES_MAX,
            "a batch within its bound"
        );
        #[allow(clippy::cast_possible_truncation)] // asserted just above
        let short = length as u32;
        self.length = short;
        self.checksum = 0;
        let mut out = self.encode(salt);
        self.checksum = checksum(salt, &out, payload);
        put(&mut out, 12, &self.checksum.to_le_bytes());
        out
    }

    fn encode(&self, salt: &Salt) -> [u8; BATCH_HEADER_BYTES] {
        let mut out = [0; BATCH_HEADER_BYTES];
        put(&mut out, 0, &salt.commit.to_le_bytes());
        put(&mut out, 8, &self.length.to_le_bytes());
        put(&mut out, 12, &self.checksum.to_le_bytes());
        put(&mut out, 16, &self.sequence.to_le_bytes());
        put(&mut out, 24, &self.records.to_le_bytes());
        put(&mut out, 28, &self.epoch.to_le_bytes());
        put(&mut out, 32, &self.time_ms.to_le_bytes());
        put(&mut out, 40, &self.synced.to_le_bytes());
        put(&mut out, 48, &self.previous.to_le_bytes());
        put(&mut out, 52, &self.shard.to_le_bytes());
        out
    }

    /// Reads the header of a batch of this life. `None` where the commit word is another or the
    /// length cannot be one; the checksum is not looked at.
    #[must_use]
    pub fn decode(salt: &Salt, bytes: &[u8; BATCH_HEADER_BYTES]) -> Option<Self> {
        if u64::from_le_bytes(get(bytes, 0)) != salt.commit || get::<10>(bytes, 54) != [0; 10] {
            return None;
        }
        let header = Self {
            length: u32::from_le_bytes(get(bytes, 8)),
            checksum: u32::from_le_bytes(get(bytes, 12)),
            sequence: u64::from_le_bytes(get(bytes, 16)),
            records: u32::from_le_bytes(get(bytes, 24)),
            epoch: u32::from_le_bytes(get(bytes, 28)),
            time_ms: u64::from_le_bytes(get(bytes, 32)),
            synced: u64::from_le_bytes(get(bytes, 40)),
            previous: u32::from_le_bytes(get(bytes, 48)),
            shard: u16::from_le_bytes(get(bytes, 52)),
        };
        let length = header.length as usize;
        let bounds = BATCH_HEADER_BYTES..=crate::limits::BATCH_BYTES_MAX;
        (bounds.contains(&length) && length.is_multiple_of(BATCH_ALIGN_BYTES)).then_some(header)
    }

    /// True where `payload` is the one this header was sealed with.
    #[must_use]
    pub fn matches(&self, salt: &Salt, payload: &[u8]) -> bool {
        let bare = Self {
            checksum: 0,
            ..*self
        };
        self.length as usize == BATCH_HEADER_BYTES + payload.len()
            && self.checksum == checksum(salt, &bare.encode(salt), payload)
    }

    /// The sequence of the record after this batch.
    #[must_use]
    pub fn end_sequence(&self) -> u64 {
        self.sequence.saturating_add(u64::from(self.records))
    }
}

fn checksum(salt: &Salt, header: &[u8; BATCH_HEADER_BYTES], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(salt.seed, header), payload)
}

/// Copies `field` to `at`; every caller's field lies inside by its constants.
fn put(out: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = out.get_mut(at..at + field.len()) {
        place.copy_from_slice(field);
    } else {
        debug_assert!(false, "a field outside its header");
    }
}

fn get<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .unwrap_or([0; N])
}

/// Offset of a segment's first batch.
#[must_use]
pub const fn first_offset() -> u32 {
    const { assert!(SEGMENT_HEADER_BYTES < u32::MAX as u64) };
    #[allow(clippy::cast_possible_truncation)] // asserted just above
    {
        SEGMENT_HEADER_BYTES as u32
    }
}
