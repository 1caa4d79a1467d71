//! Acknowledgements held against the journal.

use super::story::Story;
use super::{assert_offence, finding, offences};
use crate::audit::ledger::LedgerError;
use crate::audit::verify::{Report, VerifyError, VerifyOptions, verify};
use crate::types::OrderKey;

fn with_ledger(text: &str) -> Result<Report, VerifyError> {
    let directory = tempfile::tempdir().unwrap();
    Story::valid().write(directory.path());
    let ledger = directory.path().join("ledger.jsonl");
    std::fs::write(&ledger, text).unwrap();
    let options = VerifyOptions {
        ledgers: vec![ledger],
        ..VerifyOptions::default()
    };
    verify(directory.path(), &options, &mut |_, _| {})
}

fn told(order: u128, version: u16, code: &str, more: &str) -> String {
    let key = OrderKey(order);
    format!(r#"{{"tenant":"acme","key":"{key}","version":{version},"code":"{code}"{more}}}"#) + "\n"
}

/// Sequence of the nth accepted order of the story.
fn accepted(n: usize) -> u64 {
    let story = Story::valid();
    let found = story
        .entries
        .iter()
        .zip(1..)
        .filter(|(entry, _)| entry.kind == 32);
    found.map(|(_, sequence)| sequence).nth(n).unwrap()
}

#[test]
fn acknowledgements_that_the_journal_has_are_fine() {
    let first = accepted(0);
    let text = told(
        1,
        1,
        "OK",
        &format!(r#","sequence":{first},"replayed":false,"state":"HELD""#),
    ) + &told(
        1,
        1,
        "OK",
        &format!(r#","sequence":{first},"replayed":true,"state":"SHIPPED""#),
    ) + &told(3, 1, "OK", r#","state":"FRAUD_CHECK""#)
        + &told(
            6,
            1,
            "INSUFFICIENT_STOCK",
            r#","sequence":0,"state":"REJECTED""#,
        )
        + &told(9, 1, "OVERLOADED", "")
        + r#"{"tenant":"acme","key":"00"#;
    let report = with_ledger(&text).unwrap();
    assert_eq!(offences(&report), "");
    assert_eq!(
        (report.acknowledgements, finding(&report, "I14").verdict()),
        (4, "ok")
    );
}

#[test]
fn an_acknowledged_order_that_the_journal_does_not_have_is_named_as_lost() {
    let report = with_ledger(&told(1_234, 1, "OK", "")).unwrap();
    let key = OrderKey(1_234).to_string();
    assert_offence(&report, "I14", &[&key, "tenant acme", "lost"]);
}

#[test]
fn an_acknowledgement_of_another_outcome_is_named() {
    let report = with_ledger(&told(6, 1, "OK", "")).unwrap();
    let key = OrderKey(6).to_string();
    assert_offence(&report, "I14", &[&key, "was told OK", "INSUFFICIENT_STOCK"]);
    let report = with_ledger(&told(1, 1, "OK", r#","sequence":5000"#)).unwrap();
    assert_offence(&report, "I14", &["was told sequence 5000"]);
    let report = with_ledger(&told(1, 1, "OK", r#","state":"CONFIRMED""#)).unwrap();
    assert_offence(&report, "I14", &["was told CONFIRMED, but became HELD"]);
}

#[test]
fn one_key_acknowledged_with_two_outcomes_is_named() {
    let text = told(1, 1, "OK", "") + &told(1, 1, "INSUFFICIENT_STOCK", "");
    let report = with_ledger(&text).unwrap();
    let key = OrderKey(1).to_string();
    assert_offence(&report, "I14", &[&key, "acknowledged twice"]);
}

#[test]
fn a_malformed_ledger_is_refused_with_its_line() {
    let text = told(1, 1, "OK", "") + "what?\n";
    let error = with_ledger(&text).unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::Ledger(LedgerError::Line { line: 2, .. })
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("ledger.jsonl, line 2"),
        "{error}"
    );
    let error = with_ledger(&told(1, 1, "FINE", "")).unwrap_err();
    assert!(
        error.to_string().contains("FINE is not a result code"),
        "{error}"
    );
}
