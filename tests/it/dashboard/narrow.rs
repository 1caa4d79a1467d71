//! What a phone shows beyond the pages themselves: details, questions, sign-in, tables of channels.

use super::browser::{Browser, Size};
use super::stage::Stage;
use crate::it::channel_webhooks::rig::Shop;
use serde_json::{Value, json};

/// Nothing is wider than the screen, and axe finds nothing serious, light and dark.
#[track_caller]
fn is_right(browser: &Browser, what: &str) {
    browser.fits(what);
    browser.accessible(&format!("{what} on a phone"));
    browser.shot(&format!("{}-phone", what.replace(' ', "-")));
}

#[test]
fn details_questions_and_tables_of_channels_fit_a_phone_and_are_accessible_there() {
    let Some(browser) = Browser::start(Size::Phone) else {
        return;
    };
    let mut stage = Stage::with_channels(600_000);
    let quota = json!({ "sku": "mug-red", "rule": "quota", "units": 50 });
    stage.change("PUT", "/v1/channels/1/rules", &quota);
    let order = stage.place_at(1, 3)[0].clone();
    stage.until_state(&order, |state| state == "FULFILLING");
    stage.until("/v1/channels", |told| {
        let channels = told["channels"].as_array().expect("a list");
        let shop = channels.iter().find(|one| one["number"] == 1);
        shop.is_some_and(|shop| shop["published"].as_u64() > Some(0))
    });

    browser.open(&stage, "flow", "light");
    for node in [
        "intake",
        "fraud",
        "payment",
        "fulfilment",
        "crm",
        "notification",
    ] {
        browser.click(&format!("[data-node={node}]"));
        let open = format!("[data-node={node}][aria-expanded=true]");
        browser.until(node, &format!("return !!document.querySelector('{open}')"));
        browser.fits(node);
    }
    browser.click("[data-node=payment]");
    browser.until(
        "providers",
        "return document.querySelectorAll('.provider h3').length === 2",
    );
    is_right(&browser, "a system");
    browser.click("[data-node=payment]");
    browser.click("button[aria-pressed]:not(.quiet)");
    browser.until_main("By hand (given)");
    is_right(&browser, "by hand and automated");

    stage.place_at(1, 3);
    browser.open(&stage, "sale", "light");
    browser.until_main("shopify-eu");
    is_right(&browser, "the sale with channels");

    browser.open(&stage, "stock", "light");
    browser.until_main("mug-red");
    browser.click("[data-action=adjust]");
    browser.until("a question", "return document.querySelector('#ask').open");
    is_right(&browser, "the question for a correction");
    browser.open(&stage, "stock", "light");
    browser.until(
        "the channels",
        "return document.querySelectorAll('select[name=view] option').length >= 3",
    );
    browser.choose("select[name=view]", "1");
    browser.until_main("What shopify-eu is to offer");
    is_right(&browser, "stock by channel");

    browser.open(&stage, "quarantine", "light");
    browser.until(
        "the channel's mappings",
        "return document.querySelectorAll('[aria-labelledby=mappings-title] tbody tr').length > 0",
    );
    is_right(&browser, "mappings");
    browser.click("#add-mapping");
    browser.until("a question", "return document.querySelector('#ask').open");
    is_right(&browser, "the question for a mapping");

    browser.open(&stage, &format!("orders/{order}"), "light");
    browser.until(
        "its timeline",
        "return document.querySelectorAll('.timeline li').length > 5",
    );
    is_right(&browser, "an order");
    // Its money is with the channel: there is nothing to refund.
    browser.click("[data-action=cancel]");
    browser.until("a question", "return document.querySelector('#ask').open");
    is_right(&browser, "the question to cancel");
    browser.press("\u{e00c}"); // Escape
    browser.until("no question", "return !document.querySelector('#ask').open");
    assert!(browser.errors().is_empty(), "{:?}", browser.errors());
}

#[test]
fn the_sign_in_fits_a_phone_and_is_accessible_there_also_when_it_refuses() {
    let Some(browser) = Browser::start(Size::Phone) else {
        return;
    };
    let (stage, _) = Stage::guarded();
    browser.go(&stage.page("flow"));
    browser.until(
        "the sign-in page",
        "return !!document.querySelector('.login')",
    );
    is_right(&browser, "the sign-in");
    browser.press("oh_not-this-one");
    browser.press(super::browser::ENTER);
    browser.until(
        "a refusal",
        "return !document.querySelector('[role=alert]').hidden",
    );
    is_right(&browser, "a refused sign-in");
}

#[test]
fn events_that_cannot_be_read_fit_a_phone_whatever_they_contain() {
    let Some(browser) = Browser::start(Size::Phone) else {
        return;
    };
    let shop = Shop::open(0);
    let mut order =
        crate::it::channel_webhooks::rig::shopify_order(79, 1, "2026-05-04T10:12:31+02:00");
    order["currency"] = json!("USD");
    order["note"] = json!("x".repeat(2_000));
    shop.shopify("orders/create", "narrow", &order).is(200);
    shop.holds(1);
    browser.go(&format!("http://{}/?tenant=acme#/quarantine", shop.http));
    browser.until_main("EUR only");
    browser.until_main("Calle Sol 4");
    is_right(&browser, "an unreadable event");
    browser.click("#discard");
    browser.until("a question", "return document.querySelector('#ask').open");
    is_right(&browser, "the question to discard");
}

/// The rows of the table of costs, as texts.
fn rows(browser: &Browser) -> Vec<Vec<String>> {
    let found = browser.js(
        "return [...document.querySelectorAll('[aria-label=Bottlenecks] tbody tr')]\
         .map((row) => [...row.querySelectorAll('td')].map((one) => one.textContent))",
    );
    serde_json::from_value(found).expect("texts")
}

#[test]
fn the_bottlenecks_of_orders_are_ranked_by_what_their_waiting_costs() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(300);
    for order in stage.place(5) {
        stage.until_state(&order, |state| ["DELIVERED", "COMPLETED"].contains(&state));
    }
    let data = "/dashboard/data/bottlenecks";
    let has = |told: &Value, kind: &str| {
        let all = told["bottlenecks"].as_array().expect("a list");
        all.iter().any(|row| row["kind"] == kind)
    };
    stage.until(data, |told| {
        ["step", "provider", "carrier", "channel"]
            .iter()
            .all(|kind| has(told, kind))
    });
    // Until the last event is in the history, what is shown and what is compared may differ.
    let end_ns = onhand::clock::monotonic_ns() + 120_000_000_000;
    loop {
        browser.open(&stage, "bottlenecks", "light");
        browser.until(
            "rows",
            "return document.querySelectorAll('[aria-label=Bottlenecks] tbody tr').length > 3",
        );
        // An hour's wage a second: so the cents of a fast test can be told apart.
        browser.js(
            "const rate = document.querySelector('input[name=rate]'); rate.value = '60';\
             rate.dispatchEvent(new Event('input'))",
        );
        let shown: Vec<f64> = rows(&browser)
            .iter()
            .map(|row| row[5].parse().expect("a cost"))
            .collect();
        let told = stage.get(data);
        let all = told["bottlenecks"].as_array().expect("a list");
        let mut costs: Vec<f64> = all.iter().map(cost_at_60).collect();
        costs.sort_by(|a, b| b.total_cmp(a));
        let same = |(a, b): (&f64, &f64)| (a - b).abs() < 0.011;
        if shown.len() == costs.len() && shown.iter().zip(&costs).all(same) {
            assert!(shown[0] > 0.0, "the highest first: {shown:?}");
            break;
        }
        assert!(
            onhand::clock::monotonic_ns() < end_ns,
            "{shown:?}, {costs:?}"
        );
    }
    browser.accessible("ranked bottlenecks");
    browser.shot("bottlenecks-ranked");
    // One kind alone, and ten times the price.
    let first = rows(&browser);
    browser.choose("select[name=kind]", "provider");
    let providers = rows(&browser);
    assert!(!providers.is_empty() && providers.len() < first.len());
    assert!(
        providers.iter().all(|row| row[0] == "provider"),
        "{providers:?}"
    );
    browser.js(
        "const rate = document.querySelector('input[name=rate]'); rate.value = '0';\
         rate.dispatchEvent(new Event('input'))",
    );
    assert!(rows(&browser).iter().all(|row| row[5] == "0.00"));
}

/// Average minutes × 60 × volume.
fn cost_at_60(row: &Value) -> f64 {
    let number = |name: &str| -> f64 {
        let text = row[name].as_str().expect("a text");
        text.parse().expect("a number")
    };
    number("average_ms") / 60_000.0 * 60.0 * number("volume")
}
