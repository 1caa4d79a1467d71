//! The server's metrics as it tells them: Prometheus text.

/// Samples of one histogram, by upper bound, counted up to each bound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets(Vec<(f64, u64)>);

impl Buckets {
    /// Reads `name{channel="CHANNEL",le="…"}` from a page of metrics.
    pub fn read(page: &str, name: &str, channel: &str) -> Self {
        let start = format!("{name}_bucket{{");
        let label = format!("channel=\"{channel}\"");
        let lines = page.lines().filter_map(|line| {
            let (labels, value) = line.strip_prefix(&start)?.rsplit_once("} ")?;
            let mut labels = labels.split(',');
            let is_of = labels.clone().any(|it| it == label);
            let bound = labels.find_map(|it| it.strip_prefix("le=\"")?.strip_suffix('"'))?;
            let bound = match bound {
                "+Inf" => f64::INFINITY,
                number => number.parse().ok()?,
            };
            is_of.then_some((bound, value.trim().parse().ok()?))
        });
        let mut buckets: Vec<(f64, u64)> = lines.collect();
        buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
        Self(buckets)
    }

    /// What came since `before`.
    pub fn since(&self, before: &Self) -> Self {
        let earlier = |bound: f64| before.up_to(bound);
        let buckets = self.0.iter();
        Self(
            buckets
                .map(|&(bound, count)| (bound, count.saturating_sub(earlier(bound))))
                .collect(),
        )
    }

    /// Adds the samples of another histogram with the same bounds.
    pub fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        for (bound, count) in &mut self.0 {
            *count += other.up_to(*bound);
        }
    }

    /// How many samples there are.
    pub fn count(&self) -> u64 {
        self.0.last().map_or(0, |&(_, count)| count)
    }

    /// How many samples are at most `bound`, which must be one of the bounds.
    pub fn up_to(&self, bound: f64) -> u64 {
        let buckets = self.0.iter().rev();
        let mut below = buckets.filter(|(other, _)| *other <= bound);
        below.next().map_or(0, |&(_, count)| count)
    }

    /// The upper bound of the bucket in which the sample of this rank is; 0 without samples.
    pub fn at_most(&self, quantile: f64) -> f64 {
        let rank = (self.count() as f64 * quantile).ceil().max(1.0);
        let mut buckets = self.0.iter();
        buckets
            .find(|(_, count)| *count as f64 >= rank)
            .map_or(0.0, |&(bound, _)| bound)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact values
mod tests {
    use super::*;

    const PAGE: &str = "\
# TYPE lag histogram
lag_bucket{channel=\"a\",le=\"0.05\"} 90
lag_bucket{channel=\"a\",le=\"0.1\"} 99
lag_bucket{channel=\"a\",le=\"0.2\"} 100
lag_bucket{channel=\"a\",le=\"+Inf\"} 100
lag_sum{channel=\"a\"} 3.5
lag_count{channel=\"a\"} 100
lag_bucket{channel=\"b\",le=\"0.05\"} 1
lag_bucket{channel=\"b\",le=\"+Inf\"} 2
";

    #[test]
    fn percentiles_are_the_bounds_of_their_buckets() {
        let lag = Buckets::read(PAGE, "lag", "a");
        assert_eq!((lag.count(), lag.up_to(0.1)), (100, 99));
        assert_eq!(
            (lag.at_most(0.5), lag.at_most(0.99), lag.at_most(1.0)),
            (0.05, 0.1, 0.2)
        );
        assert_eq!(Buckets::read(PAGE, "lag", "none").at_most(0.99), 0.0);
    }

    #[test]
    fn only_what_came_since_counts_and_channels_add_up() {
        let after = Buckets::read(PAGE, "lag", "a");
        let before = Buckets(vec![(0.05, 50), (0.1, 50), (0.2, 50), (f64::INFINITY, 50)]);
        let mut since = after.since(&before);
        assert_eq!((since.count(), since.up_to(0.05)), (50, 40));
        since.merge(&Buckets::read(PAGE, "lag", "b"));
        assert_eq!((since.count(), since.up_to(0.1)), (52, 50));
        assert_eq!(after.since(&Buckets::default()), after);
    }
}
