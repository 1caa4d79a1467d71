//! Shopify's orders: as they are written, listed and cancelled.

use super::{CURRENCY, ORDER, PRODUCT, SHOP, Shopify, VARIANT};
use crate::sandbox::channels::control::{Change, Channel};
use crate::sandbox::channels::market::{Order, decimal};
use crate::sandbox::shape::date;
use crate::sandbox::{Core, Reply, Request};
use serde_json::{Value, json};

/// The list of orders: those of some ids, or those that changed since a time, page by page.
pub(super) fn list(shop: &Shopify, request: &Request, core: &Core) -> Reply {
    let most = request.query_value("limit");
    let most = most.and_then(|text| text.parse().ok());
    let most = most.unwrap_or(50_usize).clamp(1, 250);
    let ids = request.query_value("ids").unwrap_or_default();
    let state = shop.market.lock();
    if !ids.is_empty() {
        let numbers = ids.split(',').filter_map(|id| shop.order_number(id));
        let orders = numbers.filter_map(|number| state.order(number));
        let orders: Vec<Value> = orders.take(most).map(order_json).collect();
        return Reply::json(200, &json!({"orders": orders}));
    }
    let Some(place) = list_place(request) else {
        let text = "page_info: Invalid value.";
        return Reply::json(400, &json!({"errors": {"page_info": text}}));
    };
    let mut orders = state.changed_from(place, most + 1);
    let behind = orders.get(most).map(|next| (next.updated_ms, next.number));
    orders.truncate(most);
    let orders: Vec<Value> = orders.iter().map(order_json).collect();
    let reply = Reply::json(200, &json!({"orders": orders}));
    let Some((at_ms, number)) = behind else {
        return reply;
    };
    // The list goes on at an order, wherever that is by then.
    let (domain, path) = (core.secret("shopify.shop", SHOP), &request.path);
    let cursor = hex::encode(format!("{at_ms} {number}"));
    let next = format!("https://{domain}{path}?limit={most}&page_info={cursor}");
    reply.with("link", format!("<{next}>; rel=\"next\""))
}

/// Where a list of orders begins: since a time, or at a cursor, beside which nothing may stand that
/// selects or sorts. None where that cannot be.
fn list_place(request: &Request) -> Option<(u64, u64)> {
    let Some(cursor) = request.query_value("page_info") else {
        let since = request.query_value("updated_at_min").unwrap_or_default();
        let since_ms = since.parse::<jiff::Timestamp>().map_or(0, |time| {
            u64::try_from(time.as_millisecond()).unwrap_or_default()
        });
        return Some((since_ms, 0));
    };
    let fields = request.query();
    let mut names = fields.iter().map(|(name, _)| name.as_str());
    if !names.all(|name| matches!(name, "page_info" | "limit" | "fields")) {
        return None;
    }
    let text = String::from_utf8(hex::decode(cursor).ok()?).ok()?;
    let (at_ms, number) = text.split_once(' ')?;
    Some((at_ms.parse().ok()?, number.parse().ok()?))
}

/// The order of a path's id that is cancelled now; as answered.
pub(super) fn cancelled(channel: &Shopify, id: &str, core: &Core) -> Reply {
    let number = channel.order_number(id);
    let order = number.and_then(|it| channel.market.lock().cancel(it, core.now_ms()));
    match order {
        Some(order) => {
            channel.tell(&order, Change::Cancelled, core);
            Reply::json(200, &json!({"order": order_json(&order)}))
        }
        None => Reply::json(404, &json!({"errors": "Not Found"})),
    }
}

fn time(at_ms: u64) -> String {
    date(at_ms, "%Y-%m-%dT%H:%M:%S+00:00")
}

/// An order, as webhooks and the list write it.
pub(super) fn order_json(order: &Order) -> Value {
    let (total, total_now) = (order.bought_minor(), order.total_minor());
    let id = ORDER + order.number;
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            json!({"id": 1_400_000_000_000 + order.number, "product_id": PRODUCT + line.number,
                "variant_id": VARIANT + line.number, "sku": line.sku, "title": line.sku,
                "quantity": line.bought, "current_quantity": line.quantity,
                "price": decimal(line.price_minor), "requires_shipping": true})
        })
        .collect();
    let email = format!("buyer{}@example.com", order.buyer);
    json!({"id": id, "admin_graphql_api_id": format!("gid://shopify/Order/{id}"),
        "name": format!("#{}", 1_000 + order.number), "order_number": 1_000 + order.number,
        "email": email, "created_at": time(order.created_ms), "updated_at": time(order.updated_ms),
        "cancelled_at": order.cancelled.then(|| time(order.updated_ms)),
        "cancel_reason": order.cancelled.then_some("customer"), "test": false,
        "currency": CURRENCY, "presentment_currency": CURRENCY,
        "subtotal_price": decimal(total), "total_tax": "0.00", "total_discounts": "0.00",
        "total_price": decimal(total), "current_subtotal_price": decimal(total_now),
        "current_total_price": decimal(total_now),
        "financial_status": if order.paid { "paid" } else { "pending" }, "fulfillment_status": null,
        "customer": {"id": 7_771_000_000_000 + order.buyer, "email": email, "first_name": "Ana",
            "last_name": "Ruiz"},
        "shipping_address": {"first_name": "Ana", "last_name": "Ruiz", "address1": "Calle Sol 4",
            "address2": null, "city": "Madrid", "province": "Madrid", "province_code": "M",
            "zip": "28013", "country": "Spain", "country_code": "ES", "phone": null},
        "shipping_lines": [], "line_items": lines})
}
