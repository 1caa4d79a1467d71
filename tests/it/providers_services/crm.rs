use super::*;
use onhand::types::effect::EffectClass::{Retry, Unknown};
use onhand::types::effect::tenant_mark;
use serde_json::{Value, json};

/// The last state of an object as the sandbox's ledger has it: its fields merged.
fn record(sandbox: &Sandbox, provider: &str, kind: &str, order: &str) -> Value {
    let mut record = json!({});
    for effect in sandbox.ledger().of_order(order) {
        if (effect.provider, effect.kind) == (provider, kind) {
            let fields = match effect.detail.get("fields") {
                Some(fields) => fields.clone(),
                None => effect.detail.clone(),
            };
            for (name, value) in fields.as_object().into_iter().flatten() {
                record[name] = value.clone();
            }
        }
    }
    record
}

#[tokio::test]
async fn hubspot_keeps_the_customers_figures_over_orders_repeats_and_restarts() {
    let sandbox = sandbox();
    let hubspot = provider(&sandbox, "hubspot", &[]);
    let first = call(1, EffectKind::CrmUpdate);
    lose_answer(&sandbox, "hubspot", "upsert");
    assert_eq!(class(&hubspot, &first).await, Unknown);
    done(&hubspot, &again(&first)).await;
    let mut second = call(2, EffectKind::CrmUpdate);
    Arc::make_mut(&mut second.facts).details.email = "ana1@example.com".into();
    // A restart in between: another table, seeded with what HubSpot has kept.
    let hubspot = provider(&sandbox, "hubspot", &[]);
    done(&hubspot, &second).await;
    let contact = record(&sandbox, "hubspot", "contact", "ana1@example.com");
    assert_eq!(contact["onhand_order_count"], "2");
    assert_eq!(contact["onhand_lifetime_value"], "89.40");
    assert_eq!(contact["onhand_segment"], "returning");
    assert_eq!(contact["onhand_last_event"], "order.post_purchase");
    let order = record(&sandbox, "hubspot", "crm_order", "0-2");
    assert_eq!(order["onhand_status"], "confirmed");

    done(&hubspot, &undo(&second, EffectKind::CrmCorrect, "")).await;
    let contact = record(&sandbox, "hubspot", "contact", "ana1@example.com");
    assert_eq!(contact["onhand_order_count"], "1");
    let order = record(&sandbox, "hubspot", "crm_order", "0-2");
    assert_eq!(order["onhand_status"], "cancelled");
}

#[tokio::test]
async fn hubspot_is_told_of_the_purchase_where_an_event_is_set_up() {
    let sandbox = sandbox();
    let settings = [("event_name", "pe1_order_post_purchase")];
    let hubspot = provider(&sandbox, "hubspot", &settings);
    done(&hubspot, &call(1, EffectKind::CrmUpdate)).await;
    assert_eq!(sandbox.ledger().count("hubspot", "event"), 1);
}

#[tokio::test]
async fn hubspots_limit_of_ten_seconds_is_waited_for() {
    let sandbox = sandbox();
    let hubspot = provider(&sandbox, "hubspot", &[]);
    answer_status(&sandbox, "hubspot", "upsert", 429);
    let outcome = hubspot.call(&call(1, EffectKind::CrmUpdate)).await;
    assert_eq!((outcome.class, outcome.retry_after_ms), (Retry, 10_000));
}

#[tokio::test]
async fn salesforce_renews_its_token_and_keeps_the_customers_figures() {
    let sandbox = sandbox();
    let settings = [("event_object", "Onhand_Purchase__e")];
    let salesforce = provider(&sandbox, "salesforce", &settings);
    let first = call(1, EffectKind::CrmUpdate);
    lose_answer(&sandbox, "salesforce", "upsert");
    assert_eq!(class(&salesforce, &first).await, Unknown);
    done(&salesforce, &again(&first)).await;
    let salesforce = provider(&sandbox, "salesforce", &settings);
    let second = call(2, EffectKind::CrmUpdate);
    done(&salesforce, &second).await;
    let contact = record(&sandbox, "salesforce", "record", "42");
    assert_eq!(contact["Onhand_Order_Count__c"], 2);
    assert_eq!(contact["Onhand_Lifetime_Value__c"], json!(89.4));
    assert_eq!(contact["LastName"], "Ruiz");
    let key = second.order.to_string();
    let order = record(&sandbox, "salesforce", "record", &key);
    assert_eq!(order["Status__c"], "confirmed");
    assert_eq!(sandbox.ledger().count("salesforce", "event"), 2);
    done(&salesforce, &undo(&second, EffectKind::CrmCorrect, "")).await;
    let order = record(&sandbox, "salesforce", "record", &key);
    assert_eq!(order["Status__c"], "cancelled");
}

/// The same effect of another tenant's order, whose buyer has the same number and address.
fn of_globex(call: &Call) -> Call {
    let mut other = call.clone();
    let facts = Arc::make_mut(&mut other.facts);
    facts.tenant = "globex".into();
    facts.total = 10_000;
    other.key.push_str(&tenant_mark("globex"));
    other
}

#[tokio::test]
async fn customers_of_two_tenants_with_one_address_have_figures_of_their_own_over_a_restart() {
    for kind in ["hubspot", "salesforce"] {
        let sandbox = sandbox();
        // One process writes for both tenants, and then another one, which reads what is kept.
        for order in [1, 2] {
            let provider = provider(&sandbox, kind, &[]);
            let mut first = call(order, EffectKind::CrmUpdate);
            Arc::make_mut(&mut first.facts).details.email = "ana@example.com".into();
            let second = of_globex(&first);
            for (effect, said) in [
                (first, [(1, 4_470), (2, 8_940)]),
                (second, [(1, 10_000), (2, 20_000)]),
            ] {
                let outcome = provider.call(&effect).await;
                let (orders, worth) = said[usize::try_from(order - 1).unwrap()];
                let figures = format!("orders={orders} lifetime_value={worth} ");
                assert!(outcome.message.starts_with(&figures), "{kind}: {outcome:?}");
            }
        }
        match kind {
            "hubspot" => {
                let contact = record(&sandbox, kind, "contact", "ana@example.com");
                assert_eq!(contact["onhand_lifetime_value"], "89.40");
                assert_eq!(contact["onhand_lifetime_value_globex"], "200.00");
                assert_eq!(contact["onhand_order_count_globex"], "2");
            }
            _ => {
                let own = record(&sandbox, kind, "record", "42");
                assert_eq!(own["Onhand_Lifetime_Value__c"], json!(89.4));
                let other = format!("42{}", tenant_mark("globex"));
                let other = record(&sandbox, kind, "record", &other);
                assert_eq!(other["Onhand_Lifetime_Value__c"], json!(200.0));
            }
        }
    }
}

#[tokio::test]
async fn salesforces_locks_and_quota_are_waited_for() {
    let sandbox = sandbox();
    let salesforce = provider(&sandbox, "salesforce", &[]);
    for (status, wait_ms) in [(400, 1_000), (403, 3_600_000)] {
        answer_status(&sandbox, "salesforce", "upsert", status);
        let outcome = salesforce.call(&call(1, EffectKind::CrmUpdate)).await;
        assert_eq!(
            (outcome.class, outcome.retry_after_ms),
            (Retry, wait_ms),
            "{outcome:?}"
        );
    }
}
