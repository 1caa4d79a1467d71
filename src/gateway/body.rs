//! Bodies of requests: bounded in bytes and in time.

use super::problem::Problem;
use crate::limits::{HTTP_BODY_BYTES_MAX, HTTP_BODY_TIMEOUT_MS};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The whole body.
///
/// # Errors
/// 413 beyond [`HTTP_BODY_BYTES_MAX`], 408 beyond [`HTTP_BODY_TIMEOUT_MS`], 400 where the
/// connection broke.
pub(super) async fn read(body: Body) -> Result<Bytes, Problem> {
    read_most(body, HTTP_BODY_BYTES_MAX).await
}

/// As [`read`], with another bound in bytes.
///
/// # Errors
/// As there.
pub(super) async fn read_most(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let whole = Limited::new(body, bytes_max).collect();
    let limit = Duration::from_millis(HTTP_BODY_TIMEOUT_MS);
    match tokio::time::timeout(limit, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "BODY_TOO_LARGE",
            "The body is too long.",
        )),
        Ok(Err(error)) => Err(Problem::bad_request(format!("the body broke off: {error}"))),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "BODY_TOO_SLOW",
            "The body did not arrive in time.",
        )),
    }
}

/// The body as JSON; an empty one is the default.
///
/// # Errors
/// As [`read`]; 415 where a body says that it is something else, 400 where it is not what the route
/// takes.
pub(super) async fn json<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    let body = read(body).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    parsed(headers, &body)
}

/// The body as JSON, which must be there.
///
/// # Errors
/// As [`json`]; 400 where there is none.
pub(super) async fn required<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    let body = read(body).await?;
    if body.is_empty() {
        return Err(Problem::bad_request(
            "the body is empty; see docs/API.md for what it takes",
        ));
    }
    parsed(headers, &body)
}

fn parsed<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default()
        .trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        // A page of another origin can send a form without asking; it cannot send JSON.
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "The body must be application/json.",
        ));
    }
    serde_json::from_slice(body).map_err(|error| Problem::bad_request(error.to_string()))
}
