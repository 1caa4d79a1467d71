//! What comes of writes and reads, and of what was put off.

use super::{Book, SETTLE_MS, Settled, Shown, Taken};
use crate::channels::api::{ApiError, NOT_WRITTEN};
use crate::channels::publish::entry::State;

/// First wait after a failure of a single item, in milliseconds; each further one is twice as long.
const RETRY_MS: u64 = 100;

/// Longest such wait, in milliseconds.
const RETRY_MS_MAX: u64 = 30_000;

/// How long a refused item is left alone, in milliseconds.
const QUARANTINE_MS: u64 = 10 * 60 * 1_000;

impl Book {
    /// An item was read; none: the marketplace has no such item.
    pub fn was_read(&mut self, place: usize, shown: Option<i64>, now_ms: u64) -> Settled {
        self.ended(place, None);
        let unseen_until = now_ms + self.rules.unseen_ms;
        let Some(entry) = self.entries.get_mut(place) else {
            return Settled::Again;
        };
        if entry.state != State::Out {
            return Settled::Again;
        }
        let Some(shown) = shown else {
            return self.quarantine(place, "the marketplace has no such item", now_ms);
        };
        entry.was_read(shown, unseen_until);
        if let Some(until) = entry.unseen_until() {
            self.alarms.insert((until, place));
        }
        entry.state = State::Idle;
        self.decide(place);
        Settled::Again
    }

    /// The last call of an item that stands for nothing any more ended; it may still arrive until
    /// `late_ms`. What the item stands for now is taken up.
    fn ended(&mut self, place: usize, late_ms: Option<u64>) {
        if !self.leaving.remove(&place) {
            return;
        }
        if let Some(entry) = self.entries.get_mut(place) {
            entry.state = State::Gone;
        }
        for next in 0..self.entries.len() {
            if let Some(entry) = self.entries.get_mut(next)
                && entry.state == State::Behind(place)
            {
                entry.state = State::Idle;
                self.note_late(next, late_ms);
                self.decide(next);
            }
        }
    }

    /// A call that was given up may still arrive until `late_ms`.
    fn note_late(&mut self, place: usize, late_ms: Option<u64>) {
        let compares = self.rules.compares;
        if let (Some(late_ms), Some(entry)) = (late_ms, self.entries.get_mut(place))
            && !compares
        {
            entry.rewrite_at_ms = Some(late_ms);
            self.alarms.insert((late_ms, place));
        }
    }

    /// A read brought nothing.
    pub fn read_failed(&mut self, place: usize) {
        self.ended(place, None);
        if let Some(entry) = self.entries.get_mut(place)
            && entry.state == State::Out
        {
            entry.reread = true;
            entry.state = State::Idle;
            self.decide(place);
        }
    }

    /// What came of a write of one item.
    pub fn settle(&mut self, taken: &Taken, result: Result<(), ApiError>, now_ms: u64) -> Settled {
        let place = taken.place;
        let late_ms = match &result {
            Err(ApiError::Retry { code, .. }) if code != NOT_WRITTEN => {
                Some(now_ms + self.rules.late_ms)
            }
            _ => None,
        };
        self.ended(place, late_ms);
        let Some(entry) = self.entries.get_mut(place) else {
            return Settled::Again;
        };
        if entry.state != State::Out {
            return Settled::Again;
        }
        let Err(error) = result else {
            return self.acknowledged(taken, now_ms);
        };
        if let Some(since) = taken.since_ms {
            entry.note_change(since);
        }
        match error {
            ApiError::Rejected { code, message } => {
                self.quarantine(place, &format!("{code} {message}"), now_ms)
            }
            ApiError::Stale { current } => {
                if let Some(current) = current {
                    return self.was_read(place, Some(current), now_ms);
                }
                entry.state = State::Reading;
                self.to_read.insert(place);
                Settled::Again
            }
            ApiError::Retry { code, .. } if code == NOT_WRITTEN => {
                entry.state = State::Idle;
                self.decide(place);
                Settled::Again
            }
            ApiError::Retry { .. } => {
                // It may have been written: what it shows is not known.
                if self.rules.compares {
                    entry.may_show(taken.write.quantity, taken.sequence);
                } else {
                    entry.forget();
                }
                self.note_late(place, late_ms);
                self.wait(place, now_ms)
            }
            ApiError::RateLimited { .. }
            | ApiError::Unauthorised { .. }
            | ApiError::Expired { .. } => self.wait(place, now_ms),
        }
    }

    fn acknowledged(&mut self, taken: &Taken, now_ms: u64) -> Settled {
        let Some(entry) = self.entries.get_mut(taken.place) else {
            return Settled::Again;
        };
        let quantity = taken.write.quantity;
        entry.shows(i64::from(quantity), taken.sequence);
        entry.written_ms = now_ms;
        entry.failures = 0;
        entry.share_max = self.rules.batch_max;
        entry.state = State::Idle;
        entry.zeroed = quantity == 0;
        if quantity == 0 {
            entry.ambiguous = false;
        }
        if taken.whole {
            self.shown.push(Shown {
                sku: entry.name.clone(),
                quantity,
                sequence: taken.sequence,
            });
        }
        self.decide(taken.place);
        Settled::Acknowledged(taken.since_ms.map(|since| now_ms.saturating_sub(since)))
    }

    fn wait(&mut self, place: usize, now_ms: u64) -> Settled {
        if let Some(entry) = self.entries.get_mut(place) {
            let wait_ms = (RETRY_MS << entry.failures.min(16)).min(RETRY_MS_MAX);
            entry.failures += 1;
            entry.state = State::Waiting(now_ms + wait_ms);
            self.alarms.insert((now_ms + wait_ms, place));
        }
        Settled::Again
    }

    fn quarantine(&mut self, place: usize, reason: &str, now_ms: u64) -> Settled {
        let Some(entry) = self.entries.get_mut(place) else {
            return Settled::Again;
        };
        let until = now_ms + QUARANTINE_MS;
        entry.state = State::Quarantined(until);
        entry.share_max = self.rules.batch_max;
        let name = entry.name.clone();
        self.alarms.insert((until, place));
        self.quarantined += 1;
        Settled::Quarantined(name, reason.to_owned())
    }

    /// A whole write was refused: one of its items is the reason. Each half is tried by itself.
    /// `None` where it was one item only.
    pub fn split(&mut self, taken: &[Taken]) -> Option<()> {
        let half = taken.len().div_ceil(2);
        if taken.len() < 2 {
            return None;
        }
        for one in taken {
            self.ended(one.place, None);
            if let Some(entry) = self.entries.get_mut(one.place)
                && entry.state == State::Out
            {
                if let Some(since) = one.since_ms {
                    entry.note_change(since);
                }
                entry.share_max = half;
                entry.state = State::Idle;
            }
            self.decide(one.place);
        }
        Some(())
    }

    /// A whole write brought nothing: its items are ready again, with the value of then. Where it may
    /// have been `written`, what they show is not known, and it may even arrive later: then they are
    /// written once more behind it.
    pub fn again(&mut self, taken: &[Taken], written: bool, now_ms: u64) {
        let late_ms = written.then(|| now_ms + self.rules.late_ms);
        let compares = self.rules.compares;
        for one in taken {
            self.ended(one.place, late_ms);
            if let Some(entry) = self.entries.get_mut(one.place)
                && entry.state == State::Out
            {
                if let Some(since) = one.since_ms {
                    entry.note_change(since);
                }
                if written && compares {
                    entry.may_show(one.write.quantity, one.sequence);
                } else if written {
                    entry.forget();
                }
                entry.state = State::Idle;
                self.note_late(one.place, late_ms);
            }
            self.decide(one.place);
        }
    }

    /// Looks after what was put off until now.
    pub fn wake(&mut self, now_ms: u64) {
        while let Some((due_ms, place)) = self.alarms.first().copied() {
            if due_ms > now_ms {
                return;
            }
            self.alarms.remove(&(due_ms, place));
            self.look_after(place, now_ms);
        }
    }

    fn look_after(&mut self, place: usize, now_ms: u64) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        match entry.state {
            State::Waiting(until) if until <= now_ms => entry.state = State::Idle,
            State::Quarantined(until) if until <= now_ms => {
                entry.state = State::Idle;
                self.quarantined = self.quarantined.saturating_sub(1);
            }
            _ => {}
        }
        if entry.unseen_until().is_some_and(|until| until <= now_ms) {
            entry.give_up_unseen();
            entry.note_change(now_ms);
        }
        if entry.rewrite_at_ms.is_some_and(|at| at <= now_ms) {
            if entry.state == State::Out {
                self.alarms.insert((now_ms + 1, place));
            } else {
                entry.rewrite_at_ms = None;
                entry.forget();
                entry.note_change(now_ms);
            }
        }
        if entry.ambiguous {
            let quiet_at = entry.last_own_ms + SETTLE_MS;
            if quiet_at > now_ms || entry.state == State::Out {
                self.alarms.insert((quiet_at.max(now_ms + 1), place));
            } else {
                entry.ambiguous = false;
                if self.rules.compares {
                    entry.reread = true;
                } else {
                    entry.forget();
                }
                entry.note_change(now_ms);
            }
        }
        self.decide(place);
    }
}
