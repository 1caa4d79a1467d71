//! What channels are to offer, and what is known of each, computed from the records alone.

use super::Fold;
use crate::types::channel_stock::ChannelRule;
use crate::types::{ChannelId, SkuId, TenantId};

/// What a channel has of a SKU, all in units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelShare {
    /// The merchant's number for it.
    pub channel: ChannelId,
    /// Its name.
    pub name: String,
    /// The rule about the SKU; none: it shares the pool.
    pub rule: Option<ChannelRule>,
    /// Sold out of its quota since the rule is in force.
    pub from_quota: i64,
    /// Sold out of the pool since then.
    pub from_pool: i64,
    /// The campaign that runs: number, units given, units sold.
    pub campaign: Option<(u32, i64, i64)>,
    /// What it is to offer.
    pub to_offer: i64,
    /// What it acknowledged last, and the sequence at which that was true.
    pub published: Option<(u32, u64)>,
}

impl Fold {
    /// Every channel of the tenant, in order of their numbers, with what it has of the SKU.
    pub fn channel_shares(&self, tenant: TenantId, sku: SkuId) -> Vec<ChannelShare> {
        let all = (tenant, ChannelId(0))..=(tenant, ChannelId(u16::MAX));
        let channels = self.quotas.channels.range(all);
        let share = |channel: ChannelId, name: &str| {
            let count = self.quotas.counts.get(&(sku, channel));
            let published = self.quotas.offers.last(sku, channel);
            ChannelShare {
                channel,
                name: name.to_owned(),
                rule: count.and_then(|it| it.rule),
                from_quota: count.map_or(0, |it| it.from_quota),
                from_pool: count.map_or(0, |it| it.from_pool),
                campaign: count
                    .and_then(|it| it.campaign)
                    .map(|it| (it.number, it.given, it.used)),
                to_offer: self.to_offer(tenant, channel, sku),
                published: published.map(|it| (it.quantity, it.sequence)),
            }
        };
        channels
            .map(|((_, channel), known)| share(*channel, &known.name))
            .collect()
    }

    /// What a channel is to offer of a SKU: its own units, then the pool less the buffer.
    pub(in crate::audit::fold) fn to_offer(
        &self,
        tenant: TenantId,
        channel: ChannelId,
        sku: SkuId,
    ) -> i64 {
        if self.names.sku(sku).is_none_or(|sku| !sku.on_sale) {
            return 0;
        }
        let sellable = self.sellable(sku);
        let own = self.quotas.counts.get(&(sku, channel));
        let buffer = match own.and_then(|own| own.rule) {
            Some(ChannelRule::Pool { buffer }) => i64::from(buffer),
            _ => self
                .quotas
                .channels
                .get(&(tenant, channel))
                .map_or(0, |known| known.buffer),
        };
        let pool = (sellable - self.quotas.unused(sku)).max(0);
        let pool = (pool - buffer).max(0);
        let Some(own) = own else {
            return pool;
        };
        let first = self.quotas.of(sku).take_while(|(of, _)| *of < channel);
        let first: i64 = first.map(|(_, count)| count.unused()).sum();
        let alone = own.unused().min((sellable - first).max(0));
        let pool = if own.may_pool(u64::MAX) { pool } else { 0 };
        (alone + pool).min(own.bound())
    }
}
