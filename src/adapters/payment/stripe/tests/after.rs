//! What follows an authorisation: capture, void, refund.

use super::*;

fn about(kind: EffectKind, attempt: u8) -> Call {
    let mut call = call(kind);
    call.reference = "pi_1".into();
    call.attempt = attempt;
    call
}

#[tokio::test]
async fn a_capture_happens_once() {
    let wrong_state = || error(400, "invalid_request_error", WRONG_STATE);
    let cases: Vec<(u8, Vec<Canned>, Expected)> = vec![
        (1, vec![shown("succeeded")], (Done, false, 0, "")),
        (
            1,
            vec![shown("requires_capture")],
            (Unknown, true, 0, "unexpected_state"),
        ),
        (
            1,
            vec![wrong_state(), shown("succeeded")],
            (Done, false, 0, ""),
        ),
        (
            1,
            vec![wrong_state(), shown("canceled")],
            (Declined, false, 0, "canceled"),
        ),
        (
            1,
            vec![wrong_state(), shown("requires_action")],
            (Refused, false, 0, "requires_action"),
        ),
        (1, vec![answer(500, "")], (Unknown, true, 0, "http_500")),
        (
            2,
            vec![answer(500, ""), shown("succeeded")],
            (Done, false, 0, ""),
        ),
        (
            2,
            vec![
                answer(500, ""),
                shown("requires_capture"),
                shown("succeeded"),
            ],
            (Done, false, 0, ""),
        ),
        (
            2,
            vec![answer(500, ""), answer(500, "")],
            (Unknown, true, 0, "http_500"),
        ),
        (
            1,
            vec![answer(200, "")],
            (Unknown, true, 0, "unexpected_answer"),
        ),
    ];
    for (attempt, answers, expected) in cases {
        let name = format!("{answers:?}");
        let (outcome, asked) = run(&about(PaymentCapture, attempt), answers).await;
        assert_eq!(gist(&outcome), expected, "{name}");
        assert_eq!(asked[0].path, "/v1/payment_intents/pi_1/capture");
        assert_eq!(asked[0].body, "amount_to_capture=4470");
        if asked.len() == 3 {
            let key = format!("{}-2", asked[0].headers["idempotency-key"]);
            assert_eq!(asked[2].headers["idempotency-key"], key);
        }
    }
    let mut partial = about(PaymentCapture, 1);
    partial.amount = 2_000;
    let wrong = vec![wrong_state(), shown("succeeded")];
    let (outcome, _) = run(&partial, wrong).await;
    assert_eq!(gist(&outcome), (Refused, false, 0, "captured_before"));
}

#[tokio::test]
async fn a_void_ends_when_no_money_is_held() {
    let refund = r#"{"id":"re_1","object":"refund","status":"succeeded","amount":4470,
        "currency":"eur"}"#;
    let wrong_state = || error(400, "invalid_request_error", WRONG_STATE);
    let cases: Vec<(u8, Vec<Canned>, Expected)> = vec![
        (1, vec![shown("canceled")], (Done, false, 0, "")),
        (1, vec![answer(404, "")], (Absent, false, 0, "")),
        (
            1,
            vec![wrong_state(), shown("canceled")],
            (Done, false, 0, ""),
        ),
        (
            1,
            vec![wrong_state(), shown("succeeded"), answer(200, refund)],
            (Done, false, 0, "refunded"),
        ),
        (
            1,
            vec![wrong_state(), shown("processing")],
            (Retry, false, 0, "processing"),
        ),
        (
            1,
            vec![wrong_state(), shown("requires_capture"), shown("canceled")],
            (Done, false, 0, ""),
        ),
        (1, vec![answer(500, "")], (Unknown, true, 0, "http_500")),
        (
            2,
            vec![
                answer(500, ""),
                shown("requires_capture"),
                shown("canceled"),
            ],
            (Done, false, 0, ""),
        ),
        (1, vec![answer(429, "")], (Retry, true, 0, "rate_limited")),
    ];
    for (attempt, answers, expected) in cases {
        let name = format!("{answers:?}");
        let (outcome, asked) = run(&about(PaymentVoid, attempt), answers).await;
        assert_eq!(gist(&outcome), expected, "{name}");
        assert_eq!(asked[0].path, "/v1/payment_intents/pi_1/cancel");
    }
}

#[tokio::test]
async fn a_void_without_an_id_looks_for_the_payment() {
    let call = call(PaymentVoid);
    let empty = || list(&[], false);
    let (outcome, _) = run(&call, vec![empty(), empty()]).await;
    assert_eq!(outcome.class, Absent);
    let own = intent("requires_capture", &call.target_key);
    let (outcome, asked) = run(&call, vec![list(&[own], false), shown("canceled")]).await;
    assert_eq!(outcome.class, Done);
    assert_eq!(asked[1].headers["idempotency-key"], call.key);
}

#[tokio::test]
async fn a_refund_is_made_once() {
    let key = about(PaymentRefund, 1).key;
    let refund = |status: &str, effect: &str| {
        json!({"id": "re_1", "object": "refund", "status": status, "amount": 4470,
            "currency": "eur", "failure_reason": "lost_or_stolen_card",
            "metadata": {"effect": effect}})
    };
    let given = |status: &str| answer(200, &refund(status, "").to_string());
    let already = || error(400, "invalid_request_error", "charge_already_refunded");
    let cases: Vec<(u8, Vec<Canned>, Expected)> = vec![
        (1, vec![given("succeeded")], (Done, false, 0, "")),
        (1, vec![given("pending")], (Pending, false, 0, "pending")),
        (
            1,
            vec![given("failed")],
            (Declined, false, 0, "refund_failed"),
        ),
        (
            1,
            vec![answer(200, "{}")],
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            1,
            vec![already(), list(&[refund("succeeded", &key)], false)],
            (Done, false, 0, ""),
        ),
        (
            1,
            vec![already(), list(&[refund("succeeded", "by hand")], false)],
            (Refused, false, 0, "charge_already_refunded"),
        ),
        (
            2,
            vec![answer(500, ""), list(&[refund("succeeded", &key)], false)],
            (Done, false, 0, ""),
        ),
        (
            2,
            vec![answer(500, ""), list(&[], false), given("succeeded")],
            (Done, false, 0, ""),
        ),
        (
            2,
            vec![answer(500, ""), answer(503, "")],
            (Unknown, true, 0, "http_503"),
        ),
    ];
    for (attempt, answers, expected) in cases {
        let name = format!("{answers:?}");
        let (outcome, asked) = run(&about(PaymentRefund, attempt), answers).await;
        assert_eq!(gist(&outcome), expected, "{name}");
        assert!(asked[0].body.contains("payment_intent=pi_1"));
        assert!(asked[0].body.contains("amount=4470"));
    }
}
