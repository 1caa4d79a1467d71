//! The bytes of the order process's records, made from the offsets in `docs/JOURNAL.md`.

use crate::engine::record::{
    Allocation, Blob, BreakerChanged, ChannelOversold, EarlyEvent, EffectEnded, EffectStarted,
    HoldPreempted, Lines, OperatorDecided, OrderMoved, OrderRef, PipelinesDefined, ProcessImage,
    ProcessRecord, ProviderReported, Record, put_lines,
};
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone, ProviderId};
use crate::types::process::{
    BreakerCause, BreakerState, OperatorAction, ProcessEvent, ReportFate, ReportKind, ReviewReason,
    SubState, TimerKind,
};
use crate::types::record::RecordBuffer;
use crate::types::{
    ActorId, ChannelId, CommandKey, LocationId, OrderKey, OrderState, SkuId, TenantId,
};

const ORDER: OrderKey = OrderKey(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100);
const COMMAND: u128 = 0x1f1e_1d1c_1b1a_1918_1716_1514_1312_1110;
const TENANT: TenantId = TenantId(5);

/// Each record with its kind and its bytes.
#[allow(clippy::too_many_lines)] // one list
pub fn each(mut check: impl FnMut(Record<'_>, u8, &str)) {
    let image = ProcessImage {
        set: 3,
        pipeline: 1,
        step: 2,
        sub: SubState::RetryWait,
        review: ReviewReason::Payment,
        resume_to: Some(OrderState::Payment),
        timer: TimerKind::Review,
        timer_at_ms: 0x0102_0304_0506_0708,
        flags: 0x0141,
        score: 77,
        processor: ProviderId(4),
        authorised: 500,
        captured: 400,
        refunded: 300,
        country: u16::from_le_bytes(*b"NL"),
        tags: 5,
        effects: 9,
        declines: 1,
        total: 600,
        currency: 978,
    };
    let mut process = |record: ProcessRecord<'_>, number: u8, expected: &str| {
        check(Record::Process(record), number, expected);
    };
    process(
        ProcessRecord::Moved(OrderMoved {
            order: ORDER,
            tenant: TENANT,
            accepted: 70,
            event: ProcessEvent::ReviewOpened,
            from: Some(OrderState::Payment),
            to: OrderState::Review,
            image,
            note: "no",
        }),
        96,
        concat!(
            "000102030405060708090a0b0c0d0e0f050046000000000000001905060300000001020203050308",
            "0706050403020141014d0400f40100000000000090010000000000002c010000000000004e4c0509",
            "00015802000000000000d20302006e6f",
        ),
    );
    process(
        ProcessRecord::Started(EffectStarted {
            order: ORDER,
            tenant: TENANT,
            accepted: 70,
            number: 9,
            kind: EffectKind::PaymentVoid,
            provider: ProviderId(4),
            attempt: 2,
            step: 1,
            milestone: None,
            target: 8,
            target_kind: 2,
            amount: 600,
            reference: "pi_1",
            note: "pay",
        }),
        97,
        concat!(
            "000102030405060708090a0b0c0d0e0f050046000000000000000900050400020100080002580200",
            "0000000000040070695f310300706179",
        ),
    );
    process(
        ProcessRecord::Ended(EffectEnded {
            order: ORDER,
            tenant: TENANT,
            number: 9,
            kind: EffectKind::PaymentVoid,
            provider: ProviderId(4),
            attempt: 2,
            class: EffectClass::Retry,
            next: EffectNext::RetryWait,
            counted: true,
            due_ms: 90,
            latency_ms: 250,
            status: 503,
            amount: 600,
            currency: 978,
            score: 255,
            reference: "pi_1",
            code: "c",
            message: "m",
        }),
        98,
        concat!(
            "000102030405060708090a0b0c0d0e0f05000900050400020403015a00000000000000fa000000f7",
            "015802000000000000d203ff040070695f3101006301006d",
        ),
    );
    process(
        ProcessRecord::Breaker(BreakerChanged {
            provider: ProviderId(4),
            from: BreakerState::Closed,
            to: BreakerState::Open,
            cause: BreakerCause::Failures,
            generation: 7,
            failures: 5,
            open_for_ms: 30_000,
            until_ms: 99,
        }),
        99,
        "040000010107000000050030750000000000006300000000000000",
    );
    process(
        ProcessRecord::Reported(ProviderReported {
            event: COMMAND,
            provider: ProviderId(4),
            report: ReportKind::Shipped,
            fate: ReportFate::Applied,
            order: ORDER,
            tenant: TENANT,
            amount: 600,
            reference: "1Z",
            text: "ups",
        }),
        100,
        concat!(
            "101112131415161718191a1b1c1d1e1f04000701000102030405060708090a0b0c0d0e0f05005802",
            "0000000000000200315a0300757073",
        ),
    );
    process(
        ProcessRecord::Decided(OperatorDecided {
            order: OrderRef {
                order: ORDER,
                key: CommandKey(COMMAND),
                fingerprint: 0xf1f2_f3f4_f5f6_f7f8,
                tenant: TENANT,
            },
            action: OperatorAction::Refund,
            effect: 9,
            amount: 600,
            reason: "why",
        }),
        101,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "050005090058020000000000000300776879",
        ),
    );
    process(
        ProcessRecord::Pipelines(PipelinesDefined {
            set: 2,
            archive_version: 1,
            archive: Blob(&[0xAA, 0xBB]),
        }),
        102,
        "0200000001aabb",
    );
    let mut bytes = Vec::new();
    let line = Allocation {
        sku: SkuId(7),
        quantity: 3,
        location: LocationId(2),
    };
    put_lines(&mut bytes, &[line]);
    process(
        ProcessRecord::Oversold(ChannelOversold {
            order: ORDER,
            tenant: TENANT,
            channel: ChannelId(4),
            lines: Lines::from_bytes(&bytes),
        }),
        46,
        "000102030405060708090a0b0c0d0e0f050004000107000000030000000200",
    );
    process(
        ProcessRecord::Preempted(HoldPreempted {
            order: ORDER,
            tenant: TENANT,
            by: OrderKey(COMMAND),
            channel: ChannelId(4),
        }),
        45,
        "000102030405060708090a0b0c0d0e0f0500101112131415161718191a1b1c1d1e1f0400",
    );
    process(
        ProcessRecord::Early(EarlyEvent {
            order: OrderRef {
                order: ORDER,
                key: CommandKey(COMMAND),
                fingerprint: 0xf1f2_f3f4_f5f6_f7f8,
                tenant: TENANT,
            },
            until_ms: 90,
            reason: "why",
        }),
        47,
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff8f7f6f5f4f3f2f1",
            "05005a000000000000000300776879",
        ),
    );
}

#[test]
fn every_record_of_the_process_decodes_to_what_was_encoded_and_no_truncation_decodes() {
    each(|record, number, _| {
        let mut buffer = RecordBuffer::default();
        buffer.start(9);
        let (_, raw) = record.push(&mut buffer, ActorId(3));
        assert_eq!(Record::decode(&raw), Some(record));
        for length in 0..raw.payload.len() {
            let payload = &raw.payload[..length];
            let decoded = Record::decode(&crate::types::record::RawRecord { payload, ..raw });
            let archive_cut = number == 102 && length >= 5;
            assert!(
                decoded.is_none() || archive_cut,
                "{length} bytes of {record:?}"
            );
        }
    });
}

#[test]
fn a_message_of_a_milestone_keeps_its_number() {
    let started = |milestone| {
        let mut bytes = Vec::new();
        let record = EffectStarted {
            order: ORDER,
            tenant: TENANT,
            accepted: 1,
            number: 1,
            kind: EffectKind::Notify,
            provider: ProviderId(0),
            attempt: 1,
            step: 255,
            milestone,
            target: 0,
            target_kind: 0,
            amount: 0,
            reference: "",
            note: "",
        };
        Record::Process(ProcessRecord::Started(record)).put(&mut bytes);
        bytes[33]
    };
    assert_eq!(started(None), 0);
    assert_eq!(started(Some(Milestone::Expired)), 10);
}
