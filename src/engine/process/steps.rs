//! Along the pipeline: which one, which step next, and what each step begins with.

use super::PinnedSet;
use super::desk::Desk;
use super::effects::Start;
use super::table::Trigger;
use crate::engine::record::process_flags::{CONFIRMED, RISK_APPROVED};
use crate::engine::record::{Lines, OrderRef, ProcessImage, Record};
use crate::types::effect::{EffectKind, Milestone, ProviderId};
use crate::types::pipeline::{CaptureOn, Condition, Step, StepKind};
use crate::types::process::{ProcessEvent, ReviewReason, SubState, TimerKind};
use crate::types::{CommandKey, OrderState};

/// Score of an order that has none.
pub(super) const NO_SCORE: u8 = u8::MAX;

impl Desk<'_> {
    /// The first step of the image's pipeline, and the state that an order has in it; an order
    /// that is confirmed first is in FRAUD_CHECK up to then.
    pub fn first_step(&self, slot: u32, image: &mut ProcessImage) -> (usize, OrderState) {
        let (step, kind) = self.next_step(slot, image, 0);
        let state = match kind {
            Some(StepKind::Payment) => OrderState::Payment,
            Some(StepKind::Webhook) if !self.is_to_confirm(slot, image, 0) => OrderState::Webhook,
            _ => OrderState::FraudCheck,
        };
        image.step = place(step);
        (step, state)
    }

    /// From `from` on: the next step that applies to the order, if there is one.
    pub fn next_step(
        &self,
        slot: u32,
        image: &ProcessImage,
        from: usize,
    ) -> (usize, Option<StepKind>) {
        let Some(pinned) = self.set_of(image) else {
            return (from, None);
        };
        let Some(pipeline) = pinned.pipeline(image.pipeline) else {
            return (from, None);
        };
        let channel = self.engine.orders.get(slot).channel.0;
        let steps = pipeline.steps.iter().enumerate().skip(from);
        let applies = |step: &Step| {
            let skipped = step.kind == StepKind::Payment && !pipeline.payment.is_ours();
            !skipped && holds(&step.when, image, channel)
        };
        let mut found = steps.filter(|(_, step)| applies(step));
        match found.next() {
            Some((at, step)) => (at, Some(step.kind)),
            None => (pipeline.steps.len(), None),
        }
    }

    /// No step that could still refuse the order for risk or payment is left from `from` on.
    fn is_to_confirm(&self, slot: u32, image: &ProcessImage, from: usize) -> bool {
        let mut from = from;
        loop {
            match self.next_step(slot, image, from) {
                (_, Some(StepKind::Fraud | StepKind::Payment)) => return false,
                (at, Some(_)) => from = at + 1,
                (_, None) => return true,
            }
        }
    }

    /// Goes on to the next step at or behind `from`, confirming the order where it is time.
    pub fn advance(
        &mut self,
        slot: u32,
        (from, image): (usize, ProcessImage),
        event: ProcessEvent,
        note: &str,
    ) {
        let (step, kind) = self.next_step(slot, &image, from);
        let mut image = ProcessImage {
            sub: SubState::None,
            review: ReviewReason::None,
            resume_to: None,
            ..image
        };
        let confirms = image.flags & CONFIRMED == 0 && self.is_to_confirm(slot, &image, from);
        if confirms {
            self.commit_units(slot);
            image.flags |= CONFIRMED;
        }
        if confirms || image.timer == TimerKind::Review {
            self.set_step_timer(slot, &mut image);
        }
        let to = match kind {
            Some(StepKind::Fraud) => OrderState::FraudCheck,
            Some(StepKind::Payment) => OrderState::Payment,
            Some(StepKind::Webhook) => OrderState::Webhook,
            None if self.was_fulfilled(&image) => OrderState::Fulfilling,
            Some(StepKind::Fulfilment) | None => OrderState::Confirmed,
        };
        image.step = place(step);
        self.moved(slot, to, event, image, note);
        if confirms {
            self.confirmed(slot);
        }
        self.run_step(slot, step);
    }

    /// The timer of a step: the rest of the hold, or the time within which it should ship.
    pub fn set_step_timer(&self, slot: u32, image: &mut ProcessImage) {
        let now_ms = self.now_ms();
        if image.flags & CONFIRMED == 0 {
            // Decided by a person: the buyer has the time of a hold from now on.
            image.timer = TimerKind::Hold;
            let hold_ms = self.engine.orders.get(slot).time_ms();
            let pin_ms = self.settings(image).pin_ms;
            image.timer_at_ms = hold_ms.max(now_ms + pin_ms);
        } else {
            image.timer = TimerKind::Ship;
            image.timer_at_ms = now_ms + self.settings(image).ship_ms;
        }
    }

    fn was_fulfilled(&self, image: &ProcessImage) -> bool {
        let pipeline = self
            .set_of(image)
            .and_then(|pinned| pinned.pipeline(image.pipeline));
        pipeline.is_some_and(|pipeline| {
            let fulfils = |step: &Step| step.kind == StepKind::Fulfilment;
            pipeline.steps.iter().any(fulfils)
        })
    }

    /// Reserved units become committed.
    fn commit_units(&mut self, slot: u32) {
        let order = self.reference(slot);
        let record = Record::OrderConfirmed {
            order,
            lines: Lines::default(),
        };
        self.engine.commit(&record, self.actor, self.out);
    }

    /// The order in a record of the process: no command's result is kept for it.
    pub fn reference(&self, slot: u32) -> OrderRef {
        let (tenant, order) = self.engine.client_key(slot);
        OrderRef {
            order,
            key: CommandKey(0),
            fingerprint: 0,
            tenant,
        }
    }

    /// What starts beside the way of an order once it is confirmed.
    pub fn confirmed(&mut self, slot: u32) {
        let Some(image) = self.image(slot) else {
            return;
        };
        if self.settings(&image).capture_on == CaptureOn::Confirm {
            self.capture(slot);
        }
        self.update_crm(slot, EffectKind::CrmUpdate);
        self.tell(slot, Milestone::Confirmed);
    }

    /// Starts what the step at `step` does; behind the last one nothing is left to start.
    pub fn run_step(&mut self, slot: u32, step: usize) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let Some(pinned) = self.set_of(&image) else {
            return;
        };
        let pipeline = pinned.pipeline(image.pipeline);
        let Some(found) = pipeline.and_then(|it| it.steps.get(step)).cloned() else {
            let unconfirmed = image.flags & CONFIRMED == 0;
            if unconfirmed {
                self.advance(slot, (step, image), ProcessEvent::Confirmed, "");
            }
            return;
        };
        let providers = providers_of(pinned, &found.providers);
        let unconfirmed = image.flags & CONFIRMED == 0;
        if unconfirmed && self.is_to_confirm(slot, &image, step) {
            self.advance(slot, (step, image), ProcessEvent::Confirmed, "");
            return;
        }
        if self.is_asked(slot, found.kind, image.step) {
            return;
        }
        if found.kind == StepKind::Payment && self.may_be_paid(slot) {
            return; // until that is undone
        }
        match found.kind {
            StepKind::Fraud if image.flags & RISK_APPROVED != 0 => {
                self.trigger(slot, Trigger::RiskPassed, image, "");
            }
            StepKind::Fraud => self.score(slot, &providers, &found.name),
            StepKind::Payment => self.authorise_first(slot, &providers),
            StepKind::Webhook => {
                let provider = providers.first().copied();
                let Some(provider) = provider else {
                    self.trigger(slot, Trigger::StepFailed, image, "no provider is set");
                    return;
                };
                self.start(
                    slot,
                    &Start {
                        step: image.step,
                        note: &found.name,
                        amount: image.total,
                        ..Start::new(EffectKind::Webhook, provider)
                    },
                );
            }
            StepKind::Fulfilment => self.fulfil(slot),
        }
    }

    /// A call of this step is out already, or waits for its next attempt: the order had only left
    /// the step for a review.
    fn is_asked(&self, slot: u32, kind: StepKind, step: u8) -> bool {
        let asks = match kind {
            StepKind::Fraud => EffectKind::FraudScore,
            StepKind::Payment => EffectKind::PaymentAuthorise,
            StepKind::Webhook => EffectKind::Webhook,
            StepKind::Fulfilment => return false, // it looks for itself
        };
        self.process(slot).is_some_and(|process| {
            let mut effects = process.effects.iter();
            effects.any(|it| it.is(asks) && it.step == step && it.is_open())
        })
    }

    fn score(&mut self, slot: u32, providers: &[ProviderId], name: &str) {
        let Some(image) = self.image(slot) else {
            return;
        };
        match self.choose(slot, providers, None) {
            Some(provider) => {
                self.start(
                    slot,
                    &Start {
                        step: image.step,
                        note: name,
                        amount: image.total,
                        ..Start::new(EffectKind::FraudScore, provider)
                    },
                );
            }
            None => self.risk_unknown(slot, "no fraud provider takes calls"),
        }
    }

    /// The policy for an order without a score.
    pub fn risk_unknown(&mut self, slot: u32, note: &str) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let small = image.total < self.settings(&image).fail_open_below;
        let trigger = if small {
            Trigger::RiskUnknownSmall
        } else {
            Trigger::RiskUnknownLarge
        };
        self.trigger(slot, trigger, image, note);
    }

    /// Decides by the score.
    pub fn risk_known(&mut self, slot: u32, score: u8, note: &str) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let settings = self.settings(&image);
        let trigger = if score > settings.decline_above_score {
            Trigger::RiskRefused
        } else if score > settings.review_from_score {
            Trigger::RiskDoubtful
        } else {
            Trigger::RiskPassed
        };
        self.trigger(slot, trigger, ProcessImage { score, ..image }, note);
    }
}

/// Numbers of the providers at these places.
pub(super) fn providers_of(pinned: &PinnedSet, places: &[u8]) -> Vec<ProviderId> {
    places.iter().map(|at| pinned.provider(*at)).collect()
}

pub(super) fn place(step: usize) -> u8 {
    u8::try_from(step).unwrap_or(u8::MAX)
}

pub(super) fn holds(condition: &Condition, image: &ProcessImage, channel: u16) -> bool {
    let country = image.country.to_le_bytes();
    let score = if image.score == NO_SCORE {
        (condition.score_min, condition.score_max) == (0, 100)
    } else {
        (condition.score_min..=condition.score_max).contains(&image.score)
    };
    let any_of = |list: &[[u8; 2]]| list.contains(&country);
    score
        && (condition.amount_min..=condition.amount_max).contains(&image.total)
        && (condition.countries.is_empty() || any_of(&condition.countries))
        && !any_of(&condition.countries_except)
        && (condition.channels.is_empty() || condition.channels.contains(&channel))
        && image.tags & condition.tags == condition.tags
}
