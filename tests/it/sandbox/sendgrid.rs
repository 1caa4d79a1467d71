//! SendGrid in the sandbox.

use super::pairs::{Pair, pair, run};
use super::world::{effects, moving, still};
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::sendgrid::{CALLBACK_HEADER, CALLBACK_SECRET, KEY};
use serde_json::{Value, json};

fn mail(to: &str) -> Value {
    json!({"personalizations": [{"to": [{"email": to}], "custom_args": {"engine_msg": "m-1"}}],
        "from": {"email": "shop@example.com"}, "subject": "Order 1042",
        "content": [{"type": "text/plain", "value": "Thank you."}]})
}

fn without(name: &str) -> String {
    let mut mail = mail("ana@example.com");
    mail.as_object_mut().unwrap().remove(name);
    mail.to_string()
}

fn post(what: &str, body: &str) -> Pair {
    pair(what, "POST", "/v3/mail/send").bearer(KEY).json(body)
}

#[tokio::test]
async fn a_mail_is_taken_with_an_empty_body_or_refused_with_the_field_that_is_wrong() {
    let sandbox = still();
    let good = mail("ana@example.com").to_string();
    let mut templated = mail("ana@example.com");
    templated.as_object_mut().unwrap().remove("content");
    templated["template_id"] = json!("d-1");
    let numbers = good.replace("\"m-1\"", "1");
    let path = "/v3/mail/send";
    let pairs = [
        post("good", &good).answers(202),
        post("by template", &templated.to_string()).answers(202),
        pair("no key", "POST", path).json(&good).answers(401),
        pair("wrong key", "POST", path)
            .bearer("SG.x")
            .json(&good)
            .answers(401)
            .text("revoked"),
        pair("a form", "POST", path)
            .bearer(KEY)
            .form("to=ana")
            .answers(415),
        pair("read", "GET", path).bearer(KEY).answers(405),
        post("no JSON", "{").answers(400),
        post("nobody", &without("personalizations"))
            .answers(400)
            .says("/errors/0/field", "personalizations"),
        post("from nobody", &without("from"))
            .answers(400)
            .says("/errors/0/field", "from.email"),
        post("no subject", &without("subject"))
            .answers(400)
            .says("/errors/0/field", "subject"),
        post("no content", &without("content"))
            .answers(400)
            .says("/errors/0/field", "content"),
        post("no address", &mail("ana").to_string())
            .answers(400)
            .says("/errors/0/message", "Does not contain a valid address."),
        post("a number as argument", &numbers).answers(400),
        pair("elsewhere", "POST", "/v3/mail")
            .bearer(KEY)
            .json(&good)
            .answers(404),
    ];
    run(&sandbox, "sendgrid", &pairs).await;
    let messages = effects(&sandbox, "sendgrid", "message");
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["order"], "ana@example.com");
    assert_eq!(messages[0]["detail"]["subject"], "Order 1042");
    assert_eq!(messages[0]["detail"]["text"], "Thank you.");
    assert_eq!(messages[0]["detail"]["arguments"]["engine_msg"], "m-1");
    assert_eq!(messages[1]["detail"]["template"], "d-1");
}

#[tokio::test]
async fn a_mail_is_reported_as_delivered_or_bounced_with_the_callers_arguments() {
    let (sandbox, receiver) = moving().await;
    for (to, event) in [
        ("ana@example.com", "delivered"),
        ("ana@bounce.example", "bounce"),
    ] {
        let before = receiver.arrived().len();
        run(
            &sandbox,
            "sendgrid",
            &[post("send", &mail(to).to_string()).answers(202)],
        )
        .await;
        let arrived = receiver.wait_for(before + 1).await;
        let report = &arrived[before];
        assert_eq!(report.path, "/callbacks/sendgrid");
        assert_eq!(report.header(CALLBACK_HEADER), CALLBACK_SECRET);
        assert_eq!(report.json()[0]["event"], event);
        assert_eq!(report.json()[0]["email"], to);
        assert_eq!(report.json()[0]["engine_msg"], "m-1");
    }
}

#[tokio::test]
async fn too_many_requests_are_refused_in_the_providers_shape() {
    let sandbox = still();
    let mut rule = Rule::new("sendgrid", Kind::Status);
    rule.status = Some(429);
    sandbox.fault(rule).unwrap();
    let refused = post("send", &mail("ana@example.com").to_string())
        .answers(429)
        .says("/errors/0/message", "too many requests")
        .says("/errors/0/field", Value::Null);
    run(&sandbox, "sendgrid", &[refused]).await;
}
