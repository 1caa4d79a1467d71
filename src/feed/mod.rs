//! Cursors over the journal for everything downstream.
//!
//! ```text
//!  journal ─▶ … records … ▕ acknowledged mark
//!               ▲ reader of `history`   ▲ reader of `open-orders`
//!               └ cursors/history       └ transient: begins anew at every start
//! ```
//!
//! A feed reads acknowledged batches straight from the segments, on a thread of its own; the engine
//! neither knows nor waits for it. Its place is kept in a small file, so after a restart it goes on
//! from the last commit: every record arrives at least once, in order. A slow feed lags, which
//! [`Feed::lag`] shows; nothing is dropped for it.

mod cursor;
mod lookup;

#[cfg(test)]
pub mod played;
#[cfg(test)]
mod tests;

use crate::clock;
use crate::journal::storage::Storage;
use crate::journal::{Position, ReadError, Reader, SyncHandover};
use cursor::Cursor;
use std::sync::Arc;

pub use crate::journal::Batch;
pub use cursor::{CURSOR_BYTES, CURSOR_NAME_BYTES_MAX, CursorError, Place};
pub use lookup::{JournalSource, ShardJournal, Tail};

/// Batches that one step reads at most.
pub const STEP_BATCHES_MAX: usize = 256;

/// Why a feed stopped. The journal and the other feeds go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The cursor file cannot be used.
    #[error("feed `{name}`: {source}")]
    Cursor {
        /// The feed.
        name: String,
        /// What is wrong with its cursor.
        #[source]
        source: CursorError,
    },
    /// The journal cannot be read.
    #[error("feed `{name}`: {source}")]
    Read {
        /// The feed.
        name: String,
        /// Why not.
        #[source]
        source: ReadError,
    },
    /// The cursor is past the end of the journal, which in the modes `interval` and `os` a power
    /// cut may have shortened. Records with the same sequences and another content may come.
    #[error(
        "feed `{name}` has read up to sequence {cursor}, but the journal ends at {end}: it was cut \
         below what this feed has seen. Bring what it feeds back to that point, then remove the \
         cursor file to read from the start"
    )]
    AheadOfJournal {
        /// The feed.
        name: String,
        /// The sequence it wants next.
        cursor: u64,
        /// The sequence that the journal gives next.
        end: u64,
    },
}

/// What one step of a feed did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedProgress {
    /// Batches were delivered; more may be there.
    Delivered,
    /// Everything acknowledged is delivered.
    CaughtUp,
}

/// How far a feed is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedLag {
    /// Acknowledged records that it has not read.
    pub records: u64,
    /// Age of the last batch it read, in milliseconds, while there is more to read; else 0.
    pub ms: u64,
}

/// A named reader of one shard's journal; owned by the thread that steps it.
pub struct Feed<S: Storage> {
    name: String,
    reader: Reader<S>,
    handover: Arc<SyncHandover>,
    /// `None` for a transient feed.
    cursor: Option<Cursor<S::File>>,
    /// Time of the last batch read, in milliseconds since the Unix epoch.
    time_ms: u64,
}

impl<S: Storage> Feed<S> {
    /// The feed `name` (lower-case letters, digits and dashes, at most 64 bytes) of shard `shard`,
    /// where its last commit left it, or at the first record of all. `handover` is the one of the
    /// shard's appender.
    ///
    /// # Errors
    /// The name is none, or the cursor file cannot be used.
    pub fn open(
        storage: Arc<S>,
        shard: u16,
        name: &str,
        handover: Arc<SyncHandover>,
    ) -> Result<Self, FeedError> {
        let failed = |source| FeedError::Cursor {
            name: name.to_owned(),
            source,
        };
        let (cursor, place) = Cursor::open(&*storage, shard, name).map_err(failed)?;
        let end = handover.appended().0;
        if place.sequence > end {
            return Err(FeedError::AheadOfJournal {
                name: name.to_owned(),
                cursor: place.sequence,
                end,
            });
        }
        let reader = Reader::resume(storage, shard, place.position, place.sequence);
        Ok(Self {
            name: name.to_owned(),
            reader,
            handover,
            cursor: Some(cursor),
            time_ms: place.time_ms,
        })
    }

    /// A feed that keeps no cursor and begins at the first record of all: for views in memory.
    #[must_use]
    pub fn transient(storage: Arc<S>, shard: u16, name: &str, handover: Arc<SyncHandover>) -> Self {
        Self {
            name: name.to_owned(),
            reader: Reader::new(storage, shard),
            handover,
            cursor: None,
            time_ms: 0,
        }
    }

    /// A feed that keeps no cursor and goes on at `from`.
    #[must_use]
    pub fn transient_at(
        storage: Arc<S>,
        shard: u16,
        name: &str,
        handover: Arc<SyncHandover>,
        from: Place,
    ) -> Self {
        Self {
            name: name.to_owned(),
            reader: Reader::resume(storage, shard, from.position, from.sequence),
            handover,
            cursor: None,
            time_ms: from.time_ms,
        }
    }

    /// Delivers the next acknowledged batches, at most [`STEP_BATCHES_MAX`].
    ///
    /// # Errors
    /// The journal cannot be read below the acknowledged mark.
    pub fn step(&mut self, deliver: &mut dyn FnMut(&Batch<'_>)) -> Result<FeedProgress, FeedError> {
        self.step_most(STEP_BATCHES_MAX, deliver)
    }

    /// As [`Feed::step`], at most `batches`.
    fn step_most(
        &mut self,
        batches: usize,
        deliver: &mut dyn FnMut(&Batch<'_>),
    ) -> Result<FeedProgress, FeedError> {
        let mut left = batches;
        if left == 0 {
            return Ok(FeedProgress::Delivered);
        }
        self.step_while(&mut |batch| {
            deliver(batch);
            left -= 1;
            left > 0
        })
    }

    /// As [`Feed::step`], but ends early, behind the batch for which `deliver` returns false.
    ///
    /// # Errors
    /// The journal cannot be read below the acknowledged mark.
    pub fn step_while(
        &mut self,
        deliver: &mut dyn FnMut(&Batch<'_>) -> bool,
    ) -> Result<FeedProgress, FeedError> {
        let mark = self.handover.acknowledged();
        for _ in 0..STEP_BATCHES_MAX {
            let next = self.reader.next(mark).map_err(|source| FeedError::Read {
                name: self.name.clone(),
                source,
            })?;
            let Some(batch) = next else {
                return Ok(FeedProgress::CaughtUp);
            };
            let more = deliver(&batch);
            self.time_ms = batch.time_ms;
            if !more {
                break;
            }
        }
        Ok(FeedProgress::Delivered)
    }

    /// Makes the present place durable: what was delivered so far does not come again. Does
    /// nothing for a transient feed, or where nothing was delivered since the last commit.
    ///
    /// # Errors
    /// The cursor file cannot be written. The feed must be opened again.
    pub fn commit(&mut self) -> Result<(), FeedError> {
        let place = self.place();
        let Some(cursor) = &mut self.cursor else {
            return Ok(());
        };
        cursor.commit(place).map_err(|source| FeedError::Cursor {
            name: self.name.clone(),
            source,
        })
    }

    /// How far it is behind at `now_ms`, milliseconds since the Unix epoch.
    #[must_use]
    pub fn lag(&self, now_ms: u64) -> FeedLag {
        let records = self
            .handover
            .acknowledged()
            .saturating_sub(self.reader.next_sequence());
        let ms = if records == 0 {
            0
        } else {
            now_ms.saturating_sub(self.time_ms)
        };
        FeedLag { records, ms }
    }

    /// Its lag by the wall clock, as a metric and as a value.
    pub fn publish_lag(&self, shard: u16) -> FeedLag {
        let lag = self.lag(clock::now_ms());
        metrics::gauge!(
            crate::metrics::FEED_LAG,
            "shard" => shard.to_string(),
            "reader" => self.name.clone()
        )
        .set(lag.records as f64);
        lag
    }

    /// Where it goes on.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            sequence: self.reader.next_sequence(),
            position: self.reader.position(),
            time_ms: self.time_ms,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sequence of the record that comes next.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.reader.next_sequence()
    }

    /// Where in the journal it is.
    #[must_use]
    pub fn position(&self) -> Position {
        self.reader.position()
    }
}
