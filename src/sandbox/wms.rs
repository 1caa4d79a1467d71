//! A warehouse management system: takes orders to pick and reports on them by webhook.
//!
//! Base URL `http://ADDRESS/wms`, bearer token, JSON. `POST /orders` with `order` and `lines`
//! accepts an order; sent again it answers the same (`order` is the key). One step later it
//! is shipped, one more later delivered. `POST /orders/ID/cancel` is refused with 409 once it
//! is shipped. Webhooks carry the signature of the Standard Webhooks specification:
//! `{"type": "shipment.shipped" | "shipment.delivered", "timestamp": …, "data": {"order", "status",
//! "carrier", "tracking_number"}}`.
//!
//! `POST /_sandbox/wms/ship?order=ID` and `…/deliver?order=ID` do it at once, also for orders that
//! the warehouse got in another way.

use super::{Callback, Core, Effect, Provider, Reply, Request, Signing, shape, sign};
use axum::http::Method;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The documented bearer token (`wms.token` in the options).
pub const TOKEN: &str = "onhand_wms_token";
/// The documented secret of webhooks (`wms.webhook_secret` in the options).
pub const WEBHOOK_SECRET: &str = "whsec_b25oYW5kLXNhbmRib3gtd21zLXdlYmhvb2s=";

/// A warehouse management system.
#[derive(Debug, Default)]
pub struct Wms {
    orders: Mutex<HashMap<Box<str>, Pick>>,
}

#[derive(Debug)]
struct Pick {
    id: u64,
    status: &'static str,
    body: Bytes,
}

impl Pick {
    fn json(&self, order: &str) -> Value {
        let shipped = ["shipped", "delivered"].contains(&self.status);
        json!({"id": format!("wms_{}", self.id), "order": order, "status": self.status,
            "carrier": shipped.then_some("sandbox"),
            "tracking_number": shipped.then(|| format!("SBX{:010}", self.id))})
    }

    /// Moves on, records it, and reports it where it was shipped or delivered.
    fn move_to(&mut self, status: &'static str, order: &str, core: &Core) {
        self.status = status;
        let kind = match status {
            "accepted" => "order",
            "shipped" => "ship",
            "delivered" => "deliver",
            _ => "cancel",
        };
        core.ledger.record(Effect {
            provider: "wms",
            kind,
            order: order.into(),
            object: format!("wms_{}", self.id).into(),
            state: status,
            ..Effect::default()
        });
        if !["shipped", "delivered"].contains(&status) {
            return;
        }
        let at = i64::try_from(core.now_ms()).unwrap_or_default();
        let date = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
        let body = json!({"type": format!("shipment.{status}"), "timestamp": date.to_string(),
            "data": self.json(order)});
        let id = format!("msg_{}", core.next_id());
        core.callbacks.send(Callback {
            provider: "wms",
            secret: ("wms.webhook_secret", WEBHOOK_SECRET),
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
            sign: Arc::new(move |signing: &Signing| {
                let time = (signing.now_ms / 1_000).to_string();
                let signature = sign::standard(&signing.secret, &id, &time, &signing.body);
                vec![
                    ("webhook-id", id.clone()),
                    ("webhook-timestamp", time),
                    ("webhook-signature", signature),
                ]
            }),
        });
    }
}

fn refuse(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"error": text}))
}

impl Wms {
    fn take(&self, request: &Request, core: &Core) -> Reply {
        let Some(body) = request.json() else {
            return refuse(400, "the body is no JSON");
        };
        let order = body
            .get("order")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let lines = body.get("lines").and_then(Value::as_array);
        let sound = |line: &Value| {
            line.get("sku").is_some_and(Value::is_string)
                && line
                    .get("quantity")
                    .and_then(Value::as_u64)
                    .is_some_and(|count| count > 0)
        };
        if order.is_empty() {
            return refuse(422, "`order` is missing");
        }
        if !lines.is_some_and(|lines| !lines.is_empty() && lines.iter().all(sound)) {
            return refuse(422, "`lines` needs at least one of `sku` and `quantity`");
        }
        let mut orders = self.orders.lock();
        if let Some(pick) = orders.get(order) {
            return if pick.body == request.body {
                Reply::json(200, &pick.json(order))
            } else {
                refuse(409, "the order was sent before with other content")
            };
        }
        let mut pick = Pick {
            id: core.next_id(),
            status: "accepted",
            body: request.body.clone(),
        };
        pick.move_to("accepted", order, core);
        shape::next_step(core, "wms", order);
        let shown = pick.json(order);
        orders.insert(order.into(), pick);
        Reply::json(201, &shown)
    }

    fn cancel(&self, order: &str, core: &Core) -> Reply {
        match self.orders.lock().get_mut(order) {
            None => refuse(404, "no such order"),
            Some(pick) => match pick.status {
                "shipped" | "delivered" => refuse(409, "the order is shipped"),
                "cancelled" => Reply::json(200, &pick.json(order)),
                _ => {
                    pick.move_to("cancelled", order, core);
                    Reply::json(200, &pick.json(order))
                }
            },
        }
    }
}

impl Provider for Wms {
    fn name(&self) -> &'static str {
        "wms"
    }

    fn operation(&self, request: &Request) -> &'static str {
        match request.method {
            Method::POST if request.path.ends_with("/cancel") => "cancel",
            Method::POST => "order",
            _ => "status",
        }
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        refuse(status, "the warehouse cannot answer")
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let given = request.bearer().unwrap_or_default();
        if !sign::equal(given.as_bytes(), core.secret("wms.token", TOKEN).as_bytes()) {
            return refuse(401, "the bearer token is missing or wrong");
        }
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&request.method, parts.as_slice()) {
            (&Method::POST, ["orders"]) => self.take(request, core),
            (&Method::POST, ["orders", order, "cancel"]) => self.cancel(order, core),
            (&Method::GET, ["orders", order]) => match self.orders.lock().get(*order) {
                Some(pick) => Reply::json(200, &pick.json(order)),
                None => refuse(404, "no such order"),
            },
            _ => refuse(404, "no such route"),
        }
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        let status = match action {
            "ship" => "shipped",
            "deliver" => "delivered",
            _ => return None,
        };
        let order = request.query_value("order").unwrap_or_default();
        let mut orders = self.orders.lock();
        let pick = orders.entry(order.as_str().into()).or_insert_with(|| Pick {
            id: core.next_id(),
            status: "accepted",
            body: Bytes::new(),
        });
        pick.move_to(status, &order, core);
        Some(Reply::json(200, &pick.json(&order)))
    }

    fn timer(&self, token: &str, core: &Core) {
        if let Some(pick) = self.orders.lock().get_mut(token) {
            match pick.status {
                "accepted" => {
                    pick.move_to("shipped", token, core);
                    shape::next_step(core, "wms", token);
                }
                "shipped" => pick.move_to("delivered", token, core),
                _ => {}
            }
        }
    }
}
