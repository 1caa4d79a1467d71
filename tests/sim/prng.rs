//! Seeded streams: one seed, several independent sources of choices.
//!
//! Each part of the simulation draws from a stream of its own (schedule, faults, workload, jitter),
//! so that one more draw in one of them does not change what the others do. A stream is ChaCha8
//! seeded with the run's seed and the stream's salt; only `next_u64` of it is used, so the numbers
//! do not depend on how a library spreads them over ranges.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for; the salt keeps streams of one seed apart.
#[derive(Clone, Copy, Debug)]
pub enum Salt {
    /// Which step runs next.
    Schedule = 0x5343_4845,
    /// What goes wrong.
    Faults = 0x4641_554C,
    /// What clients ask for.
    Workload = 0x574F_524B,
    /// How far the clock moves.
    Jitter = 0x4A49_5454,
    /// Salts of segments.
    Entropy = 0x454E_5452,
    /// What survives a crash, sector by sector.
    Disk = 0x4449_534B,
    /// What providers do with calls.
    Providers = 0x5052_4F56,
}

/// One stream of choices.
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
}

impl Stream {
    /// The stream of `seed` for one purpose.
    pub fn new(seed: u64, salt: Salt) -> Self {
        let mut bytes = [0_u8; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&(salt as u64).to_le_bytes());
        Self {
            rng: ChaCha8Rng::from_seed(bytes),
        }
    }

    /// Any 64 bits.
    pub fn next(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Any 128 bits.
    pub fn next_u128(&mut self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "an empty range has no number");
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// An index below `bound`, which is at least 1.
    pub fn index(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// A number of `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True `per_mille` times in a thousand.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < u64::from(per_mille)
    }

    /// One of `items`, which is not empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// An index, chosen in proportion to `weights`, of which at least one is not zero.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut left = self.below(total);
        for (index, &weight) in weights.iter().enumerate() {
            if left < u64::from(weight) {
                return index;
            }
            left -= u64::from(weight);
        }
        unreachable!("the draw is below the sum of the weights")
    }

    /// Swarm weights: each of `base` switched off with one chance in six, or made up to sixteen
    /// times heavier, so that different seeds run wildly different mixes.
    pub fn swarm(&mut self, base: &[u32]) -> Vec<u32> {
        let weights: Vec<u32> = base
            .iter()
            .map(|&weight| {
                if self.chance(166) {
                    0
                } else {
                    weight << self.below(5)
                }
            })
            .collect();
        if weights.iter().any(|&weight| weight > 0) {
            weights
        } else {
            base.to_vec()
        }
    }
}

#[test]
fn streams_of_one_seed_are_repeatable_and_independent() {
    let draw = |seed, salt| {
        let mut stream = Stream::new(seed, salt);
        (0..8).map(|_| stream.next()).collect::<Vec<_>>()
    };
    assert_eq!(draw(7, Salt::Faults), draw(7, Salt::Faults));
    assert_ne!(draw(7, Salt::Faults), draw(7, Salt::Schedule));
    assert_ne!(draw(7, Salt::Faults), draw(8, Salt::Faults));
}
