//! What a record changed, in words: how the thing that it is about stood before and after it.

use super::fold::Fold;
use super::names::Names;
use crate::engine::record::{ChannelEventRecord, ChannelRecord, ProcessRecord, Record};
use crate::types::LocationId;
use crate::types::channel_event::EventFate;
use crate::types::channel_stock::{CampaignState, ChannelRule};

/// Both ends, where the record itself says them. `fold` has not taken it in.
#[must_use]
pub fn told(record: &Record<'_>, fold: &Fold) -> Option<(Option<String>, Option<String>)> {
    let both = |before: String, after: String| Some((Some(before), Some(after)));
    let state = |state: CampaignState| state.name().to_owned();
    match record {
        Record::Process(ProcessRecord::Breaker(changed)) => {
            both(changed.from.name().to_owned(), changed.to.name().to_owned())
        }
        Record::Subscriber(moved) => both(moved.before.to_string(), moved.after.to_string()),
        Record::Channel(ChannelRecord::CampaignDefined(_)) => {
            Some((None, Some(state(CampaignState::Planned))))
        }
        Record::Channel(ChannelRecord::CampaignStarted { .. }) => {
            both(state(CampaignState::Planned), state(CampaignState::Running))
        }
        Record::Channel(ChannelRecord::CampaignEnded { campaign, .. }) => {
            let before = if fold.campaign_runs(*campaign) {
                CampaignState::Running
            } else {
                CampaignState::Planned
            };
            both(state(before), state(CampaignState::Ended))
        }
        Record::ChannelEvent(ChannelEventRecord::Settled(settled)) => {
            let waiting = fold.waiting_event(settled.event);
            let before = waiting.map_or(EventFate::Open, |event| event.fate);
            both(before.name().to_owned(), settled.fate.name().to_owned())
        }
        _ => None,
    }
}

/// How the thing that `record` is about stands in `fold`: asked before and after the record was
/// taken in. Orders are not among these things.
#[must_use]
pub fn image(record: &Record<'_>, fold: &Fold) -> Option<String> {
    let names = &fold.names;
    match record {
        Record::SkuDefined { sku, .. } | Record::SkuChanged { sku, .. } => {
            let known = names.sku(*sku)?;
            let word = if known.on_sale { "on sale" } else { "off sale" };
            Some(word.to_owned())
        }
        Record::SkuQueueSet { sku, .. } => Some(names.sku(*sku)?.queue.name().to_owned()),
        Record::LocationDefined { location, .. } => place(names, *location),
        Record::Stock(change) => Some(fold.cell(change.head().2)?.describe()),
        Record::Process(ProcessRecord::Pipelines(_)) => {
            names.latest_set().map(|set| format!("set {set}"))
        }
        Record::Channel(record) => {
            let (tenant, channel) = record.channel();
            match record {
                ChannelRecord::Defined { .. } => {
                    fold.channel_name(tenant, channel).map(ToOwned::to_owned)
                }
                ChannelRecord::RuleSet { sku, .. } => Some(ChannelRule::told(
                    fold.channel_rule((tenant, channel), *sku),
                )),
                _ => None,
            }
        }
        Record::ChannelEvent(ChannelEventRecord::Mapped(mapped)) => {
            let sku = fold.item((mapped.tenant, mapped.channel), mapped.item);
            Some(sku.map_or_else(|| "nothing".to_owned(), |sku| names.sku_name(sku)))
        }
        _ => None,
    }
}

fn place(names: &Names, location: LocationId) -> Option<String> {
    let known = names.location(location)?;
    let ((x, y), priority) = (known.place, known.priority);
    Some(format!("at {x}, {y} with priority {priority}"))
}
