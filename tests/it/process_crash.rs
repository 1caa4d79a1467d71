//! SIGKILL between any two steps of the order process: afterwards the providers' own ledger says
//! what was charged, bought and sent.
//!
//! Orders are placed, and the server is killed at a moment that is seen from outside: a provider
//! has done what it was asked for and its answer is on its way, or a request was lost on its way,
//! or an order is seen in a state. It starts again on the same directory, and so on.

use std::collections::BTreeMap;
use std::path::Path;

use onhand::client::{ConnectOptions, Connection};
use onhand::clock;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::ledger::Filter;
use onhand::sandbox::{Effect, Options, Sandbox};
use onhand::types::{ChannelId, CommandKey, LocationId, OrderDetails, OrderKey, ResultCode, SkuId};
use onhand::wire::details;
use onhand::wire::key::order_key;
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{
    Line, Lines, LocationDefinition, Receive, ReserveItem, SkuDefinition, reserve_flags,
};

use super::process::{Server, run};
use super::web::send;

const TENANT: &str = "crash";
const CHANNEL: ChannelId = ChannelId(1);
const TOTAL_CENTS: u64 = 4_470;
/// Orders placed before each kill.
const ORDERS: usize = 3;
/// How long a carrier takes for a step, in milliseconds.
const STEP_MS: u64 = 150;
/// The way of an order.
const WAY: &[&str] = &[
    "FRAUD_CHECK",
    "PAYMENT",
    "CONFIRMED",
    "FULFILLING",
    "SHIPPED",
    "DELIVERED",
    "COMPLETED",
];
/// How often somebody looks, in milliseconds.
const LOOK_MS: u64 = 3;
/// How long everything may take in all, in milliseconds.
const PATIENCE_MS: u64 = 60_000;

/// When the server is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The orders are acknowledged.
    Placed,
    /// The provider has done this, and nobody has heard of it yet.
    Done(&'static str, &'static str),
    /// The provider was asked for this and did not do it.
    Lost(&'static str, &'static str),
    /// One of the new orders is seen in this state, or further where that went too fast.
    Seen(&'static str),
}

const MOMENTS: &[Moment] = &[
    Moment::Placed,
    Moment::Lost("stripe", "authorise"),
    Moment::Done("stripe", "authorise"),
    Moment::Seen("CONFIRMED"),
    Moment::Lost("stripe", "capture"),
    Moment::Done("stripe", "capture"),
    Moment::Done("easypost", "rates"),
    Moment::Lost("easypost", "buy"),
    Moment::Done("easypost", "buy"),
    Moment::Lost("shipstation", "create_order"),
    Moment::Done("shipstation", "create_order"),
    Moment::Seen("FULFILLING"),
    Moment::Lost("sendgrid", "send"),
    Moment::Done("sendgrid", "send"),
    Moment::Seen("SHIPPED"),
    Moment::Seen("DELIVERED"),
];

/// An order and what the providers know it by.
struct Order {
    key: OrderKey,
    name: String,
    email: String,
}

impl Order {
    fn new(number: usize) -> Self {
        let external_id = format!("killed-{number}");
        let key = order_key(CHANNEL, external_id.as_bytes());
        Self {
            key,
            name: key.to_string(),
            email: format!("ana.{number}@example.com"),
        }
    }

    fn details(&self, number: usize) -> OrderDetails {
        let address = vec![format!("Calle Sol {number}"), "28013 Madrid".to_owned()];
        OrderDetails {
            external_id: format!("killed-{number}"),
            contact_name: format!("Ana Ruiz {number}"),
            email: self.email.clone(),
            phone: format!("+3460{number:07}"),
            shipping_address: address.clone(),
            billing_address: address,
            country: "ES".to_owned(),
            payment_token: "pm_card_visa".to_owned(),
            unit_prices: vec![TOTAL_CENTS],
            ip: format!("10.0.0.{number}"),
            device: format!("device-{number}"),
            session: format!("session-{number}"),
            checkout_seconds: 90,
            ..OrderDetails::default()
        }
    }

    /// Whether an effect at a provider is about this order.
    fn is_of(&self, effect: &Effect) -> bool {
        effect.order.starts_with(&self.name) || *effect.order == *self.email
    }
}

/// How far along its way a state is; one beside the way is nowhere.
fn place(state: &str) -> Option<usize> {
    WAY.iter().position(|known| *known == state)
}

/// The server, its providers, and all orders so far.
struct World<'a> {
    data: &'a Path,
    sandbox: Sandbox,
    server: Option<Server>,
    orders: Vec<Order>,
    end_ns: u64,
}

impl World<'_> {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// Starts the server, or starts it again; its HTTP port is another one each time.
    fn start(&mut self) {
        let sandbox = self.sandbox.address().to_string();
        let mut arguments = vec!["--http", "127.0.0.1:0", "--sandbox", &sandbox];
        // It looks at many orders often.
        arguments.extend(["--http-requests-per-second", "1000000"]);
        let server = Server::start(self.data, &arguments);
        let target = format!("http://{}", server.http());
        self.sandbox.callbacks().set_target(Some(target));
        self.server = Some(server);
    }

    fn connect(&self) -> Connection {
        let options = ConnectOptions::new(&self.server().address, "", TENANT);
        Connection::connect(&options).expect("a session")
    }

    /// One SKU with more units than are ordered.
    fn stock_up(&self) {
        let mut connection = self.connect();
        let (name, flags) = ("mug", SKU_ON_SALE);
        let sku = [SkuDefinition { name, flags }];
        assert_eq!(
            connection.define_skus(&sku).unwrap()[0].code,
            ResultCode::Ok
        );
        let (name, priority, x, y) = ("berlin", 0, 0, 0);
        let place = [LocationDefinition {
            name,
            priority,
            x,
            y,
        }];
        let defined = connection.define_locations(&place).unwrap();
        assert_eq!(defined[0].code, ResultCode::Ok);
        let arrival = [Receive {
            key: CommandKey(1),
            sku: SkuId(0),
            quantity: 1_000,
            location: LocationId(0),
        }];
        let received = connection.receive_stock(&arrival).unwrap();
        assert_eq!(received[0].code, ResultCode::Ok);
    }

    /// Places so many orders, which the server acknowledges.
    fn place(&mut self) {
        let line = [Line {
            sku: SkuId(0),
            quantity: 1,
            location: LocationId::ANY,
        }];
        let first = self.orders.len();
        self.orders.extend((first..first + ORDERS).map(Order::new));
        let mut connection = self.connect();
        for (number, order) in self.orders.iter().enumerate().skip(first) {
            let details = details::encode(&order.details(number), 1).expect("details");
            let item = ReserveItem {
                key: order.key,
                customer: 1_000 + number as u64,
                total: TOTAL_CENTS,
                ttl_ms: 900_000,
                version: 1,
                channel: CHANNEL,
                currency: 978,
                flags: reserve_flags::PLACE,
                destination: None,
                lines: Lines::new(&line),
                details: &details,
            };
            let answers = connection.reserve(&[item]).expect("an answer");
            assert_eq!(answers[0].item.code, ResultCode::Ok);
        }
    }

    /// Places orders, waits for the moment, kills, and starts again.
    fn killed_at(&mut self, moment: Moment) {
        let rule = match moment {
            Moment::Done(provider, operation) => Some((provider, operation, true)),
            Moment::Lost(provider, operation) => Some((provider, operation, false)),
            Moment::Placed | Moment::Seen(_) => None,
        };
        let id = rule.map(|(provider, operation, executed)| {
            let rule = Rule {
                operation: Some(operation.to_owned()),
                latency_ms: 10_000,
                count: Some(1),
                executed: Some(executed),
                ..Rule::new(provider, Kind::Timeout)
            };
            self.sandbox.fault(rule).expect("a rule")
        });
        self.place();
        let first = self.orders.len() - ORDERS;
        self.wait(moment, |world| match (id, moment) {
            // A rule that has hit its one request is over.
            (Some(id), _) => world.sandbox.faults().list().iter().all(|one| one.id != id),
            (None, Moment::Seen(state)) => {
                let so_far = |order: &Order| place(&world.state(order)) >= place(state);
                world.orders[first..].iter().any(so_far)
            }
            (None, _) => true,
        });
        self.server.take().expect("it runs").kill();
        self.start();
    }

    fn wait(&self, what: impl std::fmt::Debug, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let in_time = clock::monotonic_ns() < self.end_ns;
            assert!(in_time, "waited for {what:?}: {:#?}", self.states());
            clock::sleep_ms(LOOK_MS);
        }
    }

    /// The state of an order, by the API.
    fn state(&self, order: &Order) -> String {
        let path = format!("/v1/orders/{}", order.name);
        let headers = [("onhand-tenant", TENANT)];
        let shown = send(self.server().http(), "GET", &path, &headers, b"").is(200);
        shown.json()["state"].as_str().expect("a state").to_owned()
    }

    fn states(&self) -> Vec<String> {
        self.orders.iter().map(|order| self.state(order)).collect()
    }

    /// How often each (provider, kind) happened for an order.
    fn counts(&self, order: &Order) -> BTreeMap<(&'static str, &'static str), usize> {
        let mut counts = BTreeMap::new();
        for effect in self.effects() {
            if order.is_of(&effect) {
                *counts.entry((effect.provider, effect.kind)).or_default() += 1;
            }
        }
        counts
    }
}

#[test]
fn killed_between_any_two_steps_every_order_is_charged_labelled_and_packed_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let sandbox = Sandbox::start(Options {
        step_ms: STEP_MS,
        ..Options::default()
    });
    let mut world = World {
        data: &data,
        sandbox: sandbox.expect("a sandbox"),
        server: None,
        orders: Vec::new(),
        end_ns: clock::monotonic_ns() + PATIENCE_MS * 1_000_000,
    };
    world.start();
    world.stock_up();
    for moment in MOMENTS {
        world.killed_at(*moment);
    }
    world.wait("COMPLETED", |world| {
        world.states().iter().all(|state| state == "COMPLETED")
    });
    let once = [
        ("stripe", "authorise"),
        ("stripe", "capture"),
        ("easypost", "label"),
        ("shipstation", "shipment"),
    ];
    let mut messages = (0, 0);
    for order in &world.orders {
        let counts = world.counts(order);
        for what in once {
            assert_eq!(
                counts.get(&what),
                Some(&1),
                "{what:?} of {}: {counts:?}",
                order.name
            );
        }
        for what in [
            ("stripe", "void"),
            ("stripe", "refund"),
            ("easypost", "label_void"),
        ] {
            assert_eq!(
                counts.get(&what),
                None,
                "{what:?} of {}: {counts:?}",
                order.name
            );
        }
        let told = world.told(order);
        messages.0 += told.values().sum::<usize>();
        messages.1 += told.len();
    }
    world.packed_once();
    println!(
        "{} kills, {} orders, {} messages, {} of them repeated",
        MOMENTS.len(),
        world.orders.len(),
        messages.0,
        messages.0 - messages.1
    );
    world.verify(directory.path());
}

impl World<'_> {
    /// The warehouse has one order of its own for each of ours. A request that is repeated is told
    /// by its key there, and shows as an order that is not new.
    fn packed_once(&self) {
        let effects = self.effects();
        for order in &self.orders {
            let packed = effects.iter().filter(|effect| {
                effect.kind == "wms_order" && order.is_of(effect) && effect.detail["new"] == true
            });
            assert_eq!(packed.count(), 1, "warehouse orders of {}", order.name);
        }
    }

    /// How often each message of an order was sent: at least once when it was confirmed, shipped
    /// and delivered. The mail provider knows no keys, so one that was sent just before the server
    /// died is sent again.
    fn told(&self, order: &Order) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        for effect in self.effects() {
            if effect.kind == "message" && order.is_of(&effect) {
                let text = effect.detail["subject"].as_str().expect("a subject");
                *told.entry(text.to_owned()).or_default() += 1;
            }
        }
        for about in ["confirmed", "on its way", "delivered"] {
            let is_told = told.keys().any(|text: &String| text.contains(about));
            assert!(is_told, "nobody told {about:?}: {told:?}");
        }
        told
    }

    fn effects(&self) -> Vec<Effect> {
        let all = Filter::default();
        self.sandbox.ledger().effects(&all, usize::MAX)
    }

    /// The journal and the providers' ledger agree.
    fn verify(mut self, directory: &Path) {
        let ledger = send(self.sandbox.address(), "GET", "/_sandbox/ledger", &[], b"").is(200);
        let file = directory.join("ledger.json");
        std::fs::write(&file, ledger.body).expect("written");
        assert_eq!(self.server.take().expect("it runs").stop(), Some(0));
        let (data, file) = (self.data.display().to_string(), file.display().to_string());
        run(&["verify", "--data", &data, "--provider-ledger", &file])
            .exits(0)
            .says("verified: no violation");
    }
}
