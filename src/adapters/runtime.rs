//! All lanes: started once, stopped once.

use super::facts::{OrderFactsStore, ShardHandle};
use super::intake::{Intake, Queues};
use super::lane::{self, LaneSetup};
use super::options::{OptionsError, ProviderOptions};
use super::provider::Provider;
use super::registry;
use super::task::Task;
use crate::engine::process::command::OpenEffect;
use crate::feed::Place;
use crate::types::effect::Lane;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::watch;

/// How long calls that are out are waited for at a stop. What has not ended by then is called
/// again, with the same key, at the next start.
pub const DRAIN: Duration = Duration::from_secs(3);

/// Longest time of an attempt where nothing else is said, in milliseconds.
const TIMEOUT_MS_DEFAULT: u64 = 3_000;

/// Calls out at once where nothing else is said.
const CONCURRENCY_DEFAULT: usize = 64;

/// Builds a provider: once for each lane that it serves, since a lane shares nothing with others.
pub type Build =
    Arc<dyn Fn(&ProviderOptions) -> Result<Arc<dyn Provider>, OptionsError> + Send + Sync>;

/// A configured provider and how to build it.
#[derive(Clone)]
pub struct Configured {
    /// Its name, limits, secrets and settings.
    pub options: ProviderOptions,
    /// Makes its adapter.
    pub build: Build,
}

impl Configured {
    /// A provider of a kind that the registry has.
    #[must_use]
    pub fn new(options: ProviderOptions) -> Self {
        let timeout_ms = registry::kind(&options.kind).map(|kind| kind.timeout_ms);
        Self::with(options, timeout_ms, Arc::new(registry::build))
    }

    /// A provider with a builder of the caller's.
    #[must_use]
    pub fn with(mut options: ProviderOptions, timeout_ms: Option<u64>, build: Build) -> Self {
        if options.timeout_ms == 0 {
            options.timeout_ms = timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT);
        }
        if options.concurrency == 0 {
            options.concurrency = CONCURRENCY_DEFAULT;
        }
        Self { options, build }
    }

    /// What stands in for providers that are not configured; never built.
    pub(super) fn unserved() -> Self {
        Self::with(ProviderOptions::default(), None, Arc::new(registry::build))
    }
}

/// What adapters need of one shard.
pub struct ShardSource {
    /// Its journal and the way into its engine thread.
    pub handle: ShardHandle,
    /// Where the recovered journal ended: effects behind it are read from the journal …
    pub from: Place,
    /// … and those before it are these.
    pub open_effects: Vec<OpenEffect>,
    /// Names of its providers by their number, as of then.
    pub providers: Vec<String>,
}

/// Why adapters cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A provider cannot be built.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// A thread or its runtime cannot be made.
    #[error("cannot start the {lane} adapters: {source}")]
    Thread {
        /// The lane.
        lane: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Called with a lane's thread name and the reason, where it can go on no longer.
pub type OnFailure = Arc<dyn Fn(String, String) + Send + Sync>;

/// The running lanes.
pub struct Adapters {
    lanes: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Adapters {
    /// Starts a thread for each lane: `onhand-fraud`, `onhand-payment`, and so on.
    ///
    /// # Errors
    /// A provider cannot be built, or a thread not be started; nothing runs then.
    pub fn start(
        shards: &[ShardSource],
        providers: &[Configured],
        store: &Arc<OrderFactsStore>,
        on_failure: &OnFailure,
    ) -> Result<Self, StartError> {
        let (stop, stopped) = watch::channel(false);
        let mut setups = Vec::with_capacity(Lane::ALL.len());
        for &lane in Lane::ALL {
            let mut serving = Vec::new();
            for configured in providers {
                let provider = (configured.build)(&configured.options)?;
                if provider.kinds().iter().any(|kind| kind.lane() == lane) {
                    serving.push((configured.clone(), provider));
                }
            }
            let names = serving.iter().map(|(one, _)| one.options.name.clone());
            let queues = Queues::new(names.collect());
            let intakes = shards.iter().map(|shard| intake(lane, shard, &queues));
            setups.push(LaneSetup {
                lane,
                intakes: intakes.collect(),
                providers: serving,
                queues,
                store: Arc::clone(store),
                stop: stopped.clone(),
                drain: DRAIN,
            });
        }
        let mut adapters = Self {
            lanes: Vec::with_capacity(setups.len()),
            stop,
        };
        for setup in setups {
            let lane = setup.lane.name();
            match spawn(setup, Arc::clone(on_failure)) {
                Ok(handle) => adapters.lanes.push(handle),
                Err(source) => {
                    adapters.stop();
                    return Err(StartError::Thread { lane, source });
                }
            }
        }
        Ok(adapters)
    }

    /// Takes nothing more in, waits a bounded time for calls that are out, and ends the threads.
    /// The shards must still take results meanwhile.
    pub fn stop(self) {
        let _ = self.stop.send(true); // an error means that all lanes have ended
        for lane in self.lanes {
            if lane.join().is_err() {
                tracing::error!("a thread of the adapters panicked");
            }
        }
    }
}

fn intake(lane: Lane, shard: &ShardSource, queues: &Queues) -> Intake {
    let journal = Arc::clone(&shard.handle.journal);
    let number = journal.shard();
    let intake = Intake::new(lane, journal, shard.providers.clone(), shard.from);
    let open = shard.open_effects.iter().filter(|e| e.kind.lane() == lane);
    let tasks = open.map(|effect| Task::resumed(number, effect.clone()));
    intake.resume_all(queues, tasks.collect());
    intake
}

fn spawn(setup: LaneSetup, on_failure: OnFailure) -> io::Result<JoinHandle<()>> {
    let name = format!("onhand-{}", setup.lane.name());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Builder::new().name(name.clone()).spawn(move || {
        crate::affinity::yield_to_engines();
        if let Err(error) = runtime.block_on(lane::run(setup)) {
            on_failure(name, error.to_string());
        }
        // Calls that are still out are dropped here, not waited for.
        runtime.shutdown_background();
    })
}
