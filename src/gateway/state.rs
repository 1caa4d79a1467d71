//! What every route reads.

use super::callbacks::{Follow, Source};
use super::connections::HttpLimits;
use super::dashboard::Dashboard;
use super::engines::Engines;
use super::rate::Rates;
use super::track::TrackKey;
use crate::channels::ChannelOptions;
use crate::events::subscribers::Board;
use crate::feed::ShardJournal;
use crate::net::token::TokenFile;
use metrics_exporter_prometheus::PrometheusHandle;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::Semaphore;

/// What HTTP serves, besides metrics and health.
#[derive(Clone)]
pub struct Services {
    /// The engine threads.
    pub engines: Engines,
    /// Who may ask; `None`: whoever connects over loopback, as admin.
    pub tokens: Option<Arc<TokenFile>>,
    /// Who sends callbacks.
    pub callbacks: Arc<[Source]>,
    /// The sales channels that send webhooks.
    pub channels: Arc<[ChannelOptions]>,
    /// Reads what a callback only points at.
    pub follow: Arc<dyn Follow>,
    /// The operators' dashboard, if there is one.
    pub dashboard: Option<Dashboard>,
    /// The journals of the shards, in their order: what events are read from.
    pub journals: Arc<[Arc<dyn ShardJournal>]>,
    /// Who is sent events.
    pub subscribers: Board,
    /// Requests a second of one token, or of one address without tokens.
    pub requests_per_second: NonZeroU32,
    /// Of connections.
    pub limits: HttpLimits,
    /// What buyers' links are signed with.
    pub track: TrackKey,
    /// Certificate and key; `None`: plain HTTP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("engines", &self.engines)
            .field("tokens", &self.tokens)
            .field("callbacks", &self.callbacks)
            .field("dashboard", &self.dashboard)
            .finish_non_exhaustive()
    }
}

/// As the routes share it.
#[derive(Clone)]
pub(super) struct Shared {
    pub metrics: PrometheusHandle,
    pub ready: Arc<AtomicBool>,
    pub engines: Engines,
    pub tokens: Option<Arc<TokenFile>>,
    pub callbacks: Arc<[Source]>,
    pub channels: Arc<[ChannelOptions]>,
    pub follow: Arc<dyn Follow>,
    pub dashboard: Option<Dashboard>,
    pub journals: Arc<[Arc<dyn ShardJournal>]>,
    pub subscribers: Board,
    /// Places of clients that follow events.
    pub streams: Arc<Semaphore>,
    /// Places of webhooks with long bodies.
    pub long_bodies: Arc<Semaphore>,
    /// Places of webhooks that are verified beside this thread.
    pub hashing: Arc<Semaphore>,
    pub rates: Arc<Rates>,
    pub track: TrackKey,
}
