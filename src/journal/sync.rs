//! The sync thread: makes what was appended durable and publishes the mark.

use super::error::CloseError;
use super::handover::SyncHandover;
use super::layout::{Position, first_offset};
use super::options::SyncMode;
use super::queues::{Finished, Queues};
use super::segment::Segment;
use super::storage::{Storage, StorageFile};
use crate::clock;
use crate::metrics::{SyncMetrics, seconds_between};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// Wakes the engine from a blocking poll; called by the sync thread.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// What one step of the sync thread did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncProgress {
    /// Something became durable; the mark moved or an empty batch was synced.
    Synced,
    /// There was nothing to sync.
    Idle,
    /// A sync failed, now or earlier: the journal is poisoned and no sync is tried again.
    Failed,
}

/// Syncs one journal; owned by its sync thread.
pub struct Syncer<S: Storage> {
    pub(super) current: Arc<Segment<S::File>>,
    /// Everything before it is durable.
    pub(super) done: Position,
    /// Every record below it was published as durable.
    pub(super) published: u64,
    pub(super) shard: u16,
    pub(super) mode: SyncMode,
    pub(super) handover: Arc<SyncHandover>,
    pub(super) queues: Arc<Queues<S::File>>,
    /// Finished segments that the queue had no place for.
    pub(super) held: VecDeque<Finished<S::File>>,
    pub(super) waker: Option<Waker>,
    /// The error of the sync that failed, for the log.
    pub(super) error: Option<io::Error>,
}

impl<S: Storage> Syncer<S> {
    /// Sets what wakes the engine after progress and after a failure, where it sleeps.
    pub fn set_waker(&mut self, waker: Waker) {
        self.waker = Some(waker);
    }

    /// Syncs what is appended by now, once. In mode `os` only segments that are finished.
    pub fn step(&mut self) -> SyncProgress {
        self.advance(self.mode != SyncMode::Os)
    }

    /// The error of the sync that failed.
    #[must_use]
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Syncs until a stop is asked for or a sync fails; blocks while there is nothing to do.
    /// What was appended before the stop is synced, in every mode.
    pub fn run(&mut self) -> SyncProgress {
        let handover = Arc::clone(&self.handover);
        let metrics = SyncMetrics::new(usize::from(self.shard));
        loop {
            let stopping = handover.is_stopping();
            let seen = handover.appended();
            let started_ns = clock::monotonic_ns();
            let progress = self.advance(stopping || self.mode != SyncMode::Os);
            match progress {
                SyncProgress::Failed => return progress,
                SyncProgress::Idle if stopping => return progress,
                // Whatever was not seen before the step makes the wait return at once.
                SyncProgress::Idle => handover.wait_for_append(seen),
                SyncProgress::Synced => {
                    let seconds = seconds_between(started_ns, clock::monotonic_ns());
                    metrics.syncs.increment(1);
                    metrics.sync_seconds.record(seconds);
                    if let SyncMode::Interval { ms } = self.mode {
                        handover.pause(u64::from(ms));
                    }
                }
            }
        }
    }

    /// Syncs everything appended, whatever the mode.
    pub(super) fn sync_all(&mut self) -> Result<(), CloseError> {
        match self.advance(true) {
            SyncProgress::Failed => Err(CloseError::Sync),
            SyncProgress::Synced | SyncProgress::Idle => Ok(()),
        }
    }

    fn advance(&mut self, whole: bool) -> SyncProgress {
        if self.handover.is_failed() {
            return SyncProgress::Failed;
        }
        self.hand_on();
        let (sequence, position) = self.handover.appended();
        let before = (self.published, self.done);
        match self.sync_to(sequence, position, whole) {
            Ok(()) if (self.published, self.done) == before => SyncProgress::Idle,
            Ok(()) => SyncProgress::Synced,
            Err(error) => {
                // After a failed sync nothing is known about the range: the kernel may have
                // marked its pages clean, so a second sync would succeed without writing them.
                self.error = Some(error);
                if self.handover.publish_failed() {
                    self.wake();
                }
                SyncProgress::Failed
            }
        }
    }

    fn sync_to(&mut self, sequence: u64, position: Position, whole: bool) -> io::Result<()> {
        while self.done.segment < position.segment {
            let Some(switched) = self.queues.switched.pop() else {
                unreachable!("a switch is queued before a position in the next segment is shown");
            };
            self.sync_current(switched.end_offset)?;
            let segment = std::mem::replace(&mut self.current, switched.next);
            self.held.push_back(Finished {
                segment,
                end_offset: switched.end_offset,
            });
            self.done = Position {
                segment: self.current.number,
                offset: first_offset(),
            };
            self.publish(switched.sequence);
            self.hand_on();
        }
        if whole {
            self.sync_current(position.offset)?;
            // The sequence may be news although the position is not: it is stored after it.
            if sequence > self.published {
                self.publish(sequence);
            }
        }
        Ok(())
    }

    fn sync_current(&mut self, end_offset: u32) -> io::Result<()> {
        if end_offset > self.done.offset {
            let length = u64::from(end_offset - self.done.offset);
            self.current
                .file
                .sync(u64::from(self.done.offset), length)?;
            self.done.offset = end_offset;
        }
        Ok(())
    }

    fn publish(&self, sequence: u64) {
        debug_assert!(
            sequence >= self.handover.synced(),
            "the mark never goes back"
        );
        if self.handover.publish_synced(sequence) {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker();
        }
    }

    /// Gives finished segments to maintenance, in order.
    fn hand_on(&mut self) {
        while let Some(finished) = self.held.pop_front() {
            if let Err(back) = self.queues.finished.push(finished) {
                self.held.push_front(back);
                return;
            }
        }
    }
}
