//! What channels did: sold more than there was, and cancelled before the order arrived.

use super::{At, Fold};
use crate::audit::report::{Checks, Invariant};
use crate::engine::record::{CellRef, ChannelOversold, EarlyEvent, OrderAccepted, Record};
use crate::engine::record::{ProcessRecord, accepted_flags};
use crate::limits::EARLY_EVENTS_MAX;
use crate::types::{OrderKey, TenantId};
use std::collections::{BTreeMap, BTreeSet};

/// What the fold remembers of channels between records.
#[derive(Clone, Debug, Default)]
pub(super) struct Channels {
    /// What the order accepted last took that was not there: the next record says so.
    beyond: Option<((TenantId, OrderKey), BTreeMap<CellRef, i64>)>,
    /// The sold order for which holds have just ended: it is accepted next.
    preempting: Option<(TenantId, OrderKey)>,
    /// Cancellations that wait for their order: until when, and their sequence.
    early: BTreeMap<(TenantId, OrderKey), (u64, u64)>,
    /// Orders that arrived after their cancellation, and hold units still.
    cancelled: BTreeSet<(TenantId, OrderKey)>,
}

impl Fold {
    /// Takes note of units that an order takes although they are not there, where a channel had
    /// sold it. False where that is no excuse.
    pub(super) fn sold_beyond(
        &mut self,
        a: &OrderAccepted<'_>,
        cell: CellRef,
        missing: i64,
    ) -> bool {
        if a.flags & accepted_flags::FACT == 0 || missing <= 0 {
            return missing <= 0;
        }
        let order = (a.tenant, a.key);
        let beyond = self.channels.beyond.get_or_insert((order, BTreeMap::new()));
        beyond.1.insert(cell, missing);
        true
    }

    /// Holds have just ended for this order.
    pub(super) fn gave_way_to(&mut self, order: (TenantId, OrderKey)) {
        self.channels.preempting = Some(order);
    }

    /// I7: an order for which holds ended is accepted right behind them, as one that was sold.
    pub(super) fn check_preempting(
        &mut self,
        at: &At,
        record: Option<&Record<'_>>,
        checks: &mut Checks,
    ) {
        let Some(order) = self.channels.preempting.take() else {
            return;
        };
        let follows = match record {
            Some(Record::Process(ProcessRecord::Preempted(next))) => {
                (next.tenant, next.by) == order
            }
            Some(Record::OrderAccepted(a)) => {
                (a.tenant, a.key) == order && a.flags & accepted_flags::FACT != 0
            }
            _ => false,
        };
        checks.check(Invariant::I7, follows, || {
            let what = "holds ended for it, but it is not accepted behind them".to_owned();
            self.names.order_offence(at, order.0, order.1, what)
        });
    }

    /// I7: what was sold beyond stock stands in the record behind the order, and nothing else.
    pub(super) fn check_beyond(
        &mut self,
        at: &At,
        record: Option<&Record<'_>>,
        checks: &mut Checks,
    ) {
        let Some(((tenant, key), beyond)) = self.channels.beyond.take() else {
            return;
        };
        let said = match record {
            Some(Record::Process(ProcessRecord::Oversold(said)))
                if (said.tenant, said.order) == (tenant, key) =>
            {
                lines_of(said)
            }
            _ => BTreeMap::new(),
        };
        checks.check(Invariant::I7, said == beyond, || {
            let units: i64 = beyond.values().sum();
            let what = format!(
                "took {units} units that were not there, and no record behind it names exactly those"
            );
            self.names.order_offence(at, tenant, key, what)
        });
    }

    pub(super) fn oversold(&mut self, at: &At, said: &ChannelOversold<'_>, checks: &mut Checks) {
        let (tenant, key) = (said.tenant, said.order);
        let order = self.order(tenant, key);
        let follows = order.is_some_and(|order| order.accepted + 1 == at.sequence);
        let short = lines_of(said)
            .iter()
            .all(|(cell, units)| self.cell(*cell).is_some_and(|cell| cell.short() >= *units));
        checks.check(
            Invariant::I7,
            follows && short && !said.lines.is_empty(),
            || {
                let what =
                    "is said to be sold beyond stock, but it did not just take more than there was";
                self.names.order_offence(at, tenant, key, what.to_owned())
            },
        );
    }

    pub(super) fn early(&mut self, at: &At, event: &EarlyEvent<'_>, checks: &mut Checks) {
        let order = (event.order.tenant, event.order.order);
        let known = self.order(order.0, order.1).is_some();
        checks.check(Invariant::Journal, !known, || {
            let what = "is cancelled as unknown, but it is known".to_owned();
            self.names.order_offence(at, order.0, order.1, what)
        });
        let key = (order.0, event.order.key);
        self.use_key(at, key, event.order.fingerprint, true, checks);
        let early = &mut self.channels.early;
        early.remove(&order);
        if early.len() >= EARLY_EVENTS_MAX {
            let oldest = early.iter().min_by_key(|(_, (_, sequence))| *sequence);
            if let Some(oldest) = oldest.map(|(order, _)| *order) {
                early.remove(&oldest);
            }
        }
        early.insert(order, (event.until_ms, at.sequence));
    }

    /// An order arrives: one that was cancelled before has to end at once.
    pub(super) fn arrived(&mut self, at: &At, tenant: TenantId, key: OrderKey) {
        let early = self.channels.early.remove(&(tenant, key));
        if early.is_some_and(|(until_ms, _)| at.time_ms < until_ms) {
            self.channels.cancelled.insert((tenant, key));
        }
    }

    /// True for an order that was cancelled before it arrived and is released now.
    pub(super) fn was_cancelled_ahead(&mut self, tenant: TenantId, key: OrderKey) -> bool {
        self.channels.cancelled.remove(&(tenant, key))
    }

    /// I5 at the end: no order lives that was cancelled before it arrived; and I7, as above.
    pub(in crate::audit) fn check_channels(&self, end: &At, checks: &mut Checks) {
        for (tenant, key) in &self.channels.cancelled {
            checks.check(Invariant::I5, false, || {
                let what = "was cancelled before it arrived, and was not released".to_owned();
                self.names.order_offence(end, *tenant, *key, what)
            });
        }
        if let Some((tenant, key)) = &self.channels.preempting {
            checks.check(Invariant::I7, false, || {
                let what = "holds ended for it, and it was not accepted".to_owned();
                self.names.order_offence(end, *tenant, *key, what)
            });
        }
        if let Some(((tenant, key), _)) = &self.channels.beyond {
            checks.check(Invariant::I7, false, || {
                let what = "took units that were not there, and no record says so".to_owned();
                self.names.order_offence(end, *tenant, *key, what)
            });
        }
    }
}

fn lines_of(said: &ChannelOversold<'_>) -> BTreeMap<CellRef, i64> {
    let lines = said.lines.iter().map(|line| {
        let cell = CellRef {
            sku: line.sku,
            location: line.location,
        };
        (cell, i64::from(line.quantity))
    });
    lines.collect()
}
