//! What a marketplace is told: that an order which it had sold is cancelled here.

use super::super::web::send;
use super::rig::{Shop, with_process};
use onhand::sandbox::channels::{shopee, shopify, tiktok, woocommerce};
use onhand::sandbox::{Options, Sandbox};
use onhand::types::{ChannelId, OrderState};
use onhand::wire::key::order_key;
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
            shop: Shop::open_with(100, &channels.concat(), with_process),
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
        self.shop.waits_for(number, &id, OrderState::Review);
        id
    }

    /// An operator mends its address here.
    fn mend(&self, number: u16, id: &str) {
        let key = order_key(ChannelId(number), id.as_bytes());
        let mended = format!("mended {id}");
        let headers = [
            ("onhand-tenant", "acme"),
            ("content-type", "application/json"),
            ("idempotency-key", mended.as_str()),
        ];
        let path = format!("/v1/orders/{key}/edit");
        let body = br#"{"details":{"contact_name":"Ana","shipping_address":["Calle Sol 4"]}}"#;
        self.shop.post(&path, &headers, body).is(200);
    }

    /// An operator cancels it here.
    fn cancel(&self, number: u16, id: &str) {
        let key = order_key(ChannelId(number), id.as_bytes());
        let headers = [
            ("onhand-tenant", "acme"),
            ("content-type", "application/json"),
            ("idempotency-key", id),
        ];
        let path = format!("/v1/orders/{key}/cancel");
        let body = br#"{"reason":"the last shirt is torn"}"#;
        self.shop.post(&path, &headers, body).is(200);
        self.shop.waits_for(number, id, OrderState::Cancelled);
    }

    fn cancelled_there(&self, place: &str, orders: u64) {
        let deadline_ns = onhand::clock::monotonic_ns() + 30_000_000_000;
        loop {
            let truth = self.control(place, "truth", &json!({}));
            if truth["cancelled_orders"] == orders {
                return;
            }
            assert!(
                onhand::clock::monotonic_ns() < deadline_ns,
                "{place}: {truth}; held: {:?}",
                self.shop.quarantine()
            );
            onhand::clock::sleep_ms(20);
        }
    }
}

#[test]
fn an_order_that_an_operator_cancels_is_cancelled_at_its_marketplace() {
    let world = World::open(&PLACES);
    for at in PLACES {
        let id = world.sell(at);
        world.cancel(at.1, &id);
        world.cancelled_there(at.0, 1);
        // The marketplace's own word about it, asked for a second later, is nothing new.
        let one = format!(
            "onhand_channel_events_total{{channel=\"{}\",step=\"applied\"}}",
            world.name(at.0)
        );
        world.shop.counts(&one, 2.0);
    }
    assert_eq!(world.shop.quarantine(), Vec::<Value>::new());
}

#[test]
fn an_order_that_an_operator_mended_before_cancelling_it_is_cancelled_at_its_marketplace() {
    let at = PLACES[0];
    let world = World::open(&[at]);
    let id = world.sell(at);
    world.mend(at.1, &id);
    world.cancel(at.1, &id);
    world.cancelled_there(at.0, 1);
}

#[test]
fn an_order_that_its_marketplace_cancelled_is_not_cancelled_there_again() {
    let at = PLACES[2];
    let world = World::open(&[at]);
    let id = world.sell(at);
    world.control(at.0, "cancel", &json!({"order": id}));
    world.shop.waits_for(at.1, &id, OrderState::Cancelled);
    // Another one, cancelled here, comes after it in the journal: nothing was told in between.
    let other = world.sell(at);
    world.cancel(at.1, &other);
    world.cancelled_there(at.0, 2);
    let name = world.name(at.0);
    let applied = format!("onhand_channel_events_total{{channel=\"{name}\",step=\"applied\"}}");
    world.shop.counts(&applied, 4.0);
    let page = send(world.shop.http, "GET", "/metrics", &[], b"").body;
    let line = page.lines().find(|line| line.starts_with(&applied));
    assert_eq!(line.and_then(|line| line.rsplit(' ').next()), Some("4"));
}

/// From now on the marketplace answers with this status to all questions about orders.
fn fails(world: &World, place: &str, status: u16) {
    let fault =
        json!({"provider": place, "operation": "orders", "kind": "status", "status": status});
    let json_type = [("content-type", "application/json")];
    let (address, fault) = (world.sandbox.address(), fault.to_string());
    let path = "/_sandbox/faults";
    send(address, "POST", path, &json_type, fault.as_bytes()).is(201);
}

fn answers(world: &World) {
    let address = world.sandbox.address();
    send(address, "DELETE", "/_sandbox/faults", &[], b"").is(204);
}

#[test]
fn a_marketplace_that_is_down_is_told_when_it_answers_again() {
    let at = PLACES[1];
    let world = World::open(&[at]);
    let id = world.sell(at);
    fails(&world, at.0, 503);
    world.cancel(at.1, &id);
    let name = world.name(at.0);
    let put_off = format!("onhand_channel_events_total{{channel=\"{name}\",step=\"put_off\"}}");
    world.shop.counts(&put_off, 2.0);
    answers(&world);
    world.cancelled_there(at.0, 1);
    world.shop.holds(0);
}

#[test]
fn a_marketplace_that_refuses_to_be_told_waits_for_a_person_and_is_told_when_driven_again() {
    let at = PLACES[1];
    let world = World::open(&[at]);
    let id = world.sell(at);
    fails(&world, at.0, 400);
    world.cancel(at.1, &id);
    let held = world.shop.holds(1).remove(0);
    let note = held["note"].as_str().unwrap();
    assert!(note.contains("could not be told"), "{note}");
    answers(&world);
    world.cancelled_there(at.0, 0);
    let path = format!("/v1/quarantine/{}/redrive", held["event"].as_str().unwrap());
    let headers = [
        ("onhand-tenant", "acme"),
        ("content-type", "application/json"),
    ];
    world.shop.post(&path, &headers, b"{}").is(200);
    world.cancelled_there(at.0, 1);
    world.shop.holds(0);
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
