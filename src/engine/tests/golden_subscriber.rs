//! The bytes of the record of what people do to subscribers, made from `docs/JOURNAL.md`.

use crate::engine::record::{Record, SubscriberMoved};
use crate::types::record::{RawRecord, RecordBuffer};
use crate::types::{ActorId, TenantId};

/// The record with its kind and its bytes.
pub fn each(mut check: impl FnMut(Record<'_>, u8, &str)) {
    let moved = Record::Subscriber(SubscriberMoved {
        tenant: TenantId(5),
        before: 70,
        after: 9,
        name: "crm",
        reason: "no",
    });
    let bytes = "050046000000000000000900000000000000030063726d02006e6f";
    check(moved, 123, bytes);
}

#[test]
fn it_decodes_to_what_was_encoded_and_no_truncation_decodes() {
    each(|record, _, _| {
        let mut buffer = RecordBuffer::default();
        buffer.start(9);
        let (_, raw) = record.push(&mut buffer, ActorId(3));
        assert_eq!(Record::decode(&raw), Some(record));
        for length in 0..raw.payload.len() {
            let payload = &raw.payload[..length];
            assert!(Record::decode(&RawRecord { payload, ..raw }).is_none());
        }
    });
}
