//! The run, stage by stage.

use std::time::Duration;

use anyhow::{bail, ensure};
use indicatif::HumanCount;
use rand::RngExt;

use super::Args;
use super::account::Account;
use super::crowd::{Crowd, KillPoint, MIX_CONNECTIONS, OTHER_CONNECTIONS};
use super::engine::{Engine, EngineOptions};
use super::inquiry::{self, Inquiry, Stock};
use super::mix::Mix;
use super::place::Place;
use super::report::{Figures, Latency, mix_sentence};
use super::sale::Sale;
use super::shop::{self, Shop};
use super::verdict::{self, Verdict};
use super::ward::Ward;
use crate::cli::output::{counted, print};
use crate::client::swarm::{Driver, Swarm, SwarmOptions};
use crate::clock;

/// Size of one journal file: small, so that the sale goes over several of them.
const SEGMENT_BYTES: u64 = 8 << 20;
/// Journal files that exist at once beside what the orders need.
const SEGMENTS_SPARE: u64 = 4;
/// Journal and ledger together, for each customer and with the background mix.
const DISK_BYTES_PER_CUSTOMER: u64 = 900;
/// How long every connection may take to be greeted, in milliseconds.
const GREETING_TIMEOUT_MS: u64 = 30_000;
/// Without any answer for so long, the engine is taken for stuck, in milliseconds.
const SILENCE_MS_MAX: u64 = 30_000;
/// How often an interrupt and the engine's silence are looked for.
const STEP: Duration = Duration::from_millis(50);
/// The delivery arrives after so many per cent of the customers; drawn.
const DELIVERY_PERCENT: std::ops::RangeInclusive<usize> = 40..=52;
/// The kill comes after so many per cent of the customers at the latest.
const KILL_PERCENT_MAX: usize = 66;

const _: () = assert!(
    1_000_000 * DISK_BYTES_PER_CUSTOMER + SEGMENTS_SPARE * SEGMENT_BYTES <= 1 << 30,
    "the demo never takes more than 1 GiB"
);

/// Disk that a run takes at most.
pub(super) fn disk_bytes(customers: u32) -> u64 {
    u64::from(customers) * DISK_BYTES_PER_CUSTOMER + SEGMENTS_SPARE * SEGMENT_BYTES
}

/// What was so when the engine was killed.
#[derive(Clone, Copy, Debug)]
struct AtKill {
    acknowledged: u64,
    accepted: u64,
    in_flight: u64,
    others_in_flight: u64,
}

/// How the engine came back.
#[derive(Clone, Copy, Debug)]
struct Restart {
    records: u64,
    recovery_ms: u64,
    ready_ms: u64,
}

/// One run.
#[derive(Debug)]
pub(super) struct Story<'a> {
    args: &'a Args,
    place: &'a Place,
    ward: &'a Ward,
    options: EngineOptions,
    swarm: Swarm,
    started_ns: u64,
}

impl<'a> Story<'a> {
    pub(super) fn new(args: &'a Args, place: &'a Place, ward: &'a Ward) -> anyhow::Result<Self> {
        let connections = args.connections as usize + OTHER_CONNECTIONS;
        Ok(Self {
            args,
            place,
            ward,
            options: EngineOptions {
                data: place.data(),
                log: place.log(),
                orders: args.stock.saturating_mul(4),
                segment_bytes: SEGMENT_BYTES,
            },
            swarm: Swarm::new(&SwarmOptions {
                connections,
                tenant: shop::TENANT.to_owned(),
                token: String::new(),
                client: "onhand-demo".to_owned(),
            })?,
            started_ns: clock::monotonic_ns(),
        })
    }

    /// All of it. An error is a run that could not be finished; claims that do not hold are in the
    /// figures.
    pub(super) fn run(mut self) -> anyhow::Result<Figures> {
        self.say_what_comes()?;
        let engine = Engine::start(self.ward, &self.options)?;
        let ready = format!("process {}, ready after {} ms", engine.pid, engine.ready_ms);
        step("start", format!("{ready}, sync={}", engine.sync))?;
        let sync = engine.sync.clone();
        let shop = self.open_shop(&engine)?;
        let (mut crowd, kill_point) = self.gather(&shop)?;
        let at_kill = self.sell_until_killed(engine, &mut crowd, &kill_point)?;

        let engine = Engine::start(self.ward, &self.options)?;
        let restart = Restart {
            records: engine.recovered_records,
            recovery_ms: engine.recovery_ms,
            ready_ms: engine.ready_ms,
        };
        step(
            "restart",
            format!(
                "{} records recovered in {} ms, ready after {} ms",
                HumanCount(restart.records),
                restart.recovery_ms,
                restart.ready_ms
            ),
        )?;
        self.retry(&engine, &mut crowd)?;
        let hot_stock = self.inquire(&engine, &mut crowd, &shop)?;
        let verdict = self.verify(engine, &crowd)?;
        print("")?;
        let mut figures = self.figures(&crowd, sync, at_kill, restart, hot_stock, verdict);
        figures.judge(crowd.account.kept());
        Ok(figures)
    }

    fn say_what_comes(&self) -> anyhow::Result<()> {
        let Args {
            customers,
            stock,
            connections,
            ..
        } = *self.args;
        print(format!(
            "A flash sale that is killed half-way: {} customers, one order each over {connections} \
             connections, want {} units.\n",
            HumanCount(customers.into()),
            HumanCount(stock.into())
        ))?;
        let file_system = &self.place.file_system;
        step(
            "place",
            format!("{} on {}", self.place.path().display(), file_system.name),
        )?;
        if file_system.in_memory {
            eprintln!(
                "onhand: warning: {} keeps files in memory. The crash of a process is the same \
                 there, but a power cut would take everything, and a sync costs nothing: name a \
                 directory on a disk with --data.",
                file_system.name
            );
        }
        Ok(())
    }

    fn open_shop(&self, engine: &Engine) -> anyhow::Result<Shop> {
        let mut rng = shop::random(self.args.seed, 1);
        let mut connection = shop::connect(engine.address)?;
        let shop = shop::open(&mut connection, self.args.stock, &mut rng)?;
        step(
            "stock",
            format!(
                "{} units of the hot SKU, {} more on their way; {} other SKUs",
                HumanCount(shop.first_units.into()),
                HumanCount(shop.delivery.quantity.into()),
                shop.mix.len()
            ),
        )?;
        Ok(shop)
    }

    /// The crowd, and the moment of the kill.
    fn gather(&self, shop: &Shop) -> anyhow::Result<(Crowd, KillPoint)> {
        let (seed, customers) = (self.args.seed, self.args.customers as usize);
        let buyers = self.args.connections as usize;
        let percent = shop::random(seed, 2).random_range(DELIVERY_PERCENT);
        let kill_point = KillPoint {
            delivery_after: customers * percent / 100,
            accepted: u64::from(shop.first_units) + u64::from(shop.delivery.quantity) / 2,
            answered_max: customers * KILL_PERCENT_MAX / 100,
        };
        let crowd = Crowd::new(
            Sale::new(seed, customers, buyers, shop),
            Mix::new(seed, shop::random(seed, 3), MIX_CONNECTIONS, shop),
            Account::new()?,
            buyers,
            shop.delivery,
            kill_point.delivery_after,
        );
        Ok((crowd, kill_point))
    }

    fn sell_until_killed(
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
            std::thread::yield_now();
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
                "with {in_flight} orders of the sale and {others_in_flight} other requests in flight"
            ),
        )?;
        Ok(at_kill)
    }

    /// Every customer sends the same order again, whatever was told before.
    fn retry(&mut self, engine: &Engine, crowd: &mut Crowd) -> anyhow::Result<()> {
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
    fn inquire(
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
                "{} orders asked for one by one, {} against what was told; stock of {} SKUs added up",
                HumanCount(queried as u64),
                counted(crowd.account.contradictions, "contradiction"),
                mix.len() + 1
            ),
        )?;
        Ok(stock)
    }

    /// Stops the engine and has its journal held against the ledger.
    fn verify(&self, engine: Engine, crowd: &Crowd) -> anyhow::Result<Verdict> {
        verdict::write_ledger(&self.place.ledger(), &crowd.account.acknowledgements)?;
        engine.stop()?;
        let verdict = verdict::verify(self.ward, self.place)?;
        step(
            "verify",
            format!(
                "{} against the journal and a ledger of {} acknowledgements: {} checks of {} claims",
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

    fn figures(
        &self,
        crowd: &Crowd,
        sync: String,
        at_kill: AtKill,
        restart: Restart,
        hot_stock: Stock,
        verify: Verdict,
    ) -> Figures {
        let (accepted, sold_out) = Account::count(&crowd.sale.told);
        let account = &crowd.account;
        let (offered, stock) = (u64::from(self.args.customers), u64::from(self.args.stock));
        let units_sold = hot_stock.reserved + hot_stock.committed;
        Figures {
            ok: false,
            failures: Vec::new(),
            data: self.place.path().display().to_string(),
            file_system: self.place.file_system.name.clone(),
            file_system_in_memory: self.place.file_system.in_memory,
            sync,
            seed: self.args.seed,
            connections: u64::from(self.args.connections),
            offered,
            stock,
            accepted,
            sold_out,
            acknowledged_before_kill: at_kill.acknowledged,
            acknowledged_before_kill_percent: at_kill.acknowledged as f64 * 100.0 / offered as f64,
            accepted_before_kill: at_kill.accepted,
            in_flight_at_kill: at_kill.in_flight,
            background_in_flight_at_kill: at_kill.others_in_flight,
            replayed: account.replayed,
            executed_but_unanswered_at_kill: account.rescued,
            units_sold,
            hot_stock,
            oversold: units_sold.max(accepted).saturating_sub(stock),
            acknowledged_then_lost: account.lost,
            acknowledged_twice: account.twice,
            contradictions: account.contradictions,
            orders_queried: account.queried,
            background_orders: crowd.mix.counts().orders,
            busy: account.busy,
            ledger_lines: account.acknowledgements.len() as u64,
            verify,
            recovered_records: restart.records,
            recovery_ms: restart.recovery_ms,
            restart_ms: restart.ready_ms,
            yours_us: Latency::new(&account.yours_ns),
            sold_out_us: Latency::new(&account.sold_out_ns),
            duration_ms: (clock::monotonic_ns() - self.started_ns) / 1_000_000,
        }
    }
}

/// One line of the story.
fn step(name: &str, what: impl std::fmt::Display) -> anyhow::Result<()> {
    print(format!("  {name:<9} {what}"))?;
    Ok(())
}
