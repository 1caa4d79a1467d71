//! Captures: the authorised money is taken, once.

use super::Effect;
use super::desk::Desk;
use super::effects::{Following, Said, Start};
use super::table::Trigger;
use crate::engine::record::ProcessImage;
use crate::engine::record::process_flags::{AUTHORISED, CAPTURED};
use crate::types::OrderState;
use crate::types::effect::{EffectClass, EffectKind, EffectNext};
use crate::types::pipeline::CaptureOn;
use crate::types::process::{ProcessEvent, ReviewReason};

impl Desk<'_> {
    /// What a one-step payment authorised is captured with it, all of it: also what the provider took
    /// beyond the total is there to be given back.
    pub fn taken_at_once(&mut self, slot: u32, image: ProcessImage) -> ProcessImage {
        let state = self.process(slot).map(|process| process.state);
        let Some(state) = state.filter(|_| self.is_one_step(&image)) else {
            return image;
        };
        let image = ProcessImage {
            captured: image.authorised,
            flags: image.flags | CAPTURED,
            ..image
        };
        // An ended order comes back with its money in one record.
        if !state.is_terminal() {
            let event = ProcessEvent::PaymentCaptured;
            self.moved(slot, state, event, image, "");
        }
        image
    }

    /// Captures the authorised money, once.
    pub fn capture(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let mut effects = process.effects.iter();
        let captured =
            process.has_flag(CAPTURED) || effects.any(|it| it.is(EffectKind::PaymentCapture));
        let winner = process.effects.iter().find(|it| {
            it.is(EffectKind::PaymentAuthorise)
                && it.next == Some(EffectNext::Done)
                && it.undone.is_none()
                && !process.is_being_undone(it.number)
        });
        let image = process.image;
        let Some(winner) = winner.filter(|_| !captured).cloned() else {
            return;
        };
        if image.flags & (AUTHORISED | CAPTURED) != AUTHORISED {
            return;
        }
        self.start(
            slot,
            &Start {
                target: Some((winner.number, winner.kind)),
                amount: image.total.min(image.authorised),
                reference: &winner.reference,
                ..Start::new(EffectKind::PaymentCapture, winner.provider)
            },
        );
    }

    /// Captures at shipment, where the settings say so.
    pub fn capture_on_ship(&mut self, slot: u32) {
        let image = self.image(slot);
        if image.is_some_and(|it| self.settings(&it).capture_on == CaptureOn::Ship) {
            self.capture(slot);
        }
    }

    /// The processor reports a capture whose answer was lost: the money is there, so an order that
    /// was in review for it goes on.
    pub fn captured_after_all(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        self.capture_said(slot, effect, said);
        let Some(process) = self.process(slot) else {
            return;
        };
        let image = process.image;
        if process.state == OrderState::Review && image.review == ReviewReason::Capture {
            self.trigger(slot, Trigger::Approved, image, said.message);
        }
    }

    pub fn capture_said(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        let dead = EffectNext::Dead;
        let following = match said.class {
            EffectClass::Done => Following::over(EffectNext::Done),
            EffectClass::Declined | EffectClass::Refused | EffectClass::Absent => {
                Following::over(dead)
            }
            _ => self.retry_or(slot, effect, said, dead),
        };
        self.ended(slot, effect, said, following);
        let Some(process) = self.process(slot) else {
            return;
        };
        let (state, mut image) = (process.state, process.image);
        match following.next {
            EffectNext::Done => {
                image.flags |= CAPTURED;
                image.captured = if said.amount == 0 {
                    effect.amount
                } else {
                    said.amount.min(image.total.max(image.authorised))
                };
                let event = ProcessEvent::PaymentCaptured;
                self.moved(slot, state, event, image, said.message);
                if self.is_undoing(slot) {
                    self.undo(slot);
                } else {
                    self.refund_beyond(slot);
                    self.complete_if_over(slot);
                }
            }
            EffectNext::Dead if self.is_undoing(slot) => self.undo(slot),
            EffectNext::Dead => {
                self.trigger(slot, Trigger::CaptureFailed, image, said.message);
            }
            _ => {}
        }
    }
}
