//! HTTP: metrics, health, providers' callbacks and the REST API, on a thread and runtime of its own.
//!
//! ```text
//!  provider ─▶ /callbacks/KIND ─▶ signature, events ─┐
//!  operator ─▶ /v1/… ─▶ token, role, tenant ─────────┴─▶ local queue ─▶ engine thread
//!                                                                           │
//!  2xx or problem details ◀── acknowledged (durable) ◀──────────────────────┘
//! ```
//!
//! `/metrics` is Prometheus text, `/healthz` answers 200 while the process serves, `/readyz` answers
//! 200 once the journal is recovered and connections are accepted, and 503 while it drains. What
//! observes touches no shard; what commands takes the bounded queue that adapters take, so HTTP
//! never slows an engine thread down by more than its share.
//!
//! When full: the queue's refusal is 503 with Retry-After, one connection too many as well; a caller
//! too fast is 429, a long body 413, a slow one 408.

mod body;
pub mod callbacks;
mod connections;
pub mod dashboard;
mod docs;
pub mod engines;
pub mod problem;
mod rate;
mod state;
mod trace;
pub mod track;
pub mod v1;
mod webhooks;

pub use connections::HttpLimits;
pub use state::Services;

use crate::limits::{EVENT_LONG_BODIES_MAX, EVENT_STREAMS_MAX, WEBHOOKS_HASHED_MAX};
use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use connections::{Door, Peer};
use metrics_exporter_prometheus::PrometheusHandle;
use problem::Problem;
use rate::Rates;
use state::Shared;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

/// How often histogram samples are folded while nobody asks.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(2);

/// A socket that listens; nothing is served yet.
#[derive(Debug)]
pub struct Bound {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

/// The running HTTP thread.
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    ready: Arc<AtomicBool>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bound {
    /// Listens at `address`.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the gateway is dropped.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn serve(self, metrics: PrometheusHandle, services: Services) -> io::Result<Gateway> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let ready = Arc::new(AtomicBool::new(false));
        let shared = Shared {
            metrics,
            ready: Arc::clone(&ready),
            engines: services.engines,
            tokens: services.tokens,
            callbacks: services.callbacks,
            channels: services.channels,
            follow: services.follow,
            dashboard: services.dashboard,
            journals: services.journals,
            subscribers: services.subscribers,
            streams: Arc::new(Semaphore::new(EVENT_STREAMS_MAX)),
            long_bodies: Arc::new(Semaphore::new(EVENT_LONG_BODIES_MAX)),
            hashing: Arc::new(Semaphore::new(WEBHOOKS_HASHED_MAX)),
            rates: Arc::new(Rates::new(services.requests_per_second)),
            track: services.track,
        };
        let (stop, stopped) = oneshot::channel();
        let listener = self.listener;
        let door = Door {
            tls: services.tls.map(TlsAcceptor::from),
            limits: services.limits,
        };
        let thread = std::thread::Builder::new()
            .name("onhand-http".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listener, door, shared, stopped)) {
                    tracing::error!(%error, "the HTTP thread ended; orders are served on");
                }
                runtime.shutdown_background();
            })?;
        Ok(Gateway {
            address: self.address,
            ready,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Gateway {
    /// What `/readyz` answers from now on.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that the thread has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the HTTP thread panicked");
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    door: Door,
    shared: Shared,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let upkeep = shared.metrics.clone();
    let rates = Arc::clone(&shared.rates);
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
            rates.forget_idle();
        }
    });
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tokio::select! {
        () = door.accept(listener, routes(shared)) => Ok(()),
        _ = stopped => Ok(()),
    }
}

fn routes(shared: Shared) -> Router {
    let dashboard = shared.dashboard.as_ref().map(dashboard::routes);
    Router::new()
        .merge(dashboard.unwrap_or_default())
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route(
            "/callbacks/{kind}",
            post(callbacks::receive).get(callbacks::handshake),
        )
        .route(
            "/callbacks/{kind}/{name}",
            post(callbacks::receive).get(callbacks::handshake),
        )
        .route(
            "/webhooks/{kind}",
            post(webhooks::receive).get(webhooks::handshake),
        )
        .route(
            "/webhooks/{kind}/{shop}",
            post(webhooks::receive).get(webhooks::handshake),
        )
        .route("/track/{token}", get(track::page))
        .nest("/v1", v1::routes())
        .merge(docs::routes())
        .fallback(v1::no_route)
        .method_not_allowed_fallback(v1::no_method)
        .layer(middleware::from_fn(trace::span))
        .with_state(shared)
}

/// For whoever is on this machine; from elsewhere with a token, where the server has a token file.
async fn metrics(
    State(shared): State<Shared>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let is_local = peer.is_some_and(|peer| peer.0.0.ip().is_loopback());
    if let Some(tokens) = shared.tokens.as_ref().filter(|_| !is_local) {
        v1::is_known(tokens, &headers)?;
    }
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, shared.metrics.render()))
}

async fn readyz(State(shared): State<Shared>) -> impl IntoResponse {
    if shared.ready.load(Ordering::Acquire) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
