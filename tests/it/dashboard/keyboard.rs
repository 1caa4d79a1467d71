//! Where the focus goes, and that a page stays as fresh as it says.

use super::browser::{Browser, ENTER, Size};
use super::stage::Stage;
use serde_json::{Value, json};

#[test]
fn the_skip_link_stays_on_the_page_and_an_action_by_keyboard_does_not_lose_the_focus() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(60_000);
    stage.refuse_messages();
    stage.place(2);
    browser.go(&stage.page("letters"));
    browser.until(
        "both letters",
        "return document.querySelectorAll('[aria-label=\"One by one\"] tbody tr').length === 2",
    );
    browser.tab_to(".skip");
    browser.press(ENTER);
    let focused = browser.js("return [location.hash, document.activeElement.id]");
    assert_eq!(focused, json!(["#/letters", "main"]));
    browser.tab_to("[aria-label='One by one'] tbody tr:last-child button.risk");
    browser.press(ENTER);
    browser.answer(&["nobody misses it"]);
    browser.until(
        "one letter left",
        "return document.querySelectorAll('[aria-label=\"One by one\"] tbody tr').length === 1",
    );
    let lost = browser.js("return document.activeElement === document.body");
    assert_eq!(lost, Value::from(false));
    assert!(browser.errors().is_empty(), "{:?}", browser.errors());
}

#[test]
fn lists_show_what_is_new_by_themselves_and_large_numbers_as_they_are() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(60_000);
    browser.go(&stage.page("orders"));
    browser.until_main("No order is in process.");
    let customer = 9_007_199_254_740_993; // more than a number of a script can say
    let order = stage.sell(2, customer);
    browser.until_main(&customer.to_string());
    browser.go(&stage.page(&format!("orders/{order}")));
    browser.until_main(&customer.to_string());
    browser.go(&stage.page("stock"));
    let available = |units: u32| {
        let script = format!(
            "return [...document.querySelectorAll('tbody tr')]\
             .find((one) => one.textContent.startsWith('shoe-42'))\
             ?.querySelector('td[data-label=available]').textContent === '{units}'"
        );
        browser.until("units", &script);
    };
    available(8);
    stage.sell(3, 1);
    available(5);
    // Of what is not known the sale says nothing good.
    browser.go(&format!("http://{}/?tenant=nobody#/sale", stage.http));
    browser.until_main("unknown: units promised beyond what is there");
    let shown = browser.js(
        "return [...document.querySelectorAll('.truth')].map((one) =>\
         [one.querySelector('.value').textContent, one.classList.contains('good')])",
    );
    assert_eq!(shown, json!([["?", false], ["?", false]]));
}
