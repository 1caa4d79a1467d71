//! ShipStation, API V1: the warehouse. Orders come in, are packed and leave.
//!
//! An order that waits for shipment leaves by itself one step later; then its shipment can be read
//! and `SHIP_NOTIFY` says where. Where the world stands still (a step of 0 ms), an order leaves by
//! `markasshipped`, by a label, or by `POST /_sandbox/shipstation/ship?order=KEY`.

use super::shape::{At, Object, date, members, next_step, note, origin, text};
use super::{Callback, Core, Limit, LimitState, Provider, Reply, Request};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const NAME: &str = "shipstation";

const LIMITS: &[Limit] = &[Limit::all(40, 60_000)];

/// The key of Basic authentication.
pub const KEY: &str = "sandbox-shipstation-key";

/// The secret of Basic authentication.
pub const SECRET: &str = "sandbox-shipstation-secret";

/// The header that carries [`CALLBACK_SECRET`] on a callback.
pub const CALLBACK_HEADER: &str = "x-shipstation-secret";

/// What shows the engine that a callback is the sandbox's.
pub const CALLBACK_SECRET: &str = "sandbox-shipstation-callback";

const STATUSES: [&str; 6] = [
    "awaiting_payment",
    "awaiting_shipment",
    "shipped",
    "on_hold",
    "cancelled",
    "pending_fulfillment",
];

const ORDERS_PER_CALL_MAX: usize = 100;

const NUMBER_CHARS_MAX: usize = 50;

/// The provider.
#[derive(Debug, Default)]
pub struct ShipStation {
    account: Mutex<Account>,
}

impl Provider for ShipStation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn operation(&self, request: &Request) -> &'static str {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/orders/createorder" | "/orders/createorders") => "create_order",
            ("POST", "/orders/markasshipped") => "mark_shipped",
            ("POST", "/orders/createlabelfororder") => "label",
            ("POST", "/shipments/voidlabel") => "void_label",
            ("DELETE", _) => "delete_order",
            _ => "read",
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn refuse_limit(&self, request: &Request, at: LimitState) -> Reply {
        limited(self.fail(request, 429), Some(at))
    }

    fn fail(&self, _: &Request, status: u16) -> Reply {
        let message = match status {
            429 => "Too Many Requests",
            _ => "An error has occurred.",
        };
        Reply::json(status, &json!({"Message": message}))
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let (key, secret) = (
            core.secret("shipstation.key", KEY),
            core.secret("shipstation.secret", SECRET),
        );
        if request.basic() != Some((key.to_owned(), secret.to_owned())) {
            return Reply::text(401, "401 Unauthorized");
        }
        let mut account = self.account.lock();
        account.origin = origin(request);
        limited(account.route(request, core), request.limit)
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        let mut account = self.account.lock();
        let key = request.query_value("order")?;
        let id = account.by_key.get(&key).copied()?;
        (action == "ship").then(|| {
            let left = account.leave(id, core);
            Reply::json(200, &json!({"shipped": left}))
        })
    }

    fn timer(&self, token: &str, core: &Core) {
        if let Ok(id) = token.parse() {
            self.account.lock().leave(id, core);
        }
    }
}

fn limited(reply: Reply, at: Option<LimitState>) -> Reply {
    let at = at.unwrap_or(LimitState {
        most: 40,
        remaining: 40,
        reset_ms: 60_000,
        window_ms: 60_000,
    });
    reply
        .with("x-rate-limit-limit", at.most.to_string())
        .with("x-rate-limit-remaining", at.remaining.to_string())
        .with(
            "x-rate-limit-reset",
            at.reset_ms.div_ceil(1_000).to_string(),
        )
}

/// The state of the account.
#[derive(Debug, Default)]
struct Account {
    orders: BTreeMap<u64, Object>,
    by_key: HashMap<String, u64>,
    by_number: BTreeMap<String, Vec<u64>>,
    shipments: BTreeMap<u64, Object>,
    origin: String,
}

impl Account {
    fn route(&mut self, request: &Request, core: &Core) -> Reply {
        let parts = request.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["orders"]) => self.list_orders(request),
            ("GET", ["shipments"]) => self.list_shipments(request),
            ("GET", ["orders", id]) => match self.order(id) {
                Some(order) => Reply::json(200, &Value::Object(order.clone())),
                None => not_found("order"),
            },
            ("DELETE", ["orders", id]) => self.delete(id, core),
            ("POST", path) => {
                let Some(Value::Object(body)) = request.json() else {
                    if path == ["orders", "createorders"] {
                        return self.create_many(request, core);
                    }
                    return refused(&[("apiRequest", "The request body is not valid JSON.")]);
                };
                match path {
                    ["orders", "createorder"] => match self.create(body, core) {
                        Ok(order) => Reply::json(200, &Value::Object(order)),
                        Err(reply) => reply,
                    },
                    ["orders", "markasshipped"] => self.mark(&body, core),
                    ["orders", "createlabelfororder"] => self.label(&body, core),
                    ["shipments", "voidlabel"] => self.void(&body, core),
                    _ => not_found("resource"),
                }
            }
            _ => not_found("resource"),
        }
    }

    fn order(&self, id: &str) -> Option<&Object> {
        self.orders.get(&id.parse().ok()?)
    }

    fn create(&mut self, body: Object, core: &Core) -> Result<Object, Reply> {
        check_order(&body)?;
        let number = text(&body, "orderNumber");
        let key = match text(&body, "orderKey") {
            key if key.is_empty() => format!("manual-{:08}", self.orders.len() + 1),
            key => key,
        };
        let known = self.by_key.get(&key).copied();
        let before = known.and_then(|id| self.orders.get(&id));
        if let Some(status) = before.map(|order| text(order, "orderStatus"))
            && matches!(status.as_str(), "shipped" | "cancelled")
        {
            let message = format!("Order {number} is {status} and cannot be changed.");
            return Err(refused(&[("apiOrder.orderStatus", &message)]));
        }
        let created = before.map_or_else(
            || date(core.now_ms(), DATE),
            |order| text(order, "createDate"),
        );
        let id = known.unwrap_or(100_000_001 + self.orders.len() as u64);
        let mut order = body;
        order.insert("orderId".to_owned(), json!(id));
        order.insert("orderKey".to_owned(), json!(key));
        order.insert("createDate".to_owned(), json!(created));
        order.insert("modifyDate".to_owned(), json!(date(core.now_ms(), DATE)));
        order.entry("items").or_insert_with(|| json!([]));
        self.keep(id, &order, core);
        let data = json!({"number": number, "status": order.at("/orderStatus"), "new": known.is_none(),
            "units": units(&order)});
        note(core, (NAME, "wms_order"), &id.to_string(), &key, data);
        Ok(order)
    }

    fn keep(&mut self, id: u64, order: &Object, core: &Core) {
        let (number, status) = (text(order, "orderNumber"), text(order, "orderStatus"));
        let before = self.orders.insert(id, order.clone());
        self.by_key.insert(text(order, "orderKey"), id);
        let numbered = self.by_number.entry(number).or_default();
        if !numbered.contains(&id) {
            numbered.push(id);
        }
        let waited = before.is_some_and(|order| text(&order, "orderStatus") == "awaiting_shipment");
        if status == "awaiting_shipment" && !waited {
            next_step(core, NAME, &id.to_string());
        }
    }

    fn create_many(&mut self, request: &Request, core: &Core) -> Reply {
        let Some(Value::Array(orders)) = request.json() else {
            return refused(&[("apiOrders", "The request body is not valid JSON.")]);
        };
        if orders.is_empty() || orders.len() > ORDERS_PER_CALL_MAX {
            return refused(&[("apiOrders", "Between 1 and 100 orders are allowed.")]);
        }
        let mut failed = false;
        let mut results = Vec::with_capacity(orders.len());
        for order in orders {
            let body = order.as_object().cloned().unwrap_or_default();
            let (number, key) = (text(&body, "orderNumber"), text(&body, "orderKey"));
            results.push(match self.create(body, core) {
                Ok(order) => json!({"orderId": order.at("/orderId"), "orderNumber": number,
                    "orderKey": order.at("/orderKey"), "success": true, "errorMessage": null}),
                Err(reply) => {
                    failed = true;
                    json!({"orderId": null, "orderNumber": number, "orderKey": key,
                        "success": false, "errorMessage": String::from_utf8_lossy(&reply.body)})
                }
            });
        }
        Reply::json(200, &json!({"hasErrors": failed, "results": results}))
    }

    fn list_orders(&self, request: &Request) -> Reply {
        let status = request.query_value("orderStatus");
        let wanted = |order: &&Object| {
            let has = text(order, "orderStatus");
            status.as_ref().is_none_or(|status| *status == has)
        };
        // The provider's filter by number is "starts with".
        let found: Vec<&Object> = match request.query_value("orderNumber") {
            Some(number) => {
                let from = self.by_number.range(number.clone()..);
                let same = from.take_while(|(key, _)| key.starts_with(&number));
                let ids = same.flat_map(|(_, ids)| ids);
                let orders = ids.filter_map(|id| self.orders.get(id));
                orders.filter(wanted).collect()
            }
            None => self.orders.values().filter(wanted).collect(),
        };
        page("orders", &found, request)
    }

    fn list_shipments(&self, request: &Request) -> Reply {
        let filters = ["orderId", "orderNumber", "trackingNumber", "batchId"];
        let given: Vec<(&str, String)> = filters
            .iter()
            .filter_map(|name| Some((*name, request.query_value(name)?)))
            .collect();
        let one = |(name, value): &(&str, String)| *name == "batchId" && !value.is_empty();
        let batch = given.iter().find(|filter| one(filter));
        let found: Vec<&Object> = if let Some(id) = batch.and_then(|(_, id)| id.parse().ok()) {
            self.shipments.get(&id).into_iter().collect()
        } else {
            let all = self.shipments.values();
            let fits = |shipment: &&Object| {
                let has = |name: &str| match shipment.get(name) {
                    Some(Value::String(text)) => text.clone(),
                    Some(value) => value.to_string(),
                    None => String::new(),
                };
                given.iter().all(|(name, value)| has(name) == *value)
            };
            all.filter(fits).collect()
        };
        page("shipments", &found, request)
    }

    fn mark(&mut self, body: &Object, core: &Core) -> Reply {
        let Some(id) = body.get("orderId").and_then(Value::as_u64) else {
            return refused(&[("orderId", "The orderId field is required.")]);
        };
        let carrier = text(body, "carrierCode");
        if carrier.is_empty() {
            return refused(&[("carrierCode", "The carrierCode field is required.")]);
        }
        let Some(order) = self.orders.get(&id) else {
            return not_found("order");
        };
        let status = text(order, "orderStatus");
        if status == "shipped" || status == "cancelled" {
            let message = format!("Order {id} is {status} and cannot be marked as shipped.");
            return refused(&[("orderId", &message)]);
        }
        let number = order.at("/orderNumber").clone();
        let tracking = text(body, "trackingNumber");
        self.ship(id, &carrier, &tracking, core);
        Reply::json(200, &json!({"orderId": id, "orderNumber": number}))
    }

    fn label(&mut self, body: &Object, core: &Core) -> Reply {
        let id = body.get("orderId").and_then(Value::as_u64);
        for name in ["orderId", "carrierCode", "serviceCode", "shipDate"] {
            if body.get(name).is_none_or(Value::is_null) {
                return refused(&[(name, &format!("The {name} field is required."))]);
            }
        }
        let Some((id, order)) = id.and_then(|id| Some((id, self.orders.get(&id)?))) else {
            return not_found("order");
        };
        if text(order, "orderStatus") != "awaiting_shipment" {
            return refused(&[("orderId", "The order is not awaiting shipment.")]);
        }
        let carrier = text(body, "carrierCode");
        let mut shipment = self.ship(id, &carrier, "", core);
        shipment.insert("labelData".to_owned(), json!("JVBERi0xLjQKJSVFT0YK"));
        shipment.insert("formData".to_owned(), Value::Null);
        Reply::json(200, &Value::Object(shipment))
    }

    fn void(&mut self, body: &Object, core: &Core) -> Reply {
        let id = body.get("shipmentId").and_then(Value::as_u64);
        let Some(shipment) = id.and_then(|id| self.shipments.get_mut(&id)) else {
            return not_found("shipment");
        };
        if shipment.get("voided") == Some(&Value::Bool(true)) {
            let message = "The label was voided already.";
            return Reply::json(200, &json!({"approved": false, "message": message}));
        }
        shipment.insert("voided".to_owned(), Value::Bool(true));
        shipment.insert("voidDate".to_owned(), json!(date(core.now_ms(), DATE)));
        let (key, tracking) = (text(shipment, "orderKey"), text(shipment, "trackingNumber"));
        let id = shipment.at("/shipmentId").to_string();
        note(
            core,
            (NAME, "label_void"),
            &id,
            &key,
            json!({"tracking": tracking}),
        );
        let message = "Label voided successfully";
        Reply::json(200, &json!({"approved": true, "message": message}))
    }

    fn delete(&mut self, id: &str, core: &Core) -> Reply {
        let number: Option<u64> = id.parse().ok();
        let Some(order) = number.and_then(|id| self.orders.get_mut(&id)) else {
            return not_found("order");
        };
        if text(order, "orderStatus") == "shipped" {
            return refused(&[("orderId", "A shipped order cannot be deleted.")]);
        }
        order.insert("orderStatus".to_owned(), json!("cancelled"));
        let data = json!({"number": order.at("/orderNumber"), "status": "cancelled", "new": false});
        note(
            core,
            (NAME, "wms_order"),
            id,
            &text(order, "orderKey"),
            data,
        );
        let message = "The requested order has been deleted.";
        Reply::json(200, &json!({"success": true, "message": message}))
    }

    /// Ships an open order: the status, the shipment, the ledger and the callback.
    fn ship(&mut self, id: u64, carrier: &str, tracking: &str, core: &Core) -> Object {
        let Some(order) = self.orders.get_mut(&id) else {
            return Object::new();
        };
        order.insert("orderStatus".to_owned(), json!("shipped"));
        order.insert("shipDate".to_owned(), json!(date(core.now_ms(), DATE)));
        let shipment_id = 200_000_001 + self.shipments.len() as u64;
        let tracking = if tracking.is_empty() {
            format!("94001{shipment_id:017}")
        } else {
            tracking.to_owned()
        };
        let key = text(order, "orderKey");
        let shipment = json!({"shipmentId": shipment_id, "orderId": id, "orderKey": key,
            "orderNumber": order.at("/orderNumber"), "createDate": date(core.now_ms(), DATE),
            "shipDate": date(core.now_ms(), DATE), "shipmentCost": 7.58, "insuranceCost": 0.0,
            "trackingNumber": tracking, "isReturnLabel": false, "carrierCode": carrier,
            "serviceCode": "usps_priority_mail", "voided": false, "voidDate": null,
            "shipTo": order.at("/shipTo"), "shipmentItems": order.at("/items")});
        let data = json!({"tracking": tracking, "carrier": carrier, "units": units(order)});
        note(
            core,
            (NAME, "shipment"),
            &shipment_id.to_string(),
            &key,
            data,
        );
        core.callbacks.send(notify(&self.origin, shipment_id));
        let shipment = members(shipment);
        self.shipments.insert(shipment_id, shipment.clone());
        shipment
    }

    /// Ships an order that waits for shipment; whether it did.
    fn leave(&mut self, id: u64, core: &Core) -> bool {
        let status = self.orders.get(&id).map(|order| text(order, "orderStatus"));
        let waits = status.as_deref() == Some("awaiting_shipment");
        if waits {
            self.ship(id, "stamps_com", "", core);
        }
        waits
    }
}

/// `SHIP_NOTIFY`: it says where to read the shipment and nothing else.
fn notify(origin: &str, shipment_id: u64) -> Callback {
    let query = format!("batchId={shipment_id}&includeShipmentItems=False");
    let address = format!("{origin}/shipstation/shipments?{query}");
    let body = json!({"resource_url": address, "resource_type": "SHIP_NOTIFY"});
    Callback {
        provider: NAME,
        secret: ("shipstation.callback_secret", CALLBACK_SECRET),
        content_type: "application/json",
        body: body.to_string().into(),
        sign: Arc::new(|signing| vec![(CALLBACK_HEADER, signing.secret.clone())]),
    }
}

fn check_order(body: &Object) -> Result<(), Reply> {
    for name in ["orderNumber", "orderDate", "orderStatus"] {
        if text(body, name).is_empty() {
            let message = format!("The {name} field is required.");
            return Err(refused(&[(&format!("apiOrder.{name}"), &message)]));
        }
    }
    for name in ["billTo", "shipTo"] {
        if !body.get(name).is_some_and(Value::is_object) {
            let message = format!("The {name} field is required.");
            return Err(refused(&[(&format!("apiOrder.{name}"), &message)]));
        }
    }
    if text(body, "orderNumber").chars().count() > NUMBER_CHARS_MAX {
        let message = "The field orderNumber must be a string with a maximum length of 50.";
        return Err(refused(&[("apiOrder.orderNumber", message)]));
    }
    let status = text(body, "orderStatus");
    if !STATUSES.contains(&status.as_str()) {
        let message = format!("'{status}' is not a valid order status.");
        return Err(refused(&[("apiOrder.orderStatus", &message)]));
    }
    Ok(())
}

fn refused(errors: &[(&str, &str)]) -> Reply {
    let state: Object = errors
        .iter()
        .map(|(field, message)| ((*field).to_owned(), json!([message])))
        .collect();
    let body = json!({"Message": "The request is invalid.", "ModelState": state});
    Reply::json(400, &body)
}

fn not_found(what: &str) -> Reply {
    Reply::json(
        404,
        &json!({"Message": format!("The {what} was not found.")}),
    )
}

fn page(name: &str, all: &[&Object], request: &Request) -> Reply {
    let number = |parameter| {
        request
            .query_value(parameter)
            .and_then(|value| value.parse().ok())
    };
    let size = number("pageSize").unwrap_or(100_usize).clamp(1, 500);
    let page = number("page").unwrap_or(1_usize).max(1);
    let chunk: Vec<_> = all.iter().skip((page - 1) * size).take(size).collect();
    let pages = all.len().div_ceil(size).max(1);
    let body = json!({name: chunk, "total": all.len(), "page": page, "pages": pages});
    Reply::json(200, &body)
}

fn units(order: &Object) -> u64 {
    let items = order.get("items").and_then(Value::as_array);
    let quantities = items.into_iter().flatten().map(|item| item.at("/quantity"));
    quantities.filter_map(Value::as_u64).sum()
}

/// The provider's way to write a time.
const DATE: &str = "%Y-%m-%dT%H:%M:%S.0000000";
