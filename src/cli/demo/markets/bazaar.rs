//! Both sides of the marketplaces: what happens at them, by the sandbox's controls, and what the
//! engine has of it, by its HTTP API and its protocol.
#![allow(clippy::indexing_slicing)] // a JSON value indexed where nothing is gives null

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::cli::demo::shop::{self, TENANT};
use crate::types::{ChannelId, OrderState};
use crate::wire::key::order_key;

/// Attempts to send a request: the engine may be busy.
const TRIES: u32 = 3;

/// A marketplace: its name in the sandbox, and the channel that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Market {
    pub place: &'static str,
    pub name: &'static str,
    pub channel: u16,
    /// It has sold what it reports; a message only asks.
    pub sells: bool,
}

/// All of them, as the sandbox's channels file has them.
pub(super) const MARKETS: [Market; 5] = [
    market("shopify", "shopify", 11),
    market("woocommerce", "woocommerce", 12),
    market("shopee", "shopee", 13),
    market("tiktok", "tiktok", 14),
    Market {
        sells: false,
        ..market("meta", "whatsapp", 15)
    },
];

const fn market(place: &'static str, name: &'static str, channel: u16) -> Market {
    Market {
        place,
        name,
        channel,
        sells: true,
    }
}

/// An order of a marketplace.
#[derive(Clone, Debug)]
pub(super) struct Sold {
    pub id: String,
    pub sku: String,
    pub units: u64,
    pub cancelled: bool,
}

/// What a marketplace says of one SKU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub stock: i64,
    pub sold: u64,
    pub cancelled: u64,
}

/// See the module.
pub(super) struct Bazaar {
    runtime: Runtime,
    client: Client,
    sandbox: SocketAddr,
    http: SocketAddr,
    engine: SocketAddr,
}

impl Bazaar {
    pub(super) fn new(
        sandbox: SocketAddr,
        http: SocketAddr,
        engine: SocketAddr,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // A second installation in one process is refused, and the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            runtime,
            client: Client::new(),
            sandbox,
            http,
            engine,
        })
    }

    /// Makes something happen at a marketplace.
    pub(super) fn control(
        &self,
        market: Market,
        action: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let url = format!("http://{}/_sandbox/{}/{action}", self.sandbox, market.place);
        self.send(&url, || self.client.post(&url).json(body))
    }

    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("http://{}/v1{path}", self.http);
        self.send(&url, || {
            self.client.get(&url).header("Onhand-Tenant", TENANT)
        })
    }

    pub(super) fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("http://{}/v1{path}", self.http);
        self.send(&url, || {
            let request = self.client.put(&url).header("Onhand-Tenant", TENANT);
            request.json(body)
        })
    }

    /// Receives units of a SKU.
    pub(super) fn receive(&self, sku: &str, units: u32) -> anyhow::Result<()> {
        let url = format!("http://{}/v1/stock/{sku}/receive", self.http);
        let body = json!({"location": "berlin", "quantity": units});
        let key = format!("demo-{sku}-{units}");
        let sent = self.send(&url, || {
            let request = self.client.post(&url).header("Onhand-Tenant", TENANT);
            request.header("Idempotency-Key", &key).json(&body)
        });
        sent.map(drop)
    }

    fn send(&self, what: &str, request: impl Fn() -> RequestBuilder) -> anyhow::Result<Value> {
        self.runtime.block_on(async {
            let mut tries = 1;
            let response = loop {
                match request().send().await {
                    Err(_) if tries < TRIES => tries += 1,
                    sent => break sent.with_context(|| format!("cannot ask {what}"))?,
                }
            };
            let status = response.status();
            let text = response.text().await?;
            ensure!(status.is_success(), "{what} answered {status}: {text}");
            serde_json::from_str(&text).with_context(|| format!("{what} answered `{text}`"))
        })
    }

    /// The marketplace has these SKUs, and its items stand for them.
    pub(super) fn map(&self, market: Market, skus: &[&str]) -> anyhow::Result<()> {
        let items: Vec<Value> = skus.iter().map(|sku| json!({"sku": sku})).collect();
        let defined = self.control(market, "items", &json!({"items": items}))?;
        let items = defined["items"].as_array().context("no `items`")?;
        let mappings: Vec<&Value> = items.iter().map(|item| &item["mapping"]).collect();
        let path = format!("/mappings/{}", market.name);
        let set = self.put(&path, &json!({"mappings": mappings}))?;
        let refused = set["refused"].as_array().is_none_or(|all| !all.is_empty());
        ensure!(!refused, "mappings of {} were refused: {set}", market.name);
        Ok(())
    }

    /// What the channel gets of a SKU.
    pub(super) fn rule(
        &self,
        market: Market,
        sku: &str,
        rule: &str,
        units: u32,
    ) -> anyhow::Result<()> {
        let rule = json!({"sku": sku, "rule": rule, "units": units});
        self.put(&format!("/channels/{}/rules", market.channel), &rule)
            .map(drop)
    }

    pub(super) fn shown(&self, market: Market, sku: &str) -> anyhow::Result<Shown> {
        let truth = self.control(market, "truth", &json!({}))?;
        let items = truth["items"].as_array().context("no `items`")?;
        let found = items.iter().find(|item| item["sku"] == sku);
        let found = found.with_context(|| format!("{} has no {sku}", market.name))?;
        let number = |name: &str| found[name].as_u64().unwrap_or_default();
        Ok(Shown {
            stock: found["stock"].as_i64().context("no `stock`")?,
            sold: number("sold"),
            cancelled: number("cancelled"),
        })
    }

    /// What the rules give the channel.
    pub(super) fn offered(&self, market: Market, sku: &str) -> anyhow::Result<i64> {
        let page = self.get(&format!("/channels/{}/stock?sku={sku}", market.channel))?;
        page["stock"][0]["quantity"].as_i64().context("no quantity")
    }

    /// All orders of the marketplace, or carts.
    pub(super) fn sold(&self, market: Market) -> anyhow::Result<Vec<Sold>> {
        let mut sold = Vec::new();
        let mut behind = 0;
        loop {
            let page = self.control(market, "orders", &json!({"behind": behind}))?;
            let orders = page["orders"].as_array().context("no `orders`")?;
            for order in orders {
                let line = &order["lines"][0];
                sold.push(Sold {
                    id: order["order"].as_str().context("no `order`")?.to_owned(),
                    sku: line["sku"].as_str().unwrap_or_default().to_owned(),
                    units: line["quantity"].as_u64().unwrap_or_default(),
                    cancelled: order["cancelled"] == true,
                });
            }
            match page["next"].as_u64() {
                Some(next) => behind = next,
                None => return Ok(sold),
            }
        }
    }

    /// How far the engine is with each of these orders; none: it does not know the order.
    pub(super) fn states(
        &self,
        market: Market,
        sold: &[Sold],
    ) -> anyhow::Result<Vec<Option<OrderState>>> {
        let channel = ChannelId(market.channel);
        let keys = sold.iter().map(|one| order_key(channel, one.id.as_bytes()));
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let answers = shop::connect(self.engine)?.query_orders(&keys)?;
        Ok(answers.iter().map(|order| order.summary.state).collect())
    }

    /// Events that wait for a person.
    pub(super) fn held(&self) -> anyhow::Result<u64> {
        let mut held = 0;
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/quarantine?limit=500{after}"))?;
            held += page["events"].as_array().context("no `events`")?.len() as u64;
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(held),
            }
        }
    }
}
