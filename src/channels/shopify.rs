//! Shopify: webhooks with the whole order.

pub mod api;
#[cfg(test)]
mod tests;

use super::delivery::{Delivery, Refused, Secrets, event_id};
use super::document::{Field, Json};
use super::incoming::{
    ChannelLine, ChannelOrder, Incoming, Privacy, PrivacyKind, Stage, Unreadable, What, entries,
};
use super::signature::{self, Encoding};
use super::text;
use crate::types::{ChannelKind, OrderDetails};

const SIGNATURE: &str = "x-shopify-hmac-sha256";

/// Checks the signature over the body, with any of the configured client secrets.
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
/// The body is no JSON, or has no id.
pub fn read(delivery: &Delivery) -> Result<Vec<Incoming>, Unreadable> {
    let document = Json::parse(&delivery.body)?;
    let root = document.root();
    let topic = delivery.header("x-shopify-topic").unwrap_or_default();
    // One action of the merchant fires several topics under one X-Shopify-Event-Id: only the
    // webhook id tells deliveries apart.
    let event = match delivery.header("x-shopify-webhook-id") {
        Some(id) if !id.is_empty() => event_id(ChannelKind::Shopify, &[b"webhook", id.as_bytes()]),
        _ => delivery.body_id(ChannelKind::Shopify),
    };
    let mut incoming = Incoming::ignored(event, topic, "this topic is about no order");
    if let Some(kind) = privacy_kind(topic) {
        incoming.what = What::Privacy(privacy(kind, &root)?);
    } else if topic.starts_with("orders/") {
        let edit = root.get("order_edit");
        if !edit.is_null() && root.get("line_items").is_null() {
            // An edit lists what was added and removed, not what the order is now.
            incoming.order_id = edit.get("order_id").id()?;
            incoming.what = What::Fetch;
            return Ok(vec![incoming]);
        }
        incoming.order_id = root.get("id").id()?;
        if topic == "orders/delete" {
            incoming.what = What::Cancelled {
                reason: "deleted".into(),
            };
            return Ok(vec![incoming]);
        }
        match root.get("updated_at").time() {
            Ok(changed_ms) => incoming.changed_ms = changed_ms,
            Err(error) => return Ok(vec![incoming.told(Err(error))]),
        }
        return Ok(vec![incoming.told(order(topic, &root))]);
    }
    Ok(vec![incoming])
}

/// An order of the API's list.
fn listed(root: &Field<'_>) -> Result<Incoming, Unreadable> {
    let order_id = root.get("id").id()?;
    let changed = root.get("updated_at");
    let time = changed.text_or_empty();
    let parts = ["order", &order_id, &time].map(str::as_bytes);
    let incoming = Incoming {
        event: event_id(ChannelKind::Shopify, &parts),
        topic: "orders/polled".into(),
        order_id,
        changed_ms: changed.time().unwrap_or(0),
        what: What::Fetch,
    };
    Ok(incoming.told(changed.time().and_then(|_| order("orders/polled", root))))
}

fn privacy_kind(topic: &str) -> Option<PrivacyKind> {
    Some(match topic {
        "customers/data_request" => PrivacyKind::DataRequest,
        "customers/redact" => PrivacyKind::RedactCustomer,
        "shop/redact" => PrivacyKind::RedactShop,
        _ => return None,
    })
}

fn privacy(kind: PrivacyKind, root: &Field<'_>) -> Result<Privacy, Unreadable> {
    let mut orders = Vec::new();
    for list in ["orders_requested", "orders_to_redact"] {
        for id in root.get(list).items()? {
            orders.push(id.id()?);
        }
    }
    Ok(Privacy {
        kind,
        shop: root.get("shop_domain").text_or_empty(),
        customer: root.get("customer").get("id").text_or_empty(),
        orders,
    })
}

/// An order as webhooks and REST write it.
fn order(topic: &str, root: &Field<'_>) -> Result<What, Unreadable> {
    if !root.get("cancelled_at").is_empty() || topic == "orders/cancelled" {
        return Ok(What::Cancelled {
            reason: text::line(&root.get("cancel_reason").text_or_empty()),
        });
    }
    let currency = root.get("currency").currency()?;
    let items = entries(&root.get("line_items"))?;
    let mut lines = Vec::with_capacity(items.len());
    for item in &items {
        let Some(quantity) = ordered_now(item)? else {
            continue;
        };
        lines.push(ChannelLine {
            item: item.get("variant_id").text()?,
            sku: item.get("sku").text()?,
            quantity,
            unit_price: item.get("price").amount(currency)?,
        });
    }
    let financial = root.get("financial_status").text_or_empty();
    let fulfilment = root.get("fulfillment_status").text_or_empty();
    if lines.is_empty() {
        return Ok(match &*fulfilment {
            "fulfilled" => What::Ignored("all of it had shipped, and was taken back"),
            _ => What::Cancelled {
                reason: "every article was taken out of it".into(),
            },
        });
    }
    let paid = matches!(
        &*financial,
        "paid" | "authorized" | "partially_refunded" | "refunded"
    );
    let order_id = root.get("id").id()?;
    Ok(What::Order(Box::new(ChannelOrder {
        made_ms: root.get("created_at").time().unwrap_or(0),
        stage: match (&*fulfilment, paid) {
            ("fulfilled", _) => Stage::Shipped,
            _ if financial == "refunded" => Stage::Refunded,
            (_, true) => Stage::Ready,
            _ => Stage::Waiting,
        },
        status: if fulfilment.is_empty() {
            financial
        } else {
            format!("{financial}, {fulfilment}")
        },
        paid,
        cash_on_delivery: cash_on_delivery(root)?,
        currency,
        total: first_of(root, ["current_total_price", "total_price"]).amount(currency)?,
        customer: root.get("customer").get("id").text_or_empty(),
        details: details(root, &order_id, &lines),
        order_id,
        lines,
    })))
}

/// Units of a line that are still ordered; none where all were taken out. `quantity` stays what was
/// bought, also when the order is edited or articles of it are paid back.
fn ordered_now(item: &Field<'_>) -> Result<Option<u32>, Unreadable> {
    let units = first_of(item, ["current_quantity", "quantity"]);
    if units.text_or_empty() == "0" && !item.get("current_quantity").is_null() {
        return Ok(None);
    }
    units.quantity().map(Some)
}

/// The first of two members, or the second where there is none.
fn first_of<'a>(at: &Field<'a>, [first, second]: [&str; 2]) -> Field<'a> {
    let found = at.get(first);
    if found.is_null() {
        at.get(second)
    } else {
        found
    }
}

fn cash_on_delivery(root: &Field<'_>) -> Result<bool, Unreadable> {
    let gateways = root.get("payment_gateway_names").items()?;
    Ok(gateways.iter().any(|gateway| {
        let name = gateway.text_or_empty().to_ascii_lowercase();
        name.contains("cash on delivery")
    }))
}

fn details(root: &Field<'_>, order_id: &str, lines: &[ChannelLine]) -> OrderDetails {
    let mut details = text::details(order_id, lines.iter().map(|l| l.unit_price).collect());
    let customer = root.get("customer");
    let shipping = root.get("shipping_address");
    details.contact_name = text::name(&shipping.get("first_name"), &shipping.get("last_name"));
    if details.contact_name.is_empty() {
        details.contact_name = text::name(&customer.get("first_name"), &customer.get("last_name"));
    }
    let filled = |one: Field<'_>, other: Field<'_>| match one.text_or_empty() {
        empty if empty.is_empty() => other.text_or_empty(),
        found => found,
    };
    details.email = text::line(&filled(root.get("email"), customer.get("email")));
    details.phone = text::phone(&filled(shipping.get("phone"), root.get("phone")));
    details.shipping_address = address(&shipping);
    details.billing_address = address(&root.get("billing_address"));
    details.country = text::country(&shipping.get("country_code").text_or_empty());
    details.custom_handling = text::note(&root.get("note").text_or_empty());
    details
}

fn address(at: &Field<'_>) -> Vec<String> {
    let part = |name: &str| at.get(name).text_or_empty();
    let streets = [part("company"), part("address1"), part("address2")];
    text::address(
        &streets,
        &part("city"),
        &part("province_code"),
        &part("zip"),
    )
}
