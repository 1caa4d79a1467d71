//! A server of our own in a fresh directory, gone when we are done with it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use onhand::clock::{monotonic_ns, sleep_ms};
use tempfile::TempDir;

/// Journal segments that the servers keep allocated ahead: enough for a short run's start, while
/// more are prepared beside the load, as they would be in a long sale.
const PREPARED_SEGMENTS: &str = "8";

/// Longest wait for the segments, in nanoseconds.
const PREPARATION_NS_MAX: u64 = 30_000_000_000;

/// Time that the disk has to discard the blocks of a deleted run, in milliseconds.
const DISCARD_MS: u64 = 1_500;

/// See the module. Dropping it kills the process and deletes the directory.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    http: Option<SocketAddr>,
    /// Kept for its deletion.
    directory: Option<TempDir>,
}

impl Server {
    /// Starts `program` with its data in a fresh directory below `directory` and memory made ready
    /// for `orders`, and waits until it accepts connections.
    pub fn start(program: &Path, directory: &Path, sync: &str, orders: u64) -> Result<Self> {
        let flags = ["--http".to_owned(), "off".to_owned()];
        Self::start_with(program, directory, sync, orders, &flags)
    }

    /// As [`Server::start`], with further flags.
    pub fn start_with(
        program: &Path,
        directory: &Path,
        sync: &str,
        orders: u64,
        flags: &[String],
    ) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("onhand-figures-")
            .tempdir_in(directory)
            .with_context(|| format!("cannot make a directory in {}", directory.display()))?;
        let mut child = Command::new(program)
            .arg("serve")
            .arg("--data")
            .arg(directory.path().join("data"))
            .args(["--listen", "127.0.0.1:0", "--sync", sync])
            .args(flags)
            .args(["--prepared-segments", PREPARED_SEGMENTS])
            .arg("--orders-expected")
            .arg(orders.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let ready = ready_line(&mut child);
        // From here on dropping the server ends the process, whatever goes wrong.
        let unspecified = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self {
            child,
            address: unspecified,
            http: None,
            directory: Some(directory),
        };
        let ready = ready?;
        server.address = address(&ready)?;
        server.http = field(&ready, "http=").and_then(|text| text.parse().ok());
        server.await_prepared()?;
        Ok(server)
    }

    /// Waits until the directory has stopped growing: until the journal's segments are prepared.
    fn await_prepared(&self) -> Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let end_ns = monotonic_ns() + PREPARATION_NS_MAX;
        let (mut last_bytes, mut same) = (0, 0);
        while same < 5 && monotonic_ns() < end_ns {
            sleep_ms(100);
            let bytes = bytes_below(directory.path())?;
            same = if bytes == last_bytes { same + 1 } else { 0 };
            last_bytes = bytes;
        }
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves HTTP, if it does.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Ends the process and deletes its data.
    pub fn stop(mut self) -> Result<()> {
        self.child.kill().context("cannot end the server")?;
        self.child.wait().context("cannot wait for the server")?;
        match self.directory.take() {
            Some(directory) => directory.close().context("cannot delete the server's data"),
            None => Ok(()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only where the process is gone already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let Some(directory) = self.directory.take() else {
            return;
        };
        let above = directory.path().parent().map(Path::to_owned);
        // What cannot be deleted stays where a person finds it; the figures are not changed by it.
        let _ = directory.close();
        // A file system that discards what is freed does so behind its next commit, each segment
        // for some 10 ms in which no write gets through: before the next run, not in it.
        if let Some(above) = above.and_then(|above| std::fs::File::open(above).ok()) {
            let _ = above.sync_all();
            sleep_ms(DISCARD_MS);
        }
    }
}

/// Bytes of all files below `directory`. Files may come and go meanwhile.
fn bytes_below(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        // Blocks, not length: a file is as long as it will be before it is filled.
        bytes += metadata.blocks() * 512;
        if metadata.is_dir() {
            bytes += bytes_below(&entry.path())?;
        }
    }
    Ok(bytes)
}

/// The line by which the server says that it accepts connections.
fn ready_line(child: &mut Child) -> Result<String> {
    let stdout = child
        .stdout
        .take()
        .context("the server's output is piped")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if line.starts_with("ready ") {
            return Ok(line);
        }
    }
    bail!("the server ended before it was ready; it says why above")
}

fn address(ready: &str) -> Result<SocketAddr> {
    field(ready, "tcp=")
        .and_then(|text| text.parse().ok())
        .with_context(|| format!("no address in the server's line: {ready}"))
}

fn field<'a>(ready: &'a str, name: &str) -> Option<&'a str> {
    ready.split(' ').find_map(|field| field.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_ready_line() {
        let line = "ready tcp=127.0.0.1:40123 http=none shards=1 pinned=1 sync=always";
        assert_eq!(
            address(line).unwrap(),
            SocketAddr::from(([127, 0, 0, 1], 40_123))
        );
        assert!(address("ready http=127.0.0.1:1").is_err());
    }

    #[test]
    fn a_program_that_ends_at_once_is_an_error_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let error =
            Server::start(Path::new("/bin/true"), directory.path(), "always", 0).unwrap_err();
        assert!(error.to_string().contains("before it was ready"), "{error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
