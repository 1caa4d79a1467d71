//! Claims about the state at the end of a fold: what no single record shows.

use super::fold::{At, Fold};
use super::report::{Checks, Invariant};
use crate::engine::record::CellRef;
use crate::types::SkuId;
use std::collections::BTreeMap;

/// Checks the whole state of one shard: every cell (I1, I2, I7), every order line (I4), the sums
/// of all order lines against their cells (I3), every SKU (I7), and every order in process (I10,
/// I13).
pub fn check_end(fold: &Fold, checks: &mut Checks) {
    let end = At {
        sequence: 0,
        ..fold.last
    };
    let held = check_orders(fold, &end, checks);
    check_holdings(fold, &end, &held, checks);
    check_cells(fold, &end, checks);
    check_skus(fold, &end, checks);
    fold.check_processes(&end, checks);
    fold.check_channels(&end, checks);
}

/// Units that orders hold in one cell.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    reserved: i64,
    committed: i64,
}

/// I4 of every line; returns what all orders together hold in each cell.
fn check_orders(fold: &Fold, end: &At, checks: &mut Checks) -> BTreeMap<CellRef, Held> {
    let mut held: BTreeMap<CellRef, Held> = BTreeMap::new();
    for (tenant, key, order) in fold.orders() {
        for line in order.lines.as_slice() {
            checks.check(Invariant::I4, line.adds_up(), || {
                let what = format!(
                    "ordered {}, but backordered {} + reserved {} + committed {} + shipped {} + \
                     cancelled {}, of which returned {}",
                    line.ordered,
                    line.backordered,
                    line.reserved,
                    line.committed,
                    line.shipped,
                    line.cancelled,
                    line.returned
                );
                let order = (tenant, key);
                fold.names.line_offence(end, order, line.cell(), what)
            });
            if line.reserved > 0 || line.committed > 0 {
                let cell = held.entry(line.cell()).or_default();
                cell.reserved += i64::from(line.reserved);
                cell.committed += i64::from(line.committed);
            }
        }
    }
    held
}

/// I3: every cell's reserved and committed units are exactly what orders hold there.
fn check_holdings(fold: &Fold, end: &At, held: &BTreeMap<CellRef, Held>, checks: &mut Checks) {
    for (at, cell) in fold.cells() {
        let orders = held.get(&at).copied().unwrap_or_default();
        let same = cell.reserved == orders.reserved && cell.committed == orders.committed;
        checks.check(Invariant::I3, same, || {
            let what = format!(
                "the cell has {} reserved and {} committed, orders hold {} and {}",
                cell.reserved, cell.committed, orders.reserved, orders.committed
            );
            fold.names.cell_offence(end, at, what)
        });
    }
}

fn check_cells(fold: &Fold, end: &At, checks: &mut Checks) {
    for (at, cell) in fold.cells() {
        fold.check_cell(end, at, cell, checks);
        let excused = cell.short() == 0 || cell.short_by_correction || cell.short_by_fact;
        checks.check(Invariant::I7, excused, || {
            let what = format!(
                "is short by {} although no correction of on hand and no order that a channel had \
                 sold caused it ({})",
                cell.short(),
                cell.describe()
            );
            fold.names.cell_offence(end, at, what)
        });
    }
}

/// One SKU over all its locations.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    promised: i128,
    stock: i128,
    excused: i128,
}

/// I7 per SKU: reserved, committed and net shipped units never exceed what came in.
fn check_skus(fold: &Fold, end: &At, checks: &mut Checks) {
    let mut totals: BTreeMap<SkuId, Total> = BTreeMap::new();
    for (at, cell) in fold.cells() {
        let total = totals.entry(at.sku).or_default();
        let net_shipped = i128::from(cell.shipped) - i128::from(cell.returned);
        total.promised += i128::from(cell.reserved) + i128::from(cell.committed) + net_shipped;
        total.stock += i128::from(cell.received) + i128::from(cell.adjusted);
        if cell.short_by_correction || cell.short_by_fact {
            total.excused += i128::from(cell.short());
        }
    }
    for (sku, total) in totals {
        let covered = total.promised <= total.stock + total.excused;
        checks.check(Invariant::I7, covered, || {
            let what = format!(
                "{} units are reserved, committed or shipped for good, but only {} came in",
                total.promised, total.stock
            );
            let offence = fold.names.offence(end, what);
            super::report::Offence {
                sku: Some(fold.names.sku_name(sku)),
                ..offence
            }
        });
    }
}
