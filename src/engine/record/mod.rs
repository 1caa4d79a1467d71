//! Records: the facts that the engine journals, and their bytes.
//!
//! ```text
//! command ─▶ decide (reads state) ─▶ encode ─▶ RecordBuffer ─▶ apply (changes state)
//!                                                 journal ─▶ decode ─▶ apply   (replay)
//! ```
//!
//! State changes in `apply` only, and `apply` reads the encoded bytes, live and on replay alike.
//! Payloads are little-endian and fixed-layout with counted tails; `docs/JOURNAL.md` lists every
//! offset. A layout that changes gets a new version of its kind; old versions stay readable.

mod channel;
mod channel_event;
mod definition;
mod field;
pub mod kind;
mod order;
mod process;
mod stock;
mod subscriber;

pub use channel::{
    CampaignDefined, CampaignReturn, CampaignUnits, ChannelRecord, ChannelRef, PublishedItem, Run,
    RunItem, put_run,
};
pub use channel_event::{
    ChannelEventRecord, EventReceived, EventSettled, SkuMapped, settled_flags,
};
pub use order::{
    Allocation, Allocations, Lines, OrderAccepted, OrderLine, OrderLines, OrderRef, OrderRejected,
    RequestedLine, ShortLine, Shorts, accepted_flags, put_lines, put_shorts,
};
pub use process::{
    Blob, BreakerChanged, ChannelOversold, EarlyEvent, EffectEnded, EffectStarted, HoldPreempted,
    OperatorDecided, OrderMoved, PipelinesDefined, ProcessImage, ProcessRecord, ProviderReported,
    process_flags,
};
pub use stock::{CellRef, StockChange};
pub use subscriber::SubscriberMoved;

use crate::types::pipeline::BackorderQueue;
use crate::types::record::{RawRecord, RecordBuffer};
use crate::types::{
    ActorId, CommandKey, Disposition, LocationId, OrderKey, ResultCode, SkuId, TenantId,
};
use bytes::{Buf, BufMut};
use field::Field;

/// The layout version that this build writes, for every kind.
pub const RECORD_VERSION: u8 = 1;

/// One decoded record; texts and tails borrow from the payload.
#[allow(missing_docs)] // the fields are named and laid out in docs/JOURNAL.md
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Record<'a> {
    /// See [`kind::TENANT_DEFINED`].
    TenantDefined { tenant: TenantId, name: &'a str },
    /// See [`kind::ACTOR_DEFINED`].
    ActorDefined { actor: ActorId, name: &'a str },
    /// See [`kind::SKU_DEFINED`].
    SkuDefined {
        sku: SkuId,
        tenant: TenantId,
        on_sale: bool,
        name: &'a str,
    },
    /// See [`kind::SKU_CHANGED`].
    SkuChanged { sku: SkuId, on_sale: bool },
    /// See [`kind::SKU_QUEUE_SET`].
    SkuQueueSet { sku: SkuId, queue: BackorderQueue },
    /// See [`kind::LOCATION_DEFINED`].
    LocationDefined {
        location: LocationId,
        tenant: TenantId,
        x: i32,
        y: i32,
        priority: u16,
        name: &'a str,
    },
    /// See [`kind::ORDER_ACCEPTED`].
    OrderAccepted(OrderAccepted<'a>),
    /// See [`kind::ORDER_REJECTED`].
    OrderRejected(OrderRejected<'a>),
    /// See [`kind::HOLD_EXTENDED`].
    HoldExtended { order: OrderRef, expires_at_ms: u64 },
    /// See [`kind::ORDER_CONFIRMED`]. Without lines the whole hold.
    OrderConfirmed {
        order: OrderRef,
        lines: OrderLines<'a>,
    },
    /// See [`kind::ORDER_RELEASED`].
    OrderReleased { order: OrderRef },
    /// See [`kind::ORDER_EXPIRED`].
    OrderExpired { tenant: TenantId, order: OrderKey },
    /// See [`kind::ORDER_CANCELLED`].
    OrderCancelled { order: OrderRef },
    /// See [`kind::ORDER_SHIPPED`].
    OrderShipped {
        order: OrderRef,
        lines: OrderLines<'a>,
    },
    /// See [`kind::ORDER_RETURNED`].
    OrderReturned {
        order: OrderRef,
        disposition: Disposition,
        lines: OrderLines<'a>,
    },
    /// See [`kind::ORDER_REINSTATED`]. All its units are committed.
    OrderReinstated { order: OrderRef },
    /// See [`kind::BACKORDER_ALLOCATED`]: its hold ends then.
    BackorderAllocated {
        tenant: TenantId,
        order: OrderKey,
        expires_at_ms: u64,
        allocations: Allocations<'a>,
    },
    /// See [`kind::CONFLICT_SEEN`].
    ConflictSeen {
        tenant: TenantId,
        order: OrderKey,
        fingerprint: u64,
    },
    /// See [`kind::ORDERS_FORGOTTEN`]: `keys` is a whole number of (tenant u16, key u128).
    OrdersForgotten { keys: &'a [u8] },
    /// A stock movement, see [`kind::STOCK_RECEIVED`] and the following.
    Stock(StockChange<'a>),
    /// See [`kind::SHORTAGE_DETECTED`].
    ShortageDetected { cell: CellRef, short: u32 },
    /// See [`kind::COMMAND_REFUSED`]. `of_order` tells which command table keeps it.
    CommandRefused {
        tenant: TenantId,
        key: CommandKey,
        fingerprint: u64,
        code: ResultCode,
        of_order: bool,
    },
    /// See [`kind::COMMAND_DONE`].
    CommandDone { order: OrderRef },
    /// See [`kind::STATE_DIGEST`].
    StateDigest { digest: [u8; 32] },
    /// A record of the order process, see [`kind::ORDER_MOVED`] and the following.
    Process(ProcessRecord<'a>),
    /// A record about sales channels, see [`kind::CHANNEL_DEFINED`] and the following.
    Channel(ChannelRecord<'a>),
    /// What a sales channel sends and what becomes of it, see [`kind::EVENT_RECEIVED`] and the
    /// following.
    ChannelEvent(ChannelEventRecord<'a>),
    /// See [`kind::SUBSCRIBER_MOVED`].
    Subscriber(SubscriberMoved<'a>),
}

/// Bytes of one key in [`Record::OrdersForgotten`].
pub const FORGOTTEN_KEY_BYTES: usize = 18;

/// Takes one fixed-size field off the front, or gives up the whole decode.
macro_rules! take {
    ($input:ident, $method:ident) => {
        $input.$method().ok()?
    };
}
pub(crate) use take;

impl<'a> Record<'a> {
    /// Decodes one engine record. `None` where kind or version is unknown, or the payload does not
    /// have the layout of its kind, to the last byte.
    #[must_use]
    pub fn decode(raw: &RawRecord<'a>) -> Option<Self> {
        if raw.version != RECORD_VERSION {
            return None;
        }
        let mut input = raw.payload;
        let record = match raw.kind {
            kind::ORDER_ACCEPTED => Self::OrderAccepted(OrderAccepted::take(&mut input)?),
            kind::ORDER_REJECTED => Self::OrderRejected(OrderRejected::take(&mut input)?),
            kind::HOLD_EXTENDED..=kind::ORDER_RETURNED | kind::ORDER_REINSTATED => {
                Self::take_order(raw.kind, &mut input)?
            }
            kind::STOCK_RECEIVED..=kind::STOCK_MOVED => {
                Self::Stock(StockChange::take(raw.kind, &mut input)?)
            }
            kind::ORDER_MOVED..=kind::PIPELINES_DEFINED
            | kind::HOLD_PREEMPTED
            | kind::CHANNEL_OVERSOLD
            | kind::EARLY_EVENT => Self::Process(ProcessRecord::take(raw.kind, &mut input)?),
            kind::CHANNEL_DEFINED..=kind::STOCK_PUBLISHED => {
                Self::Channel(ChannelRecord::take(raw.kind, &mut input)?)
            }
            kind::EVENT_RECEIVED..=kind::SKU_MAPPED => {
                Self::ChannelEvent(ChannelEventRecord::take(raw.kind, &mut input)?)
            }
            kind::BACKORDER_ALLOCATED => Self::BackorderAllocated {
                order: OrderKey(take!(input, try_get_u128_le)),
                tenant: TenantId(take!(input, try_get_u16_le)),
                expires_at_ms: take!(input, try_get_u64_le),
                allocations: Lines::take(&mut input)?,
            },
            kind::SUBSCRIBER_MOVED => Self::Subscriber(Field::take(&mut input)?),
            _ => Self::take_other(raw.kind, &mut input)?,
        };
        input.is_empty().then_some(record)
    }

    fn take_order(number: u8, input: &mut &'a [u8]) -> Option<Self> {
        if number == kind::ORDER_EXPIRED {
            let order = OrderKey(take!(input, try_get_u128_le));
            return Some(Self::OrderExpired {
                tenant: TenantId(take!(input, try_get_u16_le)),
                order,
            });
        }
        let order = OrderRef::take(input)?;
        Some(match number {
            kind::HOLD_EXTENDED => Self::HoldExtended {
                order,
                expires_at_ms: take!(input, try_get_u64_le),
            },
            kind::ORDER_CONFIRMED => Self::OrderConfirmed {
                order,
                lines: OrderLines::take(input)?,
            },
            kind::ORDER_RELEASED => Self::OrderReleased { order },
            kind::ORDER_REINSTATED => Self::OrderReinstated { order },
            kind::ORDER_CANCELLED => Self::OrderCancelled { order },
            kind::ORDER_SHIPPED => Self::OrderShipped {
                order,
                lines: OrderLines::take(input)?,
            },
            kind::ORDER_RETURNED => Self::OrderReturned {
                order,
                disposition: Disposition::from_u8(take!(input, try_get_u8))?,
                lines: OrderLines::take(input)?,
            },
            _ => return None,
        })
    }

    fn take_other(number: u8, input: &mut &'a [u8]) -> Option<Self> {
        Some(match number {
            kind::TENANT_DEFINED => Self::TenantDefined {
                tenant: TenantId(take!(input, try_get_u16_le)),
                name: take_name(input)?,
            },
            kind::ACTOR_DEFINED => Self::ActorDefined {
                actor: ActorId(take!(input, try_get_u16_le)),
                name: take_name(input)?,
            },
            kind::SKU_DEFINED => Self::SkuDefined {
                sku: SkuId(take!(input, try_get_u32_le)),
                tenant: TenantId(take!(input, try_get_u16_le)),
                on_sale: take_bool(input)?,
                name: take_name(input)?,
            },
            kind::SKU_CHANGED => Self::SkuChanged {
                sku: SkuId(take!(input, try_get_u32_le)),
                on_sale: take_bool(input)?,
            },
            kind::SKU_QUEUE_SET => Self::SkuQueueSet {
                sku: SkuId(take!(input, try_get_u32_le)),
                queue: BackorderQueue::from_u8(take!(input, try_get_u8))?,
            },
            kind::LOCATION_DEFINED => Self::LocationDefined {
                location: LocationId(take!(input, try_get_u16_le)),
                tenant: TenantId(take!(input, try_get_u16_le)),
                x: take!(input, try_get_i32_le),
                y: take!(input, try_get_i32_le),
                priority: take!(input, try_get_u16_le),
                name: take_name(input)?,
            },
            kind::CONFLICT_SEEN => Self::ConflictSeen {
                order: OrderKey(take!(input, try_get_u128_le)),
                fingerprint: take!(input, try_get_u64_le),
                tenant: TenantId(take!(input, try_get_u16_le)),
            },
            kind::ORDERS_FORGOTTEN => {
                let keys = std::mem::take(input);
                if keys.is_empty() || !keys.len().is_multiple_of(FORGOTTEN_KEY_BYTES) {
                    return None;
                }
                Self::OrdersForgotten { keys }
            }
            kind::SHORTAGE_DETECTED => Self::ShortageDetected {
                cell: CellRef::take(input)?,
                short: take!(input, try_get_u32_le),
            },
            kind::COMMAND_REFUSED => Self::CommandRefused {
                key: CommandKey(take!(input, try_get_u128_le)),
                fingerprint: take!(input, try_get_u64_le),
                tenant: TenantId(take!(input, try_get_u16_le)),
                code: ResultCode::from_u16(take!(input, try_get_u16_le))?,
                of_order: take_bool(input)?,
            },
            kind::COMMAND_DONE => Self::CommandDone {
                order: OrderRef::take(input)?,
            },
            kind::STATE_DIGEST => {
                let (digest, rest) = input.split_first_chunk::<32>()?;
                let digest = *digest;
                *input = rest;
                Self::StateDigest { digest }
            }
            _ => return None,
        })
    }

    /// The number of this record's kind.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::TenantDefined { .. } => kind::TENANT_DEFINED,
            Self::ActorDefined { .. } => kind::ACTOR_DEFINED,
            Self::SkuDefined { .. } => kind::SKU_DEFINED,
            Self::SkuChanged { .. } => kind::SKU_CHANGED,
            Self::SkuQueueSet { .. } => kind::SKU_QUEUE_SET,
            Self::LocationDefined { .. } => kind::LOCATION_DEFINED,
            Self::OrderAccepted(_) => kind::ORDER_ACCEPTED,
            Self::OrderRejected(_) => kind::ORDER_REJECTED,
            Self::HoldExtended { .. } => kind::HOLD_EXTENDED,
            Self::OrderConfirmed { .. } => kind::ORDER_CONFIRMED,
            Self::OrderReleased { .. } => kind::ORDER_RELEASED,
            Self::OrderReinstated { .. } => kind::ORDER_REINSTATED,
            Self::BackorderAllocated { .. } => kind::BACKORDER_ALLOCATED,
            Self::OrderExpired { .. } => kind::ORDER_EXPIRED,
            Self::OrderCancelled { .. } => kind::ORDER_CANCELLED,
            Self::OrderShipped { .. } => kind::ORDER_SHIPPED,
            Self::OrderReturned { .. } => kind::ORDER_RETURNED,
            Self::ConflictSeen { .. } => kind::CONFLICT_SEEN,
            Self::OrdersForgotten { .. } => kind::ORDERS_FORGOTTEN,
            Self::Stock(change) => change.kind(),
            Self::ShortageDetected { .. } => kind::SHORTAGE_DETECTED,
            Self::CommandRefused { .. } => kind::COMMAND_REFUSED,
            Self::CommandDone { .. } => kind::COMMAND_DONE,
            Self::StateDigest { .. } => kind::STATE_DIGEST,
            Self::Process(record) => record.kind(),
            Self::Channel(record) => record.kind(),
            Self::ChannelEvent(record) => record.kind(),
            Self::Subscriber(_) => kind::SUBSCRIBER_MOVED,
        }
    }

    /// Appends this record to `buffer` as done by `actor`; returns its sequence and its bytes.
    pub fn push<'b>(&self, buffer: &'b mut RecordBuffer, actor: ActorId) -> (u64, RawRecord<'b>) {
        buffer.push(self.kind(), RECORD_VERSION, actor, |out| self.put(out))
    }

    /// Appends the payload of this record to `out`.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::OrderAccepted(accepted) => accepted.put(out),
            Self::OrderRejected(rejected) => rejected.put(out),
            Self::HoldExtended {
                order,
                expires_at_ms,
            } => {
                order.put(out);
                out.put_u64_le(*expires_at_ms);
            }
            Self::OrderConfirmed { order, lines } | Self::OrderShipped { order, lines } => {
                order.put(out);
                lines.put(out);
            }
            Self::OrderReleased { order }
            | Self::OrderCancelled { order }
            | Self::CommandDone { order }
            | Self::OrderReinstated { order } => order.put(out),
            Self::OrderReturned {
                order,
                disposition,
                lines,
            } => {
                order.put(out);
                out.put_u8(*disposition as u8);
                lines.put(out);
            }
            Self::OrderExpired { tenant, order } => {
                out.put_u128_le(order.0);
                out.put_u16_le(tenant.0);
            }
            Self::BackorderAllocated {
                tenant,
                order,
                expires_at_ms,
                allocations,
            } => {
                out.put_u128_le(order.0);
                out.put_u16_le(tenant.0);
                out.put_u64_le(*expires_at_ms);
                allocations.put(out);
            }
            Self::Stock(change) => change.put(out),
            Self::Process(record) => record.put(out),
            Self::Channel(record) => record.put(out),
            Self::ChannelEvent(record) => record.put(out),
            Self::Subscriber(record) => record.put(out),
            other => other.put_other(out),
        }
    }

    fn put_other(&self, out: &mut Vec<u8>) {
        match self {
            Self::ConflictSeen {
                tenant,
                order,
                fingerprint,
            } => {
                out.put_u128_le(order.0);
                out.put_u64_le(*fingerprint);
                out.put_u16_le(tenant.0);
            }
            Self::OrdersForgotten { keys } => out.put_slice(keys),
            Self::ShortageDetected { cell, short } => {
                cell.put(out);
                out.put_u32_le(*short);
            }
            Self::CommandRefused {
                tenant,
                key,
                fingerprint,
                code,
                of_order,
            } => {
                out.put_u128_le(key.0);
                out.put_u64_le(*fingerprint);
                out.put_u16_le(tenant.0);
                out.put_u16_le(*code as u16);
                out.put_u8(u8::from(*of_order));
            }
            Self::StateDigest { digest } => out.put_slice(digest),
            other => definition::put(other, out),
        }
    }
}

/// A name: one byte of length, then that many bytes of UTF-8.
fn take_name<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::from(take!(input, try_get_u8));
    let (name, rest) = input.split_at_checked(length)?;
    *input = rest;
    std::str::from_utf8(name).ok()
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    out.put_u8(length);
    out.put_slice(
        name.as_bytes()
            .get(..usize::from(length))
            .unwrap_or_default(),
    );
}

fn take_bool(input: &mut &[u8]) -> Option<bool> {
    match take!(input, try_get_u8) {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
