//! The order process at start: pipelines go into every shard's journal before any order does.

use super::error::ServerError;
use super::threads::ShardAccess;
use crate::journal::storage::Storage;
use crate::shard::local::{Local, LocalAnswer, LocalQuery, LocalRequest};
use crate::types::pipeline::{PIPELINES_ARCHIVE_VERSION, PipelineSet};
use crate::types::{ResultCode, effect::ProviderId};
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
pub(super) fn define_pipelines<S: Storage>(
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
