//! Undoing: what was started is taken back, latest first, and the units stay held until all of it
//! is definite.
//!
//! ```text
//!  CANCELLING: warehouse recall ─▶ label cancelled ─▶ voided, refunded ─▶ own steps undone
//!              ─▶ units released, customer told ─▶ CANCELLED │ DECLINED │ EXPIRED
//! ```

use super::desk::Desk;
use super::effects::{Following, Said, Start, give_up};
use super::table::Trigger;
use super::{Effect, Process};
use crate::engine::Engine;
use crate::engine::record::process_flags::{AUTHORISED, CANCELLING, CAPTURED, DECLINING, EXPIRING};
use crate::engine::record::{ProcessImage, Record};
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone};
use crate::types::process::{ProcessEvent, ReviewReason, SubState, TimerKind};
use crate::types::{ActorId, OrderState};

/// How far one stage of undoing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Clear,
    Waits,
    Stuck,
}

/// What is undone after what: the kinds of one stage.
const STAGES: [EffectKind; 4] = [
    EffectKind::WarehouseOrder,
    EffectKind::Label,
    EffectKind::PaymentAuthorise,
    EffectKind::Webhook,
];

impl Desk<'_> {
    /// True while what the order started is taken back.
    pub fn is_undoing(&self, slot: u32) -> bool {
        self.process(slot).is_some_and(|process| {
            let state = matches!(process.state, OrderState::Cancelling | OrderState::Review);
            state && process.has_flag(CANCELLING)
        })
    }

    /// Ends the order: at once where nothing was started, else by way of CANCELLING.
    pub fn undo_for(
        &mut self,
        slot: u32,
        flags: u16,
        image: ProcessImage,
        event: ProcessEvent,
        note: &str,
    ) {
        let image = ProcessImage {
            sub: SubState::Undoing,
            review: ReviewReason::None,
            resume_to: None,
            timer: TimerKind::Undo,
            timer_at_ms: self.now_ms() + self.settings(&image).review_ms,
            ..Self::with_flags(image, CANCELLING | flags)
        };
        if self.has_to_undo(slot) {
            self.moved(slot, OrderState::Cancelling, event, image, note);
            self.give_up_forward(slot);
            self.undo(slot);
        } else {
            self.give_up_forward(slot);
            self.end(slot, image, event, note);
        }
    }

    fn has_to_undo(&self, slot: u32) -> bool {
        let Some(process) = self.process(slot) else {
            return false;
        };
        let undoing = |it: &Effect| it.kind.is_compensation() && (it.is_open() || it.is_dead());
        process.image.captured > process.image.refunded
            || process.effects.iter().any(|it| {
                undoing(it) || it.kind.undone_by().is_some() && self.is_to_undo(process, it)
            })
    }

    /// The effect left something, or may have, that is to be taken back.
    fn is_to_undo(&self, process: &Process, effect: &Effect) -> bool {
        if !effect.leaves_something() {
            return false;
        }
        match effect.kind {
            EffectKind::Webhook => {
                let pinned = self.set_of(&process.image);
                let pipeline = pinned.and_then(|it| it.pipeline(process.image.pipeline));
                let step = pipeline.and_then(|it| it.steps.get(usize::from(effect.step)));
                step.is_some_and(|step| step.compensated)
            }
            // Captured money goes back by a refund.
            EffectKind::PaymentAuthorise => {
                !(process.has_flag(CAPTURED) && effect.next == Some(EffectNext::Done))
            }
            _ => true,
        }
    }

    /// Nothing goes forward any more: waiting attempts are dropped, those that are out are given
    /// up. A capture goes on until it is known what became of it.
    pub fn give_up_forward(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let forward = |it: &&Effect| {
            let kind = it.kind;
            let kept = kind == EffectKind::PaymentCapture;
            it.is_open() && !kind.is_ancillary() && !kind.is_compensation() && !kept
        };
        let open: Vec<Effect> = process.effects.iter().filter(forward).cloned().collect();
        for effect in open {
            let waits_only = effect.next == Some(EffectNext::RetryWait);
            let class = if waits_only {
                EffectClass::Retry
            } else {
                EffectClass::Unknown
            };
            let asks = matches!(
                effect.kind,
                EffectKind::FraudScore | EffectKind::PaymentQuery
            );
            let next = if asks {
                EffectNext::Failed
            } else {
                give_up(&effect, class)
            };
            let said = Said::ours(class, "");
            self.ended(slot, &effect, &said, Following::over(next));
        }
    }

    /// Goes on undoing, stage by stage.
    pub fn undo(&mut self, slot: u32) {
        for kind in STAGES {
            let stage = if kind == EffectKind::PaymentAuthorise {
                self.undo_money(slot)
            } else {
                self.undo_kind(slot, kind)
            };
            match stage {
                Stage::Clear => {}
                Stage::Waits => return,
                Stage::Stuck => {
                    if let Some(image) = self.image(slot) {
                        let note = "an effect could not be undone";
                        self.trigger(slot, Trigger::CompensationDead, image, note);
                    }
                    return;
                }
            }
        }
        if let Some(image) = self.image(slot) {
            self.trigger(slot, Trigger::Compensated, image, "");
        }
    }

    fn undo_kind(&mut self, slot: u32, kind: EffectKind) -> Stage {
        let Some(process) = self.process(slot) else {
            return Stage::Clear;
        };
        let mut stage = Stage::Clear;
        let mut to_start = Vec::new();
        let mut note = |said: Stage| {
            if said == Stage::Waits || stage == Stage::Clear {
                stage = said;
            }
        };
        for effect in process.effects.iter().filter(|it| it.is(kind)) {
            if !self.is_to_undo(process, effect) {
                continue;
            }
            let undoes =
                |it: &&Effect| Some(it.kind) == kind.undone_by() && it.target == effect.number;
            let mut undoing = process.effects.iter().filter(undoes);
            if undoing.clone().any(Effect::is_open) {
                note(Stage::Waits);
            } else if undoing.any(Effect::is_dead) {
                note(Stage::Stuck);
            } else {
                note(Stage::Waits);
                to_start.push(effect.number);
            }
        }
        for number in to_start {
            self.start_undo(slot, number);
        }
        stage
    }

    fn undo_money(&mut self, slot: u32) -> Stage {
        let Some(process) = self.process(slot) else {
            return Stage::Clear;
        };
        let image = process.image;
        let captures = |it: &Effect| it.is(EffectKind::PaymentCapture) && it.is_open();
        if process.effects.iter().any(captures) {
            return Stage::Waits;
        }
        let left = image.captured.saturating_sub(image.refunded);
        // A refund that a person gave up stays given up; one of a part leaves the rest.
        let given_up = |it: &Effect| it.undone == Some(EffectClass::Refused);
        if left == 0 || taken_by(process).is_none_or(given_up) {
            return self.undo_kind(slot, EffectKind::PaymentAuthorise);
        }
        let mut refunds = process
            .effects
            .iter()
            .filter(|it| it.is(EffectKind::PaymentRefund));
        if refunds.clone().any(Effect::is_open) {
            return Stage::Waits;
        }
        if refunds.any(Effect::is_dead) {
            return Stage::Stuck;
        }
        self.refund(slot, left);
        Stage::Waits
    }

    /// Gives captured money back.
    pub fn refund(&mut self, slot: u32, amount: u64) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let Some(capture) = taken_by(process).cloned() else {
            return;
        };
        let reference = if capture.reference.is_empty() {
            &capture.input
        } else {
            &capture.reference
        };
        self.start(
            slot,
            &Start {
                target: Some((capture.number, capture.kind)),
                amount,
                reference,
                ..Start::new(EffectKind::PaymentRefund, capture.provider)
            },
        );
    }

    /// Starts what undoes an effect.
    pub fn start_undo(&mut self, slot: u32, number: u16) {
        let effect = self.process(slot).and_then(|it| it.effect(number)).cloned();
        let Some(effect) = effect else { return };
        let Some(kind) = effect.kind.undone_by() else {
            return;
        };
        self.start(
            slot,
            &Start {
                step: effect.step,
                target: Some((number, effect.kind)),
                amount: effect.amount,
                reference: &effect.reference,
                note: &effect.note,
                ..Start::new(kind, effect.provider)
            },
        );
    }

    /// What follows from the answer to an undoing call.
    pub fn undo_said(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        let target = self.process(slot).and_then(|it| it.effect(effect.target));
        let happened = target.is_some_and(|it| it.class == Some(EffectClass::Done));
        let money = effect.is(EffectKind::PaymentVoid);
        let uncertain = target.filter(|it| it.uncertain && !said.withdrew);
        let definite_ms = uncertain.and_then(|it| self.absence_settles(slot, effect, said, it));
        let following = match said.class {
            EffectClass::Done => Following::over(EffectNext::Done),
            // What may still be on its way is not absent: it is asked about again.
            EffectClass::Absent if definite_ms.is_some() => {
                let again = self.retry_or(slot, effect, said, EffectNext::Dead);
                let due_ms = again.due_ms.max(definite_ms.unwrap_or(0));
                Following { due_ms, ..again }
            }
            // What is known to have happened cannot be absent: the provider does not see it yet.
            EffectClass::Absent if !(money && happened) => Following::over(EffectNext::Done),
            EffectClass::Declined | EffectClass::Refused => Following::over(EffectNext::Dead),
            _ => self.retry_or(slot, effect, said, EffectNext::Dead),
        };
        self.ended(slot, effect, said, following);
        if following.next == EffectNext::Done && effect.is(EffectKind::PaymentRefund) {
            self.refunded(slot, effect);
        }
        if self.is_undoing(slot) {
            if following.next != EffectNext::RetryWait {
                self.undo(slot);
            }
        } else if following.next == EffectNext::Dead
            && let Some(image) = self.image(slot)
        {
            self.trigger(slot, Trigger::CompensationDead, image, said.message);
        } else if following.next == EffectNext::Done {
            match effect.kind {
                EffectKind::WarehouseRecall => self.fulfil_again(slot),
                EffectKind::PaymentVoid => self.pay_again(slot),
                _ => {}
            }
        }
        self.complete_if_over(slot);
    }

    fn refunded(&mut self, slot: u32, effect: &Effect) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let (state, image) = (process.state, process.image);
        let refunded = image
            .refunded
            .saturating_add(effect.amount)
            .min(image.captured);
        let image = ProcessImage { refunded, ..image };
        self.moved(slot, state, ProcessEvent::PaymentRefunded, image, "");
        self.tell_amount(slot, Milestone::Refunded, effect.amount);
    }

    /// Money was given back at the processor itself, not through a command here: it is booked up to
    /// what was captured, and the team is told where it was more.
    pub fn refunded_elsewhere(&mut self, slot: u32, amount: u64, note: &str) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let (state, image) = (process.state, process.image);
        let booked = amount.min(image.captured.saturating_sub(image.refunded));
        let image = ProcessImage {
            refunded: image.refunded + booked,
            ..image
        };
        self.moved(slot, state, ProcessEvent::PaymentRefunded, image, note);
        if booked > 0 {
            self.tell_amount(slot, Milestone::Refunded, booked);
        }
        if booked < amount {
            self.alert_about(slot, "refunded_more_than_captured", 1);
        }
        if self.is_undoing(slot) {
            self.undo(slot);
        }
    }

    /// Everything is definite: the units go back, the customer is told, the order is over.
    pub fn end(&mut self, slot: u32, image: ProcessImage, event: ProcessEvent, note: &str) {
        let held = self.engine.orders.get(slot).state;
        let expires = image.flags & EXPIRING != 0 && held.is_live_hold();
        let order = self.reference(slot);
        if expires {
            self.engine.expire_managed(slot, self.actor, self.out);
        } else if held.is_live_hold() || held == OrderState::Backordered {
            let record = Record::OrderReleased { order };
            self.engine.commit(&record, self.actor, self.out);
        } else if held == OrderState::Confirmed {
            let record = Record::OrderCancelled { order };
            self.engine.commit(&record, self.actor, self.out);
        }
        let (to, milestone) = if expires {
            (OrderState::Expired, Milestone::Expired)
        } else if image.flags & DECLINING != 0 {
            (OrderState::Declined, Milestone::Declined)
        } else {
            (OrderState::Cancelled, Milestone::Cancelled)
        };
        self.tell(slot, milestone);
        self.correct_crm(slot);
        let image = ProcessImage {
            sub: SubState::None,
            review: ReviewReason::None,
            resume_to: None,
            timer: TimerKind::None,
            timer_at_ms: 0,
            flags: image.flags & !AUTHORISED,
            authorised: image.captured,
            ..image
        };
        self.moved(slot, to, event, image, note);
    }
}

/// The effect that took the money: a capture, or an authorisation that took it at once.
fn taken_by(process: &Process) -> Option<&Effect> {
    let done = |kind: EffectKind| {
        let mut effects = process.effects.iter();
        effects.find(|it| it.is(kind) && it.next == Some(EffectNext::Done))
    };
    let at_once = || {
        let captured = process.has_flag(CAPTURED);
        captured.then(|| done(EffectKind::PaymentAuthorise))?
    };
    done(EffectKind::PaymentCapture).or_else(at_once)
}

impl Engine {
    /// Ends the hold of an order in process, by decision of its process.
    fn expire_managed(
        &mut self,
        slot: u32,
        actor: ActorId,
        out: &mut crate::types::record::RecordBuffer,
    ) {
        let (tenant, order) = self.client_key(slot);
        let (sequence, _) = Record::OrderExpired { tenant, order }.push(out, actor);
        if let Err(contradiction) = self.apply_expired(slot) {
            panic!("an expiry cannot be applied (sequence {sequence}): {contradiction}");
        }
    }
}
