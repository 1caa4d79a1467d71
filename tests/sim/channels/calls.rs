//! Calls to marketplaces: when they arrive, what is answered, and what is not.

use super::lane::TIMEOUT_MS;
use super::market::{QUOTA, QUOTA_UNITS, place_of};
use super::run::Run;
use onhand::channels::api::{ApiError, NOT_WRITTEN};
use onhand::channels::publish::book::Taken;

/// What is called.
pub enum Asks {
    Write(Vec<Taken>),
    Read(Vec<(usize, String)>),
}

/// What came back.
enum Back {
    Written(Vec<Result<(), ApiError>>),
    Read(Vec<Option<i64>>),
}

/// A call on its way.
pub struct Call {
    pub market: usize,
    asks: Asks,
    /// When it arrives; none: it did, or never does.
    lands_ms: Option<u64>,
    /// When the caller hears of it or gives it up; none: that was.
    answers_ms: Option<u64>,
    /// What the caller hears whatever happened; none: what happened.
    error: Option<ApiError>,
    back: Option<Back>,
}

/// Fates of a call, in the order of the weights.
const WELL: usize = 0;
const THROTTLED: usize = 1;
const LOST: usize = 2;
const UNANSWERED: usize = 3;
const LATE: usize = 4;
const FATES: [u32; 5] = [85, 4, 4, 4, 3];

fn timeout() -> ApiError {
    ApiError::Retry {
        code: "timeout".to_owned(),
        message: String::new(),
    }
}

impl Run {
    /// A call leaves.
    pub(super) fn call(&mut self, market: usize, asks: Asks) {
        let now_ms = self.now_ms;
        let mut fate = if self.well {
            WELL
        } else {
            self.faults.weighted(&FATES)
        };
        // Where figures are compared a late write is refused by then, but for a figure that has
        // come back to what it was: not simulated.
        if fate == LATE && (self.markets[market].compares || matches!(asks, Asks::Read(_))) {
            fate = LOST;
        }
        let there_ms = now_ms + self.faults.between(1, 40);
        let back_ms = there_ms + self.faults.between(1, 40);
        let given_up_ms = now_ms + TIMEOUT_MS;
        let late_ms = given_up_ms + self.faults.between(1, TIMEOUT_MS - 1);
        let (lands_ms, answers_ms, error) = match fate {
            THROTTLED => {
                self.coverage.writes_throttled += 1;
                let message = String::new();
                let error = ApiError::RateLimited {
                    wait_ms: 0,
                    message,
                };
                (None, back_ms, Some(error))
            }
            LOST => {
                self.coverage.writes_lost += 1;
                (None, given_up_ms, Some(timeout()))
            }
            UNANSWERED => {
                self.coverage.writes_unanswered += 1;
                (Some(there_ms), given_up_ms, Some(timeout()))
            }
            LATE => {
                self.coverage.writes_late += 1;
                (Some(late_ms), given_up_ms, Some(timeout()))
            }
            _ => (Some(there_ms), back_ms, None),
        };
        self.calls.push(Call {
            market,
            asks,
            lands_ms,
            answers_ms: Some(answers_ms),
            error,
            back: None,
        });
    }

    /// Calls arrive, then answers do, as far as it is time.
    pub(super) fn move_calls(&mut self) {
        let now_ms = self.now_ms;
        let is_due = |at: Option<u64>| at.is_some_and(|at| at <= now_ms);
        let mut calls = std::mem::take(&mut self.calls);
        calls.sort_by_key(|call| call.lands_ms);
        for call in &mut calls {
            if is_due(call.lands_ms) {
                self.land(call);
            }
        }
        for call in &mut calls {
            if is_due(call.answers_ms) {
                call.answers_ms = None;
                self.answer(call);
            }
        }
        calls.retain(|call| call.lands_ms.is_some() || call.answers_ms.is_some());
        calls.append(&mut self.calls);
        self.calls = calls;
    }

    /// Nobody waits for any call any more: each has arrived by now, or never does.
    pub(super) fn drop_calls(&mut self) {
        for mut call in std::mem::take(&mut self.calls) {
            if call.lands_ms.is_some() && self.faults.chance(500) {
                self.land(&mut call);
            }
        }
    }

    /// A call arrives at its marketplace.
    fn land(&mut self, call: &mut Call) {
        call.lands_ms = None;
        let given_up = call.answers_ms.is_none();
        match &call.asks {
            Asks::Read(items) => {
                let items_there = &self.markets[call.market].items;
                let shown = items
                    .iter()
                    .map(|(_, item)| Some(i64::from(items_there[place_of(item)].shown)));
                call.back = Some(Back::Read(shown.collect()));
            }
            Asks::Write(taken) => {
                let results = taken
                    .iter()
                    .map(|one| self.land_write(call.market, one, given_up));
                call.back = Some(Back::Written(results.collect()));
            }
        }
    }

    fn land_write(&mut self, market: usize, taken: &Taken, given_up: bool) -> Result<(), ApiError> {
        let (write, sku) = (&taken.write, place_of(&taken.write.item));
        let before = self.markets[market].items[sku].shown;
        let result = self.markets[market].write(write, taken.sequence(), given_up);
        if result.is_err() {
            self.coverage.writes_refused_stale += 1;
            return result;
        }
        self.coverage.writes += 1;
        self.coverage.raised += u64::from(write.quantity > before);
        self.coverage.zeros += u64::from(write.quantity == 0);
        if sku == QUOTA && self.on_sale[QUOTA] && self.markets[market].counts {
            let number = self.markets[market].number;
            let left = u64::from(QUOTA_UNITS).saturating_sub(self.sold_at(number, QUOTA));
            let twice = u64::from(write.quantity).saturating_sub(left);
            assert!(
                twice == 0 || self.excused,
                "channel {number} is told to offer {} units where {left} are left of its quota",
                write.quantity
            );
            self.markets[market].twice += twice;
            self.coverage.offered_twice += twice;
        }
        Ok(())
    }

    /// The caller hears what came of it.
    fn answer(&mut self, call: &mut Call) {
        let now_ms = self.now_ms;
        let lane = &mut self.lanes[call.market];
        lane.calls_out -= 1;
        let book = &mut lane.book;
        match (&call.asks, &call.error, call.back.take()) {
            (Asks::Write(taken), Some(error), _) => {
                let written = matches!(error, ApiError::Retry { .. });
                book.again(taken, written, now_ms);
            }
            (Asks::Read(items), Some(_), _) => {
                for (place, _) in items {
                    book.read_failed(*place);
                }
            }
            (Asks::Write(taken), None, Some(Back::Written(results))) => {
                for (one, result) in taken.iter().zip(results) {
                    assert!(
                        !matches!(&result, Err(ApiError::Retry { code, .. }) if code == NOT_WRITTEN)
                    );
                    let _ = book.settle(one, result, now_ms);
                }
            }
            (Asks::Read(items), None, Some(Back::Read(found))) => {
                for ((place, _), shown) in items.iter().zip(found) {
                    let _ = book.was_read(*place, shown, now_ms);
                }
            }
            _ => unreachable!("an answer behind its call"),
        }
    }
}
