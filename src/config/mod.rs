//! Configuration: file, flags and defaults, checked before anything starts.
//!
//! ```text
//!  defaults ──► file (--config FILE, TOML) ──► flags ──► checks ──► Config + warnings
//! ```
//!
//! Every option stands once, in `options.rs`, with its type, default, range, unit and meaning;
//! the file format, the flags of `onhand serve`, the checks and `docs/CONFIGURATION.md` are made
//! from that table. No option holds a secret itself: secrets are in the files that options name.

pub mod channels;
mod check;
mod flags;
mod options;
pub mod process;
pub mod render;
mod setting;
pub mod subscribers;

use std::path::{Path, PathBuf};

pub use crate::journal::SyncMode;
pub use options::{Config, Flags, OptionInfo};
pub use setting::{HistoryName, PublicUrl};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave it.
    Default,
    /// The configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A flag.
    Flag,
}

impl Config {
    /// Reads the file if one is named, lets flags override it, and checks the whole.
    ///
    /// # Errors
    /// Names the file, line and key, or the flag, and what to write instead.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        if let Some(path) = &flags.config {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                path: path.clone(),
                source,
            })?;
            config.read(path, &text)?;
        }
        config.apply_flags(flags);
        config.check()?;
        Ok(config)
    }

    /// Takes the text of a configuration file; `path` is only named in errors and origins.
    fn read(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let mut file: options::FileOptions =
            toml::from_str(text).map_err(|error| ConfigError::parse(path, text, &error))?;
        for (name, shard) in std::mem::take(&mut file.tenants) {
            let line = line_of(text, name.span().start);
            self.tenants.insert(name.into_inner(), shard.into_inner());
            let path = path.to_owned();
            self.origins
                .entry("tenants")
                .or_insert(Origin::File { path, line });
        }
        self.apply_file(path, text, file);
        Ok(())
    }

    /// Where the value of an option comes from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }
}

/// The line (from 1) of a byte offset.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// Why a configuration cannot be used. Whoever wrote the file or the flag mends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file is not TOML, or has an unknown key or a value of the wrong type.
    #[error("{} line {line}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong, with the key.
        message: String,
    },
    /// A value that cannot be used, alone or beside another.
    #[error("{place}: {message}")]
    Value {
        /// File, line and key, or the flag.
        place: String,
        /// What is wrong and what to write.
        message: String,
    },
}

impl ConfigError {
    fn parse(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line = line_of(text, start);
        let message = error.message().trim_end();
        // The deserialiser names an unknown key, but not the key of a value of the wrong type.
        let key = text
            .lines()
            .nth(line - 1)
            .and_then(|text| text.split_once('='))
            .map(|(key, _)| key.trim());
        let message = match key {
            Some(key) if !message.contains(&format!("`{key}`")) => format!("`{key}`: {message}"),
            _ => message.to_owned(),
        };
        Self::Parse {
            path: path.to_owned(),
            line,
            message,
        }
    }
}

#[cfg(test)]
mod tests;
