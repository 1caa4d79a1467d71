//! The adapters against the sandbox: two readings of the same documents have to agree.

use super::pairs::sandbox;
use onhand::adapters::call::{Call, FactLine, OrderFacts};
use onhand::adapters::options::{ProviderOptions, Secret};
use onhand::adapters::outcome::Outcome;
use onhand::adapters::provider::Provider;
use onhand::adapters::registry::build;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::{Sandbox, authorize_net, sift, signifyd, stripe, webhook_step};
use onhand::types::effect::{EffectClass, EffectKind, effect_key};
use onhand::types::{OrderDetails, OrderKey};
use std::sync::Arc;

/// An adapter whose base URL is the sandbox's.
fn adapter(
    sandbox: &Sandbox,
    kind: &str,
    path: &str,
    secrets: &[(&str, &str)],
) -> Arc<dyn Provider> {
    let secrets = secrets
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
        .collect();
    build(&ProviderOptions {
        name: kind.to_owned(),
        kind: kind.to_owned(),
        base_url: format!("http://{}{path}", sandbox.address()),
        concurrency: 1,
        secrets,
        ..ProviderOptions::default()
    })
    .expect("an adapter")
}

fn stripe(sandbox: &Sandbox) -> Arc<dyn Provider> {
    adapter(
        sandbox,
        "stripe",
        "/stripe",
        &[("secret_key", stripe::SECRET_KEY)],
    )
}

fn backup(sandbox: &Sandbox) -> Arc<dyn Provider> {
    let secrets = [
        ("login", authorize_net::LOGIN),
        ("transaction_key", authorize_net::TRANSACTION_KEY),
    ];
    adapter(sandbox, "authorize_net", "/authorize_net", &secrets)
}

/// The effect of this number, of an order whose buyer has this address and token.
fn call(kind: EffectKind, number: u16, email: &str, token: &str) -> Call {
    let order = OrderKey(0xabc);
    Call {
        key: effect_key(order, kind, number),
        order,
        number,
        kind,
        attempt: 1,
        resumed: false,
        amount: 4_470,
        reference: String::new(),
        target_key: effect_key(order, EffectKind::PaymentAuthorise, 1),
        milestone: None,
        step: "tax".into(),
        traceparent: String::new(),
        facts: Arc::new(OrderFacts {
            order,
            tenant: "shop".into(),
            number: "0-1042".into(),
            accepted_at_ms: onhand::clock::now_ms(),
            customer: 7,
            currency: 978,
            total: 4_470,
            lines: vec![FactLine {
                sku: "MUG-RED".into(),
                location: "main".into(),
                quantity: 2,
                unit_price: 1_990,
            }],
            details: OrderDetails {
                contact_name: "Ana Ruiz".into(),
                email: email.into(),
                shipping_address: vec!["Calle Sol 4".into(), "28013 Madrid".into()],
                country: "ES".into(),
                payment_token: token.into(),
                ..OrderDetails::default()
            },
            ..OrderFacts::default()
        }),
    }
}

/// An effect about a payment that was made before.
fn about(kind: EffectKind, number: u16, payment: &Outcome) -> Call {
    let mut call = call(kind, number, "ana@example.com", "pm_card_visa");
    call.reference.clone_from(&payment.reference);
    call
}

fn done(outcome: Outcome) -> Outcome {
    assert_eq!(outcome.class, EffectClass::Done, "{outcome:?}");
    outcome
}

fn authorise(token: &str) -> Call {
    call(EffectKind::PaymentAuthorise, 1, "ana@example.com", token)
}

#[tokio::test]
async fn a_payment_is_authorised_captured_and_refunded_at_stripe() {
    let sandbox = sandbox();
    let stripe = stripe(&sandbox);
    let held = done(stripe.call(&authorise("pm_card_visa")).await);
    assert_eq!((held.amount, held.currency), (4_470, 978));
    done(
        stripe
            .call(&about(EffectKind::PaymentQuery, 2, &held))
            .await,
    );
    done(
        stripe
            .call(&about(EffectKind::PaymentCapture, 3, &held))
            .await,
    );
    done(
        stripe
            .call(&about(EffectKind::PaymentCapture, 4, &held))
            .await,
    );
    done(
        stripe
            .call(&about(EffectKind::PaymentRefund, 5, &held))
            .await,
    );
    let declined = stripe.call(&authorise("pm_card_visa_chargeDeclined")).await;
    assert_ne!(declined.class, EffectClass::Done, "the key was used before");
    assert_eq!(sandbox.ledger().count("stripe", "capture"), 1);
    let effects = sandbox.ledger().of_order(&OrderKey(0xabc).to_string());
    let kinds: Vec<_> = effects.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["authorise", "capture", "refund"]);
    assert_eq!(
        effects[0].reference.as_deref(),
        Some(authorise("").key.as_str())
    );
}

#[tokio::test]
async fn an_authorisation_whose_answer_was_lost_is_found_and_not_repeated() {
    for (name, adapter) in [
        ("stripe", stripe as fn(&Sandbox) -> _),
        ("authorize_net", backup),
    ] {
        let sandbox = sandbox();
        let adapter: Arc<dyn Provider> = adapter(&sandbox);
        sandbox
            .fault(Rule {
                count: Some(1),
                ..Rule::new(name, Kind::CommitThenDrop)
            })
            .unwrap();
        let lost = adapter.call(&authorise("pm_card_visa")).await;
        assert_eq!(lost.class, EffectClass::Unknown, "{name}: {lost:?}");
        let mut asked = call(
            EffectKind::PaymentQuery,
            2,
            "ana@example.com",
            "pm_card_visa",
        );
        asked.reference = String::new();
        let found = done(adapter.call(&asked).await);
        let mut again = authorise("pm_card_visa");
        again.attempt = 2;
        let repeated = done(adapter.call(&again).await);
        assert_eq!(found.reference, repeated.reference, "{name}");
        assert_eq!(sandbox.ledger().count(name, "authorise"), 1, "{name}");
        done(
            adapter
                .call(&about(EffectKind::PaymentVoid, 3, &found))
                .await,
        );
        assert_eq!(sandbox.ledger().count(name, "void"), 1, "{name}");
        asked.target_key = "no-such-effect-9".into();
        let absent = adapter.call(&asked).await;
        assert_eq!(absent.class, EffectClass::Absent, "{name}: {absent:?}");
    }
}

#[tokio::test]
async fn a_payment_is_authorised_captured_and_taken_back_at_authorize_net() {
    let sandbox = sandbox();
    let backup = backup(&sandbox);
    let held = done(backup.call(&authorise("tok")).await);
    let captured = about(EffectKind::PaymentCapture, 3, &held);
    done(backup.call(&captured).await);
    done(backup.call(&captured).await);
    assert_eq!(sandbox.ledger().count("authorize_net", "capture"), 1);
    // Not settled yet: it is voided.
    done(
        backup
            .call(&about(EffectKind::PaymentRefund, 5, &held))
            .await,
    );
    assert_eq!(sandbox.ledger().count("authorize_net", "void"), 1);
    let mut other = authorise("tok-declined");
    other.key.push('2');
    let declined = backup.call(&other).await;
    assert_eq!(declined.class, EffectClass::Declined, "{declined:?}");
    other = authorise("tok-held");
    other.key.push('3');
    let held = backup.call(&other).await;
    assert_eq!(held.class, EffectClass::Pending, "{held:?}");
}

#[tokio::test]
async fn stripe_says_what_a_buyer_or_a_bank_has_to_decide() {
    let sandbox = sandbox();
    let stripe = stripe(&sandbox);
    for (number, token, class) in [
        (1, "pm_card_visa_chargeDeclined", EffectClass::Declined),
        (
            2,
            "pm_card_authenticationRequired",
            EffectClass::ActionRequired,
        ),
        (3, "pm_sandbox_processing", EffectClass::Pending),
    ] {
        let asked = call(
            EffectKind::PaymentAuthorise,
            number,
            "ana@example.com",
            token,
        );
        let outcome = stripe.call(&asked).await;
        assert_eq!(outcome.class, class, "{token}: {outcome:?}");
    }
}

#[tokio::test]
async fn fraud_providers_score_and_decide() {
    let sandbox = sandbox();
    let sift = adapter(&sandbox, "sift", "/sift", &[("api_key", sift::API_KEY)]);
    let asked = call(EffectKind::FraudScore, 1, "ana+risk72@example.com", "pm_1");
    let outcome = sift.call(&asked).await;
    assert_eq!(outcome.score, Some(72), "{outcome:?}");
    let secrets = [("api_key", signifyd::API_KEY)];
    let signifyd = adapter(&sandbox, "signifyd", "/signifyd", &secrets);
    let accepted = done(
        signifyd
            .call(&call(EffectKind::FraudScore, 1, "ana@example.com", ""))
            .await,
    );
    assert!(
        accepted.score.is_some_and(|score| score < 60),
        "{accepted:?}"
    );
    let held = call(EffectKind::FraudScore, 2, "ana+hold@example.com", "");
    let held = signifyd.call(&held).await;
    assert_eq!(held.class, EffectClass::Pending, "{held:?}");
}

#[tokio::test]
async fn a_webhook_step_is_made_once_and_undone() {
    let sandbox = sandbox();
    let options = ProviderOptions {
        name: "tax".into(),
        kind: "webhook".into(),
        base_url: format!("http://{}/webhook_step/tax", sandbox.address()),
        concurrency: 1,
        secrets: [("secret".to_owned(), Secret::new(webhook_step::SECRET))].into(),
        settings: [("undo_url".to_owned(), "/compensate".to_owned())].into(),
        ..ProviderOptions::default()
    };
    let webhook = build(&options).unwrap();
    let step = call(EffectKind::Webhook, 1, "ana@example.com", "");
    let first = done(webhook.call(&step).await);
    let second = done(webhook.call(&step).await);
    assert_eq!(first.reference, second.reference);
    let undo = about(EffectKind::WebhookUndo, 2, &first);
    done(webhook.call(&undo).await);
    let effects = sandbox.ledger().of_order(&OrderKey(0xabc).to_string());
    let kinds: Vec<_> = effects.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["step", "compensate"]);
}
