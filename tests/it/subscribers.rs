//! Subscribers of events: signed, in order, without a gap, and none delays another.

mod by_hand;
mod killed;
pub mod receiver;
mod tls;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use onhand::config::Config;
use serde_json::{Value, json};

use super::process::Server;
use super::served::{Served, config};
use super::web::{Answered, send};
use receiver::{Receiver, file, until};

const HEADERS: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("onhand-tenant", "acme"),
];

/// A server process with the subscribers of this directory, and an environment of the caller's
/// choice.
fn serve(directory: &Path, set: impl FnOnce(&mut Command)) -> (Server, SocketAddr) {
    let subscribers = directory.join("subscribers.toml");
    let subscribers = subscribers.to_str().unwrap();
    let arguments = [
        "--http",
        "127.0.0.1:0",
        "--subscribers",
        subscribers,
        "--shards=1",
    ];
    let server = Server::start_with(&directory.join("data"), &arguments, set);
    let http = server.http();
    (server, http)
}

/// A server with subscribers, on a directory that outlives it.
struct Shop {
    http: SocketAddr,
    served: Option<Served>,
    config: Config,
    data: tempfile::TempDir,
}

impl Shop {
    fn with(tables: &[String]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = config(&data.path().join("data"));
        config.http = Some("127.0.0.1:0".parse().unwrap());
        config.subscribers = Some(file(data.path(), tables));
        let served = Served::start(&config);
        Self {
            http: served.http.unwrap(),
            served: Some(served),
            config,
            data,
        }
    }

    /// Ends the server cleanly and starts another on its data.
    fn restart(&mut self) {
        self.served.take().unwrap().stop().unwrap();
        let served = Served::start(&self.config);
        self.http = served.http.unwrap();
        self.served = Some(served);
    }

    fn post(&self, path: &str, body: &Value) -> Answered {
        let body = body.to_string();
        send(
            self.http,
            "POST",
            &format!("/v1{path}"),
            &HEADERS,
            body.as_bytes(),
        )
    }

    fn put(&self, path: &str, body: &Value) {
        let body = body.to_string();
        send(
            self.http,
            "PUT",
            &format!("/v1{path}"),
            &HEADERS,
            body.as_bytes(),
        )
        .is(200);
    }

    fn get(&self, path: &str) -> Value {
        send(self.http, "GET", &format!("/v1{path}"), &HEADERS[1..], b"")
            .is(200)
            .json()
    }

    /// The one subscriber.
    fn subscriber(&self) -> Value {
        self.get("/subscribers")["subscribers"][0].clone()
    }

    /// Mugs, as many as one likes.
    fn stock_up(&self) {
        self.put("/skus/MUG", &json!({"on_sale": true}));
        self.put("/locations/berlin", &json!({}));
        let arrived = json!({"location": "berlin", "quantity": 100_000});
        self.post("/stock/MUG/receive", &arrived).is(200);
    }

    /// So many holds; the order keys.
    fn hold(&self, count: usize, channel: u16) -> Vec<String> {
        let body = json!({"currency": 978, "total": 1, "channel": channel,
            "lines": [{"sku": "MUG", "quantity": 1}]});
        let one = |_| self.post("/holds", &body).is(201).json();
        (0..count)
            .map(one)
            .map(|placed| placed["order"].as_str().unwrap().to_owned())
            .collect()
    }

    /// All events of some kinds, as the API tells them.
    fn events(&self, kind: &str) -> Vec<Value> {
        let page = self.get(&format!("/events?limit=500&kind={kind}"));
        page["events"].as_array().unwrap().clone()
    }

    fn metric(&self, line: &str) -> f64 {
        let text = send(self.http, "GET", "/metrics", &[], b"").is(200).body;
        let found = text.lines().find_map(|one| one.strip_prefix(line));
        found.map_or(f64::NAN, |value| value.trim().parse().unwrap())
    }
}

#[test]
fn events_arrive_signed_in_order_and_as_the_api_tells_them() {
    let receiver = Receiver::start();
    let table = receiver.table("crm", "from = \"start\"\ntypes = [\"order\", \"stock\"]");
    let shop = Shop::with(&[table]);
    shop.stock_up();
    let order = shop.hold(5, 0).remove(0);
    shop.post(&format!("/holds/{order}/confirm"), &json!({}))
        .is(200);
    let told = shop.events("order,stock");
    until("7 events", || receiver.taken().len() >= 7);
    assert_eq!(
        receiver.taken(),
        told,
        "each once, in order, with all that the API tells"
    );
    let confirmed = &told[6];
    assert_eq!(confirmed["type"], "onhand.order.confirmed");
    assert_eq!(
        confirmed["data"]["channel"], 0,
        "events of orders say where they were sold"
    );
    let first = &receiver.got()[0];
    assert_eq!(first.headers["webhook-id"], told[0]["id"].as_str().unwrap());
    until("a durable cursor", || shop.subscriber()["lag_records"] == 0);
    let shown = shop.subscriber();
    assert_eq!(
        (&shown["state"], &shown["delivered"]),
        (&json!("active"), &json!(7))
    );
    assert_eq!(shown["origin"], format!("http://{}", receiver.address));
    let delivered = "onhand_subscriber_deliveries_total{outcome=\"delivered\",subscriber=\"crm\"}";
    assert!(shop.metric(delivered) >= 7.0);
}

#[test]
fn what_fails_is_sent_again_as_it_was_and_nothing_overtakes_it() {
    let receiver = Receiver::answering(|number| match number {
        0 => (500, 0, ""),
        1 => (429, 0, "retry-after: 0\r\n"),
        2 => (302, 0, "location: http://127.0.0.1:9/\r\n"),
        _ => (200, 0, ""),
    });
    let mut shop = Shop::with(&[receiver.table("crm", "types = [\"stock\"]")]);
    shop.stock_up();
    let arrived = json!({"location": "berlin", "quantity": 1});
    shop.post("/stock/MUG/receive", &arrived).is(200);
    until("both events", || receiver.taken().len() >= 2);
    let got = receiver.got();
    let again: Vec<&str> = got
        .iter()
        .map(|one| one.headers["webhook-id"].as_str())
        .collect();
    assert_eq!(again[..4], [again[0]; 4], "the same id in every attempt");
    assert!(got[1..4].iter().all(|one| one.body == got[0].body));
    let shown = shop.subscriber();
    assert_eq!(
        (&shown["state"], &shown["failures"]),
        (&json!("active"), &json!(0))
    );
    assert!(
        shown["last_error"].as_str().unwrap().contains("302"),
        "{shown}"
    );
    shop.restart();
    shop.post("/stock/MUG/receive", &arrived).is(200);
    until("the event after the restart", || receiver.ids().len() >= 3);
    assert_eq!(receiver.ids().len(), 3, "goes on where it was");
}

#[test]
fn a_slow_subscriber_delays_neither_another_nor_the_engine() {
    let (slow, quick) = (Receiver::answering(|_| (200, 5_000, "")), Receiver::start());
    let tables = [
        slow.table("slow", "types = [\"order\"]"),
        quick.table("quick", "types = [\"order\"]\nbatch = 10"),
    ];
    let shop = Shop::with(&tables);
    shop.stock_up();
    shop.hold(60, 0);
    until("60 events at the quick one", || quick.ids().len() == 60);
    assert!(
        slow.taken().is_empty(),
        "the slow one has not even answered once"
    );
    assert!(quick.got().iter().all(|one| one.events().len() <= 10));
    let batch = quick.got();
    assert_eq!(
        batch[0].headers["content-type"],
        "application/cloudevents-batch+json"
    );
    let all = shop.get("/subscribers");
    let lag = |place: usize| all["subscribers"][place]["lag_records"].as_u64().unwrap();
    assert!(lag(0) >= 59, "{all}");
    let behind = || shop.metric("onhand_subscriber_lag_seconds{subscriber=\"slow\"}") > 0.0;
    until("the lag in metrics", behind);
}

#[test]
fn one_that_is_gone_is_left_alone_until_an_operator_has_it_served_again() {
    let receiver = Receiver::answering(|_| (410, 0, ""));
    let mut shop = Shop::with(&[receiver.table("crm", "types = [\"order\"]")]);
    shop.stock_up();
    shop.hold(2, 0);
    until("the state", || shop.subscriber()["state"] == "gone");
    let served = "onhand_subscriber_served{subscriber=\"crm\"}";
    until("the metric", || shop.metric(served) == 0.0);
    receiver.answers(|_| (200, 0, ""));
    shop.restart();
    shop.hold(1, 0);
    assert_eq!(
        shop.subscriber()["state"],
        "gone",
        "after a restart as well"
    );
    assert_eq!(receiver.got().len(), 1, "nothing is sent after the 410");
    let because = json!({"reason": "it is back"});
    let moved = shop
        .post("/subscribers/crm/rewind", &because)
        .is(200)
        .json();
    until("everything", || receiver.ids().len() == 3);
    let told = shop.events("order");
    let told: Vec<&str> = told
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(receiver.ids(), told, "without a gap");
    assert_eq!(moved["before"], moved["after"]);
    audited(&mut shop, "it is back");
}

/// The audit trail names who had a subscriber served again, and why.
fn audited(shop: &mut Shop, reason: &str) {
    shop.served.take().unwrap().stop().unwrap();
    let data = shop.config.data.to_str().unwrap().to_owned();
    let trail = super::process::run(&["audit", "--data", &data]).exits(0);
    let line = trail
        .out
        .lines()
        .find(|line| line.contains("SubscriberMoved"));
    let line = line.unwrap_or_else(|| panic!("no record in {}", trail.out));
    assert!(line.contains(reason) && line.contains("crm"), "{line}");
    let told: Value = serde_json::from_str(line).unwrap();
    assert!(!told["actor"].as_str().unwrap().is_empty(), "{line}");
    super::process::run(&["verify", "--data", &data]).exits(0);
}

#[test]
fn a_cursor_is_moved_to_the_start_to_the_end_and_behind_an_event() {
    let receiver = Receiver::start();
    let shop = Shop::with(&[receiver.table("crm", "types = [\"order\"]")]);
    shop.stock_up();
    shop.hold(4, 0);
    until("4 events", || receiver.taken().len() == 4);
    let told = shop.events("order");
    let rewind = |body: Value| shop.post("/subscribers/crm/rewind", &body);
    rewind(json!({"after": "start"})).is(200);
    until("all again", || receiver.taken().len() == 8);
    rewind(json!({"after": told[2]["id"]})).is(200);
    until("the last again", || receiver.taken().len() == 9);
    assert_eq!(
        receiver.taken()[8],
        told[3],
        "the same event with the same id"
    );
    rewind(json!({"after": "end"})).is(200);
    for bad in ["0-99999999", "1-1", "yesterday", ""] {
        rewind(json!({"after": bad})).is_problem(422, "INVALID_FIELD");
    }
    shop.post("/subscribers/erp/rewind", &json!({}))
        .is_problem(404, "UNKNOWN_SUBSCRIBER");
    let other = [HEADERS[0], ("onhand-tenant", "globex")];
    let foreign = send(
        shop.http,
        "POST",
        "/v1/subscribers/crm/rewind",
        &other,
        b"{}",
    );
    foreign.is_problem(404, "UNKNOWN_SUBSCRIBER");
    assert_eq!(receiver.taken().len(), 9);
}

#[test]
fn a_channel_filter_lets_only_its_orders_through() {
    let receiver = Receiver::start();
    let shop = Shop::with(&[receiver.table("eu", "channels = [4]\nfrom = \"start\"")]);
    shop.stock_up();
    shop.hold(1, 0);
    let order = shop.hold(1, 4).remove(0);
    shop.post(&format!("/holds/{order}/release"), &json!({}))
        .is(200);
    until("two events", || receiver.taken().len() >= 2);
    until("no more to come", || shop.subscriber()["lag_records"] == 0);
    let types: Vec<Value> = receiver
        .taken()
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(types, ["onhand.order.accepted", "onhand.order.released"]);
    assert!(
        receiver
            .taken()
            .iter()
            .all(|event| event["data"]["order"] == order)
    );
}

#[test]
fn a_file_or_cursor_that_does_not_hold_keeps_the_server_from_starting() {
    let receiver = Receiver::start();
    let mut shop = Shop::with(&[receiver.table("crm", "")]);
    shop.served.take().unwrap().stop().unwrap();
    let refused = |shop: &Shop| {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let subscribers = path(shop.config.subscribers.as_ref().unwrap());
        let data = path(&shop.config.data);
        let arguments = [
            "serve",
            "--data",
            &data,
            "--subscribers",
            &subscribers,
            "--shards=1",
        ];
        super::process::run(&arguments)
    };
    let cursor = shop.config.data.join("subscribers/crm.json");
    assert!(cursor.is_file(), "a cursor from the first moment on");
    std::fs::write(&cursor, "{}").unwrap();
    refused(&shop).exits(2).warns("crm.json is damaged");
    std::fs::remove_file(&cursor).unwrap();
    file(shop.data.path(), &[receiver.table("crm", "batch = 101")]);
    refused(&shop).exits(2).warns("`batch` 101 is out of range");
}
