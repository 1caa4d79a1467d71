//! Throughput to SHIPPED, beside a plain client that makes the same calls to the same sandbox.

use std::fmt;

use anyhow::{Result, ensure};
use onhand::clock::monotonic_ns;

use super::crowd::Crowd;
use super::median;
use super::plain;
use super::stand::Stand;
use crate::args::ProcessArguments;

/// Runs of each side; they alternate.
const RUNS: u64 = 3;

/// One comparison.
#[derive(Debug, serde::Serialize)]
pub struct ShippedReport {
    /// The sandbox held the providers' documented limits.
    pub real_limits: bool,
    /// Orders a run.
    pub orders: u64,
    /// HTTP calls of one order of the plain client.
    pub calls_per_order: u64,
    /// Orders SHIPPED a second, each run.
    pub onhand_per_s: Vec<f64>,
    /// Orders a second of the plain client, each run.
    pub plain_per_s: Vec<f64>,
}

/// With the limits off, then with the real ones (fewer orders: they allow 40 calls a minute to the
/// slowest provider).
pub fn measure(arguments: &ProcessArguments) -> Result<Vec<ShippedReport>> {
    let orders = if arguments.quick { 500 } else { 3_000 };
    let mut reports = vec![compare(arguments, orders, false, RUNS)?];
    if !arguments.quick {
        reports.push(compare(arguments, 60, true, 1)?);
    }
    Ok(reports)
}

fn compare(
    arguments: &ProcessArguments,
    orders: u64,
    real_limits: bool,
    runs: u64,
) -> Result<ShippedReport> {
    let mut report = ShippedReport {
        real_limits,
        orders,
        calls_per_order: plain::CALLS_PER_ORDER,
        onhand_per_s: Vec::new(),
        plain_per_s: Vec::new(),
    };
    for number in 0..runs {
        eprintln!(
            "shipped, limits {real_limits}: run {} of {runs}",
            number + 1
        );
        let stand = Stand::start(arguments, orders, real_limits)?;
        let mut crowd = Crowd::new(
            stand.address(),
            arguments.seed + number,
            u32::try_from(orders)?,
        )?;
        let start_ns = monotonic_ns();
        crowd.place(orders)?;
        let end = crowd.wait((0, orders), (20, 600), |progress| {
            progress.shipped + progress.review + progress.ended
        })?;
        let seconds = (monotonic_ns() - start_ns) as f64 / 1e9;
        ensure!(
            end.shipped == orders,
            "not every order was shipped: {end:?}"
        );
        report.onhand_per_s.push(orders as f64 / seconds);
        if real_limits {
            // The plain client would be refused: it does not wait for limits.
            stand.stop()?;
            continue;
        }
        let captured = stand.happened("capture")?;
        let seconds = stand
            .runtime()
            .block_on(plain::run(stand.sandbox_address, orders))?;
        let again = stand.happened("capture")? - captured;
        ensure!(
            again == orders,
            "the plain client captured {again} of {orders}"
        );
        report.plain_per_s.push(orders as f64 / seconds);
        stand.stop()?;
    }
    Ok(report)
}

impl fmt::Display for ShippedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let onhand = median(self.onhand_per_s.clone());
        let limits = if self.real_limits { "real" } else { "off" };
        let (orders, runs) = (self.orders, self.onhand_per_s.len());
        write!(
            f,
            "to SHIPPED, provider limits {limits}: {onhand:.1} orders/s ({orders} orders, median of {runs})"
        )?;
        if self.plain_per_s.is_empty() {
            return Ok(());
        }
        let plain = median(self.plain_per_s.clone());
        write!(
            f,
            "; plain client making the same {} calls an order {plain:.1} orders/s; ratio {:.2}",
            self.calls_per_order,
            onhand / plain
        )
    }
}
