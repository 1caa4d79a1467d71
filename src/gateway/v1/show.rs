//! Orders, processes and effects as JSON.

pub(super) use crate::events::{number, time};

use crate::engine::process::command::{BreakerView, EffectView, ProcessView};
use crate::engine::record::process_flags;
use crate::shard::local::{LocalLine, OrderDetail};
use crate::types::OrderState;
use crate::types::effect::{EffectNext, Milestone, ProviderId, effect_key, tenant_mark};
use crate::types::process::{ReviewReason, SubState, TimerKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A risk score that is none.
const NO_SCORE: u8 = u8::MAX;

/// Names of providers by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(BTreeMap<ProviderId, String>);

impl Names {
    /// As the breakers know them.
    pub fn of(breakers: &[BreakerView]) -> Self {
        let names = breakers.iter().map(|one| (one.id, one.provider.clone()));
        Self(names.collect())
    }

    /// The name of a provider, if there is one.
    pub fn get(&self, id: ProviderId) -> Option<&str> {
        self.0.get(&id).map(String::as_str)
    }

    /// True where a provider has this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.values().any(|known| known == name)
    }

    /// All names, for messages.
    pub fn all(&self) -> String {
        let names: Vec<&str> = self.0.values().map(String::as_str).collect();
        names.join(", ")
    }
}

/// One line of a list of orders.
pub(super) fn summary(view: &ProcessView, shard: usize) -> Value {
    let image = &view.image;
    json!({
        "order": view.order.to_string(),
        "number": number(shard, view.accepted),
        "state": view.state.name(),
        "since": time(view.since_ms),
        "pipeline": view.pipeline,
        "step": view.step,
        "sub_state": (image.sub != SubState::None).then(|| image.sub.name()),
        "review_reason": (image.review != ReviewReason::None).then(|| image.review.name()),
        "customer": view.customer,
        "total": view.total,
        "currency": view.currency,
        "timer": timer(view),
    })
}

fn timer(view: &ProcessView) -> Value {
    if view.image.timer == TimerKind::None {
        return Value::Null;
    }
    json!({ "kind": view.image.timer.name(), "at": time(view.image.timer_at_ms) })
}

/// Everything about one order.
pub(super) fn detail(
    detail: &OrderDetail,
    order: &str,
    (shard, names): (usize, &Names),
    track: Option<&str>,
) -> Value {
    let (view, process) = (&detail.order, detail.process.as_ref());
    json!({
        "order": order,
        "number": number(shard, view.sequence),
        "code": view.code.name(),
        "state": process.map_or(view.state, |process| process.state).name(),
        "placed": view.placed,
        "version": view.version,
        "channel": view.channel.0,
        "customer": view.customer,
        "held_until": time(view.expires_at_ms),
        "lines": detail.lines.iter().map(line).collect::<Vec<_>>(),
        "process": process.map(|process| process_json(process, names)),
        "track": track,
    })
}

fn line(line: &LocalLine) -> Value {
    let units = &line.line;
    json!({
        "sku": line.sku,
        "location": line.location,
        "ordered": units.ordered,
        "reserved": units.reserved,
        "committed": units.committed,
        "shipped": units.shipped,
        "returned": units.returned,
        "cancelled": units.cancelled,
    })
}

fn process_json(view: &ProcessView, names: &Names) -> Value {
    let image = &view.image;
    json!({
        "since": time(view.since_ms),
        "pipeline": view.pipeline,
        "step": view.step,
        "sub_state": (image.sub != SubState::None).then(|| image.sub.name()),
        "review_reason": (image.review != ReviewReason::None).then(|| image.review.name()),
        "resume_to": image.resume_to.map(OrderState::name),
        "timer": timer(view),
        "score": (image.score != NO_SCORE).then_some(image.score),
        "processor": names.get(image.processor),
        "total": view.total,
        "currency": view.currency,
        "authorised": image.authorised,
        "captured": image.captured,
        "refunded": image.refunded,
        "effects": view.effects.iter().map(|one| effect(one, names)).collect::<Vec<_>>(),
    })
}

fn effect(effect: &EffectView, names: &Names) -> Value {
    json!({
        "effect": effect.number,
        "kind": effect.kind.name(),
        "provider": names.get(effect.provider),
        "attempt": effect.attempt,
        "next": effect.next.map_or("in_flight", EffectNext::name),
        "due": time(effect.due_ms),
        "since": time(effect.since_ms),
        "milestone": effect.milestone.map(Milestone::name),
        "amount": effect.amount,
        "reference": effect.reference,
        "code": effect.code,
        "message": effect.message,
    })
}

/// An effect that exhausted its attempts, with its order.
pub(super) fn dead_letter(
    view: &ProcessView,
    dead: &EffectView,
    (shard, tenant): (usize, &str),
    names: &Names,
) -> Value {
    let mut key = effect_key(view.order, dead.kind, dead.number);
    if view.image.flags & process_flags::TENANT_KEYS != 0 {
        key.push_str(&tenant_mark(tenant));
    }
    json!({
        "order": view.order.to_string(),
        "number": number(shard, view.accepted),
        "effect": dead.number,
        "key": key,
        "kind": dead.kind.name(),
        "provider": names.get(dead.provider),
        "order_state": view.state.name(),
        "attempts": dead.attempt,
        "since": time(dead.since_ms),
        "milestone": dead.milestone.map(Milestone::name),
        "amount": dead.amount,
        "currency": view.currency,
        "reference": dead.reference,
        "cause": { "code": dead.code, "message": dead.message },
    })
}

/// A breaker.
pub(super) fn breaker(view: &BreakerView) -> Value {
    json!({
        "provider": view.provider,
        "state": view.state.name(),
        "generation": view.generation,
        "failures": view.failures,
        "open_until": time(view.until_ms),
        "baseline_ms": view.baseline_ms,
        "in_flight": view.in_flight,
    })
}
