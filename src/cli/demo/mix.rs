//! Business as usual beside the sale: holds, placed orders, baskets, confirms, releases, retries.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::account::{Account, Heard, Told};
use super::sale::{CURRENCY, TTL_MS};
use super::shop::{MIX_SKUS, Shop};
use crate::types::{
    ChannelId, CodeClass, CommandKey, LocationId, OrderKey, OrderState, ResultCode, SkuId,
};
use crate::wire::reply::{OrderCommandReply, REPLAYED, ReserveReplyItem};
use crate::wire::request::{
    self, EncodeError, Line, Lines, OrderCommandItem, ReserveItem, reserve_flags,
};
use crate::wire::{Opcode, key};

/// A marketplace, so that these orders share no key with the sale's.
const CHANNEL: ChannelId = ChannelId(7);
/// Price of any unit, in cents.
const PRICE_CENTS: u64 = 1_900;
/// Most lines of a basket.
const BASKET_LINES_MAX: usize = 5;

/// One request of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The order, or the same order again.
    Order,
    /// Confirm the hold, or the same command again.
    Confirm,
    Release,
}

/// What visitors do, each as often as the others.
const VISITS: [&[Step]; 6] = [
    &[Step::Order],
    &[Step::Order, Step::Confirm],
    &[Step::Order, Step::Release],
    &[Step::Order, Step::Order],
    &[Step::Order, Step::Order, Step::Confirm, Step::Confirm],
    &[Step::Order, Step::Confirm, Step::Order],
];

/// What a visitor does who places the order.
const PLACED_VISIT: &[Step] = &[Step::Order, Step::Order];

/// One visitor's order.
#[derive(Debug)]
pub(super) struct MixOrder {
    pub key: OrderKey,
    pub lines: Vec<Line>,
    pub told: Option<Told>,
    /// State by the last answer.
    pub state: Option<OrderState>,
    customer: u64,
    command: CommandKey,
    placed: bool,
    steps: &'static [Step],
    /// Steps that were answered.
    done: usize,
}

/// What was done, for the report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MixCounts {
    pub orders: u64,
    pub placed: u64,
    pub baskets: u64,
    pub confirmed: u64,
    pub released: u64,
    pub refused: u64,
    pub duplicates: u64,
}

/// Visitors, one after the other on each of a few connections.
#[derive(Debug)]
pub(super) struct Mix {
    seed: u64,
    rng: ChaCha8Rng,
    skus: Vec<SkuId>,
    pub orders: Vec<MixOrder>,
    /// The order that each lane is busy with.
    lanes: Vec<Option<usize>>,
}

impl Mix {
    pub(super) fn new(seed: u64, rng: ChaCha8Rng, lanes: usize, shop: &Shop) -> Self {
        Self {
            seed,
            rng,
            skus: shop.mix.clone(),
            orders: Vec::new(),
            lanes: vec![None; lanes],
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.lanes.iter().all(Option::is_none)
    }

    /// Appends this lane's next request. Nobody new comes in when the shop is `closing`: false
    /// where there is nothing to send then.
    pub(super) fn request(
        &mut self,
        lane: usize,
        closing: bool,
        out: &mut Vec<u8>,
    ) -> Result<bool, EncodeError> {
        let index = match self.lanes.get(lane).copied() {
            Some(Some(index)) => index,
            Some(None) if !closing => self.visit(lane),
            _ => return Ok(false),
        };
        let Some(order) = self.orders.get(index) else {
            return Ok(false);
        };
        let Some(step) = order.steps.get(order.done) else {
            return Ok(false);
        };
        order.encode(*step, index as u64, out)?;
        Ok(true)
    }

    /// Somebody comes in.
    fn visit(&mut self, lane: usize) -> usize {
        let index = self.orders.len();
        let count = match self.rng.random_range(0..3) {
            0 => self.rng.random_range(2..=BASKET_LINES_MAX),
            _ => 1,
        };
        let first = self.rng.random_range(0..MIX_SKUS);
        let placed = self.rng.random_ratio(1, 5);
        // The order's process confirms a placed order, not its client.
        let steps = match VISITS.get(self.rng.random_range(0..VISITS.len())) {
            Some(&steps) if !placed => steps,
            _ => PLACED_VISIT,
        };
        let skus = self.skus.iter().cycle().skip(first).take(count);
        let lines = skus.map(|&sku| Line {
            sku,
            quantity: self.rng.random_range(1..=3),
            location: LocationId::ANY,
        });
        let lines = lines.collect();
        self.orders.push(MixOrder {
            key: key::order_key(CHANNEL, format!("{}-mix-{index}", self.seed).as_bytes()),
            lines,
            told: None,
            state: None,
            customer: 1_000_000_000 + index as u64,
            command: CommandKey(self.rng.random::<u128>().max(1)),
            placed,
            steps,
            done: 0,
        });
        if let Some(place) = self.lanes.get_mut(lane) {
            *place = Some(index);
        }
        index
    }

    /// Takes the answer to a lane's order.
    pub(super) fn order_answer(
        &mut self,
        lane: usize,
        item: &ReserveReplyItem,
        account: &mut Account,
    ) -> Heard {
        let Some(order) = self.current(lane) else {
            account.contradiction("an answer to an order that was not sent".to_owned());
            return Heard::Outcome;
        };
        if account.order(order.key, &mut order.told, item) == Heard::Busy {
            return Heard::Busy;
        }
        if let Some(before) = order.state
            && item.state != Some(before)
        {
            let now = item.state.map_or("nothing", OrderState::name);
            account.contradiction(format!(
                "order {} was {} and is {now} without a command",
                order.key,
                before.name()
            ));
        }
        order.state = item.state;
        if item.code != ResultCode::Ok {
            // Sold out: there is nothing to confirm or release.
            order.done = order.steps.len();
        }
        self.advance(lane);
        Heard::Outcome
    }

    /// Takes the answer to a lane's command.
    pub(super) fn command_answer(
        &mut self,
        lane: usize,
        reply: &OrderCommandReply,
        account: &mut Account,
    ) -> Heard {
        let Some(order) = self.current(lane) else {
            account.contradiction("an answer to a command that was not sent".to_owned());
            return Heard::Outcome;
        };
        if reply.code.class() == CodeClass::Transient {
            account.busy += 1;
            return Heard::Busy;
        }
        account.replayed += u64::from(reply.flags & REPLAYED != 0);
        let step = order.steps.get(order.done);
        let wanted = match step {
            Some(Step::Confirm) => OrderState::Confirmed,
            _ => OrderState::Cancelled,
        };
        if reply.code != ResultCode::Ok || reply.state != Some(wanted) {
            let state = reply.state.map_or("nothing", OrderState::name);
            account.contradiction(format!(
                "{step:?} of order {} was answered {} with {state}",
                order.key, reply.code
            ));
        }
        order.state = reply.state;
        self.advance(lane);
        Heard::Outcome
    }

    fn current(&mut self, lane: usize) -> Option<&mut MixOrder> {
        let index = self.lanes.get(lane).copied().flatten()?;
        self.orders.get_mut(index)
    }

    fn advance(&mut self, lane: usize) {
        let Some(order) = self.current(lane) else {
            return;
        };
        order.done = order.steps.len().min(order.done + 1);
        if order.done == order.steps.len()
            && let Some(place) = self.lanes.get_mut(lane)
        {
            *place = None;
        }
    }

    /// What was done so far.
    pub(super) fn counts(&self) -> MixCounts {
        let mut counts = MixCounts::default();
        for order in self.orders.iter().filter(|order| order.told.is_some()) {
            let refused = order.told.is_some_and(|told| told.code != ResultCode::Ok);
            let repeats = order
                .steps
                .windows(2)
                .filter(|pair| pair.first() == pair.last());
            counts.orders += 1;
            counts.placed += u64::from(order.placed);
            counts.baskets += u64::from(order.lines.len() > 1);
            counts.confirmed += u64::from(order.state == Some(OrderState::Confirmed));
            counts.released += u64::from(order.state == Some(OrderState::Cancelled));
            counts.refused += u64::from(refused);
            counts.duplicates += if refused { 0 } else { repeats.count() as u64 };
        }
        counts
    }
}

impl MixOrder {
    fn encode(&self, step: Step, id: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let command = OrderCommandItem {
            order: self.key,
            key: self.command,
        };
        match step {
            Step::Confirm => request::encode(out, Opcode::Confirm, id, &[command]),
            Step::Release => request::encode(out, Opcode::Release, id, &[command]),
            Step::Order => {
                let order = ReserveItem {
                    key: self.key,
                    customer: self.customer,
                    total: PRICE_CENTS * u64::from(self.units()),
                    ttl_ms: TTL_MS,
                    version: 1,
                    channel: CHANNEL,
                    currency: CURRENCY,
                    flags: if self.placed { reserve_flags::PLACE } else { 0 },
                    destination: None,
                    lines: Lines::new(&self.lines),
                    details: &[],
                };
                request::encode(out, Opcode::Reserve, id, &[order])
            }
        }
    }

    /// Units of all lines.
    pub(super) fn units(&self) -> u32 {
        self.lines.iter().map(|line| line.quantity).sum()
    }
}
