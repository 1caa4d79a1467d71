//! The REST API over a real server: orders, holds, stock, definitions, events, conventions.

mod events;
mod refusals;
mod repeats;

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::served::{Served, config};
use super::web::{Answered, send};

const JSON: (&str, &str) = ("content-type", "application/json");
const ACME: (&str, &str) = ("onhand-tenant", "acme");

/// A server with HTTP, and who asks it.
pub struct Shop {
    pub http: SocketAddr,
    served: Served,
    data: tempfile::TempDir,
}

impl Shop {
    /// An empty one.
    pub fn open() -> Self {
        Self::on(tempfile::tempdir().expect("a directory"))
    }

    fn on(data: tempfile::TempDir) -> Self {
        let mut config = config(&data.path().join("data"));
        config.http = Some("127.0.0.1:0".parse().unwrap());
        let served = Served::start(&config);
        Self {
            http: served.http.expect("HTTP"),
            served,
            data,
        }
    }

    /// The same after the server was stopped and started again.
    pub fn restarted(self) -> Self {
        self.served.stop().expect("a clean end");
        Self::on(self.data)
    }

    /// One with 10 mugs in Berlin.
    pub fn stocked() -> Self {
        let shop = Self::open();
        shop.put("/skus/MUG-RED", &json!({"on_sale": true})).is(200);
        shop.put("/locations/berlin", &json!({"priority": 1}))
            .is(200);
        let arrived = json!({"location": "berlin", "quantity": 10});
        shop.post("/stock/MUG-RED/receive", &arrived).is(200);
        shop
    }

    pub fn get(&self, path: &str) -> Answered {
        self.with("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answered {
        self.with("POST", path, &[], body.to_string().as_bytes())
    }

    pub fn put(&self, path: &str, body: &Value) -> Answered {
        self.with("PUT", path, &[], body.to_string().as_bytes())
    }

    pub fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let mut all = vec![ACME];
        if !body.is_empty() {
            all.push(JSON);
        }
        all.extend(headers);
        send(self.http, method, &format!("/v1{path}"), &all, body)
    }

    /// A hold of so many mugs.
    fn hold(&self, quantity: u32) -> Answered {
        self.post("/holds", &mugs(quantity))
    }

    fn available(&self) -> Value {
        self.get("/stock/MUG-RED").is(200).json()["available"].clone()
    }
}

fn mugs(quantity: u32) -> Value {
    json!({"currency": 978, "total": 1999, "lines": [{"sku": "MUG-RED", "quantity": quantity}]})
}

#[test]
fn stock_is_defined_received_corrected_and_shown_by_location() {
    let shop = Shop::stocked();
    let cell = |on_hand: u32, safety: u32| {
        json!({"location": "berlin", "on_hand": on_hand, "reserved": 0, "committed": 0,
            "safety": safety, "damaged": 0, "quality_control": 0,
            "available": on_hand - safety, "short": 0})
    };
    let shown = shop.get("/stock/MUG-RED").is(200).json();
    assert_eq!(shown["cells"], json!([cell(10, 0)]));
    assert_eq!(
        (&shown["available"], &shown["on_sale"]),
        (&json!(10), &json!(true))
    );

    let found = json!({"location": "berlin", "delta": -3, "reason": "counted"});
    let adjusted = shop.post("/stock/MUG-RED/adjust", &found).is(200);
    assert_eq!(adjusted.json()["stock"]["on_hand"], 7);
    let sequence = adjusted.json()["sequence"].as_u64().expect("a number");
    assert_eq!(adjusted.headers["onhand-sequence"], sequence.to_string());

    let stale = json!({"location": "berlin", "on_hand": 20, "expect": 10});
    let refused = shop.post("/stock/MUG-RED/set", &stale);
    refused.is_problem(409, "STALE");
    assert_eq!(
        refused.json()["stock"]["on_hand"],
        7,
        "the refusal says what is there"
    );
    let fresh = json!({"location": "berlin", "on_hand": 20, "expect": 7});
    shop.post("/stock/MUG-RED/set", &fresh).is(200);

    let kept = json!({"location": "berlin", "from": "available", "to": "safety", "quantity": 5});
    shop.post("/stock/MUG-RED/move", &kept).is(200);
    shop.put("/locations/paris", &json!({})).is(200);
    let moved = json!({"from": "berlin", "to": "paris", "quantity": 6});
    shop.post("/stock/MUG-RED/transfer", &moved).is(200);
    let listed = shop.get("/stock?limit=1").is(200).json();
    assert_eq!(listed["stock"][0]["cells"][0], cell(14, 5));
    assert_eq!(listed["stock"][0]["cells"][1]["on_hand"], 6);
    assert_eq!(listed["next"], Value::Null);

    shop.get("/stock/NOTHING").is_problem(404, "UNKNOWN_SKU");
    let nowhere = json!({"location": "atlantis", "quantity": 1});
    shop.post("/stock/MUG-RED/receive", &nowhere)
        .is_problem(422, "UNKNOWN_LOCATION");
}

#[test]
fn a_repeated_movement_moves_once_and_says_so() {
    let shop = Shop::stocked();
    let key = [("idempotency-key", "delivery 4711")];
    let body = json!({"location": "berlin", "quantity": 5}).to_string();
    let path = "/stock/MUG-RED/receive";
    let first = shop
        .with("POST", path, &key, body.as_bytes())
        .is(200)
        .json();
    let again = shop
        .with("POST", path, &key, body.as_bytes())
        .is(200)
        .json();
    assert_eq!(
        (&first["replayed"], &again["replayed"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(first["sequence"], again["sequence"]);
    assert_eq!(shop.available(), 15);
    let other = json!({"location": "berlin", "quantity": 6}).to_string();
    let conflict = shop.with("POST", path, &key, other.as_bytes());
    conflict.is_problem(422, "IDEMPOTENCY_CONFLICT");
}

#[test]
fn a_location_keeps_its_place_and_a_sku_changes_its_sale() {
    let shop = Shop::stocked();
    let there = json!({"location": "berlin", "x": 0, "y": 0, "priority": 1});
    assert_eq!(shop.get("/locations/berlin").is(200).json(), there);
    let again = shop
        .put("/locations/berlin", &json!({"priority": 1}))
        .is(200);
    assert_eq!(again.json()["replayed"], true);
    let other = shop.put("/locations/berlin", &json!({"priority": 2}));
    other.is_problem(409, "LOCATION_FIXED");
    assert_eq!(other.json()["present"], there);
    shop.put("/skus/MUG-RED", &json!({"on_sale": false}))
        .is(200);
    assert_eq!(shop.get("/skus/MUG-RED").is(200).json()["on_sale"], false);
    shop.hold(1).is_problem(409, "NOT_ON_SALE");
    let queue = || shop.get("/skus/MUG-RED").is(200).json()["backorder_queue"].clone();
    assert_eq!(queue(), "default");
    let skip = json!({"on_sale": false, "backorder_queue": "skip"});
    let set = shop.put("/skus/MUG-RED", &skip).is(200).json();
    assert_eq!(
        (&set["backorder_queue"], &set["replayed"]),
        (&json!("skip"), &json!(false))
    );
    shop.put("/skus/MUG-RED", &json!({})).is(200);
    assert_eq!(queue(), "skip", "what is not said stays");
    shop.put("/skus/MUG-RED", &json!({"backorder_queue": "first"}))
        .is_problem(400, "BAD_REQUEST");
    shop.get("/skus/NOTHING").is_problem(404, "UNKNOWN_SKU");
    shop.get("/locations/nowhere")
        .is_problem(404, "UNKNOWN_LOCATION");
}

#[test]
fn a_hold_is_taken_extended_confirmed_and_another_released() {
    let shop = Shop::stocked();
    let held = shop.hold(4).is(201);
    let order = held.json()["order"].as_str().expect("a key").to_owned();
    assert_eq!(held.headers["location"], format!("/v1/orders/{order}"));
    assert_eq!(
        (&held.json()["state"], shop.available()),
        (&json!("HELD"), json!(6))
    );
    let longer = json!({"ttl_ms": 3_600_000});
    shop.post(&format!("/holds/{order}/extend"), &longer)
        .is(200);
    let confirmed = shop
        .post(&format!("/holds/{order}/confirm"), &json!({}))
        .is(200);
    assert_eq!(confirmed.json()["state"], "CONFIRMED");
    let again = shop.post(&format!("/holds/{order}/confirm"), &json!({}));
    again.is_problem(409, "ALREADY_CONFIRMED");
    let other = shop.hold(6).is(201).json()["order"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = shop.hold(1);
    refused.is_problem(409, "INSUFFICIENT_STOCK");
    assert_eq!(
        refused.json()["short"],
        json!([{"sku": "MUG-RED", "left": 0}])
    );
    shop.post(&format!("/holds/{other}/release"), &json!({}))
        .is(200);
    assert_eq!(shop.available(), 6);
}

#[test]
fn an_order_of_a_tenant_that_came_after_the_start_is_found_by_its_number_without_a_process() {
    let shop = Shop::stocked();
    let held = shop.hold(4).is(201).json();
    let path = format!("/orders/{}", held["order"].as_str().expect("a key"));
    let shown = shop.get(&path).is(200).json();
    let number = format!("/orders/{}", shown["number"].as_str().expect("a number"));
    assert_eq!(shop.get(&number).is(200).json()["order"], held["order"]);
    let foreign = [("onhand-tenant", "globex")];
    let path = format!("/v1{number}");
    send(shop.http, "GET", &path, &foreign, b"").is_problem(404, "UNKNOWN_ORDER");
}

#[test]
fn one_order_of_a_channel_is_one_order_however_often_it_is_sent() {
    let shop = Shop::stocked();
    let mut order = mugs(2);
    order["channel"] = json!(1);
    order["details"] = json!({"external_id": "1001"});
    let first = shop.post("/orders", &order).is(201).json();
    assert_eq!(first["order"], "12f2034dadcbcc9803ceb05985006cba");
    let again = shop.post("/orders", &order).is(200).json();
    assert_eq!(
        (&again["replayed"], shop.available()),
        (&json!(true), json!(8))
    );
    order["lines"][0]["quantity"] = json!(3);
    shop.post("/orders", &order)
        .is_problem(422, "IDEMPOTENCY_CONFLICT");
    let path = "/orders/12f2034dadcbcc9803ceb05985006cba";
    let shown = shop.get(path).is(200).json();
    assert_eq!(
        (&shown["placed"], &shown["channel"]),
        (&json!(true), &json!(1))
    );
}

#[test]
fn a_command_with_if_match_is_done_only_on_what_was_read() {
    let shop = Shop::stocked();
    let order = shop.hold(1).is(201).json()["order"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/orders/{order}");
    let read = shop.get(&path).is(200);
    let seen = read.headers["etag"].clone();
    let unchanged = shop.with("GET", &path, &[("if-none-match", &seen)], b"");
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    let longer = json!({"ttl_ms": 3_600_000}).to_string();
    let extend = format!("/holds/{order}/extend");
    let with = |tag: &str| shop.with("POST", &extend, &[("if-match", tag)], longer.as_bytes());
    with("\"0000000000000000\"").is_problem(412, "CHANGED");
    with(&seen).is(200);
    with(&seen).is_problem(412, "CHANGED");
    with("*").is(200);
    assert_ne!(shop.get(&path).is(200).headers["etag"], seen);
}

#[test]
fn a_read_contains_the_command_that_it_names_or_says_that_it_cannot() {
    let shop = Shop::stocked();
    let held = shop.hold(1).is(201);
    let after = held.headers["onhand-sequence"].as_str();
    let after = [("onhand-after-sequence", after)];
    let shown = shop
        .with("GET", "/stock/MUG-RED", &after, b"")
        .is(200)
        .json();
    assert_eq!(shown["available"], 9);
    let far = [("onhand-after-sequence", "999999999")];
    shop.with("GET", "/stock/MUG-RED", &far, b"")
        .is_problem(412, "SEQUENCE_AHEAD");
    let none = [("onhand-after-sequence", "soon")];
    shop.with("GET", "/stock/MUG-RED", &none, b"")
        .is_problem(400, "BAD_REQUEST");
}

#[test]
fn the_document_and_its_page_are_served_without_another_host() {
    let shop = Shop::open();
    let served = send(shop.http, "GET", "/openapi.json", &[], b"")
        .is(200)
        .json();
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json"));
    let kept: Value = serde_json::from_str(&kept.expect("the document")).expect("JSON");
    assert_eq!(served, kept);
    let page = send(shop.http, "GET", "/docs/", &[], b"").is(200);
    assert!(page.body.contains("swagger-ui"), "{}", page.body);
    for file in [
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "swagger-initializer.js",
    ] {
        let found = send(shop.http, "GET", &format!("/docs/{file}"), &[], b"").is(200);
        assert!(!found.body.is_empty());
    }
    let outside = page
        .body
        .split(['"', '\''])
        .filter(|text| text.starts_with("http"));
    assert_eq!(
        outside.count(),
        0,
        "the page loads nothing from another host"
    );
}

#[test]
fn a_path_says_which_methods_it_takes() {
    let shop = Shop::open();
    let answered = send(shop.http, "DELETE", "/v1/orders", &[ACME], b"");
    answered.is_problem(405, "NO_METHOD");
    let allowed = &answered.headers["allow"];
    assert!(
        allowed.contains("GET") && allowed.contains("POST"),
        "{allowed}"
    );
    send(shop.http, "PATCH", "/v1/stock/X", &[ACME], b"").is_problem(405, "NO_METHOD");
    send(shop.http, "GET", "/v1/nothing", &[ACME], b"").is_problem(404, "NO_ROUTE");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let answered = send(shop.http, "POST", "/v1/orders", &[ACME, form], b"total=1");
    answered.is_problem(415, "UNSUPPORTED_MEDIA_TYPE");
}
