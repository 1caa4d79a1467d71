//! Applying what happens to an order after it was accepted.

use super::inventory::Cause;
use super::order::Line;
use super::record::{OrderRef, Record};
use super::stock::{ship_out, take_back};
use super::{Contradiction, Engine};
use crate::mutants::{self, Mutant};
use crate::types::{Disposition, OrderKey, OrderState, Resolution, ResultCode, TenantId};

type Applied = Result<(), Contradiction>;

impl Engine {
    /// Applies the record of an order command and remembers the command's result.
    pub(super) fn apply_order_command(
        &mut self,
        record: &Record<'_>,
        order: &OrderRef,
        sequence: u64,
    ) -> Applied {
        match record {
            Record::HoldExtended { expires_at_ms, .. } => {
                self.apply_extended(order, *expires_at_ms)?;
            }
            Record::OrderConfirmed { lines, .. } => {
                let slot = self.live_slot(order)?;
                self.apply_confirmed(slot, order, lines)?;
            }
            Record::OrderReleased { .. } => {
                let slot = self.slot_of(order.tenant, order.order)?;
                if self.orders.get(slot).state == OrderState::Backordered {
                    self.apply_waited_in_vain(slot);
                } else {
                    let slot = self.live_slot(order)?;
                    self.return_reserved(slot)?;
                    self.clear_reserved(slot);
                    self.resolve(slot, OrderState::Cancelled, Resolution::Released);
                }
            }
            Record::OrderCancelled { .. } => self.apply_cancelled(order)?,
            Record::OrderShipped { lines, .. } => self.apply_shipped(order, lines)?,
            Record::OrderReturned {
                disposition, lines, ..
            } => self.apply_returned(order, *disposition, lines)?,
            Record::OrderReinstated { .. } => self.apply_reinstated(order)?,
            _ => unreachable!("the caller passes records of order commands"),
        }
        self.keep_result(
            order.tenant,
            true,
            order.key.0,
            order.fingerprint,
            sequence,
            ResultCode::Ok,
        )
    }

    fn apply_extended(&mut self, order: &OrderRef, expires_at_ms: u64) -> Applied {
        let slot = self.live_slot(order)?;
        let hold = self.orders.get_mut(slot);
        if expires_at_ms < hold.time_ms() || expires_at_ms >= 1 << 48 {
            return Err(Contradiction::OrderState(order.order));
        }
        hold.extensions = hold.extensions.saturating_add(1);
        if expires_at_ms > hold.time_ms() {
            hold.set_time_ms(expires_at_ms);
            self.timers.set(expires_at_ms, slot);
        }
        Ok(())
    }

    fn apply_confirmed(
        &mut self,
        slot: u32,
        order: &OrderRef,
        lines: &super::record::OrderLines<'_>,
    ) -> Applied {
        let own = self.take_lines(slot);
        let mut left = lines.len();
        let mut applied = Ok(());
        let whole = lines.is_empty();
        let confirmed_of = |line: &Line| {
            if whole {
                return line.reserved;
            }
            let here = lines
                .iter()
                .find(|taken| (taken.sku, taken.location) == (line.sku, line.location));
            here.map_or(0, |taken| taken.quantity)
        };
        let buyer = self.buyer(slot);
        for line in &own {
            let confirmed = confirmed_of(line);
            left -= usize::from(!whole && confirmed > 0).min(left);
            if confirmed > line.reserved {
                return Err(Contradiction::OrderUnits(order.order));
            }
            let change = self
                .inventory
                .change(line.sku, line.location, Cause::Order, |cell| {
                    cell.reserved = cell.reserved.checked_sub(line.reserved)?;
                    cell.committed = cell.committed.checked_add(confirmed)?;
                    Some(())
                });
            let counted = self.count_given(buyer, line.sku, line.reserved - confirmed);
            applied = applied.and(counted).and(change.map(|_| ()));
        }
        applied?;
        if left > 0 {
            return Err(Contradiction::OrderUnits(order.order));
        }
        let all = own.iter().all(|line| confirmed_of(line) == line.reserved);
        if self.orders.get(slot).is_wide() || !all {
            self.orders.change_lines(slot, |line| {
                line.committed = confirmed_of(line);
                line.reserved = 0;
            });
        }
        self.scratch.lines = own;
        self.resolve(slot, OrderState::Confirmed, Resolution::Confirmed);
        Ok(())
    }

    /// Empties the reserved column of a wide order; an inline order has it in its state.
    fn clear_reserved(&mut self, slot: u32) {
        if self.orders.get(slot).is_wide() {
            self.orders.change_lines(slot, |line| line.reserved = 0);
        }
    }

    /// Applies the end of a hold by time.
    pub(super) fn apply_expired(&mut self, slot: u32) -> Applied {
        if !self.orders.get(slot).state.is_live_hold() {
            let (_, key) = self.client_key(slot);
            return Err(Contradiction::OrderState(key));
        }
        if !mutants::is(Mutant::ForgetReleaseOnExpiry) {
            self.return_reserved(slot)?;
        }
        self.clear_reserved(slot);
        self.resolve(slot, OrderState::Expired, Resolution::Expired);
        self.counters.expired += 1;
        Ok(())
    }

    /// Applies the end of a hold whose units an order gets that a channel had sold.
    pub(super) fn apply_preempted(&mut self, tenant: TenantId, order: OrderKey) -> Applied {
        let slot = self.slot_of(tenant, order)?;
        if self.orders.get(slot).state != OrderState::Held {
            return Err(Contradiction::OrderState(order));
        }
        self.return_reserved(slot)?;
        self.clear_reserved(slot);
        self.resolve(slot, OrderState::Cancelled, Resolution::Released);
        Ok(())
    }

    fn apply_cancelled(&mut self, order: &OrderRef) -> Applied {
        let slot = self.slot_of(order.tenant, order.order)?;
        let own = self.take_lines(slot);
        let shipped = own.iter().any(|line| line.shipped > 0);
        if self.orders.get(slot).state != OrderState::Confirmed || shipped {
            return Err(Contradiction::OrderState(order.order));
        }
        let mut applied = Ok(());
        let buyer = self.buyer(slot);
        for line in own.iter().filter(|line| line.committed > 0) {
            let change = self
                .inventory
                .change(line.sku, line.location, Cause::Order, |cell| {
                    cell.committed = cell.committed.checked_sub(line.committed)?;
                    Some(())
                });
            let counted = self.count_given(buyer, line.sku, line.committed);
            applied = applied.and(counted).and(change.map(|_| ()));
        }
        self.scratch.lines = own;
        applied?;
        if self.orders.get(slot).is_wide() {
            self.orders.change_lines(slot, |line| line.committed = 0);
        }
        self.end(slot, OrderState::Cancelled);
        Ok(())
    }

    /// An ended order has all its units again, committed.
    fn apply_reinstated(&mut self, order: &OrderRef) -> Applied {
        let slot = self.slot_of(order.tenant, order.order)?;
        if self.orders.get(slot).state != OrderState::Expired {
            return Err(Contradiction::OrderState(order.order));
        }
        let own = self.take_lines(slot);
        let buyer = self.buyer(slot);
        let mut applied = Ok(());
        for line in &own {
            let units = line.ordered;
            let change = self
                .inventory
                .change(line.sku, line.location, Cause::Order, |cell| {
                    let fits = cell.available() >= units;
                    cell.committed = cell.committed.checked_add(units).filter(|_| fits)?;
                    Some(())
                });
            self.count_taken(buyer, line.sku, units);
            applied = applied.and(change.map(|_| ()));
        }
        self.scratch.lines = own;
        applied?;
        if self.orders.get(slot).is_wide() {
            self.orders
                .change_lines(slot, |line| line.committed = line.ordered);
        }
        let now_ms = self.now_ms;
        let order = self.orders.get_mut(slot);
        order.state = OrderState::Confirmed;
        order.reinstate();
        order.set_time_ms(now_ms);
        Ok(())
    }

    /// Ends an order whose hold was resolved before.
    fn end(&mut self, slot: u32, state: OrderState) {
        let now_ms = self.now_ms;
        let order = self.orders.get_mut(slot);
        if (order.state, order.time_ms()) == (state, now_ms) {
            return; // a second return in one turn: the timer is set
        }
        order.state = state;
        order.set_time_ms(now_ms);
        self.set_retention(slot);
    }

    fn apply_shipped(
        &mut self,
        order: &OrderRef,
        lines: &super::record::OrderLines<'_>,
    ) -> Applied {
        let slot = self.slot_of(order.tenant, order.order)?;
        if self.orders.get(slot).state != OrderState::Confirmed {
            return Err(Contradiction::OrderState(order.order));
        }
        for shipped in lines.iter() {
            let committed = self
                .orders
                .lines(slot)
                .find(|line| (line.sku, line.location) == (shipped.sku, shipped.location))
                .map_or(0, |line| line.committed);
            if shipped.quantity > committed {
                return Err(Contradiction::OrderUnits(order.order));
            }
            self.inventory
                .change(shipped.sku, shipped.location, Cause::Order, |cell| {
                    ship_out(cell, shipped.quantity).ok()
                })?;
        }
        let all: u64 = self
            .orders
            .lines(slot)
            .map(|line| u64::from(line.committed))
            .sum();
        let now: u64 = lines.iter().map(|line| u64::from(line.quantity)).sum();
        // The one line of an inline order that ships at once stays in its slot.
        if self.orders.get(slot).is_wide() || now < all {
            for shipped in lines.iter() {
                self.orders.change_lines(slot, |line| {
                    if (line.sku, line.location) == (shipped.sku, shipped.location) {
                        line.committed -= shipped.quantity;
                        line.shipped += shipped.quantity;
                    }
                });
            }
        }
        if now == all {
            self.end(slot, OrderState::Shipped);
        }
        Ok(())
    }

    fn apply_returned(
        &mut self,
        order: &OrderRef,
        disposition: Disposition,
        lines: &super::record::OrderLines<'_>,
    ) -> Applied {
        let slot = self.slot_of(order.tenant, order.order)?;
        for returned in lines.iter() {
            let open = self
                .orders
                .lines(slot)
                .find(|line| (line.sku, line.location) == (returned.sku, returned.location))
                .map_or(0, |line| line.shipped - line.returned);
            if returned.quantity > open {
                return Err(Contradiction::OrderUnits(order.order));
            }
            self.inventory
                .change(returned.sku, returned.location, Cause::Order, |cell| {
                    take_back(cell, returned.quantity, disposition).ok()
                })?;
            self.orders.change_lines(slot, |line| {
                if (line.sku, line.location) == (returned.sku, returned.location) {
                    line.returned += returned.quantity;
                }
            });
        }
        if self.orders.get(slot).state == OrderState::Shipped {
            self.end(slot, OrderState::Shipped);
        }
        Ok(())
    }
}
