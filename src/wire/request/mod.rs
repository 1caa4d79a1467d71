//! Requests: decoded by the server in place, encoded by clients.
//!
//! One file a family. Every fixed part is a multiple of 4 bytes, every variable part is padded
//! with zeros to one, and reserved bytes must be zero.

pub mod catalog;
pub mod order;
pub mod query;
pub mod reserve;
pub mod session;
pub mod stock;

use crate::types::ResultCode;
use crate::wire::frame::{self, Frame};
use crate::wire::item::{Item, Items};
use crate::wire::opcode::Opcode;

pub use catalog::{LocationDefinition, Name, SkuDefinition};
pub use order::{ExtendItem, LinesCommand, OrderCommandItem};
pub use query::{ListPage, StockQueryItem};
pub use reserve::{Line, Lines, ReserveItem, reserve_flags};
pub use session::{Hello, Ping, Statistics};
pub use stock::{Adjust, Move, Receive, SetOnHand, Transfer};

/// One request, its layout checked in full.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // one variant an opcode, named as it
pub enum Request<'a> {
    Hello(Hello<'a>),
    Ping(Ping<'a>),
    Statistics(Statistics),
    DefineSku(Items<'a, SkuDefinition<'a>>),
    ResolveSku(Items<'a, Name<'a>>),
    DefineLocation(Items<'a, LocationDefinition<'a>>),
    ResolveLocation(Items<'a, Name<'a>>),
    Receive(Items<'a, Receive>),
    Adjust(Adjust<'a>),
    Set(SetOnHand),
    Transfer(Transfer),
    Move(Move),
    Reserve(Items<'a, ReserveItem<'a>>),
    Confirm(Items<'a, OrderCommandItem>),
    ConfirmLines(LinesCommand<'a>),
    Release(Items<'a, OrderCommandItem>),
    Extend(Items<'a, ExtendItem>),
    Cancel(Items<'a, OrderCommandItem>),
    Ship(LinesCommand<'a>),
    Return(LinesCommand<'a>),
    QueryStock(Items<'a, StockQueryItem>),
    QueryOrder(Items<'a, crate::types::OrderKey>),
    /// Without any item: all SKUs of the tenant.
    SubscribeStock(Items<'a, crate::types::SkuId>),
    ListSkus(ListPage),
    ListLocations(ListPage),
}

/// A body that is not executed; nothing changed and the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} at byte {offset} of the body: {}", code.meaning())]
pub struct BodyError {
    /// `UNKNOWN_OPCODE`, `INVALID_FIELD` (a header flag), `TOO_MANY_ITEMS` or `MALFORMED_BODY`.
    pub code: ResultCode,
    /// Where in the body, counted from its first byte: the start of the malformed item.
    pub offset: usize,
}

impl BodyError {
    const fn at_start(code: ResultCode) -> Self {
        Self { code, offset: 0 }
    }

    const fn malformed(offset: usize) -> Self {
        Self {
            code: ResultCode::MalformedBody,
            offset,
        }
    }
}

impl<'a> Request<'a> {
    /// Decodes the body of a request frame in place, without allocating.
    ///
    /// # Errors
    /// In this order: opcode, header flags, number of items, layout.
    #[inline]
    pub fn decode(frame: &Frame<'a>) -> Result<Self, BodyError> {
        let opcode = Opcode::from_u8(frame.header.opcode)
            .ok_or(BodyError::at_start(ResultCode::UnknownOpcode))?;
        if frame.header.flags != 0 {
            return Err(BodyError::at_start(ResultCode::InvalidField));
        }
        let count = usize::from(frame.header.count);
        if count > opcode.items_max() {
            return Err(BodyError::at_start(ResultCode::TooManyItems));
        }
        if count < opcode.items_min() {
            return Err(BodyError::malformed(0));
        }
        Self::decode_body(opcode, frame)
    }

    fn decode_body(opcode: Opcode, frame: &Frame<'a>) -> Result<Self, BodyError> {
        Ok(match opcode {
            Opcode::Hello => Self::Hello(single(frame)?),
            Opcode::Ping => Self::Ping(single(frame)?),
            Opcode::Statistics => Self::Statistics(single(frame)?),
            Opcode::DefineSku => Self::DefineSku(items(frame)?),
            Opcode::ResolveSku => Self::ResolveSku(items(frame)?),
            Opcode::DefineLocation => Self::DefineLocation(items(frame)?),
            Opcode::ResolveLocation => Self::ResolveLocation(items(frame)?),
            Opcode::Receive => Self::Receive(items(frame)?),
            Opcode::Adjust => Self::Adjust(single(frame)?),
            Opcode::Set => Self::Set(single(frame)?),
            Opcode::Transfer => Self::Transfer(single(frame)?),
            Opcode::Move => Self::Move(single(frame)?),
            Opcode::Reserve => Self::Reserve(items(frame)?),
            Opcode::Confirm => Self::Confirm(items(frame)?),
            Opcode::ConfirmLines => Self::ConfirmLines(single(frame)?),
            Opcode::Release => Self::Release(items(frame)?),
            Opcode::Extend => Self::Extend(items(frame)?),
            Opcode::Cancel => Self::Cancel(items(frame)?),
            Opcode::Ship => Self::Ship(single(frame)?),
            Opcode::Return => Self::Return(single(frame)?),
            Opcode::QueryStock => Self::QueryStock(items(frame)?),
            Opcode::QueryOrder => Self::QueryOrder(items(frame)?),
            Opcode::SubscribeStock => Self::SubscribeStock(items(frame)?),
            Opcode::ListSkus => Self::ListSkus(single(frame)?),
            Opcode::ListLocations => Self::ListLocations(single(frame)?),
        })
    }

    /// The opcode of this request.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Hello(_) => Opcode::Hello,
            Self::Ping(_) => Opcode::Ping,
            Self::Statistics(_) => Opcode::Statistics,
            Self::DefineSku(_) => Opcode::DefineSku,
            Self::ResolveSku(_) => Opcode::ResolveSku,
            Self::DefineLocation(_) => Opcode::DefineLocation,
            Self::ResolveLocation(_) => Opcode::ResolveLocation,
            Self::Receive(_) => Opcode::Receive,
            Self::Adjust(_) => Opcode::Adjust,
            Self::Set(_) => Opcode::Set,
            Self::Transfer(_) => Opcode::Transfer,
            Self::Move(_) => Opcode::Move,
            Self::Reserve(_) => Opcode::Reserve,
            Self::Confirm(_) => Opcode::Confirm,
            Self::ConfirmLines(_) => Opcode::ConfirmLines,
            Self::Release(_) => Opcode::Release,
            Self::Extend(_) => Opcode::Extend,
            Self::Cancel(_) => Opcode::Cancel,
            Self::Ship(_) => Opcode::Ship,
            Self::Return(_) => Opcode::Return,
            Self::QueryStock(_) => Opcode::QueryStock,
            Self::QueryOrder(_) => Opcode::QueryOrder,
            Self::SubscribeStock(_) => Opcode::SubscribeStock,
            Self::ListSkus(_) => Opcode::ListSkus,
            Self::ListLocations(_) => Opcode::ListLocations,
        }
    }
}

/// A batch of items could not be put into one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Send at most `items_max` of the opcode in one frame.
    #[error("{count} items: one {} frame takes at most {}", opcode.name(), opcode.items_max())]
    TooManyItems {
        /// What was to be sent.
        opcode: Opcode,
        /// How many items there were.
        count: usize,
    },
    /// The frame would exceed `FRAME_BYTES_MAX`: send fewer items.
    #[error("{bytes} bytes: a frame takes at most 1 MiB, send fewer items at once")]
    FrameTooLarge {
        /// Bytes of the frame, header included.
        bytes: usize,
    },
}

/// Appends a whole request frame of `items` to `out`.
///
/// The item type must be the opcode's own (see [`Request`]). On error `out` is as before.
///
/// # Errors
/// Too many items or bytes for one frame.
pub fn encode<'a, T: Item<'a>>(
    out: &mut Vec<u8>,
    opcode: Opcode,
    request_id: u64,
    items: &[T],
) -> Result<(), EncodeError> {
    let count = items.len();
    if count > opcode.items_max() {
        return Err(EncodeError::TooManyItems { opcode, count });
    }
    let start = frame::begin(out);
    for item in items {
        item.put(out);
    }
    let bytes = start.length(out);
    if bytes > crate::limits::FRAME_BYTES_MAX {
        start.abandon(out);
        return Err(EncodeError::FrameTooLarge { bytes });
    }
    #[allow(clippy::cast_possible_truncation)] // at most FRAME_ITEMS_MAX, asserted below
    start.finish(out, opcode as u8, request_id, count as u16);
    Ok(())
}

const _: () = assert!(crate::limits::FRAME_ITEMS_MAX <= u16::MAX as usize);

#[inline]
fn items<'a, T: Item<'a>>(frame: &Frame<'a>) -> Result<Items<'a, T>, BodyError> {
    Items::decode(frame.body, frame.header.count).map_err(BodyError::malformed)
}

fn single<'a, T: Item<'a>>(frame: &Frame<'a>) -> Result<T, BodyError> {
    let mut items = items::<T>(frame)?;
    items.next().ok_or(BodyError::malformed(0))
}
