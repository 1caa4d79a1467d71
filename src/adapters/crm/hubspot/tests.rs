use super::*;
use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
use crate::adapters::notification::tests::call;
use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};

fn options(base_url: &str) -> ProviderOptions {
    let mut options = ProviderOptions {
        name: "hubspot".into(),
        kind: "hubspot".into(),
        base_url: base_url.into(),
        timeout_ms: 300,
        ..ProviderOptions::default()
    };
    options.settings.insert("tenant".into(), "acme".into());
    options
        .secrets
        .insert("access_token".into(), Secret::new("pat"));
    options
}

fn provider(base_url: &str) -> HubSpot {
    HubSpot::new(&options(base_url)).unwrap()
}

fn no_contact() -> Canned {
    answer(404, r#"{"status":"error","category":"OBJECT_NOT_FOUND"}"#)
}

fn upserted(id: u32) -> Canned {
    answer(
        200,
        &format!(r#"{{"status":"COMPLETE","results":[{{"id":"{id}","new":true}}]}}"#),
    )
}

#[tokio::test]
async fn every_answer_is_classified() {
    let error = r#"{"status":"error","message":"bad","category":"VALIDATION_ERROR"}"#;
    let partial = r#"{"status":"COMPLETE","results":[],"numErrors":1,
        "errors":[{"category":"VALIDATION_ERROR","message":"bad"}]}"#;
    let busy = r#"{"errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}"#;
    for (canned, expected) in [
        (
            answer(207, partial),
            (Refused, false, 0, "VALIDATION_ERROR"),
        ),
        (answer(400, error), (Refused, false, 0, "VALIDATION_ERROR")),
        (answer(401, ""), (Refused, false, 0, "credentials")),
        (answer(404, "<html>"), (Refused, false, 0, "http_404")),
        (
            answer(409, r#"{"category":"CONFLICT"}"#),
            (Retry, false, 0, "CONFLICT"),
        ),
        (
            answer(429, busy),
            (Retry, true, 10_000, "TEN_SECONDLY_ROLLING"),
        ),
        (
            answer_with(429, &["Retry-After: 3"], busy),
            (Retry, true, 3_000, "TEN_SECONDLY_ROLLING"),
        ),
        (answer(500, "{}"), (Retry, true, 0, "http_500")),
        (answer(502, "<html>"), (Retry, true, 0, "http_502")),
        (answer(200, ""), (Unknown, true, 0, "unexpected_answer")),
        (
            answer(200, r#"{"status":"COMPLETE","results":[]}"#),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (Canned::Silence, (Unknown, true, 0, "timeout")),
        (Canned::Drop, (Unknown, true, 0, "connection_lost")),
    ] {
        for before in [vec![no_contact()], vec![no_contact(), upserted(501)]] {
            let answers = [before, vec![canned.clone()]].concat();
            let server = CannedServer::start(answers).await;
            let outcome = provider(&server.url)
                .call(&call(EffectKind::CrmUpdate, None))
                .await;
            assert_eq!(gist(&outcome), expected, "{canned:?}");
        }
    }
}

#[test]
fn the_daily_limit_is_waited_for_until_midnight() {
    let answer = Answer {
        status: 429,
        headers: reqwest::header::HeaderMap::new(),
        body: r#"{"policyName":"DAILY"}"#.into(),
    };
    let outcome = classify(&answer, 3 * DAY_MS + 86_000_000);
    assert_eq!(gist(&outcome), (Retry, true, 400_000, "DAILY"));
}

#[tokio::test]
async fn contact_and_order_are_upserted_with_the_customers_figures() {
    let kept = answer(
        200,
        r#"{"id":"501","properties":{"onhand_order_count":"4","onhand_lifetime_value":"100.00"}}"#,
    );
    let again = [upserted(501), upserted(601), upserted(501), upserted(601)];
    let answers = [vec![kept], again.to_vec()].concat();
    let server = CannedServer::start(answers).await;
    let provider = provider(&server.url);
    for _ in 0..2 {
        let outcome = provider.call(&call(EffectKind::CrmUpdate, None)).await;
        assert_eq!((outcome.class, &*outcome.reference), (Done, "601"));
        assert_eq!(
            outcome.message,
            "orders=5 lifetime_value=14470 segment=loyal"
        );
    }
    let asked = server.asked();
    assert!(
        asked[0]
            .path
            .starts_with("/crm/v3/objects/contacts/ana@example.com?idProperty=email&")
    );
    assert_eq!(asked[1].path, "/crm/v3/objects/contacts/batch/upsert");
    assert_eq!(asked[1].headers["authorization"], "Bearer pat");
    let input = &asked[1].json()["inputs"][0];
    assert_eq!(
        (&input["idProperty"], &input["id"]),
        (&json!("email"), &json!("ana@example.com"))
    );
    for (name, value) in [
        ("firstname", "Ana"),
        ("lastname", "Ruiz"),
        ("onhand_order_count", "5"),
        ("onhand_lifetime_value", "144.70"),
        ("onhand_segment", "loyal"),
        ("onhand_last_event", "order.post_purchase"),
    ] {
        assert_eq!(input["properties"][name], value);
    }
    assert_eq!(asked[2].path, "/crm/v3/objects/orders/batch/upsert");
    let order = &asked[2].json()["inputs"][0];
    let key = crate::types::OrderKey(7).to_string();
    assert_eq!(
        (&order["idProperty"], &order["id"]),
        (&json!("onhand_order_key"), &json!(key))
    );
    assert_eq!(order["properties"]["onhand_status"], "confirmed");
    assert_eq!(order["properties"]["onhand_contact_id"], "501");
}

#[tokio::test]
async fn a_correction_takes_the_order_off_and_says_its_status() {
    let server = CannedServer::start(vec![
        no_contact(),
        upserted(501),
        upserted(601),
        upserted(501),
        upserted(601),
    ])
    .await;
    let provider = provider(&server.url);
    provider.call(&call(EffectKind::CrmUpdate, None)).await;
    let outcome = provider.call(&call(EffectKind::CrmCorrect, None)).await;
    assert_eq!(outcome.message, "orders=0 lifetime_value=0 segment=new");
    let asked = server.asked();
    let contact = &asked[3].json()["inputs"][0]["properties"];
    assert_eq!(contact["onhand_last_event"], "order.corrected");
    let order = &asked[4].json()["inputs"][0]["properties"];
    assert_eq!(order["onhand_status"], "cancelled");
}

#[tokio::test]
async fn event_and_association_follow_where_they_are_set_up() {
    let answers = vec![
        no_contact(),
        upserted(501),
        upserted(601),
        answer(200, "{}"),
        answer(204, ""),
    ];
    let server = CannedServer::start(answers).await;
    let mut full = options(&server.url);
    full.settings
        .insert("event_name".into(), "pe1_order_post_purchase".into());
    full.settings.insert("associate".into(), "on".into());
    let outcome = HubSpot::new(&full)
        .unwrap()
        .call(&call(EffectKind::CrmUpdate, None))
        .await;
    assert_eq!(outcome.class, Done);
    let asked = server.asked();
    assert_eq!(asked[3].method, "PUT");
    assert_eq!(
        asked[3].path,
        "/crm/v4/objects/order/601/associations/default/contact/501"
    );
    let event = asked[4].json();
    assert_eq!(
        (&*asked[4].path, &event["email"]),
        ("/events/v3/send", &json!("ana@example.com"))
    );
    assert_eq!(event["uuid"].as_str().unwrap().len(), 36);
}
