//! The full recount: everything that is kept twice must agree.

use super::idempotency::index::Table;
use super::inventory::Cell;
use super::order::OrderSlot;
use super::{Engine, InvariantBroken};
use crate::limits::CELL_QUANTITY_MAX;
use crate::types::{OrderState, Resolution, SkuId};
use std::collections::{BTreeMap, BTreeSet};

/// Reserved, committed and net shipped units of one cell.
type Sums = (u64, u64, i64);

pub(super) fn broken(invariant: &'static str, offender: String) -> InvariantBroken {
    InvariantBroken {
        invariant,
        offender,
    }
}

impl Engine {
    /// Recounts everything: cells against the lines of all orders, holds against timers, index
    /// against tables. Takes time and memory in proportion to the state; for tests and audits.
    ///
    /// # Errors
    /// The first invariant found broken.
    pub fn check_invariants(&self) -> Result<(), InvariantBroken> {
        let sums = self.sum_orders()?;
        for (sku, _) in self.inventory.skus() {
            for (number, cell) in self.inventory.cells(sku) {
                let sums = sums.get(&number).copied().unwrap_or_default();
                self.check_cell(sku, cell, sums)?;
            }
        }
        self.check_timers()?;
        self.check_processes()?;
        self.check_channels()?;
        self.check_channel_events()?;
        self.check_index()
    }

    fn sum_orders(&self) -> Result<BTreeMap<u32, Sums>, InvariantBroken> {
        let mut sums = BTreeMap::<u32, Sums>::new();
        let (mut open_holds, mut aside) = (0, 0);
        for (slot, order) in self.orders.iter() {
            let name = || format!("order {}", self.client_key(slot).1);
            check_resolution(order).map_err(|()| broken("I5", name()))?;
            open_holds += u64::from(order.state.is_live_hold());
            if order.is_wide() {
                let lines = self.orders.lines(slot).chain(self.orders.requested(slot));
                aside += lines.count() as u64;
            }
            for line in self.orders.lines(slot) {
                let parts = [line.reserved, line.committed, line.shipped];
                let sum: u64 = parts.into_iter().map(u64::from).sum();
                if sum > u64::from(line.ordered) || line.returned > line.shipped {
                    return Err(broken("I4", format!("{}: {line:?}", name())));
                }
                let Some(number) = self.inventory.find_cell(line.sku, line.location) else {
                    return Err(broken("I3", format!("{}: no cell for {line:?}", name())));
                };
                let cell = sums.entry(number).or_default();
                cell.0 += u64::from(line.reserved);
                cell.1 += u64::from(line.committed);
                cell.2 += i64::from(line.shipped) - i64::from(line.returned);
            }
        }
        if open_holds != self.counters.open_holds {
            let counted = self.counters.open_holds;
            return Err(broken(
                "I5",
                format!("{open_holds} open holds, counted {counted}"),
            ));
        }
        if aside != self.orders.lines_used() {
            let used = self.orders.lines_used();
            return Err(broken(
                "lines",
                format!("orders have {aside} aside, {used} are in use"),
            ));
        }
        Ok(sums)
    }

    fn check_cell(&self, sku: SkuId, cell: &Cell, sums: Sums) -> Result<(), InvariantBroken> {
        let q = &cell.quantities;
        let name = || {
            let sku = self.sku_name(sku).unwrap_or_default();
            let location = self.location_name(cell.location).unwrap_or_default();
            format!("SKU {sku} at {location}: {q:?}, orders hold {sums:?}")
        };
        if i64::from(q.on_hand) != cell.net_in - cell.net_out {
            return Err(broken("I1", name()));
        }
        let balance = u64::from(q.on_hand) + q.short() == u64::from(q.available()) + q.claimed();
        let exclusive = q.available() == 0 || q.short() == 0;
        let bounds = q.on_hand <= CELL_QUANTITY_MAX && q.claimed() <= CELL_QUANTITY_MAX.into();
        if !(balance && exclusive && bounds) {
            return Err(broken("I2", name()));
        }
        if (u64::from(q.reserved), u64::from(q.committed)) != (sums.0, sums.1) {
            return Err(broken("I3", name()));
        }
        // Orders that were forgotten may have shipped more; kept ones cannot have shipped less.
        if self.counters.orders_forgotten == 0 && sums.2 != cell.net_out {
            return Err(broken("I1", name()));
        }
        let promised = i64::from(q.reserved) + i64::from(q.committed) + cell.net_out;
        let sold_twice = promised > cell.net_in || q.short() > 0;
        if sold_twice && !cell.corrected_short {
            return Err(broken("I7", name()));
        }
        Ok(())
    }

    fn check_timers(&self) -> Result<(), InvariantBroken> {
        let timers: BTreeSet<(u64, u32)> = self.timers.iter().collect();
        for (slot, order) in self.orders.iter() {
            let until = if order.is_managed() {
                continue; // see `check_processes`
            } else if order.state.is_live_hold() {
                order.time_ms()
            } else if order.is_ended() {
                let kept_ms = self.options.ended_order_kept_ms;
                order.time_ms().saturating_add(kept_ms)
            } else {
                continue;
            };
            if !timers.contains(&(until, slot)) {
                let key = self.client_key(slot).1;
                return Err(broken("timer", format!("order {key} has none at {until}")));
            }
        }
        Ok(())
    }

    fn check_index(&self) -> Result<(), InvariantBroken> {
        let mut wanted = BTreeMap::<(u8, u32), u128>::new();
        let mut keys = BTreeSet::new();
        for (slot, order) in self.orders.iter() {
            wanted.insert((Table::First as u8, slot), order.key);
            if !keys.insert(order.key) {
                let key = self.client_key(slot).1;
                return Err(broken("I6", format!("order {key} is stored twice")));
            }
        }
        // Oldest first, so that the newest refusal of a key is the one that the index must name.
        let newest: BTreeMap<u128, u32> = self
            .rejections
            .iter()
            .map(|(slot, key)| (key, slot))
            .collect();
        wanted.extend(
            newest
                .into_iter()
                .map(|(key, slot)| ((Table::Second as u8, slot), key)),
        );
        for (table, kept) in [
            (Table::Third, &self.stock_commands),
            (Table::Fourth, &self.order_commands),
        ] {
            wanted.extend(kept.iter().map(|(slot, key)| ((table as u8, slot), key)));
        }
        for (tag, table, slot) in self.index.entries() {
            match wanted.remove(&(table as u8, slot)) {
                Some(key) if self.mixer.tag(key) == tag => {}
                _ => {
                    let entry = format!("entry {tag:08x} of {table:?} slot {slot} leads nowhere");
                    return Err(broken("index", entry));
                }
            }
        }
        match wanted.first_key_value() {
            None => Ok(()),
            Some(((table, slot), _)) => {
                let missing = format!("slot {slot} of table {table} has no entry");
                Err(broken("index", missing))
            }
        }
    }
}

fn check_resolution(order: &OrderSlot) -> Result<(), ()> {
    let resolution = order.resolution();
    let ok = match order.state {
        OrderState::Held | OrderState::FraudCheck | OrderState::Backordered => {
            resolution == Resolution::Open
        }
        OrderState::Confirmed | OrderState::Shipped | OrderState::Completed => {
            resolution == Resolution::Confirmed
        }
        OrderState::Expired => resolution == Resolution::Expired,
        OrderState::Cancelled | OrderState::Declined => {
            matches!(resolution, Resolution::Released | Resolution::Confirmed)
        }
        // A slot holds what became of the units; where in its process an order is, the process
        // table says.
        _ => false,
    };
    if ok { Ok(()) } else { Err(()) }
}
