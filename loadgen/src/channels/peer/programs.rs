//! Finding other people's servers, and running them as processes of our own.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Where Debian puts a folder for each version of PostgreSQL.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// The last lines of a log that an error shows, in bytes.
const LOG_BYTES: usize = 2_000;

/// What has to be installed.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `redis-server`.
    pub redis: PathBuf,
    /// The folder with `initdb`, `postgres` and `pg_ctl`.
    pub postgres: PathBuf,
}

impl Programs {
    /// Those of this machine; else the sentence that says what is missing.
    pub fn find() -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        Self::find_in(&folders, Path::new(POSTGRES_VERSIONS))
    }

    fn find_in(folders: &[PathBuf], versions: &Path) -> Result<Self, String> {
        let mut redis = folders.iter().map(|folder| folder.join("redis-server"));
        let redis = redis.find(|path| path.is_file()).ok_or(
            "skipped: needs redis-server (Debian: apt-get install --no-install-recommends \
             redis-server)",
        )?;
        let newest = std::fs::read_dir(versions).ok().and_then(|versions| {
            let found = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
            found.filter(|it| it.join("initdb").is_file()).max()
        });
        let elsewhere = || {
            let mut folders = folders.iter();
            folders.find(|it| it.join("initdb").is_file()).cloned()
        };
        let postgres = newest.or_else(elsewhere).ok_or(
            "skipped: needs postgresql (Debian: apt-get install --no-install-recommends \
             postgresql)",
        )?;
        Ok(Self { redis, postgres })
    }
}

/// A user that a server runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Ours.
    Own,
    /// `postgres`: PostgreSQL refuses to run as root.
    Postgres,
}

impl User {
    /// Whom PostgreSQL runs as.
    pub fn of_postgres() -> Self {
        // The effective user of this process owns its folder there.
        let owner = std::fs::metadata("/proc/self").map(|it| it.uid());
        if owner.is_ok_and(|owner| owner == 0) {
            Self::Postgres
        } else {
            Self::Own
        }
    }

    /// A program as this user, which gets `signal` when we end, however that is.
    pub fn command(self, program: &Path, signal: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.arg(format!("--pdeathsig={signal}"));
        if self == Self::Postgres {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        command.arg("--").arg(program).stdin(Stdio::null());
        command
    }

    /// A fresh directory of this user's: below `parent`, or where temporary files go.
    pub fn directory(self, parent: Option<&Path>) -> Result<TempDir> {
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("onhand-peer-");
        let directory = match parent {
            Some(parent) => builder.tempdir_in(parent),
            None => builder.tempdir(),
        };
        let directory = directory.context("cannot make a directory")?;
        if self == Self::Postgres {
            run(Command::new("chown").arg("postgres").arg(directory.path()))?;
            let reached = self
                .command(Path::new("test"), "KILL")
                .arg("-w")
                .arg(directory.path())
                .status()?;
            ensure!(
                reached.success(),
                "the user postgres cannot write to {}: name a --directory that every user may enter",
                directory.path().display()
            );
        }
        Ok(directory)
    }
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {said}");
    Ok(())
}

/// Starts a server whose output goes to `log`.
pub fn spawn(command: &mut Command, log: &Path) -> Result<Child> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdout(file.try_clone()?).stderr(file);
    command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))
}

/// An error where the server has ended, with what it said.
pub fn check_running(child: &mut Child, log: &Path) -> Result<()> {
    if let Some(status) = child.try_wait()? {
        let text = std::fs::read(log).unwrap_or_default();
        let tail = text.split_at(text.len().saturating_sub(LOG_BYTES)).1;
        let said = String::from_utf8_lossy(tail);
        anyhow::bail!("it ended at once, {status}: {said}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_how_to_get_it() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("nowhere");
        let folders = [folder.path().to_owned()];
        let missing = || Programs::find_in(&folders, &nowhere).unwrap_err();
        assert!(missing().starts_with("skipped: needs redis-server ("));
        std::fs::write(folder.path().join("redis-server"), "").unwrap();
        assert!(missing().starts_with("skipped: needs postgresql ("));
        std::fs::write(folder.path().join("initdb"), "").unwrap();
        let found = Programs::find_in(&folders, &nowhere).unwrap();
        assert_eq!(found.postgres, folder.path());
    }

    #[test]
    fn the_newest_version_of_postgresql_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("redis-server"), "").unwrap();
        for version in ["15", "17", "16"] {
            let programs = folder.path().join(version).join("bin");
            std::fs::create_dir_all(&programs).unwrap();
            std::fs::write(programs.join("initdb"), "").unwrap();
        }
        let folders = [folder.path().to_owned()];
        let found = Programs::find_in(&folders, folder.path()).unwrap();
        assert_eq!(found.postgres, folder.path().join("17/bin"));
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_with_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo no room; exit 3"]);
        let mut child = spawn(&mut command, &log).unwrap();
        child.wait().unwrap();
        let error = check_running(&mut child, &log).unwrap_err().to_string();
        assert!(error.contains("no room"), "{error}");
    }
}
