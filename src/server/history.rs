//! The history of a server: which database, which journals.

use super::error::ServerError;
use super::threads::ShardAccess;
use crate::config::Config;
use crate::history::{HistorySource, HistoryTarget, HistoryThread, spawn};
use crate::journal::storage::Storage;
use std::sync::Arc;

/// Starts the history that the configuration names; `None` where it is off.
///
/// # Errors
/// The name is none, or the system gives no thread. A database that cannot be used is no error.
pub(super) fn start<S: Storage>(
    config: &Config,
    shards: &[ShardAccess<S>],
) -> Result<Option<HistoryThread>, ServerError> {
    let Some(target) = HistoryTarget::parse(config.history.as_str(), &config.data)? else {
        return Ok(None);
    };
    let sources = shards.iter().map(|access| HistorySource {
        shard: access.number,
        storage: Arc::clone(&access.storage),
        handover: Arc::clone(&access.handover),
    });
    Ok(Some(spawn(target, sources.collect())?))
}
