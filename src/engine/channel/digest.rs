//! The state of sales channels as bytes, for the digest.

use super::ChannelTable;
use crate::types::channel_stock::ChannelRule;

impl ChannelTable {
    /// Appends everything, in order.
    pub fn digest_into(&self, out: &mut Vec<u8>) {
        let mut put = |field: &[u8]| out.extend_from_slice(field);
        put(&(self.channels.len() as u64).to_le_bytes());
        for ((tenant, number), channel) in &self.channels {
            put(&tenant.0.to_le_bytes());
            put(&number.0.to_le_bytes());
            put(&[channel.kind.map_or(0, |kind| kind as u8)]);
            put(&channel.buffer.to_le_bytes());
            put(&(channel.name.len() as u64).to_le_bytes());
            put(channel.name.as_bytes());
        }
        put(&(self.entries.len() as u64).to_le_bytes());
        for ((sku, channel), entry) in &self.entries {
            put(&sku.0.to_le_bytes());
            put(&channel.0.to_le_bytes());
            let rule = entry.rule;
            put(&[
                rule.map_or(0, ChannelRule::number),
                u8::from(rule.is_some_and(ChannelRule::then_pool)),
            ]);
            put(&rule.map_or(0, ChannelRule::units).to_le_bytes());
            for number in [entry.since, entry.used, entry.pooled] {
                put(&number.to_le_bytes());
            }
            if let Some(share) = entry.share {
                put(&share.since.to_le_bytes());
                for number in [share.campaign, share.given, share.used] {
                    put(&number.to_le_bytes());
                }
                let has_before = if share.before > 0 { 2 } else { 0 };
                put(&[u8::from(share.then_pool) | has_before]);
                if share.before > 0 {
                    put(&share.before.to_le_bytes());
                }
            }
        }
        put(&self.campaigns_made.to_le_bytes());
        for (number, campaign) in &self.campaigns {
            put(&number.to_le_bytes());
            put(&campaign.tenant.0.to_le_bytes());
            put(&campaign.channel.0.to_le_bytes());
            put(&campaign.from_ms.to_le_bytes());
            put(&campaign.to_ms.to_le_bytes());
            put(&[u8::from(campaign.then_pool), campaign.state as u8]);
            put(&(campaign.name.len() as u64).to_le_bytes());
            put(campaign.name.as_bytes());
            for item in &campaign.items {
                for number in [item.sku.0, item.wanted, item.given, item.sold] {
                    put(&number.to_le_bytes());
                }
            }
        }
        put(&(self.published.len() as u64).to_le_bytes());
        for ((sku, channel), published) in &self.published {
            put(&sku.0.to_le_bytes());
            put(&channel.0.to_le_bytes());
            put(&published.quantity.to_le_bytes());
            put(&published.sequence.to_le_bytes());
        }
    }
}
