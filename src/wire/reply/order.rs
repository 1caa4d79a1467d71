//! Answers to orders and to commands on orders.

use super::{put_code, take_code};
use crate::types::{OrderState, Resolution, ResultCode};
use crate::wire::item::{Item, Items};
use crate::wire::reader::Reader;

/// Bytes of the answer to one order, without its notes.
pub const RESERVE_REPLY_BYTES: usize = 24;
/// Bytes of one note.
pub const NOTE_BYTES: usize = 8;
/// Bytes of the answer to one command on an order.
pub const COMMAND_REPLY_BYTES: usize = 24;

/// Set in [`ReserveReplyItem::flags`]: accepted in part, the notes say how much of each line.
pub const PARTIAL: u8 = 2;

/// The answer to one order: code u16, state u8, flags u8, version u16, notes u16, sequence u64,
/// expires_at_ms u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReserveReplyItem {
    /// `OK` for an accepted order.
    pub code: ResultCode,
    /// Present state of the order; `None` (0) where there is none.
    pub state: Option<OrderState>,
    /// [`super::REPLAYED`] and [`PARTIAL`].
    pub flags: u8,
    /// Latest version of the order; 0 where there is none.
    pub version: u16,
    /// How many of the notes after all items are this order's.
    pub notes: u16,
    /// The order number: sequence of the accepting record; 0 for refusals.
    pub sequence: u64,
    /// When the hold ends, in milliseconds since the Unix epoch; 0 unless it is live.
    pub expires_at_ms: u64,
}

impl<'a> Item<'a> for ReserveReplyItem {
    #[inline]
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<RESERVE_REPLY_BYTES>()?;
        Some(Self {
            code: take_code(&mut fields)?,
            state: take_state(&mut fields)?,
            flags: fields.u8()?,
            version: fields.u16()?,
            notes: fields.u16()?,
            sequence: fields.u64()?,
            expires_at_ms: fields.u64()?,
        })
    }

    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        let head = u64::from(self.code as u16)
            | u64::from(state_number(self.state)) << 16
            | u64::from(self.flags) << 24
            | u64::from(self.version) << 32
            | u64::from(self.notes) << 48;
        let item = u128::from(head) | u128::from(self.sequence) << 64;
        out.extend_from_slice(&item.to_le_bytes());
        out.extend_from_slice(&self.expires_at_ms.to_le_bytes());
    }
}

/// What a note says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NoteKind {
    /// The line was not covered; the value is what was left.
    Short = 1,
    /// Partial policy: the value is what the line got, possibly nothing.
    Granted = 2,
}

/// A remark about one line: item u16, line u8, kind u8, value u32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderNote {
    /// Index of the order in the frame.
    pub item: u16,
    /// Index of the line in the order: the first one with this SKU and location.
    pub line: u8,
    /// What `value` is.
    pub kind: NoteKind,
    /// Units.
    pub value: u32,
}

impl<'a> Item<'a> for OrderNote {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<NOTE_BYTES>()?;
        Some(Self {
            item: fields.u16()?,
            line: fields.u8()?,
            kind: match fields.u8()? {
                1 => NoteKind::Short,
                2 => NoteKind::Granted,
                _ => return None,
            },
            value: fields.u32()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.item.to_le_bytes());
        out.extend_from_slice(&[self.line, self.kind as u8]);
        out.extend_from_slice(&self.value.to_le_bytes());
    }
}

/// The answers to a frame of orders: one item an order, then the notes of all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReserveReply<'a> {
    /// One an order, in the order in which they were sent.
    pub items: Items<'a, ReserveReplyItem>,
    /// In order of the items.
    pub notes: Items<'a, OrderNote>,
}

impl<'a> ReserveReply<'a> {
    pub(super) fn decode(body: &'a [u8], count: u16) -> Result<Self, usize> {
        let (items, rest) = Items::<ReserveReplyItem>::split(body, count)?;
        let announced: usize = items.map(|item| usize::from(item.notes)).sum();
        let at = body.len() - rest.len();
        // More notes than a u16 counts cannot stand in one frame of at most 1 MiB: see below.
        let notes = u16::try_from(announced)
            .map_err(|_| at)
            .and_then(|count| Items::decode(rest, count).map_err(|offset| offset + at))?;
        Ok(Self { items, notes })
    }
}

/// The answer to one command on an order: code u16, state u8, resolution u8, flags u8, 3 zeros,
/// sequence u64, expires_at_ms u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderCommandReply {
    /// What came of it.
    pub code: ResultCode,
    /// Present state of the order; `None` (0) where there is no such order.
    pub state: Option<OrderState>,
    /// How its hold was resolved.
    pub resolution: Resolution,
    /// [`super::REPLAYED`].
    pub flags: u8,
    /// Sequence of the record; 0 where nothing was journaled.
    pub sequence: u64,
    /// When the hold ends, in milliseconds since the Unix epoch; 0 unless it is live.
    pub expires_at_ms: u64,
}

impl<'a> Item<'a> for OrderCommandReply {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<COMMAND_REPLY_BYTES>()?;
        let code = take_code(&mut fields)?;
        let state = take_state(&mut fields)?;
        let resolution = Resolution::from_u8(fields.u8()?)?;
        let flags = fields.u8()?;
        fields.zeros::<3>()?;
        Some(Self {
            code,
            state,
            resolution,
            flags,
            sequence: fields.u64()?,
            expires_at_ms: fields.u64()?,
        })
    }

    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        put_code(out, self.code);
        out.extend_from_slice(&[state_number(self.state), self.resolution as u8]);
        out.extend_from_slice(&[self.flags, 0, 0, 0]);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.expires_at_ms.to_le_bytes());
    }
}

/// A state as sent: `Some(None)` for 0, "no order"; `None` for an undefined number.
#[allow(clippy::option_option)] // absent and undefined are two things
pub(super) fn take_state(reader: &mut Reader<'_>) -> Option<Option<OrderState>> {
    match reader.u8()? {
        0 => Some(None),
        number => OrderState::from_u8(number).map(Some),
    }
}

pub(super) fn state_number(state: Option<OrderState>) -> u8 {
    state.map_or(0, |state| state as u8)
}
