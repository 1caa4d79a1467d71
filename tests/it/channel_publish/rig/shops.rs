//! Five shops at the sandbox's marketplaces.

use onhand::channels::api::{self, Marketplace};
use onhand::channels::publish::api_options;
use onhand::channels::{ChannelOptions, Secrets, Standing};
use onhand::sandbox::Sandbox;
use onhand::sandbox::channels::{meta, shopee, shopify, tiktok, woocommerce};
use onhand::types::secret::Secret;
use onhand::types::{ChannelId, ChannelKind};
use std::sync::Arc;

/// A channel of the rig: the sandbox's name of its marketplace, and its options.
#[derive(Clone)]
pub struct Shop {
    pub place: &'static str,
    pub options: ChannelOptions,
    pub api: Arc<dyn Marketplace>,
    pub standing: Arc<Standing>,
}

/// One shop a marketplace, without limits.
pub fn shops(sandbox: &Sandbox) -> Vec<Shop> {
    let of = |number: u16,
              kind: ChannelKind,
              place: &'static str,
              shop: &str,
              secrets: &[(&str, &str)],
              settings: &[(&str, &str)]| {
        let credentials = secrets.iter();
        let settings = settings.iter().chain(&[("stock_calls_per_second", "0")]);
        let options = ChannelOptions {
            number: ChannelId(number),
            name: kind.name().to_owned(),
            kind,
            tenant: "acme".to_owned(),
            shop: shop.to_owned(),
            registered_url: String::new(),
            secrets: Secrets::default(),
            base_url: sandbox.base_url(place),
            credentials: credentials
                .map(|(name, secret)| ((*name).to_owned(), Secret::new(*secret)))
                .collect(),
            settings: settings
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            tokens: None,
            currency: None,
            poll_ms: 0,
            fetch_retry_ms: 2_000,
        };
        let api = api::connect(&api_options(&options)).unwrap();
        Shop {
            place,
            options,
            api,
            standing: Arc::default(),
        }
    };
    vec![
        of(
            1,
            ChannelKind::Shopify,
            "shopify",
            shopify::SHOP,
            &[("access_token", shopify::TOKEN)],
            &[("location", "77")],
        ),
        of(
            2,
            ChannelKind::WooCommerce,
            "woocommerce",
            woocommerce::SHOP,
            &[
                ("consumer_key", woocommerce::KEY),
                ("consumer_secret", woocommerce::SECRET),
            ],
            &[],
        ),
        of(
            3,
            ChannelKind::Shopee,
            "shopee",
            shopee::SHOP,
            &[
                ("partner_key", shopee::PARTNER_KEY),
                ("access_token", shopee::ACCESS_TOKEN),
            ],
            &[("partner_id", shopee::PARTNER_ID)],
        ),
        of(
            4,
            ChannelKind::TikTok,
            "tiktok",
            tiktok::SHOP,
            &[
                ("app_secret", tiktok::APP_SECRET),
                ("access_token", tiktok::ACCESS_TOKEN),
            ],
            &[
                ("app_key", tiktok::APP_KEY),
                ("shop_cipher", tiktok::SHOP_CIPHER),
                ("warehouses", "7000000000000000001"),
            ],
        ),
        of(
            5,
            ChannelKind::WhatsApp,
            "meta",
            meta::PHONE,
            &[("access_token", meta::TOKEN)],
            &[("catalog", meta::CATALOG)],
        ),
    ]
}
