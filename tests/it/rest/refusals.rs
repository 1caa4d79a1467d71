//! Who may do what, and what bad requests are told.

use onhand::net::token::Token;
use onhand::types::Role;
use serde_json::{Value, json};

use super::super::served::{Served, config};
use super::super::web::{raw, send};
use super::{ACME, JSON, Shop, mugs};

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
                onhand::clock::sleep_ms(100);
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
    for bad in ["-1", "1.5", "99999999999999999999", "\"1\"", "null", "1e-3"] {
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
        post(path, b"[\"berlin\", 1]").is_problem(400, "BAD_REQUEST");
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

#[test]
fn a_question_about_a_tenant_that_is_not_there_writes_nothing() {
    let shop = Shop::stocked();
    let sequence = || shop.get("/status").is(200).json()["sequence"].clone();
    let before = sequence();
    for number in 0..8 {
        let invented = format!("invented-{number}");
        let headers = [("onhand-tenant", invented.as_str())];
        for path in ["/v1/orders", "/v1/stock", "/v1/locations", "/v1/quarantine"] {
            let answer = send(shop.http, "GET", path, &headers, b"");
            assert!(!answer.body.contains("MUG-RED"), "{path}: {}", answer.body);
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
        let order = format!("/v1/orders/{}", "7".repeat(32));
        send(shop.http, "GET", &order, &headers, b"").is(404);
    }
    assert_eq!(sequence(), before, "questions were journaled");
}
