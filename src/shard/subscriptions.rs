//! Stock subscriptions: the last value of each SKU, to whoever asked, once it is acknowledged.
//!
//! A change marks the SKU for each subscription; events carry the value at the time of sending. A
//! session that does not read keeps its marks and gets the then latest values when it reads again,
//! so it costs a set of SKU numbers and never a backlog. All events of a session have the sequence
//! of the turn that sends them, so they never go back.

use super::gate::ReplyGate;
use crate::engine::Engine;
use crate::types::{SessionId, SkuId, TenantId};
use crate::wire::frame;
use crate::wire::item::Item;
use crate::wire::opcode::STOCK_EVENT;
use crate::wire::reply::StockEvent;
use std::collections::{BTreeMap, BTreeSet};

/// Least time between two events of one subscription about changed stock, in milliseconds of
/// engine time: changes in between are merged.
const EVENT_INTERVAL_MS: u64 = 5;

/// Most events of one subscription in one turn; the rest follows in the next.
const EVENTS_PER_TURN_MAX: usize = 8_190;

#[derive(Debug)]
struct Subscription {
    tenant: TenantId,
    request_id: u64,
    /// `None`: every SKU of the tenant.
    skus: Option<BTreeSet<SkuId>>,
    marked: BTreeSet<SkuId>,
    congested: bool,
    sent_at_ms: u64,
}

/// All subscriptions of a shard.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_session: BTreeMap<SessionId, Subscription>,
    changed: Vec<SkuId>,
}

impl Subscriptions {
    /// Starts (or replaces) a session's subscription; the present values are sent first.
    pub fn add(
        &mut self,
        session: SessionId,
        tenant: TenantId,
        request_id: u64,
        all: bool,
        skus: Vec<SkuId>,
        engine: &mut Engine,
    ) {
        let marked: BTreeSet<SkuId> = skus.into_iter().collect();
        let subscription = Subscription {
            tenant,
            request_id,
            skus: (!all).then(|| marked.clone()),
            marked,
            congested: false,
            sent_at_ms: 0,
        };
        self.by_session.insert(session, subscription);
        engine.track_changes(true);
    }

    /// Forgets a session.
    pub fn remove(&mut self, session: SessionId, engine: &mut Engine) {
        if self.by_session.remove(&session).is_some() && self.by_session.is_empty() {
            engine.track_changes(false);
        }
    }

    /// Holds a session's events back, or lets them go on.
    pub fn set_congested(&mut self, session: SessionId, congested: bool) {
        if let Some(subscription) = self.by_session.get_mut(&session) {
            subscription.congested = congested;
        }
    }

    /// When the next events are due, if any wait for their interval.
    pub fn due_ms(&self, now_ms: u64) -> Option<u64> {
        self.by_session
            .values()
            .filter(|one| !one.congested && !one.marked.is_empty())
            .map(|one| (one.sent_at_ms + EVENT_INTERVAL_MS).max(now_ms))
            .min()
    }

    /// Puts the due events of this turn into the gate.
    pub fn publish(&mut self, engine: &mut Engine, gate: &mut ReplyGate, sequence: u64) {
        if self.by_session.is_empty() {
            return;
        }
        self.changed.clear();
        engine.drain_changed(&mut self.changed);
        let now_ms = engine.now_ms();
        for (&session, subscription) in &mut self.by_session {
            let Subscription {
                tenant,
                skus,
                marked,
                ..
            } = subscription;
            let wanted = |sku: &SkuId| match skus {
                Some(skus) => skus.contains(sku),
                None => engine.stock(*tenant, *sku).is_some(),
            };
            marked.extend(self.changed.iter().copied().filter(wanted));
            let due = now_ms >= subscription.sent_at_ms + EVENT_INTERVAL_MS;
            if subscription.congested || subscription.marked.is_empty() || !due {
                continue;
            }
            subscription.sent_at_ms = now_ms;
            send(subscription, engine, gate.buffer(), sequence);
            gate.note(session, 0, false);
        }
    }
}

fn send(subscription: &mut Subscription, engine: &Engine, out: &mut Vec<u8>, sequence: u64) {
    let start = frame::begin(out);
    let mut count = 0;
    while usize::from(count) < EVENTS_PER_TURN_MAX {
        let Some(sku) = subscription.marked.pop_first() else {
            break;
        };
        let Some(cells) = engine.stock(subscription.tenant, sku) else {
            continue;
        };
        let mut event = StockEvent {
            sku,
            sequence,
            available: 0,
            on_hand: 0,
            reserved: 0,
            committed: 0,
        };
        for cell in cells {
            event.available += u64::from(cell.quantities.available());
            event.on_hand += u64::from(cell.quantities.on_hand);
            event.reserved += u64::from(cell.quantities.reserved);
            event.committed += u64::from(cell.quantities.committed);
        }
        event.put(out);
        count += 1;
    }
    start.finish(out, STOCK_EVENT, subscription.request_id, count);
}
