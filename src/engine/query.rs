//! Reading: stock, orders, names, counts. Nothing here changes state.

use super::command::{CellView, LocationView, OrderLineView, OrderView};
use super::record::{RequestedLine, ShortLine, kind};
use super::{Engine, EngineStatistics};
use crate::types::pipeline::BackorderQueue;
use crate::types::record::RawRecord;
use crate::types::{
    ActorId, ChannelId, LocationId, OrderKey, OrderState, Resolution, ResultCode, SkuId, TenantId,
};

impl Engine {
    /// Stock of a SKU of this tenant, one cell a location, in order of location number. `None` for
    /// an unknown SKU.
    pub fn stock(
        &self,
        tenant: TenantId,
        sku: SkuId,
    ) -> Option<impl Iterator<Item = CellView> + '_> {
        self.inventory.sku_of(tenant, sku)?;
        Some(self.inventory.cells(sku).map(|(_, cell)| CellView {
            location: cell.location,
            quantities: cell.quantities,
        }))
    }

    /// Where an accepted order was sold; none where no order of this key is known.
    #[must_use]
    pub fn channel_of(&self, tenant: TenantId, key: OrderKey) -> Option<ChannelId> {
        let found = self.find_order(&self.probe(tenant, key));
        found.order.map(|slot| self.orders.get(slot).channel)
    }

    /// An order by its key, as of the turn's time; its lines and, where its latest version was
    /// refused, the short ones are appended to the buffers. `None` for an unknown key.
    ///
    /// `code` is the outcome of the latest version; where that was refused while the hold of an
    /// earlier version lives on, state and lines are those of the hold.
    pub fn order(
        &self,
        tenant: TenantId,
        key: OrderKey,
        lines: &mut Vec<OrderLineView>,
        shorts: &mut Vec<ShortLine>,
    ) -> Option<OrderView> {
        let found = self.find_order(&self.probe(tenant, key));
        if found.is_nothing() {
            return None;
        }
        let mut view = OrderView {
            code: ResultCode::Ok,
            state: OrderState::Rejected,
            resolution: Resolution::Open,
            placed: false,
            version: self.latest_version(&found),
            channel: ChannelId(0),
            customer: 0,
            sequence: 0,
            expires_at_ms: 0,
        };
        if let Some(slot) = self.latest_refusal(&found) {
            view.code = self.rejections.get(slot).code;
            self.rejections.shorts(slot, shorts);
        }
        let Some(slot) = found.order else {
            return Some(view);
        };
        let order = self.orders.get(slot);
        (view.state, view.expires_at_ms) = self.present_state(slot);
        view.resolution = self.present_resolution(slot);
        view.placed = order.is_placed();
        view.channel = order.channel;
        view.customer = order.customer;
        view.sequence = order.sequence();
        let over = view.state == OrderState::Expired;
        let before = lines.len();
        lines.extend(self.orders.lines(slot).map(|mut line| {
            if over {
                line.reserved = 0; // ended by time, though its timer may not have been fired yet
            }
            line.view()
        }));
        if lines.len() == before {
            // It waits for stock, or waited in vain: its lines are what it wants, or wanted.
            let waits = order.state == OrderState::Backordered;
            lines.extend(self.orders.requested(slot).map(|line| OrderLineView {
                sku: line.sku,
                location: line.location,
                ordered: line.ordered,
                cancelled: if waits { 0 } else { line.ordered },
                ..OrderLineView::default()
            }));
        }
        Some(view)
    }

    /// The merged request of an order accepted in part, sorted by (SKU, location); nothing for any
    /// other order.
    pub fn requested(
        &self,
        tenant: TenantId,
        key: OrderKey,
    ) -> impl Iterator<Item = RequestedLine> + '_ {
        let found = self.find_order(&self.probe(tenant, key));
        let lines = found.order.map(|slot| self.orders.requested(slot));
        lines.into_iter().flatten().map(|line| RequestedLine {
            sku: line.sku,
            quantity: line.ordered,
            location: line.location,
        })
    }

    /// Name of a SKU.
    pub fn sku_name(&self, sku: SkuId) -> Option<&str> {
        self.inventory.sku(sku).map(|sku| self.names.get(sku.name))
    }

    /// Name of a location.
    pub fn location_name(&self, location: LocationId) -> Option<&str> {
        let location = self.inventory.locations().get(usize::from(location.0));
        location.map(|location| self.names.get(location.name))
    }

    /// Name of a tenant.
    pub fn tenant_name(&self, tenant: TenantId) -> Option<&str> {
        let place = self.tenants.get(usize::from(tenant.0));
        place.map(|place| self.names.get(*place))
    }

    /// Name of an actor; number 0 is the engine itself.
    pub fn actor_name(&self, actor: ActorId) -> Option<&str> {
        let place = self.actors.get(usize::from(actor.0));
        place.map(|place| self.names.get(*place))
    }

    /// The tenant's SKUs from handle `from` on, in order: handle, name, whether it is on sale.
    /// Walks the SKUs of all tenants of the shard.
    pub fn skus(
        &self,
        tenant: TenantId,
        from: SkuId,
    ) -> impl Iterator<Item = (SkuId, &str, bool)> + '_ {
        (from.0..)
            .map_while(move |number| {
                let sku = self.inventory.sku(SkuId(number))?;
                Some((SkuId(number), sku))
            })
            .filter(move |(_, sku)| sku.tenant == tenant)
            .map(|(number, sku)| (number, self.names.get(sku.name), sku.on_sale))
    }

    /// Who gets the units of a SKU first, among orders that wait for it; as the pipelines say for
    /// one that is not defined.
    pub fn backorder_queue(&self, sku: SkuId) -> BackorderQueue {
        let sku = self.inventory.sku(sku);
        sku.map_or(BackorderQueue::Default, super::inventory::Sku::queue)
    }

    /// The tenant's locations in order of their handles.
    pub fn locations(&self, tenant: TenantId) -> impl Iterator<Item = LocationView<'_>> + '_ {
        (0_u16..)
            .zip(self.inventory.locations())
            .filter(move |(_, location)| location.tenant == tenant)
            .map(|(number, location)| LocationView {
                location: LocationId(number),
                name: self.names.get(location.name),
                x: location.x,
                y: location.y,
                priority: location.priority,
            })
    }

    /// How many locations all tenants of the shard have: no SKU has more cells.
    pub fn locations_count(&self) -> usize {
        self.inventory.locations().len()
    }

    /// First prefetch stage of a record that [`Engine::replay`] will get some records later.
    #[inline]
    pub fn prefetch_record(&self, raw: &RawRecord<'_>) {
        if let Some((tenant, key)) = order_of(raw) {
            self.prefetch_order_key(tenant, key);
        }
        if let Some(sku) = first_sku(raw) {
            self.prefetch_sku(sku);
        }
    }

    /// Second prefetch stage, nearer to the record's turn.
    #[inline]
    pub fn prefetch_record_near(&self, raw: &RawRecord<'_>) {
        if let Some(sku) = first_sku(raw) {
            self.prefetch_cell(sku); // a new order has no slot yet
        } else if let Some((tenant, key)) = order_of(raw) {
            self.prefetch_order_slot(&self.probe(tenant, key));
        }
    }

    /// Orders accepted since the journal began, and those that hold unpaid units now.
    pub fn accepted_and_held(&self) -> (u64, u64) {
        (self.counters.accepted, self.counters.open_holds)
    }

    /// SKUs of which more was promised than there is, and how many units more. Looks at every cell.
    pub fn shortages(&self) -> Vec<(TenantId, SkuId, u64)> {
        let skus = self.inventory.skus().map(|(number, sku)| {
            let cells = self.inventory.cells(number);
            let short = cells.map(|(_, cell)| cell.quantities.short()).sum();
            (sku.tenant, number, short)
        });
        skus.filter(|(_, _, short)| *short > 0).collect()
    }

    /// Counts and memory.
    pub fn statistics(&self) -> EngineStatistics {
        let (counters, events) = (&self.counters, &self.channel_events);
        EngineStatistics {
            orders: self.orders.len() as u64,
            open_holds: counters.open_holds,
            accepted: counters.accepted,
            rejected: counters.rejected,
            expired: counters.expired,
            replayed: counters.replayed,
            conflicts: counters.conflicts,
            rejections_kept: self.rejections.len(),
            rejections_forgotten: self.rejections.forgotten(),
            commands_kept: self.stock_commands.len() + self.order_commands.len(),
            commands_forgotten: self.stock_commands.forgotten() + self.order_commands.forgotten(),
            orders_forgotten: counters.orders_forgotten,
            backorders: self.processes.queue.len() as u64,
            backordered_units: self.processes.queue.units(),
            tenants: self.tenants.len() as u64,
            actors: self.actors.len() as u64,
            skus: self.inventory.skus_len() as u64,
            locations: self.inventory.locations().len() as u64,
            cells: self.inventory.cells_len() as u64,
            channel_events_waiting: events.waiting.len() as u64,
            channel_event_ids: events.ids.len() as u64,
            channel_events_forgotten: events.ids.forgotten() + events.orders_forgotten,
            channel_events_forgotten_early: events.ids.forgotten_early(),
            timers: self.timers.len(),
            memory_bytes: self.memory_bytes() as u64,
        }
    }

    fn memory_bytes(&self) -> usize {
        self.index.memory_bytes()
            + self.orders.memory_bytes()
            + self.rejections.memory_bytes()
            + self.stock_commands.memory_bytes()
            + self.order_commands.memory_bytes()
            + self.inventory.memory_bytes()
            + self.names.memory_bytes()
            + self.timers.memory_bytes()
            + self.process_memory_bytes()
            + self.channels.memory_bytes()
            + self.channel_events.ids.memory_bytes()
    }
}

/// The order that a record is about.
#[inline]
fn order_of(raw: &RawRecord<'_>) -> Option<(TenantId, OrderKey)> {
    let tenant_at = match raw.kind {
        kind::ORDER_ACCEPTED => 44,
        kind::ORDER_REJECTED => 32,
        kind::ORDER_EXPIRED | kind::HOLD_PREEMPTED => 16,
        kind::HOLD_EXTENDED..=kind::ORDER_RETURNED | kind::ORDER_REINSTATED => 40,
        _ => return None,
    };
    let key = u128::from_le_bytes(*raw.payload.first_chunk()?);
    let tenant = u16::from_le_bytes(*raw.payload.get(tenant_at..)?.first_chunk()?);
    Some((TenantId(tenant), OrderKey(key)))
}

/// The first SKU that an accepted order takes.
#[inline]
fn first_sku(raw: &RawRecord<'_>) -> Option<SkuId> {
    if raw.kind != kind::ORDER_ACCEPTED {
        return None;
    }
    let sku = raw.payload.get(54..)?.first_chunk()?;
    Some(SkuId(u32::from_le_bytes(*sku)))
}
