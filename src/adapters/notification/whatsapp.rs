//! WhatsApp Cloud API: template messages to customers.
//!
//! A shop may write first only with a template that WhatsApp has approved: here one a milestone,
//! `order_confirmed` and so on, whose parameters are the lines of our template. An error is decided
//! by its `code`, whatever its HTTP status. Nothing makes a repeat safe: see `after_timeout` in
//! [`super`].

use super::templates::{Channel, Templates};
use super::{AfterTimeout, phone};
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text, text_at};
use crate::types::effect::{EffectKind, Milestone};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;

/// See [`WhatsApp`].
pub const KIND: Kind = Kind {
    name: "whatsapp",
    effects: &[EffectKind::Notify],
    timeout_ms: 10_000,
    secrets: &["access_token"],
    settings: &[
        "phone_number_id",
        "api_version",
        "language",
        "template_prefix",
        "shop_name",
        "templates",
        "after_timeout",
    ],
    build: |options| Ok(Arc::new(WhatsApp::new(options)?)),
};

/// The provider's own address.
const BASE_URL: &str = "https://graph.facebook.com";

/// Codes after which the same message may go through later: service, rate limits.
const LATER: [&str; 6] = ["2", "4", "80007", "130429", "131000", "131056"];

/// The code of too many messages to one recipient, and how far apart they have to be.
const PAIR_LIMIT: (&str, u64) = ("131056", 6_000);

/// Sends template messages.
#[derive(Debug)]
pub struct WhatsApp {
    http: Http,
    url: String,
    access_token: Secret,
    language: String,
    prefix: String,
    after_timeout: AfterTimeout,
    templates: Templates,
}

impl WhatsApp {
    /// Secret `access_token`; settings `phone_number_id`, `api_version` (default `v23.0`),
    /// `language` (default `en_US`), `template_prefix` (default `order_`), and those of every
    /// message.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let base_url = options.base_url_or(BASE_URL);
        let version = options.setting_or("api_version", "v23.0");
        let number = options.setting("phone_number_id")?;
        Ok(Self {
            http: Http::of(options)?,
            url: format!("{base_url}/{version}/{number}/messages"),
            access_token: options.secret("access_token")?,
            language: options.setting_or("language", "en_US").to_owned(),
            prefix: options.setting_or("template_prefix", "order_").to_owned(),
            after_timeout: AfterTimeout::from_options(options)?,
            templates: Templates::load(options, Channel::WhatsApp)?,
        })
    }

    async fn notify(&self, call: &Call) -> Result<Outcome, Outcome> {
        let to = phone(call)?;
        let text = self.templates.render(call)?;
        self.after_timeout.check(call)?;
        let milestone = call.milestone.map_or("", Milestone::name);
        let parameters: Vec<Value> = text
            .lines()
            .map(|line| json!({"type": "text", "text": line.trim()}))
            .collect();
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to.trim_start_matches('+'),
            "type": "template",
            "template": {
                "name": format!("{}{milestone}", self.prefix),
                "language": {"code": self.language},
                "components": [{"type": "body", "parameters": parameters}],
            },
            "biz_opaque_callback_data": call.key,
        });
        let request = self
            .http
            .request(reqwest::Method::POST, &self.url)
            .bearer_auth(self.access_token.reveal())
            .json(&body);
        let answer = self.http.send(request).await?;
        Ok(classify(&answer))
    }
}

impl Provider for WhatsApp {
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

fn classify(answer: &Answer) -> Outcome {
    let document = answer.json().unwrap_or_default();
    let id = text_at(&document, "/messages/0/id");
    let code = text_at(&document, "/error/code");
    if answer.status == 200 && !id.is_empty() && code.is_empty() {
        return Outcome::done(id).status(200);
    }
    let mut message = text_at(&document, "/error/error_data/details");
    if message.is_empty() {
        message = text_at(&document, "/error/message");
    }
    if message.is_empty() {
        message = plain_text(answer);
    }
    if code.is_empty() {
        return by_status(answer, "", &message);
    }
    if LATER.contains(&code.as_str()) || answer.status >= 500 {
        let wait_ms = if code == PAIR_LIMIT.0 {
            PAIR_LIMIT.1
        } else {
            0
        };
        let wait_ms = wait_ms.max(answer.retry_after_ms());
        return Outcome::retry(code, message)
            .status(answer.status)
            .after(wait_ms);
    }
    Outcome::refused(code, message).status(answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Canned, CannedServer, answer, gist};
    use crate::adapters::notification::tests::call;
    use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};

    fn options(base_url: &str) -> ProviderOptions {
        let mut options = ProviderOptions {
            name: "whatsapp".into(),
            kind: "whatsapp".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        options
            .secrets
            .insert("access_token".into(), Secret::new("EAAhidden"));
        options
            .settings
            .insert("phone_number_id".into(), "106000".into());
        options
    }

    fn shipped() -> Call {
        let mut call = call(EffectKind::Notify, Some(Milestone::Shipped));
        call.reference = "9400".into();
        call
    }

    fn error(code: u32) -> String {
        format!(r#"{{"error":{{"message":"m","code":{code},"error_data":{{"details":"d"}}}}}}"#)
    }

    #[tokio::test]
    async fn every_answer_is_classified_by_its_code_before_its_status() {
        let taken = r#"{"messages":[{"id":"wamid.1"}]}"#;
        for (canned, expected) in [
            (answer(200, taken), (Done, false, 0, "")),
            (answer(200, "{}"), (Unknown, true, 0, "unexpected_answer")),
            (
                answer(200, "<html>"),
                (Unknown, true, 0, "unexpected_answer"),
            ),
            (answer(200, &error(131_026)), (Refused, false, 0, "131026")),
            (answer(400, &error(130_429)), (Retry, true, 0, "130429")),
            (answer(400, &error(131_056)), (Retry, true, 6_000, "131056")),
            (answer(400, &error(4)), (Retry, true, 0, "4")),
            (answer(400, &error(80_007)), (Retry, true, 0, "80007")),
            (answer(500, &error(131_000)), (Retry, true, 0, "131000")),
            (answer(503, &error(2)), (Retry, true, 0, "2")),
            (answer(400, &error(100)), (Refused, false, 0, "100")),
            (answer(400, &error(131_008)), (Refused, false, 0, "131008")),
            (answer(400, &error(131_049)), (Refused, false, 0, "131049")),
            (answer(401, &error(190)), (Refused, false, 0, "190")),
            (answer(401, ""), (Refused, false, 0, "credentials")),
            (answer(429, ""), (Retry, true, 0, "rate_limited")),
            (answer(502, "<html>"), (Retry, true, 0, "http_502")),
            (Canned::Silence, (Unknown, true, 0, "timeout")),
            (Canned::Drop, (Unknown, true, 0, "connection_lost")),
        ] {
            let server = CannedServer::start(vec![canned.clone()]).await;
            let provider = WhatsApp::new(&options(&server.url)).unwrap();
            let outcome = provider.call(&shipped()).await;
            assert_eq!(gist(&outcome), expected, "{canned:?}");
        }
    }

    #[tokio::test]
    async fn a_message_names_its_approved_template_and_gives_its_parameters() {
        let taken = answer(200, r#"{"messages":[{"id":"wamid.1"}]}"#);
        let server = CannedServer::start(vec![taken]).await;
        let provider = WhatsApp::new(&options(&server.url)).unwrap();
        assert_eq!(provider.call(&shipped()).await.reference, "wamid.1");
        let asked = server.asked().remove(0);
        assert_eq!(asked.path, "/v23.0/106000/messages");
        assert_eq!(asked.headers["authorization"], "Bearer EAAhidden");
        let body = asked.json();
        assert_eq!(
            (&body["to"], &body["type"]),
            (&json!("34600000000"), &json!("template"))
        );
        assert_eq!(body["template"]["name"], "order_shipped");
        let parameters = &body["template"]["components"][0]["parameters"];
        assert_eq!(parameters[0], json!({"type": "text", "text": "0-1042"}));
        assert_eq!(parameters[1], json!({"type": "text", "text": "9400"}));
    }

    #[tokio::test]
    async fn at_most_once_leaves_a_lost_answer_to_a_person() {
        let server = CannedServer::start(vec![Canned::Drop]).await;
        let mut once = options(&server.url);
        once.settings.insert("after_timeout".into(), "stop".into());
        let outcome = WhatsApp::new(&once).unwrap().call(&shipped()).await;
        assert_eq!(gist(&outcome), (Refused, true, 0, "may_have_been_sent"));
    }
}
