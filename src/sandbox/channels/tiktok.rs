//! TikTok Shop: notifications with id and status only, orders by the unit, stock by warehouse.
//!
//! Base URL `http://ADDRESS/tiktok`, header `x-tts-access-token`; every call is signed with the app
//! secret. Notifications go to `TARGET/webhooks/tiktok/SHOP`, signed over app key and body. They say
//! `CANCEL` where the order says `CANCELLED`, and a line stands for one unit.

use super::control::{self, Change, Channel};
use super::market::{Market, Order, Written, decimal};
use super::shopify::note_stock;
use super::tokens::{First, Tokens};
use crate::sandbox::shape::At;
use crate::sandbox::{Callback, Core, Limit, Provider, Reply, Request, Signing, sign};
use axum::http::Method;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// The documented app key (`tiktok.app_key` in the options).
pub const APP_KEY: &str = "onhandsandbox";
/// The documented app secret, which signs calls and notifications (`tiktok.app_secret`).
pub const APP_SECRET: &str = "onhand-sandbox-tiktok-app-secret";
/// The documented access token (`tiktok.access_token` in the options).
pub const ACCESS_TOKEN: &str = "ROW_onhand_sandbox";
/// The documented refresh token, for one use (`tiktok.refresh_token` in the options).
pub const REFRESH_TOKEN: &str = "ROW_onhand_sandbox_refresh";
/// How long an access token holds, in seconds.
pub const LIFETIME_S: u64 = 7 * 24 * 3_600;
/// The documented shop cipher (`tiktok.shop_cipher` in the options).
pub const SHOP_CIPHER: &str = "ROW_sandbox_cipher";
/// The shop's id (`tiktok.shop` in the options).
pub const SHOP: &str = "7495540735365777507";
/// The one warehouse.
const WAREHOUSE: &str = "7000000000000000001";
const CURRENCY: &str = "GBP";
/// The id before the first product's.
const PRODUCT: u64 = 1_729_000_000;
/// The id before the first SKU's.
const SKU: u64 = 1_729_100_000;
/// The id before the first order's.
const ORDER: u64 = 576_653_688_135_000_000;
/// How far a call's timestamp may be off, in seconds.
const WINDOW_S: u64 = 300;

/// A TikTok shop.
#[derive(Debug)]
pub struct TikTok {
    market: Market,
    tokens: Tokens,
}

impl TikTok {
    /// A shop without products.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            market: Market::new(seed),
            tokens: Tokens::new(First {
                name: "tiktok",
                access: ACCESS_TOKEN,
                refresh: REFRESH_TOKEN,
                lifetime_s: LIFETIME_S,
            }),
        }
    }

    /// What is wrong with a call's signature and credentials.
    fn refused(&self, request: &Request, core: &Core) -> Option<Reply> {
        let mut fields = request.query();
        let given = request.query_value("sign").unwrap_or_default();
        fields.retain(|(name, _)| name != "sign" && name != "access_token");
        fields.sort();
        let joined: String = fields
            .iter()
            .flat_map(|(name, value)| [name.as_str(), value.as_str()])
            .collect();
        let secret = core.secret("tiktok.app_secret", APP_SECRET).as_bytes();
        let parts: [&[u8]; 5] = [
            secret,
            request.path.as_bytes(),
            joined.as_bytes(),
            &request.body,
            secret,
        ];
        let wanted = hex::encode(sign::sha256(secret, &parts));
        let field = |name: &str| request.query_value(name).unwrap_or_default();
        if field("app_key") != core.secret("tiktok.app_key", APP_KEY)
            || !sign::equal(wanted.as_bytes(), given.as_bytes())
        {
            return Some(refuse(401, 106_001, "The sign is invalid."));
        }
        let now_s = core.now_ms() / 1_000;
        let time = field("timestamp").parse::<u64>();
        if time.map_or(u64::MAX, |time| time.abs_diff(now_s)) > WINDOW_S {
            return Some(refuse(400, 36_009_004, "The timestamp is expired."));
        }
        let token = request.header("x-tts-access-token").unwrap_or_default();
        if !self.tokens.holds(token, core) {
            return Some(refuse(401, 105_002, "The access token is expired."));
        }
        (field("shop_cipher") != core.secret("tiktok.shop_cipher", SHOP_CIPHER))
            .then(|| refuse(400, 106_011, "The shop_cipher is invalid."))
    }

    /// A new pair for a refresh token. The call is not signed: it shows the app's secret.
    fn renew(&self, request: &Request, core: &Core) -> Reply {
        let field = |name: &str| request.query_value(name).unwrap_or_default();
        let secret = core.secret("tiktok.app_secret", APP_SECRET);
        if field("app_key") != core.secret("tiktok.app_key", APP_KEY)
            || field("grant_type") != "refresh_token"
            || !sign::equal(secret.as_bytes(), field("app_secret").as_bytes())
        {
            return refuse(200, 36_004_003, "The app key or secret is invalid.");
        }
        match self.tokens.renew(&field("refresh_token"), core) {
            Some((access, refresh, lifetime_s)) => {
                let until_s = core.now_ms() / 1_000 + lifetime_s;
                success(
                    &json!({"access_token": access, "access_token_expire_in": until_s,
                        "refresh_token": refresh, "refresh_token_expire_in": until_s + 31_536_000,
                        "seller_name": "Sandbox"}),
                    core,
                )
            }
            None => refuse(200, 36_004_004, "The refresh token is invalid."),
        }
    }

    fn stock(&self, product: &str, request: &Request, core: &Core) -> Reply {
        let body = request.json().unwrap_or_default();
        let skus = body.at("/skus").as_array().cloned().unwrap_or_default();
        if skus.is_empty() {
            return refuse(400, 12_019_001, "skus is required.");
        }
        let mut errors = Vec::new();
        let mut state = self.market.lock();
        for sku in &skus {
            let id = sku.at("/id").as_str().unwrap_or_default();
            let number = id.parse::<u64>().ok().and_then(|id| id.checked_sub(SKU));
            let number = number.filter(|number| product == (PRODUCT + number).to_string());
            let places = sku.at("/inventory").as_array().cloned().unwrap_or_default();
            let place = places
                .iter()
                .find(|place| place.at("/warehouse_id").as_str() == Some(WAREHOUSE));
            let stock = place.and_then(|place| place.at("/quantity").as_i64());
            let stock = stock.filter(|stock| (0..=99_999).contains(stock));
            let said = match (number, stock) {
                (Some(number), Some(stock)) => state.write(number, stock, None, core.now_ms()),
                _ => Written::Unknown,
            };
            let found = number.and_then(|number| state.by_number(number));
            match (said, found, stock) {
                (Written::Taken, Some(item), Some(stock)) => {
                    note_stock(core, "tiktok", &item.sku, stock);
                }
                _ => errors.push(
                    json!({"code": 12_052_217, "message": "The SKU cannot be updated.",
                    "detail": {"sku_id": id, "extra_errors": []}}),
                ),
            }
        }
        success(&json!({"errors": errors}), core)
    }

    fn orders(&self, request: &Request, core: &Core) -> Reply {
        let wanted = request.query_value("ids").unwrap_or_default();
        let ids: Vec<&str> = wanted.split(',').filter(|id| !id.is_empty()).collect();
        if !(1..=50).contains(&ids.len()) {
            return refuse(400, 36_009_005, "ids takes 1 to 50 orders.");
        }
        let state = self.market.lock();
        let orders = ids
            .iter()
            .filter_map(|id| state.order(self.order_number(id)?));
        let orders: Vec<Value> = orders.map(|order| self.order_json(order)).collect();
        success(&json!({"orders": orders}), core)
    }

    fn search(&self, request: &Request, core: &Core) -> Reply {
        let body = request.json().unwrap_or_default();
        let since_s = body.at("/update_time_ge").as_u64().unwrap_or_default();
        let size = request
            .query_value("page_size")
            .and_then(|text| text.parse().ok());
        let size = size.unwrap_or(20_usize).clamp(1, 100);
        let token = request.query_value("page_token").unwrap_or_default();
        let skip = token.parse().unwrap_or(0_usize);
        let mut found = self.market.lock().changed(since_s * 1_000, skip, size + 1);
        let more = found.len() > size;
        found.truncate(size);
        let orders: Vec<Value> = found.iter().map(|order| self.order_json(order)).collect();
        let next = if more {
            (skip + size).to_string()
        } else {
            String::new()
        };
        success(
            &json!({"orders": orders, "next_page_token": next, "total_count": orders.len()}),
            core,
        )
    }

    fn order_json(&self, order: &Order) -> Value {
        let total = decimal(order.total_minor());
        let mut lines = Vec::new();
        for (place, line) in order.lines.iter().enumerate() {
            for unit in 0..line.bought {
                let status = if unit < line.quantity {
                    status_of(order)
                } else {
                    "CANCELLED"
                };
                lines.push(
                    json!({"display_status": status, "id": format!("{}{place:02}{unit:04}", 5_770_000 + order.number),
                    "product_id": (PRODUCT + line.number).to_string(),
                    "sku_id": (SKU + line.number).to_string(), "seller_sku": line.sku,
                    "product_name": line.sku, "sale_price": decimal(line.price_minor),
                    "currency": CURRENCY}),
                );
            }
        }
        let mut said = json!({"id": self.order_id(order.number), "status": status_of(order),
            "create_time": order.created_ms / 1_000, "update_time": order.updated_ms / 1_000,
            "paid_time": order.created_ms / 1_000, "user_id": (7_490_000_000_000 + order.buyer).to_string(),
            "buyer_email": format!("x{}@relay.example", order.buyer), "warehouse_id": WAREHOUSE,
            "is_cod": false, "payment": {"currency": CURRENCY, "sub_total": total,
            "shipping_fee": "0.00", "tax": "0.00", "total_amount": total}, "line_items": lines});
        if order.paid {
            let address = json!({"name": "J*** H***", "phone_number": "(+44)0***",
                "region_code": "GB", "postal_code": "LS1 1AA", "address_line1": "1 High St",
                "full_address": "1 High St, Leeds, LS1 1AA"});
            crate::sandbox::shape::set(&mut said, "recipient_address", address);
        }
        said
    }
}

fn status_of(order: &Order) -> &'static str {
    match (order.cancelled, order.paid) {
        (true, _) => "CANCELLED",
        (false, true) => "AWAITING_SHIPMENT",
        (false, false) => "UNPAID",
    }
}

fn refuse(status: u16, code: u64, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"code": code, "message": message, "request_id": "r-0", "data": null}),
    )
}

fn success(data: &Value, core: &Core) -> Reply {
    let id = format!("r-{}", core.next_id());
    Reply::json(
        200,
        &json!({"code": 0, "message": "Success", "request_id": id, "data": data}),
    )
}

impl Channel for TikTok {
    fn name(&self) -> &'static str {
        "tiktok"
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
        json!({"sku": sku, "product_id": (PRODUCT + number).to_string(),
            "sku_id": (SKU + number).to_string(), "warehouse_id": WAREHOUSE})
    }

    fn mapping(&self, number: u64, _: &str) -> (String, Vec<(&'static str, String)>) {
        (format!("{}/{}", PRODUCT + number, SKU + number), Vec::new())
    }

    fn tell(&self, order: &Order, change: Change, core: &Core) {
        self.market.lock().tell(order.number);
        let (id, at) = (self.order_id(order.number), order.updated_ms / 1_000);
        let (kind, data) = if change == Change::Updated && order.is_reduced() {
            // Articles were cancelled: which, only the order says.
            let cancel = (4_000_000 + order.number).to_string();
            (
                11,
                json!({"order_id": id, "cancel_id": cancel, "cancellations_role": "BUYER",
                    "create_time": at, "cancel_status": "CANCELLATION_REQUEST_COMPLETE"}),
            )
        } else {
            let status = match status_of(order) {
                "CANCELLED" => "CANCEL",
                other => other,
            };
            (
                1,
                json!({"is_on_hold_order": false, "order_id": id, "order_status": status,
                    "update_time": at}),
            )
        };
        let shop = core.secret("tiktok.shop", SHOP);
        let body = json!({"type": kind,
            "tts_notification_id": (7_380_000_000_000_000_000 + core.next_id()).to_string(),
            "shop_id": shop, "timestamp": at.max(core.now_ms() / 1_000), "data": data});
        let app_key = core.secret("tiktok.app_key", APP_KEY).to_owned();
        let callback = Callback {
            provider: "tiktok",
            secret: ("tiktok.app_secret", APP_SECRET),
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
            sign: Arc::new(move |signing: &Signing| {
                let parts: [&[u8]; 2] = [app_key.as_bytes(), &signing.body];
                let digest = sign::sha256(signing.secret.as_bytes(), &parts);
                vec![("authorization", hex::encode(digest))]
            }),
        };
        let path = format!("/webhooks/tiktok/{shop}");
        core.callbacks.send_below(path, true, callback);
    }
}

impl Provider for TikTok {
    fn name(&self) -> &'static str {
        "tiktok"
    }

    fn operation(&self, request: &Request) -> &'static str {
        if request.path.ends_with("/inventory/update") {
            "stock"
        } else if request.path.ends_with("/cancellations") {
            "cancel"
        } else if request.path.ends_with("/token/refresh") {
            "token"
        } else {
            "orders"
        }
    }

    fn limits(&self) -> &'static [Limit] {
        const LIMITS: &[Limit] = &[Limit::each(50, 1_000)];
        LIMITS
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        let code = if status == 429 {
            36_009_002
        } else {
            36_009_003
        };
        refuse(
            status,
            code,
            "The service cannot answer. Please try again later.",
        )
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        if parts == ["api", "v2", "token", "refresh"] {
            return self.renew(request, core);
        }
        if let Some(reply) = self.refused(request, core) {
            return reply;
        }
        match (&request.method, parts.as_slice()) {
            (&Method::GET, ["order", _, "orders"]) => self.orders(request, core),
            (&Method::POST, ["order", _, "orders", "search"]) => self.search(request, core),
            (&Method::POST, ["product", _, "products", product, "inventory", "update"]) => {
                self.stock(product, request, core)
            }
            (&Method::POST, ["return_refund", _, "cancellations"]) => {
                let body = request.json().unwrap_or_default();
                let id = body.at("/order_id").as_str().unwrap_or_default();
                let number = self.order_number(id);
                let order = number.and_then(|it| self.market.lock().cancel(it, core.now_ms()));
                match order {
                    Some(order) => {
                        self.tell(&order, Change::Cancelled, core);
                        let cancel = (4_000_000 + order.number).to_string();
                        success(&json!({"cancel_id": cancel}), core)
                    }
                    None => refuse(400, 25_003_001, "The order does not exist."),
                }
            }
            _ => refuse(404, 36_009_009, "Invalid path."),
        }
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        if action == "tokens" {
            return Some(self.tokens.control(request, core));
        }
        control::control(self, action, request, core)
    }

    fn timer(&self, token: &str, core: &Core) {
        control::timer(self, token, core);
    }
}
