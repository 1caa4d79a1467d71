//! What a simulated client may ask and what it may be told: owned values, so that a request can be
//! kept, sent again, changed a little, and shown in a trace.

use onhand::engine::command::OrderView;
use onhand::engine::command::{CellView, CommandOutcome, LineNote, OrderLineView, OrderOutcome};
use onhand::engine::record::ShortLine;
use onhand::types::{Disposition, ResultCode, StockBucket};

/// SKU, location (`u16::MAX` for any) and quantity of one line.
pub type Line = (u32, u16, u32);

/// One order as a client means it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSpec {
    pub key: u128,
    pub version: u16,
    pub customer: u64,
    pub channel: u16,
    pub ttl_ms: u32,
    pub place: bool,
    pub partial: bool,
    pub currency: u16,
    pub total: u64,
    pub destination: Option<(i32, i32)>,
    pub lines: Vec<Line>,
}

/// One command other than an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandSpec {
    DefineSku {
        name: String,
        on_sale: bool,
    },
    ResolveSku {
        name: String,
    },
    DefineLocation {
        name: String,
        x: i32,
        y: i32,
        priority: u16,
    },
    ResolveLocation {
        name: String,
    },
    Receive {
        key: u128,
        sku: u32,
        location: u16,
        quantity: u32,
    },
    Adjust {
        key: u128,
        sku: u32,
        location: u16,
        delta: i64,
        reason: String,
    },
    Set {
        key: u128,
        sku: u32,
        location: u16,
        on_hand: u32,
        expect: Option<u32>,
    },
    Transfer {
        key: u128,
        sku: u32,
        from: u16,
        to: u16,
        quantity: u32,
    },
    Move {
        key: u128,
        sku: u32,
        location: u16,
        from: StockBucket,
        to: StockBucket,
        quantity: u32,
    },
    Confirm {
        key: u128,
        order: u128,
        lines: Vec<Line>,
    },
    Release {
        key: u128,
        order: u128,
    },
    Extend {
        key: u128,
        order: u128,
        ttl_ms: u32,
    },
    Cancel {
        key: u128,
        order: u128,
    },
    Ship {
        key: u128,
        order: u128,
        lines: Vec<Line>,
    },
    Return {
        key: u128,
        order: u128,
        disposition: Disposition,
        lines: Vec<Line>,
    },
}

/// Anything a client may send after hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Reserve(OrderSpec),
    Command(CommandSpec),
    QueryStock { sku: u32 },
    QueryOrder { order: u128 },
}

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Order {
        outcome: OrderOutcome,
        notes: Vec<LineNote>,
    },
    Command(CommandOutcome),
    Stock {
        code: ResultCode,
        cells: Vec<CellView>,
    },
    OrderView {
        view: Option<OrderView>,
        lines: Vec<OrderLineView>,
        shorts: Vec<ShortLine>,
    },
}
