//! A disk that does everything a real one may do, from a seed.
//!
//! Every file has a *live* image (what reads return: the page cache) and a *durable* one (what a
//! power cut leaves). Faults that this disk injects, and nothing else:
//!
//! 1. **Lost, torn and reordered writes.** Of the sectors (512 bytes) written since their last
//!    successful sync, a crash keeps any subset, each on its own: the old bytes, the newest ones,
//!    those of any write in between, or a mix that changes over at some byte within the sector.
//!    Bytes that a successful sync covered never change in a crash, not even within a torn sector.
//! 2. **Failed sync.** `sync` returns an error, an arbitrary part of the range's sectors reached
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

use super::prng::{Salt, Stream};
use onhand::journal::storage::{Storage, StorageFile};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that a medium writes in one piece, at best.
pub const SECTOR_BYTES: usize = 512;

/// Images remembered of one sector between two syncs; in a longer run the second oldest goes.
const IMAGES_MAX: usize = 4;

type Image = [u8; SECTOR_BYTES];

#[derive(Clone, Default)]
struct FileState {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors written since they were last synced, each with its images since, oldest first.
    dirty: BTreeMap<usize, Vec<Image>>,
    /// Some sync succeeded, so the file has its size for good.
    settled: bool,
}

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

struct State {
    files: BTreeMap<u64, FileState>,
    live_names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending: Vec<Change>,
    next_id: u64,
    /// Handles of an earlier process fail.
    process: u64,
    full: bool,
    failing_syncs: u32,
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
            failing_syncs: 0,
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
        state.failing_syncs = 0;
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
            failing_syncs: 0,
            stream: state.stream.clone(),
            counts: DiskCounts::default(),
        };
        Self {
            state: Arc::new(Mutex::new(copy)),
            process: self.process,
        }
    }

    /// From now on there is (no) room for new files.
    pub fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// The next `count` calls of `sync` on files fail.
    pub fn fail_syncs(&self, count: u32) {
        self.state().failing_syncs = count;
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

    /// What reading a whole file returns.
    pub fn live_bytes(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[&state.live_names[name]].live.clone()
    }

    /// What a power cut would surely leave of a file; `None` where its name could be lost.
    pub fn durable_bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let id = state.durable_names.get(name)?;
        Some(state.files[id].durable.clone())
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

impl FileState {
    fn image(&self, sector: usize) -> Image {
        let mut image = [0; SECTOR_BYTES];
        let start = sector * SECTOR_BYTES;
        let end = self.live.len().min(start + SECTOR_BYTES);
        image[..end - start].copy_from_slice(&self.live[start..end]);
        image
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.live[offset..offset + bytes.len()].copy_from_slice(bytes);
        for sector in sectors(offset, bytes.len()) {
            let image = self.image(sector);
            let images = self.dirty.entry(sector).or_default();
            images.push(image);
            if images.len() > IMAGES_MAX {
                images.remove(1);
            }
        }
    }

    /// Makes the dirty bytes of a range durable. Sectors that are only partly in it stay dirty, but
    /// their bytes inside the range are settled whatever a crash does to the rest.
    fn sync(&mut self, offset: usize, length: usize) {
        let end = offset + length;
        for sector in sectors(offset, length) {
            let Some(images) = self.dirty.get_mut(&sector) else {
                continue;
            };
            let start = sector * SECTOR_BYTES;
            let from = offset.max(start);
            let to = end.min(start + SECTOR_BYTES).min(self.live.len());
            self.durable[from..to].copy_from_slice(&self.live[from..to]);
            let whole = from == start && to == self.live.len().min(start + SECTOR_BYTES);
            if whole {
                self.dirty.remove(&sector);
            } else {
                for image in images {
                    image[from - start..to - start].copy_from_slice(&self.live[from..to]);
                }
            }
        }
        self.settled = true;
    }

    /// A sync that fails: some sectors got through, and none is dirty any more.
    fn fail_sync(&mut self, offset: usize, length: usize, stream: &mut Stream) {
        for sector in sectors(offset, length) {
            if self.dirty.remove(&sector).is_some() && stream.chance(400) {
                let start = sector * SECTOR_BYTES;
                let end = self.live.len().min(start + SECTOR_BYTES);
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
    }

    fn crash(&mut self, survival: Survival, stream: &mut Stream, counts: &mut DiskCounts) {
        for (sector, images) in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR_BYTES;
            let end = self.durable.len().min(start + SECTOR_BYTES);
            let Some(newest) = images.last() else {
                continue;
            };
            if stream.chance(survival.kept_per_mille) {
                counts.sectors_kept += 1;
                self.durable[start..end].copy_from_slice(&newest[..end - start]);
            } else if stream.chance(survival.torn_per_mille) {
                counts.sectors_torn += 1;
                let image = *stream.pick(&images);
                let cut = start + stream.index(end - start + 1);
                if stream.chance(500) {
                    self.durable[start..cut].copy_from_slice(&image[..cut - start]);
                } else {
                    self.durable[cut..end].copy_from_slice(&image[cut - start..end - start]);
                }
            } else {
                counts.sectors_lost += 1;
            }
        }
        if !self.settled && stream.chance(700) {
            counts.files_cut += 1;
            let length = stream.index(self.durable.len() / SECTOR_BYTES + 1) * SECTOR_BYTES;
            self.durable
                .truncate(if stream.chance(500) { 0 } else { length });
        }
        self.settled = true;
        self.live.clone_from(&self.durable);
    }
}

fn sectors(offset: usize, length: usize) -> std::ops::Range<usize> {
    if length == 0 {
        return 0..0;
    }
    offset / SECTOR_BYTES..(offset + length).div_ceil(SECTOR_BYTES)
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("no file {name}"))
}

impl Storage for SimDisk {
    type File = SimFile;

    fn list(&self) -> Result<Vec<String>> {
        let state = self.alive()?;
        Ok(state.live_names.keys().cloned().collect())
    }

    fn create(&self, name: &str, size: u64) -> Result<SimFile> {
        let mut state = self.alive()?;
        if state.live_names.contains_key(name) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("{name} exists"),
            ));
        }
        if state.full {
            state.counts.full_errors += 1;
            return Err(ErrorKind::StorageFull.into());
        }
        let id = state.next_id;
        state.next_id += 1;
        let file = FileState {
            live: vec![0; size as usize],
            durable: vec![0; size as usize],
            dirty: BTreeMap::new(),
            settled: false,
        };
        state.files.insert(id, file);
        state.live_names.insert(name.to_owned(), id);
        state.pending.push(Change::Create {
            name: name.to_owned(),
            id,
        });
        Ok(SimFile {
            disk: self.clone(),
            id,
            size_bytes: size,
        })
    }

    fn open(&self, name: &str) -> Result<SimFile> {
        let state = self.alive()?;
        let id = *state.live_names.get(name).ok_or_else(|| missing(name))?;
        Ok(SimFile {
            disk: self.clone(),
            id,
            size_bytes: state.files[&id].live.len() as u64,
        })
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut state = self.alive()?;
        if state.live_names.contains_key(to) {
            return Err(Error::new(ErrorKind::AlreadyExists, format!("{to} exists")));
        }
        let id = state.live_names.remove(from).ok_or_else(|| missing(from))?;
        state.live_names.insert(to.to_owned(), id);
        state.pending.push(Change::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut state = self.alive()?;
        state.live_names.remove(name).ok_or_else(|| missing(name))?;
        state.pending.push(Change::Remove {
            name: name.to_owned(),
        });
        Ok(())
    }

    fn sync_directory(&self) -> Result<()> {
        let mut state = self.alive()?;
        for change in std::mem::take(&mut state.pending) {
            state.settle(&change);
        }
        Ok(())
    }
}

impl SimFile {
    /// Runs `act` on the file's state, once the process and the range are found right.
    fn with<T>(
        &self,
        offset: u64,
        length: u64,
        act: impl FnOnce(&mut FileState, &mut Stream) -> T,
    ) -> Result<T> {
        let mut state = self.disk.alive()?;
        let state = &mut *state;
        let file = state.files.get_mut(&self.id).ok_or_else(|| missing("id"))?;
        let end = offset.checked_add(length);
        if end.is_none_or(|end| end > file.live.len() as u64) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "range outside the file",
            ));
        }
        Ok(act(file, &mut state.stream))
    }
}

impl StorageFile for SimFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        let length = into.len();
        self.with(offset, length as u64, |file, _| {
            let start = offset as usize;
            into.copy_from_slice(&file.live[start..start + length]);
        })
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.with(offset, bytes.len() as u64, |file, _| {
            file.write(offset as usize, bytes);
        })
    }

    fn sync(&self, offset: u64, length: u64) -> Result<()> {
        let fails = {
            let mut state = self.disk.alive()?;
            let fails = state.failing_syncs > 0;
            if fails {
                state.failing_syncs -= 1;
                state.counts.failed_syncs += 1;
            }
            fails
        };
        self.with(offset, length, |file, stream| {
            if fails {
                file.fail_sync(offset as usize, length as usize, stream);
                Err(Error::other("simulated write-back error"))
            } else {
                file.sync(offset as usize, length as usize);
                Ok(())
            }
        })?
    }

    fn fill(&self, offset: u64, length: u64) -> Result<()> {
        {
            let mut state = self.disk.alive()?;
            if state.full {
                state.counts.full_errors += 1;
                return Err(ErrorKind::StorageFull.into());
            }
        }
        self.with(offset, length, |file, _| {
            file.write(offset as usize, &vec![0; length as usize]);
        })
    }

    fn populate(&self, offset: u64, length: u64) -> Result<()> {
        self.with(offset, length, |_, _| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Survival = Survival {
        kept_per_mille: 0,
        torn_per_mille: 0,
        changes_per_mille: 0,
    };

    fn read(disk: &SimDisk, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let file = disk.open("a").expect("the file is there");
        file.read(offset, &mut bytes).expect("inside the file");
        bytes
    }

    fn settled(seed: u64) -> (SimDisk, SimFile) {
        let disk = SimDisk::new(seed);
        let file = disk.create("a", 4_096).unwrap();
        file.fill(0, 4_096).unwrap();
        file.sync(0, 4_096).unwrap();
        disk.sync_directory().unwrap();
        (disk, file)
    }

    #[test]
    fn a_crash_keeps_what_was_synced_to_the_byte_and_may_drop_the_rest() {
        let (disk, file) = settled(1);
        file.write(100, &[1; 1_000]).unwrap();
        file.sync(100, 300).unwrap();
        let disk = disk.crash(NOTHING);
        assert_eq!(read(&disk, 100, 300), vec![1; 300]);
        assert_eq!(read(&disk, 400, 700), vec![0; 700]);
        assert!(
            file.write(0, &[1]).is_err(),
            "a handle of the process before"
        );
    }

    #[test]
    fn a_kill_keeps_what_was_written_until_the_machine_crashes() {
        let (disk, file) = settled(2);
        file.write(0, &[7; 10]).unwrap();
        let disk = disk.kill();
        assert_eq!(read(&disk, 0, 10), vec![7; 10]);
        let disk = disk.crash(NOTHING);
        assert_eq!(read(&disk, 0, 10), vec![0; 10]);
    }

    #[test]
    fn after_a_failed_sync_only_writing_again_helps() {
        for seed in 0..20 {
            let (disk, file) = settled(seed);
            file.write(0, &[7; 4_096]).unwrap();
            disk.fail_syncs(1);
            assert!(file.sync(0, 4_096).is_err());
            file.sync(0, 4_096).unwrap();
            assert_eq!(read(&disk, 0, 4_096), vec![7; 4_096], "the cache shows it");
            let again = disk.fork();
            let crashed = disk.crash(NOTHING);
            assert_ne!(read(&crashed, 0, 4_096), vec![7; 4_096], "the medium lacks");
            let file = again.open("a").unwrap();
            file.write(0, &[7; 4_096]).unwrap();
            file.sync(0, 4_096).unwrap();
            assert_eq!(read(&again.crash(NOTHING), 0, 4_096), vec![7; 4_096]);
        }
    }

    #[test]
    fn an_unsynced_name_may_be_lost_and_an_unsynced_file_may_be_cut() {
        let disk = SimDisk::new(3);
        disk.create("a", 4_096).unwrap();
        assert!(disk.fork().crash(NOTHING).open("a").is_err());
        disk.sync_directory().unwrap();
        let sizes: BTreeSet<u64> = (0..50)
            .map(|seed| {
                let fork = disk.fork();
                fork.state().stream = Stream::new(seed, Salt::Disk);
                fork.crash(NOTHING).open("a").unwrap().size_bytes()
            })
            .collect();
        assert!(sizes.contains(&0) && sizes.contains(&4_096) && sizes.len() > 2);
    }

    #[test]
    fn a_full_disk_refuses_new_files_and_takes_old_bytes() {
        let (disk, file) = settled(4);
        disk.set_full(true);
        assert!(disk.create("b", 512).is_err());
        assert!(file.fill(0, 512).is_err());
        file.write(0, &[1]).unwrap();
    }
}
