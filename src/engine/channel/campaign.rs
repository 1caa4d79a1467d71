//! Campaigns: planning them, and what their times do.

use super::command::CampaignPlan;
use super::rule::{blank, fingerprint};
use super::{Campaign, CampaignState};
use crate::engine::Engine;
use crate::engine::command::{CommandOutcome, Context};
use crate::engine::names::check_name;
use crate::engine::record::{
    CampaignDefined, CampaignReturn, CampaignUnits, ChannelRecord, ChannelRef, Record, Run, put_run,
};
use crate::limits::{CAMPAIGN_SKUS_MAX, CAMPAIGNS_MAX, CELL_QUANTITY_MAX, CHANNEL_RULES_MAX};
use crate::types::channel_stock::CampaignEnd;
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, CommandKey, ResultCode, SkuId, TenantId};

/// The most journal bytes of one record about a campaign, frame included.
pub const CAMPAIGN_RECORD_BYTES_MAX: usize = 192 + CAMPAIGN_SKUS_MAX * 16;

/// Latest time of a window, below which times have 48 bits.
const TIME_MS_MAX: u64 = (1 << 48) - 1;

impl Engine {
    pub(super) fn define_campaign(
        &mut self,
        context: Context,
        key: CommandKey,
        plan: &CampaignPlan<'_>,
        out: &mut RecordBuffer,
    ) -> Result<CommandOutcome, ResultCode> {
        let tenant = context.tenant;
        if key.0 == 0 {
            return Err(ResultCode::InvalidKey);
        }
        check_plan(plan)?;
        self.check_channel(tenant, plan.channel)?;
        let unknown = |want: &CampaignUnits| self.inventory.sku_of(tenant, want.sku).is_none();
        if plan.wants.iter().any(unknown) {
            return Err(ResultCode::UnknownSku);
        }
        let mut wants = plan.wants.to_vec();
        wants.sort_unstable_by_key(|want| want.sku);
        let twice = |pair: &[CampaignUnits]| matches!(pair, [a, b] if a.sku == b.sku);
        if wants.windows(2).any(twice) {
            return Err(ResultCode::InvalidField);
        }
        let mut bytes = Vec::new();
        put_run(&mut bytes, wants.iter().copied());
        let mut planned = CampaignDefined {
            head: blank(tenant, plan.channel),
            campaign: 0,
            from_ms: plan.from_ms,
            to_ms: plan.to_ms,
            then_pool: plan.then_pool,
            name: plan.name,
            wants: Run::from_bytes(&bytes),
        };
        planned.head.fingerprint = fingerprint(2, &ChannelRecord::CampaignDefined(planned));
        planned.head.key = key;
        let head = planned.head;
        if let Some(mut stored) = self.stored_result(tenant, key, head.fingerprint, false) {
            stored.handle = self.campaign_of(tenant, plan);
            return Ok(stored);
        }
        planned.campaign = self.channels.campaigns_made + 1;
        let decided = self.decide_campaign(plan, &wants, head);
        let record = decided.map(|()| ChannelRecord::CampaignDefined(planned));
        let mut outcome = self.commit_keyed(context, head, record, out);
        if outcome.code == ResultCode::Ok {
            outcome.handle = planned.campaign;
        }
        Ok(outcome)
    }

    /// The number of the tenant's newest campaign of this plan.
    fn campaign_of(&self, tenant: TenantId, plan: &CampaignPlan<'_>) -> u32 {
        let same = |it: &Campaign| {
            let about = (it.tenant, it.channel, it.from_ms, it.to_ms);
            about == (tenant, plan.channel, plan.from_ms, plan.to_ms) && it.name == plan.name
        };
        let mut campaigns = self.channels.campaigns.iter().rev();
        campaigns
            .find(|(_, it)| same(it))
            .map_or(0, |(number, _)| *number)
    }

    /// The window must lie ahead, and no other campaign of the channel may have the SKU then.
    fn decide_campaign(
        &self,
        plan: &CampaignPlan<'_>,
        wants: &[CampaignUnits],
        head: ChannelRef,
    ) -> Result<(), ResultCode> {
        let table = &self.channels;
        if plan.to_ms <= self.now_ms {
            return Err(ResultCode::Expired);
        }
        let open = |it: &&Campaign| it.state != CampaignState::Ended;
        let overlaps = |it: &Campaign| {
            (it.tenant, it.channel) == (head.tenant, head.channel)
                && it.from_ms < plan.to_ms
                && plan.from_ms < it.to_ms
                && it.items.iter().any(|item| has(wants, item.sku))
        };
        if table.campaigns.values().filter(open).any(overlaps) {
            return Err(ResultCode::InvalidField);
        }
        let all_open = table.campaigns.values().filter(open).count();
        let planned: usize = table
            .campaigns
            .values()
            .filter(|it| it.state == CampaignState::Planned)
            .map(|it| it.items.len())
            .sum();
        let entries = table.entries.len() + planned + wants.len();
        if all_open >= CAMPAIGNS_MAX || entries > CHANNEL_RULES_MAX {
            return Err(ResultCode::ChannelTableFull);
        }
        Ok(())
    }

    pub(super) fn end_campaign(
        &mut self,
        context: Context,
        key: CommandKey,
        number: u32,
        out: &mut RecordBuffer,
    ) -> Result<CommandOutcome, ResultCode> {
        if key.0 == 0 {
            return Err(ResultCode::InvalidKey);
        }
        let tenant = context.tenant;
        let known = self.channels.campaigns.get(&number);
        let known = known.filter(|it| it.tenant == tenant);
        let campaign = known.ok_or(ResultCode::UnknownCampaign)?;
        let (channel, state) = (campaign.channel, campaign.state);
        let mut head = blank(tenant, channel);
        head.fingerprint = fingerprint(3, &ended(head, number, CampaignEnd::Command, &[]));
        head.key = key;
        if let Some(mut stored) = self.stored_result(tenant, key, head.fingerprint, false) {
            stored.handle = number;
            return Ok(stored);
        }
        let bytes = self.campaign_returns(number);
        let decided = if state == CampaignState::Ended {
            Err(ResultCode::NotInState)
        } else {
            Ok(ended(head, number, CampaignEnd::Command, &bytes))
        };
        let mut outcome = self.commit_keyed(context, head, decided, out);
        outcome.handle = number;
        Ok(outcome)
    }

    /// Begins or ends the one campaign that is due first, if one is by the turn's time. True where
    /// another one is due after that.
    pub(in crate::engine) fn fire_campaign(&mut self, out: &mut RecordBuffer) -> bool {
        let is_due = |due_ms: Option<u64>, now_ms| due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        if !is_due(self.channels.due_ms, self.now_ms) {
            return false;
        }
        let Some((_, number)) = self.channels.find_due() else {
            return false;
        };
        let Some(campaign) = self.channels.campaigns.get(&number) else {
            return false;
        };
        let (tenant, channel) = (campaign.tenant, campaign.channel);
        // One whose whole window passed while nobody was there ends without having begun.
        let starts = campaign.state == CampaignState::Planned && self.now_ms < campaign.to_ms;
        if starts {
            let bytes = self.campaign_gifts(number);
            let record = ChannelRecord::CampaignStarted {
                tenant,
                channel,
                campaign: number,
                given: Run::from_bytes(&bytes),
            };
            self.commit(&Record::Channel(record), ActorId::SYSTEM, out);
        } else {
            let bytes = self.campaign_returns(number);
            let head = blank(tenant, channel);
            let record = ended(head, number, CampaignEnd::Window, &bytes);
            self.commit(&Record::Channel(record), ActorId::SYSTEM, out);
        }
        is_due(self.channels.due_ms, self.now_ms)
    }

    /// What a campaign gets now: of each SKU what it wants, or what is in the pool and not set aside
    /// for orders that wait.
    fn campaign_gifts(&self, number: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let campaign = self.channels.campaigns.get(&number);
        let items = campaign.map_or(&[][..], |it| &it.items);
        let gifts = items.iter().map(|item| {
            let pool = self
                .available_everywhere(item.sku)
                .saturating_sub(self.guaranteed_of(item.sku))
                .saturating_sub(self.units_aside(item.sku, None));
            CampaignUnits {
                sku: item.sku,
                units: u32::try_from(pool).unwrap_or(u32::MAX).min(item.wanted),
            }
        });
        put_run(&mut bytes, gifts);
        bytes
    }

    /// What a campaign sold so far and would return; nothing for one that has not begun.
    fn campaign_returns(&self, number: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Some(campaign) = self.channels.campaigns.get(&number) else {
            return bytes;
        };
        let returns = campaign.items.iter().filter_map(|item| {
            let entry = self.channels.entry(item.sku, campaign.channel)?;
            let share = entry.share.filter(|share| share.campaign == number)?;
            Some(CampaignReturn {
                sku: item.sku,
                given: share.given,
                sold: share.used,
                returned: share.given - share.used,
            })
        });
        put_run(&mut bytes, returns);
        bytes
    }
}

fn has(wants: &[CampaignUnits], sku: SkuId) -> bool {
    wants.binary_search_by_key(&sku, |want| want.sku).is_ok()
}

fn ended(head: ChannelRef, campaign: u32, cause: CampaignEnd, items: &[u8]) -> ChannelRecord<'_> {
    ChannelRecord::CampaignEnded {
        head,
        campaign,
        cause,
        items: Run::from_bytes(items),
    }
}

fn check_plan(plan: &CampaignPlan<'_>) -> Result<(), ResultCode> {
    check_name(plan.name)?;
    if plan.wants.is_empty() {
        return Err(ResultCode::NoLines);
    }
    if plan.wants.len() > CAMPAIGN_SKUS_MAX {
        return Err(ResultCode::TooManyLines);
    }
    if plan.from_ms >= plan.to_ms || plan.to_ms > TIME_MS_MAX {
        return Err(ResultCode::InvalidField);
    }
    let fits = |want: &CampaignUnits| (1..=CELL_QUANTITY_MAX).contains(&want.units);
    if plan.wants.iter().all(fits) {
        Ok(())
    } else {
        Err(ResultCode::InvalidQuantity)
    }
}
