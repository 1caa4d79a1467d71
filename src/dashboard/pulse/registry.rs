//! Latency of answers, read from the metrics registry: the same numbers that `/metrics` serves.

use std::collections::{BTreeMap, VecDeque};

/// Readings kept, one a second: percentiles are of the last ten seconds.
const READINGS: usize = 10;

/// Cumulative buckets of one histogram: upper bound in seconds to count, over all shards.
type Buckets = BTreeMap<u64, u64>;

/// A histogram's percentiles over the last readings.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    readings: VecDeque<Buckets>,
}

impl Latency {
    /// Takes a reading of the metric `name` with the label `outcome` from `text`, in Prometheus's
    /// format.
    pub fn read(&mut self, text: &str, name: &str, outcome: &str) {
        let mut buckets = Buckets::new();
        let head = format!("{name}_bucket{{");
        let label = format!("outcome=\"{outcome}\"");
        for line in text.lines().filter(|line| line.starts_with(&head)) {
            if let Some((bound_ns, count)) = bucket(line, &label) {
                *buckets.entry(bound_ns).or_default() += count;
            }
        }
        self.readings.push_back(buckets);
        if self.readings.len() > READINGS {
            self.readings.pop_front();
        }
    }

    /// The bound below which `quantile` of the latest samples lie, in milliseconds; between two
    /// bounds the place is interpolated.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let (first, last) = (self.readings.front()?, self.readings.back()?);
        let new = |bound: &u64, count: u64| {
            count.saturating_sub(first.get(bound).copied().unwrap_or_default())
        };
        let total = last
            .iter()
            .next_back()
            .map(|(bound, count)| new(bound, *count))?;
        if total == 0 {
            return None;
        }
        let wanted = total as f64 * quantile;
        let (mut below_ns, mut below) = (0, 0);
        for (&bound_ns, &count) in last {
            let count = new(&bound_ns, count);
            if count as f64 >= wanted {
                if bound_ns == u64::MAX {
                    return Some(below_ns as f64 / 1e6);
                }
                let inside = count.saturating_sub(below).max(1) as f64;
                let part = (wanted - below as f64) / inside;
                let place_ns = below_ns as f64 + (bound_ns - below_ns) as f64 * part;
                return Some(place_ns / 1e6);
            }
            (below_ns, below) = (bound_ns, count);
        }
        None
    }
}

/// Bound in nanoseconds (`u64::MAX` is without) and count of a line, if it has the label.
fn bucket(line: &str, label: &str) -> Option<(u64, u64)> {
    let (labels, count) = line.rsplit_once("} ")?;
    if !labels.contains(label) {
        return None;
    }
    let bound = labels.rsplit_once("le=\"")?.1.split('"').next()?;
    let count: f64 = count.trim().parse().ok()?;
    let bound_ns = match bound {
        "+Inf" => u64::MAX,
        bound => whole(bound.parse::<f64>().ok()? * 1e9),
    };
    Some((bound_ns, whole(count)))
}

/// A number that is not negative, without its fraction.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped first
fn whole(value: f64) -> u64 {
    value.clamp(0.0, 9e15) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(counts: [u64; 3]) -> String {
        let [low, middle, all] = counts;
        format!(
            "x_bucket{{shard=\"0\",outcome=\"accepted\",le=\"0.001\"}} {low}\n\
             x_bucket{{shard=\"0\",outcome=\"rejected\",le=\"0.001\"}} 77\n\
             x_bucket{{shard=\"0\",outcome=\"accepted\",le=\"0.002\"}} {middle}\n\
             x_bucket{{shard=\"0\",outcome=\"accepted\",le=\"+Inf\"}} {all}\n"
        )
    }

    #[test]
    fn percentiles_are_of_what_came_since_the_oldest_reading() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile_ms(0.5), None);
        latency.read(&text([100, 100, 100]), "x", "accepted");
        assert_eq!(latency.quantile_ms(0.5), None, "nothing new");
        latency.read(&text([100, 200, 200]), "x", "accepted");
        let median = latency.quantile_ms(0.5).expect("samples");
        assert!((median - 1.5).abs() < 0.01, "{median}");
    }
}
