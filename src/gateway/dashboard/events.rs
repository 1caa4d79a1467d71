//! `GET /dashboard/events?tenant=NAME`: the figures as server-sent events.

use super::of;
use crate::clock;
use crate::dashboard::pulse::Frame;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::gateway::v1::Caller;
use crate::types::Role;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

/// A stream ends by itself after this time and the browser comes again, so that whoever may not
/// watch any more does not.
const STREAM_MS: u64 = 10 * 60 * 1_000;

/// A browser that cannot follow gets everything at most this often, in milliseconds: who reads
/// slowly is not sent the most.
const WHOLE_MS: u64 = 2_000;

/// What the browser waits before it comes again, in milliseconds.
const RETRY: &[u8] = b"retry: 1000\n\n";

/// One browser's place in the stream.
struct Watching {
    frames: watch::Receiver<Frame>,
    /// The last frame that it has; 0: none.
    last: u64,
    /// From when on it may get everything again.
    whole_ns: u64,
    greeted: bool,
    until_ns: u64,
}

/// Streams frames until the browser goes.
pub(super) async fn stream(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    for (_, tenant) in pairs.filter(|(name, _)| name == "tenant") {
        // A browser's event source sends no headers of its own.
        let tenant = HeaderValue::from_str(&tenant);
        let bad = |_| Problem::bad_request("`tenant` has characters that no name has");
        parts.headers.insert("onhand-tenant", tenant.map_err(bad)?);
    }
    let caller = Caller::from_request_parts(&mut parts, &shared).await?;
    caller.may(Role::ReadOnly)?;
    let pulse = &of(&shared)?.pulse;
    let frames = pulse.watch(&caller.asker.tenant).ok_or_else(|| {
        let detail = "too many tenants are watched at once";
        Problem::refused(crate::types::ResultCode::Overloaded, detail)
    })?;
    let known = parts.headers.get("last-event-id");
    let known = known.and_then(|id| id.to_str().ok());
    let last = known.and_then(|id| known_frame(id, pulse.epoch));
    let watching = Watching {
        frames,
        last: last.unwrap_or(0),
        whole_ns: 0,
        greeted: false,
        until_ns: clock::monotonic_ns() + STREAM_MS * 1_000_000,
    };
    let body = Body::from_stream(stream::unfold(watching, next));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, body).into_response())
}

/// The frame that an id stands for, if it is of this start of the process.
fn known_frame(id: &str, epoch: u64) -> Option<u64> {
    let (of, number) = id.split_once('-')?;
    let same = u64::from_str_radix(of, 16).is_ok_and(|of| of == epoch);
    number.parse().ok().filter(|_| same)
}

async fn next(mut watching: Watching) -> Option<(Result<Bytes, Infallible>, Watching)> {
    if !watching.greeted {
        watching.greeted = true;
        return Some((Ok(Bytes::from_static(RETRY)), watching));
    }
    loop {
        let left_ns = watching.until_ns.saturating_sub(clock::monotonic_ns());
        let left = Duration::from_nanos(left_ns);
        let changed = tokio::time::timeout(left, watching.frames.changed());
        if !matches!(changed.await, Ok(Ok(()))) {
            return None;
        }
        let frame = watching.frames.borrow_and_update().clone();
        if let Some(bytes) = watching.part(frame, clock::monotonic_ns()) {
            return Some((Ok(bytes), watching));
        }
    }
}

impl Watching {
    /// What it is sent of a frame. Who has the frame before gets the difference, anybody else gets
    /// all of it, now or with one of the next frames.
    fn part(&mut self, frame: Frame, now_ns: u64) -> Option<Bytes> {
        if frame.number == 0 || frame.number == self.last {
            return None;
        }
        if self.last + 1 == frame.number && self.last > 0 {
            self.last = frame.number;
            return Some(frame.delta);
        }
        if now_ns < self.whole_ns {
            return None;
        }
        self.last = frame.number;
        self.whole_ns = now_ns + WHOLE_MS * 1_000_000;
        Some(frame.whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_misses_frames_gets_everything_but_not_with_every_frame() {
        let (_, frames) = watch::channel(Frame::default());
        let mut watching = Watching {
            frames,
            last: 0,
            whole_ns: 0,
            greeted: true,
            until_ns: u64::MAX,
        };
        let mut part = |number: u64, at_ms: u64| {
            let frame = Frame {
                number,
                delta: Bytes::from_static(b"delta"),
                whole: Bytes::from_static(b"whole"),
            };
            let part = watching.part(frame, at_ms * 1_000_000);
            part.map_or("", |bytes| if bytes == "whole" { "whole" } else { "delta" })
        };
        assert_eq!([part(0, 1), part(7, 2), part(7, 3)], ["", "whole", ""]);
        assert_eq!([part(8, 250), part(10, 750)], ["delta", ""], "one missed");
        assert_eq!([part(12, 1_500), part(14, 2_002)], ["", "whole"]);
        assert_eq!(part(15, 2_250), "delta");
    }

    #[test]
    fn an_id_of_an_earlier_start_counts_for_nothing() {
        assert_eq!(known_frame("1f-7", 31), Some(7));
        assert_eq!(known_frame("1e-7", 31), None);
        assert_eq!(known_frame("7", 31), None);
        assert_eq!(known_frame("1f-x", 31), None);
    }
}
