//! One run of the simulation of channels.

use super::calls::{Asks, Call};
use super::coverage::ChannelCoverage;
use super::intake::Intake;
use super::lane::{Lane, Raises, Wants};
use super::market::{Market, POOL, QUOTA, SKUS, Sold};
use super::start::Story;
use crate::sim::disk::SimDisk;
use crate::sim::node::{Node, NodeOptions};
use crate::sim::prng::{Salt, Stream};
use crate::sim::process::{Adapters, Providers};
use onhand::engine::record::{
    ChannelEventRecord, ChannelRecord, OrderAccepted, ProcessRecord, Record, accepted_flags, kind,
};
use onhand::engine::{Engine, EngineOptions};
use onhand::journal::{JournalOptions, Reader};
use onhand::shard::local::{ChannelRequest, Local, LocalAnswer, LocalQueue, LocalRequest};
use onhand::types::channel_event::EventFate;
use onhand::types::record::{RawRecord, Records};
use onhand::types::{ChannelId, CommandKey, OrderKey, ResultCode, SkuId, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const START_MS: u64 = 1_800_000_000_000;
pub const TENANT: &str = "shop";

/// Steps of the sale, and of what comes behind it.
const SALE_STEPS: u64 = 350;
const LATER_STEPS: u64 = 150;

/// What a request was about, to know its answer by.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    Nothing,
    Received(u128),
    Placed(u128),
    Cancelled(u128),
    Settled(u128),
    Shop(OrderKey),
    Changes(usize),
    Stock(usize),
}

/// Answers that have come, in their order.
pub type Inbox = Arc<Mutex<Vec<(Asked, LocalAnswer)>>>;

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Sold(OrderKey),
    Cancelled(OrderKey),
    /// A request about personal data.
    Privacy,
}

/// An event of a marketplace.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub market: usize,
    pub says: Says,
    /// It is journaled, and the marketplace knows.
    pub acknowledged: bool,
}

/// One run.
pub struct Run {
    pub(super) seed: u64,
    pub(super) now_ms: u64,
    pub(super) disk: SimDisk,
    pub(super) options: NodeOptions,
    pub(super) lives: u64,
    pub(super) node: Option<Node>,
    pub(super) queue: Arc<LocalQueue>,
    pub(super) inbox: Inbox,
    pub(super) reader: Option<Reader<SimDisk>>,
    pub(super) effects: Option<Adapters>,
    pub(super) providers: Providers,
    pub(super) schedule: Stream,
    pub(super) faults: Stream,
    pub(super) commands: u128,
    pub(super) markets: Vec<Market>,
    pub(super) calls: Vec<Call>,
    pub(super) lanes: Vec<Lane>,
    pub(super) intake: Intake,
    pub(super) events: BTreeMap<u128, Event>,
    /// Events on their way: when they arrive, which, and whether even if they are known to have.
    pub(super) mail: Vec<(u64, u128, bool)>,
    pub(super) orders: BTreeMap<OrderKey, Sold>,
    pub(super) skus: [SkuId; 3],
    /// Units of the pool that are kept out of every figure.
    pub(super) buffer: u32,
    pub(super) campaigns: u32,
    /// The sale of each SKU is on.
    pub(super) on_sale: [bool; 3],
    /// The process ends during the sale of the quotas, or all figures are written again in it.
    pub(super) is_wild: bool,
    /// It did.
    pub(super) excused: bool,
    /// No faults any more.
    pub(super) well: bool,
    pub(super) coverage: ChannelCoverage,
}

/// Runs one seed; panics where something is wrong.
pub fn run_channel_seed(seed: u64) -> ChannelCoverage {
    let mut run = Run::new(seed);
    run.start();
    run.open_shop();
    run.publish_all();
    run.on_sale = [true; 3];
    for _ in 0..SALE_STEPS {
        run.step();
    }
    run.on_sale[QUOTA] = false;
    for _ in 0..LATER_STEPS {
        run.step();
    }
    run.calm_down();
    run.check_end();
    run.coverage
}

impl Run {
    pub(super) fn new(seed: u64) -> Self {
        let mut schedule = Stream::new(seed, Salt::Schedule);
        let buffer = *schedule.pick(&[6, 12]);
        let mut providers = Providers::new(seed, 2);
        providers.well = true;
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
            inbox: Inbox::default(),
            reader: None,
            effects: None,
            providers,
            schedule,
            faults: Stream::new(seed, Salt::Faults),
            commands: 0,
            markets: Market::all(),
            calls: Vec::new(),
            lanes: Vec::new(),
            intake: Intake::default(),
            events: BTreeMap::new(),
            mail: Vec::new(),
            orders: BTreeMap::new(),
            skus: [SkuId(0), SkuId(1), SkuId(2)],
            buffer,
            campaigns: 0,
            on_sale: [false; 3],
            is_wild: seed.is_multiple_of(2),
            excused: false,
            well: false,
            coverage: ChannelCoverage::default(),
        }
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

    /// A request for the next turns.
    pub(super) fn ask(&mut self, request: LocalRequest, asked: Asked) {
        let inbox = Arc::clone(&self.inbox);
        let local = Local {
            tenant: TENANT.to_owned(),
            actor: "simulation".to_owned(),
            request,
            answer: Some(Box::new(move |answer| {
                inbox.lock().expect("one thread").push((asked, answer));
            })),
        };
        self.queue.push(local).expect("the queue has room");
    }

    /// Units of a SKU that a channel has sold, without what was cancelled there.
    pub(super) fn sold_at(&self, channel: u16, sku: usize) -> u64 {
        let orders = self.orders.values();
        let own = orders.filter(|it| it.channel == channel && it.sku == sku && !it.cancelled);
        own.map(|it| u64::from(it.units)).sum()
    }

    /// Everything that is on its way moves on: events, calls, effects, a turn, the publisher.
    pub(super) fn work(&mut self) {
        self.now_ms += self.schedule.between(0, 8);
        let now_ms = self.now_ms;
        self.deliver();
        self.move_calls();
        for answer in self.effects.as_mut().expect("started").take_due(now_ms) {
            self.ask(LocalRequest::Result(answer.result), Asked::Nothing);
        }
        self.work_off();
        self.turn();
        if self.well || self.schedule.chance(700) {
            self.sync();
        }
        self.hear();
        let (Some(node), Some(effects)) = (&self.node, &mut self.effects) else {
            unreachable!("a process runs");
        };
        effects.read(node, now_ms, &mut self.providers);
        let read_to = self.read_journal();
        for place in 0..self.lanes.len() {
            let caught_up = self.is_caught_up(place);
            let was = self.lanes[place].raises;
            for wants in self.lanes[place].drive(now_ms, read_to, caught_up) {
                self.want(place, wants);
            }
            let freed = was != Raises::Free && self.lanes[place].raises == Raises::Free;
            self.coverage.held_back += u64::from(freed);
        }
    }

    fn want(&mut self, place: usize, wants: Wants) {
        let channel = ChannelId(self.markets[place].number);
        match wants {
            Wants::Changes(query) => self.ask(LocalRequest::Query(query), Asked::Changes(place)),
            Wants::Stock(query) => self.ask(LocalRequest::Query(query), Asked::Stock(place)),
            Wants::Report(items) => {
                let report = ChannelRequest::Published { channel, items };
                self.ask(LocalRequest::Channel(report), Asked::Nothing);
            }
            Wants::Write(taken) => self.call(place, Asks::Write(taken)),
            Wants::Read(items) => self.call(place, Asks::Read(items)),
        }
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
            panic!("{broken}");
        }
        for sku in [QUOTA, POOL] {
            if sku == QUOTA && self.markets.iter().any(|market| market.twice > 0) {
                continue;
            }
            let cells = self.engine().stock(TenantId(0), self.skus[sku]);
            for cell in cells.into_iter().flatten() {
                let short = cell.quantities.short();
                assert_eq!(short, 0, "{} is oversold", SKUS[sku]);
            }
        }
    }

    pub(super) fn sync(&mut self) {
        let node = self.node();
        assert!(node.sync(), "no sync fails in this simulation");
        node.shard.release(0, |_| ());
    }

    /// Takes in what was answered.
    fn hear(&mut self) {
        let answers = std::mem::take(&mut *self.inbox.lock().expect("one thread"));
        for (asked, answer) in answers {
            match (asked, answer) {
                (Asked::Nothing, _) => {}
                (Asked::Changes(place), LocalAnswer::ChannelChanges(changes)) => {
                    self.lanes[place].changed(changes);
                }
                (Asked::Stock(place), LocalAnswer::ChannelStock(stock)) => {
                    self.lanes[place].answered(stock);
                }
                (Asked::Shop(order), LocalAnswer::Placed(outcome)) => {
                    if outcome.code == ResultCode::Ok {
                        let sold = self.orders.get_mut(&order).expect("an order of the shop");
                        sold.told = true;
                    } else {
                        self.coverage.shop_refused += 1;
                        self.orders.remove(&order);
                    }
                }
                (asked, answer) => self.hear_of_event(asked, answer),
            }
        }
    }

    /// Reads what is durable: orders, events, what was published. The sequence up to which
    /// everything was read.
    fn read_journal(&mut self) -> u64 {
        let node = self.node.as_ref().expect("a process runs");
        let mark = node.shard.journal().handover().acknowledged();
        let mut reader = self.reader.take().expect("started");
        while let Some(batch) = reader.next(mark).expect("the journal can be read") {
            for (sequence, raw) in (batch.sequence..).zip(Records::new(batch.payload)) {
                self.read(sequence, &raw);
            }
        }
        let read_to = reader.next_sequence();
        self.reader = Some(reader);
        read_to
    }

    fn read(&mut self, sequence: u64, raw: &RawRecord<'_>) {
        if !matches!(
            raw.kind,
            kind::STOCK_PUBLISHED | kind::EVENT_RECEIVED | kind::EVENT_SETTLED
        ) {
            self.lanes.iter_mut().for_each(Lane::note_change);
        }
        match Record::decode(raw) {
            Some(Record::OrderAccepted(order)) => self.read_order(sequence, &order),
            Some(Record::ChannelEvent(ChannelEventRecord::Received(it))) if it.part == 0 => {
                self.intake.todo.push_back(it.event);
            }
            Some(Record::ChannelEvent(ChannelEventRecord::Settled(it))) => {
                self.coverage.events_parked += u64::from(it.fate == EventFate::Parked);
                if it.fate == EventFate::Open {
                    self.coverage.events_driven_again += 1;
                    self.intake.todo.push_back(it.event);
                }
            }
            Some(Record::Channel(ChannelRecord::CampaignStarted { .. })) => {
                self.coverage.campaigns_started += 1;
            }
            Some(Record::Channel(ChannelRecord::CampaignEnded { items, .. })) => {
                self.coverage.campaigns_ended += 1;
                let back = items.iter().map(|it| u64::from(it.returned));
                self.coverage.campaign_units_returned += back.sum::<u64>();
            }
            Some(Record::Channel(ChannelRecord::Published { items, .. })) => {
                self.coverage.published += items.len() as u64;
            }
            Some(Record::Process(ProcessRecord::Oversold(_))) => self.coverage.oversold += 1,
            _ => {}
        }
    }

    fn read_order(&mut self, sequence: u64, order: &OrderAccepted<'_>) {
        assert_eq!(
            order.flags & accepted_flags::REPLACES,
            0,
            "nothing is changed here"
        );
        let sold = self.orders.get_mut(&order.key);
        let sold = sold.unwrap_or_else(|| panic!("nobody sold order {}", order.key));
        sold.accepted = Some(sequence);
        let made_ms = sold.made_ms;
        let place = self
            .markets
            .iter()
            .position(|market| market.number == order.channel.0);
        let Some(place) = place else {
            return;
        };
        let now_ms = self.now_ms;
        for taken in order.allocations.iter() {
            let units = (sequence, taken.quantity);
            let book = &mut self.lanes[place].book;
            book.sold(taken.sku, units, Some(made_ms), now_ms);
        }
    }

    /// Everything about events and orders that the journal has now.
    pub(super) fn story(&self) -> Story {
        Story::read(&self.disk)
    }

    /// Events that are not to be lost.
    pub(super) fn acknowledged(&self) -> BTreeSet<u128> {
        let events = self.events.iter();
        let known = events.filter(|(_, event)| event.acknowledged);
        known.map(|(event, _)| *event).collect()
    }
}
