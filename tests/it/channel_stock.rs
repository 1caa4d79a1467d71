//! Channels' rules and campaigns over a server's HTTP and command line: what each may sell is what
//! the server says, holds against orders over TCP, survives a kill, and verifies.

use serde_json::{Value, json};

use super::process::{Said, Server, finish, onhand, run};
use super::web::{Answered, send};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

struct Shop {
    server: Server,
    directory: tempfile::TempDir,
}

impl Shop {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server::start(&directory.path().join("data"), &["--http", "127.0.0.1:0"]);
        let shop = Self { server, directory };
        shop.server.run(&["location", "add", "berlin"]).exits(0);
        for sku in ["lamp", "vase"] {
            shop.server.run(&["sku", "add", sku]).exits(0);
            let receive = ["stock", "receive", "--sku", sku, "--quantity", "10"];
            let receive = [&receive[..], &["--location", "berlin"]].concat();
            shop.server.run(&receive).exits(0);
        }
        shop
    }

    /// Another process on the same data.
    fn restart(self) -> Self {
        self.server.kill();
        let data = self.directory.path().join("data");
        let server = Server::start(&data, &["--http", "127.0.0.1:0"]);
        Self {
            server,
            directory: self.directory,
        }
    }

    fn get(&self, path: &str) -> Answered {
        let path = format!("/v1{path}");
        send(self.server.http(), "GET", &path, &[], b"")
    }

    fn put(&self, path: &str, body: &Value) -> Answered {
        let (path, body) = (format!("/v1{path}"), body.to_string());
        send(self.server.http(), "PUT", &path, &JSON, body.as_bytes())
    }

    fn post(&self, path: &str, body: &Value) -> Answered {
        let (path, body) = (format!("/v1{path}"), body.to_string());
        send(self.server.http(), "POST", &path, &JSON, body.as_bytes())
    }

    fn cli(&self, arguments: &[&str]) -> Said {
        let mut command = onhand();
        command.env("ONHAND_HTTP", format!("http://{}", self.server.http()));
        finish(command.args(arguments))
    }

    fn offer(&self, channel: u16, sku: &str) -> u64 {
        let page = self.get(&format!("/channels/{channel}/stock?sku={sku}"));
        let page = page.is(200).json();
        assert!(page["sequence"].as_u64() > Some(0));
        assert_eq!(page["stock"][0]["sku"], sku);
        page["stock"][0]["quantity"].as_u64().expect("a number")
    }

    fn order(&self, channel: &str, sku: &str, quantity: &str) -> Said {
        let order = ["order", "hold", "--sku", sku, "--quantity", quantity];
        self.server
            .run(&[&order[..], &["--channel", channel]].concat())
    }
}

#[test]
fn a_quota_set_over_http_holds_against_orders_over_tcp_and_survives_a_kill() {
    let shop = Shop::start();
    assert_eq!(
        shop.get("/channels").is(200).json(),
        json!({"channels": [], "campaigns": []})
    );
    shop.get("/channels/1/stock?sku=lamp")
        .is_problem(404, "UNKNOWN_CHANNEL");
    for number in [1, 2] {
        let new = json!({"name": format!("shop {number}"), "kind": "shopify"});
        shop.put(&format!("/channels/{number}"), &new).is(200);
    }
    let rule = json!({"sku": "lamp", "rule": "quota", "units": 6});
    shop.put("/channels/1/rules", &rule).is(200);
    let more = json!({"sku": "lamp", "rule": "quota", "units": 5});
    shop.put("/channels/2/rules", &more)
        .is_problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((shop.offer(1, "lamp"), shop.offer(2, "lamp")), (6, 4));
    shop.order("2", "lamp", "5")
        .exits(1)
        .says("QUOTA_EXHAUSTED");
    shop.order("2", "lamp", "4").exits(0);
    shop.order("1", "lamp", "2").exits(0);

    let shop = shop.restart();
    assert_eq!((shop.offer(1, "lamp"), shop.offer(2, "lamp")), (4, 0));
    let listed = shop.get("/channels").is(200).json();
    let rule = &listed["channels"][0]["rules"][0];
    assert_eq!(rule["sku"], "lamp");
    assert_eq!((&rule["used"], &rule["guaranteed"]), (&json!(2), &json!(4)));
    shop.order("0", "lamp", "1")
        .exits(1)
        .says("QUOTA_EXHAUSTED");

    let Shop { server, directory } = shop;
    assert_eq!(server.stop(), Some(0));
    let data = directory.path().join("data");
    let data = data.to_str().expect("UTF-8");
    run(&["verify", "--data", data]).exits(0);
    let explain = ["explain", "--data", data, "--sku", "lamp"];
    let told = run(&[&explain[..], &["--json"]].concat()).exits(0).json();
    let channels = told["channels"].as_array().expect("channels");
    let offers: Vec<_> = channels.iter().map(|it| &it["to_offer"]).collect();
    assert_eq!(offers, [&json!(4), &json!(0)]);
    let first = &channels[0];
    assert_eq!(
        (&first["rule"], &first["units"]),
        (&json!("quota"), &json!(6))
    );
    assert_eq!(
        (&first["from_quota"], &first["published"]),
        (&json!(2), &json!(null))
    );
    run(&explain).exits(0).says("TO_OFFER").says("shop 1");
}

#[test]
fn the_command_line_sets_rules_plans_a_campaign_and_ends_it() {
    let shop = Shop::start();
    let channels = |arguments: &[&str]| shop.cli(&[&["channels"], arguments].concat());
    channels(&["list"]).exits(0).says("No channel is defined.");
    channels(&["define", "7", "fair", "--kind", "shopee"])
        .exits(0)
        .says("Channel 7 is defined.");
    channels(&["define", "8", "fair", "--kind", "bazaar"])
        .exits(1)
        .says("INVALID_FIELD");
    channels(&["rule", "7", "pool", "3"]).exits(0);
    assert_eq!(shop.offer(7, "vase"), 7);
    channels(&["rule", "7", "cap", "2", "--sku", "lamp"]).exits(0);
    assert_eq!(shop.offer(7, "lamp"), 2);
    let plan = ["campaign", "plan", "7", "flash", "--item", "vase=4"];
    let window = [
        "--from",
        "2020-01-01T00:00:00Z",
        "--to",
        "2099-01-01T00:00:00Z",
    ];
    channels(&[&plan[..], &window].concat())
        .exits(0)
        .says("Campaign 1 is planned.");
    // Its window has begun: the server gives it its units at once.
    let running = |shop: &Shop| {
        let listed = shop.get("/channels").is(200).json();
        listed["campaigns"][0]["state"] == "running"
    };
    let begun = (0..1_000).any(|_| running(&shop));
    assert!(begun, "the campaign begins");
    assert_eq!((shop.offer(7, "vase"), shop.offer(0, "vase")), (4, 6));
    channels(&["stock", "7", "vase", "urn"])
        .exits(0)
        .says("No SKU urn.");
    shop.order("7", "vase", "3").exits(0);
    channels(&["campaign", "end", "1"])
        .exits(0)
        .says("Campaign 1 is over.");
    channels(&["campaign", "end", "1"])
        .exits(1)
        .says("NOT_IN_STATE");
    channels(&["campaign", "end", "9"])
        .exits(1)
        .says("UNKNOWN_CAMPAIGN");
    let listed = shop.get("/channels").is(200).json();
    let item = &listed["campaigns"][0]["items"][0];
    assert_eq!(
        (&item["given"], &item["sold"], &item["returned"]),
        (&json!(4), &json!(3), &json!(1))
    );
    channels(&["list"]).exits(0).says("flash");
}

#[test]
fn bad_requests_about_channels_are_told_what_is_wrong() {
    let shop = Shop::start();
    let new = json!({"name": "fair"});
    shop.put("/channels/99999", &new)
        .is_problem(404, "UNKNOWN_CHANNEL");
    shop.put("/channels/1", &json!({"name": ""}))
        .is_problem(422, "INVALID_NAME");
    shop.put("/channels/1", &new).is(200);
    let rule = |rule: Value| shop.put("/channels/1/rules", &rule);
    rule(json!({"rule": "gift", "units": 1})).is_problem(422, "INVALID_FIELD");
    rule(json!({"rule": "quota", "units": 1})).is_problem(422, "INVALID_FIELD");
    rule(json!({"rule": "cap", "units": 1, "sku": "urn"})).is_problem(422, "UNKNOWN_SKU");
    rule(json!({"rule": "cap", "units": -1, "sku": "vase"})).is_problem(400, "BAD_REQUEST");
    rule(json!({"rule": "cap", "units": 4_000_000_000_u32, "sku": "vase"}))
        .is_problem(422, "INVALID_QUANTITY");
    let plan = |from: &str, to: &str| {
        let items = json!([{"sku": "vase", "units": 1}]);
        let plan = json!({"name": "flash", "from": from, "to": to, "items": items});
        shop.post("/channels/1/campaigns", &plan)
    };
    let (past, future) = ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    plan("today", future).is_problem(422, "INVALID_FIELD");
    plan(future, past).is_problem(422, "INVALID_FIELD");
    plan(past, "2020-01-02T00:00:00Z").is_problem(409, "EXPIRED");
    shop.post("/campaigns/x/end", &json!({}))
        .is_problem(404, "UNKNOWN_CAMPAIGN");
    let page = shop.get("/channels/1/stock?sku=vase&sku=urn").is(200);
    assert_eq!(page.json()["unknown"], json!(["urn"]));
    let all = shop.get("/channels/1/stock").is(200).json();
    assert_eq!(all["stock"].as_array().map(Vec::len), Some(2));
    shop.get("/channels/1/stock?limit=3")
        .is_problem(400, "BAD_REQUEST");
}
