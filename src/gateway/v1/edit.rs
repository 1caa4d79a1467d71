//! `POST /v1/orders/ORDER/edit`: the next version of an order that the warehouse has not accepted.

use super::auth::Caller;
use super::operate;
use super::orders::{Answer, LineBody};
use crate::engine::record::process_flags;
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::HOLD_TTL_MS_DEFAULT;
use crate::shard::local::{LocalRequest, NamedLine, OrderDetail, PlaceRequest};
use crate::types::process::ReviewReason;
use crate::types::{OrderDetails, OrderKey, OrderMode, Policy, ResultCode};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is absent stays as it is.
#[derive(Deserialize, Serialize, ToSchema, Debug, Default)]
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
    let meaning = meaning(order, &edit);
    let (place, missing) = next_version(&shared, &caller, order, &detail, edit).await?;
    let request = LocalRequest::Edit {
        key: caller.key,
        meaning,
        place: Box::new(place),
    };
    let answer = operate::command(&shared, &caller, order, request).await;
    match (answer, missing) {
        (Err(problem), Some(name)) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => {
            let invalid = [ResultCode::InvalidCurrency, ResultCode::InvalidTotal];
            if !invalid.iter().any(|code| code.name() == problem.code) {
                return Err(problem);
            }
            let detail = format!("order {order} is not in process: `{name}` must be given");
            Err(Problem::refused(ResultCode::InvalidField, detail))
        }
        (answer, _) => answer,
    }
}

/// What is asked for, whatever the order is by now: 64 bits of its hash.
fn meaning(order: OrderKey, edit: &Edit) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("onhand edit v1");
    hasher.update(&order.0.to_le_bytes());
    // Its members are plain data: nothing of them could fail to be written.
    hasher.update(&serde_json::to_vec(edit).unwrap_or_default());
    let hash = hasher.finalize();
    hash.as_bytes()
        .first_chunk()
        .copied()
        .map_or(0, u64::from_le_bytes)
}

/// The version to make, and what of it is neither given nor known. That is refused by the engine,
/// behind its look for a command of this key that was done: a repeat need not find the order as it
/// was.
async fn next_version(
    shared: &Shared,
    caller: &Caller,
    order: OrderKey,
    detail: &OrderDetail,
    edit: Edit,
) -> Result<(PlaceRequest, Option<&'static str>), Problem> {
    let view = &detail.order;
    let process = detail.process.as_ref();
    let total = edit.total.or(process.map(|process| process.total));
    let currency = edit.currency.or(process.map(|process| process.currency));
    let missing = match (currency, total) {
        (None, _) => Some("currency"),
        (_, None) => Some("total"),
        _ => None,
    };
    let as_ordered = edit.lines.is_empty();
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
    // A channel had sold it: the version is one of the channel's order still.
    let sold = process.is_some_and(|it| it.image.flags & process_flags::FACT != 0);
    let details = match edit.details {
        Some(mut details) if sold && details.external_id.is_empty() => {
            let kept = kept_details(shared, caller, view.sequence).await?;
            details.external_id = kept.map(|kept| kept.external_id).unwrap_or_default();
            Some(details)
        }
        Some(details) => Some(details),
        None => kept_details(shared, caller, view.sequence).await?,
    };
    let unaddressed = details
        .as_ref()
        .is_none_or(|details| details.shipping_address.is_empty());
    let waits = process.is_some_and(|it| it.image.review == ReviewReason::AddressMissing);
    let place = PlaceRequest {
        key: order,
        version: edit
            .version
            .unwrap_or_else(|| view.version.saturating_add(1)),
        customer: view.customer,
        channel: view.channel,
        ttl_ms: edit.ttl_ms.unwrap_or(HOLD_TTL_MS_DEFAULT),
        mode: match view.placed {
            true if waits && unaddressed => OrderMode::Incomplete,
            // Its own lines are owed, covered or not; others are taken where there is stock.
            true if sold && as_ordered => OrderMode::Fact,
            true => OrderMode::Place,
            false => OrderMode::Hold,
        },
        policy: Policy::AllOrNothing,
        currency: currency.unwrap_or(0),
        total: total.unwrap_or(u64::MAX),
        lines,
        details,
    };
    Ok((place, missing))
}

/// The details of the present version, without its prices: they are those of its lines.
/// Where they cannot be read, there is no next version: it would be one without them.
async fn kept_details(
    shared: &Shared,
    caller: &Caller,
    sequence: u64,
) -> Result<Option<OrderDetails>, Problem> {
    let shard = shared.engines.shard_of(&caller.asker.tenant);
    let Ok(shard) = u16::try_from(shard) else {
        return Ok(None);
    };
    let found = shared.engines.details(shard, sequence).await;
    let found = found.map_err(|error| operate::not_found_out(&error))?;
    let kept = |details| OrderDetails {
        unit_prices: Vec::new(),
        ..details
    };
    Ok(found.map(kept))
}
