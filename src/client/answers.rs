//! Answers as owned values.

use crate::types::{LocationId, ResultCode, SkuId};
use crate::wire::reply::{
    Cell, LocationEntry, OrderEntry, OrderLine, OrderNote, OrderShortLine, OrderSummary,
    ReserveReply, ReserveReplyItem, SkuEntry, StatisticsReply, StockEvent,
};
use std::collections::BTreeMap;

/// The answer to one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveAnswer {
    /// Code, state, order number, end of the hold.
    pub item: ReserveReplyItem,
    /// What was short, or granted in part.
    pub notes: Vec<OrderNote>,
}

impl ReserveAnswer {
    pub(super) fn collect(reply: &ReserveReply<'_>) -> Vec<Self> {
        let mut notes = reply.notes;
        reply
            .items
            .map(|item| Self {
                item,
                notes: notes.by_ref().take(usize::from(item.notes)).collect(),
            })
            .collect()
    }
}

/// The cells of one SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockAnswer {
    /// `OK` or `UNKNOWN_SKU`.
    pub code: ResultCode,
    /// Which SKU.
    pub sku: SkuId,
    /// Everything up to this record is in the numbers (of the last page, where there were several).
    pub sequence: u64,
    /// In order of their locations.
    pub cells: Vec<Cell>,
}

/// One order with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderAnswer {
    /// Everything but the lines.
    pub summary: OrderSummary,
    /// One a location; none for refused orders.
    pub lines: Vec<OrderLine>,
    /// Which lines were short, for refused orders.
    pub short_lines: Vec<OrderShortLine>,
}

impl From<OrderEntry<'_>> for OrderAnswer {
    fn from(entry: OrderEntry<'_>) -> Self {
        Self {
            summary: entry.summary,
            lines: entry.lines.collect(),
            short_lines: entry.short_lines.collect(),
        }
    }
}

/// One SKU of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuAnswer {
    /// Its handle.
    pub sku: SkuId,
    /// It may be ordered.
    pub on_sale: bool,
    /// Its name.
    pub name: String,
}

impl From<SkuEntry<'_>> for SkuAnswer {
    fn from(entry: SkuEntry<'_>) -> Self {
        Self {
            sku: entry.sku,
            on_sale: entry.on_sale,
            name: entry.name.to_owned(),
        }
    }
}

/// One location of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationAnswer {
    /// Its handle.
    pub location: LocationId,
    /// Lower is preferred where distance does not decide.
    pub priority: u16,
    /// As defined.
    pub x: i32,
    /// As defined.
    pub y: i32,
    /// Its name.
    pub name: String,
}

impl From<LocationEntry<'_>> for LocationAnswer {
    fn from(entry: LocationEntry<'_>) -> Self {
        Self {
            location: entry.location,
            priority: entry.priority,
            x: entry.x,
            y: entry.y,
            name: entry.name.to_owned(),
        }
    }
}

/// The shard's counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatisticsAnswer {
    /// Hash of the whole state, where asked for.
    pub digest: Option<[u8; 32]>,
    /// Name and value, in the server's order.
    pub values: Vec<(String, u64)>,
}

impl From<StatisticsReply<'_>> for StatisticsAnswer {
    fn from(reply: StatisticsReply<'_>) -> Self {
        Self {
            digest: reply.digest,
            values: reply
                .values
                .map(|value| (value.name.to_owned(), value.value))
                .collect(),
        }
    }
}

/// Stock events that arrived and were not taken yet: the last one of each SKU.
#[derive(Clone, Debug, Default)]
pub struct StockEvents {
    by_sku: BTreeMap<SkuId, StockEvent>,
}

impl StockEvents {
    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_sku.is_empty()
    }

    pub(super) fn extend(&mut self, events: impl Iterator<Item = StockEvent>) {
        self.by_sku.extend(events.map(|event| (event.sku, event)));
    }

    pub(super) fn take(&mut self) -> Vec<StockEvent> {
        std::mem::take(&mut self.by_sku).into_values().collect()
    }
}
