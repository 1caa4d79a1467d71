//! `onhand serve` as a process: readiness, the lock, an orderly end and a violent one.

use super::process::{Server, run};

fn hold_one_lamp(server: &Server) {
    server.run(&["sku", "add", "lamp"]).exits(0);
    server.run(&["location", "add", "main"]).exits(0);
    let receive = [
        "stock",
        "receive",
        "--sku",
        "lamp",
        "--location",
        "main",
        "--quantity",
        "1",
        "--key",
        "1",
    ];
    server.run(&receive).exits(0);
    let hold = [
        "order", "hold", "--sku", "lamp", "--key", "b0b", "--ttl-ms", "3600000",
    ];
    server.run(&hold).exits(0).says("is HELD");
}

/// The state that `hold_one_lamp` leaves, and the same answers to the same requests.
fn expect_one_lamp_held(server: &Server) {
    server
        .run(&["order", "show", "b0b"])
        .exits(0)
        .says("is HELD");
    let hold = [
        "order", "hold", "--sku", "lamp", "--key", "b0b", "--ttl-ms", "3600000",
    ];
    server.run(&hold).exits(0).says("as answered before");
    let other = ["order", "hold", "--sku", "lamp", "--key", "a11ce"];
    server.run(&other).exits(1).says("INSUFFICIENT_STOCK");
    let receive = [
        "stock",
        "receive",
        "--sku",
        "lamp",
        "--location",
        "main",
        "--quantity",
        "1",
        "--key",
        "1",
    ];
    server
        .run(&receive)
        .exits(0)
        .says("done before with this key");
}

#[test]
fn the_line_of_readiness_has_every_field() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(&directory.path().join("data"), &[]);
    for field in [
        "tcp=127.0.0.1:",
        "http=off",
        "shards=",
        "pinned=0",
        "sync=always",
        "recovered_records=0",
        "recovery_ms=",
    ] {
        assert!(
            server.ready.contains(field),
            "{:?} lacks {field}",
            server.ready
        );
    }
    assert!(server.ready.starts_with("ready "), "{:?}", server.ready);
}

#[test]
fn after_sigterm_it_exits_0_and_the_next_start_knows_everything() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let server = Server::start(&data, &[]);
    hold_one_lamp(&server);
    assert_eq!(server.stop(), Some(0));
    expect_one_lamp_held(&Server::start(&data, &[]));
}

#[test]
fn after_sigkill_the_next_start_knows_everything_acknowledged() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let server = Server::start(&data, &[]);
    hold_one_lamp(&server);
    drop(server);
    expect_one_lamp_held(&Server::start(&data, &[]));
}

#[test]
fn a_second_start_on_a_data_directory_is_refused_with_the_pid() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let server = Server::start(&data, &[]);
    let data = data.to_str().expect("UTF-8");
    let listen = ["--listen", "127.0.0.1:0", "--http", "off"];
    run(&[&["serve", "--data", data], &listen[..]].concat())
        .exits(2)
        .warns(&server.pid().to_string());
    server.run(&["ping"]).exits(0);
}

#[test]
fn files_that_cannot_be_used_are_named_before_anything_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let serve = |arguments: &[&str]| {
        let listen = [
            "serve",
            "--data",
            data,
            "--listen",
            "127.0.0.1:0",
            "--http",
            "off",
        ];
        run(&[&listen[..], arguments].concat())
    };
    serve(&["--config", "/nowhere/onhand.toml"])
        .exits(2)
        .warns("/nowhere/onhand.toml");
    serve(&["--token-file", "/nowhere/tokens"])
        .exits(2)
        .warns("/nowhere/tokens");
    let tls = [
        "--tls-cert",
        "/nowhere/cert.pem",
        "--tls-key",
        "/nowhere/key.pem",
    ];
    serve(&tls).exits(2).warns("/nowhere/cert.pem");
    serve(&["--segment-bytes", "5"])
        .exits(2)
        .warns("--segment-bytes");
    assert!(!directory.path().join("data").exists());
}
