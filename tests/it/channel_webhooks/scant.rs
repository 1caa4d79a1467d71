//! Orders that say less than others: no address, escapes of one's own, times in seconds; and orders for
//! more than there is.

use super::super::process::Server;
use super::super::web::send;
use super::rig::{SECRET, Shop, base64, channels_file, shopify_order, with_process, woo_order};
use super::unaddressed::{map_mugs, message};
use onhand::types::OrderState;
use serde_json::{Value, json};

#[test]
fn an_order_of_whatsapp_without_an_address_waits_in_review_until_an_operator_adds_it() {
    let shop = Shop::open_with(10, "", with_process);
    let headers = [
        ("onhand-tenant", "acme"),
        ("content-type", "application/json"),
    ];
    map_mugs(&shop);
    shop.whatsapp(&message("wamid.1")).is(200);
    // Its units are held meanwhile.
    let order = shop.waits_for(5, "wamid.1", OrderState::Review);
    assert_eq!(order.lines[0].reserved, 2);
    let key = onhand::wire::key::order_key(onhand::types::ChannelId(5), b"wamid.1");
    let path = format!("/v1/orders/{key}");
    let waits_for = |why: &str, version: u16| {
        let deadline_ns = onhand::clock::monotonic_ns() + 30_000_000_000;
        loop {
            let shown = send(shop.http, "GET", &path, &headers, b"").is(200).json();
            let said = shown.to_string();
            if said.contains(&format!("\"{why}\"")) && shown["version"] == version {
                return;
            }
            assert!(onhand::clock::monotonic_ns() < deadline_ns, "{why}: {said}");
            onhand::clock::sleep_ms(5);
        }
    };
    waits_for("address_missing", 1);
    let edit = |body: &Value| {
        let body = body.to_string();
        shop.post(&format!("{path}/edit"), &headers, body.as_bytes())
            .is(200);
    };
    // Another change leaves it where it is.
    edit(&json!({"total": 3_900}));
    waits_for("address_missing", 2);
    let details = json!({"external_id": "wamid.1", "contact_name": "Ana", "country": "ES",
        "phone": "+34600000000", "shipping_address": ["Calle Sol 4", "28013 Madrid"]});
    edit(&json!({"details": details}));
    // It went on to its first step, which nobody serves here.
    waits_for("fraud_unavailable", 3);
    assert_eq!(shop.order(5, "wamid.1").lines[0].reserved, 2);
}

#[test]
fn a_signature_is_over_the_bytes_as_they_came_however_they_are_escaped() {
    let shop = Shop::open(10);
    let order = woo_order(901, "processing", "2026-05-04T08:12:34");
    // As PHP writes it: slashes and letters beyond ASCII escaped.
    let escaped = order
        .to_string()
        .replace("\"number\"", "\"note\":\"caf\\u00e9 1\\/2\",\"number\"");
    let parsed: Value = serde_json::from_str(&escaped).unwrap();
    let again = parsed.to_string();
    assert_ne!(escaped, again);
    let signature = base64(SECRET, &[escaped.as_bytes()]);
    let headers = [
        ("x-wc-webhook-signature", signature.as_str()),
        ("x-wc-webhook-topic", "order.created"),
        ("x-wc-webhook-source", "https://tea.example/"),
    ];
    let path = "/webhooks/woocommerce/tea";
    shop.post(path, &headers, again.as_bytes()).is(401);
    shop.post(path, &headers, escaped.as_bytes()).is(200);
    shop.waits_for(2, "901", OrderState::FraudCheck);
}

#[test]
fn an_order_that_is_cancelled_within_the_second_of_its_payment_is_cancelled() {
    let shop = Shop::open(10);
    let second = "2026-05-04T08:12:34";
    for status in ["processing", "cancelled"] {
        let order = woo_order(902, status, second);
        shop.woo("order.updated", "same", &order).is(200);
    }
    shop.waits_for(2, "902", OrderState::Cancelled);
}

#[test]
fn a_sale_beyond_the_stock_waits_in_the_quarantine_without_a_process_and_in_review_with_one() {
    let sold = shopify_order(77, 2, "2026-05-04T10:12:31+02:00");
    let shop = Shop::open(1);
    shop.shopify("orders/create", "sold", &sold).is(200);
    let held = shop.holds(1).remove(0);
    assert_eq!(held["fate"], "quarantined");
    let note = held["note"].as_str().unwrap();
    assert!(note.contains("stock does not cover it"), "{note}");
    let headers = [
        ("onhand-tenant", "acme"),
        ("content-type", "application/json"),
    ];
    let arrived = br#"{"location": "berlin", "quantity": 1}"#;
    shop.post("/v1/stock/shirt/receive", &headers, arrived)
        .is(200);
    let event = held["event"].as_str().unwrap();
    shop.post(&format!("/v1/quarantine/{event}/redrive"), &headers, b"{}")
        .is(200);
    let taken = shop.waits_for(1, "77", OrderState::FraudCheck);
    assert_eq!(taken.lines[0].reserved, 2);

    let shop = Shop::open_with(1, "", with_process);
    shop.shopify("orders/create", "sold", &sold).is(200);
    let taken = shop.waits_for(1, "77", OrderState::Review);
    assert_eq!(taken.lines[0].reserved, 2, "one of them is short");
    assert!(shop.quarantine().is_empty());
}

#[test]
fn a_start_with_marketplaces_and_without_a_process_is_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let channels = channels_file(directory.path(), "");
    let path = directory.path().join("log");
    let log = std::fs::File::create(&path).unwrap();
    let arguments = [
        "--http",
        "127.0.0.1:0",
        "--channels",
        channels.to_str().unwrap(),
    ];
    let data = directory.path().join("data");
    drop(Server::start_with(&data, &arguments, |command| {
        command.env("ONHAND_LOG", "warn").stderr(log);
    }));
    let said = std::fs::read_to_string(&path).unwrap();
    for part in ["shopify, woo, shopee, tiktok\"", "--process FILE"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
}
