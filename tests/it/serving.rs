//! A real server process for the length of a test.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// How long a start may take, on a busy machine as well.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// `onhand serve` that accepts connections; ended by its id when dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    output: BufReader<ChildStdout>,
    log: tempfile::NamedTempFile,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Serving {
    /// Starts a server on a data directory and returns when it is ready.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let log = tempfile::NamedTempFile::new().expect("a log file");
        let mut child = super::process::onhand()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--http",
                "off",
                "--data",
            ])
            .arg(data)
            .args(more)
            .env("ONHAND_LOG", "info")
            .stdout(Stdio::piped())
            .stderr(log.reopen().expect("a log file"))
            .spawn()
            .expect("the server starts");
        let mut output = BufReader::new(child.stdout.take().expect("an output"));
        let mut ready = String::new();
        wait_readable(
            output.get_ref().as_raw_fd(),
            START_TIMEOUT,
            "the ready line",
        );
        output.read_line(&mut ready).expect("a line");
        let log_text = std::fs::read_to_string(log.path()).unwrap_or_default();
        let tcp = ready
            .split_whitespace()
            .find_map(|word| word.strip_prefix("tcp="));
        let tcp = tcp.unwrap_or_else(|| panic!("not ready: {ready:?} {log_text}"));
        Self {
            address: tcp.parse().expect("an address"),
            child,
            output,
            log,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).expect("a log")
    }

    /// Sends SIGKILL when called, from any thread.
    pub fn killer(&self) -> impl FnOnce() + Send + use<> {
        self.signaller(Signal::KILL)
    }

    /// Sends SIGTERM when called, from any thread.
    pub fn terminator(&self) -> impl FnOnce() + Send + use<> {
        self.signaller(Signal::TERM)
    }

    /// The child is not reaped before the end of the test, so its id stays its own.
    fn signaller(&self, signal: Signal) -> impl FnOnce() + Send + use<> {
        let pid = Pid::from_child(&self.child);
        move || kill_process(pid, signal).expect("a signal")
    }

    /// SIGTERM now.
    pub fn terminate(&self) {
        self.terminator()();
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().expect("a signal");
        self.child.wait().expect("an end");
    }

    /// Waits for the end after SIGTERM, and requires exit code 0.
    #[track_caller]
    pub fn ends_cleanly(&mut self) {
        wait_until_gone(Pid::from_child(&self.child), START_TIMEOUT);
        let status = self.child.wait().expect("an end");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("the rest");
        assert_eq!(status.code(), Some(0), "{rest}{}", self.log());
        assert_eq!(rest, "", "nothing follows the ready line");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Both fail only for a server that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of a process, whoever reaps it.
pub fn wait_until_gone(pid: Pid, timeout: Duration) {
    if let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) {
        wait_readable(descriptor.as_raw_fd(), timeout, "the end of a process");
    }
}

fn wait_readable(descriptor: i32, timeout: Duration, what: &str) {
    let mut poll = Poll::new().expect("a poll");
    let mut source = SourceFd(&descriptor);
    poll.registry()
        .register(&mut source, Token(0), Interest::READABLE)
        .expect("a descriptor that can be polled");
    let mut events = Events::with_capacity(1);
    poll.poll(&mut events, Some(timeout)).expect("a poll");
    assert!(!events.is_empty(), "waited {timeout:?} for {what}");
}
