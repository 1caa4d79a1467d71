//! Records of one order, one by one.

use super::rig::{BERLIN, LAMP, START_MS, STRIPE, TENANT};
use onhand::engine::record::{
    Allocation, EffectEnded, EffectStarted, Lines, OrderAccepted, OrderMoved, ProcessImage,
    ProcessRecord, Record, process_flags, put_lines,
};
use onhand::types::effect::{EffectClass, EffectKind, EffectNext, ProviderId};
use onhand::types::process::{ProcessEvent, ReviewReason, SubState, TimerKind};
use onhand::types::{ChannelId, OrderKey, OrderState};

pub fn lines_of(quantity: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let line = Allocation {
        sku: LAMP,
        quantity,
        location: BERLIN,
    };
    put_lines(&mut bytes, &[line]);
    bytes
}

pub fn accepted<'a>(
    order: u128,
    flags: u8,
    lines: &'a [u8],
    details: &'a [u8],
) -> OrderAccepted<'a> {
    OrderAccepted {
        key: OrderKey(order),
        fingerprint: 5,
        customer: 77,
        total: 500,
        ttl_ms: 900_000,
        tenant: TENANT,
        channel: ChannelId(4),
        version: 1,
        currency: 978,
        flags,
        allocations: Lines::from_bytes(lines),
        requested: Lines::default(),
        destination: None,
        details,
        details_version: u8::from(!details.is_empty()),
    }
}

pub fn moved(
    order: u128,
    event: ProcessEvent,
    from: Option<OrderState>,
    to: OrderState,
) -> OrderMoved<'static> {
    OrderMoved {
        order: OrderKey(order),
        tenant: TENANT,
        accepted: 1,
        event,
        from,
        to,
        image: ProcessImage {
            set: 1,
            pipeline: 0,
            step: 0,
            sub: SubState::None,
            review: ReviewReason::None,
            resume_to: None,
            timer: TimerKind::None,
            timer_at_ms: 0,
            flags: process_flags::TOUCHED,
            score: 61,
            processor: STRIPE,
            authorised: 500,
            captured: 0,
            refunded: 0,
            country: 0,
            tags: 0,
            effects: 1,
            declines: 0,
            total: 500,
            currency: 978,
        },
        note: "",
    }
}

pub fn of_move<'a>(moved: &OrderMoved<'a>) -> Record<'a> {
    Record::Process(ProcessRecord::Moved(*moved))
}

pub fn started(
    order: u128,
    number: u16,
    kind: EffectKind,
    provider: ProviderId,
    attempt: u8,
) -> Record<'static> {
    Record::Process(ProcessRecord::Started(EffectStarted {
        order: OrderKey(order),
        tenant: TENANT,
        accepted: 1,
        number,
        kind,
        provider,
        attempt,
        step: 1,
        milestone: None,
        target: 0,
        target_kind: 0,
        amount: 500,
        reference: "",
        note: "pay",
    }))
}

pub fn ended(
    order: u128,
    number: u16,
    kind: EffectKind,
    provider: ProviderId,
    attempt: u8,
) -> EffectEnded<'static> {
    EffectEnded {
        order: OrderKey(order),
        tenant: TENANT,
        number,
        kind,
        provider,
        attempt,
        class: EffectClass::Retry,
        next: EffectNext::RetryWait,
        counted: true,
        due_ms: START_MS,
        latency_ms: 42,
        status: 503,
        amount: 0,
        currency: 0,
        score: 255,
        reference: "",
        code: "unavailable",
        message: "try later",
    }
}

pub fn of_end<'a>(ended: &EffectEnded<'a>) -> Record<'a> {
    Record::Process(ProcessRecord::Ended(*ended))
}
