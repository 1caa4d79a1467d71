//! The bytes of the records of what channels send, made from the offsets in `docs/JOURNAL.md`.

use crate::engine::record::{
    Blob, ChannelEventRecord, EventReceived, EventSettled, Record, SkuMapped, settled_flags,
};
use crate::types::channel_event::EventFate;
use crate::types::record::{RawRecord, RecordBuffer};
use crate::types::{ActorId, ChannelId, OrderKey, SkuId, TenantId};

const EVENT: u128 = 0x1f1e_1d1c_1b1a_1918_1716_1514_1312_1110;
const ORDER: OrderKey = OrderKey(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100);

/// Each record with its kind and its bytes.
pub fn each(mut check: impl FnMut(Record<'_>, u8, &str)) {
    let received = ChannelEventRecord::Received(EventReceived {
        event: EVENT,
        tenant: TenantId(5),
        channel: ChannelId(3),
        part: 1,
        parts: 2,
        body_at: 70,
        topic: "ab",
        head: "h",
        body: Blob(b"{}"),
    });
    let settled = ChannelEventRecord::Settled(EventSettled {
        event: EVENT,
        order: ORDER,
        changed_ms: 9,
        content: 8,
        tenant: TenantId(5),
        channel: ChannelId(3),
        version: 2,
        flags: settled_flags::CANCELLED,
        fate: EventFate::Stale,
        note: "no",
    });
    let mapped = ChannelEventRecord::Mapped(SkuMapped {
        tenant: TenantId(5),
        channel: ChannelId(3),
        sku: SkuId(7),
        item: "44",
        write_back: "a=1",
    });
    for (record, number, expected) in [
        (
            received,
            120,
            "101112131415161718191a1b1c1d1e1f05000300010002004600000000000000020061620100687b7d",
        ),
        (
            settled,
            121,
            concat!(
                "101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f0900000000000000",
                "0800000000000000050003000200010302006e6f"
            ),
        ),
        (mapped, 122, "0500030007000000020034340300613d31"),
    ] {
        check(Record::ChannelEvent(record), number, expected);
    }
}

#[test]
fn every_record_of_channels_decodes_to_what_was_encoded_and_no_truncation_decodes() {
    each(|record, number, _| {
        let mut buffer = RecordBuffer::default();
        buffer.start(9);
        let (_, raw) = record.push(&mut buffer, ActorId(3));
        assert_eq!(Record::decode(&raw), Some(record));
        for length in 0..raw.payload.len() {
            let payload = &raw.payload[..length];
            let decoded = Record::decode(&RawRecord { payload, ..raw });
            let body_cut = number == 120 && length >= 39;
            assert!(
                decoded.is_none() || body_cut,
                "{length} bytes of {record:?}"
            );
        }
    });
}
