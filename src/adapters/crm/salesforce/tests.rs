use super::*;
use crate::adapters::canned::{Canned, CannedServer, answer, gist};
use crate::adapters::notification::tests::call;
use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};

fn options(base_url: &str, secrets: &[&str]) -> ProviderOptions {
    let mut options = ProviderOptions {
        name: "salesforce".into(),
        kind: "salesforce".into(),
        base_url: base_url.into(),
        timeout_ms: 300,
        ..ProviderOptions::default()
    };
    options.settings.insert("tenant".into(), "acme".into());
    for name in secrets {
        options.secrets.insert((*name).into(), Secret::new(*name));
    }
    options
}

fn provider(base_url: &str) -> Salesforce {
    Salesforce::new(&options(base_url, &["access_token"])).unwrap()
}

fn no_contact() -> Canned {
    answer(404, r#"[{"errorCode":"NOT_FOUND","message":"no"}]"#)
}

fn made(id: &str) -> Canned {
    answer(
        201,
        &format!(r#"{{"id":"{id}","success":true,"errors":[],"created":true}}"#),
    )
}

fn problem(code: &str) -> String {
    format!(r#"[{{"message":"m","errorCode":"{code}","fields":["Name"]}}]"#)
}

#[tokio::test]
async fn every_answer_is_classified() {
    let false_success =
        r#"{"id":null,"success":false,"errors":[{"statusCode":"BAD","message":"m"}]}"#;
    for (canned, expected) in [
        (answer(200, false_success), (Refused, false, 0, "BAD")),
        (answer(200, ""), (Unknown, true, 0, "unexpected_answer")),
        (
            answer(200, "<html>"),
            (Unknown, true, 0, "unexpected_answer"),
        ),
        (
            answer(300, r#"["/a","/b"]"#),
            (Refused, false, 0, "several_records"),
        ),
        (
            answer(400, &problem("REQUIRED_FIELD_MISSING")),
            (Refused, false, 0, "REQUIRED_FIELD_MISSING"),
        ),
        (
            answer(400, &problem("UNABLE_TO_LOCK_ROW")),
            (Retry, false, 1_000, "UNABLE_TO_LOCK_ROW"),
        ),
        (
            answer(400, &problem("DUPLICATE_VALUE")),
            (Retry, false, 0, "DUPLICATE_VALUE"),
        ),
        (
            answer(401, &problem("INVALID_SESSION_ID")),
            (Refused, false, 0, "INVALID_SESSION_ID"),
        ),
        (
            answer(403, &problem("REQUEST_LIMIT_EXCEEDED")),
            (Retry, true, 3_600_000, "REQUEST_LIMIT_EXCEEDED"),
        ),
        (
            answer(500, &problem("UNKNOWN_EXCEPTION")),
            (Retry, true, 0, "UNKNOWN_EXCEPTION"),
        ),
        (answer(503, "<html>"), (Retry, true, 0, "http_503")),
        (Canned::Silence, (Unknown, true, 0, "timeout")),
        (Canned::Drop, (Unknown, true, 0, "connection_lost")),
    ] {
        for before in [vec![no_contact()], vec![no_contact(), made("003")]] {
            let answers = [before, vec![canned.clone()]].concat();
            let server = CannedServer::start(answers).await;
            let outcome = provider(&server.url)
                .call(&call(EffectKind::CrmUpdate, None))
                .await;
            assert_eq!(gist(&outcome), expected, "{canned:?}");
        }
    }
}

#[tokio::test]
async fn a_duplicate_is_tried_again_once() {
    let mut again = call(EffectKind::CrmUpdate, None);
    again.attempt = 2;
    let answers = vec![no_contact(), answer(400, &problem("DUPLICATE_VALUE"))];
    let server = CannedServer::start(answers).await;
    let outcome = provider(&server.url).call(&again).await;
    assert_eq!(gist(&outcome), (Refused, false, 0, "DUPLICATE_VALUE"));
}

#[tokio::test]
async fn created_updated_and_updated_without_a_body_are_all_done() {
    let updated = answer(
        200,
        r#"{"id":"a01","success":true,"errors":[],"created":false}"#,
    );
    for (last, reference) in [
        (made("a01"), "a01".to_owned()),
        (updated, "a01".to_owned()),
        (answer(204, ""), crate::types::OrderKey(7).to_string()),
    ] {
        let kept = answer(
            200,
            r#"{"Id":"003","Onhand_Order_Count__c":9.0,"Onhand_Lifetime_Value__c":55.3}"#,
        );
        let server = CannedServer::start(vec![kept, answer(204, ""), last]).await;
        let outcome = provider(&server.url)
            .call(&call(EffectKind::CrmUpdate, None))
            .await;
        assert_eq!(gist(&outcome), (Done, false, 0, ""));
        assert_eq!(outcome.reference, reference);
        assert_eq!(
            outcome.message,
            "orders=10 lifetime_value=10000 segment=vip"
        );
        let asked = server.asked();
        let base = "/services/data/v61.0/sobjects";
        assert_eq!(
            asked[1].path,
            format!("{base}/Contact/Onhand_Customer__c/42")
        );
        assert_eq!(asked[1].headers["authorization"], "Bearer access_token");
        let contact = asked[1].json();
        assert_eq!(contact["LastName"], "Ruiz");
        assert_eq!(contact["Onhand_Lifetime_Value__c"], json!(100.0));
        assert!(
            contact.get("Onhand_Customer__c").is_none(),
            "the key is in the path only"
        );
        assert!(
            asked[2]
                .path
                .starts_with(&format!("{base}/Order__c/Onhand_Key__c/"))
        );
        let order = asked[2].json();
        assert_eq!(
            (&order["Status__c"], &order["Total__c"]),
            (&json!("confirmed"), &json!(44.7))
        );
        assert_eq!(order["Contact__r"], json!({"Onhand_Customer__c": "42"}));
    }
}

#[tokio::test]
async fn a_token_that_has_run_out_is_renewed_once() {
    let expired = || answer(401, &problem("INVALID_SESSION_ID"));
    let renewed = || answer(200, r#"{"access_token":"fresh"}"#);
    let secrets = [
        "access_token",
        "client_id",
        "client_secret",
        "refresh_token",
    ];
    let answers = vec![expired(), renewed(), no_contact(), made("003"), made("a01")];
    let server = CannedServer::start(answers).await;
    let salesforce = Salesforce::new(&options(&server.url, &secrets)).unwrap();
    let outcome = salesforce.call(&call(EffectKind::CrmUpdate, None)).await;
    assert_eq!(outcome.class, Done);
    let asked = server.asked();
    assert_eq!(asked[1].path, "/services/oauth2/token");
    assert!(asked[1].body.contains("grant_type=refresh_token"));
    assert_eq!(asked[2].headers["authorization"], "Bearer fresh");

    for (token, expected) in [
        (
            vec![renewed(), expired()],
            (Refused, false, 0, "INVALID_SESSION_ID"),
        ),
        (
            vec![answer(400, r#"{"error":"invalid_grant"}"#)],
            (Refused, false, 0, "invalid_grant"),
        ),
        (vec![answer(503, "")], (Retry, true, 0, "http_503")),
        (vec![Canned::Drop], (Retry, true, 0, "connection_lost")),
    ] {
        let server = CannedServer::start([vec![expired()], token].concat()).await;
        let salesforce = Salesforce::new(&options(&server.url, &secrets)).unwrap();
        let outcome = salesforce.call(&call(EffectKind::CrmUpdate, None)).await;
        assert_eq!(gist(&outcome), expected);
    }
}

#[tokio::test]
async fn without_a_token_the_client_logs_in_for_itself() {
    let token = answer(200, r#"{"access_token":"own"}"#);
    let answers = vec![token, no_contact(), made("003"), made("a01"), made("e00")];
    let server = CannedServer::start(answers).await;
    let mut own = options(&server.url, &["client_id", "client_secret"]);
    own.settings
        .insert("event_object".into(), "Onhand_Purchase__e".into());
    let outcome = Salesforce::new(&own)
        .unwrap()
        .call(&call(EffectKind::CrmUpdate, None))
        .await;
    assert_eq!(outcome.class, Done);
    let asked = server.asked();
    assert!(asked[0].body.contains("grant_type=client_credentials"));
    assert_eq!(
        asked[4].path,
        "/services/data/v61.0/sobjects/Onhand_Purchase__e"
    );
    assert_eq!(asked[4].json()["Event__c"], "order.post_purchase");
    assert!(Salesforce::new(&options(&server.url, &[])).is_err());
    assert!(Salesforce::new(&options("", &["access_token"])).is_err());
}
