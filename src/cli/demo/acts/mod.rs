//! Orders on their way through providers: the way in peace, and three acts of a payment failure.
//!
//! ```text
//!  peace  placed ─▶ … ─▶ COMPLETED
//!  act 1  primary processor down: 2, 4, 8 s, then the backup; the breaker opens
//!  act 2  both down: REVIEW, one alert
//!  act 3  both back: approved, SHIPPED
//! ```
//!
//! The providers are served by the sandbox, over HTTP, with their real shapes; only the times are
//! short. What was charged is read from the sandbox's ledger, not from the engine.

mod desk;
pub(super) mod shoppers;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use indicatif::HumanCount;

use super::engine::Engine;
use super::story::{Story, step};
use crate::cli::output::counted;
use crate::clock;
use crate::sandbox::faults::{Kind, Rule};
use crate::sandbox::ledger::Filter;
use crate::sandbox::{Options, Sandbox};
use desk::Desk;
use shoppers::{Shoppers, Way};

/// Orders that walk in peace.
const WALKERS: u64 = 100;
/// Orders behind the one whose retries are shown, in act 1.
const SAVED: u64 = 20;
/// Orders of act 2.
const STRANDED: u64 = 25;
/// How long a carrier or a slow payment takes for a step in the sandbox, in milliseconds.
const SANDBOX_STEP_MS: u64 = 1_000;
/// How often somebody looks.
const LOOK_MS: u64 = 40;
/// Longest wait for one stage, in milliseconds.
const STAGE_MS_MAX: u64 = 60_000;

/// The processors, by their names in the sandbox.
const PRIMARY: &str = "stripe";
const BACKUP: &str = "authorize_net";

/// What the acts came to; the names are those of `--json`.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(super) struct ActFigures {
    /// Orders placed in all acts.
    pub orders: u64,
    /// Orders that went from placed to COMPLETED in peace.
    pub completed_in_peace: u64,
    /// Placed to COMPLETED for all of them, in milliseconds.
    pub peace_ms: u64,
    /// Waits before the second, third and fourth attempt of the order that was watched.
    pub retry_waits_ms: Vec<u64>,
    /// The primary's breaker was seen open.
    pub breaker_opened: bool,
    /// Orders that the backup processor saved.
    pub saved_by_backup: u64,
    /// Messages that told customers of the delay.
    pub customers_told: u64,
    /// Orders that went to review with both processors down.
    pub reviewed: u64,
    /// Alerts that the team got for them.
    pub alerts: u64,
    /// Of the reviewed orders, those that were shipped after approval.
    pub shipped_after_approval: u64,
    /// Captures in the sandbox's ledger.
    pub captures: u64,
    /// Orders with a capture.
    pub captured_orders: u64,
    /// Orders captured more than once.
    pub charged_twice: u64,
    /// Orders that the engine no longer knows.
    pub lost: u64,
}

impl ActFigures {
    /// What has to hold, one sentence each.
    pub(super) fn judge(&self, mut claim: impl FnMut(bool, String)) {
        let waits = &self.retry_waits_ms;
        claim(
            waits.as_slice() == [2_000, 4_000, 8_000],
            format!("the retries came after {waits:?} ms, not 2, 4 and 8 s"),
        );
        claim(
            self.breaker_opened,
            "the primary's breaker did not open".to_owned(),
        );
        claim(
            self.saved_by_backup == SAVED + 1,
            format!("the backup saved {} orders", self.saved_by_backup),
        );
        claim(
            self.customers_told > 0,
            "no customer was told of the delay".to_owned(),
        );
        claim(
            self.reviewed == STRANDED && self.shipped_after_approval == STRANDED,
            format!(
                "{} orders went to review and {} of them were shipped, not {STRANDED}",
                self.reviewed, self.shipped_after_approval
            ),
        );
        claim(
            self.alerts == 1,
            format!("the team got {} alerts for one failure", self.alerts),
        );
        claim(
            self.captures == self.orders && self.captured_orders == self.orders,
            format!("{} captures for {} orders", self.captures, self.orders),
        );
        let (twice, lost) = (self.charged_twice, self.lost);
        claim(twice == 0, format!("{twice} orders were charged twice"));
        claim(lost == 0, format!("{lost} orders on their way were lost"));
    }
}

impl Story<'_> {
    /// Peace and three acts; the engine is started with the sandbox as its providers. Returns it
    /// running, so that it can be stopped and verified.
    pub(super) fn acts(&mut self, engine: Engine) -> anyhow::Result<(Engine, ActFigures)> {
        engine.stop()?;
        let sandbox = Sandbox::start(Options {
            step_ms: SANDBOX_STEP_MS,
            ..Options::default()
        })?;
        self.options.sandbox = Some(sandbox.address());
        let engine = Engine::start(self.ward, &self.options)?;
        let http = engine.http.context("the engine serves no HTTP")?;
        sandbox
            .callbacks()
            .set_target(Some(format!("http://{http}")));
        step(
            "providers",
            format!(
                "the sandbox at {} serves them all, with their real shapes; return window and \
                 carrier times 1 s, jitter off",
                sandbox.address()
            ),
        )?;
        let mut stage = Stage {
            desk: Desk::new(http)?,
            shoppers: Shoppers::new(engine.address, self.args.seed)?,
            sandbox,
            figures: ActFigures::default(),
        };
        stage.peace()?;
        stage.primary_down()?;
        stage.both_down()?;
        stage.back_again()?;
        stage.settle()?;
        let ledger = stage.ledger_json()?;
        let path = self.place.provider_ledger();
        std::fs::write(&path, ledger)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let figures = stage.figures.clone();
        stage.sandbox.stop();
        Ok((engine, figures))
    }
}

/// Everything that the acts work with.
struct Stage {
    desk: Desk,
    shoppers: Shoppers,
    sandbox: Sandbox,
    figures: ActFigures,
}

impl Stage {
    /// Orders walk to COMPLETED.
    fn peace(&mut self) -> anyhow::Result<()> {
        let started_ns = clock::monotonic_ns();
        let orders = self.shoppers.place(WALKERS)?;
        self.wait_for(&orders, "COMPLETED", |way| way.completed)?;
        let figures = &mut self.figures;
        figures.completed_in_peace = WALKERS;
        figures.peace_ms = (clock::monotonic_ns() - started_ns) / 1_000_000;
        step(
            "peace",
            format!(
                "{} walked through risk, payment, label, warehouse, CRM and messages to COMPLETED \
                 in {:.1} s",
                counted(WALKERS, "order"),
                figures.peace_ms as f64 / 1_000.0
            ),
        )
    }

    /// Act 1: the primary processor is down.
    fn primary_down(&mut self) -> anyhow::Result<()> {
        self.break_down(PRIMARY)?;
        step(
            "act 1",
            format!("{PRIMARY} is down: it answers 503 to everything"),
        )?;
        let first = self.shoppers.place(1)?;
        self.watch_retries(first.start)?;
        let rest = self.shoppers.place(SAVED)?;
        let all = first.start..rest.end;
        self.wait_for(&all, "CONFIRMED", |way| way.confirmed)?;
        let breakers = self.desk.breakers()?;
        let state = breakers.get(PRIMARY).map_or("unknown", String::as_str);
        self.figures.breaker_opened = state == "open" || state == "half_open";
        step(
            "breaker",
            format!("{PRIMARY} is {state} after 5 failures in a row"),
        )?;
        self.wait_for(&all, "SHIPPED", |way| way.shipped)?;
        let by_backup = self.captures(Some(BACKUP));
        let is_saved = |number: &u64| by_backup.contains_key(&self.shoppers.key(*number));
        let saved = all.clone().filter(is_saved).count() as u64;
        self.figures.saved_by_backup = saved;
        self.figures.customers_told = self.told_of_delay();
        step(
            "saved",
            format!(
                "{} by {BACKUP}; {} told: \"confirmation in 5 min\"",
                counted(saved, "order"),
                counted(self.figures.customers_told, "customer")
            ),
        )
    }

    /// Prints each attempt of an order's authorisation as it happens.
    fn watch_retries(&mut self, number: u64) -> anyhow::Result<()> {
        let order = self.shoppers.key(number);
        let end_ns = clock::monotonic_ns() + STAGE_MS_MAX * 1_000_000;
        let mut attempts_seen = 0;
        loop {
            ensure!(
                clock::monotonic_ns() < end_ns,
                "order {order} was not given up by {PRIMARY} within {STAGE_MS_MAX} ms"
            );
            let view = self.desk.order(&order)?;
            if view.authorised_by(BACKUP) || view.is_past_payment() {
                return step(
                    "failover",
                    format!("order {number} is authorised by {BACKUP}"),
                );
            }
            if let Some(wait) = view.retry_wait(PRIMARY)
                && wait.attempt > attempts_seen
            {
                attempts_seen = wait.attempt;
                self.figures.retry_waits_ms.push(wait.wait_ms);
                step(
                    "retry",
                    format!(
                        "attempt {} of order {number}: {}; the next one in {:.0} s",
                        wait.attempt,
                        wait.cause,
                        wait.wait_ms as f64 / 1_000.0
                    ),
                )?;
            }
            clock::sleep_ms(LOOK_MS);
        }
    }

    /// Act 2: the backup is down as well.
    fn both_down(&mut self) -> anyhow::Result<()> {
        self.break_down(BACKUP)?;
        step("act 2", format!("{BACKUP} is down as well"))?;
        let alerts_before = self.alerts();
        let orders = self.shoppers.place(STRANDED)?;
        self.wait_for(&orders, "REVIEW", |way| way.review)?;
        let end_ns = clock::monotonic_ns() + STAGE_MS_MAX * 1_000_000;
        while self.alerts() == alerts_before && clock::monotonic_ns() < end_ns {
            clock::sleep_ms(LOOK_MS);
        }
        // A second alert would come within another window.
        clock::sleep_ms(2_500);
        self.figures.reviewed = self.desk.review()?.len() as u64;
        self.figures.alerts = self.alerts() - alerts_before;
        step(
            "review",
            format!(
                "{} in REVIEW, units still held; {} in the team's channel",
                counted(self.figures.reviewed, "order"),
                counted(self.figures.alerts, "alert")
            ),
        )
    }

    /// Act 3: both are back, and a person approves.
    fn back_again(&mut self) -> anyhow::Result<()> {
        self.sandbox.faults().clear(None, None);
        for provider in [PRIMARY, BACKUP] {
            self.desk.reset_breaker(provider)?;
        }
        let waiting = self.desk.review()?;
        for order in &waiting {
            self.desk.approve(order)?;
        }
        step(
            "act 3",
            format!(
                "both are back; breakers reset and {} approved",
                counted(waiting.len() as u64, "order")
            ),
        )?;
        let orders = self.shoppers.placed() - STRANDED..self.shoppers.placed();
        let way = self.wait_for(&orders, "SHIPPED", |way| way.shipped)?;
        self.figures.shipped_after_approval = way.shipped;
        step(
            "shipped",
            format!(
                "{} of them",
                HumanCount(self.figures.shipped_after_approval)
            ),
        )
    }

    /// Counts what was charged, and whether every order is still there.
    fn settle(&mut self) -> anyhow::Result<()> {
        let all = 0..self.shoppers.placed();
        self.wait_for(&all, "COMPLETED", |way| way.completed)?;
        let way = self.shoppers.way(&all)?;
        let captures = self.captures(None);
        let figures = &mut self.figures;
        figures.orders = self.shoppers.placed();
        figures.lost = way.unknown;
        figures.captures = captures.values().sum();
        figures.captured_orders = captures.len() as u64;
        figures.charged_twice = captures.values().filter(|&&count| count > 1).count() as u64;
        step(
            "charged",
            format!(
                "{} captures for {} by the providers' own ledger, {} twice",
                HumanCount(figures.captures),
                counted(figures.captured_orders, "order"),
                HumanCount(figures.charged_twice)
            ),
        )
    }

    fn break_down(&self, provider: &str) -> anyhow::Result<()> {
        let rule = Rule {
            status: Some(503),
            ..Rule::new(provider, Kind::Status)
        };
        match self.sandbox.fault(rule) {
            Ok(_) => Ok(()),
            Err(error) => bail!("the sandbox refuses the fault: {error}"),
        }
    }

    /// Waits until all of these orders are so far.
    fn wait_for(
        &mut self,
        orders: &std::ops::Range<u64>,
        what: &str,
        far: impl Fn(&Way) -> u64,
    ) -> anyhow::Result<Way> {
        let end_ns = clock::monotonic_ns() + STAGE_MS_MAX * 1_000_000;
        loop {
            let way = self.shoppers.way(orders)?;
            if far(&way) == orders.end - orders.start {
                return Ok(way);
            }
            ensure!(
                clock::monotonic_ns() < end_ns,
                "{} of {} orders were {what} after {} s: {way:?}",
                far(&way),
                orders.end - orders.start,
                Duration::from_millis(STAGE_MS_MAX).as_secs()
            );
            clock::sleep_ms(LOOK_MS);
        }
    }

    /// Captures by the providers' own ledger: how many for each order, at one provider or at all.
    /// Each has the mark that the engine gave its call, which begins with the order's key.
    fn captures(&self, provider: Option<&str>) -> BTreeMap<String, u64> {
        let filter = Filter {
            provider: provider.map(str::to_owned),
            kind: Some("capture".to_owned()),
            ..Filter::default()
        };
        let mut captures = BTreeMap::new();
        for effect in self.sandbox.ledger().effects(&filter, usize::MAX) {
            let mark = effect.reference.as_deref().unwrap_or_default();
            let order = mark.split('-').next().unwrap_or_default();
            *captures.entry(order.to_owned()).or_default() += 1;
        }
        captures
    }

    fn alerts(&self) -> u64 {
        let filter = Filter {
            provider: Some("slack".to_owned()),
            ..Filter::default()
        };
        self.sandbox.ledger().effects(&filter, usize::MAX).len() as u64
    }

    /// Messages so far that told a customer of a delay, by the mail provider's own ledger.
    fn told_of_delay(&self) -> u64 {
        let filter = Filter {
            provider: Some("sendgrid".to_owned()),
            ..Filter::default()
        };
        let messages = self.sandbox.ledger().effects(&filter, usize::MAX);
        let told = messages.iter().map(|message| message.detail.to_string());
        told.filter(|text| text.contains("5 min")).count() as u64
    }

    fn ledger_json(&self) -> anyhow::Result<String> {
        let effects = self
            .sandbox
            .ledger()
            .effects(&Filter::default(), usize::MAX);
        Ok(serde_json::to_string(
            &serde_json::json!({ "effects": effects, "next": null }),
        )?)
    }
}
