//! The bytes of every record kind, version 1. Old journals depend on them: a test that fails here
//! asks for a new version of the kind, never for new bytes.

use crate::engine::record::{
    Allocation, CellRef, Lines, OrderAccepted, OrderRef, OrderRejected, Record, ShortLine, Shorts,
    StockChange, accepted_flags, kind, put_lines, put_shorts,
};
use crate::types::pipeline::BackorderQueue;
use crate::types::record::RecordBuffer;
use crate::types::{
    ActorId, ChannelId, CommandKey, Disposition, LocationId, OrderKey, ResultCode, SkuId,
    StockBucket, TenantId,
};

const KEY: OrderKey = OrderKey(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100);
const COMMAND: CommandKey = CommandKey(0x1f1e_1d1c_1b1a_1918_1716_1514_1312_1110);
const FINGERPRINT: u64 = 0xf1f2_f3f4_f5f6_f7f8;

fn accepted<'a>(
    allocations: &'a [u8],
    requested: &'a [u8],
    details: &'a [u8],
) -> OrderAccepted<'a> {
    OrderAccepted {
        key: KEY,
        fingerprint: FINGERPRINT,
        customer: 42,
        total: 12_345,
        ttl_ms: 60_000,
        tenant: TenantId(5),
        channel: ChannelId(3),
        version: 1,
        currency: 978,
        flags: if requested.is_empty() {
            0
        } else {
            accepted_flags::PLACED
                | accepted_flags::PARTIAL
                | accepted_flags::DETAILS
                | accepted_flags::REPLACES
        },
        allocations: Lines::from_bytes(allocations),
        requested: Lines::from_bytes(requested),
        destination: None,
        details,
        details_version: u8::from(!details.is_empty()),
    }
}

fn rejected(shorts: &[u8]) -> OrderRejected<'_> {
    OrderRejected {
        key: KEY,
        fingerprint: FINGERPRINT,
        customer: 42,
        tenant: TenantId(5),
        channel: ChannelId(3),
        version: 1,
        reason: ResultCode::InsufficientStock,
        shorts: Shorts::from_bytes(shorts),
    }
}

/// An order that waits for stock, and stock that comes for it.
fn check_waiting(
    check: &mut impl FnMut(Record<'_>, u8, &str),
    allocations: &[u8],
    requested: &[u8],
) {
    check(
        Record::OrderAccepted(OrderAccepted {
            flags: accepted_flags::PLACED | accepted_flags::BACKORDERED,
            destination: Some((-2, 3)),
            ..accepted(&[], requested, &[])
        }),
        32,
        concat!(
            "000102030405060708090a0b0c0d0e0ff8f7f6f5f4f3f2f12a000000000000003930000000000000",
            "60ea0000050003000100d203110002070000000600000",
            "0ffff07000000010000000200",
            "01feffffff03000000"
        ),
    );
    check(
        Record::BackorderAllocated {
            tenant: TenantId(5),
            order: KEY,
            expires_at_ms: 0x0102_0304_0506,
            allocations: Lines::from_bytes(allocations),
        },
        44,
        "000102030405060708090a0b0c0d0e0f050006050403020100000107000000040000000200",
    );
}

/// Calls `check` with every record, the number of its kind and its payload in hex.
#[allow(clippy::too_many_lines)] // a table
fn each(mut check: impl FnMut(Record<'_>, u8, &str)) {
    let of = |quantity, location| Allocation {
        sku: SkuId(7),
        quantity,
        location: LocationId(location),
    };
    let (mut allocations, mut requested, mut shorts) = (Vec::new(), Vec::new(), Vec::new());
    put_lines(&mut allocations, &[of(4, 2)]);
    put_lines(&mut requested, &[of(6, u16::MAX), of(1, 2)]);
    let short = ShortLine {
        sku: SkuId(7),
        left: 1,
        line: 0,
    };
    put_shorts(&mut shorts, &[short]);
    let order = OrderRef {
        order: KEY,
        key: COMMAND,
        fingerprint: FINGERPRINT,
        tenant: TenantId(5),
    };
    let cell = CellRef {
        sku: SkuId(7),
        location: LocationId(2),
    };
    let mut forgotten = 5_u16.to_le_bytes().to_vec();
    forgotten.extend_from_slice(&KEY.0.to_le_bytes());
    check_definitions(&mut check);
    check_stock(&mut check, cell);
    check(
        Record::OrderAccepted(accepted(&allocations, &[], &[])),
        32,
        concat!(
            "000102030405060708090a0b0c0d0e0ff8f7f6f5f4f3f2f12a000000000000003930000000000000",
            "60ea0000050003000100d203000107000000040000000200"
        ),
    );
    check(
        Record::OrderAccepted(accepted(&allocations, &requested, b"details!")),
        32,
        concat!(
            "000102030405060708090a0b0c0d0e0ff8f7f6f5f4f3f2f12a000000000000003930000000000000",
            "60ea0000050003000100d2030f0107000000040000000200020700000006000000ffff0700000001",
            "0000000200000000010000000000000064657461696c7321"
        ),
    );
    check(
        Record::OrderRejected(rejected(&shorts)),
        33,
        concat!(
            "000102030405060708090a0b0c0d0e0ff8f7f6f5f4f3f2f12a000000000000000500030001000a00",
            "01070000000100000000"
        ),
    );
    check(
        Record::HoldExtended {
            order,
            expires_at_ms: 0x0102_0304_0506,
        },
        34,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "05000605040302010000"
        ),
    );
    check(
        Record::OrderConfirmed {
            order,
            lines: Lines::from_bytes(&[]),
        },
        35,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "050000"
        ),
    );
    check(
        Record::OrderConfirmed {
            order,
            lines: Lines::from_bytes(&allocations),
        },
        35,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "05000107000000040000000200"
        ),
    );
    check(
        Record::OrderReleased { order },
        36,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "0500"
        ),
    );
    check(
        Record::CommandDone { order },
        82,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "0500"
        ),
    );
    check(
        Record::OrderExpired {
            tenant: TenantId(5),
            order: KEY,
        },
        37,
        "000102030405060708090a0b0c0d0e0f0500",
    );
    check(
        Record::OrderCancelled { order },
        38,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "0500"
        ),
    );
    check(
        Record::OrderShipped {
            order,
            lines: Lines::from_bytes(&allocations),
        },
        39,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "05000107000000040000000200"
        ),
    );
    check(
        Record::OrderReturned {
            order,
            disposition: Disposition::QualityControl,
            lines: Lines::from_bytes(&allocations),
        },
        40,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "0500020107000000040000000200"
        ),
    );
    check(
        Record::OrderReinstated { order },
        43,
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f10500",
    );
    check_waiting(&mut check, &allocations, &requested);
    check(
        Record::ConflictSeen {
            tenant: TenantId(5),
            order: KEY,
            fingerprint: FINGERPRINT,
        },
        41,
        "000102030405060708090a0b0c0d0e0ff8f7f6f5f4f3f2f10500",
    );
    check(
        Record::OrdersForgotten { keys: &forgotten },
        42,
        "0500000102030405060708090a0b0c0d0e0f",
    );
}

fn check_definitions(check: &mut impl FnMut(Record<'_>, u8, &str)) {
    check(
        Record::TenantDefined {
            tenant: TenantId(5),
            name: "acme",
        },
        16,
        "05000461636d65",
    );
    check(
        Record::ActorDefined {
            actor: ActorId(3),
            name: "shop",
        },
        17,
        "03000473686f70",
    );
    check(
        Record::SkuDefined {
            sku: SkuId(7),
            tenant: TenantId(5),
            on_sale: true,
            name: "shoe",
        },
        18,
        "070000000500010473686f65",
    );
    check(
        Record::SkuChanged {
            sku: SkuId(7),
            on_sale: false,
        },
        19,
        "0700000000",
    );
    check(
        Record::SkuQueueSet {
            sku: SkuId(7),
            queue: BackorderQueue::Skip,
        },
        21,
        "0700000002",
    );
    check(
        Record::LocationDefined {
            location: LocationId(2),
            tenant: TenantId(5),
            x: -1,
            y: 258,
            priority: 9,
            name: "here",
        },
        20,
        "02000500ffffffff0201000009000468657265",
    );
}

#[allow(clippy::too_many_lines)] // a table
fn check_stock(check: &mut impl FnMut(Record<'_>, u8, &str), cell: CellRef) {
    check(
        Record::Stock(StockChange::Received {
            key: COMMAND,
            fingerprint: FINGERPRINT,
            cell,
            quantity: 100,
        }),
        64,
        "101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f107000000020064000000",
    );
    check(
        Record::Stock(StockChange::Adjusted {
            key: COMMAND,
            fingerprint: FINGERPRINT,
            cell,
            delta: -2,
            reason: "flood",
        }),
        65,
        concat!(
            "101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1070000000200feffffffffffffff0566",
            "6c6f6f64"
        ),
    );
    check(
        Record::Stock(StockChange::Set {
            key: COMMAND,
            fingerprint: FINGERPRINT,
            cell,
            before: 8,
            on_hand: 9,
        }),
        66,
        "101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f10700000002000800000009000000",
    );
    check(
        Record::Stock(StockChange::Transferred {
            key: COMMAND,
            fingerprint: FINGERPRINT,
            cell,
            to: LocationId(4),
            quantity: 6,
        }),
        67,
        "101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1070000000200040006000000",
    );
    check(
        Record::Stock(StockChange::Moved {
            key: COMMAND,
            fingerprint: FINGERPRINT,
            cell,
            from: StockBucket::Available,
            to: StockBucket::Damaged,
            quantity: 6,
        }),
        68,
        "101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1070000000200000206000000",
    );
    check(
        Record::ShortageDetected { cell, short: 3 },
        69,
        "07000000020003000000",
    );
    check(
        Record::CommandRefused {
            tenant: TenantId(5),
            key: COMMAND,
            fingerprint: FINGERPRINT,
            code: ResultCode::Stale,
            of_order: true,
        },
        80,
        "101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f10500330001",
    );
    check(
        Record::StateDigest { digest: [0xAB; 32] },
        81,
        "abababababababababababababababababababababababababababababababab",
    );
}

#[test]
fn the_bytes_of_every_record_kind_are_fixed() {
    let mut kinds = Vec::new();
    each(|record, number, expected| {
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        assert_eq!(hex::encode(&bytes), expected, "{record:?}");
        assert_eq!(record.kind(), number, "{record:?}");
        kinds.push(number);
    });
    // The order process has its own file; the pipelines' archive runs to the payload's end.
    super::golden_process::each(|record, number, expected| {
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        assert_eq!(hex::encode(&bytes), expected, "{record:?}");
        assert_eq!(record.kind(), number, "{record:?}");
        kinds.push(number);
    });
    super::golden_subscriber::each(|record, number, expected| {
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        assert_eq!(hex::encode(&bytes), expected, "{record:?}");
        assert_eq!(record.kind(), number, "{record:?}");
        kinds.push(number);
    });
    super::golden_channel_event::each(|record, number, expected| {
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        assert_eq!(hex::encode(&bytes), expected, "{record:?}");
        assert_eq!(record.kind(), number, "{record:?}");
        kinds.push(number);
    });
    kinds.sort_unstable();
    kinds.dedup();
    let all: Vec<u8> = [16..=21, 32..=47, 64..=69, 80..=82, 96..=102, 120..=123]
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(kinds, all, "every kind has its bytes here");
}

#[test]
fn every_record_kind_decodes_to_what_was_encoded_and_no_truncation_decodes() {
    each(|record, _, _| {
        let mut buffer = RecordBuffer::default();
        buffer.start(9);
        let (sequence, raw) = record.push(&mut buffer, ActorId(3));
        assert_eq!(sequence, 9);
        assert_eq!(Record::decode(&raw), Some(record));
        let newer = crate::types::record::RawRecord { version: 2, ..raw };
        assert_eq!(
            Record::decode(&newer),
            None,
            "an unknown version is not guessed at"
        );
        for length in 0..raw.payload.len() {
            let payload = &raw.payload[..length];
            let decoded = Record::decode(&crate::types::record::RawRecord { payload, ..raw });
            let whole =
                matches!(record, Record::OrderAccepted(accepted) if !accepted.details.is_empty());
            assert!(decoded.is_none() || whole, "{length} bytes of {record:?}");
        }
    });
}

#[test]
fn a_single_line_order_takes_72_bytes_of_the_journal() {
    let mut allocations = Vec::new();
    let taken = Allocation {
        sku: SkuId(7),
        quantity: 4,
        location: LocationId(2),
    };
    put_lines(&mut allocations, &[taken]);
    let mut buffer = RecordBuffer::default();
    buffer.start(1);
    accepted(&allocations, &[], &[]).push(&mut buffer, ActorId(3));
    assert_eq!(buffer.bytes().len(), 72);
    assert_eq!(buffer.bytes()[0], kind::ORDER_ACCEPTED);
}

#[test]
fn zeros_of_an_accepted_order_are_zeros() {
    let lines = [7, 0, 0, 0, 4, 0, 0, 0, 2, 0]; // SKU, quantity, location
    let details = b"details";
    let mut sound = Vec::new();
    Record::OrderAccepted(accepted(&lines, &lines, details)).put(&mut sound);
    let decodes = |payload: &[u8]| OrderAccepted::decode(payload).is_some();
    assert!(decodes(&sound));
    // Fixed part and allocation, count and requested line; zeros, the version, zeros, the details.
    let (end_of_lines, at) = (64_usize + 11, sound.len() - details.len());
    assert_eq!(at, end_of_lines.next_multiple_of(8) + 8);
    for place in (end_of_lines..at).filter(|place| *place != at - 8) {
        let mut other = sound.clone();
        other[place] = 1;
        assert!(!decodes(&other), "byte {place}");
    }
}
