//! A client without an engine: the same calls an order, in the same order, to the same sandbox,
//! with a fixed number of orders at once. It keeps nothing and survives nothing; what it needs is
//! what the calls themselves cost.
#![allow(clippy::indexing_slicing)] // a JSON value indexed where nothing is gives null

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use onhand::clock::monotonic_ns;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// Orders at once.
const AT_ONCE: u64 = 64;

/// HTTP calls of one order.
pub const CALLS_PER_ORDER: u64 = 11;

/// Runs `orders` orders; returns the seconds that they took.
pub async fn run(sandbox: SocketAddr, orders: u64) -> Result<f64> {
    let client = Client::builder().build()?;
    let next = Arc::new(AtomicU64::new(0));
    let start_ns = monotonic_ns();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE.min(orders) {
        let (client, next) = (client.clone(), Arc::clone(&next));
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= orders {
                    return Ok::<(), anyhow::Error>(());
                }
                order(&client, sandbox, number).await?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok((monotonic_ns() - start_ns) as f64 / 1e9)
}

async fn order(client: &Client, sandbox: SocketAddr, number: u64) -> Result<()> {
    let at = |path: &str| format!("http://{sandbox}{path}");
    let order = format!("plain-{number}");
    let email = format!("plain{number}@example.com");
    let key = "sk_test_onhand";
    let authorise = client
        .post(at("/stripe/v1/payment_intents"))
        .bearer_auth(key)
        .header("Idempotency-Key", format!("{order}-authorise"))
        .form(&[
            ("amount", "4470"),
            ("currency", "eur"),
            ("capture_method", "manual"),
            ("payment_method", "pm_card_visa"),
            ("confirm", "true"),
            ("metadata[order_id]", &order),
        ]);
    let intent = text(&send(authorise).await?, "id")?;
    let capture = client
        .post(at(&format!("/stripe/v1/payment_intents/{intent}/capture")))
        .bearer_auth(key)
        .header("Idempotency-Key", format!("{order}-capture"))
        .form(&[("amount_to_capture", "4470")]);
    send(capture).await?;
    message(client, sandbox, &email, "confirmed").await?;
    label(client, sandbox, &order).await?;
    let warehouse = client
        .post(at("/shipstation/orders/createorder"))
        .basic_auth(
            "sandbox-shipstation-key",
            Some("sandbox-shipstation-secret"),
        )
        .json(&json!({
            "orderNumber": order, "orderKey": order, "orderDate": "2026-05-04T08:12:30.0000000",
            "orderStatus": "awaiting_shipment", "customerEmail": email, "amountPaid": 44.7,
            "billTo": {"name": "Ana Ruiz"},
            "shipTo": {"name": "Ana Ruiz", "street1": "Calle Sol 4", "city": "Madrid",
                       "postalCode": "28013", "country": "ES"},
            "items": [{"lineItemKey": "1", "sku": "mug-red", "name": "Mug", "quantity": 1,
                       "unitPrice": 44.7}],
        }));
    send(warehouse).await?;
    customer(client, sandbox, &order, &email).await?;
    let shipments = client
        .get(at("/shipstation/shipments"))
        .basic_auth(
            "sandbox-shipstation-key",
            Some("sandbox-shipstation-secret"),
        )
        .query(&[("orderNumber", &order)]);
    send(shipments).await?;
    message(client, sandbox, &email, "shipped").await
}

async fn label(client: &Client, sandbox: SocketAddr, order: &str) -> Result<()> {
    let at = |path: &str| format!("http://{sandbox}/easypost/v2{path}");
    let address = json!({"name": "Ana Ruiz", "street1": "Calle Sol 4", "city": "Madrid",
                         "zip": "28013", "country": "ES"});
    let shipment = client
        .post(at("/shipments"))
        .basic_auth("EZTKsandbox", Some(""))
        .json(
            &json!({"shipment": {"reference": order, "from_address": address,
                      "to_address": address, "parcel": {"weight": 12.5}}}),
        );
    let shipment = send(shipment).await?;
    let id = text(&shipment, "id")?;
    let rate = shipment["rates"][0]["id"].as_str().context("no rate")?;
    let buy = client
        .post(at(&format!("/shipments/{id}/buy")))
        .basic_auth("EZTKsandbox", Some(""))
        .json(&json!({"rate": {"id": rate}}));
    send(buy).await.map(drop)
}

async fn customer(client: &Client, sandbox: SocketAddr, order: &str, email: &str) -> Result<()> {
    let at = |path: &str| format!("http://{sandbox}/hubspot{path}");
    let known = client
        .get(at(&format!("/crm/v3/objects/contacts/{email}")))
        .bearer_auth("pat-sandbox-hubspot")
        .query(&[("idProperty", "email")]);
    // Unknown customers are answered 404, which is an answer.
    known.send().await?.bytes().await?;
    let contact = client
        .post(at("/crm/v3/objects/contacts/batch/upsert"))
        .bearer_auth("pat-sandbox-hubspot")
        .json(&json!({"inputs": [{"idProperty": "email", "id": email,
                      "properties": {"email": email, "firstname": "Ana", "lastname": "Ruiz"}}]}));
    send(contact).await?;
    let written = client
        .post(at("/crm/v3/objects/orders/batch/upsert"))
        .bearer_auth("pat-sandbox-hubspot")
        .json(
            &json!({"inputs": [{"idProperty": "onhand_order", "id": order,
                      "properties": {"hs_order_name": order, "hs_currency_code": "EUR"}}]}),
        );
    send(written).await.map(drop)
}

async fn message(client: &Client, sandbox: SocketAddr, email: &str, what: &str) -> Result<()> {
    let request = client
        .post(format!("http://{sandbox}/sendgrid/v3/mail/send"))
        .bearer_auth("SG.sandbox")
        .json(&json!({"personalizations": [{"to": [{"email": email}]}],
                      "from": {"email": "shop@example.com"}, "subject": what,
                      "content": [{"type": "text/plain", "value": what}]}));
    send(request).await.map(drop)
}

/// Sends a call; its JSON, or null where the answer has none.
async fn send(request: RequestBuilder) -> Result<Value> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.bytes().await?;
    ensure!(
        status.is_success(),
        "the sandbox answered {status}: {}",
        String::from_utf8_lossy(&body)
    );
    Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn text(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str();
    Ok(text
        .with_context(|| format!("no {name} in {value}"))?
        .to_owned())
}
