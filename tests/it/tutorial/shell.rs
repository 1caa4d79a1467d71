//! A shell that is told one block after another, as a reader types them.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use onhand::clock;
use rustix::process::{Pid, Signal, kill_process_group};

/// How long one block may take.
const PATIENCE: Duration = Duration::from_secs(150);

/// How often a block is repeated at most.
pub const TRIES: usize = 400;

/// How long between two tries, in milliseconds.
const PAUSE_MS: u64 = 250;

/// Ends the output of a block.
const MARK: &str = "<<<end of block>>>";

/// Stands where a command failed.
const FAILED: &str = "<<<failed>>>";

/// What came of a block.
pub struct Said {
    /// Of its last command.
    pub status: i32,
    /// One of its commands failed, where none was expected to.
    pub failed: bool,
    pub output: String,
}

/// It, and everything that it started, ends with the test.
pub struct Shell {
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    directory: PathBuf,
}

impl Shell {
    /// Starts one in a directory, whose `bin` comes first in its path.
    pub fn start(directory: &Path) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        for name in [
            "ONHAND_HTTP",
            "ONHAND_LOG",
            "ONHAND_SERVER",
            "ONHAND_TENANT",
        ] {
            command.env_remove(name);
        }
        let mut process = command
            .args(["--noprofile", "--norc"])
            .current_dir(directory)
            .env(
                "PATH",
                format!("{}:{path}", directory.join("bin").display()),
            )
            .env_remove("ONHAND_TOKEN")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("bash starts");
        let input = process.stdin.take().expect("a pipe");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut shell = Self {
            process,
            input,
            lines,
            directory: directory.to_owned(),
        };
        shell.write("exec 2>&1");
        shell.write(&format!(
            "set -E; trap 'echo \"{FAILED} $BASH_COMMAND\"' ERR"
        ));
        shell
    }

    fn write(&mut self, text: &str) {
        writeln!(self.input, "{text}").expect("bash reads");
        self.input.flush().expect("bash reads");
    }

    /// Runs the commands and waits until they are done.
    pub fn run(&mut self, commands: &str) -> Said {
        self.write(commands);
        // The output of the last command may lack its line break.
        self.write(&format!("STATUS=$?; printf '\\n{MARK} %s\\n' $STATUS"));
        let mut said = Said {
            status: 0,
            failed: false,
            output: String::new(),
        };
        let deadline_ns = clock::monotonic_ns() + PATIENCE.as_nanos() as u64;
        loop {
            let left_ns = deadline_ns.saturating_sub(clock::monotonic_ns());
            let line = self.lines.recv_timeout(Duration::from_nanos(left_ns));
            let Ok(line) = line else {
                panic!(
                    "this did not end:\n{commands}\n--- output\n{}\n--- the server's log\n{}",
                    said.output,
                    self.log("server.log")
                );
            };
            if let Some(status) = line.strip_prefix(MARK) {
                said.status = status.trim().parse().expect("a number");
                return said;
            }
            said.failed |= line.contains(FAILED);
            said.output.push_str(&line);
            said.output.push('\n');
        }
    }

    /// Waits a little before the next try.
    pub fn wait(&self) {
        clock::sleep_ms(PAUSE_MS);
    }

    /// The end of a file in the directory.
    pub fn log(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.directory.join(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Nothing of it may be left; gone already is fine.
        let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
        let _ = self.process.wait();
    }
}
