//! Recovery: finds the end of the journal, refuses damage, cuts the torn tail, and starts anew.
//!
//! ```text
//!  batches … ▕ synced mark ▏ … valid ▕ hole ▏ orphans …
//!            └ durable ────┘ rewrite ┘ └ wipe: none of it was acknowledged
//! ```
//!
//! A crash may leave a hole with whole batches behind it, for unsynced pages reach the disk in any
//! order. Each batch says how far the journal was durable when it was written. No batch where that
//! mark says there must be one is damage, and refused; above the highest mark in any valid batch
//! it is the torn tail, and cut. What is kept above the mark can be read, which does not mean that
//! it is on disk (after a failed sync or a kill the page cache holds clean pages that never got
//! there), so it is written again and synced before anything is answered from it.

mod behind;
mod start;
mod walk;

use super::append::Appender;
use super::error::{Damage, DamageKind, MaintenanceError, OpenError, ReplayError};
use super::layout::{Position, segment_name};
use super::maintain::Maintenance;
use super::options::{Entropy, JournalOptions};
use super::queues::Finished;
use super::scan::{Batch, Chain, Scanner};
use super::segment::{FileKind, OpenSegmentError, Segment, failed};
use super::storage::{Storage, StorageFile};
use super::sync::Syncer;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// What recovery found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// Records found and kept, before this start's own.
    pub records: u64,
    /// Batches found and kept, before this start's own.
    pub batches: u64,
    /// Segments with batches in them.
    pub segments: u32,
    /// True where unfinished or unreachable batches were cut off the end.
    pub torn: bool,
    /// True where the journal ended with a clean shutdown.
    pub clean: bool,
    /// Bytes cut.
    pub cut_bytes: u64,
    /// Whole batches among them, behind a hole. None of them was acknowledged.
    pub cut_batches_seen: u64,
    /// Bytes above the synced mark that were written again.
    pub rewritten_bytes: u64,
    /// Prepared segments that were wiped because of a torn tail.
    pub recycled: u32,
    /// Time of the last batch found, in milliseconds since the Unix epoch; 0 without one.
    pub last_time_ms: u64,
    /// The sequence after this start's own record.
    pub next_sequence: u64,
    /// Number of this start, from 1.
    pub epoch: u32,
}

/// An open journal, in the parts that its threads own.
pub struct Opened<S: Storage> {
    /// For the engine thread.
    pub appender: Appender<S>,
    /// For the sync thread.
    pub syncer: Syncer<S>,
    /// For the maintenance thread.
    pub maintenance: Maintenance<S>,
    /// What was found.
    pub report: RecoveryReport,
}

/// Opens the journal in `storage`, creating it where there is none. `replay` is given every kept
/// batch in order, at last the one with this start's own record, which is durable when this
/// returns. `now_ms` is the wall clock in milliseconds since the Unix epoch; comparing it with
/// [`RecoveryReport::last_time_ms`] is up to the caller.
///
/// # Errors
/// Damage is refused and nothing is changed. After any other error the journal can be opened
/// again.
pub fn open<S: Storage>(
    storage: Arc<S>,
    options: JournalOptions,
    now_ms: u64,
    entropy: Box<dyn Entropy + Send>,
    replay: &mut dyn FnMut(&Batch<'_>) -> Result<(), ReplayError>,
) -> Result<Opened<S>, OpenError> {
    options.check()?;
    let mut recovery = Recovery::list(storage, options, entropy)?;
    recovery.walk(replay)?;
    recovery.look_behind()?;
    recovery.wipe()?;
    recovery.rewrite()?;
    recovery.start(now_ms, replay)
}

/// A batch that may not be on disk.
struct Unproven {
    segment: u32,
    from: u32,
    to: u32,
    sequence: u64,
    end_sequence: u64,
}

struct Recovery<S: Storage> {
    storage: Arc<S>,
    options: JournalOptions,
    entropy: Box<dyn Entropy + Send>,
    /// Numbers of all segment files, ascending.
    numbers: Vec<u32>,
    spares: Vec<String>,
    spare_numbers: u32,
    half_prepared: Vec<String>,
    scanner: Scanner,
    chain: Chain,
    report: RecoveryReport,
    /// The segment with the last batch (or the first of all), and where its batches end.
    tail: Option<Arc<Segment<S::File>>>,
    end: u32,
    /// Segments after the tail.
    later: Vec<Arc<Segment<S::File>>>,
    /// Highest synced mark in any valid batch.
    mark: u64,
    unproven: VecDeque<Unproven>,
    /// Segments with unproven batches or without a seal, the tail not among them.
    finished: VecDeque<Finished<S::File>>,
    last_seal: (u32, [u8; 32]),
    /// Bytes to wipe behind the end of the tail.
    wipe_end: u32,
}

impl<S: Storage> Recovery<S> {
    fn list(
        storage: Arc<S>,
        options: JournalOptions,
        entropy: Box<dyn Entropy + Send>,
    ) -> Result<Self, OpenError> {
        let chain = Chain::start(options.shard);
        let mut recovery = Self {
            storage,
            options,
            entropy,
            numbers: Vec::new(),
            spares: Vec::new(),
            spare_numbers: 0,
            half_prepared: Vec::new(),
            scanner: Scanner::default(),
            chain,
            report: RecoveryReport::default(),
            tail: None,
            end: 0,
            later: Vec::new(),
            mark: 0,
            unproven: VecDeque::new(),
            finished: VecDeque::new(),
            last_seal: (0, [0; 32]),
            wipe_end: 0,
        };
        let names = recovery
            .storage
            .list()
            .map_err(|e| recovery.io("list", ".", e))?;
        for name in names {
            match FileKind::of(&name) {
                FileKind::Segment(number) => recovery.numbers.push(number),
                FileKind::Spare(number) => {
                    recovery.spare_numbers = recovery.spare_numbers.max(number);
                    recovery.spares.push(name);
                }
                FileKind::Preparing => recovery.half_prepared.push(name),
                FileKind::Other => {}
            }
        }
        recovery.numbers.sort_unstable();
        recovery.spares.sort_unstable();
        for (index, number) in (1_u32..).zip(&recovery.numbers) {
            if index != *number {
                return Err(recovery.damage(index, 0, DamageKind::Missing));
            }
        }
        Ok(recovery)
    }

    fn write(&self, segment: &Segment<S::File>, at: u64, bytes: &[u8]) -> Result<(), OpenError> {
        segment
            .file
            .write(at, bytes)
            .map_err(|e| self.io("write", &segment_name(segment.number), e))
    }

    fn sync(&self, segment: &Segment<S::File>, from: u32, to: u32) -> Result<(), OpenError> {
        segment
            .file
            .sync(u64::from(from), u64::from(to - from))
            .map_err(|e| self.io("sync", &segment_name(segment.number), e))
    }

    fn sync_directory(&self) -> Result<(), OpenError> {
        self.storage
            .sync_directory()
            .map_err(|e| self.io("sync", ".", e))
    }

    fn io(&self, action: &'static str, file: &str, source: io::Error) -> OpenError {
        self.maintenance(failed(action, file)(source))
    }

    fn maintenance(&self, error: MaintenanceError) -> OpenError {
        OpenError::Io {
            action: error.action,
            file: error.file,
            location: self.storage.location(),
            source: error.source,
        }
    }

    fn segment_error(&self, number: u32, error: OpenSegmentError) -> OpenError {
        match error {
            OpenSegmentError::Io(error) => self.maintenance(error),
            OpenSegmentError::Damage(kind) => self.damage(number, 0, kind),
        }
    }

    fn damage(&self, segment: u32, offset: u32, kind: DamageKind) -> OpenError {
        OpenError::Damage(Damage {
            location: self.storage.location(),
            position: Position { segment, offset },
            kind,
        })
    }
}

impl Unproven {
    /// True where a batch with this synced mark proves that this one is durable: syncs cover
    /// everything up to some batch, so whatever precedes a durable record is durable.
    fn is_below(&self, mark: u64) -> bool {
        self.end_sequence <= mark && self.sequence < mark
    }
}
