//! Frames against answers made by hand.
#![allow(clippy::cast_possible_truncation, clippy::float_cmp)] // small counts, exact values

use super::*;
use crate::scenario::Scenario;
use onhand::wire::reply::ErrorReply;
use onhand::wire::request::Request;
use onhand::wire::split_frame;

fn workload(scenario: Scenario, batch: u16, orders_max: u64) -> Workload {
    let plan = Plan::new(scenario, 10, 80, 1);
    let skus = (0..10).map(|sku| SkuId(100 + sku)).collect();
    let bounds = Bounds {
        batch,
        orders_max,
        stop_ns: u64::MAX,
        hold_ms: 60_000,
    };
    Workload::new(plan, skus, LocationId(3), bounds)
}

fn answer(code: ResultCode, flags: u8) -> ReserveReplyItem {
    ReserveReplyItem {
        code,
        state: None,
        flags,
        version: 1,
        notes: 0,
        sequence: 0,
        expires_at_ms: 0,
    }
}

fn reply(answers: &[ReserveReplyItem]) -> Vec<u8> {
    let mut out = Vec::new();
    let start = frame::begin(&mut out);
    for answer in answers {
        answer.put(&mut out);
    }
    start.finish(&mut out, Opcode::Reserve.reply(), 9, answers.len() as u16);
    out
}

#[test]
fn frames_decode_to_the_planned_orders_and_end_with_the_last() {
    for scenario in [Scenario::Uniform, Scenario::Basket] {
        let mut workload = workload(scenario, 7, 10);
        let (mut flight, mut out) = (Flight::default(), Vec::new());
        assert!(workload.send_orders(&mut flight, 9, 5, &mut out));
        assert!(workload.send_orders(&mut flight, 10, 6, &mut out));
        assert_eq!((flight.first, flight.count, flight.sent_ns), (7, 3, 6));
        assert!(workload.is_exhausted(0));
        assert!(!workload.send_orders(&mut flight, 11, 7, &mut out));
        let (first, length) = split_frame(&out).unwrap().unwrap();
        let Request::Reserve(orders) = Request::decode(&first).unwrap() else {
            panic!()
        };
        assert_eq!(orders.len(), 7);
        for (number, order) in (0..).zip(orders) {
            let planned = workload.plan.order(number);
            assert_eq!(
                (order.key.0, order.customer),
                (planned.key, planned.customer)
            );
            let mut lines = Vec::new();
            workload.plan.lines(planned.identity, &mut lines);
            let sent: Vec<_> = order
                .lines
                .iter()
                .map(|line| PlannedLine {
                    sku: line.sku.0 - 100,
                    quantity: line.quantity,
                })
                .collect();
            assert_eq!(sent, lines);
        }
        let (second, _) = split_frame(&out[length..]).unwrap().unwrap();
        assert_eq!((second.header.request_id, second.header.count), (10, 3));
    }
}

#[test]
fn each_answer_counts_once_and_only_new_acceptances_enter_the_books() {
    let mut workload = workload(Scenario::Uniform, 6, 6);
    let (mut flight, mut out) = (Flight::default(), Vec::new());
    workload.send_orders(&mut flight, 9, 1_000, &mut out);
    let bytes = reply(&[
        answer(ResultCode::Ok, 0),
        answer(ResultCode::Ok, REPLAYED),
        answer(ResultCode::InsufficientStock, 0),
        answer(ResultCode::IdempotencyConflict, 0),
        answer(ResultCode::Overloaded, 0),
        answer(ResultCode::UnknownSku, 0),
    ]);
    let (frame, _) = split_frame(&bytes).unwrap().unwrap();
    workload.settle(&mut flight, &frame, 3_000);
    let counts = workload.tally.counts;
    assert_eq!(
        (counts.accepted, counts.rejected, counts.replayed),
        (1, 1, 1)
    );
    assert_eq!(
        (counts.conflicts, counts.overloaded, counts.errors),
        (1, 1, 1)
    );
    assert_eq!(counts.answered(), counts.offered);
    assert_eq!(workload.surprise, Some(ResultCode::UnknownSku));
    assert_eq!(workload.tally.winners.summary().p50, 2.0);
    assert_eq!(workload.tally.others.count(), 4);
}

#[test]
fn granted_holds_are_confirmed_then_released_as_planned() {
    let mut workload = workload(Scenario::HoldConfirmRelease, 100, 100);
    let (mut flight, mut out) = (Flight::default(), Vec::new());
    workload.send_orders(&mut flight, 9, 0, &mut out);
    let bytes = reply(&[answer(ResultCode::Ok, 0); 100]);
    workload.settle(&mut flight, &split_frame(&bytes).unwrap().unwrap().0, 1);
    let (confirms, releases) = (flight.confirm.len(), flight.release.len());
    assert!(confirms > releases && releases > 0);
    for (ask, opcode, count) in [
        (Ask::Confirm, Opcode::Confirm, confirms),
        (Ask::Release, Opcode::Release, releases),
    ] {
        out.clear();
        workload.send_follow_up(&mut flight, 9, 0, &mut out);
        assert_eq!(flight.ask, ask);
        let (request, _) = split_frame(&out).unwrap().unwrap();
        assert_eq!(
            (request.header.opcode, request.header.count),
            (opcode as u8, count as u16)
        );
        let mut bytes = Vec::new();
        let start = frame::begin(&mut bytes);
        let done = OrderCommandReply {
            code: ResultCode::Ok,
            state: None,
            resolution: onhand::types::Resolution::Confirmed,
            flags: 0,
            sequence: 1,
            expires_at_ms: 0,
        };
        (0..count).for_each(|_| done.put(&mut bytes));
        start.finish(&mut bytes, opcode.reply(), 9, count as u16);
        workload.settle(&mut flight, &split_frame(&bytes).unwrap().unwrap().0, 2);
    }
    assert!(!flight.has_follow_up());
    assert_eq!(workload.tally.commands, (confirms + releases) as u64);
    assert_eq!(workload.tally.commands_failed, 0);
}

#[test]
fn a_refused_frame_counts_all_its_orders() {
    let mut workload = workload(Scenario::Uniform, 6, 12);
    let (mut flight, mut out) = (Flight::default(), Vec::new());
    workload.send_orders(&mut flight, 9, 0, &mut out);
    workload.fail(&mut flight, ResultCode::Overloaded);
    assert_eq!(
        (workload.tally.counts.overloaded, workload.surprise),
        (6, None)
    );
    workload.send_orders(&mut flight, 9, 0, &mut out);
    let mut bytes = Vec::new();
    ErrorReply {
        code: ResultCode::ForbiddenRole,
        retry_after_ms: 0,
        text: "",
    }
    .put_frame(&mut bytes, 9);
    workload.settle(&mut flight, &split_frame(&bytes).unwrap().unwrap().0, 2);
    assert_eq!(workload.tally.counts.errors, 6);
    assert_eq!(workload.tally.counts.answered(), 12);
}
