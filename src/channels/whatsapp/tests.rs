//! WhatsApp's deliveries, with what goes wrong in them.

use super::*;
use crate::types::secret::Secret;
use serde_json::{Value, json};

fn secrets() -> Secrets {
    Secrets {
        signing: vec![Secret::new("topsecret")],
        verify_token: Some(Secret::new("hello-token")),
        ..Secrets::default()
    }
}

fn message(id: &str) -> Value {
    json!({"from": "34600000000", "id": id, "timestamp": "1777882351", "type": "order",
        "order": {"catalog_id": "30300", "text": "gift wrap", "product_items": [
            {"product_retailer_id": "MUG-RED", "quantity": 2, "item_price": 19.9,
                "currency": "EUR"}]}})
}

fn entry(messages: &[Value]) -> Value {
    json!({"id": "1020", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp",
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "34600000000"}],
        "messages": messages}}]})
}

fn read_body(entries: &[Value]) -> Vec<Incoming> {
    let body = json!({"object": "whatsapp_business_account", "entry": entries});
    let delivery = Delivery {
        body: body.to_string().into(),
        ..Delivery::default()
    };
    read(&delivery).unwrap()
}

fn read_message(message: Value) -> What {
    let mut found = read_body(&[entry(&[message])]);
    assert_eq!(found.len(), 1);
    found.remove(0).what
}

#[test]
fn the_signature_has_its_scheme_and_covers_raw_bytes() {
    let hex = "c48b88a3dc89e94e453461f062097e174462b1998d0112dd6b6cb038a39c31eb";
    let wrong = || Err(Refused::WrongSignature(SIGNATURE));
    let raw = br#"{"id":1,"t":"caf\u00e9"}"#.as_slice();
    for (signature, body, result) in [
        (format!("sha256={hex}"), raw, Ok(())),
        (hex.to_owned(), raw, wrong()),
        (format!("sha1={hex}"), raw, wrong()),
        (
            format!("sha256={hex}"),
            r#"{"id":1,"t":"café"}"#.as_bytes(),
            wrong(),
        ),
        (format!("sha256={hex}"), b"", Err(Refused::Empty)),
    ] {
        let delivery = Delivery {
            headers: vec![(SIGNATURE.into(), signature)],
            body: body.to_vec().into(),
            registered_url: String::new(),
        };
        assert_eq!(verify(&delivery, &secrets()), result);
    }
}

#[test]
fn the_handshake_answers_the_challenge_to_who_knows_the_token() {
    let known = secrets();
    for (mode, token, secrets, answer) in [
        ("subscribe", "hello-token", &known, Some("C-1")),
        ("subscribe", "hello-tokem", &known, None),
        ("subscribe", "", &known, None),
        ("unsubscribe", "hello-token", &known, None),
        ("subscribe", "", &Secrets::default(), None),
    ] {
        assert_eq!(handshake(mode, "C-1", token, secrets), answer);
    }
}

#[test]
fn every_entry_change_and_message_is_read() {
    let text = json!({"from": "34600000000", "id": "wamid.T", "timestamp": "1", "type": "text",
        "text": {"body": "hello"}});
    let statuses = json!({"id": "1020", "changes": [{"field": "messages", "value": {
        "statuses": [{"id": "wamid.OUT", "status": "delivered", "timestamp": "5"},
            {"id": "wamid.OUT", "status": "read", "timestamp": "6"}]}}]});
    let found = read_body(&[
        entry(&[message("wamid.1"), text, message("wamid.2")]),
        statuses,
        entry(&[message("wamid.3")]),
    ]);
    let orders = found
        .iter()
        .filter(|one| matches!(one.what, What::Order(_)));
    let orders: Vec<&str> = orders.map(|one| one.order_id.as_str()).collect();
    assert_eq!(orders, ["wamid.1", "wamid.2", "wamid.3"]);
    assert_eq!(found.len(), 6);
    let mut events: Vec<u128> = found.iter().map(|one| one.event).collect();
    events.sort_unstable();
    events.dedup();
    assert_eq!(events.len(), 6, "each event has an id of its own");
}

#[test]
fn a_message_is_recognised_by_its_id_in_whatever_delivery() {
    let alone = read_body(&[entry(&[message("wamid.2")])]);
    let batched = read_body(&[entry(&[message("wamid.1"), message("wamid.2")])]);
    assert_eq!(alone[0].event, batched[1].event);
}

#[test]
fn the_total_is_the_sum_and_numbers_may_be_texts() {
    let mut as_text = message("wamid.1");
    let item = &mut as_text["order"]["product_items"][0];
    item["quantity"] = json!("2");
    item["item_price"] = json!("19.9");
    for one in [message("wamid.1"), as_text] {
        let What::Order(order) = read_message(one) else {
            panic!("an order");
        };
        assert_eq!((order.currency, order.total), (978, 3980));
        assert_eq!((order.stage, order.paid), (Stage::Waiting, false));
        assert_eq!(&*order.lines[0].item, "MUG-RED");
        assert_eq!(order.customer, "34600000000");
        assert_eq!(order.details.contact_name, "Ana");
        assert_eq!(order.details.phone, "+34600000000");
        assert_eq!(order.details.custom_handling, "gift wrap");
        assert!(order.details.shipping_address.is_empty());
    }
}

#[test]
fn what_cannot_be_read_names_its_field_and_leaves_the_others_alone() {
    let mut mixed = message("wamid.1");
    let items = mixed["order"]["product_items"].as_array_mut().unwrap();
    let mut pounds = items[0].clone();
    pounds["currency"] = json!("GBP");
    items.push(pounds);
    let mut half = message("wamid.2");
    half["order"]["product_items"][0]["quantity"] = json!(0.5);
    let mut none = message("wamid.3");
    none["order"]["product_items"] = json!([]);
    let mut timeless = message("wamid.4");
    timeless["timestamp"] = json!("now");
    let found = read_body(&[entry(&[mixed, half, none, timeless, message("wamid.5")])]);
    let at = "entry[0].changes[0].value.messages";
    for (place, field) in [
        (0, "[0].order.product_items[1].currency"),
        (1, "[1].order.product_items[0].quantity"),
        (2, "[2].order.product_items"),
        (3, "[3].timestamp"),
    ] {
        match &found[place].what {
            What::Unreadable(error) => assert_eq!(error.field, format!("{at}{field}")),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(found[4].what, What::Order(_)));
}

#[test]
fn a_delivery_without_messages_is_one_ignored_event() {
    let found = read_body(&[json!({"id": "1", "changes": [{"field": "account_update",
        "value": {"event": "VERIFIED"}}]})]);
    assert_eq!(found.len(), 1);
    assert!(matches!(found[0].what, What::Ignored(_)));
}
