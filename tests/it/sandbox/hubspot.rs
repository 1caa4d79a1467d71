//! HubSpot in the sandbox.

use super::pairs::{Pair, pair, run};
use super::world::{effects, limited, still};
use onhand::sandbox::hubspot::TOKEN;
use serde_json::json;

fn post(what: &str, path: &str, body: &str) -> Pair {
    pair(what, "POST", path).bearer(TOKEN).json(body)
}

fn get(what: &str, path: &str) -> Pair {
    pair(what, "GET", path).bearer(TOKEN)
}

fn contact(email: &str, count: &str) -> serde_json::Value {
    json!({"idProperty": "email", "id": email, "properties": {"email": email,
        "firstname": "Ana", "order_count": count, "lifetime_value": "44.70", "segment": "new"}})
}

fn batch(inputs: &[serde_json::Value]) -> String {
    json!({ "inputs": inputs }).to_string()
}

const UPSERT: &str = "/crm/v3/objects/contacts/batch/upsert";

const ORDERS: &str = "/crm/v3/objects/orders";

#[tokio::test]
async fn contacts_orders_and_deals_are_written_once_under_their_unique_property() {
    let sandbox = still();
    let order = r#"{"properties":{"hs_order_name":"1042","hs_currency_code":"EUR"},
        "associations":[{"to":{"id":"{contact}"},"types":[
            {"associationCategory":"HUBSPOT_DEFINED","associationTypeId":507}]}]}"#;
    let keyed = json!({"inputs": [{"idProperty": "engine_key", "id": "k-1",
        "properties": {"hs_order_name": "1043"}}]})
    .to_string();
    let deal = r#"{"properties":{"dealname":"1042","amount":"44.70","dealstage":"closedwon",
        "pipeline":"default"}}"#;
    let join = "/crm/v4/objects/order/{order}/associations/default/contact/9";
    let by_mail = "/crm/v3/objects/contacts/ANA@example.com?idProperty=email";
    let change = r#"{"properties":{"segment":"returning"}}"#;
    let pairs = [
        post(
            "new contact",
            UPSERT,
            &batch(&[contact("ana@example.com", "1")]),
        )
        .says("/status", "COMPLETE")
        .says("/results/0/new", true)
        .keep("contact", "/results/0/id"),
        post(
            "same contact",
            UPSERT,
            &batch(&[contact("ana@example.com", "2")]),
        )
        .says("/results/0/new", false)
        .says("/results/0/properties/order_count", "2"),
        get("by mail", by_mail)
            .says("/properties/firstname", "Ana")
            .says("/properties/lifetime_value", ()),
        get(
            "what is asked for",
            &format!("{by_mail}&properties=segment,lifetime_value"),
        )
        .says("/properties/lifetime_value", "44.70")
        .says("/properties/segment", "new"),
        pair("change", "PATCH", by_mail)
            .bearer(TOKEN)
            .json(change)
            .says("/properties/segment", "returning"),
        post(
            "create the same",
            "/crm/v3/objects/contacts",
            r#"{"properties":{"email":"ana@example.com"}}"#,
        )
        .answers(409)
        .says("/category", "CONFLICT"),
        post("order", ORDERS, order)
            .answers(201)
            .keep("order", "/id"),
        get("read the order", "/crm/v3/objects/orders/{order}")
            .says("/properties/hs_order_name", "1042"),
        post("keyed order", "/crm/v3/objects/orders/batch/upsert", &keyed)
            .says("/results/0/new", true),
        post(
            "keyed order again",
            "/crm/v3/objects/orders/batch/upsert",
            &keyed,
        )
        .says("/results/0/new", false),
        pair("join", "PUT", &join.replace("9", "{contact}"))
            .bearer(TOKEN)
            .says("/results/0/to/id", "501"),
        pair("join nobody", "PUT", join).bearer(TOKEN).answers(404),
        post("deal", "/crm/v3/objects/deals", deal).answers(201),
        post(
            "event",
            "/events/v3/send",
            r#"{"eventName":"order.post_purchase","email":"ana@example.com","properties":{}}"#,
        )
        .answers(204),
    ];
    run(&sandbox, "hubspot", &pairs).await;
    assert_eq!(effects(&sandbox, "hubspot", "contact").len(), 3);
    assert_eq!(effects(&sandbox, "hubspot", "crm_order").len(), 3);
    let events = effects(&sandbox, "hubspot", "event");
    assert_eq!(events[0]["object"], "order.post_purchase");
    assert_eq!(events[0]["order"], "ana@example.com");
}

#[tokio::test]
async fn what_the_provider_refuses_is_refused_and_a_batch_in_part() {
    let sandbox = still();
    let (good, bad) = (contact("ana@example.com", "1"), contact("nobody", "1"));
    let odd = json!({"idProperty": "email", "id": "a@b.example", "properties": {"Odd Name": "x"}});
    let many = batch(&vec![good.clone(); 101]);
    let stranger = r#"{"properties":{"hs_order_name":"1"},"associations":[{"to":{"id":"9"},
        "types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":507}]}]}"#;
    let pairs = [
        pair("no token", "POST", UPSERT)
            .json(&batch(std::slice::from_ref(&good)))
            .answers(401)
            .says("/category", "INVALID_AUTHENTICATION"),
        pair("wrong token", "POST", UPSERT)
            .bearer("x")
            .json("{}")
            .answers(401),
        post("part", UPSERT, &batch(&[good, bad.clone()]))
            .answers(207)
            .says("/numErrors", 1)
            .says("/errors/0/context/ids/0", "nobody")
            .says("/results/0/properties/email", "ana@example.com"),
        post("none", UPSERT, &batch(&[bad]))
            .answers(400)
            .says("/category", "VALIDATION_ERROR"),
        post("odd property", UPSERT, &batch(&[odd]))
            .answers(400)
            .text("does not exist"),
        post("too many", UPSERT, &many).answers(400),
        post("no inputs", UPSERT, "{}").answers(400),
        post("no JSON", UPSERT, "inputs").answers(400),
        pair("a form", "POST", UPSERT)
            .bearer(TOKEN)
            .form("inputs=1")
            .answers(415),
        post("order without a name", ORDERS, r#"{"properties":{}}"#).answers(400),
        post("order of a stranger", ORDERS, stranger)
            .answers(400)
            .text("no object"),
        post(
            "deal without a stage",
            "/crm/v3/objects/deals",
            r#"{"properties":{"dealname":"1"}}"#,
        )
        .answers(400)
        .text("dealstage"),
        post("event of nobody", "/events/v3/send", r#"{"eventName":"x"}"#).answers(400),
        post("no such kind", "/crm/v3/objects/things", "{}").answers(404),
        get("no such contact", "/crm/v3/objects/contacts/1").answers(404),
    ];
    run(&sandbox, "hubspot", &pairs).await;
}

#[tokio::test]
async fn the_call_after_a_hundred_in_ten_seconds_is_told_which_limit_it_met() {
    let sandbox = limited();
    let read = || get("read", "/crm/v3/objects/contacts/1").answers(404);
    let mut pairs: Vec<Pair> = (0..100).map(|_| read()).collect();
    pairs.push(
        get("too many", "/crm/v3/objects/contacts/1")
            .answers(429)
            .says("/errorType", "RATE_LIMIT")
            .says("/policyName", "TEN_SECONDLY_ROLLING")
            .has("x-hubspot-ratelimit-remaining", "0"),
    );
    run(&sandbox, "hubspot", &pairs).await;
}
