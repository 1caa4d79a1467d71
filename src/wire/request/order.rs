//! What happens to an order after it was taken.

use super::reserve::Lines;
use crate::types::{CommandKey, Disposition, OrderKey};
use crate::wire::item::Item;
use crate::wire::reader::Reader;

/// Bytes of a confirm, release or cancel item.
pub const ORDER_COMMAND_BYTES: usize = 32;
/// Bytes of an extend item.
pub const EXTEND_BYTES: usize = 36;
/// Bytes of a `confirm_lines`, `ship` or `return` body before the lines.
pub const LINES_COMMAND_BYTES: usize = 36;

/// Confirm, release or cancel one order: order key, command key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderCommandItem {
    /// Which order.
    pub order: OrderKey,
    /// Not zero.
    pub key: CommandKey,
}

impl<'a> Item<'a> for OrderCommandItem {
    #[inline]
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<ORDER_COMMAND_BYTES>()?;
        Some(Self {
            order: fields.order_key()?,
            key: fields.command_key()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.order.0.to_be_bytes());
        out.extend_from_slice(&self.key.0.to_be_bytes());
    }
}

/// Extend one hold: order key, command key, ttl u32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendItem {
    /// Which order.
    pub order: OrderKey,
    /// Not zero.
    pub key: CommandKey,
    /// New time to live from now on, in milliseconds.
    pub ttl_ms: u32,
}

impl<'a> Item<'a> for ExtendItem {
    #[inline]
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<EXTEND_BYTES>()?;
        Some(Self {
            order: fields.order_key()?,
            key: fields.command_key()?,
            ttl_ms: fields.u32()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.order.0.to_be_bytes());
        out.extend_from_slice(&self.key.0.to_be_bytes());
        out.extend_from_slice(&self.ttl_ms.to_le_bytes());
    }
}

/// Confirm some lines, ship, or return: order key, command key, number of lines u8, disposition
/// u8, zero u16, lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinesCommand<'a> {
    /// Which order.
    pub order: OrderKey,
    /// Not zero.
    pub key: CommandKey,
    /// Number of a [`Disposition`] for returns, otherwise 0; any other is `INVALID_FIELD`.
    pub disposition: u8,
    /// Which units.
    pub lines: Lines<'a>,
}

impl LinesCommand<'_> {
    /// What happens to returned units, if the number is defined.
    #[must_use]
    pub const fn disposition(&self) -> Option<Disposition> {
        Disposition::from_u8(self.disposition)
    }
}

impl<'a> Item<'a> for LinesCommand<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<LINES_COMMAND_BYTES>()?;
        let order = fields.order_key()?;
        let key = fields.command_key()?;
        let line_count = fields.u8()?;
        let disposition = fields.u8()?;
        fields.zeros::<2>()?;
        Some(Self {
            order,
            key,
            disposition,
            lines: Lines::take(reader, line_count)?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.order.0.to_be_bytes());
        out.extend_from_slice(&self.key.0.to_be_bytes());
        out.extend_from_slice(&[self.lines.count(), self.disposition, 0, 0]);
        self.lines.put(out);
    }
}
