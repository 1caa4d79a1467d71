//! Sales channels from inside the process: commands and questions by names.

use super::super::Shard;
use super::request::LocalAnswer;
use crate::engine::channel::command::{
    CampaignPlan, CampaignView, ChannelCommand, ChannelStockView, ChannelView,
};
use crate::engine::command::{Command, Context};
use crate::engine::record::{CampaignUnits, PublishedItem};
use crate::journal::storage::Storage;
use crate::limits::{CAMPAIGN_SKUS_MAX, CHANNEL_ITEMS_MAX};
use crate::types::ChannelKind;
use crate::types::channel_stock::ChannelRule;
use crate::types::{ChannelId, CommandKey, ResultCode, SkuId};

/// A command about sales channels.
#[derive(Clone, Debug)]
pub enum ChannelRequest {
    /// Defines a channel, or gives it another name or kind.
    Define {
        /// The merchant's number for it.
        channel: ChannelId,
        /// Its name.
        name: String,
        /// What it is; none: a system of the merchant's own.
        kind: Option<ChannelKind>,
    },
    /// Sets what the channel gets of a SKU, or takes the rule away.
    SetRule {
        /// The command's own key.
        key: CommandKey,
        /// The channel.
        channel: ChannelId,
        /// Name of the SKU; `None`: all that have no rule of their own.
        sku: Option<String>,
        /// The rule; for all SKUs a pool with its buffer.
        rule: Option<ChannelRule>,
    },
    /// Plans a campaign; the answer's handle is its number.
    DefineCampaign {
        /// The command's own key.
        key: CommandKey,
        /// Which.
        campaign: NamedCampaign,
    },
    /// Ends a campaign now, or cancels one that has not begun.
    EndCampaign {
        /// The command's own key.
        key: CommandKey,
        /// Its number.
        campaign: u32,
    },
    /// Quantities that the channel acknowledged, at most `CHANNEL_ITEMS_MAX`.
    Published {
        /// The channel.
        channel: ChannelId,
        /// What it acknowledged; what is older than the last one reported is skipped.
        items: Vec<NamedPublished>,
    },
}

/// A campaign to be, by names.
#[derive(Clone, Debug)]
pub struct NamedCampaign {
    /// Whose.
    pub channel: ChannelId,
    /// Its name.
    pub name: String,
    /// When it begins, in milliseconds since the Unix epoch; in the past: at once.
    pub from_ms: u64,
    /// When it ends.
    pub to_ms: u64,
    /// When its quota is used up, orders go on as without the campaign.
    pub then_pool: bool,
    /// SKUs by name with the units wanted, at most `CAMPAIGN_SKUS_MAX`.
    pub items: Vec<(String, u32)>,
}

/// A quantity that a channel acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPublished {
    /// Name of the SKU.
    pub sku: String,
    /// Units on offer there.
    pub quantity: u32,
    /// Sequence at which the quantity was true, from [`ChannelStock::sequence`].
    pub sequence: u64,
}

/// Which SKUs a question is about.
#[derive(Clone, Debug)]
pub enum SkuChoice {
    /// These names; unknown ones are named in the answer.
    Names(Vec<String>),
    /// These handles; unknown ones are left out.
    Handles(Vec<SkuId>),
    /// The tenant's SKUs from this handle on, as many as fit one answer.
    From(SkuId),
}

/// What a channel is to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelStock {
    /// Sequence of the newest record that the quantities take into account.
    pub sequence: u64,
    /// One a SKU, in the order asked for.
    pub items: Vec<ChannelStockItem>,
    /// Names asked for that are no SKU of the tenant.
    pub unknown: Vec<String>,
    /// Where the next page begins; none at the end.
    pub next: Option<SkuId>,
}

/// What a channel is to offer of one SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelStockItem {
    /// Its name.
    pub sku: String,
    /// The figures.
    pub stock: ChannelStockView,
}

/// SKUs whose stock changed since a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelChanges {
    /// Where to go on.
    pub cursor: u64,
    /// The position is not known (any more): ask for every SKU, then go on from the cursor.
    pub overrun: bool,
    /// There is more behind the cursor.
    pub more: bool,
    /// What the channel is to offer of them.
    pub stock: ChannelStock,
}

/// Every channel and campaign of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelsView {
    /// In order of their numbers.
    pub channels: Vec<ChannelView>,
    /// Newest first.
    pub campaigns: Vec<CampaignView>,
    /// Names of the SKUs that rules and campaigns are about, sorted by handle.
    pub names: Vec<(SkuId, String)>,
}

impl ChannelsView {
    /// The name of a SKU in rules or campaigns.
    #[must_use]
    pub fn name(&self, sku: SkuId) -> &str {
        let found = self.names.binary_search_by_key(&sku, |(sku, _)| *sku);
        let name = found.ok().and_then(|at| self.names.get(at));
        name.map_or("", |(_, name)| name)
    }
}

impl<S: Storage> Shard<S> {
    pub(super) fn channel_local(
        &mut self,
        context: Context,
        request: ChannelRequest,
    ) -> LocalAnswer {
        self.tally.commands += 1;
        match self.try_channel(context, request) {
            Ok(answer) => answer,
            Err(code) => LocalAnswer::Refused(code),
        }
    }

    fn try_channel(
        &mut self,
        context: Context,
        request: ChannelRequest,
    ) -> Result<LocalAnswer, ResultCode> {
        let outcome = match request {
            ChannelRequest::Define {
                channel,
                name,
                kind,
            } => {
                let name = &name;
                let command = ChannelCommand::Define {
                    channel,
                    name,
                    kind,
                };
                self.execute_channel(context, &command)
            }
            ChannelRequest::SetRule {
                key,
                channel,
                sku,
                rule,
            } => {
                let sku = match sku {
                    Some(name) => Some(self.sku_named(context, &name)?),
                    None => None,
                };
                let command = ChannelCommand::SetRule {
                    key,
                    channel,
                    sku,
                    rule,
                };
                self.execute_channel(context, &command)
            }
            ChannelRequest::DefineCampaign { key, campaign } => {
                self.plan_campaign(context, key, &campaign)?
            }
            ChannelRequest::EndCampaign { key, campaign } => {
                self.execute_channel(context, &ChannelCommand::EndCampaign { key, campaign })
            }
            ChannelRequest::Published { channel, items } => {
                if items.len() > CHANNEL_ITEMS_MAX {
                    return Err(ResultCode::TooManyLines);
                }
                let mut found = Vec::with_capacity(items.len());
                for item in &items {
                    found.push(PublishedItem {
                        sku: self.sku_named(context, &item.sku)?,
                        quantity: item.quantity,
                        sequence: item.sequence,
                    });
                }
                let items = &found;
                self.execute_channel(context, &ChannelCommand::Published { channel, items })
            }
        };
        Ok(outcome)
    }

    fn plan_campaign(
        &mut self,
        context: Context,
        key: CommandKey,
        campaign: &NamedCampaign,
    ) -> Result<LocalAnswer, ResultCode> {
        if campaign.items.len() > CAMPAIGN_SKUS_MAX {
            return Err(ResultCode::TooManyLines);
        }
        let mut wants = Vec::with_capacity(campaign.items.len());
        for (name, units) in &campaign.items {
            let sku = self.sku_named(context, name)?;
            wants.push(CampaignUnits { sku, units: *units });
        }
        let plan = CampaignPlan {
            channel: campaign.channel,
            name: &campaign.name,
            from_ms: campaign.from_ms,
            to_ms: campaign.to_ms,
            then_pool: campaign.then_pool,
            wants: &wants,
        };
        Ok(self.execute_channel(
            context,
            &ChannelCommand::DefineCampaign { key, plan: &plan },
        ))
    }

    fn execute_channel(&mut self, context: Context, command: &ChannelCommand<'_>) -> LocalAnswer {
        let records = &mut self.records;
        LocalAnswer::Command(self.engine.execute_channel(context, command, records))
    }

    fn sku_named(&mut self, context: Context, name: &str) -> Result<SkuId, ResultCode> {
        self.resolve(context, &Command::ResolveSku { name })
            .map(SkuId)
    }

    pub(super) fn channel_stock(
        &self,
        context: Context,
        channel: ChannelId,
        skus: SkuChoice,
    ) -> LocalAnswer {
        let engine = &self.engine;
        if !engine.has_channel(context.tenant, channel) {
            return LocalAnswer::Refused(ResultCode::UnknownChannel);
        }
        let (mut unknown, mut next) = (Vec::new(), None);
        let asked = match &skus {
            SkuChoice::Names(names) => names.len(),
            SkuChoice::Handles(handles) => handles.len(),
            SkuChoice::From(_) => 0,
        };
        if asked > CHANNEL_ITEMS_MAX {
            return LocalAnswer::Refused(ResultCode::TooManyLines);
        }
        let handles = match skus {
            SkuChoice::Names(names) => {
                let mut handles = Vec::with_capacity(names.len());
                for name in names {
                    let sku = engine.find_sku(context.tenant, &name);
                    handles.extend(sku);
                    unknown.extend(sku.is_none().then_some(name));
                }
                handles
            }
            SkuChoice::Handles(handles) => handles,
            SkuChoice::From(first) => {
                let skus = engine.skus(context.tenant, first).map(|(sku, ..)| sku);
                let mut handles: Vec<SkuId> = skus.take(CHANNEL_ITEMS_MAX + 1).collect();
                if handles.len() > CHANNEL_ITEMS_MAX {
                    next = handles.pop();
                }
                handles
            }
        };
        let of = |sku| engine.channel_stock(context.tenant, channel, sku);
        let items = handles.into_iter().filter_map(of).collect();
        LocalAnswer::ChannelStock(ChannelStock {
            unknown,
            next,
            ..self.named_stock(items)
        })
    }

    pub(super) fn channel_changes(
        &mut self,
        context: Context,
        channel: ChannelId,
        since: u64,
    ) -> LocalAnswer {
        let tenant = context.tenant;
        if !self.engine.has_channel(tenant, channel) {
            return LocalAnswer::Refused(ResultCode::UnknownChannel);
        }
        let most = CHANNEL_ITEMS_MAX;
        let found = self.engine.channel_changes(tenant, channel, since, most);
        LocalAnswer::ChannelChanges(ChannelChanges {
            cursor: found.cursor,
            overrun: found.overrun,
            more: found.more,
            stock: self.named_stock(found.items),
        })
    }

    fn named_stock(&self, items: Vec<ChannelStockView>) -> ChannelStock {
        let name = |sku| self.engine.sku_name(sku).unwrap_or_default().to_owned();
        let items = items.into_iter().map(|stock| ChannelStockItem {
            sku: name(stock.sku),
            stock,
        });
        ChannelStock {
            sequence: self.records.next_sequence().saturating_sub(1),
            items: items.collect(),
            unknown: Vec::new(),
            next: None,
        }
    }

    pub(super) fn channels_view(&self, context: Context) -> LocalAnswer {
        let channels = self.engine.channel_views(context.tenant);
        let campaigns = self.engine.campaign_views(context.tenant);
        let of_rules = channels.iter().flat_map(|it| &it.rules).map(|it| it.sku);
        let of_campaigns = campaigns.iter().flat_map(|it| &it.items).map(|it| it.sku);
        let mut skus: Vec<SkuId> = of_rules.chain(of_campaigns).collect();
        skus.sort_unstable();
        skus.dedup();
        let name = |sku: SkuId| self.engine.sku_name(sku).unwrap_or_default().to_owned();
        let names = skus.into_iter().map(|sku| (sku, name(sku))).collect();
        LocalAnswer::Channels(Box::new(ChannelsView {
            channels,
            campaigns,
            names,
        }))
    }
}
