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

pub mod command;
pub mod record;

use crate::types::record::{RawRecord, RecordBuffer};
use crate::types::{LocationId, OrderKey, ResultCode, SkuId, TenantId};
use command::{CellView, Command, CommandOutcome, Context, LineNote, OrderLineView, OrderOutcome};
use command::{OrderRequest, OrderView};
use record::ShortLine;

/// What an engine is built with.
#[derive(Clone)]
pub struct EngineOptions {
    /// 32 random bytes of the data directory. They key the order index, so nobody outside can aim
    /// at one of its buckets; records and digest do not depend on them.
    pub secret: [u8; 32],
    /// Most orders kept, open and ended, 1 ..= `ORDERS_MAX`.
    pub orders_max: usize,
    /// Memory for this many orders is touched at start, so that no order pays for a first touch.
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
    /// More timers are due by the clock: call again next turn, without waiting.
    pub more: bool,
}

/// A record that does not fit the state it meets, so the journal and this engine disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("record {sequence} (kind {kind}) cannot be replayed: {contradiction}")]
pub struct ReplayError {
    /// Sequence of the offending record.
    pub sequence: u64,
    /// Its kind.
    pub kind: u8,
    /// What does not fit.
    pub contradiction: Contradiction,
}

/// What a record may contradict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// The payload does not have the layout of its kind and version.
    #[error(
        "its bytes do not have the layout of this kind and version; use the build that wrote it"
    )]
    Malformed,
    /// A tenant, actor, SKU or location was defined out of turn or twice.
    #[error("it defines number {0} out of turn, or under a name already taken")]
    Definition(u32),
    /// A tenant that was never defined.
    #[error("tenant {} is not defined", .0.0)]
    UnknownTenant(TenantId),
    /// A SKU that was never defined, or is another tenant's.
    #[error("SKU handle {} is not defined for the tenant", .0.0)]
    UnknownSku(SkuId),
    /// A location that was never defined, or is another tenant's.
    #[error("location handle {} is not defined for the tenant", .0.0)]
    UnknownLocation(LocationId),
    /// An order that does not exist.
    #[error("order {0} is not known")]
    UnknownOrder(OrderKey),
    /// An order that exists already.
    #[error("order {0} exists already, and the record does not replace it")]
    OrderExists(OrderKey),
    /// An order in a state that the record cannot meet.
    #[error("order {0} is not in a state for this record")]
    OrderState(OrderKey),
    /// A line that moves more units than the order has there.
    #[error("order {0} does not have the units that the record moves")]
    OrderUnits(OrderKey),
    /// A movement that would leave the bounds of a stock cell.
    #[error("SKU {} at location {} would leave its bounds", sku.0, location.0)]
    CellBounds {
        /// The SKU.
        sku: SkuId,
        /// The location.
        location: LocationId,
    },
    /// A table of this engine is too small for the journal: configure it larger.
    #[error("a table is full: configure it at least as large as when the journal was written")]
    TableFull,
    /// The journaled digest is not the digest of the replayed state.
    #[error("the state digest does not match the replayed state")]
    Digest,
}

/// An invariant found broken by [`Engine::check_invariants`], with the offender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("invariant {invariant} is broken: {offender}")]
pub struct InvariantBroken {
    /// Its name, such as `I2`.
    pub invariant: &'static str,
    /// The SKU, location or order that breaks it, with the figures.
    pub offender: String,
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
    /// Timers set, those of resolved holds included until they come up.
    pub timers: u64,
    /// Bytes of memory that tables and index occupy.
    pub memory_bytes: u64,
}

/// One shard's state and the only code that changes it. See the module's documentation.
pub struct Engine {
    options: EngineOptions,
    now_ms: u64,
}

#[allow(
    unused_variables,
    clippy::unused_self,
    clippy::needless_pass_by_ref_mut
)] // while it lands
impl Engine {
    /// An empty engine. Bounds of `options` beyond those of `limits` are lowered to them.
    pub fn new(options: EngineOptions) -> Self {
        Self { options, now_ms: 0 }
    }

    /// Moves engine time on to `now_ms`; an earlier time is ignored. Without timers of its own:
    /// a live shard uses [`Engine::fire_timers`], which does both.
    pub fn begin_turn(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// The present turn's time, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// When the next timer may be due; it may turn out to be that of a resolved hold.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        unimplemented!()
    }

    /// Starts a turn: moves engine time to the clock and fires every timer due by then, but at
    /// most `TIMERS_PER_TURN_MAX`: then time stops at the deadline of the last one fired.
    pub fn fire_timers(&mut self, clock_ms: u64, out: &mut RecordBuffer) -> TimersFired {
        unimplemented!()
    }

    /// The number of tenant `name`, defining it if new.
    ///
    /// # Errors
    /// `INVALID_NAME`, `TENANT_TABLE_FULL`.
    pub fn define_tenant(
        &mut self,
        name: &str,
        actor: crate::types::ActorId,
        out: &mut RecordBuffer,
    ) -> Result<TenantId, ResultCode> {
        unimplemented!()
    }

    /// The number of actor `name` (a token's name), defining it if new.
    ///
    /// # Errors
    /// `INVALID_NAME`, `ACTOR_TABLE_FULL`.
    pub fn define_actor(
        &mut self,
        name: &str,
        out: &mut RecordBuffer,
    ) -> Result<crate::types::ActorId, ResultCode> {
        unimplemented!()
    }

    /// First prefetch stage of an order: hashes its key and fetches its line of the index.
    pub fn prefetch_order_key(&self, tenant: TenantId, key: OrderKey) -> OrderProbe {
        unimplemented!()
    }

    /// Second prefetch stage: fetches the slots that the index names for the key.
    pub fn prefetch_order_slot(&self, probe: &OrderProbe) {}

    /// First prefetch stage of a SKU: its table entry.
    pub fn prefetch_sku(&self, sku: SkuId) {}

    /// Second prefetch stage of a SKU: its first stock cell.
    pub fn prefetch_cell(&self, sku: SkuId) {}

    /// Decides one order at the turn's time: makes its record and applies it, or answers from what
    /// is stored. Short or granted lines are appended to `notes`.
    pub fn reserve(
        &mut self,
        context: Context,
        request: &OrderRequest<'_>,
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        let probe = self.prefetch_order_key(context.tenant, request.key);
        self.reserve_probed(context, request, &probe, out, notes)
    }

    /// As [`Engine::reserve`], with the key hashed before by [`Engine::prefetch_order_key`].
    pub fn reserve_probed(
        &mut self,
        context: Context,
        request: &OrderRequest<'_>,
        probe: &OrderProbe,
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        unimplemented!()
    }

    /// Executes any other command at the turn's time.
    pub fn execute(
        &mut self,
        context: Context,
        command: &Command<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        unimplemented!()
    }

    /// Stock of a SKU of this tenant, one cell a location, in order of location number. `None` for
    /// an unknown SKU.
    pub fn stock(
        &self,
        tenant: TenantId,
        sku: SkuId,
    ) -> Option<impl Iterator<Item = CellView> + '_> {
        Some(std::iter::empty())
    }

    /// An order by its key, as of the turn's time; its lines and, where its latest version was
    /// refused, the short ones are appended to the buffers. `None` for an unknown key.
    pub fn order(
        &self,
        tenant: TenantId,
        key: OrderKey,
        lines: &mut Vec<OrderLineView>,
        shorts: &mut Vec<ShortLine>,
    ) -> Option<OrderView> {
        unimplemented!()
    }

    /// Name of a SKU.
    pub fn sku_name(&self, sku: SkuId) -> Option<&str> {
        None
    }

    /// Name of a location.
    pub fn location_name(&self, location: LocationId) -> Option<&str> {
        None
    }

    /// Name of a tenant.
    pub fn tenant_name(&self, tenant: TenantId) -> Option<&str> {
        None
    }

    /// Name of an actor.
    pub fn actor_name(&self, actor: crate::types::ActorId) -> Option<&str> {
        None
    }

    /// The tenant's SKUs from handle `from` on, in order: handle, name, whether it is on sale.
    /// Walks the SKUs of all tenants of the shard.
    pub fn skus(
        &self,
        tenant: TenantId,
        from: SkuId,
    ) -> impl Iterator<Item = (SkuId, &str, bool)> + '_ {
        std::iter::empty()
    }

    /// The tenant's locations in order: handle and name.
    pub fn locations(&self, tenant: TenantId) -> impl Iterator<Item = (LocationId, &str)> + '_ {
        std::iter::empty()
    }

    /// Whether to remember which SKUs' stock changed, for [`Engine::drain_changed`].
    pub fn track_changes(&mut self, on: bool) {}

    /// Moves the SKUs whose stock changed since the last call to `into`, each once.
    pub fn drain_changed(&mut self, into: &mut Vec<SkuId>) {}

    /// Applies one journaled record: `time_ms` is its batch's time.
    ///
    /// # Errors
    /// What in the record contradicts the state so far; the engine must then be dropped.
    pub fn replay(
        &mut self,
        time_ms: u64,
        sequence: u64,
        raw: &RawRecord<'_>,
    ) -> Result<(), ReplayError> {
        unimplemented!()
    }

    /// Fetches what [`Engine::replay`] will need for a record that is some records ahead.
    pub fn prefetch_record(&self, raw: &RawRecord<'_>) {}

    /// BLAKE3 over the whole state that records make: equal after replay, independent of the
    /// secret and of the retention options.
    pub fn digest(&self) -> [u8; 32] {
        unimplemented!()
    }

    /// Journals the digest, for a clean shutdown: replay compares it.
    pub fn push_state_digest(&self, out: &mut RecordBuffer) {}

    /// Recounts everything: cells against the lines of all orders, holds against timers, index
    /// against tables. Takes time and memory in proportion to the state; for tests and audits.
    ///
    /// # Errors
    /// The first invariant found broken.
    pub fn check_invariants(&self) -> Result<(), InvariantBroken> {
        Ok(())
    }

    /// Counts and memory.
    pub fn statistics(&self) -> EngineStatistics {
        EngineStatistics::default()
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
            .field("ended_order_kept_ms", &self.ended_order_kept_ms)
            .finish_non_exhaustive()
    }
}
