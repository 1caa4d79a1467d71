//! `/v1/breakers`: whether calls to the providers go out.

use super::auth::Caller;
use super::holds::Nothing;
use super::orders::Answer;
use super::reply::Reply;
use super::{operate, show};
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest};
use crate::types::ResultCode;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// `GET /v1/breakers`: those of the shard that has the tenant.
pub(in crate::gateway) async fn list(State(shared): State<Shared>, caller: Caller) -> Answer {
    let question = LocalRequest::Query(LocalQuery::Breakers);
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Breakers(found) => {
            let breakers: Vec<Value> = found.iter().map(show::breaker).collect();
            Ok(Reply::of(json!({ "breakers": breakers })))
        }
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(operate::unexpected(&other)),
    }
}

/// `POST /v1/breakers/PROVIDER/isolate`: no call goes out until it is reset.
pub(in crate::gateway) async fn isolate(
    State(shared): State<Shared>,
    caller: Caller,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Nothing {} = body::json(&headers, body).await?;
    change(&shared, &caller, provider, true).await
}

/// `POST /v1/breakers/PROVIDER/reset`: calls go out again.
pub(in crate::gateway) async fn reset(
    State(shared): State<Shared>,
    caller: Caller,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Nothing {} = body::json(&headers, body).await?;
    change(&shared, &caller, provider, false).await
}

async fn change(shared: &Shared, caller: &Caller, provider: String, isolate: bool) -> Answer {
    let names = operate::names(shared, caller).await?;
    if !names.has(&provider) {
        let shown: String = provider.chars().take(64).collect();
        let detail = format!(
            "there is no provider `{}` in the pipelines; there are: {}",
            shown.escape_debug(),
            names.all()
        );
        let title = "No provider of this name.";
        return Err(Problem::new(StatusCode::NOT_FOUND, "UNKNOWN_PROVIDER", title).because(detail));
    }
    let request = LocalRequest::Breaker {
        provider: provider.clone(),
        isolate,
    };
    match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Command(done) if done.code == ResultCode::Ok => Ok(Reply::of(json!({
            "code": done.code.name(),
            "provider": provider,
            "state": if isolate { "isolated" } else { "closed" },
            "sequence": done.sequence,
        }))),
        LocalAnswer::Command(done) => Err(Problem::refused(done.code, provider)),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, provider)),
        other => Err(operate::unexpected(&other)),
    }
}
