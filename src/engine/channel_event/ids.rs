//! Ids of events, so that one that comes again is known: each for 30 days, as long as no more than
//! so many are kept.
//!
//! ```text
//!  oldest ─▶ … ─▶ newest 1,048,576 ─▶  always kept, and part of the digest
//!    └─ goes when it is 30 days old, or when there are more than the bound
//! ```
//!
//! Time is that of the journal, to the hour. What is kept beyond the newest is memory only: replay
//! with another bound comes to the same digest.

use crate::limits::{
    CHANNEL_EVENTS_KEPT_DEFAULT, CHANNEL_EVENTS_KEPT_HOURS, CHANNEL_EVENTS_KEPT_MIN, HOUR_MS,
};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Old ids that go with each new one: more than come in, and never many at once.
const OLD_AT_ONCE: usize = 2;

/// The ids.
pub(in crate::engine) struct EventIds {
    known: BTreeSet<u128>,
    /// In the order in which they came.
    ring: VecDeque<u128>,
    /// How many of the ring came in which hour since the Unix epoch.
    hours: VecDeque<(u64, usize)>,
    /// Those that stand in the ring more than once, and how often more: a journal that was written
    /// with a smaller bound may have them.
    again: BTreeMap<u128, u32>,
    /// So many are kept however old they are.
    least: usize,
    /// So many are kept however young they are.
    most: usize,
    forgotten: u64,
    forgotten_early: u64,
}

impl EventIds {
    /// At most so many ids, and never fewer than the newest `CHANNEL_EVENTS_KEPT_MIN`.
    pub fn new(most: usize) -> Self {
        Self::bounded(CHANNEL_EVENTS_KEPT_MIN, most)
    }

    fn bounded(least: usize, most: usize) -> Self {
        Self {
            known: BTreeSet::new(),
            ring: VecDeque::new(),
            hours: VecDeque::new(),
            again: BTreeMap::new(),
            least,
            most: most.max(least),
            forgotten: 0,
            forgotten_early: 0,
        }
    }

    /// True for one that is kept.
    pub fn contains(&self, event: u128) -> bool {
        self.known.contains(&event)
    }

    /// True before the first one.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Ids forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Of those, the ones that were not 30 days old.
    pub fn forgotten_early(&self) -> u64 {
        self.forgotten_early
    }

    /// Bytes of memory in use, about.
    pub fn memory_bytes(&self) -> usize {
        self.known.len() * 28 + self.ring.capacity() * 16 + self.hours.capacity() * 16
    }

    /// The newest ones, oldest first: those that are kept whatever the bound is.
    pub fn newest(&self) -> impl Iterator<Item = u128> {
        let others = self.ring.len().saturating_sub(self.least);
        self.ring.iter().skip(others).copied()
    }

    /// Keeps one that came now.
    pub fn insert(&mut self, event: u128, now_ms: u64) {
        let hour = now_ms / HOUR_MS;
        if !self.known.insert(event) {
            *self.again.entry(event).or_default() += 1;
        }
        self.ring.push_back(event);
        match self.hours.back_mut() {
            Some((last, count)) if *last >= hour => *count += 1,
            _ => self.hours.push_back((hour, 1)),
        }
        if self.ring.len() > self.most {
            self.forget_oldest(hour);
        }
        for _ in 0..OLD_AT_ONCE {
            if self.ring.len() > self.least && self.oldest_is_old(hour) {
                self.forget_oldest(hour);
            }
        }
    }

    fn oldest_is_old(&self, hour: u64) -> bool {
        let oldest = self.hours.front();
        oldest.is_some_and(|(of, _)| hour.saturating_sub(*of) > CHANNEL_EVENTS_KEPT_HOURS)
    }

    fn forget_oldest(&mut self, hour: u64) {
        let Some(event) = self.ring.pop_front() else {
            return;
        };
        self.forgotten += 1;
        self.forgotten_early += u64::from(!self.oldest_is_old(hour));
        if let Some((_, count)) = self.hours.front_mut() {
            *count -= 1;
            if *count == 0 {
                self.hours.pop_front();
            }
        }
        match self.again.entry(event) {
            Entry::Occupied(mut again) => {
                *again.get_mut() -= 1;
                if *again.get() == 0 {
                    again.remove();
                }
            }
            Entry::Vacant(_) => {
                self.known.remove(&event);
            }
        }
    }
}

impl Default for EventIds {
    fn default() -> Self {
        Self::new(CHANNEL_EVENTS_KEPT_DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * HOUR_MS;

    fn kept(ids: &EventIds) -> Vec<u128> {
        ids.ring.iter().copied().collect()
    }

    #[test]
    fn an_id_is_known_for_thirty_days_however_many_come_after_it() {
        let mut ids = EventIds::bounded(2, 1_000);
        for day in 0..=30 {
            for number in 0..20 {
                ids.insert(u128::from(day) * 100 + number, day * DAY_MS);
            }
            assert!(ids.contains(0), "day {day}");
        }
        assert_eq!((ids.forgotten(), ids.len()), (0, 31 * 20));
        // Then the old ones go, faster than new ones come.
        for number in 0..20 {
            ids.insert(10_000 + number, 31 * DAY_MS);
        }
        assert!(!ids.contains(0) && ids.contains(100));
        assert_eq!((ids.forgotten(), ids.forgotten_early()), (20, 0));
        assert_eq!(ids.len(), 31 * 20);
    }

    #[test]
    fn at_the_bound_the_oldest_go_early_and_are_counted() {
        let mut ids = EventIds::bounded(2, 5);
        for event in 1..=9_u64 {
            ids.insert(event.into(), event);
        }
        assert_eq!(kept(&ids), [5, 6, 7, 8, 9]);
        assert!(!ids.contains(4));
        assert_eq!((ids.forgotten(), ids.forgotten_early()), (4, 4));
        assert_eq!(
            EventIds::bounded(2, 1).most,
            2,
            "never fewer than the least"
        );
    }

    #[test]
    fn the_newest_are_kept_however_old_and_are_the_same_under_every_bound() {
        let mut small = EventIds::bounded(3, 3);
        let mut large = EventIds::bounded(3, 100);
        for (event, day) in [(1, 0), (2, 0), (3, 90), (4, 180), (5, 270), (6, 270)] {
            small.insert(event, day * DAY_MS);
            large.insert(event, day * DAY_MS);
            assert!(small.newest().eq(large.newest()));
        }
        assert_eq!(kept(&large), [4, 5, 6]);
    }

    #[test]
    fn an_id_that_came_again_after_a_smaller_bound_had_forgotten_it_is_known_until_both_are_old() {
        let mut ids = EventIds::bounded(1, 100);
        ids.insert(7, 0);
        ids.insert(8, 0);
        ids.insert(7, 20 * DAY_MS);
        ids.insert(9, 35 * DAY_MS);
        assert_eq!(kept(&ids), [7, 9]);
        assert!(ids.contains(7) && !ids.contains(8));
        ids.insert(10, 60 * DAY_MS);
        assert!(!ids.contains(7) && ids.again.is_empty());
        assert_eq!(
            ids.hours.iter().map(|(_, count)| count).sum::<usize>(),
            ids.len()
        );
    }
}
