//! Numbers for names: tenants, actors, SKUs, locations.

use super::command::{Command, CommandOutcome, Context};
use super::idempotency::index::Table;
use super::names::check_name;
use super::record::Record;
use super::{Engine, command::CellQuantities, inventory};
use crate::limits;
use crate::types::pipeline::BackorderQueue;
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, LocationId, Resolution, ResultCode, SkuId, TenantId};

/// An answer that says nothing but its code.
pub(super) fn answer(code: ResultCode) -> CommandOutcome {
    CommandOutcome {
        code,
        replayed: false,
        sequence: 0,
        handle: 0,
        state: None,
        resolution: Resolution::Open,
        expires_at_ms: 0,
        cell: CellQuantities::default(),
    }
}

impl Engine {
    /// The number of tenant `name`, defining it if new.
    ///
    /// # Errors
    /// `INVALID_NAME`, `TENANT_TABLE_FULL`.
    pub fn define_tenant(
        &mut self,
        name: &str,
        actor: ActorId,
        out: &mut RecordBuffer,
    ) -> Result<TenantId, ResultCode> {
        check_name(name)?;
        if let Some(tenant) = self.find_tenant(name) {
            return Ok(tenant);
        }
        if self.tenants.len() >= limits::TENANTS_MAX {
            return Err(ResultCode::TenantTableFull);
        }
        let number = u16::try_from(self.tenants.len());
        let tenant = TenantId(number.map_err(|_| ResultCode::TenantTableFull)?);
        self.commit(&Record::TenantDefined { tenant, name }, actor, out);
        Ok(tenant)
    }

    /// The number of actor `name` (a token's name), defining it if new. Number 0 is the engine
    /// itself, under a name that no client can have.
    ///
    /// # Errors
    /// `INVALID_NAME`, `ACTOR_TABLE_FULL`.
    pub fn define_actor(
        &mut self,
        name: &str,
        out: &mut RecordBuffer,
    ) -> Result<ActorId, ResultCode> {
        check_name(name)?;
        match self.find_actor(name) {
            Some(ActorId::SYSTEM) => return Err(ResultCode::InvalidName),
            Some(actor) => return Ok(actor),
            None => {}
        }
        if self.actors.len() >= limits::ACTORS_MAX {
            return Err(ResultCode::ActorTableFull);
        }
        let number = u16::try_from(self.actors.len());
        let actor = ActorId(number.map_err(|_| ResultCode::ActorTableFull)?);
        self.commit(&Record::ActorDefined { actor, name }, ActorId::SYSTEM, out);
        Ok(actor)
    }

    /// The number of a tenant's name.
    pub fn find_tenant(&self, name: &str) -> Option<TenantId> {
        let place_of = |number: u32| {
            let place = self.tenants.get(number as usize)?;
            Some((*place, TenantId(0)))
        };
        let name = (Table::Third, TenantId(0), name);
        let found = self.names.find(name, &self.mixer, place_of)?;
        u16::try_from(found).ok().map(TenantId)
    }

    pub(super) fn find_actor(&self, name: &str) -> Option<ActorId> {
        let place_of = |number: u32| {
            let place = self.actors.get(number as usize)?;
            Some((*place, TenantId(0)))
        };
        let name = (Table::Fourth, TenantId(0), name);
        let found = self.names.find(name, &self.mixer, place_of)?;
        u16::try_from(found).ok().map(ActorId)
    }

    /// The handle of a tenant's SKU.
    pub fn find_sku(&self, tenant: TenantId, name: &str) -> Option<SkuId> {
        let place_of = |number: u32| {
            let sku = self.inventory.sku(SkuId(number))?;
            Some((sku.name, sku.tenant))
        };
        let name = (Table::First, tenant, name);
        self.names.find(name, &self.mixer, place_of).map(SkuId)
    }

    /// The handle of a tenant's location.
    pub fn find_location(&self, tenant: TenantId, name: &str) -> Option<LocationId> {
        let place_of = |number: u32| {
            let location = self.inventory.locations().get(number as usize)?;
            Some((location.name, location.tenant))
        };
        let name = (Table::Second, tenant, name);
        let found = self.names.find(name, &self.mixer, place_of)?;
        u16::try_from(found).ok().map(LocationId)
    }

    pub(super) fn add_name(&mut self, name: (Table, TenantId, &str), number: u32) -> u64 {
        self.names.add(name, number, &self.mixer)
    }

    /// Defines or resolves a SKU or location.
    pub(super) fn execute_definition(
        &mut self,
        context: Context,
        command: &Command<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        let result = match *command {
            Command::DefineSku {
                name,
                on_sale,
                queue,
            } => self.define_sku(context, (name, on_sale, queue), out),
            Command::DefineLocation {
                name,
                x,
                y,
                priority,
            } => self.define_location(context, name, (x, y, priority), out),
            Command::ResolveSku { name } => check_name(name).and_then(|()| {
                let sku = self.find_sku(context.tenant, name);
                sku.map(|sku| (sku.0, 0)).ok_or(ResultCode::UnknownSku)
            }),
            Command::ResolveLocation { name } => check_name(name).and_then(|()| {
                let location = self.find_location(context.tenant, name);
                let handle = location.map(|location| (u32::from(location.0), 0));
                handle.ok_or(ResultCode::UnknownLocation)
            }),
            _ => unreachable!("the caller passes definitions"),
        };
        match result {
            Ok((handle, sequence)) => CommandOutcome {
                handle,
                sequence,
                replayed: sequence == 0
                    && matches!(
                        command,
                        Command::DefineSku { .. } | Command::DefineLocation { .. }
                    ),
                ..answer(ResultCode::Ok)
            },
            Err(code) => answer(code),
        }
    }

    /// Handle, and sequence of the last record that was made, 0 where there is none.
    fn define_sku(
        &mut self,
        context: Context,
        (name, on_sale, queue): (&str, bool, Option<BackorderQueue>),
        out: &mut RecordBuffer,
    ) -> Result<(u32, u64), ResultCode> {
        check_name(name)?;
        let (sku, named) = self.name_sku(context, name, on_sale, out)?;
        let before = self.inventory.sku(sku).map(inventory::Sku::queue);
        let queue = queue.filter(|queue| before != Some(*queue));
        let set = queue.map(|queue| {
            let record = Record::SkuQueueSet { sku, queue };
            self.commit(&record, context.actor, out)
        });
        Ok((sku.0, set.unwrap_or(named)))
    }

    /// The SKU of a name, defined if it is new, on or off sale as it is to be.
    fn name_sku(
        &mut self,
        context: Context,
        name: &str,
        on_sale: bool,
        out: &mut RecordBuffer,
    ) -> Result<(SkuId, u64), ResultCode> {
        let tenant = context.tenant;
        if let Some(sku) = self.find_sku(tenant, name) {
            let same = self
                .inventory
                .sku(sku)
                .is_some_and(|sku| sku.on_sale == on_sale);
            let changed = Record::SkuChanged { sku, on_sale };
            let sequence = if same {
                0
            } else {
                self.commit(&changed, context.actor, out)
            };
            return Ok((sku, sequence));
        }
        let number = self.inventory.skus_len();
        if number >= self.options.skus_max {
            return Err(ResultCode::SkuTableFull);
        }
        let sku = SkuId(u32::try_from(number).map_err(|_| ResultCode::SkuTableFull)?);
        let record = Record::SkuDefined {
            sku,
            tenant,
            on_sale,
            name,
        };
        Ok((sku, self.commit(&record, context.actor, out)))
    }

    fn define_location(
        &mut self,
        context: Context,
        name: &str,
        (x, y, priority): (i32, i32, u16),
        out: &mut RecordBuffer,
    ) -> Result<(u32, u64), ResultCode> {
        check_name(name)?;
        let tenant = context.tenant;
        if let Some(location) = self.find_location(tenant, name) {
            return Ok((location.0.into(), 0));
        }
        let number = self.inventory.locations().len();
        if number >= self.options.locations_max {
            return Err(ResultCode::LocationTableFull);
        }
        let number = u16::try_from(number).map_err(|_| ResultCode::LocationTableFull)?;
        let record = Record::LocationDefined {
            location: LocationId(number),
            tenant,
            x,
            y,
            priority,
            name,
        };
        Ok((number.into(), self.commit(&record, context.actor, out)))
    }
}
