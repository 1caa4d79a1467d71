//! Applying records about sales channels.

use super::entry::{Entry, Share};
use super::{Campaign, CampaignItem, Channel, Published};
use crate::engine::record::{
    CampaignDefined, CampaignReturn, CampaignUnits, ChannelRecord, ChannelRef, PublishedItem, Run,
};
use crate::engine::{Contradiction, Engine};
use crate::limits::{CAMPAIGNS_MAX, CHANNELS_MAX};
use crate::types::ChannelKind;
use crate::types::channel_stock::{CampaignState, ChannelRule};
use crate::types::{ChannelId, ResultCode, SkuId, TenantId};

type Applied = Result<(), Contradiction>;

impl Engine {
    /// Applies a record about sales channels.
    pub(in crate::engine) fn apply_channel(
        &mut self,
        record: &ChannelRecord<'_>,
        sequence: u64,
    ) -> Applied {
        let (tenant, channel) = record.channel();
        self.check_tenant(tenant)?;
        if let ChannelRecord::Defined { kind, name, .. } = *record {
            return self.apply_channel_defined((tenant, channel), kind, name);
        }
        if self.channels.channel(tenant, channel).is_none() {
            return Err(Contradiction::UnknownChannel(channel));
        }
        if !matches!(record, ChannelRecord::Published { .. }) {
            self.inventory.mark_all(); // orders that wait may take more of it
        }
        match *record {
            ChannelRecord::Defined { .. } => Ok(()),
            ChannelRecord::RuleSet {
                head,
                sku,
                rule,
                anew,
            } => {
                self.apply_rule((tenant, channel), sku, (rule, anew), sequence)?;
                self.keep_channel_result(head, sequence)
            }
            ChannelRecord::CampaignDefined(planned) => {
                self.apply_campaign_planned(&planned)?;
                self.keep_channel_result(planned.head, sequence)
            }
            ChannelRecord::CampaignStarted {
                campaign, given, ..
            } => self.apply_campaign_started(campaign, given, sequence),
            ChannelRecord::CampaignEnded {
                head,
                campaign,
                items,
                ..
            } => {
                self.apply_campaign_ended(campaign, items)?;
                self.keep_channel_result(head, sequence)
            }
            ChannelRecord::Published { items, .. } => {
                self.apply_published((tenant, channel), items, sequence)
            }
        }
    }

    fn keep_channel_result(&mut self, head: ChannelRef, sequence: u64) -> Applied {
        let ok = ResultCode::Ok;
        self.keep_result(
            head.tenant,
            false,
            head.key.0,
            head.fingerprint,
            sequence,
            ok,
        )
    }

    fn apply_channel_defined(
        &mut self,
        key: (TenantId, ChannelId),
        kind: Option<ChannelKind>,
        name: &str,
    ) -> Applied {
        let channels = &mut self.channels.channels;
        if !channels.contains_key(&key) && channels.len() >= CHANNELS_MAX {
            return Err(Contradiction::TableFull);
        }
        let channel = channels.entry(key).or_insert(Channel {
            kind,
            name: String::new(),
            buffer: 0,
        });
        channel.kind = kind;
        name.clone_into(&mut channel.name);
        self.inventory.track_channels();
        Ok(())
    }

    fn apply_rule(
        &mut self,
        (tenant, channel): (TenantId, ChannelId),
        sku: Option<SkuId>,
        (rule, anew): (Option<ChannelRule>, bool),
        sequence: u64,
    ) -> Applied {
        let Some(sku) = sku else {
            let buffer = rule.map_or(0, ChannelRule::units);
            if let Some(known) = self.channels.channels.get_mut(&(tenant, channel)) {
                known.buffer = buffer;
            }
            self.inventory.note_all_changed();
            return Ok(());
        };
        self.check_own_sku(tenant, sku)?;
        let entries = &mut self.channels.entries;
        let entry = entries
            .entry((sku, channel))
            .or_insert_with(|| Entry::new(sequence));
        if anew {
            entry.count_anew(sequence);
        }
        entry.set_rule(rule);
        if entry.is_void() {
            entries.remove(&(sku, channel));
        }
        self.mark_ruled(sku);
        Ok(())
    }

    fn check_own_sku(&self, tenant: TenantId, sku: SkuId) -> Applied {
        let own = self.inventory.sku_of(tenant, sku);
        own.map(|_| ()).ok_or(Contradiction::UnknownSku(sku))
    }

    /// Sets the SKU's mark by what there is; whoever publishes it looks again.
    fn mark_ruled(&mut self, sku: SkuId) {
        let ruled = self.channels.entries_of(sku).next().is_some();
        self.inventory.set_ruled(sku, ruled);
    }

    fn apply_campaign_planned(&mut self, planned: &CampaignDefined<'_>) -> Applied {
        let table = &mut self.channels;
        if planned.campaign != table.campaigns_made + 1 {
            return Err(Contradiction::Definition(planned.campaign));
        }
        if table.campaigns.len() >= CAMPAIGNS_MAX {
            let ended = |(number, it): (&u32, &Campaign)| {
                (it.state == CampaignState::Ended).then_some(*number)
            };
            let oldest = table.campaigns.iter().find_map(ended);
            table
                .campaigns
                .remove(&oldest.ok_or(Contradiction::TableFull)?);
        }
        let items = planned.wants.iter().map(|want| CampaignItem {
            sku: want.sku,
            wanted: want.units,
            given: 0,
            sold: 0,
        });
        let campaign = Campaign {
            tenant: planned.head.tenant,
            channel: planned.head.channel,
            name: planned.name.to_owned(),
            from_ms: planned.from_ms,
            to_ms: planned.to_ms,
            then_pool: planned.then_pool,
            state: CampaignState::Planned,
            items: items.collect(),
        };
        table.campaigns.insert(planned.campaign, campaign);
        table.campaigns_made = planned.campaign;
        table.due_ms = table.find_due().map(|(due_ms, _)| due_ms);
        let skus: Vec<SkuId> = planned.wants.iter().map(|want| want.sku).collect();
        skus.into_iter()
            .try_for_each(|sku| self.check_own_sku(planned.head.tenant, sku))
    }

    fn apply_campaign_started(
        &mut self,
        number: u32,
        given: Run<'_, CampaignUnits>,
        sequence: u64,
    ) -> Applied {
        let unknown = Contradiction::Campaign(number);
        let campaign = self.channels.campaigns.get_mut(&number);
        let campaign = campaign.filter(|it| it.state == CampaignState::Planned);
        let campaign = campaign.ok_or(unknown)?;
        if campaign.items.len() != given.len() {
            return Err(unknown);
        }
        campaign.state = CampaignState::Running;
        let (channel, then_pool) = (campaign.channel, campaign.then_pool);
        for (item, given) in campaign.items.iter_mut().zip(given.iter()) {
            if item.sku != given.sku || given.units > item.wanted {
                return Err(unknown);
            }
            item.given = given.units;
        }
        for CampaignUnits { sku, units } in given.iter() {
            let entries = &mut self.channels.entries;
            let entry = entries
                .entry((sku, channel))
                .or_insert_with(|| Entry::new(sequence));
            if entry.share.is_some() {
                return Err(unknown);
            }
            entry.share = Some(Share {
                campaign: number,
                since: sequence,
                given: units,
                used: 0,
                before: 0,
                then_pool,
            });
            self.mark_ruled(sku);
        }
        self.channels.due_ms = self.channels.find_due().map(|(due_ms, _)| due_ms);
        Ok(())
    }

    fn apply_campaign_ended(&mut self, number: u32, items: Run<'_, CampaignReturn>) -> Applied {
        let unknown = Contradiction::Campaign(number);
        let campaign = self.channels.campaigns.get_mut(&number);
        let campaign = campaign.filter(|it| it.state != CampaignState::Ended);
        let campaign = campaign.ok_or(unknown)?;
        let ran = campaign.state == CampaignState::Running;
        if items.len() != if ran { campaign.items.len() } else { 0 } {
            return Err(unknown);
        }
        campaign.state = CampaignState::Ended;
        let channel = campaign.channel;
        for (item, end) in campaign.items.iter_mut().zip(items.iter()) {
            item.sold = end.sold;
        }
        for end in items.iter() {
            let entries = &mut self.channels.entries;
            let entry = entries.get_mut(&(end.sku, channel)).ok_or(unknown)?;
            let share = entry.end_share().ok_or(unknown)?;
            let told = (end.given, end.sold, end.returned);
            let here = (share.given, share.used, share.given - share.used);
            if share.campaign != number || told != here {
                return Err(unknown);
            }
            if entry.is_void() {
                entries.remove(&(end.sku, channel));
            }
            self.mark_ruled(end.sku);
        }
        self.channels.due_ms = self.channels.find_due().map(|(due_ms, _)| due_ms);
        Ok(())
    }

    fn apply_published(
        &mut self,
        (tenant, channel): (TenantId, ChannelId),
        items: Run<'_, PublishedItem>,
        sequence: u64,
    ) -> Applied {
        for item in items.iter() {
            self.check_own_sku(tenant, item.sku)?;
            let published = Published {
                quantity: item.quantity,
                sequence: item.sequence,
            };
            let before = self
                .channels
                .published
                .insert((item.sku, channel), published);
            let later = before.is_none_or(|before| item.sequence >= before.sequence);
            if !later || item.sequence >= sequence {
                return Err(Contradiction::Published(item.sku));
            }
        }
        Ok(())
    }
}
