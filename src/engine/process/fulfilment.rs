//! From confirmed to completed: label, warehouse, shipment, delivery, return window.

use super::Effect;
use super::desk::Desk;
use super::effects::{Following, Said, Start, give_up};
use super::steps::providers_of;
use super::table::Trigger;
use crate::engine::record::process_flags::CASH_DUE;
use crate::engine::record::{Allocation, Lines, ProcessImage, Record, put_lines};
use crate::engine::stock::ship_out;
use crate::types::OrderState;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone, ProviderId};
use crate::types::pipeline::StepKind;
use crate::types::process::{ProcessEvent, ReviewReason, SubState, TimerKind};

/// Why a delivered order goes back to review.
const UNPAID: &str = "delivered, and its money is not captured";

impl Desk<'_> {
    /// Goes on with the fulfilment step: label, then warehouse, then it is accepted.
    pub fn fulfil(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let image = process.image;
        let of_step = |kind: EffectKind| {
            let mut found = process.effects.iter().rev();
            found.find(|it| {
                let stands = it.undone.is_none() && !process.is_being_undone(it.number);
                it.is(kind) && it.step == image.step && stands
            })
        };
        let left = |it: &Effect| it.is_open() || it.is_dead();
        let recalls = |it: &Effect| it.is(EffectKind::WarehouseRecall) && left(it);
        let recalling = process.effects.iter().any(recalls);
        let (label, order) = (
            of_step(EffectKind::Label),
            of_step(EffectKind::WarehouseOrder),
        );
        let state = |effect: Option<&Effect>| effect.map(|it| (it.is_open(), it.next));
        let (label_state, order_state) = (state(label), state(order));
        let reference = label.map_or_else(String::new, |it| it.reference.to_string());
        let labels = self.fulfilment_providers(slot, EffectKind::Label);
        let warehouses = self.fulfilment_providers(slot, EffectKind::WarehouseOrder);
        for (kind, providers, state) in [
            (EffectKind::Label, labels, label_state),
            (EffectKind::WarehouseOrder, warehouses, order_state),
        ] {
            let Some(first) = providers.first().copied() else {
                continue;
            };
            match state {
                Some((_, Some(EffectNext::Done))) => {}
                Some((true, _)) => return,
                // What the warehouse has of the version before is to be gone first.
                _ if kind == EffectKind::WarehouseOrder && recalling => return,
                _ => {
                    let provider = self.choose(slot, &providers, None).unwrap_or(first);
                    self.fulfil_at(slot, kind, provider, &reference);
                    return;
                }
            }
        }
        self.trigger(slot, Trigger::FulfilmentAccepted, image, "");
    }

    /// A warehouse has given an order up, or a person its recall: the order's next version may go
    /// there.
    pub fn fulfil_again(&mut self, slot: u32) {
        let confirmed = self.process(slot).is_some_and(|process| {
            let step = self
                .set_of(&process.image)
                .and_then(|it| it.step(&process.image));
            process.state == OrderState::Confirmed
                && step.is_some_and(|step| step.kind == StepKind::Fulfilment)
        });
        if confirmed {
            self.fulfil(slot);
        }
    }

    fn fulfil_at(&mut self, slot: u32, kind: EffectKind, provider: ProviderId, reference: &str) {
        let Some(image) = self.image(slot) else {
            return;
        };
        self.start(
            slot,
            &Start {
                step: image.step,
                amount: image.total,
                reference,
                ..Start::new(kind, provider)
            },
        );
    }

    fn fulfilment_providers(&self, slot: u32, kind: EffectKind) -> Vec<ProviderId> {
        let found = self.process(slot).and_then(|process| {
            let pinned = self.set_of(&process.image)?;
            let step = pinned.step(&process.image)?;
            let places = if kind == EffectKind::Label {
                &step.providers
            } else {
                &step.warehouses
            };
            (step.kind == StepKind::Fulfilment).then(|| providers_of(pinned, places))
        });
        found.unwrap_or_default()
    }

    /// The provider that would take over.
    pub fn fulfilment_backup(&self, slot: u32, effect: &Effect) -> Option<ProviderId> {
        let providers = self.fulfilment_providers(slot, effect.kind);
        self.choose(slot, &providers, Some(effect.provider))
    }

    pub fn fulfilment_said(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        let following = match said.class {
            EffectClass::Done => Following::over(EffectNext::Done),
            EffectClass::Pending if effect.is(EffectKind::WarehouseOrder) => {
                Following::over(EffectNext::Done)
            }
            EffectClass::Declined | EffectClass::Refused => {
                Following::over(give_up(effect, said.class))
            }
            class => self.retry_or(slot, effect, said, give_up(effect, class)),
        };
        self.ended(slot, effect, said, following);
        if self.is_undoing(slot) {
            self.undo(slot);
        } else if self.runs(slot, effect) {
            match following.next {
                EffectNext::Done => self.fulfil(slot),
                EffectNext::RetryWait => {}
                _ => self.fulfil_elsewhere(slot, effect, said.message),
            }
        }
    }

    /// Another provider takes over; what the first one may have made is undone.
    pub fn fulfil_elsewhere(&mut self, slot: u32, loser: &Effect, note: &str) {
        let left = self.process(slot).and_then(|it| it.effect(loser.number));
        if left.is_some_and(Effect::leaves_something) {
            self.start_undo(slot, loser.number);
        }
        let input = loser.input.clone();
        if let Some(provider) = self.fulfilment_backup(slot, loser) {
            self.fulfil_at(slot, loser.kind, provider, &input);
            return;
        }
        let Some(image) = self.image(slot) else {
            return;
        };
        self.trigger(slot, Trigger::FulfilmentExhausted, image, note);
    }

    /// Everything that the order has committed leaves.
    pub fn ship(&mut self, slot: u32, image: ProcessImage, event: ProcessEvent, note: &str) {
        if self.engine.orders.get(slot).state == OrderState::Confirmed && !self.ship_units(slot) {
            let reason = ReviewReason::Shortage;
            let note = "the units to ship are not on hand";
            self.open_review(slot, reason, image, ProcessEvent::ShortageRecorded, note);
            return;
        }
        let image = ProcessImage {
            sub: SubState::None,
            review: ReviewReason::None,
            resume_to: None,
            timer: TimerKind::Carrier,
            timer_at_ms: self.now_ms() + self.settings(&image).carrier_ms,
            ..image
        };
        self.moved(slot, OrderState::Shipped, event, image, note);
        self.capture_on_ship(slot);
        self.tell_parcel(slot, Milestone::Shipped, note);
    }

    /// False where some of the units are not on hand.
    fn ship_units(&mut self, slot: u32) -> bool {
        let committed: Vec<Allocation> = self
            .engine
            .orders
            .lines(slot)
            .filter(|line| line.committed > 0)
            .map(|line| Allocation {
                sku: line.sku,
                quantity: line.committed,
                location: line.location,
            })
            .collect();
        let there = committed.iter().all(|line| {
            let mut cell = self.engine.inventory.quantities(line.sku, line.location);
            ship_out(&mut cell, line.quantity).is_ok()
        });
        if there && !committed.is_empty() {
            let mut bytes = Vec::new();
            put_lines(&mut bytes, &committed);
            let record = Record::OrderShipped {
                order: self.reference(slot),
                lines: Lines::from_bytes(&bytes),
            };
            self.engine.commit(&record, self.actor, self.out);
        }
        there
    }

    pub fn deliver(&mut self, slot: u32, image: ProcessImage, event: ProcessEvent, note: &str) {
        let image = ProcessImage {
            sub: SubState::None,
            review: ReviewReason::None,
            resume_to: None,
            timer: TimerKind::Return,
            timer_at_ms: self.now_ms() + self.settings(&image).return_ms,
            flags: image.flags & !CASH_DUE,
            ..image
        };
        self.moved(slot, OrderState::Delivered, event, image, note);
        self.tell_parcel(slot, Milestone::Delivered, note);
    }

    /// The return window is over: complete, or as soon as the last effect is over.
    pub fn complete(&mut self, slot: u32, image: ProcessImage, event: ProcessEvent) {
        let image = ProcessImage {
            timer: TimerKind::None,
            timer_at_ms: 0,
            ..image
        };
        let open = |process: &super::Process| process.effects.iter().any(Effect::is_open);
        if self.process(slot).is_some_and(open) {
            self.moved(slot, OrderState::Delivered, event, image, "");
        } else if self.capture_is_dead(slot) {
            self.trigger(slot, Trigger::CaptureFailed, image, UNPAID);
        } else {
            self.moved(
                slot,
                OrderState::Completed,
                ProcessEvent::Completed,
                image,
                "",
            );
        }
    }

    /// After an effect ended: completes an order that waited for nothing else.
    pub fn complete_if_over(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let waited = process.state == OrderState::Delivered
            && process.image.timer == TimerKind::None
            && !process.effects.iter().any(Effect::is_open);
        if !waited {
            return;
        }
        let image = process.image;
        if self.capture_is_dead(slot) {
            self.trigger(slot, Trigger::CaptureFailed, image, UNPAID);
        } else {
            self.moved(
                slot,
                OrderState::Completed,
                ProcessEvent::Completed,
                image,
                "",
            );
        }
    }

    /// Money that could not be taken, and that nobody has given up: the order is not over.
    fn capture_is_dead(&self, slot: u32) -> bool {
        self.process(slot).is_some_and(|process| {
            let mut effects = process.effects.iter();
            effects.any(|it| it.is(EffectKind::PaymentCapture) && it.is_dead())
        })
    }
}
