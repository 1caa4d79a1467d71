//! A running server at marketplaces that it asks for their orders.

use super::super::web::send;
use super::rig::Shop;
use onhand::sandbox::channels::{shopee, shopify, tiktok, woocommerce};
use onhand::sandbox::{Options, Sandbox};
use onhand::types::OrderState;
use serde_json::{Value, json};
use std::path::Path;

/// The sandbox's name of a marketplace, and its channel.
const PLACES: [(&str, u16); 4] = [
    ("shopify", 21),
    ("woocommerce", 22),
    ("shopee", 23),
    ("tiktok", 24),
];

const SHOPEE_SHOP: &str = "727000009";
const TIKTOK_SHOP: &str = "7495540735365777509";

struct World {
    sandbox: Sandbox,
    shop: Shop,
    _secrets: tempfile::TempDir,
}

/// A channel at the sandbox; `secrets` and `settings` as lines of the channels file.
fn channel(sandbox: &Sandbox, folder: &Path, (place, number): (&str, u16)) -> String {
    let (shop, secrets, settings): (&str, &[(&str, &str)], &str) = match place {
        // The rig has these marketplaces' usual shops already.
        "shopify" => (
            shopify::SHOP,
            &[("access_token", shopify::TOKEN)],
            "settings.location = 77",
        ),
        "woocommerce" => (
            woocommerce::SHOP,
            &[
                ("consumer_key", woocommerce::KEY),
                ("consumer_secret", woocommerce::SECRET),
            ],
            "",
        ),
        "shopee" => (
            SHOPEE_SHOP,
            &[
                ("partner_key", shopee::PARTNER_KEY),
                ("access_token", shopee::ACCESS_TOKEN),
                ("refresh_token", shopee::REFRESH_TOKEN),
            ],
            "url = \"https://shop.example/sandbox\"\nsettings.partner_id = 2001887",
        ),
        _ => (
            TIKTOK_SHOP,
            &[
                ("app_secret", tiktok::APP_SECRET),
                ("access_token", tiktok::ACCESS_TOKEN),
                ("refresh_token", tiktok::REFRESH_TOKEN),
            ],
            "app_key = \"onhandsandbox\"\nsettings.app_key = \"onhandsandbox\"\n\
             settings.shop_cipher = \"ROW_sandbox_cipher\"\n\
             settings.warehouses = \"7000000000000000001\"",
        ),
    };
    let mut lines = String::new();
    for (name, secret) in secrets {
        let file = folder.join(format!("{place}-{name}"));
        std::fs::write(&file, secret).unwrap();
        lines += &format!("secrets.{name} = {{ file = \"{}\" }}\n", file.display());
    }
    format!(
        "[[channel]]\nnumber = {number}\nname = \"{place}-{}\"\nkind = \"{place}\"\n\
         tenant = \"acme\"\nshop = \"{shop}\"\nwebhook_secrets = [NEW]\nbase_url = \"{}\"\n\
         fetch_retry_ms = 20\npoll_seconds = 1\n{settings}\n{lines}\n",
        sandbox.address().port(),
        sandbox.base_url(place)
    )
}

impl World {
    /// A server with channels at these marketplaces, which it asks every second.
    fn open(places: &[(&str, u16)]) -> Self {
        let sandbox = Sandbox::start(Options {
            step_ms: 0,
            secrets: [("shopee.shop", SHOPEE_SHOP), ("tiktok.shop", TIKTOK_SHOP)]
                .map(|(name, shop)| (name.to_owned(), shop.to_owned()))
                .into(),
            ..Options::default()
        });
        let sandbox = sandbox.unwrap();
        let secrets = tempfile::tempdir().unwrap();
        let channels: Vec<String> = places
            .iter()
            .map(|place| channel(&sandbox, secrets.path(), *place))
            .collect();
        let world = Self {
            shop: Shop::open_with(100, &channels.concat(), |_| {}),
            sandbox,
            _secrets: secrets,
        };
        for (place, _) in places {
            let items = json!({"items": [{"sku": "shirt", "stock": 50}]});
            world.control(place, "items", &items);
        }
        world
    }

    /// The channel's own in metrics, which all tests of this process share.
    fn name(&self, place: &str) -> String {
        format!("{place}-{}", self.sandbox.address().port())
    }

    fn control(&self, place: &str, action: &str, body: &Value) -> Value {
        let path = format!("/_sandbox/{place}/{action}");
        let body = body.to_string();
        let json = [("content-type", "application/json")];
        let answered = send(
            self.sandbox.address(),
            "POST",
            &path,
            &json,
            body.as_bytes(),
        );
        answered.is(200).json()
    }

    /// A buyer orders two shirts there; the order once it is here.
    fn sell(&self, (place, number): (&str, u16)) -> String {
        let sold = json!({"sku": "shirt", "quantity": 2});
        let sold = self.control(place, "sell", &sold);
        let id = &sold["orders"][0];
        let id = id.as_str().map_or(id.to_string(), str::to_owned);
        self.shop.waits_for(number, &id, OrderState::FraudCheck);
        id
    }
}

#[test]
fn a_token_that_ran_out_is_renewed_by_the_server_and_a_refused_renewal_shows() {
    let at = PLACES[2];
    let mut world = World::open(&[at]);
    world.sell(at);
    world.control(at.0, "tokens", &json!({"expire": true}));
    world.sell(at);
    let name = world.name(at.0);
    let renewed =
        format!("onhand_channel_token_renewals_total{{channel=\"{name}\",result=\"renewed\"}}");
    world.shop.counts(&renewed, 1.0);
    // The first pair holds no more: the next start has the one that was given.
    world.shop.restart();
    world.sell(at);
    let folder = world.shop.config.data.join("channel-tokens");
    let file = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    assert!(file.contains("shopee-access-"), "a pair of the sandbox's");
    let told = world.control(at.0, "tokens", &json!({"expire": true, "refuse": true}));
    assert_eq!(told["renewals"], 1);
    let shows = format!("onhand_channel_unauthorised{{channel=\"{name}\"}}");
    world.shop.counts(&shows, 1.0);
}
