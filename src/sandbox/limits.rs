//! Rate limits: the providers' real figures, off unless asked for.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Whether requests are limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limiting {
    /// Every request is served.
    #[default]
    Off,
    /// The providers' documented limits hold.
    Real,
}

/// One limit of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Which operation it counts; `None`: all.
    pub operation: Option<&'static str>,
    /// Whether every operation has a count of its own.
    pub each: bool,
    /// The most requests in a window.
    pub most: u32,
    /// The window's length in milliseconds.
    pub window_ms: u64,
}

impl Limit {
    /// `most` requests of all operations together in each window.
    #[must_use]
    pub const fn all(most: u32, window_ms: u64) -> Self {
        Self {
            operation: None,
            each: false,
            most,
            window_ms,
        }
    }

    /// `most` requests of each operation in each window.
    #[must_use]
    pub const fn each(most: u32, window_ms: u64) -> Self {
        Self {
            operation: None,
            each: true,
            most,
            window_ms,
        }
    }

    /// `most` requests of one operation in each window.
    #[must_use]
    pub const fn of(operation: &'static str, most: u32, window_ms: u64) -> Self {
        Self {
            operation: Some(operation),
            each: false,
            most,
            window_ms,
        }
    }
}

/// Where a limit stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitState {
    /// The most requests in a window.
    pub most: u32,
    /// How many are left in this one.
    pub remaining: u32,
    /// Milliseconds until the window ends.
    pub reset_ms: u64,
    /// The window's length in milliseconds.
    pub window_ms: u64,
}

/// All limits of all providers, in windows that start with their first request.
#[derive(Debug, Default)]
pub struct Limits {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    limiting: Limiting,
    windows: HashMap<(&'static str, usize, &'static str), Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start_ms: u64,
    used: u32,
}

impl Limits {
    /// Limits that are off or on.
    #[must_use]
    pub fn new(limiting: Limiting) -> Self {
        let limits = Self::default();
        limits.set(limiting);
        limits
    }

    /// Switches the limits; every window starts anew.
    pub fn set(&self, limiting: Limiting) {
        *self.state.lock() = State {
            limiting,
            windows: HashMap::new(),
        };
    }

    /// Whether the limits are on.
    #[must_use]
    pub fn get(&self) -> Limiting {
        self.state.lock().limiting
    }

    /// Counts a request: `Ok(None)` while limits are off or none applies, `Ok` with the tightest
    /// limit, or `Err` with the limit that refuses it.
    pub(super) fn take(
        &self,
        provider: &'static str,
        limits: &[Limit],
        operation: &'static str,
        now_ms: u64,
    ) -> Result<Option<LimitState>, LimitState> {
        let mut state = self.state.lock();
        if state.limiting == Limiting::Off {
            return Ok(None);
        }
        let mut tightest: Option<LimitState> = None;
        for (index, limit) in limits.iter().enumerate() {
            if limit.operation.is_some_and(|only| only != operation) {
                continue;
            }
            let scope = if limit.each { operation } else { "" };
            let window = state
                .windows
                .entry((provider, index, scope))
                .or_insert(Window {
                    start_ms: now_ms,
                    used: 0,
                });
            if now_ms.saturating_sub(window.start_ms) >= limit.window_ms {
                *window = Window {
                    start_ms: now_ms,
                    used: 0,
                };
            }
            let refused = window.used >= limit.most;
            window.used = window.used.saturating_add(u32::from(!refused));
            let at = LimitState {
                most: limit.most,
                remaining: limit.most - window.used,
                reset_ms: (window.start_ms + limit.window_ms).saturating_sub(now_ms),
                window_ms: limit.window_ms,
            };
            if refused {
                return Err(at);
            }
            if tightest.is_none_or(|found| at.remaining < found.remaining) {
                tightest = Some(at);
            }
        }
        Ok(tightest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_refuses_after_its_last_request_and_serves_again_when_it_ends() {
        let limits = Limits::new(Limiting::Real);
        let rules = [Limit::each(2, 1_000)];
        assert!(limits.take("p", &rules, "a", 0).is_ok());
        assert!(limits.take("p", &rules, "a", 10).is_ok());
        let refused = limits.take("p", &rules, "a", 20).unwrap_err();
        assert_eq!((refused.remaining, refused.reset_ms), (0, 980));
        assert!(limits.take("p", &rules, "b", 20).is_ok(), "its own count");
        assert!(limits.take("p", &rules, "a", 1_000).is_ok());
        limits.set(Limiting::Off);
        assert_eq!(limits.take("p", &rules, "a", 0), Ok(None));
    }
}
