//! Who may only read sees what there is, and nothing that would be refused.

use super::browser::{Browser, ENTER, Size};
use super::stage::Stage;
use serde_json::{Value, json};

/// What is known of the order that is looked at.
const REVIEWED: &str = "[aria-label='The order in review'] dl.facts";

/// Signs in with a token.
fn sign_in(browser: &Browser, stage: &Stage, token: &str) {
    browser.go(&stage.page("flow"));
    browser.until(
        "the sign-in page",
        "return !!document.querySelector('.login')",
    );
    browser.press(token);
    browser.press(ENTER);
    browser.until(
        "live figures",
        "return window.fresh?.dataset.state === 'live'",
    );
}

/// What each page shows to everybody, by a script, and the buttons of those who may act.
fn pages(
    order: &str,
    oversold: &str,
    unaddressed: &str,
) -> Vec<(String, String, Vec<&'static str>)> {
    let has = |css: &str| format!("return !!document.querySelector({})", json!(css));
    let all = [
        (
            "flow".to_owned(),
            has(".provider h3"),
            vec!["Isolate", "Reset", "Simulate payment failure"],
        ),
        (
            format!("orders/{order}"),
            has(".timeline li:nth-child(6)"),
            vec!["Cancel", "Refund"],
        ),
        (
            format!("review/{oversold}"),
            has(REVIEWED),
            vec!["Approve", "Decline", "Cancel"],
        ),
        (
            format!("review/{unaddressed}"),
            has(REVIEWED),
            vec!["Approve", "Save the address"],
        ),
        (
            "letters".to_owned(),
            has("[aria-label='One by one'] tbody tr"),
            vec!["Redrive", "Give up"],
        ),
        ("stock".to_owned(), has("tbody tr"), vec!["Adjust"]),
        (
            "quarantine".to_owned(),
            has("[aria-labelledby=mappings-title] tbody tr"),
            vec!["Add", "Change", "Remove"],
        ),
    ];
    all.into()
}

/// The texts of all buttons of the page.
fn buttons(browser: &Browser) -> Vec<String> {
    let found = browser.js("return [...document.querySelectorAll('main button')]\
         .filter((one) => one.checkVisibility()).map((one) => one.textContent.trim())");
    serde_json::from_value(found).expect("texts")
}

/// The order in review for a reason.
fn reviewed(stage: &Stage, reason: &str) -> String {
    let told = stage.get("/v1/review");
    let all = told["orders"].as_array().expect("a list");
    let found = all.iter().find(|one| one["review_reason"] == reason);
    let found = found.unwrap_or_else(|| panic!("none for {reason}: {told}"));
    found["order"].as_str().expect("a key").to_owned()
}

#[test]
fn who_may_only_read_sees_every_page_and_no_button_for_what_operators_do() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let (mut stage, tokens) = Stage::with_roles();
    stage.refuse_messages();
    let order = stage.place(2)[0].clone();
    stage.until_state(&order, |state| state == "FULFILLING");
    stage.sell(20, 7); // there are ten
    stage.order_by_message();
    stage.until("/v1/review", |told| {
        told["orders"].as_array().is_some_and(|all| all.len() == 2)
    });
    let oversold = reviewed(&stage, "channel_oversold");
    let unaddressed = reviewed(&stage, "address_missing");
    for (token, may_act) in tokens.iter().zip([true, false]) {
        sign_in(&browser, &stage, token);
        for (page, shows, actions) in pages(&order, &oversold, &unaddressed) {
            browser.go(&stage.page(&page));
            if page == "flow" {
                browser.until(
                    "the systems",
                    "return !!document.querySelector('[data-node=payment]')",
                );
                browser.click("[data-node=payment]");
            }
            browser.until(&format!("what {page} shows"), &shows);
            if may_act {
                // Buttons come with what they are about, or a moment later.
                let wanted = json!(actions);
                let script = format!(
                    "const all = [...document.querySelectorAll('main button')].map((one) => one.textContent.trim());\
                     return {wanted}.every((name) => all.some((one) => one.startsWith(name)))"
                );
                browser.until(&format!("the actions of {page}"), &script);
                continue;
            }
            let found = buttons(&browser);
            let offered = found
                .iter()
                .find(|name| actions.iter().any(|action| name.starts_with(action)));
            assert_eq!(offered, None, "{page}: {found:?}");
            let form = browser.js("return !!document.querySelector('form.address')");
            assert_eq!(form, Value::from(false), "{page}");
        }
        assert!(browser.errors().is_empty(), "{:?}", browser.errors());
        if !may_act {
            browser.go(&stage.page(&format!("review/{unaddressed}")));
            browser.until_main("an operator can say where it is to go");
            browser.accessible("a review of somebody who may only read");
            browser.shot("reader");
        }
        browser.click(".who button:last-child");
        browser.until(
            "the sign-in page",
            "return !!document.querySelector('.login')",
        );
    }
}
