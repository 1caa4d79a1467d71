use super::*;
use onhand::types::effect::EffectClass::{Refused, Retry, Unknown};

/// Provider, its sending operation, what its ledger calls a message.
const CHANNELS: [(&str, &str, &str); 4] = [
    ("sendgrid", "send", "message"),
    ("smtp", "data", "message"),
    ("twilio", "send", "message"),
    ("whatsapp", "send", "message"),
];

#[tokio::test]
async fn every_channel_delivers_every_milestone() {
    let sandbox = sandbox();
    for (kind, _, entry) in CHANNELS {
        let provider = provider(&sandbox, kind, &[]);
        for (at, &milestone) in Milestone::ALL.iter().enumerate() {
            let mut notify = call(at as u128 + 1, EffectKind::Notify);
            notify.milestone = Some(milestone);
            let outcome = done(&provider, &notify).await;
            assert!(!outcome.reference.is_empty(), "{kind}: {outcome:?}");
        }
        let sent = sandbox.ledger().count(kind, entry);
        assert_eq!(sent, Milestone::ALL.len() as u64, "{kind}");
    }
}

#[tokio::test]
async fn after_a_lost_answer_twilio_finds_its_message_and_the_others_do_as_they_are_told() {
    for (kind, operation, entry) in CHANNELS {
        for (policy, sent) in [("repeat", 2), ("stop", 1)] {
            let sandbox = sandbox();
            let lookup = kind == "twilio";
            let policy = [("after_timeout", policy)];
            let settings = if lookup { &[][..] } else { &policy };
            let provider = provider(&sandbox, kind, settings);
            let notify = call(1, EffectKind::Notify);
            lose_answer(&sandbox, kind, operation);
            let first = provider.call(&notify).await;
            let stopped = !lookup && sent == 1;
            assert_eq!(
                first.class,
                if stopped { Refused } else { Unknown },
                "{kind} {first:?}"
            );
            assert!(first.counted, "{kind}");
            if !stopped {
                done(&provider, &again(&notify)).await;
            }
            let expected = if lookup { 1 } else { sent };
            assert_eq!(
                sandbox.ledger().count(kind, entry),
                expected,
                "{kind} {policy:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_channel_that_is_busy_is_tried_again() {
    let sandbox = sandbox();
    for (kind, operation, status) in [
        ("sendgrid", "send", 429),
        ("smtp", "rcpt", 451),
        ("twilio", "send", 429),
        ("whatsapp", "send", 429),
        ("slack", "message", 429),
    ] {
        let effect = if kind == "slack" {
            EffectKind::Alert
        } else {
            EffectKind::Notify
        };
        answer_status(&sandbox, kind, operation, status);
        let provider = provider(&sandbox, kind, &[]);
        let outcome = provider.call(&call(1, effect)).await;
        assert_eq!(
            (outcome.class, outcome.counted),
            (Retry, true),
            "{kind}: {outcome:?}"
        );
        done(&provider, &again(&call(1, effect))).await;
    }
}

#[tokio::test]
async fn a_recipient_that_cannot_be_reached_is_refused_for_good() {
    let sandbox = sandbox();
    for (kind, email, phone, code) in [
        ("smtp", "reject@example.com", "", "smtp_550"),
        ("twilio", "", "+15005550001", "21211"),
        ("sendgrid", "", "+15005550001", "no_recipient"),
        ("smtp", "", "", "no_recipient"),
        ("twilio", "ana@example.com", "", "no_recipient"),
        ("whatsapp", "ana@example.com", "600 000 000", "no_recipient"),
    ] {
        let mut notify = call(1, EffectKind::Notify);
        let details = &mut Arc::make_mut(&mut notify.facts).details;
        (details.email, details.phone) = (email.into(), phone.into());
        let outcome = provider(&sandbox, kind, &[]).call(&notify).await;
        assert_eq!(
            (outcome.class, &*outcome.code),
            (Refused, code),
            "{kind}: {outcome:?}"
        );
        assert!(!outcome.counted, "{kind}");
    }
}

#[tokio::test]
async fn one_alert_tells_the_team_of_all_orders_of_a_window() {
    let sandbox = sandbox();
    let slack = provider(&sandbox, "slack", &[]);
    done(&slack, &call(1, EffectKind::Alert)).await;
    let alerts = sandbox.ledger().of_order("#sandbox");
    let text = alerts[0].detail["text"].as_str().expect("a text");
    assert!(
        text.contains("3 orders") && text.contains("payment"),
        "{text}"
    );
}
