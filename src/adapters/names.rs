//! Names behind the handles of records: kept while tailing, asked of the shard where one is
//! missing.

use crate::engine::record::{Record, kind};
use crate::limits::NAMES_KEPT_MAX;
use crate::shard::local::{Local, LocalAnswer, LocalQuery, LocalQueue, LocalRequest};
use crate::types::record::RawRecord;
use crate::types::{LocationId, SkuId, TenantId};
use dashmap::DashMap;
use std::time::Duration;
use tokio::sync::oneshot;

/// Name of the actor that asks.
const ACTOR: &str = "adapter";

/// Wait before a full queue is tried again.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(2);

/// Longest wait for the shard's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a name cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The tenant's record is not known.
    #[error("tenant {tenant} of shard {shard} has no name here")]
    Tenant {
        /// The shard.
        shard: u16,
        /// Its number.
        tenant: u16,
    },
    /// The shard does not know one of the handles.
    #[error("shard {shard} does not know a SKU or location of the order")]
    Unknown {
        /// The shard.
        shard: u16,
    },
    /// The shard did not answer in time, or ended.
    #[error("shard {shard} did not give the names of the order's SKUs; it is tried again")]
    NoAnswer {
        /// The shard.
        shard: u16,
    },
}

/// Names by shard and handle. Handles never change their name, so nothing goes stale.
#[derive(Debug, Default)]
pub struct NameKeeper {
    tenants: DashMap<(u16, TenantId), String>,
    skus: DashMap<(u16, SkuId), String>,
    locations: DashMap<(u16, LocationId), String>,
}

impl NameKeeper {
    /// Keeps the name of a tenant, as the recovered engine knows it.
    pub fn put_tenant(&self, shard: u16, tenant: TenantId, name: &str) {
        self.tenants.insert((shard, tenant), name.to_owned());
    }

    /// Keeps what a definition says; other records are ignored.
    pub fn take(&self, shard: u16, record: &RawRecord<'_>) {
        let defines = matches!(
            record.kind,
            kind::TENANT_DEFINED | kind::SKU_DEFINED | kind::LOCATION_DEFINED
        );
        if !defines {
            return;
        }
        match Record::decode(record) {
            Some(Record::TenantDefined { tenant, name }) => self.put_tenant(shard, tenant, name),
            Some(Record::SkuDefined { sku, name, .. }) => self.put_sku(shard, sku, name),
            Some(Record::LocationDefined { location, name, .. }) => {
                self.locations.insert((shard, location), name.to_owned());
            }
            _ => {}
        }
    }

    /// Keeps the name of a SKU. At the bound the others are forgotten and asked for again when
    /// they are needed.
    fn put_sku(&self, shard: u16, sku: SkuId, name: &str) {
        if self.skus.len() >= NAMES_KEPT_MAX {
            self.skus.clear();
        }
        self.skus.insert((shard, sku), name.to_owned());
    }

    /// The name of a tenant.
    ///
    /// # Errors
    /// It is not known.
    pub fn tenant(&self, shard: u16, tenant: TenantId) -> Result<String, NameError> {
        let name = self.tenants.get(&(shard, tenant));
        name.map(|name| name.clone()).ok_or(NameError::Tenant {
            shard,
            tenant: tenant.0,
        })
    }

    /// The name of a tenant, asked of the shard where it is not kept: where no tail runs, as without
    /// an order process, nobody has shown the definitions of tenants since the start.
    ///
    /// # Errors
    /// The shard does not answer, or does not know it.
    pub async fn ask_tenant(
        &self,
        shard: u16,
        queue: &LocalQueue,
        tenant: TenantId,
    ) -> Result<String, NameError> {
        let unknown = match self.tenant(shard, tenant) {
            Ok(name) => return Ok(name),
            Err(unknown) => unknown,
        };
        let query = LocalQuery::TenantName(tenant);
        let Some(LocalAnswer::TenantName(name)) = question(queue, "", query).await else {
            return Err(NameError::NoAnswer { shard });
        };
        if name.is_empty() {
            return Err(unknown);
        }
        self.put_tenant(shard, tenant, &name);
        Ok(name)
    }

    /// The name of a SKU, if it is kept.
    #[must_use]
    pub fn sku(&self, shard: u16, sku: SkuId) -> Option<String> {
        self.skus.get(&(shard, sku)).map(|name| name.clone())
    }

    /// The name of a location, if it is kept.
    #[must_use]
    pub fn location(&self, shard: u16, location: LocationId) -> Option<String> {
        let name = self.locations.get(&(shard, location));
        name.map(|name| name.clone())
    }

    /// Asks the shard for the names among these that are not kept.
    ///
    /// # Errors
    /// The shard does not answer, or knows one of them not.
    pub async fn ask(
        &self,
        shard: u16,
        queue: &LocalQueue,
        tenant: &str,
        skus: impl Iterator<Item = SkuId>,
        locations: impl Iterator<Item = LocationId>,
    ) -> Result<(), NameError> {
        let skus: Vec<_> = skus.filter(|&id| self.sku(shard, id).is_none()).collect();
        let locations: Vec<_> = locations
            .filter(|&id| self.location(shard, id).is_none())
            .collect();
        if skus.is_empty() && locations.is_empty() {
            return Ok(());
        }
        let query = LocalQuery::Names {
            skus: skus.clone(),
            locations: locations.clone(),
        };
        let Some(LocalAnswer::Names {
            skus: sku_names,
            locations: location_names,
        }) = question(queue, tenant, query).await
        else {
            return Err(NameError::NoAnswer { shard });
        };
        if sku_names
            .iter()
            .chain(&location_names)
            .any(String::is_empty)
        {
            return Err(NameError::Unknown { shard });
        }
        for (sku, name) in skus.iter().zip(&sku_names) {
            self.put_sku(shard, *sku, name);
        }
        for (location, name) in locations.into_iter().zip(location_names) {
            self.locations.insert((shard, location), name);
        }
        Ok(())
    }
}

/// The shard's answer; none where it does not come in time.
async fn question(queue: &LocalQueue, tenant: &str, query: LocalQuery) -> Option<LocalAnswer> {
    let (sender, receiver) = oneshot::channel();
    let mut local = Local {
        tenant: tenant.to_owned(),
        actor: ACTOR.to_owned(),
        request: LocalRequest::Query(query),
        // Whoever waited may have given up.
        answer: Some(Box::new(move |answer| drop(sender.send(answer)))),
    };
    let asked = async {
        while let Err(back) = queue.push(local) {
            local = *back;
            tokio::time::sleep(QUEUE_FULL_WAIT).await;
        }
        receiver.await
    };
    tokio::time::timeout(ANSWER_TIMEOUT, asked).await.ok()?.ok()
}
