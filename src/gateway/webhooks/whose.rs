//! Whose a delivery is: by the path, and by the shop that it names.

use crate::channels::{ChannelOptions, Delivery};
use crate::types::ChannelKind;
use serde::Deserialize;

/// The channels that a path can mean.
pub(super) fn candidates<'a>(
    channels: &'a [ChannelOptions],
    kind: &str,
    shop: Option<&str>,
) -> Vec<&'a ChannelOptions> {
    let fits = |channel: &&ChannelOptions| {
        channel.kind.name() == kind && shop.is_none_or(|shop| channel.shop == shop)
    };
    channels.iter().filter(fits).collect()
}

/// Of the channels whose secret signed it, the one whose shop it names. An app's secret signs for
/// every shop of the app, so a delivery of one shop must not pass for another's.
pub(super) fn of_shop<'a>(
    signed: &[&'a ChannelOptions],
    delivery: &Delivery,
) -> Option<&'a ChannelOptions> {
    let kind = signed.first()?.kind;
    match shop_of(kind, delivery) {
        Some(shop) => {
            let named = |channel: &&&ChannelOptions| channel.shop.eq_ignore_ascii_case(&shop);
            signed.iter().find(named).copied()
        }
        None => match signed {
            [only] => Some(only),
            _ => None,
        },
    }
}

#[derive(Deserialize)]
struct NamesShop {
    shop_id: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct NamesPhones {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    value: Option<Value>,
}

#[derive(Deserialize)]
struct Value {
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    phone_number_id: Option<String>,
}

/// The shop that a delivery names; `None` where its kind names none, or it cannot be read.
fn shop_of(kind: ChannelKind, delivery: &Delivery) -> Option<String> {
    match kind {
        ChannelKind::Shopify => delivery.header("x-shopify-shop-domain").map(str::to_owned),
        // Each webhook of a WooCommerce shop has a secret of its own.
        ChannelKind::WooCommerce => None,
        ChannelKind::Shopee | ChannelKind::TikTok => {
            let read: NamesShop = serde_json::from_slice(&delivery.body).ok()?;
            match read.shop_id? {
                serde_json::Value::String(text) => Some(text),
                serde_json::Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        }
        ChannelKind::WhatsApp => {
            let read: NamesPhones = serde_json::from_slice(&delivery.body).ok()?;
            let changes = read.entry.into_iter().flat_map(|entry| entry.changes);
            let mut phones = changes.filter_map(|it| it.value?.metadata?.phone_number_id);
            phones.next()
        }
    }
}

/// Saving a webhook in WooCommerce sends an unsigned form that says its number.
pub(super) fn is_woocommerce_ping(kind: ChannelKind, delivery: &Delivery) -> bool {
    let number = delivery.body.strip_prefix(b"webhook_id=");
    kind == ChannelKind::WooCommerce
        && number.is_some_and(|it| it.len() <= 20 && it.iter().all(u8::is_ascii_digit))
}
