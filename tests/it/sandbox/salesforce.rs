//! Salesforce in the sandbox.

use super::pairs::{Pair, pair, run};
use super::world::{effects, still};
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::salesforce::{ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};
use serde_json::Value;

const CONTACT: &str = "/services/data/v61.0/sobjects/Contact/Email__c/ana%40example.com";

const ORDER: &str = "/services/data/v61.0/sobjects/Order__c/Key__c/k-1";

fn with(what: &str, method: &'static str, path: &str, body: &str) -> Pair {
    pair(what, method, path).bearer(ACCESS_TOKEN).json(body)
}

fn patch(what: &str, path: &str, body: &str) -> Pair {
    with(what, "PATCH", path, body)
}

#[tokio::test]
async fn a_record_is_upserted_by_its_external_id() {
    let sandbox = still();
    let old = ORDER.replace("v61", "v45");
    let several = "/services/data/v61.0/sobjects/Task/Key__c/t-1";
    let task = r#"{"Key__c":"t-1","Subject":"call"}"#;
    let related = r#"{"Contact__r":{"Email__c":"nobody"}}"#;
    let pairs = [
        patch("new", ORDER, r#"{"Status__c":"Paid","Total__c":44.7}"#)
            .answers(201)
            .says("/created", true)
            .says("/success", true)
            .keep("id", "/id"),
        patch("again", ORDER, r#"{"Status__c":"Shipped"}"#).says("/created", false),
        patch("again, by an old version", &old, r#"{"Status__c":"Done"}"#).answers(204),
        pair("read", "GET", ORDER)
            .bearer(ACCESS_TOKEN)
            .says("/Status__c", "Done")
            .says("/Total__c", 44.7)
            .has("sforce-limit-info", "api-usage=4/100000"),
        patch(
            "a contact",
            CONTACT,
            r#"{"LastName":"Ruiz","Order_Count__c":3,"Segment__c":"vip"}"#,
        )
        .answers(201),
        patch(
            "a contact without a name",
            CONTACT,
            r#"{"FirstName":"Ana"}"#,
        )
        .answers(200),
        with(
            "a platform event",
            "POST",
            "/services/data/v61.0/sobjects/Order_Post_Purchase__e",
            r#"{"Key__c":"k-1"}"#,
        )
        .answers(201)
        .says("/success", true),
        with(
            "one of two",
            "POST",
            "/services/data/v61.0/sobjects/Task",
            task,
        )
        .answers(201),
        with(
            "two of two",
            "POST",
            "/services/data/v61.0/sobjects/Task",
            task,
        )
        .answers(201),
        patch(
            "of the contact",
            ORDER,
            &related.replace("nobody", "ana@example.com"),
        ),
        patch("of nobody", ORDER, related)
            .answers(400)
            .text("Foreign key external ID: nobody"),
        patch("several match", several, r#"{"Subject":"x"}"#)
            .answers(300)
            .text("/sobjects/Task/"),
    ];
    run(&sandbox, "salesforce", &pairs).await;
    let records = effects(&sandbox, "salesforce", "record");
    let of_order = records.iter().filter(|one| one["order"] == "k-1");
    assert_eq!(of_order.count(), 4);
    assert_eq!(effects(&sandbox, "salesforce", "event").len(), 1);
}

#[tokio::test]
async fn a_collection_is_answered_record_by_record() {
    let sandbox = still();
    let many = "/services/data/v61.0/composite/sobjects/Order__c/Key__c";
    let body = |whole: bool, second: &str| {
        format!(
            r#"{{"allOrNone":{whole},"records":[
            {{"attributes":{{"type":"Order__c"}},"Key__c":"k-1","Status__c":"Paid"}},
            {{"attributes":{{"type":"Order__c"}},{second}"Status__c":"Paid"}}]}}"#
        )
    };
    let pairs = [
        patch("all or none", many, &body(true, ""))
            .says("/0/success", false)
            .says(
                "/0/errors/0/statusCode",
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            )
            .says("/1/success", false),
        patch("what can be", many, &body(false, ""))
            .says("/0/created", true)
            .says("/1/errors/0/statusCode", "MISSING_ARGUMENT"),
        patch("all", many, &body(false, r#""Key__c":"k-2","#))
            .says("/0/created", false)
            .says("/1/created", true),
        patch("nothing", many, r#"{"records":[]}"#).answers(400),
    ];
    run(&sandbox, "salesforce", &pairs).await;
}

#[tokio::test]
async fn what_the_provider_refuses_is_refused_with_a_list_of_errors() {
    let sandbox = still();
    let field = "/services/data/v61.0/sobjects/Order__c/Key/k-1";
    let object = "/services/data/v61.0/sobjects/Thing/Key__c/k-1";
    let pairs = [
        pair("no token", "PATCH", ORDER)
            .json("{}")
            .answers(401)
            .says("/0/errorCode", "INVALID_SESSION_ID"),
        pair("wrong token", "PATCH", ORDER)
            .bearer("x")
            .json("{}")
            .answers(401),
        patch("no JSON", ORDER, "x")
            .answers(400)
            .says("/0/errorCode", "JSON_PARSER_ERROR"),
        patch("the key in the body", ORDER, r#"{"Key__c":"k-1"}"#)
            .answers(400)
            .says("/0/errorCode", "INVALID_FIELD")
            .says("/0/fields/0", "Key__c"),
        patch("an odd field", ORDER, r#"{"My Field":1}"#)
            .answers(400)
            .text("No such column"),
        patch("a field missing", CONTACT, "{}")
            .answers(400)
            .says("/0/errorCode", "REQUIRED_FIELD_MISSING")
            .says("/0/fields/0", "LastName"),
        patch("no external id", field, "{}")
            .answers(404)
            .says("/0/errorCode", "NOT_FOUND"),
        patch("no such object", object, "{}").answers(404),
        patch(
            "no version",
            "/services/data/sobjects/Order__c/Key__c/k-1",
            "{}",
        )
        .answers(404),
        pair("no such record", "GET", ORDER)
            .bearer(ACCESS_TOKEN)
            .answers(404),
    ];
    run(&sandbox, "salesforce", &pairs).await;
    assert_eq!(effects(&sandbox, "salesforce", "record").len(), 0);
}

#[tokio::test]
async fn a_session_ends_and_a_new_token_is_to_be_had() {
    let sandbox = still();
    let token = "/services/oauth2/token";
    let form = |grant: &str, secret: &str| {
        format!(
            "grant_type={grant}&client_id={CLIENT_ID}&client_secret={secret}\
             &refresh_token={REFRESH_TOKEN}"
        )
    };
    let pairs = [
        pair("revoke", "POST", "/services/oauth2/revoke").form("token=00Dsandbox%21start"),
        patch("ended", ORDER, "{}").answers(401),
        pair("refresh", "POST", token)
            .form(&form("refresh_token", CLIENT_SECRET))
            .says("/token_type", "Bearer")
            .keep("token", "/access_token"),
        pair("by credentials", "POST", token).form(&form("client_credentials", CLIENT_SECRET)),
        pair("wrong secret", "POST", token)
            .form(&form("client_credentials", "x"))
            .answers(400)
            .says("/error", "invalid_client"),
        pair("odd grant", "POST", token)
            .form(&form("magic", CLIENT_SECRET))
            .answers(400)
            .says("/error", "unsupported_grant_type"),
        pair("JSON", "POST", token)
            .json("{}")
            .answers(400)
            .says("/error", "invalid_request"),
    ];
    let kept = run(&sandbox, "salesforce", &pairs).await;
    let again = pair("again", "PATCH", ORDER)
        .bearer(&kept["token"])
        .json("{}")
        .answers(201);
    run(&sandbox, "salesforce", &[again]).await;
}

#[tokio::test]
async fn a_fault_of_400_is_a_locked_row_and_one_of_403_the_daily_limit() {
    let sandbox = still();
    for (status, code) in [(400, "UNABLE_TO_LOCK_ROW"), (403, "REQUEST_LIMIT_EXCEEDED")] {
        let mut rule = Rule::new("salesforce", Kind::Status);
        (rule.status, rule.count) = (Some(status), Some(1));
        sandbox.fault(rule).unwrap();
        let pair = patch("a fault", ORDER, "{}")
            .answers(status)
            .says("/0/errorCode", code);
        run(
            &sandbox,
            "salesforce",
            &[pair.says("/0/fields", Value::Null)],
        )
        .await;
    }
}
