//! The real storage: mapped files of one directory, written with `pwrite`, synced by range.
//!
//! What was written is in the page cache, so it survives a crash of the process at once. A sync is
//! an `msync` of the mapped range, which on Linux writes the range's dirty pages and flushes the
//! disk's cache.
//!
//! Bytes do not go in by stores into the mapping: there the kernel learns only that a page was
//! touched, and with page caches kept in folios of up to 1 MiB it counts the whole folio as dirty,
//! so each sync of one order wrote 1 MiB (`cargo bench --bench journal` shows both). A `pwrite`
//! marks what it wrote. It also reports a full disk and a bad sector as errors, where a store or a
//! load ends the process with SIGBUS.
//!
//! Every block is really allocated when a file is prepared: space is reserved at once and then
//! written with zeros, so a full disk is an error there and not in the middle of a sale.

use super::storage::{Storage, StorageFile};
use memmap2::{MmapOptions, MmapRaw};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Zeros that `fill` writes at once. The kernel chooses the folios of the page cache by the size of a
/// write: small ones make long batches dear (a lookup each), large ones short batches (a walk over
/// the blocks of the folio each).
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

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

/// One file; mapped, for syncing by range, where it may be written.
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
            Some(MmapOptions::new().map_raw(&file)?)
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

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.range(offset, bytes.len() as u64)?;
        self.file.write_all_at(bytes, offset)
    }

    fn write_pair(&self, offset: u64, first: &[u8], second: &[u8]) -> io::Result<()> {
        let length = first.len() as u64 + second.len() as u64;
        self.range(offset, length)?;
        let pieces = [io::IoSlice::new(first), io::IoSlice::new(second)];
        let written =
            rustix::io::retry_on_intr(|| rustix::io::pwritev(&self.file, &pieces, offset))?;
        if written as u64 == length {
            return Ok(());
        }
        // Cut short, by a signal for one: what is left goes piece by piece.
        let rest = first.get(written..).unwrap_or_default();
        self.file.write_all_at(rest, offset + written as u64)?;
        let done = written.saturating_sub(first.len());
        let at = offset + first.len() as u64 + done as u64;
        self.file
            .write_all_at(second.get(done..).unwrap_or_default(), at)
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
        self.range(offset, length)?;
        // Preparing left the pages in the cache. Where memory was short since, a write of part of a
        // page would have to read the rest of it first: let that happen here.
        let length = NonZeroU64::new(length);
        let advice = rustix::fs::Advice::WillNeed;
        rustix::fs::fadvise(&self.file, offset, length, advice).map_err(io::Error::from)
    }
}
