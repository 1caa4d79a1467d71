//! `/v1/events`: what happened to a tenant's orders and stock, from the journal.
//!
//! As a page of JSON, or as a stream; [`crate::events`] reads and tells them.

mod stream;

pub(in crate::gateway) use stream::stream;

use super::auth::Caller;
use super::operate;
use super::orders::Answer;
use super::reply::Reply;
use crate::events::{self, Cursor, Found, Reading};
use crate::feed::FeedError;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::shard::local::LocalAnswer;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// What a reader asks for.
#[derive(Clone, Debug)]
struct Wanted {
    pub after: Option<Cursor>,
    pub limit: u16,
    /// Beginnings of types, such as `order` or `stock.received`; none: everything.
    pub kinds: Vec<String>,
}

impl Wanted {
    /// Reads a query string for the events of one shard.
    pub fn of(query: Option<&str>, shard: u16, takes_limit: bool) -> Result<Self, Problem> {
        let mut wanted = Self {
            after: None,
            limit: PAGE_ITEMS_DEFAULT,
            kinds: Vec::new(),
        };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "after" => wanted.after = Some(own_cursor(&value, shard)?),
                "limit" if takes_limit => wanted.limit = limit(&value)?,
                "kind" => wanted.kinds = kinds(&value)?,
                other => {
                    let detail = format!("there is no parameter `{}`", other.escape_debug());
                    return Err(Problem::bad_request(detail));
                }
            }
        }
        Ok(wanted)
    }
}

/// A cursor of the tenant's own shard.
fn own_cursor(text: &str, shard: u16) -> Result<Cursor, Problem> {
    let cursor = Cursor::parse(text).filter(|cursor| cursor.shard == shard);
    cursor.ok_or_else(|| {
        let detail =
            "`after` must be the `next` of a page, or the `id` of an event, of this tenant";
        Problem::bad_request(detail)
    })
}

fn limit(text: &str) -> Result<u16, Problem> {
    let found = text.parse().ok();
    let found = found.filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit));
    found.ok_or_else(|| Problem::bad_request(format!("`limit` must be 1 to {PAGE_ITEMS_MAX}")))
}

fn kinds(text: &str) -> Result<Vec<String>, Problem> {
    events::kinds(text).ok_or_else(|| {
        let detail = "`kind` must be beginnings of event types, separated by commas, such as \
                      `order,stock.received`";
        Problem::bad_request(detail)
    })
}

/// `GET /v1/events?after=&limit=&kind=`.
pub(in crate::gateway) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    let shard = shard_of(&shared, &caller)?;
    let wanted = Wanted::of(query.as_deref(), shard, true)?;
    let from = wanted.after.map_or(0, |cursor| cursor.sequence);
    let reading = open(&shared, shard, from)?;
    let read = reading.next(usize::from(wanted.limit), wanted.kinds).await;
    let (_, found) = read.map_err(|error| unreadable(error.as_ref()))?;
    let next = Cursor {
        shard,
        sequence: found.last,
    };
    let more = !found.caught_up;
    let events = named(&shared, &caller, shard, found).await?;
    Ok(Reply::of(
        json!({ "next": next.text(), "more": more, "events": events }),
    ))
}

/// The number of the caller's shard.
fn shard_of(shared: &Shared, caller: &Caller) -> Result<u16, Problem> {
    let shard = shared.engines.shard_of(&caller.asker.tenant);
    u16::try_from(shard).map_err(|_| unreadable(None))
}

/// A reader of a shard's journal that goes on behind `after`.
fn open(shared: &Shared, shard: u16, after: u64) -> Result<Reading, Problem> {
    let journal = shared.journals.get(usize::from(shard));
    let journal = journal.ok_or_else(|| unreadable(None))?;
    Reading::open(&**journal, after).map_err(|error| unreadable(Some(&error)))
}

/// The events of what was found, without those of other tenants.
async fn named(
    shared: &Shared,
    caller: &Caller,
    shard: u16,
    found: Found,
) -> Result<Vec<Value>, Problem> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let answer = shared.engines.ask(&caller.asker, found.question()).await?;
    match found.named(shard, &caller.asker.tenant, answer) {
        Ok(events) => Ok(events.into_iter().map(|event| event.json).collect()),
        Err(LocalAnswer::Refused(code)) => Err(Problem::refused(code, "")),
        Err(other) => Err(operate::unexpected(&other)),
    }
}

/// The journal cannot be read: a fault of the server's, or of its disk.
fn unreadable(error: Option<&FeedError>) -> Problem {
    if let Some(error) = error {
        tracing::warn!(%error, "events cannot be read");
    }
    let title = "The server could not read its journal; it is in its log.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_of_other_shards_are_refused() {
        assert!(own_cursor("3-1", 3).is_ok());
        assert!(own_cursor("3-1", 2).is_err());
    }

    #[test]
    fn kinds_are_beginnings_of_types() {
        let wanted = Wanted::of(Some("kind=order,stock.received&limit=3"), 0, true);
        let wanted = wanted.expect("a query");
        assert_eq!(wanted.kinds, ["order", "stock.received"]);
        assert_eq!(wanted.limit, 3);
        for bad in ["kind=", "kind=a,,b", "kind=ORDER", "limit=0", "page=1"] {
            assert!(Wanted::of(Some(bad), 0, true).is_err(), "{bad}");
        }
        assert!(Wanted::of(Some("limit=3"), 0, false).is_err());
    }
}
