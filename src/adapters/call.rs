//! One attempt of an effect, with everything that a provider needs to make it.

use crate::types::effect::{EffectKind, Milestone};
use crate::types::pipeline::ONE_STEP;
use crate::types::{ChannelId, OrderDetails, OrderKey};
use std::sync::Arc;

/// One attempt of an effect.
#[derive(Clone, Debug)]
pub struct Call {
    /// Idempotency key of the effect: the same for all its attempts, at most 47 characters.
    pub key: String,
    /// The order.
    pub order: OrderKey,
    /// The effect's number within its order, from 1.
    pub number: u16,
    /// What is asked for.
    pub kind: EffectKind,
    /// Which attempt this is, from 1.
    pub attempt: u8,
    /// It was started before a restart, so this very attempt may have left already.
    pub resumed: bool,
    /// Minor units of the order's currency; for an alert, how many orders it is about.
    pub amount: u64,
    /// What an earlier effect left at this provider (a payment, transaction, shipment or warehouse
    /// order id); empty where there is none, or none is known.
    pub reference: String,
    /// Idempotency key of the effect that this one asks about or undoes; empty without.
    pub target_key: String,
    /// For messages.
    pub milestone: Option<Milestone>,
    /// Name of the pipeline step that started it; for an alert, the review reason; for an
    /// authorisation that takes the money at once, [`ONE_STEP`].
    pub step: String,
    /// W3C `traceparent` of the order's trace.
    pub traceparent: String,
    /// The order's facts, as accepted.
    pub facts: Arc<OrderFacts>,
}

impl Call {
    /// The order's name for providers that know orders, one for each order of all tenants: its key,
    /// with the mark of its tenant where the effect's key has one.
    #[must_use]
    pub fn order_id(&self) -> String {
        let mark = self.key.splitn(4, '-').nth(3);
        mark.map_or_else(
            || self.order.to_string(),
            |mark| format!("{}-{mark}", self.order),
        )
    }

    /// True where the authorisation takes the money at once.
    #[must_use]
    pub fn is_one_step(&self) -> bool {
        self.kind == EffectKind::PaymentAuthorise && self.step == ONE_STEP
    }

    /// True where an earlier attempt, or this one before a restart, may have happened already: a
    /// provider without idempotency keys has to look before it repeats.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        self.attempt > 1 || self.resumed
    }
}

/// What does not change about an accepted order (a new version has new facts).
#[derive(Clone, Debug, Default)]
pub struct OrderFacts {
    /// The order's key.
    pub order: OrderKey,
    /// Name of its tenant.
    pub tenant: String,
    /// The order number for people and providers with short fields: `shard-sequence`, at most 20
    /// characters of digits and a dash.
    pub number: String,
    /// When it was accepted, milliseconds since the Unix epoch.
    pub accepted_at_ms: u64,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Where it was sold.
    pub channel: ChannelId,
    /// ISO 4217 number, such as 978.
    pub currency: u16,
    /// Minor units.
    pub total: u64,
    /// What was taken, per SKU and location.
    pub lines: Vec<FactLine>,
    /// Contact, addresses, payment token, signals; all empty where the order has none.
    pub details: OrderDetails,
    /// Address of the page that shows the buyer how the order is doing; empty where there is none.
    pub link: String,
}

/// One line of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactLine {
    /// Name of the SKU.
    pub sku: String,
    /// Name of the location that ships it.
    pub location: String,
    /// Units.
    pub quantity: u32,
    /// Minor units each; 0 where the order gives no prices.
    pub unit_price: u64,
}
