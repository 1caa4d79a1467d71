//! Stock and money, as people correct them by the page.

use super::browser::{Browser, Size};
use super::stage::Stage;
use serde_json::json;

#[test]
fn stock_is_corrected_by_a_click_and_the_audit_says_who_and_why() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let stage = Stage::start(1_000);
    browser.go(&stage.page("stock"));
    browser.until_main("mug-red");
    browser.js("document.querySelector('input[name=sku]').focus()");
    browser.press("shoe");
    browser.press(super::browser::ENTER);
    browser.until(
        "one SKU",
        "return document.querySelectorAll('tbody tr').length === 1",
    );
    browser.click("[data-action=adjust]");
    browser.until("a question", "return document.querySelector('#ask').open");
    browser.accessible("the question for a correction");
    browser.shot("adjust");
    browser.answer(&["-3", "broken in the warehouse"]);
    browser.until(
        "what is there now",
        "return document.querySelector('td[data-label=\"on hand\"]').textContent === '7'",
    );
    let told = stage.until("/dashboard/data/audit", |told| {
        told.to_string().contains("broken in the warehouse")
    });
    let entry = &told["audit"][0];
    assert_eq!(
        (&entry["actor"], &entry["what"]),
        (&json!("anonymous"), &json!("stock"))
    );
    browser.go(&stage.page("audit"));
    browser.until_main("broken in the warehouse");
    let row = browser.js("return document.querySelector('tbody tr').textContent");
    let row = row.as_str().expect("a row");
    for part in ["anonymous", "shoe-42 at berlin", "-3 units"] {
        assert!(row.contains(part), "{part}: {row}");
    }
}

#[test]
fn what_channels_may_sell_is_shown_with_rule_sales_publication_and_campaign() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::with_channels(1_000);
    let quota = json!({ "sku": "mug-red", "rule": "quota", "units": 50 });
    stage.change("PUT", "/v1/channels/1/rules", &quota);
    let cap = json!({ "sku": "shoe-42", "rule": "cap", "units": 4 });
    stage.change("PUT", "/v1/channels/1/rules", &cap);
    let campaign = json!({
        "name": "Singles Day", "from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z",
        "items": [{ "sku": "mug-red", "units": 20 }],
    });
    stage.change("POST", "/v1/channels/1/campaigns", &campaign);
    stage.place_at(1, 3);
    let sold = |told: &serde_json::Value| {
        let channels = told["channels"].as_array().expect("a list");
        let shop = channels.iter().find(|one| one["number"] == 1);
        shop.is_some_and(|shop| shop["published"].as_u64() > Some(0))
    };
    stage.until("/v1/channels", sold);
    browser.go(&stage.page("stock"));
    browser.until_main("mug-red");
    browser.until(
        "the channels",
        "return document.querySelectorAll('select[name=view] option').length >= 3",
    );
    browser.choose("select[name=view]", "1");
    browser.until_main("What shopify-eu is to offer");
    let cell = |sku: &str, name: &str| {
        format!(
            "const row = [...document.querySelectorAll('tbody tr')]\
             .find((one) => one.textContent.startsWith('{sku}'));\
             return row.querySelector('td[data-label=\"{name}\"]').textContent"
        )
    };
    let shown = |sku: &str, name: &str| {
        let text = browser.js(&cell(sku, name));
        text.as_str().expect("a text").to_owned()
    };
    assert_eq!(shown("mug-red", "rule"), "quota its own 50");
    assert_eq!(shown("shoe-42", "rule"), "cap at most 4");
    assert_eq!(shown("shoe-42", "to publish"), "4");
    assert!(shown("mug-red", "campaign").starts_with("Singles Day running"));
    // What the channel acknowledged is what it is to offer, once it has all come.
    browser.until(
        "the last publication",
        "document.querySelector('form').requestSubmit();\
         const row = [...document.querySelectorAll('tbody tr')]\
             .find((one) => one.textContent.startsWith('mug-red'));\
         const of = (name) => row.querySelector(`td[data-label=\"${name}\"]`).textContent;\
         return of('to publish') === of('published last')",
    );
    browser.accessible("stock by channel");
    browser.shot("stock-channel");
    browser.go(&stage.page("sale"));
    stage.place_at(1, 5);
    browser.until_main("shopify-eu");
    browser.until(
        "the age of what it shows",
        "return [...document.querySelectorAll('[aria-labelledby=truth-title] td[data-label=p99]')]\
             .some((one) => one.textContent.includes('ms'))",
    );
    browser.accessible("the sale");
    browser.shot("sale-channels");
}

#[test]
fn money_is_given_back_by_a_click() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(60_000);
    let order = stage.place(1)[0].clone();
    stage.until_state(&order, |state| state == "FULFILLING");
    browser.go(&stage.page(&format!("orders/{order}")));
    browser.until(
        "money that was taken",
        "return document.querySelector('[data-action=refund]')?.disabled === false",
    );
    browser.until(
        "its timeline",
        "return document.querySelectorAll('.timeline li').length > 5",
    );
    browser.accessible("an order on its way");
    browser.click("[data-action=refund]");
    browser.until("a question", "return document.querySelector('#ask').open");
    let amount = browser.js("return document.activeElement.value");
    assert_eq!(amount, json!("44.70"));
    browser.answer(&["", "arrived broken"]);
    browser.until_main("given back 44.70 EUR");
    browser.until_main("arrived broken");
    browser.shot("refund");
}

#[test]
fn money_of_a_currency_without_cents_is_given_back_as_it_is_shown() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(60_000);
    let order = stage.place_in(392, 1)[0].clone(); // yen
    stage.until_state(&order, |state| state == "FULFILLING");
    browser.go(&stage.page(&format!("orders/{order}")));
    browser.until_main("captured 4,470 JPY");
    browser.click("[data-action=refund]");
    browser.until("a question", "return document.querySelector('#ask').open");
    let asked = browser.js(
        "const field = document.querySelector('#ask input[name=amount]');\
         const asked = [field.value, field.step, field.min, field.parentElement.textContent];\
         field.value = '470';\
         return asked",
    );
    assert_eq!(asked, json!(["4470", "1", "1", "Amount in JPY"]));
    browser.answer(&["", "a tenth too much"]);
    browser.until_main("given back 470 JPY");
    let shown = stage.get(&format!("/v1/orders/{order}"));
    assert_eq!(shown["process"]["refunded"], 470, "{shown}");

    // Amounts of other currencies, by the digits that the server says they have.
    browser.js("import('/dashboard/assets/lib.js').then((lib) => { window.lib = lib; })");
    browser.until("the page's own code", "return !!window.lib");
    for (currency, minor, text, shown) in [
        (978, 4_470, "44.70", "44.70 EUR"),
        (978, 7, "0.07", "0.07 EUR"),
        (704, 4_470_000, "4470000", "4,470,000 VND"),
        (414, 4_470, "4.470", "4.470 KWD"),
        (999, 4_470, "4470", "4,470 minor units of currency 999"),
    ] {
        let told = browser.js(&format!(
            "return [lib.decimal({minor}, {currency}), lib.money({minor}, {currency}), \
             lib.minorUnits('{text}', {currency})]"
        ));
        assert_eq!(told, json!([text, shown, minor]));
    }
    for (currency, text) in [(392, "0.5"), (978, "44.701"), (978, "-1"), (978, "1e3")] {
        let told = browser.js(&format!("return lib.minorUnits('{text}', {currency})"));
        assert_eq!(told, json!(null), "{text} of {currency} is no amount");
    }
}
