//! Shopee's pushes and order details, with what goes wrong in them.

use super::*;
use crate::types::secret::Secret;
use serde_json::{Value, json};

fn push_of(status: &str, update_time: u64) -> Delivery {
    let body = json!({"data": {"items": [], "ordersn": "260504ABCD1234", "status": status,
        "completed_scenario": "", "update_time": update_time},
        "shop_id": 727_000_001, "code": 3, "timestamp": 1_777_882_352});
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
    json!({"order_list": [{"order_sn": "260504ABCD1234", "region": "SG", "currency": "SGD",
        "cod": false, "total_amount": 31.4, "order_status": "READY_TO_SHIP",
        "update_time": 1_777_882_351, "buyer_user_id": 55501,
        "recipient_address": {"name": "Lin S", "phone": "6590000000", "city": "Singapore",
            "state": "", "region": "SG", "zipcode": "049483", "full_address": "1 Raffles Pl"},
        "item_list": [{"item_id": 200_101, "item_sku": "MUG", "model_id": 900_101,
            "model_sku": "MUG-RED", "model_quantity_purchased": 2,
            "model_original_price": 15.7, "model_discounted_price": 15.7}]}]})
}

fn read_detail(response: &Value) -> What {
    let document = Json::parse(response.to_string().as_bytes()).unwrap();
    let mut found = orders(&document.root()).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).what
}

#[test]
fn the_registered_url_is_signed_with_the_raw_body() {
    let secrets = Secrets {
        signing: vec![Secret::new("topsecret")],
        ..Secrets::default()
    };
    let signed = "5a415f93007ecf69b123c69fbad64b3b67f3fef6d628e9e9182dd3aed525e589";
    let delivery = |url: &str| Delivery {
        headers: vec![(SIGNATURE.into(), signed.into())],
        body: br#"{"id":1,"t":"caf\u00e9"}"#.as_slice().into(),
        registered_url: url.into(),
    };
    let registered = delivery("https://shop.example/hooks/shopee");
    assert_eq!(verify(&registered, &secrets), Ok(()));
    let proxied = delivery("http://10.0.0.7/hooks/shopee");
    let wrong = Err(Refused::WrongSignature(SIGNATURE));
    assert_eq!(verify(&proxied, &secrets), wrong);
}

#[test]
fn every_status_of_a_push_is_fetched_ignored_or_a_cancellation() {
    for status in [
        "UNPAID",
        "READY_TO_SHIP",
        "PROCESSED",
        "SHIPPED",
        "TO_CONFIRM_RECEIVE",
        "COMPLETED",
        "RETRY_SHIP",
        "PENDING",
        "SOMETHING_NEW",
    ] {
        let read = read_one(&push_of(status, 1_777_882_351));
        assert_eq!(read.what, What::Fetch, "{status}");
        assert_eq!(read.changed_ms, 1_777_882_351_000);
        assert_eq!(read.order_id, "260504ABCD1234");
    }
    for status in ["IN_CANCEL", "TO_RETURN"] {
        let read = read_one(&push_of(status, 1));
        assert!(matches!(read.what, What::Ignored(_)), "{status}");
    }
    let reason = "CANCELLED".to_owned();
    assert_eq!(
        read_one(&push_of("CANCELLED", 1)).what,
        What::Cancelled { reason }
    );
}

#[test]
fn a_push_is_recognised_by_shop_code_order_status_and_time() {
    let event = |status, time| read_one(&push_of(status, time)).event;
    let one = event("READY_TO_SHIP", 5);
    assert_eq!(one, event("READY_TO_SHIP", 5));
    assert_ne!(one, event("READY_TO_SHIP", 6));
    assert_ne!(one, event("PROCESSED", 5));
}

#[test]
fn other_codes_and_the_test_post_are_ignored() {
    for body in [
        json!({"code": 8, "data": {"item_id": 1}}).to_string(),
        json!({"code": 2, "shop_id": 1}).to_string(),
        json!({"code": 4711}).to_string(),
        "{}".to_owned(),
        String::new(),
    ] {
        let delivery = Delivery {
            body: body.into(),
            ..Delivery::default()
        };
        assert!(matches!(read_one(&delivery).what, What::Ignored(_)));
    }
}

#[test]
fn a_detail_is_read_with_amounts_from_their_digits() {
    let What::Order(order) = read_detail(&detail()) else {
        panic!("an order");
    };
    assert_eq!((order.currency, order.total), (702, 3140));
    assert_eq!(
        order.lines,
        [ChannelLine {
            item: "200101/900101".into(),
            sku: "MUG-RED".into(),
            quantity: 2,
            unit_price: 1570
        }]
    );
    assert_eq!((order.stage, order.paid), (Stage::Ready, true));
    let lines = ["1 Raffles Pl", "Singapore 049483"];
    assert_eq!(order.details.shipping_address, lines);
    assert_eq!(order.details.country, "SG");
}

#[test]
fn details_of_every_status_have_their_stage() {
    for (status, cod, stage, paid) in [
        ("UNPAID", false, Stage::Waiting, false),
        ("READY_TO_SHIP", true, Stage::Ready, false),
        ("IN_CANCEL", false, Stage::Ready, true),
        ("COMPLETED", false, Stage::Shipped, true),
    ] {
        let mut response = detail();
        response["order_list"][0]["order_status"] = json!(status);
        response["order_list"][0]["cod"] = json!(cod);
        let What::Order(order) = read_detail(&response) else {
            panic!("{status}");
        };
        assert_eq!((order.stage, order.paid), (stage, paid), "{status}");
    }
    let mut cancelled = detail();
    cancelled["order_list"][0]["order_status"] = json!("CANCELLED");
    assert!(matches!(read_detail(&cancelled), What::Cancelled { .. }));
}

#[test]
fn an_item_without_models_has_the_model_zero_and_its_own_sku() {
    let mut response = detail();
    let item = &mut response["order_list"][0]["item_list"][0];
    item["model_sku"] = json!("");
    item["model_id"] = json!(0);
    let What::Order(order) = read_detail(&response) else {
        panic!("an order");
    };
    let line = &order.lines[0];
    assert_eq!((&*line.item, &*line.sku), ("200101/0", "MUG"));
}

#[test]
fn what_cannot_be_read_names_its_field() {
    for (pointer, value, field) in [
        (
            "/order_list/0/item_list/0/model_quantity_purchased",
            json!(1.5),
            "order_list[0].item_list[0].model_quantity_purchased",
        ),
        (
            "/order_list/0/total_amount",
            json!(31.456),
            "order_list[0].total_amount",
        ),
        (
            "/order_list/0/item_list",
            json!(null),
            "order_list[0].item_list",
        ),
    ] {
        let mut response = detail();
        *response.pointer_mut(pointer).unwrap() = value;
        match read_detail(&response) {
            What::Unreadable(error) => assert_eq!(error.field, field),
            other => panic!("{other:?}"),
        }
    }
}
