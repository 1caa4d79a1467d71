//! Latency of answers, read from the metrics registry: the same numbers that `/metrics` serves.

use std::collections::{BTreeMap, VecDeque};

/// Readings kept, one a second: percentiles are of the last ten seconds.
const READINGS: usize = 10;

/// Values of a label that are followed.
const VALUES_MAX: usize = 256;

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
        let mut all = by_label(text, name, "outcome");
        self.push(all.remove(outcome).unwrap_or_default());
    }

    fn push(&mut self, buckets: Buckets) {
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

/// A histogram by the values of one of its labels, such as the channel.
#[derive(Clone, Debug, Default)]
pub struct Latencies(BTreeMap<String, Latency>);

impl Latencies {
    /// Takes a reading of the metric `name` for every value of `label`.
    pub fn read(&mut self, text: &str, name: &str, label: &str) {
        for (value, buckets) in by_label(text, name, label) {
            if self.0.len() < VALUES_MAX || self.0.contains_key(&value) {
                self.0.entry(value).or_default().push(buckets);
            }
        }
    }

    /// The percentiles of one value.
    pub fn get(&self, value: &str) -> Option<&Latency> {
        self.0.get(value)
    }
}

/// Values of a gauge by those of one of its labels.
pub fn gauges(text: &str, name: &str, label: &str) -> BTreeMap<String, f64> {
    let head = format!("{name}{{");
    let lines = text.lines().filter(|line| line.starts_with(&head));
    let values = lines.filter_map(|line| {
        let (labels, value) = line.rsplit_once("} ")?;
        let label = value_of(labels, label)?;
        Some((label.to_owned(), value.trim().parse().ok()?))
    });
    values.collect()
}

/// Cumulative buckets of a histogram by the values of `label`, other labels summed up.
fn by_label(text: &str, name: &str, label: &str) -> BTreeMap<String, Buckets> {
    let head = format!("{name}_bucket{{");
    let mut all: BTreeMap<String, Buckets> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with(&head)) {
        if let Some((value, bound_ns, count)) = bucket(line, label) {
            let buckets = all.entry(value.to_owned()).or_default();
            *buckets.entry(bound_ns).or_default() += count;
        }
    }
    all
}

/// Value of the label, bound in nanoseconds (`u64::MAX` is without) and count of a line.
fn bucket<'a>(line: &'a str, label: &str) -> Option<(&'a str, u64, u64)> {
    let (labels, count) = line.rsplit_once("} ")?;
    let value = value_of(labels, label)?;
    let count: f64 = count.trim().parse().ok()?;
    let bound_ns = match value_of(labels, "le")? {
        "+Inf" => u64::MAX,
        bound => whole(bound.parse::<f64>().ok()? * 1e9),
    };
    Some((value, bound_ns, whole(count)))
}

/// What stands behind `label=` in quotes.
fn value_of<'a>(labels: &'a str, label: &str) -> Option<&'a str> {
    let mut parts = labels.split(['{', ',']);
    let found = parts.find_map(|part| part.strip_prefix(label)?.strip_prefix("=\""))?;
    found.split('"').next()
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

    #[test]
    fn labels_are_told_apart() {
        let mut lags = Latencies::default();
        let text = |count: u64| {
            format!(
                "lag_bucket{{channel=\"eu\",le=\"0.1\"}} {count}\n\
                 lag_bucket{{channel=\"eu\",le=\"+Inf\"}} {count}\n\
                 lag_bucket{{channel=\"us\",le=\"0.1\"}} 5\n\
                 lag_bucket{{channel=\"us\",le=\"+Inf\"}} 5\n\
                 waiting{{channel=\"eu\"}} 3\n"
            )
        };
        for count in [0, 10] {
            lags.read(&text(count), "lag", "channel");
        }
        let last = |name: &str| lags.get(name).and_then(|one| one.quantile_ms(0.99));
        assert!(last("eu").is_some_and(|ms| (90.0..=100.0).contains(&ms)));
        assert_eq!((last("us"), last("uk")), (None, None));
        let waiting = gauges(&text(0), "waiting", "channel");
        assert_eq!(waiting.get("eu"), Some(&3.0));
    }
}
