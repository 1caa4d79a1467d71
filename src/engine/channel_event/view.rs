//! Reading what channels sent, and what their items stand for.

use super::Waiting;
use super::command::{
    ChannelOrder, EventFilter, EventPage, EventView, ItemName, ItemSku, MappingView,
};
use crate::engine::invariants::broken;
use crate::engine::{Engine, InvariantBroken};
use crate::types::channel_event::EventFate;
use crate::types::{ChannelId, OrderKey, TenantId};
use std::collections::BTreeMap;
use std::ops::Bound;

fn view(event: u128, it: &Waiting) -> EventView {
    EventView {
        event,
        tenant: it.tenant,
        channel: it.channel,
        sequence: it.sequence,
        body_at: it.body_at,
        received_ms: it.received_ms,
        settled_ms: it.settled_ms,
        fate: it.fate,
        order: it.order,
        topic: it.topic.to_string(),
        note: it.note.to_string(),
    }
}

impl Engine {
    /// How many events wait is what each tenant has of them.
    pub(in crate::engine) fn check_channel_events(&self) -> Result<(), InvariantBroken> {
        let table = &self.channel_events;
        let mut counted = BTreeMap::<TenantId, usize>::new();
        for waiting in table.waiting.values() {
            *counted.entry(waiting.tenant).or_default() += 1;
        }
        if counted == table.waiting_of && table.arrivals.len() == table.waiting.len() {
            return Ok(());
        }
        let said = format!("waiting events: {counted:?}, not {:?}", table.waiting_of);
        Err(broken("channel events", said))
    }

    /// Every event that is to be worked off, oldest first.
    pub fn open_channel_events(&self) -> Vec<EventView> {
        let table = &self.channel_events;
        let waiting = table.arrivals.values();
        let waiting = waiting.filter_map(|event| Some((*event, table.waiting.get(event)?)));
        waiting
            .filter(|(_, it)| it.fate == EventFate::Open)
            .map(|(event, it)| view(event, it))
            .collect()
    }

    /// A waiting event of a tenant.
    pub fn channel_event(&self, tenant: TenantId, event: u128) -> Option<EventView> {
        let waiting = self.channel_events.waiting.get(&event)?;
        (waiting.tenant == tenant).then(|| view(event, waiting))
    }

    /// A page of a tenant's waiting events, oldest first.
    pub fn list_channel_events(&self, tenant: TenantId, filter: &EventFilter) -> EventPage {
        let table = &self.channel_events;
        let mut page = EventPage::default();
        let behind = (Bound::Excluded(filter.after), Bound::Unbounded);
        for (sequence, event) in table.arrivals.range(behind) {
            let Some(it) = table.waiting.get(event) else {
                continue;
            };
            let fate = match filter.fate {
                Some(fate) => it.fate == fate,
                None => it.fate.is_held(),
            };
            let channel = filter.channel.is_none_or(|channel| it.channel == channel);
            if it.tenant != tenant || !fate || !channel {
                continue;
            }
            if page.events.len() >= usize::from(filter.limit.max(1)) {
                page.next = page.events.last().map_or(*sequence, |last| last.sequence);
                break;
            }
            page.events.push(view(*event, it));
        }
        page
    }

    /// What was applied last to an order of a channel.
    pub fn channel_order(&self, tenant: TenantId, order: OrderKey) -> Option<ChannelOrder> {
        self.channel_events.orders.get(&(tenant, order)).copied()
    }

    /// The SKU of an item: as it is mapped, else the SKU that has the name which came with the
    /// item.
    pub fn sku_of_item(
        &self,
        tenant: TenantId,
        channel: ChannelId,
        item: &ItemName,
    ) -> Option<ItemSku> {
        let items = self.channel_events.mappings.get(&(tenant, channel));
        let mapped = items.and_then(|items| items.get(item.item.as_str()));
        let (sku, write_back) = match mapped {
            Some(mapping) => (mapping.sku, &*mapping.write_back),
            None if item.sku.is_empty() => return None,
            None => (self.find_sku(tenant, &item.sku)?, ""),
        };
        Some(ItemSku {
            name: self.sku_name(sku)?.to_owned(),
            write_back: write_back.to_owned(),
        })
    }

    /// A page of a tenant's mappings of one channel, by item, behind the item `after`.
    pub fn list_mappings(
        &self,
        tenant: TenantId,
        channel: ChannelId,
        after: &str,
        limit: usize,
    ) -> Vec<MappingView> {
        let Some(items) = self.channel_events.mappings.get(&(tenant, channel)) else {
            return Vec::new();
        };
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        let found = items.range::<str, _>(behind).take(limit);
        let shown = found.map(|(item, mapping)| MappingView {
            channel,
            item: item.to_string(),
            sku: mapping.sku,
            name: self.sku_name(mapping.sku).unwrap_or_default().to_owned(),
            write_back: mapping.write_back.to_string(),
        });
        shown.collect()
    }
}
