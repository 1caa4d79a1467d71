//! Idempotency keys: the first answer under a key, to be repeated.

use super::Reply;
use std::collections::HashMap;

/// The answers under the keys of one provider.
#[derive(Debug)]
pub struct Answers {
    bound: usize,
    by_key: HashMap<Box<str>, Answer>,
}

#[derive(Debug)]
struct Answer {
    fingerprint: u64,
    busy_until_ms: u64,
    reply: Option<Reply>,
}

/// What is known under a key.
#[derive(Debug)]
pub enum Known {
    /// Nothing: the request is new.
    New,
    /// The first request under the key is still being worked on.
    Busy,
    /// The same request came before; this was its answer.
    Answered(Reply),
    /// Another request came before under the same key.
    Other,
    /// The bound on keys is reached: nothing new can be taken.
    Full,
}

impl Answers {
    /// No answers yet, at most `bound` of them ever: a key is never forgotten early, because a
    /// request repeated under a forgotten key would be executed twice.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self {
            bound,
            by_key: HashMap::new(),
        }
    }

    /// What is known under `key` for a request with this fingerprint.
    #[must_use]
    pub fn find(&self, key: &str, fingerprint: u64, now_ms: u64) -> Known {
        match self.by_key.get(key) {
            None if self.by_key.len() >= self.bound => Known::Full,
            None => Known::New,
            Some(answer) if answer.fingerprint != fingerprint => Known::Other,
            Some(answer) if now_ms < answer.busy_until_ms => Known::Busy,
            Some(answer) => answer.reply.clone().map_or(Known::New, Known::Answered),
        }
    }

    /// Keeps the answer to the first request under `key`; it counts as being worked on until
    /// `busy_until_ms`.
    pub fn keep(&mut self, key: &str, fingerprint: u64, busy_until_ms: u64, reply: Reply) {
        self.by_key.insert(
            key.into(),
            Answer {
                fingerprint,
                busy_until_ms,
                reply: Some(reply),
            },
        );
    }
}

/// A number that differs for different parts, for all practical purposes.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}
