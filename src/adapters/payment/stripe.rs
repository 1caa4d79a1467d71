//! Stripe PaymentIntents: authorise with manual capture (or with automatic capture, for methods
//! that take the money at once), capture, cancel, refund, read back.
//!
//! Writes carry the effect's key as `Idempotency-Key`, and Stripe replays the first answer of a key
//! for a day, a server error included. So an attempt that meets an error which an earlier one may
//! have left reads the object back, and only writes again, under a key derived from the first, what
//! the object's own state guards against a second time. An authorisation is never sent under
//! another key.

mod classify;
#[cfg(test)]
mod tests;

use super::{currency, token};
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::clock;
use crate::types::effect::{EffectClass, EffectKind};
use classify::{Intent, failure, refund_of};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;

/// See [`Stripe`].
pub const KIND: Kind = Kind {
    name: "stripe",
    effects: &[
        EffectKind::PaymentAuthorise,
        EffectKind::PaymentQuery,
        EffectKind::PaymentCapture,
        EffectKind::PaymentVoid,
        EffectKind::PaymentRefund,
    ],
    timeout_ms: 3_000,
    secrets: &["secret_key"],
    settings: &["api_version", "return_url", "payment_method_types"],
    build: |options| Ok(Arc::new(Stripe::new(options)?)),
};

/// Stripe's own address.
const BASE_URL: &str = "https://api.stripe.com";

/// The API version that requests ask for.
const API_VERSION: &str = "2026-07-29.dahlia";

/// An idempotency key is kept for at least a day; older ones are not relied upon.
const KEY_TRUSTED_MS: u64 = 20 * 3_600_000;

/// How long a new object may be missing from the search, with room for clocks that differ.
const SEARCH_LAG_S: u64 = 300;

/// Objects on one page of a list, and pages read at most.
const PAGE: usize = 100;
const PAGES_MAX: usize = 20;

/// Currencies whose minor unit at Stripe is not the one of ISO 4217: ISK, MGA, UGX.
const OTHER_UNIT: [u16; 3] = [352, 969, 800];

/// The code of a write that the object's state does not allow.
const WRONG_STATE: &str = "payment_intent_unexpected_state";

type Attempt = Result<Outcome, Outcome>;

/// A Stripe account.
#[derive(Debug)]
pub struct Stripe {
    http: Http,
    base: String,
    key: Secret,
    version: String,
    return_url: String,
    method_types: Vec<String>,
}

impl Stripe {
    /// Secret `secret_key` (`sk_…` or a restricted key). Settings: `api_version`; `return_url`,
    /// where 3-D Secure redirects end; `payment_method_types`, separated by commas.
    ///
    /// # Errors
    /// The secret is missing.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let types = options.setting_or("payment_method_types", "");
        Ok(Self {
            http: Http::of(options)?,
            base: options.base_url_or(BASE_URL),
            key: options.secret("secret_key")?,
            version: options.setting_or("api_version", API_VERSION).to_owned(),
            return_url: options.setting_or("return_url", "").to_owned(),
            method_types: types
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect(),
        })
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, &format!("{}{path}", self.base))
            .bearer_auth(self.key.reveal())
            .header("Stripe-Version", &self.version)
    }

    async fn post(&self, path: &str, key: &str, form: &[(&str, &str)]) -> Result<Answer, Outcome> {
        let request = self.request(Method::POST, path);
        let request = request.header("Idempotency-Key", key).form(form);
        self.http.send(request).await
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Outcome> {
        let request = self.request(Method::GET, path).query(query);
        self.http.send(request).await
    }

    /// Authorises the amount. Repeated under the same key, which Stripe answers with what it did
    /// the first time.
    async fn authorise(&self, call: &Call) -> Attempt {
        let facts = &call.facts;
        let token = token(facts, KIND.name)?;
        let alpha = currency(facts.currency)?.to_ascii_lowercase();
        if OTHER_UNIT.contains(&facts.currency) {
            let message = format!("Stripe counts {alpha} in units of its own: not supported");
            return Err(Outcome::refused("currency", message));
        }
        let age_ms = clock::now_ms().saturating_sub(facts.accepted_at_ms);
        if call.may_have_happened() && age_ms > KEY_TRUSTED_MS {
            let found = self.find(call, &call.key).await.map_err(still_unknown)?;
            if let Some(intent) = found {
                return Ok(intent.authorised());
            }
        }
        let (amount, order) = (call.amount.to_string(), call.order_id());
        let capture_method = if call.is_one_step() {
            "automatic"
        } else {
            "manual"
        };
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", &alpha),
            ("capture_method", capture_method),
            ("confirm", "true"),
            ("payment_method", token),
            ("metadata[order_id]", &order),
            ("metadata[effect]", &call.key),
        ];
        if !self.return_url.is_empty() {
            form.push(("return_url", &self.return_url));
        }
        form.extend(
            self.method_types
                .iter()
                .map(|name| ("payment_method_types[]", name.as_str())),
        );
        let answer = self.post("/v1/payment_intents", &call.key, &form).await?;
        if is_success(&answer) {
            return Ok(Intent::of(&answer)?.authorised());
        }
        let outcome = failure(&answer, call.may_have_happened());
        if outcome.class != EffectClass::Unknown || !stuck(&answer, call) {
            return Ok(outcome);
        }
        // The error may be a replay of an earlier one, and stay: the object says what happened.
        match self.find(call, &call.key).await.map_err(still_unknown)? {
            Some(intent) => Ok(intent.authorised()),
            None => Ok(did_not_happen(outcome)),
        }
    }

    /// What became of an authorisation.
    async fn query(&self, call: &Call) -> Attempt {
        Ok(match self.target(call).await? {
            Some(intent) => intent.authorised(),
            None => Outcome::absent(),
        })
    }

    /// Captures an authorised amount.
    async fn capture(&self, call: &Call) -> Attempt {
        let Some(id) = self.target_id(call).await? else {
            return Err(no_payment());
        };
        let amount = call.amount.to_string();
        let path = format!("/v1/payment_intents/{id}/capture");
        let form = [("amount_to_capture", amount.as_str())];
        let mut answer = self.post(&path, &call.key, &form).await?;
        if stuck(&answer, call) || classify::code(&answer) == WRONG_STATE {
            match self.read(&id).await.map_err(still_unknown)? {
                // The error is an old one.
                Some(intent) if intent.status == "requires_capture" => {
                    answer = self.post(&path, &again(call), &form).await?;
                }
                Some(intent) => return Ok(intent.captured(call.amount)),
                None => return Err(no_payment()),
            }
        }
        if is_success(&answer) {
            return Ok(Intent::of(&answer)?.captured(call.amount));
        }
        Ok(failure(&answer, call.may_have_happened()))
    }

    /// Voids an authorisation if it exists; one that was captured already is refunded.
    async fn void(&self, call: &Call) -> Attempt {
        let Some(id) = self.target_id(call).await? else {
            return Ok(Outcome::absent());
        };
        let path = format!("/v1/payment_intents/{id}/cancel");
        let form = [("cancellation_reason", "abandoned")];
        let mut answer = self.post(&path, &call.key, &form).await?;
        if stuck(&answer, call) || classify::code(&answer) == WRONG_STATE {
            let Some(intent) = self.read(&id).await.map_err(still_unknown)? else {
                return Ok(Outcome::absent());
            };
            match intent.status.as_str() {
                "canceled" => return Ok(intent.cancelled()),
                "succeeded" => return self.give_back(call, &id, None).await,
                "processing" => {
                    let outcome = Outcome::retry("processing", "the payment is being processed");
                    return Ok(outcome.uncounted().status(answer.status));
                }
                // The error is an old one.
                _ => answer = self.post(&path, &again(call), &form).await?,
            }
        }
        match answer.status {
            404 => Ok(Outcome::absent().status(404)),
            _ if is_success(&answer) => Ok(Intent::of(&answer)?.cancelled()),
            _ => Ok(failure(&answer, call.may_have_happened())),
        }
    }

    /// Refunds a captured amount.
    async fn refund(&self, call: &Call) -> Attempt {
        let Some(id) = self.target_id(call).await? else {
            return Err(no_payment());
        };
        self.give_back(call, &id, Some(call.amount)).await
    }

    /// Refunds an amount, or for a void all that was captured.
    async fn give_back(&self, call: &Call, id: &str, amount: Option<u64>) -> Attempt {
        let order = call.order_id();
        let text = amount.map(|amount| amount.to_string());
        let mut form = vec![
            ("payment_intent", id),
            ("metadata[order_id]", order.as_str()),
            ("metadata[effect]", &call.key),
        ];
        if let Some(text) = &text {
            form.push(("amount", text));
        }
        let key = if amount.is_none() {
            format!("{}-refund", call.key)
        } else {
            call.key.clone()
        };
        let mut answer = self.post("/v1/refunds", &key, &form).await?;
        if stuck(&answer, call) || classify::code(&answer) == "charge_already_refunded" {
            let query = [("payment_intent", id), ("limit", "100")];
            let list = self.get("/v1/refunds", &query).await;
            let list = list.map_err(still_unknown)?;
            if !is_success(&list) {
                return Err(still_unknown(failure(&list, true)));
            }
            let ours = classify::listed(&list)?.into_iter().find(|refund| {
                refund.pointer("/metadata/effect").and_then(Value::as_str) == Some(&call.key)
            });
            if let Some(refund) = ours {
                return Ok(refund_of(&refund, list.status, amount.is_none()));
            }
            if stuck(&answer, call) {
                let key = format!("{key}-{}", call.attempt);
                answer = self.post("/v1/refunds", &key, &form).await?;
            }
        }
        if is_success(&answer) {
            let Some(refund) = answer.json() else {
                return Err(classify::malformed(&answer));
            };
            return Ok(refund_of(&refund, answer.status, amount.is_none()));
        }
        Ok(failure(&answer, call.may_have_happened()))
    }

    /// The PaymentIntent that a call is about, by its id or by the key of the effect that made it.
    async fn target(&self, call: &Call) -> Result<Option<Intent>, Outcome> {
        if call.reference.is_empty() {
            self.find(call, &call.target_key).await
        } else {
            self.read(&call.reference).await
        }
    }

    async fn target_id(&self, call: &Call) -> Result<Option<String>, Outcome> {
        if !call.reference.is_empty() {
            return Ok(Some(call.reference.clone()));
        }
        let found = self.find(call, &call.target_key).await?;
        Ok(found.map(|intent| intent.id))
    }

    async fn read(&self, id: &str) -> Result<Option<Intent>, Outcome> {
        let answer = self.get(&format!("/v1/payment_intents/{id}"), &[]).await?;
        match answer.status {
            404 => Ok(None),
            _ if is_success(&answer) => Intent::of(&answer).map(Some),
            _ => Err(failure(&answer, false)),
        }
    }

    /// The PaymentIntent that an effect made, by its metadata. The search knows everything but the
    /// last minutes, the list everything; so nothing is said to be absent before both were asked.
    async fn find(&self, call: &Call, effect: &str) -> Result<Option<Intent>, Outcome> {
        let query = format!("metadata['order_id']:'{}'", call.order_id());
        let query = [("query", query.as_str()), ("limit", "100")];
        let answer = self.get("/v1/payment_intents/search", &query).await?;
        // Not every account may search; then the list has to reach back to the order's start.
        let searched = is_success(&answer);
        if !searched && !matches!(answer.status, 400 | 404) {
            return Err(failure(&answer, false));
        }
        if searched && let Some(intent) = Intent::made_by(&answer, effect)? {
            return Ok(Some(intent));
        }
        let lag_ms = SEARCH_LAG_S * 1_000;
        let mut since_ms = call.facts.accepted_at_ms.saturating_sub(lag_ms);
        if searched {
            since_ms = since_ms.max(clock::now_ms().saturating_sub(lag_ms));
        }
        let since = (since_ms / 1_000).to_string();
        let page = PAGE.to_string();
        let mut after = String::new();
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", page.as_str()), ("created[gte]", &since)];
            if !after.is_empty() {
                query.push(("starting_after", &after));
            }
            let answer = self.get("/v1/payment_intents", &query).await?;
            if !is_success(&answer) {
                return Err(failure(&answer, false));
            }
            if let Some(intent) = Intent::made_by(&answer, effect)? {
                return Ok(Some(intent));
            }
            match classify::last_id_where_more(&answer) {
                Some(id) => after = id,
                None => return Ok(None),
            }
        }
        Err(Outcome::unknown(
            "lookup_incomplete",
            "too many new payments to look through",
        ))
    }
}

impl Provider for Stripe {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let attempt = match call.kind {
                EffectKind::PaymentAuthorise => self.authorise(call).await,
                EffectKind::PaymentQuery => self.query(call).await,
                EffectKind::PaymentCapture => self.capture(call).await,
                EffectKind::PaymentVoid => self.void(call).await,
                EffectKind::PaymentRefund => self.refund(call).await,
                other => Err(Outcome::refused("kind", format!("{other:?} is not served"))),
            };
            attempt.unwrap_or_else(|outcome| outcome).bounded()
        }
        .boxed()
    }
}

fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

/// A server error that the key may keep: a replay, or one that follows an earlier attempt.
fn stuck(answer: &Answer, call: &Call) -> bool {
    let replayed = answer.header("idempotent-replayed") == Some("true");
    answer.status >= 500 && (replayed || call.may_have_happened())
}

/// A key for writing again what the object's state shows undone.
fn again(call: &Call) -> String {
    format!("{}-{}", call.key, call.attempt)
}

/// Looking did not help: what was to be found out is as unknown as before.
fn still_unknown(mut outcome: Outcome) -> Outcome {
    outcome.class = EffectClass::Unknown;
    outcome
}

/// An error behind which nothing was found.
fn did_not_happen(mut outcome: Outcome) -> Outcome {
    outcome.class = EffectClass::Retry;
    outcome
}

fn no_payment() -> Outcome {
    Outcome::refused("no_payment", "there is no payment at Stripe to act on")
}
