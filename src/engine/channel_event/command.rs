//! What is told and asked about what channels send.

use crate::types::channel_event::EventFate;
use crate::types::{ChannelId, OrderKey, SkuId, TenantId};

/// One event of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventHead {
    /// Hash of tenant, channel and the channel's own id of the event; not 0.
    pub event: u128,
    /// What it is about, in the channel's word.
    pub topic: String,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which event.
    pub event: u128,
    /// What became of it; [`EventFate::Open`]: it is driven again.
    pub fate: EventFate,
    /// The order that it is about; 0 where none is known.
    pub order: OrderKey,
    /// What the order is like now, for `Applied` and `Duplicate`.
    pub state: ChannelOrder,
    /// Why, in words; cut at `EVENT_NOTE_BYTES_MAX`.
    pub note: String,
}

/// What was applied last to an order of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelOrder {
    /// When the channel says that the order changed, in milliseconds since the Unix epoch.
    pub changed_ms: u64,
    /// Hash of the order's lines, total and address as the channel says them.
    pub content: u64,
    /// The order's version.
    pub version: u16,
    /// The channel has cancelled it.
    pub cancelled: bool,
}

/// A command about what channels send.
#[derive(Clone, Debug)]
pub enum ChannelEventCommand<'a> {
    /// A delivery arrived: those of its events that are new are journaled, with the body once.
    Receive {
        /// Which channel.
        channel: ChannelId,
        /// The events in it.
        events: &'a [EventHead],
        /// Headers that reading it takes, as lines `name: value`.
        head: &'a str,
        /// The body as received.
        body: &'a [u8],
    },
    /// What became of an event.
    Settle(&'a Settlement),
    /// An item stands for a SKU.
    Map {
        /// Which channel.
        channel: ChannelId,
        /// The channel's id of the item.
        item: &'a str,
        /// Name of the SKU; empty: none any more.
        sku: &'a str,
        /// What writing stock needs beside, as `name=value` pairs joined by `&`.
        write_back: &'a str,
    },
}

/// Which events to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only of this fate; `None`: those that wait for a person.
    pub fate: Option<EventFate>,
    /// Only of this channel.
    pub channel: Option<ChannelId>,
    /// Go on behind this sequence; 0: from the oldest.
    pub after: u64,
    /// At most so many.
    pub limit: u16,
}

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// Its id.
    pub event: u128,
    /// Whose.
    pub tenant: TenantId,
    /// Which channel sent it.
    pub channel: ChannelId,
    /// Sequence of its first record.
    pub sequence: u64,
    /// Sequence of the record at which its body begins.
    pub body_at: u64,
    /// When it arrived, in milliseconds since the Unix epoch.
    pub received_ms: u64,
    /// When its fate was last decided; 0: not yet.
    pub settled_ms: u64,
    /// What became of it so far.
    pub fate: EventFate,
    /// The order, or 0.
    pub order: OrderKey,
    /// What it is about, in the channel's word.
    pub topic: String,
    /// Why it waits.
    pub note: String,
}

/// A page of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The events, oldest first.
    pub events: Vec<EventView>,
    /// Where the next page begins; 0 at the end.
    pub next: u64,
}

/// An item and the SKU that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingView {
    /// Which channel.
    pub channel: ChannelId,
    /// The channel's id of the item.
    pub item: String,
    /// The SKU.
    pub sku: SkuId,
    /// Its name.
    pub name: String,
    /// What writing stock needs beside.
    pub write_back: String,
}

/// What an item of an order stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemSku {
    /// Name of the SKU.
    pub name: String,
    /// What writing stock needs beside; empty for an item that is not mapped.
    pub write_back: String,
}

/// An item of an order, as its channel names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemName {
    /// The channel's id of the item.
    pub item: String,
    /// The SKU text that came with it; may be empty.
    pub sku: String,
}
