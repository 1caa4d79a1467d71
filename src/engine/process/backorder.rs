//! Orders that wait for stock: who waits, what is set aside for them, and whose turn it is.
//!
//! ```text
//! short order ─▶ BACKORDERED (holds nothing, has a place) ─┬─▶ all lines covered in its turn ─▶
//!                                                          │      first step, its hold begins
//!                                                          └─▶ cancelled, or no stock in time
//! ```
//!
//! Whatever raises what is available of a SKU that somebody waits for marks the SKU; the next turn
//! looks at the marked SKUs before its commands, first place first. Until then, and under the
//! strict rule at any time, new orders do not see the units that are waited for.
//!
//! Strict or skip is each SKU's own: an order for several is behind the earlier ones in the queues
//! of its strict SKUs, and behind nobody in those of the others.

use super::desk::Desk;
use super::queue::Waiting;
use crate::engine::allocate::{Demand, MergedLine, Plan};
use crate::engine::inventory::{Cause, Sku};
use crate::engine::order::{Line, NO_LINE, flag};
use crate::engine::record::process_flags::CANCELLING;
use crate::engine::record::{
    Allocation, Allocations, Lines, OrderAccepted, OrderMoved, ProcessImage, ProcessRecord, Record,
    RequestedLine, ShortLine, put_lines,
};
use crate::engine::{Contradiction, Engine};
use crate::types::pipeline::{BackorderRule, tag};
use crate::types::process::{ProcessEvent, TimerKind};
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, OrderKey, OrderState, Resolution, SkuId, TenantId};

/// Journal bytes of one order that gets its units, at most: what it takes, and its first step.
const ALLOCATION_RECORDS_BYTES_MAX: usize = 4 << 10;

/// Orders that get their units in one turn, at most.
const ALLOCATED_PER_TURN_MAX: usize = 256;

/// Waiting orders looked at in one turn, at most.
const LOOKED_AT_PER_TURN_MAX: usize = 1_024;

/// What is left of a turn for waiting orders.
struct Budget {
    looks: usize,
    orders: usize,
}

impl Engine {
    /// Units of the SKU that an order waits for are for nobody behind it.
    fn is_strict(&self, sku: SkuId) -> bool {
        let queue = self.inventory.sku(sku).map(Sku::queue);
        let pipelines = self.processes.settings().backorder;
        queue.is_none_or(|queue| queue.rule(pipelines) == BackorderRule::Strict)
    }

    /// What new orders may not take of these SKUs, because others wait for it. `slot` is an order
    /// that waits itself: it is behind those with an earlier place only.
    pub(in crate::engine) fn set_aside(
        &self,
        lines: impl Iterator<Item = SkuId>,
        slot: Option<u32>,
    ) -> Vec<Allocation> {
        let mut aside = Vec::new();
        let queue = &self.processes.queue;
        if queue.is_empty() {
            return aside;
        }
        let before = slot.and_then(|slot| queue.place_of(slot));
        let mut last = None;
        for sku in lines {
            if last != Some(sku) && (self.is_strict(sku) || self.inventory.is_marked(sku)) {
                let most = self.poolable(sku);
                queue.aside(&self.inventory, (sku, most), before, &mut aside);
            }
            last = Some(sku);
        }
        aside
    }

    /// Units of a SKU that may be set aside for orders that wait: what is guaranteed to a channel
    /// stays that channel's.
    fn poolable(&self, sku: SkuId) -> u64 {
        let available = self.inventory.available_of(sku);
        available.saturating_sub(self.guaranteed_of(sku))
    }

    /// How many units of a SKU [`Engine::set_aside`] would set aside at most.
    pub(in crate::engine) fn units_aside(&self, sku: SkuId, slot: Option<u32>) -> u64 {
        let queue = &self.processes.queue;
        if queue.is_empty() || !queue.wants(sku) {
            return 0;
        }
        if !self.is_strict(sku) && !self.inventory.is_marked(sku) {
            return 0;
        }
        let poolable = self.poolable(sku);
        let before = slot.and_then(|slot| queue.place_of(slot));
        let units = match before {
            Some(place) => queue.units_before(sku, place, poolable),
            None => queue.units_of(sku),
        };
        units.min(poolable)
    }

    /// Somebody waits for the SKU, so its stock is not for everybody.
    #[inline]
    pub(in crate::engine) fn is_waited_for(&self, sku: SkuId) -> bool {
        !self.processes.queue.is_empty() && self.processes.queue.wants(sku)
    }

    /// The lines for which no more units may wait, with the room that is left; `slot` is an order
    /// that waits already and gives its own room back.
    pub(in crate::engine) fn over_backorder_cap(
        &self,
        merged: &[MergedLine],
        slot: Option<u32>,
    ) -> Vec<ShortLine> {
        let cap = self.processes.settings().backorder_units_max;
        let queue = &self.processes.queue;
        let own = slot.and_then(|slot| queue.at(queue.place_of(slot)?));
        let units = |lines: &mut dyn Iterator<Item = &RequestedLine>, sku: SkuId| -> u64 {
            let of_sku = lines.filter(|line| line.sku == sku);
            of_sku.map(|line| u64::from(line.quantity)).sum()
        };
        let mut over = Vec::new();
        for line in merged {
            let sku = line.want.sku;
            let own = own.map_or(0, |own| units(&mut own.lines.iter(), sku));
            let wanted = units(&mut merged.iter().map(|line| &line.want), sku);
            let room = cap.saturating_sub(queue.units_of(sku).saturating_sub(own));
            if wanted > room {
                over.push(ShortLine {
                    sku,
                    left: u32::try_from(room).unwrap_or(u32::MAX),
                    line: line.at,
                });
            }
        }
        over.sort_unstable_by_key(|short| short.line);
        over
    }

    /// An accepted order begins to wait, at the place of its version before where it waited then.
    pub(in crate::engine) fn apply_waits(
        &mut self,
        slot: u32,
        accepted: &OrderAccepted<'_>,
        place: u64,
    ) {
        let waiting = Waiting {
            slot,
            destination: accepted.destination,
            lines: accepted.requested.iter().collect(),
        };
        for line in &waiting.lines {
            self.inventory.watch(line.sku);
            self.inventory.note_change(line.sku);
        }
        self.processes.queue.insert(place, waiting);
    }

    /// The order in a slot waits no longer; what was set aside for it may be others' now.
    pub(in crate::engine) fn leave_queue(&mut self, slot: u32) -> Option<u64> {
        let (place, waiting) = self.processes.queue.remove(slot)?;
        for line in &waiting.lines {
            self.inventory.note_change(line.sku);
            if self.processes.queue.wants(line.sku) {
                self.inventory.mark(line.sku);
            } else {
                self.inventory.unwatch(line.sku);
            }
        }
        Some(place)
    }

    /// Applies the end of an order that waited: it holds nothing that could go back.
    pub(in crate::engine) fn apply_waited_in_vain(&mut self, slot: u32) {
        self.leave_queue(slot);
        let now_ms = self.now_ms;
        let order = self.orders.get_mut(slot);
        order.state = OrderState::Cancelled;
        order.resolve(Resolution::Released);
        order.set_time_ms(now_ms);
        self.set_retention(slot);
    }

    /// Applies that a waiting order got its units, and holds them from now on.
    pub(in crate::engine) fn apply_allocated(
        &mut self,
        (tenant, key): (TenantId, OrderKey),
        expires_at_ms: u64,
        taken: Allocations<'_>,
    ) -> Result<(), Contradiction> {
        let slot = self.slot_of(tenant, key)?;
        let queue = &self.processes.queue;
        let waiting = queue.place_of(slot).and_then(|place| queue.at(place));
        let Some(waiting) = waiting else {
            return Err(Contradiction::OrderState(key));
        };
        if !is_all(&waiting.lines, taken) || expires_at_ms >= 1 << 48 {
            return Err(Contradiction::OrderUnits(key));
        }
        let buyer = self.buyer(slot);
        for line in taken.iter() {
            self.count_taken(buyer, line.sku, line.quantity);
            self.inventory
                .change(line.sku, line.location, Cause::Order, |cell| {
                    (line.quantity > 0 && cell.available() >= line.quantity).then(|| {
                        cell.reserved += line.quantity;
                    })
                })?;
        }
        self.leave_queue(slot);
        let lines = taken.iter().map(|line| Line {
            sku: line.sku,
            ordered: line.quantity,
            reserved: line.quantity,
            committed: 0,
            shipped: 0,
            returned: 0,
            next: NO_LINE,
            location: line.location,
        });
        self.orders.set_lines(slot, lines, std::iter::empty());
        let order = self.orders.get_mut(slot);
        order.state = OrderState::FraudCheck;
        order.set_time_ms(expires_at_ms);
        debug_assert!(order.flags & flag::PLACED != 0, "only placed orders wait");
        self.timers.set(expires_at_ms, slot);
        self.counters.open_holds += 1;
        Ok(())
    }

    /// Gives what became available to the orders that wait for it, first place first, as far as
    /// `room` bytes of records go (at least one order, where `least` says so). True where more is
    /// to be done in the next turn.
    pub(in crate::engine) fn allocate_backorders(
        &mut self,
        room: usize,
        least: bool,
        out: &mut RecordBuffer,
    ) -> bool {
        if !self.inventory.has_marked() {
            return false;
        }
        let orders = (room / ALLOCATION_RECORDS_BYTES_MAX).min(ALLOCATED_PER_TURN_MAX);
        let mut budget = Budget {
            looks: LOOKED_AT_PER_TURN_MAX,
            orders: orders.max(usize::from(least)),
        };
        let mut desk = Desk {
            engine: self,
            out,
            actor: ActorId::SYSTEM,
        };
        while let Some((sku, from)) = desk.engine.inventory.first_marked() {
            let stopped = desk.serve_queue(sku, from, &mut budget);
            desk.engine.inventory.looked_at(sku, stopped);
            if stopped.is_some() {
                return true;
            }
        }
        false
    }
}

impl Desk<'_> {
    /// Looks at the orders that wait for a SKU, from a place on. Returns the place at which to go
    /// on where the turn's budget is used up.
    fn serve_queue(&mut self, sku: SkuId, from: u64, budget: &mut Budget) -> Option<u64> {
        let strict = self.engine.is_strict(sku);
        let mut at = from;
        let mut before = if strict {
            let queue = &self.engine.processes.queue;
            queue.units_before(sku, from, self.engine.inventory.available_of(sku))
        } else {
            0
        };
        loop {
            let left = self.engine.inventory.available_of(sku);
            // What is guaranteed to a channel is there for its orders, wherever they stand.
            let guaranteed = self.engine.guaranteed_of(sku);
            if left == 0 || before >= left && guaranteed == 0 {
                return None; // what there is belongs to orders that were looked at
            }
            let place = self.engine.processes.queue.next(sku, at)?;
            if budget.looks == 0 || budget.orders == 0 {
                return Some(place);
            }
            budget.looks -= 1;
            at = place + 1;
            if self.serve(place) {
                budget.orders -= 1;
            } else if strict {
                let queue = &self.engine.processes.queue;
                let lines = queue.at(place).map_or(&[][..], |waiting| &waiting.lines);
                let of_sku = lines.iter().filter(|line| line.sku == sku);
                before += of_sku.map(|line| u64::from(line.quantity)).sum::<u64>();
            }
        }
    }

    /// Gives the order at a place its units, if all of them are there for it.
    fn serve(&mut self, place: u64) -> bool {
        let Some(plan) = self.engine.cover(place) else {
            return false;
        };
        let queue = &self.engine.processes.queue;
        let Some(slot) = queue.at(place).map(|waiting| waiting.slot) else {
            return false;
        };
        self.allocated(slot, &plan.allocations);
        true
    }

    /// The order has its units: its hold begins, and it takes the first step of its pipeline.
    fn allocated(&mut self, slot: u32, taken: &[Allocation]) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let (tenant, order, image) = (process.tenant, process.key, process.image);
        let ttl_ms = self.engine.orders.get(slot).time_ms();
        let expires_at_ms = self.now_ms() + ttl_ms;
        let mut bytes = Vec::new();
        put_lines(&mut bytes, taken);
        let record = Record::BackorderAllocated {
            tenant,
            order,
            expires_at_ms,
            allocations: Lines::from_bytes(&bytes),
        };
        self.engine.commit(&record, self.actor, self.out);
        let mut locations = taken.iter().map(|line| line.location);
        let first = locations.next();
        let split = locations.any(|location| Some(location) != first);
        let tags = if split { tag::SPLIT } else { 0 };
        let mut image = ProcessImage {
            timer: TimerKind::Hold,
            timer_at_ms: expires_at_ms,
            tags: image.tags | tags,
            ..image
        };
        self.engine.choose_pipeline(slot, &mut image);
        let (step, to) = self.first_step(slot, &mut image);
        self.moved(slot, to, ProcessEvent::BackorderAllocated, image, "");
        self.run_step(slot, step);
    }

    /// A short order begins to wait, or goes on waiting with its next version.
    pub fn wait_for_stock(
        &mut self,
        slot: u32,
        before: Option<ProcessImage>,
        mut image: ProcessImage,
        accepted: u64,
    ) {
        let (tenant, order) = self.engine.client_key(slot);
        let process = self.process(slot);
        let from = process.map(|process| process.state);
        image.effects = process.map_or(0, |process| process.image.effects);
        image.timer = TimerKind::Backorder;
        image.timer_at_ms = match before {
            Some(before) => before.timer_at_ms, // it has waited so long already
            None => self.now_ms() + self.settings(&image).backorder_ms,
        };
        let event = if before.is_some() {
            ProcessEvent::Edited
        } else {
            ProcessEvent::Backordered
        };
        self.emit(ProcessRecord::Moved(OrderMoved {
            order,
            tenant,
            accepted,
            event,
            from,
            to: OrderState::Backordered,
            image,
            note: "",
        }));
    }
}

impl Engine {
    /// The units for the order at a place, if all of them are there once those of the orders
    /// before it are set aside (of SKUs under the strict rule).
    fn cover(&self, place: u64) -> Option<Plan> {
        let queue = &self.processes.queue;
        let waiting = queue.at(place)?;
        let process = self.processes.get(waiting.slot)?;
        if process.state != OrderState::Backordered || process.has_flag(CANCELLING) {
            return None;
        }
        let buyer = self.buyer(waiting.slot);
        let skus = || waiting.lines.chunk_by(|a, b| a.sku == b.sku);
        for lines in skus() {
            let Some(sku) = lines.first().map(|line| line.sku) else {
                continue;
            };
            let most = self.poolable(sku);
            let before = if self.is_strict(sku) {
                queue.units_before(sku, place, most).min(most)
            } else {
                0
            };
            let wanted: u64 = lines.iter().map(|line| u64::from(line.quantity)).sum();
            if self.reach_behind(buyer, sku, before) < wanted {
                return None;
            }
        }
        let mut aside = Vec::new();
        for sku in skus().filter_map(|lines| Some(lines.first()?.sku)) {
            if self.is_strict(sku) {
                let most = self.poolable(sku);
                queue.aside(&self.inventory, (sku, most), Some(place), &mut aside);
            }
        }
        let merged: Vec<MergedLine> = (0..)
            .zip(&waiting.lines)
            .map(|(at, want)| MergedLine { want: *want, at })
            .collect();
        let mut plan = Plan::default();
        plan.make(&Demand {
            stock: &self.inventory,
            own: &[],
            aside: &aside,
            lines: &merged,
            destination: waiting.destination,
            partial: false,
        });
        plan.shorts.is_empty().then_some(plan)
    }
}

/// What is taken is what was wanted: of each SKU, and at each location that was named.
fn is_all(wanted: &[RequestedLine], taken: Allocations<'_>) -> bool {
    let taken_of = |sku: SkuId| -> u64 {
        let of_sku = taken.iter().filter(|line| line.sku == sku);
        of_sku.map(|line| u64::from(line.quantity)).sum()
    };
    let known = taken
        .iter()
        .all(|line| wanted.iter().any(|want| want.sku == line.sku));
    known
        && wanted.chunk_by(|a, b| a.sku == b.sku).all(|lines| {
            let sum: u64 = lines.iter().map(|line| u64::from(line.quantity)).sum();
            lines.first().is_some_and(|line| taken_of(line.sku) == sum)
        })
}
