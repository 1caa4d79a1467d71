//! What Stripe's answers mean.

use crate::adapters::http::Answer;
use crate::adapters::outcome::Outcome;
use crate::adapters::status::{by_status, plain_text, text_at};
use crate::types::effect::EffectClass;
use crate::types::money;
use serde_json::Value;

/// What is read of a PaymentIntent.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) status: String,
    http_status: u16,
    authorised: u64,
    received: u64,
    currency: u16,
    error: (String, String),
    action: String,
}

impl Intent {
    /// The PaymentIntent of a successful answer.
    ///
    /// # Errors
    /// Unknown where the answer is not one.
    pub(super) fn of(answer: &Answer) -> Result<Self, Outcome> {
        let document = answer.json();
        document
            .and_then(|document| Self::from_json(&document, answer.status))
            .ok_or_else(|| malformed(answer))
    }

    /// The first PaymentIntent of a list whose metadata names this effect.
    pub(super) fn made_by(answer: &Answer, effect: &str) -> Result<Option<Self>, Outcome> {
        let made = listed(answer)?.into_iter().find(|intent| {
            intent.pointer("/metadata/effect").and_then(Value::as_str) == Some(effect)
        });
        match made {
            None => Ok(None),
            Some(intent) => match Self::from_json(&intent, answer.status) {
                Some(intent) => Ok(Some(intent)),
                None => Err(malformed(answer)),
            },
        }
    }

    fn from_json(document: &Value, http_status: u16) -> Option<Self> {
        let text = |pointer| text_at(document, pointer);
        if text("/object") != "payment_intent" || text("/id").is_empty() {
            return None;
        }
        let amount = |name: &str| document.get(name).and_then(Value::as_u64);
        let error = text("/last_payment_error/code");
        let reason = text("/last_payment_error/decline_code");
        let message = text("/last_payment_error/message");
        Some(Self {
            id: text("/id"),
            status: text("/status"),
            http_status,
            authorised: amount("amount_capturable")?,
            received: amount("amount_received")?,
            currency: money::number(&text("/currency")).unwrap_or(0),
            error: (error, with_reason(&reason, &message)),
            action: text("/next_action/type"),
        })
    }

    /// Its state as the outcome of an authorisation.
    pub(super) fn authorised(self) -> Outcome {
        let status = self.http_status;
        let outcome = match self.status.as_str() {
            "requires_capture" => Outcome::done(self.id).amount(self.authorised, self.currency),
            "succeeded" => Outcome::done(self.id).amount(self.received, self.currency),
            "requires_action" => {
                Outcome::action_required(self.id).says("requires_action", self.action)
            }
            "processing" | "requires_confirmation" => {
                Outcome::pending(self.id).says(self.status, "")
            }
            "canceled" => {
                Outcome::declined("canceled", "the payment was cancelled or ran out").at(self.id)
            }
            "requires_payment_method" => {
                let (code, message) = self.error;
                let code = if code.is_empty() { self.status } else { code };
                Outcome::declined(code, message).at(self.id)
            }
            _ => unexpected(self),
        };
        outcome.status(status)
    }

    /// Its state as the outcome of a capture of `amount`.
    pub(super) fn captured(self, amount: u64) -> Outcome {
        let status = self.http_status;
        let outcome = match self.status.as_str() {
            "succeeded" if self.received == amount => {
                Outcome::done(self.id).amount(self.received, self.currency)
            }
            "succeeded" => {
                let message = format!("{} were captured before, not {amount}", self.received);
                Outcome::refused("captured_before", message).at(self.id)
            }
            "processing" => Outcome::pending(self.id).says("processing", ""),
            "canceled" => {
                let message = "the authorisation was cancelled or ran out";
                Outcome::declined("canceled", message).at(self.id)
            }
            "requires_capture" => unexpected(self),
            _ => {
                let message = format!("a payment that is `{}` cannot be captured", self.status);
                Outcome::refused(self.status, message).at(self.id)
            }
        };
        outcome.status(status)
    }

    /// Its state as the outcome of a void.
    pub(super) fn cancelled(self) -> Outcome {
        let status = self.http_status;
        let outcome = match self.status.as_str() {
            "canceled" => Outcome::done(self.id),
            _ => unexpected(self),
        };
        outcome.status(status)
    }
}

trait At {
    fn at(self, reference: String) -> Self;
}

impl At for Outcome {
    fn at(mut self, reference: String) -> Self {
        self.reference = reference;
        self
    }
}

fn unexpected(intent: Intent) -> Outcome {
    let message = format!("the payment is `{}`", intent.status);
    Outcome::unknown("unexpected_state", message).at(intent.id)
}

/// A refund's state as an outcome; `instead` of a void.
pub(super) fn refund_of(refund: &Value, status: u16, instead: bool) -> Outcome {
    let id = text_at(refund, "/id");
    let amount = refund.get("amount").and_then(Value::as_u64);
    let (Some(amount), "refund", false) =
        (amount, text_at(refund, "/object").as_str(), id.is_empty())
    else {
        return Outcome::unknown("unexpected_answer", "no refund in the answer").status(status);
    };
    let currency = money::number(&text_at(refund, "/currency")).unwrap_or(0);
    let outcome = match text_at(refund, "/status").as_str() {
        "succeeded" => Outcome::done(id).amount(amount, currency),
        state @ ("pending" | "requires_action") => Outcome::pending(id).says(state, ""),
        state => {
            let message = text_at(refund, "/failure_reason");
            Outcome::declined(format!("refund_{state}"), message).at(id)
        }
    };
    let outcome = outcome.status(status);
    if instead && outcome.code.is_empty() {
        return outcome.says(
            "refunded",
            "it was captured already, and is refunded instead",
        );
    }
    outcome
}

/// The objects of a list.
///
/// # Errors
/// Unknown where the answer is not a list.
pub(super) fn listed(answer: &Answer) -> Result<Vec<Value>, Outcome> {
    match answer.json().as_mut().and_then(|list| list.get_mut("data")) {
        Some(Value::Array(objects)) => Ok(std::mem::take(objects)),
        _ => Err(malformed(answer)),
    }
}

/// The id to go on behind, where a list has another page.
pub(super) fn last_id_where_more(answer: &Answer) -> Option<String> {
    let list = answer.json()?;
    if list.get("has_more") != Some(&Value::Bool(true)) {
        return None;
    }
    let last = list.get("data")?.as_array()?.last()?;
    Some(text_at(last, "/id"))
}

/// The code of an error answer; empty where there is none.
pub(super) fn code(answer: &Answer) -> String {
    answer
        .json()
        .map_or_else(String::new, |body| text_at(&body, "/error/code"))
}

/// Success by its status, and not in Stripe's words.
pub(super) fn malformed(answer: &Answer) -> Outcome {
    Outcome::unknown("unexpected_answer", plain_text(answer)).status(answer.status)
}

/// An answer that is no success. A server error may stand behind a change that was made; a conflict
/// means that an earlier attempt under the key is still at work, if there may be one.
pub(super) fn failure(answer: &Answer, may_have_happened: bool) -> Outcome {
    let body = answer.json().unwrap_or_default();
    let text = |pointer| text_at(&body, pointer);
    let kind = text("/error/type");
    let code = match text("/error/code") {
        code if code.is_empty() => kind.clone(),
        code => code,
    };
    let mut message = with_reason(&text("/error/decline_code"), &text("/error/message"));
    if kind.is_empty() {
        message = plain_text(answer);
    }
    let id = text("/error/payment_intent/id");
    let status = answer.status;
    let outcome = match status {
        402 if text("/error/payment_intent/status") == "requires_action" => {
            Outcome::action_required(id).says(code, message)
        }
        402 if code.is_empty() => Outcome::declined("http_402", message).at(id),
        402 => Outcome::declined(code, message).at(id),
        409 if may_have_happened || code == "idempotency_key_in_use" => {
            Outcome::unknown(code, message).uncounted()
        }
        409 => Outcome::retry(code, message).uncounted(),
        // The key was used with other parameters, so something was done under it.
        400 if kind == "idempotency_error" => Outcome::unknown(code, message).uncounted(),
        500.. => {
            let mut outcome = by_status(answer, &code, &message);
            outcome.class = EffectClass::Unknown;
            outcome
        }
        _ => by_status(answer, &code, &message),
    };
    let outcome = outcome.status(status).after(answer.retry_after_ms());
    told(outcome, answer.header("stripe-should-retry"))
}

/// Stripe says itself whether a retry may help; whether something happened is another question.
fn told(mut outcome: Outcome, should_retry: Option<&str>) -> Outcome {
    match (should_retry, outcome.class) {
        (Some("true"), EffectClass::Refused) => outcome.class = EffectClass::Retry,
        (Some("false"), EffectClass::Retry) => outcome.class = EffectClass::Refused,
        _ => {}
    }
    outcome
}

fn with_reason(reason: &str, message: &str) -> String {
    match (reason.is_empty(), message.is_empty()) {
        (true, _) => message.to_owned(),
        (false, true) => reason.to_owned(),
        (false, false) => format!("{reason}: {message}"),
    }
}
