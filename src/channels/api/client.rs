//! One HTTP request to a marketplace.

use super::{ApiError, ApiOptions, ApiOptionsError};
use crate::channels::document::Json;
use bytes::{Bytes, BytesMut};
use reqwest::Method;
use reqwest::header::HeaderMap;
use std::time::Duration;

/// Longest answer that is read, in bytes: 250 orders of 64 lines fit.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Longest time to make a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A client of one marketplace, with pooled connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Client {
    /// A client of the configured address, or of the marketplace's own.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(options: &ApiOptions, own: &str) -> Result<Self, ApiOptionsError> {
        // A second installation in one process is refused, and the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let timeout = Duration::from_millis(options.timeout_ms.max(1));
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .user_agent(concat!("onhand/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ApiOptionsError::Http(error.without_url().to_string()))?;
        let base_url = if options.base_url.is_empty() {
            own
        } else {
            &options.base_url
        };
        Ok(Self {
            http,
            base_url: base_url.trim_end_matches('/').to_owned(),
        })
    }

    /// A request to build on; `path` begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base_url))
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// There was no whole answer; URLs, which may hold tokens, are not in it.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Reply, ApiError> {
        let mut response = request.send().await.map_err(transport)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(ApiError::retry("answer_too_long", "more than 16 MiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status,
            headers,
            body: body.freeze(),
        })
    }
}

impl Reply {
    /// The body as a document; what is wrong with the answer where it is none.
    ///
    /// # Errors
    /// See [`Reply::refusal`]; an answer of success that is no JSON may be tried again.
    pub fn document(&self) -> Result<Json, ApiError> {
        match (Json::parse(&self.body), self.refusal("", "")) {
            (Ok(document), _) => Ok(document),
            (Err(_), Some(refusal)) => Err(refusal),
            (Err(error), None) => Err(error.into()),
        }
    }

    /// What a status that is none of success means; `code` and `message` are those of the body.
    #[must_use]
    pub fn refusal(&self, code: &str, message: &str) -> Option<ApiError> {
        let code = if code.is_empty() {
            format!("http_{}", self.status)
        } else {
            code.to_owned()
        };
        Some(match self.status {
            200..=299 => return None,
            401 | 403 => ApiError::unauthorised(&format!("{code} {message}")),
            429 => ApiError::limited(self.retry_after_ms(), message),
            408 | 425 | 500..=599 => ApiError::retry(code, message),
            _ => ApiError::rejected(code, message),
        })
    }

    /// A header as text, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The wait that `Retry-After` asks for, in milliseconds; 0 without.
    #[must_use]
    pub fn retry_after_ms(&self) -> u64 {
        let text = self.header("retry-after").unwrap_or("");
        // Shopify writes `2.0`.
        let whole = text.trim().split('.').next().unwrap_or("");
        whole.parse::<u64>().unwrap_or(0).saturating_mul(1_000)
    }
}

fn transport(error: reqwest::Error) -> ApiError {
    let code = if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else {
        "connection_lost"
    };
    ApiError::retry(code, &error.without_url().to_string())
}
