//! ShipStation notifications: they only point at what happened, so it is read from there.

use super::signature::{Algorithm, BodyScheme};
use super::{BadPayload, Delivery, Event, OPEN_SETTINGS, Read, Scheme, required, text};
use crate::types::process::ReportKind;
use serde_json::Value;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "shipstation",
    settings: OPEN_SETTINGS,
    verify: |source, delivery| SIGNED.verify(source, delivery),
    read,
};

const SIGNED: BodyScheme = BodyScheme {
    header: "x-shipstation-secret",
    algorithm: Algorithm::SharedSecret,
    prefix: "",
    time_header: "",
};

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let notice = delivery.json()?;
    let kind = required(&notice, "resource_type")?;
    let url = required(&notice, "resource_url")?;
    if matches!(kind.as_str(), "SHIP_NOTIFY" | "ITEM_SHIP_NOTIFY") {
        return Ok(Read::Follow(url));
    }
    Ok(Read::Events(vec![Event {
        id: format!("{kind} {url}"),
        kind: ReportKind::Other,
        order: String::new(),
        reference: String::new(),
        amount: 0,
        text: kind,
    }]))
}

/// The shipments that a notification pointed at.
pub(super) fn shipments(body: &[u8]) -> Result<Vec<Event>, BadPayload> {
    let page: Value = serde_json::from_slice(body)
        .map_err(|error| BadPayload(format!("the list of shipments is not JSON: {error}")))?;
    let listed = page.get("shipments").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| BadPayload("`shipments` is missing".to_owned()))?;
    let event = |shipment: &Value| {
        let voided = shipment.get("voided").and_then(Value::as_bool);
        let carrier = text(shipment, "carrierCode");
        let tracking = text(shipment, "trackingNumber");
        let key = text(shipment, "orderKey");
        Ok(Event {
            id: format!("shipment {}", required(shipment, "shipmentId")?),
            kind: match voided {
                Some(true) => ReportKind::Other,
                _ => ReportKind::Shipped,
            },
            order: if key.is_empty() {
                text(shipment, "orderNumber")
            } else {
                key
            },
            reference: text(shipment, "orderId"),
            amount: 0,
            text: format!("{carrier} {tracking}").trim().to_owned(),
        })
    };
    listed.iter().map(event).collect()
}
