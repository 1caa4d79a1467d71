//! The operator's desk: the HTTP API, as a person's tools use it.
#![allow(clippy::indexing_slicing)] // a JSON value indexed where nothing is gives null

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, ensure};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::super::shop::TENANT;

/// See the module.
pub(super) struct Desk {
    runtime: Runtime,
    client: Client,
    engine: SocketAddr,
    /// Commands given so far: part of their keys.
    commands: u64,
}

/// One order as the API shows it.
pub(super) struct OrderPage(Value);

/// A wait before the next attempt.
pub(super) struct RetryWait {
    pub attempt: u64,
    pub wait_ms: u64,
    pub cause: String,
}

impl Desk {
    pub(super) fn new(engine: SocketAddr) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // A second installation in one process is refused, and the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            runtime,
            client: Client::new(),
            engine,
            commands: 0,
        })
    }

    /// One order.
    pub(super) fn order(&self, order: &str) -> anyhow::Result<OrderPage> {
        self.get(&format!("/v1/orders/{order}")).map(OrderPage)
    }

    /// Keys of the orders in review.
    pub(super) fn review(&self) -> anyhow::Result<Vec<String>> {
        let page = self.get("/v1/review?limit=500")?;
        let orders = page["orders"].as_array().context("no `orders`")?;
        let keys = orders.iter().filter_map(|order| order["order"].as_str());
        Ok(keys.map(str::to_owned).collect())
    }

    /// State of each breaker, by provider.
    pub(super) fn breakers(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let page = self.get("/v1/breakers")?;
        let breakers = page["breakers"].as_array().context("no `breakers`")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(breakers
            .iter()
            .map(|one| (text(&one["provider"]), text(&one["state"])))
            .collect())
    }

    /// Closes a breaker by hand.
    pub(super) fn reset_breaker(&mut self, provider: &str) -> anyhow::Result<()> {
        self.post(&format!("/v1/breakers/{provider}/reset"), &json!({}))
    }

    /// Lets an order go on from review.
    pub(super) fn approve(&mut self, order: &str) -> anyhow::Result<()> {
        let reason = json!({ "reason": "the processors are back" });
        self.post(&format!("/v1/review/{order}/approve"), &reason)
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.client.get(format!("http://{}{path}", self.engine));
        self.send(path, request)
    }

    fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<()> {
        self.commands += 1;
        let key = format!("demo-{}-{path}", self.commands);
        let url = format!("http://{}{path}", self.engine);
        let request = self.client.post(url).json(body);
        self.send(path, request.header("Idempotency-Key", key))
            .map(drop)
    }

    fn send(&self, path: &str, request: RequestBuilder) -> anyhow::Result<Value> {
        self.runtime.block_on(async {
            let request = request.header("Onhand-Tenant", TENANT);
            let response = request.send().await.context("the HTTP API")?;
            let status = response.status();
            let text = response.text().await?;
            ensure!(status.is_success(), "{path} answered {status}: {text}");
            serde_json::from_str(&text).with_context(|| format!("{path} answered `{text}`"))
        })
    }
}

impl OrderPage {
    fn effects(&self) -> impl Iterator<Item = &Value> {
        let effects = self.0["process"]["effects"].as_array();
        effects.into_iter().flatten()
    }

    /// True where this processor holds the money.
    pub(super) fn authorised_by(&self, provider: &str) -> bool {
        let process = &self.0["process"];
        process["processor"] == provider && process["authorised"].as_u64().unwrap_or(0) > 0
    }

    /// True where the order has left PAYMENT behind.
    pub(super) fn is_past_payment(&self) -> bool {
        let state = self.0["state"].as_str().unwrap_or_default();
        !matches!(state, "FRAUD_CHECK" | "PAYMENT" | "")
    }

    /// The wait that an authorisation at `provider` is in, if it is in one.
    pub(super) fn retry_wait(&self, provider: &str) -> Option<RetryWait> {
        let waits = |effect: &&Value| {
            effect["kind"] == "payment_authorise"
                && effect["provider"] == provider
                && effect["next"] == "retry_wait"
        };
        let effect = self.effects().find(waits)?;
        let time = |name: &str| -> Option<jiff::Timestamp> { effect[name].as_str()?.parse().ok() };
        let wait = time("due")?.as_millisecond() - time("since")?.as_millisecond();
        let text = |name: &str| effect[name].as_str().unwrap_or_default();
        let cause = match text("message") {
            "" => text("code").to_owned(),
            message => message.to_owned(),
        };
        Some(RetryWait {
            attempt: effect["attempt"].as_u64()?,
            wait_ms: u64::try_from(wait).ok()?,
            cause,
        })
    }
}
