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

use super::append::Appender;
use super::error::{CloseError, Damage, DamageKind, MaintenanceError, OpenError, ReplayError};
use super::handover::SyncHandover;
use super::layout::{
    BatchHeader, FORMAT_VERSION, Position, SEGMENT_HEADER_BYTES, SegmentHeader, segment_name,
};
use super::maintain::Maintenance;
use super::options::{Entropy, JournalOptions};
use super::queues::{Finished, Queues};
use super::record::{Seal, Start};
use super::scan::{Batch, Chain, Orphans, Scanner};
use super::segment::{
    FileKind, Plan, STEP_BYTES, Segment, failed, prepare_now, read_header, spare_name,
};
use super::storage::{Storage, StorageFile};
use super::sync::Syncer;
use crate::mutants::{self, Mutant};
use crate::types::record::{ENGINE_KIND_MIN, RecordBuffer, Records};
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
        let mut half_prepared = Vec::new();
        for name in names {
            match FileKind::of(&name) {
                FileKind::Segment(number) => recovery.numbers.push(number),
                FileKind::Spare(number) => {
                    recovery.spare_numbers = recovery.spare_numbers.max(number);
                    recovery.spares.push(name);
                }
                FileKind::Preparing => half_prepared.push(name),
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
        for name in half_prepared {
            recovery
                .storage
                .remove(&name)
                .map_err(|e| recovery.io("remove", &name, e))?;
        }
        Ok(recovery)
    }

    /// Follows the batches as far as they continue each other, replaying each.
    fn walk(
        &mut self,
        replay: &mut dyn FnMut(&Batch<'_>) -> Result<(), ReplayError>,
    ) -> Result<(), OpenError> {
        let numbers = std::mem::take(&mut self.numbers);
        let mut ended = false;
        for &number in &numbers {
            let segment = Arc::new(self.open_segment(number)?);
            self.scanner.reset();
            if ended {
                self.later.push(segment);
                continue;
            }
            let end = self.walk_segment(&segment, replay)?;
            if self.tail.is_some() && end == first_offset() {
                ended = true;
                self.later.push(segment);
                continue;
            }
            if let Some(before) = self.tail.replace(segment) {
                let end_offset = self.end;
                let segment = before;
                self.finished.push_back(Finished {
                    segment,
                    end_offset,
                });
                self.prune();
            }
            self.end = end;
        }
        self.numbers = numbers;
        self.report.last_time_ms = self.chain.time_ms;
        self.report.records = self.chain.sequence - 1;
        Ok(())
    }

    fn walk_segment(
        &mut self,
        segment: &Segment<S::File>,
        replay: &mut dyn FnMut(&Batch<'_>) -> Result<(), ReplayError>,
    ) -> Result<u32, OpenError> {
        let mut scanner = std::mem::take(&mut self.scanner);
        let mut offset = first_offset();
        loop {
            let found = scanner
                .batch_at(segment, offset)
                .map_err(|e| self.io("read", &segment_name(segment.number), e))?;
            let Some((header, payload)) = found else {
                break;
            };
            if !self.chain.accepts(&header) {
                break;
            }
            let position = Position {
                segment: segment.number,
                offset,
            };
            let batch = Batch::new(&header, payload, position);
            replay(&batch).map_err(|source| OpenError::Replay {
                sequence: batch.sequence,
                position,
                source,
            })?;
            self.note_seals(payload);
            self.note(&header, position);
            offset += header.length;
        }
        self.scanner = scanner;
        Ok(offset)
    }

    /// Takes a batch into the books.
    fn note(&mut self, header: &BatchHeader, position: Position) {
        if position.offset == first_offset() {
            self.report.segments += 1;
        }
        self.report.batches += 1;
        self.report.clean = header.records == 0 && header.synced == header.sequence;
        self.chain.advance(header);
        self.mark = self.mark.max(header.synced);
        self.unproven.push_back(Unproven {
            segment: position.segment,
            from: position.offset,
            to: position.offset + header.length,
            sequence: header.sequence,
            end_sequence: header.end_sequence(),
        });
        while let Some(front) = self.unproven.front()
            && front.is_below(self.mark)
        {
            self.unproven.pop_front();
        }
    }

    /// The journal's own records are the first of their batch.
    fn note_seals(&mut self, payload: &[u8]) {
        for record in Records::new(payload) {
            if record.kind >= ENGINE_KIND_MIN {
                return;
            }
            if let Some(seal) = Seal::decode(&record) {
                self.last_seal = (seal.segment, seal.hash);
            }
        }
    }

    /// Lets go of segments that are sealed and wholly below the mark.
    fn prune(&mut self) {
        let unproven = self
            .unproven
            .front()
            .map_or(u32::MAX, |batch| batch.segment);
        while let Some(front) = self.finished.front()
            && front.segment.number <= self.last_seal.0
            && front.segment.number < unproven
        {
            self.finished.pop_front();
        }
    }

    /// Looks for batches behind the end. A mark in one of them that is above the end is damage.
    fn look_behind(&mut self) -> Result<(), OpenError> {
        let Some(tail) = self.tail.clone() else {
            return Ok(());
        };
        let mut behind = self.orphans(&tail, self.end)?;
        self.wipe_end = u32::try_from(behind.end).unwrap_or(0).max(self.end);
        self.report.cut_bytes = u64::from(self.wipe_end - self.end);
        for segment in self.later.clone() {
            let orphans = self.orphans(&segment, first_offset())?;
            self.report.cut_bytes += orphans.end.saturating_sub(SEGMENT_HEADER_BYTES);
            behind.batches += orphans.batches;
            behind.synced = behind.synced.max(orphans.synced);
        }
        self.report.cut_batches_seen = behind.batches;
        self.report.torn = self.report.cut_bytes > 0;
        self.mark = self.mark.max(behind.synced);
        let expected = self.chain.sequence;
        if self.mark > expected && !mutants::is(Mutant::StaleRecycled) {
            let synced = self.mark;
            return Err(self.damage(
                tail.number,
                self.end,
                DamageKind::Broken { expected, synced },
            ));
        }
        while let Some(front) = self.unproven.front()
            && front.is_below(self.mark)
        {
            self.unproven.pop_front();
        }
        if self.report.torn {
            let position = Position {
                segment: tail.number,
                offset: self.end,
            };
            tracing::warn!(
                shard = self.options.shard,
                %position,
                next_sequence = expected,
                cut_bytes = self.report.cut_bytes,
                cut_batches = self.report.cut_batches_seen,
                "cut the torn tail of the journal; none of it was acknowledged"
            );
        }
        Ok(())
    }

    fn orphans(&mut self, segment: &Segment<S::File>, from: u32) -> Result<Orphans, OpenError> {
        self.scanner
            .orphans(segment, from)
            .map_err(|e| self.io("read", &segment_name(segment.number), e))
    }

    /// Wipes what was cut: zeros behind the end of the tail, a new life for every later segment.
    /// Later segments of another size go as well.
    fn wipe(&mut self) -> Result<(), OpenError> {
        let size = self.options.segment_bytes;
        let same_size = |segment: &Arc<Segment<_>>| u64::from(segment.size_bytes) == size;
        let retire_all = self.report.torn || !self.later.iter().all(same_size);
        if retire_all {
            // The last one first, each durable before the next: no gap in the numbers, ever.
            while let Some(segment) = self.later.pop() {
                self.spare_numbers += 1;
                let (name, spare) = (segment_name(segment.number), spare_name(self.spare_numbers));
                self.storage
                    .rename(&name, &spare)
                    .map_err(|e| self.io("rename", &name, e))?;
                self.sync_directory()?;
                self.spares.push(spare);
                self.report.recycled += u32::from(self.report.torn);
            }
        }
        if let Some(tail) = self.tail.clone()
            && self.wipe_end > self.end
        {
            let zeros = vec![0; memory_size(STEP_BYTES)];
            let (mut at, end) = (u64::from(self.end), u64::from(self.wipe_end));
            while at < end {
                let length = (end - at).min(STEP_BYTES);
                let piece = zeros.get(..memory_size(length)).unwrap_or_default();
                self.write(&tail, at, piece)?;
                at += length;
            }
            self.sync(&tail, self.end, self.wipe_end)?;
        }
        Ok(())
    }

    /// Writes again, and syncs, what is not proven to be on disk.
    fn rewrite(&mut self) -> Result<(), OpenError> {
        if mutants::is(Mutant::TrustCacheAfterFailedSync) {
            self.unproven.clear();
        }
        let mut buffer = Vec::new();
        while let Some(first) = self.unproven.pop_front() {
            let (from, mut to) = (first.from, first.to);
            while let Some(next) = self.unproven.front()
                && next.segment == first.segment
            {
                to = next.to;
                self.unproven.pop_front();
            }
            let Some(segment) = self.segment(first.segment) else {
                unreachable!("segments with unproven batches are kept open");
            };
            let (mut at, end) = (u64::from(from), u64::from(to));
            while at < end {
                let length = (end - at).min(STEP_BYTES);
                buffer.resize(memory_size(length), 0);
                segment
                    .file
                    .read(at, &mut buffer)
                    .map_err(|e| self.io("read", &segment_name(segment.number), e))?;
                self.write(&segment, at, &buffer)?;
                at += length;
            }
            self.sync(&segment, from, to)?;
            self.report.rewritten_bytes += u64::from(to - from);
        }
        Ok(())
    }

    fn segment(&self, number: u32) -> Option<Arc<Segment<S::File>>> {
        let finished = self.finished.iter().map(|finished| &finished.segment);
        finished
            .chain(&self.tail)
            .find(|segment| segment.number == number)
            .cloned()
    }

    /// Makes the parts, writes this start's own record, and makes it durable.
    fn start(
        mut self,
        now_ms: u64,
        replay: &mut dyn FnMut(&Batch<'_>) -> Result<(), ReplayError>,
    ) -> Result<Opened<S>, OpenError> {
        let tail = if let Some(tail) = self.tail.take() {
            tail
        } else {
            self.end = first_offset();
            Arc::new(self.make_segment(1)?)
        };
        let mut record = RecordBuffer::default();
        record.start(self.chain.sequence);
        let epoch = self.chain.epoch + 1;
        Start {
            time_ms: now_ms,
            epoch,
            format_version: FORMAT_VERSION,
            records: self.report.records,
            cut_bytes: self.report.cut_bytes,
            cut_batches: self.report.cut_batches_seen,
            product_version: env!("CARGO_PKG_VERSION"),
        }
        .push(&mut record);
        let room = (tail.size_bytes - self.end) as usize;
        if room < super::layout::BATCH_HEADER_BYTES + record.bytes().len() && self.later.is_empty()
        {
            let next = self.make_segment(tail.number + 1)?;
            self.later.push(Arc::new(next));
        }
        let position = Position {
            segment: tail.number,
            offset: self.end,
        };
        let mut opened = self.parts(tail, position, epoch);
        opened.write_start(&record, now_ms, replay)?;
        Ok(opened)
    }

    fn parts(self, tail: Arc<Segment<S::File>>, position: Position, epoch: u32) -> Opened<S> {
        let sequence = self.chain.sequence;
        let handover = Arc::new(SyncHandover::new(self.options.sync, sequence, position));
        let queues = Arc::new(Queues::new());
        let mut ahead = VecDeque::from([(Arc::clone(&tail), 0)]);
        let mut next_number = tail.number + 1;
        for segment in self.later {
            next_number = segment.number + 1;
            ahead.push_back((Arc::clone(&segment), 0));
            let _ = queues.prepared.push(segment); // at most as many as were pushed before the stop
        }
        let sealed = self.last_seal.0;
        let unsealed = self.finished.into_iter();
        let finished = unsealed
            .filter(|finished| finished.segment.number > sealed)
            .collect();
        Opened {
            appender: Appender {
                current: Arc::clone(&tail),
                next: None,
                offset: position.offset,
                next_sequence: sequence,
                last_time_ms: self.chain.time_ms,
                previous: self.chain.previous,
                epoch,
                recorded_mark: self.mark,
                options: self.options.clone(),
                handover: Arc::clone(&handover),
                queues: Arc::clone(&queues),
            },
            syncer: Syncer {
                current: tail,
                done: position,
                mode: self.options.sync,
                handover: Arc::clone(&handover),
                queues: Arc::clone(&queues),
                held: VecDeque::new(),
                waker: None,
                error: None,
            },
            maintenance: Maintenance {
                storage: self.storage,
                options: self.options,
                entropy: self.entropy,
                handover,
                queues,
                next_number,
                spares: self.spares,
                preparing: None,
                ahead,
                finished,
                hashing: None,
                last_hash: self.last_seal.1,
                seal: None,
            },
            report: RecoveryReport {
                epoch,
                ..self.report
            },
        }
    }

    fn make_segment(&mut self, number: u32) -> Result<Segment<S::File>, OpenError> {
        let plan = Plan {
            shard: self.options.shard,
            number,
            size_bytes: self.options.segment_bytes,
        };
        let spare = self.spares.pop();
        prepare_now(&*self.storage, plan, spare.as_deref(), &mut *self.entropy)
            .map_err(|error| self.maintenance(error))
    }

    fn open_segment(&self, number: u32) -> Result<Segment<S::File>, OpenError> {
        let name = segment_name(number);
        let file = self
            .storage
            .open(&name)
            .map_err(|e| self.io("open", &name, e))?;
        let bytes = read_header(&file).map_err(|e| self.io("read", &name, e))?;
        let header = SegmentHeader::decode(&bytes)
            .map_err(|kind| self.damage(number, 0, DamageKind::Header(kind)))?;
        let size = file.size_bytes();
        for (field, found, expected) in [
            (
                "segment number",
                u64::from(header.number),
                u64::from(number),
            ),
            (
                "shard",
                u64::from(header.shard),
                u64::from(self.options.shard),
            ),
            ("size of the file", header.size_bytes, size),
        ] {
            if found != expected {
                let kind = DamageKind::Mismatch {
                    field,
                    found,
                    expected,
                };
                return Err(self.damage(number, 0, kind));
            }
        }
        Ok(Segment {
            number,
            size_bytes: u32::try_from(size).unwrap_or(u32::MAX),
            salt: header.salt,
            file,
        })
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

impl<S: Storage> Opened<S> {
    fn write_start(
        &mut self,
        record: &RecordBuffer,
        now_ms: u64,
        replay: &mut dyn FnMut(&Batch<'_>) -> Result<(), ReplayError>,
    ) -> Result<(), OpenError> {
        let location = self.maintenance.storage.location();
        let time_ms = now_ms.max(self.appender.last_time_ms());
        let failed = |action, segment, source| OpenError::Io {
            action,
            file: segment_name(segment),
            location: location.clone(),
            source,
        };
        let segment = self.appender.current.number;
        self.appender.append(time_ms, record).map_err(|error| {
            failed(
                "write the start record to",
                segment,
                io::Error::other(error),
            )
        })?;
        let synced = self.syncer.sync_all();
        synced.map_err(|error: CloseError| {
            let source = self.syncer.error.take();
            let source = source.unwrap_or_else(|| io::Error::other(error));
            failed("sync", self.appender.current.number, source)
        })?;
        self.report.next_sequence = self.appender.next_sequence();
        let batch = Batch {
            sequence: record.first_sequence(),
            records: record.count(),
            epoch: self.appender.epoch(),
            time_ms,
            synced: record.first_sequence(),
            payload: record.bytes(),
            position: self.syncer.done,
        };
        replay(&batch).map_err(|source| OpenError::Replay {
            sequence: batch.sequence,
            position: batch.position,
            source,
        })
    }
}

fn first_offset() -> u32 {
    u32::try_from(SEGMENT_HEADER_BYTES).unwrap_or(u32::MAX)
}

/// A piece's length, at most `STEP_BYTES`, as a size in memory.
fn memory_size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
