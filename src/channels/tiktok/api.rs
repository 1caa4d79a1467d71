//! TikTok Shop's open API: every call is signed.

use crate::channels::api::{
    Answered, ApiError, ApiOptions, ApiOptionsError, CallLimits, ChangedPage, Client, ItemResults,
    Marketplace, Renewed, Renewer, Reply, StockWrite, Token, Tokens,
};
use crate::channels::document::Json;
use crate::channels::incoming::{ChannelLine, Incoming};
use crate::channels::signature;
use crate::clock;
use crate::types::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

const OWN: &str = "https://open-api.tiktokglobalshop.com";

/// Tokens are given out by another host.
const OWN_AUTH: &str = "https://auth.tiktok-shops.com";

const ORDERS: &str = "/order/202507/orders";
const SEARCH: &str = "/order/202309/orders/search";
const RENEW: &str = "/api/v2/token/refresh";
const CANCEL: &str = "/return_refund/202309/cancellations";

/// Orders of one detail call.
const DETAIL_MAX: usize = 50;

/// Largest quantity of one SKU in a warehouse.
const QUANTITY_MAX: u32 = 99_999;

/// A shop at TikTok.
#[derive(Debug)]
pub struct TikTok {
    client: Client,
    app_key: String,
    secret: Secret,
    tokens: Arc<Tokens>,
    shop_cipher: String,
    /// The first has the stock; the others are named with none.
    warehouses: Vec<String>,
}

/// The signature of a call: path, sorted parameters and body, within the secret.
fn sign(secret: &Secret, path: &str, query: &[(&str, &str)], body: &str) -> String {
    let mut sorted: Vec<&(&str, &str)> = query
        .iter()
        .filter(|(name, _)| !matches!(*name, "sign" | "access_token"))
        .collect();
    sorted.sort_unstable();
    let joined: String = sorted
        .iter()
        .flat_map(|(name, value)| [*name, *value])
        .collect();
    let key = secret.reveal().as_bytes();
    let parts = [
        key,
        path.as_bytes(),
        joined.as_bytes(),
        body.as_bytes(),
        key,
    ];
    signature::hex_digest(key, &parts)
}

impl TikTok {
    /// Secrets `app_secret` and `access_token`; settings `app_key`, `shop_cipher`, and `warehouses`:
    /// all that the SKUs are in, separated by commas.
    ///
    /// # Errors
    /// One is missing.
    pub fn new(options: &ApiOptions) -> Result<Self, ApiOptionsError> {
        let warehouses = options.setting("warehouses")?;
        let warehouses = warehouses.split(',').map(|id| id.trim().to_owned());
        Ok(Self {
            client: Client::new(options, OWN)?,
            app_key: options.setting("app_key")?,
            secret: options.secret("app_secret")?,
            tokens: options.access()?,
            shop_cipher: options.setting("shop_cipher")?,
            warehouses: warehouses.filter(|id| !id.is_empty()).collect(),
        })
    }

    async fn call(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Json, ApiError> {
        let attempt = |token| self.attempt(path, query, body, token);
        self.tokens.call(attempt).await
    }

    async fn attempt(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        token: Token,
    ) -> Result<Json, ApiError> {
        let time = (clock::now_ms() / 1_000).to_string();
        let mut all = vec![
            ("app_key", &*self.app_key),
            ("shop_cipher", &*self.shop_cipher),
            ("timestamp", &*time),
        ];
        all.extend_from_slice(query);
        let method = if body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let signature = sign(&self.secret, path, &all, &body);
        all.push(("sign", &signature));
        let request = self
            .client
            .request(method, path)
            .query(&all)
            .header("x-tts-access-token", token.access.reveal())
            .header("content-type", "application/json")
            .body(body);
        checked(&self.client.send(request).await?)
    }

    async fn write(&self, writes: &[StockWrite]) -> Result<ItemResults, ApiError> {
        let mut product = "";
        let mut ids = Vec::with_capacity(writes.len());
        let mut skus = Vec::with_capacity(writes.len());
        for write in writes {
            let (its_product, sku) = ids_of(&write.item)?;
            if !ids.is_empty() && its_product != product {
                return Err(ApiError::rejected("mixed", "several products in one call"));
            }
            product = its_product;
            ids.push(sku);
            let inventory: Vec<Value> = self
                .warehouses
                .iter()
                .enumerate()
                .map(|(place, id)| {
                    let quantity = if place == 0 { write.quantity } else { 0 };
                    json!({"warehouse_id": id, "quantity": quantity.min(QUANTITY_MAX)})
                })
                .collect();
            skus.push(json!({"id": sku, "inventory": inventory}));
        }
        let path = format!("/product/202309/products/{product}/inventory/update");
        let body = json!({"skus": skus});
        let document = self.call(&path, &[], Some(&body)).await?;
        // Single SKUs fail under a code of success.
        let mut results: ItemResults = vec![Ok(()); ids.len()];
        for error in document.root().get("data").get("errors").items()? {
            let text = |name: &str| error.get(name).text_or_empty();
            let said = refusal(&text("code"), &text("message"), 0);
            let id = error.get("detail").get("sku_id").text_or_empty();
            let place = ids.iter().position(|one| **one == id);
            match place.and_then(|place| results.get_mut(place)) {
                Some(result) => *result = Err(said),
                None => return Err(said),
            }
        }
        Ok(results)
    }

    async fn details(&self, ids: &[String]) -> Result<Vec<Incoming>, ApiError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(DETAIL_MAX) {
            let ids = ids.join(",");
            let document = self.call(ORDERS, &[("ids", &ids)], None).await?;
            found.extend(super::orders(&document.root().get("data"))?);
        }
        Ok(found)
    }

    async fn changes(&self, since_ms: u64, cursor: &str) -> Result<ChangedPage, ApiError> {
        let mut query = vec![
            ("page_size", "100"),
            ("sort_field", "update_time"),
            ("sort_order", "ASC"),
        ];
        if !cursor.is_empty() {
            query.push(("page_token", cursor));
        }
        let body = json!({"update_time_ge": since_ms / 1_000});
        let document = self.call(SEARCH, &query, Some(&body)).await?;
        let data = document.root().get("data");
        let next = data.get("next_page_token").text_or_empty();
        Ok(ChangedPage {
            incoming: super::orders(&data)?,
            next: Some(next).filter(|next| !next.is_empty()),
            confirm: None,
        })
    }
}

/// The answer, where its envelope says success.
fn checked(reply: &Reply) -> Result<Json, ApiError> {
    let document = reply.document()?;
    let root = document.root();
    let code = root.get("code").text_or_empty();
    let message = root.get("message").text_or_empty();
    match &*code {
        "0" => Ok(document),
        "" => Err(reply
            .refusal("", &message)
            .unwrap_or_else(|| ApiError::retry("unexpected_answer", "no code"))),
        _ => Err(refusal(&code, &message, reply.retry_after_ms())),
    }
}

/// Asks for a new pair of tokens. The setting `auth_url` names another host for it; where `base_url`
/// is set and it is not, that one is asked.
///
/// # Errors
/// A secret or setting is missing.
pub fn renewer(options: &ApiOptions) -> Result<Renewer, ApiOptionsError> {
    let (app_key, secret) = (options.setting("app_key")?, options.secret("app_secret")?);
    let options = ApiOptions {
        base_url: options.setting_or("auth_url", &options.base_url),
        ..options.clone()
    };
    Ok(Arc::new(move |refresh: Secret| {
        let (app_key, secret) = (app_key.clone(), secret.clone());
        // A client of its own: the thread that renews has a runtime of its own.
        let client = Client::new(&options, OWN_AUTH);
        Box::pin(async move {
            let client = client.map_err(|error| ApiError::retry("http", &error.to_string()))?;
            let request = client.request(Method::GET, RENEW).query(&[
                ("app_key", &*app_key),
                ("app_secret", secret.reveal()),
                ("refresh_token", refresh.reveal()),
                ("grant_type", "refresh_token"),
            ]);
            let document = checked(&client.send(request).await?)?;
            let data = document.root().get("data");
            let until_ms = data.get("access_token_expire_in").seconds().unwrap_or(0);
            Ok(Renewed {
                access: Secret::new(data.get("access_token").id()?),
                refresh: Secret::new(data.get("refresh_token").id()?),
                lifetime_ms: lifetime_ms(until_ms, clock::now_ms()),
            })
        })
    }))
}

/// The field is named a time to go and holds a time of day; one that lies decades back is taken for
/// what its name says.
fn lifetime_ms(until_ms: u64, now_ms: u64) -> u64 {
    if until_ms < now_ms / 2 {
        until_ms
    } else {
        until_ms.saturating_sub(now_ms)
    }
}

/// `product/sku`, both digits.
fn ids_of(item: &str) -> Result<(&str, &str), ApiError> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match item.split_once('/') {
        Some((product, sku)) if digits(product) && digits(sku) => Ok((product, sku)),
        _ => Err(ApiError::rejected(
            "item",
            &format!("`{item}` is no product/sku"),
        )),
    }
}

fn refusal(code: &str, message: &str, wait_ms: u64) -> ApiError {
    match code {
        "105002" => ApiError::expired(&format!("{code} {message}")),
        "106001" | "106011" => ApiError::unauthorised(&format!("{code} {message}")),
        "36009002" => ApiError::limited(wait_ms, message),
        "36009003" => ApiError::retry(code, message),
        _ => ApiError::rejected(code, message),
    }
}

impl Marketplace for TikTok {
    fn limits(&self) -> CallLimits {
        CallLimits {
            batch_max: 50,
            calls: 50,
            per_ms: 1_000,
            compares: false,
        }
    }

    /// SKUs of one product.
    fn group<'a>(&self, item: &'a str) -> &'a str {
        item.split('/').next().unwrap_or(item)
    }

    fn write_stock<'a>(&'a self, writes: &'a [StockWrite]) -> Answered<'a, ItemResults> {
        Box::pin(self.write(writes))
    }

    fn read_stock<'a>(&'a self, _: &'a [String]) -> Answered<'a, Vec<Option<i64>>> {
        let text = "writes do not compare, so nothing is read";
        Box::pin(async move { Err(ApiError::rejected("unsupported", text)) })
    }

    fn orders<'a>(&'a self, ids: &'a [String]) -> Answered<'a, Vec<Incoming>> {
        Box::pin(self.details(ids))
    }

    fn changed<'a>(&'a self, since_ms: u64, cursor: &'a str) -> Answered<'a, ChangedPage> {
        Box::pin(self.changes(since_ms, cursor))
    }

    fn cancel<'a>(&'a self, order_id: &'a str, lines: &'a [ChannelLine]) -> Answered<'a, ()> {
        Box::pin(async move {
            let mut skus = Vec::with_capacity(lines.len());
            for line in lines {
                let (_, sku) = ids_of(&line.item)?;
                skus.push(json!({"sku_id": sku, "quantity": line.quantity}));
            }
            let body = json!({"order_id": order_id, "skus": skus,
                "cancel_reason": "seller_cancel_reason_out_of_stock"});
            self.call(CANCEL, &[], Some(&body)).await.map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_a_call_sorts_its_parameters_and_covers_the_body() {
        let secret = Secret::new("topsecret");
        let path = "/product/202309/products/1/inventory/update";
        let query = [
            ("timestamp", "1700000000"),
            ("sign", "old"),
            ("shop_cipher", "ROW_x"),
            ("access_token", "not signed"),
            ("app_key", "abcdef"),
        ];
        let expected = "8055f54abe67323c06a720e537d41fdafe00658afbf6ef2cc0af8ab55968006a";
        assert_eq!(sign(&secret, path, &query, r#"{"skus":[]}"#), expected);
        assert_ne!(sign(&secret, path, &query, r#"{"skus":[ ]}"#), expected);
    }

    #[test]
    fn a_time_to_run_out_is_read_as_a_time_of_day_or_as_seconds_to_go() {
        let now_ms = 1_777_882_351_000;
        assert_eq!(lifetime_ms(now_ms + 9_000, now_ms), 9_000);
        assert_eq!(lifetime_ms(604_800_000, now_ms), 604_800_000);
        assert_eq!(lifetime_ms(now_ms - 9_000, now_ms), 0);
    }

    #[test]
    fn codes_are_told_apart() {
        for (code, class) in [
            ("105002", "unauthorised"),
            ("106001", "unauthorised"),
            ("36009002", "rate_limited"),
            ("36009003", "retry"),
            ("12052217", "rejected"),
        ] {
            assert_eq!(refusal(code, "", 0).class(), class);
        }
    }
}
