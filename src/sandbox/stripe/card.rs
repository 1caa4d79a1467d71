//! The cards behind the magic payment methods.

/// Code, decline code and message of a card that is declined.
type Decline = (&'static str, &'static str, &'static str);

/// How the names of declined cards end.
const DECLINED: [(&str, Decline); 4] = [
    (
        "chargeDeclinedInsufficientFunds",
        (
            "card_declined",
            "insufficient_funds",
            "Your card has insufficient funds.",
        ),
    ),
    (
        "chargeDeclinedExpiredCard",
        ("expired_card", "", "Your card has expired."),
    ),
    (
        "chargeDeclinedProcessingError",
        (
            "processing_error",
            "",
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
    (
        "chargeDeclined",
        (
            "card_declined",
            "generic_decline",
            "Your card was declined.",
        ),
    ),
];

/// Why the card behind a payment method is declined, if it is.
pub(super) fn declined(method: &str) -> Option<Decline> {
    let mut known = DECLINED.iter();
    known
        .find(|(end, _)| method.ends_with(end))
        .map(|(_, decline)| *decline)
}
