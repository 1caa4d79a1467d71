//! The whole way of the marketplaces, over real sockets: they sell on their own and send signed
//! webhooks, their orders go through the order process, and what is left is written back to them.

mod rig;

use onhand::sandbox::Mode;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::types::OrderState;
use serde_json::{Value, json};

use rig::{ALL, SELLERS, SHOPEE, SHOPIFY, TIKTOK, WHATSAPP, WOOCOMMERCE, Way};

// A message brings no address, so orders of WhatsApp end in review here: a person asks for it.

/// How long a carrier takes for a step, in milliseconds: as good as nothing, or longer than a test
/// needs to cancel an order before it leaves.
const FAST_MS: u64 = 30;
const SLOW_MS: u64 = 20_000;

/// An order of the own shop, paid by card.
fn own_order(number: u32, sku: &str) -> Value {
    json!({"channel": 0, "customer": 7_000 + number, "currency": 978, "total": 4_470,
        "lines": [{"sku": sku, "quantity": 1}],
        "details": {"external_id": format!("own-{number}"), "contact_name": "Ana Ruiz",
            "email": format!("ana{number}@example.com"), "phone": "+34600000000",
            "shipping_address": ["Calle Sol 4", "28013 Madrid"],
            "billing_address": ["Calle Sol 4", "28013 Madrid"], "country": "ES",
            "payment_token": "pm_card_visa", "unit_prices": [4_470],
            "ip": format!("10.0.0.{number}"), "device": format!("device-{number}"),
            "session": format!("session-{number}"), "checkout_seconds": 90}})
}

#[test]
fn every_sale_of_five_marketplaces_is_one_order_and_no_unit_is_sold_twice() {
    let way = Way::open(FAST_MS, &[("mug", 100), ("tea", 80)]);
    for market in ALL {
        way.rule(market, "mug", "quota", 20);
        way.rule(market, "tea", "pool", 15);
    }
    way.settle();
    // Twice as many buyers as there are mugs, on all marketplaces at once.
    for market in SELLERS {
        let run = json!({"rate": 20, "seconds": 2, "sku": "mug"});
        way.control(market, "run", &run);
    }
    way.sell(WHATSAPP, "mug", 12, 1);
    // Beside them the pool, which the own shop sells from as well.
    for market in ALL {
        way.sell(market, "tea", 2, 2);
    }
    for number in 1..=3 {
        way.ask("POST", "/orders", &own_order(number, "tea"))
            .is(201);
    }
    way.wait("every marketplace is sold out", |way| {
        SELLERS
            .iter()
            .all(|market| way.truth(*market, "mug")["sold"] == 20)
    });
    way.all_complete();
    way.all_show("tea", 80 - 20 - 3 - 15);
    for market in SELLERS {
        assert_eq!(way.shown(market, "mug"), 0);
    }
    assert_eq!(way.shown(WHATSAPP, "mug"), 8);
    let report = way.hold_to_account(3);
    let told = report["shards"][0]["channels"]
        .as_array()
        .expect("channels");
    assert_eq!(told.len(), 5, "{told:?}");
    for channel in told {
        assert!(channel["changes"].as_u64() > Some(0), "{channel}");
    }
}

#[test]
fn units_of_an_order_that_its_buyer_cancels_are_offered_everywhere_again() {
    let way = Way::open(SLOW_MS, &[("tea", 40)]);
    way.all_show("tea", 40);
    let mut left = 40;
    let mut ids = Vec::new();
    for market in SELLERS {
        ids.extend(way.sell(market, "tea", 1, 3));
        left -= 3;
    }
    way.all_show("tea", left);
    for (market, id) in SELLERS.into_iter().zip(&ids) {
        way.control(market, "cancel", &json!({"order": id}));
        left += 3;
        way.reaches(market, id, OrderState::Cancelled);
        way.all_show("tea", left);
    }
    way.hold_to_account(0);
}

#[test]
fn a_buyer_who_wants_another_quantity_changes_the_order_and_what_is_left() {
    let way = Way::open(SLOW_MS, &[("tea", 40)]);
    way.all_show("tea", 40);
    way.keep_from_the_warehouse();
    let id = way.sell(WOOCOMMERCE, "tea", 1, 2).remove(0);
    way.all_show("tea", 38);
    way.control(WOOCOMMERCE, "change", &json!({"order": id, "quantity": 5}));
    way.all_show("tea", 35);
    way.control(WOOCOMMERCE, "change", &json!({"order": id, "quantity": 1}));
    way.all_show("tea", 39);
    way.hold_to_account(0);
}

#[test]
fn what_marketplaces_sell_while_the_server_is_dead_is_taken_when_it_lives_again() {
    let mut way = Way::open(FAST_MS, &[("mug", 100)]);
    for market in ALL {
        way.rule(market, "mug", "quota", 20);
    }
    way.settle();
    for market in SELLERS {
        way.sell(market, "mug", 3, 1);
    }
    way.kill();
    // WooCommerce tells nothing twice: the server has to ask for these.
    for market in SELLERS {
        way.sell(market, "mug", 4, 1);
    }
    way.start();
    for market in SELLERS {
        way.sell(market, "mug", 2, 1);
    }
    way.all_complete();
    for market in SELLERS {
        assert_eq!(way.sold(market).len(), 9, "{}", market.name);
    }
    for market in SELLERS {
        way.wait("it shows what is left of its quota", |way| {
            way.shown(market, "mug") == 11
        });
    }
    way.hold_to_account(0);
}

#[test]
fn a_webhook_that_comes_twice_late_or_out_of_order_changes_nothing() {
    let way = Way::open(FAST_MS, &[("mug", 60)]);
    way.all_show("mug", 60);
    let callbacks = way.sandbox.callbacks();
    callbacks.set_mode("shopify", Mode::Twice, 0);
    callbacks.set_mode("tiktok", Mode::OutOfOrder, 0);
    callbacks.set_mode("woocommerce", Mode::Late, 700);
    for market in [SHOPIFY, TIKTOK, WOOCOMMERCE] {
        way.sell(market, "mug", 5, 1);
    }
    way.all_complete();
    way.all_show("mug", 45);
    way.hold_to_account(0);
}

#[test]
fn an_order_of_which_articles_are_cancelled_goes_on_with_the_others() {
    let way = Way::open(SLOW_MS, &[("tea", 40)]);
    way.all_show("tea", 40);
    way.keep_from_the_warehouse();
    for (market, left) in [(SHOPIFY, 39), (TIKTOK, 38)] {
        let id = way.sell(market, "tea", 1, 3).remove(0);
        let sold = way.sold(market);
        let ordered = |way: &Way| -> u32 {
            let order = way.orders(market, &sold).remove(0);
            order.lines.iter().map(|line| line.ordered).sum()
        };
        way.wait("the order is here", |way| ordered(way) == 3);
        way.control(market, "change", &json!({"order": id, "quantity": 1}));
        way.wait("one of three is left", |way| ordered(way) == 1);
        way.wait("it is offered", |way| way.wanted(market, "tea") == left);
    }
    way.hold_to_account(0);
}

#[test]
fn nothing_is_offered_twice_while_the_orders_of_a_marketplace_cannot_be_had() {
    let way = Way::open(FAST_MS, &[("mug", 50)]);
    way.all_show("mug", 50);
    let rule = Rule {
        operation: Some("detail".to_owned()),
        status: Some(503),
        ..Rule::new("shopee", Kind::Status)
    };
    way.sandbox.fault(rule).expect("a rule");
    way.sell(SHOPEE, "mug", 30, 1);
    way.wait("its orders cannot be had", |way| {
        way.counted("onhand_channel_events_total{channel=\"shopee\",step=\"put_off\"}") > 0.0
    });
    way.ask("POST", "/orders", &own_order(1, "mug")).is(201);
    for market in [SHOPIFY, WOOCOMMERCE, TIKTOK] {
        way.wait("the others are told", |way| way.shown(market, "mug") == 49);
    }
    assert_eq!(way.shown(SHOPEE, "mug"), 20, "49 would offer thirty again");
    way.sandbox.faults().clear(None, None);
    way.all_show("mug", 19);
    way.all_complete();
    way.hold_to_account(1);
}
