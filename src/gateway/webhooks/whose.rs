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

/// Those of the candidates that a delivery can be of by the shop that it names, before anything of it
/// is believed; all of them where its kind names none.
pub(super) fn named<'a>(
    candidates: &[&'a ChannelOptions],
    delivery: &Delivery,
) -> Vec<&'a ChannelOptions> {
    let mut named = candidates.to_vec();
    // One is verified all the same, whatever its body says.
    if let [first, _, ..] = candidates
        && let Some(shop) = shop_of(first.kind, delivery)
    {
        named.retain(|channel| channel.shop.eq_ignore_ascii_case(&shop));
    }
    named
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

/// Whoever sends has shown nothing yet: nothing of it is kept but this.
#[derive(Deserialize)]
struct NamesShop<'a> {
    #[serde(borrow)]
    shop_id: Option<&'a RawValue>,
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
            let read: NamesShop<'_> = serde_json::from_slice(&delivery.body).ok()?;
            let shop = read.shop_id?.get();
            if shop.starts_with('"') {
                serde_json::from_str(shop).ok()
            } else {
                let number: serde_json::Number = serde_json::from_str(shop).ok()?;
                Some(number.to_string())
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
pub(super) mod tests {
    use super::*;
    use crate::channels::Secrets;
    use crate::types::ChannelId;
    use crate::types::secret::Secret;
    use std::collections::BTreeMap;

    /// A shop whose deliveries are signed with one secret.
    pub fn channel(kind: ChannelKind, shop: &str, secret: &str) -> ChannelOptions {
        ChannelOptions {
            number: ChannelId(1),
            name: shop.to_owned(),
            kind,
            tenant: "default".to_owned(),
            shop: shop.to_owned(),
            registered_url: String::new(),
            secrets: Secrets {
                signing: vec![Secret::new(secret)],
                ..Secrets::default()
            },
            base_url: String::new(),
            credentials: BTreeMap::new(),
            tokens: None,
            settings: BTreeMap::new(),
            currency: None,
            poll_ms: 0,
            fetch_retry_ms: 0,
        }
    }

    #[test]
    fn the_shop_that_a_delivery_names_decides_whose_secrets_are_tried() {
        let shops = |kind| ["7", "8", "9"].map(|shop| channel(kind, shop, shop));
        let names = |kind: ChannelKind, headers: &[(&str, &str)], body: &'static str| {
            let shops = shops(kind);
            let all: Vec<&ChannelOptions> = shops.iter().collect();
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let delivery = Delivery {
                headers: headers.iter().map(owned).collect(),
                body: Bytes::from_static(body.as_bytes()),
                ..Delivery::default()
            };
            let named = named(&all, &delivery).into_iter();
            named.map(|it| it.shop.clone()).collect::<Vec<_>>()
        };
        let header = [("x-shopify-shop-domain", "8")];
        assert_eq!(names(ChannelKind::Shopify, &header, "{}"), ["8"]);
        assert_eq!(names(ChannelKind::Shopify, &[], "{}").len(), 3);
        for kind in [ChannelKind::Shopee, ChannelKind::TikTok] {
            assert_eq!(names(kind, &[], r#"{"shop_id":9}"#), ["9"]);
            assert_eq!(names(kind, &[], r#"{"shop_id":"9","a":[1]}"#), ["9"]);
            assert_eq!(names(kind, &[], r#"{"shop_id":"\u0039"}"#), ["9"]);
            assert!(names(kind, &[], r#"{"shop_id":10}"#).is_empty());
            for none in [r#"{"shop_id":[9]}"#, r#"{"shop_id":null}"#] {
                assert_eq!(names(kind, &[], none).len(), 3, "{none} is none");
            }
            assert_eq!(names(kind, &[], "{").len(), 3, "nothing can be read");
        }
        assert_eq!(names(ChannelKind::WooCommerce, &[], "{}").len(), 3);
    }

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
