//! The table of docs/ORDER_PROCESS.md, "Faults and how orders end".
//!
//! ```text
//! | step | providers | faults | how often | end | captured by | dead letters |
//! ```

use std::collections::BTreeMap;

use super::cells::Cell;
use super::order::Ending;

const PAGE: &str = include_str!("../../../docs/ORDER_PROCESS.md");
const HEADING: &str = "## Faults and how orders end";

/// The expected ending of each cell that a row names.
pub fn read() -> BTreeMap<Cell, Ending> {
    let (_, section) = PAGE.split_once(HEADING).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with('|'));
    let mut expected = BTreeMap::new();
    for line in lines
        .skip_while(|line| !line.starts_with("| step |"))
        .skip(2)
    {
        let columns: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [steps, providers, faults, often, state, captured, dead] = columns[..] else {
            panic!("not seven columns: {line}");
        };
        let ending = Ending {
            state: state.into(),
            captured: captured.into(),
            dead: dead.into(),
        };
        let list = |text: &str| text.split(',').map(|it| it.trim().to_owned()).collect();
        let (steps, providers): (Vec<String>, Vec<String>) = (vec![steps.into()], list(providers));
        let (faults, often): (Vec<String>, Vec<String>) = (list(faults), list(often));
        for step in &steps {
            for provider in &providers {
                for fault in &faults {
                    for often in &often {
                        let cell = Cell {
                            step: step.clone(),
                            provider: provider.clone(),
                            fault: fault.clone(),
                            often: often.clone(),
                        };
                        let before = expected.insert(cell, ending.clone());
                        assert!(before.is_none(), "a cell has two rows: {line}");
                    }
                }
            }
        }
    }
    expected
}

/// Requires a row for each cell and a cell for each row.
pub fn matches(expected: &BTreeMap<Cell, Ending>, all: &[Cell]) {
    let rowless = all.iter().filter(|cell| !expected.contains_key(cell));
    let rowless: Vec<String> = rowless.map(ToString::to_string).collect();
    assert!(rowless.is_empty(), "cells without a row: {rowless:#?}");
    let stale = expected.keys().filter(|cell| !all.contains(cell));
    let stale: Vec<String> = stale.map(ToString::to_string).collect();
    assert!(stale.is_empty(), "rows without a cell: {stale:#?}");
}
