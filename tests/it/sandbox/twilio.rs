//! Twilio in the sandbox.

use super::pairs::{Pair, pair, run};
use super::world::{effects, limited, moving, still};
use onhand::sandbox::sign;
use onhand::sandbox::twilio::{ACCOUNT, TOKEN};

fn path(rest: &str) -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/{rest}")
}

fn send(what: &str, form: &str) -> Pair {
    pair(what, "POST", &path("Messages.json"))
        .basic(ACCOUNT, TOKEN)
        .form(form)
}

fn get(what: &str, rest: &str) -> Pair {
    pair(what, "GET", &path(rest)).basic(ACCOUNT, TOKEN)
}

const GOOD: &str = "To=%2B34600000000&From=%2B15550001111&Body=Order+1042+has+shipped";

#[tokio::test]
async fn a_message_is_queued_or_refused_with_the_providers_code() {
    let sandbox = still();
    let to = |number: &str| GOOD.replace("34600000000", number);
    let long = format!("To=%2B34600000000&From=%2B1555&Body={}", "x".repeat(1_601));
    let other = "/2010-04-01/Accounts/AC1/Messages.json";
    let refused = |what: &str, form: &str, code: u32| {
        send(what, form)
            .answers(400)
            .says("/code", code)
            .says("/status", 400)
    };
    let pairs = [
        send("good", GOOD)
            .answers(201)
            .says("/status", "queued")
            .says("/num_segments", "1")
            .keep("sid", "/sid"),
        get("read", "Messages/{sid}.json").says("/to", "+34600000000"),
        get("list", "Messages.json?To=%2B34600000000").says("/messages/0/status", "queued"),
        get("nobody's", "Messages.json?To=%2B1").text("\"messages\":[]"),
        get("before their time", "Messages.json?DateSent%3C=2001-01-01").text("\"messages\":[]"),
        get("since then", "Messages.json?DateSent%3E=2001-01-01")
            .says("/messages/0/error_code", ()),
        refused("to nobody", "From=%2B15550001111&Body=x", 21_604),
        refused("from nobody", "To=%2B34600000000&Body=x", 21_603),
        refused("nothing", "To=%2B34600000000&From=%2B15550001111", 21_602),
        refused("no number", &GOOD.replace("%2B34", "34"), 21_211),
        refused("not valid", &to("15005550001"), 21_211),
        refused("no mobile", &to("15005550009"), 21_614),
        refused("opted out", &to("15005550004"), 21_610),
        refused("too long", &long, 21_617),
        refused("no URL", &format!("{GOOD}&StatusCallback=here"), 21_609),
        pair("JSON", "POST", &path("Messages.json"))
            .basic(ACCOUNT, TOKEN)
            .json(r#"{"To":"+34600000000"}"#)
            .answers(400)
            .says("/code", 21_604),
        pair("wrong token", "POST", &path("Messages.json"))
            .basic(ACCOUNT, "x")
            .form(GOOD)
            .answers(401)
            .says("/code", 20_003),
        pair("another's account", "POST", other)
            .basic(ACCOUNT, TOKEN)
            .form(GOOD)
            .answers(401),
        get("no such message", "Messages/SM1.json")
            .answers(404)
            .says("/code", 20_404),
    ];
    run(&sandbox, "twilio", &pairs).await;
    let messages = effects(&sandbox, "twilio", "message");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["detail"]["text"], "Order 1042 has shipped");
    assert_eq!(messages[0]["order"], "+34600000000");
}

/// The signature by the provider's rule: address, then each field and value in order of names.
fn signature(url: &str, body: &[u8]) -> String {
    let mut fields: Vec<(String, String)> =
        url::form_urlencoded::parse(body).into_owned().collect();
    fields.sort();
    let fields: String = fields
        .iter()
        .map(|(name, value)| format!("{name}{value}"))
        .collect();
    sign::base64(&sign::sha1(
        TOKEN.as_bytes(),
        &[url.as_bytes(), fields.as_bytes()],
    ))
}

#[tokio::test]
async fn a_report_goes_to_the_address_of_the_message_and_is_signed_over_it() {
    let (sandbox, receiver) = moving().await;
    let url = format!("{}/callbacks/twilio?tenant=acme", receiver.url);
    let coded: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    for (number, last) in [("34600000000", "delivered"), ("15005550030", "undelivered")] {
        let before = receiver.arrived().len();
        let form = GOOD.replace("34600000000", number);
        let form = format!("{form}&StatusCallback={coded}");
        run(&sandbox, "twilio", &[send("send", &form).answers(201)]).await;
        let arrived = receiver.wait_for(before + 2).await;
        for report in &arrived[before..] {
            assert_eq!(report.path, "/callbacks/twilio");
            assert_eq!(
                report.header("x-twilio-signature"),
                signature(&url, &report.body)
            );
        }
        let bodies = arrived[before..]
            .iter()
            .map(|one| String::from_utf8_lossy(&one.body));
        let found = bodies.filter(|body| body.contains(&format!("MessageStatus={last}&")));
        assert_eq!(found.count(), 1, "{number}");
    }
}

#[tokio::test]
async fn a_message_without_a_callback_address_is_not_reported_but_can_be_read() {
    let (sandbox, receiver) = moving().await;
    let kept = run(
        &sandbox,
        "twilio",
        &[send("send", GOOD).answers(201).keep("sid", "/sid")],
    )
    .await;
    super::world::effect(&sandbox, "twilio", "delivered").await;
    let read = get("read", &format!("Messages/{}.json", kept["sid"]));
    run(&sandbox, "twilio", &[read.says("/status", "delivered")]).await;
    assert!(receiver.arrived().is_empty());
}

#[tokio::test]
async fn the_call_after_a_hundred_in_a_second_is_refused_with_20429() {
    let sandbox = limited();
    let client = super::pairs::client();
    let url = format!("{}{}", sandbox.base_url("twilio"), path("Messages.json"));
    let mut refused = None;
    for _ in 0..400 {
        let request = client.post(&url).basic_auth(ACCOUNT, Some(TOKEN));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let reply = request.body(GOOD).send().await.unwrap();
        if reply.status() == 429 {
            refused = Some(reply.json::<serde_json::Value>().await.unwrap());
            break;
        }
    }
    // A machine that is too slow for a hundred calls in a second meets no limit.
    if let Some(body) = refused {
        assert_eq!(body["code"], 20_429);
    } else {
        let first = effects(&sandbox, "twilio", "message");
        let took = first[399]["at_ms"].as_u64().unwrap() - first[0]["at_ms"].as_u64().unwrap();
        assert!(took > 3_900, "400 messages in {took} ms");
    }
}
