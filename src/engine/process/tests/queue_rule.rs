//! Who gets units that orders wait for, where a SKU has a rule of its own.

use super::backorder::Stand;
use crate::engine::command::Command;
use crate::engine::record::kind;
use crate::engine::tests::shop::{ANY, line};
use crate::types::pipeline::BackorderQueue;
use crate::types::{OrderState, ResultCode};

#[test]
fn a_skus_own_rule_goes_before_that_of_the_pipelines() {
    let mut stand = Stand::new();
    assert_eq!(
        stand.rule("shoe", BackorderQueue::Skip).code,
        ResultCode::Ok
    );
    stand.shoes(1, 5);
    stand.shoes(2, 1);
    stand.receive(4);
    assert_eq!(stand.states(1..=2), [true, false]);
    let rest = [line(stand.play.sku, ANY, 3)];
    assert_eq!(stand.play.shop.hold(10, &rest).code, ResultCode::Ok);
    stand.play.check();

    let mut stand = Stand::skipping();
    stand.rule("shoe", BackorderQueue::Strict);
    stand.shoes(1, 5);
    stand.shoes(2, 1);
    stand.receive(4);
    assert_eq!(stand.states(1..=2), [true, true]);
    let one = [line(stand.play.sku, ANY, 1)];
    let refused = stand.play.shop.hold(10, &one);
    assert_eq!(refused.code, ResultCode::InsufficientStock);
    stand.play.check();
}

#[test]
fn a_new_rule_looks_at_those_who_wait_again_and_default_is_the_pipelines_again() {
    let mut stand = Stand::new();
    stand.shoes(1, 5);
    stand.shoes(2, 1);
    stand.shoes(3, 1);
    stand.receive(1);
    assert_eq!(stand.states(1..=3), [true, true, true]);
    stand.rule("shoe", BackorderQueue::Skip);
    stand.play.pass(0);
    assert_eq!(stand.states(1..=3), [true, false, true]);
    stand.rule("shoe", BackorderQueue::Default);
    stand.receive(1);
    assert_eq!(stand.states(1..=3), [true, false, true], "strict again");
    stand.play.check();
}

#[test]
fn the_rule_is_journaled_where_it_changes_and_stays_where_nothing_is_said() {
    let mut stand = Stand::new();
    let set = stand.rule("shoe", BackorderQueue::Skip);
    assert!(!set.replayed && set.sequence > 0);
    let again = stand.rule("shoe", BackorderQueue::Skip);
    assert_eq!((again.replayed, again.sequence), (true, 0));
    assert_eq!(stand.play.shop.journaled(kind::SKU_QUEUE_SET), 1);
    let sku = stand.play.sku;
    for on_sale in [false, true] {
        stand.play.shop.execute(&Command::DefineSku {
            name: "shoe",
            on_sale,
            queue: None,
        });
        let queue = stand.play.shop.engine.backorder_queue(sku);
        assert_eq!(queue, BackorderQueue::Skip);
    }
    let digest = stand.play.shop.engine.digest();
    stand.rule("shoe", BackorderQueue::Strict);
    assert_ne!(stand.play.shop.engine.digest(), digest);
    let new = stand.rule("boot", BackorderQueue::Strict);
    assert_eq!((new.code, new.replayed), (ResultCode::Ok, false));
    stand.play.check();
}

#[test]
fn an_order_for_two_skus_holds_back_only_those_whose_rule_is_strict() {
    let mut stand = Stand::new();
    stand.rule("shirt", BackorderQueue::Skip);
    let (shoe, shirt) = (stand.play.sku, stand.shirt);
    // 100 shirts are there, no shoe: the order waits for both.
    stand.ask(1, &[line(shoe, ANY, 1), line(shirt, ANY, 60)]);
    let shirts = stand.ask(2, &[line(shirt, ANY, 90)]);
    assert_ne!(shirts.state, Some(OrderState::Backordered), "shirts skip");
    stand.shoes(3, 1);
    stand.receive(1);
    assert_eq!(stand.states(1..=3), [true, false, true], "the shoe is 1's");
    stand.receive(1);
    assert_eq!(stand.states(1..=3), [true, false, false]);
    let here = stand.play.here;
    stand.play.shop.receive(shirt, here, 50);
    stand.play.pass(0);
    assert_eq!(stand.states(1..=1), [false]);
    stand.play.check();
}
