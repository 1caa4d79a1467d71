//! The last step: the parts of an open journal, and the record of this start.

use super::{Opened, Recovery, RecoveryReport};
use crate::journal::append::Appender;
use crate::journal::error::{CloseError, OpenError, ReplayError};
use crate::journal::handover::SyncHandover;
use crate::journal::layout::{
    BATCH_HEADER_BYTES, FORMAT_VERSION, Position, first_offset, segment_name,
};
use crate::journal::maintain::Maintenance;
use crate::journal::queues::Queues;
use crate::journal::record::Start;
use crate::journal::scan::Batch;
use crate::journal::segment::{Plan, Segment, prepare_now};
use crate::journal::storage::Storage;
use crate::journal::sync::Syncer;
use crate::types::record::RecordBuffer;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

impl<S: Storage> Recovery<S> {
    /// Makes the parts, writes this start's own record, and makes it durable.
    pub(super) fn start(
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
        if room < BATCH_HEADER_BYTES + record.bytes().len() && self.later.is_empty() {
            let next = self.make_segment(tail.number + 1)?;
            self.later.push(Arc::new(next));
        }
        let position = Position {
            segment: tail.number,
            offset: self.end,
        };
        self.sync_directory()?;
        let mut opened = self.parts(tail, position, epoch);
        opened.write_start(&record, now_ms, replay)?;
        Ok(opened)
    }

    pub(super) fn parts(
        self,
        tail: Arc<Segment<S::File>>,
        position: Position,
        epoch: u32,
    ) -> Opened<S> {
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
                published: sequence,
                shard: self.options.shard,
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
                leftovers: Vec::new(),
                prepare_first: false,
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

    pub(super) fn make_segment(&mut self, number: u32) -> Result<Segment<S::File>, OpenError> {
        let plan = Plan {
            shard: self.options.shard,
            number,
            size_bytes: self.options.segment_bytes,
        };
        let spare = self.spares.pop();
        prepare_now(&*self.storage, plan, spare.as_deref(), &mut *self.entropy)
            .map_err(|error| self.maintenance(error))
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
