//! The details message: what adapters and people need about an order, language-neutral.
//!
//! ```text
//!  0         1      2         4                     4 + length
//!  ┌─────────┬──────┬─────────┬─────────────────────┬──────┬─────────┬───
//!  │ version │ tag  │ length  │ length bytes        │ tag  │ length  │ …
//!  └─────────┴──────┴─────────┴─────────────────────┴──────┴─────────┴───
//! ```
//!
//! Fields stand in ascending order of their tags; only address lines repeat. An absent field is
//! left out, never sent empty. So equal details are equal bytes.

#[cfg(test)]
mod tests;

use crate::limits::{ADDRESS_LINES_MAX, DETAILS_BYTES_MAX};
use crate::types::{OrderDetails, ResultCode, card};
use crate::wire::reader::Reader;

/// Version of this message.
pub const VERSION: u8 = 1;

/// Tags of the fields, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)] // named as the fields of OrderDetails
pub enum Tag {
    ExternalId = 1,
    ContactName = 2,
    Email = 3,
    Phone = 4,
    /// One line; repeats.
    ShippingAddress = 5,
    /// One line; repeats.
    BillingAddress = 6,
    /// Two upper-case letters.
    Country = 7,
    PaymentToken = 8,
    /// One u64 for each line of the order.
    UnitPrices = 9,
    /// An IPv4 or IPv6 address in text form.
    Ip = 10,
    Device = 11,
    Session = 12,
    /// A u32.
    CheckoutSeconds = 13,
    /// May have line breaks.
    CustomHandling = 14,
}

impl Tag {
    const ALL: [Tag; 14] = [
        Self::ExternalId,
        Self::ContactName,
        Self::Email,
        Self::Phone,
        Self::ShippingAddress,
        Self::BillingAddress,
        Self::Country,
        Self::PaymentToken,
        Self::UnitPrices,
        Self::Ip,
        Self::Device,
        Self::Session,
        Self::CheckoutSeconds,
        Self::CustomHandling,
    ];

    fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| *tag as u8 == value)
    }

    const fn repeats(self) -> bool {
        matches!(self, Self::ShippingAddress | Self::BillingAddress)
    }
}

/// Details that an order cannot carry; the order is refused and nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} at byte {offset} of the details: {}", code.meaning())]
pub struct DetailsError {
    /// `DETAILS_TOO_LONG`, `DETAILS_MALFORMED` or `CARD_NUMBER`.
    pub code: ResultCode,
    /// Start of the field in question.
    pub offset: usize,
}

impl DetailsError {
    const fn new(code: ResultCode, offset: usize) -> Self {
        Self { code, offset }
    }
}

/// Validates the details of an order with `line_count` lines and takes them apart.
///
/// # Errors
/// Longer than `DETAILS_BYTES_MAX`; then, field by field: a layout, order, text or value that is
/// not as documented, or what looks like a payment card number in any text but the external id;
/// at the end: unit prices for another number of lines.
pub fn decode(bytes: &[u8], line_count: usize) -> Result<OrderDetails, DetailsError> {
    if bytes.len() > DETAILS_BYTES_MAX {
        return Err(DetailsError::new(ResultCode::DetailsTooLong, 0));
    }
    let malformed = |offset| DetailsError::new(ResultCode::DetailsMalformed, offset);
    let mut reader = Reader::new(bytes);
    if reader.u8() != Some(VERSION) {
        return Err(malformed(0));
    }
    let mut details = OrderDetails::default();
    let mut previous = None;
    while reader.remaining() > 0 {
        let offset = bytes.len() - reader.remaining();
        let (tag, value) = take_field(&mut reader).ok_or(malformed(offset))?;
        let in_order = previous.is_none_or(|last| tag > last || (tag == last && tag.repeats()));
        if !in_order {
            return Err(malformed(offset));
        }
        previous = Some(tag);
        store(&mut details, tag, value).map_err(|code| DetailsError::new(code, offset))?;
    }
    if details.unit_prices.is_empty() || details.unit_prices.len() == line_count {
        Ok(details)
    } else {
        Err(malformed(0))
    }
}

fn take_field<'a>(reader: &mut Reader<'a>) -> Option<(Tag, &'a [u8])> {
    let tag = Tag::from_u8(reader.u8()?)?;
    let length = usize::from(reader.u16()?);
    let value = reader.slice(length)?;
    (length > 0).then_some((tag, value))
}

fn store(details: &mut OrderDetails, tag: Tag, value: &[u8]) -> Result<(), ResultCode> {
    let text_field = match tag {
        Tag::UnitPrices => {
            let (prices, rest) = value.as_chunks::<8>();
            details.unit_prices = prices.iter().map(|p| u64::from_le_bytes(*p)).collect();
            return rest
                .is_empty()
                .then_some(())
                .ok_or(ResultCode::DetailsMalformed);
        }
        Tag::CheckoutSeconds => {
            let bytes = value.try_into().map_err(|_| ResultCode::DetailsMalformed)?;
            details.checkout_seconds = u32::from_le_bytes(bytes);
            return Ok(());
        }
        Tag::ShippingAddress => new_line(&mut details.shipping_address)?,
        Tag::BillingAddress => new_line(&mut details.billing_address)?,
        Tag::ExternalId => &mut details.external_id,
        Tag::ContactName => &mut details.contact_name,
        Tag::Email => &mut details.email,
        Tag::Phone => &mut details.phone,
        Tag::Country => &mut details.country,
        Tag::PaymentToken => &mut details.payment_token,
        Tag::Ip => &mut details.ip,
        Tag::Device => &mut details.device,
        Tag::Session => &mut details.session,
        Tag::CustomHandling => &mut details.custom_handling,
    };
    check_text(tag, value)?.clone_into(text_field);
    Ok(())
}

fn new_line(lines: &mut Vec<String>) -> Result<&mut String, ResultCode> {
    if lines.len() >= ADDRESS_LINES_MAX {
        return Err(ResultCode::DetailsMalformed);
    }
    lines.push(String::new());
    lines.last_mut().ok_or(ResultCode::DetailsMalformed)
}

fn check_text(tag: Tag, value: &[u8]) -> Result<&str, ResultCode> {
    let text = std::str::from_utf8(value).map_err(|_| ResultCode::DetailsMalformed)?;
    let breaks_allowed = tag == Tag::CustomHandling;
    let is_bad = |c: char| c.is_control() && !(breaks_allowed && matches!(c, '\n' | '\r'));
    let is_sound = match tag {
        Tag::Country => text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
        Tag::Ip => text.parse::<std::net::IpAddr>().is_ok(),
        _ => !text.contains(is_bad),
    };
    if !is_sound {
        return Err(ResultCode::DetailsMalformed);
    }
    let has_card = match tag {
        Tag::ExternalId => false,
        Tag::Phone => card::in_phone(text),
        _ => card::in_text(text),
    };
    if has_card {
        return Err(ResultCode::CardNumber);
    }
    Ok(text)
}

/// The message of `details`, as a client sends it, for an order of `line_count` lines.
///
/// # Errors
/// As [`decode`]: what the server would refuse is not encoded.
pub fn encode(details: &OrderDetails, line_count: usize) -> Result<Vec<u8>, DetailsError> {
    let mut out = vec![VERSION];
    for tag in Tag::ALL {
        match tag {
            Tag::UnitPrices => {
                let prices = details.unit_prices.iter();
                let bytes: Vec<u8> = prices.flat_map(|price| price.to_le_bytes()).collect();
                put_field(&mut out, tag, &bytes)?;
            }
            Tag::CheckoutSeconds if details.checkout_seconds != 0 => {
                put_field(&mut out, tag, &details.checkout_seconds.to_le_bytes())?;
            }
            Tag::CheckoutSeconds => {}
            Tag::ShippingAddress => put_lines(&mut out, tag, &details.shipping_address)?,
            Tag::BillingAddress => put_lines(&mut out, tag, &details.billing_address)?,
            Tag::ExternalId => put_field(&mut out, tag, details.external_id.as_bytes())?,
            Tag::ContactName => put_field(&mut out, tag, details.contact_name.as_bytes())?,
            Tag::Email => put_field(&mut out, tag, details.email.as_bytes())?,
            Tag::Phone => put_field(&mut out, tag, details.phone.as_bytes())?,
            Tag::Country => put_field(&mut out, tag, details.country.as_bytes())?,
            Tag::PaymentToken => put_field(&mut out, tag, details.payment_token.as_bytes())?,
            Tag::Ip => put_field(&mut out, tag, details.ip.as_bytes())?,
            Tag::Device => put_field(&mut out, tag, details.device.as_bytes())?,
            Tag::Session => put_field(&mut out, tag, details.session.as_bytes())?,
            Tag::CustomHandling => put_field(&mut out, tag, details.custom_handling.as_bytes())?,
        }
    }
    decode(&out, line_count)?;
    Ok(out)
}

fn put_lines(out: &mut Vec<u8>, tag: Tag, lines: &[String]) -> Result<(), DetailsError> {
    lines
        .iter()
        .try_for_each(|line| put_field(out, tag, line.as_bytes()))
}

fn put_field(out: &mut Vec<u8>, tag: Tag, value: &[u8]) -> Result<(), DetailsError> {
    if value.is_empty() {
        return Ok(());
    }
    let length = u16::try_from(value.len())
        .map_err(|_| DetailsError::new(ResultCode::DetailsTooLong, out.len()))?;
    out.push(tag as u8);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    Ok(())
}
