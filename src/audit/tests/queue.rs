//! What verification says of orders that wait: nothing where each has its turn, and by name where
//! somebody goes past.

use super::story::{BERLIN, LAMP, Story, TENANT, accepted, units};
use super::{assert_offence, finding, offences, verified};
use crate::engine::record::{Allocation, Lines, Record, accepted_flags, put_lines};
use crate::types::pipeline::BackorderQueue;
use crate::types::{LocationId, OrderKey};

/// A story whose order 1 waits for five lamps.
fn story() -> Story {
    let mut story = Story::new();
    story.define();
    wait(&mut story, 1, 5);
    story
}

fn wait(story: &mut Story, order: u128, lamps: u32) {
    let mut bytes = Vec::new();
    put_lines(&mut bytes, &[units(LAMP, LocationId::ANY, lamps)]);
    let mut waits = accepted(order, 1, accepted_flags::PLACED, &[]);
    waits.flags |= accepted_flags::BACKORDERED;
    waits.requested = Lines::from_bytes(&bytes);
    story.push(&Record::OrderAccepted(waits));
}

fn serve(story: &mut Story, order: u128, lamps: &[Allocation]) {
    let mut bytes = Vec::new();
    put_lines(&mut bytes, lamps);
    story.push(&Record::BackorderAllocated {
        tenant: TENANT,
        order: OrderKey(order),
        expires_at_ms: story.now_ms + 60_000,
        allocations: Lines::from_bytes(&bytes),
    });
}

fn lamps(quantity: u32) -> [Allocation; 1] {
    [units(LAMP, BERLIN, quantity)]
}

#[test]
fn orders_that_are_served_in_turn_and_what_they_leave_are_without_offence() {
    let mut story = story();
    wait(&mut story, 2, 1);
    story.receive(LAMP, BERLIN, 7);
    // One is nobody's: five are for the first, one for the second.
    story.accept(3, 1, 0, &lamps(1));
    serve(&mut story, 1, &lamps(5));
    serve(&mut story, 2, &lamps(1));
    let report = verified(&story);
    assert_eq!(report.violations, 0, "{}", offences(&report));
    assert_eq!(finding(&report, "queue").verdict(), "ok");
}

#[test]
fn a_new_order_that_takes_what_an_earlier_one_waits_for_is_named() {
    let mut story = story();
    story.receive(LAMP, BERLIN, 5);
    story.accept(2, 1, 0, &lamps(1));
    let report = verified(&story);
    let words = ["takes 1 units", "wait for 5", "leaves 0", "lamp"];
    assert_offence(&report, "queue", &words);
}

#[test]
fn a_later_order_that_is_served_before_an_earlier_one_is_named() {
    let mut story = story();
    wait(&mut story, 2, 2);
    story.receive(LAMP, BERLIN, 4);
    serve(&mut story, 2, &lamps(2));
    let report = verified(&story);
    assert_offence(&report, "queue", &["takes 2 units", "wait for 4"]);
}

#[test]
fn past_an_order_that_waits_for_a_sku_whose_rule_is_skip_anybody_may_go() {
    let mut story = story();
    story.push(&Record::SkuQueueSet {
        sku: LAMP,
        queue: BackorderQueue::Skip,
    });
    wait(&mut story, 2, 2);
    story.receive(LAMP, BERLIN, 4);
    serve(&mut story, 2, &lamps(2));
    story.accept(3, 1, 0, &lamps(2));
    let report = verified(&story);
    assert_eq!(report.violations, 0, "{}", offences(&report));
    assert_eq!(finding(&report, "queue").verdict(), "not exercised");
}
