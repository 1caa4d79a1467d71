//! Commands and questions from inside the process: adapters' results, providers' reports, HTTP.
//!
//! ```text
//!  adapter, gateway ─▶ LocalQueue (bounded, lock-free) ─▶ turn ─▶ engine ─▶ records
//!                                                          │
//!  answer ◀─ acknowledged ◀─ held, with the turn's gate ◀──┘
//! ```
//!
//! They take the same way as a session's frames: executed within a turn, journaled, answered when
//! everything that they reveal is acknowledged. A peek alone is answered within its turn: nothing
//! outside the process comes of its answer but through a later request. A full queue gives the
//! request back, and the caller waits; nothing is dropped. Where only the reserved share of the
//! journal is left, what begins something is answered `OVERLOADED` at once.

mod channel;
mod detail;
mod event;
mod execute;
#[cfg(test)]
pub mod played;
mod request;
mod room;
mod stock;
mod subscriber;
#[cfg(test)]
mod tests;

pub use channel::{
    ChannelChanges, ChannelRequest, ChannelStock, ChannelStockItem, ChannelsView, NamedCampaign,
    NamedPublished, SkuChoice,
};
pub use detail::{LocalLine, LocalShort, OrderDetail};
pub use event::OwnedDelivery;
pub use request::{
    HoldChange, Level, Levels, LocalAnswer, LocalQuery, LocalRequest, NamedLine, OwnedReport,
    OwnedResult, PlaceRequest,
};
pub use stock::{
    Definition, LocalLocation, LocalSku, LocalStatus, LocalStock, StockMove, StockPage,
    StockRequest,
};
pub use subscriber::SubscriberMove;

pub use crate::engine::channel::command::{
    CampaignItemView, CampaignView, ChannelStockView, ChannelView, RuleView,
};

use super::Shard;
use crate::journal::storage::Storage;
use crate::limits::{LOCAL_COMMANDS_MAX, LOCAL_COMMANDS_PER_TURN_MAX};
use crate::mailbox::Mailbox;
use crate::types::ResultCode;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Called once with the answer, on the engine thread: it must not block.
pub type Answerer = Box<dyn FnOnce(LocalAnswer) + Send>;

/// One request with whoever waits for its answer.
pub struct Local {
    /// Name of the tenant it acts for; empty for what concerns the whole shard.
    pub tenant: String,
    /// Name of the actor for the journal, such as a token's name or `adapter:payment`.
    pub actor: String,
    /// What is asked.
    pub request: LocalRequest,
    /// Who waits; `None`: nobody.
    pub answer: Option<Answerer>,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local")
            .field("tenant", &self.tenant)
            .field("actor", &self.actor)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// The way into an engine thread for everybody in the process.
pub struct LocalQueue {
    requests: Mailbox<Local>,
    wake: Box<dyn Fn() + Send + Sync>,
    /// Somebody has promised to ring for the requests that came without.
    promised: AtomicBool,
    /// The engine thread should look even if it has nothing else to do.
    rung: AtomicBool,
}

impl std::fmt::Debug for LocalQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalQueue")
            .field("waiting", &self.requests.len())
            .finish_non_exhaustive()
    }
}

impl LocalQueue {
    /// An empty queue; `wake` gets the engine thread to look.
    #[must_use]
    pub fn new(wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        Arc::new(Self {
            requests: Mailbox::new(LOCAL_COMMANDS_MAX),
            wake,
            promised: AtomicBool::new(false),
            rung: AtomicBool::new(false),
        })
    }

    /// Puts a request into the queue and wakes the engine thread.
    ///
    /// # Errors
    /// Gives it back if the queue is full: wait, then try again.
    pub fn push(&self, local: Local) -> Result<(), Box<Local>> {
        self.requests.put(local).map_err(Box::new)?;
        self.ring();
        Ok(())
    }

    /// Puts a request into the queue for one of the next turns, without a turn of its own: what comes
    /// one by one and waits for nobody is taken along by turns that are made anyway, or in bulk. True
    /// where the caller is the one who must [ring](Self::ring), after a millisecond or so.
    ///
    /// # Errors
    /// Gives it back if the queue is full: wait, then try again.
    pub fn push_soon(&self, local: Local) -> Result<bool, Box<Local>> {
        self.requests.put(local).map_err(Box::new)?;
        Ok(!self.promised.swap(true, Ordering::AcqRel))
    }

    /// Gets the engine thread to look.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        (self.wake)();
    }

    /// The engine thread looks now: later requests need a ring of their own.
    fn heard(&self) {
        // Exchanges, so that what was put before the ring that they take back is seen behind them.
        self.rung.swap(false, Ordering::AcqRel);
        self.promised.swap(false, Ordering::AcqRel);
    }

    /// Requests wait, and somebody wants them taken now.
    fn is_wanted(&self) -> bool {
        self.rung.load(Ordering::Acquire) && !self.is_empty()
    }

    /// Requests that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// True without requests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Takes the requests that wait, the oldest first: for the thread that executes them.
    pub fn take_all(&self, into: &mut VecDeque<Local>) {
        self.heard();
        self.requests.take_all(into);
    }
}

/// Answers that wait for their records.
#[derive(Default)]
pub(super) struct HeldAnswers {
    /// Of the running turn.
    current: Vec<(Answerer, LocalAnswer)>,
    /// Of earlier turns, each with its gate.
    held: VecDeque<(u64, Answerer, LocalAnswer)>,
}

impl HeldAnswers {
    pub fn hold(&mut self, answerer: Option<Answerer>, answer: LocalAnswer) {
        if let Some(answerer) = answerer {
            self.current.push((answerer, answer));
        }
    }

    /// Ends the turn: its answers wait until every record below `gate` is acknowledged.
    pub fn end(&mut self, gate: u64) {
        let of_turn = self.current.drain(..);
        self.held
            .extend(of_turn.map(|(answerer, answer)| (gate, answerer, answer)));
    }

    pub fn release(&mut self, acknowledged: u64) {
        while self.is_due(acknowledged) {
            if let Some((_, answerer, answer)) = self.held.pop_front() {
                answerer(answer);
            }
        }
    }

    pub fn is_due(&self, acknowledged: u64) -> bool {
        let first = self.held.front();
        first.is_some_and(|(gate, ..)| *gate <= acknowledged)
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn has_room(&self) -> bool {
        self.held.len() < 2 * LOCAL_COMMANDS_MAX
    }
}

impl<S: Storage> Shard<S> {
    /// Connects the queue of local requests.
    pub fn set_local_queue(&mut self, queue: Arc<LocalQueue>) {
        self.local = Some(queue);
    }

    /// True where local requests want a turn, and their answers have room.
    pub(super) fn has_local_requests(&self) -> bool {
        let wanted = |queue: &Arc<LocalQueue>| queue.is_wanted();
        self.answers.has_room()
            && (!self.local_taken.is_empty() || self.local.as_ref().is_some_and(wanted))
    }

    /// Executes waiting local requests within the running turn, as far as there is room.
    pub(super) fn take_local(&mut self) {
        let Some(queue) = self.local.clone() else {
            return;
        };
        for _ in 0..LOCAL_COMMANDS_PER_TURN_MAX {
            if !self.answers.has_room() {
                return;
            }
            if self.local_taken.is_empty() {
                queue.take_all(&mut self.local_taken);
            }
            let Some(local) = self.local_taken.pop_front() else {
                return;
            };
            let used = self.records.bytes().len();
            let full = used + local.request.records_bytes_max() > self.batch_room();
            if full && used > 0 {
                self.local_taken.push_front(local); // the next turn begins with it
                return;
            }
            self.turn.items += 1;
            let Local {
                tenant,
                actor,
                request,
                answer,
            } = local;
            let is_peek = matches!(request, LocalRequest::Peek(_));
            let said = if full {
                // Not even an empty batch has room: the segments of this journal are too small.
                LocalAnswer::Refused(ResultCode::TooManyItems)
            } else if self.turn.reserved_only && !request.uses_reserved_share() {
                LocalAnswer::Refused(ResultCode::Overloaded)
            } else {
                self.execute_local(&tenant, &actor, request)
            };
            match answer {
                Some(answer) if is_peek => answer(said),
                answer => self.answers.hold(answer, said),
            }
        }
    }
}
