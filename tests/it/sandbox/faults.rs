//! Every kind of fault, and the limits.

use super::pairs::{client, pair, run, sandbox};
use onhand::sandbox::Sandbox;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::stripe::SECRET_KEY;
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

/// Sends a payment of its own; the error, or status and body.
async fn pay(sandbox: &Sandbox, key: &str) -> Result<(u16, String), reqwest::Error> {
    let url = format!("{}/v1/payment_intents", sandbox.base_url("stripe"));
    let reply = client()
        .post(url)
        .bearer_auth(SECRET_KEY)
        .header("idempotency-key", key)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("amount=1&currency=eur&payment_method=pm_card_visa&confirm=true")
        .timeout(Duration::from_millis(500))
        .send()
        .await?;
    let status = reply.status().as_u16();
    Ok((status, reply.text().await?))
}

fn paid(sandbox: &Sandbox) -> u64 {
    sandbox.ledger().count("stripe", "authorise")
}

fn once(kind: Kind) -> Rule {
    Rule {
        count: Some(1),
        ..Rule::new("stripe", kind)
    }
}

#[tokio::test]
async fn latency_holds_the_reply_back_while_the_key_is_in_use() {
    let sandbox = sandbox();
    let rule = Rule {
        latency_ms: 2_000,
        ..once(Kind::Latency)
    };
    sandbox.fault(rule).unwrap();
    let late = pay(&sandbox, "k").await.unwrap_err();
    assert!(late.is_timeout(), "{late:?}");
    assert_eq!(paid(&sandbox), 1, "the effect happened");
    let (status, body) = pay(&sandbox, "k").await.unwrap();
    assert_eq!(status, 409, "{body}");
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if pay(&sandbox, "k").await.unwrap().0 == 200 {
            assert_eq!(paid(&sandbox), 1);
            return;
        }
    }
    panic!("the key stayed in use");
}

#[tokio::test]
async fn a_timeout_never_answers_and_executes_only_where_that_is_asked() {
    let sandbox = sandbox();
    sandbox.fault(once(Kind::Timeout)).unwrap();
    assert!(pay(&sandbox, "k-1").await.unwrap_err().is_timeout());
    assert_eq!(paid(&sandbox), 0);
    let rule = Rule {
        executed: Some(true),
        ..once(Kind::Timeout)
    };
    sandbox.fault(rule).unwrap();
    assert!(pay(&sandbox, "k-2").await.unwrap_err().is_timeout());
    assert_eq!(paid(&sandbox), 1);
}

#[tokio::test]
async fn a_dropped_connection_leaves_the_effect_and_a_repeat_does_not_double_it() {
    let sandbox = sandbox();
    sandbox.fault(once(Kind::CommitThenDrop)).unwrap();
    let dropped = pay(&sandbox, "k").await.unwrap_err();
    assert!(!dropped.is_timeout() && dropped.is_request(), "{dropped:?}");
    assert_eq!(paid(&sandbox), 1);
    let (status, body) = pay(&sandbox, "k").await.unwrap();
    assert_eq!((status, paid(&sandbox)), (200, 1), "{body}");
}

#[tokio::test]
async fn a_reset_is_a_reset_and_nothing_happens() {
    let sandbox = sandbox();
    sandbox.fault(once(Kind::Reset)).unwrap();
    let address = sandbox.address();
    let read = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let request = format!(
            "POST /stripe/v1/payment_intents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \
             {SECRET_KEY}\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream.read(&mut [0; 64])
    });
    let error = read.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert_eq!(paid(&sandbox), 0);
}

#[tokio::test]
async fn bodies_are_broken_or_empty_with_status_200() {
    let sandbox = sandbox();
    sandbox.fault(once(Kind::MalformedBody)).unwrap();
    let (status, body) = pay(&sandbox, "k-1").await.unwrap();
    assert_eq!(status, 200);
    assert!(
        serde_json::from_str::<serde_json::Value>(&body).is_err(),
        "{body}"
    );
    sandbox.fault(once(Kind::EmptyBody)).unwrap();
    assert_eq!(pay(&sandbox, "k-2").await.unwrap(), (200, String::new()));
    assert_eq!(paid(&sandbox), 2, "both were executed");
}

#[tokio::test]
async fn rules_are_set_listed_and_cleared_over_http() {
    let sandbox = sandbox();
    let post = |what: &str, body: &str| pair(what, "POST", "/_sandbox/faults").json(body);
    let pairs = [
        post(
            "a status with a header",
            r#"{"provider":"stripe","route":"status","kind":"status","status":503,
            "headers":{"retry-after":"7"}}"#,
        )
        .answers(201)
        .says("/id", 1),
        pair("it hits", "GET", "/v1/payment_intents/pi_1")
            .answers(503)
            .has("retry-after", "7"),
        pair("another operation is left alone", "GET", "/v1/refunds/re_1").answers(401),
        pair("the list", "GET", "/_sandbox/faults")
            .says("/faults/0/hits", 1)
            .says("/faults/0/kind", "status"),
        pair("cleared", "DELETE", "/_sandbox/faults?provider=stripe").answers(204),
        pair("it hits no more", "GET", "/v1/payment_intents/pi_1").answers(401),
        post(
            "no such provider",
            r#"{"provider":"stripes","kind":"reset"}"#,
        )
        .answers(400)
        .text("no provider `stripes`"),
        post(
            "a share over 1",
            r#"{"provider":"*","kind":"reset","share":2}"#,
        )
        .answers(400),
        post(
            "a status of success",
            r#"{"provider":"*","kind":"status","status":200}"#,
        )
        .answers(400),
        post(
            "a word of nobody",
            r#"{"provider":"*","kind":"reset","colour":1}"#,
        )
        .answers(400),
        post(
            "half of all",
            r#"{"provider":"*","kind":"status","status":502,"share":0.5}"#,
        )
        .answers(201),
    ];
    run(&sandbox, "stripe", &pairs).await;
    let mut hits = 0;
    for number in 0..10 {
        let status = pay(&sandbox, &format!("k-{number}")).await.unwrap().0;
        hits += u32::from(status == 502);
    }
    assert_eq!(hits, 5, "a share is spread evenly");
    let text = r#"{"provider":"stripe","kind":"status","status":500,"for_ms":1}"#;
    let pairs = [
        pair("cleared", "DELETE", "/_sandbox/faults").answers(204),
        post("for a millisecond", text).answers(201),
    ];
    run(&sandbox, "stripe", &pairs).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(
        pay(&sandbox, "k").await.unwrap().0,
        200,
        "the rule has ended"
    );
}

#[tokio::test]
async fn real_limits_refuse_what_is_over_them_until_they_are_switched_off() {
    let sandbox = sandbox();
    let set = |limits: &str| {
        pair("limits", "POST", "/_sandbox/limits").json(&format!(r#"{{"limits":"{limits}"}}"#))
    };
    run(&sandbox, "stripe", &[set("real").says("/limits", "real")]).await;
    let mut refused = 0;
    for number in 0..40 {
        let (status, body) = pay(&sandbox, &format!("k-{number}")).await.unwrap();
        if status == 429 {
            assert!(body.contains("rate_limit"), "{body}");
            refused += 1;
        }
    }
    assert!(refused > 0, "25 a second to one endpoint");
    run(&sandbox, "stripe", &[set("off")]).await;
    for number in 0..40 {
        assert_eq!(pay(&sandbox, &format!("l-{number}")).await.unwrap().0, 200);
    }
}

#[tokio::test]
async fn the_ledger_is_read_over_http_and_its_bound_is_told_loudly() {
    let sandbox = Sandbox::start(onhand::sandbox::Options {
        most_effects: 4,
        ..onhand::sandbox::Options::default()
    })
    .unwrap();
    for key in ["k-1", "k-2"] {
        assert_eq!(pay(&sandbox, key).await.unwrap().0, 200);
    }
    let (status, body) = pay(&sandbox, "k-3").await.unwrap();
    assert_eq!(status, 507, "{body}");
    assert!(
        body.contains("the sandbox's ledger is full: 4 effects"),
        "{body}"
    );
    let get = |path: &str| pair(path, "GET", path);
    let pairs = [
        get("/_sandbox/ledger?provider=stripe&kind=capture")
            .says("/effects/1/key", "k-2")
            .says("/effects/1/amount_minor", 1)
            .says("/effects/1/currency", "eur")
            .says("/effects/1/state", "succeeded")
            .says("/next", serde_json::Value::Null),
        get("/_sandbox/ledger?after=2&limit=1")
            .says("/effects/0/sequence", 3)
            .says("/next", 3),
        get("/_sandbox/ledger/summary")
            .says("/effects", 4)
            .says("/providers/stripe/authorise/count", 2),
        pair("clear", "DELETE", "/_sandbox/ledger").answers(204),
        get("/_sandbox/ledger/summary").says("/effects", 0),
        get("/_sandbox/health"),
        get("/_sandbox/nothing").answers(404),
    ];
    run(&sandbox, "stripe", &pairs).await;
    assert_eq!(pay(&sandbox, "k-4").await.unwrap().0, 200);
}
