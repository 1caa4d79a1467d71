//! The way of an order where everything goes well, or nearly.

use super::play::{
    AUTHORIZE, Answer, EASYPOST, ERP, FRAUD, HUBSPOT, Play, SHIPSTATION, SLACK, STRIPE, TOTAL,
    WAREHOUSE,
};
use crate::types::OrderState;
use crate::types::effect::{EffectClass, EffectKind, Milestone};
use crate::types::process::{BreakerState, OperatorAction, ReportKind, ReviewReason, SubState};

const DAY_MS: u64 = 24 * 3_600_000;

fn retry() -> Answer {
    Answer::of(EffectClass::Retry)
}

fn unknown() -> Answer {
    Answer::of(EffectClass::Unknown)
}

#[test]
fn a_placed_order_walks_to_completed() {
    let mut play = Play::new();
    play.place(1);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    let cell = play.shop.cell(play.sku, play.here);
    assert_eq!((cell.reserved, cell.committed), (0, 1));
    play.report(EASYPOST, 1, ReportKind::Shipped);
    assert_eq!(play.state(1), OrderState::Shipped);
    assert_eq!(play.shop.cell(play.sku, play.here).on_hand, 999);
    play.report(EASYPOST, 1, ReportKind::Delivered);
    assert_eq!(play.state(1), OrderState::Delivered);
    let view = play.view(1).unwrap();
    assert_eq!((view.image.captured, view.image.refunded), (TOTAL, 0));
    play.pass(14 * DAY_MS);
    assert_eq!(play.state(1), OrderState::Completed);
    assert!(play.view(1).is_none(), "a completed order leaves the table");
    for (provider, kind) in [
        (FRAUD, EffectKind::FraudScore),
        (STRIPE, EffectKind::PaymentAuthorise),
        (STRIPE, EffectKind::PaymentCapture),
        (EASYPOST, EffectKind::Label),
        (WAREHOUSE, EffectKind::WarehouseOrder),
        (HUBSPOT, EffectKind::CrmUpdate),
    ] {
        assert_eq!(play.count(provider, kind), 1, "{}", kind.name());
    }
    let milestones = [
        Milestone::Received,
        Milestone::Confirmed,
        Milestone::Shipped,
        Milestone::Delivered,
    ];
    assert_eq!(play.told(), milestones);
    play.check();
}

#[test]
fn without_pipelines_a_placed_order_is_as_before() {
    let mut play = Play::new();
    let mut shop = crate::engine::tests::shop::Shop::new();
    let sku = shop.sku("shoe");
    let here = shop.location("here", 0, 0, 0);
    shop.receive(sku, here, 1);
    let lines = [crate::engine::tests::shop::line(sku, here, 1)];
    let outcome = shop.reserve(&play.order(1, &lines));
    assert_eq!(outcome.state, Some(OrderState::FraudCheck));
    shop.advance(u64::from(super::play::HOLD_MS));
    assert_eq!(shop.order(1).unwrap().0.state, OrderState::Expired);
    play.place(1);
    assert!(play.view(1).is_some());
}

#[test]
fn scores_pass_review_or_decline() {
    for (score, state) in [
        (60, OrderState::Fulfilling),
        (61, OrderState::Review),
        (85, OrderState::Review),
        (86, OrderState::Declined),
    ] {
        let mut play = Play::new();
        play.says(FRAUD, EffectKind::FraudScore, &[Answer::score(score)]);
        play.place(1);
        assert_eq!(play.state(1), state, "score {score}");
        play.check();
    }
}

#[test]
fn without_a_score_small_orders_go_on_and_large_ones_to_review() {
    let mut play = Play::new();
    play.says(FRAUD, EffectKind::FraudScore, &[unknown()]);
    play.place(1);
    assert_eq!(
        play.view(1).unwrap().image.review,
        ReviewReason::FraudUnavailable
    );
    assert_eq!(
        play.operate(1, OperatorAction::Approve).code,
        crate::types::ResultCode::Ok
    );
    assert_eq!(play.state(1), OrderState::Fulfilling);
    play.check();
}

#[test]
fn a_failing_payment_is_retried_after_two_four_and_eight_seconds_with_one_key() {
    let mut play = Play::new();
    play.says(
        STRIPE,
        EffectKind::PaymentAuthorise,
        &[retry(), retry(), retry()],
    );
    play.place(1);
    let start = play.shop.clock_ms;
    assert_eq!(play.view(1).unwrap().image.sub, SubState::RetryWait);
    play.pass(14_000);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    let asked: Vec<(u64, u8, u16)> = play
        .calls
        .iter()
        .filter(|call| call.effect.kind == EffectKind::PaymentAuthorise)
        .map(|call| (call.at_ms - start, call.effect.attempt, call.effect.number))
        .collect();
    let number = asked[0].2;
    let expected = [(0, 1), (2_000, 2), (6_000, 3), (14_000, 4)];
    assert_eq!(asked, expected.map(|(at, attempt)| (at, attempt, number)));
    let told = play.told();
    assert_eq!(
        told.iter().filter(|it| **it == Milestone::Delayed).count(),
        1
    );
    play.check();
}

#[test]
fn an_exhausted_processor_is_failed_over_and_needs_no_void_where_nothing_happened() {
    let mut play = Play::new();
    play.always(STRIPE, EffectKind::PaymentAuthorise, retry());
    play.place(1);
    play.pass(14_000);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentAuthorise), 4);
    assert_eq!(play.count(AUTHORIZE, EffectKind::PaymentAuthorise), 1);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentVoid), 0);
    assert_eq!(play.count(AUTHORIZE, EffectKind::PaymentCapture), 1);
    play.check();
}

#[test]
fn an_unknown_outcome_is_asked_about_and_the_loser_of_a_failover_is_voided() {
    let mut play = Play::new();
    play.always(STRIPE, EffectKind::PaymentAuthorise, unknown());
    play.always(STRIPE, EffectKind::PaymentQuery, retry());
    play.place(1);
    play.pass(14_000);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert!(play.count(STRIPE, EffectKind::PaymentQuery) > 0);
    assert_eq!(play.count(AUTHORIZE, EffectKind::PaymentCapture), 1);
    play.pass(400_000);
    assert!(play.count(STRIPE, EffectKind::PaymentVoid) > 0);
    play.check();
}

#[test]
fn a_query_that_finds_the_authorisation_confirms_without_a_second_attempt() {
    let mut play = Play::new();
    play.says(STRIPE, EffectKind::PaymentAuthorise, &[unknown()]);
    play.place(1);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentAuthorise), 1);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentCapture), 1);
    play.check();
}

#[test]
fn the_breaker_opens_at_five_failures_and_the_backup_serves_at_once() {
    let mut play = Play::new();
    play.always(STRIPE, EffectKind::PaymentAuthorise, retry());
    for key in 1..=6 {
        play.place(key);
    }
    let breaker = &play.shop.engine.breakers()[usize::from(STRIPE)];
    assert_eq!(breaker.state, BreakerState::Open);
    assert_eq!(
        play.state(6),
        OrderState::Fulfilling,
        "the backup took it at once"
    );
    play.pass(2_000);
    assert!((1..=5).all(|key| play.state(key) == OrderState::Fulfilling));
    assert_eq!(play.count(STRIPE, EffectKind::PaymentAuthorise), 5);
    play.always(
        STRIPE,
        EffectKind::PaymentAuthorise,
        Answer::of(EffectClass::Done),
    );
    play.pass(30_000);
    play.silent.insert(STRIPE);
    play.place(7);
    let breaker = &play.shop.engine.breakers()[usize::from(STRIPE)];
    assert_eq!(
        (breaker.state, breaker.in_flight),
        (BreakerState::HalfOpen, 1)
    );
    play.pass(5_000);
    let breaker = &play.shop.engine.breakers()[usize::from(STRIPE)];
    assert_eq!(
        breaker.state,
        BreakerState::Open,
        "the probe did not answer in time"
    );
    assert_eq!(
        breaker.until_ms,
        play.shop.clock_ms + 60_000,
        "twice as long"
    );
    play.silent.clear();
    play.pass(60_000);
    play.place(8);
    let breaker = &play.shop.engine.breakers()[usize::from(STRIPE)];
    assert_eq!(breaker.state, BreakerState::Closed);
    play.check();
}

#[test]
fn with_no_processor_left_orders_wait_in_review_and_the_team_gets_one_alert() {
    let mut play = Play::new();
    play.always(STRIPE, EffectKind::PaymentAuthorise, retry());
    play.always(AUTHORIZE, EffectKind::PaymentAuthorise, retry());
    for key in 1..=20 {
        play.place(key);
    }
    play.pass(60_000);
    assert!((1..=20).all(|key| play.state(key) == OrderState::Review));
    let alerts: Vec<u64> = play
        .calls
        .iter()
        .filter(|call| call.effect.kind == EffectKind::Alert)
        .map(|call| call.effect.amount)
        .collect();
    assert_eq!(alerts.iter().sum::<u64>(), 20, "{alerts:?}");
    assert!(alerts.len() < 5, "{alerts:?}");
    assert_eq!(play.count(SLACK, EffectKind::Alert), alerts.len());
    play.always(
        STRIPE,
        EffectKind::PaymentAuthorise,
        Answer::of(EffectClass::Done),
    );
    for key in 1..=20 {
        play.operate(key, OperatorAction::Approve);
    }
    assert!((1..=20).all(|key| play.state(key) == OrderState::Fulfilling));
    play.check();
}

#[test]
fn a_decline_ends_the_order_and_does_not_count_for_the_breaker() {
    let mut play = Play::new();
    play.says(
        STRIPE,
        EffectKind::PaymentAuthorise,
        &[Answer::of(EffectClass::Declined)],
    );
    play.place(1);
    assert_eq!(play.state(1), OrderState::Declined);
    assert_eq!(play.shop.engine.breakers()[usize::from(STRIPE)].failures, 0);
    assert_eq!(play.shop.cell(play.sku, play.here).available(), 1_000);
    play.check();
}

#[test]
fn a_label_goes_to_the_backup_and_then_to_review() {
    let mut play = Play::new();
    let refused = Answer::of(EffectClass::Refused);
    play.always(EASYPOST, EffectKind::Label, refused.clone());
    play.place(1);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    play.always(SHIPSTATION, EffectKind::Label, refused);
    play.place(2);
    assert_eq!(play.view(2).unwrap().image.review, ReviewReason::Fulfilment);
    play.always(
        SHIPSTATION,
        EffectKind::Label,
        Answer::of(EffectClass::Done),
    );
    play.operate(2, OperatorAction::Approve);
    assert_eq!(play.state(2), OrderState::Fulfilling);
    play.check();
}

#[test]
fn cash_on_delivery_and_settled_orders_have_no_payment_call() {
    for pipeline in ["cod", "settled"] {
        let mut play = Play::of(pipeline);
        play.place(1);
        assert_eq!(play.state(1), OrderState::Fulfilling, "{pipeline}");
        assert_eq!(play.count(STRIPE, EffectKind::PaymentAuthorise), 0);
        play.report(EASYPOST, 1, ReportKind::Delivered);
        assert_eq!(play.state(1), OrderState::Delivered);
        play.check();
    }
}

#[test]
fn a_step_of_the_merchants_own_runs_in_its_place_and_is_undone() {
    let mut play = Play::of("erp");
    play.place(1);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.count(ERP, EffectKind::Webhook), 1);
    play.operate(1, OperatorAction::Cancel);
    assert_eq!(play.state(1), OrderState::Cancelled);
    let undone: Vec<EffectKind> = play
        .calls
        .iter()
        .map(|call| call.effect.kind)
        .filter(|kind| kind.is_compensation())
        .collect();
    let expected = [
        EffectKind::WarehouseRecall,
        EffectKind::LabelCancel,
        EffectKind::PaymentRefund,
        EffectKind::WebhookUndo,
    ];
    assert_eq!(undone, expected);
    assert_eq!(play.shop.cell(play.sku, play.here).available(), 1_000);
    play.check();
}

#[test]
fn a_delivered_order_whose_money_was_not_captured_is_reviewed_before_it_is_completed() {
    let mut play = Play::new();
    let refused = Answer::of(EffectClass::Refused);
    play.says(STRIPE, EffectKind::PaymentCapture, &[refused]);
    play.place(1);
    let reason = |play: &Play| play.view(1).unwrap().image.review;
    assert_eq!(play.state(1), OrderState::Review);
    assert_eq!(reason(&play), ReviewReason::Capture);
    play.report(EASYPOST, 1, ReportKind::Shipped);
    play.report(EASYPOST, 1, ReportKind::Delivered);
    assert_eq!(play.state(1), OrderState::Delivered);
    play.pass(14 * DAY_MS);
    assert_eq!(play.state(1), OrderState::Review);
    assert_eq!(reason(&play), ReviewReason::Capture);
    play.operate(1, OperatorAction::Approve);
    play.settle();
    assert_eq!(play.view(1).unwrap().image.captured, TOTAL);
    play.pass(14 * DAY_MS);
    assert_eq!(play.state(1), OrderState::Completed);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentCapture), 2);
    play.check();
}

#[test]
fn a_capture_whose_every_answer_is_lost_is_settled_by_the_processor_s_report() {
    let mut play = Play::new();
    play.always(
        STRIPE,
        EffectKind::PaymentCapture,
        Answer::of(EffectClass::Unknown),
    );
    play.place(1);
    play.pass(DAY_MS / 4);
    let view = play.view(1).unwrap();
    assert_eq!(view.state, OrderState::Review);
    assert_eq!(view.image.review, ReviewReason::Capture);
    let calls = play.count(STRIPE, EffectKind::PaymentCapture);
    play.report(STRIPE, 1, ReportKind::PaymentCaptured);
    let view = play.view(1).unwrap();
    assert_ne!(view.state, OrderState::Review);
    assert_eq!(view.image.captured, TOTAL);
    play.report(EASYPOST, 1, ReportKind::Shipped);
    play.report(EASYPOST, 1, ReportKind::Delivered);
    play.pass(14 * DAY_MS);
    assert_eq!(play.state(1), OrderState::Completed);
    assert_eq!(play.count(STRIPE, EffectKind::PaymentCapture), calls);
    play.check();
}
