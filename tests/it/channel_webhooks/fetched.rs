//! Events that only point at an order: its detail is fetched, lost ones are asked for, and a stop
//! in between loses nothing.

use onhand::types::OrderState;
use serde_json::json;

use super::market::Market;
use super::rig::{SECRET, SHOPEE_URL, Shop, hex, woo_order};

const PUSH: &str = concat!(
    r#"{"data":{"items":[],"ordersn":"260504ABCD1234","status":"READY_TO_SHIP","#,
    r#""completed_scenario":"","update_time":1777882351},"#,
    r#""shop_id":727000002,"code":3,"timestamp":1777882352}"#
);

fn shopee_detail() -> String {
    json!({"request_id": "r-1", "error": "", "message": "", "response": {"order_list": [{
        "order_sn": "260504ABCD1234", "region": "SG", "currency": "SGD", "cod": false,
        "total_amount": 31.4, "order_status": "READY_TO_SHIP", "create_time": 1_777_882_300,
        "update_time": 1_777_882_351, "buyer_user_id": 55_501, "buyer_username": "lin_s",
        "recipient_address": {"name": "Lin S", "phone": "6590000000", "city": "Singapore",
            "state": "", "region": "SG", "zipcode": "049483", "full_address": "1 Raffles Pl"},
        "item_list": [{"item_id": 200_101, "item_name": "Shirt", "item_sku": "", "model_id": 900_101,
            "model_sku": "shirt", "model_quantity_purchased": 2, "model_original_price": 15.7,
            "model_discounted_price": 15.7}]}]}})
    .to_string()
}

fn channel(number: u16, kind: &str, shop: &str, url: &str, more: &str) -> String {
    format!(
        "[[channel]]\nnumber = {number}\nname = \"{kind}-api\"\nkind = \"{kind}\"\n\
         tenant = \"acme\"\nshop = \"{shop}\"\nwebhook_secrets = [NEW]\nbase_url = \"{url}\"\n\
         fetch_retry_ms = 20\n{more}\n"
    )
}

fn shopee(url: &str) -> String {
    let more = format!(
        "url = \"{SHOPEE_URL}\"\npoll_seconds = 0\nsecrets.partner_key = NEW\n\
         secrets.access_token = NEW\nsettings.partner_id = 2001887"
    );
    channel(13, "shopee", "727000002", url, &more)
}

fn push(shop: &Shop) {
    let base = format!("{SHOPEE_URL}|");
    let signature = hex(SECRET, &[base.as_bytes(), PUSH.as_bytes()]);
    let answered = shop.post(
        "/webhooks/shopee",
        &[("authorization", &signature)],
        PUSH.as_bytes(),
    );
    assert_eq!(
        (answered.status, answered.body.as_str()),
        (200, ""),
        "{answered:?}"
    );
}

#[test]
fn the_detail_of_a_shopee_order_is_asked_for_until_it_comes() {
    let market = Market::open(Box::new(|_, before| {
        if before < 2 {
            (500, "{}".to_owned())
        } else {
            (200, shopee_detail())
        }
    }));
    let shop = Shop::open_with(10, &shopee(&market.url()), |_| {});
    push(&shop);
    let order = shop.waits_for(13, "260504ABCD1234", OrderState::FraudCheck);
    assert_eq!(order.lines[0].ordered, 2);
    push(&shop);
    shop.counts(
        "onhand_channel_events_total{channel=\"shopee-api\",step=\"repeated\"}",
        1.0,
    );
}

#[test]
fn an_order_that_its_marketplace_does_not_know_is_kept_and_placed_when_driven_again() {
    let market = Market::open(Box::new(|_, before| {
        if before < 4 {
            (
                200,
                json!({"error": "", "response": {"order_list": []}}).to_string(),
            )
        } else {
            (200, shopee_detail())
        }
    }));
    let shop = Shop::open_with(10, &shopee(&market.url()), |_| {});
    push(&shop);
    let held = shop.holds(1).remove(0);
    assert_eq!(held["fate"], "quarantined");
    assert!(
        held["note"]
            .as_str()
            .unwrap()
            .contains("does not know the order"),
        "{held}"
    );
    assert_eq!(shop.order(13, "260504ABCD1234").summary.state, None);
    let path = format!("/v1/quarantine/{}/redrive", held["event"].as_str().unwrap());
    let headers = [
        ("onhand-tenant", "acme"),
        ("content-type", "application/json"),
    ];
    shop.post(&path, &headers, b"{}").is(200);
    shop.waits_for(13, "260504ABCD1234", OrderState::FraudCheck);
}

#[test]
fn a_marketplace_that_is_down_for_long_costs_no_order_and_delays_no_other_channel() {
    let up = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&up);
    let market = Market::open(Box::new(move |_, before| {
        match (seen.load(std::sync::atomic::Ordering::SeqCst), before) {
            (true, _) => (200, shopee_detail()),
            (false, 0..3) => (503, "{}".to_owned()),
            (false, _) => (403, json!({"error": "error_auth"}).to_string()),
        }
    }));
    let shop = Shop::open_with(10, &shopee(&market.url()), |_| {});
    push(&shop);
    shop.counts(
        "onhand_channel_events_total{channel=\"shopee-api\",step=\"put_off\"}",
        8.0,
    );
    let order = woo_order(9, "processing", "2026-05-04T08:12:34");
    shop.woo("order.created", "d", &order).is(200);
    shop.waits_for(2, "9", OrderState::FraudCheck);
    assert_eq!(shop.quarantine(), Vec::<serde_json::Value>::new());
    up.store(true, std::sync::atomic::Ordering::SeqCst);
    shop.waits_for(13, "260504ABCD1234", OrderState::FraudCheck);
}

#[test]
fn what_is_not_worked_off_at_a_stop_is_taken_up_at_the_next_start() {
    // Nobody listens there: the detail is asked for again and again when the server stops.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let dead = shopee(&format!("http://{address}")).replace("= 20\n", "= 15000\n");
    let mut shop = Shop::open_with(10, &dead, |_| {});
    push(&shop);
    assert_eq!(shop.order(13, "260504ABCD1234").summary.state, None);
    let market = Market::open(Box::new(|_, _| (200, shopee_detail())));
    super::rig::channels_file(shop.directory.path(), &shopee(&market.url()));
    shop.restart();
    shop.waits_for(13, "260504ABCD1234", OrderState::FraudCheck);
}

#[test]
fn unit_lines_of_tiktok_are_one_line_and_its_two_words_for_cancelled_mean_the_same() {
    let detail = |status: &str, updated: u64| {
        let line = |id: &str| {
            json!({"id": id, "product_id": "1729001", "sku_id": "1729101", "seller_sku": "shirt",
                "product_name": "Shirt", "sale_price": "12.00", "currency": "GBP"})
        };
        json!({"code": 0, "message": "Success", "request_id": "r-1", "data": {"orders": [{
            "id": "576000000000000001", "status": status, "create_time": 1_777_882_300,
            "update_time": updated, "paid_time": 1_777_882_340, "user_id": "7490000000000000001",
            "is_cod": false, "payment": {"currency": "GBP", "sub_total": "24.00",
                "shipping_fee": "3.50", "tax": "0.00", "total_amount": "27.50"},
            "recipient_address": {"name": "J*** H***", "phone_number": "(+44)0***",
                "region_code": "GB", "postal_code": "LS1 1AA", "address_line1": "1 High St"},
            "line_items": [line("5770001"), line("5770002")]}]}})
        .to_string()
    };
    let cancelled = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&cancelled);
    let market = Market::open(Box::new(move |_, _| {
        let now = seen.load(std::sync::atomic::Ordering::SeqCst);
        let (status, updated) = if now {
            ("CANCELLED", 60)
        } else {
            ("AWAITING_SHIPMENT", 0)
        };
        (200, detail(status, 1_777_882_351 + updated))
    }));
    let more = "poll_seconds = 0\napp_key = \"abcdef\"\nsecrets.app_secret = NEW\n\
                secrets.access_token = NEW\nsettings.app_key = \"abcdef\"\n\
                settings.shop_cipher = \"ROW_x\"\nsettings.warehouses = \"7000\"";
    let file = channel(14, "tiktok", "749", &market.url(), more);
    let shop = Shop::open_with(10, &file, |_| {});
    let tell = |id: &str, status: &str, at: u64| {
        let body = json!({"type": 1, "tts_notification_id": id, "shop_id": "749", "timestamp": at,
            "data": {"is_on_hold_order": false, "order_id": "576000000000000001",
                "order_status": status, "update_time": at}})
        .to_string();
        let signature = hex(SECRET, &[b"abcdef", body.as_bytes()]);
        let headers = [("authorization", signature.as_str())];
        let answered = shop
            .post("/webhooks/tiktok/749", &headers, body.as_bytes())
            .is(200);
        assert_eq!(answered.body, "");
    };
    tell("1", "AWAITING_SHIPMENT", 1_777_882_351);
    let order = shop.waits_for(14, "576000000000000001", OrderState::FraudCheck);
    assert_eq!((order.lines.len(), order.lines[0].ordered), (1, 2));
    cancelled.store(true, std::sync::atomic::Ordering::SeqCst);
    tell("2", "CANCEL", 1_777_882_411);
    shop.waits_for(14, "576000000000000001", OrderState::Cancelled);
}

#[test]
fn an_order_whose_webhook_was_lost_is_found_by_asking() {
    let order = woo_order(801, "processing", "2026-05-04T08:12:34");
    let (list, one) = (json!([order]).to_string(), order.to_string());
    // The shop is asked from the start; it has sold once there is something to sell.
    let sold = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&sold);
    let market = Market::open(Box::new(move |path, _| {
        let single = path.contains("/orders/801");
        let answer = match (seen.load(std::sync::atomic::Ordering::SeqCst), single) {
            (false, _) => "[]".to_owned(),
            (true, true) => one.clone(),
            (true, false) => list.clone(),
        };
        (200, answer)
    }));
    let more = "poll_seconds = 1\nsecrets.consumer_key = NEW\nsecrets.consumer_secret = NEW";
    let file = channel(12, "woocommerce", "lossy", &market.url(), more);
    let shop = Shop::open_with(10, &file, |_| {});
    sold.store(true, std::sync::atomic::Ordering::SeqCst);
    shop.waits_for(12, "801", OrderState::FraudCheck);
    // Asked again, it is known: nothing more is journaled.
    shop.counts(
        "onhand_channel_events_total{channel=\"woocommerce-api\",step=\"applied\"}",
        1.0,
    );
    let asked = market.asked.load(std::sync::atomic::Ordering::SeqCst);
    let deadline_ns = onhand::clock::monotonic_ns() + 30_000_000_000;
    while market.asked.load(std::sync::atomic::Ordering::SeqCst) < asked + 2 {
        assert!(
            onhand::clock::monotonic_ns() < deadline_ns,
            "not asked again"
        );
        onhand::clock::sleep_ms(20);
    }
    assert_eq!(shop.order(12, "801").summary.version, 1);
    assert_eq!(shop.quarantine(), Vec::<serde_json::Value>::new());
}
