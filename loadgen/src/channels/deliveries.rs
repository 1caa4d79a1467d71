//! Signed deliveries, as each marketplace sends them.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use onhand::types::{ChannelId, OrderKey};
use onhand::wire::key::order_key;
use serde_json::{Value, json};
use sha2::Sha256;

use super::shops::{Shop, TIKTOK_APP_KEY};

/// The one SKU that is bought.
pub const SKU: &str = "shirt";

/// One delivery of one order.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Path of the webhook.
    pub path: String,
    /// Signature, topic and ids.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
    /// The order that it becomes.
    pub order: OrderKey,
}

impl Delivery {
    /// The request that brings it to the server at `http`.
    pub fn request(&self, client: &reqwest::Client, http: SocketAddr) -> reqwest::RequestBuilder {
        let request = client.post(format!("http://{http}{}", self.path));
        let headers = self.headers.iter();
        headers
            .fold(request, |request, (name, value)| {
                request.header(*name, value)
            })
            .header("content-type", "application/json")
            .body(self.body.clone())
    }
}

/// The delivery about the order that `shop` calls `order`: a number, except where the market gave
/// the order its id. `url`: where the shop's webhooks are, and `now_s` the time.
pub fn delivery(shop: &Shop, order: &str, url: &str, now_s: u64) -> Delivery {
    let (body, headers) = match shop.kind {
        "shopify" => shopify(shop, order, SKU),
        "woocommerce" => woocommerce(shop, order),
        "shopee" => {
            let body = json!({"data": {"items": [], "ordersn": order, "status": "READY_TO_SHIP",
                "update_time": now_s}, "shop_id": shop.id.parse::<u64>().unwrap_or(0), "code": 3,
                "timestamp": now_s});
            (body, Vec::new())
        }
        "tiktok" => {
            let body = json!({"type": 1, "tts_notification_id": format!("n{order}"),
                "shop_id": shop.id, "timestamp": now_s,
                "data": {"is_on_hold_order": false, "order_id": order,
                "order_status": "AWAITING_SHIPMENT", "update_time": now_s}});
            (body, Vec::new())
        }
        _ => (whatsapp(shop, order, now_s), Vec::new()),
    };
    signed(shop, order, url, (body, headers))
}

/// The delivery about Shopify's order of this number, of one unit of `sku`.
pub fn shopify_sale(shop: &Shop, order: u64, sku: &str) -> Delivery {
    let order = order.to_string();
    signed(shop, &order, "", shopify(shop, &order, sku))
}

fn signed(shop: &Shop, order: &str, url: &str, (body, mut headers): Unsigned) -> Delivery {
    let body = body.to_string();
    let bytes = body.as_bytes();
    let hex = |parts: &[&[u8]]| hex::encode(mac(shop.secret, parts));
    headers.push(match shop.kind {
        "shopify" => (
            "x-shopify-hmac-sha256",
            STANDARD.encode(mac(shop.secret, &[bytes])),
        ),
        "woocommerce" => (
            "x-wc-webhook-signature",
            STANDARD.encode(mac(shop.secret, &[bytes])),
        ),
        "shopee" => ("authorization", hex(&[url.as_bytes(), b"|", bytes])),
        "tiktok" => ("authorization", hex(&[TIKTOK_APP_KEY.as_bytes(), bytes])),
        _ => ("x-hub-signature-256", format!("sha256={}", hex(&[bytes]))),
    });
    Delivery {
        path: shop.path(),
        headers,
        body,
        order: order_key(ChannelId(shop.number), order.as_bytes()),
    }
}

type Unsigned = (Value, Vec<(&'static str, String)>);

/// The number of the buyer of one of Shopify's orders: with up to nine digits in the order's, no
/// two are the same.
pub fn phone(order: u64) -> String {
    format!("+34{order:09}")
}

fn shopify(shop: &Shop, order: &str, sku: &str) -> Unsigned {
    let id: u64 = order.parse().unwrap_or(0);
    let body = json!({
        "id": id, "name": format!("#{order}"), "email": "ana@example.com",
        "created_at": "2026-05-04T10:12:30+02:00", "updated_at": "2026-05-04T10:12:31+02:00",
        "cancelled_at": null, "cancel_reason": null, "currency": "EUR", "total_price": "44.70",
        "financial_status": "paid", "fulfillment_status": null,
        "customer": {"id": 7_771_112_223_334_u64, "first_name": "Ana", "last_name": "Ruiz"},
        "shipping_address": {"first_name": "Ana", "last_name": "Ruiz", "address1": "Calle Sol 4",
            "city": "Madrid", "province_code": "M", "zip": "28013", "country_code": "ES",
            "phone": phone(id)},
        "line_items": [{"id": 1_400_000_000_001_u64, "variant_id": 4_400_000_000_001_u64,
            "sku": sku, "title": "Shirt", "quantity": 1, "price": "44.70"}]
    });
    let headers = vec![
        ("x-shopify-topic", "orders/create".to_owned()),
        ("x-shopify-webhook-id", format!("load-{order}")),
        ("x-shopify-shop-domain", shop.id.to_owned()),
    ];
    (body, headers)
}

fn woocommerce(shop: &Shop, order: &str) -> Unsigned {
    let id: u64 = order.parse().unwrap_or(0);
    let body = json!({
        "id": id, "number": order, "status": "processing", "currency": "GBP",
        "date_created_gmt": "2026-05-04T08:12:30", "date_modified_gmt": "2026-05-04T08:12:31",
        "total": "27.50", "customer_id": 0, "payment_method": "stripe", "transaction_id": "",
        "billing": {"first_name": "Joe", "last_name": "Hill", "address_1": "1 High St",
            "city": "Leeds", "postcode": "LS1 1AA", "country": "GB", "email": "joe@example.com"},
        "shipping": {"first_name": "", "last_name": "", "address_1": "", "city": "",
            "postcode": "", "country": ""},
        "line_items": [{"id": 315, "name": "Shirt", "product_id": 93, "variation_id": 0,
            "sku": SKU, "quantity": 1, "total": "24.00", "price": 24}]
    });
    let headers = vec![
        ("x-wc-webhook-topic", "order.created".to_owned()),
        ("x-wc-webhook-source", format!("https://{}/", shop.id)),
        ("x-wc-webhook-delivery-id", format!("load-{order}")),
    ];
    (body, headers)
}

fn whatsapp(shop: &Shop, order: &str, now_s: u64) -> Value {
    let buyer = "34600000071";
    let items = json!([{"product_retailer_id": SKU, "quantity": 1, "item_price": 19.9,
        "currency": "EUR"}]);
    let message = json!({"from": buyer, "id": order, "timestamp": now_s.to_string(),
        "type": "order", "order": {"catalog_id": "30300", "text": "", "product_items": items}});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1020", "changes": [{
        "field": "messages", "value": {"messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": shop.id},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": buyer}], "messages": [message]}}]}]})
}

#[allow(clippy::expect_used)] // HMAC takes a key of any length
fn mac(key: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any key length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::shops::{SHOPS, channels_file};
    use super::*;
    use onhand::channels::{Delivery as Received, What, read, verify};
    use std::net::SocketAddr;

    #[test]
    fn the_server_believes_and_understands_every_delivery() {
        let directory = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let text = channels_file(directory.path(), address, address, false).unwrap();
        let path = directory.path().join("channels.toml");
        let channels = onhand::config::channels::parse(&path, &text).unwrap();
        for (shop, channel) in SHOPS.iter().zip(channels) {
            let url = format!("http://{address}{}", shop.path());
            let made = delivery(shop, "4711", &url, 1_750_000_000);
            let headers = made.headers.iter();
            let received = Received {
                headers: headers
                    .map(|(name, it)| ((*name).into(), it.clone()))
                    .collect(),
                body: made.body.into(),
                registered_url: channel.registered_url.clone(),
            };
            verify(channel.kind, &received, &channel.secrets).unwrap();
            let events = read(channel.kind, &received).unwrap();
            assert_eq!((events.len(), events[0].order_id.as_str()), (1, "4711"));
            assert!(
                matches!(events[0].what, What::Order(_) | What::Fetch),
                "{}",
                shop.kind
            );
        }
    }
}
