//! One provider of one lane: takes the most urgent effect whenever its limits allow a call.

use super::call::{Call, OrderFacts};
use super::facts::{FactsError, OrderFactsStore};
use super::limits::{self, Limited};
use super::names::NameError;
use super::options::{ProviderOptions, Secret};
use super::outcome::Outcome;
use super::provider::Provider;
use super::queue::{ProviderQueue, Taken};
use super::task::Task;
use super::{result, trace};
use crate::clock;
use crate::metrics::ProviderMetrics;
use crate::types::effect::EffectClass;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::{Service, ServiceExt};
use tracing::Instrument;

/// Wait before facts that could not be had are asked for again.
const FACTS_WAIT: Duration = Duration::from_millis(200);

/// What an attempt needs, shared by all attempts of a provider in a lane.
pub(super) struct Desk {
    pub provider: Arc<dyn Provider>,
    pub name: String,
    /// What must not stand in any outcome.
    pub secrets: Vec<Secret>,
    pub timeout_ms: u64,
    /// Name of the actor in the journal, such as `adapter:payment`.
    pub actor: String,
    pub store: Arc<OrderFactsStore>,
    pub metrics: ProviderMetrics,
}

/// Serves `queue` until a stop is asked for, then waits for the calls that are out.
pub(super) async fn run(
    desk: Arc<Desk>,
    options: ProviderOptions,
    queue: Arc<ProviderQueue>,
    mut stop: watch::Receiver<bool>,
) {
    let serving = Arc::clone(&desk);
    let mut stack: Limited<Taken> = limits::limited(&options, move |taken: Taken| {
        let desk = Arc::clone(&serving);
        async move { serve(&desk, &taken.task).await }
    });
    let mut calls = JoinSet::new();
    loop {
        while calls.try_join_next().is_some() {}
        let taken = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            taken = next(&mut stack, &queue) => taken,
        };
        desk.metrics.waiting.set(queue.len() as f64);
        calls.spawn(stack.call(taken));
    }
    while calls.join_next().await.is_some() {}
}

/// The next effect, once a call may leave.
async fn next(stack: &mut Limited<Taken>, queue: &Arc<ProviderQueue>) -> Taken {
    let ready: Result<_, Infallible> = stack.ready().await;
    match ready {
        Ok(_) => queue.pop().await,
    }
}

/// One attempt, from facts to result.
async fn serve(desk: &Desk, task: &Task) {
    let outcome = match facts(desk, task).await {
        Ok(facts) => {
            let call = task.call(facts);
            let span = tracing::debug_span!(
                "effect",
                order = %call.order,
                effect = call.number,
                kind = call.kind.name(),
                provider = desk.name,
                attempt = call.attempt,
                traceparent = call.traceparent,
            );
            return attempt(desk, task, call).instrument(span).await;
        }
        Err(error) => {
            let order = task.effect.order;
            tracing::error!(%order, %error, "an effect cannot be attempted");
            Outcome::refused("no_facts", error.to_string())
        }
    };
    result::send(&desk.store, &desk.actor, task, outcome, 0).await;
}

async fn attempt(desk: &Desk, task: &Task, call: Call) {
    if !task.is_resumed() {
        let waited = clock::now_ms().saturating_sub(task.started_ms);
        desk.metrics.wait_seconds.record(waited as f64 / 1e3);
    }
    desk.metrics.out.increment(1.0);
    let started_ns = clock::monotonic_ns();
    let traceparent = call.traceparent.clone();
    let provider = Arc::clone(&desk.provider);
    let call = limits::attempt(provider, Arc::new(call), desk.timeout_ms);
    let outcome = trace::traced(traceparent, call).await;
    let outcome = outcome.masked(&desk.secrets).told_apart();
    let ns = clock::monotonic_ns() - started_ns;
    desk.metrics.out.decrement(1.0);
    desk.metrics.ended(outcome.class.name(), ns);
    let (class, status) = (outcome.class.name(), outcome.status);
    let (code, message) = (outcome.code.as_str(), outcome.message.as_str());
    let latency_ms = ns / 1_000_000;
    if outcome.refuses_credentials() {
        desk.metrics.credentials_refused();
        let provider = desk.name.as_str();
        tracing::warn!(
            provider,
            status,
            code,
            "the provider refuses our credentials"
        );
    }
    match outcome.class {
        EffectClass::Done | EffectClass::Absent => tracing::debug!(class, status, latency_ms),
        EffectClass::Declined | EffectClass::ActionRequired | EffectClass::Pending => {
            tracing::debug!(class, status, latency_ms, code);
        }
        EffectClass::Retry | EffectClass::Unknown | EffectClass::Refused => {
            let (order, provider) = (task.effect.order, desk.name.as_str());
            let kind = task.effect.kind.name();
            tracing::info!(%order, provider, kind, class, status, latency_ms, code, message,
                "a call to a provider failed");
        }
    }
    result::send(&desk.store, &desk.actor, task, outcome, latency_ms).await;
}

/// The order's facts. Where the shard does not answer it is asked again: it is busy, not wrong.
async fn facts(desk: &Desk, task: &Task) -> Result<Arc<OrderFacts>, FactsError> {
    let effect = &task.effect;
    if effect.accepted == 0 {
        // About no order in particular.
        return Ok(Arc::new(OrderFacts {
            order: effect.order,
            tenant: desk.store.names().tenant(task.shard, effect.tenant)?,
            ..OrderFacts::default()
        }));
    }
    loop {
        match desk.store.find(task.shard, effect.accepted).await {
            Err(FactsError::Name(NameError::NoAnswer { .. })) => {
                tokio::time::sleep(FACTS_WAIT).await;
            }
            found => return found,
        }
    }
}
