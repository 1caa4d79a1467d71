//! Sales channels: what each may sell of a SKU, campaigns, and what was published.
//!
//! ```text
//!             available units of a SKU, all locations
//!   ├── guaranteed to channel 1 ──┼── to channel 2 ──┼──────── pool ────────┤
//!     quota not used, campaign                          everybody else, and
//!     not used                                          who may go on there
//! ```
//!
//! A rule is about one SKU of one channel, over all locations. A SKU with a rule is marked in its
//! table entry: an order of any other SKU passes here by one bit. Units that a channel's orders
//! hold, owe or shipped are counted with the rule from the record on that made it; they are taken
//! from a running campaign first, then from the quota, then from the pool, and given back in the
//! same order. Units are alike: what counts is how many, not which.
//!
//! Invariants: used units never exceed a quota; when a quota is made, all guaranteed units are
//! there. Later corrections of stock may leave less: then nothing is left for the pool, and whoever
//! comes first gets what is there.

mod apply;
mod campaign;
mod changes;
pub mod command;
mod digest;
mod entry;
mod invariants;
mod limit;
mod publish;
mod query;
mod rule;

pub use campaign::CAMPAIGN_RECORD_BYTES_MAX;
pub(super) use changes::{ChangeRing, ChangesRead};
pub(super) use limit::Buyer;

use crate::types::ChannelKind;
use crate::types::channel_stock::CampaignState;
use crate::types::{ChannelId, SkuId, TenantId};
use entry::Entry;
use std::collections::BTreeMap;

/// A sales channel.
#[derive(Clone, Debug)]
struct Channel {
    kind: Option<ChannelKind>,
    name: String,
    /// Units of every SKU without a rule of its own that are not published.
    buffer: u32,
}

/// A campaign, planned, running or ended.
#[derive(Clone, Debug)]
struct Campaign {
    tenant: TenantId,
    channel: ChannelId,
    name: String,
    from_ms: u64,
    to_ms: u64,
    then_pool: bool,
    state: CampaignState,
    items: Vec<CampaignItem>,
}

impl Campaign {
    /// When something happens to it next.
    fn due_ms(&self) -> Option<u64> {
        match self.state {
            CampaignState::Planned => Some(self.from_ms),
            CampaignState::Running => Some(self.to_ms),
            CampaignState::Ended => None,
        }
    }
}

/// One SKU of a campaign.
#[derive(Clone, Copy, Debug)]
struct CampaignItem {
    sku: SkuId,
    /// Units wanted.
    wanted: u32,
    /// Units given at the start.
    given: u32,
    /// Units sold at the end.
    sold: u32,
}

/// What was published last of a SKU to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Published {
    quantity: u32,
    sequence: u64,
}

/// Everything about sales channels.
#[derive(Default)]
pub(super) struct ChannelTable {
    channels: BTreeMap<(TenantId, ChannelId), Channel>,
    /// By SKU first: who is concerned by an order stands together.
    entries: BTreeMap<(SkuId, ChannelId), Entry>,
    campaigns: BTreeMap<u32, Campaign>,
    /// Number of the latest campaign.
    campaigns_made: u32,
    /// When a campaign begins or ends next.
    due_ms: Option<u64>,
    published: BTreeMap<(SkuId, ChannelId), Published>,
}

impl ChannelTable {
    /// True once a channel was defined.
    pub fn is_in_use(&self) -> bool {
        !self.channels.is_empty()
    }

    /// True while some SKU has a rule.
    #[inline]
    pub fn has_rules(&self) -> bool {
        !self.entries.is_empty()
    }

    /// When a campaign begins or ends next.
    #[inline]
    pub fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    fn channel(&self, tenant: TenantId, channel: ChannelId) -> Option<&Channel> {
        self.channels.get(&(tenant, channel))
    }

    fn entry(&self, sku: SkuId, channel: ChannelId) -> Option<&Entry> {
        self.entries.get(&(sku, channel))
    }

    /// The rules about a SKU, in order of channel number.
    fn entries_of(&self, sku: SkuId) -> impl Iterator<Item = (ChannelId, &Entry)> {
        let all = (sku, ChannelId(0))..=(sku, ChannelId(u16::MAX));
        self.entries
            .range(all)
            .map(|((_, channel), it)| (*channel, it))
    }

    /// The campaign to which something happens next, and when. Of one time, ends come before
    /// starts: a window may begin where another one of the same SKU ends.
    fn find_due(&self) -> Option<(u64, u32)> {
        let due = |(number, it): (&u32, &Campaign)| {
            Some((it.due_ms()?, it.state == CampaignState::Planned, *number))
        };
        let first = self.campaigns.iter().filter_map(due).min();
        first.map(|(due_ms, _, number)| (due_ms, number))
    }

    /// Bytes of memory in use, about.
    pub fn memory_bytes(&self) -> usize {
        self.entries.len() * 80
            + self.published.len() * 32
            + self.channels.len() * 120
            + self.campaigns.len() * 400
    }
}
