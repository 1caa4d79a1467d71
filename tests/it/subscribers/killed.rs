//! The program is killed again and again while a subscriber is sent events.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

use super::super::process::{Server, run};
use super::super::web::send;
use super::HEADERS;
use super::receiver::{Receiver, file, until};

const ROUNDS: u64 = 6;
const ORDERS: u64 = 20;

fn start(directory: &Path) -> (Server, SocketAddr) {
    super::serve(directory, |command| {
        command.env("ONHAND_LOG", "warn");
    })
}

fn post(http: SocketAddr, path: &str, body: &Value) -> u16 {
    let body = body.to_string();
    send(http, "POST", path, &HEADERS, body.as_bytes()).status
}

#[test]
fn no_event_is_missed_and_none_comes_out_of_order_over_kills() {
    let directory = tempfile::tempdir().unwrap();
    // Every seventh request fails, and every fifth is answered late.
    let receiver = Receiver::answering(|number| match number {
        number if number % 7 == 6 => (503, 0, ""),
        number if number % 5 == 4 => (200, 15, ""),
        _ => (200, 0, ""),
    });
    file(
        directory.path(),
        &[receiver.table("crm", "types = [\"order\"]\nbatch = 3\nfrom = \"start\"")],
    );
    let (mut server, mut http) = start(directory.path());
    for (path, body) in [
        ("/v1/skus/MUG", json!({"on_sale": true})),
        ("/v1/locations/berlin", json!({})),
    ] {
        let body = body.to_string();
        send(http, "PUT", path, &HEADERS, body.as_bytes()).is(200);
    }
    let arrived = json!({"location": "berlin", "quantity": 10_000});
    assert_eq!(post(http, "/v1/stock/MUG/receive", &arrived), 200);
    let hold = json!({"currency": 978, "total": 1, "lines": [{"sku": "MUG", "quantity": 1}]});
    for round in 0..ROUNDS {
        for _ in 0..ORDERS {
            assert_eq!(post(http, "/v1/holds", &hold), 201);
        }
        // At another point each time: while events are read, on their way, or being noted.
        onhand::clock::sleep_ms(round * 37);
        server.kill();
        (server, http) = start(directory.path());
    }
    let told = send(
        http,
        "GET",
        "/v1/events?limit=500&kind=order",
        &HEADERS[1..],
        b"",
    );
    let told = told.is(200).json()["events"].as_array().unwrap().clone();
    assert_eq!(told.len() as u64, ROUNDS * ORDERS);
    let ids: Vec<&str> = told
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    until("every event", || receiver.ids().len() == told.len());
    assert_eq!(receiver.ids(), ids, "each one, in order, repeats aside");
    let taken = receiver.taken();
    let repeats = taken.len() - told.len();
    // From the start after each kill: all the events of the rounds before.
    let unmoved = (1..ROUNDS).map(|round| round * ORDERS).sum::<u64>();
    assert!(
        (repeats as u64) * 4 < unmoved * 3,
        "{repeats} repeats: the cursor hardly moved"
    );
    for event in taken {
        let place = ids.iter().position(|id| event["id"] == **id).unwrap();
        assert_eq!(event, told[place], "a repeat is what it was");
    }
    server.kill();
    let data = directory.path().join("data");
    run(&["verify", "--data", data.to_str().unwrap()]).exits(0);
}
