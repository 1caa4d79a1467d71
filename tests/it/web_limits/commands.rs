//! Everything that can be wrong with a command over HTTP: each gets a typed answer, is counted under
//! its reason, and leaves the journal where it is.

use std::io::{Read, Write};

use onhand::clock;
use onhand::net::token::Token;
use onhand::types::Role;
use serde_json::Value;

use super::super::channel_webhooks::rig::Shop;
use super::super::web::{Answered, raw, send};
use super::{SHORT_MS, connect, metric};

const ACME: (&str, &str) = ("onhand-tenant", "acme");
const JSON: (&str, &str) = ("content-type", "application/json");

/// Commands that take a body, which roles may not give them, and a body that is right. `@` is a
/// quantity.
const COMMANDS: [(&str, &str, &str); 8] = [
    (
        "POST",
        "/v1/orders",
        r#"{"currency": 978, "total": 1, "lines": [{"sku": "shirt", "quantity": @}]}"#,
    ),
    (
        "POST",
        "/v1/holds",
        r#"{"currency": 978, "total": 1, "lines": [{"sku": "shirt", "quantity": @}]}"#,
    ),
    (
        "POST",
        "/v1/stock/shirt/receive",
        r#"{"location": "berlin", "quantity": @}"#,
    ),
    (
        "POST",
        "/v1/stock/shirt/set",
        r#"{"location": "berlin", "on_hand": @}"#,
    ),
    (
        "POST",
        "/v1/stock/shirt/adjust",
        r#"{"location": "berlin", "delta": @, "reason": "found"}"#,
    ),
    (
        "PUT",
        "/v1/channels/1/rules",
        r#"{"sku": "shirt", "rule": "quota", "units": @}"#,
    ),
    (
        "PUT",
        "/v1/mappings/shopify",
        r#"{"mappings": [{"item": "@", "sku": "shirt"}]}"#,
    ),
    (
        "POST",
        "/v1/quarantine/00000000000000000000000000000001/discard",
        r#"{"reason": "@"}"#,
    ),
];

/// What a caller got wrong.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    NoToken,
    GuessedToken,
    ExpiredToken,
    Role,
    Tenant,
    /// A page of another site, in a browser whose user is signed in.
    CrossOrigin,
    CrossSite,
    /// Signed in, without the session's own word.
    NoWord,
    EmptyBody,
    NoText,
    NoJson,
    List,
    Form,
    LongBody,
    Fraction,
    Huge,
    Text,
}

/// With the answer to it.
const WRONG: [(Wrong, u16, &str); 17] = [
    (Wrong::NoToken, 401, "UNAUTHENTICATED"),
    (Wrong::GuessedToken, 401, "UNAUTHENTICATED"),
    (Wrong::ExpiredToken, 401, "UNAUTHENTICATED"),
    (Wrong::Role, 403, "FORBIDDEN_ROLE"),
    (Wrong::Tenant, 403, "FORBIDDEN_TENANT"),
    (Wrong::CrossOrigin, 403, "CROSS_SITE"),
    (Wrong::CrossSite, 403, "CROSS_SITE"),
    (Wrong::NoWord, 403, "CROSS_SITE"),
    (Wrong::EmptyBody, 400, "BAD_REQUEST"),
    (Wrong::NoText, 400, "BAD_REQUEST"),
    (Wrong::NoJson, 400, "BAD_REQUEST"),
    (Wrong::List, 400, "BAD_REQUEST"),
    (Wrong::Form, 415, "UNSUPPORTED_MEDIA_TYPE"),
    (Wrong::LongBody, 413, "BODY_TOO_LARGE"),
    (Wrong::Fraction, 400, "BAD_REQUEST"),
    (Wrong::Huge, 400, "BAD_REQUEST"),
    (Wrong::Text, 400, "BAD_REQUEST"),
];

/// A server with tokens, and who may ask it.
struct Desk {
    shop: Shop,
    admin: String,
    reader: String,
    expired: String,
    /// A session of the admin's token: cookie, and its word.
    cookie: String,
    word: String,
    _tokens: tempfile::TempDir,
}

impl Desk {
    fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut lines = String::new();
        let mut draw = |name: &str, role: Role, until: Option<&str>| {
            let (secret, token) = Token::draw(name, role, "acme").expect("a token");
            let token = match until {
                None => token,
                Some(time) => token.until(time).expect("a time"),
            };
            lines += &format!("{}\n", token.to_line());
            secret.to_string()
        };
        let admin = draw("admin", Role::Admin, None);
        let reader = draw("reader", Role::ReadOnly, None);
        let expired = draw("gone", Role::Admin, Some("2020-01-01T00:00:00Z"));
        let tokens = directory.path().join("tokens");
        std::fs::write(&tokens, lines).expect("written");
        let shop = Shop::open_with(0, "", |config| config.token_file = Some(tokens));
        let login = format!("{{\"token\": \"{admin}\"}}");
        let login = send(
            shop.http,
            "POST",
            "/dashboard/login",
            &[JSON],
            login.as_bytes(),
        )
        .is(200);
        let cookie = login.headers["set-cookie"].split(';').next();
        let cookie = cookie.expect("a cookie").to_owned();
        let told = send(
            shop.http,
            "GET",
            "/dashboard/session",
            &[("cookie", &cookie)],
            b"",
        );
        let word = told.is(200).json()["csrf"].as_str().map(str::to_owned);
        let bearer = |secret: String| format!("Bearer {secret}");
        let desk = Self {
            shop,
            admin: bearer(admin),
            reader: bearer(reader),
            expired: bearer(expired),
            cookie,
            word: word.expect("the session's word"),
            _tokens: directory,
        };
        let own = [ACME, JSON, ("authorization", desk.admin.as_str())];
        let put = |path: &str, method: &str, body: &str| {
            send(desk.shop.http, method, path, &own, body.as_bytes()).is(200)
        };
        put("/v1/skus/shirt", "PUT", r#"{"on_sale": true}"#);
        put("/v1/locations/berlin", "PUT", r#"{"priority": 1}"#);
        let arrived = r#"{"location": "berlin", "quantity": 10}"#;
        put("/v1/stock/shirt/receive", "POST", arrived);
        desk
    }

    /// What must not move: stock and the end of the journal.
    fn standing(&self) -> (Value, Value) {
        let own = [ACME, ("authorization", self.admin.as_str())];
        let get = |path: &str| send(self.shop.http, "GET", path, &own, b"").is(200).json();
        (get("/v1/stock"), get("/v1/status")["sequence"].clone())
    }

    fn ask(&self, command: (&str, &str, &str), wrong: Wrong) -> Option<Answered> {
        let (method, path, right) = command;
        let one = right.replace('@', "1");
        // A quantity that is no number is none where a text is wanted.
        let unquoted = right.contains(" @");
        let with = |quantity: &str| unquoted.then(|| right.replace('@', quantity));
        // To these an empty body is one that says nothing, and no error of its own.
        let may_be_empty = ["/rules", "/shopify", "/discard"];
        let body: Vec<u8> = match wrong {
            Wrong::EmptyBody if may_be_empty.iter().any(|end| path.ends_with(end)) => return None,
            Wrong::EmptyBody => Vec::new(),
            Wrong::NoText => b"{\"\xff\xfe\": 1}".to_vec(),
            Wrong::NoJson => one.as_bytes()[..one.len() - 1].to_vec(),
            Wrong::List => format!("[{one}]").into_bytes(),
            Wrong::LongBody => vec![b' '; 10 << 20],
            Wrong::Fraction => with("1.5")?.into_bytes(),
            Wrong::Huge => with("99999999999999999999")?.into_bytes(),
            Wrong::Text => with("\"many\"")?.into_bytes(),
            _ => one.into_bytes(),
        };
        let signed_in = [("cookie", self.cookie.as_str())];
        let word = ("x-onhand-csrf", self.word.as_str());
        let kind = match wrong {
            Wrong::Form => ("content-type", "application/x-www-form-urlencoded"),
            _ => JSON,
        };
        let tenant = match wrong {
            Wrong::Tenant => ("onhand-tenant", "globex"),
            _ => ACME,
        };
        let mut headers = vec![tenant, kind];
        match wrong {
            Wrong::NoToken => {}
            Wrong::GuessedToken => headers.push(("authorization", "Bearer oh_guess")),
            Wrong::ExpiredToken => headers.push(("authorization", &self.expired)),
            Wrong::Role => headers.push(("authorization", &self.reader)),
            Wrong::CrossOrigin => {
                headers.extend(signed_in);
                headers.extend([word, ("origin", "https://evil.example")]);
            }
            Wrong::CrossSite => {
                headers.extend(signed_in);
                headers.extend([word, ("sec-fetch-site", "cross-site")]);
            }
            Wrong::NoWord => headers.extend(signed_in),
            _ => headers.push(("authorization", &self.admin)),
        }
        // Guessing is slowed down; that is an answer to another question.
        let tries = std::iter::repeat_with(|| {
            let answered = send(self.shop.http, method, path, &headers, &body);
            if answered.status == 429 {
                clock::sleep_ms(100);
            }
            answered
        });
        let answered = tries.take(100).find(|answered| answered.status != 429);
        Some(answered.expect("an answer"))
    }
}

#[test]
fn whatever_is_wrong_with_a_command_is_answered_counted_under_its_reason_and_not_journaled() {
    let desk = Desk::open();
    let before = desk.standing();
    for command in COMMANDS {
        let name = command.1;
        for (wrong, status, code) in WRONG {
            let line = format!("onhand_http_problems_total{{code=\"{code}\"}}");
            let counted = metric(desk.shop.http, &line);
            let Some(answered) = desk.ask(command, wrong) else {
                continue;
            };
            assert_eq!(answered.status, status, "{name}: {wrong:?}: {answered:?}");
            answered.is_problem(status, code);
            // Every test of this process counts there.
            let now = metric(desk.shop.http, &line);
            assert!(now >= counted + 1.0, "{name}: {wrong:?}: {now}");
            assert_eq!(desk.standing(), before, "{name}: {wrong:?}");
        }
    }
    // The same, with nothing wrong in it.
    let (method, path, right) = COMMANDS[2];
    let own = [ACME, JSON, ("authorization", desk.admin.as_str())];
    let body = right.replace('@', "1");
    send(desk.shop.http, method, path, &own, body.as_bytes()).is(200);
    assert_ne!(desk.standing(), before);
}

#[test]
fn a_command_whose_body_does_not_come_is_answered_counted_and_not_journaled() {
    let shop = super::shop(|config| config.http_body_timeout_ms = SHORT_MS);
    let sequence = || {
        let told = send(shop.http, "GET", "/v1/status", &[ACME], b"").is(200);
        told.json()["sequence"].clone()
    };
    let before = sequence();
    for (method, path, _) in COMMANDS {
        let line = "onhand_http_problems_total{code=\"BODY_TOO_SLOW\"}";
        let counted = metric(shop.http, line);
        let mut stream = connect(shop.http);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nonhand-tenant: acme\r\n\
             content-type: application/json\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{{",
            shop.http
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("an answer");
        assert!(said.starts_with("HTTP/1.1 408"), "{path}: {said}");
        assert!(
            said.contains("\"code\":\"BODY_TOO_SLOW\""),
            "{path}: {said}"
        );
        assert!(metric(shop.http, line) >= counted + 1.0, "{path}");
        assert_eq!(sequence(), before, "{path}");
    }
    let head = "GET /v1/no-such HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    raw(shop.http, head.as_bytes()).is_problem(404, "NO_ROUTE");
    assert!(metric(shop.http, "onhand_http_problems_total{code=\"NO_ROUTE\"}") >= 1.0);
}
