//! Five shops at the sandbox's markets, with the credentials that the sandbox documents.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

/// Tenant of the shops: beside the load generator's own.
pub const TENANT: &str = "shops";

/// The key that TikTok Shop signs together with a body.
pub const TIKTOK_APP_KEY: &str = "onhandsandbox";

/// One shop.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// The merchant's number of the channel.
    pub number: u16,
    /// Kind, and name of the channel.
    pub kind: &'static str,
    /// What the sandbox calls the market.
    pub market: &'static str,
    /// The shop's id.
    pub id: &'static str,
    /// What its deliveries are signed with.
    pub secret: &'static str,
    /// Credentials of its API.
    credentials: &'static [(&'static str, &'static str)],
    /// Further lines of the channels file.
    lines: &'static str,
}

impl Shop {
    /// Path of its webhooks.
    pub fn path(&self) -> String {
        format!("/webhooks/{}/{}", self.kind, self.id)
    }

    /// True where buyers send wishes, which the engine may refuse, not sales.
    pub fn takes_wishes(&self) -> bool {
        self.kind == "whatsapp"
    }
}

/// All five.
pub const SHOPS: [Shop; 5] = [
    Shop {
        number: 1,
        kind: "shopify",
        market: "shopify",
        id: "onhand-sandbox.myshopify.com",
        secret: "shpss_onhand_sandbox",
        credentials: &[("access_token", "shpat_onhand_sandbox")],
        lines: "settings.location = \"77\"\n",
    },
    Shop {
        number: 2,
        kind: "woocommerce",
        market: "woocommerce",
        id: "shop.sandbox.example",
        secret: "onhand-sandbox-woo-webhook",
        credentials: &[
            ("consumer_key", "ck_onhand_sandbox"),
            ("consumer_secret", "cs_onhand_sandbox"),
        ],
        lines: "",
    },
    Shop {
        number: 3,
        kind: "shopee",
        market: "shopee",
        id: "727000001",
        secret: "onhand-sandbox-shopee-partner-key",
        credentials: &[
            ("partner_key", "onhand-sandbox-shopee-partner-key"),
            ("access_token", "onhandsandboxshopeetoken"),
        ],
        lines: "settings.partner_id = \"2001887\"\n",
    },
    Shop {
        number: 4,
        kind: "tiktok",
        market: "tiktok",
        id: "7495540735365777507",
        secret: "onhand-sandbox-tiktok-app-secret",
        credentials: &[
            ("app_secret", "onhand-sandbox-tiktok-app-secret"),
            ("access_token", "ROW_onhand_sandbox"),
        ],
        lines: "app_key = \"onhandsandbox\"\nsettings.app_key = \"onhandsandbox\"\n\
                settings.shop_cipher = \"ROW_sandbox_cipher\"\n\
                settings.warehouses = \"7000000000000000001\"\n",
    },
    Shop {
        number: 5,
        kind: "whatsapp",
        market: "meta",
        id: "106000",
        secret: "onhand-sandbox-meta-app-secret",
        credentials: &[("access_token", "EAAonhandsandbox")],
        lines: "settings.catalog = \"30300\"\nsettings.unchecked_prices = true\n",
    },
];

/// Writes the channels file and the files of its secrets into a directory, and returns its text.
/// `real_limits`: stock is written as fast as each marketplace allows, else without limit.
pub fn channels_file(
    directory: &Path,
    sandbox: SocketAddr,
    http: SocketAddr,
    real_limits: bool,
) -> Result<String> {
    let mut text = String::new();
    for shop in SHOPS {
        let place = |name: &str, secret: &str| -> Result<String> {
            let path = directory.join(format!("{}-{name}", shop.kind));
            std::fs::write(&path, secret)
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(format!("{{ file = \"{}\" }}", path.display()))
        };
        writeln!(text, "[[channel]]\nnumber = {}", shop.number)?;
        writeln!(text, "name = \"{0}\"\nkind = \"{0}\"", shop.kind)?;
        writeln!(text, "tenant = \"{TENANT}\"\nshop = \"{}\"", shop.id)?;
        writeln!(text, "url = \"http://{http}{}\"", shop.path())?;
        writeln!(text, "base_url = \"http://{sandbox}/{}\"", shop.market)?;
        let signing = place("webhook", shop.secret)?;
        writeln!(text, "webhook_secrets = [{signing}]\npoll_seconds = 0")?;
        if shop.takes_wishes() {
            writeln!(text, "verify_token = {signing}")?;
        }
        text.push_str(shop.lines);
        for (name, secret) in shop.credentials {
            writeln!(text, "secrets.{name} = {}", place(name, secret)?)?;
        }
        if !real_limits {
            writeln!(text, "settings.stock_calls_per_second = 0")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channels_file_is_one_that_the_server_takes() {
        let directory = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        for real_limits in [true, false] {
            let text = channels_file(directory.path(), address, address, real_limits).unwrap();
            let path = directory.path().join("channels.toml");
            let read = onhand::config::channels::parse(&path, &text).unwrap();
            assert_eq!(read.len(), SHOPS.len());
            for (channel, shop) in read.iter().zip(SHOPS) {
                assert_eq!(
                    (channel.number.0, channel.shop.as_str()),
                    (shop.number, shop.id)
                );
                assert_eq!(
                    channel.setting("stock_calls_per_second").is_empty(),
                    real_limits
                );
            }
        }
    }
}
