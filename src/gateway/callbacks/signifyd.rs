//! Signifyd decisions: `SIGNIFYD-SEC-HMAC-SHA256`, base64, over the body.

use super::signature::{Algorithm, BodyScheme, Digits};
use super::{BadPayload, Delivery, Event, OPEN_SETTINGS, Read, Scheme, required, risk_score, text};
use crate::types::process::ReportKind;
use serde_json::Value;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "signifyd",
    settings: OPEN_SETTINGS,
    verify: |source, delivery| SIGNED.verify(source, delivery),
    read,
};

const SIGNED: BodyScheme = BodyScheme {
    header: "signifyd-sec-hmac-sha256",
    algorithm: Algorithm::Sha256(Digits::Base64),
    prefix: "",
    time_header: "",
};

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let event = delivery.json()?;
    let signifyd = required(&event, "signifydId")?;
    let decision = event.get("decision").unwrap_or(&Value::Null);
    let action = text(decision, "checkpointAction");
    // A case has no event id: what was decided, and when, tells two events apart.
    let made = text(decision, "createdAt");
    let word = match action.as_str() {
        "ACCEPT" | "CREDIT" => "approve",
        "REJECT" => "decline",
        "CHALLENGE" => "review",
        _ => "wait", // HOLD among them
    };
    let score = risk_score(word);
    let reason = text(decision, "checkpointActionReason");
    Ok(Read::Events(vec![Event {
        id: format!("{signifyd} {action} {made}"),
        kind: score.map_or(ReportKind::Other, |_| ReportKind::FraudDecision),
        order: text(&event, "orderId"),
        reference: signifyd,
        amount: score.unwrap_or(0),
        text: format!("{word} {reason}").trim().to_owned(),
    }]))
}
