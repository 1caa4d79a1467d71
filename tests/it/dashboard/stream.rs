//! The dashboard without a browser: the stream of figures, and who may have it.

use super::stage::Stage;
use crate::it::served::PATIENCE;
use crate::it::web::send;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Orders of one batch.
const BATCH: u64 = 1_000;

/// Batches.
const BATCHES: u64 = 80;

/// An open stream of figures.
struct Stream {
    socket: TcpStream,
    text: String,
    bytes: u64,
}

impl Stream {
    fn open(http: SocketAddr, path: &str, more: &str) -> Self {
        let mut socket = TcpStream::connect(http).expect("connected");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let head = format!("GET {path} HTTP/1.1\r\nhost: {http}\r\n{more}\r\n");
        socket.write_all(head.as_bytes()).expect("sent");
        Self {
            socket,
            text: String::new(),
            bytes: 0,
        }
    }

    /// The next frame: its id and its figures. Chunk sizes stand on lines of their own.
    fn frame(&mut self) -> (String, Value) {
        loop {
            if let Some(at) = self.text.find("\n\n") {
                let event: String = self.text.drain(..at + 2).collect();
                let field = |name: &str| {
                    let mut lines = event.lines();
                    lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
                };
                if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                    let data = serde_json::from_str(&data);
                    return (id, data.unwrap_or_else(|error| panic!("{error}: {event}")));
                }
                continue;
            }
            let mut bytes = [0; 65_536];
            let read = self.socket.read(&mut bytes).expect("the stream goes on");
            assert!(read > 0, "the stream ended: {}", self.text);
            self.bytes += read as u64;
            self.text.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    }
}

#[test]
fn frames_are_few_and_small_at_any_order_rate_and_tell_what_the_journal_holds() {
    let mut stage = Stage::start(1_000);
    let mut stream = Stream::open(stage.http, "/dashboard/events?tenant=default", "");
    let (_, first) = stream.frame();
    assert_eq!(first["whole"], true, "{first}");
    let (before, started_ns) = (stream.bytes, onhand::clock::monotonic_ns());
    let (done, told) = crossbeam::channel::bounded(1);
    let placing = std::thread::spawn(move || {
        for batch in 0..BATCHES {
            stage.offer(batch * BATCH, BATCH);
        }
        done.send(()).expect("somebody waits");
        stage
    });
    let mut frames = 0_u64;
    let mut ended = false;
    let offered = BATCHES * BATCH;
    let last = loop {
        let (_, frame) = stream.frame();
        frames += 1;
        ended |= told.try_recv().is_ok();
        // What is lost is known once the engine's count was compared with the journal's.
        let compared = !frame["sale"]["lost"].is_null();
        if ended && compared && frame["sale"]["total"][1] == offered {
            break frame;
        }
        assert!(frames < 400, "{frame}");
    };
    let seconds = onhand::metrics::seconds_between(started_ns, onhand::clock::monotonic_ns());
    assert!(
        frames as f64 / seconds <= 10.0,
        "{frames} frames in {seconds} s"
    );
    let rate = (stream.bytes - before) as f64 / seconds;
    assert!(rate <= 50_000.0, "{rate} bytes a second");
    let total = &last["sale"]["total"];
    assert_eq!(
        (&total[2], &total[3]),
        (&Value::from(64_010), &Value::from(15_990))
    );
    assert_eq!(
        (&last["sale"]["lost"], &last["sale"]["oversold"]),
        (&Value::from(0), &Value::from(0))
    );
    drop(placing.join().expect("placed"));
}

#[test]
fn what_a_channel_sold_beyond_the_stock_is_told_also_after_a_restart_and_never_as_none() {
    let mut stage = Stage::start(60_000);
    let path = "/dashboard/events?tenant=default";
    let mut stream = Stream::open(stage.http, path, "");
    let oversold = |stream: &mut Stream| loop {
        let (_, frame) = stream.frame();
        if frame["sale"].is_object() {
            return frame["sale"].clone();
        }
    };
    stage.sell(15, 7);
    let sale = loop {
        let sale = oversold(&mut stream);
        if sale["oversold"] == 5 {
            break sale;
        }
    };
    assert_eq!(sale["at_least"], false);
    drop(stream);
    stage.stop();
    stage.start_again();
    let mut stream = Stream::open(stage.http, path, "");
    for _ in 0..4 {
        let sale = oversold(&mut stream);
        assert_eq!(sale["oversold"], 5, "{sale}");
        assert_eq!(sale["at_least"], false, "{sale}");
    }
    // Covered, it is over.
    let arrived = serde_json::json!({ "location": "berlin", "quantity": 5 });
    stage.change("POST", "/v1/stock/shoe-42/receive", &arrived);
    while oversold(&mut stream)["oversold"] != 0 {}
}

#[test]
fn nothing_is_told_of_a_tenant_that_is_not_known() {
    let stage = Stage::start(1_000);
    let mut stream = Stream::open(stage.http, "/dashboard/events?tenant=nobody", "");
    let (_, frame) = stream.frame();
    let sale = &frame["sale"];
    assert_eq!(sale["followed"], false);
    assert!(
        sale["oversold"].is_null() && sale["lost"].is_null(),
        "{sale}"
    );
}

#[test]
fn a_browser_that_comes_again_goes_on_where_it_was_or_gets_everything() {
    let stage = Stage::start(1_000);
    let path = "/dashboard/events";
    let mut stream = Stream::open(stage.http, path, "");
    let (id, _) = stream.frame();
    let number = |id: &str| -> u64 { id.split_once('-').expect("an id").1.parse().expect("one") };
    let mut again = Stream::open(stage.http, path, &format!("last-event-id: {id}\r\n"));
    let (next, figures) = again.frame();
    let follows = number(&next) == number(&id) + 1;
    assert_eq!(
        figures["whole"].is_null(),
        follows,
        "{id}, then {next}: {figures}"
    );
    let mut other = Stream::open(stage.http, path, "last-event-id: 7-1\r\n");
    assert_eq!(other.frame().1["whole"], true, "an id of another start");
}

#[test]
fn a_session_needs_its_token_its_own_word_and_its_own_origin() {
    let (stage, token) = Stage::guarded();
    let http = stage.http;
    let json = ("content-type", "application/json");
    send(http, "GET", "/v1/review", &[], b"").is(401);
    send(http, "GET", "/dashboard/events", &[], b"").is(401);
    let wrong = br#"{"token":"oh_00"}"#;
    send(http, "POST", "/dashboard/login", &[json], wrong).is(401);
    let body = serde_json::json!({ "token": token }).to_string();
    let foreign = [json, ("origin", "https://evil.example")];
    let refused = send(http, "POST", "/dashboard/login", &foreign, body.as_bytes());
    refused.is_problem(403, "CROSS_SITE");
    let opened = send(http, "POST", "/dashboard/login", &[json], body.as_bytes()).is(200);
    let cookie = opened.headers["set-cookie"].clone();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(&token) && !opened.body.contains(&token));
    let csrf = opened.json()["csrf"].as_str().expect("a word").to_owned();
    let pair = cookie.split(';').next().expect("a pair");
    let kept = ("cookie", pair);
    send(http, "GET", "/v1/review", &[kept], b"").is(200);
    let tenant = ("onhand-tenant", "globex");
    let refused = send(http, "GET", "/v1/review", &[kept, tenant], b"");
    refused.is_problem(403, "FORBIDDEN_TENANT");
    let refused = send(http, "GET", "/dashboard/events?tenant=globex", &[kept], b"");
    refused.is_problem(403, "FORBIDDEN_TENANT");
    let isolate = "/v1/breakers/stripe/isolate";
    let post = |more: &[(&str, &str)]| {
        let headers: Vec<(&str, &str)> = [kept].iter().chain(more).copied().collect();
        send(http, "POST", isolate, &headers, b"")
    };
    let word = ("x-onhand-csrf", csrf.as_str());
    post(&[]).is_problem(403, "CROSS_SITE");
    post(&[("x-onhand-csrf", "no")]).is_problem(403, "CROSS_SITE");
    post(&[word, ("sec-fetch-site", "cross-site")]).is_problem(403, "CROSS_SITE");
    post(&[word, ("origin", "http://evil.example")]).is_problem(403, "CROSS_SITE");
    post(&[word]).is_problem(404, "UNKNOWN_PROVIDER");
    send(http, "GET", "/dashboard/simulate", &[kept], b"").is_problem(404, "NO_ROUTE");
    send(http, "POST", "/dashboard/logout", &[kept], b"").is(204);
    send(http, "GET", "/v1/review", &[kept], b"").is(401);
}

#[test]
fn another_sites_page_cannot_act_on_a_server_without_tokens() {
    let stage = Stage::start(1_000);
    let isolate = "/v1/breakers/stripe/isolate";
    let foreign = [("origin", "https://evil.example")];
    let refused = send(stage.http, "POST", isolate, &foreign, b"");
    refused.is_problem(403, "CROSS_SITE");
    let own = format!("http://{}", stage.http);
    send(
        stage.http,
        "POST",
        isolate,
        &[("origin", own.as_str())],
        b"",
    )
    .is(200);
}

#[test]
fn pages_come_with_a_strict_policy_and_are_known_again() {
    let (stage, _) = Stage::guarded();
    let page = send(stage.http, "GET", "/", &[], b"").is(200);
    let policy = &page.headers["content-security-policy"];
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let tag = page.headers["etag"].clone();
    send(
        stage.http,
        "GET",
        "/",
        &[("if-none-match", tag.as_str())],
        b"",
    )
    .is(304);
    let script = send(
        stage.http,
        "GET",
        "/dashboard/assets/vendor/uplot.js",
        &[],
        b"",
    )
    .is(200);
    assert!(script.headers["content-type"].starts_with("text/javascript"));
    send(
        stage.http,
        "GET",
        "/dashboard/assets/../../Cargo.toml",
        &[],
        b"",
    )
    .is(404);
    send(stage.http, "GET", "/dashboard/assets/none.js", &[], b"").is(404);
}
