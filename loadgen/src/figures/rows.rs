//! The rows of the table.

use super::loopback::Exchange;

/// Bytes of a frame header, of a single-line order and of its answer, for the loopback ceiling.
const HEADER_BYTES: usize = 24;
const ORDER_BYTES: usize = 60;
const ANSWER_BYTES: usize = 24;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As many orders a second as there can be.
    Throughput,
    /// How long an order takes at a given rate.
    Latency,
}

/// One row: a load and what it measures.
#[derive(Debug)]
pub struct Row {
    /// Short name.
    pub id: &'static str,
    /// The load in words.
    pub load: &'static str,
    /// What is measured.
    pub kind: Kind,
    scenario: &'static str,
    connections: usize,
    /// Closed loop: frames in flight on each connection. 0 in an open loop.
    in_flight: usize,
    batch: usize,
    /// Open loop: orders a second.
    rate: u32,
    /// Most orders of a run; a quick one has a quarter.
    orders: u64,
}

/// Longest run, and longest quick run, in seconds.
const SECONDS: u32 = 5;
const SECONDS_QUICK: u32 = 2;

const fn closed(
    id: &'static str,
    load: &'static str,
    (connections, in_flight, batch): (usize, usize, usize),
    orders: u64,
) -> Row {
    let (kind, scenario) = (Kind::Throughput, "uniform");
    Row {
        id,
        load,
        kind,
        scenario,
        connections,
        in_flight,
        batch,
        rate: 0,
        orders,
    }
}

const fn open(id: &'static str, load: &'static str, rate: u32) -> Row {
    let orders = rate as u64 * SECONDS as u64;
    let (kind, scenario) = (Kind::Latency, "uniform");
    Row {
        id,
        load,
        kind,
        scenario,
        connections: 50,
        in_flight: 0,
        batch: 1,
        rate,
        orders,
    }
}

/// All rows, in the order of the table.
pub static ROWS: [Row; 8] = [
    closed(
        "batch-8190",
        "batches of 8,190, 4 connections × 2",
        (4, 2, 8_190),
        20_000_000,
    ),
    closed(
        "batch-100",
        "batches of 100, 50 connections × 2",
        (50, 2, 100),
        16_000_000,
    ),
    closed(
        "single-128",
        "single orders, 50 connections × 128 in flight",
        (50, 128, 1),
        12_000_000,
    ),
    closed(
        "single-16",
        "single orders, 50 connections × 16 in flight",
        (50, 16, 1),
        8_000_000,
    ),
    closed(
        "single-1",
        "single orders, 50 connections × 1 in flight",
        (50, 1, 1),
        1_000_000,
    ),
    open("open-20k", "open loop, 20,000 orders/s (Poisson)", 20_000),
    open(
        "open-100k",
        "open loop, 100,000 orders/s (Poisson)",
        100_000,
    ),
    Row {
        scenario: "sell-out",
        ..closed(
            "sold-out",
            "sold out, batches of 8,190, 4 × 2",
            (4, 2, 8_190),
            20_000_000,
        )
    },
];

/// The names of all rows.
pub fn names() -> String {
    ROWS.iter().map(|row| row.id).collect::<Vec<_>>().join(", ")
}

impl Row {
    /// Most orders of a run.
    pub fn orders(&self, quick: bool) -> u64 {
        if quick { self.orders / 4 } else { self.orders }
    }

    /// The flags of `onhand-loadgen run`, without the target.
    pub fn flags(&self, quick: bool, seed: u64) -> Vec<String> {
        let orders = self.orders(quick);
        let seconds = if quick { SECONDS_QUICK } else { SECONDS };
        let mut flags = vec![
            format!("--scenario={}", self.scenario),
            format!("--orders={orders}"),
            format!("--seconds={seconds}"),
            format!("--batch={}", self.batch),
            format!("--connections={}", self.connections),
            format!("--seed={seed}"),
        ];
        flags.push(if self.rate > 0 {
            format!("--rate={}", self.rate)
        } else {
            format!("--in-flight={}", self.in_flight)
        });
        flags
    }

    /// The exchange of bytes behind the load, where the loopback interface bounds it.
    pub fn exchange(&self, quick: bool) -> Option<Exchange> {
        (self.in_flight > 0).then_some(Exchange {
            connections: self.connections,
            in_flight: self.in_flight,
            request_bytes: HEADER_BYTES + self.batch * ORDER_BYTES,
            reply_bytes: HEADER_BYTES + self.batch * ANSWER_BYTES,
            orders_per_request: self.batch,
            seconds: if quick { 1 } else { 2 },
        })
    }
}
