//! What is ordered: every order is a pure function of the seed and its number.
//!
//! So the same seed gives the same requests in any interleaving of connections, a request in
//! flight is remembered by its numbers alone, and nothing is kept per order.

use clap::ValueEnum;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::mix::{mix64, mix128};
use crate::zipf::Zipf;

/// Units of a SKU that never runs out in a run.
pub const STOCK_AMPLE: u32 = 1_000_000_000;

/// Most lines of one order of the basket scenario; the fewest are 2.
pub const BASKET_LINES_MAX: usize = 6;

/// The kinds of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Most orders want one hot SKU that sells out; the rest want any other SKU.
    FlashSale,
    /// Every order wants one SKU, each equally likely, none runs out.
    Uniform,
    /// Every order wants one SKU, popularity falls as 1 / rank^0.99, none runs out.
    Zipf,
    /// Orders of 2 to 6 lines, all or nothing, none runs out.
    Basket,
    /// Holds; of those, half are confirmed and a quarter released as soon as they are granted.
    HoldConfirmRelease,
    /// Of 100 orders 55 are new, 40 repeat a recent one and 5 misuse a recent one's key.
    RetryStorm,
    /// A little stock and far more orders: nearly every answer is "sold out".
    SellOut,
}

impl Scenario {
    /// Units of each SKU (of the hot SKU in a flash sale) where none are asked for.
    pub const fn default_stock(self) -> u32 {
        match self {
            Self::FlashSale => 10_000,
            Self::SellOut => 100,
            _ => STOCK_AMPLE,
        }
    }

    /// SKUs where no number is asked for.
    pub const fn default_skus(self) -> u32 {
        match self {
            Self::SellOut => 100,
            _ => 10_000,
        }
    }

    /// Expected journal bytes of one order, used to bound the disk a run may fill.
    pub const fn journal_bytes_estimate(self) -> u64 {
        match self {
            Self::Basket => 192,
            Self::HoldConfirmRelease => 176,
            _ => 96,
        }
    }
}

/// What happens to an order once its hold is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays a hold until it expires.
    Stay,
    /// It is confirmed.
    Confirm,
    /// It is released.
    Release,
}

/// One line of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedLine {
    /// Index of the SKU in the run, not yet the server's handle.
    pub sku: u32,
    /// Units.
    pub quantity: u32,
}

/// One order, without its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedOrder {
    /// Number of the order that this one is or repeats.
    pub identity: u64,
    /// The order key.
    pub key: u128,
    /// The customer: one order each.
    pub customer: u64,
    /// Minor units; differs from the first use of the key where a conflict is meant.
    pub total: u64,
}

/// All orders of a run.
#[derive(Debug)]
pub struct Plan {
    scenario: Scenario,
    skus: u32,
    hot_share: u64,
    key_salt: u128,
    pick_salt: u64,
    role_salt: u64,
    zipf: Option<Zipf>,
}

impl Plan {
    /// The orders of `scenario` over `skus` SKUs (at least 1); `hot_percent` (0 ..= 100) of a
    /// flash sale's orders want SKU 0.
    pub fn new(scenario: Scenario, skus: u32, hot_percent: u8, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let salt_high = u128::from(random.next_u64());
        Self {
            scenario,
            skus: skus.max(1),
            hot_share: u64::from(hot_percent) * (1 << 32) / 100,
            key_salt: salt_high << 64 | u128::from(random.next_u64()),
            pick_salt: random.next_u64(),
            role_salt: random.next_u64(),
            zipf: (scenario == Scenario::Zipf).then(|| Zipf::new(skus.max(1))),
        }
    }

    /// How many SKUs the run uses.
    pub fn skus(&self) -> u32 {
        self.skus
    }

    /// True where every order has exactly one line.
    pub fn is_single_line(&self) -> bool {
        self.scenario != Scenario::Basket
    }

    /// Order number `number`.
    #[inline]
    pub fn order(&self, number: u64) -> PlannedOrder {
        let (identity, misuse) = match self.scenario {
            Scenario::RetryStorm => self.retried(number),
            _ => (number, false),
        };
        PlannedOrder {
            identity,
            key: mix128(self.key_salt, identity),
            customer: identity + 1,
            total: if misuse { 1_998 } else { 999 },
        }
    }

    /// The only line of an order of a single-line scenario, by the order's identity.
    #[inline]
    pub fn line(&self, identity: u64) -> PlannedLine {
        let bits = mix64(identity ^ self.pick_salt);
        let sku = match self.scenario {
            Scenario::Zipf => self.zipf.as_ref().map_or(0, |zipf| zipf.pick(bits)),
            Scenario::FlashSale => self.hot_or_other(bits),
            _ => scale(bits, self.skus),
        };
        PlannedLine { sku, quantity: 1 }
    }

    /// Fills `lines` with the lines of the order of this identity.
    pub fn lines(&self, identity: u64, lines: &mut Vec<PlannedLine>) {
        lines.clear();
        if self.is_single_line() {
            lines.push(self.line(identity));
            return;
        }
        let bits = mix64(identity ^ self.pick_salt);
        let count = 2 + bits % (BASKET_LINES_MAX as u64 - 1);
        for line in 0..count {
            let bits = mix64(bits ^ line);
            #[allow(clippy::cast_possible_truncation)] // two bits
            let quantity = 1 + (bits & 3) as u32;
            lines.push(PlannedLine {
                sku: scale(bits, self.skus),
                quantity,
            });
        }
    }

    /// What the client does with a granted hold of this identity.
    pub fn fate(&self, identity: u64) -> Fate {
        match self.scenario {
            Scenario::HoldConfirmRelease => match mix64(identity ^ self.role_salt) & 3 {
                0 | 1 => Fate::Confirm,
                2 => Fate::Release,
                _ => Fate::Stay,
            },
            _ => Fate::Stay,
        }
    }

    /// The key of the command that confirms or releases the order of this identity.
    pub fn command_key(&self, identity: u64) -> u128 {
        mix128(!self.key_salt, identity)
    }

    fn hot_or_other(&self, bits: u64) -> u32 {
        if self.skus == 1 || (bits & 0xffff_ffff) < self.hot_share {
            0
        } else {
            1 + scale(bits, self.skus - 1)
        }
    }

    /// The identity of a retry storm's order `number`, and whether it misuses the key.
    fn retried(&self, number: u64) -> (u64, bool) {
        let role = |number: u64| mix64(number ^ self.role_salt);
        let bits = role(number);
        let is_new = |number: u64| number == 0 || role(number) % 100 < 55;
        if is_new(number) {
            return (number, false);
        }
        let back = 1 + (bits >> 32) % 1_000;
        let mut identity = number.saturating_sub(back);
        while !is_new(identity) {
            identity -= 1;
        }
        (identity, bits % 100 >= 95)
    }
}

/// Scales the upper half of random bits to `0 .. count`.
#[inline]
#[allow(clippy::cast_possible_truncation)] // the product of two 32-bit numbers, shifted by 32
const fn scale(bits: u64, count: u32) -> u32 {
    (((bits >> 32) * count as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn requests(scenario: Scenario, seed: u64) -> Vec<(PlannedOrder, Vec<PlannedLine>, Fate)> {
        let plan = Plan::new(scenario, 500, 80, seed);
        (0..5_000)
            .map(|number| {
                let order = plan.order(number);
                let mut lines = Vec::new();
                plan.lines(order.identity, &mut lines);
                (order, lines, plan.fate(order.identity))
            })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_requests_in_every_scenario() {
        for &scenario in Scenario::value_variants() {
            assert_eq!(requests(scenario, 7), requests(scenario, 7), "{scenario:?}");
            assert_ne!(requests(scenario, 7), requests(scenario, 8), "{scenario:?}");
        }
    }

    #[test]
    fn every_line_names_a_sku_of_the_run_and_a_quantity_of_at_least_one() {
        for &scenario in Scenario::value_variants() {
            for (_, lines, _) in requests(scenario, 3) {
                assert!((1..=BASKET_LINES_MAX).contains(&lines.len()));
                assert!(
                    lines
                        .iter()
                        .all(|line| line.sku < 500 && line.quantity >= 1)
                );
            }
        }
    }

    #[test]
    fn a_flash_sale_sends_the_hot_share_to_the_first_sku() {
        let hot = requests(Scenario::FlashSale, 5)
            .iter()
            .filter(|(_, lines, _)| lines[0].sku == 0)
            .count();
        assert!((3_800..4_200).contains(&hot), "{hot} of 5000 at 80 %");
    }

    #[test]
    fn a_retry_storm_repeats_earlier_keys_and_misuses_some() {
        let mut seen: HashMap<u128, u64> = HashMap::new();
        let (mut repeats, mut misuses) = (0, 0);
        for (number, (order, ..)) in requests(Scenario::RetryStorm, 5).into_iter().enumerate() {
            assert!(
                order.identity <= number as u64,
                "only earlier orders are repeated"
            );
            match seen.get(&order.key) {
                None => assert_eq!(order.total, 999),
                Some(&total) if total == order.total => repeats += 1,
                Some(_) => misuses += 1,
            }
            seen.entry(order.key).or_insert(order.total);
        }
        assert!((1_800..2_200).contains(&repeats), "{repeats}");
        assert!((180..320).contains(&misuses), "{misuses}");
    }

    #[test]
    fn holds_meet_their_three_fates_in_the_stated_shares() {
        let requests = requests(Scenario::HoldConfirmRelease, 9);
        let count = |fate| requests.iter().filter(|(.., met)| *met == fate).count();
        assert!((2_300..2_700).contains(&count(Fate::Confirm)));
        assert!((1_100..1_400).contains(&count(Fate::Release)));
        assert!((1_100..1_400).contains(&count(Fate::Stay)));
    }
}
