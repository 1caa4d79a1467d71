//! The ledger: every effect that happened at a provider, in the order it happened.
//!
//! It is what a merchant would read in the providers' dashboards, and so the ground truth for
//! "charged twice?" and "was the label bought?". It only grows, up to its bound.

use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// One effect at a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The position in the ledger, from 1; set by [`Ledger::record`].
    pub sequence: u64,
    /// Milliseconds since the Unix epoch; set by [`Ledger::record`].
    pub at_ms: u64,
    /// The provider's name.
    pub provider: &'static str,
    /// What happened: `authorise`, `decline`, `capture`, `void`, `refund`, `score`, `label`, …
    pub kind: &'static str,
    /// The caller's order id; empty where the request carried none.
    pub order: Box<str>,
    /// The amount in the currency's minor units; 0 where no money is involved.
    pub amount_minor: i64,
    /// The currency in lower case; empty where no money is involved.
    pub currency: Box<str>,
    /// The idempotency key or the request's own reference.
    pub key: Option<Box<str>>,
    /// The caller's own mark on the object: Stripe's `metadata[effect]`, Authorize.net's
    /// `order.description`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Box<str>>,
    /// The provider's id of the object.
    pub object: Box<str>,
    /// The object's state after the effect, in the provider's words.
    pub state: &'static str,
    /// What else there is to know: recipient and text of a message, tracking number of a label;
    /// null where there is nothing.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub detail: serde_json::Value,
}

/// All effects so far.
#[derive(Debug)]
pub struct Ledger {
    bound: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    effects: Vec<Effect>,
    by_order: HashMap<Box<str>, Vec<u32>>,
    counts: BTreeMap<(&'static str, &'static str), Count>,
}

/// How often an effect happened, and the sum of its amounts over all currencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many effects.
    pub count: u64,
    /// The sum of the amounts in minor units.
    pub amount_minor: i64,
}

/// Which effects to show; empty members match all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this provider.
    pub provider: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only of this order.
    pub order: Option<String>,
    /// Only after this position.
    pub after: u64,
}

impl Ledger {
    /// An empty ledger for at most `bound` effects.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self {
            bound,
            state: Mutex::default(),
        }
    }

    /// Appends an effect, its position and time set here; returns its position.
    pub fn record(&self, mut effect: Effect) -> u64 {
        let mut state = self.state.lock();
        effect.at_ms = crate::clock::now_ms();
        effect.sequence = state.effects.len() as u64 + 1;
        let position = u32::try_from(state.effects.len()).unwrap_or(u32::MAX);
        if !effect.order.is_empty() {
            state
                .by_order
                .entry(effect.order.clone())
                .or_default()
                .push(position);
        }
        let count = state
            .counts
            .entry((effect.provider, effect.kind))
            .or_default();
        count.count += 1;
        count.amount_minor += effect.amount_minor;
        let sequence = effect.sequence;
        state.effects.push(effect);
        sequence
    }

    /// Whether the bound is reached: the sandbox then refuses every request with 507.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.state.lock().effects.len() >= self.bound
    }

    /// The most effects that the ledger takes.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// How many effects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().effects.len()
    }

    /// Whether nothing happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The effects that match, in their order, at most `most`.
    #[must_use]
    pub fn effects(&self, filter: &Filter, most: usize) -> Vec<Effect> {
        let state = self.state.lock();
        let matches = |effect: &&Effect| {
            effect.sequence > filter.after
                && filter
                    .provider
                    .as_deref()
                    .is_none_or(|name| name == effect.provider)
                && filter
                    .kind
                    .as_deref()
                    .is_none_or(|kind| kind == effect.kind)
        };
        match &filter.order {
            Some(order) => state
                .by_order
                .get(order.as_str())
                .into_iter()
                .flatten()
                .filter_map(|position| state.effects.get(*position as usize))
                .filter(matches)
                .take(most)
                .cloned()
                .collect(),
            None => state
                .effects
                .iter()
                .skip(usize::try_from(filter.after).unwrap_or(usize::MAX))
                .filter(matches)
                .take(most)
                .cloned()
                .collect(),
        }
    }

    /// All effects for one order.
    #[must_use]
    pub fn of_order(&self, order: &str) -> Vec<Effect> {
        let filter = Filter {
            order: Some(order.to_owned()),
            ..Filter::default()
        };
        self.effects(&filter, usize::MAX)
    }

    /// How often each kind of effect happened, by (provider, kind).
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(&'static str, &'static str), Count> {
        self.state.lock().counts.clone()
    }

    /// How often one kind of effect happened at one provider.
    #[must_use]
    pub fn count(&self, provider: &str, kind: &str) -> u64 {
        let state = self.state.lock();
        let found = state.counts.iter();
        found
            .filter(|((name, what), _)| *name == provider && *what == kind)
            .map(|(_, count)| count.count)
            .sum()
    }

    /// Forgets all effects; what the providers hold stays.
    pub fn clear(&self) {
        *self.state.lock() = State::default();
    }
}
