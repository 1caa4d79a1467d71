//! The history of a served directory, and the audit of it, from the command line.

use super::look::rows;
use super::runtime;

use crate::it::process::{Said, Server, finish, onhand};
use crate::it::subscribers::receiver::until;
use onhand::history::{HistoryTarget, SQLITE_FILE};
use serde_json::Value;
use std::path::Path;

fn on(data: &Path, arguments: &[&str]) -> Said {
    finish(onhand().args(arguments).arg("--data").arg(data))
}

fn json_lines(said: &Said) -> Vec<Value> {
    let lines = said.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A server that took a hold, confirmed it and refused another one.
fn served(data: &Path) -> Server {
    let server = Server::start(data, &[]);
    server.run(&["sku", "add", "lamp"]).exits(0);
    server.run(&["location", "add", "main"]).exits(0);
    for quantity in ["5", "2"] {
        let receive = [
            "--sku",
            "lamp",
            "--location",
            "main",
            "--quantity",
            quantity,
        ];
        server
            .run(&[&["stock", "receive"], &receive[..]].concat())
            .exits(0);
    }
    let hold = |key, quantity| {
        let order = ["--sku", "lamp", "--quantity", quantity, "--key", key];
        server.run(&[&["order", "hold"], &order[..]].concat())
    };
    hold("a1", "3").exits(0);
    server.run(&["order", "confirm", "a1"]).exits(0);
    hold("a2", "30").exits(1);
    server
}

#[test]
fn a_served_directory_has_its_history_and_a_rebuild_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = served(&data);
    // Beside a running server the command empties the tables, and the server fills them.
    let said = on(&data, &["history", "rebuild", "--json"]).exits(0);
    assert_eq!(said.json()["served_by"], server.pid());
    let target = HistoryTarget::Sqlite(data.join(SQLITE_FILE));
    let queries = [
        "SELECT state, units, version FROM orders",
        "SELECT reason FROM rejections",
        "SELECT kind, quantity FROM stock_movements",
        "SELECT event, to_state FROM order_events",
        "SELECT next_sequence FROM shards",
    ];
    let shown = || queries.map(|query| runtime().block_on(rows(&target, query)));
    // A stop writes what is acknowledged for a bounded time only.
    until("the last decision is there again", || shown()[1].len() == 1);
    assert_eq!(server.stop(), Some(0));
    let before = shown();
    assert_eq!(before[0], ["CONFIRMED|3|1"]);
    assert_eq!(before[1], ["INSUFFICIENT_STOCK"]);
    assert_eq!(before[2], ["received|2", "received|5"]);
    let said = on(&data, &["history", "rebuild"]).exits(0);
    said.says("1 shard").says("history.sqlite");
    let after = shown();
    assert_eq!(after[..4], before[..4]);
    on(&data, &["history", "rebuild", "--history", "off"])
        .exits(2)
        .warns("no database");
    on(&data, &["history", "rebuild", "--history", "mysql://x"])
        .exits(2)
        .warns("postgres://");
}

#[test]
fn the_audit_tells_who_did_what_beside_a_running_server_and_at_rest() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = served(&data);
    let beside = json_lines(&on(&data, &["audit"]).exits(0));
    assert_eq!(server.stop(), Some(0));
    let all = json_lines(&on(&data, &["audit"]).exits(0));
    assert!(all.starts_with(&beside) && !beside.is_empty());
    let accepted = all
        .iter()
        .find(|it| it["action"] == "OrderAccepted")
        .unwrap();
    let order = accepted["order"].as_str().unwrap();
    let of_order = json_lines(&on(&data, &["audit", "--order", order]).exits(0));
    let told: Vec<_> = of_order
        .iter()
        .map(|it| [&it["action"], &it["before"], &it["after"], &it["outcome"]])
        .collect();
    assert_eq!(
        told,
        [
            [
                &"OrderAccepted".into(),
                &Value::Null,
                &"HELD".into(),
                &"accepted".into()
            ],
            [
                &"OrderConfirmed".into(),
                &"HELD".into(),
                &"CONFIRMED".into(),
                &"done".into()
            ],
        ]
    );
    assert_eq!(of_order[1]["cause"], of_order[0]["sequence"]);
    assert_eq!(of_order[1]["segment"], 1);
    let refused = all
        .iter()
        .find(|it| it["action"] == "OrderRejected")
        .unwrap();
    assert_eq!(refused["outcome"], "refused: INSUFFICIENT_STOCK");

    let actor = accepted["actor"].as_str().unwrap();
    let by_actor = json_lines(&on(&data, &["audit", "--actor", actor]).exits(0));
    assert!(by_actor.len() >= of_order.len() && by_actor.len() <= all.len());
    let time = of_order[1]["time"].as_str().unwrap();
    let later = json_lines(&on(&data, &["audit", "--from", time]).exits(0));
    assert!(later.len() < all.len() && later.iter().any(|it| it["after"] == "CONFIRMED"));
    let earlier = json_lines(&on(&data, &["audit", "--to", time]).exits(0));
    assert_eq!(earlier.len() + later.len(), all.len());

    let csv = on(&data, &["audit", "--format", "csv"]).exits(0);
    let mut table = csv::Reader::from_reader(csv.out.as_bytes());
    assert_eq!(table.headers().unwrap().get(7), Some("before"));
    assert_eq!(table.records().map(Result::unwrap).count(), all.len());
    on(&data, &["audit", "--from", "yesterday"])
        .exits(2)
        .warns("2026-11-27T09:00:00Z");
}

#[test]
fn the_audit_report_passes_for_a_sound_directory_and_fails_for_one_that_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = served(&data);
    assert_eq!(server.stop(), Some(0));
    let report = on(&data, &["audit", "report", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(report["passed"], true);
    let checks = report["checks"].as_array().unwrap();
    for name in [
        "I1", "I7", "I10", "I13", "chain", "captures", "attempts", "reviews",
    ] {
        assert!(checks.iter().any(|check| check["name"] == name), "{name}");
    }
    let text = on(&data, &["audit", "report"]).exits(0);
    text.says("passed: no check failed").says("not exercised");

    let segment = data.join("shard-0000/segment-0000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(4).position(|part| part == b"lamp").unwrap();
    bytes[at] = b'L';
    std::fs::write(&segment, bytes).unwrap();
    let text = on(&data, &["audit", "report"]).exits(1);
    text.says("FAIL").says("NOT passed");
}
