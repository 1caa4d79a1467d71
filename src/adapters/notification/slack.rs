//! Slack: team alerts over an incoming webhook.
//!
//! The webhook's URL is the secret. Success is status 200 with the text `ok`; errors are plain
//! text. There is no idempotency, and none is needed: an alert that comes twice does no harm.

use super::templates;
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text};
use crate::types::effect::EffectKind;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;

/// See [`Slack`].
pub const KIND: Kind = Kind {
    name: "slack",
    effects: &[EffectKind::Alert],
    timeout_ms: 5_000,
    secrets: &["webhook_url"],
    settings: &[],
    build: |options| Ok(Arc::new(Slack::new(options)?)),
};

/// Where Slack's incoming webhooks are.
const BASE_URL: &str = "https://hooks.slack.com";

/// Posts to one incoming webhook.
#[derive(Debug)]
pub struct Slack {
    http: Http,
    url: Secret,
}

impl Slack {
    /// Secret `webhook_url`: the whole URL, or its path (`/services/T…/B…/…`).
    ///
    /// # Errors
    /// The secret is missing or no URL.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let secret = options.secret("webhook_url")?;
        let path = match url::Url::parse(secret.reveal()) {
            Ok(url) if options.base_url.is_empty() => url.to_string(),
            Ok(url) => format!("{}{}", options.base_url_or(BASE_URL), url.path()),
            Err(_) if secret.reveal().starts_with('/') => {
                format!("{}{}", options.base_url_or(BASE_URL), secret.reveal())
            }
            Err(_) => {
                let problem = "is neither a URL nor a path that starts with `/`".to_owned();
                return Err(options.invalid("secret `webhook_url`", problem));
            }
        };
        Ok(Self {
            http: Http::of(options)?,
            url: Secret::new(path),
        })
    }

    async fn alert(&self, call: &Call) -> Result<Outcome, Outcome> {
        let text = templates::alert(call);
        let body = json!({
            "text": text,
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}],
        });
        let request = self
            .http
            .request(reqwest::Method::POST, self.url.reveal())
            .json(&body);
        let answer = self.http.send(request).await?;
        Ok(classify(&answer))
    }
}

impl Provider for Slack {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = self.alert(call).await.unwrap_or_else(|outcome| outcome);
            outcome.bounded()
        }
        .boxed()
    }
}

fn classify(answer: &Answer) -> Outcome {
    let text = plain_text(answer);
    if answer.status == 200 && text == "ok" {
        return Outcome::done("").status(200);
    }
    // Slack's errors are single words; anything else is a proxy's page.
    let code = if answer.status < 300 || text.contains(' ') {
        ""
    } else {
        &text
    };
    by_status(answer, code, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
    use crate::adapters::notification::tests::call;
    use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};

    fn options(base_url: &str) -> ProviderOptions {
        let mut options = ProviderOptions {
            name: "slack".into(),
            kind: "slack".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        let secret = "https://hooks.slack.com/services/T0/B0/hidden";
        options
            .secrets
            .insert("webhook_url".into(), Secret::new(secret));
        options
    }

    #[tokio::test]
    async fn every_answer_is_classified() {
        for (canned, expected) in [
            (answer(200, "ok"), (Done, false, 0, "")),
            (
                answer(200, "<html>login</html>"),
                (Unknown, true, 0, "unexpected_answer"),
            ),
            (answer(200, ""), (Unknown, true, 0, "unexpected_answer")),
            (
                answer(400, "invalid_payload"),
                (Refused, false, 0, "invalid_payload"),
            ),
            (
                answer(403, "action_prohibited"),
                (Refused, false, 0, "action_prohibited"),
            ),
            (answer(404, "no_service"), (Refused, false, 0, "no_service")),
            (
                answer(410, "channel_is_archived"),
                (Refused, false, 0, "channel_is_archived"),
            ),
            (
                answer_with(429, &["Retry-After: 3"], ""),
                (Retry, true, 3_000, "rate_limited"),
            ),
            (
                answer(500, "rollup_error"),
                (Retry, true, 0, "rollup_error"),
            ),
            (
                answer(502, "<html>bad gateway</html>"),
                (Retry, true, 0, "http_502"),
            ),
            (Canned::Silence, (Unknown, true, 0, "timeout")),
            (Canned::Drop, (Unknown, true, 0, "connection_lost")),
        ] {
            let server = CannedServer::start(vec![canned.clone()]).await;
            let slack = Slack::new(&options(&server.url)).unwrap();
            let outcome = slack.call(&call(EffectKind::Alert, None)).await;
            assert_eq!(gist(&outcome), expected, "{canned:?}");
        }
    }

    #[tokio::test]
    async fn an_alert_says_how_many_orders_wait_and_why() {
        let server = CannedServer::start(vec![answer(200, "ok")]).await;
        let slack = Slack::new(&options(&server.url)).unwrap();
        let mut alert = call(EffectKind::Alert, None);
        (alert.amount, alert.step) = (12, "payment".into());
        slack.call(&alert).await;
        let asked = server.asked().remove(0);
        assert_eq!(asked.path, "/services/T0/B0/hidden");
        let text = asked.json()["text"].as_str().unwrap().to_owned();
        assert!(
            text.contains("12 orders") && text.contains("payment"),
            "{text}"
        );
        assert!(
            text.contains("0-1042") && text.contains("44.70 EUR"),
            "{text}"
        );
        assert!(
            !text.contains("ana@example.com"),
            "no customer's contact in a channel: {text}"
        );
    }

    #[tokio::test]
    async fn a_webhook_that_nobody_serves_is_tried_again_and_never_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let slack = Slack::new(&options(&url)).unwrap();
        let outcome = slack.call(&call(EffectKind::Alert, None)).await;
        assert_eq!(gist(&outcome), (Retry, true, 0, "connect"));
        assert!(!format!("{outcome:?}{slack:?}").contains("hidden"));
    }
}
