//! Working off what sales channels sent, behind the acknowledgement.
//!
//! ```text
//!  journal: EventReceived ─▶ tail ─▶ lane of its order ─▶ read ─▶ (ask the marketplace) ─▶ decide
//!             ▲                                                                             │
//!             └──── EventSettled ◀── shard ◀── place · next version · cancel ◀──────────────┘
//! ```
//!
//! One thread with its own runtime. Events of one order are worked off one after the other, those of
//! different orders side by side, channels apart from each other. Nothing is lost by a crash: what
//! the journal has and nothing settled is taken up again, and orders are known by their key, so
//! doing one twice is harmless. What is cancelled here of a marketplace's orders goes the same way
//! out: an event of our own, worked off by a call.

mod cancel;
mod decide;
#[cfg(test)]
mod decide_tests;
mod desk;
mod fetch;
mod lanes;
#[cfg(test)]
mod played;
mod poll;
mod send;
mod tail;
mod work;

pub use desk::{Stored, stored};

use super::api::{self, ApiOptionsError, Marketplace};
use super::{ChannelOptions, Standing};
use crate::engine::channel_event::command::EventView;
use crate::feed::{Place, ShardJournal};
use crate::shard::local::LocalQueue;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::watch;

/// What the intake needs of one shard.
pub struct ShardSource {
    /// Its journal.
    pub journal: Arc<dyn ShardJournal>,
    /// The way into its engine thread.
    pub queue: Arc<LocalQueue>,
    /// Where the recovered journal ended: events behind it are read from the journal …
    pub from: Place,
    /// … and those before it that are not settled are these.
    pub open: Vec<EventView>,
    /// Names of its tenants by their number, as of then.
    pub tenants: Vec<String>,
}

/// Called with the thread's name and the reason, where it can go on no longer.
pub type OnFailure = Arc<dyn Fn(String, String) + Send + Sync>;

/// What the thread is started with.
struct Setup {
    channels: Arc<[ChannelOptions]>,
    apis: Vec<Option<Arc<dyn Marketplace>>>,
    /// The shard of each channel's tenant.
    homes: Vec<usize>,
    standings: Vec<Arc<Standing>>,
}

/// The channels' API clients; none for a channel without credentials.
fn apis(channels: &[ChannelOptions]) -> io::Result<Vec<Option<Arc<dyn Marketplace>>>> {
    let made = channels.iter().map(|channel| {
        if channel.credentials.is_empty() {
            return Ok(None);
        }
        let failed = |error: ApiOptionsError| {
            io::Error::other(format!("channel `{}`: {error}", channel.name))
        };
        api::connect(&channel.api()).map(Some).map_err(failed)
    });
    made.collect()
}

/// The running intake.
pub struct Intake {
    thread: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Intake {
    /// Starts the thread `onhand-channels` for these channels, each with its standing.
    ///
    /// # Errors
    /// An API client, the thread or its runtime cannot be made.
    pub fn start(
        shards: Vec<ShardSource>,
        (channels, standings): (&Arc<[ChannelOptions]>, &[Arc<Standing>]),
        route: &dyn Fn(&str) -> usize,
        on_failure: OnFailure,
    ) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let name = "onhand-channels".to_owned();
        let setup = Setup {
            apis: apis(channels)?,
            homes: channels.iter().map(|one| route(&one.tenant)).collect(),
            channels: Arc::clone(channels),
            standings: standings.to_vec(),
        };
        let thread = Builder::new().name(name.clone()).spawn(move || {
            crate::affinity::yield_to_engines_only();
            if let Err(error) = runtime.block_on(tail::run(shards, setup, stopped)) {
                on_failure(name, error.to_string());
            }
            runtime.shutdown_background();
        })?;
        Ok(Self { thread, stop })
    }

    /// Takes nothing more in and ends the thread. What is not settled is taken up at the next start.
    pub fn stop(self) {
        let _ = self.stop.send(true); // an error means that the thread has ended
        if self.thread.join().is_err() {
            tracing::error!("the thread of the channels' intake panicked");
        }
    }
}
