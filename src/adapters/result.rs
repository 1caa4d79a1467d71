//! The way back: an attempt's end as a command to the shard that started it.
//!
//! A full queue makes the attempt's place wait, and with it the next attempts of that provider; the
//! result is never dropped. A result that a crash loses is found out again: the effect has no end
//! in the journal, so it is attempted again with the same key.

use super::facts::OrderFactsStore;
use super::outcome::Outcome;
use super::task::Task;
use crate::shard::local::{Local, LocalQueue, LocalRequest, OwnedResult};
use crate::types::effect::EffectClass;
use std::sync::Arc;
use std::time::Duration;

/// First wait before a full queue is tried again; doubled up to the longest.
const WAIT_FIRST: Duration = Duration::from_millis(1);

/// Longest wait before a full queue is tried again.
const WAIT_MAX: Duration = Duration::from_millis(64);

/// How long results are gathered before the engine thread is woken for them.
const GATHER: Duration = Duration::from_millis(1);

/// What [`OwnedResult::score`] holds where there is none.
const NO_SCORE: u8 = u8::MAX;

/// Sends how `task` ended to its shard; waits while the shard's queue is full.
pub(super) async fn send(
    store: &OrderFactsStore,
    actor: &str,
    task: &Task,
    outcome: Outcome,
    latency_ms: u64,
) {
    let Some(shard) = store.shards().get(usize::from(task.shard)) else {
        return; // no journal, no effect
    };
    let tenant = match store.names().tenant(task.shard, task.effect.tenant) {
        Ok(tenant) => tenant,
        Err(error) => {
            tracing::error!(order = %task.effect.order, %error, "an effect's result is not sent");
            return;
        }
    };
    let local = Local {
        tenant,
        actor: actor.to_owned(),
        request: LocalRequest::Result(result(task, outcome, latency_ms)),
        answer: None,
    };
    push(&shard.queue, local).await;
}

/// Results come one by one and nobody waits for them, so that they are gathered: a turn and a sync
/// of its own for each would be paid by the orders beside them.
async fn push(queue: &Arc<LocalQueue>, mut local: Local) {
    let mut wait = WAIT_FIRST;
    loop {
        match queue.push_soon(local) {
            Ok(false) => return,
            Ok(true) => {
                let queue = Arc::clone(queue);
                tokio::spawn(async move {
                    tokio::time::sleep(GATHER).await;
                    queue.ring();
                });
                return;
            }
            Err(back) => local = *back,
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}

/// What this attempt's end says about the effect. An attempt that was out when the process ended
/// may have reached the provider; that the call made again for it was not taken says nothing about
/// the first one, so the outcome is unknown and the provider is asked.
fn class_of(resumed: bool, class: EffectClass) -> EffectClass {
    match class {
        EffectClass::Retry | EffectClass::Refused if resumed => EffectClass::Unknown,
        class => class,
    }
}

fn result(task: &Task, outcome: Outcome, latency_ms: u64) -> OwnedResult {
    let outcome = outcome.bounded();
    OwnedResult {
        order: task.effect.order,
        number: task.effect.number,
        attempt: task.effect.attempt,
        class: class_of(task.is_resumed(), outcome.class),
        counted: outcome.counted,
        retry_after_ms: outcome.retry_after_ms,
        latency_ms: u32::try_from(latency_ms).unwrap_or(u32::MAX),
        status: outcome.status,
        amount: outcome.amount,
        currency: outcome.currency,
        score: outcome.score.map_or(NO_SCORE, |score| score.min(100)),
        reference: outcome.reference,
        code: outcome.code,
        message: outcome.message,
        withdrew: task.withdrew,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_made_again_after_a_restart_cannot_say_that_the_first_one_did_not_happen() {
        for class in [EffectClass::Retry, EffectClass::Refused] {
            assert_eq!(class_of(true, class), EffectClass::Unknown);
            assert_eq!(class_of(false, class), class);
        }
        for class in [
            EffectClass::Done,
            EffectClass::Declined,
            EffectClass::Absent,
        ] {
            assert_eq!(class_of(true, class), class);
        }
    }
}
