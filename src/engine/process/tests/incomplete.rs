//! Orders whose buyer has yet to say where they are to go.

use super::play::{Play, SLACK, set};
use crate::engine::command::{OrderOutcome, OrderRequest};
use crate::engine::tests::shop::{ANY, line};
use crate::types::effect::{EffectKind, Milestone};
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

/// How often the buyer was asked where the order is to go.
fn asked_where(play: &Play) -> usize {
    let told = play.told();
    let asked = told.iter().filter(|one| **one == Milestone::AddressMissing);
    asked.count()
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
    // The buyer is asked once, however often the order is changed before an answer.
    assert_eq!(asked_where(&play), 1);
    let outcome = version(&mut play, 3, OrderMode::Place);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.view(1).unwrap().image.review, ReviewReason::None);
    play.check();
}

#[test]
fn its_buyer_is_asked_where_it_is_to_go_instead_of_being_told_that_it_was_received() {
    let play = incomplete();
    assert_eq!(play.told(), [Milestone::AddressMissing]);
    // Nobody is set up to ask: what every buyer is told holds for this one as well.
    let mut set = set();
    let asking = Milestone::AddressMissing as u8;
    set.messages.retain(|message| message.milestone != asking);
    let mut play = Play::with(&set);
    version(&mut play, 1, OrderMode::Incomplete);
    assert_eq!(play.told(), [Milestone::Received]);
    // Whoever said where it is to go is not asked.
    let mut play = Play::new();
    version(&mut play, 1, OrderMode::Place);
    assert!(play.told().contains(&Milestone::Received));
    assert_eq!(asked_where(&play), 0);
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
