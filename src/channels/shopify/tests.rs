//! Shopify's webhooks, with what goes wrong in them.

use super::*;
use crate::types::secret::Secret;
use serde_json::{Value, json};

const BODY: &[u8] = br#"{"id":1,"t":"caf\u00e9"}"#;
const SIGNED: &str = "xIuIo9yJ6U5FNGHwYgl+F0RisZmNARLda2ywOKOcMes=";

fn delivery(topic: &str, webhook_id: &str, body: &Value) -> Delivery {
    Delivery {
        headers: vec![
            ("x-shopify-topic".into(), topic.into()),
            ("x-shopify-webhook-id".into(), webhook_id.into()),
            ("x-shopify-event-id".into(), "one-action".into()),
        ],
        body: body.to_string().into(),
        registered_url: String::new(),
    }
}

fn body() -> Value {
    json!({"id": 5_551_234_567_890_u64, "name": "#1042", "email": "ana@example.com",
        "updated_at": "2026-05-04T10:12:31+02:00", "cancelled_at": null, "cancel_reason": null,
        "currency": "EUR", "total_price": "44.70", "financial_status": "paid",
        "fulfillment_status": null,
        "customer": {"id": 7_771_112_223_334_u64, "first_name": "Ana", "last_name": "Ruiz"},
        "shipping_address": {"first_name": "Ana", "last_name": "Ruiz", "address1": "Calle Sol 4",
            "address2": null, "city": "Madrid", "province_code": "M", "zip": "28013",
            "country_code": "ES", "phone": null},
        "line_items": [{"id": 1_400_000_000_001_u64, "variant_id": 4_400_000_000_001_u64,
            "sku": "MUG-RED", "quantity": 2, "price": "19.90"}]})
}

fn read_one(topic: &str, body: &Value) -> Incoming {
    let mut all = read(&delivery(topic, "w-1", body)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn read_order(body: &Value) -> ChannelOrder {
    match read_one("orders/create", body).what {
        What::Order(order) => *order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_signature_is_checked_over_raw_bytes_with_every_secret() {
    let signed = |signature: Option<&str>, body: &'static [u8]| Delivery {
        headers: signature
            .map(|value| (SIGNATURE.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
        body: body.into(),
        registered_url: String::new(),
    };
    let secrets = |texts: &[&str]| Secrets {
        signing: texts.iter().map(|text| Secret::new(*text)).collect(),
        ..Secrets::default()
    };
    let wrong = Err(Refused::WrongSignature(SIGNATURE));
    let unescaped = r#"{"id":1,"t":"café"}"#.as_bytes();
    for (signature, body, known, result) in [
        (Some(SIGNED), BODY, &["topsecret"][..], Ok(())),
        (Some(SIGNED), BODY, &["new", "topsecret"], Ok(())),
        (Some(SIGNED), BODY, &["topsecret", "new"], Ok(())),
        (Some(SIGNED), BODY, &["new"], wrong.clone()),
        (Some(SIGNED), unescaped, &["topsecret"], wrong.clone()),
        (Some("not base64!"), BODY, &["topsecret"], wrong.clone()),
        (Some(""), BODY, &["topsecret"], wrong),
        (
            None,
            BODY,
            &["topsecret"],
            Err(Refused::Unsigned(SIGNATURE)),
        ),
        (Some(SIGNED), b"", &["topsecret"], Err(Refused::Empty)),
        (Some(SIGNED), BODY, &[], Err(Refused::Unconfigured)),
        (Some(SIGNED), BODY, &[""], Err(Refused::Unconfigured)),
    ] {
        assert_eq!(verify(&signed(signature, body), &secrets(known)), result);
    }
}

#[test]
fn an_order_is_read_with_money_lines_and_contact() {
    let incoming = read_one("orders/create", &body());
    assert_eq!(incoming.order_id, "5551234567890");
    assert_eq!(incoming.changed_ms, 1_777_882_351_000);
    let order = read_order(&body());
    assert_eq!((order.currency, order.total), (978, 4470));
    assert_eq!((order.stage, order.paid), (Stage::Ready, true));
    assert_eq!(order.customer, "7771112223334");
    assert_eq!(
        order.lines,
        [ChannelLine {
            item: "4400000000001".into(),
            sku: "MUG-RED".into(),
            quantity: 2,
            unit_price: 1990
        }]
    );
    assert_eq!(
        order.details.shipping_address,
        ["Calle Sol 4", "Madrid, M 28013"]
    );
    assert_eq!(order.details.country, "ES");
    assert_eq!(order.details.contact_name, "Ana Ruiz");
    assert_eq!(order.details.unit_prices, [1990]);
}

#[test]
fn two_topics_of_one_action_are_two_events_and_a_retry_is_the_same_one() {
    let event = |topic, id| read(&delivery(topic, id, &body())).unwrap()[0].event;
    let created = event("orders/create", "w-1");
    assert_ne!(created, event("orders/paid", "w-2"));
    assert_eq!(created, event("orders/create", "w-1"));
}

#[test]
fn fields_may_be_null_or_absent() {
    let mut sparse = body();
    for name in ["customer", "shipping_address", "email"] {
        sparse[name] = Value::Null;
    }
    sparse["line_items"][0]["sku"] = Value::Null;
    sparse["line_items"][0]["variant_id"] = Value::Null;
    let order = read_order(&sparse);
    assert_eq!((&*order.customer, &*order.lines[0].sku), ("", ""));
    let absent = sparse.as_object_mut().unwrap();
    absent.remove("customer");
    absent.remove("shipping_address");
    assert_eq!(read_order(&sparse), order);
}

#[test]
fn statuses_tell_paid_waiting_and_shipped_apart() {
    for (financial, fulfilment, stage, paid) in [
        ("paid", json!(null), Stage::Ready, true),
        ("authorized", json!(null), Stage::Ready, true),
        ("pending", json!(null), Stage::Waiting, false),
        ("partially_paid", json!(null), Stage::Waiting, false),
        ("paid", json!("fulfilled"), Stage::Shipped, true),
        ("paid", json!("partial"), Stage::Ready, true),
    ] {
        let mut body = body();
        body["financial_status"] = json!(financial);
        body["fulfillment_status"] = fulfilment;
        let order = read_order(&body);
        assert_eq!((order.stage, order.paid), (stage, paid), "{financial}");
    }
    let mut cod = body();
    cod["payment_gateway_names"] = json!(["Cash on Delivery (COD)"]);
    assert!(read_order(&cod).cash_on_delivery);
}

#[test]
fn an_order_that_was_edited_or_partly_paid_back_is_read_as_it_is_now() {
    let mut edited = body();
    edited["current_total_price"] = json!("24.80");
    edited["line_items"][0]["current_quantity"] = json!(1);
    let mut removed = edited["line_items"][0].clone();
    (removed["sku"], removed["current_quantity"]) = (json!("CUP"), json!(0));
    edited["line_items"].as_array_mut().unwrap().push(removed);
    let order = read_order(&edited);
    let lines: Vec<(&str, u32)> = order
        .lines
        .iter()
        .map(|it| (&*it.sku, it.quantity))
        .collect();
    assert_eq!((lines, order.total), (vec![("MUG-RED", 1)], 2480));
    assert_eq!(order.details.unit_prices, [1990]);
    // Nothing is left of it: there is nothing to send, unless it has gone already.
    edited["line_items"][0]["current_quantity"] = json!(0);
    let told = |body: &Value| read_one("orders/updated", body).what;
    assert!(matches!(told(&edited), What::Cancelled { .. }));
    edited["fulfillment_status"] = json!("fulfilled");
    assert!(matches!(told(&edited), What::Ignored(_)));
    edited["line_items"][0]["current_quantity"] = json!(-1);
    assert!(matches!(told(&edited), What::Unreadable(_)));
    // Bought as none: that is no order.
    let mut none = body();
    none["line_items"][0]["quantity"] = json!(0);
    assert!(matches!(told(&none), What::Unreadable(_)));
}

#[test]
fn a_cancelled_order_is_told_by_topic_or_by_its_time() {
    let mut cancelled = body();
    cancelled["cancelled_at"] = json!("2026-05-04T11:00:00+02:00");
    cancelled["cancel_reason"] = json!("customer");
    for topic in ["orders/cancelled", "orders/updated"] {
        let reason = "customer".to_owned();
        assert_eq!(read_one(topic, &cancelled).what, What::Cancelled { reason });
    }
}

#[test]
fn what_cannot_be_read_names_its_field() {
    for (pointer, value, field) in [
        (
            "/line_items/0/quantity",
            json!(1.5),
            "line_items[0].quantity",
        ),
        (
            "/line_items/0/quantity",
            json!(-1),
            "line_items[0].quantity",
        ),
        (
            "/line_items/0/quantity",
            json!(10_000_000_000_u64),
            "line_items[0].quantity",
        ),
        (
            "/line_items/0/price",
            json!("19.999"),
            "line_items[0].price",
        ),
        ("/line_items", json!([]), "line_items"),
        ("/line_items", json!({}), "line_items"),
        ("/total_price", json!("-1.00"), "total_price"),
        ("/total_price", json!(null), "total_price"),
        ("/currency", json!("EURO"), "currency"),
        ("/updated_at", json!("soon"), "updated_at"),
    ] {
        let mut body = body();
        *body.pointer_mut(pointer).unwrap() = value;
        match read_one("orders/create", &body).what {
            What::Unreadable(error) => assert_eq!(error.field, field),
            other => panic!("{pointer}: {other:?}"),
        }
    }
    let mut many = body();
    many["line_items"] = Value::Array(vec![body()["line_items"][0].clone(); 65]);
    assert!(matches!(
        read_one("orders/create", &many).what,
        What::Unreadable(_)
    ));
}

#[test]
fn topics_about_no_order_and_privacy_requests_are_told_apart() {
    let ignored = read_one("products/update", &json!({"id": 1}));
    assert!(matches!(ignored.what, What::Ignored(_)));
    let edit = json!({"order_edit": {"id": 7, "order_id": 450_789_469}});
    let fetch = read_one("orders/edited", &edit);
    assert_eq!((&*fetch.order_id, fetch.what), ("450789469", What::Fetch));
    let asked = json!({"shop_id": 1, "shop_domain": "mugs.example", "customer": {"id": 9},
        "orders_to_redact": [11, 12]});
    let privacy = |kind, orders: &[&str]| {
        What::Privacy(Privacy {
            kind,
            shop: "mugs.example".into(),
            customer: "9".into(),
            orders: orders.iter().map(|id| (*id).to_owned()).collect(),
        })
    };
    assert_eq!(
        read_one("customers/redact", &asked).what,
        privacy(PrivacyKind::RedactCustomer, &["11", "12"])
    );
    assert!(matches!(
        read_one("shop/redact", &asked).what,
        What::Privacy(_)
    ));
}
