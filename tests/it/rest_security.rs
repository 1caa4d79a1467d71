//! Who may ask over HTTP, how fast, and who can listen in.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use onhand::config::Config;
use onhand::net::token::{Token, TokenFile};
use onhand::types::Role;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};

use super::served::{PATIENCE, Served, config};
use super::web::{Answered, send};

const ACME: (&str, &str) = ("onhand-tenant", "acme");
const JSON: (&str, &str) = ("content-type", "application/json");

fn with_http(data: &std::path::Path) -> Config {
    let mut config = config(&data.join("data"));
    config.http = Some("127.0.0.1:0".parse().unwrap());
    config
}

/// A token file with one token of a role, and the header that presents it.
fn token(
    data: &std::path::Path,
    role: Role,
    expires: Option<&str>,
) -> (std::path::PathBuf, String) {
    let (secret, token) = Token::draw("shop", role, "acme").expect("a token");
    let token = match expires {
        None => token,
        Some(time) => token.until(time).expect("a time"),
    };
    let path = data.join("tokens");
    std::fs::write(&path, token.to_line()).expect("written");
    assert_eq!(TokenFile::read(&path).expect("a file").tokens().len(), 1);
    (path, format!("Bearer {secret}"))
}

fn get(http: SocketAddr, path: &str, bearer: &str) -> Answered {
    send(http, "GET", path, &[ACME, ("authorization", bearer)], b"")
}

#[test]
fn an_expired_token_is_refused_over_http_and_tcp() {
    let data = tempfile::tempdir().expect("a directory");
    let (path, bearer) = token(data.path(), Role::Admin, Some("2020-01-01T00:00:00Z"));
    let mut config = with_http(data.path());
    config.token_file = Some(path);
    let served = Served::start(&config);
    let http = served.http.expect("HTTP");
    let refused = get(http, "/v1/status", &bearer);
    refused.is_problem(401, "UNAUTHENTICATED");
    assert!(refused.body.contains("expired"), "{}", refused.body);
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    let secret = bearer.strip_prefix("Bearer ").expect("a bearer");
    let mut raw = super::served::Raw::connect(served.address);
    let hello = onhand::wire::request::Hello {
        token: secret,
        tenant: "acme",
        client: "test",
    };
    raw.request(onhand::wire::opcode::Opcode::Hello, 1, &[hello]);
    let reply = raw.receive().expect("an answer");
    assert_eq!(reply.error(), onhand::types::ResultCode::Unauthenticated);
}

#[test]
fn a_caller_that_is_too_fast_is_told_when_to_come_back() {
    let data = tempfile::tempdir().expect("a directory");
    let (path, bearer) = token(data.path(), Role::ReadOnly, None);
    let mut config = with_http(data.path());
    config.token_file = Some(path);
    config.http_requests_per_second = 2;
    let served = Served::start(&config);
    let http = served.http.expect("HTTP");
    let refused = (0..50)
        .map(|_| get(http, "/v1/status", &bearer))
        .find(|one| one.status != 200);
    let refused = refused.expect("2 a second");
    refused.is_problem(429, "RATE_LIMITED");
    assert_eq!(refused.headers["retry-after"], "1");
    // Whoever guesses is slowed down as well.
    let guessed = (0..200).map(|_| get(http, "/v1/status", "Bearer oh_guess"));
    assert!(guessed.map(|one| one.status).any(|status| status == 429));
}

/// One request over TLS that trusts this certificate only.
fn over_tls(address: SocketAddr, certificate: &str, path: &str) -> String {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
    roots.add(certificate).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(address).expect("connected");
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = rustls::StreamOwned::new(client, socket);
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received); // an end without close_notify is an end too
    String::from_utf8(received).expect("text")
}

#[test]
fn http_is_served_over_tls_and_then_in_no_other_way() {
    let data = tempfile::tempdir().expect("a directory");
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
    let (cert, key) = (data.path().join("cert.pem"), data.path().join("key.pem"));
    std::fs::write(&cert, pair.cert.pem()).expect("written");
    std::fs::write(&key, pair.signing_key.serialize_pem()).expect("written");
    let mut config = with_http(data.path());
    config.http_tls_cert = Some(cert);
    config.http_tls_key = Some(key);
    let served = Served::start(&config);
    let http = served.http.expect("HTTP");
    let answered = over_tls(http, &pair.cert.pem(), "/readyz");
    assert!(
        answered.starts_with("HTTP/1.1 200") && answered.ends_with("ready\n"),
        "{answered}"
    );
    let mut plain = TcpStream::connect(http).expect("connected");
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain
        .write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .expect("sent");
    let mut received = Vec::new();
    let _ = plain.read_to_end(&mut received);
    assert!(
        !received.starts_with(b"HTTP/"),
        "a plain request gets no answer"
    );
}

#[test]
fn a_buyers_link_shows_words_and_another_link_nothing() {
    let data = tempfile::tempdir().expect("a directory");
    let served = Served::start(&with_http(data.path()));
    let http = served.http.expect("HTTP");
    let call = |method: &str, path: &str, body: Value| {
        send(
            http,
            method,
            path,
            &[ACME, JSON],
            body.to_string().as_bytes(),
        )
    };
    call("PUT", "/v1/skus/MUG-RED", json!({})).is(200);
    call("PUT", "/v1/locations/berlin", json!({})).is(200);
    let arrived = json!({"location": "berlin", "quantity": 10});
    call("POST", "/v1/stock/MUG-RED/receive", arrived).is(200);
    let wanted = json!({"currency": 978, "total": 1999, "customer": 71,
        "details": {"contact_name": "Ana", "email": "ana@example.com", "external_id": "1001"},
        "lines": [{"sku": "MUG-RED", "quantity": 2}]});
    let order = call("POST", "/v1/holds", wanted).is(201).json()["order"].clone();
    let order = order.as_str().expect("a key");
    let shown = send(http, "GET", &format!("/v1/orders/{order}"), &[ACME], b"")
        .is(200)
        .json();
    let link = shown["track"].as_str().expect("a link").to_owned();
    let page = send(http, "GET", &link, &[], b"").is(200);
    assert!(
        page.body.contains("aria-current=\"step\">Received"),
        "{}",
        page.body
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(page.headers["content-security-policy"].contains("default-src 'none'"));
    for secret in [
        "MUG-RED", "Ana", "ana@", "1001", "71", "1999", "berlin", order, "acme",
    ] {
        assert!(!page.body.contains(secret), "{secret}");
    }
    call("POST", &format!("/v1/holds/{order}/confirm"), json!({})).is(200);
    let page = send(http, "GET", &link, &[], b"").is(200);
    assert!(
        page.body.contains("aria-current=\"step\">Confirmed"),
        "{}",
        page.body
    );
    let mut changed = link.into_bytes();
    let at = changed.len() - 9;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("text");
    send(http, "GET", &changed, &[], b"").is(404);
    send(http, "GET", "/track/AAAA", &[], b"").is(404);
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let data = tempfile::tempdir().expect("a directory");
    let mut config = with_http(data.path());
    config.http_body_timeout_ms = 200;
    let served = Served::start(&config);
    let http = served.http.expect("HTTP");
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: {http}\r\nonhand-tenant: acme\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{{"
    );
    super::web::raw(http, head.as_bytes()).is_problem(408, "BODY_TOO_SLOW");
}
