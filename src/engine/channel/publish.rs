//! What was published: quantities that channels acknowledged.

use super::Published;
use crate::engine::Engine;
use crate::engine::command::{CommandOutcome, Context};
use crate::engine::define::answer;
use crate::engine::record::{ChannelRecord, PublishedItem, Record, Run, put_run};
use crate::limits::{CHANNEL_ITEMS_MAX, PUBLISHED_MAX};
use crate::types::record::RecordBuffer;
use crate::types::{ChannelId, ResultCode, SkuId};
use std::collections::BTreeMap;

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
        if !has_room(&self.channels.published, channel, &newest, PUBLISHED_MAX) {
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

/// What is new of these items has room in a table of so many; what is in it always has.
fn has_room(
    published: &BTreeMap<(SkuId, ChannelId), Published>,
    channel: ChannelId,
    items: &[PublishedItem],
    most: usize,
) -> bool {
    let is_new = |item: &&PublishedItem| !published.contains_key(&(item.sku, channel));
    published.len() + items.iter().filter(is_new).count() <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_still_takes_what_is_in_it() {
        let shown = |sku: u32| PublishedItem {
            sku: SkuId(sku),
            quantity: 1,
            sequence: 9,
        };
        let before = Published {
            quantity: 2,
            sequence: 8,
        };
        let here = ChannelId(1);
        let keys = [(SkuId(1), here), (SkuId(2), here)];
        let published = keys.map(|key| (key, before)).into();
        assert!(has_room(&published, here, &[shown(1), shown(2)], 2));
        assert!(!has_room(&published, here, &[shown(1), shown(3)], 2));
        assert!(!has_room(&published, ChannelId(2), &[shown(1)], 2));
        assert!(has_room(&published, here, &[shown(1), shown(3)], 3));
    }
}
