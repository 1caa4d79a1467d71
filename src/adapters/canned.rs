//! A local HTTP server that gives prepared answers in turn and keeps what it was asked: for tests
//! of classification.

use super::outcome::Outcome;
use crate::types::effect::EffectClass;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One prepared answer.
#[derive(Clone, Debug)]
pub enum Canned {
    /// Status, headers as raw lines, body.
    Answer(u16, Vec<&'static str>, String),
    /// The request is read, and nothing comes back.
    Silence,
    /// The request is read, and the connection closes.
    Drop,
}

/// What was asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `POST`, …
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// As text.
    pub body: String,
}

impl Asked {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// The server; it ends with its runtime.
#[derive(Clone, Debug)]
pub struct CannedServer {
    /// `http://127.0.0.1:…`.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A status and a body, without headers.
pub fn answer(status: u16, body: &str) -> Canned {
    Canned::Answer(status, Vec::new(), body.to_owned())
}

/// A status with headers and a body.
pub fn answer_with(status: u16, headers: &[&'static str], body: &str) -> Canned {
    Canned::Answer(status, headers.to_vec(), body.to_owned())
}

impl CannedServer {
    /// Answers in the order given; what is asked beyond them gets 599.
    pub async fn start(answers: Vec<Canned>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                let next = answers
                    .next()
                    .unwrap_or_else(|| answer(599, "no more answers"));
                serve(stream, next, &kept).await;
            }
        });
        Self { url, asked }
    }

    /// Everything asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }
}

async fn serve(mut stream: TcpStream, answer: Canned, kept: &Mutex<Vec<Asked>>) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    kept.lock().push(asked);
    match answer {
        Canned::Answer(status, headers, body) => {
            let mut text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
            for header in headers {
                text.push_str(header);
                text.push_str("\r\n");
            }
            let _ = write!(text, "content-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Canned::Silence => {
            tokio::spawn(async move {
                let mut rest = [0; 64];
                while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
            });
        }
        Canned::Drop => {}
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .and_then(|v| v.parse().ok())
        .unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
        headers,
        body: String::from_utf8_lossy(&bytes[head_end + 4..]).into_owned(),
    })
}

/// What a table expects of an outcome: class, whether it counts, wait, code.
pub fn gist(outcome: &Outcome) -> (EffectClass, bool, u64, &str) {
    (
        outcome.class,
        outcome.counted,
        outcome.retry_after_ms,
        outcome.code.as_str(),
    )
}
