//! Deciding new orders: room, on sale, stock; then the record, then the change.

use super::Engine;
use super::allocate::{Demand, MergedLine, Plan};
use super::command::{LineNote, OrderOutcome};
use super::intake::{Intake, count, push_granted, refused};
use super::process::Entry;
use super::record::{
    Allocation, Lines, OrderAccepted, OrderRejected, ShortLine, Shorts, accepted_flags, put_lines,
    put_shorts,
};
use crate::types::record::RecordBuffer;
use crate::types::{LocationId, OrderMode, OrderState, Policy, ResultCode, SkuId};

/// What the only possible location offers to a line.
enum Offer {
    /// All of it, there.
    Covers(LocationId),
    /// Only so many units.
    Leaves(u32),
    /// There is more than one location, or none: the general way decides.
    Unclear,
}

/// How much of its request an accepted order gets.
#[derive(Clone, Copy)]
enum Grant<'a> {
    /// All of it.
    Full,
    /// Less than this.
    Partial(&'a [MergedLine]),
    /// All of it, these units of which are not there.
    Beyond(&'a [Allocation]),
    /// Nothing yet: all of this, later.
    Waits(&'a [MergedLine]),
}

impl<'a> Grant<'a> {
    /// The request, where it is journaled beside what was taken.
    fn requested(self) -> &'a [MergedLine] {
        match self {
            Self::Full | Self::Beyond(_) => &[],
            Self::Partial(merged) | Self::Waits(merged) => merged,
        }
    }
}

impl Engine {
    /// Decides an order that is new (or a new version): room, on sale, stock.
    #[inline]
    pub(super) fn decide(
        &mut self,
        intake: &Intake<'_>,
        merged: &[MergedLine],
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        if intake.replaces.is_none() && self.orders.len() >= self.options.orders_max {
            return refused(ResultCode::OrderTableFull);
        }
        let fact = self.is_fact(intake.request);
        if let ([line], None) = (merged, intake.replaces)
            && !self.is_waited_for(line.want.sku)
        {
            match self.only_offer(&line.want) {
                Offer::Covers(location) => {
                    let taken = [Allocation {
                        location,
                        ..line.want
                    }];
                    return self.accept(intake, &taken, Grant::Full, out);
                }
                Offer::Leaves(left)
                    if match intake.request.policy {
                        _ if fact => false,
                        Policy::AllOrNothing => true,
                        Policy::Partial => left == 0,
                        Policy::Backorder => false,
                    } =>
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
        for line in merged.iter().filter(|_| !fact) {
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

    /// The common case: a line whose SKU is on sale, in no channel's rules, and kept at one location
    /// only, or that names its location.
    #[inline]
    fn only_offer(&self, want: &Allocation) -> Offer {
        let Some(sku) = self.inventory.sku(want.sku).filter(|sku| sku.is_plain()) else {
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
        plan: &mut Plan,
        out: &mut RecordBuffer,
        notes: &mut Vec<LineNote>,
    ) -> OrderOutcome {
        let own = self.own_units(intake.replaces);
        let fact = intake.replaces.is_none() && self.is_fact(intake.request);
        let partial = intake.request.policy == Policy::Partial;
        let mut limits = Vec::new();
        if self.channels.has_rules() && !fact {
            let channel = intake.request.channel;
            self.channel_shorts(channel, merged, intake.replaces, &mut limits);
        }
        let limited = !limits.is_empty();
        let clipped = if partial && limited {
            clip(merged, &limits)
        } else {
            Vec::new()
        };
        // Units are there that this channel may not have.
        let for_others = limits.iter().any(|it| self.is_there(it.sku, &own));
        if partial && limited && clipped.is_empty() {
            let code = short_code(for_others);
            return self.reject(intake, code, &limits, out, notes);
        }
        let skus = merged.iter().map(|line| line.want.sku);
        let demand = Demand {
            stock: &self.inventory,
            own: &own,
            aside: &self.set_aside(skus.filter(|_| !fact), intake.replaces),
            lines: if clipped.is_empty() { merged } else { &clipped },
            destination: intake.request.destination,
            partial: partial || fact,
        };
        plan.make(&demand);
        if fact && !plan.shorts.is_empty() {
            let holds = self.plan_preempting(intake.context, intake.request, &demand, plan);
            if !holds.is_empty() {
                self.preempt(intake.context, intake.request, &holds, out);
                return self.accept(intake, &plan.allocations, Grant::Full, out);
            }
            return match self.sell_beyond(intake.context.tenant, &demand, plan) {
                Ok(beyond) => self.accept(intake, &plan.allocations, Grant::Beyond(&beyond), out),
                Err(ResultCode::InsufficientStock) => {
                    let code = ResultCode::InsufficientStock;
                    self.reject(intake, code, &plan.shorts, out, notes)
                }
                Err(code) => refused(code),
            };
        }
        if plan.shorts.is_empty() && !limited {
            return self.accept(intake, &plan.allocations, Grant::Full, out);
        }
        if intake.request.policy == Policy::Backorder && self.may_wait(intake.replaces) {
            let over = self.over_backorder_cap(merged, intake.replaces);
            if over.is_empty() {
                return self.accept(intake, &[], Grant::Waits(merged), out);
            }
            return self.reject(intake, ResultCode::BackorderCap, &over, out, notes);
        }
        if plan.shorts.is_empty() && !partial {
            // The units are there, but for others.
            return self.reject(intake, ResultCode::QuotaExhausted, &limits, out, notes);
        }
        if !partial || plan.allocations.is_empty() {
            let code = short_code(partial && for_others);
            return self.reject(intake, code, &plan.shorts, out, notes);
        }
        let outcome = self.accept(intake, &plan.allocations, Grant::Partial(merged), out);
        let before = notes.len();
        push_granted(merged, &plan.allocations, notes);
        OrderOutcome {
            notes: count(notes.len() - before),
            ..outcome
        }
    }

    /// What the order in a slot would give back.
    fn own_units(&self, slot: Option<u32>) -> Vec<Allocation> {
        let lines = slot.into_iter().flat_map(|slot| self.orders.lines(slot));
        lines
            .map(|line| Allocation {
                sku: line.sku,
                quantity: line.reserved + line.committed,
                location: line.location,
            })
            .collect()
    }

    /// Some unit of a SKU is available, or the order's own.
    fn is_there(&self, sku: SkuId, own: &[Allocation]) -> bool {
        self.available_everywhere(sku) > 0 || own.iter().any(|it| it.sku == sku && it.quantity > 0)
    }

    /// An order that holds units keeps them: only a new one, or one that waits already, waits.
    fn may_wait(&self, replaces: Option<u32>) -> bool {
        let waits = |slot: u32| self.orders.get(slot).state == OrderState::Backordered;
        replaces.is_none_or(waits)
    }

    /// Journals and applies an accepted order.
    #[inline]
    fn accept(
        &mut self,
        intake: &Intake<'_>,
        allocations: &[Allocation],
        grant: Grant<'_>,
        out: &mut RecordBuffer,
    ) -> OrderOutcome {
        let request = intake.request;
        let mut bytes = std::mem::take(&mut self.scratch.bytes);
        bytes.clear();
        put_lines(&mut bytes, allocations);
        let requested_at = bytes.len();
        for line in grant.requested() {
            put_lines(&mut bytes, std::slice::from_ref(&line.want));
        }
        let (allocations, requested) = bytes.split_at(requested_at);
        let bit = |on: bool, bit: u8| if on { bit } else { 0 };
        let partial = matches!(grant, Grant::Partial(_));
        let waits = matches!(grant, Grant::Waits(_));
        let commits = intake
            .replaces
            .is_some_and(|slot| self.commits_at_once(slot, intake.change));
        let tenant = intake.context.tenant;
        let early = &self.processes.early;
        let cancelled = early.reason(tenant, request.key, self.now_ms);
        let cancelled = cancelled.map(str::to_owned);
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
            flags: bit(request.mode != OrderMode::Hold, accepted_flags::PLACED)
                | bit(self.is_fact(request), accepted_flags::FACT)
                | bit(commits, accepted_flags::COMMITTED)
                | bit(partial, accepted_flags::PARTIAL)
                | bit(waits, accepted_flags::BACKORDERED)
                | bit(!request.details.is_empty(), accepted_flags::DETAILS)
                | bit(intake.replaces.is_some(), accepted_flags::REPLACES),
            allocations: Lines::from_bytes(allocations),
            requested: Lines::from_bytes(requested),
            destination: request.destination.filter(|_| waits),
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
        let mut outcome = OrderOutcome {
            code: ResultCode::Ok,
            state: Some(match request.mode {
                OrderMode::Hold => OrderState::Held,
                OrderMode::Place | OrderMode::Fact | OrderMode::Incomplete => {
                    OrderState::FraudCheck
                }
            }),
            replayed: false,
            partial,
            version: request.version,
            sequence,
            expires_at_ms: self.now_ms + u64::from(request.ttl_ms),
            notes: 0,
        };
        if self.processes.is_in_force() || cancelled.is_some() {
            self.enter_pipeline(intake, (grant, cancelled.as_deref()), &mut outcome, out);
        }
        outcome
    }

    /// A placed order goes on in its process, within the same batch.
    #[cold]
    fn enter_pipeline(
        &mut self,
        intake: &Intake<'_>,
        (grant, cancelled): (Grant<'_>, Option<&str>),
        outcome: &mut OrderOutcome,
        out: &mut RecordBuffer,
    ) {
        let (request, context) = (intake.request, intake.context);
        let Some(slot) = self.find_order(intake.probe).order else {
            return;
        };
        let oversold = match grant {
            Grant::Beyond(beyond) => self.journal_oversold(context, request, beyond, out),
            _ => String::new(),
        };
        let entry = Entry {
            accepted: outcome.sequence,
            total: request.total,
            currency: request.currency,
            details: request.details,
            change: intake.change,
            fact: self.is_fact(request),
            incomplete: request.mode == OrderMode::Incomplete,
            oversold: &oversold,
            cancelled,
        };
        self.enter_process(slot, &entry, context.actor, out);
        if cancelled.is_some() && !self.orders.get(slot).state.is_terminal() {
            self.release_cancelled_ahead((context.tenant, slot), context.actor, out);
        }
        let (state, expires_at_ms) = self.present_state(slot);
        outcome.state = Some(state);
        outcome.expires_at_ms = expires_at_ms;
    }

    /// Journals and applies a refusal.
    pub(super) fn reject(
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
        if let Some(slot) = intake.replaces
            && self.orders.get(slot).is_managed()
        {
            self.edit_refused(slot, (reason, shorts), intake.context.actor, out);
        }
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

/// Why an order gets nothing: what there is is for others, or there is nothing.
fn short_code(for_others: bool) -> ResultCode {
    if for_others {
        ResultCode::QuotaExhausted
    } else {
        ResultCode::InsufficientStock
    }
}

/// The lines with no more units than their channel may take; those with none are left out.
fn clip(merged: &[MergedLine], limits: &[ShortLine]) -> Vec<MergedLine> {
    let clipped = merged.iter().filter_map(|line| {
        let limit = limits.iter().find(|limit| limit.line == line.at);
        let mut line = *line;
        line.want.quantity = limit.map_or(line.want.quantity, |limit| limit.left);
        (line.want.quantity > 0).then_some(line)
    });
    clipped.collect()
}
