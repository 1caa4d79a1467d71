//! Reads a data directory without changing it: no lock taken, no recovery run, no byte written.
//!
//! ```text
//! DIR/shard-0000/segment-0000000001.log ─▶ Walk: batch after batch, checksums and chain checked
//!                                              └─▶ Survey: where it ends and why (torn, damaged)
//! ```
//!
//! The walk follows the same rule as recovery: the journal ends at the first batch that does not
//! continue it. Whether that is the torn tail of a crash or damage is told by the highest synced
//! mark found anywhere, also behind the break.

mod survey;
mod walk;

pub use survey::{SegmentInfo, Survey, Tail};

use super::fold::At;
use crate::journal::layout::BatchHeader;
use crate::types::record::{RawRecord, Records};
use rustix::fs::FlockOperation;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use walk::Walk;

/// Why a data directory cannot be read. The operator names another or mends its rights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is no journal in the directory.
    #[error(
        "{} is not a data directory of Onhand: it has no folder `shard-0000`",
        directory.display()
    )]
    NotADataDirectory {
        /// The directory named.
        directory: PathBuf,
    },
    /// The shard does not exist.
    #[error("{} has no shard {shard}", directory.display())]
    NoSuchShard {
        /// The directory named.
        directory: PathBuf,
        /// The shard asked for.
        shard: u16,
    },
    /// The system refused to read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// File or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> SourceError + '_ {
    move |source| SourceError::Read {
        path: path.to_owned(),
        source,
    }
}

/// A data directory, opened for reading.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    /// Where it is.
    pub path: PathBuf,
    /// Its shards, in order.
    pub shards: Vec<u16>,
    /// Process that serves the directory at this moment, if any.
    pub owner: Option<u32>,
}

impl DataDirectory {
    /// Looks at the directory.
    ///
    /// # Errors
    /// If it cannot be read or has no shard.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let mut shards = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable(path))? {
            let name = entry.map_err(unreadable(path))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("shard-"));
            if let Some(Ok(number)) = number.map(str::parse) {
                shards.push(number);
            }
        }
        shards.sort_unstable();
        if shards.is_empty() {
            return Err(SourceError::NotADataDirectory {
                directory: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            shards,
            owner: owner(&path.join("lock")),
        })
    }

    /// The folder of one shard.
    #[must_use]
    pub fn shard_folder(&self, shard: u16) -> PathBuf {
        self.path.join(format!("shard-{shard:04}"))
    }

    /// Reads one shard once and says what is there.
    ///
    /// # Errors
    /// If the system refuses to read.
    pub fn survey(&self, shard: u16) -> Result<Survey, SourceError> {
        self.check_shard(shard)?;
        Survey::take(&self.shard_folder(shard), shard)
    }

    fn check_shard(&self, shard: u16) -> Result<(), SourceError> {
        if self.shards.contains(&shard) {
            return Ok(());
        }
        Err(SourceError::NoSuchShard {
            directory: self.path.clone(),
            shard,
        })
    }

    /// Calls `visit` with every record of `survey` below its end, in order.
    ///
    /// # Errors
    /// If the system refuses to read, or what `visit` returns.
    pub fn read<E: From<SourceError>>(
        &self,
        survey: &Survey,
        mut visit: impl FnMut(&At, &RawRecord<'_>) -> Result<Next, E>,
    ) -> Result<(), E> {
        let mut walk = Walk::open(&self.shard_folder(survey.shard), survey.shard)?;
        while walk.expected < survey.end_sequence {
            let Some(header) = walk.advance()? else {
                return Ok(());
            };
            for (at, raw) in records(survey.shard, &header, &walk.payload) {
                if visit(&at, &raw)? == Next::Stop {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The records of one batch with their places.
fn records<'a>(
    shard: u16,
    header: &BatchHeader,
    payload: &'a [u8],
) -> impl Iterator<Item = (At, RawRecord<'a>)> + use<'a> {
    let header = *header;
    let records = Records::new(payload).take(header.records as usize);
    records.zip(header.sequence..).map(move |(raw, sequence)| {
        let at = At {
            shard,
            sequence,
            time_ms: header.time_ms,
            epoch: header.epoch,
            actor: raw.actor,
        };
        (at, raw)
    })
}

/// Reads a journal that grows: at its end, ask again later.
pub struct Tailer {
    walk: Walk,
    folder: PathBuf,
}

impl Tailer {
    /// Starts at the first batch of a shard.
    ///
    /// # Errors
    /// If the shard does not exist or cannot be read.
    pub fn open(source: &DataDirectory, shard: u16) -> Result<Self, SourceError> {
        source.check_shard(shard)?;
        let folder = source.shard_folder(shard);
        Ok(Self {
            walk: Walk::open(&folder, shard)?,
            folder,
        })
    }

    /// The next batch and its records' bytes; `None` while there is none.
    ///
    /// # Errors
    /// If the system refuses to read.
    pub fn advance(&mut self) -> Result<Option<(BatchHeader, &[u8])>, SourceError> {
        let mut header = self.walk.advance()?;
        if header.is_none() {
            self.walk.rewind(&self.folder)?;
            header = self.walk.advance()?;
        }
        Ok(header.map(|header| (header, self.walk.payload.as_slice())))
    }

    /// The records of a batch with their places.
    pub fn records<'a>(
        &self,
        header: &BatchHeader,
        payload: &'a [u8],
    ) -> impl Iterator<Item = (At, RawRecord<'a>)> + use<'a> {
        records(self.walk.shard, header, payload)
    }
}

/// Whether to go on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Show me the next record.
    Go,
    /// That is enough.
    Stop,
}

/// The process that holds the directory's lock file at this moment.
fn owner(lock: &Path) -> Option<u32> {
    let file = File::open(lock).ok()?;
    // A shared lock is granted only where nobody holds the exclusive one; it is given back at once.
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        // Closing the file would release it too, so a failure here changes nothing.
        let _ = rustix::fs::flock(&file, FlockOperation::Unlock);
        return None;
    }
    let text = std::fs::read_to_string(lock).ok()?;
    text.split_whitespace().next()?.parse().ok()
}
