//! Random commands against a deliberately naive model: maps, wide integers, no cleverness.
//!
//! The model predicts the code and state of every answer and the quantities of every cell; after
//! each run the invariants hold and a replay of the journaled bytes gives the same digest.

use super::shop::{ANY, Shop, line, request};
use crate::engine::EngineOptions;
use crate::engine::command::{Command, OrderLineView};
use crate::engine::record::Allocation;
use crate::types::{
    CommandKey, Disposition, LocationId, OrderKey, OrderMode, OrderState, Policy, Resolution,
    ResultCode, SkuId, StockBucket,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SKUS: u32 = 3;
const LOCATIONS: u16 = 2;

#[derive(Clone, Debug)]
enum Step {
    Reserve {
        key: u128,
        version: u16,
        lines: Vec<(u32, u16, u32)>,
        place: bool,
        partial: bool,
    },
    Confirm(u128, u128),
    Release(u128, u128),
    Cancel(u128, u128),
    Extend(u128, u128),
    Ship(u128, u128, u32),
    Return(u128, u128, u32),
    Receive(u128, u32, u16, u32),
    Adjust(u128, u32, u16, i64),
    Set(u128, u32, u16, u32, Option<u32>),
    Transfer(u128, u32, u32),
    Safety(u128, u32, u16, u32, bool),
    Wait(u64),
    WaitUnswept(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 1..14_u128;
    let command = 1..60_u128;
    let (sku, at, quantity) = (0..SKUS, 0..LOCATIONS, 1..6_u32);
    let lines = prop::collection::vec((0..SKUS, 0..=LOCATIONS, 1..5_u32), 1..4);
    let step = prop_oneof![
        8 => (key.clone(), 1..4_u16, lines, any::<bool>(), any::<bool>()).prop_map(
            |(key, version, lines, place, partial)| Step::Reserve {
                key, version: if version == 3 { 1 } else { version }, lines, place: place && partial, partial,
            }),
        3 => (command.clone(), key.clone()).prop_map(|(c, k)| Step::Confirm(c, k)),
        2 => (command.clone(), key.clone()).prop_map(|(c, k)| Step::Release(c, k)),
        2 => (command.clone(), key.clone()).prop_map(|(c, k)| Step::Cancel(c, k)),
        1 => (command.clone(), key.clone()).prop_map(|(c, k)| Step::Extend(c, k)),
        3 => (command.clone(), key.clone(), quantity.clone()).prop_map(|(c, k, q)| Step::Ship(c, k, q)),
        2 => (command.clone(), key, quantity.clone()).prop_map(|(c, k, q)| Step::Return(c, k, q)),
        3 => (command.clone(), sku.clone(), at.clone(), quantity.clone()).prop_map(|(c, s, l, q)| Step::Receive(c, s, l, q)),
        1 => (command.clone(), sku.clone(), at.clone(), -5..5_i64).prop_map(|(c, s, l, d)| Step::Adjust(c, s, l, d)),
        1 => (command.clone(), sku.clone(), at.clone(), 0..9_u32, prop::option::of(0..4_u32)).prop_map(|(c, s, l, q, e)| Step::Set(c, s, l, q, e)),
        1 => (command.clone(), sku.clone(), quantity.clone()).prop_map(|(c, s, q)| Step::Transfer(c, s, q)),
        1 => (command, sku, at, quantity, any::<bool>()).prop_map(|(c, s, l, q, i)| Step::Safety(c, s, l, q, i)),
        2 => (1..80_000_u64).prop_map(Step::Wait),
        1 => (1..80_000_u64).prop_map(Step::WaitUnswept),
    ];
    prop::collection::vec(step, 1..90)
}

#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct ModelCell {
    on_hand: i128,
    reserved: i128,
    committed: i128,
    safety: i128,
}

impl ModelCell {
    fn available(&self) -> i128 {
        (self.on_hand - self.reserved - self.committed - self.safety).max(0)
    }
}

#[derive(Clone, Debug)]
struct ModelOrder {
    version: u16,
    meaning: String,
    state: OrderState,
    placed: bool,
    until_ms: u64,
    extensions: u8,
    /// (sku, location) → reserved, committed, shipped, returned
    lines: BTreeMap<(u32, u16), [i128; 4]>,
}

/// Meaning of the latest version refused, of each key.
type Refusals = BTreeMap<u128, (u16, String, ResultCode)>;

#[derive(Default)]
struct Model {
    cells: BTreeMap<(u32, u16), ModelCell>,
    orders: BTreeMap<u128, ModelOrder>,
    refusals: Refusals,
    stock_commands: BTreeMap<u128, (String, ResultCode)>,
    order_commands: BTreeMap<u128, (String, ResultCode)>,
    now_ms: u64,
}

impl Model {
    fn cell(&mut self, sku: u32, at: u16) -> &mut ModelCell {
        self.cells.entry((sku, at)).or_default()
    }

    /// Ends holds whose time has come. Swept or not makes no difference to an answer about the
    /// order, but units come back only with the sweep.
    fn sweep(&mut self) {
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

    fn state(&self, key: u128) -> Option<OrderState> {
        let order = self.orders.get(&key)?;
        let over = order.state.is_live_hold() && order.until_ms <= self.now_ms;
        Some(if over {
            OrderState::Expired
        } else {
            order.state
        })
    }

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
                cell.reserved -= units[0]
            } else {
                cell.committed -= units[1]
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

struct Run {
    shop: Shop,
    model: Model,
    skus: Vec<SkuId>,
    locations: Vec<LocationId>,
}

impl Run {
    fn new(options: EngineOptions) -> Self {
        let mut shop = Shop::with(options);
        let skus = (0..SKUS).map(|n| shop.sku(&format!("sku {n}"))).collect();
        let locations = (0..LOCATIONS)
            .map(|n| shop.location(&format!("at {n}"), 0, 0, 0))
            .collect();
        let now_ms = shop.clock_ms;
        Self {
            shop,
            model: Model {
                now_ms,
                ..Model::default()
            },
            skus,
            locations,
        }
    }

    fn step(&mut self, step: &Step) {
        let text = format!("{step:?}");
        let (expected, got, order) = match step.clone() {
            Step::Wait(ms) => {
                self.shop.advance(ms);
                self.model.now_ms += ms;
                self.model.sweep();
                return;
            }
            Step::WaitUnswept(ms) => {
                self.shop.advance_unswept(ms);
                self.model.now_ms += ms;
                return;
            }
            Step::Reserve {
                key,
                version,
                lines,
                place,
                partial,
            } => {
                let expected = self
                    .model
                    .reserve(key, version, &lines, place, partial, 60_000);
                let wants: Vec<_> = lines
                    .iter()
                    .map(|(sku, at, quantity)| {
                        let at = self.locations.get(usize::from(*at)).copied().unwrap_or(ANY);
                        line(self.skus[*sku as usize], at, *quantity)
                    })
                    .collect();
                let mut order = request(key, &wants);
                order.version = version;
                order.mode = if place {
                    OrderMode::Place
                } else {
                    OrderMode::Hold
                };
                order.policy = if partial {
                    Policy::Partial
                } else {
                    Policy::AllOrNothing
                };
                let outcome = self.shop.reserve(&order);
                if self.model.orders.contains_key(&key) {
                    assert_eq!(outcome.state, self.model.state(key), "{step:?}");
                }
                (expected, outcome.code, Some(key))
            }
            Step::Confirm(c, key) => {
                let expected = self.model.order_command(c, key, text, |model| {
                    let order = model.orders.get_mut(&key).unwrap();
                    match order.state {
                        OrderState::Held => {
                            order.state = OrderState::Confirmed;
                            for (cell, units) in &mut order.lines {
                                let cell = model.cells.get_mut(cell).unwrap();
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
                });
                let command = Command::Confirm {
                    key: CommandKey(c),
                    order: OrderKey(key),
                    lines: &[],
                };
                (expected, self.shop.execute(&command).code, Some(key))
            }
            Step::Release(c, key) => {
                let expected = self.model.order_command(c, key, text, |model| {
                    if !model.orders[&key].state.is_live_hold() {
                        return ResultCode::AlreadyResolved;
                    }
                    model.end(key, 0);
                    ResultCode::Ok
                });
                let command = Command::Release {
                    key: CommandKey(c),
                    order: OrderKey(key),
                };
                (expected, self.shop.execute(&command).code, Some(key))
            }
            Step::Cancel(c, key) => {
                let expected = self.model.order_command(c, key, text, |model| {
                    let order = model.orders[&key].clone();
                    if order.state.is_live_hold() {
                        model.end(key, 0);
                    } else if order.lines.values().any(|units| units[2] > 0) {
                        return ResultCode::AlreadyShipped;
                    } else if order.state == OrderState::Confirmed {
                        model.end(key, 1);
                    } else {
                        return ResultCode::AlreadyResolved;
                    }
                    ResultCode::Ok
                });
                let command = Command::Cancel {
                    key: CommandKey(c),
                    order: OrderKey(key),
                };
                (expected, self.shop.execute(&command).code, Some(key))
            }
            Step::Extend(c, key) => {
                let expected = self.model.order_command(c, key, text, |model| {
                    let until = model.now_ms + 90_000;
                    let order = model.orders.get_mut(&key).unwrap();
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
                });
                let command = Command::Extend {
                    key: CommandKey(c),
                    order: OrderKey(key),
                    ttl_ms: 90_000,
                };
                (expected, self.shop.execute(&command).code, Some(key))
            }
            Step::Ship(c, key, quantity) => self.ship(c, key, quantity, text),
            Step::Return(c, key, quantity) => self.give_back(c, key, quantity, text),
            other => self.stock_step(other, text),
        };
        assert_eq!(got, expected, "{step:?}");
        if let Some(key) = order {
            self.compare_order(key, step);
        }
        self.compare_cells(step);
    }

    /// Ships up to `quantity` units of the order's first line, wherever they are.
    fn ship(
        &mut self,
        c: u128,
        key: u128,
        quantity: u32,
        text: String,
    ) -> (ResultCode, ResultCode, Option<u128>) {
        let sku = self.first_sku(key);
        let text = format!("{text} {sku:?}");
        let expected = self.model.order_command(c, key, text, |model| {
            let order = model.orders.get_mut(&key).unwrap();
            let sku = order.lines.keys().next().unwrap().0;
            let mut want = i128::from(quantity);
            let total: i128 = order
                .lines
                .iter()
                .filter(|((s, _), _)| *s == sku)
                .map(|(_, u)| u[1])
                .sum();
            if want > total {
                return ResultCode::ExceedsCommitted;
            }
            let before = (order.clone(), model.cells.clone());
            for (cell, units) in order.lines.iter_mut().filter(|((s, _), _)| *s == sku) {
                let part = want.min(units[1]);
                want -= part;
                units[1] -= part;
                units[2] += part;
                let cell = model.cells.get_mut(cell).unwrap();
                cell.committed -= part;
                cell.on_hand -= part;
                if cell.on_hand < 0 {
                    *order = before.0;
                    model.cells = before.1;
                    return ResultCode::Underflow;
                }
            }
            if order.lines.values().all(|units| units[1] == 0) {
                order.state = OrderState::Shipped;
            }
            ResultCode::Ok
        });
        let lines = [line(sku, ANY, quantity)];
        let command = Command::Ship {
            key: CommandKey(c),
            order: OrderKey(key),
            lines: &lines,
        };
        (expected, self.shop.execute(&command).code, Some(key))
    }

    fn give_back(
        &mut self,
        c: u128,
        key: u128,
        quantity: u32,
        text: String,
    ) -> (ResultCode, ResultCode, Option<u128>) {
        let sku = self.first_sku(key);
        let text = format!("{text} {sku:?}");
        let expected = self.model.order_command(c, key, text, |model| {
            let order = model.orders.get_mut(&key).unwrap();
            let sku = order.lines.keys().next().unwrap().0;
            let mut want = i128::from(quantity);
            let total: i128 = order
                .lines
                .iter()
                .filter(|((s, _), _)| *s == sku)
                .map(|(_, u)| u[2] - u[3])
                .sum();
            if want > total {
                return ResultCode::ExceedsShipped;
            }
            for (cell, units) in order.lines.iter_mut().filter(|((s, _), _)| *s == sku) {
                let part = want.min(units[2] - units[3]);
                want -= part;
                units[3] += part;
                model.cells.get_mut(cell).unwrap().on_hand += part;
            }
            ResultCode::Ok
        });
        let lines = [line(sku, ANY, quantity)];
        let command = Command::Return {
            key: CommandKey(c),
            order: OrderKey(key),
            disposition: Disposition::Restock,
            lines: &lines,
        };
        (expected, self.shop.execute(&command).code, Some(key))
    }

    fn first_sku(&self, key: u128) -> SkuId {
        let first = self
            .model
            .orders
            .get(&key)
            .and_then(|order| order.lines.keys().next().copied());
        self.skus[first.map_or(0, |(sku, _)| sku as usize)]
    }

    fn stock_step(&mut self, step: Step, text: String) -> (ResultCode, ResultCode, Option<u128>) {
        let (skus, at) = (self.skus.clone(), self.locations.clone());
        let at = |n: u16| at[usize::from(n)];
        let (expected, command) = match step {
            Step::Receive(c, s, l, quantity) => (
                self.model.stock_command(c, text, |model| {
                    model.cell(s, l).on_hand += i128::from(quantity);
                    ResultCode::Ok
                }),
                Command::Receive {
                    key: CommandKey(c),
                    sku: skus[s as usize],
                    location: at(l),
                    quantity,
                },
            ),
            Step::Adjust(c, s, l, delta) => (
                if delta == 0 {
                    ResultCode::InvalidQuantity
                } else {
                    self.model.stock_command(c, text, |model| {
                        model.cell(s, l).on_hand += i128::from(delta);
                        if model.cell(s, l).on_hand < 0 {
                            ResultCode::Underflow
                        } else {
                            ResultCode::Ok
                        }
                    })
                },
                Command::Adjust {
                    key: CommandKey(c),
                    sku: skus[s as usize],
                    location: at(l),
                    delta,
                    reason: "count",
                },
            ),
            Step::Set(c, s, l, on_hand, expect) => (
                self.model.stock_command(c, text, |model| {
                    let cell = model.cell(s, l);
                    if expect.is_some_and(|expect| i128::from(expect) != cell.on_hand) {
                        return ResultCode::Stale;
                    }
                    cell.on_hand = on_hand.into();
                    ResultCode::Ok
                }),
                Command::Set {
                    key: CommandKey(c),
                    sku: skus[s as usize],
                    location: at(l),
                    on_hand,
                    expect,
                },
            ),
            Step::Transfer(c, s, quantity) => (
                self.model.stock_command(c, text, |model| {
                    if model.cell(s, 0).available() < quantity.into() {
                        return ResultCode::InsufficientStock;
                    }
                    model.cell(s, 0).on_hand -= i128::from(quantity);
                    model.cell(s, 1).on_hand += i128::from(quantity);
                    ResultCode::Ok
                }),
                Command::Transfer {
                    key: CommandKey(c),
                    sku: skus[s as usize],
                    from: at(0),
                    to: at(1),
                    quantity,
                },
            ),
            Step::Safety(c, s, l, quantity, into) => (
                self.model.stock_command(c, text, |model| {
                    let cell = model.cell(s, l);
                    if into && cell.available() < quantity.into() {
                        return ResultCode::InsufficientStock;
                    }
                    cell.safety += if into { 1 } else { -1 } * i128::from(quantity);
                    if cell.safety < 0 {
                        ResultCode::Underflow
                    } else {
                        ResultCode::Ok
                    }
                }),
                Command::Move {
                    key: CommandKey(c),
                    sku: skus[s as usize],
                    location: at(l),
                    from: if into {
                        StockBucket::Available
                    } else {
                        StockBucket::Safety
                    },
                    to: if into {
                        StockBucket::Safety
                    } else {
                        StockBucket::Available
                    },
                    quantity,
                },
            ),
            _ => unreachable!("order steps are taken elsewhere"),
        };
        (expected, self.shop.execute(&command).code, None)
    }

    fn compare_cells(&self, step: &Step) {
        for sku in 0..SKUS {
            for at in 0..LOCATIONS {
                let q = self
                    .shop
                    .cell(self.skus[sku as usize], self.locations[usize::from(at)]);
                let got = ModelCell {
                    on_hand: q.on_hand.into(),
                    reserved: q.reserved.into(),
                    committed: q.committed.into(),
                    safety: q.safety.into(),
                };
                let expected = self
                    .model
                    .cells
                    .get(&(sku, at))
                    .copied()
                    .unwrap_or_default();
                assert_eq!(got, expected, "SKU {sku} at {at} after {step:?}");
            }
        }
    }

    fn compare_order(&self, key: u128, step: &Step) {
        let Some(expected) = self.model.orders.get(&key) else {
            return;
        };
        let (view, lines, _) = self.shop.order(key).expect("the model has it");
        assert_eq!(Some(view.state), self.model.state(key), "after {step:?}");
        assert_eq!(view.placed, expected.placed);
        assert_eq!(
            view.resolution == Resolution::Open,
            view.state.is_live_hold()
        );
        let over = view.state == OrderState::Expired;
        let got: Vec<_> = lines
            .iter()
            .map(|l: &OrderLineView| {
                (
                    l.sku,
                    l.location,
                    [l.reserved, l.committed, l.shipped, l.returned].map(i128::from),
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .lines
            .iter()
            .map(|((sku, at), units)| {
                let mut units = *units;
                if over {
                    units[0] = 0;
                }
                (
                    self.skus[*sku as usize],
                    self.locations[usize::from(*at)],
                    units,
                )
            })
            .collect();
        assert_eq!(got, expected, "after {step:?}");
        let ordered = |l: &OrderLineView| l.reserved + l.committed + l.shipped + l.cancelled;
        assert!(lines.iter().all(|l| l.ordered == ordered(l)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_and_every_quantity_is_what_a_naive_model_says(steps in steps()) {
        let mut run = Run::new(EngineOptions::default());
        for step in &steps {
            run.step(step);
        }
        run.shop.check();
    }

    #[test]
    fn replay_gives_the_same_digest_with_the_smallest_memories_too(steps in steps()) {
        let options = EngineOptions {
            rejections_kept: 2,
            commands_kept: 3,
            ended_order_kept_ms: 50_000,
            ..EngineOptions::default()
        };
        // The model remembers everything, so only invariants and replay are compared here.
        let mut run = Run::new(options);
        for step in &steps {
            run.engine_only(step);
        }
        run.shop.check();
        let larger = EngineOptions::default();
        let replayed = run.shop.replayed(larger);
        prop_assert_eq!(replayed.digest(), run.shop.engine.digest());
    }
}

impl Run {
    /// The step without the model.
    fn engine_only(&mut self, step: &Step) {
        let lines_of = |sku: SkuId, quantity: u32| {
            vec![Allocation {
                sku,
                quantity,
                location: ANY,
            }]
        };
        match step.clone() {
            Step::Wait(ms) => {
                self.shop.advance(ms);
            }
            Step::WaitUnswept(ms) => self.shop.advance_unswept(ms),
            Step::Reserve {
                key,
                version,
                lines,
                place,
                partial,
            } => {
                let wants: Vec<_> = lines
                    .iter()
                    .map(|(sku, at, quantity)| {
                        let at = self.locations.get(usize::from(*at)).copied().unwrap_or(ANY);
                        line(self.skus[*sku as usize], at, *quantity)
                    })
                    .collect();
                let mut order = request(key, &wants);
                order.version = version;
                order.mode = if place {
                    OrderMode::Place
                } else {
                    OrderMode::Hold
                };
                order.policy = if partial {
                    Policy::Partial
                } else {
                    Policy::AllOrNothing
                };
                self.shop.reserve(&order);
            }
            Step::Confirm(c, key) => {
                self.shop.execute(&Command::Confirm {
                    key: CommandKey(c),
                    order: OrderKey(key),
                    lines: &[],
                });
            }
            Step::Release(c, key) => {
                self.shop.execute(&Command::Release {
                    key: CommandKey(c),
                    order: OrderKey(key),
                });
            }
            Step::Cancel(c, key) => {
                self.shop.execute(&Command::Cancel {
                    key: CommandKey(c),
                    order: OrderKey(key),
                });
            }
            Step::Extend(c, key) => {
                self.shop.execute(&Command::Extend {
                    key: CommandKey(c),
                    order: OrderKey(key),
                    ttl_ms: 90_000,
                });
            }
            Step::Ship(c, key, quantity) => {
                let lines = lines_of(self.skus[0], quantity);
                self.shop.execute(&Command::Ship {
                    key: CommandKey(c),
                    order: OrderKey(key),
                    lines: &lines,
                });
            }
            Step::Return(c, key, quantity) => {
                let lines = lines_of(self.skus[0], quantity);
                let disposition = Disposition::Damaged;
                self.shop.execute(&Command::Return {
                    key: CommandKey(c),
                    order: OrderKey(key),
                    disposition,
                    lines: &lines,
                });
            }
            other => {
                self.stock_step(other, String::new());
            }
        }
    }
}
