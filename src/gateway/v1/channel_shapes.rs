//! What `/v1/channels` takes and answers.

use super::show::time;
use crate::shard::local::{CampaignView, ChannelStockItem, ChannelView, ChannelsView, RuleView};
use crate::types::channel_stock::ChannelRule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A channel to define.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct NewChannel {
    /// Its name, 1 to 64 bytes.
    pub name: String,
    /// `shopify`, `woocommerce`, `shopee`, `tiktok` or `whatsapp`; `own`, or nothing, for a system
    /// of the merchant's own.
    pub kind: Option<String>,
}

/// What a channel gets of a SKU, or of all that have no rule of their own.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct NewRule {
    /// The SKU; without it the rule is about all others, and a `pool`.
    pub sku: Option<String>,
    /// `pool`, `quota` or `cap`; `none` takes the rule away.
    pub rule: String,
    /// Buffer, quota or cap in units, 0 to 2147483647.
    #[serde(default)]
    pub units: u32,
    /// Of a quota: when it is used up, the channel's orders go on from the pool.
    #[serde(default)]
    pub then_pool: bool,
}

/// A campaign to plan.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct NewCampaign {
    /// Its name, 1 to 64 bytes.
    pub name: String,
    /// When it begins, RFC 3339; in the past: at once.
    #[schema(format = DateTime)]
    pub from: String,
    /// When it ends.
    #[schema(format = DateTime)]
    pub to: String,
    /// When its quota is used up, the channel's orders go on as without it.
    #[serde(default)]
    pub then_pool: bool,
    /// What it wants, 1 to 256 SKUs.
    pub items: Vec<NewCampaignItem>,
}

/// One SKU of a campaign to plan.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct NewCampaignItem {
    /// The SKU.
    pub sku: String,
    /// Units wanted, from 1.
    pub units: u32,
}

/// What became of a command about channels.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::gateway) struct ChannelOutcome {
    /// `OK`.
    pub code: &'static str,
    /// The channel, or the campaign.
    pub number: u32,
    /// Done before with this key: nothing changed now.
    pub replayed: bool,
    /// Sequence of the record; 0 where nothing was journaled.
    pub sequence: u64,
    /// The command's key.
    pub key: String,
}

/// Every channel and campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::gateway) struct Channels {
    channels: Vec<Channel>,
    campaigns: Vec<Campaign>,
}

/// One channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::gateway) struct Channel {
    number: u16,
    name: String,
    kind: &'static str,
    /// Units of every SKU without a rule that are not published.
    buffer: u32,
    rules: Vec<Rule>,
    /// SKUs of which the channel acknowledged a quantity.
    published: u64,
}

/// One rule with its counts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names)] // members of JSON, named for its readers
pub(in crate::gateway) struct Rule {
    sku: String,
    /// `pool`, `quota`, `cap`, or `none` where there is only a campaign.
    rule: &'static str,
    /// Buffer, quota or cap.
    units: u32,
    then_pool: bool,
    /// Units of the quota that orders hold, owe or shipped.
    used: u64,
    /// Units from the pool that orders hold, owe or shipped.
    pooled: u64,
    /// Number of the running campaign, with units given and used.
    campaign: Option<u32>,
    campaign_given: u32,
    campaign_used: u32,
    /// Units that are still the channel's alone.
    guaranteed: u64,
    /// Units that its next order could take.
    reach: u32,
}

/// One campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names)] // members of JSON, named for its readers
pub(in crate::gateway) struct Campaign {
    campaign: u32,
    channel: u16,
    name: String,
    from: Option<String>,
    to: Option<String>,
    then_pool: bool,
    /// `planned`, `running` or `ended`.
    state: &'static str,
    items: Vec<CampaignItem>,
}

/// One SKU of a campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::gateway) struct CampaignItem {
    sku: String,
    wanted: u32,
    given: u32,
    sold: u32,
    /// Units that went back to the pool; 0 before the end.
    returned: u32,
}

/// What a channel is to offer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::gateway) struct ChannelStockPage {
    /// The newest record that the quantities take into account.
    pub sequence: u64,
    pub stock: Vec<ChannelStock>,
    /// Names asked for that are no SKU.
    pub unknown: Vec<String>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What a channel is to offer of one SKU.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::gateway) struct ChannelStock {
    sku: String,
    handle: u32,
    /// Units to publish.
    quantity: u32,
    /// Units that the channel's next order could take.
    reach: u32,
    /// Units available at all locations, whoever may take them.
    available: u64,
    /// What the channel acknowledged last.
    published: Option<u32>,
    published_sequence: Option<u64>,
}

impl Channels {
    pub fn of(view: &ChannelsView) -> Self {
        let channels = view.channels.iter().map(|it| Channel::of(it, view));
        let campaigns = view.campaigns.iter().map(|it| Campaign::of(it, view));
        Self {
            channels: channels.collect(),
            campaigns: campaigns.collect(),
        }
    }
}

impl Channel {
    fn of(channel: &ChannelView, names: &ChannelsView) -> Self {
        let rules = channel.rules.iter().map(|it| Rule::of(it, names));
        Self {
            number: channel.channel.0,
            name: channel.name.clone(),
            kind: channel.kind.map_or("own", |kind| kind.name()),
            buffer: channel.buffer,
            rules: rules.collect(),
            published: channel.published,
        }
    }
}

impl Rule {
    fn of(rule: &RuleView, names: &ChannelsView) -> Self {
        let (campaign, given, used) = rule.campaign.unwrap_or_default();
        Self {
            sku: names.name(rule.sku).to_owned(),
            rule: rule.rule.map_or("none", ChannelRule::name),
            units: rule.rule.map_or(0, ChannelRule::units),
            then_pool: rule.rule.is_none_or(ChannelRule::then_pool),
            used: rule.used,
            pooled: rule.pooled,
            campaign: rule.campaign.map(|_| campaign),
            campaign_given: given,
            campaign_used: used,
            guaranteed: rule.guaranteed,
            reach: rule.reach,
        }
    }
}

impl Campaign {
    fn of(campaign: &CampaignView, names: &ChannelsView) -> Self {
        let ended = campaign.state == crate::types::channel_stock::CampaignState::Ended;
        let items = campaign.items.iter().map(|item| CampaignItem {
            sku: names.name(item.sku).to_owned(),
            wanted: item.wanted,
            given: item.given,
            sold: item.sold,
            returned: if ended { item.given - item.sold } else { 0 },
        });
        Self {
            campaign: campaign.campaign,
            channel: campaign.channel.0,
            name: campaign.name.clone(),
            from: time(campaign.from_ms),
            to: time(campaign.to_ms),
            then_pool: campaign.then_pool,
            state: campaign.state.name(),
            items: items.collect(),
        }
    }
}

impl ChannelStock {
    pub fn of(item: &ChannelStockItem) -> Self {
        let stock = item.stock;
        Self {
            sku: item.sku.clone(),
            handle: stock.sku.0,
            quantity: stock.quantity,
            reach: stock.reach,
            available: stock.available,
            published: stock.published.map(|(quantity, _)| quantity),
            published_sequence: stock.published.map(|(_, sequence)| sequence),
        }
    }
}
