//! Orders that a channel has sold already: they take what there is, and what is missing is counted
//! as short where it should have been.

use super::allocate::{Demand, MergedLine, Plan};
use super::command::{CellQuantities, OrderRequest};
use super::record::process_flags::{CONFIRMED, FACT};
use super::record::{
    Allocation, ChannelOversold, Lines, OrderRef, ProcessRecord, Record, put_lines,
};
use super::{Context, Engine};
use crate::limits::CELL_QUANTITY_MAX;
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, LocationId, OrderMode, OrderState, ResultCode, SkuId, TenantId};
use std::fmt::Write;

impl Engine {
    /// A channel has sold it, and there is a process in which a person can look at what is short.
    #[inline]
    pub(super) fn is_fact(&self, request: &OrderRequest<'_>) -> bool {
        request.mode == OrderMode::Fact && self.processes.is_in_force()
    }

    /// Completes the plan of a short order with units that are not there, and returns those by SKU
    /// and location.
    ///
    /// # Errors
    /// `UnknownLocation` where the merchant has no location at all, and `InsufficientStock` where a
    /// cell would have to count more than it can.
    pub(super) fn sell_beyond(
        &self,
        tenant: TenantId,
        demand: &Demand<'_>,
        plan: &mut Plan,
    ) -> Result<Vec<Allocation>, ResultCode> {
        let mut whole = true;
        for at in 0..plan.shorts.len() {
            let Some(short) = plan.shorts.get(at).copied() else {
                break;
            };
            let line = demand.lines.iter().find(|line| line.at == short.line);
            let Some(want) = line.map(|line| line.want) else {
                continue;
            };
            let location = self.place_beyond(tenant, demand, &want)?;
            let missing = want.quantity.saturating_sub(short.left);
            whole &= missing == 0 || plan.take(want.sku, location, missing);
        }
        if !whole {
            // Too many locations for one order: each line at one of them.
            plan.allocations.clear();
            for MergedLine { want, .. } in demand.lines {
                let location = self.place_beyond(tenant, demand, want)?;
                plan.take(want.sku, location, want.quantity);
            }
        }
        plan.allocations
            .sort_unstable_by_key(|taken| (taken.sku, taken.location));
        let mut beyond = Vec::new();
        for taken in &plan.allocations {
            let cell = self.inventory.quantities(taken.sku, taken.location);
            if cell.claimed() + u64::from(taken.quantity) > u64::from(CELL_QUANTITY_MAX) {
                return Err(ResultCode::InsufficientStock);
            }
            let quantity = taken.quantity.saturating_sub(cell.available());
            if quantity > 0 {
                beyond.push(Allocation { quantity, ..*taken });
            }
        }
        Ok(beyond)
    }

    /// Where the units of a line are short: at its location, else at the best one that keeps the
    /// SKU, else at the best one.
    fn place_beyond(
        &self,
        tenant: TenantId,
        demand: &Demand<'_>,
        want: &Allocation,
    ) -> Result<LocationId, ResultCode> {
        if want.location != LocationId::ANY {
            return Ok(want.location);
        }
        let best = |of: &mut dyn Iterator<Item = LocationId>| {
            of.min_by_key(|location| demand.rank(*location))
        };
        let cells = self.inventory.cells(want.sku);
        let kept = best(&mut cells.map(|(_, cell)| cell.location));
        let all = (0..).zip(self.inventory.locations());
        let own = all.filter(|(_, location)| location.tenant == tenant);
        kept.or_else(|| best(&mut own.map(|(number, _)| LocationId(number))))
            .ok_or(ResultCode::UnknownLocation)
    }

    /// Journals what an order took that was not there; returns it in words.
    pub(super) fn journal_oversold(
        &mut self,
        context: Context,
        request: &OrderRequest<'_>,
        beyond: &[Allocation],
        out: &mut RecordBuffer,
    ) -> String {
        let mut bytes = Vec::new();
        put_lines(&mut bytes, beyond);
        let record = Record::Process(ProcessRecord::Oversold(ChannelOversold {
            order: request.key,
            tenant: context.tenant,
            channel: request.channel,
            lines: Lines::from_bytes(&bytes),
        }));
        self.commit(&record, context.actor, out);
        let mut text = format!("channel {} sold beyond stock:", request.channel.0);
        for line in beyond {
            let sku = self.sku_name(line.sku).unwrap_or_default();
            let location = self.location_name(line.location).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = write!(text, " {} of {sku} at {location};", line.quantity);
        }
        text
    }

    /// Applies what an order took that was not there.
    pub(super) fn apply_oversold(
        &mut self,
        oversold: &ChannelOversold<'_>,
    ) -> Result<(), super::Contradiction> {
        let slot = self.slot_of(oversold.tenant, oversold.order)?;
        for line in oversold.lines.iter() {
            let taken = self
                .orders
                .lines(slot)
                .any(|own| (own.sku, own.location) == (line.sku, line.location));
            let cell = self.inventory.quantities(line.sku, line.location);
            if !taken || cell.short() < u64::from(line.quantity) {
                return Err(super::Contradiction::OrderUnits(oversold.order));
            }
        }
        Ok(())
    }

    /// An order that was cancelled before it arrived, and that no process ends, gives its units
    /// back at once.
    pub(super) fn release_cancelled_ahead(
        &mut self,
        (tenant, slot): (TenantId, u32),
        actor: ActorId,
        out: &mut RecordBuffer,
    ) {
        let (_, order) = self.client_key(slot);
        let order = OrderRef {
            order,
            key: crate::types::CommandKey(0),
            fingerprint: 0,
            tenant,
        };
        self.commit(&Record::OrderReleased { order }, actor, out);
    }

    /// The first cell that keeps an order which a channel had sold from going on: it has not all of
    /// its units, those aside that others were sold which wait for a person as well.
    pub(super) fn short_of(&self, slot: u32) -> Option<CellQuantities> {
        let waits = |process: &super::process::Process| {
            process.state == OrderState::Review
                && process.has_flag(FACT)
                && !process.has_flag(CONFIRMED)
        };
        let held = |slot: u32, sku: SkuId, location: LocationId| -> u64 {
            let lines = self.orders.lines(slot);
            let here = lines.filter(|line| (line.sku, line.location) == (sku, location));
            here.map(|line| u64::from(line.reserved)).sum()
        };
        self.orders.lines(slot).find_map(|line| {
            let cell = self.inventory.quantities(line.sku, line.location);
            if cell.short() == 0 {
                return None;
            }
            let others = self.processes.processes.iter();
            let others = others.filter(|(other, it)| **other != slot && waits(it));
            let aside: u64 = others
                .map(|(other, _)| held(*other, line.sku, line.location))
                .sum();
            (cell.short() > aside).then_some(cell)
        })
    }
}
