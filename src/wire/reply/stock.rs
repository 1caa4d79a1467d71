//! Answers to stock movements, and stock events.

use super::{put_code, put_sku, take_code};
use crate::types::{ResultCode, SkuId};
use crate::wire::item::Item;
use crate::wire::reader::Reader;

/// Bytes of the answer to one stock movement.
pub const STOCK_REPLY_BYTES: usize = 48;
/// Bytes of the quantities of one cell.
pub const CELL_VALUES_BYTES: usize = 36;
/// Bytes of one stock event.
pub const STOCK_EVENT_BYTES: usize = 48;

/// The quantities of one stock cell, in units: eight numbers of which the last two follow from the
/// first six. Six u32, available u32, short u64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellValues {
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
    /// What a new order may take.
    pub available: u32,
    /// Promised or set aside beyond what is there.
    pub short: u64,
}

impl<'a> Item<'a> for CellValues {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<CELL_VALUES_BYTES>()?;
        Some(Self {
            on_hand: fields.u32()?,
            reserved: fields.u32()?,
            committed: fields.u32()?,
            safety: fields.u32()?,
            damaged: fields.u32()?,
            quality_control: fields.u32()?,
            available: fields.u32()?,
            short: fields.u64()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        for value in [
            self.on_hand,
            self.reserved,
            self.committed,
            self.safety,
            self.damaged,
            self.quality_control,
            self.available,
        ] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&self.short.to_le_bytes());
    }
}

/// The answer to one stock movement: code u16, flags u8, zero, sequence u64, quantities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockReply {
    /// What came of it.
    pub code: ResultCode,
    /// [`super::REPLAYED`].
    pub flags: u8,
    /// Sequence of the record; 0 where nothing was journaled.
    pub sequence: u64,
    /// The cell as it is now; all zero where there is none.
    pub cell: CellValues,
}

impl<'a> Item<'a> for StockReply {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<STOCK_REPLY_BYTES>()?;
        let code = take_code(&mut fields)?;
        let flags = fields.u8()?;
        fields.zeros::<1>()?;
        Some(Self {
            code,
            flags,
            sequence: fields.u64()?,
            cell: CellValues::take(&mut fields)?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_code(out, self.code);
        out.extend_from_slice(&[self.flags, 0]);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        self.cell.put(out);
    }
}

/// The stock of one SKU over all its locations, as of a sequence: sku u32, zero u32, sequence u64,
/// available u64, on_hand u64, reserved u64, committed u64. The last one of a SKU wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockEvent {
    /// Which SKU.
    pub sku: SkuId,
    /// Everything up to this record is in the numbers; never falls within a session.
    pub sequence: u64,
    /// What new orders may take.
    pub available: u64,
    /// Physically there.
    pub on_hand: u64,
    /// Unpaid holds.
    pub reserved: u64,
    /// Paid, not shipped.
    pub committed: u64,
}

impl<'a> Item<'a> for StockEvent {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<STOCK_EVENT_BYTES>()?;
        let sku = fields.sku()?;
        fields.zeros::<4>()?;
        Some(Self {
            sku,
            sequence: fields.u64()?,
            available: fields.u64()?,
            on_hand: fields.u64()?,
            reserved: fields.u64()?,
            committed: fields.u64()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_sku(out, self.sku);
        out.extend_from_slice(&[0; 4]);
        for value in [
            self.sequence,
            self.available,
            self.on_hand,
            self.reserved,
            self.committed,
        ] {
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}
