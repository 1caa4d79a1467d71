//! The newest refusals of orders: a ring of 32-byte slots.
//!
//! ```text
//!  0 mixed key 16 │ 16 fingerprint 8 │ 24 packed 8: version 16 bits │ not on sale 1 │ aside 1 │
//!                                                  SKU 26 │ left 20
//! ```
//!
//! One short line with less than 2^20 units left is kept in the slot, provided it is line 0 and the
//! code is one of the two of the picture; other ones are kept aside, with their code's number in
//! place of SKU and units, at most one a slot of the ring on average (and [`ASIDE_LINES_MIN`] in any
//! case). At either bound the oldest refusal is forgotten and counted.
#![allow(clippy::indexing_slicing)] // a table panics on a broken link: see `ChunkedVec`

use super::KeyMixer;
use super::index::{Index, Table};
use crate::engine::record::ShortLine;
use crate::memory::ChunkedVec;
use crate::types::{ResultCode, SkuId};
use std::collections::BTreeMap;

/// Lines that may be kept aside by the smallest ring.
pub const ASIDE_LINES_MIN: usize = 65_536;

const LEFT_BITS: u32 = 20;
const SKU_BITS: u32 = 26;
const ASIDE: u64 = 1 << (LEFT_BITS + SKU_BITS);
const NOT_ON_SALE: u64 = ASIDE << 1;
const VERSION_SHIFT: u32 = LEFT_BITS + SKU_BITS + 2;

/// The code of a refusal that is neither of the two that have a bit.
fn other_code(packed: u64) -> Option<ResultCode> {
    let number = packed & u64::from(u16::MAX);
    if packed & ASIDE == 0 || number == 0 {
        return None;
    }
    u16::try_from(number).ok().and_then(ResultCode::from_u16)
}

const _: () = {
    assert!(size_of::<Slot>() == 32);
    assert!(crate::limits::SKUS_MAX <= 1 << SKU_BITS);
    assert!(VERSION_SHIFT + 16 == 64);
};

#[derive(Clone, Copy)]
struct Slot {
    key: u128,
    fingerprint: u64,
    packed: u64,
}

/// One remembered refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What was refused.
    pub fingerprint: u64,
    /// Its version.
    pub version: u16,
    /// `InsufficientStock`, `NotOnSale`, or another one that refuses an order for good.
    pub code: ResultCode,
}

/// The ring. See the module's documentation.
pub struct Rejections {
    slots: ChunkedVec<Slot, 16>,
    aside: BTreeMap<u32, Box<[ShortLine]>>,
    aside_lines: usize,
    capacity: u64,
    /// Refusals ever stored; the newest is in slot `(stored − 1) % capacity`.
    stored: u64,
    /// Refusals forgotten; the oldest kept one is in slot `forgotten % capacity`.
    forgotten: u64,
    chain: u64,
}

impl Rejections {
    /// A ring of at most `capacity` refusals.
    pub fn new(capacity: usize) -> Self {
        Self {
            slots: ChunkedVec::default(),
            aside: BTreeMap::new(),
            aside_lines: 0,
            capacity: capacity.clamp(1, super::index::SLOT_MAX as usize) as u64,
            stored: 0,
            forgotten: 0,
            chain: 0,
        }
    }

    /// Touches memory for this many refusals, but not more than the ring may hold.
    pub fn reserve_touched(&mut self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX).min(self.capacity);
        self.slots
            .reserve_touched(usize::try_from(count).unwrap_or(usize::MAX));
    }

    /// Refusals remembered.
    pub fn len(&self) -> u64 {
        self.stored - self.forgotten
    }

    /// Refusals forgotten since start.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// A running hash over every refusal ever stored, whatever the ring still holds.
    pub fn chain(&self) -> [u64; 2] {
        [self.stored, self.chain]
    }

    /// Bytes of memory in use.
    pub fn memory_bytes(&self) -> usize {
        self.slots.memory_bytes()
            + self.aside_lines * size_of::<ShortLine>()
            + self.aside.len() * 40
    }

    /// Asks the processor for a slot's line.
    #[inline]
    pub fn prefetch(&self, slot: u32) {
        self.slots.prefetch(slot as usize);
    }

    /// True where the slot holds this key.
    #[inline]
    pub fn is_key(&self, slot: u32, key: u128) -> bool {
        self.slots[slot].key == key
    }

    /// What the slot holds.
    pub fn get(&self, slot: u32) -> Rejection {
        let Slot {
            fingerprint,
            packed,
            ..
        } = self.slots[slot];
        Rejection {
            fingerprint,
            version: (packed >> VERSION_SHIFT) as u16,
            code: match other_code(packed) {
                Some(code) => code,
                None if packed & NOT_ON_SALE == 0 => ResultCode::InsufficientStock,
                None => ResultCode::NotOnSale,
            },
        }
    }

    /// Appends the short lines of the refusal in `slot`; returns how many.
    #[allow(clippy::cast_possible_truncation)] // masked to their bits
    pub fn shorts(&self, slot: u32, into: &mut Vec<ShortLine>) -> usize {
        let packed = self.slots[slot].packed;
        if packed & ASIDE == 0 {
            into.push(ShortLine {
                sku: SkuId((packed >> LEFT_BITS) as u32 & ((1 << SKU_BITS) - 1)),
                left: packed as u32 & ((1 << LEFT_BITS) - 1),
                line: 0,
            });
            return 1;
        }
        let lines = self.aside.get(&slot).map_or(&[][..], |lines| lines);
        into.extend_from_slice(lines);
        lines.len()
    }

    /// Stores a refusal in the ring and the index. `before` is the slot that the index has for an
    /// earlier version of the same key.
    #[allow(clippy::cast_possible_truncation)] // below the capacity, which fits
    pub fn store(
        &mut self,
        (tag, key): (u32, u128),
        rejection: Rejection,
        shorts: impl ExactSizeIterator<Item = ShortLine> + Clone,
        before: Option<u32>,
        (index, mixer): (&mut Index, &KeyMixer),
    ) {
        let aside = shorts.len();
        let mut packed = u64::from(rejection.version) << VERSION_SHIFT;
        if rejection.code == ResultCode::NotOnSale {
            packed |= NOT_ON_SALE;
        }
        let packable = matches!(
            rejection.code,
            ResultCode::InsufficientStock | ResultCode::NotOnSale
        );
        let inline = (aside == 1 && packable)
            .then(|| shorts.clone().next())
            .flatten()
            .filter(|short| short.line == 0 && short.left < 1 << LEFT_BITS);
        let room = if inline.is_some() { 0 } else { aside };
        while self.len() > 0
            && (self.len() == self.capacity
                || self.aside_lines + room > ASIDE_LINES_MIN.max(self.capacity as usize))
        {
            self.forget_oldest(index, mixer);
        }
        let number = (self.stored % self.capacity) as u32;
        if let Some(short) = inline {
            packed |= u64::from(short.sku.0) << LEFT_BITS | u64::from(short.left);
        } else {
            packed |= ASIDE;
            packed |= if packable {
                0
            } else {
                u64::from(rejection.code as u16)
            };
            self.aside.insert(number, shorts.collect());
            self.aside_lines += aside;
        }
        let slot = Slot {
            key,
            fingerprint: rejection.fingerprint,
            packed,
        };
        if number as usize == self.slots.len() {
            self.slots.push(slot);
        } else {
            self.slots[number] = slot;
        }
        // The slot of an earlier version may just have been forgotten, entry and all.
        if !before.is_some_and(|before| index.repoint(tag, Table::Second, before, number)) {
            index.insert(tag, Table::Second, number);
        }
        self.stored += 1;
        self.chain = (self.chain ^ rejection.fingerprint)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29)
            .wrapping_add(packed & !((1 << VERSION_SHIFT) - 1));
    }

    #[allow(clippy::cast_possible_truncation)] // below the capacity, which fits
    fn forget_oldest(&mut self, index: &mut Index, mixer: &KeyMixer) {
        let number = (self.forgotten % self.capacity) as u32;
        let key = self.slots[number].key;
        // A later version of the key may have taken the entry over: then it stays.
        index.remove(mixer.tag(key), Table::Second, number);
        if let Some(lines) = self.aside.remove(&number) {
            self.aside_lines -= lines.len();
        }
        self.forgotten += 1;
    }

    /// Every remembered (slot, key), oldest first.
    #[allow(clippy::cast_possible_truncation)] // below the capacity, which fits
    pub fn iter(&self) -> impl Iterator<Item = (u32, u128)> + '_ {
        (self.forgotten..self.stored).map(|number| {
            let slot = (number % self.capacity) as u32;
            (slot, self.slots[slot].key)
        })
    }
}
