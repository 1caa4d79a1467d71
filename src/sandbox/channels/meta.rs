//! Meta: carts that buyers send over WhatsApp, and the catalogue with its stock.
//!
//! Base URL `http://ADDRESS/meta`, bearer token. Messages go to `TARGET/webhooks/whatsapp/PHONE`. A
//! message has neither address nor total, and there is none for a cancellation. Stock is written by
//! `items_batch`, which answers with a handle and takes effect a moment later.

use super::control::{self, Change, Channel};
use super::market::{Market, Order, Written};
use super::shopify::note_stock;
use crate::sandbox::shape::At;
use crate::sandbox::{Callback, Core, Limit, LimitState, Provider, Reply, Request, Signing, sign};
use axum::http::Method;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The documented access token (`meta.token` in the options).
pub const TOKEN: &str = "EAAonhandsandbox";
/// The documented app secret, which signs messages (`meta.app_secret` in the options).
pub const APP_SECRET: &str = "onhand-sandbox-meta-app-secret";
/// The number that buyers write to (`meta.phone_number_id` in the options).
pub const PHONE: &str = "106000";
/// The catalogue's id.
pub const CATALOG: &str = "30300";
const CURRENCY: &str = "EUR";
/// Most requests of one batch.
const MOST_BATCH: usize = 5_000;
/// How long a batch takes, in milliseconds.
const BATCH_MS: u64 = 20;
/// The most batches that are remembered.
const MOST_HANDLES: usize = 100_000;

/// A batch: what it wants, and what was wrong once it has run.
#[derive(Debug)]
struct Batch {
    requests: Vec<Value>,
    done: bool,
    errors: Vec<Value>,
}

/// A WhatsApp business account with a catalogue.
#[derive(Debug)]
pub struct Meta {
    market: Market,
    batches: Mutex<BTreeMap<String, Batch>>,
}

impl Meta {
    /// A catalogue without products.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            market: Market::new(seed),
            batches: Mutex::default(),
        }
    }

    fn items_batch(&self, request: &Request, core: &Core) -> Reply {
        let body = request.json().unwrap_or_default();
        let requests = body.at("/requests").as_array().cloned().unwrap_or_default();
        if body.at("/item_type").as_str() != Some("PRODUCT_ITEM") {
            return refuse(
                400,
                100,
                "(#100) Param item_type must be one of {PRODUCT_ITEM}",
            );
        }
        if !(1..=MOST_BATCH).contains(&requests.len()) {
            return refuse(400, 100, "(#100) Param requests takes 1 to 5000 items");
        }
        let handle = format!("AcH{}", core.next_id());
        let mut batches = self.batches.lock();
        if batches.len() >= MOST_HANDLES {
            batches.pop_first();
        }
        let batch = Batch {
            requests,
            done: false,
            errors: Vec::new(),
        };
        batches.insert(handle.clone(), batch);
        core.later("meta", BATCH_MS, format!("batch {handle}"));
        Reply::json(200, &json!({"handles": [handle], "validation_status": []}))
    }

    fn finish(&self, handle: &str, core: &Core) {
        let mut batches = self.batches.lock();
        let Some(batch) = batches.get_mut(handle) else {
            return;
        };
        let mut state = self.market.lock();
        for one in &batch.requests {
            let sku = one.at("/data/id").as_str().unwrap_or_default();
            let stock = one.at("/data/quantity_to_sell_on_facebook").as_i64();
            let number = state.items.get(sku).map(|item| item.number);
            let said = match (number, stock) {
                (Some(number), Some(stock)) => state.write(number, stock, None, core.now_ms()),
                _ => Written::Unknown,
            };
            match (said, stock) {
                (Written::Taken, Some(stock)) => note_stock(core, "meta", sku, stock),
                _ => batch
                    .errors
                    .push(json!({"line": 0, "id": sku, "message": "The item cannot be updated."})),
            }
        }
        batch.done = true;
    }

    fn status(&self, handle: &str) -> Reply {
        match self.batches.lock().get(handle) {
            None => refuse(400, 100, "(#100) Invalid handle"),
            Some(batch) => {
                let status = if batch.done {
                    "finished"
                } else {
                    "in_progress"
                };
                Reply::json(
                    200,
                    &json!({"data": [{"status": status, "handle": handle,
                        "errors_total_count": batch.errors.len(), "errors": batch.errors}]}),
                )
            }
        }
    }
}

fn refuse(status: u16, code: u32, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": {"message": message, "type": "OAuthException", "code": code,
            "fbtrace_id": "A0"}}),
    )
}

impl Channel for Meta {
    fn name(&self) -> &'static str {
        "meta"
    }

    fn market(&self) -> &Market {
        &self.market
    }

    fn order_id(&self, number: u64) -> String {
        format!("wamid.SBX{number:08}")
    }

    fn order_number(&self, id: &str) -> Option<u64> {
        id.strip_prefix("wamid.SBX")?.parse().ok()
    }

    fn item_ids(&self, _: u64, sku: &str) -> Value {
        json!({"sku": sku, "product_retailer_id": sku, "catalog_id": CATALOG})
    }

    fn mapping(&self, _: u64, sku: &str) -> (String, Vec<(&'static str, String)>) {
        (sku.to_owned(), Vec::new())
    }

    fn tell(&self, order: &Order, change: Change, core: &Core) {
        if change != Change::Created {
            return; // a buyer who changes his mind writes a text
        }
        self.market.lock().tell(order.number);
        let phone = core.secret("meta.phone_number_id", PHONE).to_owned();
        let buyer = format!("34600{:06}", order.buyer % 1_000_000);
        let items: Vec<Value> = order
            .lines
            .iter()
            .map(|line| {
                #[allow(clippy::cast_precision_loss)] // as it is sent: a number with a fraction
                let price = line.price_minor as f64 / 100.0;
                json!({"product_retailer_id": line.sku, "quantity": line.quantity,
                    "item_price": price, "currency": CURRENCY})
            })
            .collect();
        let message = json!({"from": buyer, "id": self.order_id(order.number),
            "timestamp": (order.created_ms / 1_000).to_string(), "type": "order",
            "order": {"catalog_id": CATALOG, "text": "", "product_items": items}});
        let value = json!({"messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550001111", "phone_number_id": phone},
            "contacts": [{"profile": {"name": "Ana"}, "wa_id": buyer}], "messages": [message]});
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1020",
            "changes": [{"field": "messages", "value": value}]}]});
        let callback = Callback {
            provider: "meta",
            secret: ("meta.app_secret", APP_SECRET),
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
            sign: Arc::new(|signing: &Signing| {
                let digest = sign::sha256(signing.secret.as_bytes(), &[&signing.body]);
                vec![(
                    "x-hub-signature-256",
                    format!("sha256={}", hex::encode(digest)),
                )]
            }),
        };
        let path = format!("/webhooks/whatsapp/{phone}");
        core.callbacks.send_below(path, true, callback);
    }
}

impl Provider for Meta {
    fn name(&self) -> &'static str {
        "meta"
    }

    fn operation(&self, request: &Request) -> &'static str {
        if request.path.ends_with("/items_batch") {
            "stock"
        } else {
            "status"
        }
    }

    fn limits(&self) -> &'static [Limit] {
        const LIMITS: &[Limit] = &[Limit::of("stock", 100, 3_600_000)];
        LIMITS
    }

    fn refuse_limit(&self, _: &Request, _: LimitState) -> Reply {
        refuse(
            400,
            80_014,
            "(#80014) There have been too many calls for the batch uploads to this catalog account.",
        )
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        refuse(status, 2, "Service temporarily unavailable")
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        let given = request.bearer().unwrap_or_default();
        if !sign::equal(
            given.as_bytes(),
            core.secret("meta.token", TOKEN).as_bytes(),
        ) {
            return refuse(401, 190, "Invalid OAuth access token.");
        }
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&request.method, parts.as_slice()) {
            (&Method::POST, [_, CATALOG, "items_batch"]) => self.items_batch(request, core),
            (&Method::GET, [_, CATALOG, "check_batch_request_status"]) => {
                self.status(&request.query_value("handle").unwrap_or_default())
            }
            _ => refuse(
                404,
                803,
                "(#803) Some of the aliases you requested do not exist",
            ),
        }
    }

    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        control::control(self, action, request, core)
    }

    fn timer(&self, token: &str, core: &Core) {
        match token.strip_prefix("batch ") {
            Some(handle) => self.finish(handle, core),
            None => {
                control::timer(self, token, core);
            }
        }
    }
}
