//! Orders as frames, and answers as counts: what closed and open loops share.

use onhand::types::{CommandKey, LocationId, OrderKey, ResultCode, SkuId};
use onhand::wire::reader::Reader;
use onhand::wire::reply::{OrderCommandReply, REPLAYED, ReserveReplyItem};
use onhand::wire::request::{Line, Lines, OrderCommandItem, ReserveItem};
use onhand::wire::{Frame, Item, Opcode, frame};

use crate::books::Books;
use crate::ledger::Ledger;
use crate::scenario::{Fate, Plan, PlannedLine};
use crate::tally::Tally;

/// Currency of all orders: 978, the euro.
const CURRENCY: u16 = 978;

/// Version of all orders: none is edited.
const VERSION: u16 = 1;

/// What a frame in flight asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// New orders.
    Reserve,
    /// That granted holds be confirmed.
    Confirm,
    /// That granted holds be released.
    Release,
}

/// One frame in flight, or a free place for one. Reused, so that nothing is allocated for an order.
#[derive(Debug)]
pub struct Flight {
    /// What it asks for.
    pub ask: Ask,
    /// Orders in the frame, 0 where nothing is in flight; for reserve, their numbers start at
    /// `first`.
    pub count: u16,
    /// Number of the first order.
    pub first: u64,
    /// When it was sent, or was meant to be.
    pub sent_ns: u64,
    /// Identities of granted holds that are to be confirmed next.
    pub confirm: Vec<u64>,
    /// Identities of granted holds that are to be released after that.
    pub release: Vec<u64>,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            ask: Ask::Reserve,
            count: 0,
            first: 0,
            sent_ns: 0,
            confirm: Vec::new(),
            release: Vec::new(),
        }
    }
}

impl Flight {
    /// True where an answer is due.
    pub fn is_out(&self) -> bool {
        self.count > 0
    }

    /// True where granted holds wait for their confirm or release.
    pub fn has_follow_up(&self) -> bool {
        !self.confirm.is_empty() || !self.release.is_empty()
    }
}

/// All orders of a run, and what became of them.
#[derive(Debug)]
pub struct Workload {
    plan: Plan,
    skus: Vec<SkuId>,
    location: LocationId,
    hold_ms: u32,
    batch: u16,
    next: u64,
    orders_max: u64,
    stop_ns: u64,
    lines: Vec<PlannedLine>,
    wire_lines: Vec<Line>,
    /// Counts and latencies.
    pub tally: Tally,
    /// Units by SKU.
    pub books: Books,
    /// Where acknowledgements are written down, if anywhere.
    pub ledger: Option<Ledger>,
    /// The first answer that no scenario expects.
    pub surprise: Option<ResultCode>,
}

/// The bounds of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Orders in one frame.
    pub batch: u16,
    /// Orders in all.
    pub orders_max: u64,
    /// No order is sent at or after this time.
    pub stop_ns: u64,
    /// Time to live of the holds, in milliseconds.
    pub hold_ms: u32,
}

impl Workload {
    /// The workload of `plan`; `skus` are the server's handles of its SKUs.
    pub fn new(plan: Plan, skus: Vec<SkuId>, location: LocationId, bounds: Bounds) -> Self {
        Self {
            books: Books::new(plan.skus()),
            plan,
            skus,
            location,
            hold_ms: bounds.hold_ms,
            batch: bounds.batch,
            next: 0,
            orders_max: bounds.orders_max,
            stop_ns: bounds.stop_ns,
            lines: Vec::new(),
            wire_lines: Vec::new(),
            tally: Tally::default(),
            ledger: None,
            surprise: None,
        }
    }

    /// True where no further order is to be sent.
    pub fn is_exhausted(&self, now_ns: u64) -> bool {
        self.next >= self.orders_max || now_ns >= self.stop_ns
    }

    /// Appends the next frame of orders and notes it in `flight`. False where there is none.
    pub fn send_orders(
        &mut self,
        flight: &mut Flight,
        id: u64,
        sent_ns: u64,
        out: &mut Vec<u8>,
    ) -> bool {
        let left = self.orders_max.saturating_sub(self.next);
        #[allow(clippy::cast_possible_truncation)] // at most the batch, which is a u16
        let count = left.min(u64::from(self.batch)) as u16;
        if count == 0 {
            return false;
        }
        flight.ask = Ask::Reserve;
        flight.count = count;
        flight.first = self.next;
        flight.sent_ns = sent_ns;
        let start = frame::begin(out);
        for number in self.next..self.next + u64::from(count) {
            self.put_order(number, out);
        }
        start.finish(out, Opcode::Reserve as u8, id, count);
        self.next += u64::from(count);
        self.tally.counts.offered += u64::from(count);
        true
    }

    fn put_order(&mut self, number: u64, out: &mut Vec<u8>) {
        let order = self.plan.order(number);
        let line = |planned: &PlannedLine| Line {
            sku: self
                .skus
                .get(planned.sku as usize)
                .copied()
                .unwrap_or_default(),
            quantity: planned.quantity,
            location: self.location,
        };
        let single;
        let lines = if self.plan.is_single_line() {
            single = [line(&self.plan.line(order.identity))];
            single.as_slice()
        } else {
            self.plan.lines(order.identity, &mut self.lines);
            self.wire_lines.clear();
            self.wire_lines.extend(self.lines.iter().map(line));
            self.wire_lines.as_slice()
        };
        let item = ReserveItem {
            key: OrderKey(order.key),
            customer: order.customer,
            total: order.total,
            ttl_ms: self.hold_ms,
            version: VERSION,
            channel: onhand::types::ChannelId(0),
            currency: CURRENCY,
            flags: 0,
            destination: None,
            lines: Lines::new(lines),
            details: &[],
        };
        item.put(out);
    }

    /// Appends the frame that confirms, or else releases, the holds that wait for it in `flight`.
    pub fn send_follow_up(&mut self, flight: &mut Flight, id: u64, now_ns: u64, out: &mut Vec<u8>) {
        let (ask, opcode, identities) = if flight.confirm.is_empty() {
            (Ask::Release, Opcode::Release, &flight.release)
        } else {
            (Ask::Confirm, Opcode::Confirm, &flight.confirm)
        };
        let start = frame::begin(out);
        for &identity in identities {
            let item = OrderCommandItem {
                order: OrderKey(self.plan.order(identity).key),
                key: CommandKey(self.plan.command_key(identity)),
            };
            item.put(out);
        }
        // No more than the orders of one frame.
        let count = u16::try_from(identities.len()).unwrap_or(u16::MAX);
        start.finish(out, opcode as u8, id, count);
        flight.ask = ask;
        flight.count = count;
        flight.sent_ns = now_ns;
        self.tally.commands += u64::from(count);
    }

    /// Takes the answer to a frame in flight. What its holds ask for next is in `flight` then.
    pub fn settle(&mut self, flight: &mut Flight, frame: &Frame<'_>, received_ns: u64) {
        match flight.ask {
            Ask::Reserve if frame.header.opcode == Opcode::Reserve.reply() => {
                self.settle_orders(flight, frame, received_ns);
            }
            Ask::Confirm if frame.header.opcode == Opcode::Confirm.reply() => {
                self.settle_commands(frame, &flight.confirm, Books::confirm);
                flight.confirm.clear();
            }
            Ask::Release if frame.header.opcode == Opcode::Release.reply() => {
                self.settle_commands(frame, &flight.release, Books::release);
                flight.release.clear();
            }
            _ => self.fail(flight, ResultCode::MalformedBody),
        }
        flight.count = 0;
    }

    /// The whole frame was refused or its answer never came.
    pub fn fail(&mut self, flight: &mut Flight, code: ResultCode) {
        let count = u64::from(flight.count);
        match flight.ask {
            Ask::Reserve if is_overload(code) => self.tally.counts.overloaded += count,
            Ask::Reserve => self.tally.counts.errors += count,
            Ask::Confirm | Ask::Release => self.tally.commands_failed += count,
        }
        if !is_overload(code) {
            self.surprise.get_or_insert(code);
        }
        flight.count = 0;
        flight.confirm.clear();
        flight.release.clear();
    }

    fn settle_orders(&mut self, flight: &mut Flight, frame: &Frame<'_>, received_ns: u64) {
        let latency_ns = received_ns.saturating_sub(flight.sent_ns);
        let before = self.tally.counts;
        let mut reader = Reader::new(frame.body);
        let end = flight.first + u64::from(flight.count);
        for number in flight.first..end {
            let Some(answer) = ReserveReplyItem::take(&mut reader) else {
                self.tally.counts.errors += end - number;
                self.surprise.get_or_insert(ResultCode::MalformedBody);
                break;
            };
            self.settle_order(number, &answer, flight);
        }
        let after = &self.tally.counts;
        let (won, lost) = (
            after.accepted - before.accepted,
            after.rejected - before.rejected,
        );
        let others = after.answered() - before.answered() - won - lost;
        self.tally.winners.record(latency_ns, won);
        self.tally.losers.record(latency_ns, lost);
        self.tally.others.record(latency_ns, others);
    }

    #[inline]
    fn settle_order(&mut self, number: u64, answer: &ReserveReplyItem, flight: &mut Flight) {
        if let Some(ledger) = &mut self.ledger {
            ledger.acknowledged(OrderKey(self.plan.order(number).key), VERSION, answer);
        }
        let counts = &mut self.tally.counts;
        if answer.flags & REPLAYED != 0 {
            counts.replayed += 1;
            return;
        }
        match answer.code {
            ResultCode::Ok => {
                counts.accepted += 1;
                self.granted(number, flight);
            }
            ResultCode::InsufficientStock | ResultCode::NotOnSale => counts.rejected += 1,
            ResultCode::IdempotencyConflict => counts.conflicts += 1,
            code if is_overload(code) => counts.overloaded += 1,
            code => {
                counts.errors += 1;
                self.surprise.get_or_insert(code);
            }
        }
    }

    #[inline]
    fn granted(&mut self, number: u64, flight: &mut Flight) {
        let identity = self.plan.order(number).identity;
        if self.plan.is_single_line() {
            let line = self.plan.line(identity);
            self.books.hold(line.sku, line.quantity);
        } else {
            self.plan.lines(identity, &mut self.lines);
            for line in &self.lines {
                self.books.hold(line.sku, line.quantity);
            }
        }
        match self.plan.fate(identity) {
            Fate::Stay => {}
            Fate::Confirm => flight.confirm.push(identity),
            Fate::Release => flight.release.push(identity),
        }
    }

    fn settle_commands(
        &mut self,
        frame: &Frame<'_>,
        identities: &[u64],
        book: fn(&mut Books, u32, u32),
    ) {
        let mut reader = Reader::new(frame.body);
        for &identity in identities {
            match OrderCommandReply::take(&mut reader).map(|answer| answer.code) {
                Some(ResultCode::Ok) => {
                    self.plan.lines(identity, &mut self.lines);
                    for line in &self.lines {
                        book(&mut self.books, line.sku, line.quantity);
                    }
                }
                code => {
                    self.tally.commands_failed += 1;
                    self.surprise
                        .get_or_insert(code.unwrap_or(ResultCode::MalformedBody));
                }
            }
        }
    }
}

/// True for codes that ask for patience rather than tell an outcome.
pub fn is_overload(code: ResultCode) -> bool {
    code.class() == onhand::types::CodeClass::Transient
}

#[cfg(test)]
mod tests;
