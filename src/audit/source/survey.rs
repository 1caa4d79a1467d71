//! What is in one shard's journal, and how it ends.

use super::walk::Walk;
use super::{SourceError, unreadable};
use crate::journal::layout::Position;
use std::path::{Path, PathBuf};

/// One segment as surveyed.
#[derive(Clone, Debug)]
pub struct SegmentInfo {
    /// Its number, from 1.
    pub number: u32,
    /// Its file.
    pub file: PathBuf,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// Bytes up to the end of its last batch; 0 where the header cannot be read.
    pub used_bytes: u64,
    /// Whole batches in it.
    pub batches: u64,
    /// First record in it; 0 without records.
    pub first_sequence: u64,
    /// Last record in it; 0 without records.
    pub last_sequence: u64,
    /// Time of its last batch, in milliseconds since the Unix epoch; 0 without batches.
    pub last_time_ms: u64,
    /// The segment lived before: bytes of an earlier life follow its last batch.
    pub recycled: bool,
}

/// How the readable part of a journal ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing follows.
    Clean,
    /// A broken batch follows, or whole ones behind a break: what a crash tore off. None of it was
    /// acknowledged under `sync=always`, and the next start cuts it.
    Torn {
        /// Where the first missing batch would be.
        at: Position,
        /// Whole batches found behind it.
        batches: u64,
    },
    /// Records are missing that were durable: the medium failed or somebody changed the files.
    Damaged {
        /// Where the first missing batch would be.
        at: Position,
        /// What is wrong there.
        what: String,
    },
}

/// What is in one shard's journal.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The shard.
    pub shard: u16,
    /// Its segments, in order.
    pub segments: Vec<SegmentInfo>,
    /// One more than the last readable sequence.
    pub end_sequence: u64,
    /// Every record below this was durable when some batch was written.
    pub synced: u64,
    /// How it ends.
    pub tail: Tail,
}

impl Survey {
    pub(super) fn take(folder: &Path, shard: u16) -> Result<Self, SourceError> {
        let mut walk = Walk::open(folder, shard)?;
        let mut segments: Vec<SegmentInfo> = Vec::new();
        for (number, file) in &walk.files {
            let size_bytes = std::fs::metadata(file).map_err(unreadable(file))?.len();
            segments.push(SegmentInfo {
                number: *number,
                file: file.clone(),
                size_bytes,
                used_bytes: 0,
                batches: 0,
                first_sequence: 0,
                last_sequence: 0,
                last_time_ms: 0,
                recycled: false,
            });
        }
        let mut synced = 0;
        while let Some(header) = walk.advance()? {
            synced = synced.max(header.synced);
            let number = walk.position().segment;
            let info = segments.iter_mut().find(|info| info.number == number);
            let Some(info) = info else { break };
            info.batches += 1;
            info.used_bytes = u64::from(walk.position().offset);
            info.last_time_ms = header.time_ms;
            if header.records > 0 {
                if info.first_sequence == 0 {
                    info.first_sequence = header.sequence;
                }
                info.last_sequence = header.end_sequence() - 1;
            }
        }
        let beyond = walk.beyond(&mut segments)?;
        synced = synced.max(beyond.synced);
        let at = walk.position();
        let tail = if walk.expected < synced {
            let what = walk.broken.clone().unwrap_or_else(|| {
                format!(
                    "no valid batch continues the journal with sequence {}",
                    walk.expected
                )
            });
            let what = format!("{what}, although every record below {synced} was durable");
            Tail::Damaged { at, what }
        } else if beyond.batches > 0 || beyond.torn {
            let batches = beyond.batches;
            Tail::Torn { at, batches }
        } else {
            Tail::Clean
        };
        Ok(Self {
            shard,
            segments,
            end_sequence: walk.expected,
            synced,
            tail,
        })
    }

    /// Leaves out what is not known to be durable: for a journal that is being written.
    #[must_use]
    pub fn up_to_synced(mut self) -> Self {
        self.end_sequence = self.end_sequence.min(self.synced.max(1));
        self.tail = Tail::Clean;
        self
    }
}
