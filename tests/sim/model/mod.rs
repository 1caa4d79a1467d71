//! An independent, deliberately naive model of what the engine must answer.
//!
//! Everything is a `Vec` that is scanned or a `BTreeMap`; quantities are `i128`; what an order
//! holds is stored on its lines only, and every reserved and committed quantity is summed from
//! them again whenever it is asked for; what a request means is the request itself, compared field
//! by field, never a hash. The model shares no code with the engine beyond the public value types.
//! It is told the order in which requests ran and the time of each turn, and predicts the rest:
//! codes, states, versions, quantities, deadlines, replays and the sequence of every record.

mod commands;
mod reserve;
mod stock;

use super::request::{Answer, CommandSpec, Line, OrderSpec, Request};
use onhand::engine::command::{CellQuantities, CellView, OrderLineView, OrderView};
use onhand::engine::record::ShortLine;
use onhand::limits::{CELL_QUANTITY_MAX, FORGOTTEN_KEYS_PER_RECORD_MAX};
use onhand::types::{ChannelId, LocationId, OrderState, Resolution, ResultCode, SkuId};
use std::collections::{BTreeMap, BTreeSet};

const ANY: u16 = u16::MAX;
const CELL_MAX: i128 = CELL_QUANTITY_MAX as i128;

#[derive(Clone, Debug)]
struct Sku {
    tenant: u16,
    name: String,
    on_sale: bool,
}

#[derive(Clone, Debug)]
struct Location {
    tenant: u16,
    name: String,
    x: i128,
    y: i128,
    priority: u16,
}

/// What is physically there, and what of it is set aside; promises are on the orders.
#[derive(Clone, Debug, Default)]
struct Cell {
    on_hand: i128,
    safety: i128,
    damaged: i128,
    quality_control: i128,
}

#[derive(Clone, Debug)]
struct OrderLine {
    sku: u32,
    location: u16,
    ordered: i128,
    reserved: i128,
    committed: i128,
    shipped: i128,
    returned: i128,
    cancelled: i128,
}

/// An accepted order.
#[derive(Clone, Debug)]
struct Order {
    tenant: u16,
    request: OrderSpec,
    state: OrderState,
    resolution: Resolution,
    lines: Vec<OrderLine>,
    sequence: u64,
    deadline: u64,
    extensions: u8,
    /// When it can be forgotten, counted from its end; `None` while it can still change.
    ended: Option<u64>,
    /// What each merged line got, by the SKU and location that it named.
    granted: BTreeMap<(u32, u16), u32>,
    in_part: bool,
}

/// A refused version of an order.
#[derive(Clone, Debug)]
struct Refusal {
    tenant: u16,
    request: OrderSpec,
    code: ResultCode,
    /// SKU, left, line.
    shorts: Vec<(u32, u32, u8)>,
}

/// The stored outcome of a keyed command.
#[derive(Clone, Debug)]
struct Done {
    tenant: u16,
    key: u128,
    meaning: CommandSpec,
    code: ResultCode,
    sequence: u64,
}

/// How much the engine under test was told to remember.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub rejections: usize,
    pub commands: usize,
    pub ended_order_ms: u64,
}

/// What happened in the model, for the coverage that a run prints.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelCounts {
    pub accepted: u64,
    pub rejected: u64,
    pub expired: u64,
    pub replayed: u64,
    pub conflicts: u64,
    pub stale_versions: u64,
    pub gaps: u64,
    pub replaced: u64,
    pub too_late: u64,
    pub forgotten: u64,
    pub shortages: u64,
    pub split: u64,
}

/// The whole state of one shard, as the model sees it.
#[derive(Clone, Debug)]
pub struct Model {
    memory: Memory,
    now: u64,
    next_sequence: u64,
    tenants: Vec<String>,
    actors: Vec<String>,
    skus: Vec<Sku>,
    locations: Vec<Location>,
    cells: BTreeMap<(u32, u16), Cell>,
    orders: Vec<Order>,
    refusals: Vec<Refusal>,
    stock_commands: Vec<Done>,
    order_commands: Vec<Done>,
    pub counts: ModelCounts,
}

impl Model {
    pub fn new(memory: Memory) -> Self {
        Self {
            memory,
            now: 0,
            next_sequence: 1,
            tenants: Vec::new(),
            // Number 0 is the engine itself.
            actors: vec![String::new()],
            skus: Vec::new(),
            locations: Vec::new(),
            cells: BTreeMap::new(),
            orders: Vec::new(),
            refusals: Vec::new(),
            stock_commands: Vec::new(),
            order_commands: Vec::new(),
            counts: ModelCounts::default(),
        }
    }

    /// The sequence that the next record gets.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// How many tenants there are.
    pub fn tenants(&self) -> u16 {
        self.tenants.len() as u16
    }

    /// How many SKUs there are.
    pub fn skus(&self) -> u32 {
        self.skus.len() as u32
    }

    /// Every key of a tenant under which something is stored.
    pub fn order_keys(&self, tenant: u16) -> BTreeSet<u128> {
        let orders = self.orders.iter().filter(|order| order.tenant == tenant);
        let refusals = self
            .refusals
            .iter()
            .filter(|refusal| refusal.tenant == tenant);
        let orders = orders.map(|order| order.request.key);
        orders
            .chain(refusals.map(|refusal| refusal.request.key))
            .collect()
    }

    /// The journal wrote `count` records of its own, or of a session, that the model does not know.
    pub fn skip_sequences(&mut self, count: u64) {
        self.next_sequence += count;
    }

    /// A turn begins at `now`: what is due ends before any command of the turn.
    pub fn begin_turn(&mut self, now: u64) {
        assert!(now >= self.now, "time does not go back");
        self.now = now;
        let mut ended = 0;
        for order in &mut self.orders {
            if order.state.is_live_hold() && order.deadline <= now {
                order.close_reserved();
                order.state = OrderState::Expired;
                order.resolution = Resolution::Expired;
                order.ended = Some(now);
                ended += 1;
            }
        }
        self.counts.expired += ended;
        self.next_sequence += ended;
        let kept = self.memory.ended_order_ms;
        let before = self.orders.len();
        let keep = |order: &Order| order.ended.is_none_or(|ended| now < ended + kept);
        self.orders.retain(keep);
        let forgotten = before - self.orders.len();
        self.counts.forgotten += forgotten as u64;
        self.next_sequence += forgotten.div_ceil(FORGOTTEN_KEYS_PER_RECORD_MAX) as u64;
    }

    /// A session opens: its actor and its tenant get their numbers, unless they have them. Returns
    /// the tenant's.
    pub fn open_session(&mut self, tenant: &str, actor: &str) -> u16 {
        if !self.actors.iter().any(|known| known == actor) {
            self.actors.push(actor.to_owned());
            self.record();
        }
        if !self.tenants.iter().any(|known| known == tenant) {
            self.tenants.push(tenant.to_owned());
            self.record();
        }
        let number = self.tenants.iter().position(|known| known == tenant);
        number.expect("it was just added") as u16
    }

    /// Runs one request and predicts its answer.
    pub fn execute(&mut self, tenant: u16, request: &Request) -> Answer {
        match request {
            Request::Reserve(order) => self.reserve(tenant, order),
            Request::Command(command) => Answer::Command(self.command(tenant, command)),
            Request::QueryStock { sku } => self.query_stock(tenant, *sku),
            Request::QueryOrder { order } => self.query_order(tenant, *order),
        }
    }

    fn record(&mut self) -> u64 {
        self.next_sequence += 1;
        self.next_sequence - 1
    }

    fn order_index(&self, tenant: u16, key: u128) -> Option<usize> {
        let same = |order: &Order| order.tenant == tenant && order.request.key == key;
        self.orders.iter().position(same)
    }

    fn refusal_index(&self, tenant: u16, key: u128) -> Option<usize> {
        let same = |refusal: &Refusal| refusal.tenant == tenant && refusal.request.key == key;
        self.refusals.iter().rposition(same)
    }

    fn sku_of(&self, tenant: u16, sku: u32) -> Option<&Sku> {
        let found = self.skus.get(sku as usize)?;
        (found.tenant == tenant).then_some(found)
    }

    fn location_of(&self, tenant: u16, location: u16) -> Option<&Location> {
        let found = self.locations.get(usize::from(location))?;
        (found.tenant == tenant).then_some(found)
    }

    /// Why a line cannot be meant by this tenant, if so: its SKU first, then its location.
    fn unknown_handle(&self, tenant: u16, line: &Line) -> Option<ResultCode> {
        if self.sku_of(tenant, line.0).is_none() {
            return Some(ResultCode::UnknownSku);
        }
        let known = line.1 == ANY || self.location_of(tenant, line.1).is_some();
        (!known).then_some(ResultCode::UnknownLocation)
    }

    /// Units of unpaid holds at a cell, leaving out one order.
    fn reserved(&self, sku: u32, location: u16, except: Option<usize>) -> i128 {
        let counted = |(index, _): &(usize, &Order)| Some(*index) != except;
        let orders = self.orders.iter().enumerate().filter(counted);
        orders
            .filter(|(_, order)| !order.state.is_terminal())
            .flat_map(|(_, order)| &order.lines)
            .filter(|line| line.sku == sku && line.location == location)
            .map(|line| line.reserved)
            .sum()
    }

    fn committed(&self, sku: u32, location: u16) -> i128 {
        let open = self
            .orders
            .iter()
            .filter(|order| !order.state.is_terminal());
        open.flat_map(|order| &order.lines)
            .filter(|line| line.sku == sku && line.location == location)
            .map(|line| line.committed)
            .sum()
    }

    /// On hand less every claim; below zero where the cell is short.
    fn margin(&self, sku: u32, location: u16, except: Option<usize>) -> i128 {
        let Some(cell) = self.cells.get(&(sku, location)) else {
            return 0;
        };
        let set_aside = cell.safety + cell.damaged + cell.quality_control;
        cell.on_hand
            - set_aside
            - self.reserved(sku, location, except)
            - self.committed(sku, location)
    }

    fn available(&self, sku: u32, location: u16, except: Option<usize>) -> i128 {
        self.margin(sku, location, except).max(0)
    }

    fn quantities(&self, sku: u32, location: u16) -> CellQuantities {
        let Some(cell) = self.cells.get(&(sku, location)) else {
            return CellQuantities::default();
        };
        CellQuantities {
            on_hand: small(cell.on_hand),
            reserved: small(self.reserved(sku, location, None)),
            committed: small(self.committed(sku, location)),
            safety: small(cell.safety),
            damaged: small(cell.damaged),
            quality_control: small(cell.quality_control),
        }
    }

    fn query_stock(&self, tenant: u16, sku: u32) -> Answer {
        if self.sku_of(tenant, sku).is_none() {
            return Answer::Stock {
                code: ResultCode::UnknownSku,
                cells: Vec::new(),
            };
        }
        let cells = self
            .cells
            .keys()
            .filter(|cell| cell.0 == sku)
            .map(|&(_, location)| CellView {
                location: LocationId(location),
                quantities: self.quantities(sku, location),
            });
        Answer::Stock {
            code: ResultCode::Ok,
            cells: cells.collect(),
        }
    }

    fn query_order(&self, tenant: u16, key: u128) -> Answer {
        if let Some(index) = self.order_index(tenant, key) {
            return self.view_of(index);
        }
        let Some(index) = self.refusal_index(tenant, key) else {
            return Answer::OrderView {
                view: None,
                lines: Vec::new(),
                shorts: Vec::new(),
            };
        };
        let refusal = &self.refusals[index];
        Answer::OrderView {
            view: Some(OrderView {
                code: refusal.code,
                state: OrderState::Rejected,
                resolution: Resolution::Open,
                placed: false,
                version: refusal.request.version,
                channel: ChannelId(0),
                customer: 0,
                sequence: 0,
                expires_at_ms: 0,
            }),
            lines: Vec::new(),
            shorts: refusal.short_lines(),
        }
    }

    fn view_of(&self, index: usize) -> Answer {
        let order = &self.orders[index];
        let refusal = self.refusal_index(order.tenant, order.request.key);
        let newer =
            |&refusal: &usize| self.refusals[refusal].request.version > order.request.version;
        let refusal = refusal.filter(newer).map(|refusal| &self.refusals[refusal]);
        let shorts = refusal.map(Refusal::short_lines).unwrap_or_default();
        let line = |line: &OrderLine| OrderLineView {
            sku: SkuId(line.sku),
            location: LocationId(line.location),
            ordered: small(line.ordered),
            reserved: small(line.reserved),
            committed: small(line.committed),
            shipped: small(line.shipped),
            returned: small(line.returned),
            cancelled: small(line.cancelled),
        };
        Answer::OrderView {
            view: Some(OrderView {
                code: refusal.map_or(ResultCode::Ok, |refusal| refusal.code),
                state: order.state,
                resolution: order.resolution,
                placed: order.request.place,
                version: self.latest_version(index),
                channel: ChannelId(order.request.channel),
                customer: order.request.customer,
                sequence: order.sequence,
                expires_at_ms: order.shown_deadline(),
            }),
            lines: order.lines.iter().map(line).collect(),
            shorts,
        }
    }

    /// The latest decided version of an accepted order, refused successors included.
    fn latest_version(&self, index: usize) -> u16 {
        let order = &self.orders[index];
        let refused = self
            .refusal_index(order.tenant, order.request.key)
            .map_or(0, |refusal| self.refusals[refusal].request.version);
        order.request.version.max(refused)
    }
}

impl Refusal {
    fn short_lines(&self) -> Vec<ShortLine> {
        let short = |&(sku, left, line): &(u32, u32, u8)| ShortLine {
            sku: SkuId(sku),
            left,
            line,
        };
        self.shorts.iter().map(short).collect()
    }
}

impl Order {
    /// What is still reserved goes back.
    fn close_reserved(&mut self) {
        for line in &mut self.lines {
            line.cancelled += line.reserved;
            line.reserved = 0;
        }
    }

    fn shown_deadline(&self) -> u64 {
        if self.state.is_live_hold() {
            self.deadline
        } else {
            0
        }
    }
}

/// Lines with equal SKU and location summed, sorted, each with the index of its first occurrence.
fn merged(lines: &[Line]) -> Vec<(Line, u8)> {
    let mut sums: BTreeMap<(u32, u16), (u64, u8)> = BTreeMap::new();
    for (index, &(sku, location, quantity)) in lines.iter().enumerate() {
        let sum = sums.entry((sku, location)).or_insert((0, index as u8));
        sum.0 += u64::from(quantity);
    }
    let line = |((sku, location), (quantity, first))| {
        let quantity = u32::try_from(quantity).expect("64 lines fit");
        ((sku, location, quantity), first)
    };
    sums.into_iter().map(line).collect()
}

fn small(quantity: i128) -> u32 {
    u32::try_from(quantity).expect("the model's quantities are in range")
}
