//! Money that takes other ways: at once, late, back by hand at the processor, or on its way while
//! somebody asks about it.

use super::play::{AUTHORIZE, Answer, EASYPOST, FRAUD, HOLD_MS, Play, STRIPE, TOTAL};
use crate::engine::command::Command;
use crate::engine::process::command::OpenEffect;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone};
use crate::types::process::{OperatorAction, ReportKind, ReviewReason};
use crate::types::{OrderState, ResultCode};

fn of(class: EffectClass) -> Answer {
    Answer::of(class)
}

fn last(play: &Play) -> OpenEffect {
    play.calls.last().unwrap().effect.clone()
}

/// An order whose payment is on its way, without an answer.
fn paying() -> (Play, OpenEffect) {
    let mut play = Play::new();
    play.silent.insert(STRIPE);
    play.place(1);
    let authorise = last(&play);
    assert_eq!(authorise.kind, EffectKind::PaymentAuthorise);
    (play, authorise)
}

#[test]
fn time_ends_an_order_as_expired_whatever_way_it_takes_and_late_money_brings_it_back() {
    // By its hold, by the pin of an open payment, and behind an undo that took its time.
    for undo_ms in [0, 3_600_000] {
        let (mut play, authorise) = paying();
        play.pass(u64::from(HOLD_MS) + 10 * 60_000);
        assert_eq!(play.state(1), OrderState::Cancelling);
        let void = last(&play);
        play.pass(undo_ms);
        play.answer(&void, &of(EffectClass::Absent));
        assert_eq!(play.state(1), OrderState::Expired, "time ended it");
        play.silent.clear();
        play.answer(&authorise, &of(EffectClass::Done));
        play.settle();
        assert_eq!(play.state(1), OrderState::Fulfilling);
        assert_eq!(play.view(1).unwrap().image.captured, TOTAL);
        play.check();
    }
}

#[test]
fn late_money_does_not_bring_back_what_somebody_cancelled_or_declined() {
    let end = |play: &mut Play, declined: bool| {
        if declined {
            play.says(STRIPE, EffectKind::PaymentAuthorise, &[]);
            play.operate(1, OperatorAction::Decline);
        } else {
            assert_eq!(play.shop.cancel(1).code, ResultCode::Ok);
            play.settle();
        }
    };
    for declined in [false, true] {
        let (mut play, authorise) = paying();
        play.pass(14_000);
        if declined {
            // Its stock falls below what was promised, and a person looks at it.
            let (sku, here) = (play.sku, play.here);
            let key = play.shop.fresh();
            play.shop.execute(&Command::Adjust {
                key,
                sku,
                location: here,
                delta: -1_000,
                reason: "count",
            });
            assert_eq!(play.state(1), OrderState::Review);
        }
        end(&mut play, declined);
        let void = last(&play);
        assert_eq!(void.kind, EffectKind::PaymentVoid);
        play.answer(&void, &of(EffectClass::Absent));
        let ended = play.state(1);
        assert!(matches!(
            ended,
            OrderState::Cancelled | OrderState::Declined
        ));
        play.silent.clear();
        play.answer(&authorise, &of(EffectClass::Done));
        play.settle();
        assert_eq!(play.state(1), ended, "it does not come back");
        assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 2);
        assert_eq!(play.count(STRIPE, EffectKind::PaymentCapture), 0);
        play.check();
    }
}

#[test]
fn nothing_there_is_definite_only_when_the_request_cannot_be_on_its_way() {
    let mut play = Play::new();
    play.says(
        STRIPE,
        EffectKind::PaymentAuthorise,
        &[of(EffectClass::Unknown), of(EffectClass::Refused)],
    );
    play.says(STRIPE, EffectKind::PaymentQuery, &[of(EffectClass::Absent)]);
    play.says(
        STRIPE,
        EffectKind::PaymentVoid,
        &[of(EffectClass::Absent), of(EffectClass::Done)],
    );
    play.place(1);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentQuery), 1);
    let first = play.view(1).unwrap().effects;
    let first = first
        .iter()
        .find(|it| it.kind == EffectKind::PaymentAuthorise);
    assert_eq!(
        first.unwrap().next,
        Some(EffectNext::RetryWait),
        "the same attempt again"
    );
    play.pass(2_000);
    // Refused now, but the first request may still arrive: the backup pays, and it is voided.
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.count(AUTHORIZE, EffectKind::PaymentCapture), 1);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 1);
    play.pass(13_000);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 1, "not yet");
    play.pass(1_000);
    assert_eq!(
        play.count(STRIPE, EffectKind::PaymentVoid),
        2,
        "asked again when the answer counts, and then it was there"
    );
    play.check();
}

#[test]
fn a_one_step_payment_is_captured_with_its_authorisation_and_undone_by_a_refund() {
    let mut play = Play::of("wallet");
    play.place(1);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    let image = play.view(1).unwrap().image;
    assert_eq!((image.authorised, image.captured), (TOTAL, TOTAL));
    assert_eq!(play.count(STRIPE, EffectKind::PaymentCapture), 0);
    let mut calls = play.calls.iter().map(|call| &call.effect);
    let authorise = calls.find(|it| it.kind == EffectKind::PaymentAuthorise);
    assert_eq!(authorise.unwrap().note, "one_step", "its adapter is told");
    play.operate_on(1, OperatorAction::Refund, 0, 345);
    assert_eq!(play.view(1).unwrap().image.refunded, 345);
    play.operate(1, OperatorAction::Cancel);
    assert_eq!(play.state(1), OrderState::Cancelled);
    let refunds: Vec<u64> = play
        .calls
        .iter()
        .filter(|call| call.effect.kind == EffectKind::PaymentRefund)
        .map(|call| call.effect.amount)
        .collect();
    assert_eq!(refunds, [345, TOTAL - 345]);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 0);
    play.check();
}

#[test]
fn a_part_that_was_refunded_leaves_the_rest_to_the_cancellation() {
    let mut play = Play::new();
    play.place(1);
    play.operate_on(1, OperatorAction::Refund, 0, 345);
    play.operate(1, OperatorAction::Cancel);
    assert_eq!(play.state(1), OrderState::Cancelled);
    assert_eq!(play.view(1).unwrap().image.refunded, TOTAL);
    play.check();
}

/// An order by wallet whose payment timed out and whose processor does not know more.
fn unknown_wallet() -> Play {
    let mut play = Play::of("wallet");
    play.says(
        STRIPE,
        EffectKind::PaymentAuthorise,
        &[of(EffectClass::Unknown)],
    );
    play.always(STRIPE, EffectKind::PaymentQuery, of(EffectClass::Unknown));
    play.place(1);
    let image = play.view(1).unwrap().image;
    assert_eq!(image.review, ReviewReason::Payment);
    play
}

#[test]
fn a_one_step_payment_of_unknown_outcome_waits_in_review_and_is_tried_nowhere_else() {
    let mut play = unknown_wallet();
    play.pass(3_600_000);
    assert_eq!(play.count(AUTHORIZE, EffectKind::PaymentAuthorise), 0);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentAuthorise), 1);
    assert!(
        play.count(STRIPE, EffectKind::PaymentQuery) > 10,
        "asked on"
    );
    play.always(STRIPE, EffectKind::PaymentQuery, of(EffectClass::Done));
    play.pass(600_000); // its breaker is open
    assert_eq!(play.state(1), OrderState::Fulfilling, "it was paid");
    assert_eq!(play.view(1).unwrap().image.captured, TOTAL);
    play.check();
}

#[test]
fn a_report_or_a_refusal_settles_a_one_step_payment_in_review() {
    let mut paid = unknown_wallet();
    paid.report(STRIPE, 1, ReportKind::PaymentCaptured);
    assert_eq!(paid.state(1), OrderState::Fulfilling);
    paid.check();

    let mut declined = unknown_wallet();
    declined.always(STRIPE, EffectKind::PaymentQuery, of(EffectClass::Declined));
    declined.pass(60_000);
    assert_eq!(declined.state(1), OrderState::Declined);
    declined.check();

    let mut absent = unknown_wallet();
    absent.always(STRIPE, EffectKind::PaymentQuery, of(EffectClass::Absent));
    absent.pass(60_000);
    assert_eq!(absent.state(1), OrderState::Review, "a person decides");
    absent.operate(1, OperatorAction::Approve);
    assert_eq!(
        absent.state(1),
        OrderState::Fulfilling,
        "and it is paid anew"
    );
    assert_eq!(absent.count(STRIPE, EffectKind::PaymentAuthorise), 2);
    absent.check();

    let mut ended = unknown_wallet();
    ended.operate(1, OperatorAction::Decline);
    assert_eq!(ended.state(1), OrderState::Declined);
    assert_eq!(ended.count(STRIPE, EffectKind::PaymentVoid), 1);
    ended.check();
}

#[test]
fn nothing_there_counts_from_when_a_call_left_that_waited_for_its_turn() {
    let (mut play, authorise) = paying();
    play.pass(60_000);
    play.silent.clear();
    play.says(STRIPE, EffectKind::PaymentQuery, &[of(EffectClass::Absent)]);
    play.always(
        STRIPE,
        EffectKind::PaymentAuthorise,
        of(EffectClass::Refused),
    );
    let timed_out = Answer {
        latency_ms: 3_000,
        ..of(EffectClass::Unknown)
    };
    play.answer(&authorise, &timed_out);
    play.settle();
    assert_eq!(play.count(STRIPE, EffectKind::PaymentQuery), 1);
    play.pass(2_000);
    // It left a minute after its start, and may still arrive: the backup pays, and it is voided.
    assert_eq!(play.count(AUTHORIZE, EffectKind::PaymentCapture), 1);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 1);
    play.check();
}

#[test]
fn a_one_step_payment_that_certainly_failed_goes_to_the_backup() {
    let mut play = Play::of("wallet");
    play.always(
        STRIPE,
        EffectKind::PaymentAuthorise,
        of(EffectClass::Refused),
    );
    play.place(1);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.count(AUTHORIZE, EffectKind::PaymentAuthorise), 1);
    play.check();

    // Nothing was there when it was asked, but too early: asked again before anything else.
    let mut early = Play::of("wallet");
    early.says(
        STRIPE,
        EffectKind::PaymentAuthorise,
        &[of(EffectClass::Unknown)],
    );
    early.always(STRIPE, EffectKind::PaymentQuery, of(EffectClass::Absent));
    early.place(1);
    assert_eq!(early.state(1), OrderState::Payment);
    early.pass(13_000);
    assert_eq!(early.count(STRIPE, EffectKind::PaymentAuthorise), 1);
    early.pass(5_000);
    assert_eq!(early.count(STRIPE, EffectKind::PaymentQuery), 2);
    assert_eq!(early.count(STRIPE, EffectKind::PaymentAuthorise), 2);
    assert_eq!(early.state(1), OrderState::Fulfilling);
    early.check();
}

#[test]
fn a_late_one_step_payment_brings_an_expired_order_back_captured() {
    let mut play = Play::of("wallet");
    play.silent.insert(STRIPE);
    play.place(1);
    let authorise = last(&play);
    play.pass(u64::from(HOLD_MS) + 10 * 60_000);
    let void = last(&play);
    play.answer(&void, &of(EffectClass::Absent));
    assert_eq!(play.state(1), OrderState::Expired);
    play.silent.clear();
    play.answer(&authorise, &of(EffectClass::Done));
    play.settle();
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.view(1).unwrap().image.captured, TOTAL);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentCapture), 0);
    play.check();
}

#[test]
fn a_refund_made_at_the_processor_is_booked_once_and_never_beyond_what_was_captured() {
    use ReportKind::{PaymentRefundTotal, PaymentRefunded};
    let mut play = Play::new();
    play.place(1);
    let effects = play.view(1).unwrap().effects;
    let taken = effects
        .iter()
        .find(|it| it.kind == EffectKind::PaymentAuthorise);
    let payment = taken.unwrap().reference.clone();
    let total = |amount: u64| (PaymentRefundTotal, amount, payment.as_str());
    play.report_event(1, STRIPE, 1, total(500));
    play.report_event(1, STRIPE, 1, total(500));
    assert_eq!(play.view(1).unwrap().image.refunded, 500);
    assert_eq!(
        play.told()
            .iter()
            .filter(|it| **it == Milestone::Refunded)
            .count(),
        1
    );
    let told = last(&play);
    assert_eq!((told.kind, told.amount), (EffectKind::Notify, 500));
    // A refund of ours, which the processor reports as well: before its answer, and after it.
    play.silent.insert(STRIPE);
    play.operate_on(1, OperatorAction::Refund, 0, 300);
    let refund = last(&play);
    play.report_event(2, STRIPE, 1, total(800));
    play.answer(&refund, &of(EffectClass::Done));
    play.silent.clear();
    play.settle();
    play.report_event(3, STRIPE, 1, total(800));
    assert_eq!(play.view(1).unwrap().image.refunded, 800);
    // Of another payment: that of an attempt that was given up.
    play.report_event(4, STRIPE, 1, (PaymentRefundTotal, TOTAL, "pi_other"));
    play.report_event(5, AUTHORIZE, 1, (PaymentRefunded, TOTAL, "other"));
    assert_eq!(play.view(1).unwrap().image.refunded, 800);
    // One that does not say the total, and in the end more than was captured.
    play.report_event(6, STRIPE, 1, (PaymentRefunded, 200, "re_1"));
    assert_eq!(play.view(1).unwrap().image.refunded, 1_000);
    play.report_event(7, STRIPE, 1, total(TOTAL + 7));
    assert_eq!(play.view(1).unwrap().image.refunded, TOTAL);
    assert_eq!(last(&play).note, "refunded_more_than_captured");
    play.report(EASYPOST, 1, ReportKind::Shipped);
    assert_eq!(play.state(1), OrderState::Shipped, "it goes its way");
    play.check();
}

#[test]
fn a_review_of_units_reserved_only_expires_and_one_with_money_is_escalated_instead() {
    const REVIEW_MS: u64 = 24 * 3_600_000;
    let mut unpaid = Play::new();
    unpaid.says(FRAUD, EffectKind::FraudScore, &[Answer::score(70)]);
    unpaid.place(1);
    assert_eq!(unpaid.state(1), OrderState::Review);
    unpaid.pass(REVIEW_MS - 1);
    assert_eq!(unpaid.state(1), OrderState::Review);
    unpaid.pass(1);
    assert_eq!(unpaid.state(1), OrderState::Expired);
    assert!(unpaid.told().contains(&Milestone::Expired));
    unpaid.check();

    // With an authorisation: voided first, and only then the units go back.
    let mut mismatch = Play::new();
    let less = Answer {
        amount: TOTAL - 1,
        ..of(EffectClass::Done)
    };
    mismatch.says(STRIPE, EffectKind::PaymentAuthorise, &[less]);
    mismatch.place(1);
    mismatch.silent.insert(STRIPE);
    mismatch.pass(REVIEW_MS);
    assert_eq!(mismatch.state(1), OrderState::Cancelling);
    assert_eq!(last(&mismatch).kind, EffectKind::PaymentVoid);
    mismatch.check();

    // Paid: it never ends by itself, and is never silent.
    let mut paid = Play::new();
    paid.always(EASYPOST, EffectKind::Label, of(EffectClass::Refused));
    paid.always(
        super::play::SHIPSTATION,
        EffectKind::Label,
        of(EffectClass::Refused),
    );
    paid.place(1);
    assert_eq!(paid.view(1).unwrap().image.review, ReviewReason::Fulfilment);
    let alerts = |play: &Play| play.count(super::play::SLACK, EffectKind::Alert);
    paid.pass(60_000);
    let before = alerts(&paid);
    paid.pass(3 * REVIEW_MS);
    assert_eq!(paid.state(1), OrderState::Review);
    assert_eq!(alerts(&paid), before + 3, "told again each time");
    paid.check();
}

/// An order whose hold ended while its payment was on the way, and whose void found nothing.
fn expired_while_paying(play: &mut Play) -> crate::engine::process::command::OpenEffect {
    play.silent.insert(STRIPE);
    play.place(1);
    let authorise = play.calls.last().unwrap().effect.clone();
    play.pass(u64::from(HOLD_MS) + 10 * 60_000);
    let void = play.calls.last().unwrap().effect.clone();
    play.answer(&void, &of(EffectClass::Absent));
    assert_eq!(play.state(1), OrderState::Expired);
    play.silent.clear();
    authorise
}

#[test]
fn a_late_payment_brings_an_expired_order_back_where_its_units_are_there() {
    let mut play = Play::new();
    let authorise = expired_while_paying(&mut play);
    play.answer(&authorise, &of(EffectClass::Done));
    play.settle();
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 1);
    assert_eq!(play.view(1).unwrap().image.captured, TOTAL);
    play.report(EASYPOST, 1, ReportKind::Shipped);
    assert_eq!(play.state(1), OrderState::Shipped);
    play.check();
}

#[test]
fn a_late_payment_is_given_back_where_the_units_are_gone() {
    let mut play = Play::new();
    expired_while_paying(&mut play);
    let lines = [crate::engine::tests::shop::line(play.sku, play.here, 1_000)];
    assert_eq!(play.shop.hold(2, &lines).code, ResultCode::Ok);
    let voids = play.count(STRIPE, EffectKind::PaymentVoid);
    play.report(STRIPE, 1, ReportKind::PaymentAuthorised);
    assert_eq!(play.state(1), OrderState::Expired);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), voids + 1);
    play.check();
}
