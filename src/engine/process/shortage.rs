//! Stock that fell below what was promised: which orders a person has to look at.

use super::desk::Desk;
use super::table::{self, Trigger};
use crate::engine::Engine;
use crate::engine::record::CellRef;
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, OrderState};

/// Orders that one shortage brings into review, at most: the next one brings in more.
const VICTIMS_MAX: usize = 64;

impl Engine {
    /// Brings orders with units of the cell into review, until those cover what is short: unpaid
    /// ones first, and the newest first among equals.
    pub(in crate::engine) fn review_shortage(
        &mut self,
        cell: CellRef,
        short: u32,
        actor: ActorId,
        out: &mut RecordBuffer,
    ) {
        let units_of = |slot: u32| -> u64 {
            let lines = self.orders.lines(slot);
            let here = lines.filter(|it| (it.sku, it.location) == (cell.sku, cell.location));
            here.map(|it| u64::from(it.reserved) + u64::from(it.committed))
                .sum()
        };
        let mut victims: Vec<(bool, u64, u32, u64)> = Vec::new();
        let mut covered = 0;
        for (slot, process) in &self.processes.processes {
            let units = units_of(*slot);
            if units == 0 {
                continue;
            }
            if process.state == OrderState::Review {
                covered += units; // a person looks at it already
            } else if table::find(process.state, Trigger::Shortage).is_some() {
                let unpaid = self.orders.get(*slot).state.is_live_hold();
                victims.push((unpaid, process.accepted, *slot, units));
            }
        }
        victims.sort_unstable();
        let mut desk = Desk {
            engine: self,
            out,
            actor,
        };
        for (_, _, slot, units) in victims.into_iter().rev().take(VICTIMS_MAX) {
            if covered >= u64::from(short) {
                return;
            }
            covered += units;
            if let Some(image) = desk.image(slot) {
                let note = "stock fell below what was promised";
                desk.trigger(slot, Trigger::Shortage, image, note);
            }
        }
    }
}
