//! What HTTP is given: the engines' queues, tokens, and who sends callbacks.

use super::error::ServerError;
use super::route_of;
use super::threads::ShardAccess;
use crate::adapters::facts::{FactsError, Links, OrderFactsStore};
use crate::adapters::fulfilment::notice::Notices;
use crate::channels::ChannelOptions;
use crate::config::Config;
use crate::config::process::ProcessConfig;
use crate::events::subscribers::Board;
use crate::gateway::callbacks::{ALL_TENANTS, DEFAULT_TENANT, Follow, Source, sends_callbacks};
use crate::gateway::dashboard::Dashboard;
use crate::gateway::engines::{
    Engines, FindOrder, FoundOrder, LookUpError, LookedUp, LookedUpDetails,
};
use crate::gateway::track::TrackKey;
use crate::gateway::{HttpLimits, Services};
use crate::journal::storage::Storage;
use crate::net::listener::ListenerOptions;
use crate::net::tls;
use crate::types::OrderKey;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Setting of WhatsApp's callbacks: the environment variable that holds the handshake's token.
const VERIFY_TOKEN_ENV: &str = "verify_token_env";

/// Links to the pages of orders' buyers, where there is an address that buyers can reach.
pub(super) fn links(config: &Config, secret: &[u8]) -> Option<Links> {
    let (public, key) = (config.public_url.clone()?, TrackKey::derive(secret));
    Some(Box::new(move |tenant, order| {
        let path = key.path(tenant, order);
        path.map_or_else(String::new, |path| public.with(&path))
    }))
}

/// The dashboard, the channels, who is sent events, and the secret of the data directory.
pub(super) type More<'a> = (Dashboard, Arc<[ChannelOptions]>, Board, &'a [u8]);

/// For the gateway.
pub(super) fn services<S: Storage>(
    config: &Config,
    options: &ListenerOptions,
    access: &[ShardAccess<S>],
    facts: Arc<OrderFactsStore>,
    process: Option<&ProcessConfig>,
    (dashboard, channels, subscribers, secret): More<'_>,
) -> Result<Services, ServerError> {
    let queues = access.iter().map(|one| Arc::clone(&one.queue)).collect();
    let journals = facts.shards().iter();
    let journals = journals.map(|shard| Arc::clone(&shard.journal)).collect();
    let find = Arc::new(Facts(facts));
    Ok(Services {
        engines: Engines::new(queues, Arc::new(route_of(config)), find),
        tokens: options.tokens.clone().map(Arc::new),
        callbacks: process.map_or(Ok(Vec::new()), sources)?.into(),
        channels,
        follow: Arc::new(Shipments::of(process)?),
        dashboard: Some(dashboard),
        journals,
        subscribers,
        requests_per_second: NonZeroU32::new(config.http_requests_per_second)
            .unwrap_or(NonZeroU32::MIN),
        limits: HttpLimits {
            connections: config.http_connections_max,
            head_ms: config.http_head_timeout_ms,
            body_ms: config.http_body_timeout_ms,
        },
        track: TrackKey::derive(secret),
        tls: match (&config.http_tls_cert, &config.http_tls_key) {
            (Some(cert), Some(key)) => Some(tls::server_config(cert, key)?),
            _ => None,
        },
    })
}

/// Who sends callbacks, by the configuration of the process.
fn sources(process: &ProcessConfig) -> Result<Vec<Source>, ServerError> {
    let mut sources = Vec::new();
    for (name, options) in &process.callbacks {
        let mut settings = options.settings.clone();
        let verify_token = match settings.remove(VERIFY_TOKEN_ENV) {
            None => String::new(),
            Some(variable) => std::env::var(&variable).map_err(|_| {
                let what = format!("provider `{name}`: set the environment variable `{variable}`");
                ServerError::Process(what.into())
            })?,
        };
        let tenant = settings.get("tenant").filter(|it| *it != ALL_TENANTS);
        let source = Source {
            name: name.clone(),
            kind: options.kind.clone(),
            tenant: tenant.map_or(DEFAULT_TENANT, String::as_str).to_owned(),
            secrets: options
                .secrets
                .iter()
                .map(|secret| secret.reveal().as_bytes().to_vec())
                .collect(),
            verify_token: verify_token.into_bytes(),
            settings,
        };
        let checked = source.check();
        checked.map_err(|what| ServerError::Process(what.into()))?;
        sources.push(source);
    }
    for provider in &process.providers {
        let name = &provider.name;
        if sends_callbacks(&provider.kind) && !process.callbacks.contains_key(name) {
            tracing::info!(
                provider = name,
                "no callback secret is configured, so its callbacks are refused"
            );
        }
    }
    Ok(sources)
}

/// Orders as the adapters' store has them.
struct Facts(Arc<OrderFactsStore>);

impl FindOrder for Facts {
    fn by_number(&self, shard: u16, sequence: u64) -> BoxFuture<'_, LookedUp> {
        Box::pin(async move {
            match self.0.find(shard, sequence).await {
                Ok(facts) => Ok(Some(FoundOrder {
                    tenant: facts.tenant.clone(),
                    order: facts.order,
                })),
                Err(error) => not_found(&error),
            }
        })
    }

    fn details(&self, shard: u16, sequence: u64) -> BoxFuture<'_, LookedUpDetails> {
        Box::pin(async move {
            match self.0.details(shard, sequence).await {
                Ok(details) => Ok(Some(details)),
                Err(error) => not_found(&error),
            }
        })
    }

    fn by_key(&self, order: OrderKey) -> Vec<(u16, String)> {
        let found = self.0.latest(order).into_iter();
        found
            .map(|(shard, facts)| (shard, facts.tenant.clone()))
            .collect()
    }
}

/// What is answered where an order is not in the store, nor readable from the journal.
fn not_found<T>(error: &FactsError) -> Result<Option<T>, LookUpError> {
    match error {
        FactsError::NoSuchOrder { .. } => Ok(None),
        FactsError::Undecodable { .. } => Err(LookUpError::Unreadable(error.to_string())),
        _ => Err(LookUpError::NotNow(error.to_string())),
    }
}

/// Accounts whose notifications point at shipments, by provider.
struct Shipments(BTreeMap<String, Notices>);

impl Shipments {
    fn of(process: Option<&ProcessConfig>) -> Result<Self, ServerError> {
        let mut accounts = BTreeMap::new();
        let providers = process.map_or(&[][..], |process| &process.providers);
        for provider in providers.iter().filter(|one| one.kind == "shipstation") {
            let notices = Notices::new(provider);
            let notices = notices.map_err(|error| ServerError::Process(Box::new(error)))?;
            accounts.insert(provider.name.clone(), notices);
        }
        Ok(Self(accounts))
    }
}

impl Follow for Shipments {
    fn get<'a>(
        &'a self,
        provider: &'a str,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(async move {
            match self.0.get(provider) {
                Some(notices) => notices.read(url).await,
                None => Err(format!("provider `{provider}` is in no pipeline")),
            }
        })
    }
}
