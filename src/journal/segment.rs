//! One segment: a file of fixed size with its number and the salt of its life; and how a segment
//! comes to be.
//!
//! ```text
//! new:       prepare-N.tmp  ─fill, sync (paced)─▶ header, sync ─▶ rename segment-N.log ─▶ sync dir
//! recycled:  spare-K.log    ───────────────────▶ header, sync ─▶ rename segment-N.log ─▶ sync dir
//! retired:   segment-N.log  ─▶ rename spare-K.log ─▶ sync dir
//! ```
//!
//! A file is called `segment-N.log` only after its header is durable, so an unreadable header is
//! damage and never the trace of a crash; and one name is durable before the next is made, so a
//! missing number is damage as well.

use super::error::{DamageKind, MaintenanceError};
use super::layout::{
    SEGMENT_HEADER_BYTES, SEGMENT_HEADER_USED_BYTES, Salt, SegmentHeader, parse_name, segment_name,
};
use super::options::Entropy;
use super::storage::{Storage, StorageFile};
use std::io;

/// A segment whose header is durable.
#[derive(Debug)]
pub struct Segment<F> {
    /// From 1.
    pub number: u32,
    /// Size of the file in bytes.
    pub size_bytes: u32,
    /// The secret of this life.
    pub salt: Salt,
    /// The bytes.
    pub file: F,
}

/// Bytes that one preparation step fills, syncs, or hashes.
pub(super) const STEP_BYTES: u64 = 1 << 20;

/// What a file of a journal's directory is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Segment(u32),
    Spare(u32),
    /// Half prepared by a process that ended.
    Preparing,
    Other,
}

impl FileKind {
    pub(super) fn of(name: &str) -> Self {
        if let Some(number) = parse_name(name, "segment-", ".log") {
            return Self::Segment(number);
        }
        if let Some(number) = parse_name(name, "spare-", ".log") {
            return Self::Spare(number);
        }
        if parse_name(name, "prepare-", ".tmp").is_some() {
            return Self::Preparing;
        }
        Self::Other
    }
}

pub(super) fn spare_name(number: u32) -> String {
    format!("spare-{number:010}.log")
}

fn preparing_name(number: u32) -> String {
    format!("prepare-{number:010}.tmp")
}

/// What a segment to be made is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) shard: u16,
    pub(super) number: u32,
    pub(super) size_bytes: u64,
}

/// A segment in the making; each step is short.
#[derive(Debug)]
pub(super) struct Preparation<F> {
    plan: Plan,
    name: String,
    file: F,
    filled_bytes: u64,
}

impl<F: StorageFile> Preparation<F> {
    /// Starts a new file.
    pub(super) fn create<S: Storage<File = F>>(
        storage: &S,
        plan: Plan,
    ) -> Result<Self, MaintenanceError> {
        let name = preparing_name(plan.number);
        let file = storage
            .create(&name, plan.size_bytes)
            .map_err(failed("create", &name))?;
        Ok(Self {
            plan,
            name,
            file,
            filled_bytes: 0,
        })
    }

    /// Takes a spare file: nothing is filled. `None` where it has another size.
    pub(super) fn recycle<S: Storage<File = F>>(
        storage: &S,
        plan: Plan,
        name: &str,
    ) -> Result<Option<Self>, MaintenanceError> {
        let file = storage.open(name).map_err(failed("open", name))?;
        if file.size_bytes() != plan.size_bytes {
            return Ok(None);
        }
        Ok(Some(Self {
            plan,
            name: name.to_owned(),
            file,
            filled_bytes: plan.size_bytes,
        }))
    }

    /// The file's present name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Fills and syncs the next piece. True when all is filled.
    pub(super) fn fill_step(&mut self) -> Result<bool, MaintenanceError> {
        let left = self.plan.size_bytes - self.filled_bytes;
        if left == 0 {
            return Ok(true);
        }
        let length = left.min(STEP_BYTES);
        self.file
            .fill(self.filled_bytes, length)
            .map_err(failed("fill", &self.name))?;
        self.file
            .sync(self.filled_bytes, length)
            .map_err(failed("sync", &self.name))?;
        self.filled_bytes += length;
        Ok(self.filled_bytes == self.plan.size_bytes)
    }

    /// Writes the header with a fresh salt and gives the file its final name, durably.
    pub(super) fn finish<S: Storage<File = F>>(
        self,
        storage: &S,
        entropy: &mut dyn Entropy,
    ) -> Result<Segment<F>, MaintenanceError> {
        assert!(
            self.filled_bytes == self.plan.size_bytes,
            "a segment without holes"
        );
        let mut bytes = [0; 16];
        entropy
            .fill(&mut bytes)
            .map_err(failed("draw a salt for", &self.name))?;
        let salt = Salt::new(bytes);
        let header = SegmentHeader {
            shard: self.plan.shard,
            number: self.plan.number,
            size_bytes: self.plan.size_bytes,
            salt,
        };
        self.file
            .write(0, &header.encode())
            .map_err(failed("write the header of", &self.name))?;
        self.file
            .sync(0, SEGMENT_HEADER_BYTES)
            .map_err(failed("sync the header of", &self.name))?;
        let name = segment_name(self.plan.number);
        storage
            .rename(&self.name, &name)
            .map_err(failed("rename", &self.name))?;
        storage
            .sync_directory()
            .map_err(failed("sync the directory entry of", &name))?;
        Ok(Segment {
            number: self.plan.number,
            size_bytes: u32::try_from(self.plan.size_bytes).unwrap_or(u32::MAX),
            salt,
            file: self.file,
        })
    }
}

/// Makes a whole segment at once: for the first segment of a journal, when nothing runs beside.
pub(super) fn prepare_now<S: Storage>(
    storage: &S,
    plan: Plan,
    spare: Option<&str>,
    entropy: &mut dyn Entropy,
) -> Result<Segment<S::File>, MaintenanceError> {
    let mut preparation = match spare {
        Some(name) => Preparation::recycle(storage, plan, name)?,
        None => None,
    };
    if preparation.is_none() {
        preparation = Some(Preparation::create(storage, plan)?);
    }
    let Some(mut preparation) = preparation else {
        unreachable!("made just above");
    };
    while !preparation.fill_step()? {}
    preparation.finish(storage, entropy)
}

/// Why a segment's file cannot be used.
pub(super) enum OpenSegmentError {
    Io(MaintenanceError),
    Damage(DamageKind),
}

/// Opens the file of segment `number` and checks its header against name, size and shard.
pub(super) fn open_segment<S: Storage>(
    storage: &S,
    shard: u16,
    number: u32,
) -> Result<Segment<S::File>, OpenSegmentError> {
    let name = segment_name(number);
    let file = storage
        .open(&name)
        .map_err(|e| OpenSegmentError::Io(failed("open", &name)(e)))?;
    let size = file.size_bytes();
    let mut bytes = [0; SEGMENT_HEADER_USED_BYTES];
    if size >= SEGMENT_HEADER_BYTES {
        file.read(0, &mut bytes)
            .map_err(|e| OpenSegmentError::Io(failed("read", &name)(e)))?;
    }
    let header = SegmentHeader::decode(&bytes)
        .map_err(|kind| OpenSegmentError::Damage(DamageKind::Header(kind)))?;
    for (field, found, expected) in [
        (
            "segment number",
            u64::from(header.number),
            u64::from(number),
        ),
        ("shard", u64::from(header.shard), u64::from(shard)),
        ("size of the file", header.size_bytes, size),
    ] {
        if found != expected {
            return Err(OpenSegmentError::Damage(DamageKind::Mismatch {
                field,
                found,
                expected,
            }));
        }
    }
    Ok(Segment {
        number,
        size_bytes: u32::try_from(size).unwrap_or(u32::MAX),
        salt: header.salt,
        file,
    })
}

pub(super) fn failed<'a>(
    action: &'static str,
    file: &'a str,
) -> impl FnOnce(io::Error) -> MaintenanceError + 'a {
    move |source| MaintenanceError {
        action,
        file: file.to_owned(),
        source,
    }
}
