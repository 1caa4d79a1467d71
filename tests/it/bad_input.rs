//! Bad input over a real socket: a typed answer, nothing changed, and the session as documented.

use super::served::{ONE, Raw, Served, config, hold, request};
use onhand::limits;
use onhand::types::{CommandKey, LocationId, OrderKey, ResultCode, SkuId};
use onhand::wire::frame::{HEADER_BYTES, begin};
use onhand::wire::item::Item;
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::Reply;
use onhand::wire::request::reserve::{Line, Lines};
use onhand::wire::request::{
    ExtendItem, Hello, Move, Ping, Receive, ReserveItem, SkuDefinition, StockQueryItem,
};
use std::io::Write;

struct Bench {
    _directory: tempfile::TempDir,
    server: Served,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let server = Served::start(&config(directory.path()));
    server.client().stock_up(10);
    Bench {
        _directory: directory,
        server,
    }
}

/// Units of SKU 0 that are reserved, as a fresh client sees them.
fn reserved(server: &Served) -> u32 {
    let mut client = server.client();
    let item = StockQueryItem {
        sku: SkuId(0),
        from: LocationId(0),
    };
    client.request(Opcode::QueryStock, 9, &[item]);
    match client.receive().unwrap().reply() {
        Reply::QueryStock(mut stock) => stock.next().unwrap().cells.next().unwrap().values.reserved,
        other => panic!("{other:?}"),
    }
}

/// A frame of any content with a correct length and checksum.
fn frame(opcode: u8, count: u16, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let start = begin(&mut out);
    out.extend_from_slice(body);
    start.finish(&mut out, opcode, 5, count);
    out
}

#[test]
fn frames_that_lose_the_framing_are_answered_and_the_connection_is_closed() {
    let bench = bench();
    let good = request(Opcode::Reserve, 5, &[hold(1)]);
    let with = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        bad
    };
    let cases = [
        (ResultCode::BadMagic, with(4, &[0, 0])),
        (ResultCode::UnsupportedVersion, with(6, &[9])),
        (ResultCode::BadChecksum, with(20, &[1, 2, 3, 4])),
        (ResultCode::FrameTooShort, with(0, &0_u32.to_le_bytes())),
        (ResultCode::FrameTooShort, with(0, &23_u32.to_le_bytes())),
        (ResultCode::FrameTooLarge, with(0, &u32::MAX.to_le_bytes())),
        (
            ResultCode::FrameTooLarge,
            with(0, &((1_u32 << 20) + 1).to_le_bytes()),
        ),
    ];
    for (code, bytes) in cases {
        let mut client = bench.server.client();
        client.send(&bytes);
        let reply = client.receive().expect("an answer");
        assert_eq!(reply.error(), code);
        client.is_closed();
    }
    assert_eq!(reserved(&bench.server), 0, "nothing changed");
}

#[test]
fn every_flipped_bit_of_a_frame_is_refused_and_changes_nothing() {
    let bench = bench();
    let good = request(Opcode::Reserve, 5, &[hold(1)]);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut client = bench.server.client();
        client.send(&bad);
        // A longer length waits for bytes that do not come: end them.
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        if let Some(reply) = client.receive() {
            reply.error();
            client.is_closed();
        }
    }
    assert_eq!(reserved(&bench.server), 0, "nothing changed");
}

#[test]
fn every_truncation_of_a_frame_followed_by_an_end_changes_nothing() {
    let bench = bench();
    let good = request(Opcode::Reserve, 5, &[hold(1)]);
    for length in 0..good.len() {
        let mut client = bench.server.client();
        client.send(&good[..length]);
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        client.is_closed();
    }
    assert_eq!(reserved(&bench.server), 0, "nothing changed");
}

#[test]
fn a_body_of_the_wrong_layout_is_refused_and_the_session_goes_on() {
    let bench = bench();
    let mut client = bench.server.client();
    let mut item = Vec::new();
    hold(1).put(&mut item);
    for length in 0..item.len() {
        client.send(&frame(Opcode::Reserve as u8, 1, &item[..length]));
        client.refuses(5, ResultCode::MalformedBody);
    }
    client.send(&frame(0x7E, 1, &[]));
    client.refuses(5, ResultCode::UnknownOpcode);
    client.send(&frame(Opcode::Reserve as u8, 8_191, &item));
    client.refuses(5, ResultCode::TooManyItems);
    client.send(&frame(Opcode::Reserve as u8, 0, &[]));
    client.refuses(5, ResultCode::MalformedBody);
    let hello = Hello {
        token: "",
        tenant: "acme",
        client: "again",
    };
    client.request(Opcode::Hello, 6, &[hello]);
    client.refuses(6, ResultCode::HelloRepeated);
    client.is_alive();
    assert_eq!(reserved(&bench.server), 0, "nothing changed");
}

#[test]
fn orders_that_make_no_sense_are_refused_one_by_one_and_not_remembered() {
    let bench = bench();
    let mut client = bench.server.client();
    let line = |quantity: u32| [Line { quantity, ..ONE[0] }];
    let (none, huge) = (line(0), line(limits::LINE_QUANTITY_MAX + 1));
    let many = [ONE[0]; 65];
    let stranger = [Line {
        sku: SkuId(77),
        ..ONE[0]
    }];
    let nowhere = [Line {
        location: LocationId(77),
        ..ONE[0]
    }];
    let long = vec![1; limits::DETAILS_BYTES_MAX + 1];
    let lines = |lines| ReserveItem { lines, ..hold(1) };
    let cases: Vec<(ResultCode, ReserveItem<'_>)> = vec![
        (ResultCode::InvalidKey, hold(0)),
        (
            ResultCode::InvalidVersion,
            ReserveItem {
                version: 0,
                ..hold(1)
            },
        ),
        (
            ResultCode::InvalidTtl,
            ReserveItem {
                ttl_ms: 0,
                ..hold(1)
            },
        ),
        (
            ResultCode::InvalidTtl,
            ReserveItem {
                ttl_ms: limits::HOLD_TTL_MS_MAX + 1,
                ..hold(1)
            },
        ),
        (
            ResultCode::InvalidCurrency,
            ReserveItem {
                currency: 1_000,
                ..hold(1)
            },
        ),
        (
            ResultCode::InvalidTotal,
            ReserveItem {
                total: u64::MAX,
                ..hold(1)
            },
        ),
        (ResultCode::NoLines, lines(Lines::new(&[]))),
        (ResultCode::TooManyLines, lines(Lines::new(&many))),
        (ResultCode::InvalidQuantity, lines(Lines::new(&none))),
        (ResultCode::InvalidQuantity, lines(Lines::new(&huge))),
        (ResultCode::UnknownSku, lines(Lines::new(&stranger))),
        (ResultCode::UnknownLocation, lines(Lines::new(&nowhere))),
        (
            ResultCode::InvalidField,
            ReserveItem {
                flags: 0x40,
                ..hold(1)
            },
        ),
        (
            ResultCode::DetailsTooLong,
            ReserveItem {
                details: &long,
                ..hold(1)
            },
        ),
        (
            ResultCode::DetailsMalformed,
            ReserveItem {
                details: &[1, 99, 0],
                ..hold(1)
            },
        ),
    ];
    let items: Vec<ReserveItem<'_>> = cases.iter().map(|(_, item)| *item).collect();
    client.request(Opcode::Reserve, 8, &items);
    let codes: Vec<ResultCode> = cases.iter().map(|(code, _)| *code).collect();
    assert_eq!(client.receive().unwrap().order_codes(), codes);
    assert_eq!(reserved(&bench.server), 0, "nothing changed");
    client.request(Opcode::Reserve, 9, &[hold(1)]);
    assert_eq!(
        client.receive().unwrap().order_codes(),
        [ResultCode::Ok],
        "nothing was stored"
    );
}

#[test]
fn a_card_number_in_the_details_is_refused_and_reaches_no_file() {
    let bench = bench();
    let mut client = bench.server.client();
    let details = onhand::types::OrderDetails {
        custom_handling: "charge 4111 1111 1111 1111 please".into(),
        ..Default::default()
    };
    // The encoder refuses it as well, so the text is put into a harmless message afterwards.
    assert!(onhand::wire::details::encode(&details, 1).is_err());
    let harmless = onhand::types::OrderDetails {
        custom_handling: "charge xxxx xxxx xxxx xxxx please".into(),
        ..Default::default()
    };
    let message = onhand::wire::details::encode(&harmless, 1).unwrap();
    let at = message
        .windows(19)
        .position(|w| w == b"xxxx xxxx xxxx xxxx")
        .unwrap();
    let mut bad = message.clone();
    bad[at..at + 19].copy_from_slice(b"4111 1111 1111 1111");
    client.request(
        Opcode::Reserve,
        8,
        &[ReserveItem {
            details: &bad,
            ..hold(1)
        }],
    );
    assert_eq!(
        client.receive().unwrap().order_codes(),
        [ResultCode::CardNumber]
    );
    client.request(
        Opcode::Reserve,
        9,
        &[ReserveItem {
            details: &message,
            ..hold(1)
        }],
    );
    assert_eq!(client.receive().unwrap().order_codes(), [ResultCode::Ok]);
    let Bench {
        _directory: directory,
        server,
    } = bench;
    drop(client);
    server.stop().expect("a clean end");
    for entry in walk(directory.path()) {
        let bytes = std::fs::read(&entry).unwrap();
        let found = bytes
            .windows(19)
            .any(|window| window == b"4111 1111 1111 1111");
        assert!(!found, "{} holds a card number", entry.display());
    }
}

fn walk(path: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(path)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn commands_before_hello_and_bad_names_are_refused_and_closed() {
    let bench = bench();
    let address = bench.server.address;
    let mut client = Raw::connect(address);
    client.request(Opcode::Ping, 5, &[Ping { echo: b"" }]);
    client.refuses(5, ResultCode::HelloRequired);
    client.is_closed();
    for tenant in ["", "a\nb", &"x".repeat(65)] {
        let mut client = Raw::connect(address);
        client.request(
            Opcode::Hello,
            6,
            &[Hello {
                token: "",
                tenant,
                client: "",
            }],
        );
        client.refuses(6, ResultCode::InvalidName);
        client.is_closed();
    }
}

#[test]
fn other_commands_with_bad_fields_are_refused_one_by_one() {
    let bench = bench();
    let mut client = bench.server.client();
    let receive = |key: u128, sku: u32, location: u16, quantity: u32| Receive {
        key: CommandKey(key),
        sku: SkuId(sku),
        quantity,
        location: LocationId(location),
    };
    let items = [
        receive(0, 0, 0, 1),
        receive(1, 9, 0, 1),
        receive(2, 0, 9, 1),
        receive(3, 0, 0, 0),
        receive(4, 0, u16::MAX, 1),
        receive(5, 0, 0, limits::CELL_QUANTITY_MAX),
    ];
    client.request(Opcode::Receive, 7, &items);
    let codes: Vec<ResultCode> = match client.receive().unwrap().reply() {
        Reply::Stock(replies) => replies.map(|reply| reply.code).collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        codes,
        [
            ResultCode::InvalidKey,
            ResultCode::UnknownSku,
            ResultCode::UnknownLocation,
            ResultCode::InvalidQuantity,
            ResultCode::UnknownLocation,
            ResultCode::Overflow,
        ]
    );
    let moved = Move {
        key: CommandKey(9),
        sku: SkuId(0),
        quantity: 1,
        location: LocationId(0),
        from: 0,
        to: 44,
    };
    client.request(Opcode::Move, 8, &[moved]);
    match client.receive().unwrap().reply() {
        Reply::Stock(mut replies) => {
            assert_eq!(replies.next().unwrap().code, ResultCode::InvalidField);
        }
        other => panic!("{other:?}"),
    }
    let extend = ExtendItem {
        order: OrderKey(404),
        key: CommandKey(10),
        ttl_ms: 1,
    };
    client.request(Opcode::Extend, 9, &[extend]);
    match client.receive().unwrap().reply() {
        Reply::OrderCommands(mut replies) => {
            assert_eq!(replies.next().unwrap().code, ResultCode::UnknownOrder);
        }
        other => panic!("{other:?}"),
    }
    client.request(
        Opcode::DefineSku,
        10,
        &[SkuDefinition { name: "", flags: 1 }],
    );
    match client.receive().unwrap().reply() {
        Reply::Names(mut names) => assert_eq!(names.next().unwrap().code, ResultCode::InvalidName),
        other => panic!("{other:?}"),
    }
    client.is_alive();
}

#[test]
fn a_foreign_tenants_handles_and_orders_do_not_exist_for_others() {
    let bench = bench();
    let mut acme = bench.server.client();
    acme.request(Opcode::Reserve, 5, &[hold(1)]);
    assert_eq!(acme.receive().unwrap().order_codes(), [ResultCode::Ok]);
    let mut globex = Raw::hello(bench.server.address, "globex", "");
    globex.request(Opcode::Reserve, 6, &[hold(1)]);
    assert_eq!(
        globex.receive().unwrap().order_codes(),
        [ResultCode::UnknownSku]
    );
    globex.request(Opcode::QueryOrder, 7, &[OrderKey(1)]);
    match globex.receive().unwrap().reply() {
        Reply::QueryOrder(mut orders) => {
            assert_eq!(
                orders.next().unwrap().summary.code,
                ResultCode::UnknownOrder
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_frame_of_the_largest_size_is_taken_and_one_of_8190_orders_is_answered_in_full() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.segment_bytes = limits::SEGMENT_BYTES_DEFAULT;
    let server = Served::start(&config);
    let mut client = server.client();
    client.stock_up(10);
    let items: Vec<ReserveItem<'_>> = (1..=8_190).map(hold).collect();
    let bytes = request(Opcode::Reserve, 5, &items);
    assert!(bytes.len() > HEADER_BYTES && bytes.len() <= limits::FRAME_BYTES_MAX);
    client.stream.write_all(&bytes).unwrap();
    let codes = client.receive().unwrap().order_codes();
    assert_eq!(codes.len(), 8_190);
    assert_eq!(
        codes.iter().filter(|code| **code == ResultCode::Ok).count(),
        10
    );
    assert_eq!(reserved(&server), 10);
}
