//! Applying an accepted order: its units, its slot, its deadline or its place in the queue.

use super::channel::Buyer;
use super::idempotency::index::Table;
use super::inventory::Cause;
use super::order::{Line, NO_LINE, OrderSlot, flag};
use super::process::Entry;
use super::record::{Allocation, OrderAccepted, accepted_flags};
use super::{Contradiction, Engine, OrderProbe};
use crate::mutants::{self, Mutant};
use crate::types::{OrderKey, OrderState, Resolution, SkuId};

type Applied = Result<(), Contradiction>;

impl Engine {
    /// Applies an accepted order; `existing` is the live hold that it replaces.
    pub(super) fn apply_accepted(
        &mut self,
        record: &OrderAccepted<'_>,
        sequence: u64,
        probe: &OrderProbe,
        existing: Option<u32>,
    ) -> Applied {
        let waits = record.flags & accepted_flags::BACKORDERED != 0;
        if record.allocations.is_empty() != waits || waits && record.requested.is_empty() {
            return Err(Contradiction::OrderUnits(record.key));
        }
        let committed = record.flags & accepted_flags::COMMITTED != 0;
        let mut place = sequence;
        if let Some(slot) = existing {
            place = self.replace_version(slot, record)?.unwrap_or(sequence);
        } else if committed {
            return Err(Contradiction::OrderState(record.key));
        } else if self.orders.len() >= self.options.orders_max {
            return Err(Contradiction::TableFull);
        }
        let buyer = Buyer {
            channel: record.channel,
            accepted: sequence,
        };
        for taken in record.allocations.iter() {
            if self.inventory.sku_of(record.tenant, taken.sku).is_none() {
                return Err(Contradiction::UnknownSku(taken.sku));
            }
            self.take_units(&taken, record.flags)?;
            let fact = record.flags & accepted_flags::FACT != 0;
            if !fact || !mutants::is(Mutant::ForgetQuotaOfFact) {
                self.count_taken(buyer, taken.sku, taken.quantity);
            }
        }
        let ttl_ms = u64::from(record.ttl_ms);
        let deadline_ms = self.now_ms + ttl_ms;
        let mut order = OrderSlot::new(
            probe.mixed,
            record.fingerprint,
            record.customer,
            deadline_ms,
            sequence,
        );
        order.version = record.version;
        order.channel = record.channel;
        order.tenant = record.tenant;
        if record.flags & accepted_flags::PLACED != 0 {
            order.state = OrderState::FraudCheck;
            order.flags = flag::PLACED;
        }
        // The next version of an order in process stays in it.
        let managed = existing.is_some_and(|slot| self.orders.get(slot).is_managed());
        order.set_managed(managed);
        if waits {
            order.state = OrderState::Backordered;
            order.set_time_ms(ttl_ms); // its hold will last so long
        }
        if committed {
            order.state = OrderState::Confirmed;
            order.resolve(Resolution::Confirmed);
            order.set_time_ms(self.now_ms);
        }
        let slot = self.store_order(order, record, probe, existing);
        self.processes.early.remove(record.tenant, record.key);
        self.counters.accepted += 1;
        if waits {
            self.apply_waits(slot, record, place);
            return Ok(());
        }
        if committed {
            return Ok(());
        }
        if self.processes.is_in_force() {
            self.note_prospect(slot, &Entry::of(record, sequence));
        }
        self.timers.set(deadline_ms, slot);
        self.counters.open_holds += 1;
        Ok(())
    }

    /// The version before gives back what it held, or its place in the queue, which it returns.
    fn replace_version(
        &mut self,
        slot: u32,
        record: &OrderAccepted<'_>,
    ) -> Result<Option<u64>, Contradiction> {
        let waits = record.flags & accepted_flags::BACKORDERED != 0;
        let before = self.orders.get(slot);
        let waited = before.state == OrderState::Backordered;
        let committed = record.flags & accepted_flags::COMMITTED != 0;
        let confirmed = before.state == OrderState::Confirmed && before.is_managed();
        let held = before.state.is_live_hold() && !committed;
        let replaceable = waited && !committed || (held || confirmed) && !waits;
        if !replaceable || before.version >= record.version {
            return Err(Contradiction::OrderState(record.key));
        }
        if waited {
            return Ok(self.leave_queue(slot));
        }
        if confirmed {
            self.return_committed(slot, record.key)?;
            return Ok(None);
        }
        self.return_reserved(slot)?;
        self.counters.open_holds -= 1;
        Ok(None)
    }

    /// Takes the units of one allocation: those that are there, or whatever a channel had sold.
    #[inline]
    fn take_units(&mut self, taken: &Allocation, flags: u8) -> Applied {
        let fact = flags & accepted_flags::FACT != 0;
        let committed = flags & accepted_flags::COMMITTED != 0;
        let cause = if fact { Cause::Fact } else { Cause::Order };
        self.inventory
            .change(taken.sku, taken.location, cause, |cell| {
                if taken.quantity == 0 || cell.available() < taken.quantity && !fact {
                    return None;
                }
                let bucket = if committed {
                    &mut cell.committed
                } else {
                    &mut cell.reserved
                };
                *bucket = bucket.checked_add(taken.quantity)?;
                Some(())
            })?;
        Ok(())
    }

    /// Gives all committed units of an order back, of which none has left.
    fn return_committed(&mut self, slot: u32, key: OrderKey) -> Applied {
        let lines = self.take_lines(slot);
        let buyer = self.buyer(slot);
        let mut applied = Ok(());
        for line in &lines {
            if line.shipped > 0 || line.reserved > 0 {
                applied = applied.and(Err(Contradiction::OrderState(key)));
            }
            let change = self
                .inventory
                .change(line.sku, line.location, Cause::Order, |cell| {
                    cell.committed = cell.committed.checked_sub(line.committed)?;
                    Some(())
                });
            let counted = self.count_given(buyer, line.sku, line.committed);
            applied = applied.and(counted).and(change.map(|_| ()));
        }
        self.scratch.lines = lines;
        applied
    }

    #[inline]
    fn store_order(
        &mut self,
        mut order: OrderSlot,
        record: &OrderAccepted<'_>,
        probe: &OrderProbe,
        existing: Option<u32>,
    ) -> u32 {
        let partial = record.flags & accepted_flags::PARTIAL != 0;
        let mut allocations = record.allocations.iter();
        let inline = allocations.len() == 1 && !partial;
        if inline && let Some(only) = allocations.next() {
            (order.sku, order.quantity) = (only.sku.0, only.quantity);
            order.location = only.location;
        }
        let slot = if let Some(slot) = existing {
            self.orders.replace(slot, order);
            slot
        } else {
            let slot = self.orders.insert(order);
            self.index.insert(probe.tag, Table::First, slot);
            slot
        };
        if !inline {
            let committed = record.flags & accepted_flags::COMMITTED != 0;
            let lines = record.allocations.iter().map(|taken| {
                let line = new_line(&taken);
                let (reserved, committed) = if committed {
                    (0, line.reserved)
                } else {
                    (line.reserved, 0)
                };
                Line {
                    reserved,
                    committed,
                    ..line
                }
            });
            let requested = record.requested.iter().map(|want| Line {
                reserved: 0,
                ..new_line(&want)
            });
            self.orders.set_lines(slot, lines, requested);
            if partial {
                self.orders.get_mut(slot).flags |= flag::PARTIAL;
            }
        }
        slot
    }
}

fn new_line(taken: &Allocation) -> Line {
    Line {
        sku: SkuId(taken.sku.0),
        ordered: taken.quantity,
        reserved: taken.quantity,
        committed: 0,
        shipped: 0,
        returned: 0,
        next: NO_LINE,
        location: taken.location,
    }
}
