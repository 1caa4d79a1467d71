//! WooCommerce's REST API.

use crate::channels::api::{
    Answered, ApiError, ApiOptions, ApiOptionsError, CallLimits, ChangedPage, Client, ItemResults,
    Marketplace, Reply, StockWrite,
};
use crate::channels::document::{Field, Json};
use crate::channels::incoming::{ChannelLine, Incoming};
use crate::types::secret::Secret;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Orders on one page.
const PAGE: usize = 100;

/// Overlap of a list with what was read before, in milliseconds: its time is exclusive and in whole
/// seconds.
const OVERLAP_MS: u64 = 2_000;

/// Most ids that a call leaves out: beyond them its address is longer than web servers take.
const SEEN_MAX: usize = 400;

/// A shop's REST API.
#[derive(Debug)]
pub struct WooCommerce {
    client: Client,
    key: Secret,
    secret: Secret,
    source: String,
}

impl WooCommerce {
    /// Secrets `consumer_key` and `consumer_secret`.
    ///
    /// # Errors
    /// One is missing.
    pub fn new(options: &ApiOptions) -> Result<Self, ApiOptionsError> {
        let source = format!("https://{}", options.shop()?);
        Ok(Self {
            client: Client::new(options, &source)?,
            key: options.secret("consumer_key")?,
            secret: options.secret("consumer_secret")?,
            source,
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = format!("/wp-json/wc/v3/{path}");
        let request = self.client.request(method, &path);
        request.basic_auth(self.key.reveal(), Some(self.secret.reveal()))
    }

    async fn call(&self, request: RequestBuilder) -> Result<Json, ApiError> {
        let reply = self.client.send(request).await?;
        let document = reply.document()?;
        match refusal(&reply, &document.root()) {
            Some(refusal) => Err(refusal),
            None => Ok(document),
        }
    }

    async fn batch(&self, writes: &[StockWrite]) -> Result<ItemResults, ApiError> {
        let update: Result<Vec<Value>, ApiError> = writes
            .iter()
            .map(|write| {
                let id: u64 = write.item.parse().map_err(|_| no_item(&write.item))?;
                Ok(json!({"id": id, "manage_stock": true, "stock_quantity": write.quantity}))
            })
            .collect();
        let request = self.request(Method::POST, "products/batch");
        let document = self.call(request.json(&json!({"update": update?}))).await?;
        let answers = document.root().get("update").items()?;
        let results = writes.iter().enumerate().map(|(place, _)| {
            let Some(answer) = answers.get(place) else {
                return Err(ApiError::retry(
                    "not_answered",
                    "the batch has no such item",
                ));
            };
            let error = answer.get("error");
            if error.is_null() {
                return Ok(());
            }
            let text = |name: &str| error.get(name).text_or_empty();
            Err(ApiError::rejected(text("code"), &text("message")))
        });
        Ok(results.collect())
    }

    async fn write(&self, writes: &[StockWrite]) -> Result<ItemResults, ApiError> {
        let mut results = Vec::with_capacity(writes.len());
        let (variations, products): (Vec<_>, Vec<_>) =
            writes.iter().partition(|write| write.item.contains('/'));
        if variations.is_empty() {
            return self.batch(writes).await;
        }
        if !products.is_empty() {
            return Err(ApiError::rejected(
                "mixed",
                "products and variations in one call",
            ));
        }
        for write in writes {
            let body = json!({"manage_stock": true, "stock_quantity": write.quantity});
            let request = self
                .request(Method::PUT, &path_of(&write.item)?)
                .json(&body);
            results.push(self.call(request).await.map(drop));
        }
        Ok(results)
    }

    async fn list(&self, query: &[(&str, &str)]) -> Result<Vec<Incoming>, ApiError> {
        let request = self.request(Method::GET, "orders").query(query);
        let document = self.call(request).await?;
        let mut found = Vec::new();
        for order in document.root().items()? {
            found.push(super::incoming(&self.source, "order.polled", &order)?);
        }
        Ok(found)
    }
}

/// How far the list of changed orders is read: by time and ids, so that an order that changes
/// meanwhile, and moves to the list's end, shifts no other one past its page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ListPlace {
    /// Orders that changed in a later second than this one are to come …
    after_s: u64,
    /// … less these, which changed in the next second and are read …
    seen: Vec<String>,
    /// … from this page on: 1, but for a second with more orders than can be left out by name.
    page: usize,
}

impl ListPlace {
    fn from(since_ms: u64) -> Self {
        Self {
            after_s: since_ms.saturating_sub(OVERLAP_MS) / 1_000,
            seen: Vec::new(),
            page: 1,
        }
    }

    /// As written by `to_string`.
    fn read(cursor: &str) -> Option<Self> {
        let mut parts = cursor.splitn(3, ' ');
        let (after_s, page) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let ids = parts.next()?.split(',').filter(|id| !id.is_empty());
        Some(Self {
            after_s,
            seen: ids.map(str::to_owned).collect(),
            page,
        })
    }

    /// The time as a parameter.
    fn after(&self) -> String {
        let seconds = i64::try_from(self.after_s).unwrap_or(0);
        let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// Where it goes on behind a full page.
    fn behind(mut self, read: &[Incoming]) -> Self {
        let second = |order: &Incoming| order.changed_ms / 1_000;
        let last_s = read.iter().map(second).max().unwrap_or(0);
        let of_last = read.iter().filter(|order| second(order) == last_s);
        let of_last = of_last.map(|order| order.order_id.clone());
        if last_s > self.after_s.saturating_add(1) {
            return Self {
                after_s: last_s - 1,
                seen: of_last.collect(),
                page: 1,
            };
        }
        // A page full of one second, or of times that cannot be read.
        if self.seen.len() + read.len() <= SEEN_MAX {
            let ids = read.iter().map(|order| order.order_id.clone());
            self.seen.extend(ids);
        } else {
            self.page += 1;
        }
        self
    }
}

impl std::fmt::Display for ListPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.after_s, self.page, self.seen.join(","))
    }
}

/// `products/93` or `products/93/variations/120`.
fn path_of(item: &str) -> Result<String, ApiError> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match item.split_once('/') {
        None if digits(item) => Ok(format!("products/{item}")),
        Some((product, variation)) if digits(product) && digits(variation) => {
            Ok(format!("products/{product}/variations/{variation}"))
        }
        _ => Err(no_item(item)),
    }
}

fn no_item(item: &str) -> ApiError {
    let text = format!("`{item}` is neither a product nor a product/variation");
    ApiError::rejected("item", &text)
}

fn refusal(reply: &Reply, root: &Field<'_>) -> Option<ApiError> {
    let text = |name: &str| root.get(name).text_or_empty();
    reply.refusal(&text("code"), &text("message"))
}

impl Marketplace for WooCommerce {
    fn limits(&self) -> CallLimits {
        CallLimits {
            batch_max: 100,
            // Core has no limit; hosters do.
            calls: 20,
            per_ms: 1_000,
            compares: false,
        }
    }

    /// Products go together; a variation has a call of its own.
    fn group<'a>(&self, item: &'a str) -> &'a str {
        if item.contains('/') { item } else { "" }
    }

    fn write_stock<'a>(&'a self, writes: &'a [StockWrite]) -> Answered<'a, ItemResults> {
        Box::pin(self.write(writes))
    }

    fn read_stock<'a>(&'a self, items: &'a [String]) -> Answered<'a, Vec<Option<i64>>> {
        Box::pin(async move {
            let mut found = Vec::with_capacity(items.len());
            for item in items {
                let request = self.request(Method::GET, &path_of(item)?);
                match self.call(request).await {
                    Ok(document) => {
                        let text = document.root().get("stock_quantity").text()?;
                        found.push(text.parse().ok());
                    }
                    Err(ApiError::Rejected { .. }) => found.push(None),
                    Err(error) => return Err(error),
                }
            }
            Ok(found)
        })
    }

    fn orders<'a>(&'a self, ids: &'a [String]) -> Answered<'a, Vec<Incoming>> {
        Box::pin(async move {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let request = self.request(Method::GET, &format!("orders/{id}"));
                match self.call(request).await {
                    Ok(document) => {
                        let order = document.root();
                        found.push(super::incoming(&self.source, "order.polled", &order)?);
                    }
                    Err(ApiError::Rejected { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(found)
        })
    }

    fn changed<'a>(&'a self, since_ms: u64, cursor: &'a str) -> Answered<'a, ChangedPage> {
        Box::pin(async move {
            let place = ListPlace::read(cursor).unwrap_or_else(|| ListPlace::from(since_ms));
            let (after, page, seen) = (place.after(), place.page.to_string(), place.seen.join(","));
            let mut query = vec![
                ("modified_after", &*after),
                ("dates_are_gmt", "true"),
                ("orderby", "modified"),
                ("order", "asc"),
                ("per_page", "100"),
                ("page", &*page),
            ];
            if !seen.is_empty() {
                query.push(("exclude", &*seen));
            }
            let incoming = self.list(&query).await?;
            let next = (incoming.len() >= PAGE).then(|| place.behind(&incoming).to_string());
            Ok(ChangedPage {
                incoming,
                next,
                confirm: None,
            })
        })
    }

    fn cancel<'a>(&'a self, order_id: &'a str, _: &'a [ChannelLine]) -> Answered<'a, ()> {
        Box::pin(async move {
            let request = self.request(Method::PUT, &format!("orders/{order_id}"));
            let body = json!({"status": "cancelled"});
            self.call(request.json(&body)).await.map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::incoming::What;

    fn page(ids: std::ops::Range<u64>, second: u64) -> Vec<Incoming> {
        let order = |id: u64| Incoming {
            event: u128::from(id),
            topic: String::new(),
            order_id: id.to_string(),
            changed_ms: second * 1_000,
            what: What::Fetch,
        };
        ids.map(order).collect()
    }

    #[test]
    fn a_list_goes_on_in_the_second_of_its_last_order_without_those_that_were_read() {
        let start = ListPlace::from(10_500);
        assert_eq!((start.after_s, start.page), (8, 1));
        assert_eq!(start.after(), "1970-01-01T00:00:08");
        let mut read = page(1..99, 20);
        read.extend(page(99..101, 21));
        let next = start.behind(&read);
        assert_eq!(next.to_string(), "20 1 99,100");
        assert_eq!(ListPlace::read("20 1 99,100"), Some(next.clone()));
        assert_eq!(ListPlace::read(""), None);
        let last = next.behind(&page(101..201, 30));
        assert_eq!((last.after_s, last.seen.len()), (29, 100));
    }

    #[test]
    fn a_second_with_more_than_a_page_of_orders_is_read_to_its_end() {
        let mut place = ListPlace::from(0).behind(&page(1..101, 20));
        for (from, seen, number) in [(101, 200, 1), (201, 300, 1), (301, 400, 1), (401, 400, 2)] {
            place = place.behind(&page(from..from + 100, 20));
            assert_eq!(
                (place.after_s, place.seen.len(), place.page),
                (19, seen, number)
            );
        }
        let next = place.behind(&page(501..601, 22));
        assert_eq!((next.after_s, next.seen.len(), next.page), (21, 100, 1));
    }
}
