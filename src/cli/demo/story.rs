//! The run, stage by stage.

use indicatif::HumanCount;
use rand::RngExt;

use super::Args;
use super::account::Account;
use super::crowd::{Crowd, KillPoint, MIX_CONNECTIONS, OTHER_CONNECTIONS};
use super::engine::{Engine, EngineOptions};
use super::inquiry::Stock;
use super::mix::Mix;
use super::place::Place;
use super::report::{Figures, Latency};
use super::sale::Sale;
use super::shop::{self, Shop};
use super::verdict::Verdict;
use super::ward::Ward;
use crate::cli::output::print;
use crate::client::swarm::{Swarm, SwarmOptions};
use crate::clock;

/// Size of one journal file: small, so that the sale goes over several of them.
pub(super) const SEGMENT_BYTES: u64 = 8 << 20;
/// Journal files that exist at once beside what the orders need.
const SEGMENTS_SPARE: u64 = 4;
/// Journal and ledger together, for each customer and with the background mix.
const DISK_BYTES_PER_CUSTOMER: u64 = 900;
/// The delivery arrives after so many per cent of the customers; drawn.
const DELIVERY_PERCENT: std::ops::RangeInclusive<usize> = 40..=52;
/// The kill comes after so many per cent of the customers at the latest.
const KILL_PERCENT_MAX: usize = 66;

/// Further kills, at most, where no order was in flight at the first one.
const KILLS_AGAIN_MAX: u32 = 5;

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
pub(super) struct AtKill {
    pub acknowledged: u64,
    pub accepted: u64,
    pub in_flight: u64,
    pub others_in_flight: u64,
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
    pub(super) args: &'a Args,
    pub(super) place: &'a Place,
    pub(super) ward: &'a Ward,
    pub(super) options: EngineOptions,
    pub(super) swarm: Swarm,
    pub(super) started_ns: u64,
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
                sandbox: None,
                channels: None,
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
        let mut at_kill = self.sell_until_killed(engine, &mut crowd, &kill_point)?;
        let mut engine = Engine::start(self.ward, &self.options)?;
        // On a busy machine it may happen that everything sent was answered before the kill: once
        // more then, so that the crash is in the middle of something.
        for _ in 0..KILLS_AGAIN_MAX {
            if at_kill.in_flight > 0 {
                break;
            }
            crowd.resume();
            at_kill = self.sell_until_killed(engine, &mut crowd, &kill_point)?;
            engine = Engine::start(self.ward, &self.options)?;
        }
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
        let (engine, acts) = if self.args.sale_only {
            (engine, None)
        } else {
            let (engine, acts) = self.acts(engine)?;
            (engine, Some(acts))
        };
        let verdict = self.verify(engine, &crowd)?;
        print("")?;
        let mut figures = self.figures(&crowd, sync, at_kill, restart, hot_stock, verdict);
        figures.acts = acts;
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
            acts: None,
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
pub(super) fn step(name: &str, what: impl std::fmt::Display) -> anyhow::Result<()> {
    print(format!("  {name:<9} {what}"))?;
    Ok(())
}
