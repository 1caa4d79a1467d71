//! For each claim: a valid journal, one record altered, and the offence that is named.

use super::story::*;
use super::{assert_offence, finding, offences, verified};
use crate::engine::record::{Record, StockChange};
use crate::types::{CommandKey, Disposition, OrderKey};

/// The sequence of the nth record (from 0) of a kind.
fn nth(story: &Story, kind: u8, n: usize) -> u64 {
    let entries = story.entries.iter().zip(1..);
    let mut found = entries.filter(|(entry, _)| entry.kind == kind);
    found.nth(n).unwrap().1
}

#[test]
fn a_valid_journal_exercises_every_claim_and_violates_none() {
    let report = verified(&Story::valid());
    assert_eq!(offences(&report), "");
    for claim in ["journal", "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I11"] {
        assert_eq!(finding(&report, claim).verdict(), "ok", "{claim}");
    }
    assert_eq!(finding(&report, "I14").verdict(), "not exercised");
    let shard = &report.shards[0];
    assert_eq!(shard.last_sequence, Story::valid().entries.len() as u64);
    assert_eq!(
        (shard.tail.as_str(), report.served_by),
        ("ends cleanly", None)
    );
}

#[test]
fn an_empty_journal_exercises_nothing() {
    let report = verified(&Story::new());
    let exercised = report.findings.iter().filter(|row| row.checked > 0);
    // Only that the journal is undamaged, and that no order is in the replayed state either.
    let names: Vec<_> = exercised.map(|row| row.invariant).collect();
    assert_eq!(names, ["journal", "I11"]);
    assert_eq!(report.violations, 0);
}

#[test]
fn a_set_that_is_wrong_about_what_was_there_breaks_the_sum_of_flows() {
    let mut story = Story::valid();
    let at = nth(&story, 66, 0);
    story.alter(
        at,
        &Record::Stock(StockChange::Set {
            key: CommandKey(5),
            fingerprint: 7,
            cell: cell(LAMP, BERLIN),
            before: 12,
            on_hand: 9,
        }),
    );
    let words = [
        &*format!("sequence {at}"),
        "SKU lamp",
        "location berlin",
        "on hand is 9",
    ];
    assert_offence(&verified(&story), "I1", &words);
}

#[test]
fn stock_below_zero_is_named() {
    let mut story = Story::valid();
    let at = story.adjust(VASE, BERLIN, -50);
    let words = [&*format!("sequence {at}"), "SKU vase", "on hand is -"];
    assert_offence(&verified(&story), "I2", &words);
}

#[test]
fn a_shortage_of_another_size_than_recorded_is_named() {
    let mut story = Story::valid();
    let at = nth(&story, 69, 0);
    story.alter(
        at,
        &Record::ShortageDetected {
            cell: cell(VASE, BERLIN),
            short: 3,
        },
    );
    let words = [
        &*format!("sequence {at}"),
        "vase",
        "a shortage of 3",
        "it is 1",
    ];
    assert_offence(&verified(&story), "I2", &words);
}

#[test]
fn stock_reserved_for_an_order_that_is_gone_is_named() {
    let mut story = Story::valid();
    let at = story.forget(4);
    let report = verified(&story);
    assert_offence(
        &report,
        "I3",
        &["SKU vase", "location berlin", "2 reserved", "hold 0"],
    );
    let order = format!("order {}", OrderKey(4));
    assert_offence(
        &report,
        "I5",
        &[&*format!("sequence {at}"), &*order, "HELD"],
    );
}

#[test]
fn a_shipment_beyond_what_is_committed_is_named() {
    let mut story = Story::valid();
    let at = story.ship(7, &[units(VASE, BERLIN, 3)]);
    let order = format!("order {}", OrderKey(7));
    let words = [
        &*format!("sequence {at}"),
        &*order,
        "SKU vase",
        "berlin",
        "by 1 units",
    ];
    assert_offence(&verified(&story), "I4", &words);
}

#[test]
fn a_return_of_more_than_was_shipped_is_named() {
    let mut story = Story::valid();
    let at = story.give_back(1, Disposition::Restock, &[units(LAMP, BERLIN, 1)]);
    let order = format!("order {}", OrderKey(1));
    let words = [
        &*format!("sequence {at}"),
        &*order,
        "SKU lamp",
        "returns more",
    ];
    assert_offence(&verified(&story), "I4", &words);
}

#[test]
fn a_hold_resolved_twice_is_named_with_both_sequences() {
    let mut story = Story::valid();
    let first = nth(&story, 36, 0);
    let at = story.release(5);
    let order = format!("order {}", OrderKey(5));
    let words = [
        &*format!("sequence {at},"),
        &*order,
        "is released, but it is CANCELLED",
        &*format!("at sequence {first}"),
    ];
    assert_offence(&verified(&story), "I5", &words);
}

#[test]
fn a_hold_confirmed_after_its_end_is_named() {
    let mut story = Story::valid();
    story.wait(10 * u64::from(TTL_MS));
    let at = story.confirm(4, &[]);
    let order = format!("order {}", OrderKey(4));
    let words = [&*format!("sequence {at}"), &*order, "after its end"];
    assert_offence(&verified(&story), "I5", &words);
}

#[test]
fn a_hold_expired_before_its_end_is_named() {
    let mut story = Story::valid();
    let at = story.expire(4);
    let words = [&*format!("sequence {at}"), "before its end"];
    assert_offence(&verified(&story), "I5", &words);
}

#[test]
fn an_order_accepted_twice_under_one_key_is_named() {
    let mut story = Story::valid();
    let first = nth(&story, 32, 0);
    let at = story.accept(1, 1, 0, &[units(LAMP, BERLIN, 1)]);
    let order = format!("order {}", OrderKey(1));
    let words = [
        &*format!("sequence {at},"),
        &*order,
        "version 1 is decided here and before",
        &*format!("at sequence {first}"),
    ];
    assert_offence(&verified(&story), "I6", &words);
}

#[test]
fn a_refusal_that_was_followed_by_an_acceptance_is_named() {
    let mut story = Story::valid();
    let first = nth(&story, 33, 0);
    let at = story.accept(6, 1, 0, &[units(LAMP, BERLIN, 1)]);
    let words = [
        &*format!("sequence {at},"),
        &*format!("refused at sequence {first}"),
        "INSUFFICIENT_STOCK",
    ];
    assert_offence(&verified(&story), "I6", &words);
}

#[test]
fn a_command_booked_twice_is_named() {
    let mut story = Story::valid();
    let first = nth(&story, 64, 0);
    let again = story.entries[usize::try_from(first).unwrap() - 1].clone();
    let time_ms = story.now_ms;
    story.entries.push(Entry { time_ms, ..again });
    let at = story.entries.len();
    let words = [
        &*format!("sequence {at},"),
        "command 0000",
        &*format!("done twice, first at sequence {first}"),
    ];
    assert_offence(&verified(&story), "I6", &words);
}

#[test]
fn a_unit_sold_twice_is_named() {
    let mut story = Story::valid();
    let lamps = [units(LAMP, PARIS, 2)];
    story.accept(20, 1, 0, &lamps);
    let at = story.accept(21, 1, 0, &lamps);
    let order = format!("order {}", OrderKey(21));
    let report = verified(&story);
    let words = [
        &*format!("sequence {at},"),
        &*order,
        "SKU lamp",
        "location paris",
        "2 units where 0 were available",
    ];
    assert_offence(&report, "I7", &words);
    assert_offence(
        &report,
        "I7",
        &["lamp", "paris", "short by 2 although no correction"],
    );
}

#[test]
fn stock_short_by_a_correction_is_no_double_sale() {
    let mut story = Story::valid();
    story.accept(20, 1, 0, &[units(LAMP, PARIS, 2)]);
    story.adjust(LAMP, PARIS, -1);
    assert_eq!(finding(&verified(&story), "I7").violations, 0);
}

#[test]
fn a_digest_of_another_state_is_named() {
    let mut story = Story::valid();
    let digest = [9; 32];
    let at = story.push(&Record::StateDigest { digest });
    assert_offence(
        &verified(&story),
        "I11",
        &[&*format!("sequence {at}"), "digest"],
    );
}

#[test]
fn a_record_that_the_engine_cannot_follow_is_named() {
    let mut story = Story::valid();
    let at = story.release(77);
    assert_offence(
        &verified(&story),
        "I11",
        &[&*format!("sequence {at}"), "replay ends here"],
    );
}

#[test]
fn time_that_goes_back_is_named() {
    let mut story = Story::valid();
    story.now_ms -= 5_000;
    let at = story.receive(LAMP, BERLIN, 1);
    assert_offence(&verified(&story), "journal", &[&*format!("sequence {at}")]);
}

#[test]
fn a_record_of_an_unknown_kind_is_named() {
    let mut story = Story::valid();
    story.receive(LAMP, BERLIN, 1);
    let at = story.entries.len();
    story.entries[at - 1].kind = 200;
    let words = [&*format!("sequence {at}"), "kind 200"];
    assert_offence(&verified(&story), "journal", &words);
}

#[test]
fn stock_of_a_sku_that_was_never_defined_is_named() {
    let mut story = Story::valid();
    let at = story.receive(crate::types::SkuId(9), BERLIN, 1);
    let words = [&*format!("sequence {at}"), "SKU #9", "not defined"];
    assert_offence(&verified(&story), "journal", &words);
}
