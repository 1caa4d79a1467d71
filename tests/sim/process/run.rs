//! One run of the process simulation.

use super::adapters::Adapters;
use super::providers::Providers;
use crate::sim::disk::{SimDisk, Survival};
use crate::sim::node::{Node, NodeOptions};
use crate::sim::prng::{Salt, Stream};
use crate::sim::regressions::stock_shop;
use onhand::engine::process::command::{ListFilter, ProcessView};
use onhand::engine::{Engine, EngineOptions};
use onhand::journal::JournalOptions;
use onhand::shard::local::{
    Local, LocalAnswer, LocalQueue, LocalRequest, NamedLine, OwnedReport, PlaceRequest,
};
use onhand::types::pipeline::{
    CaptureOn, Message, PIPELINES_ARCHIVE_VERSION, PaymentMode, Pipeline, PipelineSet,
    ProcessSettings, Step, StepKind,
};
use onhand::types::process::{OperatorAction, ReportKind};
use onhand::types::{
    ChannelId, CommandKey, OrderDetails, OrderKey, OrderMode, OrderState, Policy, ResultCode,
    TenantId,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const START_MS: u64 = 1_800_000_000_000;
const TENANT: &str = "shop";
const PROVIDERS: [&str; 9] = [
    "risk", "pay-one", "pay-two", "labels", "depot", "crm", "mail", "team", "erp",
];
/// Orders of one run.
const ORDERS: u128 = 24;
/// Steps in which providers misbehave and the process crashes.
const WILD_STEPS: u64 = 500;
/// Steps within which everything must come to rest afterwards.
const CALM_STEPS_MAX: u64 = 20_000;
const TOTAL: u64 = 4_470;

/// What runs met.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessCoverage {
    pub turns: u64,
    pub calls: u64,
    pub crashes: u64,
    pub decisions: u64,
    pub reviews: u64,
    pub completed: u64,
    pub cancelled: u64,
    pub declined: u64,
    pub expired: u64,
    pub failovers: u64,
    pub captured: u64,
    pub refunded: u64,
}

impl ProcessCoverage {
    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        let mut sum = self.rows();
        for (mine, theirs) in sum.iter_mut().zip(other.rows()) {
            mine.1 += theirs.1;
        }
        let mut sums = sum.into_iter().map(|(_, count)| count);
        let mut next = || sums.next().expect("a count for each name");
        *self = Self {
            turns: next(),
            calls: next(),
            crashes: next(),
            decisions: next(),
            reviews: next(),
            completed: next(),
            cancelled: next(),
            declined: next(),
            expired: next(),
            failovers: next(),
            captured: next(),
            refunded: next(),
        };
    }

    /// Every count with its name.
    pub fn rows(&self) -> [(&'static str, u64); 12] {
        [
            ("turns", self.turns),
            ("calls", self.calls),
            ("crashes", self.crashes),
            ("decisions", self.decisions),
            ("reviews", self.reviews),
            ("completed", self.completed),
            ("cancelled", self.cancelled),
            ("declined", self.declined),
            ("expired", self.expired),
            ("failovers", self.failovers),
            ("captured", self.captured),
            ("refunded", self.refunded),
        ]
    }
}

struct Run {
    seed: u64,
    now_ms: u64,
    disk: SimDisk,
    options: NodeOptions,
    lives: u64,
    node: Option<Node>,
    queue: Arc<LocalQueue>,
    adapters: Option<Adapters>,
    providers: Providers,
    schedule: Stream,
    faults: Stream,
    commands: u128,
    told: Arc<Mutex<Vec<(OrderKey, ResultCode)>>>,
    placed: BTreeMap<OrderKey, bool>,
    next_order: u128,
    events: u128,
    coverage: ProcessCoverage,
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

fn pipelines(stream: &mut Stream) -> PipelineSet {
    let step = |name: &str, kind, providers: &[u8]| Step {
        name: name.to_owned(),
        kind,
        providers: providers.to_vec(),
        ..Step::default()
    };
    let fulfilment = Step {
        warehouses: vec![4],
        ..step("fulfilment", StepKind::Fulfilment, &[3])
    };
    let erp = Step {
        compensated: true,
        ..step("erp", StepKind::Webhook, &[8])
    };
    let mut steps = vec![
        step("risk", StepKind::Fraud, &[0]),
        step("payment", StepKind::Payment, &[1, 2]),
    ];
    if stream.chance(400) {
        steps.push(erp);
    }
    steps.push(fulfilment);
    PipelineSet {
        providers: PROVIDERS.iter().map(|name| (*name).to_owned()).collect(),
        pipelines: vec![Pipeline {
            name: "standard".to_owned(),
            payment: PaymentMode::Gateway,
            steps,
        }],
        routes: Vec::new(),
        messages: (1..=10)
            .map(|milestone| Message {
                milestone,
                provider: 6,
            })
            .collect(),
        alert_providers: vec![7],
        crm_providers: vec![5],
        settings: ProcessSettings {
            pin_ms: 60_000,
            review_ms: 600_000,
            ship_ms: 3_600_000,
            carrier_ms: 3_600_000,
            return_ms: 10_000,
            capture_on: *stream.pick(&[CaptureOn::Confirm, CaptureOn::Ship]),
            buyer_retries: stream.below(3) as u8,
            ..ProcessSettings::default()
        },
    }
}

impl Run {
    fn new(seed: u64) -> Self {
        let providers = Providers::new(seed, PROVIDERS.len());
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
            coverage: ProcessCoverage::default(),
        }
    }

    fn start(&mut self) {
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

    fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("a process runs")
    }

    fn engine(&self) -> &Engine {
        self.node.as_ref().expect("a process runs").shard.engine()
    }

    fn command_key(&mut self) -> CommandKey {
        self.commands += 1;
        CommandKey(self.commands)
    }

    fn push(&mut self, request: LocalRequest) {
        let local = Local {
            tenant: TENANT.to_owned(),
            actor: "simulation".to_owned(),
            request,
            answer: None,
        };
        self.queue.push(local).expect("the queue has room");
    }

    /// Pipelines, one SKU with units enough for most, at one location.
    fn open_shop(&mut self) {
        let mut stream = Stream::new(self.seed, Salt::Workload);
        let set = pipelines(&mut stream);
        self.push(LocalRequest::DefinePipelines {
            version: PIPELINES_ARCHIVE_VERSION,
            archive: set.archive(),
        });
        self.turn();
        let units = ORDERS as u32 - stream.below(4) as u32;
        let now_ms = self.now_ms;
        stock_shop(self.node(), TENANT, units, now_ms);
        self.sync();
    }

    fn wild_step(&mut self) {
        match self.schedule.weighted(&[30, 12, 6, 10, 3, 2, 4]) {
            0 => self.pass_time(),
            1 => self.place(),
            2 => self.decide(),
            3 => self.report(),
            4 => self.providers.change_mood(),
            5 => self.crash(),
            _ => {
                let far_ms = self.schedule.between(1_000, 400_000);
                self.now_ms += far_ms;
            }
        }
        self.work();
    }

    /// Answers come in, a turn runs, it is synced (or not yet), adapters read.
    fn work(&mut self) {
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

    fn turn(&mut self) {
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

    fn open_orders(&self) -> Vec<ProcessView> {
        let all = ListFilter {
            tenant: TenantId(0),
            limit: 500,
            ..ListFilter::default()
        };
        self.engine().list_processes(&all).orders
    }

    fn sync(&mut self) {
        let node = self.node();
        assert!(node.sync(), "no sync fails in this simulation");
        node.shard.release(0, |_| ());
    }

    /// On to the next thing that is to happen, or a little.
    fn pass_time(&mut self) {
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

    fn place(&mut self) {
        if self.next_order >= ORDERS {
            return;
        }
        self.next_order += 1;
        let key = OrderKey(self.next_order << 64 | u128::from(self.schedule.next()));
        self.placed.insert(key, false);
        let told = Arc::clone(&self.told);
        let place = PlaceRequest {
            key,
            version: 1,
            customer: 7,
            channel: ChannelId(0),
            ttl_ms: 120_000,
            mode: OrderMode::Place,
            policy: Policy::AllOrNothing,
            currency: 978,
            total: TOTAL,
            lines: vec![NamedLine {
                sku: "sku".to_owned(),
                location: None,
                quantity: 1,
            }],
            details: Some(OrderDetails {
                email: "ana@example.com".to_owned(),
                country: "ES".to_owned(),
                ..OrderDetails::default()
            }),
        };
        let local = Local {
            tenant: TENANT.to_owned(),
            actor: "shop".to_owned(),
            request: LocalRequest::Place(Box::new(place)),
            answer: Some(Box::new(move |answer| {
                if let LocalAnswer::Placed(outcome) = answer {
                    let mut told = told.lock().expect("one thread");
                    told.push((key, outcome.code));
                }
            })),
        };
        self.queue.push(local).expect("the queue has room");
    }

    /// Somebody decides something about some order.
    fn decide(&mut self) {
        let keys: Vec<OrderKey> = self.placed.keys().copied().collect();
        if keys.is_empty() {
            return;
        }
        let order = *self.schedule.pick(&keys);
        let action = *self.schedule.pick(&[
            OperatorAction::Approve,
            OperatorAction::Decline,
            OperatorAction::Cancel,
            OperatorAction::Refund,
            OperatorAction::Redrive,
        ]);
        self.operate(order, action, self.schedule_effect());
        self.coverage.decisions += 1;
    }

    fn schedule_effect(&self) -> u16 {
        0
    }

    fn operate(&mut self, order: OrderKey, action: OperatorAction, effect: u16) {
        let key = self.command_key();
        self.push(LocalRequest::Operate {
            key,
            order,
            action,
            effect,
            amount: 0,
            reason: "simulated".to_owned(),
        });
    }

    /// A carrier says something about some order, perhaps twice, perhaps out of turn.
    fn report(&mut self) {
        let keys: Vec<OrderKey> = self.placed.keys().copied().collect();
        if keys.is_empty() {
            return;
        }
        let order = *self.schedule.pick(&keys);
        let kind = *self.schedule.pick(&[
            ReportKind::Shipped,
            ReportKind::Shipped,
            ReportKind::Delivered,
            ReportKind::CarrierException,
        ]);
        let fulfilling = matches!(
            self.state(order),
            Some(OrderState::Fulfilling | OrderState::Shipped)
        );
        if !fulfilling && !self.schedule.chance(100) {
            return;
        }
        self.report_about(order, kind);
    }

    fn report_about(&mut self, order: OrderKey, kind: ReportKind) {
        if !self.schedule.chance(150) {
            self.events += 1;
        }
        self.push(LocalRequest::Report(OwnedReport {
            event: self.events,
            provider: "depot".to_owned(),
            kind,
            order,
            reference: String::new(),
            amount: 0,
            text: "carrier=sim tracking=1".to_owned(),
        }));
    }

    fn crash(&mut self) {
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

    fn state(&self, order: OrderKey) -> Option<OrderState> {
        let (mut lines, mut shorts) = (Vec::new(), Vec::new());
        let view = self
            .engine()
            .order(TenantId(0), order, &mut lines, &mut shorts)?;
        Some(view.state)
    }

    /// Providers are well; operators and carriers do what is to be done, until nothing is open.
    fn calm_down(&mut self) {
        self.providers.well = true;
        for step in 0..CALM_STEPS_MAX {
            self.pass_time();
            self.work();
            if step % 20 != 0 {
                continue;
            }
            let open = self.open_orders();
            if open.is_empty() {
                return;
            }
            for order in open {
                match order.state {
                    OrderState::Review => {
                        self.coverage.reviews += 1;
                        self.events += 1;
                        let way = [
                            OperatorAction::Approve,
                            OperatorAction::Cancel,
                            OperatorAction::Decline,
                        ];
                        let action = *self.schedule.pick(&way);
                        self.operate(order.order, action, 0);
                    }
                    OrderState::Fulfilling => {
                        self.events += 1;
                        self.report_about(order.order, ReportKind::Shipped);
                    }
                    OrderState::Shipped => {
                        self.events += 1;
                        self.report_about(order.order, ReportKind::Delivered);
                    }
                    _ => {}
                }
                for effect in &order.effects {
                    if effect.next == Some(onhand::types::effect::EffectNext::Dead) {
                        self.operate(order.order, OperatorAction::Redrive, effect.number);
                    }
                }
            }
        }
        panic!("orders do not come to an end: {:#?}", self.open_orders());
    }

    fn check_end(&mut self) {
        let mut shipped = 0;
        for order in self.placed.keys().copied().collect::<Vec<_>>() {
            let Some(state) = self.state(order) else {
                continue; // the crash took it before it was acknowledged
            };
            let (paid, open) = self.providers.balance(order);
            assert_eq!(
                open, 0,
                "order {order} ({state:?}) leaves an authorisation open"
            );
            match state {
                OrderState::Completed => {
                    self.coverage.completed += 1;
                    self.coverage.captured += u64::from(paid == TOTAL);
                    self.coverage.refunded += u64::from(paid == 0);
                    assert!(paid == TOTAL || paid == 0, "{order}: {paid} paid");
                    shipped += 1;
                }
                OrderState::Cancelled => self.coverage.cancelled += 1,
                OrderState::Declined => self.coverage.declined += 1,
                OrderState::Expired => self.coverage.expired += 1,
                OrderState::Rejected => {}
                other => panic!("order {order} ended as {other:?}"),
            }
            if state != OrderState::Completed {
                assert_eq!(paid, 0, "order {order} ended as {state:?} and is paid");
            }
        }
        let processors = self.providers.payments.keys();
        self.coverage.failovers += processors.filter(|(provider, _)| *provider == 2).count() as u64;
        let sku = onhand::types::SkuId(0);
        let cells = self.engine().stock(TenantId(0), sku).expect("the SKU");
        for cell in cells {
            let held = cell.quantities;
            assert_eq!((held.reserved, held.committed), (0, 0), "nothing is held");
            assert!(shipped <= u64::from(u32::MAX));
        }
        self.check_replay();
    }

    /// A second engine that reads the journal is in the same state.
    fn check_replay(&mut self) {
        self.turn();
        self.sync();
        let digest = self.engine().digest();
        self.node = None;
        self.disk = self.disk.kill();
        self.lives += 1;
        let node = Node::start(
            &self.disk,
            &self.options,
            self.now_ms,
            self.seed,
            self.lives,
        );
        let node = node.expect("the journal opens");
        assert_eq!(
            node.shard.engine().digest(),
            digest,
            "replay gives the same"
        );
    }
}
