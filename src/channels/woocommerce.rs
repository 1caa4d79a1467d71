//! WooCommerce: webhooks with the whole order, some of which never come.

pub mod api;
#[cfg(test)]
mod tests;

use super::delivery::{Delivery, Refused, Secrets, event_id};
use super::document::{Field, Json};
use super::incoming::{ChannelLine, ChannelOrder, Incoming, Stage, Unreadable, What, entries};
use super::signature::{self, Encoding};
use super::text;
use crate::types::{ChannelKind, OrderDetails};

const SIGNATURE: &str = "x-wc-webhook-signature";

/// What a webhook that was just saved posts, unsigned: `webhook_id=7`.
const PING: &[u8] = b"webhook_id=";

/// Longest such post, in bytes.
const PING_BYTES_MAX: usize = 40;

/// True for the unsigned form that is posted once where a webhook is saved: to be answered with
/// 200 and forgotten.
#[must_use]
pub fn is_ping(delivery: &Delivery) -> bool {
    let digits = delivery.body.strip_prefix(PING);
    delivery.header(SIGNATURE).is_none()
        && delivery.body.len() <= PING_BYTES_MAX
        && digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// Checks the signature over the body, with any of the webhook's configured secrets.
///
/// # Errors
/// See [`Refused`].
pub fn verify(delivery: &Delivery, secrets: &Secrets) -> Result<(), Refused> {
    if delivery.body.is_empty() {
        return Err(Refused::Empty);
    }
    signature::check(
        SIGNATURE,
        delivery.header(SIGNATURE),
        Encoding::Base64,
        secrets,
        &[&delivery.body],
    )
}

/// Reads a delivery: one event.
///
/// # Errors
/// The body is no JSON, or has no order id.
pub fn read(delivery: &Delivery) -> Result<Vec<Incoming>, Unreadable> {
    let document = Json::parse(&delivery.body)?;
    let root = document.root();
    let topic = delivery.header("x-wc-webhook-topic").unwrap_or_default();
    if !topic.starts_with("order.") {
        let event = delivery.body_id(ChannelKind::WooCommerce);
        let why = "this topic is about no order";
        return Ok(vec![Incoming::ignored(event, topic, why)]);
    }
    let source = delivery.header("x-wc-webhook-source").unwrap_or_default();
    Ok(vec![incoming(source, topic, &root)?])
}

/// An order as webhooks and the API write it.
fn incoming(source: &str, topic: &str, root: &Field<'_>) -> Result<Incoming, Unreadable> {
    let order_id = root.get("id").id()?;
    // X-WC-Webhook-Delivery-ID is shared by all deliveries of one second: it tells nothing apart.
    // An order may be paid and cancelled within a second.
    let (modified, status) = (
        root.get("date_modified_gmt"),
        root.get("status").text_or_empty(),
    );
    let parts = [source, topic, &order_id, &modified.text_or_empty(), &status];
    let incoming = Incoming {
        event: event_id(ChannelKind::WooCommerce, &parts.map(str::as_bytes)),
        topic: topic.to_owned(),
        changed_ms: modified.time().unwrap_or(0),
        order_id: order_id.clone(),
        what: What::Ignored("the buyer is still at the checkout"),
    };
    if topic == "order.deleted" {
        // Its body is nothing but the id.
        let reason = "deleted".to_owned();
        return Ok(incoming.told(Ok(What::Cancelled { reason })));
    }
    if status == "checkout-draft" {
        return Ok(incoming);
    }
    if let Err(error) = modified.time() {
        return Ok(incoming.told(Err(error)));
    }
    if matches!(&*status, "cancelled" | "refunded" | "trash") {
        return Ok(incoming.told(Ok(What::Cancelled { reason: status })));
    }
    Ok(incoming.told(order(order_id, status, root)))
}

fn order(order_id: String, status: String, root: &Field<'_>) -> Result<What, Unreadable> {
    if status.is_empty() {
        return Err(root.get("status").bad("is missing"));
    }
    let currency = root.get("currency").currency()?;
    let items = entries(&root.get("line_items"))?;
    let mut lines = Vec::with_capacity(items.len());
    for item in &items {
        lines.push(line(item, currency)?);
    }
    let cash_on_delivery = root.get("payment_method").text_or_empty() == "cod";
    let ready = matches!(&*status, "processing" | "completed");
    let customer = root.get("customer_id").text_or_empty();
    Ok(What::Order(Box::new(ChannelOrder {
        stage: match &*status {
            "completed" => Stage::Shipped,
            "processing" => Stage::Ready,
            "failed" => Stage::Failed,
            _ => Stage::Waiting,
        },
        made_ms: root.get("date_created_gmt").time().unwrap_or(0),
        status,
        paid: ready && !cash_on_delivery,
        cash_on_delivery,
        currency,
        total: root.get("total").amount(currency)?,
        // 0 is every guest.
        customer: if customer == "0" {
            String::new()
        } else {
            customer
        },
        details: details(root, &order_id, &lines),
        order_id,
        lines,
    })))
}

fn line(item: &Field<'_>, currency: u16) -> Result<ChannelLine, Unreadable> {
    let product = item.get("product_id").text()?;
    let variation = item.get("variation_id").text()?;
    let price = item.get("price");
    Ok(ChannelLine {
        item: match &*variation {
            "" | "0" => product,
            variation => format!("{product}/{variation}"),
        },
        sku: item.get("sku").text()?,
        quantity: item.get("quantity").quantity()?,
        unit_price: unit_price(&price, currency)?,
    })
}

/// The price is a division by the shop, with as many digits as it likes: more than the currency's are
/// rounded half up, from their text.
fn unit_price(price: &Field<'_>, currency: u16) -> Result<u64, Unreadable> {
    let text = price.id()?;
    let digits = crate::types::money::exponent(currency).unwrap_or(0);
    let digits = usize::try_from(digits).unwrap_or(0);
    let Some((whole, fraction)) = text.split_once('.') else {
        return price.amount(currency);
    };
    let (kept, rest) = match fraction.split_at_checked(digits) {
        Some((kept, rest)) if rest.bytes().all(|byte| byte.is_ascii_digit()) => (kept, rest),
        _ => return price.amount(currency),
    };
    let up = rest.bytes().next().is_some_and(|digit| digit >= b'5');
    let cut = format!("{whole}.{kept}");
    match crate::types::money::from_decimal(&cut, currency) {
        Some(minor) if minor < crate::limits::ORDER_TOTAL_MAX => Ok(minor + u64::from(up)),
        _ => price.amount(currency),
    }
}

fn details(root: &Field<'_>, order_id: &str, lines: &[ChannelLine]) -> OrderDetails {
    let mut details = text::details(order_id, lines.iter().map(|l| l.unit_price).collect());
    let (billing, shipping) = (root.get("billing"), root.get("shipping"));
    // A shop that ships to the billing address sends the fields of the other one empty.
    let to = if shipping.get("address_1").is_empty() && shipping.get("city").is_empty() {
        &billing
    } else {
        &shipping
    };
    details.contact_name = text::name(&to.get("first_name"), &to.get("last_name"));
    if details.contact_name.is_empty() {
        details.contact_name = text::name(&billing.get("first_name"), &billing.get("last_name"));
    }
    details.email = text::line(&billing.get("email").text_or_empty());
    let phone = |at: &Field<'_>| text::phone(&at.get("phone").text_or_empty());
    details.phone = match phone(to) {
        empty if empty.is_empty() => phone(&billing),
        found => found,
    };
    details.shipping_address = address(to);
    details.billing_address = address(&billing);
    details.country = text::country(&to.get("country").text_or_empty());
    details.custom_handling = text::note(&root.get("customer_note").text_or_empty());
    details
}

fn address(at: &Field<'_>) -> Vec<String> {
    let part = |name: &str| at.get(name).text_or_empty();
    let streets = [part("company"), part("address_1"), part("address_2")];
    text::address(&streets, &part("city"), &part("state"), &part("postcode"))
}
