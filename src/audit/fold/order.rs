//! One order as the fold keeps it: small, since there may be tens of millions.

use crate::engine::record::CellRef;
use crate::types::{ChannelId, LocationId, OrderState, Resolution, ResultCode, SkuId};

/// What became of the units that an order took in one cell, all in units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The SKU.
    pub sku: SkuId,
    /// Where; `ANY` for units that are waited for at any location.
    pub location: LocationId,
    /// Allocated when the order was accepted, or waited for.
    pub ordered: u32,
    /// Waited for: not there when the order was accepted.
    pub backordered: u32,
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

impl Line {
    /// The cell of this line.
    #[must_use]
    pub fn cell(&self) -> CellRef {
        CellRef {
            sku: self.sku,
            location: self.location,
        }
    }

    /// True where no unit is missing or counted twice.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let parts = [
            self.backordered,
            self.reserved,
            self.committed,
            self.shipped,
            self.cancelled,
        ];
        let sum: u64 = parts.iter().map(|part| u64::from(*part)).sum();
        sum == u64::from(self.ordered) && self.returned <= self.shipped
    }
}

/// The lines of an order: nearly always one.
#[derive(Clone, Debug)]
pub enum Lines {
    /// One line, in place.
    One([Line; 1]),
    /// Several, or none.
    Many(Box<[Line]>),
}

impl Lines {
    /// Keeps `lines`, in their order.
    #[must_use]
    pub fn new(lines: Vec<Line>) -> Self {
        match lines.as_slice() {
            [line] => Self::One([*line]),
            _ => Self::Many(lines.into_boxed_slice()),
        }
    }

    /// The lines.
    #[must_use]
    pub fn as_slice(&self) -> &[Line] {
        match self {
            Self::One(line) => line,
            Self::Many(lines) => lines,
        }
    }

    /// The lines, to change.
    pub fn as_mut_slice(&mut self) -> &mut [Line] {
        match self {
            Self::One(line) => line,
            Self::Many(lines) => lines,
        }
    }
}

/// An accepted order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Hash of the meaning of the latest accepted version.
    pub fingerprint: u64,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Sequence of the record that accepted the latest accepted version.
    pub accepted: u64,
    /// Time of that record, in milliseconds since the Unix epoch.
    pub accepted_ms: u64,
    /// Sequence of the record that resolved the hold; 0 while it is open.
    pub resolved: u64,
    /// When the hold ends or ended, in milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
    /// Latest accepted version.
    pub version: u16,
    /// Where it was sold.
    pub channel: ChannelId,
    /// Present state.
    pub state: OrderState,
    /// How the hold was resolved.
    pub resolution: Resolution,
    /// Placed order or hold.
    pub placed: bool,
    /// What it took.
    pub lines: Lines,
}

impl Order {
    /// True while units are reserved and a timer may end the order.
    #[must_use]
    pub fn is_live_hold(&self) -> bool {
        self.state.is_live_hold()
    }
}

/// The newest refusal of an order.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// Hash of the refused meaning.
    pub fingerprint: u64,
    /// Sequence of the refusing record.
    pub sequence: u64,
    /// How many refusals the shard had journaled before this one.
    pub ordinal: u64,
    /// The refused version.
    pub version: u16,
    /// Why.
    pub reason: ResultCode,
}

/// A command key that was used.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Hash of the command's meaning.
    pub fingerprint: u64,
    /// Sequence of the record that it made.
    pub sequence: u64,
    /// How many commands of the same table the shard had journaled before this one.
    pub ordinal: u64,
}
