//! Orders that a channel has sold, and the unpaid holds whose units they may take.

use super::play::{FRAUD, Play, set};
use crate::engine::command::{OrderOutcome, OrderRequest};
use crate::engine::process::command::ProcessCommand;
use crate::engine::record::{RequestedLine, kind};
use crate::engine::tests::shop::{ANY, line};
use crate::types::process::ReviewReason;
use crate::types::{CommandKey, OrderKey, OrderMode, OrderState, Resolution, ResultCode};

/// Orders of a marketplace go to fulfilment at once, and may end unpaid holds.
fn market() -> Play {
    let mut set = set();
    set.pipelines.retain(|it| it.name == "settled");
    set.facts_preempt_holds = true;
    Play::with(&set)
}

fn sell(play: &mut Play, key: u128, lines: &[RequestedLine]) -> OrderOutcome {
    let order = OrderRequest {
        mode: OrderMode::Fact,
        ..play.order(key, lines)
    };
    let outcome = play.shop.reserve(&order);
    play.settle();
    outcome
}

fn hold(play: &mut Play, key: u128, units: u32) {
    let lines = [line(play.sku, ANY, units)];
    assert_eq!(play.shop.hold(key, &lines).code, ResultCode::Ok);
}

#[test]
fn the_newest_holds_end_as_few_as_cover_all_of_the_sold_order() {
    let mut play = market();
    hold(&mut play, 1, 400);
    hold(&mut play, 2, 300);
    hold(&mut play, 3, 300);
    let lines = [line(play.sku, ANY, 350)];
    let outcome = sell(&mut play, 10, &lines);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(play.state(10), OrderState::Fulfilling);
    let ends = [1, 2, 3].map(|key| play.state(key));
    let gone = OrderState::Cancelled;
    assert_eq!(ends, [OrderState::Held, gone, gone]);
    let cell = play.shop.cell(play.sku, play.here);
    assert_eq!(
        (
            cell.reserved,
            cell.committed,
            cell.available(),
            cell.short()
        ),
        (400, 350, 250, 0)
    );
    assert_eq!(play.shop.journaled(kind::HOLD_PREEMPTED), 2);
    assert_eq!(play.shop.journaled(kind::CHANNEL_OVERSOLD), 0);
    let late = play.shop.confirm(3, &[]);
    assert_eq!(late.code, ResultCode::AlreadyResolved);
    assert_eq!(late.state, Some(OrderState::Cancelled));
    assert_eq!(late.resolution, Resolution::Released);
    assert_eq!(play.shop.confirm(1, &[]).code, ResultCode::Ok);
    play.check();
}

#[test]
fn without_the_setting_no_hold_ends_and_a_person_decides() {
    let mut set = set();
    set.pipelines.retain(|it| it.name == "settled");
    let mut play = Play::with(&set);
    hold(&mut play, 1, 1_000);
    let lines = [line(play.sku, ANY, 1)];
    sell(&mut play, 10, &lines);
    assert_eq!(play.state(1), OrderState::Held);
    assert_eq!(play.state(10), OrderState::Review);
    assert_eq!(play.shop.journaled(kind::HOLD_PREEMPTED), 0);
    play.check();
}

#[test]
fn where_holds_do_not_cover_all_of_it_none_ends() {
    let mut play = market();
    hold(&mut play, 1, 900);
    play.shop.confirm(1, &[]);
    hold(&mut play, 2, 100);
    let lines = [line(play.sku, ANY, 150)];
    sell(&mut play, 10, &lines);
    assert_eq!(play.state(1), OrderState::Confirmed, "it is paid");
    assert_eq!(play.state(2), OrderState::Held);
    let review = play.view(10).unwrap().image.review;
    assert_eq!(review, ReviewReason::ChannelOversold);
    assert_eq!(play.shop.cell(play.sku, play.here).short(), 150);
    play.check();
}

#[test]
fn an_order_in_process_keeps_its_units_and_so_does_a_hold_elsewhere() {
    let mut set = set();
    set.facts_preempt_holds = true;
    let mut play = Play::with(&set);
    play.silent.insert(FRAUD);
    let all = [line(play.sku, ANY, 1_000)];
    let placed = play.order(1, &all);
    assert_eq!(play.shop.reserve(&placed).code, ResultCode::Ok);
    let there = play.shop.location("there", 5, 5, 9);
    play.shop.receive(play.sku, there, 10);
    hold(&mut play, 2, 10);
    let lines = [line(play.sku, play.here, 1)];
    sell(&mut play, 10, &lines);
    assert_eq!(play.state(1), OrderState::FraudCheck);
    assert_eq!(play.state(2), OrderState::Held, "its units are not there");
    assert_eq!(play.shop.journaled(kind::HOLD_PREEMPTED), 0);
    // Anywhere will do: the hold's location as well.
    let lines = [line(play.sku, ANY, 1)];
    sell(&mut play, 11, &lines);
    assert_eq!(play.state(2), OrderState::Cancelled);
    assert_eq!(play.shop.cell(play.sku, there).available(), 9);
    play.check();
}

#[test]
fn a_hold_that_helps_with_one_line_gives_all_its_units_back() {
    let mut play = market();
    let (sku, here) = (play.sku, play.here);
    let shirt = play.shop.sku("shirt");
    play.shop.receive(shirt, here, 5);
    let both = [line(sku, ANY, 1_000), line(shirt, ANY, 5)];
    assert_eq!(play.shop.hold(1, &both).code, ResultCode::Ok);
    sell(&mut play, 10, &[line(shirt, ANY, 2)]);
    assert_eq!(play.state(1), OrderState::Cancelled);
    let left = [sku, shirt].map(|sku| play.shop.cell(sku, here).available());
    assert_eq!(left, [1_000, 3]);
    play.check();
}

#[test]
fn a_sold_order_that_was_cancelled_before_it_came_ends_no_hold() {
    let mut play = market();
    hold(&mut play, 1, 1_000);
    play.process(&ProcessCommand::CancelAhead {
        key: CommandKey(77),
        order: OrderKey(10),
        reason: "changed their mind",
    });
    let lines = [line(play.sku, ANY, 5)];
    sell(&mut play, 10, &lines);
    assert_eq!(play.state(1), OrderState::Held);
    assert_eq!(play.state(10), OrderState::Cancelled);
    play.check();
}
