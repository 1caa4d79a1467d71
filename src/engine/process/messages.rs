//! What customers, team and CRM are told: beside the way of an order, never in it.

use super::Effect;
use super::desk::Desk;
use super::effects::Start;
use super::steps::providers_of;
use crate::types::effect::{EffectKind, Milestone, ProviderId};
use crate::types::process::ReviewReason;

impl Desk<'_> {
    /// Tells the customer about a milestone, by every channel that is set for it.
    pub fn tell(&mut self, slot: u32, milestone: Milestone) {
        let total = self.image(slot).map_or(0, |image| image.total);
        self.tell_amount(slot, milestone, total);
    }

    /// As [`Desk::tell`], where the message is about this amount of minor units.
    pub fn tell_amount(&mut self, slot: u32, milestone: Milestone, amount: u64) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let Some(pinned) = self.set_of(&image) else {
            return;
        };
        let messages = pinned.set.messages.iter();
        let providers: Vec<ProviderId> = messages
            .filter(|message| message.milestone == milestone as u8)
            .map(|message| pinned.provider(message.provider))
            .collect();
        for provider in providers {
            self.start(
                slot,
                &Start {
                    milestone: Some(milestone),
                    amount,
                    ..Start::new(EffectKind::Notify, provider)
                },
            );
        }
    }

    /// Writes the order to every CRM that is set.
    pub fn update_crm(&mut self, slot: u32, kind: EffectKind) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let Some(pinned) = self.set_of(&image) else {
            return;
        };
        for provider in providers_of(pinned, &pinned.set.crm_providers) {
            self.start(
                slot,
                &Start {
                    amount: image.total,
                    ..Start::new(kind, provider)
                },
            );
        }
    }

    /// Corrects what the CRM systems were told about an order that is undone.
    pub fn correct_crm(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let told = |it: &&Effect| it.is(EffectKind::CrmUpdate);
        let told: Vec<Effect> = process.effects.iter().filter(told).cloned().collect();
        for effect in told {
            self.start(
                slot,
                &Start {
                    target: Some((effect.number, effect.kind)),
                    amount: effect.amount,
                    reference: &effect.reference,
                    ..Start::new(EffectKind::CrmCorrect, effect.provider)
                },
            );
        }
    }

    /// Tells the team about the orders that came into review for one reason.
    pub fn alert(&mut self, slot: u32, reason: ReviewReason, orders: u64) {
        self.alert_about(slot, reason.name(), orders);
    }

    /// Tells the team about something that is no review.
    pub fn alert_about(&mut self, slot: u32, what: &str, orders: u64) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let Some(pinned) = self.set_of(&image) else {
            return;
        };
        let providers = providers_of(pinned, &pinned.set.alert_providers);
        let chosen = self.choose(slot, &providers, None);
        if let Some(provider) = chosen.or(providers.first().copied()) {
            self.start(
                slot,
                &Start {
                    amount: orders,
                    note: what,
                    ..Start::new(EffectKind::Alert, provider)
                },
            );
        }
    }

    /// The next way to tell the team, where one failed for good.
    pub fn alert_backup(&mut self, slot: u32, failed: &Effect) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let Some(pinned) = self.set_of(&image) else {
            return;
        };
        let providers = providers_of(pinned, &pinned.set.alert_providers);
        if let Some(provider) = self.choose(slot, &providers, Some(failed.provider)) {
            self.start(
                slot,
                &Start {
                    amount: failed.amount,
                    note: &failed.note,
                    ..Start::new(EffectKind::Alert, provider)
                },
            );
        }
    }
}
