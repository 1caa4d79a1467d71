//! The trail of an auditor: what an operator does over REST, as the page and `onhand audit` tell it.

use super::browser::{Browser, ENTER, Size};
use super::stage::Stage;
use crate::it::history::postgres::Server;
use crate::it::process::{finish, onhand};
use crate::it::web::send;
use serde_json::{Value, json};

/// Somebody who gave no token.
const ACTOR: &str = "anonymous";

/// One action: about, what, which, before, after.
type Action<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, Option<&'a str>);

/// What was operated on.
struct Operated {
    hold: String,
    returned: String,
}

/// Defines, sets, edits, returns.
fn operate(stage: &mut Stage) -> Operated {
    let returned = stage.place(1).remove(0);
    stage.change("PUT", "/v1/skus/lamp-7", &json!({ "on_sale": true }));
    stage.change("PUT", "/v1/skus/lamp-7", &json!({ "on_sale": false }));
    stage.change("PUT", "/v1/locations/paris", &json!({ "priority": 7 }));
    stage.change("PUT", "/v1/channels/9", &json!({ "name": "eu-shop" }));
    for rule in [
        json!({ "sku": "mug-red", "rule": "quota", "units": 40 }),
        json!({ "sku": "mug-red", "rule": "cap", "units": 50 }),
        json!({ "sku": "mug-red", "rule": "none" }),
    ] {
        stage.change("PUT", "/v1/channels/9/rules", &rule);
    }
    let campaign = json!({
        "name": "Friday", "from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z",
        "items": [{ "sku": "mug-red", "units": 20 }],
    });
    let planned = stage.change("POST", "/v1/channels/9/campaigns", &campaign);
    stage.until("/v1/channels", |told| {
        told["campaigns"][0]["state"] == "running"
    });
    let end = format!("/v1/campaigns/{}/end", planned["number"]);
    stage.change("POST", &end, &json!({}));
    let mut order = json!({
        "currency": 978, "total": 1000, "lines": [{ "sku": "mug-red", "quantity": 1 }],
    });
    let json = [("content-type", "application/json")];
    let body = order.to_string();
    let held = send(stage.http, "POST", "/v1/holds", &json, body.as_bytes()).is(201);
    let hold = held.json()["order"].as_str().expect("a key").to_owned();
    order["lines"][0]["quantity"] = 2.into();
    stage.change("POST", &format!("/v1/orders/{hold}/edit"), &order);
    stage.until_state(&returned, |state| state == "COMPLETED");
    let back = json!({ "disposition": "damaged" });
    stage.change("POST", &format!("/v1/orders/{returned}/return"), &back);
    Operated { hold, returned }
}

/// Each action is told once, by whom and when.
fn check_page(stage: &Stage, operated: &Operated, begin_ms: u64) {
    let told = stage.until("/dashboard/data/audit", |told| {
        told.to_string().contains("damaged")
    });
    let rows = told["audit"].as_array().expect("a list");
    let mug = "channel 9, mug-red";
    let (quota, cap) = (Some("a quota of 40 units"), Some("at most 50 units"));
    let none = Some("no rule");
    let friday = "channel 9, Friday";
    let (planned, running, ended) = (Some("planned"), Some("running"), Some("ended"));
    let (held, completed) = (Some("HELD"), Some("COMPLETED"));
    let place = Some("at 0, 0 with priority 7");
    let expected: [Action<'_>; 11] = [
        ("sku", "define", "lamp-7", None, Some("on sale")),
        ("sku", "change", "lamp-7", Some("on sale"), Some("off sale")),
        ("location", "define", "paris", None, place),
        (
            "channel",
            "define",
            "channel 9",
            None,
            Some("eu-shop (own)"),
        ),
        ("rule", "set", mug, None, quota),
        ("rule", "set", mug, quota, cap),
        ("rule", "remove", mug, cap, none),
        ("campaign", "plan", friday, None, planned),
        ("campaign", "close", friday, running, ended),
        ("order", "edit", &operated.hold, held, held),
        ("order", "return", &operated.returned, completed, completed),
    ];
    for action in expected {
        assert_told(rows, ACTOR.into(), action, begin_ms);
    }
    let opened = ("campaign", "open", friday, planned, running);
    assert_told(rows, Value::Null, opened, begin_ms);
    let pipelines = ("pipelines", "define", "pipelines", None, Some("set 1"));
    assert_told(rows, "server".into(), pipelines, begin_ms);

    let only = |query: &str| {
        let told = stage.get(&format!("/dashboard/data/audit?{query}"));
        let rows = told["audit"].as_array().expect("a list").clone();
        let actions = rows
            .iter()
            .map(|row| row["action"].as_str().expect("a word").to_owned());
        actions.collect::<Vec<_>>()
    };
    assert_eq!(only("about=rule&actor=anonymous"), ["remove", "set", "set"]);
    assert_eq!(only(&format!("order={}", operated.hold)), ["edit"]);
    assert!(only("actor=nobody").is_empty());
}

#[track_caller]
fn assert_told(rows: &[Value], actor: Value, action: Action<'_>, begin_ms: u64) {
    let (what, word, subject, before, after) = action;
    let is_it = |row: &&Value| {
        row["what"] == what
            && row["action"] == word
            && row["subject"] == subject
            && row["before_value"] == json!(before)
            && row["after_value"] == json!(after)
    };
    let found: Vec<&Value> = rows.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{action:?}: {rows:#?}");
    assert_eq!(
        (&found[0]["actor"], &found[0]["outcome"]),
        (&actor, &json!("done"))
    );
    let time_ms = found[0]["time_ms"]
        .as_str()
        .and_then(|text| text.parse().ok());
    let now_ms = onhand::clock::now_ms();
    assert!(time_ms.is_some_and(|time_ms: u64| (begin_ms..=now_ms).contains(&time_ms)));
}

/// The command line tells the same from the journal.
fn check_command(stage: &Stage, operated: &Operated) {
    let told = |more: &[&str]| -> Vec<Value> {
        let mut command = onhand();
        command
            .arg("audit")
            .args(more)
            .arg("--data")
            .arg(stage.data());
        let said = finish(&mut command).exits(0);
        let lines = said.out.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("JSON lines")
    };
    let all = told(&["--actor", ACTOR, "--from", "2026-01-01T00:00:00Z"]);
    let (quota, cap, none) = ("a quota of 40 units", "at most 50 units", "no rule");
    for (action, before, after) in [
        ("SkuDefined", Value::Null, "on sale"),
        ("SkuChanged", "on sale".into(), "off sale"),
        ("LocationDefined", Value::Null, "at 0, 0 with priority 7"),
        ("ChannelDefined", Value::Null, "eu-shop"),
        ("ChannelRuleSet", none.into(), quota),
        ("ChannelRuleSet", quota.into(), cap),
        ("ChannelRuleSet", cap.into(), none),
        ("CampaignDefined", Value::Null, "planned"),
        ("CampaignEnded", "running".into(), "ended"),
    ] {
        let is_it =
            |it: &&Value| it["action"] == action && it["before"] == before && it["after"] == after;
        let found = all.iter().find(is_it);
        let found = found.unwrap_or_else(|| panic!("{action} to {after}: {all:#?}"));
        assert_eq!(
            (&found["actor"], &found["tenant"]),
            (&json!(ACTOR), &json!("default"))
        );
        assert!(
            found["time"]
                .as_str()
                .is_some_and(|time| time.starts_with("20"))
        );
    }
    let edit = told(&["--order", &operated.hold]);
    let edit = edit.iter().find(|it| it["before"] == "HELD");
    assert_eq!(edit.expect("the next version")["action"], "OrderAccepted");
    let back = told(&["--order", &operated.returned, "--actor", ACTOR]);
    assert!(
        back.iter().any(|it| it["action"] == "OrderReturned"),
        "{back:#?}"
    );
    let server = told(&["--actor", "server"]);
    let set = server.iter().find(|it| it["action"] == "PipelinesDefined");
    let set = set.expect("the pipelines");
    assert_eq!(
        (&set["before"], &set["after"]),
        (&Value::Null, &json!("set 1"))
    );
    assert!(told(&["--actor", ACTOR, "--to", "2026-01-01T00:00:00Z"]).is_empty());
}

#[test]
fn rules_campaigns_edits_returns_and_definitions_are_told_with_actor_time_before_and_after() {
    let begin_ms = onhand::clock::now_ms();
    let mut stage = Stage::start(300);
    let operated = operate(&mut stage);
    check_page(&stage, &operated, begin_ms);
    check_command(&stage, &operated);
}

#[test]
fn postgresql_tells_rules_campaigns_edits_returns_and_definitions_as_well() {
    let Some(server) = Server::start() else {
        return;
    };
    let begin_ms = onhand::clock::now_ms();
    let mut stage = Stage::with_history(300, &server.url("postgres", "sslmode=disable"));
    let operated = operate(&mut stage);
    check_page(&stage, &operated, begin_ms);
}

#[test]
fn the_page_shows_what_a_rule_was_and_is_and_asks_for_one_kind_of_actions_or_one_actor() {
    let Some(browser) = Browser::start(Size::Wall) else {
        return;
    };
    let stage = Stage::start(1_000);
    stage.change("PUT", "/v1/channels/9", &json!({ "name": "eu-shop" }));
    for units in [40, 60] {
        let rule = json!({ "sku": "mug-red", "rule": "quota", "units": units });
        stage.change("PUT", "/v1/channels/9/rules", &rule);
    }
    browser.go(&stage.page("audit"));
    browser.until_main("a quota of 60 units");
    let row = browser
        .js("return [...document.querySelector('tbody tr').cells].map((it) => it.textContent)");
    let cells = row.as_array().expect("cells");
    let expected = [
        "anonymous",
        "rule",
        "set",
        "channel 9, mug-red",
        "a quota of 40 units",
        "a quota of 60 units",
        "done",
    ];
    assert_eq!(cells[1..8], expected.map(Value::from), "{cells:?}");
    browser.accessible("the trail");
    browser.choose("select[name=about]", "channel");
    browser.until(
        "channels only",
        "return document.querySelectorAll('tbody tr').length === 1",
    );
    browser.until_main("eu-shop (own)");
    browser.js("document.querySelector('input[name=actor]').focus()");
    browser.press("nobody");
    browser.press(ENTER);
    browser.until_main("Nobody has done such a thing in this time.");
}
