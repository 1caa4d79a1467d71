//! Every answer of Authorize.net, as a table; then what happens after an answer was lost.

mod after;

use super::*;
use crate::adapters::canned::{Asked, Canned, CannedServer, answer, gist};
use crate::adapters::payment::tests::call;
use crate::types::effect::EffectClass::{Absent, Declined, Done, Pending, Refused, Retry, Unknown};
use crate::types::effect::EffectKind::{
    PaymentAuthorise, PaymentCapture, PaymentQuery, PaymentRefund, PaymentVoid,
};
use serde_json::{Value, json};

type Expected = (EffectClass, bool, u64, &'static str);

fn options(base_url: &str) -> ProviderOptions {
    let mut options = ProviderOptions {
        name: "backup".into(),
        kind: "authorize_net".into(),
        base_url: base_url.into(),
        timeout_ms: 300,
        ..ProviderOptions::default()
    };
    for (name, value) in [("login", "login-1"), ("transaction_key", "key-1")] {
        options.secrets.insert(name.into(), Secret::new(value));
    }
    options
}

fn messages(result: &str, code: &str) -> Value {
    json!({"resultCode": result, "message": [{"code": code, "text": "Text."}]})
}

/// With the byte order mark that theirs have.
fn bom(document: &Value) -> Canned {
    answer(200, &format!("\u{feff}{document}"))
}

fn transaction(response: &str, id: &str, error: &str) -> Canned {
    let errors = match error {
        "" => json!([]),
        code => json!([{"errorCode": code, "errorText": "Sorry."}]),
    };
    let result = if response == "3" { "Error" } else { "Ok" };
    bom(
        &json!({"transactionResponse": {"responseCode": response, "transId": id,
        "errors": errors}, "messages": messages(result, "I00001")}),
    )
}

fn approved() -> Canned {
    transaction("1", "601", "")
}

fn failed(code: &str) -> Canned {
    bom(&json!({"messages": messages("Error", code)}))
}

fn details_of(id: &str, status: &str, description: &str) -> Canned {
    let captured = matches!(status, "capturedPendingSettlement" | "settledSuccessfully");
    bom(
        &json!({"transaction": {"transId": id, "transactionStatus": status,
        "order": {"invoiceNumber": "0-1042-3", "description": description},
        "authAmount": 44.7, "settleAmount": if captured { json!(44.70) } else { json!(0) },
        "payment": {"creditCard": {"cardNumber": "XXXX1111"}}},
        "messages": messages("Ok", "I00001")}),
    )
}

fn details(status: &str) -> Canned {
    details_of("601", status, "")
}

fn list(entries: &[(&str, &str)]) -> Canned {
    let now = jiff::Timestamp::now().to_string();
    let entries: Vec<Value> = entries
        .iter()
        .map(|(id, invoice)| {
            json!({"transId": id, "invoiceNumber": invoice, "submitTimeUTC": now,
                "transactionStatus": "authorizedPendingCapture"})
        })
        .collect();
    bom(&json!({"transactions": entries, "messages": messages("Ok", "I00001")}))
}

/// No records: the member is left out.
fn nothing() -> Canned {
    bom(&json!({"messages": messages("Ok", "I00004")}))
}

async fn run(call: &Call, answers: Vec<Canned>) -> (Outcome, Vec<Asked>) {
    let server = CannedServer::start(answers).await;
    let provider = AuthorizeNet::new(&options(&server.url)).unwrap();
    let outcome = provider.call(call).await;
    (outcome, server.asked())
}

fn about(kind: EffectKind, attempt: u8) -> Call {
    let mut call = call(kind);
    call.reference = "601".into();
    call.attempt = attempt;
    call
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // one table
async fn every_answer_to_an_authorisation_is_classified() {
    let cases: Vec<(&str, Canned, Expected)> = vec![
        ("approved", approved(), (Done, false, 0, "")),
        (
            "approved, and no success",
            bom(
                &json!({"transactionResponse": {"responseCode": "1", "transId": "601"},
                "messages": messages("Error", "E00027")}),
            ),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "approved without an id",
            transaction("1", "0", ""),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "declined with Ok",
            transaction("2", "602", "2"),
            (Declined, false, 0, "2"),
        ),
        (
            "held",
            transaction("4", "603", ""),
            (Pending, false, 0, "held"),
        ),
        (
            "expired card",
            transaction("3", "0", "8"),
            (Declined, false, 0, "8"),
        ),
        (
            "try again",
            transaction("3", "0", "19"),
            (Retry, true, 0, "19"),
        ),
        (
            "void failed too",
            transaction("3", "0", "120"),
            (Unknown, true, 0, "120"),
        ),
        (
            "bad amount",
            transaction("3", "0", "5"),
            (Refused, false, 0, "5"),
        ),
        (
            "a response of tomorrow",
            transaction("9", "1", ""),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "credentials",
            failed("E00007"),
            (Refused, false, 0, "E00007"),
        ),
        ("schema", failed("E00003"), (Refused, false, 0, "E00003")),
        ("busy", failed("E00053"), (Retry, true, 0, "E00053")),
        ("maintenance", failed("E00104"), (Retry, true, 0, "E00104")),
        (
            "unexpected error",
            failed("E00001"),
            (Unknown, true, 0, "E00001"),
        ),
        (
            "bad token",
            failed("E00114"),
            (Declined, false, 0, "E00114"),
        ),
        (
            "success without a transaction",
            nothing(),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "empty",
            answer(200, ""),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "page",
            answer(200, "<html>"),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "no object",
            answer(200, "[]"),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            "too many",
            answer(429, ""),
            (Retry, true, 0, "rate_limited"),
        ),
        (
            "server error",
            answer(500, ""),
            (Unknown, true, 0, "http_500"),
        ),
        (
            "bad request",
            answer(400, ""),
            (Refused, false, 0, "http_400"),
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
async fn members_stand_in_the_order_of_the_schema() {
    let mut call = call(PaymentAuthorise);
    let mut facts = (*call.facts).clone();
    facts.details.billing_address = vec!["Calle Sol 4".into(), "28013 Madrid".into()];
    call.facts = Arc::new(facts);
    let (outcome, asked) = run(&call, vec![approved()]).await;
    assert_eq!(
        (outcome.reference.as_str(), outcome.amount, outcome.currency),
        ("601", 4_470, 978)
    );
    assert_eq!(asked[0].path, "/xml/v1/request.api");
    let mut rest = asked[0].body.as_str();
    for member in [
        r#"{"createTransactionRequest":{"merchantAuthentication":{"name":"login-1","transactionKey":"key-1"}"#,
        r#""refId":"0-1042-3""#,
        r#""transactionRequest":{"transactionType":"authOnlyTransaction","amount":"44.70","currencyCode":"EUR""#,
        r#""payment":{"opaqueData":{"dataDescriptor":"COMMON.ACCEPT.INAPP.PAYMENT","dataValue":"pm_card_visa"}}"#,
        r#""order":{"invoiceNumber":"0-1042-3","description":"00000000000000000000000000000abc-2-3"}"#,
        r#""customer":{"id":"7","email":"ana@example.com"}"#,
        r#""billTo":{"firstName":"Ana","lastName":"Ruiz","address":"Calle Sol 4","city":"Madrid","zip":"28013"}"#,
        r#""transactionSettings":{"setting":[{"settingName":"duplicateWindow","settingValue":"120"}]}"#,
    ] {
        let at = rest.find(member);
        assert!(at.is_some(), "{member} is not in {rest}");
        rest = &rest[at.unwrap() + member.len()..];
    }
}

#[tokio::test]
async fn a_method_that_takes_the_money_at_once_is_captured_with_its_authorisation() {
    let mut call = call(PaymentAuthorise);
    call.step = crate::types::pipeline::ONE_STEP.to_owned();
    let (outcome, asked) = run(&call, vec![approved()]).await;
    assert_eq!((outcome.class, outcome.amount), (Done, 4_470));
    let kind = r#""transactionType":"authCaptureTransaction""#;
    assert!(asked[0].body.contains(kind), "{}", asked[0].body);
}

#[tokio::test]
async fn a_part_that_was_approved_is_told() {
    let part = bom(
        &json!({"transactionResponse": {"responseCode": "1", "transId": "601",
        "prePaidCard": {"requestedAmount": "44.70", "approvedAmount": "20.00"}},
        "messages": messages("Ok", "I00001")}),
    );
    let (outcome, _) = run(&call(PaymentAuthorise), vec![part]).await;
    assert_eq!(outcome.amount, 2_000);
}

#[tokio::test]
async fn a_repetition_looks_before_it_sends() {
    let mut call = call(PaymentAuthorise);
    call.attempt = 2;
    let own = || list(&[("600", "0-1041-3"), ("601", "0-1042-3")]);
    let cases: Vec<(Vec<Canned>, Expected)> = vec![
        (
            vec![own(), details("authorizedPendingCapture")],
            (Done, false, 0, ""),
        ),
        (vec![nothing(), approved()], (Done, false, 0, "")),
        (
            vec![list(&[("600", "0-1041-3")]), approved()],
            (Done, false, 0, ""),
        ),
        (
            vec![
                own(),
                details_of("601", "authorizedPendingCapture", "another"),
                approved(),
            ],
            (Done, false, 0, ""),
        ),
        (vec![answer(503, "")], (Unknown, true, 0, "http_503")),
        (vec![failed("E00053")], (Unknown, true, 0, "E00053")),
        (vec![Canned::Silence], (Unknown, true, 0, "timeout")),
        // A token that the first attempt may have used.
        (
            vec![nothing(), failed("E00114")],
            (Unknown, false, 0, "E00114"),
        ),
    ];
    for (answers, expected) in cases {
        let name = format!("{answers:?}");
        let (outcome, asked) = run(&call, answers).await;
        assert_eq!(gist(&outcome), expected, "{name}");
        assert!(
            asked[0]
                .body
                .starts_with(r#"{"getUnsettledTransactionListRequest""#)
        );
    }
}

#[tokio::test]
async fn a_duplicate_is_ours_or_has_to_wait() {
    let duplicate = || transaction("3", "0", "11");
    let own = list(&[("601", "0-1042-3")]);
    let cases: Vec<(Vec<Canned>, Expected)> = vec![
        (
            vec![duplicate(), own, details("authorizedPendingCapture")],
            (Done, false, 0, ""),
        ),
        (vec![duplicate(), nothing()], (Retry, false, 120_000, "11")),
        (
            vec![duplicate(), answer(500, "")],
            (Unknown, true, 0, "http_500"),
        ),
    ];
    for (answers, expected) in cases {
        let (outcome, _) = run(&call(PaymentAuthorise), answers).await;
        assert_eq!(gist(&outcome), expected);
    }
}

#[tokio::test]
async fn a_query_tells_the_state_of_a_transaction() {
    for (status, class) in [
        ("authorizedPendingCapture", Done),
        ("capturedPendingSettlement", Done),
        ("settledSuccessfully", Done),
        ("FDSPendingReview", Pending),
        ("FDSAuthorizedPendingReview", Pending),
        ("underReview", Pending),
        ("declined", Declined),
        ("expired", Declined),
        ("voided", Declined),
        ("communicationError", Absent),
        ("generalError", Absent),
        ("of tomorrow", Unknown),
    ] {
        let (outcome, _) = run(&about(PaymentQuery, 1), vec![details(status)]).await;
        assert_eq!(outcome.class, class, "{status}");
        if class == Done {
            assert_eq!((outcome.amount, outcome.currency), (4_470, 978), "{status}");
        }
    }
    let by_key = call(PaymentQuery);
    let (outcome, _) = run(&by_key, vec![nothing()]).await;
    assert_eq!(outcome.class, Absent);
    // The effect asked about has the number 2.
    let found = vec![
        list(&[("601", "0-1042-2")]),
        details("authorizedPendingCapture"),
    ];
    let (outcome, asked) = run(&by_key, found).await;
    assert_eq!(outcome.class, Done);
    assert_eq!(
        asked[1].json()["getTransactionDetailsRequest"]["transId"],
        "601"
    );
    let page: Vec<(&str, &str)> = vec![("1", "other"); PAGE];
    let (outcome, asked) = run(&by_key, vec![list(&page), nothing()]).await;
    assert_eq!(outcome.class, Absent);
    let paging = &asked[1].json()["getUnsettledTransactionListRequest"]["paging"];
    assert_eq!(*paging, json!({"limit": "100", "offset": "2"}));
    let (outcome, _) = run(&about(PaymentQuery, 1), vec![failed("E00040")]).await;
    assert_eq!(outcome.class, Absent);
    let (outcome, _) = run(&by_key, vec![failed("E00007")]).await;
    assert_eq!(outcome.class, Refused);
}

#[test]
fn an_invoice_is_the_orders_number_and_the_effects() {
    let mut facts = OrderFacts {
        number: "0-1042".into(),
        ..OrderFacts::default()
    };
    assert_eq!(invoice(&facts, "abc-2-7"), "0-1042-7");
    facts.number = "7-123456789012345678".into();
    assert_eq!(invoice(&facts, "abc-2-7"), facts.number);
}

#[test]
fn credentials_are_never_shown_and_settings_are_checked() {
    let mut options = options("");
    let provider = AuthorizeNet::new(&options).unwrap();
    assert!(!format!("{provider:?}").contains("key-1"));
    options
        .settings
        .insert("duplicate_window_seconds".into(), "28801".into());
    let error = AuthorizeNet::new(&options).unwrap_err().to_string();
    assert!(error.contains("28801"), "{error}");
}
