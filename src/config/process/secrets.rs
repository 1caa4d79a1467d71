//! Secrets by name: where to find them, never what they are.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

use crate::adapters::options::Secret;

/// Longest secret that is read, in bytes.
const SECRET_BYTES_MAX: u64 = 16 << 10;

const EXPECTED: &str = "a secret is not written into this file: say where it is, with \
                        { env = \"NAME\" } or { file = \"PATH\" }";

/// Where one secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a variable of the environment.
    Env(String),
    /// In a file of its own, without the line break at its end.
    File(PathBuf),
    /// Not a secret at all: a credential that everybody knows, such as those of the sandbox. Only
    /// for providers on loopback.
    Published(String),
}

impl SecretSource {
    /// The secret.
    ///
    /// # Errors
    /// What to set or mend; never what was found.
    pub fn read(&self) -> Result<Secret, String> {
        let secret = match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(text) => Secret::new(text),
                Err(_) => return Err(format!("set the environment variable `{name}`")),
            },
            Self::Published(text) => Secret::new(text.clone()),
            Self::File(path) => {
                let shown = path.display();
                let size = std::fs::metadata(path).map(|meta| meta.len());
                if size.is_ok_and(|bytes| bytes > SECRET_BYTES_MAX) {
                    return Err(format!("{shown} is too long for a secret"));
                }
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("cannot read {shown}: {}", error.kind()))?;
                Secret::new(text)
            }
        };
        if secret.reveal().is_empty() {
            return Err(match self {
                Self::Env(name) => format!("the environment variable `{name}` is empty"),
                Self::File(path) => format!("{} is empty", path.display()),
                Self::Published(_) => "the credential is empty".to_owned(),
            });
        }
        Ok(secret)
    }
}

impl SecretSource {
    /// True where it may be used with an API at this URL: a credential that stands in the file is
    /// one that everybody knows, for loopback only.
    #[must_use]
    pub fn is_fit_for(&self, base_url: &str) -> bool {
        let url = url::Url::parse(base_url).ok();
        let host = url.as_ref().and_then(url::Url::host);
        let on_loopback = host.is_some_and(|host| match host {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
        });
        on_loopback || !matches!(self, Self::Published(_))
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Source)
    }
}

/// Refuses everything but the two tables, without repeating what it was given.
struct Source;

impl<'de> Visitor<'de> for Source {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"NAME\" } or { file = \"PATH\" }")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretSource, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        let refused = || serde::de::Error::custom(EXPECTED);
        let Some(key) = map.next_key::<String>()? else {
            return Err(refused());
        };
        let value: String = map.next_value().map_err(|_| refused())?;
        if map.next_key::<String>()?.is_some() || value.is_empty() {
            return Err(refused());
        }
        match key.as_str() {
            "env" => Ok(SecretSource::Env(value)),
            "file" => Ok(SecretSource::File(value.into())),
            "published" => Ok(SecretSource::Published(value)),
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_secret_without_the_line_break() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        std::fs::write(&path, "s3cret\n").expect("a written file");
        let secret = SecretSource::File(path.clone()).read().expect("a secret");
        assert_eq!(secret.reveal(), "s3cret");
        std::fs::write(&path, "\n").expect("a written file");
        let error = SecretSource::File(path).read().expect_err("empty");
        assert!(error.contains("is empty"), "{error}");
        let absent = SecretSource::Env("ONHAND_NO_SUCH_VARIABLE".to_owned());
        let error = absent.read().expect_err("unset");
        assert!(error.contains("ONHAND_NO_SUCH_VARIABLE"), "{error}");
    }
}
