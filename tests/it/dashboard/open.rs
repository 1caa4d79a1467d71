//! Pages for people who are no operators: the buyer's link, and the API's document to try out.

use super::browser::{Browser, Size};
use super::stage::Stage;
use serde_json::Value;

/// The link of an order's buyer.
fn link(stage: &Stage, order: &str) -> String {
    let shown = stage.get(&format!("/v1/orders/{order}"));
    let path = shown["track"].as_str().expect("a link");
    format!("http://{}{path}", stage.http)
}

/// The page of an order that is on its way, of a cancelled one, and of none.
fn links(stage: &mut Stage) -> [(String, &'static str); 3] {
    let orders = stage.place(2);
    for order in &orders {
        stage.until_state(order, |state| state == "FULFILLING");
    }
    let path = format!("/v1/orders/{}/cancel", orders[1]);
    let reason = serde_json::json!({ "reason": "changed their mind" });
    stage.change("POST", &path, &reason);
    stage.until_state(&orders[1], |state| state == "CANCELLED");
    [
        (link(stage, &orders[0]), "Your order: Confirmed"),
        (link(stage, &orders[1]), "Your order: Cancelled"),
        (format!("http://{}/track/AAAA", stage.http), "No such order"),
    ]
}

#[test]
fn a_buyers_page_is_accessible_light_and_dark_and_fits_wall_and_phone() {
    for size in [Size::Wall, Size::Phone] {
        let Some(browser) = Browser::start(size) else {
            return;
        };
        let mut stage = Stage::start(60_000);
        for (url, title) in links(&mut stage) {
            for scheme in ["light", "dark"] {
                browser.prefer(scheme);
                browser.go(&url);
                let head = browser.js("return document.querySelector('h1').textContent");
                assert_eq!(head, title);
                let dark = browser.js("return matchMedia('(prefers-color-scheme: dark)').matches");
                assert_eq!(dark, scheme == "dark");
                let found = browser.axe();
                assert!(found.is_empty(), "{title}, {scheme}: {found:#?}");
                browser.shot(&format!("track-{size:?}-{scheme}"));
            }
            if size == Size::Phone {
                browser.fits(title);
            }
        }
    }
}

#[test]
fn the_page_to_try_the_api_asks_the_server() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let stage = Stage::start(1_000);
    browser.go(&format!("http://{}/docs/", stage.http));
    browser.until(
        "every operation",
        "return document.querySelectorAll('.opblock').length > 50",
    );
    browser.shot("docs");
    assert_eq!(browser.axe(), Vec::<Value>::new());
    browser.js("document.querySelector('[id$=get_status] .opblock-summary-control').click()");
    browser.until("to try", "return !!document.querySelector('.try-out__btn')");
    browser.click(".try-out__btn");
    browser.until("to send", "return !!document.querySelector('.execute')");
    browser.click(".execute");
    browser.shot("docs-asked");
    browser.until(
        "the server's answer",
        "return [...document.querySelectorAll('.live-responses-table .response-col_status')]\
             .some((one) => one.textContent.startsWith('200'))",
    );
    browser.shot("docs-tried");
    browser.js("document.querySelector('[id$=post_holds] .opblock-summary-control').click()");
    browser.until(
        "a body to send",
        "return !!document.querySelector('[id$=post_holds] .opblock-section-request-body')",
    );
    assert_eq!(browser.axe(), Vec::<Value>::new());
}
