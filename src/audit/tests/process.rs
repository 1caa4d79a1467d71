//! Orders in process: what verification and the providers' ledger say of their money, and that
//! none is stuck.

use super::way::{BACKUP, DONE, Ended, GIVEN_UP, ORDER, STRIPE, TOTAL, Way};
use super::{assert_offence, finding, offences, verified};
use crate::audit::verify::{Report, VerifyOptions, verify};
use crate::engine::record::Record;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, tenant_mark};
use crate::types::process::{ProcessEvent, ReviewReason, TimerKind};
use crate::types::{OrderKey, OrderState};

fn ledger(effects: &str, way: &Way) -> Report {
    let directory = tempfile::tempdir().unwrap();
    way.story.write(directory.path());
    let file = directory.path().join("providers.json");
    std::fs::write(&file, effects).unwrap();
    let options = VerifyOptions {
        provider_ledgers: vec![file],
        ..VerifyOptions::default()
    };
    verify(directory.path(), &options, &mut |_, _| {}).unwrap()
}

/// One entry of the sandbox's ledger.
fn entry(kind: &str, object: &str, amount: u64, reference: &str, order: &str) -> String {
    let entry = serde_json::json!({
        "sequence": 1, "provider": "stripe", "kind": kind, "order": order,
        "amount_minor": amount, "currency": "eur", "reference": reference,
        "object": object, "state": "x",
    });
    entry.to_string()
}

fn of_order(kind: &str, object: &str, amount: u64) -> String {
    let reference = format!("{}-2-1", OrderKey(ORDER));
    entry(kind, object, amount, &reference, "")
}

#[test]
fn an_order_that_walks_through_its_process_violates_nothing_and_exercises_money() {
    let report = verified(&Way::completed().story);
    assert_eq!(offences(&report), "");
    assert_eq!(finding(&report, "I10").verdict(), "ok");
    assert_eq!(finding(&report, "providers").verdict(), "not exercised");
    let mut way = Way::new();
    way.pay();
    let report = verified(&way.story);
    assert_eq!(offences(&report), "");
    assert_eq!(finding(&report, "I13").verdict(), "ok");
}

#[test]
fn an_order_without_timer_effect_or_review_is_stuck() {
    let mut way = Way::new();
    way.pay();
    way.image.timer = TimerKind::None;
    way.moved(ProcessEvent::PaymentCaptured, OrderState::Confirmed);
    let key = OrderKey(ORDER).to_string();
    assert_offence(
        &verified(&way.story),
        "I13",
        &[&key, "CONFIRMED", "no timer"],
    );
    way.image.review = ReviewReason::Late;
    way.moved(ProcessEvent::ReviewOpened, OrderState::Review);
    assert_eq!(offences(&verified(&way.story)), "");
}

#[test]
fn money_is_taken_once_and_never_beyond_the_total() {
    let mut way = Way::new();
    way.pay();
    way.capture(2, TOTAL + 1);
    assert_offence(
        &verified(&way.story),
        "I10",
        &["captured 1 times, 2000 of 1999"],
    );
    let mut way = Way::new();
    way.pay();
    way.capture(2, 1_000);
    way.capture(3, TOTAL);
    let report = verified(&way.story);
    assert_offence(&report, "I10", &["effect 3 captures beside effect 2"]);
    assert_offence(&report, "I10", &["captured 2 times"]);
    let mut way = Way::new();
    way.pay();
    way.capture(2, TOTAL);
    way.image.refunded = TOTAL + 5;
    way.moved(ProcessEvent::PaymentRefunded, OrderState::Confirmed);
    assert_offence(&verified(&way.story), "I10", &["refunded 2004"]);
}

#[test]
fn what_a_one_step_payment_took_is_booked_also_beyond_the_total_and_no_more() {
    let mut way = Way::new();
    way.pay_at_once(TOTAL + 500, TOTAL + 500);
    assert_eq!(offences(&verified(&way.story)), "");
    let mut way = Way::new();
    way.pay_at_once(TOTAL + 500, TOTAL + 501);
    assert_offence(
        &verified(&way.story),
        "I10",
        &["captured 1 times, 2500 of 2499"],
    );
}

#[test]
fn a_given_up_authorisation_that_may_hold_money_must_be_voided() {
    let paid_elsewhere = || {
        let mut way = Way::new();
        way.start(1, EffectKind::PaymentAuthorise, STRIPE, 0);
        way.end(1, EffectKind::PaymentAuthorise, STRIPE, GIVEN_UP);
        way
    };
    let mut way = paid_elsewhere();
    way.start(2, EffectKind::PaymentAuthorise, BACKUP, 0);
    way.end(2, EffectKind::PaymentAuthorise, BACKUP, DONE);
    way.confirm();
    let words = ["effect 1 was given up at stripe", "nothing voids it"];
    assert_offence(&verified(&way.story), "I10", &words);
    let mut way = paid_elsewhere();
    way.start(2, EffectKind::PaymentVoid, STRIPE, 1);
    way.end(2, EffectKind::PaymentVoid, STRIPE, DONE);
    way.start(3, EffectKind::PaymentAuthorise, BACKUP, 0);
    way.end(3, EffectKind::PaymentAuthorise, BACKUP, DONE);
    way.confirm();
    assert_eq!(offences(&verified(&way.story)), "");
}

#[test]
fn a_move_from_elsewhere_and_an_end_that_never_began_are_named() {
    let mut way = Way::new();
    way.state = Some(OrderState::Delivered);
    way.moved(ProcessEvent::Completed, OrderState::Delivered);
    let words = ["moves from DELIVERED, but it is in PAYMENT"];
    assert_offence(&verified(&way.story), "journal", &words);
    let mut way = Way::new();
    way.end(4, EffectKind::Label, STRIPE, DONE);
    let words = ["attempt 1 of effect 4 (label) ends, but it did not begin"];
    assert_offence(&verified(&way.story), "journal", &words);
    let mut way = Way::new();
    way.moved(ProcessEvent::Compensated, OrderState::Cancelled);
    let words = ["ends as CANCELLED while it holds units"];
    assert_offence(&verified(&way.story), "I5", &words);
}

#[test]
fn the_providers_ledger_agrees_or_the_difference_is_named() {
    let way = Way::completed();
    let authorised = of_order("authorise", "pi_7", TOTAL);
    let captured = of_order("capture", "pi_7", TOTAL);
    let page = |effects: &[&str]| format!(r#"{{"effects":[{}],"next":null}}"#, effects.join(","));
    let report = ledger(&page(&[&authorised, &captured]), &way);
    assert_eq!(offences(&report), "");
    assert_eq!(finding(&report, "providers").verdict(), "ok");
    // Two pages, one behind the other, and lines, are read as well.
    let pages = page(&[&authorised]) + "\n" + &page(&[&captured]);
    assert_eq!(ledger(&pages, &way).violations, 0);
    assert_eq!(
        ledger(&format!("{authorised}\n{captured}\n"), &way).violations,
        0
    );

    let again = of_order("capture", "pi_8", TOTAL);
    let report = ledger(&page(&[&authorised, &captured, &again]), &way);
    assert_offence(&report, "providers", &["captured 2 times: charged twice"]);
    let report = ledger(&page(&[&authorised]), &way);
    let words = ["the providers captured 0, the journal says 1999"];
    assert_offence(&report, "providers", &words);
    assert_offence(
        &report,
        "providers",
        &["1 authorisations of it still hold money"],
    );
    let back = of_order("refund", "re_1", 100);
    let report = ledger(&page(&[&authorised, &captured, &back]), &way);
    let words = ["the providers refunded 100, the journal says 0"];
    assert_offence(&report, "providers", &words);
    let other = entry("capture", "pi_9", 5, "", "0-4711");
    let report = ledger(&page(&[&authorised, &captured, &other]), &way);
    assert_offence(&report, "providers", &["0-4711", "not in the journal"]);
}

#[test]
fn money_taken_at_once_agrees_with_the_providers_ledger() {
    let mut way = Way::new();
    way.image.authorised = TOTAL;
    way.image.captured = TOTAL;
    way.pay();
    let taken = of_order("authorise", "pi_7", TOTAL) + "\n" + &of_order("capture", "pi_7", TOTAL);
    let report = ledger(&taken, &way);
    assert_eq!(offences(&report), "");
    assert_eq!(finding(&report, "I10").verdict(), "ok");
    // Taken back before it is settled: the provider calls it a void.
    way.start(2, EffectKind::PaymentRefund, STRIPE, 1);
    way.end(2, EffectKind::PaymentRefund, STRIPE, DONE);
    way.image.refunded = TOTAL;
    way.moved(ProcessEvent::PaymentRefunded, OrderState::Confirmed);
    let voided = format!("{taken}\n{}", of_order("void", "pi_7", TOTAL));
    assert_eq!(offences(&ledger(&voided, &way)), "");
    let words = ["the providers refunded 0, the journal says 1999"];
    assert_offence(&ledger(&taken, &way), "providers", &words);
}

#[test]
fn money_of_a_given_up_attempt_that_was_taken_at_once_and_given_back_is_no_second_charge() {
    let mut way = Way::new();
    way.start(1, EffectKind::PaymentAuthorise, BACKUP, 0);
    way.end(1, EffectKind::PaymentAuthorise, BACKUP, GIVEN_UP);
    way.start(2, EffectKind::PaymentVoid, BACKUP, 1);
    way.end(2, EffectKind::PaymentVoid, BACKUP, DONE);
    way.start(3, EffectKind::PaymentAuthorise, STRIPE, 0);
    way.end(3, EffectKind::PaymentAuthorise, STRIPE, DONE);
    way.image.authorised = TOTAL;
    way.image.captured = TOTAL;
    way.confirm();
    let effects = |refunded: u64| {
        let of = |kind: &str, object: &str, amount: u64| of_order(kind, object, amount);
        let given_up = [of("authorise", "pi_7", TOTAL), of("capture", "pi_7", TOTAL)];
        let winner = [of("authorise", "pi_8", TOTAL), of("capture", "pi_8", TOTAL)];
        let back = [of("refund", "re_1", refunded)];
        [&given_up[..], &winner[..], &back[..]].concat().join("\n")
    };
    assert_eq!(offences(&ledger(&effects(TOTAL), &way)), "");
    let kept = ledger(&effects(TOTAL - 1), &way);
    assert_offence(&kept, "providers", &["captured 2 times: charged twice"]);
}

#[test]
fn an_order_that_was_cancelled_has_no_label_and_nothing_of_it_was_shipped() {
    let cancelled = |undone: Ended| {
        let mut way = Way::new();
        way.start(1, EffectKind::Label, STRIPE, 0);
        way.end(1, EffectKind::Label, STRIPE, GIVEN_UP);
        way.start(2, EffectKind::LabelCancel, STRIPE, 1);
        way.end(2, EffectKind::LabelCancel, STRIPE, undone);
        way.units(|order, _| Record::OrderReleased { order });
        way.image.timer = TimerKind::None;
        way.moved(ProcessEvent::Compensated, OrderState::Cancelled);
        way
    };
    let found_nothing = (EffectClass::Absent, EffectNext::Done);
    let label = of_order("label", "shp_1", 0);
    let report = ledger(&label, &cancelled(found_nothing));
    let words = ["the order is CANCELLED; labels of it that stand: 1"];
    assert_offence(&report, "providers", &words);
    let both = [label.clone(), of_order("label_void", "shp_1", 0)].join("\n");
    let report = ledger(&both, &cancelled(DONE));
    assert_eq!(offences(&report), "");
    assert_eq!(finding(&report, "providers").verdict(), "ok");
    let report = ledger(&of_order("shipment", "9001", 0), &cancelled(DONE));
    let words = ["the order is CANCELLED; parcels of it that left: 1"];
    assert_offence(&report, "providers", &words);
    // Somebody gave it up: nobody knows, and it was told.
    let given_up = (EffectClass::Refused, EffectNext::Discarded);
    assert_eq!(offences(&ledger(&label, &cancelled(given_up))), "");
    // What nobody has ordered here: a warehouse may have it from elsewhere, a label is ours.
    let elsewhere = |kind: &str| entry(kind, "shp_9", 0, "", "0-4711");
    let report = ledger(&elsewhere("ship"), &cancelled(DONE));
    assert_eq!(offences(&report), "");
    let report = ledger(&elsewhere("label"), &cancelled(DONE));
    let words = ["0-4711", "not in the journal; labels of it that stand: 1"];
    assert_offence(&report, "providers", &words);
    // An order that goes its way has them.
    let parcel = [label, of_order("shipment", "9001", 0)].join("\n");
    let mut way = Way::new();
    way.start(1, EffectKind::Label, STRIPE, 0);
    way.end(1, EffectKind::Label, STRIPE, DONE);
    assert_eq!(offences(&ledger(&parcel, &way)), "");
}

#[test]
fn orders_of_two_tenants_under_one_key_have_money_of_their_own() {
    let key = OrderKey(ORDER);
    let tenants = ["default", "acme", "globex"];
    let of = |tenant: &str, kind: &str, object: &str| {
        let mark = tenant_mark(tenant);
        let (reference, order) = (format!("{key}-2-1{mark}"), format!("{key}{mark}"));
        entry(kind, object, TOTAL, &reference, &order)
    };
    let compared = |effects: &[String]| {
        let directory = tempfile::tempdir().unwrap();
        for (shard, tenant) in (0..).zip(tenants) {
            let way = Way::completed_of(tenant);
            way.story.write_shard(directory.path(), shard);
        }
        let file = directory.path().join("providers.json");
        std::fs::write(&file, effects.join("\n")).unwrap();
        let options = VerifyOptions {
            provider_ledgers: vec![file],
            ..VerifyOptions::default()
        };
        verify(directory.path(), &options, &mut |_, _| {}).unwrap()
    };
    let mut effects = Vec::new();
    for tenant in tenants {
        let object = format!("pi_{tenant}");
        effects.extend(["authorise", "capture"].map(|kind| of(tenant, kind, &object)));
    }
    let report = compared(&effects);
    assert_eq!(offences(&report), "");
    assert_eq!(finding(&report, "providers").verdict(), "ok");
    // What one of them lacks is not made good by what another has too much of.
    let lost = effects.pop().unwrap();
    effects.push(of("acme", "capture", "pi_again"));
    let report = compared(&effects);
    let words = ["tenant globex", "captured 0, the journal says 1999"];
    assert_offence(&report, "providers", &words);
    let words = ["tenant acme", "captured 2 times: charged twice"];
    assert_offence(&report, "providers", &words);
    // Money under the mark of a tenant that has no such order is nobody's.
    effects.pop();
    effects.extend([lost, of("initech", "capture", "pi_9")]);
    let name = format!("{key}{}", tenant_mark("initech"));
    assert_offence(
        &compared(&effects),
        "providers",
        &[&name, "not in the journal"],
    );
}

#[test]
fn the_ledger_may_name_an_order_by_its_number() {
    let way = Way::completed();
    let accepted = way.story.entries.iter().position(|entry| entry.kind == 32);
    let number = format!("0-{}", accepted.unwrap() + 1);
    let effects = [
        entry("authorise", "40000001", TOTAL, "", &number),
        entry("capture", "40000001", TOTAL, "", &number),
    ];
    let report = ledger(&effects.join("\n"), &way);
    assert_eq!(offences(&report), "");
    assert_eq!(finding(&report, "providers").verdict(), "ok");
}

#[test]
fn a_file_that_is_no_ledger_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    Way::completed().story.write(directory.path());
    let file = directory.path().join("providers.json");
    std::fs::write(&file, "not json").unwrap();
    let options = VerifyOptions {
        provider_ledgers: vec![file],
        ..VerifyOptions::default()
    };
    let error = verify(directory.path(), &options, &mut |_, _| {}).unwrap_err();
    assert!(
        error.to_string().contains("GET /_sandbox/ledger"),
        "{error}"
    );
}
