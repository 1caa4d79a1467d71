//! Figures of the order process: orders that walk through providers, served by the sandbox.
//!
//! ```text
//!  stand:   sandbox process ◀── HTTP ──▶ server process (--sandbox) ◀── TCP ── placer
//!  beside:  open-loop load alone │ the same load beside 10,000 orders in process, in alternation
//!  shipped: orders to SHIPPED per second │ a plain client that makes the same calls
//!  burst:   2,000 and 20,000 orders: received → CONFIRMED, lost, charged twice
//!  paced:   20,000 orders at a steady rate: the same
//! ```

mod beside;
mod burst;
mod crowd;
mod paced;
mod plain;
mod shipped;
pub mod stand;

use std::fmt;

use anyhow::Result;

use crate::args::{ProcessArguments, ProcessFigure};
use crate::conditions::{Conditions, file_system};

/// Everything that was measured.
#[derive(Debug, Default, serde::Serialize)]
pub struct ProcessReport {
    /// Under which conditions.
    pub conditions: Conditions,
    /// Engine load with and without orders in process.
    pub beside: Vec<beside::BesideReport>,
    /// Throughput to SHIPPED.
    pub shipped: Vec<shipped::ShippedReport>,
    /// Bursts.
    pub burst: Vec<burst::BurstReport>,
    /// A steady run.
    pub paced: Vec<paced::PacedReport>,
}

/// Measures what was asked for.
pub fn process(arguments: &ProcessArguments) -> Result<ProcessReport> {
    let mut report = ProcessReport {
        conditions: Conditions::here(arguments.seed),
        ..ProcessReport::default()
    };
    report.conditions.file_system = file_system(&arguments.directory);
    report.conditions.sync = Some(arguments.sync.clone());
    let wanted = |figure| arguments.only.is_none_or(|only| only == figure);
    if wanted(ProcessFigure::Burst) {
        report.burst = burst::measure(arguments)?;
    }
    if wanted(ProcessFigure::Paced) {
        report.paced.push(paced::measure(arguments)?);
    }
    if wanted(ProcessFigure::Shipped) {
        report.shipped = shipped::measure(arguments)?;
    }
    if wanted(ProcessFigure::Beside) {
        report.beside = beside::measure(arguments)?;
    }
    Ok(report)
}

impl ProcessReport {
    /// False where an order was lost or charged twice.
    pub fn is_right(&self) -> bool {
        self.burst.iter().all(burst::BurstReport::is_right)
            && self.paced.iter().all(paced::PacedReport::is_right)
    }
}

impl fmt::Display for ProcessReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conditions {
            cpu,
            cores,
            command_line,
            seed,
            commit,
            build,
            ..
        } = &self.conditions;
        let commit = commit.as_deref().unwrap_or("unknown");
        writeln!(
            f,
            "{cores} cores of {cpu}; {build}; commit {commit}; seed {seed}"
        )?;
        writeln!(f, "command: {command_line}")?;
        self.burst.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        self.paced.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        self.shipped
            .iter()
            .try_for_each(|row| writeln!(f, "{row}"))?;
        self.beside.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

/// The median of some measurements; 0 without any.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.get(middle) {
        None => 0.0,
        Some(&high) if values.len() % 2 == 1 => high,
        Some(&high) => values
            .get(middle - 1)
            .map_or(high, |low| (low + high) / 2.0),
    }
}
