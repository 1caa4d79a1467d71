//! One key, one outcome: from a client's key to what became of it.
//!
//! ```text
//! (tenant, client key) ─ XOR pad(tenant) ─▶ mixed key ─ SipHash-1-3(secret) ─▶ 32-bit tag
//!                                                                               │
//!  directory (top bits) ─▶ segment of 4,096 entries, probed from the low bits ◀─┘
//!                          entry: tag 32 │ table 2 │ slot 30
//!                                            └─▶ order slot, refusal or command result:
//!                                                the full mixed key in it decides
//! ```
//!
//! The pad and the hash are keyed by the secret of the data directory: nobody outside can make
//! keys that meet in one segment, and the same client key of two tenants never meets at all.

pub mod commands_kept;
pub mod index;
pub mod rejections;

use crate::types::TenantId;
use siphasher::sip::SipHasher13;

/// Turns client keys into mixed keys and tags.
pub struct KeyMixer {
    secret: [u8; 32],
    pads: Vec<u128>,
    hasher: SipHasher13,
}

impl KeyMixer {
    /// A mixer without tenants.
    pub fn new(secret: [u8; 32]) -> Self {
        let key = keyed(&secret, b"order index hash");
        Self {
            secret,
            pads: Vec::new(),
            hasher: SipHasher13::new_with_key(&key.to_le_bytes()),
        }
    }

    /// Makes the pad of the next tenant.
    pub fn add_tenant(&mut self) {
        let mut label = *b"tenant pad ........";
        let number = (self.pads.len() as u64).to_le_bytes();
        if let Some(tail) = label.get_mut(11..) {
            tail.copy_from_slice(&number);
        }
        self.pads.push(keyed(&self.secret, &label));
    }

    /// The mixed key of a tenant's client key, and the client key of a mixed one: the same
    /// operation. An undefined tenant has pad 0; nothing of such a tenant is ever stored.
    #[inline]
    pub fn mix(&self, tenant: TenantId, key: u128) -> u128 {
        key ^ self.pads.get(usize::from(tenant.0)).copied().unwrap_or(0)
    }

    /// The tag of a mixed key.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the tag is the upper half
    pub fn tag(&self, mixed: u128) -> u32 {
        (self.hasher.hash(&mixed.to_le_bytes()) >> 32) as u32
    }

    /// The tag of a name in the name index.
    #[allow(clippy::cast_possible_truncation)] // the tag is the upper half
    pub fn name_tag(&self, table: u8, tenant: TenantId, name: &str) -> u32 {
        let mut bytes = [0_u8; 3 + crate::limits::NAME_BYTES_MAX];
        let [t0, t1] = tenant.0.to_le_bytes();
        let used = 3 + name.len().min(crate::limits::NAME_BYTES_MAX);
        if let Some((head, tail)) = bytes.split_first_chunk_mut::<3>() {
            *head = [table, t0, t1];
            for (to, from) in tail.iter_mut().zip(name.bytes()) {
                *to = from;
            }
        }
        (self.hasher.hash(bytes.get(..used).unwrap_or_default()) >> 32) as u32
    }
}

fn keyed(secret: &[u8; 32], label: &[u8]) -> u128 {
    let hash = blake3::keyed_hash(secret, label);
    let (first, _) = hash
        .as_bytes()
        .split_first_chunk::<16>()
        .unwrap_or((&[0; 16], &[]));
    u128::from_le_bytes(*first)
}
