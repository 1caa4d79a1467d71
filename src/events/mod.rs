//! What happened to a tenant's orders and stock, told to others: the journal's records as
//! CloudEvents 1.0.
//!
//! ```text
//!  journal ▕ acknowledged mark
//!     └─▶ page of records ─▶ names from the shard ─▶ CloudEvents ─┬─▶ page or stream of `/v1/events`
//!                                                                 └─▶ webhooks of subscribers
//! ```
//!
//! A cursor is shard and sequence of the last record looked at, so a reader that goes on with it
//! misses nothing and gets nothing twice, after a restart of either side too. Readers are on threads
//! of their own: the engine neither knows nor waits for them.

mod read;
mod show;
pub mod subscribers;

pub use read::{Found, Reading};
pub use show::{number, time};

use crate::limits::EVENT_KIND_BYTES_MAX;
use serde_json::Value;

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Whose journal.
    pub shard: u16,
    /// The last record that was looked at; 0: none.
    pub sequence: u64,
}

impl Cursor {
    /// Reads what [`Cursor::text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (shard, sequence) = text.split_once('-')?;
        let is_plain = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        (is_plain(shard) && is_plain(sequence)).then_some(())?;
        Some(Self {
            shard: shard.parse().ok()?,
            sequence: sequence.parse().ok()?,
        })
    }

    /// As others get it: `0-4711`.
    #[must_use]
    pub fn text(self) -> String {
        format!("{}-{}", self.shard, self.sequence)
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Sequence of its record.
    pub sequence: u64,
    /// When it happened, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The event in CloudEvents' JSON format.
    pub json: Value,
}

impl Event {
    /// Where its order was sold; `None` for events that are about no order, and for orders that the
    /// shard has forgotten.
    #[must_use]
    pub fn channel(&self) -> Option<u64> {
        self.json.pointer("/data/channel")?.as_u64()
    }
}

/// Beginnings of event types, separated by commas, such as `order,stock.received`; `None` where
/// they cannot be.
#[must_use]
pub fn kinds(text: &str) -> Option<Vec<String>> {
    let is_kind = |kind: &str| {
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b);
        !kind.is_empty() && kind.bytes().all(letters)
    };
    let kinds: Vec<String> = text.split(',').map(str::to_owned).collect();
    (text.len() <= EVENT_KIND_BYTES_MAX && kinds.iter().all(|kind| is_kind(kind))).then_some(kinds)
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
    }
}
