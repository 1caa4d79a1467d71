//! What every marketplace has: products with the stock that they show, orders, and how many units
//! were sold.

use parking_lot::{Mutex, MutexGuard};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// The most products and the most orders of a market; further ones are refused.
const MOST: usize = 1_000_000;

/// The most changes of orders that a market lists.
const MOST_CHANGES: usize = 100_000;

/// A product, or the one variant of it that is sold.
#[derive(Clone, Debug)]
pub struct Item {
    /// The merchant's own text for it.
    pub sku: Box<str>,
    /// From 1, in the order of definition; the marketplace's ids are made of it.
    pub number: u64,
    /// What buyers see. Below zero only where the merchant's write crossed with a sale.
    pub stock: i64,
    /// Price in minor units.
    pub price_minor: u64,
    /// Units sold, cancelled ones included.
    pub sold: u64,
    /// Units of cancelled orders.
    pub cancelled: u64,
    /// Stock writes taken.
    pub writes: u64,
    /// Stock writes refused because they were made from an older figure.
    pub stale: u64,
    /// Stock writes refused for this item alone.
    pub refused: u64,
    /// Every stock write is refused.
    pub bad: bool,
    /// When the last write was taken, in milliseconds since the Unix epoch.
    pub written_ms: u64,
}

/// One line of an order.
#[derive(Clone, Debug)]
pub struct Line {
    /// Whose product.
    pub sku: Box<str>,
    /// Its number.
    pub number: u64,
    /// Units.
    pub quantity: u32,
    /// The most units that it ever had: where an order becomes smaller, some marketplaces go on
    /// naming what was bought.
    pub bought: u32,
    /// Price of one in minor units.
    pub price_minor: u64,
}

/// An order as the marketplace keeps it.
#[derive(Clone, Debug)]
pub struct Order {
    /// From 1; the marketplace's ids are made of it.
    pub number: u64,
    /// What was bought.
    pub lines: Vec<Line>,
    /// The buyer's number.
    pub buyer: u64,
    /// Paid for.
    pub paid: bool,
    /// Cancelled.
    pub cancelled: bool,
    /// When it was made.
    pub created_ms: u64,
    /// When it changed last; every change is at least a second later than the one before, because
    /// marketplaces tell times in seconds.
    pub updated_ms: u64,
    /// How often it was told by webhook.
    pub told: u64,
}

impl Order {
    /// The sum of its lines in minor units.
    #[must_use]
    pub fn total_minor(&self) -> u64 {
        self.sum_of(|line| line.quantity)
    }

    /// As before, of what was bought, in minor units.
    #[must_use]
    pub fn bought_minor(&self) -> u64 {
        self.sum_of(|line| line.bought)
    }

    fn sum_of(&self, units: impl Fn(&Line) -> u32) -> u64 {
        let amounts = self.lines.iter();
        amounts
            .map(|line| line.price_minor * u64::from(units(line)))
            .sum()
    }

    /// True where it became smaller.
    #[must_use]
    pub fn is_reduced(&self) -> bool {
        self.lines.iter().any(|line| line.quantity < line.bought)
    }
}

/// What came of a stock write for one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Taken.
    Taken,
    /// The figure that it was made from is not the present one.
    Stale,
    /// The marketplace does not take writes for this item.
    Refused,
    /// No such item.
    Unknown,
}

/// A market's state.
#[derive(Debug)]
pub struct State {
    /// Products by SKU.
    pub items: BTreeMap<Box<str>, Item>,
    skus: Vec<Box<str>>,
    orders: BTreeMap<u64, Order>,
    /// (when, order), oldest first.
    changes: VecDeque<(u64, u64)>,
    random: ChaCha8Rng,
    /// Buyers who found nothing left to buy.
    pub sold_out: u64,
}

/// A market.
#[derive(Debug)]
pub struct Market {
    state: Mutex<State>,
}

impl Market {
    /// A market without products; `seed` decides what its buyers want.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                items: BTreeMap::new(),
                skus: Vec::new(),
                orders: BTreeMap::new(),
                changes: VecDeque::new(),
                random: ChaCha8Rng::seed_from_u64(seed),
                sold_out: 0,
            }),
        }
    }

    /// The state, locked.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// Defines a product, or sets stock and price of one that exists; its number, or `None` where
    /// there is no room.
    pub fn define(&mut self, sku: &str, stock: i64, price_minor: u64) -> Option<u64> {
        if let Some(item) = self.items.get_mut(sku) {
            item.stock = stock;
            item.price_minor = price_minor;
            return Some(item.number);
        }
        if self.skus.len() >= MOST || sku.is_empty() {
            return None;
        }
        self.skus.push(sku.into());
        let number = self.skus.len() as u64;
        let item = Item {
            sku: sku.into(),
            number,
            stock,
            price_minor,
            sold: 0,
            cancelled: 0,
            writes: 0,
            stale: 0,
            refused: 0,
            bad: false,
            written_ms: 0,
        };
        self.items.insert(sku.into(), item);
        Some(number)
    }

    /// The product with this number.
    pub fn by_number(&mut self, number: u64) -> Option<&mut Item> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        let sku = self.skus.get(place)?;
        self.items.get_mut(sku)
    }

    /// Takes a stock write of an absolute figure; `from` is the figure that it was made from, where
    /// the marketplace compares.
    pub fn write(&mut self, number: u64, stock: i64, from: Option<i64>, now_ms: u64) -> Written {
        let Some(item) = self.by_number(number) else {
            return Written::Unknown;
        };
        if item.bad {
            item.refused += 1;
            return Written::Refused;
        }
        if from.is_some_and(|from| from != item.stock) {
            item.stale += 1;
            return Written::Stale;
        }
        item.stock = stock;
        item.writes += 1;
        item.written_ms = now_ms;
        Written::Taken
    }

    /// A buyer wants `quantity` of a SKU, or of any: the order, if enough is shown.
    pub fn buy(
        &mut self,
        sku: Option<&str>,
        quantity: u32,
        paid: bool,
        now_ms: u64,
    ) -> Option<Order> {
        let sku: Box<str> = match sku {
            Some(sku) => sku.into(),
            None if self.skus.is_empty() => return None,
            None => {
                let place = self.random.random_range(0..self.skus.len());
                self.skus.get(place)?.clone()
            }
        };
        let units = i64::from(quantity.max(1));
        let found = self.items.get_mut(&sku).filter(|item| item.stock >= units);
        let (Some(item), true) = (found, self.orders.len() < MOST) else {
            self.sold_out += 1;
            return None;
        };
        item.stock -= units;
        item.sold += u64::from(quantity.max(1));
        let number = self.orders.len() as u64 + 1;
        let order = Order {
            number,
            lines: vec![Line {
                sku,
                number: item.number,
                quantity: quantity.max(1),
                bought: quantity.max(1),
                price_minor: item.price_minor,
            }],
            buyer: self.random.random_range(1..=1_000_000),
            paid,
            cancelled: false,
            created_ms: now_ms,
            updated_ms: now_ms,
            told: 0,
        };
        self.orders.insert(number, order.clone());
        self.note(number, now_ms);
        Some(order)
    }

    /// Cancels an order: its units are shown again.
    pub fn cancel(&mut self, number: u64, now_ms: u64) -> Option<Order> {
        let order = self.orders.get_mut(&number)?;
        if !order.cancelled {
            order.cancelled = true;
            order.updated_ms = now_ms.max(order.updated_ms + 1_000);
            for line in &order.lines {
                if let Some(item) = self.items.get_mut(&line.sku) {
                    item.stock += i64::from(line.quantity);
                    item.cancelled += u64::from(line.quantity);
                }
            }
        }
        let order = order.clone();
        self.note(number, order.updated_ms);
        Some(order)
    }

    /// Changes the quantity of an order's first line, as far as stock is shown for it.
    pub fn change(&mut self, number: u64, quantity: u32, now_ms: u64) -> Option<Order> {
        let order = self.orders.get_mut(&number).filter(|it| !it.cancelled)?;
        let line = order.lines.first_mut()?;
        let item = self.items.get_mut(&line.sku)?;
        let more = i64::from(quantity) - i64::from(line.quantity);
        if quantity == 0 || item.stock < more {
            return None;
        }
        item.stock -= more;
        item.sold = item.sold.saturating_add_signed(more);
        line.quantity = quantity;
        line.bought = line.bought.max(quantity);
        order.updated_ms = now_ms.max(order.updated_ms + 1_000);
        let order = order.clone();
        self.note(number, order.updated_ms);
        Some(order)
    }

    /// An order.
    #[must_use]
    pub fn order(&self, number: u64) -> Option<&Order> {
        self.orders.get(&number)
    }

    /// Orders behind this number, at most `most`.
    #[must_use]
    pub fn orders_behind(&self, number: u64, most: usize) -> Vec<Order> {
        let found = self.orders.range(number.saturating_add(1)..);
        found.take(most).map(|(_, order)| order.clone()).collect()
    }

    /// Counts that an order is told once more; how often it was told before.
    pub fn tell(&mut self, number: u64) -> u64 {
        let Some(order) = self.orders.get_mut(&number) else {
            return 0;
        };
        order.told += 1;
        order.told - 1
    }

    /// Orders that changed at or after `since_ms`, each once, oldest change first, at most `most`
    /// after the first `skip`.
    #[must_use]
    pub fn changed(&self, since_ms: u64, skip: usize, most: usize) -> Vec<Order> {
        let found = self.by_change((since_ms, 0)).into_iter();
        found.skip(skip).take(most).cloned().collect()
    }

    /// Orders from this change on, by its time and the order's number: each once, oldest change
    /// first.
    #[must_use]
    pub fn changed_from(&self, place: (u64, u64), most: usize) -> Vec<Order> {
        let found = self.by_change(place).into_iter();
        found.take(most).cloned().collect()
    }

    fn by_change(&self, place: (u64, u64)) -> Vec<&Order> {
        let changes = self.changes.iter().filter(|change| **change >= place);
        let mut found: Vec<&Order> = changes
            .filter_map(|(at_ms, number)| {
                let order = self.orders.get(number)?;
                (order.updated_ms == *at_ms).then_some(order)
            })
            .collect();
        found.sort_by_key(|order| (order.updated_ms, order.number));
        found.dedup_by_key(|order| order.number);
        found
    }

    fn note(&mut self, number: u64, at_ms: u64) {
        if self.changes.len() >= MOST_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back((at_ms, number));
    }

    /// What is shown, sold, cancelled and written.
    #[must_use]
    pub fn truth(&self) -> Value {
        let items: Vec<Value> = self.items.values().map(truth_of).collect();
        let cancelled = self.orders.values().filter(|it| it.cancelled).count();
        json!({"items": items, "orders": self.orders.len(), "cancelled_orders": cancelled,
            "sold_out": self.sold_out})
    }
}

fn truth_of(item: &Item) -> Value {
    json!({"sku": item.sku, "number": item.number, "stock": item.stock, "sold": item.sold,
        "cancelled": item.cancelled, "writes": item.writes, "stale": item.stale,
        "refused": item.refused, "written_ms": item.written_ms})
}

/// An amount of minor units with two decimals, as text: `19.90`.
#[must_use]
pub fn decimal(minor: u64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_sells_what_it_shows_and_no_more() {
        let market = Market::new(1);
        let mut state = market.lock();
        state.define("MUG", 3, 1_990).expect("room");
        assert!(state.buy(Some("MUG"), 2, true, 10).is_some());
        assert!(state.buy(Some("MUG"), 2, true, 11).is_none());
        assert_eq!((state.items["MUG"].stock, state.sold_out), (1, 1));
        let cancelled = state.cancel(1, 12).expect("an order");
        assert!(cancelled.updated_ms >= 1_010);
        assert_eq!(state.items["MUG"].stock, 3, "shown again");
    }

    #[test]
    fn a_write_from_an_older_figure_is_refused_where_the_market_compares() {
        let market = Market::new(1);
        let mut state = market.lock();
        let number = state.define("MUG", 3, 1_990).expect("room");
        assert_eq!(state.write(number, 9, Some(2), 5), Written::Stale);
        assert_eq!(state.write(number, 9, Some(3), 5), Written::Taken);
        assert_eq!(state.write(number, 7, None, 6), Written::Taken);
        assert_eq!(state.write(99, 7, None, 6), Written::Unknown);
        state.items.get_mut("MUG").expect("defined").bad = true;
        assert_eq!(state.write(number, 1, None, 7), Written::Refused);
        assert_eq!(state.items["MUG"].stock, 7);
    }

    #[test]
    fn changed_orders_are_listed_once_each_by_their_last_change() {
        let market = Market::new(1);
        let mut state = market.lock();
        state.define("MUG", 30, 1_990).expect("room");
        for at_ms in [10, 20, 30] {
            state.buy(Some("MUG"), 1, true, at_ms).expect("stock");
        }
        state.cancel(1, 40).expect("an order");
        let numbers = |orders: Vec<Order>| orders.iter().map(|it| it.number).collect::<Vec<_>>();
        assert_eq!(numbers(state.changed(0, 0, 9)), [2, 3, 1]);
        assert_eq!(numbers(state.changed(25, 0, 9)), [3, 1]);
        assert_eq!(numbers(state.changed(0, 1, 1)), [3]);
        assert_eq!(numbers(state.changed_from((30, 3), 9)), [3, 1]);
        assert_eq!(numbers(state.changed_from((30, 4), 9)), [1]);
    }
}
