//! A sandbox, and a shop at each of its marketplaces with the client that the product has for it.

use onhand::channels::api::{self, ApiError, ApiOptions, Marketplace, StockWrite};
use onhand::sandbox::channels::{meta, shopee, shopify, tiktok, woocommerce};
use onhand::sandbox::faults::Rule;
use onhand::sandbox::limits::Limiting;
use onhand::sandbox::{Options, Sandbox};
use onhand::types::ChannelKind;
use onhand::types::secret::Secret;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Marketplaces with orders that can be asked for.
pub const SELLERS: [ChannelKind; 4] = [
    ChannelKind::Shopify,
    ChannelKind::WooCommerce,
    ChannelKind::Shopee,
    ChannelKind::TikTok,
];

/// Waits until something holds, at most 30 s.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline_ms = onhand::clock::now_ms() + 30_000;
    while !holds().await {
        assert!(
            onhand::clock::now_ms() < deadline_ms,
            "not after 30 s: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// All marketplaces.
pub struct Market {
    pub sandbox: Sandbox,
}

/// A shop at one of them.
pub struct Shop {
    pub place: &'static str,
    kind: ChannelKind,
    root: String,
    pub options: ApiOptions,
    pub api: Arc<dyn Marketplace>,
}

impl Market {
    /// Without limits.
    pub fn open() -> Self {
        Self::with(Limiting::Off)
    }

    /// With the marketplaces' real limits.
    pub fn limited() -> Self {
        Self::with(Limiting::Real)
    }

    fn with(limits: Limiting) -> Self {
        let options = Options {
            step_ms: 0,
            limits,
            ..Options::default()
        };
        Self {
            sandbox: Sandbox::start(options).unwrap(),
        }
    }

    /// A shop, its token as it is.
    pub fn shop(&self, kind: ChannelKind) -> Shop {
        let (place, options) = options(&self.sandbox, kind);
        self.connect(place, options)
    }

    /// A shop whose tokens are renewed and kept in `folder`.
    pub fn renewing(&self, kind: ChannelKind, folder: &Path) -> Shop {
        let (place, mut options) = options(&self.sandbox, kind);
        options.tokens = api::tokens(folder, place, &options).unwrap();
        assert!(options.tokens.is_some());
        self.connect(place, options)
    }

    fn connect(&self, place: &'static str, options: ApiOptions) -> Shop {
        Shop {
            place,
            kind: options.kind,
            root: format!("http://{}", self.sandbox.address()),
            api: api::connect(&options).unwrap(),
            options,
        }
    }
}

type Texts = &'static [(&'static str, &'static str)];

fn options(sandbox: &Sandbox, kind: ChannelKind) -> (&'static str, ApiOptions) {
    let (place, shop, secrets, settings): (_, _, Texts, Texts) = match kind {
        ChannelKind::Shopify => (
            "shopify",
            shopify::SHOP,
            &[("access_token", shopify::TOKEN)],
            &[("location", "77")],
        ),
        ChannelKind::WooCommerce => (
            "woocommerce",
            woocommerce::SHOP,
            &[
                ("consumer_key", woocommerce::KEY),
                ("consumer_secret", woocommerce::SECRET),
            ],
            &[],
        ),
        ChannelKind::Shopee => (
            "shopee",
            shopee::SHOP,
            &[
                ("partner_key", shopee::PARTNER_KEY),
                ("access_token", shopee::ACCESS_TOKEN),
                ("refresh_token", shopee::REFRESH_TOKEN),
            ],
            &[("partner_id", shopee::PARTNER_ID)],
        ),
        ChannelKind::TikTok => (
            "tiktok",
            tiktok::SHOP,
            &[
                ("app_secret", tiktok::APP_SECRET),
                ("access_token", tiktok::ACCESS_TOKEN),
                ("refresh_token", tiktok::REFRESH_TOKEN),
            ],
            &[
                ("app_key", tiktok::APP_KEY),
                ("shop_cipher", tiktok::SHOP_CIPHER),
                ("warehouses", "7000000000000000001"),
            ],
        ),
        ChannelKind::WhatsApp => (
            "meta",
            meta::PHONE,
            &[("access_token", meta::TOKEN)],
            &[("catalog", meta::CATALOG)],
        ),
    };
    let secrets = secrets
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Secret::new(*text)));
    let settings = settings
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let options = ApiOptions {
        kind,
        base_url: sandbox.base_url(place),
        timeout_ms: 10_000,
        shop: shop.to_owned(),
        secrets: secrets.collect(),
        settings: settings.collect(),
        tokens: None,
    };
    (place, options)
}

impl Shop {
    /// Makes something happen at the marketplace.
    pub async fn control(&self, action: &str, body: &Value) -> Value {
        let url = format!("{}/_sandbox/{}/{action}", self.root, self.place);
        let reply = reqwest::Client::new().post(url).json(body).send().await;
        let reply = reply.unwrap();
        assert!(reply.status().is_success(), "{action}: {reply:?}");
        reply.json().await.unwrap()
    }

    /// Buyers order a mug each; the ids of their orders.
    pub async fn sell(&self, orders: u32) -> Vec<String> {
        self.define(orders + 10).await;
        let sold = json!({"orders": orders, "sku": "MUG"});
        let sold = self.control("sell", &sold).await;
        let ids = sold["orders"].as_array().unwrap().iter();
        ids.map(|id| id.as_str().map_or(id.to_string(), str::to_owned))
            .collect()
    }

    async fn define(&self, stock: u32) -> Value {
        let items = json!({"items": [{"sku": "MUG", "stock": stock}]});
        self.control("items", &items).await
    }

    /// Writes the mug's stock.
    pub async fn write(&self, quantity: u32) -> Result<(), ApiError> {
        let ids = self.define(3).await;
        let text = |name: &str| {
            let id = &ids["items"][0][name];
            id.as_str().map_or(id.to_string(), str::to_owned)
        };
        let item = match self.kind {
            ChannelKind::Shopify => text("inventory_item_id"),
            ChannelKind::WooCommerce => text("product_id"),
            ChannelKind::Shopee => format!("{}/{}", text("item_id"), text("model_id")),
            ChannelKind::TikTok => format!("{}/{}", text("product_id"), text("sku_id")),
            ChannelKind::WhatsApp => text("product_retailer_id"),
        };
        let write = StockWrite {
            item,
            quantity,
            expected: None,
        };
        let results = self.api.write_stock(&[write]).await?;
        results.into_iter().next().unwrap()
    }

    /// An id that is nobody's order.
    pub fn foreign(&self) -> &'static str {
        match self.kind {
            ChannelKind::Shopee => "260504SBX0999999",
            ChannelKind::TikTok => "576653688135999999",
            _ => "99",
        }
    }

    /// From now on this happens to every call.
    pub async fn goes_wrong(&self, rule: &Rule) {
        let url = format!("{}/_sandbox/faults", self.root);
        let reply = reqwest::Client::new().post(url).json(rule).send().await;
        assert_eq!(reply.unwrap().status(), 201);
    }

    /// Nothing goes wrong any more.
    pub async fn goes_well(&self) {
        let url = format!("{}/_sandbox/faults", self.root);
        let reply = reqwest::Client::new().delete(url).send().await;
        assert!(reply.unwrap().status().is_success());
    }
}
