//! What a provider is built with: configuration values and secrets by name.

pub use crate::types::secret::Secret;
use std::collections::BTreeMap;

/// The options of one configured provider.
#[derive(Clone, Debug, Default)]
pub struct ProviderOptions {
    /// Its name in pipelines, metrics and breakers, such as `stripe`.
    pub name: String,
    /// Which adapter serves it, such as `stripe`.
    pub kind: String,
    /// Where its API is; empty: the provider's own address.
    pub base_url: String,
    /// Longest time one attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// Attempts out at once, at most.
    pub concurrency: usize,
    /// Attempts a second, at most; 0: no limit.
    pub rate_per_second: u32,
    /// Secrets by name, from environment or files.
    pub secrets: BTreeMap<String, Secret>,
    /// Everything else by name: account ids, templates, sender addresses.
    pub settings: BTreeMap<String, String>,
}

/// What is wrong with the options of a provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// No adapter has this kind.
    #[error("provider `{provider}`: there is no kind `{kind}`; there are {known}")]
    UnknownKind {
        /// The provider.
        provider: String,
        /// What it says.
        kind: String,
        /// What there is.
        known: String,
    },
    /// A value that the adapter cannot do without.
    #[error("provider `{provider}`: {what} `{name}` is missing")]
    Missing {
        /// The provider.
        provider: String,
        /// `secret` or `setting`.
        what: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// A value that the adapter does not know.
    #[error("provider `{provider}`: {what} `{name}` is not known to kind `{kind}`")]
    Unknown {
        /// The provider.
        provider: String,
        /// `secret` or `setting`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The adapter.
        kind: String,
    },
    /// A value that cannot be used.
    #[error("provider `{provider}`: {name} {problem}")]
    Invalid {
        /// The provider.
        provider: String,
        /// The value's name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl ProviderOptions {
    /// A secret that the adapter needs.
    ///
    /// # Errors
    /// It is missing or empty.
    pub fn secret(&self, name: &'static str) -> Result<Secret, OptionsError> {
        match self.secrets.get(name) {
            Some(secret) if !secret.reveal().is_empty() => Ok(secret.clone()),
            _ => Err(self.missing("secret", name)),
        }
    }

    /// A setting that the adapter needs.
    ///
    /// # Errors
    /// It is missing or empty.
    pub fn setting(&self, name: &'static str) -> Result<&str, OptionsError> {
        match self.settings.get(name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(self.missing("setting", name)),
        }
    }

    /// A setting that has a default.
    #[must_use]
    pub fn setting_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.settings.get(name).map_or(default, String::as_str)
    }

    /// The configured base URL without a slash at its end, or the provider's own.
    #[must_use]
    pub fn base_url_or(&self, own: &str) -> String {
        let url = if self.base_url.is_empty() {
            own
        } else {
            &self.base_url
        };
        url.trim_end_matches('/').to_owned()
    }

    /// Refuses secrets and settings that the adapter does not know, so that a misspelt one shows.
    ///
    /// # Errors
    /// Names the first one.
    pub fn check_names(&self, secrets: &[&str], settings: &[&str]) -> Result<(), OptionsError> {
        let unknown = |what, name: &String| OptionsError::Unknown {
            provider: self.name.clone(),
            what,
            name: name.clone(),
            kind: self.kind.clone(),
        };
        if let Some(name) = self.secrets.keys().find(|n| !secrets.contains(&n.as_str())) {
            return Err(unknown("secret", name));
        }
        match self
            .settings
            .keys()
            .find(|n| !settings.contains(&n.as_str()))
        {
            Some(name) => Err(unknown("setting", name)),
            None => Ok(()),
        }
    }

    /// A value that cannot be used: its name with `secret` or `setting`, and what is wrong with it.
    #[must_use]
    pub fn invalid(&self, name: impl Into<String>, problem: impl Into<String>) -> OptionsError {
        OptionsError::Invalid {
            provider: self.name.clone(),
            name: name.into(),
            problem: problem.into(),
        }
    }

    fn missing(&self, what: &'static str, name: &'static str) -> OptionsError {
        OptionsError::Missing {
            provider: self.name.clone(),
            what,
            name,
        }
    }
}
