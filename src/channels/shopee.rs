//! Shopee: pushes that say that an order changed; the order itself comes by a call.

pub mod api;
#[cfg(test)]
mod tests;

use super::delivery::{Delivery, Refused, Secrets, event_id};
use super::document::{Field, Json};
use super::incoming::{ChannelLine, ChannelOrder, Incoming, Stage, Unreadable, What, entries};
use super::signature::{self, Encoding};
use super::text;
use crate::types::{ChannelKind, OrderDetails};

const SIGNATURE: &str = "authorization";

/// Checks the signature over the registered URL and the body, with any of the partner keys.
///
/// # Errors
/// See [`Refused`].
pub fn verify(delivery: &Delivery, secrets: &Secrets) -> Result<(), Refused> {
    signature::check(
        SIGNATURE,
        delivery.header(SIGNATURE),
        Encoding::Hex,
        secrets,
        &[delivery.registered_url.as_bytes(), b"|", &delivery.body],
    )
}

/// Reads a push: one event. Whatever is not about an order is ignored, as is the empty test post.
///
/// # Errors
/// The body is no JSON.
pub fn read(delivery: &Delivery) -> Result<Vec<Incoming>, Unreadable> {
    if delivery.body.is_empty() {
        return Ok(vec![ignored(delivery, "an empty test post")]);
    }
    let document = Json::parse(&delivery.body)?;
    Ok(vec![push(delivery, &document.root())?])
}

/// A push, as it is sent and as it is kept for those who lost it.
fn push(delivery: &Delivery, root: &Field<'_>) -> Result<Incoming, Unreadable> {
    let code = root.get("code").text_or_empty();
    if code != "3" {
        return Ok(ignored(delivery, other_code(&code)));
    }
    let data = root.get("data");
    let order_id = data.get("ordersn").id()?;
    let status = data.get("status").text_or_empty();
    let parts = [
        root.get("shop_id").text_or_empty(),
        code,
        order_id.clone(),
        status.clone(),
        data.get("update_time").text_or_empty(),
    ];
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    let incoming = Incoming {
        event: event_id(ChannelKind::Shopee, &parts),
        topic: "order_status".into(),
        order_id,
        changed_ms: 0,
        what: What::Fetch,
    };
    let changed = data.get("update_time").seconds();
    Ok(match changed {
        Ok(changed_ms) => Incoming {
            changed_ms,
            ..incoming
        }
        .told(Ok(by_status(&status))),
        Err(error) => incoming.told(Err(error)),
    })
}

fn ignored(delivery: &Delivery, why: &'static str) -> Incoming {
    Incoming::ignored(delivery.body_id(ChannelKind::Shopee), "", why)
}

fn other_code(code: &str) -> &'static str {
    match code {
        "1" => "the shop granted access",
        "2" => "the shop withdrew its access: authorise the app again",
        "12" => "the shop's access ends soon: renew it",
        _ => "a push about no order's status",
    }
}

fn by_status(status: &str) -> What {
    match status {
        "CANCELLED" => What::Cancelled {
            reason: status.to_owned(),
        },
        "IN_CANCEL" => What::Ignored("the buyer asked to cancel; nothing is decided yet"),
        "TO_RETURN" => What::Ignored("the buyer sends it back"),
        // A status of a later release means a change as well.
        _ => What::Fetch,
    }
}

/// The orders of a detail call's `response`.
fn orders(response: &Field<'_>) -> Result<Vec<Incoming>, Unreadable> {
    let mut found = Vec::new();
    for at in response.get("order_list").items()? {
        let order_id = at.get("order_sn").id()?;
        let changed_ms = at.get("update_time").seconds()?;
        let status = at.get("order_status").text_or_empty();
        let read = order(&status, &at);
        let named = (order_id, &*status);
        found.push(Incoming::detail(
            ChannelKind::Shopee,
            named,
            changed_ms,
            read,
        ));
    }
    Ok(found)
}

fn order(status: &str, at: &Field<'_>) -> Result<What, Unreadable> {
    let stage = match by_status(status) {
        What::Fetch => match status {
            "UNPAID" | "PENDING" => Stage::Waiting,
            "SHIPPED" | "TO_CONFIRM_RECEIVE" | "COMPLETED" => Stage::Shipped,
            _ => Stage::Ready,
        },
        // Both are orders until something is decided.
        What::Ignored(_) => Stage::Ready,
        decided => return Ok(decided),
    };
    let currency = at.get("currency").currency()?;
    let items = entries(&at.get("item_list"))?;
    let mut lines = Vec::with_capacity(items.len());
    for item in &items {
        let sku = item.get("model_sku");
        let sku = if sku.is_empty() {
            item.get("item_sku")
        } else {
            sku
        };
        let model = item.get("model_id").text()?;
        let model = if model.is_empty() { "0" } else { &model };
        lines.push(ChannelLine {
            item: format!("{}/{model}", item.get("item_id").id()?),
            sku: sku.text()?,
            quantity: item.get("model_quantity_purchased").quantity()?,
            unit_price: item.get("model_discounted_price").amount(currency)?,
        });
    }
    let cash_on_delivery = at.get("cod").is_true();
    let order_id = at.get("order_sn").id()?;
    Ok(What::Order(Box::new(ChannelOrder {
        made_ms: at.get("create_time").seconds().unwrap_or(0),
        status: status.to_owned(),
        stage,
        paid: stage != Stage::Waiting && !cash_on_delivery,
        cash_on_delivery,
        currency,
        total: at.get("total_amount").amount(currency)?,
        customer: at.get("buyer_user_id").text_or_empty(),
        details: details(at, &order_id, &lines),
        order_id,
        lines,
    })))
}

fn details(at: &Field<'_>, order_id: &str, lines: &[ChannelLine]) -> OrderDetails {
    let mut details = text::details(order_id, lines.iter().map(|l| l.unit_price).collect());
    let to = at.get("recipient_address");
    let part = |name: &str| to.get(name).text_or_empty();
    details.contact_name = text::line(&part("name"));
    details.phone = text::phone(&part("phone"));
    details.shipping_address = text::address(
        &[part("full_address")],
        &part("city"),
        &part("state"),
        &part("zipcode"),
    );
    let region = at.get("region").text_or_empty();
    details.country = text::country(&match part("region") {
        empty if empty.is_empty() => region,
        found => found,
    });
    details.custom_handling = text::note(&at.get("message_to_seller").text_or_empty());
    details
}
