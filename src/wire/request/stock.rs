//! Stock movements, each with a command key so that it can be sent again.

use crate::types::{CommandKey, LocationId, SkuId, StockBucket};
use crate::wire::item::Item;
use crate::wire::reader::{Reader, cut, put_padded};

/// Bytes of a `receive` item.
pub const RECEIVE_BYTES: usize = 28;
/// Bytes of a `set` body.
pub const SET_BYTES: usize = 32;
/// Bytes of a `transfer` body.
pub const TRANSFER_BYTES: usize = 28;
/// Bytes of a `move` body.
pub const MOVE_BYTES: usize = 28;
/// Bytes of an `adjust` body before the reason.
pub const ADJUST_BYTES: usize = 32;

/// Stock arrived: key, sku, quantity, location, zero u16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receive {
    /// Not zero.
    pub key: CommandKey,
    /// What.
    pub sku: SkuId,
    /// Units, at least 1.
    pub quantity: u32,
    /// Where.
    pub location: LocationId,
}

impl<'a> Item<'a> for Receive {
    #[inline]
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<RECEIVE_BYTES>()?;
        let item = Self {
            key: fields.command_key()?,
            sku: fields.sku()?,
            quantity: fields.u32()?,
            location: fields.location()?,
        };
        fields.zeros::<2>()?;
        Some(item)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.0.to_be_bytes());
        out.extend_from_slice(&self.sku.0.to_le_bytes());
        out.extend_from_slice(&self.quantity.to_le_bytes());
        out.extend_from_slice(&self.location.0.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
    }
}

/// Correct on hand by a difference: key, delta i64, sku, location, reason length u16, reason
/// padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjust<'a> {
    /// Not zero.
    pub key: CommandKey,
    /// Added to on hand; negative for a loss.
    pub delta: i64,
    /// What.
    pub sku: SkuId,
    /// Where.
    pub location: LocationId,
    /// Why, for the journal; at most `NAME_BYTES_MAX` bytes, may be empty.
    pub reason: &'a str,
}

impl<'a> Item<'a> for Adjust<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<ADJUST_BYTES>()?;
        let key = fields.command_key()?;
        let delta = fields.i64()?;
        let sku = fields.sku()?;
        let location = fields.location()?;
        let reason = reader.padded_text(usize::from(fields.u16()?))?;
        Some(Self {
            key,
            delta,
            sku,
            location,
            reason,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let reason = cut(self.reason, usize::from(u16::MAX)).as_bytes();
        let reason_bytes = u16::try_from(reason.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&self.key.0.to_be_bytes());
        out.extend_from_slice(&self.delta.to_le_bytes());
        out.extend_from_slice(&self.sku.0.to_le_bytes());
        out.extend_from_slice(&self.location.0.to_le_bytes());
        out.extend_from_slice(&reason_bytes.to_le_bytes());
        put_padded(out, reason);
    }
}

/// Set on hand: key, sku, on_hand, expect, location, flags u8, zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetOnHand {
    /// Not zero.
    pub key: CommandKey,
    /// What.
    pub sku: SkuId,
    /// Units on hand from now on.
    pub on_hand: u32,
    /// Only if on hand is this now; `None` sets it whatever it is.
    pub expect: Option<u32>,
    /// Where.
    pub location: LocationId,
}

impl<'a> Item<'a> for SetOnHand {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<SET_BYTES>()?;
        let key = fields.command_key()?;
        let sku = fields.sku()?;
        let on_hand = fields.u32()?;
        let expected = fields.u32()?;
        let location = fields.location()?;
        let expect = match fields.u8()? {
            0 if expected == 0 => None,
            1 => Some(expected),
            _ => return None,
        };
        fields.zeros::<1>()?;
        Some(Self {
            key,
            sku,
            on_hand,
            expect,
            location,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.0.to_be_bytes());
        out.extend_from_slice(&self.sku.0.to_le_bytes());
        out.extend_from_slice(&self.on_hand.to_le_bytes());
        out.extend_from_slice(&self.expect.unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&self.location.0.to_le_bytes());
        out.extend_from_slice(&[u8::from(self.expect.is_some()), 0]);
    }
}

/// Move available units to another location: key, sku, quantity, from, to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Not zero.
    pub key: CommandKey,
    /// What.
    pub sku: SkuId,
    /// Units, at least 1.
    pub quantity: u32,
    /// Where they leave.
    pub from: LocationId,
    /// Where they arrive.
    pub to: LocationId,
}

impl<'a> Item<'a> for Transfer {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<TRANSFER_BYTES>()?;
        Some(Self {
            key: fields.command_key()?,
            sku: fields.sku()?,
            quantity: fields.u32()?,
            from: fields.location()?,
            to: fields.location()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.0.to_be_bytes());
        out.extend_from_slice(&self.sku.0.to_le_bytes());
        out.extend_from_slice(&self.quantity.to_le_bytes());
        out.extend_from_slice(&self.from.0.to_le_bytes());
        out.extend_from_slice(&self.to.0.to_le_bytes());
    }
}

/// Move units between buckets of one cell: key, sku, quantity, location, from u8, to u8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Not zero.
    pub key: CommandKey,
    /// What.
    pub sku: SkuId,
    /// Units, at least 1.
    pub quantity: u32,
    /// Where.
    pub location: LocationId,
    /// Number of a [`StockBucket`]; an undefined one is `INVALID_FIELD`.
    pub from: u8,
    /// As `from`.
    pub to: u8,
}

impl Move {
    /// Both buckets, if they are defined.
    #[must_use]
    pub fn buckets(&self) -> Option<(StockBucket, StockBucket)> {
        StockBucket::from_u8(self.from).zip(StockBucket::from_u8(self.to))
    }
}

impl<'a> Item<'a> for Move {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<MOVE_BYTES>()?;
        Some(Self {
            key: fields.command_key()?,
            sku: fields.sku()?,
            quantity: fields.u32()?,
            location: fields.location()?,
            from: fields.u8()?,
            to: fields.u8()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.0.to_be_bytes());
        out.extend_from_slice(&self.sku.0.to_le_bytes());
        out.extend_from_slice(&self.quantity.to_le_bytes());
        out.extend_from_slice(&self.location.0.to_le_bytes());
        out.extend_from_slice(&[self.from, self.to]);
    }
}
