//! How one option's value is written, read and shown: the same for file, flag and documents.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use crate::history::HistoryTarget;
use crate::journal::SyncMode;

/// A type that an option may have.
pub(super) trait Setting: Sized {
    /// What file and flag give; it differs from the value where the value may be absent.
    type Given: Clone + Send + Sync + for<'de> Deserialize<'de> + 'static;

    /// What people call the type.
    const KIND: &'static str;

    /// True where the bare flag means `true`.
    const SWITCH: bool = false;

    /// Reads a flag.
    fn parse(text: &str) -> Result<Self::Given, String>;

    /// The value for what was given.
    fn from_given(given: Self::Given) -> Self;

    /// The value as TOML; `None` where the option is unset.
    fn show(&self) -> Option<String>;

    /// The value for range checks, if it is a number.
    fn number(&self) -> Option<u64> {
        None
    }
}

macro_rules! numbers {
    ($($type:ty),+) => {$(
        impl Setting for $type {
            type Given = Self;
            const KIND: &'static str = "integer";
            fn parse(text: &str) -> Result<Self, String> {
                text.replace('_', "")
                    .parse()
                    .map_err(|_| "expected a whole number, e.g. 1_000_000".to_owned())
            }
            fn from_given(given: Self) -> Self {
                given
            }
            fn show(&self) -> Option<String> {
                Some(grouped(self.number()?))
            }
            fn number(&self) -> Option<u64> {
                u64::try_from(*self).ok()
            }
        }
    )+};
}
numbers!(u16, u32, u64, usize);

/// A number with its thousands set apart by underscores, as TOML and the flags accept it.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

impl Setting for bool {
    type Given = Self;
    const KIND: &'static str = "boolean";
    const SWITCH: bool = true;
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "expected true or false".to_owned())
    }
    fn from_given(given: Self) -> Self {
        given
    }
    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for PathBuf {
    type Given = Self;
    const KIND: &'static str = "path";
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("expected a path".to_owned());
        }
        Ok(text.into())
    }
    fn from_given(given: Self) -> Self {
        given
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string_lossy()))
    }
}

impl Setting for Option<PathBuf> {
    type Given = PathBuf;
    const KIND: &'static str = "path";
    fn parse(text: &str) -> Result<PathBuf, String> {
        <PathBuf as Setting>::parse(text)
    }
    fn from_given(given: PathBuf) -> Self {
        Some(given)
    }
    fn show(&self) -> Option<String> {
        self.as_ref().and_then(Setting::show)
    }
}

/// An address in a file; kept as text, so that the error is ours and not the deserialiser's.
#[derive(Clone, Copy, Debug)]
pub struct Address(SocketAddr);

impl FromStr for Address {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            format!(
                "`{text}` is not an address: expected IP:PORT, e.g. 127.0.0.1:7171 or [::]:7171"
            )
        })
    }
}

/// An address, or the word that switches it off.
#[derive(Clone, Copy, Debug)]
pub struct AddressOrOff(Option<SocketAddr>);

impl FromStr for AddressOrOff {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        match text.parse::<Address>() {
            Ok(address) => Ok(Self(Some(address.0))),
            Err(message) => Err(format!("{message}, or `off`")),
        }
    }
}

macro_rules! from_text {
    ($($type:ty),+) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
from_text!(Address, AddressOrOff, SyncText, HistoryName, PublicUrl);

impl Setting for SocketAddr {
    type Given = Address;
    const KIND: &'static str = "address";
    fn parse(text: &str) -> Result<Address, String> {
        text.parse()
    }
    fn from_given(given: Address) -> Self {
        given.0
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Setting for Option<SocketAddr> {
    type Given = AddressOrOff;
    const KIND: &'static str = "address or \"off\"";
    fn parse(text: &str) -> Result<AddressOrOff, String> {
        text.parse()
    }
    fn from_given(given: AddressOrOff) -> Self {
        given.0
    }
    fn show(&self) -> Option<String> {
        Some(self.map_or_else(|| quoted("off"), |address| quoted(&address.to_string())))
    }
}

/// A sync mode in a file.
#[derive(Clone, Copy, Debug)]
pub struct SyncText(SyncMode);

impl FromStr for SyncText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<SyncMode>()
            .map(Self)
            .map_err(|_| format!("`{text}` is not one of always, interval=MS (1 to 60000) and os"))
    }
}

impl Setting for SyncMode {
    type Given = SyncText;
    const KIND: &'static str = "always, interval=MS or os";
    fn parse(text: &str) -> Result<SyncText, String> {
        text.parse()
    }
    fn from_given(given: SyncText) -> Self {
        given.0
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

/// The name of a history database, known to be one: see `history::HistoryTarget::parse`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryName(String);

impl HistoryName {
    /// The name as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for HistoryName {
    fn default() -> Self {
        Self("sqlite".to_owned())
    }
}

impl FromStr for HistoryName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        // Where the data directory is makes no difference to whether the name is one.
        match HistoryTarget::parse(text, Path::new("")) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Setting for HistoryName {
    type Given = Self;
    const KIND: &'static str = "sqlite, sqlite:FILE, postgres://… or off";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
    fn from_given(given: Self) -> Self {
        given
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// Where a server is reached from outside: `http` or `https`, a host, perhaps a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The address of a path that begins with `/`.
    #[must_use]
    pub fn with(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if !plain {
            return Err(format!(
                "`{text}` is not an address for buyers: expected a URL such as \
                 https://orders.example, without user, query and fragment"
            ));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl Setting for Option<PublicUrl> {
    type Given = PublicUrl;
    const KIND: &'static str = "URL";
    fn parse(text: &str) -> Result<PublicUrl, String> {
        text.parse()
    }
    fn from_given(given: PublicUrl) -> Self {
        Some(given)
    }
    fn show(&self) -> Option<String> {
        self.as_ref().map(|url| quoted(&url.0))
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_a_plain_url_and_its_paths_follow_one_slash() {
        for text in ["https://orders.example/", "https://orders.example"] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!(url.with("/track/x"), "https://orders.example/track/x");
        }
        for text in [
            "orders.example",
            "ftp://orders.example",
            "https://u:p@orders.example",
            "https://orders.example/?a=1",
            "",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_shown_in_groups_and_read_back() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1_000"),
            (67_108_864, "67_108_864"),
        ] {
            assert_eq!(grouped(number), shown);
            assert_eq!(<u64 as Setting>::parse(shown), Ok(number));
        }
    }
}
