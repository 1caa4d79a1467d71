//! Slack in the sandbox.

use super::pairs::{Pair, pair, run};
use super::world::{effects, limited, still};
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::slack::PATH;

fn post(what: &str, body: &str) -> Pair {
    pair(what, "POST", PATH).json(body)
}

#[tokio::test]
async fn a_message_is_answered_with_ok_and_an_error_in_plain_words() {
    let sandbox = still();
    let wrong_secret = PATH.replace("sandboxsecret", "other");
    let wrong_channel = PATH.replace("B0SANDBOX", "B1");
    let blocks = r#"{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*1042* held"}}]}"#;
    let form = "payload=%7B%22text%22%3A%22Order+1043+on+hold%22%7D";
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(40_001));
    let refused = |what: &str, body: &str, text: &str| post(what, body).answers(400).text(text);
    let pairs = [
        post("text", r#"{"text":"Order 1042 on hold"}"#).text("ok"),
        post("blocks", blocks).text("ok"),
        pair("a form", "POST", PATH).form(form).text("ok"),
        refused("no JSON", "{", "invalid_payload"),
        refused("a list", "[]", "invalid_payload"),
        refused("nothing", "{}", "no_text"),
        refused("an empty text", r#"{"text":""}"#, "no_text"),
        refused("a block", r#"{"text":"x","blocks":{}}"#, "invalid_blocks"),
        refused(
            "an odd block",
            r#"{"text":"x","blocks":[{"type":"poem"}]}"#,
            "invalid_blocks",
        ),
        refused(
            "a bare section",
            r#"{"blocks":[{"type":"section"}]}"#,
            "invalid_blocks",
        ),
        refused("too long", &long, "msg_too_long"),
        pair("wrong secret", "POST", &wrong_secret)
            .json("{}")
            .answers(404)
            .text("no_service"),
        pair("wrong channel", "POST", &wrong_channel)
            .json("{}")
            .answers(404)
            .text("channel_not_found"),
    ];
    run(&sandbox, "slack", &pairs).await;
    let messages = effects(&sandbox, "slack", "message");
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[0]["detail"]["text"], "Order 1042 on hold");
    assert_eq!(
        messages[1]["detail"]["blocks"][0]["text"]["text"],
        "*1042* held"
    );
}

#[tokio::test]
async fn one_message_a_second_passes_and_the_next_is_told_to_wait_a_second() {
    let sandbox = limited();
    let pairs = [
        post("first", r#"{"text":"1"}"#),
        post("second", r#"{"text":"2"}"#)
            .answers(429)
            .text("rate_limited")
            .has("retry-after", "1"),
    ];
    run(&sandbox, "slack", &pairs).await;
}

#[tokio::test]
async fn faults_carry_the_providers_words() {
    let sandbox = still();
    for (status, text) in [
        (403, "action_prohibited"),
        (410, "channel_is_archived"),
        (500, "rollup_error"),
    ] {
        let mut rule = Rule::new("slack", Kind::Status);
        (rule.status, rule.count) = (Some(status), Some(1));
        sandbox.fault(rule).unwrap();
        run(
            &sandbox,
            "slack",
            &[post("a fault", "{}").answers(status).text(text)],
        )
        .await;
    }
}
