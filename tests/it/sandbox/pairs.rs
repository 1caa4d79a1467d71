//! Request and response pairs: what is sent to a provider, and what it must answer.

use onhand::sandbox::{Options, Sandbox};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

/// A request and what its reply must say. `{name}` in the path and the body stands for what an
/// earlier pair kept under that name.
#[derive(Clone, Debug)]
pub struct Pair {
    what: String,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    status: u16,
    says: Vec<(String, Value)>,
    text: Vec<String>,
    heads: Vec<(String, String)>,
    keeps: Vec<(String, String)>,
}

/// A pair under a name that tells the claim.
pub fn pair(what: &str, method: &'static str, path: &str) -> Pair {
    Pair {
        what: what.to_owned(),
        method,
        path: path.to_owned(),
        headers: Vec::new(),
        body: String::new(),
        status: 200,
        says: Vec::new(),
        text: Vec::new(),
        heads: Vec::new(),
        keeps: Vec::new(),
    }
}

impl Pair {
    /// With this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With user and password.
    pub fn basic(self, user: &str, password: &str) -> Self {
        let text = onhand::sandbox::sign::base64(format!("{user}:{password}").as_bytes());
        self.header("authorization", &format!("Basic {text}"))
    }

    /// With a form-encoded body.
    pub fn form(self, body: &str) -> Self {
        let mut pair = self.header("content-type", "application/x-www-form-urlencoded");
        pair.body = body.to_owned();
        pair
    }

    /// With a JSON body.
    pub fn json(self, body: &str) -> Self {
        let mut pair = self.header("content-type", "application/json");
        pair.body = body.to_owned();
        pair
    }

    /// The reply has this status.
    pub fn answers(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The reply's JSON has this value at this pointer (`/error/code`).
    pub fn says(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        self.says.push((pointer.to_owned(), value.into()));
        self
    }

    /// The reply's body has this text in it.
    pub fn text(mut self, text: &str) -> Self {
        self.text.push(text.to_owned());
        self
    }

    /// The reply has this header.
    pub fn has(mut self, name: &str, value: &str) -> Self {
        self.heads.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps what the reply has at this pointer under a name.
    pub fn keep(mut self, name: &str, pointer: &str) -> Self {
        self.keeps.push((name.to_owned(), pointer.to_owned()));
        self
    }
}

/// A sandbox with nothing in it.
pub fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).expect("a sandbox")
}

/// A client that waits ten seconds at most.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client")
}

/// Sends the pairs to a provider one after the other, and requires each reply; what was kept.
pub async fn run(sandbox: &Sandbox, provider: &str, pairs: &[Pair]) -> HashMap<String, String> {
    let client = client();
    let mut kept: HashMap<String, String> = HashMap::new();
    for pair in pairs {
        let filled = |text: &str| {
            kept.iter().fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
        };
        let base = if pair.path.starts_with("/_sandbox") {
            format!("http://{}", sandbox.address())
        } else {
            sandbox.base_url(provider)
        };
        let method = pair.method.parse().expect("a method");
        let mut request = client.request(method, format!("{base}{}", filled(&pair.path)));
        for (name, value) in &pair.headers {
            request = request.header(name, value);
        }
        let reply = request.body(filled(&pair.body)).send().await;
        let reply = reply.unwrap_or_else(|error| panic!("{}: {error:?}", pair.what));
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let body = reply.text().await.expect("a body");
        let context = format!("{}: {status} {body}", pair.what);
        assert_eq!(status, pair.status, "{context}");
        for (name, value) in &pair.heads {
            let found = headers.get(name).map(|found| found.to_str().unwrap());
            assert_eq!(found, Some(value.as_str()), "{name} of {context}");
        }
        for text in &pair.text {
            assert!(body.contains(text), "no {text:?} in {context}");
        }
        if pair.says.is_empty() && pair.keeps.is_empty() {
            continue;
        }
        let body: Value = serde_json::from_str(body.trim_start_matches('\u{feff}'))
            .unwrap_or_else(|error| panic!("{error} in {context}"));
        for (pointer, value) in &pair.says {
            let found = body.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(found, value, "{pointer} of {context}");
        }
        for (name, pointer) in &pair.keeps {
            let found = body.pointer(pointer).unwrap_or(&Value::Null);
            let found = found.as_str().map_or(found.to_string(), str::to_owned);
            kept.insert(name.clone(), found);
        }
    }
    kept
}
