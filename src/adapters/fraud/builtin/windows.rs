//! How often something ordered lately, for a bounded number of somethings.

use lru::LruCache;

/// As far as orders are counted; more are that many.
pub(super) const COUNT_MAX: usize = 16;

/// The last orders of one customer, device, address or card: second and order.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    orders: [(u32, u32); COUNT_MAX],
    /// Orders taken in; the next one replaces the oldest.
    taken: usize,
}

/// Windows by what was hashed; the longest unseen is forgotten first.
#[derive(Debug)]
pub(super) struct Windows {
    by_hash: LruCache<u64, Window>,
    entries_max: usize,
}

impl Windows {
    pub(super) fn new(entries_max: usize) -> Self {
        Self {
            by_hash: LruCache::unbounded(),
            entries_max,
        }
    }

    /// Takes in an order of `hash` at `second` and counts those in the window that ends there, this
    /// one included; with whether it was there already.
    pub(super) fn count(&mut self, hash: u64, order: u32, second: u32, length: u32) -> (u8, bool) {
        let window = self.by_hash.get_or_insert_mut(hash, Window::default);
        let known = window.filled().iter().any(|(_, known)| *known == order);
        if !known {
            let place = window.taken % COUNT_MAX;
            if let Some(oldest) = window.orders.get_mut(place) {
                *oldest = (second, order);
            }
            window.taken += 1;
        }
        let after = second.saturating_sub(length);
        let orders = window.filled().iter();
        let within = orders
            .filter(|(at, _)| *at > after || *at == second)
            .count();
        if self.by_hash.len() > self.entries_max {
            self.by_hash.pop_lru();
        }
        (u8::try_from(within).unwrap_or(u8::MAX), known)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_hash.len()
    }
}

impl Window {
    fn filled(&self) -> &[(u32, u32)] {
        let filled = self.taken.min(COUNT_MAX);
        self.orders.get(..filled).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides_and_counts_each_order_once() {
        let mut windows = Windows::new(10);
        assert_eq!(windows.count(1, 1, 100, 60), (1, false));
        assert_eq!(windows.count(1, 1, 100, 60), (1, true));
        assert_eq!(windows.count(1, 2, 120, 60), (2, false));
        assert_eq!(windows.count(2, 3, 120, 60), (1, false));
        assert_eq!(windows.count(1, 4, 160, 60), (2, false), "100 has left");
        assert_eq!(windows.count(1, 5, 500, 60), (1, false));
        assert_eq!(
            windows.count(1, 6, 490, 60),
            (2, false),
            "late, and 500 stays"
        );
    }

    #[test]
    fn counts_and_memory_are_bounded() {
        let mut windows = Windows::new(10);
        for order in 0..100 {
            let (count, _) = windows.count(1, order, 100, 60);
            assert_eq!(usize::from(count), COUNT_MAX.min(order as usize + 1));
        }
        for hash in 0..1_000 {
            windows.count(hash, 1, 100, 60);
        }
        assert_eq!(windows.len(), 10);
    }
}
