//! Alerts to the team: one a window, and none keeps its order from going on.

use super::play::{Answer, EASYPOST, FRAUD, Play, SLACK, TOTAL, TWILIO, set};
use crate::engine::command::OrderRequest;
use crate::engine::tests::shop::{ANY, line};
use crate::limits::{ALERTS_PER_ORDER_BEYOND, EFFECTS_PER_ORDER_MAX};
use crate::types::OrderState;
use crate::types::effect::{EffectClass, EffectKind};
use crate::types::process::{OperatorAction, ReportKind};

const WINDOW_MS: u64 = 2_000;

fn refused() -> Answer {
    Answer::of(EffectClass::Refused)
}

/// The order's parcel is in trouble: it comes into review, and the alert's window passes.
fn review(play: &mut Play) {
    play.report(EASYPOST, 1, ReportKind::CarrierException);
    assert_eq!(play.state(1), OrderState::Review);
    play.shop.advance(WINDOW_MS);
    play.settle();
    let next = play.shop.engine.next_deadline_ms();
    assert!(
        next.is_none_or(|next| next > play.shop.clock_ms),
        "what was due is done"
    );
}

/// An order that has as many effects as it may have, most of them dead letters.
fn full() -> Play {
    let mut play = Play::new();
    play.always(TWILIO, EffectKind::Notify, refused());
    play.place(1);
    let effects = |play: &Play| play.view(1).unwrap().effects.len();
    while effects(&play) < EFFECTS_PER_ORDER_MAX {
        let before = effects(&play);
        play.operate_on(1, OperatorAction::Refund, 0, 1);
        assert_eq!(effects(&play), before + 1, "a message that nobody takes");
    }
    play
}

#[test]
fn the_team_hears_of_an_order_with_as_many_effects_as_it_may_have() {
    let mut play = full();
    review(&mut play);
    assert_eq!(play.count(SLACK, EffectKind::Alert), 1);
    play.check();
}

#[test]
fn an_alert_that_cannot_start_is_dropped_and_the_order_goes_on() {
    let mut play = full();
    play.always(SLACK, EffectKind::Alert, refused());
    for _ in 0..ALERTS_PER_ORDER_BEYOND + 2 {
        review(&mut play);
        play.operate(1, OperatorAction::Approve);
        assert_eq!(play.state(1), OrderState::Fulfilling);
    }
    let told = play.count(SLACK, EffectKind::Alert);
    assert_eq!(told, ALERTS_PER_ORDER_BEYOND);
    play.check();
}

#[test]
fn an_alert_that_is_for_nobody_any_more_is_dropped() {
    let mut play = Play::new();
    play.says(FRAUD, EffectKind::FraudScore, &[Answer::score(70)]);
    play.place(1);
    assert_eq!(play.state(1), OrderState::Review);
    let mut silent = set();
    silent.alert_providers.clear();
    play.define(&silent);
    play.silent.insert(FRAUD);
    let lines = [line(play.sku, ANY, 1)];
    let next = OrderRequest {
        version: 2,
        total: TOTAL + 1,
        ..play.order(1, &lines)
    };
    play.shop.reserve(&next);
    play.settle();
    play.shop.advance(WINDOW_MS);
    let next = play.shop.engine.next_deadline_ms();
    assert!(next.is_some_and(|next| next > play.shop.clock_ms));
    assert_eq!(play.count(SLACK, EffectKind::Alert), 0);
    play.check();
}

#[test]
fn a_second_attempt_does_not_take_the_place_of_the_next_windows_alert() {
    let mut play = Play::new();
    let retry = Answer::of(EffectClass::Retry);
    play.says(SLACK, EffectKind::Alert, &[retry]);
    for key in 1..=2 {
        play.says(FRAUD, EffectKind::FraudScore, &[Answer::score(70)]);
        play.place(key);
        // The first alert's second attempt leaves within the second one's window.
        play.pass(WINDOW_MS + 100);
    }
    play.pass(10 * WINDOW_MS);
    assert_eq!(play.count(SLACK, EffectKind::Alert), 3);
    play.check();
}
