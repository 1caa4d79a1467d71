//! Orders at intake, and what commands made of them.

use super::super::cell::{Mark, Sum, int, text};
use super::super::rows::Key;
use super::super::schema::{EventRow, LineMovementRow, LineRow, OrderRow, PersonRow, RejectionRow};
use super::{At, Projector, location};
use crate::engine::record::{
    HoldPreempted, OrderAccepted, OrderLines, OrderRef, OrderRejected, accepted_flags,
};
use crate::types::details::DETAILS_ARCHIVE_VERSION;
use crate::types::{Disposition, OrderDetails, OrderKey, OrderState, TenantId};

/// The row of an order at one record: its key, and when it was touched.
pub(super) fn order_row(at: &At, tenant: TenantId, key: OrderKey) -> OrderRow {
    OrderRow {
        shard: int(at.shard),
        tenant: int(tenant.0),
        order_key: text(&key.to_string()),
        updated_sequence: int(at.sequence),
        updated_ms: int(at.time_ms),
        ..OrderRow::default()
    }
}

/// An event of an order at one record.
pub(super) fn event_row(at: &At, tenant: TenantId, key: OrderKey, event: &str) -> EventRow {
    EventRow {
        shard: int(at.shard),
        sequence: int(at.sequence),
        time_ms: int(at.time_ms),
        actor: int(at.actor.0),
        tenant: int(tenant.0),
        order_key: text(&key.to_string()),
        event: text(event),
        ..EventRow::default()
    }
}

/// Where an order's rows are kept while they wait.
pub(super) fn order_key(tenant: TenantId, key: OrderKey) -> Key {
    (u32::from(tenant.0), key.0, 0)
}

pub(super) fn units(lines: OrderLines<'_>) -> i64 {
    lines.iter().map(|line| i64::from(line.quantity)).sum()
}

/// What an order takes, or waits for.
fn wanted<'a>(accepted: &OrderAccepted<'a>) -> OrderLines<'a> {
    if accepted.flags & accepted_flags::BACKORDERED != 0 {
        accepted.requested
    } else {
        accepted.allocations
    }
}

/// The archived details of an order; `None` where they are not of this build's layout.
fn details(accepted: &OrderAccepted<'_>) -> Option<OrderDetails> {
    if accepted.details_version != DETAILS_ARCHIVE_VERSION {
        return None;
    }
    let mut aligned = rkyv::util::AlignedVec::<16>::with_capacity(accepted.details.len());
    aligned.extend_from_slice(accepted.details);
    rkyv::from_bytes::<OrderDetails, rkyv::rancor::Error>(&aligned).ok()
}

impl Projector {
    pub(super) fn accepted(&mut self, at: &At, accepted: &OrderAccepted<'_>) {
        let flag = |bit: u8| accepted.flags & bit != 0;
        let (tenant, key) = (accepted.tenant, accepted.key);
        // The next version of an order is the same order: what it went through stays.
        let new = !flag(accepted_flags::REPLACES);
        let details = flag(accepted_flags::DETAILS).then(|| details(accepted));
        let details = details.flatten();
        let state = if flag(accepted_flags::COMMITTED) {
            OrderState::Confirmed
        } else if flag(accepted_flags::BACKORDERED) {
            OrderState::Backordered
        } else if flag(accepted_flags::PLACED) {
            OrderState::FraudCheck
        } else {
            OrderState::Held
        };
        let row = OrderRow {
            accepted_sequence: int(at.sequence),
            accepted_ms: int(at.time_ms),
            version: int(accepted.version),
            channel: int(accepted.channel.0),
            customer: text(&accepted.customer.to_string()),
            currency: int(accepted.currency),
            total: int(accepted.total),
            placed: int(u8::from(flag(accepted_flags::PLACED))),
            partial: int(u8::from(flag(accepted_flags::PARTIAL))),
            external_id: details.as_ref().and_then(|d| text(&d.external_id)),
            country: details.as_ref().and_then(|d| text(&d.country)),
            checkout_seconds: details.as_ref().and_then(|d| int(d.checkout_seconds)),
            units: int(units(wanted(accepted))),
            expires_ms: if flag(accepted_flags::BACKORDERED) {
                None
            } else {
                int(at.time_ms.saturating_add(u64::from(accepted.ttl_ms)))
            },
            state: text(state.name()),
            touched: new.then_some(0),
            exception: new.then_some(0),
            first_accepted_ms: if new { int(at.time_ms) } else { None },
            ..order_row(at, tenant, key)
        };
        self.rows.orders.join(order_key(tenant, key), row);
        let event = EventRow {
            to_state: text(state.name()),
            amount: int(accepted.total),
            ..event_row(at, tenant, key, "order_accepted")
        };
        self.rows.events.push(event);
        let prices = details.as_ref().map(|details| details.unit_prices.clone());
        self.lines(at, accepted, &prices.unwrap_or_default());
        if let Some(details) = details {
            self.person(at, (tenant, key), &details);
        }
    }

    /// Stock came for an order that waited: it has its units from now on. Its lines are those that
    /// it was accepted with.
    pub(super) fn allocated(
        &mut self,
        at: &At,
        (tenant, key): (TenantId, OrderKey),
        expires_at_ms: u64,
        taken: OrderLines<'_>,
    ) {
        let state = text(OrderState::FraudCheck.name());
        let row = OrderRow {
            units: int(units(taken)),
            expires_ms: int(expires_at_ms),
            state: state.clone(),
            ..order_row(at, tenant, key)
        };
        self.rows.orders.join(order_key(tenant, key), row);
        self.rows.events.push(EventRow {
            to_state: state,
            ..event_row(at, tenant, key, "backorder_allocated")
        });
        for (number, line) in taken.iter().enumerate() {
            self.rows.line_movements.push(LineMovementRow {
                shard: int(at.shard),
                sequence: int(at.sequence),
                line: int(number),
                tenant: int(tenant.0),
                order_key: text(&key.to_string()),
                action: text("allocated"),
                sku: int(line.sku.0),
                location: location(&line),
                quantity: int(line.quantity),
                disposition: None,
            });
        }
    }

    /// A unit price is told for orders of one line: only there is it certain which line it is for.
    fn lines(&mut self, at: &At, accepted: &OrderAccepted<'_>, prices: &[u64]) {
        let price = match prices {
            [price] => int(*price),
            _ => None,
        };
        for (number, line) in wanted(accepted).iter().enumerate() {
            self.rows.lines.push(LineRow {
                shard: int(at.shard),
                accepted_sequence: int(at.sequence),
                line: int(number),
                tenant: int(accepted.tenant.0),
                order_key: text(&accepted.key.to_string()),
                sku: int(line.sku.0),
                location: location(&line),
                quantity: int(line.quantity),
                unit_price: price,
            });
        }
    }

    /// The payment token stays in the journal: nobody needs it in SQL.
    fn person(&mut self, at: &At, (tenant, key): (TenantId, OrderKey), details: &OrderDetails) {
        let row = PersonRow {
            shard: int(at.shard),
            tenant: int(tenant.0),
            order_key: text(&key.to_string()),
            accepted_sequence: int(at.sequence),
            contact_name: text(&details.contact_name),
            email: text(&details.email),
            phone: text(&details.phone),
            shipping_address: text(&details.shipping_address.join("\n")),
            billing_address: text(&details.billing_address.join("\n")),
            ip: text(&details.ip),
            device: text(&details.device),
            session: text(&details.session),
            custom_handling: text(&details.custom_handling),
        };
        self.rows.people.join(order_key(tenant, key), row);
    }

    pub(super) fn rejected(&mut self, at: &At, rejected: &OrderRejected<'_>) {
        self.rows.rejections.push(RejectionRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            tenant: int(rejected.tenant.0),
            order_key: text(&rejected.key.to_string()),
            version: int(rejected.version),
            channel: int(rejected.channel.0),
            customer: text(&rejected.customer.to_string()),
            reason: text(rejected.reason.name()),
            short_lines: int(rejected.shorts.iter().count()),
        });
    }

    pub(super) fn extended(&mut self, at: &At, order: &OrderRef, expires_at_ms: u64) {
        let row = OrderRow {
            expires_ms: int(expires_at_ms),
            ..order_row(at, order.tenant, order.order)
        };
        self.change(at, order, "hold_extended", None, row);
    }

    pub(super) fn confirmed(&mut self, at: &At, order: &OrderRef, lines: OrderLines<'_>) {
        let kept = if lines.is_empty() {
            None
        } else {
            int(units(lines))
        };
        let row = OrderRow {
            units: kept,
            confirmed_ms: now(at),
            ..order_row(at, order.tenant, order.order)
        };
        self.change(
            at,
            order,
            "order_confirmed",
            Some(OrderState::Confirmed),
            row,
        );
        self.line_movements(at, order, "confirmed", None, lines);
    }

    pub(super) fn reinstated(&mut self, at: &At, order: &OrderRef) {
        let row = OrderRow {
            confirmed_ms: now(at),
            ended_ms: Mark::Cleared,
            ..order_row(at, order.tenant, order.order)
        };
        let state = Some(OrderState::Confirmed);
        self.change(at, order, "order_reinstated", state, row);
    }

    pub(super) fn released(&mut self, at: &At, order: &OrderRef) {
        let row = ended(at, order.tenant, order.order);
        self.change(at, order, "hold_released", Some(OrderState::Cancelled), row);
    }

    pub(super) fn cancelled(&mut self, at: &At, order: &OrderRef) {
        let row = ended(at, order.tenant, order.order);
        self.change(
            at,
            order,
            "order_cancelled",
            Some(OrderState::Cancelled),
            row,
        );
    }

    pub(super) fn expired(&mut self, at: &At, tenant: TenantId, key: OrderKey) {
        let state = text(OrderState::Expired.name());
        let row = OrderRow {
            state: state.clone(),
            ..ended(at, tenant, key)
        };
        self.rows.orders.join(order_key(tenant, key), row);
        self.rows.events.push(EventRow {
            to_state: state,
            ..event_row(at, tenant, key, "order_expired")
        });
    }

    pub(super) fn preempted(&mut self, at: &At, hold: &HoldPreempted) {
        let state = text(OrderState::Cancelled.name());
        let row = OrderRow {
            state: state.clone(),
            ..ended(at, hold.tenant, hold.order)
        };
        self.rows
            .orders
            .join(order_key(hold.tenant, hold.order), row);
        let note = format!("channel {} had sold its units: {}", hold.channel.0, hold.by);
        self.rows.events.push(EventRow {
            to_state: state,
            note: text(&note),
            ..event_row(at, hold.tenant, hold.order, "hold_preempted")
        });
    }

    pub(super) fn shipped(&mut self, at: &At, order: &OrderRef, lines: OrderLines<'_>) {
        let row = OrderRow {
            units_shipped: Sum(units(lines)),
            shipped_ms: int(at.time_ms),
            ..order_row(at, order.tenant, order.order)
        };
        self.change(at, order, "order_shipped", None, row);
        self.line_movements(at, order, "shipped", None, lines);
        let place = (i64::from(order.tenant.0), order.order.to_string());
        self.rows.shipped.push(place);
    }

    pub(super) fn returned(
        &mut self,
        at: &At,
        order: &OrderRef,
        disposition: Disposition,
        lines: OrderLines<'_>,
    ) {
        let row = OrderRow {
            units_returned: Sum(units(lines)),
            ..order_row(at, order.tenant, order.order)
        };
        self.change(at, order, "order_returned", None, row);
        self.line_movements(at, order, "returned", Some(disposition), lines);
    }

    pub(super) fn conflict(&mut self, at: &At, tenant: TenantId, key: OrderKey) {
        let event = event_row(at, tenant, key, "conflict_seen");
        self.rows.events.push(event);
    }

    fn change(
        &mut self,
        at: &At,
        order: &OrderRef,
        event: &str,
        to: Option<OrderState>,
        row: OrderRow,
    ) {
        let state = to.and_then(|state| text(state.name()));
        self.rows.events.push(EventRow {
            to_state: state.clone(),
            ..event_row(at, order.tenant, order.order, event)
        });
        let row = OrderRow { state, ..row };
        self.rows
            .orders
            .join(order_key(order.tenant, order.order), row);
    }

    fn line_movements(
        &mut self,
        at: &At,
        order: &OrderRef,
        action: &str,
        disposition: Option<Disposition>,
        lines: OrderLines<'_>,
    ) {
        for (number, line) in lines.iter().enumerate() {
            self.rows.line_movements.push(LineMovementRow {
                shard: int(at.shard),
                sequence: int(at.sequence),
                line: int(number),
                tenant: int(order.tenant.0),
                order_key: text(&order.order.to_string()),
                action: text(action),
                sku: int(line.sku.0),
                location: location(&line),
                quantity: int(line.quantity),
                disposition: disposition.and_then(|of| text(disposition_name(of))),
            });
        }
    }
}

/// A row that says that the order ended now.
fn ended(at: &At, tenant: TenantId, key: OrderKey) -> OrderRow {
    OrderRow {
        ended_ms: now(at),
        ..order_row(at, tenant, key)
    }
}

fn now(at: &At) -> Mark {
    int(at.time_ms).into()
}

pub(super) fn disposition_name(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Restock => "restock",
        Disposition::Damaged => "damaged",
        Disposition::QualityControl => "quality_control",
    }
}
