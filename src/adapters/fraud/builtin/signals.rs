//! The signals of an order against the history, and their sum.

use super::amounts::Amounts;
use super::weights::{Velocity, Weights};
use super::windows::Windows;
use crate::adapters::call::OrderFacts;
use siphasher::sip::SipHasher13;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

/// Mail domains that give addresses away, sorted.
const DISPOSABLE: &str = include_str!("disposable.txt");

/// Tenants and currencies whose average is kept.
const OVERALL_MAX: usize = 10_000;

/// A score and what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// 0 ..= 100.
    pub points: u8,
    /// Names of the signals, separated by spaces, such as `velocity_device=3 amount_high`.
    pub signals: String,
}

/// What is remembered of earlier orders.
#[derive(Debug)]
pub(super) struct History {
    customers: Windows,
    devices: Windows,
    addresses: Windows,
    cards: Windows,
    usual: Amounts,
    overall: Amounts,
}

impl Score {
    fn add(&mut self, points: u8, signal: std::fmt::Arguments<'_>) {
        if points == 0 {
            return;
        }
        self.points = self.points.saturating_add(points).min(100);
        if !self.signals.is_empty() {
            self.signals.push(' ');
        }
        // Writing into a text cannot fail.
        let _ = self.signals.write_fmt(signal);
    }

    fn add_velocity(&mut self, name: &str, count: u8, weight: Velocity) {
        let beyond = count.saturating_sub(weight.free);
        let points = beyond.saturating_mul(weight.points).min(weight.points_max);
        self.add(points, format_args!("velocity_{name}={count}"));
    }
}

impl History {
    pub(super) fn new(entries: usize) -> Self {
        Self {
            customers: Windows::new(entries),
            devices: Windows::new(entries),
            addresses: Windows::new(entries),
            cards: Windows::new(entries),
            usual: Amounts::new(entries),
            overall: Amounts::new(OVERALL_MAX),
        }
    }

    pub(super) fn score(&mut self, weights: &Weights, facts: &OrderFacts) -> Score {
        let mut score = Score::default();
        let known = self.add_velocities(&mut score, weights, facts);
        self.add_amounts(&mut score, weights, facts, known);
        let details = &facts.details;
        let (billing, shipping) = (
            letters(&details.billing_address),
            letters(&details.shipping_address),
        );
        if !billing.is_empty() && !shipping.is_empty() && billing != shipping {
            let points = weights.address_mismatch.points;
            score.add(points, format_args!("address_mismatch"));
        }
        if is_disposable(&details.email, &weights.disposable_mail.domains) {
            let points = weights.disposable_mail.points;
            score.add(points, format_args!("disposable_mail"));
        }
        let seconds = details.checkout_seconds;
        if seconds > 0 && seconds <= weights.fast_checkout.seconds {
            score.add(weights.fast_checkout.points, format_args!("fast_checkout"));
        }
        score
    }

    /// Whether the order was in the history already.
    fn add_velocities(&mut self, score: &mut Score, weights: &Weights, facts: &OrderFacts) -> bool {
        let details = &facts.details;
        let second = u32::try_from(facts.accepted_at_ms / 1_000).unwrap_or(u32::MAX);
        let order = short(hash(&facts.order.0));
        let address = letters(&details.shipping_address);
        let velocity = &weights.velocity;
        let customer = (facts.customer != 0).then(|| hash(&(&facts.tenant, facts.customer)));
        let text = |text: &str| (!text.is_empty()).then(|| hash(&(&facts.tenant, text)));
        let mut any_known = false;
        for (name, windows, hash, weight) in [
            ("customer", &mut self.customers, customer, velocity.customer),
            (
                "device",
                &mut self.devices,
                text(&details.device),
                velocity.device,
            ),
            (
                "address",
                &mut self.addresses,
                text(&address),
                velocity.address,
            ),
            (
                "card",
                &mut self.cards,
                text(&details.payment_token),
                velocity.card,
            ),
        ] {
            let Some(hash) = hash else { continue };
            let (count, known) = windows.count(hash, order, second, weight.window_seconds);
            score.add_velocity(name, count, weight);
            any_known |= known;
        }
        any_known
    }

    fn add_amounts(
        &mut self,
        score: &mut Score,
        weights: &Weights,
        facts: &OrderFacts,
        known: bool,
    ) {
        let (unusual, high) = (&weights.amount_unusual, &weights.amount_high);
        let overall = hash(&(&facts.tenant, facts.currency));
        let usual = hash(&(&facts.tenant, facts.currency, facts.customer));
        if facts.customer != 0 && self.usual.is_far_above(usual, facts.total, unusual) {
            score.add(unusual.points, format_args!("amount_unusual"));
        }
        if self.overall.is_far_above(overall, facts.total, high) {
            score.add(high.points, format_args!("amount_high"));
        }
        if known {
            return;
        }
        self.overall.take_in(overall, facts.total);
        if facts.customer != 0 {
            self.usual.take_in(usual, facts.total);
        }
    }
}

/// The same in every process: a score depends on the history alone.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = SipHasher13::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[allow(clippy::cast_possible_truncation)] // half of a hash
fn short(hash: u64) -> u32 {
    hash as u32
}

/// Letters and digits of an address in lower case: how it is set does not matter.
fn letters(lines: &[String]) -> String {
    let characters = lines.iter().flat_map(|line| line.chars());
    characters
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether the address is at a disposable domain or below one.
fn is_disposable(email: &str, more: &[String]) -> bool {
    let Some((_, domain)) = email.rsplit_once('@') else {
        return false;
    };
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let mut rest = domain.as_str();
    loop {
        if DISPOSABLE.lines().any(|known| known == rest) || more.iter().any(|known| known == rest) {
            return true;
        }
        match rest.split_once('.') {
            Some((_, parent)) if parent.contains('.') => rest = parent,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::fraud::tests::facts;
    use crate::types::OrderKey;
    use proptest::prelude::*;

    type Change = fn(&mut OrderFacts);

    fn nth(n: u128) -> OrderFacts {
        let mut facts = facts();
        facts.order = OrderKey(n);
        facts
    }

    fn stranger(n: u64) -> OrderFacts {
        let mut facts = nth(u128::from(n));
        facts.customer = n;
        facts.details.device = format!("device-{n}");
        facts.details.payment_token = format!("pm_{n}");
        facts.details.shipping_address = vec![format!("Street {n}")];
        facts.details.billing_address = vec![format!("street, {n}")];
        facts
    }

    #[test]
    fn every_signal_has_its_points() {
        let weights = Weights::default();
        let cases: [(Change, u8, &str); 7] = [
            (|_| {}, 0, ""),
            (
                |f| f.details.billing_address = vec!["Elsewhere 1".into()],
                15,
                "address_mismatch",
            ),
            (|f| f.details.billing_address.clear(), 0, ""),
            (
                |f| f.details.email = "x@eu.YOPmail.com".into(),
                30,
                "disposable_mail",
            ),
            (|f| f.details.email = "x@notyopmail.com".into(), 0, ""),
            (|f| f.details.checkout_seconds = 3, 20, "fast_checkout"),
            (|f| f.details.checkout_seconds = 0, 0, ""),
        ];
        for (change, points, signals) in cases {
            let mut facts = facts();
            change(&mut facts);
            let score = History::new(10).score(&weights, &facts);
            assert_eq!((score.points, score.signals.as_str()), (points, signals));
        }
    }

    #[test]
    fn each_kind_of_velocity_counts_for_itself() {
        let cases: [(Change, &str); 4] = [
            (|f| f.customer = 7, "velocity_customer=4"),
            (|f| f.details.device = "d".into(), "velocity_device=4"),
            (
                |f| {
                    f.details.shipping_address = vec!["Calle Sol 4".into()];
                    f.details.billing_address = vec!["CALLE SOL, 4".into()];
                },
                "velocity_address=4",
            ),
            (|f| f.details.payment_token = "t".into(), "velocity_card=4"),
        ];
        for (share, signal) in cases {
            let mut history = History::new(100);
            let weights = Weights::default();
            let mut last = Score::default();
            for n in 1..=4 {
                let mut facts = stranger(n);
                share(&mut facts);
                last = history.score(&weights, &facts);
            }
            assert_eq!(last.signals, signal);
        }
    }

    #[test]
    fn a_guest_has_no_velocity_of_its_own() {
        let mut history = History::new(100);
        for n in 1..=10 {
            let mut facts = stranger(n);
            facts.customer = 0;
            assert_eq!(history.score(&Weights::default(), &facts).points, 0);
        }
    }

    #[test]
    fn amounts_are_held_against_customer_and_tenant() {
        let weights = Weights::default();
        let mut history = History::new(1_000);
        for n in 1..=60 {
            history.score(&weights, &stranger(n));
        }
        let mut dear = stranger(100);
        dear.total = 4_470 * 6 + 1;
        assert_eq!(history.score(&weights, &dear).signals, "amount_high");
        let mut history = History::new(1_000);
        for n in 1..=3 {
            let mut facts = stranger(n);
            facts.customer = 5;
            history.score(&weights, &facts);
        }
        let mut dear = stranger(100);
        dear.customer = 5;
        dear.accepted_at_ms += 7_200_000;
        dear.total = 4_470 * 4 + 1;
        assert_eq!(history.score(&weights, &dear).signals, "amount_unusual");
    }

    #[test]
    fn an_order_that_is_scored_again_counts_once() {
        let weights = Weights::default();
        let mut history = History::new(100);
        let first = history.score(&weights, &nth(1));
        for _ in 0..20 {
            assert_eq!(history.score(&weights, &nth(1)), first);
        }
    }

    proptest! {
        #[test]
        fn a_score_depends_on_the_history_alone(
            orders in proptest::collection::vec(
                (1_u64..6, 1_u64..4, 0_u64..100_000, 0_u32..6),
                1..60,
            )
        ) {
            let weights = Weights::default();
            let run = || {
                let mut history = History::new(4);
                let scores: Vec<Score> = orders
                    .iter()
                    .enumerate()
                    .map(|(n, (customer, device, total, seconds))| {
                        let mut facts = stranger(n as u64 + 1);
                        facts.customer = *customer;
                        facts.details.device = format!("d{device}");
                        facts.total = *total;
                        facts.details.checkout_seconds = *seconds;
                        history.score(&weights, &facts)
                    })
                    .collect();
                scores
            };
            let scores = run();
            prop_assert!(scores.iter().all(|score| score.points <= 100));
            prop_assert_eq!(scores, run());
        }
    }
}
