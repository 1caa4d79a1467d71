//! `onhand orders`, `review`, `dlq` and `breakers` against a real server, its adapters and the
//! sandbox's providers; and callbacks of the sandbox as they reach the journal.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::ledger::Filter;
use onhand::sandbox::{Effect, Options, Sandbox};
use serde_json::{Value, json};

use super::process::{Said, Server, finish, onhand, run_in};
use super::served::PATIENCE;
use super::web::send;

/// A server whose every step the sandbox serves, and the sandbox.
struct World {
    server: Server,
    sandbox: Sandbox,
    http: SocketAddr,
    directory: tempfile::TempDir,
}

impl World {
    /// With callbacks of the sandbox sent to the server, and stock of `lamp`.
    fn start(arguments: &[&str]) -> Self {
        let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
        let at = sandbox.address().to_string();
        let directory = tempfile::tempdir().expect("a directory");
        Self::start_at(
            sandbox,
            directory,
            &[&["--sandbox", &at], arguments].concat(),
        )
    }

    /// The same, with the sandbox's process file after `change`, and parcels that stay where they are.
    fn start_with(change: impl FnOnce(&str) -> String) -> Self {
        let sandbox = Sandbox::start(Options {
            step_ms: 600_000,
            ..Options::default()
        });
        let sandbox = sandbox.expect("a sandbox");
        let at = sandbox.address().to_string();
        let directory = tempfile::tempdir().expect("a directory");
        let told = run_in(directory.path(), &["pipelines", "init", "--sandbox", &at]).exits(0);
        let file = directory.path().join("process.toml");
        std::fs::write(&file, change(&told.out)).expect("written");
        let file = file.to_str().expect("UTF-8").to_owned();
        Self::start_at(sandbox, directory, &["--process", &file])
    }

    fn start_at(sandbox: Sandbox, directory: tempfile::TempDir, arguments: &[&str]) -> Self {
        let all = [&["--http", "127.0.0.1:0"], arguments].concat();
        let server = Server::start(&directory.path().join("data"), &all);
        let http = server
            .ready
            .split_whitespace()
            .find_map(|word| word.strip_prefix("http="));
        let http: SocketAddr = http.expect("an address").parse().expect("one");
        sandbox
            .callbacks()
            .set_target(Some(format!("http://{http}")));
        let world = Self {
            server,
            sandbox,
            http,
            directory,
        };
        world.server.run(&["sku", "add", "lamp"]).exits(0);
        world.server.run(&["location", "add", "berlin"]).exits(0);
        let receive = [
            "stock",
            "receive",
            "--sku",
            "lamp",
            "--quantity",
            "100",
            "--location",
            "berlin",
        ];
        world.server.run(&receive).exits(0);
        world
    }

    /// Runs a subcommand over HTTP.
    fn web(&self, arguments: &[&str]) -> Said {
        let mut command = onhand();
        command.env("ONHAND_HTTP", format!("http://{}", self.http));
        finish(command.args(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.web(&[arguments, &["--format", "json"]].concat())
            .exits(0)
            .json()
    }

    /// Places an order with details and returns its key.
    fn place(&self, external_id: &str, directory: &Path, token: &str) -> String {
        let details = directory.join(format!("{external_id}.json"));
        let text = json!({
            "external_id": external_id, "contact_name": "Ana Ruiz", "email": "ana@example.com",
            "shipping_address": ["Ana Ruiz", "Calle Sol 4", "28013 Madrid"],
            "billing_address": ["Ana Ruiz", "Calle Sol 4", "28013 Madrid"],
            "country": "ES", "payment_token": token, "checkout_seconds": 90,
        });
        std::fs::write(&details, text.to_string()).expect("written");
        let details = details.to_str().expect("UTF-8");
        let placed = self.server.json(&[
            "order",
            "place",
            "--sku",
            "lamp",
            "--external-id",
            external_id,
            "--total",
            "4470",
            "--details",
            details,
        ]);
        placed["key"]
            .as_str()
            .unwrap_or_else(|| panic!("no key in {placed}"))
            .to_owned()
    }

    /// Waits until an order is in one of these states.
    fn reaches(&self, order: &str, states: &[&str]) -> Value {
        let started = onhand::clock::monotonic_ns();
        loop {
            let shown = self.json(&["orders", "show", order]);
            if states.iter().any(|state| shown["state"] == *state) {
                return shown;
            }
            let waited = Duration::from_nanos(onhand::clock::monotonic_ns() - started);
            assert!(waited < PATIENCE, "not {states:?}: {shown:#}");
            onhand::clock::sleep_ms(100);
        }
    }
}

#[test]
fn an_order_is_followed_from_payment_to_delivery_by_callbacks() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = World::start(&[]);
    let order = world.place("followed", directory.path(), "pm_card_visa");
    let shown = world.reaches(&order, &["SHIPPED", "DELIVERED", "COMPLETED"]);
    let number = shown["number"].as_str().expect("a number").to_owned();
    assert_eq!(
        world.json(&["orders", "show", &number])["order"],
        order.as_str()
    );
    assert_eq!(shown["lines"][0]["sku"], "lamp");
    world.reaches(&order, &["DELIVERED", "COMPLETED"]);
    let metrics = send(world.http, "GET", "/metrics", &[], b"").is(200).body;
    let journaled = |provider: &str| {
        let labels = format!("provider=\"{provider}\",result=\"journaled\"");
        metrics
            .lines()
            .any(|line| line.starts_with("onhand_callbacks_total") && line.contains(&labels))
    };
    assert!(journaled("stripe") && journaled("easypost"), "{metrics}");
    assert!(world.sandbox.callbacks().tallies()["stripe"].delivered > 0);
}

#[track_caller]
fn until(what: &str, done: impl Fn() -> bool) {
    let started = onhand::clock::monotonic_ns();
    while !done() {
        let waited = Duration::from_nanos(onhand::clock::monotonic_ns() - started);
        assert!(waited < PATIENCE, "waited for {what}");
        onhand::clock::sleep_ms(10);
    }
}

/// How long the label of the first order takes, which the others wait for, in milliseconds.
const LABEL_MS: u64 = 8_000;

#[test]
fn orders_cancelled_behind_a_carriers_limit_leave_no_parcel_and_are_not_asked_about_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let easypost = "[providers.easypost]\n";
    let limits = format!("{easypost}concurrency = 1\ntimeout_ms = 60000\n");
    let world = World::start_with(|file| file.replace(easypost, &limits));
    let slow = Rule {
        operation: Some("buy".to_owned()),
        latency_ms: LABEL_MS,
        count: Some(1),
        ..Rule::new("easypost", Kind::Latency)
    };
    let slow = world.sandbox.fault(slow).expect("a rule");
    let place = |name| world.place(name, directory.path(), "pm_card_visa");
    let out = place("out");
    until("the first one is asked for", || {
        let rules = world.sandbox.faults().list();
        rules.iter().all(|rule| rule.id != slow)
    });
    let waiting = [place("waits-1"), place("waits-2")];
    let last = place("last");
    for order in &waiting {
        until("its label waits", || {
            let shown = world.json(&["orders", "show", order]);
            let effects = shown["process"]["effects"].as_array().expect("a list");
            effects.iter().any(|effect| effect["kind"] == "label")
        });
    }
    for order in [&out].into_iter().chain(&waiting) {
        world.web(&["orders", "cancel", order]).exits(0);
    }
    for order in waiting.iter().chain([&out]) {
        world.reaches(order, &["CANCELLED"]);
    }
    let count = |order: &str, kind: &str| {
        let of = |it: &&Effect| it.kind == kind && it.order.starts_with(order);
        let all = world
            .sandbox
            .ledger()
            .effects(&Filter::default(), usize::MAX);
        all.iter().filter(of).count()
    };
    // Behind all of them in the carrier's queue: what would leave has left.
    until("the last label", || count(&last, "label") == 1);
    let mine = [(&waiting[0], 0), (&waiting[1], 0), (&out, 1)];
    for (order, labels) in mine {
        let found = ["label", "label_void", "refund"].map(|kind| count(order, kind));
        assert_eq!(found, [labels, labels, 1], "{order}");
    }
    let World {
        server, directory, ..
    } = world;
    assert_eq!(server.stop(), Some(0));
    let data = directory.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let records = run_in(directory.path(), &["inspect", "--data", data, "records"]).exits(0);
    for order in &waiting {
        let asked = |line: &&str| line.contains(order.as_str()) && line.contains("label_cancel");
        let asked: Vec<&str> = records.out.lines().filter(asked).collect();
        assert_eq!(asked.len(), 2, "started and ended once: {asked:#?}");
    }
}

#[test]
fn breakers_are_listed_isolated_and_reset() {
    let world = World::start(&[]);
    world
        .web(&["breakers", "list"])
        .exits(0)
        .says("stripe")
        .says("closed");
    world
        .web(&["breakers", "isolate", "stripe"])
        .exits(0)
        .says("isolated");
    let listed = world.json(&["breakers", "list"]);
    let stripe = listed["breakers"].as_array().expect("a list").iter();
    let stripe = stripe
        .clone()
        .find(|one| one["provider"] == "stripe")
        .expect("it");
    assert_eq!(stripe["state"], "isolated");
    world
        .web(&["breakers", "reset", "stripe"])
        .exits(0)
        .says("closed");
    let unknown = world.web(&["breakers", "reset", "strip"]).exits(1);
    assert!(unknown.out.contains("UNKNOWN_PROVIDER") && unknown.out.contains("stripe"));
}

#[test]
fn with_both_processors_isolated_an_order_waits_for_review_and_is_decided_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = World::start(&[]);
    for provider in ["stripe", "authorize_net"] {
        world.web(&["breakers", "isolate", provider]).exits(0);
    }
    let first = world.place("first", directory.path(), "pm_card_visa");
    let second = world.place("second", directory.path(), "pm_card_visa");
    for order in [&first, &second] {
        let shown = world.reaches(order, &["REVIEW"]);
        assert_eq!(shown["process"]["review_reason"], "payment");
    }
    world
        .web(&["review", "list"])
        .exits(0)
        .says(&first)
        .says("payment");
    let page = world.json(&["review", "list", "--limit", "1"]);
    let next = page["next"].as_str().expect("a second page");
    let page = world.json(&["review", "list", "--limit", "1", "--after", next]);
    assert_eq!(page["orders"].as_array().map(Vec::len), Some(1));
    for provider in ["stripe", "authorize_net"] {
        world.web(&["breakers", "reset", provider]).exits(0);
    }
    let approve = [
        "review",
        "approve",
        &first,
        "--reason",
        "processors are back",
        "--key",
        "a1",
    ];
    world.web(&approve).exits(0).says("PAYMENT");
    world.web(&approve).exits(0).says("nothing changed now");
    world.web(&["review", "decline", &second]).exits(0);
    world.reaches(&second, &["DECLINED"]);
    world.reaches(&first, &["SHIPPED", "DELIVERED", "COMPLETED"]);
    world
        .web(&["orders", "cancel", &first])
        .exits(1)
        .says("SHIPPED");
}

#[test]
fn errors_of_the_commands_say_what_to_do_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let tokens = [
        "token",
        "new",
        "--name",
        "reader",
        "--role",
        "read-only",
        "--tenant",
        "*",
    ];
    let tokens = [&tokens[..], &["--file", "tokens"]].concat();
    let secret = run_in(directory.path(), &tokens).exits(0).out;
    let file = directory.path().join("tokens");
    let file = file.to_str().expect("UTF-8");
    let data = directory.path().join("data");
    let server = Server::start(&data, &["--http", "127.0.0.1:0", "--token-file", file]);
    let http = server
        .ready
        .split_whitespace()
        .find_map(|word| word.strip_prefix("http="));
    let http = format!("http://{}", http.expect("an address"));
    let run = |token: &str, arguments: &[&str]| {
        let mut command = onhand();
        command.env("ONHAND_HTTP", &http).env("ONHAND_TOKEN", token);
        finish(command.args(arguments))
    };
    let secret = secret.trim();
    run("", &["orders", "list"])
        .exits(2)
        .warns("onhand token new");
    run(secret, &["orders", "list"]).exits(0).says("No order.");
    run(secret, &["dlq", "list"])
        .exits(0)
        .says("No dead letter.");
    run(secret, &["orders", "show", "0-99"])
        .exits(1)
        .says("UNKNOWN_ORDER");
    let refused = run(secret, &["review", "approve", "ab"]).exits(1);
    assert!(refused.out.contains("FORBIDDEN_ROLE") && refused.out.contains("operator"));
    run(secret, &["orders", "list", "--state", "LOST"])
        .exits(1)
        .says("REVIEW");
    run(secret, &["dlq", "redrive"]).exits(2).warns("--all");
    let mut command = onhand();
    command.env("ONHAND_HTTP", "http://127.0.0.1:1");
    let lost = finish(command.args(["orders", "cancel", "ab", "--key", "7"])).exits(2);
    assert!(
        lost.err.contains("is the server running") && lost.err.contains("--key 0"),
        "{lost:?}"
    );
}

#[test]
fn a_repeated_event_is_journaled_once_and_an_early_one_is_parked() {
    let world = World::start(&[]);
    let early = "000000000000000000000000000000aa";
    let body = json!({"id": "evt_early", "type": "payment_intent.succeeded", "data": {"object": {
        "object": "payment_intent", "id": "pi_early", "amount_received": 4470,
        "metadata": {"order_id": early}}}});
    let body = body.to_string();
    let deliver = || {
        let time = (onhand::clock::now_ms() / 1_000).to_string();
        let parts: [&[u8]; 3] = [time.as_bytes(), b".", body.as_bytes()];
        let digest = hex::encode(onhand::sandbox::sign::sha256(b"whsec_onhand", &parts));
        let signature = format!("t={time},v1={digest}");
        let headers = [("stripe-signature", signature.as_str())];
        send(
            world.http,
            "POST",
            "/callbacks/stripe",
            &headers,
            body.as_bytes(),
        )
        .is(200);
    };
    deliver();
    deliver();
    let World {
        server, directory, ..
    } = world;
    assert_eq!(server.stop(), Some(0));
    let data = directory.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let records = run_in(directory.path(), &["inspect", "--data", data, "records"]).exits(0);
    let reported: Vec<&str> = records
        .out
        .lines()
        .filter(|line| line.contains("pi_early"))
        .collect();
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(
        reported[0].contains("parked") && reported[0].contains(early),
        "{reported:?}"
    );
}

#[test]
fn an_order_goes_on_and_is_found_by_its_number_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = World::start(&[]);
    let order = world.place("kept", directory.path(), "pm_card_visa");
    let number = world.json(&["orders", "show", &order])["number"].clone();
    let number = number.as_str().expect("a number");
    let World {
        server,
        sandbox,
        directory,
        ..
    } = world;
    assert_eq!(server.stop(), Some(0));
    let at = sandbox.address().to_string();
    let arguments = ["--http", "127.0.0.1:0", "--sandbox", &at];
    let server = Server::start(&directory.path().join("data"), &arguments);
    let http = server
        .ready
        .split_whitespace()
        .find_map(|word| word.strip_prefix("http="));
    let mut command = onhand();
    command.env(
        "ONHAND_HTTP",
        format!("http://{}", http.expect("an address")),
    );
    finish(command.args(["orders", "show", number]))
        .exits(0)
        .says(&order);
}

#[test]
fn an_order_that_stock_does_not_cover_waits_for_it_and_then_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = World::start(&[]);
    let all = ["order", "hold", "--sku", "lamp", "--quantity", "100"];
    world.server.run(&all).exits(0);
    let waits = |key: &str| {
        let place = [
            "order",
            "place",
            "--sku",
            "lamp",
            "--quantity",
            "3",
            "--key",
        ];
        let more = [key, "--total", "4470", "--backorder"];
        world.server.json(&[&place[..], &more].concat())
    };
    let first = waits("b1");
    assert_eq!(first["state"], "BACKORDERED", "{first:#}");
    assert_eq!(waits("b2")["state"], "BACKORDERED");
    let listed = world.json(&["orders", "list", "--state", "backordered"]);
    let listed = listed["orders"].as_array().expect("orders");
    assert_eq!(listed.len(), 2, "{listed:#?}");
    let receive = |units: &str| {
        let stock = ["stock", "receive", "--sku", "lamp", "--location", "berlin"];
        let stock = [&stock[..], &["--quantity", units]].concat();
        world.server.run(&stock).exits(0);
    };
    receive("2");
    let hold = ["order", "hold", "--sku", "lamp", "--quantity", "2"];
    world.server.run(&hold).exits(1);
    receive("1");
    let key = first["key"].as_str().expect("a key");
    let beyond = [
        "PAYMENT",
        "REVIEW",
        "CONFIRMED",
        "FULFILLING",
        "SHIPPED",
        "DECLINED",
    ];
    let shown = world.reaches(key, &beyond);
    assert_ne!(shown["state"], "BACKORDERED");
    let second = world.json(&["orders", "show", "000000000000000000000000000000b2"]);
    assert_eq!(second["state"], "BACKORDERED", "{second:#}");
    drop(directory);
}
