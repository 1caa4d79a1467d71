//! WhatsApp Cloud status reports: `X-Hub-Signature-256: sha256=HEX` over the body. Batches are
//! normal: every entry, change and status is read.

use super::signature::{self, Algorithm, Digits};
use super::{BadPayload, Delivery, Event, FIXED_SETTINGS, Read, Scheme, Source, Unsigned};
use super::{required, text};
use crate::types::process::ReportKind;
use serde_json::Value;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "whatsapp",
    settings: FIXED_SETTINGS,
    verify,
    read,
};

fn verify(source: &Source, delivery: &Delivery<'_>) -> Result<(), Unsigned> {
    let header = delivery
        .header("x-hub-signature-256")
        .ok_or(Unsigned::Missing)?;
    let digits = header
        .trim()
        .strip_prefix("sha256=")
        .ok_or(Unsigned::Missing)?;
    let algorithm = Algorithm::Sha256(Digits::Hex);
    signature::require(source, algorithm, &[delivery.body], &[digits])
}

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let body = delivery.json()?;
    let entries = body.get("entry").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| BadPayload("`entry` is missing".to_owned()))?;
    let members = |value: &Value, name: &str| {
        let found = value.get(name).and_then(Value::as_array);
        found.cloned().unwrap_or_default()
    };
    let mut events = Vec::new();
    for change in entries.iter().flat_map(|entry| members(entry, "changes")) {
        let value = change.get("value").unwrap_or(&Value::Null);
        for status in members(value, "statuses") {
            events.push(status_event(&status)?);
        }
        for message in members(value, "messages") {
            // What buyers write is another channel's business.
            events.push(Event {
                id: required(&message, "id")?,
                kind: ReportKind::Other,
                order: String::new(),
                reference: String::new(),
                amount: 0,
                text: text(&message, "type"),
            });
        }
    }
    Ok(Read::Events(events))
}

fn status_event(status: &Value) -> Result<Event, BadPayload> {
    let message = required(status, "id")?;
    let word = required(status, "status")?;
    let error = status.pointer("/errors/0").unwrap_or(&Value::Null);
    let (code, title) = (text(error, "code"), text(error, "title"));
    Ok(Event {
        id: format!("{message} {word}"),
        kind: match word.as_str() {
            "delivered" | "read" => ReportKind::MessageDelivered,
            "failed" => ReportKind::MessageFailed,
            _ => ReportKind::Other,
        },
        order: text(status, "biz_opaque_callback_data"),
        reference: message,
        amount: 0,
        text: format!("{word} {code} {title}").trim().to_owned(),
    })
}
