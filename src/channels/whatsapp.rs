//! WhatsApp Cloud API: orders in messages, several in one delivery.

pub mod api;
#[cfg(test)]
mod tests;

use super::delivery::{Delivery, Refused, Secrets, event_id};
use super::document::{Field, Json};
use super::incoming::{ChannelLine, ChannelOrder, Incoming, Stage, Unreadable, What, entries};
use super::signature::{self, Encoding};
use super::text;
use crate::limits::ORDER_TOTAL_MAX;
use crate::types::{ChannelKind, money};
use subtle::ConstantTimeEq;

const SIGNATURE: &str = "x-hub-signature-256";

/// Checks the signature over the body, with any of the app secrets.
///
/// # Errors
/// See [`Refused`].
pub fn verify(delivery: &Delivery, secrets: &Secrets) -> Result<(), Refused> {
    if delivery.body.is_empty() {
        return Err(Refused::Empty);
    }
    let header = delivery.header(SIGNATURE);
    signature::check(
        SIGNATURE,
        // A signature without its scheme is none: it has no hexadecimal form either.
        header.map(|value| value.trim().strip_prefix("sha256=").unwrap_or("?")),
        Encoding::Hex,
        secrets,
        &[&delivery.body],
    )
}

/// What to answer to the handshake `GET ?hub.mode=…&hub.challenge=…&hub.verify_token=…`: the
/// challenge, as bare text. None: it is to be refused with 403.
#[must_use]
pub fn handshake<'a>(
    mode: &str,
    challenge: &'a str,
    token: &str,
    secrets: &Secrets,
) -> Option<&'a str> {
    let expected = secrets.verify_token.as_ref()?.reveal();
    let known: bool = expected.as_bytes().ct_eq(token.as_bytes()).into();
    (mode == "subscribe" && known && !expected.is_empty()).then_some(challenge)
}

/// Reads a delivery: one event for every message, receipt and other change, of every entry.
///
/// # Errors
/// The body is no JSON, or its entries are no lists.
pub fn read(delivery: &Delivery) -> Result<Vec<Incoming>, Unreadable> {
    let document = Json::parse(&delivery.body)?;
    let mut found = Vec::new();
    for entry in document.root().get("entry").items()? {
        for change in entry.get("changes").items()? {
            read_change(&change, &mut found)?;
        }
    }
    if found.is_empty() {
        let event = delivery.body_id(ChannelKind::WhatsApp);
        found.push(ignored(event, "a change without messages"));
    }
    Ok(found)
}

fn read_change(change: &Field<'_>, found: &mut Vec<Incoming>) -> Result<(), Unreadable> {
    let value = change.get("value");
    let names = value.get("contacts").items()?;
    for message in value.get("messages").items()? {
        let id = message.get("id").id()?;
        let event = event_id(ChannelKind::WhatsApp, &[b"message", id.as_bytes()]);
        if message.get("type").text_or_empty() != "order" {
            found.push(ignored(event, "a message that is no order"));
            continue;
        }
        let incoming = Incoming {
            event,
            topic: "order".into(),
            order_id: id,
            changed_ms: message.get("timestamp").seconds().unwrap_or(0),
            what: What::Fetch,
        };
        found.push(incoming.told(order(&message, &names)));
    }
    for status in value.get("statuses").items()? {
        let part = |name: &str| status.get(name).text_or_empty();
        let parts = [part("id"), part("status"), part("timestamp")];
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        let event = event_id(ChannelKind::WhatsApp, &parts);
        found.push(ignored(event, "a receipt of a message of ours"));
    }
    Ok(())
}

fn ignored(event: u128, why: &'static str) -> Incoming {
    Incoming::ignored(event, "messages", why)
}

/// A message has no total, address or currency of its own: the total is the sum of its items, which
/// must have one currency; the address has to be asked for.
fn order(message: &Field<'_>, names: &[Field<'_>]) -> Result<What, Unreadable> {
    message.get("timestamp").seconds()?;
    let order = message.get("order");
    let list = order.get("product_items");
    let items = entries(&list)?;
    let mut lines = Vec::with_capacity(items.len());
    let mut currency = None;
    let mut total = 0_u64;
    for item in &items {
        let its_own = item.get("currency").currency()?;
        if *currency.get_or_insert(its_own) != its_own {
            return Err(item.get("currency").bad("differs from the first line's"));
        }
        let retailer_id = item.get("product_retailer_id").id()?;
        let line = ChannelLine {
            item: retailer_id.clone(),
            sku: retailer_id,
            quantity: item.get("quantity").quantity()?,
            unit_price: item.get("item_price").amount(its_own)?,
        };
        let sum = line.unit_price.saturating_mul(u64::from(line.quantity));
        total = total.saturating_add(sum);
        lines.push(line);
    }
    let currency = currency.unwrap_or_default();
    if total > ORDER_TOTAL_MAX {
        let shown = money::decimal(total, currency).unwrap_or_default();
        return Err(list.bad(format!("add up to {shown}, which is too much")));
    }
    let order_id = message.get("id").id()?;
    let from = message.get("from").id()?;
    let prices = lines.iter().map(|line| line.unit_price).collect();
    let mut details = text::details(&order_id, prices);
    let name = names
        .iter()
        .find(|contact| contact.get("wa_id").text_or_empty() == from)
        .map(|contact| contact.get("profile").get("name").text_or_empty());
    details.contact_name = text::line(&name.unwrap_or_default());
    details.phone = text::phone(&format!("+{from}"));
    details.custom_handling = text::note(&order.get("text").text_or_empty());
    Ok(What::Order(Box::new(ChannelOrder {
        order_id,
        made_ms: message.get("timestamp").seconds().unwrap_or(0),
        status: "order".into(),
        stage: Stage::Waiting,
        paid: false,
        cash_on_delivery: false,
        currency,
        total,
        lines,
        customer: from,
        details,
    })))
}
