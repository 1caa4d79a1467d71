//! JSON with the text of its numbers, read field by field.
//!
//! Quantities and amounts are taken from the digits that were sent: a number never becomes a binary
//! fraction. Every value knows its path, so that what is wrong with it can be said.

use super::incoming::Unreadable;
use crate::limits::{LINE_QUANTITY_MAX, ORDER_TOTAL_MAX};
use crate::types::money;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Objects and lists within each other, at most.
const DEPTH_MAX: usize = 24;

/// Characters of a value that a message repeats.
const SHOWN_CHARS_MAX: usize = 24;

/// A value of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    value: &'a Json,
    path: String,
}

impl Json {
    /// Reads a whole document.
    pub fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let whole = |problem: String| Unreadable::new("the body", problem);
        let text = std::str::from_utf8(body)
            .map_err(|error| whole(format!("is not UTF-8 at byte {}", error.valid_up_to())))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
            whole(format!(
                "is not JSON at line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        grow(raw, 0).ok_or_else(|| {
            whole(format!(
                "is nested deeper than {DEPTH_MAX}, or no sound JSON"
            ))
        })
    }

    /// The document as a field.
    pub fn root(&self) -> Field<'_> {
        Field {
            value: self,
            path: String::new(),
        }
    }
}

fn grow(raw: &RawValue, depth: usize) -> Option<Json> {
    if depth > DEPTH_MAX {
        return None;
    }
    let text = raw.get();
    Some(match text.as_bytes().first()? {
        b'n' => Json::Null,
        b't' => Json::Bool(true),
        b'f' => Json::Bool(false),
        b'"' => Json::Text(serde_json::from_str(text).ok()?),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let items = items.into_iter().map(|item| grow(item, depth + 1));
            Json::List(items.collect::<Option<_>>()?)
        }
        b'{' => {
            let mut reader = serde_json::Deserializer::from_str(text);
            let members = reader.deserialize_map(Members).ok()?.into_iter();
            let members = members.map(|(name, item)| Some((name, grow(item, depth + 1)?)));
            Json::Map(members.collect::<Option<_>>()?)
        }
        _ => Json::Number(text.to_owned()),
    })
}

/// The members of an object in their order.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

impl<'a> Field<'a> {
    /// A member; null where there is none.
    pub fn get(&self, name: &str) -> Field<'a> {
        let value = match self.value {
            // Of a repeated name the last counts, as in every other reader.
            Json::Map(members) => members.iter().rev().find(|(key, _)| key == name),
            _ => None,
        };
        let dot = if self.path.is_empty() { "" } else { "." };
        Field {
            value: value.map_or(&Json::Null, |(_, value)| value),
            path: format!("{}{dot}{name}", self.path),
        }
    }

    /// True for null and for what is not there.
    pub fn is_null(&self) -> bool {
        *self.value == Json::Null
    }

    /// True for null, what is not there, and empty text.
    pub fn is_empty(&self) -> bool {
        match self.value {
            Json::Null => true,
            Json::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// True where it is JSON's `true`.
    pub fn is_true(&self) -> bool {
        *self.value == Json::Bool(true)
    }

    /// What is wrong with this value.
    pub fn bad(&self, problem: impl Into<String>) -> Unreadable {
        let path = if self.path.is_empty() {
            "the body"
        } else {
            &self.path
        };
        Unreadable::new(path, problem)
    }

    /// The items of a list; none where it is null.
    pub fn items(&self) -> Result<Vec<Field<'a>>, Unreadable> {
        match self.value {
            Json::Null => Ok(Vec::new()),
            Json::List(items) => {
                let items = items.iter().enumerate().map(|(place, value)| Field {
                    value,
                    path: format!("{}[{place}]", self.path),
                });
                Ok(items.collect())
            }
            _ => Err(self.bad("is no list")),
        }
    }

    /// A text or the digits of a number, that must be there.
    pub fn id(&self) -> Result<String, Unreadable> {
        let text = self.text()?;
        if text.is_empty() {
            return Err(self.bad("is missing"));
        }
        Ok(text)
    }

    /// A text or the digits of a number; empty where it is null.
    pub fn text(&self) -> Result<String, Unreadable> {
        match self.value {
            Json::Null => Ok(String::new()),
            Json::Text(text) | Json::Number(text) => Ok(text.trim().to_owned()),
            _ => Err(self.bad("is neither text nor number")),
        }
    }

    /// A text; empty where it is anything else.
    pub fn text_or_empty(&self) -> String {
        self.text().unwrap_or_default()
    }

    /// A whole number of units, 1 to 1,000,000.
    pub fn quantity(&self) -> Result<u32, Unreadable> {
        let text = self.id()?;
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
        let is_whole = !whole.is_empty()
            && whole.bytes().all(|byte| byte.is_ascii_digit())
            && !fraction.is_empty()
            && fraction.bytes().all(|byte| byte == b'0');
        let number = is_whole.then(|| whole.parse::<u32>().ok()).flatten();
        match number {
            Some(number) if (1..=LINE_QUANTITY_MAX).contains(&number) => Ok(number),
            _ => Err(self.bad(format!(
                "is {}, which is no whole number from 1 to {LINE_QUANTITY_MAX}",
                shown(&text)
            ))),
        }
    }

    /// A decimal amount in minor units of `currency`.
    pub fn amount(&self, currency: u16) -> Result<u64, Unreadable> {
        let text = self.id()?;
        match money::from_decimal(&text, currency) {
            Some(minor) if minor <= ORDER_TOTAL_MAX => Ok(minor),
            _ => Err(self.bad(format!(
                "is {}, which is no amount of {}",
                shown(&text),
                money::alpha(currency).unwrap_or("a known currency")
            ))),
        }
    }

    /// An ISO 4217 number from its three letters.
    pub fn currency(&self) -> Result<u16, Unreadable> {
        let text = self.id()?;
        let number = money::number(&text);
        number.ok_or_else(|| self.bad(format!("is {}, which is no currency", shown(&text))))
    }

    /// A number from 0 that is written in digits.
    pub fn whole(&self) -> Result<u64, Unreadable> {
        let text = self.id()?;
        let number = text.parse();
        number.map_err(|_| self.bad(format!("is {}, which is no whole number", shown(&text))))
    }

    /// Milliseconds since 1970 from a number of seconds.
    pub fn seconds(&self) -> Result<u64, Unreadable> {
        let seconds = self.whole()?;
        let milliseconds = seconds.checked_mul(1_000);
        milliseconds.ok_or_else(|| self.bad(format!("is {seconds}, which is no time")))
    }

    /// Milliseconds since 1970 from an ISO 8601 time; one without a zone is UTC.
    pub fn time(&self) -> Result<u64, Unreadable> {
        let text = self.id()?;
        let parsed: Option<jiff::Timestamp> = text
            .parse()
            .ok()
            .or_else(|| format!("{text}Z").parse().ok());
        let milliseconds = parsed.and_then(|time| u64::try_from(time.as_millisecond()).ok());
        milliseconds.ok_or_else(|| self.bad(format!("is {}, which is no time", shown(&text))))
    }
}

/// The start of a value, for a message.
fn shown(text: &str) -> String {
    if text.chars().count() <= SHOWN_CHARS_MAX {
        return format!("`{text}`");
    }
    let start: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("`{start}…`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Json {
        Json::parse(format!("{{\"x\":{text}}}").as_bytes()).unwrap()
    }

    #[test]
    fn quantities_are_whole_and_within_bounds_however_they_are_written() {
        for (text, found) in [
            ("2", Some(2)),
            ("\"2\"", Some(2)),
            ("2.0", Some(2)),
            ("1000000", Some(1_000_000)),
            ("1000001", None),
            ("0", None),
            ("-1", None),
            ("1.5", None),
            ("1.0000000000000000001", None),
            ("1e3", None),
            ("99999999999999999999999", None),
            ("\"\"", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
        ] {
            let document = of(text);
            let read = document.root().get("x").quantity();
            assert_eq!(read.clone().ok(), found, "{text}");
            if let Err(error) = read {
                assert_eq!(error.field, "x");
            }
        }
    }

    #[test]
    fn amounts_keep_the_digits_that_were_sent() {
        for (text, found) in [
            ("19.9", Some(1990)),
            ("\"19.90\"", Some(1990)),
            ("0", Some(0)),
            ("31.4", Some(3140)),
            ("0.30000000000000004", None),
            ("19.999", None),
            ("-1.00", None),
            ("90071992547409.93", None),
        ] {
            assert_eq!(of(text).root().get("x").amount(978).ok(), found, "{text}");
        }
    }

    #[test]
    fn times_with_a_zone_and_without_are_the_same_instant() {
        for text in [
            "\"2026-05-04T10:12:31+02:00\"",
            "\"2026-05-04T08:12:31\"",
            "\"2026-05-04T08:12:31Z\"",
        ] {
            let time = of(text).root().get("x").time();
            assert_eq!(time, Ok(1_777_882_351_000), "{text}");
        }
        assert!(of("\"yesterday\"").root().get("x").time().is_err());
        assert_eq!(
            of("1777882351").root().get("x").seconds(),
            Ok(1_777_882_351_000)
        );
    }

    #[test]
    fn bodies_that_are_no_document_say_where() {
        for (body, word) in [
            (b"".as_slice(), "not JSON"),
            (b"\xff{}", "not UTF-8 at byte 0"),
            (b"{\"a\":1,}", "not JSON at line 1"),
            (b"{} {}", "not JSON"),
        ] {
            let error = Json::parse(body).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        let deep = ["[".repeat(200_000), "]".repeat(200_000)].concat();
        assert!(Json::parse(deep.as_bytes()).is_err());
        assert!(Json::parse(b"\xef\xbb\xbf{}").is_ok());
    }

    #[test]
    fn members_lists_and_their_paths_are_found() {
        let document = Json::parse(br#"{"a":[{"b":null},{"b":"x"}],"c":1,"c":2}"#).unwrap();
        let root = document.root();
        let items = root.get("a").items().unwrap();
        assert_eq!(items[1].get("b").text().unwrap(), "x");
        assert!(items[0].get("b").is_empty());
        assert_eq!(items[0].get("b").id().unwrap_err().field, "a[0].b");
        assert_eq!(root.get("c").whole(), Ok(2));
        assert!(root.get("c").items().is_err());
    }
}
