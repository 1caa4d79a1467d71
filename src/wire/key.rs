//! The key of an order, from what its channel calls it.

use crate::types::{ChannelId, OrderKey};
use sha2::{Digest, Sha256};

/// What every hashed message starts with, so that these keys collide with no other use of SHA-256.
pub const ORDER_KEY_PREFIX: &[u8] = b"onhand-order-key-v1";

/// The key of the order that `channel` calls `external_id`: the first 16 bytes of SHA-256 over
/// [`ORDER_KEY_PREFIX`], the channel (u16, little-endian) and the bytes of the external id.
///
/// The same order gets the same key from every client, so a retry after any crash is recognised.
#[must_use]
pub fn order_key(channel: ChannelId, external_id: &[u8]) -> OrderKey {
    let mut hash = Sha256::new();
    hash.update(ORDER_KEY_PREFIX);
    hash.update(channel.0.to_le_bytes());
    hash.update(external_id);
    let digest: [u8; 32] = hash.finalize().into();
    let key = digest
        .first_chunk::<16>()
        .map_or(0, |bytes| u128::from_be_bytes(*bytes));
    OrderKey(key)
}
