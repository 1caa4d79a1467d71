//! The adapters of one life of the process: they read the journal up to the acknowledged mark,
//! call, and bring the answers back.

use super::providers::{Answer, Providers};
use crate::sim::disk::SimDisk;
use crate::sim::node::Node;
use onhand::engine::process::command::OpenEffect;
use onhand::engine::record::{ProcessRecord, Record, kind};
use onhand::journal::Reader;
use onhand::types::effect::EffectClass;
use onhand::types::record::Records;
use std::sync::Arc;

/// See the module.
pub struct Adapters {
    reader: Reader<SimDisk>,
    answers: Vec<Answer>,
}

impl Adapters {
    /// Starts beside a process that has just started: what is open is called again.
    pub fn start(node: &Node, disk: &SimDisk, now_ms: u64, providers: &mut Providers) -> Self {
        let (sequence, position) = node.shard.journal().handover().appended();
        let reader = Reader::resume(Arc::new(disk.clone()), 0, position, sequence);
        let open = node.shard.engine().open_effects();
        // That a call made again was not taken says nothing about the first one.
        let unsure = |mut answer: Answer| {
            let class = &mut answer.result.class;
            if matches!(class, EffectClass::Retry | EffectClass::Refused) {
                *class = EffectClass::Unknown;
            }
            answer
        };
        let calls = open
            .iter()
            .flat_map(|effect| providers.call(now_ms, effect));
        let answers = calls.map(unsure).collect();
        Self { reader, answers }
    }

    /// Calls what the journal says is to be called by now. How many calls left.
    pub fn read(&mut self, node: &Node, now_ms: u64, providers: &mut Providers) -> u64 {
        let mark = node.shard.journal().handover().acknowledged();
        let mut started = Vec::new();
        while let Some(batch) = self.reader.next(mark).expect("the journal can be read") {
            for raw in Records::new(batch.payload) {
                if raw.kind != kind::EFFECT_STARTED {
                    continue;
                }
                let record = Record::decode(&raw).expect("a sound record");
                let Record::Process(ProcessRecord::Started(effect)) = record else {
                    panic!("another record under this kind: {record:?}");
                };
                started.push(OpenEffect {
                    order: effect.order,
                    tenant: effect.tenant,
                    accepted: effect.accepted,
                    number: effect.number,
                    kind: effect.kind,
                    provider: effect.provider,
                    attempt: effect.attempt,
                    milestone: effect.milestone,
                    target: effect.target,
                    target_kind: effect.target_kind,
                    amount: effect.amount,
                    reference: effect.reference.to_owned(),
                    note: effect.note.to_owned(),
                });
            }
        }
        for effect in &started {
            self.answers.extend(providers.call(now_ms, effect));
        }
        started.len() as u64
    }

    /// Answers that have come by now, oldest first.
    pub fn take_due(&mut self, now_ms: u64) -> Vec<Answer> {
        self.answers.sort_by_key(|answer| answer.at_ms);
        let due = self
            .answers
            .partition_point(|answer| answer.at_ms <= now_ms);
        self.answers.drain(..due).collect()
    }

    /// When the next answer comes.
    pub fn next_at_ms(&self) -> Option<u64> {
        self.answers.iter().map(|answer| answer.at_ms).min()
    }
}
