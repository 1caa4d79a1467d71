//! HubSpot: the customer's contact, the order, and the event after a purchase.
//!
//! Contact and order are upserted by a unique property (e-mail address; our key), so a repeat
//! changes nothing. HubSpot has one contact for an e-mail address, so the figures of each tenant
//! stand in properties of its own. A batch may be answered by 207 with its errors inside. Of the two rate limits
//! the one of ten seconds is waited for; the daily one ends at midnight.

use super::profile::{Profile, Profiles, Seed};
use super::{POST_PURCHASE, names, status};
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text, text_at};
use crate::clock;
use crate::types::effect::EffectKind;
use crate::types::money;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// See [`HubSpot`].
pub const KIND: Kind = Kind {
    name: "hubspot",
    effects: &[EffectKind::CrmUpdate, EffectKind::CrmCorrect],
    timeout_ms: 10_000,
    secrets: &["access_token"],
    settings: &[
        "order_key_property",
        "event_name",
        "associate",
        "tenant",
        "loyal_orders",
        "vip_orders",
        "vip_amount",
    ],
    build: |options| Ok(Arc::new(HubSpot::new(options)?)),
};

/// The provider's own address.
const BASE_URL: &str = "https://api.hubapi.com";

/// The wait for the limit of ten seconds.
const TEN_SECONDS_MS: u64 = 10_000;

const DAY_MS: u64 = 86_400_000;

/// Writes contacts, orders and events.
#[derive(Debug)]
pub struct HubSpot {
    http: Http,
    base_url: String,
    access_token: Secret,
    order_key: String,
    event_name: String,
    associate: bool,
    profiles: Profiles,
}

impl HubSpot {
    /// Secret `access_token`; settings `order_key_property` (default `onhand_order_key`),
    /// `event_name` (empty: no custom event), `associate` (`off`, the default, or `on`), and those
    /// of the profile.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let associate = match options.setting_or("associate", "off") {
            "off" => false,
            "on" => true,
            other => {
                let problem = format!("is `{other}`; it can be `on` or `off`");
                return Err(options.invalid("setting `associate`", problem));
            }
        };
        let order_key = options.setting_or("order_key_property", "onhand_order_key");
        Ok(Self {
            http: Http::of(options)?,
            base_url: options.base_url_or(BASE_URL),
            access_token: options.secret("access_token")?,
            order_key: order_key.to_owned(),
            event_name: options.setting_or("event_name", "").to_owned(),
            associate,
            profiles: Profiles::from_options(options)?,
        })
    }

    async fn write(&self, call: &Call) -> Result<Outcome, Outcome> {
        let email = call.facts.details.email.trim().to_ascii_lowercase();
        if !email.is_empty() && !self.profiles.knows(&call.facts) {
            let seed = self.kept(call, &email).await?;
            self.profiles.seed(&call.facts, &seed);
        }
        let undone = call.kind == EffectKind::CrmCorrect;
        let profile = if undone {
            self.profiles.remove(&call.facts)
        } else {
            self.profiles.add(&call.facts)
        };
        let mut contact = String::new();
        if !email.is_empty() {
            let suffix = self.profiles.suffix(&call.facts.tenant);
            let properties = contact_properties(call, &email, profile, &suffix);
            contact = self.upsert("contacts", "email", &email, properties).await?;
        }
        let key = call.order_id();
        let properties = self.order_properties(call, &contact);
        let order = self
            .upsert("orders", &self.order_key, &key, properties)
            .await?;
        if self.associate && !contact.is_empty() {
            self.associate(&order, &contact).await?;
        }
        if !undone && !email.is_empty() && !self.event_name.is_empty() {
            self.event(call, &email, profile).await?;
        }
        let Profile {
            orders,
            lifetime_value,
            segment,
        } = profile;
        let message = format!("orders={orders} lifetime_value={lifetime_value} segment={segment}");
        Ok(Outcome::done(order).says("", message).status(200))
    }

    /// What the contact says about earlier orders; nothing where there is no contact.
    async fn kept(&self, call: &Call, email: &str) -> Result<Seed, Outcome> {
        let suffix = self.profiles.suffix(&call.facts.tenant);
        let names = ["order_count", "lifetime_value", "last_order"];
        let [count, worth, last] = names.map(|name| format!("onhand_{name}{suffix}"));
        let names = [&*count, &*worth, &*last].join(",");
        let mut url = self.url("/crm/v3/objects/contacts/")?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(email);
        }
        let query = [("idProperty", "email"), ("properties", &*names)];
        let request = self.http.request(Method::GET, url.as_str()).query(&query);
        let answer = self.send(request).await?;
        let document = match (answer.status, answer.json()) {
            (404, _) => return Ok(Seed::default()),
            (200, Some(document)) => document,
            _ => return Err(classify(&answer, clock::now_ms())),
        };
        let text = |name: &str| text_at(&document, &format!("/properties/{name}"));
        let worth = text(&worth);
        Ok(Seed {
            orders: text(&count).parse().unwrap_or(0),
            lifetime_value: money::from_decimal(&worth, call.facts.currency).unwrap_or(0),
            last_order: text(&last),
        })
    }

    /// Upserts one object by a unique property and gives its id.
    async fn upsert(
        &self,
        objects: &str,
        property: &str,
        id: &str,
        properties: Value,
    ) -> Result<String, Outcome> {
        let url = format!("{}/crm/v3/objects/{objects}/batch/upsert", self.base_url);
        let input = json!({"idProperty": property, "id": id, "properties": properties});
        let body = json!({"inputs": [input]});
        let answer = self
            .send(self.http.request(Method::POST, &url).json(&body))
            .await?;
        let document = answer.json().unwrap_or_default();
        let id = text_at(&document, "/results/0/id");
        if matches!(answer.status, 200 | 201) && !id.is_empty() {
            return Ok(id);
        }
        Err(classify(&answer, clock::now_ms()))
    }

    fn order_properties(&self, call: &Call, contact: &str) -> Value {
        let facts = &call.facts;
        let mut properties = json!({
            "hs_order_name": facts.number,
            "hs_currency_code": money::alpha(facts.currency).unwrap_or_default(),
            "onhand_status": status(call),
            "onhand_total": money::decimal(facts.total, facts.currency),
        });
        if let Some(properties) = properties.as_object_mut() {
            properties.insert(self.order_key.clone(), call.order_id().into());
            if !contact.is_empty() {
                properties.insert("onhand_contact_id".to_owned(), contact.into());
            }
        }
        properties
    }

    async fn associate(&self, order: &str, contact: &str) -> Result<(), Outcome> {
        let path = format!("/crm/v4/objects/order/{order}/associations/default/contact/{contact}");
        let url = format!("{}{path}", self.base_url);
        let answer = self.send(self.http.request(Method::PUT, &url)).await?;
        match answer.status {
            200..=299 => Ok(()),
            _ => Err(classify(&answer, clock::now_ms())),
        }
    }

    async fn event(&self, call: &Call, email: &str, profile: Profile) -> Result<(), Outcome> {
        let body = json!({
            "eventName": self.event_name,
            "email": email,
            "uuid": uuid_of(call),
            "properties": {
                "onhand_event": POST_PURCHASE,
                "onhand_order_number": call.facts.number,
                "onhand_total": money::decimal(call.facts.total, call.facts.currency),
                "onhand_segment": profile.segment,
            },
        });
        let url = format!("{}/events/v3/send", self.base_url);
        let answer = self
            .send(self.http.request(Method::POST, &url).json(&body))
            .await?;
        match answer.status {
            200 | 202 | 204 => Ok(()),
            _ => Err(classify(&answer, clock::now_ms())),
        }
    }

    fn url(&self, path: &str) -> Result<url::Url, Outcome> {
        url::Url::parse(&format!("{}{path}", self.base_url))
            .map_err(|error| Outcome::refused("base_url", error.to_string()))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Outcome> {
        self.http
            .send(request.bearer_auth(self.access_token.reveal()))
            .await
    }
}

impl Provider for HubSpot {
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

/// `suffix` ends the names of what is the tenant's own.
fn contact_properties(call: &Call, email: &str, profile: Profile, suffix: &str) -> Value {
    let facts = &call.facts;
    let (first, last) = names(&facts.details.contact_name);
    let event = match call.kind {
        EffectKind::CrmCorrect => "order.corrected",
        _ => POST_PURCHASE,
    };
    let mut properties = json!({"email": email});
    if let Some(properties) = properties.as_object_mut() {
        let worth = money::decimal(profile.lifetime_value, facts.currency);
        for (name, value) in [
            ("order_count", json!(profile.orders.to_string())),
            ("lifetime_value", json!(worth)),
            ("segment", json!(profile.segment)),
            ("last_order", json!(facts.order.to_string())),
            ("last_event", json!(event)),
        ] {
            properties.insert(format!("onhand_{name}{suffix}"), value);
        }
        // An order without a name must not wipe the one that the CRM has.
        for (name, value) in [
            ("firstname", first),
            ("lastname", last),
            ("phone", facts.details.phone.as_str()),
        ] {
            if !value.is_empty() {
                properties.insert(name.to_owned(), value.into());
            }
        }
    }
    properties
}

/// An id of the event that all attempts share, in the form of a UUID.
fn uuid_of(call: &Call) -> String {
    let hash = blake3::hash(call.key.as_bytes()).to_hex();
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    let (head, time) = (format!("{}-{}", part(0, 8), part(8, 12)), part(12, 15));
    format!("{head}-8{time}-8{}-{}", part(15, 18), part(18, 30))
}

fn classify(answer: &Answer, now_ms: u64) -> Outcome {
    let document = answer.json().unwrap_or_default();
    let first = |name: &str| {
        let inside = text_at(&document, &format!("/errors/0/{name}"));
        if inside.is_empty() {
            text_at(&document, &format!("/{name}"))
        } else {
            inside
        }
    };
    let mut message = first("message");
    if message.is_empty() {
        message = plain_text(answer);
    }
    let code = first("category");
    match answer.status {
        // The only input of the batch failed.
        207 => Outcome::refused(code, message).status(207),
        // Two upserts of one object at once; the next one finds it.
        409 | 423 => Outcome::retry(code, message)
            .status(answer.status)
            .uncounted(),
        429 => {
            let wait_ms = match text_at(&document, "/policyName").as_str() {
                "DAILY" => DAY_MS - now_ms % DAY_MS,
                _ => TEN_SECONDS_MS,
            };
            let code = text_at(&document, "/policyName");
            let outcome = by_status(answer, &code, &message);
            let asked = outcome.retry_after_ms;
            outcome.after(if asked > 0 { asked } else { wait_ms })
        }
        _ => by_status(answer, &code, &message),
    }
}

#[cfg(test)]
mod tests;
