//! Orders whose buyer has yet to say where they are to go.

use super::play::{Play, SLACK};
use crate::engine::command::{OrderOutcome, OrderRequest};
use crate::engine::tests::shop::{ANY, line};
use crate::types::effect::EffectKind;
use crate::types::process::{OperatorAction, ReviewReason};
use crate::types::{OrderMode, OrderState, ResultCode};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

fn version(play: &mut Play, version: u16, mode: OrderMode) -> OrderOutcome {
    let lines = [line(play.sku, ANY, 2)];
    let order = OrderRequest {
        version,
        mode,
        ..play.order(1, &lines)
    };
    let outcome = play.shop.reserve(&order);
    play.settle();
    outcome
}

fn incomplete() -> Play {
    let mut play = Play::new();
    let outcome = version(&mut play, 1, OrderMode::Incomplete);
    assert_eq!(
        (outcome.code, outcome.state),
        (ResultCode::Ok, Some(OrderState::Review))
    );
    let view = play.view(1).unwrap();
    assert_eq!(view.image.review, ReviewReason::AddressMissing);
    play
}

#[test]
fn an_order_without_address_holds_its_units_in_review_and_nobody_is_asked_for_money() {
    let mut play = incomplete();
    play.pass(60_000);
    assert_eq!(play.shop.cell(play.sku, play.here).reserved, 2);
    let asked = |kind: EffectKind| {
        play.calls
            .iter()
            .filter(|it| it.effect.kind == kind)
            .count()
    };
    assert_eq!(asked(EffectKind::PaymentAuthorise), 0);
    assert!(play.count(SLACK, EffectKind::Alert) > 0, "somebody is told");
    play.check();
}

#[test]
fn the_next_version_with_an_address_goes_its_way_and_one_without_waits_on() {
    let mut play = incomplete();
    let outcome = version(&mut play, 2, OrderMode::Incomplete);
    assert_eq!(outcome.code, ResultCode::Ok);
    let view = play.view(1).unwrap();
    assert_eq!(view.image.review, ReviewReason::AddressMissing);
    let outcome = version(&mut play, 3, OrderMode::Place);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::None);
    play.check();
}

#[test]
fn a_person_may_let_it_go_on_as_it_is_or_end_it_and_time_ends_it_too() {
    let mut play = incomplete();
    play.operate(1, OperatorAction::Approve);
    play.settle();
    assert_eq!(play.state(1), OrderState::Fulfilling);
    play.check();
    let mut play = incomplete();
    play.operate(1, OperatorAction::Cancel);
    play.settle();
    assert_eq!(play.state(1), OrderState::Cancelled);
    let mut play = incomplete();
    play.pass(8 * DAY_MS);
    assert_eq!(play.state(1), OrderState::Expired);
    assert_eq!(play.shop.cell(play.sku, play.here).reserved, 0);
    play.check();
}
