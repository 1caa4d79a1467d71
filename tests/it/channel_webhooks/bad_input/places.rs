//! A shop at each marketplace, and what it can be made to send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use onhand::clock;
use onhand::config::Config;
use onhand::types::OrderState;
use serde_json::{Value, json};

use super::super::super::served::PATIENCE;
use super::super::super::web::{Answered, send};
use super::super::market::Market;
use super::super::rig::{SECRET, Shop, base64, hex, shopify_order, woo_order};

pub const ACME: (&str, &str) = ("onhand-tenant", "acme");

const SHOPEE_URL: &str = "https://shop.example/bad/shopee";

const TIME: u64 = 1_777_882_351;

/// A shop whose channel no other test has: what is counted about it is this test's alone.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub kind: &'static str,
    /// The channel's number and name.
    pub number: u16,
    pub name: &'static str,
    /// The marketplace's name of the shop.
    pub shop: &'static str,
    /// The header of the signature.
    pub header: &'static str,
}

pub const PLACES: [Place; 5] = [
    Place {
        kind: "shopify",
        number: 31,
        name: "bad-shopify",
        shop: "bad.myshopify.com",
        header: "x-shopify-hmac-sha256",
    },
    Place {
        kind: "woocommerce",
        number: 32,
        name: "bad-woo",
        shop: "bad",
        header: "x-wc-webhook-signature",
    },
    Place {
        kind: "shopee",
        number: 33,
        name: "bad-shopee",
        shop: "727000033",
        header: "authorization",
    },
    Place {
        kind: "tiktok",
        number: 34,
        name: "bad-tiktok",
        shop: "7495540735365777034",
        header: "authorization",
    },
    Place {
        kind: "whatsapp",
        number: 35,
        name: "bad-whatsapp",
        shop: "106035",
        header: "x-hub-signature-256",
    },
];

/// What an order says, each as the text that stands in its JSON.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub quantity: &'static str,
    pub price: &'static str,
    pub currency: &'static str,
    pub sku: &'static str,
}

/// An order without fault.
pub const RIGHT: Said = Said {
    quantity: "2",
    price: "19.90",
    currency: "EUR",
    sku: "shirt",
};

/// A delivery without its signature.
#[derive(Clone, Debug)]
pub struct Sent {
    pub body: Vec<u8>,
    /// Topic and ids.
    pub headers: Vec<(&'static str, String)>,
}

impl Place {
    pub fn path(&self) -> String {
        format!("/webhooks/{}/{}", self.kind, self.shop)
    }

    /// The signature over a body, with a secret.
    pub fn signature(&self, secret: &str, body: &[u8]) -> String {
        match self.kind {
            "shopify" | "woocommerce" => base64(secret, &[body]),
            "shopee" => hex(secret, &[SHOPEE_URL.as_bytes(), b"|", body]),
            "tiktok" => hex(secret, &[b"abcdef", body]),
            _ => format!("sha256={}", hex(secret, &[body])),
        }
    }

    /// The delivery about an order, in the name of `shop`.
    pub fn delivery(&self, shop: &str, order: &str, said: &Said) -> Sent {
        let mut headers = Vec::new();
        let body = match self.kind {
            "shopify" => {
                headers.push(("x-shopify-topic", "orders/create".to_owned()));
                headers.push(("x-shopify-webhook-id", format!("w-{order}")));
                headers.push(("x-shopify-shop-domain", shop.to_owned()));
                let number = order.parse().expect("a number");
                let mut order = shopify_order(number, 1, "2026-05-04T10:12:31+02:00");
                order["currency"] = json!(said.currency);
                order["line_items"][0]["sku"] = json!(said.sku);
                order["line_items"][0]["quantity"] = json!("@quantity");
                order["line_items"][0]["price"] = json!("@price");
                order
            }
            "woocommerce" => {
                headers.push(("x-wc-webhook-topic", "order.created".to_owned()));
                headers.push(("x-wc-webhook-source", "https://bad.example/".to_owned()));
                let number = order.parse().expect("a number");
                let mut order = woo_order(number, "processing", "2026-05-04T08:12:31");
                order["currency"] = json!(said.currency);
                order["line_items"][0]["sku"] = json!(said.sku);
                order["line_items"][0]["quantity"] = json!("@quantity");
                order["line_items"][0]["price"] = json!("@price");
                order
            }
            "shopee" => json!({"data": {"items": [], "ordersn": order, "status": "READY_TO_SHIP",
                "update_time": TIME}, "shop_id": shop.parse::<u64>().expect("a number"),
                "code": 3, "timestamp": TIME}),
            "tiktok" => json!({"type": 1, "tts_notification_id": format!("n-{order}"),
                "shop_id": shop, "timestamp": TIME, "data": {"order_id": order,
                "order_status": "AWAITING_SHIPMENT", "update_time": TIME}}),
            _ => message(shop, order, said),
        };
        let body = written(&body, said).into_bytes();
        Sent { body, headers }
    }

    /// The order's detail, where a delivery only points at it.
    pub fn detail(&self, order: &str, said: &Said) -> Option<String> {
        let detail = match self.kind {
            "shopee" => json!({"request_id": "r", "error": "", "message": "", "response": {
                "order_list": [{"order_sn": order, "region": "SG", "currency": said.currency,
                "cod": false, "total_amount": 31.4, "order_status": "READY_TO_SHIP",
                "create_time": TIME, "update_time": TIME, "buyer_user_id": 55_501,
                "recipient_address": {"name": "Lin S", "region": "SG", "zipcode": "049483",
                    "full_address": "1 Raffles Pl"},
                "item_list": [{"item_id": 200_101, "item_sku": "", "model_id": 900_101,
                    "model_sku": said.sku, "model_quantity_purchased": "@quantity",
                    "model_discounted_price": "@price"}]}]}}),
            "tiktok" => json!({"code": 0, "message": "Success", "request_id": "r", "data": {
                "orders": [{"id": order, "status": "AWAITING_SHIPMENT", "create_time": TIME,
                "update_time": TIME, "user_id": "7490000000000000001", "is_cod": false,
                "payment": {"currency": said.currency, "total_amount": "27.50"},
                "recipient_address": {"name": "J***", "region_code": "GB",
                    "address_line1": "1 High St"},
                "line_items": [{"id": "5770001", "product_id": "1729001", "sku_id": "1729101",
                    "seller_sku": said.sku, "sale_price": "@price"}]}]}}),
            _ => return None,
        };
        Some(written(&detail, said))
    }

    /// A delivery of a topic that means nothing here.
    pub fn unknown_topic(&self) -> Sent {
        let (headers, body) = match self.kind {
            "shopify" => (
                vec![("x-shopify-topic", "moons/rising".to_owned())],
                json!({"id": 1}),
            ),
            "woocommerce" => (
                vec![("x-wc-webhook-topic", "moon.rising".to_owned())],
                json!({"id": 1}),
            ),
            "shopee" => (vec![], json!({"code": 99, "data": {}})),
            "tiktok" => (vec![], json!({"type": 99, "data": {}})),
            _ => {
                let value = json!({"metadata": {"phone_number_id": self.shop}});
                let changes = json!([{"field": "moons", "value": value}]);
                (vec![], json!({"entry": [{"changes": changes}]}))
            }
        };
        let body = body.to_string().into_bytes();
        Sent { body, headers }
    }
}

/// WhatsApp's post about one message.
fn message(phone: &str, order: &str, said: &Said) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1020", "changes": [
        {"field": "messages", "value": {"messaging_product": "whatsapp",
        "metadata": {"phone_number_id": phone},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "34600000000"}],
        "messages": [{"from": "34600000000", "id": order, "timestamp": TIME.to_string(),
        "type": "order", "order": {"catalog_id": "30300", "product_items": [
            {"product_retailer_id": said.sku, "quantity": "@quantity", "item_price": "@price",
                "currency": said.currency}]}}]}}]}]})
}

/// The JSON with numbers digit by digit as they were said.
fn written(value: &Value, said: &Said) -> String {
    let text = value.to_string();
    let text = text.replace("\"@quantity\"", said.quantity);
    text.replace("\"@price\"", &format!("\"{}\"", said.price))
}

/// A server with these shops beside those of the rig, and the APIs of the two that are asked.
pub struct World {
    pub shop: Shop,
    details: Arc<Mutex<HashMap<String, String>>>,
    next: u64,
}

/// What bad input may not move: stock, orders in process, and the end of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    stock: Value,
    orders: Value,
    /// What orders and stock went through.
    events: Value,
    pub sequence: u64,
}

impl World {
    pub fn open(change: impl FnOnce(&mut Config)) -> Self {
        let details: Arc<Mutex<HashMap<String, String>>> = Arc::default();
        let known = Arc::clone(&details);
        let market = Market::open(Box::new(move |path, _| {
            let known = known.lock().expect("not poisoned");
            let found = known.iter().find(|(order, _)| path.contains(*order));
            found.map_or((404, "{}".to_owned()), |(_, detail)| (200, detail.clone()))
        }));
        let channels = PLACES.map(|place| channel(&place, &market.url())).concat();
        let world = Self {
            shop: Shop::open_with(100, &channels, change),
            details,
            next: 9_000_000,
        };
        // A buyer's price counts only where it is the catalogue's.
        let mapping = json!({"mappings": [
            {"item": "shirt", "sku": "shirt", "write_back": {"price": "1990"}}]});
        let headers = [ACME, ("content-type", "application/json")];
        let body = mapping.to_string();
        let path = "/v1/mappings/bad-whatsapp";
        send(world.shop.http, "PUT", path, &headers, body.as_bytes()).is(200);
        world
    }

    /// A number that no order has.
    pub fn order(&mut self) -> String {
        self.next += 1;
        self.next.to_string()
    }

    /// Sends a delivery with this signature, or none.
    pub fn send(&self, place: &Place, sent: &Sent, signature: Option<&str>) -> Answered {
        let mut headers: Vec<(&str, &str)> = Vec::new();
        headers.extend(signature.map(|value| (place.header, value)));
        let texts = sent.headers.iter();
        headers.extend(texts.map(|(name, value)| (*name, value.as_str())));
        self.shop.post(&place.path(), &headers, &sent.body)
    }

    /// Sends a delivery, rightly signed.
    pub fn send_signed(&self, place: &Place, sent: &Sent) -> Answered {
        let signature = place.signature(SECRET, &sent.body);
        self.send(place, sent, Some(&signature))
    }

    /// A delivery about a new order, whose detail can be asked for; returns its id as well.
    pub fn sold(&mut self, place: &Place, said: &Said) -> (String, Sent) {
        let order = self.order();
        if let Some(detail) = place.detail(&order, said) {
            let mut details = self.details.lock().expect("not poisoned");
            details.insert(order.clone(), detail);
        }
        let sent = place.delivery(place.shop, &order, said);
        (order, sent)
    }

    /// What a counter of `onhand_…_total` says now.
    pub fn count(&self, line: &str) -> f64 {
        let page = send(self.shop.http, "GET", "/metrics", &[], b"")
            .is(200)
            .body;
        let found = page.lines().find_map(|it| it.strip_prefix(line));
        found.map_or(0.0, |value| value.trim().parse().expect("a number"))
    }

    pub fn standing(&self) -> Standing {
        let get = |path: &str| {
            send(self.shop.http, "GET", path, &[ACME], b"")
                .is(200)
                .json()
        };
        let sequence = get("/v1/status")["sequence"].as_u64();
        Standing {
            stock: get("/v1/stock")["stock"].clone(),
            orders: get("/v1/orders?limit=500"),
            events: get("/v1/events?limit=500")["events"].clone(),
            sequence: sequence.expect("a number"),
        }
    }

    /// The events that wait for a person.
    pub fn held(&self) -> Vec<Value> {
        let path = "/v1/quarantine?limit=500";
        let told = send(self.shop.http, "GET", path, &[ACME], b"").is(200);
        told.json()["events"].as_array().expect("a list").clone()
    }

    /// As [`World::standing`], once the journal has come to rest.
    pub fn at_rest(&self) -> Standing {
        let (mut last, mut same) = (self.standing(), 0);
        let deadline_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
        while same < 5 {
            clock::sleep_ms(50);
            let now = self.standing();
            same = if now == last { same + 1 } else { 0 };
            last = now;
            assert!(clock::monotonic_ns() < deadline_ns, "never at rest");
        }
        last
    }

    /// Places an order of every marketplace, and waits until all are known.
    pub fn place_all(&mut self) -> Vec<(Place, String, Sent)> {
        let placed = PLACES.map(|place| {
            let (order, sent) = self.sold(&place, &RIGHT);
            assert_eq!(self.send_signed(&place, &sent).is(200).body, "");
            (place, order, sent)
        });
        for (place, order, _) in &placed {
            self.shop
                .waits_for(place.number, order, OrderState::FraudCheck);
        }
        placed.to_vec()
    }
}

fn channel(place: &Place, api: &str) -> String {
    let more = match place.kind {
        "shopee" => format!(
            "url = \"{SHOPEE_URL}\"\nbase_url = \"{api}\"\nsecrets.partner_key = NEW\n\
             secrets.access_token = NEW\nsettings.partner_id = 2001887\nfetch_retry_ms = 20"
        ),
        "tiktok" => format!(
            "app_key = \"abcdef\"\nbase_url = \"{api}\"\nsecrets.app_secret = NEW\n\
             secrets.access_token = NEW\nsettings.app_key = \"abcdef\"\n\
             settings.shop_cipher = \"ROW_x\"\nsettings.warehouses = \"7000\"\n\
             fetch_retry_ms = 20"
        ),
        "whatsapp" => "verify_token = NEW".to_owned(),
        _ => String::new(),
    };
    let Place {
        kind,
        number,
        name,
        shop,
        ..
    } = place;
    format!(
        "[[channel]]\nnumber = {number}\nname = \"{name}\"\nkind = \"{kind}\"\ntenant = \"acme\"\n\
         shop = \"{shop}\"\nwebhook_secrets = [NEW, OLD]\ncurrency = \"EUR\"\npoll_seconds = 0\n\
         {more}\n"
    )
}
