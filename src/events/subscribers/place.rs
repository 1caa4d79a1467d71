//! A subscriber's cursor, in a file that is replaced as a whole.
//!
//! ```text
//! DATA/subscribers/NAME.json   {"version":1,"tenant":"acme","shard":0,"sequence":4711,"gone":null}
//! ```
//!
//! A new state is written beside it, synced, and put in its place, so a crash leaves the old one or
//! the new one. Whoever asked for a write may have gone away meanwhile and another one asked: writes
//! go one after the other, and one that was asked for earlier never follows a later one.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The layout that this build reads and writes.
const VERSION: u32 = 1;

/// Why a cursor file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The system refused. Mend what it says, then start again.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// It is not a cursor of this version. Restore it, or remove it to begin anew.
    #[error(
        "the cursor file {} is damaged; restore it from a copy, or remove it: the subscriber then \
         begins as a new one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The subscriber was another tenant's. Give it another name, or remove the file.
    #[error(
        "the cursor file {} is of tenant `{found}` on shard {shard}: give the subscriber another \
         name, or remove the file to begin anew",
        path.display()
    )]
    Another {
        /// The file.
        path: PathBuf,
        /// Whose cursor it is.
        found: String,
        /// Of which shard.
        shard: u16,
    },
}

/// What is kept of a subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// Whose events.
    pub tenant: String,
    /// Of which journal.
    pub shard: u16,
    /// The last record that needs not be sent again; 0: none.
    pub sequence: u64,
    /// Hash of the address that answered that it is gone for good.
    pub gone: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Versioned {
    version: u32,
    #[serde(flatten)]
    kept: serde_json::Value,
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct PlaceFile {
    directory: PathBuf,
    path: PathBuf,
    turns: Arc<Turns>,
}

/// Which writes were asked for and done, shared by all copies of a file.
#[derive(Debug, Default)]
struct Turns {
    asked: AtomicU64,
    /// The latest turn that was done. Locked while the file is written.
    done: Mutex<u64>,
}

/// A place in the order of writes: that of asking for them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn(u64);

impl PlaceFile {
    /// The file of subscriber `name`, in a directory that need not be there.
    pub fn new(directory: &Path, name: &str) -> Self {
        Self {
            directory: directory.to_owned(),
            path: directory.join(format!("{name}.json")),
            turns: Arc::default(),
        }
    }

    /// The turn of a write that is asked for now.
    pub fn turn(&self) -> Turn {
        Turn(self.turns.asked.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// What it says; `None` where it is not there.
    pub fn read(&self) -> Result<Option<Kept>, PlaceError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &self.path)(error)),
        };
        let found: Option<Versioned> = serde_json::from_str(&text).ok();
        let found = found.filter(|found| found.version == VERSION);
        let kept = found.and_then(|found| serde_json::from_value(found.kept).ok());
        let damaged = || PlaceError::Damaged {
            path: self.path.clone(),
        };
        kept.map(Some).ok_or_else(damaged)
    }

    /// Requires that a cursor is this tenant's on this shard.
    pub fn is_of(&self, kept: &Kept, tenant: &str, shard: u16) -> Result<(), PlaceError> {
        if kept.tenant == tenant && kept.shard == shard {
            return Ok(());
        }
        Err(PlaceError::Another {
            path: self.path.clone(),
            found: kept.tenant.clone(),
            shard: kept.shard,
        })
    }

    /// Makes a state durable, unless one that was asked for later is already.
    pub fn write(&self, turn: Turn, kept: &Kept) -> Result<(), PlaceError> {
        let mut done = self.turns.done.lock();
        if turn.0 < *done {
            return Ok(()); // nobody waits for this one any more
        }
        *done = turn.0;
        let json = serde_json::json!({
            "version": VERSION,
            "tenant": kept.tenant,
            "shard": kept.shard,
            "sequence": kept.sequence,
            "gone": kept.gone,
        });
        fs::create_dir_all(&self.directory).map_err(failed("create", &self.directory))?;
        let half = self.path.with_extension("tmp");
        let mut file = File::create(&half).map_err(failed("create", &half))?;
        writeln!(file, "{json}")
            .and_then(|()| file.sync_all())
            .map_err(failed("write", &half))?;
        fs::rename(&half, &self.path).map_err(failed("replace", &self.path))?;
        let directory = File::open(&self.directory).and_then(|directory| directory.sync_all());
        directory.map_err(failed("sync", &self.directory))
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PlaceError {
    let path = path.to_owned();
    move |source| PlaceError::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_at_the_same_time_never_damage_the_file_and_the_one_asked_for_last_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = PlaceFile::new(directory.path(), "crm");
        let kept = |sequence: u64| Kept {
            tenant: "acme".repeat(usize::try_from(sequence % 7).expect("small")),
            shard: 3,
            sequence,
            gone: None,
        };
        let turns: Vec<Turn> = (0..64).map(|_| file.turn()).collect();
        std::thread::scope(|scope| {
            for lane in 0..4 {
                let (file, turns) = (file.clone(), &turns);
                scope.spawn(move || {
                    for turn in turns.iter().skip(lane).step_by(4) {
                        file.write(*turn, &kept(turn.0)).expect("written");
                        file.read().expect("never damaged").expect("there");
                    }
                });
            }
        });
        assert_eq!(file.read().expect("readable"), Some(kept(64)));
    }

    #[test]
    fn a_cursor_is_read_as_written_damage_is_refused_and_an_earlier_turn_is_passed_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = PlaceFile::new(&directory.path().join("subscribers"), "crm");
        assert_eq!(file.read().expect("no file"), None);
        for (sequence, gone) in [(7, None), (u64::MAX, Some("ab".to_owned()))] {
            let kept = Kept {
                tenant: "acme".to_owned(),
                shard: 3,
                sequence,
                gone,
            };
            file.write(file.turn(), &kept).expect("written");
            let read = file.read().expect("readable").expect("there");
            assert_eq!(read, kept);
            assert!(file.is_of(&read, "acme", 3).is_ok());
            for (tenant, shard) in [("acme", 2), ("globex", 3)] {
                let error = file.is_of(&read, tenant, shard).expect_err("another's");
                assert!(error.to_string().contains("crm.json"), "{error}");
            }
        }
        let kept = |sequence| Kept {
            tenant: "acme".to_owned(),
            shard: 3,
            sequence,
            gone: None,
        };
        let (early, late) = (file.turn(), file.turn());
        file.write(late, &kept(2)).expect("written");
        file.write(early, &kept(99_999)).expect("passed over");
        assert_eq!(file.read().expect("readable"), Some(kept(2)));
        for bad in [
            "",
            "{}",
            "{\"version\":2}",
            "{\"version\":1,\"tenant\":\"acme\"}",
        ] {
            fs::write(&file.path, bad).expect("written");
            let error = file.read().expect_err("damaged").to_string();
            assert!(error.contains("damaged"), "{bad}: {error}");
        }
    }
}
