//! The next version of an order in process: what it replaces, and what becomes of payment, label
//! and warehouse.
//!
//! ```text
//!  not paid, not confirmed ───────────────▶ pipeline anew
//!  paid, and not for more than that ──────▶ stays where it is
//!  paid, for more, not captured ──────────▶ old payment voided, PAYMENT
//!  captured for less, or stock is short ──▶ REVIEW (edit), the version before stands
//!  one-step payment without an outcome, or
//!  its warehouse has it ──────────────────▶ not replaceable
//! ```

use super::desk::{Desk, cut};
use super::effects::{Following, Said, give_up};
use super::review::refundable;
use super::steps::{holds, place};
use super::table::Trigger;
use super::{Effect, Process};
use crate::engine::Engine;
use crate::engine::record::process_flags::{
    AUTHORISED, CAPTURED, CONFIRMED, FACT, PINNED, RISK_APPROVED,
};
use crate::engine::record::{OrderMoved, ProcessImage, ProcessRecord, ShortLine};
use crate::limits;
use crate::types::effect::{EffectKind, EffectNext, ProviderId};
use crate::types::pipeline::{Step, StepKind};
use crate::types::process::{ProcessEvent, ReviewReason, SubState, TimerKind};
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, OrderState, ResultCode};
use std::fmt::Write;

/// What a next version does to an order in process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Change {
    /// Its pipeline begins anew.
    Restart,
    /// It is paid for anew.
    Repay,
    /// It stays where it is.
    Stay,
    /// More than what is left of the captured money, or in another currency: a person has to see to
    /// it.
    Refuse,
}

impl Engine {
    /// What a next version for this much would do to an order; none where the order cannot be
    /// replaced any more.
    pub(in crate::engine) fn change_of(
        &self,
        slot: u32,
        (total, currency): (u64, u16),
    ) -> Option<Change> {
        let process = self.processes.get(slot)?;
        let order = self.orders.get(slot);
        if !is_replaceable(process) || self.is_undoing(slot) {
            return None;
        }
        if order.state == OrderState::Backordered {
            return Some(Change::Restart);
        }
        let held = order.state.is_live_hold() || order.state == OrderState::Confirmed;
        let shipped = self.orders.lines(slot).any(|line| line.shipped > 0);
        if !held || shipped {
            return None;
        }
        let image = &process.image;
        if self.is_behind_fulfilment(slot, image) {
            return None;
        }
        if !process.has_flag(AUTHORISED) && !process.has_flag(CAPTURED) {
            if process.has_flag(CONFIRMED) {
                return Some(Change::Stay); // its money is not ours to ask for
            }
            // Money that may be gone already is not asked for a second time.
            let pays = |it: &Effect| it.is(EffectKind::PaymentAuthorise) && it.leaves_something();
            let paying = self.processes.is_one_step(image) && process.effects.iter().any(pays);
            return (!paying).then_some(Change::Restart);
        }
        let same_currency = currency == image.currency;
        Some(match captured_of(process) {
            None if same_currency && total <= image.authorised => Change::Stay,
            None => Change::Repay,
            // What costs the same leaves the money as it is, whatever a person gave back of it.
            Some(kept) if same_currency && (total <= kept || total == image.total) => Change::Stay,
            Some(_) => Change::Refuse,
        })
    }

    /// The order's fulfilment step is behind it: what runs now comes after the warehouse.
    fn is_behind_fulfilment(&self, slot: u32, image: &ProcessImage) -> bool {
        let pinned = self.processes.set_of(image);
        let pipeline = pinned.and_then(|it| it.pipeline(image.pipeline));
        let channel = self.orders.get(slot).channel.0;
        let fulfils =
            |it: &Step| it.kind == StepKind::Fulfilment && holds(&it.when, image, channel);
        pipeline.is_some_and(|pipeline| {
            let mut behind = pipeline.steps.iter().take(usize::from(image.step));
            behind.any(fulfils)
        })
    }

    /// The units of a next version are committed at once: those before it are, and stay so.
    pub(in crate::engine) fn commits_at_once(&self, slot: u32, change: Change) -> bool {
        change == Change::Stay && self.orders.get(slot).state == OrderState::Confirmed
    }

    /// A next version was refused: a person has to see to an order in process.
    pub(in crate::engine) fn edit_refused(
        &mut self,
        slot: u32,
        (code, shorts): (ResultCode, &[ShortLine]),
        actor: ActorId,
        out: &mut RecordBuffer,
    ) {
        let note = if shorts.is_empty() {
            "the change costs more than what is left of the captured money, or is in another \
             currency"
                .to_owned()
        } else {
            let mut note = format!("the change was refused ({}):", code.name());
            for short in shorts {
                let sku = self.sku_name(short.sku).unwrap_or_default();
                // Writing to a string cannot fail.
                let _ = write!(note, " {sku} has {} left;", short.left);
            }
            note
        };
        let mut desk = Desk {
            engine: self,
            out,
            actor,
        };
        if let Some(image) = desk.image(slot) {
            desk.trigger(slot, Trigger::EditRefused, image, &note);
        }
    }
}

/// Minor units that were captured, or are about to be, less what is given back of them; none where
/// nothing is captured yet.
fn captured_of(process: &Process) -> Option<u64> {
    if process.has_flag(CAPTURED) {
        return Some(refundable(process));
    }
    let mut effects = process.effects.iter();
    let capture = effects.find(|it| it.is(EffectKind::PaymentCapture));
    capture.map(|it| it.amount)
}

/// States that come before the warehouse has accepted the order.
fn is_replaceable(process: &Process) -> bool {
    let before = |state: OrderState| {
        matches!(
            state,
            OrderState::FraudCheck
                | OrderState::Payment
                | OrderState::Webhook
                | OrderState::Confirmed
                | OrderState::Backordered
        )
    };
    match process.state {
        OrderState::Review => process.image.resume_to.is_none_or(before),
        state => before(state),
    }
}

impl Desk<'_> {
    /// The next version of an order in process has its units. `new` is the process that it would
    /// begin with.
    pub fn edit(&mut self, slot: u32, entry: &super::Entry<'_>, new: ProcessImage) {
        let Some(before) = self.image(slot) else {
            return;
        };
        self.give_up_forward(slot);
        let new = ProcessImage {
            flags: new.flags | before.flags & (RISK_APPROVED | FACT),
            ..new
        };
        let accepted = entry.accepted;
        match entry.change {
            Change::Stay => self.stay(slot, &before, &new, accepted),
            Change::Repay => self.repay(slot, &before, &new, accepted),
            Change::Restart | Change::Refuse => self.restart(slot, &before, new, entry),
        }
    }

    /// What was asked for the version before is given up, and the pipeline begins anew. Its risk is
    /// not approved twice.
    fn restart(
        &mut self,
        slot: u32,
        before: &ProcessImage,
        new: ProcessImage,
        entry: &super::Entry<'_>,
    ) {
        self.void_all(slot);
        let mut image = ProcessImage {
            score: before.score,
            declines: before.declines,
            ..new
        };
        let (step, to) = self.first_step(slot, &mut image);
        self.edited(slot, to, image, entry.accepted);
        self.begin(slot, step, entry.incomplete);
    }

    /// The first step, unless the order waits for its buyer's address.
    pub fn begin(&mut self, slot: u32, step: usize, incomplete: bool) {
        match self.image(slot) {
            Some(image) if incomplete => {
                let note = "ask the buyer where it is to go, then change the order's details";
                self.trigger(slot, Trigger::AddressMissing, image, note);
            }
            _ => self.run_step(slot, step),
        }
    }

    /// Paid, confirmed, or in review: what was made for the version before is made anew, at the
    /// same step.
    fn stay(&mut self, slot: u32, before: &ProcessImage, new: &ProcessImage, accepted: u64) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let state = process.state;
        let mut image = ProcessImage {
            country: new.country,
            tags: new.tags,
            total: new.total,
            currency: new.currency,
            flags: before.flags | new.flags & FACT,
            ..*before
        };
        let pending = state == OrderState::Review && before.review == ReviewReason::Edit;
        let to = match before.resume_to {
            Some(resume_to) if pending => {
                image.review = ReviewReason::None;
                image.resume_to = None;
                self.set_step_timer(slot, &mut image);
                resume_to
            }
            _ => state,
        };
        self.edited(slot, to, image, accepted);
        self.undo_fulfilment(slot);
        self.refund_beyond(slot);
        if to != OrderState::Review {
            self.run_step(slot, usize::from(image.step));
        }
    }

    /// The money authorised is not enough: it is given back, and the new amount is asked for.
    fn repay(&mut self, slot: u32, before: &ProcessImage, new: &ProcessImage, accepted: u64) {
        let mut image = ProcessImage {
            set: before.set,
            pipeline: before.pipeline,
            sub: SubState::None,
            review: ReviewReason::None,
            resume_to: None,
            timer: TimerKind::Hold,
            timer_at_ms: self.engine.orders.get(slot).time_ms(),
            flags: (before.flags | new.flags & FACT) & !(AUTHORISED | CONFIRMED | PINNED),
            processor: ProviderId::NONE,
            authorised: 0,
            country: new.country,
            tags: new.tags,
            total: new.total,
            currency: new.currency,
            ..*before
        };
        let mut step = self.next_step(slot, &image, 0);
        while let (at, Some(kind)) = step
            && kind != StepKind::Payment
        {
            step = self.next_step(slot, &image, at + 1);
        }
        image.step = place(step.0);
        self.edited(slot, OrderState::Payment, image, accepted);
        self.void_all(slot);
        self.undo_fulfilment(slot);
        self.run_step(slot, step.0);
    }

    /// Journals the process of the next version.
    fn edited(&mut self, slot: u32, to: OrderState, image: ProcessImage, accepted: u64) {
        let Some(process) = self.process(slot) else {
            return;
        };
        self.emit(ProcessRecord::Moved(OrderMoved {
            order: process.key,
            tenant: process.tenant,
            accepted,
            event: ProcessEvent::Edited,
            from: Some(process.state),
            to,
            image: ProcessImage {
                effects: process.image.effects,
                ..image
            },
            note: "",
        }));
    }

    /// Voids every authorisation that holds money, or may.
    fn void_all(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let held = |it: &&Effect| it.is(EffectKind::PaymentAuthorise) && it.leaves_something();
        let held = process.effects.iter().filter(held).map(|it| it.number);
        for number in held.collect::<Vec<u16>>() {
            self.void_if_open(slot, number);
        }
    }

    /// Label and warehouse order are of the version before: they are taken back.
    fn undo_fulfilment(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let made = |it: &&Effect| {
            matches!(it.kind, EffectKind::Label | EffectKind::WarehouseOrder)
                && it.leaves_something()
                && !process.is_being_undone(it.number)
        };
        let made = process.effects.iter().filter(made).map(|it| it.number);
        for number in made.collect::<Vec<u16>>() {
            self.start_undo(slot, number);
        }
    }

    /// An authorisation that may hold money, of an order that has left its payment for a review, is
    /// given up and voided: what is voided is not asked for again.
    pub fn unless_left(
        &self,
        slot: u32,
        effect: &Effect,
        said: &Said<'_>,
        following: Following,
    ) -> Following {
        let goes_on = matches!(
            following.next,
            EffectNext::RetryWait | EffectNext::Unknown | EffectNext::Waiting
        );
        let given_up = give_up(effect, said.class);
        if goes_on && given_up == EffectNext::Abandoned && !self.runs(slot, effect) {
            Following::over(given_up)
        } else {
            following
        }
    }

    /// Gives back what was captured beyond the order's present total.
    pub fn refund_beyond(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let beyond = refundable(process).saturating_sub(process.image.total);
        if beyond > 0 {
            self.refund(slot, beyond);
        }
    }

    /// An order that was cancelled before it arrived ends at once. False for any other.
    pub fn cancelled_ahead(&mut self, slot: u32, entry: &super::Entry<'_>) -> bool {
        let (Some(reason), Some(image)) = (entry.cancelled, self.image(slot)) else {
            return false;
        };
        let reason = cut(reason, limits::PROVIDER_MESSAGE_BYTES_MAX);
        self.trigger(slot, Trigger::CancelledAhead, image, reason)
    }
}
