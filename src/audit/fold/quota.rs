//! What channels may sell, sold and were told to offer, as the records say it (I8, I12).

mod offer;

pub use offer::ChannelShare;

use super::published::Offers;
use super::{At, Fold, Line, Order};
use crate::audit::report::{Checks, Invariant, Offence};
use crate::engine::record::{
    Allocations, CampaignDefined, CampaignReturn, CampaignUnits, ChannelRecord, ChannelRef,
    OrderAccepted, Run, accepted_flags,
};
use crate::types::channel_stock::ChannelRule;
use crate::types::{ChannelId, OrderKey, SkuId, TenantId};
use std::collections::BTreeMap;

/// One channel's count of one SKU.
#[derive(Clone, Debug, Default)]
struct Count {
    rule: Option<ChannelRule>,
    /// Orders accepted behind this sequence count.
    since: u64,
    from_quota: i64,
    from_pool: i64,
    campaign: Option<Share>,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    number: u32,
    since: u64,
    given: i64,
    used: i64,
    /// Of those, by orders from before the rule, which do not count for it.
    before: i64,
    then_pool: bool,
}

impl Count {
    fn quota(&self) -> i64 {
        match self.rule {
            Some(ChannelRule::Quota { units, .. }) => i64::from(units),
            _ => 0,
        }
    }

    /// What is still the channel's alone.
    fn unused(&self) -> i64 {
        let campaign = self.campaign.map_or(0, |it| it.given - it.used);
        self.quota() - self.from_quota + campaign
    }

    fn sold(&self) -> i64 {
        let campaign = self.campaign.map_or(0, |it| it.used - it.before);
        self.from_quota + self.from_pool + campaign
    }

    /// An order from before a rule or a campaign is not bound by it.
    fn may_pool(&self, order: u64) -> bool {
        let only_quota = matches!(
            self.rule,
            Some(ChannelRule::Quota {
                then_pool: false,
                ..
            })
        );
        let campaign = self.campaign.filter(|it| order > it.since);
        !(only_quota && order > self.since) && campaign.is_none_or(|it| it.then_pool)
    }

    /// What is left of that for an order accepted at `order`.
    fn unused_by(&self, order: u64) -> i64 {
        let campaign = self.campaign.filter(|it| order > it.since);
        let campaign = campaign.map_or(0, |it| it.given - it.used);
        let quota = self.quota() - self.from_quota;
        campaign + if order > self.since { quota } else { 0 }
    }

    fn bound(&self) -> i64 {
        match self.rule {
            Some(ChannelRule::Cap { units }) => (i64::from(units) - self.sold()).max(0),
            _ => i64::MAX,
        }
    }

    /// `units` more of an order accepted at `order`; less where negative.
    fn move_units(&mut self, order: u64, units: i64) {
        let mut rest = units;
        if let Some(share) = self.campaign.as_mut().filter(|it| order > it.since) {
            let is_old = order <= self.since;
            let own = if is_old {
                share.before
            } else {
                share.used - share.before
            };
            let moved = rest.clamp(-own, share.given - share.used);
            share.used += moved;
            share.before += if is_old { moved } else { 0 };
            rest -= moved;
        }
        if order > self.since {
            let room = (self.quota() - self.from_quota).max(0);
            let moved = rest.clamp(-self.from_quota, room);
            self.from_quota += moved;
            self.from_pool += rest - moved;
        }
    }
}

/// A channel as it was defined last.
#[derive(Clone, Debug, Default)]
struct Defined {
    name: String,
    /// Units of each SKU without a rule that it is not told of.
    buffer: i64,
}

/// What a fold knows of channels.
#[derive(Clone, Debug, Default)]
pub(super) struct Quotas {
    channels: BTreeMap<(TenantId, ChannelId), Defined>,
    counts: BTreeMap<(SkuId, ChannelId), Count>,
    campaigns: BTreeMap<u32, (bool, Vec<CampaignUnits>)>,
    /// What they were told.
    pub(super) offers: Offers,
}

impl Quotas {
    pub fn unused(&self, sku: SkuId) -> i64 {
        self.of(sku).map(|(_, count)| count.unused()).sum()
    }

    fn of(&self, sku: SkuId) -> impl Iterator<Item = (ChannelId, &Count)> {
        let all = (sku, ChannelId(0))..=(sku, ChannelId(u16::MAX));
        self.counts.range(all).map(|((_, of), it)| (*of, it))
    }

    /// The SKU's stock changed, or a rule about it.
    pub fn touch(&mut self, sku: SkuId, sequence: u64) {
        if !self.channels.is_empty() {
            self.offers.touch(sku, sequence);
        }
    }

    /// An order takes units (or, negative, gives them back).
    pub fn move_units(&mut self, (channel, accepted): (ChannelId, u64), sku: SkuId, units: i64) {
        if let Some(count) = self.counts.get_mut(&(sku, channel)) {
            count.move_units(accepted, units);
        }
    }

    /// Counts as (SKU, channel, units from the quota, units from the pool), to compare.
    pub fn counts(&self) -> impl Iterator<Item = (SkuId, ChannelId, i64, i64)> {
        let counts = self.counts.iter();
        counts.map(|((sku, of), it)| (*sku, *of, it.from_quota, it.from_pool))
    }
}

impl Fold {
    /// Units of the quota and from the pool that each channel with a rule sold of each SKU.
    pub fn channel_counts(&self) -> impl Iterator<Item = (SkuId, ChannelId, i64, i64)> {
        self.quotas.counts()
    }

    /// The name of a channel.
    #[must_use]
    pub fn channel_name(&self, tenant: TenantId, channel: ChannelId) -> Option<&str> {
        let known = self.quotas.channels.get(&(tenant, channel));
        known.map(|known| known.name.as_str())
    }

    /// What a channel may have of a SKU, or of all that have no rule of their own; `None` where it
    /// shares the whole pool.
    #[must_use]
    pub fn channel_rule(
        &self,
        (tenant, channel): (TenantId, ChannelId),
        sku: Option<SkuId>,
    ) -> Option<ChannelRule> {
        let Some(sku) = sku else {
            let known = self.quotas.channels.get(&(tenant, channel))?;
            let buffer = u32::try_from(known.buffer).ok()?;
            return (buffer > 0).then_some(ChannelRule::Pool { buffer });
        };
        self.quotas.counts.get(&(sku, channel))?.rule
    }

    /// Whether a campaign has its units now.
    #[must_use]
    pub fn campaign_runs(&self, campaign: u32) -> bool {
        let mut shares = self.quotas.counts.values().filter_map(|it| it.campaign);
        shares.any(|share| share.number == campaign)
    }

    pub(super) fn sellable(&self, sku: SkuId) -> i64 {
        self.cells_of(sku).map(|(_, cell)| cell.available()).sum()
    }

    /// I8 of an order that is about to take its units: no more than its channel may, unless it had
    /// sold them before.
    pub(super) fn channel_takes(&mut self, at: &At, a: &OrderAccepted<'_>, checks: &mut Checks) {
        let sold = a.flags & accepted_flags::FACT != 0;
        let buyer = (a.channel, at.sequence);
        let order = (a.tenant, a.key);
        self.take_units(at, (order, buyer, sold), a.allocations, checks);
    }

    /// As [`Fold::channel_takes`], of an order that waited.
    pub(super) fn channel_allocated(
        &mut self,
        at: &At,
        order: (TenantId, OrderKey),
        taken: Allocations<'_>,
        checks: &mut Checks,
    ) {
        let Some(known) = self.order(order.0, order.1) else {
            return;
        };
        let buyer = (known.channel, known.accepted);
        self.take_units(at, (order, buyer, false), taken, checks);
    }

    fn take_units(
        &mut self,
        at: &At,
        (order, buyer, sold): ((TenantId, OrderKey), (ChannelId, u64), bool),
        taken: Allocations<'_>,
        checks: &mut Checks,
    ) {
        if self.quotas.channels.is_empty() {
            return;
        }
        let mut units: BTreeMap<SkuId, i64> = BTreeMap::new();
        for taken in taken.iter() {
            *units.entry(taken.sku).or_default() += i64::from(taken.quantity);
        }
        for (sku, units) in units {
            let may = self.may_sell(buyer, sku);
            let fits = sold || may.is_none_or(|may| units <= may);
            checks.check(Invariant::I8, fits, || {
                let what = format!(
                    "takes {units} units for channel {}, which may sell {}",
                    buyer.0.0,
                    may.unwrap_or_default()
                );
                let offence = self.names.order_offence(at, order.0, order.1, what);
                let sku = Some(self.names.sku_name(sku));
                Offence { sku, ..offence }
            });
            self.quotas.move_units(buyer, sku, units);
        }
    }

    /// Units of a SKU that an order of a channel, accepted at a sequence, may take; none where no
    /// rule is about it.
    fn may_sell(&self, (channel, order): (ChannelId, u64), sku: SkuId) -> Option<i64> {
        self.quotas.of(sku).next()?;
        let sellable = self.sellable(sku);
        let own = self.quotas.counts.get(&(sku, channel));
        let own_unused = own.map_or(0, |own| own.unused_by(order));
        let pool = (sellable - (self.quotas.unused(sku) - own_unused)).max(0);
        let Some(own) = own else {
            return Some(pool);
        };
        let alone = own_unused.min(sellable);
        let units = if own.may_pool(order) {
            pool.max(alone)
        } else {
            alone
        };
        Some(units.min(own.bound()))
    }

    /// The order that held these units gives them back.
    pub(super) fn channel_gives(&mut self, order: &Order) {
        let buyer = (order.channel, order.accepted);
        for line in order.lines.as_slice() {
            let Line {
                sku,
                reserved,
                committed,
                ..
            } = *line;
            let units = i64::from(reserved) + i64::from(committed);
            self.quotas.move_units(buyer, sku, -units);
        }
    }

    pub(super) fn channel_record(&mut self, at: &At, r: &ChannelRecord<'_>, checks: &mut Checks) {
        let (tenant, channel) = r.channel();
        if let ChannelRecord::Defined { name, .. } = *r {
            let known = self.quotas.channels.entry((tenant, channel)).or_default();
            name.clone_into(&mut known.name);
            return;
        }
        let known = self.quotas.channels.contains_key(&(tenant, channel));
        checks.check(Invariant::Journal, known, || {
            let what = format!("is about channel {}, which is not defined", channel.0);
            self.names.offence(at, what)
        });
        match *r {
            ChannelRecord::Defined { .. } => {}
            ChannelRecord::RuleSet {
                head,
                sku,
                rule,
                anew,
            } => {
                self.use_channel_key(at, &head, checks);
                if let Some(sku) = sku {
                    self.rule_set(at, (sku, channel), (rule, anew), checks);
                } else {
                    let buffer = rule.map_or(0, ChannelRule::units);
                    let known = self.quotas.channels.entry((tenant, channel)).or_default();
                    known.buffer = buffer.into();
                    self.quotas.offers.touch_all(at.sequence);
                }
            }
            ChannelRecord::CampaignDefined(planned) => {
                self.use_channel_key(at, &planned.head, checks);
                self.campaign_planned(at, &planned, checks);
            }
            ChannelRecord::CampaignStarted {
                campaign, given, ..
            } => self.campaign_started(at, (campaign, channel), given, checks),
            ChannelRecord::CampaignEnded {
                head,
                campaign,
                items,
                ..
            } => {
                if head.key.0 != 0 {
                    self.use_channel_key(at, &head, checks);
                }
                self.campaign_ended(at, (campaign, channel), items, checks);
            }
            ChannelRecord::Published { items, .. } => {
                for item in items.iter() {
                    self.published(at, (tenant, channel), &item, checks);
                }
            }
        }
    }

    fn use_channel_key(&mut self, at: &At, head: &ChannelRef, checks: &mut Checks) {
        let key = (head.tenant, head.key);
        self.use_key(at, key, head.fingerprint, false, checks);
    }

    fn i8(&self, at: &At, holds: bool, sku: SkuId, checks: &mut Checks, what: String) {
        checks.check(Invariant::I8, holds, || {
            let offence = self.names.offence(at, what);
            let sku = Some(self.names.sku_name(sku));
            Offence { sku, ..offence }
        });
    }

    fn rule_set(
        &mut self,
        at: &At,
        (sku, channel): (SkuId, ChannelId),
        (rule, anew): (Option<ChannelRule>, bool),
        checks: &mut Checks,
    ) {
        let before = self.quotas.unused(sku);
        let count = self.quotas.counts.entry((sku, channel));
        let count = count.or_insert_with(|| Count {
            since: at.sequence,
            ..Count::default()
        });
        if anew {
            (count.since, count.from_quota, count.from_pool) = (at.sequence, 0, 0);
            count.campaign = count.campaign.map(|share| Share {
                before: share.used,
                ..share
            });
        }
        count.rule = rule;
        let sold = count.from_quota;
        count.from_quota = sold.min(count.quota());
        count.from_pool += sold - count.from_quota;
        if rule.is_none() && count.campaign.is_none() {
            self.quotas.counts.remove(&(sku, channel));
        }
        self.quotas.touch(sku, at.sequence);
        let (after, sellable) = (self.quotas.unused(sku), self.sellable(sku));
        let what = format!("guarantees {after} units where {sellable} are sellable");
        self.i8(at, after <= before || after <= sellable, sku, checks, what);
    }

    fn campaign_planned(&mut self, at: &At, planned: &CampaignDefined<'_>, checks: &mut Checks) {
        let plan = (planned.then_pool, planned.wants.iter().collect());
        let known = self.quotas.campaigns.insert(planned.campaign, plan);
        checks.check(Invariant::Journal, known.is_none(), || {
            let what = format!("plans campaign {} twice", planned.campaign);
            self.names.offence(at, what)
        });
    }

    fn campaign_started(
        &mut self,
        at: &At,
        (campaign, channel): (u32, ChannelId),
        given: Run<'_, CampaignUnits>,
        checks: &mut Checks,
    ) {
        let plan = self.quotas.campaigns.get(&campaign);
        let (then_pool, wants) = plan.cloned().unwrap_or_default();
        for gift in given.iter() {
            let wanted = wants.iter().find(|want| want.sku == gift.sku);
            let wanted = wanted.map_or(0, |want| want.units);
            let pool = self.sellable(gift.sku) - self.quotas.unused(gift.sku);
            let fits = gift.units <= wanted && (gift.units == 0 || i64::from(gift.units) <= pool);
            let what = format!(
                "campaign {campaign} is given {} units, wanted {wanted}, in the pool {pool}",
                gift.units
            );
            self.i8(at, fits, gift.sku, checks, what);
            let count = self.quotas.counts.entry((gift.sku, channel));
            let count = count.or_insert_with(|| Count {
                since: at.sequence,
                ..Count::default()
            });
            count.campaign = Some(Share {
                number: campaign,
                since: at.sequence,
                given: gift.units.into(),
                used: 0,
                before: 0,
                then_pool,
            });
            self.quotas.touch(gift.sku, at.sequence);
        }
    }

    fn campaign_ended(
        &mut self,
        at: &At,
        (campaign, channel): (u32, ChannelId),
        items: Run<'_, CampaignReturn>,
        checks: &mut Checks,
    ) {
        for end in items.iter() {
            let key = (end.sku, channel);
            let count = self.quotas.counts.get_mut(&key);
            let share = count.and_then(|count| {
                let share = count.campaign.take()?;
                count.from_pool += share.used - share.before;
                Some(share)
            });
            let told = (end.given, end.sold, end.returned);
            let told = [told.0, told.1, told.2].map(i64::from);
            let kept = share.map(|it| [it.given, it.used, it.given - it.used]);
            let holds = kept == Some(told) && share.is_some_and(|it| it.number == campaign);
            let what = format!(
                "campaign {campaign} ends with given, sold, returned {told:?}, orders say {kept:?}"
            );
            self.i8(at, holds, end.sku, checks, what);
            let counts = &mut self.quotas.counts;
            if counts.get(&key).is_some_and(|count| count.rule.is_none()) {
                counts.remove(&key);
            }
            self.quotas.touch(end.sku, at.sequence);
        }
    }
}
