//! Applying definitions: tenants, actors, SKUs, locations.

use super::idempotency::index::Table;
use super::inventory::Location;
use super::record::Record;
use super::{Contradiction, Engine};
use crate::limits;
use crate::types::TenantId;

type Applied = Result<(), Contradiction>;

impl Engine {
    /// Applies the record that gives a number to a name.
    pub(super) fn apply_definition(&mut self, record: &Record<'_>) -> Applied {
        match *record {
            Record::TenantDefined { tenant, name } => {
                let free = self.find_tenant(name).is_none();
                let next = self.tenants.len() == usize::from(tenant.0) && free;
                defined(next, self.tenants.len() < limits::TENANTS_MAX, tenant.0)?;
                let place = self.add_name((Table::Third, TenantId(0), name), tenant.0.into());
                self.tenants.push(place);
                self.mixer.add_tenant();
            }
            Record::ActorDefined { actor, name } => {
                let free = self.find_actor(name).is_none();
                let next = self.actors.len() == usize::from(actor.0) && free;
                defined(next, self.actors.len() < limits::ACTORS_MAX, actor.0)?;
                let place = self.add_name((Table::Fourth, TenantId(0), name), actor.0.into());
                self.actors.push(place);
            }
            Record::SkuDefined {
                sku,
                tenant,
                on_sale,
                name,
            } => {
                self.check_tenant(tenant)?;
                let free = self.find_sku(tenant, name).is_none();
                let next = self.inventory.skus_len() == sku.0 as usize && free;
                let room = self.inventory.skus_len() < self.options.skus_max;
                defined(next, room, sku.0)?;
                let place = self.add_name((Table::First, tenant, name), sku.0);
                self.inventory.add_sku(tenant, on_sale, place);
            }
            Record::SkuChanged { sku, on_sale } => {
                if !self.inventory.set_on_sale(sku, on_sale) {
                    return Err(Contradiction::UnknownSku(sku));
                }
            }
            Record::SkuQueueSet { sku, queue } => {
                if !self.inventory.set_queue(sku, queue) {
                    return Err(Contradiction::UnknownSku(sku));
                }
            }
            Record::LocationDefined {
                location,
                tenant,
                x,
                y,
                priority,
                name,
            } => {
                self.check_tenant(tenant)?;
                let known = self.inventory.locations().len();
                let free = self.find_location(tenant, name).is_none();
                let next = known == usize::from(location.0) && free;
                defined(next, known < self.options.locations_max, location.0)?;
                let name = self.add_name((Table::Second, tenant, name), location.0.into());
                self.inventory.add_location(Location {
                    name,
                    x,
                    y,
                    priority,
                    tenant,
                });
            }
            _ => unreachable!("every other kind is applied elsewhere"),
        }
        Ok(())
    }
}

fn defined(next: bool, room: bool, number: impl Into<u32>) -> Applied {
    if !next {
        return Err(Contradiction::Definition(number.into()));
    }
    if room {
        Ok(())
    } else {
        Err(Contradiction::TableFull)
    }
}
