//! A server with channels, and marketplaces that sign what they send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use onhand::client::{ConnectOptions, Connection, OrderAnswer};
use onhand::clock;
use onhand::config::Config;
use onhand::types::{ChannelId, OrderState};
use onhand::wire::key::order_key;
use serde_json::{Value, json};
use sha2::Sha256;
use std::net::SocketAddr;
use std::path::Path;

use super::super::served::{PATIENCE, Served, config};
use super::super::web::{Answered, send};

/// The secret that everything is signed with.
pub const SECRET: &str = "topsecret";

/// A secret that was in force before.
pub const OLD_SECRET: &str = "oldsecret";

/// The URL under which Shopee knows the server.
pub const SHOPEE_URL: &str = "https://shop.example/hooks/shopee";

const CHANNELS: &str = r#"
[[channel]]
number = 1
name = "shopify"
kind = "shopify"
tenant = "acme"
shop = "eu.myshopify.com"
webhook_secrets = [NEW, OLD]
currency = "EUR"
poll_seconds = 0

[[channel]]
number = 2
name = "woo"
kind = "woocommerce"
tenant = "acme"
shop = "tea"
webhook_secrets = [NEW]
poll_seconds = 0

[[channel]]
number = 3
name = "shopee"
kind = "shopee"
tenant = "acme"
shop = "727000001"
url = "https://shop.example/hooks/shopee"
webhook_secrets = [NEW]
poll_seconds = 0

[[channel]]
number = 4
name = "tiktok"
kind = "tiktok"
tenant = "acme"
shop = "7495540735365777507"
app_key = "abcdef"
webhook_secrets = [NEW]
poll_seconds = 0

[[channel]]
number = 5
name = "whatsapp"
kind = "whatsapp"
tenant = "acme"
shop = "106000"
verify_token = NEW
webhook_secrets = [NEW]
poll_seconds = 0
"#;

/// Nobody scores risk: every order waits in review for a person, once it has come so far.
const PROCESS: &str = r#"
[providers.sift]
base_url = "http://127.0.0.1:1"
secrets = { api_key = { published = "nobody" } }
[providers.stripe]
base_url = "http://127.0.0.1:1"
secrets = { secret_key = { published = "nobody" } }
[[pipelines]]
name = "standard"
steps = [
  { kind = "fraud", providers = ["sift"] },
  { kind = "payment", providers = ["stripe"], backup = false },
]
[settings]
fail_open_below = 0
"#;

/// Puts orders into a process in which they end up in review.
pub fn with_process(config: &mut Config) {
    let file = config.data.parent().unwrap().join("process.toml");
    std::fs::write(&file, PROCESS).unwrap();
    config.process = Some(file);
}

/// A running server with its directory.
pub struct Shop {
    pub directory: tempfile::TempDir,
    pub config: Config,
    pub served: Option<Served>,
    pub http: SocketAddr,
    tcp: SocketAddr,
}

/// Writes the channels file, with `more` behind it; returns its path.
pub fn channels_file(directory: &Path, more: &str) -> std::path::PathBuf {
    for (name, secret) in [("new", SECRET), ("old", OLD_SECRET)] {
        std::fs::write(directory.join(name), secret).unwrap();
    }
    let place = |name: &str| format!("{{ file = \"{}\" }}", directory.join(name).display());
    let text = format!("{CHANNELS}\n{more}");
    let text = text
        .replace("NEW", &place("new"))
        .replace("OLD", &place("old"));
    let path = directory.join("channels.toml");
    std::fs::write(&path, text).unwrap();
    path
}

impl Shop {
    /// A server with five channels and so many shirts.
    pub fn open(shirts: u32) -> Self {
        Self::open_with(shirts, "", |_| {})
    }

    /// As [`Shop::open`], with more in the channels file and another configuration.
    pub fn open_with(shirts: u32, more: &str, change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(&directory.path().join("data"));
        config.http = Some("127.0.0.1:0".parse().unwrap());
        config.channels = Some(channels_file(directory.path(), more));
        change(&mut config);
        let served = Served::start(&config);
        let mut shop = Self {
            http: served.http.unwrap(),
            tcp: served.address,
            directory,
            config,
            served: Some(served),
        };
        if shirts > 0 {
            shop.served.as_mut().unwrap().client().stock_up(shirts);
        }
        shop
    }

    /// Stops the server and starts it again on the same journal.
    pub fn restart(&mut self) {
        self.served.take().unwrap().stop().unwrap();
        let served = Served::start(&self.config);
        (self.http, self.tcp) = (served.http.unwrap(), served.address);
        self.served = Some(served);
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answered {
        send(self.http, "POST", path, headers, body)
    }

    /// A delivery of Shopify, signed.
    pub fn shopify(&self, topic: &str, id: &str, order: &Value) -> Answered {
        let body = order.to_string();
        let signature = base64(SECRET, &[body.as_bytes()]);
        let headers = [
            ("x-shopify-hmac-sha256", signature.as_str()),
            ("x-shopify-topic", topic),
            ("x-shopify-webhook-id", id),
            ("x-shopify-shop-domain", "eu.myshopify.com"),
        ];
        self.post(
            "/webhooks/shopify/eu.myshopify.com",
            &headers,
            body.as_bytes(),
        )
    }

    /// A delivery of WooCommerce, signed.
    pub fn woo(&self, topic: &str, delivery: &str, order: &Value) -> Answered {
        let body = order.to_string();
        let signature = base64(SECRET, &[body.as_bytes()]);
        let headers = [
            ("x-wc-webhook-signature", signature.as_str()),
            ("x-wc-webhook-topic", topic),
            ("x-wc-webhook-source", "https://tea.example/"),
            ("x-wc-webhook-delivery-id", delivery),
        ];
        self.post("/webhooks/woocommerce/tea", &headers, body.as_bytes())
    }

    /// A message of WhatsApp, signed.
    pub fn whatsapp(&self, body: &str) -> Answered {
        let signature = format!("sha256={}", hex(SECRET, &[body.as_bytes()]));
        let headers = [("x-hub-signature-256", signature.as_str())];
        self.post("/webhooks/whatsapp/106000", &headers, body.as_bytes())
    }

    pub fn client(&self) -> Connection {
        let options = ConnectOptions::new(&self.tcp.to_string(), "", "acme");
        Connection::connect(&options).unwrap()
    }

    /// The order that a channel calls `id`.
    pub fn order(&self, channel: u16, id: &str) -> OrderAnswer {
        let key = order_key(ChannelId(channel), id.as_bytes());
        self.client().query_orders(&[key]).unwrap().remove(0)
    }

    /// Waits until the order of a channel is in a state.
    #[track_caller]
    pub fn waits_for(&self, channel: u16, id: &str, state: OrderState) -> OrderAnswer {
        let deadline_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
        loop {
            let order = self.order(channel, id);
            if order.summary.state == Some(state) {
                return order;
            }
            assert!(
                clock::monotonic_ns() < deadline_ns,
                "order {id} of channel {channel} is not {state:?}: {order:?}; held: {:?}",
                self.quarantine()
            );
            clock::sleep_ms(5);
        }
    }

    /// The events that wait for a person.
    pub fn quarantine(&self) -> Vec<Value> {
        let answered = send(
            self.http,
            "GET",
            "/v1/quarantine",
            &[("onhand-tenant", "acme")],
            b"",
        );
        match answered.status {
            200 => answered.json()["events"].as_array().unwrap().clone(),
            _ => vec![json!({ "status": answered.status })],
        }
    }

    /// Waits until so many events wait for a person; returns them.
    #[track_caller]
    pub fn holds(&self, count: usize) -> Vec<Value> {
        let deadline_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
        loop {
            let held = self.quarantine();
            if held.len() == count {
                return held;
            }
            assert!(clock::monotonic_ns() < deadline_ns, "not {count}: {held:?}");
            clock::sleep_ms(5);
        }
    }

    /// Waits until a metric's line stands in the metrics page with at least this value.
    #[track_caller]
    pub fn counts(&self, line: &str, least: f64) {
        let deadline_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
        loop {
            let page = send(self.http, "GET", "/metrics", &[], b"").body;
            let found = page.lines().find_map(|it| it.strip_prefix(line));
            let value = found.and_then(|it| it.trim().parse::<f64>().ok());
            if value.is_some_and(|value| value >= least) {
                return;
            }
            assert!(clock::monotonic_ns() < deadline_ns, "{line}: {found:?}");
            clock::sleep_ms(5);
        }
    }
}

fn mac(key: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// HMAC-SHA256 in base64.
pub fn base64(key: &str, parts: &[&[u8]]) -> String {
    STANDARD.encode(mac(key, parts))
}

/// HMAC-SHA256 in lower-case hexadecimal digits.
pub fn hex(key: &str, parts: &[&[u8]]) -> String {
    mac(key, parts)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// An order as Shopify sends it.
pub fn shopify_order(id: u64, quantity: u32, updated: &str) -> Value {
    json!({
        "id": id, "name": "#1042", "email": "ana@example.com",
        "created_at": "2026-05-04T10:12:30+02:00", "updated_at": updated,
        "cancelled_at": null, "cancel_reason": null, "currency": "EUR",
        "total_price": "44.70", "financial_status": "paid", "fulfillment_status": null,
        "customer": {"id": 7_771_112_223_334_u64, "first_name": "Ana", "last_name": "Ruiz"},
        "shipping_address": {"first_name": "Ana", "last_name": "Ruiz", "address1": "Calle Sol 4",
            "city": "Madrid", "province_code": "M", "zip": "28013", "country_code": "ES"},
        "line_items": [{"id": 1_400_000_000_001_u64, "variant_id": 4_400_000_000_001_u64,
            "sku": "shirt", "title": "Caf\u{e9} / shirt", "quantity": quantity, "price": "19.90"}]
    })
}

/// An order as WooCommerce sends it.
pub fn woo_order(id: u64, status: &str, modified: &str) -> Value {
    json!({
        "id": id, "number": id.to_string(), "status": status, "currency": "GBP",
        "date_created_gmt": "2026-05-04T08:12:30", "date_modified_gmt": modified,
        "total": "27.50", "customer_id": 0, "payment_method": "stripe", "transaction_id": "",
        "billing": {"first_name": "Joe", "last_name": "Hill", "address_1": "1 High St",
            "city": "Leeds", "postcode": "LS1 1AA", "country": "GB", "email": "joe@example.com"},
        "shipping": {"first_name": "", "last_name": "", "address_1": "", "city": "",
            "postcode": "", "country": ""},
        "line_items": [{"id": 315, "name": "Shirt", "product_id": 93, "variation_id": 0,
            "sku": "shirt", "quantity": 1, "total": "24.00", "price": 24}]
    })
}
