//! What marketplaces and strangers get wrong, each with what comes of it.

use onhand::types::{CommandKey, LocationId, OrderState, SkuId};
use onhand::wire::request::Receive;
use serde_json::json;

use super::super::web::send;
use super::rig::{SECRET, Shop, base64, shopify_order, woo_order};

const FIRST: &str = "2026-05-04T10:12:31+02:00";

fn post(shop: &Shop, path: &str, body: &str) -> super::super::web::Answered {
    let headers = [
        ("onhand-tenant", "acme"),
        ("content-type", "application/json"),
    ];
    send(shop.http, "POST", path, &headers, body.as_bytes())
}

#[test]
fn an_unmapped_item_waits_until_somebody_maps_it_and_drives_it_again() {
    let shop = Shop::open(10);
    let mut order = shopify_order(77, 2, FIRST);
    order["line_items"][0]["sku"] = json!(null);
    shop.shopify("orders/create", "w-1", &order).is(200);
    let held = shop.holds(1).remove(0);
    assert_eq!(held["fate"], "unmapped");
    assert!(
        held["note"]
            .as_str()
            .unwrap()
            .contains("item 4400000000001"),
        "{held}"
    );
    let event = held["event"].as_str().unwrap();
    let shown = send(
        shop.http,
        "GET",
        &format!("/v1/quarantine/{event}"),
        &[("onhand-tenant", "acme")],
        b"",
    );
    assert_eq!(
        shown.clone().is(200).json()["headers"]["x-shopify-topic"],
        "orders/create"
    );
    assert!(
        shown.body.contains("Calle Sol 4") && !shown.body.contains("hmac"),
        "{shown:?}"
    );
    let csv = [("onhand-tenant", "acme"), ("content-type", "text/csv")];
    let rows = b"item,sku,location\n4400000000001,shirt,9\n1,no-such,\n";
    let mapped = send(shop.http, "POST", "/v1/mappings/shopify", &csv, rows)
        .is(200)
        .json();
    assert_eq!(
        (&mapped["changed"], &mapped["refused"][0]["code"]),
        (&json!(1), &json!("UNKNOWN_SKU"))
    );
    let listed = send(
        shop.http,
        "GET",
        "/v1/mappings/1",
        &[("onhand-tenant", "acme")],
        b"",
    )
    .is(200);
    assert_eq!(listed.json()["mappings"][0]["write_back"]["location"], "9");
    post(&shop, &format!("/v1/quarantine/{event}/redrive"), "{}").is(200);
    shop.waits_for(1, "77", OrderState::FraudCheck);
    shop.holds(0);
    post(&shop, &format!("/v1/quarantine/{event}/redrive"), "{}").is_problem(404, "UNKNOWN_EVENT");
}

#[test]
fn what_cannot_be_an_order_is_kept_with_its_reason_and_changes_nothing() {
    let shop = Shop::open(5);
    let order = |id: u64, change: &dyn Fn(&mut serde_json::Value)| {
        let mut order = shopify_order(id, 1, FIRST);
        change(&mut order);
        order
    };
    let cases = [
        (
            order(1, &|o| o["line_items"][0]["quantity"] = json!(-1)),
            "quantity",
        ),
        (
            order(2, &|o| o["line_items"][0]["quantity"] = json!(1.5)),
            "quantity",
        ),
        (
            order(3, &|o| o["line_items"][0]["quantity"] = json!(2_000_000)),
            "quantity",
        ),
        (order(4, &|o| o["currency"] = json!("USD")), "EUR only"),
        (
            order(5, &|o| o["total_price"] = json!("1.234")),
            "total_price",
        ),
        (order(6, &|o| o["line_items"] = json!([])), "line_items"),
    ];
    for (place, (order, says)) in cases.iter().enumerate() {
        shop.shopify("orders/create", &format!("w-{place}"), order)
            .is(200);
        let held = shop.holds(place + 1);
        let notes: Vec<&str> = held.iter().map(|it| it["note"].as_str().unwrap()).collect();
        assert!(
            notes.iter().any(|note| note.contains(says)),
            "{says}: {notes:?}"
        );
    }
    // Signed bytes that are no text at all: kept as well.
    let body = b"\xff\xfe{";
    let signature = base64(SECRET, &[body]);
    let headers = [
        ("x-shopify-hmac-sha256", signature.as_str()),
        ("x-shopify-topic", "orders/create"),
    ];
    shop.post("/webhooks/shopify/eu.myshopify.com", &headers, body)
        .is(200);
    let held = shop.holds(cases.len() + 1);
    assert!(
        held.iter().all(|it| it["fate"] == "quarantined"),
        "{held:?}"
    );
    for id in 1..=6 {
        assert_eq!(shop.order(1, &id.to_string()).summary.state, None);
    }
    // A person gives one up.
    let event = held[0]["event"].as_str().unwrap();
    post(
        &shop,
        &format!("/v1/quarantine/{event}/discard"),
        r#"{"reason":"a test"}"#,
    )
    .is(200);
    shop.holds(cases.len());
    let page = send(
        shop.http,
        "GET",
        "/v1/quarantine?limit=2&channel=1",
        &[("onhand-tenant", "acme")],
        b"",
    );
    let page = page.is(200).json();
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
    let next = page["next"].as_str().unwrap();
    let rest = format!("/v1/quarantine?after={next}&fate=quarantined");
    let rest = send(shop.http, "GET", &rest, &[("onhand-tenant", "acme")], b"")
        .is(200)
        .json();
    assert_eq!(rest["events"].as_array().unwrap().len(), cases.len() - 2);
    // Another tenant sees none of it.
    let other = send(
        shop.http,
        "GET",
        "/v1/quarantine",
        &[("onhand-tenant", "globex")],
        b"",
    );
    assert_eq!(other.is(200).json()["events"], json!([]));
    for bad in [
        "/v1/quarantine?fate=lost",
        "/v1/quarantine?limit=0",
        "/v1/quarantine/12",
    ] {
        let answered = send(shop.http, "GET", bad, &[("onhand-tenant", "acme")], b"");
        assert!((400..500).contains(&answered.status), "{bad}: {answered:?}");
    }
}

#[test]
fn a_body_beyond_the_bound_is_refused_before_it_is_read_to_its_end() {
    const MOST: usize = onhand::limits::EVENT_BODY_BYTES_MAX;
    let shop = Shop::open_with(0, "", |config| config.segment_bytes = 64 << 20);
    for bytes in [MOST + 1, 10 << 20] {
        let body = vec![b' '; bytes];
        let signature = base64(SECRET, &[&body]);
        let headers = [("x-shopify-hmac-sha256", signature.as_str())];
        shop.post("/webhooks/shopify/eu.myshopify.com", &headers, &body)
            .is(413);
    }
    // A long one goes into many records, and comes out as it was.
    let long = 600 << 10;
    let mut order = shopify_order(9, 1, FIRST);
    order["line_items"][0]["sku"] = json!("unknown");
    let spare = long - order.to_string().len() - r#","note_attributes":"""#.len();
    order["note_attributes"] = json!("é".repeat(spare / 2));
    let body = order.to_string();
    assert!(
        body.len() > long - 1_024 && body.len() <= long,
        "{}",
        body.len()
    );
    shop.shopify("orders/create", "long", &order).is(200);
    let held = shop.holds(1).remove(0);
    let path = format!("/v1/quarantine/{}", held["event"].as_str().unwrap());
    let shown = send(shop.http, "GET", &path, &[("onhand-tenant", "acme")], b"").is(200);
    assert_eq!(shown.json()["body"], body);
}

#[test]
fn requests_about_personal_data_are_acknowledged_and_listed_for_a_person() {
    let shop = Shop::open(0);
    for (place, topic) in ["customers/data_request", "customers/redact", "shop/redact"]
        .iter()
        .enumerate()
    {
        let request = json!({"shop_id": 954_889, "shop_domain": "eu.myshopify.com",
            "customer": {"id": 191_167, "email": "ana@example.com"}, "orders_requested": [299_938]});
        shop.shopify(topic, &format!("p-{place}"), &request).is(200);
    }
    let held = shop.holds(3);
    assert!(held.iter().all(|it| it["fate"] == "parked"), "{held:?}");
    let notes: Vec<&str> = held.iter().map(|it| it["note"].as_str().unwrap()).collect();
    assert!(
        notes.iter().any(|note| note.contains("customer 191167")),
        "{notes:?}"
    );
    // A topic that is about nothing here is acknowledged and not kept.
    shop.shopify("products/update", "p-9", &json!({"id": 1}))
        .is(200);
    shop.holds(3);
}

#[test]
fn one_post_of_whatsapp_brings_several_orders_and_prices_are_checked() {
    let shop = Shop::open(10);
    let path =
        "/webhooks/whatsapp/106000?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=";
    let asked = send(shop.http, "GET", &format!("{path}{SECRET}"), &[], b"").is(200);
    assert_eq!(asked.body, "1158201444");
    send(shop.http, "GET", &format!("{path}wrong"), &[], b"").is(403);
    let headers = [
        ("onhand-tenant", "acme"),
        ("content-type", "application/json"),
    ];
    let mapping = br#"{"mappings":[{"item":"MUG","sku":"shirt","write_back":{"price":"1990"}}]}"#;
    send(shop.http, "PUT", "/v1/mappings/whatsapp", &headers, mapping).is(200);
    let message = |id: &str, price: f64| {
        json!({"from": "34600000000", "id": id, "timestamp": "1777882351", "type": "order",
            "order": {"catalog_id": "30300", "text": "gift wrap", "product_items": [
                {"product_retailer_id": "MUG", "quantity": 2, "item_price": price, "currency": "EUR"}]}})
    };
    let entry = |messages: serde_json::Value| {
        json!({"id": "1020", "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp", "metadata": {"phone_number_id": "106000"},
            "contacts": [{"profile": {"name": "Ana"}, "wa_id": "34600000000"}],
            "messages": messages}}]})
    };
    let body = json!({"object": "whatsapp_business_account", "entry": [
        entry(json!([message("wamid.1", 19.9), message("wamid.2", 0.5)])),
        entry(json!([message("wamid.3", 19.9)]))]});
    shop.whatsapp(&body.to_string()).is(200);
    shop.counts(
        "onhand_channel_events_total{channel=\"whatsapp\",step=\"applied\"}",
        2.0,
    );
    let held = shop.holds(1).remove(0);
    assert!(
        held["note"]
            .as_str()
            .unwrap()
            .contains("the catalogue 1990"),
        "{held}"
    );
    // A later post repeats one of them beside a delivery receipt.
    let mut again = json!({"object": "whatsapp_business_account",
        "entry": [entry(json!([message("wamid.1", 19.9)]))]});
    again["entry"][0]["changes"][0]["value"]["statuses"] =
        json!([{"id": "wamid.9", "status": "read"}]);
    shop.whatsapp(&again.to_string()).is(200);
    shop.counts(
        "onhand_channel_events_total{channel=\"whatsapp\",step=\"repeated\"}",
        1.0,
    );
    assert_eq!(shop.holds(1).len(), 1);
}

fn redrive(shop: &Shop, held: &serde_json::Value) {
    let event = held["event"].as_str().unwrap();
    post(shop, &format!("/v1/quarantine/{event}/redrive"), "{}").is(200);
}

/// One change of a WhatsApp post: a message to `phone` that orders so many mugs.
fn ordered(phone: &str, id: &str, quantity: u32) -> serde_json::Value {
    json!({"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"phone_number_id": phone},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "34600000000"}],
        "messages": [{"from": "34600000000", "id": id, "timestamp": "1777882351", "type": "order",
            "order": {"catalog_id": "30300", "text": "", "product_items": [
                {"product_retailer_id": "MUG", "quantity": quantity, "item_price": 19.9,
                    "currency": "EUR"}]}}]}})
}

fn whatsapp_post(changes: &[serde_json::Value]) -> String {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1020", "changes": changes}]})
        .to_string()
}

fn map_mug(shop: &Shop, channel: &str) {
    let headers = [
        ("onhand-tenant", "acme"),
        ("content-type", "application/json"),
    ];
    let mapping = br#"{"mappings":[{"item":"MUG","sku":"shirt","write_back":{"price":"1990"}}]}"#;
    let path = format!("/v1/mappings/{channel}");
    send(shop.http, "PUT", &path, &headers, mapping).is(200);
}

#[test]
fn an_order_that_stock_did_not_cover_is_placed_when_it_is_driven_again_behind_a_receipt() {
    let shop = Shop::open(1);
    map_mug(&shop, "whatsapp");
    shop.whatsapp(&whatsapp_post(&[ordered("106000", "wamid.1", 3)]))
        .is(200);
    let held = shop.holds(1).remove(0);
    assert!(
        held["note"].as_str().unwrap().contains("receive stock"),
        "{held}"
    );
    redrive(&shop, &held);
    let again = shop.holds(1).remove(0);
    assert_eq!(shop.order(5, "wamid.1").summary.version, 2, "{again}");
    let arrival = Receive {
        key: CommandKey(77),
        sku: SkuId(0),
        quantity: 5,
        location: LocationId(0),
    };
    shop.client().receive_stock(&[arrival]).unwrap();
    redrive(&shop, &again);
    let order = shop.waits_for(5, "wamid.1", OrderState::FraudCheck);
    assert_eq!((order.summary.version, order.lines[0].ordered), (3, 3));
    shop.holds(0);
}

#[test]
fn an_order_that_had_shipped_before_it_was_known_is_placed_when_a_person_says_so() {
    let shop = Shop::open(5);
    let mut order = shopify_order(31, 1, FIRST);
    order["fulfillment_status"] = json!("fulfilled");
    shop.shopify("orders/create", "w-1", &order).is(200);
    let held = shop.holds(1).remove(0);
    redrive(&shop, &held);
    shop.waits_for(1, "31", OrderState::FraudCheck);
    shop.holds(0);
}

#[test]
fn a_post_to_two_numbers_of_whatsapp_brings_each_channel_its_own_orders_only() {
    let second = "[[channel]]\nnumber = 6\nname = \"second\"\nkind = \"whatsapp\"\n\
                  tenant = \"globex\"\nshop = \"106001\"\nverify_token = NEW\n\
                  webhook_secrets = [NEW]\npoll_seconds = 0\n";
    let shop = Shop::open_with(10, second, |_| {});
    map_mug(&shop, "whatsapp");
    let body = whatsapp_post(&[
        ordered("106000", "wamid.1", 1),
        ordered("106001", "wamid.2", 1),
        ordered("999999", "wamid.3", 1),
    ]);
    let signature = format!("sha256={}", super::rig::hex(SECRET, &[body.as_bytes()]));
    let headers = [("x-hub-signature-256", signature.as_str())];
    shop.post("/webhooks/whatsapp", &headers, body.as_bytes())
        .is(200);
    shop.waits_for(5, "wamid.1", OrderState::FraudCheck);
    // The other tenant has no such item: its event waits there, with its own message only.
    let seen = |tenant: &str, path: &str| {
        send(shop.http, "GET", path, &[("onhand-tenant", tenant)], b"")
            .is(200)
            .json()
    };
    let deadline_ns = onhand::clock::monotonic_ns() + 30_000_000_000;
    let held = loop {
        let held = seen("globex", "/v1/quarantine");
        if held["events"].as_array().unwrap().len() == 1 {
            break held["events"][0].clone();
        }
        assert!(onhand::clock::monotonic_ns() < deadline_ns, "{held}");
        onhand::clock::sleep_ms(5);
    };
    let path = format!("/v1/quarantine/{}", held["event"].as_str().unwrap());
    let body = seen("globex", &path)["body"].as_str().unwrap().to_owned();
    assert!(
        body.contains("wamid.2") && !body.contains("wamid.1") && !body.contains("wamid.3"),
        "{body}"
    );
    assert_eq!(shop.quarantine(), Vec::<serde_json::Value>::new());
    // Nobody's numbers only: nothing is taken.
    let body = whatsapp_post(&[ordered("999999", "wamid.3", 1)]);
    let signature = format!("sha256={}", super::rig::hex(SECRET, &[body.as_bytes()]));
    let headers = [("x-hub-signature-256", signature.as_str())];
    shop.post("/webhooks/whatsapp", &headers, body.as_bytes())
        .is(401);
}

#[test]
fn an_order_of_woocommerce_that_is_paid_after_it_failed_or_was_cancelled_is_placed() {
    let shop = Shop::open(10);
    for (id, before) in [(61, "failed"), (62, "cancelled"), (63, "trash")] {
        let unpaid = woo_order(id, before, "2026-05-04T08:12:34");
        shop.woo("order.updated", "a", &unpaid).is(200);
        let paid = woo_order(id, "processing", "2026-05-04T08:20:00");
        shop.woo("order.updated", "b", &paid).is(200);
        shop.waits_for(2, &id.to_string(), OrderState::FraudCheck);
    }
    // Cancelled here already: a person hears of it.
    let gone = woo_order(61, "cancelled", "2026-05-04T08:21:00");
    shop.woo("order.updated", "c", &gone).is(200);
    shop.waits_for(2, "61", OrderState::Cancelled);
    let back = woo_order(61, "processing", "2026-05-04T08:22:00");
    shop.woo("order.updated", "d", &back).is(200);
    let held = shop.holds(1).remove(0);
    assert!(
        held["note"]
            .as_str()
            .unwrap()
            .contains("cannot be taken up again"),
        "{held}"
    );
}
