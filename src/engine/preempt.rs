//! Unpaid holds that give their units to an order which a channel had sold, where the pipelines in
//! force say so: the newest first, as few as cover all of the order, or none.

use super::Engine;
use super::allocate::{Demand, Plan};
use super::command::{Context, OrderRequest};
use super::record::{Allocation, HoldPreempted, ProcessRecord, Record};
use crate::types::record::RecordBuffer;
use crate::types::{LocationId, OrderState, TenantId};

/// Holds that one order may end, at most.
pub(super) const HOLDS_PREEMPTED_MAX: usize = 16;

impl Engine {
    /// Plans a short order with the units of holds that are to end for it, and returns those. None,
    /// and the plan as it was, where no [`HOLDS_PREEMPTED_MAX`] of them cover all that is missing.
    pub(super) fn plan_preempting(
        &self,
        context: Context,
        request: &OrderRequest<'_>,
        demand: &Demand<'_>,
        plan: &mut Plan,
    ) -> Vec<u32> {
        let early = &self.processes.early;
        let cancelled = early.reason(context.tenant, request.key, self.now_ms);
        if !self.processes.facts_preempt_holds() || cancelled.is_some() {
            return Vec::new();
        }
        let (mut units, mut ended) = (Vec::new(), Vec::new());
        for slot in self.newest_holds(context.tenant, plan) {
            if ended.len() == HOLDS_PREEMPTED_MAX {
                break;
            }
            if !self.helps(slot, demand, plan) {
                continue;
            }
            self.add_units(slot, &mut units);
            ended.push(slot);
            let own = &units;
            plan.make(&Demand { own, ..*demand });
            if plan.shorts.is_empty() {
                return ended;
            }
        }
        plan.make(demand);
        Vec::new()
    }

    /// Live holds with units of a SKU that the plan is short of, the one accepted last first. Looks
    /// at every order, where units are reserved at all.
    fn newest_holds(&self, tenant: TenantId, plan: &Plan) -> Vec<u32> {
        let mut cells = plan
            .shorts
            .iter()
            .flat_map(|it| self.inventory.cells(it.sku));
        if !cells.any(|(_, cell)| cell.quantities.reserved > 0) {
            return Vec::new();
        }
        let holds = self.orders.iter().filter(|(slot, order)| {
            order.state == OrderState::Held
                && order.tenant == tenant
                && !order.is_managed()
                && !order.is_expired(self.now_ms)
                && self.orders.lines(*slot).any(|line| {
                    let short = plan.shorts.iter().any(|short| short.sku == line.sku);
                    short && line.reserved > 0
                })
        });
        let mut holds: Vec<(u64, u32)> = holds
            .map(|(slot, order)| (order.sequence(), slot))
            .collect();
        holds.sort_unstable_by(|a, b| b.cmp(a));
        holds.into_iter().map(|(_, slot)| slot).collect()
    }

    /// The hold has units of a line that the plan is short of, where the line wants them.
    fn helps(&self, slot: u32, demand: &Demand<'_>, plan: &Plan) -> bool {
        let mut wants = plan.shorts.iter().filter_map(|short| {
            let line = demand.lines.iter().find(|line| line.at == short.line);
            line.map(|line| line.want)
        });
        let has = |want: Allocation| {
            self.orders.lines(slot).any(|line| {
                let here = want.location == LocationId::ANY || want.location == line.location;
                here && want.sku == line.sku && line.reserved > 0
            })
        };
        wants.any(has)
    }

    /// Adds what the hold would give back, summed by SKU and location.
    fn add_units(&self, slot: u32, units: &mut Vec<Allocation>) {
        for line in self.orders.lines(slot).filter(|line| line.reserved > 0) {
            let here = |it: &&mut Allocation| (it.sku, it.location) == (line.sku, line.location);
            if let Some(known) = units.iter_mut().find(here) {
                known.quantity += line.reserved;
            } else {
                units.push(Allocation {
                    sku: line.sku,
                    quantity: line.reserved,
                    location: line.location,
                });
            }
        }
    }

    /// Ends holds for the order that is accepted right behind.
    pub(super) fn preempt(
        &mut self,
        context: Context,
        request: &OrderRequest<'_>,
        holds: &[u32],
        out: &mut RecordBuffer,
    ) {
        for slot in holds {
            let (tenant, order) = self.client_key(*slot);
            let record = Record::Process(ProcessRecord::Preempted(HoldPreempted {
                order,
                tenant,
                by: request.key,
                channel: request.channel,
            }));
            self.commit(&record, context.actor, out);
        }
    }
}
