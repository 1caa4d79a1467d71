//! Money that arrives for an order that had ended.

use super::Effect;
use super::desk::Desk;
use super::effects::{Following, Said};
use super::table::{self, Trigger};
use crate::engine::record::process_flags::{
    AUTHORISED, CANCELLING, CONFIRMED, DECLINING, EXPIRING, PINNED, REINSTATED,
};
use crate::engine::record::{Allocation, ProcessImage, Record};
use crate::types::OrderState;
use crate::types::effect::{EffectClass, EffectNext};
use crate::types::pipeline::StepKind;
use crate::types::process::ProcessEvent;

impl Desk<'_> {
    /// Money arrived for an order whose hold had ended: where its units are there, it comes back.
    /// An order that somebody cancelled or declined does not. True where it came back.
    pub fn late_payment(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) -> bool {
        let Some(process) = self.process(slot) else {
            return false;
        };
        let image = process.image;
        let amount = said.amount == 0 || said.amount == image.total;
        let currency = said.currency == 0 || said.currency == image.currency;
        let kept = effect.undone != Some(EffectClass::Done);
        let ended = table::find(process.state, Trigger::LatePaymentCovered).is_some();
        if !(ended && amount && currency && kept && self.covers(slot)) {
            return false;
        }
        self.ended(slot, effect, said, Following::over(EffectNext::Done));
        let image = ProcessImage {
            flags: image.flags | AUTHORISED,
            processor: effect.provider,
            authorised: image.total,
            ..image
        };
        let image = self.taken_at_once(slot, image);
        self.trigger(slot, Trigger::LatePaymentCovered, image, said.message)
    }

    /// All units of an ended order could be taken again.
    fn covers(&self, slot: u32) -> bool {
        let orders = &self.engine.orders;
        let skus = orders.lines(slot).map(|line| line.sku);
        let aside = self.engine.set_aside(skus, None);
        let there = orders.lines(slot).all(|line| {
            let cell = self.engine.inventory.quantities(line.sku, line.location);
            let here = |it: &&Allocation| (it.sku, it.location) == (line.sku, line.location);
            let aside = aside.iter().find(here).map_or(0, |it| it.quantity);
            cell.available().saturating_sub(aside) >= line.ordered
        });
        there && self.engine.channel_covers(slot)
    }

    /// The order has its units again, committed, and goes on behind its payment.
    pub fn reinstate(&mut self, slot: u32, image: ProcessImage, event: ProcessEvent, note: &str) {
        if !self.covers(slot) {
            return;
        }
        let order = self.reference(slot);
        let record = Record::OrderReinstated { order };
        self.engine.commit(&record, self.actor, self.out);
        let over = CANCELLING | DECLINING | EXPIRING | PINNED;
        let mut image = ProcessImage {
            flags: image.flags & !over | CONFIRMED | REINSTATED,
            ..image
        };
        self.set_step_timer(slot, &mut image);
        // Risk and payment are behind it, whatever else its pipeline has of them.
        let mut from = usize::from(image.step) + 1;
        while let (at, Some(StepKind::Fraud | StepKind::Payment)) =
            self.next_step(slot, &image, from)
        {
            from = at + 1;
        }
        self.advance(slot, (from, image), event, note);
        self.confirmed(slot);
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
