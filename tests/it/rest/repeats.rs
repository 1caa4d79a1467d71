//! Commands about orders that are sent again with the same `Idempotency-Key`, also after a restart,
//! and cancellations of orders without a process.

use super::{Shop, mugs};
use crate::it::web::Answered;
use onhand::types::{CommandKey, LocationId, OrderKey, SkuId};
use onhand::wire::opcode::Opcode;
use onhand::wire::request::{Line, Lines, LinesCommand};
use serde_json::{Value, json};

/// Sends a command under a key.
fn keyed(shop: &Shop, path: &str, key: &str, body: &Value) -> Answered {
    let key = [("idempotency-key", key)];
    shop.with("POST", path, &key, body.to_string().as_bytes())
}

/// A hold of so many mugs: its key.
fn held(shop: &Shop, quantity: u32) -> String {
    let held = shop.hold(quantity).is(201).json();
    held["order"].as_str().expect("a key").to_owned()
}

fn shown(shop: &Shop, order: &str) -> Value {
    shop.get(&format!("/orders/{order}")).is(200).json()
}

/// Whether it was a repeat, and of which record.
fn said(answered: Answered) -> (Value, Value) {
    let said = answered.is(200).json();
    (said["replayed"].clone(), said["sequence"].clone())
}

/// Ships units of a confirmed order, as a warehouse does over TCP.
fn ship(shop: &Shop, order: &str, quantity: u32) {
    let mut client = shop.served.client();
    let lines = [Line {
        sku: SkuId(0),
        quantity,
        location: LocationId::ANY,
    }];
    let shipped = LinesCommand {
        order: order.parse::<OrderKey>().expect("a key"),
        key: CommandKey(77),
        disposition: 0,
        lines: Lines::new(&lines),
    };
    client.request(Opcode::Ship, 9, &[shipped]);
    client.receive().expect("an answer");
    assert_eq!(shown(shop, order)["lines"][0]["shipped"], quantity);
}

#[test]
fn a_repeated_edit_makes_one_version_also_after_a_restart() {
    let shop = Shop::stocked();
    let order = held(&shop, 2);
    let path = format!("/orders/{order}/edit");
    let edit = mugs(3);
    let first = said(keyed(&shop, &path, "edit 1", &edit));
    assert_eq!(first.0, false);
    let again = said(keyed(&shop, &path, "edit 1", &edit));
    assert_eq!(again, (json!(true), first.1.clone()));
    assert_eq!(
        (&shown(&shop, &order)["version"], shop.available()),
        (&json!(2), json!(7))
    );
    keyed(&shop, &path, "edit 1", &mugs(4)).is_problem(422, "IDEMPOTENCY_CONFLICT");

    let shop = shop.restarted();
    let again = said(keyed(&shop, &path, "edit 1", &edit));
    assert_eq!(again, (json!(true), first.1));
    keyed(&shop, &path, "edit 1", &mugs(4)).is_problem(422, "IDEMPOTENCY_CONFLICT");
    assert_eq!(shown(&shop, &order)["version"], 2);
    assert_eq!(said(keyed(&shop, &path, "edit 2", &edit)).0, false);
    assert_eq!(shown(&shop, &order)["version"], 3);
}

#[test]
fn a_repeated_edit_is_answered_though_the_order_has_ended_since() {
    let shop = Shop::stocked();
    let order = held(&shop, 2);
    let path = format!("/orders/{order}/edit");
    let first = said(keyed(&shop, &path, "edit 1", &mugs(3)));
    shop.post(&format!("/holds/{order}/release"), &json!({}))
        .is(200);
    let again = keyed(&shop, &path, "edit 1", &mugs(3)).is(200).json();
    assert_eq!(
        (&again["sequence"], &again["replayed"], &again["state"]),
        (&first.1, &json!(true), &json!("CANCELLED"))
    );
    keyed(&shop, &path, "edit 2", &mugs(3)).is_problem(409, "NOT_REPLACEABLE");
}

#[test]
fn a_refused_edit_stays_refused_for_its_key_and_leaves_the_order() {
    let shop = Shop::stocked();
    let order = held(&shop, 2);
    let path = format!("/orders/{order}/edit");
    keyed(&shop, &path, "more", &mugs(11)).is_problem(409, "INSUFFICIENT_STOCK");
    let arrived = json!({"location": "berlin", "quantity": 10});
    shop.post("/stock/MUG-RED/receive", &arrived).is(200);
    let shop = shop.restarted();
    keyed(&shop, &path, "more", &mugs(11)).is_problem(409, "INSUFFICIENT_STOCK");
    assert_eq!(shown(&shop, &order)["lines"][0]["reserved"], 2);
    assert_eq!(
        said(keyed(&shop, &path, "once more", &mugs(11))).0,
        false,
        "another key asks anew"
    );
    assert_eq!(shop.available(), 9);
}

#[test]
fn an_edit_of_an_order_that_is_not_in_process_says_what_it_lacks() {
    let shop = Shop::stocked();
    let order = held(&shop, 2);
    let path = format!("/orders/{order}/edit");
    for (name, body) in [
        ("currency", json!({"total": 1})),
        ("total", json!({"currency": 978})),
    ] {
        let refused = keyed(&shop, &path, "lacking", &body);
        refused.is_problem(422, "INVALID_FIELD");
        let detail = refused.json()["detail"].to_string();
        assert!(detail.contains(&format!("`{name}`")), "{detail}");
    }
    // What was malformed is not remembered.
    assert_eq!(said(keyed(&shop, &path, "lacking", &mugs(1))).0, false);
}

#[test]
fn a_repeated_return_of_everything_takes_it_back_once_also_after_a_restart() {
    let shop = Shop::stocked();
    let order = held(&shop, 4);
    shop.post(&format!("/holds/{order}/confirm"), &json!({}))
        .is(200);
    ship(&shop, &order, 4);
    let path = format!("/orders/{order}/return");
    let first = said(keyed(&shop, &path, "parcel", &json!({})));
    assert_eq!((&first.0, shop.available()), (&json!(false), json!(10)));
    let again = said(keyed(&shop, &path, "parcel", &json!({})));
    assert_eq!(again, (json!(true), first.1.clone()));
    let shop = shop.restarted();
    let again = said(keyed(&shop, &path, "parcel", &json!({})));
    assert_eq!(again, (json!(true), first.1));
    let damaged = json!({"disposition": "damaged"});
    keyed(&shop, &path, "parcel", &damaged).is_problem(422, "IDEMPOTENCY_CONFLICT");
    keyed(&shop, &path, "another", &json!({})).is_problem(409, "EXCEEDS_SHIPPED");
    assert_eq!(shown(&shop, &order)["lines"][0]["returned"], 4);
}

#[test]
fn without_a_process_an_order_is_cancelled_until_it_has_shipped() {
    let shop = Shop::stocked();
    let why = json!({"reason": "changed their mind"});
    let placed = shop.post("/orders", &mugs(2)).is(201).json();
    let placed = placed["order"].as_str().expect("a key").to_owned();
    let confirmed = held(&shop, 3);
    shop.post(&format!("/holds/{confirmed}/confirm"), &json!({}))
        .is(200);
    for (order, left) in [(placed, 3), (confirmed, 6), (held(&shop, 4), 10)] {
        let path = format!("/orders/{order}/cancel");
        let first = keyed(&shop, &path, &order, &why).is(200).json();
        assert_eq!(
            (&first["state"], &first["replayed"]),
            (&json!("CANCELLED"), &json!(false))
        );
        let again = keyed(&shop, &path, &order, &why).is(200).json();
        assert_eq!(
            (&again["replayed"], &again["sequence"]),
            (&json!(true), &first["sequence"])
        );
        let other = format!("another of {order}");
        keyed(&shop, &path, &other, &why).is_problem(409, "ALREADY_RESOLVED");
        assert_eq!(shop.available(), left);
    }

    let shipped = held(&shop, 1);
    shop.post(&format!("/holds/{shipped}/confirm"), &json!({}))
        .is(200);
    ship(&shop, &shipped, 1);
    let path = format!("/orders/{shipped}/cancel");
    keyed(&shop, &path, "late", &why).is_problem(409, "ALREADY_SHIPPED");
}

#[test]
fn a_decision_that_only_a_process_knows_says_that_there_is_none() {
    let shop = Shop::stocked();
    let order = held(&shop, 1);
    let refused = shop.post(&format!("/orders/{order}/deliver"), &json!({}));
    refused.is_problem(409, "NOT_IN_STATE");
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("in no process"), "{detail}");
    assert!(detail.contains("/v1/holds"), "{detail}");
}
