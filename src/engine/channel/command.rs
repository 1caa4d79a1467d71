//! What is asked about sales channels, and what is answered.

use crate::engine::record::{CampaignUnits, PublishedItem};
use crate::types::ChannelKind;
use crate::types::channel_stock::{CampaignState, ChannelRule};
use crate::types::{ChannelId, CommandKey, SkuId};

/// A command about sales channels.
#[derive(Clone, Copy, Debug)]
pub enum ChannelCommand<'a> {
    /// Defines a channel, or gives it another name or kind. Channel 0 may be defined as well.
    Define {
        /// The merchant's number for it.
        channel: ChannelId,
        /// Its name.
        name: &'a str,
        /// What it is; none: a system of the merchant's own.
        kind: Option<ChannelKind>,
    },
    /// Sets what the channel gets of a SKU, or takes the rule away (`None`).
    SetRule {
        /// The command's own key.
        key: CommandKey,
        /// The channel.
        channel: ChannelId,
        /// The SKU; `None`: all that have no rule of their own (a pool with a buffer only).
        sku: Option<SkuId>,
        /// The rule.
        rule: Option<ChannelRule>,
    },
    /// Plans a campaign.
    DefineCampaign {
        /// The command's own key.
        key: CommandKey,
        /// Which.
        plan: &'a CampaignPlan<'a>,
    },
    /// Ends a campaign now, or cancels one that has not begun.
    EndCampaign {
        /// The command's own key.
        key: CommandKey,
        /// Its number.
        campaign: u32,
    },
    /// Quantities that the channel acknowledged.
    Published {
        /// The channel.
        channel: ChannelId,
        /// What it acknowledged; what is older than the last one reported is skipped.
        items: &'a [PublishedItem],
    },
}

/// A campaign to be.
#[derive(Clone, Copy, Debug)]
pub struct CampaignPlan<'a> {
    /// Whose.
    pub channel: ChannelId,
    /// Its name.
    pub name: &'a str,
    /// When it begins, in milliseconds since the Unix epoch; in the past: at once.
    pub from_ms: u64,
    /// When it ends, later than now and than `from_ms`.
    pub to_ms: u64,
    /// When its quota is used up, orders go on as without the campaign.
    pub then_pool: bool,
    /// Units wanted, each SKU once, 1 ..= `CAMPAIGN_SKUS_MAX`.
    pub wants: &'a [CampaignUnits],
}

/// What a channel is to offer of one SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelStockView {
    /// The SKU.
    pub sku: SkuId,
    /// Units to publish.
    pub quantity: u32,
    /// Units that the channel's next order could take.
    pub reach: u32,
    /// Units available at all locations, whoever may take them.
    pub available: u64,
    /// What the channel acknowledged last: quantity and sequence.
    pub published: Option<(u32, u64)>,
}

/// SKUs whose stock changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesView {
    /// Where to go on.
    pub cursor: u64,
    /// The position is not known (any more): ask for every SKU, then go on from the cursor.
    pub overrun: bool,
    /// There is more behind the cursor.
    pub more: bool,
    /// Their present stock for the channel.
    pub items: Vec<ChannelStockView>,
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelView {
    /// Its number.
    pub channel: ChannelId,
    /// Its name.
    pub name: String,
    /// What it is; none: a system of the merchant's own.
    pub kind: Option<ChannelKind>,
    /// Units of every SKU without a rule that are not published.
    pub buffer: u32,
    /// Rules about single SKUs, in order of SKU handle.
    pub rules: Vec<RuleView>,
    /// SKUs of which a quantity was acknowledged.
    pub published: u64,
}

/// One rule with its counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleView {
    /// The SKU.
    pub sku: SkuId,
    /// Its rule; none where there is only a campaign.
    pub rule: Option<ChannelRule>,
    /// Units of the quota that orders hold, owe or shipped.
    pub used: u64,
    /// Units from the pool that orders hold, owe or shipped.
    pub pooled: u64,
    /// The running campaign, with units given and used.
    pub campaign: Option<(u32, u32, u32)>,
    /// Units that are still the channel's alone.
    pub guaranteed: u64,
    /// Units that its next order could take.
    pub reach: u32,
}

/// One campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignView {
    /// Its number.
    pub campaign: u32,
    /// Whose.
    pub channel: ChannelId,
    /// Its name.
    pub name: String,
    /// When it begins.
    pub from_ms: u64,
    /// When it ends.
    pub to_ms: u64,
    /// Orders go on from the pool when it is used up.
    pub then_pool: bool,
    /// Where it is.
    pub state: CampaignState,
    /// Its SKUs.
    pub items: Vec<CampaignItemView>,
}

/// One SKU of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignItemView {
    /// The SKU.
    pub sku: SkuId,
    /// Units wanted.
    pub wanted: u32,
    /// Units given when it began; 0 before.
    pub given: u32,
    /// Units that orders hold, owe or shipped: now while it runs, else at its end.
    pub sold: u32,
}
