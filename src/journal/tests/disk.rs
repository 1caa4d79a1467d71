//! A small disk in memory with a live and a durable image, for tests of the journal alone.

use crate::journal::storage::{Storage, StorageFile};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct Image {
    live: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<u64, Image>,
    live_names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    next_id: u64,
    failing_syncs: u32,
    failing_number: Option<u64>,
    full: bool,
    syncs: u64,
}

/// The disk; clones share it.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

pub struct DiskFile {
    disk: Disk,
    id: u64,
    size: u64,
}

impl Disk {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    /// A power cut: of each sector written since its last sync, `keep` decides whether the medium
    /// has it. Unsynced changes of names are lost.
    pub fn crash(&self, mut keep: impl FnMut() -> bool) {
        self.with(|state| {
            for image in state.files.values_mut() {
                for sector in std::mem::take(&mut image.dirty) {
                    if keep() {
                        let end = image.live.len().min((sector + 1) * SECTOR);
                        let range = sector * SECTOR..end;
                        image.durable[range.clone()].copy_from_slice(&image.live[range]);
                    }
                }
                image.live = image.durable.clone();
            }
            state.live_names = state.durable_names.clone();
        });
    }

    /// The next `count` syncs fail: nothing is written, yet all counts as clean.
    pub fn fail_syncs(&self, count: u32) {
        self.with(|state| {
            state.failing_syncs = count;
            state.failing_number = None;
        });
    }

    /// Of the syncs to come, number `number` fails, counted from 0.
    pub fn fail_sync_number(&self, number: u64) {
        self.with(|state| state.failing_number = Some(state.syncs + number));
    }

    /// Names of all files.
    pub fn list_names(&self) -> Vec<String> {
        self.with(|state| state.live_names.keys().cloned().collect())
    }

    /// From now on nothing can be created or filled, or it can again.
    pub fn set_full(&self, full: bool) {
        self.with(|state| state.full = full);
    }

    /// Syncs so far.
    pub fn syncs(&self) -> u64 {
        self.with(|state| state.syncs)
    }

    /// An independent copy, unsynced state included.
    pub fn fork(&self) -> Disk {
        self.with(|state| {
            Disk(Arc::new(Mutex::new(State {
                files: state.files.clone(),
                live_names: state.live_names.clone(),
                durable_names: state.durable_names.clone(),
                next_id: state.next_id,
                ..State::default()
            })))
        })
    }

    /// Changes the bytes of a file in both images, as a failing medium or an editor does.
    pub fn alter(&self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        self.with(|state| {
            let id = state.live_names[name];
            let image = state.files.get_mut(&id).unwrap();
            change(&mut image.live);
            change(&mut image.durable);
        });
    }

    /// The live bytes of a file.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.with(|state| state.files[&state.live_names[name]].live.clone())
    }

    /// Removes a name from both images.
    pub fn lose(&self, name: &str) {
        self.with(|state| {
            state.live_names.remove(name);
            state.durable_names.remove(name);
        });
    }
}

fn missing() -> Error {
    Error::from(ErrorKind::NotFound)
}

impl Storage for Disk {
    type File = DiskFile;

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.with(|state| state.live_names.keys().cloned().collect()))
    }

    fn create(&self, name: &str, size: u64) -> Result<DiskFile> {
        self.with(|state| {
            if state.full {
                return Err(Error::from(ErrorKind::StorageFull));
            }
            if state.live_names.contains_key(name) {
                return Err(Error::from(ErrorKind::AlreadyExists));
            }
            state.next_id += 1;
            let id = state.next_id;
            // What a fresh file holds before it is filled is nobody's business: not zeros.
            let bytes = vec![0xEE; size as usize];
            state.files.insert(
                id,
                Image {
                    live: bytes.clone(),
                    durable: bytes,
                    dirty: BTreeSet::new(),
                },
            );
            state.live_names.insert(name.to_owned(), id);
            let disk = self.clone();
            Ok(DiskFile { disk, id, size })
        })
    }

    fn open(&self, name: &str) -> Result<DiskFile> {
        self.with(|state| {
            let id = *state.live_names.get(name).ok_or_else(missing)?;
            let size = state.files[&id].live.len() as u64;
            let disk = self.clone();
            Ok(DiskFile { disk, id, size })
        })
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.with(|state| {
            if state.live_names.contains_key(to) {
                return Err(Error::from(ErrorKind::AlreadyExists));
            }
            let id = state.live_names.remove(from).ok_or_else(missing)?;
            state.live_names.insert(to.to_owned(), id);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.with(|state| {
            state
                .live_names
                .remove(name)
                .map(|_| ())
                .ok_or_else(missing)
        })
    }

    fn sync_directory(&self) -> Result<()> {
        self.with(|state| state.durable_names = state.live_names.clone());
        Ok(())
    }
}

impl DiskFile {
    fn with<T>(&self, act: impl FnOnce(&mut Image) -> T) -> T {
        self.disk
            .with(|state| act(state.files.get_mut(&self.id).unwrap()))
    }

    fn store(&self, offset: u64, bytes: &[u8]) {
        let start = offset as usize;
        self.with(|image| {
            image.live[start..start + bytes.len()].copy_from_slice(bytes);
            if !bytes.is_empty() {
                image
                    .dirty
                    .extend(start / SECTOR..=(start + bytes.len() - 1) / SECTOR);
            }
        });
    }
}

impl StorageFile for DiskFile {
    fn size_bytes(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        let start = offset as usize;
        self.with(|image| into.copy_from_slice(&image.live[start..start + into.len()]));
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.store(offset, bytes);
        Ok(())
    }

    fn sync(&self, offset: u64, length: u64) -> Result<()> {
        let fails = self.disk.with(|state| {
            let fails = state.failing_syncs > 0 || state.failing_number == Some(state.syncs);
            state.syncs += 1;
            state.failing_syncs = state.failing_syncs.saturating_sub(1);
            fails
        });
        if length == 0 {
            return Ok(());
        }
        self.with(|image| {
            let first = offset as usize / SECTOR;
            let last = (offset + length - 1) as usize / SECTOR;
            for sector in first..=last {
                if image.dirty.remove(&sector) && !fails {
                    let end = image.live.len().min((sector + 1) * SECTOR);
                    let range = sector * SECTOR..end;
                    image.durable[range.clone()].copy_from_slice(&image.live[range]);
                }
            }
        });
        if fails {
            return Err(Error::other("write-back failed"));
        }
        Ok(())
    }

    fn fill(&self, offset: u64, length: u64) -> Result<()> {
        if self.disk.with(|state| state.full) {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        self.store(offset, &vec![0; length as usize]);
        Ok(())
    }

    fn populate(&self, _offset: u64, _length: u64) -> Result<()> {
        Ok(())
    }
}
