//! Clients that hold places without using them: others are served all the same.

mod commands;
mod strangers;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use onhand::clock;
use onhand::config::Config;
use onhand::types::{OrderState, ResultCode};
use onhand::wire::opcode::Opcode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::channel_webhooks::rig::{SECRET, Shop, base64, shopify_order};
use super::served::{PATIENCE, hold};
use super::web::{Answered, raw, send};

const FIRST: &str = "2026-05-04T10:12:31+02:00";

/// Idle connections.
const IDLE: u64 = 5_000;

/// Descriptors for everything else in this process.
const OTHER_FILES: u64 = 2_000;

/// What is too slow here, in milliseconds.
const SHORT_MS: u64 = 300;

/// Between two bytes of a slow client.
const BYTE: Duration = Duration::from_millis(20);

/// A server with webhooks, and bounds of its HTTP port.
fn shop(change: impl FnOnce(&mut Config)) -> Shop {
    Shop::open_with(10, "", change)
}

fn connect(http: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(http).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Everything until the server closes.
#[track_caller]
fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the server neither answers nor closes: {error}"),
    }
    String::from_utf8(said).expect("UTF-8")
}

/// The value of a metric's line; 0 where it is not there yet.
fn metric(http: SocketAddr, line: &str) -> f64 {
    let page = send(http, "GET", "/metrics", &[], b"").is(200).body;
    let found = page.lines().find_map(|it| it.strip_prefix(line));
    found.map_or(0.0, |value| value.trim().parse().expect("a number"))
}

/// An order by webhook and one over TCP, both taken.
#[track_caller]
fn takes_orders(shop: &Shop, number: u64) {
    shop.shopify(
        "orders/create",
        &format!("w-{number}"),
        &shopify_order(number, 1, FIRST),
    )
    .is(200);
    shop.waits_for(1, &number.to_string(), OrderState::FraudCheck);
    let mut client = shop.served.as_ref().expect("a server").client();
    client.request(Opcode::Reserve, 9, &[hold(u128::from(number))]);
    let reply = client.receive().expect("an answer");
    assert_eq!(reply.order_codes(), [ResultCode::Ok]);
}

/// Allows this process the files of [`IDLE`] connections. Where it may not be, says so and returns
/// false.
fn may_open_idle() -> bool {
    // Both ends are in this process.
    let needed = 2 * IDLE + OTHER_FILES;
    let mut limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if !enough(limit.maximum) {
        limit.maximum = Some(needed); // for those who may raise it
    }
    limit.current = limit.maximum;
    // Fails only where it may not be raised; then what is allowed counts.
    let _ = setrlimit(Resource::Nofile, limit);
    let soft = Rlimit {
        current: getrlimit(Resource::Nofile).maximum,
        ..getrlimit(Resource::Nofile)
    };
    let _ = setrlimit(Resource::Nofile, soft);
    if enough(getrlimit(Resource::Nofile).current) {
        return true;
    }
    assert!(
        std::env::var_os("ONHAND_REQUIRE_ALL").is_none_or(|value| value != "1"),
        "{needed} files may not be open, and nothing may be skipped"
    );
    eprintln!("skipped: needs {needed} open files (ulimit -Hn {needed})");
    false
}

#[test]
fn thousands_of_idle_connections_do_not_keep_webhooks_and_orders_from_being_answered() {
    if !may_open_idle() {
        return;
    }
    let shop = shop(|config| config.http_head_timeout_ms = 300_000);
    let idle: Vec<TcpStream> = (0..IDLE).map(|_| connect(shop.http)).collect();
    shop.counts("onhand_http_connections_open", idle.len() as f64);
    takes_orders(&shop, 501);
    // They were there all the time.
    let mut last = idle.last().expect("some");
    last.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .expect("sent");
    let mut said = [0; 12];
    last.read_exact(&mut said).expect("an answer");
    assert_eq!(&said, b"HTTP/1.1 200");
}

#[test]
fn one_connection_too_many_is_told_to_come_back() {
    let shop = shop(|config| {
        config.http_connections_max = 3;
        config.http_head_timeout_ms = 300_000;
    });
    let held: Vec<TcpStream> = (0..3).map(|_| connect(shop.http)).collect();
    // A connection takes its place when it is accepted, not when it is made.
    let deadline_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
    let refused = loop {
        let answered = send(shop.http, "GET", "/healthz", &[], b"");
        if answered.status != 200 {
            break answered;
        }
        assert!(clock::monotonic_ns() < deadline_ns, "never full");
    };
    refused.is_problem(503, "OVERLOADED");
    assert_eq!(refused.headers["retry-after"], "1");
    let order = shopify_order(7, 1, FIRST);
    shop.shopify("orders/create", "w-7", &order).is(503);
    // Orders have a port of their own.
    let mut client = shop.served.as_ref().expect("a server").client();
    client.request(Opcode::Reserve, 9, &[hold(7)]);
    assert_eq!(
        client.receive().expect("an answer").order_codes(),
        [ResultCode::Ok]
    );
    drop(held);
    let later = loop {
        let answered = shop.shopify("orders/create", "w-7", &order);
        if answered.status != 503 {
            break answered;
        }
        assert!(clock::monotonic_ns() < deadline_ns, "never free again");
    };
    later.is(200);
    shop.waits_for(1, "7", OrderState::FraudCheck);
    assert!(metric(shop.http, "onhand_http_connections_total{end=\"refused\"}") >= 2.0);
}

#[test]
fn who_says_nothing_or_a_head_byte_by_byte_is_closed_and_hinders_nobody() {
    let shop = shop(|config| config.http_head_timeout_ms = SHORT_MS);
    let starts: [&[u8]; 4] = [
        b"",
        b"GET /heal",
        // The beginning of another version of HTTP.
        b"PRI * HTTP/2.0\r\n",
        // Idle behind an answer.
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ];
    let slow = starts.map(|start| {
        let mut stream = connect(shop.http);
        stream.write_all(start).expect("sent");
        stream
    });
    let http = shop.http;
    let dripping = std::thread::spawn(move || {
        let mut stream = connect(http);
        let head = format!(
            "GET /healthz HTTP/1.1\r\nx-slow: {}\r\n\r\n",
            "y".repeat(500)
        );
        let closed = drip(&mut stream, head.as_bytes());
        (closed, rest(&mut stream))
    });
    takes_orders(&shop, 502);
    let said = slow.map(|mut stream| rest(&mut stream));
    assert!(!said[0].contains("200") && !said[1].contains("200") && !said[2].contains("200"));
    assert!(said[3].starts_with("HTTP/1.1 200"), "{}", said[3]);
    let (closed, said) = dripping.join().expect("no panic");
    assert!(closed && !said.contains("200"), "{said}");
    assert!(metric(http, "onhand_http_connections_total{end=\"cut\"}") >= 4.0);
}

/// Sends byte by byte; true where the server closes before the end.
fn drip(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.set_read_timeout(Some(BYTE)).expect("a timeout");
    let closed = bytes.iter().any(|byte| {
        // Waiting for an answer is the pause between two bytes.
        stream.write_all(&[*byte]).is_err()
            || match stream.peek(&mut [0]) {
                Ok(_) => true,
                Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            }
    });
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    closed
}

#[test]
fn a_body_sent_byte_by_byte_is_answered_408_and_hinders_nobody() {
    let shop = shop(|config| config.http_body_timeout_ms = SHORT_MS);
    let (http, length) = (shop.http, 500);
    let heads = [
        "POST /v1/orders HTTP/1.1\r\nonhand-tenant: acme\r\ncontent-type: application/json\r\n",
        "POST /webhooks/shopify/eu.myshopify.com HTTP/1.1\r\nx-shopify-topic: orders/create\r\n",
    ];
    let slow = heads.map(|head| {
        std::thread::spawn(move || {
            let mut stream = connect(http);
            let head = format!(
                "{head}host: {http}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).expect("sent");
            let answered = drip(&mut stream, &[b' '; 500]);
            assert!(answered, "the whole body was taken");
            rest(&mut stream)
        })
    });
    takes_orders(&shop, 503);
    let [order, webhook] = slow.map(|thread| thread.join().expect("no panic"));
    assert!(order.starts_with("HTTP/1.1 408"), "{order}");
    assert!(order.contains("\"code\":\"BODY_TOO_SLOW\""), "{order}");
    assert!(webhook.starts_with("HTTP/1.1 408"), "{webhook}");
    shop.counts(
        "onhand_webhooks_total{channel=\"shopify\",result=\"too_slow\"}",
        1.0,
    );
    assert!(metric(http, "onhand_http_requests_total{status=\"408\"}") >= 2.0);
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let shop = shop(|config| config.http_body_timeout_ms = SHORT_MS);
    let mut stream = connect(shop.http);
    // Far more than the sockets' buffers hold.
    let ask = "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(200);
    stream.write_all(ask.as_bytes()).expect("sent");
    let deadline_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
    // A socket that was given up answers what is sent to it with a reset, any other takes it.
    while stream.take_error().expect("a socket").is_none() && stream.write_all(b"G").is_ok() {
        assert!(clock::monotonic_ns() < deadline_ns, "it is waited for");
        clock::sleep_ms(20);
    }
    takes_orders(&shop, 504);
}

#[test]
fn webhooks_are_not_counted_against_the_rate_of_the_api() {
    let shop = shop(|config| config.http_requests_per_second = 1);
    let statuses = (0..30).map(|number| {
        let order = shopify_order(600 + number, 1, FIRST);
        let id = format!("w-{number}");
        shop.shopify("orders/create", &id, &order).status
    });
    assert!(statuses.into_iter().all(|status| status == 200));
    let acme = [("onhand-tenant", "acme")];
    let mut asked = (0..30).map(|_| send(shop.http, "GET", "/v1/status", &acme, b""));
    let limited: Answered = asked.find(|one| one.status != 200).expect("one a second");
    limited.is_problem(429, "RATE_LIMITED");
    assert!(metric(shop.http, "onhand_http_requests_total{status=\"429\"}") >= 1.0);
}

#[test]
fn a_delivery_of_a_guessed_signature_is_told_the_same_however_often() {
    let shop = shop(|_| {});
    let body = shopify_order(1, 1, FIRST).to_string();
    let wrong = base64("guess", &[body.as_bytes()]);
    let headers = [("x-shopify-hmac-sha256", wrong.as_str())];
    for _ in 0..200 {
        let path = "/webhooks/shopify/eu.myshopify.com";
        assert_eq!(shop.post(path, &headers, body.as_bytes()).is(401).body, "");
    }
    assert_ne!(base64(SECRET, &[body.as_bytes()]), wrong);
    takes_orders(&shop, 505);
    let head = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    raw(shop.http, head.as_bytes()).is(200);
}
