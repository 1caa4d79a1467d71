//! One delivery of a webhook, as it came in, and the secrets that it is held against.

use crate::types::ChannelKind;
use crate::types::secret::Secret;
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// A delivery: the bytes that were signed, and what stood beside them.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Headers by their names in lower case; see [`Delivery::KEPT_HEADERS`].
    pub headers: Vec<(String, String)>,
    /// The body, byte by byte as it came.
    pub body: Bytes,
    /// The URL that is registered with the marketplace, from the configuration: Shopee signs it.
    pub registered_url: String,
}

impl Delivery {
    /// The headers that reading needs: to be kept with a body that is read later.
    pub const KEPT_HEADERS: &'static [&'static str] = &[
        "x-shopify-topic",
        "x-shopify-webhook-id",
        "x-shopify-shop-domain",
        "x-wc-webhook-source",
        "x-wc-webhook-topic",
    ];

    /// A header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// An id for a delivery whose events cannot be told apart: the hash of its body.
    #[must_use]
    pub fn body_id(&self, kind: ChannelKind) -> u128 {
        event_id(kind, &[b"body", &self.body])
    }
}

/// What a delivery is verified with. Its `Debug` shows no secret.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The keys that may have signed: two while one replaces the other.
    pub signing: Vec<Secret>,
    /// TikTok Shop's app key, which is signed with the body; else empty.
    pub app_key: String,
    /// The token of WhatsApp's handshake.
    pub verify_token: Option<Secret>,
}

/// Why a delivery is not accepted. Each is answered with 401.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// No secret is configured, so nothing can be verified.
    #[error("no secret is configured for this channel")]
    Unconfigured,
    /// The signature's header is missing.
    #[error("the header {0} is missing")]
    Unsigned(&'static str),
    /// Nothing was sent.
    #[error("the body is empty")]
    Empty,
    /// No configured secret gives this signature.
    #[error("the signature in {0} was not made with a configured secret over these bytes")]
    WrongSignature(&'static str),
}

/// The id by which a repeated event is recognised: a hash of what identifies it at its marketplace.
#[must_use]
pub fn event_id(kind: ChannelKind, parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    hash.update(b"onhand-channel-event-v1");
    hash.update([kind as u8]);
    for part in parts {
        // Lengths keep ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut first = [0; 16];
    for (to, from) in first.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    // Zero stands for "no event" elsewhere.
    u128::from_be_bytes(first).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_differ_where_any_part_or_the_marketplace_does() {
        let one = event_id(ChannelKind::Shopee, &[b"ab", b"c"]);
        assert_eq!(one, event_id(ChannelKind::Shopee, &[b"ab", b"c"]));
        assert_ne!(one, event_id(ChannelKind::Shopee, &[b"a", b"bc"]));
        assert_ne!(one, event_id(ChannelKind::TikTok, &[b"ab", b"c"]));
    }

    #[test]
    fn secrets_are_not_shown() {
        let secrets = Secrets {
            signing: vec![Secret::new("canary-1")],
            verify_token: Some(Secret::new("canary-2")),
            ..Secrets::default()
        };
        assert!(!format!("{secrets:?}").contains("canary"));
    }
}
