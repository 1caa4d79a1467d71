//! The desk at which decisions are made: each is a record, applied at once, and what follows is
//! decided from the state that it left.

use super::Process;
use super::command::ProcessCommand;
use crate::engine::Engine;
use crate::engine::command::{CommandOutcome, Context};
use crate::engine::define::answer;
use crate::engine::record::{Blob, PipelinesDefined, ProcessRecord, Record};
use crate::limits;
use crate::types::pipeline::PipelineSet;
use crate::types::process::{BreakerCause, BreakerState};
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, ResultCode};

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
            _ => answer(ResultCode::UnknownOrder),
        }
    }
}

impl Desk<'_> {
    /// Journals a record of the order process and applies it; returns its sequence.
    pub fn emit(&mut self, record: ProcessRecord<'_>) -> u64 {
        let record = Record::Process(record);
        self.engine.commit(&record, self.actor, self.out)
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
