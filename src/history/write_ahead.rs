//! SQLite's write-ahead log, on its way to the disk in small pieces.
//!
//! ```text
//!  commit ─▶ log in the page cache ─▶ 256 KiB ─▶ disk ─▶ 256 KiB ─▶ disk ─▶ …
//!                                        └ between two of them the journal's sync gets through
//! ```
//!
//! Left to SQLite, the log is written by one sync every 128 MiB. The disk is then busy for tens of
//! milliseconds, in which no sync of the journal returns and no order is answered.
#![allow(unsafe_code)] // no safe wrapper knows this call; the block says why it is sound

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Bytes that are on their way to the disk at once: some 0.1 ms of it.
const PIECE_BYTES: u64 = 256 << 10;

/// The log beside a database file.
#[derive(Debug)]
pub(super) struct WriteAheadLog {
    path: PathBuf,
    /// Once it exists. To close it gives nothing free: SQLite locks the database file and the index
    /// of the log, not the log.
    file: Option<File>,
}

impl WriteAheadLog {
    /// The log of the database in `database`.
    pub fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self {
            path: path.into(),
            file: None,
        }
    }

    /// Writes what the log holds to the disk, piece by piece, and waits for each. Not a sync: what
    /// a crash leaves is SQLite's business as before. Returns the bytes looked at, 0 without a log.
    ///
    /// # Errors
    /// The log cannot be opened, or the disk refuses a write; SQLite's next sync tells the latter too.
    pub fn write_out(&mut self) -> io::Result<u64> {
        let file = match &self.file {
            Some(file) => file,
            None => match File::open(&self.path) {
                Ok(file) => self.file.insert(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error),
            },
        };
        let length = file.metadata()?.len();
        let mut at = 0;
        while at < length {
            write_piece(file, at)?;
            at += PIECE_BYTES;
        }
        Ok(length)
    }
}

/// Writes the piece at `at`, where there is something to write. A file system that does not know the
/// call leaves it to the next sync.
fn write_piece(file: &File, at: u64) -> io::Result<()> {
    let (Ok(at), Ok(length)) = (i64::try_from(at), i64::try_from(PIECE_BYTES)) else {
        return Ok(());
    };
    let flags = libc::SYNC_FILE_RANGE_WRITE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    // SAFETY: the descriptor is open as long as `file` is borrowed, and the call takes numbers only.
    if unsafe { libc::sync_file_range(file.as_raw_fd(), at, length, flags) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => Ok(()),
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::database::Database;
    use super::super::error::HistoryError;
    use super::super::target::HistoryTarget;
    use super::*;

    #[test]
    fn a_log_is_written_out_as_soon_as_there_is_one_and_keeps_its_bytes() {
        let directory = tempfile::tempdir().expect("a directory");
        let database = directory.path().join("history.sqlite");
        let mut log = WriteAheadLog::of(&database);
        assert_eq!(log.write_out().expect("no log is no error"), 0);
        let bytes: Vec<u8> = (0..3 * PIECE_BYTES + 5)
            .map(|at| (at % 251) as u8)
            .collect();
        let path = directory.path().join("history.sqlite-wal");
        std::fs::write(&path, &bytes).expect("a file");
        assert_eq!(log.write_out().expect("a good disk"), bytes.len() as u64);
        assert_eq!(std::fs::read(&path).expect("the file"), bytes);
    }

    #[test]
    fn a_commit_finds_the_log_that_sqlite_writes_and_writes_it_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let target = HistoryTarget::Sqlite(directory.path().join("history.sqlite"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let mut database = runtime
            .block_on(async {
                let mut database = Database::open(&target).await?;
                database.begin().await?;
                database.commit().await?;
                Ok::<_, HistoryError>(database)
            })
            .expect("a new history");
        let log = database.log.as_mut().expect("SQLite has one");
        assert!(log.file.is_some(), "the commit looked for {:?}", log.path);
        assert!(log.write_out().expect("a good disk") > 0);
        runtime.block_on(database.close());
    }

    #[test]
    fn a_piece_that_cannot_be_written_is_an_error() {
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let pipe = File::from(std::os::fd::OwnedFd::from(reader));
        let refused = write_piece(&pipe, 0).expect_err("a pipe is on no disk");
        assert_eq!(refused.raw_os_error(), Some(libc::ESPIPE));
    }
}
