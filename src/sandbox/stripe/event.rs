//! Stripe's events and their signature.

use super::{API_VERSION, WEBHOOK_SECRET};
use crate::sandbox::{Callback, Core, Signing, sign};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// Sends an event about `object`.
pub(super) fn send(kind: &str, object: &Value, core: &Core) {
    let event = json!({
        "id": format!("evt_{}", core.next_id()),
        "object": "event",
        "api_version": API_VERSION,
        "created": core.now_ms() / 1_000,
        "data": {"object": object},
        "livemode": false,
        "pending_webhooks": 1,
        "type": kind,
    });
    core.callbacks.send(Callback {
        provider: "stripe",
        secret: ("stripe.webhook_secret", WEBHOOK_SECRET),
        content_type: "application/json; charset=utf-8",
        body: Bytes::from(event.to_string()),
        sign: Arc::new(|signing: &Signing| {
            let time = (signing.now_ms / 1_000).to_string();
            let parts: [&[u8]; 3] = [time.as_bytes(), b".", &signing.body];
            let digest = hex::encode(sign::sha256(signing.secret.as_bytes(), &parts));
            vec![("stripe-signature", format!("t={time},v1={digest}"))]
        }),
    });
}
