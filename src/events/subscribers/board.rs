//! Who is served and how far, for those who ask; and the way to move a cursor.

use super::SubscriberOptions;
use super::place::Kept;
use crate::events::Cursor;
use crate::feed::ShardJournal;
use crate::metrics;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// What a subscriber's task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is sent what there is.
    Active,
    /// The last attempt failed; the same is sent again.
    Retrying,
    /// It answered 410: it wants nothing more.
    Gone,
    /// Its cursor cannot go on, and a person has to look.
    Halted,
}

impl State {
    /// As people and programs read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retrying => "retrying",
            Self::Gone => "gone",
            Self::Halted => "halted",
        }
    }

    /// It is served, or tried to be.
    pub(super) fn is_served(self) -> bool {
        matches!(self, Self::Active | Self::Retrying)
    }
}

/// Where a subscriber stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is doing.
    pub state: State,
    /// The last record that needs not be sent again; 0: none.
    pub sequence: u64,
    /// Events that it acknowledged since the process started.
    pub delivered: u64,
    /// Attempts that failed in a row.
    pub failures: u32,
    /// What failed last, and when in milliseconds since the Unix epoch.
    pub last_error: Option<(u64, String)>,
    /// When the next attempt is due; 0: none waits.
    pub next_attempt_ms: u64,
    /// When the oldest event happened that it has not acknowledged; 0: none is known.
    pub waiting_since_ms: u64,
}

/// A cursor to move, and who waits for it.
#[derive(Debug)]
pub(super) struct Order {
    pub sequence: u64,
    pub done: oneshot::Sender<()>,
}

/// Why a cursor was not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// Another person moves it right now. Look, then try again.
    #[error("somebody else moves its cursor right now")]
    Busy,
    /// The cursor file could not be written, or the server stops; it is in its log.
    #[error("its cursor could not be made durable; it is in the server's log")]
    Failed,
}

/// One subscriber, as others see it.
pub struct Entry {
    /// How it is configured.
    pub options: Arc<SubscriberOptions>,
    pub(super) journal: Arc<dyn ShardJournal>,
    pub(super) standing: Mutex<Standing>,
    orders: mpsc::Sender<Order>,
}

impl Entry {
    pub(super) fn new(
        options: Arc<SubscriberOptions>,
        journal: Arc<dyn ShardJournal>,
        orders: mpsc::Sender<Order>,
        kept: &Kept,
    ) -> Self {
        let standing = Standing {
            state: State::Active,
            sequence: kept.sequence,
            delivered: 0,
            failures: 0,
            last_error: None,
            next_attempt_ms: 0,
            waiting_since_ms: 0,
        };
        Self {
            options,
            journal,
            standing: Mutex::new(standing),
            orders,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.lock().clone()
    }

    /// A cursor of its journal.
    #[must_use]
    pub fn cursor(&self, sequence: u64) -> Cursor {
        Cursor {
            shard: self.journal.shard(),
            sequence,
        }
    }

    /// The last record that can be told now; 0: none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.journal.acknowledged().saturating_sub(1)
    }

    /// How far it is behind at `now_ms`: records, and milliseconds since the oldest event happened
    /// that it has not acknowledged.
    #[must_use]
    pub fn lag(&self, now_ms: u64) -> (u64, u64) {
        let standing = self.standing.lock();
        let records = self.newest().saturating_sub(standing.sequence);
        let since_ms = standing.waiting_since_ms;
        let waits = records > 0 && since_ms > 0;
        (
            records,
            if waits {
                now_ms.saturating_sub(since_ms)
            } else {
                0
            },
        )
    }

    /// Moves its cursor and has it served again, whatever kept it from that. Returns when the cursor
    /// is durable.
    ///
    /// # Errors
    /// Somebody else is at it, or the cursor cannot be written.
    pub async fn move_to(&self, sequence: u64) -> Result<(), MoveError> {
        let (done, moved) = oneshot::channel();
        let order = Order { sequence, done };
        self.orders.try_send(order).map_err(|_| MoveError::Busy)?;
        moved.await.map_err(|_| MoveError::Failed)
    }

    pub(super) fn publish(&self, now_ms: u64) {
        let (records, ms) = self.lag(now_ms);
        let is_served = self.standing.lock().state.is_served();
        let set = |name: &'static str, value: f64| {
            ::metrics::gauge!(name, "subscriber" => self.options.name.clone()).set(value);
        };
        #[allow(clippy::cast_precision_loss)] // figures for graphs
        {
            set(metrics::SUBSCRIBER_LAG_RECORDS, records as f64);
            set(metrics::SUBSCRIBER_LAG, ms as f64 / 1_000.0);
        }
        set(metrics::SUBSCRIBER_SERVED, f64::from(u8::from(is_served)));
    }

    /// Counts attempts by what became of them.
    pub(super) fn count(&self, outcome: &'static str) {
        let name = self.options.name.clone();
        ::metrics::counter!(
            metrics::SUBSCRIBER_DELIVERIES, "outcome" => outcome, "subscriber" => name
        )
        .increment(1);
    }
}

/// Every subscriber.
#[derive(Clone)]
pub struct Board(Arc<[Arc<Entry>]>);

impl Board {
    pub(super) fn new(entries: Vec<Arc<Entry>>) -> Self {
        Self(entries.into())
    }

    /// None at all.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Vec::new())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.0.iter()
    }

    /// Those of a tenant.
    pub fn of<'a>(&'a self, tenant: &'a str) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.0
            .iter()
            .filter(move |entry| entry.options.tenant == tenant)
    }

    /// One of a tenant's by its name.
    #[must_use]
    pub fn find(&self, tenant: &str, name: &str) -> Option<&Arc<Entry>> {
        let is_it =
            |entry: &&Arc<Entry>| entry.options.tenant == tenant && entry.options.name == name;
        self.0.iter().find(is_it)
    }
}
