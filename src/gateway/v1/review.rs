//! `/v1/review`: orders that wait for a person.

use super::auth::Caller;
use super::orders::{Answer, summaries};
use super::pages::Page;
use crate::gateway::state::Shared;
use crate::types::OrderState;
use axum::extract::{RawQuery, State};

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
