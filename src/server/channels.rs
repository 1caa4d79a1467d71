//! Sales channels at start: which there are, and the thread that works off what they send.

use super::error::ServerError;
use super::threads::ShardAccess;
use crate::adapters::facts::OrderFactsStore;
use crate::channels::ChannelOptions;
use crate::channels::intake::{Intake, OnFailure, ShardSource};
use crate::config::{self, Config};
use crate::journal::storage::Storage;
use std::sync::Arc;

/// The configured channels; none without a channels file.
///
/// # Errors
/// The file cannot be read or does not hold.
pub(super) fn config_of(config: &Config) -> Result<Arc<[ChannelOptions]>, ServerError> {
    let Some(path) = &config.channels else {
        return Ok(Arc::from([]));
    };
    let channels = config::channels::load(path);
    let channels = channels.map_err(|error| ServerError::Channels(Box::new(error)))?;
    Ok(channels.into())
}

/// Starts working off what these channels send; nothing without channels.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn start_intake<S: Storage>(
    access: &[ShardAccess<S>],
    channels: &Arc<[ChannelOptions]>,
    facts: &OrderFactsStore,
    on_failure: OnFailure,
) -> Result<Option<Intake>, ServerError> {
    if channels.is_empty() {
        return Ok(None);
    }
    let sources = access
        .iter()
        .zip(facts.shards())
        .map(|(one, handle)| ShardSource {
            journal: Arc::clone(&handle.journal),
            queue: Arc::clone(&one.queue),
            from: one.recovered_end,
            open: one.open_events.clone(),
            tenants: one.tenants.clone(),
        });
    let intake = Intake::start(sources.collect(), channels, on_failure);
    let thread = |source| ServerError::Thread {
        name: "onhand-channels".to_owned(),
        source,
    };
    intake.map(Some).map_err(thread)
}
