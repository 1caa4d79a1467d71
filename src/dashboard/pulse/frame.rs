//! What a browser gets: sections of JSON, of which a frame holds those that changed.
//!
//! ```text
//!  section, rendered ─┬─ as sent last? ─▶ left out
//!                     └─ changed and due ─▶ delta ─▶ every browser of the tenant, the same bytes
//!  a browser that comes, or missed a frame ─▶ all sections at once
//! ```

use bytes::Bytes;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Time between two frames, in milliseconds: four a second.
pub const FRAME_MS: u64 = 250;

/// Longest delta, in bytes: four of them a second stay below 50 kB/s. Sections beyond it wait for
/// the next frame.
pub const DELTA_BYTES_MAX: usize = 12_000;

/// One frame as browsers get it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Counts the frames of a tenant from 1; 0: none was made yet.
    pub number: u64,
    /// What changed since the frame before.
    pub delta: Bytes,
    /// Everything.
    pub whole: Bytes,
}

/// A section that is to be sent.
#[derive(Debug)]
pub struct Section {
    pub name: Cow<'static, str>,
    /// What a browser that knows the last frame needs.
    pub delta: Value,
    /// What one that knows nothing needs; `None`: the same.
    pub whole: Option<Value>,
}

impl Section {
    pub fn new(name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        Self {
            name: name.into(),
            delta: value,
            whole: None,
        }
    }
}

/// Remembers what was sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    number: u64,
    sections: BTreeMap<Cow<'static, str>, String>,
    /// The whole of sections whose delta is something else.
    wholes: BTreeMap<Cow<'static, str>, String>,
}

impl Sent {
    /// The next frame. `epoch` tells one start of the process from another.
    pub fn frame(&mut self, epoch: u64, at_ms: u64, sections: Vec<Section>) -> Frame {
        self.number += 1;
        let mut data = format!("\"at\":{at_ms}");
        for section in sections {
            let text = section.delta.to_string();
            if let Some(whole) = section.whole {
                self.wholes.insert(section.name.clone(), whole.to_string());
                if section.delta.as_array().is_some_and(Vec::is_empty) {
                    continue;
                }
            } else if self.sections.get(&section.name) == Some(&text) {
                continue;
            }
            if data.len() + text.len() > DELTA_BYTES_MAX {
                continue; // not noted as sent, so it comes with the next frame
            }
            add(&mut data, &section.name, &text);
            if !self.wholes.contains_key(&section.name) {
                self.sections.insert(section.name, text);
            }
        }
        let mut whole = format!("\"at\":{at_ms},\"whole\":true");
        for (name, text) in self.sections.iter().chain(&self.wholes) {
            add(&mut whole, name, text);
        }
        let number = self.number;
        Frame {
            number,
            delta: message(epoch, number, &data),
            whole: message(epoch, number, &whole),
        }
    }
}

fn add(data: &mut String, name: &str, text: &str) {
    // Writing to a string does not fail.
    let _ = write!(data, ",{}:{text}", Value::from(name));
}

/// A server-sent event. JSON has no raw line breaks, so one `data` line holds it.
fn message(epoch: u64, number: u64, data: &str) -> Bytes {
    Bytes::from(format!("id: {epoch:x}-{number}\ndata: {{{data}}}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_delta_holds_what_changed_and_the_whole_holds_everything() {
        let mut sent = Sent::default();
        let sections = |sale: u64| {
            vec![
                Section::new("sale", json!(sale)),
                Section::new("states", json!({"PAYMENT": 1})),
            ]
        };
        let first = sent.frame(1, 5, sections(1));
        assert_eq!(first.number, 1);
        let text = String::from_utf8_lossy(&first.delta).into_owned();
        assert!(text.contains("\"states\""), "{text}");
        let second = sent.frame(1, 6, sections(2));
        let text = String::from_utf8_lossy(&second.delta).into_owned();
        assert_eq!(text, "id: 1-2\ndata: {\"at\":6,\"sale\":2}\n\n");
        let whole = String::from_utf8_lossy(&second.whole).into_owned();
        assert!(whole.contains("\"states\"") && whole.contains("\"sale\":2"));
    }

    #[test]
    fn a_delta_stays_below_its_bound_and_what_did_not_fit_comes_later() {
        let mut sent = Sent::default();
        let big = "x".repeat(DELTA_BYTES_MAX * 2 / 3);
        let sections = |names: [&'static str; 2]| {
            names
                .map(|name| Section::new(name, json!(format!("{name}{big}"))))
                .into()
        };
        let first = sent.frame(1, 1, sections(["one", "two"]));
        assert!(first.delta.len() < DELTA_BYTES_MAX + 64);
        assert!(!String::from_utf8_lossy(&first.delta).contains("\"two\""));
        let second = sent.frame(1, 2, sections(["one", "two"]));
        assert!(String::from_utf8_lossy(&second.delta).contains("\"two\""));
    }
}
