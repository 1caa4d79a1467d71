//! Tests of the way into an engine thread.

use super::played::shard_on;
use super::*;
use crate::clock;
use crate::journal::SyncProgress;
use crate::types::TenantId;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;

fn question() -> Local {
    Local {
        tenant: String::new(),
        actor: "test".to_owned(),
        request: LocalRequest::Query(LocalQuery::Breakers),
        answer: None,
    }
}

#[test]
fn of_requests_that_can_wait_only_the_first_since_the_last_look_needs_a_ring() {
    let wakes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&wakes);
    let queue = LocalQueue::new(Box::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    }));
    assert!(queue.push_soon(question()).expect("room"));
    assert!(!queue.push_soon(question()).expect("room"));
    assert!(!queue.is_wanted(), "they ask for no turn of their own");
    queue.ring();
    assert!(queue.is_wanted());
    assert_eq!(wakes.load(Ordering::Relaxed), 1);
    queue.heard();
    assert!(
        queue.push_soon(question()).expect("room"),
        "what comes after a look needs a new ring"
    );
    queue.push(question()).expect("room");
    assert!(queue.is_wanted(), "what cannot wait rings at once");
    assert_eq!(wakes.load(Ordering::Relaxed), 2);
}

#[test]
fn a_peek_is_answered_before_the_disk_has_what_it_tells_and_nothing_else_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut shard, mut syncer) = shard_on(directory.path());
    let queue = LocalQueue::new(Box::new(|| {}));
    shard.set_local_queue(Arc::clone(&queue));
    let (told, said) = mpsc::channel();
    let ask = |who: &'static str, request| {
        let told = told.clone();
        let answer: Answerer = Box::new(move |answer| {
            told.send((who, format!("{answer:?}"))).expect("it waits");
        });
        let local = Local {
            tenant: "shop".to_owned(),
            actor: "test".to_owned(),
            request,
            answer: Some(answer),
        };
        queue.push(local).expect("room");
    };
    let sku = Definition::Sku {
        name: "MUG".to_owned(),
        on_sale: true,
        queue: None,
    };
    ask("command", LocalRequest::Define(sku));
    let question = LocalQuery::TenantName(TenantId(0));
    ask("query", LocalRequest::Query(question.clone()));
    ask("peek", LocalRequest::Peek(question));
    assert!(shard.begin_turn(clock::now_ms(), clock::monotonic_ns()));
    shard.end_turn(clock::monotonic_ns());
    shard.release(clock::monotonic_ns(), |_| {});
    let name = "TenantName(\"shop\")".to_owned();
    let at_once: Vec<_> = said.try_iter().collect();
    assert_eq!(at_once, [("peek", name.clone())]);
    assert_ne!(syncer.step(), SyncProgress::Failed);
    shard.release(clock::monotonic_ns(), |_| {});
    let then: Vec<_> = said.try_iter().collect();
    let whom: Vec<&str> = then.iter().map(|(who, _)| *who).collect();
    assert_eq!(whom, ["command", "query"]);
    assert_eq!(then.last().map(|(_, said)| said), Some(&name));
}
