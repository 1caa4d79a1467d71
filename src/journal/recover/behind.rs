//! The second pass: what stands behind the end, and what must be written again before it.

use super::Recovery;
use crate::journal::error::{DamageKind, OpenError};
use crate::journal::layout::{Position, segment_name};
use crate::journal::scan::look_behind;
use crate::journal::segment::{STEP_BYTES, Segment, spare_name};
use crate::journal::storage::{Storage, StorageFile};
use crate::mutants::{self, Mutant};
use std::sync::Arc;

impl<S: Storage> Recovery<S> {
    /// Looks for batches behind the end. A mark in one of them that is above the end is damage.
    pub(super) fn look_behind(&mut self) -> Result<(), OpenError> {
        let Some(tail) = self.tail.clone() else {
            return Ok(());
        };
        let later = self.later.iter().map(|segment| &**segment);
        let behind = look_behind(&mut self.scanner, (&tail, self.end), later)
            .map_err(|(number, error)| self.io("read", &segment_name(number), error))?;
        self.wipe_end = behind.trace_end;
        self.report.cut_bytes = behind.bytes;
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
        self.forget_proven();
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

    /// Wipes what was cut: zeros behind the end of the tail, a new life for every later segment.
    /// Later segments of another size go as well.
    pub(super) fn wipe(&mut self) -> Result<(), OpenError> {
        for name in std::mem::take(&mut self.half_prepared) {
            self.storage
                .remove(&name)
                .map_err(|e| self.io("remove", &name, e))?;
        }
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
    pub(super) fn rewrite(&mut self) -> Result<(), OpenError> {
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

    pub(super) fn segment(&self, number: u32) -> Option<Arc<Segment<S::File>>> {
        let finished = self.finished.iter().map(|finished| &finished.segment);
        finished
            .chain(&self.tail)
            .find(|segment| segment.number == number)
            .cloned()
    }
}

/// A piece's length, at most `STEP_BYTES`, as a size in memory.
fn memory_size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
