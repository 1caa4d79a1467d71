//! What becomes of orders: confirm, release, extend, cancel, ship, return.
//!
//! Checks are made in this order: keys, fields, number and quantity of lines, SKU and location of
//! each line; what is stored for the command key; the order; whether it ended by time; its state;
//! units. The malformed ones and `UNKNOWN_ORDER` change nothing and are not stored; every other
//! refusal is journaled and stays the answer for that command key.

use super::command::{Command, CommandOutcome, Context};
use super::fingerprint::command_fingerprint;
use super::order::Line;
use super::record::{Allocation, Lines, OrderLine, OrderRef, Record, put_lines};
use super::stock::{bucket_mut, ship_out, take_back};
use super::{Engine, Found};
use crate::limits;
use crate::types::record::RecordBuffer;
use crate::types::{
    ActorId, CommandKey, Disposition, LocationId, OrderKey, OrderState, Resolution, ResultCode,
    TenantId,
};

impl Engine {
    /// Executes a command about one order.
    pub(super) fn execute_order_command(
        &mut self,
        context: Context,
        command: &Command<'_>,
        (key, order): (CommandKey, OrderKey),
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        if let Err(code) = self.check_order_command(context.tenant, command, key, order) {
            return super::define::answer(code);
        }
        let probe = self.probe(context.tenant, order);
        let Found { order: slot, .. } = self.find_order(&probe);
        let fingerprint = command_fingerprint(command);
        if let Some(stored) = self.stored_result(context.tenant, key, fingerprint, true) {
            return self.with_order(slot, stored);
        }
        let Some(slot) = slot else {
            return super::define::answer(ResultCode::UnknownOrder);
        };
        let reference = OrderRef {
            order,
            key,
            fingerprint,
            tenant: context.tenant,
        };
        self.order_command(slot, command, reference, (context.actor, out))
    }

    /// Decides a command about an order that is known, journals it or its refusal, and does what
    /// follows.
    pub(super) fn order_command(
        &mut self,
        slot: u32,
        command: &Command<'_>,
        reference: OrderRef,
        (actor, out): (ActorId, &mut RecordBuffer),
    ) -> CommandOutcome {
        if let Some(outcome) = self.managed_command(slot, command, reference, (actor, out)) {
            return outcome;
        }
        let prospect = self.processes.prospects.get(&slot).copied();
        let mut bytes = Vec::new();
        let mut outcome = super::define::answer(ResultCode::Ok);
        match self.decide_order_command(slot, command, reference, &mut bytes) {
            Ok(record) => {
                outcome.sequence = self.commit(&record, actor, out);
                match (command, prospect) {
                    (Command::Confirm { .. }, Some(prospect)) => {
                        self.enter_confirmed(slot, &prospect, actor, out);
                    }
                    _ => self.follow_command(slot, command, actor, out),
                }
            }
            Err(code) => {
                let refused = Record::CommandRefused {
                    tenant: reference.tenant,
                    key: reference.key,
                    fingerprint: reference.fingerprint,
                    code,
                    of_order: true,
                };
                outcome.code = code;
                outcome.sequence = self.commit(&refused, actor, out);
            }
        }
        self.with_order(Some(slot), outcome)
    }

    fn check_order_command(
        &self,
        tenant: TenantId,
        command: &Command<'_>,
        key: CommandKey,
        order: OrderKey,
    ) -> Result<(), ResultCode> {
        if key.0 == 0 || order.0 == 0 {
            return Err(ResultCode::InvalidKey);
        }
        let (lines, needed): (&[OrderLine], bool) = match *command {
            Command::Extend { ttl_ms, .. } => {
                if !(1..=limits::HOLD_TTL_MS_MAX).contains(&ttl_ms) {
                    return Err(ResultCode::InvalidTtl);
                }
                return Ok(());
            }
            Command::Confirm { lines, .. } | Command::Return { lines, .. } => (lines, false),
            Command::Ship { lines, .. } => (lines, true),
            _ => return Ok(()),
        };
        if needed && lines.is_empty() {
            return Err(ResultCode::NoLines);
        }
        if lines.len() > limits::ORDER_ALLOCATIONS_MAX {
            return Err(ResultCode::TooManyLines);
        }
        for line in lines {
            if !(1..=limits::LINE_QUANTITY_MAX).contains(&line.quantity) {
                return Err(ResultCode::InvalidQuantity);
            }
        }
        lines
            .iter()
            .try_for_each(|line| self.check_handles(tenant, line))
    }

    /// Adds the present facts of the order.
    pub(super) fn with_order(
        &self,
        slot: Option<u32>,
        mut outcome: CommandOutcome,
    ) -> CommandOutcome {
        if let Some(slot) = slot {
            let (state, expires_at_ms) = self.present_state(slot);
            outcome.state = Some(state);
            outcome.expires_at_ms = expires_at_ms;
            outcome.resolution = self.present_resolution(slot);
        }
        outcome
    }

    /// How the hold was resolved, by time.
    pub(super) fn present_resolution(&self, slot: u32) -> Resolution {
        let order = self.orders.get(slot);
        if order.is_expired(self.now_ms) {
            Resolution::Expired
        } else {
            order.resolution()
        }
    }

    fn decide_order_command<'a>(
        &self,
        slot: u32,
        command: &Command<'_>,
        order: OrderRef,
        bytes: &'a mut Vec<u8>,
    ) -> Result<Record<'a>, ResultCode> {
        let slot_now = self.orders.get(slot);
        if slot_now.is_expired(self.now_ms) {
            return Err(ResultCode::Expired);
        }
        let live = slot_now.state.is_live_hold();
        self.check_managed(slot, command)?;
        match *command {
            Command::Confirm { lines, .. } => {
                self.check_confirm(slot)?;
                let exceeds = ResultCode::ExceedsHeld;
                let picked = self.pick(slot, lines, |line| line.reserved, exceeds)?;
                Ok(Record::OrderConfirmed {
                    order,
                    lines: encoded(&picked, bytes),
                })
            }
            Command::Release { .. } if live => Ok(Record::OrderReleased { order }),
            Command::Release { .. } => Err(ResultCode::AlreadyResolved),
            Command::Extend { ttl_ms, .. } => {
                if slot_now.is_placed() && live {
                    return Err(ResultCode::ManagedByProcess);
                }
                if !live {
                    return Err(ResultCode::NotHeld);
                }
                if slot_now.extensions >= limits::HOLD_EXTENSIONS_MAX {
                    return Err(ResultCode::ExtendCap);
                }
                let expires_at_ms = slot_now.time_ms().max(self.now_ms + u64::from(ttl_ms));
                Ok(Record::HoldExtended {
                    order,
                    expires_at_ms,
                })
            }
            Command::Cancel { .. } => self.decide_cancel(slot, order),
            Command::Ship { lines, .. } => {
                let exceeds = ResultCode::ExceedsCommitted;
                let picked = self.pick(slot, lines, |line| line.committed, exceeds)?;
                self.check_each(&picked, ship_out)?;
                Ok(Record::OrderShipped {
                    order,
                    lines: encoded(&picked, bytes),
                })
            }
            Command::Return {
                lines, disposition, ..
            } => {
                let exceeds = ResultCode::ExceedsShipped;
                let open = |line: &Line| line.shipped - line.returned;
                let picked = if lines.is_empty() {
                    self.all(slot, open)
                } else {
                    self.pick(slot, lines, open, exceeds)?
                };
                if picked.is_empty() {
                    return Err(exceeds);
                }
                self.check_each(&picked, |cell, q| take_back(cell, q, disposition))?;
                Ok(Record::OrderReturned {
                    order,
                    disposition,
                    lines: encoded(&picked, bytes),
                })
            }
            _ => unreachable!("the caller passes commands about an order"),
        }
    }

    fn check_confirm(&self, slot: u32) -> Result<(), ResultCode> {
        let order = self.orders.get(slot);
        match order.state {
            OrderState::Held => Ok(()),
            OrderState::FraudCheck => Err(ResultCode::ManagedByProcess),
            OrderState::Confirmed | OrderState::Shipped => Err(ResultCode::AlreadyConfirmed),
            _ => Err(ResultCode::AlreadyResolved),
        }
    }

    fn decide_cancel<'a>(&self, slot: u32, order: OrderRef) -> Result<Record<'a>, ResultCode> {
        let now = self.orders.get(slot);
        if now.state.is_live_hold() {
            return Ok(Record::OrderReleased { order });
        }
        if self.orders.lines(slot).any(|line| line.shipped > 0) {
            return Err(ResultCode::AlreadyShipped);
        }
        if now.state == OrderState::Confirmed {
            return Ok(Record::OrderCancelled { order });
        }
        Err(ResultCode::AlreadyResolved)
    }

    fn check_each(
        &self,
        picked: &[Allocation],
        change: impl Fn(&mut super::command::CellQuantities, u32) -> Result<(), ResultCode>,
    ) -> Result<(), ResultCode> {
        picked.iter().try_for_each(|line| {
            let mut cell = self.inventory.quantities(line.sku, line.location);
            change(&mut cell, line.quantity)
        })
    }

    /// So many units of every line of the order that has some.
    fn all(&self, slot: u32, units: impl Fn(&Line) -> u32) -> Vec<Allocation> {
        let own = self.orders.lines(slot).map(|line| Allocation {
            sku: line.sku,
            quantity: units(&line),
            location: line.location,
        });
        own.filter(|line| line.quantity > 0).collect()
    }

    /// Turns the lines of a command into units of the order's own lines, sorted as those are:
    /// lines that name a location first, then "any" in order of location number.
    fn pick(
        &self,
        slot: u32,
        lines: &[OrderLine],
        units: impl Fn(&Line) -> u32,
        exceeds: ResultCode,
    ) -> Result<Vec<Allocation>, ResultCode> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let mut open: Vec<(Line, u32)> = self
            .orders
            .lines(slot)
            .map(|line| (line, units(&line)))
            .collect();
        for any in [false, true] {
            for line in lines
                .iter()
                .filter(|l| (l.location == LocationId::ANY) == any)
            {
                let mut wanted = line.quantity;
                let fits =
                    |own: &Line| own.sku == line.sku && (any || own.location == line.location);
                for (_, left) in open.iter_mut().filter(|(own, _)| fits(own)) {
                    let taken = wanted.min(*left);
                    *left -= taken;
                    wanted -= taken;
                }
                if wanted > 0 {
                    return Err(exceeds);
                }
            }
        }
        let taken = open.iter().map(|(own, left)| Allocation {
            sku: own.sku,
            quantity: units(own) - left,
            location: own.location,
        });
        Ok(taken.filter(|line| line.quantity > 0).collect())
    }
}

fn encoded<'a>(lines: &[Allocation], bytes: &'a mut Vec<u8>) -> Lines<'a> {
    put_lines(bytes, lines);
    Lines::from_bytes(bytes)
}

/// The bucket that a disposition of returned units fills, if any.
pub(super) fn disposition_bucket(
    cell: &mut super::command::CellQuantities,
    disposition: Disposition,
) -> Option<&mut u32> {
    use crate::types::StockBucket;
    match disposition {
        Disposition::Restock => None,
        Disposition::Damaged => bucket_mut(cell, StockBucket::Damaged),
        Disposition::QualityControl => bucket_mut(cell, StockBucket::QualityControl),
    }
}
