//! A span for every request, joined to the caller's trace (W3C trace context).

use super::problem::Told;
use crate::metrics;
use crate::types::card;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::middleware::Next;
use axum::response::Response;
use std::borrow::Cow;
use tracing::Instrument;

const HEADER: &str = "traceparent";

/// A place in a trace: `00-TRACE-SPAN-FLAGS` in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    trace: u128,
    span: u64,
    flags: u8,
}

impl Place {
    /// What the caller said, if it said it well.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(HEADER)?.to_str().ok()?;
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lengths = [version.len(), trace.len(), span.len(), flags.len()];
        let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let well = lengths == [2, 32, 16, 2] && [version, trace, span, flags].into_iter().all(hex);
        // Later versions may have more parts; version ff is none.
        if !well || version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let place = Self {
            trace: u128::from_str_radix(trace, 16).ok()?,
            span: u64::from_str_radix(span, 16).ok()?,
            flags: u8::from_str_radix(flags, 16).ok()?,
        };
        (place.trace != 0 && place.span != 0).then_some(place)
    }

    /// A span of our own below it, or of a new trace.
    fn below(parent: Option<Self>) -> Self {
        let mut random = [0_u8; 24];
        // Without randomness from the system the ids are those of one trace: still a valid header.
        let _ = getrandom::fill(&mut random);
        let (trace, span) = random.split_at(16);
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0_u128, |sum, b| sum << 8 | u128::from(*b))
        };
        let span = u64::try_from(number(span)).unwrap_or(1).max(1);
        Self {
            trace: parent.map_or(number(trace).max(1), |parent| parent.trace),
            span,
            flags: parent.map_or(1, |parent| parent.flags),
        }
    }

    fn text(self) -> String {
        format!(
            "00-{:032x}-{:016x}-{:02x}",
            self.trace, self.span, self.flags
        )
    }
}

/// A path without what it is secret about: the token of a buyer's link, and card numbers.
fn loggable(path: &str) -> Cow<'_, str> {
    match path.strip_prefix("/track/") {
        Some(_) => Cow::Borrowed("/track/…"),
        None => card::masked(path),
    }
}

/// Runs the request in a span, and says where in the trace the answer was made.
pub(super) async fn span(request: Request<Body>, next: Next) -> Response {
    let place = Place::below(Place::of(request.headers())).text();
    let span = tracing::info_span!(
        "http",
        method = %request.method(),
        path = %loggable(request.uri().path()),
        traceparent = place,
        order = tracing::field::Empty,
    );
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(HEADER, value);
    }
    metrics::count_http(response.status().as_u16());
    if let Some(Told(code)) = response.extensions().get() {
        metrics::count_http_problem(code);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(text).expect("a value"));
        headers
    }

    #[test]
    fn a_buyers_link_is_not_logged() {
        assert_eq!(loggable("/track/abc.def"), "/track/…");
        assert_eq!(loggable("/v1/orders"), "/v1/orders");
    }

    #[test]
    fn a_span_joins_the_callers_trace() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = Place::of(&headers(text)).expect("a place");
        assert_eq!(parent.text(), text);
        let own = Place::below(Some(parent));
        assert_eq!((own.trace, own.flags), (parent.trace, 1));
        assert_ne!(own.span, parent.span);
    }

    #[test]
    fn bad_trace_headers_start_a_new_trace() {
        for bad in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(Place::of(&headers(bad)), None, "{bad}");
        }
        assert!(Place::of(&headers(&Place::below(None).text())).is_some());
    }
}
