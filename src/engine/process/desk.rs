//! The desk at which decisions are made: each is a record, applied at once, and what follows is
//! decided from the state that it left.

use super::command::ProcessCommand;
use super::review::Operation;
use super::table::{self, Act, Trigger};
use super::{PinnedSet, Process};
use crate::engine::Engine;
use crate::engine::command::{CommandOutcome, Context};
use crate::engine::define::answer;
use crate::engine::record::process_flags::{DECLINING, EXPIRING};
use crate::engine::record::{
    Blob, OrderMoved, PipelinesDefined, ProcessImage, ProcessRecord, Record,
};
use crate::limits;
use crate::types::pipeline::{PipelineSet, ProcessSettings};
use crate::types::process::{BreakerCause, BreakerState, ProcessEvent};
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, OrderState, ResultCode};

/// One decision after the other about orders in process.
pub(in crate::engine) struct Desk<'a> {
    pub engine: &'a mut Engine,
    pub out: &'a mut RecordBuffer,
    pub actor: ActorId,
}

impl Engine {
    /// Executes a command of the order process at the turn's time.
    pub fn execute_process(
        &mut self,
        context: Context,
        command: &ProcessCommand<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let mut desk = Desk {
            engine: self,
            out,
            actor: context.actor,
        };
        match command {
            ProcessCommand::DefinePipelines { version, archive } => {
                desk.define_pipelines(*version, archive)
            }
            ProcessCommand::Breaker { provider, isolate } => {
                desk.operate_breaker(provider, *isolate)
            }
            ProcessCommand::CancelAhead { key, order, reason } => {
                desk.cancel_ahead(context.tenant, (*key, *order), reason)
            }
            ProcessCommand::Result(result) => desk.take_result(context.tenant, result),
            ProcessCommand::Report(report) => desk.take_report(context.tenant, report),
            ProcessCommand::Operate {
                key,
                order,
                action,
                effect,
                amount,
                reason,
            } => desk.operate(
                context.tenant,
                &Operation {
                    key: *key,
                    order: *order,
                    action: *action,
                    effect: *effect,
                    amount: *amount,
                    reason,
                },
            ),
        }
    }
}

impl Desk<'_> {
    /// What happened to an order, by the table. False where that changes nothing in its state.
    /// `image` is the process with what the cause brought; the action completes it.
    pub fn trigger(&mut self, slot: u32, on: Trigger, image: ProcessImage, note: &str) -> bool {
        let Some(process) = self.process(slot) else {
            return false;
        };
        let state = process.state;
        let Some(row) = table::find(state, on) else {
            return false;
        };
        match row.act {
            Act::Note => self.moved(slot, state, row.event, image, note),
            Act::NextStep => {
                let step = usize::from(image.step) + 1;
                self.advance(slot, (step, image), row.event, note);
            }
            Act::Review(reason) => self.open_review(slot, reason, image, row.event, note),
            Act::Escalate => self.escalate(slot, image, row.event),
            Act::Resume => self.resume(slot, image, row.event, note),
            Act::UndoDecline => self.undo_for(slot, DECLINING, image, row.event, note),
            Act::UndoCancel => self.undo_for(slot, 0, image, row.event, note),
            Act::UndoExpire => self.undo_for(slot, EXPIRING, image, row.event, note),
            Act::Pin => self.pin_hold(slot, image, row.event),
            Act::Ship => self.ship(slot, image, row.event, note),
            Act::Deliver => self.deliver(slot, image, row.event, note),
            Act::Complete => self.complete(slot, image, row.event),
            Act::Reinstate => self.reinstate(slot, image, row.event, note),
            Act::End => self.end(slot, image, row.event, note),
        }
        true
    }

    /// Journals where an order is from now on.
    pub fn moved(
        &mut self,
        slot: u32,
        to: OrderState,
        event: ProcessEvent,
        image: ProcessImage,
        note: &str,
    ) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let moved = OrderMoved {
            order: process.key,
            tenant: process.tenant,
            accepted: process.accepted,
            event,
            from: Some(process.state),
            to,
            image: ProcessImage {
                effects: process.image.effects,
                ..image
            },
            note: cut(note, limits::PROVIDER_MESSAGE_BYTES_MAX),
        };
        self.emit_moved(&moved);
    }

    /// Where an order is now.
    pub fn image(&self, slot: u32) -> Option<ProcessImage> {
        self.process(slot).map(|process| process.image)
    }

    /// The set that an order is pinned to.
    pub fn set_of(&self, image: &ProcessImage) -> Option<&PinnedSet> {
        self.engine.processes.set_of(image)
    }

    /// The figures that hold for an order.
    pub fn settings(&self, image: &ProcessImage) -> &ProcessSettings {
        let pinned = self.set_of(image);
        pinned.map_or(self.engine.processes.settings(), |it| &it.set.settings)
    }

    /// Journals a record of the order process and applies it; returns its sequence.
    pub fn emit(&mut self, record: ProcessRecord<'_>) -> u64 {
        let record = Record::Process(record);
        self.engine.commit(&record, self.actor, self.out)
    }

    /// As [`Desk::emit`]. The caller's texts must not borrow from the engine.
    fn emit_moved(&mut self, moved: &OrderMoved<'_>) {
        self.emit(ProcessRecord::Moved(*moved));
    }

    pub fn now_ms(&self) -> u64 {
        self.engine.now_ms
    }

    pub fn process(&self, slot: u32) -> Option<&Process> {
        self.engine.processes.get(slot)
    }

    fn define_pipelines(&mut self, version: u8, archive: &[u8]) -> CommandOutcome {
        let table = &self.engine.processes;
        if archive.len() > limits::PIPELINES_ARCHIVED_BYTES_MAX {
            return answer(ResultCode::InvalidField);
        }
        let Some(set) = PipelineSet::from_archive(version, archive) else {
            return answer(ResultCode::InvalidField);
        };
        let latest = table.sets.get(&table.latest);
        if latest.is_some_and(|latest| latest.set == set) {
            return CommandOutcome {
                replayed: true,
                handle: table.latest,
                ..answer(ResultCode::Ok)
            };
        }
        let unknown = set
            .providers
            .iter()
            .filter(|name| table.provider_of(name).is_none());
        let room = table.names.len() + unknown.count() <= limits::PROVIDERS_MAX;
        if !room || !is_sound(&set) {
            return answer(ResultCode::InvalidField);
        }
        let number = table.latest + 1;
        let sequence = self.emit(ProcessRecord::Pipelines(PipelinesDefined {
            set: number,
            archive_version: version,
            archive: Blob(archive),
        }));
        CommandOutcome {
            sequence,
            handle: number,
            ..answer(ResultCode::Ok)
        }
    }

    fn operate_breaker(&mut self, provider: &str, isolate: bool) -> CommandOutcome {
        let table = &self.engine.processes;
        let Some(id) = table.provider_of(provider) else {
            return answer(ResultCode::UnknownProvider);
        };
        let Some(breaker) = table.breaker(id) else {
            return answer(ResultCode::UnknownProvider);
        };
        let to = if isolate {
            BreakerState::Isolated
        } else {
            BreakerState::Closed
        };
        if breaker.state == to {
            return CommandOutcome {
                replayed: true,
                ..answer(ResultCode::Ok)
            };
        }
        let changed = breaker.to(id, to, BreakerCause::Operator);
        let sequence = self.emit(ProcessRecord::Breaker(changed));
        CommandOutcome {
            sequence,
            ..answer(ResultCode::Ok)
        }
    }
}

/// Every place that the set names exists, and nothing is longer than its bound.
fn is_sound(set: &PipelineSet) -> bool {
    let known = |place: &u8| usize::from(*place) < set.providers.len();
    let names = |name: &String| (1..=limits::NAME_BYTES_MAX).contains(&name.len());
    let mut unique = set.providers.clone();
    unique.sort();
    unique.dedup();
    let steps = |pipeline: &crate::types::pipeline::Pipeline| {
        pipeline.steps.len() <= limits::PIPELINE_STEPS_MAX
            && names(&pipeline.name)
            && pipeline.steps.iter().all(|step| {
                names(&step.name)
                    && step.providers.iter().all(known)
                    && step.warehouses.iter().all(known)
            })
    };
    let per_milestone = |milestone: u8| {
        let of = set.messages.iter().filter(|it| it.milestone == milestone);
        of.count() <= limits::MESSAGES_PER_MILESTONE_MAX
    };
    unique.len() == set.providers.len()
        && set.providers.iter().all(names)
        && !set.pipelines.is_empty()
        && set.pipelines.len() <= limits::PIPELINES_MAX
        && set.pipelines.iter().all(steps)
        && set
            .routes
            .iter()
            .all(|route| usize::from(route.pipeline) < set.pipelines.len())
        && set
            .messages
            .iter()
            .all(|it| known(&it.provider) && per_milestone(it.milestone))
        && set.alert_providers.iter().all(known)
        && set.crm_providers.iter().all(known)
        && set.crm_providers.len() <= limits::MESSAGES_PER_MILESTONE_MAX
        && set.settings.attempts > 0
}

/// The start of a text, up to a number of bytes.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes))
        .unwrap_or_default()
}
