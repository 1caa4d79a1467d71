//! What customers, team and CRM are told: beside the way of an order, never in it.

use super::Effect;
use super::desk::Desk;
use super::effects::Start;
use super::steps::providers_of;
use crate::types::effect::{EffectKind, Milestone, ProviderId};

impl Desk<'_> {
    /// Tells the customer about a milestone, by every channel that is set for it.
    pub fn tell(&mut self, slot: u32, milestone: Milestone) {
        let total = self.image(slot).map_or(0, |image| image.total);
        self.tell_with(slot, milestone, total, "");
    }

    /// Tells the customer that the order was received or, where that is set up, asks where it is to
    /// go instead: an entering order has journal room for one of them.
    pub fn welcome(&mut self, slot: u32, incomplete: bool) {
        let image = self.image(slot);
        let asks = image
            .and_then(|image| self.set_of(&image))
            .is_some_and(|pinned| {
                let mut messages = pinned.set.messages.iter();
                messages.any(|message| message.milestone == Milestone::AddressMissing as u8)
            });
        let milestone = if incomplete && asks {
            Milestone::AddressMissing
        } else {
            Milestone::Received
        };
        self.tell(slot, milestone);
    }

    /// As [`Desk::tell`], where the message is about this amount of minor units.
    pub fn tell_amount(&mut self, slot: u32, milestone: Milestone, amount: u64) {
        self.tell_with(slot, milestone, amount, "");
    }

    /// As [`Desk::tell`], about the order's parcel: carrier and tracking number as `said` names
    /// them, else as its label does.
    pub fn tell_parcel(&mut self, slot: u32, milestone: Milestone, said: &str) {
        let labels = self.process(slot).map_or_else(Vec::new, |process| {
            let bought = |it: &&Effect| it.is(EffectKind::Label) && it.undone.is_none();
            let labels = process.effects.iter().rev().filter(bought);
            labels.map(|it| it.message.clone()).collect()
        });
        let of_label = labels.iter().find_map(|message| parcel_of_label(message));
        let parcel = match milestone {
            Milestone::Shipped => parcel_of_words(said).or(of_label),
            _ => of_label.or_else(|| parcel_of_words(said)),
        };
        let total = self.image(slot).map_or(0, |image| image.total);
        self.tell_with(slot, milestone, total, &parcel.unwrap_or_default());
    }

    fn tell_with(&mut self, slot: u32, milestone: Milestone, amount: u64, reference: &str) {
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
                    reference,
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

    /// Tells the team about orders that came into review for one reason, or about something that is
    /// no review. False where that could not be started.
    pub fn alert_about(&mut self, slot: u32, what: &str, orders: u64) -> bool {
        let Some(image) = self.image(slot) else {
            return false;
        };
        let Some(pinned) = self.set_of(&image) else {
            return false;
        };
        let providers = providers_of(pinned, &pinned.set.alert_providers);
        let chosen = self.choose(slot, &providers, None);
        let Some(provider) = chosen.or(providers.first().copied()) else {
            return false;
        };
        let alert = Start {
            amount: orders,
            note: what,
            ..Start::new(EffectKind::Alert, provider)
        };
        self.start(slot, &alert).is_some()
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

/// Carrier and tracking number in what a report or a person says, such as `UPS 1Z999 in_transit`.
fn parcel_of_words(said: &str) -> Option<String> {
    const CARRIER_WORDS_MAX: usize = 3;
    let is_tracking = |word: &&str| {
        let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain && word.len() >= 5 && word.bytes().any(|byte| byte.is_ascii_digit())
    };
    let words: Vec<&str> = said.split_whitespace().collect();
    let at = words.iter().rposition(is_tracking)?;
    let parcel = words.get(..=at)?;
    (at <= CARRIER_WORDS_MAX).then(|| parcel.join(" "))
}

/// The same in the message of a label: `tracking=1Z999 carrier=UPS rate=750 currency=EUR`.
fn parcel_of_label(message: &str) -> Option<String> {
    let value = |name: &str| {
        let mut words = message.split_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let tracking = value("tracking").filter(|it| !it.is_empty())?;
    let carrier = value("carrier").unwrap_or_default();
    Some(format!("{carrier} {tracking}").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carrier_and_tracking_number_are_found_and_other_words_are_not() {
        for (said, parcel) in [
            (
                "UPS 1Z999AA10123456784 in_transit",
                Some("UPS 1Z999AA10123456784"),
            ),
            ("DHL Express JD014600003", Some("DHL Express JD014600003")),
            ("1Z999", Some("1Z999")),
            ("dhl", None),
            ("handed over at 12:30", None),
            ("the neighbour on floor 2 took 12345", None),
            ("", None),
        ] {
            assert_eq!(parcel_of_words(said).as_deref(), parcel, "{said}");
        }
        let label = "tracking=9400 carrier=USPS rate=750 currency=USD";
        assert_eq!(parcel_of_label(label).as_deref(), Some("USPS 9400"));
        assert_eq!(parcel_of_label("rate=750"), None);
    }
}
