//! `GET /v1/events/stream`: server-sent events from a cursor, or from now on.

use super::{Wanted, named, open, own_cursor, shard_of};
use crate::clock;
use crate::events::{Cursor, Reading};
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::gateway::v1::auth::Caller;
use crate::limits::{
    EVENT_HEARTBEAT_MS, EVENT_PAGE_ITEMS_MAX, EVENT_POLL_MS, EVENT_STREAM_MS, EVENT_STREAMS_MAX,
};
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Where a client that reconnects goes on.
const LAST_EVENT_ID: &str = "last-event-id";

/// One client's stream.
struct Following {
    shared: Shared,
    caller: Caller,
    shard: u16,
    kinds: Vec<String>,
    reading: Option<Reading>,
    /// Milliseconds since something was sent.
    silent_ms: u64,
    /// The cursor that the client was told last.
    told: u64,
    until_ns: u64,
    _place: OwnedSemaphorePermit,
}

/// The route.
pub(in crate::gateway) async fn stream(
    State(shared): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let shard = shard_of(&shared, &caller)?;
    let wanted = Wanted::of(query.as_deref(), shard, false)?;
    let last = headers
        .get(LAST_EVENT_ID)
        .map(|id| id.to_str().unwrap_or_default());
    let after = match last.filter(|id| !id.is_empty()) {
        Some(id) => Some(own_cursor(id, shard)?),
        None => wanted.after,
    };
    let now = || {
        let journal = shared.journals.get(usize::from(shard));
        journal.map_or(0, |journal| journal.acknowledged().saturating_sub(1))
    };
    let from = after.map_or_else(now, |cursor| cursor.sequence);
    let places = Arc::clone(&shared.streams);
    let place = places.try_acquire_owned().map_err(|_| full())?;
    let reading = open(&shared, shard, from)?;
    let following = Following {
        shared,
        caller,
        shard,
        kinds: wanted.kinds,
        reading: Some(reading),
        silent_ms: 0,
        told: from,
        until_ns: clock::monotonic_ns() + EVENT_STREAM_MS * 1_000_000,
        _place: place,
    };
    let body = Body::from_stream(stream::unfold(following, next));
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((head, body).into_response())
}

fn full() -> Problem {
    let title = "Too many clients follow the events.";
    let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_STREAMS", title);
    problem.detail = format!("there are {EVENT_STREAMS_MAX}; read /v1/events by pages, or wait");
    problem.retry_after_s = Some(5);
    problem
}

/// Waits for the next piece; `None` ends the stream, and the client connects again.
async fn next(mut following: Following) -> Option<(Result<Bytes, Infallible>, Following)> {
    loop {
        if clock::monotonic_ns() >= following.until_ns {
            return None;
        }
        let reading = following.reading.take()?;
        let kinds = following.kinds.clone();
        let (reading, found) = reading.next(EVENT_PAGE_ITEMS_MAX, kinds).await.ok()?;
        following.reading = Some(reading);
        let (last, caught_up) = (found.last, found.caught_up);
        let (shared, caller) = (&following.shared, &following.caller);
        let events = named(shared, caller, following.shard, found).await.ok()?;
        if !events.is_empty() {
            following.silent_ms = 0;
            following.told = last;
            return Some((Ok(pieces(&events).into()), following));
        }
        if !caught_up {
            continue; // other tenants' records, or kinds that nobody asked for
        }
        if following.silent_ms >= EVENT_HEARTBEAT_MS {
            following.silent_ms = 0;
            let piece = heartbeat(following.shard, last, following.told);
            following.told = last;
            return Some((Ok(piece.into()), following));
        }
        tokio::time::sleep(Duration::from_millis(EVENT_POLL_MS)).await;
        following.silent_ms += EVENT_POLL_MS;
    }
}

/// Events as the client's parser takes them.
fn pieces(events: &[Value]) -> String {
    let piece = |event: &Value| {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let (id, kind) = (text("id"), text("type"));
        format!("id: {id}\nevent: {kind}\ndata: {event}\n\n")
    };
    events.iter().map(piece).collect::<Vec<_>>().concat()
}

/// Says that the connection lives; where records passed that were none of this client's, also how
/// far it is, so that it need not read them again.
fn heartbeat(shard: u16, last: u64, told: u64) -> String {
    let cursor = Cursor {
        shard,
        sequence: last,
    };
    if last > told {
        format!(
            "id: {}\nevent: onhand.heartbeat\ndata: {{}}\n\n",
            cursor.text()
        )
    } else {
        ": heartbeat\n\n".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_one_block_with_its_cursor() {
        let event = json!({"id": "0-7", "type": "onhand.order.accepted", "data": {"note": "a\nb"}});
        let block = pieces(std::slice::from_ref(&event));
        let lines: Vec<&str> = block.split('\n').collect();
        assert_eq!(lines.first(), Some(&"id: 0-7"));
        assert_eq!(lines.get(1), Some(&"event: onhand.order.accepted"));
        let data = lines.get(2).and_then(|line| line.strip_prefix("data: "));
        let read: Value = serde_json::from_str(data.expect("data")).expect("one line of JSON");
        assert_eq!(read, event);
        assert!(block.ends_with("\n\n"));
    }

    #[test]
    fn a_heartbeat_moves_the_cursor_only_where_something_passed() {
        assert_eq!(heartbeat(0, 7, 7), ": heartbeat\n\n");
        assert!(heartbeat(0, 9, 7).starts_with("id: 0-9\n"));
    }
}
