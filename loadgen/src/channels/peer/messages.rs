//! What the sandbox's WhatsApp has sent to customers, by its own ledger.
#![allow(clippy::indexing_slicing)] // a JSON value indexed where nothing is gives null

use std::net::SocketAddr;

use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::channels::stand::runtime;

/// See the module.
pub struct Messages {
    runtime: Runtime,
    client: Client,
    ledger: String,
    /// The newest effect that was read.
    after: u64,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The recipient's number, digits only.
    pub to: String,
    /// When WhatsApp took it, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

impl Messages {
    /// Those of this sandbox, from its first on.
    pub fn new(sandbox: SocketAddr) -> Result<Self> {
        Ok(Self {
            runtime: runtime()?,
            client: Client::new(),
            ledger: format!("http://{sandbox}/_sandbox/ledger"),
            after: 0,
        })
    }

    /// Those that were taken since the last call.
    pub fn newer(&mut self) -> Result<Vec<Message>> {
        let url = format!(
            "{}?provider=whatsapp&kind=message&limit=100000&after={}",
            self.ledger, self.after
        );
        let page: Value = self.runtime.block_on(async {
            let response = self.client.get(url).send().await?.error_for_status()?;
            Ok::<Value, anyhow::Error>(response.json().await?)
        })?;
        let (messages, after) = read(&page)?;
        self.after = self.after.max(after);
        Ok(messages)
    }
}

/// The messages of a page of the ledger, and the place of the last one.
fn read(page: &Value) -> Result<(Vec<Message>, u64)> {
    let effects = page["effects"].as_array().context("no effects")?;
    let mut messages = Vec::with_capacity(effects.len());
    let mut after = 0;
    for effect in effects {
        let to = effect["order"].as_str();
        messages.push(Message {
            to: to.context("a message to nobody")?.to_owned(),
            at_ms: effect["at_ms"].as_u64().context("a message at no time")?,
        });
        after = effect["sequence"].as_u64().unwrap_or(after);
    }
    Ok((messages, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn recipients_and_times_are_read_from_the_ledger() {
        let page = json!({"next": null, "effects": [
            {"sequence": 3, "at_ms": 1_750, "order": "34700000001", "kind": "message"},
            {"sequence": 9, "at_ms": 1_760, "order": "34700000002", "kind": "message"}]});
        let (messages, after) = read(&page).unwrap();
        assert_eq!(after, 9);
        assert_eq!(messages.len(), 2);
        assert_eq!(
            (messages[1].to.as_str(), messages[1].at_ms),
            ("34700000002", 1_760)
        );
        assert!(read(&json!({"error": "full"})).is_err());
    }
}
