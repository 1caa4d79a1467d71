//! Webhooks of marketplaces: believed by their signature, taken once, turned into orders.

mod bad_input;
mod fetched;
mod full;
mod killed;
mod long;
pub mod market;
pub mod rig;
mod scant;
mod told;
mod traps;
pub mod unaddressed;

use onhand::types::OrderState;
use serde_json::json;

use self::rig::{OLD_SECRET, SECRET, Shop, base64, shopify_order, woo_order};

const LATER: &str = "2026-05-04T10:12:40+02:00";
const FIRST: &str = "2026-05-04T10:12:31+02:00";

#[test]
fn a_signed_order_of_shopify_is_acknowledged_and_placed_once() {
    let shop = Shop::open(10);
    let order = shopify_order(5_551, 2, FIRST);
    let answered = shop.shopify("orders/create", "w-1", &order).is(200);
    assert_eq!(answered.body, "");
    let placed = shop.waits_for(1, "5551", OrderState::FraudCheck);
    assert_eq!((placed.summary.version, placed.summary.channel.0), (1, 1));
    // The same delivery again, and the same order by another topic of the same action.
    shop.shopify("orders/create", "w-1", &order).is(200);
    shop.shopify("orders/paid", "w-2", &order).is(200);
    shop.counts(
        "onhand_channel_events_total{channel=\"shopify\",step=\"duplicate\"}",
        1.0,
    );
    assert_eq!(shop.order(1, "5551").summary.version, 1);
}

#[test]
fn a_delivery_that_is_not_signed_changes_nothing_and_learns_nothing() {
    let shop = Shop::open(1);
    let body = shopify_order(1, 1, FIRST).to_string();
    let body = body.as_bytes();
    let right = base64(SECRET, &[body]);
    let path = "/webhooks/shopify/eu.myshopify.com";
    let topic = ("x-shopify-topic", "orders/create");
    for (what, path, signature) in [
        ("wrong", path, base64("another", &[body])),
        ("missing", path, String::new()),
        ("no base64", path, "??".to_owned()),
        (
            "another shop",
            "/webhooks/shopify/us.myshopify.com",
            right.clone(),
        ),
        ("another kind", "/webhooks/ebay", right.clone()),
        ("of other bytes", path, base64(SECRET, &[body, b" "])),
    ] {
        let headers = [topic, ("x-shopify-hmac-sha256", signature.as_str())];
        let answered = shop.post(path, &headers, body).is(401);
        assert_eq!(answered.body, "", "{what}");
    }
    shop.post(path, &[topic], body).is(401);
    shop.post(
        path,
        &[topic, ("x-shopify-hmac-sha256", &base64(SECRET, &[b""]))],
        b"",
    )
    .is(401);
    let own_app = [
        topic,
        ("x-shopify-hmac-sha256", right.as_str()),
        ("x-shopify-shop-domain", "us.myshopify.com"),
    ];
    shop.post(path, &own_app, body).is(401);
    // A secret that is being replaced still holds.
    let old = base64(OLD_SECRET, &[body]);
    let headers = [topic, ("x-shopify-hmac-sha256", old.as_str())];
    shop.post(path, &headers, body).is(200);
    shop.waits_for(1, "1", OrderState::FraudCheck);
}

#[test]
fn events_that_come_in_the_wrong_order_leave_the_order_as_it_is_now() {
    let shop = Shop::open(10);
    // Changed before created: the newer one is placed, the older one is stale.
    shop.shopify("orders/updated", "w-2", &shopify_order(1, 3, LATER))
        .is(200);
    shop.waits_for(1, "1", OrderState::FraudCheck);
    shop.shopify("orders/create", "w-1", &shopify_order(1, 2, FIRST))
        .is(200);
    shop.counts(
        "onhand_channel_events_total{channel=\"shopify\",step=\"stale\"}",
        1.0,
    );
    assert_eq!(shop.order(1, "1").lines[0].ordered, 3);
    // Cancelled before created: it is never placed.
    let mut cancelled = shopify_order(2, 1, LATER);
    cancelled["cancelled_at"] = json!(LATER);
    shop.shopify("orders/cancelled", "w-4", &cancelled).is(200);
    shop.counts(
        "onhand_channel_events_total{channel=\"shopify\",step=\"applied\"}",
        2.0,
    );
    shop.shopify("orders/create", "w-3", &shopify_order(2, 1, FIRST))
        .is(200);
    shop.counts(
        "onhand_channel_events_total{channel=\"shopify\",step=\"stale\"}",
        2.0,
    );
    assert_eq!(shop.order(1, "2").summary.state, None);
}

#[test]
fn two_orders_of_woocommerce_in_the_same_second_share_a_delivery_id_and_are_both_placed() {
    let shop = Shop::open(10);
    let modified = "2026-05-04T08:12:34";
    for id in [727, 728] {
        shop.woo(
            "order.created",
            "same",
            &woo_order(id, "processing", modified),
        )
        .is(200);
    }
    shop.waits_for(2, "727", OrderState::FraudCheck);
    shop.waits_for(2, "728", OrderState::FraudCheck);
    // There is no topic for cancellations.
    let cancelled = woo_order(727, "cancelled", "2026-05-04T08:13:00");
    shop.woo("order.updated", "other", &cancelled).is(200);
    shop.waits_for(2, "727", OrderState::Cancelled);
    // The unsigned form that is sent when a webhook is saved.
    let ping = shop
        .post("/webhooks/woocommerce/tea", &[], b"webhook_id=5")
        .is(200);
    assert_eq!(ping.body, "");
}
