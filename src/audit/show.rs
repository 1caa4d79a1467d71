//! Records as people and scripts read them: one JSON object each, names instead of numbers.

pub mod channel;
pub mod channel_event;
pub mod process;

use super::fold::At;
use super::names::Names;
use crate::engine::record::{
    FORGOTTEN_KEY_BYTES, Lines, OrderAccepted, OrderRef, OrderRejected, Record, StockChange,
    SubscriberMoved, accepted_flags, kind,
};
use crate::journal::record::{Seal, Start};
use crate::types::record::RawRecord;
use crate::types::{Disposition, OrderDetails, OrderKey, TenantId};
use serde_json::{Map, Value, json};

/// A time of the journal in RFC 3339, in UTC with milliseconds.
#[must_use]
pub fn rfc3339(time_ms: u64) -> String {
    let time = i64::try_from(time_ms)
        .ok()
        .map(jiff::Timestamp::from_millisecond);
    match time {
        Some(Ok(time)) => format!("{time:.3}"),
        _ => format!("{time_ms} ms"),
    }
}

/// The name of a record kind, as `docs/JOURNAL.md` has it; `unknown` for others.
#[must_use]
pub fn kind_name(number: u8) -> &'static str {
    match number {
        1 => "Start",
        2 => "SegmentSealed",
        kind::TENANT_DEFINED => "TenantDefined",
        kind::ACTOR_DEFINED => "ActorDefined",
        kind::SKU_DEFINED => "SkuDefined",
        kind::SKU_CHANGED => "SkuChanged",
        kind::SKU_QUEUE_SET => "SkuQueueSet",
        kind::LOCATION_DEFINED => "LocationDefined",
        kind::ORDER_ACCEPTED => "OrderAccepted",
        kind::ORDER_REJECTED => "OrderRejected",
        kind::HOLD_EXTENDED => "HoldExtended",
        kind::ORDER_CONFIRMED => "OrderConfirmed",
        kind::ORDER_RELEASED => "OrderReleased",
        kind::ORDER_EXPIRED => "OrderExpired",
        kind::ORDER_CANCELLED => "OrderCancelled",
        kind::ORDER_SHIPPED => "OrderShipped",
        kind::ORDER_RETURNED => "OrderReturned",
        kind::ORDER_REINSTATED => "OrderReinstated",
        kind::BACKORDER_ALLOCATED => "BackorderAllocated",
        kind::HOLD_PREEMPTED => "HoldPreempted",
        kind::CHANNEL_OVERSOLD => "ChannelOversold",
        kind::EARLY_EVENT => "EarlyEvent",
        kind::CONFLICT_SEEN => "ConflictSeen",
        kind::ORDERS_FORGOTTEN => "OrdersForgotten",
        kind::STOCK_RECEIVED => "StockReceived",
        kind::STOCK_ADJUSTED => "StockAdjusted",
        kind::STOCK_SET => "StockSet",
        kind::STOCK_TRANSFERRED => "StockTransferred",
        kind::STOCK_MOVED => "StockMoved",
        kind::SHORTAGE_DETECTED => "ShortageDetected",
        kind::COMMAND_REFUSED => "CommandRefused",
        kind::STATE_DIGEST => "StateDigest",
        kind::COMMAND_DONE => "CommandDone",
        kind::ORDER_MOVED => "OrderMoved",
        kind::EFFECT_STARTED => "EffectStarted",
        kind::EFFECT_ENDED => "EffectEnded",
        kind::BREAKER_CHANGED => "BreakerChanged",
        kind::PROVIDER_REPORTED => "ProviderReported",
        kind::OPERATOR_DECIDED => "OperatorDecided",
        kind::PIPELINES_DEFINED => "PipelinesDefined",
        kind::CHANNEL_DEFINED => "ChannelDefined",
        kind::CHANNEL_RULE_SET => "ChannelRuleSet",
        kind::CAMPAIGN_DEFINED => "CampaignDefined",
        kind::CAMPAIGN_STARTED => "CampaignStarted",
        kind::CAMPAIGN_ENDED => "CampaignEnded",
        kind::STOCK_PUBLISHED => "StockPublished",
        kind::EVENT_RECEIVED => "EventReceived",
        kind::EVENT_SETTLED => "EventSettled",
        kind::SKU_MAPPED => "SkuMapped",
        kind::SUBSCRIBER_MOVED => "SubscriberMoved",
        _ => "unknown",
    }
}

/// One record as a JSON object: where it stands, its kind and actor, and every field. What this
/// build cannot decode is shown in hex. The names must be those defined before the record or by
/// it.
#[must_use]
pub fn record(at: &At, raw: &RawRecord<'_>, names: &Names) -> Value {
    let mut shown = match Record::decode(raw) {
        Some(record) => fields(&record, names),
        None => bare(raw),
    };
    let head = json!({
        "sequence": at.sequence,
        "shard": at.shard,
        "time": rfc3339(at.time_ms),
        "epoch": at.epoch,
        "kind": kind_name(raw.kind),
        "actor": names.actor(raw.actor),
    });
    if let Value::Object(head) = head {
        shown.extend(head);
    }
    Value::Object(shown)
}

/// The journal's own records and unknown ones.
fn bare(raw: &RawRecord<'_>) -> Map<String, Value> {
    if let Some(start) = Start::decode(raw) {
        return object(json!({
            "started_at": rfc3339(start.time_ms),
            "format_version": start.format_version,
            "records_kept": start.records,
            "bytes_cut": start.cut_bytes,
            "batches_cut": start.cut_batches,
            "product_version": start.product_version,
        }));
    }
    if let Some(seal) = Seal::decode(raw) {
        return object(json!({
            "segment": seal.segment,
            "end_offset": seal.end_offset,
            "hash": hex::encode(seal.hash),
            "previous_hash": hex::encode(seal.previous),
        }));
    }
    object(json!({
        "kind_number": raw.kind,
        "version": raw.version,
        "payload": hex::encode(raw.payload),
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn fields(record: &Record<'_>, names: &Names) -> Map<String, Value> {
    match record {
        Record::OrderAccepted(accepted) => accepted_fields(accepted, names),
        Record::OrderRejected(rejected) => rejected_fields(rejected, names),
        Record::HoldExtended {
            order,
            expires_at_ms,
        } => with_order(
            order,
            names,
            json!({ "expires_at": rfc3339(*expires_at_ms) }),
        ),
        Record::OrderConfirmed { order, lines } | Record::OrderShipped { order, lines } => {
            with_order(order, names, json!({ "lines": lines_json(*lines, names) }))
        }
        Record::OrderReleased { order }
        | Record::OrderCancelled { order }
        | Record::CommandDone { order }
        | Record::OrderReinstated { order } => with_order(order, names, json!({})),
        Record::OrderReturned {
            order,
            disposition,
            lines,
        } => {
            let disposition = disposition_name(*disposition);
            let more = json!({
                "disposition": disposition,
                "lines": lines_json(*lines, names),
            });
            with_order(order, names, more)
        }
        Record::BackorderAllocated {
            tenant,
            order,
            expires_at_ms,
            allocations,
        } => object(json!({
            "tenant": names.tenant(*tenant),
            "order": order.to_string(),
            "expires_at": rfc3339(*expires_at_ms),
            "allocations": lines_json(*allocations, names),
        })),
        Record::Stock(change) => stock_fields(change, names),
        Record::Process(record) => process::fields(record, names),
        Record::Channel(record) => channel::fields(record, names),
        Record::ChannelEvent(record) => channel_event::fields(record, names),
        other => other_fields(other, names),
    }
}

fn other_fields(record: &Record<'_>, names: &Names) -> Map<String, Value> {
    object(match record {
        Record::TenantDefined { tenant, name } => json!({ "tenant": name, "number": tenant.0 }),
        Record::ActorDefined { actor, name } => json!({ "defined": name, "number": actor.0 }),
        Record::SkuDefined {
            sku,
            tenant,
            on_sale,
            name,
        } => json!({
            "sku": name,
            "handle": sku.0,
            "tenant": names.tenant(*tenant),
            "on_sale": on_sale,
        }),
        Record::SkuChanged { sku, on_sale } => {
            json!({ "sku": names.sku_name(*sku), "on_sale": on_sale })
        }
        Record::SkuQueueSet { sku, queue } => {
            json!({ "sku": names.sku_name(*sku), "backorder_queue": queue.name() })
        }
        Record::LocationDefined {
            location,
            tenant,
            x,
            y,
            priority,
            name,
        } => json!({
            "location": name,
            "handle": location.0,
            "tenant": names.tenant(*tenant),
            "x": x,
            "y": y,
            "priority": priority,
        }),
        Record::OrderExpired { tenant, order } => {
            json!({ "tenant": names.tenant(*tenant), "order": order.to_string() })
        }
        Record::ConflictSeen {
            tenant,
            order,
            fingerprint,
        } => json!({
            "tenant": names.tenant(*tenant),
            "order": order.to_string(),
            "fingerprint": fingerprint_text(*fingerprint),
        }),
        Record::OrdersForgotten { keys } => json!({ "orders": forgotten(keys, names) }),
        Record::ShortageDetected { cell, short } => json!({
            "sku": names.sku_name(cell.sku),
            "location": names.location_name(cell.location),
            "short": short,
        }),
        Record::CommandRefused {
            tenant,
            key,
            fingerprint,
            code,
            of_order,
        } => json!({
            "tenant": names.tenant(*tenant),
            "command": key.to_string(),
            "fingerprint": fingerprint_text(*fingerprint),
            "code": code.name(),
            "of_order": of_order,
        }),
        Record::StateDigest { digest } => json!({ "digest": hex::encode(digest) }),
        Record::Subscriber(moved) => subscriber_fields(moved, names),
        _ => json!({}),
    })
}

fn subscriber_fields(moved: &SubscriberMoved<'_>, names: &Names) -> Value {
    json!({
        "tenant": names.tenant(moved.tenant),
        "subscriber": moved.name,
        "before": moved.before,
        "after": moved.after,
        "reason": moved.reason,
    })
}

fn accepted_fields(accepted: &OrderAccepted<'_>, names: &Names) -> Map<String, Value> {
    let flag = |bit: u8| accepted.flags & bit != 0;
    let mut map = object(json!({
        "tenant": names.tenant(accepted.tenant),
        "order": accepted.key.to_string(),
        "version": accepted.version,
        "fingerprint": fingerprint_text(accepted.fingerprint),
        "customer": accepted.customer,
        "channel": accepted.channel.0,
        "currency": accepted.currency,
        "total": accepted.total,
        "ttl_ms": accepted.ttl_ms,
        "placed": flag(accepted_flags::PLACED),
        "partial": flag(accepted_flags::PARTIAL),
        "replaces": flag(accepted_flags::REPLACES),
        "fact": flag(accepted_flags::FACT),
        "committed": flag(accepted_flags::COMMITTED),
        "allocations": lines_json(accepted.allocations, names),
    }));
    if flag(accepted_flags::BACKORDERED) {
        map.insert("backordered".to_owned(), Value::Bool(true));
        map.insert("destination".to_owned(), json!(accepted.destination));
    }
    if !accepted.requested.is_empty() {
        map.insert(
            "requested".to_owned(),
            lines_json(accepted.requested, names),
        );
    }
    if flag(accepted_flags::DETAILS) {
        map.insert("details".to_owned(), details_json(accepted.details));
    }
    map
}

/// The archived details of an order; `None` where they are not of this build's layout.
#[must_use]
pub fn details(bytes: &[u8]) -> Option<OrderDetails> {
    let mut aligned = rkyv::util::AlignedVec::<16>::with_capacity(bytes.len());
    aligned.extend_from_slice(bytes);
    rkyv::from_bytes::<OrderDetails, rkyv::rancor::Error>(&aligned).ok()
}

fn details_json(bytes: &[u8]) -> Value {
    match details(bytes) {
        Some(details) => serde_json::to_value(details).unwrap_or(Value::Null),
        None => json!({ "undecoded": hex::encode(bytes) }),
    }
}

fn rejected_fields(rejected: &OrderRejected<'_>, names: &Names) -> Map<String, Value> {
    let shorts: Vec<Value> = rejected
        .shorts
        .iter()
        .map(|short| {
            json!({
                "sku": names.sku_name(short.sku),
                "left": short.left,
                "line": short.line,
            })
        })
        .collect();
    object(json!({
        "tenant": names.tenant(rejected.tenant),
        "order": rejected.key.to_string(),
        "version": rejected.version,
        "fingerprint": fingerprint_text(rejected.fingerprint),
        "customer": rejected.customer,
        "channel": rejected.channel.0,
        "reason": rejected.reason.name(),
        "short_lines": shorts,
    }))
}

fn with_order(order: &OrderRef, names: &Names, more: Value) -> Map<String, Value> {
    let mut map = object(json!({
        "tenant": names.tenant(order.tenant),
        "order": order.order.to_string(),
        "command": order.key.to_string(),
        "fingerprint": fingerprint_text(order.fingerprint),
    }));
    map.extend(object(more));
    map
}

fn stock_fields(change: &StockChange<'_>, names: &Names) -> Map<String, Value> {
    let (key, fingerprint, cell) = change.head();
    let tenant = names.sku(cell.sku).map(|sku| names.tenant(sku.tenant));
    let mut map = object(json!({
        "tenant": tenant,
        "sku": names.sku_name(cell.sku),
        "location": names.location_name(cell.location),
        "command": key.to_string(),
        "fingerprint": fingerprint_text(fingerprint),
    }));
    map.extend(object(match *change {
        StockChange::Received { quantity, .. } => json!({ "quantity": quantity }),
        StockChange::Adjusted { delta, reason, .. } => {
            json!({ "delta": delta, "reason": reason })
        }
        StockChange::Set {
            before, on_hand, ..
        } => json!({ "before": before, "on_hand": on_hand }),
        StockChange::Transferred { to, quantity, .. } => {
            json!({ "to": names.location_name(to), "quantity": quantity })
        }
        StockChange::Moved {
            from, to, quantity, ..
        } => json!({ "from": from.name(), "to": to.name(), "quantity": quantity }),
    }));
    map
}

fn lines_json(lines: Lines<'_>, names: &Names) -> Value {
    let lines = lines.iter().map(|line| {
        json!({
            "sku": names.sku_name(line.sku),
            "location": names.location_name(line.location),
            "quantity": line.quantity,
        })
    });
    Value::Array(lines.collect())
}

/// The (tenant, order) pairs of an `OrdersForgotten` record.
pub fn forgotten_keys(keys: &[u8]) -> impl Iterator<Item = (TenantId, OrderKey)> {
    keys.as_chunks::<FORGOTTEN_KEY_BYTES>()
        .0
        .iter()
        .map(|chunk| {
            let (tenant, key) = chunk.split_at(2);
            let tenant = <[u8; 2]>::try_from(tenant).map_or(0, u16::from_le_bytes);
            let key = <[u8; 16]>::try_from(key).map_or(0, u128::from_le_bytes);
            (TenantId(tenant), OrderKey(key))
        })
}

fn forgotten(keys: &[u8], names: &Names) -> Value {
    let keys = forgotten_keys(keys)
        .map(|(tenant, key)| json!({ "tenant": names.tenant(tenant), "order": key.to_string() }));
    Value::Array(keys.collect())
}

fn fingerprint_text(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// Lower-case name of a disposition.
#[must_use]
pub fn disposition_name(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Restock => "restock",
        Disposition::Damaged => "damaged",
        Disposition::QualityControl => "quality_control",
    }
}
