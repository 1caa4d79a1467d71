//! Subscribers: events to addresses of the merchant's, as signed webhooks with a durable cursor.
//!
//! ```text
//!  journal ▕ acknowledged mark
//!     └─▶ page of events ─▶ filter ─▶ POST (Standard Webhooks) ─▶ 2xx ─▶ cursor file, synced
//!              ▲                          │ else: wait 2, 4, 8 … s and send the same again
//!              └── one task a subscriber ─┘
//! ```
//!
//! One thread with its own runtime, one task a subscriber. A subscriber reads the journal with a
//! cursor of its own, so nothing waits for it, nothing is dropped for it, and a slow one delays no
//! other. It gets every event at least once, in order, with the same `id` each time: the cursor moves
//! behind the acknowledgement, and after a crash what was not noted yet comes again.
//!
//! A subscriber that answers 410, or whose cursor the journal cannot go on from, is not served any
//! more: it says so in the log, in metrics and in `GET /v1/subscribers`, until an operator has it
//! served again.

mod board;
mod follow;
mod place;
mod send;

#[cfg(test)]
mod tests;

pub use board::{Board, Entry, MoveError, Standing, State};
pub use place::PlaceError;

use crate::adapters::http::Http;
use crate::clock;
use crate::feed::ShardJournal;
use crate::limits::SUBSCRIBER_METRICS_MS;
use crate::shard::local::LocalQueue;
use board::Order;
use follow::Follower;
use place::{Kept, PlaceFile};
use send::Sender;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Directory of the cursor files within the data directory.
const DIRECTORY: &str = "subscribers";

/// Where a subscriber begins that has never been served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With what happens from now on.
    Now,
    /// With the first record of the journal.
    Start,
}

/// A subscriber, as configured.
#[derive(Clone)]
pub struct SubscriberOptions {
    /// Its name, lower-case letters, digits, `_` and `-`: that of its cursor file.
    pub name: String,
    /// Whose events.
    pub tenant: String,
    /// Where they go.
    pub url: String,
    /// What they are signed with, 1 to 4 keys: a receiver accepts any of their signatures.
    pub keys: Vec<Vec<u8>>,
    /// Beginnings of event types; none: all.
    pub kinds: Vec<String>,
    /// Only events about orders of these channels; none: all events.
    pub channels: Vec<u16>,
    /// Most events of one request; with 1 the body is the event itself, else a batch.
    pub batch: usize,
    /// Longest time of one request, in milliseconds.
    pub timeout_ms: u64,
    /// Wait after the first failure, doubled after each further one, in milliseconds.
    pub retry_ms: u64,
    /// Longest wait between two attempts, in milliseconds.
    pub retry_max_ms: u64,
    /// Where it begins.
    pub begin: Begin,
}

impl SubscriberOptions {
    /// Where it is, without what may be secret: scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        let url = url::Url::parse(&self.url);
        url.map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
    }
}

impl fmt::Debug for SubscriberOptions {
    /// Without the keys and the URL's path, which may be a secret, too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberOptions")
            .field("name", &self.name)
            .field("tenant", &self.tenant)
            .field("origin", &self.origin())
            .finish_non_exhaustive()
    }
}

/// What subscribers need of one shard.
pub struct ShardSource {
    /// Its journal.
    pub journal: Arc<dyn ShardJournal>,
    /// The way into its engine thread.
    pub queue: Arc<LocalQueue>,
}

/// Why subscribers cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A cursor file cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// TLS cannot be set up on this machine.
    #[error("subscriber `{name}`: the HTTP client cannot be made: {source}")]
    Http {
        /// The subscriber.
        name: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// The thread or its runtime cannot be made.
    #[error("cannot start the thread of subscribers: {0}")]
    Thread(#[from] io::Error),
}

/// The running thread.
pub struct Subscribers {
    board: Board,
    thread: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

/// A subscriber's task, before it runs.
type Task = (Follower, mpsc::Receiver<Order>);

impl Subscribers {
    /// Starts the thread `onhand-subscribers` for these subscribers; with none there is no thread.
    /// `data` is the data directory, `route` the shard of a tenant.
    ///
    /// # Errors
    /// A cursor file cannot be used, or the thread not be started.
    pub fn start(
        shards: &[ShardSource],
        subscribers: Vec<SubscriberOptions>,
        data: &Path,
        route: &dyn Fn(&str) -> usize,
    ) -> Result<Self, StartError> {
        let (stop, stopped) = watch::channel(false);
        let (mut entries, mut tasks): (Vec<Arc<Entry>>, Vec<Task>) = (Vec::new(), Vec::new());
        for options in subscribers {
            let Some((shard, source)) = shards
                .get(route(&options.tenant))
                .map(|source| (source.journal.shard(), source))
            else {
                continue; // a route leads to a shard
            };
            let options = Arc::new(options);
            let (entry, task) = prepared(shard, source, &options, &data.join(DIRECTORY))?;
            entries.push(entry);
            tasks.push(task);
        }
        let board = Board::new(entries);
        let thread = if tasks.is_empty() {
            None
        } else {
            Some(spawn(tasks, board.clone(), stopped)?)
        };
        Ok(Self {
            board,
            thread,
            stop,
        })
    }

    /// Who is served, and how far.
    #[must_use]
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// Sends nothing more and ends the thread; the cursors are durable.
    pub fn stop(self) {
        let _ = self.stop.send(true); // an error means that the thread has ended
        if let Some(thread) = self.thread
            && thread.join().is_err()
        {
            tracing::error!("the thread of subscribers panicked");
        }
    }
}

/// A subscriber where its cursor file left it.
fn prepared(
    shard: u16,
    source: &ShardSource,
    options: &Arc<SubscriberOptions>,
    directory: &Path,
) -> Result<(Arc<Entry>, Task), StartError> {
    let file = PlaceFile::new(directory, &options.name);
    let kept = if let Some(kept) = file.read()? {
        file.is_of(&kept, &options.tenant, shard)?;
        kept
    } else {
        let sequence = match options.begin {
            Begin::Start => 0,
            Begin::Now => source.journal.acknowledged().saturating_sub(1),
        };
        let kept = Kept {
            tenant: options.tenant.clone(),
            shard,
            sequence,
            gone: None,
        };
        // Now, so that what happens before its first delivery is not missed after a crash.
        file.write(file.turn(), &kept)?;
        kept
    };
    let failed = |error| StartError::Http {
        name: options.name.clone(),
        source: error,
    };
    let sender = Sender::new(Http::new(options.timeout_ms).map_err(failed)?, options);
    let (orders, received) = mpsc::channel(1);
    let journal = Arc::clone(&source.journal);
    let entry = Arc::new(Entry::new(Arc::clone(options), journal, orders, &kept));
    let queue = Arc::clone(&source.queue);
    let follower = Follower::new(Arc::clone(&entry), queue, sender, (file, kept));
    Ok((entry, (follower, received)))
}

fn spawn(
    tasks: Vec<Task>,
    board: Board,
    stopped: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let name = "onhand-subscribers".to_owned();
    Builder::new().name(name).spawn(move || {
        crate::affinity::yield_to_engines();
        runtime.block_on(async move {
            let mut running = JoinSet::new();
            for (follower, orders) in tasks {
                running.spawn(follower.run(orders, stopped.clone()));
            }
            let published = tokio::spawn(publish(board));
            while let Some(ended) = running.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a subscriber is not served any more");
                }
            }
            published.abort();
        });
        runtime.shutdown_background();
    })
}

/// Says every second how far each is behind.
async fn publish(board: Board) {
    loop {
        let now_ms = clock::now_ms();
        for entry in board.all() {
            entry.publish(now_ms);
        }
        tokio::time::sleep(Duration::from_millis(SUBSCRIBER_METRICS_MS)).await;
    }
}
