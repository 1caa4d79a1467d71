//! Orders that wait for stock, and that nobody goes past them: of a SKU under the strict rule, what
//! an earlier order waits for goes to no later one.

use super::{At, Fold};
use crate::audit::report::{Checks, Invariant, Offence};
use crate::engine::record::{Allocations, RequestedLine};
use crate::types::{LocationId, OrderKey, SkuId, TenantId};
use std::collections::BTreeMap;

type Order = (TenantId, OrderKey);

/// Units of one SKU that one order wants, by location; those under `ANY` are wanted anywhere.
type Wants = BTreeMap<LocationId, i64>;

/// Who waits for what.
#[derive(Clone, Debug, Default)]
pub(super) struct Queues {
    /// Place of each order, and the SKUs that it wants.
    orders: BTreeMap<Order, (u64, Vec<SkuId>)>,
    /// By place.
    skus: BTreeMap<SkuId, BTreeMap<u64, Wants>>,
}

impl Queues {
    /// An order begins to wait.
    pub fn enter(&mut self, order: Order, place: u64, wants: impl Iterator<Item = RequestedLine>) {
        let mut skus = Vec::new();
        for want in wants {
            let of_sku = self.skus.entry(want.sku).or_default();
            let units = of_sku.entry(place).or_default();
            *units.entry(want.location).or_default() += i64::from(want.quantity);
            skus.push(want.sku);
        }
        self.orders.insert(order, (place, skus));
    }

    /// An order waits no longer; returns the place that it had, none where it did not wait.
    pub fn leave(&mut self, order: Order) -> Option<u64> {
        let (place, skus) = self.orders.remove(&order)?;
        for sku in skus {
            if let Some(of_sku) = self.skus.get_mut(&sku) {
                of_sku.remove(&place);
                if of_sku.is_empty() {
                    self.skus.remove(&sku);
                }
            }
        }
        Some(place)
    }
}

impl Fold {
    /// Units of each strict SKU among these that orders before a place wait for, as far as they are
    /// there and guaranteed to no channel. Nothing of SKUs that nobody waits for.
    pub(super) fn waited_for(
        &self,
        skus: impl Iterator<Item = SkuId>,
        place: u64,
    ) -> BTreeMap<SkuId, i64> {
        let waited = skus.filter(|sku| self.queues.skus.contains_key(sku));
        let strict = waited.filter(|sku| self.names.is_strict(*sku));
        strict
            .map(|sku| (sku, self.units_before(sku, place)))
            .collect()
    }

    fn units_before(&self, sku: SkuId, place: u64) -> i64 {
        let mut wanted = Wants::new();
        let queue = self.queues.skus.get(&sku).into_iter();
        for (location, units) in queue
            .flat_map(|it| it.range(..place))
            .flat_map(|(_, it)| it)
        {
            *wanted.entry(*location).or_default() += units;
        }
        let anywhere = wanted.remove(&LocationId::ANY).unwrap_or(0);
        let (mut named, mut rest) = (0, 0);
        for (at, cell) in self.cells_of(sku) {
            let here = wanted.get(&at.location).copied().unwrap_or(0);
            let here = here.min(cell.available());
            named += here;
            rest += cell.available() - here;
        }
        let guaranteed = self.quotas.unused(sku);
        let poolable = (named + rest - guaranteed).max(0);
        (named + anywhere.min(rest)).min(poolable)
    }

    /// That an order takes nothing that is waited for before it: `waited` as it was when it was
    /// decided, its own earlier units being back by now.
    pub(super) fn check_queue(
        &self,
        at: &At,
        order: Order,
        waited: &BTreeMap<SkuId, i64>,
        taken: &[(SkuId, u32)],
        checks: &mut Checks,
    ) {
        for (sku, waited) in waited {
            let units = taken.iter().filter(|(of, _)| of == sku);
            let units: i64 = units.map(|(_, units)| i64::from(*units)).sum();
            let left = self.sellable(*sku) - waited;
            if units == 0 {
                continue;
            }
            checks.check(Invariant::Queue, units <= left, || {
                let what = format!(
                    "takes {units} units, but earlier orders wait for {waited}, which leaves {left}"
                );
                let offence = self.names.order_offence(at, order.0, order.1, what);
                let sku = Some(self.names.sku_name(*sku));
                Offence { sku, ..offence }
            });
        }
    }
}

/// SKU and units of each allocation.
pub(super) fn units_of(taken: Allocations<'_>) -> Vec<(SkuId, u32)> {
    let units = taken.iter().map(|taken| (taken.sku, taken.quantity));
    units.collect()
}
