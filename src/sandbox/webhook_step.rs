//! A service behind a webhook step: an ERP, a tax engine, a warehouse partner.
//!
//! Base URL `http://ADDRESS/webhook_step`; the service is the rest of the path (`/erp`, `/tax`),
//! and `/erp/compensate` takes an effect back. Requests carry the signature of the Standard
//! Webhooks specification (`webhook-id`, `webhook-timestamp`, `webhook-signature`); a wrong one,
//! or one more than five minutes old, is refused with 401. The answer is
//! `{"status": "ok" | "declined" | "retry" | "pending", "reference": …, "reason": …}`; `retry` tells
//! `retry_after_ms`, a `pending` step has happened. A repeated `webhook-id` gets its first answer
//! again, except after `retry`. The service `/events` takes any event, also one without an order.
//!
//! `POST /_sandbox/webhook_step/answer?service=tax&status=declined[&reason=TEXT][&count=N]`
//! decides what the next requests to a service are answered.

use super::{Core, Effect, Provider, Reply, Request, sign};
use axum::http::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The documented secret (`webhook_step.secret` in the options).
pub const SECRET: &str = "whsec_b25oYW5kLXNhbmRib3gtd2ViaG9vay1zdGVw";
/// How far a timestamp may be from now, in seconds.
const TOLERANCE_S: u64 = 300;

/// The services behind webhook steps.
#[derive(Debug, Default)]
pub struct WebhookStep {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    scripted: HashMap<Box<str>, Script>,
    answered: HashMap<Box<str>, Value>,
    /// The references that are in force, by service and order.
    standing: HashMap<(Box<str>, Box<str>), Box<str>>,
}

#[derive(Debug)]
struct Script {
    status: &'static str,
    reason: Box<str>,
    left: u64,
}

/// The order that a request is about, wherever its sender wrote it.
fn order(body: &Value) -> Box<str> {
    let places = [
        "/data/order_key",
        "/data/order/key",
        "/data/order/id",
        "/data/order",
        "/data/key",
        "/order_key",
        "/order",
        "/subject",
    ];
    let found = places
        .iter()
        .find_map(|place| body.pointer(place)?.as_str());
    found.unwrap_or_default().into()
}

fn refuse_signature(request: &Request, core: &Core) -> Option<&'static str> {
    let header = |name: &str| request.header(name).unwrap_or_default();
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    if id.is_empty() || time.is_empty() {
        return Some("webhook-id and webhook-timestamp are missing");
    }
    let Ok(at) = time.parse::<u64>() else {
        return Some("webhook-timestamp is no number");
    };
    if at.abs_diff(core.now_ms() / 1_000) > TOLERANCE_S {
        return Some("webhook-timestamp is more than five minutes away");
    }
    let secret = core.secret("webhook_step.secret", SECRET);
    let right = sign::standard(secret, id, time, &request.body);
    let mut given = header("webhook-signature").split(' ');
    let signed = given.any(|one| sign::equal(one.as_bytes(), right.as_bytes()));
    (!signed).then_some("webhook-signature is wrong")
}

impl State {
    /// What a service is told to answer now.
    fn scripted(&mut self, service: &str) -> Option<(&'static str, Box<str>)> {
        let script = self.scripted.get_mut(service)?;
        script.left = script.left.checked_sub(1)?;
        Some((script.status, script.reason.clone()))
    }

    fn step(&mut self, service: &str, order: &str, id: &str, core: &Core) -> Value {
        let (status, reason) = self.scripted(service).unwrap_or(("ok", "".into()));
        if status == "retry" {
            return json!({"status": status, "reference": null, "reason": reason,
                "retry_after_ms": 100});
        }
        if status == "declined" {
            return json!({"status": status, "reference": null, "reason": reason});
        }
        let reference: Box<str> = format!("{service}-{}", core.next_id()).into();
        self.standing
            .insert((service.into(), order.into()), reference.clone());
        record("step", service, order, id, &reference, core);
        json!({"status": status, "reference": reference, "reason": reason})
    }

    fn compensate(&mut self, service: &str, order: &str, id: &str, core: &Core) -> Value {
        match self.standing.remove(&(service.into(), order.into())) {
            Some(reference) => {
                record("compensate", service, order, id, &reference, core);
                json!({"status": "ok", "reference": reference, "reason": null})
            }
            None => json!({"status": "ok", "reference": null, "reason": "nothing to take back"}),
        }
    }
}

fn record(kind: &'static str, service: &str, order: &str, id: &str, reference: &str, core: &Core) {
    core.ledger.record(Effect {
        provider: "webhook_step",
        kind,
        order: order.into(),
        key: Some(id.into()),
        object: format!("{service}:{reference}").into(),
        state: "ok",
        ..Effect::default()
    });
}

impl Provider for WebhookStep {
    fn name(&self) -> &'static str {
        "webhook_step"
    }

    fn operation(&self, request: &Request) -> &'static str {
        if request.path.ends_with("/compensate") {
            "compensate"
        } else {
            "step"
        }
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        Reply::json(status, &json!({"error": "the service failed"}))
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let refuse = |status: u16, text: &str| Reply::json(status, &json!({"error": text}));
        if request.method != Method::POST {
            return refuse(405, "send it with POST");
        }
        if let Some(text) = refuse_signature(request, core) {
            return refuse(401, text);
        }
        let Some(body) = request.json() else {
            return refuse(400, "the body is no JSON");
        };
        let order = order(&body);
        let path = request.path.trim_matches('/');
        let service = path.strip_suffix("/compensate").unwrap_or(path);
        if order.is_empty() && service != "events" {
            return refuse(422, "the body names no order");
        }
        let id = request.header("webhook-id").unwrap_or_default();
        let mut state = self.state.lock();
        let seen: Box<str> = format!("{path} {id}").into();
        if let Some(answer) = state.answered.get(&seen) {
            return Reply::json(200, answer);
        }
        let answer = if path.len() == service.len() {
            state.step(service, &order, id, core)
        } else {
            state.compensate(service, &order, id, core)
        };
        if answer.get("status").and_then(Value::as_str) != Some("retry") {
            state.answered.insert(seen, answer.clone());
        }
        Reply::json(200, &answer)
    }

    fn control(&self, action: &str, request: &Request, _core: &Core) -> Option<Reply> {
        if action != "answer" {
            return None;
        }
        let status = request.query_value("status").unwrap_or_default();
        let known = ["ok", "declined", "retry", "pending"];
        let Some(status) = known.into_iter().find(|known| *known == status) else {
            return Some(super::control::refuse(
                400,
                "status is ok, declined, retry or pending",
            ));
        };
        let service = request.query_value("service").unwrap_or_default();
        let count = request.query_value("count");
        let script = Script {
            status,
            reason: request.query_value("reason").unwrap_or_default().into(),
            left: count.and_then(|text| text.parse().ok()).unwrap_or(u64::MAX),
        };
        self.state.lock().scripted.insert(service.into(), script);
        Some(Reply::empty(204))
    }
}
