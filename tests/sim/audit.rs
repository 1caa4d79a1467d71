//! A second opinion on a journal: the audit's own code folds it.

use super::disk::SimDisk;
use onhand::audit::fold::{At, Fold};
use onhand::audit::invariants::check_end;
use onhand::audit::report::Checks;
use onhand::engine::record::Record;
use onhand::journal::Reader;
use onhand::types::record::{ENGINE_KIND_MIN, Records};
use std::sync::Arc;

/// Requires that the audit finds nothing wrong in what is on the disk; `see` is shown every record
/// of the engine.
#[track_caller]
pub fn audit_is_content(disk: &SimDisk, mut see: impl FnMut(&Record<'_>)) {
    let mut reader = Reader::new(Arc::new(disk.clone()), 0);
    let (mut fold, mut checks) = (Fold::default(), Checks::default());
    while let Ok(Some(batch)) = reader.next(u64::MAX) {
        for (sequence, raw) in (batch.sequence..).zip(Records::new(batch.payload)) {
            let at = At {
                sequence,
                time_ms: batch.time_ms,
                epoch: batch.epoch,
                actor: raw.actor,
                ..At::default()
            };
            fold.advance(&at, &mut checks);
            if raw.kind >= ENGINE_KIND_MIN
                && let Some(record) = Record::decode(&raw)
            {
                see(&record);
                fold.apply(&at, &record, &mut checks);
            }
        }
    }
    check_end(&fold, &mut checks);
    let findings = checks.findings();
    let offences = findings.iter().flat_map(|finding| finding.offences.iter());
    let offences: Vec<String> = offences.map(ToString::to_string).collect();
    assert!(offences.is_empty(), "{offences:#?}");
}
