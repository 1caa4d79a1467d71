//! The newest results of keyed commands: one ring for stock commands, one for order commands.
//!
//! ```text
//!  0 mixed key 16 │ 16 fingerprint 8 │ 24 sequence 8 │ 32 code 2
//! ```
//!
//! A ring is bounded; its oldest result is forgotten first and counted. Two rings, so that a burst
//! of confirmations cannot push out the receipt of a delivery.
#![allow(clippy::indexing_slicing)] // a table panics on a broken link: see `ChunkedVec`

use super::KeyMixer;
use super::index::{Index, Table};
use crate::memory::ChunkedVec;
use crate::types::ResultCode;

/// One remembered result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandResult {
    /// Mixed command key.
    pub key: u128,
    /// Meaning of the command.
    pub fingerprint: u64,
    /// Sequence of its record.
    pub sequence: u64,
    /// What came of it.
    pub code: ResultCode,
}

const _: () = assert!(size_of::<CommandResult>() <= 48);

/// One ring. See the module's documentation.
pub struct CommandsKept {
    table: Table,
    slots: ChunkedVec<CommandResult, 17>,
    capacity: u64,
    stored: u64,
    chain: u64,
}

impl CommandsKept {
    /// A ring of at most `capacity` results, indexed as `table`.
    pub fn new(table: Table, capacity: usize) -> Self {
        Self {
            table,
            slots: ChunkedVec::default(),
            capacity: capacity.clamp(1, super::index::SLOT_MAX as usize) as u64,
            stored: 0,
            chain: 0,
        }
    }

    /// Results remembered.
    pub fn len(&self) -> u64 {
        self.stored.min(self.capacity)
    }

    /// Results forgotten since start.
    pub fn forgotten(&self) -> u64 {
        self.stored - self.len()
    }

    /// A running hash over every result ever stored, whatever the ring still holds.
    pub fn chain(&self) -> [u64; 2] {
        [self.stored, self.chain]
    }

    /// Bytes of memory in use.
    pub fn memory_bytes(&self) -> usize {
        self.slots.memory_bytes()
    }

    /// The result stored for a key.
    pub fn find(&self, index: &Index, tag: u32, key: u128) -> Option<CommandResult> {
        self.slot_of(index, tag, key).map(|slot| self.slots[slot])
    }

    fn slot_of(&self, index: &Index, tag: u32, key: u128) -> Option<u32> {
        index
            .candidates(tag)
            .find(|(table, slot)| *table == self.table && self.slots[*slot].key == key)
            .map(|(_, slot)| slot)
    }

    /// Stores a result in the ring and the index.
    #[allow(clippy::cast_possible_truncation)] // below the capacity, which fits
    pub fn store(&mut self, tag: u32, result: CommandResult, index: &mut Index, mixer: &KeyMixer) {
        let number = (self.stored % self.capacity) as u32;
        if number as usize == self.slots.len() {
            self.slots.push(result);
        } else {
            let old = self.slots[number].key;
            index.remove(mixer.tag(old), self.table, number);
            self.slots[number] = result;
        }
        // The same key again: only where this engine remembers more than the one that wrote the
        // journal did. The newest result counts.
        let before = index
            .candidates(tag)
            .find(|(table, slot)| {
                *table == self.table && *slot != number && self.slots[*slot].key == result.key
            })
            .map(|(_, slot)| slot);
        if !before.is_some_and(|before| index.repoint(tag, self.table, before, number)) {
            index.insert(tag, self.table, number);
        }
        self.stored += 1;
        self.chain = (self.chain ^ result.fingerprint ^ u64::from(result.code as u16))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29)
            .wrapping_add(result.sequence);
    }

    /// Every slot in use with its key.
    #[allow(clippy::cast_possible_truncation)] // below the capacity, which fits
    pub fn iter(&self) -> impl Iterator<Item = (u32, u128)> + '_ {
        (0..self.len()).map(|slot| (slot as u32, self.slots[slot as u32].key))
    }
}
