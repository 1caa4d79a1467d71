//! Records of what sales channels send: events, what became of them, item mappings.

use super::field::{Field, layout};
use super::kind;
use super::process::Blob;
use crate::types::channel_event::EventFate;
use crate::types::{ChannelId, OrderKey, SkuId, TenantId};

layout! {
    /// A sales channel sent something. A body longer than one record has room for goes on in
    /// further records of the same event, one right after the other.
    pub struct EventReceived<'a> {
        /// Hash of tenant, channel and the channel's own id of the event.
        pub event: u128,
        /// Whose.
        pub tenant: TenantId,
        /// Which channel.
        pub channel: ChannelId,
        /// Which part of the body this is, from 0.
        pub part: u16,
        /// How many parts there are, at least 1.
        pub parts: u16,
        /// Sequence of the event of the same delivery that has the body; 0: this one.
        pub body_at: u64,
        /// What it is about, in the channel's word; empty in later parts.
        pub topic: &'a str,
        /// Headers that reading it takes, as lines `name: value`; empty in later parts.
        pub head: &'a str,
        /// The body, or a part of it.
        pub body: Blob<'a>,
    }
}

layout! {
    /// What became of an event.
    pub struct EventSettled<'a> {
        /// Which.
        pub event: u128,
        /// The order that it is about; 0 where none is known.
        pub order: OrderKey,
        /// When the channel says that the order changed, in milliseconds since the Unix epoch.
        pub changed_ms: u64,
        /// Hash of what the channel says of the order's lines, total and address; 0 without.
        pub content: u64,
        /// Whose.
        pub tenant: TenantId,
        /// Which channel.
        pub channel: ChannelId,
        /// The version of the order that it made or confirmed; 0 without.
        pub version: u16,
        /// See [`settled_flags`].
        pub flags: u8,
        /// What became of it.
        pub fate: EventFate,
        /// Why, in words.
        pub note: &'a str,
    }
}

/// Flags of [`EventSettled`].
pub mod settled_flags {
    /// The order is cancelled.
    pub const CANCELLED: u8 = 1;
    /// All of them.
    pub const ALL: u8 = CANCELLED;
}

layout! {
    /// A channel's item stands for a SKU, or for none any more.
    pub struct SkuMapped<'a> {
        /// Whose.
        pub tenant: TenantId,
        /// Which channel.
        pub channel: ChannelId,
        /// The SKU; `u32::MAX`: none any more.
        pub sku: SkuId,
        /// The channel's id of the item.
        pub item: &'a str,
        /// What writing stock to the channel needs beside, as `name=value` pairs joined by `&`.
        pub write_back: &'a str,
    }
}

/// One record of what channels send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelEventRecord<'a> {
    /// See [`EventReceived`].
    Received(EventReceived<'a>),
    /// See [`EventSettled`].
    Settled(EventSettled<'a>),
    /// See [`SkuMapped`].
    Mapped(SkuMapped<'a>),
}

impl<'a> ChannelEventRecord<'a> {
    pub(super) fn take(number: u8, input: &mut &'a [u8]) -> Option<Self> {
        Some(match number {
            kind::EVENT_RECEIVED => Self::Received(Field::take(input)?),
            kind::EVENT_SETTLED => Self::Settled(Field::take(input)?),
            kind::SKU_MAPPED => Self::Mapped(Field::take(input)?),
            _ => return None,
        })
    }

    /// The number of this record's kind.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::Received(_) => kind::EVENT_RECEIVED,
            Self::Settled(_) => kind::EVENT_SETTLED,
            Self::Mapped(_) => kind::SKU_MAPPED,
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Received(record) => record.put(out),
            Self::Settled(record) => record.put(out),
            Self::Mapped(record) => record.put(out),
        }
    }
}
