//! Where journal bytes live: the trait between the journal and the medium.
//!
//! The real implementation maps files (`journal::mapped`); tests implement it with a disk that
//! keeps a live and a durable image. Everything the journal may rely on is said here; everything
//! else a medium may do wrong, and the simulated one does.
//!
//! Assumptions about the medium:
//! 1. What `sync` of a range returned `Ok` for is durable: it survives a crash and a power cut.
//! 2. Bytes outside the ranges that were ever written keep their value.
//! 3. After a crash each 512-byte sector holds either its last synced bytes or any bytes written
//!    to it since; sectors are independent of each other (torn and reordered writes).
//! 4. After a failed `sync` nothing is known about the range, although reading it back from the
//!    live image may still show the written bytes.

use std::io;

/// A directory of files of fixed size.
pub trait Storage: Send + Sync + 'static {
    /// An open file.
    type File: StorageFile;

    /// Names of all files, in no particular order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates a file of `size` bytes, all zero and really allocated once `fill` has covered it.
    /// Fails if it exists.
    fn create(&self, name: &str, size: u64) -> io::Result<Self::File>;

    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Renames a file, replacing none.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals so far durable.
    fn sync_directory(&self) -> io::Result<()>;

    /// Where it is, for messages to people.
    fn location(&self) -> String {
        String::from("this storage")
    }
}

/// One file; shared by the appender, the sync thread, the maintenance step and readers.
pub trait StorageFile: Send + Sync + 'static {
    /// Size in bytes, fixed at creation.
    fn size_bytes(&self) -> u64;

    /// Copies bytes from the live image; the range must be inside the file.
    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;

    /// Copies bytes to the live image; the range must be inside the file. Only one thread writes a
    /// given range.
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes a range durable. After an error the file must not be trusted again.
    fn sync(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Writes zeros to a range of a fresh file, so that its blocks are really allocated.
    fn fill(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Prepares a range for fast writes (faults pages in). A hint: never changes bytes.
    fn populate(&self, offset: u64, length: u64) -> io::Result<()>;
}
