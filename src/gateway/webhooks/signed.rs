//! Which of the channels that a path can mean have signed a delivery: with bounded work, because
//! whoever sends has shown nothing yet.
//!
//! ```text
//!  candidates ─▶ those of the shop that it names ─▶ every secret once, so many at most ─▶ signed
//!                       much to read or hash: beside the HTTP thread, so many at a time
//! ```

use super::whose;
use crate::channels::{self, ChannelOptions, Delivery, Refused, Secrets};
use crate::gateway::state::Shared;
use crate::limits::{WEBHOOK_HASHED_HERE_BYTES_MAX, WEBHOOK_SECRETS_MAX};
use crate::types::ChannelKind;
use crate::types::secret::Secret;
use std::sync::Arc;

/// A secret, with what is signed besides the body; a signature made with it is one of all the
/// channels that have it.
struct Key<'a> {
    secret: &'a Secret,
    first: &'a ChannelOptions,
    /// Places of its channels among those that are looked at.
    places: Vec<usize>,
}

impl Key<'_> {
    fn is(&self, secret: &Secret, channel: &ChannelOptions) -> bool {
        // Only Shopee signs the URL too.
        let same_url = channel.kind != ChannelKind::Shopee
            || channel.registered_url == self.first.registered_url;
        same_url && channel.secrets.app_key == self.first.secrets.app_key && *secret == *self.secret
    }

    fn check(&self, delivery: &mut Delivery) -> Result<(), Refused> {
        let own = self.first;
        own.registered_url.clone_into(&mut delivery.registered_url);
        let secrets = Secrets {
            signing: vec![self.secret.clone()],
            app_key: own.secrets.app_key.clone(),
            verify_token: None,
        };
        channels::verify(own.kind, delivery, &secrets)
    }
}

/// What is tried for one delivery.
struct Trial<'a> {
    channels: Vec<&'a ChannelOptions>,
    keys: Vec<Key<'a>>,
}

impl<'a> Trial<'a> {
    /// Every secret of these channels once; `None` where there are too many of them.
    fn new(channels: Vec<&'a ChannelOptions>) -> Option<Self> {
        let mut keys: Vec<Key<'a>> = Vec::new();
        for (place, channel) in channels.iter().enumerate() {
            for secret in &channel.secrets.signing {
                let known = keys.iter_mut().find(|key| key.is(secret, channel));
                if let Some(key) = known {
                    key.places.push(place);
                    continue;
                }
                if keys.len() == WEBHOOK_SECRETS_MAX {
                    return None;
                }
                keys.push(Key {
                    secret,
                    first: channel,
                    places: vec![place],
                });
            }
        }
        Some(Self { channels, keys })
    }

    /// As [`Trial::new`], of the channels that the delivery can be of.
    fn of(candidates: &[&'a ChannelOptions], delivery: &Delivery) -> Result<Self, &'static str> {
        let named = whose::named(candidates, delivery);
        if named.is_empty() {
            return Err("other_shop");
        }
        Self::new(named).ok_or("too_many_secrets")
    }

    /// Bytes to hash.
    fn bytes(&self, delivery: &Delivery) -> usize {
        delivery.body.len().saturating_mul(self.keys.len())
    }

    /// The channels of the keys that signed, each once. Every key is tried: how long it takes says
    /// nothing about which one it was.
    fn signed(self, mut delivery: Delivery) -> Result<Vec<&'a ChannelOptions>, &'static str> {
        let mut refused = word(&Refused::Unconfigured);
        let mut by = vec![false; self.channels.len()];
        for key in &self.keys {
            match key.check(&mut delivery) {
                Ok(()) => key.places.iter().for_each(|place| {
                    if let Some(by) = by.get_mut(*place) {
                        *by = true;
                    }
                }),
                Err(why) => refused = word(&why),
            }
        }
        let signed = self.channels.into_iter().zip(by);
        let signed: Vec<_> = signed.filter_map(|(it, by)| by.then_some(it)).collect();
        if signed.is_empty() {
            Err(refused)
        } else {
            Ok(signed)
        }
    }
}

/// Those of the candidates that signed the delivery; else the word that is counted.
///
/// # Errors
/// Nobody has signed it, or not for a shop that there is.
pub(super) async fn by<'a>(
    shared: &Shared,
    candidates: &[&'a ChannelOptions],
    delivery: &Delivery,
) -> Result<Vec<&'a ChannelOptions>, &'static str> {
    if delivery.body.len() <= WEBHOOK_HASHED_HERE_BYTES_MAX {
        let trial = Trial::of(candidates, delivery)?;
        if trial.bytes(delivery) <= WEBHOOK_HASHED_HERE_BYTES_MAX {
            return trial.signed(delivery.clone());
        }
    }
    let signed = beside(shared, candidates, delivery).await?;
    let signed = signed.into_iter();
    Ok(signed
        .filter_map(|at| candidates.get(at).copied())
        .collect())
}

/// Reads and hashes on another thread: other requests go on meanwhile, and only so many cores are
/// taken. Answers with places among the candidates.
async fn beside(
    shared: &Shared,
    candidates: &[&ChannelOptions],
    delivery: &Delivery,
) -> Result<Vec<usize>, &'static str> {
    let place = Arc::clone(&shared.hashing).acquire_owned().await;
    let place = place.map_err(|_| "overloaded")?;
    let (all, delivery) = (Arc::clone(&shared.channels), delivery.clone());
    let wanted = places(candidates, all.iter());
    let work = tokio::task::spawn_blocking(move || {
        let _place = place; // also where nobody waits for the answer any more
        let candidates: Vec<&ChannelOptions> =
            wanted.iter().filter_map(|at| all.get(*at)).collect();
        let signed = Trial::of(&candidates, &delivery)?.signed(delivery)?;
        Ok(places(&signed, candidates.into_iter()))
    });
    match work.await {
        Ok(signed) => signed,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err("overloaded"), // at a stop
        },
    }
}

/// Where some of them stand among all, which are in the same order.
fn places<'a>(
    some: &[&ChannelOptions],
    all: impl Iterator<Item = &'a ChannelOptions>,
) -> Vec<usize> {
    let mut some = some.iter().peekable();
    let mut is_next = |it: &ChannelOptions| some.next_if(|next| std::ptr::eq(**next, it)).is_some();
    let places = all.enumerate().filter(|(_, it)| is_next(it));
    places.map(|(at, _)| at).collect()
}

const fn word(why: &Refused) -> &'static str {
    match why {
        Refused::Unconfigured => "no_secret",
        Refused::Unsigned(_) => "no_signature",
        Refused::Empty => "empty",
        Refused::WrongSignature(_) => "wrong_signature",
    }
}

#[cfg(test)]
mod tests {
    use super::super::whose::tests::channel;
    use super::*;
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit, Mac};

    fn tried(shops: &[&ChannelOptions]) -> Option<Vec<usize>> {
        let trial = Trial::new(shops.to_vec())?;
        Some(trial.keys.iter().map(|key| key.places.len()).collect())
    }

    /// A shop whose secret is being replaced.
    fn replacing(kind: ChannelKind, shop: &str, secrets: [&str; 2]) -> ChannelOptions {
        let mut channel = channel(kind, shop, secrets[0]);
        channel.secrets.signing.push(Secret::new(secrets[1]));
        channel
    }

    /// A delivery of WooCommerce with a signature that was made with this secret.
    fn delivery(secret: &str) -> Delivery {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(b"{}");
        let code = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        Delivery {
            headers: vec![("x-wc-webhook-signature".to_owned(), code)],
            body: axum::body::Bytes::from_static(b"{}"),
            ..Delivery::default()
        }
    }

    #[test]
    fn one_secret_of_an_app_is_tried_once_however_many_shops_have_it() {
        let shops: Vec<ChannelOptions> = (0..500)
            .map(|at| replacing(ChannelKind::Shopify, &at.to_string(), ["old", "new"]))
            .collect();
        let all: Vec<&ChannelOptions> = shops.iter().collect();
        assert_eq!(tried(&all), Some(vec![500, 500]));
    }

    #[test]
    fn so_many_secrets_are_tried_and_no_more() {
        let shops: Vec<ChannelOptions> = (0..=WEBHOOK_SECRETS_MAX)
            .map(|at| channel(ChannelKind::WooCommerce, "tea", &at.to_string()))
            .collect();
        let all: Vec<&ChannelOptions> = shops.iter().collect();
        assert_eq!(tried(&all[1..]), Some(vec![1; WEBHOOK_SECRETS_MAX]));
        assert_eq!(tried(&all), None);
        let refused = Trial::of(&all, &delivery("1")).map(|_| ()).err();
        assert_eq!(refused, Some("too_many_secrets"));
    }

    #[test]
    fn urls_tell_keys_of_shopee_apart_and_app_keys_those_of_tiktok() {
        let mut one = channel(ChannelKind::Shopee, "1", "s");
        let other = one.clone();
        one.registered_url = "https://a.example/webhooks/shopee".to_owned();
        assert_eq!(tried(&[&one, &other]), Some(vec![1, 1]));
        let mut one = channel(ChannelKind::TikTok, "1", "s");
        let other = one.clone();
        assert_eq!(tried(&[&one, &other]), Some(vec![2]));
        one.secrets.app_key = "key".to_owned();
        assert_eq!(tried(&[&one, &other]), Some(vec![1, 1]));
    }

    #[test]
    fn every_channel_that_has_the_secret_signed_and_each_of_them_once() {
        let woo = ChannelKind::WooCommerce;
        let shops = [
            replacing(woo, "tea", ["a", "b"]),
            channel(woo, "mugs", "c"),
            replacing(woo, "pots", ["b", "b"]),
        ];
        let all: Vec<&ChannelOptions> = shops.iter().collect();
        let signed = |secret: &str| {
            let delivery = delivery(secret);
            let signed = Trial::of(&all, &delivery)?.signed(delivery)?;
            Ok(places(&signed, all.iter().copied()))
        };
        assert_eq!(signed("a"), Ok(vec![0]));
        assert_eq!(signed("b"), Ok(vec![0, 2]));
        assert_eq!(signed("c"), Ok(vec![1]));
        assert_eq!(signed("d"), Err("wrong_signature"));
        let mut bare = channel(woo, "bare", "a");
        bare.secrets.signing.clear();
        let signed = Trial::of(&[&bare], &delivery("a")).unwrap();
        assert_eq!(signed.signed(delivery("a")).err(), Some("no_secret"));
    }
}
