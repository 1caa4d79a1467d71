//! Which adapters there are, and how a configured provider becomes one.

use super::options::{OptionsError, ProviderOptions};
use super::provider::Provider;
use crate::types::effect::EffectKind;
use std::fmt;
use std::sync::Arc;

/// One adapter: what configuration may say about it, and how to build it.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name in configuration, such as `stripe`.
    pub name: &'static str,
    /// The effects that it can serve.
    pub effects: &'static [EffectKind],
    /// Longest time of one attempt where configuration says nothing, in milliseconds.
    pub timeout_ms: u64,
    /// Secrets that it knows.
    pub secrets: &'static [&'static str],
    /// Settings that it knows.
    pub settings: &'static [&'static str],
    /// Builds it; names are checked and the timeout is set.
    pub build: fn(&ProviderOptions) -> Result<Arc<dyn Provider>, OptionsError>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All adapters.
pub static KINDS: &[Kind] = &[
    super::crm::hubspot::KIND,
    super::crm::salesforce::KIND,
    super::fraud::builtin::KIND,
    super::fraud::sift::KIND,
    super::fraud::signifyd::KIND,
    super::fulfilment::easypost::KIND,
    super::fulfilment::shipstation::KIND,
    super::fulfilment::wms::KIND,
    super::notification::events::KIND,
    super::notification::sendgrid::KIND,
    super::notification::slack::KIND,
    super::notification::smtp::KIND,
    super::notification::twilio::KIND,
    super::notification::whatsapp::KIND,
    super::payment::authorize_net::KIND,
    super::payment::stripe::KIND,
    super::webhook::KIND,
];

/// The adapter of a name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Builds a configured provider; a timeout of 0 becomes the adapter's own.
///
/// # Errors
/// There is no such kind, a secret or setting is missing, unknown or cannot be used.
pub fn build(options: &ProviderOptions) -> Result<Arc<dyn Provider>, OptionsError> {
    let Some(kind) = kind(&options.kind) else {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        return Err(OptionsError::UnknownKind {
            provider: options.name.clone(),
            kind: options.kind.clone(),
            known: known.join(", "),
        });
    };
    options.check_names(kind.secrets, kind.settings)?;
    let mut options = options.clone();
    if options.timeout_ms == 0 {
        options.timeout_ms = kind.timeout_ms;
    }
    (kind.build)(&options)
}
