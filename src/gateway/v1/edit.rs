//! `POST /v1/orders/ORDER/edit`: the next version of an order that the warehouse has not accepted.

use super::address::{self, Destination};
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
    /// Shipping address of the new version, one entry a line; the other details stay. Not together
    /// with `details`.
    // Left out where absent: a command that was journaled before has the same meaning still.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<Vec<String>>,
    /// ISO 3166-1 alpha-2 country of the shipping address. Not together with `details`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Z]{2}$")]
    country: Option<String>,
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
    edit.check()?;
    let order = operate::order(&shared, &caller, &order).await?;
    let detail = operate::detail(&shared, &caller, order).await?;
    let meaning = meaning(order, &edit);
    let is_addressed = edit.shipping_address.is_some();
    let (place, missing) = next_version(&shared, &caller, order, &detail, edit).await?;
    let request = LocalRequest::Edit {
        key: caller.key,
        meaning,
        place: Box::new(place),
    };
    let answer = operate::command(&shared, &caller, order, request).await;
    let problem = match answer {
        Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => problem,
        answer => return answer,
    };
    let said = problem.code;
    let is = |code: ResultCode| code.name() == said;
    Err(match missing {
        Some(name) if is(ResultCode::InvalidCurrency) || is(ResultCode::InvalidTotal) => {
            let lack = match name {
                address::COUNTRY => "has no country",
                _ => "is not in process",
            };
            let detail = format!("order {order} {lack}: `{name}` must be given");
            address::refused(ResultCode::InvalidField, name, detail)
        }
        _ if is_addressed && is(ResultCode::DetailsTooLong) => {
            problem.with("member", address::LINES)
        }
        _ => problem,
    })
}

impl Edit {
    /// Refuses what is wrong whatever the order is like.
    fn check(&self) -> Result<(), Problem> {
        let given = [
            (address::LINES, self.shipping_address.is_some()),
            (address::COUNTRY, self.country.is_some()),
        ];
        let apart = given.iter().find(|(_, is_given)| *is_given);
        if let (Some(_), Some((name, _))) = (&self.details, apart) {
            let detail = format!(
                "`details` are all details of the new version: give `{name}` in them, or without \
                 them; nothing was done"
            );
            return Err(address::refused(ResultCode::InvalidField, name, detail));
        }
        let destination = Destination {
            lines: self.shipping_address.clone(),
            country: self.country.clone(),
        };
        destination.check()
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
    mut edit: Edit,
) -> Result<(PlaceRequest, Option<&'static str>), Problem> {
    let view = &detail.order;
    let process = detail.process.as_ref();
    // A channel had sold it: the version is one of the channel's order still.
    let sold = process.is_some_and(|it| it.image.flags & process_flags::FACT != 0);
    let is_addressed = edit.shipping_address.is_some();
    let details = details_of(shared, caller, (view.sequence, sold), &mut edit).await?;
    let given = |member: fn(&OrderDetails) -> bool| details.as_ref().is_some_and(member);
    let unaddressed = !given(|it| !it.shipping_address.is_empty());
    let nowhere = is_addressed && !given(|it| !it.country.is_empty());
    let total = edit.total.or(process.map(|process| process.total));
    let currency = edit.currency.or(process.map(|process| process.currency));
    let missing = match (currency, total) {
        (None, _) => Some("currency"),
        (_, None) => Some("total"),
        _ => nowhere.then_some(address::COUNTRY),
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
        // Beyond every bound where something is missing.
        total: total.filter(|_| missing.is_none()).unwrap_or(u64::MAX),
        lines,
        details,
    };
    Ok((place, missing))
}

/// The details of the new version: all that are given, or those of the present one, whose sequence
/// this is, with the address that is given. What a channel had sold stays the channel's order.
async fn details_of(
    shared: &Shared,
    caller: &Caller,
    (sequence, sold): (u64, bool),
    edit: &mut Edit,
) -> Result<Option<OrderDetails>, Problem> {
    let Some(mut details) = edit.details.take() else {
        let destination = Destination {
            lines: edit.shipping_address.take(),
            country: edit.country.take(),
        };
        let kept = kept_details(shared, caller, sequence).await?;
        return Ok(destination.merged_into(kept));
    };
    if sold && details.external_id.is_empty() {
        let kept = kept_details(shared, caller, sequence).await?;
        details.external_id = kept.map(|kept| kept.external_id).unwrap_or_default();
    }
    Ok(Some(details))
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
