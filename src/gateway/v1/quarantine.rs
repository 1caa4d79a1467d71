//! `/v1/quarantine`: what channels sent and a person has to see to.

use super::auth::Caller;
use super::operate;
use super::orders::{Answer, Because};
use super::pages::page;
use super::reply::Reply;
use crate::channels::intake;
use crate::engine::channel_event::command::{ChannelOrder, EventFilter, EventView, Settlement};
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest};
use crate::types::channel_event::EventFate;
use crate::types::process::OperatorAction;
use crate::types::{ChannelId, OrderKey, ResultCode};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /v1/quarantine?fate=&channel=&limit=&after=`, oldest first.
pub(in crate::gateway) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    let filter = filter(&shared, &caller, query.as_deref().unwrap_or_default())?;
    let question = LocalRequest::Query(LocalQuery::Events(filter));
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Events(found) => {
            let events = found
                .events
                .iter()
                .map(|event| shown(&shared, &caller, event));
            Ok(Reply::of(page("events", events.collect(), found.next)))
        }
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(operate::unexpected(&other)),
    }
}

fn filter(shared: &Shared, caller: &Caller, query: &str) -> Result<EventFilter, Problem> {
    let mut filter = EventFilter {
        limit: PAGE_ITEMS_DEFAULT,
        ..EventFilter::default()
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => {
                let limit = value
                    .parse()
                    .ok()
                    .filter(|it| (1..=PAGE_ITEMS_MAX).contains(it));
                filter.limit = limit.ok_or_else(|| {
                    Problem::bad_request(format!("`limit` must be 1 to {PAGE_ITEMS_MAX}"))
                })?;
            }
            "after" => {
                let bad = |_| Problem::bad_request("`after` must be the `next` of an earlier page");
                filter.after = u64::from_str_radix(&value, 16).map_err(bad)?;
            }
            "fate" => {
                let waiting = |fate: &EventFate| !fate.is_final();
                let fate = EventFate::from_name(&value)
                    .filter(waiting)
                    .ok_or_else(|| {
                        let detail = "`fate` must be open, parked, unmapped or quarantined";
                        Problem::refused(ResultCode::InvalidField, detail)
                    })?;
                filter.fate = Some(fate);
            }
            "channel" => filter.channel = Some(channel(shared, caller, &value)?),
            other => {
                let detail = format!("there is no parameter `{}`", other.escape_debug());
                return Err(Problem::bad_request(detail));
            }
        }
    }
    Ok(filter)
}

/// A channel by its number, or by the name that the channels file gives it.
pub(super) fn channel(shared: &Shared, caller: &Caller, text: &str) -> Result<ChannelId, Problem> {
    if let Ok(number) = text.parse() {
        return Ok(ChannelId(number));
    }
    let tenant = &caller.asker.tenant;
    let named = |it: &&crate::channels::ChannelOptions| it.name == text && it.tenant == *tenant;
    let found = shared.channels.iter().find(named);
    found.map(|it| it.number).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        let detail = format!(
            "tenant `{tenant}` has no channel `{}`",
            shown.escape_debug()
        );
        Problem::new(StatusCode::NOT_FOUND, "UNKNOWN_CHANNEL", "No such channel.").because(detail)
    })
}

/// `GET /v1/quarantine/EVENT`: with what was received.
pub(in crate::gateway) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path(event): Path<String>,
) -> Answer {
    let view = find(&shared, &caller, &event).await?;
    let shard = shared.engines.shard_of(&caller.asker.tenant);
    let stored = match shared.journals.get(shard) {
        Some(journal) => {
            // It may wait for the disk, and this thread answers everybody.
            let (journal, body_at) = (Arc::clone(journal), view.body_at);
            let read = move || intake::stored(&*journal, body_at);
            let read = tokio::task::spawn_blocking(read).await;
            let unread = |error: &dyn std::fmt::Display| {
                tracing::error!(%error, "the body of an event cannot be read");
                Problem::refused(ResultCode::Overloaded, "its body cannot be read now")
            };
            read.map_err(|error| unread(&error))?
                .map_err(|error| unread(&error))?
        }
        None => None,
    };
    let mut answer = shown(&shared, &caller, &view);
    if let (Value::Object(members), Some(stored)) = (&mut answer, stored) {
        let headers = stored.head.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), json!(value)));
        members.insert("headers".to_owned(), Value::Object(headers.collect()));
        let body = String::from_utf8_lossy(&stored.body);
        members.insert("body".to_owned(), json!(body));
    }
    Ok(Reply::of(answer))
}

/// `POST /v1/quarantine/EVENT/redrive`: worked off once more, as if it had just come.
pub(in crate::gateway) async fn redrive(
    State(shared): State<Shared>,
    caller: Caller,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    settle(&shared, &caller, &event, (EventFate::Open, &headers, body)).await
}

/// `POST /v1/quarantine/EVENT/discard`: it is given up.
pub(in crate::gateway) async fn discard(
    State(shared): State<Shared>,
    caller: Caller,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    settle(
        &shared,
        &caller,
        &event,
        (EventFate::Discarded, &headers, body),
    )
    .await
}

async fn settle(
    shared: &Shared,
    caller: &Caller,
    event: &str,
    (fate, headers, body): (EventFate, &HeaderMap, Body),
) -> Answer {
    let because: Because = body::json(headers, body).await?;
    operate::reason_fits(OperatorAction::Discard, &because.reason)?;
    let id = id(event)?;
    let settlement = Settlement {
        event: id,
        fate,
        order: OrderKey(0),
        state: ChannelOrder::default(),
        note: because.reason,
    };
    let request = LocalRequest::EventSettled(settlement);
    let done = match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Command(done) => done,
        LocalAnswer::Refused(code) => return Err(refused(id, code)),
        other => return Err(operate::unexpected(&other)),
    };
    if done.code != ResultCode::Ok {
        return Err(refused(id, done.code));
    }
    Ok(Reply::of(json!({
        "code": done.code.name(),
        "event": format!("{id:032x}"),
        "fate": fate.name(),
        "replayed": done.replayed,
        "sequence": done.sequence,
    })))
}

async fn find(shared: &Shared, caller: &Caller, event: &str) -> Result<Box<EventView>, Problem> {
    let id = id(event)?;
    let question = LocalRequest::Query(LocalQuery::Event(id));
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Event(Some(view)) => Ok(view),
        LocalAnswer::Event(None) => Err(refused(id, ResultCode::UnknownEvent)),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(operate::unexpected(&other)),
    }
}

fn refused(event: u128, code: ResultCode) -> Problem {
    let detail = match code {
        ResultCode::NotInState => format!("event {event:032x} is not held"),
        _ => format!("event {event:032x}"),
    };
    Problem::refused(code, detail)
}

fn id(text: &str) -> Result<u128, Problem> {
    let digits = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let id = u128::from_str_radix(text, 16).ok().filter(|_| digits);
    id.ok_or_else(|| {
        let detail = "an event is named by 32 hex digits, as the list shows them";
        Problem::refused(ResultCode::UnknownEvent, detail)
    })
}

fn shown(shared: &Shared, caller: &Caller, view: &EventView) -> Value {
    let own = |it: &&crate::channels::ChannelOptions| {
        it.number == view.channel && it.tenant == caller.asker.tenant
    };
    let channel = shared.channels.iter().find(own);
    json!({
        "event": format!("{:032x}", view.event),
        "channel": view.channel.0,
        "channel_name": channel.map(|channel| channel.name.clone()),
        "topic": view.topic,
        "fate": view.fate.name(),
        "order": (view.order.0 != 0).then(|| view.order.to_string()),
        "note": view.note,
        "received_ms": view.received_ms,
        "settled_ms": (view.settled_ms > 0).then_some(view.settled_ms),
        "sequence": view.sequence,
    })
}
