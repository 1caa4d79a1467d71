//! `/v1/review`: orders that wait for a person.

use super::auth::Caller;
use super::operate::{self, Decision, decide};
use super::orders::{Answer, Because, summaries};
use super::pages::Page;
use crate::gateway::body;
use crate::gateway::state::Shared;
use crate::types::OrderState;
use crate::types::process::OperatorAction;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;

/// `GET /v1/review?limit=&after=`: the queue, oldest first.
pub(in crate::gateway) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    let wanted = Page {
        state: Some(OrderState::Review),
        ..Page::of(query.as_deref(), false)?
    };
    summaries(&shared, &caller, wanted).await
}

/// `POST /v1/review/ORDER/approve`.
pub(in crate::gateway) async fn approve(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let decided = (OperatorAction::Approve, order);
    review(&shared, &caller, decided, &headers, body).await
}

/// `POST /v1/review/ORDER/decline`.
pub(in crate::gateway) async fn decline(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let decided = (OperatorAction::Decline, order);
    review(&shared, &caller, decided, &headers, body).await
}

async fn review(
    shared: &Shared,
    caller: &Caller,
    (action, order): (OperatorAction, String),
    headers: &HeaderMap,
    body: Body,
) -> Answer {
    let because: Because = body::json(headers, body).await?;
    let order = operate::order(shared, caller, &order).await?;
    decide(
        shared,
        caller,
        order,
        Decision::plain(action, because.reason),
    )
    .await
}
