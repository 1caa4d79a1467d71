//! What a shard counts: once a turn into the metrics, never once an order.

use super::Shard;
use crate::engine::command::OrderOutcome;
use crate::journal::Room;
use crate::journal::storage::Storage;
use crate::limits::HOUR_MS;
use crate::types::{CodeClass, ResultCode};

/// Counts of a turn, added to the metrics at its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub frames: u64,
    pub commands: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub replayed: u64,
    pub conflicts: u64,
    pub invalid: u64,
    pub overloaded: u64,
}

impl Tally {
    /// Counts one decided order.
    pub fn count(&mut self, outcome: &OrderOutcome) {
        let counter = if outcome.replayed {
            &mut self.replayed
        } else if outcome.code == ResultCode::Ok {
            &mut self.accepted
        } else if outcome.code == ResultCode::IdempotencyConflict {
            &mut self.conflicts
        } else if outcome.code.class() == CodeClass::Rejection {
            &mut self.rejected
        } else {
            &mut self.invalid
        };
        *counter += 1;
    }
}

impl<S: Storage> Shard<S> {
    pub(super) fn count_turn(&mut self, now_ns: u64) {
        let tally = std::mem::take(&mut self.tally);
        let metrics = &self.metrics;
        metrics.turns.increment(1);
        metrics.frames.increment(tally.frames);
        metrics.commands.increment(tally.commands);
        metrics.accepted.increment(tally.accepted);
        metrics.rejected.increment(tally.rejected);
        metrics.replayed.increment(tally.replayed);
        metrics.conflicts.increment(tally.conflicts);
        metrics.invalid.increment(tally.invalid);
        metrics.overloaded.increment(tally.overloaded);
        let seconds = crate::metrics::seconds_between(self.turn.started_ns, now_ns);
        metrics.turn_seconds.record(seconds);
    }

    /// Refreshes the gauges; call it now and then, not every turn.
    pub fn publish_gauges(&mut self) {
        let statistics = self.engine.statistics();
        let metrics = &self.metrics;
        metrics.orders_kept.set(statistics.orders as f64);
        metrics.holds_live.set(statistics.open_holds as f64);
        metrics.backorders.set(statistics.backorders as f64);
        let units = statistics.backordered_units;
        metrics.backordered_units.set(units as f64);
        metrics.skus.set(statistics.skus as f64);
        let events = &metrics.channel_events_waiting;
        events.set(statistics.channel_events_waiting as f64);
        let forgotten = statistics.channel_events_forgotten;
        metrics.channel_events_forgotten.absolute(forgotten);
        metrics
            .channel_event_ids
            .set(statistics.channel_event_ids as f64);
        let early = statistics.channel_events_forgotten_early;
        metrics.channel_events_forgotten_early.absolute(early);
        metrics.forgotten.absolute(statistics.rejections_forgotten);
        metrics.journal_bytes.absolute(self.journal_bytes);
        metrics.sequence.set(self.journal.next_sequence() as f64);
        metrics.acknowledged.set(self.journal.acknowledged() as f64);
        metrics.synced.set(self.journal.synced() as f64);
        metrics.replies_held.set(self.gate.held_bytes() as f64);
        metrics.room.set(match self.journal.room() {
            Room::Normal => 2.0,
            Room::Reserved => 1.0,
            Room::None => 0.0,
        });
        self.warn_of_early(early);
    }

    /// Says once an hour, while it goes on, that repeats of events may not be known any more.
    fn warn_of_early(&mut self, early: u64) {
        let (said, said_ms) = self.early_said;
        let now_ms = self.engine.now_ms();
        if early == said || now_ms < said_ms.saturating_add(HOUR_MS) {
            return;
        }
        self.early_said = (early, now_ms);
        tracing::warn!(
            shard = self.number,
            dropped = early - said,
            "ids of channels' events were dropped before they were 30 days old, so a repeat of an \
             older one may be taken for a new event: raise `channel_events_kept`"
        );
    }
}
