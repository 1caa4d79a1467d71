//! Files that people write.

use super::edit::{apply, edits};
use super::run::run;
use onhand::config::process::ProcessConfig;
use onhand::config::{channels, process};
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::SocketAddr;
use std::path::Path;

/// What people write where something else belongs.
const WORDS: &[&str] = &[
    "\"\"",
    "0",
    "-1",
    "1e9",
    "true",
    "[]",
    "{}",
    "\"x\"",
    "[[",
    "]]",
    "=",
    "\n",
    "#",
    "nan",
    "18446744073709551616",
    "\"standard\"",
    "\"stripe\"",
    "2026-11-20",
    "\"\u{1F9C1}\"",
];

/// A word of the file is replaced by another one, or by one of its own.
fn replaced(text: &str, swaps: &[(usize, usize)]) -> String {
    let mut words: Vec<&str> = text.split_inclusive([' ', '\n', ',', '=']).collect();
    let own = words.clone();
    for (at, with) in swaps {
        let place = at % words.len();
        let with = with % (WORDS.len() + own.len());
        words[place] = WORDS
            .get(with)
            .copied()
            .unwrap_or_else(|| own[with - WORDS.len()]);
    }
    words.concat()
}

fn fuzz_file(regressions: &'static str, sound: &str, check: impl Fn(&str) -> Result<(), String>) {
    assert_eq!(check(sound), Ok(()));
    let swaps = vec((any::<usize>(), any::<usize>()), 0..4);
    let edits = prop_oneof![3 => Just(Vec::new()), 1 => edits()];
    run(regressions, (swaps, edits), |(swaps, edits)| {
        let text = apply(replaced(sound, &swaps).as_bytes(), &edits);
        let text = String::from_utf8_lossy(&text);
        if let Err(told) = check(&text) {
            assert!(told.contains("fuzz.toml"), "the file is not named: {told}");
        }
    });
}

#[test]
fn a_channels_file_is_taken_or_refused_with_the_place() {
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    let sound = channels::sandbox_file(address, "shop");
    fuzz_file("tests/fuzz/regressions/channels_file.txt", &sound, |text| {
        let read = channels::parse(Path::new("fuzz.toml"), text);
        read.map(drop).map_err(|error| error.to_string())
    });
}

#[test]
fn a_process_file_is_taken_or_refused_with_the_place() {
    let sound = process::sandbox_file(SocketAddr::from(([127, 0, 0, 1], 9)));
    fuzz_file("tests/fuzz/regressions/process_file.txt", &sound, |text| {
        let kinds = onhand::adapters::registry::KINDS;
        let read = ProcessConfig::parse(Path::new("fuzz.toml"), text, kinds);
        read.map(drop).map_err(|error| error.to_string())
    });
}
