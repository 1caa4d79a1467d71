//! Cheap mixing of counters into keys and choices: a few nanoseconds, no table, no state.

/// Scatters a 64-bit number over all 64 bits; distinct numbers stay distinct.
#[inline]
pub const fn mix64(value: u64) -> u64 {
    let mut bits = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A 128-bit key for `counter` under a 128-bit salt: distinct counters give distinct keys under
/// one salt, and no key is 0.
#[inline]
#[allow(clippy::cast_possible_truncation)] // the halves of the salt
pub const fn mix128(salt: u128, counter: u64) -> u128 {
    let low = mix64(counter ^ (salt as u64));
    let high = mix64(low ^ ((salt >> 64) as u64));
    // The low half alone is a bijection of the counter, so setting a bit of the other half keeps
    // keys distinct while ruling out zero.
    ((high | 1) as u128) << 64 | low as u128
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn distinct_counters_give_distinct_keys_that_are_never_zero() {
        let keys: HashSet<u128> = (0..100_000).map(|counter| mix128(99, counter)).collect();
        assert_eq!(keys.len(), 100_000);
        assert!(!keys.contains(&0));
        assert_ne!(mix128(98, 5), mix128(99, 5), "the salt counts");
    }
}
