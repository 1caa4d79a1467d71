//! What can be asked of a marketplace: one set of calls, a file each that speaks its API.
//!
//! A call makes one attempt. Whether to make another is for the caller to decide, from the class of
//! the error; whatever writes is safe to make again, because quantities are absolute.

mod client;
mod tokens;
#[cfg(test)]
mod tokens_tests;

pub use client::{Client, Reply};
pub use tokens::{Renewed, Renewer, Token, Tokens};

use super::incoming::{ChannelLine, Incoming, Unreadable};
use crate::types::ChannelKind;
use crate::types::secret::Secret;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Code of [`ApiError::Retry`] where an item was not written because another one was refused.
pub const NOT_WRITTEN: &str = "not_written";

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// It may work another time; whether something was changed is not known.
    #[error("{code}: {message}")]
    Retry {
        /// A word for it, such as `timeout`.
        code: String,
        /// In the marketplace's words.
        message: String,
    },
    /// Too many calls; nothing was changed.
    #[error("too many calls, wait {wait_ms} ms: {message}")]
    RateLimited {
        /// How long to wait, in milliseconds; 0 where it does not say.
        wait_ms: u64,
        /// In the marketplace's words.
        message: String,
    },
    /// It will not work this way; nothing was changed.
    #[error("refused with {code}: {message}")]
    Rejected {
        /// The marketplace's code.
        code: String,
        /// In the marketplace's words.
        message: String,
    },
    /// Token or signature are not accepted: a person has to renew or mend them.
    #[error("not authorised, renew the channel's credentials: {message}")]
    Unauthorised {
        /// In the marketplace's words.
        message: String,
    },
    /// The access token is not accepted any more; nothing was changed. Callers of a
    /// [`Marketplace`] get it as [`ApiError::Unauthorised`], where it cannot be renewed.
    #[error("the access token is not accepted any more: {message}")]
    Expired {
        /// In the marketplace's words.
        message: String,
    },
    /// The quantity is not the one that the write was made from; nothing was changed.
    #[error("the marketplace's quantity has changed in between")]
    Stale {
        /// What it is now, where the answer says so.
        current: Option<i64>,
    },
}

impl ApiError {
    /// A word for metrics: `retry`, `rate_limited`, `rejected`, `unauthorised` or `stale`.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::RateLimited { .. } => "rate_limited",
            Self::Rejected { .. } => "rejected",
            Self::Unauthorised { .. } | Self::Expired { .. } => "unauthorised",
            Self::Stale { .. } => "stale",
        }
    }

    /// An attempt that may be made again.
    pub(in crate::channels) fn retry(code: impl Into<String>, message: &str) -> Self {
        Self::Retry {
            code: code.into(),
            message: super::text::line(message),
        }
    }

    /// A refusal.
    pub(in crate::channels) fn rejected(code: impl Into<String>, message: &str) -> Self {
        Self::Rejected {
            code: code.into(),
            message: super::text::line(message),
        }
    }

    /// A throttled call.
    pub(super) fn limited(wait_ms: u64, message: &str) -> Self {
        Self::RateLimited {
            wait_ms,
            message: super::text::line(message),
        }
    }

    /// An access token that is not accepted any more.
    pub(super) fn expired(message: &str) -> Self {
        Self::Expired {
            message: super::text::line(message),
        }
    }

    /// As callers get it, where another token is refused as well.
    pub(super) fn final_word(self) -> Self {
        match self {
            Self::Expired { message } => Self::Unauthorised { message },
            other => other,
        }
    }

    /// Credentials that are not accepted.
    pub(super) fn unauthorised(message: &str) -> Self {
        Self::Unauthorised {
            message: super::text::line(message),
        }
    }
}

impl From<Unreadable> for ApiError {
    fn from(error: Unreadable) -> Self {
        // An answer with another shape than documented is what half-broken servers send.
        Self::retry("unexpected_answer", &error.to_string())
    }
}

/// A quantity to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockWrite {
    /// The article's id at the marketplace, in the form of mappings.
    pub item: String,
    /// Units, absolute.
    pub quantity: u32,
    /// Write only where it still shows this; ignored by marketplaces that do not compare.
    pub expected: Option<i64>,
}

/// What became of each item of a call, in the order of the call.
pub type ItemResults = Vec<Result<(), ApiError>>;

/// Orders that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedPage {
    /// Orders with their detail; what cannot be read is among them.
    pub incoming: Vec<Incoming>,
    /// Where the next page begins; none: this was the last.
    pub next: Option<String>,
    /// To be confirmed once the page is safe, so that it is not sent again.
    pub confirm: Option<String>,
}

/// What a call may carry, and how many may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Items in one write.
    pub batch_max: usize,
    /// Calls in [`CallLimits::per_ms`].
    pub calls: u32,
    /// The time that those calls are spread over, in milliseconds.
    pub per_ms: u32,
    /// Whether a write can compare before it sets.
    pub compares: bool,
}

/// The answer of a call.
pub type Answered<'a, T> = BoxFuture<'a, Result<T, ApiError>>;

/// A marketplace's API. Every method makes one attempt.
pub trait Marketplace: Send + Sync + fmt::Debug {
    /// Its documented limits.
    fn limits(&self) -> CallLimits;

    /// Items with the same word may stand in one write.
    fn group<'a>(&self, item: &'a str) -> &'a str {
        let _ = item;
        ""
    }

    /// Sets absolute quantities of items of one group, at most as many as [`CallLimits::batch_max`].
    ///
    /// # Errors
    /// Nothing is known about any item.
    fn write_stock<'a>(&'a self, writes: &'a [StockWrite]) -> Answered<'a, ItemResults>;

    /// What it shows now, item by item; none where it knows no such item.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn read_stock<'a>(&'a self, items: &'a [String]) -> Answered<'a, Vec<Option<i64>>>;

    /// Orders by their ids, at most 50; those that it does not know are left out.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn orders<'a>(&'a self, ids: &'a [String]) -> Answered<'a, Vec<Incoming>>;

    /// Orders that changed at or after a time, page by page; `cursor` is empty for the first.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn changed<'a>(&'a self, since_ms: u64, cursor: &'a str) -> Answered<'a, ChangedPage>;

    /// Confirms a page: see [`ChangedPage::confirm`].
    ///
    /// # Errors
    /// See [`ApiError`].
    fn confirm<'a>(&'a self, token: &'a str) -> Answered<'a, ()> {
        let _ = token;
        Box::pin(async { Ok(()) })
    }

    /// Cancels an order for want of stock.
    ///
    /// # Errors
    /// See [`ApiError`].
    fn cancel<'a>(&'a self, order_id: &'a str, lines: &'a [ChannelLine]) -> Answered<'a, ()>;
}

/// What an API client is made with.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Which marketplace.
    pub kind: ChannelKind,
    /// Where its API is; empty: the marketplace's own address.
    pub base_url: String,
    /// Longest time of one attempt, in milliseconds.
    pub timeout_ms: u64,
    /// The shop's id or domain there.
    pub shop: String,
    /// Secrets by name: see [`secret_names`].
    pub secrets: BTreeMap<String, Secret>,
    /// Everything else by name: see [`setting_names`].
    pub settings: BTreeMap<String, String>,
    /// The access token, where it is renewed; none: the secret `access_token`, as it is.
    pub tokens: Option<Arc<Tokens>>,
}

/// Options that no client can be made with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiOptionsError {
    /// A value is missing.
    #[error("{kind} needs the {what} `{name}`")]
    Missing {
        /// The marketplace.
        kind: &'static str,
        /// `secret` or `setting`.
        what: &'static str,
        /// Which.
        name: &'static str,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Http(String),
}

impl ApiOptions {
    pub(super) fn secret(&self, name: &'static str) -> Result<Secret, ApiOptionsError> {
        let found = self.secrets.get(name).filter(|s| !s.reveal().is_empty());
        found.cloned().ok_or(self.missing("secret", name))
    }

    /// The access token that calls show.
    pub(super) fn access(&self) -> Result<Arc<Tokens>, ApiOptionsError> {
        let fixed = || self.secret("access_token").map(Tokens::fixed);
        self.tokens.clone().map_or_else(fixed, Ok)
    }

    pub(super) fn setting(&self, name: &'static str) -> Result<String, ApiOptionsError> {
        let found = self.settings.get(name).filter(|text| !text.is_empty());
        found.cloned().ok_or(self.missing("setting", name))
    }

    pub(super) fn setting_or(&self, name: &str, default: &str) -> String {
        let found = self.settings.get(name).filter(|text| !text.is_empty());
        found.cloned().unwrap_or_else(|| default.to_owned())
    }

    pub(super) fn shop(&self) -> Result<String, ApiOptionsError> {
        let shop = Some(&self.shop).filter(|shop| !shop.is_empty());
        shop.cloned().ok_or(self.missing("setting", "shop"))
    }

    const fn missing(&self, what: &'static str, name: &'static str) -> ApiOptionsError {
        ApiOptionsError::Missing {
            kind: self.kind.name(),
            what,
            name,
        }
    }
}

/// The secrets that a marketplace's API needs.
#[must_use]
pub const fn secret_names(kind: ChannelKind) -> &'static [&'static str] {
    match kind {
        ChannelKind::Shopify | ChannelKind::WhatsApp => &["access_token"],
        ChannelKind::WooCommerce => &["consumer_key", "consumer_secret"],
        ChannelKind::Shopee => &["partner_key", "access_token"],
        ChannelKind::TikTok => &["app_secret", "access_token"],
    }
}

/// The settings that a marketplace's API takes: name, and whether it needs it.
#[must_use]
pub const fn setting_names(kind: ChannelKind) -> &'static [(&'static str, bool)] {
    match kind {
        ChannelKind::Shopify => &[("location", true), ("api_version", false)],
        ChannelKind::WooCommerce => &[],
        ChannelKind::Shopee => &[("partner_id", true), ("location", false)],
        ChannelKind::TikTok => &[
            ("app_key", true),
            ("shop_cipher", true),
            ("warehouses", true),
            ("auth_url", false),
        ],
        ChannelKind::WhatsApp => &[("catalog", true), ("api_version", false)],
    }
}

/// The API client of a marketplace.
///
/// # Errors
/// A secret or setting is missing, or TLS cannot be set up.
pub fn connect(options: &ApiOptions) -> Result<Arc<dyn Marketplace>, ApiOptionsError> {
    Ok(match options.kind {
        ChannelKind::Shopify => Arc::new(super::shopify::api::Shopify::new(options)?),
        ChannelKind::WooCommerce => Arc::new(super::woocommerce::api::WooCommerce::new(options)?),
        ChannelKind::Shopee => Arc::new(super::shopee::api::Shopee::new(options)?),
        ChannelKind::TikTok => Arc::new(super::tiktok::api::TikTok::new(options)?),
        ChannelKind::WhatsApp => Arc::new(super::whatsapp::api::Catalogue::new(options)?),
    })
}

/// The tokens of a channel whose marketplace lets its access tokens run out, where there is a secret
/// `refresh_token`; they are kept in `folder`.
///
/// # Errors
/// A secret or setting is missing, or the file of the tokens cannot be read.
pub fn tokens(
    folder: &Path,
    channel: &str,
    options: &ApiOptions,
) -> io::Result<Option<Arc<Tokens>>> {
    let renewer = match options.kind {
        ChannelKind::Shopee => super::shopee::api::renewer(options),
        ChannelKind::TikTok => super::tiktok::api::renewer(options),
        ChannelKind::Shopify | ChannelKind::WooCommerce | ChannelKind::WhatsApp => return Ok(None),
    };
    let Ok(refresh) = options.secret("refresh_token") else {
        return Ok(None);
    };
    let pair = [options.secret("access_token"), Ok(refresh)];
    let [access, refresh] = pair.map(|secret| secret.map_err(io::Error::other));
    let renewer = renewer.map_err(io::Error::other)?;
    Tokens::open(folder, channel, [access?, refresh?], renewer).map(Some)
}
