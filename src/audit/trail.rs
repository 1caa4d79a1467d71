//! The audit trail: who did what, when, from what to what, and with what outcome.

use super::change;
use super::fold::{At, Fold, Kept};
use super::report::Checks;
use super::show::{self, rfc3339};
use super::source::{DataDirectory, Next, SourceError};
use crate::engine::record::{
    ChannelEventRecord, OrderRef, ProcessRecord, Record, accepted_flags, kind,
};
use crate::journal::record::Seal;
use crate::types::effect::EffectNext;
use crate::types::process::ReportFate;
use crate::types::record::{ENGINE_KIND_MIN, RawRecord};
use crate::types::{OrderKey, OrderState, TenantId};
use serde::Serialize;
use std::collections::BTreeMap;

/// Which records to tell; what is unset matches everything.
#[derive(Clone, Debug, Default)]
pub struct TrailQuestion {
    /// About this order.
    pub order: Option<OrderKey>,
    /// Caused by this actor.
    pub actor: Option<String>,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Not before this time, in milliseconds since the Unix epoch.
    pub from_ms: u64,
    /// Before this time; 0 for no end.
    pub to_ms: u64,
}

/// One record of the trail.
#[derive(Clone, Debug, Serialize)]
pub struct TrailRecord {
    /// Position in the shard's journal.
    pub sequence: u64,
    /// The shard.
    pub shard: u16,
    /// When, in RFC 3339.
    pub time: String,
    /// Who caused it; `engine` for timers and the order process.
    pub actor: String,
    /// What was done: the kind of the record.
    pub action: &'static str,
    /// Whose, where it is about a tenant's things.
    pub tenant: Option<String>,
    /// Key of the order, where it is about one.
    pub order: Option<String>,
    /// The state of the order before; of anything else that was defined, set or moved, how it stood.
    pub before: Option<String>,
    /// The same after.
    pub after: Option<String>,
    /// `accepted`, `refused`, `done`, … and why.
    pub outcome: String,
    /// What happened, in a sentence.
    pub text: String,
    /// Sequence of the record about the same order that led to this one; 0 for the first.
    pub cause: u64,
    /// Segment whose hash covers this record.
    pub segment: u32,
    /// That hash, BLAKE3 in hex; `None` until the segment is full and sealed. Each seal names the
    /// hash before it, so a change anywhere breaks the chain: `onhand verify` checks it.
    pub segment_hash: Option<String>,
}

/// Calls `tell` with every record that the question asks for, shard by shard, in order.
///
/// # Errors
/// The data directory cannot be read, or what `tell` returns.
pub fn trail<E: From<SourceError>>(
    source: &DataDirectory,
    question: &TrailQuestion,
    mut tell: impl FnMut(&TrailRecord) -> Result<(), E>,
) -> Result<(), E> {
    for shard in &source.shards {
        let survey = source.survey(*shard)?;
        let survey = if source.owner.is_some() {
            survey.up_to_synced()
        } else {
            survey
        };
        let mut seals: BTreeMap<u32, String> = BTreeMap::new();
        source.read::<SourceError>(&survey, |_, raw| {
            if let Some(seal) = Seal::decode(raw) {
                seals.insert(seal.segment, hex::encode(seal.hash));
            }
            Ok(Next::Go)
        })?;
        let mut teller = Teller {
            fold: Fold::new(Kept::default()),
            checks: Checks::default(),
            last: BTreeMap::new(),
        };
        source.read::<E>(&survey, |at, raw| {
            let Some(mut told) = teller.take(at, raw, question) else {
                return Ok(Next::Go);
            };
            let segments = survey.segments.iter();
            let segment = segments
                .filter(|it| it.first_sequence > 0 && it.first_sequence <= at.sequence)
                .max_by_key(|it| it.number);
            told.segment = segment.map_or(0, |it| it.number);
            told.segment_hash = seals.get(&told.segment).cloned();
            tell(&told)?;
            Ok(Next::Go)
        })?;
    }
    Ok(())
}

struct Teller {
    fold: Fold,
    /// Contradictions are for `onhand verify` to report.
    checks: Checks,
    /// Sequence of the latest record about each order.
    last: BTreeMap<(TenantId, u128), u64>,
}

impl Teller {
    /// Folds a record; tells it where the question asks for it.
    fn take(
        &mut self,
        at: &At,
        raw: &RawRecord<'_>,
        question: &TrailQuestion,
    ) -> Option<TrailRecord> {
        self.fold.advance(at, &mut self.checks);
        if raw.kind < ENGINE_KIND_MIN {
            return None;
        }
        let record = Record::decode(raw)?;
        let about = subject(&record);
        let asked = is_of_time(at, raw, question);
        let image = |fold: &Fold| match about {
            _ if !asked => None,
            Some((tenant, key)) => state_of(fold, tenant, key).map(|it| it.name().to_owned()),
            None => change::image(&record, fold),
        };
        let told = match about {
            Some(_) => None,
            None => change::told(&record, &self.fold),
        };
        let before = image(&self.fold);
        self.fold.apply(at, &record, &mut self.checks);
        let after = image(&self.fold);
        let (before, after) = told.unwrap_or((before, after));
        let cause = about.map_or(0, |(tenant, key)| {
            self.last
                .insert((tenant, key.0), at.sequence)
                .unwrap_or_default()
        });
        let names = &self.fold.names;
        let tenant = about
            .map(|(tenant, _)| tenant)
            .or_else(|| tenant_of(&record, &self.fold))
            .map(|tenant| names.tenant(tenant));
        let actor = names.actor(at.actor);
        let of_order = question
            .order
            .is_none_or(|key| about.is_some_and(|it| it.1 == key));
        let by_actor = question.actor.as_ref().is_none_or(|it| *it == actor);
        let of_tenant = question.tenant.is_none() || question.tenant == tenant;
        if !(asked && of_order && by_actor && of_tenant) {
            return None;
        }
        Some(TrailRecord {
            sequence: at.sequence,
            shard: at.shard,
            time: rfc3339(at.time_ms),
            actor,
            action: show::kind_name(raw.kind),
            tenant,
            order: about.map(|(_, key)| key.to_string()),
            before,
            after,
            outcome: outcome(&record),
            text: super::explain::sentence(&record, &self.fold),
            cause,
            segment: 0,
            segment_hash: None,
        })
    }
}

/// Whether a question is about a record of this time and kind.
fn is_of_time(at: &At, raw: &RawRecord<'_>, question: &TrailQuestion) -> bool {
    raw.kind != kind::STATE_DIGEST
        && at.time_ms >= question.from_ms
        && (question.to_ms == 0 || at.time_ms < question.to_ms)
}

/// Where an order is, as people see it.
fn state_of(fold: &Fold, tenant: TenantId, key: OrderKey) -> Option<OrderState> {
    let process = fold.process(tenant, key).filter(|it| it.is_running());
    let running = process.map(|process| process.state);
    let order = fold.order(tenant, key).map(|order| order.state);
    let refused = fold.refusal(tenant, key).map(|_| OrderState::Rejected);
    running.or(order).or(refused)
}

/// The order that a record is about.
fn subject(record: &Record<'_>) -> Option<(TenantId, OrderKey)> {
    let of = |order: &OrderRef| (order.tenant, order.order);
    Some(match record {
        Record::OrderAccepted(accepted) => (accepted.tenant, accepted.key),
        Record::OrderRejected(rejected) => (rejected.tenant, rejected.key),
        Record::HoldExtended { order, .. }
        | Record::OrderConfirmed { order, .. }
        | Record::OrderReleased { order }
        | Record::OrderReinstated { order }
        | Record::OrderCancelled { order }
        | Record::CommandDone { order }
        | Record::OrderShipped { order, .. }
        | Record::OrderReturned { order, .. } => of(order),
        Record::OrderExpired { tenant, order }
        | Record::BackorderAllocated { tenant, order, .. }
        | Record::ConflictSeen { tenant, order, .. } => (*tenant, *order),
        Record::Process(record) => return show::process::order_of(record),
        Record::ChannelEvent(record) => return show::channel_event::order_of(record),
        _ => return None,
    })
}

fn tenant_of(record: &Record<'_>, fold: &Fold) -> Option<TenantId> {
    let of_sku = |sku| fold.names.sku(sku).map(|known| known.tenant);
    match record {
        Record::TenantDefined { tenant, .. }
        | Record::SkuDefined { tenant, .. }
        | Record::LocationDefined { tenant, .. }
        | Record::CommandRefused { tenant, .. } => Some(*tenant),
        Record::ChannelEvent(record) => Some(show::channel_event::tenant_of(record)),
        Record::Subscriber(moved) => Some(moved.tenant),
        Record::SkuChanged { sku, .. } | Record::SkuQueueSet { sku, .. } => of_sku(*sku),
        Record::Channel(record) => Some(record.channel().0),
        Record::Stock(change) => of_sku(change.head().2.sku),
        Record::ShortageDetected { cell, .. } => of_sku(cell.sku),
        _ => None,
    }
}

fn outcome(record: &Record<'_>) -> String {
    match record {
        Record::OrderAccepted(accepted) if accepted.flags & accepted_flags::BACKORDERED != 0 => {
            "accepted: waits for stock".to_owned()
        }
        Record::OrderAccepted(_) => "accepted".to_owned(),
        Record::OrderRejected(rejected) => format!("refused: {}", rejected.reason.name()),
        Record::CommandRefused { code, .. } => format!("refused: {}", code.name()),
        Record::ConflictSeen { .. } => "refused: IDEMPOTENCY_CONFLICT".to_owned(),
        Record::Process(ProcessRecord::Moved(moved)) => moved.event.name().to_owned(),
        Record::Process(ProcessRecord::Started(_)) => "started".to_owned(),
        Record::Process(ProcessRecord::Ended(ended)) => match ended.next {
            EffectNext::Done => "done".to_owned(),
            next => format!("{}: {}", next.name(), ended.class.name()),
        },
        Record::Process(ProcessRecord::Reported(reported)) => match reported.fate {
            ReportFate::Applied => "applied".to_owned(),
            fate => fate.name().to_owned(),
        },
        Record::Process(ProcessRecord::Decided(decided)) => decided.action.name().to_owned(),
        Record::Process(ProcessRecord::Breaker(changed)) => changed.cause.name().to_owned(),
        Record::ChannelEvent(ChannelEventRecord::Settled(settled)) => {
            settled.fate.name().to_owned()
        }
        _ => "done".to_owned(),
    }
}
