//! The subscribers file: `--subscribers FILE`, a TOML file with one `[[subscriber]]` an address that
//! events are sent to.
//!
//! Every error names file and line. Secrets are read when the file is, from the environment or from
//! files; they are never in the file itself, and never in an error.

#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::process::Source;
use super::process::secrets::SecretSource;
use crate::adapters::notification::events::signing_key;
use crate::events::kinds;
use crate::events::subscribers::{Begin, SubscriberOptions};
use crate::limits::{NAME_BYTES_MAX, SUBSCRIBER_BATCH_MAX, SUBSCRIBERS_MAX};

/// Events of one request: smallest, default, largest.
const BATCH: [u64; 3] = [1, 1, SUBSCRIBER_BATCH_MAX as u64];

/// Longest time of one request, in milliseconds: smallest, default, largest.
const TIMEOUT_MS: [u64; 3] = [100, 10_000, 60_000];

/// Wait after the first failure, in milliseconds: smallest, default, largest.
const RETRY_MS: [u64; 3] = [1, 2_000, 3_600_000];

/// Longest wait between two attempts, in milliseconds: smallest, default, largest.
const RETRY_MAX_MS: [u64; 3] = [1, 300_000, 24 * 3_600_000];

/// Most secrets that sign at once, for rotation.
const SECRETS_MAX: usize = 4;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SubscribersFile {
    subscriber: Vec<Spanned<SubscriberTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriberTable {
    name: Spanned<String>,
    tenant: Spanned<String>,
    url: Spanned<String>,
    secrets: Spanned<Vec<Spanned<SecretSource>>>,
    types: Option<Spanned<Vec<Spanned<String>>>>,
    channels: Option<Spanned<Vec<u16>>>,
    batch: Option<Spanned<u64>>,
    timeout_ms: Option<Spanned<u64>>,
    retry_ms: Option<Spanned<u64>>,
    retry_max_ms: Option<Spanned<u64>>,
    from: Option<Spanned<String>>,
}

/// Reads a subscribers file and checks the whole of it, secrets included.
///
/// # Errors
/// Names file and line, and what to write instead.
pub fn load(path: &Path) -> Result<Vec<SubscriberOptions>, ConfigError> {
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
pub fn parse(path: &Path, text: &str) -> Result<Vec<SubscriberOptions>, ConfigError> {
    let source = Source::new(path, text);
    let file: SubscribersFile =
        toml::from_str(text).map_err(|error| ConfigError::parse(path, text, &error))?;
    let mut subscribers: Vec<SubscriberOptions> = Vec::with_capacity(file.subscriber.len());
    for table in &file.subscriber {
        if subscribers.len() == SUBSCRIBERS_MAX {
            let message = format!("more than {SUBSCRIBERS_MAX} subscribers");
            return Err(source.at(table.span(), message));
        }
        let one = subscriber(&source, table.get_ref())?;
        if subscribers.iter().any(|other| other.name == one.name) {
            let message = format!("subscriber `{}`: there is another of this `name`", one.name);
            return Err(source.at(table.get_ref().name.span(), message));
        }
        subscribers.push(one);
    }
    Ok(subscribers)
}

fn subscriber(
    source: &Source<'_>,
    table: &SubscriberTable,
) -> Result<SubscriberOptions, ConfigError> {
    let name = table.name.get_ref();
    check_name(source, &table.name)?;
    let tenant = table.tenant.get_ref();
    if !(1..=NAME_BYTES_MAX).contains(&tenant.len()) || tenant.chars().any(char::is_control) {
        let message = format!(
            "subscriber `{name}`: `tenant` must have 1 to {NAME_BYTES_MAX} bytes without control \
             characters"
        );
        return Err(source.at(table.tenant.span(), message));
    }
    check_url(source, name, &table.url)?;
    let number = |key: &str, bounds: &[u64; 3], given: Option<&Spanned<u64>>| {
        source.number(&format!("subscriber `{name}`"), (key, bounds), given)
    };
    let retry_ms = number("retry_ms", &RETRY_MS, table.retry_ms.as_ref())?;
    let retry_max_ms = number("retry_max_ms", &RETRY_MAX_MS, table.retry_max_ms.as_ref())?;
    let batch = number("batch", &BATCH, table.batch.as_ref())?;
    Ok(SubscriberOptions {
        name: name.clone(),
        tenant: tenant.clone(),
        url: table.url.get_ref().clone(),
        keys: keys(source, name, &table.secrets)?,
        kinds: types(source, name, table.types.as_ref())?,
        channels: channels(source, name, table.channels.as_ref())?,
        batch: usize::try_from(batch).unwrap_or(SUBSCRIBER_BATCH_MAX),
        timeout_ms: number("timeout_ms", &TIMEOUT_MS, table.timeout_ms.as_ref())?,
        retry_ms,
        retry_max_ms: retry_max_ms.max(retry_ms),
        begin: begin(source, name, table.from.as_ref())?,
    })
}

fn check_name(source: &Source<'_>, name: &Spanned<String>) -> Result<(), ConfigError> {
    let text = name.get_ref();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    // The actor in the audit trail is `subscriber:NAME`, which is a name, too.
    let longest = NAME_BYTES_MAX - "subscriber:".len();
    if (1..=longest).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot be the name of a subscriber: 1 to {longest} lower-case letters, digits, `_` \
         and `-`",
        text.escape_debug()
    );
    Err(source.at(name.span(), message))
}

/// HTTPS, or plain HTTP to this machine.
fn check_url(source: &Source<'_>, name: &str, given: &Spanned<String>) -> Result<(), ConfigError> {
    let problem = match url::Url::parse(given.get_ref()) {
        Err(_) => "is not a URL such as https://shop.example/events",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "holds a user or a password: the signature says who sends"
        }
        Ok(url) => match (url.scheme(), url.host()) {
            ("https", Some(_)) => return Ok(()),
            ("http", Some(host)) if is_loopback(&host) => return Ok(()),
            ("http", _) => {
                "is plain HTTP: use https, which only an address of this machine can do without"
            }
            _ => "must begin with https://",
        },
    };
    let message = format!("subscriber `{name}`: `url` {problem}");
    Err(source.at(given.span(), message))
}

fn is_loopback(host: &url::Host<&str>) -> bool {
    match host {
        url::Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    }
}

fn keys(
    source: &Source<'_>,
    name: &str,
    given: &Spanned<Vec<Spanned<SecretSource>>>,
) -> Result<Vec<Vec<u8>>, ConfigError> {
    let places = given.get_ref();
    if places.is_empty() || places.len() > SECRETS_MAX {
        let message = format!(
            "subscriber `{name}`: `secrets` must name 1 to {SECRETS_MAX} secrets: the first one that \
             the receiver has will do"
        );
        return Err(source.at(given.span(), message));
    }
    let key = |place: &Spanned<SecretSource>| {
        let at = |problem: String| {
            let message = format!("subscriber `{name}`: `secrets`: {problem}");
            source.at(place.span(), message)
        };
        let secret = place.get_ref().read().map_err(at)?;
        let shape = "a secret is `whsec_` and 24 to 64 bytes in base64".to_owned();
        signing_key(&secret).ok_or_else(|| at(shape))
    };
    places.iter().map(key).collect()
}

fn types(
    source: &Source<'_>,
    name: &str,
    given: Option<&Spanned<Vec<Spanned<String>>>>,
) -> Result<Vec<String>, ConfigError> {
    let Some(given) = given else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for one in given.get_ref() {
        match kinds(one.get_ref()) {
            Some(found) if found.len() == 1 => all.extend(found),
            _ => {
                let message = format!(
                    "subscriber `{name}`: `types` are beginnings of event types, such as `order` or \
                     `stock.received`, not `{}`",
                    one.get_ref().escape_debug()
                );
                return Err(source.at(one.span(), message));
            }
        }
    }
    if all.is_empty() {
        let message = format!("subscriber `{name}`: `types` is empty: leave it out for all events");
        return Err(source.at(given.span(), message));
    }
    Ok(all)
}

fn channels(
    source: &Source<'_>,
    name: &str,
    given: Option<&Spanned<Vec<u16>>>,
) -> Result<Vec<u16>, ConfigError> {
    match given {
        None => Ok(Vec::new()),
        Some(given) if given.get_ref().is_empty() => {
            let message =
                format!("subscriber `{name}`: `channels` is empty: leave it out for all events");
            Err(source.at(given.span(), message))
        }
        Some(given) => Ok(given.get_ref().clone()),
    }
}

fn begin(
    source: &Source<'_>,
    name: &str,
    given: Option<&Spanned<String>>,
) -> Result<Begin, ConfigError> {
    let Some(given) = given else {
        return Ok(Begin::Now);
    };
    match given.get_ref().as_str() {
        "now" => Ok(Begin::Now),
        "start" => Ok(Begin::Start),
        other => {
            let message = format!(
                "subscriber `{name}`: `from` is `now` or `start`, not `{}`",
                other.escape_debug()
            );
            Err(source.at(given.span(), message))
        }
    }
}
