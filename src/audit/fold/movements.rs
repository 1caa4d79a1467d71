//! Stock movements: receive, adjust, set, transfer, move, and detected shortages.

use super::{At, Cell, Fold};
use crate::audit::report::{Checks, Invariant};
use crate::engine::record::{CellRef, StockChange};
use crate::types::{StockBucket, TenantId};

impl Fold {
    pub(super) fn movement(&mut self, at: &At, change: &StockChange<'_>, checks: &mut Checks) {
        self.tally.movements += 1;
        let (key, fingerprint, cell) = change.head();
        let owner = self.names.sku(cell.sku).map(|sku| sku.tenant);
        let tenant = owner.unwrap_or(TenantId(u16::MAX));
        self.check_owner(at, tenant, cell, checks);
        self.use_key(at, (tenant, key), fingerprint, false, checks);
        match *change {
            StockChange::Received { quantity, .. } => {
                self.change(at, cell, checks, |cell| {
                    cell.on_hand += i64::from(quantity);
                    cell.received += i64::from(quantity);
                });
            }
            StockChange::Adjusted { delta, .. } => {
                self.change(at, cell, checks, |cell| {
                    cell.on_hand = cell.on_hand.saturating_add(delta);
                    cell.adjusted = cell.adjusted.saturating_add(delta);
                    cell.short_by_correction |= delta < 0 && cell.short() > 0;
                });
            }
            StockChange::Set {
                before, on_hand, ..
            } => {
                // The record says what was there: on hand follows its last word, the flows follow
                // its difference, and where it was wrong about the past the two part (I1).
                let (before, on_hand) = (i64::from(before), i64::from(on_hand));
                self.change(at, cell, checks, |cell| {
                    cell.on_hand = on_hand;
                    cell.adjusted += on_hand - before;
                    cell.short_by_correction |= on_hand < before && cell.short() > 0;
                });
            }
            StockChange::Transferred { to, quantity, .. } => {
                let quantity = i64::from(quantity);
                let target = CellRef {
                    sku: cell.sku,
                    location: to,
                };
                self.check_owner(at, tenant, target, checks);
                self.check_available(at, cell, quantity, "transfers", checks);
                self.change(at, cell, checks, |cell| {
                    cell.on_hand -= quantity;
                    cell.transferred -= quantity;
                });
                self.change(at, target, checks, |cell| {
                    cell.on_hand += quantity;
                    cell.transferred += quantity;
                });
            }
            StockChange::Moved {
                from, to, quantity, ..
            } => {
                let quantity = i64::from(quantity);
                if from == StockBucket::Available {
                    self.check_available(at, cell, quantity, "sets aside", checks);
                }
                self.change(at, cell, checks, |cell| {
                    if let Some(bucket) = bucket(cell, from) {
                        *bucket -= quantity;
                    }
                    if let Some(bucket) = bucket(cell, to) {
                        *bucket += quantity;
                    }
                });
            }
        }
    }

    /// I7 where units are taken from what is available other than by an order.
    fn check_available(
        &self,
        at: &At,
        cell: CellRef,
        quantity: i64,
        verb: &str,
        checks: &mut Checks,
    ) {
        let now = self.cell(cell).copied().unwrap_or_default();
        checks.check(Invariant::I7, quantity <= now.available(), || {
            let what = format!(
                "{verb} {quantity} units where {} were available ({})",
                now.available(),
                now.describe()
            );
            self.names.cell_offence(at, cell, what)
        });
    }

    pub(super) fn shortage(&mut self, at: &At, cell: CellRef, short: u32, checks: &mut Checks) {
        let now = self.cell(cell).copied().unwrap_or_default();
        checks.check(Invariant::I2, now.short() == i64::from(short), || {
            let what = format!(
                "a shortage of {short} is recorded where it is {} ({})",
                now.short(),
                now.describe()
            );
            self.names.cell_offence(at, cell, what)
        });
    }
}

/// The counter behind a bucket; available follows from the others and has none.
fn bucket(cell: &mut Cell, bucket: StockBucket) -> Option<&mut i64> {
    match bucket {
        StockBucket::Available => None,
        StockBucket::Safety => Some(&mut cell.safety),
        StockBucket::Damaged => Some(&mut cell.damaged),
        StockBucket::QualityControl => Some(&mut cell.quality_control),
    }
}
