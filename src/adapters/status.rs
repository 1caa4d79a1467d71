//! What an HTTP status means where the provider says nothing finer.

use super::http::Answer;
use super::outcome::Outcome;
use serde_json::Value;

/// Classifies an answer that is no success by its status.
///
/// | status | class | counted |
/// |---|---|---|
/// | 408, 425, 429, 5xx | retry | yes |
/// | 401, 403 | refused: credentials or permissions | no |
/// | other 4xx, 3xx | refused: our request or data | no |
/// | 1xx, 2xx | unknown: accepted, but not in the provider's words | yes |
#[must_use]
pub fn by_status(answer: &Answer, code: &str, message: &str) -> Outcome {
    let status = answer.status;
    let code = match (code.is_empty(), status) {
        (false, _) => code.to_owned(),
        (true, 401 | 403) => "credentials".to_owned(),
        (true, 429) => "rate_limited".to_owned(),
        (true, 100..=299) => "unexpected_answer".to_owned(),
        (true, _) => format!("http_{status}"),
    };
    let outcome = match status {
        408 | 425 | 429 | 500..=599 => Outcome::retry(code, message),
        100..=299 => Outcome::unknown(code, message),
        _ => Outcome::refused(code, message),
    };
    outcome.status(status).after(answer.retry_after_ms())
}

/// An outcome whose attempt may have happened although the provider answered with an error: a 5xx
/// of a provider without idempotency keys is unknown, all else stays as it is.
#[must_use]
pub fn ambiguous_on_5xx(outcome: Outcome) -> Outcome {
    use crate::types::effect::EffectClass;
    if outcome.class == EffectClass::Retry && (500..=599).contains(&outcome.status) {
        let mut unknown = outcome;
        unknown.class = EffectClass::Unknown;
        return unknown;
    }
    outcome
}

/// The body as text for people: the first line, without tags of an HTML page, at most 200 bytes.
#[must_use]
pub fn plain_text(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(answer.body.get(..2_048).unwrap_or(&answer.body));
    let text = text.trim();
    if text.starts_with('<') {
        return "an HTML page instead of an answer".to_owned();
    }
    let mut line: String = text.lines().next().unwrap_or_default().to_owned();
    line.retain(|c| !c.is_control());
    line.truncate(line.floor_char_boundary(200));
    line
}

/// A text inside a JSON document, such as `/error/code`; empty where there is none. Numbers are
/// given as written.
#[must_use]
pub fn text_at(document: &Value, pointer: &str) -> String {
    match document.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A wait that a header gives in seconds, in milliseconds; 0 without.
#[must_use]
pub fn seconds_header_ms(answer: &Answer, name: &str) -> u64 {
    let seconds: Option<f64> = answer.header(name).and_then(|v| v.trim().parse().ok());
    match seconds {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded just before
        Some(seconds) if seconds > 0.0 && seconds < 1e9 => (seconds * 1_000.0).ceil() as u64,
        _ => 0,
    }
}
