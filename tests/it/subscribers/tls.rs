//! A subscriber over TLS: events go to whom the system trusts, and to nobody else.

use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::super::process::Server;
use super::super::web::send;
use super::HEADERS;
use super::receiver::{Receiver, file, until};

/// A server with the subscribers of this directory, which trusts the certificates of a file
/// instead of the system's.
fn start(directory: &Path, trusts: Option<&Path>) -> (Server, SocketAddr) {
    super::serve(directory, |command| {
        command.env("ONHAND_LOG", "warn").env_remove("SSL_CERT_DIR");
        match trusts {
            Some(file) => command.env("SSL_CERT_FILE", file),
            None => command.env_remove("SSL_CERT_FILE"),
        };
    })
}

fn put(http: SocketAddr, path: &str, body: &Value) {
    let body = body.to_string();
    send(http, "PUT", path, &HEADERS, body.as_bytes()).is(200);
}

fn receiver(directory: &Path) -> (Receiver, std::path::PathBuf) {
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let trusted = directory.join("trusted.pem");
    std::fs::write(&trusted, pair.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![pair.cert.der().clone()], key)
        .unwrap();
    (Receiver::over_tls(Arc::new(config)), trusted)
}

#[test]
fn events_go_over_tls_to_a_trusted_certificate_and_wait_while_it_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let (receiver, trusted) = receiver(directory.path());
    let table = receiver.table("crm", "types = [\"order\"]\nfrom = \"start\"");
    assert!(table.contains("https://127.0.0.1:"), "{table}");
    file(directory.path(), &[table]);
    let (server, http) = start(directory.path(), None);
    put(http, "/v1/skus/MUG", &json!({"on_sale": true}));
    put(http, "/v1/locations/berlin", &json!({}));
    let arrived = json!({"location": "berlin", "quantity": 9}).to_string();
    let path = "/v1/stock/MUG/receive";
    send(http, "POST", path, &HEADERS, arrived.as_bytes()).is(200);
    let hold = json!({"currency": 978, "total": 1, "lines": [{"sku": "MUG", "quantity": 1}]});
    let hold = hold.to_string();
    for _ in 0..3 {
        send(http, "POST", "/v1/holds", &HEADERS, hold.as_bytes()).is(201);
    }
    let shown = || {
        let all = send(http, "GET", "/v1/subscribers", &HEADERS[1..], b"").is(200);
        all.json()["subscribers"][0].clone()
    };
    until("two refused handshakes", || {
        shown()["failures"].as_u64() >= Some(2)
    });
    assert!(receiver.got().is_empty(), "nobody else learns anything");
    assert_eq!(shown()["state"], "retrying", "{}", shown());
    assert_eq!(server.stop(), Some(0));
    let (server, http) = start(directory.path(), Some(&trusted));
    until("all events", || receiver.ids().len() == 3);
    let told = send(
        http,
        "GET",
        "/v1/events?limit=500&kind=order",
        &HEADERS[1..],
        b"",
    );
    let told = told.is(200).json()["events"].as_array().unwrap().clone();
    let ids: Vec<&str> = told.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(receiver.ids(), ids, "signed, in order, without a gap");
    assert_eq!(server.stop(), Some(0));
}
