//! The order process: where each order is, which effects are open, how much money moved.

use super::{At, Fold};
use crate::audit::report::{Checks, Invariant};
use crate::engine::record::{
    EffectEnded, EffectStarted, OperatorDecided, OrderMoved, ProcessImage, ProcessRecord, Record,
};
use crate::types::effect::{EffectClass, EffectKind, EffectNext, ProviderId, of_target_byte};
use crate::types::pipeline::ONE_STEP;
use crate::types::process::{OperatorAction, TimerKind};
use crate::types::{OrderKey, OrderState, TenantId};
use std::collections::BTreeMap;

/// One effect of an order, over all its attempts.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// What was asked for.
    pub kind: EffectKind,
    /// Of whom.
    pub provider: ProviderId,
    /// The effect that it asks about or undoes; 0 without.
    pub target: u16,
    /// Latest attempt.
    pub attempt: u8,
    /// What follows the latest attempt; none while a call is out.
    pub next: Option<EffectNext>,
    /// How the latest attempt ended.
    pub class: Option<EffectClass>,
    /// Some attempt may have happened, and no answer settled it.
    pub uncertain: bool,
    /// Minor units it was started for.
    pub amount: u64,
    /// It takes the money at once.
    pub one_step: bool,
    /// Minor units that its answer said, where it is done.
    pub said: u64,
    /// Its key ends in the mark of its tenant.
    pub marked: bool,
}

impl Effect {
    /// Something comes of it without anybody's hand.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(
            self.next,
            None | Some(EffectNext::RetryWait | EffectNext::Unknown | EffectNext::Waiting)
        )
    }

    /// Its attempts are exhausted, or a person gave it up: it may or may not have happened.
    pub fn is_dead(&self) -> bool {
        matches!(self.next, Some(EffectNext::Dead | EffectNext::Discarded))
    }

    /// It holds money at a processor, or may hold some.
    fn holds_money(&self) -> bool {
        self.kind == EffectKind::PaymentAuthorise
            && (self.next == Some(EffectNext::Done)
                || self.class == Some(EffectClass::Done)
                || self.uncertain)
    }
}

/// One order's way through its process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Where it is.
    pub state: OrderState,
    /// The latest image.
    pub image: ProcessImage,
    /// Its effects by number.
    pub effects: BTreeMap<u16, Effect>,
    /// How often the captured amount rose.
    pub captures: u32,
    /// The largest total that it ever had, in minor units.
    pub total_max: u128,
    /// Sequence of the latest record about it.
    pub sequence: u64,
}

impl Process {
    /// True while the process decides when the order ends.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.state.is_terminal()
    }

    /// What keeps the order going: its timer, an open effect, or a person.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.image.timer != TimerKind::None
            || self.state == OrderState::Review
            || self.effects.values().any(Effect::is_open)
    }

    /// Effects that undo effect `number`.
    fn undoing(&self, number: u16) -> impl Iterator<Item = &Effect> {
        self.effects.values().filter(move |effect| {
            effect.target == number
                && matches!(
                    effect.kind,
                    EffectKind::PaymentVoid | EffectKind::PaymentRefund
                )
        })
    }

    /// The most that may have been captured, in minor units: the total, or what a payment that took
    /// the money at once said beyond it.
    fn capturable(&self, total_max: u128) -> u128 {
        let taken = self.effects.values().filter(|it| it.one_step);
        let taken = taken.map(|it| u128::from(it.said)).max();
        total_max.max(taken.unwrap_or(0))
    }

    /// True where effect `number` was undone for certain.
    fn is_undone(&self, number: u16) -> bool {
        self.undoing(number)
            .any(|effect| effect.next == Some(EffectNext::Done))
    }
}

impl Fold {
    /// The process of an order, also after it has ended.
    #[must_use]
    pub fn process(&self, tenant: TenantId, key: OrderKey) -> Option<&Process> {
        self.books.get(&tenant)?.processes.get(&key.0)
    }

    /// All orders that ever entered a process and are not forgotten.
    pub fn processes(&self) -> impl Iterator<Item = (TenantId, OrderKey, &Process)> {
        self.books.iter().flat_map(|(tenant, books)| {
            let processes = books.processes.iter();
            processes.map(|(key, process)| (*tenant, OrderKey(*key), process))
        })
    }

    /// True while the process of an order decides when it ends.
    #[must_use]
    pub fn is_managed(&self, tenant: TenantId, key: OrderKey) -> bool {
        self.process(tenant, key).is_some_and(Process::is_running)
    }

    pub(super) fn process_record(
        &mut self,
        at: &At,
        record: &ProcessRecord<'_>,
        checks: &mut Checks,
    ) {
        match record {
            ProcessRecord::Moved(moved) => self.moved(at, moved, checks),
            ProcessRecord::Started(started) => self.started(at, started, checks),
            ProcessRecord::Ended(ended) => self.ended(at, ended, checks),
            ProcessRecord::Decided(decided) => self.decided(at, decided, checks),
            ProcessRecord::Oversold(said) => self.oversold(at, said, checks),
            ProcessRecord::Early(event) => self.early(at, event, checks),
            ProcessRecord::Preempted(hold) => self.preempted(at, hold, checks),
            ProcessRecord::Breaker(_) | ProcessRecord::Reported(_) => {}
            ProcessRecord::Pipelines(_) => {
                let wrong = self.names.apply(&Record::Process(*record));
                checks.check(Invariant::Journal, wrong.is_none(), || {
                    self.names.offence(at, wrong.unwrap_or_default())
                });
            }
        }
    }

    fn process_mut(&mut self, tenant: TenantId, key: OrderKey) -> Option<&mut Process> {
        self.books.get_mut(&tenant)?.processes.get_mut(&key.0)
    }

    fn moved(&mut self, at: &At, moved: &OrderMoved<'_>, checks: &mut Checks) {
        let (tenant, key) = (moved.tenant, moved.order);
        let image = moved.image;
        let known = self.order(tenant, key).is_some();
        let before = self.process(tenant, key);
        let state = before.map(|process| process.state);
        let goes_on = known && state == moved.from;
        checks.check(Invariant::Journal, goes_on, || {
            let name = |state: Option<OrderState>| state.map_or("no process", OrderState::name);
            let what = format!(
                "moves from {}, but it is in {}",
                name(moved.from),
                name(state)
            );
            self.names.order_offence(at, tenant, key, what)
        });
        let (captured, captures) = before.map_or((0, 0), |it| (it.image.captured, it.captures));
        let total_max = before
            .map_or(0, |it| it.total_max)
            .max(u128::from(image.total));
        let captures = captures + u32::from(image.captured > captured);
        let most = before.map_or(total_max, |it| it.capturable(total_max));
        let within = image.refunded <= image.captured && u128::from(image.captured) <= most;
        checks.check(Invariant::I10, within && captures <= 1, || {
            let what = format!(
                "captured {} times, {} of {most}; refunded {}",
                captures, image.captured, image.refunded
            );
            self.names.order_offence(at, tenant, key, what)
        });
        let books = self.books.entry(tenant).or_default();
        let process = books.processes.entry(key.0).or_insert_with(|| Process {
            state: moved.to,
            image,
            effects: BTreeMap::new(),
            captures: 0,
            total_max: 0,
            sequence: 0,
        });
        process.state = moved.to;
        process.image = image;
        process.captures = captures;
        process.total_max = total_max;
        process.sequence = at.sequence;
        if moved.to.is_terminal() {
            self.process_ended(at, moved, checks);
        }
    }

    /// I5 of an order whose process ends: it holds nothing any more.
    fn process_ended(&mut self, at: &At, moved: &OrderMoved<'_>, checks: &mut Checks) {
        let (tenant, key) = (moved.tenant, moved.order);
        let Some(order) = self.order_mut(tenant, key) else {
            return;
        };
        let holds = |line: &super::Line| line.reserved + line.committed + line.backordered > 0;
        let holds = order.lines.as_slice().iter().any(holds);
        order.state = moved.to;
        checks.check(Invariant::I5, !holds, || {
            let what = format!("ends as {} while it holds units", moved.to.name());
            self.names.order_offence(at, tenant, key, what)
        });
    }

    fn started(&mut self, at: &At, started: &EffectStarted<'_>, checks: &mut Checks) {
        let (tenant, key) = (started.tenant, started.order);
        let process = self.process(tenant, key);
        let wrong = match process.map(|it| it.effects.get(&started.number)) {
            None => Some("is started for an order without a process".to_owned()),
            Some(None) if started.attempt > 1 => {
                Some(format!("begins with attempt {}", started.attempt))
            }
            Some(Some(known)) if u16::from(started.attempt) != u16::from(known.attempt) + 1 => {
                Some(format!(
                    "goes from attempt {} to {}",
                    known.attempt, started.attempt
                ))
            }
            Some(_) => None,
        };
        checks.check(Invariant::Journal, wrong.is_none(), || {
            let what = format!(
                "effect {} ({}) {}",
                started.number,
                started.kind.name(),
                wrong.unwrap_or_default()
            );
            self.names.order_offence(at, tenant, key, what)
        });
        if started.kind == EffectKind::PaymentCapture {
            self.check_capture(at, started, checks);
        }
        let Some(process) = self.process_mut(tenant, key) else {
            return;
        };
        process.sequence = at.sequence;
        let effect = process.effects.entry(started.number).or_insert(Effect {
            kind: started.kind,
            provider: started.provider,
            target: started.target,
            attempt: 0,
            next: None,
            class: None,
            uncertain: false,
            amount: started.amount,
            one_step: started.kind == EffectKind::PaymentAuthorise && started.note == ONE_STEP,
            said: 0,
            marked: of_target_byte(started.target_kind).1,
        });
        effect.attempt = started.attempt;
        effect.next = None;
    }

    /// I10: money is taken by one effect only, which may be attempted again.
    fn check_capture(&self, at: &At, started: &EffectStarted<'_>, checks: &mut Checks) {
        let (tenant, key) = (started.tenant, started.order);
        let other = self.process(tenant, key).and_then(|process| {
            let captures = process.effects.iter().filter(|(number, effect)| {
                **number != started.number
                    && effect.kind == EffectKind::PaymentCapture
                    && (effect.is_open() || effect.next == Some(EffectNext::Done))
            });
            captures.map(|(number, _)| *number).next()
        });
        checks.check(Invariant::I10, other.is_none(), || {
            let what = format!(
                "effect {} captures beside effect {}",
                started.number,
                other.unwrap_or_default()
            );
            self.names.order_offence(at, tenant, key, what)
        });
    }

    fn ended(&mut self, at: &At, ended: &EffectEnded<'_>, checks: &mut Checks) {
        let (tenant, key) = (ended.tenant, ended.order);
        let known = self
            .process(tenant, key)
            .and_then(|process| process.effects.get(&ended.number))
            .is_some_and(|it| it.kind == ended.kind && it.attempt == ended.attempt);
        checks.check(Invariant::Journal, known, || {
            let what = format!(
                "attempt {} of effect {} ({}) ends, but it did not begin",
                ended.attempt,
                ended.number,
                ended.kind.name()
            );
            self.names.order_offence(at, tenant, key, what)
        });
        let Some(process) = self.process_mut(tenant, key) else {
            return;
        };
        process.sequence = at.sequence;
        if let Some(effect) = process.effects.get_mut(&ended.number) {
            let settled = matches!(
                ended.class,
                EffectClass::Done | EffectClass::Declined | EffectClass::Absent
            );
            effect.uncertain =
                !settled && (effect.uncertain || ended.class == EffectClass::Unknown);
            effect.next = Some(ended.next);
            effect.class = Some(ended.class);
            if ended.class == EffectClass::Done {
                effect.said = ended.amount;
            }
        }
    }

    fn decided(&mut self, at: &At, decided: &OperatorDecided<'_>, checks: &mut Checks) {
        let order = &decided.order;
        self.use_order_key(at, order, checks);
        let Some(process) = self.process_mut(order.tenant, order.order) else {
            return;
        };
        process.sequence = at.sequence;
        if decided.action == OperatorAction::Discard
            && let Some(effect) = process.effects.get_mut(&decided.effect)
        {
            effect.next = Some(EffectNext::Discarded);
        }
    }

    /// I10 and I13 at the end of the journal.
    pub(in crate::audit) fn check_processes(&self, end: &At, checks: &mut Checks) {
        for (tenant, key, process) in self.processes() {
            if process.is_running() {
                checks.check(Invariant::I13, process.is_alive(), || {
                    let what = format!(
                        "is in {} since sequence {} with no timer, no open effect and no review",
                        process.state.name(),
                        process.sequence
                    );
                    self.names.order_offence(end, tenant, key, what)
                });
            }
            self.check_money(end, (tenant, key), process, checks);
        }
    }

    /// I10: every given-up authorisation that holds money, or may, is void or on its way there, and
    /// at most one authorisation is left that does.
    fn check_money(
        &self,
        end: &At,
        (tenant, key): (TenantId, OrderKey),
        process: &Process,
        checks: &mut Checks,
    ) {
        let authorised = process.effects.iter();
        let authorised = authorised.filter(|(_, it)| it.kind == EffectKind::PaymentAuthorise);
        let mut winners = 0;
        for (number, effect) in authorised {
            let done = effect.next == Some(EffectNext::Done);
            winners += u32::from(done && process.undoing(*number).next().is_none());
            let given_up = effect.next == Some(EffectNext::Abandoned) && effect.holds_money();
            let left = given_up && process.undoing(*number).next().is_none();
            let ended = !process.is_running() && given_up && !process.is_undone(*number);
            let handled = process
                .undoing(*number)
                .any(|it| it.next != Some(EffectNext::Failed));
            checks.check(Invariant::I10, !left && (!ended || handled), || {
                let what = format!(
                    "effect {number} was given up at {} and may hold money, but nothing voids it",
                    self.names.provider(effect.provider)
                );
                self.names.order_offence(end, tenant, key, what)
            });
        }
        if !process.effects.is_empty() {
            checks.check(Invariant::I10, winners <= 1, || {
                let what = format!("{winners} authorisations hold money and none is being voided");
                self.names.order_offence(end, tenant, key, what)
            });
        }
    }
}
