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

    /// Orders, and where the next page of them begins.
    async fn list(
        &self,
        query: &[(&str, &str)],
    ) -> Result<(Vec<Incoming>, Option<String>), ApiError> {
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
        Ok((orders?, reply.header("link").and_then(next_page)))
    }
}

/// The `page_info` of the next page: `<https://…?limit=250&page_info=abc>; rel="next"`, maybe with
/// that of the page before in front.
fn next_page(link: &str) -> Option<String> {
    let mut rest = link;
    while let Some((_, behind)) = rest.split_once('<') {
        let (address, behind) = behind.split_once('>')?;
        let kind = behind.split('<').next().unwrap_or_default();
        if kind.contains("rel=\"next\"") || kind.contains("rel=next") {
            let address = url::Url::parse(address).ok()?;
            let mut pairs = address.query_pairs();
            let found = pairs.find(|(name, _)| name == "page_info");
            return found.map(|(_, value)| value.into_owned());
        }
        rest = behind;
    }
    None
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
            let (mut found, _) = self
                .list(&[("ids", &wanted), ("status", "any"), ("limit", "250")])
                .await?;
            found.retain(|order| ids.contains(&order.order_id));
            Ok(found)
        })
    }

    /// The marketplace's own cursor leads from page to page: orders that change meanwhile come
    /// again at the end, and shift no other one past its page.
    fn changed<'a>(&'a self, since_ms: u64, cursor: &'a str) -> Answered<'a, ChangedPage> {
        Box::pin(async move {
            let since = iso(since_ms);
            let first = [
                ("updated_at_min", &*since),
                ("status", "any"),
                ("order", "updated_at asc"),
                ("limit", "250"),
            ];
            // Nothing else may stand beside a cursor.
            let later = [("page_info", cursor), ("limit", "250")];
            let query = if cursor.is_empty() {
                &first[..]
            } else {
                &later[..]
            };
            let (incoming, next) = self.list(query).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_one_that_the_header_calls_next() {
        let shop = "https://eu.myshopify.com/admin/api/2026-10/orders.json";
        let before = format!("<{shop}?limit=250&page_info=aaa>; rel=\"previous\"");
        let next = format!("<{shop}?page_info=b%3D1%2Fc&limit=250>; rel=\"next\"");
        assert_eq!(next_page(&next).as_deref(), Some("b=1/c"));
        let both = format!("{before}, {next}");
        assert_eq!(next_page(&both).as_deref(), Some("b=1/c"));
        assert_eq!(next_page(&before), None);
        for odd in ["", "<", "<no address>; rel=\"next\"", "nothing"] {
            assert_eq!(next_page(odd), None, "{odd}");
        }
    }
}
