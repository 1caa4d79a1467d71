//! Orders from the command line, against a real server.

use super::process::{Said, Server};

/// A server with ten lamps at the main location.
fn shop() -> (tempfile::TempDir, Server) {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(&directory.path().join("data"), &[]);
    server.run(&["sku", "add", "lamp", "chair"]).exits(0);
    server.run(&["location", "add", "main"]).exits(0);
    let receive = [
        "stock",
        "receive",
        "--sku",
        "lamp",
        "--location",
        "main",
        "--quantity",
        "10",
    ];
    server.run(&receive).exits(0);
    (directory, server)
}

fn hold(server: &Server, key: &str, quantity: &str) -> Said {
    server.run(&[
        "order",
        "hold",
        "--sku",
        "lamp",
        "--quantity",
        quantity,
        "--key",
        key,
    ])
}

fn available(server: &Server) -> u64 {
    let shown = server.json(&["stock", "show", "lamp"]);
    shown["cells"][0]["available"].as_u64().expect("a number")
}

fn line(server: &Server, key: &str) -> serde_json::Value {
    server.json(&["order", "show", key])["lines"][0].clone()
}

#[test]
fn a_hold_is_taken_shown_confirmed_shipped_and_returned() {
    let (_directory, server) = shop();
    hold(&server, "a1", "3")
        .exits(0)
        .says("is HELD")
        .says("held until 20");
    assert_eq!(available(&server), 7);
    let shown = server.run(&["order", "show", "a1"]).exits(0);
    shown
        .says("is HELD: a hold, number ")
        .says("RESERVED")
        .says("main");
    server
        .run(&["order", "confirm", "a1"])
        .exits(0)
        .says("is CONFIRMED");
    assert_eq!(line(&server, "a1")["committed"], 3);
    let part = ["order", "ship", "a1", "--sku", "lamp", "--quantity", "2"];
    server.run(&part).exits(0).says("is CONFIRMED");
    server
        .run(&["order", "ship", "a1"])
        .exits(0)
        .says("is SHIPPED");
    assert_eq!(line(&server, "a1")["shipped"], 3);
    let one = [
        "order",
        "return",
        "a1",
        "--sku",
        "lamp",
        "--disposition",
        "damaged",
    ];
    server.run(&one).exits(0).says("is SHIPPED");
    server.run(&["order", "return", "a1"]).exits(0);
    assert_eq!(line(&server, "a1")["returned"], 3);
    assert_eq!(
        available(&server),
        9,
        "two went back on sale, one is damaged"
    );
}

#[test]
fn a_retry_gets_the_first_answer_and_another_meaning_a_conflict() {
    let (_directory, server) = shop();
    let first = hold(&server, "b1", "3").exits(0).out;
    let number = |text: &str| {
        let (_, rest) = text.split_once("number ").expect("a number");
        rest.split(',').next().expect("a number").to_owned()
    };
    let again = hold(&server, "b1", "3").exits(0).says("as answered before");
    assert_eq!(number(&first), number(&again.out));
    hold(&server, "b1", "4")
        .exits(1)
        .says("IDEMPOTENCY_CONFLICT");
    assert_eq!(available(&server), 7);
}

#[test]
fn sold_out_exits_1_and_says_what_is_left() {
    let (_directory, server) = shop();
    let refused = hold(&server, "c1", "11").exits(1);
    refused
        .says("INSUFFICIENT_STOCK")
        .says("lamp: 10 units left");
    let shown = server.run(&["order", "show", "c1"]).exits(0);
    shown
        .says("was refused: INSUFFICIENT_STOCK")
        .says("lamp: 10 left");
    let json = server
        .run(&[
            "order",
            "hold",
            "--sku",
            "lamp",
            "--quantity",
            "11",
            "--key",
            "c2",
            "--json",
        ])
        .exits(1)
        .json();
    assert_eq!(json["code"], "INSUFFICIENT_STOCK");
    assert_eq!(json["lines"][0]["left"], 10);
}

#[test]
fn a_partial_order_takes_what_there_is() {
    let (_directory, server) = shop();
    let arguments = [
        "order",
        "hold",
        "--sku",
        "lamp",
        "--quantity",
        "15",
        "--key",
        "d1",
        "--partial",
    ];
    server
        .run(&arguments)
        .exits(0)
        .says("in part")
        .says("lamp: got 10 of 15 asked for");
    assert_eq!(available(&server), 0);
}

#[test]
fn a_placed_order_is_known_by_its_external_id() {
    let (_directory, server) = shop();
    let place = [
        "order",
        "place",
        "--sku",
        "lamp",
        "--quantity",
        "1",
        "--external-id",
        "web-1001",
        "--customer",
        "42",
    ];
    let placed = server.run(&place).exits(0);
    let placed = placed.says("is FRAUD_CHECK").says("number ");
    assert!(
        !placed.err.contains("key"),
        "nothing random to tell: {placed:?}"
    );
    let shown = server.json(&["order", "show", "--external-id", "web-1001"]);
    assert_eq!(
        (&shown["placed"], &shown["customer"]),
        (&true.into(), &42.into())
    );
    let confirm = ["order", "confirm", "--external-id", "web-1001"];
    server.run(&confirm).exits(1).says("MANAGED_BY_PROCESS");
    let cancel = ["order", "cancel", "--external-id", "web-1001"];
    server.run(&cancel).exits(0).says("is CANCELLED");
    assert_eq!(available(&server), 10);
}

#[test]
fn an_order_without_a_key_gets_a_random_one_that_is_told() {
    let (_directory, server) = shop();
    let said = server
        .run(&["order", "hold", "--sku", "lamp", "--json"])
        .exits(0);
    let key = said.json()["key"].as_str().expect("a key").to_owned();
    let said = said.warns(&format!("order key {key}"));
    assert_eq!(said.json()["state"], "HELD");
    server.run(&["order", "show", &key]).exits(0).says(&key);
}

#[test]
fn holds_are_released_extended_and_resolved_once() {
    let (_directory, server) = shop();
    hold(&server, "e1", "1").exits(0);
    let before = server.json(&["order", "show", "e1"])["expires_at_ms"].as_u64();
    let extend = ["order", "extend", "e1", "--ttl-ms", "7200000"];
    server.run(&extend).exits(0).says("held until");
    let after = server.json(&["order", "show", "e1"])["expires_at_ms"].as_u64();
    assert!(after > before, "{after:?} {before:?}");
    let release = ["order", "release", "e1", "--key", "5"];
    server.run(&release).exits(0).says("is CANCELLED");
    server
        .run(&release)
        .exits(0)
        .says("done before with this key");
    server
        .run(&["order", "release", "e1"])
        .exits(1)
        .says("ALREADY_RESOLVED")
        .says("released");
    assert_eq!(available(&server), 10);
}

#[test]
fn some_lines_are_confirmed_and_the_rest_is_released() {
    let (_directory, server) = shop();
    hold(&server, "f1", "5").exits(0);
    let confirm = ["order", "confirm", "f1", "--sku", "lamp", "--quantity", "2"];
    server.run(&confirm).exits(0).says("is CONFIRMED");
    let line = line(&server, "f1");
    assert_eq!(
        (&line["committed"], &line["cancelled"]),
        (&2.into(), &3.into())
    );
    assert_eq!(available(&server), 8);
}

#[test]
fn a_next_version_replaces_the_hold() {
    let (_directory, server) = shop();
    hold(&server, "a7", "9").exits(0);
    let next = [
        "order",
        "hold",
        "--sku",
        "lamp",
        "--quantity",
        "10",
        "--key",
        "a7",
        "--version",
        "2",
    ];
    server.run(&next).exits(0).says("version 2");
    assert_eq!(available(&server), 0, "its own units count for it");
    let gap = [
        "order",
        "hold",
        "--sku",
        "lamp",
        "--quantity",
        "10",
        "--key",
        "a7",
        "--version",
        "9",
    ];
    server.run(&gap).exits(1).says("VERSION_GAP");
}

#[test]
fn details_are_read_from_a_file_and_card_numbers_are_refused() {
    let (directory, server) = shop();
    let path = directory.path().join("details.json");
    let path = path.to_str().expect("UTF-8");
    let arguments = ["order", "hold", "--sku", "lamp", "--details", path, "--key"];
    let hold = |key: &str| server.run(&[&arguments[..], &[key]].concat());
    std::fs::write(path, r#"{"email":"ann@example.org","country":"DE"}"#).expect("written");
    hold("a8").exits(0);
    std::fs::write(path, r#"{"custom_handling":"4111 1111 1111 1111"}"#).expect("written");
    let refused = hold("a9");
    assert!(matches!(refused.code, Some(1 | 2)), "{refused:?}");
    assert!(
        !refused.err.contains("4111") && !refused.out.contains("4111"),
        "{refused:?}"
    );
    std::fs::write(path, r#"{"e-mail":"x"}"#).expect("written");
    hold("aa").exits(2).warns("details.json").warns("e-mail");
}

#[test]
fn unknown_orders_and_mismatched_lines_are_refused() {
    let (_directory, server) = shop();
    server
        .run(&["order", "show", "ffff"])
        .exits(1)
        .says("UNKNOWN_ORDER");
    server
        .run(&["order", "cancel", "ffff"])
        .exits(1)
        .says("UNKNOWN_ORDER");
    server
        .run(&["order", "ship", "ffff"])
        .exits(1)
        .says("UNKNOWN_ORDER");
    let lines = [
        "order",
        "hold",
        "--sku",
        "lamp",
        "--sku",
        "chair",
        "--quantity",
        "1",
        "--key",
        "1",
    ];
    server
        .run(&lines)
        .exits(2)
        .warns("one quantity for each SKU");
    server.run(&["order", "hold"]).exits(2).warns("--sku");
    let zero = ["order", "hold", "--sku", "lamp", "--key", "0"];
    server.run(&zero).exits(1).says("INVALID_KEY");
}

#[test]
fn an_order_over_two_skus_names_each_short_line() {
    let (_directory, server) = shop();
    let arguments = [
        "order",
        "hold",
        "--sku",
        "lamp",
        "--quantity",
        "1",
        "--sku",
        "chair",
        "--quantity",
        "2",
        "--location",
        "main",
        "--key",
        "bb",
    ];
    server.run(&arguments).exits(1).says("chair: 0 units left");
    assert_eq!(available(&server), 10, "all or nothing");
}
