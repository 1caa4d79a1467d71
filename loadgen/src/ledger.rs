//! Every acknowledgement on a line of its own, for `onhand verify --ledger`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use onhand::types::OrderKey;
use onhand::wire::reply::{REPLAYED, ReserveReplyItem};

/// A file of JSON lines. A failed write is reported by [`Ledger::finish`].
#[derive(Debug)]
pub struct Ledger {
    file: BufWriter<File>,
    /// The tenant as a JSON string.
    tenant: String,
    failed: Option<std::io::Error>,
}

impl Ledger {
    /// Creates (or empties) the file.
    pub fn create(path: &Path, tenant: &str) -> Result<Self> {
        let file = File::create(path)
            .with_context(|| format!("cannot write the ledger {}", path.display()))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            tenant: serde_json::to_string(tenant)?,
            failed: None,
        })
    }

    /// Writes down what the server answered to `version` of the order with this key.
    pub fn acknowledged(&mut self, key: OrderKey, version: u16, answer: &ReserveReplyItem) {
        let written = writeln!(
            self.file,
            "{{\"tenant\":{},\"key\":\"{key}\",\"version\":{version},\"code\":\"{}\",\
             \"sequence\":{},\"replayed\":{},\"state\":{}}}",
            self.tenant,
            answer.code,
            answer.sequence,
            answer.flags & REPLAYED != 0,
            // The names of states need no escapes.
            answer
                .state
                .map_or("null".to_owned(), |state| format!("\"{}\"", state.name())),
        );
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<()> {
        if let Some(error) = self.failed {
            return Err(error).context("the ledger is incomplete");
        }
        self.file.flush().context("the ledger is incomplete")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onhand::types::{OrderState, ResultCode};

    #[test]
    fn each_acknowledgement_is_one_json_line_with_the_agreed_fields() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.jsonl");
        let mut ledger = Ledger::create(&path, "a \"shop\"").unwrap();
        let mut answer = ReserveReplyItem {
            code: ResultCode::Ok,
            state: Some(OrderState::Held),
            flags: REPLAYED,
            version: 1,
            notes: 0,
            sequence: 77,
            expires_at_ms: 5,
        };
        ledger.acknowledged(OrderKey(0xab), 1, &answer);
        answer.code = ResultCode::InvalidTtl;
        answer.state = None;
        ledger.acknowledged(OrderKey(1), 2, &answer);
        ledger.finish().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            lines[0],
            serde_json::json!({
                "tenant": "a \"shop\"", "key": format!("{:032x}", 0xab), "version": 1,
                "code": "OK", "sequence": 77, "replayed": true, "state": "HELD",
            })
        );
        assert_eq!(lines[1]["state"], serde_json::Value::Null);
    }
}
