//! What an order may take of SKUs with rules: its channel's own units, then the pool.

use super::entry::Entry;
use crate::engine::allocate::MergedLine;
use crate::engine::record::ShortLine;
use crate::engine::{Contradiction, Engine};
use crate::types::{ChannelId, SkuId};

/// An order on its way in or out: its channel, and the sequence of the record that accepted it.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Buyer {
    pub channel: ChannelId,
    pub accepted: u64,
}

impl Engine {
    /// Units of a SKU available at all locations.
    pub(in crate::engine) fn available_everywhere(&self, sku: SkuId) -> u64 {
        self.inventory.available_of(sku)
    }

    /// Units of a SKU, all locations together, that an order of the channel may take at most; for
    /// a SKU without rules what is available.
    pub(in crate::engine) fn channel_reach(&self, channel: ChannelId, sku: SkuId) -> u64 {
        let buyer = Buyer {
            channel,
            accepted: u64::MAX,
        };
        self.reach_behind(buyer, sku, self.units_aside(sku, None))
    }

    /// As [`Engine::channel_reach`], of an order that was accepted before, where `aside` units are
    /// others' before it; none of those are guaranteed to a channel.
    pub(in crate::engine) fn reach_behind(&self, buyer: Buyer, sku: SkuId, aside: u64) -> u64 {
        let available = self.available_everywhere(sku);
        if !self.inventory.is_ruled(sku) {
            return available.saturating_sub(aside);
        }
        let own = self.channels.entry(sku, buyer.channel);
        let not_its_own = |(of, entry): (ChannelId, &Entry)| {
            let its_own = if of == buyer.channel {
                entry.guaranteed_to(buyer.accepted)
            } else {
                0
            };
            entry.guaranteed() - its_own
        };
        let others: u64 = self.channels.entries_of(sku).map(not_its_own).sum();
        let others = others.saturating_add(aside);
        reach(own, buyer.accepted, (others, available))
    }

    /// Units of a SKU that are guaranteed to channels.
    pub(in crate::engine) fn guaranteed_of(&self, sku: SkuId) -> u64 {
        if !self.inventory.is_ruled(sku) {
            return 0;
        }
        let entries = self.channels.entries_of(sku);
        entries.map(|(_, entry)| entry.guaranteed()).sum()
    }

    /// As [`Engine::channel_reach`], where the order in the slot gives its units back first.
    fn reach_replacing(&self, channel: ChannelId, sku: SkuId, slot: Option<u32>) -> u64 {
        let Some(slot) = slot else {
            return self.channel_reach(channel, sku);
        };
        let before = self.orders.get(slot);
        let mut available = self.available_everywhere(sku);
        let mut units = 0;
        for line in self.orders.lines(slot).filter(|line| line.sku == sku) {
            units += line.reserved + line.committed;
            let mut cell = self.inventory.quantities(sku, line.location);
            let with = cell.available();
            cell.reserved = cell.reserved.saturating_sub(line.reserved);
            cell.committed = cell.committed.saturating_sub(line.committed);
            available += u64::from(cell.available() - with);
        }
        let (mut own, mut others) = (None, self.units_aside(sku, Some(slot)));
        for (of, entry) in self.channels.entries_of(sku) {
            let mut entry = *entry;
            if of == before.channel {
                // What could not be given back is found when it is applied.
                let _ = entry.give(before.sequence(), units);
            }
            if of == channel {
                own = Some(entry);
            } else {
                others += entry.guaranteed();
            }
        }
        reach(own.as_ref(), u64::MAX, (others, available))
    }

    /// The lines that the channel may not take in full, with what it may; nothing where no SKU of
    /// the order has a rule. `replaces` is the slot of the hold that the order replaces.
    pub(in crate::engine) fn channel_shorts(
        &self,
        channel: ChannelId,
        merged: &[MergedLine],
        replaces: Option<u32>,
        shorts: &mut Vec<ShortLine>,
    ) {
        // Lines of one SKU stand together.
        for lines in merged.chunk_by(|a, b| a.want.sku == b.want.sku) {
            let Some(sku) = lines.first().map(|line| line.want.sku) else {
                continue;
            };
            if !self.inventory.is_ruled(sku) {
                continue;
            }
            let mut left = self.reach_replacing(channel, sku, replaces);
            for line in lines {
                let wanted = u64::from(line.want.quantity);
                if left < wanted {
                    shorts.push(ShortLine {
                        sku,
                        left: u32::try_from(left).unwrap_or(u32::MAX),
                        line: line.at,
                    });
                }
                left -= left.min(wanted);
            }
        }
        shorts.sort_unstable_by_key(|short| short.line);
    }

    /// True where an order that had ended could take all its units again.
    pub(in crate::engine) fn channel_covers(&self, slot: u32) -> bool {
        if !self.channels.has_rules() {
            return true;
        }
        let buyer = self.buyer(slot);
        let mut units: Vec<(SkuId, u64)> = self
            .orders
            .lines(slot)
            .map(|line| (line.sku, line.ordered.into()))
            .collect();
        units.sort_unstable();
        units.chunk_by(|a, b| a.0 == b.0).all(|of_sku| {
            let sku = of_sku.first().map_or(SkuId(0), |(sku, _)| *sku);
            let wanted: u64 = of_sku.iter().map(|(_, units)| units).sum();
            let reach = || self.reach_behind(buyer, sku, self.units_aside(sku, None));
            !self.inventory.is_ruled(sku) || reach() >= wanted
        })
    }

    /// The order in a slot, as its channel counts it.
    pub(in crate::engine) fn buyer(&self, slot: u32) -> Buyer {
        let order = self.orders.get(slot);
        Buyer {
            channel: order.channel,
            accepted: order.sequence(),
        }
    }

    /// Counts units that an order takes. Call it wherever an order's units become reserved or
    /// committed.
    #[inline]
    pub(in crate::engine) fn count_taken(&mut self, buyer: Buyer, sku: SkuId, units: u32) {
        if self.channels.has_rules()
            && let Some(entry) = self.channels.entries.get_mut(&(sku, buyer.channel))
        {
            entry.take(buyer.accepted, units);
        }
    }

    /// Counts units that an order gives back unshipped. Call it wherever reserved or committed
    /// units become available again.
    #[inline]
    pub(in crate::engine) fn count_given(
        &mut self,
        buyer: Buyer,
        sku: SkuId,
        units: u32,
    ) -> Result<(), Contradiction> {
        if self.channels.has_rules()
            && let Some(entry) = self.channels.entries.get_mut(&(sku, buyer.channel))
        {
            let contradiction = Contradiction::ChannelUnits(sku);
            return entry.give(buyer.accepted, units).ok_or(contradiction);
        }
        Ok(())
    }
}

/// Units within reach of an order accepted at `order`, of a channel with this entry.
fn reach(own: Option<&Entry>, order: u64, (others, available): (u64, u64)) -> u64 {
    let pool = available.saturating_sub(others);
    let Some(own) = own else {
        return pool;
    };
    let guaranteed = own.guaranteed_to(order).min(available);
    let reach = if own.then_pool_to(order) {
        pool.max(guaranteed)
    } else {
        guaranteed
    };
    reach.min(own.cap_left())
}
