//! Five markets in a sandbox, and a server with a shop at each, as processes of their own.
#![allow(clippy::indexing_slicing)] // a JSON value indexed where nothing is gives null

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Child;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::shops::{SHOPS, Shop, TENANT, channels_file};
use crate::args::ChannelsArguments;
use crate::figures::Server;
use crate::process::stand::{program, start_sandbox};

/// See the module. Dropping it ends both processes and deletes the server's data.
pub struct ChannelStand {
    sandbox: Sandbox,
    server: Server,
    http: SocketAddr,
    runtime: Runtime,
    client: Client,
    /// The channels file and its secrets.
    _files: TempDir,
}

/// The sandbox's process, which ends with its owner.
pub struct Sandbox {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Sandbox {
    /// Starts it; see [`start_sandbox`].
    pub fn start(program: &Path, real_limits: bool) -> Result<Self> {
        let (child, address) = start_sandbox(program, real_limits)?;
        Ok(Self { child, address })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Both fail only where the process is gone already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl ChannelStand {
    /// Starts both; orders of the markets wait where they were placed.
    pub fn start(arguments: &ChannelsArguments, orders: u64) -> Result<Self> {
        Self::start_with(arguments, orders, false, |_, _| Ok(Vec::new()))
    }

    /// As [`ChannelStand::start`], with the order process of this file, in which `ADDRESS` stands
    /// for the sandbox.
    pub fn with_process(arguments: &ChannelsArguments, orders: u64, file: &str) -> Result<Self> {
        Self::start_with(arguments, orders, false, |sandbox, files| {
            let path = files.join("process.toml");
            let text = file.replace("ADDRESS", &sandbox.to_string());
            std::fs::write(&path, text).context("the process file")?;
            Ok(vec!["--process".to_owned(), path.display().to_string()])
        })
    }

    /// Starts both, with the sandbox's providers for the order process: only with one are sales of
    /// markets taken that stock does not cover. `real_limits`: markets and providers hold their
    /// documented rate limits, and the server keeps to them; else neither does.
    pub fn in_process(arguments: &ChannelsArguments, real_limits: bool) -> Result<Self> {
        let providers =
            |sandbox: SocketAddr, _: &Path| Ok(vec!["--sandbox".to_owned(), sandbox.to_string()]);
        Self::start_with(arguments, 100_000, real_limits, providers)
    }

    fn start_with(
        arguments: &ChannelsArguments,
        orders: u64,
        real_limits: bool,
        more: impl Fn(SocketAddr, &Path) -> Result<Vec<String>>,
    ) -> Result<Self> {
        let program = program(arguments.server_bin.as_deref())?;
        let sandbox = Sandbox::start(&program, real_limits)?;
        let files = tempfile::tempdir().context("a directory for the channels file")?;
        let http = free_address()?;
        let text = channels_file(files.path(), sandbox.address, http, real_limits)?;
        let path = files.path().join("channels.toml");
        std::fs::write(&path, text).context("the channels file")?;
        let mut flags = more(sandbox.address, files.path())?;
        flags.extend(["--http".to_owned(), http.to_string()]);
        flags.extend(["--channels".to_owned(), path.display().to_string()]);
        let directory: &Path = &arguments.directory;
        let server = Server::start_with(&program, directory, &arguments.sync, orders, &flags)?;
        Ok(Self {
            sandbox,
            http: server.http().context("the server serves no HTTP")?,
            server,
            runtime: runtime()?,
            client: Client::new(),
            _files: files,
        })
    }

    /// Where the engine takes orders.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where the server serves HTTP.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where the sandbox listens.
    pub fn sandbox(&self) -> SocketAddr {
        self.sandbox.address
    }

    /// From now on the markets tell the server of their orders.
    pub fn tell_orders(&self) -> Result<()> {
        let url = format!("http://{}/_sandbox/callbacks", self.sandbox.address);
        let body = json!({ "target": format!("http://{}", self.http) });
        self.send(Method::POST, &url, Some(&body)).map(drop)
    }

    /// Makes something happen at a market.
    pub fn control(&self, shop: &Shop, action: &str, body: &Value) -> Result<Value> {
        let (address, market) = (self.sandbox.address, shop.market);
        let url = format!("http://{address}/_sandbox/{market}/{action}");
        self.send(Method::POST, &url, Some(body))
    }

    /// Asks the REST API as the shops' tenant.
    pub fn rest(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("http://{}/v1{path}", self.http);
        self.send(method, &url, body)
    }

    fn send(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Value> {
        self.runtime.block_on(async {
            let request = self.client.request(method, url);
            let mut request = request.header("onhand-tenant", TENANT);
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request.send().await?;
            let status = response.status();
            let text = response.text().await?;
            ensure!(status.is_success(), "{url}: {status}: {text}");
            serde_json::from_str(&text).with_context(|| format!("{url} answered {text}"))
        })
    }

    /// The server's metrics.
    pub fn metrics(&self) -> Result<String> {
        let url = format!("http://{}/metrics", self.http);
        self.runtime.block_on(async {
            let response = self.client.get(url).send().await?.error_for_status()?;
            Ok(response.text().await?)
        })
    }

    /// Makes SKUs known to all markets, with so much stock shown, and to the channels: each
    /// market's id of an item stands for its SKU.
    pub fn define_items(&self, skus: &[String], stock: u32) -> Result<()> {
        let items: Vec<Value> = skus
            .iter()
            .map(|sku| json!({ "sku": sku, "stock": stock }))
            .collect();
        for shop in &SHOPS {
            let path = format!("/channels/{}", shop.number);
            let channel = json!({ "name": shop.kind, "kind": shop.kind });
            self.rest(Method::PUT, &path, Some(&channel))?;
            let defined = self.control(shop, "items", &json!({ "items": items }))?;
            let defined = defined["items"].as_array().context("no ids of items")?;
            ensure!(defined.len() == skus.len(), "not every item has an id");
            let mappings: Vec<Value> = defined
                .iter()
                .zip(skus)
                .map(|(ids, sku)| mapping(shop, ids, sku))
                .collect();
            let path = format!("/mappings/{}", shop.number);
            for mappings in mappings.chunks(500) {
                let said = self.rest(Method::PUT, &path, Some(&json!({ "mappings": mappings })))?;
                let refused = said["refused"].as_array().map_or(0, Vec::len);
                ensure!(refused == 0, "{}: mappings were refused: {said}", shop.kind);
            }
        }
        Ok(())
    }
}

/// The mapping of an item by the ids that its market gave it.
fn mapping(shop: &Shop, ids: &Value, sku: &str) -> Value {
    let text = |name: &str| match &ids[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let item = match shop.kind {
        "shopify" => text("variant_id"),
        "woocommerce" => text("product_id"),
        "shopee" => format!("{}/{}", text("item_id"), text("model_id")),
        "tiktok" => format!("{}/{}", text("product_id"), text("sku_id")),
        _ => sku.to_owned(),
    };
    let write_back = match shop.kind {
        "shopify" => json!({ "inventory_item": text("inventory_item_id") }),
        _ => json!({}),
    };
    json!({ "item": item, "sku": sku, "write_back": write_back })
}

/// A runtime on the calling thread.
pub fn runtime() -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}

/// An address that nobody uses. The server's own is part of what Shopee signs, so it has to be
/// known before the server starts.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_mapping_has_what_its_marketplace_needs_for_writing_stock() {
        let ids = json!({ "variant_id": 44, "inventory_item_id": 55, "product_id": 66,
            "item_id": 77, "model_id": 88, "sku_id": "99" });
        let items: Vec<Value> = SHOPS.iter().map(|it| mapping(it, &ids, "MUG")).collect();
        let of = |place: usize| items[place]["item"].as_str().unwrap();
        assert_eq!([of(0), of(1), of(2)], ["44", "66", "77/88"]);
        assert_eq!([of(3), of(4)], ["66/99", "MUG"]);
        assert_eq!(items[0]["write_back"]["inventory_item"], "55");
    }
}
