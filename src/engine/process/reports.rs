//! What providers say on their own: each once, to the order that it is about, and parked where
//! that is not known yet.

use super::command::Report;
use super::desk::{Desk, cut};
use super::effects::Said;
use super::table::{self, Trigger};
use super::{Effect, Parked, Process, reference_hash};
use crate::engine::command::CommandOutcome;
use crate::engine::define::answer;
use crate::engine::record::process_flags::{CANCELLING, CONFIRMED};
use crate::engine::record::{ProcessRecord, ProviderReported};
use crate::limits;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, ProviderId};
use crate::types::process::{ReportFate, ReportKind, ReviewReason};
use crate::types::{OrderState, ResultCode, TenantId};

/// Parked reports that one cause applies, at most.
const PARKED_AT_ONCE_MAX: usize = 4;

/// What a report does to its order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Consequence {
    /// Nothing any more.
    Nothing,
    /// It confirms where the order is.
    Confirms,
    /// It settles an authorisation.
    Settles(u16, EffectClass),
    /// A given-up authorisation holds money after all.
    Paid(u16),
    /// A capture has happened whose own answer is missing.
    Captured(u16),
    /// So much was given back at the processor, by nobody here.
    Refunded(u64),
    /// It gives a score to an order that waits for one.
    Scores(u16),
    /// It decides an order that is in review for its risk.
    Decides(Trigger),
    /// The parcel left, arrived, or is in trouble.
    Moves(Trigger),
    /// The parcel arrived, and that it left was never said.
    ShipsAndDelivers,
}

impl Desk<'_> {
    /// A provider's report.
    pub fn take_report(&mut self, tenant: TenantId, report: &Report<'_>) -> CommandOutcome {
        if self.engine.processes.seen.contains(&report.event) {
            return CommandOutcome {
                replayed: true,
                ..answer(ResultCode::Ok)
            };
        }
        let provider = self.engine.processes.provider_of(report.provider);
        let parked = Parked {
            event: report.event,
            provider: provider.unwrap_or(ProviderId::NONE),
            report: report.kind,
            tenant,
            order: report.order,
            amount: report.amount,
            until_ms: u64::MAX,
            reference: cut(report.reference, limits::REFERENCE_BYTES_MAX).into(),
            text: cut(report.text, limits::PROVIDER_MESSAGE_BYTES_MAX).into(),
        };
        let sequence = match self.slot_of_report(&parked) {
            Some(slot) => self.take_known(slot, &parked),
            None if report.kind == ReportKind::Other => self.note(&parked, ReportFate::Ignored),
            None => self.note(&parked, ReportFate::Parked),
        };
        CommandOutcome {
            sequence,
            ..answer(ResultCode::Ok)
        }
    }

    /// The order that a report is about, in process or not.
    fn slot_of_report(&self, report: &Parked) -> Option<u32> {
        if report.order.0 != 0 {
            let probe = self.engine.probe(report.tenant, report.order);
            return self.engine.find_order(&probe).order;
        }
        let place = reference_hash(report.provider, &report.reference);
        self.engine.processes.references.get(&place).copied()
    }

    fn note(&mut self, report: &Parked, fate: ReportFate) -> u64 {
        self.emit(ProcessRecord::Reported(ProviderReported {
            event: report.event,
            provider: report.provider,
            report: report.report,
            fate,
            order: report.order,
            tenant: report.tenant,
            amount: report.amount,
            reference: &report.reference,
            text: &report.text,
        }))
    }

    fn take_known(&mut self, slot: u32, report: &Parked) -> u64 {
        let (tenant, order) = self.engine.client_key(slot);
        let report = Parked {
            tenant,
            order,
            ..report.clone()
        };
        let consequence = match self.process(slot) {
            Some(process) => self.consequence(slot, process, &report),
            None => Consequence::Nothing,
        };
        let fate = if consequence == Consequence::Nothing {
            ReportFate::Ignored
        } else {
            ReportFate::Applied
        };
        let sequence = self.note(&report, fate);
        self.follow_report(slot, &report, &consequence);
        sequence
    }

    fn consequence(&self, slot: u32, process: &Process, report: &Parked) -> Consequence {
        match report.report {
            ReportKind::PaymentAuthorised => authorisation(process, report, EffectClass::Done),
            ReportKind::PaymentCaptured => match unanswered_capture(process, report) {
                Some(effect) => Consequence::Captured(effect.number),
                None => authorisation(process, report, EffectClass::Done),
            },
            ReportKind::PaymentFailed | ReportKind::PaymentCancelled => {
                authorisation(process, report, EffectClass::Declined)
            }
            ReportKind::FraudDecision => self.risk_decision(process, report),
            ReportKind::Shipped => self.shipment(slot, process),
            ReportKind::Delivered => self.delivery(slot, process),
            ReportKind::CarrierException => moves(process, Trigger::CarrierException),
            ReportKind::PaymentRefunded | ReportKind::PaymentRefundTotal => {
                match refunded_elsewhere(process, report) {
                    0 => Consequence::Confirms,
                    amount => Consequence::Refunded(amount),
                }
            }
            ReportKind::InTransit | ReportKind::MessageDelivered | ReportKind::MessageFailed => {
                Consequence::Confirms
            }
            ReportKind::Other => Consequence::Nothing,
        }
    }

    fn risk_decision(&self, process: &Process, report: &Parked) -> Consequence {
        let waits = |it: &&Effect| it.is(EffectKind::FraudScore) && it.is_open();
        if let Some(effect) = process.effects.iter().find(waits) {
            return Consequence::Scores(effect.number);
        }
        let reviewed = process.state == OrderState::Review
            && matches!(
                process.image.review,
                ReviewReason::Fraud | ReviewReason::FraudUnavailable
            );
        let settings = self.settings(&process.image);
        if !reviewed {
            Consequence::Nothing
        } else if report.amount > u64::from(settings.decline_above_score) {
            Consequence::Decides(Trigger::Refused)
        } else if report.amount <= u64::from(settings.review_from_score) {
            Consequence::Decides(Trigger::Approved)
        } else {
            Consequence::Confirms
        }
    }

    fn shipment(&self, slot: u32, process: &Process) -> Consequence {
        let committed = self.engine.orders.get(slot).state == OrderState::Confirmed;
        let ready = process.has_flag(CONFIRMED) && !process.has_flag(CANCELLING);
        if committed && ready {
            moves(process, Trigger::Shipped)
        } else if process.state == OrderState::Shipped {
            Consequence::Confirms
        } else {
            Consequence::Nothing
        }
    }

    fn delivery(&self, slot: u32, process: &Process) -> Consequence {
        if self.engine.orders.get(slot).state == OrderState::Shipped {
            return moves(process, Trigger::Delivered);
        }
        match self.shipment(slot, process) {
            Consequence::Moves(_) => Consequence::ShipsAndDelivers,
            other => other,
        }
    }

    fn follow_report(&mut self, slot: u32, report: &Parked, consequence: &Consequence) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let image = process.image;
        let effect = |number: u16| process.effect(number).cloned();
        let note: &str = &report.text;
        match *consequence {
            Consequence::Nothing | Consequence::Confirms => {}
            Consequence::Settles(number, class) => {
                let Some(effect) = effect(number) else { return };
                let said = Said {
                    amount: report.amount,
                    reference: &report.reference,
                    ..Said::ours(class, note)
                };
                self.authorise_said(slot, &effect, &said, false);
            }
            Consequence::Paid(number) => {
                let Some(effect) = effect(number) else { return };
                let said = Said {
                    amount: report.amount,
                    reference: &report.reference,
                    ..Said::ours(EffectClass::Done, note)
                };
                self.abandoned_paid(slot, &effect, &said);
            }
            Consequence::Captured(number) => {
                let Some(effect) = effect(number) else { return };
                let said = Said {
                    amount: report.amount,
                    ..Said::ours(EffectClass::Done, note)
                };
                self.captured_after_all(slot, &effect, &said);
            }
            Consequence::Refunded(amount) => {
                let name = self
                    .engine
                    .processes
                    .names
                    .get(usize::from(report.provider.0));
                let name = name.map_or("the processor", String::as_str);
                let note = format!("{name} reports {amount} given back there");
                self.refunded_elsewhere(slot, amount, &note);
            }
            Consequence::Scores(number) => {
                let Some(effect) = effect(number) else { return };
                let score = u8::try_from(report.amount).unwrap_or(100).min(100);
                let said = Said {
                    score,
                    ..Said::ours(EffectClass::Done, note)
                };
                self.score_said(slot, &effect, &said);
            }
            Consequence::Decides(trigger) | Consequence::Moves(trigger) => {
                self.trigger(slot, trigger, image, note);
            }
            Consequence::ShipsAndDelivers => {
                self.trigger(slot, Trigger::Shipped, image, note);
                if let Some(image) = self.image(slot) {
                    self.trigger(slot, Trigger::Delivered, image, note);
                }
            }
        }
    }

    /// Applies what was said about an order before it, or what it left at a provider, was known.
    pub fn take_parked_of(&mut self, slot: u32) {
        if self.engine.processes.parked.is_empty() {
            return;
        }
        let Some(process) = self.process(slot) else {
            return;
        };
        let places = process.references.iter();
        let by_reference =
            places.map(|(provider, hash)| u128::from(*provider) << 64 | u128::from(*hash));
        let keys: Vec<u128> = std::iter::once(process.key.0).chain(by_reference).collect();
        let tenant = process.tenant;
        let mut left = PARKED_AT_ONCE_MAX;
        for key in keys {
            while left > 0 {
                left -= 1;
                let table = &self.engine.processes;
                let mut waiting = table.parked_by.range((key, 0)..=(key, u64::MAX));
                let Some(report) = waiting.next().and_then(|(_, at)| table.parked.get(at)) else {
                    break;
                };
                let report = report.clone();
                let of_other = report.order.0 != 0 && report.tenant != tenant;
                if of_other {
                    break;
                }
                if report.until_ms <= self.now_ms() {
                    self.note(&report, ReportFate::Ignored);
                } else {
                    self.take_known(slot, &report);
                }
            }
        }
    }
}

fn moves(process: &Process, trigger: Trigger) -> Consequence {
    if table::find(process.state, trigger).is_some() {
        Consequence::Moves(trigger)
    } else {
        Consequence::Confirms
    }
}

/// The capture that a report says has happened, where no answer to it has said so.
fn unanswered_capture<'a>(process: &'a Process, report: &Parked) -> Option<&'a Effect> {
    let named = |it: &Effect| report.reference.is_empty() || *it.input == *report.reference;
    process.effects.iter().find(|it| {
        it.is(EffectKind::PaymentCapture)
            && it.provider == report.provider
            && it.next != Some(EffectNext::Done)
            && named(it)
    })
}

/// Minor units that a report says were given back, without those that a refund of ours gave, or is
/// about to.
fn refunded_elsewhere(process: &Process, report: &Parked) -> u64 {
    let image = &process.image;
    let at_processor = |it: &&Effect| it.provider == report.provider;
    let refunds = process
        .effects
        .iter()
        .filter(at_processor)
        .filter(|it| it.is(EffectKind::PaymentRefund));
    if image.captured == 0 || report.provider != image.processor {
        return 0;
    }
    if report.report == ReportKind::PaymentRefundTotal {
        // Of another payment: that of an attempt that was given up.
        let takes = |it: &Effect| {
            matches!(
                it.kind,
                EffectKind::PaymentAuthorise | EffectKind::PaymentCapture
            )
        };
        let named =
            |it: &Effect| *it.reference == *report.reference || *it.input == *report.reference;
        let mut payments = process.effects.iter().filter(at_processor);
        let known = payments.any(|it| takes(it) && it.next == Some(EffectNext::Done) && named(it));
        let ours: u64 = refunds.map(|it| it.amount).sum();
        let booked = image.refunded.saturating_add(ours);
        return if known || report.reference.is_empty() {
            report.amount.saturating_sub(booked)
        } else {
            0
        };
    }
    let place = reference_hash(report.provider, &report.reference);
    let answered = !report.reference.is_empty() && process.references.contains(&place);
    let mut open = refunds;
    if answered || open.any(|it| it.amount == report.amount) {
        0
    } else {
        report.amount
    }
}

/// What a report about an authorisation means for it.
fn authorisation(process: &Process, report: &Parked, class: EffectClass) -> Consequence {
    let asked =
        |it: &&Effect| it.is(EffectKind::PaymentAuthorise) && it.provider == report.provider;
    let mut asked = process.effects.iter().rev().filter(asked);
    let named = |it: &&Effect| !report.reference.is_empty() && it.reference == report.reference;
    let found = asked.clone().find(named).or_else(|| asked.next());
    let Some(effect) = found else {
        return Consequence::Nothing;
    };
    let done = class == EffectClass::Done;
    match effect.next {
        None | Some(EffectNext::Unknown | EffectNext::Waiting) => {
            Consequence::Settles(effect.number, class)
        }
        Some(EffectNext::RetryWait) if done => Consequence::Settles(effect.number, class),
        Some(EffectNext::Abandoned) if done && effect.class != Some(EffectClass::Done) => {
            Consequence::Paid(effect.number)
        }
        Some(EffectNext::Done) if done => Consequence::Confirms,
        _ => Consequence::Nothing,
    }
}
