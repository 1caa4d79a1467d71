//! Times that run out: the order's own, an effect's next attempt, an alert, a probe.

use super::desk::Desk;
use super::table::Trigger;
use super::{AlertWindow, Effect, Process, ProcessTable};
use crate::engine::Engine;
use crate::engine::record::ProcessImage;
use crate::engine::record::process_flags::{AUTHORISED, CANCELLING, FACT, PINNED};
use crate::types::effect::EffectKind;
use crate::types::process::{BreakerState, ProcessEvent, ReviewReason, SubState, TimerKind};
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, OrderState, TenantId};

impl ProcessTable {
    /// The first alert in the name of an order whose time has come.
    pub fn due_alert(&self, slot: u32, now_ms: u64) -> Option<((TenantId, u8), AlertWindow)> {
        let mut alerts = self.alerts.iter();
        let due = alerts.find(|(_, it)| it.slot == slot && it.due_ms <= now_ms);
        due.map(|(key, window)| (*key, *window))
    }

    /// When something of this order is due next; none where nothing is.
    pub fn next_due_ms(&self, slot: u32) -> Option<u64> {
        let process = self.get(slot)?;
        let timer = (process.image.timer != TimerKind::None).then_some(process.image.timer_at_ms);
        let effects = process.effects.iter();
        let effects = effects.filter_map(|effect| self.effect_due_ms(effect));
        let alerts = self.alerts.values().filter(|window| window.slot == slot);
        let alerts = alerts.map(|window| window.due_ms);
        effects.chain(timer).chain(alerts).min()
    }

    /// When an effect's next attempt, or the answer of its probe, is due.
    fn effect_due_ms(&self, effect: &Effect) -> Option<u64> {
        if !effect.is_out() {
            return (effect.is_open() && effect.due_ms > 0).then_some(effect.due_ms);
        }
        let breaker = self.breaker(effect.provider)?;
        let probes = effect.probe_until_ms > 0
            && breaker.state == BreakerState::HalfOpen
            && breaker.generation == effect.generation;
        probes.then_some(effect.probe_until_ms)
    }
}

impl Engine {
    /// Fires one time of an order in process that has run out; what else is due fires in its turn.
    pub(in crate::engine) fn fire_process(&mut self, slot: u32, out: &mut RecordBuffer) {
        let now_ms = self.now_ms;
        let mut desk = Desk {
            engine: self,
            out,
            actor: ActorId::SYSTEM,
        };
        desk.fire(slot);
        if let Some(due_ms) = self.processes.next_due_ms(slot)
            && due_ms <= now_ms
        {
            self.timers.set(now_ms, slot);
        }
    }
}

impl Desk<'_> {
    fn fire(&mut self, slot: u32) {
        let now_ms = self.now_ms();
        let Some(process) = self.process(slot) else {
            return;
        };
        let image = process.image;
        if image.timer != TimerKind::None && image.timer_at_ms <= now_ms {
            self.timer_over(slot);
            return;
        }
        let table = &self.engine.processes;
        let is_due = |it: &&Effect| {
            let due_ms = table.effect_due_ms(it);
            due_ms.is_some_and(|due_ms| due_ms <= now_ms)
        };
        let Some(effect) = process.effects.iter().find(is_due).cloned() else {
            self.alert_due(slot);
            return;
        };
        if effect.is_out() {
            self.probe_overdue(&effect);
        } else {
            self.effect_due(slot, &effect);
        }
    }

    /// A window's alert is due. One that cannot be started, because nobody is to be told any more or
    /// the order has too many effects, is dropped: the orders are in review all the same.
    fn alert_due(&mut self, slot: u32) {
        let Some(((_, reason), window)) = self.engine.processes.due_alert(slot, self.now_ms())
        else {
            return;
        };
        let reason = ReviewReason::from_u8(reason).unwrap_or(ReviewReason::None);
        if self.alert_about(slot, reason.name(), window.orders) {
            return;
        }
        if let Some(process) = self.process(slot) {
            let (state, image) = (process.state, process.image);
            let note = format!("{}: {} orders", reason.name(), window.orders);
            self.moved(slot, state, ProcessEvent::AlertDropped, image, &note);
        }
    }

    fn timer_over(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let (state, image) = (process.state, process.image);
        let trigger = match image.timer {
            TimerKind::Hold | TimerKind::Pin if image.flags & FACT != 0 => Trigger::HoldOverSold,
            TimerKind::Hold => hold_over(process),
            TimerKind::Pin => Trigger::PinOver,
            TimerKind::Review => {
                let held = self.engine.orders.get(slot).state.is_live_hold();
                if held && image.flags & (CANCELLING | FACT) == 0 {
                    Trigger::ReviewOverUnpaid
                } else {
                    Trigger::ReviewOver
                }
            }
            TimerKind::Ship => Trigger::ShipOver,
            TimerKind::Carrier => Trigger::CarrierOver,
            TimerKind::Return => Trigger::ReturnOver,
            TimerKind::Backorder => Trigger::BackorderOver,
            TimerKind::Undo | TimerKind::None => Trigger::UndoOver,
        };
        if !self.trigger(slot, trigger, image, "") {
            let image = ProcessImage {
                timer_at_ms: self.now_ms() + self.settings(&image).review_ms.max(1),
                ..image
            };
            self.moved(slot, state, ProcessEvent::TimerFired, image, "");
        }
    }

    /// The hold's own time is over while a payment is open: it keeps the units a little longer.
    pub fn pin_hold(&mut self, slot: u32, image: ProcessImage, event: ProcessEvent) {
        let image = ProcessImage {
            timer: TimerKind::Pin,
            timer_at_ms: self.now_ms() + self.settings(&image).pin_ms,
            ..Self::with_flags(image, PINNED)
        };
        self.moved(slot, OrderState::Payment, event, image, "");
    }
}

fn hold_over(process: &Process) -> Trigger {
    let image = &process.image;
    if image.flags & AUTHORISED != 0 || image.sub == SubState::AwaitingBuyer {
        return Trigger::HoldOverPayable;
    }
    let pays = |it: &Effect| it.is(EffectKind::PaymentAuthorise) && it.is_open();
    if process.state == OrderState::Payment && process.effects.iter().any(pays) {
        Trigger::HoldOverPaying
    } else {
        Trigger::HoldOver
    }
}
