//! Facts of orders for adapters and callbacks: a bounded mirror of what was accepted lately.
//!
//! ```text
//!  tails ─▶ OrderAccepted (placed, or with details) ─▶ facts, by shard and sequence
//!                                                        ▲        │
//!  journal, by sequence ◀── not there (any more) ────────┘        └─▶ calls, callbacks
//! ```
//!
//! What is in it is acknowledged, because the tails read no further. It is a cache: the oldest
//! entry makes room, and what is missing is read from the journal again. The engine neither fills
//! nor reads it.

use super::call::{FactLine, OrderFacts};
use super::names::{NameError, NameKeeper};
use crate::engine::record::{OrderAccepted, accepted_flags, kind};
use crate::feed::{FeedError, ShardJournal};
use crate::limits::ORDER_FACTS_MAX;
use crate::shard::local::LocalQueue;
use crate::types::details::{DETAILS_ARCHIVE_VERSION, OrderDetails};
use crate::types::record::RawRecord;
use crate::types::{LocationId, OrderKey, SkuId, TenantId};
use crossbeam::queue::ArrayQueue;
use dashmap::DashMap;
use std::sync::Arc;

/// Where [`OrderAccepted::flags`] stand in the payload: most orders are told apart by this byte.
const FLAGS_AT: usize = 52;

/// Why an order's facts cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// No such shard, or no accepted order at this sequence.
    #[error("no order was accepted at sequence {sequence} of shard {shard}")]
    NoSuchOrder {
        /// The shard.
        shard: u16,
        /// The sequence.
        sequence: u64,
    },
    /// The record does not have the layout of this build.
    #[error("the order at sequence {sequence} of shard {shard} cannot be decoded by this build")]
    Undecodable {
        /// The shard.
        shard: u16,
        /// The sequence.
        sequence: u64,
    },
    /// The journal cannot be read.
    #[error("the order at sequence {sequence} of shard {shard}: {source}")]
    Journal {
        /// The shard.
        shard: u16,
        /// The sequence.
        sequence: u64,
        /// Why not.
        #[source]
        source: FeedError,
    },
    /// A name cannot be had from the shard.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// One shard, as adapters reach it.
#[derive(Clone)]
pub struct ShardHandle {
    /// Its journal.
    pub journal: Arc<dyn ShardJournal>,
    /// The way into its engine thread.
    pub queue: Arc<LocalQueue>,
}

/// The address of the page for an order's buyer, from the tenant's name and the order.
pub type Links = Box<dyn Fn(&str, OrderKey) -> String + Send + Sync>;

/// Where a tenant's latest version of an order stands: shard and sequence.
struct Latest {
    tenant: String,
    place: (u16, u64),
}

/// Facts of accepted orders, shared by all lanes and the gateway.
pub struct OrderFactsStore {
    shards: Vec<ShardHandle>,
    names: Arc<NameKeeper>,
    orders: DashMap<(u16, u64), Arc<OrderFacts>>,
    /// The latest accepted version of each order in `orders`, by its key and for each tenant that
    /// has one of this key.
    latest: DashMap<OrderKey, Vec<Latest>>,
    /// Where buyers look; none where the server is not reached from outside.
    links: Option<Links>,
    /// In order of arrival; what does not fit any more is the oldest.
    ages: ArrayQueue<(u16, u64)>,
}

impl OrderFactsStore {
    /// An empty store for `ORDER_FACTS_MAX` orders. The place of a shard in `shards` is its number.
    #[must_use]
    pub fn new(shards: Vec<ShardHandle>, names: Arc<NameKeeper>) -> Self {
        Self::with_most(shards, names, ORDER_FACTS_MAX)
    }

    /// As [`OrderFactsStore::new`], for `most` orders (at least 1).
    #[must_use]
    pub fn with_most(shards: Vec<ShardHandle>, names: Arc<NameKeeper>, most: usize) -> Self {
        Self {
            shards,
            names,
            orders: DashMap::new(),
            latest: DashMap::new(),
            links: None,
            ages: ArrayQueue::new(most.max(1)),
        }
    }

    /// The same, with the pages of orders' buyers.
    #[must_use]
    pub fn with_links(self, links: Option<Links>) -> Self {
        Self { links, ..self }
    }

    /// Shows it a record that a tail has read: orders and definitions of names are kept, all other
    /// records cost one comparison.
    pub fn take(&self, shard: u16, sequence: u64, time_ms: u64, record: &RawRecord<'_>) {
        if record.kind < kind::ORDER_ACCEPTED {
            self.names.take(shard, record);
            return;
        }
        let flags = record.payload.get(FLAGS_AT).copied().unwrap_or(0);
        if record.kind != kind::ORDER_ACCEPTED
            || flags & (accepted_flags::PLACED | accepted_flags::DETAILS) == 0
            || self.orders.contains_key(&(shard, sequence))
        {
            return;
        }
        let Some(accepted) = Accepted::decode(shard, sequence, time_ms, record) else {
            return;
        };
        // Where a name is not known yet, the first call that needs the order asks for it.
        if let Some(facts) = accepted.named(&self.names) {
            self.insert(shard, sequence, facts);
        }
    }

    /// The facts of the order that was accepted at `sequence`, if they are here.
    #[must_use]
    pub fn get(&self, shard: u16, sequence: u64) -> Option<Arc<OrderFacts>> {
        let found = self.orders.get(&(shard, sequence))?;
        Some(Arc::clone(found.value()))
    }

    /// Shard and facts of the latest accepted version of the order with this key, for each tenant
    /// of whom it is here: two tenants may sell orders of one key.
    #[must_use]
    pub fn latest(&self, order: OrderKey) -> Vec<(u16, Arc<OrderFacts>)> {
        let places: Vec<(u16, u64)> = match self.latest.get(&order) {
            Some(known) => known.iter().map(|one| one.place).collect(),
            None => Vec::new(),
        };
        let found = places.into_iter();
        found
            .filter_map(|(shard, sequence)| Some((shard, self.get(shard, sequence)?)))
            .collect()
    }

    /// The facts of the order that was accepted at `sequence`, from the journal where they are not
    /// here.
    ///
    /// # Errors
    /// The journal cannot be read, has no such order, or a name cannot be had.
    pub async fn find(&self, shard: u16, sequence: u64) -> Result<Arc<OrderFacts>, FactsError> {
        if let Some(facts) = self.get(shard, sequence) {
            return Ok(facts);
        }
        let (handle, accepted) = self.read(shard, sequence).await?;
        let skus = accepted.lines.iter().map(|line| line.sku);
        let locations = accepted.lines.iter().map(|line| line.location);
        let tenant = accepted.tenant;
        let tenant = self.names.ask_tenant(shard, &handle.queue, tenant);
        let tenant = tenant.await?;
        self.names
            .ask(shard, &handle.queue, &tenant, skus, locations)
            .await?;
        match accepted.named(&self.names) {
            Some(facts) => Ok(self.insert(shard, sequence, facts)),
            None => Err(NameError::Unknown { shard }.into()),
        }
    }

    /// What was sent along with the order that was accepted at `sequence`. No name is needed.
    ///
    /// # Errors
    /// The journal cannot be read, or has no such order.
    pub async fn details(&self, shard: u16, sequence: u64) -> Result<OrderDetails, FactsError> {
        if let Some(facts) = self.get(shard, sequence) {
            return Ok(facts.details.clone());
        }
        let (_, accepted) = self.read(shard, sequence).await?;
        Ok(accepted.facts.details)
    }

    async fn read(
        &self,
        shard: u16,
        sequence: u64,
    ) -> Result<(&ShardHandle, Accepted), FactsError> {
        let none = || FactsError::NoSuchOrder { shard, sequence };
        let handle = self.shards.get(usize::from(shard)).ok_or_else(none)?;
        let journal = Arc::clone(&handle.journal);
        // It may have to look through a good part of a segment: others go on meanwhile.
        let read = tokio::task::spawn_blocking(move || Accepted::read(&*journal, shard, sequence));
        match read.await {
            Ok(read) => Ok((handle, read?)),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(NameError::NoAnswer { shard }.into()), // at a stop
            },
        }
    }

    /// The facts of the order with this number for people (`shard-sequence`), from the journal
    /// where they are not here.
    ///
    /// # Errors
    /// As [`OrderFactsStore::find`]; `None` where the text is no such number.
    pub async fn find_number(
        &self,
        number: &str,
    ) -> Result<Option<(u16, Arc<OrderFacts>)>, FactsError> {
        let parts = number.split_once('-');
        let parsed = parts.and_then(|(shard, sequence)| {
            Some((shard.parse::<u16>().ok()?, sequence.parse::<u64>().ok()?))
        });
        match parsed {
            Some((shard, sequence)) => Ok(Some((shard, self.find(shard, sequence).await?))),
            None => Ok(None),
        }
    }

    /// The names it knows.
    #[must_use]
    pub fn names(&self) -> &Arc<NameKeeper> {
        &self.names
    }

    /// The shards, by number.
    #[must_use]
    pub fn shards(&self) -> &[ShardHandle] {
        &self.shards
    }

    /// Orders in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// True without orders.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    fn note_latest(&self, facts: &OrderFacts, place: (u16, u64)) {
        let mut known = self.latest.entry(facts.order).or_default();
        match known.iter_mut().find(|one| one.tenant == facts.tenant) {
            Some(one) => one.place = one.place.max(place),
            None => known.push(Latest {
                tenant: facts.tenant.clone(),
                place,
            }),
        }
    }

    fn insert(&self, shard: u16, sequence: u64, mut facts: OrderFacts) -> Arc<OrderFacts> {
        if let Some(links) = &self.links {
            facts.link = links(&facts.tenant, facts.order);
        }
        let facts = Arc::new(facts);
        let place = (shard, sequence);
        if self.orders.insert(place, Arc::clone(&facts)).is_some() {
            return facts; // two tails at once: the same facts
        }
        self.note_latest(&facts, place);
        if let Some(oldest) = self.ages.force_push(place)
            && let Some((_, gone)) = self.orders.remove(&oldest)
            && let Some(mut known) = self.latest.get_mut(&gone.order)
        {
            known.retain(|one| one.place != oldest);
            drop(known);
            self.latest
                .remove_if(&gone.order, |_, known| known.is_empty());
        }
        facts
    }
}

/// An accepted order whose names are still handles.
struct Accepted {
    shard: u16,
    tenant: TenantId,
    lines: Vec<AcceptedLine>,
    facts: OrderFacts,
}

struct AcceptedLine {
    sku: SkuId,
    location: LocationId,
    quantity: u32,
}

impl Accepted {
    fn read(journal: &dyn ShardJournal, shard: u16, sequence: u64) -> Result<Self, FactsError> {
        let mut decoded = None;
        let mut seen = false;
        let mut read = |record: &RawRecord<'_>, time_ms: u64| {
            seen = record.kind == kind::ORDER_ACCEPTED;
            decoded = Self::decode(shard, sequence, time_ms, record);
        };
        let found = journal.find(sequence, &mut read);
        found.map_err(|source| FactsError::Journal {
            shard,
            sequence,
            source,
        })?;
        match decoded {
            Some(accepted) => Ok(accepted),
            None if seen => Err(FactsError::Undecodable { shard, sequence }),
            None => Err(FactsError::NoSuchOrder { shard, sequence }),
        }
    }

    fn decode(shard: u16, sequence: u64, time_ms: u64, record: &RawRecord<'_>) -> Option<Self> {
        if record.kind != kind::ORDER_ACCEPTED {
            return None;
        }
        let accepted = OrderAccepted::decode(record.payload)?;
        let mut details = OrderDetails::default();
        if !accepted.details.is_empty() {
            if accepted.details_version != DETAILS_ARCHIVE_VERSION {
                return None;
            }
            details = OrderDetails::from_archive(accepted.details)?;
        }
        let lines = accepted.allocations.iter().map(|allocation| AcceptedLine {
            sku: allocation.sku,
            location: allocation.location,
            quantity: allocation.quantity,
        });
        Some(Self {
            shard,
            tenant: accepted.tenant,
            lines: lines.collect(),
            facts: OrderFacts {
                order: accepted.key,
                tenant: String::new(),
                number: format!("{shard}-{sequence}"),
                accepted_at_ms: time_ms,
                customer: accepted.customer,
                channel: accepted.channel,
                currency: accepted.currency,
                total: accepted.total,
                lines: Vec::new(),
                details,
                link: String::new(),
            },
        })
    }

    /// With names; `None` where one is not known.
    fn named(&self, names: &NameKeeper) -> Option<OrderFacts> {
        let unit_price = self.unit_price();
        let mut lines = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            lines.push(FactLine {
                sku: names.sku(self.shard, line.sku)?,
                location: names.location(self.shard, line.location)?,
                quantity: line.quantity,
                unit_price,
            });
        }
        Some(OrderFacts {
            tenant: names.tenant(self.shard, self.tenant).ok()?,
            lines,
            ..self.facts.clone()
        })
    }

    /// The journal has prices in the order of the request's lines and units by SKU and location,
    /// so a price belongs to a line for certain only where all prices are the same.
    fn unit_price(&self) -> u64 {
        match self.facts.details.unit_prices.as_slice() {
            [first, rest @ ..] if rest.iter().all(|price| price == first) => *first,
            _ => 0,
        }
    }
}
