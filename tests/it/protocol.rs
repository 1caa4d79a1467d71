//! `docs/PROTOCOL.md` and the code say the same, byte for byte.

use super::messages::{Example, cell, command, details_message, examples, hold, key, lines};
use onhand::limits;
use onhand::types::{ChannelId, ResultCode};
use onhand::wire::frame::{self, split_frame};
use onhand::wire::item::Item;
use onhand::wire::opcode::{ERROR, Opcode, STOCK_EVENT};
use onhand::wire::reply::{ListReply, Reply};
use onhand::wire::request::{self, OrderCommandItem, Request};
use onhand::wire::{Frame, order_key};
use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../docs/PROTOCOL.md");

/// The bytes of each block that starts with ```` ```hex NAME ````; `#` starts a comment.
fn blocks_of_page() -> BTreeMap<String, Vec<u8>> {
    let mut blocks = BTreeMap::new();
    let mut name: Option<String> = None;
    let mut bytes = Vec::new();
    for line in PAGE.lines() {
        if let Some(words) = line.strip_prefix("```hex ") {
            name = Some(words.to_owned());
        } else if line == "```" {
            if let Some(name) = name.take() {
                let old = blocks.insert(name.clone(), std::mem::take(&mut bytes));
                assert!(old.is_none(), "{name} stands twice");
            }
        } else if name.is_some() {
            let digits = line.split('#').next().unwrap();
            for pair in digits.split_whitespace() {
                bytes.push(u8::from_str_radix(pair, 16).unwrap());
            }
        }
    }
    blocks
}

pub fn whole_frame(bytes: &[u8]) -> Frame<'_> {
    let (frame, length) = split_frame(bytes).unwrap().unwrap();
    assert_eq!(length, bytes.len());
    frame
}

#[test]
fn every_exchange_of_the_page_is_what_the_encoders_write() {
    let mut blocks = blocks_of_page();
    for Example { name, bytes } in examples() {
        let shown = blocks.remove(&name);
        assert_eq!(
            shown.as_deref().map(hex::encode),
            Some(hex::encode(&bytes)),
            "{name}"
        );
    }
    assert_eq!(blocks.remove("details"), Some(details_message()));
    assert!(blocks.is_empty(), "blocks of nothing: {:?}", blocks.keys());
}

#[test]
fn every_opcode_has_a_worked_exchange() {
    let names: Vec<String> = examples().into_iter().map(|example| example.name).collect();
    for opcode in Opcode::ALL {
        for side in ["request", "reply"] {
            let name = format!("{side} {}", opcode.name());
            assert!(names.contains(&name), "{name}");
        }
    }
}

#[test]
fn every_exchange_of_the_page_decodes_to_what_encodes_to_it() {
    for (name, bytes) in blocks_of_page() {
        if name == "details" {
            continue;
        }
        let frame = whole_frame(&bytes);
        let again = if name.starts_with("request") {
            let request = Request::decode(&frame).unwrap();
            assert_eq!(request.opcode() as u8, frame.header.opcode, "{name}");
            encode_request(&request, &frame)
        } else {
            encode_reply(&Reply::decode(&frame).unwrap(), &frame)
        };
        assert_eq!(hex::encode(again), hex::encode(&bytes), "{name}");
    }
}

fn frame_of<'a, T: Item<'a>>(frame: &Frame<'_>, items: impl Iterator<Item = T>) -> Vec<u8> {
    let mut out = Vec::new();
    let start = frame::begin(&mut out);
    items.for_each(|item| item.put(&mut out));
    let header = frame.header;
    start.finish(&mut out, header.opcode, header.request_id, header.count);
    out
}

fn one<'a, T: Item<'a>>(frame: &Frame<'_>, item: &T) -> Vec<u8> {
    frame_of(frame, std::iter::once(*item))
}

fn encode_request(request: &Request<'_>, frame: &Frame<'_>) -> Vec<u8> {
    match request {
        Request::Hello(item) => one(frame, item),
        Request::Ping(item) => one(frame, item),
        Request::Statistics(item) => one(frame, item),
        Request::DefineSku(items) => frame_of(frame, *items),
        Request::ResolveSku(items) | Request::ResolveLocation(items) => frame_of(frame, *items),
        Request::DefineLocation(items) => frame_of(frame, *items),
        Request::Receive(items) => frame_of(frame, *items),
        Request::Adjust(item) => one(frame, item),
        Request::Set(item) => one(frame, item),
        Request::Transfer(item) => one(frame, item),
        Request::Move(item) => one(frame, item),
        Request::Reserve(items) => frame_of(frame, *items),
        Request::Confirm(items) | Request::Release(items) | Request::Cancel(items) => {
            frame_of(frame, *items)
        }
        Request::Extend(items) => frame_of(frame, *items),
        Request::ConfirmLines(item) | Request::Ship(item) | Request::Return(item) => {
            one(frame, item)
        }
        Request::QueryStock(items) => frame_of(frame, *items),
        Request::QueryOrder(items) => frame_of(frame, *items),
        Request::SubscribeStock(items) => frame_of(frame, *items),
        Request::ListSkus(item) | Request::ListLocations(item) => one(frame, item),
        other => panic!("a new request needs its line here: {other:?}"),
    }
}

fn encode_reply(reply: &Reply<'_>, frame: &Frame<'_>) -> Vec<u8> {
    match reply {
        Reply::Error(item) => one(frame, item),
        Reply::Hello(item) => one(frame, item),
        Reply::Ping(echo) => one(frame, &request::Ping { echo }),
        Reply::Statistics(reply) => {
            let digest = reply.digest.unwrap_or_default();
            with_prefix(frame, &digest, |out| reply.values.for_each(|v| v.put(out)))
        }
        Reply::Names(items) | Reply::SubscribeStock(items) => frame_of(frame, *items),
        Reply::Stock(items) => frame_of(frame, *items),
        Reply::Reserve(reply) => with_prefix(frame, &[], |out| {
            reply.items.for_each(|item| item.put(out));
            reply.notes.for_each(|note| note.put(out));
        }),
        Reply::OrderCommands(items) => frame_of(frame, *items),
        Reply::QueryStock(items) => frame_of(frame, *items),
        Reply::QueryOrder(items) => frame_of(frame, *items),
        Reply::Skus(page) => encode_page(page, frame),
        Reply::Locations(page) => encode_page(page, frame),
        Reply::StockEvents(items) => frame_of(frame, *items),
        other => panic!("a new reply needs its line here: {other:?}"),
    }
}

fn encode_page<'a, T: Item<'a>>(page: &ListReply<'a, T>, frame: &Frame<'_>) -> Vec<u8> {
    let mut prefix = page.next.to_le_bytes().to_vec();
    prefix.extend_from_slice(&[0; 4]);
    with_prefix(frame, &prefix, |out| page.entries.for_each(|e| e.put(out)))
}

fn with_prefix(frame: &Frame<'_>, prefix: &[u8], put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    let start = frame::begin(&mut out);
    out.extend_from_slice(prefix);
    put(&mut out);
    let header = frame.header;
    start.finish(&mut out, header.opcode, header.request_id, header.count);
    out
}

#[test]
fn fields_stand_where_the_page_says() {
    let lines = lines();
    let mut bytes = Vec::new();
    hold(&lines).put(&mut bytes);
    assert_eq!(bytes.len(), 48 + 24);
    assert_eq!(bytes[..16], key().0.to_be_bytes());
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!((u64_at(16), u64_at(24)), (7_001, 4_498));
    assert_eq!((u32_at(32), u16_at(36), u16_at(38)), (900_000, 1, 1));
    assert_eq!((u16_at(40), bytes[42], bytes[43]), (978, 0, 2));
    assert_eq!((u32_at(48), u32_at(52), u16_at(56)), (0, 2, 0xFFFF));

    let mut bytes = Vec::new();
    cell().put(&mut bytes);
    assert_eq!(bytes[..8], [100, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(bytes[24..], [82, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let item = OrderCommandItem {
        order: key(),
        key: command(0xAB),
    };
    let mut bytes = Vec::new();
    item.put(&mut bytes);
    assert_eq!(bytes[31], 0xAB, "keys stand as they are printed");
}

#[test]
fn the_key_formula_has_the_vectors_of_the_page() {
    for (channel, external_id) in [(1, "1001"), (0, ""), (65_535, "Bestellung-Ä-7")] {
        let key = order_key(ChannelId(channel), external_id.as_bytes());
        let row = format!("| {channel} | `{external_id}` | `{key}` |");
        assert!(PAGE.contains(&row), "missing: {row}");
    }
}

#[test]
fn the_page_names_every_opcode_with_its_number_and_role() {
    for opcode in Opcode::ALL {
        let row = format!(
            "| `{:02X}` | `{}` | {} |",
            *opcode as u8,
            opcode.name(),
            opcode.role_min().name()
        );
        assert!(PAGE.contains(&row), "missing: {row}");
    }
    for (number, name) in [(ERROR, "error"), (STOCK_EVENT, "stock_event")] {
        let row = format!("| `{number:02X}` | `{name}` |");
        assert!(PAGE.contains(&row), "missing: {row}");
    }
}

#[test]
fn the_page_names_every_result_code() {
    for code in ResultCode::ALL {
        let row = format!(
            "| {} | `{}` | {:?} |",
            *code as u16,
            code.name(),
            code.class()
        );
        assert!(PAGE.contains(&row), "missing: {row}");
    }
}

#[test]
fn the_page_names_the_limits() {
    for limit in [
        limits::FRAME_BYTES_MAX as u64,
        limits::FRAME_ITEMS_MAX as u64,
        limits::QUERY_ITEMS_MAX as u64,
        limits::ORDER_LINES_MAX as u64,
        u64::from(limits::LINE_QUANTITY_MAX),
        u64::from(limits::HOLD_TTL_MS_MAX),
        u64::from(limits::CELL_QUANTITY_MAX),
        limits::ORDER_TOTAL_MAX,
        limits::DETAILS_BYTES_MAX as u64,
        limits::NAME_BYTES_MAX as u64,
        limits::TOKEN_BYTES_MAX as u64,
        limits::ERROR_TEXT_BYTES_MAX as u64,
        u64::from(limits::HOLD_EXTENSIONS_MAX),
        limits::HELLO_TIMEOUT_MS,
        limits::FRAME_TIMEOUT_MS,
        limits::IDLE_TIMEOUT_MS_DEFAULT,
        limits::SESSION_OUT_BYTES_MAX as u64,
        limits::ORDER_ALLOCATIONS_MAX as u64,
        limits::SLOW_READER_TIMEOUT_MS,
    ] {
        let row = format!("| {} |", thousands(limit));
        assert!(PAGE.contains(&row), "missing: {row}");
    }
}

/// With commas between groups of three digits.
fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let first = digits.len() % 3;
    let mut out = digits[..first].to_owned();
    for at in (first..digits.len()).step_by(3) {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&digits[at..at + 3]);
    }
    out
}
