//! Twilio status callbacks: `X-Twilio-Signature`, base64 HMAC-SHA1 over the callback's own address
//! followed by the form's names and values in order of their names.

use super::signature::{self, Algorithm, Digits};
use super::{BadPayload, Delivery, Event, Read, Scheme, Source, Unsigned};
use crate::types::process::ReportKind;

pub(super) const SCHEME: Scheme = Scheme {
    kind: "twilio",
    settings: &["tenant", "url"],
    verify,
    read,
};

fn verify(source: &Source, delivery: &Delivery<'_>) -> Result<(), Unsigned> {
    let presented = delivery
        .header("x-twilio-signature")
        .ok_or(Unsigned::Missing)?;
    let mut fields = fields(delivery.body);
    fields.sort();
    let signed: String = fields
        .into_iter()
        .flat_map(|(name, value)| [name, value])
        .collect();
    let configured = source.settings.get("url");
    let urls = configured.map_or(delivery.urls, std::slice::from_ref);
    let mut outcome = Err(Unsigned::Missing);
    for url in urls {
        let parts = [url.as_bytes(), signed.as_bytes()];
        let algorithm = Algorithm::Sha1(Digits::Base64);
        outcome = signature::require(source, algorithm, &parts, &[presented]);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn read(delivery: &Delivery<'_>) -> Result<Read, BadPayload> {
    if std::str::from_utf8(delivery.body).is_err() {
        return Err(BadPayload("the body is not UTF-8".to_owned()));
    }
    let fields = fields(delivery.body);
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    let missing = |name: &str| BadPayload(format!("`{name}` is missing or empty"));
    let message = field("MessageSid").ok_or_else(|| missing("MessageSid"))?;
    let status = field("MessageStatus").ok_or_else(|| missing("MessageStatus"))?;
    let kind = match status.as_str() {
        "delivered" | "read" => ReportKind::MessageDelivered,
        "undelivered" | "failed" | "canceled" => ReportKind::MessageFailed,
        _ => ReportKind::Other,
    };
    let error = field("ErrorCode").map_or(String::new(), |code| format!(" ({code})"));
    Ok(Read::Events(vec![Event {
        id: format!("{message} {status}"),
        kind,
        order: String::new(),
        reference: message,
        amount: 0,
        text: format!("{status}{error}"),
    }]))
}

fn fields(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}
