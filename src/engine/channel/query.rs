//! Questions about sales channels.

use super::command::{
    CampaignItemView, CampaignView, ChangesView, ChannelStockView, ChannelView, RuleView,
};
use super::{Campaign, CampaignState};
use crate::engine::Engine;
use crate::mutants::{self, Mutant};
use crate::types::channel_stock::ChannelRule;
use crate::types::{ChannelId, SkuId, TenantId};

impl Engine {
    /// True where the channel is defined; the merchant's own shop always is there.
    pub fn has_channel(&self, tenant: TenantId, channel: ChannelId) -> bool {
        channel == ChannelId(0) || self.channels.channel(tenant, channel).is_some()
    }

    /// What a channel is to offer of a SKU now. `None` for another tenant's SKU.
    pub fn channel_stock(
        &self,
        tenant: TenantId,
        channel: ChannelId,
        sku: SkuId,
    ) -> Option<ChannelStockView> {
        let known = self.inventory.sku_of(tenant, sku)?;
        let available = self.available_everywhere(sku);
        let bounded = |units: u64| u32::try_from(units).unwrap_or(u32::MAX);
        let (mut quantity, mut reach) = (0, 0);
        if known.on_sale {
            quantity = bounded(self.to_publish(tenant, channel, sku, available));
            reach = bounded(self.channel_reach(channel, sku));
        }
        let published = self.channels.published.get(&(sku, channel));
        Some(ChannelStockView {
            sku,
            quantity,
            reach,
            available,
            published: published.map(|it| (it.quantity, it.sequence)),
        })
    }

    /// Guaranteed units that are there, and the pool less its buffer where the channel may take
    /// from it. Where corrections left less than is guaranteed, lower channel numbers come first,
    /// so that all channels together offer no more guaranteed units than there are.
    fn to_publish(&self, tenant: TenantId, channel: ChannelId, sku: SkuId, available: u64) -> u64 {
        let mut own = None;
        let (mut before, mut all) = (0, 0);
        for (of, entry) in self.channels.entries_of(sku) {
            all += entry.guaranteed();
            if of < channel {
                before += entry.guaranteed();
            } else if of == channel {
                own = Some(entry);
            }
        }
        let buffer = match own.and_then(|entry| entry.rule) {
            Some(ChannelRule::Pool { buffer }) => buffer,
            _ => self
                .channels
                .channel(tenant, channel)
                .map_or(0, |it| it.buffer),
        };
        if mutants::is(Mutant::OfferGuaranteed) {
            all = 0;
        }
        let pool = available
            .saturating_sub(all)
            .saturating_sub(self.units_aside(sku, None))
            .saturating_sub(u64::from(buffer));
        let Some(own) = own else {
            return pool;
        };
        let guaranteed = own.guaranteed().min(available.saturating_sub(before));
        let pool = if own.then_pool() { pool } else { 0 };
        (guaranteed + pool).min(own.cap_left())
    }

    /// SKUs of the tenant whose stock changed since position `since`, at most `most` of them, with
    /// what the channel is to offer. A reader begins with `u64::MAX`.
    pub fn channel_changes(
        &mut self,
        tenant: TenantId,
        channel: ChannelId,
        since: u64,
        most: usize,
    ) -> ChangesView {
        let Some(read) = self.inventory.read_changes(since, most) else {
            // Before the first channel is defined nothing is remembered.
            return ChangesView {
                cursor: 0,
                overrun: true,
                more: false,
                items: Vec::new(),
            };
        };
        let mut skus = read.skus;
        skus.sort_unstable();
        skus.dedup();
        let of = |sku: SkuId| self.channel_stock(tenant, channel, sku);
        ChangesView {
            cursor: read.cursor,
            overrun: read.overrun,
            more: read.more,
            items: skus.into_iter().filter_map(of).collect(),
        }
    }

    /// The tenant's channels in order of their numbers, with their rules.
    pub fn channel_views(&self, tenant: TenantId) -> Vec<ChannelView> {
        let all = (tenant, ChannelId(0))..=(tenant, ChannelId(u16::MAX));
        let channels = self.channels.channels.range(all);
        let mut views: Vec<ChannelView> = channels
            .map(|((_, channel), it)| ChannelView {
                channel: *channel,
                name: it.name.clone(),
                kind: it.kind,
                buffer: it.buffer,
                rules: Vec::new(),
                published: 0,
            })
            .collect();
        let place = |views: &mut Vec<ChannelView>, channel: ChannelId, sku: SkuId| {
            self.inventory.sku_of(tenant, sku)?;
            views.binary_search_by_key(&channel, |it| it.channel).ok()
        };
        for ((sku, channel), entry) in &self.channels.entries {
            let at = place(&mut views, *channel, *sku);
            if let Some(view) = at.and_then(|at| views.get_mut(at)) {
                let reach = self.channel_reach(*channel, *sku);
                view.rules.push(RuleView {
                    sku: *sku,
                    rule: entry.rule,
                    used: entry.used,
                    pooled: entry.pooled,
                    campaign: entry.share.map(|it| (it.campaign, it.given, it.used)),
                    guaranteed: entry.guaranteed(),
                    reach: u32::try_from(reach).unwrap_or(u32::MAX),
                });
            }
        }
        for (sku, channel) in self.channels.published.keys() {
            let at = place(&mut views, *channel, *sku);
            if let Some(view) = at.and_then(|at| views.get_mut(at)) {
                view.published += 1;
            }
        }
        views
    }

    /// Every channel that was defined, with its name.
    pub fn channel_names(&self) -> Vec<(TenantId, ChannelId, String)> {
        let channels = self.channels.channels.iter();
        channels
            .map(|((tenant, channel), it)| (*tenant, *channel, it.name.clone()))
            .collect()
    }

    /// The tenant's campaigns, newest first.
    pub fn campaign_views(&self, tenant: TenantId) -> Vec<CampaignView> {
        let campaigns = self.channels.campaigns.iter().rev();
        campaigns
            .filter(|(_, it)| it.tenant == tenant)
            .map(|(number, it)| self.campaign_view(*number, it))
            .collect()
    }

    fn campaign_view(&self, number: u32, campaign: &Campaign) -> CampaignView {
        let sold_now = |sku: SkuId| {
            let entry = self.channels.entry(sku, campaign.channel);
            entry.and_then(|it| it.share).map_or(0, |share| share.used)
        };
        let running = campaign.state == CampaignState::Running;
        let items = campaign.items.iter().map(|item| CampaignItemView {
            sku: item.sku,
            wanted: item.wanted,
            given: item.given,
            sold: if running {
                sold_now(item.sku)
            } else {
                item.sold
            },
        });
        CampaignView {
            campaign: number,
            channel: campaign.channel,
            name: campaign.name.clone(),
            from_ms: campaign.from_ms,
            to_ms: campaign.to_ms,
            then_pool: campaign.then_pool,
            state: campaign.state,
            items: items.collect(),
        }
    }
}
