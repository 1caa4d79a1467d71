//! Answers to questions about stock and orders.

use super::order::{state_number, take_state};
use super::stock::CellValues;
use super::{put_code, put_sku, take_code};
use crate::limits::FRAME_BYTES_MAX;
use crate::types::{ChannelId, LocationId, OrderKey, OrderState, Resolution, ResultCode, SkuId};
use crate::wire::frame;
use crate::wire::item::{Item, Items};
use crate::wire::opcode::Opcode;
use crate::wire::reader::Reader;

/// Bytes of one SKU in a stock answer, before its cells.
pub const STOCK_ENTRY_BYTES: usize = 24;
/// Bytes of one cell in a stock answer.
pub const CELL_BYTES: usize = 40;
/// Bytes of one order in an order answer, before its lines.
pub const ORDER_ENTRY_BYTES: usize = 56;
/// Bytes of one line in an order answer.
pub const ORDER_LINE_BYTES: usize = 32;

/// Set in flags: the frame was full, so cells or lines of this entry are missing. Ask for it again:
/// stock from `next`, an order alone.
pub const CUT: u8 = 1;
/// Set in the flags of an order: it was placed; otherwise it is a hold.
pub const PLACED: u8 = 2;

/// One cell of a SKU: location u16, zero u16, quantities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Where.
    pub location: LocationId,
    /// How many.
    pub values: CellValues,
}

impl<'a> Item<'a> for Cell {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<CELL_BYTES>()?;
        let location = fields.location()?;
        fields.zeros::<2>()?;
        Some(Self {
            location,
            values: CellValues::take(&mut fields)?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.location.0.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        self.values.put(out);
    }
}

/// One SKU of a stock answer: code u16, flags u8, zero, sku u32, sequence u64, cells u16, next u16,
/// zero u32, cells in order of their locations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StockEntry<'a> {
    /// `OK` or `UNKNOWN_SKU`.
    pub code: ResultCode,
    /// [`CUT`].
    pub flags: u8,
    /// Which SKU.
    pub sku: SkuId,
    /// Everything up to this record is in the numbers.
    pub sequence: u64,
    /// Where a cut entry goes on; 0 otherwise.
    pub next: LocationId,
    /// Its cells.
    pub cells: Items<'a, Cell>,
}

impl<'a> Item<'a> for StockEntry<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<STOCK_ENTRY_BYTES>()?;
        let code = take_code(&mut fields)?;
        let flags = fields.u8()?;
        fields.zeros::<1>()?;
        let sku = fields.sku()?;
        let sequence = fields.u64()?;
        let count = fields.u16()?;
        let next = fields.location()?;
        fields.zeros::<4>()?;
        let cells = take_items(reader, count)?;
        Some(Self {
            code,
            flags,
            sku,
            sequence,
            next,
            cells,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_code(out, self.code);
        out.extend_from_slice(&[self.flags, 0]);
        put_sku(out, self.sku);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        put_count(out, self.cells.len());
        out.extend_from_slice(&self.next.0.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        self.cells.for_each(|cell| cell.put(out));
    }
}

/// What became of the units of an order taken at one location: sku u32, location u16, zero u16, and
/// six u32. `ordered = reserved + committed + shipped + cancelled`; `returned ≤ shipped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderLine {
    /// What.
    pub sku: SkuId,
    /// Where.
    pub location: LocationId,
    /// Units allocated when the order was accepted.
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

impl<'a> Item<'a> for OrderLine {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<ORDER_LINE_BYTES>()?;
        let sku = fields.sku()?;
        let location = fields.location()?;
        fields.zeros::<2>()?;
        Some(Self {
            sku,
            location,
            ordered: fields.u32()?,
            reserved: fields.u32()?,
            committed: fields.u32()?,
            shipped: fields.u32()?,
            returned: fields.u32()?,
            cancelled: fields.u32()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_sku(out, self.sku);
        out.extend_from_slice(&self.location.0.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        for value in [
            self.ordered,
            self.reserved,
            self.committed,
            self.shipped,
            self.returned,
            self.cancelled,
        ] {
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// What an order answer says about one order, without its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderSummary {
    /// Which order.
    pub key: OrderKey,
    /// `OK`, why it was refused, or `UNKNOWN_ORDER`.
    pub code: ResultCode,
    /// Present state; `None` (0) where there is no such order.
    pub state: Option<OrderState>,
    /// How its hold was resolved.
    pub resolution: Resolution,
    /// [`CUT`] and [`PLACED`].
    pub flags: u8,
    /// Latest version.
    pub version: u16,
    /// Where it was sold; 0 for refused orders.
    pub channel: ChannelId,
    /// The merchant's number for the buyer; 0 for refused orders.
    pub customer: u64,
    /// The order number: sequence of the accepting record; 0 for refused orders.
    pub sequence: u64,
    /// When the hold ends; 0 unless it is live.
    pub expires_at_ms: u64,
}

/// One order of an order answer: key 16, code u16, state u8, resolution u8, flags u8, lines u8,
/// short lines u8, zero, version u16, channel u16, zero u32, customer u64, sequence u64,
/// expires_at_ms u64; then its lines (32 bytes each), then its short lines (12 bytes each).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderEntry<'a> {
    /// Everything but the lines.
    pub summary: OrderSummary,
    /// Its lines, one a location; none for refused orders.
    pub lines: Items<'a, OrderLine>,
    /// For refused orders: which lines were short.
    pub short_lines: Items<'a, OrderShortLine>,
}

/// A line that could not be covered: sku u32, left u32, line u8, 3 zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderShortLine {
    /// What was short.
    pub sku: SkuId,
    /// Units that were left for this line.
    pub left: u32,
    /// Index of the line in the order.
    pub line: u8,
}

/// Bytes of one short line in an order answer.
pub const SHORT_LINE_BYTES: usize = 12;

impl<'a> Item<'a> for OrderShortLine {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<SHORT_LINE_BYTES>()?;
        let sku = fields.sku()?;
        let left = fields.u32()?;
        let line = fields.u8()?;
        fields.zeros::<3>()?;
        Some(Self { sku, left, line })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_sku(out, self.sku);
        out.extend_from_slice(&self.left.to_le_bytes());
        out.extend_from_slice(&[self.line, 0, 0, 0]);
    }
}

impl OrderSummary {
    fn put(&self, out: &mut Vec<u8>, lines: u8, short_lines: u8) {
        self.key.put(out);
        put_code(out, self.code);
        out.extend_from_slice(&[state_number(self.state), self.resolution as u8]);
        out.extend_from_slice(&[self.flags, lines, short_lines, 0]);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.channel.0.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.customer.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.expires_at_ms.to_le_bytes());
    }

    fn take(fields: &mut Reader<'_>) -> Option<(Self, u8, u8)> {
        let key = fields.order_key()?;
        let code = take_code(fields)?;
        let state = take_state(fields)?;
        let resolution = Resolution::from_u8(fields.u8()?)?;
        let [flags, lines, short_lines, _] = fields.array::<4>()?;
        let version = fields.u16()?;
        let channel = ChannelId(fields.u16()?);
        fields.zeros::<4>()?;
        let summary = Self {
            key,
            code,
            state,
            resolution,
            flags,
            version,
            channel,
            customer: fields.u64()?,
            sequence: fields.u64()?,
            expires_at_ms: fields.u64()?,
        };
        Some((summary, lines, short_lines))
    }
}

impl<'a> Item<'a> for OrderEntry<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<ORDER_ENTRY_BYTES>()?;
        let (summary, lines, short_lines) = OrderSummary::take(&mut fields)?;
        Some(Self {
            summary,
            lines: take_items(reader, u16::from(lines))?,
            short_lines: take_items(reader, u16::from(short_lines))?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let lines = count_u8(self.lines.len());
        let short_lines = count_u8(self.short_lines.len());
        self.summary.put(out, lines, short_lines);
        self.lines.for_each(|line| line.put(out));
        self.short_lines.for_each(|line| line.put(out));
    }
}

fn take_items<'a, T: Item<'a>>(reader: &mut Reader<'a>, count: u16) -> Option<Items<'a, T>> {
    let (items, rest) = Items::split(reader.rest(), count).ok()?;
    *reader = Reader::new(rest);
    Some(items)
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    out.extend_from_slice(&count.to_le_bytes());
}

fn count_u8(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

/// Writes the answer to a stock query: entry by entry, cell by cell, cutting where the frame is
/// full. There is always room for the header of every entry asked for.
#[derive(Debug)]
#[must_use = "a reply is only valid once it is finished"]
pub struct StockWriter {
    start: frame::FrameStart,
    /// Bytes kept free for the entries still to come.
    kept_bytes: usize,
    entry_at: usize,
    cells: u16,
    count: u16,
}

impl StockWriter {
    /// Starts the reply to a query of `items` SKUs (at most `QUERY_ITEMS_MAX`) at the end of `out`.
    pub fn begin(out: &mut Vec<u8>, items: usize) -> Self {
        Self {
            start: frame::begin(out),
            kept_bytes: items * STOCK_ENTRY_BYTES,
            entry_at: out.len(),
            cells: 0,
            count: 0,
        }
    }

    /// Starts the next SKU's entry.
    pub fn entry(&mut self, out: &mut Vec<u8>, code: ResultCode, sku: SkuId, sequence: u64) {
        self.kept_bytes = self.kept_bytes.saturating_sub(STOCK_ENTRY_BYTES);
        self.entry_at = out.len();
        self.cells = 0;
        self.count += 1;
        put_code(out, code);
        out.extend_from_slice(&[0; 2]);
        put_sku(out, sku);
        out.extend_from_slice(&sequence.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
    }

    /// Appends a cell to the entry; cells come in order of their locations. False where the frame
    /// is full: the entry is marked as cut at this cell, and takes no further one.
    pub fn cell(&mut self, out: &mut Vec<u8>, cell: &Cell) -> bool {
        let room = self.start.length(out) + self.kept_bytes + CELL_BYTES <= FRAME_BYTES_MAX;
        let Some(entry) = out.get_mut(self.entry_at..self.entry_at + STOCK_ENTRY_BYTES) else {
            return false;
        };
        if let [_, _, flags, _, .., c0, c1, n0, n1, _, _, _, _] = entry {
            if *flags & CUT != 0 {
                return false;
            }
            if !room {
                *flags |= CUT;
                [*n0, *n1] = cell.location.0.to_le_bytes();
                return false;
            }
            self.cells += 1;
            [*c0, *c1] = self.cells.to_le_bytes();
        }
        cell.put(out);
        true
    }

    /// Completes the frame.
    pub fn finish(self, out: &mut [u8], request_id: u64) {
        let opcode = Opcode::QueryStock.reply();
        self.start.finish(out, opcode, request_id, self.count);
    }
}

/// Writes the answer to an order query, leaving the lines of an order out where the frame is full.
#[derive(Debug)]
#[must_use = "a reply is only valid once it is finished"]
pub struct OrderWriter {
    start: frame::FrameStart,
    kept_bytes: usize,
    count: u16,
}

impl OrderWriter {
    /// Starts the reply to a query of `items` orders (at most `QUERY_ITEMS_MAX`).
    pub fn begin(out: &mut Vec<u8>, items: usize) -> Self {
        Self {
            start: frame::begin(out),
            kept_bytes: items * ORDER_ENTRY_BYTES,
            count: 0,
        }
    }

    /// Appends the next order with at most 255 lines of each kind. [`CUT`] in its flags is set
    /// here, and false returned, where its lines had to be left out.
    pub fn entry(
        &mut self,
        out: &mut Vec<u8>,
        summary: &OrderSummary,
        lines: &[OrderLine],
        short_lines: &[OrderShortLine],
    ) -> bool {
        self.count += 1;
        let lines_bytes = lines.len() * ORDER_LINE_BYTES + short_lines.len() * SHORT_LINE_BYTES;
        let room = self.start.length(out) + self.kept_bytes + lines_bytes <= FRAME_BYTES_MAX;
        self.kept_bytes = self.kept_bytes.saturating_sub(ORDER_ENTRY_BYTES);
        let (Ok(line_count), Ok(short_count), true) = (
            u8::try_from(lines.len()),
            u8::try_from(short_lines.len()),
            room,
        ) else {
            let flags = summary.flags | CUT;
            OrderSummary { flags, ..*summary }.put(out, 0, 0);
            return false;
        };
        summary.put(out, line_count, short_count);
        for line in lines {
            line.put(out);
        }
        for line in short_lines {
            line.put(out);
        }
        true
    }

    /// Completes the frame.
    pub fn finish(self, out: &mut [u8], request_id: u64) {
        let opcode = Opcode::QueryOrder.reply();
        self.start.finish(out, opcode, request_id, self.count);
    }
}
