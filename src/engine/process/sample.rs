//! Sums over large tables in bounded time: an estimate where a table is large.

use std::collections::BTreeMap;

/// Entries that an estimate looks at.
const ENTRIES_MAX: usize = 512;

/// The sum of `size` over `table`: exact up to 512 entries. Of more, that many places spread over
/// the range of keys are looked at (some 50 µs), and their mean counts for all: an engine thread asks
/// for it between two turns, and a million orders may be open.
pub fn estimated_sum<K, V>(table: &BTreeMap<K, V>, size: impl Fn(&V) -> usize) -> usize
where
    K: Copy + Ord + Into<u64> + TryFrom<u64>,
{
    let (Some((&first, _)), Some((&last, _))) = (table.first_key_value(), table.last_key_value())
    else {
        return 0;
    };
    if table.len() <= ENTRIES_MAX {
        return table.values().map(size).sum();
    }
    let (first, width) = (first.into(), u128::from(last.into() - first.into()));
    let places = (0..ENTRIES_MAX as u64).filter_map(|number| {
        let offset = width * u128::from(number) / ENTRIES_MAX as u128;
        let place = K::try_from(first + u64::try_from(offset).ok()?).ok()?;
        table.range(place..).next()
    });
    let sampled: usize = places.map(|(_, value)| size(value)).sum();
    let of_all = sampled as u128 * table.len() as u128 / ENTRIES_MAX as u128;
    usize::try_from(of_all).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_small_table_is_summed_and_a_large_one_estimated_from_a_bounded_sample() {
        let table = |len: u32| (0..len).map(|key| (key * 3, (key % 100) as usize));
        let looked = Cell::new(0);
        let sum = |len| {
            looked.set(0);
            let table: BTreeMap<u32, usize> = table(len).collect();
            estimated_sum(&table, |value| {
                looked.set(looked.get() + 1);
                *value
            })
        };
        assert_eq!(sum(0), 0);
        assert_eq!(sum(100), 4_950);
        assert_eq!((sum(512), looked.get()), (24_816, 512));
        let estimate = sum(100_000);
        assert_eq!(looked.get(), ENTRIES_MAX);
        assert!(estimate.abs_diff(4_950_000) < 4_950_000 / 10, "{estimate}");
    }

    #[test]
    fn keys_over_the_whole_range_of_numbers_are_no_overflow() {
        let mut table: BTreeMap<u64, usize> = (0..1_000).map(|key| (key, 7)).collect();
        table.insert(u64::MAX, 7);
        assert_eq!(estimated_sum(&table, |value| *value), 7 * 1_001);
    }
}
