//! The adapters of payment, risk and own steps against the sandbox, which reads the providers'
//! documents with other eyes: each operation, and what is left behind a lost answer.

mod faults;
mod risk;

use onhand::adapters::call::{Call, FactLine, OrderFacts};
use onhand::adapters::options::{ProviderOptions, Secret};
use onhand::adapters::outcome::Outcome;
use onhand::adapters::provider::Provider;
use onhand::adapters::registry;
use onhand::sandbox::ledger::Filter;
use onhand::sandbox::{Options, Sandbox};
use onhand::types::effect::EffectClass::{
    self, Absent, ActionRequired, Declined, Done, Pending, Refused,
};
use onhand::types::effect::{EffectKind, effect_key};
use onhand::types::{OrderDetails, OrderKey};
use std::sync::Arc;

/// Both processors: kind, a token that is declined.
const PROCESSORS: [(&str, &str); 2] = [
    ("stripe", "pm_card_visa_chargeDeclinedInsufficientFunds"),
    ("authorize_net", "token-declined"),
];

fn sandbox() -> Sandbox {
    Sandbox::start(Options {
        step_ms: 0,
        ..Options::default()
    })
    .expect("a sandbox")
}

/// A provider with the sandbox's published credentials.
fn provider(sandbox: &Sandbox, kind: &str, settings: &[(&str, &str)]) -> Arc<dyn Provider> {
    registry::build(&options(sandbox, kind, settings)).expect("options that work")
}

fn options(sandbox: &Sandbox, kind: &str, settings: &[(&str, &str)]) -> ProviderOptions {
    let secrets: &[(&str, &str)] = match kind {
        "stripe" => &[("secret_key", "sk_test_onhand")],
        "authorize_net" => &[
            ("login", "onhand_login"),
            ("transaction_key", "onhand_transaction_key"),
        ],
        "sift" => &[("api_key", "onhand_sift_key")],
        "signifyd" => &[("api_key", "onhand_signifyd_key")],
        "webhook" => &[("secret", "whsec_b25oYW5kLXNhbmRib3gtd2ViaG9vay1zdGVw")],
        _ => &[],
    };
    let base_url = match kind {
        "webhook" => format!("{}/erp", sandbox.base_url("webhook_step")),
        kind => sandbox.base_url(kind),
    };
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs.map(|(n, v)| ((*n).into(), (*v).into())).collect()
    };
    ProviderOptions {
        name: kind.into(),
        kind: kind.into(),
        base_url,
        timeout_ms: 5_000,
        secrets: owned(secrets)
            .into_iter()
            .map(|(name, value)| (name, Secret::new(value)))
            .collect(),
        settings: owned(settings).into_iter().collect(),
        ..ProviderOptions::default()
    }
}

/// An attempt about an order of 44.70 EUR; the effect's number makes its key.
fn call(kind: EffectKind, number: u16) -> Call {
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
        target_key: String::new(),
        milestone: None,
        step: "erp".into(),
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
                email: "ana@example.com".into(),
                shipping_address: vec!["Calle Sol 4".into(), "28013 Madrid".into()],
                country: "ES".into(),
                payment_token: "stripe=pm_card_visa authorize_net=token-1".into(),
                ..OrderDetails::default()
            },
            ..OrderFacts::default()
        }),
    }
}

fn with(mut call: Call, change: impl FnOnce(&mut OrderDetails)) -> Call {
    let mut facts = (*call.facts).clone();
    change(&mut facts.details);
    call.facts = Arc::new(facts);
    call
}

/// About the payment that an authorisation made.
fn about(kind: EffectKind, number: u16, reference: &str) -> Call {
    let mut call = call(kind, number);
    call.reference = reference.into();
    call.target_key = effect_key(call.order, EffectKind::PaymentAuthorise, 1);
    call
}

fn in_ledger(sandbox: &Sandbox, provider: &str, kind: &str) -> usize {
    let filter = Filter {
        provider: Some(provider.into()),
        kind: Some(kind.into()),
        ..Filter::default()
    };
    sandbox.ledger().effects(&filter, 1_000).len()
}

/// `POST /_sandbox/…`
async fn control(sandbox: &Sandbox, path: &str) {
    let http = onhand::adapters::http::Http::new(2_000).expect("a client");
    let url = format!("http://{}/_sandbox/{path}", sandbox.address());
    let request = http.request(reqwest::Method::POST, &url);
    let answer = http.send(request).await.expect("an answer");
    assert!(answer.status < 300, "{path}: {}", answer.status);
}

/// A payment that is authorised; its reference.
async fn authorised(provider: &dyn Provider) -> String {
    let outcome = provider.call(&call(EffectKind::PaymentAuthorise, 1)).await;
    assert_eq!(outcome.class, Done, "{outcome:?}");
    assert_eq!((outcome.amount, outcome.currency), (4_470, 978));
    outcome.reference
}

async fn run(provider: &dyn Provider, call: &Call, class: EffectClass) -> Outcome {
    let outcome = provider.call(call).await;
    assert_eq!(outcome.class, class, "{:?}: {outcome:?}", call.kind);
    outcome
}

#[tokio::test]
async fn a_payment_is_authorised_captured_and_refunded() {
    for (kind, _) in PROCESSORS {
        let sandbox = sandbox();
        let provider = provider(&sandbox, kind, &[]);
        let id = authorised(&*provider).await;
        for reference in [id.as_str(), ""] {
            let query = about(EffectKind::PaymentQuery, 2, reference);
            let found = run(&*provider, &query, Done).await;
            assert_eq!(
                (found.reference.as_str(), found.amount),
                (id.as_str(), 4_470)
            );
        }
        let capture = about(EffectKind::PaymentCapture, 3, &id);
        let captured = run(&*provider, &capture, Done).await;
        assert_eq!((captured.amount, captured.currency), (4_470, 978));
        if kind == "authorize_net" {
            control(&sandbox, "authorize_net/settle").await;
        }
        let mut refund = about(EffectKind::PaymentRefund, 4, &id);
        refund.amount = 1_000;
        let refunded = run(&*provider, &refund, Done).await;
        assert_eq!((refunded.amount, refunded.currency), (1_000, 978));
        assert_ne!(refunded.reference, id);
        for effect in ["authorise", "capture", "refund"] {
            assert_eq!(in_ledger(&sandbox, kind, effect), 1, "{kind} {effect}");
        }
    }
}

#[tokio::test]
async fn a_one_step_payment_is_taken_at_once_and_goes_back_by_a_refund() {
    for (kind, _) in PROCESSORS {
        let sandbox = sandbox();
        let provider = provider(&sandbox, kind, &[]);
        let mut call = call(EffectKind::PaymentAuthorise, 1);
        call.step = onhand::types::pipeline::ONE_STEP.to_owned();
        let taken = run(&*provider, &call, Done).await;
        assert_eq!((taken.amount, taken.currency), (4_470, 978), "{kind}");
        let id = taken.reference;
        let query = about(EffectKind::PaymentQuery, 2, &id);
        assert_eq!(run(&*provider, &query, Done).await.amount, 4_470, "{kind}");
        for effect in ["authorise", "capture"] {
            assert_eq!(in_ledger(&sandbox, kind, effect), 1, "{kind} {effect}");
        }
        if kind == "authorize_net" {
            control(&sandbox, "authorize_net/settle").await;
        }
        let mut refund = about(EffectKind::PaymentRefund, 3, &id);
        refund.amount = 4_470;
        run(&*provider, &refund, Done).await;
        assert_eq!(in_ledger(&sandbox, kind, "refund"), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_payment_is_voided_and_a_void_of_nothing_says_so() {
    for (kind, _) in PROCESSORS {
        let sandbox = sandbox();
        let provider = provider(&sandbox, kind, &[]);
        run(&*provider, &about(EffectKind::PaymentVoid, 2, ""), Absent).await;
        run(&*provider, &about(EffectKind::PaymentQuery, 3, ""), Absent).await;
        let id = authorised(&*provider).await;
        let voided = run(&*provider, &about(EffectKind::PaymentVoid, 4, ""), Done).await;
        assert_eq!(voided.reference, id);
        // Again, under a key of its own.
        run(&*provider, &about(EffectKind::PaymentVoid, 5, &id), Done).await;
        run(
            &*provider,
            &about(EffectKind::PaymentQuery, 6, &id),
            Declined,
        )
        .await;
        run(
            &*provider,
            &about(EffectKind::PaymentCapture, 7, &id),
            Declined,
        )
        .await;
        assert_eq!(in_ledger(&sandbox, kind, "void"), 1, "{kind}");
        assert_eq!(in_ledger(&sandbox, kind, "capture"), 0, "{kind}");
    }
}

#[tokio::test]
async fn what_is_captured_is_refunded_where_it_should_be_voided() {
    for (kind, _) in PROCESSORS {
        let sandbox = sandbox();
        let provider = provider(&sandbox, kind, &[]);
        let id = authorised(&*provider).await;
        run(&*provider, &about(EffectKind::PaymentCapture, 2, &id), Done).await;
        if kind == "authorize_net" {
            control(&sandbox, "authorize_net/settle").await;
        }
        let void = run(&*provider, &about(EffectKind::PaymentVoid, 3, &id), Done).await;
        assert_eq!(
            (void.code.as_str(), void.amount),
            ("refunded", 4_470),
            "{kind}"
        );
        assert_eq!(in_ledger(&sandbox, kind, "refund"), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_capture_takes_no_more_than_was_authorised_and_only_once() {
    for (kind, _) in PROCESSORS {
        let sandbox = sandbox();
        let provider = provider(&sandbox, kind, &[]);
        let id = authorised(&*provider).await;
        let mut dear = about(EffectKind::PaymentCapture, 2, &id);
        dear.amount = 5_000;
        run(&*provider, &dear, Refused).await;
        let mut partial = about(EffectKind::PaymentCapture, 3, &id);
        partial.amount = 2_000;
        let captured = run(&*provider, &partial, Done).await;
        assert_eq!(captured.amount, 2_000, "{kind}");
        let again = about(EffectKind::PaymentCapture, 4, &id);
        let refused = run(&*provider, &again, Refused).await;
        assert_eq!(refused.code, "captured_before", "{kind}");
        assert_eq!(in_ledger(&sandbox, kind, "capture"), 1, "{kind}");
    }
}

#[tokio::test]
async fn the_buyer_is_declined_or_has_to_act() {
    for (kind, declined) in PROCESSORS {
        let sandbox = sandbox();
        let provider = provider(&sandbox, kind, &[]);
        let pay = |token: &str| {
            let call = call(EffectKind::PaymentAuthorise, 1);
            with(call, |details| token.clone_into(&mut details.payment_token))
        };
        let outcome = run(&*provider, &pay(declined), Declined).await;
        assert!(!outcome.counted && !outcome.code.is_empty(), "{outcome:?}");
        assert_eq!(in_ledger(&sandbox, kind, "authorise"), 0, "{kind}");
        run(&*provider, &pay("other=token x=y"), Refused).await;
    }
    let sandbox = sandbox();
    let stripe = provider(&sandbox, "stripe", &[]);
    let secure = with(call(EffectKind::PaymentAuthorise, 1), |details| {
        "pm_card_authenticationRequired".clone_into(&mut details.payment_token);
    });
    let outcome = run(&*stripe, &secure, ActionRequired).await;
    let query = about(EffectKind::PaymentQuery, 2, &outcome.reference);
    run(&*stripe, &query, ActionRequired).await;
    let path = format!("stripe/complete_action?intent={}", outcome.reference);
    control(&sandbox, &path).await;
    run(&*stripe, &query, Done).await;
    let slow = with(call(EffectKind::PaymentAuthorise, 3), |details| {
        "pm_sandbox_processing".clone_into(&mut details.payment_token);
    });
    run(&*stripe, &slow, Pending).await;
    let backup = provider(&sandbox, "authorize_net", &[]);
    let held = with(call(EffectKind::PaymentAuthorise, 1), |details| {
        "token-held".clone_into(&mut details.payment_token);
    });
    let outcome = run(&*backup, &held, Pending).await;
    let query = about(EffectKind::PaymentQuery, 2, &outcome.reference);
    run(&*backup, &query, Pending).await;
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_not_repeated() {
    let sandbox = sandbox();
    for kind in ["stripe", "authorize_net", "sift", "signifyd", "webhook"] {
        let mut options = options(&sandbox, kind, &[]);
        for secret in options.secrets.values_mut() {
            *secret = Secret::new("wrong, and long enough to sign");
        }
        let provider = registry::build(&options).expect("options that work");
        let effect = match kind {
            "sift" | "signifyd" => EffectKind::FraudScore,
            "webhook" => EffectKind::Webhook,
            _ => EffectKind::PaymentAuthorise,
        };
        let outcome = run(&*provider, &call(effect, 1), Refused).await;
        assert!(!outcome.counted, "{kind}: {outcome:?}");
        assert!(!format!("{outcome:?}").contains("enough"), "{outcome:?}");
    }
    assert_eq!(sandbox.ledger().effects(&Filter::default(), 10).len(), 0);
}
