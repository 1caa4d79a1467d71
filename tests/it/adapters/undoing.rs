//! What takes an effect back never reaches the provider before the effect itself.

use super::fake::Fake;
use super::rig::{Rig, effect, until};
use super::{SHIPS, called, many};
use onhand::engine::process::command::OpenEffect;
use onhand::limits::PROVIDER_QUEUE_MAX;
use onhand::types::OrderKey;
use onhand::types::effect::EffectKind;

/// Effect `number`, which takes back `target`, a label.
fn cancel(number: u16, target: u16) -> OpenEffect {
    let mut cancel = effect(number, EffectKind::LabelCancel, 0);
    cancel.target = target;
    cancel.target_kind = EffectKind::Label as u8;
    cancel
}

#[test]
fn what_takes_an_effect_back_waits_for_its_call_and_for_no_other() {
    let mut rig = Rig::new();
    let carrier = Fake::new("carrier", SHIPS, 0).dead().arc();
    rig.start(&[&carrier], Vec::new());
    rig.begin(&[effect(1, EffectKind::Label, 0)]);
    until("the label is asked for", || carrier.count() == 1);
    // More urgent than labels: without the wait it would be the second call.
    rig.begin(&[cancel(2, 1), cancel(3, 9), effect(4, EffectKind::Label, 0)]);
    until("three calls", || carrier.count() == 3);
    assert_eq!(called(&carrier), [1, 3, 4]);
    carrier.answer();
    let results = rig.results("four results", |results| results.len() == 4);
    assert_eq!(called(&carrier), [1, 3, 4, 2]);
    assert!(results.iter().all(|result| !result.withdrew));
}

#[test]
fn a_later_attempt_that_is_withdrawn_says_nothing_of_those_that_left() {
    let mut rig = Rig::new();
    let carrier = Fake::new("carrier", SHIPS, 0).concurrency(1).dead().arc();
    rig.start(&[&carrier], Vec::new());
    rig.begin(&[effect(1, EffectKind::Label, 0)]);
    until("its only place is taken", || carrier.count() == 1);
    let first = effect(2, EffectKind::Label, 0);
    let mut second = effect(3, EffectKind::Label, 0);
    second.attempt = 2;
    rig.begin(&[first, second, cancel(4, 2), cancel(5, 3)]);
    carrier.answer();
    let results = rig.results("three results", |results| results.len() == 3);
    assert_eq!(called(&carrier), [1, 4, 5]);
    let withdrew = results.iter().map(|it| (it.number, it.withdrew));
    assert_eq!(
        withdrew.collect::<Vec<_>>(),
        [(1, false), (4, true), (5, false)]
    );
}

#[test]
fn what_is_taken_back_while_it_waits_does_not_leave_any_more() {
    let mut rig = Rig::new();
    let carrier = Fake::new("carrier", SHIPS, 0).concurrency(1).dead().arc();
    let backup = Fake::new("backup", SHIPS, 0).arc();
    rig.start(&[&carrier, &backup], Vec::new());
    rig.begin(&[effect(1, EffectKind::Label, 0)]);
    until("its only place is taken", || carrier.count() == 1);
    // More than its queue takes: the last ones wait in the journal.
    let last = 1 + 3 * PROVIDER_QUEUE_MAX as u16;
    for first in (2..last).step_by(256) {
        rig.begin(&many(first..first + 256, EffectKind::Label, 0));
    }
    let mut other = effect(last, EffectKind::Label, 0);
    other.order = OrderKey(2);
    rig.begin(&[other, cancel(10_000, 2), cancel(10_001, last)]);
    rig.begin(&[effect(10_002, EffectKind::Label, 1)]);
    until("all of it is read", || backup.count() == 1);
    carrier.answer();
    // Of labels 1 to `last`, two more and two cancellations two do not leave.
    let made = usize::from(last) + 2;
    let results = rig.results("all that leave", |results| results.len() == made);
    let withdrew = |number| results.iter().any(|it| it.number == number && it.withdrew);
    assert!(withdrew(10_000), "no call of it ever left");
    assert!(!withdrew(10_001), "nobody has looked into the journal yet");
    let called = called(&carrier);
    let times = |number| called.iter().filter(|it| **it == number).count();
    assert_eq!((times(2), times(10_000)), (0, 1), "it waited in the queue");
    assert_eq!(
        (times(last), times(10_001)),
        (1, 1),
        "only that of the other order"
    );
}
