//! `POST /v1/orders` and `/v1/holds`: take stock for an order.

use super::auth::Caller;
use super::operate;
use super::orders::{Answer, LineBody};
use super::reply::Reply;
use super::show;
use crate::engine::command::OrderOutcome;
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::HOLD_TTL_MS_DEFAULT;
use crate::shard::local::{LocalAnswer, LocalRequest, NamedLine, PlaceRequest};
use crate::types::{ChannelId, OrderDetails, OrderKey, OrderMode, OrderState, Policy, ResultCode};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// What every order key begins with before it is hashed (docs/PROTOCOL.md).
const ORDER_KEY_PREFIX: &[u8] = b"onhand-order-key-v1";

/// An order or a hold.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct NewOrder {
    /// Its key, 32 hex digits. Absent: from `channel` and `details.external_id` by the formula of
    /// the protocol; without an external id the `Idempotency-Key` is the order's key.
    #[serde(default)]
    #[schema(pattern = "^[0-9a-fA-F]{32}$")]
    order: Option<String>,
    /// From 1, the default; the next version replaces the live hold of the one before.
    #[serde(default)]
    version: Option<u16>,
    /// The merchant's number for the buyer.
    #[serde(default)]
    customer: u64,
    /// Number of the channel where it is sold; 0 is the merchant's own shop.
    #[serde(default)]
    channel: u16,
    /// Time to live of the hold in milliseconds, at most 7 days; absent: 15 minutes.
    #[serde(default)]
    ttl_ms: Option<u32>,
    /// What to do when stock is short; absent: `all_or_nothing`.
    #[serde(default)]
    policy: Option<PolicyName>,
    /// ISO 4217 number.
    currency: u16,
    /// Minor units.
    total: u64,
    /// What is ordered.
    lines: Vec<LineBody>,
    /// Contact, addresses, token, fraud signals; see `OrderDetails`.
    #[serde(default)]
    details: Option<OrderDetails>,
}

/// What to do with lines that cannot be covered.
#[derive(Deserialize, ToSchema, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
enum PolicyName {
    /// Every line in full, or the order is refused.
    AllOrNothing,
    /// Take what there is of each line.
    Partial,
    /// A placed order waits for stock instead of being refused.
    Backorder,
}

impl From<PolicyName> for Policy {
    fn from(name: PolicyName) -> Self {
        match name {
            PolicyName::AllOrNothing => Self::AllOrNothing,
            PolicyName::Partial => Self::Partial,
            PolicyName::Backorder => Self::Backorder,
        }
    }
}

/// `POST /v1/orders`: the order enters its pipeline.
pub(in crate::gateway) async fn order(
    State(shared): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let wanted = body::required(&headers, body).await?;
    take(&shared, &caller, wanted, OrderMode::Place).await
}

/// `POST /v1/holds`: units are held until they are confirmed, released, or the time is over.
pub(in crate::gateway) async fn hold(
    State(shared): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let wanted = body::required(&headers, body).await?;
    take(&shared, &caller, wanted, OrderMode::Hold).await
}

async fn take(shared: &Shared, caller: &Caller, wanted: NewOrder, mode: OrderMode) -> Answer {
    let request = request(caller, wanted, mode)?;
    let order = request.key;
    tracing::Span::current().record("order", tracing::field::display(order));
    let request = LocalRequest::Place(Box::new(request));
    match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Placed(done) if done.code == ResultCode::Ok => {
            let shard = shared.engines.shard_of(&caller.asker.tenant);
            let location = format!("/v1/orders/{order}");
            Ok(Reply::created(placed(&done, order, shard), location))
        }
        LocalAnswer::Placed(done) => Err(refusal(shared, caller, order, &done).await),
        LocalAnswer::Refused(code) => {
            let detail = format!("nothing was done for order {order}");
            Err(Problem::refused(code, detail).with("order", order.to_string()))
        }
        other => Err(operate::unexpected(&other)),
    }
}

fn request(caller: &Caller, wanted: NewOrder, mode: OrderMode) -> Result<PlaceRequest, Problem> {
    let channel = ChannelId(wanted.channel);
    Ok(PlaceRequest {
        key: key(caller, &wanted, channel)?,
        version: wanted.version.unwrap_or(1),
        customer: wanted.customer,
        channel,
        ttl_ms: wanted.ttl_ms.unwrap_or(HOLD_TTL_MS_DEFAULT),
        mode,
        policy: wanted.policy.map_or(Policy::AllOrNothing, Policy::from),
        currency: wanted.currency,
        total: wanted.total,
        lines: wanted.lines.into_iter().map(NamedLine::from).collect(),
        details: wanted.details,
    })
}

fn key(caller: &Caller, wanted: &NewOrder, channel: ChannelId) -> Result<OrderKey, Problem> {
    let external = wanted.details.as_ref().map(|one| one.external_id.as_str());
    match (&wanted.order, external.filter(|id| !id.is_empty())) {
        (Some(text), _) => {
            let is_plain = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let key = text.parse().ok().filter(|key: &OrderKey| key.0 != 0);
            let detail = "`order` must be 32 hex digits, not all of them zero";
            let bad = || Problem::refused(ResultCode::InvalidKey, detail);
            key.filter(|_| is_plain).ok_or_else(bad)
        }
        (None, Some(id)) => Ok(of_channel(channel, id)),
        (None, None) => Ok(OrderKey(caller.key.0)),
    }
}

/// The key of a channel's order, as every client derives it.
fn of_channel(channel: ChannelId, external_id: &str) -> OrderKey {
    let hash = Sha256::new()
        .chain_update(ORDER_KEY_PREFIX)
        .chain_update(channel.0.to_le_bytes())
        .chain_update(external_id.as_bytes())
        .finalize();
    let first = hash.first_chunk().copied();
    OrderKey(first.map_or(0, u128::from_be_bytes))
}

fn placed(done: &OrderOutcome, order: OrderKey, shard: usize) -> Value {
    json!({
        "code": done.code.name(),
        "order": order.to_string(),
        "number": show::number(shard, done.sequence),
        "state": done.state.map(OrderState::name),
        "replayed": done.replayed,
        "partial": done.partial,
        "version": done.version,
        "held_until": show::time(done.expires_at_ms),
        "sequence": done.sequence,
    })
}

/// Why, with what is left of the lines that could not be covered.
async fn refusal(
    shared: &Shared,
    caller: &Caller,
    order: OrderKey,
    done: &OrderOutcome,
) -> Problem {
    let state = done.state.map(OrderState::name);
    let detail = format!("order {order} was refused; nothing was taken");
    let problem = Problem::refused(done.code, detail)
        .with("order", order.to_string())
        .with("state", state)
        .with("replayed", done.replayed);
    if done.code != ResultCode::InsufficientStock {
        return problem;
    }
    let Ok(found) = operate::detail(shared, caller, order).await else {
        return problem;
    };
    let short = found.shorts.iter();
    let short = short.map(|short| json!({ "sku": short.sku, "left": short.left }));
    problem.with("short", short.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_order_has_the_key_that_the_protocol_gives_it() {
        let known = "12f2034dadcbcc9803ceb05985006cba";
        assert_eq!(of_channel(ChannelId(1), "1001").to_string(), known);
        let own = "edd12ef9790ab79dc756d0ba3058ef1a";
        assert_eq!(
            of_channel(ChannelId(65_535), "Bestellung-Ä-7").to_string(),
            own
        );
    }
}
