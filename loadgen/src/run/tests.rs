//! Whole runs against a small server, honest and otherwise.

use clap::{Parser, ValueEnum};

use super::fake_server::{self, Vice};
use super::*;
use crate::args::{Arguments, Command};

fn arguments(flags: &[&str]) -> RunArguments {
    let all = ["onhand-loadgen", "run"].iter().chain(flags);
    match Arguments::parse_from(all).command {
        Command::Run(arguments) => arguments,
        Command::Figures(_) | Command::Process(_) | Command::Channels(_) => {
            unreachable!("run was asked for")
        }
    }
}

/// A run of 20,000 orders on 5 connections, with further flags.
fn run_against(vice: Vice, flags: &[&str]) -> Result<RunReport> {
    let target = fake_server::start(vice).to_string();
    let mut all = vec![
        "--target",
        &target,
        "--seed",
        "5",
        "--skus",
        "50",
        "--connections",
        "5",
    ];
    if !flags.contains(&"--orders") {
        all.extend(["--orders", "20000"]);
    }
    all.extend(flags);
    run(&arguments(&all))
}

fn check_right(report: &RunReport) {
    assert!(report.is_right(), "{report}");
    assert_eq!(report.counts.answered(), report.counts.offered);
    assert!(report.seconds > 0.0 && report.latency_us.p50 > 0.0);
}

#[test]
fn a_run_that_would_fill_the_disk_is_refused_before_it_starts() {
    let error = orders_max(&arguments(&["--orders", "1000000", "--max-disk", "10"]));
    assert!(error.unwrap_err().to_string().contains("nothing was sent"));
    assert_eq!(
        orders_max(&arguments(&["--orders", "1000"])).unwrap(),
        1_000
    );
    let by_time = arguments(&["--seconds", "5", "--max-disk", "96"]);
    assert_eq!(orders_max(&by_time).unwrap(), 1 << 20, "ends early instead");
}

#[test]
fn a_target_elsewhere_needs_a_flag() {
    let error = run(&arguments(&["--target", "192.0.2.1:7411"])).unwrap_err();
    assert!(error.to_string().contains("--allow-remote"), "{error}");
}

#[test]
fn every_scenario_ends_with_matching_books_and_every_order_answered_once() {
    for &scenario in Scenario::value_variants() {
        let name = scenario.to_possible_value().expect("none is hidden");
        let flags = [
            "--scenario",
            name.get_name(),
            "--batch",
            "64",
            "--in-flight",
            "3",
        ];
        let report = run_against(Vice::None, &flags).unwrap();
        check_right(&report);
        assert_eq!(report.counts.offered, 20_000, "{scenario:?}");
        let counts = report.counts;
        match scenario {
            Scenario::FlashSale => assert!(counts.rejected > 0 && counts.accepted > 10_000),
            Scenario::SellOut => assert_eq!(counts.accepted, 50 * 100),
            Scenario::RetryStorm => assert!(counts.replayed > 7_000 && counts.conflicts > 500),
            Scenario::HoldConfirmRelease => assert!(report.commands > 14_000),
            Scenario::Uniform | Scenario::Zipf | Scenario::Basket => {
                assert_eq!(counts.accepted, 20_000);
                assert!(
                    report
                        .journal_bytes_per_order
                        .is_some_and(|bytes| bytes > 63.0)
                );
            }
        }
    }
}

#[test]
fn single_orders_one_in_flight_are_answered_too() {
    check_right(&run_against(Vice::None, &["--batch", "1", "--in-flight", "1"]).unwrap());
}

#[test]
fn an_open_loop_keeps_its_rate_and_its_follow_ups() {
    let flags = [
        "--rate",
        "20000",
        "--batch",
        "4",
        "--scenario",
        "hold-confirm-release",
    ];
    let report = run_against(Vice::None, &[&flags[..], &["--orders", "10000"]].concat()).unwrap();
    check_right(&report);
    assert!(
        report.seconds > 0.4,
        "10,000 at 20,000 a second: {}",
        report.seconds
    );
    assert!(report.commands > 7_000);
}

#[test]
fn an_open_loop_starts_on_time() {
    let flags = [
        "--rate",
        "1000",
        "--arrivals",
        "constant",
        "--batch",
        "1",
        "--orders",
        "20",
    ];
    let starts: Vec<f64> = (0..5)
        .map(|_| run_against(Vice::None, &flags).unwrap().latency_us.max)
        .collect();
    // Late by a step's wait, the first order of every run would take 50 ms. A busy machine delays
    // some runs, but hardly all.
    let best = starts.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(best < 40_000.0, "{starts:?}");
}

#[test]
fn a_run_by_time_ends() {
    let target = fake_server::start(Vice::None).to_string();
    let report = run(&arguments(&[
        "--target",
        &target,
        "--seconds",
        "0.2",
        "--skus",
        "9",
    ]));
    check_right(&report.unwrap());
}

#[test]
fn overload_is_counted_and_the_run_goes_on() {
    let report = run_against(Vice::Overloads, &["--batch", "100"]).unwrap();
    check_right(&report);
    assert!(
        report.counts.overloaded > 5_000 && report.counts.accepted > 10_000,
        "{report}"
    );
}

#[test]
fn a_server_that_oversells_or_forgets_is_caught_by_the_books() {
    let report = run_against(Vice::Oversells, &["--scenario", "sell-out"]).unwrap();
    assert!(
        !report.is_right() && report.to_string().contains("oversold"),
        "{report}"
    );
    let report = run_against(Vice::Forgets, &["--scenario", "uniform"]).unwrap();
    assert!(
        !report.is_right() && report.to_string().contains("reserved grew by"),
        "{report}"
    );
}

#[test]
fn a_server_that_hangs_up_makes_the_run_fail_with_its_reason() {
    match run_against(Vice::HangsUp, &["--batch", "100"]) {
        Ok(report) => assert!(report.ended.is_some() && !report.is_right(), "{report}"),
        Err(error) => assert!(format!("{error:#}").contains("closed"), "{error:#}"),
    }
}

#[test]
fn the_ledger_has_a_line_for_every_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let flags = [
        "--ledger",
        path.to_str().unwrap(),
        "--scenario",
        "retry-storm",
    ];
    let report = run_against(Vice::None, &flags).unwrap();
    check_right(&report);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 20_000);
    let count = |part: &str| text.lines().filter(|line| line.contains(part)).count() as u64;
    assert_eq!(count("\"replayed\":true"), report.counts.replayed);
    assert_eq!(count("IDEMPOTENCY_CONFLICT"), report.counts.conflicts);
}
