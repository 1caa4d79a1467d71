//! Faults on demand: rules that decide what goes wrong with a request.

use super::Request;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest time a reply is held back, in milliseconds.
pub const LONGEST_MS: u64 = 60_000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The reply comes `latency_ms` late; the effect has happened by then.
    Latency,
    /// No reply: the connection stays open, for a minute at most.
    Timeout,
    /// The reply is `status`, in the provider's own shape.
    Status,
    /// The effect happens; then the connection is closed without a reply.
    CommitThenDrop,
    /// The connection is reset (TCP RST) and nothing happens.
    Reset,
    /// 200 with a body that is cut off and no JSON.
    MalformedBody,
    /// 200 without a body.
    EmptyBody,
}

/// A rule: which requests it hits, how often, and what goes wrong with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The provider's name, or `*` for all.
    pub provider: String,
    /// Only this operation (`capture`) or paths that begin so (`/v1/refunds`).
    #[serde(default, alias = "route", skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What goes wrong.
    pub kind: Kind,
    /// Milliseconds until the reply, for every kind; at most a minute.
    #[serde(default)]
    pub latency_ms: u64,
    /// The status code of kind `status`, 400 to 599.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The share of requests that are hit, 0 to 1, spread evenly.
    #[serde(default = "one")]
    pub share: f64,
    /// The rule ends after so many hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The rule ends so many milliseconds after it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// Whether the effect happens; unless said, it does for `latency`, `commit_then_drop`,
    /// `malformed_body` and `empty_body` and does not for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executed: Option<bool>,
    /// Whether the provider keeps the failure under the request's idempotency key; unless said,
    /// it does for status 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remember: Option<bool>,
    /// Headers of kind `status`, such as `retry-after`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body of kind `status` or `malformed_body`, instead of the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

fn one() -> f64 {
    1.0
}

impl Rule {
    /// A rule that hits every request of a provider.
    #[must_use]
    pub fn new(provider: &str, kind: Kind) -> Self {
        Self {
            provider: provider.to_owned(),
            operation: None,
            kind,
            latency_ms: 0,
            status: (kind == Kind::Status).then_some(500),
            share: 1.0,
            count: None,
            for_ms: None,
            executed: None,
            remember: None,
            headers: BTreeMap::new(),
            body: None,
        }
    }

    /// Whether the effect happens although the caller may not learn of it.
    #[must_use]
    pub fn executes(&self) -> bool {
        self.executed.unwrap_or(matches!(
            self.kind,
            Kind::Latency | Kind::CommitThenDrop | Kind::MalformedBody | Kind::EmptyBody
        ))
    }

    /// Whether the failure is kept under the request's idempotency key.
    #[must_use]
    pub fn remembered(&self) -> bool {
        self.kind == Kind::Status && self.remember.unwrap_or(self.status == Some(500))
    }

    fn check(&self, providers: &[&'static str]) -> Result<(), String> {
        if self.provider != "*" && !providers.contains(&self.provider.as_str()) {
            return Err(format!(
                "no provider `{}`; there are: {}",
                self.provider,
                providers.join(", ")
            ));
        }
        if !(0.0..=1.0).contains(&self.share) {
            return Err(format!("share {} is not between 0 and 1", self.share));
        }
        if self.latency_ms > LONGEST_MS {
            return Err(format!(
                "latency_ms {} is more than {LONGEST_MS}",
                self.latency_ms
            ));
        }
        match (self.kind, self.status) {
            (Kind::Status, Some(400..=599)) => {}
            (Kind::Status, _) => return Err("status must be 400 to 599".to_owned()),
            (_, Some(_)) => return Err("only kind `status` has a status".to_owned()),
            (_, None) => {}
        }
        for (name, value) in &self.headers {
            let sound = axum::http::HeaderName::try_from(name).is_ok()
                && axum::http::HeaderValue::try_from(value).is_ok();
            if !sound {
                return Err(format!("`{name}: {value}` is no header"));
            }
        }
        Ok(())
    }

    fn hits(&self, provider: &str, operation: &str, request: &Request) -> bool {
        (self.provider == "*" || self.provider == provider)
            && self.operation.as_deref().is_none_or(|only| {
                only == operation || (only.starts_with('/') && request.path.starts_with(only))
            })
    }
}

/// A rule as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// The rule's number.
    pub id: u64,
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// How many requests it was asked about.
    pub seen: u64,
    /// How many it hit.
    pub hits: u64,
    #[serde(skip)]
    set_ms: u64,
}

impl Standing {
    fn ended(&self, now_ms: u64) -> bool {
        self.rule.count.is_some_and(|most| self.hits >= most)
            || self
                .rule
                .for_ms
                .is_some_and(|long| now_ms.saturating_sub(self.set_ms) >= long)
    }
}

/// All rules, the oldest first; the first that hits decides.
#[derive(Debug)]
pub struct Faults {
    phase: f64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    rules: Vec<Standing>,
}

impl Faults {
    /// No faults. The seed decides which requests a share hits: the same for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mixed = (seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        Self {
            phase: (mixed >> 11) as f64 / (1_u64 << 53) as f64,
            state: Mutex::default(),
        }
    }

    /// Sets a rule; returns its number.
    ///
    /// # Errors
    /// What is wrong with the rule, for a person.
    pub(super) fn set(&self, rule: Rule, providers: &[&'static str]) -> Result<u64, String> {
        rule.check(providers)?;
        let mut state = self.state.lock();
        if state.rules.len() >= 1_000 {
            return Err("1,000 rules are set; clear them first".to_owned());
        }
        state.last += 1;
        let id = state.last;
        state.rules.push(Standing {
            id,
            rule,
            seen: 0,
            hits: 0,
            set_ms: crate::clock::now_ms(),
        });
        Ok(id)
    }

    /// All rules that have not ended.
    #[must_use]
    pub fn list(&self) -> Vec<Standing> {
        let now_ms = crate::clock::now_ms();
        let mut state = self.state.lock();
        state.rules.retain(|standing| !standing.ended(now_ms));
        state.rules.clone()
    }

    /// Ends all rules, or those of one provider, or the one of this number.
    pub fn clear(&self, provider: Option<&str>, id: Option<u64>) {
        self.state.lock().rules.retain(|standing| {
            provider.is_some_and(|name| name != standing.rule.provider)
                || id.is_some_and(|number| number != standing.id)
        });
    }

    /// The rule that hits this request, if one does.
    pub(super) fn pick(&self, provider: &str, operation: &str, request: &Request) -> Option<Rule> {
        let mut state = self.state.lock();
        if state.rules.is_empty() {
            return None;
        }
        let now_ms = crate::clock::now_ms();
        state.rules.retain(|standing| !standing.ended(now_ms));
        for standing in &mut state.rules {
            if !standing.rule.hits(provider, operation, request) {
                continue;
            }
            let (share, seen) = (standing.rule.share, standing.seen as f64);
            standing.seen += 1;
            let before = (seen * share + self.phase).floor();
            if ((seen + 1.0) * share + self.phase).floor() > before {
                standing.hits += 1;
                return Some(standing.rule.clone());
            }
        }
        None
    }
}
