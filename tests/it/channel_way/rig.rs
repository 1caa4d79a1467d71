//! A server process, the sandbox's five marketplaces as its channels, and everything between them
//! over real sockets.

use std::path::PathBuf;

use onhand::client::{ConnectOptions, Connection, OrderAnswer};
use onhand::clock;
use onhand::config::channels::sandbox_file;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::ledger::Filter;
use onhand::sandbox::{Options, Sandbox};
use onhand::types::{ChannelId, OrderKey, OrderState};
use onhand::wire::key::order_key;
use serde_json::{Value, json};

use super::super::process::{Server, run};
use super::super::web::{Answered, send};

pub const TENANT: &str = "acme";

/// The URL that is registered with Shopee, which signs it.
const SHOPEE_URL: &str = "https://shop.sandbox.example/webhooks/shopee";

/// Far more than anything needs: machines are shared.
const PATIENCE_MS: u64 = 90_000;
const LOOK_MS: u64 = 50;

/// A marketplace: its name in the sandbox, and the channel that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    pub place: &'static str,
    pub name: &'static str,
    pub channel: u16,
}

const fn market(place: &'static str, name: &'static str, channel: u16) -> Market {
    Market {
        place,
        name,
        channel,
    }
}

pub const SHOPIFY: Market = market("shopify", "shopify", 11);
pub const WOOCOMMERCE: Market = market("woocommerce", "woocommerce", 12);
pub const SHOPEE: Market = market("shopee", "shopee", 13);
pub const TIKTOK: Market = market("tiktok", "tiktok", 14);
pub const WHATSAPP: Market = market("meta", "whatsapp", 15);

/// Those that have sold what they report.
pub const SELLERS: [Market; 4] = [SHOPIFY, WOOCOMMERCE, SHOPEE, TIKTOK];
pub const ALL: [Market; 5] = [SHOPIFY, WOOCOMMERCE, SHOPEE, TIKTOK, WHATSAPP];

/// An order as the market has it.
#[derive(Clone, Debug)]
pub struct Sold {
    pub id: String,
    pub units: u32,
    pub cancelled: bool,
}

pub struct Way {
    pub sandbox: Sandbox,
    server: Option<Server>,
    skus: Vec<&'static str>,
    directory: tempfile::TempDir,
    end_ns: u64,
}

impl Way {
    /// A server and its marketplaces, with these SKUs and units of each, all mapped.
    pub fn open(step_ms: u64, skus: &[(&'static str, u32)]) -> Self {
        let registered = ("shopee.url".to_owned(), SHOPEE_URL.to_owned());
        let sandbox = Sandbox::start(Options {
            step_ms,
            secrets: [registered].into(),
            ..Options::default()
        });
        let mut way = Self {
            sandbox: sandbox.expect("a sandbox"),
            server: None,
            skus: skus.iter().map(|(sku, _)| *sku).collect(),
            directory: tempfile::tempdir().expect("a directory"),
            end_ns: clock::monotonic_ns() + PATIENCE_MS * 1_000_000,
        };
        let file = sandbox_file(way.sandbox.address(), TENANT);
        std::fs::write(way.directory.path().join("channels.toml"), file).expect("written");
        way.start();
        way.put("/locations/berlin", &json!({"priority": 1}));
        for (sku, units) in skus {
            way.put(&format!("/skus/{sku}"), &json!({"on_sale": true}));
            way.receive(sku, *units);
        }
        way.wait("every channel is there", |way| {
            let listed = way.get("/channels");
            listed["channels"]
                .as_array()
                .is_some_and(|all| all.len() == 5)
        });
        for market in ALL {
            way.map(market);
        }
        way
    }

    /// Starts the server, or starts it again; its HTTP port is another one each time.
    pub fn start(&mut self) {
        let sandbox = self.sandbox.address().to_string();
        let channels = self.directory.path().join("channels.toml");
        let channels = channels.to_str().expect("UTF-8");
        let mut arguments = vec!["--http", "127.0.0.1:0", "--sandbox", &sandbox];
        arguments.extend(["--channels", channels, "--shards=1"]);
        // The test looks at many orders often.
        arguments.extend(["--http-requests-per-second", "1000000"]);
        let server = Server::start(&self.data(), &arguments);
        let target = format!("http://{}", server.http());
        self.sandbox.callbacks().set_target(Some(target));
        self.server = Some(server);
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.server.take().expect("it runs").kill();
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Answered {
        let headers = [
            ("onhand-tenant", TENANT),
            ("content-type", "application/json"),
        ];
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let headers = if body.is_empty() {
            &headers[..1]
        } else {
            &headers
        };
        let path = format!("/v1{path}");
        send(
            self.server().http(),
            method,
            &path,
            headers,
            body.as_bytes(),
        )
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.ask("GET", path, &Value::Null).is(200).json()
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Value {
        self.ask("PUT", path, body).is(200).json()
    }

    pub fn receive(&self, sku: &str, units: u32) {
        let arrived = json!({"location": "berlin", "quantity": units});
        self.ask("POST", &format!("/stock/{sku}/receive"), &arrived)
            .is(200);
    }

    /// Makes something happen at a marketplace.
    #[track_caller]
    pub fn control(&self, market: Market, action: &str, body: &Value) -> Value {
        let path = format!("/_sandbox/{}/{action}", market.place);
        let json = [("content-type", "application/json")];
        let body = body.to_string();
        let answered = send(
            self.sandbox.address(),
            "POST",
            &path,
            &json,
            body.as_bytes(),
        );
        assert!(
            (200..300).contains(&answered.status),
            "{path}: {answered:?}"
        );
        answered.json()
    }

    /// The marketplace has every SKU, and its items stand for them.
    fn map(&self, market: Market) {
        let items: Vec<Value> = self.skus.iter().map(|sku| json!({"sku": sku})).collect();
        let defined = self.control(market, "items", &json!({"items": items}));
        let items = defined["items"].as_array().expect("items");
        let mappings: Vec<&Value> = items.iter().map(|item| &item["mapping"]).collect();
        let path = format!("/mappings/{}", market.name);
        let set = self.put(&path, &json!({"mappings": mappings}));
        assert_eq!(set["refused"], json!([]), "{set}");
    }

    /// What the channel gets of a SKU.
    pub fn rule(&self, market: Market, sku: &str, rule: &str, units: u32) {
        let rule = json!({"sku": sku, "rule": rule, "units": units});
        self.put(&format!("/channels/{}/rules", market.channel), &rule);
    }

    /// What the marketplace says of a SKU.
    pub fn truth(&self, market: Market, sku: &str) -> Value {
        let truth = self.control(market, "truth", &json!({}));
        let items = truth["items"].as_array().expect("items");
        let found = items.iter().find(|item| item["sku"] == sku);
        found.expect("the SKU").clone()
    }

    pub fn shown(&self, market: Market, sku: &str) -> i64 {
        self.truth(market, sku)["stock"].as_i64().expect("a number")
    }

    /// What the rules give the channel.
    pub fn wanted(&self, market: Market, sku: &str) -> i64 {
        let page = self.get(&format!("/channels/{}/stock?sku={sku}", market.channel));
        page["stock"][0]["quantity"].as_i64().expect("a number")
    }

    /// Waits until every marketplace shows what the rules give it.
    #[track_caller]
    pub fn settle(&self) {
        for market in ALL {
            for sku in &self.skus {
                self.wait(
                    &format!("{} shows the {sku} it should", market.name),
                    |way| way.shown(market, sku) == way.wanted(market, sku),
                );
            }
        }
    }

    /// Waits until the marketplaces show so many.
    #[track_caller]
    pub fn all_show(&self, sku: &str, units: i64) {
        for market in ALL {
            self.wait(&format!("{} shows {units} {sku}", market.name), |way| {
                way.shown(market, sku) == units
            });
        }
    }

    /// No label can be bought from now on: what is in the warehouse cannot be changed any more.
    pub fn keep_from_the_warehouse(&self) {
        let rule = Rule {
            status: Some(503),
            ..Rule::new("easypost", Kind::Status)
        };
        self.sandbox.fault(rule).expect("a rule");
    }

    /// Buyers order at once; the ids of their orders.
    pub fn sell(&self, market: Market, sku: &str, orders: u32, units: u32) -> Vec<String> {
        let wish = json!({"sku": sku, "orders": orders, "quantity": units});
        let sold = self.control(market, "sell", &wish);
        let ids = sold["orders"].as_array().expect("ids").iter();
        ids.map(|id| id.as_str().expect("an id").to_owned())
            .collect()
    }

    /// All orders that the marketplace has.
    pub fn sold(&self, market: Market) -> Vec<Sold> {
        let listed = self.control(market, "orders", &json!({}));
        let orders = listed["orders"].as_array().expect("orders").iter();
        orders
            .map(|order| Sold {
                id: order["order"].as_str().expect("an id").to_owned(),
                units: order["lines"][0]["quantity"].as_u64().expect("units") as u32,
                cancelled: order["cancelled"].as_bool().expect("a word"),
            })
            .collect()
    }

    pub fn client(&self) -> Connection {
        let options = ConnectOptions::new(&self.server().address, "", TENANT);
        Connection::connect(&options).expect("connected")
    }

    /// The marketplace's orders as the server has them.
    pub fn orders(&self, market: Market, sold: &[Sold]) -> Vec<OrderAnswer> {
        let key = |one: &Sold| order_key(ChannelId(market.channel), one.id.as_bytes());
        let keys: Vec<OrderKey> = sold.iter().map(key).collect();
        match keys.as_slice() {
            [] => Vec::new(),
            keys => self.client().query_orders(keys).expect("an answer"),
        }
    }

    /// Waits until one order of a marketplace is in a state.
    #[track_caller]
    pub fn reaches(&self, market: Market, id: &str, state: OrderState) {
        let one = [Sold {
            id: id.to_owned(),
            units: 0,
            cancelled: false,
        }];
        self.wait(
            &format!("order {id} of {} is {state:?}", market.name),
            |way| way.orders(market, &one)[0].summary.state == Some(state),
        );
    }

    /// Waits until every order of every marketplace is COMPLETED, or CANCELLED where its buyer did;
    /// those of WhatsApp, which have no address, in REVIEW.
    #[track_caller]
    pub fn all_complete(&self) {
        for market in ALL {
            let sold = self.sold(market);
            self.wait(&format!("all orders of {} are over", market.name), |way| {
                let orders = way.orders(market, &sold);
                orders.iter().zip(&sold).all(|(order, sold)| {
                    let expected = match (sold.cancelled, market) {
                        (true, _) => OrderState::Cancelled,
                        (false, WHATSAPP) => OrderState::Review,
                        (false, _) => OrderState::Completed,
                    };
                    order.summary.state == Some(expected)
                })
            });
        }
    }

    /// What stands behind this line of the metrics page; 0 without it.
    pub fn counted(&self, line: &str) -> f64 {
        let page = send(self.server().http(), "GET", "/metrics", &[], b"").body;
        let found = page.lines().find_map(|it| it.strip_prefix(line));
        found.map_or(0.0, |it| it.trim().parse().expect("a number"))
    }

    pub fn held(&self) -> Vec<Value> {
        let held = self.get("/quarantine");
        held["events"].as_array().expect("events").clone()
    }

    #[track_caller]
    pub fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            assert!(
                clock::monotonic_ns() < self.end_ns,
                "not in time: {what}; {}",
                self.state()
            );
            clock::sleep_ms(LOOK_MS);
        }
    }

    /// What there is to say where something did not come.
    fn state(&self) -> String {
        let mut text = format!("held: {:?}", self.held());
        for market in ALL {
            let sold = self.sold(market);
            let orders = self.orders(market, &sold);
            let states: Vec<_> = orders.iter().map(|order| order.summary.state).collect();
            text += &format!("\n{}: {states:?}", market.name);
            for sku in &self.skus {
                let (truth, wanted) = (self.truth(market, sku), self.wanted(market, sku));
                text += &format!("\n  to show {wanted} of {truth}");
            }
        }
        text
    }

    /// What must hold whatever happened: every sale of a marketplace is one order of its units and
    /// there are no others, nothing waits for a person, nothing is short, the marketplaces show what
    /// the rules give them, and journal and providers' ledger verify. `others` orders came by other
    /// ways. Returns the verification's report.
    #[track_caller]
    pub fn hold_to_account(mut self, others: u64) -> Value {
        self.settle();
        assert_eq!(self.held(), Vec::<Value>::new(), "the quarantine is empty");
        let mut expected = others;
        for market in ALL {
            let sold = self.sold(market);
            expected += sold.len() as u64;
            for (order, sold) in self.orders(market, &sold).iter().zip(&sold) {
                let ordered: u32 = order.lines.iter().map(|line| line.ordered).sum();
                let what = format!("order {} of {}: {order:?}", sold.id, market.name);
                assert_eq!(ordered, sold.units, "{what}");
                let cancelled = order.summary.state == Some(OrderState::Cancelled);
                assert_eq!(cancelled, sold.cancelled, "{what}");
            }
        }
        for sku in &self.skus {
            for cell in self.get(&format!("/stock/{sku}"))["cells"]
                .as_array()
                .expect("cells")
            {
                assert_eq!(cell["short"], 0, "{sku}: {cell}");
            }
        }
        let effects = self
            .sandbox
            .ledger()
            .effects(&Filter::default(), usize::MAX);
        let ledger = json!({"effects": effects, "next": null});
        let file = self.directory.path().join("ledger.json");
        std::fs::write(&file, ledger.to_string()).expect("written");
        assert_eq!(self.server.take().expect("it runs").stop(), Some(0));
        let (data, file) = (
            self.data().display().to_string(),
            file.display().to_string(),
        );
        let said = run(&[
            "verify",
            "--json",
            "--data",
            &data,
            "--provider-ledger",
            &file,
        ]);
        let report = said.json();
        assert_eq!(report["violations"], 0, "{report:#}");
        let orders = report["shards"][0]["orders"].as_u64();
        assert_eq!(orders, Some(expected), "one order a sale: {report:#}");
        for claim in ["I8", "I12"] {
            let findings = report["findings"].as_array().expect("findings");
            let finding = findings.iter().find(|it| it["invariant"] == claim);
            assert!(
                finding.expect("a claim")["checked"].as_u64() > Some(0),
                "{claim}"
            );
        }
        report
    }
}
