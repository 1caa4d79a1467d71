//! The channels file: `--channels FILE`, a TOML file with one `[[channel]]` a shop.
//!
//! Every error names file and line. Secrets are read when the file is, from the environment or from
//! files; they are never in the file itself, and never in an error.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::process::Source;
use super::process::secrets::SecretSource;
use crate::channels::{ChannelOptions, Secrets};
use crate::limits::{CHANNELS_MAX, NAME_BYTES_MAX};
use crate::types::secret::Secret;
use crate::types::{ChannelId, ChannelKind, money};

/// How often changed orders are asked for, in seconds, 0 for never: smallest, default, largest.
const POLL_SECONDS: [u64; 3] = [0, 300, 24 * 3_600];

/// Wait before an order's detail is asked for a second time, in milliseconds: smallest, default,
/// largest.
const FETCH_RETRY_MS: [u64; 3] = [1, 2_000, 15_000];

/// Most secrets that may have signed at once.
const SIGNING_SECRETS_MAX: usize = 4;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ChannelsFile {
    channel: Vec<Spanned<ChannelTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelTable {
    number: Spanned<u16>,
    name: Spanned<String>,
    kind: Spanned<String>,
    tenant: Spanned<String>,
    shop: Spanned<String>,
    url: Option<Spanned<String>>,
    #[serde(default)]
    webhook_secrets: Vec<Spanned<SecretSource>>,
    verify_token: Option<Spanned<SecretSource>>,
    app_key: Option<Spanned<String>>,
    base_url: Option<Spanned<String>>,
    #[serde(default)]
    secrets: BTreeMap<Spanned<String>, Spanned<SecretSource>>,
    #[serde(default)]
    settings: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    currency: Option<Spanned<String>>,
    poll_seconds: Option<Spanned<u64>>,
    fetch_retry_ms: Option<Spanned<u64>>,
}

/// The channels file of the marketplaces that the sandbox at `address` plays, for one tenant.
#[must_use]
pub fn sandbox_file(address: SocketAddr, tenant: &str) -> String {
    include_str!("sandbox.toml")
        .replace("ADDRESS", &address.to_string())
        .replace("\"TENANT\"", &format!("{tenant:?}"))
}

/// Reads a channels file and checks the whole of it, secrets included.
///
/// # Errors
/// Names file and line, and what to write instead.
pub fn load(path: &Path) -> Result<Vec<ChannelOptions>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

/// As [`load`], from a text; `path` is only named in errors.
///
/// # Errors
/// As there.
pub fn parse(path: &Path, text: &str) -> Result<Vec<ChannelOptions>, ConfigError> {
    let source = Source::new(path, text);
    let file: ChannelsFile =
        toml::from_str(text).map_err(|error| ConfigError::parse(path, text, &error))?;
    let mut channels: Vec<ChannelOptions> = Vec::with_capacity(file.channel.len());
    for table in &file.channel {
        if channels.len() == CHANNELS_MAX {
            return Err(source.at(table.span(), format!("more than {CHANNELS_MAX} channels")));
        }
        let channel = channel(&source, table.get_ref())?;
        check_unique(&source, table.get_ref(), &channel, &channels)?;
        channels.push(channel);
    }
    Ok(channels)
}

fn channel(source: &Source<'_>, table: &ChannelTable) -> Result<ChannelOptions, ConfigError> {
    let name = table.name.get_ref();
    check_name(source, &table.name)?;
    if *table.number.get_ref() == 0 {
        let message =
            format!("channel `{name}`: `number` 0 is the merchant's own shop: use 1 to 65535");
        return Err(source.at(table.number.span(), message));
    }
    let Some(kind) = ChannelKind::from_name(table.kind.get_ref()) else {
        let known: Vec<&str> = ChannelKind::ALL.iter().map(|kind| kind.name()).collect();
        let message = format!(
            "channel `{name}`: there is no kind `{}`; there are {}",
            table.kind.get_ref().escape_debug(),
            known.join(", ")
        );
        return Err(source.at(table.kind.span(), message));
    };
    for (key, value) in [("tenant", &table.tenant), ("shop", &table.shop)] {
        let text = value.get_ref();
        let path_like = key == "shop" && text.contains('/');
        let fits =
            (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if !fits || path_like {
            let message = format!(
                "channel `{name}`: `{key}` must have 1 to {NAME_BYTES_MAX} bytes, without `/` and \
                 control characters"
            );
            return Err(source.at(value.span(), message));
        }
    }
    let mut credentials = BTreeMap::new();
    for (key, place) in &table.secrets {
        let secret = read(source, table, key.get_ref(), place)?;
        credentials.insert(key.get_ref().clone(), secret);
    }
    Ok(ChannelOptions {
        number: ChannelId(*table.number.get_ref()),
        name: name.clone(),
        kind,
        tenant: table.tenant.get_ref().clone(),
        shop: table.shop.get_ref().clone(),
        registered_url: url(source, name, "url", table.url.as_ref())?,
        secrets: signing(source, table, kind)?,
        base_url: url(source, name, "base_url", table.base_url.as_ref())?,
        credentials,
        tokens: None, // with the data directory
        settings: settings(source, name, &table.settings)?,
        currency: currency(source, name, table.currency.as_ref())?,
        poll_ms: source.number(
            &format!("channel `{name}`"),
            ("poll_seconds", &POLL_SECONDS),
            table.poll_seconds.as_ref(),
        )? * 1_000,
        fetch_retry_ms: source.number(
            &format!("channel `{name}`"),
            ("fetch_retry_ms", &FETCH_RETRY_MS),
            table.fetch_retry_ms.as_ref(),
        )?,
    })
}

/// What deliveries are verified with, and what the kind cannot do without.
fn signing(
    source: &Source<'_>,
    table: &ChannelTable,
    kind: ChannelKind,
) -> Result<Secrets, ConfigError> {
    let name = table.name.get_ref();
    let missing = |key: &str, why: &str| {
        let message = format!("channel `{name}`: `{key}` is missing: {why}");
        Err(source.at(table.name.span(), message))
    };
    let mut secrets = Secrets::default();
    for place in &table.webhook_secrets {
        secrets
            .signing
            .push(read(source, table, "webhook_secrets", place)?);
    }
    if secrets.signing.is_empty() {
        return missing("webhook_secrets", "without it no delivery can be believed");
    }
    if secrets.signing.len() > SIGNING_SECRETS_MAX {
        return missing("webhook_secrets", "at most 4 may be in force at once");
    }
    match (kind, &table.app_key) {
        (ChannelKind::TikTok, None) => return missing("app_key", "TikTok Shop signs it"),
        (_, Some(key)) => key.get_ref().clone_into(&mut secrets.app_key),
        (_, None) => {}
    }
    match (kind, &table.verify_token) {
        (ChannelKind::WhatsApp, None) => {
            return missing("verify_token", "Meta asks for it before it sends anything");
        }
        (_, Some(place)) => {
            secrets.verify_token = Some(read(source, table, "verify_token", place)?);
        }
        (_, None) => {}
    }
    if kind == ChannelKind::Shopee && table.url.is_none() {
        return missing("url", "Shopee signs the URL that is registered with it");
    }
    Ok(secrets)
}

fn read(
    source: &Source<'_>,
    table: &ChannelTable,
    key: &str,
    place: &Spanned<SecretSource>,
) -> Result<Secret, ConfigError> {
    let channel = table.name.get_ref();
    let base_url = table.base_url.as_ref().map_or("", |url| url.get_ref());
    if !place.get_ref().is_fit_for(base_url) {
        let message = format!(
            "channel `{channel}`: `{key}`: `published` is for the sandbox on loopback; say where \
             the secret is, with {{ env = \"NAME\" }} or {{ file = \"PATH\" }}"
        );
        return Err(source.at(place.span(), message));
    }
    place.get_ref().read().map_err(|problem| {
        let message = format!("channel `{channel}`: `{key}`: {problem}");
        source.at(place.span(), message)
    })
}

fn check_name(source: &Source<'_>, name: &Spanned<String>) -> Result<(), ConfigError> {
    let text = name.get_ref();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if (1..=NAME_BYTES_MAX).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot be the name of a channel: 1 to {NAME_BYTES_MAX} lower-case letters, digits, \
         `_` and `-`",
        text.escape_debug()
    );
    Err(source.at(name.span(), message))
}

/// Names and numbers (of a tenant) are used once, and so is a shop of a kind.
fn check_unique(
    source: &Source<'_>,
    table: &ChannelTable,
    channel: &ChannelOptions,
    before: &[ChannelOptions],
) -> Result<(), ConfigError> {
    for other in before {
        let twice = if other.name == channel.name {
            Some(("name", table.name.span()))
        } else if (other.number, &other.tenant) == (channel.number, &channel.tenant) {
            Some(("number", table.number.span()))
        } else if (other.kind, &other.shop) == (channel.kind, &channel.shop) {
            Some(("shop", table.shop.span()))
        } else {
            None
        };
        if let Some((key, span)) = twice {
            let message = format!(
                "channel `{}`: its `{key}` is that of channel `{}` as well",
                channel.name, other.name
            );
            return Err(source.at(span, message));
        }
    }
    Ok(())
}

fn url(
    source: &Source<'_>,
    channel: &str,
    key: &str,
    given: Option<&Spanned<String>>,
) -> Result<String, ConfigError> {
    let Some(given) = given else {
        return Ok(String::new());
    };
    let problem = match url::Url::parse(given.get_ref()) {
        Err(_) => "is not a URL such as https://shop.example/path",
        Ok(url) if url.password().is_some() => "holds a password: name it under `secrets` instead",
        Ok(_) => return Ok(given.get_ref().clone()),
    };
    Err(source.at(
        given.span(),
        format!("channel `{channel}`: `{key}` {problem}"),
    ))
}

/// Texts; numbers and booleans may be written as such.
fn settings(
    source: &Source<'_>,
    channel: &str,
    table: &BTreeMap<Spanned<String>, Spanned<toml::Value>>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut settings = BTreeMap::new();
    for (key, value) in table {
        let text = match value.get_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            _ => {
                let message = format!(
                    "channel `{channel}`: setting `{}` is a text, a whole number or a boolean",
                    key.get_ref()
                );
                return Err(source.at(value.span(), message));
            }
        };
        settings.insert(key.get_ref().clone(), text);
    }
    Ok(settings)
}

fn currency(
    source: &Source<'_>,
    channel: &str,
    given: Option<&Spanned<String>>,
) -> Result<Option<u16>, ConfigError> {
    let Some(given) = given else {
        return Ok(None);
    };
    if let Some(number) = money::number(given.get_ref()) {
        return Ok(Some(number));
    }
    let message = format!(
        "channel `{channel}`: `currency` `{}` is no ISO 4217 code such as EUR",
        given.get_ref().escape_debug()
    );
    Err(source.at(given.span(), message))
}
