//! One channel: its book, its pace, and what is out for it.
//!
//! ```text
//!  journal moved ─▶ changes? ─▶ shard ─▶ book ─▶ pace ─▶ marketplace ─▶ book ─▶ Published ─▶ shard
//! ```

mod outcome;

use super::api_options;
use super::book::{Book, Rules, Shown, Taken};
use super::desk::Desk;
use super::pace::Pace;
use super::tail::Seen;
use crate::channels::api::{ApiError, ItemResults, Marketplace, StockWrite};
use crate::channels::{ChannelOptions, Standing};
use crate::clock;
use crate::limits::CHANNEL_ITEMS_MAX;
use crate::metrics::PublishMetrics;
use crate::shard::local::{
    ChannelRequest, ChannelStock, LocalAnswer, LocalQuery, LocalRequest, NamedPublished, SkuChoice,
};
use crate::types::{ChannelKind, SkuId, TenantId};
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Mappings of one page.
const MAPPINGS_PAGE: u16 = 1_000;

/// Calls out at once where nothing else is configured.
const CALLS_OUT_DEFAULT: usize = 4;

/// All quantities are written again so often where nothing else is configured, in seconds.
const RESYNC_SECONDS_DEFAULT: u64 = 600;

/// Longest time for which nothing is raised at the start, and nothing but zero is written while orders
/// cannot be had, in nanoseconds.
const HOLD_BACK_NS: u64 = 5 * 60 * 1_000_000_000;

/// How long orders are waited for whose units are gone already, beside the time between two looks
/// of the intake, in milliseconds.
const UNSEEN_MS: u64 = 60_000;

/// Shortest time between two questions to the shard, in nanoseconds.
const ASK_NS: u64 = 2_000_000;

/// What something that was out brought.
pub(super) enum Done {
    /// The channel is known to the shard.
    Defined(Option<LocalAnswer>),
    Mappings(Option<LocalAnswer>),
    Stock(Option<LocalAnswer>),
    Changes(Option<LocalAnswer>),
    Written(Vec<Taken>, Result<ItemResults, ApiError>),
    Read(Vec<usize>, Result<Vec<Option<i64>>, ApiError>),
    /// A report of what is shown was taken, or not.
    Reported,
}

/// Something to be done, outside of the lane.
pub(super) type Work = BoxFuture<'static, Done>;

/// What the shard is asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// Say that the channel exists.
    Define,
    /// Mappings behind this item.
    Mappings(String),
    /// The stock of every SKU, from this handle on.
    Stock(SkuId),
    /// What changed.
    Changes,
}

/// Whether figures may be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raises {
    /// Not before this time: what was sold while nobody listened, or was answered, is not known.
    HeldBack(u64),
    /// It is known to the shard, which is asked for its stock.
    Asked,
    /// Its answer is here.
    Answered,
    Free,
    /// They are, although it is not known: it took too long.
    Overdue,
}

/// One channel.
pub(super) struct Lane {
    channel: ChannelOptions,
    api: Arc<dyn Marketplace>,
    desk: Desk,
    standing: Arc<Standing>,
    raises: Raises,
    /// All of the stock is asked for before figures are raised: nothing was asked for yet.
    starts: bool,
    /// When figures are raised in any case, as long as they are held back.
    held_until_ns: u64,
    /// Place of its shard.
    pub shard: usize,
    book: Book,
    pace: Pace,
    calls_out_max: usize,
    calls_out: usize,
    batch_max: usize,
    next: Next,
    asking: bool,
    ask_at_ns: u64,
    cursor: u64,
    more: bool,
    /// The follower's place when the shard was asked last.
    asked_to: u64,
    /// Time of the oldest batch that the shard was not asked about yet.
    since_ms: Option<u64>,
    /// That of the question that is out.
    asked_since_ms: u64,
    remap: bool,
    /// Items of the pages of mappings read so far.
    mapped: BTreeSet<String>,
    /// Answered stock whose records the follower has not read yet.
    held: Vec<ChannelStock>,
    resync_ns: u64,
    resync_at_ns: u64,
    metrics: PublishMetrics,
}

impl Lane {
    pub fn new(
        channel: ChannelOptions,
        api: Arc<dyn Marketplace>,
        desk: Desk,
        (shard, standing): (usize, Arc<Standing>),
    ) -> Self {
        let limits = api.limits();
        let number = |name: &str| channel.setting(name).parse::<u64>().ok();
        let per_second = number("stock_calls_per_second").and_then(|it| u32::try_from(it).ok());
        let pace = match per_second {
            Some(calls) => Pace::new(calls, 1_000),
            None => Pace::new(limits.calls, limits.per_ms),
        };
        let calls_out_max = number("stock_calls_out").and_then(|it| usize::try_from(it).ok());
        let resync_s = number("stock_resync_seconds").unwrap_or(RESYNC_SECONDS_DEFAULT);
        let rules = Rules {
            batch_max: limits.batch_max.max(1),
            compares: limits.compares,
            // A cart that is sent by message takes nothing off the catalogue.
            counts_own_sales: channel.kind != ChannelKind::WhatsApp,
            unseen_ms: channel.poll_ms.saturating_add(UNSEEN_MS),
            late_ms: api_options(&channel).timeout_ms,
        };
        let mut book = Book::new(rules);
        let raises = if standing.is_caught_up() {
            Raises::Free
        } else {
            book.hold_back();
            Raises::HeldBack(clock::monotonic_ns().saturating_add(HOLD_BACK_NS))
        };
        Self {
            standing,
            raises,
            starts: true,
            held_until_ns: 0,
            metrics: PublishMetrics::new(&channel.name),
            channel,
            api,
            desk,
            shard,
            book,
            pace,
            calls_out_max: calls_out_max.unwrap_or(CALLS_OUT_DEFAULT).max(1),
            calls_out: 0,
            batch_max: rules.batch_max,
            next: Next::Define,
            asking: false,
            ask_at_ns: 0,
            cursor: u64::MAX,
            more: false,
            asked_to: 0,
            since_ms: None,
            asked_since_ms: 0,
            remap: false,
            mapped: BTreeSet::new(),
            held: Vec::new(),
            resync_ns: resync_s.max(1).saturating_mul(1_000_000_000),
            resync_at_ns: u64::MAX,
        }
    }

    /// Takes in what was read from its shard's journal: `first_ms` is the time of the first batch.
    pub fn note(&mut self, seen: &[Seen], first_ms: Option<u64>, tenants: &[String]) {
        if let Some(first_ms) = first_ms {
            self.since_ms.get_or_insert(first_ms);
        }
        let is_own = |tenant: TenantId| {
            let name = tenants.get(usize::from(tenant.0));
            name.is_some_and(|name| *name == self.channel.tenant)
        };
        let now_ms = clock::now_ms();
        for one in seen {
            match *one {
                Seen::Sold {
                    tenant,
                    channel,
                    sku,
                    sequence,
                    units,
                    order,
                    fact,
                } if channel == self.channel.number && is_own(tenant) => {
                    // Without an order process the journal does not say so, but the intake does. What
                    // a person places for a channel is no sale that it knows of.
                    if !fact && !self.standing.knows(order) {
                        continue;
                    }
                    let (sold, made_ms) = ((sequence, units), self.standing.made_ms(order));
                    match &*self.standing.items_of(order) {
                        [] => self.book.sold(sku, sold, made_ms, now_ms),
                        items => self.book.sold_over(sku, sold, (made_ms, items), now_ms),
                    }
                }
                Seen::Mapped { tenant, channel }
                    if channel == self.channel.number && is_own(tenant) =>
                {
                    self.remap = true;
                }
                _ => {}
            }
        }
    }

    /// What is to be done now; `read_to`: every record below was read from the journal.
    pub fn drive(&mut self, read_to: u64, now_ns: u64, work: &mut Vec<Work>) {
        self.take_held(read_to);
        self.raise(now_ns);
        self.book.wake(clock::now_ms());
        if now_ns >= self.resync_at_ns && self.next == Next::Changes {
            self.resync_at_ns = now_ns.saturating_add(self.resync_ns);
            self.book.resync(clock::now_ms());
        }
        if let Some(question) = self.question(read_to, now_ns) {
            work.push(question);
        }
        self.report(work);
        while self.calls_out < self.calls_out_max && self.book.waiting() > 0 {
            if !self.pace.take(now_ns, self.calls_out) {
                break;
            }
            self.calls_out += 1;
            work.push(self.call());
        }
        self.metrics.set(
            self.book.waiting(),
            self.book.quarantined(),
            self.pace.is_down(),
        );
    }

    /// Lets figures be raised once it is known what was sold while nobody listened; holds them back
    /// while orders wait whose marketplace does not answer.
    fn raise(&mut self, now_ns: u64) {
        let waits = self.standing.waits_for_orders();
        match self.raises {
            Raises::Free => {
                if waits && self.book.withhold() {
                    self.held_until_ns = now_ns.saturating_add(HOLD_BACK_NS);
                    self.raises = Raises::HeldBack(self.held_until_ns);
                }
            }
            Raises::Asked => {}
            Raises::Overdue => {
                if !waits {
                    self.raises = Raises::Free;
                }
            }
            Raises::HeldBack(until_ns) if now_ns >= until_ns => {
                let name = &self.channel.name;
                tracing::warn!(
                    channel = name,
                    "what was sold there is not known yet; stock is published all the same"
                );
                self.raises = Raises::Overdue;
                self.book.let_go();
            }
            Raises::HeldBack(until_ns) => {
                let known = self.standing.is_caught_up() && !waits;
                if known && self.next == Next::Changes && !self.asking {
                    self.raises = Raises::Asked;
                    self.held_until_ns = until_ns;
                    self.more = true;
                    if std::mem::take(&mut self.starts) {
                        self.cursor = u64::MAX;
                    }
                }
            }
            Raises::Answered if !self.held.is_empty() => {}
            Raises::Answered if waits && self.book.withhold() => {
                self.raises = Raises::HeldBack(self.held_until_ns);
            }
            Raises::Answered => {
                self.raises = Raises::Free;
                self.book.let_go();
            }
        }
    }

    /// The next question to the shard, if one is due.
    fn question(&mut self, read_to: u64, now_ns: u64) -> Option<Work> {
        if self.asking || now_ns < self.ask_at_ns {
            return None;
        }
        if self.remap && self.next == Next::Changes {
            self.remap = false;
            self.next = Next::Mappings(String::new());
        }
        let channel = self.channel.number;
        if self.next == Next::Changes && !self.more && self.since_ms.is_none() {
            return None;
        }
        self.asking = true;
        self.ask_at_ns = now_ns + ASK_NS;
        let desk = self.desk.clone();
        let request = match &self.next {
            Next::Define => LocalRequest::Channel(ChannelRequest::Define {
                channel,
                name: self.channel.name.clone(),
                kind: Some(self.channel.kind),
            }),
            Next::Mappings(after) => LocalRequest::Query(LocalQuery::Mappings {
                channel,
                after: after.clone(),
                limit: MAPPINGS_PAGE,
            }),
            Next::Stock(from) => LocalRequest::Query(LocalQuery::ChannelStock {
                channel,
                skus: SkuChoice::From(*from),
            }),
            Next::Changes => LocalRequest::Query(LocalQuery::ChannelChanges {
                channel,
                since: self.cursor,
            }),
        };
        self.asked_to = read_to;
        self.asked_since_ms = self.since_ms.take().unwrap_or_else(clock::now_ms);
        let wrap: fn(Option<LocalAnswer>) -> Done = match self.next {
            Next::Define => Done::Defined,
            Next::Mappings(_) => Done::Mappings,
            Next::Stock(_) => Done::Stock,
            Next::Changes => Done::Changes,
        };
        Some(Box::pin(async move { wrap(desk.ask(request).await) }))
    }

    /// The next call: reads first, since writes wait for them.
    fn call(&mut self) -> Work {
        let api = Arc::clone(&self.api);
        let reads = self.book.take_reads(self.batch_max);
        if !reads.is_empty() {
            let (places, items): (Vec<usize>, Vec<String>) = reads.into_iter().unzip();
            return Box::pin(async move { Done::Read(places, api.read_stock(&items).await) });
        }
        let taken = self.book.take();
        let writes: Vec<StockWrite> = taken.iter().map(|one| one.write.clone()).collect();
        Box::pin(async move {
            let result = api.write_stock(&writes).await;
            Done::Written(taken, result)
        })
    }

    /// Tells the shard what the channel shows.
    fn report(&mut self, work: &mut Vec<Work>) {
        let shown = self.book.take_shown();
        for page in shown.chunks(CHANNEL_ITEMS_MAX) {
            let items = page.iter().cloned().map(|one: Shown| NamedPublished {
                sku: one.sku,
                quantity: one.quantity,
                sequence: one.sequence,
            });
            let request = LocalRequest::Channel(ChannelRequest::Published {
                channel: self.channel.number,
                items: items.collect(),
            });
            let (desk, name) = (self.desk.clone(), self.channel.name.clone());
            work.push(Box::pin(async move {
                if let Some(LocalAnswer::Refused(code)) = desk.ask(request).await {
                    tracing::warn!(
                        channel = name,
                        code = code.name(),
                        "published stock was not taken"
                    );
                }
                Done::Reported
            }));
        }
    }
}
