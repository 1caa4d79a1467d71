//! The built-in scorer: in the process, without a network, the same score for the same history.
//!
//! Named signals add points up to 100: how many orders a customer, device, address or card token
//! made within a window; an amount far above the customer's or the tenant's usual; billing and
//! shipping address that differ; a disposable mail domain; a checkout faster than people are. The
//! points are in a file of weights ([`weights::Weights`]). The history is in memory, bounded, and
//! starts empty with the process; the time is the order's own, so that no clock is asked.

mod amounts;
mod signals;
pub mod weights;
mod windows;

use crate::adapters::call::{Call, OrderFacts};
use crate::adapters::options::{OptionsError, ProviderOptions};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::types::effect::EffectKind;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use signals::History;
pub use signals::Score;
use std::sync::Arc;
use weights::Weights;

/// See [`Builtin`].
pub const KIND: Kind = Kind {
    name: "builtin",
    effects: &[EffectKind::FraudScore],
    timeout_ms: 400,
    secrets: &[],
    settings: &["weights"],
    build: |options| Ok(Arc::new(Builtin::new(options)?)),
};

/// Scores by weights and history.
#[derive(Debug)]
pub struct Builtin {
    weights: Weights,
    history: Mutex<History>,
}

impl Builtin {
    /// Setting `weights`: the path of a TOML file that replaces the built-in weights.
    ///
    /// # Errors
    /// The file cannot be read, or says something that is no weight.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let path = options.setting_or("weights", "");
        if path.is_empty() {
            return Ok(Self::with(Weights::default()));
        }
        let problem = |problem| options.invalid("setting `weights`", problem);
        let text = std::fs::read_to_string(path)
            .map_err(|error| problem(format!("`{path}` cannot be read: {error}")))?;
        let weights =
            Weights::parse(&text).map_err(|error| problem(format!("`{path}`: {error}")))?;
        Ok(Self::with(weights))
    }

    /// With these weights, and no history.
    #[must_use]
    pub fn with(weights: Weights) -> Self {
        let history = Mutex::new(History::new(weights.memory.entries));
        Self { weights, history }
    }

    /// Scores an order and takes it into the history; an order that is scored again counts once.
    #[must_use]
    pub fn score(&self, facts: &OrderFacts) -> Score {
        self.history.lock().score(&self.weights, facts)
    }
}

impl Provider for Builtin {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let score = self.score(&call.facts);
            let mut outcome = Outcome::done("").says("", score.signals);
            outcome.score = Some(score.points);
            outcome.bounded()
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::fraud::tests::{call, facts};
    use crate::types::OrderKey;
    use crate::types::effect::EffectClass;

    #[tokio::test]
    async fn a_score_comes_with_its_signals() {
        let scorer = Builtin::with(Weights::default());
        let outcome = scorer.call(&call(facts())).await;
        assert_eq!(outcome.class, EffectClass::Done);
        assert_eq!((outcome.score, outcome.message.as_str()), (Some(0), ""));
        let mut hasty = facts();
        hasty.order = OrderKey(2);
        hasty.details.checkout_seconds = 1;
        hasty.details.email = "a@mailinator.com".into();
        let outcome = scorer.call(&call(hasty)).await;
        assert_eq!(outcome.message, "disposable_mail fast_checkout");
        assert_eq!(outcome.score, Some(50));
    }

    #[test]
    fn weights_come_from_a_file_and_faults_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.toml");
        let mut options = ProviderOptions {
            name: "risk".into(),
            kind: "builtin".into(),
            ..ProviderOptions::default()
        };
        let set = path.display().to_string();
        options.settings.insert("weights".into(), set.clone());
        let missing = Builtin::new(&options).unwrap_err().to_string();
        assert!(
            missing.contains("provider `risk`") && missing.contains(&set),
            "{missing}"
        );
        std::fs::write(&path, "[fast_checkout]\nsecond = 3\n").unwrap();
        let wrong = Builtin::new(&options).unwrap_err().to_string();
        assert!(wrong.contains("line 2"), "{wrong}");
        std::fs::write(&path, "[fast_checkout]\nseconds = 100\npoints = 70\n").unwrap();
        let scorer = Builtin::new(&options).unwrap();
        assert_eq!(scorer.score(&facts()).points, 70);
    }

    #[test]
    fn a_score_takes_far_less_than_a_millisecond() {
        let scorer = Builtin::with(Weights::default());
        let mut facts = facts();
        let mut times: Vec<u64> = (0..2_000_u64)
            .map(|n| {
                facts.order = OrderKey(u128::from(n) + 1);
                facts.customer = n % 500 + 1;
                let start = crate::clock::monotonic_ns();
                std::hint::black_box(scorer.score(&facts));
                crate::clock::monotonic_ns() - start
            })
            .collect();
        times.sort_unstable();
        let median_ns = times[times.len() / 2];
        println!("median of a score: {median_ns} ns");
        assert!(median_ns < 500_000, "{median_ns} ns");
    }
}
