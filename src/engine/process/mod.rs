//! The order process: where an order goes after its units are reserved, until nothing is left to do.
//!
//! ```text
//!  FRAUD_CHECK ─▶ PAYMENT ─▶ CONFIRMED ─▶ FULFILLING ─▶ SHIPPED ─▶ DELIVERED ─▶ COMPLETED
//!       │            │           │             │            │
//!       └────────────┴───────────┴── REVIEW ◀──┴────────────┘      CANCELLING ─▶ CANCELLED
//! ```
//!
//! ```text
//!  placed order ──┐
//!  answer ────────┤               decide: `steps`, `payment`, `fulfilment`, `cancel`, `review` …
//!  report ────────┼─▶ Desk ─▶ trigger ─▶ `table` (state × trigger ─▶ state, action) ─▶ records
//!  operator ──────┤                                                                      │
//!  timer ─────────┘                       replay ◀─ journal            `apply` ◀─────────┘
//! ```
//!
//! Everything outside is an *effect*: started by a record, called by an adapter once that record is
//! durable, ended by a record made of the adapter's answer. Retries, breakers and failover are
//! decided here, from journaled time, so replay leads to the same state and calls nobody.

mod apply;
mod backorder;
mod breaker;
mod cancel;
mod capture;
mod check;
pub mod command;
mod desk;
mod early;
mod effects;
mod entry;
mod fulfilment;
mod guard;
mod late;
mod messages;
mod parked;
mod payment;
mod queue;
mod reports;
mod review;
mod sample;
mod shortage;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod timers;
mod version;
mod view;

use super::record::{EffectEnded, ProcessImage};
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone, ProviderId};
use crate::types::pipeline::{PaymentMode, Pipeline, PipelineSet, ProcessSettings, Step};
use crate::types::{OrderKey, OrderState, TenantId};
use breaker::Breaker;
use queue::Queue;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(in crate::engine) use entry::{Entry, Prospect};
pub(in crate::engine) use version::Change;

/// The most journal bytes that one command of the order process makes, a set of pipelines included.
pub const PROCESS_COMMAND_RECORDS_BYTES_MAX: usize = 40 << 10;

/// The most journal bytes that one fired timer of an order in process makes.
pub const PROCESS_TIMER_RECORDS_BYTES_MAX: usize = 16 << 10;

/// The most journal bytes that a placed order makes beside its accepting record, while pipelines
/// are in force.
pub const PROCESS_ENTRY_RECORDS_BYTES_MAX: usize = 3 << 10;

/// One effect of an order: a logical operation at a provider, with its latest attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub number: u16,
    pub kind: EffectKind,
    pub provider: ProviderId,
    /// Latest attempt; 0: none was made yet.
    pub attempt: u8,
    /// Attempts before an operator drove it again.
    pub base: u8,
    /// Place of its step, or 255.
    pub step: u8,
    pub milestone: Option<Milestone>,
    pub target: u16,
    pub target_kind: u8,
    pub amount: u64,
    /// What follows the latest attempt; none while a call is out.
    pub next: Option<EffectNext>,
    /// How the latest attempt ended.
    pub class: Option<EffectClass>,
    /// Some attempt may have happened, and no answer settled it.
    pub uncertain: bool,
    /// How the effect that undoes this one ended.
    pub undone: Option<EffectClass>,
    /// How often it waited without an attempt, because the provider's breaker let none out.
    pub waits: u8,
    pub due_ms: u64,
    pub since_ms: u64,
    /// When the latest attempt was started; 0: none was yet.
    pub began_ms: u64,
    /// When the call of the latest attempt left at the earliest: it may have waited for its turn.
    /// Not in the digest of the state, which journals of before it was kept have as well.
    pub left_ms: u64,
    /// The breaker's generation when the latest attempt left.
    pub generation: u32,
    /// The latest attempt is a probe of a half-open breaker, to be answered by then; 0: none.
    pub probe_until_ms: u64,
    /// What it was started with.
    pub input: Box<str>,
    pub note: Box<str>,
    /// What the provider left.
    pub reference: Box<str>,
    pub code: Box<str>,
    pub message: Box<str>,
}

impl Effect {
    /// A call is out.
    pub fn is_out(&self) -> bool {
        self.next.is_none()
    }

    /// Something may still come of it without an operator.
    pub fn is_open(&self) -> bool {
        matches!(
            self.next,
            None | Some(EffectNext::RetryWait | EffectNext::Unknown | EffectNext::Waiting)
        )
    }

    pub fn is(&self, kind: EffectKind) -> bool {
        self.kind == kind
    }

    pub fn is_dead(&self) -> bool {
        self.next == Some(EffectNext::Dead)
    }

    /// The latest attempt ended. `came_back`: by its result, and not by the process's own decision.
    fn end(&mut self, ended: &EffectEnded<'_>, came_back: bool, now_ms: u64) {
        self.next = Some(ended.next);
        self.due_ms = ended.due_ms;
        self.since_ms = now_ms;
        self.probe_until_ms = 0;
        if !came_back && ended.next == EffectNext::RetryWait {
            self.waits = self.waits.saturating_add(1);
        }
        if came_back && ended.latency_ms > 0 {
            let left_ms = now_ms.saturating_sub(ended.latency_ms.into());
            self.left_ms = self.left_ms.max(left_ms);
        }
        let settled = matches!(
            ended.class,
            EffectClass::Done | EffectClass::Declined | EffectClass::Absent
        );
        self.uncertain = !settled && (self.uncertain || ended.class == EffectClass::Unknown);
        self.class = Some(ended.class);
        if ended.next == EffectNext::Done {
            self.undone = None; // whatever was found to undo before, it stands now
        }
        if !ended.reference.is_empty() {
            self.reference = ended.reference.into();
        }
        if !ended.code.is_empty() || !ended.message.is_empty() {
            self.code = ended.code.into();
            self.message = ended.message.into();
        }
    }

    /// It happened and was not undone, or may have happened.
    pub fn leaves_something(&self) -> bool {
        match self.next {
            Some(EffectNext::Done) => self.undone.is_none(),
            None | Some(EffectNext::Unknown | EffectNext::Waiting) => true,
            Some(EffectNext::Abandoned) => match self.undone {
                None => self.uncertain || self.class == Some(EffectClass::Done),
                // Nothing was found to undo, and then it happened after all.
                Some(EffectClass::Absent) => self.class == Some(EffectClass::Done),
                Some(_) => false,
            },
            Some(_) => self.uncertain && self.undone.is_none(),
        }
    }
}

/// One order in process, or one that has ended and still has something to say: see
/// [`Process::is_kept`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub tenant: TenantId,
    pub key: OrderKey,
    pub state: OrderState,
    pub since_ms: u64,
    /// Sequence of the record that accepted the latest version.
    pub accepted: u64,
    pub image: ProcessImage,
    /// Those that are not over, those that a cancellation would undo, and dead letters; by number.
    pub effects: Vec<Effect>,
    /// Its entries in the table of references.
    pub references: Vec<(u16, u64)>,
}

impl Process {
    pub fn effect(&self, number: u16) -> Option<&Effect> {
        self.effects.iter().find(|effect| effect.number == number)
    }

    pub fn effect_mut(&mut self, number: u16) -> Option<&mut Effect> {
        let found = |effect: &&mut Effect| effect.number == number;
        self.effects.iter_mut().find(found)
    }

    /// An effect that undoes this one was started.
    pub fn is_being_undone(&self, number: u16) -> bool {
        let undoes = |it: &Effect| it.kind.is_compensation() && it.target == number;
        self.effects.iter().any(undoes)
    }

    pub fn has_flag(&self, flag: u16) -> bool {
        self.image.flags & flag != 0
    }

    /// An ended order's entry stays while effects are open, for its dead letters, and where a
    /// payment was tried and the order ended without: money may still arrive for it.
    fn is_kept(&self) -> bool {
        if !self.state.is_terminal() {
            return true;
        }
        let tried = |effect: &Effect| effect.is(EffectKind::PaymentAuthorise);
        self.effects
            .iter()
            .any(|effect| effect.is_open() || effect.is_dead())
            || self.state != OrderState::Completed && self.effects.iter().any(tried)
    }
}

/// A set of pipelines with the shard's numbers of its providers.
#[derive(Clone, Debug)]
pub(super) struct PinnedSet {
    pub set: PipelineSet,
    /// Number of each provider of the set.
    pub ids: Vec<ProviderId>,
    /// Processes that are pinned to it.
    pub pins: u32,
}

impl PinnedSet {
    /// The provider at a place of the set's list.
    pub fn provider(&self, place: u8) -> ProviderId {
        let id = self.ids.get(usize::from(place));
        id.copied().unwrap_or(ProviderId::NONE)
    }

    pub fn pipeline(&self, place: u8) -> Option<&Pipeline> {
        self.set.pipelines.get(usize::from(place))
    }

    pub fn step(&self, image: &ProcessImage) -> Option<&Step> {
        let pipeline = self.pipeline(image.pipeline)?;
        pipeline.steps.get(usize::from(image.step))
    }
}

/// Reviews of one reason collected into one alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AlertWindow {
    pub due_ms: u64,
    pub orders: u64,
    /// The order in whose name the alert is sent.
    pub slot: u32,
}

/// A report that waits for its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parked {
    pub event: u128,
    pub provider: ProviderId,
    pub report: crate::types::process::ReportKind,
    pub tenant: TenantId,
    pub order: OrderKey,
    pub amount: u64,
    pub until_ms: u64,
    pub reference: Box<str>,
    pub text: Box<str>,
}

/// Everything that the order process knows. Changed by `apply` only.
#[derive(Default)]
pub(super) struct ProcessTable {
    pub processes: BTreeMap<u32, Box<Process>>,
    pub sets: BTreeMap<u32, PinnedSet>,
    /// The set in force; 0 before the first.
    pub latest: u32,
    /// Providers' names by number.
    pub names: Vec<String>,
    pub breakers: Vec<Breaker>,
    /// Live holds with details, by slot.
    pub prospects: BTreeMap<u32, Prospect>,
    /// (provider, hash of a reference) to order slot.
    pub references: BTreeMap<(u16, u64), u32>,
    /// By tenant and number of the review reason.
    pub alerts: BTreeMap<(TenantId, u8), AlertWindow>,
    /// In order of arrival.
    pub parked: BTreeMap<u64, Parked>,
    /// (order key or hash of provider and reference, arrival).
    pub parked_by: BTreeSet<(u128, u64)>,
    /// Arrival of each parked event.
    pub parked_events: BTreeMap<u128, u64>,
    pub arrivals: u64,
    /// Cancellations that came before their orders.
    pub early: early::EarlyEvents,
    pub seen: BTreeSet<u128>,
    pub seen_ring: VecDeque<u128>,
    /// Orders that wait for stock.
    pub queue: Queue,
}

/// Settings where no set is in force: for breakers of nothing.
static DEFAULTS: std::sync::LazyLock<ProcessSettings> =
    std::sync::LazyLock::new(ProcessSettings::default);

impl ProcessTable {
    /// Pipelines are in force.
    #[inline]
    pub fn is_in_force(&self) -> bool {
        self.latest > 0
    }

    pub fn get(&self, slot: u32) -> Option<&Process> {
        self.processes.get(&slot).map(|process| &**process)
    }

    /// The set that an order is pinned to.
    pub fn set_of(&self, image: &ProcessImage) -> Option<&PinnedSet> {
        self.sets.get(&image.set)
    }

    /// The payment method of the image's pipeline takes the money at once.
    pub fn is_one_step(&self, image: &ProcessImage) -> bool {
        let pipeline = self
            .set_of(image)
            .and_then(|it| it.pipeline(image.pipeline));
        pipeline.is_some_and(|it| it.payment == PaymentMode::OneStep)
    }

    /// Settings in force, for what belongs to no order.
    pub fn settings(&self) -> &ProcessSettings {
        let latest = self.sets.get(&self.latest);
        latest.map_or(&DEFAULTS, |pinned| &pinned.set.settings)
    }

    /// An order that a channel had sold may end unpaid holds for what is missing.
    pub fn facts_preempt_holds(&self) -> bool {
        let latest = self.sets.get(&self.latest);
        latest.is_some_and(|pinned| pinned.set.facts_preempt_holds)
    }

    pub fn provider_of(&self, name: &str) -> Option<ProviderId> {
        let place = self.names.iter().position(|known| known == name)?;
        u16::try_from(place).ok().map(ProviderId)
    }

    pub fn breaker(&self, provider: ProviderId) -> Option<&Breaker> {
        self.breakers.get(usize::from(provider.0))
    }
}

/// Place of a reference in the table of references.
pub(super) fn reference_hash(provider: ProviderId, reference: &str) -> (u16, u64) {
    let hash = blake3::hash(reference.as_bytes());
    let (first, _) = hash
        .as_bytes()
        .split_first_chunk::<8>()
        .unwrap_or((&[0; 8], &[]));
    (provider.0, u64::from_le_bytes(*first))
}
