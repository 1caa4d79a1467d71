//! Callbacks: what providers tell the engine on their own, signed as they sign it.

use bytes::Bytes;
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The most callbacks that may wait for delivery; more are dropped, counted and logged.
const MOST_WAITING: u64 = 500_000;
/// How often a delivery is tried.
const TRIES: u32 = 10;
/// The wait before the second try; doubles up to [`LONGEST_WAIT_MS`].
const FIRST_WAIT_MS: u64 = 200;
const LONGEST_WAIT_MS: u64 = 10_000;
/// How many deliveries run at the same time.
const AT_ONCE: usize = 64;
/// How long a callback waits for a later one to overtake it, in mode `out_of_order`.
const OVERTAKE_MS: u64 = 1_000;

/// How callbacks of a provider are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Once, at once.
    #[default]
    Normal,
    /// `delay_ms` late.
    Late,
    /// Two times.
    Twice,
    /// Each second one before the one it follows.
    OutOfOrder,
    /// With a signature under another key.
    WronglySigned,
    /// Not at all.
    Lost,
}

/// What a signature is made with.
#[derive(Clone, Debug)]
pub struct Signing {
    /// The secret.
    pub secret: String,
    /// The URL that the callback is sent to.
    pub url: String,
    /// The time of this try, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// The body.
    pub body: Bytes,
}

/// Makes the headers of a try; it is called for each one anew.
pub type Signer = Arc<dyn Fn(&Signing) -> Vec<(&'static str, String)> + Send + Sync>;

/// A callback to be sent.
#[derive(Clone)]
pub struct Callback {
    /// The provider's name; the callback goes to `TARGET/callbacks/PROVIDER`.
    pub provider: &'static str,
    /// The name of its secret in the options, and the documented default.
    pub secret: (&'static str, &'static str),
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
    /// Makes the signature and other headers.
    pub sign: Signer,
}

/// Where a callback goes.
#[derive(Clone)]
enum Address {
    /// `TARGET/callbacks/PROVIDER`.
    Usual,
    /// A path below the target.
    Below(String),
    /// What its receiver asked for.
    Url(String),
}

/// A callback, where it goes, and how often it is tried.
#[derive(Clone)]
struct Outgoing {
    callback: Callback,
    address: Address,
    tries: u32,
}

/// How many callbacks there were, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Handed in by the provider.
    pub made: u64,
    /// Answered with 2xx; in mode `twice` each counts.
    pub delivered: u64,
    /// Tries that were not answered with 2xx.
    pub refused: u64,
    /// Given up after the last try.
    pub given_up: u64,
    /// Not sent, in mode `lost` or for want of a target.
    pub lost: u64,
    /// Dropped because too many waited.
    pub dropped: u64,
    /// Not at their end yet.
    pub waiting: u64,
}

/// Secrets that differ from the documented ones.
#[derive(Default)]
pub struct Secrets {
    by_name: HashMap<String, String>,
}

impl Secrets {
    pub(super) fn new(by_name: HashMap<String, String>) -> Self {
        Self { by_name }
    }

    pub(super) fn get<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.by_name.get(name).map_or(default, String::as_str)
    }
}

/// The callbacks of all providers.
#[derive(Clone)]
pub struct Callbacks {
    shared: Arc<Shared>,
}

struct Shared {
    secrets: Arc<Secrets>,
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    at_once: tokio::sync::Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    target: Option<String>,
    modes: BTreeMap<String, (Mode, u64)>,
    overtaken: HashMap<&'static str, (u64, Outgoing)>,
    waiting: u64,
    tallies: BTreeMap<&'static str, Tally>,
    answers: BTreeMap<&'static str, Histogram<u64>>,
}

impl Callbacks {
    pub(super) fn new(
        target: Option<String>,
        secrets: Arc<Secrets>,
        client: reqwest::Client,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let state = State {
            target: target.map(|url| url.trim_end_matches('/').to_owned()),
            ..State::default()
        };
        Self {
            shared: Arc::new(Shared {
                secrets,
                client,
                runtime,
                at_once: tokio::sync::Semaphore::new(AT_ONCE),
                state: Mutex::new(state),
            }),
        }
    }

    /// Where callbacks go from now on: a base URL, or nowhere.
    pub fn set_target(&self, target: Option<String>) {
        self.shared.state.lock().target = target.map(|url| url.trim_end_matches('/').to_owned());
    }

    /// Where callbacks go.
    #[must_use]
    pub fn target(&self) -> Option<String> {
        self.shared.state.lock().target.clone()
    }

    /// How callbacks of `provider` (`*`: all without a mode of their own) are delivered from now
    /// on; `delay_ms` is for [`Mode::Late`].
    pub fn set_mode(&self, provider: &str, mode: Mode, delay_ms: u64) {
        let mut state = self.shared.state.lock();
        if provider == "*" {
            state.modes.clear();
        }
        state.modes.insert(provider.to_owned(), (mode, delay_ms));
    }

    /// The modes that were set.
    #[must_use]
    pub fn modes(&self) -> BTreeMap<String, (Mode, u64)> {
        self.shared.state.lock().modes.clone()
    }

    /// What became of the callbacks, by provider.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<&'static str, Tally> {
        self.shared.state.lock().tallies.clone()
    }

    /// Sends a callback in the provider's mode, and again until it is answered with 2xx.
    pub fn send(&self, callback: Callback) {
        self.dispatch(Outgoing {
            callback,
            address: Address::Usual,
            tries: TRIES,
        });
    }

    /// Like [`Callbacks::send`], to a path below the target; once, or again until it is answered
    /// with 2xx.
    pub fn send_below(&self, path: String, again: bool, callback: Callback) {
        self.dispatch(Outgoing {
            callback,
            address: Address::Below(path),
            tries: if again { TRIES } else { 1 },
        });
    }

    /// Like [`Callbacks::send`], to the address that the engine gave with its request.
    pub fn send_to(&self, url: String, callback: Callback) {
        self.dispatch(Outgoing {
            callback,
            address: Address::Url(url),
            tries: TRIES,
        });
    }

    /// How long tries that were answered with 2xx took, in microseconds, by provider.
    #[must_use]
    pub fn answer_times(&self) -> BTreeMap<&'static str, Histogram<u64>> {
        self.shared.state.lock().answers.clone()
    }

    fn dispatch(&self, callback: Outgoing) {
        let mut state = self.shared.state.lock();
        let provider = callback.callback.provider;
        let (mode, delay_ms) = *state
            .modes
            .get(provider)
            .or_else(|| state.modes.get("*"))
            .unwrap_or(&(Mode::Normal, 0));
        state.tally(provider).made += 1;
        let nowhere = state.target.is_none() && !matches!(callback.address, Address::Url(_));
        if mode == Mode::Lost || nowhere {
            state.tally(provider).lost += 1;
            return;
        }
        if state.waiting >= MOST_WAITING {
            let tally = state.tally(provider);
            tally.dropped += 1;
            if tally.dropped.is_power_of_two() {
                tracing::error!(
                    provider,
                    dropped = tally.dropped,
                    "callbacks dropped: {MOST_WAITING} wait for delivery"
                );
            }
            return;
        }
        match mode {
            Mode::Normal | Mode::Lost => self.deliver(&mut state, callback, 0, false),
            Mode::Late => self.deliver(&mut state, callback, delay_ms, false),
            Mode::WronglySigned => self.deliver(&mut state, callback, 0, true),
            Mode::Twice => {
                self.deliver(&mut state, callback.clone(), 0, false);
                self.deliver(&mut state, callback, 20, false);
            }
            Mode::OutOfOrder => self.overtake(&mut state, callback),
        }
    }

    /// Holds the callback back until the next one of its provider has been delivered, or until
    /// none came in time.
    fn overtake(&self, state: &mut State, callback: Outgoing) {
        let provider = callback.callback.provider;
        if let Some((_, earlier)) = state.overtaken.remove(provider) {
            self.deliver(state, callback, 0, false);
            self.deliver(state, earlier, 100, false);
            return;
        }
        let mark = state.tally(provider).made;
        state.overtaken.insert(provider, (mark, callback));
        let this = self.clone();
        self.shared.runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(OVERTAKE_MS)).await;
            let mut state = this.shared.state.lock();
            let still = |(found, _): &(u64, Outgoing)| *found == mark;
            if state.overtaken.get(provider).is_some_and(still)
                && let Some((_, callback)) = state.overtaken.remove(provider)
            {
                this.deliver(&mut state, callback, 0, false);
            }
        });
    }

    fn deliver(&self, state: &mut State, callback: Outgoing, delay_ms: u64, wrong: bool) {
        state.waiting += 1;
        state.tally(callback.callback.provider).waiting += 1;
        let this = self.clone();
        self.shared.runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            let delivered = this.tries(&callback, wrong).await;
            let mut state = this.shared.state.lock();
            state.waiting -= 1;
            let tally = state.tally(callback.callback.provider);
            tally.waiting -= 1;
            tally.delivered += u64::from(delivered);
            tally.given_up += u64::from(!delivered);
        });
    }

    async fn tries(&self, callback: &Outgoing, wrong: bool) -> bool {
        let mut wait_ms = FIRST_WAIT_MS;
        for attempt in 0..callback.tries {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                wait_ms = (wait_ms * 2).min(LONGEST_WAIT_MS);
            }
            if self.attempt(callback, wrong).await {
                return true;
            }
            self.shared
                .state
                .lock()
                .tally(callback.callback.provider)
                .refused += 1;
        }
        tracing::warn!(
            provider = callback.callback.provider,
            "a callback was given up after {} tries",
            callback.tries
        );
        false
    }

    async fn attempt(&self, outgoing: &Outgoing, wrong: bool) -> bool {
        let callback = &outgoing.callback;
        let target = self.target();
        let url = match &outgoing.address {
            Address::Url(url) => Some(url.clone()),
            Address::Below(path) => target.map(|target| format!("{target}{path}")),
            Address::Usual => target.map(|it| format!("{it}/callbacks/{}", callback.provider)),
        };
        let Some(url) = url else {
            return false;
        };
        let Ok(_permit) = self.shared.at_once.acquire().await else {
            return false;
        };
        let (name, default) = callback.secret;
        let secret = self.shared.secrets.get(name, default);
        let signing = Signing {
            secret: if wrong {
                format!("not-{secret}")
            } else {
                secret.to_owned()
            },
            url,
            now_ms: crate::clock::now_ms(),
            body: callback.body.clone(),
        };
        let mut request = self
            .shared
            .client
            .post(&signing.url)
            .header("content-type", callback.content_type)
            .body(callback.body.clone());
        for (name, value) in (callback.sign)(&signing) {
            request = request.header(name, value);
        }
        let sent_ns = crate::clock::monotonic_ns();
        let reply = request.timeout(Duration::from_secs(10)).send().await;
        let taken = reply.is_ok_and(|reply| reply.status().is_success());
        if taken {
            let micros = crate::clock::monotonic_ns().saturating_sub(sent_ns) / 1_000;
            self.shared.state.lock().answered(callback.provider, micros);
        }
        taken
    }
}

impl State {
    fn tally(&mut self, provider: &'static str) -> &mut Tally {
        self.tallies.entry(provider).or_default()
    }

    fn answered(&mut self, provider: &'static str, micros: u64) {
        if !self.answers.contains_key(provider)
            && let Ok(times) = Histogram::new_with_bounds(1, 60_000_000, 3)
        {
            self.answers.insert(provider, times);
        }
        if let Some(times) = self.answers.get_mut(provider) {
            times.saturating_record(micros);
        }
    }
}
