//! A new version of an order in process, and money that arrives for an order that had ended.

use super::Effect;
use super::desk::Desk;
use super::effects::Said;
use super::table::Trigger;
use crate::engine::record::process_flags::RISK_APPROVED;
use crate::engine::record::{OrderMoved, ProcessImage, ProcessRecord};
use crate::types::OrderState;
use crate::types::effect::EffectKind;
use crate::types::pipeline::StepKind;
use crate::types::process::ProcessEvent;

impl Desk<'_> {
    /// The next version of an order in process: what was asked for the one before is given up, and
    /// the pipeline begins anew. Its risk is not approved twice.
    pub fn edit(&mut self, slot: u32, before: ProcessImage, new: ProcessImage, accepted: u64) {
        self.give_up_forward(slot);
        let Some(process) = self.process(slot) else {
            return;
        };
        let authorised =
            |it: &&Effect| it.is(EffectKind::PaymentAuthorise) && it.leaves_something();
        let losers: Vec<u16> = process
            .effects
            .iter()
            .filter(authorised)
            .map(|it| it.number)
            .collect();
        for number in losers {
            self.void_if_open(slot, number);
        }
        let image = ProcessImage {
            flags: new.flags | before.flags & RISK_APPROVED,
            score: before.score,
            effects: before.effects,
            declines: before.declines,
            ..new
        };
        self.restart(slot, image, accepted);
    }

    fn restart(&mut self, slot: u32, mut image: ProcessImage, accepted: u64) {
        let (step, to) = self.first_step(slot, &mut image);
        let Some(process) = self.process(slot) else {
            return;
        };
        let moved = OrderMoved {
            order: process.key,
            tenant: process.tenant,
            accepted,
            event: ProcessEvent::Edited,
            from: Some(process.state),
            to,
            image: ProcessImage {
                effects: process.image.effects,
                ..image
            },
            note: "",
        };
        self.emit(ProcessRecord::Moved(moved));
        self.run_step(slot, step);
    }

    /// Money arrived for an order that had ended: it is given back.
    pub fn late_payment(&mut self, slot: u32, number: u16, said: &Said<'_>) {
        let Some(image) = self.image(slot) else {
            return;
        };
        self.trigger(slot, Trigger::LatePayment, image, said.message);
        self.void_if_open(slot, number);
    }

    /// The state in which an order goes on with the first step at or behind `from`.
    pub fn state_from(&self, slot: u32, image: &ProcessImage, from: usize) -> OrderState {
        match self.next_step(slot, image, from).1 {
            Some(StepKind::Fraud) => OrderState::FraudCheck,
            Some(StepKind::Payment) => OrderState::Payment,
            Some(StepKind::Webhook) => OrderState::Webhook,
            Some(StepKind::Fulfilment) | None => OrderState::Confirmed,
        }
    }
}
