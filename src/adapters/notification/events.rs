//! Anything else: CloudEvents 1.0 to an address of the merchant's, signed as Standard Webhooks.
//!
//! Serves messages, team alerts and CRM records alike. The event's id is the effect's key, the same
//! in all attempts, so a receiver that remembers ids sees each event once. 410 means that the
//! receiver is gone for good.

use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text};
use crate::clock;
use crate::types::effect::{EffectKind, Milestone};
use crate::types::money;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;

/// See [`Events`].
pub const KIND: Kind = Kind {
    name: "events",
    effects: &[
        EffectKind::Notify,
        EffectKind::Alert,
        EffectKind::CrmUpdate,
        EffectKind::CrmCorrect,
    ],
    timeout_ms: 10_000,
    secrets: &["signing_secret"],
    settings: &[],
    build: |options| Ok(Arc::new(Events::new(options)?)),
};

/// Fewest and most bytes of a signing secret, as Standard Webhooks has it.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Posts events.
pub struct Events {
    http: Http,
    url: String,
    key: Vec<u8>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    /// `base_url` is where events go. Secret `signing_secret`: `whsec_` and 24 to 64 bytes in
    /// base64.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        if url::Url::parse(&options.base_url).is_err() {
            return Err(options.invalid("base_url", "is no URL: it says where events go"));
        }
        Ok(Self {
            http: Http::of(options)?,
            url: options.base_url.clone(),
            key: signing_key(&options.secret("signing_secret")?)
                .ok_or_else(|| options.invalid("secret `signing_secret`", SECRET_SHAPE))?,
        })
    }

    async fn post(&self, call: &Call) -> Result<Outcome, Outcome> {
        let now_ms = clock::now_ms();
        let body = event(call, now_ms).to_string();
        let timestamp = (now_ms / 1_000).to_string();
        let signature = sign(&self.key, &call.key, &timestamp, body.as_bytes());
        let request = self
            .http
            .request(reqwest::Method::POST, &self.url)
            .header("content-type", "application/cloudevents+json")
            .header("webhook-id", &call.key)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .header("traceparent", &call.traceparent)
            .body(body);
        let answer = self.http.send(request).await?;
        Ok(classify(&answer, call))
    }
}

impl Provider for Events {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = self.post(call).await.unwrap_or_else(|outcome| outcome);
            outcome.bounded()
        }
        .boxed()
    }
}

const SECRET_SHAPE: &str = "is not `whsec_` and 24 to 64 bytes in base64";

/// The bytes of a Standard Webhooks secret.
#[must_use]
pub fn signing_key(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.reveal();
    let key = STANDARD
        .decode(text.strip_prefix("whsec_").unwrap_or(text))
        .ok()?;
    SECRET_BYTES.contains(&key.len()).then_some(key)
}

/// The value of `webhook-signature`: version 1 over id, timestamp (seconds) and body.
#[must_use]
pub fn sign(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so there is always a signature.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// The event in CloudEvents' structured mode.
fn event(call: &Call, now_ms: u64) -> Value {
    let facts = &call.facts;
    let at_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let kind = match call.kind {
        EffectKind::Alert => "orders.review_needed".to_owned(),
        EffectKind::CrmUpdate => crate::adapters::crm::POST_PURCHASE.to_owned(),
        EffectKind::CrmCorrect => "order.corrected".to_owned(),
        _ => format!(
            "order.{}",
            call.milestone.map_or("message", Milestone::name)
        ),
    };
    let items: Vec<Value> = facts
        .lines
        .iter()
        .map(|line| json!({"sku": line.sku, "location": line.location, "quantity": line.quantity}))
        .collect();
    let mut data = json!({
        "order": facts.order.to_string(),
        "number": facts.number,
        "external_id": facts.details.external_id,
        "currency": money::alpha(facts.currency),
        "total": money::decimal(facts.total, facts.currency),
        "items": items,
    });
    if let Some(data) = data.as_object_mut() {
        if call.kind == EffectKind::Alert {
            data.insert("orders".to_owned(), call.amount.max(1).into());
            data.insert("reason".to_owned(), call.step.clone().into());
        } else {
            let amount = money::decimal(call.amount, facts.currency);
            let details = &facts.details;
            let contact = json!({
                "name": details.contact_name, "email": details.email, "phone": details.phone,
            });
            data.insert("amount".to_owned(), amount.into());
            data.insert("customer".to_owned(), facts.customer.into());
            data.insert("contact".to_owned(), contact);
        }
    }
    json!({
        "specversion": "1.0",
        "id": call.key,
        "source": format!("/onhand/{}", facts.tenant),
        "type": kind,
        "subject": facts.order.to_string(),
        "time": time.to_string(),
        "datacontenttype": "application/json",
        "traceparent": call.traceparent,
        "data": data,
    })
}

fn classify(answer: &Answer, call: &Call) -> Outcome {
    match answer.status {
        200..=299 => Outcome::done(call.key.clone()).status(answer.status),
        410 => Outcome::refused("gone", "the receiver wants no more events").status(410),
        _ => by_status(answer, "", &plain_text(answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
    use crate::adapters::notification::tests::call;
    use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};

    fn provider(base_url: &str) -> Events {
        let mut options = ProviderOptions {
            name: "events".into(),
            kind: "events".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        options.secrets.insert("signing_secret".into(), secret);
        Events::new(&options).unwrap()
    }

    #[test]
    fn signatures_are_those_of_the_specification() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = signing_key(&secret).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signing_key(&Secret::new("whsec_c2hvcnQ=")), None);
    }

    #[tokio::test]
    async fn every_answer_is_classified() {
        for (canned, expected) in [
            (answer(200, ""), (Done, false, 0, "")),
            (answer(204, ""), (Done, false, 0, "")),
            (answer(202, "<html>"), (Done, false, 0, "")),
            (answer(301, ""), (Refused, false, 0, "http_301")),
            (answer(400, "bad"), (Refused, false, 0, "http_400")),
            (answer(401, ""), (Refused, false, 0, "credentials")),
            (answer(410, ""), (Refused, false, 0, "gone")),
            (
                answer_with(429, &["Retry-After: 4"], ""),
                (Retry, true, 4_000, "rate_limited"),
            ),
            (answer(500, ""), (Retry, true, 0, "http_500")),
            (answer(504, "<html>"), (Retry, true, 0, "http_504")),
            (Canned::Silence, (Unknown, true, 0, "timeout")),
            (Canned::Drop, (Unknown, true, 0, "connection_lost")),
        ] {
            let server = CannedServer::start(vec![canned.clone()]).await;
            let call = call(EffectKind::Notify, Some(Milestone::Shipped));
            let outcome = provider(&server.url).call(&call).await;
            assert_eq!(gist(&outcome), expected, "{canned:?}");
        }
    }

    #[tokio::test]
    async fn an_event_is_signed_and_has_the_effects_key_as_its_id() {
        for (kind, name) in [
            (EffectKind::Notify, "order.shipped"),
            (EffectKind::Alert, "orders.review_needed"),
            (EffectKind::CrmUpdate, "order.post_purchase"),
            (EffectKind::CrmCorrect, "order.corrected"),
        ] {
            let server = CannedServer::start(vec![answer(204, "")]).await;
            let call = call(kind, Some(Milestone::Shipped));
            provider(&server.url).call(&call).await;
            let asked = server.asked().remove(0);
            let header = |name: &str| asked.headers[name].clone();
            assert_eq!(header("content-type"), "application/cloudevents+json");
            assert_eq!(header("traceparent"), call.traceparent);
            let key = signing_key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
            let body = asked.body.as_bytes();
            let signature = sign(&key, "k-1", &header("webhook-timestamp"), body);
            assert_eq!(header("webhook-signature"), signature);
            let event = asked.json();
            assert_eq!(
                (&event["specversion"], &event["id"]),
                (&json!("1.0"), &json!("k-1"))
            );
            assert_eq!(
                (&event["type"], &event["data"]["total"]),
                (&json!(name), &json!("44.70"))
            );
            let about_a_customer = event["data"].get("contact").is_some();
            assert_eq!(about_a_customer, kind != EffectKind::Alert, "{name}");
        }
    }
}
