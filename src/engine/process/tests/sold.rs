//! Orders that a channel has sold already, and cancellations that come before their order.

use super::play::{EASYPOST, HUBSPOT, Play, SLACK, TOTAL, TWILIO, set};
use crate::engine::command::{Command, CommandOutcome, OrderOutcome, OrderRequest};
use crate::engine::process::command::ProcessCommand;
use crate::engine::record::process_flags::FACT;
use crate::engine::record::{RequestedLine, kind};
use crate::engine::tests::shop::{ANY, line, request};
use crate::types::effect::{EffectKind, Milestone};
use crate::types::process::{OperatorAction, ReviewReason, TimerKind};
use crate::types::{CommandKey, LocationId, OrderKey, OrderMode, OrderState, ResultCode};

/// Orders of a marketplace that has the money go to fulfilment at once.
fn market() -> Play {
    let mut set = set();
    set.pipelines.retain(|it| it.name == "settled");
    Play::with(&set)
}

fn sold<'a>(play: &Play, key: u128, lines: &'a [RequestedLine]) -> OrderRequest<'a> {
    OrderRequest {
        mode: OrderMode::Fact,
        ..play.order(key, lines)
    }
}

fn sell(play: &mut Play, key: u128, units: u32) -> OrderOutcome {
    let lines = [line(play.sku, ANY, units)];
    let order = sold(play, key, &lines);
    let outcome = play.shop.reserve(&order);
    play.settle();
    outcome
}

fn ahead(play: &mut Play, command: u128, order: u128) -> CommandOutcome {
    let outcome = play.process(&ProcessCommand::CancelAhead {
        key: CommandKey(command),
        order: OrderKey(order),
        reason: "the buyer changed their mind",
    });
    play.settle();
    outcome
}

fn review(play: &Play, key: u128) -> ReviewReason {
    play.view(key).unwrap().image.review
}

#[test]
fn a_sold_order_that_stock_covers_goes_its_way_like_a_placed_one() {
    let mut play = market();
    let outcome = sell(&mut play, 1, 4);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.shop.journaled(kind::CHANNEL_OVERSOLD), 0);
    assert!(play.view(1).unwrap().image.flags & FACT != 0);
    assert_eq!(play.shop.cell(play.sku, play.here).committed, 4);
    play.check();
}

#[test]
fn a_sold_order_beyond_stock_is_accepted_counted_as_short_and_waits_for_a_person() {
    let mut play = market();
    let outcome = sell(&mut play, 1, 1_003);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(outcome.state, Some(OrderState::Review));
    assert_eq!(review(&play, 1), ReviewReason::ChannelOversold);
    let cell = play.shop.cell(play.sku, play.here);
    assert_eq!(
        (cell.reserved, cell.available(), cell.short()),
        (1_003, 0, 3)
    );
    assert_eq!(play.shop.journaled(kind::CHANNEL_OVERSOLD), 1);
    assert_eq!(play.count(EASYPOST, EffectKind::Label), 0);
    play.pass(60_000);
    assert_eq!(play.count(SLACK, EffectKind::Alert), 1);
    let again = sell(&mut play, 1, 1_003);
    assert!(again.replayed);
    assert_eq!(again.state, Some(OrderState::Review));
    play.check();
}

#[test]
fn an_oversold_order_is_approved_once_stock_covers_it() {
    let mut play = market();
    sell(&mut play, 1, 1_003);
    let refused = play.operate(1, OperatorAction::Approve);
    assert_eq!(refused.code, ResultCode::InsufficientStock);
    assert_eq!(refused.cell.short(), 3);
    assert_eq!(play.state(1), OrderState::Review);
    let (sku, here) = (play.sku, play.here);
    play.shop.receive(sku, here, 2);
    let refused = play.operate(1, OperatorAction::Approve);
    assert_eq!(refused.code, ResultCode::InsufficientStock);
    play.shop.receive(sku, here, 1);
    assert_eq!(
        play.operate(1, OperatorAction::Approve).code,
        ResultCode::Ok
    );
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.shop.cell(sku, here).short(), 0);
    play.check();
}

#[test]
fn the_first_of_two_oversold_orders_need_not_wait_for_the_second() {
    let mut play = market();
    sell(&mut play, 1, 1_001);
    sell(&mut play, 2, 5);
    let (sku, here) = (play.sku, play.here);
    play.shop.receive(sku, here, 1);
    assert_eq!(play.shop.cell(sku, here).short(), 5);
    assert_eq!(
        play.operate(1, OperatorAction::Approve).code,
        ResultCode::Ok
    );
    let refused = play.operate(2, OperatorAction::Approve);
    assert_eq!(refused.code, ResultCode::InsufficientStock);
    play.check();
}

#[test]
fn an_oversold_order_that_is_cancelled_or_declined_leaves_no_shortage() {
    for (action, end) in [
        (OperatorAction::Cancel, OrderState::Cancelled),
        (OperatorAction::Decline, OrderState::Declined),
    ] {
        let mut play = market();
        sell(&mut play, 1, 1_003);
        assert_eq!(play.operate(1, action).code, ResultCode::Ok);
        assert_eq!(play.state(1), end);
        let cell = play.shop.cell(play.sku, play.here);
        assert_eq!((cell.available(), cell.short()), (1_000, 0));
        play.check();
    }
}

#[test]
fn no_time_ends_an_order_that_a_channel_has_sold() {
    let mut play = market();
    sell(&mut play, 1, 1_003);
    play.pass(3 * 24 * 3_600_000);
    assert_eq!(play.state(1), OrderState::Review);
    let mut unpaid = Play::new();
    unpaid.silent.insert(super::play::STRIPE);
    sell(&mut unpaid, 1, 1);
    assert_eq!(unpaid.state(1), OrderState::Payment);
    unpaid.pass(24 * 3_600_000);
    assert_eq!(unpaid.state(1), OrderState::Review);
    assert_eq!(review(&unpaid, 1), ReviewReason::Late);
    play.check();
    unpaid.check();
}

#[test]
fn a_sold_order_is_taken_off_sale_beside_its_own_stock_and_without_any() {
    let mut play = market();
    let sku = play.shop.sku("vase");
    play.shop.execute(&Command::DefineSku {
        name: "vase",
        on_sale: false,
        queue: None,
    });
    let lines = [line(sku, ANY, 2), line(play.sku, ANY, 1)];
    let order = sold(&play, 1, &lines);
    let outcome = play.shop.reserve(&order);
    assert_eq!(outcome.state, Some(OrderState::Review));
    let here = play.here;
    assert_eq!(play.shop.cell(sku, here).short(), 2);
    play.check();
}

#[test]
fn a_sold_order_takes_what_there_is_and_is_short_where_the_line_names_it() {
    let mut play = market();
    let there = play.shop.location("there", 5, 5, 9);
    let sku = play.shop.sku("vase");
    let here = play.here;
    play.shop.receive(sku, here, 2);
    play.shop.receive(sku, there, 3);
    let lines = [line(sku, there, 4), line(sku, ANY, 4)];
    let order = sold(&play, 1, &lines);
    assert_eq!(play.shop.reserve(&order).code, ResultCode::Ok);
    let of = |play: &Play, at: LocationId| {
        let cell = play.shop.cell(sku, at);
        (cell.reserved, cell.short())
    };
    assert_eq!((of(&play, here), of(&play, there)), ((4, 2), (4, 1)));
    play.check();
}

#[test]
fn a_merchant_without_any_location_is_told_so() {
    let mut play = market();
    let context = play.shop.context;
    let other = play.shop.turn(|engine, out| {
        let tenant = engine.define_tenant("other", context.actor, out).unwrap();
        crate::engine::command::Context { tenant, ..context }
    });
    play.shop.context = other;
    let sku = play.shop.sku("vase");
    let lines = [line(sku, ANY, 1)];
    let order = sold(&play, 9, &lines);
    assert_eq!(play.shop.reserve(&order).code, ResultCode::UnknownLocation);
    assert!(play.shop.order(9).is_none());
}

#[test]
fn without_pipelines_a_sold_order_is_taken_like_a_placed_one() {
    let mut shop = crate::engine::tests::shop::Shop::new();
    let sku = shop.sku("shoe");
    let here = shop.location("here", 0, 0, 0);
    shop.receive(sku, here, 1);
    let lines = [line(sku, ANY, 2)];
    let order = OrderRequest {
        mode: OrderMode::Fact,
        ..request(1, &lines)
    };
    assert_eq!(shop.reserve(&order).code, ResultCode::InsufficientStock);
    shop.check();
}

#[test]
fn an_order_that_was_cancelled_before_it_came_is_cancelled_at_once() {
    let mut play = market();
    let kept = ahead(&mut play, 77, 1);
    assert_eq!((kept.code, kept.state), (ResultCode::Ok, None));
    assert!(kept.sequence > 0);
    assert!(ahead(&mut play, 77, 1).replayed);
    let outcome = sell(&mut play, 1, 1_003);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(outcome.state, Some(OrderState::Cancelled));
    let cell = play.shop.cell(play.sku, play.here);
    assert_eq!((cell.available(), cell.short()), (1_000, 0));
    assert_eq!(play.count(EASYPOST, EffectKind::Label), 0);
    assert_eq!(play.count(HUBSPOT, EffectKind::CrmUpdate), 0);
    assert_eq!(play.told(), [Milestone::Cancelled]);
    let again = sell(&mut play, 1, 1_003);
    assert!(again.replayed);
    assert_eq!(again.state, Some(OrderState::Cancelled));
    let late = ahead(&mut play, 77, 1);
    assert!(late.replayed);
    assert_eq!(late.state, Some(OrderState::Cancelled));
    play.check();
}

#[test]
fn a_hold_that_was_cancelled_before_it_came_holds_nothing() {
    let mut play = Play::new();
    ahead(&mut play, 77, 1);
    let lines = [line(play.sku, ANY, 2)];
    let outcome = play.shop.reserve(&OrderRequest {
        mode: OrderMode::Hold,
        ..play.order(1, &lines)
    });
    assert_eq!(outcome.state, Some(OrderState::Cancelled));
    assert_eq!(outcome.expires_at_ms, 0);
    assert_eq!(play.shop.cell(play.sku, play.here).available(), 1_000);
    play.check();
}

#[test]
fn a_cancellation_is_waited_for_only_so_long_and_a_known_order_is_cancelled_by_it() {
    let mut play = market();
    ahead(&mut play, 77, 1);
    play.pass(10 * 60_000);
    sell(&mut play, 1, 1);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    let outcome = ahead(&mut play, 78, 1);
    assert_eq!(outcome.code, ResultCode::Ok);
    assert_eq!(play.state(1), OrderState::Cancelled);
    let again = ahead(&mut play, 79, 1);
    assert_eq!(again.code, ResultCode::AlreadyResolved);
    play.check();
}

#[test]
fn a_held_order_is_cancelled_by_its_channel_like_by_anybody() {
    let mut play = Play::new();
    let lines = [line(play.sku, ANY, 2)];
    play.shop.hold(1, &lines);
    let outcome = ahead(&mut play, 77, 1);
    assert_eq!(outcome.state, Some(OrderState::Cancelled));
    assert_eq!(ahead(&mut play, 0, 1).code, ResultCode::InvalidKey);
    play.check();
}

#[test]
fn more_early_cancellations_than_there_is_room_for_drop_the_oldest() {
    let mut play = market();
    let most = crate::limits::EARLY_EVENTS_MAX as u128;
    let context = play.shop.context;
    play.shop.turn(|engine, out| {
        for order in 1..=most + 1 {
            let command = ProcessCommand::CancelAhead {
                key: CommandKey(1 << 80 | order),
                order: OrderKey(order),
                reason: "",
            };
            let outcome = engine.execute_process(context, &command, out);
            assert_eq!(outcome.code, ResultCode::Ok);
        }
    });
    sell(&mut play, 1, 1);
    sell(&mut play, 2, 1);
    sell(&mut play, most + 1, 1);
    assert_eq!(play.state(1), OrderState::Fulfilling);
    assert_eq!(play.state(2), OrderState::Cancelled);
    assert_eq!(play.state(most + 1), OrderState::Cancelled);
    play.check();
}

#[test]
fn a_change_that_comes_before_its_order_creates_it_and_the_late_order_is_stale() {
    for mode in [OrderMode::Place, OrderMode::Fact] {
        let mut play = market();
        let newer = [line(play.sku, ANY, 2)];
        let change = OrderRequest {
            mode,
            version: 2,
            ..play.order(1, &newer)
        };
        assert_eq!(play.shop.reserve(&change).code, ResultCode::Ok);
        play.settle();
        let older = [line(play.sku, ANY, 3)];
        let order = OrderRequest {
            mode,
            ..play.order(1, &older)
        };
        let late = play.shop.reserve(&order);
        assert_eq!(late.code, ResultCode::StaleVersion);
        assert_eq!(
            (late.state, late.version),
            (Some(OrderState::Fulfilling), 2)
        );
        assert_eq!(play.shop.cell(play.sku, play.here).committed, 2);
        play.check();
    }
}

#[test]
fn the_review_of_an_oversold_order_has_its_own_time_and_amounts() {
    let mut play = market();
    sell(&mut play, 1, 1_003);
    let image = play.view(1).unwrap().image;
    assert_eq!(image.timer, TimerKind::Review);
    assert_eq!((image.total, image.authorised), (TOTAL, 0));
    assert_eq!(play.count(TWILIO, EffectKind::Notify), 1);
}
