//! Subscribers of events at start: who they are, and the thread that serves them.

use super::error::ServerError;
use super::route_of;
use super::threads::ShardAccess;
use crate::adapters::facts::OrderFactsStore;
use crate::config::{self, Config};
use crate::events::subscribers::{ShardSource, SubscriberOptions, Subscribers};
use crate::journal::storage::Storage;
use std::path::Path;
use std::sync::Arc;

/// The configured subscribers; none without a subscribers file.
///
/// # Errors
/// The file cannot be read or does not hold.
pub(super) fn config_of(config: &Config) -> Result<Vec<SubscriberOptions>, ServerError> {
    let Some(path) = &config.subscribers else {
        return Ok(Vec::new());
    };
    let subscribers = config::subscribers::load(path);
    subscribers.map_err(|error| ServerError::Subscribers(Box::new(error)))
}

/// Starts serving them.
///
/// # Errors
/// A cursor cannot be used, or the thread not be started.
pub(super) fn start<S: Storage>(
    access: &[ShardAccess<S>],
    facts: &OrderFactsStore,
    subscribers: Vec<SubscriberOptions>,
    (config, data): (&Config, &Path),
) -> Result<Subscribers, ServerError> {
    let sources = access.iter().zip(facts.shards());
    let sources: Vec<ShardSource> = sources
        .map(|(one, handle)| ShardSource {
            journal: Arc::clone(&handle.journal),
            queue: Arc::clone(&one.queue),
        })
        .collect();
    let started = Subscribers::start(&sources, subscribers, data, &route_of(config));
    started.map_err(|error| ServerError::Subscribers(Box::new(error)))
}
