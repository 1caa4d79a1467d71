//! The pulse: the journal as rates, percentiles and news, for people who watch.
//!
//! ```text
//!  journal of every shard ─▶ tails ─▶ Tenant (sale, calls, states, news) ─▶ every 250 ms a frame
//!                                                                             │ the same bytes
//!  browsers of the tenant ◀── server-sent events ◀── watch channel ◀──────────┘
//! ```
//!
//! One thread behind the engines reads what is acknowledged; no figure is taken on the way of an
//! order. Memory is bounded by `limits::DASHBOARD_*`; frames are made only while somebody watches.

mod calls;
mod channels;
mod frame;
mod news;
mod registry;
mod render;
mod sale;
mod shard;
mod tenant;
mod window;
mod worker;

pub use frame::Frame;
pub use shard::{BreakerNow, PulseSource};
pub use worker::{Registry, spawn};

use crate::limits::DASHBOARD_TENANTS_MAX;
use frame::Sent;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// How browsers get at the frames.
#[derive(Clone)]
pub struct Pulse {
    watched: Arc<Mutex<HashMap<String, Watched>>>,
    /// Tells one start of the process from another.
    pub epoch: u64,
}

/// A tenant that somebody watches, or watched.
struct Watched {
    sender: watch::Sender<Frame>,
    sent: Sent,
    /// News that were sent.
    news: u64,
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl Pulse {
    fn new(epoch: u64) -> Self {
        Self {
            watched: Arc::default(),
            epoch,
        }
    }

    /// Frames of a tenant from now on; `None` where too many tenants are watched.
    #[must_use]
    pub fn watch(&self, tenant: &str) -> Option<watch::Receiver<Frame>> {
        let mut watched = self.watched.lock();
        if !watched.contains_key(tenant) && watched.len() >= DASHBOARD_TENANTS_MAX {
            watched.retain(|_, one| one.sender.receiver_count() > 0);
            if watched.len() >= DASHBOARD_TENANTS_MAX {
                return None;
            }
        }
        let made = || Watched {
            sender: watch::Sender::new(Frame::default()),
            sent: Sent::default(),
            news: 0,
        };
        let one = watched.entry(tenant.to_owned()).or_insert_with(made);
        Some(one.sender.subscribe())
    }
}

/// The running pulse. Dropping it without [`PulseThread::stop`] leaves the thread to itself.
#[derive(Debug)]
pub struct PulseThread {
    stopping: Arc<AtomicBool>,
    wake: crossbeam::channel::Sender<()>,
    thread: JoinHandle<()>,
}

impl PulseThread {
    /// Ends it.
    pub fn stop(self) {
        self.stopping.store(true, Ordering::Release);
        // Full or gone: the thread looks anyway.
        let _ = self.wake.try_send(());
        if self.thread.join().is_err() {
            tracing::error!("the dashboard's thread panicked");
        }
    }
}
