//! Shopee's open platform: every call is signed.

use crate::channels::Delivery;
use crate::channels::api::{
    Answered, ApiError, ApiOptions, ApiOptionsError, CallLimits, ChangedPage, Client, ItemResults,
    Marketplace, Renewed, Renewer, Reply, StockWrite, Token, Tokens,
};
use crate::channels::document::{Field, Json};
use crate::channels::incoming::{ChannelLine, Incoming};
use crate::channels::signature;
use crate::clock;
use crate::types::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

const OWN: &str = "https://partner.shopeemobile.com";

const DETAIL: &str = "/api/v2/order/get_order_detail";
const LIST: &str = "/api/v2/order/get_order_list";
const CANCEL: &str = "/api/v2/order/cancel_order";
const UPDATE_STOCK: &str = "/api/v2/product/update_stock";
const LOST: &str = "/api/v2/push/get_lost_push_message";
const CONFIRM: &str = "/api/v2/push/confirm_consumed_lost_push_message";
const RENEW: &str = "/api/v2/auth/access_token/get";

const FIELDS: &str = "item_list,recipient_address,total_amount,buyer_user_id";

/// Orders of one detail call.
const DETAIL_MAX: usize = 50;

/// Longest span of one order list, in milliseconds (15 days).
const LIST_SPAN_MS: u64 = 15 * 24 * 3_600 * 1_000;

/// Daily quotas begin anew at midnight of UTC+8.
const DAY_MS: u64 = 24 * 3_600 * 1_000;
const ZONE_MS: u64 = 8 * 3_600 * 1_000;

/// A shop at Shopee.
#[derive(Debug)]
pub struct Shopee {
    client: Client,
    partner_id: String,
    key: Secret,
    tokens: Arc<Tokens>,
    shop: String,
    location: String,
}

/// The signature of a call: no separators.
fn sign(key: &Secret, partner: &str, path: &str, time: &str, token: &str, shop: &str) -> String {
    let parts = [partner, path, time, token, shop].map(str::as_bytes);
    signature::hex_digest(key.reveal().as_bytes(), &parts)
}

impl Shopee {
    /// Secrets `partner_key` and `access_token`; settings `partner_id`, `location` (optional).
    ///
    /// # Errors
    /// One is missing.
    pub fn new(options: &ApiOptions) -> Result<Self, ApiOptionsError> {
        Ok(Self {
            client: Client::new(options, OWN)?,
            partner_id: options.setting("partner_id")?,
            key: options.secret("partner_key")?,
            tokens: options.access()?,
            shop: options.shop()?,
            location: options.setting_or("location", ""),
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
        let token = token.access.reveal();
        let signature = sign(&self.key, &self.partner_id, path, &time, token, &self.shop);
        let method = if body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut request = self.client.request(method, path).query(&[
            ("partner_id", &*self.partner_id),
            ("timestamp", &time),
            ("access_token", token),
            ("shop_id", &self.shop),
            ("sign", &signature),
        ]);
        request = request.query(query);
        if let Some(body) = body {
            request = request.json(body);
        }
        checked(&self.client.send(request).await?)
    }

    async fn details(&self, ids: &[String]) -> Result<Vec<Incoming>, ApiError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(DETAIL_MAX) {
            let ids = ids.join(",");
            let query = [
                ("order_sn_list", &*ids),
                ("response_optional_fields", FIELDS),
            ];
            let document = self.call(DETAIL, &query, None).await?;
            found.extend(super::orders(&document.root().get("response"))?);
        }
        Ok(found)
    }

    async fn write(&self, writes: &[StockWrite]) -> Result<ItemResults, ApiError> {
        let mut item = 0_u64;
        let mut models = Vec::with_capacity(writes.len());
        let mut list = Vec::with_capacity(writes.len());
        for write in writes {
            let (its_item, model) = ids_of(&write.item)?;
            if !list.is_empty() && its_item != item {
                return Err(ApiError::rejected("mixed", "several items in one call"));
            }
            item = its_item;
            models.push(model);
            let mut stock = json!({"stock": write.quantity});
            if !self.location.is_empty()
                && let Some(members) = stock.as_object_mut()
            {
                members.insert("location_id".into(), json!(self.location));
            }
            list.push(json!({"model_id": model, "seller_stock": [stock]}));
        }
        let body = json!({"item_id": item, "stock_list": list});
        let document = self.call(UPDATE_STOCK, &[], Some(&body)).await?;
        let response = document.root().get("response");
        item_results(&models, &response)
    }

    /// Ids of the orders of pushes that could not be delivered, and the token that confirms them.
    async fn lost(&self) -> Result<(Vec<String>, Option<String>), ApiError> {
        let document = self.call(LOST, &[], None).await?;
        let response = document.root().get("response");
        let mut ids = Vec::new();
        for push in response.get("push_message_list").items()? {
            // Whatever cannot be read was not about an order, or is found by the order list.
            if let Ok(read) = super::push(&Delivery::default(), &push)
                && !read.order_id.is_empty()
                && !ids.contains(&read.order_id)
            {
                ids.push(read.order_id);
            }
        }
        let last = response.get("last_message_id").text_or_empty();
        let last = Some(last).filter(|last| !last.is_empty() && last != "0");
        Ok((ids, last))
    }

    async fn changes(&self, since_ms: u64, cursor: &str) -> Result<ChangedPage, ApiError> {
        let now_ms = clock::now_ms();
        let from_ms = since_ms.max(now_ms.saturating_sub(LIST_SPAN_MS));
        let (from, to) = (from_ms / 1_000, now_ms / 1_000 + 1);
        let (from, to) = (from.to_string(), to.to_string());
        let query = [
            ("time_range_field", "update_time"),
            ("time_from", &*from),
            ("time_to", &*to),
            ("page_size", "100"),
            ("cursor", cursor),
        ];
        let mut confirm = None;
        let mut ids = Vec::new();
        if cursor.is_empty() {
            (ids, confirm) = self.lost().await?;
        }
        let document = self.call(LIST, &query, None).await?;
        let response = document.root().get("response");
        for order in response.get("order_list").items()? {
            let id = order.get("order_sn").id()?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let more = response.get("more").is_true();
        let next = response.get("next_cursor").text_or_empty();
        Ok(ChangedPage {
            incoming: self.details(&ids).await?,
            next: (more && !next.is_empty()).then_some(next),
            confirm,
        })
    }
}

/// The answer, where it is one of success.
fn checked(reply: &Reply) -> Result<Json, ApiError> {
    let document = reply.document()?;
    let root = document.root();
    let (error, message) = (
        root.get("error").text_or_empty(),
        root.get("message").text_or_empty(),
    );
    // Success and failure both come with status 200.
    if error.is_empty() {
        return match reply.refusal("", &message) {
            Some(refusal) => Err(refusal),
            None => Ok(document),
        };
    }
    Err(refusal(&error, &message, clock::now_ms()))
}

/// Asks for a new pair of tokens: signed as every call, without token and shop.
///
/// # Errors
/// A secret or setting is missing.
pub fn renewer(options: &ApiOptions) -> Result<Renewer, ApiOptionsError> {
    let (partner_id, shop) = (options.setting("partner_id")?, options.shop()?);
    let key = options.secret("partner_key")?;
    let options = options.clone();
    Ok(Arc::new(move |refresh: Secret| {
        let (partner_id, shop, key) = (partner_id.clone(), shop.clone(), key.clone());
        // A client of its own: the thread that renews has a runtime of its own.
        let client = Client::new(&options, OWN);
        Box::pin(async move {
            let client = client.map_err(|error| ApiError::retry("http", &error.to_string()))?;
            let time = (clock::now_ms() / 1_000).to_string();
            let signature = sign(&key, &partner_id, RENEW, &time, "", "");
            let number = |text: &str| {
                text.parse::<u64>()
                    .map_or_else(|_| json!(text), |n| json!(n))
            };
            let body = json!({"refresh_token": refresh.reveal(), "shop_id": number(&shop),
                "partner_id": number(&partner_id)});
            let request = client.request(Method::POST, RENEW).query(&[
                ("partner_id", &*partner_id),
                ("timestamp", &time),
                ("sign", &signature),
            ]);
            let document = checked(&client.send(request.json(&body)).await?)?;
            let root = document.root();
            Ok(Renewed {
                access: Secret::new(root.get("access_token").id()?),
                refresh: Secret::new(root.get("refresh_token").id()?),
                lifetime_ms: root.get("expire_in").seconds().unwrap_or(0),
            })
        })
    }))
}

/// Models that are in neither list of the answer were not written.
fn item_results(models: &[u64], response: &Field<'_>) -> Result<ItemResults, ApiError> {
    let mut done = Vec::new();
    for one in response.get("success_list").items()? {
        done.push(one.get("model_id").whole()?);
    }
    let mut failed = Vec::new();
    for one in response.get("failure_list").items()? {
        let reason = one.get("failed_reason").text_or_empty();
        failed.push((one.get("model_id").whole()?, reason));
    }
    let result = |model: &u64| {
        if let Some((_, reason)) = failed.iter().find(|(id, _)| id == model) {
            return Err(ApiError::rejected("failure_list", reason));
        }
        if done.contains(model) {
            return Ok(());
        }
        Err(ApiError::retry(
            "not_answered",
            "the model is in neither list",
        ))
    };
    Ok(models.iter().map(result).collect())
}

/// `item/model`; the model is 0 where the item has none.
fn ids_of(item: &str) -> Result<(u64, u64), ApiError> {
    let (id, model) = item.split_once('/').unwrap_or((item, "0"));
    match (id.parse(), model.parse()) {
        (Ok(id), Ok(model)) => Ok((id, model)),
        _ => Err(ApiError::rejected(
            "item",
            &format!("`{item}` is no item/model"),
        )),
    }
}

fn refusal(error: &str, message: &str, now_ms: u64) -> ApiError {
    // Some calls put the name of the API in front.
    let word = error.rsplit('.').next().unwrap_or(error);
    match word {
        "error_server" | "error_inner" | "error_system_busy" => ApiError::retry(word, message),
        "error_rate_limit" => ApiError::limited(0, message),
        "error_limit" => ApiError::limited(DAY_MS - (now_ms + ZONE_MS) % DAY_MS, message),
        "error_auth" | "invalid_access_token" => ApiError::expired(&format!("{word} {message}")),
        "error_sign" | "error_permission" => ApiError::unauthorised(&format!("{word} {message}")),
        _ => ApiError::rejected(word, message),
    }
}

impl Marketplace for Shopee {
    fn limits(&self) -> CallLimits {
        CallLimits {
            batch_max: 50,
            // Not published; sellers report about this.
            calls: 10,
            per_ms: 1_000,
            compares: false,
        }
    }

    /// Models of one item.
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

    fn confirm<'a>(&'a self, token: &'a str) -> Answered<'a, ()> {
        Box::pin(async move {
            let last: u64 = token.parse().unwrap_or(0);
            let body = json!({"last_message_id": last});
            self.call(CONFIRM, &[], Some(&body)).await.map(drop)
        })
    }

    fn cancel<'a>(&'a self, order_id: &'a str, lines: &'a [ChannelLine]) -> Answered<'a, ()> {
        Box::pin(async move {
            let mut items = Vec::with_capacity(lines.len());
            for line in lines {
                let (item, model) = ids_of(&line.item)?;
                items.push(json!({"item_id": item, "model_id": model}));
            }
            let body = json!({"order_sn": order_id, "cancel_reason": "OUT_OF_STOCK",
                "item_list": items});
            self.call(CANCEL, &[], Some(&body)).await.map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_a_call_has_no_separators() {
        let signature = sign(
            &Secret::new("topsecret"),
            "2001887",
            "/api/v2/shop/get_shop_info",
            "1655714431",
            "59777174636562737266615546704c6d",
            "14701711",
        );
        let expected = "17e9a8f4231db97e8e8089d22bbe1a17b681a365d4687f2a8f3241eea85619a5";
        assert_eq!(signature, expected);
    }

    #[test]
    fn a_model_is_written_only_where_the_answer_says_so() {
        let answer = br#"{"success_list":[{"model_id":1}],
            "failure_list":[{"model_id":2,"failed_reason":"in a promotion"}]}"#;
        let document = Json::parse(answer).unwrap();
        let results = item_results(&[1, 2, 3], &document.root()).unwrap();
        assert_eq!(results[0], Ok(()));
        assert_eq!(results[1].as_ref().unwrap_err().class(), "rejected");
        assert_eq!(results[2].as_ref().unwrap_err().class(), "retry");
    }

    #[test]
    fn errors_are_told_apart_and_a_daily_quota_ends_at_midnight_of_its_zone() {
        for (error, class) in [
            ("error_server", "retry"),
            ("error_inner", "retry"),
            ("product.error_system_busy", "retry"),
            ("error_rate_limit", "rate_limited"),
            ("error_auth", "unauthorised"),
            ("error_sign", "unauthorised"),
            ("error_param", "rejected"),
        ] {
            assert_eq!(refusal(error, "", 0).class(), class, "{error}");
        }
        let wait = |now_ms| match refusal("error_limit", "", now_ms) {
            ApiError::RateLimited { wait_ms, .. } => wait_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(0), 16 * 3_600 * 1_000);
        assert_eq!(wait(16 * 3_600 * 1_000 - 1), 1);
    }
}
