//! What the program does around every subcommand: logging, panics, errors.

use std::io;
use std::process::ExitCode;

use rustix::process::{Resource, getrlimit, setrlimit};
use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// Descriptors beside the connections: journal files, listeners, polls, calls to providers.
const OTHER_DESCRIPTORS: u64 = 256;

/// Done.
pub const DONE: u8 = 0;
/// The server (or a check) said no.
pub const REFUSED: u8 = 1;
/// The arguments were wrong, or the work could not be tried.
pub const FAILED: u8 = 2;

/// Environment variable that selects what is logged.
const LOG_VARIABLE: &str = "ONHAND_LOG";

/// Environment variable with the process id of a parent that this process must not outlive.
pub(super) const PARENT_VARIABLE: &str = "ONHAND_END_WITH_PARENT";

/// For a child of this program: ends with its parent, even where that is killed outright.
pub(super) fn end_with_parent() {
    let Ok(parent) = std::env::var(PARENT_VARIABLE) else {
        return;
    };
    let kill = rustix::process::Signal::KILL;
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(kill)) {
        tracing::warn!("this process may outlive its parent: {error}");
    }
    // A parent that ended before is not told about any more.
    let present = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    if present.as_deref() != Some(parent.as_str()) {
        eprintln!("onhand: the parent process {parent} is gone");
        std::process::exit(i32::from(FAILED));
    }
}

/// Descriptors that a server with this configuration may come to need.
pub(super) fn descriptors_needed(config: &Config) -> u64 {
    config.connections_max as u64 + config.http_connections_max as u64 + OTHER_DESCRIPTORS
}

/// Raises this process's limit of open files to what the configuration may need, as far as it may:
/// whoever opens idle connections must not take the descriptors that orders need.
pub(super) fn raise_descriptor_limit(config: &Config) {
    let needed = descriptors_needed(config);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return;
    }
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    limit.current = Some(raised);
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    } else if raised < needed {
        tracing::info!(
            raised,
            needed,
            "fewer files may be open than the connection limits allow: connections beyond are not \
             accepted; see `onhand doctor`"
        );
    }
}

/// Sends log lines to standard error; standard output is for results. `ONHAND_LOG` overrides
/// `level`, in the form `info` or `warn,onhand::journal=debug`.
pub fn log_to_stderr(level: &str) {
    let (filter, problem) = match std::env::var(LOG_VARIABLE) {
        Ok(text) => match EnvFilter::try_new(&text) {
            Ok(filter) => (filter, None),
            Err(error) => (EnvFilter::new(level), Some(error)),
        },
        Err(_) => (EnvFilter::new(level), None),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_target(false)
        .finish();
    // Only one subscriber can be set, and nothing before this sets one.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(error) = problem {
        tracing::warn!("{LOG_VARIABLE} is not a log filter ({error}); using `{level}`");
    }
}

/// Makes a panic in any thread end the whole process, so that no shard goes on half alive. What
/// was acknowledged is in the journal, and the next start recovers it.
pub fn end_process_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        eprintln!(
            "onhand: a defect stopped thread `{name}`, and with it the process. Acknowledged \
             orders are in the journal; start again to recover them, and please report the lines \
             above."
        );
        std::process::abort();
    }));
}

/// Turns the result of a subcommand into the exit code, and an error into one line with its
/// causes on standard error. A reader that went away (`onhand … | head`) is no error.
pub fn report(result: anyhow::Result<ExitCode>) -> ExitCode {
    let error = match result {
        Ok(code) => return code,
        Err(error) => error,
    };
    let closed = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<super::output::PrintError>())
        .any(|error| error.0.kind() == io::ErrorKind::BrokenPipe);
    if closed {
        return ExitCode::from(DONE);
    }
    eprintln!("onhand: {}", with_causes(&error));
    ExitCode::from(FAILED)
}

/// The error and its causes in one line; a cause that the line tells already is left out.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |line, cause| {
        let cause = cause.to_string();
        if line.is_empty() {
            cause
        } else if line.ends_with(&cause) {
            line
        } else {
            line + ": " + &cause
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let source = io::Error::other("disk full");
        let told = anyhow::Error::new(source).context("cannot write: disk full");
        assert_eq!(with_causes(&told), "cannot write: disk full");
        let source = io::Error::other("disk full");
        let error = anyhow::Error::new(source).context("cannot write");
        assert_eq!(with_causes(&error), "cannot write: disk full");
    }

    const CHILD_VARIABLE: &str = "ONHAND_TEST_PANIC";

    /// Runs as a child process of the test below, where a panic may end the process.
    #[test]
    fn child_that_panics_in_a_thread() {
        if std::env::var_os(CHILD_VARIABLE).is_none() {
            return;
        }
        end_process_on_panic();
        let thread = std::thread::Builder::new().name("shard-7".into());
        let panicking = thread
            .spawn(|| panic!("broken invariant"))
            .expect("a thread");
        let _ = panicking.join(); // the process ends before
        std::process::exit(0);
    }

    #[test]
    fn a_panic_in_any_thread_ends_the_process_and_names_the_thread() {
        use std::os::unix::process::ExitStatusExt;
        let output = std::process::Command::new(std::env::current_exe().expect("a path"))
            .args([
                "--exact",
                "cli::startup::tests::child_that_panics_in_a_thread",
                "--nocapture",
            ])
            .env(CHILD_VARIABLE, "1")
            .output()
            .expect("a child process");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.signal().is_some(),
            "{:?} {told}",
            output.status
        );
        assert!(
            told.contains("broken invariant") && told.contains("`shard-7`"),
            "{told}"
        );
    }
}
