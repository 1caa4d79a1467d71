//! What a route answers: JSON, with what HTTP says about it in headers.

use super::auth::Caller;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// Sequence of the journal record that a command made: a later GET with
/// `Onhand-After-Sequence` of it sees what was done.
pub(super) const SEQUENCE_HEADER: &str = "onhand-sequence";

/// A JSON answer.
#[derive(Clone, Debug)]
pub(in crate::gateway) struct Reply {
    status: StatusCode,
    body: Value,
    etag: Option<u64>,
    location: Option<String>,
}

impl Reply {
    /// 200 with this body.
    pub fn of(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            etag: None,
            location: None,
        }
    }

    /// What was made, and where it is; 200 where it had been made before.
    pub fn created(body: Value, location: String) -> Self {
        let is_replay = body.get("replayed").and_then(Value::as_bool) == Some(true);
        let status = if is_replay {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        Self {
            status,
            location: Some(location),
            ..Self::of(body)
        }
    }

    /// With the stamp of what is shown; 304 where the caller has it.
    pub fn stamped(mut self, stamp: u64, caller: &Caller) -> Self {
        self.etag = Some(stamp);
        if caller.has_seen(stamp) {
            self.status = StatusCode::NOT_MODIFIED;
        }
        self
    }
}

impl From<Value> for Reply {
    fn from(body: Value) -> Self {
        Self::of(body)
    }
}

/// As `ETag`, `If-Match` and `If-None-Match` carry a stamp.
pub(super) fn etag(stamp: u64) -> String {
    format!("\"{stamp:016x}\"")
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let sequence = self.body.get("sequence").and_then(Value::as_u64);
        let mut response = if self.status == StatusCode::NOT_MODIFIED {
            self.status.into_response()
        } else {
            (self.status, Json(self.body)).into_response()
        };
        let headers = response.headers_mut();
        // Answers are about the present moment, and of one caller.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(sequence) = sequence {
            headers.insert(SEQUENCE_HEADER, HeaderValue::from(sequence));
        }
        if let Some(Ok(value)) = self.etag.map(|stamp| etag(stamp).parse()) {
            headers.insert(header::ETAG, value);
        }
        if let Some(Ok(value)) = self.location.map(|location| location.parse()) {
            headers.insert(header::LOCATION, value);
        }
        response
    }
}
