//! The first pass: follows the batches as far as they continue each other, replaying each.

use super::{Recovery, Unproven};
use crate::journal::error::{OpenError, ReplayError};
use crate::journal::layout::{BatchHeader, Position, first_offset, segment_name};
use crate::journal::queues::Finished;
use crate::journal::record::Seal;
use crate::journal::scan::Batch;
use crate::journal::segment::{Segment, open_segment};
use crate::journal::storage::Storage;
use crate::types::record::{ENGINE_KIND_MIN, Records};
use std::sync::Arc;

impl<S: Storage> Recovery<S> {
    /// Follows the batches as far as they continue each other, replaying each.
    pub(super) fn walk(
        &mut self,
        replay: &mut dyn FnMut(&Batch<'_>) -> Result<(), ReplayError>,
    ) -> Result<(), OpenError> {
        let numbers = std::mem::take(&mut self.numbers);
        let mut ended = false;
        for &number in &numbers {
            let segment = open_segment(&*self.storage, self.options.shard, number)
                .map_err(|error| self.segment_error(number, error))?;
            let segment = Arc::new(segment);
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

    pub(super) fn walk_segment(
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
    pub(super) fn note(&mut self, header: &BatchHeader, position: Position) {
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
        self.forget_proven();
    }

    pub(super) fn forget_proven(&mut self) {
        while let Some(front) = self.unproven.front()
            && front.is_below(self.mark)
        {
            self.unproven.pop_front();
        }
    }

    /// The journal's own records are the first of their batch.
    pub(super) fn note_seals(&mut self, payload: &[u8]) {
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
    pub(super) fn prune(&mut self) {
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
}
