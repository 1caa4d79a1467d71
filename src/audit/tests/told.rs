//! Explanations and inspection: what people are told about the same journal.

use super::story::*;
use crate::audit::explain::{Moment, OrderQuestion, SkuQuestion, order, sku};
use crate::audit::inspect::{Follow, Range, records, segments};
use crate::audit::source::{DataDirectory, Tail};
use crate::engine::record::Record;
use crate::types::{Disposition, OrderDetails, OrderKey};
use serde_json::Value;

fn written(story: &Story) -> (tempfile::TempDir, DataDirectory) {
    let directory = tempfile::tempdir().unwrap();
    story.write(directory.path());
    let source = DataDirectory::open(directory.path()).unwrap();
    (directory, source)
}

const ALL: Range = Range {
    from: 1,
    to: u64::MAX,
    left: u64::MAX,
};

fn lines(source: &DataDirectory, mut range: Range) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut keep = |line: &Value| {
        lines.push(line.clone());
        Ok(())
    };
    let tail = records(source, 0, &mut range, &mut keep).unwrap();
    assert_eq!(tail, Tail::Clean);
    lines
}

fn about(key: u128, until: Moment) -> OrderQuestion {
    OrderQuestion {
        key: OrderKey(key),
        tenant: None,
        until,
    }
}

#[test]
fn an_orders_timeline_tells_every_change_and_its_present_state() {
    let (_keep, source) = written(&Story::valid());
    let stories = order(&source, &about(1, Moment::Now)).unwrap();
    let [story] = stories.as_slice() else {
        panic!("{stories:?}")
    };
    let texts: Vec<&str> = story
        .events
        .iter()
        .map(|event| event.text.as_str())
        .collect();
    let expected = [
        "held as version 1: 2 × lamp at berlin",
        "the key came again with another meaning",
        "confirmed in full",
        "shipped: 1 × lamp at berlin",
        "shipped: 1 × lamp at berlin",
        "returned as restock: 1 × lamp at berlin",
        "returned as damaged: 1 × lamp at berlin",
    ];
    assert_eq!(texts.len(), expected.len(), "{texts:?}");
    for (text, expected) in texts.iter().zip(expected) {
        assert!(
            text.starts_with(expected),
            "{text} should start with {expected}"
        );
    }
    assert!(story.events.iter().all(|event| event.actor == "shop"));
    assert_eq!(
        (story.state, story.tenant.as_str(), story.version),
        ("SHIPPED", "acme", 1)
    );
    assert_eq!((story.lines[0].shipped, story.lines[0].returned), (2, 2));
}

#[test]
fn an_order_is_told_as_it_was_at_a_past_moment() {
    let (_keep, source) = written(&Story::valid());
    let at = |until| order(&source, &about(4, until)).unwrap().remove(0);
    let early = at(Moment::Time(START_MS + 5));
    assert_eq!(
        (early.state, early.version, early.events.len()),
        ("HELD", 1, 1)
    );
    assert_eq!(
        early.expires_at.as_deref(),
        Some("2023-11-14T22:14:20.005Z")
    );
    let now = at(Moment::Now);
    assert_eq!((now.version, now.events.len()), (2, 3));
    let first = now.events[0].sequence;
    assert_eq!(at(Moment::Sequence(first)).events.len(), 1);
    let before = order(&source, &about(4, Moment::Sequence(first - 1))).unwrap();
    assert!(before.is_empty(), "the order did not exist yet");
}

#[test]
fn a_refusal_names_who_took_the_last_unit_and_who_held_the_stock_then() {
    let mut story = Story::new();
    story.define();
    story.receive(LAMP, BERLIN, 3);
    story.accept(1, 1, 0, &[units(LAMP, BERLIN, 1)]);
    let last = story.accept(2, 1, 0, &[units(LAMP, BERLIN, 2)]);
    let refused = story.reject(3, 1, 0);
    story.release(2);
    let (_keep, source) = written(&story);
    let told = order(&source, &about(3, Moment::Now)).unwrap().remove(0);
    assert_eq!((told.state, told.events[0].sequence), ("REJECTED", refused));
    let why = &told.events[0].refused[0];
    assert_eq!(
        (why.sku.as_str(), why.left, why.holders_count),
        ("lamp", 0, 2)
    );
    let winner = why.last_unit.as_ref().unwrap();
    assert_eq!((winner.sequence, winner.units), (last, 2));
    assert_eq!(winner.order, OrderKey(2).to_string());
    let holders: Vec<&str> = why
        .holders
        .iter()
        .map(|rival| rival.order.as_str())
        .collect();
    assert_eq!(holders, [OrderKey(2).to_string(), OrderKey(1).to_string()]);
}

#[test]
fn a_sku_is_told_with_its_cells_counts_and_last_unit_at_any_moment() {
    let mut story = Story::new();
    story.define();
    story.receive(LAMP, BERLIN, 3);
    story.accept(1, 1, 0, &[units(LAMP, BERLIN, 1)]);
    let last = story.accept(2, 1, 0, &[units(LAMP, BERLIN, 2)]);
    story.reject(3, 1, 0);
    let restocked = story.receive(LAMP, PARIS, 5);
    story.accept(4, 1, 0, &[units(LAMP, PARIS, 1)]);
    let (_keep, source) = written(&story);
    let at = |until| {
        let question = SkuQuestion {
            name: "lamp".to_owned(),
            tenant: Some("acme".to_owned()),
            until,
        };
        sku(&source, &question).unwrap().remove(0)
    };
    let now = at(Moment::Now);
    assert_eq!(
        (now.accepted_orders, now.accepted_units, now.refused_orders),
        (3, 4, 1)
    );
    assert_eq!((now.available, now.holders_count), (4, 3));
    assert_eq!(now.last_unit.as_ref().unwrap().sequence, last);
    assert_eq!(
        now.last_accepted.as_ref().unwrap().order,
        OrderKey(4).to_string()
    );
    assert_eq!(now.movements.len(), 2);
    let berlin = &now.cells[0];
    assert_eq!(
        (berlin.on_hand, berlin.reserved, berlin.available),
        (3, 3, 0)
    );
    let then = at(Moment::Sequence(restocked - 1));
    assert_eq!(
        (then.available, then.cells.len(), then.holders_count),
        (0, 1, 2)
    );
}

#[test]
fn every_kind_of_record_is_shown_with_names_and_unknown_ones_in_hex() {
    let mut story = Story::valid();
    story.receive(LAMP, BERLIN, 1);
    let unknown = story.entries.len();
    story.entries[unknown - 1].kind = 200;
    let (_keep, source) = written(&story);
    let shown = lines(&source, ALL);
    assert_eq!(shown.len(), story.entries.len());
    for (line, sequence) in shown.iter().zip(1_u64..) {
        assert_eq!(line["sequence"], sequence);
        assert_eq!(line["epoch"], 1);
    }
    assert_eq!(shown[6]["kind"], "StockReceived");
    assert_eq!(shown[6]["sku"], "lamp");
    assert_eq!(shown[6]["location"], "berlin");
    assert_eq!(shown[6]["actor"], "shop");
    assert_eq!(shown[6]["time"], "2023-11-14T22:13:20.000Z");
    let last = &shown[unknown - 1];
    assert_eq!(
        (&last["kind"], &last["kind_number"]),
        (&"unknown".into(), &200.into())
    );
    assert!(last["payload"].as_str().unwrap().len() > 20);
    let named = shown.iter().filter(|line| line["kind"] != "unknown");
    assert_eq!(named.count(), shown.len() - 1);
}

#[test]
fn details_of_an_order_are_shown_decoded() {
    let mut story = Story::new();
    story.define();
    story.receive(LAMP, BERLIN, 3);
    let details = OrderDetails {
        external_id: "SHOP-1".to_owned(),
        ..OrderDetails::default()
    };
    let archived = rkyv::to_bytes::<rkyv::rancor::Error>(&details).unwrap();
    let mut bytes = Vec::new();
    crate::engine::record::put_lines(&mut bytes, &[units(LAMP, BERLIN, 1)]);
    story.push(&Record::OrderAccepted(
        crate::engine::record::OrderAccepted {
            details: &archived,
            details_version: 1,
            ..accepted(1, 1, crate::engine::record::accepted_flags::DETAILS, &bytes)
        },
    ));
    let (_keep, source) = written(&story);
    let shown = lines(&source, ALL);
    assert_eq!(shown.last().unwrap()["details"]["external_id"], "SHOP-1");
    let told = order(&source, &about(1, Moment::Now)).unwrap().remove(0);
    assert!(
        told.events[0].text.ends_with("external id SHOP-1"),
        "{}",
        told.events[0].text
    );
}

#[test]
fn a_range_of_records_is_what_was_asked_for() {
    let (_keep, source) = written(&Story::valid());
    let sequences = |from, to, left| -> Vec<u64> {
        let lines = lines(&source, Range { from, to, left });
        lines
            .iter()
            .map(|line| line["sequence"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(sequences(3, 5, u64::MAX), [3, 4, 5]);
    assert_eq!(sequences(30, u64::MAX, 2), [30, 31]);
    assert_eq!(sequences(900, u64::MAX, 2), Vec::<u64>::new());
}

#[test]
fn following_prints_records_once_they_are_durable_and_goes_on_when_more_come() {
    let mut story = Story::valid();
    let directory = tempfile::tempdir().unwrap();
    story.write(directory.path());
    let source = DataDirectory::open(directory.path()).unwrap();
    let mut follow = Follow::open(&source, 0).unwrap();
    let (mut seen, mut range) = (Vec::new(), ALL);
    let mut step = |follow: &mut Follow, seen: &mut Vec<u64>| {
        let mut keep = |line: &Value| {
            seen.push(line["sequence"].as_u64().unwrap());
            Ok(())
        };
        assert!(follow.step(&mut range, &mut keep).unwrap());
    };
    step(&mut follow, &mut seen);
    let first = seen.len();
    assert!(
        first > 10 && first < story.entries.len(),
        "the last batch is not known durable"
    );
    for _ in 0..2_000 {
        story.wait(1);
        story.receive(LAMP, BERLIN, 1);
    }
    story.write(directory.path());
    step(&mut follow, &mut seen);
    step(&mut follow, &mut seen);
    assert!(
        seen.iter().copied().eq(1..=seen.len() as u64),
        "each record once, in order"
    );
    assert_eq!(seen.len(), story.entries.len() - 1);
}

#[test]
fn segments_are_listed_with_their_seals() {
    let mut story = Story::new();
    story.define();
    for _ in 0..2_000 {
        story.wait(1);
        story.receive(LAMP, BERLIN, 1);
    }
    let mut payload = 1_u64.to_le_bytes().to_vec();
    payload.extend_from_slice(&[0; 8]);
    payload.extend_from_slice(&[0xab; 32]);
    payload.extend_from_slice(&[0; 32]);
    let like = story.entries.last().unwrap().clone();
    story.entries.push(Entry {
        kind: 2,
        payload,
        ..like
    });
    let (_keep, source) = written(&story);
    let (survey, rows) = segments(&source, 0).unwrap();
    assert_eq!(survey.tail, Tail::Clean);
    assert_eq!(rows[0].sealed.as_deref(), Some("ab".repeat(32).as_str()));
    assert_eq!(rows[1].sealed, None);
    assert_eq!(rows[0].file, "segment-0000000001.log");
    assert_eq!(
        rows.last().unwrap().last_sequence,
        story.entries.len() as u64
    );
    assert!(
        rows.iter()
            .all(|row| row.used_bytes <= row.size_bytes && !row.recycled)
    );
}

#[test]
fn an_order_of_several_fates_is_told_to_its_end() {
    let mut story = Story::valid();
    story.give_back(2, Disposition::Restock, &[]);
    let (_keep, source) = written(&story);
    let told = order(&source, &about(3, Moment::Now)).unwrap().remove(0);
    let kinds: Vec<&str> = told.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["OrderAccepted", "OrderExpired", "OrdersForgotten"]);
    assert_eq!((told.state, told.lines.len()), ("FORGOTTEN", 0));
    let other = OrderQuestion {
        tenant: Some("nobody".to_owned()),
        ..about(3, Moment::Now)
    };
    assert!(order(&source, &other).unwrap().is_empty());
}
