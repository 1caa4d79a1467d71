//! Two payment processors and one of everything else, as unreliable as a seed makes them.

use crate::sim::prng::{Salt, Stream};
use onhand::engine::process::command::OpenEffect;
use onhand::shard::local::OwnedResult;
use onhand::types::OrderKey;
use onhand::types::effect::{EffectClass, EffectKind, effect_key, of_target_byte};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Our own timeout of a call, in milliseconds.
const TIMEOUT_MS: u64 = 3_000;

/// What a provider may do with a call, in the order of the weights.
const WELL: usize = 0;
const FAILS: usize = 1;
const TIMES_OUT: usize = 2;
const COMMITS_AND_DROPS: usize = 3;
const ANSWERS_LATE: usize = 4;
const ANSWERS_TWICE: usize = 5;
const DECLINES: usize = 6;
const BEHAVIOURS: [u32; 7] = [60, 8, 4, 6, 4, 6, 3];

/// One authorisation at one processor.
#[derive(Clone, Debug, Default)]
pub struct Payment {
    pub order: OrderKey,
    pub authorised: u64,
    pub captured: u64,
    pub captures: u64,
    pub refunded: u64,
    pub voided: bool,
    pub declined: bool,
}

/// An answer on its way.
#[derive(Clone, Debug)]
pub struct Answer {
    pub at_ms: u64,
    pub result: OwnedResult,
}

/// Everything outside.
pub struct Providers {
    stream: Stream,
    weights: Vec<Vec<u32>>,
    /// By processor and idempotency key.
    pub payments: BTreeMap<(u16, String), Payment>,
    /// Refunds by their own key, so that a repeat refunds once.
    refunds: BTreeMap<String, u64>,
    /// Captures by their own key.
    captures: BTreeMap<String, u64>,
    /// Labels and warehouse orders by key: true while they stand.
    pub goods: BTreeMap<String, bool>,
    /// No faults any more.
    pub well: bool,
}

impl Providers {
    pub fn new(seed: u64, count: usize) -> Self {
        let mut stream = Stream::new(seed, Salt::Providers);
        let weights = (0..count).map(|_| stream.swarm(&BEHAVIOURS)).collect();
        Self {
            stream,
            weights,
            payments: BTreeMap::new(),
            refunds: BTreeMap::new(),
            captures: BTreeMap::new(),
            goods: BTreeMap::new(),
            well: false,
        }
    }

    /// Another mood: providers get well and ill during a run.
    pub fn change_mood(&mut self) {
        let at = self.stream.index(self.weights.len());
        self.weights[at] = self.stream.swarm(&BEHAVIOURS);
    }

    /// One attempt that leaves at `now_ms`: what happens there, and the answers that come back.
    pub fn call(&mut self, now_ms: u64, effect: &OpenEffect) -> Vec<Answer> {
        let behaviour = if self.well {
            WELL
        } else {
            let weights = &self.weights[usize::from(effect.provider.0) % self.weights.len()];
            self.stream.weighted(weights)
        };
        let took_ms = self.stream.between(1, 60);
        let answer = |result, took_ms: u64| Answer {
            at_ms: now_ms + took_ms,
            result: OwnedResult {
                latency_ms: u32::try_from(took_ms).unwrap(),
                ..result
            },
        };
        match behaviour {
            FAILS => vec![answer(failed(effect, EffectClass::Retry), took_ms)],
            TIMES_OUT => vec![answer(failed(effect, EffectClass::Unknown), TIMEOUT_MS)],
            COMMITS_AND_DROPS => {
                self.happen(effect);
                vec![answer(failed(effect, EffectClass::Unknown), took_ms)]
            }
            ANSWERS_LATE => {
                let late = self.happen(effect);
                let late_ms = TIMEOUT_MS + self.stream.between(1, 20_000);
                vec![
                    answer(failed(effect, EffectClass::Unknown), TIMEOUT_MS),
                    answer(late, late_ms),
                ]
            }
            ANSWERS_TWICE => {
                let result = self.happen(effect);
                let again_ms = took_ms + self.stream.between(0, 5_000);
                vec![answer(result.clone(), took_ms), answer(result, again_ms)]
            }
            DECLINES if effect.kind == EffectKind::PaymentAuthorise => {
                let key = effect_key(effect.order, effect.kind, effect.number);
                let payment = self.payments.entry((effect.provider.0, key)).or_default();
                payment.order = effect.order;
                let holds = payment.authorised > 0;
                payment.declined |= !holds;
                let result = if holds {
                    self.happen(effect)
                } else {
                    result(effect, EffectClass::Declined)
                };
                vec![answer(result, took_ms)]
            }
            _ => vec![answer(self.happen(effect), took_ms)],
        }
    }

    /// The call is executed there; what it answers.
    fn happen(&mut self, effect: &OpenEffect) -> OwnedResult {
        let key = effect_key(effect.order, effect.kind, effect.number);
        match effect.kind {
            EffectKind::FraudScore => {
                let score = (effect.order.0 % 101) as u8;
                OwnedResult {
                    score,
                    ..result(effect, EffectClass::Done)
                }
            }
            EffectKind::PaymentAuthorise => self.authorise(effect, key),
            EffectKind::PaymentQuery | EffectKind::PaymentVoid => self.about_target(effect),
            EffectKind::PaymentCapture => self.capture(effect, key),
            EffectKind::PaymentRefund => self.refund(effect, key),
            EffectKind::Label | EffectKind::WarehouseOrder => {
                self.goods.insert(key.clone(), true);
                OwnedResult {
                    reference: key,
                    ..result(effect, EffectClass::Done)
                }
            }
            EffectKind::LabelCancel | EffectKind::WarehouseRecall => {
                let stood = self.goods.insert(effect.reference.clone(), false);
                let class = match stood {
                    Some(_) => EffectClass::Done,
                    None => EffectClass::Absent,
                };
                result(effect, class)
            }
            _ => result(effect, EffectClass::Done),
        }
    }

    fn authorise(&mut self, effect: &OpenEffect, key: String) -> OwnedResult {
        let payment = self
            .payments
            .entry((effect.provider.0, key.clone()))
            .or_default();
        payment.order = effect.order;
        if payment.declined {
            return result(effect, EffectClass::Declined);
        }
        if payment.voided {
            return result(effect, EffectClass::Refused);
        }
        payment.authorised = effect.amount;
        OwnedResult {
            amount: effect.amount,
            currency: 978,
            reference: key,
            ..result(effect, EffectClass::Done)
        }
    }

    /// Status queries and voids name their authorisation by its key, or by what it left.
    fn about_target(&mut self, effect: &OpenEffect) -> OwnedResult {
        let kind = of_target_byte(effect.target_kind).0;
        let kind = kind.unwrap_or(EffectKind::PaymentAuthorise);
        let target = effect_key(effect.order, kind, effect.target);
        let found = self.payments.get_mut(&(effect.provider.0, target.clone()));
        let Some(payment) = found.filter(|payment| payment.authorised > 0 || payment.declined)
        else {
            return result(effect, EffectClass::Absent);
        };
        if effect.kind == EffectKind::PaymentVoid {
            if payment.captured > 0 {
                payment.refunded = payment.captured;
            }
            payment.voided = payment.captured == 0;
            return result(effect, EffectClass::Done);
        }
        if payment.declined {
            return result(effect, EffectClass::Declined);
        }
        if payment.voided {
            return result(effect, EffectClass::Absent);
        }
        OwnedResult {
            amount: payment.authorised,
            currency: 978,
            reference: target,
            ..result(effect, EffectClass::Done)
        }
    }

    fn capture(&mut self, effect: &OpenEffect, key: String) -> OwnedResult {
        let found = self
            .payments
            .get_mut(&(effect.provider.0, effect.reference.clone()));
        let Some(payment) = found else {
            return result(effect, EffectClass::Refused);
        };
        if let Entry::Vacant(vacant) = self.captures.entry(key.clone()) {
            if payment.voided || payment.captured > 0 || effect.amount > payment.authorised {
                return result(effect, EffectClass::Refused);
            }
            vacant.insert(effect.amount);
            payment.captured = effect.amount;
            payment.captures += 1;
        }
        OwnedResult {
            amount: effect.amount,
            currency: 978,
            reference: key,
            ..result(effect, EffectClass::Done)
        }
    }

    fn refund(&mut self, effect: &OpenEffect, key: String) -> OwnedResult {
        let mut of_order = self.payments.iter_mut();
        let found = of_order.find(|((provider, _), payment)| {
            *provider == effect.provider.0 && payment.order == effect.order && payment.captured > 0
        });
        let Some((_, payment)) = found else {
            return result(effect, EffectClass::Refused);
        };
        if let Entry::Vacant(vacant) = self.refunds.entry(key) {
            if payment.refunded + effect.amount > payment.captured {
                return result(effect, EffectClass::Refused);
            }
            vacant.insert(effect.amount);
            payment.refunded += effect.amount;
        }
        OwnedResult {
            amount: effect.amount,
            currency: 978,
            ..result(effect, EffectClass::Done)
        }
    }

    /// No order is captured twice, at one processor or at two.
    pub fn check_captures(&self) {
        let mut captured: BTreeMap<OrderKey, u64> = BTreeMap::new();
        for ((provider, key), payment) in &self.payments {
            let here = captured.entry(payment.order).or_default();
            *here += payment.captures;
            assert!(
                *here <= 1,
                "order {} is captured {} times, lastly at {provider} under {key}",
                payment.order,
                *here
            );
        }
    }

    /// Money that the buyer of an order is without in the end, and authorisations left open.
    pub fn balance(&self, order: OrderKey) -> (u64, u64) {
        let of_order = self.payments.values().filter(|p| p.order == order);
        of_order.fold((0, 0), |(paid, open), payment| {
            let open_here = !payment.voided && payment.captured == 0 && payment.authorised > 0;
            (
                paid + payment.captured - payment.refunded,
                open + u64::from(open_here),
            )
        })
    }
}

fn result(effect: &OpenEffect, class: EffectClass) -> OwnedResult {
    OwnedResult {
        order: effect.order,
        number: effect.number,
        attempt: effect.attempt,
        class,
        counted: false,
        retry_after_ms: 0,
        latency_ms: 0,
        status: 200,
        amount: 0,
        currency: 0,
        score: 255,
        reference: String::new(),
        code: String::new(),
        message: String::new(),
        withdrew: false,
    }
}

fn failed(effect: &OpenEffect, class: EffectClass) -> OwnedResult {
    OwnedResult {
        counted: true,
        status: 503,
        ..result(effect, class)
    }
}
