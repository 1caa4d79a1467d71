//! Questions: ping, statistics, stock, orders, lists, subscriptions.

use super::Shard;
use super::commands::cell_values;
use super::sessions::SessionState;
use crate::engine::command::{OrderLineView, OrderView};
use crate::engine::record::ShortLine;
use crate::journal::SyncMode;
use crate::journal::storage::Storage;
use crate::limits::QUERY_ITEMS_MAX;
use crate::types::{LocationId, OrderKey, Resolution, ResultCode, SessionId, SkuId};
use crate::wire::frame;
use crate::wire::item::{Item, Items};
use crate::wire::opcode::Opcode;
use crate::wire::reply::catalog::LIST_END;
use crate::wire::reply::query::PLACED;
use crate::wire::reply::{
    Cell, ListWriter, LocationEntry, NameReply, OrderLine, OrderShortLine, OrderSummary,
    OrderWriter, SkuEntry, StatisticsWriter, StockWriter,
};
use crate::wire::request::{ListPage, Request, Statistics, StockQueryItem};

impl<S: Storage> Shard<S> {
    /// Answers a question from the present state, which may be ahead of the disk: the reply waits
    /// in the gate like any other.
    ///
    /// # Errors
    /// The code for an error frame; nothing was written then.
    pub(super) fn query(
        &mut self,
        session: SessionId,
        state: SessionState,
        request_id: u64,
        request: Request<'_>,
    ) -> Result<(), ResultCode> {
        match request {
            Request::Ping(ping) => {
                let out = self.gate.buffer();
                crate::wire::reply::put_single(out, Opcode::Ping.reply(), request_id, &ping);
            }
            Request::Statistics(what) => self.statistics(request_id, what),
            Request::QueryStock(items) => self.query_stock(state, request_id, items),
            Request::QueryOrder(items) => self.query_orders(state, request_id, items),
            Request::SubscribeStock(items) => self.subscribe(session, state, request_id, items),
            Request::ListSkus(page) => self.list_skus(state, request_id, page)?,
            Request::ListLocations(page) => self.list_locations(state, request_id, page)?,
            _ => return Err(ResultCode::UnknownOpcode),
        }
        Ok(())
    }

    /// Sequence of the last record that the present state contains.
    fn sequence(&self) -> u64 {
        self.records.next_sequence() - 1
    }

    fn statistics(&mut self, request_id: u64, what: Statistics) {
        let digest = what.digest.then(|| self.engine.digest());
        let engine = self.engine.statistics();
        let values = [
            ("orders", engine.orders),
            ("open_holds", engine.open_holds),
            ("accepted", engine.accepted),
            ("rejected", engine.rejected),
            ("expired", engine.expired),
            ("replayed", engine.replayed),
            ("conflicts", engine.conflicts),
            ("rejections_kept", engine.rejections_kept),
            ("rejections_forgotten", engine.rejections_forgotten),
            ("commands_kept", engine.commands_kept),
            ("commands_forgotten", engine.commands_forgotten),
            ("orders_forgotten", engine.orders_forgotten),
            ("backorders", engine.backorders),
            ("backordered_units", engine.backordered_units),
            ("tenants", engine.tenants),
            ("actors", engine.actors),
            ("skus", engine.skus),
            ("locations", engine.locations),
            ("cells", engine.cells),
            ("timers", engine.timers),
            ("memory_bytes", engine.memory_bytes),
            ("sequence", self.sequence()),
            ("acknowledged_below", self.journal.acknowledged()),
            ("synced_below", self.journal.synced()),
            ("sync_always", u64::from(self.sync == SyncMode::Always)),
            (
                "journal_bytes",
                self.journal_bytes + self.records.bytes().len() as u64,
            ),
            ("engine_time_ms", self.engine.now_ms()),
        ];
        let out = self.gate.buffer();
        let mut writer = StatisticsWriter::begin(out, digest);
        for (name, value) in values {
            writer.value(out, name, value);
        }
        writer.finish(out, request_id);
    }

    fn query_stock(
        &mut self,
        state: SessionState,
        request_id: u64,
        items: Items<'_, StockQueryItem>,
    ) {
        let sequence = self.sequence();
        let out = self.gate.buffer();
        let mut writer = StockWriter::begin(out, items.len());
        for StockQueryItem { sku, from } in items {
            let Some(cells) = self.engine.stock(state.context.tenant, sku) else {
                writer.entry(out, ResultCode::UnknownSku, sku, sequence);
                continue;
            };
            writer.entry(out, ResultCode::Ok, sku, sequence);
            for cell in cells.filter(|cell| cell.location >= from) {
                let values = cell_values(&cell.quantities);
                if !writer.cell(
                    out,
                    &Cell {
                        location: cell.location,
                        values,
                    },
                ) {
                    break;
                }
            }
        }
        writer.finish(out, request_id);
    }

    fn query_orders(&mut self, state: SessionState, request_id: u64, items: Items<'_, OrderKey>) {
        let out = self.gate.buffer();
        let mut writer = OrderWriter::begin(out, items.len());
        let (mut lines, mut shorts) = (Vec::new(), Vec::new());
        for key in items {
            lines.clear();
            shorts.clear();
            let view = self
                .engine
                .order(state.context.tenant, key, &mut lines, &mut shorts);
            let lines: Vec<OrderLine> = lines.iter().map(wire_line).collect();
            let shorts: Vec<OrderShortLine> = shorts.iter().map(wire_short).collect();
            writer.entry(out, &summary(key, view.as_ref()), &lines, &shorts);
        }
        writer.finish(out, request_id);
    }

    fn list_skus(
        &mut self,
        state: SessionState,
        request_id: u64,
        page: ListPage,
    ) -> Result<(), ResultCode> {
        let limit = page_limit(page)?;
        let out = self.gate.buffer();
        let mut writer = ListWriter::begin(out);
        let mut next = LIST_END;
        let skus = self.engine.skus(state.context.tenant, SkuId(page.from));
        for (taken, (sku, name, on_sale)) in skus.enumerate() {
            if taken == limit || !writer.entry(out, &SkuEntry { sku, on_sale, name }) {
                next = sku.0;
                break;
            }
        }
        writer.finish(out, Opcode::ListSkus, request_id, next);
        Ok(())
    }

    fn list_locations(
        &mut self,
        state: SessionState,
        request_id: u64,
        page: ListPage,
    ) -> Result<(), ResultCode> {
        let limit = page_limit(page)?;
        let from = u16::try_from(page.from).map_err(|_| ResultCode::InvalidField)?;
        let out = self.gate.buffer();
        let mut writer = ListWriter::begin(out);
        let mut next = LIST_END;
        let locations = self.engine.locations(state.context.tenant);
        let locations = locations.filter(|view| view.location >= LocationId(from));
        for (taken, view) in locations.enumerate() {
            let entry = LocationEntry {
                location: view.location,
                priority: view.priority,
                x: view.x,
                y: view.y,
                name: view.name,
            };
            if taken == limit || !writer.entry(out, &entry) {
                next = u32::from(view.location.0);
                break;
            }
        }
        writer.finish(out, Opcode::ListLocations, request_id, next);
        Ok(())
    }

    fn subscribe(
        &mut self,
        session: SessionId,
        state: SessionState,
        request_id: u64,
        items: Items<'_, SkuId>,
    ) {
        let sequence = self.sequence();
        let tenant = state.context.tenant;
        let all = items.len() == 0;
        let out = self.gate.buffer();
        let start = frame::begin(out);
        let known = |sku: SkuId| self.engine.stock(tenant, sku).is_some();
        let answer = |known: bool, handle: u32| NameReply {
            code: if known {
                ResultCode::Ok
            } else {
                ResultCode::UnknownSku
            },
            flags: 0,
            handle,
            sequence,
        };
        let mut count = 0;
        if all {
            answer(true, 0).put(out);
            count = 1;
        }
        for sku in items {
            answer(known(sku), sku.0).put(out);
            count += 1;
        }
        start.finish(out, Opcode::SubscribeStock.reply(), request_id, count);
        let skus: Vec<SkuId> = if all {
            self.engine
                .skus(tenant, SkuId(0))
                .map(|(sku, ..)| sku)
                .collect()
        } else {
            items.filter(|&sku| known(sku)).collect()
        };
        self.subscriptions
            .add(session, tenant, request_id, all, skus, &mut self.engine);
    }
}

fn page_limit(page: ListPage) -> Result<usize, ResultCode> {
    match usize::from(page.limit) {
        limit @ 1..=QUERY_ITEMS_MAX => Ok(limit),
        _ => Err(ResultCode::InvalidField),
    }
}

fn summary(key: OrderKey, view: Option<&OrderView>) -> OrderSummary {
    let unknown = OrderSummary {
        key,
        code: ResultCode::UnknownOrder,
        state: None,
        resolution: Resolution::Open,
        flags: 0,
        version: 0,
        channel: crate::types::ChannelId(0),
        customer: 0,
        sequence: 0,
        expires_at_ms: 0,
    };
    view.map_or(unknown, |view| OrderSummary {
        key,
        code: view.code,
        state: Some(view.state),
        resolution: view.resolution,
        flags: if view.placed { PLACED } else { 0 },
        version: view.version,
        channel: view.channel,
        customer: view.customer,
        sequence: view.sequence,
        expires_at_ms: view.expires_at_ms,
    })
}

fn wire_line(line: &OrderLineView) -> OrderLine {
    OrderLine {
        sku: line.sku,
        location: line.location,
        ordered: line.ordered,
        reserved: line.reserved,
        committed: line.committed,
        shipped: line.shipped,
        returned: line.returned,
        cancelled: line.cancelled,
    }
}

fn wire_short(short: &ShortLine) -> OrderShortLine {
    OrderShortLine {
        sku: short.sku,
        left: short.left,
        line: short.line,
    }
}
