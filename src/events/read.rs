//! Pages of journal records, read on a thread that may wait for the disk.

use super::{Event, show};
use crate::engine::record::Record;
use crate::feed::{FeedError, FeedProgress, ShardJournal, Tail};
use crate::limits::EVENT_RECORDS_SCANNED_MAX;
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest};
use crate::types::record::{RawRecord, Records};
use crate::types::{ActorId, ChannelId, LocationId, OrderKey, SkuId, TenantId};
use std::collections::BTreeMap;

/// Who reads, in metrics.
const READER: &str = "events";

/// A reader's place in a shard's journal.
pub struct Reading {
    tail: Box<dyn Tail>,
    /// The last record that was looked at.
    last: u64,
    /// Records of a batch behind a page that was full.
    left: Vec<Seen>,
    left_last: u64,
}

/// A record that was read.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub sequence: u64,
    pub time_ms: u64,
    pub actor: ActorId,
    kind: u8,
    version: u8,
    payload: Vec<u8>,
}

impl Seen {
    /// What it says, if this build knows it.
    pub fn record(&self) -> Option<Record<'_>> {
        Record::decode(&RawRecord {
            kind: self.kind,
            version: self.version,
            actor: self.actor,
            payload: &self.payload,
        })
    }
}

/// A page of records.
#[derive(Debug)]
pub struct Found {
    pub(super) records: Vec<Seen>,
    /// The last record that was looked at.
    pub last: u64,
    /// There is no more for now.
    pub caught_up: bool,
}

impl Reading {
    /// A reader of this journal that goes on behind `after`.
    ///
    /// # Errors
    /// The journal cannot be read there.
    pub fn open(journal: &dyn ShardJournal, after: u64) -> Result<Self, FeedError> {
        // A cursor beyond the end waits for records that are not there yet.
        let from = after.saturating_add(1).min(journal.acknowledged().max(1));
        Ok(Self {
            tail: journal.tail_from(READER, from)?,
            last: after,
            left: Vec::new(),
            left_last: 0,
        })
    }

    /// The next page, of at most `limit` records of these kinds.
    ///
    /// # Errors
    /// The journal cannot be read there; `None` where the thread that read it ended.
    pub async fn next(
        self,
        limit: usize,
        kinds: Vec<String>,
    ) -> Result<(Self, Found), Option<FeedError>> {
        let read = tokio::task::spawn_blocking(move || self.read(limit, &kinds));
        read.await.map_err(|_| None)?.map_err(Some)
    }

    fn read(mut self, limit: usize, kinds: &[String]) -> Result<(Self, Found), FeedError> {
        let mut found = Found {
            records: Vec::new(),
            last: self.last,
            caught_up: false,
        };
        let mut scanned = 0;
        self.take_left(limit, &mut found);
        while found.records.len() < limit && scanned < EVENT_RECORDS_SCANNED_MAX {
            let (last, left) = (&mut self.last, &mut self.left);
            let (mut end, mut count) = (*last, 0);
            let progress = self.tail.next(&mut |batch| {
                for (sequence, raw) in (batch.sequence..).zip(Records::new(batch.payload)) {
                    end = sequence;
                    count += 1;
                    if sequence > *last && show::is_event(&raw, kinds) {
                        left.push(Seen {
                            sequence,
                            time_ms: batch.time_ms,
                            actor: raw.actor,
                            kind: raw.kind,
                            version: raw.version,
                            payload: raw.payload.to_vec(),
                        });
                    }
                }
            });
            if progress? == FeedProgress::CaughtUp {
                found.caught_up = true;
                break;
            }
            scanned += count;
            self.left_last = end.max(self.last);
            self.take_left(limit, &mut found);
        }
        Ok((self, found))
    }

    /// Moves what is left of a batch into the page, as far as it fits.
    fn take_left(&mut self, limit: usize, found: &mut Found) {
        let room = limit
            .saturating_sub(found.records.len())
            .min(self.left.len());
        found.records.extend(self.left.drain(..room));
        self.last = match found.records.last() {
            Some(last) if !self.left.is_empty() => last.sequence,
            _ => self.left_last.max(self.last),
        };
        found.last = self.last;
    }
}

/// Handles that records name.
#[derive(Debug, Default)]
pub(super) struct Handles {
    pub skus: Vec<SkuId>,
    pub locations: Vec<LocationId>,
    pub actors: Vec<ActorId>,
    pub orders: Vec<OrderKey>,
}

/// What they stand for; an empty name is another tenant's.
#[derive(Debug)]
pub(super) struct Names {
    pub tenant: TenantId,
    skus: BTreeMap<SkuId, String>,
    locations: BTreeMap<LocationId, String>,
    actors: BTreeMap<ActorId, String>,
    channels: BTreeMap<OrderKey, ChannelId>,
}

impl Found {
    /// True where nothing of these kinds was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What the shard has to be asked, on behalf of the tenant that reads.
    #[must_use]
    pub fn question(&self) -> LocalRequest {
        let handles = self.handles();
        LocalRequest::Query(LocalQuery::OwnNames {
            skus: handles.skus,
            locations: handles.locations,
            actors: handles.actors,
            orders: handles.orders,
        })
    }

    /// The tenant's events in it, oldest first, by the shard's answer to [`Found::question`].
    ///
    /// # Errors
    /// The answer, where it is one to something else.
    pub fn named(
        self,
        shard: u16,
        tenant: &str,
        answer: LocalAnswer,
    ) -> Result<Vec<Event>, LocalAnswer> {
        let names = match answer {
            LocalAnswer::OwnNames {
                tenant,
                skus,
                locations,
                actors,
                channels,
            } => {
                let handles = self.handles();
                let channels = handles.orders.iter().zip(channels);
                Names {
                    tenant,
                    skus: handles.skus.into_iter().zip(skus).collect(),
                    locations: handles.locations.into_iter().zip(locations).collect(),
                    actors: handles.actors.into_iter().zip(actors).collect(),
                    channels: channels.filter_map(|(key, of)| Some((*key, of?))).collect(),
                }
            }
            other => return Err(other),
        };
        let shown = self.records.iter().filter_map(|seen| {
            Some(Event {
                sequence: seen.sequence,
                time_ms: seen.time_ms,
                json: show::event(seen, shard, tenant, &names)?,
            })
        });
        Ok(shown.collect())
    }

    /// All handles in it, each once.
    fn handles(&self) -> Handles {
        let mut handles = Handles::default();
        for seen in &self.records {
            handles.actors.push(seen.actor);
            if let Some(record) = seen.record() {
                show::handles(&record, &mut handles);
            }
        }
        handles.skus.sort_unstable();
        handles.skus.dedup();
        handles.locations.sort_unstable();
        handles.locations.dedup();
        handles.actors.sort_unstable();
        handles.actors.dedup();
        handles.orders.sort_unstable();
        handles.orders.dedup();
        handles
    }
}

impl Names {
    /// The name of the tenant's own SKU.
    pub fn sku(&self, sku: SkuId) -> Option<&str> {
        self.skus
            .get(&sku)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// The name of the tenant's own location.
    pub fn location(&self, location: LocationId) -> Option<&str> {
        self.locations
            .get(&location)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// Who did it.
    pub fn actor(&self, actor: ActorId) -> &str {
        self.actors.get(&actor).map_or("", String::as_str)
    }

    /// Where an order was sold, if the shard still knows it.
    pub fn channel(&self, order: OrderKey) -> Option<ChannelId> {
        self.channels.get(&order).copied()
    }
}
