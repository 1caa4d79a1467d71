//! What surrounds a run: definitions, stock, statistics, over one blocking connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use onhand::client::{ConnectOptions, Connection, command_key};
use onhand::limits::FRAME_ITEMS_MAX;
use onhand::types::{LocationId, ResultCode, SkuId};
use onhand::wire::reply::{CellValues, NameReply};
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{LocationDefinition, Receive, SkuDefinition};

/// Longest wait for one answer, in milliseconds: behind a load of large batches.
const ANSWER_TIMEOUT_MS: u64 = 60_000;

/// See the module.
pub struct Control {
    connection: Connection,
}

impl Control {
    /// Connects and says hello.
    pub fn connect(target: SocketAddr, tenant: &str, token: &str) -> Result<Self> {
        let mut options = ConnectOptions::new(&target.to_string(), token, tenant);
        "onhand-loadgen".clone_into(&mut options.client);
        options.timeout_ms = ANSWER_TIMEOUT_MS;
        let connection = Connection::connect(&options)
            .with_context(|| format!("no session at {target} (start a server: onhand serve)"))?;
        Ok(Self { connection })
    }

    /// Handle of a location, defined if need be.
    pub fn define_location(&mut self, name: &str) -> Result<LocationId> {
        let location = LocationDefinition {
            name,
            priority: 0,
            x: 0,
            y: 0,
        };
        let answers = self.connection.define_locations(&[location])?;
        let handle = handles(&answers)?
            .next()
            .context("no answer for the location")?;
        Ok(LocationId(u16::try_from(handle)?))
    }

    /// Handles of the SKUs with these names, defined and on sale.
    pub fn define_skus(&mut self, names: &[String]) -> Result<Vec<SkuId>> {
        let mut skus = Vec::with_capacity(names.len());
        for names in names.chunks(FRAME_ITEMS_MAX) {
            let items: Vec<_> = names
                .iter()
                .map(|name| SkuDefinition {
                    name,
                    flags: SKU_ON_SALE,
                })
                .collect();
            let answers = self.connection.define_skus(&items)?;
            skus.extend(handles(&answers)?.map(SkuId));
        }
        Ok(skus)
    }

    /// Puts units of SKUs on hand at `location`. Always under fresh keys: the same seed may be run
    /// again, and new stock is new stock.
    pub fn receive(&mut self, location: LocationId, units: &[(SkuId, u32)]) -> Result<()> {
        for units in units.chunks(FRAME_ITEMS_MAX) {
            let items = units
                .iter()
                .map(|&(sku, quantity)| {
                    Ok(Receive {
                        key: command_key()?,
                        sku,
                        quantity,
                        location,
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            let answers = self.connection.receive_stock(&items)?;
            if let Some(no) = answers.iter().find(|answer| answer.code != ResultCode::Ok) {
                bail!(
                    "the server books no stock in: {}: {}",
                    no.code,
                    no.code.meaning()
                );
            }
        }
        Ok(())
    }

    /// The quantities of each SKU at `location`, in the order asked for; zeros where there are
    /// none.
    pub fn stock(&mut self, skus: &[SkuId], location: LocationId) -> Result<Vec<CellValues>> {
        let answers = self.connection.query_stock(skus)?;
        ensure!(
            answers.len() == skus.len(),
            "the server left SKUs out of its answer"
        );
        Ok(answers
            .into_iter()
            .map(|answer| {
                answer
                    .cells
                    .into_iter()
                    .find(|cell| cell.location == location)
            })
            .map(|cell| cell.map(|cell| cell.values).unwrap_or_default())
            .collect())
    }

    /// The server's counters by name.
    pub fn statistics(&mut self) -> Result<BTreeMap<String, u64>> {
        Ok(self
            .connection
            .statistics(false)?
            .values
            .into_iter()
            .collect())
    }
}

fn handles(answers: &[NameReply]) -> Result<impl Iterator<Item = u32>> {
    if let Some(no) = answers.iter().find(|answer| answer.code != ResultCode::Ok) {
        bail!(
            "the server refuses a definition: {}: {}",
            no.code,
            no.code.meaning()
        );
    }
    Ok(answers.iter().map(|answer| answer.handle))
}
