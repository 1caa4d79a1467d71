//! The way from HTTP to the engine threads: ask, and wait until the answer may be revealed.

use crate::limits::HTTP_ANSWER_TIMEOUT_MS;
use crate::shard::local::{Local, LocalAnswer, LocalQueue, LocalRequest};
use crate::types::{OrderDetails, OrderKey};
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long callbacks are gathered before the engine thread is woken for them.
const GATHER: Duration = Duration::from_millis(1);

/// The shard that owns a tenant, by name.
pub type Route = Arc<dyn Fn(&str) -> usize + Send + Sync>;

/// Finds accepted orders outside the engine: in memory, or in the journal.
pub trait FindOrder: Send + Sync {
    /// What an order number (shard and sequence of the accepting record) stands for; `None` where
    /// it is no order's.
    fn by_number(&self, shard: u16, sequence: u64) -> BoxFuture<'_, LookedUp>;

    /// What was sent along with the order of this number. Unlike [`FindOrder::by_number`] it needs
    /// no name from anybody: the journal has it.
    fn details(&self, shard: u16, sequence: u64) -> BoxFuture<'_, LookedUpDetails>;

    /// Shard and tenant of every order of this key that is remembered.
    fn by_key(&self, order: OrderKey) -> Vec<(u16, String)>;
}

/// What a look-up comes to.
pub type LookedUp = Result<Option<FoundOrder>, LookUpError>;

/// Why it is not known what an order number stands for, or what its order has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookUpError {
    /// It may be known later: the journal cannot be read, or the shard does not answer.
    #[error("{0}")]
    NotNow(String),
    /// This build cannot read the record.
    #[error("{0}")]
    Unreadable(String),
}

/// An accepted order, as the journal has it.
#[derive(Clone, Debug, Default)]
pub struct FoundOrder {
    /// Name of its tenant.
    pub tenant: String,
    /// Its key.
    pub order: OrderKey,
}

/// What was sent along with an order; `None` where no order was accepted at that sequence.
pub type LookedUpDetails = Result<Option<OrderDetails>, LookUpError>;

/// The engines of this process, and who owns which tenant.
#[derive(Clone)]
pub struct Engines {
    queues: Arc<[Arc<LocalQueue>]>,
    route: Route,
    find: Arc<dyn FindOrder>,
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engines")
            .field("shards", &self.queues.len())
            .finish_non_exhaustive()
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Name of the tenant.
    pub tenant: String,
    /// Name for the journal.
    pub actor: String,
}

/// Why there is no answer. Whether the request was executed is not known for the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The queue is full: nothing was done.
    Busy,
    /// The engine has stopped.
    Stopped,
    /// It took too long.
    Late,
}

/// An answer that is on its way.
#[derive(Debug)]
pub struct Asked(oneshot::Receiver<LocalAnswer>);

impl Asked {
    /// Waits until everything that the answer reveals is acknowledged.
    ///
    /// # Errors
    /// [`NoAnswer::Stopped`] or [`NoAnswer::Late`].
    pub async fn answer(self) -> Result<LocalAnswer, NoAnswer> {
        let limit = Duration::from_millis(HTTP_ANSWER_TIMEOUT_MS);
        match tokio::time::timeout(limit, self.0).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(NoAnswer::Stopped),
            Err(_) => Err(NoAnswer::Late),
        }
    }
}

/// A request with the way back for its answer.
fn asked(asker: &Asker, request: LocalRequest) -> (Local, Asked) {
    let (sender, receiver) = oneshot::channel();
    let local = Local {
        tenant: asker.tenant.clone(),
        actor: asker.actor.clone(),
        request,
        answer: Some(Box::new(move |answer| {
            // The receiver is gone where the client went away; the journal has the outcome.
            let _ = sender.send(answer);
        })),
    };
    (local, Asked(receiver))
}

impl Engines {
    /// The engines of `queues`, one a shard.
    #[must_use]
    pub fn new(queues: Vec<Arc<LocalQueue>>, route: Route, find: Arc<dyn FindOrder>) -> Self {
        Self {
            queues: queues.into(),
            route,
            find,
        }
    }

    /// The shard of a tenant.
    #[must_use]
    pub fn shard_of(&self, tenant: &str) -> usize {
        (self.route)(tenant)
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.queues.len()
    }

    /// What an order number stands for; `None` where it is no order's.
    ///
    /// # Errors
    /// It cannot be looked up.
    pub async fn find(&self, shard: u16, sequence: u64) -> LookedUp {
        self.find.by_number(shard, sequence).await
    }

    /// What was sent along with the order of this number.
    ///
    /// # Errors
    /// The journal cannot be read, or not by this build.
    pub async fn details(&self, shard: u16, sequence: u64) -> LookedUpDetails {
        self.find.details(shard, sequence).await
    }

    /// Shard and tenant of every order of this key that is remembered.
    #[must_use]
    pub fn owners(&self, order: OrderKey) -> Vec<(u16, String)> {
        self.find.by_key(order)
    }

    /// Puts a request into a shard's queue.
    ///
    /// # Errors
    /// [`NoAnswer::Busy`] if the queue is full.
    pub fn push(
        &self,
        shard: usize,
        asker: &Asker,
        request: LocalRequest,
    ) -> Result<Asked, NoAnswer> {
        let (local, asked) = asked(asker, request);
        let queue = self.queues.get(shard).ok_or(NoAnswer::Stopped)?;
        queue.push(local).map_err(|_| NoAnswer::Busy)?;
        Ok(asked)
    }

    /// The same for what comes in numbers and in which nobody takes part, such as callbacks: a
    /// millisecond's worth of them shares a turn and a sync. To be called within a runtime.
    ///
    /// # Errors
    /// [`NoAnswer::Busy`] if the queue is full.
    pub fn push_soon(
        &self,
        shard: usize,
        asker: &Asker,
        request: LocalRequest,
    ) -> Result<Asked, NoAnswer> {
        let (local, asked) = asked(asker, request);
        let queue = self.queues.get(shard).ok_or(NoAnswer::Stopped)?;
        if queue.push_soon(local).map_err(|_| NoAnswer::Busy)? {
            let queue = Arc::clone(queue);
            tokio::spawn(async move {
                tokio::time::sleep(GATHER).await;
                queue.ring();
            });
        }
        Ok(asked)
    }

    /// Asks the shard that owns the asker's tenant.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(&self, asker: &Asker, request: LocalRequest) -> Result<LocalAnswer, NoAnswer> {
        let shard = self.shard_of(&asker.tenant);
        self.push(shard, asker, request)?.answer().await
    }
}
