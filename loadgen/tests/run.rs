//! The program against a real server, started in this process on a port of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Output};

use onhand::config::Config;
use onhand::server::{Server, Stopper};

/// A server with a fresh data directory; it drains and ends when it is dropped.
struct Running {
    address: String,
    stopper: Stopper,
    thread: Option<std::thread::JoinHandle<()>>,
    _directory: tempfile::TempDir,
}

impl Running {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data = directory.path().join("data");
        config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.http = None;
        config.orders_expected = 0;
        config.pin = false; // tests run beside each other
        let server = Server::start(&config).unwrap();
        let (address, stopper) = (server.address().to_string(), server.stopper());
        let thread = Some(std::thread::spawn(move || server.wait().unwrap()));
        Self {
            address,
            stopper,
            thread,
            _directory: directory,
        }
    }

    /// `onhand-loadgen run` against it, with further flags; writes its JSON to `json`.
    fn load(&self, json: &Path, flags: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_onhand-loadgen"))
            .args(["run", "--target", &self.address, "--seed", "3", "--json"])
            .arg(json)
            .args(flags)
            .output()
            .unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        let ended = self.thread.take().expect("joined once").join();
        assert!(
            std::thread::panicking() || ended.is_ok(),
            "the server ends well"
        );
    }
}

/// Runs the load and returns its report; the exit code must be 0.
fn check_load(server: &Running, flags: &[&str]) -> serde_json::Value {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("report.json");
    let output = server.load(&json, flags);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{errors}");
    assert!(text.contains("books match"), "{text}");
    serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap()
}

#[test]
fn a_flash_sale_sells_exactly_the_stock_and_the_same_seed_replays() {
    let server = Running::start();
    let flags = [
        "--scenario=flash-sale",
        "--orders=30000",
        "--stock=500",
        "--skus=20",
        "--batch=50",
        "--connections=10",
    ];
    let report = check_load(&server, &flags);
    let number = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(number("offered"), 30_000);
    assert_eq!(number("accepted") + number("rejected"), 30_000);
    assert!(number("rejected") > 20_000, "80 % want 500 units: {report}");
    assert_eq!(report["conditions"]["sync"], "always");
    assert!(report["journal_bytes_per_order"].as_f64().unwrap() > 16.0);
    // The stock is topped up, but every key is known by now: each gets the answer it got before.
    let again = check_load(&server, &flags);
    assert_eq!(again["replayed"], 30_000);
}

#[test]
fn single_orders_baskets_and_the_open_loop_keep_the_books() {
    let server = Running::start();
    check_load(
        &server,
        &[
            "--scenario=uniform",
            "--orders=3000",
            "--batch=1",
            "--skus=100",
        ],
    );
    let basket = [
        "--scenario=basket",
        "--orders=20000",
        "--batch=500",
        "--skus=100",
    ];
    check_load(&server, &[&basket[..], &["--tenant=two"]].concat());
    let open = [
        "--scenario=hold-confirm-release",
        "--orders=4000",
        "--rate=10000",
        "--batch=1",
    ];
    let report = check_load(
        &server,
        &[&open[..], &["--tenant=three", "--skus=100"]].concat(),
    );
    assert!(report["commands"].as_u64().unwrap() > 2_500);
    let storm = [
        "--scenario=retry-storm",
        "--orders=20000",
        "--tenant=four",
        "--skus=100",
    ];
    let report = check_load(&server, &storm);
    assert!(report["replayed"].as_u64() > Some(0) && report["conflicts"].as_u64() > Some(0));
}

#[test]
fn every_acknowledgement_is_written_down() {
    let server = Running::start();
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger");
    let flag = format!("--ledger={}", ledger.display());
    check_load(
        &server,
        &["--scenario=sell-out", "--orders=20000", "--skus=5", &flag],
    );
    let text = std::fs::read_to_string(ledger).unwrap();
    assert_eq!(text.lines().count(), 20_000);
    assert_eq!(
        text.lines()
            .filter(|line| line.contains("\"code\":\"OK\""))
            .count(),
        500
    );
}

#[test]
fn without_a_server_the_program_says_what_to_do() {
    let output = Command::new(env!("CARGO_BIN_EXE_onhand-loadgen"))
        .args(["run", "--target", "127.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("onhand serve"));
}

/// Says what a test lacks; fails where nothing may be lacking.
fn skip(what: &str) {
    let all = std::env::var_os("ONHAND_REQUIRE_ALL");
    assert!(all.is_none_or(|value| value != "1"), "{what}");
    eprintln!("{what}");
}

#[test]
fn onhand_and_the_chain_that_it_replaces_keep_their_books_under_the_same_load() {
    let program = Path::new(env!("CARGO_BIN_EXE_onhand-loadgen"));
    if !program.with_file_name("onhand").is_file() {
        return skip("skipped: needs onhand beside onhand-loadgen (cargo build)");
    }
    let directory = tempfile::tempdir().unwrap();
    // PostgreSQL does not run as root, and its user has to enter.
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), everybody).unwrap();
    let json = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new(program)
        .args(["channels", "--only", "peer", "--quick", "--seconds", "1"])
        .arg("--directory")
        .arg(directory.path())
        .arg("--json")
        .arg(json.path())
        .env("TMPDIR", directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{errors}");
    if let Some(line) = text.lines().find(|line| line.contains("skipped: needs")) {
        return skip(line);
    }
    let report = std::fs::read_to_string(json.path()).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let round = &report["peer"]["rounds"][0];
    // (deliveries, orders, units): the steady second has half as many as the burst.
    for (load, numbers) in [("burst", [100, 95, 85]), ("steady", [50, 48, 43])] {
        for side in ["ours", "theirs"] {
            let one = &round[load][side];
            let of = |name: &str| one[name].as_u64().unwrap();
            assert_eq!([of("deliveries"), of("orders"), of("units")], numbers);
            let [_, orders, units] = numbers;
            let books = serde_json::json!({"known": orders, "confirmed": units, "counted": orders});
            assert_eq!(one["books"], books, "{load} {side}");
            assert_eq!((of("told"), of("told_again")), (units, 0), "{load} {side}");
            for time in ["answer_us", "decided_us", "told_us"] {
                assert!(one[time]["p99"].as_f64().unwrap() > 0.0, "{load} {side}");
            }
        }
    }
    assert!(text.contains("| stock decided durably, p99 |"), "{text}");
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 0, "servers and their data are gone");
}

#[test]
fn a_service_that_is_missing_is_named_and_is_no_failure() {
    let nothing = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_onhand-loadgen"))
        .args(["channels", "--only", "peer"])
        .env("PATH", nothing.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("skipped: needs redis-server"), "{text}");
}
