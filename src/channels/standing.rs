//! What the intake of a channel tells its publisher: how far it is, and when orders were made.

use crate::types::OrderKey;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

/// Orders whose time is remembered; the oldest make room.
const MADE_KEPT: usize = 65_536;

/// One channel, between its intake and its publisher.
#[derive(Debug, Default)]
pub struct Standing {
    caught_up: AtomicBool,
    made: Mutex<Made>,
}

#[derive(Debug, Default)]
struct Made {
    by_order: HashMap<OrderKey, u64>,
    oldest: VecDeque<OrderKey>,
}

impl Standing {
    /// What the channel sold while nobody listened is known: what was open at the start is worked
    /// off, and so is what its marketplace was asked for first.
    pub fn set_caught_up(&self) {
        self.caught_up.store(true, Ordering::Release);
    }

    /// See [`Standing::set_caught_up`].
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Acquire)
    }

    /// The order was made at `ms`, in milliseconds since 1970 by the marketplace's clock; to be
    /// said before it is placed. 0, not known, is not remembered.
    pub fn note_made(&self, order: OrderKey, ms: u64) {
        if ms == 0 {
            return;
        }
        let mut made = self.made.lock();
        if made.by_order.insert(order, ms).is_some() {
            return;
        }
        made.oldest.push_back(order);
        if made.oldest.len() > MADE_KEPT
            && let Some(oldest) = made.oldest.pop_front()
        {
            made.by_order.remove(&oldest);
        }
    }

    /// When the order was made; none: not known.
    #[must_use]
    pub fn made_ms(&self, order: OrderKey) -> Option<u64> {
        self.made.lock().by_order.get(&order).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_orders_are_remembered_and_no_more_of_them() {
        let standing = Standing::default();
        standing.note_made(OrderKey(1), 0);
        assert_eq!(standing.made_ms(OrderKey(1)), None, "not known");
        for order in 1..=MADE_KEPT as u128 + 1 {
            standing.note_made(OrderKey(order), 7);
            standing.note_made(OrderKey(order), 8);
        }
        assert_eq!(standing.made_ms(OrderKey(1)), None);
        assert_eq!(standing.made_ms(OrderKey(2)), Some(8));
        assert_eq!(standing.made.lock().oldest.len(), MADE_KEPT);
    }
}
