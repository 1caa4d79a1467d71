//! PaymentIntents and refunds: their states, and what changes them.

use super::error::Failure;
use super::refund::Refund;
use super::{card, event};
use crate::sandbox::{Core, Effect, shape};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// All PaymentIntents and refunds.
#[derive(Debug, Default)]
pub(super) struct Intents {
    by_id: HashMap<Box<str>, Intent>,
    by_order: HashMap<Box<str>, Vec<Box<str>>>,
    /// All ids, the oldest first.
    listed: Vec<Box<str>>,
    refunds: HashMap<Box<str>, Refund>,
}

/// Names and values of `metadata[…]`.
pub(super) type Metadata = Vec<(Box<str>, Box<str>)>;

/// Which PaymentIntents a list shows.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Created within these seconds since the Unix epoch.
    pub(super) created: (u64, u64),
    /// Only behind this one.
    pub(super) after: Option<String>,
    /// At most so many.
    pub(super) most: usize,
}

/// A PaymentIntent.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) id: Box<str>,
    pub(super) amount: i64,
    pub(super) currency: Box<str>,
    pub(super) manual: bool,
    pub(super) status: &'static str,
    pub(super) method: Option<Box<str>>,
    pub(super) metadata: Metadata,
    pub(super) description: Option<Box<str>>,
    received: i64,
    refunded: i64,
    charge: Option<Box<str>>,
    declined: Option<Value>,
    reason: Option<Box<str>>,
    created_s: u64,
    refunds: Vec<Box<str>>,
}

/// A value of the metadata.
fn value<'a>(metadata: &'a Metadata, name: &str) -> Option<&'a str> {
    let mut found = metadata.iter();
    found
        .find(|(known, _)| &**known == name)
        .map(|(_, value)| &**value)
}

/// The metadata as JSON.
pub(super) fn shown(metadata: &Metadata) -> Map<String, Value> {
    let pairs = metadata.iter();
    pairs
        .map(|(name, value)| (name.to_string(), json!(value)))
        .collect()
}

impl Intent {
    pub(super) fn new(amount: i64, currency: &str, manual: bool, core: &Core) -> Self {
        Self {
            id: format!("pi_{:016}", core.next_id()).into(),
            amount,
            currency: currency.to_ascii_lowercase().into(),
            manual,
            status: "requires_payment_method",
            method: None,
            metadata: Vec::new(),
            description: None,
            received: 0,
            refunded: 0,
            charge: None,
            declined: None,
            reason: None,
            created_s: core.now_ms() / 1_000,
            refunds: Vec::new(),
        }
    }

    fn order(&self) -> &str {
        self.metadata("order_id").unwrap_or_default()
    }

    pub(super) fn metadata(&self, name: &str) -> Option<&str> {
        value(&self.metadata, name)
    }

    pub(super) fn json(&self) -> Value {
        let action = json!({"type": "redirect_to_url", "redirect_to_url":
            {"url": format!("https://hooks.stripe.example/3d_secure/{}", self.id)}});
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": if self.status == "requires_capture" { self.amount } else { 0 },
            "amount_received": self.received,
            "cancellation_reason": self.reason,
            "capture_method": if self.manual { "manual" } else { "automatic" },
            "client_secret": format!("{}_secret_onhand", self.id),
            "created": self.created_s,
            "currency": self.currency,
            "description": self.description,
            "last_payment_error": self.declined,
            "latest_charge": self.charge,
            "livemode": false,
            "metadata": shown(&self.metadata),
            "next_action": (self.status == "requires_action").then_some(action),
            "payment_method": self.method,
            "payment_method_types": ["card"],
            "status": self.status,
        })
    }

    fn charge_json(&self) -> Value {
        json!({
            "id": self.charge,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.received,
            "amount_refunded": self.refunded,
            "captured": self.received > 0,
            "currency": self.currency,
            "livemode": false,
            "metadata": shown(&self.metadata),
            "payment_intent": self.id,
            "refunded": self.received > 0 && self.refunded == self.received,
            "status": "succeeded",
        })
    }

    fn record(&self, kind: &'static str, amount: i64, key: Option<&str>, core: &Core) {
        core.ledger.record(Effect {
            provider: "stripe",
            kind,
            order: self.order().into(),
            amount_minor: amount,
            currency: self.currency.clone(),
            key: key.map(Into::into),
            reference: self.metadata("effect").map(Into::into),
            object: self.id.clone(),
            state: self.status,
            ..Effect::default()
        });
    }

    fn announce(&self, kind: &str, core: &Core) {
        event::send(kind, &self.json(), core);
    }

    /// Authorises, and captures where that is automatic.
    fn authorise(&mut self, key: Option<&str>, core: &Core) {
        self.charge = Some(format!("ch_{:016}", core.next_id()).into());
        self.declined = None;
        self.status = "requires_capture";
        self.record("authorise", self.amount, key, core);
        if self.manual {
            self.announce("payment_intent.amount_capturable_updated", core);
        } else {
            self.status = "succeeded";
            self.received = self.amount;
            self.record("capture", self.amount, key, core);
            self.announce("payment_intent.succeeded", core);
        }
    }

    fn decline(&mut self, code: &str, reason: &str, text: &str, key: Option<&str>, core: &Core) {
        let charge = format!("ch_{:016}", core.next_id());
        let mut error = json!({"type": "card_error", "code": code, "message": text,
            "charge": charge,
            "doc_url": format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))});
        if let (false, Some(members)) = (reason.is_empty(), error.as_object_mut()) {
            members.insert("decline_code".to_owned(), json!(reason));
        }
        self.charge = Some(charge.into());
        self.declined = Some(error);
        self.status = "requires_payment_method";
        self.record("decline", self.amount, key, core);
        self.announce("payment_intent.payment_failed", core);
    }

    /// Confirms with the payment method that is set.
    fn confirm(&mut self, key: Option<&str>, core: &Core) -> Result<(), Failure> {
        let method = self.method.clone().unwrap_or_default();
        if let Some((code, reason, text)) = card::declined(&method) {
            self.decline(code, reason, text, key, core);
            let error = self.declined.clone().unwrap_or_default();
            return Err(Failure::declined(&error, self.json()));
        }
        if method.ends_with("authenticationRequired") {
            self.status = "requires_action";
            self.record("challenge", self.amount, key, core);
            self.announce("payment_intent.requires_action", core);
        } else if method.starts_with("pm_sandbox_processing") {
            self.status = "processing";
            self.announce("payment_intent.processing", core);
            shape::next_step(core, "stripe", &self.id);
        } else {
            self.authorise(key, core);
        }
        Ok(())
    }
}

impl Intents {
    /// The PaymentIntent of this id.
    pub(super) fn get(&self, id: &str) -> Result<&Intent, Failure> {
        let found = self.by_id.get(id);
        found.ok_or_else(|| Failure::no_such("payment_intent", "intent", id))
    }

    fn get_mut(&mut self, id: &str) -> Result<&mut Intent, Failure> {
        let found = self.by_id.get_mut(id);
        found.ok_or_else(|| Failure::no_such("payment_intent", "intent", id))
    }

    /// All PaymentIntents whose metadata names this order, the oldest first.
    pub(super) fn of_order(&self, order: &str) -> Vec<&Intent> {
        let ids = self.by_order.get(order).into_iter().flatten();
        ids.filter_map(|id| self.by_id.get(id)).collect()
    }

    /// A page of PaymentIntents, the newest first, and whether there are more.
    pub(super) fn page(&self, page: &Page) -> (Vec<&Intent>, bool) {
        let ids = self.listed.iter().rev();
        let after = page.after.as_deref();
        let mut found = ids
            .skip_while(|id| after.is_some_and(|after| after != &***id))
            .skip(usize::from(after.is_some()))
            .filter_map(|id| self.by_id.get(id))
            .skip_while(|intent| intent.created_s > page.created.1)
            .take_while(|intent| intent.created_s >= page.created.0);
        let shown = found.by_ref().take(page.most).collect();
        (shown, found.next().is_some())
    }

    /// All PaymentIntents with this metadata, the newest first.
    pub(super) fn with(&self, name: &str, value: &str) -> Vec<&Intent> {
        let ids = self.listed.iter().rev();
        ids.filter_map(|id| self.by_id.get(id))
            .filter(|intent| intent.metadata(name) == Some(value))
            .collect()
    }

    /// Takes in a new PaymentIntent, and confirms it where that is asked.
    pub(super) fn create(
        &mut self,
        mut intent: Intent,
        confirm: bool,
        key: Option<&str>,
        core: &Core,
    ) -> Result<Value, Failure> {
        if intent.method.is_some() {
            intent.status = "requires_confirmation";
        }
        let outcome = if confirm {
            intent.confirm(key, core)
        } else {
            Ok(())
        };
        let shown = intent.json();
        if !intent.order().is_empty() {
            let order = intent.order().into();
            let ids = self.by_order.entry(order).or_default();
            ids.push(intent.id.clone());
        }
        self.listed.push(intent.id.clone());
        self.by_id.insert(intent.id.clone(), intent);
        outcome.map(|()| shown)
    }

    pub(super) fn confirm(
        &mut self,
        id: &str,
        method: Option<&str>,
        key: Option<&str>,
        core: &Core,
    ) -> Result<Value, Failure> {
        const ALLOWED: &str = "requires_payment_method, requires_confirmation, requires_action";
        let intent = self.get_mut(id)?;
        if !ALLOWED.split(", ").any(|allowed| allowed == intent.status) {
            let shown = intent.json();
            return Err(Failure::state("confirmed", intent.status, ALLOWED, shown));
        }
        if let Some(method) = method {
            intent.method = Some(method.into());
        }
        if intent.method.is_none() {
            return Err(Failure::missing("payment_method"));
        }
        intent.confirm(key, core)?;
        Ok(intent.json())
    }

    pub(super) fn capture(
        &mut self,
        id: &str,
        amount: Option<i64>,
        key: Option<&str>,
        core: &Core,
    ) -> Result<Value, Failure> {
        let intent = self.get_mut(id)?;
        if intent.status != "requires_capture" {
            let shown = intent.json();
            return Err(Failure::state(
                "captured",
                intent.status,
                "requires_capture",
                shown,
            ));
        }
        let amount = amount.unwrap_or(intent.amount);
        if amount > intent.amount {
            let message = "The amount to capture is greater than the amount that is authorized.";
            return Err(Failure::too_large("amount_to_capture", message));
        }
        intent.status = "succeeded";
        intent.received = amount;
        intent.record("capture", amount, key, core);
        intent.announce("payment_intent.succeeded", core);
        Ok(intent.json())
    }

    pub(super) fn cancel(
        &mut self,
        id: &str,
        reason: &str,
        key: Option<&str>,
        core: &Core,
    ) -> Result<Value, Failure> {
        const ALLOWED: &str = "requires_payment_method, requires_capture, requires_confirmation, \
                               requires_action, processing";
        let intent = self.get_mut(id)?;
        if !ALLOWED.split(", ").any(|allowed| allowed == intent.status) {
            let shown = intent.json();
            return Err(Failure::state("canceled", intent.status, ALLOWED, shown));
        }
        let held = intent.status == "requires_capture";
        intent.status = "canceled";
        intent.reason = (!reason.is_empty()).then(|| reason.into());
        let kind = if held { "void" } else { "cancel" };
        intent.record(kind, intent.amount, key, core);
        intent.announce("payment_intent.canceled", core);
        Ok(intent.json())
    }

    pub(super) fn refund(
        &mut self,
        id: &str,
        amount: Option<i64>,
        told: (Option<&str>, Metadata),
        key: Option<&str>,
        core: &Core,
    ) -> Result<Value, Failure> {
        let (reason, metadata) = told;
        let found = self.by_id.get_mut(id);
        let intent =
            found.ok_or_else(|| Failure::no_such("payment_intent", "payment_intent", id))?;
        let Some(charge) = intent.charge.clone().filter(|_| intent.received > 0) else {
            return Err(Failure::nothing_to_refund(id));
        };
        let left = intent.received - intent.refunded;
        if left == 0 {
            return Err(Failure::refunded(&charge));
        }
        let amount = amount.unwrap_or(left);
        if amount > left {
            let message = format!(
                "Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            );
            return Err(Failure::too_large("amount", message));
        }
        intent.refunded += amount;
        let refund = Refund {
            metadata,
            id: format!("re_{:016}", core.next_id()).into(),
            intent: intent.id.clone(),
            charge,
            amount,
            currency: intent.currency.clone(),
            reason: reason.map(Into::into),
            created_s: core.now_ms() / 1_000,
        };
        core.ledger.record(Effect {
            provider: "stripe",
            kind: "refund",
            order: intent.order().into(),
            amount_minor: amount,
            currency: intent.currency.clone(),
            key: key.map(Into::into),
            reference: value(&refund.metadata, "effect").map(Into::into),
            object: refund.id.clone(),
            state: "succeeded",
            ..Effect::default()
        });
        event::send("charge.refunded", &intent.charge_json(), core);
        let shown = refund.json();
        intent.refunds.push(refund.id.clone());
        self.refunds.insert(refund.id.clone(), refund);
        Ok(shown)
    }

    pub(super) fn refund_json(&self, id: &str) -> Result<Value, Failure> {
        let found = self.refunds.get(id).map(Refund::json);
        found.ok_or_else(|| Failure::no_such("refund", "id", id))
    }

    /// The refunds of a PaymentIntent, the newest first.
    pub(super) fn refunds_of(&self, intent: &str) -> Vec<Value> {
        let found = self.by_id.get(intent);
        let ids = found
            .into_iter()
            .flat_map(|intent| intent.refunds.iter().rev());
        ids.filter_map(|id| self.refunds.get(id))
            .map(Refund::json)
            .collect()
    }

    /// The buyer completes, or fails, what `requires_action` asks for.
    pub(super) fn complete_action(
        &mut self,
        id: &str,
        passes: bool,
        core: &Core,
    ) -> Result<Value, Failure> {
        let intent = self.get_mut(id)?;
        if intent.status != "requires_action" {
            let shown = intent.json();
            return Err(Failure::state(
                "completed",
                intent.status,
                "requires_action",
                shown,
            ));
        }
        if passes {
            intent.authorise(None, core);
        } else {
            let text = "The provided PaymentMethod has failed authentication.";
            intent.decline(
                "payment_intent_authentication_failure",
                "",
                text,
                None,
                core,
            );
        }
        Ok(intent.json())
    }

    /// A payment that is `processing` comes to its end.
    pub(super) fn finish_processing(&mut self, id: &str, core: &Core) {
        if let Some(intent) = self.by_id.get_mut(id)
            && intent.status == "processing"
        {
            if intent
                .method
                .as_deref()
                .is_some_and(|method| method.ends_with("_fails"))
            {
                let text = "Your card was declined.";
                intent.decline("card_declined", "generic_decline", text, None, core);
            } else {
                intent.authorise(None, core);
            }
        }
    }
}
