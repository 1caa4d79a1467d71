//! The example connectors, run as their reader runs them, against a real server.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use onhand::clock;
use onhand::sandbox::{Options, Sandbox};
use serde_json::Value;

use super::super::channel_webhooks::market::Market;
use super::super::process::{Said, Server, finish, run};
use super::super::tutorial::there;
use super::super::web::{Answered, send};

const SECRET: &str = "only the two of us know";

fn example(name: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
    examples.join(name)
}

/// A server with two shops, a token file, and ten red mugs.
struct Stand {
    server: Server,
    _sandbox: Sandbox,
    directory: tempfile::TempDir,
    token: String,
}

impl Stand {
    fn start(mugs: &str) -> Self {
        Self::start_with(mugs, false)
    }

    /// As [`Stand::start`]; with a process orders walk through the sandbox's providers, without
    /// they stay where they were placed.
    fn start_with(mugs: &str, with_process: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let channels = path("channels.toml");
        let shop = |number: u16, kind: &str, shop: &str| {
            format!(
                "[[channel]]\nnumber = {number}\nname = \"{kind}\"\nkind = \"{kind}\"\n\
                 tenant = \"acme\"\nshop = \"{shop}\"\npoll_seconds = 0\n\
                 webhook_secrets = [{{ env = \"THEIR_SECRET\" }}]\n"
            )
        };
        let both = shop(1, "shopify", "eu.myshopify.com") + &shop(2, "woocommerce", "tea");
        std::fs::write(&channels, both).expect("a written file");
        let tokens = path("tokens");
        let arguments = ["token", "new", "--role", "operator", "--tenant", "acme"];
        let file = ["--name", "shop", "--file", &tokens];
        let made = run(&[&arguments[..], &file].concat()).exits(0);
        let token = made.out.trim().to_owned();
        let flags = ["--http", "127.0.0.1:0", "--history", "off"];
        let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
        let providers = sandbox.address().to_string();
        let files = ["--channels", &channels, "--token-file", &tokens];
        let data = directory.path().join("data");
        let more: &[&str] = if with_process {
            &["--sandbox", &providers]
        } else {
            &[]
        };
        let arguments = [&flags[..], &files, more].concat();
        let server = Server::start_with(&data, &arguments, |command| {
            command.env("THEIR_SECRET", SECRET);
        });
        let stand = Self {
            server,
            _sandbox: sandbox,
            directory,
            token,
        };
        stand.has(&["sku", "add", "mug-red"]);
        stand.has(&["location", "add", "berlin"]);
        let receive = ["stock", "receive", "--sku", "mug-red", "--location"];
        stand.has(&[&receive[..], &["berlin", "--quantity", mugs]].concat());
        stand
    }

    fn http(&self) -> String {
        format!("http://{}", self.server.http())
    }

    /// Where, who and for whom, as the programs read it.
    fn known_to(&self, command: &mut Command) {
        command
            .env("ONHAND_HTTP", self.http())
            .env("ONHAND_SERVER", &self.server.address)
            .env("ONHAND_TENANT", "acme")
            .env("ONHAND_TOKEN", &self.token);
    }

    #[track_caller]
    fn has(&self, arguments: &[&str]) -> Said {
        let mut command = super::super::process::onhand();
        self.known_to(&mut command);
        finish(command.args(arguments)).exits(0)
    }

    fn get(&self, path: &str) -> Value {
        let token = format!("Bearer {}", self.token);
        let headers = [("authorization", token.as_str()), ("onhand-tenant", "acme")];
        send(self.server.http(), "GET", path, &headers, b"")
            .is(200)
            .json()
    }

    fn cell(&self, name: &str) -> Value {
        self.get("/v1/stock/mug-red")["cells"][0][name].clone()
    }

    /// Waits until so many units of the stock are in this state.
    #[track_caller]
    fn waits_for(&self, name: &str, units: u64) {
        let found = (0..600).any(|_| {
            let there = self.cell(name) == units;
            if !there {
                clock::sleep_ms(50);
            }
            there
        });
        assert!(found, "{name} is {}, not {units}", self.cell(name));
    }
}

/// The sender's answer, with the secret in its environment.
fn sender(secret: &str, arguments: &[&str]) -> Said {
    let mut command = Command::new("python3");
    command
        .arg("-B")
        .arg(example("webhook_sender.py"))
        .args(arguments)
        .env("WEBHOOK_SECRET", secret);
    finish(&mut command)
}

#[test]
fn the_webhook_sender_signs_orders_and_cancellations_as_shopify_and_woocommerce_do() {
    if !there(&["python3"]) {
        return;
    }
    let stand = Stand::start("10");
    let http = stand.http();
    let shopify = [&http, "shopify", "eu.myshopify.com", "--order", "5551"];
    let woo = [&http, "woocommerce", "tea", "--order", "727"];
    let two = ["--quantity", "2"];
    sender(SECRET, &[&shopify[..], &two].concat())
        .exits(0)
        .says("try 1: 200\norder 5551 created: delivered");
    stand.waits_for("reserved", 2);
    sender(SECRET, &woo)
        .exits(0)
        .says("order 727 created: delivered");
    stand.waits_for("reserved", 3);
    // The same order again is the same order.
    sender(SECRET, &[&shopify[..], &two].concat()).exits(0);
    let cancelled = ["--event", "cancelled"];
    sender(SECRET, &[&woo[..], &cancelled].concat()).exits(0);
    stand.waits_for("reserved", 2);
    sender(SECRET, &[&shopify[..], &two, &cancelled].concat()).exits(0);
    stand.waits_for("reserved", 0);
}

#[test]
fn the_webhook_sender_gives_up_where_the_platform_does() {
    if !there(&["python3"]) {
        return;
    }
    let stand = Stand::start("10");
    let http = stand.http();
    // Eight times more within four hours, here ten thousand times as fast; and never again.
    let shopify = [&http, "shopify", "eu.myshopify.com", "--speed", "10000"];
    let refused = sender("guessed", &shopify).exits(1);
    assert_eq!(refused.out.matches(": 401").count(), 9, "{refused:?}");
    let refused = sender("guessed", &[&http, "woocommerce", "tea"]).exits(1);
    assert_eq!(refused.out, "try 1: 401\n");
    refused.warns("given up");
    sender("", &shopify).exits(2).warns("WEBHOOK_SECRET");
    assert_eq!(stand.cell("reserved"), 0);
    // It goes on until somebody takes it.
    let slow = Market::open(Box::new(|_, before| match before {
        0..3 => (503, String::new()),
        _ => (200, String::new()),
    }));
    let url = slow.url();
    let arguments = [&url, "shopify", "eu.myshopify.com", "--speed", "10000"];
    sender(SECRET, &arguments)
        .exits(0)
        .says("try 3: 503\ntry 4: 200\n");
}

#[test]
fn the_rest_tour_defines_orders_holds_cancels_and_shows_refusals() {
    if !there(&["curl"]) {
        return;
    }
    let stand = Stand::start_with("1", true);
    let tour = || {
        let mut command = Command::new("sh");
        stand.known_to(&mut command);
        finish(command.arg(example("rest.sh"))).exits(0)
    };
    let said = tour();
    assert_eq!(said.err, "");
    // What each step shows: its title, the status, and something of the body.
    let mut rest = said.out.as_str();
    for (title, status, part) in [
        ("a SKU that is on sale", 200, "\"sku\":\"mug-red\""),
        ("a place where", 200, "\"location\":\"berlin\""),
        ("ten units arrive", 200, "\"on_hand\":11"),
        ("an order", 201, "\"replayed\":false"),
        ("the same again", 200, "\"replayed\":true"),
        ("the order, as of", 200, "\"ordered\":2"),
        ("cancelled", 200, "\"state\":\"CANCELL"),
        ("a hold", 201, "\"state\":\"HELD\""),
        ("paid", 200, "\"state\":\"CONFIRMED\""),
        ("the stock now", 200, "\"committed\":2"),
        ("what happened", 200, "onhand.order.accepted"),
        ("refused: there are not", 409, "\"left\":"),
        ("refused: an order without", 422, "\"code\":\"NO_LINES\""),
        ("there is no such order", 404, "\"code\":\"UNKNOWN_ORDER\""),
    ] {
        let at = rest.find(&format!("\n# {title}"));
        let step = &rest[at.unwrap_or_else(|| panic!("no {title:?} in {said:?}")) + 1..];
        let mut lines = step.lines().skip(1);
        let (head, body) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
        assert!(head.contains(&status.to_string()), "{title}: {head}");
        assert!(body.contains(part), "{title}: no {part} in {body}");
        rest = step;
    }
    stand.waits_for("available", 9);
    // A second tour is another basket.
    tour();
    stand.waits_for("available", 17);
    assert_eq!(stand.cell("committed"), 4);
}

/// A running shop; ended with the test.
struct Shop {
    process: Child,
    address: SocketAddr,
}

impl Shop {
    fn open(stand: &Stand) -> Self {
        let mut command = Command::new("python3");
        stand.known_to(&mut command);
        let mut process = command
            .arg("-B")
            .arg(example("flash_sale_shop/shop.py"))
            .env("SHOP_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut line = String::new();
        let out = process.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().trim_end_matches('/').rsplit('/').next();
        let address = address.and_then(|it| it.parse().ok());
        Self {
            process,
            address: address.unwrap_or_else(|| panic!("no address in {line:?}")),
        }
    }

    fn buy(&self, buyer: u32) -> Answered {
        let cookie = format!("buyer={buyer:032x}");
        let headers = [("cookie", cookie.as_str()), ("x-shop", "1")];
        send(self.address, "POST", "/buy", &headers, b"")
    }

    fn told(&self, buyer: u32) -> String {
        let told = self.buy(buyer).is(200).json();
        told["result"].as_str().unwrap_or("nothing").to_owned()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Gone already is fine.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_flash_sale_shop_sells_each_unit_once_and_shows_no_token_to_the_browser() {
    if !there(&["python3"]) {
        return;
    }
    let stand = Stand::start("5");
    let shop = Shop::open(&stand);
    let page = send(shop.address, "GET", "/", &[], b"").is(200);
    assert!(page.body.contains("<button id=\"buy\">"));
    let cookie = &page.headers["set-cookie"];
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    let left = || send(shop.address, "GET", "/left", &[], b"").is(200);
    assert_eq!(left().json()["left"], 5);

    // Thirty buyers at once, each of them twice.
    let results: Vec<(u32, String, String)> = std::thread::scope(|scope| {
        let buyers: Vec<_> = (0..30)
            .map(|buyer| {
                let shop = &shop;
                scope.spawn(move || (buyer, shop.told(buyer), shop.told(buyer)))
            })
            .collect();
        buyers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    for (buyer, first, second) in &results {
        assert_eq!(first, second, "buyer {buyer} is told the same again");
    }
    let told = |what: &str| results.iter().filter(|it| it.1 == what).count();
    assert_eq!((told("yours"), told("sold out")), (5, 25), "{results:?}");
    assert_eq!(
        (stand.cell("committed"), left().json()["left"].clone()),
        (5.into(), 0.into())
    );

    // A form on another site cannot buy, and nothing that the browser gets names the token.
    let forged = send(shop.address, "POST", "/buy", &[("cookie", "buyer=x")], b"");
    assert_eq!(forged.status, 404);
    for answer in [page, left(), shop.buy(99), forged] {
        assert!(!format!("{answer:?}").contains(&stand.token), "{answer:?}");
    }
    // The engine away: the buyer is told to come again.
    let Stand {
        server, directory, ..
    } = stand;
    server.kill();
    shop.buy(100).is(503);
    drop(directory);
}
