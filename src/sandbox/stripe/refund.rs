//! Refunds as they are shown.

use super::intent::{Metadata, shown};
use serde_json::{Value, json};

/// A refund.
#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) metadata: Metadata,
    pub(super) id: Box<str>,
    pub(super) intent: Box<str>,
    pub(super) charge: Box<str>,
    pub(super) amount: i64,
    pub(super) currency: Box<str>,
    pub(super) reason: Option<Box<str>>,
    pub(super) created_s: u64,
}

impl Refund {
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "charge": self.charge,
            "created": self.created_s,
            "currency": self.currency,
            "metadata": shown(&self.metadata),
            "payment_intent": self.intent,
            "reason": self.reason,
            "status": "succeeded",
        })
    }
}
