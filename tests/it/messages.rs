//! One worked exchange an opcode: the messages that `docs/PROTOCOL.md` shows in hex.

mod queries;

use onhand::types::{
    ChannelId, CommandKey, LocationId, OrderDetails, OrderKey, OrderState, Resolution, ResultCode,
    Role, SkuId, TenantId,
};
use onhand::wire::frame;
use onhand::wire::item::Item;
use onhand::wire::opcode::{self, Opcode};
use onhand::wire::reply::catalog::LIST_END;
use onhand::wire::reply::{self, *};
use onhand::wire::request::{self, *};
use onhand::wire::{details, order_key};

/// A frame and the words behind `hex` of the block that shows it.
pub struct Example {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Collects requests and replies in the order of the document.
#[derive(Default)]
struct Exchanges {
    examples: Vec<Example>,
    request_id: u64,
}

impl Exchanges {
    fn request<'a, T: Item<'a>>(&mut self, opcode: Opcode, items: &[T]) {
        self.request_id += 1;
        let mut bytes = Vec::new();
        request::encode(&mut bytes, opcode, self.request_id, items).unwrap();
        let name = format!("request {}", opcode.name());
        self.examples.push(Example { name, bytes });
    }

    fn push_reply(&mut self, name: &str, bytes: Vec<u8>) {
        let name = format!("reply {name}");
        self.examples.push(Example { name, bytes });
    }

    fn reply<'a, T: Item<'a>>(&mut self, opcode: Opcode, items: &[T]) {
        let bytes = reply_frame(opcode.reply(), self.request_id, items);
        self.push_reply(opcode.name(), bytes);
    }
}

pub fn reply_frame<'a, T: Item<'a>>(opcode: u8, request_id: u64, items: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let start = frame::begin(&mut bytes);
    for item in items {
        item.put(&mut bytes);
    }
    let count = u16::try_from(items.len()).unwrap();
    start.finish(&mut bytes, opcode, request_id, count);
    bytes
}

pub fn key() -> OrderKey {
    order_key(ChannelId(1), b"1001")
}

pub fn command(last: u8) -> CommandKey {
    CommandKey(0x1111_2222_3333_4444_5555_6666_7777_7700 | u128::from(last))
}

const SHIRT: SkuId = SkuId(0);
const MUG: SkuId = SkuId(1);
const BERLIN: LocationId = LocationId(0);
const LYON: LocationId = LocationId(1);

/// 2026-11-27 06:00:00 UTC.
const NOW_MS: u64 = 1_795_759_200_000;

pub fn cell() -> CellValues {
    CellValues {
        on_hand: 100,
        reserved: 2,
        committed: 5,
        safety: 10,
        damaged: 1,
        quality_control: 0,
        available: 82,
        short: 0,
    }
}

fn stock_reply(sequence: u64, on_hand: u32) -> StockReply {
    StockReply {
        code: ResultCode::Ok,
        flags: 0,
        sequence,
        cell: CellValues {
            on_hand,
            available: on_hand,
            ..CellValues::default()
        },
    }
}

fn command_reply(state: OrderState, resolution: Resolution) -> OrderCommandReply {
    OrderCommandReply {
        code: ResultCode::Ok,
        state: Some(state),
        resolution,
        flags: 0,
        sequence: 42,
        expires_at_ms: 0,
    }
}

pub fn details_message() -> Vec<u8> {
    let order = OrderDetails {
        external_id: "1001".into(),
        country: "DE".into(),
        unit_prices: vec![1_999, 500],
        ..OrderDetails::default()
    };
    details::encode(&order, 2).unwrap()
}

pub fn lines() -> [Line; 2] {
    [
        Line {
            sku: SHIRT,
            quantity: 2,
            location: LocationId::ANY,
        },
        Line {
            sku: MUG,
            quantity: 1,
            location: BERLIN,
        },
    ]
}

pub fn hold<'a>(lines: &'a [Line]) -> ReserveItem<'a> {
    ReserveItem {
        key: key(),
        customer: 7_001,
        total: 4_498,
        ttl_ms: 900_000,
        version: 1,
        channel: ChannelId(1),
        currency: 978,
        flags: 0,
        destination: None,
        lines: Lines::new(lines),
        details: &[],
    }
}

/// Every example, in the order of the document.
pub fn examples() -> Vec<Example> {
    let mut out = Exchanges::default();
    session(&mut out);
    catalog(&mut out);
    stock(&mut out);
    reserve(&mut out);
    order_commands(&mut out);
    queries::queries(&mut out);
    queries::lists_and_events(&mut out);
    let error = ErrorReply {
        code: ResultCode::Overloaded,
        retry_after_ms: 50,
        text: "the shard is busy",
    };
    let bytes = reply_frame(opcode::ERROR, 99, &[error]);
    out.push_reply("error", bytes);
    out.examples
}

fn session(out: &mut Exchanges) {
    let hello = Hello {
        token: "secret-token",
        tenant: "acme",
        client: "demo",
    };
    out.request(Opcode::Hello, &[hello]);
    let reply = HelloReply {
        server_time_ms: NOW_MS,
        epoch: 3,
        ..HelloReply::new(17, TenantId(0), 0, Role::Operator)
    };
    out.reply(Opcode::Hello, &[reply]);

    out.request(
        Opcode::Ping,
        &[Ping {
            echo: b"still there?",
        }],
    );
    out.reply(
        Opcode::Ping,
        &[Ping {
            echo: b"still there?",
        }],
    );

    out.request(Opcode::Statistics, &[Statistics { digest: true }]);
    let mut bytes = Vec::new();
    let digest = std::array::from_fn(|at| u8::try_from(at).unwrap() + 1);
    let mut writer = StatisticsWriter::begin(&mut bytes, Some(digest));
    writer.value(&mut bytes, "sequence", 41);
    writer.value(&mut bytes, "orders_held", 2);
    writer.finish(&mut bytes, out.request_id);
    out.push_reply("statistics", bytes);
}

fn catalog(out: &mut Exchanges) {
    let handle = |handle, sequence| NameReply {
        code: ResultCode::Ok,
        flags: 0,
        handle,
        sequence,
    };
    let known = |handle| NameReply {
        flags: reply::REPLAYED,
        ..handle_without_sequence(handle)
    };
    let sku = |name, flags| SkuDefinition { name, flags };
    out.request(Opcode::DefineSku, &[sku("shirt-m", 1), sku("mug", 4)]);
    out.reply(Opcode::DefineSku, &[handle(0, 30), handle(1, 31)]);

    out.request(
        Opcode::ResolveSku,
        &[Name { name: "shirt-m" }, Name { name: "cap" }],
    );
    let unknown = NameReply {
        code: ResultCode::UnknownSku,
        ..handle(0, 0)
    };
    out.reply(Opcode::ResolveSku, &[known(0), unknown]);

    let berlin = LocationDefinition {
        name: "berlin",
        priority: 1,
        x: 13_405,
        y: 52_520,
    };
    let lyon = LocationDefinition {
        name: "lyon",
        priority: 2,
        x: 4_835,
        y: 45_764,
    };
    out.request(Opcode::DefineLocation, &[berlin, lyon]);
    out.reply(Opcode::DefineLocation, &[handle(0, 32), handle(1, 33)]);

    out.request(Opcode::ResolveLocation, &[Name { name: "lyon" }]);
    out.reply(Opcode::ResolveLocation, &[known(1)]);
}

fn handle_without_sequence(handle: u32) -> NameReply {
    NameReply {
        code: ResultCode::Ok,
        flags: 0,
        handle,
        sequence: 0,
    }
}

fn stock(out: &mut Exchanges) {
    let receive = Receive {
        key: command(0x01),
        sku: SHIRT,
        quantity: 100,
        location: BERLIN,
    };
    out.request(Opcode::Receive, &[receive]);
    out.reply(Opcode::Receive, &[stock_reply(34, 100)]);

    let adjust = Adjust {
        key: command(0x02),
        delta: -3,
        sku: SHIRT,
        location: BERLIN,
        reason: "count",
    };
    out.request(Opcode::Adjust, &[adjust]);
    out.reply(Opcode::Adjust, &[stock_reply(35, 97)]);

    let set = SetOnHand {
        key: command(0x03),
        sku: SHIRT,
        on_hand: 100,
        expect: Some(98),
        location: BERLIN,
    };
    out.request(Opcode::Set, &[set]);
    let stale = StockReply {
        code: ResultCode::Stale,
        ..stock_reply(36, 97)
    };
    out.reply(Opcode::Set, &[stale]);

    let transfer = Transfer {
        key: command(0x04),
        sku: SHIRT,
        quantity: 20,
        from: BERLIN,
        to: LYON,
    };
    out.request(Opcode::Transfer, &[transfer]);
    out.reply(Opcode::Transfer, &[stock_reply(37, 77)]);

    let set_aside = Move {
        key: command(0x05),
        sku: SHIRT,
        quantity: 10,
        location: BERLIN,
        from: 0,
        to: 1,
    };
    out.request(Opcode::Move, &[set_aside]);
    let mut moved = stock_reply(38, 77);
    moved.cell.safety = 10;
    moved.cell.available = 67;
    out.reply(Opcode::Move, &[moved]);
}

fn reserve(out: &mut Exchanges) {
    let lines = lines();
    let message = details_message();
    let placed = ReserveItem {
        key: order_key(ChannelId(1), b"1002"),
        flags: reserve_flags::PLACE | reserve_flags::PARTIAL,
        destination: Some((2_352, 48_857)),
        details: &message,
        ..hold(&lines)
    };
    out.request(Opcode::Reserve, &[hold(&lines), placed]);
    let refused = ReserveReplyItem {
        code: ResultCode::InsufficientStock,
        state: Some(OrderState::Rejected),
        flags: 0,
        version: 1,
        notes: 1,
        sequence: 0,
        expires_at_ms: 0,
    };
    let partial = ReserveReplyItem {
        code: ResultCode::Ok,
        state: Some(OrderState::FraudCheck),
        flags: reply::order::PARTIAL,
        version: 1,
        notes: 2,
        sequence: 40,
        expires_at_ms: NOW_MS + 900_000,
    };
    let note = |item, line, kind, value| OrderNote {
        item,
        line,
        kind,
        value,
    };
    let mut bytes = Vec::new();
    let start = frame::begin(&mut bytes);
    refused.put(&mut bytes);
    partial.put(&mut bytes);
    note(0, 1, NoteKind::Short, 0).put(&mut bytes);
    note(1, 0, NoteKind::Granted, 2).put(&mut bytes);
    note(1, 1, NoteKind::Granted, 0).put(&mut bytes);
    start.finish(&mut bytes, Opcode::Reserve.reply(), out.request_id, 2);
    out.push_reply("reserve", bytes);
}

fn order_commands(out: &mut Exchanges) {
    let item = |last| OrderCommandItem {
        order: key(),
        key: command(last),
    };
    let with_lines = |last, disposition, lines| LinesCommand {
        order: key(),
        key: command(last),
        disposition,
        lines: Lines::new(lines),
    };
    let units = [Line {
        sku: SHIRT,
        quantity: 1,
        location: BERLIN,
    }];
    let confirmed = command_reply(OrderState::Confirmed, Resolution::Confirmed);
    let cancelled = command_reply(OrderState::Cancelled, Resolution::Released);
    let held = command_reply(OrderState::Held, Resolution::Open);

    out.request(Opcode::Confirm, &[item(0x11)]);
    out.reply(Opcode::Confirm, &[confirmed]);

    out.request(Opcode::ConfirmLines, &[with_lines(0x12, 0, &units)]);
    out.reply(Opcode::ConfirmLines, &[confirmed]);

    out.request(Opcode::Release, &[item(0x13)]);
    let resolved = OrderCommandReply {
        code: ResultCode::AlreadyResolved,
        ..command_reply(OrderState::Expired, Resolution::Expired)
    };
    out.reply(Opcode::Release, &[resolved]);

    let extend = ExtendItem {
        order: key(),
        key: command(0x14),
        ttl_ms: 600_000,
    };
    out.request(Opcode::Extend, &[extend]);
    let later = OrderCommandReply {
        expires_at_ms: NOW_MS + 600_000,
        ..held
    };
    out.reply(Opcode::Extend, &[later]);

    out.request(Opcode::Cancel, &[item(0x15)]);
    let again = OrderCommandReply {
        flags: reply::REPLAYED,
        ..cancelled
    };
    out.reply(Opcode::Cancel, &[again]);

    out.request(Opcode::Ship, &[with_lines(0x16, 0, &units)]);
    out.reply(Opcode::Ship, &[confirmed]);

    out.request(Opcode::Return, &[with_lines(0x17, 1, &units)]);
    out.reply(
        Opcode::Return,
        &[command_reply(OrderState::Shipped, Resolution::Confirmed)],
    );
}
