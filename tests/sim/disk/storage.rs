//! The simulated disk as the journal sees it.

use super::file::FileState;
use super::{Change, SimDisk, SimFile};
use crate::sim::prng::Stream;
use onhand::journal::storage::{Storage, StorageFile};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};

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
        let id = *state
            .live_names
            .get(name)
            .ok_or_else(|| super::missing(name))?;
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
        let id = state
            .live_names
            .remove(from)
            .ok_or_else(|| super::missing(from))?;
        state.live_names.insert(to.to_owned(), id);
        state.pending.push(Change::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut state = self.alive()?;
        state
            .live_names
            .remove(name)
            .ok_or_else(|| super::missing(name))?;
        state.pending.push(Change::Remove {
            name: name.to_owned(),
        });
        Ok(())
    }

    fn sync_directory(&self) -> Result<()> {
        let mut state = self.alive()?;
        if state.sync_fails() {
            return Err(Error::other("simulated write-back error"));
        }
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
        let file = state
            .files
            .get_mut(&self.id)
            .ok_or_else(|| super::missing("id"))?;
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
        let fails = self.disk.alive()?.sync_fails();
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
