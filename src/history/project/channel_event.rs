//! What channels sent, what became of it, and which SKU their items stand for.

use super::super::cell::{int, text, time};
use super::super::schema::{ChannelEventRow, ItemMappingRow};
use super::{At, Projector};
use crate::engine::record::{ChannelEventRecord, EventReceived, EventSettled, SkuMapped};

impl Projector {
    pub(super) fn channel_event(&mut self, at: &At, record: &ChannelEventRecord<'_>) {
        match record {
            ChannelEventRecord::Received(received) => self.event_received(at, received),
            ChannelEventRecord::Settled(settled) => self.event_settled(at, settled),
            ChannelEventRecord::Mapped(mapped) => self.item_mapped(at, mapped),
        }
    }

    fn event_received(&mut self, at: &At, received: &EventReceived<'_>) {
        // The body stays in the journal: it names people, and no question is asked about it.
        if received.part > 0 {
            let last = self.rows.channel_events.last_mut();
            let bytes = last.and_then(|row| row.body_bytes.as_mut());
            if let Some(bytes) = bytes {
                *bytes = bytes.saturating_add_unsigned(received.body.0.len() as u64);
            }
            return;
        }
        self.rows.channel_events.push(ChannelEventRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            tenant: int(received.tenant.0),
            channel: int(received.channel.0),
            event_id: text(&format!("{:032x}", received.event)),
            fate: text("received"),
            topic: text(received.topic),
            body_bytes: int(received.body.0.len()),
            ..ChannelEventRow::default()
        });
    }

    fn event_settled(&mut self, at: &At, settled: &EventSettled<'_>) {
        let order = (settled.order.0 != 0).then(|| settled.order.to_string());
        let version = (settled.version != 0).then_some(settled.version);
        self.rows.channel_events.push(ChannelEventRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            tenant: int(settled.tenant.0),
            channel: int(settled.channel.0),
            event_id: text(&format!("{:032x}", settled.event)),
            fate: text(settled.fate.name()),
            order_key: order,
            changed_ms: time(settled.changed_ms),
            order_version: version.and_then(int),
            note: text(settled.note),
            ..ChannelEventRow::default()
        });
    }

    fn item_mapped(&mut self, at: &At, mapped: &SkuMapped<'_>) {
        let sku = (mapped.sku.0 != u32::MAX).then_some(mapped.sku.0);
        self.rows.item_mappings.push(ItemMappingRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            tenant: int(mapped.tenant.0),
            channel: int(mapped.channel.0),
            item: text(mapped.item),
            sku: sku.and_then(int),
            write_back: text(mapped.write_back),
        });
    }
}
