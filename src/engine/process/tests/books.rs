//! What processors know: the other side of the simulation.

use crate::types::OrderKey;
use std::collections::{BTreeMap, BTreeSet};

/// What a processor knows of one authorisation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Money {
    pub authorised: bool,
    pub declined: bool,
    pub voided: bool,
    pub captured: u64,
    pub refunded: u64,
}

/// Both processors' books, by order and number of the authorising effect.
#[derive(Default)]
pub struct Books {
    pub money: BTreeMap<(OrderKey, u16), Money>,
    /// Refunds and captures done, by their own keys; a capture's authorisation.
    pub done: BTreeSet<(OrderKey, u16)>,
    pub captures: BTreeMap<(OrderKey, u16), (OrderKey, u16)>,
    /// Requests to authorise that are still on their way, with the time of their arrival.
    pub landing: Vec<(u64, (OrderKey, u16))>,
}

impl Books {
    /// What was on its way has arrived by now; returns how many payments that made.
    pub fn land(&mut self, now_ms: u64) -> usize {
        let mut landed = 0;
        let arrived = |(at_ms, _): &mut (u64, _)| *at_ms <= now_ms;
        let arrived: Vec<_> = self.landing.extract_if(.., arrived).collect();
        for (_, place) in arrived {
            let money = self.money.entry(place).or_default();
            if !money.declined && !money.voided {
                landed += usize::from(!money.authorised);
                money.authorised = true;
            }
        }
        landed
    }
}
