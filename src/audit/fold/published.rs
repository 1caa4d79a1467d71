//! What channels were told to offer, held against what they were to offer then (I12).
//!
//! A quantity is published some time after it was true, and by then others may have bought. So the
//! fold keeps, for each SKU and channel that is told anything, what the rules gave after each record
//! that changed it, until the channel was told something newer. Out of the same falls how long each
//! change was on its way.

use super::{At, Fold};
use crate::audit::report::{Checks, Invariant, Offence};
use crate::engine::record::PublishedItem;
use crate::types::{ChannelId, SkuId, TenantId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Quantities kept of a SKU and channel that is told nothing for long; older ones are dropped, and
/// what is published of them is not checked.
const VALUES_MAX: usize = 1 << 16;

/// Longest time that is told apart, in milliseconds.
const LAG_MS_MAX: u64 = 3_600_000;

/// What a channel was to offer after a record.
#[derive(Clone, Copy, Debug)]
struct Value {
    sequence: u64,
    time_ms: u64,
    units: i64,
}

/// One SKU of one channel.
#[derive(Clone, Debug)]
struct Offer {
    tenant: TenantId,
    last: PublishedItem,
    /// By sequence. The first one was told.
    values: VecDeque<Value>,
    /// Changes up to here were over before the channel was told of them: it showed the right
    /// quantity again.
    back_at: u64,
}

/// What a channel was told in all.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Quantities that it acknowledged.
    pub quantities: u64,
    /// Changes of what it is to offer that it was told of.
    pub changes: u64,
    /// Milliseconds → how many changes took them, from their commit to the record of their
    /// acknowledgement, or that of a newer quantity.
    lags: BTreeMap<u64, u64>,
}

impl Told {
    /// How many milliseconds so many per mille of the changes took at most; 0 where there were none.
    #[must_use]
    pub fn lag_ms(&self, per_mille: u64) -> u64 {
        let rank = (self.changes * per_mille).div_ceil(1_000).max(1);
        let mut seen = 0;
        let mut lags = self.lags.iter();
        let found = lags.find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        found.map_or(0, |(ms, _)| *ms)
    }
}

/// What channels were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    by_sku: BTreeMap<(SkuId, ChannelId), Offer>,
    told: BTreeMap<(TenantId, ChannelId), Told>,
    /// Where what channels are to offer of a SKU last changed, or may have.
    changed: BTreeMap<SkuId, u64>,
    /// As `changed`, of all SKUs.
    all_changed: u64,
    /// SKUs that the last record touched.
    touched: BTreeSet<SkuId>,
    all_touched: bool,
    /// SKUs that orders have waited for: less may be offered of them than is there.
    waited: BTreeSet<SkuId>,
}

impl Offers {
    /// What channels are to offer of the SKU may change with this record.
    pub fn touch(&mut self, sku: SkuId, sequence: u64) {
        self.changed.insert(sku, sequence);
        self.touched.insert(sku);
    }

    /// As [`Offers::touch`], of all SKUs.
    pub fn touch_all(&mut self, sequence: u64) {
        self.all_changed = sequence;
        self.all_touched = true;
    }

    /// An order waits for these.
    pub fn waited_for(&mut self, skus: impl Iterator<Item = SkuId>) {
        self.waited.extend(skus);
    }

    /// What the channel acknowledged last.
    pub fn last(&self, sku: SkuId, channel: ChannelId) -> Option<PublishedItem> {
        self.by_sku.get(&(sku, channel)).map(|offer| offer.last)
    }

    fn take_touched(&mut self) -> Vec<(SkuId, ChannelId, TenantId)> {
        let touched = std::mem::take(&mut self.touched);
        let offers = self.by_sku.iter();
        let key = |(key, offer): (&(SkuId, ChannelId), &Offer)| (key.0, key.1, offer.tenant);
        if std::mem::take(&mut self.all_touched) {
            return offers.map(key).collect();
        }
        let of = |sku: &SkuId| {
            let all = (*sku, ChannelId(0))..=(*sku, ChannelId(u16::MAX));
            self.by_sku.range(all).map(key)
        };
        touched.iter().flat_map(of).collect()
    }
}

impl Offer {
    /// What was to be offered after the record `sequence`; none: not known any more.
    fn at(&self, sequence: u64) -> Option<i64> {
        let after = self
            .values
            .partition_point(|value| value.sequence <= sequence);
        self.values
            .get(after.checked_sub(1)?)
            .map(|value| value.units)
    }

    fn note(&mut self, value: Value) {
        if self
            .values
            .back()
            .is_some_and(|last| last.units == value.units)
        {
            return;
        }
        if self.values.len() >= VALUES_MAX {
            self.values.pop_front();
        }
        if value.units == i64::from(self.last.quantity) {
            self.back_at = value.sequence;
        }
        self.values.push_back(value);
    }

    /// The channel was told `item`; `lag` gets the time of each change that it was told of by that.
    fn told(&mut self, item: &PublishedItem, mut lag: impl FnMut(u64)) {
        if item.sequence < self.back_at {
            self.back_at = 0; // it was told of what was over by now
        }
        self.last = *item;
        while self
            .values
            .get(1)
            .is_some_and(|next| next.sequence <= item.sequence)
        {
            self.values.pop_front();
            // The one that was told stays, as what all others are newer than.
            let told = self.values.front();
            if let Some(told) = told.filter(|told| told.sequence > self.back_at) {
                lag(told.time_ms);
            }
        }
    }
}

impl Fold {
    /// Takes note of what channels are to offer after the last record.
    pub(super) fn note_offers(&mut self) {
        for (sku, channel, tenant) in self.quotas.offers.take_touched() {
            let value = Value {
                sequence: self.last.sequence,
                time_ms: self.last.time_ms,
                units: self.to_offer(tenant, channel, sku),
            };
            if let Some(offer) = self.quotas.offers.by_sku.get_mut(&(sku, channel)) {
                offer.note(value);
            }
        }
    }

    /// What each channel was told.
    pub fn told(&self) -> impl Iterator<Item = (TenantId, ChannelId, &Told)> {
        let told = self.quotas.offers.told.iter();
        told.map(|((tenant, channel), told)| (*tenant, *channel, told))
    }

    /// I12: not from the future, not older than the last one, and true at its sequence.
    pub(super) fn published(
        &mut self,
        at: &At,
        (tenant, channel): (TenantId, ChannelId),
        item: &PublishedItem,
        checks: &mut Checks,
    ) {
        let wrong = if item.sequence >= at.sequence {
            Some("is from the future".to_owned())
        } else {
            self.wrong_about(tenant, channel, item)
        };
        checks.check(Invariant::I12, wrong.is_none(), || {
            let what = format!(
                "the quantity {} published to channel {} as of sequence {} {}",
                item.quantity,
                channel.0,
                item.sequence,
                wrong.unwrap_or_default()
            );
            let offence = self.names.offence(at, what);
            let sku = Some(self.names.sku_name(item.sku));
            Offence { sku, ..offence }
        });
        self.take_published(at, (tenant, channel), item);
    }

    fn wrong_about(
        &self,
        tenant: TenantId,
        channel: ChannelId,
        item: &PublishedItem,
    ) -> Option<String> {
        let offers = &self.quotas.offers;
        let offer = offers.by_sku.get(&(item.sku, channel));
        if offer.is_some_and(|offer| offer.last.sequence > item.sequence) {
            return Some("is older than the one published before".to_owned());
        }
        let changed = offers.changed.get(&item.sku).copied().unwrap_or(0);
        let true_then = if item.sequence >= changed.max(offers.all_changed) {
            Some(self.to_offer(tenant, channel, item.sku))
        } else {
            offer.and_then(|offer| offer.at(item.sequence))
        }?;
        let less = i64::from(item.quantity) < true_then && offers.waited.contains(&item.sku);
        let holds = i64::from(item.quantity) == true_then || less;
        (!holds).then(|| format!("should be {true_then}"))
    }

    fn take_published(
        &mut self,
        at: &At,
        (tenant, channel): (TenantId, ChannelId),
        item: &PublishedItem,
    ) {
        let units = self.to_offer(tenant, channel, item.sku);
        let offers = &mut self.quotas.offers;
        let told = offers.told.entry((tenant, channel)).or_default();
        told.quantities += 1;
        let changed = offers.changed.get(&item.sku).copied().unwrap_or(0);
        let since = changed.max(offers.all_changed).max(item.sequence);
        let offer = offers.by_sku.entry((item.sku, channel));
        let offer = offer.or_insert_with(|| Offer {
            tenant,
            last: *item,
            values: VecDeque::from([Value {
                sequence: since,
                time_ms: at.time_ms,
                units,
            }]),
            back_at: 0,
        });
        offer.told(item, |since_ms| {
            let lag_ms = at.time_ms.saturating_sub(since_ms).min(LAG_MS_MAX);
            *told.lags.entry(lag_ms).or_default() += 1;
            told.changes += 1;
        });
    }
}
