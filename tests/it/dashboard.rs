//! The dashboard in a browser: what people see, and what they do with a mouse or by keyboard alone.
//!
//! With `ONHAND_SCREENSHOTS=DIRECTORY` every page that is looked at is kept there as a picture.

mod addresses;
pub mod browser;
mod events;
mod found;
mod goods;
mod keyboard;
mod narrow;
mod open;
mod roles;
mod stage;
mod stale;
mod stream;
mod systems;
mod trail;

use browser::{Browser, Size};
use serde_json::Value;
use stage::Stage;

/// Every page, by the name in its address.
const PAGES: [&str; 9] = [
    "flow",
    "sale",
    "orders",
    "review",
    "letters",
    "stock",
    "bottlenecks",
    "audit",
    "quarantine",
];

/// Notes the most that is counted down from until each attempt of a payment.
const WATCH_COUNTDOWNS: &str = "window.countdowns = {};\
    setInterval(() => {\
        for (const row of document.querySelectorAll('.retry')) {\
            const found = /^payment authorise at .*attempt (\\d+)/.exec(row.textContent);\
            const [, attempt] = found ?? [];\
            const seconds = parseFloat(row.querySelector('.count').textContent);\
            if (!attempt || !(seconds > (window.countdowns[attempt] ?? 0))) continue;\
            window.countdowns[attempt] = seconds;\
        }\
    }, 20);";

#[test]
fn a_simulated_payment_failure_is_watched_from_the_click_to_the_decision_by_keyboard() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(1_000);
    browser.go(&stage.page("flow"));
    browser.until(
        "live figures",
        "return window.fresh?.dataset.state === 'live'",
    );
    let first = stage.place(20);
    browser.until(
        "dots on their way",
        "return document.querySelectorAll('.dot').length > 0",
    );
    browser.shot("flow");
    for order in &first {
        let paid = ["SHIPPED", "DELIVERED", "COMPLETED"];
        stage.until_state(order, |state| paid.contains(&state));
    }
    browser.js(WATCH_COUNTDOWNS);
    browser.click("#simulate");
    let heard = |kind: &str| format!("return !!document.querySelector('.news [data-kind={kind}]')");
    browser.until("a retry", &heard("retry"));
    browser.until(
        "a countdown",
        "return /^[0-9.]+ s$/.test(document.querySelector('.retry .count')?.textContent ?? '')",
    );
    browser.until("the customer is told", &heard("message"));
    browser.shot("failure");
    browser.until("the breaker opens", &heard("breaker"));
    browser.until("the backup takes over", &heard("failover"));
    let counted = browser.js("return window.countdowns");
    let waits = [("2", 2.0), ("3", 4.0), ("4", 8.0)];
    let from = waits.map(|(attempt, seconds)| (counted[attempt].as_f64(), seconds));
    let longer = |(from, seconds): &(Option<f64>, f64)| from.is_some_and(|from| from > *seconds);
    assert!(!from.iter().any(longer), "longer than it waits: {counted}");
    // The page hears of an attempt a frame after it failed, and counts down from there. On a busy machine
    // the browser may be put aside for longer than one of them waits.
    let whole = |(from, seconds): &&(Option<f64>, f64)| from.is_some_and(|it| it >= seconds - 1.0);
    assert!(
        from.iter().filter(whole).count() >= 2,
        "2, 4, 8 s: {counted}"
    );
    browser.click("[data-node=payment]");
    browser.until(
        "both providers in order",
        "const found = [...document.querySelectorAll('.provider h3')].map((one) => one.textContent);\
         return found[0] === '1. stripe' && found[1] === '2. authorize_net'",
    );
    browser.accessible("a system's details");
    browser.shot("system");
    browser.until("an order in review", &heard("review"));
    browser.until("the team is alerted", &heard("alert"));
    browser.until(
        "it is over",
        "return !document.querySelector('#simulate').hasAttribute('aria-disabled')",
    );
    let order = stage.only_review();

    // From here on by keyboard alone.
    browser.tab_to("a[data-page=review]");
    browser.press(browser::ENTER);
    browser.until(
        "the order's context",
        "return !!document.querySelector('#approve')",
    );
    browser.until(
        "its timeline",
        "return !!document.querySelector('.timeline li')",
    );
    browser.shot("review");
    browser.tab_to("#approve");
    browser.press(browser::ENTER);
    browser.until("a question", "return document.querySelector('#ask').open");
    browser.press("processors are back");
    browser.press(browser::ENTER);
    browser.until(
        "what became of it",
        "return document.querySelector('#said').textContent.includes('Approved')",
    );
    stage.until_state(&order, |state| state != "REVIEW");
    let told = stage.timeline(&order);
    let decision = told.iter().find(|event| event["what"] == "decision");
    let decision = decision.expect("the decision is in the history");
    assert_eq!(decision["event"], "approve");
    assert_eq!(decision["detail"], "processors are back");
    assert_eq!(decision["actor"], "anonymous");
}

#[test]
fn a_page_says_that_its_figures_are_old_and_goes_on_by_itself_when_the_server_is_back() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(1_000);
    browser.go(&stage.page("flow"));
    let live = "return window.fresh?.dataset.state === 'live' \
                && document.getElementById('stale').hidden";
    browser.until("live figures", live);
    browser.js("window.mark = 'the same page'");
    stage.stop();
    browser.until(
        "a warning",
        "return !document.getElementById('stale').hidden \
         && document.getElementById('stale').textContent.includes('No figures since') \
         && window.fresh.dataset.state === 'stale'",
    );
    browser.shot("stale");
    assert_eq!(browser.axe(), Vec::<Value>::new());
    stage.start_again();
    browser.until("live figures again", live);
    stage.place(5);
    browser.until(
        "new orders on the old page",
        "return window.mark === 'the same page' \
         && Number(document.querySelector('[data-node=crm] [data-stat=rate] b').textContent.split('/')[0]) > 0",
    );
    assert!(browser.errors().is_empty(), "{:?}", browser.errors());
}

#[test]
fn an_order_is_found_and_cancelled_by_keyboard_alone() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(60_000); // parcels wait in the warehouse
    let order = stage.place(3)[1].clone();
    stage.until_state(&order, |state| state == "FULFILLING");
    browser.go(&stage.page("orders"));
    browser.until(
        "the orders",
        "return document.querySelectorAll('tbody tr').length === 3",
    );
    browser.tab_to("input[name=q]");
    browser.press("w00001");
    browser.press(browser::ENTER);
    browser.until(
        "the one with the channel's id",
        "return document.querySelectorAll('tbody tr').length === 1",
    );
    browser.shot("orders");
    browser.tab_to("tbody a");
    browser.press(browser::ENTER);
    browser.until(
        "its timeline",
        "return document.querySelectorAll('.timeline li').length > 5",
    );
    browser.shot("order");
    browser.tab_to("[data-action=cancel]");
    browser.press(browser::ENTER);
    browser.until("a question", "return document.querySelector('#ask').open");
    browser.press("the buyer changed their mind");
    browser.press(browser::ENTER);
    stage.until_state(&order, |state| state == "CANCELLED");
    browser.until(
        "the page says so",
        "return document.querySelector('h1').textContent.includes('cancelled')",
    );
    browser.go(&stage.page("audit"));
    browser.until(
        "the action in the audit",
        "return document.querySelector('main').textContent.includes('the buyer changed their mind')",
    );
    browser.shot("audit");
}

#[test]
fn dead_letters_of_one_cause_are_driven_again_together() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(60_000);
    stage.refuse_messages();
    stage.place(5);
    browser.go(&stage.page("letters"));
    browser.until(
        "one cause with all letters",
        "return [...document.querySelectorAll('button.main')].some((one) => one.textContent.startsWith('Redrive 5'))",
    );
    browser.shot("letters");
    stage.restore();
    browser.click("button.main");
    browser.until("a question", "return document.querySelector('#ask').open");
    browser.press("the mail provider is back");
    browser.press(browser::ENTER);
    browser.until(
        "what became of them",
        "return document.querySelector('.head [role=status]').textContent.startsWith('5 driven again: 5 recovered')",
    );
    browser.until(
        "none left",
        "return !document.querySelector('main button.main')",
    );
}

#[test]
fn every_page_is_accessible_light_and_dark_and_fits_the_wall() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(1_000);
    stage.refuse_messages();
    stage.place(12);
    for theme in ["light", "dark"] {
        for page in PAGES {
            if page == "sale" {
                stage.offer(u64::from(theme == "dark") * 1_000, 900);
            }
            browser.open(&stage, page, theme);
            let found = browser.axe();
            assert!(found.is_empty(), "{page}, {theme}: {found:#?}");
            browser.shot(&format!("{page}-{theme}"));
            let overflow = browser.js(
                "return [document.documentElement.scrollWidth - innerWidth, \
                 document.documentElement.scrollHeight - innerHeight]",
            );
            assert!(overflow[0].as_i64() <= Some(0), "{page}: {overflow}");
            if ["flow", "sale"].contains(&page) {
                assert!(
                    overflow[1].as_i64() <= Some(0),
                    "{page} scrolls: {overflow}"
                );
                assert_large(&browser, page);
            }
            assert!(
                browser.errors().is_empty(),
                "{page}: {:?}",
                browser.errors()
            );
        }
    }
}

/// Main figures are read from across the room.
fn assert_large(browser: &Browser, page: &str) {
    let sizes = browser.js(
        "return [...document.querySelectorAll('.live, .value')].map((one) => \
         [one.textContent, parseFloat(getComputedStyle(one).fontSize)])",
    );
    let sizes = sizes.as_array().expect("a list");
    assert!(sizes.len() >= 6, "{page}: {sizes:?}");
    for size in sizes {
        assert!(size[1].as_f64() >= Some(48.0), "{page}: {size}");
    }
    if page == "sale" {
        let largest = browser.js(
            "const size = (one) => parseFloat(getComputedStyle(one).fontSize);\
             const all = [...document.querySelectorAll('main *')]\
                 .filter((one) => one.children.length === 0 && one.textContent);\
             const most = Math.max(...all.map(size));\
             return all.filter((one) => size(one) === most).map((one) => one.parentElement.textContent)",
        );
        let said = largest.to_string();
        assert!(said.contains("OVERSOLD") && said.contains("LOST"), "{said}");
    }
}

#[test]
fn every_page_fits_a_phone_without_sideways_scroll() {
    let Some(browser) = Browser::start(Size::Phone) else {
        return;
    };
    let mut stage = Stage::start(60_000);
    stage.refuse_messages();
    let order = stage.place(4)[0].clone();
    stage.until_state(&order, |state| state == "FULFILLING");
    let one = format!("orders/{order}");
    for page in PAGES.into_iter().chain([one.as_str()]) {
        browser.open(&stage, page, "light");
        let name = page.split('/').next().unwrap_or(page);
        let name = if page == one { "order" } else { name };
        browser.shot(&format!("{name}-phone"));
        let beyond = browser.js("return [document.documentElement.scrollWidth, innerWidth, \
             ...[...document.querySelectorAll('main *')] \
             .filter((one) => one.getBoundingClientRect().right > innerWidth + 1) \
             .filter((one) => !one.closest('.scroll, .hush, svg, thead')) \
             .map((one) => one.outerHTML.slice(0, 120))]");
        let parts = beyond.as_array().expect("a list");
        assert!(parts[0].as_i64() <= Some(360), "{page}: {beyond}");
        assert_eq!(parts.len(), 2, "{page}: {beyond}");
    }
    browser.click(".menu");
    let open = browser.js("return getComputedStyle(document.querySelector('.top nav')).display");
    assert_eq!(open, Value::from("flex"), "the menu opens");
}

#[test]
fn a_token_opens_a_session_in_the_browser_and_signing_out_ends_it() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let (stage, token) = Stage::guarded();
    browser.go(&stage.page("review"));
    browser.until(
        "the sign-in page",
        "return !!document.querySelector('.login')",
    );
    browser.shot("login");
    assert!(browser.axe().is_empty(), "{:?}", browser.axe());
    browser.press("oh_not-this-one");
    browser.press(browser::ENTER);
    browser.until(
        "a refusal",
        "return !document.querySelector('[role=alert]').hidden",
    );
    browser.press(&token);
    browser.press(browser::ENTER);
    browser.until(
        "live figures",
        "return window.fresh?.dataset.state === 'live'",
    );
    let readable = browser.js("return document.cookie");
    assert_eq!(readable, Value::from(""), "no script reads the cookie");
    browser.click(".who button:last-child");
    browser.until(
        "the sign-in page",
        "return !!document.querySelector('.login')",
    );
}
