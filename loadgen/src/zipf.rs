//! A Zipf distribution over SKUs, sampled in constant time from 64 given random bits.

/// Exponent of the distribution: the k-th most popular SKU sells in proportion to `1 / k^0.99`.
pub const ZIPF_EXPONENT: f64 = 0.99;

/// An alias table: one draw is one table line and one comparison.
#[derive(Debug)]
pub struct Zipf {
    /// Per column: the threshold (in 1/2^32) below which the column itself is drawn, and the
    /// column drawn above it.
    columns: Vec<(u32, u32)>,
}

impl Zipf {
    /// A distribution over `0 .. count`, 0 being the most popular; `count` is at least 1.
    pub fn new(count: u32) -> Self {
        let mut weights: Vec<f64> = (1..=count)
            .map(|rank| f64::from(rank).powf(-ZIPF_EXPONENT))
            .collect();
        let sum: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight *= f64::from(count) / sum;
        }
        Self {
            columns: alias_columns(&mut weights),
        }
    }

    /// The number that these random bits stand for.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the two halves of the bits, each 32 wide
    pub fn pick(&self, bits: u64) -> u32 {
        let column = ((bits >> 32) * self.columns.len() as u64) >> 32;
        match self.columns.get(column as usize) {
            Some(&(threshold, _)) if (bits as u32) < threshold => column as u32,
            Some(&(_, other)) => other,
            None => 0,
        }
    }
}

/// Vose's method: columns below the mean are filled up from columns above it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // weights are in 0 ..= 1 here
#[allow(clippy::indexing_slicing)] // every index comes from 0 .. weights.len()
fn alias_columns(weights: &mut [f64]) -> Vec<(u32, u32)> {
    let mut columns: Vec<(u32, u32)> = (0..weights.len())
        .map(|column| (u32::MAX, column as u32))
        .collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..weights.len()).partition(|&column| weights[column] < 1.0);
    while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
        columns[low] = ((weights[low] * f64::from(u32::MAX)) as u32, high as u32);
        weights[high] -= 1.0 - weights[low];
        if weights[high] < 1.0 {
            large.pop();
            small.push(high);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::mix64;

    #[test]
    fn popularity_falls_with_rank_as_the_exponent_says() {
        let zipf = Zipf::new(1_000);
        let mut counts = vec![0_u32; 1_000];
        for draw in 0..2_000_000_u64 {
            counts[zipf.pick(mix64(draw)) as usize] += 1;
        }
        let ratio = f64::from(counts[0]) / f64::from(counts[9]);
        assert!(
            (ratio / 10_f64.powf(ZIPF_EXPONENT) - 1.0).abs() < 0.05,
            "ratio {ratio}"
        );
        assert!(counts.iter().all(|&count| count > 0), "no SKU is left out");
    }

    #[test]
    fn one_sku_is_always_picked() {
        let zipf = Zipf::new(1);
        assert!((0..1_000).all(|draw| zipf.pick(mix64(draw)) == 0));
    }
}
