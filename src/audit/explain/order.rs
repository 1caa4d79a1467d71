//! The story of one order.

use super::{LastUnits, Moment, Rival, Watcher, fold_until, holders, lines_text};
use crate::audit::fold::{At, Fold, Line, Order};
use crate::audit::show::{self, rfc3339};
use crate::audit::source::{DataDirectory, SourceError};
use crate::engine::record::{OrderAccepted, OrderRejected, Record, accepted_flags};
use crate::types::{OrderKey, ResultCode, TenantId};
use serde::Serialize;
use std::collections::BTreeMap;

/// Which order, up to when.
#[derive(Clone, Debug)]
pub struct OrderQuestion {
    /// The order.
    pub key: OrderKey,
    /// Only this tenant's; `None` for every tenant that has the key.
    pub tenant: Option<String>,
    /// Up to when.
    pub until: Moment,
}

/// Something that happened to an order.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Where it stands in the journal.
    pub sequence: u64,
    /// When, in RFC 3339.
    pub time: String,
    /// Who caused it.
    pub actor: String,
    /// Kind of the record.
    pub kind: &'static str,
    /// What happened, in a sentence.
    pub text: String,
    /// For a refusal: each line that was short.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
}

/// Why one line of a refused order was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// Its SKU.
    pub sku: String,
    /// Index of the line in the request.
    pub line: u8,
    /// Units that were available to it.
    pub left: u32,
    /// The order that had taken the last unit.
    pub last_unit: Option<Rival>,
    /// Orders that held units then, the newest first.
    pub holders: Vec<Rival>,
    /// How many there were.
    pub holders_count: u64,
}

/// What became of the units of an order in one cell.
#[derive(Clone, Debug, Serialize)]
pub struct LineState {
    /// The SKU.
    pub sku: String,
    /// Where.
    pub location: String,
    /// Allocated when accepted.
    pub ordered: u32,
    /// Still held, unpaid.
    pub reserved: u32,
    /// Paid, not shipped.
    pub committed: u32,
    /// Left for good.
    pub shipped: u32,
    /// Came back, of the shipped ones.
    pub returned: u32,
    /// Released, expired or cancelled.
    pub cancelled: u32,
}

/// Everything about one order of one tenant.
#[derive(Clone, Debug, Serialize)]
pub struct OrderStory {
    /// The shard.
    pub shard: u16,
    /// Name of the tenant.
    pub tenant: String,
    /// Key of the order, 32 hex digits.
    pub order: String,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// State at the moment asked for.
    pub state: &'static str,
    /// Latest version.
    pub version: u16,
    /// When the hold ends, in RFC 3339; only for a live hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Its units at the moment asked for.
    pub lines: Vec<LineState>,
    /// The last sequence that was looked at.
    pub as_of_sequence: u64,
    /// Time of that record, in RFC 3339.
    pub as_of: String,
}

/// Tells the story of an order: one for each tenant that has the key, none where it never came up.
///
/// # Errors
/// If the data directory cannot be read.
pub fn order(
    source: &DataDirectory,
    question: &OrderQuestion,
) -> Result<Vec<OrderStory>, SourceError> {
    let mut stories = Vec::new();
    for &shard in &source.shards {
        let mut teller = Teller {
            key: question.key,
            events: BTreeMap::new(),
            last_units: LastUnits::default(),
            refused: Vec::new(),
        };
        let fold = fold_until(source, shard, question.until, &mut teller)?;
        for (tenant, events) in teller.events {
            let name = fold.names.tenant(tenant);
            if question
                .tenant
                .as_ref()
                .is_none_or(|wanted| *wanted == name)
            {
                stories.push(story(shard, &fold, (tenant, question.key), events));
            }
        }
    }
    Ok(stories)
}

fn story(
    shard: u16,
    fold: &Fold,
    (tenant, key): (TenantId, OrderKey),
    events: Vec<Event>,
) -> OrderStory {
    let order = fold.order(tenant, key);
    let refusal = fold.refusal(tenant, key);
    let process = fold.process(tenant, key).filter(|it| it.is_running());
    let state = match order {
        Some(_) if process.is_some() => process.map_or("", |process| process.state.name()),
        Some(order) if order.is_live_hold() && fold.last.time_ms >= order.expires_at_ms => {
            "EXPIRED"
        }
        Some(order) => order.state.name(),
        None if refusal.is_some() => "REJECTED",
        None => "FORGOTTEN",
    };
    let unmanaged = order.filter(|_| process.is_none());
    let live = unmanaged.filter(|order| order.is_live_hold() && state != "EXPIRED");
    let version = order.map_or(0, |order| order.version);
    let lines = order.map_or(&[][..], |order| order.lines.as_slice());
    OrderStory {
        shard,
        tenant: fold.names.tenant(tenant),
        order: key.to_string(),
        events,
        state,
        version: version.max(refusal.map_or(0, |refusal| refusal.version)),
        expires_at: live.map(|order| rfc3339(order.expires_at_ms)),
        lines: lines.iter().map(|line| line_state(line, fold)).collect(),
        as_of_sequence: fold.last.sequence,
        as_of: rfc3339(fold.last.time_ms),
    }
}

fn line_state(line: &Line, fold: &Fold) -> LineState {
    LineState {
        sku: fold.names.sku_name(line.sku),
        location: fold.names.location_name(line.location),
        ordered: line.ordered,
        reserved: line.reserved,
        committed: line.committed,
        shipped: line.shipped,
        returned: line.returned,
        cancelled: line.cancelled,
    }
}

/// Collects the events of one key, of whatever tenant.
struct Teller {
    key: OrderKey,
    events: BTreeMap<TenantId, Vec<Event>>,
    last_units: LastUnits,
    refused: Vec<Refused>,
}

impl Watcher for Teller {
    fn before(&mut self, _: &At, record: &Record<'_>, fold: &Fold) {
        if let Record::OrderRejected(rejected) = record
            && rejected.key == self.key
        {
            self.refused = refusals(rejected, fold, &self.last_units);
        }
    }

    fn after(&mut self, at: &At, record: &Record<'_>, fold: &Fold) {
        if let Record::OrderAccepted(accepted) = record {
            self.last_units.note(at, accepted, fold);
        }
        let Some(tenant) = concerns(record, self.key) else {
            return;
        };
        let refused = std::mem::take(&mut self.refused);
        let event = Event {
            sequence: at.sequence,
            time: rfc3339(at.time_ms),
            actor: fold.names.actor(at.actor),
            kind: show::kind_name(record.kind()),
            text: sentence(record, fold, fold.order(tenant, self.key)),
            refused,
        };
        self.events.entry(tenant).or_default().push(event);
    }
}

/// The tenant whose order of this key the record is about.
fn concerns(record: &Record<'_>, key: OrderKey) -> Option<TenantId> {
    let (tenant, order) = match record {
        Record::OrderAccepted(accepted) => (accepted.tenant, accepted.key),
        Record::OrderRejected(rejected) => (rejected.tenant, rejected.key),
        Record::HoldExtended { order, .. }
        | Record::OrderConfirmed { order, .. }
        | Record::OrderReleased { order }
        | Record::OrderReinstated { order }
        | Record::OrderCancelled { order }
        | Record::OrderShipped { order, .. }
        | Record::OrderReturned { order, .. } => (order.tenant, order.order),
        Record::OrderExpired { tenant, order }
        | Record::BackorderAllocated { tenant, order, .. }
        | Record::ConflictSeen { tenant, order, .. } => (*tenant, *order),
        Record::Process(record) => show::process::order_of(record)?,
        Record::ChannelEvent(record) => show::channel_event::order_of(record)?,
        Record::OrdersForgotten { keys } => {
            return show::forgotten_keys(keys)
                .find(|(_, forgotten)| *forgotten == key)
                .map(|(tenant, _)| tenant);
        }
        _ => return None,
    };
    (order == key).then_some(tenant)
}

fn refusals(rejected: &OrderRejected<'_>, fold: &Fold, last: &LastUnits) -> Vec<Refused> {
    let shorts = rejected.shorts.iter().map(|short| {
        let (holders, holders_count) = holders(fold, short.sku);
        Refused {
            sku: fold.names.sku_name(short.sku),
            line: short.line,
            left: short.left,
            last_unit: last.of(short.sku),
            holders,
            holders_count,
        }
    });
    shorts.collect()
}

pub(super) fn sentence(record: &Record<'_>, fold: &Fold, order: Option<&Order>) -> String {
    let names = &fold.names;
    match record {
        Record::OrderAccepted(accepted) => accepted_text(accepted, fold, order),
        Record::OrderRejected(rejected) => rejected_text(rejected, fold),
        Record::HoldExtended { expires_at_ms, .. } => {
            format!("extended: held until {}", rfc3339(*expires_at_ms))
        }
        Record::OrderConfirmed { lines, .. } if lines.is_empty() => {
            "confirmed in full: its units are committed".to_owned()
        }
        Record::OrderConfirmed { lines, .. } => {
            let lines = lines_text(*lines, names);
            format!("confirmed in part: {lines}; the rest was released")
        }
        Record::BackorderAllocated { allocations, .. } => {
            let lines = lines_text(*allocations, names);
            format!("stock came: it holds {lines}")
        }
        Record::OrderReleased { .. } => "released: its units are available again".to_owned(),
        Record::OrderExpired { .. } => {
            "expired: its time was over, its units are available again".to_owned()
        }
        Record::OrderReinstated { .. } => {
            "reinstated: paid after its hold had ended, its units are committed".to_owned()
        }
        Record::OrderCancelled { .. } => "cancelled: its units are available again".to_owned(),
        Record::OrderShipped { lines, .. } => format!("shipped: {}", lines_text(*lines, names)),
        Record::OrderReturned {
            disposition, lines, ..
        } => {
            let disposition = show::disposition_name(*disposition);
            let lines = lines_text(*lines, names);
            format!("returned as {disposition}: {lines}")
        }
        Record::ConflictSeen { .. } => {
            let code = ResultCode::IdempotencyConflict;
            format!("the key came again with another meaning: {code}, nothing changed")
        }
        Record::OrdersForgotten { .. } => {
            "forgotten: the order ended long ago, and its key is free again".to_owned()
        }
        Record::Process(record) => show::process::sentence(record, names),
        Record::ChannelEvent(record) => show::channel_event::sentence(record, names),
        _ => String::new(),
    }
}

fn accepted_text(accepted: &OrderAccepted<'_>, fold: &Fold, order: Option<&Order>) -> String {
    let flag = |bit: u8| accepted.flags & bit != 0;
    let waits = flag(accepted_flags::BACKORDERED);
    let verb = match (flag(accepted_flags::REPLACES), flag(accepted_flags::PLACED)) {
        _ if waits => "waits for stock as",
        (true, _) => "replaced its hold with",
        (false, true) => "placed as",
        (false, false) => "held as",
    };
    let lines = if waits {
        accepted.requested
    } else {
        accepted.allocations
    };
    let lines = lines_text(lines, &fold.names);
    let until = order.filter(|_| !waits).map_or_else(String::new, |order| {
        format!("until {}; ", rfc3339(order.expires_at_ms))
    });
    let head = format!(
        "{verb} version {}: {lines}; {until}customer {}, channel {}, total {} (currency \
         {})",
        accepted.version, accepted.customer, accepted.channel.0, accepted.total, accepted.currency
    );
    let mut parts = vec![head];
    if flag(accepted_flags::PARTIAL) {
        let requested = lines_text(accepted.requested, &fold.names);
        parts.push(format!("asked for {requested}"));
    }
    if flag(accepted_flags::DETAILS)
        && let Some(details) = show::details(accepted.details)
        && !details.external_id.is_empty()
    {
        parts.push(format!("external id {}", details.external_id));
    }
    parts.join("; ")
}

fn rejected_text(rejected: &OrderRejected<'_>, fold: &Fold) -> String {
    let shorts = rejected.shorts.iter().map(|short| {
        let sku = fold.names.sku_name(short.sku);
        format!("line {} wants {sku}, {} left", short.line, short.left)
    });
    let shorts: Vec<String> = shorts.collect();
    format!(
        "refused version {} with {}: {}",
        rejected.version,
        rejected.reason,
        shorts.join("; ")
    )
}
