//! Secrets and card numbers that can be recognised, at the most talkative level of the log: orders
//! walk, fail and are decided about, and afterwards every byte that the server wrote or answered is
//! searched for them.

mod rig;

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use onhand::client::{ConnectOptions, Connection};
use onhand::types::ResultCode;
use regex::bytes::RegexBuilder;
use rig::{SECRETS, TENANT, World, secret, wait};
use serde_json::{Value, json};

use super::process::run;
use super::web::send;

const CARD_IN_DETAILS: &str = "4111111111111111";
const CARD_IN_REASON: &str = "4242424242424242";
const CARD_IN_PATH: &str = "378282246310005";
/// As a provider might repeat it in an error.
const CARD_IN_ANSWER: &str = "5555 5555 5555 4444";
/// A bearer token that is not in the token file.
const WRONG_TOKEN: &str = "oh_canarywrong6d20f3a1";

/// Orders that succeed, fail and are declined; providers that say too much.
fn story(world: &mut World) {
    // One provider is down for a moment, and repeats what it was sent.
    let said = |key: &str| format!("no access with {} for card {CARD_IN_ANSWER}", secret(key));
    let body = json!({"error": {"type": "api_error", "message": said("STRIPE_KEY")}});
    world.repeats("stripe", "authorise", 503, 1, body);
    let order = world.accepted("pm_card_visa");
    world.reaches(&order, "COMPLETED");
    let order = world.accepted("pm_card_chargeDeclined");
    world.reaches(&order, "DECLINED");
    // A label that is refused: review, and an alert.
    let body =
        json!({"error": {"code": "UNAUTHORIZED", "message": said("EASYPOST_KEY"), "errors": []}});
    world.repeats("easypost", "buy", 401, 1, body);
    let reviewed = world.accepted("pm_card_visa");
    world.reaches(&reviewed, "REVIEW");
    // A message that is refused: a dead letter.
    let body = json!({"errors": [{"message": said("SENDGRID_KEY"), "field": null, "help": null}]});
    world.repeats("sendgrid", "send", 400, 1, body);
    let order = world.accepted("pm_card_visa");
    let mut letters = String::new();
    wait("a dead letter", || {
        letters = world.get("/v1/dead-letters").is(200).body;
        letters.contains(&order)
    });
    assert!(
        letters.contains("(secret)") && letters.contains("(card number)"),
        "{letters}"
    );
    refusals(world, &reviewed, &order);
    for path in [
        "/metrics",
        "/readyz",
        "/v1/orders",
        "/v1/review",
        "/v1/breakers",
        "/v1/pipelines",
    ] {
        world.get(path).is(200);
    }
}

/// Card numbers where none belongs, and tokens that are not known.
fn refusals(world: &mut World, reviewed: &str, with_letter: &str) {
    let (_, code) = world.place(
        "pm_not_a_card_no",
        Some(("pm_not_a_card_no", CARD_IN_DETAILS)),
    );
    assert_eq!(code, ResultCode::CardNumber);
    let because = json!({ "reason": format!("buyer says {CARD_IN_REASON}") });
    for path in [
        format!("/v1/orders/{reviewed}/cancel"),
        format!("/v1/orders/{reviewed}/refund"),
        format!("/v1/review/{reviewed}/approve"),
        format!("/v1/review/{reviewed}/decline"),
        format!("/v1/dead-letters/{with_letter}/1/discard"),
        "/v1/dead-letters/redrive".to_owned(),
    ] {
        world
            .ask("POST", &path, &because)
            .is_problem(422, "CARD_NUMBER");
    }
    let edit = json!({ "reference": CARD_IN_REASON });
    let path = format!("/v1/dead-letters/{with_letter}/1/edit");
    world
        .ask("POST", &path, &edit)
        .is_problem(422, "CARD_NUMBER");
    let details = json!({ "details": { "contact_name": CARD_IN_REASON } });
    let path = format!("/v1/orders/{reviewed}/edit");
    world
        .ask("POST", &path, &details)
        .is_problem(422, "CARD_NUMBER");
    let number: u64 = CARD_IN_REASON.parse().expect("a number");
    let path = format!("/v1/orders/{reviewed}/cancel");
    let misread = world
        .ask("POST", &path, &json!({ "reason": number }))
        .is(400);
    assert!(misread.body.contains("(card number)"), "{misread:?}");
    for path in [
        format!("/v1/orders/{CARD_IN_PATH}"),
        format!("/v1/orders?state={CARD_IN_PATH}"),
        format!("/v1/orders?{CARD_IN_PATH}=1"),
        format!("/v1/dead-letters/{CARD_IN_PATH}/1"),
        format!("/{CARD_IN_PATH}"),
    ] {
        let answer = world.get(&path);
        assert!(answer.status >= 400, "{path}: {answer:?}");
    }
    let path = format!("/v1/breakers/{CARD_IN_PATH}/reset");
    assert!(world.ask("POST", &path, &json!({})).status >= 400);
    let bearer = format!("Bearer {WRONG_TOKEN}");
    world
        .ask_as(&bearer, "GET", "/v1/orders", &Value::Null)
        .is(401);
    let options = ConnectOptions::new(&world.server.address, WRONG_TOKEN, TENANT);
    let refused = Connection::connect(&options).expect_err("not known");
    world.answered += &format!("{refused} {refused:?}\n");
    let http = world.server.http();
    let signed = [("stripe-signature", "t=1,v1=00")];
    let forged = send(http, "POST", "/callbacks/stripe", &signed, b"{}");
    assert!(forged.status >= 400, "{forged:?}");
    world.answered += &forged.body;
}

/// What must not be found: the secrets as they are and as they stand in a Basic header, and the card
/// numbers with and without their blanks.
fn needles(token: &str) -> Vec<String> {
    let secrets = SECRETS.iter().map(|(_, _, secret)| *secret);
    let mut needles: Vec<String> = secrets
        .chain([
            token,
            WRONG_TOKEN,
            CARD_IN_DETAILS,
            CARD_IN_REASON,
            CARD_IN_PATH,
            CARD_IN_ANSWER,
        ])
        .map(str::to_owned)
        .collect();
    needles.push(CARD_IN_ANSWER.replace(' ', ""));
    needles.push(STANDARD_NO_PAD.encode(format!("{}:", secret("EASYPOST_KEY"))));
    let both = format!(
        "{}:{}",
        secret("SHIPSTATION_KEY"),
        secret("SHIPSTATION_SECRET")
    );
    needles.push(STANDARD_NO_PAD.encode(both));
    needles
}

/// Whether a text is in these bytes, in whatever case.
fn has(bytes: &[u8], needle: &str) -> bool {
    let mut pattern = RegexBuilder::new(&regex::escape(needle));
    let pattern = pattern.case_insensitive(true).build().expect("a pattern");
    pattern.is_match(bytes)
}

/// Every file below a directory.
fn files(directory: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, into);
        } else {
            let bytes = fs::read(&path).expect("a file");
            into.push((path.display().to_string(), bytes));
        }
    }
}

#[test]
fn no_secret_and_no_card_number_is_in_any_byte_that_the_server_writes_or_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut world = World::start(directory.path());
    world.stock_up();
    story(&mut world);
    let data = directory.path().join("data");
    let history = data.join("history.sqlite-wal");
    wait("the history", || {
        fs::read(&history).is_ok_and(|bytes| has(&bytes, "(card number)"))
    });
    let needles = needles(&world.token);
    assert_eq!(world.server.stop(), Some(0));
    let mut searched = vec![
        ("HTTP".to_owned(), world.answered.into_bytes()),
        (
            "log".to_owned(),
            fs::read(directory.path().join("log")).expect("a log"),
        ),
    ];
    files(&data, &mut searched);
    let at = data.display().to_string();
    for arguments in [
        &["audit", "--data", &at][..],
        &["audit", "--data", &at, "--format", "csv"],
        &["audit", "report", "--data", &at],
        &["inspect", "--data", &at, "records"],
        &["verify", "--data", &at],
    ] {
        let said = run(arguments).exits(0);
        searched.push((arguments.join(" "), (said.out + &said.err).into_bytes()));
    }
    for (place, bytes) in &searched {
        for needle in &needles {
            assert!(!has(bytes, needle), "{needle} is in {place}");
        }
    }
    // The search sees what is there: the same texts with what stands in for the secrets.
    let seen = |place: &str, text: &str| {
        let mut places = searched.iter().filter(|(name, _)| name.contains(place));
        assert!(
            places.any(|(_, bytes)| has(bytes, text)),
            "no {text} in {place}"
        );
    };
    for place in [
        "HTTP",
        "log",
        "/data/shard",
        "history.sqlite",
        "audit --data",
    ] {
        seen(place, "(card number)");
        seen(place, "(secret)");
    }
    seen("log", "TRACE");
    seen("/data/shard", "canary-order-0");
    let bytes: usize = searched.iter().map(|(_, bytes)| bytes.len()).sum();
    println!(
        "{bytes} bytes in {} places searched for {} texts: 0 hits",
        searched.len(),
        needles.len()
    );
}
