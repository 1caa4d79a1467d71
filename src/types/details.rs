//! Order details: what adapters and people need about an order beyond its stock.
//!
//! They arrive as a language-neutral message (`wire::details`, documented in `docs/PROTOCOL.md`),
//! are validated once at intake and archived with rkyv into the order's journal record, where
//! readers use them in place. The engine never looks inside.

use rkyv::{Archive, Deserialize, Serialize};

/// Version of the archived layout, journaled beside the bytes. A new field means a new version.
pub const DETAILS_ARCHIVE_VERSION: u8 = 1;

/// The details of one order. Every text is UTF-8 without control characters (line breaks allowed
/// in `custom_handling`); empty means absent.
#[derive(
    Archive,
    Serialize,
    Deserialize,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
)]
#[serde(default, deny_unknown_fields)]
pub struct OrderDetails {
    /// The channel's own order id.
    pub external_id: String,
    /// Contact name.
    pub contact_name: String,
    /// Contact e-mail address.
    pub email: String,
    /// Contact phone number.
    pub phone: String,
    /// Shipping address, one entry a line.
    pub shipping_address: Vec<String>,
    /// Billing address, one entry a line.
    pub billing_address: Vec<String>,
    /// ISO 3166-1 alpha-2 country of the shipping address.
    pub country: String,
    /// The payment provider's reference; never a card number.
    pub payment_token: String,
    /// Unit price of each order line in minor units, in the order of the lines; may be empty.
    pub unit_prices: Vec<u64>,
    /// Fraud signal: address of the buyer's connection.
    pub ip: String,
    /// Fraud signal: device fingerprint.
    pub device: String,
    /// Fraud signal: shop session.
    pub session: String,
    /// Fraud signal: seconds from cart to checkout.
    #[schema(maximum = 4_294_967_295_u64)]
    pub checkout_seconds: u32,
    /// Instructions for gift wrap or special handling.
    pub custom_handling: String,
}

impl OrderDetails {
    /// The details in the archived bytes of a journal record; `None` where they are not of this
    /// build's layout.
    #[must_use]
    pub fn from_archive(bytes: &[u8]) -> Option<Self> {
        let mut aligned = rkyv::util::AlignedVec::<16>::with_capacity(bytes.len());
        aligned.extend_from_slice(bytes);
        rkyv::from_bytes::<Self, rkyv::rancor::Error>(&aligned).ok()
    }
}
