//! Salesforce: the customer's contact, the order, and a platform event after a purchase.
//!
//! Records are upserted by external ids, so a repeat changes nothing. Success is 200, 201, or 204
//! without a body; 300 means that several records have the id, which no repeat mends. Errors are
//! an array. An access token that has run out is renewed once an attempt.

use super::profile::{Profile, Profiles, Seed};
use super::{POST_PURCHASE, names, status};
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text, text_at};
use crate::types::effect::EffectKind;
use crate::types::money;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// See [`Salesforce`].
pub const KIND: Kind = Kind {
    name: "salesforce",
    effects: &[EffectKind::CrmUpdate, EffectKind::CrmCorrect],
    timeout_ms: 10_000,
    secrets: &[
        "access_token",
        "client_id",
        "client_secret",
        "refresh_token",
    ],
    settings: &[
        "api_version",
        "order_object",
        "order_key",
        "contact_object",
        "contact_key",
        "event_object",
        "tenant",
        "loyal_orders",
        "vip_orders",
        "vip_amount",
    ],
    build: |options| Ok(Arc::new(Salesforce::new(options)?)),
};

/// The wait where the organisation's requests of 24 hours are used up.
const QUOTA_WAIT_MS: u64 = 3_600_000;

/// The wait for a record that another transaction has locked.
const LOCK_WAIT_MS: u64 = 1_000;

/// Writes contacts, orders and events.
#[derive(Debug)]
pub struct Salesforce {
    http: Http,
    base_url: String,
    version: String,
    order: (String, String),
    contact: (String, String),
    event_object: String,
    token: Mutex<Secret>,
    login: Option<Login>,
    profiles: Profiles,
}

#[derive(Debug)]
struct Login {
    client_id: Secret,
    client_secret: Secret,
    /// Empty: the client logs in for itself.
    refresh_token: Option<Secret>,
}

impl Salesforce {
    /// `base_url` is the organisation's address. Secrets `access_token`, or `client_id` and
    /// `client_secret` (with `refresh_token`, or for itself), or both; settings `api_version`
    /// (default `v61.0`), `order_object` (`Order__c`), `order_key` (`Onhand_Key__c`),
    /// `contact_object` (`Contact`), `contact_key` (`Onhand_Customer__c`), `event_object` (empty: no
    /// platform event), and those of the profile.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        if options.base_url.is_empty() {
            let problem = "is missing: such as https://acme.my.salesforce.com";
            return Err(options.invalid("base_url", problem));
        }
        let token = options
            .secrets
            .get("access_token")
            .cloned()
            .unwrap_or_default();
        let login = if options.secrets.contains_key("client_id") || token.reveal().is_empty() {
            Some(Login {
                client_id: options.secret("client_id")?,
                client_secret: options.secret("client_secret")?,
                refresh_token: options.secrets.get("refresh_token").cloned(),
            })
        } else {
            None
        };
        let setting = |name: &str, default: &str| options.setting_or(name, default).to_owned();
        Ok(Self {
            http: Http::of(options)?,
            base_url: options.base_url_or(""),
            version: setting("api_version", "v61.0"),
            order: (
                setting("order_object", "Order__c"),
                setting("order_key", "Onhand_Key__c"),
            ),
            contact: (
                setting("contact_object", "Contact"),
                setting("contact_key", "Onhand_Customer__c"),
            ),
            event_object: setting("event_object", ""),
            token: Mutex::new(token),
            login,
            profiles: Profiles::from_options(options)?,
        })
    }

    async fn write(&self, call: &Call) -> Result<Outcome, Outcome> {
        let facts = &call.facts;
        let customer = self.customer_key(call);
        if !customer.is_empty() && !self.profiles.knows(facts) {
            let seed = self.kept(call, &customer).await?;
            self.profiles.seed(facts, &seed);
        }
        let undone = call.kind == EffectKind::CrmCorrect;
        let profile = if undone {
            self.profiles.remove(facts)
        } else {
            self.profiles.add(facts)
        };
        let mut order = json!({
            "Number__c": facts.number,
            "Status__c": status(call),
            "Total__c": money::json_number(facts.total, facts.currency),
            "Currency__c": money::alpha(facts.currency),
        });
        if !customer.is_empty() {
            let body = contact_fields(call, profile);
            self.upsert(call, &self.contact, &customer, &body).await?;
            if let Some(order) = order.as_object_mut() {
                let by_key = json!({self.contact.1.clone(): customer});
                order.insert("Contact__r".to_owned(), by_key);
            }
        }
        let id = self
            .upsert(call, &self.order, &call.order_id(), &order)
            .await?;
        if !undone && !self.event_object.is_empty() {
            self.event(call, profile).await?;
        }
        let Profile {
            orders,
            lifetime_value,
            segment,
        } = profile;
        let message = format!("orders={orders} lifetime_value={lifetime_value} segment={segment}");
        Ok(Outcome::done(id).says("", message).status(200))
    }

    /// The customer's external id: the merchant's number, or the e-mail address, with a mark where
    /// the order is of another tenant than those of the plain ids; empty for nobody.
    fn customer_key(&self, call: &Call) -> String {
        let mut key = match call.facts.customer {
            0 => call.facts.details.email.trim().to_ascii_lowercase(),
            number => number.to_string(),
        };
        if !key.is_empty() {
            key.push_str(&self.profiles.mark(&call.facts.tenant));
        }
        key
    }

    /// What the contact says about earlier orders; nothing where there is no contact.
    async fn kept(&self, call: &Call, customer: &str) -> Result<Seed, Outcome> {
        let url = self.record_url(&self.contact, customer)?;
        let answer = self.send(|| self.http.request(Method::GET, &url)).await?;
        let record = match (answer.status, answer.json()) {
            (404, _) => return Ok(Seed::default()),
            (200, Some(record)) => record,
            _ => return Err(classify(&answer, call.attempt)),
        };
        let worth = record.get("Onhand_Lifetime_Value__c");
        let worth = worth.and_then(|worth| money::from_json(worth, call.facts.currency));
        let orders = record.get("Onhand_Order_Count__c").and_then(Value::as_f64);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded
        let orders = orders.map_or(0, |count| count.clamp(0.0, 1e12) as u64);
        Ok(Seed {
            orders,
            lifetime_value: worth.unwrap_or(0),
            last_order: text_at(&record, "/Onhand_Last_Order__c"),
        })
    }

    /// Upserts a record by its external id and gives its own, or the external one where the answer
    /// has none.
    async fn upsert(
        &self,
        call: &Call,
        object: &(String, String),
        value: &str,
        body: &Value,
    ) -> Result<String, Outcome> {
        let url = self.record_url(object, value)?;
        let answer = self
            .send(|| self.http.request(Method::PATCH, &url).json(body))
            .await?;
        if answer.status == 204 {
            return Ok(value.to_owned());
        }
        let document = answer.json().unwrap_or_default();
        let id = text_at(&document, "/id");
        let success = document.get("success").and_then(Value::as_bool);
        if matches!(answer.status, 200 | 201) && success == Some(true) && !id.is_empty() {
            return Ok(id);
        }
        Err(classify(&answer, call.attempt))
    }

    async fn event(&self, call: &Call, profile: Profile) -> Result<(), Outcome> {
        let body = json!({
            "Event__c": POST_PURCHASE,
            "Key__c": call.key,
            "Order_Key__c": call.order_id(),
            "Number__c": call.facts.number,
            "Segment__c": profile.segment,
        });
        let object = &self.event_object;
        let url = format!("{}/sobjects/{object}", self.data_url());
        let answer = self
            .send(|| self.http.request(Method::POST, &url).json(&body))
            .await?;
        match answer.status {
            200 | 201 => Ok(()),
            _ => Err(classify(&answer, call.attempt)),
        }
    }

    fn data_url(&self) -> String {
        format!("{}/services/data/{}", self.base_url, self.version)
    }

    fn record_url(&self, (object, key): &(String, String), value: &str) -> Result<String, Outcome> {
        let url = url::Url::parse(&format!("{}/sobjects", self.data_url()));
        let mut url = url.map_err(|error| Outcome::refused("base_url", error.to_string()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend([object.as_str(), key.as_str(), value]);
        }
        Ok(url.into())
    }

    /// Sends a request with the access token; once again with a new one where it has run out.
    async fn send(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder + Send,
    ) -> Result<Answer, Outcome> {
        let mut token = self.token.lock().clone();
        if token.reveal().is_empty() {
            token = self.log_in(&token).await?;
        }
        let answer = self
            .http
            .send(request().bearer_auth(token.reveal()))
            .await?;
        if answer.status != 401 || self.login.is_none() {
            return Ok(answer);
        }
        let token = self.log_in(&token).await?;
        self.http.send(request().bearer_auth(token.reveal())).await
    }

    /// A new access token in place of `old`; the one there where another attempt was faster.
    async fn log_in(&self, old: &Secret) -> Result<Secret, Outcome> {
        let now = self.token.lock().clone();
        if now != *old {
            return Ok(now);
        }
        let Some(login) = &self.login else {
            return Err(Outcome::refused("credentials", "there is no access token"));
        };
        let mut form = vec![
            ("client_id", login.client_id.reveal()),
            ("client_secret", login.client_secret.reveal()),
        ];
        match &login.refresh_token {
            Some(refresh) => {
                form.push(("grant_type", "refresh_token"));
                form.push(("refresh_token", refresh.reveal()));
            }
            None => form.push(("grant_type", "client_credentials")),
        }
        let url = format!("{}/services/oauth2/token", self.base_url);
        let sent = self
            .http
            .send(self.http.request(Method::POST, &url).form(&form))
            .await;
        let answer = sent.map_err(|mut outcome| {
            // Asking for a token changes nothing at the CRM.
            outcome.class = crate::types::effect::EffectClass::Retry;
            outcome
        })?;
        let document = answer.json().unwrap_or_default();
        let token = Secret::new(text_at(&document, "/access_token"));
        if answer.status == 200 && !token.reveal().is_empty() {
            *self.token.lock() = token.clone();
            return Ok(token);
        }
        let code = text_at(&document, "/error");
        Err(by_status(&answer, &code, "no access token could be had"))
    }
}

impl Provider for Salesforce {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = self.write(call).await.unwrap_or_else(|outcome| outcome);
            outcome.bounded()
        }
        .boxed()
    }
}

fn contact_fields(call: &Call, profile: Profile) -> Value {
    let facts = &call.facts;
    let (first, last) = names(&facts.details.contact_name);
    let event = match call.kind {
        EffectKind::CrmCorrect => "order.corrected",
        _ => POST_PURCHASE,
    };
    let mut fields = json!({
        "LastName": if last.is_empty() { format!("Customer {}", facts.customer) } else { last.into() },
        "Onhand_Order_Count__c": profile.orders,
        "Onhand_Lifetime_Value__c": money::json_number(profile.lifetime_value, facts.currency),
        "Onhand_Segment__c": profile.segment,
        "Onhand_Last_Order__c": facts.order.to_string(),
        "Onhand_Last_Event__c": event,
    });
    if let Some(fields) = fields.as_object_mut() {
        for (name, value) in [
            ("FirstName", first),
            ("Email", facts.details.email.as_str()),
            ("Phone", facts.details.phone.as_str()),
        ] {
            if !value.is_empty() {
                fields.insert(name.to_owned(), value.into());
            }
        }
    }
    fields
}

fn classify(answer: &Answer, attempt: u8) -> Outcome {
    let document = answer.json().unwrap_or_default();
    let first = |name: &str| {
        let listed = text_at(&document, &format!("/0/{name}"));
        if listed.is_empty() {
            text_at(&document, &format!("/errors/0/{name}"))
        } else {
            listed
        }
    };
    let mut code = first("errorCode");
    if code.is_empty() {
        code = first("statusCode");
    }
    let mut message = first("message");
    if message.is_empty() {
        message = plain_text(answer);
    }
    let status = answer.status;
    match (status, code.as_str()) {
        (300, _) => {
            let message = "several records have this external id";
            Outcome::refused("several_records", message).status(300)
        }
        (_, "REQUEST_LIMIT_EXCEEDED") => Outcome::retry(code, message)
            .status(status)
            .after(QUOTA_WAIT_MS),
        (_, "UNABLE_TO_LOCK_ROW") => Outcome::retry(code, message)
            .status(status)
            .after(LOCK_WAIT_MS)
            .uncounted(),
        // Two upserts that raced to insert: the next one finds the record.
        (_, "DUPLICATE_VALUE") if attempt == 1 => {
            Outcome::retry(code, message).status(status).uncounted()
        }
        (200 | 201, code) if !code.is_empty() => Outcome::refused(code, message).status(status),
        (_, code) => by_status(answer, code, &message),
    }
}

#[cfg(test)]
mod tests;
