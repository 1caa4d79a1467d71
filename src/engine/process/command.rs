//! What the order process is told and asked, and what it answers.

use crate::engine::record::ProcessImage;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone, ProviderId};
use crate::types::process::{BreakerState, OperatorAction, ReportKind};
use crate::types::{CommandKey, OrderKey, OrderState, TenantId};

/// How an attempt ended, from its adapter. Texts are within the bounds of `limits`.
#[derive(Clone, Copy, Debug)]
pub struct EffectResult<'a> {
    /// The order.
    pub order: OrderKey,
    /// The effect's number.
    pub number: u16,
    /// The attempt that ended; the result of any other one is late.
    pub attempt: u8,
    /// How.
    pub class: EffectClass,
    /// It counts for the provider's breaker.
    pub counted: bool,
    /// Wait that the provider asked for, in milliseconds; 0: none.
    pub retry_after_ms: u64,
    /// How long it took.
    pub latency_ms: u32,
    /// HTTP status, or 0.
    pub status: u16,
    /// Minor units that the provider said, or 0.
    pub amount: u64,
    /// ISO 4217 number that the provider said, or 0.
    pub currency: u16,
    /// Risk score 0 ..= 100, or 255.
    pub score: u8,
    /// The provider's id of what was made.
    pub reference: &'a str,
    /// The provider's code.
    pub code: &'a str,
    /// What a person should read.
    pub message: &'a str,
    /// What it takes back was withdrawn before any call of it left.
    pub withdrew: bool,
}

/// What a provider said on its own.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Hash of provider and its event id.
    pub event: u128,
    /// Name of the provider.
    pub provider: &'a str,
    /// What it said.
    pub kind: ReportKind,
    /// The order, where the report names it; 0: found by `reference`.
    pub order: OrderKey,
    /// The provider's id of what it is about.
    pub reference: &'a str,
    /// Minor units, where it is about money; for a risk decision its score, 0 ..= 100.
    pub amount: u64,
    /// In words.
    pub text: &'a str,
}

/// A command of the order process.
#[derive(Clone, Copy, Debug)]
pub enum ProcessCommand<'a> {
    /// Pipelines for orders accepted from now on, as an archived `PipelineSet`; the same bytes as
    /// the present set change nothing.
    DefinePipelines {
        /// Archive version.
        version: u8,
        /// The archive.
        archive: &'a [u8],
    },
    /// An attempt ended.
    Result(EffectResult<'a>),
    /// A provider said something.
    Report(Report<'a>),
    /// A person decided.
    Operate {
        /// The command's own key, for repeats.
        key: CommandKey,
        /// The order.
        order: OrderKey,
        /// What to do.
        action: OperatorAction,
        /// The dead letter, for actions about one; else 0.
        effect: u16,
        /// Minor units of a refund; 0: everything captured.
        amount: u64,
        /// Why; for a shipment carrier and tracking number; for an edit the new reference.
        reason: &'a str,
    },
    /// A channel cancelled an order that may not have arrived yet: see
    /// [`super::super::Engine::execute_process`].
    CancelAhead {
        /// The command's own key, for repeats.
        key: CommandKey,
        /// The order.
        order: OrderKey,
        /// Why, in the channel's words.
        reason: &'a str,
    },
    /// A person isolates (`true`) or resets a breaker.
    Breaker {
        /// Name of the provider.
        provider: &'a str,
        /// Isolate, or reset to closed.
        isolate: bool,
    },
}

/// One effect of an order in process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectView {
    /// Its number within the order.
    pub number: u16,
    /// What it asks for.
    pub kind: EffectKind,
    /// Of whom.
    pub provider: ProviderId,
    /// Latest attempt, from 1.
    pub attempt: u8,
    /// What follows the latest attempt; none while a call is out.
    pub next: Option<EffectNext>,
    /// When the next attempt is due, or 0.
    pub due_ms: u64,
    /// When the latest attempt started, or ended.
    pub since_ms: u64,
    /// For messages.
    pub milestone: Option<Milestone>,
    /// Minor units.
    pub amount: u64,
    /// The provider's id.
    pub reference: String,
    /// The provider's code of the latest end.
    pub code: String,
    /// The provider's message of the latest end.
    pub message: String,
}

/// An order in process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessView {
    /// The order.
    pub order: OrderKey,
    /// Whose.
    pub tenant: TenantId,
    /// Its state.
    pub state: OrderState,
    /// Since when.
    pub since_ms: u64,
    /// Where it is in its process.
    pub image: ProcessImage,
    /// Name of its pipeline.
    pub pipeline: String,
    /// Name of its step.
    pub step: String,
    /// Sequence of its accepting record.
    pub accepted: u64,
    /// The merchant's number for the buyer.
    pub customer: u64,
    /// Minor units.
    pub total: u64,
    /// ISO 4217 number.
    pub currency: u16,
    /// Its effects that are not over, and those that a cancellation would undo.
    pub effects: Vec<EffectView>,
}

/// A breaker, and what it was told by answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerView {
    /// The provider.
    pub provider: String,
    /// Its number.
    pub id: ProviderId,
    /// State.
    pub state: BreakerState,
    /// Counts its changes.
    pub generation: u32,
    /// Consecutive counted failures.
    pub failures: u16,
    /// Until when it is open; 0 otherwise.
    pub until_ms: u64,
    /// Usual latency of an answer, in milliseconds.
    pub baseline_ms: u32,
    /// Calls out now.
    pub in_flight: u32,
}

/// An effect that is to be called (again): what the journal's `EffectStarted` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEffect {
    /// The order.
    pub order: OrderKey,
    /// Whose.
    pub tenant: TenantId,
    /// Sequence of the order's accepting record.
    pub accepted: u64,
    /// The effect's number.
    pub number: u16,
    /// What is asked for.
    pub kind: EffectKind,
    /// Of whom.
    pub provider: ProviderId,
    /// The attempt that is out.
    pub attempt: u8,
    /// For messages.
    pub milestone: Option<Milestone>,
    /// The effect that it asks about or undoes; 0 without.
    pub target: u16,
    /// Number of that effect's kind, 0 without; see `of_target_byte`.
    pub target_kind: u8,
    /// Minor units, or a count.
    pub amount: u64,
    /// What an earlier effect left at the provider.
    pub reference: String,
    /// Name of the step, or the reason of an alert.
    pub note: String,
}

/// Which orders to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only this tenant's.
    pub tenant: TenantId,
    /// Only in this state.
    pub state: Option<OrderState>,
    /// Only those with a dead letter.
    pub dead_letters: bool,
    /// Go on behind this cursor (0: from the start), as the last answer gave it.
    pub after: u64,
    /// At most so many, 1 ..= 500.
    pub limit: u16,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The orders.
    pub orders: Vec<ProcessView>,
    /// Where the next page begins; 0 at the end.
    pub next: u64,
}
