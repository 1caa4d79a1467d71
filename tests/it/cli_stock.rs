//! SKUs, locations and stock from the command line, against a real server.

use super::process::Server;

/// A server with two SKUs and two locations.
fn shop() -> (tempfile::TempDir, Server) {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(&directory.path().join("data"), &[]);
    server.run(&["sku", "add", "lamp", "chair"]).exits(0);
    server.run(&["location", "add", "main"]).exits(0);
    server
        .run(&["location", "add", "north", "--y", "100"])
        .exits(0);
    (directory, server)
}

fn receive(server: &Server, sku: &str, location: &str, quantity: &str) {
    let arguments = [
        "stock",
        "receive",
        "--sku",
        sku,
        "--location",
        location,
        "--quantity",
        quantity,
    ];
    server.run(&arguments).exits(0);
}

/// The quantities of one cell.
fn cell(server: &Server, sku: &str, location: &str) -> serde_json::Value {
    let shown = server.json(&["stock", "show", sku]);
    let cells = shown["cells"].as_array().expect("cells");
    let found = cells.iter().find(|cell| cell["location"] == location);
    found
        .unwrap_or_else(|| panic!("no {location} in {shown}"))
        .clone()
}

#[test]
fn ping_names_shard_and_role() {
    let (_directory, server) = shop();
    server
        .run(&["ping"])
        .exits(0)
        .says("PONG in ")
        .says("shard 0");
    let pong = server.json(&["ping"]);
    assert!(pong["round_trip_us"].as_u64().is_some(), "{pong}");
}

#[test]
fn skus_are_added_once_listed_in_order_and_taken_off_sale() {
    let (_directory, server) = shop();
    let again = server.run(&["sku", "add", "lamp", "table"]).exits(0);
    again
        .says("lamp is SKU 0, on sale (as before).")
        .says("table is SKU 2, on sale.");
    server
        .run(&["sku", "add", "chair", "--off-sale"])
        .exits(0)
        .says("not on sale");
    let listed = server.json(&["sku", "list"]);
    let names: Vec<_> = listed["skus"]
        .as_array()
        .expect("skus")
        .iter()
        .map(|sku| {
            (
                sku["name"].as_str().expect("a name"),
                sku["on_sale"] == true,
            )
        })
        .collect();
    assert_eq!(names, [("lamp", true), ("chair", false), ("table", true)]);
    let page = server.run(&["sku", "list", "--limit", "2"]).exits(0);
    page.says("lamp").says("chair").warns("--from 2");
    server
        .run(&["sku", "list", "--from", "2"])
        .exits(0)
        .says("table");
    server
        .run(&["sku", "add", ""])
        .exits(1)
        .says("INVALID_NAME");
}

#[test]
fn locations_are_listed_with_their_place() {
    let (_directory, server) = shop();
    server
        .run(&["location", "add", "main"])
        .exits(0)
        .says("(as before)");
    let listed = server.json(&["location", "list"]);
    assert_eq!(listed["locations"][1]["name"], "north");
    assert_eq!(listed["locations"][1]["y"], 100);
    server
        .run(&["location", "list"])
        .exits(0)
        .says("PRIORITY")
        .says("north");
}

#[test]
fn received_stock_is_shown_and_a_retry_with_its_key_books_nothing() {
    let (_directory, server) = shop();
    let arguments = [
        "stock",
        "receive",
        "--sku",
        "lamp",
        "--location",
        "main",
        "--quantity",
        "10",
        "--key",
        "77",
    ];
    server
        .run(&arguments)
        .exits(0)
        .says("10 units of lamp arrived at main: on hand 10");
    server
        .run(&arguments)
        .exits(0)
        .says("done before with this key");
    assert_eq!(cell(&server, "lamp", "main")["on_hand"], 10);
    let other = [
        "stock",
        "receive",
        "--sku",
        "lamp",
        "--location",
        "main",
        "--quantity",
        "11",
        "--key",
        "77",
    ];
    server.run(&other).exits(1).says("IDEMPOTENCY_CONFLICT");
    server
        .run(&["stock", "show"])
        .exits(0)
        .says("AVAILABLE")
        .says("lamp");
    server
        .run(&["stock", "show", "chair"])
        .exits(0)
        .says("chair has no stock anywhere.");
}

#[test]
fn a_generated_command_key_is_told_before_the_answer() {
    let (_directory, server) = shop();
    let arguments = [
        "stock",
        "receive",
        "--sku",
        "lamp",
        "--location",
        "main",
        "--quantity",
        "1",
        "--json",
    ];
    let said = server.run(&arguments).exits(0);
    let key = said.json()["key"].as_str().expect("a key").to_owned();
    assert_eq!(key.len(), 32);
    said.warns(&format!("command key {key}"));
}

#[test]
fn stock_is_corrected_and_set_only_where_it_is_as_expected() {
    let (_directory, server) = shop();
    receive(&server, "lamp", "main", "10");
    let at = ["--sku", "lamp", "--location", "main"];
    let adjust = |by| {
        server.run(
            &[
                &["stock", "adjust"],
                &at[..],
                &["--by", by, "--reason", "count"],
            ]
            .concat(),
        )
    };
    adjust("-3").exits(0).says("on hand 7");
    adjust("-8").exits(1).says("UNDERFLOW").says("on hand 7");
    let set = |on_hand, expect| {
        let numbers = ["--on-hand", on_hand, "--expect", expect];
        server.run(&[&["stock", "set"], &at[..], &numbers].concat())
    };
    set("20", "7").exits(0).says("on hand 20");
    set("30", "7").exits(1).says("STALE").says("on hand 20");
    let plain = [&["stock", "set"], &at[..], &["--on-hand", "5"]].concat();
    server.run(&plain).exits(0).says("on hand 5");
}

#[test]
fn units_move_between_locations_and_buckets() {
    let (_directory, server) = shop();
    receive(&server, "lamp", "main", "10");
    let transfer = |quantity| {
        server.run(&[
            "stock",
            "transfer",
            "--sku",
            "lamp",
            "--from",
            "main",
            "--to",
            "north",
            "--quantity",
            quantity,
        ])
    };
    transfer("4")
        .exits(0)
        .says("4 units of lamp moved from main to north");
    transfer("7").exits(1).says("INSUFFICIENT_STOCK");
    assert_eq!(cell(&server, "lamp", "north")["available"], 4);
    server
        .run(&[
            "stock",
            "move",
            "--sku",
            "lamp",
            "--location",
            "main",
            "--from",
            "available",
            "--to",
            "quality-control",
            "--quantity",
            "2",
        ])
        .exits(0)
        .says("available 4");
    let main = cell(&server, "lamp", "main");
    assert_eq!(
        (&main["on_hand"], &main["quality_control"]),
        (&6.into(), &2.into())
    );
}

#[test]
fn watch_prints_a_change_that_another_client_makes() {
    let (_directory, server) = shop();
    receive(&server, "lamp", "main", "1");
    std::thread::scope(|scope| {
        let watch =
            scope.spawn(|| server.run(&["stock", "watch", "lamp", "--count", "1", "--json"]));
        // Changes go on until the watcher has seen one: there is no telling when it subscribes.
        while !watch.is_finished() {
            receive(&server, "lamp", "main", "1");
        }
        let seen = watch.join().expect("the watcher").exits(0).json();
        assert_eq!(seen["sku"], "lamp");
        assert!(seen["available"].as_u64() >= Some(1), "{seen}");
    });
}

#[test]
fn unknown_names_and_absurd_quantities_are_refused_by_name() {
    let (_directory, server) = shop();
    let receive = |sku, location, quantity| {
        server.run(&[
            "stock",
            "receive",
            "--sku",
            sku,
            "--location",
            location,
            "--quantity",
            quantity,
        ])
    };
    receive("lamb", "main", "1")
        .exits(1)
        .says("UNKNOWN_SKU")
        .says("lamb");
    receive("lamp", "mian", "1")
        .exits(1)
        .says("UNKNOWN_LOCATION")
        .says("mian");
    receive("lamp", "main", "0")
        .exits(1)
        .says("INVALID_QUANTITY");
    receive("lamp", "main", "-1").exits(2);
    let refused = server
        .run(&["stock", "show", "lamb", "--json"])
        .exits(1)
        .json();
    assert_eq!(refused["code"], "UNKNOWN_SKU");
}
