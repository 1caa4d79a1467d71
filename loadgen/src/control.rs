//! One blocking connection for what surrounds a run: definitions, stock, statistics.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use onhand::limits::{FRAME_BYTES_MAX, FRAME_ITEMS_MAX, QUERY_ITEMS_MAX};
use onhand::types::{CommandKey, LocationId, ResultCode, SkuId};
use onhand::wire::reply::{CellValues, Reply};
use onhand::wire::request::catalog::SKU_ON_SALE;
use onhand::wire::request::{
    self, Hello, LocationDefinition, Receive, SkuDefinition, Statistics, StockQueryItem,
};
use onhand::wire::{Item, Opcode, split_frame};

/// Longest wait for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// See the module.
#[derive(Debug)]
pub struct Control {
    stream: TcpStream,
    out: Vec<u8>,
    received: Vec<u8>,
    last_id: u64,
}

impl Control {
    /// Connects and says hello.
    pub fn connect(target: SocketAddr, tenant: &str, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(target)
            .with_context(|| format!("no server answers at {target} (start one: onhand serve)"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let mut control = Self {
            stream,
            out: Vec::new(),
            received: Vec::new(),
            last_id: 0,
        };
        let hello = Hello {
            token,
            tenant,
            client: "onhand-loadgen",
        };
        control.exchange(Opcode::Hello, &[hello], |reply| match reply {
            Reply::Hello(_) => Ok(()),
            other => bail!("the server answered hello with {other:?}"),
        })?;
        Ok(control)
    }

    /// Handle of a location, defined if need be.
    pub fn define_location(&mut self, name: &str) -> Result<LocationId> {
        let location = LocationDefinition {
            name,
            priority: 0,
            x: 0,
            y: 0,
        };
        let handles = self.names(Opcode::DefineLocation, &[location])?;
        let handle = handles
            .first()
            .copied()
            .context("no answer for the location")?;
        Ok(LocationId(u16::try_from(handle)?))
    }

    /// Handles of the SKUs with these names, defined and on sale.
    pub fn define_skus(&mut self, names: &[String]) -> Result<Vec<SkuId>> {
        let mut handles = Vec::with_capacity(names.len());
        for names in names.chunks(FRAME_ITEMS_MAX) {
            let items: Vec<_> = names
                .iter()
                .map(|name| SkuDefinition {
                    name,
                    flags: SKU_ON_SALE,
                })
                .collect();
            handles.extend(
                self.names(Opcode::DefineSku, &items)?
                    .into_iter()
                    .map(SkuId),
            );
        }
        Ok(handles)
    }

    /// Puts units on hand, each movement under its key.
    pub fn receive(&mut self, movements: &[(CommandKey, SkuId, LocationId, u32)]) -> Result<()> {
        for movements in movements.chunks(FRAME_ITEMS_MAX) {
            let items: Vec<_> = movements
                .iter()
                .map(|&(key, sku, location, quantity)| Receive {
                    key,
                    sku,
                    quantity,
                    location,
                })
                .collect();
            self.exchange(Opcode::Receive, &items, |reply| {
                let Reply::Stock(answers) = reply else {
                    bail!("the server answered receive with {reply:?}");
                };
                match answers
                    .into_iter()
                    .find(|answer| answer.code != ResultCode::Ok)
                {
                    Some(refused) => bail!(
                        "the server refused to put stock on hand: {}: {}",
                        refused.code,
                        refused.code.meaning()
                    ),
                    None => Ok(()),
                }
            })?;
        }
        Ok(())
    }

    /// The quantities of each SKU at `location`, in the order asked for; zeros where there are
    /// none.
    pub fn stock(&mut self, skus: &[SkuId], location: LocationId) -> Result<Vec<CellValues>> {
        let mut found = Vec::with_capacity(skus.len());
        for skus in skus.chunks(QUERY_ITEMS_MAX) {
            let items: Vec<_> = skus
                .iter()
                .map(|&sku| StockQueryItem {
                    sku,
                    from: location,
                })
                .collect();
            self.exchange(Opcode::QueryStock, &items, |reply| {
                let Reply::QueryStock(entries) = reply else {
                    bail!("the server answered query_stock with {reply:?}");
                };
                for entry in entries {
                    ensure!(entry.code == ResultCode::Ok, "query_stock: {}", entry.code);
                    let mut cells = entry.cells;
                    let here = cells.find(|cell| cell.location == location);
                    found.push(here.map(|cell| cell.values).unwrap_or_default());
                }
                Ok(())
            })?;
        }
        ensure!(found.len() == skus.len(), "query_stock left out SKUs");
        Ok(found)
    }

    /// The server's counters by name.
    pub fn statistics(&mut self) -> Result<BTreeMap<String, u64>> {
        let ask = Statistics { digest: false };
        self.exchange(Opcode::Statistics, &[ask], |reply| match reply {
            Reply::Statistics(statistics) => Ok(statistics
                .values
                .map(|value| (value.name.to_owned(), value.value))
                .collect()),
            other => bail!("the server answered statistics with {other:?}"),
        })
    }

    fn names<'a, T: Item<'a>>(&mut self, opcode: Opcode, items: &[T]) -> Result<Vec<u32>> {
        self.exchange(opcode, items, |reply| {
            let Reply::Names(answers) = reply else {
                bail!("the server answered {} with {reply:?}", opcode.name());
            };
            answers
                .map(|answer| match answer.code {
                    ResultCode::Ok => Ok(answer.handle),
                    code => bail!("{}: {code}: {}", opcode.name(), code.meaning()),
                })
                .collect()
        })
    }

    /// Sends one frame and hands its answer to `read`.
    fn exchange<'a, T: Item<'a>, R>(
        &mut self,
        opcode: Opcode,
        items: &[T],
        read: impl FnOnce(Reply<'_>) -> Result<R>,
    ) -> Result<R> {
        self.last_id += 1;
        self.out.clear();
        request::encode(&mut self.out, opcode, self.last_id, items)?;
        self.stream.write_all(&self.out)?;
        self.received.clear();
        let mut buffer = vec![0; 65_536];
        loop {
            if let Some((frame, _)) = split_frame(&self.received)? {
                let reply = Reply::decode(&frame)?;
                if let Reply::Error(error) = reply {
                    bail!("{}: {}: {}", opcode.name(), error.code, error.text);
                }
                ensure!(
                    frame.header.request_id == self.last_id,
                    "an answer nobody asked for"
                );
                return read(reply);
            }
            ensure!(
                self.received.len() <= FRAME_BYTES_MAX,
                "an answer without end"
            );
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the server closed the connection during {}", opcode.name()),
                Ok(count) => {
                    self.received
                        .extend_from_slice(buffer.get(..count).unwrap_or_default());
                }
                Err(error) => return Err(error).with_context(|| opcode.name().to_owned()),
            }
        }
    }
}
