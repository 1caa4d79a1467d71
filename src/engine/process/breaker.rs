//! One breaker a provider: consecutive failures open it, probes close it again, and answers that
//! take far longer than usual move calls to the backup.
//!
//! ```text
//!            5 counted failures              open time over, somebody asks
//!   CLOSED ──────────────────────▶ OPEN ──────────────────────────────────▶ HALF_OPEN
//!    │  ▲ ▲                          ▲  a probe fails or does not answer       │  │
//!    │  │ │                          └─────────────────────────────────────────┘  │
//!    │  │ └────────────────────────────── all probes succeed ─────────────────────┘
//!    ▼  │ answers are fast again                      ISOLATED: an operator, until reset
//!   SLOW
//! ```
//!
//! What answers did to it follows from the records of effects that ended; its state changes by
//! records of its own. The answer to a call of an earlier generation changes nothing.

use crate::engine::record::BreakerChanged;
use crate::types::effect::ProviderId;
use crate::types::pipeline::ProcessSettings;
use crate::types::process::{BreakerCause, BreakerState};

/// Latencies below this many milliseconds are noise: no baseline is lower.
const BASELINE_MIN_MS: u32 = 5;

/// While slow, one order in so many still goes there, to see whether it is fast again.
pub const SLOW_PROBE_SHARE: u64 = 10;

/// So many fast answers in a row end slowness.
const RECOVERED_ANSWERS: usize = 4;

/// The baseline moves by one part in so many towards each healthy answer.
const BASELINE_PARTS: u32 = 16;

/// Whether a call may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Yes.
    Go,
    /// Yes, once the breaker was set half-open by a record.
    Probe,
    /// Rather to a backup; where there is none, yes.
    Rather,
    /// Not before this time.
    NotBefore(u64),
}

/// The state of one breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    pub state: BreakerState,
    pub generation: u32,
    pub failures: u16,
    pub open_for_ms: u64,
    pub until_ms: u64,
    /// Calls out now.
    pub in_flight: u32,
    /// Probes out, and answered well, in this half-open generation.
    pub probes_out: u8,
    pub probes_good: u8,
    /// A probe of this generation failed.
    pub probe_failed: bool,
    /// Usual latency, times [`BASELINE_PARTS`].
    pub baseline: u32,
    /// Whether each of the latest answers was slow; the newest last.
    pub recent: Vec<bool>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: BreakerState::Closed,
            generation: 0,
            failures: 0,
            open_for_ms: 0,
            until_ms: 0,
            in_flight: 0,
            probes_out: 0,
            probes_good: 0,
            probe_failed: false,
            baseline: 0,
            recent: Vec::new(),
        }
    }
}

impl Breaker {
    /// Usual latency in milliseconds; 0 before the first answer.
    pub fn baseline_ms(&self) -> u32 {
        self.baseline / BASELINE_PARTS
    }

    /// Whether one more call may go out at `now_ms`.
    pub fn permit(&self, now_ms: u64, settings: &ProcessSettings) -> Permit {
        match self.state {
            BreakerState::Closed => Permit::Go,
            BreakerState::Open if now_ms >= self.until_ms => Permit::Probe,
            BreakerState::Open => Permit::NotBefore(self.until_ms),
            BreakerState::HalfOpen => {
                if self.probes_out + self.probes_good < settings.breaker_probes.max(1) {
                    Permit::Go
                } else {
                    Permit::NotBefore(now_ms + settings.breaker_probe_ms.max(1))
                }
            }
            BreakerState::Isolated => Permit::NotBefore(now_ms + settings.breaker_open_max_ms),
            BreakerState::Slow => Permit::Rather,
        }
    }

    /// A call left. True where it is a probe of the half-open breaker.
    pub fn started(&mut self) -> bool {
        self.in_flight += 1;
        let probe = self.state == BreakerState::HalfOpen;
        self.probes_out = self.probes_out.saturating_add(u8::from(probe));
        probe
    }

    /// A call that left in `generation` came back: `counted` as a failure, or with an answer after
    /// `latency_ms`, or (`None`) without saying anything about the provider.
    pub fn ended(
        &mut self,
        generation: u32,
        (counted, latency_ms): (bool, Option<u32>),
        settings: &ProcessSettings,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if generation != self.generation {
            return;
        }
        if self.state == BreakerState::HalfOpen {
            self.probes_out = self.probes_out.saturating_sub(1);
            self.probe_failed |= counted;
            let good = !counted && latency_ms.is_some();
            self.probes_good = self.probes_good.saturating_add(u8::from(good));
        }
        if counted {
            self.failures = self.failures.saturating_add(1);
        } else if let Some(latency_ms) = latency_ms {
            self.failures = 0;
            // 0: a report came before the answer, and nothing was measured.
            if latency_ms > 0 {
                self.note_latency(latency_ms, settings);
            }
        }
    }

    fn note_latency(&mut self, latency_ms: u32, settings: &ProcessSettings) {
        let latency_ms = latency_ms.min(1 << 24);
        if self.baseline == 0 {
            self.baseline = latency_ms.max(1) * BASELINE_PARTS;
        }
        let usual = self.baseline_ms().max(BASELINE_MIN_MS);
        let factor = u32::from(settings.slow_factor);
        let slow = factor > 0 && latency_ms >= usual.saturating_mul(factor);
        if !slow {
            self.baseline = self.baseline - self.baseline / BASELINE_PARTS + latency_ms;
        }
        let window = usize::from(settings.slow_window.clamp(4, 32));
        self.recent.push(slow);
        if self.recent.len() > window {
            let more = self.recent.len() - window;
            self.recent.drain(..more);
        }
    }

    /// What the answers so far make of the state, to be journaled; `None`: nothing.
    pub fn change(
        &self,
        provider: ProviderId,
        now_ms: u64,
        settings: &ProcessSettings,
    ) -> Option<BreakerChanged> {
        let window = usize::from(settings.slow_window.clamp(4, 32));
        let slow = self.recent.iter().filter(|slow| **slow).count();
        let failed = self.failures >= u16::from(settings.breaker_failures.max(1));
        match self.state {
            BreakerState::Closed | BreakerState::Slow if failed => {
                Some(self.opened(provider, BreakerCause::Failures, now_ms, settings))
            }
            BreakerState::HalfOpen if self.probe_failed => {
                Some(self.opened(provider, BreakerCause::ProbeFailed, now_ms, settings))
            }
            BreakerState::HalfOpen if self.probes_good >= settings.breaker_probes.max(1) => {
                Some(self.to(
                    provider,
                    BreakerState::Closed,
                    BreakerCause::ProbesSucceeded,
                ))
            }
            BreakerState::Closed if self.recent.len() >= window && slow * 4 >= window * 3 => {
                Some(self.to(provider, BreakerState::Slow, BreakerCause::Latency))
            }
            BreakerState::Slow => {
                let last = self.recent.iter().rev().take(RECOVERED_ANSWERS);
                let fast = last.filter(|slow| !**slow).count() == RECOVERED_ANSWERS;
                let cause = BreakerCause::LatencyRecovered;
                fast.then(|| self.to(provider, BreakerState::Closed, cause))
            }
            _ => None,
        }
    }

    /// Open, for twice as long as the last time where its probes failed.
    pub fn opened(
        &self,
        provider: ProviderId,
        cause: BreakerCause,
        now_ms: u64,
        settings: &ProcessSettings,
    ) -> BreakerChanged {
        let open_for_ms = if self.state == BreakerState::HalfOpen {
            self.open_for_ms.saturating_mul(2)
        } else {
            settings.breaker_open_ms
        };
        let open_for_ms = open_for_ms.clamp(1, settings.breaker_open_max_ms.max(1));
        BreakerChanged {
            open_for_ms,
            until_ms: now_ms + open_for_ms,
            failures: self.failures,
            ..self.to(provider, BreakerState::Open, cause)
        }
    }

    /// Another state, without a time.
    pub fn to(
        &self,
        provider: ProviderId,
        to: BreakerState,
        cause: BreakerCause,
    ) -> BreakerChanged {
        BreakerChanged {
            provider,
            from: self.state,
            to,
            cause,
            generation: self.generation + 1,
            failures: 0,
            open_for_ms: if to == BreakerState::HalfOpen {
                self.open_for_ms
            } else {
                0
            },
            until_ms: 0,
        }
    }

    /// Takes the new state from its record.
    pub fn apply(&mut self, changed: &BreakerChanged) {
        self.state = changed.to;
        self.generation = changed.generation;
        self.failures = changed.failures;
        self.open_for_ms = changed.open_for_ms;
        self.until_ms = changed.until_ms;
        (self.probes_out, self.probes_good) = (0, 0);
        self.probe_failed = false;
        self.recent.clear();
    }
}
