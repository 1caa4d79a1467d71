//! WooCommerce's webhooks, with what goes wrong in them.

use super::*;
use crate::types::secret::Secret;
use serde_json::{Value, json};

fn delivery(topic: &str, delivery_id: &str, body: &Value) -> Delivery {
    Delivery {
        headers: vec![
            ("x-wc-webhook-topic".into(), topic.into()),
            ("x-wc-webhook-source".into(), "https://tea.example/".into()),
            ("x-wc-webhook-delivery-id".into(), delivery_id.into()),
        ],
        body: body.to_string().into(),
        registered_url: String::new(),
    }
}

fn body() -> Value {
    json!({"id": 727, "number": "727", "status": "processing", "currency": "GBP",
        "date_modified_gmt": "2026-05-04T08:12:34", "total": "27.50", "customer_id": 0,
        "payment_method": "stripe",
        "billing": {"first_name": "Joe", "last_name": "Hill", "company": "",
            "address_1": "1 High St", "address_2": "", "city": "Leeds", "state": "",
            "postcode": "LS1 1AA", "country": "GB", "email": "joe@example.com", "phone": ""},
        "shipping": {"first_name": "Joe", "last_name": "Hill", "company": "",
            "address_1": "1 High St", "address_2": "", "city": "Leeds", "state": "",
            "postcode": "LS1 1AA", "country": "GB"},
        "line_items": [{"id": 315, "product_id": 93, "variation_id": 0, "sku": "TEA-1",
            "quantity": 2, "total": "24.00", "price": 12}]})
}

fn read_one(topic: &str, body: &Value) -> Incoming {
    let mut all = read(&delivery(topic, "d", body)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn read_order(body: &Value) -> ChannelOrder {
    match read_one("order.updated", body).what {
        What::Order(order) => *order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_signature_is_checked_over_raw_bytes() {
    let secrets = Secrets {
        signing: vec![Secret::new("topsecret")],
        ..Secrets::default()
    };
    let signature = "xIuIo9yJ6U5FNGHwYgl+F0RisZmNARLda2ywOKOcMes=";
    let mut delivery = Delivery {
        headers: vec![(SIGNATURE.into(), signature.into())],
        body: br#"{"id":1,"t":"caf\u00e9"}"#.as_slice().into(),
        registered_url: String::new(),
    };
    assert_eq!(verify(&delivery, &secrets), Ok(()));
    delivery.body = r#"{"id":1,"t":"café"}"#.into();
    let wrong = Err(Refused::WrongSignature(SIGNATURE));
    assert_eq!(verify(&delivery, &secrets), wrong);
    delivery.headers.clear();
    let unsigned = Err(Refused::Unsigned(SIGNATURE));
    assert_eq!(verify(&delivery, &secrets), unsigned);
}

#[test]
fn the_form_that_a_saved_webhook_posts_is_known_and_nothing_else_passes_for_it() {
    let post = |body: &'static [u8]| Delivery {
        body: body.into(),
        ..Delivery::default()
    };
    assert!(is_ping(&post(b"webhook_id=7")));
    for other in [b"webhook_id=7&x=1".as_slice(), b"{}", b"", b"webhook_id=x"] {
        assert!(!is_ping(&post(other)));
    }
}

#[test]
fn orders_of_one_second_share_a_delivery_id_and_are_two_events() {
    let event = |topic, id: u32, modified: &str| {
        let mut body = body();
        body["id"] = json!(id);
        body["date_modified_gmt"] = json!(modified);
        read(&delivery(topic, "same-second", &body)).unwrap()[0].event
    };
    let one = event("order.updated", 727, "2026-05-04T08:12:34");
    assert_ne!(one, event("order.updated", 728, "2026-05-04T08:12:34"));
    assert_ne!(one, event("order.updated", 727, "2026-05-04T08:12:35"));
    assert_ne!(one, event("order.created", 727, "2026-05-04T08:12:34"));
    assert_eq!(one, event("order.updated", 727, "2026-05-04T08:12:34"));
}

#[test]
fn an_order_is_read_and_a_guest_has_no_number() {
    let incoming = read_one("order.created", &body());
    assert_eq!(incoming.order_id, "727");
    assert_eq!(incoming.changed_ms, 1_777_882_354_000);
    let order = read_order(&body());
    assert_eq!((order.currency, order.total), (826, 2750));
    assert_eq!((&*order.customer, order.paid), ("", true));
    let line = &order.lines[0];
    assert_eq!(
        (&*line.item, line.quantity, line.unit_price),
        ("93", 2, 1200)
    );
    assert_eq!(
        order.details.shipping_address,
        ["1 High St", "Leeds LS1 1AA"]
    );
}

#[test]
fn a_price_is_text_or_number_of_any_length() {
    for (price, minor) in [
        (json!(12), 1200),
        (json!("12"), 1200),
        (json!("12.00"), 1200),
        (json!(8.333_333), 833),
        (json!("8.335"), 834),
        (json!("8.666666666666666"), 867),
    ] {
        let mut body = body();
        body["line_items"][0]["price"] = price;
        assert_eq!(read_order(&body).lines[0].unit_price, minor);
    }
}

#[test]
fn a_variation_is_part_of_the_item() {
    let mut body = body();
    body["line_items"][0]["variation_id"] = json!(120);
    assert_eq!(read_order(&body).lines[0].item, "93/120");
}

#[test]
fn empty_shipping_fields_mean_the_billing_address() {
    let mut body = body();
    for name in [
        "first_name",
        "last_name",
        "address_1",
        "city",
        "postcode",
        "country",
    ] {
        body["shipping"][name] = json!("");
    }
    let details = read_order(&body).details;
    assert_eq!(details.shipping_address, ["1 High St", "Leeds LS1 1AA"]);
    assert_eq!(
        (&*details.country, &*details.contact_name),
        ("GB", "Joe Hill")
    );
}

#[test]
fn statuses_stand_for_stages_and_there_is_no_cancel_topic() {
    for (status, stage) in [
        ("pending", Stage::Waiting),
        ("on-hold", Stage::Waiting),
        ("wc-preparing", Stage::Waiting),
        ("failed", Stage::Failed),
        ("processing", Stage::Ready),
        ("completed", Stage::Shipped),
    ] {
        let mut body = body();
        body["status"] = json!(status);
        let order = read_order(&body);
        assert_eq!(order.stage, stage, "{status}");
        let paid = matches!(stage, Stage::Ready | Stage::Shipped);
        assert_eq!(order.paid, paid, "{status}");
    }
    for status in ["cancelled", "refunded", "trash"] {
        let mut body = body();
        body["status"] = json!(status);
        let reason = status.to_owned();
        assert_eq!(
            read_one("order.updated", &body).what,
            What::Cancelled { reason }
        );
    }
    let deleted = read_one("order.deleted", &json!({"id": 727}));
    let reason = "deleted".to_owned();
    assert_eq!(
        (deleted.changed_ms, deleted.what),
        (0, What::Cancelled { reason })
    );
    let mut cod = body();
    cod["payment_method"] = json!("cod");
    let cod = read_order(&cod);
    assert!(cod.cash_on_delivery && !cod.paid);
}

#[test]
fn drafts_and_other_topics_are_ignored() {
    let mut draft = body();
    draft["status"] = json!("checkout-draft");
    assert!(matches!(
        read_one("order.created", &draft).what,
        What::Ignored(_)
    ));
    let product = read_one("product.updated", &json!({"id": 93}));
    assert!(matches!(product.what, What::Ignored(_)));
}

#[test]
fn what_cannot_be_read_names_its_field() {
    for (pointer, value, field) in [
        (
            "/line_items/0/quantity",
            json!(0.5),
            "line_items[0].quantity",
        ),
        (
            "/line_items/0/quantity",
            json!(-2),
            "line_items[0].quantity",
        ),
        ("/line_items/0/price", json!("-1"), "line_items[0].price"),
        ("/line_items", json!([]), "line_items"),
        ("/total", json!("27.505"), "total"),
        ("/status", json!(null), "status"),
        ("/date_modified_gmt", json!("never"), "date_modified_gmt"),
    ] {
        let mut body = body();
        *body.pointer_mut(pointer).unwrap() = value;
        match read_one("order.created", &body).what {
            What::Unreadable(error) => assert_eq!(error.field, field),
            other => panic!("{pointer}: {other:?}"),
        }
    }
    let no_id = delivery("order.created", "d", &json!({"status": "processing"}));
    assert_eq!(read(&no_id).unwrap_err().field, "id");
}
