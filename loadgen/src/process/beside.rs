//! The engine's open-loop load alone, and beside orders in process, in alternation.

use std::fmt;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;

use super::crowd::Crowd;
use super::median;
use super::stand::Stand;
use crate::args::{Arguments, Command, ProcessArguments, RunArguments};
use crate::run;
use crate::steal::Account;

/// Alternations of "alone" and "beside".
const ALTERNATIONS: u64 = 5;

/// One comparison.
#[derive(Debug, serde::Serialize)]
pub struct BesideReport {
    /// What was wrong at the providers, if anything.
    pub fault: &'static str,
    /// Orders in process beside the load.
    pub orders: u64,
    /// Load in orders a second.
    pub rate: u64,
    /// p50 of each run alone, in microseconds.
    pub alone_p50_us: Vec<f64>,
    /// p99 of each run alone.
    pub alone_p99_us: Vec<f64>,
    /// p50 of each run beside orders in process.
    pub beside_p50_us: Vec<f64>,
    /// p99 of each run beside orders in process.
    pub beside_p99_us: Vec<f64>,
    /// Processor time that the host took in each run alone, in percent of all.
    pub alone_stolen_percent: Vec<f64>,
    /// The same in each run beside orders in process.
    pub beside_stolen_percent: Vec<f64>,
    /// What happened at the providers from the placing of the orders to the end of each run beside
    /// them, by the sandbox's ledger: that the orders went on.
    pub effects: Vec<f64>,
}

/// With healthy providers, then with one of them dead.
pub fn measure(arguments: &ProcessArguments) -> Result<Vec<BesideReport>> {
    [("none", false), ("label provider dead", true)]
        .map(|(name, dead)| compare(arguments, name, dead))
        .into_iter()
        .collect()
}

fn compare(arguments: &ProcessArguments, fault: &'static str, dead: bool) -> Result<BesideReport> {
    let orders = if arguments.quick { 2_000 } else { 10_000 };
    let rate = arguments.beside_rate;
    let mut report = BesideReport {
        fault,
        orders,
        rate,
        alone_p50_us: Vec::new(),
        alone_p99_us: Vec::new(),
        beside_p50_us: Vec::new(),
        beside_p99_us: Vec::new(),
        alone_stolen_percent: Vec::new(),
        beside_stolen_percent: Vec::new(),
        effects: Vec::new(),
    };
    for number in 0..ALTERNATIONS {
        eprintln!(
            "beside, fault {fault}: alternation {} of {ALTERNATIONS}",
            number + 1
        );
        let seed = arguments.seed + 2 * number;
        let stand = Stand::start(arguments, 400_000, false)?;
        let alone = load(&stand, rate, seed)?;
        report.alone_p50_us.push(alone.p50_us);
        report.alone_p99_us.push(alone.p99_us);
        report.alone_stolen_percent.push(alone.stolen_percent);
        if dead {
            let rule = json!({"provider": "easypost", "kind": "status", "status": 503});
            stand.tell("/_sandbox/faults", &rule)?;
        }
        let before = stand.happened_in_all()?;
        let mut crowd = Crowd::new(stand.address(), seed, u32::try_from(orders)?)?;
        crowd.place(orders)?;
        let beside = load(&stand, rate, seed + 1)?;
        let effects = stand.happened_in_all()?.saturating_sub(before);
        report.effects.push(effects as f64);
        report.beside_p50_us.push(beside.p50_us);
        report.beside_p99_us.push(beside.p99_us);
        report.beside_stolen_percent.push(beside.stolen_percent);
        stand.stop()?;
    }
    Ok(report)
}

/// What an open-loop run measured.
struct Load {
    p50_us: f64,
    p99_us: f64,
    /// Time that the host took meanwhile.
    stolen_percent: f64,
}

fn load(stand: &Stand, rate: u64, seed: u64) -> Result<Load> {
    let line = format!(
        "onhand-loadgen run --target {} --scenario uniform --rate {rate} --batch 1 --connections \
         50 --seconds 5 --seed {seed}",
        stand.address()
    );
    let Command::Run(arguments) = Arguments::try_parse_from(line.split(' '))?.command else {
        unreachable!("the line says run")
    };
    let arguments: RunArguments = arguments;
    let before = Account::now();
    let report = run::run(&arguments).context("the load beside the orders")?;
    Ok(Load {
        p50_us: report.latency_us.p50,
        p99_us: report.latency_us.p99,
        stolen_percent: before.stolen_since(),
    })
}

impl BesideReport {
    fn ratio(beside: &[f64], alone: &[f64]) -> f64 {
        let ratios = beside
            .iter()
            .zip(alone)
            .map(|(beside, alone)| beside / alone);
        median(ratios.collect())
    }
}

impl fmt::Display for BesideReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "beside {} orders in process, fault: {}; load {}/s: p50 {:.0} µs alone, {:.0} µs \
             beside, ratio {:.2}; p99 {:.0} µs alone, {:.0} µs beside, ratio {:.2} (medians of \
             {}); {:.0} effects at the providers meanwhile; stolen by the host {:.1} % \
             alone, {:.1} % beside",
            self.orders,
            self.fault,
            self.rate,
            median(self.alone_p50_us.clone()),
            median(self.beside_p50_us.clone()),
            Self::ratio(&self.beside_p50_us, &self.alone_p50_us),
            median(self.alone_p99_us.clone()),
            median(self.beside_p99_us.clone()),
            Self::ratio(&self.beside_p99_us, &self.alone_p99_us),
            self.alone_p50_us.len(),
            median(self.effects.clone()),
            median(self.alone_stolen_percent.clone()),
            median(self.beside_stolen_percent.clone()),
        )
    }
}
