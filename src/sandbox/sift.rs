//! Sift: events that are scored, failures in the body's `status`, decisions by webhook.
//!
//! Base URL `http://ADDRESS/sift`. The key is in the body of events and the user of Basic
//! elsewhere. The score is the e-mail address's: `ana+risk72@example.com` scores 0.72; an order of
//! 10,000.00 and more without such an address scores 0.70, others less than 0.30. With
//! `return_workflow_status=true` the decision is `block_order_payment_abuse` from 0.85,
//! `review_order_payment_abuse` from 0.60, else `approve_order_payment_abuse`.
//!
//! `POST /_sandbox/sift/decide?order=ID&decision=DECISION` decides by hand and sends the webhook.
//! The numbers of the error list and the webhook's signature header are not verified.

use super::{Callback, Core, Effect, Provider, Reply, Request, Signing, money, risk, sign};
use axum::http::Method;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The documented API key (`sift.api_key` in the options).
pub const API_KEY: &str = "onhand_sift_key";
/// The documented account id (`sift.account` in the options).
pub const ACCOUNT: &str = "onhand_account";
/// The documented secret of webhooks (`sift.webhook_secret` in the options).
pub const WEBHOOK_SECRET: &str = "onhand_sift_webhook";

/// Sift.
#[derive(Debug, Default)]
pub struct Sift {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The latest risk of each user.
    users: HashMap<Box<str>, u8>,
    /// The latest decision about each order, and when it was made.
    decisions: HashMap<Box<str>, (Box<str>, u64)>,
}

fn refuse(status: u16, code: i32, text: &str) -> Reply {
    let now = jiff::Timestamp::now().as_second();
    let body = json!({"status": code, "error_message": text, "time": now, "request": "{}"});
    Reply::json(status, &body)
}

fn decision(risk: u8) -> &'static str {
    match risk {
        85.. => "block_order_payment_abuse",
        60.. => "review_order_payment_abuse",
        _ => "approve_order_payment_abuse",
    }
}

fn score(risk: u8) -> Value {
    json!({"payment_abuse": {"score": f64::from(risk) / 100.0, "reasons": []}})
}

impl Sift {
    fn event(&self, request: &Request, core: &Core) -> Reply {
        let Some(Value::Object(event)) = request.json() else {
            return refuse(400, 56, "Invalid JSON in request");
        };
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let right = core.secret("sift.api_key", API_KEY);
        if !sign::equal(text("$api_key").as_bytes(), right.as_bytes()) {
            return refuse(
                400,
                51,
                "Invalid API Key. Please check your credentials and try again.",
            );
        }
        for name in ["$type", "$user_id"] {
            if text(name).is_empty() {
                return refuse(400, 55, &format!("Missing required field: {name}"));
            }
        }
        if event.keys().any(|name| name.contains([' ', '.'])) {
            return refuse(400, 52, "Invalid characters in field name");
        }
        let currency = text("$currency_code").to_ascii_lowercase();
        let micros = match event.get("$amount") {
            None => 0,
            Some(amount) => match amount.as_i64() {
                Some(amount) if amount >= 0 => amount,
                _ => return refuse(400, 53, "Invalid value for field: $amount"),
            },
        };
        let amount_minor = micros / 10_i64.pow(6 - money::digits(&currency));
        let risk = risk::of(text("$user_email"), amount_minor);
        let (order, now_ms) = (text("$order_id"), core.now_ms());
        let mut state = self.state.lock();
        state.users.insert(text("$user_id").into(), risk);
        if !order.is_empty() {
            let made = (decision(risk).into(), now_ms);
            state.decisions.insert(order.into(), made);
        }
        drop(state);
        core.ledger.record(Effect {
            provider: "sift",
            kind: "score",
            order: order.into(),
            amount_minor,
            currency: currency.into(),
            object: text("$user_id").into(),
            state: decision(risk),
            ..Effect::default()
        });
        let shown = String::from_utf8_lossy(&request.body);
        let key = text("$api_key");
        let mut body = json!({"status": 0, "error_message": "OK", "time": now_ms / 1_000,
            "request": shown.replace(key, "REDACTED")});
        let asked = |name: &str| request.query_value(name).as_deref() == Some("true");
        if let (true, Some(members)) = (asked("return_score"), body.as_object_mut()) {
            let user = text("$user_id");
            members.insert(
                "score_response".to_owned(),
                scored(user, order, risk, asked("return_workflow_status")),
            );
        }
        Reply::json(200, &body)
    }

    fn read(&self, request: &Request, core: &Core) -> Reply {
        let right = core.secret("sift.api_key", API_KEY);
        let given = request.basic().map(|(key, _)| key).unwrap_or_default();
        if !sign::equal(given.as_bytes(), right.as_bytes()) {
            return refuse(
                401,
                51,
                "Invalid API Key. Please check your credentials and try again.",
            );
        }
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let state = self.state.lock();
        match parts.as_slice() {
            ["v205", "users", user, "score"] => match state.users.get(*user) {
                Some(risk) => {
                    let body = json!({"status": 0, "error_message": "OK", "user_id": user,
                        "entity_type": "user", "entity_id": user, "scores": score(*risk),
                        "latest_decisions": {}});
                    Reply::json(200, &body)
                }
                None => refuse(404, 54, "Specified user_id has no scoreable events"),
            },
            ["v3", "accounts", account, "orders", order, "decisions"] => {
                if *account != core.secret("sift.account", ACCOUNT) {
                    return refuse(404, 55, "No such account");
                }
                let decisions = state.decisions.get(*order).map(|(id, at)| {
                    json!({"payment_abuse": {"decision": {"id": id}, "time": at,
                        "webhook_succeeded": true}})
                });
                Reply::json(
                    200,
                    &json!({"decisions": decisions.unwrap_or_else(|| json!({}))}),
                )
            }
            _ => Reply::text(404, "not found"),
        }
    }
}

fn scored(user: &str, order: &str, risk: u8, workflow: bool) -> Value {
    let mut body = json!({"status": 0, "error_message": "OK", "user_id": user,
        "score": f64::from(risk) / 100.0, "scores": score(risk)});
    if let (true, Some(members)) = (workflow, body.as_object_mut()) {
        let entity = json!({"type": "order", "id": order});
        let status = json!([{"id": "w-1", "state": "finished", "entity": entity,
            "config_display_name": "orders", "history": [{"app": "decision", "name": "decide",
            "state": "finished", "config": {"decision_id": decision(risk)}}]}]);
        members.insert("workflow_statuses".to_owned(), status);
    }
    body
}

impl Provider for Sift {
    fn name(&self) -> &'static str {
        "sift"
    }

    fn operation(&self, request: &Request) -> &'static str {
        match request.method {
            Method::POST => "score",
            _ => "status",
        }
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        match status {
            429 => refuse(429, 60, "Rate limited"),
            400..=499 => refuse(status, 57, "Invalid HTTP body"),
            503 => refuse(
                503,
                -4,
                "Service currently unavailable. Please try again later.",
            ),
            _ => refuse(status, -2, "Unexpected server-side error"),
        }
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        match (&request.method, request.path.as_str()) {
            (&Method::POST, "/v205/events") => self.event(request, core),
            (&Method::GET, _) => self.read(request, core),
            _ => Reply::text(404, "not found"),
        }
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        if action != "decide" {
            return None;
        }
        let order = request.query_value("order").unwrap_or_default();
        let made = request.query_value("decision").unwrap_or_default();
        let now_ms = core.now_ms();
        let mut state = self.state.lock();
        state
            .decisions
            .insert(order.as_str().into(), (made.as_str().into(), now_ms));
        drop(state);
        let body = json!({"entity": {"type": "order", "id": order}, "decision": {"id": made},
            "time": now_ms});
        core.callbacks.send(Callback {
            provider: "sift",
            secret: ("sift.webhook_secret", WEBHOOK_SECRET),
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
            sign: Arc::new(|signing: &Signing| {
                let digest = sign::sha256(signing.secret.as_bytes(), &[&signing.body]);
                let value = format!("sha256={}", hex::encode(digest));
                vec![("x-sift-science-signature", value)]
            }),
        });
        Some(Reply::json(200, &body))
    }
}
