//! Webhooks of sales channels: verified over the raw bytes, journaled, then acknowledged.
//!
//! ```text
//!  POST /webhooks/KIND[/SHOP] ─▶ size ─▶ whose ─▶ signature ─▶ events ─▶ shard: once, durable ─▶ 200
//! ```
//!
//! What is durable before the answer is the delivery itself; what it means is worked off behind it
//! ([`crate::channels::intake`]). Answers have no body: some senders take one for a failure. Whoever
//! cannot sign learns nothing but 401, whether or not there is such a channel.

mod signed;
mod whose;

use super::body;
use super::connections::Peer;
use super::engines::{Asker, NoAnswer};
use super::rate::Who;
use super::state::Shared;
use crate::channels::{self, ChannelOptions, Delivery, What};
use crate::clock;
use crate::engine::channel_event::command::EventHead;
use crate::limits::{
    EVENT_BODY_BYTES_MAX, EVENT_BODY_BYTES_USUAL, EVENT_HEAD_BYTES_MAX, EVENTS_PER_DELIVERY_MAX,
};
use crate::metrics;
use crate::shard::local::{LocalAnswer, LocalRequest, OwnedDelivery};
use crate::types::{ChannelKind, CodeClass, ResultCode};
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::sync::SemaphorePermit;

/// Hint to a sender that comes too early, in seconds.
const RETRY_AFTER_S: &str = "5";

/// What became of a delivery: the status of the answer, and the word that is counted.
struct Outcome {
    status: StatusCode,
    result: &'static str,
}

const fn outcome(status: StatusCode, result: &'static str) -> Outcome {
    Outcome { status, result }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            return (self.status, [(header::RETRY_AFTER, RETRY_AFTER_S)]).into_response();
        }
        self.status.into_response()
    }
}

/// How long a sender of this kind waits for the answer, less what the network takes.
const fn answer_limit(kind: ChannelKind) -> Duration {
    Duration::from_millis(match kind {
        ChannelKind::Shopee | ChannelKind::TikTok => 2_500,
        ChannelKind::Shopify => 4_000,
        ChannelKind::WooCommerce | ChannelKind::WhatsApp => 10_000,
    })
}

/// `POST /webhooks/KIND` and `POST /webhooks/KIND/SHOP`.
pub(super) async fn receive(
    State(shared): State<Shared>,
    Path(path): Path<Vec<(String, String)>>,
    request: Request<Body>,
) -> Response {
    let started_ns = clock::monotonic_ns();
    let (kind, shop) = named(&path);
    let candidates = whose::candidates(&shared.channels, kind, shop);
    let Some(first) = candidates.first() else {
        metrics::count_webhook("unknown", "unknown_channel", 1);
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let limit = answer_limit(first.kind);
    let (head, body) = request.into_parts();
    let address = head.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let taken = take(&shared, &candidates, &head.headers, body);
    let (channel, taken) = match tokio::time::timeout(limit, taken).await {
        Ok(taken) => taken,
        Err(_) => (*first, outcome(StatusCode::SERVICE_UNAVAILABLE, "late")),
    };
    let ns = clock::monotonic_ns() - started_ns;
    metrics::webhook_answered(&channel.name, taken.result, ns);
    let is_guess = taken.status == StatusCode::UNAUTHORIZED;
    if taken.status.is_success() {
        tracing::debug!(channel = channel.name, result = taken.result, "webhook");
    } else if !is_guess || shared.rates.failed(&Who::at(address)).is_ok() {
        // Whoever guesses signatures fills no log.
        let status = taken.status.as_u16();
        tracing::warn!(
            channel = channel.name,
            result = taken.result,
            status,
            "webhook refused"
        );
    }
    taken.into_response()
}

/// `GET /webhooks/whatsapp[/SHOP]`: the handshake that proves who owns the address.
pub(super) async fn handshake(
    State(shared): State<Shared>,
    Path(path): Path<Vec<(String, String)>>,
    request: Request<Body>,
) -> Response {
    let (kind, shop) = named(&path);
    let candidates = whose::candidates(&shared.channels, kind, shop);
    let mut candidates = candidates
        .into_iter()
        .filter(|it| it.kind == ChannelKind::WhatsApp);
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let field = |name: &str| {
        let found = url::form_urlencoded::parse(query).find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let presented = field("hub.verify_token");
    let right = candidates.any(|channel| {
        let known = channel.secrets.verify_token.as_ref();
        known.is_some_and(|known| {
            let known = known.reveal().as_bytes();
            !known.is_empty() && bool::from(known.ct_eq(presented.as_bytes()))
        })
    });
    if field("hub.mode") != "subscribe" || !right {
        metrics::count_webhook("unknown", "wrong_verify_token", 1);
        return StatusCode::FORBIDDEN.into_response();
    }
    let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (plain, field("hub.challenge")).into_response()
}

fn named(path: &[(String, String)]) -> (&str, Option<&str>) {
    let part = |name: &str| {
        let found = path.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    (part("kind").unwrap_or_default(), part("shop"))
}

/// Everything from the body to the durable record; with the channel that it was.
async fn take<'a>(
    shared: &Shared,
    candidates: &[&'a ChannelOptions],
    headers: &HeaderMap,
    body: Body,
) -> (&'a ChannelOptions, Outcome) {
    let Some(&first) = candidates.first() else {
        unreachable!("the caller has at least one");
    };
    // A long one keeps its place until it is journaled.
    let (body, _place) = match read(shared, headers, body).await {
        Ok(read) => read,
        Err(refused) => return (first, refused),
    };
    let delivery = delivery(headers, body);
    if whose::is_woocommerce_ping(first.kind, &delivery) {
        return (first, outcome(StatusCode::OK, "ping"));
    }
    let signed = match signed::by(shared, candidates, &delivery).await {
        Ok(signed) => signed,
        Err("overloaded") => {
            return (
                first,
                outcome(StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
            );
        }
        Err(refused) => return (first, outcome(StatusCode::UNAUTHORIZED, refused)),
    };
    let mut taken = (first, outcome(StatusCode::UNAUTHORIZED, "other_shop"));
    for (channel, part) in whose::parts(&signed, delivery) {
        taken = (channel, journal(shared, channel, part).await);
        if !taken.1.status.is_success() {
            break; // the sender repeats all of it; what is in the journal is known
        }
    }
    taken
}

/// The body, with its place where it may be long: of such bodies only a few are in memory at once,
/// because whose they are is known only when they are whole.
async fn read<'a>(
    shared: &'a Shared,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, Option<SemaphorePermit<'a>>), Outcome> {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let (place, most) = match announced {
        Some(length) if length > EVENT_BODY_BYTES_MAX => {
            return Err(outcome(StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
        }
        Some(length) if length <= EVENT_BODY_BYTES_USUAL => (None, EVENT_BODY_BYTES_USUAL),
        _ => match shared.long_bodies.try_acquire() {
            Ok(place) => (Some(place), EVENT_BODY_BYTES_MAX),
            Err(_) => return Err(outcome(StatusCode::SERVICE_UNAVAILABLE, "overloaded")),
        },
    };
    match body::read_most(body, most).await {
        Ok(body) => Ok((body, place)),
        Err(problem) => {
            let result = match problem.status {
                StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                StatusCode::REQUEST_TIMEOUT => "too_slow",
                _ => "broke_off",
            };
            Err(outcome(problem.status, result))
        }
    }
}

fn delivery(headers: &HeaderMap, body: Bytes) -> Delivery {
    let headers = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    Delivery {
        headers: headers.collect(),
        body,
        registered_url: String::new(),
    }
}

/// The events of a delivery; those that mean nothing are counted and not journaled. A body that
/// cannot be read is an event as well: a person has to see it.
fn events(channel: &ChannelOptions, delivery: &Delivery) -> Vec<EventHead> {
    let Ok(incoming) = channels::read(channel.kind, delivery) else {
        return vec![EventHead {
            event: channel.event_id(delivery.body_id(channel.kind)),
            topic: "unreadable".to_owned(),
        }];
    };
    let mut events = Vec::with_capacity(incoming.len());
    for one in incoming {
        if matches!(one.what, What::Ignored(_)) {
            metrics::count_channel_event(&channel.name, "ignored", 1);
            continue;
        }
        events.push(EventHead {
            event: channel.event_id(one.event),
            topic: one.topic,
        });
    }
    events
}

/// The headers that reading the body later takes, as lines.
fn head(delivery: &Delivery) -> String {
    let kept = Delivery::KEPT_HEADERS.iter();
    let lines = kept.filter_map(|name| Some(format!("{name}: {}\n", delivery.header(name)?)));
    lines.collect()
}

/// Puts the delivery into the journal of its tenant's shard, and waits until it is durable.
async fn journal(shared: &Shared, channel: &ChannelOptions, delivery: Delivery) -> Outcome {
    let events = events(channel, &delivery);
    let head = head(&delivery);
    if events.is_empty() {
        return outcome(StatusCode::OK, "ignored");
    }
    if events.len() > EVENTS_PER_DELIVERY_MAX || head.len() > EVENT_HEAD_BYTES_MAX {
        return outcome(StatusCode::PAYLOAD_TOO_LARGE, "too_large");
    }
    let count = events.len() as u64;
    let request = LocalRequest::Event(OwnedDelivery {
        channel: channel.number,
        events,
        head,
        body: delivery.body.to_vec(),
    });
    let asker = Asker {
        tenant: channel.tenant.clone(),
        actor: channel.actor(),
    };
    let code = match shared.engines.ask(&asker, request).await {
        Ok(LocalAnswer::Command(done)) if done.code == ResultCode::Ok => {
            let taken = u64::from(done.handle);
            metrics::count_channel_event(&channel.name, "received", taken);
            metrics::count_channel_event(&channel.name, "repeated", count.saturating_sub(taken));
            let result = if done.replayed {
                "repeated"
            } else {
                "accepted"
            };
            return outcome(StatusCode::OK, result);
        }
        Ok(LocalAnswer::Command(done)) => done.code,
        Ok(LocalAnswer::Refused(code)) => code,
        Ok(other) => {
            tracing::error!(?other, "the engine's answer does not fit a delivery");
            return outcome(StatusCode::INTERNAL_SERVER_ERROR, "internal");
        }
        Err(NoAnswer::Busy | NoAnswer::Stopped | NoAnswer::Late) => {
            return outcome(StatusCode::SERVICE_UNAVAILABLE, "no_answer");
        }
    };
    if code == ResultCode::TooManyItems {
        return outcome(StatusCode::PAYLOAD_TOO_LARGE, "too_large");
    }
    let overloaded = code.class() == CodeClass::Transient;
    tracing::warn!(channel = channel.name, %code, "a delivery was not journaled");
    if overloaded {
        outcome(StatusCode::SERVICE_UNAVAILABLE, "overloaded")
    } else {
        outcome(StatusCode::INTERNAL_SERVER_ERROR, "refused")
    }
}
