//! Messages to customers and team: one file a provider.
//!
//! A provider of customer messages renders the template of the milestone for its channel
//! ([`templates`]) and sends it to the order's contact. An order without the contact that the
//! channel needs is refused with the code `no_recipient`: there is nothing to try again.
//!
//! SendGrid, SMTP and WhatsApp cannot be asked whether a message was taken. After an attempt
//! without an answer the setting `after_timeout` decides: `repeat` (default) sends again, so that
//! a customer may get a message twice and never none; `stop` leaves it to a person as a dead
//! letter, so that a customer may get none and never two.

pub mod events;
pub mod sendgrid;
pub mod slack;
pub mod smtp;
pub mod templates;
pub mod twilio;
pub mod whatsapp;

use super::call::Call;
use super::options::{OptionsError, ProviderOptions};
use super::outcome::Outcome;
use crate::types::effect::EffectClass;

/// What to do about a message that may or may not have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterTimeout {
    /// Send it again: at least once.
    Repeat,
    /// Leave it to a person: at most once.
    Stop,
}

impl AfterTimeout {
    /// The setting `after_timeout`.
    ///
    /// # Errors
    /// It is neither `repeat` nor `stop`.
    pub fn from_options(options: &ProviderOptions) -> Result<Self, OptionsError> {
        match options.setting_or("after_timeout", "repeat") {
            "repeat" => Ok(Self::Repeat),
            "stop" => Ok(Self::Stop),
            other => Err(options.invalid(
                "setting `after_timeout`",
                format!("is `{other}`; it can be `repeat` or `stop`"),
            )),
        }
    }

    /// Refuses an attempt that may have left before a restart, where messages are sent at most
    /// once. Attempts after the first are no such case: under `stop` an attempt without an answer
    /// is the last one.
    ///
    /// # Errors
    /// The outcome of an attempt that is not made.
    pub fn check(self, call: &Call) -> Result<(), Outcome> {
        if self == Self::Stop && call.resumed {
            return Err(Outcome::refused(
                "may_have_been_sent",
                "it may have been sent before a restart, and is not sent twice",
            ));
        }
        Ok(())
    }

    /// What an attempt's outcome becomes: under `stop`, one that is not known is not repeated.
    #[must_use]
    pub fn resolve(self, outcome: Outcome) -> Outcome {
        if self == Self::Repeat || outcome.class != EffectClass::Unknown {
            return outcome;
        }
        let mut stopped = outcome;
        stopped.class = EffectClass::Refused;
        "may_have_been_sent".clone_into(&mut stopped.code);
        stopped.message = format!("no answer, and it is not sent twice: {}", stopped.message);
        stopped
    }
}

/// The order's e-mail address.
///
/// # Errors
/// It has none.
pub fn email(call: &Call) -> Result<&str, Outcome> {
    match call.facts.details.email.trim() {
        email if email.contains('@') => Ok(email),
        _ => Err(no_recipient("e-mail address")),
    }
}

/// The order's phone number with its country code: a plus sign and digits.
///
/// # Errors
/// It has none with a country code (`+…` or `00…`).
pub fn phone(call: &Call) -> Result<String, Outcome> {
    let written = call.facts.details.phone.trim();
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let international = match digits.strip_prefix("00") {
        Some(rest) if !written.starts_with('+') => rest.to_owned(),
        _ if written.starts_with('+') || written.starts_with("(+") => digits,
        _ => String::new(),
    };
    if (7..=15).contains(&international.len()) {
        return Ok(format!("+{international}"));
    }
    Err(no_recipient("phone number with a country code"))
}

fn no_recipient(what: &str) -> Outcome {
    Outcome::refused("no_recipient", format!("the order has no {what}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::adapters::call::{FactLine, OrderFacts};
    use crate::types::OrderKey;
    use crate::types::effect::{EffectKind, Milestone};
    use std::sync::Arc;

    /// A call about an order of Ana's.
    pub(crate) fn call(kind: EffectKind, milestone: Option<Milestone>) -> Call {
        let mut facts = OrderFacts {
            order: OrderKey(7),
            tenant: "acme".into(),
            number: "0-1042".into(),
            accepted_at_ms: 1_777_882_350_000,
            customer: 42,
            currency: 978,
            total: 4470,
            lines: vec![FactLine {
                sku: "MUG-RED".into(),
                location: "madrid".into(),
                quantity: 2,
                unit_price: 1990,
            }],
            ..OrderFacts::default()
        };
        facts.details.contact_name = "Ana Ruiz".into();
        facts.details.email = "ana@example.com".into();
        facts.details.phone = "+34 600 000 000".into();
        facts.details.country = "ES".into();
        facts.details.shipping_address = vec!["Calle Sol 4".into(), "28013 Madrid".into()];
        Call {
            key: "k-1".into(),
            order: OrderKey(7),
            number: 1,
            kind,
            attempt: 1,
            resumed: false,
            amount: 4470,
            reference: String::new(),
            target_key: String::new(),
            milestone,
            step: String::new(),
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
            facts: Arc::new(facts),
        }
    }

    fn with_phone(phone: &str) -> Call {
        let mut call = call(EffectKind::Notify, Some(Milestone::Confirmed));
        Arc::make_mut(&mut call.facts).details.phone = phone.into();
        call
    }

    #[test]
    fn a_phone_number_needs_its_country_code() {
        for (written, sent) in [
            ("+34 600 000 000", Some("+34600000000")),
            ("0034600000000", Some("+34600000000")),
            ("(+44)0777 123", Some("+440777123")),
            ("600 000 000", None),
            ("", None),
            ("+12", None),
        ] {
            assert_eq!(
                phone(&with_phone(written)).ok().as_deref(),
                sent,
                "{written}"
            );
        }
    }

    #[test]
    fn at_most_once_never_repeats_what_may_have_been_sent() {
        let mut call = with_phone("");
        call.attempt = 2;
        assert!(AfterTimeout::Stop.check(&call).is_ok());
        call.resumed = true;
        assert_eq!(
            AfterTimeout::Stop.check(&call).unwrap_err().code,
            "may_have_been_sent"
        );
        assert!(AfterTimeout::Repeat.check(&call).is_ok());
        let lost = Outcome::unknown("timeout", "no answer in time");
        assert_eq!(AfterTimeout::Repeat.resolve(lost.clone()), lost);
        let stopped = AfterTimeout::Stop.resolve(lost);
        assert_eq!(
            (stopped.class, stopped.counted),
            (EffectClass::Refused, true)
        );
    }
}
