//! Records of what channels send, as JSON and in words.

use super::object;
use crate::audit::names::Names;
use crate::engine::record::{ChannelEventRecord, settled_flags};
use crate::types::channel_event::EventFate;
use crate::types::{OrderKey, SkuId, TenantId};
use serde_json::{Map, Value, json};

/// The tenant and order that a record is about, where it is about one.
#[must_use]
pub fn order_of(record: &ChannelEventRecord<'_>) -> Option<(TenantId, OrderKey)> {
    match record {
        ChannelEventRecord::Settled(settled) if settled.order.0 != 0 => {
            Some((settled.tenant, settled.order))
        }
        _ => None,
    }
}

/// Whose record it is.
#[must_use]
pub fn tenant_of(record: &ChannelEventRecord<'_>) -> TenantId {
    match record {
        ChannelEventRecord::Received(received) => received.tenant,
        ChannelEventRecord::Settled(settled) => settled.tenant,
        ChannelEventRecord::Mapped(mapped) => mapped.tenant,
    }
}

/// Every field, with names instead of numbers. The body is not shown, it names people: its length
/// and hash are.
pub(super) fn fields(record: &ChannelEventRecord<'_>, names: &Names) -> Map<String, Value> {
    object(match record {
        ChannelEventRecord::Received(it) => json!({
            "tenant": names.tenant(it.tenant),
            "channel": it.channel.0,
            "event": format!("{:032x}", it.event),
            "part": it.part,
            "parts": it.parts,
            "body_at": (it.body_at > 0).then_some(it.body_at),
            "topic": it.topic,
            "body_bytes": it.body.0.len(),
            "body_hash": blake3::hash(it.body.0).to_hex().as_str(),
        }),
        ChannelEventRecord::Settled(it) => json!({
            "tenant": names.tenant(it.tenant),
            "channel": it.channel.0,
            "event": format!("{:032x}", it.event),
            "fate": it.fate.name(),
            "order": (it.order.0 != 0).then(|| it.order.to_string()),
            "changed_at": (it.changed_ms > 0).then(|| super::rfc3339(it.changed_ms)),
            "content": format!("{:016x}", it.content),
            "order_version": it.version,
            "cancelled": it.flags & settled_flags::CANCELLED != 0,
            "note": it.note,
        }),
        ChannelEventRecord::Mapped(it) => json!({
            "tenant": names.tenant(it.tenant),
            "channel": it.channel.0,
            "item": it.item,
            "sku": sku(it.sku, names),
            "write_back": it.write_back,
        }),
    })
}

fn sku(sku: SkuId, names: &Names) -> Option<String> {
    (sku.0 != u32::MAX).then(|| names.sku_name(sku))
}

/// In words.
#[must_use]
pub fn sentence(record: &ChannelEventRecord<'_>, names: &Names) -> String {
    match record {
        ChannelEventRecord::Received(it) if it.part > 0 => {
            format!("part {} of {} of the same event", it.part + 1, it.parts)
        }
        ChannelEventRecord::Received(it) => {
            format!("channel {} sent {}", it.channel.0, it.topic)
        }
        ChannelEventRecord::Settled(it) => {
            let what = match it.fate {
                EventFate::Open => "driven again".to_owned(),
                fate => fate.name().to_owned(),
            };
            let why = if it.note.is_empty() {
                String::new()
            } else {
                format!(": {}", it.note)
            };
            format!("event of channel {}: {what}{why}", it.channel.0)
        }
        ChannelEventRecord::Mapped(it) => match sku(it.sku, names) {
            Some(sku) => format!(
                "item {} of channel {} stands for {sku}",
                it.item, it.channel.0
            ),
            None => format!(
                "item {} of channel {} stands for no SKU",
                it.item, it.channel.0
            ),
        },
    }
}
