//! Names of tenants, actors, SKUs and locations, as the journal defines them.

use crate::engine::record::{CellRef, PipelinesDefined, ProcessRecord, Record};
use crate::types::effect::ProviderId;
use crate::types::pipeline::{BackorderQueue, BackorderRule, PipelineSet};
use crate::types::{ActorId, CommandKey, LocationId, OrderKey, SkuId, TenantId};
use std::collections::BTreeMap;

use super::fold::At;
use super::report::Offence;

/// A SKU as defined.
#[derive(Clone, Debug)]
pub struct Sku {
    /// Its name, unique within the tenant.
    pub name: Box<str>,
    /// Whose it is.
    pub tenant: TenantId,
    /// Whether orders may have it now.
    pub on_sale: bool,
    /// Who gets units of it that orders wait for.
    pub queue: BackorderQueue,
}

/// A location as defined.
#[derive(Clone, Debug)]
pub struct Location {
    /// Its name, unique within the tenant.
    pub name: Box<str>,
    /// Whose it is.
    pub tenant: TenantId,
    /// Coordinates, in the merchant's unit.
    pub place: (i32, i32),
    /// Lower is preferred.
    pub priority: u16,
}

/// Everything that has a name in one shard.
#[derive(Clone, Debug, Default)]
pub struct Names {
    tenants: BTreeMap<TenantId, Box<str>>,
    actors: BTreeMap<ActorId, Box<str>>,
    skus: BTreeMap<SkuId, Sku>,
    locations: BTreeMap<LocationId, Location>,
    /// In the order of their number.
    providers: Vec<Box<str>>,
    /// Steps by set and pipeline, in their order.
    steps: BTreeMap<(u32, u8), Vec<Box<str>>>,
    /// Of the set defined last.
    backorder: BackorderRule,
    /// Likewise.
    facts_preempt_holds: bool,
}

impl Names {
    /// Takes a definition in; returns what is wrong with it, if anything. Records of other kinds
    /// are ignored.
    pub fn apply(&mut self, record: &Record<'_>) -> Option<String> {
        match *record {
            Record::TenantDefined { tenant, name } => {
                let known = self.tenants.insert(tenant, name.into());
                known.map(|old| format!("tenant {} is defined twice: {old}, {name}", tenant.0))
            }
            Record::ActorDefined { actor, name } => {
                let known = self.actors.insert(actor, name.into());
                known.map(|old| format!("actor {} is defined twice: {old}, {name}", actor.0))
            }
            Record::SkuDefined {
                sku,
                tenant,
                on_sale,
                name,
            } => {
                let defined = Sku {
                    name: name.into(),
                    tenant,
                    on_sale,
                    queue: BackorderQueue::Default,
                };
                let known = self.skus.insert(sku, defined);
                known.map(|old| format!("SKU {} is defined twice: {}, {name}", sku.0, old.name))
            }
            Record::SkuChanged { sku, on_sale } => match self.skus.get_mut(&sku) {
                Some(known) => {
                    known.on_sale = on_sale;
                    None
                }
                None => Some(format!("SKU {} changes before it is defined", sku.0)),
            },
            Record::SkuQueueSet { sku, queue } => match self.skus.get_mut(&sku) {
                Some(known) => {
                    known.queue = queue;
                    None
                }
                None => Some(format!("SKU {} has a queue before it is defined", sku.0)),
            },
            Record::LocationDefined {
                location,
                tenant,
                x,
                y,
                priority,
                name,
            } => {
                let defined = Location {
                    name: name.into(),
                    tenant,
                    place: (x, y),
                    priority,
                };
                let known = self.locations.insert(location, defined);
                known.map(|old| {
                    let number = location.0;
                    format!("location {number} is defined twice: {}, {name}", old.name)
                })
            }
            Record::Process(ProcessRecord::Pipelines(defined)) => self.pipelines(&defined),
            _ => None,
        }
    }

    /// Providers and steps of a set of pipelines.
    fn pipelines(&mut self, defined: &PipelinesDefined<'_>) -> Option<String> {
        let number = defined.set;
        let Some(set) = PipelineSet::from_archive(defined.archive_version, defined.archive.0)
        else {
            return Some(format!(
                "the archive of pipeline set {number} cannot be read"
            ));
        };
        for name in &set.providers {
            if !self.providers.iter().any(|known| **known == **name) {
                self.providers.push(name.as_str().into());
            }
        }
        self.backorder = set.settings.backorder;
        self.facts_preempt_holds = set.facts_preempt_holds;
        let known = self.steps.keys().any(|(set, _)| *set == number);
        for (place, pipeline) in (0..).zip(&set.pipelines) {
            let steps = pipeline.steps.iter().map(|step| step.name.as_str().into());
            self.steps.insert((number, place), steps.collect());
        }
        known.then(|| format!("pipeline set {number} is defined twice"))
    }

    /// Name of a provider, or its number where none is defined; `–` for none.
    #[must_use]
    pub fn provider(&self, id: ProviderId) -> String {
        if id == ProviderId::NONE {
            return "–".to_owned();
        }
        let name = self.providers.get(usize::from(id.0));
        named(name.map(AsRef::as_ref), id.0)
    }

    /// Number of the set of pipelines that came into force last.
    #[must_use]
    pub fn latest_set(&self) -> Option<u32> {
        self.steps.keys().next_back().map(|(set, _)| *set)
    }

    /// Name of a step of a pipeline.
    #[must_use]
    pub fn step(&self, set: u32, pipeline: u8, step: u8) -> Option<&str> {
        let steps = self.steps.get(&(set, pipeline))?;
        steps.get(usize::from(step)).map(AsRef::as_ref)
    }

    /// Name of a tenant, or its number where none is defined.
    #[must_use]
    pub fn tenant(&self, id: TenantId) -> String {
        named(self.tenants.get(&id).map(AsRef::as_ref), id.0)
    }

    /// The tenant of this name.
    #[must_use]
    pub fn tenant_by_name(&self, name: &str) -> Option<TenantId> {
        let found = self.tenants.iter().find(|(_, known)| &***known == name)?;
        Some(*found.0)
    }

    /// All tenants in order of their number.
    pub fn tenants(&self) -> impl Iterator<Item = (TenantId, &str)> {
        self.tenants.iter().map(|(id, name)| (*id, &**name))
    }

    /// Name of an actor; `engine` for timers and start-up.
    #[must_use]
    pub fn actor(&self, id: ActorId) -> String {
        match self.actors.get(&id) {
            None if id == ActorId::SYSTEM => "engine".to_owned(),
            known => named(known.map(AsRef::as_ref), id.0),
        }
    }

    /// A SKU.
    #[must_use]
    pub fn sku(&self, id: SkuId) -> Option<&Sku> {
        self.skus.get(&id)
    }

    /// All SKUs in order of their handle.
    pub fn skus(&self) -> impl Iterator<Item = (SkuId, &Sku)> {
        self.skus.iter().map(|(id, sku)| (*id, sku))
    }

    /// Name of a SKU, or its number where none is defined.
    #[must_use]
    pub fn sku_name(&self, id: SkuId) -> String {
        named(self.skus.get(&id).map(|sku| &*sku.name), id.0)
    }

    /// Units of the SKU that an order waits for are for nobody behind it.
    #[must_use]
    pub fn is_strict(&self, id: SkuId) -> bool {
        let queue = self.skus.get(&id).map(|sku| sku.queue);
        match queue.unwrap_or(BackorderQueue::Default) {
            BackorderQueue::Default => self.backorder == BackorderRule::Strict,
            BackorderQueue::Strict => true,
            BackorderQueue::Skip => false,
        }
    }

    /// Orders that a channel had sold may end unpaid holds.
    #[must_use]
    pub fn facts_preempt_holds(&self) -> bool {
        self.facts_preempt_holds
    }

    /// A location.
    #[must_use]
    pub fn location(&self, id: LocationId) -> Option<&Location> {
        self.locations.get(&id)
    }

    /// All locations in order of their handle.
    pub fn locations(&self) -> impl Iterator<Item = (LocationId, &Location)> {
        self.locations.iter().map(|(id, location)| (*id, location))
    }

    /// Name of a location, `any`, or its number where none is defined.
    #[must_use]
    pub fn location_name(&self, id: LocationId) -> String {
        if id == LocationId::ANY {
            return "any".to_owned();
        }
        named(self.locations.get(&id).map(|found| &*found.name), id.0)
    }

    /// An offence at a record, about nothing in particular yet.
    #[must_use]
    pub fn offence(&self, at: &At, what: String) -> Offence {
        Offence {
            shard: at.shard,
            sequence: Some(at.sequence).filter(|sequence| *sequence > 0),
            what,
            ..Offence::default()
        }
    }

    /// An offence about an order.
    #[must_use]
    pub fn order_offence(
        &self,
        at: &At,
        tenant: TenantId,
        order: OrderKey,
        what: String,
    ) -> Offence {
        Offence {
            tenant: Some(self.tenant(tenant)),
            order: Some(order.to_string()),
            ..self.offence(at, what)
        }
    }

    /// An offence about a command.
    #[must_use]
    pub fn command_offence(
        &self,
        at: &At,
        tenant: TenantId,
        key: CommandKey,
        what: String,
    ) -> Offence {
        Offence {
            tenant: Some(self.tenant(tenant)),
            command: Some(key.to_string()),
            ..self.offence(at, what)
        }
    }

    /// An offence about a stock cell.
    #[must_use]
    pub fn cell_offence(&self, at: &At, cell: CellRef, what: String) -> Offence {
        let tenant = self.skus.get(&cell.sku).map(|sku| self.tenant(sku.tenant));
        Offence {
            tenant,
            sku: Some(self.sku_name(cell.sku)),
            location: Some(self.location_name(cell.location)),
            ..self.offence(at, what)
        }
    }

    /// An offence about an order's units in a cell.
    #[must_use]
    pub fn line_offence(
        &self,
        at: &At,
        (tenant, order): (TenantId, OrderKey),
        cell: CellRef,
        what: String,
    ) -> Offence {
        Offence {
            tenant: Some(self.tenant(tenant)),
            order: Some(order.to_string()),
            ..self.cell_offence(at, cell, what)
        }
    }
}

fn named(name: Option<&str>, number: impl std::fmt::Display) -> String {
    name.map_or_else(|| format!("#{number}"), ToOwned::to_owned)
}
