//! EasyPost: asks for rates, buys the label, and has a label refunded.
//!
//! Nothing makes a second `buy` safe, but a shipment can be read by the reference that we gave it:
//! an attempt that may have happened looks for the shipment of its key first, and buys only where no
//! label is there. Where rates cannot be had, the last known price of such a parcel is said in the
//! outcome ([`super::rates`]).

use super::rates::{self, Choice, Rate, RateCache, RateKey};
use super::{destination, or_null};
use crate::adapters::address::PostalAddress;
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
use lru::LruCache;
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// See [`EasyPost`].
pub const KIND: Kind = Kind {
    name: "easypost",
    effects: &[EffectKind::Label, EffectKind::LabelCancel],
    timeout_ms: 10_000,
    secrets: &["api_key"],
    settings: &["from", "from_locations", "ounces_per_unit", "rate"],
    build: |options| Ok(Arc::new(EasyPost::new(options)?)),
};

/// The provider's own address.
const BASE_URL: &str = "https://api.easypost.com";

/// Most effects whose shipment id is remembered; older ones are found by their reference.
const KNOWN_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// Buys and cancels labels.
#[derive(Debug)]
pub struct EasyPost {
    http: Http,
    base_url: String,
    api_key: Secret,
    from: Value,
    from_locations: BTreeMap<String, Value>,
    ounces_per_unit: f64,
    choice: Choice,
    rates: RateCache,
    known: Mutex<LruCache<String, String>>,
}

impl EasyPost {
    /// Secret `api_key`. Settings: `from`, the sender as `Name; Street; City; State; Postcode;
    /// Country` and perhaps `; Phone`; `from_locations`, senders of single locations as
    /// `east = … | west = …`; `ounces_per_unit` (default 8); `rate`: `cheapest` (default),
    /// `fastest`, a carrier, or `CARRIER/SERVICE`.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let sender = |name: &str, text: &str| {
            parse_sender(text).ok_or_else(|| {
                let shape = "Name; Street; City; State; Postcode; Country";
                let name = format!("setting `{name}`");
                options.invalid(name, format!("is `{}`, not `{shape}`", text.trim()))
            })
        };
        let mut from_locations = BTreeMap::new();
        for part in options.setting_or("from_locations", "").split('|') {
            if let Some((location, text)) = part.split_once('=') {
                let address = sender("from_locations", text)?;
                from_locations.insert(location.trim().to_owned(), address);
            }
        }
        let ounces = options.setting_or("ounces_per_unit", "8");
        let ounces_per_unit: f64 = ounces.parse().unwrap_or(0.0);
        if !(ounces_per_unit > 0.0 && ounces_per_unit < 1e5) {
            let problem = format!("is `{ounces}`, no number above 0");
            return Err(options.invalid("setting `ounces_per_unit`", problem));
        }
        Ok(Self {
            http: Http::of(options)?,
            base_url: base_url(options),
            api_key: options.secret("api_key")?,
            from: sender("from", options.setting("from")?)?,
            from_locations,
            ounces_per_unit,
            choice: Choice::parse(options.setting_or("rate", "cheapest")),
            rates: RateCache::default(),
            known: Mutex::new(LruCache::new(KNOWN_MAX)),
        })
    }

    async fn label(&self, call: &Call) -> Result<Outcome, Outcome> {
        let to = destination(call)?;
        let found = if call.may_have_happened() {
            self.find(call, &call.key).await?
        } else {
            None
        };
        if let Some(shipment) = &found
            && let Some(outcome) = bought(shipment)
        {
            return Ok(outcome);
        }
        let key = self.rate_key(call, &to);
        let shipment = match found {
            Some(shipment) => shipment,
            None => match self.create(call, &to).await {
                Ok(shipment) => shipment,
                Err(outcome) => return Err(self.with_kept_price(outcome, &key)),
            },
        };
        let rates = rates::parse(shipment.get("rates").unwrap_or(&Value::Null));
        if rates.is_empty() {
            let reason = text_at(&shipment, "/messages/0/message");
            let outcome = Outcome::retry("no_rates", format!("no carrier gave a rate. {reason}"));
            return Err(self.with_kept_price(outcome, &key));
        }
        self.rates.refresh(key, &rates);
        let Some(rate) = self.choice.of(&rates) else {
            let message = format!("none of {} rates fits the setting `rate`", rates.len());
            return Err(Outcome::refused("no_rate", message));
        };
        self.buy(&text_at(&shipment, "/id"), rate).await
    }

    /// The shipment that an earlier attempt made under a key, if there is one.
    async fn find(&self, call: &Call, key: &str) -> Result<Option<Value>, Outcome> {
        let id = self.id_of(call, key);
        let url = format!("{}/v2/shipments/{id}", self.base_url);
        let answer = self.send(self.http.request(Method::GET, &url)).await;
        let answer = answer.map_err(not_looked_up)?;
        match answer.status {
            404 => Ok(None),
            200 if !shipment_id(&answer).is_empty() => Ok(answer.json()),
            _ => Err(not_looked_up(classify_error(&answer))),
        }
    }

    /// What to ask for: the id of the label to cancel, the one remembered, or the reference. What a
    /// purchase finds in its call is an earlier label's, never its own.
    fn id_of(&self, call: &Call, key: &str) -> String {
        if call.kind == EffectKind::LabelCancel && call.reference.starts_with("shp_") {
            return call.reference.clone();
        }
        let known = self.known.lock().get(key).cloned();
        known.unwrap_or_else(|| key.to_owned())
    }

    async fn create(&self, call: &Call, to: &PostalAddress) -> Result<Value, Outcome> {
        let details = &call.facts.details;
        let body = json!({"shipment": {
            "reference": call.key,
            "from_address": self.sender(call),
            "to_address": {
                "name": details.contact_name,
                "street1": to.street1,
                "street2": or_null(&to.street2),
                "city": to.city,
                "state": or_null(&to.state),
                "zip": or_null(&to.postcode),
                "country": to.country,
                "phone": or_null(&details.phone),
                "email": or_null(&details.email),
            },
            "parcel": {"weight": self.ounces(call)},
        }});
        let url = format!("{}/v2/shipments", self.base_url);
        let answer = self
            .send(self.http.request(Method::POST, &url).json(&body))
            .await?;
        let id = shipment_id(&answer);
        match answer.json() {
            Some(shipment) if matches!(answer.status, 200 | 201) && !id.is_empty() => {
                self.known.lock().put(call.key.clone(), id);
                Ok(shipment)
            }
            _ => Err(classify_error(&answer)),
        }
    }

    async fn buy(&self, shipment: &str, rate: &Rate) -> Result<Outcome, Outcome> {
        let url = format!("{}/v2/shipments/{shipment}/buy", self.base_url);
        let body = json!({"rate": {"id": rate.id}});
        let answer = self
            .send(self.http.request(Method::POST, &url).json(&body))
            .await?;
        if matches!(answer.status, 200 | 201) {
            let bought = answer.json().and_then(|shipment| bought(&shipment));
            return Ok(bought.unwrap_or_else(|| classify_error(&answer)));
        }
        let refused = ambiguous_on_5xx(classify_error(&answer));
        if refused.code.contains("POSTAGE.EXISTS") {
            let url = format!("{}/v2/shipments/{shipment}", self.base_url);
            let answer = self.send(self.http.request(Method::GET, &url)).await;
            let read = answer.map_err(not_looked_up)?.json();
            return Ok(read
                .and_then(|shipment| bought(&shipment))
                .unwrap_or(refused));
        }
        Ok(refused)
    }

    async fn cancel(&self, call: &Call) -> Result<Outcome, Outcome> {
        let id = self.id_of(call, &call.target_key);
        if id.is_empty() {
            return Err(Outcome::refused(
                "no_target",
                "the cancellation names no label",
            ));
        }
        let refused = self.refund(&id).await?;
        if refused.status != 422 {
            return Ok(refused);
        }
        // It may have been asked for before, or there is no label at all.
        let Some(shipment) = self.find(call, &call.target_key).await? else {
            return Ok(Outcome::absent().status(404));
        };
        if bought(&shipment).is_none() {
            return Ok(Outcome::absent().status(422));
        }
        Ok(match text_at(&shipment, "/refund_status").as_str() {
            "submitted" | "refunded" => Outcome::done(text_at(&shipment, "/id")).status(200),
            // Refused where there was no label yet that is there now: a purchase of before a
            // restart may arrive in between.
            "" => self.refund(&id).await?,
            _ => refused,
        })
    }

    /// Asks for a refund.
    async fn refund(&self, id: &str) -> Result<Outcome, Outcome> {
        let url = format!("{}/v2/shipments/{id}/refund", self.base_url);
        let answer = self.send(self.http.request(Method::POST, &url)).await?;
        Ok(match answer.status {
            200 | 201 => refunded(&answer).unwrap_or_else(|| classify_error(&answer)),
            404 => Outcome::absent().status(404),
            _ => classify_error(&answer),
        })
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Outcome> {
        let request = request.basic_auth(self.api_key.reveal(), Some(""));
        self.http.send(request).await
    }

    fn sender(&self, call: &Call) -> &Value {
        let location = call.facts.lines.first().map(|line| line.location.as_str());
        let own = location.and_then(|location| self.from_locations.get(location));
        own.unwrap_or(&self.from)
    }

    fn ounces(&self, call: &Call) -> f64 {
        let units: u32 = call
            .facts
            .lines
            .iter()
            .fold(0, |sum, line| sum.saturating_add(line.quantity));
        self.ounces_per_unit * f64::from(units.max(1))
    }

    fn rate_key(&self, call: &Call, to: &PostalAddress) -> RateKey {
        let origin = text_at(self.sender(call), "/zip");
        RateKey::new(&origin, &to.country, &to.postcode, self.ounces(call))
    }

    /// An outcome without rates, with the last known price of such a parcel.
    fn with_kept_price(&self, mut outcome: Outcome, key: &RateKey) -> Outcome {
        if !matches!(outcome.class, EffectClass::Retry | EffectClass::Unknown) {
            return outcome;
        }
        if let Some(kept) = self.rates.fall_back(key)
            && let Some(rate) = self.choice.of(&kept)
        {
            let (price, carrier, service) = (rate.price(), &rate.carrier, &rate.service);
            let last = format!(" (last known rate {price}, {carrier} {service})");
            outcome.message.push_str(&last);
        }
        outcome
    }
}

impl Provider for EasyPost {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = if call.kind == EffectKind::LabelCancel {
                self.cancel(call).await
            } else {
                self.label(call).await
            };
            outcome.unwrap_or_else(|outcome| outcome).bounded()
        }
        .boxed()
    }
}

/// The address below which the version stands; EasyPost's own pages write it with the version.
fn base_url(options: &ProviderOptions) -> String {
    let url = options.base_url_or(BASE_URL);
    url.strip_suffix("/v2").unwrap_or(&url).to_owned()
}

/// `Name; Street; City; State; Postcode; Country[; Phone]`.
fn parse_sender(text: &str) -> Option<Value> {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    let [name, street, city, state, postcode, country, rest @ ..] = parts.as_slice() else {
        return None;
    };
    if name.is_empty() || street.is_empty() || country.len() != 2 || rest.len() > 1 {
        return None;
    }
    let phone = rest.first().copied().unwrap_or_default();
    Some(json!({
        "name": name, "street1": street, "city": city, "state": or_null(state),
        "zip": or_null(postcode), "country": country.to_ascii_uppercase(), "phone": or_null(phone),
    }))
}

fn shipment_id(answer: &Answer) -> String {
    text_at(&answer.json().unwrap_or_default(), "/id")
}

/// The label of a shipment, if it has one.
fn bought(shipment: &Value) -> Option<Outcome> {
    let tracking = text_at(shipment, "/tracking_code");
    let has_label = shipment.get("postage_label").is_some_and(Value::is_object);
    if tracking.is_empty() || !has_label {
        return None;
    }
    let carrier = text_at(shipment, "/selected_rate/carrier");
    let rate = text_at(shipment, "/selected_rate/rate");
    let currency = text_at(shipment, "/selected_rate/currency");
    let carrier = carrier.replace(' ', "_");
    let message = format!("tracking={tracking} carrier={carrier} rate={rate} currency={currency}");
    Some(
        Outcome::done(text_at(shipment, "/id"))
            .says("", message)
            .status(200),
    )
}

/// What a refund's answer says.
fn refunded(answer: &Answer) -> Option<Outcome> {
    let shipment = answer.json()?;
    let id = text_at(&shipment, "/id");
    let status = text_at(&shipment, "/refund_status");
    let outcome = match status.as_str() {
        "submitted" | "refunded" => Outcome::done(id),
        "rejected" | "not_applicable" => {
            Outcome::refused(format!("refund_{status}"), "the carrier gives no refund")
        }
        _ => return None,
    };
    Some(outcome.status(answer.status))
}

/// Any answer that is not the one wished for.
fn classify_error(answer: &Answer) -> Outcome {
    let document = answer.json().unwrap_or_default();
    let code = text_at(&document, "/error/code");
    let mut message = text_at(&document, "/error/message");
    let field = text_at(&document, "/error/errors/0/field");
    if !field.is_empty() {
        message = format!("{message} ({field})");
    }
    if message.is_empty() {
        message = plain_text(answer);
    }
    by_status(answer, &code, &message)
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
mod tests;
