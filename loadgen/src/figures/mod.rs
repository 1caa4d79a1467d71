//! The figures of `docs/PERFORMANCE.md`: several runs of each row, each against a server of its
//! own in a fresh directory, beside what the bare device and the bare loopback interface do.
//!
//! ```text
//!  device, loopback (ceilings) ─┐
//!  rows ─▶ server ─▶ run ─▶ ... ┴─▶ FiguresReport ─▶ JSON, Markdown table
//! ```

mod device;
mod loopback;
mod markdown;
mod rows;
mod server;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;

use crate::args::{Arguments, Command, FiguresArguments, RunArguments};
use crate::conditions::{Conditions, file_system};
use crate::report::RunReport;
use crate::run;
use device::DeviceCeiling;
use loopback::LoopbackCeiling;
use rows::{Kind, ROWS, Row};
pub use server::Server;

/// Runs of each row, and of a quick one.
const RUNS: u64 = 5;
const RUNS_QUICK: u64 = 3;

/// Everything that was measured; its JSON form makes the table.
#[derive(Debug, serde::Serialize)]
pub struct FiguresReport {
    /// Under which conditions.
    pub conditions: Conditions,
    /// Runs a row.
    pub runs: u64,
    /// What the directory's device does without Onhand.
    pub device: DeviceCeiling,
    /// The rows, in the order of the table.
    pub rows: Vec<RowReport>,
}

/// One row of the table.
#[derive(Debug, serde::Serialize)]
pub struct RowReport {
    /// Short name.
    pub id: &'static str,
    /// The load in words.
    pub load: &'static str,
    /// The flags of `onhand-loadgen run` of the first run.
    pub flags: String,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// The same exchange of bytes between two threads over the loopback interface, without a
    /// server; for rows that it bounds.
    pub loopback: Option<LoopbackCeiling>,
    /// Every run in full.
    pub runs: Vec<RunReport>,
}

/// One figure over all runs of a row.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Figure {
    /// What it is, with its unit.
    pub name: &'static str,
    /// The median run.
    pub median: f64,
    /// The lowest run.
    pub low: f64,
    /// The highest run.
    pub high: f64,
}

impl Figure {
    /// The figure of these values; 0 where there are none.
    pub fn of(name: &'static str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(0.0);
        let (middle, last) = (values.len() / 2, values.len().saturating_sub(1));
        let median = if values.len().is_multiple_of(2) && !values.is_empty() {
            f64::midpoint(at(middle - 1), at(middle))
        } else {
            at(middle)
        };
        Self {
            name,
            median,
            low: at(0),
            high: at(last),
        }
    }
}

/// Measures all rows. Any run whose books are off is an error.
pub fn figures(arguments: &FiguresArguments) -> Result<FiguresReport> {
    let server_bin = server_bin(arguments)?;
    let directory = &arguments.directory;
    let mut conditions = Conditions::here(arguments.seed);
    conditions.file_system = file_system(directory);
    conditions.sync = Some(arguments.sync.clone());
    if matches!(conditions.file_system.as_deref(), Some("tmpfs" | "ramfs")) {
        eprintln!(
            "warning: {} is in memory: nothing is durable there",
            directory.display()
        );
    }
    let runs = if arguments.quick { RUNS_QUICK } else { RUNS };
    eprintln!("device: {}", directory.display());
    let device = device::measure(directory, arguments.quick)?;
    let wanted = |row: &&Row| {
        arguments
            .only
            .as_ref()
            .is_none_or(|text| row.id.contains(text) || row.load.contains(text))
    };
    let mut reports = Vec::new();
    for row in ROWS.iter().filter(wanted) {
        reports.push(measure(row, arguments, &server_bin, runs)?);
    }
    ensure!(
        !reports.is_empty(),
        "no row has such a name; they are: {}",
        rows::names()
    );
    Ok(FiguresReport {
        conditions,
        runs,
        device,
        rows: reports,
    })
}

/// Replaces the table in a Markdown file.
pub fn write_markdown(path: &Path, report: &FiguresReport) -> Result<()> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let replaced = markdown::replace(&text, &markdown::table(report))
        .with_context(|| format!("{} is unchanged", path.display()))?;
    std::fs::write(path, replaced).with_context(|| format!("cannot write {}", path.display()))
}

/// The table as text.
pub fn table(report: &FiguresReport) -> String {
    markdown::table(report)
}

fn measure(
    row: &'static Row,
    arguments: &FiguresArguments,
    server_bin: &Path,
    runs: u64,
) -> Result<RowReport> {
    let mut reports = Vec::new();
    for number in 0..runs {
        let flags = row.flags(arguments.quick, arguments.seed + number);
        eprintln!(
            "{}, run {} of {runs}: {}",
            row.id,
            number + 1,
            flags.join(" ")
        );
        let server = Server::start(
            server_bin,
            &arguments.directory,
            &arguments.sync,
            row.orders(arguments.quick),
        )?;
        let report = run::run(&run_arguments(&flags, &server)?)?;
        server.stop()?;
        if !report.is_right() {
            bail!(
                "{}, run {}: the server misbehaved:\n{report}",
                row.id,
                number + 1
            );
        }
        reports.push(report);
    }
    let loopback = row
        .exchange(arguments.quick)
        .map(|exchange| exchange.measure())
        .transpose()?;
    Ok(RowReport {
        id: row.id,
        load: row.load,
        flags: row.flags(arguments.quick, arguments.seed).join(" "),
        figures: figures_of(row.kind, &reports),
        loopback,
        runs: reports,
    })
}

fn figures_of(kind: Kind, reports: &[RunReport]) -> Vec<Figure> {
    let of =
        |name, value: fn(&RunReport) -> f64| Figure::of(name, reports.iter().map(value).collect());
    let bytes = || {
        let known = reports
            .iter()
            .filter_map(|report| report.journal_bytes_per_order);
        Figure::of("journal bytes/order", known.collect())
    };
    let p50 = || of("p50 µs", |report| report.latency_us.p50);
    let p99 = || of("p99 µs", |report| report.latency_us.p99);
    match kind {
        Kind::Throughput => {
            vec![
                of("orders/s", |report| report.orders_per_s),
                p50(),
                p99(),
                bytes(),
            ]
        }
        Kind::Latency => vec![p50(), p99(), bytes()],
    }
}

fn run_arguments(flags: &[String], server: &Server) -> Result<RunArguments> {
    let target = server.address().to_string();
    let program = ["onhand-loadgen", "run", "--target", target.as_str()];
    let all = program.into_iter().chain(flags.iter().map(String::as_str));
    match Arguments::try_parse_from(all)?.command {
        Command::Run(arguments) => Ok(arguments),
        Command::Figures(_) | Command::Process(_) | Command::Channels(_) => {
            bail!("a row is a run")
        }
    }
}

/// The server to measure: as asked for, or beside this program.
fn server_bin(arguments: &FiguresArguments) -> Result<PathBuf> {
    let path = match &arguments.server_bin {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("onhand"),
    };
    ensure!(
        path.is_file(),
        "no server at {}: build it with `cargo build --release`, or name it with --server-bin",
        path.display()
    );
    Ok(path)
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact values
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_median_with_the_lowest_and_highest_run() {
        let figure = Figure::of("x", vec![5.0, 1.0, 3.0]);
        assert_eq!((figure.low, figure.median, figure.high), (1.0, 3.0, 5.0));
        assert_eq!(Figure::of("x", vec![4.0, 1.0]).median, 2.5);
        assert_eq!(Figure::of("x", Vec::new()).median, 0.0);
    }

    #[test]
    fn every_row_is_a_valid_run_within_its_disk() {
        for row in &ROWS {
            for quick in [false, true] {
                let flags = row.flags(quick, 1);
                let all = ["onhand-loadgen", "run"].into_iter();
                let all = all.chain(flags.iter().map(String::as_str));
                let parsed = Arguments::try_parse_from(all).unwrap();
                let Command::Run(arguments) = parsed.command else {
                    panic!("a row is a run")
                };
                let bytes = arguments.scenario.journal_bytes_estimate();
                let orders = arguments.orders.expect("every row bounds its orders");
                assert!(orders * bytes < 4 << 30, "{}", row.id);
            }
        }
    }
}
