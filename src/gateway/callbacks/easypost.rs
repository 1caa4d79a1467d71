//! EasyPost tracker events: `X-Hmac-Signature: hmac-sha256-hex=HEX` over the body.

use super::signature::{Algorithm, BodyScheme, Digits};
use super::{BadPayload, Delivery, Event, OPEN_SETTINGS, Read, Scheme, required, text};
use crate::types::process::ReportKind;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "easypost",
    settings: OPEN_SETTINGS,
    verify: |source, delivery| SIGNED.verify(source, delivery),
    read,
};

const SIGNED: BodyScheme = BodyScheme {
    header: "x-hmac-signature",
    algorithm: Algorithm::Sha256(Digits::Hex),
    prefix: "hmac-sha256-hex=",
    time_header: "",
};

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let event = delivery.json()?;
    let id = required(&event, "id")?;
    let about = required(&event, "description")?;
    let nothing = || BadPayload("`result` is missing".to_owned());
    let tracker = event.get("result").ok_or_else(nothing)?;
    let status = text(tracker, "status");
    let kind = match (about.starts_with("tracker."), status.as_str()) {
        // The first scan by the carrier says that the parcel has left.
        (true, "in_transit") => ReportKind::Shipped,
        (true, "out_for_delivery" | "available_for_pickup") => ReportKind::InTransit,
        (true, "delivered") => ReportKind::Delivered,
        (true, "failure" | "return_to_sender" | "error" | "cancelled") => {
            ReportKind::CarrierException
        }
        _ => ReportKind::Other,
    };
    let shipment = text(tracker, "shipment_id");
    let (carrier, tracking) = (text(tracker, "carrier"), text(tracker, "tracking_code"));
    Ok(Read::Events(vec![Event {
        id,
        kind,
        order: String::new(),
        reference: if shipment.is_empty() {
            tracking.clone()
        } else {
            shipment
        },
        amount: 0,
        text: format!("{carrier} {tracking} {status}").trim().to_owned(),
    }]))
}
