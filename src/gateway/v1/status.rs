//! `GET /v1/status`: counters of the tenant's shard, and how far its journal is.

use super::auth::Caller;
use super::operate;
use super::orders::Answer;
use super::reply::Reply;
use super::show;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest, LocalStatus};
use axum::extract::State;
use serde_json::json;

/// The route.
pub(in crate::gateway) async fn show(State(shared): State<Shared>, caller: Caller) -> Answer {
    let status = ask(&shared, &caller).await?;
    let engine = &status.engine;
    Ok(Reply::of(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "tenant": caller.asker.tenant,
        "actor": caller.asker.actor,
        "role": caller.role.name(),
        "shard": shared.engines.shard_of(&caller.asker.tenant),
        "shards": shared.engines.shards(),
        "time": show::time(status.now_ms),
        "sequence": status.sequence,
        "orders": engine.orders,
        "open_holds": engine.open_holds,
        "accepted": engine.accepted,
        "rejected": engine.rejected,
        "expired": engine.expired,
        "replayed": engine.replayed,
        "skus": engine.skus,
        "locations": engine.locations,
    })))
}

/// Counters and marks of the caller's shard.
pub(super) async fn ask(shared: &Shared, caller: &Caller) -> Result<Box<LocalStatus>, Problem> {
    let question = LocalRequest::Query(LocalQuery::Status);
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Status(status) => Ok(status),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(operate::unexpected(&other)),
    }
}
