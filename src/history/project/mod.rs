//! What each record says, as rows.
//!
//! ```text
//! record ─▶ Projector::record ─▶ orders · process · stock · actions ─▶ Rows ─▶ one transaction
//! ```
//!
//! A record is put into rows without asking the database for what was there: rows that change are
//! written as "set what this says, keep the rest". So a transaction never waits for a read.

mod action;
mod channel;
mod channel_event;
mod order;
mod process;
mod stock;

use super::cell::{Int, int, text};
use super::rows::Rows;
use super::schema::{ActorRow, LocationRow, RefusalRow, SkuRow, SubscriberMoveRow, TenantRow};
use crate::engine::record::{Record, RequestedLine, SubscriberMoved};
use crate::types::{ActorId, LocationId, SkuId, TenantId};

/// Where a record stands, and who caused it.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub shard: u16,
    pub sequence: u64,
    pub time_ms: u64,
    pub actor: ActorId,
}

/// Turns the records of one shard into rows.
#[derive(Debug, Default)]
pub(super) struct Projector {
    /// Providers in the order of their number.
    pub providers: Vec<String>,
    /// Whose each SKU is, by its handle.
    sku_tenants: Vec<u16>,
    pub rows: Rows,
    /// Records taken in since the rows were last taken out.
    pub records: u64,
}

impl Projector {
    /// Goes on where `providers`, and the tenants of SKUs by their handle, are known already.
    pub fn new(providers: Vec<String>, sku_tenants: Vec<u16>) -> Self {
        Self {
            providers,
            sku_tenants,
            ..Self::default()
        }
    }

    /// Takes in one record.
    pub fn record(&mut self, at: &At, record: &Record<'_>) {
        self.records += 1;
        self.action(at, record);
        match record {
            Record::OrderAccepted(accepted) => self.accepted(at, accepted),
            Record::OrderRejected(rejected) => self.rejected(at, rejected),
            Record::HoldExtended {
                order,
                expires_at_ms,
            } => self.extended(at, order, *expires_at_ms),
            Record::OrderConfirmed { order, lines } => self.confirmed(at, order, *lines),
            Record::OrderReleased { order } => self.released(at, order),
            Record::OrderReinstated { order } => self.reinstated(at, order),
            Record::BackorderAllocated {
                tenant,
                order,
                expires_at_ms,
                allocations,
            } => self.allocated(at, (*tenant, *order), *expires_at_ms, *allocations),
            Record::OrderExpired { tenant, order } => self.expired(at, *tenant, *order),
            Record::OrderCancelled { order } => self.cancelled(at, order),
            Record::OrderShipped { order, lines } => self.shipped(at, order, *lines),
            Record::OrderReturned {
                order,
                disposition,
                lines,
            } => self.returned(at, order, *disposition, *lines),
            Record::ConflictSeen { tenant, order, .. } => self.conflict(at, *tenant, *order),
            Record::Stock(change) => self.movement(at, change),
            Record::ShortageDetected { cell, short } => self.shortage(at, *cell, *short),
            Record::Process(record) => self.process(at, record),
            Record::Channel(record) => self.channel(at, record),
            Record::ChannelEvent(record) => self.channel_event(at, record),
            Record::CommandRefused {
                tenant,
                key,
                code,
                of_order,
                ..
            } => self.rows.refusals.push(RefusalRow {
                shard: int(at.shard),
                sequence: int(at.sequence),
                time_ms: int(at.time_ms),
                actor: int(at.actor.0),
                tenant: int(tenant.0),
                command_key: text(&key.to_string()),
                code: text(code.name()),
                of_order: int(u8::from(*of_order)),
            }),
            Record::Subscriber(moved) => self.subscriber_moved(at, moved),
            // History keeps what the engine may forget; a digest says nothing about an order, and
            // what a command did is in records of its own.
            Record::OrdersForgotten { .. }
            | Record::StateDigest { .. }
            | Record::CommandDone { .. } => {}
            definition => self.definition(at, definition),
        }
    }

    fn subscriber_moved(&mut self, at: &At, moved: &SubscriberMoved<'_>) {
        self.rows.subscriber_moves.push(SubscriberMoveRow {
            shard: int(at.shard),
            sequence: int(at.sequence),
            time_ms: int(at.time_ms),
            actor: int(at.actor.0),
            tenant: int(moved.tenant.0),
            subscriber: text(moved.name),
            before_sequence: int(moved.before),
            after_sequence: int(moved.after),
            reason: text(moved.reason),
        });
    }

    /// Whose a SKU is.
    fn tenant_of(&self, sku: SkuId) -> Int {
        let tenant = self.sku_tenants.get(usize::try_from(sku.0).ok()?);
        tenant.and_then(|tenant| int(*tenant))
    }

    /// Handles are counted from 0 without a gap.
    fn sku_is_of(&mut self, sku: SkuId, tenant: TenantId) {
        if usize::try_from(sku.0) == Ok(self.sku_tenants.len()) {
            self.sku_tenants.push(tenant.0);
        }
    }

    fn definition(&mut self, at: &At, record: &Record<'_>) {
        let shard = int(at.shard);
        match *record {
            Record::TenantDefined { tenant, name } => {
                let row = TenantRow {
                    shard,
                    tenant: int(tenant.0),
                    name: text(name),
                };
                self.rows.tenants.join((u32::from(tenant.0), 0, 0), row);
            }
            Record::ActorDefined { actor, name } => {
                let row = ActorRow {
                    shard,
                    actor: int(actor.0),
                    name: text(name),
                };
                self.rows.actors.join((u32::from(actor.0), 0, 0), row);
            }
            Record::SkuDefined {
                sku,
                tenant,
                on_sale,
                name,
            } => {
                let row = SkuRow {
                    shard,
                    sku: int(sku.0),
                    tenant: int(tenant.0),
                    name: text(name),
                    on_sale: int(u8::from(on_sale)),
                };
                self.rows.skus.join((sku.0, 0, 0), row);
                self.sku_is_of(sku, tenant);
            }
            Record::SkuChanged { sku, on_sale } => {
                let row = SkuRow {
                    shard,
                    sku: int(sku.0),
                    on_sale: int(u8::from(on_sale)),
                    ..SkuRow::default()
                };
                self.rows.skus.join((sku.0, 0, 0), row);
            }
            Record::LocationDefined {
                location,
                tenant,
                x,
                y,
                priority,
                name,
            } => {
                let row = LocationRow {
                    shard,
                    location: int(location.0),
                    tenant: int(tenant.0),
                    name: text(name),
                    x: int(x),
                    y: int(y),
                    priority: int(priority),
                };
                self.rows.locations.join((u32::from(location.0), 0, 0), row);
            }
            _ => {}
        }
    }
}

/// The location of a line; none where the engine may choose.
fn location(line: &RequestedLine) -> Int {
    if line.location == LocationId::ANY {
        None
    } else {
        int(line.location.0)
    }
}
