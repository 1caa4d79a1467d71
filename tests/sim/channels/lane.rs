//! One channel's way from the journal to its marketplace: the publisher's book, driven as the
//! publisher drives it, but by steps.

use super::market::{Market, SKUS};
use onhand::channels::publish::book::{Book, Rules, Taken};
use onhand::shard::local::{ChannelChanges, ChannelStock, LocalQuery, NamedPublished, SkuChoice};
use onhand::types::{ChannelId, SkuId};

/// How long a call may take; until then one that was given up may still arrive.
pub const TIMEOUT_MS: u64 = 5_000;

/// How long orders are waited for whose units are gone.
pub const UNSEEN_MS: u64 = 60_000;

const CALLS_OUT_MAX: usize = 3;

/// Something for others to do.
pub enum Wants {
    /// What changed, or everything.
    Changes(LocalQuery),
    Stock(LocalQuery),
    Report(Vec<NamedPublished>),
    Write(Vec<Taken>),
    Read(Vec<(usize, String)>),
}

/// Whether figures may be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raises {
    HeldBack,
    Asked,
    Answered,
    Free,
}

/// See the module.
pub struct Lane {
    channel: ChannelId,
    pub book: Book,
    pub raises: Raises,
    cursor: u64,
    all: bool,
    more: bool,
    asking: bool,
    held: Vec<ChannelStock>,
    pub calls_out: usize,
}

impl Lane {
    pub fn new(market: &Market, skus: &[SkuId; 3]) -> Self {
        let mut book = Book::new(Rules {
            batch_max: market.batch_max,
            compares: market.compares,
            counts_own_sales: market.counts,
            unseen_ms: UNSEEN_MS,
            late_ms: TIMEOUT_MS,
        });
        book.hold_back();
        for (name, sku) in SKUS.iter().zip(skus) {
            book.map(name, *sku, name, name, "");
        }
        Self {
            channel: ChannelId(market.number),
            book,
            raises: Raises::HeldBack,
            cursor: u64::MAX,
            all: false,
            more: true,
            asking: false,
            held: Vec::new(),
            calls_out: 0,
        }
    }

    /// Something changed that may concern stock.
    pub fn note_change(&mut self) {
        self.more = true;
    }

    /// Nothing is to be done or waited for.
    pub fn is_idle(&self) -> bool {
        let asks = self.asking || self.more || self.all || !self.held.is_empty();
        !asks && self.calls_out == 0 && self.book.waiting() == 0 && self.raises == Raises::Free
    }

    /// What is to be done now. Every record below `read_to` was read; `caught_up`: what was sold
    /// while nobody listened is known.
    pub fn drive(&mut self, now_ms: u64, read_to: u64, caught_up: bool) -> Vec<Wants> {
        let mut wants = Vec::new();
        self.take_held(now_ms, read_to);
        match self.raises {
            Raises::HeldBack if caught_up && !self.asking && !self.all => {
                self.raises = Raises::Asked;
                (self.cursor, self.more) = (u64::MAX, true);
            }
            Raises::Answered if self.held.is_empty() => {
                self.raises = Raises::Free;
                self.book.let_go();
            }
            _ => {}
        }
        self.book.wake(now_ms);
        if !self.asking && (self.all || self.more) {
            self.asking = true;
            let channel = self.channel;
            if std::mem::take(&mut self.all) {
                let skus = SkuChoice::From(SkuId(0));
                wants.push(Wants::Stock(LocalQuery::ChannelStock { channel, skus }));
            } else {
                self.more = false;
                let since = self.cursor;
                wants.push(Wants::Changes(LocalQuery::ChannelChanges {
                    channel,
                    since,
                }));
            }
        }
        let shown = self.book.take_shown().into_iter();
        let shown: Vec<NamedPublished> = shown
            .map(|one| NamedPublished {
                sku: one.sku,
                quantity: one.quantity,
                sequence: one.sequence,
            })
            .collect();
        if !shown.is_empty() {
            wants.push(Wants::Report(shown));
        }
        while self.calls_out < CALLS_OUT_MAX && self.book.waiting() > 0 {
            self.calls_out += 1;
            let reads = self.book.take_reads(10);
            wants.push(if reads.is_empty() {
                Wants::Write(self.book.take())
            } else {
                Wants::Read(reads)
            });
        }
        wants
    }

    pub fn changed(&mut self, changes: ChannelChanges) {
        self.asking = false;
        self.cursor = changes.cursor;
        self.more |= changes.more;
        self.all = changes.overrun;
        self.held.push(changes.stock);
    }

    pub fn answered(&mut self, stock: ChannelStock) {
        assert!(stock.next.is_none(), "three SKUs are one page");
        self.asking = false;
        if self.raises == Raises::Asked {
            self.raises = Raises::Answered;
        }
        self.held.push(stock);
    }

    /// Stock is taken in once the orders are known that it takes into account.
    fn take_held(&mut self, now_ms: u64, read_to: u64) {
        let book = &mut self.book;
        self.held.retain(|stock| {
            if stock.sequence >= read_to {
                return true;
            }
            for item in &stock.items {
                let (sku, quantity) = (item.stock.sku, item.stock.quantity);
                book.want(sku, quantity, stock.sequence, now_ms);
            }
            false
        });
    }
}
