//! TikTok Shop: notifications that say that an order changed; the order itself comes by a call.

pub mod api;
#[cfg(test)]
mod tests;

use super::delivery::{Delivery, Refused, Secrets, event_id};
use super::document::{Field, Json};
use super::incoming::{ChannelLine, ChannelOrder, Incoming, Stage, Unreadable, What};
use super::signature::{self, Encoding};
use super::text;
use crate::limits::ORDER_LINES_MAX;
use crate::types::{ChannelKind, OrderDetails};

const SIGNATURE: &str = "authorization";

/// Topic of what is decided about a request to cancel (type 11): of which articles it does not say.
pub(super) const CANCELLATION: &str = "cancellation";

/// Checks the signature over app key and body, with any of the app secrets.
///
/// # Errors
/// See [`Refused`].
pub fn verify(delivery: &Delivery, secrets: &Secrets) -> Result<(), Refused> {
    if secrets.app_key.is_empty() {
        return Err(Refused::Unconfigured);
    }
    signature::check(
        SIGNATURE,
        delivery.header(SIGNATURE),
        Encoding::Hex,
        secrets,
        &[secrets.app_key.as_bytes(), &delivery.body],
    )
}

/// Reads a notification: one event.
///
/// # Errors
/// The body is no JSON, or an order's has no order id.
pub fn read(delivery: &Delivery) -> Result<Vec<Incoming>, Unreadable> {
    let document = Json::parse(&delivery.body)?;
    let root = document.root();
    // Nothing else keeps a notification from being sent once more by somebody who saw it.
    let event = match &*root.get("tts_notification_id").text_or_empty() {
        "" => delivery.body_id(ChannelKind::TikTok),
        id => event_id(ChannelKind::TikTok, &[b"notification", id.as_bytes()]),
    };
    let kind = root.get("type").text_or_empty();
    let mut incoming = Incoming {
        event,
        topic: kind.clone(),
        order_id: String::new(),
        changed_ms: 0,
        what: What::Ignored(other_type(&kind)),
    };
    if !matches!(&*kind, "1" | "11") {
        return Ok(vec![incoming]);
    }
    let data = root.get("data");
    incoming.order_id = data.get("order_id").id()?;
    // A cancellation says when it was asked for, and its notification when it was decided.
    let sent = root.get("timestamp");
    let (topic, time, what) = if kind == "1" {
        let updated = data.get("update_time");
        let time = if updated.is_null() { sent } else { updated };
        ("order_status", time, status_change(&data))
    } else {
        let asked = data.get("create_time");
        let time = if sent.is_null() { asked } else { sent };
        (CANCELLATION, time, cancellation(&data))
    };
    topic.clone_into(&mut incoming.topic);
    let changed = time.seconds();
    Ok(vec![match changed {
        Ok(changed_ms) => Incoming {
            changed_ms,
            ..incoming
        }
        .told(what),
        Err(error) => incoming.told(Err(error)),
    }])
}

fn other_type(kind: &str) -> &'static str {
    match kind {
        "6" => "the shop withdrew its access: authorise the app again",
        "7" => "the shop's access ends soon: renew it",
        _ => "a notification about no order's status",
    }
}

fn status_change(data: &Field<'_>) -> Result<What, Unreadable> {
    let status = data.get("order_status").id()?;
    Ok(if is_cancelled(&status) {
        What::Cancelled { reason: status }
    } else {
        What::Fetch
    })
}

/// Notifications say `CANCEL`, the API says `CANCELLED`.
fn is_cancelled(status: &str) -> bool {
    matches!(status, "CANCEL" | "CANCELLED")
}

/// A cancellation is a request at first. That the request ends does not end the order, and one that
/// was granted may be of some articles only: which, and whether any are left, the order says.
fn cancellation(data: &Field<'_>) -> Result<What, Unreadable> {
    let status = data.get("cancel_status").id()?;
    let status = status
        .strip_prefix("CANCELLATION_REQUEST_")
        .unwrap_or(&status);
    Ok(match status {
        "PENDING" => What::Ignored("the buyer asked to cancel; nothing is decided yet"),
        "CANCELLED" => What::Ignored("the request to cancel was closed; the order goes on"),
        _ => What::Fetch,
    })
}

/// The orders of a detail call's `data`.
fn orders(data: &Field<'_>) -> Result<Vec<Incoming>, Unreadable> {
    let mut found = Vec::new();
    for at in data.get("orders").items()? {
        let order_id = at.get("id").id()?;
        let changed_ms = at.get("update_time").seconds()?;
        let status = at.get("status").text_or_empty();
        let read = order(&status, &at);
        let named = (order_id, &*status);
        found.push(Incoming::detail(
            ChannelKind::TikTok,
            named,
            changed_ms,
            read,
        ));
    }
    Ok(found)
}

fn order(status: &str, at: &Field<'_>) -> Result<What, Unreadable> {
    if is_cancelled(status) {
        return Ok(What::Cancelled {
            reason: status.to_owned(),
        });
    }
    let payment = at.get("payment");
    let currency = payment.get("currency").currency()?;
    let lines = lines(at, currency)?;
    if lines.is_empty() {
        return Ok(What::Cancelled {
            reason: "every article was cancelled".into(),
        });
    }
    let stage = match status {
        "UNPAID" | "ON_HOLD" => Stage::Waiting,
        "IN_TRANSIT" | "DELIVERED" | "COMPLETED" => Stage::Shipped,
        _ => Stage::Ready,
    };
    let is_cod = at.get("is_cod").is_true();
    // An order on hold is paid; the buyer may still take it back.
    let paid = status != "UNPAID" && !is_cod;
    // Whoever pays, and when: before it is released it has no address.
    let cash_on_delivery = is_cod && stage != Stage::Waiting;
    let order_id = at.get("id").id()?;
    Ok(What::Order(Box::new(ChannelOrder {
        made_ms: at.get("create_time").seconds().unwrap_or(0),
        status: status.to_owned(),
        stage,
        paid,
        cash_on_delivery,
        currency,
        total: payment.get("total_amount").amount(currency)?,
        customer: at.get("user_id").text_or_empty(),
        details: details(at, &order_id, &lines),
        order_id,
        lines,
    })))
}

/// Entries have no quantity: there is one for every unit. Those of one article and price are a line,
/// and cancelled ones are none.
fn lines(at: &Field<'_>, currency: u16) -> Result<Vec<ChannelLine>, Unreadable> {
    let list = at.get("line_items");
    let mut lines: Vec<ChannelLine> = Vec::new();
    let entries = list.items()?;
    for entry in &entries {
        if is_cancelled(&entry.get("display_status").text_or_empty()) {
            continue;
        }
        let unit = ChannelLine {
            item: format!(
                "{}/{}",
                entry.get("product_id").text()?,
                entry.get("sku_id").id()?
            ),
            sku: entry.get("seller_sku").text()?,
            quantity: 1,
            unit_price: entry.get("sale_price").amount(currency)?,
        };
        let same = |line: &&mut ChannelLine| {
            line.item == unit.item && line.unit_price == unit.unit_price && line.sku == unit.sku
        };
        match lines.iter_mut().find(same) {
            Some(line) => line.quantity = line.quantity.saturating_add(1),
            None => lines.push(unit),
        }
        if lines.len() > ORDER_LINES_MAX {
            break;
        }
    }
    if entries.is_empty() || lines.len() > ORDER_LINES_MAX {
        return Err(list.bad(format!(
            "has no article or more than {ORDER_LINES_MAX} of them"
        )));
    }
    Ok(lines)
}

fn details(at: &Field<'_>, order_id: &str, lines: &[ChannelLine]) -> OrderDetails {
    let mut details = text::details(order_id, lines.iter().map(|l| l.unit_price).collect());
    // Missing for UNPAID and ON_HOLD; later with stars where the buyer's data are masked.
    let to = at.get("recipient_address");
    let part = |name: &str| to.get(name).text_or_empty();
    details.contact_name = text::line(&part("name"));
    details.email = text::line(&at.get("buyer_email").text_or_empty());
    details.phone = text::phone(&part("phone_number"));
    let streets: Vec<String> = (1..=4)
        .map(|number| part(&format!("address_line{number}")))
        .collect();
    let streets = if streets.iter().all(String::is_empty) {
        vec![part("full_address")]
    } else {
        streets
    };
    details.shipping_address = text::address(&streets, "", "", &part("postal_code"));
    details.country = text::country(&part("region_code"));
    details.custom_handling = text::note(&at.get("buyer_message").text_or_empty());
    details
}
