//! Orders of which nobody has said where they are to go, until an operator does: over the API here,
//! on the page in `dashboard`.

use super::super::web::{Answered, send};
use super::rig::Shop;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use onhand::clock;
use onhand::config::process::sandbox_file;
use onhand::sandbox::ledger::Filter;
use onhand::sandbox::{Effect, Options, Sandbox, easypost, whatsapp};
use onhand::types::ChannelId;
use onhand::wire::key::order_key;
use serde_json::{Value, json};
use std::path::Path;

/// The channel of WhatsApp in the rig.
const CHANNEL: u16 = 5;

/// How long an order may take to get where a test wants it; machines are shared.
const PATIENCE_MS: u64 = 120_000;

const ACME: [(&str, &str); 2] = [
    ("onhand-tenant", "acme"),
    ("content-type", "application/json"),
];

/// States behind the warehouse.
pub const SENT: [&str; 3] = ["SHIPPED", "DELIVERED", "COMPLETED"];

/// A message with an order of two mugs.
pub fn message(id: &str) -> String {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1020", "changes": [
        {"field": "messages", "value": {"messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "106000"},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "34600000000"}],
        "messages": [{"from": "34600000000", "id": id, "timestamp": "1777882351",
        "type": "order", "order": {"catalog_id": "30300", "product_items": [
        {"product_retailer_id": "MUG", "quantity": 2, "item_price": 19.9, "currency": "EUR"}]}}]}}]}]})
    .to_string()
}

/// Says what such a message orders.
pub fn map_mugs(shop: &Shop) {
    let mapping = br#"{"mappings":[{"item":"MUG","sku":"shirt","write_back":{"price":"1990"}}]}"#;
    send(shop.http, "PUT", "/v1/mappings/whatsapp", &ACME, mapping).is(200);
}

/// A shop whose providers are the sandbox's, and an order that waits there for its address. Buyers on
/// the phone pay at the door, and a person looks at the risk of each order.
pub struct Unaddressed {
    pub shop: Shop,
    pub sandbox: Sandbox,
    /// The order's key.
    pub order: String,
}

impl Unaddressed {
    /// Parcels take `step_ms` for each step.
    pub fn open(step_ms: u64) -> Self {
        let sandbox = Sandbox::start(Options {
            step_ms,
            ..Options::default()
        });
        let sandbox = sandbox.expect("a sandbox");
        let shop = Shop::open_with(10, "", |config| {
            let folder = config.data.parent().expect("a folder");
            let file = folder.join("process.toml");
            std::fs::write(&file, process(folder, &sandbox)).expect("written");
            config.process = Some(file);
        });
        map_mugs(&shop);
        let order = order_key(ChannelId(CHANNEL), b"wamid.1").to_string();
        let stage = Self {
            shop,
            sandbox,
            order,
        };
        stage.hear();
        stage.shop.whatsapp(&message("wamid.1")).is(200);
        stage.until_review("address_missing");
        stage
    }

    /// The providers report to the server where it is now.
    fn hear(&self) {
        let target = format!("http://{}", self.shop.http);
        self.sandbox.callbacks().set_target(Some(target));
    }

    fn path(&self) -> String {
        format!("/v1/orders/{}", self.order)
    }

    fn shown(&self) -> Value {
        send(self.shop.http, "GET", &self.path(), &ACME, b"")
            .is(200)
            .json()
    }

    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end_ns = clock::monotonic_ns() + PATIENCE_MS * 1_000_000;
        loop {
            // Before its event is worked off there is no order.
            let answered = send(self.shop.http, "GET", &self.path(), &ACME, b"");
            let shown = match answered.status {
                200 => answered.json(),
                _ => Value::Null,
            };
            if wanted(&shown) {
                return shown;
            }
            assert!(clock::monotonic_ns() < end_ns, "{what}: {shown}");
            clock::sleep_ms(20);
        }
    }

    /// Waits until the order is in review for a reason.
    #[track_caller]
    pub fn until_review(&self, reason: &str) -> Value {
        self.until(reason, |shown| {
            shown["state"] == "REVIEW" && shown["process"]["review_reason"] == reason
        })
    }

    /// Waits until the order has left the warehouse.
    #[track_caller]
    pub fn until_sent(&self) {
        self.until("sent", |shown| {
            SENT.iter().any(|state| shown["state"] == *state)
        });
    }

    fn post(&self, path: &str, key: &str, body: &Value) -> Answered {
        let headers = [ACME[0], ACME[1], ("idempotency-key", key)];
        self.shop.post(path, &headers, body.to_string().as_bytes())
    }

    fn edit(&self, key: &str, body: &Value) -> Answered {
        self.post(&format!("{}/edit", self.path()), key, body)
    }

    /// Somebody else changes the order.
    pub fn change(&self, body: &Value) {
        self.edit("meanwhile", body).is(200);
    }

    /// What happened at a provider.
    fn effects(&self, provider: &str, kind: &str) -> Vec<Effect> {
        let filter = Filter {
            provider: Some(provider.to_owned()),
            kind: Some(kind.to_owned()),
            ..Filter::default()
        };
        self.sandbox.ledger().effects(&filter, 10)
    }

    /// Where the only label of the order says that it goes.
    pub fn destination(&self) -> Value {
        let bought = self.effects("easypost", "label");
        assert_eq!(bought.len(), 1, "{bought:?}");
        let path = format!("/easypost/v2/shipments/{}", bought[0].object);
        let key = format!("Basic {}", STANDARD.encode(format!("{}:", easypost::KEY)));
        let headers = [("authorization", key.as_str())];
        let shipment = send(self.sandbox.address(), "GET", &path, &headers, b"").is(200);
        shipment.json()["to_address"].clone()
    }
}

/// The process file.
fn process(folder: &Path, sandbox: &Sandbox) -> String {
    let weights = folder.join("weights.toml");
    let every_buyer = "[velocity.customer]\nfree = 0\npoints = 70\npoints_max = 70\n";
    std::fs::write(&weights, every_buyer).expect("written");
    let scoring = "[providers.builtin]\n";
    let own = format!(
        "{scoring}settings = {{ weights = \"{}\" }}\n",
        weights.display()
    );
    let file = sandbox_file(sandbox.address());
    assert!(file.contains(scoring));
    let messages = "[messages]\n";
    let asking = format!("{messages}address_missing = [\"whatsapp\"]\n");
    assert!(file.contains(messages));
    let file = file.replace(scoring, &own).replace(messages, &asking);
    format!(
        "{file}\n[routing]\ncod_channels = [{CHANNEL}]\n\n[providers.whatsapp]\n\
         base_url = \"{}\"\nsecrets = {{ access_token = {{ published = \"{}\" }} }}\n\
         settings = {{ phone_number_id = \"{}\" }}\n",
        sandbox.base_url("whatsapp"),
        whatsapp::TOKEN,
        whatsapp::PHONE_NUMBER_ID,
    )
}

/// Whether it was a repeat, and of which record.
#[track_caller]
fn said(answered: Answered) -> (Value, Value) {
    let said = answered.is(200).json();
    (said["replayed"].clone(), said["sequence"].clone())
}

#[test]
fn an_order_goes_to_the_address_that_was_put_into_its_details_once_however_often_it_is_sent() {
    let mut stage = Unaddressed::open(300);
    let sol = json!({"shipping_address": ["Calle Sol 4", "28013 Madrid"], "country": "ES"});
    // What is wrong changes nothing, and the key may be used again.
    let nowhere = json!({"shipping_address": ["Calle Sol 4"]});
    let refused = stage.edit("where to", &nowhere);
    refused.is_problem(422, "INVALID_FIELD");
    assert_eq!(refused.json()["member"], "country");
    let long = json!({"shipping_address": vec!["x".repeat(400); 12], "country": "ES"});
    let refused = stage.edit("where to", &long);
    refused.is_problem(422, "DETAILS_TOO_LONG");
    assert_eq!(refused.json()["member"], "shipping_address");
    let shown = stage.until_review("address_missing");
    assert_eq!(shown["version"], 1, "{shown}");

    let first = said(stage.edit("where to", &sol));
    assert_eq!(first.0, false);
    // It went on to its first step, which asks for a person.
    let shown = stage.until_review("fraud");
    assert_eq!(shown["version"], 2, "{shown}");
    assert_eq!(
        said(stage.edit("where to", &sol)),
        (json!(true), first.1.clone())
    );
    let other = json!({"shipping_address": ["Calle Luna 5"], "country": "ES"});
    stage
        .edit("where to", &other)
        .is_problem(422, "IDEMPOTENCY_CONFLICT");
    stage.shop.restart();
    stage.hear();
    assert_eq!(said(stage.edit("where to", &sol)), (json!(true), first.1));
    assert_eq!(stage.shown()["version"], 2);

    let approve = format!("/v1/review/{}/approve", stage.order);
    stage
        .post(&approve, "known", &json!({"reason": "known"}))
        .is(200);
    stage.until_sent();
    // The buyer was asked once.
    let asked = stage.effects("whatsapp", "message");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(&*asked[0].order, "34600000000");
    assert_eq!(asked[0].detail["template"], "order_address_missing");
    // What was known of the buyer stayed.
    let to = stage.destination();
    for (member, wanted) in [
        ("name", "Ana"),
        ("street1", "Calle Sol 4"),
        ("city", "Madrid"),
        ("zip", "28013"),
        ("country", "ES"),
        ("phone", "+34600000000"),
    ] {
        assert_eq!(to[member], wanted, "{member}: {to}");
    }
}
