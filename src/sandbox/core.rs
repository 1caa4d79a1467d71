//! What all providers share: credentials, ids, ledger, faults, limits, callbacks, timers.

use super::callbacks::{Callbacks, Secrets};
use super::faults::Faults;
use super::ledger::Ledger;
use super::limits::{Limiting, Limits};
use super::{Limit, LimitState, Reply, Request};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes any free one.
    pub address: SocketAddr,
    /// The port of the mail server at the same address; 0 takes any free one.
    pub smtp_port: u16,
    /// The base URL that callbacks go to, such as `http://127.0.0.1:7420`; none: no callbacks.
    pub callback_target: Option<String>,
    /// Credentials and callback secrets that differ from the documented ones, by name
    /// (`stripe.secret_key`).
    pub secrets: HashMap<String, String>,
    /// Whether the providers' rate limits hold.
    pub limits: Limiting,
    /// The most effects in the ledger, and twice the most objects and keys at a provider; beyond
    /// it every request is refused with 507.
    pub most_effects: usize,
    /// Decides which requests a fault's share hits.
    pub seed: u64,
    /// How long payments and shipments take where a provider finishes them by itself, in
    /// milliseconds.
    pub step_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            smtp_port: 0,
            callback_target: None,
            secrets: HashMap::new(),
            limits: Limiting::Off,
            most_effects: 4_000_000,
            seed: 1,
            step_ms: 1_000,
        }
    }
}

/// A provider: a function of (request, its state).
pub trait Provider: Send + Sync {
    /// The name: its prefix in the path, its name in faults and in the ledger.
    fn name(&self) -> &'static str;

    /// The name of what the request asks for (`capture`), for faults and limits.
    fn operation(&self, request: &Request) -> &'static str;

    /// Answers a request. Must not wait.
    fn handle(&self, request: &Request, core: &Core) -> Reply;

    /// The provider's documented rate limits.
    fn limits(&self) -> &'static [Limit] {
        &[]
    }

    /// The reply to a request over a rate limit.
    fn refuse_limit(&self, request: &Request, _at: LimitState) -> Reply {
        self.fail(request, 429)
    }

    /// An error reply of this status in the provider's shape, for faults.
    fn fail(&self, request: &Request, status: u16) -> Reply;

    /// Keeps a failed reply under the request's idempotency key, where the provider has any.
    fn remember(&self, _request: &Request, _reply: &Reply, _core: &Core) {}

    /// Answers `POST /_sandbox/NAME/ACTION`, which makes things happen at the provider; `None`
    /// where there is no such action.
    fn control(&self, _action: &str, _request: &Request, _core: &Core) -> Option<Reply> {
        None
    }

    /// What was asked for with [`Core::later`] is due.
    fn timer(&self, _token: &str, _core: &Core) {}
}

/// What all providers share.
pub struct Core {
    /// What happened.
    pub ledger: Ledger,
    /// What goes wrong.
    pub faults: Faults,
    /// Rate limits.
    pub limits: Limits,
    /// Messages to the engine.
    pub callbacks: Callbacks,
    pub(super) providers: Vec<Box<dyn Provider>>,
    options: Options,
    secrets: Arc<Secrets>,
    ids: AtomicU64,
    runtime: tokio::runtime::Handle,
    this: Weak<Core>,
}

impl Core {
    pub(super) fn new(
        options: Options,
        providers: Vec<Box<dyn Provider>>,
        client: reqwest::Client,
        runtime: tokio::runtime::Handle,
    ) -> Arc<Self> {
        let secrets = Arc::new(Secrets::new(options.secrets.clone()));
        Arc::new_cyclic(|this| Self {
            ledger: Ledger::new(options.most_effects),
            faults: Faults::new(options.seed),
            limits: Limits::new(options.limits),
            callbacks: Callbacks::new(
                options.callback_target.clone(),
                Arc::clone(&secrets),
                client,
                runtime.clone(),
            ),
            providers,
            options,
            secrets,
            ids: AtomicU64::new(1),
            runtime,
            this: this.clone(),
        })
    }

    /// The options it was started with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A credential or callback secret: the one of the options under `name`, else `default`.
    #[must_use]
    pub fn secret<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.secrets.get(name, default)
    }

    /// A number that was not given out before.
    #[must_use]
    pub fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        crate::clock::now_ms()
    }

    /// Calls [`Provider::timer`] of the provider with `token`, `delay_ms` from now.
    pub fn later(&self, provider: &'static str, delay_ms: u64, token: impl Into<String>) {
        let (this, token) = (self.this.clone(), token.into());
        self.runtime.spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(delay_ms)).await;
            if let Some(core) = this.upgrade()
                && let Some(found) = core.provider(provider)
            {
                found.timer(&token, &core);
            }
        });
    }

    pub(super) fn provider(&self, name: &str) -> Option<&dyn Provider> {
        self.providers
            .iter()
            .find(|provider| provider.name() == name)
            .map(AsRef::as_ref)
    }

    /// The names of all providers.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.providers
            .iter()
            .map(|provider| provider.name())
            .collect()
    }
}
