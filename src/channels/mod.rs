//! Marketplaces: what they send, how it is signed, what can be asked of them.
//!
//! ```text
//!  marketplace ─▶ Delivery ─▶ verify (raw bytes) ─▶ read ─▶ Incoming, one or several
//!  marketplace ◀───────────── Api: order detail, changed orders, stock, cancel
//! ```
//!
//! One file or folder a marketplace. Formats and calls only: what an order or a stock figure means
//! is decided by the shard. Amounts and quantities are read from their decimal text, never through
//! a binary fraction; whatever cannot be read names its field and is never guessed.

mod delivery;
mod document;
mod incoming;
pub mod shopify;
mod signature;
mod text;

pub use delivery::{Delivery, Refused, Secrets, event_id};
pub use incoming::{
    ChannelLine, ChannelOrder, Incoming, Privacy, PrivacyKind, Stage, Unreadable, What,
};

use crate::types::ChannelKind;

/// Whether the delivery was sent by who shares a secret with us.
///
/// # Errors
/// It was not, or no secret is configured.
pub fn verify(kind: ChannelKind, delivery: &Delivery, secrets: &Secrets) -> Result<(), Refused> {
    match kind {
        ChannelKind::Shopify => shopify::verify(delivery, secrets),
        _ => Err(Refused::Unconfigured),
    }
}

/// What a delivery says: one entry for every order or message in it, in its order.
///
/// # Errors
/// The body as a whole cannot be read; what is wrong with a single order is said in its entry.
pub fn read(kind: ChannelKind, delivery: &Delivery) -> Result<Vec<Incoming>, Unreadable> {
    match kind {
        ChannelKind::Shopify => shopify::read(delivery),
        _ => Ok(Vec::new()),
    }
}
