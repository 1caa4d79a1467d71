//! A lane: one thread with a runtime, tails and queues of its own.

use super::facts::OrderFactsStore;
use super::intake::{Intake, Queues, Read};
use super::provider::Provider;
use super::runtime::Configured;
use super::task::Task;
use super::worker::{self, Desk};
use super::{call::Call, outcome::Outcome};
use crate::clock;
use crate::feed::FeedError;
use crate::metrics::ProviderMetrics;
use crate::types::effect::{EffectKind, Lane};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Wait between looks at the acknowledged mark while effects come, in milliseconds.
const POLL_BUSY_MS: u64 = 1;

/// Longest wait between looks while records come that start nothing here.
const POLL_OTHER_MS: u64 = 4;

/// Longest wait between looks while nothing comes: about 60 looks a second, each a load of a few
/// atomics.
const POLL_IDLE_MS: u64 = 16;

/// How long after the last effect a lane counts as busy.
const BUSY_NS: u64 = 500_000_000;

/// Time between two publications of the lag.
const LAG_NS: u64 = 1_000_000_000;

/// Everything that a lane's thread owns.
pub(super) struct LaneSetup {
    pub lane: Lane,
    pub providers: Vec<(Configured, Arc<dyn Provider>)>,
    pub intakes: Vec<Intake>,
    pub queues: Queues,
    pub store: Arc<OrderFactsStore>,
    pub stop: watch::Receiver<bool>,
    /// How long calls that are out are waited for after a stop.
    pub drain: Duration,
}

/// Name of a lane's actor in the journal.
pub(super) fn actor(lane: Lane) -> String {
    format!("adapter:{}", lane.name())
}

/// Runs a lane until a stop is asked for.
///
/// # Errors
/// The journal cannot be read: the lane can go on no longer.
pub(super) async fn run(setup: LaneSetup) -> Result<(), FeedError> {
    let LaneSetup {
        lane,
        providers,
        intakes,
        queues,
        store,
        stop,
        drain,
    } = setup;
    let mut workers = JoinSet::new();
    let mut waiting = queues.all().iter();
    for (configured, provider) in providers {
        let Some(queue) = waiting.next() else { break };
        let name = configured.options.name.clone();
        let desk = Desk {
            metrics: ProviderMetrics::new(&name, lane.name()),
            provider,
            name,
            secrets: configured.options.secrets.values().cloned().collect(),
            timeout_ms: configured.options.timeout_ms,
            actor: actor(lane),
            store: Arc::clone(&store),
        };
        let (queue, stop) = (Arc::clone(queue), stop.clone());
        workers.spawn(worker::run(Arc::new(desk), configured.options, queue, stop));
    }
    if let Some(queue) = waiting.next() {
        let configured = Configured::unserved();
        let desk = Desk {
            metrics: ProviderMetrics::new("none", lane.name()),
            provider: Arc::new(Unserved),
            name: "none".to_owned(),
            secrets: Vec::new(),
            timeout_ms: configured.options.timeout_ms,
            actor: actor(lane),
            store: Arc::clone(&store),
        };
        let (queue, stop) = (Arc::clone(queue), stop.clone());
        workers.spawn(worker::run(Arc::new(desk), configured.options, queue, stop));
    }
    let read = intake(intakes, &queues, &store, stop).await;
    let ended = async { while workers.join_next().await.is_some() {} };
    if read.is_ok() && tokio::time::timeout(drain, ended).await.is_err() {
        tracing::warn!(
            lane = lane.name(),
            "calls to providers were still out at the stop; they are made again at the next start"
        );
    }
    read
}

/// Follows the journals until a stop is asked for.
async fn intake(
    mut intakes: Vec<Intake>,
    queues: &Queues,
    store: &OrderFactsStore,
    mut stop: watch::Receiver<bool>,
) -> Result<(), FeedError> {
    let mut wait_ms = POLL_BUSY_MS;
    let mut effects = queues.pushed();
    let (mut busy_until_ns, mut lag_at_ns) = (0, 0);
    while !*stop.borrow() {
        let mut read = Read::Nothing;
        for intake in &mut intakes {
            read = read.max(intake.step(queues, store)?);
        }
        let now_ns = clock::monotonic_ns();
        if now_ns >= lag_at_ns {
            intakes.iter().for_each(Intake::publish_lag);
            lag_at_ns = now_ns + LAG_NS;
        }
        let behind = intakes.iter().any(Intake::is_behind);
        if queues.pushed() != effects || behind {
            effects = queues.pushed();
            busy_until_ns = now_ns + BUSY_NS;
        }
        let longest_ms = match read {
            Read::Nothing => POLL_IDLE_MS,
            Read::All => POLL_OTHER_MS,
            // Whoever waits here between steps is overtaken by a stream of small batches.
            Read::Part => {
                tokio::task::yield_now().await;
                continue;
            }
        };
        wait_ms = if now_ns < busy_until_ns {
            POLL_BUSY_MS
        } else {
            (wait_ms * 2).min(longest_ms)
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    Ok(())
}

/// Answers for providers that the journal names and the configuration does not.
struct Unserved;

impl Provider for Unserved {
    fn kinds(&self) -> &'static [EffectKind] {
        EffectKind::ALL
    }

    fn call<'a>(&'a self, _: &'a Call) -> BoxFuture<'a, Outcome> {
        let message = "the provider is not configured any more: add it to the process file again, \
                       or discard the effect";
        async move { Outcome::refused("not_configured", message) }.boxed()
    }
}

impl Intake {
    /// Puts the effects of before this process into their queues.
    pub(super) fn resume_all(&self, queues: &Queues, tasks: Vec<Task>) {
        for task in tasks {
            self.resume(queues, task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::NameKeeper;
    use super::*;
    use crate::feed::played::{Blank, START, TailsOnly};
    use crate::feed::{FeedProgress, Tail};

    /// Batches of a backlog: many steps of a lane.
    const BATCHES: u32 = 6_400;

    /// A tail with so many batches in front of it, which asks for a stop behind the last one.
    fn backlog(stopping: watch::Sender<bool>) -> Box<dyn Tail> {
        let mut left = BATCHES;
        Box::new(Blank(move || {
            left = left
                .checked_sub(1)
                .expect("nothing is read behind the stop");
            if left == 0 {
                stopping.send_replace(true);
            }
            FeedProgress::Delivered
        }))
    }

    #[test]
    fn a_lane_does_not_wait_while_there_is_more_to_read() {
        let (stopping, stop) = watch::channel(false);
        let journal = Arc::new(TailsOnly(move || backlog(stopping.clone())));
        let intake_of_shard = Intake::new(Lane::Payment, journal, Vec::new(), START);
        let store = OrderFactsStore::new(Vec::new(), Arc::new(NameKeeper::default()));
        // Without a timer: a wait is a panic.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime");
        let queues = Queues::new(Vec::new());
        let read = runtime.block_on(intake(vec![intake_of_shard], &queues, &store, stop));
        read.expect("all of it is read");
    }
}
