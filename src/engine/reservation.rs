//! Taking orders: validation, idempotency and versions, then stock.
//!
//! Checks are made in this order, and the first that fails answers: key, version, time to live,
//! currency, total, number of lines, quantity of each line, details, SKU and location of each
//! line; what is stored for the key; room in the order table; on sale; stock. The malformed ones
//! change nothing and are not stored; `NOT_ON_SALE` and `INSUFFICIENT_STOCK` are journaled, and
//! stay the answer for that key and version.

use super::allocate::{Demand, MergedLine, merge};
use super::command::{Context, LineNote, OrderOutcome, OrderRequest};
use super::fingerprint::order_fingerprint;
use super::record::{
    Allocation, Lines, OrderAccepted, OrderRejected, Record, ShortLine, Shorts, accepted_flags,
    put_lines, put_shorts,
};
use super::{Engine, Found, OrderProbe};
use crate::limits;
use crate::mutants::{self, Mutant};
use crate::types::record::RecordBuffer;
use crate::types::{LocationId, OrderMode, OrderState, Policy, ResultCode, SkuId, TenantId};

/// One order on its way through the decision.
struct Intake<'a> {
    context: Context,
    request: &'a OrderRequest<'a>,
    fingerprint: u64,
    probe: &'a OrderProbe,
    found: Found,
    /// The live hold that this order replaces.
    replaces: Option<u32>,
}

/// What the only possible location offers to a line.
enum Offer {
    /// All of it, there.
    Covers(LocationId),
    /// Only so many units.
    Leaves(u32),
    /// There is more than one location, or none: the general way decides.
    Unclear,
}

impl Engine {
    /// As [`Engine::reserve`], with the key hashed before by [`Engine::prefetch_order_key`].
    pub fn reserve_probed(
        &mut self,
        context: Context,
        request: &OrderRequest<'_>,
        probe: &OrderProbe,
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        if let Err(code) = self.check_request(context.tenant, request) {
            return refused(code);
        }
        let found = self.find_order(probe);
        let mut intake = Intake {
            context,
            request,
            fingerprint: 0,
            probe,
            found,
            replaces: None,
        };
        if let [line] = request.lines {
            let merged = [MergedLine { want: *line, at: 0 }];
            intake.fingerprint = order_fingerprint(request, &[*line]);
            return self.take_order(intake, &merged, out, notes);
        }
        let mut merged = std::mem::take(&mut self.scratch.merged);
        merge(request.lines, &mut merged);
        let wants = &mut self.scratch.wants;
        wants.clear();
        wants.extend(merged.iter().map(|line| line.want));
        intake.fingerprint = order_fingerprint(request, wants);
        let outcome = self.take_order(intake, &merged, out, notes);
        self.scratch.merged = merged;
        outcome
    }

    fn check_request(
        &self,
        tenant: TenantId,
        request: &OrderRequest<'_>,
    ) -> Result<(), ResultCode> {
        Self::check_fields(request)?;
        for line in request.lines {
            self.check_handles(tenant, line)?;
        }
        Ok(())
    }

    /// The checks of an order that need nothing but the order, in their documented sequence: key,
    /// version, time to live, currency, total, number of lines, quantities, details. Whoever
    /// validates the details message does so behind these.
    ///
    /// # Errors
    /// The code of the first one that fails.
    pub fn check_fields(request: &OrderRequest<'_>) -> Result<(), ResultCode> {
        let bad = |bad: bool, code: ResultCode| if bad { Err(code) } else { Ok(()) };
        bad(request.key.0 == 0, ResultCode::InvalidKey)?;
        bad(request.version == 0, ResultCode::InvalidVersion)?;
        let ttl_ok = (1..=limits::HOLD_TTL_MS_MAX).contains(&request.ttl_ms);
        bad(!ttl_ok, ResultCode::InvalidTtl)?;
        bad(
            !(1..=999).contains(&request.currency),
            ResultCode::InvalidCurrency,
        )?;
        bad(
            request.total > limits::ORDER_TOTAL_MAX,
            ResultCode::InvalidTotal,
        )?;
        bad(request.lines.is_empty(), ResultCode::NoLines)?;
        bad(
            request.lines.len() > limits::ORDER_LINES_MAX,
            ResultCode::TooManyLines,
        )?;
        for line in request.lines {
            let quantity_ok = (1..=limits::LINE_QUANTITY_MAX).contains(&line.quantity);
            bad(!quantity_ok, ResultCode::InvalidQuantity)?;
        }
        let details = request.details.len();
        bad(
            details > limits::DETAILS_ARCHIVED_BYTES_MAX,
            ResultCode::DetailsTooLong,
        )?;
        Ok(())
    }

    /// The SKU, then the location (or `ANY`), must be the tenant's.
    #[inline]
    pub(super) fn check_handles(
        &self,
        tenant: TenantId,
        line: &Allocation,
    ) -> Result<(), ResultCode> {
        if self.inventory.sku_of(tenant, line.sku).is_none() {
            return Err(ResultCode::UnknownSku);
        }
        if line.location != LocationId::ANY
            && self.inventory.location_of(tenant, line.location).is_none()
        {
            return Err(ResultCode::UnknownLocation);
        }
        Ok(())
    }

    /// Compares with what is stored for the key, and decides what is new.
    #[inline]
    fn take_order(
        &mut self,
        mut intake: Intake<'_>,
        merged: &[MergedLine],
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        if mutants::is(Mutant::SkipDuplicateCheck) {
            intake.found = Found::default();
        }
        if intake.found.is_nothing() {
            return self.decide(&intake, merged, out, notes);
        }
        let Found { order, rejection } = intake.found;
        let latest = self.latest_version(&intake.found);
        let version = intake.request.version;
        if version == latest {
            return self.answer_again(&intake, merged, out, notes);
        }
        if version < latest {
            return self.present(&intake.found, ResultCode::StaleVersion);
        }
        if u32::from(version) != u32::from(latest) + 1 {
            return self.present(&intake.found, ResultCode::VersionGap);
        }
        if let Some(slot) = order {
            if !self.orders.get(slot).is_live(self.now_ms) {
                return self.present(&intake.found, ResultCode::NotReplaceable);
            }
            intake.replaces = Some(slot);
        }
        intake.found.rejection = rejection;
        self.decide(&intake, merged, out, notes)
    }

    /// The latest version decided for a key, accepted or refused.
    pub(super) fn latest_version(&self, found: &Found) -> u16 {
        let accepted = found.order.map_or(0, |slot| self.orders.get(slot).version);
        let refused = found
            .rejection
            .map_or(0, |slot| self.rejections.get(slot).version);
        accepted.max(refused)
    }

    /// The slot of the refusal, where the latest version was refused.
    pub(super) fn latest_refusal(&self, found: &Found) -> Option<u32> {
        let accepted = found.order.map_or(0, |slot| self.orders.get(slot).version);
        found
            .rejection
            .filter(|slot| self.rejections.get(*slot).version > accepted)
    }

    /// The same key and version again: the stored outcome, or a conflict.
    fn answer_again(
        &mut self,
        intake: &Intake<'_>,
        merged: &[MergedLine],
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        let refusal = self.latest_refusal(&intake.found);
        let stored = match (refusal, intake.found.order) {
            (Some(slot), _) => self.rejections.get(slot).fingerprint,
            (None, Some(slot)) => self.orders.get(slot).fingerprint,
            (None, None) => unreachable!("something was found"),
        };
        if stored != intake.fingerprint {
            self.counters.conflicts += 1;
            Record::ConflictSeen {
                tenant: intake.context.tenant,
                order: intake.request.key,
                fingerprint: intake.fingerprint,
            }
            .push(out, intake.context.actor);
            return self.present(&intake.found, ResultCode::IdempotencyConflict);
        }
        self.counters.replayed += 1;
        let before = notes.len();
        let mut outcome;
        if let Some(slot) = refusal {
            outcome = self.present(&intake.found, self.rejections.get(slot).code);
            let mut shorts = std::mem::take(&mut self.scratch.shorts);
            shorts.clear();
            self.rejections.shorts(slot, &mut shorts);
            notes.extend(shorts.iter().map(|short| LineNote::Short(*short)));
            self.scratch.shorts = shorts;
        } else {
            outcome = self.present(&intake.found, ResultCode::Ok);
            if let Some(slot) = intake.found.order {
                outcome.sequence = self.orders.get(slot).sequence();
                outcome.partial = self.note_granted(slot, merged, notes);
            }
        }
        outcome.replayed = true;
        outcome.notes = count(notes.len() - before);
        outcome
    }

    /// The answer `code` with the present facts of the order, if there is one.
    fn present(&self, found: &Found, code: ResultCode) -> OrderOutcome {
        let mut outcome = refused(code);
        outcome.version = self.latest_version(found);
        outcome.state = found.rejection.map(|_| OrderState::Rejected);
        if let Some(slot) = found.order {
            let (state, expires_at_ms) = self.present_state(slot);
            outcome.state = Some(state);
            outcome.expires_at_ms = expires_at_ms;
        }
        outcome
    }

    /// State by time, and the end of the hold (0 unless it is live).
    #[inline]
    pub(super) fn present_state(&self, slot: u32) -> (OrderState, u64) {
        let order = self.orders.get(slot);
        if order.is_expired(self.now_ms) {
            (OrderState::Expired, 0)
        } else if order.state.is_live_hold() {
            (order.state, order.time_ms())
        } else {
            (order.state, 0)
        }
    }

    /// Notes the units granted to each line, where the order was accepted in part.
    fn note_granted(&self, slot: u32, merged: &[MergedLine], notes: &mut Vec<LineNote>) -> bool {
        if self.orders.get(slot).flags & super::order::flag::PARTIAL == 0 {
            return false;
        }
        let lines = self.orders.lines(slot);
        let taken: Vec<Allocation> = lines
            .map(|line| Allocation {
                sku: line.sku,
                quantity: line.ordered,
                location: line.location,
            })
            .collect();
        push_granted(merged, &taken, notes);
        true
    }

    /// Decides an order that is new (or a new version): room, on sale, stock.
    #[inline]
    fn decide(
        &mut self,
        intake: &Intake<'_>,
        merged: &[MergedLine],
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        if intake.replaces.is_none() && self.orders.len() >= self.options.orders_max {
            return refused(ResultCode::OrderTableFull);
        }
        if let ([line], None) = (merged, intake.replaces) {
            match self.only_offer(&line.want) {
                Offer::Covers(location) => {
                    let taken = [Allocation {
                        location,
                        ..line.want
                    }];
                    return self.accept(intake, &taken, None, out);
                }
                Offer::Leaves(left)
                    if left == 0 || intake.request.policy == Policy::AllOrNothing =>
                {
                    let shorts = [ShortLine {
                        sku: line.want.sku,
                        left,
                        line: 0,
                    }];
                    return self.reject(intake, ResultCode::InsufficientStock, &shorts, out, notes);
                }
                _ => {}
            }
        }
        let mut plan = std::mem::take(&mut self.scratch.plan);
        plan.shorts.clear();
        for line in merged {
            let sku = self.inventory.sku(line.want.sku);
            if sku.is_some_and(|sku| !sku.on_sale) {
                plan.shorts.push(ShortLine {
                    sku: line.want.sku,
                    left: 0,
                    line: line.at,
                });
            }
        }
        let outcome = if plan.shorts.is_empty() {
            self.decide_stock(intake, merged, &mut plan, out, notes)
        } else {
            plan.shorts.sort_unstable_by_key(|short| short.line);
            self.reject(intake, ResultCode::NotOnSale, &plan.shorts, out, notes)
        };
        self.scratch.plan = plan;
        outcome
    }

    /// The common case: a line whose SKU is on sale and kept at one location only, or that names
    /// its location.
    #[inline]
    fn only_offer(&self, want: &Allocation) -> Offer {
        let Some(sku) = self.inventory.sku(want.sku).filter(|sku| sku.on_sale) else {
            return Offer::Unclear;
        };
        let cell = if want.location == LocationId::ANY {
            self.inventory.only_cell(sku)
        } else {
            self.inventory.find_cell(want.sku, want.location)
        };
        let Some(cell) = cell.map(|cell| self.inventory.cell(cell)) else {
            return Offer::Unclear;
        };
        let available = cell.quantities.available();
        if available >= want.quantity {
            Offer::Covers(cell.location)
        } else {
            Offer::Leaves(available)
        }
    }

    fn decide_stock(
        &mut self,
        intake: &Intake<'_>,
        merged: &[MergedLine],
        plan: &mut super::allocate::Plan,
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        let own: Vec<Allocation> = intake.replaces.map_or_else(Vec::new, |slot| {
            self.orders
                .lines(slot)
                .map(|line| Allocation {
                    sku: line.sku,
                    quantity: line.reserved,
                    location: line.location,
                })
                .collect()
        });
        let partial = intake.request.policy == Policy::Partial;
        plan.make(&Demand {
            stock: &self.inventory,
            own: &own,
            lines: merged,
            destination: intake.request.destination,
            partial,
        });
        if plan.shorts.is_empty() {
            return self.accept(intake, &plan.allocations, None, out);
        }
        if !partial || plan.allocations.is_empty() {
            return self.reject(
                intake,
                ResultCode::InsufficientStock,
                &plan.shorts,
                out,
                notes,
            );
        }
        let outcome = self.accept(intake, &plan.allocations, Some(merged), out);
        let before = notes.len();
        push_granted(merged, &plan.allocations, notes);
        OrderOutcome {
            notes: count(notes.len() - before),
            ..outcome
        }
    }

    /// Journals and applies an accepted order; `partial` is the merged request where it was not
    /// granted in full.
    #[inline]
    fn accept(
        &mut self,
        intake: &Intake<'_>,
        allocations: &[Allocation],
        partial: Option<&[MergedLine]>,
        out: &mut RecordBuffer,
    ) -> OrderOutcome {
        let request = intake.request;
        let mut bytes = std::mem::take(&mut self.scratch.bytes);
        bytes.clear();
        put_lines(&mut bytes, allocations);
        let requested_at = bytes.len();
        for line in partial.unwrap_or_default() {
            put_lines(&mut bytes, std::slice::from_ref(&line.want));
        }
        let (allocations, requested) = bytes.split_at(requested_at);
        let bit = |on: bool, bit: u8| if on { bit } else { 0 };
        let record = OrderAccepted {
            key: request.key,
            fingerprint: intake.fingerprint,
            customer: request.customer,
            total: request.total,
            ttl_ms: request.ttl_ms,
            tenant: intake.context.tenant,
            channel: request.channel,
            version: request.version,
            currency: request.currency,
            flags: bit(request.mode == OrderMode::Place, accepted_flags::PLACED)
                | bit(partial.is_some(), accepted_flags::PARTIAL)
                | bit(!request.details.is_empty(), accepted_flags::DETAILS)
                | bit(intake.replaces.is_some(), accepted_flags::REPLACES),
            allocations: Lines::from_bytes(allocations),
            requested: Lines::from_bytes(requested),
            details: request.details,
            details_version: request.details_version,
        };
        let (sequence, raw) = record.push(out, intake.context.actor);
        let Some(record) = OrderAccepted::decode(raw.payload) else {
            unreachable!("a record just encoded can be decoded");
        };
        let applied = self.apply_accepted(&record, sequence, intake.probe, intake.replaces);
        if let Err(contradiction) = applied {
            panic!("an accepted order cannot be applied (sequence {sequence}): {contradiction}");
        }
        self.scratch.bytes = bytes;
        OrderOutcome {
            code: ResultCode::Ok,
            state: Some(match request.mode {
                OrderMode::Hold => OrderState::Held,
                OrderMode::Place => OrderState::FraudCheck,
            }),
            replayed: false,
            partial: partial.is_some(),
            version: request.version,
            sequence,
            expires_at_ms: self.now_ms + u64::from(request.ttl_ms),
            notes: 0,
        }
    }

    /// Journals and applies a refusal.
    fn reject(
        &mut self,
        intake: &Intake<'_>,
        reason: ResultCode,
        shorts: &[ShortLine],
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        let request = intake.request;
        let mut bytes = std::mem::take(&mut self.scratch.bytes);
        bytes.clear();
        put_shorts(&mut bytes, shorts);
        let record = OrderRejected {
            key: request.key,
            fingerprint: intake.fingerprint,
            customer: request.customer,
            tenant: intake.context.tenant,
            channel: request.channel,
            version: request.version,
            reason,
            shorts: Shorts::from_bytes(&bytes),
        };
        let (sequence, raw) = record.push(out, intake.context.actor);
        let Some(record) = OrderRejected::decode(raw.payload) else {
            unreachable!("a record just encoded can be decoded");
        };
        let applied = self.apply_rejected(&record, intake.probe, intake.found.rejection);
        if let Err(contradiction) = applied {
            panic!("a refused order cannot be applied (sequence {sequence}): {contradiction}");
        }
        self.scratch.bytes = bytes;
        notes.extend(shorts.iter().map(|short| LineNote::Short(*short)));
        let (state, expires_at_ms) = match intake.found.order {
            Some(slot) => self.present_state(slot),
            None => (OrderState::Rejected, 0),
        };
        OrderOutcome {
            code: reason,
            state: Some(state),
            replayed: false,
            partial: false,
            version: request.version,
            sequence: 0,
            expires_at_ms,
            notes: count(shorts.len()),
        }
    }
}

/// An answer without an order.
fn refused(code: ResultCode) -> OrderOutcome {
    OrderOutcome {
        code,
        state: None,
        replayed: false,
        partial: false,
        version: 0,
        sequence: 0,
        expires_at_ms: 0,
        notes: 0,
    }
}

/// Notes what each merged line got of `taken`. A line that names its location comes before "any",
/// so "any" got what the SKU's other lines left.
fn push_granted(merged: &[MergedLine], taken: &[Allocation], notes: &mut Vec<LineNote>) {
    let total = |sku: SkuId| -> u32 {
        let of = taken.iter().filter(|taken| taken.sku == sku);
        of.map(|taken| taken.quantity).sum()
    };
    let named = |want: &Allocation| -> u32 {
        let at = |taken: &&Allocation| (taken.sku, taken.location) == (want.sku, want.location);
        let here = taken.iter().find(at).map_or(0, |taken| taken.quantity);
        here.min(want.quantity)
    };
    for line in merged {
        let quantity = if line.want.location == LocationId::ANY {
            let others = merged
                .iter()
                .map(|other| &other.want)
                .filter(|other| other.sku == line.want.sku && other.location != LocationId::ANY);
            total(line.want.sku) - others.map(named).sum::<u32>()
        } else {
            named(&line.want)
        };
        notes.push(LineNote::Granted {
            line: line.at,
            quantity,
        });
    }
}

fn count(notes: usize) -> u16 {
    u16::try_from(notes).unwrap_or(u16::MAX)
}
