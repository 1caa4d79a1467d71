//! The code polices itself: who imports whom, lengths, banned calls, documents that must not drift.
//!
//! One claim a test. A rule that does not serve a reader is changed here, with its reason, in the
//! commit that needs it.

#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![allow(clippy::indexing_slicing)] // a panic is how a test reports

mod tidy {
    pub mod imports;
    mod links;
}

use regex::Regex;
use std::fs;
use std::path::{Path, PathBuf};
use tidy::imports::IMPORTS;

/// Longest source file in lines.
const FILE_LINES_MAX: usize = 500;

/// Longest line of code in characters.
const LINE_CHARS_MAX: usize = 100;

/// Longest line with a text, a picture or an attribute in it, which the formatter cannot break.
const TEXT_LINE_CHARS_MAX: usize = 130;

/// The lock-free modules: no lock type may be named there.
const LOCK_FREE: &[&str] = &[
    "engine",
    "shard",
    "net",
    "mailbox.rs",
    "journal/append.rs",
    "journal/handover.rs",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    fn walk(path: &Path, extension: &str, into: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(path) else {
            return;
        };
        for entry in entries {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                walk(&path, extension, into);
            } else if path.extension().is_some_and(|found| found == extension) {
                into.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join(folder), extension, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(root())
                .expect("below the root")
                .display()
                .to_string();
            (name, fs::read_to_string(&path).expect("UTF-8"))
        })
        .collect()
}

fn sources() -> Vec<(String, String)> {
    ["src", "loadgen", "tests", "benches"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect()
}

/// The code without its test modules and comments.
fn code_only(text: &str) -> String {
    let cut = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text.get(..cut)
        .unwrap_or(text)
        .lines()
        .map(|line| line.split("//").next().unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

fn assert_none(claim: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{claim}:\n  {}", offences.join("\n  "));
}

#[test]
fn files_lines_and_names_stay_short() {
    let mut offences = Vec::new();
    for (name, text) in sources() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            offences.push(format!("{name}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        for (number, line) in text.lines().enumerate() {
            let unbreakable = ["//", "\"", "#[", "$("]
                .iter()
                .any(|mark| line.contains(mark));
            let max = if unbreakable {
                TEXT_LINE_CHARS_MAX
            } else {
                LINE_CHARS_MAX
            };
            if line.chars().count() > max {
                offences.push(format!("{name}:{}: over {max} characters", number + 1));
            }
        }
    }
    assert_none("a file or line is too long", &offences);
}

/// Where unsafe code is, beside the journal.
const UNSAFE_FILES: &[&str] = &[
    "src/affinity/turns.rs",
    "src/history/write_ahead.rs",
    "src/mailbox.rs",
    "src/memory.rs",
];

#[test]
fn unsafe_code_stays_in_its_modules_and_says_why() {
    let mut offences = Vec::new();
    for (name, text) in files("src", "rs").into_iter().chain(files("loadgen", "rs")) {
        let home = name.starts_with("src/journal/") || UNSAFE_FILES.contains(&name.as_str());
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            if !code.contains("unsafe {") && !code.contains("unsafe impl") {
                continue;
            }
            if !home {
                offences.push(format!("{name}:{}: unsafe outside its modules", number + 1));
            }
            let above = lines
                .get(number.saturating_sub(6)..=number)
                .unwrap_or_default();
            if !above.iter().any(|line| line.contains("SAFETY:")) {
                offences.push(format!(
                    "{name}:{}: unsafe without a SAFETY comment",
                    number + 1
                ));
            }
        }
    }
    assert_none("unsafe code", &offences);
}

#[test]
fn no_lock_on_the_way_of_an_order() {
    let lock = Regex::new(r"\b(Mutex|RwLock|parking_lot|Condvar|DashMap|dashmap)\b").expect("ok");
    let mut offences = Vec::new();
    for (name, text) in files("src", "rs") {
        let lock_free = LOCK_FREE
            .iter()
            .any(|part| name.starts_with(&format!("src/{part}")));
        if lock_free && let Some(found) = lock.find(&code_only(&text)) {
            offences.push(format!("{name}: names {}", found.as_str()));
        }
    }
    assert_none("a lock in the engine, shard, net or append path", &offences);
}

#[test]
fn the_deterministic_core_has_no_clock_thread_float_or_randomness() {
    let banned = Regex::new(
        r"std::time|std::thread|std::net|std::fs|\bf32\b|\bf64\b|HashMap|HashSet|getrandom|rand::",
    )
    .expect("a pattern");
    let mut offences = Vec::new();
    for (name, text) in files("src/engine", "rs") {
        if name.contains("/tests") {
            continue;
        }
        if let Some(found) = banned.find(&code_only(&text)) {
            offences.push(format!("{name}: {}", found.as_str()));
        }
    }
    assert_none("the engine must be deterministic and sans-IO", &offences);
}

#[test]
fn unfinished_and_muted_code_is_not_kept() {
    // Spelled in two halves, so that this file does not find itself.
    let words = [
        ["to", "do!("].concat(),
        ["unimpl", "emented!("].concat(),
        ["#[ig", "nore"].concat(),
        ["FIX", "ME"].concat(),
        ["X", "XX"].concat(),
        ["dbg", "!("].concat(),
    ];
    let mut offences = Vec::new();
    for (name, text) in sources() {
        for word in &words {
            // A masked account number has four of that letter.
            let text = text.replace("XXXX", "");
            if text.contains(word.as_str()) {
                offences.push(format!("{name}: {word}"));
            }
        }
    }
    assert_none("unfinished or muted code", &offences);
}

#[test]
fn time_enters_through_the_clock_module_only() {
    let banned = Regex::new(r"Instant::now|SystemTime::now|thread::sleep").expect("a pattern");
    let mut offences = Vec::new();
    for (name, text) in sources() {
        if name != "src/clock.rs" && name != "tests/tidy.rs" && banned.is_match(&code_only(&text)) {
            offences.push(name);
        }
    }
    assert_none("a clock outside src/clock.rs", &offences);
}

#[test]
fn every_metric_is_described_for_operators_and_none_else() {
    let page = fs::read_to_string(root().join("docs/OPERATIONS.md")).expect("the page");
    let listed: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `onhand_"))
        .filter_map(|line| line.split('`').next())
        .collect();
    let mut offences = Vec::new();
    for spec in onhand::metrics::METRICS {
        let short = spec
            .name
            .strip_prefix("onhand_")
            .expect("every metric has the prefix");
        if !listed.contains(&short) {
            offences.push(format!("{} is not in docs/OPERATIONS.md", spec.name));
        }
    }
    for name in &listed {
        if !onhand::metrics::METRICS
            .iter()
            .any(|spec| spec.name == format!("onhand_{name}"))
        {
            offences.push(format!(
                "docs/OPERATIONS.md lists onhand_{name}, which does not exist"
            ));
        }
    }
    assert_none("metrics and their page have drifted", &offences);
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let mut offences = Vec::new();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.contains("dependencies")
            && let Some((name, _)) = line.split_once(" = ")
            && !page.contains(&format!("| `{name}` |"))
        {
            offences.push(name.to_owned());
        }
    }
    assert_none(
        "a dependency without its line in docs/ARCHITECTURE.md",
        &offences,
    );
}

#[test]
fn the_code_map_names_every_module() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let offences: Vec<String> = IMPORTS
        .iter()
        .filter(|(module, _)| !page.contains(&format!("`{module}")))
        .map(|(module, _)| (*module).to_owned())
        .collect();
    assert_none("a module that the code map does not name", &offences);
}

#[test]
fn the_top_level_is_what_the_readme_says() {
    let allowed = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "benches",
        "docs",
        "loadgen",
        "src",
        "target",
        "tests",
    ];
    let mut offences = Vec::new();
    for entry in fs::read_dir(root()).expect("readable") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        if !name.starts_with('.') && !allowed.contains(&name.as_str()) {
            offences.push(name);
        }
    }
    assert_none("a stranger at the top level", &offences);
}

#[test]
fn every_result_code_is_asked_for_by_a_test() {
    let mut text = String::new();
    for (name, source) in sources() {
        if name == "tests/tidy.rs" || name.contains("error_codes") {
            continue;
        }
        if name.starts_with("tests/") || name.contains("/tests") {
            text.push_str(&source);
        } else if let Some(at) = source.find("#[cfg(test)]\nmod tests {") {
            text.push_str(&source[at..]);
        }
    }
    let offences: Vec<String> = onhand::types::ResultCode::ALL
        .iter()
        .map(|code| format!("ResultCode::{code:?}"))
        .filter(|name| {
            let word = Regex::new(&format!(r"{name}\b")).expect("a pattern");
            !word.is_match(&text)
        })
        .collect();
    assert_none("a result code that no test names", &offences);
}
