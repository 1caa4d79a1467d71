//! Servers that cannot take a delivery: no room, no channels, no secret, no answer in time.

use onhand::channels::ChannelOptions;
use onhand::clock;
use onhand::limits::{CHANNEL_EVENTS_WAITING_MAX, EVENTS_PER_DELIVERY_MAX};
use onhand::types::{ChannelKind, OrderState};
use serde_json::{Value, json};

use super::super::web::{Answered, send};
use super::super::web_engine::Web;
use super::rig::{SECRET, SHOPEE_URL, Shop, base64, channels_file, hex, shopify_order};

const FIRST: &str = "2026-05-04T10:12:31+02:00";
const ACME: (&str, &str) = ("onhand-tenant", "acme");
const JSON: (&str, &str) = ("content-type", "application/json");

/// How long a sender of Shopee waits, and what an answer may take on a busy machine besides.
const SHOPEE_LIMIT_MS: u64 = 3_000;
const SPARE_MS: u64 = 20_000;

/// A post of WhatsApp with so many messages from a number on, none of which is a whole order.
fn messages(first: usize, count: usize) -> String {
    let one = |number: usize| format!("{{\"id\":\"m{number}\",\"type\":\"order\"}}");
    let all: Vec<String> = (first..first + count).map(one).collect();
    format!(
        "{{\"entry\":[{{\"changes\":[{{\"value\":{{\"messages\":[{}]}}}}]}}]}}",
        all.join(",")
    )
}

#[track_caller]
fn is_sent_back(answered: &Answered) {
    assert_eq!((answered.status, answered.body.as_str()), (503, ""));
    assert_eq!(answered.headers["retry-after"], "5");
}

#[test]
fn a_shard_full_of_waiting_events_sends_deliveries_back_and_takes_them_once_there_is_room() {
    let shop = Shop::open(10);
    let mut first = 0;
    // A tenant may have as many as are still free: half of them, where it is alone.
    while first < CHANNEL_EVENTS_WAITING_MAX / 2 {
        shop.whatsapp(&messages(first, EVENTS_PER_DELIVERY_MAX))
            .is(200);
        first += EVENTS_PER_DELIVERY_MAX;
    }
    let order = shopify_order(5_552, 2, FIRST);
    let refused = || shop.shopify("orders/create", "full-1", &order);
    let two = messages(first, 2);
    is_sent_back(&refused());
    is_sent_back(&shop.whatsapp(&two));
    shop.counts(
        "onhand_webhooks_total{channel=\"shopify\",result=\"overloaded\"}",
        1.0,
    );
    shop.counts(
        "onhand_webhooks_total{channel=\"whatsapp\",result=\"overloaded\"}",
        1.0,
    );
    // What is known already takes no room.
    shop.whatsapp(&messages(0, 2)).is(200);
    assert_eq!(shop.order(1, "5552").summary.state, None);
    assert_eq!(available(&shop), 10);
    // One place: an order fits, and two messages do not, not even in part.
    give_up(&shop, 1);
    is_sent_back(&shop.whatsapp(&two));
    refused().is(200);
    shop.waits_for(1, "5552", OrderState::FraudCheck);
    assert_eq!(available(&shop), 8);
    give_up(&shop, 1);
    // Once the order is settled there is room for two; a sender asks again until then.
    let deadline_ns = clock::monotonic_ns() + 30_000_000_000;
    loop {
        let answered = shop.whatsapp(&two);
        if answered.status == 200 {
            break;
        }
        is_sent_back(&answered);
        assert!(clock::monotonic_ns() < deadline_ns, "never room again");
        clock::sleep_ms(5);
    }
    is_sent_back(&shop.whatsapp(&messages(first + 2, 1)));
}

fn available(shop: &Shop) -> u64 {
    let shown = send(shop.http, "GET", "/v1/stock/shirt", &[ACME], b"").is(200);
    shown.json()["available"].as_u64().expect("a number")
}

/// Gives up so many events, once they are known to be no orders.
fn give_up(shop: &Shop, count: usize) {
    let list = "/v1/quarantine?limit=10&fate=quarantined";
    let deadline_ns = clock::monotonic_ns() + 30_000_000_000;
    let held = loop {
        let told = send(shop.http, "GET", list, &[ACME], b"").is(200).json();
        let held = told["events"].as_array().expect("a list").clone();
        if held.len() >= count {
            break held;
        }
        assert!(clock::monotonic_ns() < deadline_ns, "{held:?}");
        clock::sleep_ms(5);
    };
    for one in &held[..count] {
        let event = one["event"].as_str().expect("an id");
        let path = format!("/v1/quarantine/{event}/discard");
        let body = json!({"reason": "a test"}).to_string();
        send(shop.http, "POST", &path, &[ACME, JSON], body.as_bytes()).is(200);
    }
}

#[test]
fn a_server_without_channels_takes_every_delivery_for_a_strangers() {
    let shop = Shop::open_with(1, "", |config| config.channels = None);
    let before = status(&shop);
    let body = shopify_order(1, 1, FIRST).to_string();
    let body = body.as_bytes();
    let unknown = "onhand_webhooks_total{channel=\"unknown\",result=\"unknown_channel\"}";
    for (path, header, signature) in [
        (
            "/webhooks/shopify/eu.myshopify.com",
            "x-shopify-hmac-sha256",
            base64(SECRET, &[body]),
        ),
        (
            "/webhooks/woocommerce/tea",
            "x-wc-webhook-signature",
            base64(SECRET, &[body]),
        ),
        (
            "/webhooks/shopee/727000001",
            "authorization",
            hex(SECRET, &[SHOPEE_URL.as_bytes(), b"|", body]),
        ),
        (
            "/webhooks/tiktok/7495540735365777507",
            "authorization",
            hex(SECRET, &[b"abcdef", body]),
        ),
        (
            "/webhooks/whatsapp/106000",
            "x-hub-signature-256",
            format!("sha256={}", hex(SECRET, &[body])),
        ),
    ] {
        let answered = shop.post(path, &[(header, &signature)], body).is(401);
        assert_eq!(answered.body, "", "{path}");
        assert!(!answered.headers.contains_key("retry-after"), "{path}");
    }
    shop.counts(unknown, 5.0);
    let ask = format!("/webhooks/whatsapp/106000?hub.mode=subscribe&hub.verify_token={SECRET}");
    send(shop.http, "GET", &ask, &[], b"").is(403);
    assert_eq!(status(&shop), before, "nothing was journaled");
}

fn status(shop: &Shop) -> Value {
    let told = send(shop.http, "GET", "/v1/status", &[ACME], b"").is(200);
    told.json()["sequence"].clone()
}

#[test]
fn a_channel_whose_secret_is_empty_keeps_the_server_from_starting() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = channels_file(directory.path(), "");
    std::fs::write(directory.path().join("new"), "\n").expect("written");
    let text = std::fs::read_to_string(&file).expect("the channels");
    let error = onhand::config::channels::parse(&file, &text).expect_err("no secret");
    let said = error.to_string();
    assert!(
        said.contains("webhook_secrets") && said.contains("is empty"),
        "{said}"
    );
}

/// The channels of the rig, read as a server reads them.
fn channels() -> Vec<ChannelOptions> {
    let directory = tempfile::tempdir().expect("a directory");
    let file = channels_file(directory.path(), "");
    let text = std::fs::read_to_string(&file).expect("the channels");
    onhand::config::channels::parse(&file, &text).expect("channels")
}

#[test]
fn a_channel_that_lost_its_secrets_believes_nobody() {
    let mut all = channels();
    for channel in &mut all {
        channel.secrets.signing.clear();
    }
    let web = Web::unserved_channels(all);
    for (path, header, signature) in [
        ("shopify", "x-shopify-hmac-sha256", base64("", &[b"{}"])),
        (
            "woocommerce",
            "x-wc-webhook-signature",
            base64("", &[b"{}"]),
        ),
        (
            "shopee",
            "authorization",
            hex("", &[SHOPEE_URL.as_bytes(), b"|{}"]),
        ),
        ("tiktok", "authorization", hex("", &[b"abcdef{}"])),
        (
            "whatsapp",
            "x-hub-signature-256",
            format!("sha256={}", hex("", &[b"{}"])),
        ),
    ] {
        let path = format!("/webhooks/{path}");
        let headers = [(header, signature.as_str())];
        let answered = send(web.address, "POST", &path, &headers, b"{}").is(401);
        assert_eq!(answered.body, "", "{path}");
    }
}

#[test]
fn an_engine_that_says_nothing_in_time_sends_the_delivery_back_before_its_sender_gives_up() {
    let mut all = channels();
    all.retain(|channel| channel.kind == ChannelKind::Shopee);
    let web = Web::unserved_channels(all);
    let body = json!({"code": 3, "shop_id": 727_000_001, "timestamp": 1, "data": {
        "ordersn": "late", "status": "READY_TO_SHIP", "update_time": 1_777_882_351}});
    let body = body.to_string();
    let signature = hex(SECRET, &[SHOPEE_URL.as_bytes(), b"|", body.as_bytes()]);
    let start_ns = clock::monotonic_ns();
    let headers = [("authorization", signature.as_str())];
    let answered = send(
        web.address,
        "POST",
        "/webhooks/shopee",
        &headers,
        body.as_bytes(),
    );
    let waited_ms = (clock::monotonic_ns() - start_ns) / 1_000_000;
    is_sent_back(&answered);
    let limit_ms = SHOPEE_LIMIT_MS + SPARE_MS;
    assert!((2_000..limit_ms).contains(&waited_ms), "{waited_ms} ms");
}
