//! Taking orders: validation, idempotency and versions, then stock.
//!
//! Checks are made in this order, and the first that fails answers: key, version, time to live,
//! currency, total, number of lines, quantity of each line, details, SKU and location of each
//! line; what is stored for the key; room in the order table; on sale; stock; room to wait for
//! stock. The malformed ones change nothing and are not stored; `NOT_ON_SALE`,
//! `INSUFFICIENT_STOCK` and `BACKORDER_CAP` are journaled, and stay the answer for that key and
//! version.

use super::allocate::{MergedLine, merge};
use super::command::{Context, LineNote, OrderOutcome, OrderRequest};
use super::fingerprint::order_fingerprint;
use super::process::Change;
use super::record::{Allocation, Record};
use super::{Engine, Found, OrderProbe};
use crate::limits;
use crate::mutants::{self, Mutant};
use crate::types::record::RecordBuffer;
use crate::types::{LocationId, OrderMode, OrderState, Policy, ResultCode, SkuId, TenantId};

/// One order on its way through the decision.
pub(super) struct Intake<'a> {
    pub context: Context,
    pub request: &'a OrderRequest<'a>,
    pub fingerprint: u64,
    pub probe: &'a OrderProbe,
    pub found: Found,
    /// The live hold, or waiting order, that this order replaces.
    pub replaces: Option<u32>,
    /// What it does to an order in process that it replaces.
    pub change: Change,
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
            change: Change::Restart,
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
        // Somebody has to begin with the order once there is stock: its process.
        let waits = request.mode == OrderMode::Place && self.processes.is_in_force();
        if request.policy == Policy::Backorder && !waits {
            return Err(ResultCode::InvalidField);
        }
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
            !(1..=limits::CURRENCY_NUMBER_MAX).contains(&request.currency),
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
            let Some(change) = self.change_by(slot, intake.request) else {
                return self.present(&intake.found, ResultCode::NotReplaceable);
            };
            intake.change = change;
            intake.replaces = Some(slot);
        }
        intake.found.rejection = rejection;
        if intake.change == Change::Refuse {
            return self.reject(&intake, ResultCode::NotReplaceable, &[], out, notes);
        }
        self.decide(&intake, merged, out, notes)
    }

    /// What this next version would do to the order; none where it cannot be replaced.
    fn change_by(&self, slot: u32, request: &OrderRequest<'_>) -> Option<Change> {
        let before = self.orders.get(slot);
        if !before.is_managed() {
            return before.is_live(self.now_ms).then_some(Change::Restart);
        }
        if request.mode == OrderMode::Hold {
            return None;
        }
        self.change_of(slot, (request.total, request.currency))
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
        if order.is_managed() {
            self.process_state(slot)
        } else if order.is_expired(self.now_ms) {
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
}

/// An answer without an order.
pub(super) fn refused(code: ResultCode) -> OrderOutcome {
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
pub(super) fn push_granted(merged: &[MergedLine], taken: &[Allocation], notes: &mut Vec<LineNote>) {
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

/// A number of notes as answered; an order has far fewer.
pub(super) fn count(notes: usize) -> u16 {
    u16::try_from(notes).unwrap_or(u16::MAX)
}
