//! A step of the merchant's own, such as an ERP, a tax service or a warehouse partner, without code:
//! a signed request, a typed answer, and a URL that takes the step back.
//!
//! The request is a `CloudEvents` 1.0 event in JSON, signed as Standard Webhooks does
//! (`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,…`). `webhook-id` is the effect's key,
//! the same for every attempt: the receiver answers a repetition with what it answered before. The
//! answer is
//!
//! ```json
//! {"status": "ok", "reference": "erp-17", "reason": "", "retry_after_ms": 0}
//! ```
//!
//! with the status `ok`, `declined`, `retry` (nothing was done) or `pending`.

use super::call::Call;
use super::http::{Answer, Http};
use super::options::{OptionsError, ProviderOptions, Secret};
use super::outcome::Outcome;
use super::provider::Provider;
use super::registry::Kind;
use super::status::{ambiguous_on_5xx, by_status, plain_text, text_at};
use crate::clock;
use crate::types::effect::EffectKind;
use crate::types::money;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;

/// See [`Webhook`].
pub const KIND: Kind = Kind {
    name: "webhook",
    effects: &[EffectKind::Webhook, EffectKind::WebhookUndo],
    timeout_ms: 10_000,
    secrets: &["secret", "authorization"],
    settings: &["undo_url"],
    build: |options| Ok(Arc::new(Webhook::new(options)?)),
};

/// What a shared secret in text form starts with.
const SECRET_PREFIX: &str = "whsec_";

/// Shortest key that signs, in bytes.
const KEY_BYTES_MIN: usize = 16;

/// One endpoint.
#[derive(Debug)]
pub struct Webhook {
    http: Http,
    url: String,
    undo_url: Option<String>,
    key: Secret,
    authorization: Option<Secret>,
}

impl Webhook {
    /// `base_url` is the endpoint. Secret `secret` signs (`whsec_` and base64, or any text of at
    /// least 16 characters); secret `authorization`, if there, is sent as that header. Setting
    /// `undo_url` takes a step back: a URL, or a path behind the endpoint's.
    ///
    /// # Errors
    /// The endpoint or the secret is missing, or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let secret = options.secret("secret")?;
        if options.base_url.is_empty() {
            return Err(options.invalid("`base_url`", "is missing: it is the step's endpoint"));
        }
        let undo = match options.setting_or("undo_url", "") {
            "" => None,
            path if path.starts_with('/') => Some(format!("{}{path}", options.base_url_or(""))),
            url => Some(url.to_owned()),
        };
        for url in [Some(&options.base_url), undo.as_ref()]
            .into_iter()
            .flatten()
        {
            let parsed = url::Url::parse(url);
            if !parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
                return Err(options.invalid(format!("the URL `{url}`"), "is no http or https URL"));
            }
        }
        let webhook = Self {
            http: Http::of(options)?,
            url: options.base_url_or(""),
            undo_url: undo,
            key: secret,
            authorization: options.secrets.get("authorization").cloned(),
        };
        match webhook.key_bytes() {
            Some(key) if key.len() >= KEY_BYTES_MIN => Ok(webhook),
            _ => Err(options.invalid(
                "secret `secret`",
                "is neither `whsec_` and base64 nor text, of at least 16 bytes",
            )),
        }
    }

    fn key_bytes(&self) -> Option<Vec<u8>> {
        let text = self.key.reveal();
        match text.strip_prefix(SECRET_PREFIX) {
            Some(encoded) => STANDARD.decode(encoded).ok(),
            None => Some(text.as_bytes().to_vec()),
        }
    }

    async fn post(&self, url: &str, call: &Call, event: &Value) -> Result<Outcome, Outcome> {
        let body = event.to_string();
        let seconds = (clock::now_ms() / 1_000).to_string();
        let key = self.key_bytes().unwrap_or_default();
        let mut request = self
            .http
            .request(reqwest::Method::POST, url)
            .header("content-type", "application/cloudevents+json")
            .header("webhook-id", &call.key)
            .header("webhook-timestamp", &seconds)
            .header("webhook-signature", sign(&key, &call.key, &seconds, &body));
        if let Some(value) = &self.authorization {
            request = request.header("authorization", value.reveal());
        }
        if !call.traceparent.is_empty() {
            request = request.header("traceparent", &call.traceparent);
        }
        let answer = self.http.send(request.body(body)).await?;
        Ok(classify(&answer))
    }

    async fn attempt(&self, call: &Call) -> Result<Outcome, Outcome> {
        match (call.kind, &self.undo_url) {
            (EffectKind::Webhook, _) => self.post(&self.url, call, &event(call)).await,
            (EffectKind::WebhookUndo, Some(url)) => self.post(url, call, &event(call)).await,
            // A step without an undo URL has nothing to take back.
            (EffectKind::WebhookUndo, None) => Ok(Outcome::absent()),
            (other, _) => Err(Outcome::refused("kind", format!("{other:?} is not served"))),
        }
    }
}

impl Provider for Webhook {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let attempt = self.attempt(call).await;
            attempt.unwrap_or_else(|outcome| outcome).bounded()
        }
        .boxed()
    }
}

/// The signature of Standard Webhooks: `v1,` and the base64 of an HMAC-SHA256 over id, time and
/// body, joined by dots.
#[must_use]
pub fn sign(key: &[u8], id: &str, seconds: &str, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new(); // HMAC takes keys of any length
    };
    for part in [id, ".", seconds, ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// The event that is sent. The payment token stays here.
fn event(call: &Call) -> Value {
    let facts = &call.facts;
    let details = &facts.details;
    let undo = call.kind == EffectKind::WebhookUndo;
    let lines: Vec<Value> = facts
        .lines
        .iter()
        .map(|line| {
            json!({"sku": line.sku, "location": line.location, "quantity": line.quantity,
                "unit_price": line.unit_price})
        })
        .collect();
    let accepted = i64::try_from(facts.accepted_at_ms).unwrap_or(0);
    let accepted = jiff::Timestamp::from_millisecond(accepted).unwrap_or_default();
    let order = json!({
        "key": call.order.to_string(),
        "number": facts.number,
        "external_id": details.external_id,
        "channel": facts.channel.0,
        "customer": facts.customer,
        "accepted_at": accepted.to_string(),
        "currency": money::alpha(facts.currency),
        "total": facts.total,
        "lines": lines,
        "contact": {"name": details.contact_name, "email": details.email,
            "phone": details.phone},
        "shipping_address": details.shipping_address,
        "billing_address": details.billing_address,
        "country": details.country,
        "custom_handling": details.custom_handling,
    });
    let mut event = json!({
        "specversion": "1.0",
        "id": call.key,
        "source": format!("/onhand/{}", facts.tenant),
        "type": format!("com.onhand.step.{}{}", call.step, if undo { ".undo" } else { "" }),
        "subject": call.order.to_string(),
        "time": accepted.to_string(),
        "datacontenttype": "application/json",
        "data": {"step": call.step, "order": order},
    });
    if undo && let Some(data) = event.pointer_mut("/data").and_then(Value::as_object_mut) {
        data.insert("reference".into(), json!(call.reference));
        data.insert("undoes".into(), json!(call.target_key));
    }
    event
}

fn classify(answer: &Answer) -> Outcome {
    if !(200..300).contains(&answer.status) {
        let outcome = by_status(answer, "", &plain_text(answer));
        // 503 is said before anything is done, other server errors at any time.
        return if answer.status == 503 {
            outcome
        } else {
            ambiguous_on_5xx(outcome)
        };
    }
    let document = answer.json().unwrap_or_default();
    let text = |name: &str| text_at(&document, name);
    let (reference, reason) = (text("/reference"), text("/reason"));
    let mut outcome = match text("/status").as_str() {
        "ok" => Outcome::done("").says("", reason),
        "declined" => Outcome::declined("declined", reason),
        "pending" => Outcome::pending("").says("pending", reason),
        "retry" => {
            let wait = document.get("retry_after_ms").and_then(Value::as_u64);
            Outcome::retry("retry", reason)
                .uncounted()
                .after(wait.unwrap_or_else(|| answer.retry_after_ms()))
        }
        _ => Outcome::unknown("unexpected_answer", plain_text(answer)),
    };
    outcome.reference = reference;
    outcome.status(answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Asked, Canned, CannedServer, answer, answer_with, gist};
    use crate::adapters::fraud::tests::{call as fraud_call, facts};
    use crate::types::effect::EffectClass::{
        self, Absent, Declined, Done, Pending, Refused, Retry, Unknown,
    };

    type Gist = (EffectClass, bool, u64, &'static str);

    fn options(base_url: &str) -> ProviderOptions {
        let mut options = ProviderOptions {
            name: "erp".into(),
            kind: "webhook".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        options.secrets.insert("secret".into(), Secret::new(secret));
        options
    }

    fn call(kind: EffectKind) -> Call {
        let mut call = fraud_call(facts());
        call.kind = kind;
        call.step = "tax".into();
        call.reference = "erp-17".into();
        call.target_key = "abc-15-4".into();
        call
    }

    async fn run(kind: EffectKind, answers: Vec<Canned>, undo_url: &str) -> (Outcome, Vec<Asked>) {
        let server = CannedServer::start(answers).await;
        let mut options = options(&format!("{}/erp", server.url));
        options.settings.insert("undo_url".into(), undo_url.into());
        let outcome = Webhook::new(&options).unwrap().call(&call(kind)).await;
        (outcome, server.asked())
    }

    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        // The example of the specification's reference libraries.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[tokio::test]
    #[allow(clippy::too_many_lines)] // one table
    async fn every_answer_is_classified() {
        let cases: Vec<(Canned, Gist)> = vec![
            (
                answer(200, r#"{"status":"ok","reference":"erp-17"}"#),
                (Done, false, 0, ""),
            ),
            (
                answer(200, r#"{"status":"declined","reason":"no tax id"}"#),
                (Declined, false, 0, "declined"),
            ),
            (
                answer(202, r#"{"status":"pending"}"#),
                (Pending, false, 0, "pending"),
            ),
            (
                answer(200, r#"{"status":"retry","retry_after_ms":5000}"#),
                (Retry, false, 5_000, "retry"),
            ),
            (
                answer_with(200, &["retry-after: 2"], r#"{"status":"retry"}"#),
                (Retry, false, 2_000, "retry"),
            ),
            (answer(200, ""), (Unknown, true, 0, "unexpected_answer")),
            (answer(204, ""), (Unknown, true, 0, "unexpected_answer")),
            (answer(200, "ok"), (Unknown, true, 0, "unexpected_answer")),
            (
                answer(200, r#"{"status":"fine"}"#),
                (Unknown, true, 0, "unexpected_answer"),
            ),
            (
                answer(200, r#"{"error":"no"}"#),
                (Unknown, true, 0, "unexpected_answer"),
            ),
            (answer(400, "bad"), (Refused, false, 0, "http_400")),
            (answer(401, ""), (Refused, false, 0, "credentials")),
            (answer(302, ""), (Refused, false, 0, "http_302")),
            (
                answer_with(429, &["retry-after: 3"], ""),
                (Retry, true, 3_000, "rate_limited"),
            ),
            (answer(503, ""), (Retry, true, 0, "http_503")),
            (answer(500, ""), (Unknown, true, 0, "http_500")),
            (Canned::Silence, (Unknown, true, 0, "timeout")),
            (Canned::Drop, (Unknown, true, 0, "connection_lost")),
        ];
        for (canned, expected) in cases {
            let name = format!("{canned:?}");
            let (outcome, _) = run(EffectKind::Webhook, vec![canned], "").await;
            assert_eq!(gist(&outcome), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_step_is_a_signed_event() {
        let ok = answer(200, r#"{"status":"ok","reference":"erp-17"}"#);
        let (outcome, asked) = run(EffectKind::Webhook, vec![ok], "").await;
        assert_eq!(outcome.reference, "erp-17");
        let request = &asked[0];
        let call = call(EffectKind::Webhook);
        assert_eq!(request.path, "/erp");
        assert_eq!(request.headers["webhook-id"], call.key);
        assert_eq!(
            request.headers["content-type"],
            "application/cloudevents+json"
        );
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let seconds = &request.headers["webhook-timestamp"];
        let expected = sign(&key, &call.key, seconds, &request.body);
        assert_eq!(request.headers["webhook-signature"], expected);
        let event = request.json();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "com.onhand.step.tax");
        assert_eq!(event["id"], call.key);
        assert_eq!(event["data"]["order"]["total"], 4_470);
        assert_eq!(event["data"]["order"]["currency"], "EUR");
        assert_eq!(event["data"]["order"]["lines"][0]["sku"], "MUG-RED");
        assert!(
            !request.body.contains("pm_1"),
            "the payment token stays here"
        );
    }

    #[tokio::test]
    async fn a_step_is_taken_back_where_there_is_a_way() {
        let ok = || answer(200, r#"{"status":"ok"}"#);
        let (outcome, asked) = run(EffectKind::WebhookUndo, vec![ok()], "/compensate").await;
        assert_eq!(outcome.class, Done);
        assert_eq!(asked[0].path, "/erp/compensate");
        let event = asked[0].json();
        assert_eq!(event["type"], "com.onhand.step.tax.undo");
        assert_eq!(event["data"]["reference"], "erp-17");
        assert_eq!(event["data"]["undoes"], "abc-15-4");
        let (outcome, asked) = run(EffectKind::WebhookUndo, vec![ok()], "").await;
        assert_eq!(outcome.class, Absent);
        assert!(asked.is_empty());
    }

    #[test]
    fn options_that_cannot_work_are_refused() {
        for (base_url, secret, undo_url, said) in [
            ("", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "", "base_url"),
            (
                "ftp://x",
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "",
                "ftp://x",
            ),
            ("http://x", "whsec_???", "", "secret"),
            ("http://x", "short", "", "secret"),
            ("http://x", "long enough to sign", "undo", "undo"),
        ] {
            let mut options = options(base_url);
            options.secrets.insert("secret".into(), Secret::new(secret));
            options.settings.insert("undo_url".into(), undo_url.into());
            let error = Webhook::new(&options).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
