//! The recount of sales channels: counts against orders, marks against rules.

use crate::engine::invariants::broken;
use crate::engine::{Engine, InvariantBroken};
use crate::types::channel_stock::ChannelRule;
use crate::types::{ChannelId, SkuId};
use std::collections::BTreeMap;

impl Engine {
    /// I8: used units within their quotas, and what rules count is what orders have.
    pub(in crate::engine) fn check_channels(&self) -> Result<(), InvariantBroken> {
        if !self.channels.has_rules() {
            return Ok(());
        }
        let mut units = BTreeMap::<(SkuId, ChannelId), u64>::new();
        for (slot, order) in self.orders.iter() {
            for line in self.orders.lines(slot) {
                let key = (line.sku, order.channel);
                let counts = |entry: &super::Entry| order.sequence() > entry.since;
                if self.channels.entries.get(&key).is_some_and(counts) {
                    let here = [line.reserved, line.committed, line.shipped];
                    *units.entry(key).or_default() += here.map(u64::from).iter().sum::<u64>();
                }
            }
        }
        for ((sku, channel), entry) in &self.channels.entries {
            let name = || {
                let sku = self.sku_name(*sku).unwrap_or_default();
                format!("channel {} of SKU {sku}: {entry:?}", channel.0)
            };
            let quota = match entry.rule {
                Some(ChannelRule::Quota { units, .. }) => units,
                _ => 0,
            };
            let shared = entry.share.is_none_or(|share| share.used <= share.given);
            if entry.used > u64::from(quota) || !shared {
                return Err(broken("I8", name()));
            }
            let units = units.get(&(*sku, *channel)).copied().unwrap_or_default();
            // Orders that were forgotten may have shipped more.
            let forgotten = self.counters.orders_forgotten > 0 && units <= entry.counted();
            if units != entry.counted() && !forgotten {
                return Err(broken("I8", format!("{}, orders have {units}", name())));
            }
            if !self.inventory.is_ruled(*sku) || entry.is_void() {
                return Err(broken("I8", format!("{}, but not marked", name())));
            }
        }
        Ok(())
    }
}
