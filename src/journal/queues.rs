//! The lock-free queues between appender, sync thread and maintenance of one journal.

use super::options::PREPARED_SEGMENTS_MAX;
use super::segment::Segment;
use crossbeam::queue::ArrayQueue;
use std::sync::Arc;

/// Segments that may wait in one queue. A full queue makes its writer wait, never lose: the
/// appender then has no room, the sync thread keeps what it cannot hand on.
pub(super) const QUEUE_SEGMENTS: usize = 64;

const _: () = assert!(PREPARED_SEGMENTS_MAX as usize <= QUEUE_SEGMENTS);

/// The appender went from one segment to the next.
pub(super) struct Switched<F> {
    /// Bytes used of the segment before.
    pub(super) end_offset: u32,
    /// Sequence of the first record of the next one.
    pub(super) sequence: u64,
    /// The next one.
    pub(super) next: Arc<Segment<F>>,
}

/// A segment that takes no more batches and is durable.
pub(super) struct Finished<F> {
    pub(super) segment: Arc<Segment<F>>,
    pub(super) end_offset: u32,
}

/// What a `SegmentSealed` record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Number of the sealed segment.
    pub segment: u32,
    /// Bytes of it that the hash covers, from the start of the file.
    pub end_offset: u32,
    /// BLAKE3 of those bytes.
    pub hash: [u8; 32],
    /// Hash in the seal of the segment before; zeros for the first.
    pub previous: [u8; 32],
}

/// The queues of one journal.
pub(super) struct Queues<F> {
    /// Maintenance to appender.
    pub(super) prepared: ArrayQueue<Arc<Segment<F>>>,
    /// Appender to sync thread.
    pub(super) switched: ArrayQueue<Switched<F>>,
    /// Sync thread to maintenance.
    pub(super) finished: ArrayQueue<Finished<F>>,
    /// Maintenance to appender.
    pub(super) sealed: ArrayQueue<Seal>,
}

impl<F> Queues<F> {
    pub(super) fn new() -> Self {
        Self {
            prepared: ArrayQueue::new(QUEUE_SEGMENTS),
            switched: ArrayQueue::new(QUEUE_SEGMENTS),
            finished: ArrayQueue::new(QUEUE_SEGMENTS),
            sealed: ArrayQueue::new(QUEUE_SEGMENTS),
        }
    }
}
