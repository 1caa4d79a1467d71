//! How one attempt ended, in words that every provider shares.

use super::options::Secret;
use crate::limits::{PROVIDER_CODE_BYTES_MAX, PROVIDER_MESSAGE_BYTES_MAX, REFERENCE_BYTES_MAX};
use crate::types::card;
use crate::types::effect::EffectClass;

/// Shortest secret that is looked for in answers, in bytes: a shorter one is found in plain words.
const MASKED_BYTES_MIN: usize = 8;

/// What stands before the message where a provider refuses our credentials.
const CREDENTIALS: &str = "credentials refused";

/// The end of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it means for the effect.
    pub class: EffectClass,
    /// It counts as a failure of the provider for its breaker: timeout, connection, 5xx, 429.
    /// Declines and other 4xx do not.
    pub counted: bool,
    /// The provider asked to wait this long before the next attempt, in milliseconds; 0: no hint.
    pub retry_after_ms: u64,
    /// HTTP status (or SMTP reply code); 0 where there was no answer.
    pub status: u16,
    /// Minor units that the provider says it authorised, captured or refunded; 0 where it does not
    /// apply.
    pub amount: u64,
    /// ISO 4217 number that the provider says; 0 where it does not apply.
    pub currency: u16,
    /// Risk score 0 ..= 100, for fraud scoring.
    pub score: Option<u8>,
    /// The provider's id of what was made (payment, label, message).
    pub reference: String,
    /// The provider's own code, such as `card_declined`.
    pub code: String,
    /// What a person should read: the provider's message, the signals of a score, the tracking
    /// number of a label. Never a secret or a card number.
    pub message: String,
}

impl Outcome {
    fn of(class: EffectClass, counted: bool) -> Self {
        Self {
            class,
            counted,
            retry_after_ms: 0,
            status: 0,
            amount: 0,
            currency: 0,
            score: None,
            reference: String::new(),
            code: String::new(),
            message: String::new(),
        }
    }

    /// It happened.
    #[must_use]
    pub fn done(reference: impl Into<String>) -> Self {
        let mut outcome = Self::of(EffectClass::Done, false);
        outcome.reference = reference.into();
        outcome
    }

    /// A business refusal, never retried, not the provider's failure.
    #[must_use]
    pub fn declined(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(EffectClass::Declined, false).says(code, message)
    }

    /// The buyer has to act.
    #[must_use]
    pub fn action_required(reference: impl Into<String>) -> Self {
        let mut outcome = Self::of(EffectClass::ActionRequired, false);
        outcome.reference = reference.into();
        outcome
    }

    /// Accepted, to be decided by the provider later.
    #[must_use]
    pub fn pending(reference: impl Into<String>) -> Self {
        let mut outcome = Self::of(EffectClass::Pending, false);
        outcome.reference = reference.into();
        outcome
    }

    /// Did not happen, may later; counts for the breaker.
    #[must_use]
    pub fn retry(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(EffectClass::Retry, true).says(code, message)
    }

    /// May or may not have happened; counts for the breaker.
    #[must_use]
    pub fn unknown(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(EffectClass::Unknown, true).says(code, message)
    }

    /// Did not happen and will not: our request, credentials or data are wrong.
    #[must_use]
    pub fn refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(EffectClass::Refused, false).says(code, message)
    }

    /// Nothing exists under the key asked about.
    #[must_use]
    pub fn absent() -> Self {
        Self::of(EffectClass::Absent, false)
    }

    /// With the provider's code and message.
    #[must_use]
    pub fn says(mut self, code: impl Into<String>, message: impl Into<String>) -> Self {
        self.code = code.into();
        self.message = message.into();
        self
    }

    /// With the HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With an amount in minor units and its ISO 4217 number.
    #[must_use]
    pub fn amount(mut self, amount: u64, currency: u16) -> Self {
        (self.amount, self.currency) = (amount, currency);
        self
    }

    /// With a wait asked for by the provider, in milliseconds.
    #[must_use]
    pub fn after(mut self, retry_after_ms: u64) -> Self {
        self.retry_after_ms = retry_after_ms;
        self
    }

    /// Not counted for the breaker (such as a conflict that the provider asks to repeat).
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.counted = false;
        self
    }

    /// The provider refuses our credentials, or what they may do: the same for every order, until a
    /// person mends the configuration.
    #[must_use]
    pub fn refuses_credentials(&self) -> bool {
        let failed = matches!(self.class, EffectClass::Refused | EffectClass::Retry);
        // 530 and 535 are a mail server's.
        let by_status = matches!(self.status, 401 | 403 | 530 | 535);
        failed && (by_status || self.message.starts_with(CREDENTIALS))
    }

    /// Says that it is about our credentials.
    #[must_use]
    pub fn about_credentials(mut self) -> Self {
        if !self.message.starts_with(CREDENTIALS) {
            self.message = format!("{CREDENTIALS}: {}", self.message);
        }
        self
    }

    /// Told apart from other refusals in its message where it is about credentials, so that whoever
    /// reads a dead letter or a review sees at once what to mend.
    #[must_use]
    pub fn told_apart(self) -> Self {
        if self.refuses_credentials() {
            self.about_credentials()
        } else {
            self
        }
    }

    /// Without secrets and card numbers, whatever the provider's answer repeats: what it says ends
    /// up in the log, the journal and the history. The message of what was done is left alone where
    /// it is about numbers: a tracking number may look like a card's.
    #[must_use]
    pub fn masked(mut self, secrets: &[Secret]) -> Self {
        let secrets = secrets.iter().map(Secret::reveal);
        for secret in secrets.filter(|secret| secret.len() >= MASKED_BYTES_MIN) {
            for text in [&mut self.reference, &mut self.code, &mut self.message] {
                if text.contains(secret) {
                    *text = text.replace(secret, "(secret)");
                }
            }
        }
        if self.class != EffectClass::Done {
            for text in [&mut self.code, &mut self.message] {
                if card::in_text(text) {
                    *text = card::masked(text).into_owned();
                }
            }
        }
        self
    }

    /// With its texts cut to what the journal takes.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        cut(&mut self.reference, REFERENCE_BYTES_MAX);
        cut(&mut self.code, PROVIDER_CODE_BYTES_MAX);
        cut(&mut self.message, PROVIDER_MESSAGE_BYTES_MAX);
        self
    }
}

fn cut(text: &mut String, bytes_max: usize) {
    text.truncate(text.floor_char_boundary(bytes_max));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_credentials_are_told_apart_from_other_refusals() {
        let refused = |status| Outcome::refused("x", "no").status(status);
        for (outcome, tells) in [
            (refused(401), true),
            (refused(403), true),
            (refused(535), true),
            (Outcome::retry("x", "expired").status(401), true),
            (refused(200).about_credentials(), true),
            (refused(400), false),
            (Outcome::declined("x", "no").status(403), false),
            (Outcome::unknown("x", "no").status(401), false),
        ] {
            let name = format!("{outcome:?}");
            assert_eq!(outcome.refuses_credentials(), tells, "{name}");
            let told = outcome.told_apart().told_apart();
            let begins = told.message.matches("credentials refused: ").count();
            assert_eq!(begins, usize::from(tells), "{name}");
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let outcome = Outcome::retry("é".repeat(60), "x").bounded();
        assert_eq!(outcome.code, "é".repeat(30));
        assert_eq!(outcome.message, "x");
    }

    #[test]
    fn what_an_answer_repeats_of_secrets_and_card_numbers_is_masked() {
        let secrets = [Secret::new("sk_live_0123456789"), Secret::new("k")];
        let message = "bad key sk_live_0123456789 for 4111 1111 1111 1111";
        let refused = Outcome::refused("key", message).masked(&secrets);
        assert_eq!(refused.message, "bad key (secret) for (card number)");
        assert_eq!(refused.code, "key", "a short secret is no pattern");
        let mut done = Outcome::done("sk_live_0123456789");
        done.message = "4111111111111111".to_owned();
        let done = done.masked(&secrets);
        assert_eq!(done.reference, "(secret)");
        assert_eq!(done.message, "4111111111111111", "a tracking number");
    }
}
