//! Shopee: pushes with id and status only, the order detail call, stock of models.
//!
//! Base URL `http://ADDRESS/shopee`; every call is signed with the partner key over partner id, path,
//! timestamp, access token and shop id. Pushes go to `TARGET/webhooks/shopee/SHOP`, signed over that
//! URL and the body; an answer with a body counts as a failure at the real one.

use super::control::{self, Change, Channel};
use super::market::{Market, Order, Written};
use super::shopify::note_stock;
use super::tokens::{First, Tokens};
use crate::sandbox::shape::At;
use crate::sandbox::{Callback, Core, Provider, Reply, Request, Signing, sign};
use axum::http::Method;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;

/// The documented partner id (`shopee.partner_id` in the options).
pub const PARTNER_ID: &str = "2001887";
/// The documented partner key, which signs calls and pushes (`shopee.partner_key` in the options).
pub const PARTNER_KEY: &str = "onhand-sandbox-shopee-partner-key";
/// The documented access token (`shopee.access_token` in the options).
pub const ACCESS_TOKEN: &str = "onhandsandboxshopeetoken";
/// The documented refresh token, for one use (`shopee.refresh_token` in the options).
pub const REFRESH_TOKEN: &str = "onhandsandboxshopeerefresh";
/// How long an access token holds, in seconds.
pub const LIFETIME_S: u64 = 4 * 3_600;
/// The shop's id (`shopee.shop` in the options). Pushes are signed with the URL that they are sent
/// to, or with the one registered with Shopee (`shopee.url`).
pub const SHOP: &str = "727000001";
const CURRENCY: &str = "SGD";
/// The id before the first product's.
const ITEM: u64 = 200_100;
/// The id before the first model's.
const MODEL: u64 = 900_100;
/// How far a call's timestamp may be off, in seconds.
const WINDOW_S: u64 = 300;
/// Pushes kept for who asks for lost ones.
const LOST_KEPT: usize = 10_000;

/// A Shopee shop.
#[derive(Debug)]
pub struct Shopee {
    market: Market,
    tokens: Tokens,
    /// (message id, push), oldest first.
    lost: Mutex<VecDeque<(u64, Value)>>,
}

impl Shopee {
    /// A shop without products.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            market: Market::new(seed),
            tokens: Tokens::new(First {
                name: "shopee",
                access: ACCESS_TOKEN,
                refresh: REFRESH_TOKEN,
                lifetime_s: LIFETIME_S,
            }),
            lost: Mutex::default(),
        }
    }

    /// What is wrong with a call's signature and credentials.
    fn refused(&self, request: &Request, core: &Core) -> Option<Reply> {
        let value = |name: &str| request.query_value(name).unwrap_or_default();
        let (token, shop) = (value("access_token"), value("shop_id"));
        if let Some(reply) = Self::unsigned(request, &token, &shop, core) {
            return Some(reply);
        }
        if !self.tokens.holds(&token, core) {
            return Some(refuse(403, "error_auth", "Invalid access_token."));
        }
        (shop != core.secret("shopee.shop", SHOP))
            .then(|| refuse(403, "error_permission", "No permission for this shop."))
    }

    /// What is wrong with a call's signature over partner, path, time, and these.
    fn unsigned(request: &Request, token: &str, shop: &str, core: &Core) -> Option<Reply> {
        let value = |name: &str| request.query_value(name).unwrap_or_default();
        let (partner, time) = (value("partner_id"), value("timestamp"));
        let key = core.secret("shopee.partner_key", PARTNER_KEY).as_bytes();
        let base = format!("{partner}{}{time}{token}{shop}", request.path);
        let wanted = hex::encode(sign::sha256(key, &[base.as_bytes()]));
        if partner != core.secret("shopee.partner_id", PARTNER_ID)
            || !sign::equal(wanted.as_bytes(), value("sign").as_bytes())
        {
            return Some(refuse(403, "error_sign", "Wrong sign."));
        }
        let now_s = core.now_ms() / 1_000;
        let off = time
            .parse::<u64>()
            .map_or(u64::MAX, |time| time.abs_diff(now_s));
        (off > WINDOW_S).then(|| refuse(403, "error_param", "Invalid timestamp."))
    }

    /// A new pair for a refresh token: signed without access token and shop.
    fn renew(&self, request: &Request, core: &Core) -> Reply {
        if let Some(reply) = Self::unsigned(request, "", "", core) {
            return reply;
        }
        let body = request.json().unwrap_or_default();
        let shop = body.at("/shop_id").as_u64().unwrap_or_default();
        if shop.to_string() != core.secret("shopee.shop", SHOP) {
            return refuse(403, "error_param", "Wrong shop_id.");
        }
        let refresh = body.at("/refresh_token").as_str().unwrap_or_default();
        match self.tokens.renew(refresh, core) {
            Some((access, refresh, lifetime_s)) => Reply::json(
                200,
                &json!({"request_id": format!("r-{}", core.next_id()), "error": "",
                    "message": "", "access_token": access, "refresh_token": refresh,
                    "expire_in": lifetime_s, "shop_id": shop,
                    "partner_id": body.at("/partner_id")}),
            ),
            None => refuse(403, "error_auth", "Invalid refresh_token."),
        }
    }

    fn update_stock(&self, request: &Request, core: &Core) -> Reply {
        let body = request.json().unwrap_or_default();
        let list = body
            .at("/stock_list")
            .as_array()
            .cloned()
            .unwrap_or_default();
        let item = body
            .at("/item_id")
            .as_u64()
            .and_then(|id| id.checked_sub(ITEM));
        if !(1..=50).contains(&list.len()) || item.is_none() {
            return refuse(
                200,
                "error_param",
                "stock_list takes 1 to 50 models of one item.",
            );
        }
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        let mut state = self.market.lock();
        for one in &list {
            let model = one.at("/model_id");
            let stock = one
                .at("/seller_stock/0/stock")
                .as_i64()
                .filter(|it| *it >= 0);
            let number = model.as_u64().and_then(|id| id.checked_sub(MODEL));
            let number = number.filter(|number| Some(*number) == item);
            let said = match (number, stock) {
                (Some(number), Some(stock)) => state.write(number, stock, None, core.now_ms()),
                _ => Written::Unknown,
            };
            if said == Written::Taken {
                if let (Some(number), Some(stock)) = (number, stock)
                    && let Some(item) = state.by_number(number)
                {
                    note_stock(core, "shopee", &item.sku, stock);
                }
                done.push(json!({"model_id": model, "seller_stock": one.at("/seller_stock")}));
            } else {
                let reason = if said == Written::Refused {
                    "the model is in a promotion"
                } else {
                    "the model does not exist"
                };
                failed.push(json!({"model_id": model, "failed_reason": reason}));
            }
        }
        success(&json!({"success_list": done, "failure_list": failed}), core)
    }

    fn detail(&self, request: &Request, core: &Core) -> Reply {
        let wanted = request.query_value("order_sn_list").unwrap_or_default();
        let optional = request
            .query_value("response_optional_fields")
            .unwrap_or_default();
        let ids: Vec<&str> = wanted.split(',').filter(|id| !id.is_empty()).collect();
        if !(1..=50).contains(&ids.len()) {
            return refuse(200, "error_param", "order_sn_list takes 1 to 50 orders.");
        }
        let state = self.market.lock();
        let orders = ids
            .iter()
            .filter_map(|id| state.order(self.order_number(id)?));
        let orders: Vec<Value> = orders
            .map(|order| self.order_json(order, &optional))
            .collect();
        success(&json!({"order_list": orders}), core)
    }

    fn list(&self, request: &Request, core: &Core) -> Reply {
        let number = |name: &str| request.query_value(name).and_then(|text| text.parse().ok());
        let from_s: u64 = number("time_from").unwrap_or(0);
        let to_s: u64 = number("time_to").unwrap_or(u64::MAX / 1_000);
        let size = usize::try_from(number("page_size").unwrap_or(20))
            .unwrap_or(20)
            .clamp(1, 100);
        let skip = usize::try_from(number("cursor").unwrap_or(0)).unwrap_or(0);
        let mut found = self.market.lock().changed(from_s * 1_000, skip, size + 1);
        found.retain(|order| order.updated_ms / 1_000 <= to_s);
        let more = found.len() > size;
        found.truncate(size);
        let orders: Vec<Value> = found
            .iter()
            .map(|order| json!({"order_sn": self.order_id(order.number), "order_status": status(order)}))
            .collect();
        let next = if more {
            (skip + size).to_string()
        } else {
            String::new()
        };
        success(
            &json!({"more": more, "next_cursor": next, "order_list": orders}),
            core,
        )
    }

    fn lost(&self, core: &Core) -> Reply {
        let lost = self.lost.lock();
        let page: Vec<Value> = lost
            .iter()
            .take(100)
            .map(|(_, push)| push.clone())
            .collect();
        let last = lost.iter().take(100).next_back().map_or(0, |(id, _)| *id);
        let body = json!({"push_message_list": page, "has_next_page": lost.len() > 100,
            "last_message_id": last});
        success(&body, core)
    }

    fn order_json(&self, order: &Order, optional: &str) -> Value {
        let mut said = json!({"order_sn": self.order_id(order.number), "region": "SG",
            "currency": CURRENCY, "cod": false, "order_status": status(order),
            "create_time": order.created_ms / 1_000, "update_time": order.updated_ms / 1_000});
        let mut set = |name: &str, value: Value| {
            if optional.split(',').any(|field| field == name) {
                crate::sandbox::shape::set(&mut said, name, value);
            }
        };
        // Amounts are numbers with a fraction here.
        #[allow(clippy::cast_precision_loss)]
        let amount = |minor: u64| minor as f64 / 100.0;
        set("total_amount", json!(amount(order.total_minor())));
        set("buyer_user_id", json!(order.buyer));
        set(
            "recipient_address",
            json!({"name": "Lin S", "phone": "6590000000", "city": "Singapore", "state": "",
                "region": "SG", "zipcode": "049483", "full_address": "1 Raffles Pl"}),
        );
        let items: Vec<Value> = order
            .lines
            .iter()
            .map(|line| {
                json!({"item_id": ITEM + line.number, "item_name": line.sku, "item_sku": line.sku,
                    "model_id": MODEL + line.number, "model_sku": line.sku,
                    "model_quantity_purchased": line.quantity,
                    "model_original_price": amount(line.price_minor),
                    "model_discounted_price": amount(line.price_minor)})
            })
            .collect();
        set("item_list", json!(items));
        said
    }
}

fn status(order: &Order) -> &'static str {
    match (order.cancelled, order.paid) {
        (true, _) => "CANCELLED",
        (false, true) => "READY_TO_SHIP",
        (false, false) => "UNPAID",
    }
}

fn refuse(status: u16, error: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": error, "message": message, "request_id": "r-0"}),
    )
}

fn success(response: &Value, core: &Core) -> Reply {
    let id = format!("r-{}", core.next_id());
    Reply::json(
        200,
        &json!({"request_id": id, "error": "", "message": "", "response": response}),
    )
}

impl Channel for Shopee {
    fn name(&self) -> &'static str {
        "shopee"
    }

    fn market(&self) -> &Market {
        &self.market
    }

    fn order_id(&self, number: u64) -> String {
        format!("260504SBX{number:07}")
    }

    fn order_number(&self, id: &str) -> Option<u64> {
        id.strip_prefix("260504SBX")?.parse().ok()
    }

    fn item_ids(&self, number: u64, sku: &str) -> Value {
        json!({"sku": sku, "item_id": ITEM + number, "model_id": MODEL + number})
    }

    fn mapping(&self, number: u64, _: &str) -> (String, Vec<(&'static str, String)>) {
        (format!("{}/{}", ITEM + number, MODEL + number), Vec::new())
    }

    fn tell(&self, order: &Order, _: Change, core: &Core) {
        self.market.lock().tell(order.number);
        let shop = core.secret("shopee.shop", SHOP);
        let body = json!({"data": {"items": [], "ordersn": self.order_id(order.number),
            "status": status(order), "completed_scenario": "",
            "update_time": order.updated_ms / 1_000},
            "shop_id": shop.parse::<u64>().unwrap_or_default(), "code": 3,
            "timestamp": core.now_ms() / 1_000});
        let registered = core.secret("shopee.url", "").to_owned();
        let mut lost = self.lost.lock();
        if lost.len() >= LOST_KEPT {
            lost.pop_front();
        }
        lost.push_back((core.next_id(), body.clone()));
        let callback = Callback {
            provider: "shopee",
            secret: ("shopee.partner_key", PARTNER_KEY),
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
            sign: Arc::new(move |signing: &Signing| {
                let url = match registered.as_str() {
                    "" => signing.url.as_str(),
                    registered => registered,
                };
                let parts: [&[u8]; 3] = [url.as_bytes(), b"|", &signing.body];
                let digest = sign::sha256(signing.secret.as_bytes(), &parts);
                vec![("authorization", hex::encode(digest))]
            }),
        };
        let path = format!("/webhooks/shopee/{shop}");
        core.callbacks.send_below(path, true, callback);
    }
}

impl Provider for Shopee {
    fn name(&self) -> &'static str {
        "shopee"
    }

    fn operation(&self, request: &Request) -> &'static str {
        match request.path.rsplit('/').next().unwrap_or_default() {
            "update_stock" => "stock",
            "get_order_detail" => "detail",
            "cancel_order" => "cancel",
            "get" if request.path.contains("/auth/") => "token",
            _ => "orders",
        }
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        let error = if status == 429 {
            "error_rate_limit"
        } else {
            "error_server"
        };
        refuse(status, error, "Something wrong. Please try again later.")
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        if request.path.ends_with("/api/v2/auth/access_token/get") {
            return self.renew(request, core);
        }
        if let Some(reply) = self.refused(request, core) {
            return reply;
        }
        match (&request.method, request.path.as_str()) {
            (&Method::POST, "/api/v2/product/update_stock") => self.update_stock(request, core),
            (&Method::GET, "/api/v2/order/get_order_detail") => self.detail(request, core),
            (&Method::GET, "/api/v2/order/get_order_list") => self.list(request, core),
            (&Method::GET, "/api/v2/push/get_lost_push_message") => self.lost(core),
            (&Method::POST, "/api/v2/push/confirm_consumed_lost_push_message") => {
                let body = request.json().unwrap_or_default();
                let upto = body.at("/last_message_id").as_u64().unwrap_or_default();
                self.lost.lock().retain(|(id, _)| *id > upto);
                success(&json!({}), core)
            }
            (&Method::POST, "/api/v2/order/cancel_order") => {
                let body = request.json().unwrap_or_default();
                let id = body.at("/order_sn").as_str().unwrap_or_default();
                let number = self.order_number(id);
                let order = number.and_then(|it| self.market.lock().cancel(it, core.now_ms()));
                match order {
                    Some(order) => {
                        self.tell(&order, Change::Cancelled, core);
                        success(&json!({"update_time": order.updated_ms / 1_000}), core)
                    }
                    None => refuse(200, "error_not_found", "The order does not exist."),
                }
            }
            _ => refuse(404, "error_not_found", "No such API."),
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
