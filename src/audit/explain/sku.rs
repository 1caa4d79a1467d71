//! The story of one SKU.

use super::{
    LastUnits, Moment, Rival, Taken, Watcher, available, fold_until, holders, taken, units_of,
};
use crate::audit::fold::{At, ChannelShare, Fold};
use crate::audit::names::Names;
use crate::audit::show::{self, rfc3339};
use crate::audit::source::{DataDirectory, SourceError};
use crate::engine::record::{Record, StockChange};
use crate::types::SkuId;
use crate::types::channel_stock::ChannelRule;
use serde::Serialize;
use std::collections::VecDeque;

/// Stock movements listed; older ones are left out.
const MOVEMENTS_SHOWN_MAX: usize = 20;

/// Which SKU, at which moment.
#[derive(Clone, Debug)]
pub struct SkuQuestion {
    /// Its name.
    pub name: String,
    /// Only this tenant's; `None` for every tenant that has the name.
    pub tenant: Option<String>,
    /// At which moment.
    pub until: Moment,
}

/// One location of a SKU, all in units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellRow {
    /// Where.
    pub location: String,
    /// Physically there.
    pub on_hand: i64,
    /// Unpaid holds.
    pub reserved: i64,
    /// Paid, not shipped.
    pub committed: i64,
    /// Kept back on purpose.
    pub safety: i64,
    /// Not sellable.
    pub damaged: i64,
    /// Waiting for inspection.
    pub quality_control: i64,
    /// What a new order may take.
    pub available: i64,
    /// Promised beyond what is there.
    pub short: i64,
}

/// What a sales channel has of a SKU, all in units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelRow {
    /// The merchant's number for it.
    pub channel: u16,
    /// Its name.
    pub name: String,
    /// `quota`, `pool` or `cap`; none: it shares the pool less its default buffer.
    pub rule: Option<&'static str>,
    /// Quota, buffer or cap of the rule.
    pub units: Option<u32>,
    /// Orders may go on from the pool when the channel's own units are used up.
    pub then_pool: bool,
    /// Sold out of its quota since the rule is in force.
    pub from_quota: i64,
    /// Sold out of the pool since the rule is in force.
    pub from_pool: i64,
    /// Number of the campaign that runs.
    pub campaign: Option<u32>,
    /// Units that the campaign was given.
    pub campaign_given: Option<i64>,
    /// Units that the campaign sold.
    pub campaign_sold: Option<i64>,
    /// What it is to offer at the moment asked for.
    pub to_offer: i64,
    /// What the channel acknowledged last.
    pub published: Option<u32>,
    /// The sequence at which that was true.
    pub published_sequence: Option<u64>,
}

impl From<ChannelShare> for ChannelRow {
    fn from(share: ChannelShare) -> Self {
        Self {
            channel: share.channel.0,
            name: share.name,
            rule: share.rule.map(ChannelRule::name),
            units: share.rule.map(ChannelRule::units),
            then_pool: share.rule.is_none_or(ChannelRule::then_pool),
            from_quota: share.from_quota,
            from_pool: share.from_pool,
            campaign: share.campaign.map(|it| it.0),
            campaign_given: share.campaign.map(|it| it.1),
            campaign_sold: share.campaign.map(|it| it.2),
            to_offer: share.to_offer,
            published: share.published.map(|it| it.0),
            published_sequence: share.published.map(|it| it.1),
        }
    }
}

/// A stock movement in words.
#[derive(Clone, Debug, Serialize)]
pub struct Movement {
    /// Where it stands in the journal.
    pub sequence: u64,
    /// When, in RFC 3339.
    pub time: String,
    /// Who caused it.
    pub actor: String,
    /// What happened.
    pub text: String,
}

/// Everything about one SKU of one tenant.
#[derive(Clone, Debug, Serialize)]
pub struct SkuStory {
    /// The shard.
    pub shard: u16,
    /// Name of the tenant.
    pub tenant: String,
    /// Name of the SKU.
    pub sku: String,
    /// Whether orders may have it.
    pub on_sale: bool,
    /// Who gets units of it that orders wait for: `default`, `strict` or `skip`.
    pub backorder_queue: &'static str,
    /// Each location.
    pub cells: Vec<CellRow>,
    /// Each sales channel that is defined.
    pub channels: Vec<ChannelRow>,
    /// Available units over all locations.
    pub available: i64,
    /// Orders (and versions) accepted with this SKU.
    pub accepted_orders: u64,
    /// Units that they took.
    pub accepted_units: u64,
    /// Orders (and versions) refused because of this SKU.
    pub refused_orders: u64,
    /// The last order accepted with this SKU.
    pub last_accepted: Option<Rival>,
    /// The last order whose acceptance left none.
    pub last_unit: Option<Rival>,
    /// Orders that hold units, the newest first.
    pub holders: Vec<Rival>,
    /// How many there are.
    pub holders_count: u64,
    /// The newest stock movements.
    pub movements: Vec<Movement>,
    /// The last sequence that was looked at.
    pub as_of_sequence: u64,
    /// Time of that record, in RFC 3339.
    pub as_of: String,
}

/// Tells the story of a SKU: one for each tenant that has the name, none where nobody has.
///
/// # Errors
/// If the data directory cannot be read.
pub fn sku(source: &DataDirectory, question: &SkuQuestion) -> Result<Vec<SkuStory>, SourceError> {
    let mut stories = Vec::new();
    for &shard in &source.shards {
        let mut teller = Teller {
            question,
            watched: Vec::new(),
            last_units: LastUnits::default(),
        };
        let fold = fold_until(source, shard, question.until, &mut teller)?;
        let Teller {
            watched,
            last_units,
            ..
        } = teller;
        for watched in watched {
            stories.push(story(shard, &fold, watched, &last_units));
        }
    }
    Ok(stories)
}

/// What is collected of one SKU on the way.
struct Watched {
    sku: SkuId,
    accepted_orders: u64,
    accepted_units: u64,
    refused_orders: u64,
    last_accepted: Option<Taken>,
    movements: VecDeque<Movement>,
}

struct Teller<'a> {
    question: &'a SkuQuestion,
    watched: Vec<Watched>,
    last_units: LastUnits,
}

impl Teller<'_> {
    fn watched(&mut self, sku: SkuId) -> Option<&mut Watched> {
        self.watched.iter_mut().find(|watched| watched.sku == sku)
    }

    fn defined(&mut self, sku: SkuId, name: &str, tenant: &str) {
        let wanted = self.question.tenant.as_deref();
        if name == self.question.name && wanted.is_none_or(|wanted| wanted == tenant) {
            self.watched.push(Watched {
                sku,
                accepted_orders: 0,
                accepted_units: 0,
                refused_orders: 0,
                last_accepted: None,
                movements: VecDeque::new(),
            });
        }
    }
}

impl Watcher for Teller<'_> {
    fn before(&mut self, _: &At, _: &Record<'_>, _: &Fold) {}

    fn after(&mut self, at: &At, record: &Record<'_>, fold: &Fold) {
        match record {
            Record::SkuDefined {
                sku, tenant, name, ..
            } => self.defined(*sku, name, &fold.names.tenant(*tenant)),
            Record::OrderAccepted(accepted) => {
                self.last_units.note(at, accepted, fold);
                for watched in &mut self.watched {
                    let units = units_of(accepted.allocations, watched.sku);
                    if units > 0 {
                        watched.accepted_orders += 1;
                        watched.accepted_units += units;
                        watched.last_accepted = Some(taken(at, accepted, watched.sku));
                    }
                }
            }
            Record::OrderRejected(rejected) => {
                for watched in &mut self.watched {
                    let short = rejected.shorts.iter().any(|short| short.sku == watched.sku);
                    watched.refused_orders += u64::from(short);
                }
            }
            Record::Stock(change) => {
                let (_, _, cell) = change.head();
                let Some(watched) = self.watched(cell.sku) else {
                    return;
                };
                watched.movements.push_back(Movement {
                    sequence: at.sequence,
                    time: rfc3339(at.time_ms),
                    actor: fold.names.actor(at.actor),
                    text: movement_text(change, &fold.names),
                });
                if watched.movements.len() > MOVEMENTS_SHOWN_MAX {
                    watched.movements.pop_front();
                }
            }
            _ => {}
        }
    }
}

fn story(shard: u16, fold: &Fold, watched: Watched, last_units: &LastUnits) -> SkuStory {
    let id = watched.sku;
    let defined = fold.names.sku(id);
    let (holders, holders_count) = holders(fold, id);
    let cells = fold.cells_of(id).map(|(at, cell)| CellRow {
        location: fold.names.location_name(at.location),
        on_hand: cell.on_hand,
        reserved: cell.reserved,
        committed: cell.committed,
        safety: cell.safety,
        damaged: cell.damaged,
        quality_control: cell.quality_control,
        available: cell.available(),
        short: cell.short(),
    });
    let channels = defined.map(|sku| fold.channel_shares(sku.tenant, id));
    let channels = channels.unwrap_or_default();
    SkuStory {
        shard,
        tenant: defined.map_or_else(String::new, |sku| fold.names.tenant(sku.tenant)),
        sku: fold.names.sku_name(id),
        on_sale: defined.is_some_and(|sku| sku.on_sale),
        backorder_queue: defined.map_or("default", |sku| sku.queue.name()),
        cells: cells.collect(),
        channels: channels.into_iter().map(ChannelRow::from).collect(),
        available: available(fold, id),
        accepted_orders: watched.accepted_orders,
        accepted_units: watched.accepted_units,
        refused_orders: watched.refused_orders,
        last_accepted: watched.last_accepted.as_ref().map(Taken::rival),
        last_unit: last_units.of(id),
        holders,
        holders_count,
        movements: watched.movements.into(),
        as_of_sequence: fold.last.sequence,
        as_of: show::rfc3339(fold.last.time_ms),
    }
}

pub(super) fn movement_text(change: &StockChange<'_>, names: &Names) -> String {
    let (_, _, cell) = change.head();
    let location = names.location_name(cell.location);
    match change {
        StockChange::Received { quantity, .. } => format!("received {quantity} at {location}"),
        StockChange::Adjusted { delta, reason, .. } => {
            format!("adjusted on hand by {delta:+} at {location}: {reason}")
        }
        StockChange::Set {
            before, on_hand, ..
        } => format!("set on hand from {before} to {on_hand} at {location}"),
        StockChange::Transferred { to, quantity, .. } => {
            let to = names.location_name(*to);
            format!("transferred {quantity} from {location} to {to}")
        }
        StockChange::Moved {
            from, to, quantity, ..
        } => {
            let (from, to) = (from.name(), to.name());
            format!("moved {quantity} from {from} to {to} at {location}")
        }
    }
}
