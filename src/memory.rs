//! Large tables in memory: grown chunk by chunk, on huge pages, fetched ahead of their use.
//!
//! ```text
//! ChunkedVec ─▶ [ base 0 │ base 1 │ … ]        never moved, never freed before the whole
//!                  │        └─▶ chunk of 2^SHIFT elements, huge pages advised
//!                  └─▶ chunk of 2^SHIFT elements, small pages, so that small tables stay small
//! ```
//!
//! A doubling `Vec` of tens of millions of entries stops everything while it copies (hundreds of
//! milliseconds); a chunk costs one mapping. When the machine has no memory left, growing panics:
//! the tables are bounded by configuration, and the journal makes a restart safe.
#![allow(unsafe_code)] // elements live in raw mappings; every block says why it is sound

use memmap2::{Advice, MmapMut, MmapOptions};
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Alignment of huge chunks: the size of a huge page on x86-64 and (4 KiB granule) aarch64.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Asks the processor to fetch the cache line at `address`; harmless for any address.
#[inline(always)]
#[allow(clippy::inline_always)] // one instruction
pub fn prefetch_address<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults and changes nothing, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch never faults and changes nothing, whatever the address.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, readonly));
    }
}

/// Asks the processor to fetch the (first) cache line of `value`.
#[inline(always)]
#[allow(clippy::inline_always)] // one instruction
pub fn prefetch_read<T: ?Sized>(value: &T) {
    prefetch_address(std::ptr::from_ref(value).cast::<u8>());
}

/// A growing table of plain values, in chunks of `2^SHIFT` elements that never move.
pub struct ChunkedVec<T, const SHIFT: u32> {
    bases: Vec<NonNull<T>>,
    maps: Vec<MmapMut>,
    len: usize,
    /// The first chunk is on huge pages too.
    large: bool,
    elements: PhantomData<T>,
}

// SAFETY: the table owns its mappings alone and hands out references by the borrow rules of `self`
// only, so it may move between threads where its elements may.
unsafe impl<T: Send, const SHIFT: u32> Send for ChunkedVec<T, SHIFT> {}
// SAFETY: `&self` gives only `&T`.
unsafe impl<T: Sync, const SHIFT: u32> Sync for ChunkedVec<T, SHIFT> {}

impl<T: Copy, const SHIFT: u32> Default for ChunkedVec<T, SHIFT> {
    fn default() -> Self {
        const {
            assert!(size_of::<T>() > 0 && align_of::<T>() <= 4096);
            assert!(
                size_of::<T>() << SHIFT <= 1 << 30,
                "a chunk is at most 1 GiB"
            );
            // Or else a part of every chunk is on small pages, each with a TLB entry of its own.
            let huge_pages = (size_of::<T>() << SHIFT).is_multiple_of(HUGE_PAGE_BYTES);
            assert!(cfg!(test) || huge_pages, "a chunk is whole huge pages");
        }
        Self {
            bases: Vec::new(),
            maps: Vec::new(),
            len: 0,
            large: false,
            elements: PhantomData,
        }
    }
}

impl<T: Copy, const SHIFT: u32> ChunkedVec<T, SHIFT> {
    const CHUNK: usize = 1 << SHIFT;
    const CHUNK_BYTES: usize = size_of::<T>() << SHIFT;

    /// How many elements there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes mapped, whether touched yet or not; the first chunk counts only what is in use.
    pub fn memory_bytes(&self) -> usize {
        match self.bases.len() {
            0 => 0,
            1 => self.len * size_of::<T>(),
            chunks => chunks * Self::CHUNK_BYTES,
        }
    }

    /// Puts the first chunk on huge pages too, for a table that will be large.
    pub fn expect_large(&mut self) {
        self.large = true;
    }

    /// Maps and touches memory for `count` elements in all, so that pushing them faults no page.
    pub fn reserve_touched(&mut self, count: usize) {
        while self.bases.len() * Self::CHUNK < count {
            self.grow(true);
        }
    }

    fn grow(&mut self, touch: bool) {
        let huge = touch || self.large || !self.bases.is_empty();
        let slack = if huge { HUGE_PAGE_BYTES } else { 0 };
        let mapped = MmapOptions::new()
            .len(Self::CHUNK_BYTES + slack)
            .no_reserve_swap()
            .map_anon();
        let mut map = match mapped {
            Ok(map) => map,
            Err(error) => panic!("no memory for another chunk of a table: {error}"),
        };
        let offset = if huge {
            // Without huge pages (or permission) the table works the same, only slower.
            let _ = map.advise(Advice::HugePage);
            map.as_ptr().align_offset(HUGE_PAGE_BYTES)
        } else {
            0
        };
        assert!(offset <= slack, "the aligned chunk is inside its mapping");
        if touch {
            for page in map
                .iter_mut()
                .skip(offset)
                .take(Self::CHUNK_BYTES)
                .step_by(4096)
            {
                *page = 0;
            }
        }
        // SAFETY: `offset` ≤ the slack mapped beyond the chunk, so the result is inside the map.
        let base = unsafe { map.as_mut_ptr().add(offset) };
        let Some(base) = NonNull::new(base.cast::<T>()) else {
            unreachable!("a mapping is never at address zero");
        };
        self.bases.push(base);
        self.maps.push(map);
    }

    /// Appends `value`; returns its index.
    #[inline]
    pub fn push(&mut self, value: T) -> usize {
        let index = self.len;
        if index >> SHIFT >= self.bases.len() {
            self.grow(false);
        }
        let Some(base) = self.bases.get(index >> SHIFT) else {
            unreachable!("the chunk of `len` was just made sure of");
        };
        // SAFETY: the chunk has room for `CHUNK` elements of `T`, suitably aligned (page or huge
        // page), and `&mut self` excludes every reference into it.
        unsafe { base.add(index & (Self::CHUNK - 1)).write(value) };
        self.len += 1;
        index
    }

    /// The element at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        if index >= self.len {
            return None;
        }
        let base = self.bases.get(index >> SHIFT)?;
        // SAFETY: every element below `len` was written by `push`; `T: Copy` has no drop; the
        // reference lives as long as the borrow of `self`, which owns the mapping.
        Some(unsafe { base.add(index & (Self::CHUNK - 1)).as_ref() })
    }

    /// The element at `index`, to change.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let base = self.bases.get(index >> SHIFT)?;
        // SAFETY: as in `get`, and `&mut self` makes the reference the only one.
        Some(unsafe { base.add(index & (Self::CHUNK - 1)).as_mut() })
    }

    /// Asks the processor to fetch the element at `index`, if there is one.
    #[inline]
    pub fn prefetch(&self, index: usize) {
        if let Some(base) = self.bases.get(index >> SHIFT) {
            let element = base.as_ptr().wrapping_add(index & (Self::CHUNK - 1));
            prefetch_address(element);
            if !size_of::<T>().is_power_of_two() {
                // It may straddle two lines.
                prefetch_address(element.wrapping_add(1).cast::<u8>().wrapping_sub(1));
            }
        }
    }

    /// Every element in order of its index.
    pub fn iter(&self) -> impl Iterator<Item = &T> + '_ {
        (0..self.len).filter_map(|index| self.get(index))
    }
}

/// The elements at known indices: for indices that the caller took from the table itself.
impl<T: Copy, const SHIFT: u32> std::ops::Index<u32> for ChunkedVec<T, SHIFT> {
    type Output = T;

    /// # Panics
    /// If there is no such element: a broken link between tables.
    #[inline]
    fn index(&self, index: u32) -> &T {
        match self.get(index as usize) {
            Some(element) => element,
            None => panic!("table index {index} of {}", self.len),
        }
    }
}

impl<T: Copy, const SHIFT: u32> std::ops::IndexMut<u32> for ChunkedVec<T, SHIFT> {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut T {
        let len = self.len;
        match self.get_mut(index as usize) {
            Some(element) => element,
            None => panic!("table index {index} of {len}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_value_and_place_over_many_chunks() {
        let mut table = ChunkedVec::<[u64; 3], 4>::default();
        let mut addresses = Vec::new();
        for value in 0..1_000_u32 {
            assert_eq!(table.push([value.into(); 3]), addresses.len());
            addresses.push(std::ptr::from_ref(&table[value]));
        }
        assert_eq!((table.len(), table.is_empty()), (1_000, false));
        for (index, address) in addresses.iter().enumerate() {
            let element = table.get(index).unwrap();
            assert_eq!(element[2], index as u64);
            assert!(std::ptr::eq(element, *address), "element {index} moved");
        }
        assert!(table.get(1_000).is_none() && table.get_mut(usize::MAX).is_none());
        table[7][1] = 99;
        assert_eq!(
            table
                .iter()
                .map(|element| element[1])
                .filter(|v| *v == 99)
                .count(),
            2
        );
    }

    #[test]
    fn reserved_memory_is_used_by_pushes() {
        let mut table = ChunkedVec::<u64, 10>::default();
        table.reserve_touched(3_000);
        let mapped = table.memory_bytes();
        assert_eq!(mapped, 3 * 8 * 1_024);
        for value in 0..3_000 {
            table.push(value);
        }
        assert_eq!(table.memory_bytes(), mapped);
        table.prefetch(2_999);
        table.prefetch(usize::MAX);
        prefetch_read(&table[5]);
    }

    #[test]
    #[should_panic(expected = "table index 3 of 3")]
    fn an_index_beyond_the_table_panics() {
        let mut table = ChunkedVec::<u8, 12>::default();
        (0..3).for_each(|value| {
            table.push(value);
        });
        let _ = table[3];
    }
}
