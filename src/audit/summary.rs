//! The audit report: what can be proved of a data directory, check by check, with counts.

use super::report::Finding;
use super::source::{DataDirectory, Next, SourceError};
use super::verify::{Report, VerifyError, VerifyOptions, verify};
use crate::engine::record::{ProcessRecord, Record};
use crate::journal::{MappedStorage, verify_seals};
use crate::types::effect::EffectNext;
use crate::types::process::{OperatorAction, ProcessEvent};
use crate::types::{ActorId, OrderState};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// There was nothing to check.
    NotExercised,
}

impl Verdict {
    fn of(checked: u64, violations: u64) -> Self {
        match (checked, violations) {
            (_, 1..) => Self::Fail,
            (0, 0) => Self::NotExercised,
            (1.., 0) => Self::Pass,
        }
    }

    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::NotExercised => "not exercised",
        }
    }
}

/// One check of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Its short name.
    pub name: String,
    /// What is claimed.
    pub claim: String,
    /// How it went.
    pub verdict: Verdict,
    /// How many things were checked.
    pub checked: u64,
    /// How many contradicted the claim.
    pub violations: u64,
    /// Figures, or the first contradictions.
    pub detail: Vec<String>,
}

/// The audit report of one data directory.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The directory.
    pub directory: PathBuf,
    /// Records looked at.
    pub records: u64,
    /// True where no check failed.
    pub passed: bool,
    /// Every check.
    pub checks: Vec<Check>,
}

/// Contradictions told word for word, for each check.
const DETAILS_MAX: usize = 10;

/// Checks `directory` and counts what an auditor asks for; `progress` is told records done and
/// records in all.
///
/// # Errors
/// The directory cannot be read. What contradicts itself is no error but a failed check.
pub fn summary(
    directory: &Path,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Summary, VerifyError> {
    let report = verify(directory, options, progress)?;
    let source = DataDirectory::open(directory)?;
    let mut checks: Vec<Check> = report.findings.iter().map(of_finding).collect();
    checks.push(chain(&source));
    let mut tally = Tally::default();
    for shard in &source.shards {
        tally.shard(&source, *shard)?;
    }
    checks.extend(tally.checks());
    Ok(Summary {
        directory: directory.to_owned(),
        records: records(&report),
        passed: checks.iter().all(|check| check.verdict != Verdict::Fail),
        checks,
    })
}

fn records(report: &Report) -> u64 {
    report.shards.iter().map(|shard| shard.tally.records).sum()
}

fn of_finding(finding: &Finding) -> Check {
    let offences = finding.offences.iter().take(DETAILS_MAX);
    Check {
        name: finding.invariant.to_owned(),
        claim: finding.claim.to_owned(),
        verdict: Verdict::of(finding.checked, finding.violations),
        checked: finding.checked,
        violations: finding.violations,
        detail: offences.map(ToString::to_string).collect(),
    }
}

/// The chain of hashes over all full segments.
fn chain(source: &DataDirectory) -> Check {
    let (mut seals, mut broken, mut detail) = (0, 0, Vec::new());
    for shard in &source.shards {
        let storage = Arc::new(MappedStorage::read_only(&source.shard_folder(*shard)));
        match verify_seals(&storage, *shard) {
            Ok(found) => {
                seals += found.seals;
                detail.push(format!(
                    "shard {shard}: {} segments sealed, {} bytes hashed, the last is segment {}",
                    found.seals, found.bytes, found.last_segment
                ));
            }
            Err(error) => {
                broken += 1;
                detail.push(format!("shard {shard}: {error}"));
            }
        }
    }
    Check {
        name: "chain".to_owned(),
        claim: "each full segment has the hash that was journaled, and names the one before it"
            .to_owned(),
        verdict: Verdict::of(seals + broken, broken),
        checked: seals + broken,
        violations: broken,
        detail,
    }
}

/// What the records say, counted.
#[derive(Default)]
struct Tally {
    started: u64,
    ended: u64,
    /// Attempts that are out, by shard, tenant, order and effect: sequence of their start.
    out: BTreeMap<(u16, u16, u128, u16), u64>,
    untimed: u64,
    accepted: u64,
    captures: BTreeMap<(u16, u16, u128), u64>,
    opened: u64,
    closed: u64,
    decided_by: BTreeMap<String, u64>,
    decisions: u64,
    anonymous: Vec<String>,
    dead: u64,
    redriven: u64,
    discarded: u64,
}

impl Tally {
    fn shard(&mut self, source: &DataDirectory, shard: u16) -> Result<(), SourceError> {
        let survey = source.survey(shard)?;
        let survey = if source.owner.is_some() {
            survey.up_to_synced()
        } else {
            survey
        };
        let mut names = super::names::Names::default();
        source.read::<SourceError>(&survey, |at, raw| {
            match Record::decode(raw) {
                Some(Record::Process(record)) => {
                    let actor = (at.actor, names.actor(at.actor));
                    self.process(at, &record, &actor);
                }
                Some(Record::OrderAccepted(_)) => self.accepted += 1,
                // Contradictory definitions are reported with the journal's own check.
                Some(definition) => drop(names.apply(&definition)),
                None => {}
            }
            Ok(Next::Go)
        })
    }

    fn process(
        &mut self,
        at: &super::fold::At,
        record: &ProcessRecord<'_>,
        (actor, name): &(ActorId, String),
    ) {
        match record {
            ProcessRecord::Started(started) if started.attempt > 0 => {
                self.started += 1;
                self.untimed += u64::from(at.time_ms == 0);
                let place = (at.shard, started.tenant.0, started.order.0, started.number);
                self.out.insert(place, at.sequence);
            }
            ProcessRecord::Ended(ended) => {
                let place = (at.shard, ended.tenant.0, ended.order.0, ended.number);
                self.ended += u64::from(self.out.remove(&place).is_some());
                self.dead += u64::from(ended.next == EffectNext::Dead);
            }
            ProcessRecord::Moved(moved) => {
                if moved.event == ProcessEvent::PaymentCaptured {
                    let place = (at.shard, moved.tenant.0, moved.order.0);
                    *self.captures.entry(place).or_default() += 1;
                }
                let review = Some(OrderState::Review);
                let (before, after) = (moved.from == review, moved.to == OrderState::Review);
                self.opened += u64::from(!before && after);
                if before && !after {
                    self.closed += 1;
                    *self.decided_by.entry(name.clone()).or_default() += 1;
                }
            }
            ProcessRecord::Decided(decided) => {
                self.decisions += 1;
                self.redriven += u64::from(decided.action == OperatorAction::Redrive);
                self.discarded += u64::from(decided.action == OperatorAction::Discard);
                if *actor == ActorId::SYSTEM && self.anonymous.len() < DETAILS_MAX {
                    let (shard, sequence) = (at.shard, at.sequence);
                    self.anonymous.push(format!(
                        "shard {shard}, sequence {sequence}: no person is named"
                    ));
                }
            }
            _ => {}
        }
    }

    fn checks(self) -> Vec<Check> {
        let twice = self.captures.iter().filter(|(_, count)| **count > 1);
        let twice: Vec<String> = twice
            .map(|((shard, _, order), count)| {
                format!("shard {shard}, order {order:032x}: captured {count} times")
            })
            .collect();
        let by = self.decided_by.iter();
        let by = by.map(|(name, count)| format!("{count} ended by {name}"));
        let anonymous = self.anonymous.len() as u64;
        let check = |name: &str, claim: &str, checked: u64, violations: u64, detail| Check {
            name: name.to_owned(),
            claim: claim.to_owned(),
            verdict: Verdict::of(checked, violations),
            checked,
            violations,
            detail,
        };
        vec![
            check(
                "captures",
                "no order is charged twice",
                self.captures.len() as u64,
                twice.len() as u64,
                twice,
            ),
            check(
                "attempts",
                "every call to a provider is journaled with its time before it leaves",
                self.started,
                self.untimed,
                vec![format!(
                    "{} left, {} came back, {} are out or were cut off by a stop",
                    self.started,
                    self.ended,
                    self.out.len()
                )],
            ),
            check(
                "reviews",
                "every review is open, or was ended by somebody who is named",
                self.opened,
                self.closed.saturating_sub(self.opened),
                std::iter::once(format!("{} opened, {} ended", self.opened, self.closed))
                    .chain(by)
                    .collect(),
            ),
            check(
                "decisions",
                "every decision about an order names the person",
                self.decisions,
                anonymous,
                self.anonymous,
            ),
            check(
                "dead letters",
                "no exhausted call is dropped silently",
                self.dead,
                0,
                vec![format!(
                    "{} dead letters, {} driven again, {} given up by a person",
                    self.dead, self.redriven, self.discarded
                )],
            ),
        ]
    }
}
