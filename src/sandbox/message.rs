//! A request as a provider sees it, and its reply.

use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use std::borrow::Cow;

/// A request, its path cut below the provider's prefix.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path below the provider's prefix, with its leading slash: `/v1/refunds`.
    pub path: String,
    /// The query, without the question mark; empty where there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most 1 MiB.
    pub body: Bytes,
    /// What is left of the rate limit, where limits are switched on.
    pub limit: Option<crate::sandbox::LimitState>,
    /// How long the reply will be held back by a fault, in milliseconds; the provider is busy
    /// with this request until then.
    pub held_ms: u64,
}

impl Request {
    /// A header as text, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// User and password of `Authorization: Basic`.
    #[must_use]
    pub fn basic(&self) -> Option<(String, String)> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// Whether the body says that it is of this media type.
    #[must_use]
    pub fn is(&self, media_type: &str) -> bool {
        self.header("content-type").is_some_and(|found| {
            found
                .split(';')
                .next()
                .is_some_and(|found| found.trim().eq_ignore_ascii_case(media_type))
        })
    }

    /// The body as JSON, if it is JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as form fields in their order, names as sent (`metadata[order_id]`).
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// The query as fields in their order.
    #[must_use]
    pub fn query(&self) -> Vec<(String, String)> {
        pairs(self.query.as_bytes())
    }

    /// The first query field of this name.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query()
            .into_iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }

    /// The path's segments, percent-decoded: `["v1", "refunds"]`.
    #[must_use]
    pub fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(percent_decoded)
            .collect()
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn percent_decoded(part: &str) -> String {
    if !part.contains('%') {
        return part.to_owned();
    }
    // A plus sign is itself in a path; only the percent signs are code.
    let escaped = part.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={escaped}").as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// A reply with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![(Cow::Borrowed("content-type"), "application/json".to_owned())],
            body: Bytes::from(body.to_string()),
        }
    }

    /// A reply with a plain text body.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![(
                Cow::Borrowed("content-type"),
                "text/plain; charset=utf-8".to_owned(),
            )],
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    /// A reply without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// The reply with one header more; `name` in lower case.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_segment_is_percent_decoded_and_a_plus_sign_stays() {
        assert_eq!(percent_decoded("o%2F1+2%2B"), "o/1+2+");
        assert_eq!(percent_decoded("plain+"), "plain+");
    }
}
