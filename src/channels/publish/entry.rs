//! One item of a channel: what it is to show, what it shows as far as is known, and where it stands.
//!
//! A marketplace takes its own sales off what it shows, at once. What it shows is therefore what was
//! written last less the units of its orders that came in since; where that is what it should show,
//! nothing is written. That matters: a write of a figure in which the marketplace's newest sales are
//! not counted yet would offer their units again.
//!
//! Marketplaces that compare before they set refuse such a write. Their figure is read then; the
//! units that went without an order known are taken off what is written, until their orders come.
//! An order that was made before the last write, or nobody knows when, may be in the figure or not.
//! Its item is written once more when it has been quiet for a while, or read where figures can be
//! compared. Where an item is
//! sold out, zero is written at once and in any case: it offers nothing twice.

use crate::types::SkuId;
use std::collections::VecDeque;

/// How far the clocks of a marketplace and of this machine may be apart, in milliseconds.
const CLOCKS_MS: u64 = 2_000;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It shows what it should.
    Idle,
    /// To be written.
    Ready,
    /// What it shows is to be read.
    Reading,
    /// A write or read is out.
    Out,
    /// As before, of an item that stands for no SKU any more.
    Leaving,
    /// A write or read of the same item for the SKU it stood for before is out: that of this place.
    Behind(usize),
    /// A write failed; it is ready again at this time.
    Waiting(u64),
    /// Writes of it alone are refused; it is tried again at this time.
    Quarantined(u64),
    /// It stands for no SKU any more.
    Gone,
}

/// An item of a channel.
#[derive(Debug)]
pub(super) struct Entry {
    pub sku: SkuId,
    /// Name of the SKU.
    pub name: String,
    /// The item's id in writes.
    pub item: String,
    /// Items with the same word may be written together.
    pub group: String,
    pub state: State,
    /// What it should show, and the sequence at which that is true.
    pub wanted: Option<(u32, u64)>,
    /// When the oldest change that is not shown yet was committed, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// What it showed when `own` was empty; none: not known.
    shown: Option<i64>,
    /// Orders of the channel since then: sequence and units.
    own: VecDeque<(u64, u32)>,
    /// Units that went at the marketplace and whose orders have not come yet, and how long they
    /// are waited for.
    pub unseen: u32,
    unseen_until_ms: u64,
    /// Orders that were waited for and have come: they are in what is wanted from their sequence
    /// on.
    heard: VecDeque<(u64, u32)>,
    /// It is to be read once more, although what it shows is known.
    pub reread: bool,
    /// 0 was written since it was to show more.
    pub zeroed: bool,
    /// A write that was given up may still arrive: it is written once more at this time.
    pub rewrite_at_ms: Option<u64>,
    /// An order may have been made before or after the last write.
    pub ambiguous: bool,
    /// Units of its SKU were sold at this sequence, over this item or another one.
    pub doubted_at: Option<u64>,
    /// When the last order came in.
    pub last_own_ms: u64,
    /// When the last write was acknowledged.
    pub written_ms: u64,
    /// Failures in a row of this item.
    pub failures: u32,
    /// It is written together with at most so many.
    pub share_max: usize,
    /// Where it stands among those that are ready.
    pub rank: Option<Rank>,
}

/// Order in which items are written: sold out before others, then by age.
pub(super) type Rank = (bool, u64, usize);

impl Entry {
    pub fn new(sku: SkuId, name: &str, item: &str, group: &str, share_max: usize) -> Self {
        Self {
            sku,
            name: name.to_owned(),
            item: item.to_owned(),
            group: group.to_owned(),
            state: State::Idle,
            wanted: None,
            since_ms: None,
            shown: None,
            own: VecDeque::new(),
            unseen: 0,
            unseen_until_ms: 0,
            heard: VecDeque::new(),
            reread: false,
            zeroed: false,
            rewrite_at_ms: None,
            ambiguous: false,
            doubted_at: None,
            last_own_ms: 0,
            written_ms: 0,
            failures: 0,
            share_max,
            rank: None,
        }
    }

    /// What it shows at the sequence of `wanted`, as far as is known.
    pub fn estimate(&self) -> Option<i64> {
        let until = self.wanted.map_or(0, |(_, sequence)| sequence);
        let sold = self.own.iter().filter(|(sequence, _)| *sequence <= until);
        let sold: i64 = sold.map(|(_, units)| i64::from(*units)).sum();
        Some(self.shown? - sold)
    }

    /// What to write: what is wanted, less the units whose orders are on their way.
    pub fn target(&self) -> u32 {
        let (wanted, until) = self.wanted.unwrap_or((0, 0));
        let heard = self.heard.iter().filter(|(at, _)| *at > until);
        let heard: u32 = heard.map(|(_, units)| *units).sum();
        wanted.saturating_sub(self.unseen).saturating_sub(heard)
    }

    /// True where what to write is what is wanted.
    pub fn is_whole(&self) -> bool {
        self.wanted.map(|(quantity, _)| quantity) == Some(self.target())
    }

    /// True where it shows what it should.
    pub fn is_shown(&self) -> bool {
        self.estimate() == Some(i64::from(self.target()))
    }

    /// It showed `quantity` at `sequence`: orders up to there are in it.
    pub fn shows(&mut self, quantity: i64, sequence: u64) {
        self.shown = Some(quantity);
        self.own.retain(|(at, _)| *at > sequence);
    }

    /// A write of `quantity`, true at `sequence`, was given up: it may have arrived. The figure is
    /// read, and what it is less than the larger of both is taken for sold: a unit that is offered
    /// late does less harm than one that is offered twice.
    pub fn may_show(&mut self, quantity: u32, sequence: u64) {
        let sold = self.own.iter().filter(|(at, _)| *at <= sequence);
        let sold: i64 = sold.map(|(_, units)| i64::from(*units)).sum();
        if let Some(shown) = self.shown {
            self.shows((shown - sold).max(i64::from(quantity)), sequence);
        }
        self.reread = true;
        self.zeroed = false;
    }

    /// What it shows is not known any more. Orders that are on their way still are.
    pub fn forget(&mut self) {
        self.shown = None;
        self.own.clear();
        self.zeroed = false;
    }

    /// True where an order that was made then may have been made before the last write.
    pub fn may_precede_write(&self, made_ms: Option<u64>) -> bool {
        let written_ms = self.written_ms.saturating_add(CLOCKS_MS);
        self.state == State::Out
            || self.written_ms > 0 && made_ms.is_none_or(|made| made < written_ms)
    }

    /// True where what is to be written is more than it shows, or may be.
    pub fn is_raised(&self) -> bool {
        let target = self.target();
        let shown = self.estimate();
        target > 0 && shown.is_none_or(|shown| i64::from(target) > shown)
    }

    /// The channel sold units of it.
    pub fn sold(&mut self, sequence: u64, units: u32, now_ms: u64) {
        let seen_before = self.unseen.min(units);
        self.unseen -= seen_before;
        let until = self.wanted.map_or(0, |(_, sequence)| sequence);
        self.heard.retain(|(at, _)| *at > until);
        if seen_before > 0 {
            self.heard.push_back((sequence, seen_before));
        }
        if units > seen_before {
            self.own.push_back((sequence, units - seen_before));
        }
        self.last_own_ms = now_ms;
    }

    /// It was read, and shows `quantity`. What is less than expected was sold, and the orders
    /// will come until `until_ms`.
    pub fn was_read(&mut self, quantity: i64, until_ms: u64) {
        let came_later = self.own_after_wanted();
        let mut in_it = came_later;
        if let Some(expected) = self.estimate() {
            let gone = u64::try_from(expected.saturating_sub(quantity)).unwrap_or(0);
            in_it = gone.min(came_later);
            let unseen = u64::from(self.unseen).saturating_add(gone - in_it);
            self.unseen = u32::try_from(unseen).unwrap_or(u32::MAX);
            self.unseen_until_ms = until_ms;
        }
        // Orders that are known, but not in what is wanted yet, have been taken off already: they
        // are no reason to write more than is there.
        let in_it = i64::try_from(in_it).unwrap_or(i64::MAX);
        let until = self.wanted.map_or(0, |(_, sequence)| sequence);
        self.shows(quantity.saturating_add(in_it), until);
        self.reread = false;
    }

    fn own_after_wanted(&self) -> u64 {
        let until = self.wanted.map_or(0, |(_, sequence)| sequence);
        let later = self.own.iter().filter(|(sequence, _)| *sequence > until);
        later.map(|(_, units)| u64::from(*units)).sum()
    }

    /// When orders that are waited for are given up; none: there are none.
    pub fn unseen_until(&self) -> Option<u64> {
        (self.unseen > 0).then_some(self.unseen_until_ms)
    }

    /// The orders that were waited for do not come: somebody changed the figure by hand.
    pub fn give_up_unseen(&mut self) {
        self.unseen = 0;
    }

    /// A change that was committed at `ms` is to be shown.
    pub fn note_change(&mut self, ms: u64) {
        self.since_ms = Some(self.since_ms.map_or(ms, |since| since.min(ms)));
    }
}
