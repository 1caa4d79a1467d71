//! The only code that changes state: one function a kind of record, live and on replay alike.
//!
//! Each checks what it relies on and reports a contradiction. A live engine has decided before
//! that there is none, so there it panics; on replay it is an error that names the record.

use super::idempotency::commands_kept::CommandResult;
use super::idempotency::index::Table;
use super::idempotency::rejections::Rejection;
use super::inventory::Cause;
use super::order::Line;
use super::record::{FORGOTTEN_KEY_BYTES, OrderRef, OrderRejected, Record, accepted_flags};
use super::{Contradiction, Engine, Found, OrderProbe, ReplayError};
use crate::types::record::RawRecord;
use crate::types::{ActorId, OrderKey, OrderState, Resolution, ResultCode, TenantId};

type Applied = Result<(), Contradiction>;

impl Engine {
    /// Applies one journaled record: `time_ms` is its batch's time.
    ///
    /// # Errors
    /// What in the record contradicts the state so far; the engine must then be dropped.
    pub fn replay(
        &mut self,
        time_ms: u64,
        sequence: u64,
        raw: &RawRecord<'_>,
    ) -> Result<(), ReplayError> {
        if time_ms > self.now_ms {
            self.begin_turn(time_ms);
            self.drop_void_timers();
        }
        let applied = match Record::decode(raw) {
            Some(record) => self.apply_replayed(&record, sequence),
            None => Err(Contradiction::Malformed),
        };
        applied.map_err(|contradiction| ReplayError {
            sequence,
            kind: raw.kind,
            contradiction,
        })
    }

    fn apply_replayed(&mut self, record: &Record<'_>, sequence: u64) -> Applied {
        match *record {
            Record::OrderAccepted(accepted) => {
                let probe = self.probe_of(accepted.tenant, accepted.key)?;
                let existing = self.find_order(&probe).order;
                let replaces = accepted.flags & accepted_flags::REPLACES != 0;
                match (existing, replaces) {
                    (Some(_), false) => return Err(Contradiction::OrderExists(accepted.key)),
                    (None, true) => return Err(Contradiction::UnknownOrder(accepted.key)),
                    _ => {}
                }
                self.apply_accepted(&accepted, sequence, &probe, existing)
            }
            Record::OrderRejected(rejected) => {
                let probe = self.probe_of(rejected.tenant, rejected.key)?;
                let before = self.find_order(&probe).rejection;
                self.apply_rejected(&rejected, &probe, before)
            }
            Record::OrderExpired { tenant, order } => {
                let slot = self.slot_of(tenant, order)?;
                self.apply_expired(slot)
            }
            Record::OrdersForgotten { keys } => self.apply_forgotten(keys),
            _ => self.apply(record, sequence),
        }
    }

    /// Applies a record of any kind that needs no more than itself.
    pub(super) fn apply(&mut self, record: &Record<'_>, sequence: u64) -> Applied {
        match *record {
            Record::HoldExtended { order, .. }
            | Record::OrderConfirmed { order, .. }
            | Record::OrderReleased { order }
            | Record::OrderCancelled { order }
            | Record::OrderShipped { order, .. }
            | Record::OrderReturned { order, .. }
            | Record::OrderReinstated { order } => {
                self.apply_order_command(record, &order, sequence)
            }
            Record::BackorderAllocated {
                tenant,
                order,
                expires_at_ms,
                allocations,
            } => self.apply_allocated((tenant, order), expires_at_ms, allocations),
            Record::Stock(change) => self.apply_stock(&change, sequence),
            Record::CommandRefused {
                tenant,
                key,
                fingerprint,
                code,
                of_order,
            } => self.keep_result(tenant, of_order, key.0, fingerprint, sequence, code),
            Record::CommandDone { order } => {
                let (tenant, key, fingerprint) = (order.tenant, order.key.0, order.fingerprint);
                self.keep_result(tenant, true, key, fingerprint, sequence, ResultCode::Ok)
            }
            Record::ShortageDetected { cell, short } => {
                let quantities = self.inventory.quantities(cell.sku, cell.location);
                if quantities.short() == u64::from(short) {
                    Ok(())
                } else {
                    Err(Contradiction::CellBounds {
                        sku: cell.sku,
                        location: cell.location,
                    })
                }
            }
            // Told for people; nothing that the engine knows changes by it.
            Record::ConflictSeen { .. } | Record::Subscriber(_) => Ok(()),
            Record::StateDigest { digest } => {
                if digest == self.digest() {
                    Ok(())
                } else {
                    Err(Contradiction::Digest)
                }
            }
            Record::Process(record) => self.apply_process(&record, sequence),
            Record::Channel(record) => self.apply_channel(&record, sequence),
            Record::ChannelEvent(record) => self.apply_channel_event(&record, sequence),
            _ => self.apply_definition(record),
        }
    }

    /// Applies a refusal; `before` is the slot of an earlier refusal of the same key.
    pub(super) fn apply_rejected(
        &mut self,
        record: &OrderRejected<'_>,
        probe: &OrderProbe,
        before: Option<u32>,
    ) -> Applied {
        if !matches!(
            record.reason,
            ResultCode::InsufficientStock
                | ResultCode::NotOnSale
                | ResultCode::BackorderCap
                | ResultCode::QuotaExhausted
                | ResultCode::NotReplaceable
        ) {
            return Err(Contradiction::Malformed);
        }
        for short in record.shorts.iter() {
            if self.inventory.sku_of(record.tenant, short.sku).is_none() {
                return Err(Contradiction::UnknownSku(short.sku));
            }
        }
        let rejection = Rejection {
            fingerprint: record.fingerprint,
            version: record.version,
            code: record.reason,
        };
        self.rejections.store(
            (probe.tag, probe.mixed),
            rejection,
            record.shorts.iter(),
            before,
            (&mut self.index, &self.mixer),
        );
        self.counters.rejected += 1;
        Ok(())
    }

    /// Drops keys of ended orders.
    pub(super) fn apply_forgotten(&mut self, keys: &[u8]) -> Applied {
        for entry in keys.as_chunks::<FORGOTTEN_KEY_BYTES>().0 {
            let (tenant, key) = entry.split_at(2);
            let (Ok(tenant), Ok(key)) = (tenant.try_into(), key.try_into()) else {
                return Err(Contradiction::Malformed);
            };
            let tenant = TenantId(u16::from_le_bytes(tenant));
            let key = OrderKey(u128::from_le_bytes(key));
            let slot = self.slot_of(tenant, key)?;
            if !self.orders.get(slot).is_ended() {
                return Err(Contradiction::OrderState(key));
            }
            let tag = self.mixer.tag(self.orders.get(slot).key);
            let removed = self.index.remove(tag, Table::First, slot);
            assert!(removed, "an order is in the index");
            self.drop_process(slot);
            self.orders.remove(slot);
            self.counters.orders_forgotten += 1;
        }
        Ok(())
    }

    /// Remembers the result of a keyed command.
    pub(super) fn keep_result(
        &mut self,
        tenant: TenantId,
        of_order: bool,
        key: u128,
        fingerprint: u64,
        sequence: u64,
        code: ResultCode,
    ) -> Applied {
        self.check_tenant(tenant)?;
        if key == 0 {
            return Ok(()); // the order process did it, not a command
        }
        let key = self.mixer.mix(tenant, key);
        let tag = self.mixer.tag(key);
        let kept = if of_order {
            &mut self.order_commands
        } else {
            &mut self.stock_commands
        };
        let result = CommandResult {
            key,
            fingerprint,
            sequence,
            code,
        };
        kept.store(tag, result, &mut self.index, &self.mixer);
        Ok(())
    }

    pub(super) fn check_tenant(&self, tenant: TenantId) -> Applied {
        if usize::from(tenant.0) < self.tenants.len() {
            Ok(())
        } else {
            Err(Contradiction::UnknownTenant(tenant))
        }
    }

    fn probe_of(&self, tenant: TenantId, key: OrderKey) -> Result<OrderProbe, Contradiction> {
        self.check_tenant(tenant)?;
        Ok(self.probe(tenant, key))
    }

    /// The slot of an order that must exist.
    pub(super) fn slot_of(&self, tenant: TenantId, key: OrderKey) -> Result<u32, Contradiction> {
        let probe = self.probe_of(tenant, key)?;
        let Found { order, .. } = self.find_order(&probe);
        order.ok_or(Contradiction::UnknownOrder(key))
    }

    /// The client's key of an order.
    pub(super) fn client_key(&self, slot: u32) -> (TenantId, OrderKey) {
        let order = self.orders.get(slot);
        (
            order.tenant,
            OrderKey(self.mixer.mix(order.tenant, order.key)),
        )
    }

    /// Journals a record that a live decision made, and applies it.
    pub(super) fn commit(
        &mut self,
        record: &Record<'_>,
        actor: ActorId,
        out: &mut crate::types::record::RecordBuffer,
    ) -> u64 {
        let (sequence, raw) = record.push(out, actor);
        let Some(record) = Record::decode(&raw) else {
            unreachable!("a record just encoded can be decoded");
        };
        if let Err(contradiction) = self.apply(&record, sequence) {
            panic!(
                "a decided record cannot be applied (kind {}, sequence {sequence}): \
                 {contradiction}",
                raw.kind
            );
        }
        sequence
    }

    /// Marks the hold of a slot as resolved and the order as ended or confirmed, now.
    pub(super) fn resolve(&mut self, slot: u32, state: OrderState, resolution: Resolution) {
        let now_ms = self.now_ms;
        let order = self.orders.get_mut(slot);
        assert!(order.state.is_live_hold(), "only a live hold is resolved");
        order.state = state;
        order.resolve(resolution);
        order.set_time_ms(now_ms);
        self.processes.prospects.remove(&slot);
        self.counters.open_holds -= 1;
        self.set_retention(slot);
    }

    /// Sets the timer after which an ended order's key may be forgotten.
    pub(super) fn set_retention(&mut self, slot: u32) {
        let order = self.orders.get(slot);
        if order.is_ended() {
            let until = order
                .time_ms()
                .saturating_add(self.options.ended_order_kept_ms);
            self.timers.set(until, slot);
        }
    }

    /// Gives all reserved units of an order back to its cells.
    pub(super) fn return_reserved(&mut self, slot: u32) -> Applied {
        let lines = self.take_lines(slot);
        let buyer = self.buyer(slot);
        let mut applied = Ok(());
        for line in lines.iter().filter(|line| line.reserved > 0) {
            let counted = self.count_given(buyer, line.sku, line.reserved);
            let change = self
                .inventory
                .change(line.sku, line.location, Cause::Order, |cell| {
                    cell.reserved = cell.reserved.checked_sub(line.reserved)?;
                    Some(())
                });
            applied = applied.and(counted).and(change.map(|_| ()));
        }
        self.scratch.lines = lines;
        applied
    }

    /// A copy of an order's lines in the scratch buffer, which the caller puts back.
    pub(super) fn take_lines(&mut self, slot: u32) -> Vec<Line> {
        let mut lines = std::mem::take(&mut self.scratch.lines);
        lines.clear();
        lines.extend(self.orders.lines(slot));
        lines
    }

    /// The command's order, in a state that the record can meet.
    pub(super) fn live_slot(&self, order: &OrderRef) -> Result<u32, Contradiction> {
        let slot = self.slot_of(order.tenant, order.order)?;
        if self.orders.get(slot).state.is_live_hold() {
            Ok(slot)
        } else {
            Err(Contradiction::OrderState(order.order))
        }
    }
}
