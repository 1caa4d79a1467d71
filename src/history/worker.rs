//! The thread of the history: steps the reader, waits where there is nothing to do, and tries again
//! where the database does not let it.

use super::error::HistoryError;
use super::reader::{History, HistoryProgress, HistorySource};
use super::target::HistoryTarget;
use crate::clock;
use crate::journal::storage::Storage;
use crate::metrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Records that one transaction takes in before it ends at the next batch.
pub const STEP_RECORDS: u64 = 20_000;

/// How long the reader waits where everything is written.
const IDLE_MS: u64 = 50;

/// Idle waits after which the reader looks whether the database is still where it left it.
const LOOK_EVERY: u32 = 20;

/// The first and the longest wait after an error.
const BACKOFF_MS: (u64, u64) = (100, 30_000);

/// How long a stop goes on writing what is acknowledged; the rest comes at the next start.
const STOP_MS: u64 = 2_000;

/// How much longer a statement may go on that was begun before a stop.
const STOP_GRACE_MS: u64 = 1_000;

/// The running history. Dropping it without [`HistoryThread::stop`] leaves the thread to itself.
pub struct HistoryThread {
    stopping: Arc<AtomicBool>,
    wake: Arc<tokio::sync::Notify>,
    thread: JoinHandle<()>,
}

impl HistoryThread {
    /// Ends it: what is acknowledged by now is still written, unless that takes over 3 s or the
    /// database does not let it; the rest comes at the next start.
    pub fn stop(self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the history thread ended by a panic; it goes on at the next start");
        }
    }
}

/// Starts the history of `sources` in `target`, on a thread of its own.
///
/// # Errors
/// The system gives no thread. A database that cannot be used is no error here: it is tried again
/// until it can, which the log and the metrics say.
pub fn spawn<S: Storage>(
    target: HistoryTarget,
    sources: Vec<HistorySource<S>>,
) -> Result<HistoryThread, HistoryError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(HistoryError::Thread)?;
    let (stopping, wake) = (Arc::default(), Arc::new(tokio::sync::Notify::new()));
    let worker = Worker {
        target,
        sources,
        stopping: Arc::clone(&stopping),
        wake: Arc::clone(&wake),
        wait_ms: 0,
        told: None,
    };
    let thread = std::thread::Builder::new()
        .name("onhand-history".to_owned())
        .spawn(move || {
            crate::affinity::yield_to_engines(); // the database's thread inherits it
            runtime.block_on(worker.run());
        })
        .map_err(HistoryError::Thread)?;
    Ok(HistoryThread {
        stopping,
        wake,
        thread,
    })
}

/// Ends where a stop is asked for and a statement goes on for too long.
async fn overdue(stopping: Arc<AtomicBool>, wake: Arc<tokio::sync::Notify>) {
    while !stopping.load(Ordering::Acquire) {
        wake.notified().await;
    }
    tokio::time::sleep(Duration::from_millis(STOP_MS + STOP_GRACE_MS)).await;
}

struct Worker<S: Storage> {
    target: HistoryTarget,
    sources: Vec<HistorySource<S>>,
    stopping: Arc<AtomicBool>,
    wake: Arc<tokio::sync::Notify>,
    /// The wait after the next error; 0 while all is well.
    wait_ms: u64,
    /// The last error that the log told.
    told: Option<String>,
}

impl<S: Storage> Worker<S> {
    async fn run(mut self) {
        loop {
            let overdue = overdue(Arc::clone(&self.stopping), Arc::clone(&self.wake));
            let ended = tokio::select! {
                ended = self.follow() => ended,
                // The connection goes with it, which takes back what was not committed.
                () = overdue => {
                    tracing::warn!(
                        "the history database did not answer in time for the stop; the rest comes \
                         at the next start"
                    );
                    return;
                }
            };
            let Err(error) = ended else { return };
            self.tell(&error);
            if matches!(error, HistoryError::CursorMoved { .. }) {
                continue; // from where the database is now, also while stopping
            }
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            let (first, longest) = BACKOFF_MS;
            // Where a person must choose, looking often is of no use.
            self.wait_ms = if error.is_transient() {
                (self.wait_ms * 2).clamp(first, longest)
            } else {
                longest
            };
            self.wait(self.wait_ms).await;
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
        }
    }

    /// Opens the database and follows the journals until a stop or an error.
    async fn follow(&mut self) -> Result<(), HistoryError> {
        let mut history = History::open(&self.target, &self.sources).await?;
        let mut stop_ns = None;
        let mut idle = 0;
        loop {
            let stopping = self.stopping.load(Ordering::Acquire);
            if stopping {
                let now_ns = clock::monotonic_ns();
                let until = *stop_ns.get_or_insert(now_ns + STOP_MS * 1_000_000);
                if now_ns > until {
                    tracing::info!("the history is behind; the rest comes at the next start");
                    history.close().await;
                    return Ok(());
                }
            }
            let progress = history.step(STEP_RECORDS).await?;
            self.wait_ms = 0;
            if self.told.take().is_some() {
                tracing::info!(database = self.target.name(), "the history goes on");
            }
            if progress == HistoryProgress::CaughtUp {
                if stopping {
                    // Whoever emptied it just now has it filled by this server still.
                    history.check().await?;
                    history.close().await;
                    return Ok(());
                }
                idle = (idle + 1) % LOOK_EVERY;
                if idle == 0 {
                    history.check().await?;
                }
                self.wait(IDLE_MS).await;
            }
        }
    }

    async fn wait(&self, ms: u64) {
        // Woken early or not: the caller looks again either way.
        let _ = tokio::time::timeout(Duration::from_millis(ms), self.wake.notified()).await;
    }

    /// Logs an error once, however often it comes back.
    fn tell(&mut self, error: &HistoryError) {
        ::metrics::counter!(metrics::HISTORY_ERRORS, "kind" => error.kind()).increment(1);
        let said = error.to_string();
        if self.told.as_ref() != Some(&said) {
            if error.is_transient() {
                tracing::warn!("{said}");
            } else {
                tracing::error!("{said}");
            }
            self.told = Some(said);
        }
    }
}
