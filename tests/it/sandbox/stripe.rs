//! Stripe in the sandbox.

use super::pairs::{Pair, pair, run, sandbox};
use onhand::sandbox::Options;
use onhand::sandbox::stripe::SECRET_KEY;

fn post(what: &str, path: &str, body: &str) -> Pair {
    pair(what, "POST", path).bearer(SECRET_KEY).form(body)
}

fn get(what: &str, path: &str) -> Pair {
    pair(what, "GET", path).bearer(SECRET_KEY)
}

fn hold(order: &str, method: &str) -> String {
    format!(
        "amount=4470&currency=EUR&capture_method=manual&payment_method={method}&confirm=true\
         &metadata[order_id]={order}"
    )
}

const INTENTS: &str = "/v1/payment_intents";

#[tokio::test]
async fn a_payment_is_held_captured_in_part_and_refunded_up_to_what_was_captured() {
    let sandbox = sandbox();
    let pairs = [
        post("authorise", INTENTS, &hold("o-1", "pm_card_visa"))
            .says("/status", "requires_capture")
            .says("/amount_capturable", 4470)
            .says("/currency", "eur")
            .says("/metadata/order_id", "o-1")
            .keep("pi", "/id"),
        post(
            "refund before capture",
            "/v1/refunds",
            "payment_intent={pi}&amount=1",
        )
        .answers(400)
        .says("/error/code", "payment_intent_unexpected_state"),
        post(
            "capture too much",
            "/v1/payment_intents/{pi}/capture",
            "amount_to_capture=4471",
        )
        .answers(400)
        .says("/error/code", "amount_too_large"),
        post(
            "capture",
            "/v1/payment_intents/{pi}/capture",
            "amount_to_capture=2000",
        )
        .says("/status", "succeeded")
        .says("/amount_received", 2000)
        .says("/amount_capturable", 0),
        post("capture twice", "/v1/payment_intents/{pi}/capture", "")
            .answers(400)
            .says("/error/code", "payment_intent_unexpected_state")
            .says("/error/payment_intent/status", "succeeded"),
        post(
            "cancel after capture",
            "/v1/payment_intents/{pi}/cancel",
            "",
        )
        .answers(400)
        .says("/error/type", "invalid_request_error"),
        post(
            "refund",
            "/v1/refunds",
            "payment_intent={pi}&amount=500&metadata[effect]=e-9",
        )
        .says("/status", "succeeded")
        .says("/amount", 500)
        .keep("re", "/id"),
        post(
            "refund too much",
            "/v1/refunds",
            "payment_intent={pi}&amount=1501",
        )
        .answers(400)
        .says("/error/code", "amount_too_large"),
        post("refund the rest", "/v1/refunds", "payment_intent={pi}").says("/amount", 1500),
        post(
            "refund what is refunded",
            "/v1/refunds",
            "payment_intent={pi}",
        )
        .answers(400)
        .says("/error/code", "charge_already_refunded"),
        get("status", "/v1/payment_intents/{pi}").says("/amount_received", 2000),
        get("a refund", "/v1/refunds/{re}").says("/amount", 500),
        get("refunds", "/v1/refunds?payment_intent={pi}&limit=100")
            .says("/data/1/amount", 500)
            .says("/data/1/metadata/effect", "e-9"),
        get(
            "search",
            "/v1/payment_intents/search?query=metadata%5B'order_id'%5D%3A'o-1'",
        )
        .says("/object", "search_result")
        .says("/data/0/status", "succeeded"),
        get("list", "/v1/payment_intents?limit=1").says("/data/0/amount", 4470),
    ];
    run(&sandbox, "stripe", &pairs).await;
    let effects = sandbox.ledger().of_order("o-1");
    let told: Vec<_> = effects
        .iter()
        .map(|found| (found.kind, found.amount_minor))
        .collect();
    let expected = [
        ("authorise", 4470),
        ("capture", 2000),
        ("refund", 500),
        ("refund", 1500),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_stripe_refuses_is_refused_in_its_words() {
    let sandbox = sandbox();
    let json = r#"{"amount":4470}"#;
    let pairs = [
        pair("no key", "GET", "/v1/payment_intents/pi_1").answers(401),
        pair("a wrong key", "GET", INTENTS)
            .bearer("sk_test_other")
            .answers(401),
        pair("the key as user of Basic", "GET", INTENTS).basic(SECRET_KEY, ""),
        pair("JSON", "POST", INTENTS)
            .bearer(SECRET_KEY)
            .json(json)
            .answers(400)
            .text("application/x-www-form-urlencoded"),
        post("no amount", INTENTS, "currency=eur")
            .answers(400)
            .says("/error/code", "parameter_missing")
            .says("/error/param", "amount"),
        post("no currency", INTENTS, "amount=1")
            .answers(400)
            .says("/error/param", "currency"),
        post("an amount with cents", INTENTS, "amount=44.70&currency=eur")
            .answers(400)
            .says("/error/code", "parameter_invalid_integer"),
        post(
            "a parameter of nobody",
            INTENTS,
            "amount=1&currency=eur&colour=red",
        )
        .answers(400)
        .says("/error/code", "parameter_unknown"),
        post(
            "no such method",
            INTENTS,
            "amount=1&currency=eur&payment_method=4242",
        )
        .answers(400)
        .says("/error/code", "resource_missing"),
        get("no such intent", "/v1/payment_intents/pi_none")
            .answers(404)
            .says("/error/code", "resource_missing"),
        get("no such route", "/v1/charge").answers(404),
        post(
            "declined",
            INTENTS,
            &hold("o-2", "pm_card_visa_chargeDeclined"),
        )
        .answers(402)
        .says("/error/type", "card_error")
        .says("/error/decline_code", "generic_decline")
        .says("/error/payment_intent/status", "requires_payment_method")
        .keep("pi", "/error/payment_intent/id"),
        post(
            "confirm with another card",
            "/v1/payment_intents/{pi}/confirm",
            "payment_method=pm_card_visa",
        )
        .says("/status", "requires_capture"),
        post(
            "a reason of nobody",
            "/v1/payment_intents/{pi}/cancel",
            "cancellation_reason=bored",
        )
        .answers(400),
        post(
            "release",
            "/v1/payment_intents/{pi}/cancel",
            "cancellation_reason=abandoned",
        )
        .says("/status", "canceled")
        .says("/cancellation_reason", "abandoned"),
        post(
            "capture after release",
            "/v1/payment_intents/{pi}/capture",
            "",
        )
        .answers(400),
        post(
            "no funds",
            INTENTS,
            &hold("o-3", "pm_card_visa_chargeDeclinedInsufficientFunds"),
        )
        .answers(402)
        .says("/error/decline_code", "insufficient_funds"),
    ];
    run(&sandbox, "stripe", &pairs).await;
    assert_eq!(sandbox.ledger().count("stripe", "capture"), 0);
    assert_eq!(sandbox.ledger().count("stripe", "void"), 1);
    assert_eq!(sandbox.ledger().count("stripe", "decline"), 2);
}

#[tokio::test]
async fn a_repeated_key_repeats_the_answer_and_not_the_effect() {
    let sandbox = sandbox();
    let keyed = |pair: Pair, key: &str| pair.header("idempotency-key", key);
    let held = hold("o-1", "pm_card_visa");
    let declined = hold("o-2", "pm_card_visa_chargeDeclined");
    let pairs = [
        keyed(post("first", INTENTS, &held), "k-1").keep("pi", "/id"),
        keyed(post("again", INTENTS, &held), "k-1")
            .has("idempotent-replayed", "true")
            .says("/status", "requires_capture")
            .keep("again", "/id"),
        keyed(post("other parameters", INTENTS, &declined), "k-1")
            .answers(400)
            .says("/error/type", "idempotency_error"),
        keyed(post("declined", INTENTS, &declined), "k-2").answers(402),
        keyed(post("declined again", INTENTS, &declined), "k-2")
            .answers(402)
            .has("idempotent-replayed", "true"),
        keyed(post("invalid", INTENTS, "amount=1"), "k-3").answers(400),
        keyed(
            post("nothing is kept of what was invalid", INTENTS, &held),
            "k-3",
        ),
        keyed(post("a long key", INTENTS, &held), &"k".repeat(256)).answers(400),
        pair("a fault", "POST", "/_sandbox/faults")
            .json(r#"{"provider":"stripe","kind":"status","status":500,"count":1}"#)
            .answers(201),
        keyed(post("it fails", INTENTS, &held), "k-4")
            .answers(500)
            .says("/error/type", "api_error"),
        keyed(post("the failure is kept", INTENTS, &held), "k-4")
            .answers(500)
            .has("idempotent-replayed", "true"),
    ];
    let kept = run(&sandbox, "stripe", &pairs).await;
    assert_eq!(kept["pi"], kept["again"]);
    assert_eq!(sandbox.ledger().count("stripe", "authorise"), 2);
    assert_eq!(sandbox.ledger().count("stripe", "decline"), 1);
}

#[tokio::test]
async fn a_list_is_paged_from_the_newest_on_and_bounded_by_time() {
    let sandbox = sandbox();
    let now_s = onhand::clock::now_ms() / 1_000;
    let pairs = [
        post("first", INTENTS, &hold("o-1", "pm_card_visa")).keep("a", "/id"),
        post("second", INTENTS, &hold("o-2", "pm_card_visa")).keep("b", "/id"),
        post("third", INTENTS, &hold("o-3", "pm_card_visa")),
        get("a page", "/v1/payment_intents?limit=2")
            .says("/data/0/metadata/order_id", "o-3")
            .says("/data/1/metadata/order_id", "o-2")
            .says("/has_more", true),
        get("the next", "/v1/payment_intents?limit=2&starting_after={b}")
            .says("/data/0/metadata/order_id", "o-1")
            .says("/has_more", false),
        get(
            "behind nothing",
            "/v1/payment_intents?starting_after=pi_none",
        )
        .answers(404),
        get(
            "from now on",
            &format!("/v1/payment_intents?created%5Bgte%5D={}", now_s - 1),
        )
        .says("/data/2/metadata/order_id", "o-1"),
        get(
            "later",
            &format!("/v1/payment_intents?created%5Bgt%5D={}", now_s + 60),
        )
        .says("/data", serde_json::json!([])),
        get("too many", "/v1/payment_intents?limit=101").answers(400),
        get(
            "by other metadata",
            "/v1/payment_intents/search?query=metadata['colour']:'red'",
        )
        .says("/data", serde_json::json!([])),
        get("no such query", "/v1/payment_intents/search?query=amount>5").answers(400),
    ];
    run(&sandbox, "stripe", &pairs).await;
}

#[tokio::test]
async fn three_d_secure_and_slow_payments_come_to_their_end_later() {
    let sandbox = onhand::sandbox::Sandbox::start(Options {
        step_ms: 50,
        ..Options::default()
    })
    .unwrap();
    let challenge = hold("o-1", "pm_card_authenticationRequired");
    let pairs = [
        post("3-D Secure", INTENTS, &challenge)
            .says("/status", "requires_action")
            .says("/next_action/type", "redirect_to_url")
            .keep("pi", "/id"),
        post("capture too early", "/v1/payment_intents/{pi}/capture", "").answers(400),
        pair(
            "the buyer passes",
            "POST",
            "/_sandbox/stripe/complete_action?intent={pi}",
        )
        .says("/status", "requires_capture"),
        post("a second challenge", INTENTS, &challenge).keep("pi", "/id"),
        pair(
            "the buyer fails",
            "POST",
            "/_sandbox/stripe/complete_action?intent={pi}&outcome=fail",
        )
        .says("/status", "requires_payment_method")
        .says(
            "/last_payment_error/code",
            "payment_intent_authentication_failure",
        ),
        post("processing", INTENTS, &hold("o-2", "pm_sandbox_processing"))
            .says("/status", "processing")
            .keep("slow", "/id"),
    ];
    let kept = run(&sandbox, "stripe", &pairs).await;
    for _ in 0..500 {
        if sandbox.ledger().of_order("o-2").len() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let path = format!("/v1/payment_intents/{}", kept["slow"]);
    run(
        &sandbox,
        "stripe",
        &[get("it is held now", &path).says("/status", "requires_capture")],
    )
    .await;
}
