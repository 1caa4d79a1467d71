//! Wiring: pollers, queues, threads, and the order of shutdown. No business here.
//!
//! ```text
//!  start:  data directory ─▶ recover every shard ─▶ bind ─▶ threads ─▶ ready
//!  stop:   listener ─▶ engines drain ─▶ sync threads ─▶ digest + clean end ─▶ maintenance, HTTP, history
//!
//!  onhand-engine-i   pinned to core i: sockets and shard i
//!  onhand-sync-i     any core: makes journal i durable
//!  onhand-listener   accepts, TLS, hello, deals out      ┐
//!  onhand-journal    prepares and hashes segments        │ the cores without an engine
//!  onhand-http       metrics, health                     │
//!  onhand-history    the journal's copy in SQL           │
//!  onhand-subscribers  events as webhooks                │
//!  onhand-dashboard  figures for people who watch        ┘
//! ```
//!
//! Any thread that ends with an error ends the process: a half-dead server is worse than none.

mod channels;
mod dashboard;
pub mod data_dir;
mod engine_thread;
mod error;
mod history;
mod http;
mod process;
mod recovery;
mod subscribers;
mod threads;

pub use error::ServerError;

use crate::adapters::runtime::Adapters;
use crate::affinity::CorePlan;
use crate::clock;
use crate::config::Config;
use crate::dashboard::pulse::PulseThread;
use crate::events::subscribers::Subscribers;
use crate::gateway::{Bound, Gateway, Services};
use crate::history::HistoryThread;
use crate::journal::mapped::MappedStorage;
use crate::journal::storage::Storage;
use crate::metrics;
use crate::net::Deadlines;
use crate::net::inbox::Inbox;
use crate::net::listener::{Listener, ListenerControl, ListenerOptions};
use crate::net::tls;
use crate::net::token::TokenFile;
use channels::ChannelWork;
use data_dir::DataDir;
use http::services;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use threads::Threads;

/// A server that accepts connections.
pub struct Server<S: Storage = MappedStorage> {
    tcp: SocketAddr,
    gateway: Option<Gateway>,
    adapters: Option<Adapters>,
    channel_work: ChannelWork,
    subscribers: Subscribers,
    shards: usize,
    pinned: usize,
    sync: String,
    recovered_records: u64,
    recovery_ms: u64,
    listener: Arc<ListenerControl>,
    inboxes: Vec<Arc<Inbox>>,
    threads: Threads<S>,
    history: Option<HistoryThread>,
    pulse: Option<PulseThread>,
    _data: DataDir,
}

impl Server<MappedStorage> {
    /// Recovers the data directory and starts every thread. Returns when connections are accepted.
    ///
    /// # Errors
    /// Whatever keeps the server from serving, named with file, address or offset.
    pub fn start(config: &Config) -> Result<Self, ServerError> {
        Self::start_with(config, |_, path| MappedStorage::create(path).map(Arc::new))
    }
}

impl<S: Storage> Server<S> {
    /// As [`Server::start`], over storages of the caller's: one a shard, given its number and
    /// directory.
    ///
    /// # Errors
    /// Whatever keeps the server from serving.
    pub fn start_with(
        config: &Config,
        storage: impl FnMut(u16, &Path) -> std::io::Result<Arc<S>>,
    ) -> Result<Self, ServerError> {
        let deadlines = Deadlines {
            idle_ms: config.idle_timeout_ms,
            ..Deadlines::default()
        };
        Self::start_strict(config, deadlines, storage)
    }

    /// As [`Server::start_with`], with deadlines of the caller's for connections.
    ///
    /// # Errors
    /// Whatever keeps the server from serving.
    pub fn start_strict(
        config: &Config,
        deadlines: Deadlines,
        storage: impl FnMut(u16, &Path) -> std::io::Result<Arc<S>>,
    ) -> Result<Self, ServerError> {
        let started_ns = clock::monotonic_ns();
        let shards = usize::from(config.shards);
        let cores = CorePlan::detect(shards, config.pin);
        let recorder = prometheus();
        let options = listener_options(config, deadlines.hello_ms)?;
        let channels = channels::config_of(config)?;
        let subscribers = subscribers::config_of(config)?;
        let process = process::config_of(config, &channels)?;
        let data = DataDir::open(&config.data, config.shards)?;
        // Everything started from here on inherits these cores; engines and sync threads move.
        cores.confine_background().map_err(ServerError::Affinity)?;
        let recovered = recovery::recover_all(config, &data, storage)?;
        let recovered_records = recovered.iter().map(|one| one.report.records).sum();
        let recovery_ms = (clock::monotonic_ns() - started_ns) / 1_000_000;

        let bind = |source| ServerError::Bind {
            address: config.listen,
            source,
        };
        let socket = mio::net::TcpListener::bind(config.listen).map_err(bind)?;
        let tcp = socket.local_addr().map_err(bind)?;
        let http = config.http.map(listen_http).transpose()?;
        let mut threads = Threads::new();
        let access = threads.start_shards(recovered, &cores, deadlines)?;
        let history = history::start(config, &access)?;
        let inboxes: Vec<Arc<Inbox>> = access.iter().map(|one| Arc::clone(&one.inbox)).collect();
        let facts = process::facts(&access, http::links(config, &data.secret()));
        let adapters = process
            .as_ref()
            .map(|process| process::start_adapters(&access, process, &facts, &threads.on_failure()))
            .transpose()?;
        let failed = threads.on_failure();
        let channel_work = ChannelWork::start(&access, &channels, &facts, config, &failed)?;
        let subscribers = subscribers::start(&access, &facts, subscribers, (config, data.path()))?;
        let mut pulse = None;
        let gateway = http.map(|http| {
            let process = process.as_ref();
            let shards = facts.shards();
            let (pages, thread) =
                dashboard::start(config, &access, shards, process, recorder.clone())?;
            pulse = Some(thread);
            let more = (pages, channels, subscribers.board(), &data.secret()[..]);
            let services = services(config, &options, &access, facts, process, more)?;
            serve(http, recorder, services)
        });
        let gateway = gateway.transpose()?;
        let listener = Listener::new(socket, inboxes.clone(), options).map_err(bind)?;
        let control = listener.control();
        threads.start_listener(listener)?;
        if let Some(gateway) = &gateway {
            gateway.set_ready(true);
        }
        Ok(Self {
            tcp,
            gateway,
            adapters,
            channel_work,
            subscribers,
            shards,
            pinned: cores.pinned(),
            sync: config.sync.to_string(),
            recovered_records,
            recovery_ms,
            listener: control,
            inboxes,
            threads,
            history,
            pulse,
            _data: data,
        })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.tcp
    }

    /// Where metrics are served, if they are.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.gateway.as_ref().map(|gateway| gateway.address)
    }

    /// The one line that says that connections are accepted, and how.
    #[must_use]
    pub fn ready_line(&self) -> String {
        let http = self
            .http_address()
            .map_or("off".to_owned(), |address| address.to_string());
        format!(
            "ready tcp={} http={http} shards={} pinned={} sync={} recovered_records={} \
             recovery_ms={}",
            self.tcp, self.shards, self.pinned, self.sync, self.recovered_records, self.recovery_ms
        )
    }

    /// A handle that makes [`Server::wait`] return after a clean shutdown.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.threads.stop_sender())
    }

    /// Serves until a stop is asked for or a thread fails, then shuts down: no connection is
    /// accepted any more, what was executed is made durable and answered, and the journal ends
    /// cleanly.
    ///
    /// # Errors
    /// What failed. Everything acknowledged before is safe.
    pub fn wait(self) -> Result<(), ServerError> {
        let outcome = self.threads.wait();
        if let Some(gateway) = &self.gateway {
            gateway.set_ready(false);
        }
        self.listener.stop();
        self.channel_work.stop();
        self.subscribers.stop();
        // Adapters before engines: their last results still find somebody who takes them.
        if let Some(adapters) = self.adapters {
            adapters.stop();
        }
        for inbox in &self.inboxes {
            inbox.drain();
        }
        let shutdown = self.threads.join();
        if let Some(pulse) = self.pulse {
            pulse.stop();
        }
        // Last, so that the end of the journal is in it, too.
        if let Some(history) = self.history {
            history.stop();
        }
        outcome.and(shutdown)
    }
}

/// Stops a server from another thread.
#[derive(Clone, Debug)]
pub struct Stopper(crossbeam::channel::Sender<threads::Event>);

impl Stopper {
    /// Asks for a clean shutdown.
    pub fn stop(&self) {
        // An error means that the server is gone already.
        let _ = self.0.send(threads::Event::Stop);
    }
}

/// Listens for HTTP.
fn listen_http(address: SocketAddr) -> Result<Bound, ServerError> {
    Bound::listen(address).map_err(|source| ServerError::Bind { address, source })
}

/// Starts the HTTP thread.
fn serve(
    http: Bound,
    recorder: PrometheusHandle,
    services: Services,
) -> Result<Gateway, ServerError> {
    let thread = |source| ServerError::Thread {
        name: "onhand-http".to_owned(),
        source,
    };
    http.serve(recorder, services).map_err(thread)
}

fn listener_options(config: &Config, hello_ms: u64) -> Result<ListenerOptions, ServerError> {
    let tokens = config
        .token_file
        .as_deref()
        .map(TokenFile::read)
        .transpose()?;
    let tls = match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => Some(tls::server_config(cert, key)?),
        _ => None,
    };
    Ok(ListenerOptions {
        hello_ms,
        connections_max: config.connections_max,
        tokens,
        tls,
        route: Box::new(route_of(config)),
    })
}

/// The shard that owns a tenant: where the configuration binds it, else by its name.
fn route_of(config: &Config) -> impl Fn(&str) -> usize + Send + Sync + 'static {
    let bound = config.tenants.clone();
    let shards = usize::from(config.shards);
    move |tenant: &str| match bound.get(tenant) {
        Some(&shard) => usize::from(shard),
        None => shard_of(tenant, shards),
    }
}

/// The shard that owns a tenant which no configuration binds: a fixed function of its name and the
/// number of shards (BLAKE3 of the name, its first 8 bytes little-endian, modulo the number).
///
/// # Panics
/// If `shards` is 0.
#[must_use]
pub fn shard_of(tenant: &str, shards: usize) -> usize {
    assert!(shards > 0, "a server has at least one shard");
    let hash = blake3::hash(tenant.as_bytes());
    let number = hash
        .as_bytes()
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    #[allow(clippy::cast_possible_truncation)] // below `shards`, which is a usize
    {
        (number % shards as u64) as usize
    }
}

/// The process's metrics recorder, installed once.
fn prometheus() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let builder = match builder.set_buckets(metrics::LATENCY_BUCKETS_S) {
                Ok(builder) => builder,
                Err(error) => unreachable!("the list of buckets is not empty: {error}"),
            };
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if ::metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder is installed; /metrics stays empty");
            }
            metrics::describe();
            handle
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_keeps_its_shard_over_releases() {
        let shards: Vec<usize> = ["acme", "acme/eu", "acme/us", "globex", "initech"]
            .iter()
            .map(|tenant| shard_of(tenant, 4))
            .collect();
        assert_eq!(
            shards, EXPECTED_SHARDS,
            "a change here strands the tenants of old directories"
        );
        assert!(
            ["a", "b", "c"]
                .iter()
                .all(|tenant| shard_of(tenant, 1) == 0)
        );
    }

    const EXPECTED_SHARDS: [usize; 5] = [3, 2, 1, 1, 3];
}
