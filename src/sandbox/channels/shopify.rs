//! Shopify: order webhooks, the Admin GraphQL calls for stock, and the order list.
//!
//! Base URL `http://ADDRESS/shopify`, header `X-Shopify-Access-Token`. Webhooks go to
//! `TARGET/webhooks/shopify/SHOP`. Quantities are compared and set all or none: a call whose
//! `changeFromQuantity` is not the present figure changes nothing (`CHANGE_FROM_QUANTITY_STALE`). A
//! key sent again with the same input replays the answer.

use super::control::{self, Change, Channel};
use super::market::{Market, Order, State, Written, decimal};
use crate::sandbox::shape::{At, date};
use crate::sandbox::{
    Callback, Core, Effect, Limit, LimitState, Provider, Reply, Request, Signing, sign,
};
use axum::http::Method;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The documented access token (`shopify.token` in the options).
pub const TOKEN: &str = "shpat_onhand_sandbox";
/// The documented client secret, which signs webhooks (`shopify.secret` in the options).
pub const SECRET: &str = "shpss_onhand_sandbox";
/// The shop's domain (`shopify.shop` in the options).
pub const SHOP: &str = "onhand-sandbox.myshopify.com";
/// The one location.
const LOCATION: &str = "gid://shopify/Location/77";
const CURRENCY: &str = "EUR";
/// Most quantities of one call.
const MOST_QUANTITIES: usize = 250;
/// Cost points of one stock call.
const COST: u32 = 10;
/// Cost points that come back each second.
const RESTORED: u32 = 100;
/// The id before the first product's.
const PRODUCT: u64 = 8_800_000_000_000;
/// The id before the first variant's.
const VARIANT: u64 = 4_400_000_000_000;
/// The id before the first inventory item's.
const INVENTORY: u64 = 30_000;
/// The id before the first order's.
const ORDER: u64 = 5_551_000_000_000;
/// Keys whose answers are kept.
const KEYS_KEPT: usize = 1_000_000;

/// A Shopify shop.
#[derive(Debug)]
pub struct Shopify {
    market: Market,
    /// Answers by idempotency key, with the input that they belong to.
    answers: Mutex<HashMap<String, (Value, Value)>>,
}

impl Shopify {
    /// A shop without products.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            market: Market::new(seed),
            answers: Mutex::default(),
        }
    }
}

impl Channel for Shopify {
    fn name(&self) -> &'static str {
        "shopify"
    }

    fn market(&self) -> &Market {
        &self.market
    }

    fn order_id(&self, number: u64) -> String {
        (ORDER + number).to_string()
    }

    fn order_number(&self, id: &str) -> Option<u64> {
        id.parse::<u64>().ok()?.checked_sub(ORDER)
    }

    fn item_ids(&self, number: u64, sku: &str) -> Value {
        json!({"sku": sku, "product_id": PRODUCT + number, "variant_id": VARIANT + number,
            "inventory_item_id": format!("gid://shopify/InventoryItem/{}", INVENTORY + number),
            "location_id": LOCATION})
    }

    fn mapping(&self, number: u64, _: &str) -> (String, Vec<(&'static str, String)>) {
        let inventory = format!("gid://shopify/InventoryItem/{}", INVENTORY + number);
        let item = (VARIANT + number).to_string();
        (item, vec![("inventory_item", inventory)])
    }

    fn tell(&self, order: &Order, change: Change, core: &Core) {
        self.market.lock().tell(order.number);
        let topic = match change {
            Change::Created => "orders/create",
            Change::Updated => "orders/updated",
            Change::Cancelled => "orders/cancelled",
        };
        Self::send(order, topic, core);
        // One action of the merchant or buyer fires several topics.
        if change == Change::Created && order.paid {
            Self::send(order, "orders/paid", core);
        }
    }
}

impl Shopify {
    fn send(order: &Order, topic: &'static str, core: &Core) {
        let shop = core.secret("shopify.shop", SHOP).to_owned();
        let body = order_json(order);
        let id = format!("wh-{}", core.next_id());
        let event = format!("ev-{}-{}", order.number, order.updated_ms);
        let path = format!("/webhooks/shopify/{shop}");
        let callback = Callback {
            provider: "shopify",
            secret: ("shopify.secret", SECRET),
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
            sign: Arc::new(move |signing: &Signing| {
                let digest = sign::sha256(signing.secret.as_bytes(), &[&signing.body]);
                vec![
                    ("x-shopify-topic", topic.to_owned()),
                    ("x-shopify-hmac-sha256", sign::base64(&digest)),
                    ("x-shopify-shop-domain", shop.clone()),
                    ("x-shopify-api-version", "2026-10".to_owned()),
                    ("x-shopify-webhook-id", id.clone()),
                    ("x-shopify-event-id", event.clone()),
                ]
            }),
        };
        core.callbacks.send_below(path, true, callback);
    }

    fn graphql(&self, request: &Request, core: &Core) -> Reply {
        let Some(body) = request.json() else {
            return Reply::json(
                400,
                &json!({"errors": {"query": "Required parameter missing"}}),
            );
        };
        let query = body.at("/query").as_str().unwrap_or_default();
        if query.contains("inventorySetQuantities") {
            return self.set_quantities(query, body.at("/variables"), core);
        }
        if query.contains("inventoryLevel") {
            return self.levels(body.at("/variables"));
        }
        graphql_error("Field doesn't exist on type 'QueryRoot'", "undefinedField")
    }

    fn set_quantities(&self, query: &str, variables: &Value, core: &Core) -> Reply {
        let input = members_of(variables);
        let key = key_of(variables);
        if !query.contains("@idempotent") || key.is_empty() {
            let text = "The @idempotent directive is required for this mutation";
            return graphql_error(text, "BAD_REQUEST");
        }
        if let Some((before, answer)) = self.answers.lock().get(&key) {
            return if *before == input {
                Reply::json(200, answer)
            } else {
                let text = "The same idempotency key was used with different parameters";
                user_errors(&[("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", vec![], text)])
            };
        }
        let (reply, answer) = self.set(&input, core);
        let mut answers = self.answers.lock();
        if answers.len() < KEYS_KEPT {
            answers.insert(key, (input, answer));
        }
        reply
    }

    fn set(&self, input: &Value, core: &Core) -> (Reply, Value) {
        let errors = self.apply(input, core);
        let answer = if errors.is_empty() {
            let id = format!("gid://shopify/InventoryAdjustmentGroup/{}", core.next_id());
            json!({"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": {"id": id},
                "userErrors": []}}, "extensions": cost(RESTORED * 10)})
        } else {
            errors_json(&errors)
        };
        (Reply::json(200, &answer), answer)
    }

    /// All quantities, or none; what is wrong otherwise.
    fn apply(&self, input: &Value, core: &Core) -> Vec<UserError> {
        let quantities = input
            .at("/quantities")
            .as_array()
            .cloned()
            .unwrap_or_default();
        if quantities.len() > MOST_QUANTITIES {
            let text = "The input array size is greater than the maximum allowed of 250.";
            return vec![("MAX_INPUT_SIZE_EXCEEDED", vec!["input".to_owned()], text)];
        }
        if !["available", "on_hand"].contains(&input.at("/name").as_str().unwrap_or_default()) {
            return vec![(
                "INVALID_NAME",
                vec!["input".to_owned()],
                "The quantity name is invalid.",
            )];
        }
        let mut state = self.market.lock();
        let (mut errors, mut sound) = (Vec::new(), Vec::with_capacity(quantities.len()));
        for (place, one) in quantities.iter().enumerate() {
            match check(&mut state, place, one) {
                Ok(write) => sound.push(write),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return errors;
        }
        for (number, sku, quantity) in sound {
            if state.write(number, quantity, None, core.now_ms()) == Written::Taken {
                note_stock(core, "shopify", &sku, quantity);
            }
        }
        Vec::new()
    }

    fn levels(&self, variables: &Value) -> Reply {
        let ids = variables.at("/ids").as_array().cloned().unwrap_or_default();
        let mut state = self.market.lock();
        let mut nodes = Vec::with_capacity(ids.len());
        for id in &ids {
            let text = id.as_str().unwrap_or_default();
            let number = text
                .strip_prefix("gid://shopify/InventoryItem/")
                .and_then(|id| id.parse::<u64>().ok())
                .and_then(|id| id.checked_sub(INVENTORY));
            nodes.push(match number.and_then(|number| state.by_number(number)) {
                None => Value::Null,
                Some(item) => json!({"id": id, "inventoryLevel": {"quantities":
                    [{"name": "available", "quantity": item.stock}]}}),
            });
        }
        let data = json!({"data": {"nodes": nodes}, "extensions": cost(RESTORED * 10)});
        Reply::json(200, &data)
    }

    fn orders(&self, request: &Request) -> Reply {
        let since = request.query_value("updated_at_min").unwrap_or_default();
        let since_ms = since.parse::<jiff::Timestamp>().map_or(0, |time| {
            u64::try_from(time.as_millisecond()).unwrap_or_default()
        });
        let limit = request
            .query_value("limit")
            .and_then(|text| text.parse().ok());
        let most = limit.unwrap_or(50_usize).min(250);
        let state = self.market.lock();
        let ids = request.query_value("ids").unwrap_or_default();
        let orders: Vec<Value> = if ids.is_empty() {
            let orders = state.changed(since_ms, 0, most);
            orders.iter().map(order_json).collect()
        } else {
            let numbers = ids.split(',').filter_map(|id| self.order_number(id));
            let orders = numbers.filter_map(|number| state.order(number));
            orders.take(most).map(order_json).collect()
        };
        Reply::json(200, &json!({"orders": orders}))
    }
}

/// The order of a path's id that is cancelled now; as answered.
fn cancelled(channel: &Shopify, id: &str, core: &Core) -> Reply {
    let number = channel.order_number(id);
    let order = number.and_then(|it| channel.market.lock().cancel(it, core.now_ms()));
    match order {
        Some(order) => {
            channel.tell(&order, Change::Cancelled, core);
            Reply::json(200, &json!({"order": order_json(&order)}))
        }
        None => Reply::json(404, &json!({"errors": "Not Found"})),
    }
}

/// A quantity that may be written: item, SKU, figure.
fn check(state: &mut State, place: usize, one: &Value) -> Result<(u64, Box<str>, i64), UserError> {
    let at = |field: &str| {
        let place = place.to_string();
        vec!["input".into(), "quantities".into(), place, field.into()]
    };
    let id = one.at("/inventoryItemId").as_str().unwrap_or_default();
    let number = id
        .strip_prefix("gid://shopify/InventoryItem/")
        .and_then(|id| id.parse::<u64>().ok())
        .and_then(|id| id.checked_sub(INVENTORY));
    let Some(item) = number.and_then(|number| state.by_number(number)) else {
        let text = "The specified inventory item could not be found.";
        return Err(("INVALID_INVENTORY_ITEM", at("inventoryItemId"), text));
    };
    if one.at("/locationId").as_str() != Some(LOCATION) {
        let text = "The specified location could not be found.";
        return Err(("INVALID_LOCATION", at("locationId"), text));
    }
    let from = one.get("changeFromQuantity");
    let Some((from, quantity)) = from.zip(one.at("/quantity").as_i64()) else {
        let (code, text) = (
            "CHANGE_FROM_QUANTITY_REQUIRED",
            "changeFromQuantity and quantity are required.",
        );
        return Err((code, at("changeFromQuantity"), text));
    };
    if item.bad {
        item.refused += 1;
        let text = "The specified inventory item is not stocked at the location.";
        return Err(("ITEM_NOT_STOCKED_AT_LOCATION", at("inventoryItemId"), text));
    }
    if from.as_i64().is_some_and(|from| from != item.stock) {
        item.stale += 1;
        let text = "The changeFromQuantity argument no longer matches the persisted quantity.";
        return Err(("CHANGE_FROM_QUANTITY_STALE", at("changeFromQuantity"), text));
    }
    Ok((item.number, item.sku.clone(), quantity))
}

/// Code, path of the field, text.
type UserError = (&'static str, Vec<String>, &'static str);

fn user_errors(errors: &[UserError]) -> Reply {
    Reply::json(200, &errors_json(errors))
}

fn errors_json(errors: &[UserError]) -> Value {
    let errors: Vec<Value> = errors
        .iter()
        .map(|(code, field, message)| json!({"code": code, "field": field, "message": message}))
        .collect();
    json!({"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": null,
        "userErrors": errors}}, "extensions": cost(RESTORED * 10)})
}

fn graphql_error(message: &str, code: &str) -> Reply {
    let body = json!({"errors": [{"message": message, "extensions": {"code": code}}]});
    Reply::json(200, &body)
}

fn cost(available: u32) -> Value {
    json!({"cost": {"requestedQueryCost": COST, "actualQueryCost": COST, "throttleStatus":
        {"maximumAvailable": f64::from(RESTORED * 10), "currentlyAvailable": available,
        "restoreRate": f64::from(RESTORED)}}})
}

/// The mutation's input, under whatever name its variable has.
fn members_of(variables: &Value) -> Value {
    let inputs = variables
        .as_object()
        .into_iter()
        .flat_map(|all| all.values());
    let mut inputs = inputs.filter(|value| value.get("quantities").is_some());
    inputs.next().cloned().unwrap_or(Value::Null)
}

/// The idempotency key: the variable that is a text.
fn key_of(variables: &Value) -> String {
    let texts = variables
        .as_object()
        .into_iter()
        .flat_map(|all| all.values());
    let mut texts = texts.filter_map(Value::as_str);
    texts.next().unwrap_or_default().to_owned()
}

/// Writes a taken stock write into the ledger.
pub(super) fn note_stock(core: &Core, provider: &'static str, sku: &str, quantity: i64) {
    core.ledger.record(Effect {
        provider,
        kind: "stock",
        object: sku.into(),
        amount_minor: quantity,
        ..Effect::default()
    });
}

fn time(at_ms: u64) -> String {
    date(at_ms, "%Y-%m-%dT%H:%M:%S+00:00")
}

fn order_json(order: &Order) -> Value {
    let (total, total_now) = (order.bought_minor(), order.total_minor());
    let id = ORDER + order.number;
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            json!({"id": 1_400_000_000_000 + order.number, "product_id": PRODUCT + line.number,
                "variant_id": VARIANT + line.number, "sku": line.sku, "title": line.sku,
                "quantity": line.bought, "current_quantity": line.quantity,
                "price": decimal(line.price_minor), "requires_shipping": true})
        })
        .collect();
    let email = format!("buyer{}@example.com", order.buyer);
    json!({"id": id, "admin_graphql_api_id": format!("gid://shopify/Order/{id}"),
        "name": format!("#{}", 1_000 + order.number), "order_number": 1_000 + order.number,
        "email": email, "created_at": time(order.created_ms), "updated_at": time(order.updated_ms),
        "cancelled_at": order.cancelled.then(|| time(order.updated_ms)),
        "cancel_reason": order.cancelled.then_some("customer"), "test": false,
        "currency": CURRENCY, "presentment_currency": CURRENCY,
        "subtotal_price": decimal(total), "total_tax": "0.00", "total_discounts": "0.00",
        "total_price": decimal(total), "current_subtotal_price": decimal(total_now),
        "current_total_price": decimal(total_now),
        "financial_status": if order.paid { "paid" } else { "pending" }, "fulfillment_status": null,
        "customer": {"id": 7_771_000_000_000 + order.buyer, "email": email, "first_name": "Ana",
            "last_name": "Ruiz"},
        "shipping_address": {"first_name": "Ana", "last_name": "Ruiz", "address1": "Calle Sol 4",
            "address2": null, "city": "Madrid", "province": "Madrid", "province_code": "M",
            "zip": "28013", "country": "Spain", "country_code": "ES", "phone": null},
        "shipping_lines": [], "line_items": lines})
}

impl Provider for Shopify {
    fn name(&self) -> &'static str {
        "shopify"
    }

    fn operation(&self, request: &Request) -> &'static str {
        if request.path.ends_with("/graphql.json") {
            "graphql"
        } else {
            "orders"
        }
    }

    fn limits(&self) -> &'static [Limit] {
        const LIMITS: &[Limit] = &[
            Limit::of("graphql", RESTORED / COST, 1_000),
            Limit::of("orders", 2, 1_000),
        ];
        LIMITS
    }

    fn refuse_limit(&self, request: &Request, at: LimitState) -> Reply {
        if self.operation(request) == "orders" {
            let seconds = at.reset_ms.div_ceil(1_000).max(1).to_string();
            return self.fail(request, 429).with("retry-after", seconds);
        }
        let body = json!({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED",
            "documentation": "https://shopify.dev/api/usage/rate-limits"}}],
            "extensions": cost(0)});
        Reply::json(200, &body)
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        Reply::json(status, &json!({"errors": "the shop cannot answer"}))
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let given = request.header("x-shopify-access-token").unwrap_or_default();
        if !sign::equal(
            given.as_bytes(),
            core.secret("shopify.token", TOKEN).as_bytes(),
        ) {
            let text =
                "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return Reply::json(401, &json!({"errors": text}));
        }
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&request.method, parts.as_slice()) {
            (&Method::POST, ["admin", "api", _, "graphql.json"]) => self.graphql(request, core),
            (&Method::GET, ["admin", "api", _, "orders.json"]) => self.orders(request),
            (&Method::POST, ["admin", "api", _, "orders", id, "cancel.json"]) => {
                cancelled(self, id, core)
            }
            _ => Reply::json(404, &json!({"errors": "Not Found"})),
        }
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        control::control(self, action, request, core)
    }

    fn timer(&self, token: &str, core: &Core) {
        control::timer(self, token, core);
    }
}
