//! Every answer of Stripe, as a table; then what happens after an answer was lost.

mod after;

use super::*;
use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
use crate::adapters::payment::tests::call;
use crate::types::effect::EffectClass::{
    Absent, ActionRequired, Declined, Done, Pending, Refused, Retry, Unknown,
};
use crate::types::effect::EffectKind::{
    PaymentAuthorise, PaymentCapture, PaymentQuery, PaymentRefund, PaymentVoid,
};
use serde_json::json;

type Expected = (EffectClass, bool, u64, &'static str);

fn stripe(base_url: &str) -> Stripe {
    let mut options = ProviderOptions {
        name: "stripe".into(),
        kind: "stripe".into(),
        base_url: base_url.into(),
        timeout_ms: 300,
        ..ProviderOptions::default()
    };
    options
        .secrets
        .insert("secret_key".into(), Secret::new("sk_test_1"));
    Stripe::new(&options).unwrap()
}

fn intent(status: &str, effect: &str) -> serde_json::Value {
    let captured = if status == "succeeded" { 4_470 } else { 0 };
    let held = if status == "requires_capture" {
        4_470
    } else {
        0
    };
    json!({"id": "pi_1", "object": "payment_intent", "status": status, "amount": 4470,
        "amount_capturable": held, "amount_received": captured, "currency": "eur",
        "metadata": {"effect": effect},
        "next_action": {"type": "redirect_to_url"},
        "last_payment_error": {"code": "card_declined", "decline_code": "lost_card",
            "message": "No."}})
}

fn shown(status: &str) -> Canned {
    answer(200, &intent(status, "x").to_string())
}

fn list(intents: &[serde_json::Value], has_more: bool) -> Canned {
    let list = json!({"object": "list", "data": intents, "has_more": has_more});
    answer(200, &list.to_string())
}

fn error(status: u16, kind: &str, code: &str) -> Canned {
    let error = json!({"error": {"type": kind, "code": code, "message": "Sorry.",
        "payment_intent": {"id": "pi_1"}}});
    answer(status, &error.to_string())
}

async fn run(call: &Call, answers: Vec<Canned>) -> (Outcome, Vec<crate::adapters::canned::Asked>) {
    let server = CannedServer::start(answers).await;
    let outcome = stripe(&server.url).call(call).await;
    (outcome, server.asked())
}

#[tokio::test]
async fn a_method_that_takes_the_money_at_once_is_captured_with_its_authorisation() {
    let mut call = call(PaymentAuthorise);
    let (_, asked) = run(&call, vec![shown("requires_capture")]).await;
    assert!(asked[0].body.contains("capture_method=manual"), "{asked:?}");
    call.step = crate::types::pipeline::ONE_STEP.to_owned();
    let (outcome, asked) = run(&call, vec![shown("succeeded")]).await;
    assert_eq!((outcome.class, outcome.amount), (Done, 4_470));
    let method = "capture_method=automatic";
    assert!(asked[0].body.contains(method), "{asked:?}");
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // one table
async fn every_answer_to_an_authorisation_is_classified() {
    let cases: Vec<(&str, Canned, Expected)> = vec![
        ("held", shown("requires_capture"), (Done, false, 0, "")),
        ("captured", shown("succeeded"), (Done, false, 0, "")),
        (
            "3-D Secure",
            shown("requires_action"),
            (ActionRequired, false, 0, "requires_action"),
        ),
        (
            "processing",
            shown("processing"),
            (Pending, false, 0, "processing"),
        ),
        (
            "declined with 200",
            shown("requires_payment_method"),
            (Declined, false, 0, "card_declined"),
        ),
        (
            "cancelled",
            shown("canceled"),
            (Declined, false, 0, "canceled"),
        ),
        (
            "a state of tomorrow",
            shown("requires_poetry"),
            (Unknown, true, 0, "unexpected_state"),
        ),
        (
            "declined",
            error(402, "card_error", "card_declined"),
            (Declined, false, 0, "card_declined"),
        ),
        (
            "402 without a body",
            answer(402, ""),
            (Declined, false, 0, "http_402"),
        ),
        (
            "200 without a body",
            answer(200, ""),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "200 with a page",
            answer(200, "<html>ok</html>"),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "200 with an error",
            error(200, "api_error", ""),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "200 with half an object",
            answer(200, r#"{"id":"pi_1","object":"payment_intent"}"#),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "bad request",
            error(400, "invalid_request_error", "parameter_missing"),
            (Refused, false, 0, "parameter_missing"),
        ),
        (
            "key used otherwise",
            error(400, "idempotency_error", ""),
            (Unknown, false, 0, "idempotency_error"),
        ),
        (
            "credentials",
            error(401, "invalid_request_error", ""),
            (Refused, false, 0, "invalid_request_error"),
        ),
        (
            "permissions",
            answer(403, ""),
            (Refused, false, 0, "credentials"),
        ),
        (
            "no such thing",
            answer(404, ""),
            (Refused, false, 0, "http_404"),
        ),
        (
            "conflict",
            error(409, "invalid_request_error", "lock_timeout"),
            (Retry, false, 0, "lock_timeout"),
        ),
        (
            "the first attempt is at work",
            error(409, "idempotency_error", "idempotency_key_in_use"),
            (Unknown, false, 0, "idempotency_key_in_use"),
        ),
        (
            "too many",
            answer_with(429, &["retry-after: 7"], "{}"),
            (Retry, true, 7_000, "rate_limited"),
        ),
        (
            "too many, told not to retry",
            answer_with(429, &["stripe-should-retry: false"], "{}"),
            (Refused, true, 0, "rate_limited"),
        ),
        (
            "bad request, told to retry",
            answer_with(400, &["stripe-should-retry: true"], "{}"),
            (Retry, false, 0, "http_400"),
        ),
        (
            "server error",
            error(500, "api_error", ""),
            (Unknown, true, 0, "api_error"),
        ),
        (
            "a proxy's error",
            answer(502, "<html>bad gateway</html>"),
            (Unknown, true, 0, "http_502"),
        ),
        (
            "server error, told not to retry",
            answer_with(503, &["stripe-should-retry: false"], ""),
            (Unknown, true, 0, "http_503"),
        ),
        ("no answer", Canned::Silence, (Unknown, true, 0, "timeout")),
        (
            "lost connection",
            Canned::Drop,
            (Unknown, true, 0, "connection_lost"),
        ),
    ];
    for (name, canned, expected) in cases {
        let (outcome, asked) = run(&call(PaymentAuthorise), vec![canned]).await;
        assert_eq!(gist(&outcome), expected, "{name}: {}", outcome.message);
        assert_eq!(asked.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_refused_connection_did_not_happen() {
    let outcome = stripe("http://127.0.0.1:1")
        .call(&call(PaymentAuthorise))
        .await;
    assert_eq!(gist(&outcome), (Retry, true, 0, "connect"));
}

#[tokio::test]
async fn an_authorisation_asks_for_the_order_under_its_key() {
    let call = call(PaymentAuthorise);
    let (outcome, asked) = run(&call, vec![shown("requires_capture")]).await;
    assert_eq!((outcome.amount, outcome.currency), (4_470, 978));
    assert_eq!(outcome.reference, "pi_1");
    let request = &asked[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v1/payment_intents")
    );
    assert_eq!(request.headers["idempotency-key"], call.key);
    assert_eq!(request.headers["authorization"], "Bearer sk_test_1");
    assert_eq!(request.headers["stripe-version"], API_VERSION);
    let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body.as_bytes())
        .into_owned()
        .collect();
    for (name, value) in [
        ("amount", "4470"),
        ("currency", "eur"),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
        ("metadata[order_id]", "00000000000000000000000000000abc"),
        ("metadata[effect]", call.key.as_str()),
    ] {
        assert!(form.contains(&(name.into(), value.into())), "{name}");
    }
}

#[tokio::test]
async fn what_stripe_cannot_charge_is_refused_without_a_call() {
    for (currency, token, code) in [
        (978, "", "no_payment_token"),
        (352, "pm_1", "currency"),
        (0, "pm_1", "currency"),
    ] {
        let mut call = call(PaymentAuthorise);
        let mut facts = (*call.facts).clone();
        facts.currency = currency;
        token.clone_into(&mut facts.details.payment_token);
        call.facts = Arc::new(facts);
        let (outcome, asked) = run(&call, vec![]).await;
        assert_eq!(gist(&outcome), (Refused, false, 0, code));
        assert!(asked.is_empty());
    }
}

#[tokio::test]
async fn a_replayed_server_error_is_settled_by_reading_back() {
    let call = call(PaymentAuthorise);
    let replay = || answer_with(500, &["idempotent-replayed: true"], "{}");
    let made = intent("requires_capture", &call.key);
    let (outcome, _) = run(&call, vec![replay(), list(&[made], false)]).await;
    assert_eq!(gist(&outcome), (Done, false, 0, ""));
    let empty = || list(&[], false);
    let (outcome, asked) = run(&call, vec![replay(), empty(), empty()]).await;
    assert_eq!(outcome.class, Retry, "absent from search and list");
    assert!(asked[1].path.starts_with("/v1/payment_intents/search?"));
    assert!(asked[2].path.starts_with("/v1/payment_intents?"));
    let (outcome, _) = run(&call, vec![replay(), answer(503, "")]).await;
    assert_eq!(outcome.class, Unknown, "reading back failed");
    let mut second = call.clone();
    second.attempt = 2;
    let (outcome, _) = run(&second, vec![answer(500, ""), empty(), empty()]).await;
    assert_eq!(outcome.class, Retry, "a replay that does not say so");
}

#[tokio::test]
async fn a_query_finds_what_an_effect_made() {
    let call = call(PaymentQuery);
    let own = |status: &str| intent(status, &call.target_key);
    let other = intent("requires_capture", "another");
    let empty = || list(&[], false);
    let cases = vec![
        (vec![list(&[own("requires_capture")], false)], Done),
        (vec![list(&[own("succeeded")], false)], Done),
        (
            vec![list(&[own("requires_payment_method")], false)],
            Declined,
        ),
        (vec![list(&[own("requires_action")], false)], ActionRequired),
        (vec![list(&[own("processing")], false)], Pending),
        (
            vec![empty(), list(std::slice::from_ref(&other), false)],
            Absent,
        ),
        (
            vec![
                empty(),
                list(std::slice::from_ref(&other), true),
                list(&[own("succeeded")], false),
            ],
            Done,
        ),
        (vec![answer(404, ""), empty()], Absent),
        (vec![empty(), answer(503, "")], Unknown),
        (vec![answer(429, "")], Retry),
        (vec![answer(200, "")], Unknown),
        (vec![Canned::Silence], Unknown),
    ];
    for (answers, class) in cases {
        let name = format!("{answers:?}");
        let (outcome, _) = run(&call, answers).await;
        assert_eq!(outcome.class, class, "{name}");
    }
    let endless = vec![list(&[other], true); 1 + PAGES_MAX];
    let (outcome, _) = run(&call, endless).await;
    assert_eq!(gist(&outcome), (Unknown, true, 0, "lookup_incomplete"));
}

#[tokio::test]
async fn a_query_by_reference_reads_the_payment_back() {
    let mut call = call(PaymentQuery);
    call.reference = "pi_1".into();
    for (canned, class) in [
        (shown("requires_capture"), Done),
        (answer(404, ""), Absent),
        (answer(401, ""), Refused),
    ] {
        let (outcome, asked) = run(&call, vec![canned]).await;
        assert_eq!(outcome.class, class);
        assert_eq!(asked[0].path, "/v1/payment_intents/pi_1");
    }
}

#[tokio::test]
async fn the_key_is_never_shown() {
    let stripe = stripe("http://127.0.0.1:1");
    assert!(!format!("{stripe:?}").contains("sk_test"));
    let outcome = stripe.call(&call(PaymentAuthorise)).await;
    assert!(!format!("{outcome:?}").contains("sk_test"));
}
