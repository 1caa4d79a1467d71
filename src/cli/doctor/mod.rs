//! `onhand doctor`: is this machine fit for the server, and what should be changed?
//!
//! Every check measures or reads something real and says what it found; a check that cannot be
//! made says so as a warning. Nothing is changed, and the only file written is a nameless
//! temporary one.

mod disk;
mod machine;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::print;
use super::startup::{DONE, REFUSED};

/// What to look at.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Data directory; while it is missing, the directory that it would be made in is looked at
    #[arg(long, value_name = "DIR", default_value = "onhand-data")]
    data: PathBuf,
    /// Print JSON instead of lines [default: off]
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line of the report.
#[derive(Debug)]
struct Check {
    name: &'static str,
    level: Level,
    /// What is there.
    found: String,
    /// What to change; empty where all is well.
    advice: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::with(name, Level::Ok, found, "")
    }

    fn warn(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::with(name, Level::Warn, found, advice)
    }

    fn fail(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::with(name, Level::Fail, found, advice)
    }

    fn with(
        name: &'static str,
        level: Level,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            name,
            level,
            found: found.into(),
            advice: advice.into(),
        }
    }
}

/// Looks, and reports. Exit code 1 if a check fails; warnings do not count.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let directory = existing(&args.data);
    let clock = machine::ClockProbe::start();
    let mut checks = disk::checks(&directory);
    checks.extend(machine::checks());
    checks.push(clock.finish());
    let worst = checks.iter().map(|check| check.level).max();
    let code = if worst == Some(Level::Fail) {
        REFUSED
    } else {
        DONE
    };
    if args.json {
        print(json(&args.data, &directory, &checks))?;
    } else {
        print(format_args!(
            "data       {} (in {})",
            args.data.display(),
            directory.display()
        ))?;
        for check in &checks {
            print(line(check))?;
        }
    }
    Ok(ExitCode::from(code))
}

/// The directory itself, or the nearest one above it that exists.
fn existing(data: &Path) -> PathBuf {
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    absolute
        .ancestors()
        .find(|path| path.is_dir())
        .map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

fn line(check: &Check) -> String {
    let head = format!(
        "{:<5} {:<18} {}",
        check.level.name(),
        check.name,
        check.found
    );
    if check.advice.is_empty() {
        head
    } else {
        format!("{head}\n      {:<18} → {}", "", check.advice)
    }
}

fn json(data: &Path, directory: &Path, checks: &[Check]) -> serde_json::Value {
    let checks: Vec<_> = checks
        .iter()
        .map(|check| {
            serde_json::json!({
                "name": check.name,
                "level": check.level.name(),
                "found": check.found,
                "advice": check.advice,
            })
        })
        .collect();
    serde_json::json!({ "data": data, "directory": directory, "checks": checks })
}

/// A size for people: `1.5 GiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        unit = next;
        if scaled < 1024.0 {
            break;
        }
        if next != "TiB" {
            scaled /= 1024.0;
        }
    }
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{scaled:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_data_directory_is_looked_for_above() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(existing(&directory.path().join("a/b")), directory.path());
        assert_eq!(existing(directory.path()), directory.path());
    }

    #[test]
    fn sizes_are_given_in_the_largest_fitting_unit() {
        assert_eq!(size(512), "512 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(3 << 30), "3.0 GiB");
        assert_eq!(size(5 << 50), "5120.0 TiB");
    }

    #[test]
    fn every_check_that_is_not_ok_says_what_to_change() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut checks = disk::checks(directory.path());
        checks.extend(machine::checks());
        checks.push(machine::ClockProbe::start().finish());
        assert!(checks.len() >= 8);
        for check in &checks {
            assert_eq!(
                check.level == Level::Ok,
                check.advice.is_empty(),
                "{check:?}"
            );
            assert!(!check.found.is_empty(), "{check:?}");
        }
    }
}
