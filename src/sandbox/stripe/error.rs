//! Stripe's errors: `{"error": {"type", "code", "message", …}}`.

use crate::sandbox::Reply;
use serde_json::{Map, Value, json};

/// A request that was refused.
#[derive(Debug)]
pub(super) struct Failure {
    /// The status code.
    status: u16,
    /// The members of `error`.
    members: Map<String, Value>,
    /// Whether the request was executed, so that the failure is kept under its key.
    pub(super) executed: bool,
}

impl Failure {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(kind));
        members.insert("message".to_owned(), json!(message.into()));
        Self {
            status,
            members,
            executed: false,
        }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    fn executed(mut self) -> Self {
        self.executed = true;
        self
    }

    pub(super) fn reply(&self) -> Reply {
        Reply::json(self.status, &json!({"error": self.members}))
    }

    /// An invalid request, refused before anything was done.
    pub(super) fn invalid(code: &str, param: &str, message: impl Into<String>) -> Self {
        let mut failure = Self::new(400, "invalid_request_error", message);
        if !code.is_empty() {
            let page = code.replace('_', "-");
            failure = failure.with("code", code).with(
                "doc_url",
                format!("https://stripe.com/docs/error-codes/{page}"),
            );
        }
        if param.is_empty() {
            failure
        } else {
            failure.with("param", param)
        }
    }

    pub(super) fn missing(param: &str) -> Self {
        let message = format!("Missing required param: {param}.");
        Self::invalid("parameter_missing", param, message)
    }

    pub(super) fn unknown_parameter(param: &str) -> Self {
        let message = format!("Received unknown parameter: {param}");
        Self::invalid("parameter_unknown", param, message)
    }

    pub(super) fn not_integer(param: &str, value: &str) -> Self {
        let message = format!("Invalid integer: {value}");
        Self::invalid("parameter_invalid_integer", param, message)
    }

    pub(super) fn no_such(what: &str, param: &str, id: &str) -> Self {
        let mut failure =
            Self::invalid("resource_missing", param, format!("No such {what}: '{id}'"));
        failure.status = if param == "payment_method" { 400 } else { 404 };
        failure
    }

    pub(super) fn no_route(method: &str, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or \
             we can help at https://support.stripe.com/."
        );
        Self::new(404, "invalid_request_error", message)
    }

    pub(super) fn not_form() -> Self {
        Self::new(
            400,
            "invalid_request_error",
            "Invalid request (check that your POST content type is \
             application/x-www-form-urlencoded). If you have any questions, we can help at \
             https://support.stripe.com/.",
        )
    }

    pub(super) fn no_key() -> Self {
        Self::new(
            401,
            "invalid_request_error",
            "You did not provide an API key. You need to provide your API key in the \
             Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
             YOUR_SECRET_KEY').",
        )
    }

    pub(super) fn wrong_key(key: &str) -> Self {
        let shown: String = key.chars().take(8).collect();
        let message = format!("Invalid API Key provided: {shown}****");
        Self::new(401, "invalid_request_error", message)
    }

    /// An operation that the object's state does not allow.
    pub(super) fn state(verb: &str, status: &str, allowed: &str, intent: Value) -> Self {
        let message = format!(
            "This PaymentIntent could not be {verb} because it has a status of {status}. Only a \
             PaymentIntent with one of the following statuses may be {verb}: {allowed}."
        );
        Self::invalid("payment_intent_unexpected_state", "", message)
            .with("payment_intent", intent)
            .executed()
    }

    /// An amount that is more than what is there.
    pub(super) fn too_large(param: &str, message: impl Into<String>) -> Self {
        Self::invalid("amount_too_large", param, message).executed()
    }

    pub(super) fn refunded(charge: &str) -> Self {
        let message = format!("Charge {charge} has already been refunded.");
        Self::invalid("charge_already_refunded", "", message).executed()
    }

    pub(super) fn nothing_to_refund(intent: &str) -> Self {
        let message =
            format!("This PaymentIntent ({intent}) does not have a successful charge to refund.");
        Self::invalid("payment_intent_unexpected_state", "payment_intent", message).executed()
    }

    /// A declined card.
    pub(super) fn declined(decline: &Value, intent: Value) -> Self {
        let text = |name: &str| {
            decline
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let mut failure = Self::new(402, "card_error", text("message"));
        for name in ["code", "decline_code", "charge", "doc_url"] {
            if let Some(value) = decline.get(name) {
                failure = failure.with(name, value.clone());
            }
        }
        failure.with("payment_intent", intent).executed()
    }

    pub(super) fn long_key() -> Self {
        Self::new(
            400,
            "invalid_request_error",
            "The idempotency key must be at most 255 characters long.",
        )
    }

    pub(super) fn key_of_other(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were \
             first used with. Try using a key other than '{key}' if you meant to execute a \
             different request."
        );
        Self::new(400, "idempotency_error", message)
    }

    pub(super) fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key ({key}). \
             Please try again later."
        );
        Self::new(409, "idempotency_error", message).with("code", "idempotency_key_in_use")
    }

    /// The failure that a status code stands for, for faults and limits.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::wrong_key("sk_test_"),
            402 => Self::new(402, "card_error", "Your card was declined.")
                .with("code", "card_declined")
                .with("decline_code", "generic_decline"),
            409 => Self::new(409, "invalid_request_error", "The object is locked.")
                .with("code", "lock_timeout"),
            429 => Self::new(429, "invalid_request_error", "Request rate limit exceeded.")
                .with("code", "rate_limit"),
            400..=499 => Self::new(status, "invalid_request_error", "The request was refused."),
            _ => Self::new(
                status,
                "api_error",
                "Sorry! There was an error while talking to Stripe.",
            ),
        }
    }
}
