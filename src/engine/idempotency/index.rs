//! The compact index: from a tag to the slots that may hold its key.
//!
//! ```text
//! tag (32 bits):  dddd dddd dddd dddd dddd │ pppp pppp pppp
//!                 └ directory: its top `depth` bits (≤ 20)  └ first position in the segment
//! ```
//!
//! Extendible hashing: a segment that is 80 % full splits in two by the next bit of its tags
//! (about 10 µs), so growth is incremental and never touches the rest. An entry is 8 bytes;
//! collisions probe on within the segment; removal shifts the rest of the run back, so there are
//! no tombstones. A tag that occurs more than once is no error: the caller compares full keys.

#![allow(clippy::indexing_slicing)] // positions are masked to the segment's size
use crate::memory::{ChunkedVec, prefetch_read};

/// Entries of one segment.
const SEGMENT: usize = 4_096;
const MASK: usize = SEGMENT - 1;
/// Entries at which a segment splits.
const SPLIT_AT: u16 = 3_276;
/// Most bits of the directory: with the 12 position bits these are all bits of a tag.
const DEPTH_MAX: u32 = 20;
/// A slot number that an entry can hold.
pub const SLOT_MAX: u32 = (1 << 30) - 2;

/// Which table a slot is in; two bits of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    /// Orders (or SKU names).
    First = 0,
    /// Refusals (or location names).
    Second = 1,
    /// Results of stock commands (or tenant names).
    Third = 2,
    /// Results of order commands (or actor names).
    Fourth = 3,
}

impl Table {
    const ALL: [Table; 4] = [Self::First, Self::Second, Self::Third, Self::Fourth];
}

/// One entry: tag 32 │ table 2 │ slot + 1 in 30. Zero is empty.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry(u64);

impl Entry {
    const EMPTY: Entry = Entry(0);

    #[inline]
    fn new(tag: u32, table: Table, slot: u32) -> Self {
        assert!(slot <= SLOT_MAX, "slot number fits an entry");
        Self(u64::from(tag) << 32 | u64::from(table as u8) << 30 | u64::from(slot + 1))
    }

    #[inline]
    fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the upper half
    fn tag(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // masked to 30 bits
    fn slot(self) -> u32 {
        (self.0 & ((1 << 30) - 1)) as u32 - 1
    }

    #[inline]
    fn table(self) -> Table {
        Table::ALL[(self.0 >> 30 & 3) as usize]
    }

    #[inline]
    fn home(self) -> usize {
        self.tag() as usize & MASK
    }
}

const _: () = assert!(SPLIT_AT as usize * 5 <= SEGMENT * 4);

type Segment = [Entry; SEGMENT];

/// How full a segment is and how many bits all its tags share.
#[derive(Clone, Copy)]
struct Fill {
    count: u16,
    depth: u8,
}

/// The index. See the module's documentation.
pub struct Index {
    depth: u32,
    directory: Vec<u32>,
    segments: ChunkedVec<Segment, 7>,
    fills: Vec<Fill>,
    len: usize,
}

impl Index {
    /// An empty index with room for about `expected` entries before the first split, touched.
    pub fn new(expected: usize) -> Self {
        let segments = (expected.div_ceil(SEGMENT / 5 * 3)).next_power_of_two();
        let depth = segments.trailing_zeros().min(DEPTH_MAX);
        let mut index = Self {
            depth,
            directory: Vec::new(),
            segments: ChunkedVec::default(),
            fills: Vec::new(),
            len: 0,
        };
        if depth > 0 {
            index.segments.reserve_touched(1 << depth);
        }
        for number in 0..1_u32 << depth {
            index.directory.push(number);
            index.add_segment(depth);
        }
        index
    }

    #[allow(clippy::cast_possible_truncation, clippy::large_stack_arrays)] // 32 KiB, briefly
    fn add_segment(&mut self, depth: u32) -> u32 {
        self.fills.push(Fill {
            count: 0,
            depth: depth as u8,
        });
        self.segments.push([Entry::EMPTY; SEGMENT]) as u32
    }

    /// Entries stored.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory in use.
    pub fn memory_bytes(&self) -> usize {
        self.segments.memory_bytes() + self.directory.len() * 4 + self.fills.len() * 4
    }

    #[inline]
    fn segment_of(&self, tag: u32) -> u32 {
        let at = (u64::from(tag) << self.depth >> 32) as usize;
        match self.directory.get(at) {
            Some(segment) => *segment,
            None => unreachable!("the directory has 2^depth entries"),
        }
    }

    /// Asks the processor for the line where the tag's run starts.
    #[inline]
    pub fn prefetch(&self, tag: u32) {
        let at = tag as usize & MASK;
        if let Some(entry) = self.segments[self.segment_of(tag)].get(at) {
            prefetch_read(entry);
        }
    }

    /// Every (table, slot) stored under this tag, in order of the probe.
    #[inline]
    pub fn candidates(&self, tag: u32) -> impl Iterator<Item = (Table, u32)> + '_ {
        let segment = &self.segments[self.segment_of(tag)];
        let mut at = tag as usize & MASK;
        std::iter::from_fn(move || {
            loop {
                let entry = segment[at & MASK];
                if entry.is_empty() {
                    return None;
                }
                at += 1;
                if entry.tag() == tag {
                    return Some((entry.table(), entry.slot()));
                }
            }
        })
    }

    /// Adds an entry; the caller made sure that it is not there.
    pub fn insert(&mut self, tag: u32, table: Table, slot: u32) {
        let mut number = self.segment_of(tag);
        while self.fill(number).count >= SPLIT_AT {
            self.split(number, tag);
            number = self.segment_of(tag);
        }
        place(&mut self.segments[number], Entry::new(tag, table, slot));
        self.fill_mut(number).count += 1;
        self.len += 1;
    }

    /// Points the entry of `old` to another slot of the same table. False if it is not there.
    pub fn repoint(&mut self, tag: u32, table: Table, old: u32, new: u32) -> bool {
        let number = self.segment_of(tag);
        let segment = &mut self.segments[number];
        let Some(at) = position(segment, Entry::new(tag, table, old)) else {
            return false;
        };
        segment[at & MASK] = Entry::new(tag, table, new);
        true
    }

    /// Removes an entry. False if it is not there.
    pub fn remove(&mut self, tag: u32, table: Table, slot: u32) -> bool {
        let number = self.segment_of(tag);
        let segment = &mut self.segments[number];
        let Some(mut hole) = position(segment, Entry::new(tag, table, slot)) else {
            return false;
        };
        let mut next = (hole + 1) & MASK;
        loop {
            let entry = segment[next & MASK];
            if entry.is_empty() {
                break;
            }
            // An entry may move back to the hole unless its home lies behind the hole.
            let from_home = next.wrapping_sub(entry.home()) & MASK;
            let from_hole = next.wrapping_sub(hole) & MASK;
            if from_home >= from_hole {
                segment[hole & MASK] = entry;
                hole = next;
            }
            next = (next + 1) & MASK;
        }
        segment[hole & MASK] = Entry::EMPTY;
        self.fill_mut(number).count -= 1;
        self.len -= 1;
        true
    }

    fn fill(&self, segment: u32) -> Fill {
        match self.fills.get(segment as usize) {
            Some(fill) => *fill,
            None => unreachable!("every segment has a fill"),
        }
    }

    fn fill_mut(&mut self, segment: u32) -> &mut Fill {
        match self.fills.get_mut(segment as usize) {
            Some(fill) => fill,
            None => unreachable!("every segment has a fill"),
        }
    }

    /// Splits the segment of `tag`: entries whose next tag bit is set move to a new one.
    #[allow(clippy::cast_possible_truncation, clippy::large_stack_arrays)] // 32 KiB, briefly
    #[cold]
    #[inline(never)] // its 32 KiB of stack would be probed by every insertion
    fn split(&mut self, number: u32, tag: u32) {
        let depth = u32::from(self.fill(number).depth);
        assert!(
            depth < DEPTH_MAX,
            "a keyed hash cannot put {SPLIT_AT} keys under one prefix of {DEPTH_MAX} bits"
        );
        if depth == self.depth {
            self.directory = self.directory.iter().flat_map(|at| [*at, *at]).collect();
            self.depth += 1;
        }
        let new = self.add_segment(depth + 1);
        self.fill_mut(number).depth += 1;
        // The directory entries of one segment are consecutive; their upper half is the new one's.
        let first = ((u64::from(tag) << depth >> 32) as usize) << (self.depth - depth);
        let span = 1_usize << (self.depth - depth);
        let upper = first + span / 2..first + span;
        for at in self.directory.get_mut(upper).into_iter().flatten() {
            debug_assert_eq!(*at, number);
            *at = new;
        }
        let old = std::mem::replace(&mut self.segments[number], [Entry::EMPTY; SEGMENT]);
        let mut moved = 0_u16;
        for entry in old.into_iter().filter(|entry| !entry.is_empty()) {
            if entry.tag() << depth >> 31 == 1 {
                place(&mut self.segments[new], entry);
                moved += 1;
            } else {
                place(&mut self.segments[number], entry);
            }
        }
        self.fill_mut(new).count = moved;
        self.fill_mut(number).count -= moved;
    }

    /// Every entry as (tag, table, slot), in no meaningful order: for audits.
    pub fn entries(&self) -> impl Iterator<Item = (u32, Table, u32)> + '_ {
        self.segments
            .iter()
            .flatten()
            .filter(|entry| !entry.is_empty())
            .map(|entry| (entry.tag(), entry.table(), entry.slot()))
    }
}

fn place(segment: &mut Segment, entry: Entry) {
    let mut at = entry.home();
    while !segment[at & MASK].is_empty() {
        at += 1;
    }
    segment[at & MASK] = entry;
}

fn position(segment: &Segment, entry: Entry) -> Option<usize> {
    let mut at = entry.home();
    loop {
        let found = segment[at & MASK];
        if found == entry {
            return Some(at & MASK);
        }
        if found.is_empty() {
            return None;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn has(index: &Index, tag: u32, slot: u32) -> bool {
        index
            .candidates(tag)
            .any(|found| found == (Table::First, slot))
    }

    #[test]
    fn entries_survive_every_split_and_are_found_by_their_tag() {
        let mut index = Index::new(0);
        let tag = |slot: u32| slot.wrapping_mul(0x9E37_79B9).rotate_left(11) ^ slot;
        for slot in 0..50_000 {
            index.insert(tag(slot), Table::First, slot);
        }
        assert!(
            index.depth >= 4,
            "it must have split, depth {}",
            index.depth
        );
        assert_eq!(index.len(), 50_000);
        assert!((0..50_000).all(|slot| has(&index, tag(slot), slot)));
        assert_eq!(index.entries().count(), 50_000);
        let counts: usize = index.fills.iter().map(|fill| usize::from(fill.count)).sum();
        assert_eq!(counts, 50_000);
    }

    #[test]
    fn a_presized_index_does_not_split_for_the_entries_it_expects() {
        let mut index = Index::new(20_000);
        let segments = index.segments.len();
        for slot in 0..20_000_u32 {
            index.insert(slot.wrapping_mul(0x9E37_79B9), Table::Second, slot);
        }
        assert_eq!(index.segments.len(), segments);
    }

    #[test]
    fn equal_tags_are_all_kept_and_tables_told_apart() {
        let mut index = Index::new(0);
        for slot in 0..5 {
            index.insert(7, Table::First, slot);
            index.insert(7, Table::Fourth, slot);
        }
        assert_eq!(index.candidates(7).count(), 10);
        assert!(index.repoint(7, Table::Fourth, 3, 77));
        assert!(!index.repoint(7, Table::Fourth, 3, 78));
        assert!(
            index
                .candidates(7)
                .any(|found| found == (Table::Fourth, 77))
        );
        assert!(index.remove(7, Table::First, 0) && !index.remove(7, Table::First, 0));
        assert_eq!(index.candidates(7).count(), 9);
        assert_eq!(index.candidates(8).count(), 0);
    }

    proptest! {
        /// Tags are drawn from few values, so that runs collide, wrap around and are cut.
        #[test]
        fn removal_never_hides_another_entry(
            steps in prop::collection::vec((any::<bool>(), 0_u32..12, 0_u32..4), 1..300),
        ) {
            let mut index = Index::new(0);
            let mut model = BTreeSet::new();
            for (add, low, slot) in steps {
                let tag = (4_090 + low) & 4_095 | low << 20;
                if add && model.insert((tag, slot)) {
                    index.insert(tag, Table::First, slot);
                } else if !add {
                    prop_assert_eq!(
                        index.remove(tag, Table::First, slot),
                        model.remove(&(tag, slot))
                    );
                }
                for (tag, slot) in &model {
                    prop_assert!(has(&index, *tag, *slot));
                }
                prop_assert_eq!(index.len(), model.len());
            }
        }
    }
}
