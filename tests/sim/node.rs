//! One life of the process: an opened journal, the recovered engine, the shard around both.
//!
//! Every thread of the server is a step here: the engine thread's turn, the sync thread's sync,
//! the maintenance thread's next piece of work.

use super::disk::SimDisk;
use super::prng::{Salt, Stream};
use super::request::{Answer, Request};
use onhand::engine::process::command::{ListFilter, ProcessView};
use onhand::engine::{Engine, EngineOptions};
use onhand::journal::record::KIND_START;
use onhand::journal::{
    Entropy, JournalOptions, Maintenance, OpenError, RecoveryReport, SyncProgress, Syncer,
};
use onhand::shard::Shard;
use onhand::types::record::{ENGINE_KIND_MIN, Records};
use onhand::types::{OrderKey, ResultCode, SkuId, TenantId};
use std::sync::Arc;

/// How the process under test is configured; fixed for all lives of one run.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    pub journal: JournalOptions,
    pub engine: EngineOptions,
}

/// The running process.
pub struct Node {
    pub shard: Shard<SimDisk>,
    syncer: Syncer<SimDisk>,
    maintenance: Maintenance<SimDisk>,
    pub report: RecoveryReport,
    /// How many starts stand at the end of what was recovered, with no turn after them.
    pub idle_starts: u64,
}

/// Salts of segments from the run's seed, so that a replay meets the same bytes.
struct SeededEntropy(Stream);

impl Entropy for SeededEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> std::io::Result<()> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl Node {
    /// Starts the process on what is on the disk; `life` counts the starts.
    pub fn start(
        disk: &SimDisk,
        options: &NodeOptions,
        clock_ms: u64,
        seed: u64,
        life: u64,
    ) -> Result<Self, OpenError> {
        let mut engine = Engine::new(options.engine.clone());
        let mut idle_starts = 0;
        let entropy = SeededEntropy(Stream::new(seed ^ (life << 32), Salt::Entropy));
        let opened = onhand::journal::open(
            Arc::new(disk.clone()),
            options.journal.clone(),
            clock_ms,
            Box::new(entropy),
            &mut |batch| {
                engine.begin_turn(batch.time_ms);
                let first = Records::new(batch.payload).next();
                match first.map(|record| record.kind) {
                    Some(KIND_START) => idle_starts += 1,
                    Some(_) => idle_starts = 0,
                    None => {}
                }
                for (sequence, raw) in (batch.sequence..).zip(Records::new(batch.payload)) {
                    if raw.kind >= ENGINE_KIND_MIN {
                        engine.replay(batch.time_ms, sequence, &raw)?;
                    }
                }
                Ok(())
            },
        )?;
        let shard = Shard::new(
            options.journal.shard,
            opened.report.epoch,
            options.journal.sync,
            engine,
            opened.appender,
        );
        Ok(Self {
            shard,
            syncer: opened.syncer,
            maintenance: opened.maintenance,
            report: opened.report,
            idle_starts: idle_starts - 1, // without this one
        })
    }

    /// One step of the sync thread; false after a failed sync.
    pub fn sync(&mut self) -> bool {
        self.syncer.step() != SyncProgress::Failed
    }

    /// One step of the maintenance thread; false where it could not do its work for now.
    pub fn maintain(&mut self) -> bool {
        self.maintenance.step().is_ok()
    }

    /// The parts that a clean shutdown needs.
    pub fn into_parts(self) -> (Shard<SimDisk>, Syncer<SimDisk>) {
        (self.shard, self.syncer)
    }
}

/// The orders of the first tenant that are in process.
pub fn open_orders(engine: &Engine) -> Vec<ProcessView> {
    let all = ListFilter {
        tenant: TenantId(0),
        limit: 500,
        ..ListFilter::default()
    };
    engine.list_processes(&all).orders
}

/// Asks an engine directly, past session, turn and gate.
pub fn ask(engine: &Engine, tenant: u16, request: &Request) -> Answer {
    let tenant = TenantId(tenant);
    match request {
        Request::QueryStock { sku } => match engine.stock(tenant, SkuId(*sku)) {
            Some(cells) => Answer::Stock {
                code: ResultCode::Ok,
                cells: cells.collect(),
            },
            None => Answer::Stock {
                code: ResultCode::UnknownSku,
                cells: Vec::new(),
            },
        },
        Request::QueryOrder { order } => {
            let (mut lines, mut shorts) = (Vec::new(), Vec::new());
            let view = engine.order(tenant, OrderKey(*order), &mut lines, &mut shorts);
            Answer::OrderView {
                view,
                lines,
                shorts,
            }
        }
        other => panic!("{other:?} is no question"),
    }
}
