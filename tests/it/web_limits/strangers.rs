//! Who is nobody here, or may not: each gets a typed answer, and the journal stands still.

use std::net::SocketAddr;

use onhand::clock;
use onhand::net::token::Token;
use onhand::types::Role;

use super::super::channel_webhooks::rig::{SECRET, SHOPEE_URL, Shop, base64, hex};
use super::super::web::{Answered, send};
use super::metric;

const ACME: (&str, &str) = ("onhand-tenant", "acme");
const JSON: (&str, &str) = ("content-type", "application/json");

/// Kind, path, header of the signature.
const KINDS: [(&str, &str, &str); 5] = [
    (
        "shopify",
        "/webhooks/shopify/eu.myshopify.com",
        "x-shopify-hmac-sha256",
    ),
    (
        "woocommerce",
        "/webhooks/woocommerce/tea",
        "x-wc-webhook-signature",
    ),
    ("shopee", "/webhooks/shopee/727000001", "authorization"),
    (
        "tiktok",
        "/webhooks/tiktok/7495540735365777507",
        "authorization",
    ),
    (
        "whatsapp",
        "/webhooks/whatsapp/106000",
        "x-hub-signature-256",
    ),
];

fn signed(kind: &str, secret: &str, body: &[u8]) -> String {
    match kind {
        "shopify" | "woocommerce" => base64(secret, &[body]),
        "shopee" => hex(secret, &[SHOPEE_URL.as_bytes(), b"|", body]),
        "tiktok" => hex(secret, &[b"abcdef", body]),
        _ => format!("sha256={}", hex(secret, &[body])),
    }
}

/// Where the journal of `acme` ends, once it has come to rest.
fn sequence(http: SocketAddr, bearer: &str) -> u64 {
    let read = || {
        let headers = [ACME, ("authorization", bearer)];
        let status = send(http, "GET", "/v1/status", &headers, b"")
            .is(200)
            .json();
        status["sequence"].as_u64().expect("a number")
    };
    let (mut last, mut same) = (read(), 0);
    while same < 5 {
        clock::sleep_ms(30);
        let now = read();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

#[test]
fn deliveries_without_meaning_or_of_nobody_move_nothing_and_are_counted() {
    let shop = Shop::open(1);
    let before = sequence(shop.http, "none");
    let post = |path: &str, header: &str, value: &str, body: &[u8]| -> Answered {
        shop.post(path, &[(header, value)], body)
    };
    for (kind, path, header) in KINDS {
        for body in [&b""[..], b"\xff\xfe\x00not text", b"{\"id\": 1}"] {
            assert_eq!(
                shop.post(path, &[], body).is(401).body,
                "",
                "{kind} unsigned"
            );
            let wrong = signed(kind, "another", body);
            assert_eq!(post(path, header, &wrong, body).is(401).body, "", "{kind}");
        }
        // What no text can be is no signature.
        assert_eq!(
            post(path, header, "\u{e9}\u{e9}", b"{}").is(401).body,
            "",
            "{kind}"
        );
        let elsewhere = format!("/webhooks/{kind}/no-such-shop");
        let right = signed(kind, SECRET, b"{}");
        post(&elsewhere, header, &right, b"{}").is(401);
        post("/webhooks/ebay/1", header, &right, b"{}").is(401);
    }
    let told = |channel: &str, result: &str| {
        let line = format!("onhand_webhooks_total{{channel=\"{channel}\",result=\"{result}\"}}");
        metric(shop.http, &line)
    };
    for channel in ["shopify", "woo", "shopee", "tiktok", "whatsapp"] {
        assert!(told(channel, "wrong_signature") >= 2.0, "{channel}");
        assert!(told(channel, "no_signature") >= 2.0, "{channel}");
    }
    assert!(told("unknown", "unknown_channel") >= 10.0);
    // Topics of no consequence, signed: acknowledged, so that they are not sent again.
    let ignored: [(usize, &str, &[u8]); 5] = [
        (0, "x-shopify-topic", b"{\"id\": 1}"),
        (1, "x-wc-webhook-topic", b"{\"id\": 1}"),
        (
            2,
            "x-other",
            b"{\"code\": 99, \"shop_id\": 727000001, \"data\": {}}",
        ),
        (
            3,
            "x-other",
            b"{\"type\": 99, \"shop_id\": \"7495540735365777507\", \"data\": {}}",
        ),
        (
            4,
            "x-other",
            b"{\"object\": \"whatsapp_business_account\", \"entry\": []}",
        ),
    ];
    for (place, topic, body) in ignored {
        let (kind, path, header) = KINDS[place];
        let signature = signed(kind, SECRET, body);
        let headers = [(header, signature.as_str()), (topic, "moons/rising")];
        let answered = shop.post(path, &headers, body);
        assert_eq!(
            (answered.status, answered.body.as_str()),
            (200, ""),
            "{kind}"
        );
    }
    for channel in ["shopify", "woo", "shopee", "tiktok", "whatsapp"] {
        assert!(told(channel, "ignored") >= 1.0, "{channel}");
    }
    assert_eq!(sequence(shop.http, "none"), before, "nothing was journaled");
}

#[test]
fn signed_bytes_that_are_no_text_are_kept_for_a_person_whichever_marketplace_sent_them() {
    let shop = Shop::open(0);
    for (kind, path, header) in KINDS {
        let body = b"\xff\xfe\x00not text";
        let signature = signed(kind, SECRET, body);
        shop.post(path, &[(header, signature.as_str())], body)
            .is(200);
    }
    let held = shop.holds(KINDS.len());
    assert!(
        held.iter().all(|it| it["fate"] == "quarantined"),
        "{held:?}"
    );
}

#[test]
fn who_may_not_see_to_events_and_mappings_is_told_so_and_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut lines = String::new();
    let mut draw = |name: &str, role: Role, expires: Option<&str>| {
        let (secret, token) = Token::draw(name, role, "acme").expect("a token");
        let token = match expires {
            None => token,
            Some(time) => token.until(time).expect("a time"),
        };
        lines += &format!("{}\n", token.to_line());
        format!("Bearer {secret}")
    };
    let reader = draw("reader", Role::ReadOnly, None);
    let expired = draw("gone", Role::Admin, Some("2020-01-01T00:00:00Z"));
    let admin = draw("admin", Role::Admin, None);
    let tokens = directory.path().join("tokens");
    std::fs::write(&tokens, lines).expect("written");
    let shop = Shop::open_with(0, "", |config| config.token_file = Some(tokens));
    let http = shop.http;
    let before = sequence(http, &admin);
    let mapping = br#"{"mappings": [{"item": "1", "sku": "shirt"}]}"#;
    let event = "/v1/quarantine/00000000000000000000000000000001";
    let redrive = format!("{event}/redrive");
    let routes: [(&str, &str, &[u8]); 6] = [
        ("GET", "/v1/quarantine", b""),
        ("GET", event, b""),
        ("POST", &redrive, b"{}"),
        ("GET", "/v1/mappings/shopify", b""),
        ("PUT", "/v1/mappings/shopify", mapping),
        ("POST", "/v1/mappings/shopify", mapping),
    ];
    let count = |status: u16| {
        let line = format!("onhand_http_requests_total{{status=\"{status}\"}}");
        metric(http, &line)
    };
    let (unknown, forbidden) = (count(401), count(403));
    for (method, path, body) in routes {
        let ask = |more: &[(&str, &str)]| {
            let headers: Vec<(&str, &str)> = [JSON].iter().chain(more).copied().collect();
            send(http, method, path, &headers, body)
        };
        let bearer = |token: &'static str| ("authorization", token);
        ask(&[ACME]).is_problem(401, "UNAUTHENTICATED");
        ask(&[ACME, bearer("Bearer oh_guess")]).is_problem(401, "UNAUTHENTICATED");
        let gone = ask(&[ACME, ("authorization", &expired)]);
        gone.is_problem(401, "UNAUTHENTICATED");
        assert!(gone.body.contains("expired"), "{}", gone.body);
        let foreign = [
            ("onhand-tenant", "globex"),
            ("authorization", admin.as_str()),
        ];
        ask(&foreign).is_problem(403, "FORBIDDEN_TENANT");
        if method != "GET" {
            ask(&[ACME, ("authorization", &reader)]).is_problem(403, "FORBIDDEN_ROLE");
        }
    }
    let guess = || {
        send(
            http,
            "POST",
            "/dashboard/login",
            &[JSON],
            br#"{"token": "oh_00"}"#,
        )
    };
    guess().is_problem(401, "UNAUTHENTICATED");
    let slowed = (0..500).map(|_| guess()).find(|one| one.status != 401);
    slowed
        .expect("guesses are slowed down")
        .is_problem(429, "RATE_LIMITED");
    assert!(count(401) >= unknown + 18.0 && count(403) >= forbidden + 9.0);
    assert_eq!(sequence(http, &admin), before, "nothing was journaled");
}

#[test]
fn a_page_of_another_site_sees_to_no_event_and_maps_nothing() {
    let shop = Shop::open(1);
    let before = sequence(shop.http, "none");
    let mapping = br#"{"mappings": [{"item": "1", "sku": "shirt"}]}"#;
    for sign in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let headers = [ACME, JSON, sign];
        for method in ["PUT", "POST"] {
            let refused = send(shop.http, method, "/v1/mappings/shopify", &headers, mapping);
            refused.is_problem(403, "CROSS_SITE");
        }
        let redrive = "/v1/quarantine/00000000000000000000000000000001/redrive";
        send(shop.http, "POST", redrive, &headers, b"{}").is_problem(403, "CROSS_SITE");
    }
    assert_eq!(sequence(shop.http, "none"), before, "nothing was journaled");
}
