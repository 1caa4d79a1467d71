//! Writing the history anew from a data directory.

use super::database::Database;
use super::error::HistoryError;
use super::reader::{History, HistoryProgress, HistorySource};
use super::target::HistoryTarget;
use super::worker::STEP_RECORDS;
use crate::journal::{MappedStorage, ReadError, Reader, SyncHandover, SyncMode};
use std::path::Path;
use std::sync::Arc;

/// What a rebuild wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Shards read.
    pub shards: usize,
    /// Records taken in.
    pub records: u64,
    /// Rows written.
    pub rows: u64,
}

/// Empties `target`, so that the next reader writes everything anew.
///
/// # Errors
/// The database cannot be used.
pub fn clear(target: &HistoryTarget) -> Result<(), HistoryError> {
    runtime()?.block_on(async {
        let mut database = Database::open(target).await?;
        database.clear().await?;
        database.close().await;
        Ok(())
    })
}

/// Brings `target` up to date with the journals of the data directory `data`, which nobody serves:
/// `shards` are their numbers and directories. `progress` is told records done, now and then.
///
/// # Errors
/// The database cannot be used, or a journal cannot be read.
pub fn catch_up(
    target: &HistoryTarget,
    shards: &[(u16, std::path::PathBuf)],
    progress: &mut dyn FnMut(u64),
) -> Result<Rebuilt, HistoryError> {
    let mut sources = Vec::new();
    for (shard, directory) in shards {
        sources.push(at_rest(*shard, directory)?);
    }
    let mut rebuilt = Rebuilt {
        shards: sources.len(),
        ..Rebuilt::default()
    };
    runtime()?.block_on(async {
        let mut history = History::open(target, &sources).await?;
        while let HistoryProgress::Wrote { records, rows } = history.step(STEP_RECORDS).await? {
            rebuilt.records += records;
            rebuilt.rows += rows;
            progress(rebuilt.records);
        }
        history.close().await;
        Ok(rebuilt)
    })
}

/// The journal of a directory that nobody writes: read up to what was known to be durable, since
/// the next start may cut what lies behind.
fn at_rest(shard: u16, directory: &Path) -> Result<HistorySource<MappedStorage>, HistoryError> {
    let storage = Arc::new(MappedStorage::read_only(directory));
    let tail = Reader::new(Arc::clone(&storage), shard)
        .tail()
        .map_err(|source: ReadError| crate::feed::FeedError::Read {
            name: "history".to_owned(),
            source,
        })?;
    let end = tail.synced.min(tail.next_sequence);
    let handover = SyncHandover::new(SyncMode::Always, end, tail.position);
    Ok(HistorySource {
        shard,
        storage,
        handover: Arc::new(handover),
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, HistoryError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(HistoryError::Thread)
}
