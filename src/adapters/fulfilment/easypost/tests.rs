use super::*;
use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
use crate::adapters::notification::tests::call;
use crate::types::effect::EffectClass::{Absent, Done, Refused, Retry, Unknown};

const RATES: &str = r#"[{"id":"rate_1","carrier":"UPS","service":"Ground","rate":"8.10","currency":"USD","delivery_days":3},
    {"id":"rate_2","carrier":"USPS","service":"Priority","rate":"5.93","currency":"USD","delivery_days":2}]"#;

fn options(base_url: &str) -> ProviderOptions {
    let mut options = ProviderOptions {
        name: "easypost".into(),
        kind: "easypost".into(),
        base_url: base_url.into(),
        timeout_ms: 300,
        ..ProviderOptions::default()
    };
    options.secrets.insert("api_key".into(), Secret::new("key"));
    let from = "Onhand; 1 Dock; Portland; OR; 97201; US";
    options.settings.insert("from".into(), from.into());
    options
}

fn provider(base_url: &str) -> EasyPost {
    EasyPost::new(&options(base_url)).unwrap()
}

fn shipment(rates: &str) -> String {
    format!(
        r#"{{"id":"shp_1","rates":{rates},"postage_label":null,"tracking_code":null,
            "messages":[{{"message":"carrier is down"}}]}}"#
    )
}

fn labelled(refund: &str) -> String {
    format!(
        r#"{{"id":"shp_1","tracking_code":"9400","postage_label":{{"id":"pl_1"}},"refund_status":{refund},
            "selected_rate":{{"carrier":"USPS","rate":"5.93","currency":"USD"}}}}"#
    )
}

fn error(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"no","errors":[]}}}}"#)
}

async fn check(call: &Call, answers: Vec<Canned>, expected: (EffectClass, bool, u64, &str)) {
    let asked = answers.len();
    let server = CannedServer::start(answers.clone()).await;
    let outcome = provider(&server.url).call(call).await;
    assert_eq!(gist(&outcome), expected, "{answers:?}");
    assert_eq!(server.asked().len(), asked, "{answers:?}");
}

#[tokio::test]
async fn every_answer_to_a_rates_request_is_classified() {
    let required = error("PARAMETER.REQUIRED");
    for (canned, expected) in [
        (
            answer(422, &required),
            (Refused, false, 0, "PARAMETER.REQUIRED"),
        ),
        (
            answer(401, &error("UNAUTHORIZED")),
            (Refused, false, 0, "UNAUTHORIZED"),
        ),
        (answer(404, "<html>"), (Refused, false, 0, "http_404")),
        (
            answer_with(429, &["Retry-After: 2"], ""),
            (Retry, true, 2_000, "rate_limited"),
        ),
        (
            answer(500, &error("INTERNAL")),
            (Retry, true, 0, "INTERNAL"),
        ),
        (answer(503, "<html>"), (Retry, true, 0, "http_503")),
        (answer(201, ""), (Unknown, true, 0, "unexpected_answer")),
        (
            answer(200, "<html>"),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (answer(201, &shipment("[]")), (Retry, true, 0, "no_rates")),
        (Canned::Silence, (Unknown, true, 0, "timeout")),
        (Canned::Drop, (Unknown, true, 0, "connection_lost")),
    ] {
        check(&call(EffectKind::Label, None), vec![canned], expected).await;
    }
}

#[tokio::test]
async fn every_answer_to_a_purchase_is_classified() {
    for (canned, expected) in [
        (answer(200, &labelled("null")), (Done, false, 0, "")),
        (answer(200, ""), (Unknown, true, 0, "unexpected_answer")),
        (
            answer(200, &shipment(RATES)),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            answer(402, &error("PAYMENT.REQUIRED")),
            (Refused, false, 0, "PAYMENT.REQUIRED"),
        ),
        (
            answer(422, &error("RATE.EXPIRED")),
            (Refused, false, 0, "RATE.EXPIRED"),
        ),
        (answer(429, ""), (Retry, true, 0, "rate_limited")),
        (answer(500, ""), (Unknown, true, 0, "http_500")),
        (Canned::Silence, (Unknown, true, 0, "timeout")),
        (Canned::Drop, (Unknown, true, 0, "connection_lost")),
    ] {
        let answers = vec![answer(201, &shipment(RATES)), canned];
        check(&call(EffectKind::Label, None), answers, expected).await;
    }
}

#[tokio::test]
async fn the_cheapest_rate_is_bought_and_the_outcome_names_tracking_carrier_and_price() {
    let answers = vec![
        answer(201, &shipment(RATES)),
        answer(200, &labelled("null")),
    ];
    let server = CannedServer::start(answers).await;
    let outcome = provider(&server.url)
        .call(&call(EffectKind::Label, None))
        .await;
    assert_eq!(outcome.reference, "shp_1");
    assert_eq!(
        outcome.message,
        "tracking=9400 carrier=USPS rate=5.93 currency=USD"
    );
    let asked = server.asked();
    assert_eq!(asked[0].path, "/v2/shipments");
    assert_eq!(asked[0].headers["authorization"], "Basic a2V5Og==");
    let body = asked[0].json();
    assert_eq!(body["shipment"]["reference"], "k-1");
    assert_eq!(body["shipment"]["parcel"]["weight"], json!(16.0));
    assert_eq!(body["shipment"]["from_address"]["zip"], "97201");
    assert_eq!(body["shipment"]["to_address"]["zip"], "28013");
    assert_eq!(asked[1].path, "/v2/shipments/shp_1/buy");
    assert_eq!(asked[1].json(), json!({"rate": {"id": "rate_2"}}));
}

#[tokio::test]
async fn a_repeated_attempt_reads_the_shipment_before_it_buys() {
    let mut again = call(EffectKind::Label, None);
    again.attempt = 2;
    let gone = || answer(404, &error("NOT_FOUND"));
    for (answers, expected) in [
        (vec![answer(200, &labelled("null"))], (Done, false, 0, "")),
        (
            vec![
                answer(200, &shipment(RATES)),
                answer(200, &labelled("null")),
            ],
            (Done, false, 0, ""),
        ),
        (
            vec![
                gone(),
                answer(201, &shipment(RATES)),
                answer(200, &labelled("null")),
            ],
            (Done, false, 0, ""),
        ),
        (vec![answer(500, "")], (Unknown, true, 0, "http_500")),
        (vec![Canned::Silence], (Unknown, true, 0, "timeout")),
        (
            vec![
                answer(200, &shipment(RATES)),
                answer(422, &error("SHIPMENT.POSTAGE.EXISTS")),
                answer(200, &labelled("null")),
            ],
            (Done, false, 0, ""),
        ),
    ] {
        check(&again, answers, expected).await;
    }
    let server = CannedServer::start(vec![answer(200, &labelled("null"))]).await;
    again.reference = "shp_of_another_label".into();
    provider(&server.url).call(&again).await;
    let asked = server.asked().remove(0);
    assert_eq!((&*asked.method, &*asked.path), ("GET", "/v2/shipments/k-1"));
}

#[tokio::test]
async fn every_answer_to_a_cancellation_is_classified() {
    let mut cancel = call(EffectKind::LabelCancel, None);
    (cancel.key, cancel.target_key) = ("k-2".into(), "k-1".into());
    cancel.reference = "shp_1".into();
    let not_again = || answer(422, &error("SHIPMENT.REFUND.UNAVAILABLE"));
    for (answers, expected) in [
        (
            vec![answer(200, &labelled("\"submitted\""))],
            (Done, false, 0, ""),
        ),
        (
            vec![answer(200, &labelled("\"refunded\""))],
            (Done, false, 0, ""),
        ),
        (
            vec![answer(200, &labelled("\"rejected\""))],
            (Refused, false, 0, "refund_rejected"),
        ),
        (
            vec![answer(200, "")],
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (vec![answer(404, "")], (Absent, false, 0, "")),
        (
            vec![not_again(), answer(200, &labelled("\"submitted\""))],
            (Done, false, 0, ""),
        ),
        (
            vec![not_again(), answer(200, &labelled("null")), not_again()],
            (Refused, false, 0, "SHIPMENT.REFUND.UNAVAILABLE"),
        ),
        (
            vec![
                not_again(),
                answer(200, &labelled("null")),
                answer(200, &labelled("\"submitted\"")),
            ],
            (Done, false, 0, ""),
        ),
        (
            vec![not_again(), answer(200, &labelled("\"rejected\""))],
            (Refused, false, 0, "SHIPMENT.REFUND.UNAVAILABLE"),
        ),
        (
            vec![not_again(), answer(200, &shipment(RATES))],
            (Absent, false, 0, ""),
        ),
        (vec![answer(500, "")], (Retry, true, 0, "http_500")),
        (vec![Canned::Drop], (Unknown, true, 0, "connection_lost")),
    ] {
        check(&cancel, answers, expected).await;
    }
}

#[tokio::test]
async fn without_rates_the_outcome_says_the_last_known_price() {
    let answers = vec![
        answer(201, &shipment(RATES)),
        answer(200, &labelled("null")),
        answer(503, ""),
    ];
    let server = CannedServer::start(answers).await;
    let provider = provider(&server.url);
    provider.call(&call(EffectKind::Label, None)).await;
    let outcome = provider.call(&call(EffectKind::Label, None)).await;
    assert_eq!(gist(&outcome), (Retry, true, 0, "http_503"));
    assert!(
        outcome
            .message
            .contains("last known rate 5.93 USD, USPS Priority")
    );
}

#[test]
fn each_location_sends_from_its_own_address() {
    let mut own = options("");
    let east = "madrid = Almacen; Calle 1; Madrid; ; 28001; ES; +34900 | x = y; z; a; b; c; PT";
    own.settings.insert("from_locations".into(), east.into());
    let provider = EasyPost::new(&own).unwrap();
    assert_eq!(
        provider.sender(&call(EffectKind::Label, None))["zip"],
        "28001"
    );
    let mut elsewhere = call(EffectKind::Label, None);
    Arc::make_mut(&mut elsewhere.facts).lines[0].location = "oslo".into();
    assert_eq!(provider.sender(&elsewhere)["zip"], "97201");
    for (name, value) in [("from", "Onhand, 1 Dock"), ("ounces_per_unit", "-1")] {
        let mut wrong = options("");
        wrong.settings.insert(name.into(), value.into());
        let error = EasyPost::new(&wrong).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn the_address_may_be_written_with_its_version() {
    for written in [
        "http://a/easypost",
        "http://a/easypost/",
        "http://a/easypost/v2",
    ] {
        assert_eq!(provider(written).base_url, "http://a/easypost");
    }
    assert_eq!(provider("").base_url, BASE_URL);
}
