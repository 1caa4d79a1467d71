//! Bursts: all orders at once; how soon they are CONFIRMED, and whether any is lost.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use onhand::clock::monotonic_ns;

use super::crowd::{Crowd, Progress, TENANT};
use super::median;
use super::stand::Stand;
use crate::args::ProcessArguments;
use crate::control::Control;

/// Orders whose way is watched: evenly spread over the burst.
const WATCHED: u64 = 200;

/// One burst.
#[derive(Debug, serde::Serialize)]
pub struct BurstReport {
    /// Orders placed.
    pub orders: u64,
    /// Time to place them all, in seconds.
    pub placed_s: f64,
    /// Received to CONFIRMED, over the watched orders, in milliseconds.
    pub confirmed_ms_p50: f64,
    /// See `confirmed_ms_p50`.
    pub confirmed_ms_p99: f64,
    /// Until every order was shipped, in seconds.
    pub shipped_s: f64,
    /// How far they were in the end.
    pub end: Progress,
    /// Captures in the sandbox's ledger.
    pub captures: u64,
    /// Journal bytes of one order, from acceptance to the end, batches included.
    pub journal_bytes_per_order: f64,
    /// The engine's memory of one order right after they were all placed, by its own account: slot,
    /// index, timers, process with its effects.
    pub memory_bytes_per_open_order: f64,
}

/// Both bursts, each on a stand of its own.
pub fn measure(arguments: &ProcessArguments) -> Result<Vec<BurstReport>> {
    let sizes: &[u64] = if arguments.quick {
        &[500, 2_000]
    } else {
        &[2_000, 20_000]
    };
    sizes.iter().map(|&size| burst(arguments, size)).collect()
}

fn burst(arguments: &ProcessArguments, orders: u64) -> Result<BurstReport> {
    eprintln!("burst of {orders} orders");
    let stand = Stand::start(arguments, orders, false)?;
    let units = u32::try_from(orders)?;
    let mut placer = Crowd::new(stand.address(), arguments.seed, units)?;
    let mut watcher = Crowd::new(stand.address(), arguments.seed, 0)?;
    let stride = (orders / WATCHED).max(1);
    let watched: Vec<u64> = (0..orders).step_by(usize::try_from(stride)?).collect();
    let mut control = Control::connect(stand.address(), TENANT, "")?;
    let before = control.statistics()?;
    let start_ns = monotonic_ns();
    placer.place(orders)?;
    let placed_ns = monotonic_ns() - start_ns;
    let open = control.statistics()?;
    let mut seen_ns = watcher.watch_confirmed(&watched, start_ns, 300)?;
    let end = placer.wait((0, orders), (100, 600), |progress| {
        progress.shipped + progress.review + progress.ended + progress.unknown
    })?;
    let shipped_ns = monotonic_ns() - start_ns;
    let captures = stand.happened("capture")?;
    let after = control.statistics()?;
    let grown = |name: &str, later: &BTreeMap<String, u64>| {
        let of = |at: &BTreeMap<String, u64>| at.get(name).copied().unwrap_or(0);
        of(later).saturating_sub(of(&before)) as f64 / orders as f64
    };
    stand.stop()?;
    seen_ns.sort_unstable();
    let place = seen_ns.len().saturating_sub(1) * 99 / 100;
    let p99_ns = seen_ns.get(place).copied().unwrap_or(0);
    Ok(BurstReport {
        orders,
        placed_s: placed_ns as f64 / 1e9,
        confirmed_ms_p50: median(seen_ns.iter().map(|&ns| ns as f64 / 1e6).collect()),
        confirmed_ms_p99: p99_ns as f64 / 1e6,
        shipped_s: shipped_ns as f64 / 1e9,
        end,
        captures,
        journal_bytes_per_order: grown("journal_bytes", &after),
        memory_bytes_per_open_order: grown("memory_bytes", &open),
    })
}

impl BurstReport {
    /// Nothing lost, nothing charged twice, nobody left behind.
    pub fn is_right(&self) -> bool {
        self.end.unknown == 0 && self.captures == self.end.confirmed && self.errors() == 0
    }

    fn errors(&self) -> u64 {
        self.end.review + self.end.ended + self.end.unknown
    }
}

impl fmt::Display for BurstReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, end, .. } = self;
        let error_percent = self.errors() as f64 * 100.0 / *orders as f64;
        write!(
            f,
            "burst {orders}: placed in {:.2} s; received → CONFIRMED p50 {:.0} ms, p99 {:.0} ms; \
             all SHIPPED after {:.1} s ({:.0}/s); lost {}, charged {} times for {} orders, in \
             review {}, ended {}, error rate {error_percent:.3} %; journal {:.0} bytes an order, \
             memory {:.0} bytes an open order",
            self.placed_s,
            self.confirmed_ms_p50,
            self.confirmed_ms_p99,
            self.shipped_s,
            end.shipped as f64 / self.shipped_s,
            end.unknown,
            self.captures,
            end.confirmed,
            end.review,
            end.ended,
            self.journal_bytes_per_order,
            self.memory_bytes_per_open_order,
        )
    }
}
