//! Questions: stock, orders, lists, subscriptions.

use crate::types::{LocationId, OrderKey, SkuId};
use crate::wire::item::Item;
use crate::wire::reader::Reader;

/// The cells of one SKU: sku u32, from u16, zero u16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockQueryItem {
    /// Which SKU.
    pub sku: SkuId,
    /// Only cells at this location handle and above: 0 for all, or where a cut answer goes on.
    pub from: LocationId,
}

impl<'a> Item<'a> for StockQueryItem {
    #[inline]
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let item = Self {
            sku: reader.sku()?,
            from: reader.location()?,
        };
        reader.zeros::<2>()?;
        Some(item)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sku.0.to_le_bytes());
        out.extend_from_slice(&self.from.0.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
    }
}

impl<'a> Item<'a> for OrderKey {
    #[inline]
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        reader.order_key()
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }
}

impl<'a> Item<'a> for SkuId {
    #[inline]
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        reader.sku()
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }
}

/// A page of SKUs or locations: from u32, limit u16, zero u16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// First handle of the page: 0, or `next` of the page before.
    pub from: u32,
    /// Most entries of the page, 1 ..= `QUERY_ITEMS_MAX`; the server may send fewer.
    pub limit: u16,
}

impl<'a> Item<'a> for ListPage {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let page = Self {
            from: reader.u32()?,
            limit: reader.u16()?,
        };
        reader.zeros::<2>()?;
        Some(page)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.from.to_le_bytes());
        out.extend_from_slice(&self.limit.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
    }
}
