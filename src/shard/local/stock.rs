//! Stock, names and counters, by names instead of handles.

use super::super::Shard;
use super::request::{HoldChange, LocalAnswer};
use crate::engine::EngineStatistics;
use crate::engine::command::{CellQuantities, Command, Context};
use crate::journal::storage::Storage;
use crate::limits::{NAME_BYTES_MAX, STOCK_CELLS_SHOWN_MAX};
use crate::types::pipeline::BackorderQueue;
use crate::types::{ActorId, CommandKey, LocationId, OrderKey, ResultCode, SkuId, StockBucket};

/// A movement of stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRequest {
    /// The command's own key.
    pub key: CommandKey,
    /// Name of the SKU.
    pub sku: String,
    /// Name of the location: where from, for a transfer.
    pub location: String,
    /// What moves.
    pub change: StockMove,
}

/// What moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StockMove {
    /// Units arrived.
    Receive(u32),
    /// On hand is corrected by a difference.
    Adjust {
        /// The difference.
        delta: i64,
        /// Why.
        reason: String,
    },
    /// On hand is set.
    Set {
        /// To this.
        on_hand: u32,
        /// Only if it is this now.
        expect: Option<u32>,
    },
    /// Available units go to another location.
    Transfer {
        /// Name of the other location.
        to: String,
        /// Units.
        quantity: u32,
    },
    /// Units change bucket.
    Move {
        /// Out of this one.
        from: StockBucket,
        /// Into this one.
        to: StockBucket,
        /// Units.
        quantity: u32,
    },
}

/// A name and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// A SKU: defined if new, put on or off sale.
    Sku {
        /// Its name.
        name: String,
        /// Whether orders may take it.
        on_sale: bool,
        /// Who gets its units first, among orders that wait for it; none: as before.
        queue: Option<BackorderQueue>,
    },
    /// A location: defined if new; an existing one keeps its place.
    Location(LocalLocation),
}

/// Which SKUs are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockPage {
    /// Only the one of this name.
    pub sku: Option<String>,
    /// The first handle of a page.
    pub from: u32,
    /// SKUs of a page, at most.
    pub limit: u16,
}

/// SKUs with their stock at one moment.
#[derive(Clone, Debug, Default)]
pub struct LocalStock {
    /// In order of their handles.
    pub skus: Vec<LocalSku>,
    /// The handle where the next page begins; 0: this is the last one.
    pub next: u32,
    /// Sequence of the last record that these figures contain.
    pub sequence: u64,
}

/// One SKU.
#[derive(Clone, Debug)]
pub struct LocalSku {
    /// Its name.
    pub sku: String,
    /// Whether orders may take it.
    pub on_sale: bool,
    /// Who gets its units first, among orders that wait for it.
    pub queue: BackorderQueue,
    /// Its stock, by location.
    pub cells: Vec<(String, CellQuantities)>,
}

/// One location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalLocation {
    /// Its name.
    pub location: String,
    /// Position, in units of the merchant's choice.
    pub x: i32,
    /// Position, in units of the merchant's choice.
    pub y: i32,
    /// Lower comes first among equals.
    pub priority: u16,
}

/// A shard's counters and marks.
#[derive(Clone, Debug)]
pub struct LocalStatus {
    /// Of its engine.
    pub engine: EngineStatistics,
    /// Engine time, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// Sequence of the last record of the present state.
    pub sequence: u64,
}

impl<S: Storage> Shard<S> {
    pub(super) fn hold_local(
        &mut self,
        context: Context,
        (key, order): (CommandKey, OrderKey),
        change: &HoldChange,
    ) -> LocalAnswer {
        let lines = match change {
            HoldChange::Confirm(lines) => match self.lines_of(context, lines) {
                Ok(lines) => lines,
                Err(code) => return LocalAnswer::Refused(code),
            },
            _ => Vec::new(),
        };
        let lines = &lines;
        let command = match change {
            HoldChange::Confirm(_) => Command::Confirm { key, order, lines },
            HoldChange::Release => Command::Release { key, order },
            HoldChange::Extend(ttl_ms) => Command::Extend {
                key,
                order,
                ttl_ms: *ttl_ms,
            },
        };
        self.command_local(context, &command)
    }

    pub(super) fn stock_local(&mut self, context: Context, request: &StockRequest) -> LocalAnswer {
        let StockRequest { key, sku, .. } = request;
        let key = *key;
        let found = self
            .resolve(context, &Command::ResolveSku { name: sku })
            .and_then(|sku| Ok((SkuId(sku), self.location_named(context, &request.location)?)));
        let (sku, location) = match found {
            Ok(found) => found,
            Err(code) => return LocalAnswer::Refused(code),
        };
        let command = match &request.change {
            StockMove::Receive(quantity) => Command::Receive {
                key,
                sku,
                location,
                quantity: *quantity,
            },
            StockMove::Adjust { delta, reason } => Command::Adjust {
                key,
                sku,
                location,
                delta: *delta,
                reason,
            },
            StockMove::Set { on_hand, expect } => Command::Set {
                key,
                sku,
                location,
                on_hand: *on_hand,
                expect: *expect,
            },
            StockMove::Transfer { to, quantity } => {
                let to = match self.location_named(context, to) {
                    Ok(to) => to,
                    Err(code) => return LocalAnswer::Refused(code),
                };
                Command::Transfer {
                    key,
                    sku,
                    from: location,
                    to,
                    quantity: *quantity,
                }
            }
            StockMove::Move { from, to, quantity } => Command::Move {
                key,
                sku,
                location,
                from: *from,
                to: *to,
                quantity: *quantity,
            },
        };
        self.command_local(context, &command)
    }

    pub(super) fn define_local(&mut self, context: Context, wanted: &Definition) -> LocalAnswer {
        let command = match wanted {
            Definition::Sku {
                name,
                on_sale,
                queue,
            } => Command::DefineSku {
                name,
                on_sale: *on_sale,
                queue: *queue,
            },
            Definition::Location(one) => Command::DefineLocation {
                name: &one.location,
                x: one.x,
                y: one.y,
                priority: one.priority,
            },
        };
        self.command_local(context, &command)
    }

    pub(super) fn command_local(&mut self, context: Context, command: &Command<'_>) -> LocalAnswer {
        self.tally.commands += 1;
        let records = &mut self.records;
        LocalAnswer::Command(self.engine.execute(context, command, records))
    }

    /// The handle of a location's name.
    pub(super) fn location_named(
        &mut self,
        context: Context,
        name: &str,
    ) -> Result<LocationId, ResultCode> {
        let handle = self.resolve(context, &Command::ResolveLocation { name })?;
        let handle = u16::try_from(handle).map_err(|_| ResultCode::UnknownLocation)?;
        Ok(LocationId(handle))
    }

    pub(super) fn show_stock(&self, context: Context, page: &StockPage) -> LocalStock {
        let mut shown = LocalStock {
            sequence: self.records.next_sequence() - 1,
            ..LocalStock::default()
        };
        let (from, limit) = match &page.sku {
            None => (SkuId(page.from), usize::from(page.limit)),
            Some(name) if name.len() > NAME_BYTES_MAX => return shown,
            Some(name) => match self.engine.find_sku(context.tenant, name) {
                Some(sku) => (sku, 1),
                None => return shown,
            },
        };
        let mut cells_left = STOCK_CELLS_SHOWN_MAX;
        for (sku, name, on_sale) in self.engine.skus(context.tenant, from) {
            if shown.skus.len() == limit || cells_left == 0 {
                shown.next = if page.sku.is_none() { sku.0 } else { 0 };
                break;
            }
            let cells = self.engine.stock(context.tenant, sku);
            let cells = cells.into_iter().flatten().map(|cell| {
                let location = self.engine.location_name(cell.location);
                (location.unwrap_or_default().to_owned(), cell.quantities)
            });
            let cells: Vec<_> = cells.collect();
            cells_left = cells_left.saturating_sub(cells.len());
            shown.skus.push(LocalSku {
                sku: name.to_owned(),
                on_sale,
                queue: self.engine.backorder_queue(sku),
                cells,
            });
        }
        shown
    }

    pub(super) fn show_locations(&self, context: Context, from: u16, limit: u16) -> LocalAnswer {
        let mut shown = Vec::new();
        let locations = self.engine.locations(context.tenant);
        for view in locations.filter(|view| view.location.0 >= from) {
            if shown.len() == usize::from(limit) {
                return LocalAnswer::Locations(shown, view.location.0);
            }
            shown.push(LocalLocation {
                location: view.name.to_owned(),
                x: view.x,
                y: view.y,
                priority: view.priority,
            });
        }
        LocalAnswer::Locations(shown, 0)
    }

    pub(super) fn own_names(
        &self,
        context: Context,
        (skus, locations, actors): (&[SkuId], &[LocationId], &[ActorId]),
        orders: &[OrderKey],
    ) -> LocalAnswer {
        let engine = &self.engine;
        let sku = |sku: &SkuId| {
            let is_own = engine.stock(context.tenant, *sku).is_some();
            let name = engine.sku_name(*sku).filter(|_| is_own);
            name.unwrap_or_default().to_owned()
        };
        let location = |location: &LocationId| {
            let name = engine.location_name(*location).unwrap_or_default();
            let found = engine.find_location(context.tenant, name);
            if found == Some(*location) {
                name.to_owned()
            } else {
                String::new()
            }
        };
        let actor = |actor: &ActorId| engine.actor_name(*actor).unwrap_or_default().to_owned();
        let channel = |order: &OrderKey| engine.channel_of(context.tenant, *order);
        LocalAnswer::OwnNames {
            tenant: context.tenant,
            skus: skus.iter().map(sku).collect(),
            locations: locations.iter().map(location).collect(),
            actors: actors.iter().map(actor).collect(),
            channels: orders.iter().map(channel).collect(),
        }
    }

    pub(super) fn show_status(&self) -> LocalStatus {
        LocalStatus {
            engine: self.engine.statistics(),
            now_ms: self.engine.now_ms(),
            sequence: self.records.next_sequence() - 1,
        }
    }
}
