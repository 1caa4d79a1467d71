//! The data directory: who owns it, what it holds, and the secret that keys its order index.
//!
//! ```text
//! DIR/lock          pid of the owner; locked for as long as a server runs
//! DIR/meta          format version and number of shards
//! DIR/secret        32 random bytes, readable by the owner only
//! DIR/channel-tokens/   access tokens that marketplaces gave out, a file a channel, owner only
//! DIR/shard-0000/   journal of shard 0: segments, spares, cursors
//! ```

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Version of the directory's layout that this build reads and writes.
const FORMAT_VERSION: u32 = 1;

/// Bytes of the secret.
const SECRET_BYTES: usize = 32;

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// Another process owns it. Stop that one, or use another directory.
    #[error("{} is in use by process {pid}; stop it or choose another --data", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The owner, as it wrote it.
        pid: String,
    },
    /// It was made with another number of shards, which cannot change afterwards.
    #[error("{} was created with {found} shards, not {wanted}: start with --shards {found}", path.display())]
    Shards {
        /// The directory.
        path: PathBuf,
        /// In the meta file.
        found: u16,
        /// Configured.
        wanted: u16,
    },
    /// A file of the directory does not say what it should.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// An owned data directory; the lock is held until this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    secret: [u8; SECRET_BYTES],
    _lock: Lock,
}

/// The locked file of a directory's owner.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that another thread starts at this moment has a copy of
        // the file until it runs, and the lock is the copy's as well. Where this fails, the end of
        // the process unlocks.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl DataDir {
    /// Opens the directory, creating it if it is missing, and takes its lock.
    ///
    /// # Errors
    /// In use, made for another number of shards, malformed, or refused by the system.
    pub fn open(path: &Path, shards: u16) -> Result<Self, DataDirError> {
        let at = |action, path: &Path| {
            let path = path.to_owned();
            move |source| DataDirError::Io {
                action,
                path,
                source,
            }
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(at("create", path))?;
        let lock = take_lock(path)?;
        let meta = path.join("meta");
        match std::fs::read_to_string(&meta) {
            Ok(text) => check_meta(path, &meta, &text, shards)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = path.join("secret");
                let mut random = [0; SECRET_BYTES];
                getrandom::fill(&mut random)
                    .map_err(|error| at("draw a secret for", &secret)(error.into()))?;
                write_durably(path, "secret", &random).map_err(at("write", &secret))?;
                let text = format!("onhand-data {FORMAT_VERSION}\nshards {shards}\n");
                // Last, so that a directory with a meta file is complete.
                write_durably(path, "meta", text.as_bytes()).map_err(at("write", &meta))?;
            }
            Err(source) => return Err(at("read", &meta)(source)),
        }
        Ok(Self {
            path: path.to_owned(),
            secret: read_secret(path)?,
            _lock: lock,
        })
    }

    /// The directory of one shard's journal, created if it is missing.
    ///
    /// # Errors
    /// What the system says.
    pub fn shard(&self, shard: u16) -> Result<PathBuf, DataDirError> {
        let path = shard_path(&self.path, shard);
        let made = std::fs::create_dir(&path);
        let io = |source| DataDirError::Io {
            action: "create",
            path: path.clone(),
            source,
        };
        match made {
            Ok(()) => sync_directory(&self.path).map_err(io)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(io(source)),
        }
        Ok(path)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// 32 random bytes that never leave the directory.
    #[must_use]
    pub fn secret(&self) -> [u8; SECRET_BYTES] {
        self.secret
    }
}

/// The directory of one shard's journal within a data directory.
#[must_use]
pub fn shard_path(data: &Path, shard: u16) -> PathBuf {
    data.join(format!("shard-{shard:04}"))
}

/// The number of shards that a data directory was created with.
///
/// # Errors
/// If there is no readable meta file.
pub fn shard_count(data: &Path) -> Result<u16, DataDirError> {
    let meta = data.join("meta");
    let text = std::fs::read_to_string(&meta).map_err(|source| DataDirError::Io {
        action: "read",
        path: meta.clone(),
        source,
    })?;
    parse_meta(&meta, &text)
}

fn take_lock(path: &Path) -> Result<Lock, DataDirError> {
    let name = path.join("lock");
    let io = |action| {
        let path = name.clone();
        move |source| DataDirError::Io {
            action,
            path,
            source,
        }
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(io("open"))?;
    if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(io("lock")(error.into()));
        }
        let mut pid = String::new();
        file.read_to_string(&mut pid).map_err(io("read"))?;
        let pid = pid.trim().to_owned();
        return Err(DataDirError::InUse {
            path: path.to_owned(),
            pid,
        });
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(io("write"))?;
    Ok(Lock(file))
}

fn check_meta(dir: &Path, meta: &Path, text: &str, wanted: u16) -> Result<(), DataDirError> {
    let found = parse_meta(meta, text)?;
    if found == wanted {
        Ok(())
    } else {
        Err(DataDirError::Shards {
            path: dir.to_owned(),
            found,
            wanted,
        })
    }
}

fn parse_meta(meta: &Path, text: &str) -> Result<u16, DataDirError> {
    let malformed = |reason| DataDirError::Malformed {
        path: meta.to_owned(),
        reason,
    };
    let mut lines = text.lines();
    let version = lines
        .next()
        .and_then(|line| line.strip_prefix("onhand-data "));
    let version: u32 = version
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| malformed("the first line is not `onhand-data VERSION`"))?;
    if version != FORMAT_VERSION {
        return Err(malformed(
            "the format version is not 1; use the build that wrote it",
        ));
    }
    lines
        .next()
        .and_then(|line| line.strip_prefix("shards "))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| malformed("the second line is not `shards N`"))
}

fn read_secret(dir: &Path) -> Result<[u8; SECRET_BYTES], DataDirError> {
    let path = dir.join("secret");
    let bytes = std::fs::read(&path).map_err(|source| DataDirError::Io {
        action: "read",
        path: path.clone(),
        source,
    })?;
    bytes.try_into().map_err(|_| DataDirError::Malformed {
        path,
        reason: "the secret is not 32 bytes",
    })
}

/// Writes a file under a temporary name, syncs it, renames it, and syncs the directory.
fn write_durably(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.new"));
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, dir.join(name))?;
    sync_directory(dir)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_keeps_its_secret_and_its_number_of_shards() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("data");
        let first = DataDir::open(&path, 2).expect("created").secret();
        let again = DataDir::open(&path, 2).expect("opened again").secret();
        assert_eq!(first, again);
        assert_ne!(first, [0; 32]);
        let other = DataDir::open(&path, 3).expect_err("another number of shards");
        assert!(matches!(
            other,
            DataDirError::Shards {
                found: 2,
                wanted: 3,
                ..
            }
        ));
        assert_eq!(shard_count(&path).expect("readable"), 2);
    }

    #[test]
    fn a_second_owner_is_refused_with_the_pid_of_the_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let _owner = DataDir::open(dir.path(), 1).expect("free");
        let error = DataDir::open(dir.path(), 1).expect_err("in use");
        assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        );
    }

    #[test]
    fn an_owner_that_is_gone_leaves_no_lock_with_a_copy_of_its_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let lock = take_lock(dir.path()).expect("free");
        // As a program has it that is just being started.
        let _copy = lock.0.try_clone().expect("a copy");
        drop(lock);
        take_lock(dir.path()).expect("free again");
    }

    #[test]
    fn a_meta_file_of_another_version_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("meta"), "onhand-data 9\nshards 1\n").expect("written");
        let error = DataDir::open(dir.path(), 1).expect_err("another version");
        assert!(error.to_string().contains("version"), "{error}");
    }
}
