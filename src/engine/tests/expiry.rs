//! Time: deadlines, bounded turns, retention.

use super::shop::{ANY, START_MS, Shop, TTL_MS, line, request};
use crate::engine::EngineOptions;
use crate::engine::record::kind;
use crate::limits::TIMERS_PER_TURN_MAX;
use crate::types::{LocationId, OrderState, ResultCode, SkuId};

fn shop(options: EngineOptions, units: u32) -> (Shop, SkuId, LocationId) {
    let mut shop = Shop::with(options);
    let sku = shop.sku("shoe");
    let here = shop.location("here", 0, 0, 0);
    shop.receive(sku, here, units);
    (shop, sku, here)
}

#[test]
fn a_hold_ends_exactly_at_its_deadline() {
    let (mut shop, sku, here) = shop(EngineOptions::default(), 5);
    shop.hold(1, &[line(sku, ANY, 5)]);
    assert_eq!(
        shop.engine.next_deadline_ms(),
        Some(START_MS + u64::from(TTL_MS))
    );
    assert_eq!(shop.advance(u64::from(TTL_MS) - 1).expired, 0);
    assert_eq!(
        shop.hold(2, &[line(sku, ANY, 1)]).code,
        ResultCode::InsufficientStock
    );
    assert_eq!(shop.advance(1).expired, 1);
    assert_eq!(shop.cell(sku, here).available(), 5);
    assert_eq!(shop.order(1).unwrap().0.state, OrderState::Expired);
    assert_eq!(shop.hold(3, &[line(sku, ANY, 5)]).code, ResultCode::Ok);
    shop.check();
}

#[test]
fn an_extended_hold_ends_at_its_new_deadline_only() {
    let (mut shop, sku, _) = shop(EngineOptions::default(), 5);
    shop.hold(1, &[line(sku, ANY, 5)]);
    shop.advance(1_000);
    assert_eq!(shop.extend(1, TTL_MS).code, ResultCode::Ok);
    assert_eq!(
        shop.advance(u64::from(TTL_MS) - 1_000).expired,
        0,
        "the old timer is void"
    );
    assert_eq!(shop.advance(1_000).expired, 1);
    shop.check();
}

#[test]
fn a_shorter_extension_never_moves_the_end_forward() {
    let (mut shop, sku, _) = shop(EngineOptions::default(), 5);
    let first = shop.hold(1, &[line(sku, ANY, 5)]);
    let outcome = shop.extend(1, 1);
    assert_eq!(
        (outcome.code, outcome.expires_at_ms),
        (ResultCode::Ok, first.expires_at_ms)
    );
    shop.check();
}

#[test]
fn a_confirmed_or_released_hold_does_not_expire() {
    let (mut shop, sku, here) = shop(EngineOptions::default(), 5);
    shop.hold(1, &[line(sku, ANY, 2)]);
    shop.hold(2, &[line(sku, ANY, 3)]);
    shop.confirm(1, &[]);
    shop.release(2);
    assert_eq!(shop.advance(u64::from(TTL_MS) * 2).expired, 0);
    assert_eq!(shop.cell(sku, here).committed, 2);
    assert_eq!(shop.journaled(kind::ORDER_EXPIRED), 0);
    shop.check();
}

#[test]
fn a_million_timers_due_at_once_fire_in_bounded_steps() {
    let count: u32 = 1_000_000;
    let (mut shop, sku, here) = shop(EngineOptions::default(), count);
    let context = shop.context;
    let lines = [line(sku, ANY, 1)];
    for key in 1..=u128::from(count) {
        let mut order = request(key, &lines);
        order.ttl_ms = 1_000 + u32::try_from(key % 3).unwrap();
        let mut notes = std::mem::take(&mut shop.notes);
        let mut out = crate::types::record::RecordBuffer::default();
        let outcome = shop.engine.reserve(context, &order, &mut out, &mut notes);
        assert_eq!(outcome.code, ResultCode::Ok);
        shop.notes = notes;
    }
    let clock_ms = shop.clock_ms + 60_000;
    let (mut turns, mut expired, mut last_ms) = (0, 0, shop.clock_ms);
    loop {
        let mut out = crate::types::record::RecordBuffer::default();
        out.start(1);
        let fired = shop
            .engine
            .fire_timers(clock_ms, TIMERS_PER_TURN_MAX, &mut out);
        assert!(fired.expired as usize <= TIMERS_PER_TURN_MAX);
        assert!(out.bytes().len() <= TIMERS_PER_TURN_MAX * 32);
        assert!(fired.turn_time_ms >= last_ms, "time never goes back");
        assert!(
            !fired.more || fired.turn_time_ms <= shop.clock_ms + 1_002,
            "time waits"
        );
        last_ms = fired.turn_time_ms;
        turns += 1;
        expired += fired.expired;
        if !fired.more {
            break;
        }
        // An order in between is told the truth about a hold that is over but not swept.
        let over = shop.engine.order(
            context.tenant,
            crate::types::OrderKey(3),
            &mut Vec::new(),
            &mut Vec::new(),
        );
        assert_eq!(over.unwrap().state, OrderState::Expired);
    }
    assert_eq!((expired, last_ms), (count, clock_ms));
    assert!(turns >= count as usize / TIMERS_PER_TURN_MAX);
    assert_eq!(shop.cell(sku, here).available(), count);
    shop.engine.check_invariants().unwrap();
}

#[test]
fn keys_of_ended_orders_are_forgotten_after_their_time_and_not_before() {
    let kept = 10_000;
    let options = EngineOptions {
        ended_order_kept_ms: kept,
        ..EngineOptions::default()
    };
    let (mut shop, sku, _) = shop(options, 500);
    for key in 1..=200 {
        shop.hold(key, &[line(sku, ANY, 1), line(sku, LocationId(0), 1)]);
        match key % 3 {
            0 => assert_eq!(shop.release(key).code, ResultCode::Ok),
            1 => assert_eq!(shop.confirm(key, &[]).code, ResultCode::Ok),
            _ => {}
        }
    }
    let ended = (1..=200).filter(|key| key % 3 == 0).count();
    assert_eq!(shop.advance(kept - 1).forgotten, 0);
    assert_eq!(shop.advance(1).forgotten as usize, ended);
    assert!(shop.order(3).is_none());
    assert_eq!(shop.journaled(kind::ORDERS_FORGOTTEN), ended.div_ceil(64));
    assert_eq!(
        shop.order(1).unwrap().0.state,
        OrderState::Confirmed,
        "open orders stay"
    );
    shop.check();
    shop.advance(u64::from(TTL_MS));
    shop.advance(kept);
    assert_eq!(
        shop.engine.statistics().orders,
        67,
        "only the confirmed ones are left"
    );
    // A forgotten key is new again, and slots are used again.
    assert!(!shop.hold(3, &[line(sku, ANY, 1)]).replayed);
    shop.check();
}

#[test]
fn a_returned_unit_renews_the_time_that_a_shipped_order_is_kept() {
    let options = EngineOptions {
        ended_order_kept_ms: 10_000,
        ..EngineOptions::default()
    };
    let (mut shop, sku, _) = shop(options, 5);
    shop.hold(1, &[line(sku, ANY, 2)]);
    shop.confirm(1, &[]);
    let both = [line(sku, ANY, 2)];
    assert_eq!(shop.ship(1, &both).code, ResultCode::Ok);
    shop.advance(9_000);
    let key = shop.fresh();
    let one = [line(sku, ANY, 1)];
    let returned = shop.execute(&crate::engine::command::Command::Return {
        key,
        order: crate::types::OrderKey(1),
        disposition: crate::types::Disposition::Restock,
        lines: &one,
    });
    assert_eq!(returned.code, ResultCode::Ok);
    assert_eq!(shop.advance(9_000).forgotten, 0);
    assert_eq!(shop.advance(1_000).forgotten, 1);
    shop.check();
}

#[test]
fn engine_time_never_goes_back() {
    let (mut shop, ..) = shop(EngineOptions::default(), 1);
    shop.engine.begin_turn(START_MS + 500);
    shop.engine.begin_turn(START_MS);
    assert_eq!(shop.engine.now_ms(), START_MS + 500);
    let mut out = crate::types::record::RecordBuffer::default();
    let fired = shop.engine.fire_timers(START_MS + 100, 9, &mut out);
    assert_eq!(fired.turn_time_ms, START_MS + 500);
}
