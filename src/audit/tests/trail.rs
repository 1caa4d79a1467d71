//! The audit trail and report, and the story of an order in process.

use super::story::{BERLIN, LAMP, Story, TENANT, cell};
use super::way::{ORDER, Way};
use crate::audit::explain::{Moment, OrderQuestion, order};
use crate::audit::source::{DataDirectory, SourceError};
use crate::audit::summary::{Verdict, summary};
use crate::audit::trail::{TrailQuestion, TrailRecord, trail};
use crate::audit::verify::VerifyOptions;
use crate::engine::record::{
    ChannelEventRecord, ChannelRecord, ChannelRef, OperatorDecided, ProcessRecord, Record,
    SkuMapped, StockChange, SubscriberMoved,
};
use crate::types::channel_stock::ChannelRule;
use crate::types::pipeline::BackorderQueue;
use crate::types::process::OperatorAction;
use crate::types::{ChannelId, OrderKey, SkuId};

fn told(way: &Way, question: &TrailQuestion) -> Vec<TrailRecord> {
    told_of(&way.story, question)
}

fn told_of(story: &Story, question: &TrailQuestion) -> Vec<TrailRecord> {
    let directory = tempfile::tempdir().unwrap();
    story.write(directory.path());
    let source = DataDirectory::open(directory.path()).unwrap();
    let mut told = Vec::new();
    trail::<SourceError>(&source, question, |record| {
        told.push(record.clone());
        Ok(())
    })
    .unwrap();
    told
}

#[test]
fn the_trail_tells_before_after_outcome_and_cause_of_every_record_of_an_order() {
    let way = Way::completed();
    let question = TrailQuestion {
        order: Some(OrderKey(ORDER)),
        ..TrailQuestion::default()
    };
    let records = told(&way, &question);
    let ways: Vec<(Option<&str>, Option<&str>)> = records
        .iter()
        .map(|it| (it.before.as_deref(), it.after.as_deref()))
        .filter(|(before, after)| before != after)
        .collect();
    let expected = [
        (None, Some("FRAUD_CHECK")),
        (Some("FRAUD_CHECK"), Some("PAYMENT")),
        (Some("PAYMENT"), Some("CONFIRMED")),
        (Some("CONFIRMED"), Some("SHIPPED")),
        (Some("SHIPPED"), Some("DELIVERED")),
        (Some("DELIVERED"), Some("COMPLETED")),
    ];
    assert_eq!(ways, expected);
    let causes = records.iter().skip(1).map(|it| it.cause);
    let before = records.iter().map(|it| it.sequence);
    assert!(
        causes.eq(before.take(records.len() - 1)),
        "each has its cause"
    );
    assert!(
        records
            .iter()
            .all(|it| it.segment == 1 && !it.text.is_empty())
    );
    assert!(records.iter().all(|it| it.actor == "shop"));
    let nobody = TrailQuestion {
        actor: Some("nobody".to_owned()),
        ..TrailQuestion::default()
    };
    assert!(told(&way, &nobody).is_empty());
    let early = TrailQuestion {
        to_ms: super::story::START_MS + 1,
        ..TrailQuestion::default()
    };
    let early = told(&way, &early);
    assert!(!early.is_empty() && early.len() < way.story.entries.len() - records.len() + 1);
}

#[test]
fn the_report_counts_and_a_decision_without_a_person_fails_it() {
    let check = |way: &Way, name: &str| {
        let directory = tempfile::tempdir().unwrap();
        way.story.write(directory.path());
        let found = summary(directory.path(), &VerifyOptions::default(), &mut |_, _| {});
        let found = found.unwrap();
        let check = found
            .checks
            .iter()
            .find(|check| check.name == name)
            .cloned();
        (check.unwrap(), found.passed)
    };
    let way = Way::completed();
    let (captures, passed) = check(&way, "captures");
    assert_eq!(
        (captures.verdict, captures.checked, passed),
        (Verdict::Pass, 1, true)
    );
    assert_eq!(check(&way, "attempts").0.checked, 2);
    assert_eq!(check(&way, "reviews").0.verdict, Verdict::NotExercised);

    let mut way = Way::new();
    way.pay();
    let decided = OperatorDecided {
        order: way.story.of(ORDER),
        action: OperatorAction::Refund,
        effect: 0,
        amount: 0,
        reason: "",
    };
    let record = Record::Process(ProcessRecord::Decided(decided));
    let mut entry = way.story.entry(&record);
    assert_eq!(check(&way, "decisions").0.verdict, Verdict::NotExercised);
    way.story.entries.push(entry.clone());
    assert_eq!(check(&way, "decisions").0.verdict, Verdict::Pass);
    way.story.entries.pop();
    entry.actor = crate::types::ActorId::SYSTEM;
    way.story.entries.push(entry);
    let (decisions, passed) = check(&way, "decisions");
    assert_eq!(
        (decisions.verdict, decisions.violations),
        (Verdict::Fail, 1)
    );
    assert!(!passed);
}

#[test]
fn explain_tells_the_process_in_words_with_states_before_and_after() {
    let directory = tempfile::tempdir().unwrap();
    Way::completed().story.write(directory.path());
    let source = DataDirectory::open(directory.path()).unwrap();
    let question = OrderQuestion {
        key: OrderKey(ORDER),
        tenant: None,
        until: Moment::default(),
    };
    let stories = order(&source, &question).unwrap();
    let story = stories.first().unwrap();
    assert_eq!(story.state, "COMPLETED");
    let texts: Vec<&str> = story
        .events
        .iter()
        .map(|event| event.text.as_str())
        .collect();
    for words in [
        "– → PAYMENT: placed, step pay",
        "effect 1, payment_authorise at stripe: attempt 1 leaves",
        "effect 1, payment_authorise at stripe: attempt 1 ended done (HTTP 200, 12 ms) (pi_7)",
        "PAYMENT → CONFIRMED: confirmed",
        "DELIVERED → COMPLETED: completed",
    ] {
        assert!(
            texts.iter().any(|text| text.starts_with(words)),
            "{words} in {texts:#?}"
        );
    }
}

/// Definitions, rules, a mapping, a correction of stock and a rewind.
fn operated() -> Story {
    let mut story = Story::new();
    story.define();
    story.receive(LAMP, BERLIN, 10);
    let channel = ChannelId(4);
    for name in ["eu", "eu-shop"] {
        story.push(&Record::Channel(ChannelRecord::Defined {
            tenant: TENANT,
            channel,
            kind: None,
            name,
        }));
    }
    for (sku, rule) in [
        (Some(LAMP), Some(ChannelRule::Cap { units: 9 })),
        (Some(LAMP), None),
        (None, Some(ChannelRule::Pool { buffer: 2 })),
    ] {
        let head = ChannelRef {
            key: story.command(),
            fingerprint: 7,
            tenant: TENANT,
            channel,
        };
        story.push(&Record::Channel(ChannelRecord::RuleSet {
            head,
            sku,
            rule,
            anew: false,
        }));
    }
    for sku in [LAMP, SkuId(u32::MAX)] {
        let mapped = SkuMapped {
            tenant: TENANT,
            channel,
            sku,
            item: "9",
            write_back: "",
        };
        story.push(&Record::ChannelEvent(ChannelEventRecord::Mapped(mapped)));
    }
    story.push(&Record::SkuChanged {
        sku: LAMP,
        on_sale: false,
    });
    story.push(&Record::SkuQueueSet {
        sku: LAMP,
        queue: BackorderQueue::Strict,
    });
    let key = story.command();
    story.push(&Record::Stock(StockChange::Adjusted {
        key,
        fingerprint: 7,
        cell: cell(LAMP, BERLIN),
        delta: -3,
        reason: "broken",
    }));
    story.push(&Record::Subscriber(SubscriberMoved {
        tenant: TENANT,
        before: 12,
        after: 3,
        name: "crm",
        reason: "again",
    }));
    story
}

#[test]
fn the_trail_tells_how_whatever_was_defined_set_or_moved_stood_before_and_after() {
    let records = told_of(&operated(), &TrailQuestion::default());
    let first = records.iter().position(|it| it.action == "ChannelDefined");
    let ways: Vec<_> = records[first.unwrap()..]
        .iter()
        .map(|it| (it.action, it.before.as_deref(), it.after.as_deref()))
        .collect();
    let lamps = |on_hand: u32| format!("on hand {on_hand}, reserved 0, committed 0, unavailable 0");
    let (ten, seven) = (lamps(10), lamps(7));
    let no_rule = Some("no rule");
    let expected = [
        ("ChannelDefined", None, Some("eu")),
        ("ChannelDefined", Some("eu"), Some("eu-shop")),
        ("ChannelRuleSet", no_rule, Some("at most 9 units")),
        ("ChannelRuleSet", Some("at most 9 units"), no_rule),
        ("ChannelRuleSet", no_rule, Some("the pool less 2 units")),
        ("SkuMapped", Some("nothing"), Some("lamp")),
        ("SkuMapped", Some("lamp"), Some("nothing")),
        ("SkuChanged", Some("on sale"), Some("off sale")),
        ("SkuQueueSet", Some("default"), Some("strict")),
        ("StockAdjusted", Some(ten.as_str()), Some(seven.as_str())),
        ("SubscriberMoved", Some("12"), Some("3")),
    ];
    assert_eq!(ways, expected);
    let defined = records.iter().find(|it| it.action == "LocationDefined");
    let place = defined.unwrap().after.as_deref();
    assert!(place.is_some_and(|place| place.starts_with("at ") && place.contains("priority")));
    // The first record is from before anybody knew the actor's name.
    let mut known = records.iter().skip(1);
    assert!(known.all(|it| it.actor == "shop" && it.time.starts_with("2023-")));
}
