//! Lanes over a real journal: what the journal says was started is called, once, by the right
//! provider, and nobody waits for anybody else.

mod fake;
mod rig;
mod undoing;

use fake::Fake;
use futures_util::future::{BoxFuture, FutureExt};
use onhand::adapters::call::Call;
use onhand::adapters::http::Http;
use onhand::adapters::options::ProviderOptions;
use onhand::adapters::outcome::Outcome;
use onhand::adapters::provider::Provider;
use onhand::adapters::runtime::Configured;
use onhand::adapters::traceparent;
use onhand::engine::process::command::OpenEffect;
use onhand::limits::{LOCAL_COMMANDS_MAX, PROVIDER_QUEUE_MAX};
use onhand::shard::local::{Local, LocalQuery, LocalRequest, OwnedResult};
use onhand::types::OrderKey;
use onhand::types::effect::{
    EffectClass, EffectKind, Milestone, effect_key, target_byte, tenant_mark,
};
use rig::{Rig, effect, until};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

const PAYS: &[EffectKind] = &[EffectKind::PaymentAuthorise, EffectKind::PaymentVoid];
const SHIPS: &[EffectKind] = &[EffectKind::Label, EffectKind::LabelCancel];
const TELLS: &[EffectKind] = &[EffectKind::Notify, EffectKind::Alert];

fn numbers(results: &[OwnedResult]) -> Vec<u16> {
    let mut numbers: Vec<u16> = results.iter().map(|result| result.number).collect();
    numbers.sort_unstable();
    numbers
}

/// Numbers of the effects that a provider was called for, in the order of the calls.
fn called(fake: &Fake) -> Vec<u16> {
    let calls = fake.calls();
    calls.iter().map(|(_, call)| call.number).collect()
}

fn many(numbers: std::ops::Range<u16>, kind: EffectKind, provider: u16) -> Vec<OpenEffect> {
    numbers
        .map(|number| effect(number, kind, provider))
        .collect()
}

#[test]
fn a_call_carries_what_the_journal_says_about_effect_and_order() {
    let mut rig = Rig::new();
    let stripe = Fake::new("stripe", PAYS, 0).arc();
    rig.start(&[&stripe], Vec::new());
    let accepted = rig.accept(77);
    let mut void = effect(4, EffectKind::PaymentVoid, 0);
    void.order = OrderKey(77);
    void.accepted = accepted;
    void.attempt = 2;
    void.target = 3;
    void.target_kind = EffectKind::PaymentAuthorise as u8;
    void.reference = "pi_1".to_owned();
    void.milestone = Some(Milestone::Cancelled);
    rig.begin(&[void]);
    let results = rig.results("the result", |results| results.len() == 1);
    let result = &results[0];
    assert_eq!(
        (result.order, result.number, result.attempt),
        (OrderKey(77), 4, 2)
    );
    assert_eq!((result.class, result.score), (EffectClass::Done, 255));
    assert_eq!(result.reference, "ref-4");
    let (_, call) = stripe.calls().remove(0);
    assert_eq!(
        call.key,
        effect_key(OrderKey(77), EffectKind::PaymentVoid, 4)
    );
    let target = effect_key(OrderKey(77), EffectKind::PaymentAuthorise, 3);
    assert_eq!(
        (call.target_key, call.reference),
        (target, "pi_1".to_owned())
    );
    assert_eq!((call.attempt, call.resumed), (2, false));
    assert_eq!(call.traceparent, traceparent(OrderKey(77), 4, 2));
    let facts = &call.facts;
    assert_eq!(facts.number, format!("0-{accepted}"));
    assert_eq!(
        (facts.tenant.as_str(), facts.total, facts.currency),
        ("acme", 2_500, 978)
    );
    assert_eq!(facts.details.email, "77@example.com");
    let line = &facts.lines[0];
    assert_eq!(
        (line.sku.as_str(), line.location.as_str()),
        ("SKU-3", "LOC-1")
    );
    assert_eq!((line.quantity, line.unit_price), (2, 1_250));
    let latest = rig.store.latest(OrderKey(77));
    assert_eq!(latest.len(), 1);
    let (shard, latest) = &latest[0];
    assert_eq!((*shard, latest.number.as_str()), (0, facts.number.as_str()));
}

#[test]
fn keys_have_the_mark_of_their_tenant_but_for_orders_of_before_there_were_marks() {
    let mut rig = Rig::new();
    let stripe = Fake::new("stripe", PAYS, 0).arc();
    rig.start(&[&stripe], Vec::new());
    let accepted = rig.accept(77);
    let void = |number: u16, marked: bool| OpenEffect {
        order: OrderKey(77),
        accepted,
        target: 3,
        target_kind: target_byte(Some(EffectKind::PaymentAuthorise), marked),
        ..effect(number, EffectKind::PaymentVoid, 0)
    };
    rig.begin(&[void(4, true)]);
    rig.results("the marked one", |results| results.len() == 1);
    rig.begin(&[void(5, false)]);
    rig.results("the old one", |results| results.len() == 1);
    let key = |kind, number| effect_key(OrderKey(77), kind, number);
    let target = key(EffectKind::PaymentAuthorise, 3);
    let mark = tenant_mark("acme");
    let calls = stripe.calls();
    let marked = &calls[0].1;
    assert_eq!(marked.key, key(EffectKind::PaymentVoid, 4) + &mark);
    assert_eq!(marked.target_key, target.clone() + &mark);
    assert_eq!(marked.order_id(), OrderKey(77).to_string() + &mark);
    let old = &calls[1].1;
    assert_eq!(old.key, key(EffectKind::PaymentVoid, 5));
    assert_eq!(old.target_key, target);
    assert_eq!(old.order_id(), OrderKey(77).to_string());
}

#[test]
fn facts_of_orders_from_before_the_start_are_read_from_the_journal() {
    let mut rig = Rig::new();
    let sequences: Vec<u64> = (1..=3_000).map(|key| rig.accept(key)).collect();
    let stripe = Fake::new("stripe", PAYS, 0).arc();
    rig.start(&[&stripe], Vec::new());
    let late: Vec<OpenEffect> = [0, 1_500, 2_999]
        .iter()
        .enumerate()
        .map(|(number, &place)| {
            let mut late = effect(number as u16 + 1, EffectKind::PaymentAuthorise, 0);
            late.accepted = sequences[place];
            late
        })
        .collect();
    rig.begin(&late);
    rig.results("three results", |results| results.len() == 3);
    let mut mails: Vec<String> = stripe
        .calls()
        .iter()
        .map(|(_, call)| call.facts.details.email.clone())
        .collect();
    mails.sort();
    assert_eq!(
        mails,
        ["1501@example.com", "1@example.com", "3000@example.com"]
    );
}

#[test]
fn a_dead_provider_delays_no_other_provider_and_no_other_lane() {
    let mut rig = Rig::new();
    let dead = Fake::new("dead", PAYS, 0).concurrency(2).dead().arc();
    let backup = Fake::new("backup", PAYS, 0).arc();
    let slack = Fake::new("slack", TELLS, 0).arc();
    rig.start(&[&dead, &backup, &slack], Vec::new());
    // Far more than its queue takes, before everything else in the journal.
    let backlog = 4 * PROVIDER_QUEUE_MAX as u16;
    for first in (1..=backlog).step_by(256) {
        rig.begin(&many(first..first + 256, EffectKind::PaymentAuthorise, 0));
    }
    rig.begin(&many(10_000..10_100, EffectKind::PaymentAuthorise, 1));
    rig.begin(&many(20_000..20_100, EffectKind::Alert, 2));
    let results = rig.results("200 results of the living", |results| results.len() == 200);
    let expected: Vec<u16> = (10_000..10_100).chain(20_000..20_100).collect();
    assert_eq!(numbers(&results), expected);
    assert_eq!(dead.count(), 2, "no more than its limit left");
    // It comes back: nothing was lost, nothing doubled, and the order is kept.
    dead.answer();
    let results = rig.results("the backlog", |results| {
        results.len() >= usize::from(backlog)
    });
    assert_eq!(numbers(&results), (1..=backlog).collect::<Vec<u16>>());
    assert!(
        called(&dead).is_sorted(),
        "first come, first served within a class"
    );
}

#[test]
fn a_backlog_of_bulk_messages_does_not_delay_an_alert() {
    let mut rig = Rig::new();
    let mail = Fake::new("mail", TELLS, 1).concurrency(1).arc();
    rig.start(&[&mail], Vec::new());
    for first in (1..=3_840_u16).step_by(256) {
        rig.begin(&many(first..first + 256, EffectKind::Notify, 0));
    }
    rig.begin(&[effect(9_999, EffectKind::Alert, 0)]);
    let before = mail.count();
    let results = rig.results("the alert", |results| {
        results.iter().any(|r| r.number == 9_999)
    });
    assert!(
        results.len() <= before + 200,
        "{} messages left before the alert, {before} of them before it was raised",
        results.len()
    );
    rig.stop();
}

#[test]
fn more_urgent_classes_leave_first_when_a_limit_lets_calls_through() {
    let mut rig = Rig::new();
    let stripe = Fake::new("stripe", PAYS, 0).concurrency(1).dead().arc();
    let beside = Fake::new("beside", PAYS, 0).arc();
    rig.start(&[&stripe, &beside], Vec::new());
    rig.begin(&many(1..51, EffectKind::PaymentAuthorise, 0));
    until("the first call", || stripe.count() == 1);
    rig.begin(&many(100..150, EffectKind::PaymentVoid, 0));
    rig.begin(&[effect(200, EffectKind::PaymentAuthorise, 1)]);
    // Its lane has read up to here, so the voids are in the queue.
    rig.results("the other provider's", |results| results.len() == 1);
    stripe.answer();
    rig.results("all results", |results| results.len() == 100);
    let called = called(&stripe);
    let expected: Vec<u16> = std::iter::once(1).chain(100..150).chain(2..51).collect();
    assert_eq!(called, expected);
}

#[test]
fn concurrency_and_rate_stay_within_their_limits_and_a_timeout_ends_a_call() {
    let mut rig = Rig::new();
    let narrow = Fake::new("narrow", PAYS, 5).concurrency(3).arc();
    let paced = Fake::new("paced", TELLS, 0).rate(100).arc();
    let stuck = Fake::new("stuck", &[EffectKind::CrmUpdate], 0)
        .timeout_ms(50)
        .dead()
        .arc();
    rig.start(&[&narrow, &paced, &stuck], Vec::new());
    rig.begin(&many(1..61, EffectKind::PaymentAuthorise, 0));
    rig.begin(&many(101..151, EffectKind::Notify, 1));
    rig.begin(&[effect(200, EffectKind::CrmUpdate, 2)]);
    let results = rig.results("all results", |results| results.len() == 111);
    assert_eq!(narrow.most_out(), 3, "the limit is used, and kept");
    let times: Vec<u64> = paced.calls().iter().map(|(at, _)| *at).collect();
    let took_ms = (times[49] - times[0]) / 1_000_000;
    assert!(took_ms >= 470, "50 calls at 100 a second took {took_ms} ms");
    let spread = times.windows(11).all(|w| w[10] - w[0] >= 80_000_000);
    assert!(spread, "no tenth of a second has much more than 10 calls");
    let timeout = results.iter().find(|result| result.number == 200).unwrap();
    assert_eq!(timeout.class, EffectClass::Unknown);
    assert_eq!((timeout.code.as_str(), timeout.counted), ("timeout", true));
    assert!(timeout.latency_ms >= 50);
}

#[test]
fn a_restart_calls_exactly_the_open_effects_again_with_the_same_keys() {
    let mut rig = Rig::new();
    let stripe = Fake::new("stripe", PAYS, 0).concurrency(8).arc();
    let hanging = Fake::new("hanging", TELLS, 0).concurrency(8).dead().arc();
    rig.start(&[&stripe, &hanging], Vec::new());
    rig.begin(&many(1..21, EffectKind::PaymentAuthorise, 0));
    let open = many(21..41, EffectKind::Notify, 1);
    rig.begin(&open);
    rig.results("the payments", |results| results.len() == 20);
    until("eight messages out", || hanging.count() == 8);
    rig.stop();
    let before: Vec<String> = hanging
        .calls()
        .into_iter()
        .map(|(_, call)| call.key)
        .collect();

    let stripe = Fake::new("stripe", PAYS, 0).arc();
    let back = Fake::new("hanging", TELLS, 0).arc();
    rig.start(&[&stripe, &back], open.clone());
    let results = rig.results("the open ones", |results| results.len() == 20);
    assert_eq!(numbers(&results), (21..41).collect::<Vec<u16>>());
    assert_eq!(stripe.count(), 0, "what had ended is not called again");
    let again: Vec<String> = back
        .calls()
        .iter()
        .map(|(_, call)| call.key.clone())
        .collect();
    assert!(
        before.iter().all(|key| again.contains(key)),
        "the same keys"
    );
    assert!(
        back.calls()
            .iter()
            .all(|(_, call)| call.resumed && call.may_have_happened())
    );
    // What comes later is new.
    rig.begin(&[effect(50, EffectKind::Notify, 1)]);
    rig.results("a new one", |results| results.len() == 1);
    assert!(!back.calls().last().unwrap().1.resumed);
    assert_eq!(back.count(), 21);
}

#[test]
fn a_full_queue_of_the_shard_holds_results_back_and_loses_none() {
    let mut rig = Rig::new();
    let question = || Local {
        tenant: "acme".to_owned(),
        actor: "test".to_owned(),
        request: LocalRequest::Query(LocalQuery::Breakers),
        answer: None,
    };
    while rig.queue.push(question()).is_ok() {}
    assert_eq!(rig.queue.len(), LOCAL_COMMANDS_MAX);
    let stripe = Fake::new("stripe", PAYS, 0).concurrency(4).arc();
    rig.start(&[&stripe], Vec::new());
    rig.begin(&many(1..501, EffectKind::PaymentAuthorise, 0));
    until("as many calls as the limit allows", || stripe.count() == 4);
    onhand::clock::sleep_ms(100);
    assert_eq!(
        stripe.count(),
        4,
        "a result that waits keeps its place: no call beyond"
    );
    let mut questions = VecDeque::new();
    rig.queue.take_all(&mut questions);
    assert_eq!(questions.len(), LOCAL_COMMANDS_MAX);
    let results = rig.results("all results", |results| results.len() >= 500);
    assert_eq!(
        numbers(&results),
        (1..501).collect::<Vec<u16>>(),
        "each once"
    );
    assert_eq!(stripe.count(), 500);
}

#[test]
fn effects_of_a_provider_that_is_not_configured_are_refused_with_the_reason() {
    let mut rig = Rig::new();
    let stripe = Fake::new("stripe", PAYS, 0).arc();
    let names = vec!["gone".to_owned()];
    let from = rig.end();
    rig.start_at(&[stripe.configured()], Vec::new(), names, from);
    rig.begin(&[effect(1, EffectKind::PaymentAuthorise, 0)]);
    let results = rig.results("the refusal", |results| results.len() == 1);
    assert_eq!(results[0].class, EffectClass::Refused);
    assert_eq!(results[0].code, "not_configured");
    // A new set of pipelines names one that is: it gets the next number.
    rig.define(&["gone", "stripe"]);
    rig.begin(&[effect(2, EffectKind::PaymentAuthorise, 1)]);
    let results = rig.results("the payment", |results| results.len() == 1);
    assert_eq!(results[0].class, EffectClass::Done);
    assert_eq!(stripe.count(), 1);
}

#[test]
fn an_adapter_that_panics_leaves_an_unknown_outcome_and_serves_on() {
    struct Fragile;
    impl Provider for Fragile {
        fn kinds(&self) -> &'static [EffectKind] {
            PAYS
        }
        fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
            assert_ne!(call.number, 1, "a bug in an adapter");
            async { Outcome::done("fine") }.boxed()
        }
    }
    let mut rig = Rig::new();
    let options = ProviderOptions {
        name: "fragile".to_owned(),
        ..ProviderOptions::default()
    };
    let build = |_: &ProviderOptions| Ok(Arc::new(Fragile) as _);
    let configured = Configured::with(options, None, Arc::new(build));
    let from = rig.end();
    rig.start_at(&[configured], Vec::new(), vec!["fragile".to_owned()], from);
    rig.begin(&many(1..3, EffectKind::PaymentAuthorise, 0));
    let mut results = rig.results("both results", |results| results.len() == 2);
    results.sort_by_key(|result| result.number);
    assert_eq!(results[0].class, EffectClass::Unknown);
    assert_eq!(results[0].code, "adapter_failed");
    assert_eq!(results[1].class, EffectClass::Done);
}

#[test]
fn requests_carry_the_trace_of_their_order() {
    struct Web(Http, String);
    impl Provider for Web {
        fn kinds(&self) -> &'static [EffectKind] {
            PAYS
        }
        fn call<'a>(&'a self, _: &'a Call) -> BoxFuture<'a, Outcome> {
            let request = self.0.request(reqwest::Method::GET, &self.1);
            async {
                match self.0.send(request).await {
                    Ok(answer) => Outcome::done("").status(answer.status),
                    Err(outcome) => outcome,
                }
            }
            .boxed()
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).unwrap(), 1);
            heard.push(byte[0]);
        }
        let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).unwrap();
        String::from_utf8(heard).unwrap()
    });
    let mut rig = Rig::new();
    let web = Arc::new(Web(Http::new(10_000).unwrap(), url));
    let build = move |_: &ProviderOptions| Ok(Arc::clone(&web) as _);
    let options = ProviderOptions {
        name: "web".to_owned(),
        ..ProviderOptions::default()
    };
    let configured = Configured::with(options, None, Arc::new(build));
    let from = rig.end();
    rig.start_at(&[configured], Vec::new(), vec!["web".to_owned()], from);
    rig.begin(&[effect(1, EffectKind::PaymentAuthorise, 0)]);
    let results = rig.results("the result", |results| results.len() == 1);
    assert_eq!(
        (results[0].class, results[0].status),
        (EffectClass::Done, 204)
    );
    let heard = server.join().unwrap().to_ascii_lowercase();
    let expected = format!("traceparent: {}\r\n", traceparent(OrderKey(1), 1, 1));
    assert!(heard.contains(&expected), "{heard}");
}
