//! One HTTP request to a provider, and what it means when it does not come back.
//!
//! A connection that could not be made means that nothing happened ([`EffectClass::Retry`]); a
//! request that left and got no whole answer may have happened ([`EffectClass::Unknown`]). Both
//! count for the breaker.
//!
//! [`EffectClass::Retry`]: crate::types::effect::EffectClass::Retry
//! [`EffectClass::Unknown`]: crate::types::effect::EffectClass::Unknown

use super::options::{OptionsError, ProviderOptions};
use super::outcome::Outcome;
use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use std::time::Duration;

/// Longest answer that is read, in bytes; a longer one is an unknown outcome.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Longest time to make a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A client with pooled connections; cheap to clone.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most 4 MiB.
    pub body: Bytes,
}

impl Http {
    /// A client whose requests take at most `timeout_ms` each, from connecting to the last byte.
    ///
    /// # Errors
    /// TLS cannot be set up on this machine.
    pub fn new(timeout_ms: u64) -> Result<Self, reqwest::Error> {
        // A second installation in one process is refused, and the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(Duration::from_millis(timeout_ms)))
            .timeout(Duration::from_millis(timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("onhand/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client })
    }

    /// The client of a configured provider.
    ///
    /// # Errors
    /// TLS cannot be set up on this machine.
    pub fn of(options: &ProviderOptions) -> Result<Self, OptionsError> {
        Self::new(options.timeout_ms)
            .map_err(|error| options.invalid("the HTTP client", format!("cannot be made: {error}")))
    }

    /// A request to build on; within an attempt it carries the attempt's `traceparent`.
    pub fn request(&self, method: reqwest::Method, url: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, url);
        match super::trace::current() {
            Some(traceparent) => request.header("traceparent", traceparent),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// The outcome where there is no whole answer; URLs, which may hold secrets, are not in it.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Outcome> {
        let mut response = request.send().await.map_err(transport)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Outcome::unknown(
                    "answer_too_long",
                    "the answer is too long",
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
        })
    }
}

impl Answer {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON, without the byte order mark that some put in front.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        let body = self
            .body
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.body);
        serde_json::from_slice(body).ok()
    }

    /// The wait that `Retry-After` asks for, in milliseconds; 0 without.
    #[must_use]
    pub fn retry_after_ms(&self) -> u64 {
        let seconds = self
            .header("retry-after")
            .and_then(|v| v.trim().parse().ok());
        seconds.map_or(0, |seconds: u64| seconds.saturating_mul(1_000))
    }
}

/// The outcome of a request that got no whole answer.
fn transport(error: reqwest::Error) -> Outcome {
    let connect = error.is_connect();
    let timeout = error.is_timeout();
    let mut message = error.without_url().to_string();
    if timeout {
        "no answer in time".clone_into(&mut message);
    }
    if connect {
        Outcome::retry("connect", message)
    } else if timeout {
        Outcome::unknown("timeout", message)
    } else {
        Outcome::unknown("connection_lost", message)
    }
}
