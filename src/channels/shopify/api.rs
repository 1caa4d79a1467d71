//! Shopify's Admin API: stock by GraphQL, orders by REST.

use crate::channels::api::{
    Answered, ApiError, ApiOptions, ApiOptionsError, CallLimits, ChangedPage, Client, ItemResults,
    Marketplace, NOT_WRITTEN, StockWrite,
};
use crate::channels::document::{Field, Json};
use crate::channels::incoming::{ChannelLine, Incoming, Unreadable};
use crate::clock;
use crate::types::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// Version of the API: from 2026-04 on a write needs its key and the quantity it was made from.
const API_VERSION: &str = "2026-10";

/// Orders on one page.
const PAGE: usize = 250;

const SET: &str = "mutation S($i: InventorySetQuantitiesInput!, $k: String!) { \
    inventorySetQuantities(input: $i) @idempotent(key: $k) { \
    inventoryAdjustmentGroup { id } userErrors { code field message } } }";

const LEVELS: &str = "query L($ids: [ID!]!, $location: ID!) { nodes(ids: $ids) { \
    ... on InventoryItem { id inventoryLevel(locationId: $location) { \
    quantities(names: [\"available\"]) { name quantity } } } } }";

/// A shop's Admin API.
#[derive(Debug)]
pub struct Shopify {
    client: Client,
    token: Secret,
    version: String,
    location: String,
    /// Makes keys of this process its own.
    nonce: u64,
    calls: AtomicU64,
}

impl Shopify {
    /// Secret `access_token`; settings `location` (a number or a `gid://`), `api_version`.
    ///
    /// # Errors
    /// One is missing.
    pub fn new(options: &ApiOptions) -> Result<Self, ApiOptionsError> {
        let own = format!("https://{}", options.shop()?);
        Ok(Self {
            client: Client::new(options, &own)?,
            token: options.secret("access_token")?,
            version: options.setting_or("api_version", API_VERSION),
            location: gid("Location", &options.setting("location")?),
            nonce: clock::now_ms(),
            calls: AtomicU64::new(0),
        })
    }

    /// A key of its own for every attempt: the same key with another input is refused.
    fn key(&self) -> String {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let hash = super::event_id(
            super::ChannelKind::Shopify,
            &[
                &self.nonce.to_le_bytes(),
                &call.to_le_bytes(),
                self.location.as_bytes(),
            ],
        );
        let mut key = String::with_capacity(36);
        for (place, digit) in format!("{hash:032x}").chars().enumerate() {
            if matches!(place, 8 | 12 | 16 | 20) {
                key.push('-');
            }
            key.push(digit);
        }
        key
    }

    async fn graphql(&self, query: &str, variables: Value) -> Result<Json, ApiError> {
        let path = format!("/admin/api/{}/graphql.json", self.version);
        let request = self
            .client
            .request(Method::POST, &path)
            .header("x-shopify-access-token", self.token.reveal())
            .json(&json!({"query": query, "variables": variables}));
        let reply = self.client.send(request).await?;
        let document = reply.document()?;
        let root = document.root();
        if let Some(refusal) = reply.refusal("", &root.get("errors").text_or_empty()) {
            return Err(refusal);
        }
        if let Some(error) = root.get("errors").items()?.first() {
            let message = error.get("message").text_or_empty();
            let code = error.get("extensions").get("code").text_or_empty();
            return Err(match &*code {
                "THROTTLED" => ApiError::limited(throttled_ms(&root), &message),
                "ACCESS_DENIED" => ApiError::unauthorised(&message),
                "INTERNAL_SERVER_ERROR" => ApiError::retry(code, &message),
                _ => ApiError::rejected(code, &message),
            });
        }
        Ok(document)
    }

    async fn write(&self, writes: &[StockWrite]) -> Result<ItemResults, ApiError> {
        let quantities: Vec<Value> = writes
            .iter()
            .map(|write| {
                json!({"inventoryItemId": gid("InventoryItem", &write.item),
                    "locationId": self.location, "quantity": write.quantity,
                    "changeFromQuantity": write.expected})
            })
            .collect();
        let input = json!({"name": "available", "reason": "correction",
            "referenceDocumentUri": "onhand://stock", "quantities": quantities});
        let variables = json!({"k": self.key(), "i": input});
        let document = self.graphql(SET, variables).await?;
        let errors = document.root().get("data").get("inventorySetQuantities");
        item_results(writes.len(), &errors.get("userErrors").items()?)
    }

    async fn read(&self, items: &[String]) -> Result<Vec<Option<i64>>, ApiError> {
        let ids: Vec<String> = items.iter().map(|id| gid("InventoryItem", id)).collect();
        let variables = json!({"ids": ids, "location": self.location});
        let document = self.graphql(LEVELS, variables).await?;
        let nodes = document.root().get("data").get("nodes").items()?;
        let mut found = Vec::with_capacity(nodes.len());
        for node in &nodes {
            let quantities = node.get("inventoryLevel").get("quantities").items()?;
            let quantity = quantities.first().map(|one| one.get("quantity").text());
            found.push(quantity.transpose()?.and_then(|text| text.parse().ok()));
        }
        Ok(found)
    }

    async fn list(&self, query: &[(&str, &str)]) -> Result<Vec<Incoming>, ApiError> {
        let path = format!("/admin/api/{}/orders.json", self.version);
        let request = self
            .client
            .request(Method::GET, &path)
            .header("x-shopify-access-token", self.token.reveal())
            .query(query);
        let reply = self.client.send(request).await?;
        let document = reply.document()?;
        let root = document.root();
        if let Some(refusal) = reply.refusal("", &root.get("errors").text_or_empty()) {
            return Err(refusal);
        }
        let orders = root.get("orders").items()?;
        let orders: Result<Vec<Incoming>, Unreadable> = orders.iter().map(super::listed).collect();
        Ok(orders?)
    }
}

/// What became of each item. One refused item keeps all of its call from being written.
fn item_results(items: usize, errors: &[Field<'_>]) -> Result<ItemResults, ApiError> {
    if errors.is_empty() {
        return Ok(vec![Ok(()); items]);
    }
    let with_others = ApiError::retry(NOT_WRITTEN, "another item of the call was refused");
    let mut results = vec![Err(with_others); items];
    for error in errors {
        let code = error.get("code").text_or_empty();
        let message = error.get("message").text_or_empty();
        let said = match &*code {
            "CHANGE_FROM_QUANTITY_STALE" => ApiError::Stale { current: None },
            "IDEMPOTENCY_CONCURRENT_REQUEST" | "INTERNAL_ERROR" => ApiError::retry(code, &message),
            _ => ApiError::rejected(code, &message),
        };
        // `["input", "quantities", "3", "changeFromQuantity"]`
        let path = error.get("field").items()?;
        let place = path
            .iter()
            .find_map(|part| part.text_or_empty().parse::<usize>().ok());
        match place.and_then(|place| results.get_mut(place)) {
            Some(result) => *result = Err(said),
            None => return Err(said),
        }
    }
    Ok(results)
}

/// How long the points of this call take to come back, in milliseconds.
fn throttled_ms(root: &Field<'_>) -> u64 {
    let whole = |field: Field<'_>| {
        let text = field.text_or_empty();
        text.split('.').next().and_then(|t| t.parse::<u64>().ok())
    };
    let cost = root.get("extensions").get("cost");
    let status = cost.get("throttleStatus");
    let requested = whole(cost.get("requestedQueryCost")).unwrap_or(0);
    let available = whole(status.get("currentlyAvailable")).unwrap_or(0);
    let restored = whole(status.get("restoreRate")).unwrap_or(50).max(1);
    requested
        .saturating_sub(available)
        .saturating_mul(1_000)
        .div_ceil(restored)
}

fn gid(kind: &str, id: &str) -> String {
    if id.starts_with("gid://") {
        id.to_owned()
    } else {
        format!("gid://shopify/{kind}/{id}")
    }
}

/// Milliseconds since 1970 as text with a zone.
fn iso(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(0);
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Marketplace for Shopify {
    fn limits(&self) -> CallLimits {
        CallLimits {
            batch_max: 250,
            // 100 points a second, 10 for a write.
            calls: 10,
            per_ms: 1_000,
            compares: true,
        }
    }

    fn write_stock<'a>(&'a self, writes: &'a [StockWrite]) -> Answered<'a, ItemResults> {
        Box::pin(self.write(writes))
    }

    fn read_stock<'a>(&'a self, items: &'a [String]) -> Answered<'a, Vec<Option<i64>>> {
        Box::pin(self.read(items))
    }

    fn orders<'a>(&'a self, ids: &'a [String]) -> Answered<'a, Vec<Incoming>> {
        Box::pin(async move {
            let wanted = ids.join(",");
            let mut found = self
                .list(&[("ids", &wanted), ("status", "any"), ("limit", "250")])
                .await?;
            found.retain(|order| ids.contains(&order.order_id));
            Ok(found)
        })
    }

    fn changed<'a>(&'a self, since_ms: u64, cursor: &'a str) -> Answered<'a, ChangedPage> {
        Box::pin(async move {
            let since_ms = cursor.parse().unwrap_or(since_ms);
            let query = [
                ("updated_at_min", &*iso(since_ms)),
                ("status", "any"),
                ("order", "updated_at asc"),
                ("limit", "250"),
            ];
            let incoming = self.list(&query).await?;
            let last = incoming.iter().map(|order| order.changed_ms).max();
            // Pages follow each other by time; a second with more than a page is stepped over.
            let next = last.filter(|_| incoming.len() >= PAGE).map(|last| {
                let step = if last / 1_000 == since_ms / 1_000 {
                    1_000
                } else {
                    0
                };
                (last + step).to_string()
            });
            Ok(ChangedPage {
                incoming,
                next,
                confirm: None,
            })
        })
    }

    fn cancel<'a>(&'a self, order_id: &'a str, _: &'a [ChannelLine]) -> Answered<'a, ()> {
        Box::pin(async move {
            let path = format!("/admin/api/{}/orders/{order_id}/cancel.json", self.version);
            let request = self
                .client
                .request(Method::POST, &path)
                .header("x-shopify-access-token", self.token.reveal())
                .json(&json!({"reason": "inventory"}));
            let reply = self.client.send(request).await?;
            reply.refusal("", "").map_or(Ok(()), Err)
        })
    }
}
