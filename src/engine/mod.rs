//! The deterministic shard: inventory, orders, idempotency, expiry. Sans-IO.
//!
//! ```text
//!   time ──▶ fire_timers ─┐
//!  order ──▶ reserve ─────┼─▶ decide (reads state) ─▶ record ─▶ RecordBuffer ─▶ journal
//! command ─▶ execute ─────┘                             │
//!                                  replay ◀─ journal    ▼
//!                                     └────────────▶ apply (changes state)
//!
//!  names ─▶ handles    SKUs ─▶ cells    key ─▶ index ─▶ order slots ─▶ lines
//!                                                 ├──▶ newest rejections (ring)
//!                                                 └──▶ newest command results (two rings)
//! ```
//!
//! [`Engine`] owns everything that one shard knows about its tenants. It has no clock, socket,
//! thread, float or random number inside: the same calls in the same order give the same records,
//! the same answers and the same [digest](Engine::digest), and so does replaying the records.
//!
//! Invariants: state changes only when a record is applied; a command either makes its records and
//! changes state, or does neither; quantities of a stock cell never leave
//! `0 ..= CELL_QUANTITY_MAX`; a hold is resolved exactly once; whether a hold is over is decided
//! by time and never by whether its timer has been fired.
//!
//! When full: a full order table answers `ORDER_TABLE_FULL`, full name tables their own codes, and
//! the bounded memories of refusals and command results forget their oldest entry and count it.
//! A broken invariant panics: the journal makes a restart safe.

mod allocate;
mod apply;
mod apply_accepted;
mod apply_definition;
mod apply_order;
pub mod channel;
pub mod channel_event;
pub mod command;
mod define;
mod digest;
mod edit;
mod error;
mod expiry;
mod fact;
pub mod fingerprint;
mod idempotency;
mod intake;
mod invariants;
mod inventory;
mod names;
mod order;
mod preempt;
pub mod process;
mod query;
pub mod record;
mod reservation;
mod resolve;
mod stock;
mod subscriber;
#[cfg(test)]
mod tests;
mod timers_fired;

use crate::limits;
use crate::types::record::RecordBuffer;
use crate::types::{OrderKey, SkuId, TenantId};
use allocate::{MergedLine, Plan};
use channel::ChannelTable;
use channel_event::ChannelEvents;
use command::{Command, CommandOutcome, Context, LineNote, OrderOutcome, OrderRequest};
pub use error::{Contradiction, InvariantBroken, ReplayError};
use expiry::Timers;
use idempotency::KeyMixer;
use idempotency::commands_kept::CommandsKept;
use idempotency::index::{Index, Table};
use idempotency::rejections::Rejections;
use inventory::Inventory;
use names::Names;
use order::{Line, Orders};
use process::ProcessTable;
use record::{Allocation, ShortLine};

/// Name of actor 0, the engine itself; no client can have it.
const SYSTEM_ACTOR: &str = "(engine)";

/// What an engine is built with.
#[derive(Clone)]
pub struct EngineOptions {
    /// 32 random bytes of the data directory. They key the order index, so nobody outside can aim
    /// at one of its buckets; records and digest do not depend on them.
    pub secret: [u8; 32],
    /// Most orders kept, open and ended, 1 ..= `ORDERS_MAX`.
    pub orders_max: usize,
    /// Memory for this many orders, and as many refusals, is touched at start (about 110 bytes
    /// each), so that none of them pays for a first touch: that can cost more than the order.
    pub orders_expected: usize,
    /// Most SKUs, 1 ..= `SKUS_MAX`.
    pub skus_max: usize,
    /// Most locations, 1 ..= `LOCATIONS_MAX`.
    pub locations_max: usize,
    /// Newest refusals of orders remembered, from 1.
    pub rejections_kept: usize,
    /// Newest results of keyed commands remembered, for stock commands and order commands each,
    /// from 1.
    pub commands_kept: usize,
    /// Most ids of channels' events remembered, from `CHANNEL_EVENTS_KEPT_MIN`: those of 30 days, if
    /// they are not more.
    pub channel_events_kept: usize,
    /// How long an order's key is kept after the order ended (expired, cancelled, or shipped in
    /// full), in milliseconds.
    pub ended_order_kept_ms: u64,
}

/// A key on its way to its order: hashed once, used for both prefetch stages and for the order.
#[derive(Clone, Copy, Debug)]
pub struct OrderProbe {
    tag: u32,
    mixed: u128,
}

/// What [`Engine::fire_timers`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimersFired {
    /// The turn's time from now on: the clock, or less while timers are behind.
    pub turn_time_ms: u64,
    /// Holds that ended by time.
    pub expired: u32,
    /// Keys of long-ended orders that were dropped.
    pub forgotten: u32,
    /// More timers are due by the clock, or more waiting orders to be looked at: call again next
    /// turn, without waiting.
    pub more: bool,
}

/// Counts of one engine. Those marked "since start" begin at 0 and include replayed records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStatistics {
    /// Orders kept, open and ended.
    pub orders: u64,
    /// Live holds, expired by time but not yet swept ones included.
    pub open_holds: u64,
    /// Orders accepted since start, replacements included.
    pub accepted: u64,
    /// Orders refused for a business reason since start.
    pub rejected: u64,
    /// Holds ended by time since start.
    pub expired: u64,
    /// Orders and commands answered with their stored outcome since start.
    pub replayed: u64,
    /// Keys used again with another meaning since start.
    pub conflicts: u64,
    /// Refusals remembered.
    pub rejections_kept: u64,
    /// Refusals forgotten since start, because newer ones took their place.
    pub rejections_forgotten: u64,
    /// Command results remembered.
    pub commands_kept: u64,
    /// Command results forgotten since start.
    pub commands_forgotten: u64,
    /// Keys of ended orders dropped since start.
    pub orders_forgotten: u64,
    /// Orders that wait for stock.
    pub backorders: u64,
    /// Units that they wait for.
    pub backordered_units: u64,
    /// Tenants defined.
    pub tenants: u64,
    /// Actors defined.
    pub actors: u64,
    /// SKUs defined.
    pub skus: u64,
    /// Locations defined.
    pub locations: u64,
    /// Stock cells (SKU at a location) that ever had stock.
    pub cells: u64,
    /// Events of channels that wait to be worked off or for a person.
    pub channel_events_waiting: u64,
    /// Ids of channel events that are remembered.
    pub channel_event_ids: u64,
    /// Ids of channel events, and orders of channels, forgotten since start.
    pub channel_events_forgotten: u64,
    /// Ids of channel events forgotten since start before they were 30 days old.
    pub channel_events_forgotten_early: u64,
    /// Timers set, those of resolved holds included until they come up.
    pub timers: u64,
    /// Bytes of memory that tables and index occupy.
    pub memory_bytes: u64,
}

/// What is stored under one order key.
#[derive(Clone, Copy, Default)]
struct Found {
    order: Option<u32>,
    rejection: Option<u32>,
}

impl Found {
    fn is_nothing(&self) -> bool {
        self.order.is_none() && self.rejection.is_none()
    }
}

/// Buffers reused from command to command; nothing in them outlives one.
#[derive(Default)]
struct Scratch {
    merged: Vec<MergedLine>,
    wants: Vec<Allocation>,
    plan: Plan,
    shorts: Vec<ShortLine>,
    lines: Vec<Line>,
    bytes: Vec<u8>,
    due: Vec<(u64, u32)>,
}

/// Counts since start, replayed records included.
#[derive(Default)]
struct Counters {
    accepted: u64,
    rejected: u64,
    expired: u64,
    replayed: u64,
    conflicts: u64,
    orders_forgotten: u64,
    open_holds: u64,
}

/// One shard's state and the only code that changes it. See the module's documentation.
pub struct Engine {
    options: EngineOptions,
    now_ms: u64,
    mixer: KeyMixer,
    index: Index,
    orders: Orders,
    rejections: Rejections,
    stock_commands: CommandsKept,
    order_commands: CommandsKept,
    inventory: Inventory,
    names: Names,
    tenants: Vec<u64>,
    actors: Vec<u64>,
    timers: Timers,
    processes: ProcessTable,
    channels: ChannelTable,
    channel_events: ChannelEvents,
    counters: Counters,
    scratch: Scratch,
}

impl Engine {
    /// An empty engine. Bounds of `options` beyond those of `limits` are lowered to them.
    pub fn new(mut options: EngineOptions) -> Self {
        options.orders_max = options.orders_max.clamp(1, limits::ORDERS_MAX - 2);
        options.skus_max = options.skus_max.clamp(1, limits::SKUS_MAX);
        options.locations_max = options.locations_max.clamp(1, limits::LOCATIONS_MAX);
        let expected = options.orders_expected.min(options.orders_max);
        let mut engine = Self {
            now_ms: 0,
            mixer: KeyMixer::new(options.secret),
            index: Index::new(expected),
            orders: Orders::default(),
            rejections: Rejections::new(options.rejections_kept),
            stock_commands: CommandsKept::new(Table::Third, options.commands_kept),
            order_commands: CommandsKept::new(Table::Fourth, options.commands_kept),
            inventory: Inventory::default(),
            names: Names::default(),
            tenants: Vec::new(),
            actors: Vec::new(),
            timers: Timers::default(),
            processes: ProcessTable::default(),
            channels: ChannelTable::default(),
            channel_events: ChannelEvents::remembering(options.channel_events_kept),
            counters: Counters::default(),
            scratch: Scratch::default(),
            options,
        };
        if expected > 0 {
            engine.orders.reserve_touched(expected);
            engine.inventory.expect_large();
            engine.rejections.reserve_touched(expected);
            engine.timers.expect_large();
        }
        let system = engine.add_name((Table::Fourth, TenantId(0), SYSTEM_ACTOR), 0);
        engine.actors.push(system);
        engine
    }

    /// Moves engine time on to `now_ms`; an earlier time is ignored. Fires no timers: a live shard
    /// uses [`Engine::fire_timers`], which does both.
    pub fn begin_turn(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// The present turn's time, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// When the next timer may be due; it may turn out to be that of a resolved hold. At once
    /// where orders that wait for stock are to be looked at.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        let marked = self.inventory.has_marked().then_some(self.now_ms);
        let timer = self.timers.first_deadline();
        let due = marked
            .into_iter()
            .chain(timer)
            .chain(self.channels.due_ms());
        due.min()
    }

    /// First prefetch stage of an order: hashes its key and fetches its line of the index.
    #[inline]
    pub fn prefetch_order_key(&self, tenant: TenantId, key: OrderKey) -> OrderProbe {
        let probe = self.probe(tenant, key);
        self.index.prefetch(probe.tag);
        probe
    }

    /// Second prefetch stage: fetches the slots that the index names for the key.
    #[inline]
    pub fn prefetch_order_slot(&self, probe: &OrderProbe) {
        for (table, slot) in self.index.candidates(probe.tag) {
            match table {
                Table::First => self.orders.prefetch(slot),
                Table::Second => self.rejections.prefetch(slot),
                Table::Third | Table::Fourth => {}
            }
        }
    }

    /// First prefetch stage of a SKU: its table entry.
    #[inline]
    pub fn prefetch_sku(&self, sku: SkuId) {
        self.inventory.prefetch_sku(sku);
    }

    /// Second prefetch stage of a SKU: its first stock cell.
    #[inline]
    pub fn prefetch_cell(&self, sku: SkuId) {
        self.inventory.prefetch_cell(sku);
    }

    /// Decides one order at the turn's time: makes its record and applies it, or answers from what
    /// is stored. Short or granted lines are appended to `notes`.
    pub fn reserve(
        &mut self,
        context: Context,
        request: &OrderRequest<'_>,
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        let probe = self.probe(context.tenant, request.key);
        self.reserve_probed(context, request, &probe, out, notes)
    }

    /// Executes any other command at the turn's time.
    pub fn execute(
        &mut self,
        context: Context,
        command: &Command<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        match *command {
            Command::DefineSku { .. }
            | Command::ResolveSku { .. }
            | Command::DefineLocation { .. }
            | Command::ResolveLocation { .. } => self.execute_definition(context, command, out),
            Command::Receive { .. }
            | Command::Adjust { .. }
            | Command::Set { .. }
            | Command::Transfer { .. }
            | Command::Move { .. } => self.execute_stock(context, command, out),
            Command::Confirm { key, order, .. }
            | Command::Release { key, order }
            | Command::Extend { key, order, .. }
            | Command::Cancel { key, order }
            | Command::Ship { key, order, .. }
            | Command::Return { key, order, .. } => {
                self.execute_order_command(context, command, (key, order), out)
            }
        }
    }

    /// Whether to remember which SKUs' stock changed, for [`Engine::drain_changed`].
    pub fn track_changes(&mut self, on: bool) {
        self.inventory.track_changes(on);
    }

    /// Moves the SKUs whose stock changed since the last call to `into`, each once.
    pub fn drain_changed(&mut self, into: &mut Vec<SkuId>) {
        self.inventory.drain_changed(into);
    }

    #[inline]
    fn probe(&self, tenant: TenantId, key: OrderKey) -> OrderProbe {
        let mixed = self.mixer.mix(tenant, key.0);
        OrderProbe {
            tag: self.mixer.tag(mixed),
            mixed,
        }
    }

    /// What is stored under a key: the full key decides.
    #[inline]
    fn find_order(&self, probe: &OrderProbe) -> Found {
        let mut found = Found::default();
        for (table, slot) in self.index.candidates(probe.tag) {
            match table {
                Table::First if self.orders.get(slot).key == probe.mixed => {
                    found.order = Some(slot);
                }
                Table::Second if self.rejections.is_key(slot, probe.mixed) => {
                    found.rejection = Some(slot);
                }
                _ => {}
            }
        }
        found
    }
}

impl Default for EngineOptions {
    /// The limits' bounds and defaults, nothing touched ahead, and an all-zero secret: a server
    /// sets its own.
    fn default() -> Self {
        use crate::limits;
        Self {
            secret: [0; 32],
            orders_max: limits::ORDERS_MAX,
            orders_expected: 0,
            skus_max: limits::SKUS_MAX,
            locations_max: limits::LOCATIONS_MAX,
            rejections_kept: limits::REJECTIONS_KEPT_DEFAULT,
            commands_kept: limits::COMMANDS_KEPT_DEFAULT,
            channel_events_kept: limits::CHANNEL_EVENTS_KEPT_DEFAULT,
            ended_order_kept_ms: limits::ENDED_ORDER_KEPT_MS_DEFAULT,
        }
    }
}

impl std::fmt::Debug for EngineOptions {
    /// Everything but the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineOptions")
            .field("orders_max", &self.orders_max)
            .field("orders_expected", &self.orders_expected)
            .field("skus_max", &self.skus_max)
            .field("locations_max", &self.locations_max)
            .field("rejections_kept", &self.rejections_kept)
            .field("commands_kept", &self.commands_kept)
            .field("channel_events_kept", &self.channel_events_kept)
            .field("ended_order_kept_ms", &self.ended_order_kept_ms)
            .finish_non_exhaustive()
    }
}
