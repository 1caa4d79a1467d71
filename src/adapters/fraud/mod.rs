//! Risk scores, 0 to 100: one file a scorer.
//!
//! A scorer gives a score and the signals behind it; which score declines an order or asks a person
//! is the pipeline's business. External scorers have 400 ms: a score that comes later is no score.

pub mod builtin;
pub mod sift;
pub mod signifyd;

#[cfg(test)]
pub(in crate::adapters) mod tests {
    use crate::adapters::call::{Call, FactLine, OrderFacts};
    use crate::types::effect::{EffectKind, effect_key};
    use crate::types::{OrderDetails, OrderKey};
    use std::sync::Arc;

    /// An order of two mugs and shipping, 44.70 EUR, with everything that a scorer looks at.
    pub fn facts() -> OrderFacts {
        OrderFacts {
            order: OrderKey(0xabc),
            tenant: "shop".into(),
            number: "0-1042".into(),
            accepted_at_ms: 1_777_882_350_000,
            customer: 7,
            currency: 978,
            total: 4_470,
            lines: vec![FactLine {
                sku: "MUG-RED".into(),
                location: "main".into(),
                quantity: 2,
                unit_price: 1_990,
            }],
            details: OrderDetails {
                contact_name: "Ana Ruiz".into(),
                email: "ana@example.com".into(),
                phone: "+34600000000".into(),
                shipping_address: vec!["Calle Sol 4".into(), "28013 Madrid".into()],
                billing_address: vec!["Calle Sol 4".into(), "28013 Madrid".into()],
                country: "ES".into(),
                payment_token: "pm_1".into(),
                ip: "203.0.113.7".into(),
                device: "device-1".into(),
                session: "session-1".into(),
                checkout_seconds: 90,
                ..OrderDetails::default()
            },
            ..OrderFacts::default()
        }
    }

    /// An attempt to have an order scored.
    pub fn call(facts: OrderFacts) -> Call {
        Call {
            key: effect_key(facts.order, EffectKind::FraudScore, 1),
            order: facts.order,
            number: 1,
            kind: EffectKind::FraudScore,
            attempt: 1,
            resumed: false,
            amount: facts.total,
            reference: String::new(),
            target_key: String::new(),
            milestone: None,
            step: "fraud_check".into(),
            traceparent: String::new(),
            facts: Arc::new(facts),
        }
    }
}
