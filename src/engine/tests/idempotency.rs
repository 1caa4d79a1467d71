//! Keys, versions, sticky answers, and what is forgotten.

use super::shop::{ANY, Shop, TTL_MS, line, request};
use crate::engine::EngineOptions;
use crate::engine::command::{Command, LineNote};
use crate::engine::record::{ShortLine, kind};
use crate::types::{CommandKey, LocationId, OrderKey, OrderState, Policy, ResultCode, SkuId};

fn shop_with(options: EngineOptions, units: u32) -> (Shop, SkuId, LocationId) {
    let mut shop = Shop::with(options);
    let sku = shop.sku("shoe");
    let here = shop.location("here", 0, 0, 0);
    shop.receive(sku, here, units);
    (shop, sku, here)
}

fn shop(units: u32) -> (Shop, SkuId, LocationId) {
    shop_with(EngineOptions::default(), units)
}

#[test]
fn a_repeated_order_gets_its_stored_outcome_and_takes_no_unit_again() {
    let (mut shop, sku, here) = shop(10);
    let first = shop.hold(1, &[line(sku, ANY, 4)]);
    for _ in 0..3 {
        let again = shop.hold(1, &[line(sku, ANY, 4)]);
        assert!(again.replayed);
        assert_eq!(
            (again.code, again.sequence),
            (ResultCode::Ok, first.sequence)
        );
        assert_eq!(again.expires_at_ms, first.expires_at_ms);
    }
    assert_eq!(shop.cell(sku, here).reserved, 4);
    assert_eq!(shop.journaled(kind::ORDER_ACCEPTED), 1);
    shop.confirm(1, &[]);
    let present = shop.hold(1, &[line(sku, ANY, 4)]);
    assert_eq!(present.state, Some(OrderState::Confirmed));
    assert_eq!((present.replayed, present.expires_at_ms), (true, 0));
    shop.check();
}

#[test]
fn lines_in_another_order_or_split_in_two_have_the_same_meaning() {
    let (mut shop, sku, here) = shop(10);
    let other = shop.sku("sock");
    shop.receive(other, here, 10);
    shop.hold(1, &[line(other, ANY, 2), line(sku, ANY, 3)]);
    let split = [line(sku, ANY, 1), line(other, ANY, 2), line(sku, ANY, 2)];
    let again = shop.hold(1, &split);
    assert!(again.replayed);
    assert_eq!(
        shop.cell(sku, here).reserved,
        3,
        "duplicate lines are summed"
    );
    let mut patient = request(1, &split);
    patient.ttl_ms = TTL_MS * 2;
    patient.details = b"archive.";
    assert!(
        shop.reserve(&patient).replayed,
        "time to live and details are not meaning"
    );
    shop.check();
}

#[test]
fn idempotency_conflict_answers_another_meaning_and_is_seen_in_the_journal() {
    let (mut shop, sku, here) = shop(10);
    shop.hold(1, &[line(sku, ANY, 4)]);
    let outcome = shop.hold(1, &[line(sku, ANY, 5)]);
    assert_eq!(outcome.code, ResultCode::IdempotencyConflict);
    assert_eq!(
        (outcome.state, outcome.version),
        (Some(OrderState::Held), 1)
    );
    assert_eq!(shop.journaled(kind::CONFLICT_SEEN), 1);
    let lines = [line(sku, ANY, 4)];
    let mut order = request(1, &lines);
    order.total += 1;
    assert_eq!(shop.reserve(&order).code, ResultCode::IdempotencyConflict);
    assert_eq!(shop.cell(sku, here).reserved, 4);
    shop.check();
}

#[test]
fn a_refusal_sticks_to_its_key_though_stock_arrives() {
    let (mut shop, sku, here) = shop(1);
    assert_eq!(
        shop.hold(1, &[line(sku, ANY, 2)]).code,
        ResultCode::InsufficientStock
    );
    shop.receive(sku, here, 10);
    let again = shop.hold(1, &[line(sku, ANY, 2)]);
    assert_eq!(
        (again.code, again.replayed),
        (ResultCode::InsufficientStock, true)
    );
    assert_eq!(
        shop.notes,
        [LineNote::Short(ShortLine {
            sku,
            left: 1,
            line: 0
        })]
    );
    assert_eq!(shop.hold(2, &[line(sku, ANY, 2)]).code, ResultCode::Ok);
    assert_eq!(shop.journaled(kind::ORDER_REJECTED), 1);
    shop.check();
}

#[test]
fn the_next_version_replaces_the_hold_in_one_step_with_its_own_units() {
    let (mut shop, sku, here) = shop(10);
    shop.hold(1, &[line(sku, ANY, 8)]);
    let lines = [line(sku, ANY, 10)];
    let mut next = request(1, &lines);
    next.version = 2;
    let outcome = shop.reserve(&next);
    assert_eq!((outcome.code, outcome.version), (ResultCode::Ok, 2));
    assert_eq!(shop.cell(sku, here).reserved, 10);
    assert_eq!(
        shop.hold(1, &[line(sku, ANY, 8)]).code,
        ResultCode::StaleVersion
    );
    assert!(shop.reserve(&next).replayed);
    shop.check();
}

#[test]
fn a_refused_replacement_leaves_the_old_hold_and_counts_as_latest() {
    let (mut shop, sku, here) = shop(10);
    shop.hold(1, &[line(sku, ANY, 8)]);
    let (many, few) = ([line(sku, ANY, 11)], [line(sku, ANY, 2)]);
    let mut next = request(1, &many);
    next.version = 2;
    let refused = shop.reserve(&next);
    assert_eq!(refused.code, ResultCode::InsufficientStock);
    assert_eq!(
        (refused.state, refused.version),
        (Some(OrderState::Held), 2)
    );
    assert_eq!(
        shop.notes,
        [LineNote::Short(ShortLine {
            sku,
            left: 10,
            line: 0
        })]
    );
    assert_eq!(shop.cell(sku, here).reserved, 8);
    assert_eq!(
        shop.hold(1, &[line(sku, ANY, 8)]).code,
        ResultCode::StaleVersion
    );
    let (view, lines, shorts) = shop.order(1).unwrap();
    assert_eq!(
        (view.code, view.version),
        (ResultCode::InsufficientStock, 2)
    );
    assert_eq!(
        (view.state, lines[0].reserved, shorts.len()),
        (OrderState::Held, 8, 1)
    );
    next.version = 4;
    assert_eq!(shop.reserve(&next).code, ResultCode::VersionGap);
    let mut third = request(1, &few);
    third.version = 3;
    assert_eq!(shop.reserve(&third).code, ResultCode::Ok);
    assert_eq!(shop.cell(sku, here).reserved, 2);
    shop.check();
}

#[test]
fn stale_version_answers_a_version_before_the_latest_with_the_latest() {
    let (mut shop, sku, here) = shop(10);
    let lines = [line(sku, ANY, 1)];
    shop.hold(1, &lines);
    let mut next = request(1, &lines);
    next.version = 2;
    shop.reserve(&next);
    let stale = shop.hold(1, &lines);
    assert_eq!((stale.code, stale.version), (ResultCode::StaleVersion, 2));
    assert_eq!(stale.state, Some(OrderState::Held));
    assert_eq!(shop.cell(sku, here).reserved, 1);
    shop.check();
}

#[test]
fn version_gap_answers_a_version_that_skips_one_and_stores_nothing() {
    let (mut shop, sku, _) = shop(10);
    let lines = [line(sku, ANY, 1)];
    shop.hold(1, &lines);
    let before = shop.engine.digest();
    let mut later = request(1, &lines);
    later.version = 3;
    let gap = shop.reserve(&later);
    assert_eq!((gap.code, gap.version), (ResultCode::VersionGap, 1));
    assert_eq!(shop.engine.digest(), before);
}

#[test]
fn not_replaceable_answers_a_new_version_of_anything_but_a_live_hold() {
    let (mut shop, sku, _) = shop(10);
    let lines = [line(sku, ANY, 1)];
    let mut next = request(1, &lines);
    next.version = 2;
    shop.hold(1, &lines);
    shop.confirm(1, &[]);
    assert_eq!(shop.reserve(&next).code, ResultCode::NotReplaceable);
    shop.hold(2, &lines);
    shop.advance_unswept(u64::from(TTL_MS));
    next.key = OrderKey(2);
    let outcome = shop.reserve(&next);
    assert_eq!(
        outcome.code,
        ResultCode::NotReplaceable,
        "over by time, though not swept"
    );
    assert_eq!(outcome.state, Some(OrderState::Expired));
    shop.check();
}

#[test]
fn partial_policy_grants_what_there_is_and_says_so_again() {
    let (mut shop, sku, here) = shop(3);
    let other = shop.sku("sock");
    let lines = [line(other, ANY, 2), line(sku, ANY, 5), line(sku, here, 1)];
    let mut order = request(1, &lines);
    order.policy = Policy::Partial;
    let granted = |line, quantity| LineNote::Granted { line, quantity };
    // Sorted by (SKU, location): the named line comes before "any" and is served first.
    let expected = [granted(2, 1), granted(1, 2), granted(0, 0)];
    for replayed in [false, true] {
        let outcome = shop.reserve(&order);
        assert_eq!((outcome.code, outcome.partial), (ResultCode::Ok, true));
        assert_eq!(outcome.replayed, replayed);
        assert_eq!(shop.notes, expected);
    }
    assert_eq!(shop.cell(sku, here).reserved, 3);
    let key = OrderKey(1);
    assert_eq!(shop.engine.requested(shop.context.tenant, key).count(), 3);
    let lines = [line(sku, ANY, 1)];
    let mut nothing = request(2, &lines);
    nothing.policy = Policy::Partial;
    assert_eq!(shop.reserve(&nothing).code, ResultCode::InsufficientStock);
    shop.check();
}

#[test]
fn a_retried_receive_books_once() {
    let (mut shop, sku, location) = shop(0x10);
    let key = CommandKey(9);
    let command = Command::Receive {
        key,
        sku,
        location,
        quantity: 100,
    };
    let first = shop.execute(&command);
    let again = shop.execute(&command);
    assert_eq!((again.code, again.replayed), (ResultCode::Ok, true));
    assert_eq!(again.sequence, first.sequence);
    assert_eq!(shop.cell(sku, location).on_hand, 116);
    let other = Command::Receive {
        key,
        sku,
        location,
        quantity: 101,
    };
    assert_eq!(shop.execute(&other).code, ResultCode::IdempotencyConflict);
    shop.check();
}

#[test]
fn a_repeated_confirm_gets_its_stored_answer_and_the_present_state() {
    let (mut shop, sku, _) = shop(5);
    shop.hold(1, &[line(sku, ANY, 5)]);
    let (key, order) = (CommandKey(7), OrderKey(1));
    let confirm = Command::Confirm {
        key,
        order,
        lines: &[],
    };
    assert!(!shop.execute(&confirm).replayed);
    shop.ship(1, &[line(sku, ANY, 5)]);
    let again = shop.execute(&confirm);
    assert_eq!((again.code, again.replayed), (ResultCode::Ok, true));
    assert_eq!(again.state, Some(OrderState::Shipped));
    let release = shop.execute(&Command::Release { key, order });
    assert_eq!(release.code, ResultCode::IdempotencyConflict);
    // A stock command may use the same number: the two kinds of keys are apart.
    let location = LocationId(0);
    let receive = Command::Receive {
        key,
        sku,
        location,
        quantity: 1,
    };
    assert_eq!(shop.execute(&receive).code, ResultCode::Ok);
    shop.check();
}

#[test]
fn the_oldest_refusals_and_results_are_forgotten_first_and_counted() {
    let options = EngineOptions {
        rejections_kept: 4,
        commands_kept: 4,
        ..EngineOptions::default()
    };
    let (mut shop, sku, location) = shop_with(options, 1);
    for key in 1..=6 {
        shop.hold(key, &[line(sku, ANY, 2)]);
        let key = CommandKey(key);
        shop.execute(&Command::Receive {
            key,
            sku,
            location,
            quantity: 1,
        });
        shop.execute(&Command::Adjust {
            key: CommandKey(key.0 + 50),
            sku,
            location,
            delta: -1,
            reason: "",
        });
    }
    let statistics = shop.engine.statistics();
    assert_eq!(
        (statistics.rejections_kept, statistics.rejections_forgotten),
        (4, 2)
    );
    assert_eq!(
        (statistics.commands_kept, statistics.commands_forgotten),
        (4, 9)
    );
    assert!(shop.order(2).is_none() && shop.order(3).is_some());
    assert!(shop.hold(3, &[line(sku, ANY, 2)]).replayed);
    assert!(!shop.hold(1, &[line(sku, ANY, 2)]).replayed, "decided anew");
    shop.check();
}

#[test]
fn many_short_lines_are_remembered_whole() {
    let (mut shop, _, here) = shop(1);
    let skus: Vec<SkuId> = (0..64).map(|n| shop.sku(&format!("rare {n}"))).collect();
    shop.receive(skus[5], here, 1);
    let lines: Vec<_> = skus.iter().map(|sku| line(*sku, ANY, 2)).collect();
    let outcome = shop.hold(1, &lines);
    assert_eq!(outcome.notes, 64);
    let first = shop.notes.clone();
    assert!(shop.hold(1, &lines).replayed);
    assert_eq!(shop.notes, first);
    assert_eq!(shop.order(1).unwrap().2.len(), 64);
    shop.check();
}

#[test]
fn the_same_client_key_of_two_tenants_is_two_orders() {
    let (mut shop, sku, _) = shop(5);
    shop.hold(1, &[line(sku, ANY, 5)]);
    let acme = shop.context;
    shop.context.tenant =
        shop.turn(|engine, out| engine.define_tenant("rival", acme.actor, out).unwrap());
    let theirs = shop.sku("shoe");
    let there = shop.location("here", 0, 0, 0);
    shop.receive(theirs, there, 1);
    let outcome = shop.hold(1, &[line(theirs, ANY, 1)]);
    assert_eq!((outcome.code, outcome.replayed), (ResultCode::Ok, false));
    shop.check();
}

#[test]
fn the_digest_does_not_depend_on_the_secret() {
    let (mut shop, sku, _) = shop(5);
    shop.hold(1, &[line(sku, ANY, 3)]);
    shop.hold(2, &[line(sku, ANY, 3)]);
    shop.confirm(1, &[]);
    let secret = [7; 32];
    let other = shop.replayed(EngineOptions {
        secret,
        ..EngineOptions::default()
    });
    assert_eq!(other.digest(), shop.engine.digest());
}
