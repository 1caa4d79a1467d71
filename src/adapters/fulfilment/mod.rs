//! Labels and warehouses: one file a provider.

pub mod easypost;
pub mod notice;
pub mod rates;
pub mod shipstation;
pub mod wms;

use super::address::PostalAddress;
use super::call::Call;
use super::outcome::Outcome;

/// Where the parcel goes.
///
/// # Errors
/// The order has no shipping address or no country: refused with the code `no_address`.
fn destination(call: &Call) -> Result<PostalAddress, Outcome> {
    let details = &call.facts.details;
    let address = PostalAddress::parse(&details.shipping_address, &details.country);
    match address {
        Some(address) if !address.country.is_empty() => Ok(address),
        _ => Err(Outcome::refused(
            "no_address",
            "the order has no shipping address with a country",
        )),
    }
}

/// An empty text as JSON `null`.
fn or_null(text: &str) -> serde_json::Value {
    if text.is_empty() {
        serde_json::Value::Null
    } else {
        text.into()
    }
}
