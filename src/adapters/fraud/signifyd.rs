//! Signifyd: a checkout event before the payment, decided in its answer.
//!
//! Their score is goodness, 0 to 1000: the risk is 100 less a tenth of it. A decision counts more
//! than the score: REJECT is risk 100, CHALLENGE and CREDIT are at least the setting
//! `challenge_score`, HOLD and unknown decisions wait for their callback. The same order id updates
//! the order, so a resend does no harm.

use crate::adapters::address::PostalAddress;
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::payment::currency;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text, text_at};
use crate::types::effect::{EffectClass, EffectKind};
use crate::types::money;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;

/// See [`Signifyd`].
pub const KIND: Kind = Kind {
    name: "signifyd",
    effects: &[
        EffectKind::FraudScore,
        EffectKind::CrmUpdate,
        EffectKind::CrmCorrect,
    ],
    timeout_ms: 400,
    secrets: &["api_key"],
    settings: &["challenge_score", "coverage"],
    build: |options| Ok(Arc::new(Signifyd::new(options)?)),
};

/// Signifyd's own address.
const BASE_URL: &str = "https://api.signifyd.com";

/// Best score that they give.
const GOODNESS_MAX: u64 = 1_000;

/// A Signifyd team.
#[derive(Debug)]
pub struct Signifyd {
    http: Http,
    url: String,
    key: Secret,
    challenge_score: u8,
    coverage: String,
}

impl Signifyd {
    /// Secret `api_key`. Settings: `challenge_score` (0 to 100, default 75), the least score of an
    /// order that they would challenge; `coverage` (default `FRAUD`), what they are asked to cover.
    ///
    /// # Errors
    /// The key is missing, or the score is no score.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let text = options.setting_or("challenge_score", "75");
        let Ok(challenge_score @ 0..=100) = text.parse() else {
            let problem = format!("is `{text}`, not 0 to 100");
            return Err(options.invalid("setting `challenge_score`", problem));
        };
        let base = options.base_url_or(BASE_URL);
        Ok(Self {
            http: Http::of(options)?,
            url: format!("{base}/v3/orders/events"),
            key: options.secret("api_key")?,
            challenge_score,
            coverage: options.setting_or("coverage", "FRAUD").to_owned(),
        })
    }

    async fn score(&self, call: &Call) -> Result<Outcome, Outcome> {
        let body = self.checkout(call)?;
        let request = self
            .http
            .request(reqwest::Method::POST, &format!("{}/checkouts", self.url))
            .basic_auth(self.key.reveal(), Some(""))
            .json(&body);
        let answer = self.http.send(request).await?;
        Ok(self.classify(&answer))
    }

    /// Reports what became of the payment, which their guarantee asks for.
    async fn report(&self, call: &Call) -> Result<Outcome, Outcome> {
        let status = if call.kind == EffectKind::CrmCorrect {
            "CANCELLED"
        } else {
            "SUCCESS"
        };
        let body = json!({
            "checkoutId": checkout_id(call),
            "orderId": call.order_id(),
            "transactions": [{"transactionId": call.key, "gatewayStatusCode": status,
                "paymentMethod": "CREDIT_CARD",
                "amount": money::json_number(call.amount, call.facts.currency),
                "currency": currency(call.facts.currency)?}],
        });
        let request = self
            .http
            .request(reqwest::Method::POST, &format!("{}/transactions", self.url))
            .basic_auth(self.key.reveal(), Some(""))
            .json(&body);
        let answer = self.http.send(request).await?;
        let document = answer.json().unwrap_or_default();
        let id = text_at(&document, "/signifydId");
        if !(200..300).contains(&answer.status) {
            return Ok(refusal(&answer, &text_at(&document, "/messages/0")));
        }
        if id.is_empty() {
            return Err(
                Outcome::unknown("unexpected_answer", plain_text(&answer)).status(answer.status)
            );
        }
        Ok(Outcome::done(id).status(answer.status))
    }

    fn classify(&self, answer: &Answer) -> Outcome {
        let document = answer.json().unwrap_or_default();
        let text = |pointer: &str| text_at(&document, pointer);
        if !(200..300).contains(&answer.status) {
            return refusal(answer, &text("/messages/0"));
        }
        let (id, action) = (text("/signifydId"), text("/decision/checkpointAction"));
        if action.is_empty() {
            return Outcome::unknown("unexpected_answer", plain_text(answer)).status(answer.status);
        }
        let goodness = document.pointer("/decision/score").and_then(Value::as_u64);
        let risk = goodness
            .filter(|goodness| *goodness <= GOODNESS_MAX)
            .and_then(|goodness| u8::try_from(100 - goodness / 10).ok());
        let score = match action.as_str() {
            "ACCEPT" => risk,
            "REJECT" => Some(100),
            "CHALLENGE" | "CREDIT" => Some(risk.unwrap_or(0).max(self.challenge_score)),
            _ => {
                let reason = text("/decision/checkpointActionReason");
                let outcome = Outcome::pending(id).says(action, reason);
                return outcome.status(answer.status);
            }
        };
        let Some(score) = score else {
            return Outcome::unknown("no_score", "the answer has no score").status(answer.status);
        };
        let mut signals = format!("signifyd={action}");
        if let Some(goodness) = goodness {
            signals = format!("{signals} signifyd_score={goodness}");
        }
        let mut outcome = Outcome::done(id).says("", signals).status(answer.status);
        outcome.score = Some(score);
        outcome
    }

    fn checkout(&self, call: &Call) -> Result<Value, Outcome> {
        let facts = &call.facts;
        let details = &facts.details;
        let code = currency(facts.currency)?;
        let amount = |minor| money::json_number(minor, facts.currency);
        let products: Vec<Value> = facts
            .lines
            .iter()
            .map(|line| {
                json!({"itemName": line.sku, "itemId": line.sku, "itemQuantity": line.quantity,
                    "itemPrice": amount(line.unit_price), "itemIsDigital": false})
            })
            .collect();
        let accepted = i64::try_from(facts.accepted_at_ms / 1_000).unwrap_or(0);
        let created = jiff::Timestamp::from_second(accepted).unwrap_or_default();
        let mut shipments = Vec::new();
        if let Some(address) = PostalAddress::parse(&details.shipping_address, &details.country) {
            shipments.push(json!({"destination": {"fullName": details.contact_name,
                "address": {"streetAddress": address.street1, "unit": address.street2,
                    "city": address.city, "provinceCode": address.state,
                    "postalCode": address.postcode, "countryCode": address.country}}}));
        }
        let mut body = json!({
            "checkoutId": checkout_id(call),
            "orderId": call.order_id(),
            "coverageRequests": [self.coverage],
            "purchase": {"createdAt": created.to_string(), "orderChannel": "WEB",
                "totalPrice": amount(call.amount), "currency": code,
                "confirmationEmail": details.email, "confirmationPhone": details.phone,
                "products": products, "shipments": shipments},
            "device": {"clientIpAddress": details.ip, "sessionId": details.session},
            "userAccount": {"accountNumber": facts.customer.to_string(),
                "email": details.email},
        });
        prune(&mut body);
        Ok(body)
    }
}

/// Of the order and not of the call, so that the payment's result finds it.
fn checkout_id(call: &Call) -> String {
    format!("c-{}", call.order_id())
}

fn refusal(answer: &Answer, said: &str) -> Outcome {
    let said = match said {
        "" => plain_text(answer),
        said => said.to_owned(),
    };
    let mut outcome = by_status(answer, "", &said);
    // They ask not to repeat any other server error.
    if answer.status > 500 && !matches!(answer.status, 502..=504) {
        outcome.class = EffectClass::Refused;
    }
    outcome
}

/// Leaves out what is not known: empty texts, and objects and lists that are empty then.
fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(prune);
            members.retain(|_, member| !is_empty(member));
        }
        Value::Array(entries) => entries.iter_mut().for_each(prune),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        _ => false,
    }
}

impl Provider for Signifyd {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let attempt = match call.kind {
                EffectKind::FraudScore => self.score(call).await,
                _ => self.report(call).await,
            };
            attempt.unwrap_or_else(|outcome| outcome).bounded()
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
    use crate::adapters::fraud::tests::{call, facts};
    use crate::types::effect::EffectClass::{Done, Pending, Refused, Retry, Unknown};

    type Gist = (EffectClass, bool, u64, &'static str);

    fn options(base_url: &str) -> ProviderOptions {
        let mut options = ProviderOptions {
            name: "signifyd".into(),
            kind: "signifyd".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        options.secrets.insert("api_key".into(), Secret::new("k-1"));
        options
    }

    fn decided(status: u16, action: &str, score: &str) -> Canned {
        answer(
            status,
            &format!(
                r#"{{"signifydId":123,"checkoutId":"c-1","orderId":"o-1","decision":{{
                "checkpointAction":"{action}","checkpointActionReason":"Why","score":{score}}}}}"#
            ),
        )
    }

    #[tokio::test]
    #[allow(clippy::too_many_lines)] // one table
    async fn every_answer_is_classified() {
        let refused = r#"{"messages":["No."],"traceId":"t","errors":{}}"#;
        let cases: Vec<(Canned, Gist, Option<u8>)> = vec![
            (
                decided(201, "ACCEPT", "780"),
                (Done, false, 0, ""),
                Some(22),
            ),
            (
                decided(200, "ACCEPT", "1000"),
                (Done, false, 0, ""),
                Some(0),
            ),
            (decided(200, "ACCEPT", "0"), (Done, false, 0, ""), Some(100)),
            (
                decided(200, "ACCEPT", "149"),
                (Done, false, 0, ""),
                Some(86),
            ),
            (
                decided(200, "REJECT", "780"),
                (Done, false, 0, ""),
                Some(100),
            ),
            (
                decided(200, "REJECT", "null"),
                (Done, false, 0, ""),
                Some(100),
            ),
            (
                decided(200, "CHALLENGE", "780"),
                (Done, false, 0, ""),
                Some(75),
            ),
            (
                decided(200, "CREDIT", "100"),
                (Done, false, 0, ""),
                Some(90),
            ),
            (
                decided(200, "HOLD", "500"),
                (Pending, false, 0, "HOLD"),
                None,
            ),
            (
                decided(200, "OF_TOMORROW", "500"),
                (Pending, false, 0, "OF_TOMORROW"),
                None,
            ),
            (
                decided(200, "ACCEPT", "null"),
                (Unknown, true, 0, "no_score"),
                None,
            ),
            (
                decided(200, "ACCEPT", "1001"),
                (Unknown, true, 0, "no_score"),
                None,
            ),
            (
                answer(200, ""),
                (Unknown, true, 0, "unexpected_answer"),
                None,
            ),
            (
                answer(201, "{}"),
                (Unknown, true, 0, "unexpected_answer"),
                None,
            ),
            (
                answer(200, "<html>"),
                (Unknown, true, 0, "unexpected_answer"),
                None,
            ),
            (answer(400, refused), (Refused, false, 0, "http_400"), None),
            (
                answer(401, refused),
                (Refused, false, 0, "credentials"),
                None,
            ),
            (
                answer(403, refused),
                (Refused, false, 0, "credentials"),
                None,
            ),
            (answer(409, refused), (Refused, false, 0, "http_409"), None),
            (
                answer_with(429, &["retry-after: 1"], ""),
                (Retry, true, 1_000, "rate_limited"),
                None,
            ),
            (answer(500, refused), (Retry, true, 0, "http_500"), None),
            (answer(503, ""), (Retry, true, 0, "http_503"), None),
            (answer(504, ""), (Retry, true, 0, "http_504"), None),
            (answer(501, ""), (Refused, true, 0, "http_501"), None),
            (Canned::Silence, (Unknown, true, 0, "timeout"), None),
            (Canned::Drop, (Unknown, true, 0, "connection_lost"), None),
        ];
        for (canned, expected, score) in cases {
            let name = format!("{canned:?}");
            let server = CannedServer::start(vec![canned]).await;
            let signifyd = Signifyd::new(&options(&server.url)).unwrap();
            let outcome = signifyd.call(&call(facts())).await;
            assert_eq!((gist(&outcome), outcome.score), (expected, score), "{name}");
        }
    }

    #[tokio::test]
    async fn the_event_is_a_checkout_in_decimals() {
        let server = CannedServer::start(vec![decided(201, "ACCEPT", "780")]).await;
        let signifyd = Signifyd::new(&options(&server.url)).unwrap();
        let outcome = signifyd.call(&call(facts())).await;
        assert_eq!(outcome.message, "signifyd=ACCEPT signifyd_score=780");
        assert_eq!(outcome.reference, "123");
        let asked = &server.asked()[0];
        assert_eq!(asked.path, "/v3/orders/events/checkouts");
        assert_eq!(asked.headers["authorization"], "Basic ay0xOg==");
        assert!(
            asked.body.contains(r#""totalPrice":44.7"#),
            "{}",
            asked.body
        );
        let body = asked.json();
        assert_eq!(body["orderId"], "00000000000000000000000000000abc");
        assert_eq!(body["purchase"]["createdAt"], "2026-05-04T08:12:30Z");
        assert_eq!(body["purchase"]["products"][0]["itemQuantity"], 2);
        let address = &body["purchase"]["shipments"][0]["destination"]["address"];
        assert_eq!(address["postalCode"], "28013");
        assert_eq!(address.get("provinceCode"), None, "unknown, so left out");
    }

    #[tokio::test]
    async fn what_became_of_the_payment_is_reported_under_the_checkout_that_was_scored() {
        use crate::types::effect::EffectKind::{CrmCorrect, CrmUpdate};
        let shown = || answer(201, r#"{"signifydId":123}"#);
        let cases: Vec<(Canned, Gist)> = vec![
            (shown(), (Done, false, 0, "")),
            (answer(201, ""), (Unknown, true, 0, "unexpected_answer")),
            (answer(404, ""), (Refused, false, 0, "http_404")),
            (answer(429, ""), (Retry, true, 0, "rate_limited")),
            (answer(503, ""), (Retry, true, 0, "http_503")),
            (Canned::Silence, (Unknown, true, 0, "timeout")),
        ];
        for (canned, expected) in cases {
            let name = format!("{canned:?}");
            let server = CannedServer::start(vec![canned]).await;
            let signifyd = Signifyd::new(&options(&server.url)).unwrap();
            let mut call = call(facts());
            call.kind = CrmUpdate;
            assert_eq!(gist(&signifyd.call(&call).await), expected, "{name}");
        }
        for (kind, status) in [(CrmUpdate, "SUCCESS"), (CrmCorrect, "CANCELLED")] {
            let server = CannedServer::start(vec![decided(201, "ACCEPT", "780"), shown()]).await;
            let signifyd = Signifyd::new(&options(&server.url)).unwrap();
            let mut call = call(facts());
            signifyd.call(&call).await;
            call.kind = kind;
            assert_eq!(signifyd.call(&call).await.reference, "123");
            let asked = server.asked();
            assert_eq!(asked[1].path, "/v3/orders/events/transactions");
            let (scored, reported) = (asked[0].json(), asked[1].json());
            assert_eq!(scored["checkoutId"], reported["checkoutId"]);
            let transaction = &reported["transactions"][0];
            assert_eq!(transaction["gatewayStatusCode"], status);
            assert_eq!(transaction["amount"], 44.7);
        }
    }

    #[test]
    fn a_challenge_score_is_a_score() {
        let mut options = options("");
        options
            .settings
            .insert("challenge_score".into(), "101".into());
        let error = Signifyd::new(&options).unwrap_err().to_string();
        assert!(error.contains("101"), "{error}");
    }
}
