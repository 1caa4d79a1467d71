//! How fast a marketplace is called, and when it is left alone.

/// First pause after a failed call, in milliseconds; each further one is twice as long.
const PAUSE_MS: u64 = 100;

/// Longest pause, in milliseconds.
const PAUSE_MS_MAX: u64 = 30_000;

/// Failures in a row from which a marketplace counts as down: one call at a time tries it.
const DOWN_AFTER: u32 = 5;

/// Wait where a marketplace throttles without saying how long, in milliseconds.
const THROTTLED_MS: u64 = 1_000;

/// The share of a period's calls that may go at once, after a rest.
const BURST_DIVISOR: u64 = 5;

/// The pace of one marketplace's calls. Times are of a monotonic clock, in nanoseconds.
#[derive(Debug)]
pub(super) struct Pace {
    /// Between two calls; 0: no limit.
    interval_ns: u64,
    /// How far calls may run ahead of their interval.
    burst_ns: u64,
    /// When the next call is due, if none were ever made early.
    due_ns: u64,
    /// Before this, none.
    paused_until_ns: u64,
    failures: u32,
}

impl Pace {
    /// At most `calls` in `per_ms`, a fifth of them at once; 0 calls: no limit.
    pub fn new(calls: u32, per_ms: u32) -> Self {
        let calls = u64::from(calls);
        let interval_ns = (u64::from(per_ms) * 1_000_000).checked_div(calls);
        let interval_ns = interval_ns.unwrap_or(0);
        Self {
            interval_ns,
            burst_ns: interval_ns * (calls / BURST_DIVISOR).saturating_sub(1),
            due_ns: 0,
            paused_until_ns: 0,
            failures: 0,
        }
    }

    /// Takes leave for one call, while `out` others are out.
    pub fn take(&mut self, now_ns: u64, out: usize) -> bool {
        let one_only = self.is_down() && out > 0;
        if one_only || now_ns < self.paused_until_ns || now_ns + self.burst_ns < self.due_ns {
            return false;
        }
        self.due_ns = self.due_ns.max(now_ns) + self.interval_ns;
        true
    }

    /// A call was answered.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A call brought nothing: no further one for a while.
    pub fn failed(&mut self, now_ns: u64) {
        let pause_ms = PAUSE_MS << self.failures.min(20);
        self.failures = self.failures.saturating_add(1);
        self.pause(now_ns, pause_ms.min(PAUSE_MS_MAX));
    }

    /// The marketplace wants to be left alone; 0: it does not say how long.
    pub fn throttled(&mut self, now_ns: u64, wait_ms: u64) {
        let wait_ms = if wait_ms == 0 { THROTTLED_MS } else { wait_ms };
        self.pause(now_ns, wait_ms);
    }

    /// True where calls fail one after the other.
    pub fn is_down(&self) -> bool {
        self.failures >= DOWN_AFTER
    }

    fn pause(&mut self, now_ns: u64, ms: u64) {
        let until = now_ns.saturating_add(ms.saturating_mul(1_000_000));
        self.paused_until_ns = self.paused_until_ns.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn taken(pace: &mut Pace, from_ns: u64, for_ns: u64) -> u32 {
        let mut calls = 0;
        for now in (from_ns..from_ns + for_ns).step_by(1_000_000) {
            calls += u32::from(pace.take(now, 0));
        }
        calls
    }

    #[test]
    fn calls_keep_to_their_rate_with_a_fifth_of_it_at_once() {
        let mut pace = Pace::new(10, 1_000);
        assert!(pace.take(SECOND, 0) && pace.take(SECOND, 0));
        assert!(!pace.take(SECOND, 0));
        assert_eq!(taken(&mut pace, SECOND, 10 * SECOND), 99);
        let mut slow = Pace::new(100, 3_600_000);
        assert_eq!(taken(&mut slow, SECOND, 10 * SECOND), 20);
        let mut free = Pace::new(0, 1_000);
        assert_eq!(taken(&mut free, SECOND, SECOND), 1_000);
    }

    #[test]
    fn failures_pause_longer_and_longer_and_then_one_call_tries() {
        let mut pace = Pace::new(0, 1_000);
        let mut now = SECOND;
        for pause_ms in [100, 200, 400, 800, 1_600] {
            assert!(!pace.is_down());
            pace.failed(now);
            assert!(!pace.take(now + pause_ms * 1_000_000 - 1, 0), "{pause_ms}");
            now += pause_ms * 1_000_000;
            assert!(pace.take(now, 0), "{pause_ms}");
        }
        assert!(pace.is_down());
        assert!(!pace.take(now, 1), "one at a time");
        pace.succeeded();
        assert!(!pace.is_down() && pace.take(now, 1));
    }

    #[test]
    fn a_throttled_channel_waits_as_long_as_it_was_told() {
        let mut pace = Pace::new(0, 1_000);
        pace.throttled(SECOND, 2_500);
        assert!(!pace.take(SECOND + 2_499_999_999, 0));
        assert!(pace.take(SECOND + 2_500_000_000, 0));
        pace.throttled(5 * SECOND, 0);
        assert!(!pace.take(5 * SECOND + 999_999_999, 0));
    }
}
