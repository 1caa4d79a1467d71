//! The naive model of the engine: maps, wide integers, no cleverness, nothing shared with it.

use super::steps::{LOCATIONS, Step};
use crate::types::{OrderState, ResultCode};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct ModelCell {
    pub on_hand: i128,
    pub reserved: i128,
    pub committed: i128,
    pub safety: i128,
}

impl ModelCell {
    fn available(&self) -> i128 {
        (self.on_hand - self.reserved - self.committed - self.safety).max(0)
    }
}

#[derive(Clone, Debug)]
pub struct ModelOrder {
    pub version: u16,
    pub meaning: String,
    pub state: OrderState,
    pub placed: bool,
    pub until_ms: u64,
    pub extensions: u8,
    /// (sku, location) → reserved, committed, shipped, returned
    pub lines: BTreeMap<(u32, u16), [i128; 4]>,
}

/// Meaning of the latest version refused, of each key.
pub type Refusals = BTreeMap<u128, (u16, String, ResultCode)>;

/// What the engine should know.
#[derive(Default)]
pub struct Model {
    pub cells: BTreeMap<(u32, u16), ModelCell>,
    pub orders: BTreeMap<u128, ModelOrder>,
    pub refusals: Refusals,
    pub stock_commands: BTreeMap<u128, (String, ResultCode)>,
    pub order_commands: BTreeMap<u128, (String, ResultCode)>,
    pub now_ms: u64,
}

impl Model {
    fn cell(&mut self, sku: u32, at: u16) -> &mut ModelCell {
        self.cells.entry((sku, at)).or_default()
    }

    /// Ends holds whose time has come. Swept or not makes no difference to an answer about the
    /// order, but units come back only with the sweep.
    pub fn sweep(&mut self) {
        for order in self.orders.values_mut() {
            if order.state.is_live_hold() && order.until_ms <= self.now_ms {
                order.state = OrderState::Expired;
                for (cell, units) in &mut order.lines {
                    self.cells.get_mut(cell).unwrap().reserved -= units[0];
                    units[0] = 0;
                }
            }
        }
    }

    pub fn state(&self, key: u128) -> Option<OrderState> {
        let order = self.orders.get(&key)?;
        let over = order.state.is_live_hold() && order.until_ms <= self.now_ms;
        Some(if over {
            OrderState::Expired
        } else {
            order.state
        })
    }

    #[allow(clippy::too_many_lines)] // told in one piece, so that it can be read against the rules
    fn reserve(
        &mut self,
        key: u128,
        version: u16,
        wants: &[(u32, u16, u32)],
        place: bool,
        partial: bool,
        ttl: u64,
    ) -> ResultCode {
        let mut merged = BTreeMap::<(u32, u16), i128>::new();
        for (sku, at, quantity) in wants {
            *merged.entry((*sku, *at)).or_default() += i128::from(*quantity);
        }
        let meaning = format!("{merged:?} {place} {partial}");
        let accepted = self.orders.get(&key).map_or(0, |order| order.version);
        let refused = self.refusals.get(&key).map_or(0, |refusal| refusal.0);
        let latest = accepted.max(refused);
        if latest > 0 {
            let stored = if refused > accepted {
                (self.refusals[&key].1.clone(), self.refusals[&key].2)
            } else {
                (self.orders[&key].meaning.clone(), ResultCode::Ok)
            };
            if version == latest {
                return if stored.0 == meaning {
                    stored.1
                } else {
                    ResultCode::IdempotencyConflict
                };
            }
            if version < latest {
                return ResultCode::StaleVersion;
            }
            if version > latest + 1 {
                return ResultCode::VersionGap;
            }
            if self.state(key).is_some_and(|state| !state.is_live_hold()) {
                return ResultCode::NotReplaceable;
            }
        }
        let own = self
            .orders
            .get(&key)
            .map(|order| order.lines.clone())
            .unwrap_or_default();
        let mut cells = self.cells.clone();
        for (cell, units) in &own {
            cells.get_mut(cell).unwrap().reserved -= units[0];
        }
        match take(&cells, &merged, partial) {
            None => {
                let code = ResultCode::InsufficientStock;
                self.refusals.insert(key, (version, meaning, code));
                code
            }
            Some(taken) => {
                self.cells = cells;
                let mut lines = BTreeMap::new();
                for ((sku, at), quantity) in taken {
                    self.cell(sku, at).reserved += quantity;
                    lines.insert((sku, at), [quantity, 0, 0, 0]);
                }
                let state = if place {
                    OrderState::FraudCheck
                } else {
                    OrderState::Held
                };
                self.orders.insert(
                    key,
                    ModelOrder {
                        version,
                        meaning,
                        state,
                        placed: place,
                        until_ms: self.now_ms + ttl,
                        extensions: 0,
                        lines,
                    },
                );
                ResultCode::Ok
            }
        }
    }

    fn order_command(
        &mut self,
        command: u128,
        key: u128,
        text: String,
        act: impl FnOnce(&mut Self) -> ResultCode,
    ) -> ResultCode {
        if let Some((stored, code)) = self.order_commands.get(&command) {
            return if *stored == text {
                *code
            } else {
                ResultCode::IdempotencyConflict
            };
        }
        if !self.orders.contains_key(&key) {
            return ResultCode::UnknownOrder;
        }
        let code = if self.state(key) == Some(OrderState::Expired) {
            ResultCode::Expired
        } else {
            act(self)
        };
        self.order_commands.insert(command, (text, code));
        code
    }

    fn end(&mut self, key: u128, column: usize) {
        let order = self.orders.get_mut(&key).unwrap();
        order.state = OrderState::Cancelled;
        for (cell, units) in &mut order.lines {
            let cell = self.cells.get_mut(cell).unwrap();
            if column == 0 {
                cell.reserved -= units[0];
            } else {
                cell.committed -= units[1];
            }
            units[column] = 0;
        }
    }

    fn stock_command(
        &mut self,
        command: u128,
        text: String,
        act: impl FnOnce(&mut Self) -> ResultCode,
    ) -> ResultCode {
        if let Some((stored, code)) = self.stock_commands.get(&command) {
            return if *stored == text {
                *code
            } else {
                ResultCode::IdempotencyConflict
            };
        }
        let before = self.cells.clone();
        let code = act(self);
        if code != ResultCode::Ok {
            self.cells = before;
        }
        self.stock_commands.insert(command, (text, code));
        code
    }
}

/// Units for every line, or `None`. With two locations the general rule is short: named lines,
/// then for "any" the location that covers most lines in full (lower number first), then the rest
/// from where most is left.
fn take(
    cells: &BTreeMap<(u32, u16), ModelCell>,
    merged: &BTreeMap<(u32, u16), i128>,
    partial: bool,
) -> Option<BTreeMap<(u32, u16), i128>> {
    let mut left: BTreeMap<(u32, u16), i128> = cells
        .iter()
        .map(|(at, cell)| (*at, cell.available()))
        .collect();
    let mut taken = BTreeMap::<(u32, u16), i128>::new();
    let mut short = false;
    let mut give = |left: &mut BTreeMap<(u32, u16), i128>, at: (u32, u16), quantity: i128| {
        if quantity > 0 {
            *left.get_mut(&at).unwrap() -= quantity;
            *taken.entry(at).or_default() += quantity;
        }
    };
    for ((sku, at), quantity) in merged.iter().filter(|((_, at), _)| *at < LOCATIONS) {
        let there = left.get(&(*sku, *at)).copied().unwrap_or(0);
        short |= there < *quantity;
        give(&mut left, (*sku, *at), there.min(*quantity));
    }
    let mut open = BTreeMap::new();
    for ((sku, _), quantity) in merged.iter().filter(|((_, at), _)| *at == LOCATIONS) {
        let total: i128 = (0..LOCATIONS)
            .map(|at| left.get(&(*sku, at)).copied().unwrap_or(0))
            .sum();
        short |= total < *quantity;
        open.insert(*sku, total.min(*quantity));
    }
    if short && !partial {
        return None;
    }
    loop {
        let covers = |at: u16| {
            open.iter()
                .filter(|(sku, want)| {
                    **want > 0 && left.get(&(**sku, at)).copied().unwrap_or(0) >= **want
                })
                .count()
        };
        let best = (0..LOCATIONS)
            .map(|at| (std::cmp::Reverse(covers(at)), at))
            .min()
            .unwrap();
        if best.0.0 == 0 {
            break;
        }
        for (sku, want) in &mut open {
            if *want > 0 && left.get(&(*sku, best.1)).copied().unwrap_or(0) >= *want {
                give(&mut left, (*sku, best.1), *want);
                *want = 0;
            }
        }
    }
    for (sku, want) in open {
        let mut order: Vec<u16> = (0..LOCATIONS).collect();
        order.sort_by_key(|at| (-left.get(&(sku, *at)).copied().unwrap_or(0), *at));
        let mut want = want;
        for at in order {
            let there = left.get(&(sku, at)).copied().unwrap_or(0).min(want);
            give(&mut left, (sku, at), there);
            want -= there;
        }
    }
    (!taken.is_empty()).then_some(taken)
}

impl Model {
    /// The code that the step must be answered with; the model takes the step too.
    pub fn predict(&mut self, step: &Step) -> ResultCode {
        let text = format!("{step:?}");
        match *step {
            Step::Wait(_) | Step::WaitUnswept(_) => ResultCode::Ok,
            Step::Reserve {
                key,
                version,
                ref lines,
                place,
                partial,
            } => self.reserve(key, version, lines, place, partial, 60_000),
            Step::Confirm(c, key) => self.order_command(c, key, text, |model| model.confirm(key)),
            Step::Release(c, key) => self.order_command(c, key, text, |model| {
                if !model.orders[&key].state.is_live_hold() {
                    return ResultCode::AlreadyResolved;
                }
                model.end(key, 0);
                ResultCode::Ok
            }),
            Step::Cancel(c, key) => self.order_command(c, key, text, |model| model.cancel(key)),
            Step::Extend(c, key) => self.order_command(c, key, text, |model| model.extend(key)),
            Step::Ship(c, key, quantity) => {
                let text = format!("{text} {:?}", self.first_sku(key));
                self.order_command(c, key, text, |model| model.ship(key, quantity))
            }
            Step::Return(c, key, quantity) => {
                let text = format!("{text} {:?}", self.first_sku(key));
                self.order_command(c, key, text, |model| model.give_back(key, quantity))
            }
            Step::Adjust(_, _, _, 0) => ResultCode::InvalidQuantity,
            Step::Receive(c, ..)
            | Step::Adjust(c, ..)
            | Step::Set(c, ..)
            | Step::Transfer(c, ..)
            | Step::Safety(c, ..) => self.stock_command(c, text, |model| model.movement(step)),
        }
    }

    /// The SKU that ship and return steps are about: the first of the order.
    pub fn first_sku(&self, key: u128) -> Option<u32> {
        let order = self.orders.get(&key)?;
        order.lines.keys().next().map(|(sku, _)| *sku)
    }

    fn confirm(&mut self, key: u128) -> ResultCode {
        let order = self.orders.get_mut(&key).unwrap();
        match order.state {
            OrderState::Held => {
                order.state = OrderState::Confirmed;
                for (cell, units) in &mut order.lines {
                    let cell = self.cells.get_mut(cell).unwrap();
                    cell.reserved -= units[0];
                    cell.committed += units[0];
                    (units[1], units[0]) = (units[0], 0);
                }
                ResultCode::Ok
            }
            OrderState::FraudCheck => ResultCode::ManagedByProcess,
            OrderState::Confirmed | OrderState::Shipped => ResultCode::AlreadyConfirmed,
            _ => ResultCode::AlreadyResolved,
        }
    }

    fn cancel(&mut self, key: u128) -> ResultCode {
        let order = self.orders[&key].clone();
        if order.state.is_live_hold() {
            self.end(key, 0);
        } else if order.lines.values().any(|units| units[2] > 0) {
            return ResultCode::AlreadyShipped;
        } else if order.state == OrderState::Confirmed {
            self.end(key, 1);
        } else {
            return ResultCode::AlreadyResolved;
        }
        ResultCode::Ok
    }

    fn extend(&mut self, key: u128) -> ResultCode {
        let until = self.now_ms + 90_000;
        let order = self.orders.get_mut(&key).unwrap();
        match order.state {
            OrderState::FraudCheck => ResultCode::ManagedByProcess,
            OrderState::Held if order.extensions == 8 => ResultCode::ExtendCap,
            OrderState::Held => {
                order.extensions += 1;
                order.until_ms = order.until_ms.max(until);
                ResultCode::Ok
            }
            _ => ResultCode::NotHeld,
        }
    }

    /// Ships units of the order's first SKU, wherever they are.
    fn ship(&mut self, key: u128, quantity: u32) -> ResultCode {
        let sku = self.first_sku(key).unwrap();
        let order = self.orders.get_mut(&key).unwrap();
        let mut want = i128::from(quantity);
        let of_sku = |(at, _): &(&(u32, u16), &mut [i128; 4])| at.0 == sku;
        let committed = order.lines.iter_mut().filter(of_sku);
        if want > committed.map(|(_, units)| units[1]).sum() {
            return ResultCode::ExceedsCommitted;
        }
        let before = (order.clone(), self.cells.clone());
        for (cell, units) in order.lines.iter_mut().filter(of_sku) {
            let part = want.min(units[1]);
            want -= part;
            units[1] -= part;
            units[2] += part;
            let cell = self.cells.get_mut(cell).unwrap();
            cell.committed -= part;
            cell.on_hand -= part;
            if cell.on_hand < 0 {
                *order = before.0;
                self.cells = before.1;
                return ResultCode::Underflow;
            }
        }
        if order.lines.values().all(|units| units[1] == 0) {
            order.state = OrderState::Shipped;
        }
        ResultCode::Ok
    }

    /// Takes back units of the order's first SKU, to sellable stock.
    fn give_back(&mut self, key: u128, quantity: u32) -> ResultCode {
        let sku = self.first_sku(key).unwrap();
        let order = self.orders.get_mut(&key).unwrap();
        let mut want = i128::from(quantity);
        let of_sku = |(at, _): &(&(u32, u16), &mut [i128; 4])| at.0 == sku;
        let open = order.lines.iter_mut().filter(of_sku);
        if want > open.map(|(_, units)| units[2] - units[3]).sum() {
            return ResultCode::ExceedsShipped;
        }
        for (cell, units) in order.lines.iter_mut().filter(of_sku) {
            let part = want.min(units[2] - units[3]);
            want -= part;
            units[3] += part;
            self.cells.get_mut(cell).unwrap().on_hand += part;
        }
        ResultCode::Ok
    }

    fn movement(&mut self, step: &Step) -> ResultCode {
        match *step {
            Step::Receive(_, sku, at, quantity) => {
                self.cell(sku, at).on_hand += i128::from(quantity);
            }
            Step::Adjust(_, sku, at, delta) => {
                self.cell(sku, at).on_hand += i128::from(delta);
                if self.cell(sku, at).on_hand < 0 {
                    return ResultCode::Underflow;
                }
            }
            Step::Set(_, sku, at, on_hand, expect) => {
                let cell = self.cell(sku, at);
                if expect.is_some_and(|expect| i128::from(expect) != cell.on_hand) {
                    return ResultCode::Stale;
                }
                cell.on_hand = on_hand.into();
            }
            Step::Transfer(_, sku, quantity) => {
                if self.cell(sku, 0).available() < quantity.into() {
                    return ResultCode::InsufficientStock;
                }
                self.cell(sku, 0).on_hand -= i128::from(quantity);
                self.cell(sku, 1).on_hand += i128::from(quantity);
            }
            Step::Safety(_, sku, at, quantity, into) => {
                let cell = self.cell(sku, at);
                if into && cell.available() < quantity.into() {
                    return ResultCode::InsufficientStock;
                }
                cell.safety += if into { 1 } else { -1 } * i128::from(quantity);
                if cell.safety < 0 {
                    return ResultCode::Underflow;
                }
            }
            _ => unreachable!("order steps are taken elsewhere"),
        }
        ResultCode::Ok
    }
}
