//! What becomes of an order after intake: extended, confirmed, released, expired, cancelled,
//! shipped, returned.

use super::{At, Fold, Line, Order};
use crate::audit::report::{Checks, Invariant};
use crate::engine::record::{CellRef, HoldPreempted, OrderLines, OrderRef};
use crate::types::{Disposition, LocationId, OrderKey, OrderState, Resolution, SkuId, TenantId};

const NO_CELL: CellRef = CellRef {
    sku: SkuId(0),
    location: LocationId::ANY,
};

/// What one record changes in one cell, in units.
#[derive(Clone, Copy, Default)]
struct Delta {
    on_hand: i64,
    reserved: i64,
    committed: i64,
    shipped: i64,
    returned: i64,
    damaged: i64,
    quality_control: i64,
}

impl Fold {
    pub(super) fn extended(&mut self, at: &At, r: &OrderRef, until: u64, checks: &mut Checks) {
        self.use_order_key(at, r, checks);
        if !self.check_open(at, r.tenant, r.order, "extended", checks) {
            return;
        }
        if let Some(order) = self.order_mut(r.tenant, r.order) {
            let before = order.expires_at_ms;
            order.expires_at_ms = until;
            checks.check(Invariant::I5, until >= before, || {
                let what = format!("its end is moved back from {before} ms to {until} ms");
                self.names.order_offence(at, r.tenant, r.order, what)
            });
        }
    }

    pub(super) fn confirmed(
        &mut self,
        at: &At,
        r: &OrderRef,
        lines: OrderLines<'_>,
        checks: &mut Checks,
    ) {
        self.use_order_key(at, r, checks);
        if !self.check_open(at, r.tenant, r.order, "confirmed", checks) {
            return;
        }
        let wanted = Wanted::new(lines);
        self.with_order(at, r.tenant, r.order, checks, |order, deltas| {
            order.state = OrderState::Confirmed;
            order.resolution = Resolution::Confirmed;
            order.resolved = at.sequence;
            let mut wanted = wanted;
            for line in order.lines.as_mut_slice() {
                let held = line.reserved;
                let keep = if lines.is_empty() {
                    held
                } else {
                    wanted.take(line, held)
                };
                line.reserved = 0;
                line.committed += keep;
                line.cancelled += held - keep;
                let delta = Delta {
                    reserved: -i64::from(held),
                    committed: i64::from(keep),
                    ..Delta::default()
                };
                deltas.push((line.cell(), delta));
            }
            wanted.left("confirms more than it holds")
        });
    }

    pub(super) fn released(&mut self, at: &At, r: &OrderRef, checks: &mut Checks) {
        self.use_order_key(at, r, checks);
        let waits = |order: &Order| order.state == OrderState::Backordered;
        if self.order(r.tenant, r.order).is_some_and(waits)
            || self.check_open(at, r.tenant, r.order, "released", checks)
        {
            let to = (OrderState::Cancelled, Resolution::Released);
            self.end(at, r.tenant, r.order, to, checks);
        }
    }

    pub(super) fn expired(
        &mut self,
        at: &At,
        tenant: TenantId,
        key: OrderKey,
        checks: &mut Checks,
    ) {
        self.tally.expired += 1;
        let managed = self.is_managed(tenant, key);
        let order = self.order(tenant, key);
        let wrong = match order {
            None => Some("expires, but there is no such order".to_owned()),
            Some(order) if !order.is_live_hold() => Some(resolved_before("expires", order)),
            Some(order) if !managed && at.time_ms < order.expires_at_ms => Some(format!(
                "expires at {} ms, before its end at {} ms",
                at.time_ms, order.expires_at_ms
            )),
            Some(_) => None,
        };
        let live = order.is_some_and(Order::is_live_hold);
        checks.check(Invariant::I5, wrong.is_none(), || {
            self.names
                .order_offence(at, tenant, key, wrong.unwrap_or_default())
        });
        if live {
            let to = (OrderState::Expired, Resolution::Expired);
            self.end(at, tenant, key, to, checks);
        }
    }

    /// A hold gives its units to an order that a channel had sold, which is to follow.
    pub(super) fn preempted(&mut self, at: &At, r: &HoldPreempted, checks: &mut Checks) {
        let order = self.order(r.tenant, r.order);
        let held = order.is_some_and(|order| {
            order.state == OrderState::Held && at.time_ms < order.expires_at_ms
        });
        let allowed = self.names.facts_preempt_holds();
        checks.check(Invariant::I5, held && allowed, || {
            let what = if held {
                "gives its units to a sold order, which no pipelines allow"
            } else {
                "gives its units to a sold order, but it is no live hold"
            };
            self.names
                .order_offence(at, r.tenant, r.order, what.to_owned())
        });
        if held {
            let to = (OrderState::Cancelled, Resolution::Released);
            self.end(at, r.tenant, r.order, to, checks);
        }
        self.gave_way_to((r.tenant, r.by));
    }

    pub(super) fn cancelled(&mut self, at: &At, r: &OrderRef, checks: &mut Checks) {
        self.use_order_key(at, r, checks);
        let order = self.order(r.tenant, r.order);
        let live = order.is_some_and(Order::is_live_hold);
        if live {
            if self.check_open(at, r.tenant, r.order, "cancelled", checks) {
                let to = (OrderState::Cancelled, Resolution::Released);
                self.end(at, r.tenant, r.order, to, checks);
            }
            return;
        }
        let wrong = match order {
            None => Some("is cancelled, but there is no such order".to_owned()),
            Some(order) if order.state != OrderState::Confirmed => {
                Some(resolved_before("is cancelled", order))
            }
            Some(order) if order.lines.as_slice().iter().any(|line| line.shipped > 0) => {
                Some("is cancelled after units of it have shipped".to_owned())
            }
            Some(_) => None,
        };
        let holds = checks.check(Invariant::I5, wrong.is_none(), || {
            let what = wrong.unwrap_or_default();
            self.names.order_offence(at, r.tenant, r.order, what)
        });
        if holds {
            let to = (OrderState::Cancelled, Resolution::Confirmed);
            self.end(at, r.tenant, r.order, to, checks);
        }
    }

    pub(super) fn shipped(
        &mut self,
        at: &At,
        r: &OrderRef,
        lines: OrderLines<'_>,
        checks: &mut Checks,
    ) {
        self.use_order_key(at, r, checks);
        let mut wanted = Wanted::new(lines);
        self.with_order(at, r.tenant, r.order, checks, |order, deltas| {
            for line in order.lines.as_mut_slice() {
                let units = wanted.take(line, line.committed);
                line.committed -= units;
                line.shipped += units;
                let delta = Delta {
                    on_hand: -i64::from(units),
                    committed: -i64::from(units),
                    shipped: i64::from(units),
                    ..Delta::default()
                };
                deltas.push((line.cell(), delta));
            }
            let open = |line: &Line| line.committed > 0 || line.reserved > 0;
            if !order.lines.as_slice().iter().any(open) && order.state == OrderState::Confirmed {
                order.state = OrderState::Shipped;
            }
            wanted.left("ships more than it has committed")
        });
    }

    pub(super) fn returned(
        &mut self,
        at: &At,
        r: &OrderRef,
        disposition: Disposition,
        lines: OrderLines<'_>,
        checks: &mut Checks,
    ) {
        self.use_order_key(at, r, checks);
        let mut wanted = Wanted::new(lines);
        self.with_order(at, r.tenant, r.order, checks, |order, deltas| {
            for line in order.lines.as_mut_slice() {
                let units = wanted.take(line, line.shipped - line.returned);
                line.returned += units;
                let units = i64::from(units);
                let aside = |of: Disposition| if of == disposition { units } else { 0 };
                let delta = Delta {
                    on_hand: units,
                    returned: units,
                    damaged: aside(Disposition::Damaged),
                    quality_control: aside(Disposition::QualityControl),
                    ..Delta::default()
                };
                deltas.push((line.cell(), delta));
            }
            wanted.left("returns more than was shipped and not yet returned")
        });
    }

    /// An order whose hold had ended has all its units again, committed.
    pub(super) fn reinstated(&mut self, at: &At, r: &OrderRef, checks: &mut Checks) {
        self.use_order_key(at, r, checks);
        let order = self.order(r.tenant, r.order);
        let lines = order.map_or(&[][..], |order| order.lines.as_slice());
        let units: Vec<_> = lines.iter().map(|it| (it.sku, it.cancelled)).collect();
        let before = self.waited_for(units.iter().map(|(sku, _)| *sku), u64::MAX);
        self.check_queue(at, (r.tenant, r.order), &before, &units, checks);
        self.with_order(at, r.tenant, r.order, checks, |order, deltas| {
            order.state = OrderState::Confirmed;
            order.resolution = Resolution::Confirmed;
            order.resolved = at.sequence;
            for line in order.lines.as_mut_slice() {
                let units = std::mem::take(&mut line.cancelled);
                line.committed += units;
                let delta = Delta {
                    committed: i64::from(units),
                    ..Delta::default()
                };
                deltas.push((line.cell(), delta));
            }
            None
        });
    }

    /// Ends an order: everything that it still holds goes back, and its place in every queue.
    fn end(
        &mut self,
        at: &At,
        tenant: TenantId,
        key: OrderKey,
        (state, resolution): (OrderState, Resolution),
        checks: &mut Checks,
    ) {
        self.queues.leave((tenant, key));
        self.with_order(at, tenant, key, checks, |order, deltas| {
            if order.is_live_hold() || order.state == OrderState::Backordered {
                order.resolution = resolution;
                order.resolved = at.sequence;
            }
            order.state = state;
            for line in order.lines.as_mut_slice() {
                let delta = Delta {
                    reserved: -i64::from(line.reserved),
                    committed: -i64::from(line.committed),
                    ..Delta::default()
                };
                line.cancelled += line.backordered + line.reserved + line.committed;
                let waited = std::mem::take(&mut line.backordered) > 0;
                (line.reserved, line.committed) = (0, 0);
                if !waited {
                    deltas.push((line.cell(), delta));
                }
            }
            None
        });
    }

    /// I5: that a hold is open when something resolves or extends it.
    fn check_open(
        &mut self,
        at: &At,
        tenant: TenantId,
        key: OrderKey,
        verb: &str,
        checks: &mut Checks,
    ) -> bool {
        let managed = self.is_managed(tenant, key);
        let order = self.order(tenant, key);
        let wrong = match order {
            None => Some(format!("is {verb}, but there is no such order")),
            Some(order) if !order.is_live_hold() => {
                Some(resolved_before(&format!("is {verb}"), order))
            }
            Some(order) if !managed && at.time_ms >= order.expires_at_ms => Some(format!(
                "is {verb} at {} ms, after its end at {} ms",
                at.time_ms, order.expires_at_ms
            )),
            Some(_) => None,
        };
        let live = order.is_some_and(Order::is_live_hold);
        checks.check(Invariant::I5, wrong.is_none(), || {
            self.names
                .order_offence(at, tenant, key, wrong.unwrap_or_default())
        });
        live
    }

    /// Changes an order and the cells of its lines; `change` returns what was asked beyond what
    /// the order has, which is an offence against I4, as is a line that does not add up after.
    fn with_order(
        &mut self,
        at: &At,
        tenant: TenantId,
        key: OrderKey,
        checks: &mut Checks,
        change: impl FnOnce(&mut Order, &mut Vec<(CellRef, Delta)>) -> Option<(CellRef, String)>,
    ) {
        let mut deltas = Vec::new();
        let Some(order) = self.order_mut(tenant, key) else {
            checks.check(Invariant::I4, false, || {
                let what = "moves units of an order that does not exist".to_owned();
                self.names.order_offence(at, tenant, key, what)
            });
            return;
        };
        let beyond = change(order, &mut deltas);
        let buyer = (order.channel, order.accepted);
        checks.check(Invariant::I4, beyond.is_none(), || {
            let (cell, what) = beyond.unwrap_or((NO_CELL, String::new()));
            self.names.line_offence(at, (tenant, key), cell, what)
        });
        for (cell, delta) in deltas {
            // Shipped units stay their channel's.
            let units = delta.reserved + delta.committed + delta.shipped;
            self.quotas.move_units(buyer, cell.sku, units);
            self.change(at, cell, checks, |cell| {
                cell.on_hand += delta.on_hand;
                cell.reserved += delta.reserved;
                cell.committed += delta.committed;
                cell.shipped += delta.shipped;
                cell.returned += delta.returned;
                cell.damaged += delta.damaged;
                cell.quality_control += delta.quality_control;
            });
        }
    }

    pub(super) fn order_mut(&mut self, tenant: TenantId, key: OrderKey) -> Option<&mut Order> {
        self.books.get_mut(&tenant)?.orders.get_mut(&key.0)
    }
}

fn resolved_before(verb: &str, order: &Order) -> String {
    format!(
        "{verb}, but it is {}: its hold was resolved at sequence {}",
        order.state.name(),
        order.resolved
    )
}

/// The lines of a command, taken from the order's lines one by one.
struct Wanted {
    lines: Vec<(CellRef, u32)>,
}

impl Wanted {
    fn new(lines: OrderLines<'_>) -> Self {
        let lines = lines.iter().map(|line| {
            let cell = CellRef {
                sku: line.sku,
                location: line.location,
            };
            (cell, line.quantity)
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// Takes at most `room` units of what is wanted of this line's cell.
    fn take(&mut self, line: &Line, room: u32) -> u32 {
        let mut taken = 0;
        for (cell, wanted) in &mut self.lines {
            if Fold::matches(line, cell.sku, cell.location) {
                let units = (*wanted).min(room - taken);
                *wanted -= units;
                taken += units;
            }
        }
        taken
    }

    /// What is still wanted when every line was asked.
    fn left(&self, what: &str) -> Option<(CellRef, String)> {
        let (cell, units) = self.lines.iter().find(|(_, units)| *units > 0)?;
        Some((*cell, format!("{what}, by {units} units")))
    }
}
