//! Verification of a whole data directory: every shard folded, replayed and checked.

use super::fold::{At, Fold, Kept, Tally};
use super::invariants;
use super::ledger::{Ledger, LedgerError};
use super::provider_ledger::{ProviderLedger, ProviderLedgerError};
use super::replay::{KIND_SEGMENT_SEALED, Replay, SealChain};
use super::report::{Checks, Finding, Invariant, Offence};
use super::source::{DataDirectory, Next, SourceError, Survey, Tail};
use crate::engine::record::Record;
use crate::types::record::{ENGINE_KIND_MIN, RawRecord};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Why a verification could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The data directory cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A provider's ledger cannot be used.
    #[error(transparent)]
    ProviderLedger(#[from] ProviderLedgerError),
}

/// What to verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// Ledgers of acknowledgements to hold against the journal.
    pub ledgers: Vec<PathBuf>,
    /// Ledgers of providers to hold against the journal.
    pub provider_ledgers: Vec<PathBuf>,
    /// How much the engine remembered.
    pub kept: Kept,
}

/// What was verified of one shard.
#[derive(Clone, Debug, Serialize)]
pub struct ShardReport {
    /// The shard.
    pub shard: u16,
    /// Segment files.
    pub segments: usize,
    /// First sequence verified; 0 for an empty journal.
    pub first_sequence: u64,
    /// Last sequence verified; 0 for an empty journal.
    pub last_sequence: u64,
    /// How the journal ends, in a sentence.
    pub tail: String,
    /// What was folded.
    #[serde(flatten)]
    pub tally: Tally,
    /// Stock cells at the end.
    pub cells: usize,
    /// Orders kept at the end.
    pub orders: usize,
    /// What each sales channel was told to offer.
    pub channels: Vec<ChannelReport>,
}

/// What one sales channel was told to offer. Times are those of the journal's batches.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelReport {
    /// Name of the tenant.
    pub tenant: String,
    /// The channel's number.
    pub channel: u16,
    /// Quantities that it acknowledged.
    pub published: u64,
    /// Changes of what it is to offer that it was told of.
    pub changes: u64,
    /// From the commit of such a change to the record that it or a newer one was acknowledged, in
    /// milliseconds: half of them took no longer.
    pub lag_p50_ms: u64,
    /// As before: 99 of 100 took no longer.
    pub lag_p99_ms: u64,
    /// As before: the longest.
    pub lag_max_ms: u64,
}

/// The outcome of a verification.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The directory.
    pub directory: PathBuf,
    /// A process that served the directory meanwhile: only what was known to be durable then was
    /// verified.
    pub served_by: Option<u32>,
    /// Each shard.
    pub shards: Vec<ShardReport>,
    /// Acknowledged outcomes in the ledgers.
    pub acknowledgements: u64,
    /// Each claim.
    pub findings: Vec<Finding>,
    /// Contradictions over all claims.
    pub violations: u64,
}

/// Verifies `directory`; `progress` is told records done and records in all, now and then.
///
/// # Errors
/// If the directory or a ledger cannot be read. What contradicts itself is no error but a
/// violation in the report.
pub fn verify(
    directory: &Path,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, VerifyError> {
    let source = DataDirectory::open(directory)?;
    // The ledgers first: what they tell was acknowledged before the journal is read.
    let mut ledger = Ledger::default();
    for file in &options.ledgers {
        ledger.read(file)?;
    }
    let mut providers = ProviderLedger::default();
    for file in &options.provider_ledgers {
        providers.read(file)?;
    }
    let mut surveys = Vec::new();
    for shard in &source.shards {
        let survey = source.survey(*shard)?;
        surveys.push(if source.owner.is_some() {
            survey.up_to_synced()
        } else {
            survey
        });
    }
    let total = surveys.iter().map(records).sum();
    let (mut checks, mut shards, mut before) = (Checks::default(), Vec::new(), 0);
    for survey in &surveys {
        let mut verifier = ShardVerifier::new(survey, options.kept);
        source.read::<VerifyError>(survey, |at, raw| {
            verifier.record(at, raw, &mut ledger, &mut providers);
            if at.sequence.is_multiple_of(65_536) {
                progress(before + verifier.fold.tally.records, total);
            }
            Ok(Next::Go)
        })?;
        before += verifier.fold.tally.records;
        progress(before, total);
        let (shard, found) = verifier.finish(&mut providers);
        shards.push(shard);
        checks.merge(found);
    }
    ledger.finish(&mut checks);
    providers.finish(&mut checks);
    Ok(Report {
        directory: directory.to_owned(),
        served_by: source.owner,
        shards,
        acknowledgements: ledger.acknowledgements,
        findings: checks.findings(),
        violations: checks.violations(),
    })
}

fn records(survey: &Survey) -> u64 {
    let first = survey.segments.iter().map(|segment| segment.first_sequence);
    let first = first.filter(|sequence| *sequence > 0).min();
    first.map_or(0, |first| survey.end_sequence.saturating_sub(first))
}

struct ShardVerifier<'a> {
    survey: &'a Survey,
    checks: Checks,
    fold: Fold,
    replay: Replay,
    seals: SealChain,
    first_sequence: u64,
}

impl<'a> ShardVerifier<'a> {
    fn new(survey: &'a Survey, kept: Kept) -> Self {
        Self {
            survey,
            checks: Checks::default(),
            fold: Fold::new(kept),
            replay: Replay::new(kept),
            seals: SealChain::default(),
            first_sequence: 0,
        }
    }

    fn record(
        &mut self,
        at: &At,
        raw: &RawRecord<'_>,
        ledger: &mut Ledger,
        providers: &mut ProviderLedger,
    ) {
        if self.first_sequence == 0 {
            self.first_sequence = at.sequence;
        }
        self.fold.advance(at, &mut self.checks);
        if raw.kind < ENGINE_KIND_MIN {
            if raw.kind == KIND_SEGMENT_SEALED {
                let segments = &self.survey.segments;
                self.seals.check(at, raw, segments, &mut self.checks);
            }
            return;
        }
        let record = Record::decode(raw);
        self.checks.check(Invariant::Journal, record.is_some(), || {
            let what = format!(
                "a record of kind {} version {} has bytes that this build cannot decode",
                raw.kind, raw.version
            );
            self.fold.names.offence(at, what)
        });
        match record {
            Some(record) => {
                self.fold.apply(at, &record, &mut self.checks);
                ledger.observe(at, &record, &self.fold.names, &mut self.checks);
                providers.observe(at, &record);
            }
            None => self.fold.tally.unknown += 1,
        }
        self.replay.feed(at, raw, &self.fold, &mut self.checks);
    }

    fn finish(mut self, providers: &mut ProviderLedger) -> (ShardReport, Checks) {
        invariants::check_end(&self.fold, &mut self.checks);
        providers.compare(&self.fold, &mut self.checks);
        self.replay.compare(&self.fold, &mut self.checks);
        let survey = self.survey;
        let damage = match &survey.tail {
            Tail::Damaged { at, what } => Some(format!("damaged: {at}: {what}")),
            _ => None,
        };
        self.checks
            .check(Invariant::Journal, damage.is_none(), || Offence {
                shard: survey.shard,
                sequence: Some(survey.end_sequence),
                what: damage.clone().unwrap_or_default(),
                ..Offence::default()
            });
        let report = ShardReport {
            shard: survey.shard,
            segments: survey.segments.len(),
            first_sequence: self.first_sequence,
            last_sequence: self.fold.last.sequence,
            tail: tail_text(&survey.tail),
            tally: self.fold.tally,
            cells: self.fold.cells().count(),
            orders: self.fold.orders().count(),
            channels: channel_reports(&self.fold),
        };
        (report, self.checks)
    }
}

fn channel_reports(fold: &Fold) -> Vec<ChannelReport> {
    let told = fold.told();
    told.map(|(tenant, channel, told)| ChannelReport {
        tenant: fold.names.tenant(tenant),
        channel: channel.0,
        published: told.quantities,
        changes: told.changes,
        lag_p50_ms: told.lag_ms(500),
        lag_p99_ms: told.lag_ms(990),
        lag_max_ms: told.lag_ms(1_000),
    })
    .collect()
}

/// How a journal ends, in a sentence.
#[must_use]
pub fn tail_text(tail: &Tail) -> String {
    match tail {
        Tail::Clean => "ends cleanly".to_owned(),
        Tail::Torn { at, batches } => format!(
            "torn tail at {at} ({batches} whole batches behind the break): what a crash left \
             behind; the next start cuts it"
        ),
        Tail::Damaged { at, what } => format!("damaged at {at}: {what}"),
    }
}
