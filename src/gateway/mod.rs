//! HTTP: metrics, liveness and readiness, on a thread and runtime of its own.
//!
//! `/metrics` is Prometheus text, `/healthz` answers 200 while the process serves, `/readyz` answers
//! 200 once the journal is recovered and connections are accepted, and 503 while it drains. Nothing
//! here touches a shard: observing a busy server costs its engine threads nothing.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How often histogram samples are folded while nobody asks.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(2);

/// What the routes read.
#[derive(Clone)]
struct Shared {
    metrics: PrometheusHandle,
    ready: Arc<AtomicBool>,
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

impl Gateway {
    /// Binds `address` and serves until stopped.
    ///
    /// # Errors
    /// If the address cannot be bound or the thread not started.
    pub fn start(address: SocketAddr, metrics: PrometheusHandle) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let ready = Arc::new(AtomicBool::new(false));
        let shared = Shared {
            metrics,
            ready: Arc::clone(&ready),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("onhand-http".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listener, shared, stopped)) {
                    tracing::error!(%error, "the HTTP thread ended; orders are served on");
                }
            })?;
        Ok(Self {
            address,
            ready,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

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
    shared: Shared,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let upkeep = shared.metrics.clone();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
        }
    });
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(shared);
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tokio::select! {
        result = axum::serve(listener, routes).into_future() => result,
        _ = stopped => Ok(()),
    }
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, shared.metrics.render())
}

async fn readyz(State(shared): State<Shared>) -> impl IntoResponse {
    if shared.ready.load(Ordering::Acquire) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
