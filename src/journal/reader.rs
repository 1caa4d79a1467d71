//! Reading a journal without changing it: for feeds beside a running engine, and for everything
//! that looks at a directory (`verify`, `inspect`, `explain`).
//!
//! A reader beside a running engine is told how far it may read, which is the acknowledged mark;
//! below it every batch is complete. A reader of a directory at rest stops where the batches stop
//! continuing each other, and [`Reader::tail`] then says whether that end is sound.

use super::error::{Damage, DamageKind, ReadError};
use super::layout::{Position, first_offset, parse_segment_name, segment_name};
use super::scan::{Batch, Chain, Scanner, look_behind};
use super::segment::{OpenSegmentError, Segment, open_segment};
use super::storage::Storage;
use std::io;
use std::sync::Arc;

/// A cursor over the batches of one shard's journal, in order.
pub struct Reader<S: Storage> {
    storage: Arc<S>,
    chain: Chain,
    segment: Option<Segment<S::File>>,
    /// Where the next batch is, unless the segment ends there.
    position: Position,
    scanner: Scanner,
    mark: u64,
}

/// The sound end of a journal at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where the next batch would be.
    pub position: Position,
    /// The sequence that the next record would get.
    pub next_sequence: u64,
    /// The highest synced mark in any valid batch.
    pub synced: u64,
    /// Bytes of unfinished and unreachable batches behind the end; the next start cuts them.
    pub torn_bytes: u64,
    /// Whole batches among them, none of them acknowledged.
    pub torn_batches: u64,
}

/// Numbers of the segments in `storage`, ascending.
pub fn segment_numbers<S: Storage>(storage: &S) -> io::Result<Vec<u32>> {
    let names = storage.list()?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|n| parse_segment_name(n)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

impl<S: Storage> Reader<S> {
    /// A reader at the first batch of all of shard `shard`.
    #[must_use]
    pub fn new(storage: Arc<S>, shard: u16) -> Self {
        let position = Position {
            segment: 1,
            offset: first_offset(),
        };
        Self::with(storage, Chain::start(shard), position)
    }

    /// A reader at a place where an earlier one stopped: `position` and `sequence` are what its
    /// [`Reader::position`] and [`Reader::next_sequence`] were.
    #[must_use]
    pub fn resume(storage: Arc<S>, shard: u16, position: Position, sequence: u64) -> Self {
        let chain = Chain {
            linked: false,
            sequence,
            ..Chain::start(shard)
        };
        Self::with(storage, chain, position)
    }

    /// A reader at the first batch of the last segment that begins at or before `sequence`: reads
    /// on from there to find the batch with it.
    ///
    /// # Errors
    /// A file cannot be read, or no segment begins that early.
    pub fn near(storage: Arc<S>, shard: u16, sequence: u64) -> Result<Self, ReadError> {
        let numbers = segment_numbers(&*storage).map_err(|e| read_error(".", e))?;
        let mut scanner = Scanner::default();
        for &number in numbers.iter().rev() {
            let segment = open_segment(&*storage, shard, number)
                .map_err(|error| segment_error(&*storage, number, error))?;
            scanner.reset();
            let first = scanner
                .batch_at(&segment, first_offset())
                .map_err(|e| read_error(&segment_name(number), e))?;
            if let Some((header, _)) = first
                && header.sequence <= sequence
            {
                let position = Position {
                    segment: number,
                    offset: first_offset(),
                };
                return Ok(Self::resume(storage, shard, position, header.sequence));
            }
        }
        if sequence == 0 || numbers.first().is_none_or(|&first| first == 1) {
            return Ok(Self::new(storage, shard));
        }
        Err(ReadError::NoSuchSequence { sequence })
    }

    fn with(storage: Arc<S>, chain: Chain, position: Position) -> Self {
        Self {
            storage,
            chain,
            segment: None,
            position,
            scanner: Scanner::default(),
            mark: 0,
        }
    }

    /// The next batch, if all its records have sequences below `limit`. `u64::MAX` reads whatever
    /// continues the journal.
    ///
    /// # Errors
    /// A file cannot be read; or a record below `limit` (unless that is `u64::MAX`) is not there,
    /// which is damage.
    pub fn next(&mut self, limit: u64) -> Result<Option<Batch<'_>>, ReadError> {
        if self.chain.sequence >= limit {
            return Ok(None);
        }
        let must_be_there = limit != u64::MAX;
        if !self.find()? {
            if must_be_there {
                return Err(self.broken(limit));
            }
            return Ok(None);
        }
        let position = self.position;
        let Some(segment) = &self.segment else {
            return Ok(None);
        };
        let found = self
            .scanner
            .batch_at(segment, position.offset)
            .map_err(|e| read_error(&segment_name(position.segment), e))?;
        let Some((header, payload)) = found else {
            return Ok(None);
        };
        if header.end_sequence() > limit {
            return Ok(None);
        }
        self.chain.advance(&header);
        self.position.offset += header.length;
        self.mark = self.mark.max(header.synced);
        Ok(Some(Batch::new(&header, payload, position)))
    }

    /// Goes to where the next batch is, which may be the start of the next segment. True where it
    /// is there.
    fn find(&mut self) -> Result<bool, ReadError> {
        if self.segment.is_none() {
            self.segment = self.open(self.position.segment)?;
            self.scanner.reset();
        }
        let Some(segment) = &self.segment else {
            return Ok(false);
        };
        if self.continues(segment.number, self.position.offset)? {
            return Ok(true);
        }
        let number = self.position.segment + 1;
        let Some(next) = self.open(number)? else {
            return Ok(false);
        };
        let before = self.segment.replace(next);
        self.scanner.reset();
        if self.continues(number, first_offset())? {
            self.position = Position {
                segment: number,
                offset: first_offset(),
            };
            return Ok(true);
        }
        self.segment = before;
        self.scanner.reset();
        Ok(false)
    }

    fn continues(&mut self, number: u32, offset: u32) -> Result<bool, ReadError> {
        let Some(segment) = &self.segment else {
            return Ok(false);
        };
        let found = self
            .scanner
            .batch_at(segment, offset)
            .map_err(|e| read_error(&segment_name(number), e))?;
        Ok(found.is_some_and(|(header, _)| self.chain.accepts(&header)))
    }

    /// The segment, or `None` where there is no such file.
    fn open(&self, number: u32) -> Result<Option<Segment<S::File>>, ReadError> {
        match open_segment(&*self.storage, self.chain.shard, number) {
            Ok(segment) => Ok(Some(segment)),
            Err(OpenSegmentError::Io(error)) if error.source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(segment_error(&*self.storage, number, error)),
        }
    }

    /// Where the next batch is looked for.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The sequence after the last batch read.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.chain.sequence
    }

    /// Time of the last batch read, in milliseconds since the Unix epoch; 0 before the first.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.chain.time_ms
    }

    /// Reads to the end, then looks behind it. For a directory at rest.
    ///
    /// # Errors
    /// Damage: a batch that says records were durable which are not there.
    pub fn tail(&mut self) -> Result<Tail, ReadError> {
        while self.next(u64::MAX)?.is_some() {}
        let numbers = segment_numbers(&*self.storage).map_err(|e| read_error(".", e))?;
        let mut later = Vec::new();
        for number in numbers {
            if number > self.position.segment {
                let segment = open_segment(&*self.storage, self.chain.shard, number)
                    .map_err(|error| segment_error(&*self.storage, number, error))?;
                later.push(segment);
            }
        }
        let mut tail = Tail {
            position: self.position,
            next_sequence: self.chain.sequence,
            synced: self.mark,
            torn_bytes: 0,
            torn_batches: 0,
        };
        let Some(segment) = &self.segment else {
            let missing = later.first().map(|_| DamageKind::Missing);
            return missing.map_or(Ok(tail), |kind| Err(self.damage(kind)));
        };
        let mut scanner = Scanner::default();
        let behind = look_behind(&mut scanner, (segment, self.position.offset), later.iter())
            .map_err(|(number, error)| read_error(&segment_name(number), error))?;
        tail.synced = tail.synced.max(behind.synced);
        tail.torn_bytes = behind.bytes;
        tail.torn_batches = behind.batches;
        if tail.synced > tail.next_sequence {
            return Err(self.broken(tail.synced));
        }
        Ok(tail)
    }

    fn broken(&self, synced: u64) -> ReadError {
        self.damage(DamageKind::Broken {
            expected: self.chain.sequence,
            synced,
        })
    }

    fn damage(&self, kind: DamageKind) -> ReadError {
        ReadError::Damage(Damage {
            location: self.storage.location(),
            position: self.position,
            kind,
        })
    }
}

fn segment_error<S: Storage>(storage: &S, number: u32, error: OpenSegmentError) -> ReadError {
    match error {
        OpenSegmentError::Io(error) => read_error(&error.file, error.source),
        OpenSegmentError::Damage(kind) => ReadError::Damage(Damage {
            location: storage.location(),
            position: Position {
                segment: number,
                offset: 0,
            },
            kind,
        }),
    }
}

fn read_error(file: &str, source: io::Error) -> ReadError {
    ReadError::Io {
        file: file.to_owned(),
        source,
    }
}
