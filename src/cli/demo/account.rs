//! What the clients were told, and whether a later answer ever took an earlier one back.

use hdrhistogram::Histogram;

use crate::types::{CodeClass, OrderKey, OrderState, ResultCode};
use crate::wire::reply::{REPLAYED, ReserveReplyItem};

/// Contradictions kept word for word; further ones are only counted.
const CONTRADICTIONS_KEPT_MAX: usize = 10;

/// The outcome of one order, as its customer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// `OK`, or why it was refused.
    pub code: ResultCode,
    /// The order number; 0 for refusals.
    pub sequence: u64,
}

/// One answer as the ledger keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acknowledgement {
    pub key: OrderKey,
    pub told: Told,
    pub version: u16,
    pub replayed: bool,
    pub state: Option<OrderState>,
}

/// What to do after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It was an outcome.
    Outcome,
    /// The server is busy: the same request again, later.
    Busy,
}

/// Every acknowledgement of the run, in the order in which they were read.
#[derive(Debug)]
pub(super) struct Account {
    pub acknowledgements: Vec<Acknowledgement>,
    /// From send to reply, of first answers that were `OK`, in nanoseconds.
    pub yours_ns: Histogram<u64>,
    /// The same for first answers that were a refusal.
    pub sold_out_ns: Histogram<u64>,
    /// Answers marked as replayed.
    pub replayed: u64,
    /// Replayed answers to orders whose first answer was never read: executed before the kill.
    pub rescued: u64,
    /// Told once, unknown or told otherwise later.
    pub lost: u64,
    /// Accepted a second time under another number, or executed anew.
    pub twice: u64,
    /// Requests that the server asked to send again later.
    pub busy: u64,
    /// Orders whose outcome was asked for again with a query.
    pub queried: u64,
    pub contradictions: u64,
    kept: Vec<String>,
}

impl Account {
    pub(super) fn new() -> anyhow::Result<Self> {
        // 1 µs to 10 minutes, three digits.
        let histogram = Histogram::new_with_bounds(1_000, 600_000_000_000, 3)?;
        Ok(Self {
            acknowledgements: Vec::new(),
            yours_ns: histogram.clone(),
            sold_out_ns: histogram,
            replayed: 0,
            rescued: 0,
            lost: 0,
            twice: 0,
            busy: 0,
            queried: 0,
            contradictions: 0,
            kept: Vec::new(),
        })
    }

    /// Something that must not be.
    pub(super) fn contradiction(&mut self, what: String) {
        self.contradictions += 1;
        if self.kept.len() < CONTRADICTIONS_KEPT_MAX {
            self.kept.push(what);
        }
    }

    /// The first contradictions, word for word.
    pub(super) fn kept(&self) -> &[String] {
        &self.kept
    }

    /// Takes down the answer to an order and compares it with what was told before, if anything.
    pub(super) fn order(
        &mut self,
        key: OrderKey,
        told: &mut Option<Told>,
        item: &ReserveReplyItem,
    ) -> Heard {
        if item.code.class() == CodeClass::Transient {
            self.busy += 1;
            return Heard::Busy;
        }
        let answer = Told {
            code: item.code,
            sequence: item.sequence,
        };
        let replayed = item.flags & REPLAYED != 0;
        self.replayed += u64::from(replayed);
        self.acknowledgements.push(Acknowledgement {
            key,
            told: answer,
            version: item.version,
            replayed,
            state: item.state,
        });
        match *told {
            None => self.first_answer(key, answer, item, replayed),
            Some(before) => self.compare(key, before, answer, replayed),
        }
        *told = Some(answer);
        Heard::Outcome
    }

    fn first_answer(
        &mut self,
        key: OrderKey,
        answer: Told,
        item: &ReserveReplyItem,
        replayed: bool,
    ) {
        self.rescued += u64::from(replayed);
        let accepted = answer.code == ResultCode::Ok;
        let live = item.state.is_some_and(OrderState::is_live_hold);
        let sound = match answer.code {
            ResultCode::Ok => answer.sequence > 0 && live,
            ResultCode::InsufficientStock => item.state == Some(OrderState::Rejected),
            _ => false,
        };
        if !sound {
            let state = item.state.map_or("no state", OrderState::name);
            self.contradiction(format!(
                "order {key} was answered {} with {state} and number {}",
                answer.code, answer.sequence
            ));
        }
        debug_assert!(accepted || !live);
    }

    fn compare(&mut self, key: OrderKey, before: Told, answer: Told, replayed: bool) {
        if before == answer && replayed {
            return;
        }
        if answer.code == ResultCode::Ok && before.code == ResultCode::Ok {
            self.twice += 1;
        } else {
            self.lost += 1;
        }
        let how = if replayed { "replayed" } else { "decided anew" };
        self.contradiction(format!(
            "order {key} was told {} (number {}), then {} (number {}), {how}",
            before.code, before.sequence, answer.code, answer.sequence
        ));
    }

    /// How long a first answer took.
    pub(super) fn latency(&mut self, code: ResultCode, nanoseconds: u64) {
        let histogram = match code {
            ResultCode::Ok => &mut self.yours_ns,
            _ => &mut self.sold_out_ns,
        };
        histogram.saturating_record(nanoseconds);
    }

    /// The sold-out answers and the accepted ones among what a crowd was told.
    pub(super) fn count(told: &[Option<Told>]) -> (u64, u64) {
        let count = |wanted: fn(ResultCode) -> bool| {
            let found = told.iter().flatten().filter(|told| wanted(told.code));
            found.count() as u64
        };
        (
            count(|code| code == ResultCode::Ok),
            count(|code| code == ResultCode::InsufficientStock),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(code: ResultCode, sequence: u64, flags: u8) -> ReserveReplyItem {
        ReserveReplyItem {
            code,
            state: Some(match code {
                ResultCode::Ok => OrderState::Held,
                _ => OrderState::Rejected,
            }),
            flags,
            version: 1,
            notes: 0,
            sequence,
            expires_at_ms: 0,
        }
    }

    /// Counts (lost, twice, contradictions) after a first and a second answer to one order.
    fn after(first: ReserveReplyItem, second: ReserveReplyItem) -> (u64, u64, u64) {
        let mut account = Account::new().unwrap();
        let mut told = None;
        account.order(OrderKey(7), &mut told, &first);
        account.order(OrderKey(7), &mut told, &second);
        (account.lost, account.twice, account.contradictions)
    }

    #[test]
    fn the_same_answer_replayed_is_no_contradiction() {
        let ok = ResultCode::Ok;
        let no = ResultCode::InsufficientStock;
        assert_eq!(after(item(ok, 9, 0), item(ok, 9, REPLAYED)), (0, 0, 0));
        assert_eq!(after(item(no, 0, 0), item(no, 0, REPLAYED)), (0, 0, 0));
    }

    #[test]
    fn an_order_executed_a_second_time_is_acknowledged_twice() {
        let ok = ResultCode::Ok;
        assert_eq!(after(item(ok, 9, 0), item(ok, 12, 0)), (0, 1, 1));
        assert_eq!(after(item(ok, 9, 0), item(ok, 9, 0)), (0, 1, 1));
        assert_eq!(after(item(ok, 9, 0), item(ok, 10, REPLAYED)), (0, 1, 1));
    }

    #[test]
    fn an_answer_taken_back_is_lost() {
        let (ok, no) = (ResultCode::Ok, ResultCode::InsufficientStock);
        assert_eq!(after(item(ok, 9, 0), item(no, 0, 0)), (1, 0, 1));
        assert_eq!(after(item(no, 0, 0), item(ok, 9, 0)), (1, 0, 1));
        assert_eq!(after(item(no, 0, 0), item(no, 0, 0)), (1, 0, 1));
    }

    #[test]
    fn a_busy_server_told_nothing() {
        let mut account = Account::new().unwrap();
        let mut told = None;
        let busy = item(ResultCode::Overloaded, 0, 0);
        assert_eq!(account.order(OrderKey(7), &mut told, &busy), Heard::Busy);
        assert_eq!((told, account.acknowledgements.len()), (None, 0));
    }
}
