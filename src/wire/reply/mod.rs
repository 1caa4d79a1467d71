//! Replies: encoded by the server, decoded by clients.
//!
//! A reply frame has the request's id and its opcode with the top bit set; its items answer the
//! request's items one by one, in the same order. Every reply fits one frame: the largest answer
//! of a full batch does (asserted below), and answers of any size (stock cells, order lines,
//! lists) say where they were cut.

pub mod catalog;
pub mod error;
pub mod order;
pub mod query;
pub mod session;
pub mod stock;

use crate::limits::{FRAME_BYTES_MAX, FRAME_ITEMS_MAX, QUERY_ITEMS_MAX};
use crate::types::{ResultCode, SkuId};
use crate::wire::frame::{self, Frame, HEADER_BYTES};
use crate::wire::item::{Item, Items};
use crate::wire::opcode::{self, Opcode};
use crate::wire::reader::Reader;

pub use catalog::{ListReply, ListWriter, LocationEntry, NameReply, SkuEntry};
pub use error::ErrorReply;
pub use order::{NoteKind, OrderCommandReply, OrderNote, ReserveReply, ReserveReplyItem};
pub use query::{
    Cell, OrderEntry, OrderLine, OrderShortLine, OrderSummary, OrderWriter, StockEntry, StockWriter,
};
pub use session::{HelloReply, StatisticsReply, StatisticsWriter, Value};
pub use stock::{CellValues, StockEvent, StockReply};

/// Set in a flags byte: the answer is the stored one of an earlier request; nothing changed now.
pub const REPLAYED: u8 = 1;

const _: () = {
    assert!(HEADER_BYTES + FRAME_ITEMS_MAX * stock::STOCK_REPLY_BYTES <= FRAME_BYTES_MAX);
    assert!(HEADER_BYTES + FRAME_ITEMS_MAX * order::COMMAND_REPLY_BYTES <= FRAME_BYTES_MAX);
    assert!(HEADER_BYTES + FRAME_ITEMS_MAX * catalog::NAME_REPLY_BYTES <= FRAME_BYTES_MAX);
    assert!(HEADER_BYTES + QUERY_ITEMS_MAX * query::ORDER_ENTRY_BYTES <= FRAME_BYTES_MAX);
    assert!(HEADER_BYTES + QUERY_ITEMS_MAX * query::STOCK_ENTRY_BYTES <= FRAME_BYTES_MAX);
    // An order's answer with a note for each of its lines is shorter than the order itself.
    assert!(order::RESERVE_REPLY_BYTES <= super::request::reserve::RESERVE_BYTES);
    assert!(order::NOTE_BYTES <= super::request::reserve::LINE_BYTES);
};

/// One reply, its layout checked in full.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // named as the opcodes that they answer
pub enum Reply<'a> {
    Error(ErrorReply<'a>),
    Hello(HelloReply),
    /// The bytes of the ping.
    Ping(&'a [u8]),
    Statistics(StatisticsReply<'a>),
    /// Define or resolve, SKU or location.
    Names(Items<'a, NameReply>),
    /// Receive, adjust, set, transfer, move; a transfer answers with the cell it took from.
    Stock(Items<'a, StockReply>),
    Reserve(ReserveReply<'a>),
    /// Confirm, confirm_lines, release, extend, cancel, ship, return.
    OrderCommands(Items<'a, OrderCommandReply>),
    QueryStock(Items<'a, StockEntry<'a>>),
    QueryOrder(Items<'a, OrderEntry<'a>>),
    /// One answer for each SKU named (`OK` or `UNKNOWN_SKU`), or a single one for all.
    SubscribeStock(Items<'a, NameReply>),
    Skus(ListReply<'a, SkuEntry<'a>>),
    Locations(ListReply<'a, LocationEntry<'a>>),
    /// Not an answer: pushed for a subscription.
    StockEvents(Items<'a, StockEvent>),
}

/// A frame from the server that this client does not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Not an opcode that a server sends.
    #[error("a server does not send opcode {0:#04x}")]
    UnexpectedOpcode(u8),
    /// Not the layout of this opcode.
    #[error("malformed body of reply {opcode:#04x} at byte {offset}")]
    Malformed {
        /// The frame's opcode.
        opcode: u8,
        /// Where in the body.
        offset: usize,
    },
}

impl<'a> Reply<'a> {
    /// Decodes the body of a frame from the server in place.
    ///
    /// # Errors
    /// An opcode that servers do not send, or a malformed body.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, ReplyError> {
        let opcode = frame.header.opcode;
        let malformed = |offset| ReplyError::Malformed { opcode, offset };
        Self::decode_body(frame)
            .ok_or(ReplyError::UnexpectedOpcode(opcode))?
            .map_err(malformed)
    }

    fn decode_body(frame: &Frame<'a>) -> Option<Result<Self, usize>> {
        let (body, count) = (frame.body, frame.header.count);
        match frame.header.opcode {
            opcode::ERROR => return Some(single(frame).map(Self::Error)),
            opcode::STOCK_EVENT => return Some(Items::decode(body, count).map(Self::StockEvents)),
            _ => {}
        }
        Some(match Opcode::from_reply(frame.header.opcode)? {
            Opcode::Hello => single(frame).map(Self::Hello),
            Opcode::Ping => Ok(Self::Ping(body)),
            Opcode::Statistics => StatisticsReply::decode(body, count).map(Self::Statistics),
            Opcode::DefineSku
            | Opcode::ResolveSku
            | Opcode::DefineLocation
            | Opcode::ResolveLocation => Items::decode(body, count).map(Self::Names),
            Opcode::SubscribeStock => Items::decode(body, count).map(Self::SubscribeStock),
            Opcode::Receive | Opcode::Adjust | Opcode::Set | Opcode::Transfer | Opcode::Move => {
                Items::decode(body, count).map(Self::Stock)
            }
            Opcode::Reserve => ReserveReply::decode(body, count).map(Self::Reserve),
            Opcode::Confirm
            | Opcode::ConfirmLines
            | Opcode::Release
            | Opcode::Extend
            | Opcode::Cancel
            | Opcode::Ship
            | Opcode::Return => Items::decode(body, count).map(Self::OrderCommands),
            Opcode::QueryStock => Items::decode(body, count).map(Self::QueryStock),
            Opcode::QueryOrder => Items::decode(body, count).map(Self::QueryOrder),
            Opcode::ListSkus => ListReply::decode(body, count).map(Self::Skus),
            Opcode::ListLocations => ListReply::decode(body, count).map(Self::Locations),
        })
    }
}

/// Appends a reply frame with exactly one item.
pub fn put_single<'a, T: Item<'a>>(out: &mut Vec<u8>, opcode: u8, request_id: u64, item: &T) {
    let start = frame::begin(out);
    item.put(out);
    start.finish(out, opcode, request_id, 1);
}

fn single<'a, T: Item<'a>>(frame: &Frame<'a>) -> Result<T, usize> {
    let mut items = Items::<T>::decode(frame.body, frame.header.count)?;
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item),
        _ => Err(0),
    }
}

/// A result code as sent; unknown numbers are malformed.
fn take_code(reader: &mut Reader<'_>) -> Option<ResultCode> {
    ResultCode::from_u16(reader.u16()?)
}

fn put_code(out: &mut Vec<u8>, code: ResultCode) {
    out.extend_from_slice(&(code as u16).to_le_bytes());
}

fn put_sku(out: &mut Vec<u8>, sku: SkuId) {
    out.extend_from_slice(&sku.0.to_le_bytes());
}
