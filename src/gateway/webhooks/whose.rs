//! Whose a delivery is: by the path, and by the shop that it names.

use crate::channels::{ChannelOptions, Delivery};
use crate::types::ChannelKind;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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

/// A delivery by the channels whose secret signed it and whose shop it names; nothing where it is
/// nobody's. An app's secret signs for every shop of the app, so a delivery of one shop must not
/// pass for another's. WhatsApp puts messages to several numbers into one: each channel gets its own.
pub(super) fn parts<'a>(
    signed: &[&'a ChannelOptions],
    delivery: Delivery,
) -> Vec<(&'a ChannelOptions, Delivery)> {
    if let [first, ..] = signed
        && first.kind == ChannelKind::WhatsApp
        && let Ok(post) = serde_json::from_slice::<Post<'_>>(&delivery.body)
        && let phones = post.phones()
        && !phones.is_empty()
    {
        let own = |channel: &&&'a ChannelOptions| phones.contains(&channel.shop);
        let owners: Vec<&'a ChannelOptions> = signed.iter().filter(own).copied().collect();
        if phones.len() > 1 {
            let parts = owners.into_iter().filter_map(|channel| {
                let body = Bytes::from(serde_json::to_vec(&post.of(&channel.shop)).ok()?);
                Some((
                    channel,
                    Delivery {
                        body,
                        ..delivery.clone()
                    },
                ))
            });
            return parts.collect();
        }
        return owners
            .into_iter()
            .take(1)
            .map(|it| (it, delivery.clone()))
            .collect();
    }
    of_shop(signed, &delivery)
        .map(|channel| (channel, delivery))
        .into_iter()
        .collect()
}

fn of_shop<'a>(signed: &[&'a ChannelOptions], delivery: &Delivery) -> Option<&'a ChannelOptions> {
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

/// What WhatsApp posts, its changes as they were written.
#[derive(Deserialize, Serialize)]
struct Post<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize, Serialize)]
struct Entry<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    changes: Vec<&'a RawValue>,
}

impl Post<'_> {
    /// The numbers that it names, each once.
    fn phones(&self) -> Vec<String> {
        let changes = self.entry.iter().flat_map(|entry| &entry.changes);
        let mut phones: Vec<String> = changes.filter_map(|change| phone_of(change)).collect();
        phones.sort_unstable();
        phones.dedup();
        phones
    }

    /// What of it is about this number.
    fn of(&self, phone: &str) -> Self {
        let entries = self.entry.iter().filter_map(|entry| {
            let own = |change: &&&RawValue| phone_of(change).as_deref() == Some(phone);
            let changes: Vec<&RawValue> = entry.changes.iter().filter(own).copied().collect();
            let id = entry.id;
            (!changes.is_empty()).then_some(Entry { id, changes })
        });
        Self {
            object: self.object,
            entry: entries.collect(),
        }
    }
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

/// The number that a change is about.
fn phone_of(change: &RawValue) -> Option<String> {
    let read: Change = serde_json::from_str(change.get()).ok()?;
    read.value?.metadata?.phone_number_id
}

/// The shop that a delivery names; `None` where its kind names none, or it cannot be read.
fn shop_of(kind: ChannelKind, delivery: &Delivery) -> Option<String> {
    match kind {
        ChannelKind::Shopify => delivery.header("x-shopify-shop-domain").map(str::to_owned),
        // Each webhook of a WooCommerce shop has a secret of its own; WhatsApp names numbers: see
        // [`parts`].
        ChannelKind::WooCommerce | ChannelKind::WhatsApp => None,
        ChannelKind::Shopee | ChannelKind::TikTok => {
            let read: NamesShop = serde_json::from_slice(&delivery.body).ok()?;
            match read.shop_id? {
                serde_json::Value::String(text) => Some(text),
                serde_json::Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        }
    }
}

/// Saving a webhook in WooCommerce sends an unsigned form that says its number.
pub(super) fn is_woocommerce_ping(kind: ChannelKind, delivery: &Delivery) -> bool {
    let number = delivery.body.strip_prefix(b"webhook_id=");
    kind == ChannelKind::WooCommerce
        && number.is_some_and(|it| it.len() <= 20 && it.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_to_two_numbers_is_taken_apart_with_every_digit_as_it_was_written() {
        let change = |phone: &str, price: &str| {
            format!(
                r#"{{"field":"messages","value":{{"metadata":{{"phone_number_id":"{phone}"}},"messages":[{{"p":{price}}}]}}}}"#
            )
        };
        let (a, b, c) = (
            change("1", "19.90"),
            change("2", "1e1"),
            change("1", "0.10"),
        );
        let body = format!(
            r#"{{"object":"whatsapp","entry":[{{"id":"7","changes":[{a},{b}]}},{{"id":"8","changes":[{c}]}}]}}"#
        );
        let post: Post<'_> = serde_json::from_str(&body).unwrap();
        assert_eq!(post.phones(), ["1", "2"]);
        let own = serde_json::to_string(&post.of("1")).unwrap();
        assert_eq!(
            own,
            format!(
                r#"{{"object":"whatsapp","entry":[{{"id":"7","changes":[{a}]}},{{"id":"8","changes":[{c}]}}]}}"#
            )
        );
        let other = serde_json::to_string(&post.of("2")).unwrap();
        assert_eq!(
            other,
            format!(r#"{{"object":"whatsapp","entry":[{{"id":"7","changes":[{b}]}}]}}"#)
        );
    }
}
