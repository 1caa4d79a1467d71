//! Sandboxes whose world stands still or moves fast, and what their ledgers say.

use super::receiver::Receiver;
use onhand::sandbox::limits::Limiting;
use onhand::sandbox::{Options, Sandbox};
use serde_json::Value;
use std::time::Duration;

/// A sandbox in which nothing happens by itself.
pub fn still() -> Sandbox {
    Sandbox::start(Options {
        step_ms: 0,
        ..Options::default()
    })
    .expect("a sandbox")
}

/// One in which nothing happens by itself and the providers' real limits hold.
pub fn limited() -> Sandbox {
    Sandbox::start(Options {
        step_ms: 0,
        limits: Limiting::Real,
        ..Options::default()
    })
    .expect("a sandbox")
}

/// One that moves on every 20 ms, and the engine's end of its callbacks.
pub async fn moving() -> (Sandbox, Receiver) {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::start(Options {
        step_ms: 20,
        callback_target: Some(receiver.url.clone()),
        ..Options::default()
    });
    (sandbox.expect("a sandbox"), receiver)
}

/// Waits until an effect of this kind is in the ledger; its details.
pub async fn effect(sandbox: &Sandbox, provider: &str, kind: &str) -> Value {
    for _ in 0..500 {
        let found = effects(sandbox, provider, kind);
        if let Some(found) = found.into_iter().next() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {kind} of {provider} in the ledger");
}

/// The effects of this kind, as JSON.
pub fn effects(sandbox: &Sandbox, provider: &str, kind: &str) -> Vec<Value> {
    let filter = onhand::sandbox::ledger::Filter {
        provider: Some(provider.to_owned()),
        kind: Some(kind.to_owned()),
        ..Default::default()
    };
    let found = sandbox.ledger().effects(&filter, 1_000);
    let shown = found
        .iter()
        .map(|effect| serde_json::to_value(effect).unwrap());
    shown.collect()
}
