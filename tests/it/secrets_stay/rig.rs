//! A server with secrets of its own and the providers that know them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;

use onhand::client::{ConnectOptions, Connection};
use onhand::clock;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::{Options, Sandbox};
use onhand::types::{ChannelId, CommandKey, LocationId, OrderDetails, ResultCode, SkuId};
use onhand::wire::details;
use onhand::wire::key::order_key;
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{
    Line, Lines, LocationDefinition, Receive, ReserveItem, SkuDefinition, reserve_flags,
};
use serde_json::Value;

use crate::it::process::{Server, run};
use crate::it::served::PATIENCE;
use crate::it::web::{Answered, send};

pub const TENANT: &str = "canary";

/// A secret: its place in the process file, its name in the sandbox, and what it is.
pub const SECRETS: &[(&str, &str, &str)] = &[
    ("STRIPE_KEY", "stripe.secret_key", "sk_test_canary4b1f70c2"),
    (
        "STRIPE_HOOK",
        "stripe.webhook_secret",
        "whsec_canary91d3e6a8",
    ),
    ("AUTHNET_LOGIN", "authorize_net.login", "canaryLogin5e2c"),
    (
        "AUTHNET_KEY",
        "authorize_net.transaction_key",
        "canaryTrans77d0b",
    ),
    (
        "AUTHNET_HOOK",
        "authorize_net.signature_key",
        "CA4A12D05EC2E7CA4A12D05EC2E7F00D",
    ),
    ("EASYPOST_KEY", "easypost.key", "EZTKcanaryb04481f9"),
    (
        "EASYPOST_HOOK",
        "easypost.callback_secret",
        "ezhook-canary-3c96aa0e",
    ),
    (
        "SHIPSTATION_KEY",
        "shipstation.key",
        "ss-key-canary-61f27b45",
    ),
    (
        "SHIPSTATION_SECRET",
        "shipstation.secret",
        "ss-secret-canary-d88e0c13",
    ),
    (
        "SHIPSTATION_HOOK",
        "shipstation.callback_secret",
        "ss-hook-canary-2ab7f590",
    ),
    ("SENDGRID_KEY", "sendgrid.key", "SG.canary.c7035e9d"),
    (
        "SENDGRID_HOOK",
        "sendgrid.callback_secret",
        "sg-hook-canary-f14d82b6",
    ),
    (
        "SLACK_URL",
        "slack.path",
        "/services/T0CANARY/B0CANARY/canary0e7b63",
    ),
];

/// Secrets that come from files; the others come from the environment.
const FROM_FILES: &[&str] = &["AUTHNET_LOGIN", "EASYPOST_KEY", "SLACK_URL"];

const PROCESS: &str = r#"
alerts = ["slack"]
[providers.builtin]
[providers.stripe]
base_url = "http://ADDRESS/stripe"
secrets = { secret_key = STRIPE_KEY }
callback = { secrets = [STRIPE_HOOK] }
[providers.authorize_net]
base_url = "http://ADDRESS/authorize_net"
secrets = { login = AUTHNET_LOGIN, transaction_key = AUTHNET_KEY }
callback = { secrets = [AUTHNET_HOOK] }
[providers.easypost]
base_url = "http://ADDRESS/easypost"
secrets = { api_key = EASYPOST_KEY }
settings = { from = "Onhand Shop; Musterstr. 1; Berlin; BE; 10115; DE" }
callback = { secrets = [EASYPOST_HOOK] }
[providers.shipstation]
base_url = "http://ADDRESS/shipstation"
secrets = { api_key = SHIPSTATION_KEY, api_secret = SHIPSTATION_SECRET }
callback = { secrets = [SHIPSTATION_HOOK] }
[providers.sendgrid]
base_url = "http://ADDRESS/sendgrid"
secrets = { api_key = SENDGRID_KEY }
settings = { from = "shop@example.com", shop_name = "Onhand Shop" }
callback = { secrets = [SENDGRID_HOOK] }
[providers.slack]
base_url = "http://ADDRESS/slack"
secrets = { webhook_url = SLACK_URL }
[steps]
fraud = ["builtin"]
payment = ["stripe", "authorize_net"]
labels = ["easypost"]
warehouses = ["shipstation"]
[messages]
confirmed = ["sendgrid"]
shipped = ["sendgrid"]
delivered = ["sendgrid"]
declined = ["sendgrid"]
[settings]
return_ms = 100
jitter_percent = 0
retry_delays_ms = [50, 50, 50]
"#;

/// The process file, its secrets in files beside it or in variables of their names.
fn process_file(directory: &Path, sandbox: &Sandbox) -> String {
    let mut text = PROCESS.replace("ADDRESS", &sandbox.address().to_string());
    for (place, _, secret) in SECRETS {
        let source = if FROM_FILES.contains(place) {
            let file = directory.join(place);
            fs::write(&file, format!("{secret}\n")).expect("written");
            format!("{{ file = {:?} }}", file.display().to_string())
        } else {
            format!("{{ env = \"CANARY_{place}\" }}")
        };
        text = text.replacen(&format!("= {place}"), &format!("= {source}"), 1);
        text = text.replacen(&format!("[{place}]"), &format!("[{source}]"), 1);
    }
    let file = directory.join("process.toml");
    fs::write(&file, text).expect("written");
    file.display().to_string()
}

/// The server, its providers, and everything that it answered.
pub struct World {
    pub server: Server,
    pub sandbox: Sandbox,
    pub token: String,
    pub answered: String,
    pub placed: u64,
}

impl World {
    pub fn start(directory: &Path) -> Self {
        let secrets = SECRETS.iter();
        let secrets: HashMap<_, _> = secrets
            .map(|(_, name, secret)| ((*name).to_owned(), (*secret).to_owned()))
            .collect();
        let options = Options {
            secrets,
            step_ms: 100,
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).expect("a sandbox");
        let process = process_file(directory, &sandbox);
        let tokens = directory.join("tokens").display().to_string();
        let new = [
            "token", "new", "--name", "ops", "--role", "admin", "--tenant", "*",
        ];
        let token = run(&[&new[..], &["--file", &tokens]].concat()).exits(0).out;
        let flags = [
            "--http",
            "127.0.0.1:0",
            "--history",
            "sqlite",
            "--process",
            &process,
            "--token-file",
            &tokens,
        ];
        let log = File::create(directory.join("log")).expect("a file");
        let server = Server::start_with(&directory.join("data"), &flags, |command| {
            command.env("ONHAND_LOG", "trace").stderr(log);
            for (place, _, secret) in SECRETS {
                if !FROM_FILES.contains(place) {
                    command.env(format!("CANARY_{place}"), secret);
                }
            }
        });
        let target = format!("http://{}", server.http());
        sandbox.callbacks().set_target(Some(target));
        Self {
            server,
            sandbox,
            token: token.trim().to_owned(),
            answered: String::new(),
            placed: 0,
        }
    }

    pub fn connect(&self) -> Connection {
        let options = ConnectOptions::new(&self.server.address, &self.token, TENANT);
        Connection::connect(&options).expect("a session")
    }

    pub fn stock_up(&self) {
        let mut connection = self.connect();
        let (name, flags) = ("mug", SKU_ON_SALE);
        let sku = [SkuDefinition { name, flags }];
        connection.define_skus(&sku).expect("a SKU");
        let place = [LocationDefinition {
            name: "berlin",
            priority: 0,
            x: 0,
            y: 0,
        }];
        connection.define_locations(&place).expect("a location");
        let arrival = [Receive {
            key: CommandKey(1),
            sku: SkuId(0),
            quantity: 1_000,
            location: LocationId(0),
        }];
        let received = connection.receive_stock(&arrival).expect("an answer");
        assert_eq!(received[0].code, ResultCode::Ok);
    }

    /// Places an order that pays with `token`; returns its key. `swap` replaces bytes of its details
    /// by as many others, for what a client of ours would not send.
    pub fn place(&mut self, token: &str, swap: Option<(&str, &str)>) -> (String, ResultCode) {
        let number = self.placed;
        self.placed += 1;
        let address = vec![format!("Calle Sol {number}"), "28013 Madrid".to_owned()];
        let details = OrderDetails {
            external_id: format!("canary-order-{number}"),
            contact_name: format!("Ana Ruiz {number}"),
            email: format!("ana.{number}@example.com"),
            shipping_address: address.clone(),
            billing_address: address,
            country: "ES".to_owned(),
            payment_token: token.to_owned(),
            ip: format!("10.0.0.{number}"),
            device: format!("device-{number}"),
            session: format!("session-{number}"),
            checkout_seconds: 90,
            ..OrderDetails::default()
        };
        let mut message = details::encode(&details, 1).expect("details");
        if let Some((old, new)) = swap {
            let at = message
                .windows(old.len())
                .position(|bytes| bytes == old.as_bytes());
            let at = at.expect("the old text");
            message[at..at + old.len()].copy_from_slice(new.as_bytes());
        }
        let key = order_key(ChannelId(1), details.external_id.as_bytes());
        let line = [Line {
            sku: SkuId(0),
            quantity: 1,
            location: LocationId::ANY,
        }];
        let item = ReserveItem {
            key,
            customer: 1_000 + number,
            total: 4_470,
            ttl_ms: 900_000,
            version: 1,
            channel: ChannelId(1),
            currency: 978,
            flags: reserve_flags::PLACE,
            destination: None,
            lines: Lines::new(&line),
            details: &message,
        };
        let answers = self.connect().reserve(&[item]).expect("an answer");
        (key.to_string(), answers[0].item.code)
    }

    /// An order that is accepted.
    pub fn accepted(&mut self, token: &str) -> String {
        let (key, code) = self.place(token, None);
        assert_eq!(code, ResultCode::Ok);
        key
    }

    /// Asks over HTTP as the operator, and keeps the answer.
    pub fn ask(&mut self, method: &str, path: &str, body: &Value) -> Answered {
        let bearer = format!("Bearer {}", self.token);
        self.ask_as(&bearer, method, path, body)
    }

    pub fn ask_as(&mut self, bearer: &str, method: &str, path: &str, body: &Value) -> Answered {
        let headers = [
            ("onhand-tenant", TENANT),
            ("authorization", bearer),
            ("content-type", "application/json"),
        ];
        let body = match method {
            "GET" => String::new(),
            _ => body.to_string(),
        };
        let answer = send(self.server.http(), method, path, &headers, body.as_bytes());
        self.answered += &format!("{:?}\n{}\n", answer.headers, answer.body);
        answer
    }

    pub fn get(&mut self, path: &str) -> Answered {
        self.ask("GET", path, &Value::Null)
    }

    /// Waits until an order is in a state; returns how the API shows it.
    pub fn reaches(&mut self, order: &str, state: &str) -> Value {
        let mut shown = Value::Null;
        wait(&format!("{order} {state}"), || {
            shown = self.get(&format!("/v1/orders/{order}")).is(200).json();
            shown["state"] == state
        });
        shown
    }

    /// A provider that answers with a status and repeats its key and a card number.
    pub fn repeats(&self, provider: &str, operation: &str, status: u16, count: u64, body: Value) {
        let rule = Rule {
            operation: Some(operation.to_owned()),
            status: Some(status),
            count: Some(count),
            body: Some(body.to_string()),
            ..Rule::new(provider, Kind::Status)
        };
        self.sandbox.fault(rule).expect("a rule");
    }
}

pub fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let end_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
    while !done() {
        assert!(clock::monotonic_ns() < end_ns, "waited for {what}");
        clock::sleep_ms(20);
    }
}

pub fn secret(place: &str) -> &'static str {
    let found = SECRETS.iter().find(|(known, _, _)| *known == place);
    found.expect("a secret").2
}
