//! What the intake of a channel tells its publisher: how far it is, and when orders were made and over
//! which items.

use crate::types::OrderKey;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

/// Orders whose time is remembered; the oldest make room.
const MADE_KEPT: usize = 65_536;

/// One channel, between its intake and its publisher.
#[derive(Debug, Default)]
pub struct Standing {
    caught_up: AtomicBool,
    made: Mutex<Made>,
    /// Events whose orders were asked for in vain until now.
    waiting: Mutex<BTreeSet<u128>>,
}

#[derive(Debug, Default)]
struct Made {
    by_order: HashMap<OrderKey, (u64, Vec<String>)>,
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
    /// said before it is placed. 0: not known.
    pub fn note_made(&self, order: OrderKey, ms: u64) {
        self.note_sold(order, ms, Vec::new());
    }

    /// As [`Standing::note_made`], with the items of its lines, as mappings name them.
    pub fn note_sold(&self, order: OrderKey, ms: u64, items: Vec<String>) {
        let mut made = self.made.lock();
        if made.by_order.insert(order, (ms, items)).is_some() {
            return;
        }
        made.oldest.push_back(order);
        if made.oldest.len() > MADE_KEPT
            && let Some(oldest) = made.oldest.pop_front()
        {
            made.by_order.remove(&oldest);
        }
    }

    /// True where the order came from the channel, which was said before it was placed.
    #[must_use]
    pub fn knows(&self, order: OrderKey) -> bool {
        self.made.lock().by_order.contains_key(&order)
    }

    /// When the order was made; none: not known.
    #[must_use]
    pub fn made_ms(&self, order: OrderKey) -> Option<u64> {
        let made = self.made.lock();
        let ms = made.by_order.get(&order).map(|(ms, _)| *ms);
        ms.filter(|ms| *ms > 0)
    }

    /// The items of its lines; none: not known.
    #[must_use]
    pub fn items_of(&self, order: OrderKey) -> Vec<String> {
        let made = self.made.lock();
        let found = made.by_order.get(&order);
        found.map(|(_, items)| items.clone()).unwrap_or_default()
    }

    /// The marketplace does not say for now what an event's order is: it may have sold what is not
    /// known here.
    pub fn note_waiting(&self, event: u128) {
        self.waiting.lock().insert(event);
    }

    /// The event is settled.
    pub fn note_settled(&self, event: u128) {
        self.waiting.lock().remove(&event);
    }

    /// True while there are events whose orders cannot be had.
    #[must_use]
    pub fn waits_for_orders(&self) -> bool {
        !self.waiting.lock().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_waited_for_until_the_last_event_is_settled() {
        let standing = Standing::default();
        standing.note_settled(1);
        for event in [1, 2, 1] {
            standing.note_waiting(event);
        }
        standing.note_settled(1);
        assert!(standing.waits_for_orders());
        standing.note_settled(2);
        assert!(!standing.waits_for_orders());
        standing.note_sold(OrderKey(5), 0, vec!["7/8".into()]);
        assert_eq!(standing.items_of(OrderKey(5)), ["7/8"]);
        assert_eq!(standing.made_ms(OrderKey(5)), None);
    }

    #[test]
    fn the_newest_orders_are_remembered_and_no_more_of_them() {
        let standing = Standing::default();
        standing.note_made(OrderKey(1), 0);
        assert_eq!(standing.made_ms(OrderKey(1)), None, "not known");
        assert!(standing.knows(OrderKey(1)) && !standing.knows(OrderKey(2)));
        for order in 1..=MADE_KEPT as u128 + 1 {
            standing.note_made(OrderKey(order), 7);
            standing.note_made(OrderKey(order), 8);
        }
        assert_eq!(standing.made_ms(OrderKey(1)), None);
        assert_eq!(standing.made_ms(OrderKey(2)), Some(8));
        assert_eq!(standing.made.lock().oldest.len(), MADE_KEPT);
    }
}
