//! One shard as the pulse reads it.

use crate::feed::{FeedError, FeedProgress, Place, ShardJournal, Tail};
use crate::shard::local::LocalQueue;
use crate::types::process::BreakerState;
use crate::types::{ChannelId, OrderState, SkuId, TenantId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Name of the reader in the metric of lag.
pub(super) const READER: &str = "dashboard";

/// One shard, as it is when the pulse starts.
pub struct PulseSource {
    /// Its journal.
    pub journal: Arc<dyn ShardJournal>,
    /// Takes questions for stock.
    pub queue: Arc<LocalQueue>,
    /// Where its recovered journal ended; everything below is told by the other fields.
    pub from: Place,
    /// Names of its tenants by number.
    pub tenants: Vec<String>,
    /// Orders in process by tenant and state.
    pub states: BTreeMap<(TenantId, OrderState), u64>,
    /// Orders accepted in its journal so far.
    pub accepted: u64,
    /// Its providers by number, with their breakers.
    pub breakers: Vec<(String, BreakerNow)>,
    /// SKUs of which more was promised than there is, and how many units more.
    pub shortages: Vec<(TenantId, SkuId, u64)>,
    /// Its sales channels and their names.
    pub channels: Vec<(TenantId, ChannelId, String)>,
}

/// A breaker as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerNow {
    /// State.
    pub state: BreakerState,
    /// Until when it is open, in milliseconds since the Unix epoch; 0 otherwise.
    pub until_ms: u64,
    /// Consecutive counted failures.
    pub failures: u16,
}

impl Default for BreakerNow {
    /// Calls go out.
    fn default() -> Self {
        Self {
            state: BreakerState::Closed,
            until_ms: 0,
            failures: 0,
        }
    }
}

/// Batches whose time is kept, a minute and more of a busy shard.
const TIMES_MAX: usize = 65_536;

/// A shard as it is read.
pub(super) struct ShardTail {
    pub number: u16,
    pub tail: Box<dyn Tail>,
    pub queue: Arc<LocalQueue>,
    pub journal: Arc<dyn ShardJournal>,
    /// Places of its tenants among all.
    pub tenants: Vec<Option<usize>>,
    /// Places of its providers among all.
    pub providers: Vec<usize>,
    pub breakers: Vec<BreakerNow>,
    /// Orders accepted up to where it has read.
    pub accepted: u64,
    /// What the engine counted, and at which sequence; compared when that is read.
    pub counted: Option<(u64, u64)>,
    pub open_holds: u64,
    /// Orders that the engine counts and the journal does not hold; none: not compared yet.
    pub lost: Option<u64>,
    /// The question for stock that is out.
    pub asking: Option<Vec<(TenantId, SkuId)>>,
    pub failed: bool,
    /// When the latest batches were written, by the sequence of their first record.
    pub times: VecDeque<(u64, u64)>,
}

impl ShardTail {
    /// Reads on where the recovered journal ended.
    pub fn new(source: &PulseSource) -> Self {
        Self {
            number: source.journal.shard(),
            tail: source.journal.tail(READER, source.from),
            queue: Arc::clone(&source.queue),
            journal: Arc::clone(&source.journal),
            tenants: Vec::new(),
            providers: Vec::new(),
            breakers: Vec::new(),
            accepted: source.accepted,
            counted: None,
            open_holds: 0,
            lost: None,
            asking: None,
            failed: false,
            times: VecDeque::new(),
        }
    }

    pub fn set_tenant(&mut self, tenant: TenantId, place: Option<usize>) {
        let number = usize::from(tenant.0);
        if self.tenants.len() <= number {
            self.tenants.resize(number + 1, None);
        }
        if let Some(slot) = self.tenants.get_mut(number) {
            *slot = place;
        }
    }

    /// Notes when a batch was written.
    pub fn note_time(&mut self, sequence: u64, time_ms: u64) {
        self.times.push_back((sequence, time_ms));
        if self.times.len() > TIMES_MAX {
            self.times.pop_front();
        }
    }

    /// When the record with this sequence was written; of one that is long past, `None`.
    pub fn time_of(&self, sequence: u64) -> Option<u64> {
        let behind = self.times.partition_point(|(first, _)| *first <= sequence);
        let (_, time_ms) = self.times.get(behind.checked_sub(1)?)?;
        Some(*time_ms)
    }

    /// Compares the engine's count of accepted orders with the journal's, once the journal is read
    /// to where the engine counted.
    pub fn check_count(&mut self, sequence: u64) {
        if let Some((accepted, at)) = self.counted
            && sequence >= at
        {
            if sequence == at {
                self.lost = Some(accepted.saturating_sub(self.accepted));
            }
            self.counted = None;
        }
    }
}

/// Of each provider the breaker that lets the fewest calls out, over all shards.
pub(super) fn worst(shards: &[ShardTail], providers: usize) -> Vec<BreakerNow> {
    let mut worst = vec![BreakerNow::default(); providers];
    let rank = |state| match state {
        BreakerState::Closed => 0,
        BreakerState::Slow => 1,
        BreakerState::HalfOpen => 2,
        BreakerState::Open => 3,
        BreakerState::Isolated => 4,
    };
    for shard in shards {
        for (place, breaker) in shard.providers.iter().zip(&shard.breakers) {
            if let Some(one) = worst.get_mut(*place)
                && (rank(breaker.state), breaker.failures) > (rank(one.state), one.failures)
            {
                *one = *breaker;
            }
        }
    }
    worst
}

/// Stands in for a tail that is in use.
pub(super) struct NoTail(pub Place);

impl Tail for NoTail {
    fn next(
        &mut self,
        _: &mut dyn FnMut(&crate::feed::Batch<'_>),
    ) -> Result<FeedProgress, FeedError> {
        Ok(FeedProgress::CaughtUp)
    }

    fn place(&self) -> Place {
        self.0
    }

    fn publish_lag(&self) {}
}
