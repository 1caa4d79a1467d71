//! Sift: a `$create_order` event, scored in its answer.
//!
//! The key is in the body. An answer is a success only with HTTP 2xx and the body's `status` 0.
//! The same `$order_id` is scored anew, so a resend does no harm.

use crate::adapters::address::PostalAddress;
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::payment::currency;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text, text_at};
use crate::types::effect::EffectKind;
use crate::types::money;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// See [`Sift`].
pub const KIND: Kind = Kind {
    name: "sift",
    effects: &[EffectKind::FraudScore],
    timeout_ms: 400,
    secrets: &["api_key"],
    settings: &[
        "abuse_type",
        "workflows",
        "block_decisions",
        "accept_decisions",
    ],
    build: |options| Ok(Arc::new(Sift::new(options)?)),
};

/// Sift's own address.
const BASE_URL: &str = "https://api.sift.com";

/// Errors of theirs that may pass: service unavailable, timeout, unexpected error, rate limit.
const TRANSIENT: [&str; 5] = ["-4", "-3", "-2", "-1", "60"];

/// A Sift account.
#[derive(Debug)]
pub struct Sift {
    http: Http,
    url: String,
    key: Secret,
    abuse_type: String,
    workflows: bool,
    block: Vec<String>,
    accept: Vec<String>,
}

impl Sift {
    /// Secret `api_key`. Settings: `abuse_type` (default `payment_abuse`); `workflows` = `true`
    /// asks for the decisions of workflows, of which `block_decisions` (separated by commas) make
    /// the score 100 and `accept_decisions` make it 0.
    ///
    /// # Errors
    /// The key is missing.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let workflows = match options.setting_or("workflows", "false") {
            "true" => true,
            "false" => false,
            other => {
                let problem = format!("is `{other}`, not true or false");
                return Err(options.invalid("setting `workflows`", problem));
            }
        };
        let names = |setting: &str| -> Vec<String> {
            let names = options.setting_or(setting, "").split(',');
            names
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect()
        };
        let abuse_type = options.setting_or("abuse_type", "payment_abuse").to_owned();
        let mut url = format!(
            "{}/v205/events?return_score=true&abuse_types={abuse_type}",
            options.base_url_or(BASE_URL)
        );
        if workflows {
            url.push_str("&return_workflow_status=true");
        }
        Ok(Self {
            http: Http::of(options)?,
            url,
            key: options.secret("api_key")?,
            abuse_type,
            workflows,
            block: names("block_decisions"),
            accept: names("accept_decisions"),
        })
    }

    async fn score(&self, call: &Call) -> Result<Outcome, Outcome> {
        let mut event = event(call)?;
        event.insert("$api_key".into(), json!(self.key.reveal()));
        let request = self
            .http
            .request(reqwest::Method::POST, &self.url)
            .json(&event);
        let answer = self.http.send(request).await?;
        Ok(self.classify(&answer))
    }

    fn classify(&self, answer: &Answer) -> Outcome {
        let document = answer.json().unwrap_or_default();
        let text = |pointer: &str| text_at(&document, pointer);
        let (code, said) = (text("/status"), text("/error_message"));
        let success = (200..300).contains(&answer.status);
        if code.is_empty() {
            return by_status(answer, "", &plain_text(answer));
        }
        let outcome = match code.as_str() {
            "0" if success => self.scored(&document),
            "0" => return by_status(answer, "", &said),
            code if TRANSIENT.contains(&code) => {
                Outcome::retry(code, said).after(answer.retry_after_ms())
            }
            code if success => Outcome::refused(code, said),
            code => return by_status(answer, code, &said),
        };
        outcome.status(answer.status)
    }

    fn scored(&self, document: &Value) -> Outcome {
        let own = format!("/score_response/scores/{}/score", self.abuse_type);
        let score = [own.as_str(), "/score_response/score"]
            .into_iter()
            .map(|pointer| text_at(document, pointer))
            .find(|score| !score.is_empty())
            .and_then(|score| percent(&score));
        let Some(mut score) = score else {
            return Outcome::unknown("no_score", "the answer has no score");
        };
        let mut signals = format!("sift_{}={score}", self.abuse_type);
        if self.workflows
            && let Some(decision) = decision(document)
        {
            signals.push_str(" decision=");
            signals.push_str(&decision);
            if self.block.contains(&decision) {
                score = 100;
            } else if self.accept.contains(&decision) {
                score = 0;
            }
        }
        let mut outcome = Outcome::done("").says("", signals);
        outcome.score = Some(score);
        outcome
    }
}

impl Provider for Sift {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let attempt = self.score(call).await;
            attempt.unwrap_or_else(|outcome| outcome).bounded()
        }
        .boxed()
    }
}

/// A share such as `0.42` in percent, the half rounded up; none for anything but 0 to 1.
fn percent(text: &str) -> Option<u8> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(&digits) {
        // Tiny scores are written with an exponent.
        return text.contains("e-").then_some(0);
    }
    let thousandths =
        whole.parse::<u32>().ok()?.checked_mul(1_000)? + digits.parse::<u32>().ok()?;
    if thousandths > 1_000 {
        return None;
    }
    u8::try_from((thousandths + 5) / 10).ok()
}

/// The last decision of a workflow.
fn decision(document: &Value) -> Option<String> {
    let statuses = document.pointer("/score_response/workflow_statuses")?;
    let history = statuses
        .as_array()?
        .iter()
        .filter_map(|status| status.get("history")?.as_array())
        .flatten();
    history
        .filter(|entry| text_at(entry, "/app") == "decision")
        .map(|entry| text_at(entry, "/config/decision_id"))
        .rfind(|decision| !decision.is_empty())
}

fn address(lines: &[String], call: &Call) -> Option<Value> {
    let details = &call.facts.details;
    let address = PostalAddress::parse(lines, &details.country)?;
    let mut shown = Map::new();
    for (name, value) in [
        ("$name", &details.contact_name),
        ("$phone", &details.phone),
        ("$address_1", &address.street1),
        ("$address_2", &address.street2),
        ("$city", &address.city),
        ("$region", &address.state),
        ("$country", &address.country),
        ("$zipcode", &address.postcode),
    ] {
        if !value.is_empty() {
            shown.insert(name.into(), json!(value));
        }
    }
    Some(Value::Object(shown))
}

/// The event without the key.
fn event(call: &Call) -> Result<Map<String, Value>, Outcome> {
    let facts = &call.facts;
    let details = &facts.details;
    let code = currency(facts.currency)?;
    let micros = |minor| money::micros(minor, facts.currency);
    let items: Vec<Value> = facts
        .lines
        .iter()
        .map(|line| {
            json!({"$item_id": line.sku, "$sku": line.sku, "$quantity": line.quantity,
                "$price": micros(line.unit_price), "$currency_code": code})
        })
        .collect();
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| {
        if value != json!("") {
            event.insert(name.into(), value);
        }
    };
    put("$type", json!("$create_order"));
    put("$user_id", json!(user(call)));
    put("$session_id", json!(details.session));
    put("$order_id", json!(call.order_id()));
    put("$user_email", json!(details.email));
    put("$amount", json!(micros(call.amount)));
    put("$currency_code", json!(code));
    put("$ip", json!(details.ip));
    put("$items", json!(items));
    if let Some(address) = address(&details.billing_address, call) {
        put("$billing_address", address);
    }
    if let Some(address) = address(&details.shipping_address, call) {
        put("$shipping_address", address);
    }
    Ok(event)
}

/// The buyer; a guest is a user of its own order.
fn user(call: &Call) -> String {
    match call.facts.customer {
        0 => format!("guest-{}", call.order_id()),
        customer => customer.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
    use crate::adapters::fraud::tests::{call, facts};
    use crate::types::effect::EffectClass::{self, Done, Refused, Retry, Unknown};

    type Gist = (EffectClass, bool, u64, &'static str);

    fn options(base_url: &str) -> ProviderOptions {
        let mut options = ProviderOptions {
            name: "sift".into(),
            kind: "sift".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        options.secrets.insert("api_key".into(), Secret::new("k-1"));
        for (name, value) in [
            ("workflows", "true"),
            ("block_decisions", "block_order, block_all"),
            ("accept_decisions", "accept_order"),
        ] {
            options.settings.insert(name.into(), value.into());
        }
        options
    }

    fn scored(score: &str, decision: &str) -> Canned {
        let decisions = match decision {
            "" => String::new(),
            id => format!(
                r#","workflow_statuses":[{{"history":[{{"app":"decision","config":{{"decision_id":"{id}"}}}},
                {{"app":"review_queue"}}]}}]"#
            ),
        };
        answer(
            200,
            &format!(
                r#"{{"status":0,"error_message":"OK","request":"{{}}","score_response":{{"score":0.1,
                "scores":{{"payment_abuse":{{"score":{score}}}}}{decisions}}}}}"#
            ),
        )
    }

    #[tokio::test]
    #[allow(clippy::too_many_lines)] // one table
    async fn every_answer_is_classified() {
        let error = |status, code: i32| {
            answer(
                status,
                &format!(r#"{{"status":{code},"error_message":"No."}}"#),
            )
        };
        let cases: Vec<(Canned, Gist, Option<u8>)> = vec![
            (scored("0.42", ""), (Done, false, 0, ""), Some(42)),
            (scored("0.855", ""), (Done, false, 0, ""), Some(86)),
            (scored("0.8549", ""), (Done, false, 0, ""), Some(85)),
            (scored("1", ""), (Done, false, 0, ""), Some(100)),
            (scored("0.2", "block_all"), (Done, false, 0, ""), Some(100)),
            (scored("0.9", "accept_order"), (Done, false, 0, ""), Some(0)),
            (
                scored("0.9", "look_at_order"),
                (Done, false, 0, ""),
                Some(90),
            ),
            (scored("7", ""), (Unknown, true, 0, "no_score"), None),
            (
                answer(200, r#"{"status":0,"error_message":"OK"}"#),
                (Unknown, true, 0, "no_score"),
                None,
            ),
            (
                answer(200, ""),
                (Unknown, true, 0, "unexpected_answer"),
                None,
            ),
            (
                answer(200, "<html>"),
                (Unknown, true, 0, "unexpected_answer"),
                None,
            ),
            (error(200, 51), (Refused, false, 0, "51"), None),
            (error(200, -4), (Retry, true, 0, "-4"), None),
            (error(400, 51), (Refused, false, 0, "51"), None),
            (error(429, 60), (Retry, true, 0, "60"), None),
            (error(503, -4), (Retry, true, 0, "-4"), None),
            (error(500, 0), (Retry, true, 0, "http_500"), None),
            (
                answer_with(429, &["retry-after: 1"], ""),
                (Retry, true, 1_000, "rate_limited"),
                None,
            ),
            (answer(500, ""), (Retry, true, 0, "http_500"), None),
            (Canned::Silence, (Unknown, true, 0, "timeout"), None),
            (Canned::Drop, (Unknown, true, 0, "connection_lost"), None),
        ];
        for (canned, expected, score) in cases {
            let name = format!("{canned:?}");
            let server = CannedServer::start(vec![canned]).await;
            let sift = Sift::new(&options(&server.url)).unwrap();
            let outcome = sift.call(&call(facts())).await;
            assert_eq!((gist(&outcome), outcome.score), (expected, score), "{name}");
        }
    }

    #[tokio::test]
    async fn the_event_is_an_order_in_micros() {
        let server = CannedServer::start(vec![scored("0.1", "")]).await;
        let sift = Sift::new(&options(&server.url)).unwrap();
        assert!(!format!("{sift:?}").contains("k-1"));
        sift.call(&call(facts())).await;
        let asked = &server.asked()[0];
        assert_eq!(
            asked.path,
            "/v205/events?return_score=true&abuse_types=payment_abuse&return_workflow_status=true"
        );
        let event = asked.json();
        for (name, value) in [
            ("$type", json!("$create_order")),
            ("$api_key", json!("k-1")),
            ("$user_id", json!("7")),
            ("$order_id", json!("00000000000000000000000000000abc")),
            ("$amount", json!(44_700_000)),
            ("$currency_code", json!("EUR")),
            ("$user_email", json!("ana@example.com")),
            ("$ip", json!("203.0.113.7")),
        ] {
            assert_eq!(event[name], value, "{name}");
        }
        assert_eq!(event["$items"][0]["$price"], 19_900_000);
        assert_eq!(event["$billing_address"]["$zipcode"], "28013");
    }

    #[test]
    fn a_share_becomes_percent() {
        for (text, expected) in [
            ("0", Some(0)),
            ("0.0", Some(0)),
            ("0.004", Some(0)),
            ("0.005", Some(1)),
            ("0.4239999999", Some(42)),
            ("1.0", Some(100)),
            ("1e-7", Some(0)),
            ("1.001", None),
            ("", None),
            ("high", None),
            ("-0.1", None),
        ] {
            assert_eq!(percent(text), expected, "{text}");
        }
    }
}
