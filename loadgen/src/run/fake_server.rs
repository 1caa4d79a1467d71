//! A server as small as can be, in a thread: it keeps stock and keys in maps, journals nothing, and
//! has one vice at most.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use onhand::types::{LocationId, OrderKey, Resolution, ResultCode, Role, SkuId, TenantId};
use onhand::wire::reply::query::StockWriter;
use onhand::wire::reply::{
    Cell, CellValues, ErrorReply, HelloReply, NameReply, OrderCommandReply, REPLAYED,
    ReserveReplyItem, StatisticsWriter, StockReply,
};
use onhand::wire::request::{OrderCommandItem, Request, ReserveItem};
use onhand::wire::{Frame, Item, Items, frame, opcode, reply, split_frame};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vice {
    /// Nothing.
    None,
    /// It sells what it does not have.
    Oversells,
    /// It acknowledges every hundredth order and forgets it.
    Forgets,
    /// It has no room for every third frame of orders.
    Overloads,
    /// It hangs up after the tenth frame of orders.
    HangsUp,
}

#[derive(Debug)]
struct Order {
    total: u64,
    code: ResultCode,
    units: Vec<(SkuId, u32)>,
}

#[derive(Debug, Default)]
struct State {
    cells: Vec<CellValues>,
    orders: HashMap<OrderKey, Order>,
    frames: u64,
    journal_bytes: u64,
}

/// Starts it; it ends with the test.
pub fn start(vice: Vice) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(Mutex::new(State::default()));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let state = state.clone();
            std::thread::spawn(move || serve(stream.unwrap(), &state, vice));
        }
    });
    address
}

fn serve(mut stream: TcpStream, state: &Mutex<State>, vice: Vice) {
    stream.set_nodelay(true).unwrap();
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        let (mut used, mut out) = (0, Vec::new());
        while let Some((request, length)) = split_frame(&bytes[used..]).unwrap() {
            used += length;
            let mut state = state.lock().unwrap();
            if vice == Vice::HangsUp && state.frames >= 10 {
                return;
            }
            state.answer(&request, vice, &mut out);
        }
        bytes.drain(..used);
        if stream.write_all(&out).is_err() {
            return;
        }
    }
}

/// Appends a reply frame with one item for each.
fn put<'a, T: Item<'a>>(out: &mut Vec<u8>, to: &Frame<'_>, items: impl Iterator<Item = T>) {
    let start = frame::begin(out);
    let mut count = 0;
    for item in items {
        item.put(out);
        count += 1;
    }
    start.finish(
        out,
        to.header.opcode | opcode::REPLY_BIT,
        to.header.request_id,
        count,
    );
}

fn named(handle: usize) -> NameReply {
    NameReply {
        code: ResultCode::Ok,
        flags: 0,
        handle: u32::try_from(handle).unwrap(),
        sequence: 1,
    }
}

impl State {
    fn answer(&mut self, request: &Frame<'_>, vice: Vice, out: &mut Vec<u8>) {
        let id = request.header.request_id;
        match Request::decode(request).unwrap() {
            Request::Hello(_) => {
                let hello = HelloReply::new(1, TenantId(0), 0, Role::Admin);
                reply::put_single(out, request.header.opcode | opcode::REPLY_BIT, id, &hello);
            }
            Request::DefineLocation(_) => put(out, request, [named(0)].into_iter()),
            Request::DefineSku(names) => {
                let first = self.cells.len();
                self.cells
                    .resize(first + names.len(), CellValues::default());
                put(out, request, (first..).take(names.len()).map(named));
            }
            Request::Receive(items) => {
                let answers = items.map(|item| {
                    let cell = &mut self.cells[item.sku.0 as usize];
                    cell.on_hand += item.quantity;
                    StockReply {
                        code: ResultCode::Ok,
                        flags: 0,
                        sequence: 1,
                        cell: available(cell),
                    }
                });
                put(out, request, answers);
            }
            Request::QueryStock(items) => {
                let mut writer = StockWriter::begin(out, items.len());
                for item in items {
                    let cell = self.cells[item.sku.0 as usize];
                    writer.entry(out, ResultCode::Ok, item.sku, 1);
                    let values = available(&cell);
                    writer.cell(
                        out,
                        &Cell {
                            location: LocationId(0),
                            values,
                        },
                    );
                }
                writer.finish(out, id);
            }
            Request::Statistics(_) => {
                let mut writer = StatisticsWriter::begin(out, None);
                writer.value(out, "journal_bytes", self.journal_bytes);
                writer.finish(out, id);
            }
            Request::Reserve(orders) => self.reserve(request, orders, vice, out),
            Request::Confirm(items) => self.resolve(request, items, true, out),
            Request::Release(items) => self.resolve(request, items, false, out),
            other => panic!("not expected here: {other:?}"),
        }
    }

    fn reserve(
        &mut self,
        request: &Frame<'_>,
        orders: Items<'_, ReserveItem<'_>>,
        vice: Vice,
        out: &mut Vec<u8>,
    ) {
        self.frames += 1;
        if vice == Vice::Overloads && self.frames.is_multiple_of(3) {
            ErrorReply {
                code: ResultCode::Overloaded,
                retry_after_ms: 2,
                text: "",
            }
            .put_frame(out, request.header.request_id);
            return;
        }
        let answers = orders.map(|order| self.take(&order, vice));
        let answers: Vec<_> = answers.collect();
        put(out, request, answers.into_iter());
    }

    fn take(&mut self, order: &ReserveItem<'_>, vice: Vice) -> ReserveReplyItem {
        let mut answer = ReserveReplyItem {
            code: ResultCode::Ok,
            state: None,
            flags: 0,
            version: 1,
            notes: 0,
            sequence: 1,
            expires_at_ms: 0,
        };
        if let Some(known) = self.orders.get(&order.key) {
            let same = known.total == order.total;
            answer.code = if same {
                known.code
            } else {
                ResultCode::IdempotencyConflict
            };
            answer.flags = if same { REPLAYED } else { 0 };
            return answer;
        }
        self.journal_bytes += 64;
        let mut demand: HashMap<SkuId, u32> = HashMap::new();
        for line in order.lines.iter() {
            *demand.entry(line.sku).or_default() += line.quantity;
        }
        let short = demand
            .iter()
            .any(|(sku, &units)| available(&self.cells[sku.0 as usize]).available < units);
        if short && vice != Vice::Oversells {
            answer.code = ResultCode::InsufficientStock;
            demand.clear();
        }
        if vice == Vice::Forgets && self.orders.len() % 100 == 99 {
            demand.clear();
        }
        for (sku, units) in &demand {
            self.cells[sku.0 as usize].reserved += units;
        }
        let order_taken = Order {
            total: order.total,
            code: answer.code,
            units: demand.into_iter().collect(),
        };
        self.orders.insert(order.key, order_taken);
        answer
    }

    fn resolve(
        &mut self,
        request: &Frame<'_>,
        items: Items<'_, OrderCommandItem>,
        confirm: bool,
        out: &mut Vec<u8>,
    ) {
        let answers = items.map(|item| {
            for (sku, units) in &self.orders[&item.order].units {
                let cell = &mut self.cells[sku.0 as usize];
                cell.reserved -= units;
                cell.committed += if confirm { *units } else { 0 };
            }
            OrderCommandReply {
                code: ResultCode::Ok,
                state: None,
                resolution: Resolution::Confirmed,
                flags: 0,
                sequence: 1,
                expires_at_ms: 0,
            }
        });
        put(out, request, answers);
    }
}

fn available(cell: &CellValues) -> CellValues {
    let promised = cell.reserved + cell.committed;
    CellValues {
        available: cell.on_hand.saturating_sub(promised),
        short: u64::from(promised.saturating_sub(cell.on_hand)),
        ..*cell
    }
}
