//! One run of the process simulation.

use super::adapters::Adapters;
use super::coverage::ProcessCoverage;
use super::people::ORDERS;
use super::providers::Providers;
use super::shop::{PROVIDERS_COUNT, pipelines};
use crate::sim::disk::{SimDisk, Survival};
use crate::sim::node::{Node, NodeOptions, open_orders};
use crate::sim::prng::{Salt, Stream};
use crate::sim::regressions::{more_stock, stock_shop};
use onhand::engine::process::command::ProcessView;
use onhand::engine::{Engine, EngineOptions};
use onhand::journal::JournalOptions;
use onhand::shard::local::{Definition, Local, LocalQueue, LocalRequest, StockMove, StockRequest};
use onhand::types::pipeline::{BackorderQueue, PIPELINES_ARCHIVE_VERSION};
use onhand::types::{CommandKey, OrderKey, OrderState, ResultCode, TenantId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const START_MS: u64 = 1_800_000_000_000;
pub const TENANT: &str = "shop";
/// Steps in which providers misbehave and the process crashes.
const WILD_STEPS: u64 = 500;
pub const TOTAL: u64 = 4_470;
/// A second SKU, scarcer than the first, that some orders have as well.
pub const EXTRA: &str = "extra";
const EXTRA_UNITS: u32 = 4;
/// How long holds live.
pub const HOLD_MS: u32 = 20_000;

/// One run.
pub struct Run {
    pub(super) seed: u64,
    pub(super) now_ms: u64,
    pub(super) disk: SimDisk,
    pub(super) options: NodeOptions,
    pub(super) lives: u64,
    pub(super) node: Option<Node>,
    pub(super) queue: Arc<LocalQueue>,
    pub(super) adapters: Option<Adapters>,
    pub(super) providers: Providers,
    pub(super) schedule: Stream,
    pub(super) faults: Stream,
    pub(super) commands: u128,
    pub(super) told: Arc<Mutex<Vec<(OrderKey, ResultCode)>>>,
    pub(super) placed: BTreeMap<OrderKey, bool>,
    pub(super) next_order: u128,
    pub(super) events: u128,
    /// How often stock came after the start.
    pub(super) arrivals: u128,
    /// How many holds were asked for.
    pub(super) holds: u128,
    pub(super) coverage: ProcessCoverage,
}

/// Runs one seed; panics where something is wrong.
pub fn run_process_seed(seed: u64) -> ProcessCoverage {
    let mut run = Run::new(seed);
    run.start();
    run.open_shop();
    for _ in 0..WILD_STEPS {
        run.wild_step();
    }
    run.calm_down();
    run.check_end();
    run.coverage
}

impl Run {
    pub(super) fn new(seed: u64) -> Self {
        let providers = Providers::new(seed, PROVIDERS_COUNT);
        Self {
            seed,
            now_ms: START_MS,
            disk: SimDisk::new(seed),
            options: NodeOptions {
                journal: JournalOptions {
                    segment_bytes: 1 << 20,
                    ..JournalOptions::default()
                },
                engine: EngineOptions::default(),
            },
            lives: 0,
            node: None,
            queue: LocalQueue::new(Box::new(|| ())),
            adapters: None,
            providers,
            schedule: Stream::new(seed, Salt::Schedule),
            faults: Stream::new(seed, Salt::Faults),
            commands: 0,
            told: Arc::default(),
            placed: BTreeMap::new(),
            next_order: 0,
            events: 0,
            arrivals: 0,
            holds: 0,
            coverage: ProcessCoverage::default(),
        }
    }

    pub(super) fn start(&mut self) {
        self.lives += 1;
        let mut node = Node::start(
            &self.disk,
            &self.options,
            self.now_ms,
            self.seed,
            self.lives,
        )
        .expect("the journal opens");
        // What waited in the queue of the process before is gone with it.
        self.queue = LocalQueue::new(Box::new(|| ()));
        node.shard.set_local_queue(Arc::clone(&self.queue));
        let adapters = Adapters::start(&node, &self.disk, self.now_ms, &mut self.providers);
        self.adapters = Some(adapters);
        self.node = Some(node);
    }

    pub(super) fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("a process runs")
    }

    pub(super) fn engine(&self) -> &Engine {
        self.node.as_ref().expect("a process runs").shard.engine()
    }

    pub(super) fn command_key(&mut self) -> CommandKey {
        self.commands += 1;
        CommandKey(self.commands)
    }

    pub(super) fn push(&mut self, request: LocalRequest) {
        let local = Local {
            tenant: TENANT.to_owned(),
            actor: "simulation".to_owned(),
            request,
            answer: None,
        };
        self.queue.push(local).expect("the queue has room");
    }

    /// Pipelines, one SKU with units enough for most and one with few, at one location.
    pub(super) fn open_shop(&mut self) {
        let mut stream = Stream::new(self.seed, Salt::Workload);
        let set = pipelines(&mut stream);
        self.push(LocalRequest::DefinePipelines {
            version: PIPELINES_ARCHIVE_VERSION,
            archive: set.archive(),
        });
        self.turn();
        let units = ORDERS as u32 - stream.below(16) as u32;
        let now_ms = self.now_ms;
        stock_shop(self.node(), TENANT, units, now_ms);
        self.push(LocalRequest::Define(Definition::Sku {
            name: EXTRA.to_owned(),
            on_sale: true,
            queue: None,
        }));
        self.receive_extra(EXTRA_UNITS);
        self.turn();
        self.sync();
    }

    /// Some units come: orders may wait for them.
    pub(super) fn receive(&mut self) {
        self.arrivals += 1;
        let units = 1 + self.schedule.below(3) as u32;
        if self.schedule.chance(300) {
            self.receive_extra(units);
        } else {
            let (key, now_ms) = (1 + self.arrivals, self.now_ms);
            more_stock(self.node(), TENANT, (key, units), now_ms);
        }
    }

    fn receive_extra(&mut self, units: u32) {
        self.push(LocalRequest::Stock(StockRequest {
            key: CommandKey(1 << 100 | self.arrivals),
            sku: EXTRA.to_owned(),
            location: "location".to_owned(),
            change: StockMove::Receive(units),
        }));
    }

    /// Somebody changes who gets units of a SKU that orders wait for.
    pub(super) fn set_queue(&mut self) {
        let name = *self.schedule.pick(&["sku", EXTRA]);
        let queue = *self.schedule.pick(BackorderQueue::ALL);
        self.push(LocalRequest::Define(Definition::Sku {
            name: name.to_owned(),
            on_sale: true,
            queue: Some(queue),
        }));
    }

    pub(super) fn wild_step(&mut self) {
        match self
            .schedule
            .weighted(&[30, 12, 6, 10, 3, 2, 4, 4, 2, 3, 2])
        {
            0 => self.pass_time(),
            1 => self.place(),
            2 => self.decide(),
            3 => self.report(),
            4 => self.providers.change_mood(),
            5 => self.crash(),
            6 => self.change(),
            7 => self.receive(),
            8 => self.set_queue(),
            9 => self.hold(),
            _ => {
                let far_ms = self.schedule.between(1_000, 400_000);
                self.now_ms += far_ms;
            }
        }
        self.work();
    }

    /// Answers come in, a turn runs, it is synced (or not yet), adapters read.
    pub(super) fn work(&mut self) {
        let now_ms = self.now_ms;
        for answer in self.adapters.as_mut().expect("started").take_due(now_ms) {
            self.push(LocalRequest::Result(answer.result));
        }
        self.turn();
        if self.schedule.chance(700) || self.providers.well {
            self.sync();
        }
        let (Some(node), Some(adapters)) = (&self.node, &mut self.adapters) else {
            unreachable!("a process runs");
        };
        self.coverage.calls += adapters.read(node, now_ms, &mut self.providers);
        self.providers.check_captures();
    }

    pub(super) fn turn(&mut self) {
        let now_ms = self.now_ms;
        let node = self.node();
        for _ in 0..20 {
            node.maintain();
        }
        if !node.shard.begin_turn(now_ms, 0) {
            return;
        }
        node.shard.end_turn(0);
        assert!(node.shard.failure().is_none(), "the journal takes batches");
        self.coverage.turns += 1;
        if let Err(broken) = self.engine().check_invariants() {
            let text = broken.to_string();
            let mut open = self.open_orders();
            open.retain(|order| text.contains(&order.order.to_string()));
            panic!("{text}, now {}: {open:#?}", self.now_ms);
        }
    }

    pub(super) fn open_orders(&self) -> Vec<ProcessView> {
        open_orders(self.engine())
    }

    pub(super) fn sync(&mut self) {
        let node = self.node();
        assert!(node.sync(), "no sync fails in this simulation");
        node.shard.release(0, |_| ());
    }

    /// On to the next thing that is to happen, or a little.
    pub(super) fn pass_time(&mut self) {
        let next = [
            self.adapters.as_ref().and_then(Adapters::next_at_ms),
            self.node().shard.next_deadline_ms(),
        ];
        let next = next.into_iter().flatten().min();
        let little = self.schedule.between(1, 300);
        self.now_ms = match next {
            // What is further away than two days is the time after which keys are forgotten.
            Some(next) if self.schedule.chance(500) && next < self.now_ms + 172_800_000 => {
                self.now_ms.max(next)
            }
            _ => self.now_ms + little,
        };
    }

    pub(super) fn crash(&mut self) {
        self.coverage.crashes += 1;
        self.node = None;
        self.disk = if self.faults.chance(500) {
            self.disk.kill()
        } else {
            self.disk.crash(Survival {
                kept_per_mille: *self.faults.pick(&[0, 500, 1_000]),
                torn_per_mille: *self.faults.pick(&[0, 500]),
                changes_per_mille: *self.faults.pick(&[0, 500, 1_000]),
            })
        };
        self.start();
        // An order whose acceptance was told is there.
        let told = self.told.lock().expect("one thread").clone();
        for (key, code) in told {
            if code == ResultCode::Ok {
                assert!(
                    self.state(key).is_some(),
                    "acknowledged order {key} is lost"
                );
            }
        }
    }

    pub(super) fn state(&self, order: OrderKey) -> Option<OrderState> {
        let (mut lines, mut shorts) = (Vec::new(), Vec::new());
        let view = self
            .engine()
            .order(TenantId(0), order, &mut lines, &mut shorts)?;
        Some(view.state)
    }
}
