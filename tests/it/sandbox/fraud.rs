//! Sift and Signifyd in the sandbox.

use super::pairs::{Pair, pair, run, sandbox};
use super::receiver::Receiver;
use onhand::sandbox::{Options, Sandbox, sift, sign, signifyd};

fn event(what: &str, members: &str) -> Pair {
    let body = format!(
        r#"{{"$type":"$create_order","$api_key":"{}",{members}}}"#,
        sift::API_KEY
    );
    let path = "/v205/events?return_score=true&return_workflow_status=true";
    pair(what, "POST", path).json(&body)
}

fn scored(what: &str, email: &str, micros: u64) -> Pair {
    event(
        what,
        &format!(
            r#""$user_id":"u-1","$order_id":"o-1","$user_email":"{email}","$amount":{micros},"$currency_code":"EUR""#
        ),
    )
}

const SCORE: &str = "/score_response/scores/payment_abuse/score";
const DECISION: &str = "/score_response/workflow_statuses/0/history/0/config/decision_id";

#[tokio::test]
async fn sift_scores_what_the_address_asks_for_and_fails_in_the_body() {
    let sandbox = sandbox();
    let get = |what: &str, path: &str| pair(what, "GET", path).basic(sift::API_KEY, "");
    let pairs = [
        scored("72", "ana+risk72@example.com", 44_700_000)
            .says("/status", 0)
            .says(SCORE, 0.72)
            .says(DECISION, "review_order_payment_abuse"),
        get("the score again", "/v205/users/u-1/score").says("/scores/payment_abuse/score", 0.72),
        scored("90", "ana+risk90@example.com", 1).says(DECISION, "block_order_payment_abuse"),
        get(
            "the decision",
            "/v3/accounts/onhand_account/orders/o-1/decisions",
        )
        .says(
            "/decisions/payment_abuse/decision/id",
            "block_order_payment_abuse",
        ),
        scored("a large order", "ana@example.com", 10_000_000_000).says(SCORE, 0.7),
        scored("no risk", "ana@example.com", 44_700_000)
            .says(DECISION, "approve_order_payment_abuse"),
        pair("a wrong key", "POST", "/v205/events")
            .json(r#"{"$type":"$create_order","$api_key":"k","$user_id":"u"}"#)
            .answers(400)
            .says("/status", 51),
        pair("no JSON", "POST", "/v205/events")
            .form("a=b")
            .answers(400)
            .says("/status", 56),
        event("no user", r#""$order_id":"o-1""#)
            .answers(400)
            .says("/status", 55),
        event("a decimal amount", r#""$user_id":"u","$amount":44.7"#)
            .answers(400)
            .says("/status", 53),
        get("an unknown user", "/v205/users/u-9/score")
            .answers(404)
            .says("/status", 54),
        get("another account", "/v3/accounts/a/orders/o-1/decisions").answers(404),
        pair("no credentials", "GET", "/v205/users/u-1/score").answers(401),
        pair("no such route", "POST", "/v205/labels").answers(404),
    ];
    run(&sandbox, "sift", &pairs).await;
    let effects = sandbox.ledger().of_order("o-1");
    let amounts: Vec<i64> = effects.iter().map(|found| found.amount_minor).collect();
    assert_eq!(
        amounts,
        [4470, 0, 1_000_000, 4470],
        "micros become minor units"
    );
}

fn checkout(what: &str, order: &str, email: &str) -> Pair {
    let body = format!(
        r#"{{"checkoutId":"c-{order}","orderId":"{order}","coverageRequests":["FRAUD"],
        "purchase":{{"createdAt":"2026-05-04T08:12:30Z","orderChannel":"WEB","totalPrice":44.7,
        "currency":"EUR","confirmationEmail":"{email}","products":[{{"itemName":"Mug",
        "itemPrice":19.9,"itemQuantity":2}}]}},
        "transactions":[{{"transactionId":"t-1","gatewayStatusCode":"PENDING"}}]}}"#
    );
    signed(what, "POST", "/v3/orders/events/checkouts").json(&body)
}

fn signed(what: &str, method: &'static str, path: &str) -> Pair {
    pair(what, method, path).basic(signifyd::API_KEY, "")
}

#[tokio::test]
async fn signifyd_decides_what_the_address_asks_for_and_lists_what_is_wrong() {
    let sandbox = sandbox();
    let action = |pair: Pair, action: &str| pair.says("/decision/checkpointAction", action);
    let sale = |body: &str| signed("a sale", "POST", "/v3/orders/events/sales").json(body);
    let attach =
        |body: &str| signed("transactions", "POST", "/v3/orders/events/transactions").json(body);
    let pairs = [
        action(checkout("accept", "o-1", "ana@example.com"), "ACCEPT").answers(201),
        action(checkout("the same order again", "o-1", "ana+challenge@example.com"), "CHALLENGE"),
        action(checkout("reject", "o-2", "ana+reject@example.com"), "REJECT").answers(201),
        action(checkout("hold", "o-3", "ana+hold@example.com"), "HOLD").answers(201),
        action(checkout("credit", "o-4", "ana+credit@example.com"), "CREDIT").answers(201),
        action(checkout("risk", "o-5", "ana+risk90@example.com"), "REJECT")
            .answers(201)
            .says("/decision/score", 100),
        action(signed("read it back", "GET", "/v3/orders/o-3/decision"), "HOLD"),
        signed("no such order", "GET", "/v3/orders/o-9/decision").answers(404),
        attach(r#"{"checkoutId":"c-o-1","orderId":"o-1","transactions":[{"gatewayStatusCode":"SUCCESS"}]}"#)
            .answers(201)
            .says("/orderId", "o-1"),
        attach(r#"{"checkoutId":"c-o-1","transactions":[{"gatewayStatusCode":"PAID"}]}"#)
            .answers(400)
            .text("gatewayStatusCode"),
        attach(r#"{"checkoutId":"c-9","transactions":[{"gatewayStatusCode":"SUCCESS"}]}"#).answers(404),
        sale(r#"{"orderId":"o-6"}"#).answers(400).text("purchase.totalPrice").text("transactions"),
        sale("x").answers(400),
        pair("no key", "POST", "/v3/orders/events/sales")
            .json("{}")
            .answers(401)
            .says("/messages/0", "Unauthorized"),
        signed("no such route", "POST", "/v2/cases").answers(404),
    ];
    run(&sandbox, "signifyd", &pairs).await;
    let often: Vec<Pair> = (0..98)
        .map(|_| checkout("update", "o-1", "ana@example.com"))
        .chain([checkout("too often", "o-1", "ana@example.com").answers(409)])
        .collect();
    run(&sandbox, "signifyd", &often).await;
}

#[tokio::test]
async fn fraud_providers_change_their_mind_by_webhook() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::start(Options {
        callback_target: Some(receiver.url.clone()),
        step_ms: 20,
        ..Options::default()
    })
    .unwrap();
    let pairs = [checkout("slow", "o-1", "ana+slow@example.com")
        .answers(201)
        .says("/decision/checkpointAction", "HOLD")];
    run(&sandbox, "signifyd", &pairs).await;
    let arrived = receiver.wait_for(1).await;
    assert_eq!(arrived[0].path, "/callbacks/signifyd");
    assert_eq!(arrived[0].header("signifyd-checkpoint"), "CHECKOUT");
    assert_eq!(arrived[0].json()["decision"]["checkpointAction"], "ACCEPT");
    let right = sign::sha256(signifyd::WEBHOOK_SECRET.as_bytes(), &[&arrived[0].body]);
    assert_eq!(
        arrived[0].header("signifyd-sec-hmac-sha256"),
        sign::base64(&right)
    );
    let decide = |path: &str| pair("decide", "POST", path);
    let pairs = [
        decide("/_sandbox/signifyd/decide?order=o-1&action=REJECT"),
        decide("/_sandbox/signifyd/decide?order=o-1&action=PERHAPS").answers(400),
        decide("/_sandbox/signifyd/decide?order=o-9&action=REJECT").answers(404),
        decide("/_sandbox/sift/decide?order=o-1&decision=block_order_payment_abuse"),
    ];
    run(&sandbox, "signifyd", &pairs).await;
    let arrived = receiver.wait_for(3).await;
    let sift_sent = arrived
        .iter()
        .find(|one| one.path == "/callbacks/sift")
        .unwrap();
    assert_eq!(sift_sent.json()["entity"]["id"], "o-1");
    let right = sign::sha256(sift::WEBHOOK_SECRET.as_bytes(), &[&sift_sent.body]);
    let header = sift_sent.header("x-sift-science-signature");
    assert_eq!(header, format!("sha256={}", hex::encode(right)));
}
