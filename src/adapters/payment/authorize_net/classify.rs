//! What Authorize.net's answers mean: nearly all of them come with status 200.

use crate::adapters::http::Answer;
use crate::adapters::outcome::Outcome;
use crate::adapters::status::{ambiguous_on_5xx, by_status, plain_text, text_at};
use crate::types::money;
use serde_json::Value;

/// Errors of a transaction that are about the card: the buyer may take another.
const CARD_ERRORS: [&str; 6] = ["6", "7", "8", "17", "28", "37"];

/// Errors that ask to try again; nothing was done.
const TRANSIENT: [&str; 14] = [
    "19", "20", "21", "22", "23", "25", "26", "57", "58", "59", "60", "61", "62", "63",
];

/// The processor gave no answer, and taking the transaction back failed too.
const UNSETTLED: [&str; 3] = ["120", "121", "122"];

/// A duplicate within the window.
pub(super) const DUPLICATE: &str = "11";

/// The token is not valid: wrong, too old or used.
const TOKEN: &str = "E00114";

/// An unexpected error of theirs, and two that say that nothing was begun.
const UNEXPECTED: &str = "E00001";
const BUSY: [&str; 2] = ["E00053", "E00104"];

/// Wrong login or key, or an account that may not do this.
const CREDENTIALS: [&str; 5] = ["E00005", "E00006", "E00007", "E00008", "E00009"];

/// An approved transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Approved {
    pub id: String,
    /// Where a card with a balance covered only a part.
    pub amount: Option<u64>,
}

/// The body, or what it means that there is none.
pub(super) fn document(answer: &Answer) -> Result<Value, Outcome> {
    if answer.status != 200 {
        let outcome = by_status(answer, "", &plain_text(answer));
        return Err(ambiguous_on_5xx(outcome));
    }
    match answer.json() {
        Some(document) if document.get("messages").is_some() => Ok(document),
        _ => Err(malformed(answer)),
    }
}

fn malformed(answer: &Answer) -> Outcome {
    Outcome::unknown("unexpected_answer", plain_text(answer)).status(answer.status)
}

/// Code and text of the request's own message.
fn message(document: &Value) -> (String, String) {
    (
        text_at(document, "/messages/message/0/code"),
        text_at(document, "/messages/message/0/text"),
    )
}

fn is_ok(document: &Value) -> bool {
    text_at(document, "/messages/resultCode") == "Ok"
}

/// The end of a transaction that was asked for.
pub(super) fn transaction(
    answer: &Answer,
    currency: u16,
    may_have_happened: bool,
) -> Result<Approved, Outcome> {
    let document = document(answer)?;
    let text = |pointer| text_at(&document, pointer);
    let id = match text("/transactionResponse/transId") {
        id if id == "0" => String::new(),
        id => id,
    };
    let (mut code, mut said) = (
        text("/transactionResponse/errors/0/errorCode"),
        text("/transactionResponse/errors/0/errorText"),
    );
    let response = text("/transactionResponse/responseCode");
    let outcome = match response.as_str() {
        "1" if is_ok(&document) && !id.is_empty() => {
            let part = document.pointer("/transactionResponse/prePaidCard/approvedAmount");
            let amount = part.and_then(|part| money::from_json(part, currency));
            return Ok(Approved { id, amount });
        }
        "1" => Outcome::unknown("unexpected_answer", "approved, and yet no success"),
        "4" => Outcome::pending(id).says("held", "held for review"),
        "2" => declined(id, code, said),
        "3" => error(id, code, said),
        "" => {
            (code, said) = message(&document);
            request_error(&document, code, said, may_have_happened)
        }
        _ => Outcome::unknown("unexpected_answer", format!("responseCode {response}")),
    };
    Err(outcome.status(answer.status))
}

fn declined(id: String, code: String, text: String) -> Outcome {
    let mut outcome = Outcome::declined(code, text);
    outcome.reference = id;
    outcome
}

fn error(id: String, code: String, text: String) -> Outcome {
    let is_one_of = |codes: &[&str]| codes.contains(&code.as_str());
    if is_one_of(&CARD_ERRORS) {
        declined(id, code, text)
    } else if is_one_of(&TRANSIENT) {
        Outcome::retry(code, text)
    } else if is_one_of(&UNSETTLED) {
        Outcome::unknown(code, text)
    } else {
        Outcome::refused(code, text)
    }
}

/// A failure of the request as a whole.
fn request_error(document: &Value, code: String, text: String, may_have_happened: bool) -> Outcome {
    if is_ok(document) {
        return Outcome::unknown("unexpected_answer", "no transaction in the answer");
    }
    match code.as_str() {
        // Used: by an attempt whose answer was lost, if there may have been one.
        TOKEN if may_have_happened => Outcome::unknown(code, text).uncounted(),
        TOKEN => Outcome::declined(code, text),
        UNEXPECTED | "" => Outcome::unknown(code, text),
        _ if BUSY.contains(&code.as_str()) => Outcome::retry(code, text),
        _ if CREDENTIALS.contains(&code.as_str()) => {
            Outcome::refused(code, text).about_credentials()
        }
        _ => Outcome::refused(code, text),
    }
}

/// What is read of a transaction.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub id: String,
    pub status: String,
    pub description: String,
    pub last_digits: String,
    authorised: u64,
    pub captured: u64,
    currency: u16,
}

/// A transaction that was read back; none where there is no such one.
pub(super) fn details(answer: &Answer, currency: u16) -> Result<Option<Found>, Outcome> {
    let document = document(answer)?;
    if !is_ok(&document) {
        let (code, text) = message(&document);
        if code == "E00040" {
            return Ok(None);
        }
        return Err(query_error(code, text).status(200));
    }
    let text = |pointer| text_at(&document, pointer);
    let amount = |name: &str| {
        let value = document.pointer(&format!("/transaction/{name}"))?;
        money::from_json(value, currency)
    };
    let (id, status) = (
        text("/transaction/transId"),
        text("/transaction/transactionStatus"),
    );
    let card = text("/transaction/payment/creditCard/cardNumber");
    let found = amount("authAmount").map(|authorised| Found {
        authorised,
        captured: amount("settleAmount").unwrap_or(0),
        currency,
        last_digits: card.trim_start_matches('X').to_owned(),
        description: text("/transaction/order/description"),
        id,
        status,
    });
    match found {
        Some(found) if !found.id.is_empty() && !found.status.is_empty() => Ok(Some(found)),
        _ => Err(malformed(answer)),
    }
}

/// An entry of the list of unsettled transactions.
#[derive(Debug)]
pub(super) struct Entry {
    pub id: String,
    pub invoice: String,
    /// Milliseconds since the Unix epoch; none where it cannot be read.
    pub submitted_ms: Option<u64>,
}

/// A page of the list.
pub(super) fn listed(answer: &Answer) -> Result<Vec<Entry>, Outcome> {
    let document = document(answer)?;
    if !is_ok(&document) {
        let (code, text) = message(&document);
        return Err(query_error(code, text).status(200));
    }
    let Some(entries) = document.get("transactions") else {
        return Ok(Vec::new());
    };
    let entries = entries.as_array().ok_or_else(|| malformed(answer))?;
    let entry = |entry: &Value| {
        let time: Option<jiff::Timestamp> = text_at(entry, "/submitTimeUTC").parse().ok();
        Entry {
            id: text_at(entry, "/transId"),
            invoice: text_at(entry, "/invoiceNumber"),
            submitted_ms: time.and_then(|time| u64::try_from(time.as_millisecond()).ok()),
        }
    };
    Ok(entries.iter().map(entry).collect())
}

fn query_error(code: String, text: String) -> Outcome {
    if code == UNEXPECTED || BUSY.contains(&code.as_str()) {
        return Outcome::retry(code, text);
    }
    Outcome::refused(code, text)
}

impl Found {
    /// Its state as the outcome of an authorisation.
    pub(super) fn authorised(self) -> Outcome {
        let outcome = match self.status.as_str() {
            "authorizedPendingCapture" => {
                Outcome::done(self.id).amount(self.authorised, self.currency)
            }
            "capturedPendingSettlement" | "settledSuccessfully" => {
                Outcome::done(self.id).amount(self.captured, self.currency)
            }
            state @ ("FDSPendingReview"
            | "FDSAuthorizedPendingReview"
            | "underReview"
            | "approvedReview") => Outcome::pending(self.id).says(state, "held for review"),
            state @ ("declined" | "voided" | "expired" | "failedReview" | "settlementError") => {
                declined(self.id.clone(), state.to_owned(), String::new())
            }
            "communicationError" | "generalError" => {
                Outcome::absent().says(self.status, "it failed at Authorize.net")
            }
            state => Outcome::unknown("unexpected_state", format!("the payment is `{state}`")),
        };
        outcome.status(200)
    }

    /// Its state as the outcome of a capture of `amount`; none while it is not captured.
    pub(super) fn captured(&self, amount: u64) -> Option<Outcome> {
        let outcome = match self.status.as_str() {
            "capturedPendingSettlement" | "settledSuccessfully" if self.captured == amount => {
                Outcome::done(self.id.clone()).amount(amount, self.currency)
            }
            "capturedPendingSettlement" | "settledSuccessfully" => {
                let message = format!("{} were captured before, not {amount}", self.captured);
                Outcome::refused("captured_before", message)
            }
            "voided" | "expired" | "declined" => {
                let message = "the authorisation was voided or ran out";
                declined(self.id.clone(), self.status.clone(), message.to_owned())
            }
            _ => return None,
        };
        Some(outcome.status(200))
    }

    /// Whether no money is held or taken, nor will be.
    pub(super) fn holds_nothing(&self) -> bool {
        matches!(
            self.status.as_str(),
            "voided"
                | "declined"
                | "expired"
                | "failedReview"
                | "communicationError"
                | "generalError"
        )
    }

    /// Whether the money has moved, so that it can only be refunded.
    pub(super) fn is_settled(&self) -> bool {
        self.status == "settledSuccessfully"
    }
}
