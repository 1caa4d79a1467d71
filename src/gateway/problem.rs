//! What HTTP says when something is refused: problem details (RFC 9457) with the result code.

use super::engines::NoAnswer;
use crate::limits::OVERLOADED_RETRY_AFTER_MS;
use crate::types::{CodeClass, ResultCode, card};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// A refusal for people and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Upper-case name: a result code's, or one of HTTP's own here.
    pub code: &'static str,
    /// What the code means.
    pub title: &'static str,
    /// What happened to which order, and what to do next. Card numbers, which it may repeat from
    /// the request, are masked when it is sent.
    pub detail: String,
    /// Seconds after which the same request may succeed.
    pub retry_after_s: Option<u32>,
    /// Further members.
    pub more: Map<String, Value>,
}

impl Problem {
    /// A problem of HTTP's own.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            detail: String::new(),
            retry_after_s: None,
            more: Map::new(),
        }
    }

    /// The body is not what the route takes.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        let title = "The request cannot be read.";
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", title).because(detail)
    }

    /// The engine refused it.
    #[must_use]
    pub fn refused(code: ResultCode, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(status_of(code), code.name(), code.meaning().trim());
        problem.detail = detail.into();
        if code.class() == CodeClass::Transient {
            problem.retry_after_s = Some(OVERLOADED_RETRY_AFTER_MS.div_ceil(1_000));
        }
        problem
    }

    /// There is no answer.
    #[must_use]
    pub fn no_answer(why: NoAnswer) -> Self {
        let (code, detail) = match why {
            NoAnswer::Busy => (
                ResultCode::Overloaded,
                "the engine's queue is full; nothing was done",
            ),
            NoAnswer::Stopped => (
                ResultCode::ShuttingDown,
                "the server is shutting down; it may or may not have been done: repeat it with the \
                 same Idempotency-Key",
            ),
            NoAnswer::Late => (
                ResultCode::Overloaded,
                "no answer in time; it may or may not have been done: repeat it with the same \
                 Idempotency-Key",
            ),
        };
        Self::refused(code, detail)
    }

    /// With what happened, in words.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The JSON of it.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut members = self.more.clone();
        let kind = self.code.to_ascii_lowercase().replace('_', "-");
        members.insert("type".into(), json!(format!("urn:onhand:problem:{kind}")));
        members.insert("title".into(), json!(self.title));
        members.insert("status".into(), json!(self.status.as_u16()));
        members.insert("code".into(), json!(self.code));
        if !self.detail.is_empty() {
            members.insert("detail".into(), json!(card::masked(&self.detail)));
        }
        Value::Object(members)
    }
}

/// The code of the problem that an answer tells, beside it: it is counted where the answer leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told(pub &'static str);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, self.json().to_string()).into_response();
        response.extensions_mut().insert(Told(self.code));
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<NoAnswer> for Problem {
    fn from(why: NoAnswer) -> Self {
        Self::no_answer(why)
    }
}

/// The status of a result code.
#[must_use]
pub fn status_of(code: ResultCode) -> StatusCode {
    match code {
        ResultCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ResultCode::ForbiddenRole | ResultCode::ForbiddenTenant => StatusCode::FORBIDDEN,
        ResultCode::UnknownOrder | ResultCode::UnknownEvent => StatusCode::NOT_FOUND,
        // The Idempotency-Key draft: one key, another request.
        ResultCode::IdempotencyConflict => StatusCode::UNPROCESSABLE_ENTITY,
        _ => match code.class() {
            CodeClass::Success => StatusCode::OK,
            CodeClass::Rejection => StatusCode::CONFLICT,
            CodeClass::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            CodeClass::Transient => StatusCode::SERVICE_UNAVAILABLE,
            CodeClass::Protocol => StatusCode::BAD_REQUEST,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_code_and_what_to_do() {
        let problem = Problem::refused(ResultCode::UnknownOrder, "no order 4711 of tenant acme");
        assert_eq!(
            problem.json(),
            json!({
                "type": "urn:onhand:problem:unknown-order",
                "title": "No order with this key.",
                "status": 404,
                "code": "UNKNOWN_ORDER",
                "detail": "no order 4711 of tenant acme",
            })
        );
        let busy = Problem::no_answer(NoAnswer::Busy).into_response();
        assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(busy.headers()["retry-after"], "1");
    }

    #[test]
    fn every_result_code_has_a_status_of_its_class() {
        for code in ResultCode::ALL {
            let status = status_of(*code);
            match code.class() {
                CodeClass::Success => assert_eq!(status, StatusCode::OK),
                CodeClass::Transient => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
                _ => assert!(status.is_client_error(), "{code}"),
            }
        }
    }
}
