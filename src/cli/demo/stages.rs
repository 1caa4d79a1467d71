//! The stages of the run in which the crowd acts: sale and kill, retry, questions, verification.

use std::time::Duration;

use anyhow::{bail, ensure};
use indicatif::HumanCount;
use rand::RngExt;

use super::account::Account;
use super::crowd::{Crowd, KillPoint};
use super::engine::Engine;
use super::inquiry::{self, Inquiry, Stock};
use super::report::mix_sentence;
use super::shop::{self, Shop};
use super::story::{AtKill, Story, step};
use super::verdict::{self, Verdict};
use crate::cli::output::counted;
use crate::client::swarm::Driver;
use crate::clock;

/// How long every connection may take to be greeted, in milliseconds.
const GREETING_TIMEOUT_MS: u64 = 30_000;
/// Without any answer for so long, the engine is taken for stuck, in milliseconds.
const SILENCE_MS_MAX: u64 = 30_000;
/// How often an interrupt and the engine's silence are looked for.
const STEP: Duration = Duration::from_millis(50);

impl Story<'_> {
    pub(super) fn sell_until_killed(
        &mut self,
        engine: Engine,
        crowd: &mut Crowd,
        at: &KillPoint,
    ) -> anyhow::Result<AtKill> {
        let started_ns = clock::monotonic_ns();
        crowd.show_progress("sale");
        self.swarm
            .greet_all(engine.address, GREETING_TIMEOUT_MS, crowd)?;
        self.drive(
            crowd,
            |crowd| crowd.kill_is_due(at),
            |crowd| (crowd.failure(), crowd.heard()),
        )?;
        // Orders were sent a moment ago. How far the engine is with them is left to chance, within
        // the time that the fastest answer took: they are received, journaled, or nearly answered.
        let fastest_ns = crowd.account.sold_out_ns.min();
        let wait_ns = shop::random(self.args.seed, 4).random_range(0..=fastest_ns);
        let kill_ns = clock::monotonic_ns() + wait_ns;
        while clock::monotonic_ns() < kill_ns {
            std::hint::spin_loop();
        }
        engine.kill();
        crowd.stop();
        // What the engine had sent is still read: it was acknowledged. Nothing more comes.
        let end_ns = clock::monotonic_ns() + GREETING_TIMEOUT_MS * 1_000_000;
        while self.swarm.open() > 0 {
            self.swarm.step(crowd, STEP)?;
            ensure!(
                clock::monotonic_ns() < end_ns,
                "{} stayed open after the engine was killed",
                counted(self.swarm.open() as u64, "connection")
            );
        }
        self.swarm.close_all();
        crowd.bar.finish_and_clear();
        let (in_flight, others_in_flight) = crowd.in_flight();
        let (accepted, _) = Account::count(&crowd.sale.told);
        let at_kill = AtKill {
            acknowledged: crowd.sale.answered as u64,
            accepted,
            in_flight,
            others_in_flight,
        };
        let seconds = (clock::monotonic_ns() - started_ns) as f64 / 1e9;
        step(
            "sale",
            format!(
                "{} orders acknowledged in {seconds:.1} s, {} of them with a unit",
                HumanCount(at_kill.acknowledged),
                HumanCount(at_kill.accepted)
            ),
        )?;
        step(
            "kill -9",
            format!(
                "with {in_flight} orders of the sale and {others_in_flight} other requests in \
                 flight"
            ),
        )?;
        Ok(at_kill)
    }

    /// Every customer sends the same order again, whatever was told before.
    pub(super) fn retry(&mut self, engine: &Engine, crowd: &mut Crowd) -> anyhow::Result<()> {
        let replayed = crowd.account.replayed;
        crowd.restart();
        crowd.show_progress("retry");
        self.swarm
            .greet_all(engine.address, GREETING_TIMEOUT_MS, crowd)?;
        self.drive(crowd, Crowd::is_done, |crowd| {
            (crowd.failure(), crowd.heard())
        })?;
        crowd.bar.finish_and_clear();
        step(
            "retry",
            format!(
                "every customer sent the same order again: {} answers replayed, {} of them to \
                 orders executed before the kill but not answered",
                HumanCount(crowd.account.replayed - replayed),
                crowd.account.rescued
            ),
        )?;
        step("beside", mix_sentence(&crowd.mix.counts()))
    }

    /// Asks for every order by itself, and for the stock.
    pub(super) fn inquire(
        &mut self,
        engine: &Engine,
        crowd: &mut Crowd,
        shop: &Shop,
    ) -> anyhow::Result<Stock> {
        let connections = self.swarm.connections();
        let mut inquiry = Inquiry::new(crowd, connections);
        for connection in 0..connections {
            self.swarm.wake(connection);
        }
        self.drive(&mut inquiry, Inquiry::is_done, |inquiry| {
            (inquiry.failure(), inquiry.answered())
        })?;
        let queried = inquiry.answered();
        self.swarm.close_all();
        let mut connection = shop::connect(engine.address)?;
        let mix: Vec<_> = shop
            .mix
            .iter()
            .copied()
            .zip(shop.mix_units.iter().copied())
            .collect();
        let hot = (shop.hot, self.args.stock);
        let stock = inquiry::compare_stock(&mut connection, crowd, hot, &mix)?;
        step(
            "query",
            format!(
                "{} orders asked for one by one, {} against what was told; stock of {} \
                 SKUs added up",
                HumanCount(queried as u64),
                counted(crowd.account.contradictions, "contradiction"),
                mix.len() + 1
            ),
        )?;
        Ok(stock)
    }

    /// Stops the engine and has its journal held against the ledger.
    pub(super) fn verify(&self, engine: Engine, crowd: &Crowd) -> anyhow::Result<Verdict> {
        verdict::write_ledger(&self.place.ledger(), &crowd.account.acknowledgements)?;
        engine.stop()?;
        let verdict = verdict::verify(self.ward, self.place)?;
        step(
            "verify",
            format!(
                "{} against the journal and a ledger of {} acknowledgements: {} \
                 checks of {} claims",
                counted(verdict.violations, "violation"),
                HumanCount(verdict.acknowledgements),
                HumanCount(verdict.checks),
                verdict.claims
            ),
        )?;
        Ok(verdict)
    }

    /// Steps the swarm until `done`. `state` gives a failure and the answers heard so far.
    fn drive<D: Driver>(
        &mut self,
        driver: &mut D,
        done: impl Fn(&D) -> bool,
        mut state: impl FnMut(&mut D) -> (Option<String>, usize),
    ) -> anyhow::Result<()> {
        let mut heard_before = usize::MAX;
        let mut heard_ns = clock::monotonic_ns();
        while !done(driver) {
            self.swarm.step(driver, STEP)?;
            if let Some(signal) = self.ward.interrupted() {
                bail!("interrupted by signal {signal}");
            }
            let (failure, heard) = state(driver);
            if let Some(failure) = failure {
                bail!("{failure}");
            }
            if heard != heard_before {
                heard_before = heard;
                heard_ns = clock::monotonic_ns();
            } else if clock::monotonic_ns() - heard_ns > SILENCE_MS_MAX * 1_000_000 {
                bail!("the engine did not answer for {} s", SILENCE_MS_MAX / 1_000);
            }
        }
        Ok(())
    }
}
