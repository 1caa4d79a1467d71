//! A disk that does everything a real one may do, from a seed.
//!
//! Every file has a *live* image (what reads return: the page cache) and a *durable* one (what a
//! power cut leaves). Faults that this disk injects, and nothing else:
//!
//! 1. **Lost, torn and reordered writes.** Of the sectors (512 bytes) written since their last
//!    successful sync, a crash keeps any subset, each on its own: the old bytes, the newest ones,
//!    those of any write in between, or a mix that changes over at some byte within the sector.
//!    Bytes that a successful sync covered never change in a crash, not even within a torn sector.
//! 2. **Failed sync.** `sync_directory` returns an error, and the changes stay unsynced. Or `sync`
//!    returns an error, an arbitrary part of the range's sectors reached
//!    the medium, and all of them count as clean from then on: reads still show what was written,
//!    and a later sync that succeeds does *not* write them. Only writing them again makes them
//!    dirty. (So does a real page cache after a write-back error.)
//! 3. **Kill.** The process ends, the machine goes on: reads after the restart show the live image,
//!    though a later crash may still reveal the durable one. Old handles fail from then on.
//! 4. **Lost directory changes.** Creations, renames and removals since the last `sync_directory`
//!    survive a crash or do not, each on its own, except that a change of a name is never kept
//!    when an earlier change of that name is lost.
//! 5. **Unfinished files.** A file of which nothing was ever synced may come back from a crash
//!    with any shorter size, also empty.
//! 6. **Full.** While told so, `create` and `fill` fail; bytes of files that exist stay writable.
//! 7. **Flipped bits at rest**, when asked to: outside the assumptions of `Storage`, so they may be
//!    refused as damage, but never be taken for truth.
//!
//! Everything happens on one thread, inside the call: a sync takes no time, and what is slow or
//! concurrent about a real one comes from the harness deciding when the sync step runs.

mod file;
mod storage;

use super::prng::{Salt, Stream};
use file::FileState;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that a medium writes in one piece, at best.
pub const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Create { name: String, id: u64 },
    Rename { from: String, to: String },
    Remove { name: String },
}

/// What this disk did, for the coverage that a run prints.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskCounts {
    pub crashes: u64,
    pub kills: u64,
    pub failed_syncs: u64,
    pub full_errors: u64,
    pub sectors_kept: u64,
    pub sectors_lost: u64,
    pub sectors_torn: u64,
    pub changes_lost: u64,
    pub files_cut: u64,
}

pub(super) struct State {
    files: BTreeMap<u64, FileState>,
    live_names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending: Vec<Change>,
    next_id: u64,
    /// Handles of an earlier process fail.
    process: u64,
    full: bool,
    /// Syncs that still succeed, and those after them that fail.
    failing_syncs: (u32, u32),
    stream: Stream,
    counts: DiskCounts,
}

/// The directory; clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    process: u64,
}

/// An open file of a [`SimDisk`].
pub struct SimFile {
    disk: SimDisk,
    id: u64,
    size_bytes: u64,
}

/// How much of the unsynced a crash keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survival {
    /// Chance of a dirty sector to be kept as written last, in a thousand.
    pub kept_per_mille: u32,
    /// Chance of a sector that is not kept to be torn or to hold an earlier write, in a thousand.
    pub torn_per_mille: u32,
    /// Chance of an unsynced directory change to be kept, in a thousand.
    pub changes_per_mille: u32,
}

impl SimDisk {
    /// An empty disk whose crashes follow `seed`.
    pub fn new(seed: u64) -> Self {
        let state = State {
            files: BTreeMap::new(),
            live_names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            next_id: 1,
            process: 0,
            full: false,
            failing_syncs: (0, 0),
            stream: Stream::new(seed, Salt::Disk),
            counts: DiskCounts::default(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            process: 0,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.process == self.process {
            Ok(state)
        } else {
            Err(Error::other("the process that opened this is gone"))
        }
    }

    /// Power goes: unsynced sectors and directory changes survive by chance. Returns the disk as
    /// the next process finds it.
    pub fn crash(&self, survival: Survival) -> Self {
        let mut state = self.state();
        let state = &mut *state;
        state.counts.crashes += 1;
        state.crash_names(survival);
        let names: BTreeSet<u64> = state.durable_names.values().copied().collect();
        state.files.retain(|id, _| names.contains(id));
        for file in state.files.values_mut() {
            file.crash(survival, &mut state.stream, &mut state.counts);
        }
        state.live_names = state.durable_names.clone();
        self.restarted(state)
    }

    /// The process goes, the machine stays. Returns the disk as the next process finds it.
    pub fn kill(&self) -> Self {
        let mut state = self.state();
        state.counts.kills += 1;
        self.restarted(&mut state)
    }

    fn restarted(&self, state: &mut State) -> Self {
        state.process += 1;
        state.failing_syncs = (0, 0);
        Self {
            state: Arc::clone(&self.state),
            process: state.process,
        }
    }

    /// An independent copy, whose faults do not touch this one.
    pub fn fork(&self) -> Self {
        let state = self.state();
        let copy = State {
            files: state.files.clone(),
            live_names: state.live_names.clone(),
            durable_names: state.durable_names.clone(),
            pending: state.pending.clone(),
            next_id: state.next_id,
            process: state.process,
            full: false,
            failing_syncs: (0, 0),
            stream: state.stream.clone(),
            counts: DiskCounts::default(),
        };
        Self {
            state: Arc::new(Mutex::new(copy)),
            process: self.process,
        }
    }

    /// As [`SimDisk::fork`], with faults of its own.
    pub fn fork_seeded(&self, seed: u64) -> Self {
        let fork = self.fork();
        fork.state().stream = Stream::new(seed, Salt::Disk);
        fork
    }

    /// From now on there is (no) room for new files.
    pub fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// Of the next syncs, of files and the directory, `skip` succeed and `count` after them fail.
    pub fn fail_syncs(&self, skip: u32, count: u32) {
        self.state().failing_syncs = (skip, count);
    }

    /// Adds a settled, durable file, as if it had been there for long.
    pub fn plant(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let id = state.next_id;
        state.next_id += 1;
        let file = FileState {
            live: bytes.clone(),
            durable: bytes,
            dirty: BTreeMap::new(),
            settled: true,
        };
        state.files.insert(id, file);
        state.live_names.insert(name.to_owned(), id);
        state.durable_names.insert(name.to_owned(), id);
    }

    /// Flips one bit of a file at rest, in both images.
    pub fn flip(&self, name: &str, offset: usize, bit: u8) {
        let mut state = self.state();
        let id = state.live_names[name];
        let file = state
            .files
            .get_mut(&id)
            .expect("a named file has its content");
        file.live[offset] ^= 1 << bit;
        file.durable[offset] ^= 1 << bit;
    }

    /// Names and sizes of the files as they are read now, in order of their names.
    pub fn names(&self) -> Vec<(String, usize)> {
        let state = self.state();
        let sized = |(name, id): (&String, &u64)| (name.clone(), state.files[id].live.len());
        state.live_names.iter().map(sized).collect()
    }

    /// What reading a range of a file returns.
    pub fn live_range(&self, name: &str, range: Range<usize>) -> Vec<u8> {
        let state = self.state();
        state.files[&state.live_names[name]].live[range].to_vec()
    }

    /// What a power cut would surely leave of a range; `None` where the file's name could be lost.
    pub fn durable_range(&self, name: &str, range: Range<usize>) -> Option<Vec<u8>> {
        let state = self.state();
        let id = state.durable_names.get(name)?;
        let file = &state.files[id];
        file.settled.then(|| file.durable[range].to_vec())
    }

    /// What was done so far.
    pub fn counts(&self) -> DiskCounts {
        self.state().counts
    }
}

impl State {
    fn crash_names(&mut self, survival: Survival) {
        let mut lost = BTreeSet::new();
        for change in std::mem::take(&mut self.pending) {
            let names: Vec<String> = match &change {
                Change::Create { name, .. } | Change::Remove { name } => vec![name.clone()],
                Change::Rename { from, to } => vec![from.clone(), to.clone()],
            };
            let kept = self.stream.chance(survival.changes_per_mille);
            if kept && !names.iter().any(|name| lost.contains(name)) {
                self.settle(&change);
            } else {
                self.counts.changes_lost += 1;
                lost.extend(names);
            }
        }
    }

    /// Whether the sync that comes now fails.
    fn sync_fails(&mut self) -> bool {
        let (skip, count) = &mut self.failing_syncs;
        let fails = *skip == 0 && *count > 0;
        *count -= u32::from(fails);
        *skip = skip.saturating_sub(1);
        self.counts.failed_syncs += u64::from(fails);
        fails
    }

    /// Makes one change of the directory durable.
    fn settle(&mut self, change: &Change) {
        match change {
            Change::Create { name, id } => {
                self.durable_names.insert(name.clone(), *id);
            }
            Change::Rename { from, to } => {
                if let Some(id) = self.durable_names.remove(from) {
                    self.durable_names.insert(to.clone(), id);
                }
            }
            Change::Remove { name } => {
                self.durable_names.remove(name);
            }
        }
    }
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("no file {name}"))
}
