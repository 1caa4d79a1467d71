//! What the dashboard is given: the shards' journals, the setup without secrets, and the sandbox.

use super::error::ServerError;
use super::threads::ShardAccess;
use crate::adapters::facts::ShardHandle;
use crate::config::Config;
use crate::config::process::ProcessConfig;
use crate::dashboard::pulse::{self, BreakerNow, PulseSource, PulseThread};
use crate::gateway::dashboard::{Dashboard, Rehearse};
use crate::history::{HistoryTarget, Questions};
use crate::journal::storage::Storage;
use crate::types::effect::Milestone;
use crate::types::pipeline::{PipelineSet, StepKind};
use crate::types::{ChannelId, OrderState, SkuId, TenantId};
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long the sandbox may take to answer.
const SANDBOX_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts the pulse and puts together what the pages need.
///
/// # Errors
/// The system gives no thread.
pub(super) fn start<S: Storage>(
    config: &Config,
    access: &[ShardAccess<S>],
    handles: &[ShardHandle],
    process: Option<&ProcessConfig>,
    registry: PrometheusHandle,
) -> Result<(Dashboard, PulseThread), ServerError> {
    let sources = access.iter().zip(handles).map(|(one, handle)| PulseSource {
        journal: Arc::clone(&handle.journal),
        queue: Arc::clone(&one.queue),
        from: one.recovered_end,
        tenants: one.tenants.clone(),
        states: one.recovered.states.clone(),
        accepted: one.recovered.accepted,
        breakers: one.recovered.breakers.clone(),
        shortages: one.recovered.shortages.clone(),
        channels: one.recovered.channels.clone(),
    });
    let (pulse, thread) = pulse::spawn(sources.collect(), Box::new(move || registry.render()))
        .map_err(|source| ServerError::Thread {
            name: "onhand-dashboard".to_owned(),
            source,
        })?;
    let target = HistoryTarget::parse(config.history.as_str(), &config.data)?;
    let rehearsal = match (config.sandbox, process) {
        (Some(address), Some(process)) => Sandboxed::new(address, process),
        _ => None,
    };
    let dashboard = Dashboard {
        pulse,
        sessions: Arc::default(),
        setup: Arc::new(setup(process)),
        history: target.map(|target| Arc::new(Questions::new(target))),
        rehearsal: rehearsal.map(|one| Arc::new(one) as Arc<dyn Rehearse>),
        simulation: Arc::default(),
    };
    Ok((dashboard, thread))
}

/// What a shard's engine knew when it was recovered, where the pulse begins to read.
#[derive(Clone, Debug, Default)]
pub(super) struct RecoveredFigures {
    pub states: BTreeMap<(TenantId, OrderState), u64>,
    pub accepted: u64,
    pub breakers: Vec<(String, BreakerNow)>,
    pub shortages: Vec<(TenantId, SkuId, u64)>,
    pub channels: Vec<(TenantId, ChannelId, String)>,
}

impl RecoveredFigures {
    /// As `engine` is.
    pub fn of(engine: &crate::engine::Engine) -> Self {
        let breakers = engine.breakers().into_iter().map(|view| {
            let breaker = BreakerNow {
                state: view.state,
                until_ms: view.until_ms,
                failures: view.failures,
            };
            (view.provider, breaker)
        });
        Self {
            states: engine.process_states(),
            accepted: engine.accepted_and_held().0,
            breakers: breakers.collect(),
            shortages: engine.shortages(),
            channels: engine.channel_names(),
        }
    }
}

/// Providers, steps and settings as the Flow page shows them; no secret is in it.
fn setup(process: Option<&ProcessConfig>) -> Value {
    let Some(process) = process else {
        return json!({ "providers": [], "pipelines": [] });
    };
    let set = &process.set;
    let settings = &set.settings;
    let providers = process.providers.iter().map(|one| {
        let own = one.base_url.is_empty();
        json!({
            "name": one.name,
            "kind": one.kind,
            "endpoint": if own { "the provider's own address" } else { one.base_url.as_str() },
            "timeout_ms": one.timeout_ms,
            "concurrency": one.concurrency,
            "rate_per_second": one.rate_per_second,
        })
    });
    let pipelines = set.pipelines.iter().map(|pipeline| {
        let steps = pipeline.steps.iter().map(|step| {
            json!({
                "name": step.name,
                "kind": step_kind(step.kind),
                "providers": names(set, &step.providers),
                "warehouses": names(set, &step.warehouses),
            })
        });
        json!({ "name": pipeline.name, "steps": steps.collect::<Vec<_>>() })
    });
    let messages = set.messages.iter().map(|message| {
        json!({
            "milestone": Milestone::from_u8(message.milestone).map(Milestone::name),
            "provider": set.providers.get(usize::from(message.provider)),
        })
    });
    json!({
        "providers": providers.collect::<Vec<_>>(),
        "pipelines": pipelines.collect::<Vec<_>>(),
        "messages": messages.collect::<Vec<_>>(),
        "crm": names(set, &set.crm_providers),
        "alerts": names(set, &set.alert_providers),
        "retry": {
            "attempts": settings.attempts,
            "delays_ms": settings.retry_delays_ms,
            "jitter_percent": settings.jitter_percent,
        },
        "breaker": {
            "failures": settings.breaker_failures,
            "open_ms": settings.breaker_open_ms,
            "open_max_ms": settings.breaker_open_max_ms,
            "probes": settings.breaker_probes,
        },
    })
}

fn step_kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Fraud => "fraud",
        StepKind::Payment => "payment",
        StepKind::Fulfilment => "fulfilment",
        StepKind::Webhook => "webhook",
    }
}

fn names<'a>(set: &'a PipelineSet, places: &[u8]) -> Vec<&'a str> {
    let name = |place: &u8| set.providers.get(usize::from(*place));
    places.iter().filter_map(name).map(String::as_str).collect()
}

/// The sandbox that serves the providers, over its own control routes.
struct Sandboxed {
    client: reqwest::Client,
    faults: String,
    processors: (String, String),
}

impl Sandboxed {
    /// `None` where the pipelines have no two payment providers, or no client can be built.
    fn new(address: SocketAddr, process: &ProcessConfig) -> Option<Self> {
        let steps = process.set.pipelines.iter().flat_map(|one| &one.steps);
        let mut payments = steps.filter(|step| step.kind == StepKind::Payment);
        let providers = names(&process.set, &payments.next()?.providers);
        let [primary, backup, ..] = providers.as_slice() else {
            return None;
        };
        // A second installation in one process is refused, and the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(SANDBOX_TIMEOUT).build();
        Some(Self {
            client: client.ok()?,
            faults: format!("http://{address}/_sandbox/faults"),
            processors: ((*primary).to_owned(), (*backup).to_owned()),
        })
    }
}

impl Rehearse for Sandboxed {
    fn processors(&self) -> (String, String) {
        self.processors.clone()
    }

    fn break_down(&self, provider: String, for_ms: u64) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let rule = json!({
                "provider": provider, "kind": "status", "status": 503, "for_ms": for_ms,
            });
            let sent = self.client.post(&self.faults).json(&rule).send().await;
            accepted(sent)
        })
    }

    fn restore(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { accepted(self.client.delete(&self.faults).send().await) })
    }
}

fn accepted(sent: Result<reqwest::Response, reqwest::Error>) -> Result<(), String> {
    match sent {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("the sandbox answered {}", answer.status())),
        Err(error) => Err(error.to_string()),
    }
}
