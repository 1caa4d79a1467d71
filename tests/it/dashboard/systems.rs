//! The systems of the Flow page, one by one, and what a person can do about them.

use super::browser::{Browser, Size};
use super::stage::Stage;

/// The text of the panel beside the news.
const PANEL: &str = "document.querySelector('#system').textContent";

#[test]
fn every_system_shows_providers_endpoints_settings_failover_and_how_long_it_takes() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let mut stage = Stage::start(300);
    for order in stage.place(5) {
        stage.until_state(&order, |state| ["DELIVERED", "COMPLETED"].contains(&state));
    }
    browser.go(&stage.page("flow"));
    browser.until_main("By hand (given)");
    browser.click("button[aria-pressed]:not(.quiet)");
    let panel = |text: &str| {
        browser.until(
            text,
            &format!("return {PANEL}.includes({})", serde_json::json!(text)),
        );
    };
    for given in [
        "figures as given, not measured here",
        "15",
        "12 %",
        "4 to 8 min",
    ] {
        panel(given);
    }
    browser.until(
        "measured figures beside them",
        &format!(
            "return {PANEL}.includes('of calls, retried by themselves') && !{PANEL}.includes('off')"
        ),
    );
    browser.shot("automation");
    for (node, parts) in [
        (
            "intake",
            &["decision", "POST /v1/orders", "Orders in process"][..],
        ),
        ("fraud", &["failover order", "1. ", "orders in fraud check"]),
        (
            "payment",
            &[
                "stripe → authorize_net",
                "2. authorize_net",
                "orders in payment",
            ],
        ),
        (
            "fulfilment",
            &["carriers", "warehouses", "orders in fulfilling"],
        ),
        ("crm", &["who is told", "1. hubspot"]),
        (
            "notification",
            &["who is told", "alerts of the team", "sendgrid"],
        ),
    ] {
        stage.place(1); // durations are of the last minute
        browser.click(&format!("[data-node={node}]"));
        let open = format!("[data-node={node}][aria-expanded=true]");
        browser.until(node, &format!("return !!document.querySelector('{open}')"));
        for part in parts {
            panel(part);
        }
        if node != "intake" {
            for part in [
                "retry4 attempts, after 2 s, 4 s, 8 s",
                "breakeropens after 5 failures",
            ] {
                panel(part);
            }
            for part in [
                "endpoint",
                "a call, waits and retries included",
                "Isolate",
                "Reset",
            ] {
                panel(part);
            }
        }
        browser.shot(&format!("system-{node}"));
    }
    browser.accessible("a system's details");

    // One provider is taken out, and let in again.
    browser.click("[data-node=crm]");
    panel("1. hubspot");
    browser.click(".provider button.risk");
    browser.until("a question", "return document.querySelector('#ask').open");
    browser.answer(&[]);
    panel("isolated");
    browser.until(
        "its system says so",
        "return document.querySelector('[data-node=crm]').textContent.includes('breaker isolated')",
    );
    browser.click(".provider button:not(.risk)");
    browser.answer(&[]);
    browser.until(
        "closed again",
        "return document.querySelector('.provider .chip').textContent === 'closed'",
    );
    stage.until("/dashboard/data/audit", |told| {
        let rows = told["audit"].as_array().expect("a list");
        let breaker = rows.iter().filter(|row| row["what"] == "breaker");
        breaker.filter(|row| row["subject"] == "hubspot").count() == 2
    });
}
