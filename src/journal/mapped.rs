//! The real storage: files of one directory, written through shared mappings.
//!
//! A store into the mapping is a store into the page cache, so what was appended survives a crash
//! of the process at once, without a system call. A sync is an `msync` of the range, which on Linux
//! writes the range's dirty pages and flushes the disk's cache; pages that were only populated
//! ahead are not written. Reads use `pread`, which sees the same page cache and reports a bad
//! sector as an error instead of a signal.
//!
//! A store into a hole of a full disk would end the process with SIGBUS. So every block is really
//! allocated when a file is prepared: space is reserved at once and then written with zeros, and a
//! full disk is an error there.

use super::storage::{Storage, StorageFile};
use memmap2::{Advice, MmapOptions, MmapRaw};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Zeros that `fill` writes at once. The kernel chooses the folios of the page cache by the size of a
/// write, and a store into a mapping makes a whole folio dirty: after filling by 1 MiB, each sync of
/// one order would write 1 MiB. Much smaller ones make long batches dear.
static ZEROS: [u8; 32 << 10] = [0; 32 << 10];

/// Permissions of new files: the owner's only, for the journal holds customers' data.
const FILE_MODE: u32 = 0o600;

/// Subdirectory of the feed's cursors; their names have it as prefix.
const CURSORS: &str = "cursors";

/// One directory of files.
#[derive(Clone, Debug)]
pub struct MappedStorage {
    directory: PathBuf,
    writable: bool,
}

/// One file; mapped where it may be written.
#[derive(Debug)]
pub struct MappedFile {
    file: File,
    map: Option<MmapRaw>,
    size_bytes: u64,
}

impl MappedStorage {
    /// The files of `directory`, which is created where it is missing, with its parents.
    pub fn create(directory: &Path) -> io::Result<Self> {
        let existed = directory.is_dir();
        fs::create_dir_all(directory.join(CURSORS))?;
        sync_path(directory)?;
        if !existed && let Some(parent) = directory.parent() {
            sync_path(if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            })?;
        }
        Ok(Self {
            directory: directory.to_owned(),
            writable: true,
        })
    }

    /// The files of an existing directory, for reading only: every change is refused.
    #[must_use]
    pub fn read_only(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            writable: false,
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.writable {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the directory was opened for reading only",
        ))
    }
}

fn sync_path(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl Storage for MappedStorage {
    type File = MappedFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for (prefix, directory) in [
            ("", self.directory.clone()),
            ("cursors/", self.directory.join(CURSORS)),
        ] {
            let entries = match fs::read_dir(directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound && !prefix.is_empty() => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                if entry.file_type()?.is_file()
                    && let Some(name) = entry.file_name().to_str()
                {
                    names.push(format!("{prefix}{name}"));
                }
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str, size: u64) -> io::Result<Self::File> {
        self.check_writable()?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(self.directory.join(name))?;
        let sized = file.set_len(size).and_then(|()| reserve(&file, size));
        if let Err(error) = sized {
            // A full disk wants its space back; the first error is the one to tell.
            let _ = self.remove(name);
            return Err(error);
        }
        MappedFile::new(file, true)
    }

    fn open(&self, name: &str) -> io::Result<Self::File> {
        let file = OpenOptions::new()
            .read(true)
            .write(self.writable)
            .open(self.directory.join(name))?;
        MappedFile::new(file, self.writable)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.check_writable()?;
        let (from, to) = (self.directory.join(from), self.directory.join(to));
        let here = rustix::fs::CWD;
        match rustix::fs::renameat_with(here, &from, here, &to, rustix::fs::RenameFlags::NOREPLACE)
        {
            // A file system without the flag: this process alone owns the directory.
            Err(rustix::io::Errno::INVAL) if !to.try_exists()? => fs::rename(from, to),
            other => other.map_err(io::Error::from),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.check_writable()?;
        fs::remove_file(self.directory.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.check_writable()?;
        sync_path(&self.directory)?;
        sync_path(&self.directory.join(CURSORS))
    }

    fn location(&self) -> String {
        self.directory.display().to_string()
    }
}

/// Reserves the blocks of a new file, in one piece where there is one. A file system that cannot
/// leaves it to the zeros that are written next.
fn reserve(file: &File, size: u64) -> io::Result<()> {
    let flags = rustix::fs::FallocateFlags::empty();
    match rustix::fs::fallocate(file, flags, 0, size) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
        other => other.map_err(io::Error::from),
    }
}

impl MappedFile {
    fn new(file: File, writable: bool) -> io::Result<Self> {
        let size_bytes = file.metadata()?.len();
        let map = if writable && size_bytes > 0 {
            let map = MmapOptions::new().map_raw(&file)?;
            // Read-ahead would bring the segment in use back in large folios; see `ZEROS`. Both are
            // hints: without them it is slower, not wrong.
            let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random);
            let _ = map.advise(Advice::Random);
            Some(map)
        } else {
            None
        };
        Ok(Self {
            file,
            map,
            size_bytes,
        })
    }

    /// The mapping and the range as sizes of memory, if the range lies in the file.
    fn range(&self, offset: u64, length: u64) -> io::Result<(&MmapRaw, usize, usize)> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "a range outside the file");
        let end = offset.checked_add(length).ok_or_else(outside)?;
        let Some(map) = &self.map else {
            return Err(io::ErrorKind::PermissionDenied.into());
        };
        if end > map.len() as u64 {
            return Err(outside());
        }
        let start = usize::try_from(offset).map_err(|_| outside())?;
        let length = usize::try_from(length).map_err(|_| outside())?;
        Ok((map, start, length))
    }
}

impl StorageFile for MappedFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, offset)
    }

    #[allow(unsafe_code)]
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (map, start, length) = self.range(offset, bytes.len() as u64)?;
        // SAFETY: `range` checked that the destination lies in the mapping, which lives as long as
        // `self`. No reference into the mapping is ever made (readers use pread), so the copy
        // aliases nothing; that only one thread writes a range is `StorageFile::write`'s contract.
        // Every page is backed by an allocated block of a file that nobody truncates while the
        // directory's lock is held.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), map.as_mut_ptr().add(start), length);
        }
        Ok(())
    }

    fn sync(&self, offset: u64, length: u64) -> io::Result<()> {
        let (map, start, length) = self.range(offset, length)?;
        map.flush_range(start, length)
    }

    fn fill(&self, offset: u64, length: u64) -> io::Result<()> {
        self.range(offset, length)?;
        let mut at = offset;
        while at < offset + length {
            let piece = (offset + length - at).min(ZEROS.len() as u64);
            let zeros = usize::try_from(piece)
                .ok()
                .and_then(|piece| ZEROS.get(..piece));
            self.file.write_all_at(zeros.unwrap_or_default(), at)?;
            at += piece;
        }
        Ok(())
    }

    fn populate(&self, offset: u64, length: u64) -> io::Result<()> {
        let (map, start, length) = self.range(offset, length)?;
        match map.advise_range(Advice::PopulateWrite, start, length) {
            // A kernel before 5.14: the first store into each page costs a fault instead.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }
}
