//! Maintenance: everything that may take long and must not stand in the engine's or the sync
//! thread's way. It prepares segments ahead, faults in the pages that come next, and hashes
//! finished segments; each step touches at most about 1 MiB.

use super::error::MaintenanceError;
use super::handover::SyncHandover;
use super::layout::segment_name;
use super::options::{Entropy, JournalOptions};
use super::queues::{Finished, Queues, Seal};
use super::segment::{Plan, Preparation, STEP_BYTES, Segment, failed};
use super::storage::{Storage, StorageFile};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Bytes in front of the append position that are kept ready for fast writes.
const POPULATE_BYTES: u64 = 16 << 20;

/// Milliseconds between looks while the journal moves: 16 MiB last longer.
const PAUSE_MOVING_MS: u64 = 2;
/// Milliseconds between looks while it stands still.
const PAUSE_STILL_MS: u64 = 20;
/// Milliseconds after a failed step, such as on a full disk.
const PAUSE_FAILED_MS: u64 = 1_000;

/// What one step of maintenance did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintenanceProgress {
    /// A piece that the engine is about to need; go on at once.
    Urgent,
    /// A piece of work; more may be waiting.
    Worked,
    /// Nothing to do.
    Idle,
}

/// The background work of one journal; owned by the maintenance thread.
pub struct Maintenance<S: Storage> {
    pub(super) storage: Arc<S>,
    pub(super) options: JournalOptions,
    pub(super) entropy: Box<dyn Entropy + Send>,
    pub(super) handover: Arc<SyncHandover>,
    pub(super) queues: Arc<Queues<S::File>>,
    pub(super) next_number: u32,
    /// Names of files that wait to be used again.
    pub(super) spares: Vec<String>,
    /// Names of files of failed preparations, to be removed.
    pub(super) leftovers: Vec<String>,
    pub(super) prepare_first: bool,
    pub(super) preparing: Option<Preparation<S::File>>,
    /// The segment in use and those ahead, with the bytes populated of each.
    pub(super) ahead: VecDeque<(Arc<Segment<S::File>>, u64)>,
    pub(super) finished: VecDeque<Finished<S::File>>,
    pub(super) hashing: Option<Hashing>,
    /// Hash in the seal before.
    pub(super) last_hash: [u8; 32],
    /// A seal that the queue had no place for.
    pub(super) seal: Option<Seal>,
}

/// A finished segment being hashed.
#[derive(Default)]
pub(super) struct Hashing {
    hasher: blake3::Hasher,
    done_bytes: u64,
    buffer: Vec<u8>,
}

impl<S: Storage> Maintenance<S> {
    /// Does the most urgent piece of work.
    ///
    /// # Errors
    /// The journal goes on with what is prepared; call again after a while.
    pub fn step(&mut self) -> Result<MaintenanceProgress, MaintenanceError> {
        while let Some(finished) = self.queues.finished.pop() {
            self.finished.push_back(finished);
        }
        // Without a segment in reserve the two urgent kinds of work take turns.
        self.prepare_first = !self.prepare_first && self.queues.prepared.is_empty();
        if (self.prepare_first && self.prepare_step()?) || self.populate_step()? {
            Ok(MaintenanceProgress::Urgent)
        } else if self.prepare_step()? || self.seal_step()? {
            Ok(MaintenanceProgress::Worked)
        } else {
            Ok(MaintenanceProgress::Idle)
        }
    }

    /// Files that wait to be used again.
    #[must_use]
    pub fn spare_count(&self) -> usize {
        self.spares.len()
    }

    /// Faults in the next piece in front of the append position.
    fn populate_step(&mut self) -> Result<bool, MaintenanceError> {
        let position = self.handover.appended().1;
        while let Some((segment, _)) = self.ahead.front()
            && segment.number < position.segment
        {
            self.ahead.pop_front();
        }
        let mut wanted = POPULATE_BYTES;
        for (segment, populated) in &mut self.ahead {
            let size = u64::from(segment.size_bytes);
            let in_use = segment.number == position.segment;
            let start = if in_use {
                u64::from(position.offset)
            } else {
                0
            };
            *populated = (*populated).max(start);
            let target = size.min(start + wanted);
            if *populated < target {
                let length = (target - *populated).min(STEP_BYTES);
                segment
                    .file
                    .populate(*populated, length)
                    .map_err(failed("populate", &segment_name(segment.number)))?;
                *populated += length;
                return Ok(true);
            }
            wanted = wanted.saturating_sub(size - start);
            if wanted == 0 {
                break;
            }
        }
        Ok(false)
    }

    /// Does the next piece of the next segment, if fewer are ahead than configured.
    fn prepare_step(&mut self) -> Result<bool, MaintenanceError> {
        if self.queues.prepared.len() >= self.options.prepared_segments as usize {
            return Ok(false);
        }
        if self.preparing.is_none() {
            self.preparing = Some(self.start_preparation()?);
            return Ok(true);
        }
        let Some(preparation) = self.preparing.as_mut() else {
            return Ok(false);
        };
        let name = preparation.name().to_owned();
        let filled = preparation.fill_step();
        let finished = match (filled, self.preparing.take()) {
            (Ok(true), Some(whole)) => whole.finish(&*self.storage, &mut *self.entropy).map(Some),
            (Ok(_), part) => {
                self.preparing = part;
                Ok(None)
            }
            (Err(error), _) => Err(error),
        };
        match finished {
            Ok(None) => Ok(true),
            Ok(Some(segment)) => {
                self.hand_over(segment);
                Ok(true)
            }
            Err(error) => {
                // The file is not to be trusted after a failed sync, and a full disk wants its
                // space back. It was never handed over.
                self.leftovers.push(name);
                self.leftovers.push(segment_name(self.next_number));
                self.remove_leftovers()?;
                Err(error)
            }
        }
    }

    fn remove_leftovers(&mut self) -> Result<(), MaintenanceError> {
        while let Some(name) = self.leftovers.last() {
            match self.storage.remove(name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", name)(error));
                }
                _ => self.leftovers.pop(),
            };
        }
        Ok(())
    }

    fn start_preparation(&mut self) -> Result<Preparation<S::File>, MaintenanceError> {
        self.remove_leftovers()?;
        let plan = Plan {
            shard: self.options.shard,
            number: self.next_number,
            size_bytes: self.options.segment_bytes,
        };
        while let Some(name) = self.spares.pop() {
            if let Some(recycled) = Preparation::recycle(&*self.storage, plan, &name)? {
                return Ok(recycled);
            }
            self.storage
                .remove(&name)
                .map_err(failed("remove", &name))?;
        }
        Preparation::create(&*self.storage, plan)
    }

    fn hand_over(&mut self, segment: Segment<S::File>) {
        assert_eq!(segment.number, self.next_number, "segments in order");
        self.next_number += 1;
        let segment = Arc::new(segment);
        self.ahead.push_back((Arc::clone(&segment), 0));
        assert!(
            self.queues.prepared.push(segment).is_ok(),
            "room was checked before"
        );
    }

    /// Hashes the next piece of the oldest finished segment.
    fn seal_step(&mut self) -> Result<bool, MaintenanceError> {
        if let Some(seal) = self.seal.take()
            && let Err(back) = self.queues.sealed.push(seal)
        {
            self.seal = Some(back);
            return Ok(false);
        }
        let Some(finished) = self.finished.front() else {
            return Ok(false);
        };
        let end = u64::from(finished.end_offset);
        let hashing = self.hashing.get_or_insert_default();
        let length = (end - hashing.done_bytes).min(STEP_BYTES);
        hashing
            .buffer
            .resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        let segment = &finished.segment;
        segment
            .file
            .read(hashing.done_bytes, &mut hashing.buffer)
            .map_err(failed("read", &segment_name(segment.number)))?;
        hashing.hasher.update(&hashing.buffer);
        hashing.done_bytes += length;
        if hashing.done_bytes == end {
            let hash = *hashing.hasher.finalize().as_bytes();
            self.seal = Some(Seal {
                segment: segment.number,
                end_offset: finished.end_offset,
                hash,
                previous: self.last_hash,
            });
            self.last_hash = hash;
            self.hashing = None;
            self.finished.pop_front();
        }
        Ok(true)
    }
}

/// Body of the maintenance thread: steps every journal in turn until `stop` is set (unpark the
/// thread after setting it). `failed` is told of every error; the journals go on.
pub fn run<S: Storage>(
    journals: &mut [Maintenance<S>],
    stop: &AtomicBool,
    mut failed: impl FnMut(&MaintenanceError),
) {
    // Per journal: the position seen last, and milliseconds to wait after a failure.
    let mut states = vec![(0_u64, 0_u64); journals.len()];
    while !stop.load(Ordering::Acquire) {
        let mut pause_ms = PAUSE_STILL_MS;
        for (journal, (seen, wait_ms)) in journals.iter_mut().zip(&mut states) {
            if *wait_ms > 0 {
                continue;
            }
            let position = journal.handover.appended().1.pack();
            let moving = std::mem::replace(seen, position) != position;
            let pause = match journal.step() {
                Ok(MaintenanceProgress::Urgent) => 0,
                // With segments in reserve the work is paced: beside a sync it costs its p99.
                Ok(MaintenanceProgress::Worked) => u64::from(!journal.queues.prepared.is_empty()),
                Ok(MaintenanceProgress::Idle) if moving => PAUSE_MOVING_MS,
                Ok(MaintenanceProgress::Idle) => PAUSE_STILL_MS,
                Err(error) => {
                    failed(&error);
                    *wait_ms = PAUSE_FAILED_MS;
                    PAUSE_STILL_MS
                }
            };
            pause_ms = pause_ms.min(pause);
        }
        if pause_ms > 0 {
            std::thread::park_timeout(Duration::from_millis(pause_ms));
            for (_, wait_ms) in &mut states {
                *wait_ms = wait_ms.saturating_sub(pause_ms);
            }
        }
    }
}
