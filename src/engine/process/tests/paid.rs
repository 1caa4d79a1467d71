//! Paid orders that change, and payments that took another amount than was asked for.

use super::play::{Answer, EASYPOST, Play, STRIPE, TOTAL, set};
use crate::engine::command::{Command, OrderOutcome, OrderRequest};
use crate::engine::process::command::OpenEffect;
use crate::engine::tests::shop::{ANY, line};
use crate::types::effect::{EffectClass, EffectKind};
use crate::types::pipeline::StepKind;
use crate::types::process::{OperatorAction, ReviewReason};
use crate::types::{OrderState, ResultCode};

fn of(class: EffectClass) -> Answer {
    Answer::of(class)
}

fn paid(amount: u64) -> Answer {
    Answer {
        amount,
        ..of(EffectClass::Done)
    }
}

/// The next version: one unit, for so much.
fn change(play: &mut Play, version: u16, total: u64) -> OrderOutcome {
    let lines = [line(play.sku, ANY, 1)];
    let order = OrderRequest {
        version,
        total,
        ..play.order(1, &lines)
    };
    let outcome = play.shop.reserve(&order);
    play.settle();
    outcome
}

/// Captured at confirmation, and the label is not to be had yet.
fn captured() -> Play {
    let mut play = Play::new();
    play.silent.insert(EASYPOST);
    play.place(1);
    assert_eq!(play.view(1).unwrap().image.captured, TOTAL);
    play
}

fn money(play: &Play) -> (u64, u64, u64) {
    let image = play.view(1).unwrap().image;
    (image.total, image.captured, image.refunded)
}

fn is_for_a_person(play: &mut Play, version: u16, total: u64) {
    let before = money(play);
    let outcome = change(play, version, total);
    assert_eq!(outcome.code, ResultCode::NotReplaceable);
    assert_eq!(outcome.state, Some(OrderState::Review));
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::Edit);
    assert_eq!(money(play), before, "the version before stands");
    play.check();
    play.operate(1, OperatorAction::Approve);
    assert_eq!(play.state(1), OrderState::Confirmed);
}

fn last(play: &Play, kind: EffectKind) -> OpenEffect {
    let mut calls = play.calls.iter().rev();
    let call = calls.find(|call| call.effect.kind == kind);
    call.expect("a call").effect.clone()
}

#[test]
fn money_that_went_back_pays_for_no_later_version() {
    let mut play = captured();
    assert_eq!(change(&mut play, 2, TOTAL - 2_000).code, ResultCode::Ok);
    assert_eq!(money(&play), (TOTAL - 2_000, TOTAL, 2_000));
    is_for_a_person(&mut play, 3, TOTAL - 500);
    assert_eq!(change(&mut play, 4, TOTAL - 2_000).code, ResultCode::Ok);
    assert_eq!(change(&mut play, 5, TOTAL - 2_001).code, ResultCode::Ok);
    assert_eq!(money(&play), (TOTAL - 2_001, TOTAL, 2_001));
    play.check();
}

#[test]
fn money_that_is_on_its_way_back_pays_for_no_later_version() {
    let mut play = captured();
    play.silent.insert(STRIPE);
    assert_eq!(change(&mut play, 2, TOTAL - 2_000).code, ResultCode::Ok);
    let refund = last(&play, EffectKind::PaymentRefund);
    is_for_a_person(&mut play, 3, TOTAL - 1_999);
    play.answer(&refund, &of(EffectClass::Done));
    assert_eq!(money(&play), (TOTAL - 2_000, TOTAL, 2_000));
    play.check();
}

#[test]
fn a_capture_without_an_answer_covers_what_it_asks_for() {
    let mut play = Play::new();
    play.silent.insert(EASYPOST);
    let retry = of(EffectClass::Retry);
    play.says(STRIPE, EffectKind::PaymentCapture, &[retry]);
    play.place(1);
    assert_eq!(money(&play), (TOTAL, 0, 0));
    is_for_a_person(&mut play, 2, TOTAL + 1);
    assert_eq!(change(&mut play, 3, TOTAL - 2_000).code, ResultCode::Ok);
    // Nothing went back yet: all that is about to be taken is there for it.
    assert_eq!(change(&mut play, 4, TOTAL - 500).code, ResultCode::Ok);
    play.pass(10_000);
    assert_eq!(money(&play), (TOTAL - 500, TOTAL, 500));
    play.check();
}

#[test]
fn a_version_that_costs_the_same_leaves_the_money_that_a_person_gave_back() {
    let mut play = captured();
    play.operate_on(1, OperatorAction::Refund, 0, 345);
    let outcome = change(&mut play, 2, TOTAL);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(money(&play), (TOTAL, TOTAL, 345));
    is_for_a_person(&mut play, 3, TOTAL - 100);
    play.check();
}

#[test]
fn what_a_one_step_payment_took_beyond_the_total_goes_back_with_the_rest() {
    for action in [OperatorAction::Cancel, OperatorAction::Decline] {
        let mut play = Play::of("wallet");
        play.says(STRIPE, EffectKind::PaymentAuthorise, &[paid(TOTAL + 2_000)]);
        play.place(1);
        let image = play.view(1).unwrap().image;
        assert_eq!(image.review, ReviewReason::PaymentMismatch);
        assert_eq!(money(&play), (TOTAL, TOTAL + 2_000, 0));
        play.check();
        play.silent.insert(STRIPE);
        play.operate(1, action);
        assert_eq!(play.state(1), OrderState::Cancelling);
        play.check();
        let refund = last(&play, EffectKind::PaymentRefund);
        assert_eq!(refund.amount, TOTAL + 2_000);
        play.answer(&refund, &of(EffectClass::Done));
        assert_eq!(money(&play), (TOTAL, TOTAL + 2_000, TOTAL + 2_000));
        play.check();
    }
}

#[test]
fn a_one_step_payment_of_another_amount_goes_on_where_a_person_says_so() {
    for amount in [TOTAL - 1_000, TOTAL + 1_000] {
        let mut play = Play::of("wallet");
        play.says(STRIPE, EffectKind::PaymentAuthorise, &[paid(amount)]);
        play.place(1);
        assert_eq!(play.state(1), OrderState::Review);
        play.check();
        play.operate(1, OperatorAction::Approve);
        assert_eq!(play.state(1), OrderState::Fulfilling);
        assert_eq!(money(&play), (TOTAL, amount, 0));
        let rest = play.operate_on(1, OperatorAction::Refund, 0, 1_000);
        assert_eq!(rest.code, ResultCode::Ok);
        assert_eq!(money(&play), (TOTAL, amount, 1_000));
        play.check();
    }
}

#[test]
fn a_one_step_payment_may_come_before_the_risk_is_known() {
    let mut set = set();
    set.pipelines.retain(|it| it.name == "wallet");
    let steps = &mut set.pipelines[0].steps;
    steps.swap(0, 1);
    assert_eq!(steps[0].kind, StepKind::Payment);
    let mut play = Play::with(&set);
    play.silent.insert(super::play::FRAUD);
    play.place(1);
    assert_eq!(play.state(1), OrderState::FraudCheck);
    assert_eq!(money(&play), (TOTAL, TOTAL, 0));
    play.check();
}

#[test]
fn an_order_whose_one_step_payment_has_no_outcome_yet_is_not_replaced() {
    let mut play = Play::of("wallet");
    play.silent.insert(STRIPE);
    play.place(1);
    let authorise = last(&play, EffectKind::PaymentAuthorise);
    let not_yet = |play: &mut Play| {
        let outcome = change(play, 2, 2 * TOTAL);
        assert_eq!(outcome.code, ResultCode::NotReplaceable);
        assert_eq!((outcome.version, outcome.replayed), (1, false));
        assert_eq!(play.count(STRIPE, EffectKind::PaymentAuthorise), 1);
        assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 0);
        play.check();
    };
    not_yet(&mut play);
    play.answer(&authorise, &of(EffectClass::Unknown));
    play.settle();
    assert_eq!(play.state(1), OrderState::Payment);
    not_yet(&mut play);
    let query = last(&play, EffectKind::PaymentQuery);
    play.answer(&query, &of(EffectClass::Unknown));
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::Payment);
    not_yet(&mut play);
}

#[test]
fn a_one_step_payment_that_may_have_happened_is_undone_before_the_next_one_is_asked_for() {
    let mut play = Play::of("wallet");
    play.silent.insert(STRIPE);
    play.place(1);
    let authorise = last(&play, EffectKind::PaymentAuthorise);
    // Its stock is lost: it leaves its payment for a review.
    let (sku, location) = (play.sku, play.here);
    for delta in [-1_000, 1_000] {
        let key = play.shop.fresh();
        play.shop.execute(&Command::Adjust {
            key,
            sku,
            location,
            delta,
            reason: "counted",
        });
    }
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::Shortage);
    play.answer(&authorise, &of(EffectClass::Unknown));
    play.settle();
    let void = last(&play, EffectKind::PaymentVoid);
    play.operate(1, OperatorAction::Approve);
    assert_eq!(play.state(1), OrderState::Payment);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentAuthorise), 1);
    play.check();
    play.silent.clear();
    play.answer(&void, &of(EffectClass::Done));
    play.settle();
    assert_eq!(play.count(STRIPE, EffectKind::PaymentAuthorise), 2);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(money(&play), (TOTAL, TOTAL, 0));
    play.check();
}

#[test]
fn an_order_whose_one_step_payment_did_not_happen_is_replaced() {
    let mut play = Play::of("wallet");
    let retry = of(EffectClass::Retry);
    play.says(STRIPE, EffectKind::PaymentAuthorise, &[retry]);
    play.place(1);
    assert_eq!(play.state(1), OrderState::Payment);
    assert_eq!(change(&mut play, 2, 2 * TOTAL).code, ResultCode::Ok);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(money(&play), (2 * TOTAL, 2 * TOTAL, 0));
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 0);
    play.check();
}
