//! A sandbox and a server whose order process calls it, with one provider under test.

use std::net::SocketAddr;

use onhand::client::{ConnectOptions, Connection};
use onhand::config::process::sandbox_file;
use onhand::sandbox::{Options, Sandbox};
use onhand::types::{CommandKey, LocationId, ResultCode, SkuId};
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{LocationDefinition, Receive, SkuDefinition};
use serde_json::Value;

use super::cells::{Cell, Place, TIMEOUT_MS, rule};
use super::order::{self, Ending};
use crate::it::served::{Served, config};
use crate::it::web::send;

/// How long an order may take to its end: far more than any needs, machines are shared.
const PATIENCE_MS: u64 = 20_000;
/// How often somebody looks.
const LOOK_MS: u64 = 10;
/// More steps than a parcel takes.
const TRACKER_STEPS: u8 = 5;
const TENANT: &str = "acme";

/// See the module.
pub struct Stand {
    place: &'static Place,
    sandbox: Sandbox,
    served: Served,
    http: SocketAddr,
    connection: Connection,
    /// Orders so far, and how they ended.
    orders: Vec<(String, Value)>,
    _directory: tempfile::TempDir,
}

impl Stand {
    /// Starts both and puts units on the shelf.
    pub fn start(place: &'static Place) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let sandbox = Sandbox::start(Options {
            // Parcels move when an order waits for it, and not before.
            step_ms: 0,
            ..Options::default()
        });
        let sandbox = sandbox.expect("a sandbox");
        let file = directory.path().join("process.toml");
        std::fs::write(&file, process_file(place, &sandbox)).expect("written");
        let mut config = config(&directory.path().join("data"));
        config.http = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.process = Some(file);
        config.history = "off".parse().expect("a name");
        let served = Served::start(&config);
        let http = served.http.expect("HTTP");
        let target = format!("http://{http}");
        sandbox.callbacks().set_target(Some(target));
        let options = ConnectOptions::new(&served.address.to_string(), "", TENANT);
        let mut connection = Connection::connect(&options).expect("connected");
        stock_up(&mut connection);
        Self {
            place,
            sandbox,
            served,
            http,
            connection,
            orders: Vec::new(),
            _directory: directory,
        }
    }

    /// One order under the cell's fault, until nothing is left to do about it.
    pub fn run(&mut self, cell: &Cell) -> Result<Ending, String> {
        let rule = rule(self.place, cell);
        let id = self.sandbox.fault(rule).expect("a rule");
        let order = self.order();
        self.orders.push((order.clone(), Value::Null));
        let shown = self.at_rest(&order, cell);
        let rules = self.sandbox.faults().list();
        let hits = rules
            .iter()
            .find(|one| one.id == id)
            .map_or(0, |one| one.hits);
        self.sandbox.faults().clear(None, None);
        let shown = shown?;
        if let Some((_, state)) = self.orders.last_mut() {
            *state = shown["state"].clone();
        }
        if cell.often == "always" && hits == 0 {
            return Err("the fault hit nothing".into());
        }
        order::ending(&self.sandbox, self.primary(), &order, &shown)
    }

    /// Orders that are not, or no longer, where they ended.
    pub fn lost(self) -> Vec<String> {
        let mut lost = Vec::new();
        for (order, state) in &self.orders {
            let shown = self.show(order);
            if shown["state"] != *state {
                let (place, now) = (self.place, &shown["state"]);
                lost.push(format!("{place:?}: {order} was {state}, is {now}"));
            }
            if let Err(what) = order::ending(&self.sandbox, self.primary(), order, &shown) {
                lost.push(format!("{:?}: {order}: {what}", self.place));
            }
        }
        if let Err(error) = self.served.stop() {
            lost.push(error.to_string());
        }
        self.sandbox.stop();
        lost
    }

    fn primary(&self) -> &'static str {
        primary(self.place)
    }

    fn order(&mut self) -> String {
        let number = self.orders.len() as u64;
        let total = self.place.total;
        let details = order::details_of(number, total, self.place.provider == "webhook");
        let item = order::item(number, total, &order::LINE, &details);
        let answers = self.connection.reserve(&[item]).expect("an answer");
        assert_eq!(answers[0].item.code, ResultCode::Ok, "{:?}", self.place);
        order::key_of(number).to_string()
    }

    fn show(&self, order: &str) -> Value {
        let headers = [("onhand-tenant", TENANT)];
        let path = format!("/v1/orders/{order}");
        send(self.http, "GET", &path, &headers, b"").is(200).json()
    }

    fn at_rest(&self, order: &str, cell: &Cell) -> Result<Value, String> {
        let end_ns = onhand::clock::monotonic_ns() + PATIENCE_MS * 1_000_000;
        let mut moved = "";
        loop {
            let shown = self.show(order);
            if order::is_at_rest(&shown) {
                return Ok(shown);
            }
            let waits = ["FULFILLING", "SHIPPED"];
            let state = waits.into_iter().find(|state| shown["state"] == *state);
            if let Some(state) = state.filter(|state| *state != moved)
                && !order::is_busy(&shown)
            {
                self.move_parcel(order, state);
                moved = state;
            }
            if onhand::clock::monotonic_ns() > end_ns {
                return Err(format!(
                    "{cell} is not over after {PATIENCE_MS} ms: {shown}"
                ));
            }
            onhand::clock::sleep_ms(LOOK_MS);
        }
    }

    /// The warehouse ships, or the carrier delivers.
    fn move_parcel(&self, order: &str, state: &str) {
        let effects = order::effects(&self.sandbox, order);
        let of = |kind: &str| effects.iter().find(|effect| effect.kind == kind);
        let control = |path: String| {
            let path = format!("/_sandbox/{path}");
            send(self.sandbox.address(), "POST", &path, &[], b"")
        };
        if state == "FULFILLING" {
            let packed = of("wms_order").expect("an order at the warehouse");
            control(format!("shipstation/ship?order={}", packed.order)).is(200);
            return;
        }
        let label = of("label").expect("a label");
        let code = label.detail["tracking"].as_str().expect("a code");
        for _ in 0..TRACKER_STEPS {
            // The last ones find the parcel delivered.
            control(format!("easypost/advance?tracking_code={code}"));
        }
    }
}

fn stock_up(connection: &mut Connection) {
    let sku = SkuDefinition {
        name: "lamp",
        flags: SKU_ON_SALE,
    };
    connection.define_skus(&[sku]).expect("a SKU");
    let location = LocationDefinition {
        name: "berlin",
        priority: 0,
        x: 0,
        y: 0,
    };
    connection
        .define_locations(&[location])
        .expect("a location");
    let arrival = Receive {
        key: CommandKey(1),
        sku: SkuId(0),
        quantity: 1_000,
        location: LocationId(0),
    };
    connection.receive_stock(&[arrival]).expect("stock");
}

/// The processor that is asked first.
fn primary(place: &Place) -> &'static str {
    if place.provider == "authorize_net" {
        "authorize_net"
    } else {
        "stripe"
    }
}

/// The tables of providers that the sandbox's own process file does not have.
const FURTHER: [(&str, &str); 6] = [
    (
        "sift",
        r#"secrets = { api_key = { published = "onhand_sift_key" } }"#,
    ),
    (
        "signifyd",
        r#"secrets = { api_key = { published = "onhand_signifyd_key" } }"#,
    ),
    (
        "webhook",
        r#"secrets = { secret = { published = "whsec_b25oYW5kLXNhbmRib3gtd2ViaG9vay1zdGVw" } }"#,
    ),
    (
        "salesforce",
        r#"secrets.access_token = { published = "00Dsandbox!start" }
secrets.client_id = { published = "sandbox-salesforce-client" }
secrets.client_secret = { published = "sandbox-salesforce-secret" }"#,
    ),
    (
        "twilio",
        r#"secrets = { auth_token = { published = "sandbox-twilio-token" } }
settings = { account_sid = "AC00000000000000000000000000005a4d", from = "+15005550006" }"#,
    ),
    (
        "whatsapp",
        r#"secrets = { access_token = { published = "EAAsandbox" } }
settings = { phone_number_id = "106000" }"#,
    ),
];

/// Takes the table of a provider that serves nothing on this stand out of a process file.
fn without(text: &str, provider: &str) -> String {
    let heading = format!("[providers.{provider}]");
    let (before, table) = text.split_once(&heading).expect("its table");
    let (_, after) = table.split_once("\n[").expect("a table behind it");
    format!("{before}[{after}")
}

/// The sandbox's process file with the provider under test first in its step, and short times.
fn process_file(place: &Place, sandbox: &Sandbox) -> String {
    let file = sandbox_file(sandbox.address());
    let (text, _) = file.split_once("[steps]").expect("steps");
    let provider = place.provider;
    let heading = format!("[providers.{provider}]\n");
    let serves = |step: &str, usual| {
        let here = place.step.starts_with(step);
        if here { provider } else { usual }
    };
    let (risk, crm) = (serves("risk", "builtin"), serves("crm", "hubspot"));
    let mail = serves("message", "sendgrid");
    let mut text = text.replace(r#"crm = ["hubspot"]"#, &format!(r#"crm = ["{crm}"]"#));
    for (usual, serving) in [("builtin", risk), ("hubspot", crm), ("sendgrid", mail)] {
        if usual != serving {
            text = without(&text, usual);
        }
    }
    if !text.contains(&heading) {
        text += &own_table(place, sandbox);
    }
    let text = text.replace(&heading, &format!("{heading}timeout_ms = {TIMEOUT_MS}\n"));
    let primary = primary(place);
    let backup = ["stripe", "authorize_net"]
        .into_iter()
        .find(|it| *it != primary);
    let backup = backup.expect("another one");
    let own_step = if provider == "webhook" {
        r#"["webhook"]"#
    } else {
        "[]"
    };
    format!(
        r#"{text}
[steps]
fraud = ["{risk}"]
payment = ["{primary}", "{backup}"]
labels = ["easypost"]
warehouses = ["shipstation"]
handling = {own_step}

[messages]
confirmed = ["{mail}"]

{SETTINGS}"#
    )
}

const SETTINGS: &str = "[settings]
return_ms = 1
jitter_percent = 0
retry_delays_ms = [20, 40, 80]
breaker_failures = 100
slow_factor = 0
alert_window_ms = 0
compensation_attempts = 5
compensation_wait_max_ms = 1000
";

fn own_table(place: &Place, sandbox: &Sandbox) -> String {
    let name = place.provider;
    if name == "smtp" {
        let port = sandbox.smtp_address().port();
        return format!(
            "[providers.smtp]\nsettings = {{ host = \"127.0.0.1\", port = {port}, \
             tls = \"none\", from = \"shop@example.com\" }}\n"
        );
    }
    let Some((_, rest)) = FURTHER.iter().find(|(known, _)| *known == name) else {
        return String::new();
    };
    let base = match name {
        "webhook" => sandbox.base_url("webhook_step") + "/erp",
        _ => sandbox.base_url(name),
    };
    format!("[providers.{name}]\nbase_url = \"{base}\"\n{rest}\n")
}
