//! What happened to one order or one SKU, told from the journal at any past moment.
//!
//! ```text
//! records up to the moment ─▶ fold ─┬▶ order: its timeline, and at a refusal who held the units
//!                                   └▶ SKU: its cells, channels, who took the last unit, counts
//! ```

mod order;
mod sku;

pub use order::{Event, LineState, OrderQuestion, OrderStory, Refused, order};
pub use sku::{CellRow, ChannelRow, SkuQuestion, SkuStory, sku};

use super::fold::{At, Fold};
use super::names::Names;
use super::report::Checks;
use super::show::rfc3339;
use super::source::{DataDirectory, Next, SourceError};
use crate::engine::record::{Lines, OrderAccepted, Record};
use crate::types::{OrderKey, OrderState, SkuId};
use serde::Serialize;
use std::collections::BTreeMap;

/// Orders listed as holders of a SKU; further ones are counted.
pub const HOLDERS_SHOWN_MAX: usize = 10;

/// Up to when to tell the story.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Moment {
    /// The end of the journal.
    #[default]
    Now,
    /// Right after this sequence.
    Sequence(u64),
    /// Right after the last record of this time, in milliseconds since the Unix epoch.
    Time(u64),
}

impl Moment {
    fn is_over(self, at: &At) -> bool {
        match self {
            Self::Now => false,
            Self::Sequence(last) => at.sequence > last,
            Self::Time(last) => at.time_ms > last,
        }
    }
}

/// An order that took or holds units of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rival {
    /// Its key, 32 hex digits.
    pub order: String,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Sequence of the record that accepted it.
    pub sequence: u64,
    /// When, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Its state then.
    pub state: &'static str,
    /// Units of the SKU.
    pub units: u64,
}

impl std::fmt::Display for Rival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (order, customer, sequence) = (&self.order, self.customer, self.sequence);
        write!(f, "order {order} of customer {customer} ({}", self.state)?;
        write!(f, ", {} units, sequence {sequence}", self.units)?;
        match &self.time {
            Some(time) => write!(f, ", {time})"),
            None => write!(f, ")"),
        }
    }
}

/// The acceptances that left nothing of a SKU, the latest one each.
#[derive(Debug, Default)]
struct LastUnits(BTreeMap<SkuId, Taken>);

#[derive(Clone, Copy, Debug)]
struct Taken {
    at: At,
    order: OrderKey,
    customer: u64,
    units: u64,
    placed: bool,
}

impl Taken {
    fn rival(&self) -> Rival {
        let state = if self.placed {
            OrderState::FraudCheck
        } else {
            OrderState::Held
        };
        Rival {
            order: self.order.to_string(),
            customer: self.customer,
            sequence: self.at.sequence,
            time: Some(rfc3339(self.at.time_ms)),
            state: state.name(),
            units: self.units,
        }
    }
}

impl LastUnits {
    /// Takes note of an acceptance that was just folded.
    fn note(&mut self, at: &At, accepted: &OrderAccepted<'_>, fold: &Fold) {
        for allocation in accepted.allocations.iter() {
            let sku = allocation.sku;
            if available(fold, sku) == 0 {
                self.0.insert(sku, taken(at, accepted, sku));
            }
        }
    }

    fn of(&self, sku: SkuId) -> Option<Rival> {
        self.0.get(&sku).map(Taken::rival)
    }
}

fn taken(at: &At, accepted: &OrderAccepted<'_>, sku: SkuId) -> Taken {
    use crate::engine::record::accepted_flags::PLACED;
    Taken {
        at: *at,
        order: accepted.key,
        customer: accepted.customer,
        units: units_of(accepted.allocations, sku),
        placed: accepted.flags & PLACED != 0,
    }
}

fn units_of(lines: Lines<'_>, sku: SkuId) -> u64 {
    let lines = lines.iter().filter(|line| line.sku == sku);
    lines.map(|line| u64::from(line.quantity)).sum()
}

/// Available units of a SKU over all locations.
fn available(fold: &Fold, sku: SkuId) -> i64 {
    fold.cells_of(sku).map(|(_, cell)| cell.available()).sum()
}

/// The orders that hold units of a SKU now, the newest first, and how many there are.
fn holders(fold: &Fold, sku: SkuId) -> (Vec<Rival>, u64) {
    let mut found: Vec<Rival> = Vec::new();
    for (_, key, order) in fold.orders() {
        let lines = order.lines.as_slice().iter().filter(|line| line.sku == sku);
        let units: u64 = lines
            .map(|line| u64::from(line.reserved) + u64::from(line.committed))
            .sum();
        if units > 0 {
            found.push(Rival {
                order: key.to_string(),
                customer: order.customer,
                sequence: order.accepted,
                time: None,
                state: order.state.name(),
                units,
            });
        }
    }
    let count = found.len() as u64;
    found.sort_unstable_by_key(|rival| std::cmp::Reverse(rival.sequence));
    found.truncate(HOLDERS_SHOWN_MAX);
    (found, count)
}

/// Any engine record in one sentence. `fold` has taken it in.
#[must_use]
pub fn sentence(record: &Record<'_>, fold: &Fold) -> String {
    let names = &fold.names;
    match record {
        Record::TenantDefined { name, .. } => format!("tenant {name} is known from now on"),
        Record::ActorDefined { name, .. } => format!("actor {name} is known from now on"),
        Record::SkuDefined { name, .. } => format!("SKU {name} is defined"),
        Record::SkuChanged { sku, on_sale } => {
            let word = if *on_sale { "on" } else { "off" };
            format!("SKU {} went {word} sale", names.sku_name(*sku))
        }
        Record::SkuQueueSet { sku, queue } => {
            let sku = names.sku_name(*sku);
            format!(
                "orders that wait for SKU {sku} are served by the rule {}",
                queue.name()
            )
        }
        Record::LocationDefined { name, .. } => format!("location {name} is defined"),
        Record::Stock(change) => {
            let sku = names.sku_name(change.head().2.sku);
            format!("SKU {sku}: {}", sku::movement_text(change, names))
        }
        Record::ShortageDetected { cell, short } => format!(
            "SKU {} is short by {short} at {}",
            names.sku_name(cell.sku),
            names.location_name(cell.location)
        ),
        Record::CommandRefused { key, code, .. } => {
            format!("command {key} was refused with {code}")
        }
        Record::CommandDone { order } => {
            let key = order.key;
            format!("command {key} was done: the records before say what it did")
        }
        Record::Channel(record) => crate::audit::show::channel::sentence(record, names),
        Record::Subscriber(moved) => format!(
            "subscriber {} goes on behind sequence {} (it was at {}): {}",
            moved.name, moved.after, moved.before, moved.reason
        ),
        Record::OrderAccepted(accepted) => {
            let known = fold.order(accepted.tenant, accepted.key);
            order::sentence(record, fold, known)
        }
        other => order::sentence(other, fold, None),
    }
}

/// `2 × lamp at berlin, 1 × vase at paris`.
fn lines_text(lines: Lines<'_>, names: &Names) -> String {
    let lines = lines.iter().map(|line| {
        let sku = names.sku_name(line.sku);
        let location = names.location_name(line.location);
        format!("{} × {sku} at {location}", line.quantity)
    });
    lines.collect::<Vec<_>>().join(", ")
}

/// Folds one shard up to a moment, showing each engine record to `before` (not yet folded) and
/// `after` (just folded).
pub(super) fn fold_until(
    source: &DataDirectory,
    shard: u16,
    until: Moment,
    watcher: &mut dyn Watcher,
) -> Result<Fold, SourceError> {
    let mut survey = source.survey(shard)?;
    if source.owner.is_some() {
        survey = survey.up_to_synced();
    }
    let mut fold = Fold::default();
    let mut checks = Checks::default();
    source.read::<SourceError>(&survey, |at, raw| {
        if until.is_over(at) {
            return Ok(Next::Stop);
        }
        fold.advance(at, &mut checks);
        if let Some(record) = Record::decode(raw) {
            watcher.before(at, &record, &fold);
            fold.apply(at, &record, &mut checks);
            watcher.after(at, &record, &fold);
        }
        Ok(Next::Go)
    })?;
    Ok(fold)
}

/// Watches a journal being folded.
pub(super) trait Watcher {
    fn before(&mut self, at: &At, record: &Record<'_>, fold: &Fold);
    fn after(&mut self, at: &At, record: &Record<'_>, fold: &Fold);
}
