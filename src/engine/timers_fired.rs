//! A turn's time, and the timers that it fires.

use super::channel::CAMPAIGN_RECORD_BYTES_MAX;
use super::process::PROCESS_TIMER_RECORDS_BYTES_MAX;
use super::record::{FORGOTTEN_KEY_BYTES, Record};
use super::{Engine, TimersFired};
use crate::limits::{FORGOTTEN_KEYS_PER_RECORD_MAX, TIMERS_PER_TURN_MAX};
use crate::types::ActorId;
use crate::types::record::RecordBuffer;

/// Void timers looked at in one turn, at most.
const VOID_TIMERS_PER_TURN_MAX: usize = 64 * TIMERS_PER_TURN_MAX;

/// Journal bytes of a timer of an order that is not in process, at most: a forgotten key or an
/// expiry, with its frame.
const TIMER_RECORD_BYTES: usize = 40;

impl Engine {
    /// Starts a turn: moves engine time to the clock and fires every timer due by then, but at
    /// most `timers_max` (1 ..= `TIMERS_PER_TURN_MAX`; each makes at most 40 bytes of records, and
    /// one of an order in process counts as many, as it may make more): then time stops at the
    /// deadline of the last one fired. Orders that wait for stock get what has become available,
    /// as far as the same bound leaves room.
    pub fn fire_timers(
        &mut self,
        clock_ms: u64,
        timers_max: usize,
        out: &mut RecordBuffer,
    ) -> TimersFired {
        let clock_ms = clock_ms.max(self.now_ms);
        let budget = timers_max.saturating_mul(TIMER_RECORD_BYTES);
        // A campaign that begins or ends in this turn has its room as well.
        let campaign = self
            .channels
            .due_ms()
            .is_some_and(|due_ms| due_ms <= clock_ms);
        let timers_max = if campaign {
            let room = CAMPAIGN_RECORD_BYTES_MAX / TIMER_RECORD_BYTES + 1;
            timers_max.saturating_sub(room).max(1)
        } else {
            timers_max
        };
        let journaled = out.bytes().len();
        let mut due = std::mem::take(&mut self.scratch.due);
        let last_deadline = self.collect_due(clock_ms, timers_max, &mut due);
        let more = self
            .timers
            .first_deadline()
            .is_some_and(|next| next <= clock_ms);
        self.begin_turn(if more { last_deadline } else { clock_ms });
        let mut fired = TimersFired {
            turn_time_ms: self.now_ms,
            expired: 0,
            forgotten: 0,
            more,
        };
        let mut keys = std::mem::take(&mut self.scratch.bytes);
        keys.clear();
        for (deadline, slot) in &due {
            // A hold replaced by one of the same deadline has two timers: the first one fires.
            if !self.is_timer_of(*deadline, *slot) {
                continue;
            }
            let process_due = self.processes.next_due_ms(*slot);
            if process_due.is_some_and(|due_ms| due_ms <= self.now_ms) {
                self.fire_process(*slot, out);
                continue;
            }
            let (tenant, key) = self.client_key(*slot);
            if self.orders.get(*slot).state.is_live_hold() {
                self.expire(*slot, out);
                fired.expired += 1;
            } else {
                keys.extend_from_slice(&tenant.0.to_le_bytes());
                keys.extend_from_slice(&key.0.to_le_bytes());
                fired.forgotten += 1;
                if keys.len() == FORGOTTEN_KEYS_PER_RECORD_MAX * FORGOTTEN_KEY_BYTES {
                    self.forget(&keys, out);
                    keys.clear();
                }
            }
        }
        if !keys.is_empty() {
            self.forget(&keys, out);
        }
        self.scratch.bytes = keys;
        let room = timers_max.saturating_mul(TIMER_RECORD_BYTES);
        let room = room.saturating_sub(out.bytes().len() - journaled);
        fired.more |= self.allocate_backorders(room, due.is_empty(), out);
        self.scratch.due = due;
        if campaign {
            // Behind the holds that ended by then: their units are there to be given.
            let room = budget.saturating_sub(CAMPAIGN_RECORD_BYTES_MAX);
            let mut due = self.fire_campaign(out);
            while due && out.bytes().len() - journaled <= room {
                due = self.fire_campaign(out);
            }
            fired.more |= due;
        }
        fired
    }

    /// Takes the timers that are due by the clock, as far as the turn has room for what they make;
    /// returns the deadline of the last one looked at.
    fn collect_due(&mut self, clock_ms: u64, timers_max: usize, due: &mut Vec<(u64, u32)>) -> u64 {
        due.clear();
        let mut bytes_left = timers_max.saturating_mul(TIMER_RECORD_BYTES);
        let timers_max = timers_max.clamp(1, TIMERS_PER_TURN_MAX);
        let (mut last_deadline, mut looked_at) = (0, 0);
        while due.len() < timers_max && looked_at < VOID_TIMERS_PER_TURN_MAX {
            let Some((deadline, slot)) = self.timers.pop(clock_ms) else {
                break;
            };
            looked_at += 1;
            if self.is_timer_of(deadline, slot) {
                let bytes = if self.processes.get(slot).is_some() {
                    PROCESS_TIMER_RECORDS_BYTES_MAX
                } else {
                    TIMER_RECORD_BYTES
                };
                if bytes > bytes_left && !due.is_empty() {
                    self.timers.set(deadline, slot);
                    break;
                }
                bytes_left = bytes_left.saturating_sub(bytes);
                due.push((deadline, slot));
            }
            last_deadline = deadline;
        }
        last_deadline
    }

    /// True where the order in the slot still waits for a timer of this deadline.
    fn is_timer_of(&self, deadline_ms: u64, slot: u32) -> bool {
        let order = self.orders.get(slot);
        if order.is_free() {
            return false;
        }
        let process_due = self.processes.next_due_ms(slot);
        if process_due.is_some_and(|due_ms| due_ms <= deadline_ms) {
            true
        } else if order.is_managed() {
            false
        } else if order.state.is_live_hold() {
            order.time_ms() == deadline_ms
        } else {
            let until = order
                .time_ms()
                .saturating_add(self.options.ended_order_kept_ms);
            order.is_ended() && until == deadline_ms
        }
    }

    fn expire(&mut self, slot: u32, out: &mut RecordBuffer) {
        assert!(
            self.orders.get(slot).is_expired(self.now_ms),
            "a hold ends by time only when its time has come"
        );
        let (tenant, order) = self.client_key(slot);
        let (sequence, _) = Record::OrderExpired { tenant, order }.push(out, ActorId::SYSTEM);
        if let Err(contradiction) = self.apply_expired(slot) {
            panic!("an expiry cannot be applied (sequence {sequence}): {contradiction}");
        }
    }

    fn forget(&mut self, keys: &[u8], out: &mut RecordBuffer) {
        let (sequence, raw) = Record::OrdersForgotten { keys }.push(out, ActorId::SYSTEM);
        if let Err(contradiction) = self.apply_forgotten(raw.payload) {
            panic!("keys cannot be forgotten (sequence {sequence}): {contradiction}");
        }
    }

    /// On replay, where records do the firing: drops the void timers that time has passed.
    pub(super) fn drop_void_timers(&mut self) {
        while let Some((deadline, slot)) = self.timers.pop(self.now_ms) {
            if self.is_timer_of(deadline, slot) {
                self.timers.set(deadline, slot);
                return;
            }
        }
    }
}
