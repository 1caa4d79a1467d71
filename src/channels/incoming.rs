//! What marketplaces say, in words that they share.

use super::delivery::event_id;
use super::document::Field;
use crate::limits::ORDER_LINES_MAX;
use crate::types::{ChannelKind, OrderDetails};

/// One thing that a delivery says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Recognises the same event when it is delivered again: see `docs/CHANNELS.md`.
    pub event: u128,
    /// The marketplace's name of the event, such as `orders/create`.
    pub topic: String,
    /// The order's id at the marketplace; empty where the event is about none.
    pub order_id: String,
    /// When the order changed, in milliseconds since 1970, by the marketplace's clock; 0 where it
    /// does not say: such an event is never older than what is held.
    pub changed_ms: u64,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The order as it is now.
    Order(Box<ChannelOrder>),
    /// The order was cancelled.
    Cancelled {
        /// In the marketplace's words.
        reason: String,
    },
    /// The order changed; its detail has to be fetched.
    Fetch,
    /// A buyer or a shop asks about its data.
    Privacy(Privacy),
    /// Nothing to do, and why.
    Ignored(&'static str),
    /// This one cannot be read.
    Unreadable(Unreadable),
}

/// How far the marketplace is with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Sold; the buyer has yet to pay, or the marketplace holds it back.
    Waiting,
    /// To be shipped.
    Ready,
    /// Shipped, or further.
    Shipped,
    /// The payment failed; the buyer may try again.
    Failed,
    /// All of its money was given back, and it was not cancelled.
    Refunded,
}

/// An order of a marketplace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelOrder {
    /// Its id there.
    pub order_id: String,
    /// When it was made, in milliseconds since 1970 by the marketplace's clock: its units did not go
    /// before. 0: not known.
    pub made_ms: u64,
    /// Its status there, as written.
    pub status: String,
    /// What that status means.
    pub stage: Stage,
    /// The marketplace has, or holds, the buyer's money.
    pub paid: bool,
    /// The buyer pays the carrier.
    pub cash_on_delivery: bool,
    /// ISO 4217 number.
    pub currency: u16,
    /// Minor units.
    pub total: u64,
    /// What is ordered: 1 to 64 lines.
    pub lines: Vec<ChannelLine>,
    /// The buyer's id there; empty for a guest.
    pub customer: String,
    /// Contact, addresses and unit prices, within the bounds of order details.
    pub details: OrderDetails,
}

/// A line of a marketplace's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelLine {
    /// The article's id at the marketplace, in the form that mappings use; empty where it has none.
    pub item: String,
    /// The merchant's SKU, as the marketplace knows it; may be empty.
    pub sku: String,
    /// Units, at least 1.
    pub quantity: u32,
    /// Minor units of one.
    pub unit_price: u64,
}

/// A request about somebody's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privacy {
    /// Which.
    pub kind: PrivacyKind,
    /// The shop.
    pub shop: String,
    /// The buyer's id at the marketplace; empty where it is about the shop.
    pub customer: String,
    /// Ids of the orders concerned.
    pub orders: Vec<String>,
}

/// What is asked about somebody's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivacyKind {
    /// A buyer wants to see them.
    DataRequest,
    /// A buyer wants them removed.
    RedactCustomer,
    /// A shop is gone; everything of it is to be removed.
    RedactShop,
}

/// A body that cannot be read. No personal data is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct Unreadable {
    /// Where, such as `line_items[1].quantity`; `the body` for the whole.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Unreadable {
    /// A problem with one field.
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl Incoming {
    /// An order that was asked for and not sent. The same order with the same status and time of
    /// change is the same event, however often it is asked for.
    pub(super) fn detail(
        kind: ChannelKind,
        (order_id, status): (String, &str),
        changed_ms: u64,
        read: Result<What, Unreadable>,
    ) -> Self {
        let time = changed_ms.to_le_bytes();
        let parts = [
            b"detail".as_slice(),
            order_id.as_bytes(),
            status.as_bytes(),
            &time,
        ];
        Self {
            event: event_id(kind, &parts),
            topic: "order_detail".into(),
            order_id,
            changed_ms,
            what: What::Fetch,
        }
        .told(read)
    }

    /// An event that means nothing to an order, and why.
    pub(super) fn ignored(event: u128, topic: &str, why: &'static str) -> Self {
        Self {
            event,
            topic: topic.to_owned(),
            order_id: String::new(),
            changed_ms: 0,
            what: What::Ignored(why),
        }
    }

    /// This event, with what happened read by `read`; what cannot be read stays in its entry.
    pub(super) fn told(mut self, read: Result<What, Unreadable>) -> Self {
        self.what = read.unwrap_or_else(What::Unreadable);
        self
    }
}

/// The entries of an order's list of lines: 1 to 64.
pub(super) fn entries<'a>(list: &Field<'a>) -> Result<Vec<Field<'a>>, Unreadable> {
    let entries = list.items()?;
    if entries.is_empty() || entries.len() > ORDER_LINES_MAX {
        return Err(list.bad(format!(
            "has {} lines, where 1 to {ORDER_LINES_MAX} are taken",
            entries.len()
        )));
    }
    Ok(entries)
}
