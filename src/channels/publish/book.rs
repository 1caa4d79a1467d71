//! What every item of one channel is to show, and what is to be done about it next.
//!
//! ```text
//!  Idle ─▶ Ready ─▶ Out ─▶ Idle                    sold-out items first, then the oldest change
//!    ▲       ▲       ├──▶ Reading ─▶ Out ─▶ Ready  another figure than expected is there
//!    │       └───────┼─── Waiting                  failed: later, with the value of then
//!    └───────────────┴─── Quarantined              refused by itself: much later
//! ```
//!
//! An item is in one write at a time, and a write takes the newest value: so no older value ever
//! follows a newer one.
//!
//! A book neither waits nor calls: it is told what happened and when, so that the simulation can
//! drive it as the publisher does.

mod results;

use super::entry::{Entry, Rank, State};
use crate::channels::api::StockWrite;
use crate::mutants::{self, Mutant};
use crate::types::SkuId;
use std::collections::{BTreeSet, HashMap};

/// How long an item without new orders is quiet, in milliseconds.
pub const SETTLE_MS: u64 = 1_500;

/// How a marketplace takes stock.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Items in one write.
    pub batch_max: usize,
    /// It compares before it sets.
    pub compares: bool,
    /// It takes its own sales off what it shows.
    pub counts_own_sales: bool,
    /// How long orders are waited for whose units are gone already, in milliseconds.
    pub unseen_ms: u64,
    /// Until then a call that was given up may still arrive, in milliseconds.
    pub late_ms: u64,
}

/// An item that was taken for a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    place: usize,
    sequence: u64,
    since_ms: Option<u64>,
    /// It is what is wanted, and not less because of orders on their way.
    whole: bool,
    /// What to write.
    pub write: StockWrite,
}

impl Taken {
    /// The sequence at which the quantity to write is true.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// A quantity that the channel shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Name of the SKU.
    pub sku: String,
    /// Units.
    pub quantity: u32,
    /// When it was true.
    pub sequence: u64,
}

/// What came of one item's write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Shown, so many milliseconds after its oldest change was committed.
    Acknowledged(Option<u64>),
    /// To be done again, with the value of then.
    Again,
    /// Refused by itself: SKU and reason.
    Quarantined(String, String),
}

/// The items of one channel.
#[derive(Debug)]
pub struct Book {
    rules: Rules,
    entries: Vec<Entry>,
    by_item: HashMap<String, usize>,
    by_sku: HashMap<SkuId, Vec<usize>>,
    ready: BTreeSet<Rank>,
    groups: HashMap<String, BTreeSet<Rank>>,
    to_read: BTreeSet<usize>,
    alarms: BTreeSet<(u64, usize)>,
    shown: Vec<Shown>,
    /// Changes that needed no write.
    pub unneeded: u64,
    quarantined: usize,
    /// Items that stand for nothing any more, and whose last call is out.
    leaving: BTreeSet<usize>,
    /// Nothing is raised: what the marketplace has sold is not known yet.
    holds_back: bool,
    /// Nothing but zero is written: as before, and what it shows by itself is not known either.
    zeros_only: bool,
}

impl Book {
    /// A book without items.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            entries: Vec::new(),
            by_item: HashMap::new(),
            by_sku: HashMap::new(),
            ready: BTreeSet::new(),
            groups: HashMap::new(),
            to_read: BTreeSet::new(),
            alarms: BTreeSet::new(),
            shown: Vec::new(),
            unneeded: 0,
            quarantined: 0,
            leaving: BTreeSet::new(),
            holds_back: false,
            zeros_only: false,
        }
    }

    /// From now on only less is written, until [`Book::let_go`]. A marketplace that does not count
    /// its own sales has nothing to be known.
    pub fn hold_back(&mut self) {
        self.holds_back = self.rules.counts_own_sales;
    }

    /// From now on nothing but zero is written, until [`Book::let_go`]: the marketplace goes on selling,
    /// and its orders cannot be had. One that compares refuses what is too much by itself, and one that does
    /// not count its own sales has nothing to be known. False for these: nothing changes.
    pub fn withhold(&mut self) -> bool {
        if self.rules.compares || !self.rules.counts_own_sales {
            return false;
        }
        self.zeros_only = true;
        for place in 0..self.entries.len() {
            self.decide(place);
        }
        true
    }

    /// What the marketplace has sold is known.
    pub fn let_go(&mut self) {
        (self.holds_back, self.zeros_only) = (false, false);
        for place in 0..self.entries.len() {
            self.decide(place);
        }
    }

    /// The item `key` stands for a SKU from now on; `item` and `group` are those of its writes.
    /// True where that is new.
    pub fn map(&mut self, key: &str, sku: SkuId, name: &str, item: &str, group: &str) -> bool {
        let known = self.by_item.get(key).and_then(|it| self.entries.get(*it));
        if known.is_some_and(|entry| entry.sku == sku && entry.item == item) {
            return false;
        }
        self.unmap(key);
        let place = self.entries.len();
        let mut entry = Entry::new(sku, name, item, group, self.rules.batch_max);
        // Two writes of one item must not pass each other.
        let same = |it: &&usize| self.entries.get(**it).is_some_and(|it| it.item == item);
        if let Some(before) = self.leaving.iter().find(same) {
            entry.state = State::Behind(*before);
        }
        self.entries.push(entry);
        self.by_item.insert(key.to_owned(), place);
        self.by_sku.entry(sku).or_default().push(place);
        true
    }

    /// The item stands for nothing any more.
    fn unmap(&mut self, key: &str) {
        let Some(place) = self.by_item.remove(key) else {
            return;
        };
        self.leave(place);
        if let Some(entry) = self.entries.get_mut(place) {
            if entry.state == State::Out {
                entry.state = State::Leaving;
                self.leaving.insert(place);
            } else {
                if matches!(entry.state, State::Quarantined(_)) {
                    self.quarantined = self.quarantined.saturating_sub(1);
                }
                entry.state = State::Gone;
            }
            let sku = entry.sku;
            if let Some(places) = self.by_sku.get_mut(&sku) {
                places.retain(|one| *one != place);
            }
        }
    }

    /// Only these items stand for anything.
    pub fn keep(&mut self, items: &BTreeSet<String>) {
        let gone = self.by_item.keys().filter(|item| !items.contains(*item));
        let gone: Vec<String> = gone.cloned().collect();
        for item in gone {
            self.unmap(&item);
        }
    }

    /// The items of a SKU should show `quantity`, which is true at `sequence`; its oldest change
    /// was committed at `since_ms`.
    pub fn want(&mut self, sku: SkuId, quantity: u32, sequence: u64, since_ms: u64) {
        for place in self.by_sku.get(&sku).cloned().unwrap_or_default() {
            let Some(entry) = self.entries.get_mut(place) else {
                continue;
            };
            if entry.wanted.is_some_and(|(_, known)| known > sequence) {
                continue;
            }
            let changed = entry.wanted.map(|(known, _)| known) != Some(quantity);
            entry.wanted = Some((quantity, sequence));
            if changed {
                entry.note_change(since_ms);
            }
            if mutants::is(Mutant::WriteBesideWrite) && entry.state == State::Out {
                entry.state = State::Idle;
            }
            if entry.doubted_at.is_some_and(|at| at <= sequence) {
                entry.doubted_at = None;
                entry.forget();
                entry.note_change(since_ms);
            }
            self.decide(place);
        }
    }

    /// The channel sold units of a SKU, by an order that was made at `made_ms`; none: nobody knows.
    /// Of a SKU with several items nobody knows over which.
    pub fn sold(&mut self, sku: SkuId, sold: (u64, u32), made_ms: Option<u64>, now_ms: u64) {
        self.sold_over(sku, sold, (made_ms, &[]), now_ms);
    }

    /// As [`Book::sold`], over `items` of the order. The marketplace takes units off the item that
    /// they were sold over; the others of the SKU go on showing as many as before.
    pub fn sold_over(
        &mut self,
        sku: SkuId,
        (sequence, units): (u64, u32),
        (made_ms, items): (Option<u64>, &[String]),
        now_ms: u64,
    ) {
        if !self.rules.counts_own_sales {
            return;
        }
        let places = self.by_sku.get(&sku).cloned().unwrap_or_default();
        let over = self.only_item(&places, items);
        for place in places {
            let Some(entry) = self.entries.get_mut(place) else {
                continue;
            };
            match &over {
                Some(item) if entry.item != *item => continue,
                Some(_) => {}
                None if self.rules.compares => entry.reread = true,
                None => {
                    // Written anew with the figure that has the sale in it.
                    entry.doubted_at = Some(sequence);
                    continue;
                }
            }
            let is_expected = self.rules.compares && entry.unseen >= units;
            entry.sold(sequence, units, now_ms);
            // Units that were missing at a comparison have been taken off what is written already.
            if !is_expected && entry.may_precede_write(made_ms) {
                entry.ambiguous = true;
                self.alarms.insert((now_ms + SETTLE_MS, place));
            }
        }
    }

    /// The item at the marketplace that these places stand for, of those of an order where they stand
    /// for several; none: it cannot be told.
    fn only_item(&self, places: &[usize], ordered: &[String]) -> Option<String> {
        let items = |places: &mut dyn Iterator<Item = usize>| -> BTreeSet<&String> {
            let entries = places.filter_map(|place| self.entries.get(place));
            entries.map(|entry| &entry.item).collect()
        };
        let all = items(&mut places.iter().copied());
        let found = if all.len() > 1 {
            let ordered = ordered.iter().filter_map(|key| self.by_item.get(key));
            items(&mut ordered.copied().filter(|place| places.contains(place)))
        } else {
            all
        };
        match found.len() {
            1 => found.first().map(|item| (*item).clone()),
            _ => None,
        }
    }

    /// What it shows is not known any more, of no item: all are written again. Where figures can be
    /// compared they are read again: what is less than expected was sold meanwhile.
    pub fn resync(&mut self, now_ms: u64) {
        for place in 0..self.entries.len() {
            let Some(entry) = self.entries.get_mut(place) else {
                continue;
            };
            if matches!(
                entry.state,
                State::Out | State::Gone | State::Leaving | State::Behind(_)
            ) {
                continue;
            }
            if matches!(entry.state, State::Quarantined(_)) {
                self.quarantined = self.quarantined.saturating_sub(1);
            }
            if self.rules.compares {
                entry.reread = true;
            } else {
                entry.forget();
            }
            entry.state = State::Idle;
            entry.note_change(now_ms);
            self.decide(place);
        }
    }

    /// Puts the item where it belongs by what is known of it.
    fn decide(&mut self, place: usize) {
        self.leave(place);
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if !matches!(entry.state, State::Idle | State::Ready | State::Reading) {
            return;
        }
        let Some((_, sequence)) = entry.wanted else {
            return;
        };
        let target = entry.target();
        if self.rules.compares && (entry.estimate().is_none() || entry.reread) {
            entry.state = State::Reading;
            self.to_read.insert(place);
            return;
        }
        // Zero is written to be sure: it offers nothing twice.
        entry.zeroed &= target == 0;
        let doubtful = target == 0 && (entry.ambiguous || !entry.zeroed);
        if self.holds_back && entry.is_raised() || self.zeros_only && target > 0 {
            entry.state = State::Idle;
            return;
        }
        if entry.is_shown() && !doubtful {
            entry.state = State::Idle;
            entry.shows(i64::from(target), sequence);
            if entry.since_ms.take().is_some() {
                self.unneeded += 1;
                // What is less only because of orders on their way is reported when they came.
                if entry.is_whole() {
                    self.shown.push(Shown {
                        sku: entry.name.clone(),
                        quantity: target,
                        sequence,
                    });
                }
            }
            return;
        }
        entry.state = State::Ready;
        let rank = (target != 0, entry.since_ms.unwrap_or(0), place);
        entry.rank = Some(rank);
        self.ready.insert(rank);
        let group = self.groups.entry(entry.group.clone()).or_default();
        group.insert(rank);
    }

    /// Takes the item out of every queue.
    fn leave(&mut self, place: usize) {
        self.to_read.remove(&place);
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let Some(rank) = entry.rank.take() else {
            return;
        };
        self.ready.remove(&rank);
        if let Some(group) = self.groups.get_mut(&entry.group) {
            group.remove(&rank);
            if group.is_empty() {
                self.groups.remove(&entry.group);
            }
        }
    }

    /// The next write: the most urgent item, and others that may go with it.
    #[must_use]
    pub fn take(&mut self) -> Vec<Taken> {
        let Some((_, _, first)) = self.ready.first().copied() else {
            return Vec::new();
        };
        let Some(group) = self.entries.get(first).map(|entry| entry.group.clone()) else {
            return Vec::new();
        };
        let mut most = self.rules.batch_max;
        let mut places = Vec::new();
        for (_, _, place) in self.groups.get(&group).into_iter().flatten() {
            let share = self.entries.get(*place).map_or(1, |entry| entry.share_max);
            // An item that is under suspicion goes with few, or waits for the next write.
            if places.len() >= share {
                continue;
            }
            most = most.min(share);
            if places.len() >= most {
                break;
            }
            places.push(*place);
        }
        let mut taken = Vec::with_capacity(places.len());
        for place in places {
            self.leave(place);
            let compares = self.rules.compares;
            let Some(entry) = self.entries.get_mut(place) else {
                continue;
            };
            entry.state = State::Out;
            taken.push(Taken {
                place,
                sequence: entry.wanted.map_or(0, |(_, sequence)| sequence),
                since_ms: entry.since_ms.take(),
                whole: entry.is_whole(),
                write: StockWrite {
                    item: entry.item.clone(),
                    quantity: entry.target(),
                    expected: entry.estimate().filter(|_| compares),
                },
            });
        }
        taken
    }

    /// Items whose figure is to be read, at most `most`.
    pub fn take_reads(&mut self, most: usize) -> Vec<(usize, String)> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(place) = self.to_read.pop_first()
        {
            if let Some(entry) = self.entries.get_mut(place) {
                entry.state = State::Out;
                taken.push((place, entry.item.clone()));
            }
        }
        taken
    }

    /// Quantities that the channel shows now, to be reported.
    pub fn take_shown(&mut self) -> Vec<Shown> {
        std::mem::take(&mut self.shown)
    }

    /// Items that wait for a write or a read.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.ready.len() + self.to_read.len()
    }

    /// Items that are left alone because their writes are refused.
    #[must_use]
    pub fn quarantined(&self) -> usize {
        self.quarantined
    }
}
