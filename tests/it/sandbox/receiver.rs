//! The engine's end of the callbacks: a server that keeps what it is sent.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A callback as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The path that it was sent to.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it was sent.
    pub body: Bytes,
}

impl Arrived {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.get(name);
        let found = found.unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        found.to_str().expect("text")
    }
}

/// A server for callbacks.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its base URL.
    pub url: String,
    refuse: Arc<AtomicU32>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Receiver {
    /// Starts one on the test's runtime.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            refuse: Arc::default(),
            arrived: Arc::default(),
        };
        let this = receiver.clone();
        let take = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
            this.arrived.lock().unwrap().push(Arrived {
                path: uri.path().to_owned(),
                headers,
                body,
            });
            let left = this.refuse.load(Ordering::Relaxed);
            this.refuse.store(left.saturating_sub(1), Ordering::Relaxed);
            if left > 0 {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::OK
            }
        };
        let app = axum::Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        receiver
    }

    /// Answers 503 to the next `count` callbacks.
    pub fn refuse(&self, count: u32) {
        self.refuse.store(count, Ordering::Relaxed);
    }

    /// What arrived so far.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// Waits until `count` callbacks arrived; ten seconds at most.
    pub async fn wait_for(&self, count: usize) -> Vec<Arrived> {
        for _ in 0..1_000 {
            if self.arrived().len() >= count {
                return self.arrived();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} callbacks arrived", self.arrived().len());
    }
}
