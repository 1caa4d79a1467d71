//! Stripe events: `Stripe-Signature: t=SECONDS,v1=HEX` over `SECONDS.BODY`.

use super::signature::{self, Algorithm, Digits};
use super::{BadPayload, Delivery, Event, FIXED_SETTINGS, Read, Scheme, Source, Unsigned};
use super::{required, text};
use crate::types::card;
use crate::types::process::ReportKind;
use serde_json::Value;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "stripe",
    settings: FIXED_SETTINGS,
    verify,
    read,
};

fn verify(source: &Source, delivery: &Delivery<'_>) -> Result<(), Unsigned> {
    let header = delivery
        .header("stripe-signature")
        .ok_or(Unsigned::Missing)?;
    let mut time = None;
    let mut presented = Vec::new();
    for (name, value) in header
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
    {
        match name {
            "t" => time = Some(value),
            "v1" => presented.push(value),
            _ => {} // schemes of other versions
        }
    }
    let time = time.ok_or(Unsigned::Missing)?;
    let parts = [time.as_bytes(), b".", delivery.body];
    signature::require(source, Algorithm::Sha256(Digits::Hex), &parts, &presented)?;
    signature::fresh(time, delivery.now_ms)
}

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let event = delivery.json()?;
    let id = required(&event, "id")?;
    let kind = required(&event, "type")?;
    let nothing = || BadPayload("`data.object` is missing".to_owned());
    let object = event.pointer("/data/object").ok_or_else(nothing)?;
    let amount = |name| object.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (kind, amount) = match kind.as_str() {
        "payment_intent.amount_capturable_updated" => {
            (ReportKind::PaymentAuthorised, amount("amount_capturable"))
        }
        "payment_intent.succeeded" => (ReportKind::PaymentCaptured, amount("amount_received")),
        "payment_intent.payment_failed" => (ReportKind::PaymentFailed, amount("amount")),
        "payment_intent.canceled" => (ReportKind::PaymentCancelled, amount("amount")),
        "charge.refunded" => (ReportKind::PaymentRefundTotal, amount("amount_refunded")),
        _ => (ReportKind::Other, 0),
    };
    let intent = match text(object, "object").as_str() {
        "charge" => text(object, "payment_intent"),
        _ => text(object, "id"),
    };
    let failure = object
        .pointer("/last_payment_error/message")
        .and_then(Value::as_str);
    Ok(Read::Events(vec![Event {
        id,
        kind,
        order: object.get("metadata").map(order_of).unwrap_or_default(),
        reference: intent,
        amount,
        text: card::masked(failure.unwrap_or_default()).into_owned(),
    }]))
}

/// The order number is unambiguous; the key is what some shops send along themselves.
fn order_of(metadata: &Value) -> String {
    let number = text(metadata, "order_number");
    if number.is_empty() {
        text(metadata, "order_id")
    } else {
        number
    }
}
