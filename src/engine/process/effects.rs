//! Effects: starting a call, and what follows when an attempt of it ended.

use super::Effect;
use super::command::EffectResult;
use super::desk::{Desk, cut};
use crate::engine::command::CommandOutcome;
use crate::engine::define::answer;
use crate::engine::record::process_flags::{CANCELLING, TENANT_KEYS};
use crate::engine::record::{EffectEnded, EffectStarted, ProcessImage, ProcessRecord};
use crate::limits;
use crate::types::effect::{
    EffectClass, EffectKind, EffectNext, Milestone, ProviderId, target_byte,
};
use crate::types::process::ReviewReason;
use crate::types::{ResultCode, TenantId};

/// Effects that belong to no step.
const NO_STEP: u8 = u8::MAX;

/// An effect to start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    pub kind: EffectKind,
    pub provider: ProviderId,
    pub step: u8,
    pub milestone: Option<Milestone>,
    /// Number and kind of the effect that it asks about or undoes.
    pub target: Option<(u16, EffectKind)>,
    pub amount: u64,
    pub reference: &'a str,
    pub note: &'a str,
}

impl Start<'_> {
    pub fn new(kind: EffectKind, provider: ProviderId) -> Self {
        Self {
            kind,
            provider,
            step: NO_STEP,
            milestone: None,
            target: None,
            amount: 0,
            reference: "",
            note: "",
        }
    }
}

/// What an attempt that ended is followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Following {
    pub next: EffectNext,
    pub due_ms: u64,
}

impl Following {
    pub const fn over(next: EffectNext) -> Self {
        Self { next, due_ms: 0 }
    }
}

/// What an attempt said, or what the process says for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub class: EffectClass,
    pub counted: bool,
    pub retry_after_ms: u64,
    pub latency_ms: u32,
    pub status: u16,
    pub amount: u64,
    pub currency: u16,
    pub score: u8,
    pub reference: &'a str,
    pub code: &'a str,
    pub message: &'a str,
    pub withdrew: bool,
}

impl<'a> Said<'a> {
    /// The process itself ends the attempt.
    pub fn ours(class: EffectClass, message: &'a str) -> Self {
        Self {
            class,
            counted: false,
            retry_after_ms: 0,
            latency_ms: 0,
            status: 0,
            amount: 0,
            currency: 0,
            score: super::steps::NO_SCORE,
            reference: "",
            code: "",
            message,
            withdrew: false,
        }
    }

    fn of(result: &EffectResult<'a>) -> Self {
        Self {
            class: result.class,
            counted: result.counted,
            retry_after_ms: result.retry_after_ms,
            latency_ms: result.latency_ms,
            status: result.status,
            amount: result.amount,
            currency: result.currency,
            score: result.score,
            reference: cut(result.reference, limits::REFERENCE_BYTES_MAX),
            code: cut(result.code, limits::PROVIDER_CODE_BYTES_MAX),
            message: cut(result.message, limits::PROVIDER_MESSAGE_BYTES_MAX),
            withdrew: result.withdrew,
        }
    }
}

impl Desk<'_> {
    /// The result of an attempt, from its adapter. One of an attempt that is over already changes
    /// nothing, but for money that a given-up attempt took after all.
    pub fn take_result(&mut self, tenant: TenantId, result: &EffectResult<'_>) -> CommandOutcome {
        let probe = self.engine.probe(tenant, result.order);
        let Some(slot) = self.engine.find_order(&probe).order else {
            return answer(ResultCode::UnknownOrder);
        };
        let late = CommandOutcome {
            replayed: true,
            ..answer(ResultCode::Ok)
        };
        let effect = self.process(slot).and_then(|it| it.effect(result.number));
        let Some(effect) = effect.filter(|it| it.attempt == result.attempt).cloned() else {
            return late;
        };
        let said = Said::of(result);
        if !effect.is_out() {
            let paid = effect.is(EffectKind::PaymentAuthorise)
                && effect.next == Some(EffectNext::Abandoned)
                && said.class == EffectClass::Done
                && effect.class != Some(EffectClass::Done);
            if !paid {
                return late;
            }
            self.abandoned_paid(slot, &effect, &said);
            return answer(ResultCode::Ok);
        }
        if result.attempt == 0 {
            return late;
        }
        self.effect_said(slot, &effect, &said);
        self.settle_breaker(effect.provider);
        self.take_parked_of(slot);
        answer(ResultCode::Ok)
    }

    /// What follows from the answer to the attempt that is out.
    fn effect_said(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        match effect.kind {
            EffectKind::FraudScore => self.score_said(slot, effect, said),
            EffectKind::PaymentAuthorise => self.authorise_said(slot, effect, said, true),
            EffectKind::PaymentQuery => self.query_said(slot, effect, said),
            EffectKind::PaymentCapture => self.capture_said(slot, effect, said),
            EffectKind::Label | EffectKind::WarehouseOrder => {
                self.fulfilment_said(slot, effect, said);
            }
            EffectKind::Webhook => self.webhook_said(slot, effect, said),
            kind if kind.is_compensation() => self.undo_said(slot, effect, said),
            _ => self.ancillary_said(slot, effect, said),
        }
        // Whatever it was, it may have been the last thing that a delivered order waited for.
        self.complete_if_over(slot);
    }

    /// A score, from its own call or a report.
    pub fn score_said(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        let running = self.runs(slot, effect);
        match said.class {
            EffectClass::Pending => {
                self.ended(slot, effect, said, Following::over(EffectNext::Waiting));
            }
            EffectClass::Done | EffectClass::Declined => {
                self.ended(slot, effect, said, Following::over(EffectNext::Done));
                if !running {
                    return;
                }
                let refused = said.class == EffectClass::Declined;
                match said.score {
                    score if score <= 100 && !refused => {
                        self.risk_known(slot, score, said.message);
                    }
                    score if refused => self.risk_known(slot, score.min(100), said.message),
                    _ => self.risk_unknown(slot, "the provider answered without a score"),
                }
            }
            _ => {
                self.ended(slot, effect, said, Following::over(EffectNext::Failed));
                if running {
                    self.risk_unknown(slot, said.message);
                }
            }
        }
    }

    fn webhook_said(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        let running = self.runs(slot, effect);
        let following = match said.class {
            EffectClass::Done => Following::over(EffectNext::Done),
            EffectClass::Declined | EffectClass::Refused => Following::over(EffectNext::Failed),
            _ => self.retry_or(slot, effect, said, give_up(effect, said.class)),
        };
        self.ended(slot, effect, said, following);
        let Some(image) = self.image(slot).filter(|_| running) else {
            return;
        };
        match following.next {
            EffectNext::Done => {
                self.trigger(slot, super::table::Trigger::StepDone, image, said.message);
            }
            EffectNext::RetryWait => {}
            _ => {
                self.trigger(slot, super::table::Trigger::StepFailed, image, said.message);
            }
        }
    }

    fn ancillary_said(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        let dead = Following::over(EffectNext::Dead);
        let following = match said.class {
            EffectClass::Done | EffectClass::Absent | EffectClass::Pending => {
                Following::over(EffectNext::Done)
            }
            EffectClass::Declined | EffectClass::Refused | EffectClass::ActionRequired => dead,
            EffectClass::Retry | EffectClass::Unknown => {
                self.retry_or(slot, effect, said, EffectNext::Dead)
            }
        };
        self.ended(slot, effect, said, following);
        if following.next == EffectNext::Dead && effect.is(EffectKind::Alert) {
            self.alert_backup(slot, effect);
        }
        self.complete_if_over(slot);
    }

    /// The effect belongs to the step that the order is in, so its answer moves the order.
    pub fn runs(&self, slot: u32, effect: &Effect) -> bool {
        self.process(slot).is_some_and(|process| {
            // A one-step payment of unknown outcome waits in review for that.
            if effect.is(EffectKind::PaymentAuthorise)
                && process.state == crate::types::OrderState::Review
            {
                return process.image.review == ReviewReason::Payment
                    && !process.has_flag(CANCELLING)
                    && effect.step == process.image.step
                    && self.is_one_step(&process.image);
            }
            let state = match effect.kind {
                EffectKind::FraudScore => crate::types::OrderState::FraudCheck,
                EffectKind::PaymentAuthorise => crate::types::OrderState::Payment,
                EffectKind::Webhook => crate::types::OrderState::Webhook,
                _ => crate::types::OrderState::Confirmed,
            };
            process.state == state && effect.step == process.image.step
        })
    }

    /// Journals that an attempt ended.
    pub fn ended(&mut self, slot: u32, effect: &Effect, said: &Said<'_>, following: Following) {
        let (tenant, order) = self.engine.client_key(slot);
        self.emit(ProcessRecord::Ended(EffectEnded {
            order,
            tenant,
            number: effect.number,
            kind: effect.kind,
            provider: effect.provider,
            attempt: effect.attempt,
            class: said.class,
            next: following.next,
            counted: said.counted,
            due_ms: following.due_ms,
            latency_ms: said.latency_ms,
            status: said.status,
            amount: said.amount,
            currency: said.currency,
            score: said.score,
            reference: said.reference,
            code: said.code,
            message: said.message,
        }));
    }

    /// Starts an effect: its call leaves, or waits where the provider's breaker lets none out.
    /// Returns its number; `None` where the order has too many.
    pub fn start(&mut self, slot: u32, start: &Start<'_>) -> Option<u16> {
        let process = self.process(slot)?;
        let number = process.image.effects.checked_add(1)?;
        let room = match start.kind {
            EffectKind::Alert => limits::EFFECTS_PER_ORDER_MAX + limits::ALERTS_PER_ORDER_BEYOND,
            _ => limits::EFFECTS_PER_ORDER_MAX,
        };
        if process.effects.len() >= room && start.kind.is_ancillary() {
            return None;
        }
        let (order, tenant, accepted) = (process.key, process.tenant, process.accepted);
        let marked = process.has_flag(TENANT_KEYS);
        let waits_until_ms = self.open_door(start.provider);
        self.emit(ProcessRecord::Started(EffectStarted {
            order,
            tenant,
            accepted,
            number,
            kind: start.kind,
            provider: start.provider,
            attempt: u8::from(waits_until_ms.is_none()),
            step: start.step,
            milestone: start.milestone,
            target: start.target.map_or(0, |(number, _)| number),
            target_kind: target_byte(start.target.map(|(_, kind)| kind), marked),
            amount: start.amount,
            reference: cut(start.reference, limits::REFERENCE_BYTES_MAX),
            note: cut(start.note, limits::NAME_BYTES_MAX),
        }));
        if let Some(due_ms) = waits_until_ms {
            let effect = self.process(slot)?.effect(number)?.clone();
            self.wait(slot, &effect, due_ms);
        }
        Some(number)
    }

    /// The next attempt of an effect, whose provider takes calls.
    pub fn start_again(&mut self, slot: u32, effect: &Effect) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let (order, tenant, accepted) = (process.key, process.tenant, process.accepted);
        let Some(attempt) = effect.attempt.checked_add(1) else {
            return;
        };
        self.emit(ProcessRecord::Started(EffectStarted {
            order,
            tenant,
            accepted,
            number: effect.number,
            kind: effect.kind,
            provider: effect.provider,
            attempt,
            step: effect.step,
            milestone: effect.milestone,
            target: effect.target,
            target_kind: effect.target_kind,
            amount: effect.amount,
            reference: &effect.input,
            note: &effect.note,
        }));
    }

    /// An effect's time has come: its next attempt leaves, or another provider takes over.
    pub fn effect_due(&mut self, slot: u32, effect: &Effect) {
        if effect.next == Some(EffectNext::Waiting) {
            self.ask(slot, effect);
            return;
        }
        let Some(due_ms) = self.open_door(effect.provider) else {
            self.start_again(slot, effect);
            return;
        };
        let backed_up = match effect.kind {
            EffectKind::PaymentAuthorise => self.runs(slot, effect),
            EffectKind::Label | EffectKind::WarehouseOrder => {
                self.runs(slot, effect) && self.fulfilment_backup(slot, effect).is_some()
            }
            _ => false,
        };
        if backed_up {
            let said = Said::ours(EffectClass::Retry, "the provider's breaker is open");
            let next = give_up(effect, EffectClass::Retry);
            self.ended(slot, effect, &said, Following::over(next));
            if effect.is(EffectKind::PaymentAuthorise) {
                self.fail_over(slot, effect, said.message);
            } else {
                self.fulfil_elsewhere(slot, effect, said.message);
            }
            return;
        }
        let waited_long = self
            .image(slot)
            .is_none_or(|image| effect.waits >= self.settings(&image).compensation_attempts);
        if effect.kind.is_ancillary() && waited_long {
            let said = Said::ours(
                EffectClass::Retry,
                "the provider took no calls for too long",
            );
            self.ended(slot, effect, &said, Following::over(EffectNext::Dead));
            self.complete_if_over(slot);
            return;
        }
        self.wait(slot, effect, due_ms);
    }

    /// An image whose flags have these bits too.
    pub fn with_flags(image: ProcessImage, flags: u16) -> ProcessImage {
        ProcessImage {
            flags: image.flags | flags,
            ..image
        }
    }
}

/// How an effect ends that is not tried again: over, or superseded where it may have happened.
pub(super) fn give_up(effect: &Effect, class: EffectClass) -> EffectNext {
    let uncertain = match class {
        EffectClass::Unknown | EffectClass::Pending | EffectClass::ActionRequired => true,
        EffectClass::Done | EffectClass::Declined | EffectClass::Absent => false,
        EffectClass::Retry | EffectClass::Refused => effect.uncertain,
    };
    if uncertain {
        EffectNext::Abandoned
    } else {
        EffectNext::Failed
    }
}
