//! SendGrid: e-mail to customers over the v3 API.
//!
//! Success is status 202 with an empty body; the message's id stands in `X-Message-Id`. Nothing
//! makes a repeat safe: see `after_timeout` in [`super`]. The effect's key travels as the custom
//! argument `onhand_key` and comes back in delivery events.

use super::templates::{Channel, Templates};
use super::{AfterTimeout, email};
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text, text_at};
use crate::clock;
use crate::types::effect::EffectKind;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;

/// See [`SendGrid`].
pub const KIND: Kind = Kind {
    name: "sendgrid",
    effects: &[EffectKind::Notify],
    timeout_ms: 10_000,
    secrets: &["api_key"],
    settings: &[
        "from",
        "from_name",
        "shop_name",
        "templates",
        "after_timeout",
    ],
    build: |options| Ok(Arc::new(SendGrid::new(options)?)),
};

/// The provider's own address; `https://api.eu.sendgrid.com` for accounts in the EU.
const BASE_URL: &str = "https://api.sendgrid.com";

/// Longest wait taken from a rate limit, in milliseconds.
const WAIT_MS_MAX: u64 = 3_600_000;

/// Sends plain text mail.
#[derive(Debug)]
pub struct SendGrid {
    http: Http,
    url: String,
    api_key: Secret,
    from: Value,
    after_timeout: AfterTimeout,
    templates: Templates,
}

impl SendGrid {
    /// Secret `api_key`; settings `from` (address), `from_name`, and those of every message.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let mut from = json!({"email": options.setting("from")?});
        let name = options.setting_or("from_name", "");
        if let (Some(from), false) = (from.as_object_mut(), name.is_empty()) {
            from.insert("name".to_owned(), json!(name));
        }
        Ok(Self {
            http: Http::of(options)?,
            url: format!("{}/v3/mail/send", options.base_url_or(BASE_URL)),
            api_key: options.secret("api_key")?,
            from,
            after_timeout: AfterTimeout::from_options(options)?,
            templates: Templates::load(options, Channel::Email)?,
        })
    }

    async fn notify(&self, call: &Call) -> Result<Outcome, Outcome> {
        let to = email(call)?;
        let (subject, text) = self.templates.render_email(call)?;
        self.after_timeout.check(call)?;
        let body = json!({
            "personalizations": [{
                "to": [{"email": to}],
                "custom_args": {"onhand_key": call.key, "onhand_order": call.order_id()},
            }],
            "from": self.from,
            "subject": subject,
            "content": [{"type": "text/plain", "value": text}],
        });
        let request = self
            .http
            .request(reqwest::Method::POST, &self.url)
            .bearer_auth(self.api_key.reveal())
            .json(&body);
        let answer = self.http.send(request).await?;
        Ok(classify(&answer, clock::now_ms()))
    }
}

impl Provider for SendGrid {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = self.notify(call).await.unwrap_or_else(|outcome| outcome);
            self.after_timeout.resolve(outcome).bounded()
        }
        .boxed()
    }
}

fn classify(answer: &Answer, now_ms: u64) -> Outcome {
    // 200 is what SendGrid's own sandbox mode answers.
    if matches!(answer.status, 200 | 202) && !answer.body.trim_ascii().starts_with(b"<") {
        let id = answer.header("x-message-id").unwrap_or_default();
        return Outcome::done(id).status(answer.status);
    }
    let document = answer.json().unwrap_or_default();
    let mut message = text_at(&document, "/errors/0/message");
    let field = text_at(&document, "/errors/0/field");
    if message.is_empty() {
        message = plain_text(answer);
    }
    let outcome = by_status(answer, &field, &message);
    if answer.status != 429 {
        return outcome;
    }
    // `X-RateLimit-Reset` is a moment, in seconds since the epoch.
    let reset: Option<u64> = answer
        .header("x-ratelimit-reset")
        .and_then(|value| value.trim().parse().ok());
    match reset {
        Some(seconds) => {
            let wait_ms = seconds.saturating_mul(1_000).saturating_sub(now_ms);
            outcome.after(wait_ms.min(WAIT_MS_MAX))
        }
        None => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
    use crate::adapters::notification::tests::call;
    use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};
    use crate::types::effect::Milestone;

    fn options(base_url: &str) -> ProviderOptions {
        let mut options = ProviderOptions {
            name: "sendgrid".into(),
            kind: "sendgrid".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        options
            .secrets
            .insert("api_key".into(), Secret::new("SG.hidden"));
        options
            .settings
            .insert("from".into(), "shop@example.com".into());
        options
    }

    fn confirmed() -> Call {
        call(EffectKind::Notify, Some(Milestone::Confirmed))
    }

    #[tokio::test]
    async fn every_answer_is_classified() {
        let error = r#"{"errors":[{"message":"bad","field":"from","help":"x"}],"id":"1"}"#;
        let busy = r#"{"errors":[{"field":null,"message":"too many requests"}]}"#;
        for (canned, expected) in [
            (answer(202, ""), (Done, false, 0, "")),
            (
                answer(202, "<html>portal</html>"),
                (Unknown, true, 0, "unexpected_answer"),
            ),
            (answer(204, ""), (Unknown, true, 0, "unexpected_answer")),
            (answer(400, error), (Refused, false, 0, "from")),
            (answer(401, "not json"), (Refused, false, 0, "credentials")),
            (answer(413, ""), (Refused, false, 0, "http_413")),
            (answer(429, busy), (Retry, true, 0, "rate_limited")),
            (
                answer_with(429, &["X-RateLimit-Reset: 1"], busy),
                (Retry, true, 0, "rate_limited"),
            ),
            (answer(500, error), (Retry, true, 0, "from")),
            (answer(503, "<html>"), (Retry, true, 0, "http_503")),
            (Canned::Silence, (Unknown, true, 0, "timeout")),
            (Canned::Drop, (Unknown, true, 0, "connection_lost")),
        ] {
            let server = CannedServer::start(vec![canned.clone()]).await;
            let provider = SendGrid::new(&options(&server.url)).unwrap();
            let outcome = provider.call(&confirmed()).await;
            assert_eq!(gist(&outcome), expected, "{canned:?}");
        }
    }

    #[test]
    fn the_wait_of_a_rate_limit_ends_at_its_moment_and_is_bounded() {
        for (reset, wait_ms) in [
            ("x-ratelimit-reset: 1000", 400),
            ("x-ratelimit-reset: 99999999", WAIT_MS_MAX),
        ] {
            let mut headers = reqwest::header::HeaderMap::new();
            let (_, value) = reset.split_once(": ").unwrap();
            headers.insert("x-ratelimit-reset", value.parse().unwrap());
            let answer = Answer {
                status: 429,
                headers,
                body: bytes::Bytes::new(),
            };
            assert_eq!(classify(&answer, 999_600).retry_after_ms, wait_ms);
        }
    }

    #[tokio::test]
    async fn a_message_goes_to_the_customer_with_the_effects_key() {
        let server = CannedServer::start(vec![answer_with(202, &["X-Message-Id: m-1"], "")]).await;
        let provider = SendGrid::new(&options(&server.url)).unwrap();
        let outcome = provider.call(&confirmed()).await;
        assert_eq!(outcome.reference, "m-1");
        let asked = server.asked().remove(0);
        assert_eq!((&*asked.method, &*asked.path), ("POST", "/v3/mail/send"));
        assert_eq!(asked.headers["authorization"], "Bearer SG.hidden");
        let body = asked.json();
        assert_eq!(
            body["personalizations"][0]["to"][0]["email"],
            "ana@example.com"
        );
        assert_eq!(
            body["personalizations"][0]["custom_args"]["onhand_key"],
            "k-1"
        );
        assert_eq!(body["subject"], "Your order 0-1042 is confirmed");
    }

    #[tokio::test]
    async fn an_order_without_address_and_a_message_at_most_once_are_refused_without_a_request() {
        let server = CannedServer::start(vec![Canned::Silence]).await;
        let provider = SendGrid::new(&options(&server.url)).unwrap();
        let mut none = confirmed();
        Arc::make_mut(&mut none.facts).details.email.clear();
        assert_eq!(provider.call(&none).await.code, "no_recipient");
        let mut once = options(&server.url);
        once.settings.insert("after_timeout".into(), "stop".into());
        let once = SendGrid::new(&once).unwrap();
        let mut resumed = confirmed();
        resumed.resumed = true;
        assert_eq!(once.call(&resumed).await.code, "may_have_been_sent");
        assert!(server.asked().is_empty());
        let outcome = once.call(&confirmed()).await;
        assert_eq!(gist(&outcome), (Refused, true, 0, "may_have_been_sent"));
    }
}
