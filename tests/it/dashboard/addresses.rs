//! An order of which nobody has said where it is to go, on the Review page.

use super::browser::{Browser, ENTER, Size};
use crate::it::channel_webhooks::unaddressed::Unaddressed;
use serde_json::{Value, json};

const BACKSPACE: &str = "\u{e003}";

/// Opens the page and waits for the form.
fn open(browser: &Browser, stage: &Unaddressed) {
    browser.go(&format!("http://{}/?tenant=acme#/review", stage.shop.http));
    browser.until(
        "the form for the address",
        "return !!document.querySelector('form.address')",
    );
    browser.until_main("address missing");
}

/// Waits until the focus is on a field that is said to be wrong, right below it and to those who
/// listen; every other field is as it should be.
#[track_caller]
fn is_wrong(browser: &Browser, field: &str, why: &str) {
    let script = format!(
        "const at = document.activeElement;\
         const wrong = document.getElementById({field} + '-wrong');\
         if (at.id !== {field} || !wrong.textContent.includes({why})) return false;\
         const told = at.getAttribute('aria-describedby').split(' ').includes(wrong.id);\
         const below = wrong.getBoundingClientRect().top - at.getBoundingClientRect().bottom;\
         const marked = [...document.querySelectorAll('[aria-invalid=true]')];\
         return told && below >= 0 && below < 60 && marked.length === 1 && marked[0] === at",
        field = json!(field),
        why = json!(why),
    );
    browser.until(&format!("`{why}` beside {field}"), &script);
}

#[test]
fn an_order_without_an_address_gets_one_by_keyboard_is_approved_and_goes_there() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let stage = Unaddressed::open(300);
    open(&browser, &stage);
    browser.accessible("an order without an address");
    browser.shot("address");

    // What is wrong is said beside the field, by the page or by the server.
    browser.tab_to("form.address button");
    browser.press(ENTER);
    let marked = "return document.querySelectorAll('[aria-invalid=true]').length";
    browser.until("both fields are wrong", &format!("{marked} === 2"));
    let focused = browser.js("return document.activeElement.id");
    assert_eq!(focused, "shipping_address");
    browser.accessible("an address that is not there");
    browser.shot("address-wrong");
    browser.press("4242 4242 4242 4242");
    browser.tab_to("#country");
    browser.press("e");
    browser.press(ENTER);
    is_wrong(&browser, "country", "two letters");
    browser.press("s");
    browser.press(ENTER);
    is_wrong(&browser, "shipping_address", "payment card number");
    browser.press(&BACKSPACE.repeat(19));
    browser.press("Calle Sol 4");
    browser.press(ENTER);
    browser.press("28013 Madrid");
    // The list is asked for again meanwhile; what was typed stays.
    browser.js("window.asked = performance.getEntriesByType('resource').length");
    browser.until(
        "the list again",
        "return performance.getEntriesByType('resource').slice(window.asked)\
         .some((one) => one.name.includes('/v1/review') && one.responseEnd > 0)",
    );
    let typed = browser.js(
        "return [document.activeElement.id, document.getElementById('shipping_address').value]",
    );
    let wanted = json!(["shipping_address", "Calle Sol 4\n28013 Madrid"]);
    assert_eq!(typed, wanted);
    browser.tab_to("form.address button");
    browser.press(ENTER);
    browser.until(
        "what became of it",
        "return document.querySelector('#said').textContent.includes('The address is kept')",
    );

    // Its risk is looked at next, as that of every order here.
    stage.until_review("fraud");
    browser.until(
        "the next decision",
        "return !document.querySelector('form.address') && !!document.querySelector('#approve') \
         && document.querySelector('[data-order]')?.textContent.includes('fraud')",
    );
    let lost = browser.js("return document.activeElement === document.body");
    assert_eq!(lost, Value::from(false));
    browser.shot("addressed");
    browser.tab_to("#approve");
    browser.press(ENTER);
    browser.answer(&["the buyer is known"]);
    stage.until_sent();
    let to = stage.destination();
    let parts = ["name", "street1", "city", "zip", "country"].map(|part| &to[part]);
    assert_eq!(parts, ["Ana", "Calle Sol 4", "Madrid", "28013", "ES"]);
    assert!(browser.errors().is_empty(), "{:?}", browser.errors());
}

#[test]
fn the_form_for_an_address_fits_a_phone_and_says_who_was_faster() {
    let Some(browser) = Browser::start(Size::Phone) else {
        return;
    };
    let stage = Unaddressed::open(60_000);
    open(&browser, &stage);
    browser.fits("the form for an address");
    browser.accessible("the form for an address on a phone");
    browser.shot("address-phone");
    browser.js("document.getElementById('shipping_address').focus()");
    browser.press("Calle Sol 4");
    browser.js("document.getElementById('country').focus()");
    browser.press("es");
    // Somebody else changes the order first: this is another version than the one that was seen.
    stage.change(&json!({ "total": 3_900 }));
    browser.press(ENTER);
    browser.until(
        "a refusal",
        "return document.getElementById('address-wrong').textContent.startsWith('Somebody else')",
    );
    browser.fits("a refused address");
    browser.accessible("a refused address on a phone");
    let shown = stage.until_review("address_missing");
    assert_eq!(shown["version"], 2, "{shown}");
    // Nothing of what was typed is lost, and the page knows the version that is to be changed.
    browser.press(ENTER);
    let shown = stage.until_review("fraud");
    assert_eq!(shown["version"], 3, "{shown}");
    assert!(browser.errors().is_empty(), "{:?}", browser.errors());
}
