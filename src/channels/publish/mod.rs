//! Telling marketplaces what is left.
//!
//! ```text
//!  journal ─▶ tail ─▶ lane of each channel ─▶ shard: what is it to show? ─▶ book ─▶ marketplace
//!                        ▲                                                            │
//!                        └───────────── Published, journaled ◀── acknowledged ◀───────┘
//! ```
//!
//! One thread with its own runtime; engines neither know nor wait for it. Quantities are absolute,
//! the newest wins, sold-out items go first, and a value never follows a newer one. A marketplace
//! that is slow, throttles or is down delays nobody else; when it is back it gets the values of
//! then. All quantities are written at the start, and again from time to time.

pub mod book;
#[cfg(test)]
mod book_tests;
mod desk;
mod entry;
mod lane;
mod pace;
mod tail;

use super::api::{self, ApiOptions, ApiOptionsError};
use super::{ChannelOptions, Standing};
use crate::clock;
use crate::feed::{FeedError, Place, ShardJournal};
use crate::shard::local::LocalQueue;
use desk::Desk;
use lane::{Done, Lane, Work};
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tail::Follower;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Longest time of one call where nothing else is configured, in milliseconds.
const TIMEOUT_MS_DEFAULT: u64 = 5_000;

/// Shortest and longest wait between two looks at the journals.
const POLL_BUSY: Duration = Duration::from_millis(1);
const POLL_IDLE: Duration = Duration::from_millis(8);

/// How often the lag is published, in nanoseconds.
const LAG_NS: u64 = 1_000_000_000;

/// What the publisher needs of one shard.
pub struct ShardSource {
    /// Its journal.
    pub journal: Arc<dyn ShardJournal>,
    /// The way into its engine thread.
    pub queue: Arc<LocalQueue>,
    /// Where the recovered journal ended.
    pub from: Place,
    /// Names of its tenants by their number, as of then.
    pub tenants: Vec<String>,
}

/// Called with the thread's name and the reason, where it can go on no longer.
pub type OnFailure = Arc<dyn Fn(String, String) + Send + Sync>;

/// The running publisher.
pub struct Publisher {
    thread: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Publisher {
    /// Starts the thread `onhand-publish` for these channels, each with the place of the shard
    /// that has its tenant and what its intake says of it. A channel without credentials for its API is left out, and said so.
    ///
    /// # Errors
    /// The thread or its runtime cannot be made.
    pub fn start(
        shards: Vec<ShardSource>,
        channels: &[(ChannelOptions, usize, Arc<Standing>)],
        on_failure: OnFailure,
    ) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut lanes = Vec::new();
        for (channel, shard, standing) in channels {
            let Some(source) = shards.get(*shard) else {
                continue;
            };
            match api::connect(&api_options(channel)) {
                Ok(api) => {
                    let desk = Desk::new(Arc::clone(&source.queue), channel);
                    let home = (*shard, Arc::clone(standing));
                    lanes.push(Lane::new(channel.clone(), api, desk, home));
                }
                Err(error) => say_unpublished(channel, &error),
            }
        }
        let name = "onhand-publish".to_owned();
        let thread = Builder::new().name(name.clone()).spawn(move || {
            crate::affinity::yield_to_engines_only();
            if let Err(error) = runtime.block_on(run(shards, lanes, stopped)) {
                on_failure(name, error.to_string());
            }
            runtime.shutdown_background();
        })?;
        Ok(Self { thread, stop })
    }

    /// Ends the thread. Calls that are out are dropped: their values are written at the next start.
    pub fn stop(self) {
        let _ = self.stop.send(true); // an error means that the thread has ended
        if self.thread.join().is_err() {
            tracing::error!("the thread that publishes stock panicked");
        }
    }
}

/// The API client's options of a channel.
#[must_use]
pub fn api_options(channel: &ChannelOptions) -> ApiOptions {
    ApiOptions {
        kind: channel.kind,
        base_url: channel.base_url.clone(),
        timeout_ms: channel
            .setting("timeout_ms")
            .parse()
            .unwrap_or(TIMEOUT_MS_DEFAULT),
        shop: channel.shop.clone(),
        secrets: channel.credentials.clone(),
        settings: channel.settings.clone(),
        tokens: channel.tokens.clone(),
    }
}

fn say_unpublished(channel: &ChannelOptions, error: &ApiOptionsError) {
    let name = &channel.name;
    tracing::warn!(channel = name, %error, "this channel is not told what is left");
}

/// Follows the journals and drives the lanes until a stop is asked for.
async fn run(
    shards: Vec<ShardSource>,
    mut lanes: Vec<Lane>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), FeedError> {
    let mut followers: Vec<Follower> = shards
        .into_iter()
        .map(|shard| Follower::new(shard.journal.tail("publish", shard.from), shard.tenants))
        .collect();
    let mut out: JoinSet<(usize, Done)> = JoinSet::new();
    let mut work: Vec<Work> = Vec::new();
    let mut seen = Vec::new();
    let (mut wait, mut lag_at_ns) = (POLL_BUSY, 0);
    while !*stop.borrow() {
        let mut busy = false;
        for (shard, follower) in followers.iter_mut().enumerate() {
            seen.clear();
            let first_ms = follower.step(&mut seen)?;
            busy |= first_ms.is_some();
            for lane in lanes.iter_mut().filter(|lane| lane.shard == shard) {
                lane.note(&seen, first_ms, &follower.tenants);
            }
        }
        let now_ns = clock::monotonic_ns();
        for (place, lane) in lanes.iter_mut().enumerate() {
            let read_to = followers.get(lane.shard).map_or(0, Follower::next_sequence);
            lane.drive(read_to, now_ns, &mut work);
            for one in work.drain(..) {
                busy = true;
                out.spawn(async move { (place, one.await) });
            }
        }
        if now_ns >= lag_at_ns {
            followers.iter().for_each(Follower::publish_lag);
            lag_at_ns = now_ns + LAG_NS;
        }
        wait = if busy || !out.is_empty() {
            POLL_BUSY
        } else {
            (wait * 2).min(POLL_IDLE)
        };
        tokio::select! {
            Some(done) = out.join_next(), if !out.is_empty() => {
                settle(&mut lanes, done);
                while let Some(done) = out.try_join_next() {
                    settle(&mut lanes, done);
                }
            }
            () = tokio::time::sleep(wait) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    Ok(())
}

fn settle(lanes: &mut [Lane], done: Result<(usize, Done), tokio::task::JoinError>) {
    match done {
        Ok((place, done)) => {
            if let Some(lane) = lanes.get_mut(place) {
                lane.done(done, clock::monotonic_ns());
            }
        }
        Err(error) => tracing::error!(%error, "a call to a marketplace ended unexpectedly"),
    }
}
