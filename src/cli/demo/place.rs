//! Where the demo works: a fresh directory with enough room, gone afterwards unless it is wanted.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use indicatif::HumanBytes;
use tempfile::TempDir;

/// A fresh directory; deleted when dropped, unless kept.
#[derive(Debug)]
pub(super) struct Place {
    directory: TempDir,
    pub file_system: FileSystem,
}

/// What the directory is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileSystem {
    pub name: String,
    /// In memory: a power cut takes it all, whatever was synced.
    pub in_memory: bool,
}

impl Place {
    /// A directory below `parent`, or without one in the directory for temporary files, unless that
    /// is in memory and the current directory is not.
    pub(super) fn new(parent: Option<&Path>, needed_bytes: u64) -> anyhow::Result<Self> {
        let parent = match parent {
            Some(parent) => parent.to_owned(),
            None => default_parent(),
        };
        let cannot = || format!("cannot use the directory {}", parent.display());
        let file_system = file_system(&parent).with_context(cannot)?;
        let stat = rustix::fs::statvfs(&parent).with_context(cannot)?;
        let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
        ensure!(
            free_bytes >= needed_bytes,
            "{} has {} free, and the demo needs up to {}: name another directory with --data",
            parent.display(),
            HumanBytes(free_bytes),
            HumanBytes(needed_bytes)
        );
        let directory = tempfile::Builder::new()
            .prefix("onhand-demo-")
            .tempdir_in(&parent)
            .with_context(cannot)?;
        Ok(Self {
            directory,
            file_system,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The engine's data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Every acknowledgement.
    pub(super) fn ledger(&self) -> PathBuf {
        self.path().join("ledger.jsonl")
    }

    /// What happened at the providers, by their own account.
    pub(super) fn provider_ledger(&self) -> PathBuf {
        self.path().join("providers.json")
    }

    /// What the engine logged.
    pub(super) fn log(&self) -> PathBuf {
        self.path().join("engine.log")
    }

    /// Leaves the directory where it is.
    pub(super) fn keep(self) -> PathBuf {
        self.directory.keep()
    }

    /// Deletes it and says so where that fails.
    pub(super) fn delete(self) -> anyhow::Result<()> {
        let path = self.path().to_owned();
        self.directory
            .close()
            .with_context(|| format!("cannot delete {}", path.display()))
    }
}

fn default_parent() -> PathBuf {
    let temporary = std::env::temp_dir();
    let here = PathBuf::from(".");
    let on_disk = |path: &Path| file_system(path).is_ok_and(|found| !found.in_memory);
    if on_disk(&temporary) || !on_disk(&here) {
        temporary
    } else {
        here.canonicalize().unwrap_or(here)
    }
}

fn file_system(path: &Path) -> std::io::Result<FileSystem> {
    let stat = rustix::fs::statfs(path)?;
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // a bit pattern, signed on some CPUs
    let magic = stat.f_type as u64 & 0xffff_ffff;
    let name = match magic {
        0xef53 => "ext4",
        0x5846_5342 => "xfs",
        0x0102_1994 => "tmpfs",
        0x8584_58f6 => "ramfs",
        0x794c_7630 => "overlay",
        0x9123_683e => "btrfs",
        0x2fc1_2fc1 => "zfs",
        0xf2f5_2010 => "f2fs",
        0x6969 => "nfs",
        0x6573_5546 => "fuse",
        0x0102_1997 => "9p",
        _ => "",
    };
    let known = !name.is_empty();
    Ok(FileSystem {
        in_memory: matches!(name, "tmpfs" | "ramfs"),
        name: if known {
            name.to_owned()
        } else {
            format!("unknown ({magic:#x})")
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_without_enough_room_is_refused_with_both_sizes() {
        let error = Place::new(None, u64::MAX).unwrap_err().to_string();
        assert!(
            error.contains("free") && error.contains("--data"),
            "{error}"
        );
    }

    #[test]
    fn a_place_goes_unless_it_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(Some(parent.path()), 1).unwrap();
        let path = place.path().to_owned();
        assert!(path.is_dir());
        place.delete().unwrap();
        assert!(!path.exists());
        let kept = Place::new(Some(parent.path()), 1).unwrap().keep();
        assert!(kept.is_dir());
    }

    #[test]
    fn the_kernel_s_own_files_are_not_taken_for_a_disk() {
        let found = file_system(Path::new("/dev/shm"));
        if let Ok(found) = found {
            assert!(found.in_memory, "{found:?}");
        }
        assert!(!file_system(Path::new("/proc")).unwrap().name.is_empty());
    }
}
