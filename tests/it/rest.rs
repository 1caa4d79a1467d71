//! The REST API over a real server: orders, holds, stock, definitions, events, conventions.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use onhand::net::token::Token;
use onhand::types::Role;
use serde_json::{Value, json};

use super::served::{PATIENCE, Served, config};
use super::web::{Answered, raw, send};

const JSON: (&str, &str) = ("content-type", "application/json");
const ACME: (&str, &str) = ("onhand-tenant", "acme");

/// A server with HTTP, and who asks it.
pub struct Shop {
    pub http: SocketAddr,
    pub served: Served,
    _data: tempfile::TempDir,
}

impl Shop {
    /// An empty one.
    pub fn open() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut config = config(&data.path().join("data"));
        config.http = Some("127.0.0.1:0".parse().unwrap());
        let served = Served::start(&config);
        Self {
            http: served.http.expect("HTTP"),
            served,
            _data: data,
        }
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
fn events_are_read_by_pages_and_go_on_where_the_last_page_ended() {
    let shop = Shop::stocked();
    let order = shop.hold(2).is(201).json()["order"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.post(&format!("/holds/{order}/release"), &json!({}))
        .is(200);
    // Another tenant's stock is none of this one's business.
    let globex = [("onhand-tenant", "globex"), JSON];
    send(shop.http, "PUT", "/v1/skus/SECRET", &globex, b"{}").is(200);
    let mut types = Vec::new();
    let mut after = String::new();
    loop {
        let page = shop.get(&format!("/events?limit=2{after}")).is(200).json();
        for event in page["events"].as_array().expect("events") {
            assert_eq!(event["source"], "/tenants/acme");
            types.push(event["type"].as_str().expect("a type").to_owned());
        }
        after = format!("&after={}", page["next"].as_str().expect("a cursor"));
        if page["more"] == json!(false) {
            break;
        }
    }
    let expected = [
        "sku.defined",
        "location.defined",
        "stock.received",
        "order.accepted",
        "order.released",
    ];
    assert_eq!(types, expected.map(|name| format!("onhand.{name}")));
    assert_eq!(
        shop.get(&format!("/events?limit=2{after}")).is(200).json()["events"],
        json!([])
    );
    let orders = shop.get("/events?kind=order").is(200).json();
    let accepted = &orders["events"][0];
    assert_eq!(accepted["subject"], order.as_str());
    let line = json!({"sku": "MUG-RED", "location": "berlin", "quantity": 2});
    assert_eq!(accepted["data"]["lines"], json!([line]));
    assert_eq!(accepted["data"]["actor"], "anonymous");
    let released = shop.get("/events?kind=order.released").is(200).json();
    assert_eq!(released["events"].as_array().map(Vec::len), Some(1));
    for bad in ["after=7", "after=1-7", "kind=", "limit=0", "from=0-1"] {
        shop.get(&format!("/events?{bad}"))
            .is_problem(400, "BAD_REQUEST");
    }
}

/// The events of a stream until one of this type has come: their cursors and types.
fn follow(http: SocketAddr, query: &str, last: Option<&str>, until: &str) -> Vec<(String, String)> {
    let mut stream = TcpStream::connect(http).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let last = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
    let head = format!(
        "GET /v1/events/stream{query} HTTP/1.1\r\nhost: {http}\r\nonhand-tenant: acme\r\n{last}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut seen = Vec::new();
    let mut id = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.expect("a line in time");
        if let Some(found) = line.strip_prefix("id: ") {
            id = found.to_owned();
        }
        if let Some(kind) = line.strip_prefix("event: ") {
            seen.push((id.clone(), kind.to_owned()));
            if kind == until {
                return seen;
            }
        }
    }
    panic!("the stream ended: {seen:?}");
}

#[test]
fn a_stream_goes_on_behind_the_last_event_that_a_client_saw() {
    let shop = Shop::stocked();
    let first = follow(shop.http, "?after=0-0", None, "onhand.stock.received");
    let types: Vec<&str> = first.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(
        types,
        [
            "onhand.sku.defined",
            "onhand.location.defined",
            "onhand.stock.received"
        ]
    );
    let cursor = &first.last().expect("an event").0;
    let order = shop.hold(1).is(201).json()["order"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.post(&format!("/holds/{order}/release"), &json!({}))
        .is(200);
    let rest = follow(shop.http, "", Some(cursor), "onhand.order.released");
    let types: Vec<&str> = rest.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(types, ["onhand.order.accepted", "onhand.order.released"]);
    let some = follow(
        shop.http,
        "?after=0-0&kind=order.released",
        None,
        "onhand.order.released",
    );
    assert_eq!(some.len(), 1, "{some:?}");
}

#[test]
fn an_event_comes_to_a_stream_that_waits() {
    let shop = Shop::stocked();
    let http = shop.http;
    let waiting =
        std::thread::spawn(move || follow(http, "?kind=order", None, "onhand.order.accepted"));
    // The stream begins at some moment: holds come until one of them is seen.
    let mut held = 0;
    while !waiting.is_finished() && held < 10 {
        shop.hold(1).is(201);
        held += 1;
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_eq!(waiting.join().expect("seen").len(), 1);
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

/// Every operation of the document, with texts for what its path names.
fn operations() -> Vec<(String, String, Role)> {
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json"));
    let kept: Value = serde_json::from_str(&kept.expect("the document")).expect("JSON");
    let mut all = Vec::new();
    for (path, item) in kept["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let role = operation["x-onhand-role"]
                .as_str()
                .and_then(Role::from_name);
            let named = path
                .replace("{order}", &"7".repeat(32))
                .replace("{effect}", "1");
            let named: String = named
                .split('/')
                .map(|part| part.trim_matches(['{', '}']))
                .fold(String::new(), |path, part| {
                    if part.is_empty() {
                        path
                    } else {
                        path + "/" + part
                    }
                });
            all.push((method.to_uppercase(), named, role.expect("a role")));
        }
    }
    all
}

#[test]
fn every_operation_asks_for_its_role_and_for_a_token_of_the_tenant() {
    let data = tempfile::tempdir().expect("a directory");
    let mut lines = String::new();
    let mut secrets = Vec::new();
    for role in [Role::ReadOnly, Role::Connector, Role::Operator, Role::Admin] {
        let (secret, token) = Token::draw(role.name(), role, "acme").expect("a token");
        lines += &format!("{}\n", token.to_line());
        secrets.push((role, format!("Bearer {secret}")));
    }
    let tokens = data.path().join("tokens");
    std::fs::write(&tokens, lines).expect("written");
    let mut config = config(&data.path().join("data"));
    config.http = Some("127.0.0.1:0".parse().unwrap());
    config.token_file = Some(tokens);
    let served = Served::start(&config);
    let http = served.http.expect("HTTP");
    let operations = operations();
    assert!(operations.len() > 40, "{}", operations.len());
    for (method, path, needed) in &operations {
        for (role, bearer) in &secrets {
            if path.ends_with("/stream") && role >= needed {
                continue; // it would not end
            }
            let headers = [ACME, ("authorization", bearer)];
            let answered = send(http, method, path, &headers, b"");
            assert_ne!(answered.status, 401, "{method} {path}");
            assert!(answered.status < 500, "{method} {path} {answered:?}");
            if role < needed {
                answered.is_problem(403, "FORBIDDEN_ROLE");
            } else {
                assert_ne!(answered.status, 403, "{method} {path} for {role:?}");
            }
        }
        let admin = &secrets[3].1;
        // So many failures in a second are slowed down; that is no answer to this question.
        let tries = std::iter::repeat_with(|| {
            let answered = send(http, method, path, &[ACME], b"");
            if answered.status == 429 {
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            answered
        });
        let answered = tries.take(100).find(|answered| answered.status != 429);
        answered
            .expect("an answer")
            .is_problem(401, "UNAUTHENTICATED");
        let foreign = [("onhand-tenant", "globex"), ("authorization", admin)];
        send(http, method, path, &foreign, b"").is_problem(403, "FORBIDDEN_TENANT");
    }
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

#[test]
fn bad_bodies_and_quantities_are_refused_and_change_nothing() {
    let shop = Shop::stocked();
    let before = shop.get("/status").is(200).json()["sequence"].clone();
    let order = |quantity: &str| {
        format!(
            "{{\"currency\": 978, \"total\": 1, \"lines\": [{{\"sku\": \"MUG-RED\", \
             \"quantity\": {quantity}}}]}}"
        )
    };
    let post = |path: &str, body: &[u8]| shop.with("POST", path, &[JSON], body);
    for bad in ["-1", "1.5", "99999999999999999999", "\"1\"", "null", "1e3"] {
        post("/orders", order(bad).as_bytes()).is_problem(400, "BAD_REQUEST");
        let receive = format!("{{\"location\": \"berlin\", \"quantity\": {bad}}}");
        post("/stock/MUG-RED/receive", receive.as_bytes()).is_problem(400, "BAD_REQUEST");
    }
    for bad in ["0", "1000001", "4294967295"] {
        post("/orders", order(bad).as_bytes()).is_problem(422, "INVALID_QUANTITY");
    }
    for path in [
        "/orders",
        "/holds",
        "/stock/MUG-RED/receive",
        "/stock/MUG-RED/set",
    ] {
        post(path, b"").is_problem(400, "BAD_REQUEST");
        post(path, b"\xff\xfe").is_problem(400, "BAD_REQUEST");
        post(path, b"{\"a\": ").is_problem(400, "BAD_REQUEST");
        post(path, b"[]").is_problem(400, "BAD_REQUEST");
        post(path, &vec![b' '; 10 << 20]).is_problem(413, "BODY_TOO_LARGE");
    }
    let mut unknown = mugs(1);
    unknown["coupon"] = json!("X");
    shop.post("/orders", &unknown)
        .is_problem(400, "BAD_REQUEST");
    let mut card = mugs(1);
    card["details"] = json!({"custom_handling": "4111 1111 1111 1111"});
    shop.post("/orders", &card).is_problem(422, "CARD_NUMBER");
    let mut none = mugs(1);
    none["lines"] = json!([]);
    shop.post("/orders", &none).is_problem(422, "NO_LINES");
    let mut unheard = mugs(1);
    unheard["lines"][0]["sku"] = json!("NOTHING");
    shop.post("/orders", &unheard)
        .is_problem(422, "UNKNOWN_SKU");
    let zero = json!({"location": "berlin", "delta": 0, "reason": "x"});
    shop.post("/stock/MUG-RED/adjust", &zero)
        .is_problem(422, "INVALID_QUANTITY");
    assert_eq!(shop.available(), 10);
    assert_eq!(
        shop.get("/status").is(200).json()["sequence"],
        before,
        "nothing was journaled"
    );
    shop.hold(1).is(201);
}

#[test]
fn a_page_of_another_site_cannot_command_the_server_of_this_machine() {
    let shop = Shop::stocked();
    let body = mugs(1).to_string();
    // What a form of another site can send without asking: no JSON.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let headers = [
            ACME,
            ("content-type", kind),
            ("origin", "https://evil.example"),
        ];
        let answered = send(shop.http, "POST", "/v1/orders", &headers, body.as_bytes());
        answered.is_problem(403, "CROSS_SITE");
        let silent = [ACME, ("content-type", kind)];
        let answered = send(shop.http, "POST", "/v1/orders", &silent, body.as_bytes());
        answered.is_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    // A command that needs no body.
    let order = shop.hold(1).is(201).json()["order"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/holds/{order}/release");
    for sign in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let answered = send(shop.http, "POST", &path, &[ACME, sign], b"");
        answered.is_problem(403, "CROSS_SITE");
    }
    assert_eq!(shop.available(), 9, "it is held still");
    // What its script would have to ask for first: nothing is allowed to it.
    let ask = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let answered = send(shop.http, "OPTIONS", "/v1/orders", &ask, b"");
    answered.is_problem(405, "NO_METHOD");
    assert!(!answered.headers.contains_key("access-control-allow-origin"));
    // Its own name, made to resolve to this machine.
    let rebound = format!(
        "GET /v1/orders HTTP/1.1\r\nhost: evil.example:{}\r\nconnection: close\r\n\r\n",
        shop.http.port()
    );
    raw(shop.http, rebound.as_bytes()).is_problem(401, "UNAUTHENTICATED");
}
