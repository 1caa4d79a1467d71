//! `onhand demo` as a process: its claims hold, it cleans up, and its engine never outlives it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::process::{onhand, run};
use super::serving::wait_until_gone;

/// Far longer than the end of a process takes, on a busy machine as well.
const TIMEOUT: Duration = Duration::from_secs(30);

#[test]
fn the_demo_holds_all_its_claims_and_cleans_up() {
    let parent = tempfile::tempdir().expect("a directory");
    let json = tempfile::NamedTempFile::new().expect("a file");
    let arguments = [
        "demo",
        "--customers",
        "3000",
        "--stock",
        "100",
        "--connections",
        "20",
        "--data",
    ];
    let mut arguments: Vec<&str> = arguments.to_vec();
    let (path, json) = (
        parent.path().display().to_string(),
        json.path().display().to_string(),
    );
    arguments.extend([&path, "--json", &json]);
    run(&arguments)
        .exits(0)
        .says("Nothing lost, nothing sold twice.");
    let text = std::fs::read_to_string(&json).expect("a file of figures");
    let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for (name, value) in [
        ("offered", 3_000),
        ("accepted", 100),
        ("sold_out", 2_900),
        ("units_sold", 100),
        ("oversold", 0),
        ("acknowledged_then_lost", 0),
        ("acknowledged_twice", 0),
        ("contradictions", 0),
    ] {
        assert_eq!(figures[name], value, "{name} in {text}");
    }
    for name in [
        "replayed",
        "in_flight_at_kill",
        "acknowledged_before_kill",
        "background_orders",
    ] {
        assert!(figures[name].as_u64() > Some(0), "{name} in {text}");
    }
    assert_eq!(figures["verify"]["violations"], 0);
    assert_eq!(
        figures["verify"]["acknowledgements"],
        figures["ledger_lines"]
    );
    assert_eq!(figures["ok"], true);
    let left = std::fs::read_dir(parent.path())
        .expect("a directory")
        .count();
    assert_eq!(left, 0, "the demo's directory is deleted");
}

#[test]
fn the_demo_of_the_channels_holds_all_its_claims_and_cleans_up() {
    let parent = tempfile::tempdir().expect("a directory");
    let json = tempfile::NamedTempFile::new().expect("a file");
    let (path, json) = (
        parent.path().display().to_string(),
        json.path().display().to_string(),
    );
    let small = ["demo", "--channels", "--rate", "8", "--seconds", "2"];
    let said = run(&[&small[..], &["--exit", "--data", &path, "--json", &json]].concat());
    let said = said.exits(0);
    for text in [
        "ORDERS HERE",
        "PUBLISH LAG",
        "0 violations",
        "Every sale is one order here, and no quota is oversold.",
    ] {
        assert!(said.out.contains(text), "no {text:?} in {said:?}");
    }
    let text = std::fs::read_to_string(&json).expect("a file of figures");
    let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let markets = figures["markets"].as_array().expect("markets");
    assert_eq!(markets.len(), 5);
    for market in markets {
        assert!(market["quota_sold"].as_u64() > Some(0), "{market}");
        assert!(market["changes"].as_u64() > Some(0), "{market}");
        assert_eq!(market["oversold"], 0, "{market}");
        assert!(
            said.out.contains(market["name"].as_str().expect("a name")),
            "{said:?}"
        );
    }
    assert_eq!(figures["cancelled_here"], 20);
    assert_eq!(figures["ok"], true);
    let left = std::fs::read_dir(parent.path()).expect("a directory");
    assert_eq!(left.count(), 0, "the demo's directory is deleted");
}

#[test]
fn a_demo_that_stays_serves_the_dashboard_until_it_is_told_to_end() {
    let parent = tempfile::tempdir().expect("a directory");
    let mut demo = onhand()
        .args(["demo", "--sale-only", "--stay", "--customers", "1000"])
        .args(["--stock", "20", "--connections", "10", "--data"])
        .arg(parent.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the demo starts");
    let output = BufReader::new(demo.stdout.take().expect("an output"));
    let mut lines = output.lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("The dashboard is at http://"));
    let line = line.expect("the address of the dashboard");
    let address = line.split("http://").nth(1).expect("an address");
    let address = address.split('/').next().expect("an address");
    let page = super::web::send(address.parse().expect("an address"), "GET", "/", &[], b"");
    assert_eq!(page.status, 200, "{}", page.body);
    kill_process(Pid::from_child(&demo), Signal::INT).expect("a signal");
    lines.for_each(drop);
    assert_eq!(demo.wait().expect("an end").code(), Some(0));
    let left = std::fs::read_dir(parent.path()).expect("a directory");
    assert_eq!(left.count(), 0, "the demo's directory is deleted");
}

#[test]
fn the_demo_refuses_too_few_customers_before_it_starts_anything() {
    run(&["demo", "--customers", "300", "--stock", "100"])
        .exits(2)
        .warns("too few");
}

#[test]
fn the_engine_does_not_outlive_the_demo() {
    for (signal, code) in [(Signal::TERM, Some(143)), (Signal::KILL, None)] {
        let parent = tempfile::tempdir().expect("a directory");
        let mut demo = onhand()
            .args(["demo", "--data"])
            .arg(parent.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the demo starts");
        let output = BufReader::new(demo.stdout.take().expect("an output"));
        let mut lines = output.lines().map_while(Result::ok);
        let line = lines
            .find(|line| line.contains("process "))
            .expect("the engine's pid");
        let pid = line.split("process ").nth(1).expect("a pid");
        let pid: i32 = pid
            .split(',')
            .next()
            .expect("a pid")
            .parse()
            .expect("a pid");
        let pid = Pid::from_raw(pid).expect("a pid");
        kill_process(Pid::from_child(&demo), signal).expect("a signal");
        // Its other lines, if there are any, must not block it.
        lines.for_each(drop);
        let status = demo.wait().expect("an end");
        assert_eq!(status.code(), code);
        wait_until_gone(pid, TIMEOUT);
        if code.is_some() {
            let left = std::fs::read_dir(parent.path())
                .expect("a directory")
                .count();
            assert_eq!(left, 0, "an interrupted demo leaves nothing behind");
        }
    }
}
