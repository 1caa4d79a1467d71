//! What follows an authorisation: capture, void, refund.

use super::*;

#[tokio::test]
async fn a_capture_happens_once() {
    let captured = || details("capturedPendingSettlement");
    let cases: Vec<(u8, Vec<Canned>, Expected)> = vec![
        (1, vec![approved()], (Done, false, 0, "")),
        (
            1,
            vec![transaction("3", "0", "311"), captured()],
            (Done, false, 0, ""),
        ),
        (
            1,
            vec![
                transaction("3", "0", "47"),
                details("authorizedPendingCapture"),
            ],
            (Refused, false, 0, "47"),
        ),
        (
            1,
            vec![transaction("3", "0", "16"), details("voided")],
            (Declined, false, 0, "voided"),
        ),
        (2, vec![captured()], (Done, false, 0, "")),
        (
            2,
            vec![details("authorizedPendingCapture"), approved()],
            (Done, false, 0, ""),
        ),
        (2, vec![details("expired")], (Declined, false, 0, "expired")),
        (2, vec![failed("E00040")], (Refused, false, 0, "no_payment")),
        (2, vec![Canned::Drop], (Unknown, true, 0, "connection_lost")),
        (1, vec![answer(502, "")], (Unknown, true, 0, "http_502")),
    ];
    for (attempt, answers, expected) in cases {
        let name = format!("{answers:?}");
        let (outcome, _) = run(&about(PaymentCapture, attempt), answers).await;
        assert_eq!(gist(&outcome), expected, "{name}");
    }
    let mut partial = about(PaymentCapture, 2);
    partial.amount = 2_000;
    let (outcome, _) = run(&partial, vec![captured()]).await;
    assert_eq!(gist(&outcome), (Refused, false, 0, "captured_before"));
}

#[tokio::test]
async fn a_void_ends_when_no_money_is_held() {
    let cases: Vec<(u8, Vec<Canned>, Expected)> = vec![
        (
            1,
            vec![details("authorizedPendingCapture"), approved()],
            (Done, false, 0, ""),
        ),
        (
            1,
            vec![details("capturedPendingSettlement"), approved()],
            (Done, false, 0, ""),
        ),
        (
            1,
            vec![details("FDSPendingReview"), approved()],
            (Done, false, 0, ""),
        ),
        (1, vec![details("voided")], (Done, false, 0, "voided")),
        (1, vec![details("declined")], (Done, false, 0, "declined")),
        (
            1,
            vec![details("settledSuccessfully"), approved()],
            (Done, false, 0, "refunded"),
        ),
        (
            2,
            vec![
                details("settledSuccessfully"),
                list(&[("700", "0-1042-3")]),
                details_of("700", "refundPendingSettlement", ""),
            ],
            (Done, false, 0, "refunded"),
        ),
        (
            1,
            vec![
                details("authorizedPendingCapture"),
                transaction("3", "0", "310"),
                details("voided"),
            ],
            (Done, false, 0, ""),
        ),
        (1, vec![failed("E00040")], (Absent, false, 0, "")),
        (1, vec![failed("E00053")], (Retry, true, 0, "E00053")),
        (
            1,
            vec![details("authorizedPendingCapture"), answer(500, "")],
            (Unknown, true, 0, "http_500"),
        ),
    ];
    for (attempt, answers, expected) in cases {
        let name = format!("{answers:?}");
        let (outcome, _) = run(&about(PaymentVoid, attempt), answers).await;
        assert_eq!(gist(&outcome), expected, "{name}");
    }
    let (outcome, _) = run(&call(PaymentVoid), vec![nothing()]).await;
    assert_eq!(outcome.class, Absent);
}

#[tokio::test]
async fn a_refund_is_made_once() {
    let settled = || details("settledSuccessfully");
    let cases: Vec<(u8, Vec<Canned>, Expected)> = vec![
        (1, vec![settled(), approved()], (Done, false, 0, "")),
        (
            1,
            vec![details("capturedPendingSettlement"), approved()],
            (Done, false, 0, "voided"),
        ),
        (
            1,
            vec![details("authorizedPendingCapture")],
            (Refused, false, 0, "authorizedPendingCapture"),
        ),
        (1, vec![failed("E00040")], (Refused, false, 0, "no_payment")),
        (
            2,
            vec![
                settled(),
                list(&[("700", "0-1042-3")]),
                details_of("700", "refundPendingSettlement", ""),
            ],
            (Done, false, 0, ""),
        ),
        (
            2,
            vec![settled(), nothing(), approved()],
            (Done, false, 0, ""),
        ),
        (
            2,
            vec![settled(), answer(500, "")],
            (Unknown, true, 0, "http_500"),
        ),
        (2, vec![details("voided")], (Done, false, 0, "")),
        (
            1,
            vec![settled(), transaction("3", "0", "55")],
            (Refused, false, 0, "55"),
        ),
    ];
    for (attempt, answers, expected) in cases {
        let name = format!("{answers:?}");
        let (outcome, asked) = run(&about(PaymentRefund, attempt), answers).await;
        assert_eq!(gist(&outcome), expected, "{name}");
        for request in asked.iter().map(Asked::json) {
            if let Some(made) = request.pointer("/createTransactionRequest/transactionRequest") {
                assert_eq!(made["refTransId"], "601");
            }
        }
    }
    let mut partial = about(PaymentRefund, 1);
    partial.amount = 2_000;
    let (outcome, _) = run(&partial, vec![details("capturedPendingSettlement")]).await;
    assert_eq!(gist(&outcome), (Retry, false, 0, "unsettled"));
    let (_, asked) = run(&partial, vec![settled(), approved()]).await;
    let made = &asked[1].json()["createTransactionRequest"]["transactionRequest"];
    assert_eq!(made["amount"], "20.00");
    assert_eq!(
        made["payment"]["creditCard"],
        json!({"cardNumber": "1111",
        "expirationDate": "XXXX"})
    );
}
