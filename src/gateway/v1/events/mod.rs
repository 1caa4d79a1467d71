//! `/v1/events`: what happened to a tenant's orders and stock, from the journal.
//!
//! ```text
//!  journal ▕ acknowledged mark
//!     └─▶ page of records ─▶ names from the shard ─▶ CloudEvents ─▶ JSON page, or a stream
//! ```
//!
//! The cursor is shard and sequence of the last record looked at, so a reader that goes on with it
//! misses nothing and gets nothing twice, after a restart of either side too.

mod read;
mod show;
mod stream;

pub(in crate::gateway) use stream::stream;

use super::auth::Caller;
use super::operate;
use super::orders::Answer;
use super::reply::Reply;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::{EVENT_KIND_BYTES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use read::{Found, Reading};
use serde_json::{Value, json};

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    pub shard: u16,
    /// The last record that was looked at; 0: none.
    pub sequence: u64,
}

impl Cursor {
    pub fn parse(text: &str) -> Option<Self> {
        let (shard, sequence) = text.split_once('-')?;
        let is_plain = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        (is_plain(shard) && is_plain(sequence)).then_some(())?;
        Some(Self {
            shard: shard.parse().ok()?,
            sequence: sequence.parse().ok()?,
        })
    }

    pub fn text(self) -> String {
        format!("{}-{}", self.shard, self.sequence)
    }
}

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
    let is_kind = |kind: &str| {
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b);
        !kind.is_empty() && kind.bytes().all(letters)
    };
    let kinds: Vec<String> = text.split(',').map(str::to_owned).collect();
    if text.len() > EVENT_KIND_BYTES_MAX || !kinds.iter().all(|kind| is_kind(kind)) {
        let detail = "`kind` must be beginnings of event types, separated by commas, such as \
                      `order,stock.received`";
        return Err(Problem::bad_request(detail));
    }
    Ok(kinds)
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
    let reading = Reading::open(&shared, shard, from)?;
    let (_, found) = reading
        .next(usize::from(wanted.limit), wanted.kinds)
        .await?;
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
    u16::try_from(shard).map_err(|_| unreadable())
}

/// The events of what was found, without those of other tenants.
async fn named(
    shared: &Shared,
    caller: &Caller,
    shard: u16,
    found: Found,
) -> Result<Vec<Value>, Problem> {
    if found.records.is_empty() {
        return Ok(Vec::new());
    }
    let handles = found.handles();
    let question = LocalRequest::Query(LocalQuery::OwnNames {
        skus: handles.skus.clone(),
        locations: handles.locations.clone(),
        actors: handles.actors.clone(),
    });
    let names = match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::OwnNames {
            tenant,
            skus,
            locations,
            actors,
        } => handles.named(tenant, skus, locations, actors),
        LocalAnswer::Refused(code) => return Err(Problem::refused(code, "")),
        other => return Err(operate::unexpected(&other)),
    };
    let shown = found.records.iter();
    let tenant = &caller.asker.tenant;
    Ok(shown
        .filter_map(|one| show::event(one, shard, tenant, &names))
        .collect())
}

/// The journal cannot be read: a fault of the server's, or of its disk.
fn unreadable() -> Problem {
    let title = "The server could not read its journal; it is in its log.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_written_and_others_refused() {
        let cursor = Cursor {
            shard: 3,
            sequence: 4_711,
        };
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for bad in ["", "3", "-", "3-", "3-x", "70000-1", "+3-1", "3-1-1"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
        assert!(own_cursor("3-1", 2).is_err(), "another shard's");
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
