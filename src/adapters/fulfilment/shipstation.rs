//! ShipStation (API V1): hands orders to the warehouse, and takes them back.
//!
//! `orderKey` makes a repeat safe: a second `createorder` with the same key updates the order and
//! makes no other. Recall is such an update, to `cancelled`; the provider accepts it only while the
//! order is open, so an order that has left is refused with the code `already_shipped`.

use super::{destination, or_null};
use crate::adapters::call::Call;
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::adapters::status::{by_status, plain_text, seconds_header_ms, text_at};
use crate::types::effect::{EffectClass, EffectKind};
use crate::types::money;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// See [`ShipStation`].
pub const KIND: Kind = Kind {
    name: "shipstation",
    effects: &[EffectKind::WarehouseOrder, EffectKind::WarehouseRecall],
    timeout_ms: 10_000,
    secrets: &["api_key", "api_secret"],
    settings: &["store_id"],
    build: |options| Ok(Arc::new(ShipStation::new(options)?)),
};

/// The provider's own address.
const BASE_URL: &str = "https://ssapi.shipstation.com";

/// Creates and updates orders.
#[derive(Debug)]
pub struct ShipStation {
    http: Http,
    base_url: String,
    api_key: Secret,
    api_secret: Secret,
    store_id: Option<u64>,
}

impl ShipStation {
    /// Secrets `api_key` and `api_secret`; setting `store_id` (a number) to choose a store.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let store_id = match options.setting_or("store_id", "") {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                options.invalid("setting `store_id`", format!("is `{text}`, no number"))
            })?),
        };
        Ok(Self {
            http: Http::of(options)?,
            base_url: options.base_url_or(BASE_URL),
            api_key: options.secret("api_key")?,
            api_secret: options.secret("api_secret")?,
            store_id,
        })
    }

    async fn order(&self, call: &Call) -> Result<Outcome, Outcome> {
        let (key, status) = if call.kind == EffectKind::WarehouseRecall {
            (recalled_key(call)?, "cancelled")
        } else {
            (call.key.as_str(), "awaiting_shipment")
        };
        let body = self.document(call, key, status)?;
        let url = format!("{}/orders/createorder", self.base_url);
        let request = self.http.request(Method::POST, &url).json(&body);
        let answer = self.send(request).await?;
        let recall = call.kind == EffectKind::WarehouseRecall;
        let outcome = if recall {
            classify_recall(&answer)
        } else {
            classify(&answer)
        };
        let closed = answer.status == 400 && outcome.class == EffectClass::Refused;
        if closed && (recall || call.may_have_happened()) {
            return Ok(self.as_it_stands(call, key, outcome).await);
        }
        Ok(outcome)
    }

    /// An update that was refused, because the order is open no more or for another reason: what
    /// the provider has under the key decides.
    async fn as_it_stands(&self, call: &Call, key: &str, refused: Outcome) -> Outcome {
        let url = format!("{}/orders", self.base_url);
        let query = [("orderNumber", call.facts.number.as_str())];
        let request = self.http.request(Method::GET, &url).query(&query);
        let found = match self.send(request).await {
            Ok(answer) if answer.status == 200 => answer.json().unwrap_or_default(),
            _ => return refused,
        };
        let orders = found.get("orders").and_then(Value::as_array);
        let same = |order: &&Value| text_at(order, "/orderKey") == key;
        let Some(order) = orders.and_then(|orders| orders.iter().find(same)) else {
            return refused;
        };
        let recall = call.kind == EffectKind::WarehouseRecall;
        match text_at(order, "/orderStatus").as_str() {
            "shipped" if recall => already_shipped(refused.status),
            "cancelled" if recall => Outcome::done(text_at(order, "/orderId")).status(200),
            "shipped" | "awaiting_shipment" if !recall => {
                Outcome::done(text_at(order, "/orderId")).status(200)
            }
            _ => refused,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Outcome> {
        let request = request.basic_auth(self.api_key.reveal(), Some(self.api_secret.reveal()));
        self.http.send(request).await
    }

    /// The whole order: an update replaces everything that the provider has.
    fn document(&self, call: &Call, key: &str, status: &str) -> Result<Value, Outcome> {
        let facts = &call.facts;
        let details = &facts.details;
        let to = destination(call)?;
        let amount = |minor| money::json_number(minor, facts.currency);
        let items: Vec<Value> = facts
            .lines
            .iter()
            .enumerate()
            .map(|(index, line)| {
                json!({
                    "lineItemKey": (index + 1).to_string(),
                    "sku": line.sku,
                    "name": line.sku,
                    "quantity": line.quantity,
                    "unitPrice": amount(line.unit_price),
                    "warehouseLocation": line.location,
                })
            })
            .collect();
        let mut document = json!({
            "orderNumber": facts.number,
            "orderKey": key,
            "orderDate": moment(facts.accepted_at_ms),
            "orderStatus": status,
            "customerEmail": or_null(&details.email),
            "amountPaid": amount(facts.total),
            "internalNotes": or_null(&details.custom_handling),
            "billTo": {"name": details.contact_name},
            "shipTo": {
                "name": details.contact_name,
                "street1": to.street1,
                "street2": or_null(&to.street2),
                "city": to.city,
                "state": to.state,
                "postalCode": to.postcode,
                "country": to.country,
                "phone": or_null(&details.phone),
            },
            "items": items,
        });
        if let (Some(document), Some(store)) = (document.as_object_mut(), self.store_id) {
            document.insert("advancedOptions".to_owned(), json!({"storeId": store}));
        }
        Ok(document)
    }
}

impl Provider for ShipStation {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = self.order(call).await.unwrap_or_else(|outcome| outcome);
            outcome.bounded()
        }
        .boxed()
    }
}

/// The key under which the order that is taken back was handed over.
fn recalled_key(call: &Call) -> Result<&str, Outcome> {
    if call.target_key.is_empty() {
        return Err(Outcome::refused(
            "no_target",
            "the recall names no warehouse order",
        ));
    }
    Ok(&call.target_key)
}

/// `2026-05-04T08:12:30.0000000`, in UTC.
fn moment(at_ms: u64) -> String {
    let at_ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string()
}

fn order_status(answer: &Answer) -> String {
    text_at(&answer.json().unwrap_or_default(), "/orderStatus")
}

fn classify(answer: &Answer) -> Outcome {
    let document = answer.json().unwrap_or_default();
    let id = text_at(&document, "/orderId");
    if matches!(answer.status, 200 | 201) && !id.is_empty() {
        return Outcome::done(id).status(answer.status);
    }
    let mut message = [
        text_at(&document, "/ExceptionMessage"),
        text_at(&document, "/Message"),
        text_at(&document, "/message"),
    ]
    .into_iter()
    .find(|text| !text.is_empty())
    .unwrap_or_default();
    if message.is_empty() {
        message = plain_text(answer);
    }
    let outcome = by_status(answer, "", &message);
    let reset_ms = seconds_header_ms(answer, "x-rate-limit-reset");
    if answer.status == 429 && reset_ms > 0 {
        return outcome.after(reset_ms);
    }
    outcome
}

fn classify_recall(answer: &Answer) -> Outcome {
    let outcome = classify(answer);
    match outcome.class {
        EffectClass::Done if order_status(answer) == "shipped" => already_shipped(answer.status),
        EffectClass::Refused if outcome.message.to_ascii_lowercase().contains("shipped") => {
            already_shipped(answer.status)
        }
        _ => outcome,
    }
}

fn already_shipped(status: u16) -> Outcome {
    Outcome::refused("already_shipped", "the warehouse has shipped the order").status(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::canned::{Canned, CannedServer, answer, answer_with, gist};
    use crate::adapters::notification::tests::call;
    use crate::types::effect::EffectClass::{Done, Refused, Retry, Unknown};

    fn provider(base_url: &str) -> ShipStation {
        let mut options = ProviderOptions {
            name: "shipstation".into(),
            kind: "shipstation".into(),
            base_url: base_url.into(),
            timeout_ms: 300,
            ..ProviderOptions::default()
        };
        options.secrets.insert("api_key".into(), Secret::new("key"));
        options
            .secrets
            .insert("api_secret".into(), Secret::new("secret"));
        ShipStation::new(&options).unwrap()
    }

    fn recall() -> Call {
        let mut call = call(EffectKind::WarehouseRecall, None);
        (call.key, call.target_key) = ("k-2".into(), "k-1".into());
        call.reference = "9001".into();
        call
    }

    #[tokio::test]
    async fn every_answer_to_an_order_is_classified() {
        let made = r#"{"orderId":9001,"orderKey":"k-1","orderStatus":"awaiting_shipment"}"#;
        let invalid = r#"{"Message":"The request is invalid."}"#;
        for (canned, expected) in [
            (answer(200, made), (Done, false, 0, "")),
            (answer(201, made), (Done, false, 0, "")),
            (answer(200, "{}"), (Unknown, true, 0, "unexpected_answer")),
            (answer(200, ""), (Unknown, true, 0, "unexpected_answer")),
            (
                answer(200, "<html>"),
                (Unknown, true, 0, "unexpected_answer"),
            ),
            (answer(400, invalid), (Refused, false, 0, "http_400")),
            (answer(401, ""), (Refused, false, 0, "credentials")),
            (answer(404, "<html>"), (Refused, false, 0, "http_404")),
            (
                answer_with(429, &["X-Rate-Limit-Reset: 17"], "Too many"),
                (Retry, true, 17_000, "rate_limited"),
            ),
            (
                answer_with(429, &["Retry-After: 5"], ""),
                (Retry, true, 5_000, "rate_limited"),
            ),
            (answer(500, ""), (Retry, true, 0, "http_500")),
            (answer(503, "<html>"), (Retry, true, 0, "http_503")),
            (Canned::Silence, (Unknown, true, 0, "timeout")),
            (Canned::Drop, (Unknown, true, 0, "connection_lost")),
        ] {
            let server = CannedServer::start(vec![canned.clone()]).await;
            let outcome = provider(&server.url)
                .call(&call(EffectKind::WarehouseOrder, None))
                .await;
            assert_eq!(gist(&outcome), expected, "{canned:?}");
        }
    }

    #[tokio::test]
    async fn an_order_goes_out_whole_under_the_effects_key() {
        let server = CannedServer::start(vec![answer(200, r#"{"orderId":9001}"#)]).await;
        let outcome = provider(&server.url)
            .call(&call(EffectKind::WarehouseOrder, None))
            .await;
        assert_eq!(outcome.reference, "9001");
        let asked = server.asked().remove(0);
        assert_eq!(
            (&*asked.method, &*asked.path),
            ("POST", "/orders/createorder")
        );
        assert_eq!(asked.headers["authorization"], "Basic a2V5OnNlY3JldA==");
        let body = asked.json();
        assert_eq!(body["orderKey"], "k-1");
        assert_eq!(body["orderNumber"], "0-1042");
        assert_eq!(body["orderDate"], "2026-05-04T08:12:30.0000000");
        assert_eq!(body["orderStatus"], "awaiting_shipment");
        assert_eq!(body["amountPaid"], json!(44.7));
        assert_eq!(body["shipTo"]["postalCode"], "28013");
        assert_eq!(body["items"][0]["unitPrice"], json!(19.9));
    }

    /// The list of orders with our number, another shop's first.
    fn kept(status: &str) -> Canned {
        let other = r#"{"orderId":8,"orderKey":"other","orderStatus":"shipped"}"#;
        let ours = format!(r#"{{"orderId":9001,"orderKey":"k-1","orderStatus":"{status}"}}"#);
        answer(200, &format!(r#"{{"orders":[{other},{ours}]}}"#))
    }

    #[tokio::test]
    async fn a_repeated_order_that_has_left_meanwhile_is_done() {
        let closed = || {
            answer(
                400,
                r#"{"Message":"Order is shipped and cannot be changed."}"#,
            )
        };
        let mut again = call(EffectKind::WarehouseOrder, None);
        again.attempt = 2;
        for (answers, expected) in [
            (vec![closed(), kept("shipped")], (Done, false, 0, "")),
            (
                vec![closed(), kept("cancelled")],
                (Refused, false, 0, "http_400"),
            ),
            (
                vec![closed(), answer(200, "{}")],
                (Refused, false, 0, "http_400"),
            ),
        ] {
            let server = CannedServer::start(answers.clone()).await;
            let outcome = provider(&server.url).call(&again).await;
            assert_eq!(gist(&outcome), expected, "{answers:?}");
            assert_eq!(server.asked()[1].path, "/orders?orderNumber=0-1042");
        }
    }

    #[tokio::test]
    async fn a_recall_cancels_under_the_key_of_the_order_unless_it_has_left() {
        let cancelled = r#"{"orderId":9001,"orderStatus":"cancelled"}"#;
        let shipped = r#"{"orderId":9001,"orderStatus":"shipped"}"#;
        let gone = r#"{"Message":"Order is shipped and cannot be changed."}"#;
        for (answers, expected) in [
            (vec![answer(200, cancelled)], (Done, false, 0, "")),
            (
                vec![answer(200, shipped)],
                (Refused, false, 0, "already_shipped"),
            ),
            (
                vec![answer(400, gone), answer(500, "")],
                (Refused, false, 0, "already_shipped"),
            ),
            (
                vec![answer(400, "{}"), kept("shipped")],
                (Refused, false, 0, "already_shipped"),
            ),
            (
                vec![answer(400, "{}"), kept("cancelled")],
                (Done, false, 0, ""),
            ),
            (
                vec![answer(400, "{}"), kept("on_hold")],
                (Refused, false, 0, "http_400"),
            ),
            (
                vec![answer(400, "{}"), answer(500, "")],
                (Refused, false, 0, "http_400"),
            ),
            (vec![answer(500, "")], (Retry, true, 0, "http_500")),
        ] {
            let server = CannedServer::start(answers.clone()).await;
            let outcome = provider(&server.url).call(&recall()).await;
            assert_eq!(gist(&outcome), expected, "{answers:?}");
            let body = server.asked().remove(0).json();
            assert_eq!(
                (&body["orderKey"], &body["orderStatus"]),
                (&json!("k-1"), &json!("cancelled"))
            );
        }
    }

    #[tokio::test]
    async fn an_order_without_an_address_is_refused_without_a_request() {
        let server = CannedServer::start(Vec::new()).await;
        let mut call = call(EffectKind::WarehouseOrder, None);
        Arc::make_mut(&mut call.facts)
            .details
            .shipping_address
            .clear();
        assert_eq!(provider(&server.url).call(&call).await.code, "no_address");
        assert!(server.asked().is_empty());
    }
}
