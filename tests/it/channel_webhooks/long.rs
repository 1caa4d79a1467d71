//! Deliveries that are longer than most.

use super::rig::{Shop, base64, shopify_order};
use onhand::clock;
use onhand::types::OrderState;
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;

const FIRST: &str = "2026-05-04T10:12:31+02:00";

const PATH: &str = "/webhooks/shopify/eu.myshopify.com";

/// An order whose buyer wrote so many bytes.
fn order(id: u64, bytes: usize) -> Value {
    let mut order = shopify_order(id, 2, FIRST);
    order["note_attributes"] = json!([{"name": "engraving", "value": "x".repeat(bytes)}]);
    order
}

/// Sends it as its marketplace does: again, where the answer would have come too late.
fn deliver(shop: &Shop, topic: &str, id: &str, order: &Value) {
    let deadline_ns = clock::monotonic_ns() + 30_000_000_000;
    loop {
        let answered = shop.shopify(topic, id, order);
        if answered.status == 200 {
            return;
        }
        assert_eq!(answered.status, 503, "{answered:?}");
        assert!(clock::monotonic_ns() < deadline_ns, "{answered:?}");
        clock::sleep_ms(50);
    }
}

fn open() -> Shop {
    Shop::open_with(10, "", |config| config.segment_bytes = 64 << 20)
}

#[test]
fn an_order_of_almost_three_megabytes_is_taken_once_and_placed() {
    let shop = open();
    let long = order(1, 3_000_000);
    let forged = base64("another", &[long.to_string().as_bytes()]);
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-hmac-sha256", &*forged),
    ];
    let refused = shop.post(PATH, &headers, long.to_string().as_bytes());
    assert_eq!((refused.status, refused.body.as_str()), (401, ""));
    deliver(&shop, "orders/create", "w-1", &long);
    let placed = shop.waits_for(1, "1", OrderState::FraudCheck);
    assert_eq!(placed.lines[0].ordered, 2);
    deliver(&shop, "orders/create", "w-1", &long);
    deliver(&shop, "orders/paid", "w-2", &order(2, 300_000));
    shop.waits_for(1, "2", OrderState::FraudCheck);
}

#[test]
fn a_delivery_beyond_the_bound_is_refused_before_it_is_sent() {
    let shop = open();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        shop.http,
        10 << 20
    );
    let refused = super::super::web::raw(shop.http, head.as_bytes());
    assert_eq!((refused.status, refused.body.as_str()), (413, ""));
    shop.counts(
        "onhand_webhooks_total{channel=\"shopify\",result=\"too_large\"}",
        1.0,
    );
}

#[test]
fn whoever_announces_long_bodies_and_sends_none_keeps_no_short_one_out() {
    let shop = open();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n",
        shop.http,
        2 << 20
    );
    let silent: Vec<TcpStream> = (0..onhand::limits::EVENT_LONG_BODIES_MAX)
        .map(|_| {
            let mut stream = TcpStream::connect(shop.http).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let until = |status: u16| {
        let deadline_ns = clock::monotonic_ns() + 30_000_000_000;
        for number in 0.. {
            // Another event each time, about an order that is known from the first one on.
            let id = format!("w-{status}-{number}");
            let answered = shop.shopify("orders/create", &id, &order(4, 300_000));
            if answered.status == status {
                return answered;
            }
            assert!(clock::monotonic_ns() < deadline_ns, "{answered:?}");
            clock::sleep_ms(10);
        }
        unreachable!("it goes on until the deadline")
    };
    assert_eq!(until(503).headers["retry-after"], "5");
    shop.shopify("orders/create", "w-short", &shopify_order(5, 1, FIRST))
        .is(200);
    shop.waits_for(1, "5", OrderState::FraudCheck);
    drop(silent);
    until(200);
    shop.waits_for(1, "4", OrderState::FraudCheck);
}
