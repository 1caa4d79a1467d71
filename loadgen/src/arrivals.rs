//! When an open loop means to send each order, whatever the server does.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How the gaps between intended send times are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Independent buyers: exponential gaps around the mean.
    Poisson,
    /// A metronome: equal gaps.
    Constant,
}

/// The intended send times, in nanoseconds after the start: endless and never going back.
#[derive(Debug)]
pub struct Schedule {
    arrivals: Arrivals,
    gap_ns: f64,
    /// Kept as a float so that rounding never adds up over a long run.
    at_ns: f64,
    random: ChaCha8Rng,
}

impl Schedule {
    /// A schedule of `rate` arrivals a second on average; the first one is one gap after 0.
    /// `rate` is above 0.
    pub fn new(arrivals: Arrivals, rate: f64, seed: u64) -> Self {
        assert!(rate > 0.0, "an open loop has a rate");
        Self {
            arrivals,
            gap_ns: 1e9 / rate,
            at_ns: 0.0,
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The next intended send time.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a finite sum of gaps ≥ 0
    pub fn next_ns(&mut self) -> u64 {
        self.at_ns += match self.arrivals {
            Arrivals::Constant => self.gap_ns,
            Arrivals::Poisson => {
                // 53 random bits make a uniform number in (0, 1]: its logarithm is finite.
                let uniform = ((self.random.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
                -uniform.ln() * self.gap_ns
            }
        };
        self.at_ns as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_schedule_is_a_metronome_without_drift() {
        let mut schedule = Schedule::new(Arrivals::Constant, 3.0, 1);
        let times: Vec<u64> = (0..3_000).map(|_| schedule.next_ns()).collect();
        assert_eq!(times[0], 333_333_333);
        assert!(times[2_999].abs_diff(1_000_000_000_000) < 1_000);
    }

    #[test]
    fn a_poisson_schedule_has_the_mean_and_the_spread_of_independent_arrivals() {
        let mut schedule = Schedule::new(Arrivals::Poisson, 1_000.0, 42);
        let mut last = 0;
        let gaps: Vec<f64> = (0..100_000)
            .map(|_| {
                let at = schedule.next_ns();
                let gap = (at - last) as f64;
                last = at;
                gap
            })
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean / 1e6 - 1.0).abs() < 0.02, "mean {mean}");
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.02,
            "exponential: deviation = mean"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
        let times = |seed| {
            let mut schedule = Schedule::new(Arrivals::Poisson, 1e5, seed);
            (0..1_000).map(|_| schedule.next_ns()).collect::<Vec<_>>()
        };
        assert_eq!(times(7), times(7));
        assert_ne!(times(7), times(8));
        assert!(times(7).is_sorted());
    }
}
