//! Stock movements: receive, adjust, set, transfer, move.

use super::{kind, put_name, take, take_name};
use crate::types::{CommandKey, LocationId, SkuId, StockBucket};
use bytes::{Buf, BufMut};

/// One stock cell: a SKU at a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellRef {
    /// The SKU.
    pub sku: SkuId,
    /// The location, never `ANY`.
    pub location: LocationId,
}

impl CellRef {
    pub(super) fn take(input: &mut &[u8]) -> Option<Self> {
        let sku = SkuId(take!(input, try_get_u32_le));
        Some(Self {
            sku,
            location: LocationId(take!(input, try_get_u16_le)),
        })
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.put_u32_le(self.sku.0);
        out.put_u16_le(self.location.0);
    }
}

/// A stock movement as decided: quantities are what changed, checked before it was journaled.
/// The tenant is the SKU's.
#[allow(missing_docs)] // the fields are named and laid out in docs/JOURNAL.md
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockChange<'a> {
    /// `quantity` units arrived.
    Received {
        key: CommandKey,
        fingerprint: u64,
        cell: CellRef,
        quantity: u32,
    },
    /// On hand changed by `delta`.
    Adjusted {
        key: CommandKey,
        fingerprint: u64,
        cell: CellRef,
        delta: i64,
        reason: &'a str,
    },
    /// On hand became `on_hand`; it was `before`.
    Set {
        key: CommandKey,
        fingerprint: u64,
        cell: CellRef,
        before: u32,
        on_hand: u32,
    },
    /// `quantity` units went from `cell` to location `to`.
    Transferred {
        key: CommandKey,
        fingerprint: u64,
        cell: CellRef,
        to: LocationId,
        quantity: u32,
    },
    /// `quantity` units changed bucket.
    Moved {
        key: CommandKey,
        fingerprint: u64,
        cell: CellRef,
        from: StockBucket,
        to: StockBucket,
        quantity: u32,
    },
}

impl<'a> StockChange<'a> {
    /// The number of this movement's record kind.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::Received { .. } => kind::STOCK_RECEIVED,
            Self::Adjusted { .. } => kind::STOCK_ADJUSTED,
            Self::Set { .. } => kind::STOCK_SET,
            Self::Transferred { .. } => kind::STOCK_TRANSFERRED,
            Self::Moved { .. } => kind::STOCK_MOVED,
        }
    }

    /// Command key, fingerprint and first cell, which every movement has.
    #[must_use]
    pub fn head(&self) -> (CommandKey, u64, CellRef) {
        match *self {
            Self::Received {
                key,
                fingerprint,
                cell,
                ..
            }
            | Self::Adjusted {
                key,
                fingerprint,
                cell,
                ..
            }
            | Self::Set {
                key,
                fingerprint,
                cell,
                ..
            }
            | Self::Transferred {
                key,
                fingerprint,
                cell,
                ..
            }
            | Self::Moved {
                key,
                fingerprint,
                cell,
                ..
            } => (key, fingerprint, cell),
        }
    }

    pub(super) fn take(number: u8, input: &mut &'a [u8]) -> Option<Self> {
        let key = CommandKey(take!(input, try_get_u128_le));
        let fingerprint = take!(input, try_get_u64_le);
        let cell = CellRef::take(input)?;
        Some(match number {
            kind::STOCK_RECEIVED => Self::Received {
                key,
                fingerprint,
                cell,
                quantity: take!(input, try_get_u32_le),
            },
            kind::STOCK_ADJUSTED => Self::Adjusted {
                key,
                fingerprint,
                cell,
                delta: take!(input, try_get_i64_le),
                reason: take_name(input)?,
            },
            kind::STOCK_SET => Self::Set {
                key,
                fingerprint,
                cell,
                before: take!(input, try_get_u32_le),
                on_hand: take!(input, try_get_u32_le),
            },
            kind::STOCK_TRANSFERRED => Self::Transferred {
                key,
                fingerprint,
                cell,
                to: LocationId(take!(input, try_get_u16_le)),
                quantity: take!(input, try_get_u32_le),
            },
            kind::STOCK_MOVED => Self::Moved {
                key,
                fingerprint,
                cell,
                from: take_bucket(input)?,
                to: take_bucket(input)?,
                quantity: take!(input, try_get_u32_le),
            },
            _ => return None,
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let (key, fingerprint, cell) = self.head();
        out.put_u128_le(key.0);
        out.put_u64_le(fingerprint);
        cell.put(out);
        match *self {
            Self::Received { quantity, .. } => out.put_u32_le(quantity),
            Self::Adjusted { delta, reason, .. } => {
                out.put_i64_le(delta);
                put_name(out, reason);
            }
            Self::Set {
                before, on_hand, ..
            } => {
                out.put_u32_le(before);
                out.put_u32_le(on_hand);
            }
            Self::Transferred { to, quantity, .. } => {
                out.put_u16_le(to.0);
                out.put_u32_le(quantity);
            }
            Self::Moved {
                from, to, quantity, ..
            } => {
                out.put_u8(from as u8);
                out.put_u8(to as u8);
                out.put_u32_le(quantity);
            }
        }
    }
}

/// A stock bucket as one byte.
fn take_bucket(input: &mut &[u8]) -> Option<StockBucket> {
    StockBucket::from_u8(take!(input, try_get_u8))
}
