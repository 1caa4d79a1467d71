//! The order process as bytes for the state's digest, and what must hold of it at any time.

use super::{Effect, Process, ProcessTable};
use crate::engine::invariants::broken;
use crate::engine::order::OrderSlot;
use crate::engine::record::process_flags::{AUTHORISED, CONFIRMED};
use crate::engine::record::{OrderMoved, ProcessRecord, Record};
use crate::engine::{Engine, InvariantBroken};
use crate::types::OrderState;
use crate::types::effect::{EffectKind, EffectNext};
use crate::types::process::{ProcessEvent, TimerKind};
use std::collections::{BTreeMap, BTreeSet};

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

impl ProcessTable {
    /// Everything that records made, in the order of its numbers.
    pub fn digest_into(&self, out: &mut Vec<u8>) {
        for (slot, process) in &self.processes {
            out.extend_from_slice(&slot.to_le_bytes());
            out.extend_from_slice(&process.since_ms.to_le_bytes());
            // The bytes of a record have every field of the image in one canonical form.
            let moved = OrderMoved {
                order: process.key,
                tenant: process.tenant,
                accepted: process.accepted,
                event: ProcessEvent::Placed,
                from: None,
                to: process.state,
                image: process.image,
                note: "",
            };
            Record::Process(ProcessRecord::Moved(moved)).put(out);
            for effect in &process.effects {
                digest_effect(effect, out);
            }
            for (provider, hash) in &process.references {
                out.extend_from_slice(&provider.to_le_bytes());
                out.extend_from_slice(&hash.to_le_bytes());
            }
        }
        for (slot, prospect) in &self.prospects {
            out.extend_from_slice(&slot.to_le_bytes());
            out.extend_from_slice(&prospect.accepted.to_le_bytes());
            out.extend_from_slice(&prospect.total.to_le_bytes());
            out.extend_from_slice(&prospect.currency.to_le_bytes());
            out.extend_from_slice(&prospect.country.to_le_bytes());
            out.push(u8::from(prospect.custom));
        }
        for (number, pinned) in &self.sets {
            out.extend_from_slice(&number.to_le_bytes());
            out.extend_from_slice(&pinned.pins.to_le_bytes());
        }
        out.extend_from_slice(&self.latest.to_le_bytes());
        for (name, breaker) in self.names.iter().zip(&self.breakers) {
            put_text(out, name);
            out.extend_from_slice(&breaker.generation.to_le_bytes());
            out.extend_from_slice(&breaker.failures.to_le_bytes());
            out.extend_from_slice(&breaker.until_ms.to_le_bytes());
            out.extend_from_slice(&breaker.open_for_ms.to_le_bytes());
            out.extend_from_slice(&breaker.in_flight.to_le_bytes());
            out.extend_from_slice(&breaker.baseline.to_le_bytes());
            out.extend_from_slice(&[
                breaker.state as u8,
                breaker.probes_out,
                breaker.probes_good,
                u8::from(breaker.probe_failed),
            ]);
            out.extend(breaker.recent.iter().map(|slow| u8::from(*slow)));
        }
        for ((tenant, reason), window) in &self.alerts {
            out.extend_from_slice(&tenant.0.to_le_bytes());
            out.push(*reason);
            out.extend_from_slice(&window.due_ms.to_le_bytes());
            out.extend_from_slice(&window.orders.to_le_bytes());
            out.extend_from_slice(&window.slot.to_le_bytes());
        }
        for (arrival, parked) in &self.parked {
            out.extend_from_slice(&arrival.to_le_bytes());
            out.extend_from_slice(&parked.event.to_le_bytes());
            out.extend_from_slice(&parked.order.0.to_le_bytes());
            out.extend_from_slice(&parked.until_ms.to_le_bytes());
            put_text(out, &parked.reference);
        }
        self.early.digest_into(out);
        for event in &self.seen_ring {
            out.extend_from_slice(&event.to_le_bytes());
        }
        self.queue.digest_into(out);
    }
}

fn digest_effect(effect: &Effect, out: &mut Vec<u8>) {
    for number in [effect.number, effect.provider.0, effect.target] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for number in [
        effect.amount,
        effect.due_ms,
        effect.since_ms,
        effect.began_ms,
        effect.probe_until_ms,
        u64::from(effect.generation),
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&[
        effect.kind as u8,
        effect.attempt,
        effect.base,
        effect.step,
        effect.target_kind,
        effect.waits,
        u8::from(effect.uncertain),
        effect.milestone.map_or(0, |it| it as u8),
        effect.next.map_or(0, |it| it as u8),
        effect.class.map_or(0, |it| it as u8),
        effect.undone.map_or(0, |it| it as u8),
    ]);
    for text in [
        &effect.input,
        &effect.note,
        &effect.reference,
        &effect.code,
        &effect.message,
    ] {
        put_text(out, text);
    }
}

impl Engine {
    /// Every order in process has money that adds up, units in the state that its process says,
    /// and something that will move it on.
    pub(in crate::engine) fn check_processes(&self) -> Result<(), InvariantBroken> {
        let table = &self.processes;
        let timers: BTreeSet<(u64, u32)> = self.timers.iter().collect();
        let mut pins = BTreeMap::<u32, u32>::new();
        for (slot, process) in &table.processes {
            let order = self.orders.get(*slot);
            let name = || format!("order {} in {}", process.key, process.state.name());
            *pins.entry(process.image.set).or_default() += 1;
            check_money(process).map_err(|what| broken("I10", format!("{}: {what}", name())))?;
            check_moving(process).map_err(|()| broken("I13", name()))?;
            if !fits_units(process, order) {
                let units = order.state.name();
                return Err(broken("I3", format!("{}, its units {units}", name())));
            }
            let due = table.next_due_ms(*slot);
            // What is overdue fires at the next turn.
            let by = |due: u64| (due.max(self.now_ms), u32::MAX);
            let hinted = |due: u64| timers.range(..=by(due)).any(|(_, it)| it == slot);
            if due.is_some_and(|due| !hinted(due)) {
                return Err(broken("timer", format!("{} has none at {due:?}", name())));
            }
        }
        self.check_queue()?;
        for (slot, order) in self.orders.iter() {
            let open = table.get(slot).is_some_and(|it| !it.state.is_terminal());
            if order.is_managed() != open {
                let key = self.client_key(slot).1;
                return Err(broken(
                    "process",
                    format!("order {key} is managed: {}", !open),
                ));
            }
        }
        let counted = table.sets.iter().map(|(set, pinned)| (*set, pinned.pins));
        let counted: BTreeMap<u32, u32> = counted.filter(|(_, pins)| *pins > 0).collect();
        if counted != pins {
            return Err(broken(
                "process",
                format!("pins {counted:?}, pinned {pins:?}"),
            ));
        }
        let references: usize = table.processes.values().map(|it| it.references.len()).sum();
        if references != table.references.len() {
            return Err(broken(
                "process",
                format!("{references} references are kept"),
            ));
        }
        Ok(())
    }
}

impl Engine {
    /// Every order that waits for stock is in the queue with what it wants, and nobody else.
    fn check_queue(&self) -> Result<(), InvariantBroken> {
        let queue = &self.processes.queue;
        queue.check().map_err(|what| broken("queue", what))?;
        let mut waiting = 0;
        for (slot, order) in self.orders.iter() {
            if order.state != OrderState::Backordered {
                continue;
            }
            waiting += 1;
            let place = queue.place_of(slot).and_then(|place| queue.at(place));
            let wants = self.orders.requested(slot);
            let wants = wants.map(|line| (line.sku, line.ordered));
            let same = place.is_some_and(|it| {
                let kept = it.lines.iter();
                wants.eq(kept.map(|line| (line.sku, line.quantity)))
            });
            if !same || self.orders.lines(slot).next().is_some() {
                let key = self.client_key(slot).1;
                let what = format!("order {key} is not in it as it waits");
                return Err(broken("queue", what));
            }
        }
        if waiting == queue.len() {
            Ok(())
        } else {
            let what = format!("{} orders are in it, {waiting} wait", queue.len());
            Err(broken("queue", what))
        }
    }
}

/// At most one capture; refunded ≤ captured ≤ total, or what a one-step payment took beyond it; an
/// ended order owes nobody money.
fn check_money(process: &Process) -> Result<(), String> {
    let image = &process.image;
    let done = |kind: EffectKind| {
        let done = process.effects.iter();
        done.filter(move |it| it.is(kind) && it.next == Some(EffectNext::Done))
    };
    let captures = process.effects.iter();
    let captures = captures
        .filter(|it| it.is(EffectKind::PaymentCapture))
        .count();
    if captures > 1 || done(EffectKind::PaymentCapture).count() > 1 {
        return Err(format!("{captures} captures"));
    }
    if image.refunded > image.captured || image.captured > image.total.max(image.authorised) {
        return Err(format!(
            "total {}, captured {}, refunded {}",
            image.total, image.captured, image.refunded
        ));
    }
    // A one-step payment takes the money by itself, and what it took may still wait for a person.
    if captures > 0 && image.flags & CONFIRMED == 0 && !process.state.is_terminal() {
        return Err("captured before it was confirmed".to_owned());
    }
    if image.authorised > 0 && image.flags & AUTHORISED == 0 && image.captured == 0 {
        return Err("money without an authorisation".to_owned());
    }
    Ok(())
}

/// A timer, an effect that is open, or a person will move it on.
fn check_moving(process: &Process) -> Result<(), ()> {
    let timer = process.image.timer != TimerKind::None;
    let effect = process.effects.iter().any(Effect::is_open);
    let over = process.state.is_terminal();
    if timer || effect || over {
        Ok(())
    } else {
        Err(())
    }
}

/// What the order's slot says about its units fits where its process is.
fn fits_units(process: &Process, order: &OrderSlot) -> bool {
    let confirmed = process.has_flag(CONFIRMED);
    match process.state {
        OrderState::FraudCheck | OrderState::Payment => order.state.is_live_hold() && !confirmed,
        OrderState::Backordered => order.state == OrderState::Backordered && !confirmed,
        OrderState::Webhook | OrderState::Cancelling | OrderState::Review => {
            order.state.is_live_hold() != confirmed
        }
        OrderState::Confirmed | OrderState::Fulfilling => {
            matches!(order.state, OrderState::Confirmed | OrderState::Shipped) && confirmed
        }
        OrderState::Shipped | OrderState::Delivered => order.state == OrderState::Shipped,
        state => order.state == state,
    }
}
