//! Records as events for others: CloudEvents 1.0 with names instead of handles.

use super::Cursor;
use super::read::{Handles, Names, Seen};
use crate::engine::record::{
    CellRef, Lines, OrderAccepted, OrderRef, ProcessRecord, Record, StockChange, accepted_flags,
    kind,
};
use crate::types::record::RawRecord;
use crate::types::{ChannelId, Disposition, LocationId, OrderKey, OrderState, TenantId};
use serde_json::{Map, Value, json};

/// What every type begins with.
const PREFIX: &str = "onhand.";

/// Types by record kind, without the prefix; of `process` an event's name follows.
const KINDS: &[(u8, &str)] = &[
    (kind::ORDER_ACCEPTED, "order.accepted"),
    (kind::ORDER_REJECTED, "order.rejected"),
    (kind::HOLD_EXTENDED, "order.extended"),
    (kind::ORDER_CONFIRMED, "order.confirmed"),
    (kind::ORDER_RELEASED, "order.released"),
    (kind::ORDER_EXPIRED, "order.expired"),
    (kind::HOLD_PREEMPTED, "order.preempted"),
    (kind::ORDER_CANCELLED, "order.cancelled"),
    (kind::ORDER_SHIPPED, "order.shipped"),
    (kind::ORDER_RETURNED, "order.returned"),
    (kind::ORDER_REINSTATED, "order.reinstated"),
    (kind::BACKORDER_ALLOCATED, "order.allocated"),
    (kind::STOCK_RECEIVED, "stock.received"),
    (kind::STOCK_ADJUSTED, "stock.adjusted"),
    (kind::STOCK_SET, "stock.set"),
    (kind::STOCK_TRANSFERRED, "stock.transferred"),
    (kind::STOCK_MOVED, "stock.moved"),
    (kind::SHORTAGE_DETECTED, "stock.short"),
    (kind::SKU_DEFINED, "sku.defined"),
    (kind::SKU_CHANGED, "sku.changed"),
    (kind::SKU_QUEUE_SET, "sku.queue"),
    (kind::LOCATION_DEFINED, "location.defined"),
    (kind::ORDER_MOVED, "process"),
    (kind::OPERATOR_DECIDED, "operator.decided"),
];

/// A time as RFC 3339 in UTC with milliseconds; 0 is none.
#[must_use]
pub fn time(ms: u64) -> Option<String> {
    let ms = i64::try_from(ms).ok().filter(|ms| *ms > 0)?;
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{time:.3}"))
}

/// The order number: shard and sequence of the accepting record.
#[must_use]
pub fn number(shard: usize, sequence: u64) -> Option<String> {
    (sequence != 0).then(|| format!("{shard}-{sequence}"))
}

/// The type of a record kind, without the prefix.
fn type_of(kind: u8) -> Option<&'static str> {
    let found = KINDS.iter().find(|(number, _)| *number == kind);
    found.map(|(_, name)| *name)
}

/// Whether a record is an event of one of these kinds; none: of any.
pub(super) fn is_event(raw: &RawRecord<'_>, kinds: &[String]) -> bool {
    let Some(name) = type_of(raw.kind) else {
        return false;
    };
    kinds.is_empty()
        || kinds.iter().any(|kind| {
            // `process.confirmed` asks for one event; whether it is that one shows later.
            let kind = kind.strip_prefix(PREFIX).unwrap_or(kind);
            let event = kind.strip_prefix("process.").filter(|_| name == "process");
            match event {
                Some(event) => process_event(raw).is_some_and(|found| found == event),
                None => starts(name, kind),
            }
        })
}

/// `order` fits `order.accepted`; `ord` does not.
fn starts(name: &str, kind: &str) -> bool {
    let rest = name.strip_prefix(kind);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The name of a process event.
fn process_event(raw: &RawRecord<'_>) -> Option<&'static str> {
    match Record::decode(raw)? {
        Record::Process(ProcessRecord::Moved(moved)) => Some(moved.event.name()),
        _ => None,
    }
}

/// Handles that a record names.
pub(super) fn handles(record: &Record<'_>, into: &mut Handles) {
    let mut of_lines = |lines: &Lines<'_>| {
        for line in lines.iter() {
            into.skus.push(line.sku);
            if line.location != LocationId::ANY {
                into.locations.push(line.location);
            }
        }
    };
    match record {
        Record::OrderAccepted(accepted) => of_lines(wanted(accepted)),
        Record::BackorderAllocated {
            order, allocations, ..
        } => {
            of_lines(allocations);
            into.orders.push(*order);
        }
        Record::OrderConfirmed { order, lines }
        | Record::OrderShipped { order, lines }
        | Record::OrderReturned { order, lines, .. } => {
            of_lines(lines);
            into.orders.push(order.order);
        }
        Record::HoldExtended { order, .. }
        | Record::OrderReleased { order }
        | Record::OrderCancelled { order }
        | Record::OrderReinstated { order } => into.orders.push(order.order),
        Record::OrderExpired { order, .. } => into.orders.push(*order),
        Record::Process(ProcessRecord::Moved(moved)) => into.orders.push(moved.order),
        Record::Process(ProcessRecord::Preempted(hold)) => into.orders.push(hold.order),
        Record::Process(ProcessRecord::Decided(decided)) => into.orders.push(decided.order.order),
        Record::Stock(change) => {
            let cell = cell_of(change);
            into.skus.push(cell.sku);
            into.locations.push(cell.location);
            if let StockChange::Transferred { to, .. } = change {
                into.locations.push(*to);
            }
        }
        Record::ShortageDetected { cell, .. } => {
            into.skus.push(cell.sku);
            into.locations.push(cell.location);
        }
        Record::SkuChanged { sku, .. } | Record::SkuQueueSet { sku, .. } => into.skus.push(*sku),
        _ => {}
    }
}

/// What an event is about, and what it says.
struct Said {
    subject: String,
    data: Value,
}

/// The event of a record; `None` for other tenants' and for records that are none.
pub(super) fn event(seen: &Seen, shard: u16, tenant: &str, names: &Names) -> Option<Value> {
    let record = seen.record()?;
    let mut name = type_of(record.kind())?.to_owned();
    if let Record::Process(ProcessRecord::Moved(moved)) = &record {
        name = format!("{name}.{}", moved.event.name());
    }
    let said = of_order(&record, seen, shard, names).or_else(|| of_stock(&record, names))?;
    let mut data = said.data;
    if let Value::Object(members) = &mut data {
        members.insert("actor".to_owned(), json!(names.actor(seen.actor)));
    }
    let id = Cursor {
        shard,
        sequence: seen.sequence,
    };
    Some(json!({
        "specversion": "1.0",
        "id": id.text(),
        "source": format!("/tenants/{tenant}"),
        "type": format!("{PREFIX}{name}"),
        "time": time(seen.time_ms),
        "subject": said.subject,
        "datacontenttype": "application/json",
        "data": data,
    }))
}

fn of_order(record: &Record<'_>, seen: &Seen, shard: u16, names: &Names) -> Option<Said> {
    let own = |tenant: TenantId| (tenant == names.tenant).then_some(());
    let about = |order: OrderKey, more: Value| about(order, names.channel(order), more);
    let by = |order: &OrderRef, more: Value| {
        own(order.tenant)?;
        Some(about(order.order, more))
    };
    match record {
        Record::OrderAccepted(accepted) => {
            own(accepted.tenant)?;
            let data = accepted_json(accepted, seen, shard, names);
            Some(about(accepted.key, data))
        }
        Record::OrderRejected(rejected) => {
            own(rejected.tenant)?;
            let more = json!({
                "code": rejected.reason.name(),
                "version": rejected.version,
                "channel": rejected.channel.0,
            });
            Some(about(rejected.key, more))
        }
        Record::HoldExtended {
            order,
            expires_at_ms,
        } => by(order, json!({ "held_until": time(*expires_at_ms) })),
        Record::OrderConfirmed { order, lines } | Record::OrderShipped { order, lines } => {
            by(order, json!({ "lines": lines_json(lines, names) }))
        }
        Record::OrderReturned {
            order,
            disposition,
            lines,
        } => by(
            order,
            json!({ "disposition": disposition_name(*disposition), "lines": lines_json(lines, names) }),
        ),
        Record::OrderReleased { order }
        | Record::OrderCancelled { order }
        | Record::OrderReinstated { order } => by(order, json!({})),
        Record::OrderExpired { tenant, order } => {
            own(*tenant)?;
            Some(about(*order, json!({})))
        }
        Record::BackorderAllocated {
            tenant,
            order,
            expires_at_ms,
            allocations,
        } => {
            own(*tenant)?;
            let lines = lines_json(allocations, names);
            let more = json!({ "held_until": time(*expires_at_ms), "lines": lines });
            Some(about(*order, more))
        }
        Record::Process(record) => of_process(record, names),
        _ => None,
    }
}

/// What the order process says of an order.
fn of_process(record: &ProcessRecord<'_>, names: &Names) -> Option<Said> {
    let own = |tenant: TenantId| (tenant == names.tenant).then_some(());
    let about = |order: OrderKey, more: Value| about(order, names.channel(order), more);
    match record {
        ProcessRecord::Moved(moved) => {
            own(moved.tenant)?;
            let more = json!({
                "event": moved.event.name(),
                "from": moved.from.map(OrderState::name),
                "state": moved.to.name(),
                "note": moved.note,
            });
            Some(about(moved.order, more))
        }
        ProcessRecord::Decided(decided) => {
            own(decided.order.tenant)?;
            let more = json!({
                "action": decided.action.name(),
                "effect": (decided.effect != 0).then_some(decided.effect),
                "amount": decided.amount,
                "reason": decided.reason,
            });
            Some(about(decided.order.order, more))
        }
        ProcessRecord::Preempted(hold) => {
            own(hold.tenant)?;
            let more = json!({ "by": hold.by.to_string(), "by_channel": hold.channel.0 });
            Some(about(hold.order, more))
        }
        _ => None,
    }
}

/// An event about an order: its key is in the data too, and where it was sold.
fn about(order: OrderKey, channel: Option<ChannelId>, mut data: Value) -> Said {
    let subject = order.to_string();
    if let Value::Object(members) = &mut data {
        members.insert("order".to_owned(), json!(subject));
        if let Some(channel) = channel {
            members.entry("channel").or_insert(json!(channel.0));
        }
    }
    Said { subject, data }
}

fn accepted_json(accepted: &OrderAccepted<'_>, seen: &Seen, shard: u16, names: &Names) -> Value {
    json!({
        "number": number(usize::from(shard), seen.sequence),
        "version": accepted.version,
        "placed": accepted.flags & accepted_flags::PLACED != 0,
        "partial": accepted.flags & accepted_flags::PARTIAL != 0,
        "channel": accepted.channel.0,
        "customer": accepted.customer,
        "total": accepted.total,
        "currency": accepted.currency,
        "waits": waits(accepted),
        "lines": lines_json(wanted(accepted), names),
    })
}

/// True for an order that waits for stock.
fn waits(accepted: &OrderAccepted<'_>) -> bool {
    accepted.flags & accepted_flags::BACKORDERED != 0
}

/// What an order took, or waits for.
fn wanted<'a, 'b>(accepted: &'b OrderAccepted<'a>) -> &'b Lines<'a> {
    if waits(accepted) {
        &accepted.requested
    } else {
        &accepted.allocations
    }
}

fn lines_json(lines: &Lines<'_>, names: &Names) -> Vec<Value> {
    let shown = lines.iter().map(|line| {
        json!({
            "sku": names.sku(line.sku),
            "location": names.location(line.location),
            "quantity": line.quantity,
        })
    });
    shown.collect()
}

fn of_stock(record: &Record<'_>, names: &Names) -> Option<Said> {
    let said = |sku: &str, more: Map<String, Value>| {
        let mut data = more;
        data.insert("sku".to_owned(), json!(sku));
        Some(Said {
            subject: sku.to_owned(),
            data: Value::Object(data),
        })
    };
    match record {
        Record::Stock(change) => {
            let cell = cell_of(change);
            let mut data = members(change_json(change, names));
            data.insert("location".to_owned(), json!(names.location(cell.location)));
            said(names.sku(cell.sku)?, data)
        }
        Record::ShortageDetected { cell, short } => {
            let location = names.location(cell.location);
            let data = json!({ "location": location, "short": short });
            said(names.sku(cell.sku)?, members(data))
        }
        Record::SkuDefined {
            tenant,
            on_sale,
            name,
            ..
        } if *tenant == names.tenant => said(name, members(json!({ "on_sale": on_sale }))),
        Record::SkuChanged { sku, on_sale } => {
            said(names.sku(*sku)?, members(json!({ "on_sale": on_sale })))
        }
        Record::SkuQueueSet { sku, queue } => {
            let data = members(json!({ "backorder_queue": queue.name() }));
            said(names.sku(*sku)?, data)
        }
        Record::LocationDefined {
            tenant,
            x,
            y,
            priority,
            name,
            ..
        } if *tenant == names.tenant => Some(Said {
            subject: (*name).to_owned(),
            data: json!({ "location": name, "x": x, "y": y, "priority": priority }),
        }),
        _ => None,
    }
}

fn cell_of(change: &StockChange<'_>) -> CellRef {
    match change {
        StockChange::Received { cell, .. }
        | StockChange::Adjusted { cell, .. }
        | StockChange::Set { cell, .. }
        | StockChange::Transferred { cell, .. }
        | StockChange::Moved { cell, .. } => *cell,
    }
}

fn disposition_name(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Restock => "restock",
        Disposition::Damaged => "damaged",
        Disposition::QualityControl => "quality_control",
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn change_json(change: &StockChange<'_>, names: &Names) -> Value {
    match change {
        StockChange::Received { quantity, .. } => json!({ "quantity": quantity }),
        StockChange::Adjusted { delta, reason, .. } => json!({ "delta": delta, "reason": reason }),
        StockChange::Set {
            before, on_hand, ..
        } => json!({ "before": before, "on_hand": on_hand }),
        StockChange::Transferred { to, quantity, .. } => {
            json!({ "to": names.location(*to), "quantity": quantity })
        }
        StockChange::Moved {
            from, to, quantity, ..
        } => json!({ "from": from.name(), "to": to.name(), "quantity": quantity }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::record::{Allocation, put_lines};
    use crate::types::SkuId;

    #[test]
    fn an_order_that_waits_for_stock_names_what_it_waits_for_and_what_it_gets() {
        let mut lines = Vec::new();
        let line = Allocation {
            sku: SkuId(3),
            quantity: 2,
            location: LocationId::ANY,
        };
        put_lines(&mut lines, &[line]);
        let waiting = OrderAccepted {
            key: OrderKey(7),
            fingerprint: 0,
            customer: 0,
            total: 1,
            ttl_ms: 1,
            tenant: TenantId(0),
            channel: ChannelId(0),
            version: 1,
            currency: 978,
            flags: accepted_flags::PLACED | accepted_flags::BACKORDERED,
            allocations: Lines::default(),
            requested: Lines::from_bytes(&lines),
            destination: None,
            details: &[],
            details_version: 0,
        };
        assert_eq!(wanted(&waiting).iter().count(), 1);
        let mut named = Handles::default();
        handles(&Record::OrderAccepted(waiting), &mut named);
        assert_eq!(named.skus, [SkuId(3)]);
        assert_eq!(named.locations, [], "anywhere has no name");
        assert_eq!(type_of(kind::BACKORDER_ALLOCATED), Some("order.allocated"));
    }

    #[test]
    fn a_kind_fits_whole_words_of_types() {
        assert!(starts("order.accepted", "order"));
        assert!(starts("order.accepted", "order.accepted"));
        assert!(!starts("order.accepted", "ord"));
        assert!(!starts("order.accepted", "order.accepted.x"));
    }
}
