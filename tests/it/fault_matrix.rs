//! Every provider at every step under every fault, once and always: an order ends as
//! docs/ORDER_PROCESS.md says, is charged at most once, gets one label at most and is not lost.
//!
//! ```text
//!  stands (step, provider) × faults × how often = cells ◀── each has one row ──▶ the page's table
//!      └▶ a sandbox and a server each; an order a cell, one after another
//! ```
//!
//! The matrix is generated, so no cell can be left out; the table is parsed, so no row can be stale.

mod cells;
mod order;
mod stand;
mod table;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use cells::{Cell, STANDS, cells_of};
use order::Ending;
use stand::Stand;

/// Stands that run at a time.
const STANDS_AT_A_TIME: usize = 4;

/// Runs the cells of all stands: what each ended with, or what is wrong whatever the fault was; and
/// which orders are not where they ended.
fn run() -> (BTreeMap<Cell, Result<Ending, String>>, Vec<String>) {
    let waiting: Mutex<VecDeque<_>> = Mutex::new(STANDS.iter().collect());
    let (endings, lost) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    let work = || {
        while let Some(place) = { waiting.lock().unwrap().pop_front() } {
            let mut stand = Stand::start(place);
            for cell in cells_of(place) {
                let ending = stand.run(&cell);
                endings.lock().unwrap().insert(cell, ending);
            }
            lost.lock().unwrap().extend(stand.lost());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..STANDS_AT_A_TIME {
            scope.spawn(work);
        }
    });
    (endings.into_inner().unwrap(), lost.into_inner().unwrap())
}

#[test]
fn every_provider_at_every_step_under_every_fault_ends_orders_as_documented() {
    let started_ns = onhand::clock::monotonic_ns();
    let expected = table::read();
    let all: Vec<Cell> = STANDS.iter().flat_map(cells_of).collect();
    table::matches(&expected, &all);
    let (endings, mut wrong) = run();
    let seconds = (onhand::clock::monotonic_ns() - started_ns) / 1_000_000_000;
    println!(
        "{} cells of {} stands in {seconds} s",
        endings.len(),
        STANDS.len()
    );
    assert_eq!(endings.len(), all.len(), "cells were skipped");
    for (cell, ending) in &endings {
        match ending {
            Err(what) => wrong.push(format!("{cell}: {what}")),
            Ok(ending) if *ending != expected[cell] => {
                wrong.push(format!(
                    "{cell}: {ending}, documented is {}",
                    expected[cell]
                ));
            }
            Ok(_) => {}
        }
    }
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} cells:\n{}", wrong.join("\n"));
}
