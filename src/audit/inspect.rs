//! Segments as rows and records as lines, for people who look into a journal.

use super::fold::At;
use super::names::Names;
use super::show;
use super::source::{DataDirectory, Next, SourceError, Survey, Tail, Tailer};
use crate::engine::record::{Record, kind};
use crate::journal::layout::BatchHeader;
use crate::journal::record::Seal;
use crate::types::record::RawRecord;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// One segment of a journal.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentRow {
    /// The shard.
    pub shard: u16,
    /// Name of its file.
    pub file: String,
    /// First record in it; 0 without records.
    pub first_sequence: u64,
    /// Last record in it; 0 without records.
    pub last_sequence: u64,
    /// Whole batches in it.
    pub batches: u64,
    /// Bytes up to the end of its last batch.
    pub used_bytes: u64,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// Time of its last batch, in RFC 3339.
    pub last_time: Option<String>,
    /// BLAKE3 hash that was journaled for it, in hex; `None` where it is not sealed.
    pub sealed: Option<String>,
    /// The file lived before: bytes of an earlier life follow its last batch.
    pub recycled: bool,
}

/// The segments of a shard, and how its journal ends.
///
/// # Errors
/// If the system refuses to read.
pub fn segments(
    source: &DataDirectory,
    shard: u16,
) -> Result<(Survey, Vec<SegmentRow>), SourceError> {
    let survey = source.survey(shard)?;
    let mut seals: BTreeMap<u32, String> = BTreeMap::new();
    source.read::<SourceError>(&survey, |_, raw| {
        if let Some(seal) = Seal::decode(raw) {
            seals.insert(seal.segment, hex::encode(seal.hash));
        }
        Ok(Next::Go)
    })?;
    let rows = survey.segments.iter().map(|info| {
        let file = info.file.file_name().unwrap_or_default();
        SegmentRow {
            shard,
            file: file.to_string_lossy().into_owned(),
            first_sequence: info.first_sequence,
            last_sequence: info.last_sequence,
            batches: info.batches,
            used_bytes: info.used_bytes,
            size_bytes: info.size_bytes,
            last_time: (info.batches > 0).then(|| show::rfc3339(info.last_time_ms)),
            sealed: seals.get(&info.number).cloned(),
            recycled: info.recycled,
        }
    });
    let rows = rows.collect();
    Ok((survey, rows))
}

/// Why records cannot be printed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The data directory cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The output takes no more.
    #[error("cannot print a record: {0}")]
    Print(#[source] std::io::Error),
}

/// Which records to print.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// First sequence.
    pub from: u64,
    /// Last sequence.
    pub to: u64,
    /// How many more may be printed, over all shards.
    pub left: u64,
}

/// Turns records into lines; knows the names defined so far.
#[derive(Debug, Default)]
struct Printer {
    names: Names,
}

impl Printer {
    /// Prints one record if the range has it.
    fn print(
        &mut self,
        at: &At,
        raw: &RawRecord<'_>,
        range: &mut Range,
        line: &mut dyn FnMut(&Value) -> std::io::Result<()>,
    ) -> Result<Next, InspectError> {
        let defines = (kind::TENANT_DEFINED..=kind::LOCATION_DEFINED).contains(&raw.kind)
            || raw.kind == kind::PIPELINES_DEFINED;
        if defines && let Some(definition) = Record::decode(raw) {
            // A contradictory definition is for `verify` to report; here the latest name counts.
            let _ = self.names.apply(&definition);
        }
        if at.sequence > range.to || range.left == 0 {
            return Ok(Next::Stop);
        }
        if at.sequence >= range.from {
            line(&show::record(at, raw, &self.names)).map_err(InspectError::Print)?;
            range.left -= 1;
        }
        Ok(Next::Go)
    }
}

/// Prints the records of one shard that are there now; of a served directory, those known to be
/// durable. Returns how the journal ends.
///
/// # Errors
/// If the system refuses to read or to print.
pub fn records(
    source: &DataDirectory,
    shard: u16,
    range: &mut Range,
    line: &mut dyn FnMut(&Value) -> std::io::Result<()>,
) -> Result<Tail, InspectError> {
    let mut survey = source.survey(shard)?;
    if source.owner.is_some() {
        survey = survey.up_to_synced();
    }
    let mut printer = Printer::default();
    source.read(&survey, |at, raw| printer.print(at, raw, range, line))?;
    Ok(survey.tail)
}

/// Prints the records of one shard as they become durable.
pub struct Follow {
    tailer: Tailer,
    printer: Printer,
    durable: u64,
    waiting: VecDeque<(BatchHeader, Vec<u8>)>,
}

impl Follow {
    /// Starts at the beginning of a shard's journal.
    ///
    /// # Errors
    /// If the system refuses to read.
    pub fn open(source: &DataDirectory, shard: u16) -> Result<Self, SourceError> {
        Ok(Self {
            tailer: Tailer::open(source, shard)?,
            printer: Printer::default(),
            durable: 0,
            waiting: VecDeque::new(),
        })
    }

    /// Prints what became durable since the last call; false when the range is used up.
    ///
    /// # Errors
    /// If the system refuses to read or to print.
    pub fn step(
        &mut self,
        range: &mut Range,
        line: &mut dyn FnMut(&Value) -> std::io::Result<()>,
    ) -> Result<bool, InspectError> {
        while let Some((header, payload)) = self.tailer.advance()? {
            self.durable = self.durable.max(header.synced);
            self.waiting.push_back((header, payload.to_vec()));
            if !self.print_durable(range, line)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn print_durable(
        &mut self,
        range: &mut Range,
        line: &mut dyn FnMut(&Value) -> std::io::Result<()>,
    ) -> Result<bool, InspectError> {
        let durable = self.durable;
        let ready = |batch: &mut (BatchHeader, _)| batch.0.end_sequence() <= durable;
        while let Some((header, payload)) = self.waiting.pop_front_if(ready) {
            for (at, raw) in self.tailer.records(&header, &payload) {
                if self.printer.print(&at, &raw, range, line)? == Next::Stop {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
