//! Orders that end early: what they started is undone, and nothing is taken twice.

use super::play::{
    AUTHORIZE, Answer, EASYPOST, FRAUD, HOLD_MS, Play, STRIPE, TOTAL, TWILIO, WAREHOUSE, set,
};
use crate::engine::process::command::{EffectResult, ProcessCommand, Report};
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone};
use crate::types::process::{BreakerState, OperatorAction, ReportKind, ReviewReason};
use crate::types::{OrderKey, OrderState, ResultCode};

fn of(class: EffectClass) -> Answer {
    Answer::of(class)
}

#[test]
fn a_cancelled_order_gets_its_money_back_and_its_stock_returns_last() {
    let mut play = Play::new();
    play.place(1);
    play.silent.insert(STRIPE);
    let outcome = play.operate(1, OperatorAction::Cancel);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(play.state(1), OrderState::Cancelling);
    assert_eq!(
        play.shop.cell(play.sku, play.here).committed,
        1,
        "held until definite"
    );
    play.silent.clear();
    let refund = play.calls.last().unwrap().effect.clone();
    assert_eq!(
        (refund.kind, refund.amount),
        (EffectKind::PaymentRefund, TOTAL)
    );
    play.answer(&refund, &of(EffectClass::Done));
    play.settle();
    assert_eq!(play.state(1), OrderState::Cancelled);
    assert_eq!(play.shop.cell(play.sku, play.here).available(), 1_000);
    assert!(play.told().contains(&Milestone::Refunded));
    play.check();
}

#[test]
fn a_client_cancels_an_order_in_process_and_a_repeat_gets_the_same_answer() {
    let mut play = Play::new();
    play.place(1);
    let key = play.shop.fresh();
    let command = crate::engine::command::Command::Cancel {
        key,
        order: OrderKey(1),
    };
    let first = play.shop.execute(&command);
    assert_eq!(
        (first.code, first.state),
        (ResultCode::Ok, Some(OrderState::Cancelling))
    );
    play.settle();
    let again = play.shop.execute(&command);
    assert_eq!((again.code, again.replayed), (ResultCode::Ok, true));
    assert_eq!(again.sequence, first.sequence);
    assert_eq!(again.state, Some(OrderState::Cancelled));
    let other = play.shop.cancel(1);
    assert_eq!(other.code, ResultCode::AlreadyResolved);
    play.check();
}

#[test]
fn a_hold_whose_payment_is_open_is_pinned_and_then_voided_before_it_is_released() {
    let mut play = Play::new();
    play.silent.insert(STRIPE);
    play.place(1);
    play.pass(u64::from(HOLD_MS));
    assert_eq!(play.state(1), OrderState::Payment, "pinned");
    play.pass(10 * 60_000);
    assert_eq!(play.state(1), OrderState::Cancelling);
    assert_eq!(play.shop.cell(play.sku, play.here).reserved, 1);
    let void = play.calls.last().unwrap().effect.clone();
    assert_eq!(void.kind, EffectKind::PaymentVoid);
    play.answer(&void, &of(EffectClass::Absent));
    assert_eq!(play.state(1), OrderState::Expired);
    assert_eq!(play.shop.cell(play.sku, play.here).available(), 1_000);
    play.check();
}

#[test]
fn a_payment_that_waits_for_the_buyer_is_cancelled_before_its_hold_is_released() {
    let mut play = Play::new();
    play.says(
        STRIPE,
        EffectKind::PaymentAuthorise,
        &[of(EffectClass::ActionRequired)],
    );
    play.place(1);
    assert!(play.told().contains(&Milestone::ActionRequired));
    play.pass(u64::from(HOLD_MS));
    assert_eq!(play.state(1), OrderState::Expired);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 1);
    play.check();
}

#[test]
fn a_buyer_who_acts_in_time_is_confirmed_by_the_report() {
    let mut play = Play::new();
    play.says(
        STRIPE,
        EffectKind::PaymentAuthorise,
        &[of(EffectClass::ActionRequired)],
    );
    play.place(1);
    play.report(STRIPE, 1, ReportKind::PaymentAuthorised);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentCapture), 1);
    play.check();
}

#[test]
fn money_that_arrives_for_an_abandoned_attempt_is_voided_and_never_captured() {
    let mut play = Play::new();
    play.silent.insert(STRIPE);
    play.place(1);
    let authorise = play.calls.last().unwrap().effect.clone();
    play.operate(1, OperatorAction::Cancel);
    for at_ms in [0, 14_000] {
        play.pass(at_ms);
        assert_eq!(play.state(1), OrderState::Cancelling, "may be on its way");
        let void = play.calls.last().unwrap().effect.clone();
        assert_eq!(void.kind, EffectKind::PaymentVoid);
        play.answer(&void, &of(EffectClass::Absent));
    }
    assert_eq!(play.state(1), OrderState::Cancelled, "nothing is there");
    play.silent.clear();
    play.answer(&authorise, &of(EffectClass::Done));
    play.settle();
    assert_eq!(play.state(1), OrderState::Cancelled, "somebody said no");
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 3);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentCapture), 0);
    let before = play.shop.engine.digest();
    play.answer(&authorise, &of(EffectClass::Done));
    assert_eq!(
        play.shop.engine.digest(),
        before,
        "the same answer again changes nothing"
    );
    play.check();
}

#[test]
fn nothing_there_is_definite_at_once_where_the_call_never_left() {
    for (withdrew, state) in [
        (false, OrderState::Cancelling),
        (true, OrderState::Cancelled),
    ] {
        let mut play = Play::new();
        play.silent.insert(STRIPE);
        play.place(1);
        play.operate(1, OperatorAction::Cancel);
        let void = play.calls.last().unwrap().effect.clone();
        assert_eq!(void.kind, EffectKind::PaymentVoid);
        // A void that failed says nothing of what it takes back, whoever withdrew that.
        let failed = Answer {
            withdrew,
            ..of(EffectClass::Retry)
        };
        play.answer(&void, &failed);
        assert_eq!(play.state(1), OrderState::Cancelling);
        play.pass(2_000);
        let again = play.calls.last().unwrap().effect.clone();
        assert_eq!((again.number, again.attempt), (void.number, 2));
        let nothing = Answer {
            withdrew,
            ..of(EffectClass::Absent)
        };
        play.answer(&again, &nothing);
        assert_eq!(play.state(1), state, "withdrawn: {withdrew}");
        let released = play.shop.cell(play.sku, play.here).available() == 1_000;
        assert_eq!(released, withdrew);
        play.check();
    }
}

#[test]
fn an_authorisation_of_another_amount_is_not_taken_without_a_person() {
    let mut play = Play::new();
    let less = Answer {
        amount: TOTAL - 1,
        ..of(EffectClass::Done)
    };
    play.says(STRIPE, EffectKind::PaymentAuthorise, &[less]);
    play.place(1);
    assert_eq!(
        play.view(1).unwrap().image.review,
        ReviewReason::PaymentMismatch
    );
    play.operate(1, OperatorAction::Decline);
    assert_eq!(play.state(1), OrderState::Declined);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 1);
    play.check();
}

#[test]
fn a_compensation_that_cannot_be_done_waits_for_a_person_and_keeps_the_units() {
    let mut play = Play::new();
    play.place(1);
    play.always(
        WAREHOUSE,
        EffectKind::WarehouseRecall,
        of(EffectClass::Refused),
    );
    play.operate(1, OperatorAction::Cancel);
    let view = play.view(1).unwrap();
    assert_eq!(view.image.review, ReviewReason::Compensation);
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 1);
    let dead = view
        .effects
        .iter()
        .find(|effect| effect.next == Some(EffectNext::Dead));
    let dead = dead.unwrap().number;
    let unknown = play.operate_on(1, OperatorAction::Redrive, 999, 0);
    assert_eq!(unknown.code, ResultCode::UnknownEffect);
    play.operate_on(1, OperatorAction::Discard, dead, 0);
    assert_eq!(play.state(1), OrderState::Cancelled);
    play.check();
}

#[test]
fn decisions_are_refused_where_they_do_not_belong_and_answered_alike_when_repeated() {
    let mut play = Play::new();
    play.place(1);
    let approve = play.operate(1, OperatorAction::Approve);
    assert_eq!(approve.code, ResultCode::NotInState);
    let refund = play.operate_on(1, OperatorAction::Refund, 0, TOTAL + 1);
    assert_eq!(refund.code, ResultCode::ExceedsCaptured);
    let part = play.operate_on(1, OperatorAction::Refund, 0, 345);
    assert_eq!(part.code, ResultCode::Ok);
    assert_eq!(play.view(1).unwrap().image.refunded, 345);
    let breaker = play.process(&ProcessCommand::Breaker {
        provider: "nobody",
        isolate: true,
    });
    assert_eq!(breaker.code, ResultCode::UnknownProvider);
    let ship = play.operate(1, OperatorAction::Ship);
    assert_eq!(
        (ship.code, ship.state),
        (ResultCode::Ok, Some(OrderState::Shipped))
    );
    let cancel = play.operate(1, OperatorAction::Cancel);
    assert_eq!(cancel.code, ResultCode::AlreadyShipped);
    play.check();
}

#[test]
fn dead_letters_of_a_completed_order_stay_and_can_be_driven_again() {
    let mut play = Play::new();
    play.always(TWILIO, EffectKind::Notify, of(EffectClass::Refused));
    play.place(1);
    play.report(EASYPOST, 1, ReportKind::Delivered);
    play.pass(14 * 24 * 3_600_000);
    assert_eq!(play.state(1), OrderState::Completed);
    let dead: Vec<u16> = play
        .view(1)
        .unwrap()
        .effects
        .iter()
        .filter(|effect| effect.next == Some(EffectNext::Dead))
        .map(|effect| effect.number)
        .collect();
    assert_eq!(dead.len(), 4);
    play.always(TWILIO, EffectKind::Notify, of(EffectClass::Done));
    for number in dead {
        let outcome = play.operate_on(1, OperatorAction::Redrive, number, 0);
        assert_eq!(outcome.code, ResultCode::Ok);
    }
    assert!(play.view(1).is_none(), "nothing is left to say");
    play.check();
}

#[test]
fn a_report_is_taken_once_and_waits_for_its_order() {
    let mut play = Play::new();
    let report = |event: u128| {
        ProcessCommand::Report(Report {
            event,
            provider: "easypost",
            kind: ReportKind::Shipped,
            order: OrderKey(1),
            reference: "",
            amount: 0,
            text: "1Z",
        })
    };
    play.process(&report(7));
    play.place(1);
    assert_eq!(
        play.state(1),
        OrderState::Fulfilling,
        "it came too early to be a shipment"
    );
    let again = play.process(&report(7));
    assert!(again.replayed);
    play.process(&report(8));
    assert_eq!(play.state(1), OrderState::Shipped);
    play.check();
}

#[test]
fn answers_that_are_late_or_doubled_change_nothing() {
    let mut play = Play::new();
    play.place(1);
    let calls: Vec<_> = play.calls.iter().map(|call| call.effect.clone()).collect();
    let before = play.shop.engine.digest();
    for effect in &calls {
        for class in EffectClass::ALL {
            play.answer(effect, &of(*class));
        }
    }
    assert_eq!(play.shop.engine.digest(), before);
    let nobody = play.process(&ProcessCommand::Result(EffectResult {
        order: OrderKey(99),
        number: 1,
        attempt: 1,
        class: EffectClass::Done,
        counted: false,
        retry_after_ms: 0,
        latency_ms: 1,
        status: 200,
        amount: 0,
        currency: 0,
        score: 255,
        reference: "",
        code: "",
        message: "",
        withdrew: false,
    }));
    assert_eq!(nobody.code, ResultCode::UnknownOrder);
    play.check();
}

#[test]
fn a_slow_processor_loses_its_traffic_within_twenty_calls_and_gets_it_back() {
    let mut play = Play::new();
    for key in 1..=20 {
        play.place(key);
    }
    let state = |play: &Play| play.shop.engine.breakers()[usize::from(STRIPE)].state;
    let slow = Answer {
        latency_ms: 400,
        ..of(EffectClass::Done)
    };
    play.always(STRIPE, EffectKind::PaymentAuthorise, slow.clone());
    play.always(STRIPE, EffectKind::PaymentCapture, slow);
    let calls = |play: &Play| {
        play.count(STRIPE, EffectKind::PaymentAuthorise)
            + play.count(STRIPE, EffectKind::PaymentCapture)
    };
    let before = calls(&play);
    let mut key = 20;
    while state(&play) == BreakerState::Closed {
        key += 1;
        play.place(key);
    }
    assert!(calls(&play) - before <= 20);
    assert_eq!(state(&play), BreakerState::Slow);
    let backup = play.count(AUTHORIZE, EffectKind::PaymentAuthorise);
    for _ in 0..20 {
        key += 1;
        play.place(key);
    }
    assert!(play.count(AUTHORIZE, EffectKind::PaymentAuthorise) - backup >= 15);
    let fast = Answer {
        latency_ms: 20,
        ..of(EffectClass::Done)
    };
    play.always(STRIPE, EffectKind::PaymentAuthorise, fast.clone());
    play.always(STRIPE, EffectKind::PaymentCapture, fast);
    for _ in 0..100 {
        key += 1;
        play.place(key);
    }
    assert_eq!(state(&play), BreakerState::Closed);
    play.check();
}

#[test]
fn orders_keep_the_pipelines_under_which_they_entered() {
    let mut play = Play::new();
    play.silent.insert(FRAUD);
    play.place(1);
    let mut other = set();
    other.pipelines.truncate(1);
    other.pipelines[0].name = "changed".to_owned();
    assert_eq!(play.define(&other).handle, 2);
    assert!(play.define(&other).replayed);
    play.place(2);
    assert_eq!(play.view(1).unwrap().pipeline, "standard");
    assert_eq!(play.view(2).unwrap().pipeline, "changed");
    assert_eq!(play.shop.engine.pipelines().unwrap().0, 2);
    play.check();
}

#[test]
fn a_new_version_gives_up_the_old_authorisation_and_starts_anew() {
    let mut play = Play::new();
    play.says(
        STRIPE,
        EffectKind::PaymentAuthorise,
        &[of(EffectClass::ActionRequired)],
    );
    play.place(1);
    let lines = [crate::engine::tests::shop::line(play.sku, play.here, 3)];
    let order = crate::engine::command::OrderRequest {
        version: 2,
        total: 2 * TOTAL,
        ..play.order(1, &lines)
    };
    let outcome = play.shop.reserve(&order);
    assert_eq!(outcome.code, ResultCode::Ok);
    play.settle();
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 1);
    assert_eq!(play.view(1).unwrap().image.captured, 2 * TOTAL);
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 3);
    play.check();
}

#[test]
fn a_shortage_brings_the_newest_unpaid_orders_into_review_and_no_more_than_needed() {
    let mut play = Play::new();
    play.place(1);
    play.silent.insert(STRIPE);
    for key in 2..=4 {
        play.place(key);
    }
    let key = play.shop.fresh();
    let (sku, location) = (play.sku, play.here);
    play.shop.execute(&crate::engine::command::Command::Adjust {
        key,
        sku,
        location,
        delta: -998,
        reason: "flood",
    });
    let states: Vec<OrderState> = (1..=4).map(|key| play.state(key)).collect();
    let (review, payment) = (OrderState::Review, OrderState::Payment);
    assert_eq!(states, [OrderState::Fulfilling, payment, review, review]);
    play.operate(4, OperatorAction::Cancel);
    play.silent.clear();
    play.operate(3, OperatorAction::Approve);
    for call in play.calls.clone() {
        play.answer(&call.effect, &of(EffectClass::Done));
    }
    play.settle();
    assert_eq!(
        play.state(3),
        OrderState::Fulfilling,
        "its own call went on meanwhile"
    );
    assert_eq!(play.state(4), OrderState::Cancelled);
    play.check();
}

#[test]
fn a_confirmed_hold_with_details_goes_on_to_fulfilment_and_one_without_stays() {
    let details = crate::types::details::OrderDetails {
        country: "NL".to_owned(),
        ..Default::default()
    };
    let details = rkyv::to_bytes::<rkyv::rancor::Error>(&details).unwrap();
    let mut play = Play::new();
    let lines = [crate::engine::tests::shop::line(play.sku, play.here, 1)];
    let hold = crate::engine::command::OrderRequest {
        mode: crate::types::OrderMode::Hold,
        details: &details,
        details_version: 1,
        ..play.order(1, &lines)
    };
    play.shop.reserve(&hold);
    let bare = crate::engine::command::OrderRequest {
        key: OrderKey(2),
        details: &[],
        details_version: 0,
        ..hold
    };
    play.shop.reserve(&bare);
    for key in [1, 2] {
        assert_eq!(play.shop.confirm(key, &[]).code, ResultCode::Ok);
    }
    play.settle();
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(
        play.view(1).unwrap().image.country,
        u16::from_le_bytes(*b"NL")
    );
    assert_eq!(play.state(2), OrderState::Confirmed);
    assert!(play.view(2).is_none());
    play.report(EASYPOST, 1, ReportKind::Shipped);
    assert_eq!(play.state(1), OrderState::Shipped);
    play.check();
}
