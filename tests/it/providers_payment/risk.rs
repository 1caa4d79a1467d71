//! Risk scorers and own steps against the sandbox.

use super::*;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::types::effect::EffectClass::{Retry, Unknown};

fn scored(email: &str) -> Call {
    let call = call(EffectKind::FraudScore, 1);
    with(call, |details| email.clone_into(&mut details.email))
}

#[tokio::test]
async fn sift_gives_the_score_of_an_order() {
    let sandbox = sandbox();
    let decisions = [
        ("workflows", "true"),
        ("block_decisions", "block_order_payment_abuse"),
    ];
    let sift = provider(&sandbox, "sift", &decisions);
    for (email, score) in [
        ("ana+risk0@example.com", 0),
        ("ana+risk42@example.com", 42),
        ("ana+risk72@example.com", 72),
        ("ana+risk90@example.com", 100),
    ] {
        let outcome = run(&*sift, &scored(email), Done).await;
        assert_eq!(outcome.score, Some(score), "{email}: {outcome:?}");
    }
    assert_eq!(in_ledger(&sandbox, "sift", "score"), 4);
    let effects = sandbox.ledger().effects(&Filter::default(), 1);
    assert_eq!(
        (effects[0].amount_minor, &*effects[0].currency),
        (4_470, "eur")
    );
}

#[tokio::test]
async fn signifyd_decides_and_scores_an_order() {
    let sandbox = sandbox();
    let signifyd = provider(&sandbox, "signifyd", &[]);
    for (email, class, score) in [
        ("ana+risk22@example.com", Done, Some(22)),
        ("ana+reject@example.com", Done, Some(100)),
        ("ana+challenge@example.com", Done, Some(75)),
        ("ana+hold@example.com", Pending, None),
    ] {
        let outcome = run(&*signifyd, &scored(email), class).await;
        assert_eq!(outcome.score, score, "{email}: {outcome:?}");
    }
    let effects = sandbox.ledger().effects(&Filter::default(), 1);
    assert_eq!(
        (effects[0].amount_minor, &*effects[0].currency),
        (4_470, "eur")
    );
}

#[tokio::test]
async fn a_scorer_that_is_late_or_down_gives_no_score() {
    for kind in ["sift", "signifyd"] {
        let sandbox = sandbox();
        let mut options = options(&sandbox, kind, &[]);
        options.timeout_ms = 0; // its own: 400 ms
        let scorer = registry::build(&options).expect("options that work");
        let late = Rule {
            latency_ms: 5_000,
            count: Some(1),
            ..Rule::new(kind, Kind::Latency)
        };
        let broken = |fault| Rule {
            count: Some(1),
            ..Rule::new(kind, fault)
        };
        for (rule, class, code) in [
            (late, Unknown, "timeout"),
            (
                broken(Kind::Status),
                Retry,
                if kind == "sift" { "-2" } else { "http_500" },
            ),
            (broken(Kind::EmptyBody), Unknown, "unexpected_answer"),
            (broken(Kind::MalformedBody), Unknown, "unexpected_answer"),
            (broken(Kind::CommitThenDrop), Unknown, "connection_lost"),
        ] {
            sandbox.fault(rule).expect("a rule");
            let start_ms = onhand::clock::now_ms();
            let outcome = run(&*scorer, &scored("ana@example.com"), class).await;
            assert_eq!(
                (outcome.code.as_str(), outcome.score),
                (code, None),
                "{kind}"
            );
            let taken_ms = onhand::clock::now_ms() - start_ms;
            assert!(taken_ms < 3_000, "{kind}: {taken_ms} ms");
        }
        run(&*scorer, &scored("ana@example.com"), Done).await;
    }
}

#[tokio::test]
async fn a_step_of_ones_own_is_made_and_taken_back_once() {
    let sandbox = sandbox();
    let erp = provider(&sandbox, "webhook", &[("undo_url", "/compensate")]);
    let mut step = call(EffectKind::Webhook, 1);
    sandbox
        .fault(Rule {
            count: Some(1),
            ..Rule::new("webhook_step", Kind::CommitThenDrop)
        })
        .expect("a rule");
    run(&*erp, &step, Unknown).await;
    step.attempt = 2;
    let made = run(&*erp, &step, Done).await;
    assert!(made.reference.starts_with("erp-"), "{made:?}");
    assert_eq!(in_ledger(&sandbox, "webhook_step", "step"), 1);
    let mut undo = call(EffectKind::WebhookUndo, 2);
    undo.reference.clone_from(&made.reference);
    undo.target_key.clone_from(&step.key);
    run(&*erp, &undo, Done).await;
    run(&*erp, &undo, Done).await;
    assert_eq!(in_ledger(&sandbox, "webhook_step", "compensate"), 1);
}

#[tokio::test]
async fn a_step_of_ones_own_may_decline_or_ask_for_time() {
    let sandbox = sandbox();
    let erp = provider(&sandbox, "webhook", &[]);
    for (number, status, class) in [(1, "declined", Declined), (2, "retry", Retry)] {
        let path = format!("webhook_step/answer?service=erp&status={status}&reason=why&count=1");
        control(&sandbox, &path).await;
        let outcome = run(&*erp, &call(EffectKind::Webhook, number), class).await;
        assert_eq!(outcome.message, "why");
    }
    run(&*erp, &call(EffectKind::Webhook, 2), Done).await;
}
