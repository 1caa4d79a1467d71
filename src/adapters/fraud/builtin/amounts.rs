//! What somebody usually spends, in whole minor units.

use super::weights::Amount;
use lru::LruCache;

/// Orders behind which an average moves like one of so many.
const MEMORY_ORDERS: u64 = 32;

#[derive(Clone, Copy, Debug, Default)]
struct Average {
    orders: u32,
    mean: u64,
}

/// Averages by what was hashed; the longest unseen is forgotten first.
#[derive(Debug)]
pub(super) struct Amounts {
    by_hash: LruCache<u64, Average>,
    entries_max: usize,
}

impl Amounts {
    pub(super) fn new(entries_max: usize) -> Self {
        Self {
            by_hash: LruCache::unbounded(),
            entries_max,
        }
    }

    /// Whether an amount is far above the average of `hash`.
    pub(super) fn is_far_above(&mut self, hash: u64, amount: u64, weight: &Amount) -> bool {
        let Some(average) = self.by_hash.get(&hash) else {
            return false;
        };
        average.orders >= weight.orders_min
            && u128::from(amount) * 100 > u128::from(average.mean) * u128::from(weight.percent)
    }

    /// Takes in an amount.
    pub(super) fn take_in(&mut self, hash: u64, amount: u64) {
        let average = self.by_hash.get_or_insert_mut(hash, Average::default);
        average.orders = average.orders.saturating_add(1);
        let share = u64::from(average.orders).min(MEMORY_ORDERS);
        if amount >= average.mean {
            average.mean += (amount - average.mean) / share;
        } else {
            average.mean -= (average.mean - amount) / share;
        }
        if self.by_hash.len() > self.entries_max {
            self.by_hash.pop_lru();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_far_above_once_there_is_an_average() {
        let weight = Amount {
            percent: 300,
            orders_min: 2,
            points: 1,
        };
        let mut amounts = Amounts::new(10);
        amounts.take_in(1, 1_000);
        assert!(
            !amounts.is_far_above(1, 9_000, &weight),
            "one order is no average"
        );
        amounts.take_in(1, 2_000);
        assert!(
            !amounts.is_far_above(1, 4_500, &weight),
            "three times is not above"
        );
        assert!(amounts.is_far_above(1, 4_501, &weight));
        assert!(!amounts.is_far_above(2, u64::MAX, &weight));
        amounts.take_in(1, u64::MAX);
        amounts.take_in(1, 0);
        assert!(!amounts.is_far_above(1, 1, &weight));
    }
}
