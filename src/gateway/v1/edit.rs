//! `POST /v1/orders/ORDER/edit`: the next version of an order that the warehouse has not accepted.

use super::auth::Caller;
use super::operate;
use super::orders::{Answer, LineBody};
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::HOLD_TTL_MS_DEFAULT;
use crate::shard::local::{LocalRequest, NamedLine, OrderDetail, PlaceRequest};
use crate::types::process::ReviewReason;
use crate::types::{OrderDetails, OrderKey, OrderMode, Policy, ResultCode};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

/// What is absent stays as it is.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Edit {
    /// The version to make; absent: the latest plus 1.
    version: Option<u16>,
    /// Minor units.
    total: Option<u64>,
    /// ISO 4217 number.
    currency: Option<u16>,
    /// All lines of the new version.
    lines: Vec<LineBody>,
    /// All details of the new version.
    details: Option<OrderDetails>,
    /// Time to live of the hold from now on, in milliseconds.
    ttl_ms: Option<u32>,
}

/// Replaces the order in one step: where the new lines cannot be covered, the old ones stay.
pub(in crate::gateway) async fn edit(
    State(shared): State<Shared>,
    caller: Caller,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let edit: Edit = body::json(&headers, body).await?;
    let order = operate::order(&shared, &caller, &order).await?;
    let detail = operate::detail(&shared, &caller, order).await?;
    let place = next_version(&shared, &caller, order, &detail, edit).await?;
    let request = LocalRequest::Place(Box::new(place));
    operate::command(&shared, &caller, order, request).await
}

async fn next_version(
    shared: &Shared,
    caller: &Caller,
    order: OrderKey,
    detail: &OrderDetail,
    edit: Edit,
) -> Result<PlaceRequest, Problem> {
    let view = &detail.order;
    let process = detail.process.as_ref();
    let missing = |name: &str| {
        let detail = format!("order {order} is not in process: `{name}` must be given");
        Problem::refused(ResultCode::InvalidField, detail)
    };
    let total = edit.total.or(process.map(|process| process.total));
    let currency = edit.currency.or(process.map(|process| process.currency));
    let mut lines: Vec<NamedLine> = edit.lines.into_iter().map(NamedLine::from).collect();
    if lines.is_empty() {
        // The places are chosen anew: the engine may find better ones.
        let ordered = detail.lines.iter().map(|line| NamedLine {
            sku: line.sku.clone(),
            location: None,
            quantity: line.line.ordered,
        });
        lines = ordered.filter(|line| line.quantity > 0).collect();
    }
    let details = match edit.details {
        Some(details) => Some(details),
        None => kept_details(shared, caller, view.sequence).await,
    };
    let unaddressed = details
        .as_ref()
        .is_none_or(|details| details.shipping_address.is_empty());
    let waits = process.is_some_and(|it| it.image.review == ReviewReason::AddressMissing);
    Ok(PlaceRequest {
        key: order,
        version: edit
            .version
            .unwrap_or_else(|| view.version.saturating_add(1)),
        customer: view.customer,
        channel: view.channel,
        ttl_ms: edit.ttl_ms.unwrap_or(HOLD_TTL_MS_DEFAULT),
        mode: match view.placed {
            true if waits && unaddressed => OrderMode::Incomplete,
            true => OrderMode::Place,
            false => OrderMode::Hold,
        },
        policy: Policy::AllOrNothing,
        currency: currency.ok_or_else(|| missing("currency"))?,
        total: total.ok_or_else(|| missing("total"))?,
        lines,
        details,
    })
}

/// The details of the present version, without its prices: they are those of its lines.
async fn kept_details(shared: &Shared, caller: &Caller, sequence: u64) -> Option<OrderDetails> {
    let shard = shared.engines.shard_of(&caller.asker.tenant);
    let found = shared
        .engines
        .find(u16::try_from(shard).ok()?, sequence)
        .await?;
    Some(OrderDetails {
        unit_prices: Vec::new(),
        ..found.details?
    })
}
