//! A warehouse of the merchant's own, signed as Standard Webhooks says: `webhook-signature` holds
//! `v1,BASE64` words over `ID.SECONDS.BODY`.
//!
//! ```json
//! {"type": "shipped", "order": "0-4711", "carrier": "dhl", "tracking": "JD014600003"}
//! ```
//!
//! The same members may stand in `data`, and types may begin with `shipment.`.

use super::signature::{self, Algorithm, Digits};
use super::{BadPayload, Delivery, Event, FIXED_SETTINGS, Read, Scheme, Source, Unsigned};
use super::{required, text};
use crate::types::process::ReportKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "wms",
    settings: FIXED_SETTINGS,
    verify,
    read,
};

/// A partner behind a webhook step reports in the same way.
pub(super) const STEP_SCHEME: Scheme = Scheme {
    kind: "webhook",
    ..SCHEME
};

/// True for kinds behind which there is a partner of the merchant's: it names orders by number or key
/// as it likes, and nothing was asked of it before.
pub(super) fn is_partner(kind: &str) -> bool {
    [SCHEME.kind, STEP_SCHEME.kind].contains(&kind)
}

fn verify(source: &Source, delivery: &Delivery<'_>) -> Result<(), Unsigned> {
    let header = |name| delivery.header(name).ok_or(Unsigned::Missing);
    let (id, time) = (header("webhook-id")?, header("webhook-timestamp")?);
    let listed = header("webhook-signature")?;
    let presented: Vec<&str> = listed
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("v1,"))
        .collect();
    // `whsec_` and base64 of the key is how such secrets are handed out.
    let decoded = |secret: &Vec<u8>| match secret.strip_prefix(b"whsec_") {
        Some(digits) => STANDARD.decode(digits).unwrap_or_else(|_| secret.clone()),
        None => secret.clone(),
    };
    let source = Source {
        secrets: source.secrets.iter().map(decoded).collect(),
        ..source.clone()
    };
    let parts = [id.as_bytes(), b".", time.as_bytes(), b".", delivery.body];
    signature::require(
        &source,
        Algorithm::Sha256(Digits::Base64),
        &parts,
        &presented,
    )?;
    signature::fresh(time, delivery.now_ms)
}

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let body = delivery.json()?;
    let word = required(&body, "type")?;
    let said = body
        .get("data")
        .filter(|data| data.is_object())
        .unwrap_or(&body);
    let kind = match word.strip_prefix("shipment.").unwrap_or(&word) {
        "shipped" => ReportKind::Shipped,
        "in_transit" => ReportKind::InTransit,
        "delivered" => ReportKind::Delivered,
        "exception" => ReportKind::CarrierException,
        _ => ReportKind::Other,
    };
    let order = text(said, "order");
    let reference = text(said, "reference");
    if order.is_empty() && reference.is_empty() && kind != ReportKind::Other {
        return Err(BadPayload("`order` or `reference` is needed".to_owned()));
    }
    let carrier = text(said, "carrier");
    let tracking = match text(said, "tracking") {
        none if none.is_empty() => text(said, "tracking_number"),
        tracking => tracking,
    };
    let reason = text(said, "reason");
    Ok(Read::Events(vec![Event {
        // A repeat of a delivery keeps its id.
        id: delivery.header("webhook-id").unwrap_or_default().to_owned(),
        kind,
        order,
        reference,
        amount: 0,
        text: [carrier, tracking, reason]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    }]))
}
