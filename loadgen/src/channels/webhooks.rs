//! Signed deliveries over HTTP: a burst, and a steady stream beside the engine's own load.
#![allow(clippy::indexing_slicing)] // a JSON value indexed where nothing is gives null

use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use onhand::client::{ConnectOptions, Connection};
use onhand::clock::{monotonic_ns, now_ms, sleep_ms};
use serde_json::json;

use super::deliveries::{Delivery, SKU, delivery};
use super::sender::{Plan, Sent, send};
use super::shops::{SHOPS, TENANT};
use super::stand::{ChannelStand, runtime};
use crate::args::{Arguments, ChannelsArguments, Command};
use crate::control::Control;
use crate::process::median;
use crate::run;
use crate::tally::LatencySummary;

/// Alternations of "alone" and "beside".
const ALTERNATIONS: u64 = 3;

/// Longest wait for deliveries to become orders, in nanoseconds.
const ORDERS_NS_MAX: u64 = 120_000_000_000;

/// Units on hand: never the bound.
const UNITS: u32 = 1_000_000_000;

/// Both measurements.
#[derive(Debug, serde::Serialize)]
pub struct WebhooksReport {
    /// All at once.
    pub burst: Deliveries,
    /// As many requests at once that only prove that the server lives.
    pub burst_health_us: LatencySummary,
    /// Deliveries a second beside the engine's load.
    pub rate: u64,
    /// The engine's open-loop load in orders a second.
    pub engine_rate: u64,
    /// Of each alternation.
    pub beside: Vec<Deliveries>,
    /// The engine's p50 of each run alone, in microseconds.
    pub alone_p50_us: Vec<f64>,
    /// Its p99 alone.
    pub alone_p99_us: Vec<f64>,
    /// Its p50 beside the deliveries.
    pub beside_p50_us: Vec<f64>,
    /// Its p99 beside the deliveries.
    pub beside_p99_us: Vec<f64>,
}

/// Deliveries and what became of them.
#[derive(Debug, serde::Serialize)]
pub struct Deliveries {
    /// Sent.
    pub count: usize,
    /// Over so many connections.
    pub connections: usize,
    /// From the intended time to the answer, in microseconds.
    pub answer_us: LatencySummary,
    /// Answers 503.
    pub busy: u64,
    /// From the first request to the last answer.
    pub answered_s: f64,
    /// How many became orders.
    pub orders: usize,
    /// Until they all were, from the first request.
    pub orders_s: f64,
}

/// Measures both.
pub fn measure(arguments: &ChannelsArguments) -> Result<WebhooksReport> {
    let quick = arguments.quick;
    let (burst, rate, engine_rate) = if quick {
        (100, 50, 500)
    } else {
        (2_000, 500, 20_000)
    };
    let connections = if quick { 16 } else { 64 };
    let seconds = arguments.load_seconds();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most a day's
    let sustained = (seconds * rate as f64) as usize;
    let stand = ChannelStand::start(arguments, 1_000_000)?;
    put_on_sale(&stand)?;

    eprintln!("webhooks: {burst} at once");
    let at_once = Plan {
        count: burst,
        connections,
        gap_ns: 0,
    };
    let health = format!("http://{}/healthz", stand.http());
    let health = runtime()?.block_on(send(at_once, move |client, _| client.get(&health)))?;
    let mut made = 0;
    let burst = deliver(&stand, at_once, &mut made)?;
    let mut report = WebhooksReport {
        burst,
        burst_health_us: health.latency(),
        rate,
        engine_rate,
        beside: Vec::new(),
        alone_p50_us: Vec::new(),
        alone_p99_us: Vec::new(),
        beside_p50_us: Vec::new(),
        beside_p99_us: Vec::new(),
    };
    let steady = Plan {
        count: sustained,
        connections,
        gap_ns: 1_000_000_000 / rate,
    };
    let alternations = if quick { 1 } else { ALTERNATIONS };
    for number in 0..alternations {
        eprintln!(
            "webhooks: {rate}/s, alternation {} of {alternations}",
            number + 1
        );
        let seed = arguments.seed + 2 * number;
        let load = |seed| engine_load(&stand, engine_rate, seconds, seed);
        let alone = load(seed)?;
        report.alone_p50_us.push(alone.p50);
        report.alone_p99_us.push(alone.p99);
        let (delivered, beside) = std::thread::scope(|scope| {
            let delivered = scope.spawn(|| deliver(&stand, steady, &mut made));
            let beside = load(seed + 1);
            let delivered = delivered.join();
            (
                delivered.map_err(|_| anyhow::anyhow!("the sender failed")),
                beside,
            )
        });
        report.beside.push(delivered??);
        let beside = beside?;
        report.beside_p50_us.push(beside.p50);
        report.beside_p99_us.push(beside.p99);
    }
    Ok(report)
}

/// The SKU is on hand, and known to the markets that are asked for their orders.
fn put_on_sale(stand: &ChannelStand) -> Result<()> {
    let mut control = Control::connect(stand.address(), TENANT, "")?;
    let location = control.define_location("berlin")?;
    let skus = control.define_skus(&[SKU.to_owned()])?;
    let &sku = skus.first().context("the server knows no SKU")?;
    control.receive(location, &[(sku, UNITS)])?;
    let items = json!({"items": [{"sku": SKU, "stock": UNITS}]});
    for shop in SHOPS.iter().filter(|it| is_fetched(it.kind)) {
        stand.control(shop, "items", &items)?;
    }
    Ok(())
}

/// Kinds whose deliveries only point at an order, which the server then fetches.
fn is_fetched(kind: &str) -> bool {
    matches!(kind, "shopee" | "tiktok")
}

/// Sends deliveries of new orders, a fifth from each marketplace, and waits for their orders.
fn deliver(stand: &ChannelStand, plan: Plan, made: &mut usize) -> Result<Deliveries> {
    let deliveries = Arc::new(new_orders(stand, plan.count, *made)?);
    *made += plan.count;
    let (http, sending) = (stand.http(), Arc::clone(&deliveries));
    let start_ns = monotonic_ns();
    let sent: Sent = runtime()?.block_on(send(plan, move |client, number| {
        // The plan counts as many as there are.
        sending[number % sending.len()].request(client, http)
    }))?;
    let orders = await_orders(stand, &deliveries)?;
    Ok(Deliveries {
        count: plan.count,
        connections: plan.connections,
        answer_us: sent.latency(),
        busy: sent.busy,
        answered_s: sent.seconds,
        orders,
        orders_s: (monotonic_ns() - start_ns) as f64 / 1e9,
    })
}

/// Deliveries about orders that nobody told of yet.
fn new_orders(stand: &ChannelStand, count: usize, made: usize) -> Result<Vec<Delivery>> {
    let mut all = Vec::with_capacity(count);
    let now_s = now_ms() / 1_000;
    for (place, shop) in SHOPS.iter().enumerate() {
        let share = count / SHOPS.len() + usize::from(place < count % SHOPS.len());
        let ids: Vec<String> = if is_fetched(shop.kind) {
            let sold = stand.control(shop, "sell", &json!({"orders": share, "sku": SKU}))?;
            let ids = sold["orders"].as_array().context("no ids of orders")?;
            let ids = ids.iter().filter_map(|it| it.as_str().map(str::to_owned));
            ids.collect()
        } else {
            // Numbers of one market are enough apart for every delivery of the run.
            let first = (place + 1) * 100_000_000 + made;
            (first..first + share).map(|it| it.to_string()).collect()
        };
        ensure!(
            ids.len() == share,
            "{} sold {} of {share}",
            shop.kind,
            ids.len()
        );
        let url = format!("http://{}{}", stand.http(), shop.path());
        all.extend(ids.iter().map(|id| delivery(shop, id, &url, now_s)));
    }
    // Not one marketplace after the other: as they would come.
    let stride = count.div_ceil(SHOPS.len()).max(1);
    let order = (0..stride).flat_map(|first| (first..count).step_by(stride));
    Ok(order.filter_map(|place| all.get(place).cloned()).collect())
}

/// Waits until every delivery is an order; returns how many are.
fn await_orders(stand: &ChannelStand, deliveries: &[Delivery]) -> Result<usize> {
    let mut options = ConnectOptions::new(&stand.address().to_string(), "", TENANT);
    "onhand-loadgen".clone_into(&mut options.client);
    let mut connection = Connection::connect(&options)?;
    let mut missing: Vec<_> = deliveries.iter().map(|it| it.order).collect();
    let end_ns = monotonic_ns() + ORDERS_NS_MAX;
    loop {
        let answers = connection.query_orders(&missing)?;
        let mut answers = answers.iter();
        missing.retain(|_| answers.next().is_none_or(|it| it.summary.state.is_none()));
        if missing.is_empty() || monotonic_ns() > end_ns {
            return Ok(deliveries.len() - missing.len());
        }
        sleep_ms(5);
    }
}

/// Latency of the engine's open-loop load, in microseconds.
fn engine_load(stand: &ChannelStand, rate: u64, seconds: f64, seed: u64) -> Result<LatencySummary> {
    let connections = if rate < 1_000 { 10 } else { 50 };
    let line = format!(
        "onhand-loadgen run --target {} --scenario uniform --rate {rate} --batch 1 --connections \
         {connections} --seconds {seconds} --seed {seed}",
        stand.address()
    );
    let Command::Run(arguments) = Arguments::try_parse_from(line.split(' '))?.command else {
        bail!("the line says run");
    };
    let report = run::run(&arguments).context("the engine's load")?;
    ensure!(report.is_right(), "the engine misbehaved:\n{report}");
    Ok(report.latency_us)
}

impl WebhooksReport {
    /// Every delivery became an order.
    pub fn is_right(&self) -> bool {
        let all = self.beside.iter().chain([&self.burst]);
        all.into_iter().all(|it| it.orders == it.count)
    }
}

fn ratio(beside: &[f64], alone: &[f64]) -> f64 {
    let pairs = beside.iter().zip(alone);
    median(pairs.map(|(beside, alone)| beside / alone).collect())
}

impl fmt::Display for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LatencySummary { p50, p99, max, .. } = self.answer_us;
        write!(
            f,
            "{} deliveries over {} connections: answered p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms, \
             all after {:.2} s; {} answers 503; {} became orders, all after {:.2} s",
            self.count,
            self.connections,
            p50 / 1e3,
            p99 / 1e3,
            max / 1e3,
            self.answered_s,
            self.busy,
            self.orders,
            self.orders_s,
        )
    }
}

impl fmt::Display for WebhooksReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "webhooks at once: {}", self.burst)?;
        let (answer, health) = (&self.burst.answer_us, &self.burst_health_us);
        writeln!(
            f,
            "  as many GET /healthz at once: p50 {:.1} ms, p99 {:.1} ms; ratio of p99 {:.2}",
            health.p50 / 1e3,
            health.p99 / 1e3,
            answer.p99 / health.p99
        )?;
        for one in &self.beside {
            writeln!(
                f,
                "webhooks at {}/s beside the engine's load: {one}",
                self.rate
            )?;
        }
        write!(
            f,
            "  the engine's load of {}/s: p50 {:.0} µs alone, {:.0} µs beside, ratio {:.2}; p99 \
             {:.0} µs alone, {:.0} µs beside, ratio {:.2} (medians of {})",
            self.engine_rate,
            median(self.alone_p50_us.clone()),
            median(self.beside_p50_us.clone()),
            ratio(&self.beside_p50_us, &self.alone_p50_us),
            median(self.alone_p99_us.clone()),
            median(self.beside_p99_us.clone()),
            ratio(&self.beside_p99_us, &self.alone_p99_us),
            self.alone_p50_us.len(),
        )
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact values
mod tests {
    use super::*;

    fn deliveries(count: usize, orders: usize) -> Deliveries {
        Deliveries {
            count,
            connections: 1,
            answer_us: LatencySummary::default(),
            busy: 0,
            answered_s: 0.0,
            orders,
            orders_s: 0.0,
        }
    }

    #[test]
    fn a_delivery_that_became_no_order_makes_the_report_wrong() {
        let report = |burst, beside| WebhooksReport {
            burst,
            burst_health_us: LatencySummary::default(),
            rate: 1,
            engine_rate: 1,
            beside,
            alone_p50_us: vec![1.0],
            alone_p99_us: vec![2.0],
            beside_p50_us: vec![1.5],
            beside_p99_us: vec![8.0],
        };
        assert!(report(deliveries(3, 3), vec![deliveries(5, 5)]).is_right());
        assert!(!report(deliveries(3, 2), Vec::new()).is_right());
        let wrong = report(deliveries(3, 3), vec![deliveries(5, 4)]);
        assert!(!wrong.is_right());
        assert!(
            wrong
                .to_string()
                .contains("ratio 1.50; p99 2 µs alone, 8 µs beside, ratio 4.00")
        );
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        assert_eq!(ratio(&[2.0, 9.0, 4.0], &[1.0, 3.0, 4.0]), 2.0);
        assert_eq!(ratio(&[], &[]), 0.0);
    }
}
