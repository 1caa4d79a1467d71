//! Real `onhand` processes: run one to its end, or keep a server until the test ends.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The program under test, without any of the environment that configures it.
pub fn onhand() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhand"));
    for variable in [
        "ONHAND_HTTP",
        "ONHAND_LOG",
        "ONHAND_SERVER",
        "ONHAND_TENANT",
        "ONHAND_TLS_CA",
        "ONHAND_TOKEN",
    ] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// What a finished process said.
#[derive(Debug)]
pub struct Said {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Requires an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Requires a text in standard output.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no {text:?} in {self:?}");
        self
    }

    /// Requires a text in standard error.
    #[track_caller]
    pub fn warns(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no {text:?} in {self:?}");
        self
    }
}

/// Runs a subcommand to its end.
pub fn run(arguments: &[&str]) -> Said {
    run_in(Path::new("."), arguments)
}

/// Runs a subcommand to its end in a directory.
pub fn run_in(directory: &Path, arguments: &[&str]) -> Said {
    finish(onhand().current_dir(directory).args(arguments))
}

/// Waits for a process to end.
pub fn finish(command: &mut Command) -> Said {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program starts");
    Said {
        code: status.code(),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// A server that starts quickly: small files, small tables, warnings only.
const SMALL: [&str; 8] = [
    "--segment-bytes=1048576",
    "--orders-expected=1000",
    "--rejections-kept=1000",
    "--commands-kept=1000",
    "--prepared-segments=1",
    "--orders-max=100000",
    "--connections-max=100",
    "--pin=false",
];

/// A running server on ports of the operating system; killed when it is dropped.
pub struct Server {
    child: Child,
    /// Where clients connect.
    pub address: String,
    /// The whole line of readiness.
    pub ready: String,
}

impl Server {
    /// Starts a server on a data directory and waits until it accepts connections.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::start_with(data, arguments, |command| {
            command.env("ONHAND_LOG", "warn");
        })
    }

    /// As [`Server::start`], with an environment and a place for its log of the caller's choice.
    pub fn start_with(data: &Path, arguments: &[&str], set: impl FnOnce(&mut Command)) -> Self {
        let http: &[&str] = if arguments.contains(&"--http") {
            &[]
        } else {
            &["--http", "off"]
        };
        let mut command = onhand();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(http)
            .args(SMALL)
            .args(arguments)
            .stdout(Stdio::piped());
        set(&mut command);
        let mut child = command.spawn().expect("the program starts");
        let out = child.stdout.take().expect("a pipe");
        let mut ready = String::new();
        BufReader::new(out)
            .read_line(&mut ready)
            .expect("a line of readiness");
        let address = ready
            .split_whitespace()
            .find_map(|word| word.strip_prefix("tcp="))
            .unwrap_or_else(|| panic!("no address in {ready:?}"))
            .to_owned();
        Self {
            child,
            address,
            ready,
        }
    }

    /// Runs a subcommand against this server.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = onhand();
        command.env("ONHAND_SERVER", &self.address);
        finish(command.args(arguments))
    }

    /// Runs a subcommand that must succeed, and returns its JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        said.exits(0).json()
    }
}

impl Server {
    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it serves HTTP.
    pub fn http(&self) -> SocketAddr {
        let mut words = self.ready.split_whitespace();
        let http = words.find_map(|word| word.strip_prefix("http="));
        http.expect("an address").parse().expect("one")
    }

    /// SIGKILL: it gets no chance to write anything down. Returns when it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end, and returns its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}
