//! Events by pages and as a stream.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::json;

use super::super::served::PATIENCE;
use super::super::web::send;
use super::{JSON, Shop};

#[test]
fn events_are_read_by_pages_and_go_on_where_the_last_page_ended() {
    let shop = Shop::stocked();
    let order = shop.hold(2).is(201).json()["order"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.post(&format!("/holds/{order}/release"), &json!({}))
        .is(200);
    // Another tenant's stock is none of this one's business.
    let globex = [("onhand-tenant", "globex"), JSON];
    send(shop.http, "PUT", "/v1/skus/SECRET", &globex, b"{}").is(200);
    let mut types = Vec::new();
    let mut after = String::new();
    loop {
        let page = shop.get(&format!("/events?limit=2{after}")).is(200).json();
        for event in page["events"].as_array().expect("events") {
            assert_eq!(event["source"], "/tenants/acme");
            types.push(event["type"].as_str().expect("a type").to_owned());
        }
        after = format!("&after={}", page["next"].as_str().expect("a cursor"));
        if page["more"] == json!(false) {
            break;
        }
    }
    let expected = [
        "sku.defined",
        "location.defined",
        "stock.received",
        "order.accepted",
        "order.released",
    ];
    assert_eq!(types, expected.map(|name| format!("onhand.{name}")));
    assert_eq!(
        shop.get(&format!("/events?limit=2{after}")).is(200).json()["events"],
        json!([])
    );
    let orders = shop.get("/events?kind=order").is(200).json();
    let accepted = &orders["events"][0];
    assert_eq!(accepted["subject"], order.as_str());
    let line = json!({"sku": "MUG-RED", "location": "berlin", "quantity": 2});
    assert_eq!(accepted["data"]["lines"], json!([line]));
    assert_eq!(accepted["data"]["actor"], "anonymous");
    let released = shop.get("/events?kind=order.released").is(200).json();
    assert_eq!(released["events"].as_array().map(Vec::len), Some(1));
    for bad in ["after=7", "after=1-7", "kind=", "limit=0", "from=0-1"] {
        shop.get(&format!("/events?{bad}"))
            .is_problem(400, "BAD_REQUEST");
    }
}

/// The events of a stream until one of this type has come: their cursors and types.
fn follow(http: SocketAddr, query: &str, last: Option<&str>, until: &str) -> Vec<(String, String)> {
    let mut stream = TcpStream::connect(http).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let last = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
    let head = format!(
        "GET /v1/events/stream{query} HTTP/1.1\r\nhost: {http}\r\nonhand-tenant: acme\r\n{last}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut seen = Vec::new();
    let mut id = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.expect("a line in time");
        if let Some(found) = line.strip_prefix("id: ") {
            id = found.to_owned();
        }
        if let Some(kind) = line.strip_prefix("event: ") {
            seen.push((id.clone(), kind.to_owned()));
            if kind == until {
                return seen;
            }
        }
    }
    panic!("the stream ended: {seen:?}");
}

#[test]
fn a_stream_goes_on_behind_the_last_event_that_a_client_saw() {
    let shop = Shop::stocked();
    let first = follow(shop.http, "?after=0-0", None, "onhand.stock.received");
    let types: Vec<&str> = first.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(
        types,
        [
            "onhand.sku.defined",
            "onhand.location.defined",
            "onhand.stock.received"
        ]
    );
    let cursor = &first.last().expect("an event").0;
    let order = shop.hold(1).is(201).json()["order"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.post(&format!("/holds/{order}/release"), &json!({}))
        .is(200);
    let rest = follow(shop.http, "", Some(cursor), "onhand.order.released");
    let types: Vec<&str> = rest.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(types, ["onhand.order.accepted", "onhand.order.released"]);
    let some = follow(
        shop.http,
        "?after=0-0&kind=order.released",
        None,
        "onhand.order.released",
    );
    assert_eq!(some.len(), 1, "{some:?}");
}

#[test]
fn an_event_comes_to_a_stream_that_waits() {
    let shop = Shop::stocked();
    let http = shop.http;
    let waiting =
        std::thread::spawn(move || follow(http, "?kind=order", None, "onhand.order.accepted"));
    // The stream begins at some moment: holds come until one of them is seen.
    let mut held = 0;
    while !waiting.is_finished() && held < 10 {
        shop.hold(1).is(201);
        held += 1;
        onhand::clock::sleep_ms(200);
    }
    assert_eq!(waiting.join().expect("seen").len(), 1);
}
