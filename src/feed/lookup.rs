//! One shard's journal as everything downstream sees it: tails that follow it, and single records
//! by their sequence.
//!
//! ```text
//!  sequence ─▶ index (one place every 64 KiB that any tail has passed) ─▶ read on ─▶ record
//! ```
//!
//! Behind this trait the kind of storage does not show, so readers need no type parameter.

use super::{Feed, FeedError, FeedProgress, Place};
use crate::journal::storage::Storage;
use crate::journal::{Batch, Position, Reader, SyncHandover};
use crate::types::record::{RawRecord, Records};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of journal between two indexed places.
const INDEX_DISTANCE_BYTES: u32 = 64 << 10;

/// Indexed places kept, 16 GiB of journal; beyond it the oldest is forgotten, and a lookup before
/// the oldest begins at its segment.
const INDEX_PLACES_MAX: usize = 1 << 18;

/// The journal of one shard, for readers.
pub trait ShardJournal: Send + Sync {
    /// Number of the shard.
    fn shard(&self) -> u16;

    /// The end of what is appended.
    fn end(&self) -> Place;

    /// Every record with a lower sequence is acknowledged.
    fn acknowledged(&self) -> u64;

    /// A reader called `name` in metrics that goes on at `from` and keeps no cursor file.
    fn tail(&self, name: &str, from: Place) -> Box<dyn Tail>;

    /// A reader called `name` in metrics whose first batch is the one with `sequence`, or one
    /// shortly before it.
    ///
    /// # Errors
    /// The journal cannot be read there.
    fn tail_from(&self, name: &str, sequence: u64) -> Result<Box<dyn Tail>, FeedError>;

    /// Hands the acknowledged record with this sequence to `read`, with the time of its batch
    /// (milliseconds since the Unix epoch). False where there is none.
    ///
    /// # Errors
    /// The journal cannot be read there.
    fn find(
        &self,
        sequence: u64,
        read: &mut dyn FnMut(&RawRecord<'_>, u64),
    ) -> Result<bool, FeedError>;
}

/// Follows a journal.
pub trait Tail: Send {
    /// Delivers the next acknowledged batch, if there is one.
    ///
    /// # Errors
    /// The journal cannot be read below the acknowledged mark.
    fn next(&mut self, deliver: &mut dyn FnMut(&Batch<'_>)) -> Result<FeedProgress, FeedError>;

    /// Where it goes on.
    fn place(&self) -> Place;

    /// Publishes how many records it is behind.
    fn publish_lag(&self);
}

/// [`ShardJournal`] over a storage.
pub struct JournalSource<S: Storage> {
    storage: Arc<S>,
    shard: u16,
    handover: Arc<SyncHandover>,
    index: Arc<Index>,
}

impl<S: Storage> JournalSource<S> {
    /// The journal of shard `shard` in `storage`; `handover` is the one of its appender.
    #[must_use]
    pub fn new(storage: Arc<S>, shard: u16, handover: Arc<SyncHandover>) -> Self {
        Self {
            storage,
            shard,
            handover,
            index: Arc::default(),
        }
    }

    fn failed(source: crate::journal::ReadError) -> FeedError {
        FeedError::Read {
            name: "lookup".to_owned(),
            source,
        }
    }
}

impl<S: Storage> ShardJournal for JournalSource<S> {
    fn shard(&self) -> u16 {
        self.shard
    }

    fn end(&self) -> Place {
        let (sequence, position) = self.handover.appended();
        Place {
            sequence,
            position,
            time_ms: 0,
        }
    }

    fn acknowledged(&self) -> u64 {
        self.handover.acknowledged()
    }

    fn tail(&self, name: &str, from: Place) -> Box<dyn Tail> {
        let storage = Arc::clone(&self.storage);
        let handover = Arc::clone(&self.handover);
        Box::new(IndexedTail {
            feed: Feed::transient_at(storage, self.shard, name, handover, from),
            shard: self.shard,
            index: Arc::clone(&self.index),
            noted: None,
        })
    }

    fn tail_from(&self, name: &str, sequence: u64) -> Result<Box<dyn Tail>, FeedError> {
        let (first, position) = if let Some(place) = self.index.at_or_before(sequence) {
            place
        } else {
            let storage = Arc::clone(&self.storage);
            let reader = Reader::near(storage, self.shard, sequence).map_err(Self::failed)?;
            (reader.next_sequence(), reader.position())
        };
        let from = Place {
            sequence: first,
            position,
            time_ms: 0,
        };
        Ok(self.tail(name, from))
    }

    fn find(
        &self,
        sequence: u64,
        read: &mut dyn FnMut(&RawRecord<'_>, u64),
    ) -> Result<bool, FeedError> {
        let mark = self.handover.acknowledged();
        if sequence >= mark {
            return Ok(false);
        }
        let storage = Arc::clone(&self.storage);
        let mut reader = match self.index.at_or_before(sequence) {
            Some((first, position)) => Reader::resume(storage, self.shard, position, first),
            None => Reader::near(storage, self.shard, sequence).map_err(Self::failed)?,
        };
        let mut noted = None;
        while let Some(batch) = reader.next(mark).map_err(Self::failed)? {
            self.index.note(&mut noted, &batch);
            let Some(place) = sequence.checked_sub(batch.sequence) else {
                return Ok(false);
            };
            if place < u64::from(batch.records) {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                let record = Records::new(batch.payload).nth(place);
                if let Some(record) = &record {
                    read(record, batch.time_ms);
                }
                return Ok(record.is_some());
            }
        }
        Ok(false)
    }
}

struct IndexedTail<S: Storage> {
    feed: Feed<S>,
    shard: u16,
    index: Arc<Index>,
    noted: Option<Position>,
}

impl<S: Storage> Tail for IndexedTail<S> {
    fn next(&mut self, deliver: &mut dyn FnMut(&Batch<'_>)) -> Result<FeedProgress, FeedError> {
        let Self {
            feed, index, noted, ..
        } = self;
        feed.step_most(1, &mut |batch| {
            index.note(noted, batch);
            deliver(batch);
        })
    }

    fn place(&self) -> Place {
        self.feed.place()
    }

    fn publish_lag(&self) {
        self.feed.publish_lag(self.shard);
    }
}

/// Where batches begin, by the sequence of their first record.
#[derive(Default)]
struct Index {
    places: RwLock<BTreeMap<u64, Position>>,
}

impl Index {
    /// Notes a batch, unless one shortly before it is noted. `noted` is the place that the same
    /// reader noted last: most batches cost a comparison.
    fn note(&self, noted: &mut Option<Position>, batch: &Batch<'_>) {
        if batch.records == 0 || noted.is_some_and(|last| near(last, batch.position)) {
            return;
        }
        *noted = Some(batch.position);
        let mut places = self.places.write();
        let before = places.range(..=batch.sequence).next_back();
        if before.is_some_and(|(_, &position)| near(position, batch.position)) {
            return;
        }
        places.insert(batch.sequence, batch.position);
        if places.len() > INDEX_PLACES_MAX {
            places.pop_first();
        }
    }

    fn at_or_before(&self, sequence: u64) -> Option<(u64, Position)> {
        let places = self.places.read();
        let (&first, &position) = places.range(..=sequence).next_back()?;
        Some((first, position))
    }
}

fn near(before: Position, position: Position) -> bool {
    before.segment == position.segment
        && position.offset.saturating_sub(before.offset) < INDEX_DISTANCE_BYTES
}
