//! What is sold: orders a second, and SKU by SKU.

use super::window::Rate;
use crate::engine::record::{OrderAccepted, OrderRejected};
use crate::limits::DASHBOARD_SKUS_MAX;
use crate::shard::local::Level;
use crate::types::{ResultCode, SkuId, TenantId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Seconds that the chart goes back.
const TICKS_MAX: usize = 120;

/// SKUs shown.
pub const HOT_MAX: usize = 8;

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

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Sale {
    ticks: VecDeque<Tick>,
    total: Tick,
    sellers: HashMap<SkuRef, Seller>,
    /// SKUs of which more was promised than there is, as far as the journal said so.
    short: BTreeMap<SkuRef, u64>,
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

    /// An order was accepted.
    pub fn accepted(&mut self, shard: u16, second: u64, order: &OrderAccepted<'_>) {
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

    /// The journal noted that less is there than was promised. It does not say whose SKU it is:
    /// the engine is asked, and says by how much, or nothing.
    pub fn shortage(&mut self, sku: SkuRef) {
        self.short.entry(sku).or_insert(0);
        if self.short.len() > DASHBOARD_SKUS_MAX {
            self.short.pop_first();
        }
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
        asked.extend(self.short.keys().take(64).copied());
        asked
    }

    /// The engine said how much there is.
    pub fn level(&mut self, shard: u16, level: &Level) {
        let sku = (shard, level.sku);
        if level.short == 0 {
            self.short.remove(&sku);
        } else {
            self.short.insert(sku, level.short);
        }
        if let Some(seller) = self.sellers.get_mut(&sku) {
            seller.level = Some(level.clone());
        }
    }

    /// Units promised beyond what is there.
    pub fn oversold(&self) -> u64 {
        self.short.values().sum()
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
        sale.shortage((0, SkuId(7)));
        assert_eq!(sale.oversold(), 0, "whose it is, is not known yet");
        assert_eq!(sale.choose(1), [(0, SkuId(7))], "so it is asked for");
        sale.level(0, &level(3));
        assert_eq!(sale.oversold(), 3);
        sale.level(0, &level(0));
        assert_eq!((sale.oversold(), sale.choose(2).len()), (0, 0));
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
