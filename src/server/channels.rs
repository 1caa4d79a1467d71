//! Sales channels at start: which there are, the thread that works off what they send, and the one
//! that tells them what is left.

use super::error::ServerError;
use super::route_of;
use super::threads::ShardAccess;
use crate::adapters::facts::OrderFactsStore;
use crate::channels::api::{self, Tokens};
use crate::channels::intake::{Intake, OnFailure, ShardSource};
use crate::channels::publish::{self, Publisher};
use crate::channels::{ChannelOptions, Standing};
use crate::config::{self, Config};
use crate::journal::storage::Storage;
use std::io;
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

/// Where the data directory has the tokens that marketplaces gave out, a file a channel.
const TOKENS: &str = "channel-tokens";

/// The channels with their tokens, as the data directory has them.
fn with_tokens(channels: &[ChannelOptions], config: &Config) -> io::Result<Arc<[ChannelOptions]>> {
    let folder = config.data.join(TOKENS);
    let mut all = Vec::with_capacity(channels.len());
    for channel in channels {
        let tokens = api::tokens(&folder, &channel.name, &channel.api());
        let tokens = tokens
            .map_err(|error| io::Error::other(format!("channel `{}`: {error}", channel.name)))?;
        all.push(ChannelOptions {
            tokens,
            ..channel.clone()
        });
    }
    Ok(all.into())
}

/// The threads that work for channels; none without channels.
pub(super) struct ChannelWork {
    tokens: Vec<Arc<Tokens>>,
    intake: Option<Intake>,
    publisher: Option<Publisher>,
}

impl ChannelWork {
    /// Starts working off what these channels send, and telling them what is left.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start<S: Storage>(
        access: &[ShardAccess<S>],
        channels: &Arc<[ChannelOptions]>,
        facts: &OrderFactsStore,
        config: &Config,
        on_failure: &OnFailure,
    ) -> Result<Self, ServerError> {
        if channels.is_empty() {
            return Ok(Self {
                tokens: Vec::new(),
                intake: None,
                publisher: None,
            });
        }
        let failed = |name: &'static str| {
            move |source| ServerError::Thread {
                name: name.to_owned(),
                source,
            }
        };
        let channels = &with_tokens(channels, config).map_err(failed("onhand-channels"))?;
        let tokens = channels.iter().filter_map(|one| one.tokens.clone());
        let tokens = tokens.collect();
        let standings: Vec<Arc<Standing>> = channels.iter().map(|_| Arc::default()).collect();
        let channels = (channels, standings.as_slice());
        let intake = start_intake(access, (config, channels), facts, Arc::clone(on_failure));
        let intake = intake.map_err(failed("onhand-channels"))?;
        match start_publisher(access, channels, facts, config, Arc::clone(on_failure)) {
            Ok(publisher) => Ok(Self {
                tokens,
                intake: Some(intake),
                publisher: Some(publisher),
            }),
            Err(error) => {
                intake.stop();
                Err(failed("onhand-publish")(error))
            }
        }
    }

    /// Ends them. The shards must still answer meanwhile.
    pub fn stop(self) {
        if let Some(intake) = self.intake {
            intake.stop();
        }
        if let Some(publisher) = self.publisher {
            publisher.stop();
        }
        self.tokens.iter().for_each(|tokens| tokens.finish());
    }
}

/// Every channel, and what its intake tells its publisher.
type Channels<'a> = (&'a Arc<[ChannelOptions]>, &'a [Arc<Standing>]);

fn start_intake<S: Storage>(
    access: &[ShardAccess<S>],
    (config, channels): (&Config, Channels<'_>),
    facts: &OrderFactsStore,
    on_failure: OnFailure,
) -> io::Result<Intake> {
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
    Intake::start(sources.collect(), channels, &route_of(config), on_failure)
}

fn start_publisher<S: Storage>(
    access: &[ShardAccess<S>],
    (channels, standings): Channels<'_>,
    facts: &OrderFactsStore,
    config: &Config,
    on_failure: OnFailure,
) -> io::Result<Publisher> {
    let sources = access
        .iter()
        .zip(facts.shards())
        .map(|(one, handle)| publish::ShardSource {
            journal: Arc::clone(&handle.journal),
            queue: Arc::clone(&one.queue),
            from: one.recovered_end,
            tenants: one.tenants.clone(),
        });
    let route = route_of(config);
    let channels: Vec<(ChannelOptions, usize, Arc<Standing>)> = channels
        .iter()
        .zip(standings)
        .map(|(channel, standing)| {
            let shard = route(&channel.tenant);
            (channel.clone(), shard, Arc::clone(standing))
        })
        .collect();
    Publisher::start(sources.collect(), &channels, on_failure)
}
