//! Going through the batches of one shard in order, and looking at what lies behind their end.

use super::survey::SegmentInfo;
use super::{SourceError, unreadable};
use crate::journal::layout::{
    BATCH_ALIGN_BYTES, BATCH_HEADER_BYTES, BatchHeader, Position, SEGMENT_HEADER_BYTES,
    SEGMENT_HEADER_USED_BYTES, SegmentHeader, parse_segment_name, segment_name,
};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes read from a segment at once.
const READ_BYTES: usize = 1 << 20;

/// What lies behind the end of the readable part.
#[derive(Default)]
pub(super) struct Beyond {
    pub(super) batches: u64,
    pub(super) synced: u64,
    pub(super) torn: bool,
}

/// A segment file that is being read.
struct Open {
    number: u32,
    header: SegmentHeader,
    input: BufReader<File>,
    offset: u64,
}

/// Goes through the batches of one shard in order.
pub(super) struct Walk {
    pub(super) shard: u16,
    pub(super) files: Vec<(u32, PathBuf)>,
    next_file: usize,
    open: Option<Open>,
    pub(super) payload: Vec<u8>,
    /// Sequence of the record to come.
    pub(super) expected: u64,
    previous: u32,
    started: bool,
    /// What is wrong at the break, where more is known than that nothing follows.
    pub(super) broken: Option<String>,
}

impl Walk {
    pub(super) fn open(folder: &Path, shard: u16) -> Result<Self, SourceError> {
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
    pub(super) fn rewind(&mut self, folder: &Path) -> Result<(), SourceError> {
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
    pub(super) fn position(&self) -> Position {
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
    pub(super) fn advance(&mut self) -> Result<Option<BatchHeader>, SourceError> {
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
    pub(super) fn beyond(&self, segments: &mut [SegmentInfo]) -> Result<Beyond, SourceError> {
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
