//! Recovery of one shard: the journal is read back into a fresh engine.

use super::data_dir::DataDir;
use super::error::ServerError;
use crate::clock::{self, EngineClock};
use crate::config::Config;
use crate::engine::{Engine, EngineOptions};
use crate::journal::storage::Storage;
use crate::journal::{
    self, Batch, JournalOptions, Maintenance, OsEntropy, RecoveryReport, ReplayError, Syncer,
};
use crate::limits;
use crate::metrics;
use crate::shard::Shard;
use crate::types::record::{ENGINE_KIND_MIN, Records};
use std::path::Path;
use std::sync::Arc;

/// Records between the first stage of prefetching and replay: index lines and table entries.
const FAR_AHEAD: usize = 96;

/// Records between the second stage and replay: slots and cells, once the first has arrived.
const NEAR_AHEAD: usize = 48;

/// A shard ready to serve, and the parts of its journal that other threads own.
pub(super) struct Recovered<S: Storage> {
    pub number: u16,
    pub shard: Shard<S>,
    pub storage: Arc<S>,
    pub syncer: Syncer<S>,
    pub maintenance: Maintenance<S>,
    pub report: RecoveryReport,
    pub clock: EngineClock,
}

/// The journal's time is too far ahead of the wall clock.
#[derive(Debug, thiserror::Error)]
#[error(
    "the journal's time is {} s ahead of the wall clock: set the clock, or start with \
     --allow-clock-behind and holds will last longer by as much",
    ahead_ms / 1_000
)]
struct ClockBehind {
    ahead_ms: u64,
}

/// Recovers every shard of a data directory, one after the other, over the storages that `storage`
/// makes of their directories.
///
/// # Errors
/// As [`recover`]; or a shard's directory cannot be opened.
pub(super) fn recover_all<S: Storage>(
    config: &Config,
    data: &DataDir,
    mut storage: impl FnMut(u16, &Path) -> std::io::Result<Arc<S>>,
) -> Result<Vec<Recovered<S>>, ServerError> {
    let mut recovered = Vec::with_capacity(usize::from(config.shards));
    for shard in 0..config.shards {
        let path = data.shard(shard)?;
        let storage = storage(shard, &path).map_err(|source| ServerError::Storage {
            path: path.clone(),
            source,
        })?;
        recovered.push(recover(config, shard, storage, data.secret())?);
    }
    Ok(recovered)
}

/// Reads journal `number` back and starts a new epoch.
///
/// # Errors
/// Damage, contradictions, a clock that is behind, or I/O.
fn recover<S: Storage>(
    config: &Config,
    number: u16,
    storage: Arc<S>,
    secret: [u8; 32],
) -> Result<Recovered<S>, ServerError> {
    let started_ns = clock::monotonic_ns();
    let mut engine = Engine::new(engine_options(config, secret));
    let options = JournalOptions {
        shard: number,
        segment_bytes: config.segment_bytes,
        prepared_segments: config.prepared_segments,
        sync: config.sync,
    };
    let now_ms = clock::now_ms();
    let latest_ms = if config.allow_clock_behind {
        u64::MAX
    } else {
        now_ms + limits::CLOCK_BEHIND_JOURNAL_MS_MAX
    };
    let mut replay = |batch: &Batch<'_>| {
        if batch.time_ms > latest_ms {
            let ahead_ms = batch.time_ms - now_ms;
            return Err(ReplayError::from(ClockBehind { ahead_ms }));
        }
        replay_batch(&mut engine, batch)
    };
    let journal_storage = Arc::clone(&storage);
    let opened = journal::open(
        journal_storage,
        options,
        now_ms,
        Box::new(OsEntropy),
        &mut replay,
    )
    .map_err(|source| ServerError::Recovery {
        shard: number,
        source,
    })?;
    let report = opened.report;
    let seconds = metrics::seconds_between(started_ns, clock::monotonic_ns());
    ::metrics::gauge!(metrics::RECOVERY_SECONDS, "shard" => number.to_string()).set(seconds);
    tracing::info!(
        shard = number,
        records = report.records,
        segments = report.segments,
        seconds,
        clean = report.clean,
        cut_bytes = report.cut_bytes,
        rewritten_bytes = report.rewritten_bytes,
        "journal recovered"
    );
    // Batches without a record move time on as well: a turn that stops at a timer which is due by
    // now must not begin before them.
    engine.begin_turn(opened.appender.last_time_ms());
    let clock = EngineClock::start(opened.appender.last_time_ms());
    let shard = Shard::new(number, report.epoch, config.sync, engine, opened.appender);
    Ok(Recovered {
        number,
        shard,
        storage,
        syncer: opened.syncer,
        maintenance: opened.maintenance,
        report,
        clock,
    })
}

/// Replays the engine's records of one batch; what each needs is fetched in two stages some records
/// ahead.
fn replay_batch(engine: &mut Engine, batch: &Batch<'_>) -> Result<(), ReplayError> {
    let mut far = Records::new(batch.payload);
    let mut near = Records::new(batch.payload);
    for raw in far.by_ref().take(FAR_AHEAD) {
        engine.prefetch_record(&raw);
    }
    for raw in near.by_ref().take(NEAR_AHEAD) {
        engine.prefetch_record_near(&raw);
    }
    for (sequence, raw) in (batch.sequence..).zip(Records::new(batch.payload)) {
        if let Some(next) = far.next() {
            engine.prefetch_record(&next);
        }
        if let Some(next) = near.next() {
            engine.prefetch_record_near(&next);
        }
        if raw.kind >= ENGINE_KIND_MIN {
            engine
                .replay(batch.time_ms, sequence, &raw)
                .map_err(ReplayError::from)?;
        }
    }
    Ok(())
}

fn engine_options(config: &Config, secret: [u8; 32]) -> EngineOptions {
    EngineOptions {
        secret,
        orders_max: config.orders_max,
        orders_expected: config.orders_expected,
        rejections_kept: config.rejections_kept,
        commands_kept: config.commands_kept,
        channel_events_kept: config.channel_events_kept,
        ended_order_kept_ms: config.ended_order_kept_ms,
        ..EngineOptions::default()
    }
}
