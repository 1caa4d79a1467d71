//! One run against a running server: prepare, load, compare the books.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use onhand::client::swarm::{Disconnect, Driver, Swarm, SwarmOptions};
use onhand::clock::monotonic_ns;
use onhand::types::{LocationId, SkuId};
use onhand::wire::Frame;
use onhand::wire::reply::CellValues;

use crate::args::RunArguments;
use crate::arrivals::Schedule;
use crate::closed::ClosedLoop;
use crate::conditions::Conditions;
use crate::control::Control;
use crate::ledger::Ledger;
use crate::open::OpenLoop;
use crate::report::RunReport;
use crate::scenario::{Plan, STOCK_AMPLE, Scenario};
use crate::workload::{Bounds, Workload};

/// Length of a run that was given no other end, in seconds.
const SECONDS_DEFAULT: f64 = 10.0;

/// Longest wait for all connections to be greeted, in milliseconds.
const GREETING_TIMEOUT_MS: u64 = 30_000;

/// Longest time without a single answer before a run is given up, in nanoseconds.
const SILENCE_NS_MAX: u64 = 60_000_000_000;

/// Longest wait of one step: how soon an end by time is seen.
const STEP_WAIT: Duration = Duration::from_millis(50);

/// How often the progress bar is drawn, in nanoseconds.
const PROGRESS_NS: u64 = 100_000_000;

/// The name of the only location.
const LOCATION: &str = "loadgen";

/// The server's counter of journal bytes.
const JOURNAL_BYTES: &str = "journal_bytes";

/// Runs the load and returns what was measured. Discrepancies are in the report, not an error.
pub fn run(arguments: &RunArguments) -> Result<RunReport> {
    ensure!(
        arguments.target.ip().is_loopback() || arguments.allow_remote,
        "{} is not on the loopback interface; --allow-remote says that it may be loaded",
        arguments.target
    );
    let orders_max = orders_max(arguments)?;
    let token = read_token(arguments)?;
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let mut control = Control::connect(arguments.target, &arguments.tenant, &token)?;
    let stage = prepare(arguments, &mut control)?;
    let statistics_before = control.statistics()?;

    let mut swarm = Swarm::new(&SwarmOptions {
        connections: arguments.connections as usize,
        tenant: arguments.tenant.clone(),
        token,
        client: "onhand-loadgen".into(),
    })?;
    swarm.greet_all(arguments.target, GREETING_TIMEOUT_MS, &mut Silent)?;
    let plan = Plan::new(
        arguments.scenario,
        stage.skus_count,
        arguments.hot_percent,
        seed,
    );
    let start_ns = monotonic_ns();
    let seconds = match (arguments.orders, arguments.seconds) {
        (None, None) => Some(SECONDS_DEFAULT),
        (_, seconds) => seconds,
    };
    let bounds = Bounds {
        batch: arguments.batch,
        orders_max,
        stop_ns: seconds.map_or(u64::MAX, |seconds| start_ns + nanoseconds(seconds)),
        hold_ms: arguments.hold * 1_000,
    };
    let mut workload = Workload::new(plan, stage.skus.clone(), stage.location, bounds);
    if let Some(path) = &arguments.ledger {
        workload.ledger = Some(Ledger::create(path, &arguments.tenant)?);
    }
    let (mut workload, last_ns, ended) = drive(arguments, &mut swarm, workload, start_ns, seed)?;
    drop(swarm);
    // What was in flight when a connection ended has an unknown outcome.
    let counts = &mut workload.tally.counts;
    counts.errors += counts.offered.saturating_sub(counts.answered());

    let mut report = RunReport {
        scenario: arguments.scenario,
        seconds: last_ns.saturating_sub(start_ns) as f64 / 1e9,
        ended,
        surprise: workload
            .surprise
            .map(|code| format!("{code}: {}", code.meaning())),
        ..RunReport::new(&workload.tally, Conditions::here(seed))
    };
    if let Some(ledger) = workload.ledger {
        ledger.finish()?;
    }
    let after = control.stock(&stage.skus, stage.location)?;
    report.books = workload.books.compare(&stage.before, &after);
    report.books.check_counts(&workload.tally.counts);
    let statistics = control.statistics()?;
    report.complete(
        statistics_before.get(JOURNAL_BYTES),
        statistics.get(JOURNAL_BYTES),
    );
    report.conditions.sync = sync_mode(&statistics);
    Ok(report)
}

/// What the server holds before the run.
struct Stage {
    skus_count: u32,
    skus: Vec<SkuId>,
    location: LocationId,
    before: Vec<CellValues>,
}

/// Defines the SKUs and tops their stock up.
fn prepare(arguments: &RunArguments, control: &mut Control) -> Result<Stage> {
    let scenario = arguments.scenario;
    let skus_count = arguments.skus.unwrap_or(scenario.default_skus());
    let stock = arguments.stock.unwrap_or(scenario.default_stock());
    let location = control.define_location(LOCATION)?;
    let names: Vec<String> = (0..skus_count)
        .map(|sku| format!("loadgen-{sku:08}"))
        .collect();
    let skus = control.define_skus(&names)?;
    let now = control.stock(&skus, location)?;
    let movements: Vec<_> = (0_u32..)
        .zip(skus.iter().zip(&now))
        .filter_map(|(sku, (&handle, cell))| {
            let hot = scenario == Scenario::FlashSale && sku > 0;
            let wanted = if hot { STOCK_AMPLE } else { stock };
            let missing = wanted.saturating_sub(cell.available);
            (missing > 0).then_some((handle, missing))
        })
        .collect();
    control.receive(location, &movements)?;
    let before = control.stock(&skus, location)?;
    Ok(Stage {
        skus_count,
        skus,
        location,
        before,
    })
}

/// Runs the loop to its end. Returns the workload, when the last answer came, and why the loop
/// ended early, if it did.
fn drive(
    arguments: &RunArguments,
    swarm: &mut Swarm,
    workload: Workload,
    start_ns: u64,
    seed: u64,
) -> Result<(Workload, u64, Option<String>)> {
    let connections = swarm.connections();
    let Some(rate) = arguments.rate else {
        let mut driver = ClosedLoop::new(workload, connections, arguments.in_flight as usize);
        (0..connections).for_each(|connection| swarm.wake(connection));
        let last_ns = watch(arguments, swarm, &mut driver, |driver| View {
            finished: driver.is_finished(monotonic_ns()),
            ended: driver.ended().is_some(),
            workload: &driver.workload,
        })?;
        let ended = driver.ended().map(str::to_owned);
        return Ok((driver.into_workload(), last_ns, ended));
    };
    let frames_per_s = rate / f64::from(arguments.batch);
    let schedule = Schedule::new(arguments.arrivals, frames_per_s, seed);
    let mut driver = OpenLoop::new(workload, connections, schedule, start_ns);
    let last_ns = watch(arguments, swarm, &mut driver, |driver| View {
        finished: driver.is_finished(),
        ended: driver.ended().is_some(),
        workload: &driver.workload,
    })?;
    let ended = driver.ended().map(str::to_owned);
    Ok((driver.into_workload(), last_ns, ended))
}

/// What the loop around a driver needs to see.
struct View<'a> {
    finished: bool,
    ended: bool,
    workload: &'a Workload,
}

/// Steps until the driver is finished, a connection ended or the server fell silent. Returns when
/// the last answer was seen.
fn watch<D: Driver>(
    arguments: &RunArguments,
    swarm: &mut Swarm,
    driver: &mut D,
    look: impl for<'a> Fn(&'a D) -> View<'a>,
) -> Result<u64> {
    let bar = progress_bar(arguments);
    let (mut answered, mut heard_ns, mut drawn_ns) = (0, monotonic_ns(), 0);
    // The first step only lets the driver say when it wants to be called.
    let mut wait = Duration::ZERO;
    loop {
        swarm.step(driver, wait)?;
        wait = STEP_WAIT;
        let now_ns = monotonic_ns();
        let view = look(driver);
        let counted = view.workload.tally.counts.answered() + view.workload.tally.commands;
        if counted != answered {
            answered = counted;
            heard_ns = now_ns;
        }
        if now_ns - drawn_ns > PROGRESS_NS {
            drawn_ns = now_ns;
            bar.set_position(view.workload.tally.counts.answered());
        }
        if view.finished || view.ended {
            bar.finish_and_clear();
            return Ok(heard_ns);
        }
        if now_ns - heard_ns > SILENCE_NS_MAX {
            bar.finish_and_clear();
            bail!("the server answered nothing for a minute; orders are in flight");
        }
    }
}

fn progress_bar(arguments: &RunArguments) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match arguments.orders {
        Some(orders) => (
            ProgressBar::new(orders),
            "{bar:40} {human_pos} of {human_len} orders",
        ),
        None => (ProgressBar::no_length(), "{spinner} {human_pos} orders"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(&format!("{template}, {{per_sec}}, {{elapsed}}"));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The most orders of this run: what was asked for, within the disk it may fill.
fn orders_max(arguments: &RunArguments) -> Result<u64> {
    let each = arguments.scenario.journal_bytes_estimate();
    let affordable = (arguments.max_disk << 20) / each;
    match arguments.orders {
        None => Ok(affordable.max(1)),
        Some(orders) if orders <= affordable => Ok(orders),
        Some(orders) => bail!(
            "{orders} orders would grow the journal by about {} MiB ({each} bytes each), more \
             than --max-disk {}; nothing was sent",
            (orders * each) >> 20,
            arguments.max_disk
        ),
    }
}

fn read_token(arguments: &RunArguments) -> Result<String> {
    let Some(path) = &arguments.token_file else {
        return Ok(String::new());
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the token file {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// The sync mode by the server's own account.
fn sync_mode(statistics: &std::collections::BTreeMap<String, u64>) -> Option<String> {
    let always = *statistics.get("sync_always")? != 0;
    Some(if always { "always" } else { "interval or os" }.into())
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded by the arguments
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// Says and hears nothing: connections are greeted before the clock starts.
struct Silent;

impl Driver for Silent {
    fn ready(&mut self, _connection: usize, _now_ns: u64, _out: &mut Vec<u8>) {}
    fn on_frame(&mut self, _connection: usize, _frame: &Frame<'_>, _received_ns: u64) {}
    fn on_disconnect(&mut self, _connection: usize, _reason: &Disconnect) {}
}

#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod tests;
