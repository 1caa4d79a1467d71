//! Providers as written → options that their adapters are built with.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::file::{CallbackTable, ProviderTable, Text};
use super::secrets::SecretSource;
use super::{CallbackOptions, Source};
use crate::adapters::options::{OptionsError, ProviderOptions};
use crate::adapters::registry::Kind;
use crate::config::ConfigError;
use crate::limits::{NAME_BYTES_MAX, PROVIDERS_MAX};
use crate::types::effect::EffectKind;

/// Attempts out at once, where the file says nothing.
const CONCURRENCY_DEFAULT: u64 = 64;

/// Smallest and largest time that one attempt may take, in milliseconds.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 10..=120_000;

/// Attempts out at once.
const CONCURRENCY: std::ops::RangeInclusive<u64> = 1..=4_096;

/// Attempts a second; 0: no limit.
const RATE_PER_SECOND: std::ops::RangeInclusive<u64> = 0..=100_000;

/// A provider that can be named in steps.
pub(super) struct Known {
    pub options: ProviderOptions,
    pub callback: Option<CallbackOptions>,
    pub effects: &'static [EffectKind],
    pub span: Range<usize>,
}

/// All of them by name.
pub(super) type Providers = BTreeMap<String, Known>;

/// Compiles `[providers]`. `kinds` are the adapters that there are.
pub(super) fn compile(
    source: &Source<'_>,
    tables: &BTreeMap<Text, ProviderTable>,
    kinds: &[Kind],
) -> Result<Providers, ConfigError> {
    let mut providers = Providers::new();
    for (name, table) in tables {
        if providers.len() == PROVIDERS_MAX {
            let message = format!("more than {PROVIDERS_MAX} providers");
            return Err(source.at(name.span(), message));
        }
        let known = provider(source, name, table, kinds)?;
        providers.insert(name.get_ref().clone(), known);
    }
    Ok(providers)
}

fn provider(
    source: &Source<'_>,
    name: &Text,
    table: &ProviderTable,
    kinds: &[Kind],
) -> Result<Known, ConfigError> {
    // `stripe@eu` is the kind `stripe` in a region.
    let (of_name, region) = name
        .get_ref()
        .split_once('@')
        .unwrap_or((name.get_ref(), "x"));
    for part in [of_name, region] {
        let part = Spanned::new(name.span(), part.to_owned());
        check_name(source, "provider", &part)?;
    }
    let named = Spanned::new(name.span(), of_name.to_owned());
    let kind = table.kind.as_ref().unwrap_or(&named);
    let Some(adapter) = kinds.iter().find(|one| one.name == kind.get_ref()) else {
        let there: Vec<&str> = kinds.iter().map(|one| one.name).collect();
        let message = format!(
            "provider `{}`: there is no kind `{}`; there are {}",
            name.get_ref(),
            kind.get_ref(),
            there.join(", ")
        );
        return Err(source.at(kind.span(), message));
    };
    let mut options = ProviderOptions {
        name: name.get_ref().clone(),
        kind: kind.get_ref().clone(),
        base_url: base_url(source, name, table.base_url.as_ref())?,
        timeout_ms: adapter.timeout_ms,
        ..ProviderOptions::default()
    };
    limits(source, name, table, &mut options)?;
    for (key, place) in &table.secrets {
        check_published(source, name, &options.base_url, place)?;
        let secret = place.get_ref().read().map_err(|problem| {
            let message = format!(
                "provider `{}`: secret `{}`: {problem}",
                name.get_ref(),
                key.get_ref()
            );
            source.at(place.span(), message)
        })?;
        options.secrets.insert(key.get_ref().clone(), secret);
    }
    options.settings = settings(source, name, &table.settings)?;
    options
        .check_names(adapter.secrets, adapter.settings)
        .and_then(|()| (adapter.build)(&options).map(drop))
        .map_err(|error| source.at(place_of(name, table, &error), error.to_string()))?;
    let callback = table.callback.as_ref();
    Ok(Known {
        callback: callback
            .map(|callback| callback_options(source, name, &options, callback))
            .transpose()?,
        options,
        effects: adapter.effects,
        span: name.span(),
    })
}

/// A credential that stands in the file is one that everybody knows: on loopback only.
fn check_published(
    source: &Source<'_>,
    name: &Text,
    base_url: &str,
    place: &Spanned<SecretSource>,
) -> Result<(), ConfigError> {
    if place.get_ref().is_fit_for(base_url) {
        return Ok(());
    }
    let message = format!(
        "provider `{}`: `published` is for the sandbox on loopback; say where the secret is, with \
         {{ env = \"NAME\" }} or {{ file = \"PATH\" }}",
        name.get_ref()
    );
    Err(source.at(place.span(), message))
}

/// Timeout, concurrency and rate.
fn limits(
    source: &Source<'_>,
    name: &Text,
    table: &ProviderTable,
    options: &mut ProviderOptions,
) -> Result<(), ConfigError> {
    let number = |key: &str,
                  given: &Option<Spanned<u64>>,
                  default: u64,
                  range: &std::ops::RangeInclusive<u64>| {
        let Some(given) = given else {
            return Ok(default);
        };
        let value = *given.get_ref();
        if range.contains(&value) {
            return Ok(value);
        }
        let message = format!(
            "provider `{}`: `{key}` {value} is out of range: use {} to {}",
            name.get_ref(),
            range.start(),
            range.end()
        );
        Err(source.at(given.span(), message))
    };
    let timeout = options.timeout_ms;
    options.timeout_ms = number("timeout_ms", &table.timeout_ms, timeout, &TIMEOUT_MS)?;
    let out = number(
        "concurrency",
        &table.concurrency,
        CONCURRENCY_DEFAULT,
        &CONCURRENCY,
    )?;
    options.concurrency = usize::try_from(out).unwrap_or(usize::MAX);
    let rate = number(
        "rate_per_second",
        &table.rate_per_second,
        0,
        &RATE_PER_SECOND,
    )?;
    options.rate_per_second = u32::try_from(rate).unwrap_or(u32::MAX);
    Ok(())
}

fn base_url(source: &Source<'_>, name: &Text, given: Option<&Text>) -> Result<String, ConfigError> {
    let Some(given) = given else {
        return Ok(String::new());
    };
    let refuse = |problem: &str| {
        let message = format!("provider `{}`: `base_url` {problem}", name.get_ref());
        Err(source.at(given.span(), message))
    };
    match url::Url::parse(given.get_ref()) {
        Err(_) => refuse("is not a URL such as https://api.example.com"),
        Ok(url) if url.password().is_some() => {
            refuse("holds a password: name it under `secrets` instead")
        }
        Ok(_) => Ok(given.get_ref().clone()),
    }
}

/// Settings are texts to an adapter; numbers and booleans may be written as such.
fn settings(
    source: &Source<'_>,
    name: &Text,
    table: &BTreeMap<Text, Spanned<toml::Value>>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut settings = BTreeMap::new();
    for (key, value) in table {
        let text = match value.get_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            _ => {
                let message = format!(
                    "provider `{}`: setting `{}` is a text, a number or a boolean",
                    name.get_ref(),
                    key.get_ref()
                );
                return Err(source.at(value.span(), message));
            }
        };
        settings.insert(key.get_ref().clone(), text);
    }
    Ok(settings)
}

fn callback_options(
    source: &Source<'_>,
    name: &Text,
    provider: &ProviderOptions,
    table: &CallbackTable,
) -> Result<CallbackOptions, ConfigError> {
    let mut options = CallbackOptions {
        kind: provider.kind.clone(),
        secrets: Vec::new(),
        settings: settings(source, name, &table.settings)?,
    };
    check_tenant(source, name, table, &options)?;
    for place in &table.secrets {
        check_published(source, name, &provider.base_url, place)?;
        let secret = place.get_ref().read().map_err(|problem| {
            let message = format!("provider `{}`: callback secret: {problem}", name.get_ref());
            source.at(place.span(), message)
        })?;
        options.secrets.push(secret);
    }
    Ok(options)
}

/// A callback's setting `tenant` is the name of one tenant, or `*` for all of them.
fn check_tenant(
    source: &Source<'_>,
    name: &Text,
    table: &CallbackTable,
    options: &CallbackOptions,
) -> Result<(), ConfigError> {
    let Some(tenant) = options.settings.get("tenant") else {
        return Ok(());
    };
    let length = 1..=NAME_BYTES_MAX;
    let is_list = tenant.contains('*') || tenant.contains(',');
    let is_name = length.contains(&tenant.len()) && !tenant.chars().any(char::is_control);
    if tenant == "*" || (is_name && !is_list) {
        return Ok(());
    }
    let message = format!(
        "provider `{}`: the callback's setting `tenant` cannot be `{}`: it is the name of one \
         tenant, whose orders alone the provider reports on, or `*` for those of all",
        name.get_ref(),
        tenant.escape_debug()
    );
    let key = table.settings.keys().find(|key| key.get_ref() == "tenant");
    Err(source.at(key.unwrap_or(name).span(), message))
}

/// Where the value is that an adapter complains about.
fn place_of(name: &Text, table: &ProviderTable, error: &OptionsError) -> Range<usize> {
    let said = match error {
        OptionsError::Unknown { name, .. } | OptionsError::Invalid { name, .. } => name.as_str(),
        _ => "",
    };
    let keys = table.secrets.keys().chain(table.settings.keys());
    keys.into_iter()
        .find(|key| key.get_ref() == said)
        .unwrap_or(name)
        .span()
}

/// Names stand in metrics, logs and the journal.
pub(super) fn check_name(source: &Source<'_>, what: &str, name: &Text) -> Result<(), ConfigError> {
    let text = name.get_ref();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if (1..=NAME_BYTES_MAX).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot be the name of a {what}: 1 to {NAME_BYTES_MAX} lower-case letters, digits, \
         `_` and `-`",
        text.escape_debug()
    );
    Err(source.at(name.span(), message))
}
