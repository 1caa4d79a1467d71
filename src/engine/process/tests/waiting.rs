//! How waiting for stock is bounded, how it ends, and that it survives.

use super::backorder::{DAY_MS, Stand};
use super::play::set;
use crate::engine::EngineOptions;
use crate::engine::command::{LineNote, OrderRequest};
use crate::engine::record::ShortLine;
use crate::engine::tests::shop::{ANY, Shop, line, request};
use crate::types::effect::Milestone;
use crate::types::pipeline::{BackorderQueue, BackorderRule};
use crate::types::process::OperatorAction;
use crate::types::{OrderKey, OrderMode, OrderState, Policy, ResultCode};

#[test]
fn no_more_units_wait_than_the_cap_and_the_refusal_stays() {
    let mut stand = Stand::capped(10);
    assert_eq!(stand.shoes(1, 8).code, ResultCode::Ok);
    let refused = stand.shoes(2, 3);
    assert_eq!(refused.code, ResultCode::BackorderCap);
    assert_eq!(refused.state, Some(OrderState::Rejected));
    let left = ShortLine {
        sku: stand.play.sku,
        left: 2,
        line: 0,
    };
    assert_eq!(stand.play.shop.notes, [LineNote::Short(left)]);
    assert_eq!(stand.shoes(3, 2).code, ResultCode::Ok);
    stand.receive(100);
    let again = stand.shoes(2, 3);
    assert_eq!(
        (again.code, again.replayed),
        (ResultCode::BackorderCap, true)
    );
    assert_eq!(stand.play.shop.notes, [LineNote::Short(left)]);
    let shop = &stand.play.shop;
    let replayed = shop.replayed(EngineOptions::default());
    let (mut lines, mut shorts) = (Vec::new(), Vec::new());
    let tenant = shop.context.tenant;
    let view = replayed.order(tenant, OrderKey(2), &mut lines, &mut shorts);
    assert_eq!(view.unwrap().code, ResultCode::BackorderCap);
    stand.play.check();
}

#[test]
fn a_cap_of_none_lets_no_order_wait() {
    let mut stand = Stand::capped(0);
    assert_eq!(stand.shoes(1, 1).code, ResultCode::BackorderCap);
    assert_eq!(stand.waiting(), (0, 0));
    stand.play.check();
}

#[test]
fn only_placed_orders_wait_and_only_while_pipelines_are_in_force() {
    let mut stand = Stand::new();
    let lines = [line(stand.play.sku, ANY, 1)];
    let hold = OrderRequest {
        mode: OrderMode::Hold,
        ..stand.request(1, &lines)
    };
    let outcome = stand.play.shop.reserve(&hold);
    assert_eq!(
        (outcome.code, outcome.state),
        (ResultCode::InvalidField, None)
    );
    let mut bare = Shop::new();
    let sku = bare.sku("shoe");
    let lines = [line(sku, ANY, 1)];
    let outcome = bare.reserve(&OrderRequest {
        mode: OrderMode::Place,
        policy: Policy::Backorder,
        ..request(1, &lines)
    });
    assert_eq!(outcome.code, ResultCode::InvalidField);
}

#[test]
fn a_waiting_order_is_cancelled_by_operator_and_client_and_the_next_is_served() {
    for by_client in [None, Some(false), Some(true)] {
        let mut stand = Stand::new();
        stand.shoes(1, 5);
        stand.shoes(2, 3);
        stand.receive(3);
        assert_eq!(stand.states(1..=2), [true, true]);
        let outcome = match by_client {
            None => stand.play.operate(1, OperatorAction::Cancel),
            Some(true) => stand.play.shop.cancel(1),
            Some(false) => stand.play.shop.release(1),
        };
        assert_eq!(outcome.code, ResultCode::Ok);
        stand.play.pass(0);
        assert_eq!(stand.play.state(1), OrderState::Cancelled);
        assert_eq!(stand.states(2..=2), [false]);
        assert!(stand.play.told().contains(&Milestone::Cancelled));
        let (_, lines, _) = stand.play.shop.order(1).unwrap();
        assert_eq!((lines[0].ordered, lines[0].cancelled), (5, 5));
        stand.play.check();
    }
}

#[test]
fn an_order_that_waited_in_vain_is_cancelled_and_the_customer_told() {
    let mut stand = Stand::new();
    stand.shoes(1, 5);
    stand.play.pass(14 * DAY_MS - 1);
    assert_eq!(stand.states(1..=1), [true]);
    stand.receive(4);
    stand.play.pass(1);
    assert_eq!(stand.play.state(1), OrderState::Cancelled);
    assert!(stand.play.told().contains(&Milestone::Cancelled));
    let hold = [line(stand.play.sku, ANY, 4)];
    assert_eq!(stand.play.shop.hold(10, &hold).code, ResultCode::Ok);
    stand.play.check();
}

#[test]
fn the_next_version_of_a_waiting_order_keeps_its_place_and_its_time() {
    let mut stand = Stand::new();
    stand.shoes(1, 5);
    stand.shoes(2, 5);
    let until = stand.play.view(1).unwrap().image.timer_at_ms;
    stand.play.pass(DAY_MS);
    let lines = [line(stand.play.sku, ANY, 7)];
    let edited = OrderRequest {
        version: 2,
        ..stand.request(1, &lines)
    };
    let outcome = stand.play.shop.reserve(&edited);
    assert_eq!(outcome.state, Some(OrderState::Backordered));
    assert_eq!(stand.play.view(1).unwrap().image.timer_at_ms, until);
    assert_eq!(stand.waiting(), (2, 12));
    stand.receive(6);
    assert_eq!(stand.states(1..=2), [true, true]);
    stand.receive(1);
    assert_eq!(stand.states(1..=2), [false, true]);
    stand.play.check();
}

#[test]
fn a_version_that_stock_covers_goes_on_at_once_and_one_that_it_does_not_is_refused() {
    let mut stand = Stand::new();
    stand.shoes(1, 5);
    stand.shoes(2, 1);
    stand.receive(4);
    let shoe = stand.play.sku;
    let lines = [line(shoe, ANY, 6)];
    let refused = stand.play.shop.reserve(&OrderRequest {
        version: 2,
        policy: Policy::AllOrNothing,
        ..stand.request(1, &lines)
    });
    assert_eq!(refused.code, ResultCode::InsufficientStock);
    assert_eq!(stand.states(1..=1), [true]);
    let lines = [line(shoe, ANY, 3)];
    let outcome = stand.play.shop.reserve(&OrderRequest {
        version: 3,
        ..stand.request(1, &lines)
    });
    assert_eq!(outcome.state, Some(OrderState::FraudCheck));
    stand.play.pass(0);
    assert_eq!(
        stand.states(1..=2),
        [false, false],
        "one is left for the next"
    );
    stand.play.check();
}

#[test]
fn an_order_that_holds_units_does_not_give_them_up_to_wait_for_more() {
    let mut stand = Stand::new();
    stand.play.silent.insert(super::play::FRAUD);
    stand.receive(2);
    stand.shoes(1, 2);
    let lines = [line(stand.play.sku, ANY, 3)];
    let outcome = stand.play.shop.reserve(&OrderRequest {
        version: 2,
        ..stand.request(1, &lines)
    });
    assert_eq!(outcome.code, ResultCode::InsufficientStock);
    assert_eq!(stand.play.state(1), OrderState::Review);
    let (_, lines, _) = stand.play.shop.order(1).unwrap();
    assert_eq!(lines[0].reserved, 2);
    stand.play.check();
}

#[test]
fn a_waiting_order_gets_its_units_from_the_nearest_location() {
    let mut stand = Stand::new();
    let near = stand.play.shop.location("near", 90, 90, 9);
    let lines = [line(stand.play.sku, ANY, 2)];
    let asked = OrderRequest {
        destination: Some((91, 91)),
        ..stand.request(1, &lines)
    };
    stand.play.shop.reserve(&asked);
    let (sku, here) = (stand.play.sku, stand.play.here);
    stand.play.shop.receive(sku, here, 2);
    stand.play.shop.receive(sku, near, 2);
    stand.play.pass(0);
    let (_, lines, _) = stand.play.shop.order(1).unwrap();
    assert_eq!(lines[0].location, near);
    stand.play.check();
}

#[test]
fn many_waiting_orders_are_served_over_several_turns_in_their_order() {
    let mut stand = Stand::new();
    for key in 1..=600 {
        stand.shoes(key, 1);
    }
    let (sku, here) = (stand.play.sku, stand.play.here);
    stand.play.shop.receive(sku, here, 600);
    let clock_ms = stand.play.shop.clock_ms;
    let mut served = Vec::new();
    loop {
        let shop = &mut stand.play.shop;
        assert!(
            shop.engine
                .next_deadline_ms()
                .is_some_and(|at| at <= clock_ms)
        );
        let before = shop.journal_bytes();
        let fired = shop.turn(|engine, out| engine.fire_timers(clock_ms, 4_096, out));
        assert!(shop.journal_bytes() - before <= 4_096 * 40);
        served.push(600 - shop.engine.statistics().backorders);
        if !fired.more {
            break;
        }
    }
    assert!(served.len() > 2 && served.is_sorted(), "{served:?}");
    assert_eq!(served.last(), Some(&600));
    let first = usize::try_from(served[0]).unwrap();
    let sequence = |key| stand.play.view(key).unwrap().since_ms;
    assert!((1..=first as u128).all(|key| sequence(key) <= sequence(600)));
    stand.play.check();
}

#[test]
fn a_restart_in_the_middle_leads_to_the_same_state() {
    let mut stand = Stand::new();
    for key in 1..=20 {
        stand.shoes(key, u32::try_from(key).unwrap() % 4 + 1);
    }
    let (sku, here) = (stand.play.sku, stand.play.here);
    stand.play.shop.receive(sku, here, 17);
    // Stock is in, nobody was served yet: whoever takes over serves as this engine would have.
    let mut taken_over = stand.play.shop.replayed(EngineOptions::default());
    let clock_ms = stand.play.shop.clock_ms;
    let mut out = crate::types::record::RecordBuffer::default();
    out.start(1 << 30);
    taken_over.fire_timers(clock_ms, usize::MAX, &mut out);
    stand.play.shop.advance(0);
    let tenant = stand.play.shop.context.tenant;
    for key in 1..=20 {
        let state = |engine: &crate::engine::Engine| {
            let view = engine.order(tenant, OrderKey(key), &mut Vec::new(), &mut Vec::new());
            view.unwrap().state
        };
        assert_eq!(
            state(&taken_over),
            state(&stand.play.shop.engine),
            "order {key}"
        );
    }
    taken_over.check_invariants().unwrap();
    stand.play.check();
}

#[test]
fn another_rule_looks_at_those_who_wait_again() {
    let mut stand = Stand::new();
    stand.shoes(1, 5);
    stand.shoes(2, 1);
    stand.receive(3);
    assert_eq!(stand.states(1..=2), [true, true]);
    let mut set = set();
    set.settings.backorder = BackorderRule::Skip;
    stand.play.define(&set);
    stand.play.pass(0);
    assert_eq!(stand.states(1..=2), [true, false]);
    stand.play.check();
}

/// Serves a queue as a child would: first to last, whoever can have all of it, and of what is
/// strict (shoes, shirts) nobody past one that waits for the same thing.
fn naive(queue: &mut Vec<(u128, u32, u32)>, shoes: &mut u32, shirts: &mut u32, strict: [bool; 2]) {
    let (mut kept_shoes, mut kept_shirts) = (0, 0);
    queue.retain(|(_, shoe, shirt)| {
        let fits = (*shoe == 0 || shoe + kept_shoes <= *shoes)
            && (*shirt == 0 || shirt + kept_shirts <= *shirts);
        if fits {
            *shoes -= shoe;
            *shirts -= shirt;
        } else {
            kept_shoes += if strict[0] { *shoe } else { 0 };
            kept_shirts += if strict[1] { *shirt } else { 0 };
        }
        !fits
    });
}

fn strict_or_skip(strict: bool) -> BackorderRule {
    if strict {
        BackorderRule::Strict
    } else {
        BackorderRule::Skip
    }
}

/// Gives shoes and shirts a rule of their own, or none, by the seed: which of them are strict.
fn own_rules(stand: &mut Stand, seed: u64, pipelines: bool) -> [bool; 2] {
    let queues = BackorderQueue::ALL;
    let mut at = 1;
    ["shoe", "shirt"].map(|name| {
        let draw = usize::try_from(seed >> at).unwrap() % 4;
        at += 2;
        let queue = queues[draw % queues.len()];
        stand.rule(name, queue);
        queue.rule(strict_or_skip(pipelines)) == BackorderRule::Strict
    })
}

#[test]
fn random_arrivals_serve_the_queue_as_a_naive_reading_of_the_rule_does() {
    for seed in 1..=80_u64 {
        let pipelines = seed.is_multiple_of(2);
        let mut stand = if pipelines {
            Stand::new()
        } else {
            Stand::skipping()
        };
        let strict = own_rules(&mut stand, seed, pipelines);
        let shirts_left = [line(stand.shirt, ANY, 100)];
        assert_eq!(
            stand.play.shop.hold(0xFFFE, &shirts_left).code,
            ResultCode::Ok
        );
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut next = |below: u32| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            u32::try_from(random % u64::from(below)).unwrap()
        };
        let (mut queue, mut shoes, mut shirts) = (Vec::new(), 0, 0);
        let (shoe, shirt, here) = (stand.play.sku, stand.shirt, stand.play.here);
        let mut waits = std::collections::BTreeSet::new();
        for key in 1..=60_u128 {
            match next(5) {
                0 => {
                    let units = next(6) + 1;
                    let (sku, stock) = if next(2) == 0 {
                        (shoe, &mut shoes)
                    } else {
                        (shirt, &mut shirts)
                    };
                    *stock += units;
                    stand.play.shop.receive(sku, here, units);
                }
                1 if !waits.is_empty() => {
                    let at = next(u32::try_from(waits.len()).unwrap());
                    let gone: u128 = *waits.iter().nth(at as usize).unwrap();
                    stand.play.operate(gone, OperatorAction::Cancel);
                    queue.retain(|(key, _, _)| *key != gone);
                }
                _ => {
                    let (a, b) = (next(4), next(4));
                    let lines: Vec<_> = [line(shoe, ANY, a), line(shirt, ANY, b)]
                        .into_iter()
                        .filter(|line| line.quantity > 0)
                        .collect();
                    if lines.is_empty() {
                        continue;
                    }
                    stand.ask(key, &lines);
                    queue.push((key, a, b));
                    // Without providers' answers the units stay held.
                }
            }
            naive(&mut queue, &mut shoes, &mut shirts, strict);
            stand.play.shop.advance(0);
            waits = (1..=key)
                .filter(|key| {
                    let order = stand.play.shop.order(*key);
                    order.is_some_and(|(view, ..)| view.state == OrderState::Backordered)
                })
                .collect();
            let wanted: std::collections::BTreeSet<u128> =
                queue.iter().map(|(key, ..)| *key).collect();
            assert_eq!(waits, wanted, "seed {seed}, step {key}");
        }
        stand.play.check();
    }
}
