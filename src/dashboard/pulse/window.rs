//! Rates and percentiles over the last seconds, in bounded memory.

use hdrhistogram::Histogram;

/// Seconds that a rate is averaged over.
pub const RATE_SECONDS: u64 = 10;

/// Slots of a ring: the seconds averaged over, the one that is running, and one to spare.
const SLOTS: usize = 12;

/// How long one half of the samples is kept, in milliseconds: percentiles are of the last 30 to
/// 60 s.
const HALF_MS: u64 = 30_000;

/// Longest duration told apart, in milliseconds; longer ones count as this.
const LONGEST_MS: u64 = 30 * 86_400_000;

/// Counts by second, for the last ones.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    slots: [(u64, u64); SLOTS],
}

impl Rate {
    /// Counts `number` in second `second`.
    pub fn add(&mut self, second: u64, number: u64) {
        if let Some(slot) = self.slots.get_mut(place(second)) {
            if slot.0 != second {
                *slot = (second, 0);
            }
            slot.1 += number;
        }
    }

    /// What was counted in the last [`RATE_SECONDS`] whole seconds before `second`.
    pub fn recent(&self, second: u64) -> u64 {
        let from = second.saturating_sub(RATE_SECONDS);
        let fits = |slot: &&(u64, u64)| (from..second).contains(&slot.0);
        self.slots.iter().filter(fits).map(|slot| slot.1).sum()
    }

    /// The same, a second.
    pub fn per_second(&self, second: u64) -> f64 {
        self.recent(second) as f64 / RATE_SECONDS as f64
    }
}

fn place(second: u64) -> usize {
    usize::try_from(second % SLOTS as u64).unwrap_or(0)
}

/// Durations of the last half to whole minute, in milliseconds, to two digits.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    halves: [Option<Histogram<u32>>; 2],
    since_ms: u64,
}

impl Durations {
    /// Takes one that ended at `now_ms`.
    pub fn record(&mut self, now_ms: u64, ms: u64) {
        self.turn(now_ms);
        let [current, _] = &mut self.halves;
        // A histogram from 1 ms to a month to two digits is always possible.
        let made = current
            .take()
            .or_else(|| Histogram::new_with_max(LONGEST_MS, 2).ok());
        *current = made.map(|mut histogram| {
            histogram.saturating_record(ms);
            histogram
        });
    }

    /// How many there are, and their 50th and 99th percentile; `None` without any.
    pub fn percentiles(&mut self, now_ms: u64) -> Option<(u64, u64, u64)> {
        self.turn(now_ms);
        let mut all: Option<Histogram<u32>> = None;
        for half in self.halves.iter().flatten() {
            match &mut all {
                None => all = Some(half.clone()),
                // Both have the same bounds.
                Some(sum) => drop(sum.add(half)),
            }
        }
        let all = all.filter(|all| !all.is_empty())?;
        let at = |quantile| all.value_at_quantile(quantile);
        Some((all.len(), at(0.5), at(0.99)))
    }

    /// Forgets what is too old.
    fn turn(&mut self, now_ms: u64) {
        let passed = now_ms.saturating_sub(self.since_ms);
        if passed < HALF_MS {
            return;
        }
        let [current, before] = &mut self.halves;
        *before = current.take().filter(|_| passed < 2 * HALF_MS);
        self.since_ms = now_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_whole_seconds_and_forgets_old_ones() {
        let mut rate = Rate::default();
        for second in 100..105 {
            rate.add(second, 20);
        }
        assert_eq!(rate.recent(104), 80, "the running second does not count");
        assert_eq!(rate.recent(105), 100);
        assert!((rate.per_second(105) - 10.0).abs() < f64::EPSILON);
        assert_eq!(rate.recent(200), 0);
        rate.add(112, 1); // the slot of second 100
        assert_eq!(rate.recent(113), 41);
    }

    #[test]
    fn percentiles_are_of_the_last_minute() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentiles(0), None);
        for ms in 1..=100 {
            durations.record(1_000_000, ms);
        }
        let (count, median, last) = durations.percentiles(1_000_000).expect("samples");
        assert_eq!(count, 100);
        assert!((49..=51).contains(&median) && (98..=100).contains(&last));
        assert!(durations.percentiles(1_031_000).is_some());
        assert_eq!(durations.percentiles(1_100_000), None);
    }
}
