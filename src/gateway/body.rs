//! Bodies of requests: bounded in bytes and in time.

use super::problem::Problem;
use crate::limits::HTTP_BODY_BYTES_MAX;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::error::Error;
use std::time::Duration;

/// A body that did not arrive in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

/// The body, which fails from the moment on that it was to be here.
pub(super) fn within(body: Body, limit: Duration) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let late = Box::pin(tokio::time::sleep(limit));
    let start = (body.into_data_stream(), late);
    Body::from_stream(stream::unfold(start, |(mut pieces, mut late)| async move {
        let piece: Result<Bytes, Box<dyn Error + Send + Sync>> = tokio::select! {
            biased;
            piece = pieces.next() => piece?.map_err(Into::into),
            () = &mut late => Err(TooSlow.into()),
        };
        Some((piece, (pieces, late)))
    }))
}

fn is_too_slow(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(one) = cause {
        if one.is::<TooSlow>() {
            return true;
        }
        cause = one.source();
    }
    false
}

/// The whole body.
///
/// # Errors
/// 413 beyond [`HTTP_BODY_BYTES_MAX`], 408 where it did not arrive in time, 400 where the
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
    match whole.await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "BODY_TOO_LARGE",
            "The body is too long.",
        )),
        Err(error) if is_too_slow(&*error) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "BODY_TOO_SLOW",
            "The body did not arrive in time.",
        )),
        Err(error) => Err(Problem::bad_request(format!("the body broke off: {error}"))),
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
    // To the parser a list is as good as an object, member by member in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::bad_request("the body must be a JSON object"));
    }
    serde_json::from_slice(body).or_else(|error| {
        // `25.0` is a whole number to JSON's schemas, and some clients write it so.
        let whole = error.is_data().then(|| with_whole_numbers(body)).flatten();
        let read = whole.and_then(|value| serde_json::from_value(value).ok());
        read.ok_or_else(|| Problem::bad_request(error.to_string()))
    })
}

/// The body with every `25.0` as `25`; `None` where there is none.
fn with_whole_numbers(body: &[u8]) -> Option<Value> {
    fn mend(value: &mut Value) -> bool {
        match value {
            Value::Array(items) => items.iter_mut().fold(false, |any, one| mend(one) | any),
            Value::Object(members) => members.values_mut().fold(false, |any, one| mend(one) | any),
            Value::Number(number) if number.is_f64() => {
                let whole = number
                    .as_f64()
                    .filter(|found| found.fract() == 0.0 && found.abs() <= EXACT_FLOAT_MAX);
                #[allow(clippy::cast_possible_truncation)] // a whole number that fits
                let whole = whole.map(|found| found as i64);
                if let Some(whole) = whole {
                    *value = Value::from(whole);
                }
                whole.is_some()
            }
            _ => false,
        }
    }
    let mut value = serde_json::from_slice(body).ok()?;
    mend(&mut value).then_some(value)
}

/// Whole numbers up to this one are exact as floating-point numbers.
const EXACT_FLOAT_MAX: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_may_be_written_with_a_point_and_others_not() {
        let read = |text: &str| with_whole_numbers(text.as_bytes()).map(|value| value.to_string());
        assert_eq!(
            read("{\"a\":[25.0,1e3]}"),
            Some("{\"a\":[25,1000]}".to_owned())
        );
        assert_eq!(read("{\"a\":25}"), None);
        assert_eq!(read("{\"a\":1.5}"), None);
        assert_eq!(read("{\"a\":1e300}"), None);
    }
}
