//! One request to a subscriber: CloudEvents in JSON, signed as Standard Webhooks, and what the
//! answer means.

use super::SubscriberOptions;
use crate::adapters::http::{Answer, Http};
use crate::adapters::notification::events::sign;
use crate::adapters::outcome::Outcome;
use crate::adapters::status::plain_text;
use crate::clock;
use crate::events::Event;
use crate::limits::SUBSCRIBER_BODY_BYTES_MAX;

/// A single event; a batch.
const CONTENT_TYPES: [&str; 2] = [
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
];

/// Events of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Of a single event its id; of a batch those of the first and the last.
    pub id: String,
    pub content_type: &'static str,
    pub body: String,
    /// How many events.
    pub events: usize,
    /// Sequence of the last one.
    pub last: u64,
    /// When the first one happened.
    pub first_ms: u64,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The subscriber has it.
    Taken,
    /// It wants nothing more, ever.
    Gone,
    /// It does not have it, or nobody knows.
    Failed {
        /// As metrics name it.
        outcome: &'static str,
        /// For people.
        text: String,
        /// It asked to wait this long, in milliseconds; 0: it did not say.
        wait_ms: u64,
    },
}

/// Splits events into messages of at most `batch` events and not much more than
/// [`SUBSCRIBER_BODY_BYTES_MAX`].
pub(super) fn messages(events: &[Event], batch: usize) -> Vec<Message> {
    let mut all = Vec::new();
    let (mut parts, mut bytes, mut first) = (Vec::new(), 0, None::<&Event>);
    for (place, event) in events.iter().enumerate() {
        let text = event.json.to_string();
        bytes += text.len() + 1;
        parts.push(text);
        let first_of = *first.get_or_insert(event);
        let next = events.get(place + 1);
        if parts.len() < batch && bytes < SUBSCRIBER_BODY_BYTES_MAX && next.is_some() {
            continue;
        }
        all.push(message(&parts, (first_of, event), batch > 1));
        parts.clear();
        (bytes, first) = (0, None);
    }
    all
}

fn message(parts: &[String], (first, last): (&Event, &Event), is_batch: bool) -> Message {
    let id = |event: &Event| {
        let id = event.json.get("id").and_then(serde_json::Value::as_str);
        id.unwrap_or_default().to_owned()
    };
    let [single, batch] = CONTENT_TYPES;
    Message {
        id: if is_batch {
            format!("{}_{}", id(first), id(last))
        } else {
            id(last)
        },
        content_type: if is_batch { batch } else { single },
        body: if is_batch {
            format!("[{}]", parts.join(","))
        } else {
            parts.concat()
        },
        events: parts.len(),
        last: last.sequence,
        first_ms: first.time_ms,
    }
}

/// Sends to one subscriber.
pub(super) struct Sender {
    http: Http,
    url: String,
    keys: Vec<Vec<u8>>,
}

impl Sender {
    pub fn new(http: Http, options: &SubscriberOptions) -> Self {
        Self {
            http,
            url: options.url.clone(),
            keys: options.keys.clone(),
        }
    }

    /// One attempt.
    pub async fn send(&self, message: &Message) -> Sent {
        let timestamp = (clock::now_ms() / 1_000).to_string();
        let body = message.body.as_bytes();
        let signatures: Vec<String> = self
            .keys
            .iter()
            .map(|key| sign(key, &message.id, &timestamp, body))
            .collect();
        let request = self
            .http
            .request(reqwest::Method::POST, &self.url)
            .header("content-type", message.content_type)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(message.body.clone());
        match self.http.send(request).await {
            Ok(answer) => answered(&answer),
            Err(outcome) => unanswered(&outcome),
        }
    }
}

fn answered(answer: &Answer) -> Sent {
    match answer.status {
        200..=299 => Sent::Taken,
        410 => Sent::Gone,
        status => Sent::Failed {
            outcome: if status >= 500 { "error" } else { "refused" },
            text: format!("HTTP {status} {}", plain_text(answer))
                .trim()
                .to_owned(),
            wait_ms: answer.retry_after_ms(),
        },
    }
}

fn unanswered(outcome: &Outcome) -> Sent {
    Sent::Failed {
        outcome: match outcome.code.as_str() {
            "connect" => "unreachable",
            "timeout" => "timeout",
            _ => "error",
        },
        text: outcome.message.clone(),
        wait_ms: 0,
    }
}

/// The wait after so many failures in a row, from 1: doubled each time, up to the longest; longer
/// where the subscriber asked for it, up to the longest as well.
pub(super) fn wait_ms(options: &SubscriberOptions, failures: u32, asked_ms: u64) -> u64 {
    let doubled = options
        .retry_ms
        .saturating_mul(1_u64 << failures.saturating_sub(1).min(32));
    doubled.max(asked_ms).min(options.retry_max_ms)
}
