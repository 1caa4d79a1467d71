//! The adapters of fulfilment, CRM and messages against the sandbox, which reads the providers'
//! documents with other eyes: each operation, and what is left behind a lost answer.

mod crm;
mod fulfilment;
mod messages;

use onhand::adapters::call::{Call, FactLine, OrderFacts};
use onhand::adapters::options::{ProviderOptions, Secret};
use onhand::adapters::outcome::Outcome;
use onhand::adapters::provider::Provider;
use onhand::adapters::registry;
use onhand::sandbox::faults::{Kind, Rule};
use onhand::sandbox::{Options, Sandbox};
use onhand::types::effect::{EffectClass, EffectKind, Milestone, effect_key};
use onhand::types::{OrderDetails, OrderKey};
use std::sync::Arc;

/// Time that one attempt may take: a lost answer is waited for as long.
const TIMEOUT_MS: u64 = 1_000;

fn sandbox() -> Sandbox {
    // Parcels and messages do not move on by themselves while a test looks at them.
    let step_ms = 3_600_000;
    Sandbox::start(Options {
        step_ms,
        ..Options::default()
    })
    .expect("a sandbox")
}

/// Names and values.
type Pairs = &'static [(&'static str, &'static str)];

/// A provider with the sandbox's published credentials.
fn provider(sandbox: &Sandbox, kind: &str, settings: &[(&str, &str)]) -> Arc<dyn Provider> {
    let port = sandbox.smtp_address().port().to_string();
    let (secrets, own): (Pairs, Pairs) = match kind {
        "shipstation" => (
            &[
                ("api_key", "sandbox-shipstation-key"),
                ("api_secret", "sandbox-shipstation-secret"),
            ],
            &[],
        ),
        "easypost" => (
            &[("api_key", "EZTKsandbox")],
            &[("from", "Onhand; 1 Dock; Portland; OR; 97201; US")],
        ),
        "hubspot" => (
            &[("access_token", "pat-sandbox-hubspot")],
            &[("tenant", "acme")],
        ),
        "salesforce" => (
            &[
                ("access_token", "00Dsandbox!expired"),
                ("client_id", "sandbox-salesforce-client"),
                ("client_secret", "sandbox-salesforce-secret"),
                ("refresh_token", "sandbox-salesforce-refresh"),
            ],
            &[("tenant", "acme")],
        ),
        "sendgrid" => (
            &[("api_key", "SG.sandbox")],
            &[("from", "shop@example.com")],
        ),
        "smtp" => (
            &[("password", "sandbox-smtp-password")],
            &[
                ("host", "127.0.0.1"),
                ("tls", "none"),
                ("user", "sandbox"),
                ("from", "shop@example.com"),
            ],
        ),
        "twilio" => (
            &[("auth_token", "sandbox-twilio-token")],
            &[
                ("account_sid", "AC00000000000000000000000000005a4d"),
                ("from", "+15005550006"),
            ],
        ),
        "whatsapp" => (
            &[("access_token", "EAAsandbox")],
            &[("phone_number_id", "106000")],
        ),
        "slack" => (
            &[("webhook_url", "/services/T0SANDBOX/B0SANDBOX/sandboxsecret")],
            &[],
        ),
        _ => (&[], &[]),
    };
    let mut options = ProviderOptions {
        name: kind.into(),
        kind: kind.into(),
        base_url: sandbox.base_url(kind),
        timeout_ms: TIMEOUT_MS,
        ..ProviderOptions::default()
    };
    for (name, value) in secrets {
        options.secrets.insert((*name).into(), Secret::new(*value));
    }
    for (name, value) in own.iter().chain(settings) {
        options.settings.insert((*name).into(), (*value).into());
    }
    if kind == "smtp" {
        options.settings.insert("port".into(), port);
    }
    registry::build(&options).expect("options that work")
}

/// An effect of an order of a customer in San Francisco.
fn call(order: u128, kind: EffectKind) -> Call {
    let details = OrderDetails {
        contact_name: "Ana Ruiz".into(),
        email: format!("ana{order}@example.com"),
        phone: format!("+1415555{order:04}"),
        country: "US".into(),
        shipping_address: vec!["1 Main St".into(), "San Francisco, CA 94104".into()],
        ..OrderDetails::default()
    };
    let facts = OrderFacts {
        order: OrderKey(order),
        tenant: "acme".into(),
        number: format!("0-{order}"),
        accepted_at_ms: 1_777_882_350_000,
        customer: 42,
        currency: 840,
        total: 4470,
        lines: vec![FactLine {
            sku: "MUG-RED".into(),
            location: "portland".into(),
            quantity: 2,
            unit_price: 1990,
        }],
        details,
        ..OrderFacts::default()
    };
    let notify = kind == EffectKind::Notify;
    Call {
        key: effect_key(OrderKey(order), kind, 1),
        order: OrderKey(order),
        number: 1,
        kind,
        attempt: 1,
        resumed: false,
        amount: if kind == EffectKind::Alert { 3 } else { 4470 },
        reference: String::new(),
        target_key: String::new(),
        milestone: notify.then_some(Milestone::Confirmed),
        step: "payment".into(),
        traceparent: String::new(),
        facts: Arc::new(facts),
    }
}

/// The effect that undoes another, which left `reference`.
fn undo(call: &Call, kind: EffectKind, reference: &str) -> Call {
    let mut undo = call.clone();
    (undo.kind, undo.number) = (kind, 2);
    undo.target_key.clone_from(&call.key);
    undo.key = effect_key(call.order, kind, 2);
    undo.reference = reference.into();
    undo
}

fn again(call: &Call) -> Call {
    let mut again = call.clone();
    again.attempt += 1;
    again
}

/// The next request of this operation is carried out, and its answer lost.
fn lose_answer(sandbox: &Sandbox, provider: &str, operation: &str) {
    let mut rule = Rule::new(provider, Kind::CommitThenDrop);
    (rule.operation, rule.count) = (Some(operation.into()), Some(1));
    sandbox.fault(rule).expect("a rule");
}

/// The next request of this operation gets this status, and nothing happens.
fn answer_status(sandbox: &Sandbox, provider: &str, operation: &str, status: u16) {
    let mut rule = Rule::new(provider, Kind::Status);
    (rule.operation, rule.count) = (Some(operation.into()), Some(1));
    rule.status = Some(status);
    sandbox.fault(rule).expect("a rule");
}

async fn done(provider: &Arc<dyn Provider>, call: &Call) -> Outcome {
    let outcome = provider.call(call).await;
    assert_eq!(
        outcome.class,
        EffectClass::Done,
        "{:?}: {outcome:?}",
        call.kind
    );
    outcome
}

async fn class(provider: &Arc<dyn Provider>, call: &Call) -> EffectClass {
    provider.call(call).await.class
}
