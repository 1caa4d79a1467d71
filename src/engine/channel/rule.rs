//! Deciding definitions and rules of channels.

use super::command::ChannelCommand;
use crate::engine::Engine;
use crate::engine::command::{CommandOutcome, Context};
use crate::engine::define::answer;
use crate::engine::fingerprint::FINGERPRINT_KEY;
use crate::engine::names::check_name;
use crate::engine::record::{ChannelRecord, ChannelRef, Record};
use crate::limits::{CHANNEL_RULES_MAX, CHANNELS_MAX};
use crate::types::ChannelKind;
use crate::types::channel_stock::ChannelRule;
use crate::types::record::RecordBuffer;
use crate::types::{ChannelId, CommandKey, ResultCode, SkuId, TenantId};
use siphasher::sip::SipHasher13;

impl Engine {
    /// Executes a command about sales channels at the turn's time. Malformed ones change nothing
    /// and are not stored; refusals of keyed commands are journaled and stay their answer.
    pub fn execute_channel(
        &mut self,
        context: Context,
        command: &ChannelCommand<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let done = match *command {
            ChannelCommand::Define {
                channel,
                name,
                kind,
            } => self.define_channel(context, channel, (name, kind), out),
            ChannelCommand::SetRule {
                key,
                channel,
                sku,
                rule,
            } => self.set_rule(context, (key, channel), (sku, rule), out),
            ChannelCommand::DefineCampaign { key, plan } => {
                self.define_campaign(context, key, plan, out)
            }
            ChannelCommand::EndCampaign { key, campaign } => {
                self.end_campaign(context, key, campaign, out)
            }
            ChannelCommand::Published { channel, items } => {
                self.note_published(context, channel, items, out)
            }
        };
        done.unwrap_or_else(answer)
    }

    /// The channel's definition must be known.
    pub(super) fn check_channel(
        &self,
        tenant: TenantId,
        channel: ChannelId,
    ) -> Result<(), ResultCode> {
        let known = self.channels.channel(tenant, channel);
        known.map(|_| ()).ok_or(ResultCode::UnknownChannel)
    }

    fn define_channel(
        &mut self,
        context: Context,
        channel: ChannelId,
        (name, kind): (&str, Option<ChannelKind>),
        out: &mut RecordBuffer,
    ) -> Result<CommandOutcome, ResultCode> {
        check_name(name)?;
        let tenant = context.tenant;
        match self.channels.channel(tenant, channel) {
            Some(known) if known.kind == kind && known.name == name => {
                return Ok(CommandOutcome {
                    replayed: true,
                    handle: channel.0.into(),
                    ..answer(ResultCode::Ok)
                });
            }
            None if self.channels.channels.len() >= CHANNELS_MAX => {
                return Err(ResultCode::ChannelTableFull);
            }
            _ => {}
        }
        let record = Record::Channel(ChannelRecord::Defined {
            tenant,
            channel,
            kind,
            name,
        });
        let sequence = self.commit(&record, context.actor, out);
        Ok(CommandOutcome {
            sequence,
            handle: channel.0.into(),
            ..answer(ResultCode::Ok)
        })
    }

    fn set_rule(
        &mut self,
        context: Context,
        (key, channel): (CommandKey, ChannelId),
        (sku, rule): (Option<SkuId>, Option<ChannelRule>),
        out: &mut RecordBuffer,
    ) -> Result<CommandOutcome, ResultCode> {
        let tenant = context.tenant;
        check_rule(key, sku, rule)?;
        self.check_channel(tenant, channel)?;
        if sku.is_some_and(|sku| self.inventory.sku_of(tenant, sku).is_none()) {
            return Err(ResultCode::UnknownSku);
        }
        let mut head = blank(tenant, channel);
        let mut record = ChannelRecord::RuleSet {
            head,
            sku,
            rule,
            anew: false,
        };
        head.fingerprint = fingerprint(1, &record);
        head.key = key;
        if let Some(stored) = self.stored_result(tenant, key, head.fingerprint, false) {
            return Ok(stored);
        }
        // The entry is a campaign's so far: what that has sold is none of the rule's.
        let entry = sku.and_then(|sku| self.channels.entry(sku, channel));
        let anew = rule.is_some() && entry.is_some_and(|entry| entry.rule.is_none());
        record = ChannelRecord::RuleSet {
            head,
            sku,
            rule,
            anew,
        };
        let decided = self.decide_rule(channel, sku, rule);
        Ok(self.commit_keyed(context, head, decided.map(|()| record), out))
    }

    /// A quota must be there, besides what others are guaranteed and what is set aside for orders
    /// that wait.
    fn decide_rule(
        &self,
        channel: ChannelId,
        sku: Option<SkuId>,
        rule: Option<ChannelRule>,
    ) -> Result<(), ResultCode> {
        let Some(sku) = sku else {
            return Ok(());
        };
        let entry = self.channels.entry(sku, channel);
        if entry.is_none() && self.channels.entries.len() >= CHANNEL_RULES_MAX {
            return Err(ResultCode::ChannelTableFull);
        }
        let Some(ChannelRule::Quota { .. }) = rule else {
            return Ok(());
        };
        let before = entry.map_or(0, super::entry::Entry::guaranteed);
        let mut after = entry
            .copied()
            .unwrap_or_else(|| super::entry::Entry::new(0));
        after.set_rule(rule);
        let all: u64 = self
            .channels
            .entries_of(sku)
            .map(|(_, entry)| entry.guaranteed())
            .sum();
        let more = after.guaranteed() > before;
        let free = self
            .available_everywhere(sku)
            .saturating_sub(self.units_aside(sku, None));
        if more && all - before + after.guaranteed() > free {
            return Err(ResultCode::InsufficientStock);
        }
        Ok(())
    }

    /// Journals what a keyed command decided: its record, or its refusal.
    pub(super) fn commit_keyed(
        &mut self,
        context: Context,
        head: ChannelRef,
        decided: Result<ChannelRecord<'_>, ResultCode>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let (code, record) = match decided {
            Ok(record) => (ResultCode::Ok, Record::Channel(record)),
            Err(code) => {
                let refused = Record::CommandRefused {
                    tenant: context.tenant,
                    key: head.key,
                    fingerprint: head.fingerprint,
                    code,
                    of_order: false,
                };
                (code, refused)
            }
        };
        let sequence = self.commit(&record, context.actor, out);
        CommandOutcome {
            sequence,
            ..answer(code)
        }
    }
}

fn check_rule(
    key: CommandKey,
    sku: Option<SkuId>,
    rule: Option<ChannelRule>,
) -> Result<(), ResultCode> {
    if key.0 == 0 {
        return Err(ResultCode::InvalidKey);
    }
    // By default a channel shares the pool; the rest is about single SKUs.
    let single = matches!(
        rule,
        Some(ChannelRule::Quota { .. } | ChannelRule::Cap { .. })
    );
    if sku.is_none() && single {
        return Err(ResultCode::InvalidField);
    }
    let units = rule.map_or(0, ChannelRule::units);
    if units > crate::limits::CELL_QUANTITY_MAX {
        return Err(ResultCode::InvalidQuantity);
    }
    Ok(())
}

/// A command's head without what names the command.
pub(super) fn blank(tenant: TenantId, channel: ChannelId) -> ChannelRef {
    ChannelRef {
        key: CommandKey(0),
        fingerprint: 0,
        tenant,
        channel,
    }
}

/// The meaning of a command: its record with a blank head, behind a number that no other command
/// has.
pub(super) fn fingerprint(number: u8, record: &ChannelRecord<'_>) -> u64 {
    let mut bytes = vec![31 + number];
    Record::Channel(*record).put(&mut bytes);
    SipHasher13::new_with_key(&FINGERPRINT_KEY).hash(&bytes)
}
