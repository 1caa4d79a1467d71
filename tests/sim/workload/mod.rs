//! What simulated clients ask for: everything, in a mix that differs wildly from seed to seed.
//!
//! A workload knows only what clients can know: what it sent, and what the answers delivered so
//! far told it. It aims: at keys used before, at the version just before and after, at holds about
//! to expire, at the few SKUs that everyone wants.

mod bad;
mod orders;

use super::codec::frame_of;
use super::prng::Stream;
use super::request::{Answer, CommandSpec, Line, OrderSpec, Request};
use onhand::limits;
use onhand::types::{ResultCode, StockBucket};
use std::collections::BTreeMap;

const ANY: u16 = u16::MAX;

/// Kinds of requests with their usual weight; a seed turns some off and others up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Receive,
    Adjust,
    Set,
    Transfer,
    Move,
    Hold,
    Place,
    RepeatOrder,
    ConflictingOrder,
    NextVersion,
    OldVersion,
    VersionGap,
    Confirm,
    ConfirmLines,
    Release,
    Extend,
    Cancel,
    Ship,
    Return,
    RepeatCommand,
    ConflictingCommand,
    BadOrder,
    BadCommand,
    QueryStock,
    QueryOrder,
    Define,
    Resolve,
}

const KINDS: [(Kind, u32); 27] = [
    (Kind::Receive, 14),
    (Kind::Adjust, 3),
    (Kind::Set, 2),
    (Kind::Transfer, 3),
    (Kind::Move, 4),
    (Kind::Hold, 40),
    (Kind::Place, 6),
    (Kind::RepeatOrder, 12),
    (Kind::ConflictingOrder, 4),
    (Kind::NextVersion, 8),
    (Kind::OldVersion, 3),
    (Kind::VersionGap, 2),
    (Kind::Confirm, 14),
    (Kind::ConfirmLines, 4),
    (Kind::Release, 6),
    (Kind::Extend, 5),
    (Kind::Cancel, 4),
    (Kind::Ship, 8),
    (Kind::Return, 4),
    (Kind::RepeatCommand, 8),
    (Kind::ConflictingCommand, 3),
    (Kind::BadOrder, 4),
    (Kind::BadCommand, 3),
    (Kind::QueryStock, 5),
    (Kind::QueryOrder, 8),
    (Kind::Define, 1),
    (Kind::Resolve, 1),
];

/// Most orders of one frame; small, so that a run has many frames.
const FRAME_ITEMS_MAX: u64 = 12;

/// Most locations of one tenant.
const LOCATIONS: u64 = 3;

/// What the clients of one tenant know.
#[derive(Clone, Debug, Default)]
struct Shop {
    skus: Vec<u32>,
    locations: Vec<u16>,
    orders: Vec<OrderSpec>,
    commands: Vec<CommandSpec>,
    /// Where units of an order are, as last answered: SKU, location, quantity.
    lines: BTreeMap<u128, Vec<Line>>,
}

/// The clients' side of one run.
#[derive(Clone, Debug)]
pub struct Workload {
    stream: Stream,
    weights: Vec<u32>,
    shops: Vec<Shop>,
    /// Usual and longest time to live of holds.
    ttl_ms: u64,
    partial_per_mille: u32,
    any_per_mille: u32,
    batch_per_mille: u32,
    quantity_max: u64,
    lines_max: u64,
    frame_bytes_max: usize,
}

impl Workload {
    /// `frame_bytes_max` is what the journal of this run takes in one turn, at worst.
    pub fn new(mut stream: Stream, tenants: usize, frame_bytes_max: usize) -> Self {
        let base: Vec<u32> = KINDS.iter().map(|kind| kind.1).collect();
        let mut weights = stream.swarm(&base);
        // Without orders there is nothing to prove, and without stock hardly more.
        for index in [Kind::Hold as usize, Kind::Receive as usize] {
            weights[index] = weights[index].max(base[index]);
        }
        Self {
            weights,
            shops: vec![Shop::default(); tenants],
            ttl_ms: *stream.pick(&[200, 1_000, 1_000, 5_000, 60_000]),
            partial_per_mille: *stream.pick(&[0, 200, 200, 900]),
            any_per_mille: *stream.pick(&[0, 300, 300, 900]),
            batch_per_mille: *stream.pick(&[0, 300, 300, 900]),
            quantity_max: *stream.pick(&[1, 5, 5, 40]),
            lines_max: *stream.pick(&[1, 3, 3, 8, 64]),
            frame_bytes_max,
            stream,
        }
    }

    /// The names that a tenant defines first, so that everything else has something to act on.
    pub fn opening(&mut self) -> Vec<Request> {
        let skus = self.stream.between(1, 5);
        let locations = self.stream.between(1, LOCATIONS);
        let mut requests = Vec::new();
        for index in 0..skus {
            requests.push(Request::Command(CommandSpec::DefineSku {
                name: format!("sku-{index}"),
                on_sale: true,
            }));
        }
        for index in 0..locations {
            requests.push(Request::Command(CommandSpec::DefineLocation {
                name: format!("location-{index}"),
                x: self.coordinate(),
                y: self.coordinate(),
                priority: self.stream.below(3) as u16,
            }));
        }
        requests
    }

    /// A client of `tenant` got an answer.
    pub fn learn(&mut self, tenant: usize, request: &Request, answer: &Answer) {
        let shop = &mut self.shops[tenant];
        match (request, answer) {
            (Request::Command(command), Answer::Command(outcome))
                if outcome.code == ResultCode::Ok =>
            {
                let handle = outcome.handle;
                match command {
                    CommandSpec::DefineSku { .. } if !shop.skus.contains(&handle) => {
                        shop.skus.push(handle);
                    }
                    CommandSpec::DefineLocation { .. } => {
                        let handle = u16::try_from(handle).expect("location numbers are 16 bits");
                        if !shop.locations.contains(&handle) {
                            shop.locations.push(handle);
                        }
                    }
                    _ => {}
                }
            }
            (Request::QueryOrder { order }, Answer::OrderView { lines, .. }) => {
                let line = |line: &onhand::engine::command::OrderLineView| {
                    (line.sku.0, line.location.0, line.ordered)
                };
                shop.lines.insert(*order, lines.iter().map(line).collect());
            }
            _ => {}
        }
    }

    /// The next frame of a client of `tenant`: one request, or several of one kind. `None` until it
    /// knows a SKU and a location.
    pub fn next_frame(&mut self, tenant: usize) -> Option<Vec<Request>> {
        let shop = &self.shops[tenant];
        if shop.skus.is_empty() || shop.locations.is_empty() {
            return None;
        }
        let kind = KINDS[self.stream.weighted(&self.weights)].0;
        let mut frame = vec![self.request(tenant, kind)];
        while frame_of(&frame, 0).len() > self.frame_bytes_max {
            frame[0] = self.request(tenant, kind);
        }
        if opcode_of(&frame[0]).1 && self.stream.chance(self.batch_per_mille) {
            for _ in 1..self.stream.between(1, FRAME_ITEMS_MAX) {
                let next = self.request(tenant, kind);
                if opcode_of(&next) == opcode_of(&frame[0]) {
                    frame.push(next);
                }
                if frame_of(&frame, 0).len() > self.frame_bytes_max {
                    frame.pop();
                    break;
                }
            }
        }
        for request in &frame {
            self.remember(tenant, request);
        }
        Some(frame)
    }

    fn remember(&mut self, tenant: usize, request: &Request) {
        let shop = &mut self.shops[tenant];
        match request {
            Request::Reserve(order) => shop.orders.push(order.clone()),
            Request::Command(command) => shop.commands.push(command.clone()),
            _ => {}
        }
    }

    fn request(&mut self, tenant: usize, kind: Kind) -> Request {
        match kind {
            Kind::Receive | Kind::Adjust | Kind::Set | Kind::Transfer | Kind::Move => {
                Request::Command(self.movement(tenant, kind))
            }
            Kind::Hold | Kind::Place => Request::Reserve(self.order(tenant, kind == Kind::Place)),
            Kind::RepeatOrder
            | Kind::ConflictingOrder
            | Kind::NextVersion
            | Kind::OldVersion
            | Kind::VersionGap => Request::Reserve(self.order_again(tenant, kind)),
            Kind::Confirm
            | Kind::ConfirmLines
            | Kind::Release
            | Kind::Extend
            | Kind::Cancel
            | Kind::Ship
            | Kind::Return => Request::Command(self.order_command(tenant, kind)),
            Kind::RepeatCommand | Kind::ConflictingCommand => {
                Request::Command(self.command_again(tenant, kind))
            }
            Kind::BadOrder => Request::Reserve(self.bad_order(tenant)),
            Kind::BadCommand => Request::Command(self.bad_command(tenant)),
            Kind::QueryStock => Request::QueryStock {
                sku: self.sku(tenant),
            },
            Kind::QueryOrder => Request::QueryOrder {
                order: self.known_order(tenant),
            },
            Kind::Define => Request::Command(self.define()),
            Kind::Resolve => {
                let name = format!("sku-{}", self.stream.below(7));
                let location = format!("location-{}", self.stream.below(6));
                Request::Command(if self.stream.chance(500) {
                    CommandSpec::ResolveSku { name }
                } else {
                    CommandSpec::ResolveLocation { name: location }
                })
            }
        }
    }

    fn define(&mut self) -> CommandSpec {
        if self.stream.chance(600) {
            return CommandSpec::DefineSku {
                name: format!("sku-{}", self.stream.below(6)),
                on_sale: self.stream.chance(700),
            };
        }
        CommandSpec::DefineLocation {
            name: format!("location-{}", self.stream.below(LOCATIONS)),
            x: self.coordinate(),
            y: self.coordinate(),
            priority: self.stream.below(3) as u16,
        }
    }

    fn coordinate(&mut self) -> i32 {
        if self.stream.chance(20) {
            return *self.stream.pick(&[i32::MIN, i32::MAX]);
        }
        self.stream.below(20) as i32 - 10
    }

    fn key(&mut self) -> u128 {
        self.stream.next_u128() | 1
    }

    fn sku(&mut self, tenant: usize) -> u32 {
        // The first SKU is the hot one.
        let skus = &self.shops[tenant].skus;
        if self.stream.chance(500) {
            skus[0]
        } else {
            *self.stream.pick(skus)
        }
    }

    fn location(&mut self, tenant: usize) -> u16 {
        *self.stream.pick(&self.shops[tenant].locations)
    }

    fn quantity(&mut self) -> u32 {
        self.stream.between(1, self.quantity_max) as u32
    }

    fn movement(&mut self, tenant: usize, kind: Kind) -> CommandSpec {
        let (key, sku, location) = (self.key(), self.sku(tenant), self.location(tenant));
        match kind {
            Kind::Receive => CommandSpec::Receive {
                key,
                sku,
                location,
                quantity: if self.stream.chance(10) {
                    limits::CELL_QUANTITY_MAX
                } else {
                    self.stream.between(1, 30) as u32
                },
            },
            Kind::Adjust => CommandSpec::Adjust {
                key,
                sku,
                location,
                delta: if self.stream.chance(20) {
                    *self.stream.pick(&[i64::MIN, i64::MAX, 1 << 31, -(1 << 31)])
                } else {
                    self.stream.below(30) as i64 - 18
                },
                reason: "count".to_owned(),
            },
            Kind::Set => CommandSpec::Set {
                key,
                sku,
                location,
                on_hand: self.stream.below(40) as u32,
                expect: self
                    .stream
                    .chance(500)
                    .then(|| self.stream.below(40) as u32),
            },
            Kind::Transfer => CommandSpec::Transfer {
                key,
                sku,
                from: location,
                to: self.location(tenant),
                quantity: self.stream.between(1, 10) as u32,
            },
            _ => {
                let buckets = [
                    StockBucket::Available,
                    StockBucket::Safety,
                    StockBucket::Damaged,
                    StockBucket::QualityControl,
                ];
                CommandSpec::Move {
                    key,
                    sku,
                    location,
                    from: *self.stream.pick(&buckets),
                    to: *self.stream.pick(&buckets),
                    quantity: self.stream.between(1, 6) as u32,
                }
            }
        }
    }
}

/// Requests that may share a frame have the same number, and `true`.
fn opcode_of(request: &Request) -> (u8, bool) {
    match request {
        Request::Reserve(_) => (0, true),
        Request::QueryStock { .. } => (1, true),
        Request::QueryOrder { .. } => (2, true),
        Request::Command(command) => match command {
            CommandSpec::DefineSku { .. } => (3, true),
            CommandSpec::ResolveSku { .. } => (4, true),
            CommandSpec::DefineLocation { .. } => (5, true),
            CommandSpec::ResolveLocation { .. } => (6, true),
            CommandSpec::Receive { .. } => (7, true),
            CommandSpec::Adjust { .. } => (8, false),
            CommandSpec::Set { .. } => (9, false),
            CommandSpec::Transfer { .. } => (10, false),
            CommandSpec::Move { .. } => (11, false),
            CommandSpec::Confirm { lines, .. } => (12, lines.is_empty()),
            CommandSpec::Release { .. } => (13, true),
            CommandSpec::Extend { .. } => (14, true),
            CommandSpec::Cancel { .. } => (15, true),
            CommandSpec::Ship { .. } => (16, false),
            CommandSpec::Return { .. } => (17, false),
        },
    }
}
