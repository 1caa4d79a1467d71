//! TikTok Shop's notifications and order details, with what goes wrong in them.

use super::*;
use crate::types::secret::Secret;
use serde_json::{Value, json};

/// The marketplace's own example, in one line.
const OFFICIAL: &str = concat!(
    r#"{"type":1,"tts_notification_id":"7380066284010030890","shop_id":"7495540735365777507","#,
    r#""timestamp":1718305585,"data":{"is_on_hold_order":true,"order_id":"576653688135258178","#,
    r#""order_status":"UNPAID","update_time":1718305585}}"#
);

fn delivery(body: &Value) -> Delivery {
    Delivery {
        body: body.to_string().into(),
        ..Delivery::default()
    }
}

fn read_one(delivery: &Delivery) -> Incoming {
    let mut all = read(delivery).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn detail() -> Value {
    let unit = |id: &str| {
        json!({"id": id, "product_id": "1729001", "sku_id": "1729101", "seller_sku": "TEA-1",
            "sale_price": "12.00", "currency": "GBP"})
    };
    json!({"orders": [{"id": "576000000000000001", "status": "AWAITING_SHIPMENT",
        "update_time": 1_777_882_351, "user_id": "7490000000000000001",
        "buyer_email": "x1@relay.example", "is_cod": false,
        "payment": {"currency": "GBP", "total_amount": "27.50"},
        "recipient_address": {"name": "J*** H***", "phone_number": "(+44)0***",
            "region_code": "GB", "postal_code": "LS1 1AA", "address_line1": "1 High St"},
        "line_items": [unit("5770001"), unit("5770002")]}]})
}

fn read_detail(data: &Value) -> What {
    let document = Json::parse(data.to_string().as_bytes()).unwrap();
    let mut found = orders(&document.root()).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).what
}

fn read_order(data: &Value) -> ChannelOrder {
    match read_detail(data) {
        What::Order(order) => *order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_official_vector_of_the_signature_holds() {
    let signed = "5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05";
    let delivery = Delivery {
        headers: vec![(SIGNATURE.into(), signed.into())],
        body: OFFICIAL.into(),
        registered_url: String::new(),
    };
    let secrets = |key: &str, secret: &str| Secrets {
        signing: vec![Secret::new(secret)],
        app_key: key.into(),
        verify_token: None,
    };
    assert_eq!(verify(&delivery, &secrets("abcdef", "123")), Ok(()));
    let wrong = Err(Refused::WrongSignature(SIGNATURE));
    assert_eq!(verify(&delivery, &secrets("abcdef", "124")), wrong);
    assert_eq!(verify(&delivery, &secrets("abcdeg", "123")), wrong);
    let keyless = verify(&delivery, &secrets("", "123"));
    assert_eq!(keyless, Err(Refused::Unconfigured));
    let read = read_one(&delivery);
    assert_eq!(read.order_id, "576653688135258178");
    assert_eq!(read.changed_ms, 1_718_305_585_000);
    assert_eq!(read.what, What::Fetch);
}

#[test]
fn a_notification_is_recognised_by_its_id_alone() {
    let event = |id: &str, status: &str| {
        let body = json!({"type": 1, "tts_notification_id": id, "timestamp": 1,
            "data": {"order_id": "1", "order_status": status, "update_time": 1}});
        read_one(&delivery(&body)).event
    };
    assert_eq!(event("a", "UNPAID"), event("a", "ON_HOLD"));
    assert_ne!(event("a", "UNPAID"), event("b", "UNPAID"));
}

#[test]
fn cancel_and_cancelled_mean_the_same() {
    for (status, cancelled) in [
        ("CANCEL", true),
        ("CANCELLED", true),
        ("UNPAID", false),
        ("ON_HOLD", false),
        ("AWAITING_SHIPMENT", false),
        ("AWAITING_COLLECTION", false),
        ("IN_TRANSIT", false),
        ("DELIVERED", false),
        ("COMPLETED", false),
        ("PARTIALLY_SHIPPING", false),
    ] {
        let body = json!({"type": 1, "tts_notification_id": "n", "timestamp": 1,
            "data": {"order_id": "1", "order_status": status, "update_time": 2}});
        let told = read_one(&delivery(&body)).what;
        assert_eq!(
            matches!(told, What::Cancelled { .. }),
            cancelled,
            "{status}"
        );
        assert_eq!(told == What::Fetch, !cancelled, "{status}");
        let mut data = detail();
        data["orders"][0]["status"] = json!(status);
        let read = read_detail(&data);
        assert_eq!(
            matches!(read, What::Cancelled { .. }),
            cancelled,
            "{status}"
        );
    }
}

#[test]
fn a_granted_request_to_cancel_has_the_order_asked_for_because_it_may_be_of_one_article() {
    let told = |status: &str, role: &str| {
        let body = json!({"type": 11, "tts_notification_id": "n", "timestamp": 9,
            "data": {"order_id": "1", "cancel_id": "2", "cancellations_role": role,
                "create_time": 7, "cancel_status": status}});
        let read = read_one(&delivery(&body));
        assert_eq!(read.changed_ms, 9_000, "decided, not asked for");
        read.what
    };
    for status in ["SUCCESS", "COMPLETE"] {
        let told = told(&format!("CANCELLATION_REQUEST_{status}"), "BUYER");
        assert_eq!(told, What::Fetch, "{status}");
    }
    for status in ["PENDING", "CANCELLED"] {
        let told = told(&format!("CANCELLATION_REQUEST_{status}"), "BUYER");
        assert!(matches!(told, What::Ignored(_)), "{status}");
    }
}

#[test]
fn units_of_one_article_are_one_line() {
    let order = read_order(&detail());
    assert_eq!(
        order.lines,
        [ChannelLine {
            item: "1729001/1729101".into(),
            sku: "TEA-1".into(),
            quantity: 2,
            unit_price: 1200
        }]
    );
    assert_eq!(order.details.unit_prices, [1200]);
    assert_eq!((order.currency, order.total), (826, 2750));
    let mut priced = detail();
    priced["orders"][0]["line_items"][1]["sale_price"] = json!("9.00");
    assert_eq!(read_order(&priced).lines.len(), 2);
}

#[test]
fn cancelled_articles_are_no_part_of_the_order() {
    let mut data = detail();
    data["orders"][0]["line_items"][0]["display_status"] = json!("CANCELLED");
    data["orders"][0]["line_items"][1]["display_status"] = json!("AWAITING_SHIPMENT");
    let order = read_order(&data);
    assert_eq!((order.lines.len(), order.lines[0].quantity), (1, 1));
    data["orders"][0]["line_items"][1]["display_status"] = json!("CANCELLED");
    assert!(matches!(read_detail(&data), What::Cancelled { .. }));
}

#[test]
fn an_order_that_is_paid_on_delivery_is_not_taken_before_it_is_released_with_its_address() {
    for (status, taken) in [
        ("UNPAID", false),
        ("ON_HOLD", false),
        ("AWAITING_SHIPMENT", true),
    ] {
        let mut data = detail();
        data["orders"][0]["status"] = json!(status);
        data["orders"][0]["is_cod"] = json!(true);
        let order = read_order(&data);
        assert_eq!(order.cash_on_delivery, taken, "{status}");
        assert_eq!(order.stage == Stage::Ready, taken, "{status}");
        assert!(!order.paid, "{status}");
    }
}

#[test]
fn an_order_without_address_or_with_a_masked_one_is_read() {
    let mut data = detail();
    assert_eq!(read_order(&data).details.contact_name, "J*** H***");
    data["orders"][0]["status"] = json!("UNPAID");
    let order = data["orders"][0].as_object_mut().unwrap();
    order.remove("recipient_address");
    let order = read_order(&data);
    assert!(order.details.shipping_address.is_empty());
    assert_eq!((order.stage, order.paid), (Stage::Waiting, false));
}

#[test]
fn other_types_are_ignored() {
    for kind in [2, 3, 4, 5, 6, 7, 12, 999] {
        let body = json!({"type": kind, "tts_notification_id": "n", "data": {}});
        let told = read_one(&delivery(&body)).what;
        assert!(matches!(told, What::Ignored(_)), "{kind}");
    }
}

#[test]
fn what_cannot_be_read_names_its_field() {
    for (pointer, value, field) in [
        (
            "/orders/0/line_items/1/sale_price",
            json!("12.001"),
            "orders[0].line_items[1].sale_price",
        ),
        (
            "/orders/0/line_items/0/sku_id",
            json!(null),
            "orders[0].line_items[0].sku_id",
        ),
        ("/orders/0/line_items", json!([]), "orders[0].line_items"),
        (
            "/orders/0/payment/total_amount",
            json!("x"),
            "orders[0].payment.total_amount",
        ),
    ] {
        let mut data = detail();
        *data.pointer_mut(pointer).unwrap() = value;
        match read_detail(&data) {
            What::Unreadable(error) => assert_eq!(error.field, field),
            other => panic!("{other:?}"),
        }
    }
}
