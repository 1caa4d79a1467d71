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

use super::fold::At;
use crate::journal::layout::{
    BATCH_ALIGN_BYTES, BATCH_HEADER_BYTES, BatchHeader, Position, SEGMENT_HEADER_BYTES,
    SEGMENT_HEADER_USED_BYTES, SegmentHeader, parse_segment_name, segment_name,
};
use crate::types::record::{RawRecord, Records};
use rustix::fs::FlockOperation;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes read from a segment at once.
const READ_BYTES: usize = 1 << 20;

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
    fn take(folder: &Path, shard: u16) -> Result<Self, SourceError> {
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

/// What lies behind the end of the readable part.
#[derive(Default)]
struct Beyond {
    batches: u64,
    synced: u64,
    torn: bool,
}

/// A segment file that is being read.
struct Open {
    number: u32,
    header: SegmentHeader,
    input: BufReader<File>,
    offset: u64,
}

/// Goes through the batches of one shard in order.
struct Walk {
    shard: u16,
    files: Vec<(u32, PathBuf)>,
    next_file: usize,
    open: Option<Open>,
    payload: Vec<u8>,
    /// Sequence of the record to come.
    expected: u64,
    previous: u32,
    started: bool,
    broken: Option<String>,
}

impl Walk {
    fn open(folder: &Path, shard: u16) -> Result<Self, SourceError> {
        Ok(Self {
            shard,
            files: segment_files(folder)?,
            next_file: 0,
            open: None,
            payload: Vec::new(),
            expected: 1,
            previous: 0,
            started: false,
            broken: None,
        })
    }

    /// Gets ready to look again at the end, where something may have been appended since.
    fn rewind(&mut self, folder: &Path) -> Result<(), SourceError> {
        self.files = segment_files(folder)?;
        let current = self.open.as_ref().map_or(0, |open| open.number);
        let next = self.files.iter().position(|(number, _)| *number > current);
        self.next_file = next.unwrap_or(self.files.len());
        if let Some(open) = &mut self.open {
            let at = SeekFrom::Start(open.offset);
            open.input.seek(at).map_err(unreadable(folder))?;
        }
        Ok(())
    }

    /// Where the next batch would be.
    fn position(&self) -> Position {
        match &self.open {
            Some(open) => Position {
                segment: open.number,
                offset: u32::try_from(open.offset).unwrap_or(u32::MAX),
            },
            None => Position {
                segment: self.files.first().map_or(1, |(number, _)| *number),
                offset: 0,
            },
        }
    }

    /// The next batch that continues the journal, its payload in `self.payload`. `None` at the
    /// end of what is readable; `self` then stands at the break.
    fn advance(&mut self) -> Result<Option<BatchHeader>, SourceError> {
        if let Some(open) = &mut self.open {
            let batch = open.batch(&mut self.payload);
            let file = open_file(&self.files, open.number);
            match batch.map_err(unreadable(&file))? {
                Some(header) if self.continues(&header) => return Ok(Some(self.step(header))),
                Some(header) => {
                    self.broken = Some(format!(
                        "a whole batch has sequence {} where {} is due",
                        header.sequence, self.expected
                    ));
                    return Ok(None);
                }
                None => {}
            }
        }
        // This segment is used up (or has a break): does the next one continue the journal?
        let Some((number, file)) = self.files.get(self.next_file).cloned() else {
            return Ok(None);
        };
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.number + 1 != number)
        {
            self.broken = Some(format!(
                "a segment is missing before {}",
                segment_name(number)
            ));
            return Ok(None);
        }
        let mut open = match Open::new(&file, number, self.shard).map_err(unreadable(&file))? {
            Ok(open) => open,
            Err(reason) => {
                self.broken = Some(format!("{}: {reason}", segment_name(number)));
                return Ok(None);
            }
        };
        let batch = open.batch(&mut self.payload).map_err(unreadable(&file))?;
        if let Some(header) = batch {
            if !self.started {
                // Older segments may be gone: the journal starts where its first batch says.
                self.expected = header.sequence;
                self.previous = header.previous;
            }
            if self.continues(&header) {
                self.open = Some(open);
                self.next_file += 1;
                return Ok(Some(self.step(header)));
            }
        }
        if self.open.is_none() {
            self.open = Some(open);
            self.next_file += 1;
        }
        Ok(None)
    }

    fn continues(&self, header: &BatchHeader) -> bool {
        header.sequence == self.expected
            && header.previous == self.previous
            && header.shard == self.shard
    }

    fn step(&mut self, header: BatchHeader) -> BatchHeader {
        self.started = true;
        self.expected = header.end_sequence();
        self.previous = header.checksum;
        if let Some(open) = &mut self.open {
            open.offset += u64::from(header.length);
        }
        header
    }

    /// Looks for whole batches behind the break, and for traces of earlier lives.
    fn beyond(&self, segments: &mut [SegmentInfo]) -> Result<Beyond, SourceError> {
        let mut beyond = Beyond::default();
        let current = self.open.as_ref().map_or(0, |open| open.number);
        for info in segments {
            let file = &info.file;
            let found = if info.number < current {
                Trace::look(file, info.used_bytes, None)
            } else {
                let opened = Open::new(file, info.number, self.shard);
                let opened = opened.map_err(unreadable(file))?.ok();
                let from = info.used_bytes.max(SEGMENT_HEADER_BYTES);
                Trace::look(file, from, opened.map(|open| open.header))
            };
            let found = found.map_err(unreadable(file))?;
            info.recycled = found.foreign;
            beyond.torn |= found.torn && info.number == current;
            beyond.batches += found.batches;
            beyond.synced = beyond.synced.max(found.synced);
        }
        Ok(beyond)
    }
}

/// The segments of a shard, in order.
fn segment_files(folder: &Path) -> Result<Vec<(u32, PathBuf)>, SourceError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let number = entry.file_name().to_str().and_then(parse_segment_name);
        if let Some(number) = number {
            files.push((number, entry.path()));
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn open_file(files: &[(u32, PathBuf)], number: u32) -> PathBuf {
    let found = files.iter().find(|(known, _)| *known == number);
    found.map_or_else(PathBuf::new, |(_, file)| file.clone())
}

impl Open {
    /// Opens a segment; the inner result says why its header is none.
    fn new(file: &Path, number: u32, shard: u16) -> io::Result<Result<Self, String>> {
        let mut input = BufReader::with_capacity(READ_BYTES, File::open(file)?);
        let mut bytes = [0; SEGMENT_HEADER_USED_BYTES];
        if let Err(error) = input.read_exact(&mut bytes) {
            return if error.kind() == io::ErrorKind::UnexpectedEof {
                Ok(Err("is shorter than a header".to_owned()))
            } else {
                Err(error)
            };
        }
        let header = match SegmentHeader::decode(&bytes) {
            Ok(header) => header,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if header.number != number || header.shard != shard {
            return Ok(Err(format!(
                "its header is of segment {} of shard {}",
                header.number, header.shard
            )));
        }
        input.seek(SeekFrom::Start(SEGMENT_HEADER_BYTES))?;
        Ok(Ok(Self {
            number,
            header,
            input,
            offset: SEGMENT_HEADER_BYTES,
        }))
    }

    /// Reads the batch at the present offset; `None` where there is no whole one.
    fn batch(&mut self, payload: &mut Vec<u8>) -> io::Result<Option<BatchHeader>> {
        let mut bytes = [0; BATCH_HEADER_BYTES];
        if !fill(&mut self.input, &mut bytes)? {
            return Ok(None);
        }
        let Some(header) = BatchHeader::decode(&self.header.salt, &bytes) else {
            return Ok(None);
        };
        payload.resize(header.length as usize - BATCH_HEADER_BYTES, 0);
        if !fill(&mut self.input, payload)? || !header.matches(&self.header.salt, payload) {
            return Ok(None);
        }
        Ok(Some(header))
    }
}

/// Reads exactly `into`; false where the file ends before.
fn fill(input: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// What lies in a segment behind its last batch.
#[derive(Default)]
struct Trace {
    batches: u64,
    synced: u64,
    /// A batch of this life that is not whole.
    torn: bool,
    /// Bytes that are no batch of this life.
    foreign: bool,
}

impl Trace {
    /// Looks from `offset` on for batches of this life, if the header is given, and for any bytes
    /// that are not zero.
    fn look(file: &Path, offset: u64, header: Option<SegmentHeader>) -> io::Result<Self> {
        let mut input = File::open(file)?;
        input.seek(SeekFrom::Start(offset))?;
        let mut rest = Vec::new();
        input.read_to_end(&mut rest)?;
        let mut found = Self::default();
        let mut at = 0;
        while let Some(bytes) = rest.get(at..).and_then(|rest| rest.first_chunk()) {
            let batch = header.and_then(|header| BatchHeader::decode(&header.salt, bytes));
            let whole = batch.zip(header).is_some_and(|(batch, header)| {
                let payload = rest.get(at + BATCH_HEADER_BYTES..at + batch.length as usize);
                payload.is_some_and(|payload| batch.matches(&header.salt, payload))
            });
            let Some(batch) = batch.filter(|_| whole) else {
                found.torn |= batch.is_some();
                found.foreign |= bytes.iter().take(BATCH_ALIGN_BYTES).any(|byte| *byte != 0);
                at += BATCH_ALIGN_BYTES;
                continue;
            };
            found.batches += 1;
            found.synced = found.synced.max(batch.synced);
            at += batch.length as usize;
        }
        Ok(found)
    }
}
