//! Messages, waits, and what happens where the cursor cannot go on.

use super::board::{Entry, State};
use super::follow::Follower;
use super::place::{Kept, PlaceFile};
use super::send::{Sender, messages, wait_ms};
use super::{Begin, SubscriberOptions};
use crate::adapters::http::Http;
use crate::events::Event;
use crate::feed::{FeedError, FeedProgress, Place, ShardJournal, Tail};
use crate::journal::{Batch, Position, ReadError};
use crate::limits::SUBSCRIBER_BODY_BYTES_MAX;
use crate::shard::local::LocalQueue;
use crate::types::record::RawRecord;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

pub(super) fn options() -> SubscriberOptions {
    SubscriberOptions {
        name: "crm".to_owned(),
        tenant: "acme".to_owned(),
        url: "http://127.0.0.1:9/".to_owned(),
        keys: vec![vec![7; 24]],
        kinds: Vec::new(),
        channels: Vec::new(),
        batch: 1,
        timeout_ms: 1_000,
        retry_ms: 2_000,
        retry_max_ms: 60_000,
        begin: Begin::Start,
    }
}

fn event(sequence: u64, text: &str) -> Event {
    Event {
        sequence,
        time_ms: sequence * 10,
        json: json!({ "id": format!("0-{sequence}"), "data": text }),
    }
}

#[test]
fn events_are_split_by_number_and_by_bytes_and_none_is_left_out() {
    let events: Vec<Event> = (1..=7).map(|number| event(number, "x")).collect();
    let made = messages(&events, 3);
    let shape = made
        .iter()
        .map(|it| (it.id.as_str(), it.events, it.last, it.first_ms));
    let shape: Vec<_> = shape.collect();
    assert_eq!(
        shape,
        [
            ("0-1_0-3", 3, 3, 10),
            ("0-4_0-6", 3, 6, 40),
            ("0-7_0-7", 1, 7, 70)
        ]
    );
    let single = messages(&events[..1], 1);
    assert_eq!(
        single[0].body,
        events[0].json.to_string(),
        "one event is no list"
    );
    assert_eq!(single[0].id, "0-1");
    let long = "x".repeat(SUBSCRIBER_BODY_BYTES_MAX * 2 / 3);
    let events: Vec<Event> = (1..=3).map(|number| event(number, &long)).collect();
    let counts: Vec<usize> = messages(&events, 100).iter().map(|it| it.events).collect();
    assert_eq!(counts, [2, 1], "a body ends once it is long");
    assert!(messages(&[], 5).is_empty());
}

#[test]
fn waits_double_up_to_the_longest_and_respect_what_was_asked_for() {
    let options = options();
    let waits: Vec<u64> = (1..=7)
        .map(|failures| wait_ms(&options, failures, 0))
        .collect();
    assert_eq!(waits, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    assert_eq!(wait_ms(&options, u32::MAX, 0), 60_000);
    assert_eq!(wait_ms(&options, 1, 30_000), 30_000, "it asked for more");
    assert_eq!(wait_ms(&options, 3, 1_000), 8_000, "it asked for less");
    assert_eq!(
        wait_ms(&options, 1, u64::MAX),
        60_000,
        "it cannot ask for ever"
    );
}

/// A journal that ends at `end` and whose records before `oldest` were removed.
pub(super) struct Trimmed {
    pub oldest: u64,
    pub end: u64,
}

/// Nothing more comes.
struct Silent;

impl Tail for Silent {
    fn next(&mut self, _: &mut dyn FnMut(&Batch<'_>)) -> Result<FeedProgress, FeedError> {
        Ok(FeedProgress::CaughtUp)
    }

    fn place(&self) -> Place {
        place(0)
    }

    fn publish_lag(&self) {}
}

fn place(sequence: u64) -> Place {
    Place {
        sequence,
        position: Position {
            segment: 1,
            offset: 0,
        },
        time_ms: 0,
    }
}

impl ShardJournal for Trimmed {
    fn shard(&self) -> u16 {
        0
    }

    fn end(&self) -> Place {
        place(self.end)
    }

    fn acknowledged(&self) -> u64 {
        self.end
    }

    fn tail(&self, _: &str, _: Place) -> Box<dyn Tail> {
        Box::new(Silent)
    }

    fn tail_from(&self, name: &str, sequence: u64) -> Result<Box<dyn Tail>, FeedError> {
        if sequence >= self.oldest {
            return Ok(Box::new(Silent));
        }
        Err(FeedError::Read {
            name: name.to_owned(),
            source: ReadError::NoSuchSequence { sequence },
        })
    }

    fn find(&self, _: u64, _: &mut dyn FnMut(&RawRecord<'_>, u64)) -> Result<bool, FeedError> {
        Ok(false)
    }
}

pub(super) fn kept(sequence: u64) -> Kept {
    Kept {
        tenant: "acme".to_owned(),
        shard: 0,
        sequence,
        gone: None,
    }
}

/// Serves a subscriber whose cursor is at 5, until it halts; then moves it to `moved`.
fn halts(directory: &Path, journal: Trimmed, says: &str, moved: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let options = Arc::new(options());
        let (orders, received) = mpsc::channel(1);
        let entry = Entry::new(Arc::clone(&options), Arc::new(journal), orders, &kept(5));
        let entry = Arc::new(entry);
        let sender = Sender::new(Http::new(1_000).expect("a client"), &options);
        let file = PlaceFile::new(directory, "crm");
        let queue = LocalQueue::new(Box::new(|| {}));
        let follower = Follower::new(Arc::clone(&entry), queue, sender, (file.clone(), kept(5)));
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(follower.run(received, stopped));
        let reached = async |state: State| {
            while entry.standing().state != state {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, reached(State::Halted))
            .await
            .expect("it halts");
        let (_, error) = entry.standing().last_error.expect("a reason");
        assert!(error.contains(says), "{error}");
        assert_eq!(entry.standing().sequence, 5, "it has not moved");
        entry.move_to(moved).await.expect("moved");
        assert_eq!(entry.standing().state, State::Active);
        let read = file.read().expect("readable").expect("there");
        assert_eq!(read.sequence, moved, "durable before anybody is told");
        let _ = stop.send(true);
        tokio::time::timeout(patience, running)
            .await
            .expect("it stops")
            .expect("no panic");
    });
}

#[test]
fn a_cursor_before_the_oldest_record_halts_until_it_is_moved() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = Trimmed { oldest: 9, end: 20 };
    halts(
        directory.path(),
        journal,
        "sequence 6 is not in the journal",
        12,
    );
}

#[test]
fn a_cursor_beyond_a_journal_that_was_cut_halts_until_it_is_moved() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = Trimmed { oldest: 1, end: 4 };
    halts(directory.path(), journal, "the journal ends at 3", 3);
}
