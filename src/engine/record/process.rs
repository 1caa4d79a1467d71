//! The order process: where orders are, which effects were started and how they ended, what
//! providers and operators said, and the breakers.
//!
//! Each record holds the whole new state of what it is about (an order's process, an effect, a
//! breaker), so that applying one decides nothing.

use super::field::{Field, layout};
use super::kind;
use super::order::{Lines, OrderRef};
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone, ProviderId};
use crate::types::process::{
    BreakerCause, BreakerState, OperatorAction, ProcessEvent, ReportFate, ReportKind, ReviewReason,
    SubState, TimerKind,
};
use crate::types::{ChannelId, OrderKey, OrderState, TenantId};

/// Bits of [`ProcessImage::flags`].
pub mod process_flags {
    /// A processor holds an authorisation for the order.
    pub const AUTHORISED: u16 = 1;
    /// Its money was captured.
    pub const CAPTURED: u16 = 2;
    /// Its units are committed.
    pub const CONFIRMED: u16 = 4;
    /// Cancellation was asked for; compensations run, or ran.
    pub const CANCELLING: u16 = 8;
    /// What ends it is a decline, not a cancellation.
    pub const DECLINING: u16 = 16;
    /// A person approved its risk.
    pub const RISK_APPROVED: u16 = 32;
    /// The customer was told that it takes longer.
    pub const DELAY_TOLD: u16 = 64;
    /// It was brought back by a late payment.
    pub const REINSTATED: u16 = 128;
    /// A person had a part in it, or an effect was retried into review: not zero-touch.
    pub const TOUCHED: u16 = 256;
    /// Its hold ran out while a payment was open.
    pub const PINNED: u16 = 512;
    /// What ends it is the hold's end.
    pub const EXPIRING: u16 = 1024;
    /// The amount is collected at the door.
    pub const CASH_DUE: u16 = 2048;
    /// A channel had sold the order before it arrived: no hold of ours ends it.
    pub const FACT: u16 = 8192;
    /// Keys of its effects end in the mark of its tenant. Not set for the tenant `default`, nor for
    /// orders of before there were marks.
    pub const TENANT_KEYS: u16 = 16384;
}

layout! {
    /// Where an order is in its process.
    pub struct ProcessImage {
        /// Version of the pipeline set that it is pinned to, from 1.
        pub set: u32,
        /// Place in the set's pipelines.
        pub pipeline: u8,
        /// Place of the running step.
        pub step: u8,
        /// Within the state.
        pub sub: SubState,
        /// Why it is in review.
        pub review: ReviewReason,
        /// Where an approval leads from review.
        pub resume_to: Option<OrderState>,
        /// What the timer ends.
        pub timer: TimerKind,
        /// When, in milliseconds since the Unix epoch; 0 without a timer.
        pub timer_at_ms: u64,
        /// See [`process_flags`].
        pub flags: u16,
        /// Risk score; 255 while there is none.
        pub score: u8,
        /// The processor that holds the money, or is asked for it.
        pub processor: ProviderId,
        /// Minor units authorised.
        pub authorised: u64,
        /// Minor units captured.
        pub captured: u64,
        /// Minor units given back.
        pub refunded: u64,
        /// Country of the shipping address, for conditions; zeros where unknown.
        pub country: u16,
        /// Tags, for conditions.
        pub tags: u8,
        /// Number of the latest effect.
        pub effects: u16,
        /// Payment attempts declined by the buyer's bank so far.
        pub declines: u8,
        /// The order's total in minor units.
        pub total: u64,
        /// ISO 4217 number of its currency.
        pub currency: u16,
    }
}

layout! {
    /// An order entered its process, moved, or something about it became known.
    pub struct OrderMoved<'a> {
        /// The order.
        pub order: OrderKey,
        /// Whose.
        pub tenant: TenantId,
        /// Sequence of the record that accepted its latest version.
        pub accepted: u64,
        /// What made it move.
        pub event: ProcessEvent,
        /// Before; none for an order that enters.
        pub from: Option<OrderState>,
        /// After; a terminal state ends the process.
        pub to: OrderState,
        /// The process from now on.
        pub image: ProcessImage,
        /// Why, in words: a person's reason, a provider's message, a carrier and tracking number.
        pub note: &'a str,
    }
}

layout! {
    /// A call is to leave: made durable before it does.
    pub struct EffectStarted<'a> {
        /// The order.
        pub order: OrderKey,
        /// Whose.
        pub tenant: TenantId,
        /// Sequence of the record that accepted the order: its facts are there.
        pub accepted: u64,
        /// The effect's number within its order, from 1.
        pub number: u16,
        /// What is asked for.
        pub kind: EffectKind,
        /// Of whom.
        pub provider: ProviderId,
        /// Which attempt this is, from 1. 0: no call leaves yet, because the provider's breaker
        /// lets none out; the effect waits, and a later record of it starts attempt 1.
        pub attempt: u8,
        /// Place of the pipeline step it belongs to, or 255.
        pub step: u8,
        /// For messages.
        pub milestone: Option<Milestone>,
        /// The effect that this one asks about or undoes; 0 without.
        pub target: u16,
        /// The kind of that effect's key as its number, 0 without; with 128 where keys end in the
        /// mark of their tenant.
        pub target_kind: u8,
        /// Minor units; for an alert, how many orders it is about.
        pub amount: u64,
        /// What an earlier effect left at the provider.
        pub reference: &'a str,
        /// Name of the step, or the reason of an alert.
        pub note: &'a str,
    }
}

layout! {
    /// An attempt ended, and what follows.
    pub struct EffectEnded<'a> {
        /// The order.
        pub order: OrderKey,
        /// Whose.
        pub tenant: TenantId,
        /// The effect.
        pub number: u16,
        /// What was asked for.
        pub kind: EffectKind,
        /// Of whom.
        pub provider: ProviderId,
        /// Which attempt ended.
        pub attempt: u8,
        /// How.
        pub class: EffectClass,
        /// What follows.
        pub next: EffectNext,
        /// It counts as a failure for the provider's breaker.
        pub counted: bool,
        /// When the next attempt is due; 0 where there is none.
        pub due_ms: u64,
        /// How long the attempt took; 0 where no call was made.
        pub latency_ms: u32,
        /// HTTP status; 0 without an answer.
        pub status: u16,
        /// Minor units that the provider said.
        pub amount: u64,
        /// ISO 4217 number that the provider said; 0 where it said none.
        pub currency: u16,
        /// Risk score; 255 without.
        pub score: u8,
        /// The provider's id of what was made.
        pub reference: &'a str,
        /// The provider's code.
        pub code: &'a str,
        /// What a person should read.
        pub message: &'a str,
    }
}

layout! {
    /// A breaker changed.
    pub struct BreakerChanged {
        /// Whose calls it guards.
        pub provider: ProviderId,
        /// Before.
        pub from: BreakerState,
        /// After.
        pub to: BreakerState,
        /// Why.
        pub cause: BreakerCause,
        /// Counts the changes; answers to calls of an earlier one change nothing.
        pub generation: u32,
        /// Consecutive counted failures.
        pub failures: u16,
        /// How long it stays open this time.
        pub open_for_ms: u64,
        /// Until when it is open, or by when its probes must answer; 0 otherwise.
        pub until_ms: u64,
    }
}

layout! {
    /// A provider said something on its own.
    pub struct ProviderReported<'a> {
        /// Hash of provider and its event id: what was seen once is not taken again.
        pub event: u128,
        /// Who said it.
        pub provider: ProviderId,
        /// What.
        pub report: ReportKind,
        /// What became of it.
        pub fate: ReportFate,
        /// The order; 0 where none is known.
        pub order: OrderKey,
        /// Whose.
        pub tenant: TenantId,
        /// Minor units, where it is about money; for a risk decision its score.
        pub amount: u64,
        /// The provider's id of what it is about.
        pub reference: &'a str,
        /// In words: carrier and tracking number, a decision, a cause.
        pub text: &'a str,
    }
}

layout! {
    /// A person, or a system with the operator's role, decided about an order or a dead letter.
    pub struct OperatorDecided<'a> {
        /// The order, the command's key and its fingerprint.
        pub order: OrderRef,
        /// What was asked for.
        pub action: OperatorAction,
        /// The dead letter, for actions about one; else 0.
        pub effect: u16,
        /// Minor units, for a refund; else 0.
        pub amount: u64,
        /// Why, in the person's words; or the new reference of an edited effect.
        pub reason: &'a str,
    }
}

layout! {
    /// A channel had sold more than there was: the order was accepted all the same.
    pub struct ChannelOversold<'a> {
        /// The order, accepted just before.
        pub order: OrderKey,
        /// Whose.
        pub tenant: TenantId,
        /// Who sold it.
        pub channel: ChannelId,
        /// Units that were not there, by SKU and location.
        pub lines: Lines<'a>,
    }
}

layout! {
    /// An unpaid hold ended: its units go to an order that a channel had sold.
    pub struct HoldPreempted {
        /// The hold.
        pub order: OrderKey,
        /// Whose.
        pub tenant: TenantId,
        /// The order that was sold, accepted right behind this.
        pub by: OrderKey,
        /// Who sold it.
        pub channel: ChannelId,
    }
}

layout! {
    /// A channel cancelled an order that has not arrived yet: it lands as cancelled when it does.
    pub struct EarlyEvent<'a> {
        /// The order, the command's key and its fingerprint.
        pub order: OrderRef,
        /// Until when the order is waited for, in milliseconds since the Unix epoch.
        pub until_ms: u64,
        /// Why, in the channel's words.
        pub reason: &'a str,
    }
}

layout! {
    /// A set of pipelines came into force for orders accepted from now on.
    pub struct PipelinesDefined<'a> {
        /// Its version: one more than the one before, from 1.
        pub set: u32,
        /// Layout version of the archive.
        pub archive_version: u8,
        /// The archived set.
        pub archive: Blob<'a>,
    }
}

/// Bytes up to the end of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob<'a>(pub &'a [u8]);

impl<'a> Field<'a> for Blob<'a> {
    fn take(input: &mut &'a [u8]) -> Option<Self> {
        Some(Self(std::mem::take(input)))
    }
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }
}

impl<'a> Field<'a> for Lines<'a> {
    fn take(input: &mut &'a [u8]) -> Option<Self> {
        Self::take(input)
    }
    fn put(&self, out: &mut Vec<u8>) {
        Self::put(self, out);
    }
}

impl Field<'_> for OrderRef {
    fn take(input: &mut &[u8]) -> Option<Self> {
        Self::take(input)
    }
    fn put(&self, out: &mut Vec<u8>) {
        Self::put(self, out);
    }
}

/// One record of the order process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessRecord<'a> {
    /// See [`OrderMoved`].
    Moved(OrderMoved<'a>),
    /// See [`EffectStarted`].
    Started(EffectStarted<'a>),
    /// See [`EffectEnded`].
    Ended(EffectEnded<'a>),
    /// See [`BreakerChanged`].
    Breaker(BreakerChanged),
    /// See [`ProviderReported`].
    Reported(ProviderReported<'a>),
    /// See [`OperatorDecided`].
    Decided(OperatorDecided<'a>),
    /// See [`PipelinesDefined`].
    Pipelines(PipelinesDefined<'a>),
    /// See [`ChannelOversold`].
    Oversold(ChannelOversold<'a>),
    /// See [`EarlyEvent`].
    Early(EarlyEvent<'a>),
    /// See [`HoldPreempted`].
    Preempted(HoldPreempted),
}

impl<'a> ProcessRecord<'a> {
    pub(super) fn take(number: u8, input: &mut &'a [u8]) -> Option<Self> {
        Some(match number {
            kind::ORDER_MOVED => Self::Moved(Field::take(input)?),
            kind::EFFECT_STARTED => Self::Started(Field::take(input)?),
            kind::EFFECT_ENDED => Self::Ended(Field::take(input)?),
            kind::BREAKER_CHANGED => Self::Breaker(Field::take(input)?),
            kind::PROVIDER_REPORTED => Self::Reported(Field::take(input)?),
            kind::OPERATOR_DECIDED => Self::Decided(Field::take(input)?),
            kind::PIPELINES_DEFINED => Self::Pipelines(Field::take(input)?),
            kind::CHANNEL_OVERSOLD => Self::Oversold(Field::take(input)?),
            kind::EARLY_EVENT => Self::Early(Field::take(input)?),
            kind::HOLD_PREEMPTED => Self::Preempted(Field::take(input)?),
            _ => return None,
        })
    }

    /// The number of this record's kind.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::Moved(_) => kind::ORDER_MOVED,
            Self::Started(_) => kind::EFFECT_STARTED,
            Self::Ended(_) => kind::EFFECT_ENDED,
            Self::Breaker(_) => kind::BREAKER_CHANGED,
            Self::Reported(_) => kind::PROVIDER_REPORTED,
            Self::Decided(_) => kind::OPERATOR_DECIDED,
            Self::Pipelines(_) => kind::PIPELINES_DEFINED,
            Self::Oversold(_) => kind::CHANNEL_OVERSOLD,
            Self::Early(_) => kind::EARLY_EVENT,
            Self::Preempted(_) => kind::HOLD_PREEMPTED,
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Moved(record) => record.put(out),
            Self::Started(record) => record.put(out),
            Self::Ended(record) => record.put(out),
            Self::Breaker(record) => record.put(out),
            Self::Reported(record) => record.put(out),
            Self::Decided(record) => record.put(out),
            Self::Pipelines(record) => record.put(out),
            Self::Oversold(record) => record.put(out),
            Self::Early(record) => record.put(out),
            Self::Preempted(record) => record.put(out),
        }
    }
}
