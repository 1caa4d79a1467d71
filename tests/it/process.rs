//! Real `onhand` processes: run one to its end, or keep a server until the test ends.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program under test, without any of the environment that configures it.
pub fn onhand() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhand"));
    for variable in [
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
