//! Callbacks in every mode, signed as the provider signs.

use super::pairs::{client, pair, run};
use super::receiver::{Arrived, Receiver};
use onhand::sandbox::stripe::{SECRET_KEY, WEBHOOK_SECRET};
use onhand::sandbox::{Mode, Options, Sandbox, sign};
use std::time::Duration;

async fn both() -> (Sandbox, Receiver) {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::start(Options {
        callback_target: Some(receiver.url.clone()),
        ..Options::default()
    })
    .unwrap();
    (sandbox, receiver)
}

/// Pays; the event `payment_intent.succeeded` follows.
async fn pay(sandbox: &Sandbox) {
    let url = format!("{}/v1/payment_intents", sandbox.base_url("stripe"));
    let reply = client()
        .post(url)
        .bearer_auth(SECRET_KEY)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("amount=1&currency=eur&payment_method=pm_card_visa&confirm=true")
        .send();
    assert_eq!(reply.await.unwrap().status(), 200);
}

fn signed_rightly(arrived: &Arrived) -> bool {
    let header = arrived.header("stripe-signature");
    let (time, digest) = header
        .strip_prefix("t=")
        .unwrap()
        .split_once(",v1=")
        .unwrap();
    let parts: [&[u8]; 3] = [time.as_bytes(), b".", &arrived.body];
    hex::encode(sign::sha256(WEBHOOK_SECRET.as_bytes(), &parts)) == digest
}

#[tokio::test]
async fn an_event_arrives_once_and_rightly_signed() {
    let (sandbox, receiver) = both().await;
    pay(&sandbox).await;
    let arrived = receiver.wait_for(1).await;
    assert_eq!(arrived[0].path, "/callbacks/stripe");
    assert!(signed_rightly(&arrived[0]));
    let event = arrived[0].json();
    assert_eq!(event["type"], "payment_intent.succeeded");
    assert_eq!(event["data"]["object"]["status"], "succeeded");
}

#[tokio::test]
async fn an_event_is_sent_again_until_it_is_taken() {
    let (sandbox, receiver) = both().await;
    receiver.refuse(2);
    pay(&sandbox).await;
    let arrived = receiver.wait_for(3).await;
    assert_eq!(arrived[0].body, arrived[2].body);
    for _ in 0..500 {
        let tally = sandbox.callbacks().tallies()["stripe"];
        if tally.delivered == 1 {
            assert_eq!((tally.refused, tally.waiting), (2, 0));
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", sandbox.callbacks().tallies());
}

#[tokio::test]
async fn an_event_arrives_twice_with_the_same_id() {
    let (sandbox, receiver) = both().await;
    sandbox.callbacks().set_mode("stripe", Mode::Twice, 0);
    pay(&sandbox).await;
    let arrived = receiver.wait_for(2).await;
    assert_eq!(arrived[0].json()["id"], arrived[1].json()["id"]);
}

#[tokio::test]
async fn events_overtake_each_other_and_none_stays_behind() {
    let (sandbox, receiver) = both().await;
    sandbox.callbacks().set_mode("*", Mode::OutOfOrder, 0);
    for _ in 0..3 {
        pay(&sandbox).await;
    }
    let arrived = receiver.wait_for(3).await;
    let ids: Vec<u64> = arrived
        .iter()
        .map(|one| one.json()["id"].as_str().unwrap()[4..].parse().unwrap())
        .collect();
    assert!(ids[0] > ids[1], "{ids:?}");
    assert!(ids[2] > ids[0], "the last one waited for no other: {ids:?}");
}

#[tokio::test]
async fn an_event_is_wrongly_signed_late_or_lost_on_demand() {
    let (sandbox, receiver) = both().await;
    sandbox
        .callbacks()
        .set_mode("stripe", Mode::WronglySigned, 0);
    pay(&sandbox).await;
    assert!(!signed_rightly(&receiver.wait_for(1).await[0]));
    let modes = [
        pair("a mode of nobody", "POST", "/_sandbox/callbacks")
            .json(r#"{"mode":"sideways"}"#)
            .answers(400),
        pair("late", "POST", "/_sandbox/callbacks")
            .json(r#"{"provider":"stripe","mode":"late","delay_ms":300}"#)
            .says("/modes/stripe/delay_ms", 300),
    ];
    run(&sandbox, "stripe", &modes).await;
    let before = onhand::clock::monotonic_ns();
    pay(&sandbox).await;
    receiver.wait_for(2).await;
    assert!(onhand::clock::monotonic_ns() - before >= 300_000_000);
    sandbox.callbacks().set_mode("stripe", Mode::Lost, 0);
    pay(&sandbox).await;
    assert_eq!(sandbox.callbacks().tallies()["stripe"].lost, 1);
    let nowhere = pair("no target", "POST", "/_sandbox/callbacks").json(r#"{"target":""}"#);
    let nowhere = nowhere
        .says("/target", serde_json::Value::Null)
        .says("/callbacks/stripe/lost", 1);
    run(&sandbox, "stripe", &[nowhere]).await;
    assert_eq!(receiver.arrived().len(), 2);
}
