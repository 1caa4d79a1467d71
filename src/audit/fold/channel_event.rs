//! What channels sent and what became of it, in plain maps.

use super::{At, Fold};
use crate::audit::report::{Checks, Invariant};
use crate::engine::record::{ChannelEventRecord, EventReceived, EventSettled, SkuMapped};
use crate::types::channel_event::EventFate;
use crate::types::{ChannelId, OrderKey, SkuId, TenantId};
use std::collections::BTreeMap;

/// An event that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingEvent {
    /// Whose.
    pub tenant: TenantId,
    /// Which channel.
    pub channel: ChannelId,
    /// Sequence of its first record.
    pub sequence: u64,
    /// What became of it so far.
    pub fate: EventFate,
    /// Parts of its body that are still to come in the next records.
    parts_left: u16,
}

/// Everything about what channels sent.
#[derive(Clone, Debug, Default)]
pub(super) struct ChannelBooks {
    waiting: BTreeMap<u128, WaitingEvent>,
    /// Newest change applied to each order, in milliseconds.
    applied: BTreeMap<(TenantId, u128), u64>,
    items: BTreeMap<(TenantId, ChannelId, String), SkuId>,
}

impl Fold {
    pub(super) fn channel_event(
        &mut self,
        at: &At,
        record: &ChannelEventRecord<'_>,
        checks: &mut Checks,
    ) {
        let wrong = match record {
            ChannelEventRecord::Received(received) => self.event_received(at, received),
            ChannelEventRecord::Settled(settled) => self.event_settled(settled),
            ChannelEventRecord::Mapped(mapped) => self.item_mapped(mapped),
        };
        checks.check(Invariant::Journal, wrong.is_none(), || {
            self.names.offence(at, wrong.unwrap_or_default())
        });
    }

    fn event_received(&mut self, at: &At, received: &EventReceived<'_>) -> Option<String> {
        let id = received.event;
        let waiting = &mut self.channel_books.waiting;
        if received.part > 0 {
            let expected = waiting.get_mut(&id).filter(|it| {
                it.parts_left > 0 && it.sequence + u64::from(received.part) == at.sequence
            });
            let Some(event) = expected else {
                return Some(format!(
                    "part {} of event {id:032x} is out of place",
                    received.part
                ));
            };
            event.parts_left -= 1;
            return None;
        }
        let event = WaitingEvent {
            tenant: received.tenant,
            channel: received.channel,
            sequence: at.sequence,
            fate: EventFate::Open,
            parts_left: received.parts.saturating_sub(1),
        };
        waiting
            .insert(id, event)
            .map(|_| format!("event {id:032x} was taken in twice"))
    }

    fn event_settled(&mut self, settled: &EventSettled<'_>) -> Option<String> {
        let id = settled.event;
        let books = &mut self.channel_books;
        let Some(event) = books.waiting.get_mut(&id) else {
            return Some(format!("event {id:032x} is settled, but does not wait"));
        };
        let before = event.fate;
        let by_person = matches!(settled.fate, EventFate::Open | EventFate::Discarded);
        let after = settled.fate;
        event.fate = after;
        let foreign = event.tenant != settled.tenant || event.channel != settled.channel;
        let final_one = !matches!(
            after,
            EventFate::Open | EventFate::Parked | EventFate::Unmapped | EventFate::Quarantined
        );
        if final_one {
            books.waiting.remove(&id);
        }
        if matches!(after, EventFate::Applied | EventFate::Duplicate) && settled.order.0 != 0 {
            let key = (settled.tenant, settled.order.0);
            books.applied.insert(key, settled.changed_ms);
        }
        if foreign {
            return Some(format!(
                "event {id:032x} belongs to another tenant or channel"
            ));
        }
        let allowed = before == EventFate::Open || by_person;
        (!allowed).then(|| {
            let (before, after) = (before.name(), after.name());
            format!("event {id:032x} goes from {before} to {after}")
        })
    }

    fn item_mapped(&mut self, mapped: &SkuMapped<'_>) -> Option<String> {
        let items = &mut self.channel_books.items;
        let item = (mapped.tenant, mapped.channel, mapped.item.to_owned());
        if mapped.sku.0 == u32::MAX {
            let removed = items.remove(&item);
            return removed
                .is_none()
                .then(|| format!("item {} stood for no SKU", mapped.item));
        }
        items.insert(item, mapped.sku);
        let owner = self.names.sku(mapped.sku).map(|sku| sku.tenant);
        (owner != Some(mapped.tenant)).then(|| {
            let tenant = self.names.tenant(mapped.tenant);
            format!(
                "item {} stands for a SKU that tenant {tenant} does not have",
                mapped.item
            )
        })
    }

    /// An event that is not over.
    #[must_use]
    pub fn waiting_event(&self, event: u128) -> Option<&WaitingEvent> {
        self.channel_books.waiting.get(&event)
    }

    /// What an item of a channel stands for.
    #[must_use]
    pub fn item(&self, (tenant, channel): (TenantId, ChannelId), item: &str) -> Option<SkuId> {
        let item = (tenant, channel, item.to_owned());
        self.channel_books.items.get(&item).copied()
    }

    /// Events that are not over, by id.
    pub fn waiting_events(&self) -> impl Iterator<Item = (u128, &WaitingEvent)> {
        self.channel_books
            .waiting
            .iter()
            .map(|(id, event)| (*id, event))
    }

    /// When the newest change that was applied to an order of a channel happened there.
    pub fn applied_changes(&self) -> impl Iterator<Item = (TenantId, OrderKey, u64)> {
        let applied = self.channel_books.applied.iter();
        applied.map(|((tenant, order), changed_ms)| (*tenant, OrderKey(*order), *changed_ms))
    }

    /// What each item of each channel stands for.
    pub fn mapped_items(&self) -> impl Iterator<Item = (TenantId, ChannelId, &str, SkuId)> {
        let items = self.channel_books.items.iter();
        items.map(|((tenant, channel, item), sku)| (*tenant, *channel, item.as_str(), *sku))
    }
}
