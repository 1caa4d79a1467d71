//! A journal written by hand, and what verification says when one record of it is altered.

mod altered;
mod channel;
mod damage;
mod ledger;
mod preempt;
mod process;
mod queue;
mod story;
mod told;
mod trail;
mod way;

use super::report::Finding;
use super::verify::{Report, VerifyOptions, verify};
use story::Story;

/// Writes the story to a fresh directory and verifies it.
fn verified(story: &Story) -> Report {
    let directory = tempfile::tempdir().unwrap();
    story.write(directory.path());
    verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap()
}

fn finding<'a>(report: &'a Report, name: &str) -> &'a Finding {
    let mut findings = report.findings.iter();
    findings.find(|finding| finding.invariant == name).unwrap()
}

/// All offences, as printed.
fn offences(report: &Report) -> String {
    let findings = report.findings.iter();
    let lines = findings.flat_map(|finding| {
        let offences = finding.offences.iter();
        offences.map(|offence| format!("{} {offence}\n", finding.invariant))
    });
    lines.collect()
}

/// That `invariant` is violated, by an offence whose text has every one of `words`.
fn assert_offence(report: &Report, invariant: &str, words: &[&str]) {
    let finding = finding(report, invariant);
    let named = finding.offences.iter().any(|offence| {
        let text = offence.to_string();
        words.iter().all(|word| text.contains(word))
    });
    assert!(
        named,
        "{invariant} should name {words:?}, found:\n{}",
        offences(report)
    );
}
