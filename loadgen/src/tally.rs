//! What came back: counts by kind of answer and latency by who got it.

use hdrhistogram::Histogram;

/// Longest latency a histogram tells apart, in nanoseconds (100 s); longer ones count as this.
const LATENCY_NS_MAX: u64 = 100_000_000_000;

/// A latency histogram in nanoseconds with three significant digits.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        #[allow(clippy::expect_used)] // constant bounds that the histogram documents as valid
        let histogram = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3)
            .expect("1 ns to 100 s with three digits is a valid histogram");
        Self(histogram)
    }
}

impl Latency {
    /// Counts `count` answers that took `latency_ns` each.
    #[inline]
    pub fn record(&mut self, latency_ns: u64, count: u64) {
        if count > 0 {
            self.0
                .saturating_record_n(latency_ns.clamp(1, LATENCY_NS_MAX), count);
        }
    }

    /// Adds another histogram's answers.
    pub fn merge(&mut self, other: &Self) {
        // The bounds are the same, so adding cannot fail.
        let added = self.0.add(&other.0);
        debug_assert!(added.is_ok());
    }

    /// How many answers were counted.
    #[cfg(test)]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The mean in nanoseconds; 0 where nothing was measured.
    pub fn mean_ns(&self) -> f64 {
        self.0.mean()
    }

    /// The usual percentiles in microseconds.
    pub fn summary(&self) -> LatencySummary {
        let at = |quantile: f64| self.0.value_at_quantile(quantile) as f64 / 1e3;
        if self.0.is_empty() {
            return LatencySummary::default();
        }
        LatencySummary {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.0.max() as f64 / 1e3,
        }
    }
}

/// Percentiles of a latency in microseconds; all 0 where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LatencySummary {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Longest.
    pub max: f64,
}

/// Counts of answers; every offered order ends in exactly one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Orders sent.
    pub offered: u64,
    /// Orders accepted by this very request.
    pub accepted: u64,
    /// Orders refused by this very request for a business reason, such as no stock.
    pub rejected: u64,
    /// Answers repeated from an earlier request with the same key.
    pub replayed: u64,
    /// Keys refused because they had been used with another meaning.
    pub conflicts: u64,
    /// Orders the server had no room for.
    pub overloaded: u64,
    /// Everything else: unexpected codes, and orders without an answer.
    pub errors: u64,
}

impl Counts {
    /// Orders that the server decided: neither put off nor failed.
    pub fn decided(&self) -> u64 {
        self.accepted + self.rejected + self.replayed + self.conflicts
    }

    /// Orders that were answered one way or another.
    pub fn answered(&self) -> u64 {
        self.decided() + self.overloaded + self.errors
    }
}

/// Counts and latencies of one run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Answers by kind.
    pub counts: Counts,
    /// Latency of accepted orders ("yours").
    pub winners: Latency,
    /// Latency of refused orders ("sold out").
    pub losers: Latency,
    /// Latency of all other answers.
    pub others: Latency,
    /// Follow-up commands sent (confirm, release).
    pub commands: u64,
    /// Follow-up commands that were not answered with success.
    pub commands_failed: u64,
}

impl Tally {
    /// Latency of all answers.
    pub fn latency(&self) -> Latency {
        let mut all = self.winners.clone();
        all.merge(&self.losers);
        all.merge(&self.others);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_histograms_counts_every_answer_once() {
        let (mut fast, mut slow) = (Latency::default(), Latency::default());
        fast.record(1_000, 900);
        slow.record(2_000_000, 100);
        let mut tally = Tally {
            winners: fast,
            losers: slow,
            ..Tally::default()
        };
        let summary = tally.latency().summary();
        assert_eq!(tally.latency().count(), 1_000);
        assert!((summary.p50 - 1.0).abs() < 0.01 && (summary.p90 - 1.0).abs() < 0.01);
        assert!((summary.p99 - 2_000.0).abs() < 3.0 && summary.max >= 1_999.0);
        tally.others.record(u64::MAX, 1);
        assert!(
            tally.latency().summary().max >= 99e6,
            "longer than the bound counts as the bound"
        );
    }

    #[test]
    fn nothing_measured_is_all_zero() {
        assert_eq!(Latency::default().summary(), LatencySummary::default());
    }
}
