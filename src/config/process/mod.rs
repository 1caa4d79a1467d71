//! The order process's configuration: `--process FILE`, a TOML file of its own.
//!
//! ```text
//!  file ─▶ providers (kind, limits, secrets) ─▶ pipelines, routes, messages ─▶ checks
//!            └▶ what adapters are built with      └▶ PipelineSet, journaled by the engine
//! ```
//!
//! Every error names file and line. Secrets are read when the file is, from the environment or
//! from files; they are never in the file itself, and never in an error.

mod channel_money;
mod conditions;
mod defaults;
mod file;
mod pipelines;
mod providers;
pub mod render;
pub(super) mod secrets;
mod settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

use super::{ConfigError, line_of};
use crate::adapters::options::{ProviderOptions, Secret};
use crate::adapters::registry::{KINDS, Kind};
use crate::limits::PIPELINES_ARCHIVED_BYTES_MAX;
use crate::types::pipeline::{PipelineSet, ProcessSettings};
pub use channel_money::ChannelMoney;
use file::ProcessFile;
use pipelines::Compiler;

/// What the order process is run with.
#[derive(Clone, Debug, Default)]
pub struct ProcessConfig {
    /// What the engine journals and decides by.
    pub set: PipelineSet,
    /// What the adapters of the providers that it names are built with.
    pub providers: Vec<ProviderOptions>,
    /// How callbacks are checked, by provider.
    pub callbacks: BTreeMap<String, CallbackOptions>,
}

/// How a provider's callbacks are known to be its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackOptions {
    /// The provider's kind, which has the scheme.
    pub kind: String,
    /// Any of them may have signed: the new and the old one while a secret is being replaced.
    pub secrets: Vec<Secret>,
    /// What the scheme leaves to configuration, such as the name of a header.
    pub settings: BTreeMap<String, String>,
}

/// A text with its file's name, to say where an error is.
pub(super) struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// The text of the file at `path`.
    pub fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text }
    }

    pub fn at(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        ConfigError::Parse {
            path: self.path.to_owned(),
            line: line_of(self.text, span.start),
            message: message.into(),
        }
    }

    /// A number, or its default; `bounds` are smallest, default and largest. `whose` begins the
    /// sentence about one that is out of range.
    pub fn number(
        &self,
        whose: &str,
        (key, bounds): (&str, &[u64; 3]),
        given: Option<&Spanned<u64>>,
    ) -> Result<u64, ConfigError> {
        let [min, default, max] = *bounds;
        let Some(given) = given else {
            return Ok(default);
        };
        let value = *given.get_ref();
        if (min..=max).contains(&value) {
            return Ok(value);
        }
        let message = format!("{whose}: `{key}` {value} is out of range: use {min} to {max}");
        Err(self.at(given.span(), message))
    }
}

impl ProcessConfig {
    /// Reads a process file and checks the whole of it, secrets included.
    ///
    /// # Errors
    /// Names file and line, and what to write instead.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_for(path, &ChannelMoney::default())
    }

    /// As [`ProcessConfig::load`], for a server with these channels.
    ///
    /// # Errors
    /// As there.
    pub fn load_for(path: &Path, channels: &ChannelMoney) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse_for(path, &text, KINDS, channels)
    }

    /// As [`ProcessConfig::load`], from a text; `path` is only named in errors.
    ///
    /// # Errors
    /// As there.
    pub fn parse(path: &Path, text: &str, kinds: &[Kind]) -> Result<Self, ConfigError> {
        Self::parse_for(path, text, kinds, &ChannelMoney::default())
    }

    fn parse_for(
        path: &Path,
        text: &str,
        kinds: &[Kind],
        channels: &ChannelMoney,
    ) -> Result<Self, ConfigError> {
        let source = Source { path, text };
        let mut file: ProcessFile =
            toml::from_str(text).map_err(|error| ConfigError::parse(path, text, &error))?;
        channels.add_to(&mut file.routing);
        let known = providers::compile(&source, &file.providers, kinds)?;
        let mut compiler = Compiler {
            source: &source,
            providers: &known,
            set: PipelineSet::default(),
        };
        if let Some(steps) = &file.steps {
            for table in defaults::pipelines(steps) {
                compiler.pipeline(&table, 0)?;
            }
        }
        let built_in = compiler.set.pipelines.len();
        let mut written = Vec::new();
        for spanned in &file.pipelines {
            let name = &spanned.get_ref().name;
            if written.contains(name.get_ref()) {
                let message = format!("pipeline `{}` stands twice", name.get_ref());
                return Err(source.at(name.span(), message));
            }
            written.push(name.get_ref().clone());
            compiler.pipeline(spanned.get_ref(), built_in)?;
        }
        if compiler.set.pipelines.is_empty() {
            let message = "there is no pipeline: name the providers of the built-in ones under \
                           [steps], or write [[pipelines]]";
            return Err(source.at(0..0, message));
        }
        let defaults = defaults::routes(&source, &file, &compiler.set)?;
        compiler.routes(&file, defaults)?;
        compiler.check_reached(&file)?;
        compiler.messages(&file)?;
        compiler.set.settings =
            settings::compile(&source, &file.settings, ProcessSettings::default())?;
        let preempt = file.settings.facts_preempt_holds;
        compiler.set.facts_preempt_holds = preempt.unwrap_or_default();
        finish(&source, compiler.set, known)
    }

    /// Everything served by the sandbox at `address`, with its published credentials and the times
    /// of a demonstration.
    ///
    /// # Errors
    /// None but for a mistake in this build.
    pub fn sandbox(address: SocketAddr, channels: &ChannelMoney) -> Result<Self, ConfigError> {
        let path = Path::new("(sandbox)");
        Self::parse_for(path, &sandbox_file(address), KINDS, channels)
    }

    /// Sentences for the person who starts the server; empty where all is well.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.set.alert_providers.is_empty() {
            warnings.push("`alerts` names no provider: nobody is told about reviews".to_owned());
        }
        warnings
    }
}

/// The process file of the sandbox at `address`.
#[must_use]
pub fn sandbox_file(address: SocketAddr) -> String {
    include_str!("sandbox.toml").replace("ADDRESS", &address.to_string())
}

/// Keeps the providers that are used, and checks the size of what is journaled.
fn finish(
    source: &Source<'_>,
    set: PipelineSet,
    known: providers::Providers,
) -> Result<ProcessConfig, ConfigError> {
    let bytes = set.archive().len();
    if bytes > PIPELINES_ARCHIVED_BYTES_MAX {
        let message = format!(
            "the pipelines take {bytes} bytes, more than the {PIPELINES_ARCHIVED_BYTES_MAX} that \
             a record holds: shorten lists of countries and channels"
        );
        return Err(source.at(0..0, message));
    }
    let mut config = ProcessConfig {
        set,
        ..ProcessConfig::default()
    };
    for (name, known) in known {
        // What only reports is in no step; it needs a number all the same.
        let reports_only = known.effects.is_empty() && known.callback.is_some();
        if reports_only && !config.set.providers.contains(&name) {
            config.set.providers.push(name.clone());
        }
        if !config.set.providers.contains(&name) {
            let message = format!(
                "provider `{name}` serves nothing: name it in a step, in `messages`, `crm` or \
                 `alerts`, or remove it"
            );
            return Err(source.at(known.span, message));
        }
        if let Some(callback) = known.callback {
            config.callbacks.insert(name, callback);
        }
        config.providers.push(known.options);
    }
    Ok(config)
}

#[cfg(test)]
mod tests;
