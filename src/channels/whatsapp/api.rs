//! Meta's catalogue, which WhatsApp shows: stock in batches that take effect later.

use crate::channels::api::{
    Answered, ApiError, ApiOptions, ApiOptionsError, CallLimits, ChangedPage, Client, ItemResults,
    Marketplace, StockWrite,
};
use crate::channels::document::{Field, Json};
use crate::channels::incoming::{ChannelLine, Incoming};
use crate::types::secret::Secret;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;

const OWN: &str = "https://graph.facebook.com";
const API_VERSION: &str = "v23.0";

/// First waits for a batch, in milliseconds: a small one has run by then. Each further one is half
/// as long again.
const FIRST_POLL_MS: u64 = 12;

/// Polls at that distance: a change that comes while a batch runs waits for its end.
const FIRST_POLLS: u32 = 3;

/// Polls of one batch: the waits add up to about 16 s.
const POLLS_MAX: u32 = 18;

/// A catalogue.
#[derive(Debug)]
pub struct Catalogue {
    client: Client,
    token: Secret,
    version: String,
    catalog: String,
}

impl Catalogue {
    /// Secret `access_token`; settings `catalog` and `api_version`.
    ///
    /// # Errors
    /// One is missing.
    pub fn new(options: &ApiOptions) -> Result<Self, ApiOptionsError> {
        Ok(Self {
            client: Client::new(options, OWN)?,
            token: options.secret("access_token")?,
            version: options.setting_or("api_version", API_VERSION),
            catalog: options.setting("catalog")?,
        })
    }

    fn request(&self, method: Method, name: &str) -> RequestBuilder {
        let path = format!("/{}/{}/{name}", self.version, self.catalog);
        let request = self.client.request(method, &path);
        request.bearer_auth(self.token.reveal())
    }

    async fn call(&self, request: RequestBuilder) -> Result<Json, ApiError> {
        let reply = self.client.send(request).await?;
        let document = reply.document()?;
        let error = document.root().get("error");
        if !error.is_null() {
            return Err(refusal(&error));
        }
        match reply.refusal("", "") {
            Some(refusal) => Err(refusal),
            None => Ok(document),
        }
    }

    async fn write(&self, writes: &[StockWrite]) -> Result<ItemResults, ApiError> {
        let requests: Vec<Value> = writes
            .iter()
            .map(|write| {
                let availability = if write.quantity == 0 {
                    "out of stock"
                } else {
                    "in stock"
                };
                json!({"method": "UPDATE", "data": {"id": write.item,
                    "quantity_to_sell_on_facebook": write.quantity,
                    "availability": availability}})
            })
            .collect();
        // Without this, unknown items would be made.
        let body = json!({"item_type": "PRODUCT_ITEM", "allow_upsert": false,
            "requests": requests});
        let request = self.request(Method::POST, "items_batch").json(&body);
        let document = self.call(request).await?;
        let handles = document.root().get("handles").items()?;
        let Some(handle) = handles.first() else {
            let refused = document.root().get("validation_status").items()?;
            return Ok(item_results(writes, &refused));
        };
        self.await_batch(&handle.id()?, writes).await
    }

    async fn await_batch(
        &self,
        handle: &str,
        writes: &[StockWrite],
    ) -> Result<ItemResults, ApiError> {
        let mut wait_ms = FIRST_POLL_MS;
        for poll in 1..=POLLS_MAX {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            if poll >= FIRST_POLLS {
                wait_ms += wait_ms / 2;
            }
            let request = self.request(Method::GET, "check_batch_request_status");
            let document = self.call(request.query(&[("handle", handle)])).await?;
            let batches = document.root().get("data").items()?;
            let Some(batch) = batches.first() else {
                continue;
            };
            match &*batch.get("status").text_or_empty() {
                "finished" => return Ok(item_results(writes, &batch.get("errors").items()?)),
                "error" | "canceled" => {
                    return Err(ApiError::retry("batch", "the batch was not run"));
                }
                _ => {}
            }
        }
        Err(ApiError::retry(
            "batch_pending",
            "the batch has not run yet",
        ))
    }
}

/// Errors name their items; all others were written.
fn item_results(writes: &[StockWrite], errors: &[Field<'_>]) -> ItemResults {
    let errors: Vec<(String, String)> = errors
        .iter()
        .map(|error| {
            let id = match error.get("id").text_or_empty() {
                empty if empty.is_empty() => error.get("retailer_id").text_or_empty(),
                id => id,
            };
            (id, error.get("message").text_or_empty())
        })
        .collect();
    let result = |write: &StockWrite| {
        let error = errors.iter().find(|(id, _)| *id == write.item);
        error.map_or(Ok(()), |(_, message)| {
            Err(ApiError::rejected("item", message))
        })
    };
    writes.iter().map(result).collect()
}

fn refusal(error: &Field<'_>) -> ApiError {
    let code = error.get("code").text_or_empty();
    let message = error.get("message").text_or_empty();
    match &*code {
        "190" | "10" | "200" => ApiError::unauthorised(&format!("{code} {message}")),
        "4" | "17" | "32" | "613" | "80007" | "80014" | "130429" | "131056" => {
            ApiError::limited(0, &message)
        }
        "1" | "2" | "131000" => ApiError::retry(code, &message),
        _ => ApiError::rejected(code, &message),
    }
}

fn unsupported<'a, T: Send + 'a>(what: &'static str) -> Answered<'a, T> {
    Box::pin(async move { Err(ApiError::rejected("unsupported", what)) })
}

impl Marketplace for Catalogue {
    fn limits(&self) -> CallLimits {
        CallLimits {
            batch_max: 5_000,
            calls: 100,
            per_ms: 3_600_000,
            compares: false,
        }
    }

    fn write_stock<'a>(&'a self, writes: &'a [StockWrite]) -> Answered<'a, ItemResults> {
        Box::pin(self.write(writes))
    }

    fn read_stock<'a>(&'a self, _: &'a [String]) -> Answered<'a, Vec<Option<i64>>> {
        unsupported("writes do not compare, so nothing is read")
    }

    fn orders<'a>(&'a self, _: &'a [String]) -> Answered<'a, Vec<Incoming>> {
        unsupported("orders are messages: there is nothing to fetch")
    }

    fn changed<'a>(&'a self, _: u64, _: &'a str) -> Answered<'a, ChangedPage> {
        // Lost messages are sent again for days; there is no list of them.
        Box::pin(async { Ok(ChangedPage::default()) })
    }

    fn cancel<'a>(&'a self, _: &'a str, _: &'a [ChannelLine]) -> Answered<'a, ()> {
        unsupported("an order of a message is cancelled by another message")
    }
}
