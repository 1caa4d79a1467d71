//! Authorize.net webhooks: `X-ANET-Signature: sha512=HEX` over the body.

use super::signature::{Algorithm, BodyScheme, Digits};
use super::{BadPayload, Delivery, Event, OPEN_SETTINGS, Read, Scheme, required, text};
use crate::types::process::ReportKind;
use serde_json::Value;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "authorize_net",
    settings: OPEN_SETTINGS,
    verify: |source, delivery| SIGNED.verify(source, delivery),
    read,
};

const SIGNED: BodyScheme = BodyScheme {
    header: "x-anet-signature",
    algorithm: Algorithm::Sha512(Digits::Hex),
    prefix: "sha512=",
    time_header: "",
};

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let event = delivery.json()?;
    let id = required(&event, "notificationId")?;
    let kind = required(&event, "eventType")?;
    let nothing = || BadPayload("`payload` is missing".to_owned());
    let payload = event.get("payload").ok_or_else(nothing)?;
    let approved = matches!(
        payload.get("responseCode").and_then(Value::as_u64),
        None | Some(1)
    );
    let kind = match kind
        .strip_prefix("net.authorize.payment.")
        .unwrap_or_default()
    {
        "authorization.created" if approved => ReportKind::PaymentAuthorised,
        "fraud.approved" => ReportKind::PaymentAuthorised,
        "authcapture.created" | "capture.created" | "priorAuthCapture.created" if approved => {
            ReportKind::PaymentCaptured
        }
        "authorization.created" | "authcapture.created" | "fraud.declined" => {
            ReportKind::PaymentFailed
        }
        "void.created" => ReportKind::PaymentCancelled,
        "refund.created" => ReportKind::PaymentRefunded,
        _ => ReportKind::Other, // `fraud.held` among them: nobody has decided yet
    };
    let named = |name| Some(text(payload, name)).filter(|found| !found.is_empty());
    Ok(Read::Events(vec![Event {
        id,
        kind,
        order: named("invoiceNumber")
            .or_else(|| named("merchantReferenceId"))
            .unwrap_or_default(),
        reference: text(payload, "id"),
        amount: minor_units(&text(payload, "authAmount")),
        text: String::new(),
    }]))
}

/// Minor units of a decimal amount with two digits behind the point: this API's amounts do not say
/// their currency, and its merchants settle in currencies with two.
fn minor_units(decimal: &str) -> u64 {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let cents = format!("{fraction:0<2}");
    let whole: Option<u64> = whole.parse().ok();
    let cents: Option<u64> = cents.parse().ok().filter(|_| cents.len() == 2);
    match (whole, cents) {
        (Some(whole), Some(cents)) => whole.saturating_mul(100).saturating_add(cents),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_amounts_become_minor_units_without_rounding() {
        let cases = [
            ("45.00", 4500),
            ("45", 4500),
            ("44.7", 4470),
            ("0.01", 1),
            ("x", 0),
        ];
        for (decimal, minor) in cases {
            assert_eq!(minor_units(decimal), minor, "{decimal}");
        }
        assert_eq!(
            minor_units("1.001"),
            0,
            "no currency of this API has three digits"
        );
    }
}
