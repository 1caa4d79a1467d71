//! The order process at start: pipelines go into every shard's journal before any order does, then
//! adapters start beside the engines.

use super::error::ServerError;
use super::threads::ShardAccess;
use crate::adapters::facts::{Links, OrderFactsStore, ShardHandle};
use crate::adapters::names::NameKeeper;
use crate::adapters::runtime::{Adapters, Configured, OnFailure, ShardSource};
use crate::channels::ChannelOptions;
use crate::config::Config;
use crate::config::process::{ChannelMoney, ProcessConfig};
use crate::feed::JournalSource;
use crate::journal::storage::Storage;
use crate::shard::local::{Local, LocalAnswer, LocalQuery, LocalRequest};
use crate::types::pipeline::{PIPELINES_ARCHIVE_VERSION, PipelineSet};
use crate::types::{ChannelKind, ResultCode, TenantId, effect::ProviderId};
use std::sync::Arc;
use std::time::Duration;

/// Actor of what the server does by itself.
const ACTOR: &str = "server";

/// Longest wait for a shard's answer: a sync and a turn take milliseconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Puts `set` into force on a shard (nothing changes where it is in force already) and returns the
/// numbers that the shard's journal gave its providers.
///
/// # Errors
/// The shard refuses the set, or does not answer.
fn define_pipelines<S: Storage>(
    shard: &ShardAccess<S>,
    set: &PipelineSet,
) -> Result<Vec<(ProviderId, String)>, ServerError> {
    let define = LocalRequest::DefinePipelines {
        version: PIPELINES_ARCHIVE_VERSION,
        archive: set.archive(),
    };
    match ask(shard, define)? {
        LocalAnswer::Command(outcome) if outcome.code == ResultCode::Ok => {}
        LocalAnswer::Command(outcome) => return Err(refused(shard, outcome.code)),
        LocalAnswer::Refused(code) => return Err(refused(shard, code)),
        _ => unreachable!("a command is answered as a command"),
    }
    match ask(shard, LocalRequest::Query(LocalQuery::Breakers))? {
        LocalAnswer::Breakers(breakers) => Ok(breakers
            .into_iter()
            .map(|breaker| (breaker.id, breaker.provider))
            .collect()),
        LocalAnswer::Refused(code) => Err(refused(shard, code)),
        _ => unreachable!("a question is answered as asked"),
    }
}

/// What the process is run with, if it is: the process file, or the sandbox's own.
///
/// # Errors
/// The file cannot be read or does not hold.
pub(super) fn config_of(
    config: &Config,
    channels: &[ChannelOptions],
) -> Result<Option<ProcessConfig>, ServerError> {
    let mut money = ChannelMoney::default();
    for channel in channels {
        match (channel.kind, &config.sandbox) {
            (ChannelKind::WhatsApp, None) => {}
            // A message brings no means of payment.
            (ChannelKind::WhatsApp, Some(_)) => money.at_the_door.push(channel.number.0),
            (_, _) => money.settled.push(channel.number.0),
        }
    }
    let loaded = match (&config.process, config.sandbox) {
        (Some(path), _) => ProcessConfig::load_for(path, &money),
        (None, Some(sandbox)) => ProcessConfig::sandbox(sandbox, &money),
        (None, None) => {
            warn_without_process(channels);
            return Ok(None);
        }
    };
    let process = loaded.map_err(|error| ServerError::Process(Box::new(error)))?;
    for warning in process.warnings() {
        tracing::warn!("{warning}");
    }
    Ok(Some(process))
}

/// Marketplaces report what they have sold, and only a process can take what is not there.
fn warn_without_process(channels: &[ChannelOptions]) {
    let sells = |it: &&ChannelOptions| it.kind != ChannelKind::WhatsApp;
    let names: Vec<&str> = channels.iter().filter(sells).map(|it| &*it.name).collect();
    if !names.is_empty() {
        tracing::warn!(
            channels = names.join(", "),
            "these channels sell without an order process: what they sell beyond the stock is not \
             taken but waits in the quarantine, and nothing confirms or ships their orders; start \
             with --process FILE (`onhand pipelines init` prints one)"
        );
    }
}

/// Facts of the orders of these shards, for adapters and HTTP.
pub(super) fn facts<S: Storage>(
    access: &[ShardAccess<S>],
    links: Option<Links>,
) -> Arc<OrderFactsStore> {
    let handle = |one: &ShardAccess<S>| ShardHandle {
        journal: Arc::new(JournalSource::new(
            Arc::clone(&one.storage),
            one.number,
            Arc::clone(&one.handover),
        )),
        queue: Arc::clone(&one.queue),
    };
    let shards = access.iter().map(handle).collect();
    // The tails begin where the recovered journal ends, behind the definitions of its tenants.
    let names = NameKeeper::default();
    for one in access {
        for (tenant, name) in (0..).zip(&one.tenants) {
            names.put_tenant(one.number, TenantId(tenant), name);
        }
    }
    Arc::new(OrderFactsStore::new(shards, Arc::new(names)).with_links(links))
}

/// Starts the adapters for these shards: what was out when the process ended before is called
/// again, with the same keys.
///
/// # Errors
/// A shard refuses the pipelines, a provider cannot be built, or a thread not be started.
pub(super) fn start_adapters<S: Storage>(
    access: &[ShardAccess<S>],
    config: &ProcessConfig,
    facts: &Arc<OrderFactsStore>,
    on_failure: &OnFailure,
) -> Result<Adapters, ServerError> {
    let mut sources = Vec::with_capacity(access.len());
    for (shard, handle) in access.iter().zip(facts.shards()) {
        let mut providers = define_pipelines(shard, &config.set)?;
        providers.sort_by_key(|(id, _)| *id);
        sources.push(ShardSource {
            handle: handle.clone(),
            from: shard.recovered_end,
            open_effects: shard.open_effects.clone(),
            providers: providers.into_iter().map(|(_, name)| name).collect(),
        });
    }
    let configured: Vec<Configured> = config
        .providers
        .iter()
        .map(|options| Configured::new(options.clone()))
        .collect();
    Adapters::start(&sources, &configured, facts, on_failure)
        .map_err(|error| ServerError::Process(Box::new(error)))
}

fn ask<S: Storage>(
    shard: &ShardAccess<S>,
    request: LocalRequest,
) -> Result<LocalAnswer, ServerError> {
    let (send, receive) = crossbeam::channel::bounded(1);
    let local = Local {
        tenant: String::new(),
        actor: ACTOR.to_owned(),
        request,
        answer: Some(Box::new(move |answer| {
            // An error means that nobody waits any more.
            let _ = send.send(answer);
        })),
    };
    let silent = || ServerError::ShardSilent {
        shard: shard.number,
    };
    shard.queue.push(local).map_err(|_| silent())?;
    receive.recv_timeout(ANSWER_TIMEOUT).map_err(|_| silent())
}

fn refused<S: Storage>(shard: &ShardAccess<S>, code: ResultCode) -> ServerError {
    ServerError::Pipelines {
        shard: shard.number,
        code,
    }
}
