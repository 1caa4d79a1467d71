//! `onhand demo --channels`: five marketplaces sell on their own, over webhooks, and are told what is
//! left.
//!
//! ```text
//!  buyers ─▶ market ─▶ signed webhook ─▶ engine ─▶ order ─▶ label · warehouse · CRM ─▶ COMPLETED
//!              ▲                           │
//!              └──── absolute quantity ◀───┘       first cancels, then the sale, and `onhand verify`
//! ```
//!
//! The limited SKU has a hard quota on each marketplace: nobody can sell another's units. Another SKU
//! is in a pool that all share, with a buffer that is not shown. The marketplaces and all providers
//! are served by the sandbox, in their real formats and over real sockets.

mod bazaar;
mod figures;
mod stay;

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::engine::{Engine, EngineOptions};
use super::place::Place;
use super::shop::TENANT;
use super::story::{self, step};
use super::ward::Ward;
use super::{Args, verdict};
use crate::cli::output::{counted, print};
use crate::clock;
use crate::config::channels::sandbox_file;
use crate::sandbox::ledger::Filter;
use crate::sandbox::{Options, Sandbox};
use crate::types::OrderState;
use bazaar::{Bazaar, MARKETS, Market, Sold};
use figures::{Figures, MarketFigures};

/// What is sold: with quotas, from a pool, and what is cancelled again.
const LIMITED: &str = "console-limited";
const POOLED: &str = "mug-red";
const RETURNED: &str = "vase-blue";
const SKUS: [&str; 3] = [LIMITED, POOLED, RETURNED];
/// Units of the SKU whose orders are cancelled, orders of it on each marketplace, and units of each.
const RETURNED_UNITS: u32 = 200;
const RETURNED_ORDERS: u32 = 5;
/// How long a carrier takes for a step in the sandbox, in milliseconds: longer than a buyer who
/// cancels.
const CARRIER_MS: u64 = 8_000;
/// The URL that is registered with Shopee, which signs it.
const SHOPEE_URL: &str = "https://shop.sandbox.example/webhooks/shopee";
/// How often somebody looks, in milliseconds.
const LOOK_MS: u64 = 50;
/// Longest wait for one stage, in milliseconds.
const STAGE_MS_MAX: u64 = 75_000;
/// Disk that an order takes with its events and effects, at most.
const DISK_BYTES_PER_ORDER: u64 = 24_000;

/// Disk that a run takes at most.
pub(super) fn disk_bytes(args: &Args) -> u64 {
    let orders = u64::from(args.rate) * u64::from(args.seconds) * MARKETS.len() as u64 * 2;
    orders * DISK_BYTES_PER_ORDER + 4 * story::SEGMENT_BYTES
}

/// All of it. An error is a run that could not be finished; claims that do not hold are in the
/// figures.
pub(super) fn run(args: &Args, place: &Place, ward: &Ward) -> anyhow::Result<Outcome> {
    let mut fair = Fair::open(args, place, ward)?;
    fair.cancels()?;
    fair.sale()?;
    fair.finish()?;
    fair.verify()
}

/// What a run came to.
pub(super) struct Outcome {
    figures: Figures,
    sandbox: Sandbox,
    options: EngineOptions,
}

impl Outcome {
    pub(super) fn ok(&self) -> bool {
        self.figures.ok
    }

    pub(super) fn failures(&self) -> &[String] {
        &self.figures.failures
    }

    pub(super) fn tables(&self) -> String {
        self.figures.tables()
    }

    pub(super) fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(&self.figures)?)
    }

    /// Keeps the marketplaces selling and the dashboard up until a signal ends it.
    pub(super) fn stay(self, ward: &Ward) -> anyhow::Result<()> {
        stay::stay(&self.sandbox, &self.options, ward)
    }
}

/// Everything that the sale works with.
struct Fair<'a> {
    args: &'a Args,
    place: &'a Place,
    ward: &'a Ward,
    sandbox: Sandbox,
    options: EngineOptions,
    engine: Engine,
    bazaar: Bazaar,
    figures: Figures,
    started_ns: u64,
}

impl<'a> Fair<'a> {
    /// The engine with its marketplaces, stock, rules and mappings.
    fn open(args: &'a Args, place: &'a Place, ward: &'a Ward) -> anyhow::Result<Self> {
        let started_ns = clock::monotonic_ns();
        print(format!(
            "A sale on five marketplaces: at each {} buyers a second for {} s want what is \
             guaranteed to it, and others a SKU that all of them share.\n",
            args.rate, args.seconds
        ))?;
        step(
            "place",
            format!("{} on {}", place.path().display(), place.file_system.name),
        )?;
        let registered = ("shopee.url".to_owned(), SHOPEE_URL.to_owned());
        let sandbox = Sandbox::start(Options {
            step_ms: CARRIER_MS,
            secrets: [registered].into(),
            seed: args.seed,
            ..Options::default()
        })?;
        let options = EngineOptions {
            data: place.data(),
            log: place.log(),
            orders: args.rate * args.seconds * 10,
            segment_bytes: story::SEGMENT_BYTES,
            sandbox: Some(sandbox.address()),
            channels: Some(channels_file(place, &sandbox)?),
        };
        let engine = Engine::start(ward, &options)?;
        let http = engine.http.context("the engine serves no HTTP")?;
        let callbacks = sandbox.callbacks();
        callbacks.set_target(Some(format!("http://{http}")));
        step(
            "start",
            format!(
                "process {}, sync={}; marketplaces and providers at {}",
                engine.pid,
                engine.sync,
                sandbox.address()
            ),
        )?;
        let bazaar = Bazaar::new(sandbox.address(), http, engine.address)?;
        let figures = Figures {
            data: place.path().display().to_string(),
            file_system: place.file_system.name.clone(),
            sync: engine.sync.clone(),
            rate: args.rate,
            seconds: args.seconds,
            ..Figures::default()
        };
        let mut fair = Self {
            args,
            place,
            ward,
            sandbox,
            options,
            engine,
            bazaar,
            figures,
            started_ns,
        };
        fair.stock_up()?;
        Ok(fair)
    }

    /// Half of what buyers want: every marketplace is sold out half-way.
    fn stock_up(&mut self) -> anyhow::Result<()> {
        let wanted = self.args.rate * self.args.seconds;
        let quota = (wanted / 2).max(1);
        // A quarter as many buyers want the pool; the buffer is what they take in a second.
        let pool = (wanted * 5 / 8).max(5);
        let buffer = self.args.rate.max(2);
        let units = [quota * 5, pool, RETURNED_UNITS];
        self.bazaar
            .put("/locations/berlin", &json!({"priority": 1}))?;
        for (sku, units) in SKUS.into_iter().zip(units) {
            let on_sale = json!({"on_sale": true});
            self.bazaar.put(&format!("/skus/{sku}"), &on_sale)?;
            self.bazaar.receive(sku, units)?;
        }
        self.wait("every channel is defined", |fair| {
            let listed = fair.bazaar.get("/channels")?;
            let channels = listed.pointer("/channels").and_then(Value::as_array);
            Ok(channels.is_some_and(|all| all.len() == MARKETS.len()))
        })?;
        for market in MARKETS {
            self.bazaar.map(market, &SKUS)?;
            self.bazaar.rule(market, LIMITED, "quota", quota)?;
            self.bazaar.rule(market, POOLED, "pool", buffer)?;
            self.figures.markets.push(MarketFigures {
                name: market.name,
                channel: market.channel,
                quota: quota.into(),
                ..MarketFigures::default()
            });
        }
        self.figures.pool = pool.into();
        self.figures.pool_buffer = buffer.into();
        self.settle()?;
        step(
            "stock",
            format!(
                "{} units of {LIMITED}, {quota} guaranteed to each marketplace; {pool} of {POOLED} \
                 in a pool with a buffer of {buffer}",
                HumanCount(u64::from(quota) * 5)
            ),
        )
    }

    /// Waits until every marketplace shows what the rules give it.
    fn settle(&self) -> anyhow::Result<()> {
        for market in MARKETS {
            for sku in SKUS {
                let what = format!("{} shows the {sku} that it should", market.name);
                self.wait(&what, |fair| {
                    let shown = fair.bazaar.shown(market, sku)?.stock;
                    Ok(shown == fair.bazaar.offered(market, sku)?)
                })?;
            }
        }
        Ok(())
    }

    fn wait(
        &self,
        what: &str,
        holds: impl Fn(&Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let end_ns = clock::monotonic_ns() + STAGE_MS_MAX * 1_000_000;
        while !holds(self)? {
            if let Some(signal) = self.ward.interrupted() {
                bail!("interrupted by signal {signal}");
            }
            ensure!(
                clock::monotonic_ns() < end_ns,
                "within {} s it did not come that {what}",
                STAGE_MS_MAX / 1_000
            );
            clock::sleep_ms(LOOK_MS);
        }
        Ok(())
    }

    /// Buyers order at all marketplaces at once.
    fn sale(&mut self) -> anyhow::Result<()> {
        let started_ns = clock::monotonic_ns();
        let (rate, seconds) = (f64::from(self.args.rate), self.args.seconds);
        for market in MARKETS {
            let limited = json!({"rate": rate, "seconds": seconds, "sku": LIMITED});
            self.bazaar.control(market, "run", &limited)?;
            let pooled = json!({"rate": rate / 4.0, "seconds": seconds, "sku": POOLED});
            self.bazaar.control(market, "run", &pooled)?;
        }
        let end_ns = started_ns + u64::from(seconds) * 1_000_000_000;
        self.wait("buyers stop", |_| Ok(clock::monotonic_ns() > end_ns))?;
        let mut sold = 0;
        for market in MARKETS {
            let orders = self.known(market)?;
            sold += orders.len() as u64;
        }
        let seconds = (clock::monotonic_ns() - started_ns) as f64 / 1e9;
        step(
            "sale",
            format!(
                "{} sold by the marketplaces, and every one is an order here, {seconds:.1} s after \
                 the first",
                counted(sold, "order")
            ),
        )
    }

    /// Waits until every order of a marketplace is known here; returns them.
    fn known(&self, market: Market) -> anyhow::Result<Vec<Sold>> {
        let mut sold = Vec::new();
        let end_ns = clock::monotonic_ns() + STAGE_MS_MAX * 1_000_000;
        loop {
            let before = sold.len();
            sold = self.bazaar.sold(market)?;
            let states = self.bazaar.states(market, &sold)?;
            let unknown = states.iter().filter(|state| state.is_none()).count();
            if unknown == 0 && sold.len() == before {
                return Ok(sold);
            }
            ensure!(
                clock::monotonic_ns() < end_ns && self.ward.interrupted().is_none(),
                "{unknown} orders of {} are not known here",
                market.name
            );
            clock::sleep_ms(4 * LOOK_MS);
        }
    }

    /// Buyers at every marketplace order, and think better of it.
    fn cancels(&mut self) -> anyhow::Result<()> {
        let mut orders = Vec::new();
        for market in MARKETS.into_iter().filter(|market| market.sells) {
            let wish = json!({"sku": RETURNED, "orders": RETURNED_ORDERS});
            let sold = self.bazaar.control(market, "sell", &wish)?;
            let ids = sold.pointer("/orders").and_then(Value::as_array);
            let ids = ids.context("no `orders`")?.iter().cloned();
            orders.extend(ids.map(|id| (market, id)));
        }
        let left = RETURNED_UNITS.saturating_sub(u32::try_from(orders.len())?);
        self.all_show(left.into())?;
        let cancelled_ns = clock::monotonic_ns();
        for (market, id) in &orders {
            self.bazaar
                .control(*market, "cancel", &json!({"order": id}))?;
        }
        self.all_show(RETURNED_UNITS.into())?;
        let figures = &mut self.figures;
        figures.cancelled = orders.len() as u64;
        figures.back_after_ms = (clock::monotonic_ns() - cancelled_ns) / 1_000_000;
        step(
            "cancel",
            format!(
                "{} cancelled by their buyers; all marketplaces showed the units again {} ms later",
                counted(figures.cancelled, "order"),
                figures.back_after_ms
            ),
        )
    }

    fn all_show(&self, units: i64) -> anyhow::Result<()> {
        for market in MARKETS {
            let what = format!("{} shows {units} of {RETURNED}", market.name);
            self.wait(&what, |fair| {
                Ok(fair.bazaar.shown(market, RETURNED)?.stock == units)
            })?;
        }
        Ok(())
    }

    /// Orders go all the way, and marketplaces and engine are compared.
    fn finish(&mut self) -> anyhow::Result<()> {
        for (place, market) in MARKETS.into_iter().enumerate() {
            let sold = self.known(market)?;
            let states = self.over(market, &sold)?;
            let count = |wanted: OrderState| {
                let found = states.iter().filter(|state| **state == Some(wanted));
                found.count() as u64
            };
            let refused = count(OrderState::Rejected);
            self.figures.completed += count(OrderState::Completed);
            self.figures.cancelled_here += count(OrderState::Cancelled);
            self.figures.in_review += count(OrderState::Review);
            let units = |sku: &str, state: Option<OrderState>| -> u64 {
                let orders = sold.iter().zip(&states);
                let orders = orders.filter(|(one, _)| one.sku == sku && !one.cancelled);
                let orders = orders.filter(|(_, now)| state.is_none() || **now == state);
                orders.map(|(one, _)| one.units).sum()
            };
            let rejected = Some(OrderState::Rejected);
            let limited = units(LIMITED, None) - units(LIMITED, rejected);
            self.figures.pool_sold += units(POOLED, None) - units(POOLED, rejected);
            let figures = self.figures.markets.get_mut(place);
            let figures = figures.context("every marketplace has figures")?;
            figures.sold_orders = sold.len() as u64;
            figures.refused = refused;
            figures.orders_here = sold.len() as u64 - refused;
            figures.asked = if market.sells { 0 } else { figures.orders_here };
            figures.quota_sold = limited;
            figures.oversold = limited.saturating_sub(figures.quota);
        }
        let figures = &mut self.figures;
        figures.pool_oversold = figures.pool_sold.saturating_sub(figures.pool);
        step(
            "way",
            format!(
                "{} through label, warehouse, CRM and messages to COMPLETED, {} CANCELLED; {} in \
                 REVIEW: messages without an address, and what the pool did not cover",
                counted(figures.completed, "order"),
                figures.cancelled_here,
                figures.in_review
            ),
        )?;
        self.settle()?;
        for market in &mut self.figures.markets {
            market.true_at_the_end = true;
        }
        self.figures.held = self.bazaar.held()?;
        Ok(())
    }

    /// Waits until the orders of a marketplace are over; returns how.
    fn over(&self, market: Market, sold: &[Sold]) -> anyhow::Result<Vec<Option<OrderState>>> {
        let over = |state: &Option<OrderState>| {
            matches!(
                state,
                Some(
                    OrderState::Completed
                        | OrderState::Cancelled
                        | OrderState::Rejected
                        | OrderState::Review
                )
            )
        };
        let end_ns = clock::monotonic_ns() + STAGE_MS_MAX * 1_000_000;
        loop {
            let states = self.bazaar.states(market, sold)?;
            let left = states.iter().filter(|state| !over(state)).count();
            if left == 0 {
                return Ok(states);
            }
            ensure!(
                clock::monotonic_ns() < end_ns && self.ward.interrupted().is_none(),
                "{left} orders of {} are still on their way",
                market.name
            );
            clock::sleep_ms(4 * LOOK_MS);
        }
    }

    /// Stops the engine and has its journal and the providers' ledger held against each other.
    fn verify(mut self) -> anyhow::Result<Outcome> {
        let effects = self
            .sandbox
            .ledger()
            .effects(&Filter::default(), usize::MAX);
        let ledger = json!({ "effects": effects, "next": null });
        let path = self.place.provider_ledger();
        std::fs::write(&path, ledger.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        self.engine.stop()?;
        let report = verdict::report(self.ward, self.place)?;
        let verdict = verdict::summary(&report);
        step(
            "verify",
            format!(
                "{} against journal and providers' ledger: {} checks of {} claims",
                counted(verdict.violations, "violation"),
                HumanCount(verdict.checks),
                verdict.claims
            ),
        )?;
        let times = self.sandbox.callbacks().answer_times();
        let told = report.pointer("/shards/0/channels");
        let told = told.and_then(Value::as_array).context("no `channels`")?;
        for (market, figures) in MARKETS.iter().zip(&mut self.figures.markets) {
            if let Some(times) = times.get(market.place) {
                figures.webhooks = times.len();
                figures.webhook_p50_us = times.value_at_quantile(0.5);
                figures.webhook_p99_us = times.value_at_quantile(0.99);
            }
            let of_market = |it: &&Value| it.get("channel") == Some(&json!(market.channel));
            let Some(told) = told.iter().find(of_market) else {
                continue;
            };
            let number = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
            figures.changes = number("changes");
            figures.lag_p50_ms = number("lag_p50_ms");
            figures.lag_p99_ms = number("lag_p99_ms");
            figures.lag_max_ms = number("lag_max_ms");
        }
        self.figures.verify = verdict;
        self.figures.duration_ms = (clock::monotonic_ns() - self.started_ns) / 1_000_000;
        self.figures.judge();
        Ok(Outcome {
            figures: self.figures,
            sandbox: self.sandbox,
            options: self.options,
        })
    }
}

/// Writes the channels file of the sandbox's marketplaces.
fn channels_file(place: &Place, sandbox: &Sandbox) -> anyhow::Result<PathBuf> {
    let path = place.path().join("channels.toml");
    std::fs::write(&path, sandbox_file(sandbox.address(), TENANT))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
