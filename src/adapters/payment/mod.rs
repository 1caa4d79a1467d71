//! Payments: one file a processor.
//!
//! An order is authorised without capture, captured once, and given back by a void or a refund.
//! What a processor did is asked for by the effect's key, because an answer may be lost behind a
//! payment that was made.

pub mod authorize_net;
pub mod stripe;

use super::call::OrderFacts;
use super::outcome::Outcome;
use crate::types::money;

/// The payment token of an order for one kind of processor.
///
/// The order's `payment_token` is either one token, for whichever processor is asked, or several of
/// the form `kind=token`, separated by spaces, such as `stripe=pm_1 authorize_net=eyJjb2`: tokens of
/// one processor mean nothing to another, so a backup needs one of its own.
///
/// # Errors
/// Refused where there is none for this kind.
pub fn token<'a>(facts: &'a OrderFacts, kind: &str) -> Result<&'a str, Outcome> {
    let text = facts.details.payment_token.trim();
    let own = |part: &'a str| part.strip_prefix(kind)?.strip_prefix('=');
    let named = text.split(' ').find_map(own);
    let many = text.contains(' ');
    match named {
        Some(token) => Ok(token),
        None if text.is_empty() || many => Err(Outcome::refused(
            "no_payment_token",
            format!("the order has no payment token for {kind}"),
        )),
        None => Ok(text),
    }
}

/// The currency's alphabetic code.
///
/// # Errors
/// Refused where ISO 4217 has no such number.
pub fn currency(number: u16) -> Result<&'static str, Outcome> {
    money::alpha(number).ok_or_else(|| {
        Outcome::refused(
            "currency",
            format!("{number} is no currency number of ISO 4217"),
        )
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::adapters::call::Call;
    use crate::types::effect::{EffectKind, effect_key};
    use crate::types::{OrderDetails, OrderKey};
    use std::sync::Arc;

    /// An attempt about an order of 44.70 EUR.
    pub fn call(kind: EffectKind) -> Call {
        let order = OrderKey(0xabc);
        let target_key = match kind {
            EffectKind::PaymentAuthorise => String::new(),
            _ => effect_key(order, EffectKind::PaymentAuthorise, 2),
        };
        Call {
            key: effect_key(order, kind, 3),
            order,
            number: 3,
            kind,
            attempt: 1,
            resumed: false,
            amount: 4_470,
            reference: String::new(),
            target_key,
            milestone: None,
            step: "payment".into(),
            traceparent: String::new(),
            facts: Arc::new(OrderFacts {
                order,
                tenant: "shop".into(),
                number: "0-1042".into(),
                accepted_at_ms: crate::clock::now_ms(),
                customer: 7,
                currency: 978,
                total: 4_470,
                details: OrderDetails {
                    contact_name: "Ana Ruiz".into(),
                    email: "ana@example.com".into(),
                    country: "ES".into(),
                    payment_token: "pm_card_visa".into(),
                    ..OrderDetails::default()
                },
                ..OrderFacts::default()
            }),
        }
    }

    #[test]
    fn each_processor_finds_its_own_token() {
        let mut facts = OrderFacts::default();
        for (text, stripe, other) in [
            ("pm_1", Ok("pm_1"), Ok("pm_1")),
            ("stripe=pm_1 authorize_net=eyJ=", Ok("pm_1"), Ok("eyJ=")),
            ("stripe=pm_1 bank=x", Ok("pm_1"), Err(())),
            ("", Err(()), Err(())),
        ] {
            text.clone_into(&mut facts.details.payment_token);
            assert_eq!(token(&facts, "stripe").map_err(|_| ()), stripe, "{text}");
            assert_eq!(
                token(&facts, "authorize_net").map_err(|_| ()),
                other,
                "{text}"
            );
        }
    }
}
