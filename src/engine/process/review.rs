//! People: orders that wait for a decision, and the decisions.

use super::desk::{Desk, cut};
use super::table::Trigger;
use super::{Effect, Process};
use crate::engine::Engine;
use crate::engine::command::{Command, CommandOutcome};
use crate::engine::define::answer;
use crate::engine::record::process_flags::{CANCELLING, CONFIRMED, FACT, RISK_APPROVED, TOUCHED};
use crate::engine::record::{OperatorDecided, OrderRef, ProcessImage, ProcessRecord, Record};
use crate::limits;
use crate::types::effect::EffectKind;
use crate::types::process::{OperatorAction, ProcessEvent, ReviewReason, SubState, TimerKind};
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, CommandKey, OrderKey, OrderState, ResultCode, TenantId};

/// What a person asks about one order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation<'a> {
    pub key: CommandKey,
    pub order: OrderKey,
    pub action: OperatorAction,
    pub effect: u16,
    pub amount: u64,
    pub reason: &'a str,
}

impl Operation<'_> {
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = blake3::Hasher::new_derive_key("onhand operation v1");
        hasher.update(&self.order.0.to_le_bytes());
        hasher.update(&[self.action as u8]);
        hasher.update(&self.effect.to_le_bytes());
        hasher.update(&self.amount.to_le_bytes());
        hasher.update(self.reason.as_bytes());
        let hash = hasher.finalize();
        let first = hash.as_bytes().first_chunk::<8>().copied();
        u64::from_le_bytes(first.unwrap_or_default())
    }
}

impl Desk<'_> {
    /// A person has to decide.
    pub fn open_review(
        &mut self,
        slot: u32,
        reason: ReviewReason,
        image: ProcessImage,
        event: ProcessEvent,
        note: &str,
    ) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let state = process.state;
        let resume_to = match reason {
            ReviewReason::Compensation if image.flags & CANCELLING != 0 => OrderState::Cancelling,
            ReviewReason::Fraud
            | ReviewReason::FraudUnavailable
            | ReviewReason::PaymentMismatch
            | ReviewReason::Webhook => self.state_behind(slot, &image),
            _ => state,
        };
        let image = ProcessImage {
            sub: SubState::None,
            review: reason,
            resume_to: Some(resume_to),
            timer: TimerKind::Review,
            timer_at_ms: self.now_ms() + self.settings(&image).review_ms,
            ..Self::with_flags(image, TOUCHED)
        };
        self.moved(slot, OrderState::Review, event, image, note);
    }

    /// The review is not decided in time: the team is told again.
    pub fn escalate(&mut self, slot: u32, image: ProcessImage, event: ProcessEvent) {
        let image = ProcessImage {
            timer_at_ms: self.now_ms() + self.settings(&image).review_ms,
            ..image
        };
        self.moved(slot, OrderState::Review, event, image, "");
    }

    /// Approved: the order goes on where its review leads.
    pub fn resume(&mut self, slot: u32, image: ProcessImage, event: ProcessEvent, note: &str) {
        let resume_to = image.resume_to.unwrap_or(OrderState::FraudCheck);
        let step = usize::from(image.step);
        match image.review {
            ReviewReason::Fraud | ReviewReason::FraudUnavailable => {
                let image = Self::with_flags(image, RISK_APPROVED);
                self.advance(slot, (step + 1, image), event, note);
            }
            ReviewReason::PaymentMismatch | ReviewReason::Webhook => {
                self.advance(slot, (step + 1, image), event, note);
            }
            ReviewReason::Payment | ReviewReason::Fulfilment => {
                // What the step may have left elsewhere is to be gone before it is done again.
                self.redrive_all(slot, EffectKind::is_compensation);
                self.advance(slot, (step, image), event, note);
            }
            _ if resume_to == OrderState::Cancelling => {
                let image = ProcessImage {
                    sub: SubState::Undoing,
                    timer: TimerKind::Undo,
                    timer_at_ms: self.now_ms() + self.settings(&image).review_ms,
                    ..image
                };
                self.back_to(slot, resume_to, image, event, note);
                self.redrive_all(slot, EffectKind::is_compensation);
                self.undo(slot);
            }
            _ => {
                self.redrive_all(slot, |kind| {
                    kind == EffectKind::PaymentCapture || kind.is_compensation()
                });
                if is_step(resume_to) {
                    self.advance(slot, (step, image), event, note);
                } else {
                    let image = self.timed(slot, resume_to, image);
                    self.back_to(slot, resume_to, image, event, note);
                }
                self.complete_if_over(slot);
            }
        }
    }

    fn back_to(
        &mut self,
        slot: u32,
        state: OrderState,
        image: ProcessImage,
        event: ProcessEvent,
        note: &str,
    ) {
        let image = ProcessImage {
            review: ReviewReason::None,
            resume_to: None,
            ..image
        };
        self.moved(slot, state, event, image, note);
    }

    /// The timer of a state that an order comes back to.
    fn timed(&self, slot: u32, state: OrderState, mut image: ProcessImage) -> ProcessImage {
        let settings = self.settings(&image);
        let (timer, ms) = match state {
            OrderState::Shipped => (TimerKind::Carrier, settings.carrier_ms),
            OrderState::Delivered => (TimerKind::Return, settings.return_ms),
            _ => {
                self.set_step_timer(slot, &mut image);
                return image;
            }
        };
        ProcessImage {
            timer,
            timer_at_ms: self.now_ms() + ms,
            ..image
        }
    }

    /// Drives the dead letters of these kinds again.
    fn redrive_all(&mut self, slot: u32, of: impl Fn(EffectKind) -> bool) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let dead = |it: &&Effect| it.is_dead() && of(it.kind);
        let dead: Vec<Effect> = process.effects.iter().filter(dead).cloned().collect();
        for effect in dead {
            self.redrive(slot, &effect);
        }
    }

    fn redrive(&mut self, slot: u32, effect: &Effect) {
        match self.open_door(effect.provider) {
            None => self.start_again(slot, effect),
            Some(due_ms) => self.wait(slot, effect, due_ms),
        }
    }

    /// A person's command.
    pub fn operate(&mut self, tenant: TenantId, operation: &Operation<'_>) -> CommandOutcome {
        if operation.key.0 == 0 || operation.order.0 == 0 {
            return answer(ResultCode::InvalidKey);
        }
        let probe = self.engine.probe(tenant, operation.order);
        let slot = self.engine.find_order(&probe).order;
        let fingerprint = operation.fingerprint();
        let stored = self
            .engine
            .stored_result(tenant, operation.key, fingerprint, true);
        if let Some(stored) = stored {
            return self.engine.with_order(slot, stored);
        }
        let Some(slot) = slot else {
            return answer(ResultCode::UnknownOrder);
        };
        let order = OrderRef {
            order: operation.order,
            key: operation.key,
            fingerprint,
            tenant,
        };
        if operation.action == OperatorAction::Cancel && self.process(slot).is_none() {
            return self.cancel_units(slot, order);
        }
        let outcome = self.decide(slot, order, operation);
        self.engine.with_order(Some(slot), outcome)
    }

    /// Cancels an order that has no process (any more): its units are all there is to give back.
    pub fn cancel_units(&mut self, slot: u32, reference: OrderRef) -> CommandOutcome {
        let command = Command::Cancel {
            key: reference.key,
            order: reference.order,
        };
        let ours = (self.actor, &mut *self.out);
        self.engine.order_command(slot, &command, reference, ours)
    }

    /// Decides, journals the decision or its refusal, and does what follows.
    pub fn decide(
        &mut self,
        slot: u32,
        order: OrderRef,
        operation: &Operation<'_>,
    ) -> CommandOutcome {
        let checked = match self.process(slot) {
            Some(process) => self.check_operation(slot, process, operation),
            None => Err(ResultCode::NotInState),
        };
        let mut outcome = answer(ResultCode::Ok);
        if let Err(code) = checked {
            let refused = Record::CommandRefused {
                tenant: order.tenant,
                key: order.key,
                fingerprint: order.fingerprint,
                code,
                of_order: true,
            };
            outcome.code = code;
            outcome.sequence = self.engine.commit(&refused, self.actor, self.out);
            if code == ResultCode::InsufficientStock {
                outcome.cell = self.engine.short_of(slot).unwrap_or_default();
            }
            return outcome;
        }
        let reason = cut(operation.reason, limits::PROVIDER_MESSAGE_BYTES_MAX);
        let dead = self
            .process(slot)
            .and_then(|it| it.effect(operation.effect))
            .cloned();
        outcome.sequence = self.emit(ProcessRecord::Decided(OperatorDecided {
            order,
            action: operation.action,
            effect: operation.effect,
            amount: operation.amount,
            reason,
        }));
        self.follow(slot, operation, dead.as_ref(), reason);
        outcome
    }

    fn check_operation(
        &self,
        slot: u32,
        process: &Process,
        operation: &Operation<'_>,
    ) -> Result<(), ResultCode> {
        let good = |good: bool, code: ResultCode| if good { Ok(()) } else { Err(code) };
        let state = process.state;
        let left = |quantity: fn(&crate::engine::order::Line) -> u32| {
            self.engine
                .orders
                .lines(slot)
                .any(|line| quantity(&line) > 0)
        };
        let reviewed = state == OrderState::Review;
        let undoing = self.is_undoing(slot);
        match operation.action {
            OperatorAction::Approve => {
                good(reviewed, ResultCode::NotInState)?;
                let sold = process.has_flag(FACT) && !process.has_flag(CONFIRMED) && !undoing;
                let short = sold && self.engine.short_of(slot).is_some();
                good(!short, ResultCode::InsufficientStock)
            }
            OperatorAction::Decline => {
                good(reviewed && !undoing, ResultCode::NotInState)?;
                good(!left(|line| line.shipped), ResultCode::AlreadyShipped)
            }
            OperatorAction::Cancel => {
                good(!left(|line| line.shipped), ResultCode::AlreadyShipped)?;
                good(
                    !state.is_terminal() && !undoing,
                    ResultCode::AlreadyResolved,
                )
            }
            OperatorAction::Ship => {
                let row = super::table::find(state, Trigger::Shipped).is_some();
                let committed = left(|line| line.committed) && process.has_flag(CONFIRMED);
                good(row && committed && !undoing, ResultCode::NotInState)
            }
            OperatorAction::Deliver => {
                let row = super::table::find(state, Trigger::Delivered).is_some();
                let shipped = self.engine.orders.get(slot).state == OrderState::Shipped;
                good(row && shipped, ResultCode::NotInState)
            }
            OperatorAction::Refund => {
                good(!undoing, ResultCode::NotInState)?;
                let free = refundable(process);
                let amount = operation.amount;
                good(free > 0 && amount <= free, ResultCode::ExceedsCaptured)
            }
            OperatorAction::Redrive | OperatorAction::Discard | OperatorAction::EditEffect => {
                let dead = process
                    .effect(operation.effect)
                    .is_some_and(Effect::is_dead);
                good(dead, ResultCode::UnknownEffect)?;
                let long = operation.action == OperatorAction::EditEffect
                    && operation.reason.len() > limits::REFERENCE_BYTES_MAX;
                good(!long, ResultCode::InvalidField)
            }
        }
    }

    fn follow(
        &mut self,
        slot: u32,
        operation: &Operation<'_>,
        dead: Option<&Effect>,
        reason: &str,
    ) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let state = process.state;
        let free = refundable(process);
        let image = Self::with_flags(process.image, TOUCHED);
        match operation.action {
            OperatorAction::Approve => {
                self.trigger(slot, Trigger::Approved, image, reason);
            }
            OperatorAction::Decline => {
                self.trigger(slot, Trigger::Refused, image, reason);
            }
            OperatorAction::Cancel => {
                self.trigger(slot, Trigger::CancelAsked, process_image(process), reason);
            }
            OperatorAction::Ship => {
                self.trigger(slot, Trigger::Shipped, image, reason);
            }
            OperatorAction::Deliver => {
                self.trigger(slot, Trigger::Delivered, image, reason);
            }
            OperatorAction::Refund => {
                let asked = operation.amount;
                let amount = if asked == 0 { free } else { asked };
                self.moved(slot, state, ProcessEvent::RefundRequested, image, reason);
                self.refund(slot, amount);
            }
            OperatorAction::Redrive => {
                if let Some(effect) = dead {
                    self.redrive(slot, effect);
                }
            }
            OperatorAction::Discard => {
                if self.is_undoing(slot) {
                    self.undo(slot);
                } else if dead.is_some_and(|it| it.is(EffectKind::WarehouseRecall)) {
                    self.fulfil_again(slot);
                }
                self.complete_if_over(slot);
            }
            OperatorAction::EditEffect => {}
        }
    }

    /// A client's release or cancellation of an order in process.
    pub fn cancel_command(&mut self, slot: u32, order: OrderRef) -> CommandOutcome {
        let operation = Operation {
            key: order.key,
            order: order.order,
            action: OperatorAction::Cancel,
            effect: 0,
            amount: 0,
            reason: "",
        };
        let outcome = self.decide(slot, order, &operation);
        self.engine.with_order(Some(slot), outcome)
    }

    /// The state of an order that its present step lets go on.
    fn state_behind(&self, slot: u32, image: &ProcessImage) -> OrderState {
        self.state_from(slot, image, usize::from(image.step) + 1)
    }
}

/// A cancellation that a client asked for does not mean that a person had a part in the order.
fn process_image(process: &Process) -> ProcessImage {
    process.image
}

/// Minor units that were captured and are neither given back nor on their way back.
pub(super) fn refundable(process: &Process) -> u64 {
    let refunds = process
        .effects
        .iter()
        .filter(|it| it.is(EffectKind::PaymentRefund) && (it.is_open() || it.is_dead()));
    let open: u64 = refunds.map(|it| it.amount).sum();
    let image = &process.image;
    image
        .captured
        .saturating_sub(image.refunded)
        .saturating_sub(open)
}

/// States in which a step of the pipeline runs.
fn is_step(state: OrderState) -> bool {
    matches!(
        state,
        OrderState::FraudCheck | OrderState::Payment | OrderState::Webhook | OrderState::Confirmed
    )
}

impl Engine {
    /// What becomes of a client's command about an order in process; `None`: as for any order.
    pub(in crate::engine) fn managed_command(
        &mut self,
        slot: u32,
        command: &Command<'_>,
        order: OrderRef,
        (actor, out): (ActorId, &mut RecordBuffer),
    ) -> Option<CommandOutcome> {
        let ends = matches!(command, Command::Release { .. } | Command::Cancel { .. });
        if !ends || !self.orders.get(slot).is_managed() {
            return None;
        }
        let mut desk = Desk {
            engine: self,
            out,
            actor,
        };
        Some(desk.cancel_command(slot, order))
    }

    /// Whether a client may do this to an order in process.
    pub(in crate::engine) fn check_managed(
        &self,
        slot: u32,
        command: &Command<'_>,
    ) -> Result<(), ResultCode> {
        let Some(process) = self.processes.get(slot) else {
            return Ok(());
        };
        let ships = matches!(
            process.state,
            OrderState::Confirmed | OrderState::Fulfilling
        );
        match command {
            Command::Ship { .. } if self.orders.get(slot).is_managed() && !ships => {
                Err(ResultCode::ManagedByProcess)
            }
            _ => Ok(()),
        }
    }

    /// What follows in an order's process from a client's command about its units.
    pub(in crate::engine) fn follow_command(
        &mut self,
        slot: u32,
        command: &Command<'_>,
        actor: ActorId,
        out: &mut RecordBuffer,
    ) {
        let Some(process) = self.processes.get(slot) else {
            return;
        };
        let (state, image) = (process.state, process.image);
        let shipped = self.orders.get(slot).state == OrderState::Shipped;
        let mut desk = Desk {
            engine: self,
            out,
            actor,
        };
        match command {
            Command::Ship { .. } if shipped => {
                desk.trigger(slot, Trigger::Shipped, image, "");
            }
            Command::Return { .. } => {
                desk.moved(slot, state, ProcessEvent::Returned, image, "");
            }
            _ => {}
        }
    }
}
