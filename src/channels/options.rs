//! One configured channel: a shop at a marketplace.

use super::api::{ApiOptions, Tokens};
use super::delivery::Secrets;
use crate::limits::NAME_BYTES_MAX;
use crate::types::secret::Secret;
use crate::types::{ChannelId, ChannelKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest time of one call of a channel's API, in milliseconds.
const API_TIMEOUT_MS: u64 = 10_000;

/// A shop at a marketplace, as the channels file describes it. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct ChannelOptions {
    /// The merchant's number of the channel, from 1.
    pub number: ChannelId,
    /// Its name in metrics and lists.
    pub name: String,
    /// Which marketplace.
    pub kind: ChannelKind,
    /// Name of the tenant whose orders it brings.
    pub tenant: String,
    /// The shop's id: in the path of its webhooks, and in what the marketplace sends.
    pub shop: String,
    /// The URL that is registered with the marketplace; Shopee signs it.
    pub registered_url: String,
    /// What its deliveries are verified with.
    pub secrets: Secrets,
    /// Where its API is; empty: its marketplace's own address.
    pub base_url: String,
    /// What API calls take, by name.
    pub credentials: BTreeMap<String, Secret>,
    /// Its access token, where it is renewed; shared by all of its API clients.
    pub tokens: Option<Arc<Tokens>>,
    /// Ids and choices that are no secrets, by name.
    pub settings: BTreeMap<String, String>,
    /// The only currency that its orders may have, ISO 4217 number; `None`: any.
    pub currency: Option<u16>,
    /// How often changed orders are asked for, in milliseconds; 0: never.
    pub poll_ms: u64,
    /// Wait before an order's detail is asked for a second time, in milliseconds; it doubles.
    pub fetch_retry_ms: u64,
}

impl ChannelOptions {
    /// A setting; empty where it is not there.
    #[must_use]
    pub fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }

    /// A credential; empty where it is not there.
    #[must_use]
    pub fn credential(&self, name: &str) -> &str {
        self.credentials.get(name).map_or("", Secret::reveal)
    }

    /// What its API client is made with.
    #[must_use]
    pub fn api(&self) -> ApiOptions {
        ApiOptions {
            kind: self.kind,
            base_url: self.base_url.clone(),
            timeout_ms: API_TIMEOUT_MS,
            shop: self.shop.clone(),
            secrets: self.credentials.clone(),
            settings: self.settings.clone(),
            tokens: self.tokens.clone(),
        }
    }

    /// Who acts in the journal, where this channel does.
    #[must_use]
    pub fn actor(&self) -> String {
        let name = format!("channel:{}", self.name);
        name.get(..name.floor_char_boundary(NAME_BYTES_MAX))
            .unwrap_or_default()
            .to_owned()
    }

    /// The engine knows an event by this: whose, which channel, and the channel's own event.
    #[must_use]
    pub fn event_id(&self, event: u128) -> u128 {
        let mut hasher = blake3::Hasher::new_derive_key("onhand channel event v1");
        hasher.update(self.tenant.as_bytes());
        hasher.update(&[0]);
        hasher.update(&self.number.0.to_le_bytes());
        hasher.update(&event.to_le_bytes());
        let first = hasher.finalize().as_bytes().first_chunk().copied();
        first.map_or(1, u128::from_le_bytes).max(1)
    }
}
