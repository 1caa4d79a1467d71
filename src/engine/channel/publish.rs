//! What was published: quantities that channels acknowledged.

use crate::engine::Engine;
use crate::engine::command::{CommandOutcome, Context};
use crate::engine::define::answer;
use crate::engine::record::{ChannelRecord, PublishedItem, Record, Run, put_run};
use crate::limits::{CHANNEL_ITEMS_MAX, PUBLISHED_MAX};
use crate::types::record::RecordBuffer;
use crate::types::{ChannelId, ResultCode};

impl Engine {
    /// Journals quantities that a channel acknowledged. An item that is not newer than the last
    /// one of its SKU is skipped; where all are, nothing is journaled.
    pub(super) fn note_published(
        &mut self,
        context: Context,
        channel: ChannelId,
        items: &[PublishedItem],
        out: &mut RecordBuffer,
    ) -> Result<CommandOutcome, ResultCode> {
        if items.is_empty() {
            return Err(ResultCode::NoLines);
        }
        if items.len() > CHANNEL_ITEMS_MAX {
            return Err(ResultCode::TooManyLines);
        }
        self.check_channel(context.tenant, channel)?;
        let next_sequence = out.next_sequence();
        let mut newest: Vec<PublishedItem> = Vec::with_capacity(items.len());
        for item in items {
            if self.inventory.sku_of(context.tenant, item.sku).is_none() {
                return Err(ResultCode::UnknownSku);
            }
            // A quantity cannot be true at a record that is not there yet.
            if item.sequence >= next_sequence {
                return Err(ResultCode::InvalidField);
            }
            let known = self.channels.published.get(&(item.sku, channel));
            let known = known.map(|it| (it.sequence, it.quantity));
            if known.is_some_and(|it| it.0 > item.sequence || it == (item.sequence, item.quantity))
            {
                continue;
            }
            newest.push(*item);
        }
        // Of one SKU reported twice the newest counts.
        newest.sort_by_key(|item| (item.sku, item.sequence));
        newest.reverse();
        newest.dedup_by_key(|item| item.sku);
        newest.reverse();
        if newest.is_empty() {
            return Ok(CommandOutcome {
                replayed: true,
                ..answer(ResultCode::Ok)
            });
        }
        if self.channels.published.len() + newest.len() > PUBLISHED_MAX {
            return Err(ResultCode::ChannelTableFull);
        }
        let mut bytes = Vec::new();
        put_run(&mut bytes, newest);
        let record = Record::Channel(ChannelRecord::Published {
            tenant: context.tenant,
            channel,
            items: Run::from_bytes(&bytes),
        });
        let sequence = self.commit(&record, context.actor, out);
        Ok(CommandOutcome {
            sequence,
            ..answer(ResultCode::Ok)
        })
    }
}
