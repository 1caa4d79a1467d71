//! A shop with sales channels as one would keep it on paper, unit by unit.

use crate::types::channel_stock::ChannelRule;
use std::collections::BTreeMap;

/// SKUs of the shop.
pub const SKUS: usize = 2;

/// What one channel has of one SKU.
#[derive(Clone, Debug, Default)]
pub struct Count {
    pub rule: Option<ChannelRule>,
    /// Steps of the orders that count begin after this one.
    pub since: u64,
    pub campaign: Option<Campaign>,
    pub quota_used: u64,
    pub pool_used: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    pub since: u64,
    pub left: u64,
    pub used: u64,
    /// Of those, by orders from before the rule.
    pub before: u64,
}

impl Campaign {
    /// Units of orders from before the rule, or of later ones.
    fn used_by(&self, old: bool) -> u64 {
        if old {
            self.before
        } else {
            self.used - self.before
        }
    }
}

impl Count {
    pub fn quota_left(&self) -> u64 {
        match self.rule {
            Some(ChannelRule::Quota { units, .. }) => {
                u64::from(units).saturating_sub(self.quota_used)
            }
            _ => 0,
        }
    }

    pub fn guaranteed(&self) -> u64 {
        self.quota_left() + self.campaign.map_or(0, |it| it.left)
    }

    pub fn may_pool(&self) -> bool {
        let quota_only = matches!(
            self.rule,
            Some(ChannelRule::Quota {
                then_pool: false,
                ..
            })
        );
        self.campaign.is_none() && !quota_only
    }

    pub fn cap_left(&self) -> u64 {
        let campaign = self.campaign.map_or(0, |it| it.used - it.before);
        let sold = self.quota_used + self.pool_used + campaign;
        match self.rule {
            Some(ChannelRule::Cap { units }) => u64::from(units).saturating_sub(sold),
            _ => u64::MAX,
        }
    }

    pub fn take_one(&mut self, order: u64) {
        if let Some(campaign) = &mut self.campaign
            && order > campaign.since
            && campaign.left > 0
        {
            campaign.left -= 1;
            campaign.used += 1;
            campaign.before += u64::from(order <= self.since);
        } else if order > self.since {
            if self.quota_left() > 0 {
                self.quota_used += 1;
            } else {
                self.pool_used += 1;
            }
        }
    }

    pub fn give_one(&mut self, order: u64) {
        if let Some(campaign) = &mut self.campaign
            && order > campaign.since
            && campaign.used_by(order <= self.since) > 0
        {
            campaign.left += 1;
            campaign.used -= 1;
            campaign.before -= u64::from(order <= self.since);
        } else if order > self.since {
            if self.quota_used > 0 {
                self.quota_used -= 1;
            } else {
                assert!(self.pool_used > 0, "an order gives back what it took");
                self.pool_used -= 1;
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Held,
    Confirmed,
    Over,
}

#[derive(Clone, Debug)]
pub struct Order {
    pub channel: usize,
    pub step: u64,
    pub version: u16,
    pub units: [u64; SKUS],
    pub state: State,
}

/// The shop as one would keep it on paper.
#[derive(Default)]
pub struct Paper {
    pub step: u64,
    pub available: [u64; SKUS],
    pub counts: BTreeMap<(usize, usize), Count>,
    pub orders: BTreeMap<u8, Order>,
    pub campaign_until: Option<(u64, usize, usize)>,
}

impl Paper {
    /// Units that a channel may take of a SKU.
    pub fn reach(&self, channel: usize, sku: usize) -> u64 {
        let available = self.available[sku];
        let others: u64 = self
            .counts
            .iter()
            .filter(|((of, about), _)| *about == sku && *of != channel)
            .map(|(_, count)| count.guaranteed())
            .sum();
        let pool = available.saturating_sub(others);
        let Some(own) = self.counts.get(&(channel, sku)) else {
            return pool;
        };
        let guaranteed = own.guaranteed().min(available);
        let reach = if own.may_pool() {
            pool.max(guaranteed)
        } else {
            guaranteed
        };
        reach.min(own.cap_left())
    }

    pub fn guaranteed(&self, sku: usize) -> u64 {
        let of_sku = self.counts.iter().filter(|((_, about), _)| *about == sku);
        of_sku.map(|(_, count)| count.guaranteed()).sum()
    }

    pub fn give_back(&mut self, order: &Order, units: [u64; SKUS]) {
        for (sku, units) in units.into_iter().enumerate() {
            self.available[sku] += units;
            for _ in 0..units {
                if let Some(count) = self.counts.get_mut(&(order.channel, sku)) {
                    count.give_one(order.step);
                }
            }
        }
    }

    pub fn end_campaign(&mut self, channel: usize, sku: usize) {
        if let Some(count) = self.counts.get_mut(&(channel, sku)) {
            let campaign = count.campaign.take().expect("it runs");
            count.pool_used += campaign.used - campaign.before;
            if count.rule.is_none() {
                self.counts.remove(&(channel, sku));
            }
        }
        self.campaign_until = None;
    }
}
