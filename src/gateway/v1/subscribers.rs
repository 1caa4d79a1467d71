//! `/v1/subscribers`: who is sent the tenant's events, and how far.

use super::auth::Caller;
use super::operate;
use super::orders::Answer;
use super::reply::Reply;
use super::show::time;
use crate::clock;
use crate::events::Cursor;
use crate::events::subscribers::{Entry, MoveError};
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::shard::local::{LocalAnswer, LocalRequest, SubscriberMove};
use crate::types::ResultCode;
use crate::types::process::OperatorAction;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a subscriber is to go on.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Rewind {
    /// `start`, `end`, or the `id` of the event behind which it goes on; absent: where it stands.
    #[schema(pattern = "^(start|end|[0-9]{1,5}-[0-9]{1,18})$")]
    after: Option<String>,
    /// In words, for the audit trail.
    reason: String,
}

/// One subscriber.
#[derive(Serialize, ToSchema, Debug)]
#[allow(clippy::struct_field_names)] // members of JSON, named for its readers
pub(in crate::gateway) struct Subscriber {
    subscriber: String,
    /// Scheme, host and port of its address.
    origin: String,
    /// Beginnings of event types; none: all.
    types: Vec<String>,
    /// Only orders of these channels; none: all events.
    channels: Vec<u16>,
    /// Most events of one request.
    batch: u64,
    /// `active`, `retrying`, `gone` (it answered 410), or `halted` (its cursor cannot go on).
    state: &'static str,
    /// The last record that needs not be sent again.
    cursor: String,
    /// Records behind the cursor; not all need be events for it.
    lag_records: u64,
    /// Age of the oldest event that it has not acknowledged; 0: none is known.
    lag_ms: u64,
    /// Events that it acknowledged since the server started.
    delivered: u64,
    /// Attempts that failed in a row.
    failures: u32,
    next_attempt: Option<String>,
    last_error: Option<String>,
    last_error_at: Option<String>,
}

/// Every subscriber of the tenant.
#[derive(Serialize, ToSchema, Debug)]
pub(in crate::gateway) struct SubscriberPage {
    subscribers: Vec<Subscriber>,
}

/// Where a subscriber goes on.
#[derive(Serialize, ToSchema, Debug)]
pub(in crate::gateway) struct SubscriberChange {
    code: &'static str,
    subscriber: String,
    /// Where it was.
    before: String,
    /// Behind this it goes on.
    after: String,
    /// Of the record in the journal that says who moved it.
    sequence: u64,
}

/// `GET /v1/subscribers`: those of the tenant.
pub(in crate::gateway) async fn list(State(shared): State<Shared>, caller: Caller) -> Answer {
    let found = shared.subscribers.of(&caller.asker.tenant);
    let subscribers = found.map(|entry| subscriber(entry)).collect();
    Ok(told(&SubscriberPage { subscribers }))
}

/// `GET /v1/subscribers/NAME`.
pub(in crate::gateway) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
) -> Answer {
    let entry = shared.subscribers.find(&caller.asker.tenant, &name);
    let entry = entry.ok_or_else(|| unknown(&caller, &name))?;
    Ok(told(&subscriber(entry)))
}

fn told(answer: &impl Serialize) -> Reply {
    // Shapes are data without anything that could fail to be written.
    Reply::of(serde_json::to_value(answer).unwrap_or_default())
}

fn subscriber(entry: &Entry) -> Subscriber {
    let (options, standing) = (&entry.options, entry.standing());
    let (lag_records, lag_ms) = entry.lag(clock::now_ms());
    let (failed_ms, error) = standing.last_error.unwrap_or_default();
    Subscriber {
        subscriber: options.name.clone(),
        origin: options.origin(),
        types: options.kinds.clone(),
        channels: options.channels.clone(),
        batch: options.batch as u64,
        state: standing.state.name(),
        cursor: entry.cursor(standing.sequence).text(),
        lag_records,
        lag_ms,
        delivered: standing.delivered,
        failures: standing.failures,
        next_attempt: time(standing.next_attempt_ms),
        last_error: (!error.is_empty()).then_some(error),
        last_error_at: time(failed_ms),
    }
}

/// `POST /v1/subscribers/NAME/rewind`: it goes on somewhere else, and is served again.
pub(in crate::gateway) async fn rewind(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let rewind: Rewind = body::json(&headers, body).await?;
    operate::reason_fits(OperatorAction::Discard, &rewind.reason)?;
    let entry = shared.subscribers.find(&caller.asker.tenant, &name);
    let entry = entry.ok_or_else(|| unknown(&caller, &name))?;
    let before = entry.standing().sequence;
    let after = place(entry, rewind.after.as_deref(), before)?;
    // Journaled before it is done: who did it is known whatever happens then.
    let moved = SubscriberMove {
        name: name.clone(),
        before,
        after,
        reason: rewind.reason,
    };
    let request = LocalRequest::MoveSubscriber(moved);
    let done = match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Command(done) if done.code == ResultCode::Ok => done,
        LocalAnswer::Command(done) => return Err(Problem::refused(done.code, name)),
        LocalAnswer::Refused(code) => return Err(Problem::refused(code, name)),
        other => return Err(operate::unexpected(&other)),
    };
    entry
        .move_to(after)
        .await
        .map_err(|error| not_moved(&name, error))?;
    Ok(told(&SubscriberChange {
        code: done.code.name(),
        subscriber: name,
        before: entry.cursor(before).text(),
        after: entry.cursor(after).text(),
        sequence: done.sequence,
    }))
}

/// The record behind which it is to go on.
fn place(entry: &Entry, after: Option<&str>, now: u64) -> Result<u64, Problem> {
    let newest = entry.newest();
    match after {
        None => Ok(now.min(newest)),
        Some("start") => Ok(0),
        Some("end") => Ok(newest),
        Some(text) => {
            let shard = entry.cursor(0).shard;
            let cursor = Cursor::parse(text).filter(|cursor| cursor.shard == shard);
            let sequence = cursor.map(|cursor| cursor.sequence);
            sequence.filter(|&sequence| sequence <= newest).ok_or_else(|| {
                let detail = format!(
                    "`after` must be `start`, `end`, or the `id` of an event of this tenant, at \
                     most {}",
                    entry.cursor(newest).text()
                );
                Problem::refused(ResultCode::InvalidField, detail)
            })
        }
    }
}

fn unknown(caller: &Caller, name: &str) -> Problem {
    let shown: String = name.chars().take(64).collect();
    let detail = format!(
        "the subscribers file has no `{}` for tenant `{}`",
        shown.escape_debug(),
        caller.asker.tenant
    );
    let title = "No subscriber of this name.";
    Problem::new(StatusCode::NOT_FOUND, "UNKNOWN_SUBSCRIBER", title).because(detail)
}

fn not_moved(name: &str, error: MoveError) -> Problem {
    let title = "The subscriber's cursor was not moved.";
    let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_MOVED", title);
    problem.detail = format!("subscriber `{name}`: {error}; look at it, then try again");
    problem.retry_after_s = Some(1);
    problem
}
