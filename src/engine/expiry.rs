//! Timers: which orders to look at when.
//!
//! ```text
//! deadline ─▶ first block ─▶ block of 14 order slots ─▶ block ─▶ …
//! ```
//!
//! A timer is only a hint to look at an order: the order's own time and state say whether its hold
//! has ended, or its key may be forgotten. So nothing is removed when a hold is extended or
//! resolved; the old timer comes up, is found void and dropped.
#![allow(clippy::indexing_slicing)] // a table panics on a broken link: see `ChunkedVec`

use crate::memory::ChunkedVec;
use std::collections::BTreeMap;

const NONE: u32 = u32::MAX;
const SLOTS: usize = 14;

#[derive(Clone, Copy)]
struct Block {
    slots: [u32; SLOTS],
    used: u32,
    next: u32,
}

const _: () = assert!(size_of::<Block>() == 64);

/// All timers of a shard.
pub struct Timers {
    deadlines: BTreeMap<u64, u32>,
    blocks: ChunkedVec<Block, 15>,
    free: u32,
    len: u64,
    /// The first blocks of the deadlines set last: orders of one turn share few deadlines.
    recent: [(u64, u32); 4],
    turn: usize,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            deadlines: BTreeMap::new(),
            blocks: ChunkedVec::default(),
            free: NONE,
            len: 0,
            recent: [(0, NONE); 4],
            turn: 0,
        }
    }
}

impl Timers {
    /// Puts the table on huge pages from the start.
    pub fn expect_large(&mut self) {
        self.blocks.expect_large();
    }

    /// Timers set, void ones included.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Bytes of memory in use; tree nodes are estimated.
    pub fn memory_bytes(&self) -> usize {
        self.blocks.memory_bytes() + self.deadlines.len() * 24
    }

    /// The earliest deadline.
    #[inline]
    pub fn first_deadline(&self) -> Option<u64> {
        self.deadlines
            .first_key_value()
            .map(|(deadline, _)| *deadline)
    }

    /// Sets a timer for an order slot.
    #[inline]
    pub fn set(&mut self, deadline_ms: u64, slot: u32) {
        self.len += 1;
        let recent = self
            .recent
            .iter()
            .find(|(deadline, _)| *deadline == deadline_ms);
        let first = match recent {
            Some((_, first)) if *first != NONE => *first,
            _ => self.list_of(deadline_ms),
        };
        let block = &mut self.blocks[first];
        if let Some(entry) = block.slots.get_mut(block.used as usize) {
            *entry = slot;
            block.used += 1;
            return;
        }
        // The first block is full: its content moves behind it.
        let full = *block;
        let behind = self.new_block(full);
        let block = &mut self.blocks[first];
        block.slots[0] = slot;
        block.used = 1;
        block.next = behind;
    }

    fn list_of(&mut self, deadline_ms: u64) -> u32 {
        let first = if let Some(first) = self.deadlines.get(&deadline_ms) {
            *first
        } else {
            let first = self.new_block(Block {
                slots: [0; SLOTS],
                used: 0,
                next: NONE,
            });
            self.deadlines.insert(deadline_ms, first);
            first
        };
        self.turn = (self.turn + 1) % self.recent.len();
        if let Some(recent) = self.recent.get_mut(self.turn) {
            *recent = (deadline_ms, first);
        }
        first
    }

    #[allow(clippy::cast_possible_truncation)] // fewer blocks than orders and timers, below 2^32
    fn new_block(&mut self, block: Block) -> u32 {
        if self.free == NONE {
            return self.blocks.push(block) as u32;
        }
        let at = self.free;
        self.free = self.blocks[at].next;
        self.blocks[at] = block;
        at
    }

    /// Takes one timer of the earliest deadline, if that is at most `until_ms`.
    pub fn pop(&mut self, until_ms: u64) -> Option<(u64, u32)> {
        let (deadline, first) = self.deadlines.first_key_value().map(|(d, f)| (*d, *f))?;
        if deadline > until_ms {
            return None;
        }
        let block = &mut self.blocks[first];
        assert!(block.used > 0, "a deadline has at least one timer");
        block.used -= 1;
        let slot = block
            .slots
            .get(block.used as usize)
            .copied()
            .unwrap_or(NONE);
        self.len -= 1;
        if block.used == 0 {
            self.drop_first_block(deadline, first);
        }
        Some((deadline, slot))
    }

    fn drop_first_block(&mut self, deadline: u64, first: u32) {
        let next = self.blocks[first].next;
        if next == NONE {
            self.deadlines.remove(&deadline);
            for recent in &mut self.recent {
                if recent.0 == deadline {
                    recent.1 = NONE;
                }
            }
            self.blocks[first].next = self.free;
            self.free = first;
        } else {
            // The next block's content moves to the front, whose number others remember.
            self.blocks[first] = self.blocks[next];
            self.blocks[next].next = self.free;
            self.free = next;
        }
    }

    /// Every timer as (deadline, slot), for audits.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.deadlines.iter().flat_map(move |(deadline, first)| {
            let mut at = *first;
            std::iter::from_fn(move || {
                (at != NONE).then(|| {
                    let block = self.blocks[at];
                    at = block.next;
                    block
                })
            })
            .flat_map(|block| block.slots.into_iter().take(block.used as usize))
            .map(move |slot| (*deadline, slot))
        })
    }
}
