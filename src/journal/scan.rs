//! Finding batches in the bytes of a segment, and deciding which of them continue the journal.

use super::layout::{
    BATCH_ALIGN_BYTES, BATCH_HEADER_BYTES, BatchHeader, Position, SEGMENT_HEADER_BYTES,
    first_offset,
};
use super::segment::Segment;
use super::storage::StorageFile;
use crate::mutants::{self, Mutant};
use std::io;

/// Bytes read at once: few at the live end, where what lies ahead is not written yet, and more with
/// every window that was of use.
const WINDOW_BYTES_MIN: usize = 16 << 10;
const WINDOW_BYTES_MAX: usize = 1 << 20;

/// One batch as it stands in the journal.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Sequence of the first record.
    pub sequence: u64,
    /// Number of records, 0 for a batch that only records the synced mark.
    pub records: u32,
    /// Start of the process that wrote it, from 1.
    pub epoch: u32,
    /// Time of the turn, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Every record with a lower sequence was durable when it was written.
    pub synced: u64,
    /// The records; walk them with [`crate::types::record::Records`].
    pub payload: &'a [u8],
    /// Where its header is.
    pub position: Position,
}

impl<'a> Batch<'a> {
    pub(super) fn new(header: &BatchHeader, payload: &'a [u8], position: Position) -> Self {
        Self {
            sequence: header.sequence,
            records: header.records,
            epoch: header.epoch,
            time_ms: header.time_ms,
            synced: header.synced,
            payload,
            position,
        }
    }
}

/// Reads a segment through a window. What it returned is right for good; what it did not find is
/// read again the next time.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    window: Vec<u8>,
    window_at: u64,
    next_bytes: usize,
}

impl Scanner {
    /// Forgets the window: another file comes, or newer bytes.
    pub(super) fn reset(&mut self) {
        self.window.clear();
        self.window_at = 0;
        self.next_bytes = WINDOW_BYTES_MIN;
    }

    /// The whole, valid batch at `offset`: its header and payload.
    pub(super) fn batch_at<F: StorageFile>(
        &mut self,
        segment: &Segment<F>,
        offset: u32,
    ) -> io::Result<Option<(BatchHeader, &[u8])>> {
        let from = u64::from(offset);
        for fresh in [false, true] {
            if fresh {
                // What is in the window may be older than the batch.
                self.reset();
            }
            if let Some(header) = self.try_batch(segment, from)? {
                let range = self.range(from, header.length as usize);
                let whole = self.window.get(range).unwrap_or_default();
                return Ok(whole
                    .get(BATCH_HEADER_BYTES..)
                    .map(|payload| (header, payload)));
            }
        }
        Ok(None)
    }

    fn try_batch<F: StorageFile>(
        &mut self,
        segment: &Segment<F>,
        from: u64,
    ) -> io::Result<Option<BatchHeader>> {
        let Some(head) = self.load(segment, from, BATCH_HEADER_BYTES)? else {
            return Ok(None);
        };
        let header = head
            .first_chunk()
            .and_then(|head| BatchHeader::decode(&segment.salt, head));
        let Some(header) = header else {
            return Ok(None);
        };
        let Some(whole) = self.load(segment, from, header.length as usize)? else {
            return Ok(None);
        };
        let payload = whole.get(BATCH_HEADER_BYTES..).unwrap_or_default();
        Ok(header.matches(&segment.salt, payload).then_some(header))
    }

    /// The bytes of a range, or `None` where it does not lie in the segment.
    fn load<F: StorageFile>(
        &mut self,
        segment: &Segment<F>,
        from: u64,
        length: usize,
    ) -> io::Result<Option<&[u8]>> {
        let size = u64::from(segment.size_bytes);
        if from < SEGMENT_HEADER_BYTES || from + length as u64 > size {
            return Ok(None);
        }
        let end = self.window_at + self.window.len() as u64;
        if from < self.window_at || from + length as u64 > end {
            let left = usize::try_from(size - from).unwrap_or(usize::MAX);
            let wanted = length.max(self.next_bytes).max(WINDOW_BYTES_MIN);
            self.next_bytes = (self.next_bytes * 2).clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX);
            self.window.resize(left.min(wanted), 0);
            self.window_at = from;
            if let Err(error) = segment.file.read(from, &mut self.window) {
                self.reset();
                return Err(error);
            }
        }
        Ok(self.window.get(self.range(from, length)))
    }

    fn range(&self, from: u64, length: usize) -> std::ops::Range<usize> {
        let start = usize::try_from(from - self.window_at).unwrap_or(usize::MAX);
        start..start.saturating_add(length)
    }

    /// Looks at every place of a segment from `offset` on for batches of its present life.
    pub(super) fn orphans<F: StorageFile>(
        &mut self,
        segment: &Segment<F>,
        offset: u32,
    ) -> io::Result<Orphans> {
        self.reset();
        let mut found = Orphans::default();
        let size = u64::from(segment.size_bytes);
        let mut at = u64::from(offset);
        while at + BATCH_HEADER_BYTES as u64 <= size {
            let Some(hit) = self.next_commit(segment, at)? else {
                break;
            };
            at = hit + BATCH_ALIGN_BYTES as u64;
            found.end = found.end.max(hit + BATCH_HEADER_BYTES as u64);
            if let Some(header) = self.try_batch(segment, hit)? {
                at = hit + u64::from(header.length);
                found.batches += 1;
                found.synced = found.synced.max(header.synced);
                found.end = found.end.max(at);
            }
        }
        Ok(found)
    }

    /// The first place from `at` on with the segment's commit word.
    fn next_commit<F: StorageFile>(
        &mut self,
        segment: &Segment<F>,
        mut at: u64,
    ) -> io::Result<Option<u64>> {
        let commit = segment.salt.commit().to_le_bytes();
        while self.load(segment, at, BATCH_ALIGN_BYTES)?.is_some() {
            let range = self.range(at, 0);
            let rest = self.window.get(range.start..).unwrap_or_default();
            let words = rest.as_chunks::<BATCH_ALIGN_BYTES>().0;
            if let Some(index) = words.iter().position(|word| *word == commit) {
                return Ok(Some(at + (index * BATCH_ALIGN_BYTES) as u64));
            }
            at += (words.len() * BATCH_ALIGN_BYTES) as u64;
        }
        Ok(None)
    }
}

/// Batches behind a hole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Orphans {
    /// Whole, valid ones.
    pub(super) batches: u64,
    /// The highest synced mark in them.
    pub(super) synced: u64,
    /// Byte after the last trace of a batch, 0 where there is none.
    pub(super) end: u64,
}

/// Looks behind the end of a journal: at the rest of the segment with the last batch, and at every
/// later one. The first number is the end of what is found in `tail` (at least `end`).
pub(super) fn look_behind<'a, F: StorageFile>(
    scanner: &mut Scanner,
    tail: (&Segment<F>, u32),
    later: impl Iterator<Item = &'a Segment<F>>,
) -> Result<Behind, (u32, io::Error)> {
    let (segment, end) = tail;
    let at = |segment: &Segment<F>| {
        let number = segment.number;
        move |error| (number, error)
    };
    let found = scanner.orphans(segment, end).map_err(at(segment))?;
    let trace_end = u32::try_from(found.end).unwrap_or(u32::MAX).max(end);
    let mut behind = Behind {
        trace_end,
        bytes: u64::from(trace_end - end),
        batches: found.batches,
        synced: found.synced,
    };
    for segment in later {
        let found = scanner
            .orphans(segment, first_offset())
            .map_err(at(segment))?;
        behind.bytes += found.end.saturating_sub(SEGMENT_HEADER_BYTES);
        behind.batches += found.batches;
        behind.synced = behind.synced.max(found.synced);
    }
    Ok(behind)
}

/// What stands behind the end of a journal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Behind {
    /// Where the traces in the last batch's segment end.
    pub(super) trace_end: u32,
    /// Bytes of all traces.
    pub(super) bytes: u64,
    /// Whole batches.
    pub(super) batches: u64,
    /// The highest synced mark in them.
    pub(super) synced: u64,
}

/// What the next batch of a journal must look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) shard: u16,
    /// False before the first batch of a reader that did not see the one before it: then only
    /// shard and sequence are compared.
    pub(super) linked: bool,
    pub(super) sequence: u64,
    pub(super) previous: u32,
    pub(super) epoch: u32,
    pub(super) time_ms: u64,
}

impl Chain {
    /// The chain before the first batch of all.
    pub(super) fn start(shard: u16) -> Self {
        Self {
            shard,
            linked: true,
            sequence: 1,
            previous: 0,
            epoch: 0,
            time_ms: 0,
        }
    }

    /// True where a valid batch with this header continues the journal.
    pub(super) fn accepts(&self, header: &BatchHeader) -> bool {
        if mutants::is(Mutant::StaleRecycled) {
            return true;
        }
        if header.shard != self.shard || header.sequence != self.sequence {
            return false;
        }
        !self.linked
            || header.previous == self.previous
                && (header.epoch == self.epoch || header.epoch == self.epoch + 1)
                && header.time_ms >= self.time_ms
                && header.synced <= header.sequence
    }

    /// Goes past an accepted batch.
    pub(super) fn advance(&mut self, header: &BatchHeader) {
        self.linked = true;
        self.sequence = header.end_sequence();
        self.previous = header.checksum;
        self.epoch = header.epoch;
        self.time_ms = header.time_ms;
    }
}
