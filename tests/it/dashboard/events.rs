//! What channels sent and could not be taken, on the page: mapped, driven again, given up.

use super::browser::{Browser, ENTER, Size};
use crate::it::channel_webhooks::rig::{Shop, shopify_order};
use onhand::types::OrderState;
use serde_json::json;

const FIRST: &str = "2026-05-04T10:12:31+02:00";

fn page(shop: &Shop, name: &str) -> String {
    format!("http://{}/?tenant=acme#/{name}", shop.http)
}

#[test]
fn an_unmapped_event_is_mapped_and_taken_and_a_quarantined_one_is_driven_again_or_given_up() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let shop = Shop::open(10);
    let mut order = shopify_order(77, 2, FIRST);
    order["line_items"][0]["sku"] = json!(null);
    shop.shopify("orders/create", "w-1", &order).is(200);
    let mut wrong = shopify_order(78, 1, FIRST);
    wrong["currency"] = json!("USD");
    shop.shopify("orders/create", "w-2", &wrong).is(200);
    shop.holds(2);
    browser.go(&page(&shop, "quarantine"));
    browser.until(
        "both events",
        "return document.querySelectorAll('[data-event]').length === 2",
    );
    // The oldest is looked at first, with all that was received but its signature.
    browser.until_main("no SKU stands for item 4400000000001");
    browser.until_main("Calle Sol 4");
    browser.accessible("quarantine");
    browser.shot("quarantine-event");
    browser.click("#map");
    browser.until("a question", "return document.querySelector('#ask').open");
    let label = browser.js("return document.querySelector('#ask label').textContent");
    assert_eq!(label, json!("SKU for item 4400000000001"));
    browser.shot("map");
    browser.answer(&["nothing-like-it"]);
    browser.until(
        "a refusal",
        "return document.querySelector('#said').textContent.includes('was not mapped')",
    );
    browser.click("#map");
    browser.answer(&["shirt"]);
    shop.waits_for(1, "77", OrderState::FraudCheck);
    browser.until_main("EUR only");
    browser.until(
        "the mapping in its list",
        "return document.querySelector('[aria-labelledby=mappings-title] tbody')\
             ?.textContent.includes('4400000000001')",
    );
    browser.shot("mappings");

    // What is wrong stays wrong: it comes back with its reason, and is given up by keyboard.
    browser.click("#redrive");
    browser.answer(&["currencies are open now"]);
    shop.holds(1);
    browser.until(
        "the event, back again",
        "return document.querySelectorAll('[data-event]').length === 1 \
             && !!document.querySelector('#discard') \
             && document.querySelector('[data-event] .chip').textContent === 'quarantined'",
    );
    browser.tab_to("#discard");
    browser.press(ENTER);
    browser.answer(&["not our currency"]);
    browser.until_main("Nothing waits for a person.");
    shop.holds(0);
    assert!(browser.errors().is_empty(), "{:?}", browser.errors());

    // Each of these actions is in the audit, with who and why.
    browser.go(&page(&shop, "audit"));
    for text in [
        "currencies are open now",
        "not our currency",
        "item 4400000000001",
    ] {
        browser.until_main(text);
    }
    browser.shot("audit-events");
}

#[test]
fn the_quarantine_fits_a_phone() {
    let Some(browser) = Browser::start(Size::Phone) else {
        return;
    };
    let shop = Shop::open(1);
    let mut wrong = shopify_order(78, 1, FIRST);
    wrong["currency"] = json!("USD");
    shop.shopify("orders/create", "w-2", &wrong).is(200);
    shop.holds(1);
    browser.go(&page(&shop, "quarantine"));
    browser.until_main("Calle Sol 4");
    browser.shot("quarantine-event-phone");
    let width = browser.js("return document.documentElement.scrollWidth");
    assert!(width.as_i64() <= Some(360), "{width}");
}
