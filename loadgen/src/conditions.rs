//! Under which conditions a figure was measured: printed beside it, always.

use std::path::Path;
use std::process::Command;

/// What a reader needs to measure the same again.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Conditions {
    /// Model name of the processor.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory of the machine, in MiB.
    pub memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Type of the file system below the data, where it is known.
    pub file_system: Option<String>,
    /// When the server syncs, by its own account.
    pub sync: Option<String>,
    /// Load average of the machine over the minute before: above 0.5 others were busy too.
    pub load_average: String,
    /// Scheduling policy of this program and the servers it starts.
    pub scheduling: &'static str,
    /// Where the load came from.
    pub load: &'static str,
    /// The command line.
    pub command_line: String,
    /// Seed of the orders.
    pub seed: u64,
    /// Commit of the source tree below the current directory, with `-dirty` where it was changed.
    pub commit: Option<String>,
    /// How this program was built.
    pub build: &'static str,
}

impl Conditions {
    /// The conditions on this machine, for a run with this seed.
    pub fn here(seed: u64) -> Self {
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: field("/proc/meminfo", "MemTotal")
                .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
                .unwrap_or(0)
                / 1_024,
            kernel: line("/proc/sys/kernel/osrelease"),
            file_system: None,
            sync: None,
            load_average: line("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            scheduling: scheduling(),
            load: "generator and server on the same machine",
            command_line: std::env::args().collect::<Vec<_>>().join(" "),
            seed,
            commit: commit(),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
        }
    }

    /// One line for people.
    pub fn sentence(&self) -> String {
        format!(
            "{}, {} cores, {} MiB, Linux {}, file system {}, sync {}, {} build, commit {}, \
             seed {}, load average before {}, scheduling {}",
            self.cpu,
            self.cores,
            self.memory_mib,
            self.kernel,
            self.file_system.as_deref().unwrap_or("unknown"),
            self.sync.as_deref().unwrap_or("unknown"),
            self.build,
            self.commit.as_deref().unwrap_or("unknown"),
            self.seed,
            self.load_average,
            self.scheduling,
        )
    }
}

/// The type of the file system that holds `directory`: of its mount with the longest path.
pub fn file_system(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    mounts
        .lines()
        .filter_map(|mount| {
            let mut fields = mount.split(' ').skip(1);
            let (point, kind) = (fields.next()?, fields.next()?);
            directory
                .starts_with(point)
                .then(|| (point.len(), kind.to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

fn line(path: &str) -> String {
    std::fs::read_to_string(path).map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
}

/// The value of the first `name : value` line of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The policy by its number in /proc/self/stat, field 41 (proc_pid_stat(5)).
fn scheduling() -> &'static str {
    let stat = line("/proc/self/stat");
    // Fields are counted behind the program's name, which may contain spaces.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    match fields.split_whitespace().nth(41 - 3) {
        Some("0") => "normal",
        Some("1" | "2") => "real-time",
        Some("3" | "5") => "background",
        _ => "unknown",
    }
}

fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let hash = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        hash
    } else {
        format!("{hash}-dirty")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conditions_name_this_machine() {
        let conditions = Conditions::here(7);
        assert!(conditions.cores >= 1 && conditions.memory_mib > 0);
        assert!(conditions.sentence().contains("seed 7"));
        assert!(conditions.load_average.parse::<f64>().is_ok());
        assert_ne!(conditions.scheduling, "unknown");
        assert!(file_system(Path::new("/proc")).is_some_and(|kind| kind == "proc"));
    }
}
