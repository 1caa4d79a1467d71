//! The reader: takes in batches of every shard and writes each handful in one transaction.

use super::database::Database;
use super::error::HistoryError;
use super::place::{Place, hash};
use super::project::{At, Projector};
use super::target::HistoryTarget;
use crate::engine::record::Record;
use crate::feed::{Feed, FeedError, FeedProgress};
use crate::journal::storage::Storage;
use crate::journal::{Batch, SyncHandover};
use crate::metrics;
use crate::types::record::{ENGINE_KIND_MIN, Records};
use std::sync::Arc;

/// Name of the reader in the metric of lag.
const NAME: &str = "history";

/// The journal of one shard, as the history reads it.
pub struct HistorySource<S: Storage> {
    /// The shard.
    pub shard: u16,
    /// Its files.
    pub storage: Arc<S>,
    /// Tells how far it may be read: the hand-over of the shard's appender.
    pub handover: Arc<SyncHandover>,
}

impl<S: Storage> Clone for HistorySource<S> {
    fn clone(&self) -> Self {
        Self {
            shard: self.shard,
            storage: Arc::clone(&self.storage),
            handover: Arc::clone(&self.handover),
        }
    }
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryProgress {
    /// Records were written; more may be there.
    Wrote {
        /// How many records.
        records: u64,
        /// How many rows.
        rows: u64,
    },
    /// Everything acknowledged is in the database.
    CaughtUp,
}

/// A history database and the journals that it follows; owned by the thread that steps it. After
/// an error it must be opened again, and goes on where the database says it was.
pub struct History<S: Storage> {
    database: Database,
    shards: Vec<Shard<S>>,
    /// Which shard comes next.
    turn: usize,
}

struct Shard<S: Storage> {
    number: u16,
    feed: Feed<S>,
    projector: Projector,
    /// Where the database is; `None` before its first transaction.
    written: Option<u64>,
}

impl<S: Storage> History<S> {
    /// Connects to `target`, brings its tables to this build's version, and finds its place in each
    /// journal.
    ///
    /// # Errors
    /// The database cannot be used, or does not belong to these journals.
    pub async fn open(
        target: &HistoryTarget,
        sources: &[HistorySource<S>],
    ) -> Result<Self, HistoryError> {
        let mut database = Database::open(target).await?;
        let mut shards = Vec::with_capacity(sources.len());
        for source in sources {
            let place = database.place(source.shard).await?;
            let providers = database.providers(source.shard).await?;
            let sku_tenants = database.sku_tenants(source.shard).await?;
            shards.push(Shard {
                number: source.shard,
                feed: feed_at(&database.name, source, place.as_ref())?,
                projector: Projector::new(providers, sku_tenants),
                written: place.map(|place| place.next_sequence),
            });
        }
        Ok(Self {
            database,
            shards,
            turn: 0,
        })
    }

    /// Takes in batches of the next shard that has any, until `records_max` records are reached,
    /// and writes them with the new cursor in one transaction.
    ///
    /// # Errors
    /// See [`HistoryError`]. Nothing of this step is then in the database.
    pub async fn step(&mut self, records_max: u64) -> Result<HistoryProgress, HistoryError> {
        for _ in 0..self.shards.len() {
            let turn = self.turn;
            self.turn = (turn + 1) % self.shards.len();
            let Some(shard) = self.shards.get_mut(turn) else {
                break;
            };
            let Some(place) = shard.take_in(records_max)? else {
                shard.feed.publish_lag(shard.number);
                continue;
            };
            return shard.write(&mut self.database, &place).await;
        }
        Ok(HistoryProgress::CaughtUp)
    }

    /// Looks whether the database is where this reader left it: it may have been emptied, or another
    /// copy put in place.
    ///
    /// # Errors
    /// It is elsewhere, or cannot be read: open it again.
    pub async fn check(&mut self) -> Result<(), HistoryError> {
        for shard in &self.shards {
            let place = self.database.place(shard.number).await?;
            if place.map(|place| place.next_sequence) != shard.written {
                return Err(HistoryError::CursorMoved {
                    database: self.database.name.clone(),
                    shard: shard.number,
                });
            }
        }
        Ok(())
    }

    /// Lets a SQLite file grow by at most `pages` pages from now on: a disk that fills up.
    ///
    /// # Errors
    /// The database is not SQLite, or cannot be used.
    pub async fn limit_pages(&mut self, pages: u32) -> Result<(), HistoryError> {
        self.database.limit_pages(pages).await
    }

    /// Closes the database in good order.
    pub async fn close(self) {
        self.database.close().await;
    }
}

impl<S: Storage> Shard<S> {
    /// Reads batches into rows; the place behind them, or `None` where there was nothing to read.
    fn take_in(&mut self, records_max: u64) -> Result<Option<Place>, HistoryError> {
        let (number, projector) = (self.number, &mut self.projector);
        let read = std::cell::Cell::new(0);
        let mut behind = None;
        let mut deliver = |batch: &Batch<'_>| {
            // A batch without records only says what is synced; it needs no place of its own.
            if batch.records > 0 {
                take_batch(projector, number, batch);
                read.set(read.get() + u64::from(batch.records));
                behind = Some(Place::behind(batch));
            }
            read.get() < records_max
        };
        while self.feed.step_while(&mut deliver)? == FeedProgress::Delivered {
            if read.get() >= records_max {
                break;
            }
        }
        Ok(behind)
    }

    async fn write(
        &mut self,
        database: &mut Database,
        place: &Place,
    ) -> Result<HistoryProgress, HistoryError> {
        let records = std::mem::take(&mut self.projector.records);
        let mut taken = std::mem::take(&mut self.projector.rows);
        let shipped = std::mem::take(&mut taken.shipped);
        let mut rows = 0;
        database.begin().await?;
        database.advance(self.number, self.written, place).await?;
        for (table, values) in taken.into_tables() {
            rows += values.len() as u64;
            database.write(table, values).await?;
        }
        database.mark_shipped(self.number, shipped).await?;
        database.commit().await?;
        database.wrote(rows).await;
        self.written = Some(place.next_sequence);
        self.feed.publish_lag(self.number);
        let shard = self.number.to_string();
        ::metrics::counter!(metrics::HISTORY_ROWS, "shard" => shard.clone()).increment(rows);
        ::metrics::counter!(metrics::HISTORY_RECORDS, "shard" => shard).increment(records);
        Ok(HistoryProgress::Wrote { records, rows })
    }
}

fn take_batch(projector: &mut Projector, shard: u16, batch: &Batch<'_>) {
    let records = Records::new(batch.payload).take(batch.records as usize);
    for (raw, sequence) in records.zip(batch.sequence..) {
        if raw.kind < ENGINE_KIND_MIN {
            continue; // the journal's own: starts and seals
        }
        let at = At {
            shard,
            sequence,
            time_ms: batch.time_ms,
            actor: raw.actor,
        };
        if let Some(record) = Record::decode(&raw) {
            projector.record(&at, &record);
        } else {
            // `onhand verify` tells more about it; one record must not hold up all the others.
            tracing::warn!(
                shard,
                sequence,
                kind = raw.kind,
                "the history leaves out a record that this build cannot decode"
            );
        }
    }
}

/// A feed that delivers next what `place` does not cover, once the journal has shown that it is the
/// one that the database was written from.
fn feed_at<S: Storage>(
    database: &str,
    source: &HistorySource<S>,
    place: Option<&Place>,
) -> Result<Feed<S>, HistoryError> {
    let (storage, handover) = (Arc::clone(&source.storage), Arc::clone(&source.handover));
    let shard = source.shard;
    let Some(place) = place else {
        return Ok(Feed::transient(storage, shard, NAME, handover));
    };
    let end = handover.acknowledged();
    if place.next_sequence > end {
        return Err(HistoryError::AheadOfJournal {
            database: database.to_owned(),
            shard,
            cursor: place.next_sequence,
            end,
        });
    }
    let at = crate::feed::Place {
        sequence: place.batch_sequence,
        position: place.position(),
        time_ms: place.time_ms,
    };
    let mut feed = Feed::transient_at(storage, shard, NAME, handover, at);
    let mut same = false;
    let looked = feed.step_while(&mut |batch| {
        same = batch.sequence == place.batch_sequence && hash(batch) == place.hash;
        // An empty batch may stand in front of the one looked for.
        batch.records == 0
    });
    match looked {
        Ok(_) if same && feed.next_sequence() == place.next_sequence => Ok(feed),
        Ok(_)
        | Err(FeedError::Read {
            source: crate::journal::ReadError::Damage(_),
            ..
        }) => Err(HistoryError::OtherJournal {
            database: database.to_owned(),
            shard,
            sequence: place.batch_sequence,
        }),
        Err(error) => Err(error.into()),
    }
}
