//! `/v1/dead-letters`: effects that exhausted their attempts and wait for a person.

use super::auth::Caller;
use super::operate::{self, Decision, decide};
use super::orders::{Answer, Because, ask_list};
use super::pages::{Page, page};
use super::recovery::{self, Cause};
use super::reply::Reply;
use super::show;
use crate::engine::process::command::{EffectView, ProcessView};
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::types::OrderKey;
use crate::types::effect::EffectNext;
use crate::types::process::OperatorAction;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

/// Effects of an order that wait for a person.
pub(super) fn dead(view: &ProcessView) -> impl Iterator<Item = &EffectView> {
    let is_dead = |effect: &&EffectView| effect.next == Some(EffectNext::Dead);
    view.effects.iter().filter(is_dead)
}

/// `GET /v1/dead-letters?limit=&after=`; `limit` counts orders, an order may have several.
pub(in crate::gateway) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    let wanted = Page::of(query.as_deref(), false)?;
    let found = ask_list(&shared, &caller, wanted, true).await?;
    let names = operate::names(&shared, &caller).await?;
    let shard = shared.engines.shard_of(&caller.asker.tenant);
    let tenant = caller.asker.tenant.as_str();
    let mut letters = Vec::new();
    for view in &found.orders {
        letters.extend(
            dead(view).map(|effect| show::dead_letter(view, effect, (shard, tenant), &names)),
        );
    }
    Ok(Reply::of(page("dead_letters", letters, found.next)))
}

/// `GET /v1/dead-letters/ORDER/EFFECT`.
pub(in crate::gateway) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path((order, effect)): Path<(String, String)>,
) -> Answer {
    let (order, effect) = letter(&shared, &caller, &order, &effect).await?;
    let detail = operate::detail(&shared, &caller, order).await?;
    let names = operate::names(&shared, &caller).await?;
    let shard = shared.engines.shard_of(&caller.asker.tenant);
    let process = detail.process.as_ref();
    let found = process.and_then(|view| Some((view, dead(view).find(|one| one.number == effect)?)));
    let (view, dead) = found.ok_or_else(|| no_letter(order, effect))?;
    Ok(Reply::of(show::dead_letter(
        view,
        dead,
        (shard, &caller.asker.tenant),
        &names,
    )))
}

/// `POST /v1/dead-letters/ORDER/EFFECT/redrive`: once more, with the same key.
pub(in crate::gateway) async fn redrive(
    State(shared): State<Shared>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let because: Because = body::json(&headers, body).await?;
    act(
        &shared,
        &caller,
        path,
        OperatorAction::Redrive,
        because.reason,
    )
    .await
}

/// `POST /v1/dead-letters/ORDER/EFFECT/discard`: it is given up.
pub(in crate::gateway) async fn discard(
    State(shared): State<Shared>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let because: Because = body::json(&headers, body).await?;
    act(
        &shared,
        &caller,
        path,
        OperatorAction::Discard,
        because.reason,
    )
    .await
}

/// A correction of an effect.
#[derive(Deserialize, ToSchema, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct Correction {
    /// The new reference or recipient.
    reference: String,
}

/// `POST /v1/dead-letters/ORDER/EFFECT/edit`: another reference or recipient, before a redrive.
pub(in crate::gateway) async fn edit(
    State(shared): State<Shared>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let correction: Correction = body::required(&headers, body).await?;
    if correction.reference.is_empty() {
        return Err(Problem::bad_request("`reference` is missing or empty"));
    }
    let action = OperatorAction::EditEffect;
    act(&shared, &caller, path, action, correction.reference).await
}

async fn act(
    shared: &Shared,
    caller: &Caller,
    (order, effect): (String, String),
    action: OperatorAction,
    reason: String,
) -> Answer {
    let (order, effect) = letter(shared, caller, &order, &effect).await?;
    let decision = Decision {
        effect,
        ..Decision::plain(action, reason)
    };
    decide(shared, caller, order, decision).await
}

/// `POST /v1/dead-letters/redrive`: all of one cause, and how many of them then succeeded.
pub(in crate::gateway) async fn redrive_all(
    State(shared): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let cause: Cause = body::json(&headers, body).await?;
    recovery::redrive(&shared, &caller, &cause)
        .await
        .map(Reply::of)
}

async fn letter(
    shared: &Shared,
    caller: &Caller,
    order: &str,
    effect: &str,
) -> Result<(OrderKey, u16), Problem> {
    let order = operate::order(shared, caller, order).await?;
    let number = effect.parse().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| no_letter(order, 0))?;
    Ok((order, number))
}

fn no_letter(order: OrderKey, effect: u16) -> Problem {
    let detail = format!("effect {effect} of order {order} is not waiting as a dead letter");
    let title = "No dead letter of this order and number.";
    Problem::new(StatusCode::NOT_FOUND, "UNKNOWN_DEAD_LETTER", title).because(detail)
}
