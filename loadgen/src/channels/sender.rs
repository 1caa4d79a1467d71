//! Requests over keep-alive connections, each at the time that it was meant to be sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use onhand::clock::{monotonic_ns, now_ms};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, RequestBuilder, StatusCode};
use tokio::task::JoinSet;

use crate::tally::{Latency, LatencySummary};

/// How often a request is repeated that the server has no room for.
const TRIES: u32 = 20;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Requests.
    pub count: usize,
    /// Connections; each has one request at a time.
    pub connections: usize,
    /// From one request to the next, in nanoseconds; 0: all at once.
    pub gap_ns: u64,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    latency: Latency,
    /// Answers 503; each was sent again.
    pub busy: u64,
    /// When the first request was meant to be sent, by the monotonic clock.
    pub start_ns: u64,
    /// The same by the clock on the wall, in milliseconds since the Unix epoch.
    pub start_ms: u64,
    /// From the first request to the last answer.
    pub seconds: f64,
}

impl Sent {
    /// From the intended time to the answer that took it, in microseconds.
    pub fn latency(&self) -> LatencySummary {
        self.latency.summary()
    }
}

/// Sends them all. Latency counts from the moment a request was meant to be sent, so that waiting
/// for a connection, or for the server to have room again, counts.
///
/// # Errors
/// An answer that is neither success nor 503, or no answer.
pub async fn send<F>(plan: Plan, build: F) -> Result<Sent>
where
    F: Fn(&Client, usize) -> RequestBuilder + Send + Sync + 'static,
{
    let client = Client::builder()
        .pool_max_idle_per_host(plan.connections)
        .build()?;
    let (build, next) = (Arc::new(build), Arc::new(AtomicUsize::new(0)));
    let (start_ns, start_ms) = (monotonic_ns(), now_ms());
    let mut workers = JoinSet::new();
    for _ in 0..plan.connections.min(plan.count) {
        let (client, build, next) = (client.clone(), Arc::clone(&build), Arc::clone(&next));
        workers.spawn(async move {
            let mut sent = Sent::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= plan.count {
                    return Ok::<Sent, anyhow::Error>(sent);
                }
                let due_ns = start_ns + number as u64 * plan.gap_ns;
                let early_ns = due_ns.saturating_sub(monotonic_ns());
                if early_ns > 0 {
                    tokio::time::sleep(Duration::from_nanos(early_ns)).await;
                }
                sent.busy += until_taken(|| build(&client, number)).await?;
                sent.latency.record(monotonic_ns() - due_ns, 1);
            }
        });
    }
    let mut all = Sent {
        start_ns,
        start_ms,
        ..Sent::default()
    };
    while let Some(worker) = workers.join_next().await {
        let sent = worker??;
        all.latency.merge(&sent.latency);
        all.busy += sent.busy;
    }
    all.seconds = (monotonic_ns() - start_ns) as f64 / 1e9;
    Ok(all)
}

/// Repeats a request until it is taken; returns how often it was not.
async fn until_taken(build: impl Fn() -> RequestBuilder) -> Result<u64> {
    for busy in 0..TRIES {
        let response = build().send().await?;
        let status = response.status();
        let wait = response.headers().get(RETRY_AFTER);
        let wait = wait.and_then(|it| it.to_str().ok()?.parse().ok());
        // A connection is free for the next request when its answer was read.
        let text = response.text().await?;
        if status.is_success() {
            return Ok(u64::from(busy));
        }
        if status != StatusCode::SERVICE_UNAVAILABLE {
            bail!("answered {status}: {text}");
        }
        tokio::time::sleep(Duration::from_secs(wait.unwrap_or(1))).await;
    }
    bail!("no room after {TRIES} tries");
}
