//! What is counted about calls to a provider.

use super::{
    PROVIDER_CALL_SECONDS, PROVIDER_CALLS, PROVIDER_CALLS_OUT, PROVIDER_CREDENTIALS,
    PROVIDER_WAIT_SECONDS, PROVIDER_WAITING,
};
use metrics::{Gauge, Histogram};

/// What one lane counts about one provider.
#[derive(Clone, Debug)]
pub struct ProviderMetrics {
    provider: String,
    lane: &'static str,
    /// See [`PROVIDER_CALL_SECONDS`].
    pub call_seconds: Histogram,
    /// See [`PROVIDER_WAIT_SECONDS`].
    pub wait_seconds: Histogram,
    /// See [`PROVIDER_CALLS_OUT`].
    pub out: Gauge,
    /// See [`PROVIDER_WAITING`].
    pub waiting: Gauge,
}

impl ProviderMetrics {
    /// Handles of `provider` in `lane`.
    #[must_use]
    pub fn new(provider: &str, lane: &'static str) -> Self {
        let labels = || [("provider", provider.to_owned()), ("lane", lane.to_owned())];
        Self {
            call_seconds: metrics::histogram!(PROVIDER_CALL_SECONDS, &labels()),
            wait_seconds: metrics::histogram!(PROVIDER_WAIT_SECONDS, &labels()),
            out: metrics::gauge!(PROVIDER_CALLS_OUT, &labels()),
            waiting: metrics::gauge!(PROVIDER_WAITING, &labels()),
            provider: provider.to_owned(),
            lane,
        }
    }

    /// Counts a call that ended because the provider refuses our credentials.
    pub fn credentials_refused(&self) {
        metrics::counter!(
            PROVIDER_CREDENTIALS,
            "provider" => self.provider.clone(),
            "lane" => self.lane
        )
        .increment(1);
    }

    /// Counts a call that ended in `class` after `ns` nanoseconds.
    pub fn ended(&self, class: &'static str, ns: u64) {
        self.call_seconds.record(ns as f64 / 1e9);
        metrics::counter!(
            PROVIDER_CALLS,
            "provider" => self.provider.clone(),
            "lane" => self.lane,
            "class" => class
        )
        .increment(1);
    }
}
