//! Twilio: text messages to customers.
//!
//! Requests are form-encoded. Nothing makes a repeat safe, and a timeout or a 5xx leaves open
//! whether the message was taken; so an attempt that may have happened lists the messages to the
//! recipient first, and sends only where none has the same text since the order was placed.

use super::phone;
use super::templates::{Channel, Templates};
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{ambiguous_on_5xx, by_status, plain_text, text_at};
use crate::types::effect::{EffectClass, EffectKind};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;

/// See [`Twilio`].
pub const KIND: Kind = Kind {
    name: "twilio",
    effects: &[EffectKind::Notify],
    timeout_ms: 10_000,
    secrets: &["auth_token"],
    settings: &[
        "account_sid",
        "from",
        "messaging_service",
        "status_callback",
        "shop_name",
        "templates",
    ],
    build: |options| Ok(Arc::new(Twilio::new(options)?)),
};

/// The provider's own address.
const BASE_URL: &str = "https://api.twilio.com";

/// Longest text that is sent, in characters.
const TEXT_CHARS_MAX: usize = 1_600;

/// Messages to one recipient that are looked through, newest first.
const LISTED: &str = "50";

/// Sends text messages.
#[derive(Debug)]
pub struct Twilio {
    http: Http,
    url: String,
    account_sid: String,
    auth_token: Secret,
    /// `From` or `MessagingServiceSid`, and its value.
    sender: (&'static str, String),
    status_callback: String,
    templates: Templates,
}

impl Twilio {
    /// Secret `auth_token`; settings `account_sid`, `from` (a number) or `messaging_service` (its
    /// id), `status_callback` (a URL of ours), and those of every message.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let account_sid = options.setting("account_sid")?.to_owned();
        let service = options.setting_or("messaging_service", "");
        let sender = if service.is_empty() {
            ("From", options.setting("from")?)
        } else {
            ("MessagingServiceSid", service)
        };
        let base_url = options.base_url_or(BASE_URL);
        Ok(Self {
            http: Http::of(options)?,
            url: format!("{base_url}/2010-04-01/Accounts/{account_sid}/Messages.json"),
            account_sid,
            auth_token: options.secret("auth_token")?,
            sender: (sender.0, sender.1.to_owned()),
            status_callback: options.setting_or("status_callback", "").to_owned(),
            templates: Templates::load(options, Channel::Sms)?,
        })
    }

    async fn notify(&self, call: &Call) -> Result<Outcome, Outcome> {
        let to = phone(call)?;
        let text: String = self.templates.render(call)?;
        let text: String = text.trim().chars().take(TEXT_CHARS_MAX).collect();
        if call.may_have_happened()
            && let Some(sid) = self.find(&to, &text, call.facts.accepted_at_ms).await?
        {
            return Ok(Outcome::done(sid).status(200));
        }
        let mut form = vec![
            ("To", to.as_str()),
            (self.sender.0, self.sender.1.as_str()),
            ("Body", text.as_str()),
        ];
        if !self.status_callback.is_empty() {
            form.push(("StatusCallback", &self.status_callback));
        }
        let request = self.http.request(Method::POST, &self.url).form(&form);
        let answer = self.send(request).await?;
        Ok(classify(&answer))
    }

    /// The id of a message with this text to this recipient since the order was placed.
    async fn find(&self, to: &str, text: &str, since_ms: u64) -> Result<Option<String>, Outcome> {
        let query = [("To", to), ("PageSize", LISTED)];
        let request = self.http.request(Method::GET, &self.url).query(&query);
        let answer = self.send(request).await.map_err(not_looked_up)?;
        let document = answer.json().unwrap_or_default();
        let messages = document.get("messages").and_then(Value::as_array);
        let Some(messages) = messages.filter(|_| answer.status == 200) else {
            return Err(not_looked_up(classify(&answer)));
        };
        let same = |message: &&Value| {
            text_at(message, "/to") == to
                && text_at(message, "/body").trim() == text
                && !matches!(
                    text_at(message, "/status").as_str(),
                    "failed" | "undelivered" | "canceled"
                )
                && created_ms(message).is_none_or(|at_ms| at_ms + 1_000 > since_ms)
        };
        Ok(messages
            .iter()
            .find(same)
            .map(|message| text_at(message, "/sid")))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Outcome> {
        let request = request.basic_auth(&self.account_sid, Some(self.auth_token.reveal()));
        self.http.send(request).await
    }
}

impl Provider for Twilio {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = self.notify(call).await.unwrap_or_else(|outcome| outcome);
            outcome.bounded()
        }
        .boxed()
    }
}

/// `date_created`, such as `Mon, 04 May 2026 08:12:30 +0000`, in milliseconds since the epoch.
fn created_ms(message: &Value) -> Option<u64> {
    let text = text_at(message, "/date_created");
    let at = jiff::fmt::rfc2822::parse(&text).ok()?;
    u64::try_from(at.timestamp().as_millisecond()).ok()
}

fn classify(answer: &Answer) -> Outcome {
    let document = answer.json().unwrap_or_default();
    let sid = text_at(&document, "/sid");
    if matches!(answer.status, 200 | 201) && !sid.is_empty() {
        let code = text_at(&document, "/error_code");
        if text_at(&document, "/status") == "failed" {
            let message = text_at(&document, "/error_message");
            return Outcome::refused(code, message).status(answer.status);
        }
        return Outcome::done(sid).status(answer.status);
    }
    let code = text_at(&document, "/code");
    let mut message = text_at(&document, "/message");
    if message.is_empty() {
        message = plain_text(answer);
    }
    ambiguous_on_5xx(by_status(answer, &code, &message))
}

/// The outcome where an earlier attempt may have happened and cannot be looked for.
fn not_looked_up(outcome: Outcome) -> Outcome {
    let mut unknown = outcome;
    if unknown.class == EffectClass::Retry {
        unknown.class = EffectClass::Unknown;
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Canned, CannedServer, answer, gist};
    use crate::adapters::notification::tests::call;
    use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};
    use crate::types::effect::Milestone;

    const TEXT: &str = "our shop: order 0-1042 over 44.70 EUR is confirmed.";

    fn provider(base_url: &str) -> Twilio {
        let mut options = ProviderOptions {
            name: "twilio".into(),
            kind: "twilio".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        options
            .secrets
            .insert("auth_token".into(), Secret::new("token"));
        for (name, value) in [("account_sid", "AC1"), ("from", "+15550001111")] {
            options.settings.insert(name.into(), value.into());
        }
        Twilio::new(&options).unwrap()
    }

    fn confirmed() -> Call {
        call(EffectKind::Notify, Some(Milestone::Confirmed))
    }

    fn listed(body: &str, status: &str, date: &str) -> Canned {
        let message = format!(
            r#"{{"sid":"SM9","to":"+34600000000","body":"{body}","status":"{status}",
                "date_created":"{date}"}}"#
        );
        answer(200, &format!(r#"{{"messages":[{message}]}}"#))
    }

    #[tokio::test]
    async fn every_answer_is_classified() {
        let queued = r#"{"sid":"SM1","status":"queued","error_code":null}"#;
        let failed = r#"{"sid":"SM1","status":"failed","error_code":30003,"error_message":"x"}"#;
        let invalid = r#"{"code":21211,"message":"no number","status":400}"#;
        let busy = r#"{"code":20429,"message":"Too Many Requests","status":429}"#;
        for (canned, expected) in [
            (answer(201, queued), (Done, false, 0, "")),
            (answer(201, failed), (Refused, false, 0, "30003")),
            (answer(201, ""), (Unknown, true, 0, "unexpected_answer")),
            (
                answer(200, "<html>"),
                (Unknown, true, 0, "unexpected_answer"),
            ),
            (answer(400, invalid), (Refused, false, 0, "21211")),
            (answer(401, ""), (Refused, false, 0, "credentials")),
            (answer(429, busy), (Retry, true, 0, "20429")),
            (answer(500, ""), (Unknown, true, 0, "http_500")),
            (answer(503, "<html>"), (Unknown, true, 0, "http_503")),
            (Canned::Silence, (Unknown, true, 0, "timeout")),
            (Canned::Drop, (Unknown, true, 0, "connection_lost")),
        ] {
            let server = CannedServer::start(vec![canned.clone()]).await;
            let outcome = provider(&server.url).call(&confirmed()).await;
            assert_eq!(gist(&outcome), expected, "{canned:?}");
        }
    }

    #[tokio::test]
    async fn a_message_is_a_form() {
        let sent = answer(201, r#"{"sid":"SM1","status":"queued"}"#);
        let server = CannedServer::start(vec![sent]).await;
        let outcome = provider(&server.url).call(&confirmed()).await;
        assert_eq!(outcome.reference, "SM1");
        let asked = server.asked().remove(0);
        assert_eq!(asked.path, "/2010-04-01/Accounts/AC1/Messages.json");
        assert_eq!(
            asked.headers["content-type"],
            "application/x-www-form-urlencoded"
        );
        assert_eq!(asked.headers["authorization"], "Basic QUMxOnRva2Vu");
        let form: Vec<(String, String)> = url::form_urlencoded::parse(asked.body.as_bytes())
            .into_owned()
            .collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [
            pair("To", "+34600000000"),
            pair("From", "+15550001111"),
            pair("Body", TEXT),
        ];
        assert_eq!(form, expected);
    }

    #[tokio::test]
    async fn a_repeated_attempt_looks_for_its_message_first() {
        let mut again = confirmed();
        again.attempt = 2;
        let sent = || answer(201, r#"{"sid":"SM1","status":"queued"}"#);
        let now = "Mon, 04 May 2026 08:12:30 +0000";
        for (answers, reference, expected) in [
            (
                vec![listed(TEXT, "queued", now)],
                "SM9",
                (Done, false, 0, ""),
            ),
            (
                vec![listed("other", "sent", now), sent()],
                "SM1",
                (Done, false, 0, ""),
            ),
            (
                vec![listed(TEXT, "undelivered", now), sent()],
                "SM1",
                (Done, false, 0, ""),
            ),
            (
                vec![
                    listed(TEXT, "sent", "Sun, 03 May 2026 08:12:30 +0000"),
                    sent(),
                ],
                "SM1",
                (Done, false, 0, ""),
            ),
            (
                vec![answer(429, "")],
                "",
                (Unknown, true, 0, "rate_limited"),
            ),
            (
                vec![answer(200, "")],
                "",
                (Unknown, true, 0, "unexpected_answer"),
            ),
            (
                vec![Canned::Drop],
                "",
                (Unknown, true, 0, "connection_lost"),
            ),
        ] {
            let server = CannedServer::start(answers.clone()).await;
            let outcome = provider(&server.url).call(&again).await;
            assert_eq!(gist(&outcome), expected, "{answers:?}");
            assert_eq!(
                (&*outcome.reference, server.asked().len()),
                (reference, answers.len())
            );
        }
    }
}
