//! Signifyd: checkout and sale events with a decision, later changes by webhook.
//!
//! Base URL `http://ADDRESS/signifyd`. The key is the user of Basic. The decision is written in
//! `purchase.confirmationEmail`:
//!
//! | address | decision |
//! |---|---|
//! | `ana+challenge@…`, `ana+credit@…`, `ana+reject@…` | CHALLENGE, CREDIT, REJECT |
//! | `ana+hold@…` | HOLD, until someone decides |
//! | `ana+slow@…` | HOLD, and ACCEPT by webhook one step time later |
//! | `ana+riskN@…` | score 1000 − 10 N; REJECT from 85, HOLD from 60, else ACCEPT |
//! | others | ACCEPT |
//!
//! `POST /_sandbox/signifyd/decide?order=ID&action=ACCEPT` decides and sends the webhook. The same
//! `orderId` updates the order, at most 100 times. `GET /v3/orders/ID/decision` reads a decision
//! back; its path and the webhook's `signifyd-topic` are not verified.

use super::{Callback, Core, Effect, Provider, Reply, Request, Signing, money, risk, shape, sign};
use axum::http::Method;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The documented API key (`signifyd.api_key` in the options).
pub const API_KEY: &str = "onhand_signifyd_key";
/// The documented secret of webhooks (`signifyd.webhook_secret` in the options).
pub const WEBHOOK_SECRET: &str = "onhand_signifyd_webhook";
/// How often one order can be sent.
const MOST_UPDATES: u32 = 100;
const ACTIONS: [&str; 5] = ["ACCEPT", "CHALLENGE", "CREDIT", "HOLD", "REJECT"];
const GATEWAY: [&str; 8] = [
    "SUCCESS",
    "PENDING",
    "FAILURE",
    "INITIAL",
    "ERROR",
    "CANCELLED",
    "EXPIRED",
    "SOFTDECLINE",
];

/// Signifyd.
#[derive(Debug, Default)]
pub struct Signifyd {
    cases: Mutex<HashMap<Box<str>, Case>>,
}

#[derive(Clone, Debug)]
struct Case {
    id: u64,
    checkout: Box<str>,
    order: Box<str>,
    action: &'static str,
    reason: &'static str,
    score: u16,
    decided_ms: u64,
    updates: u32,
}

impl Case {
    fn json(&self) -> Value {
        let at = i64::try_from(self.decided_ms).unwrap_or_default();
        let date = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
        json!({
            "signifydId": self.id,
            "checkoutId": self.checkout,
            "orderId": self.order,
            "decision": {
                "createdAt": date.to_string(),
                "checkpointAction": self.action,
                "checkpointActionReason": self.reason,
                "checkpointActionPolicy": "SIGNIFYD_RECOMMENDATION",
                "score": self.score,
            },
            "coverage": {"fraudChargebacks": {"amount": 0, "currency": "USD"}},
        })
    }

    fn decide(&mut self, action: &'static str, reason: &'static str, core: &Core) {
        (self.action, self.reason) = (action, reason);
        self.decided_ms = core.now_ms();
        core.ledger.record(Effect {
            provider: "signifyd",
            kind: "decision",
            order: self.order.clone(),
            object: self.id.to_string().into(),
            state: action,
            ..Effect::default()
        });
        let body = Bytes::from(self.json().to_string());
        core.callbacks.send(Callback {
            provider: "signifyd",
            secret: ("signifyd.webhook_secret", WEBHOOK_SECRET),
            content_type: "application/json",
            body,
            sign: Arc::new(|signing: &Signing| {
                let digest = sign::sha256(signing.secret.as_bytes(), &[&signing.body]);
                vec![
                    ("signifyd-checkpoint", "CHECKOUT".to_owned()),
                    (
                        "signifyd-topic",
                        "ORDER_CHECKPOINT_ACTION_UPDATE".to_owned(),
                    ),
                    ("signifyd-sec-hmac-sha256", sign::base64(&digest)),
                ]
            }),
        });
    }
}

fn refuse(status: u16, text: &str, errors: &Value, core: Option<&Core>) -> Reply {
    let trace = core.map_or(0, Core::next_id);
    let body = json!({"messages": [text], "traceId": format!("{trace:016x}"), "errors": errors});
    Reply::json(status, &body)
}

/// What is missing or wrong, by path.
fn check(body: &Value, sale: bool) -> Value {
    let mut errors = serde_json::Map::new();
    let mut require = |path: &str, sound: &dyn Fn(&Value) -> bool| {
        let pointer = format!("/{}", path.replace('.', "/"));
        if !body.pointer(&pointer).is_some_and(sound) {
            errors.insert(path.to_owned(), json!(["is missing or invalid"]));
        }
    };
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let list = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
    let amount = |value: &Value| value.as_f64().is_some_and(|amount| amount >= 0.0);
    require("orderId", &text);
    if !sale {
        require("checkoutId", &text);
    }
    require("purchase.createdAt", &text);
    require("purchase.currency", &text);
    require("purchase.totalPrice", &amount);
    require("purchase.products", &list);
    if sale {
        require("transactions", &list);
    }
    Value::Object(errors)
}

/// What the address asks for: action, reason, score.
fn judged(email: &str, amount_minor: i64) -> (&'static str, &'static str, u16) {
    let risk = risk::of(email, amount_minor);
    let score = 1_000 - 10 * u16::from(risk);
    let tag = risk::tag(email).unwrap_or_default();
    match (tag, risk) {
        ("challenge", _) => ("CHALLENGE", "Asked for by the address", score),
        ("credit", _) => ("CREDIT", "Asked for by the address", score),
        ("reject", _) => ("REJECT", "Asked for by the address", score),
        ("hold" | "slow", _) => ("HOLD", "Asked for by the address", score),
        (_, 85..) => ("REJECT", "High risk", score),
        (_, 60..) => ("HOLD", "In review", score),
        _ => ("ACCEPT", "Low risk", score),
    }
}

impl Signifyd {
    fn order(&self, request: &Request, core: &Core, sale: bool) -> Reply {
        let Some(body) = request.json() else {
            return refuse(400, "The body is no JSON", &json!({}), Some(core));
        };
        let errors = check(&body, sale);
        if errors.as_object().is_some_and(|errors| !errors.is_empty()) {
            return refuse(400, "Validation failed", &errors, Some(core));
        }
        if let Some(refused) = refuse_gateway(&body, core) {
            return refused;
        }
        let text = |pointer: &str| {
            body.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let currency = text("/purchase/currency");
        let total = body.pointer("/purchase/totalPrice").map(Value::to_string);
        let amount_minor = total
            .and_then(|text| money::minor(&text, currency))
            .unwrap_or_default();
        let email = text("/purchase/confirmationEmail");
        let (action, reason, score) = judged(email, amount_minor);
        let order = text("/orderId");
        let mut cases = self.cases.lock();
        let known = cases.get(order).map(|case| (case.id, case.updates));
        let (id, updates) = known.unwrap_or_else(|| (core.next_id(), 0));
        if updates >= MOST_UPDATES {
            let text = "The order was updated too often";
            return refuse(409, text, &json!({"orderId": [text]}), Some(core));
        }
        let case = Case {
            id,
            checkout: text("/checkoutId").into(),
            order: order.into(),
            action,
            reason,
            score,
            decided_ms: core.now_ms(),
            updates: updates + 1,
        };
        let shown = case.json();
        cases.insert(order.into(), case);
        drop(cases);
        core.ledger.record(Effect {
            provider: "signifyd",
            kind: "score",
            order: order.into(),
            amount_minor,
            currency: currency.to_ascii_lowercase().into(),
            object: id.to_string().into(),
            state: action,
            ..Effect::default()
        });
        if risk::tag(email) == Some("slow") {
            shape::next_step(core, "signifyd", order);
        }
        Reply::json(if known.is_none() { 201 } else { 200 }, &shown)
    }

    fn transactions(&self, request: &Request, core: &Core) -> Reply {
        let Some(body) = request.json() else {
            return refuse(400, "The body is no JSON", &json!({}), Some(core));
        };
        if let Some(refused) = refuse_gateway(&body, core) {
            return refused;
        }
        let checkout = body
            .get("checkoutId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let listed = body.get("transactions").and_then(Value::as_array);
        if checkout.is_empty() || listed.is_none_or(Vec::is_empty) {
            let errors = json!({"checkoutId": ["required"], "transactions": ["required"]});
            return refuse(400, "Validation failed", &errors, Some(core));
        }
        let order = body
            .get("orderId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let cases = self.cases.lock();
        let found = cases.get(order).filter(|case| &*case.checkout == checkout);
        let found = found.or_else(|| cases.values().find(|case| &*case.checkout == checkout));
        match found {
            Some(case) => {
                core.ledger.record(Effect {
                    provider: "signifyd",
                    kind: "payment_result",
                    order: case.order.clone(),
                    object: case.id.to_string().into(),
                    state: gateway_status(&body),
                    ..Effect::default()
                });
                Reply::json(201, &case.json())
            }
            None => refuse(404, "No such checkout", &json!({}), Some(core)),
        }
    }

    fn read(&self, order: &str, core: &Core) -> Reply {
        match self.cases.lock().get(order) {
            Some(case) => Reply::json(200, &case.json()),
            None => refuse(404, "No such order", &json!({}), Some(core)),
        }
    }
}

/// What the latest transaction of a report says.
fn gateway_status(body: &Value) -> &'static str {
    let listed = body.get("transactions").and_then(Value::as_array);
    let last = listed.and_then(|listed| listed.last());
    let said = last.and_then(|one| one.get("gatewayStatusCode"));
    let said = said.and_then(Value::as_str).unwrap_or_default();
    let known = GATEWAY.iter().find(|known| **known == said);
    known.copied().unwrap_or_default()
}

fn refuse_gateway(body: &Value, core: &Core) -> Option<Reply> {
    let listed = body.get("transactions").and_then(Value::as_array)?;
    let wrong = listed.iter().any(|one| {
        let status = one.get("gatewayStatusCode").and_then(Value::as_str);
        !status.is_some_and(|status| GATEWAY.contains(&status))
    });
    let errors = json!({"transactions.gatewayStatusCode": ["is missing or invalid"]});
    wrong.then(|| refuse(400, "Validation failed", &errors, Some(core)))
}

impl Provider for Signifyd {
    fn name(&self) -> &'static str {
        "signifyd"
    }

    fn operation(&self, request: &Request) -> &'static str {
        match (&request.method, request.path.as_str()) {
            (&Method::POST, "/v3/orders/events/transactions") => "transaction",
            (&Method::POST, _) => "score",
            _ => "status",
        }
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        refuse(status, "The request could not be handled", &json!({}), None)
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let right = core.secret("signifyd.api_key", API_KEY);
        let given = request.basic().map(|(key, _)| key).unwrap_or_default();
        if !sign::equal(given.as_bytes(), right.as_bytes()) {
            return refuse(401, "Unauthorized", &json!({}), Some(core));
        }
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&request.method, parts.as_slice()) {
            (&Method::POST, ["v3", "orders", "events", "checkouts"]) => {
                self.order(request, core, false)
            }
            (&Method::POST, ["v3", "orders", "events", "sales"]) => self.order(request, core, true),
            (&Method::POST, ["v3", "orders", "events", "transactions"]) => {
                self.transactions(request, core)
            }
            (&Method::GET, ["v3", "orders", order, "decision"]) => self.read(order, core),
            _ => refuse(404, "Not found", &json!({}), Some(core)),
        }
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        if action != "decide" {
            return None;
        }
        let wanted = request.query_value("action").unwrap_or_default();
        let Some(wanted) = ACTIONS.iter().find(|known| **known == wanted) else {
            let text = format!("action must be one of {}", ACTIONS.join(", "));
            return Some(super::control::refuse(400, &text));
        };
        let order = request.query_value("order").unwrap_or_default();
        let mut cases = self.cases.lock();
        Some(match cases.get_mut(order.as_str()) {
            Some(case) => {
                case.decide(wanted, "Decided by hand", core);
                Reply::json(200, &case.json())
            }
            None => super::control::refuse(404, &format!("signifyd has no order `{order}`")),
        })
    }

    fn timer(&self, token: &str, core: &Core) {
        if let Some(case) = self.cases.lock().get_mut(token)
            && case.action == "HOLD"
        {
            case.decide("ACCEPT", "Reviewed", core);
        }
    }
}
