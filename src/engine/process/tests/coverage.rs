//! What the runs of chaos met.

use super::chaos::Chaos;
use std::collections::BTreeSet;

/// What the runs came through, so that a quiet fixture is noticed.
#[derive(Default, Debug)]
pub struct Coverage {
    pub captured: usize,
    pub voided: usize,
    pub refunded: usize,
    pub landed: usize,
    pub ends: BTreeSet<u8>,
    pub kinds: BTreeSet<u8>,
}

impl Coverage {
    pub(super) fn count(&mut self, chaos: &Chaos, orders: u128) {
        let money = || chaos.books.money.values();
        self.captured += money().filter(|it| it.captured > 0).count();
        self.voided += money().filter(|it| it.voided).count();
        self.refunded += money().filter(|it| it.refunded > 0).count();
        self.landed += chaos.landed;
        let calls = chaos.play.calls.iter();
        self.kinds.extend(calls.map(|call| call.effect.kind as u8));
        for key in 1..=orders {
            self.ends.extend(
                chaos
                    .play
                    .shop
                    .order(key)
                    .map(|(view, ..)| view.state as u8),
            );
        }
    }
}
