//! Marketplaces as naive as can be: a figure an item, which their own sales are taken off.

use onhand::channels::api::{ApiError, StockWrite};
use onhand::types::{ChannelKind, OrderMode};

/// The SKUs of a run.
pub const SKUS: [&str; 3] = ["quota", "pool", "tight"];
pub const QUOTA: usize = 0;
pub const POOL: usize = 1;
pub const TIGHT: usize = 2;

/// Units of a channel's hard quota.
pub const QUOTA_UNITS: u32 = 12;

/// What a marketplace offers of an item.
#[derive(Clone, Copy, Debug, Default)]
pub struct Item {
    pub shown: u32,
    /// Writes that landed.
    pub writes: u64,
    /// The sequence at which the last of them was true.
    pub sequence: u64,
}

/// A marketplace.
#[derive(Debug)]
pub struct Market {
    /// Its channel.
    pub number: u16,
    pub kind: ChannelKind,
    /// It refuses writes that were made from another figure.
    pub compares: bool,
    /// It takes its sales off what it shows. One that does not sends carts, which are no sales yet.
    pub counts: bool,
    pub batch_max: usize,
    /// Events that it never sends, of a thousand.
    pub loses_per_mille: u32,
    pub items: [Item; 3],
    /// Units of its quota that were offered although they were sold.
    pub twice: u64,
}

impl Market {
    /// The four of a run.
    pub fn all() -> Vec<Self> {
        let market = |number, kind, compares, counts, batch_max, loses_per_mille| Self {
            number,
            kind,
            compares,
            counts,
            batch_max,
            loses_per_mille,
            items: [Item::default(); 3],
            twice: 0,
        };
        vec![
            market(1, ChannelKind::Shopify, true, true, 10, 0),
            market(2, ChannelKind::Shopee, false, true, 10, 0),
            market(3, ChannelKind::WooCommerce, false, true, 1, 120),
            market(4, ChannelKind::WhatsApp, false, false, 10, 0),
        ]
    }

    /// A write arrives; `given_up`: nobody waits for it any more.
    pub fn write(
        &mut self,
        write: &StockWrite,
        sequence: u64,
        given_up: bool,
    ) -> Result<(), ApiError> {
        let (number, compares) = (self.number, self.compares);
        let item = &mut self.items[place_of(&write.item)];
        assert!(
            given_up || sequence >= item.sequence,
            "channel {number}: {write:?}, true at {sequence}, follows what was true at {}",
            item.sequence
        );
        if compares && write.expected.is_some_and(|it| it != i64::from(item.shown)) {
            let current = Some(i64::from(item.shown));
            return Err(ApiError::Stale { current });
        }
        item.shown = write.quantity;
        item.sequence = sequence;
        item.writes += 1;
        Ok(())
    }
}

/// The place of an item, which has its SKU's name.
pub fn place_of(item: &str) -> usize {
    let found = SKUS.iter().position(|name| *name == item);
    found.expect("an item of this run")
}

/// An order, as whoever sold it knows it.
#[derive(Clone, Debug)]
pub struct Sold {
    /// 0: the own shop.
    pub channel: u16,
    pub sku: usize,
    pub units: u32,
    pub made_ms: u64,
    /// Writes of the item that had landed when it was sold.
    pub after_write: u64,
    /// Sequence of the record that accepted it, once that is known to be durable.
    pub accepted: Option<u64>,
    pub mode: OrderMode,
    /// The marketplace or its buyer has cancelled it.
    pub cancelled: bool,
    /// An event about it, or about its cancellation, was acknowledged; in the shop: the order.
    pub told: bool,
    pub cancel_told: bool,
}
