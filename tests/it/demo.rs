//! `onhand demo` as a process: its claims hold, it cleans up, and its engine never outlives it.

use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::dashboard::browser::{Browser, Size};
use super::process::{onhand, run};
use super::serving::wait_until_gone;
use super::web::send;

/// Far longer than the end of a process takes, on a busy machine as well.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A demo that stays, from the moment on when it says where its dashboard is.
struct Staying {
    demo: Child,
    rest: Lines<BufReader<ChildStdout>>,
    /// What it said so far.
    said: String,
    /// The printed address of the dashboard.
    page: String,
}

impl Staying {
    fn start(arguments: &[&str], data: &Path) -> Self {
        let mut demo = onhand()
            .arg("demo")
            .args(arguments)
            .arg("--stay")
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the demo starts");
        let output = BufReader::new(demo.stdout.take().expect("an output"));
        let mut rest = output.lines();
        let mut said = String::new();
        let page = loop {
            let line = rest.next();
            let line = line.unwrap_or_else(|| panic!("no address of the dashboard in {said}"));
            let line = line.expect("a line");
            if let Some((_, page)) = line.split_once("The dashboard is at ") {
                break page.split(' ').next().expect("an address").to_owned();
            }
            said.push_str(&line);
            said.push('\n');
        };
        Self {
            demo,
            rest,
            said,
            page,
        }
    }

    /// What the page at the printed address asks, as somebody who opens it: its host and tenant.
    fn http(&self) -> (SocketAddr, String) {
        let (_, rest) = self.page.split_once("http://").expect("an address");
        let (address, query) = rest.split_once('/').expect("a path");
        let tenant = query.strip_prefix("?tenant=").unwrap_or("default");
        (
            address.parse().expect("an address"),
            tenant.split('#').next().expect("a tenant").to_owned(),
        )
    }

    /// Opens the printed address, waits for figures, and has a payment failure simulated.
    fn is_lively(&self, figures: &str) {
        let (http, tenant) = self.http();
        send(http, "GET", "/", &[], b"").is(200);
        let tenant = [("onhand-tenant", tenant.as_str())];
        if let Some(browser) = Browser::start(Size::Wall) {
            browser.go(&self.page);
            browser.until("figures", figures);
            browser.click("#simulate");
            browser.until(
                "a retry",
                "return !!document.querySelector('.news [data-kind=retry]')",
            );
            assert!(browser.errors().is_empty(), "{:?}", browser.errors());
        } else {
            send(http, "POST", "/dashboard/simulate", &tenant, b"").is(200);
        }
        let told = send(http, "GET", "/dashboard/simulate", &tenant, b"").is(200);
        let placed = told.json()["orders"].as_array().map(Vec::len);
        assert!(placed >= Some(1), "{told:?}");
    }

    /// Ctrl-C; it ends well, and leaves nothing behind.
    fn ends(mut self, data: &Path) {
        kill_process(Pid::from_child(&self.demo), Signal::INT).expect("a signal");
        self.rest.by_ref().for_each(drop);
        assert_eq!(self.demo.wait().expect("an end").code(), Some(0));
        let left = std::fs::read_dir(data).expect("a directory");
        assert_eq!(left.count(), 0, "the demo's directory is deleted");
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        // Its engine ends with it; after a test that holds both are gone already.
        let _ = self.demo.kill();
        let _ = self.demo.wait();
    }
}

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
fn the_demo_of_the_channels_holds_all_its_claims_and_its_dashboard_shows_them() {
    let parent = tempfile::tempdir().expect("a directory");
    let json = tempfile::NamedTempFile::new().expect("a file");
    let path = json.path().display().to_string();
    let small = ["--channels", "--rate", "8", "--seconds", "2"];
    let staying = Staying::start(&[&small[..], &["--json", &path]].concat(), parent.path());
    let said = &staying.said;
    for text in [
        "ORDERS HERE",
        "PUBLISH LAG",
        "0 violations",
        "Every sale is one order here, and no quota is oversold.",
    ] {
        assert!(said.contains(text), "no {text:?} in {said}");
    }
    let text = std::fs::read_to_string(&path).expect("a file of figures");
    let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let markets = figures["markets"].as_array().expect("markets");
    assert_eq!(markets.len(), 5);
    for market in markets {
        assert!(market["quota_sold"].as_u64() > Some(0), "{market}");
        assert!(market["changes"].as_u64() > Some(0), "{market}");
        assert_eq!(market["oversold"], 0, "{market}");
        assert!(
            said.contains(market["name"].as_str().expect("a name")),
            "{said}"
        );
    }
    assert_eq!(figures["cancelled_here"], 20);
    assert_eq!(figures["ok"], true);
    staying.is_lively(
        "return Number(document.querySelector('[data-node=crm] [data-stat=rate] b')\
             ?.textContent.split('/')[0]) > 0",
    );
    staying.ends(parent.path());
}

#[test]
fn the_dashboard_of_a_demo_that_stays_shows_its_orders_and_plays_a_payment_failure() {
    let parent = tempfile::tempdir().expect("a directory");
    let small = ["--sale-only", "--customers", "1000", "--stock", "20"];
    let staying = Staying::start(
        &[&small[..], &["--connections", "10"]].concat(),
        parent.path(),
    );
    staying.is_lively(
        "return document.querySelectorAll('.dot').length > 0 \
         && Number(document.querySelector('[data-node=crm] [data-stat=rate] b')\
             ?.textContent.split('/')[0]) > 0",
    );
    staying.ends(parent.path());
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
