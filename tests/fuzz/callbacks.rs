//! Callbacks of providers, each signed as its provider signs, on the gateway's own port.

use super::super::callbacks::cases::{Case, cases};
use super::super::callbacks::{SECRET, accepting, deliver, seconds, source};
use super::edit::{self, Edit};
use super::json::{self, JsonEdit};
use super::run::run;
use onhand::limits::{PROVIDER_MESSAGE_BYTES_MAX, REFERENCE_BYTES_MAX};
use onhand::shard::local::OwnedReport;
use proptest::prelude::*;
use serde_json::Value;

/// The body after edits of its fields, where it has any that are JSON, and of its bytes.
fn edited(case: &Case, fields: &[JsonEdit], bytes: &[Edit]) -> Vec<u8> {
    let body = match serde_json::from_str::<Value>(&case.body) {
        Ok(sound) => json::apply(&sound, fields).to_string(),
        Err(_) => case.body.clone(),
    };
    edit::apply(body.as_bytes(), bytes)
}

fn check(report: &OwnedReport, kind: &str) {
    assert_eq!(report.provider, kind);
    assert_ne!(report.event, 0, "{report:?}");
    assert!(report.reference.len() <= REFERENCE_BYTES_MAX, "{report:?}");
    assert!(
        report.text.len() <= PROVIDER_MESSAGE_BYTES_MAX,
        "{report:?}"
    );
}

#[test]
fn a_signed_callback_is_taken_or_refused_by_name() {
    let cases = cases();
    let sources = cases.iter().map(|case| source(case.kind, &[SECRET]));
    let web = accepting(sources.collect());
    let bytes = prop_oneof![3 => Just(Vec::new()), 1 => edit::edits()];
    let inputs = (any::<usize>(), json::edits(), bytes);
    run(
        "tests/fuzz/regressions/callbacks.txt",
        inputs,
        |(of, fields, bytes)| {
            let case = &cases[of % cases.len()];
            let body = edited(case, &fields, &bytes);
            let headers = (case.sign)(SECRET, &body, seconds());
            let answered = deliver(&web, case.kind, &headers, &body);
            let reports = web.asked.reports();
            match answered.status {
                200 => reports.iter().for_each(|report| check(report, case.kind)),
                400 => answered.is_problem(400, "BAD_REQUEST"),
                // It points at what is to be read from the provider, and here is none.
                503 if case.kind == "shipstation" => answered.is_problem(503, "OVERLOADED"),
                // Its signature is over fields, and of broken ones there is none.
                401 if case.kind == "twilio" => {}
                _ => panic!("{}: {answered:?}", case.kind),
            }
            assert!(answered.status == 200 || reports.is_empty(), "{answered:?}");
        },
    );
}
