//! Answers to definitions, look-ups and lists.

use super::{put_code, put_sku, take_code};
use crate::limits::FRAME_BYTES_MAX;
use crate::types::{LocationId, ResultCode, SkuId};
use crate::wire::frame;
use crate::wire::item::{Item, Items};
use crate::wire::opcode::Opcode;
use crate::wire::reader::{Reader, put_padded, short_length, short_text};

/// Bytes of the answer to one name.
pub const NAME_REPLY_BYTES: usize = 16;

/// `next` of a list that is complete.
pub const LIST_END: u32 = u32::MAX;

/// Bytes before the entries of a list.
const LIST_HEADER_BYTES: usize = 8;

/// The answer to one name: code u16, flags u8, zero, handle u32, sequence u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameReply {
    /// `OK`, or why there is no handle.
    pub code: ResultCode,
    /// [`super::REPLAYED`]: it was defined like this before.
    pub flags: u8,
    /// The handle; 0 without one.
    pub handle: u32,
    /// Sequence of the record; 0 where nothing was journaled.
    pub sequence: u64,
}

impl<'a> Item<'a> for NameReply {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<NAME_REPLY_BYTES>()?;
        let code = take_code(&mut fields)?;
        let flags = fields.u8()?;
        fields.zeros::<1>()?;
        Some(Self {
            code,
            flags,
            handle: fields.u32()?,
            sequence: fields.u64()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_code(out, self.code);
        out.extend_from_slice(&[self.flags, 0]);
        out.extend_from_slice(&self.handle.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
    }
}

/// One SKU of a list: sku u32, name length u8, flags u8, 2 zeros, the name padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkuEntry<'a> {
    /// Its handle.
    pub sku: SkuId,
    /// It may be ordered.
    pub on_sale: bool,
    /// Its name.
    pub name: &'a str,
}

impl<'a> Item<'a> for SkuEntry<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let sku = reader.sku()?;
        let length = reader.u8()?;
        let flags = reader.u8()?;
        reader.zeros::<2>()?;
        let name = reader.padded_text(usize::from(length))?;
        (flags <= 1).then_some(Self {
            sku,
            on_sale: flags == 1,
            name,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let name = short_text(self.name).as_bytes();
        put_sku(out, self.sku);
        out.extend_from_slice(&[short_length(name), u8::from(self.on_sale), 0, 0]);
        put_padded(out, name);
    }
}

/// One location of a list: location u16, priority u16, x i32, y i32, name length u8, 3 zeros, the
/// name padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocationEntry<'a> {
    /// Its handle.
    pub location: LocationId,
    /// As defined.
    pub priority: u16,
    /// As defined.
    pub x: i32,
    /// As defined.
    pub y: i32,
    /// Its name.
    pub name: &'a str,
}

impl<'a> Item<'a> for LocationEntry<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let location = reader.location()?;
        let priority = reader.u16()?;
        let (x, y) = (reader.i32()?, reader.i32()?);
        let length = reader.u8()?;
        reader.zeros::<3>()?;
        let name = reader.padded_text(usize::from(length))?;
        Some(Self {
            location,
            priority,
            x,
            y,
            name,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let name = short_text(self.name).as_bytes();
        out.extend_from_slice(&self.location.0.to_le_bytes());
        out.extend_from_slice(&self.priority.to_le_bytes());
        out.extend_from_slice(&self.x.to_le_bytes());
        out.extend_from_slice(&self.y.to_le_bytes());
        out.extend_from_slice(&[short_length(name), 0, 0, 0]);
        put_padded(out, name);
    }
}

/// A page of a list: next u32, zero u32, entries in order of their handles.
#[derive(Clone, Copy, Debug)]
pub struct ListReply<'a, T> {
    /// First handle of the next page; [`LIST_END`] after the last one.
    pub next: u32,
    /// The entries.
    pub entries: Items<'a, T>,
}

impl<'a, T: Item<'a> + PartialEq> PartialEq for ListReply<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.next == other.next && self.entries == other.entries
    }
}

impl<'a, T: Item<'a>> ListReply<'a, T> {
    pub(super) fn decode(body: &'a [u8], count: u16) -> Result<Self, usize> {
        let mut reader = Reader::new(body);
        let next = reader.u32().ok_or(0_usize)?;
        reader.zeros::<4>().ok_or(4_usize)?;
        let entries =
            Items::decode(reader.rest(), count).map_err(|offset| offset + LIST_HEADER_BYTES)?;
        Ok(Self { next, entries })
    }
}

/// Writes a page of a list entry by entry.
#[derive(Debug)]
#[must_use = "a reply is only valid once it is finished"]
pub struct ListWriter {
    start: frame::FrameStart,
    next_at: usize,
    count: u16,
}

impl ListWriter {
    /// Starts the page at the end of `out`.
    pub fn begin(out: &mut Vec<u8>) -> Self {
        let start = frame::begin(out);
        let next_at = out.len();
        out.extend_from_slice(&[0; LIST_HEADER_BYTES]);
        Self {
            start,
            next_at,
            count: 0,
        }
    }

    /// Appends an entry, or returns false where the page is full: finish with its handle as next.
    pub fn entry<'a, T: Item<'a>>(&mut self, out: &mut Vec<u8>, entry: &T) -> bool {
        let before = out.len();
        entry.put(out);
        if self.count == u16::MAX || self.start.length(out) > FRAME_BYTES_MAX {
            out.truncate(before);
            return false;
        }
        self.count += 1;
        true
    }

    /// Completes the frame: `next` is the first handle not in it, or [`LIST_END`].
    pub fn finish(self, out: &mut [u8], opcode: Opcode, request_id: u64, next: u32) {
        if let Some(bytes) = out.get_mut(self.next_at..self.next_at + 4) {
            bytes.copy_from_slice(&next.to_le_bytes());
        }
        self.start
            .finish(out, opcode.reply(), request_id, self.count);
    }
}
