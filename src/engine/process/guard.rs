//! When an attempt leaves, and to whom: retries, breakers, backups.

use super::Effect;
use super::breaker::{Permit, SLOW_PROBE_SHARE};
use super::desk::Desk;
use super::effects::{Following, Said};
use crate::engine::record::ProcessRecord;
use crate::types::OrderKey;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, ProviderId};
use crate::types::pipeline::ProcessSettings;
use crate::types::process::{BreakerCause, BreakerState};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

impl Desk<'_> {
    /// Makes way for a call to the provider where its breaker permits one: `None`. Otherwise the
    /// time before which none may leave.
    pub fn open_door(&mut self, provider: ProviderId) -> Option<u64> {
        match self.permit(provider) {
            Permit::Go | Permit::Rather => None,
            Permit::NotBefore(until_ms) => Some(until_ms),
            Permit::Probe => {
                let breaker = self.engine.processes.breaker(provider)?;
                let (to, cause) = (BreakerState::HalfOpen, BreakerCause::OpenTimeOver);
                let changed = breaker.to(provider, to, cause);
                self.emit(ProcessRecord::Breaker(changed));
                None
            }
        }
    }

    pub fn permit(&self, provider: ProviderId) -> Permit {
        let table = &self.engine.processes;
        let breaker = table.breaker(provider);
        breaker.map_or(Permit::NotBefore(u64::MAX >> 16), |breaker| {
            breaker.permit(self.now_ms(), table.settings())
        })
    }

    /// The first provider behind `after` (or the first of all) that takes calls; a slow one only
    /// where no other does.
    pub fn choose(
        &self,
        slot: u32,
        providers: &[ProviderId],
        after: Option<ProviderId>,
    ) -> Option<ProviderId> {
        let salt = self
            .process(slot)
            .map_or(0, |process| spread(process.key, 0));
        let probes = salt.is_multiple_of(SLOW_PROBE_SHARE);
        let tried = after.and_then(|after| providers.iter().position(|it| *it == after));
        let left = providers.get(tried.map_or(0, |at| at + 1)..);
        let left = left.unwrap_or_default();
        let goes = |it: &&ProviderId| match self.permit(**it) {
            Permit::Go | Permit::Probe => true,
            Permit::Rather => probes,
            Permit::NotBefore(_) => false,
        };
        let rather = |it: &&ProviderId| self.permit(**it) == Permit::Rather;
        let found = left.iter().find(goes).or_else(|| left.iter().find(rather));
        found.copied()
    }

    /// Journals what answers made of a breaker's state.
    pub fn settle_breaker(&mut self, provider: ProviderId) {
        let table = &self.engine.processes;
        let Some(breaker) = table.breaker(provider) else {
            return;
        };
        let changed = breaker.change(provider, self.now_ms(), table.settings());
        if let Some(changed) = changed {
            self.emit(ProcessRecord::Breaker(changed));
        }
    }

    /// A probe did not answer in time: the breaker opens again, and the call goes on being waited
    /// for.
    pub fn probe_overdue(&mut self, effect: &Effect) {
        let table = &self.engine.processes;
        let Some(breaker) = table.breaker(effect.provider) else {
            return;
        };
        let of_now = breaker.generation == effect.generation;
        if breaker.state == BreakerState::HalfOpen && of_now {
            let cause = BreakerCause::ProbeFailed;
            let changed = breaker.opened(effect.provider, cause, self.now_ms(), table.settings());
            self.emit(ProcessRecord::Breaker(changed));
        }
    }

    /// Another attempt of the same effect, or `exhausted` where none is left.
    pub fn retry_or(
        &self,
        slot: u32,
        effect: &Effect,
        said: &Said<'_>,
        exhausted: EffectNext,
    ) -> Following {
        let Some(process) = self.process(slot) else {
            return Following::over(exhausted);
        };
        let settings = self.settings(&process.image);
        let made = effect.attempt.saturating_sub(effect.base);
        if made >= attempts_of(effect.kind, settings) || effect.attempt == u8::MAX {
            return Following::over(exhausted);
        }
        let wait_ms = wait_ms(process.key, effect, made, settings).max(said.retry_after_ms);
        Following {
            next: EffectNext::RetryWait,
            due_ms: self.now_ms().saturating_add(wait_ms),
        }
    }

    /// No attempt now: the breaker lets none out before `due_ms`.
    pub fn wait(&mut self, slot: u32, effect: &Effect, due_ms: u64) {
        let Some(process) = self.process(slot) else {
            return;
        };
        // Those that wait for the same moment come one after the other.
        let spread = hash(process.key, effect) % 1_000;
        let following = Following {
            next: EffectNext::RetryWait,
            due_ms: due_ms + spread,
        };
        let said = Said::ours(EffectClass::Retry, "");
        self.ended(slot, effect, &said, following);
    }
}

fn attempts_of(kind: EffectKind, settings: &ProcessSettings) -> u8 {
    let attempts = if kind.is_compensation() || kind == EffectKind::PaymentCapture {
        settings.compensation_attempts
    } else {
        settings.attempts
    };
    attempts.max(1)
}

/// The wait before the next attempt, `made` of which are over.
fn wait_ms(order: OrderKey, effect: &Effect, made: u8, settings: &ProcessSettings) -> u64 {
    let delays = &settings.retry_delays_ms;
    let at = usize::from(made.saturating_sub(1));
    let last = delays.last().copied().unwrap_or(0);
    let doublings = u32::from(made).saturating_sub(3).min(32);
    let longest = settings.compensation_wait_max_ms.max(last);
    let base = delays
        .get(at)
        .copied()
        .unwrap_or(last.saturating_mul(1 << doublings).min(longest));
    let jitter = base * u64::from(settings.jitter_percent.min(100)) / 100;
    base + jitter * (hash(order, effect) % 1_001) / 1_000
}

fn hash(order: OrderKey, effect: &Effect) -> u64 {
    let [low, high] = effect.number.to_le_bytes();
    spread(
        order,
        u32::from_le_bytes([low, high, effect.attempt, effect.waits]),
    )
}

/// Spreads what would otherwise come at once, or to one place; the same on every replay.
fn spread(order: OrderKey, salt: u32) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write_u128(order.0);
    hasher.write_u32(salt);
    hasher.finish()
}
