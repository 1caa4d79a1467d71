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

pub mod api;
mod delivery;
mod document;
mod incoming;
pub mod intake;
mod options;
pub mod publish;
pub mod shopee;
pub mod shopify;
mod signature;
mod standing;
mod text;
pub mod tiktok;
pub mod whatsapp;
pub mod woocommerce;

pub use delivery::{Delivery, Refused, Secrets, event_id};
pub use incoming::{
    ChannelLine, ChannelOrder, Incoming, Privacy, PrivacyKind, Stage, Unreadable, What,
};
pub use options::ChannelOptions;
pub use standing::Standing;

use crate::types::ChannelKind;

/// Whether the delivery was sent by who shares a secret with us.
///
/// # Errors
/// It was not, or no secret is configured.
pub fn verify(kind: ChannelKind, delivery: &Delivery, secrets: &Secrets) -> Result<(), Refused> {
    match kind {
        ChannelKind::Shopify => shopify::verify(delivery, secrets),
        ChannelKind::WooCommerce => woocommerce::verify(delivery, secrets),
        ChannelKind::Shopee => shopee::verify(delivery, secrets),
        ChannelKind::TikTok => tiktok::verify(delivery, secrets),
        ChannelKind::WhatsApp => whatsapp::verify(delivery, secrets),
    }
}

/// What a delivery says: one entry for every order or message in it, in its order.
///
/// # Errors
/// The body as a whole cannot be read; what is wrong with a single order is said in its entry.
pub fn read(kind: ChannelKind, delivery: &Delivery) -> Result<Vec<Incoming>, Unreadable> {
    match kind {
        ChannelKind::Shopify => shopify::read(delivery),
        ChannelKind::WooCommerce => woocommerce::read(delivery),
        ChannelKind::Shopee => shopee::read(delivery),
        ChannelKind::TikTok => tiktok::read(delivery),
        ChannelKind::WhatsApp => whatsapp::read(delivery),
    }
}
