//! What sales channels send: events that wait, events seen, what was applied last to each of their
//! orders, and which SKU each of their items stands for.
//!
//! ```text
//!  delivery ─▶ Receive ─▶ EventReceived ─▶ open ─▶ (read and worked off outside) ─▶ Settle
//!                                           ▲                                        │
//!                  a person drives it again └── parked · unmapped · quarantined ◀────┤
//!                                                                        final ◀─────┘
//! ```
//!
//! An event is taken once: its id is remembered for 30 days (`ids.rs`), and as long as it waits. The
//! table knows no format of any channel; bodies stay in the journal.

mod apply;
pub mod command;
mod execute;
mod ids;
mod view;

#[cfg(test)]
mod tests;

use crate::limits;
use crate::types::channel_event::EventFate;
use crate::types::{ChannelId, OrderKey, SkuId, TenantId};
use command::ChannelOrder;
use ids::EventIds;
use std::collections::{BTreeMap, VecDeque};

/// The most journal bytes that settling or mapping makes.
pub const CHANNEL_EVENT_RECORDS_BYTES_MAX: usize = 2 << 10;

/// An event that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub tenant: TenantId,
    pub channel: ChannelId,
    /// Sequence of its first record.
    pub sequence: u64,
    /// Sequence of the event that has the body.
    pub body_at: u64,
    pub received_ms: u64,
    pub settled_ms: u64,
    pub fate: EventFate,
    pub order: OrderKey,
    pub topic: Box<str>,
    pub note: Box<str>,
}

/// Which SKU an item stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    pub sku: SkuId,
    pub write_back: Box<str>,
}

/// The items of one channel.
pub(super) type Items = BTreeMap<Box<str>, Mapping>;

/// Everything about what channels send. Changed by `apply` only.
#[derive(Default)]
pub(super) struct ChannelEvents {
    pub ids: EventIds,
    pub waiting: BTreeMap<u128, Waiting>,
    /// The waiting ones by the sequence of their first record.
    pub arrivals: BTreeMap<u64, u128>,
    /// How many of the waiting ones each tenant has; none for one without any.
    pub waiting_of: BTreeMap<TenantId, usize>,
    pub orders: BTreeMap<(TenantId, OrderKey), ChannelOrder>,
    pub orders_ring: VecDeque<(TenantId, OrderKey)>,
    pub mappings: BTreeMap<(TenantId, ChannelId), Items>,
    pub mappings_count: usize,
    /// Orders that newer ones took the place of, since start.
    pub orders_forgotten: u64,
}

impl ChannelEvents {
    /// An empty table that remembers so many ids at most.
    pub fn remembering(ids: usize) -> Self {
        Self {
            ids: EventIds::new(ids),
            ..Self::default()
        }
    }

    /// True once a channel was ever heard of.
    pub fn is_in_use(&self) -> bool {
        !self.ids.is_empty() || !self.mappings.is_empty()
    }

    /// True where so many new events of a tenant may wait. They take no more room than they leave,
    /// so whoever floods the table, others still find room: alone a tenant fills half of it, the
    /// next one then half of what is left.
    pub fn has_room(&self, tenant: TenantId, fresh: usize) -> bool {
        let own = self.waiting_of.get(&tenant).copied().unwrap_or(0);
        let taken = self.waiting.len() + fresh;
        let free = limits::CHANNEL_EVENTS_WAITING_MAX.checked_sub(taken);
        fresh == 0 || free.is_some_and(|free| own + fresh <= free)
    }

    pub fn is_known(&self, event: u128) -> bool {
        self.waiting.contains_key(&event) || self.ids.contains(event)
    }

    /// Everything that records made, in the order of its numbers.
    pub fn digest_into(&self, out: &mut Vec<u8>) {
        fn text(out: &mut Vec<u8>, text: &str) {
            out.extend_from_slice(&(text.len() as u64).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        for (event, it) in &self.waiting {
            out.extend_from_slice(&event.to_le_bytes());
            out.extend_from_slice(&it.tenant.0.to_le_bytes());
            out.extend_from_slice(&it.channel.0.to_le_bytes());
            for number in [it.sequence, it.body_at, it.received_ms, it.settled_ms] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.push(it.fate as u8);
            out.extend_from_slice(&it.order.0.to_le_bytes());
            text(out, &it.topic);
            text(out, &it.note);
        }
        for ((tenant, order), it) in &self.orders {
            out.extend_from_slice(&tenant.0.to_le_bytes());
            out.extend_from_slice(&order.0.to_le_bytes());
            out.extend_from_slice(&it.changed_ms.to_le_bytes());
            out.extend_from_slice(&it.content.to_le_bytes());
            out.extend_from_slice(&it.version.to_le_bytes());
            out.push(u8::from(it.cancelled));
        }
        for ((tenant, channel), items) in &self.mappings {
            for (item, mapping) in items {
                out.extend_from_slice(&tenant.0.to_le_bytes());
                out.extend_from_slice(&channel.0.to_le_bytes());
                out.extend_from_slice(&mapping.sku.0.to_le_bytes());
                text(out, item);
                text(out, &mapping.write_back);
            }
        }
        for event in self.ids.newest() {
            out.extend_from_slice(&event.to_le_bytes());
        }
    }
}
