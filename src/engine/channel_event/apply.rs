//! Applying the records of what channels send.

use super::command::ChannelOrder;
use super::{ChannelEvents, Mapping, Waiting};
use crate::engine::record::{
    ChannelEventRecord, EventReceived, EventSettled, SkuMapped, settled_flags,
};
use crate::engine::{Contradiction, Engine};
use crate::limits;
use crate::types::channel_event::EventFate;
use crate::types::{OrderKey, SkuId, TenantId};
use std::collections::btree_map::Entry;

type Applied = Result<(), Contradiction>;

impl Engine {
    /// Applies one record of what channels send.
    pub(in crate::engine) fn apply_channel_event(
        &mut self,
        record: &ChannelEventRecord<'_>,
        sequence: u64,
    ) -> Applied {
        let tenant = match record {
            ChannelEventRecord::Received(received) => received.tenant,
            ChannelEventRecord::Settled(settled) => settled.tenant,
            ChannelEventRecord::Mapped(mapped) => mapped.tenant,
        };
        if usize::from(tenant.0) >= self.tenants.len() {
            return Err(Contradiction::UnknownTenant(tenant));
        }
        match record {
            ChannelEventRecord::Received(received) => {
                let now_ms = self.now_ms;
                self.channel_events.receive(received, sequence, now_ms)
            }
            ChannelEventRecord::Settled(settled) => {
                let now_ms = self.now_ms;
                self.channel_events.settle(settled, now_ms)
            }
            ChannelEventRecord::Mapped(mapped) => {
                let none = mapped.sku == SkuId(u32::MAX);
                if !none && self.inventory.sku_of(tenant, mapped.sku).is_none() {
                    return Err(Contradiction::UnknownSku(mapped.sku));
                }
                self.channel_events.map(mapped)
            }
        }
    }
}

impl ChannelEvents {
    fn receive(&mut self, record: &EventReceived<'_>, sequence: u64, now_ms: u64) -> Applied {
        if record.part >= record.parts || record.event == 0 {
            return Err(Contradiction::Malformed);
        }
        if record.part > 0 {
            // A later part belongs to the event whose first part is so many records before it.
            let first = sequence.checked_sub(u64::from(record.part));
            let waiting = self.waiting.get(&record.event).map(|it| it.sequence);
            return if first.is_some() && waiting == first {
                Ok(())
            } else {
                Err(Contradiction::Malformed)
            };
        }
        // One that is only remembered may have been forgotten by who took it in again: with a smaller
        // bound than today's.
        if self.waiting.contains_key(&record.event) {
            return Err(Contradiction::Malformed);
        }
        let body_at = if record.body_at == 0 {
            sequence
        } else {
            record.body_at
        };
        self.waiting.insert(
            record.event,
            Waiting {
                tenant: record.tenant,
                channel: record.channel,
                sequence,
                body_at,
                received_ms: now_ms,
                settled_ms: 0,
                fate: EventFate::Open,
                order: OrderKey(0),
                topic: record.topic.into(),
                note: "".into(),
            },
        );
        self.arrivals.insert(sequence, record.event);
        *self.waiting_of.entry(record.tenant).or_default() += 1;
        self.ids.insert(record.event, now_ms);
        Ok(())
    }

    fn settle(&mut self, record: &EventSettled<'_>, now_ms: u64) -> Applied {
        if record.flags & !settled_flags::ALL != 0 {
            return Err(Contradiction::Malformed);
        }
        let waiting = self.waiting.get_mut(&record.event);
        let waiting = waiting.filter(|it| it.tenant == record.tenant);
        let waiting = waiting.ok_or(Contradiction::Malformed)?;
        if record.fate.is_final() {
            self.arrivals.remove(&waiting.sequence);
            self.waiting.remove(&record.event);
            self.one_less_of(record.tenant);
        } else {
            waiting.fate = record.fate;
            waiting.settled_ms = now_ms;
            waiting.order = record.order;
            waiting.note = record.note.into();
        }
        let of_order = matches!(record.fate, EventFate::Applied | EventFate::Duplicate);
        if of_order && record.order.0 != 0 {
            let state = ChannelOrder {
                changed_ms: record.changed_ms,
                content: record.content,
                version: record.version,
                cancelled: record.flags & settled_flags::CANCELLED != 0,
            };
            self.keep_order((record.tenant, record.order), state);
        }
        Ok(())
    }

    fn one_less_of(&mut self, tenant: TenantId) {
        if let Entry::Occupied(mut waiting) = self.waiting_of.entry(tenant) {
            *waiting.get_mut() -= 1;
            if *waiting.get() == 0 {
                waiting.remove();
            }
        }
    }

    fn keep_order(&mut self, key: (TenantId, OrderKey), state: ChannelOrder) {
        if self.orders.insert(key, state).is_some() {
            return;
        }
        self.orders_ring.push_back(key);
        if self.orders_ring.len() > limits::CHANNEL_ORDERS_KEPT
            && let Some(oldest) = self.orders_ring.pop_front()
        {
            self.orders.remove(&oldest);
            self.orders_forgotten += 1;
        }
    }

    fn map(&mut self, record: &SkuMapped<'_>) -> Applied {
        let place = (record.tenant, record.channel);
        if record.sku == SkuId(u32::MAX) {
            let items = self.mappings.get_mut(&place);
            let items = items.ok_or(Contradiction::Malformed)?;
            items.remove(record.item).ok_or(Contradiction::Malformed)?;
            self.mappings_count -= 1;
            return Ok(());
        }
        let mapping = Mapping {
            sku: record.sku,
            write_back: record.write_back.into(),
        };
        let items = self.mappings.entry(place).or_default();
        if items.insert(record.item.into(), mapping).is_none() {
            self.mappings_count += 1;
        }
        Ok(())
    }
}
