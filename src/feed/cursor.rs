//! A feed's place in the journal, in a file of one page with two slots.
//!
//! ```text
//! slot 0 at byte 0, slot 1 at byte 2048, each 64 bytes, little-endian:
//!  0 magic "ONHANDCU" 8 │ 8 version 2 │ 10 shard 2 │ 12 zero 4 │ 16 generation 8
//! 24 next sequence 8 │ 32 offset 4 │ 36 segment 4 │ 40 time_ms 8 │ 48 zero 12 │ 60 checksum 4
//! ```
//!
//! A commit writes the slot that is not in use, with the next generation, and syncs it; the valid
//! slot with the higher generation counts. So a crash in the middle leaves the commit before.

use crate::journal::Position;
use crate::journal::layout::{SEGMENT_HEADER_BYTES, first_offset};
use crate::journal::storage::{Storage, StorageFile};
use std::io;

/// Size of a cursor file in bytes.
pub const CURSOR_BYTES: u64 = 4_096;

/// Longest name of a feed, in bytes.
pub const CURSOR_NAME_BYTES_MAX: usize = 64;

const MAGIC: [u8; 8] = *b"ONHANDCU";
const VERSION: u16 = 1;
const SLOT_BYTES: usize = 64;
const SLOT_DISTANCE_BYTES: u64 = 2_048;

const _: () = assert!(CURSOR_BYTES == SEGMENT_HEADER_BYTES, "one page");

/// Why a cursor cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// The name is empty, too long, or has other characters. Choose another.
    #[error("a feed's name is 1 to 64 lower-case letters, digits and dashes")]
    Name,
    /// Neither slot of the file is valid.
    #[error(
        "the cursor file {file} is damaged; restore it from a copy, or remove it to read from the \
         start"
    )]
    Damage {
        /// The file.
        file: String,
    },
    /// The file cannot be read or written.
    #[error("cannot {action} {file}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        file: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A commit failed earlier: what the file holds is not known.
    #[error("an earlier commit failed; open the feed again")]
    Poisoned,
}

/// Where a feed goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The sequence of the record that comes next.
    pub sequence: u64,
    /// Where its batch is looked for.
    pub position: Position,
    /// Time of the batch before it, in milliseconds since the Unix epoch; 0 where unknown.
    pub time_ms: u64,
}

/// An open cursor file.
pub(super) struct Cursor<F> {
    file: F,
    name: String,
    shard: u16,
    generation: u64,
    committed: Place,
    poisoned: bool,
}

impl<F: StorageFile> Cursor<F> {
    /// Opens the cursor of feed `feed`, creating it at the first record of all.
    pub(super) fn open<S: Storage<File = F>>(
        storage: &S,
        shard: u16,
        feed: &str,
    ) -> Result<(Self, Place), CursorError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=CURSOR_NAME_BYTES_MAX).contains(&feed.len()) || !feed.bytes().all(allowed) {
            return Err(CursorError::Name);
        }
        let name = format!("cursors/{feed}");
        let file = match storage.open(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Self::create(storage, shard, name);
            }
            Err(error) => return Err(failed("open", &name)(error)),
        };
        let mut newest: Option<(u64, Place)> = None;
        if file.size_bytes() == CURSOR_BYTES {
            for slot in 0..2 {
                let mut bytes = [0; SLOT_BYTES];
                file.read(slot * SLOT_DISTANCE_BYTES, &mut bytes)
                    .map_err(failed("read", &name))?;
                newest = newest.max_by_generation(decode(shard, &bytes));
            }
        }
        let Some((generation, place)) = newest else {
            return Err(CursorError::Damage { file: name });
        };
        let cursor = Self {
            file,
            name,
            shard,
            generation,
            committed: place,
            poisoned: false,
        };
        Ok((cursor, place))
    }

    /// Makes the file under another name first, so that under its own it always has a valid slot.
    fn create<S: Storage<File = F>>(
        storage: &S,
        shard: u16,
        name: String,
    ) -> Result<(Self, Place), CursorError> {
        let half = format!("{name}.tmp");
        match storage.remove(&half) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &half)(error));
            }
            _ => {}
        }
        let place = Place {
            sequence: 1,
            position: Position {
                segment: 1,
                offset: first_offset(),
            },
            time_ms: 0,
        };
        let file = storage
            .create(&half, CURSOR_BYTES)
            .map_err(failed("create", &half))?;
        file.fill(0, CURSOR_BYTES).map_err(failed("fill", &half))?;
        file.write(0, &encode(shard, 0, place))
            .map_err(failed("write", &half))?;
        file.sync(0, CURSOR_BYTES).map_err(failed("sync", &half))?;
        storage
            .rename(&half, &name)
            .map_err(failed("rename", &half))?;
        storage
            .sync_directory()
            .map_err(failed("sync the directory entry of", &name))?;
        let cursor = Self {
            file,
            name,
            shard,
            generation: 0,
            committed: place,
            poisoned: false,
        };
        Ok((cursor, place))
    }

    /// Makes `place` the one to go on from.
    pub(super) fn commit(&mut self, place: Place) -> Result<(), CursorError> {
        if self.poisoned {
            return Err(CursorError::Poisoned);
        }
        if place == self.committed {
            return Ok(());
        }
        let generation = self.generation + 1;
        let at = generation % 2 * SLOT_DISTANCE_BYTES;
        self.poisoned = true; // until all of it has succeeded
        self.file
            .write(at, &encode(self.shard, generation, place))
            .map_err(failed("write", &self.name))?;
        self.file
            .sync(at, SLOT_BYTES as u64)
            .map_err(failed("sync", &self.name))?;
        self.poisoned = false;
        self.generation = generation;
        self.committed = place;
        Ok(())
    }
}

trait Newest {
    fn max_by_generation(self, other: Self) -> Self;
}

impl Newest for Option<(u64, Place)> {
    fn max_by_generation(self, other: Self) -> Self {
        match (self, other) {
            (Some(one), Some(two)) => Some(if two.0 > one.0 { two } else { one }),
            (one, two) => one.or(two),
        }
    }
}

fn encode(shard: u16, generation: u64, place: Place) -> [u8; SLOT_BYTES] {
    let mut out = Vec::with_capacity(SLOT_BYTES);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&shard.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&generation.to_le_bytes());
    out.extend_from_slice(&place.sequence.to_le_bytes());
    out.extend_from_slice(&place.position.pack().to_le_bytes());
    out.extend_from_slice(&place.time_ms.to_le_bytes());
    out.extend_from_slice(&[0; 12]);
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    let mut slot = [0; SLOT_BYTES];
    for (to, from) in slot.iter_mut().zip(out) {
        *to = from;
    }
    slot
}

fn decode(shard: u16, bytes: &[u8; SLOT_BYTES]) -> Option<(u64, Place)> {
    let word = |at: usize| {
        let field = bytes.get(at..)?.first_chunk::<8>()?;
        Some(u64::from_le_bytes(*field))
    };
    let generation = word(16)?;
    let place = Place {
        sequence: word(24)?,
        position: Position::unpack(word(32)?),
        time_ms: word(40)?,
    };
    // Encoding again checks magic, version, shard, zeros and checksum in one go.
    (encode(shard, generation, place) == *bytes).then_some((generation, place))
}

fn failed<'a>(action: &'static str, file: &'a str) -> impl FnOnce(io::Error) -> CursorError + 'a {
    move |source| CursorError::Io {
        action,
        file: file.to_owned(),
        source,
    }
}
