//! Tokens, tenants and TLS from the command line, against a real server.

use std::path::Path;

use super::process::{Said, Server, finish, onhand, run_in};

/// Makes a token in DIR/tokens, writes its secret to DIR/NAME.token and returns it.
fn token(directory: &Path, name: &str, role: &str, tenant: &str) -> String {
    let arguments = [
        "token", "new", "--name", name, "--role", role, "--tenant", tenant, "--file", "tokens",
    ];
    let secret = run_in(directory, &arguments).exits(0).out;
    std::fs::write(directory.join(format!("{name}.token")), &secret).expect("written");
    secret.trim().to_owned()
}

/// Runs a subcommand with a token in the environment.
fn with_token(server: &Server, token: &str, arguments: &[&str]) -> Said {
    let mut command = onhand();
    command
        .env("ONHAND_SERVER", &server.address)
        .env("ONHAND_TOKEN", token);
    finish(command.args(arguments))
}

#[test]
fn a_token_decides_who_connects_for_whom_and_what_they_may_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let reader = token(directory.path(), "reader", "read-only", "acme");
    let shop = token(directory.path(), "shop", "connector", "acme");
    let boss = token(directory.path(), "boss", "admin", "*");
    let tokens = directory.path().join("tokens");
    let file = ["--token-file", tokens.to_str().expect("UTF-8")];
    let server = Server::start(&directory.path().join("data"), &file);
    let acme = |token: &str, arguments: &[&str]| {
        with_token(&server, token, &[arguments, &["--tenant", "acme"]].concat())
    };
    acme("", &["ping"]).exits(2).warns("UNAUTHENTICATED");
    acme("oh_wrong", &["ping"])
        .exits(2)
        .warns("UNAUTHENTICATED");
    acme(&reader, &["ping"]).exits(0).says("role read-only");
    acme(&reader, &["sku", "add", "lamp"])
        .exits(1)
        .says("FORBIDDEN_ROLE");
    acme(&shop, &["sku", "add", "lamp"])
        .exits(1)
        .says("FORBIDDEN_ROLE");
    acme(&boss, &["sku", "add", "lamp"]).exits(0);
    acme(&reader, &["sku", "list"]).exits(0).says("lamp");
    let other = ["ping", "--tenant", "globex"];
    with_token(&server, &reader, &other)
        .exits(2)
        .warns("FORBIDDEN_TENANT");
    with_token(&server, &boss, &other).exits(0);
    let secret = directory.path().join("boss.token");
    let secret = secret.to_str().expect("UTF-8");
    server
        .run(&["ping", "--tenant", "acme", "--token-file", secret])
        .exits(0);
}

#[test]
fn tenants_do_not_see_each_others_skus() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(&directory.path().join("data"), &[]);
    server
        .run(&["sku", "add", "lamp", "--tenant", "acme"])
        .exits(0);
    let listed = server.json(&["sku", "list", "--tenant", "globex"]);
    assert_eq!(listed["skus"], serde_json::json!([]));
    let order = [
        "order", "hold", "--sku", "lamp", "--tenant", "globex", "--key", "1",
    ];
    server.run(&order).exits(1).says("UNKNOWN_SKU");
}

#[test]
fn tls_is_spoken_where_configured_and_a_stranger_certificate_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names.clone()).expect("a certificate");
    let stranger = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let certificate = write("cert.pem", &pair.cert.pem());
    let key = write("key.pem", &pair.signing_key.serialize_pem());
    let other = write("other.pem", &stranger.cert.pem());
    let tls = ["--tls-cert", &certificate, "--tls-key", &key];
    let server = Server::start(&directory.path().join("data"), &tls);
    server
        .run(&["ping", "--tls-ca", &certificate])
        .exits(0)
        .says("PONG");
    let named = ["ping", "--tls-ca", &certificate, "--tls-name", "localhost"];
    server.run(&named).exits(0);
    server
        .run(&["ping", "--tls-ca", &other])
        .exits(2)
        .warns("ertificate");
    let wrong = [
        "ping",
        "--tls-ca",
        &certificate,
        "--tls-name",
        "example.org",
    ];
    server.run(&wrong).exits(2).warns("ertificate");
    server.run(&["ping", "--timeout-ms", "2000"]).exits(2);
}
