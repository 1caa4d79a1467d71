//! The harness's own reading of a batch: offsets as documented, no code of the journal.

use onhand::journal::Position;

const HEADER_BYTES: usize = 64;
const SEGMENT_HEADER_BYTES: u32 = 4_096;
const FIRST_ENGINE_KIND: u8 = 16;

/// One batch as found on the disk.
#[derive(Clone, Copy, Debug)]
pub struct BatchSeen {
    pub length: usize,
    pub sequence: u64,
    pub records: u64,
    pub time_ms: u64,
    /// How many of the records are the journal's own; they come first.
    pub own_records: u64,
}

/// Where the first batch of a segment is.
pub fn first_position(segment: u32) -> Position {
    Position {
        segment,
        offset: SEGMENT_HEADER_BYTES,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Reads the batch at the start of `bytes`.
pub fn read_batch(bytes: &[u8]) -> BatchSeen {
    let length = u32_at(bytes, 8) as usize;
    let records = u64::from(u32_at(bytes, 24));
    let mut own_records = 0;
    let mut at = HEADER_BYTES;
    for _ in 0..records {
        own_records += u64::from(bytes[at] < FIRST_ENGINE_KIND);
        at += 8 + (u32_at(bytes, at + 4) as usize).next_multiple_of(8);
    }
    assert_eq!(at, length, "a batch is its header and its records");
    BatchSeen {
        length,
        sequence: u64_at(bytes, 16),
        records,
        time_ms: u64_at(bytes, 32),
        own_records,
    }
}
