//! A steady run: orders at a fixed rate, each watched from the moment it was meant to be placed.

use std::fmt;

use anyhow::{Result, ensure};
use onhand::clock::{monotonic_ns, sleep_ms};
use onhand::types::OrderKey;

use super::crowd::{Crowd, Progress};
use super::median;
use super::stand::Stand;
use crate::args::ProcessArguments;

/// Every so many orders one is watched.
const STRIDE: u64 = 50;
/// Pause between two looks, in milliseconds: the error of each measured time.
const LOOK_MS: u64 = 5;
/// Longest wait behind the last order, in seconds.
const SECONDS_MAX: u64 = 300;

/// One run.
#[derive(Debug, serde::Serialize)]
pub struct PacedReport {
    /// Orders placed.
    pub orders: u64,
    /// Orders a second.
    pub rate: u64,
    /// Received to CONFIRMED, over the watched orders, in milliseconds.
    pub confirmed_ms_p50: f64,
    /// See `confirmed_ms_p50`.
    pub confirmed_ms_p99: f64,
    /// How many were watched.
    pub watched: u64,
    /// Until every order was shipped, in seconds.
    pub shipped_s: f64,
    /// How far they were in the end.
    pub end: Progress,
    /// Captures in the sandbox's ledger.
    pub captures: u64,
}

/// A watched order and the moment at which it was meant to be placed.
type Watched = (OrderKey, u64);

/// The run, on a stand of its own.
pub fn measure(arguments: &ProcessArguments) -> Result<PacedReport> {
    let (orders, rate) = if arguments.quick {
        (2_000, 100)
    } else {
        (20_000, arguments.rate)
    };
    ensure!(rate > 0, "--rate must be at least 1 order a second");
    eprintln!("{orders} orders at {rate}/s");
    let stand = Stand::start(arguments, orders, false)?;
    let mut placer = Crowd::new(stand.address(), arguments.seed, u32::try_from(orders)?)?;
    let mut watcher = Crowd::new(stand.address(), arguments.seed, 0)?;
    let start_ns = monotonic_ns();
    let mut seen_ms = place_and_watch(&mut placer, &mut watcher, (orders, rate), start_ns)?;
    let end = placer.wait((0, orders), (100, SECONDS_MAX), |progress| {
        progress.shipped + progress.review + progress.ended + progress.unknown
    })?;
    let shipped_ns = monotonic_ns() - start_ns;
    let captures = stand.happened("capture")?;
    stand.stop()?;
    seen_ms.sort_unstable_by(f64::total_cmp);
    let place = seen_ms.len().saturating_sub(1) * 99 / 100;
    Ok(PacedReport {
        orders,
        rate,
        confirmed_ms_p99: seen_ms.get(place).copied().unwrap_or(0.0),
        watched: seen_ms.len() as u64,
        confirmed_ms_p50: median(seen_ms),
        shipped_s: shipped_ns as f64 / 1e9,
        end,
        captures,
    })
}

/// Milliseconds to CONFIRMED of each watched order.
fn place_and_watch(
    placer: &mut Crowd,
    watcher: &mut Crowd,
    (orders, rate): (u64, u64),
    start_ns: u64,
) -> Result<Vec<f64>> {
    let meant_ns = |number: u64| start_ns + number * 1_000_000_000 / rate;
    let (mut placed, mut open, mut seen_ms) = (0, Vec::<Watched>::new(), Vec::new());
    let give_up_ns = meant_ns(orders) + SECONDS_MAX * 1_000_000_000;
    while placed < orders || !open.is_empty() {
        let now_ns = monotonic_ns();
        ensure!(now_ns < give_up_ns, "{} orders not confirmed", open.len());
        let due = ((now_ns - start_ns) * rate / 1_000_000_000 + 1).min(orders);
        if due > placed {
            placer.place(due - placed)?;
            let watched = (placed..due).filter(|number| number % STRIDE == 0);
            open.extend(watched.map(|number| (placer.key(number), meant_ns(number))));
            placed = due;
        }
        let keys: Vec<OrderKey> = open.iter().map(|&(key, _)| key).collect();
        let confirmed = if keys.is_empty() {
            Vec::new()
        } else {
            watcher.confirmed_of(&keys)?
        };
        let now_ns = monotonic_ns();
        open.retain(|(key, meant_ns)| {
            let is_confirmed = confirmed.contains(key);
            if is_confirmed {
                seen_ms.push(now_ns.saturating_sub(*meant_ns) as f64 / 1e6);
            }
            !is_confirmed
        });
        sleep_ms(LOOK_MS);
    }
    Ok(seen_ms)
}

impl PacedReport {
    /// Nothing lost, nothing charged twice, nobody left behind.
    pub fn is_right(&self) -> bool {
        self.captures == self.end.confirmed && self.errors() == 0
    }

    fn errors(&self) -> u64 {
        self.end.review + self.end.ended + self.end.unknown
    }
}

impl fmt::Display for PacedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, end, .. } = self;
        let error_percent = self.errors() as f64 * 100.0 / *orders as f64;
        write!(
            f,
            "steady {orders} at {}/s: received → CONFIRMED p50 {:.0} ms, p99 {:.0} ms ({} orders \
             watched); all SHIPPED after {:.1} s; lost {}, charged {} times for {} orders, in \
             review {}, ended {}, error rate {error_percent:.3} %",
            self.rate,
            self.confirmed_ms_p50,
            self.confirmed_ms_p99,
            self.watched,
            self.shipped_s,
            end.unknown,
            self.captures,
            end.confirmed,
            end.review,
            end.ended,
        )
    }
}
