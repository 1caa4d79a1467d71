//! A server with providers in the sandbox, orders on their way, and what `/v1` says about them.

mod roles;

use crate::it::served::{Served, config};
use crate::it::web::{Answered, send};
use onhand::client::{ConnectOptions, Connection};
use onhand::config::Config;
use onhand::net::token::Token;
use onhand::sandbox::channels::{shopify, woocommerce};
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::{Options, Sandbox};
use onhand::types::{
    ChannelId, CommandKey, LocationId, OrderDetails, OrderKey, ResultCode, Role, SkuId,
};
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{
    Line, Lines, LocationDefinition, Receive, ReserveItem, SkuDefinition, reserve_flags,
};
use onhand::wire::{details, key};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const TENANT: &str = "default";
const CHANNEL: ChannelId = ChannelId(3);
const TOTAL: u64 = 4_470;
const EUR: u16 = 978;

/// Units of the first SKU; of the second there are ten.
const UNITS: u32 = 1_000_000;

/// How long an order may take to get where a test wants it.
const PATIENCE_MS: u64 = 120_000;

/// See the module.
pub struct Stage {
    served: Option<Served>,
    sandbox: Option<Sandbox>,
    connection: Option<Connection>,
    config: Config,
    pub http: SocketAddr,
    /// What the stage itself asks with; empty without a token file.
    token: String,
    placed: u64,
    _directory: tempfile::TempDir,
}

impl Stage {
    /// A server of the order process; parcels take `step_ms` for each step.
    pub fn start(step_ms: u64) -> Self {
        Self::start_with(step_ms, |_, _, _| {})
    }

    /// As [`Stage::start`], with the history in another database.
    pub fn with_history(step_ms: u64, url: &str) -> Self {
        Self::start_with(step_ms, |config, _, _| {
            config.history = url.parse().expect("a database");
        })
    }

    /// As [`Stage::start`], with a shop at Shopify and one at WooCommerce that sell the first SKU.
    pub fn with_channels(step_ms: u64) -> Self {
        let stage = Self::start_with(step_ms, |config, sandbox, directory| {
            config.channels = Some(channels_file(directory, sandbox));
        });
        for (number, place) in [(1, "shopify"), (2, "woocommerce")] {
            stage.sell_at(number, place);
        }
        stage
    }

    fn start_with(step_ms: u64, change: impl FnOnce(&mut Config, &Sandbox, &Path)) -> Self {
        Self::start_as("", step_ms, change)
    }

    fn start_as(
        token: &str,
        step_ms: u64,
        change: impl FnOnce(&mut Config, &Sandbox, &Path),
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let sandbox = Sandbox::start(Options {
            step_ms,
            ..Options::default()
        });
        let sandbox = sandbox.expect("a sandbox");
        let mut config = config(&directory.path().join("data"));
        config.http = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.sandbox = Some(sandbox.address());
        config.segment_bytes = 32 << 20; // room for batches of a thousand orders
        change(&mut config, &sandbox, directory.path());
        let served = Served::start(&config);
        let http = served.http.expect("HTTP");
        sandbox
            .callbacks()
            .set_target(Some(format!("http://{http}")));
        let mut connection = connect(&served, token);
        stock_up(&mut connection);
        Self {
            served: Some(served),
            sandbox: Some(sandbox),
            connection: Some(connection),
            config,
            http,
            token: token.to_owned(),
            placed: 0,
            _directory: directory,
        }
    }

    /// The marketplace has the first SKU as an item, and the server knows which one.
    fn sell_at(&self, channel: u16, place: &str) {
        let sandbox = self.sandbox.as_ref().expect("a sandbox").address();
        let item = json!({ "items": [{ "sku": "mug-red" }] }).to_string();
        let path = format!("/_sandbox/{place}/items");
        let json = [("content-type", "application/json")];
        let made = send(sandbox, "POST", &path, &json, item.as_bytes()).is(200);
        let ids = made.json()["items"][0].clone();
        let text = |name: &str| match &ids[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mapping = if place == "shopify" {
            let inventory = json!({ "inventory_item": text("inventory_item_id") });
            json!({ "item": text("variant_id"), "sku": "mug-red", "write_back": inventory })
        } else {
            json!({ "item": text("product_id"), "sku": "mug-red" })
        };
        let told = self.change(
            "PUT",
            &format!("/v1/mappings/{channel}"),
            &json!({ "mappings": [mapping] }),
        );
        assert_eq!(told["changed"], 1, "{told}");
    }

    /// A server that asks for tokens and has no providers, and a token for tenant `default`.
    pub fn guarded() -> (Self, String) {
        let directory = tempfile::tempdir().expect("a directory");
        let (secret, token) = Token::draw("desk", Role::Operator, TENANT).expect("a token");
        let file = directory.path().join("tokens");
        std::fs::write(&file, format!("{}\n", token.to_line())).expect("written");
        let mut config = config(&directory.path().join("data"));
        config.http = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.token_file = Some(file);
        let served = Served::start(&config);
        let http = served.http.expect("HTTP");
        let stage = Self {
            served: Some(served),
            sandbox: None,
            connection: None,
            config,
            http,
            token: String::new(),
            placed: 0,
            _directory: directory,
        };
        (stage, secret)
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.config.data
    }

    /// The address of a page.
    pub fn page(&self, name: &str) -> String {
        format!("http://{}/#/{name}", self.http)
    }

    /// Places so many orders that go through the whole process; returns their keys.
    pub fn place(&mut self, count: u64) -> Vec<String> {
        self.place_at(CHANNEL.0, count)
    }

    /// The same for orders of another channel.
    pub fn place_at(&mut self, channel: u16, count: u64) -> Vec<String> {
        self.place_with(ChannelId(channel), EUR, count)
    }

    /// The same for orders in another currency.
    pub fn place_in(&mut self, currency: u16, count: u64) -> Vec<String> {
        self.place_with(CHANNEL, currency, count)
    }

    fn place_with(&mut self, channel: ChannelId, currency: u16, count: u64) -> Vec<String> {
        let line = line(0);
        let numbers = self.placed..self.placed + count;
        self.placed += count;
        let encoded: Vec<Vec<u8>> = numbers.clone().map(details_of).collect();
        let key_of = |number: u64| key::order_key(channel, external_id(number).as_bytes());
        let keys: Vec<OrderKey> = numbers.clone().map(key_of).collect();
        let orders: Vec<ReserveItem<'_>> = numbers
            .zip(&encoded)
            .map(|(number, details)| ReserveItem {
                flags: reserve_flags::PLACE,
                total: TOTAL,
                details,
                channel,
                currency,
                ..hold(key_of(number), number, &line)
            })
            .collect();
        self.reserve(&orders);
        keys.iter().map(ToString::to_string).collect()
    }

    /// A channel has sold so many units of the second SKU, of which there are ten; returns the
    /// order's key.
    pub fn sell(&mut self, quantity: u32, customer: u64) -> String {
        let line = Line {
            quantity,
            ..line(1)
        };
        let number = self.placed;
        self.placed += 1;
        let key = key::order_key(CHANNEL, external_id(number).as_bytes());
        let details = details_of(number);
        let sold = ReserveItem {
            flags: reserve_flags::FACT,
            total: TOTAL,
            customer,
            details: &details,
            ..hold(key, number, &line)
        };
        self.reserve(&[sold]);
        key.to_string()
    }

    /// Offers so many holds of one unit, one in five for a SKU that is soon sold out.
    pub fn offer(&mut self, first: u64, count: u64) {
        let lines = [line(0), line(1)];
        let orders: Vec<ReserveItem<'_>> = (first..first + count)
            .map(|number| {
                let line = &lines[usize::from(number % 5 == 0)];
                hold(OrderKey(1 << 100 | u128::from(number)), number, line)
            })
            .collect();
        self.reserve(&orders);
    }

    fn reserve(&mut self, orders: &[ReserveItem<'_>]) {
        let connection = self.connection.as_mut().expect("a connection");
        for answer in connection.reserve(orders).expect("an answer") {
            let code = answer.item.code;
            let fits = matches!(code, ResultCode::Ok | ResultCode::InsufficientStock);
            assert!(fits, "{code}");
        }
    }

    /// The mail provider refuses every message.
    pub fn refuse_messages(&self) {
        let mut rule = Rule::new("sendgrid", Kind::Status);
        rule.status = Some(400);
        let sandbox = self.sandbox.as_ref().expect("a sandbox");
        sandbox.fault(rule).expect("a rule");
    }

    /// Every provider works.
    pub fn restore(&self) {
        let sandbox = self.sandbox.as_ref().expect("a sandbox");
        sandbox.faults().clear(None, None);
    }

    /// What HTTP says.
    pub fn get(&self, path: &str) -> Value {
        self.ask("GET", path, "").is(200).json()
    }

    /// Changes something over HTTP.
    pub fn change(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, path, &body.to_string()).is(200).json()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Answered {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("content-type", "application/json")];
        if !self.token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        send(self.http, method, path, &headers, body.as_bytes())
    }

    /// Waits until what HTTP says is as wanted; returns it.
    #[track_caller]
    pub fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end_ns = onhand::clock::monotonic_ns() + PATIENCE_MS * 1_000_000;
        loop {
            let shown = self.ask("GET", path, "").json_unless_busy();
            if let Some(shown) = shown.as_ref().filter(|shown| wanted(shown)) {
                return shown.clone();
            }
            assert!(onhand::clock::monotonic_ns() < end_ns, "{path}: {shown:?}");
            onhand::clock::sleep_ms(100);
        }
    }

    /// Waits until an order's state is as wanted.
    #[track_caller]
    pub fn until_state(&self, order: &str, wanted: impl Fn(&str) -> bool) {
        let end_ns = onhand::clock::monotonic_ns() + PATIENCE_MS * 1_000_000;
        loop {
            let shown = self.get(&format!("/v1/orders/{order}"));
            if shown["state"].as_str().is_some_and(&wanted) {
                return;
            }
            assert!(onhand::clock::monotonic_ns() < end_ns, "{shown}");
            onhand::clock::sleep_ms(100);
        }
    }

    /// The one order that waits for a person.
    pub fn only_review(&self) -> String {
        let found = self.get("/v1/review");
        let orders = found["orders"].as_array().expect("a list");
        assert_eq!(orders.len(), 1, "{found}");
        orders[0]["order"].as_str().expect("a key").to_owned()
    }

    /// What the history knows about an order, once it knows of a decision.
    pub fn timeline(&self, order: &str) -> Vec<Value> {
        let events = |told: &Value| told["events"].as_array().expect("a list").clone();
        let told = self.until(&format!("/dashboard/data/timeline/{order}"), |told| {
            let events = events(told);
            events.iter().any(|event| event["what"] == "decision")
        });
        events(&told)
    }

    /// Stops the server.
    pub fn stop(&mut self) {
        drop(self.connection.take());
        self.served.take().expect("running").stop().expect("clean");
    }

    /// Starts it again on the same journal and the same port.
    pub fn start_again(&mut self) {
        self.config.http = Some(self.http);
        let served = Served::start(&self.config);
        assert_eq!(served.http, Some(self.http));
        self.connection = Some(connect(&served, &self.token));
        self.served = Some(served);
    }
}

/// A client of the stage's tenant.
fn connect(served: &Served, token: &str) -> Connection {
    let options = ConnectOptions::new(&served.address.to_string(), token, TENANT);
    Connection::connect(&options).expect("connected")
}

/// A channels file for the sandbox's shops.
fn channels_file(directory: &Path, sandbox: &Sandbox) -> PathBuf {
    let secret = |name: &str, secret: &str| {
        let path = directory.join(name);
        std::fs::write(&path, secret).expect("written");
        format!("{{ file = \"{}\" }}", path.display())
    };
    let text = format!(
        "[[channel]]\nnumber = 1\nname = \"shopify-eu\"\nkind = \"shopify\"\n\
         tenant = \"{TENANT}\"\nshop = \"{}\"\nwebhook_secrets = [{}]\nbase_url = \"{}\"\n\
         secrets.access_token = {}\nsettings.location = \"77\"\n\
         settings.stock_calls_per_second = \"0\"\npoll_seconds = 0\n\n\
         [[channel]]\nnumber = 2\nname = \"tea-shop\"\nkind = \"woocommerce\"\n\
         tenant = \"{TENANT}\"\nshop = \"{}\"\nwebhook_secrets = [{}]\nbase_url = \"{}\"\n\
         secrets.consumer_key = {}\nsecrets.consumer_secret = {}\n\
         settings.stock_calls_per_second = \"0\"\npoll_seconds = 0\n",
        shopify::SHOP,
        secret("shopify-secret", shopify::SECRET),
        sandbox.base_url("shopify"),
        secret("shopify-token", shopify::TOKEN),
        woocommerce::SHOP,
        secret("woo-secret", woocommerce::WEBHOOK_SECRET),
        sandbox.base_url("woocommerce"),
        secret("woo-key", woocommerce::KEY),
        secret("woo-consumer", woocommerce::SECRET),
    );
    let path = directory.join("channels.toml");
    std::fs::write(&path, text).expect("written");
    path
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.connection.take());
        drop(self.served.take());
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.stop();
        }
    }
}

fn line(sku: u32) -> Line {
    Line {
        sku: SkuId(sku),
        quantity: 1,
        location: LocationId::ANY,
    }
}

fn hold(key: OrderKey, number: u64, line: &Line) -> ReserveItem<'_> {
    ReserveItem {
        key,
        customer: 1_000 + number,
        total: 0,
        ttl_ms: 900_000,
        version: 1,
        channel: CHANNEL,
        currency: EUR,
        flags: 0,
        destination: None,
        lines: Lines::new(std::slice::from_ref(line)),
        details: &[],
    }
}

fn external_id(number: u64) -> String {
    format!("w{number:05}")
}

fn details_of(number: u64) -> Vec<u8> {
    let address = vec![format!("Calle Sol {number}"), "28013 Madrid".to_owned()];
    let details = OrderDetails {
        external_id: external_id(number),
        contact_name: format!("Ana Ruiz {number}"),
        email: format!("ana.{number}@example.com"),
        phone: format!("+3460{number:07}"),
        shipping_address: address.clone(),
        billing_address: address,
        country: "ES".to_owned(),
        payment_token: format!("pm_card_{number}"),
        unit_prices: vec![TOTAL],
        ip: format!("10.0.{}.{}", number >> 8, number & 255),
        device: format!("device-{number}"),
        session: format!("session-{number}"),
        checkout_seconds: 90,
        custom_handling: String::new(),
    };
    details::encode(&details, 1).expect("details that fit")
}

fn stock_up(connection: &mut Connection) {
    let skus = ["mug-red", "shoe-42"].map(|name| SkuDefinition {
        name,
        flags: SKU_ON_SALE,
    });
    connection.define_skus(&skus).expect("SKUs");
    let location = LocationDefinition {
        name: "berlin",
        priority: 0,
        x: 0,
        y: 0,
    };
    connection
        .define_locations(&[location])
        .expect("a location");
    let arrival = |key, sku, quantity| Receive {
        key: CommandKey(key),
        sku: SkuId(sku),
        quantity,
        location: LocationId(0),
    };
    connection
        .receive_stock(&[arrival(1, 0, UNITS), arrival(2, 1, 10)])
        .expect("stock");
}
