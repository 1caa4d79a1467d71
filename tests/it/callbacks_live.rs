//! Callbacks that a running sandbox sends to a real server, signed as the provider signs: what each
//! of them moves, what customers are told, and that the providers' ledger agrees with the journal.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use onhand::client::{ConnectOptions, Connection};
use onhand::clock;
use onhand::config::process::sandbox_file;
use onhand::sandbox::ledger::Filter;
use onhand::sandbox::{Effect, Options, Sandbox};
use onhand::types::{ChannelId, CommandKey, LocationId, OrderDetails, OrderKey, ResultCode, SkuId};
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{
    Line, Lines, LocationDefinition, Receive, ReserveItem, SkuDefinition, reserve_flags,
};
use onhand::wire::{details, key};
use serde_json::{Value, json};

use super::process::run;
use super::served::{Served, config};
use super::web::{Answered, send};

const TENANT: &str = "acme";
const TOTAL: u64 = 4_470;
/// Far more than anything needs: machines are shared.
const PATIENCE_MS: u64 = 60_000;
const LOOK_MS: u64 = 20;

/// Scored by Sift, paid at Authorize.net.
const SIFTED: ChannelId = ChannelId(1);
/// Scored by Signifyd, paid by a wallet at Stripe.
const WALLET: ChannelId = ChannelId(2);

struct World {
    sandbox: Sandbox,
    served: Served,
    http: SocketAddr,
    directory: tempfile::TempDir,
}

/// A port for a server that has to know its own address before it starts: Twilio signs it.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address")
}

fn process_file(sandbox: &Sandbox, http: SocketAddr) -> String {
    let file = sandbox_file(sandbox.address());
    let table = |name: &str| {
        let heading = format!("[providers.{name}]");
        let (_, rest) = file.split_once(&heading).expect("its table");
        let (table, _) = rest.split_once("\n[").expect("a table behind it");
        format!("{heading}{table}\n")
    };
    let known: String = ["stripe", "authorize_net", "sendgrid"].map(table).concat();
    let easypost = table("easypost");
    // Its tracker is silent here: the warehouse says that parcels leave.
    let easypost: String = easypost
        .lines()
        .filter(|line| !line.starts_with("callback"))
        .map(|line| format!("{line}\n"))
        .collect();
    let base = |name: &str| sandbox.base_url(name);
    let (sift, signifyd) = (base("sift"), base("signifyd"));
    let (twilio, whatsapp, wms) = (base("twilio"), base("whatsapp"), base("wms"));
    format!(
        r#"alerts = []
crm = ["signifyd"]
{known}{easypost}
[providers.sift]
base_url = "{sift}"
timeout_ms = 10_000
secrets = {{ api_key = {{ published = "onhand_sift_key" }} }}
callback = {{ secrets = [{{ published = "onhand_sift_webhook" }}] }}
[providers.signifyd]
base_url = "{signifyd}"
timeout_ms = 10_000
secrets = {{ api_key = {{ published = "onhand_signifyd_key" }} }}
callback = {{ secrets = [{{ published = "onhand_signifyd_webhook" }}] }}
[providers.twilio]
base_url = "{twilio}"
secrets = {{ auth_token = {{ published = "sandbox-twilio-token" }} }}
settings.account_sid = "AC00000000000000000000000000005a4d"
settings.from = "+15005550006"
settings.status_callback = "http://{http}/callbacks/twilio"
callback = {{ secrets = [{{ published = "sandbox-twilio-token" }}] }}
[providers.whatsapp]
base_url = "{whatsapp}"
secrets = {{ access_token = {{ published = "EAAsandbox" }} }}
settings = {{ phone_number_id = "106000" }}
callback = {{ secrets = [{{ published = "sandbox-whatsapp-app-secret" }}] }}
[providers.wms]
base_url = "{wms}"
callback.secrets = [{{ published = "whsec_b25oYW5kLXNhbmRib3gtd21zLXdlYmhvb2s=" }}]
callback.settings.tenant = "{TENANT}"

[[pipelines]]
name = "sifted"
steps = [
  {{ kind = "fraud", providers = ["sift"] }},
  {{ kind = "payment", providers = ["authorize_net", "stripe"] }},
  {{ kind = "fulfilment", providers = ["easypost"] }},
]
[[pipelines]]
name = "wallet"
method = "one_step"
steps = [
  {{ kind = "fraud", providers = ["signifyd"] }},
  {{ kind = "payment", providers = ["stripe", "authorize_net"] }},
  {{ kind = "fulfilment", providers = ["easypost"] }},
]
[[routes]]
pipeline = "wallet"
when = {{ channels = [{wallet}] }}

[messages]
shipped = ["twilio", "whatsapp"]
delivered = ["sendgrid"]
refunded = ["sendgrid"]

[settings]
jitter_percent = 0
slow_factor = 0
"#,
        wallet = WALLET.0,
    )
}

impl World {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let sandbox = Sandbox::start(Options {
            step_ms: 50,
            ..Options::default()
        });
        let sandbox = sandbox.expect("a sandbox");
        let http = free_port();
        let file = directory.path().join("process.toml");
        std::fs::write(&file, process_file(&sandbox, http)).expect("written");
        let mut config = config(&directory.path().join("data"));
        config.http = Some(http);
        config.process = Some(file);
        config.history = "off".parse().expect("a name");
        let served = Served::start(&config);
        sandbox
            .callbacks()
            .set_target(Some(format!("http://{http}")));
        let world = Self {
            sandbox,
            served,
            http,
            directory,
        };
        stock_up(&mut world.connect());
        world
    }

    fn connect(&self) -> Connection {
        let options = ConnectOptions::new(&self.served.address.to_string(), "", TENANT);
        Connection::connect(&options).expect("connected")
    }

    /// Places an order of one unit; what its mail address says decides about its risk.
    fn place(&self, channel: ChannelId, email: &str) -> OrderKey {
        let order = key::order_key(channel, email.as_bytes());
        let address = vec!["Calle Sol 4".to_owned(), "28013 Madrid".to_owned()];
        let details = OrderDetails {
            external_id: format!("x-{}", channel.0),
            contact_name: "Ana Ruiz".to_owned(),
            email: email.to_owned(),
            phone: "+34600000000".to_owned(),
            shipping_address: address.clone(),
            billing_address: address,
            country: "ES".to_owned(),
            payment_token: "stripe=pm_card_visa authorize_net=tok-1".to_owned(),
            unit_prices: vec![TOTAL],
            ip: "10.0.0.1".to_owned(),
            device: "device-1".to_owned(),
            session: "session-1".to_owned(),
            checkout_seconds: 90,
            custom_handling: String::new(),
        };
        let details = details::encode(&details, 1).expect("details that fit");
        let line = [Line {
            sku: SkuId(0),
            quantity: 1,
            location: LocationId::ANY,
        }];
        let item = ReserveItem {
            key: order,
            customer: 7,
            total: TOTAL,
            ttl_ms: 900_000,
            version: 1,
            channel,
            currency: 978,
            flags: reserve_flags::PLACE,
            destination: None,
            lines: Lines::new(&line),
            details: &details,
        };
        let answers = self.connect().reserve(&[item]).expect("an answer");
        assert_eq!(answers[0].item.code, ResultCode::Ok);
        order
    }

    fn show(&self, order: OrderKey) -> Value {
        let path = format!("/v1/orders/{order}");
        send(self.http, "GET", &path, &[("onhand-tenant", TENANT)], b"")
            .is(200)
            .json()
    }

    fn control(&self, path: &str) -> Answered {
        let path = format!("/_sandbox/{path}");
        send(self.sandbox.address(), "POST", &path, &[], b"")
    }

    fn effects(&self, kind: &str) -> Vec<Effect> {
        let mut effects = self
            .sandbox
            .ledger()
            .effects(&Filter::default(), usize::MAX);
        effects.retain(|effect| effect.kind == kind);
        effects
    }

    /// The texts of all messages of a provider.
    fn texts(&self, provider: &str) -> Vec<String> {
        let effects = self
            .sandbox
            .ledger()
            .effects(&Filter::default(), usize::MAX);
        let of = effects.iter().filter(|effect| effect.provider == provider);
        of.map(|effect| effect.detail.to_string()).collect()
    }

    fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let end_ns = clock::monotonic_ns() + PATIENCE_MS * 1_000_000;
        loop {
            if let Some(found) = look() {
                return found;
            }
            let tallies = self.sandbox.callbacks().tallies();
            assert!(
                clock::monotonic_ns() < end_ns,
                "waited for {what}: {tallies:?}"
            );
            clock::sleep_ms(LOOK_MS);
        }
    }

    fn wait_for(&self, order: OrderKey, state: &str) {
        self.wait(&format!("{order} to be {state}"), || {
            (self.show(order)["state"] == state).then_some(())
        });
    }

    fn wait_for_text(&self, provider: &str, text: &str) {
        self.wait(&format!("{provider} to say {text:?}"), || {
            let texts = self.texts(provider);
            texts.iter().any(|it| it.contains(text)).then_some(())
        });
    }
}

fn stock_up(connection: &mut Connection) {
    let (name, flags) = ("lamp", SKU_ON_SALE);
    connection
        .define_skus(&[SkuDefinition { name, flags }])
        .expect("a SKU");
    let (name, priority, x, y) = ("berlin", 0, 0, 0);
    let berlin = LocationDefinition {
        name,
        priority,
        x,
        y,
    };
    connection.define_locations(&[berlin]).expect("a location");
    let arrival = Receive {
        key: CommandKey(1),
        sku: SkuId(0),
        quantity: 10,
        location: LocationId(0),
    };
    connection.receive_stock(&[arrival]).expect("stock");
}

/// A refund made in Stripe's own dashboard: by nobody here.
fn refund_at_stripe(world: &World, cents: u64) {
    let captures = world.effects("capture");
    let at_stripe = captures.iter().find(|effect| effect.provider == "stripe");
    let intent = &at_stripe.expect("a payment").object;
    let body = format!("payment_intent={intent}&amount={cents}");
    let headers = [
        ("authorization", "Bearer sk_test_onhand"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let path = "/stripe/v1/refunds";
    send(
        world.sandbox.address(),
        "POST",
        path,
        &headers,
        body.as_bytes(),
    )
    .is(200);
}

/// (provider, report, fate) of every report in the journal.
fn reports(data: &Path) -> BTreeSet<(String, String, String)> {
    let data = data.display().to_string();
    let said = run(&["inspect", "--data", &data, "records"]).exits(0);
    let mut reports = BTreeSet::new();
    for line in said.out.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        if !text("report").is_empty() {
            reports.insert((text("provider"), text("report"), text("fate")));
        }
    }
    reports
}

#[test]
fn every_callback_of_the_sandbox_moves_its_order_and_the_books_agree() {
    let world = World::start();
    // Sift doubts, and somebody decides in its console.
    let sifted = world.place(SIFTED, "ana+risk70@example.com");
    world.wait_for(sifted, "REVIEW");
    let decision = "approve_order_payment_abuse";
    let path = format!("sift/decide?order={sifted}&decision={decision}");
    world.control(&path).is(200);
    world.wait_for(sifted, "FULFILLING");
    // Signifyd holds, and accepts a moment later; the wallet is charged at once.
    let wallet = world.place(WALLET, "ana+slow@example.com");
    world.wait_for(wallet, "FULFILLING");
    let process = &world.show(wallet)["process"];
    assert_eq!(
        (&process["captured"], &process["authorised"]),
        (&json!(TOTAL), &json!(TOTAL))
    );

    // The warehouse reports the parcel: customers get carrier and tracking number.
    let shipped = world
        .control(&format!("wms/ship?order={sifted}"))
        .is(200)
        .json();
    let tracking = shipped["tracking_number"]
        .as_str()
        .expect("a number")
        .to_owned();
    world.wait_for(sifted, "SHIPPED");
    let parcel = format!("sandbox {tracking}");
    world.wait_for_text("twilio", &parcel);
    world.wait_for_text("whatsapp", &tracking);
    world
        .control(&format!("wms/deliver?order={sifted}"))
        .is(200);
    world.wait_for(sifted, "DELIVERED");
    world.wait_for_text("sendgrid", "Tracking: ");

    // A part is given back at the processor itself: booked, and the customer is told the part.
    refund_at_stripe(&world, 345);
    world.wait("the refund to be booked", || {
        (world.show(wallet)["process"]["refunded"] == 345).then_some(())
    });
    world.wait_for_text("sendgrid", "3.45 EUR");
    // Signifyd hears that the payment succeeded.
    world.wait("the payment's result at Signifyd", || {
        (!world.effects("payment_result").is_empty()).then_some(())
    });
    world.wait("every callback to be delivered", || {
        let tallies = world.sandbox.callbacks().tallies();
        let waiting = |name: &str| tallies.get(name).is_none_or(|it| it.waiting == 0);
        let told = ["twilio", "whatsapp"]
            .iter()
            .all(|name| tallies.get(name).is_some_and(|it| it.delivered >= 2));
        (told
            && ["sift", "signifyd", "wms", "authorize_net", "stripe"]
                .into_iter()
                .all(waiting))
        .then_some(())
    });
    verify(world);
}

/// Stops the server: its journal has a report of each, and the ledger agrees with it.
fn verify(world: World) {
    let ledger = send(world.sandbox.address(), "GET", "/_sandbox/ledger", &[], b"").is(200);
    let file = world.directory.path().join("ledger.json");
    std::fs::write(&file, ledger.body).expect("written");
    world.served.stop().expect("a clean stop");
    let data = world.directory.path().join("data");
    let reports = reports(&data);
    for (provider, report) in [
        ("sift", "fraud_decision"),
        ("signifyd", "fraud_decision"),
        ("authorize_net", "payment_authorised"),
        ("authorize_net", "payment_captured"),
        ("stripe", "payment_captured"),
        ("stripe", "payment_refund_total"),
        ("wms", "shipped"),
        ("wms", "delivered"),
        ("twilio", "message_delivered"),
        ("whatsapp", "message_delivered"),
    ] {
        let row = (provider.to_owned(), report.to_owned());
        let found = reports.iter().any(|it| (it.0.clone(), it.1.clone()) == row);
        assert!(found, "{row:?} is not in {reports:#?}");
    }
    let (data, file) = (data.display().to_string(), file.display().to_string());
    let said = run(&["verify", "--data", &data, "--provider-ledger", &file]);
    said.exits(0).says("I10");
    world.sandbox.stop();
}
