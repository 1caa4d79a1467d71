//! `/v1/holds/ORDER/…`: what becomes of a hold.

use super::auth::Caller;
use super::operate;
use super::orders::{Answer, LineBody};
use crate::gateway::body;
use crate::gateway::state::Shared;
use crate::shard::local::{HoldChange, LocalRequest, NamedLine};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

/// Which units are confirmed.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Confirmed {
    /// Only these, and the rest is released; absent: the whole hold.
    lines: Vec<LineBody>,
}

/// `POST /v1/holds/ORDER/confirm`: reserved units become committed ones.
pub(in crate::gateway) async fn confirm(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let confirmed: Confirmed = body::json(&headers, body).await?;
    let lines = confirmed.lines.into_iter().map(NamedLine::from).collect();
    change(&shared, &caller, &order, HoldChange::Confirm(lines)).await
}

/// Nothing is needed.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Nothing {}

/// `POST /v1/holds/ORDER/release`: its units are for sale again.
pub(in crate::gateway) async fn release(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Nothing {} = body::json(&headers, body).await?;
    change(&shared, &caller, &order, HoldChange::Release).await
}

/// How long a hold lives from now on.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct Extension {
    /// Milliseconds from now, at most 7 days.
    ttl_ms: u32,
}

/// `POST /v1/holds/ORDER/extend`: it ends later.
pub(in crate::gateway) async fn extend(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let extension: Extension = body::required(&headers, body).await?;
    change(
        &shared,
        &caller,
        &order,
        HoldChange::Extend(extension.ttl_ms),
    )
    .await
}

async fn change(shared: &Shared, caller: &Caller, order: &str, change: HoldChange) -> Answer {
    let order = operate::order(shared, caller, order).await?;
    let key = caller.key;
    let request = LocalRequest::Hold { key, order, change };
    operate::command(shared, caller, order, request).await
}
