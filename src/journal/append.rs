//! The appender: one batch a turn, written by the engine thread without lock or allocation.

use super::error::{AppendError, CloseError};
use super::handover::SyncHandover;
use super::layout::{BATCH_HEADER_BYTES, BatchHeader, Position, first_offset};
use super::options::JournalOptions;
use super::queues::{Queues, Switched};
use super::record::push_seal;
use super::segment::Segment;
use super::storage::{Storage, StorageFile};
use super::sync::Syncer;
use crate::types::record::RecordBuffer;
use std::io;
use std::sync::Arc;

/// Batches of the largest size that are kept for work that frees or settles stock.
const RESERVED_BATCHES: usize = 1;

/// Seals that one batch takes at most.
const SEALS_PER_BATCH: usize = 4;

/// How much more the journal takes for certain. Always ask before a turn drains anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Not one batch of the largest size. Nothing may be drained.
    None,
    /// Only the share kept for confirm, release and expiry is left.
    Reserved,
    /// Enough for any turn.
    Normal,
}

/// Writes batches; owned by the engine thread.
pub struct Appender<S: Storage> {
    pub(super) current: Arc<Segment<S::File>>,
    pub(super) next: Option<Arc<Segment<S::File>>>,
    pub(super) offset: u32,
    pub(super) next_sequence: u64,
    pub(super) last_time_ms: u64,
    /// Checksum of the batch before.
    pub(super) previous: u32,
    pub(super) epoch: u32,
    /// Highest synced mark in any batch written.
    pub(super) recorded_mark: u64,
    pub(super) options: JournalOptions,
    pub(super) handover: Arc<SyncHandover>,
    pub(super) queues: Arc<Queues<S::File>>,
}

impl<S: Storage> Appender<S> {
    /// Empties `buffer`, gives it the next sequence, and puts the journal's own pending records
    /// into it. Every turn begins with this; the turn's records follow.
    pub fn begin(&mut self, buffer: &mut RecordBuffer) {
        buffer.start(self.next_sequence);
        for _ in 0..SEALS_PER_BATCH {
            let Some(seal) = self.queues.sealed.pop() else {
                return;
            };
            push_seal(buffer, &seal);
        }
    }

    /// What the journal takes for certain, counted in batches of the largest size.
    pub fn room(&mut self) -> Room {
        if self.handover.is_failed() || self.queues.switched.is_full() {
            return Room::None;
        }
        if self.next.is_none() {
            self.next = self.queues.prepared.pop();
        }
        let batch = self.batch_bytes_max();
        let whole = |segment: &Segment<S::File>, offset: u32| {
            segment.size_bytes.saturating_sub(offset) as usize / batch
        };
        let mut batches = whole(&self.current, self.offset);
        if let Some(next) = &self.next {
            let each = whole(next, first_offset());
            batches += each * (1 + self.queues.prepared.len());
        }
        match batches {
            0 => Room::None,
            1..=RESERVED_BATCHES => Room::Reserved,
            _ => Room::Normal,
        }
    }

    /// Largest batch in bytes, its header of 64 bytes included.
    #[must_use]
    pub fn batch_bytes_max(&self) -> usize {
        self.options.batch_bytes_max()
    }

    /// Largest content of a record buffer in bytes.
    #[must_use]
    pub fn payload_bytes_max(&self) -> usize {
        self.batch_bytes_max() - BATCH_HEADER_BYTES
    }

    /// Writes the records of a turn as one batch and hands it to the sync thread. Without records
    /// nothing is written.
    ///
    /// # Errors
    /// The journal is unchanged. After `Io` it is poisoned.
    ///
    /// # Panics
    /// If `records` was not begun with [`Appender::begin`] after the last append, or time goes
    /// back.
    pub fn append(&mut self, time_ms: u64, records: &RecordBuffer) -> Result<(), AppendError> {
        if records.is_empty() {
            return Ok(());
        }
        assert_eq!(
            records.first_sequence(),
            self.next_sequence,
            "begun at the next sequence"
        );
        self.write(time_ms, records.count(), records.bytes())
    }

    /// Appends an empty batch that records the synced mark, if everything is synced and no batch
    /// says so yet and there is room. To be called when a shard has nothing to do. True where it
    /// wrote one.
    pub fn idle(&mut self, time_ms: u64) -> Result<bool, AppendError> {
        let due = self.recorded_mark < self.next_sequence
            && self.synced() == self.next_sequence
            && self.room() > Room::None;
        if due {
            self.write(time_ms.max(self.last_time_ms), 0, &[])?;
        }
        Ok(due)
    }

    fn write(&mut self, time_ms: u64, count: u32, payload: &[u8]) -> Result<(), AppendError> {
        assert!(time_ms >= self.last_time_ms, "time never goes back");
        let bytes = BATCH_HEADER_BYTES + payload.len();
        let max = self.batch_bytes_max();
        if bytes > max {
            return Err(AppendError::TooLarge { bytes, max });
        }
        if self.handover.is_failed() {
            return Err(AppendError::Poisoned);
        }
        if bytes > self.current.size_bytes.saturating_sub(self.offset) as usize {
            self.switch(bytes)?;
        }
        let mut header = BatchHeader {
            length: 0,
            checksum: 0,
            sequence: self.next_sequence,
            records: count,
            epoch: self.epoch,
            time_ms,
            synced: self.synced(),
            previous: self.previous,
            shard: self.options.shard,
        };
        let head = header.seal(&self.current.salt, payload);
        self.put(&head, payload).map_err(|source| {
            let _ = self.handover.publish_failed(); // the caller is the engine, and awake
            AppendError::Io {
                position: self.position(),
                source,
            }
        })?;
        self.offset += header.length;
        self.next_sequence = header.end_sequence();
        self.previous = header.checksum;
        self.last_time_ms = time_ms;
        self.recorded_mark = header.synced;
        self.handover
            .publish_append(self.next_sequence, self.position());
        Ok(())
    }

    fn put(&self, head: &[u8; BATCH_HEADER_BYTES], payload: &[u8]) -> io::Result<()> {
        let at = u64::from(self.offset);
        let file = &self.current.file;
        file.write(at, head)?;
        if !payload.is_empty() {
            file.write(at + BATCH_HEADER_BYTES as u64, payload)?;
        }
        Ok(())
    }

    /// Goes on to the next prepared segment.
    fn switch(&mut self, bytes: usize) -> Result<(), AppendError> {
        let none = AppendError::NoRoom { bytes };
        let Some(next) = self.next.take().or_else(|| self.queues.prepared.pop()) else {
            return Err(none);
        };
        assert_eq!(next.number, self.current.number + 1, "segments in order");
        let fits = next.size_bytes.saturating_sub(first_offset()) as usize >= bytes;
        let switched = Switched {
            end_offset: self.offset,
            sequence: self.next_sequence,
            next: Arc::clone(&next),
        };
        if !fits || self.queues.switched.push(switched).is_err() {
            self.next = Some(next);
            return Err(none);
        }
        self.current = next;
        self.offset = first_offset();
        Ok(())
    }

    pub(super) fn position(&self) -> Position {
        Position {
            segment: self.current.number,
            offset: self.offset,
        }
    }

    /// The sequence that the next record gets.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Every record with a lower sequence may be revealed.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.handover.acknowledged()
    }

    /// Every record with a lower sequence is durable.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.handover.synced()
    }

    /// True after a failed write or sync: acknowledge nothing more, and end the process.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.handover.is_failed()
    }

    /// Time of the last batch, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn last_time_ms(&self) -> u64 {
        self.last_time_ms
    }

    /// The number of this start of the process, from 1.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The hand-over: for sleeping, for readers that stop at the acknowledged mark, for metrics.
    #[must_use]
    pub fn handover(&self) -> &Arc<SyncHandover> {
        &self.handover
    }

    /// Ends the journal cleanly: syncs everything, then writes and syncs an empty batch which
    /// records that everything was durable.
    ///
    /// # Errors
    /// Nothing acknowledged is lost, but the next start finds no clean end.
    pub fn close(mut self, syncer: &mut Syncer<S>, time_ms: u64) -> Result<(), CloseError> {
        syncer.sync_all()?;
        self.write(time_ms.max(self.last_time_ms), 0, &[])?;
        syncer.sync_all()
    }
}
