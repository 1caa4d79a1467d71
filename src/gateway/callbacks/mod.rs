//! Callbacks: what providers say on their own, over HTTP.
//!
//! ```text
//!  POST /callbacks/KIND[/NAME] ─▶ size ─▶ signature over the raw bytes ─▶ events
//!        ─▶ which order, which shard ─▶ local queue ─▶ journaled, durable ─▶ 2xx
//! ```
//!
//! One file a provider: how it signs, and what its events mean. A delivery is answered with 2xx
//! only after everything in it is journaled and durable, so that the provider sends it again
//! whenever anything went wrong here. Repeats are harmless: the engine knows each event by the hash
//! of its provider and id. Events that mean nothing to an order are acknowledged and counted.

mod authorize_net;
mod easypost;
mod endpoint;
mod sendgrid;
mod shipstation;
mod sift;
mod signature;
mod signifyd;
mod stripe;
mod twilio;
mod whatsapp;
mod wms;

pub(super) use endpoint::{handshake, receive};

use axum::http::HeaderMap;
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

use crate::types::OrderKey;
use crate::types::process::ReportKind;
use signature::Algorithm;

/// Who sends callbacks: one configured provider.
#[derive(Clone, Default)]
pub struct Source {
    /// Name of the provider, as pipelines and breakers know it.
    pub name: String,
    /// Which adapter it is, such as `stripe`.
    pub kind: String,
    /// Tenant of orders that an event names by key only, and are not in memory.
    pub tenant: String,
    /// Secrets, any of which may have signed: the present one, and older ones during a change.
    pub secrets: Vec<Vec<u8>>,
    /// What WhatsApp's handshake must present; empty: the handshake is refused.
    pub verify_token: Vec<u8>,
    /// What the scheme leaves to configuration, by name.
    pub settings: BTreeMap<String, String>,
}

impl fmt::Debug for Source {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("tenant", &self.tenant)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What the setting `tenant` says of a provider that serves all of them.
pub const ALL_TENANTS: &str = "*";

/// The tenant of a provider whose setting `tenant` names none.
pub const DEFAULT_TENANT: &str = "default";

impl Source {
    /// The tenant whose orders alone it may report on, by the setting `tenant`; `None`: those of
    /// all. Without the setting a service that was called knows its orders by ids of our own, but a
    /// partner may name whatever number it likes: that is one of the tenant `default` then.
    fn only(&self) -> Option<&str> {
        match self.settings.get("tenant").map(String::as_str) {
            Some(ALL_TENANTS) => None,
            None if wms::is_partner(&self.kind) => Some(DEFAULT_TENANT),
            other => other,
        }
    }

    /// A setting, or its default.
    fn setting_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        let found = self.settings.get(name).map(String::as_str);
        found.filter(|value| !value.is_empty()).unwrap_or(default)
    }

    /// Checks kind and settings.
    ///
    /// # Errors
    /// A sentence that names the setting and what to write.
    pub fn check(&self) -> Result<(), String> {
        let Some(scheme) = scheme(&self.kind) else {
            let names: Vec<&str> = SCHEMES.iter().map(|scheme| scheme.kind).collect();
            return Err(format!(
                "provider `{}`: kind `{}` sends no callbacks; those that do: {}",
                self.name,
                self.kind,
                names.join(", ")
            ));
        };
        for (name, value) in &self.settings {
            if !scheme.settings.contains(&name.as_str()) {
                return Err(format!(
                    "provider `{}`: setting `{name}` is not known to the callbacks of kind `{}`; \
                     there are: {}",
                    self.name,
                    self.kind,
                    scheme.settings.join(", ")
                ));
            }
            if name == "algorithm" && Algorithm::named(value).is_none() {
                let known: Vec<&str> = Algorithm::NAMES.iter().map(|(name, _)| *name).collect();
                return Err(format!(
                    "provider `{}`: `{name}` cannot be `{value}`; use one of {}",
                    self.name,
                    known.join(", ")
                ));
            }
        }
        Ok(())
    }
}

/// One delivery, as received.
#[derive(Clone, Copy, Debug)]
struct Delivery<'a> {
    headers: &'a HeaderMap,
    body: &'a [u8],
    /// The address that the sender may have used, for schemes that sign it.
    urls: &'a [String],
    now_ms: u64,
}

impl Delivery<'_> {
    /// A header as text.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    fn json(&self) -> Result<Value, BadPayload> {
        serde_json::from_slice(self.body)
            .map_err(|error| BadPayload(format!("the body is not JSON: {error}")))
    }
}

/// Why a delivery is not believed. The sender is told nothing but 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unsigned {
    /// No secret is configured for this provider.
    NoSecret,
    /// There is no signature, or not in the form of the scheme.
    Missing,
    /// It is not a signature of these bytes under any secret.
    Wrong,
    /// It is one, but too old or too new.
    Old,
}

impl Unsigned {
    /// For counters and the log.
    const fn name(self) -> &'static str {
        match self {
            Self::NoSecret => "no_secret",
            Self::Missing => "no_signature",
            Self::Wrong => "wrong_signature",
            Self::Old => "old_signature",
        }
    }
}

/// What is wrong with a body that is signed as it should be.
#[derive(Debug)]
struct BadPayload(String);

/// What a decision about risk means as a score, 0 to 100: providers decide in words of their own,
/// and the order process in scores. `None`: nothing is decided yet.
fn risk_score(word: &str) -> Option<u64> {
    match word {
        "approve" => Some(0),
        // Between what goes on and what is declined, whatever the limits of a merchant are.
        "review" => Some(75),
        "decline" => Some(100),
        _ => None,
    }
}

/// One event of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    /// The provider's id of the event: the same for repeats, another for anything new.
    id: String,
    /// What it means; `Other` is acknowledged and not journaled.
    kind: ReportKind,
    /// Order key, effect key or order number, where the event has one.
    order: String,
    /// The provider's id of what it is about.
    reference: String,
    /// Minor units; a risk score for a decision about risk; else 0.
    amount: u64,
    /// In words; for a shipment carrier and tracking number.
    text: String,
}

/// What a delivery says.
#[derive(Debug)]
enum Read {
    /// These events.
    Events(Vec<Event>),
    /// Nothing yet: what happened is to be read from the provider, at this address.
    Follow(String),
}

/// How a kind of provider signs and speaks.
struct Scheme {
    kind: &'static str,
    settings: &'static [&'static str],
    verify: fn(&Source, &Delivery<'_>) -> Result<(), Unsigned>,
    read: fn(&Delivery<'_>) -> Result<Read, BadPayload>,
}

/// Settings of a scheme whose header and algorithm are not fixed by a primary source.
const OPEN_SETTINGS: &[&str] = &["algorithm", "header", "prefix", "tenant", "time_header"];

const FIXED_SETTINGS: &[&str] = &["tenant"];

const SCHEMES: &[Scheme] = &[
    authorize_net::SCHEME,
    easypost::SCHEME,
    sendgrid::SCHEME,
    shipstation::SCHEME,
    sift::SCHEME,
    signifyd::SCHEME,
    stripe::SCHEME,
    twilio::SCHEME,
    whatsapp::SCHEME,
    wms::SCHEME,
    wms::STEP_SCHEME,
];

fn scheme(kind: &str) -> Option<&'static Scheme> {
    SCHEMES.iter().find(|scheme| scheme.kind == kind)
}

/// True where providers of this kind send callbacks.
#[must_use]
pub fn sends_callbacks(kind: &str) -> bool {
    scheme(kind).is_some()
}

/// Reads from a provider what its callback only points at, with the provider's credentials. The
/// address must belong to that provider: it comes from outside.
pub trait Follow: Send + Sync {
    /// The body at `url`, at most 1 MiB.
    ///
    /// # Errors
    /// In words, for the log.
    fn get<'a>(&'a self, provider: &'a str, url: &'a str)
    -> BoxFuture<'a, Result<Vec<u8>, String>>;
}

/// An order as an event names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// By key.
    Key(OrderKey),
    /// By number: shard and sequence of the accepting record.
    Number(u16, u64),
    /// Not at all.
    Nothing,
}

impl Named {
    fn parse(text: &str) -> Self {
        let key = text.get(..32).and_then(|digits| {
            let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let ends = text
                .get(32..)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
            (plain && ends).then(|| digits.parse().ok()).flatten()
        });
        if let Some(key) = key {
            return Self::Key(key);
        }
        // An invoice number has the effect's number behind the order's.
        let number = text.split_once('-').and_then(|(shard, rest)| {
            let (sequence, effect) = rest.split_once('-').unwrap_or((rest, "0"));
            effect.parse::<u16>().ok()?;
            Some(Self::Number(shard.parse().ok()?, sequence.parse().ok()?))
        });
        number.unwrap_or(Self::Nothing)
    }
}

/// An order as people and paths name it.
///
/// # Errors
/// Shard and sequence of an order number, or nothing where the text is neither.
pub(super) fn order_named(text: &str) -> Result<OrderKey, Option<(u16, u64)>> {
    match Named::parse(text) {
        Named::Key(key) if text.len() == 32 => Ok(key),
        Named::Number(shard, sequence) if text.matches('-').count() == 1 => {
            Err(Some((shard, sequence)))
        }
        _ => Err(None),
    }
}

/// The engine knows an event by this: provider and the provider's own id.
fn event_hash(provider: &str, id: &str) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(provider.as_bytes());
    hasher.update(&[0]);
    hasher.update(id.as_bytes());
    let first = hasher.finalize().as_bytes().first_chunk().copied();
    first.map_or(0, u128::from_le_bytes)
}

/// A member of a JSON object as text: texts as they are, numbers in digits, else empty.
fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// As [`text`], but it must be there.
fn required(value: &Value, name: &str) -> Result<String, BadPayload> {
    let found = text(value, name);
    if found.is_empty() {
        return Err(BadPayload(format!("`{name}` is missing or empty")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_key_effect_or_number_and_by_an_invoice() {
        let key = "00000000000000000000000000000abc";
        for (text, named) in [
            (key.to_owned(), Named::Key(OrderKey(0xabc))),
            (format!("{key}-2-3"), Named::Key(OrderKey(0xabc))),
            ("0-1042".to_owned(), Named::Number(0, 1_042)),
            ("0-1042-3".to_owned(), Named::Number(0, 1_042)),
            ("0-1042-x".to_owned(), Named::Nothing),
            ("0-1042-3-4".to_owned(), Named::Nothing),
            ("INV-7".to_owned(), Named::Nothing),
            (String::new(), Named::Nothing),
        ] {
            assert_eq!(Named::parse(&text), named, "{text}");
        }
        assert_eq!(order_named("0-1042"), Err(Some((0, 1_042))));
        assert_eq!(order_named("0-1042-3"), Err(None), "an invoice is no order");
    }
}
