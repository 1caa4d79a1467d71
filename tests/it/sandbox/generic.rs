//! The services behind webhook steps, and the warehouse.

use super::pairs::{Pair, pair, run, sandbox};
use super::receiver::Receiver;
use onhand::sandbox::{Options, Sandbox, sign, webhook_step, wms};

/// A signed request, as old as that many seconds.
fn step(what: &str, path: &str, id: &str, body: &str, age_s: u64) -> Pair {
    let time = (onhand::clock::now_ms() / 1_000 - age_s).to_string();
    let signature = sign::standard(webhook_step::SECRET, id, &time, body.as_bytes());
    pair(what, "POST", path)
        .json(body)
        .header("webhook-id", id)
        .header("webhook-timestamp", &time)
        .header("webhook-signature", &format!("v1,AAAA {signature}"))
}

#[tokio::test]
async fn a_webhook_step_is_verified_answered_and_taken_back() {
    let sandbox = sandbox();
    let body = r#"{"specversion":"1.0","id":"m-1","type":"order.step","subject":"o-1","data":{}}"#;
    let answer = |query: &str| {
        pair(
            "answer",
            "POST",
            &format!("/_sandbox/webhook_step/answer?{query}"),
        )
    };
    let pairs = [
        step("ok", "/erp", "m-1", body, 0)
            .says("/status", "ok")
            .keep("reference", "/reference"),
        step("the same message", "/erp", "m-1", body, 200).says("/reference", "erp-1"),
        pair("not signed", "POST", "/erp")
            .json(body)
            .answers(401)
            .text("missing"),
        step("another body than was signed", "/erp", "m-2", body, 0)
            .json(r#"{"subject":"o-2"}"#)
            .answers(401)
            .text("wrong"),
        step("an old message", "/erp", "m-3", body, 301)
            .answers(401)
            .text("five minutes"),
        step("no order", "/erp", "m-4", "{}", 0).answers(422),
        step("no JSON", "/erp", "m-5", "x", 0).answers(400),
        pair("GET", "GET", "/erp").answers(405),
        answer("service=tax&status=declined&reason=no%20such%20region&count=1").answers(204),
        step("declined", "/tax", "m-6", body, 0)
            .says("/status", "declined")
            .says("/reason", "no such region"),
        step("once", "/tax", "m-7", body, 0).says("/status", "ok"),
        answer("service=tax&status=retry&count=1").answers(204),
        step("later", "/tax", "m-8", body, 0).says("/status", "retry"),
        step("a retry is no answer to keep", "/tax", "m-8", body, 0).says("/status", "ok"),
        answer("service=3pl&status=pending&count=1").answers(204),
        step("pending", "/3pl", "m-20", body, 0).says("/status", "pending"),
        step(
            "an event without an order",
            "/events",
            "m-21",
            r#"{"type":"alert"}"#,
            0,
        )
        .says("/status", "ok"),
        answer("service=tax&status=perhaps").answers(400),
        step("compensate", "/erp/compensate", "m-9", body, 0).says("/reference", "erp-1"),
        step("compensate twice", "/erp/compensate", "m-10", body, 0)
            .says("/status", "ok")
            .says("/reason", "nothing to take back"),
    ];
    run(&sandbox, "webhook_step", &pairs).await;
    assert_eq!(sandbox.ledger().count("webhook_step", "step"), 5);
    assert_eq!(sandbox.ledger().count("webhook_step", "compensate"), 1);
}

#[tokio::test]
async fn a_warehouse_takes_an_order_once_ships_it_and_reports() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::start(Options {
        callback_target: Some(receiver.url.clone()),
        step_ms: 0,
        ..Options::default()
    })
    .unwrap();
    let send = |what: &str, body: &str| pair(what, "POST", "/orders").bearer(wms::TOKEN).json(body);
    let post = |what: &str, path: &str| pair(what, "POST", path).bearer(wms::TOKEN);
    let body = r#"{"order":"o-1","lines":[{"sku":"MUG-RED","quantity":2}]}"#;
    let other = r#"{"order":"o-2","lines":[{"sku":"MUG-RED","quantity":1}]}"#;
    let pairs = [
        send("take", body).answers(201).says("/status", "accepted"),
        send("again", body).says("/status", "accepted"),
        send("again with other lines", &body.replace('2', "3")).answers(409),
        send("no order", "{}").answers(422),
        send("no lines", r#"{"order":"o-3","lines":[]}"#).answers(422),
        send("no JSON", "x").answers(400),
        pair("no token", "POST", "/orders").json(body).answers(401),
        send("another", other).answers(201),
        post("cancel", "/orders/o-2/cancel").says("/status", "cancelled"),
        post("cancel twice", "/orders/o-2/cancel").says("/status", "cancelled"),
        post("cancel nothing", "/orders/o-9/cancel").answers(404),
        pair("no such route", "GET", "/stock")
            .bearer(wms::TOKEN)
            .answers(404),
    ];
    run(&sandbox, "wms", &pairs).await;
    let by_hand = |what: &str, path: &str| pair(what, "POST", path);
    let pairs = [by_hand("ship", "/_sandbox/wms/ship?order=o-1").says("/status", "shipped")];
    run(&sandbox, "wms", &pairs).await;
    receiver.wait_for(1).await;
    let pairs = [by_hand("deliver", "/_sandbox/wms/deliver?order=o-1")];
    run(&sandbox, "wms", &pairs).await;
    let arrived = receiver.wait_for(2).await;
    assert_eq!(arrived[0].json()["type"], "shipment.shipped");
    assert_eq!(arrived[1].json()["type"], "shipment.delivered");
    for one in &arrived {
        assert_eq!(one.path, "/callbacks/wms");
        assert_eq!(one.json()["data"]["order"], "o-1");
        let (id, time) = (one.header("webhook-id"), one.header("webhook-timestamp"));
        let right = sign::standard(wms::WEBHOOK_SECRET, id, time, &one.body);
        assert_eq!(one.header("webhook-signature"), right);
    }
    let pairs = [
        post("cancel what is delivered", "/orders/o-1/cancel").answers(409),
        pair("status", "GET", "/orders/o-1")
            .bearer(wms::TOKEN)
            .says("/status", "delivered"),
        pair("by hand", "POST", "/_sandbox/wms/ship?order=o-7").says("/status", "shipped"),
    ];
    run(&sandbox, "wms", &pairs).await;
    receiver.wait_for(3).await;
}

#[tokio::test]
async fn a_warehouse_ships_and_delivers_by_itself() {
    let sandbox = Sandbox::start(Options {
        step_ms: 10,
        ..Options::default()
    })
    .unwrap();
    let body = r#"{"order":"o-1","lines":[{"sku":"MUG-RED","quantity":2}]}"#;
    let send = pair("take", "POST", "/orders")
        .bearer(wms::TOKEN)
        .json(body)
        .answers(201);
    run(&sandbox, "wms", &[send]).await;
    for _ in 0..1_000 {
        if sandbox.ledger().count("wms", "deliver") == 1 {
            let kinds: Vec<_> = sandbox
                .ledger()
                .of_order("o-1")
                .iter()
                .map(|one| one.kind)
                .collect();
            assert_eq!(kinds, ["order", "ship", "deliver"]);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{:?}", sandbox.ledger().of_order("o-1"));
}
