//! Orders at intake: accepted, refused, in conflict, forgotten.

use super::queue::units_of;
use super::{At, Fold, Line, Lines, Order, Refusal};
use crate::audit::report::{Checks, Invariant};
use crate::engine::record::{
    Allocation, Allocations, OrderAccepted, OrderRejected, accepted_flags,
};
use crate::types::{LocationId, OrderKey, OrderState, Resolution, SkuId, TenantId};
use std::collections::BTreeMap;

impl Fold {
    pub(super) fn accepted(&mut self, at: &At, a: &OrderAccepted<'_>, checks: &mut Checks) {
        self.tally.accepted += 1;
        let replaces = a.flags & accepted_flags::REPLACES != 0;
        let wrong = self.wrong_version(at, a.tenant, a.key, a.version, Some(replaces));
        checks.check(Invariant::I6, wrong.is_none(), || {
            let what = wrong.unwrap_or_default();
            self.names.order_offence(at, a.tenant, a.key, what)
        });
        let waited = self.queues.leave((a.tenant, a.key));
        // What a channel had sold goes past everybody.
        let sold = a.flags & accepted_flags::FACT != 0 && !replaces;
        let skus = a.allocations.iter().map(|it| it.sku).filter(|_| !sold);
        let before = self.waited_for(skus, waited.unwrap_or(u64::MAX));
        self.give_back(at, a.tenant, a.key, checks);
        let taken = units_of(a.allocations);
        self.check_queue(at, (a.tenant, a.key), &before, &taken, checks);
        self.arrived(at, a.tenant, a.key);
        let committed = a.flags & accepted_flags::COMMITTED != 0;
        self.channel_takes(at, a, checks);
        let mut lines = Vec::with_capacity(a.allocations.len());
        for allocation in a.allocations.iter() {
            let line = Line {
                sku: allocation.sku,
                location: allocation.location,
                ordered: allocation.quantity,
                reserved: if committed { 0 } else { allocation.quantity },
                committed: if committed { allocation.quantity } else { 0 },
                ..Line::default()
            };
            self.take(at, (a.tenant, a.key), &line, Some(a), checks);
            lines.push(line);
        }
        let waits = a.flags & accepted_flags::BACKORDERED != 0;
        if waits {
            self.quotas
                .offers
                .waited_for(a.requested.iter().map(|want| want.sku));
            let place = waited.unwrap_or(at.sequence);
            let wants = a.requested.iter();
            self.queues.enter((a.tenant, a.key), place, wants);
            lines.extend(a.requested.iter().map(|want| Line {
                sku: want.sku,
                location: want.location,
                ordered: want.quantity,
                backordered: want.quantity,
                ..Line::default()
            }));
        }
        self.check_granted(at, a, checks);
        let order = new_order(at, a, Lines::new(lines));
        let books = self.books.entry(a.tenant).or_default();
        books.orders.insert(a.key.0, order);
    }

    /// What is wrong with deciding `version` of this order now, if anything. `replaces` is what
    /// an accepting record says of itself; a refusal says nothing.
    fn wrong_version(
        &self,
        at: &At,
        tenant: TenantId,
        key: OrderKey,
        version: u16,
        replaces: Option<bool>,
    ) -> Option<String> {
        if key.0 == 0 {
            return Some("the order's key is zero".to_owned());
        }
        let refusal = self.refusal(tenant, key).filter(|known| {
            self.tally.refused - known.ordinal < self.kept.refusals
                || u32::from(known.version) + 1 == u32::from(version)
        });
        let refused = refusal.map_or(0, |known| known.version);
        let follows = |latest: u16| u32::from(version) == u32::from(latest) + 1;
        let Some(order) = self.order(tenant, key) else {
            return match (replaces, refusal) {
                (Some(true), _) => Some("replaces a hold that does not exist".to_owned()),
                (_, Some(known)) if version <= refused => Some(format!(
                    "version {version} is decided here and was refused at sequence {} ({})",
                    known.sequence, known.reason
                )),
                // A channel may tell a change of an order before the order itself.
                (_, Some(_)) if !follows(refused) => {
                    Some(format!("version {version} follows version {refused}"))
                }
                _ => None,
            };
        };
        let latest = order.version.max(refused);
        if version <= latest {
            return Some(format!(
                "version {version} is decided here and before: accepted as version {} at \
                 sequence {}",
                order.version, order.accepted
            ));
        }
        if !follows(latest) {
            return Some(format!("version {version} follows version {latest}"));
        }
        let over = at.time_ms >= order.expires_at_ms && !self.is_managed(tenant, key);
        let waits = order.state == OrderState::Backordered;
        let shipped = order.lines.as_slice().iter().any(|line| line.shipped > 0);
        let confirmed = order.state == OrderState::Confirmed && !shipped;
        let editable = order.is_live_hold() || confirmed && self.is_managed(tenant, key);
        if !waits && (!editable || over) {
            return Some(format!(
                "version {version} is decided although the order is {} and its hold ended",
                order.state.name()
            ));
        }
        (replaces == Some(false)).then(|| {
            format!(
                "accepted anew although it is held since sequence {}",
                order.accepted
            )
        })
    }

    /// I4 and I7 of an order that waited: it takes exactly what it waited for, of what is there.
    pub(super) fn allocated(
        &mut self,
        at: &At,
        (tenant, key): (TenantId, OrderKey),
        expires_at_ms: u64,
        taken: Allocations<'_>,
        checks: &mut Checks,
    ) {
        let order = self.order(tenant, key);
        let waits = order.filter(|order| order.state == OrderState::Backordered);
        let mut wanted: BTreeMap<SkuId, i64> = BTreeMap::new();
        for line in waits.iter().flat_map(|order| order.lines.as_slice()) {
            *wanted.entry(line.sku).or_default() += i64::from(line.backordered);
        }
        for line in taken.iter() {
            *wanted.entry(line.sku).or_default() -= i64::from(line.quantity);
        }
        let named = waits.iter().flat_map(|order| order.lines.as_slice());
        let elsewhere = named
            .filter(|line| line.location != LocationId::ANY)
            .any(|line| {
                let here = |it: &Allocation| (it.sku, it.location) == (line.sku, line.location);
                let here = taken.iter().filter(here).map(|it| it.quantity);
                here.sum::<u32>() < line.backordered
            });
        let fits = waits.is_some() && !elsewhere && wanted.values().all(|units| *units == 0);
        checks.check(Invariant::I4, fits, || {
            let what = "gets units that it did not wait for, or not all of them".to_owned();
            self.names.order_offence(at, tenant, key, what)
        });
        let place = self.queues.leave((tenant, key)).unwrap_or(u64::MAX);
        let before = self.waited_for(taken.iter().map(|it| it.sku), place);
        self.check_queue(at, (tenant, key), &before, &units_of(taken), checks);
        self.channel_allocated(at, (tenant, key), taken, checks);
        let mut lines = Vec::with_capacity(taken.len());
        for line in taken.iter() {
            let line = Line {
                sku: line.sku,
                location: line.location,
                ordered: line.quantity,
                reserved: line.quantity,
                ..Line::default()
            };
            self.take(at, (tenant, key), &line, None, checks);
            lines.push(line);
        }
        if let Some(order) = self.order_mut(tenant, key) {
            order.state = OrderState::FraudCheck;
            order.expires_at_ms = expires_at_ms;
            order.lines = Lines::new(lines);
        }
    }

    /// Gives the units of the present hold back, before its next version takes its own.
    fn give_back(&mut self, at: &At, tenant: TenantId, key: OrderKey, checks: &mut Checks) {
        let books = self.books.entry(tenant).or_default();
        let Some(order) = books.orders.remove(&key.0) else {
            return;
        };
        self.channel_gives(&order);
        let held = |line: &&Line| line.backordered == 0;
        for line in order.lines.as_slice().iter().filter(held) {
            self.change(at, line.cell(), checks, |cell| {
                cell.reserved -= i64::from(line.reserved);
                cell.committed -= i64::from(line.committed);
            });
        }
    }

    /// Takes the units of one allocation, checking that they are there, or that a channel had sold
    /// them before (I7).
    fn take(
        &mut self,
        at: &At,
        order: (TenantId, OrderKey),
        line: &Line,
        accepted: Option<&OrderAccepted<'_>>,
        checks: &mut Checks,
    ) {
        let cell = line.cell();
        self.check_owner(at, order.0, cell, checks);
        let before = self.cell(cell).copied().unwrap_or_default();
        let quantity = i64::from(line.ordered);
        let missing = quantity - before.available();
        let covered = match accepted {
            Some(accepted) => self.sold_beyond(accepted, cell, missing),
            None => missing <= 0,
        };
        checks.check(Invariant::I7, covered, || {
            let what = format!(
                "accepted for {quantity} units where {} were available ({})",
                before.available(),
                before.describe()
            );
            self.names.line_offence(at, order, cell, what)
        });
        self.change(at, cell, checks, |cell| {
            cell.reserved += i64::from(line.reserved);
            cell.committed += i64::from(line.committed);
            cell.short_by_fact |= covered && missing > 0;
        });
    }

    /// I4 at intake: something was taken, and no more of a SKU than was asked for.
    fn check_granted(&self, at: &At, a: &OrderAccepted<'_>, checks: &mut Checks) {
        let mut taken: BTreeMap<SkuId, u64> = BTreeMap::new();
        for allocation in a.allocations.iter() {
            *taken.entry(allocation.sku).or_default() += u64::from(allocation.quantity);
        }
        // An order that waits takes nothing and wants something.
        let waits = a.flags & accepted_flags::BACKORDERED != 0;
        let placed = a.flags & accepted_flags::PLACED != 0;
        let nothing = taken.is_empty() != waits || waits && (a.requested.is_empty() || !placed);
        let empty = nothing || a.allocations.iter().any(|line| line.quantity == 0);
        let mut beyond = None;
        if a.flags & accepted_flags::PARTIAL != 0 {
            for (sku, units) in &taken {
                let asked = a.requested.iter().filter(|line| line.sku == *sku);
                let asked: u64 = asked.map(|line| u64::from(line.quantity)).sum();
                if *units > asked {
                    beyond = Some((*sku, *units, asked));
                }
            }
        }
        checks.check(Invariant::I4, !empty && beyond.is_none(), || {
            let what = match beyond {
                Some((_, units, asked)) => format!("was granted {units} units and asked {asked}"),
                None => "was accepted without units".to_owned(),
            };
            let sku = beyond.map(|(sku, _, _)| self.names.sku_name(sku));
            let offence = self.names.order_offence(at, a.tenant, a.key, what);
            crate::audit::report::Offence { sku, ..offence }
        });
    }

    pub(super) fn rejected(&mut self, at: &At, r: &OrderRejected<'_>, checks: &mut Checks) {
        let wrong = self.wrong_version(at, r.tenant, r.key, r.version, None);
        checks.check(Invariant::I6, wrong.is_none(), || {
            let what = wrong.unwrap_or_default();
            self.names.order_offence(at, r.tenant, r.key, what)
        });
        let refusal = Refusal {
            fingerprint: r.fingerprint,
            sequence: at.sequence,
            ordinal: self.tally.refused,
            version: r.version,
            reason: r.reason,
        };
        self.tally.refused += 1;
        let books = self.books.entry(r.tenant).or_default();
        books.refusals.insert(r.key.0, refusal);
    }

    pub(super) fn conflict(
        &mut self,
        at: &At,
        (tenant, key): (TenantId, OrderKey),
        fingerprint: u64,
        checks: &mut Checks,
    ) {
        self.tally.conflicts += 1;
        let order = self.order(tenant, key);
        let refusal = self.refusal(tenant, key);
        let order_version = order.map_or(0, |order| order.version);
        let latest = match refusal {
            Some(refusal) if refusal.version > order_version => Some(refusal.fingerprint),
            _ => order.map(|order| order.fingerprint),
        };
        checks.check(Invariant::I6, latest != Some(fingerprint), || {
            let what = "a conflict is recorded, but the meaning is the same".to_owned();
            self.names.order_offence(at, tenant, key, what)
        });
    }

    pub(super) fn forgotten(&mut self, at: &At, keys: &[u8], checks: &mut Checks) {
        for (tenant, key) in crate::audit::show::forgotten_keys(keys) {
            self.tally.forgotten += 1;
            let books = self.books.entry(tenant).or_default();
            books.processes.remove(&key.0);
            let order = books.orders.remove(&key.0);
            let ended = order.as_ref().is_some_and(|order| {
                let open = |line: &Line| line.reserved + line.committed > 0 || line.backordered > 0;
                !order.lines.as_slice().iter().any(open)
            });
            checks.check(Invariant::I5, ended, || {
                let what = match order {
                    Some(order) => format!("is forgotten while it is {}", order.state.name()),
                    None => "is forgotten, but there is no such order".to_owned(),
                };
                self.names.order_offence(at, tenant, key, what)
            });
        }
    }

    /// A line's location as the records of one order may name it: `ANY` matches every cell.
    pub(super) fn matches(line: &Line, sku: SkuId, location: LocationId) -> bool {
        line.sku == sku && (location == LocationId::ANY || line.location == location)
    }
}

/// The order as a record accepts it.
fn new_order(at: &At, a: &OrderAccepted<'_>, lines: Lines) -> Order {
    let placed = a.flags & accepted_flags::PLACED != 0;
    let committed = a.flags & accepted_flags::COMMITTED != 0;
    Order {
        fingerprint: a.fingerprint,
        customer: a.customer,
        accepted: at.sequence,
        accepted_ms: at.time_ms,
        resolved: if committed { at.sequence } else { 0 },
        expires_at_ms: at.time_ms.saturating_add(u64::from(a.ttl_ms)),
        version: a.version,
        channel: a.channel,
        state: if committed {
            OrderState::Confirmed
        } else if a.flags & accepted_flags::BACKORDERED != 0 {
            OrderState::Backordered
        } else if placed {
            OrderState::FraudCheck
        } else {
            OrderState::Held
        },
        resolution: if committed {
            Resolution::Confirmed
        } else {
            Resolution::Open
        },
        placed,
        lines,
    }
}
