//! The engine as a process of its own: started, waited for, killed, stopped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use crossbeam::channel::{Receiver, RecvTimeoutError, unbounded};

use super::ward::Ward;
use crate::cli::startup::PARENT_VARIABLE;
use crate::clock;

/// How long a start with its recovery may take: far longer than any directory of the demo needs.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a clean stop may take: the server itself gives up draining after 5 s.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Lines of the engine's log that are shown when it fails.
const LOG_LINES_SHOWN: usize = 12;

/// How to start the engine.
#[derive(Debug)]
pub(super) struct EngineOptions {
    /// Its data directory.
    pub data: PathBuf,
    /// What it logs.
    pub log: PathBuf,
    /// Orders to make memory ready for.
    pub orders: u32,
    /// Size of one journal file.
    pub segment_bytes: u64,
    /// The sandbox that serves the order process, and then also HTTP for callbacks and operators.
    pub sandbox: Option<SocketAddr>,
    /// The file of its sales channels, if it has any.
    pub channels: Option<PathBuf>,
}

/// A running engine, and what its ready line said.
#[derive(Debug)]
pub(super) struct Engine {
    ward: Ward,
    log: PathBuf,
    lines: Receiver<String>,
    pub pid: u32,
    pub address: SocketAddr,
    /// Where it serves HTTP, if it does.
    pub http: Option<SocketAddr>,
    pub sync: String,
    pub recovered_records: u64,
    pub recovery_ms: u64,
    /// From the start of the process to its ready line.
    pub ready_ms: u64,
}

impl Engine {
    /// Starts it and waits until it accepts connections.
    pub(super) fn start(ward: &Ward, options: &EngineOptions) -> anyhow::Result<Self> {
        let started_ns = clock::monotonic_ns();
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&options.log)
            .with_context(|| format!("cannot write {}", options.log.display()))?;
        let mut child = Command::new(program)
            .arg("serve")
            .arg("--data")
            .arg(&options.data)
            .args(["--listen", "127.0.0.1:0", "--sync", "always"])
            .args(process_flags(options))
            .arg("--orders-expected")
            .arg(options.orders.to_string())
            .arg("--segment-bytes")
            .arg(options.segment_bytes.to_string())
            .env(PARENT_VARIABLE, std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start the engine")?;
        let (pid, output) = (child.id(), child.stdout.take());
        ward.adopt(child);
        let output = output.context("the engine has no output to read")?;
        let lines = read_lines(output)?;
        let ready = match lines.recv_timeout(START_TIMEOUT) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => {
                bail!("the engine did not start: {}", last_lines(&options.log))
            }
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "the engine was not ready after {} s",
                    START_TIMEOUT.as_secs()
                )
            }
        };
        let field = |name| field(&ready, name);
        Ok(Self {
            ward: ward.clone(),
            log: options.log.clone(),
            lines,
            pid,
            address: field("tcp")?.parse().context("tcp= is no address")?,
            http: field("http")?.parse().ok(),
            sync: field("sync")?.to_owned(),
            recovered_records: field("recovered_records")?.parse()?,
            recovery_ms: field("recovery_ms")?.parse()?,
            ready_ms: (clock::monotonic_ns() - started_ns) / 1_000_000,
        })
    }

    /// SIGKILL, by its process id: it gets no chance to write anything down.
    pub(super) fn kill(self) {
        self.ward.kill();
    }

    /// SIGTERM, and waits for the clean end.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.ward
            .terminate()
            .context("cannot send SIGTERM to the engine")?;
        loop {
            match self.lines.recv_timeout(STOP_TIMEOUT) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    bail!(
                        "the engine did not stop within {} s",
                        STOP_TIMEOUT.as_secs()
                    )
                }
            }
        }
        let status = self
            .ward
            .reap()?
            .ok_or_else(|| anyhow!("the engine is gone already"))?;
        ensure!(
            status.success(),
            "the engine ended with {status} when it was told to stop: {}",
            last_lines(&self.log)
        );
        Ok(())
    }
}

/// With a sandbox the order process runs, which needs HTTP.
fn process_flags(options: &EngineOptions) -> Vec<String> {
    let flags = |http: &str| vec!["--http".to_owned(), http.to_owned()];
    match options.sandbox {
        None => flags("off"),
        Some(sandbox) => {
            let mut all = flags("127.0.0.1:0");
            all.extend(["--sandbox".to_owned(), sandbox.to_string()]);
            if let Some(channels) = &options.channels {
                all.extend(["--channels".to_owned(), channels.display().to_string()]);
                // All marketplaces and the demo itself have one address.
                all.push("--http-requests-per-second=1000000".to_owned());
            }
            all
        }
    }
}

/// Lines of the child's output; the channel disconnects when the child has ended.
fn read_lines(output: ChildStdout) -> anyhow::Result<Receiver<String>> {
    let (send, lines) = unbounded();
    std::thread::Builder::new()
        .name("onhand-engine-output".to_owned())
        .spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        })
        .context("cannot start a thread")?;
    Ok(lines)
}

fn field<'a>(ready: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let mut words = ready.split_whitespace();
    if words.next() == Some("ready") {
        let mut fields = words.filter_map(|word| word.split_once('='));
        if let Some((_, value)) = fields.find(|(found, _)| *found == name) {
            return Ok(value);
        }
    }
    bail!("the engine said `{ready}` where a ready line with {name}= was expected")
}

/// The end of the engine's log, for people.
fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.get(lines.len().saturating_sub(LOG_LINES_SHOWN)..);
    match shown.unwrap_or_default() {
        [] => "it logged nothing".to_owned(),
        shown => format!("its log ends\n{}", shown.join("\n")),
    }
}
