//! Following a shard's journal: that something was committed, what channels sold, which items were
//! mapped.

use crate::engine::record::{ChannelEventRecord, OrderAccepted, Record, accepted_flags, kind};
use crate::feed::{FeedError, FeedProgress, Tail};
use crate::types::record::{RawRecord, Records};
use crate::types::{ChannelId, OrderKey, SkuId, TenantId};

/// Batches read before the others get their turn.
const STEP_BATCHES_MAX: usize = 256;

/// Something that lanes want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// An order of a channel took units.
    Sold {
        tenant: TenantId,
        channel: ChannelId,
        sku: SkuId,
        sequence: u64,
        units: u32,
        order: OrderKey,
        /// The journal says that the channel had sold them.
        fact: bool,
    },
    /// The items of a channel stand for other SKUs.
    Mapped {
        tenant: TenantId,
        channel: ChannelId,
    },
}

/// One shard's journal, from here.
pub(super) struct Follower {
    tail: Box<dyn Tail>,
    /// Names of the shard's tenants by their number.
    pub tenants: Vec<String>,
    /// Time of the last batch read.
    pub time_ms: u64,
}

impl Follower {
    pub fn new(tail: Box<dyn Tail>, tenants: Vec<String>) -> Self {
        Self {
            tail,
            tenants,
            time_ms: 0,
        }
    }

    /// Every record below was read.
    pub fn next_sequence(&self) -> u64 {
        self.tail.place().sequence
    }

    /// Reads on; returns the time of the first batch, where there was one.
    pub fn step(&mut self, seen: &mut Vec<Seen>) -> Result<Option<u64>, FeedError> {
        let mut first_ms = None;
        for _ in 0..STEP_BATCHES_MAX {
            let tenants = &mut self.tenants;
            let mut time_ms = self.time_ms;
            let progress = self.tail.next(&mut |batch| {
                time_ms = batch.time_ms;
                let mut concerns = false;
                for (sequence, record) in (batch.sequence..).zip(Records::new(batch.payload)) {
                    concerns |= concerns_stock(record.kind);
                    note(sequence, &record, tenants, seen);
                }
                if concerns {
                    first_ms.get_or_insert(batch.time_ms);
                }
            })?;
            self.time_ms = time_ms;
            if progress == FeedProgress::CaughtUp {
                break;
            }
        }
        Ok(first_ms)
    }

    pub fn publish_lag(&self) {
        self.tail.publish_lag();
    }
}

/// What was published changes nothing that is to be published.
fn concerns_stock(kind: u8) -> bool {
    !matches!(
        kind,
        kind::STOCK_PUBLISHED
            | kind::EVENT_RECEIVED
            | kind::EVENT_SETTLED
            | kind::TENANT_DEFINED
            | kind::ACTOR_DEFINED
    )
}

fn note(sequence: u64, record: &RawRecord<'_>, tenants: &mut Vec<String>, seen: &mut Vec<Seen>) {
    match record.kind {
        kind::ORDER_ACCEPTED => {
            let Some(order) = OrderAccepted::decode(record.payload) else {
                return;
            };
            // The own shop shows what it asks for. What a changed order takes more or less is no
            // sale that the marketplace has counted in the same way.
            let changed = order.flags & accepted_flags::REPLACES != 0;
            if order.channel == ChannelId(0) || changed {
                return;
            }
            seen.extend(order.allocations.iter().map(|taken| Seen::Sold {
                tenant: order.tenant,
                channel: order.channel,
                sku: taken.sku,
                sequence,
                units: taken.quantity,
                order: order.key,
                fact: order.flags & accepted_flags::FACT != 0,
            }));
        }
        kind::TENANT_DEFINED => {
            if let Some(Record::TenantDefined { name, .. }) = Record::decode(record) {
                tenants.push(name.to_owned());
            }
        }
        kind::SKU_MAPPED => {
            if let Some(Record::ChannelEvent(ChannelEventRecord::Mapped(mapped))) =
                Record::decode(record)
            {
                seen.push(Seen::Mapped {
                    tenant: mapped.tenant,
                    channel: mapped.channel,
                });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::record::{Allocation, Allocations, put_lines};
    use crate::types::record::RecordBuffer;
    use crate::types::{ActorId, LocationId};

    fn seen_of(flags: u8) -> Vec<Seen> {
        let mut lines = Vec::new();
        let taken = Allocation {
            sku: SkuId(3),
            quantity: 2,
            location: LocationId(1),
        };
        put_lines(&mut lines, &[taken]);
        let order = OrderAccepted {
            key: OrderKey(7),
            fingerprint: 1,
            customer: 1,
            total: 1,
            ttl_ms: 1,
            tenant: TenantId(0),
            channel: ChannelId(4),
            version: 1,
            currency: 978,
            flags,
            allocations: Allocations::from_bytes(&lines),
            requested: Allocations::default(),
            destination: None,
            details: &[],
            details_version: 0,
        };
        let mut buffer = RecordBuffer::default();
        buffer.start(1);
        let (sequence, record) = order.push(&mut buffer, ActorId(0));
        let mut seen = Vec::new();
        note(sequence, &record, &mut Vec::new(), &mut seen);
        seen
    }

    #[test]
    fn an_order_says_whether_its_channel_had_sold_it_and_a_changed_one_says_nothing() {
        let placed = accepted_flags::PLACED;
        let of = |flags| match seen_of(flags)[..] {
            [Seen::Sold { units: 2, fact, .. }] => Some(fact),
            _ => None,
        };
        assert_eq!(of(placed | accepted_flags::FACT), Some(true));
        assert_eq!(of(placed), Some(false));
        let changed = placed | accepted_flags::FACT | accepted_flags::REPLACES;
        assert_eq!(of(changed), None);
    }
}
