//! What a channel says of an order before the order itself has arrived.
//!
//! ```text
//!  cancel ─▶ order known? ─ yes ─▶ cancelled as by anybody
//!                   └────── no ──▶ kept for T_park ─▶ order arrives ─▶ accepted, CANCELLED at once
//! ```

use super::desk::{Desk, cut};
use super::review::Operation;
use crate::engine::command::CommandOutcome;
use crate::engine::define::answer;
use crate::engine::record::{EarlyEvent, OrderRef, ProcessRecord};
use crate::engine::{Contradiction, Engine};
use crate::limits;
use crate::types::process::OperatorAction;
use crate::types::{CommandKey, OrderKey, ResultCode, TenantId};
use std::collections::BTreeMap;

/// A cancellation that waits for its order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Early {
    until_ms: u64,
    arrival: u64,
    reason: Box<str>,
}

/// Cancellations that came before their orders; the oldest make room for newer ones.
#[derive(Default)]
pub(in crate::engine) struct EarlyEvents {
    by_order: BTreeMap<(TenantId, OrderKey), Early>,
    by_arrival: BTreeMap<u64, (TenantId, OrderKey)>,
    arrivals: u64,
}

impl EarlyEvents {
    /// Why the order was cancelled before it arrived, if that is not too long ago.
    #[inline]
    pub fn reason(&self, tenant: TenantId, order: OrderKey, now_ms: u64) -> Option<&str> {
        if self.by_order.is_empty() {
            return None;
        }
        let early = self.by_order.get(&(tenant, order))?;
        (now_ms < early.until_ms).then_some(&*early.reason)
    }

    /// The order has arrived.
    #[inline]
    pub fn remove(&mut self, tenant: TenantId, order: OrderKey) {
        if !self.by_order.is_empty()
            && let Some(early) = self.by_order.remove(&(tenant, order))
        {
            self.by_arrival.remove(&early.arrival);
        }
    }

    /// Keeps a cancellation; those whose time is over, or for which there is no room, are dropped.
    fn insert(&mut self, event: &EarlyEvent<'_>, now_ms: u64) {
        let place = (event.order.tenant, event.order.order);
        self.remove(place.0, place.1);
        while let Some((_, oldest)) = self.by_arrival.first_key_value() {
            let oldest = *oldest;
            let over = self
                .by_order
                .get(&oldest)
                .is_none_or(|it| it.until_ms <= now_ms);
            if !over && self.by_order.len() < limits::EARLY_EVENTS_MAX {
                break;
            }
            self.remove(oldest.0, oldest.1);
        }
        self.arrivals += 1;
        self.by_arrival.insert(self.arrivals, place);
        let early = Early {
            until_ms: event.until_ms,
            arrival: self.arrivals,
            reason: event.reason.into(),
        };
        self.by_order.insert(place, early);
    }

    /// Everything in order of arrival.
    pub fn digest_into(&self, out: &mut Vec<u8>) {
        for (arrival, (tenant, order)) in &self.by_arrival {
            out.extend_from_slice(&arrival.to_le_bytes());
            out.extend_from_slice(&tenant.0.to_le_bytes());
            out.extend_from_slice(&order.0.to_le_bytes());
            if let Some(early) = self.by_order.get(&(*tenant, *order)) {
                out.extend_from_slice(&early.until_ms.to_le_bytes());
                out.extend_from_slice(&(early.reason.len() as u64).to_le_bytes());
                out.extend_from_slice(early.reason.as_bytes());
            }
        }
    }

    /// Bytes of memory in use; tree nodes are estimated.
    pub fn memory_bytes(&self) -> usize {
        let texts: usize = self.by_order.values().map(|it| it.reason.len()).sum();
        self.by_order.len() * 112 + texts
    }
}

impl Engine {
    /// Applies a cancellation of an order that is not known.
    pub(in crate::engine) fn apply_early(
        &mut self,
        event: &EarlyEvent<'_>,
        sequence: u64,
    ) -> Result<(), Contradiction> {
        let order = event.order;
        if self.slot_of(order.tenant, order.order).is_ok() {
            return Err(Contradiction::OrderExists(order.order));
        }
        self.keep_result(
            order.tenant,
            true,
            order.key.0,
            order.fingerprint,
            sequence,
            ResultCode::Ok,
        )?;
        self.processes.early.insert(event, self.now_ms);
        Ok(())
    }
}

impl Desk<'_> {
    /// A channel cancelled an order that may not have arrived yet.
    pub fn cancel_ahead(
        &mut self,
        tenant: TenantId,
        (key, order): (CommandKey, OrderKey),
        reason: &str,
    ) -> CommandOutcome {
        if key.0 == 0 || order.0 == 0 {
            return answer(ResultCode::InvalidKey);
        }
        let operation = Operation {
            key,
            order,
            action: OperatorAction::Cancel,
            effect: 0,
            amount: 0,
            reason,
        };
        let fingerprint = operation.fingerprint();
        let slot = self
            .engine
            .find_order(&self.engine.probe(tenant, order))
            .order;
        if let Some(stored) = self.engine.stored_result(tenant, key, fingerprint, true) {
            return self.engine.with_order(slot, stored);
        }
        let reference = OrderRef {
            order,
            key,
            fingerprint,
            tenant,
        };
        let Some(slot) = slot else {
            return self.keep_early(reference, reason);
        };
        if self.process(slot).is_some() {
            let outcome = self.decide(slot, reference, &operation);
            return self.engine.with_order(Some(slot), outcome);
        }
        self.cancel_units(slot, reference)
    }

    fn keep_early(&mut self, order: OrderRef, reason: &str) -> CommandOutcome {
        let park_ms = self.engine.processes.settings().park_ms;
        let until_ms = self.now_ms() + park_ms;
        let sequence = self.emit(ProcessRecord::Early(EarlyEvent {
            order,
            until_ms,
            reason: cut(reason, limits::PROVIDER_MESSAGE_BYTES_MAX),
        }));
        CommandOutcome {
            sequence,
            ..answer(ResultCode::Ok)
        }
    }
}
