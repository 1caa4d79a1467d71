//! Sift decisions: `X-Sift-Science-Signature: sha256=HEX` over the body.

use super::signature::{Algorithm, BodyScheme, Digits};
use super::{BadPayload, Delivery, Event, OPEN_SETTINGS, Read, Scheme, required, risk_score, text};
use crate::types::process::ReportKind;
use serde_json::Value;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "sift",
    settings: OPEN_SETTINGS,
    verify: |source, delivery| SIGNED.verify(source, delivery),
    read,
};

const SIGNED: BodyScheme = BodyScheme {
    header: "x-sift-science-signature",
    algorithm: Algorithm::Sha256(Digits::Hex),
    prefix: "sha256=",
    time_header: "",
};

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    let event = delivery.json()?;
    let missing = |name: &str| BadPayload(format!("`{name}` is missing"));
    let entity = event.get("entity").ok_or_else(|| missing("entity"))?;
    let decision = event.get("decision").ok_or_else(|| missing("decision"))?;
    let decision = required(decision, "id")?;
    let about = required(entity, "id")?;
    // Decisions about users and sessions are no order's.
    let word = if text(entity, "type") == "order" {
        word_of(&decision)
    } else {
        ""
    };
    let score = risk_score(word);
    let time = event.get("time").and_then(Value::as_u64).unwrap_or(0);
    Ok(Read::Events(vec![Event {
        id: format!("{about} {decision} {time}"),
        kind: score.map_or(ReportKind::Other, |_| ReportKind::FraudDecision),
        order: about.clone(),
        reference: about,
        amount: score.unwrap_or(0),
        text: format!("{word} {decision}").trim().to_owned(),
    }]))
}

/// Decision ids are the merchant's own words; those that the console proposes begin with what they
/// mean.
fn word_of(decision: &str) -> &'static str {
    let id = decision.to_ascii_lowercase();
    let means = |words: &[&str]| words.iter().any(|word| id.contains(word));
    if means(&["block", "decline", "reject", "bad", "fraud"]) {
        "decline"
    } else if means(&["watch", "review", "suspicious", "hold"]) {
        "review"
    } else if means(&["approve", "accept", "looks_ok", "good"]) {
        "approve"
    } else {
        ""
    }
}
