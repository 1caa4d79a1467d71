//! What goes wrong with a journal, said to people.

use super::layout::{HeaderError, Position};
use std::io;

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The configured size of a segment is out of bounds. Mend the configuration.
    #[error(
        "segment size of {bytes} bytes: use a multiple of 4096 from {min} to {max}",
        min = crate::limits::SEGMENT_BYTES_MIN,
        max = super::options::SEGMENT_BYTES_MAX
    )]
    SegmentBytes {
        /// The size asked for.
        bytes: u64,
    },
    /// The configured number of prepared segments is out of bounds. Mend the configuration.
    #[error("{count} prepared segments: use 1 to {max}", max = super::options::PREPARED_SEGMENTS_MAX)]
    PreparedSegments {
        /// The number asked for.
        count: u32,
    },
    /// Reading, writing or syncing failed. After the cause is gone the journal opens again.
    #[error("cannot {action} {file} in {location}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        file: String,
        /// The directory.
        location: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Bytes that were durable are gone or changed: the medium failed, or somebody edited the
    /// files. Restore the directory from a copy.
    #[error("{0}")]
    Damage(#[from] Damage),
    /// The caller refused a batch on replay: the records do not fit the state.
    #[error("replay of the records from sequence {sequence} ({position}) failed: {source}")]
    Replay {
        /// First sequence of the batch.
        sequence: u64,
        /// Where the batch is.
        position: Position,
        /// The caller's reason.
        #[source]
        source: ReplayError,
    },
}

/// The caller's reason to stop a replay.
pub type ReplayError = Box<dyn std::error::Error + Send + Sync>;

/// Damage below the synced mark: refused, never repaired by guessing.
#[derive(Debug, thiserror::Error)]
#[error(
    "the journal in {location} is damaged: {position}: {kind}. Restore the directory from a copy; \
     `onhand inspect --data DIR` shows what is readable"
)]
pub struct Damage {
    /// The directory.
    pub location: String,
    /// File and byte.
    pub position: Position,
    /// What is wrong there.
    pub kind: DamageKind,
}

/// What is wrong with a damaged journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DamageKind {
    /// No batch continues the journal here, though later records were durable.
    #[error(
        "no valid batch continues the journal with sequence {expected}, although every record \
         below {synced} was durable"
    )]
    Broken {
        /// Sequence of the record that is missing.
        expected: u64,
        /// The highest synced mark found in any valid batch.
        synced: u64,
    },
    /// A segment's header cannot be read.
    #[error("{0}")]
    Header(#[from] HeaderError),
    /// The header says something else than name, size or shard of the file.
    #[error("{field} is {found} in the header, expected {expected}")]
    Mismatch {
        /// Which field.
        field: &'static str,
        /// What the header says.
        found: u64,
        /// What it should be.
        expected: u64,
    },
    /// A segment's file is not there though a later one is.
    #[error("the file is missing, although later segments exist")]
    Missing,
    /// A finished segment does not have the hash that was journaled for it.
    #[error("its bytes do not have the hash that was journaled in sequence {sequence}")]
    Seal {
        /// Sequence of the record with the hash.
        sequence: u64,
    },
}

/// Why a batch was not appended. The journal is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// A write or sync failed earlier; the process must stop.
    #[error("the journal failed earlier and takes nothing more; restart the process")]
    Poisoned,
    /// No prepared segment has room: ask [`super::Appender::room`] first.
    #[error("no prepared segment has room for {bytes} bytes")]
    NoRoom {
        /// Bytes of the batch.
        bytes: usize,
    },
    /// The batch is longer than `batch_bytes_max`.
    #[error("a batch of {bytes} bytes is longer than the largest of {max}")]
    TooLarge {
        /// Bytes of the batch.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// The storage refused the write; the journal is poisoned.
    #[error("cannot write the journal at {position}: {source}")]
    Io {
        /// Where.
        position: Position,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Why a segment was not prepared or sealed. The journal goes on with the segments it has, and
/// the next step tries again.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {file}: {source}")]
pub struct MaintenanceError {
    /// What was tried.
    pub action: &'static str,
    /// On which file.
    pub file: String,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// Why a clean shutdown did not succeed. What was acknowledged is safe all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// The last batch could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A sync failed.
    #[error("the last sync failed; what was acknowledged before is safe")]
    Sync,
}

/// Why a reader stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A file cannot be read.
    #[error("cannot read {file}: {source}")]
    Io {
        /// Which file.
        file: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Bytes that must be there are not.
    #[error("{0}")]
    Damage(#[from] Damage),
    /// The sequence asked for is before the oldest segment or after the end.
    #[error("sequence {sequence} is not in the journal")]
    NoSuchSequence {
        /// What was asked for.
        sequence: u64,
    },
}
