//! SendGrid events, many in one delivery. A shared secret in a header, or, with
//! `algorithm = "ecdsa-p256"`, SendGrid's signed event webhook.

use super::signature::{Algorithm, BodyScheme};
use super::{BadPayload, Delivery, Event, OPEN_SETTINGS, Read, Scheme, Source, Unsigned};
use super::{required, text};
use crate::types::process::ReportKind;
use serde_json::Value;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "sendgrid",
    settings: OPEN_SETTINGS,
    verify,
    read,
};

const SHARED: BodyScheme = BodyScheme {
    header: "x-sendgrid-secret",
    algorithm: Algorithm::SharedSecret,
    prefix: "",
    time_header: "",
};

const SIGNED: BodyScheme = BodyScheme {
    header: "x-twilio-email-event-webhook-signature",
    algorithm: Algorithm::EcdsaP256,
    prefix: "",
    time_header: "x-twilio-email-event-webhook-timestamp",
};

fn verify(source: &Source, delivery: &Delivery<'_>) -> Result<(), Unsigned> {
    match source.setting_or("algorithm", "shared-secret") {
        "ecdsa-p256" => SIGNED.verify(source, delivery),
        _ => SHARED.verify(source, delivery),
    }
}

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let Value::Array(listed) = delivery.json()? else {
        return Err(BadPayload("the body is not a list of events".to_owned()));
    };
    let event = |event: &Value| {
        let name = required(event, "event")?;
        let message = text(event, "sg_message_id");
        let reason = text(event, "reason");
        Ok(Event {
            id: required(event, "sg_event_id")?,
            kind: match name.as_str() {
                "delivered" => ReportKind::MessageDelivered,
                "bounce" | "dropped" | "blocked" => ReportKind::MessageFailed,
                _ => ReportKind::Other,
            },
            order: text(event, "onhand_order"),
            // What the API gave back as the message's id stands before the first point.
            reference: message.split('.').next().unwrap_or_default().to_owned(),
            amount: 0,
            text: format!("{name} {reason}").trim().to_owned(),
        })
    };
    let events: Result<Vec<Event>, BadPayload> = listed.iter().map(event).collect();
    events.map(Read::Events)
}
