//! EasyPost in the sandbox.

use super::pairs::{Pair, pair, run};
use super::world::{effect, effects, moving, still};
use onhand::sandbox::easypost::{CALLBACK_SECRET, KEY, rates};
use onhand::sandbox::{Mode, sign};
use serde_json::{Value, json};

fn shipment(reference: &str, street2: &str) -> String {
    json!({"shipment": {"reference": reference,
        "from_address": {"street1": "1 Dock Rd", "city": "Reno", "state": "NV", "zip": "89502",
            "country": "US"},
        "to_address": {"name": "Ana Ruiz", "street1": "4 Sun St", "street2": street2,
            "city": "Boston", "state": "MA", "zip": "02108", "country": "US"},
        "parcel": {"weight": 12.5}}})
    .to_string()
}

fn post(what: &str, path: &str, body: &str) -> Pair {
    pair(what, "POST", path).basic(KEY, "").json(body)
}

fn get(what: &str, path: &str) -> Pair {
    pair(what, "GET", path).basic(KEY, "")
}

const SHIPMENTS: &str = "/v2/shipments";

const BUY: &str = r#"{"rate":{"id":"{rate}"}}"#;

fn bought(reference: &str, street2: &str) -> [Pair; 2] {
    [
        post("rates", SHIPMENTS, &shipment(reference, street2))
            .answers(201)
            .keep("id", "/id")
            .keep("rate", "/rates/0/id"),
        post("buy", "/v2/shipments/{id}/buy", BUY)
            .says("/status", "pre_transit")
            .keep("code", "/tracking_code"),
    ]
}

#[tokio::test]
async fn a_label_is_bought_once_at_a_rate_of_its_shipment_and_can_be_given_back() {
    let sandbox = still();
    let pairs = [
        post("rates", SHIPMENTS, &shipment("o-1", ""))
            .answers(201)
            .says("/reference", "o-1")
            .says("/postage_label", Value::Null)
            .says("/rates/0/carrier", "USPS")
            .keep("id", "/id")
            .keep("rate", "/rates/1/id")
            .keep("price", "/rates/1/rate"),
        get("nothing bought", "/v2/shipments/{id}").says("/tracking_code", Value::Null),
        post("refund nothing", "/v2/shipments/{id}/refund", "")
            .answers(422)
            .says("/error/code", "SHIPMENT.REFUND.UNAVAILABLE"),
        post("buy without a rate", "/v2/shipments/{id}/buy", "{}")
            .answers(422)
            .says("/error/code", "PARAMETER.REQUIRED"),
        post(
            "buy at a strange rate",
            "/v2/shipments/{id}/buy",
            r#"{"rate":{"id":"rate_1"}}"#,
        )
        .answers(422),
        post("buy", "/v2/shipments/{id}/buy", BUY)
            .says("/tracker/status", "pre_transit")
            .says("/selected_rate/id", "rate_00000000000000000000000000000003")
            .text(".pdf")
            .keep("code", "/tracking_code")
            .keep("tracker", "/tracker/id"),
        post("buy twice", "/v2/shipments/{id}/buy", BUY)
            .answers(422)
            .says("/error/code", "SHIPMENT.POSTAGE.EXISTS"),
        get("by reference", "/v2/shipments/o-1").says("/status", "pre_transit"),
        get("tracker", "/v2/trackers/{tracker}").says("/status", "pre_transit"),
        get("trackers of a code", "/v2/trackers?tracking_code={code}")
            .says("/trackers/0/status", "pre_transit"),
        post("refund", "/v2/shipments/{id}/refund", "").says("/refund_status", "submitted"),
        post("refund twice", "/v2/shipments/{id}/refund", "").answers(422),
    ];
    run(&sandbox, "easypost", &pairs).await;
    let labels = effects(&sandbox, "easypost", "label");
    assert_eq!(labels.len(), 1);
    assert_eq!(labels[0]["order"], "o-1");
    assert_eq!(effects(&sandbox, "easypost", "label_void").len(), 1);
}

#[tokio::test]
async fn what_the_provider_refuses_is_refused() {
    let sandbox = still();
    let good = shipment("o-1", "");
    let weightless = good.replace("12.5", "0");
    let homeless = good.replace("to_address", "address");
    let pairs = [
        pair("no key", "POST", SHIPMENTS).json(&good).answers(401),
        pair("wrong key", "POST", SHIPMENTS)
            .basic("EZTKother", "")
            .json(&good)
            .answers(401)
            .says("/error/code", "UNAUTHORIZED"),
        post("no JSON", SHIPMENTS, "shipment").answers(422),
        post("no shipment", SHIPMENTS, "{}")
            .answers(422)
            .says("/error/errors/0/field", "shipment"),
        post("no address", SHIPMENTS, &homeless)
            .answers(422)
            .says("/error/errors/0/field", "to_address"),
        post("no weight", SHIPMENTS, &weightless)
            .answers(422)
            .says("/error/errors/0/field", "parcel.weight"),
        get("no such shipment", "/v2/shipments/shp_1").answers(404),
        post("buy nothing", "/v2/shipments/shp_1/buy", BUY).answers(404),
        post("no code", "/v2/trackers", r#"{"tracker":{}}"#).answers(422),
        get("no such tracker", "/v2/trackers/trk_1").answers(404),
        get("no such path", "/v2/batches").answers(404),
    ];
    run(&sandbox, "easypost", &pairs).await;
    assert_eq!(effects(&sandbox, "easypost", "label").len(), 0);
}

#[test]
fn rates_follow_from_weight_and_postcodes_alone() {
    let (reno, boston) = (json!({"zip": "89502"}), json!({"zip": "02108"}));
    let (sparks, madrid) = (
        json!({"zip": "89431"}),
        json!({"zip": "28013", "country": "ES"}),
    );
    let cents = |from: &Value, to: &Value, ounces| rates(from, to, ounces)[0].cents;
    assert_eq!(rates(&reno, &boston, 12.5), rates(&reno, &boston, 12.5));
    assert_eq!(cents(&reno, &boston, 12.5), cents(&reno, &boston, 16.0));
    assert!(cents(&reno, &boston, 16.1) > cents(&reno, &boston, 16.0));
    assert!(cents(&reno, &boston, 12.5) > cents(&reno, &sparks, 12.5));
    assert!(cents(&reno, &madrid, 12.5) > cents(&reno, &boston, 12.5));
}

#[tokio::test]
async fn a_parcel_reports_each_step_of_its_way_rightly_signed() {
    let (sandbox, receiver) = moving().await;
    run(&sandbox, "easypost", &bought("o-1", "")).await;
    let arrived = receiver.wait_for(3).await;
    let mut statuses: Vec<String> = Vec::new();
    for one in &arrived {
        assert_eq!(one.path, "/callbacks/easypost");
        let digest = hex::encode(sign::sha256(CALLBACK_SECRET.as_bytes(), &[&one.body]));
        assert_eq!(
            one.header("x-hmac-signature"),
            format!("hmac-sha256-hex={digest}")
        );
        let event = one.json();
        assert_eq!(event["description"], "tracker.updated");
        statuses.push(event["result"]["status"].as_str().unwrap().to_owned());
    }
    statuses.sort_unstable(); // deliveries may overtake each other
    assert_eq!(statuses, ["delivered", "in_transit", "out_for_delivery"]);
}

#[tokio::test]
async fn a_parcel_may_be_lost_or_come_back() {
    for (street, last) in [
        ("SANDBOX LOST", "failure"),
        ("SANDBOX RETURN", "return_to_sender"),
    ] {
        let (sandbox, receiver) = moving().await;
        run(&sandbox, "easypost", &bought("o-1", street)).await;
        let arrived = receiver.wait_for(2).await;
        let statuses: Vec<_> = arrived
            .iter()
            .map(|one| one.json()["result"]["status"].clone())
            .collect();
        assert!(statuses.contains(&json!(last)), "{statuses:?}");
    }
}

#[tokio::test]
async fn a_cancelled_label_goes_nowhere() {
    let sandbox = still();
    let mut pairs = bought("o-1", "").to_vec();
    let advance = "/_sandbox/easypost/advance?tracking_code={code}";
    pairs.push(post("refund", "/v2/shipments/{id}/refund", ""));
    pairs.push(pair("advance", "POST", advance).says("/moved", false));
    run(&sandbox, "easypost", &pairs).await;
    assert_eq!(effects(&sandbox, "easypost", "carrier_report").len(), 0);
}

#[tokio::test]
async fn a_used_label_cannot_be_given_back() {
    let sandbox = still();
    let mut pairs = bought("o-1", "").to_vec();
    let advance = "/_sandbox/easypost/advance?tracking_code={code}";
    pairs.push(pair("advance", "POST", advance).says("/moved", true));
    pairs.push(
        post("refund", "/v2/shipments/{id}/refund", "")
            .answers(422)
            .text("used"),
    );
    run(&sandbox, "easypost", &pairs).await;
}

#[tokio::test]
async fn a_report_of_any_tracking_code_can_be_asked_for_and_signed_wrongly() {
    let (sandbox, receiver) = moving().await;
    sandbox
        .callbacks()
        .set_mode("easypost", Mode::WronglySigned, 0);
    let track = r#"{"tracker":{"tracking_code":"1Z1","carrier":"UPS"}}"#;
    run(
        &sandbox,
        "easypost",
        &[post("track", "/v2/trackers", track).answers(201)],
    )
    .await;
    let arrived = receiver.wait_for(1).await;
    let digest = hex::encode(sign::sha256(
        CALLBACK_SECRET.as_bytes(),
        &[&arrived[0].body],
    ));
    assert!(!arrived[0].header("x-hmac-signature").ends_with(&digest));
    let report = effect(&sandbox, "easypost", "carrier_report").await;
    assert_eq!(report["order"], "1Z1");
}
