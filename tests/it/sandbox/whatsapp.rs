//! WhatsApp in the sandbox.

use super::pairs::{Pair, pair, run};
use super::world::{effects, limited, moving, still};
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::sign;
use onhand::sandbox::whatsapp::{APP_SECRET, TOKEN};
use serde_json::{Value, json};

const PATH: &str = "/v23.0/106000/messages";

fn message(to: &str, template: &str) -> Value {
    json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": to,
        "type": "template", "biz_opaque_callback_data": "m-1",
        "template": {"name": template, "language": {"code": "en_US"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "1042"}]}]}})
}

fn send(what: &str, body: &Value) -> Pair {
    pair(what, "POST", PATH)
        .bearer(TOKEN)
        .json(&body.to_string())
}

fn refused(what: &str, body: &Value, status: u16, code: u32) -> Pair {
    send(what, body)
        .answers(status)
        .says("/error/code", code)
        .says("/error/type", "OAuthException")
}

#[tokio::test]
async fn a_template_message_is_accepted_or_refused_with_the_providers_code() {
    let sandbox = still();
    let good = message("34600000000", "order_confirmed");
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let pairs = [
        send("good", &good)
            .says("/messaging_product", "whatsapp")
            .says("/contacts/0/wa_id", "34600000000")
            .text("wamid."),
        pair("no token", "POST", PATH)
            .json(&good.to_string())
            .answers(401),
        pair("wrong token", "POST", PATH)
            .bearer("x")
            .json(&good.to_string())
            .answers(401)
            .says("/error/code", 190),
        pair("another's number", "POST", "/v23.0/1/messages")
            .bearer(TOKEN)
            .json(&good.to_string())
            .answers(400)
            .says("/error/code", 100),
        pair("a form", "POST", PATH)
            .bearer(TOKEN)
            .form("to=1")
            .answers(400),
        refused(
            "no product",
            &changed("/messaging_product", Value::Null),
            400,
            100,
        ),
        refused("nobody", &changed("/to", json!("")), 400, 131_008),
        refused("no number", &changed("/to", json!("ana")), 400, 100),
        refused("free text", &changed("/type", json!("text")), 400, 131_047),
        refused("odd type", &changed("/type", json!("poem")), 400, 100),
        refused(
            "no template",
            &changed("/template/name", json!("")),
            400,
            131_008,
        ),
        refused(
            "no language",
            &changed("/template/language/code", json!("")),
            400,
            131_008,
        ),
        refused(
            "not approved",
            &changed("/template/name", json!("not_approved")),
            404,
            132_001,
        ),
        refused(
            "odd name",
            &changed("/template/name", json!("Order Paid")),
            404,
            132_001,
        ),
    ];
    run(&sandbox, "whatsapp", &pairs).await;
    let messages = effects(&sandbox, "whatsapp", "message");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["detail"]["template"], "order_confirmed");
    assert_eq!(messages[0]["detail"]["parameters"], json!(["1042"]));
}

#[tokio::test]
async fn what_became_of_a_message_is_reported_and_signed() {
    let (sandbox, receiver) = moving().await;
    for (to, count, last) in [
        ("34600000000", 2, "delivered"),
        ("15550000026", 1, "failed"),
    ] {
        let before = receiver.arrived().len();
        run(
            &sandbox,
            "whatsapp",
            &[send("send", &message(to, "shipped"))],
        )
        .await;
        let arrived = receiver.wait_for(before + count).await;
        let mut found = None;
        for report in &arrived[before..] {
            assert_eq!(report.path, "/callbacks/whatsapp");
            let digest = hex::encode(sign::sha256(APP_SECRET.as_bytes(), &[&report.body]));
            assert_eq!(
                report.header("x-hub-signature-256"),
                format!("sha256={digest}")
            );
            let status = report.json()["entry"][0]["changes"][0]["value"]["statuses"][0].clone();
            assert_eq!(status["biz_opaque_callback_data"], "m-1");
            found = found.or((status["status"] == last).then_some(status));
        }
        let found = found.unwrap_or_else(|| panic!("no {last} for {to}"));
        let code = if last == "failed" {
            json!(131_026)
        } else {
            Value::Null
        };
        assert_eq!(found["errors"][0]["code"], code);
    }
}

#[tokio::test]
async fn a_second_message_to_one_recipient_within_six_seconds_meets_the_pair_limit() {
    let sandbox = limited();
    let (first, other) = (
        message("34600000000", "paid"),
        message("34600000001", "paid"),
    );
    let pairs = [
        send("first", &first),
        refused("second", &first, 400, 131_056),
        send("to another", &other),
    ];
    run(&sandbox, "whatsapp", &pairs).await;
}

#[tokio::test]
async fn faults_carry_the_providers_codes() {
    let sandbox = still();
    for (status, code) in [(429, 130_429), (401, 190), (503, 2), (500, 131_000)] {
        let mut rule = Rule::new("whatsapp", Kind::Status);
        (rule.status, rule.count) = (Some(status), Some(1));
        sandbox.fault(rule).unwrap();
        let body = message("34600000000", "paid");
        run(
            &sandbox,
            "whatsapp",
            &[refused("a fault", &body, status, code)],
        )
        .await;
    }
}
