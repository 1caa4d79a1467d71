//! That a page says what is old, wherever one looks at it.

use super::browser::{Browser, Size};
use super::stage::Stage;
use serde_json::json;

const LIVE: &str = "return window.fresh?.dataset.state === 'live' \
                    && document.getElementById('stale').hidden";
const STALE: &str = "return !document.getElementById('stale').hidden";

/// How far the page is longer than the screen, in pixels.
fn beyond(browser: &Browser) -> i64 {
    let beyond = browser.js("return document.documentElement.scrollHeight - innerHeight");
    beyond.as_i64().expect("pixels")
}

#[test]
fn a_page_on_a_wall_fits_it_also_while_it_says_that_its_figures_are_old() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(1_000);
    stage.place(5);
    for page in ["flow", "sale"] {
        browser.open(&stage, page, "light");
        assert!(beyond(&browser) <= 0, "{page}: {}", beyond(&browser));
        stage.stop();
        browser.until("a warning", STALE);
        assert!(beyond(&browser) <= 0, "stale {page}: {}", beyond(&browser));
        let hidden = browser.js(
            "const last = document.querySelector('.wall > :last-child').getBoundingClientRect();\
             const warning = document.getElementById('stale').getBoundingClientRect();\
             return [last.bottom > innerHeight, warning.top < 0, warning.height < 20]",
        );
        assert_eq!(hidden, json!([false, false, false]), "{page}");
        browser.shot(&format!("stale-{page}"));
        stage.start_again();
        browser.until("live figures again", LIVE);
        assert!(beyond(&browser) <= 0, "{page}: {}", beyond(&browser));
    }
}

#[test]
fn whoever_reads_far_down_a_list_is_warned_there_and_stays_there() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(600_000);
    let orders = stage.place(70);
    browser.open(&stage, "orders", "light");
    browser.until(
        "all orders",
        "return document.querySelectorAll('tbody tr').length === 70",
    );
    // The fortieth order is the first one on the screen, with room for the warning above it.
    let place = format!(
        "const row = [...document.querySelectorAll('tbody tr')]\
             .find((one) => one.querySelector('a').getAttribute('href').endsWith('{}'));",
        orders[40]
    );
    let top = |browser: &Browser| {
        let top = browser.js(&format!("{place} return row.getBoundingClientRect().top"));
        top.as_f64().expect("pixels")
    };
    browser.js(&format!(
        "{place} scrollTo(0, scrollY + row.getBoundingClientRect().top - 200)"
    ));
    let read = top(&browser);
    assert!((150.0..250.0).contains(&read), "{read}");
    assert!(browser.js("return scrollY").as_f64() > Some(300.0));

    stage.stop();
    browser.until("a warning", STALE);
    let warning = browser.js(
        "const at = document.getElementById('stale').getBoundingClientRect();\
         return at.top >= 0 && at.bottom <= 100 && at.height > 20",
    );
    assert_eq!(warning, json!(true), "it is in sight");
    assert!((top(&browser) - read).abs() < 60.0, "{}", top(&browser));
    browser.accessible("a long list that is old");
    stage.start_again();
    browser.until("live figures again", LIVE);
    assert!((top(&browser) - read).abs() < 60.0, "{}", top(&browser));
    // What is new comes to the end of the list, and moves nobody.
    stage.place(5);
    browser.until(
        "the new orders",
        "return document.querySelectorAll('tbody tr').length === 75",
    );
    assert!((top(&browser) - read).abs() < 60.0, "{}", top(&browser));
    assert!(browser.errors().is_empty(), "{:?}", browser.errors());
}
