//! WooCommerce: order webhooks, products and their stock, the order list.
//!
//! Base URL `http://ADDRESS/woocommerce`, Basic with consumer key and secret. Webhooks go to
//! `TARGET/webhooks/woocommerce/SHOP`, are tried once and never again, and their delivery id is a
//! function of the second, as at the real shop. Stock is absolute and nothing compares.

use super::control::{self, Change, Channel};
use super::market::{Item, Market, Order, Written, decimal};
use super::shopify::note_stock;
use crate::sandbox::shape::{At, date};
use crate::sandbox::{Callback, Core, Provider, Reply, Request, Signing, sign};
use axum::http::Method;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// The documented consumer key (`woocommerce.key` in the options).
pub const KEY: &str = "ck_onhand_sandbox";
/// The documented consumer secret (`woocommerce.secret` in the options).
pub const SECRET: &str = "cs_onhand_sandbox";
/// The documented secret of webhooks (`woocommerce.webhook_secret` in the options).
pub const WEBHOOK_SECRET: &str = "onhand-sandbox-woo-webhook";
/// The shop's name in the path of its webhooks (`woocommerce.shop` in the options).
pub const SHOP: &str = "shop.sandbox.example";
const CURRENCY: &str = "GBP";
/// Most items of one batch.
const MOST_BATCH: usize = 100;
/// The id before the first product's.
const PRODUCT: u64 = 90;
/// The id before the first order's.
const ORDER: u64 = 700;

/// A WooCommerce shop.
#[derive(Debug)]
pub struct WooCommerce {
    market: Market,
}

impl WooCommerce {
    /// A shop without products.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            market: Market::new(seed),
        }
    }

    fn put(&self, id: &str, body: &Value, core: &Core) -> Result<Value, (u16, Value)> {
        let number = id
            .parse::<u64>()
            .ok()
            .and_then(|id| id.checked_sub(PRODUCT));
        let invalid = || refusal(404, "woocommerce_rest_product_invalid_id", "Invalid ID.");
        let Some(number) = number else {
            return Err(invalid());
        };
        let Some(stock) = body.at("/stock_quantity").as_i64() else {
            let text = "Invalid parameter(s): stock_quantity";
            return Err(refusal(400, "rest_invalid_param", text));
        };
        let mut state = self.market.lock();
        match state.write(number, stock, None, core.now_ms()) {
            Written::Taken => {}
            Written::Refused | Written::Stale => {
                let text = "The product cannot manage stock.";
                return Err(refusal(400, "woocommerce_rest_product_not_managed", text));
            }
            Written::Unknown => return Err(invalid()),
        }
        let item = state.by_number(number).ok_or_else(invalid)?;
        note_stock(core, "woocommerce", &item.sku, stock);
        Ok(product(item))
    }

    fn batch(&self, request: &Request, core: &Core) -> Reply {
        let body = request.json().unwrap_or_default();
        let updates = body.at("/update").as_array().cloned().unwrap_or_default();
        if updates.len() > MOST_BATCH {
            let text = "Unable to accept more than 100 items for this request.";
            return answer(Err(refusal(
                413,
                "woocommerce_rest_request_entity_too_large",
                text,
            )));
        }
        let said: Vec<Value> = updates
            .iter()
            .map(|one| {
                let id = one.at("/id").to_string();
                self.put(&id, one, core)
                    .unwrap_or_else(|(_, error)| json!({"id": one.at("/id"), "error": error}))
            })
            .collect();
        Reply::json(200, &json!({"update": said}))
    }

    fn get(&self, id: &str) -> Reply {
        let number = id
            .parse::<u64>()
            .ok()
            .and_then(|id| id.checked_sub(PRODUCT));
        let mut state = self.market.lock();
        match number.and_then(|number| state.by_number(number)) {
            Some(item) => Reply::json(200, &product(item)),
            None => answer(Err(refusal(
                404,
                "woocommerce_rest_product_invalid_id",
                "Invalid ID.",
            ))),
        }
    }

    /// The one change that a merchant makes to an order: it is cancelled.
    fn change_order(&self, id: &str, body: &Value, core: &Core) -> Result<Value, (u16, Value)> {
        if body.at("/status").as_str() != Some("cancelled") {
            let text = "Invalid parameter(s): status";
            return Err(refusal(400, "rest_invalid_param", text));
        }
        let number = self.order_number(id);
        let order = number.and_then(|it| self.market.lock().cancel(it, core.now_ms()));
        let invalid = || refusal(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.");
        let order = order.ok_or_else(invalid)?;
        self.tell(&order, Change::Cancelled, core);
        Ok(order_json(&order))
    }

    fn list(&self, request: &Request) -> Reply {
        let number = |name: &str, usual: usize| {
            let value = request.query_value(name);
            value.and_then(|text| text.parse().ok()).unwrap_or(usual)
        };
        let per_page = number("per_page", 10).clamp(1, 100);
        let skip = number("page", 1).saturating_sub(1) * per_page;
        let after = request.query_value("modified_after").unwrap_or_default();
        let after = after.trim_end_matches('Z');
        // "After" is exclusive, and times are in whole seconds.
        let since_ms = format!("{after}Z")
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|time| u64::try_from(time.as_millisecond()).ok())
            .map_or(0, |ms| ms + 1_000);
        let left_out = request.query_value("exclude").unwrap_or_default();
        let left_out: HashSet<u64> = left_out
            .split(',')
            .filter_map(|id| self.order_number(id))
            .collect();
        let most = skip + per_page + left_out.len();
        let mut orders = self.market.lock().changed(since_ms, 0, most);
        orders.retain(|order| !left_out.contains(&order.number));
        let page = orders.iter().skip(skip).take(per_page);
        let page: Vec<Value> = page.map(order_json).collect();
        Reply::json(200, &json!(page))
    }

    fn send(order: &Order, topic: &'static str, core: &Core) {
        let shop = core.secret("woocommerce.shop", SHOP).to_owned();
        let second = core.now_ms() / 1_000;
        let path = format!("/webhooks/woocommerce/{shop}");
        // PHP escapes slashes.
        let body = order_json(order).to_string().replace('/', "\\/");
        let callback = Callback {
            provider: "woocommerce",
            secret: ("woocommerce.webhook_secret", WEBHOOK_SECRET),
            content_type: "application/json",
            body: Bytes::from(body),
            sign: Arc::new(move |signing: &Signing| {
                let digest = sign::sha256(signing.secret.as_bytes(), &[&signing.body]);
                vec![
                    ("x-wc-webhook-source", format!("https://{shop}/")),
                    ("x-wc-webhook-topic", topic.to_owned()),
                    ("x-wc-webhook-resource", "order".to_owned()),
                    (
                        "x-wc-webhook-event",
                        topic.trim_start_matches("order.").to_owned(),
                    ),
                    ("x-wc-webhook-signature", sign::base64(&digest)),
                    ("x-wc-webhook-id", "5".to_owned()),
                    ("x-wc-webhook-delivery-id", format!("{second:032x}")),
                ]
            }),
        };
        core.callbacks.send_below(path, false, callback);
    }
}

fn refusal(status: u16, code: &str, message: &str) -> (u16, Value) {
    let error = json!({"code": code, "message": message, "data": {"status": status}});
    (status, error)
}

fn answer(said: Result<Value, (u16, Value)>) -> Reply {
    match said {
        Ok(body) => Reply::json(200, &body),
        Err((status, body)) => Reply::json(status, &body),
    }
}

fn product(item: &Item) -> Value {
    json!({"id": PRODUCT + item.number, "sku": item.sku, "type": "simple", "manage_stock": true,
        "stock_quantity": item.stock, "price": decimal(item.price_minor),
        "stock_status": if item.stock > 0 { "instock" } else { "outofstock" }})
}

fn time(at_ms: u64) -> String {
    date(at_ms, "%Y-%m-%dT%H:%M:%S")
}

fn order_json(order: &Order) -> Value {
    let total = decimal(order.total_minor());
    let status = match (order.cancelled, order.paid) {
        (true, _) => "cancelled",
        (false, true) => "processing",
        (false, false) => "pending",
    };
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            let amount = decimal(line.price_minor * u64::from(line.quantity));
            #[allow(clippy::cast_precision_loss)] // as the shop itself writes it: a number
            let price = line.price_minor as f64 / 100.0;
            json!({"id": 300 + order.number, "name": line.sku, "product_id": PRODUCT + line.number,
                "variation_id": 0, "sku": line.sku, "quantity": line.quantity,
                "subtotal": amount, "total": amount, "total_tax": "0.00", "price": price})
        })
        .collect();
    let id = ORDER + order.number;
    json!({"id": id, "number": id.to_string(), "status": status, "currency": CURRENCY,
        "date_created_gmt": time(order.created_ms), "date_modified_gmt": time(order.updated_ms),
        "discount_total": "0.00", "shipping_total": "0.00", "total_tax": "0.00", "total": total,
        "customer_id": order.buyer, "payment_method": "stripe", "transaction_id": "",
        "billing": {"first_name": "Joe", "last_name": "Hill", "company": "",
            "address_1": "1 High St", "address_2": "", "city": "Leeds", "state": "",
            "postcode": "LS1 1AA", "country": "GB",
            "email": format!("buyer{}@example.com", order.buyer), "phone": ""},
        "shipping": {"first_name": "", "last_name": "", "company": "", "address_1": "",
            "address_2": "", "city": "", "state": "", "postcode": "", "country": ""},
        "line_items": lines})
}

impl Channel for WooCommerce {
    fn name(&self) -> &'static str {
        "woocommerce"
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
        json!({"sku": sku, "product_id": PRODUCT + number, "variation_id": 0})
    }

    fn mapping(&self, number: u64, _: &str) -> (String, Vec<(&'static str, String)>) {
        ((PRODUCT + number).to_string(), Vec::new())
    }

    fn tell(&self, order: &Order, change: Change, core: &Core) {
        self.market.lock().tell(order.number);
        // There is no topic for a cancellation.
        let topic = match change {
            Change::Created => "order.created",
            Change::Updated | Change::Cancelled => "order.updated",
        };
        Self::send(order, topic, core);
    }
}

impl Provider for WooCommerce {
    fn name(&self) -> &'static str {
        "woocommerce"
    }

    fn operation(&self, request: &Request) -> &'static str {
        match (&request.method, request.path.contains("/orders")) {
            (_, true) => "orders",
            (&Method::GET, false) => "read",
            (_, false) => "stock",
        }
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        answer(Err(refusal(
            status,
            "internal_server_error",
            "There has been a critical error.",
        )))
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let key = core.secret("woocommerce.key", KEY).as_bytes();
        let secret = core.secret("woocommerce.secret", SECRET).as_bytes();
        let known = request.basic().is_some_and(|(user, password)| {
            sign::equal(user.as_bytes(), key) && sign::equal(password.as_bytes(), secret)
        });
        if !known {
            let text = "Sorry, you cannot list resources.";
            return answer(Err(refusal(401, "woocommerce_rest_cannot_view", text)));
        }
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Some(rest) = parts.strip_prefix(&["wp-json", "wc", "v3"]) else {
            return answer(Err(refusal(404, "rest_no_route", "No route was found.")));
        };
        let body = || request.json().unwrap_or_default();
        match (&request.method, rest) {
            (&Method::POST, ["products", "batch"]) => self.batch(request, core),
            (&Method::PUT, ["products", id] | ["products", _, "variations", id]) => {
                answer(self.put(id, &body(), core))
            }
            (&Method::GET, ["products", id]) => self.get(id),
            (&Method::GET, ["orders"]) => self.list(request),
            (&Method::GET, ["orders", id]) => {
                let number = self.order_number(id);
                let state = self.market.lock();
                match number.and_then(|number| state.order(number)) {
                    Some(order) => Reply::json(200, &order_json(order)),
                    None => answer(Err(refusal(
                        404,
                        "woocommerce_rest_shop_order_invalid_id",
                        "Invalid ID.",
                    ))),
                }
            }
            (&Method::PUT, ["orders", id]) => answer(self.change_order(id, &body(), core)),
            _ => answer(Err(refusal(404, "rest_no_route", "No route was found."))),
        }
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        control::control(self, action, request, core)
    }

    fn timer(&self, token: &str, core: &Core) {
        control::timer(self, token, core);
    }
}
