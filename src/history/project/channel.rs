//! Sales channels: what they are, what they may sell, campaigns, and what they were told.

use super::super::cell::{int, text};
use super::super::schema::{
    CampaignRow, CampaignUnitsRow, ChannelRow, ChannelRuleRow, PublishedRow,
};
use super::{At, Projector};
use crate::engine::record::{CampaignDefined, ChannelRecord, ChannelRef, PublishedItem};
use crate::types::channel_stock::{CampaignState, ChannelRule};
use crate::types::{ChannelId, SkuId, TenantId};

impl Projector {
    pub(super) fn channel(&mut self, at: &At, record: &ChannelRecord<'_>) {
        match *record {
            ChannelRecord::Defined {
                tenant,
                channel,
                kind,
                name,
            } => {
                let row = ChannelRow {
                    name: text(name),
                    kind: kind.and_then(|kind| text(kind.name())),
                    ..channel_of(at, tenant, channel)
                };
                let key = (u32::from(tenant.0), u128::from(channel.0), 0);
                self.rows.channels.join(key, row);
            }
            ChannelRecord::RuleSet {
                head, sku, rule, ..
            } => self.rule_set(at, &head, sku, rule),
            ChannelRecord::CampaignDefined(planned) => self.campaign_planned(at, &planned),
            ChannelRecord::CampaignStarted {
                campaign, given, ..
            } => {
                let row = CampaignRow {
                    state: text(CampaignState::Running.name()),
                    started_ms: int(at.time_ms),
                    ..campaign_of(at, campaign)
                };
                self.rows.campaigns.join((campaign, 0, 0), row);
                for item in given.iter() {
                    let row = CampaignUnitsRow {
                        given: int(item.units),
                        ..units_of(at, campaign, item.sku)
                    };
                    self.campaign_units(campaign, item.sku, row);
                }
            }
            ChannelRecord::CampaignEnded {
                campaign,
                cause,
                items,
                ..
            } => {
                let row = CampaignRow {
                    state: text(CampaignState::Ended.name()),
                    ended_ms: int(at.time_ms),
                    ended_by: text(cause.name()),
                    ..campaign_of(at, campaign)
                };
                self.rows.campaigns.join((campaign, 0, 0), row);
                for item in items.iter() {
                    let row = CampaignUnitsRow {
                        given: int(item.given),
                        sold: int(item.sold),
                        returned: int(item.returned),
                        ..units_of(at, campaign, item.sku)
                    };
                    self.campaign_units(campaign, item.sku, row);
                }
            }
            ChannelRecord::Published {
                tenant,
                channel,
                items,
            } => {
                let row = |(line, item)| published(at, (tenant, channel), line, &item);
                let rows = items.iter().enumerate().map(row);
                self.rows.published.extend(rows);
            }
        }
    }

    fn rule_set(
        &mut self,
        at: &At,
        head: &ChannelRef,
        sku: Option<SkuId>,
        rule: Option<ChannelRule>,
    ) {
        self.rows.channel_rules.push(ChannelRuleRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            tenant: int(head.tenant.0),
            channel: int(head.channel.0),
            command_key: text(&head.key.to_string()),
            sku: sku.and_then(|sku| int(sku.0)),
            rule: rule.and_then(|rule| text(rule.name())),
            units: rule.and_then(|rule| int(rule.units())),
            then_pool: rule.and_then(|rule| int(u8::from(rule.then_pool()))),
        });
    }

    fn campaign_planned(&mut self, at: &At, planned: &CampaignDefined<'_>) {
        let ChannelId(channel) = planned.head.channel;
        let row = CampaignRow {
            tenant: int(planned.head.tenant.0),
            channel: int(channel),
            name: text(planned.name),
            from_ms: int(planned.from_ms),
            to_ms: int(planned.to_ms),
            then_pool: int(u8::from(planned.then_pool)),
            state: text(CampaignState::Planned.name()),
            planned_ms: int(at.time_ms),
            planned_by: int(at.actor.0),
            ..campaign_of(at, planned.campaign)
        };
        self.rows.campaigns.join((planned.campaign, 0, 0), row);
        for item in planned.wants.iter() {
            let row = CampaignUnitsRow {
                wanted: int(item.units),
                ..units_of(at, planned.campaign, item.sku)
            };
            self.campaign_units(planned.campaign, item.sku, row);
        }
    }

    fn campaign_units(&mut self, campaign: u32, sku: SkuId, row: CampaignUnitsRow) {
        let key = (campaign, u128::from(sku.0), 0);
        self.rows.campaign_units.join(key, row);
    }
}

fn campaign_of(at: &At, campaign: u32) -> CampaignRow {
    CampaignRow {
        shard: int(at.shard),
        campaign: int(campaign),
        ..CampaignRow::default()
    }
}

fn units_of(at: &At, campaign: u32, sku: SkuId) -> CampaignUnitsRow {
    CampaignUnitsRow {
        shard: int(at.shard),
        campaign: int(campaign),
        sku: int(sku.0),
        ..CampaignUnitsRow::default()
    }
}

fn channel_of(at: &At, tenant: TenantId, channel: ChannelId) -> ChannelRow {
    ChannelRow {
        shard: int(at.shard),
        tenant: int(tenant.0),
        channel: int(channel.0),
        updated_ms: int(at.time_ms),
        ..ChannelRow::default()
    }
}

fn published(
    at: &At,
    (tenant, channel): (TenantId, ChannelId),
    line: usize,
    item: &PublishedItem,
) -> PublishedRow {
    PublishedRow {
        shard: int(at.shard),
        sequence: int(at.sequence),
        line: int(line),
        time_ms: int(at.time_ms),
        tenant: int(tenant.0),
        channel: int(channel.0),
        sku: int(item.sku.0),
        quantity: int(item.quantity),
        as_of_sequence: int(item.sequence),
    }
}
