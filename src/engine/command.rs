//! What the engine is asked, and what it answers: plain values, no bytes of any protocol.

use crate::engine::record::{OrderLine, RequestedLine, ShortLine};
use crate::types::pipeline::BackorderQueue;
use crate::types::{
    ActorId, ChannelId, CommandKey, Disposition, LocationId, OrderKey, OrderMode, OrderState,
    Policy, Resolution, ResultCode, SkuId, StockBucket, TenantId,
};

/// Who asks: fixed for a session at hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Everything named in the command must belong to this tenant.
    pub tenant: TenantId,
    /// Written into every record that the command makes.
    pub actor: ActorId,
}

/// One order to reserve, as received; not yet validated.
#[derive(Clone, Copy, Debug)]
pub struct OrderRequest<'a> {
    /// The client's key; not zero.
    pub key: OrderKey,
    /// From 1; the next version replaces the live hold of the one before.
    pub version: u16,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Where it is sold.
    pub channel: ChannelId,
    /// Time to live in milliseconds, 1 ..= `HOLD_TTL_MS_MAX`.
    pub ttl_ms: u32,
    /// Hold, placed, or sold already by a channel.
    pub mode: OrderMode,
    /// What to do when stock is short.
    pub policy: Policy,
    /// ISO 4217 number, 1 ..= 999.
    pub currency: u16,
    /// Minor units, at most `ORDER_TOTAL_MAX`.
    pub total: u64,
    /// Where the buyer is, for "nearest" among locations; `None` skips that rule.
    pub destination: Option<(i32, i32)>,
    /// 1 ..= `ORDER_LINES_MAX`, as sent: duplicates are merged by the engine.
    pub lines: &'a [RequestedLine],
    /// Archived details, validated by the caller; empty without.
    pub details: &'a [u8],
    /// Version of the archive layout; 0 without details.
    pub details_version: u8,
}

/// The answer to one order. Short or granted lines, if any, are appended to the notes buffer given
/// to `reserve`; `notes` says how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderOutcome {
    /// `Ok` for an accepted order (also when replayed).
    pub code: ResultCode,
    /// The order's present state; `Rejected` for a refused one; `None` where there is no order.
    pub state: Option<OrderState>,
    /// This is the stored outcome of an earlier request with the same key and version.
    pub replayed: bool,
    /// The order was accepted in part: the granted quantity of each line is in the notes.
    pub partial: bool,
    /// Latest version of the order; 0 where there is none.
    pub version: u16,
    /// Sequence of the accepting record (the order number); 0 for refusals.
    pub sequence: u64,
    /// When the hold ends, in milliseconds since the Unix epoch; 0 unless the hold is live.
    pub expires_at_ms: u64,
    /// How many notes were appended.
    pub notes: u16,
}

/// One line's remark in the answer to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineNote {
    /// The line could not be covered.
    Short(ShortLine),
    /// Partial policy: this line got so many units (possibly none).
    Granted {
        /// Index of the first line of the request with this SKU and location.
        line: u8,
        /// Units granted.
        quantity: u32,
    },
}

/// Every other command. Lines use the SKU, a location (or `ANY`) and a quantity of at least 1.
#[allow(missing_docs)] // the fields are named and laid out in docs/JOURNAL.md
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// Number of a SKU by name; defines it if new, changes `on_sale` if different, and who is first
    /// among orders that wait for it where `queue` says so.
    DefineSku {
        name: &'a str,
        on_sale: bool,
        queue: Option<BackorderQueue>,
    },
    /// Number of a SKU by name; `UNKNOWN_SKU` if not defined.
    ResolveSku { name: &'a str },
    /// Number of a location by name; defines it if new (an existing one keeps its place).
    DefineLocation {
        name: &'a str,
        x: i32,
        y: i32,
        priority: u16,
    },
    /// Number of a location by name; `UNKNOWN_LOCATION` if not defined.
    ResolveLocation { name: &'a str },
    /// Stock arrived.
    Receive {
        key: CommandKey,
        sku: SkuId,
        location: LocationId,
        quantity: u32,
    },
    /// Correct on hand by a difference; may fall below what is promised, never below zero.
    Adjust {
        key: CommandKey,
        sku: SkuId,
        location: LocationId,
        delta: i64,
        reason: &'a str,
    },
    /// Set on hand if it is `expect` now (or whatever it is, without `expect`).
    Set {
        key: CommandKey,
        sku: SkuId,
        location: LocationId,
        on_hand: u32,
        expect: Option<u32>,
    },
    /// Move available units to another location, at once on both sides.
    Transfer {
        key: CommandKey,
        sku: SkuId,
        from: LocationId,
        to: LocationId,
        quantity: u32,
    },
    /// Move units between buckets of one cell.
    Move {
        key: CommandKey,
        sku: SkuId,
        location: LocationId,
        from: StockBucket,
        to: StockBucket,
        quantity: u32,
    },
    /// Reserved to committed; with lines only those, and the rest is released.
    Confirm {
        key: CommandKey,
        order: OrderKey,
        lines: &'a [OrderLine],
    },
    /// Give a live hold (or placed, unpaid order) back.
    Release { key: CommandKey, order: OrderKey },
    /// Let a live hold end `ttl_ms` from now, if that is later than its present end.
    Extend {
        key: CommandKey,
        order: OrderKey,
        ttl_ms: u32,
    },
    /// Cancel an order that has not shipped; a live hold is released.
    Cancel { key: CommandKey, order: OrderKey },
    /// Units leave for good.
    Ship {
        key: CommandKey,
        order: OrderKey,
        lines: &'a [OrderLine],
    },
    /// Shipped units come back; without lines, all that are out.
    Return {
        key: CommandKey,
        order: OrderKey,
        disposition: Disposition,
        lines: &'a [OrderLine],
    },
}

/// The answer to a [`Command`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandOutcome {
    /// What came of it.
    pub code: ResultCode,
    /// Done before with the same command key (or defined before): nothing changed now.
    pub replayed: bool,
    /// Sequence of the record; 0 where nothing was ever journaled for it.
    pub sequence: u64,
    /// Handle of a defined or resolved SKU or location; otherwise 0.
    pub handle: u32,
    /// The order's present state, for order commands that found one.
    pub state: Option<OrderState>,
    /// How the order's hold was resolved, for order commands that found one.
    pub resolution: Resolution,
    /// When the order's hold ends; 0 unless it is live.
    pub expires_at_ms: u64,
    /// Present quantities of the (first) cell, for stock commands on a known cell.
    pub cell: CellQuantities,
}

/// The quantities of one stock cell, all in units. `available` and `short` follow from the others:
/// `available = max(0, on_hand − reserved − committed − unavailable)`, and `short` is what that
/// difference is below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellQuantities {
    /// Physically there.
    pub on_hand: u32,
    /// Unpaid holds.
    pub reserved: u32,
    /// Paid, not shipped.
    pub committed: u32,
    /// Kept back on purpose.
    pub safety: u32,
    /// Not sellable.
    pub damaged: u32,
    /// Waiting for inspection.
    pub quality_control: u32,
}

impl CellQuantities {
    /// Everything that on hand must cover before a unit is sellable.
    #[must_use]
    pub fn claimed(&self) -> u64 {
        u64::from(self.reserved)
            + u64::from(self.committed)
            + u64::from(self.safety)
            + u64::from(self.damaged)
            + u64::from(self.quality_control)
    }

    /// Units that a new order may take.
    #[must_use]
    pub fn available(&self) -> u32 {
        u64::from(self.on_hand)
            .saturating_sub(self.claimed())
            .try_into()
            .unwrap_or(u32::MAX)
    }

    /// Units promised or set aside beyond what is there.
    #[must_use]
    pub fn short(&self) -> u64 {
        self.claimed().saturating_sub(u64::from(self.on_hand))
    }
}

/// One location as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocationView<'a> {
    /// Its handle.
    pub location: LocationId,
    /// Its name.
    pub name: &'a str,
    /// Position, in units of the merchant's choice.
    pub x: i32,
    /// Position, in units of the merchant's choice.
    pub y: i32,
    /// Lower comes first among equals.
    pub priority: u16,
}

/// One stock cell as queried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellView {
    /// Where.
    pub location: LocationId,
    /// How many.
    pub quantities: CellQuantities,
}

/// One line of an order as queried: what became of the units taken at one location.
/// `ordered = reserved + committed + shipped + cancelled`, and what is missing of it waits for
/// stock; `returned ≤ shipped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderLineView {
    /// The SKU.
    pub sku: SkuId,
    /// Where; `ANY` for units that wait for stock at any location.
    pub location: LocationId,
    /// Units allocated when the order was accepted, or that it waits for.
    pub ordered: u32,
    /// Still held, unpaid.
    pub reserved: u32,
    /// Paid, not shipped.
    pub committed: u32,
    /// Left for good.
    pub shipped: u32,
    /// Came back, of the shipped ones.
    pub returned: u32,
    /// Released, expired or cancelled.
    pub cancelled: u32,
}

/// An order as queried; its lines go to a buffer of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Why it was refused, or `Ok`.
    pub code: ResultCode,
    /// Present state.
    pub state: OrderState,
    /// How its hold was resolved.
    pub resolution: Resolution,
    /// Placed order or hold.
    pub placed: bool,
    /// Latest version.
    pub version: u16,
    /// Where it was sold (0 for refused orders: the journal has it).
    pub channel: ChannelId,
    /// The merchant's number for the buyer (0 for refused orders: the journal has it).
    pub customer: u64,
    /// Sequence of the accepting record; 0 for refused orders.
    pub sequence: u64,
    /// When the hold ends; 0 unless it is live.
    pub expires_at_ms: u64,
}
