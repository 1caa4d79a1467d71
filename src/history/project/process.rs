//! The order process: moves, effects and their attempts, breakers, reports, decisions, pipelines.

use super::super::cell::{Int, Mark, Text, int, text, time};
use super::super::schema::{
    AttemptRow, BreakerRow, DecisionRow, EffectRow, EventRow, OrderRow, ProviderRow, ReportRow,
    StepRow,
};
use super::order::{event_row, order_key, order_row};
use super::{At, Projector};
use crate::engine::record::{
    BreakerChanged, EffectEnded, EffectStarted, OperatorDecided, OrderMoved, PipelinesDefined,
    ProcessRecord, ProviderReported, process_flags,
};
use crate::types::effect::{EffectNext, ProviderId};
use crate::types::pipeline::{NO_INDEX, PipelineSet, StepKind};
use crate::types::process::{OperatorAction, ProcessEvent, ReviewReason, SubState};
use crate::types::{OrderKey, OrderState, TenantId};

/// A score where there is none.
const NO_SCORE: u8 = u8::MAX;

impl Projector {
    pub(super) fn process(&mut self, at: &At, record: &ProcessRecord<'_>) {
        match record {
            ProcessRecord::Moved(moved) => self.moved(at, moved),
            ProcessRecord::Started(started) => self.started(at, started),
            ProcessRecord::Ended(ended) => self.ended(at, ended),
            ProcessRecord::Breaker(changed) => self.breaker(at, changed),
            ProcessRecord::Reported(reported) => self.reported(at, reported),
            ProcessRecord::Decided(decided) => self.decided(at, decided),
            ProcessRecord::Pipelines(defined) => self.pipelines(at, defined),
            ProcessRecord::Oversold(oversold) => {
                let units = oversold.lines.iter().map(|line| u64::from(line.quantity));
                let note = format!("{} units were not there", units.sum::<u64>());
                self.rows.events.push(EventRow {
                    note: text(&note),
                    ..event_row(at, oversold.tenant, oversold.order, "channel_oversold")
                });
            }
            ProcessRecord::Preempted(hold) => self.preempted(at, hold),
            ProcessRecord::Early(event) => {
                let order = &event.order;
                self.rows.events.push(EventRow {
                    note: text(event.reason),
                    ..event_row(at, order.tenant, order.order, "cancelled_ahead")
                });
            }
        }
    }

    fn moved(&mut self, at: &At, moved: &OrderMoved<'_>) {
        let image = &moved.image;
        let step = index(image.step);
        self.rows.events.push(EventRow {
            from_state: moved.from.and_then(|state| text(state.name())),
            to_state: text(moved.to.name()),
            sub_state: sub_state(image.sub),
            review_reason: review_reason(image.review),
            pipeline_set: int(image.set),
            pipeline: int(image.pipeline),
            step,
            processor: provider(image.processor),
            note: text(moved.note),
            ..event_row(at, moved.tenant, moved.order, moved.event.name())
        });
        let touched = image.flags & process_flags::TOUCHED != 0;
        let row = OrderRow {
            state: text(moved.to.name()),
            // What an order is no longer must be said, or the value before would stay.
            sub_state: Some(image.sub.name().to_owned()),
            review_reason: Some(image.review.name().to_owned()),
            pipeline_set: int(image.set),
            pipeline: int(image.pipeline),
            step,
            score: if image.score == NO_SCORE {
                None
            } else {
                int(image.score)
            },
            processor: provider(image.processor),
            carrier: carrier(moved),
            authorised: int(image.authorised),
            captured: int(image.captured),
            refunded: int(image.refunded),
            touched: touched.then_some(1),
            exception: if moved.to == OrderState::Review {
                int(1)
            } else {
                None
            },
            ..milestones(at, moved)
        };
        let key = order_key(moved.tenant, moved.order);
        self.rows.orders.join(key, row);
    }

    fn started(&mut self, at: &At, started: &EffectStarted<'_>) {
        // Attempt 0 is none yet: the provider's breaker lets no call out.
        if started.attempt > 0 {
            let of = (started.number, started.attempt);
            let attempt = AttemptRow {
                started_sequence: int(at.sequence),
                started_ms: int(at.time_ms),
                kind: text(started.kind.name()),
                provider: provider(started.provider),
                ..attempt_row(at, (started.tenant, started.order), of)
            };
            let key = attempt_key(started.tenant, started.order, of);
            self.rows.attempts.join(key, attempt);
        }
        let first = started.attempt <= 1;
        let row = EffectRow {
            started_sequence: if first { int(at.sequence) } else { None },
            started_ms: if first { int(at.time_ms) } else { None },
            kind: text(started.kind.name()),
            provider: provider(started.provider),
            step: index(started.step),
            milestone: started
                .milestone
                .and_then(|milestone| text(milestone.name())),
            target: if started.target == 0 {
                None
            } else {
                int(started.target)
            },
            amount: int(started.amount),
            reference: text(started.reference),
            note: text(started.note),
            attempts: int(started.attempt),
            outcome: text("in_flight"),
            ..effect_row(at, started.tenant, started.order, started.number)
        };
        let key = effect_key(started.tenant, started.order, started.number);
        self.rows.effects.join(key, row);
    }

    fn ended(&mut self, at: &At, ended: &EffectEnded<'_>) {
        let status = if ended.status == 0 {
            None
        } else {
            int(ended.status)
        };
        let attempt = AttemptRow {
            kind: text(ended.kind.name()),
            provider: provider(ended.provider),
            ended_sequence: int(at.sequence),
            ended_ms: int(at.time_ms),
            class: text(ended.class.name()),
            next: text(ended.next.name()),
            counted: int(u8::from(ended.counted)),
            due_ms: time(ended.due_ms),
            latency_ms: int(ended.latency_ms),
            status,
            amount: int(ended.amount),
            code: text(ended.code),
            message: text(ended.message),
            ..attempt_row(
                at,
                (ended.tenant, ended.order),
                (ended.number, ended.attempt),
            )
        };
        // What is said of an attempt once it has ended (that the next one waits, that a query
        // settled it) is kept with the effect; its own end stays what it was.
        if ended.attempt > 0 {
            let of = (ended.number, ended.attempt);
            let key = attempt_key(ended.tenant, ended.order, of);
            self.rows.attempts.join(key, attempt);
        }
        let dead = ended.next == EffectNext::Dead;
        let row = EffectRow {
            kind: text(ended.kind.name()),
            reference: text(ended.reference),
            attempts: int(ended.attempt),
            outcome: text(ended.next.name()),
            class: text(ended.class.name()),
            status,
            code: text(ended.code),
            message: text(ended.message),
            ended_ms: int(at.time_ms),
            dead_ms: if dead { int(at.time_ms) } else { None },
            dead_class: if dead { text(ended.class.name()) } else { None },
            dead_code: if dead { text(ended.code) } else { None },
            ..effect_row(at, ended.tenant, ended.order, ended.number)
        };
        let key = effect_key(ended.tenant, ended.order, ended.number);
        self.rows.effects.join(key, row);
        if dead {
            let row = OrderRow {
                exception: int(1),
                ..order_row(at, ended.tenant, ended.order)
            };
            let key = order_key(ended.tenant, ended.order);
            self.rows.orders.join(key, row);
        }
    }

    fn breaker(&mut self, at: &At, changed: &BreakerChanged) {
        self.rows.breakers.push(BreakerRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            provider: provider(changed.provider),
            from_state: text(changed.from.name()),
            to_state: text(changed.to.name()),
            cause: text(changed.cause.name()),
            generation: int(changed.generation),
            failures: int(changed.failures),
            open_for_ms: int(changed.open_for_ms),
            until_ms: time(changed.until_ms),
        });
    }

    fn reported(&mut self, at: &At, reported: &ProviderReported<'_>) {
        let known = reported.order.0 != 0;
        self.rows.reports.push(ReportRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            provider: provider(reported.provider),
            event_id: text(&format!("{:032x}", reported.event)),
            report: text(reported.report.name()),
            fate: text(reported.fate.name()),
            tenant: if known { int(reported.tenant.0) } else { None },
            order_key: if known {
                text(&reported.order.to_string())
            } else {
                None
            },
            amount: int(reported.amount),
            reference: text(reported.reference),
            text: text(reported.text),
        });
    }

    fn decided(&mut self, at: &At, decided: &OperatorDecided<'_>) {
        let order = &decided.order;
        let about_effect = decided.effect != 0;
        self.rows.decisions.push(DecisionRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            tenant: int(order.tenant.0),
            order_key: text(&order.order.to_string()),
            command_key: text(&order.key.to_string()),
            action: text(decided.action.name()),
            effect: if about_effect {
                int(decided.effect)
            } else {
                None
            },
            amount: int(decided.amount),
            reason: text(decided.reason),
        });
        if about_effect && decided.action == OperatorAction::Redrive {
            let row = EffectRow {
                redriven_ms: int(at.time_ms),
                ..effect_row(at, order.tenant, order.order, decided.effect)
            };
            let key = effect_key(order.tenant, order.order, decided.effect);
            self.rows.effects.join(key, row);
        }
    }

    fn pipelines(&mut self, at: &At, defined: &PipelinesDefined<'_>) {
        let Some(set) = PipelineSet::from_archive(defined.archive_version, defined.archive.0)
        else {
            return;
        };
        for name in &set.providers {
            if self.providers.contains(name) {
                continue;
            }
            let number = u32::try_from(self.providers.len()).unwrap_or(u32::MAX);
            self.providers.push(name.clone());
            let row = ProviderRow {
                shard: int(at.shard),
                provider: int(number),
                name: text(name),
            };
            self.rows.providers.join((number, 0, 0), row);
        }
        for (number, pipeline) in set.pipelines.iter().enumerate() {
            for (place, step) in pipeline.steps.iter().enumerate() {
                self.rows.steps.push(StepRow {
                    shard: int(at.shard),
                    pipeline_set: int(defined.set),
                    pipeline: int(number),
                    step: int(place),
                    pipeline_name: text(&pipeline.name),
                    step_name: text(&step.name),
                    step_kind: text(step_kind(step.kind)),
                    defined_sequence: int(at.sequence),
                    defined_ms: int(at.time_ms),
                });
            }
        }
    }
}

/// A row that says which milestones an order reached by this move, and which it went back behind.
fn milestones(at: &At, moved: &OrderMoved<'_>) -> OrderRow {
    let now = || int(at.time_ms);
    let at_event = |events: &[ProcessEvent]| events.contains(&moved.event).then(now).flatten();
    // A change may undo what the version before had: its units, or its money.
    let unless_undone = |bit: u16, event: ProcessEvent| {
        if moved.event == ProcessEvent::Edited && moved.image.flags & bit == 0 {
            Mark::Cleared
        } else {
            at_event(&[event]).into()
        }
    };
    let was_over = moved.from.is_some_and(OrderState::is_terminal);
    OrderRow {
        confirmed_ms: unless_undone(process_flags::CONFIRMED, ProcessEvent::Confirmed),
        captured_ms: unless_undone(process_flags::CAPTURED, ProcessEvent::PaymentCaptured),
        shipped_ms: at_event(&[ProcessEvent::Shipped, ProcessEvent::OperatorShipped]),
        delivered_ms: at_event(&[ProcessEvent::Delivered]),
        ended_ms: match (was_over, moved.to.is_terminal()) {
            (false, true) => now().into(),
            (true, false) => Mark::Cleared,
            // Money that is given back after the end is no other end.
            (true, true) | (false, false) => Mark::Unsaid,
        },
        ..order_row(at, moved.tenant, moved.order)
    }
}

fn effect_key(tenant: TenantId, order: OrderKey, number: u16) -> (u32, u128, u32) {
    (u32::from(tenant.0), order.0, u32::from(number))
}

fn attempt_key(
    tenant: TenantId,
    order: OrderKey,
    (number, attempt): (u16, u8),
) -> (u32, u128, u32) {
    let place = u32::from(number) << 8 | u32::from(attempt);
    (u32::from(tenant.0), order.0, place)
}

fn effect_row(at: &At, tenant: TenantId, order: OrderKey, number: u16) -> EffectRow {
    EffectRow {
        shard: int(at.shard),
        tenant: int(tenant.0),
        order_key: text(&order.to_string()),
        effect: int(number),
        updated_sequence: int(at.sequence),
        ..EffectRow::default()
    }
}

fn attempt_row(
    at: &At,
    (tenant, order): (TenantId, OrderKey),
    (number, attempt): (u16, u8),
) -> AttemptRow {
    AttemptRow {
        shard: int(at.shard),
        tenant: int(tenant.0),
        order_key: text(&order.to_string()),
        effect: int(number),
        attempt: int(attempt),
        ..AttemptRow::default()
    }
}

fn provider(id: ProviderId) -> Int {
    if id == ProviderId::NONE {
        None
    } else {
        int(id.0)
    }
}

fn index(place: u8) -> Int {
    if place == NO_INDEX { None } else { int(place) }
}

fn sub_state(sub: SubState) -> Text {
    (sub != SubState::None).then(|| sub.name().to_owned())
}

fn review_reason(reason: ReviewReason) -> Text {
    (reason != ReviewReason::None).then(|| reason.name().to_owned())
}

/// The carrier that a shipment's note names in front of the tracking number.
fn carrier(moved: &OrderMoved<'_>) -> Text {
    let shipped = matches!(
        moved.event,
        ProcessEvent::Shipped | ProcessEvent::OperatorShipped
    );
    let word = shipped
        .then(|| moved.note.split_whitespace().next())
        .flatten()?;
    text(
        &word
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase(),
    )
}

fn step_kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Fraud => "fraud",
        StepKind::Payment => "payment",
        StepKind::Fulfilment => "fulfilment",
        StepKind::Webhook => "webhook",
    }
}
