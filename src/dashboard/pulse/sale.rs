//! What is sold: orders a second, and SKU by SKU.

use super::window::Rate;
use crate::engine::record::{OrderAccepted, OrderRejected, accepted_flags};
use crate::limits::DASHBOARD_SKUS_MAX;
use crate::shard::local::Level;
use crate::types::{ResultCode, SkuId, TenantId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Seconds that the chart goes back.
const TICKS_MAX: usize = 120;

/// SKUs shown.
pub const HOT_MAX: usize = 8;

/// SKUs of which more was promised than there is that are asked for at once.
const SHORT_ASKED_MAX: usize = 64;

/// Orders decided in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    pub second: u64,
    pub accepted: u64,
    pub sold_out: u64,
    pub rejected: u64,
}

impl Tick {
    fn json(self) -> Value {
        let offered = self.accepted + self.sold_out + self.rejected;
        json!([
            self.second,
            offered,
            self.accepted,
            self.sold_out,
            self.rejected
        ])
    }
}

/// A SKU as it sells. Handles count within a shard.
#[derive(Clone, Debug, Default)]
struct Seller {
    rate: Rate,
    sold: u64,
    last_second: u64,
    level: Option<Level>,
}

/// A SKU of a shard.
pub type SkuRef = (u16, SkuId);

/// Units of a SKU that were promised beyond what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Short {
    /// As the engine said last; 0 before it was asked.
    units: u64,
    /// Sequence of the last record that notes it: only what the engine says behind it counts.
    noted: u64,
    /// The engine has said it.
    sure: bool,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Sale {
    ticks: VecDeque<Tick>,
    total: Tick,
    sellers: HashMap<SkuRef, Seller>,
    /// SKUs of which more was promised than there is, as far as the journal said so.
    short: BTreeMap<SkuRef, Short>,
    /// There were more of them than are kept.
    short_beyond: bool,
    /// Where the next question about them goes on.
    short_next: SkuRef,
    hot: Vec<SkuRef>,
}

impl Sale {
    fn tick(&mut self, second: u64) -> Option<&mut Tick> {
        if self.ticks.back().is_none_or(|last| last.second < second) {
            self.ticks.push_back(Tick {
                second,
                ..Tick::default()
            });
            if self.ticks.len() > TICKS_MAX {
                self.ticks.pop_front();
            }
        }
        // Another shard may be ahead.
        self.ticks.iter_mut().rev().find(|one| one.second <= second)
    }

    /// An order was accepted. Its next versions are the same order, and are not counted again.
    pub fn accepted(&mut self, shard: u16, second: u64, order: &OrderAccepted<'_>) {
        if order.flags & accepted_flags::REPLACES != 0 {
            return;
        }
        self.total.accepted += 1;
        if let Some(tick) = self.tick(second) {
            tick.accepted += 1;
        }
        for line in order.allocations.iter() {
            let seller = self.sellers.entry((shard, line.sku)).or_default();
            seller.sold += u64::from(line.quantity);
            seller.rate.add(second, u64::from(line.quantity));
            seller.last_second = second;
        }
        if self.sellers.len() > DASHBOARD_SKUS_MAX {
            self.forget_half();
        }
    }

    /// An order was refused.
    pub fn rejected(&mut self, second: u64, order: &OrderRejected<'_>) {
        let sold_out = order.reason == ResultCode::InsufficientStock;
        let pick = |tick: &mut Tick| {
            if sold_out {
                tick.sold_out += 1;
            } else {
                tick.rejected += 1;
            }
        };
        pick(&mut self.total);
        if let Some(tick) = self.tick(second) {
            pick(tick);
        }
    }

    /// Less is there than was promised, says the record of this sequence: by how much, the engine
    /// will say.
    pub fn shortage(&mut self, sku: SkuRef, sequence: u64) {
        if let Some(short) = self.short_of(sku) {
            short.sure = false;
            short.noted = sequence;
        }
    }

    /// As [`Sale::shortage`], where the engine has said by how much.
    pub fn known_shortage(&mut self, sku: SkuRef, units: u64) {
        if let Some(short) = self.short_of(sku) {
            short.sure = true;
            short.units = units;
        }
    }

    fn short_of(&mut self, sku: SkuRef) -> Option<&mut Short> {
        if self.short.len() >= DASHBOARD_SKUS_MAX && !self.short.contains_key(&sku) {
            self.short_beyond = true;
            return None;
        }
        Some(self.short.entry(sku).or_default())
    }

    /// The SKU is another tenant's.
    pub fn not_ours(&mut self, sku: SkuRef) {
        self.short.remove(&sku);
    }

    /// Those that sold longest ago make room.
    fn forget_half(&mut self) {
        let mut seconds: Vec<u64> = self.sellers.values().map(|one| one.last_second).collect();
        seconds.sort_unstable();
        let middle = seconds.get(seconds.len() / 2).copied().unwrap_or_default();
        self.sellers.retain(|_, one| one.last_second > middle);
    }

    /// Chooses the SKUs that sell fastest now, or sold last; returns those whose stock is asked for.
    pub fn choose(&mut self, second: u64) -> Vec<SkuRef> {
        let mut all: Vec<(u64, u64, u64, SkuRef)> = self
            .sellers
            .iter()
            .map(|(sku, one)| (one.rate.recent(second), one.last_second, one.sold, *sku))
            .collect();
        all.sort_unstable_by(|one, two| two.cmp(one));
        all.truncate(HOT_MAX);
        self.hot = all.into_iter().map(|(_, _, _, sku)| sku).collect();
        let mut asked = self.hot.clone();
        asked.extend(self.choose_short());
        asked
    }

    /// Those of which it is not known by how much they are short, then the others in turn.
    fn choose_short(&mut self) -> Vec<SkuRef> {
        let unsure = self.short.iter().filter(|(_, short)| !short.sure);
        let mut asked: Vec<SkuRef> = unsure.map(|(sku, _)| *sku).collect();
        asked.truncate(SHORT_ASKED_MAX);
        let later = self.short.range(self.short_next..);
        let turn = later.chain(self.short.range(..self.short_next));
        let sure = turn.filter(|(_, short)| short.sure).map(|(sku, _)| *sku);
        asked.extend(sure.take(SHORT_ASKED_MAX - asked.len()));
        if let Some((shard, sku)) = asked.last() {
            self.short_next = (*shard, SkuId(sku.0.saturating_add(1)));
        }
        asked
    }

    /// The engine said how much there is, with all records below `sequence`.
    pub fn level(&mut self, shard: u16, level: &Level, sequence: u64) {
        let sku = (shard, level.sku);
        let noted = self.short.get(&sku).map_or(0, |short| short.noted);
        if noted < sequence {
            if level.short == 0 {
                self.short.remove(&sku);
            } else {
                self.known_shortage(sku, level.short);
            }
        }
        if let Some(seller) = self.sellers.get_mut(&sku) {
            seller.level = Some(level.clone());
        }
    }

    /// Units promised beyond what is there, as far as is known; and whether that is all.
    pub fn oversold(&self) -> (u64, bool) {
        let units = self.short.values().map(|short| short.units).sum();
        let sure = !self.short_beyond && self.short.values().all(|short| short.sure);
        (units, sure)
    }

    /// Orders decided since this process started.
    pub fn total(&self) -> Value {
        self.total.json()
    }

    /// The last whole second before `second`, and all that the chart shows.
    pub fn ticks(&self, second: u64) -> (Value, Vec<Value>) {
        let at = |wanted: u64| {
            let found = self.ticks.iter().rev().find(|tick| tick.second == wanted);
            found.copied().unwrap_or(Tick {
                second: wanted,
                ..Tick::default()
            })
        };
        let last = at(second.saturating_sub(1)).json();
        let from = second.saturating_sub(TICKS_MAX as u64);
        let mut all = Vec::with_capacity(TICKS_MAX);
        let mut ticks = self.ticks.iter().peekable();
        for wanted in from..second {
            while ticks.peek().is_some_and(|tick| tick.second < wanted) {
                ticks.next();
            }
            let found = ticks.peek().filter(|tick| tick.second == wanted);
            all.push(found.map_or_else(
                || {
                    Tick {
                        second: wanted,
                        ..Tick::default()
                    }
                    .json()
                },
                |tick| tick.json(),
            ));
        }
        (last, all)
    }

    /// The hot SKUs.
    pub fn skus(&self, second: u64) -> Value {
        let rows = self.hot.iter().filter_map(|sku| {
            let seller = self.sellers.get(sku)?;
            let rate = seller.rate.per_second(second);
            let level = seller.level.as_ref();
            let left = level.map(|level| level.available);
            let sells = left.filter(|left| *left > 0 && rate > 0.0);
            Some(json!({
                "shard": sku.0,
                "sku": level.map(|level| level.name.as_str()),
                "rate": round(rate),
                "sold": seller.sold,
                "left": left,
                "reserved": level.map(|level| level.reserved),
                "committed": level.map(|level| level.committed),
                "sold_out_in_s": sells.map(|left| round(left as f64 / rate)),
            }))
        });
        Value::Array(rows.collect())
    }
}

/// To one digit, so that frames stay short.
pub fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Whose SKUs, by shard, as the engine is asked.
pub fn by_shard(tenant: impl Fn(u16) -> Option<TenantId>, skus: &[SkuRef]) -> Questions {
    let mut asked = Questions::new();
    for (shard, sku) in skus {
        if let Some(tenant) = tenant(*shard) {
            asked.entry(*shard).or_default().push((tenant, *sku));
        }
    }
    asked
}

/// SKUs to ask for, by shard.
pub type Questions = BTreeMap<u16, Vec<(TenantId, SkuId)>>;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn level(short: u64) -> Level {
        Level {
            sku: SkuId(7),
            short,
            ..Level::default()
        }
    }

    #[test]
    fn what_is_short_is_what_the_engine_says_until_it_is_covered() {
        let mut sale = Sale::default();
        assert_eq!(sale.oversold(), (0, true));
        sale.shortage((0, SkuId(7)), 10);
        assert_eq!(sale.oversold(), (0, false), "by how much, is not known yet");
        assert_eq!(sale.choose(1), [(0, SkuId(7))], "so it is asked for");
        sale.level(0, &level(0), 10);
        assert_eq!(sale.oversold(), (0, false), "asked before it was noted");
        sale.level(0, &level(3), 11);
        assert_eq!(sale.oversold(), (3, true));
        sale.shortage((0, SkuId(7)), 20);
        assert_eq!(sale.oversold(), (3, false), "at least as many as before");
        sale.level(0, &level(0), 21);
        assert_eq!((sale.oversold(), sale.choose(2).len()), ((0, true), 0));
        sale.shortage((0, SkuId(8)), 22);
        sale.not_ours((0, SkuId(8)));
        assert_eq!(sale.oversold(), (0, true));
    }

    #[test]
    fn every_short_sku_is_asked_for_in_its_turn_and_too_many_are_not_called_all() {
        let mut sale = Sale::default();
        for sku in 0..200 {
            sale.known_shortage((0, SkuId(sku)), 1);
        }
        let asked: BTreeSet<SkuRef> = (0..4).flat_map(|_| sale.choose(1)).collect();
        assert_eq!(asked.len(), 200);
        sale.shortage((1, SkuId(9)), 1);
        assert_eq!(
            sale.choose(1).first(),
            Some(&(1, SkuId(9))),
            "asked at once"
        );
        assert_eq!(sale.oversold(), (200, false));
        sale.known_shortage((1, SkuId(9)), 1);
        assert_eq!(sale.oversold(), (201, true));
        for sku in 0..5_000 {
            sale.known_shortage((2, SkuId(sku)), 1);
        }
        let kept = DASHBOARD_SKUS_MAX as u64;
        assert_eq!(sale.oversold(), (kept, false), "and more");
    }

    #[test]
    fn seconds_of_shards_that_are_apart_are_kept_apart() {
        let mut sale = Sale::default();
        for second in [1_010, 1_012, 1_011, 1_012] {
            if let Some(tick) = sale.tick(second) {
                tick.accepted += 1;
            }
        }
        let counts: Vec<u64> = sale.ticks.iter().map(|tick| tick.accepted).collect();
        assert_eq!(
            counts,
            [2, 2],
            "the second in between counts to the one before"
        );
        let (last, all) = sale.ticks(1_013);
        assert_eq!(last, json!([1_012, 2, 2, 0, 0]));
        assert_eq!(all.len(), TICKS_MAX);
    }
}
