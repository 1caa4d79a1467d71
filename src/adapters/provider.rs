//! What every provider file implements: its requests and the classification of its answers.

use super::call::Call;
use super::outcome::Outcome;
use crate::types::effect::EffectKind;
use futures_util::future::BoxFuture;

/// One external service. Timeouts, limits, retries, breakers and failover are not its business.
pub trait Provider: Send + Sync {
    /// The effects that it can serve.
    fn kinds(&self) -> &'static [EffectKind];

    /// Makes one attempt and classifies its end. Several requests where one operation needs them
    /// (look up before repeating, rate and then buy). It never panics on what a provider answers.
    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome>;
}
