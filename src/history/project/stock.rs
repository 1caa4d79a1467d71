//! Stock movements and shortages.

use super::super::cell::{int, text};
use super::super::schema::MovementRow;
use super::{At, Projector};
use crate::engine::record::{CellRef, StockChange};

impl Projector {
    fn cell_row(&self, at: &At, cell: CellRef, kind: &str) -> MovementRow {
        MovementRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            tenant: self.tenant_of(cell.sku),
            kind: text(kind),
            sku: int(cell.sku.0),
            location: int(cell.location.0),
            ..MovementRow::default()
        }
    }

    pub(super) fn movement(&mut self, at: &At, change: &StockChange<'_>) {
        let (key, _, cell) = change.head();
        let row = |kind: &str| MovementRow {
            command_key: text(&key.to_string()),
            ..self.cell_row(at, cell, kind)
        };
        let row = match *change {
            StockChange::Received { quantity, .. } => MovementRow {
                quantity: int(quantity),
                ..row("received")
            },
            StockChange::Adjusted { delta, reason, .. } => MovementRow {
                quantity: int(delta),
                reason: text(reason),
                ..row("adjusted")
            },
            StockChange::Set {
                before, on_hand, ..
            } => MovementRow {
                quantity: int(i64::from(on_hand) - i64::from(before)),
                on_hand: int(on_hand),
                ..row("set")
            },
            StockChange::Transferred { to, quantity, .. } => MovementRow {
                quantity: int(quantity),
                to_location: int(to.0),
                ..row("transferred")
            },
            StockChange::Moved {
                from, to, quantity, ..
            } => MovementRow {
                quantity: int(quantity),
                from_bucket: text(from.name()),
                to_bucket: text(to.name()),
                ..row("moved")
            },
        };
        self.rows.movements.push(row);
    }

    pub(super) fn shortage(&mut self, at: &At, cell: CellRef, short: u32) {
        let row = MovementRow {
            quantity: int(short),
            ..self.cell_row(at, cell, "shortage")
        };
        self.rows.movements.push(row);
    }
}
